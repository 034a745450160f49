"""Spectral data, polish and the RIP bound against dense linear algebra and published numbers."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize

from lift_compare import sensing
from lift_compare.sensing import (
    DenseOperator,
    EntrywiseOperator,
    SensingProblem,
    polish,
    relative_gradient_norm,
    rip,
    rip_lower_bound,
)
from lift_compare.sensing.spectrum import last_singular_triplet, least_eigenpairs
from lift_compare.sensing.tolerances import STATIONARY
from tests.catalogue import PUBLISHED_NUMBERS, small_problems


@pytest.mark.parametrize("name", small_problems())
def test_least_eigenpairs_are_those_of_the_dense_matrix(name: str) -> None:
    problem = small_problems()[name]
    X = np.random.default_rng(3).standard_normal(problem.shape)
    residual = problem.operator.measure(X, X) - problem.measurements
    G = np.einsum("i,iab->ab", residual, problem.operator.matrices())
    pairs = least_eigenpairs(problem, X, problem.n)
    np.testing.assert_allclose(
        pairs.values, np.linalg.eigvalsh(G), atol=1e-12 * (1 + np.abs(G).max())
    )
    np.testing.assert_allclose(
        G @ pairs.vectors, pairs.vectors * pairs.values, atol=1e-11 * (1 + np.abs(G).max())
    )
    np.testing.assert_allclose(pairs.vectors.T @ pairs.vectors, np.eye(problem.n), atol=1e-12)


@pytest.mark.parametrize(("n", "count"), [(1, 1), (3, 1), (4, 1), (9, 2), (40, 10), (80, 2)])
@pytest.mark.parametrize("spectrum", ["separate", "tied", "zero"])
def test_few_eigenpairs_of_a_known_spectrum(n: int, count: int, spectrum: str) -> None:
    rng = np.random.default_rng(n)
    expected = {
        "separate": np.arange(n) - n / 3,
        "tied": np.where(np.arange(n) < 3, -2.0, 1.0),  # the least eigenvalue is a multiple one
        "zero": np.zeros(n),
    }[spectrum]
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    G = (Q * expected) @ Q.T
    weights = np.ones((n, n))
    X = rng.standard_normal((n, 1))
    # With unit weights A is the identity, so G(X) = XXᵀ − b.
    problem = SensingProblem(EntrywiseOperator(weights), (X @ X.T - (G + G.T) / 2).ravel())
    pairs = least_eigenpairs(problem, X, count)
    np.testing.assert_allclose(pairs.values, expected[:count], atol=1e-12 * n)
    np.testing.assert_allclose(G @ pairs.vectors, pairs.vectors * expected[:count], atol=1e-12 * n)
    np.testing.assert_allclose(pairs.vectors.T @ pairs.vectors, np.eye(count), atol=1e-12)


def test_lanczos_agrees_with_dense() -> None:
    rng = np.random.default_rng(0)
    n = 600
    weights = sparse.random_array(
        (n, n), density=0.02, random_state=rng, data_sampler=rng.standard_normal
    )
    problem = SensingProblem.from_ground_truth(
        EntrywiseOperator(weights), rng.standard_normal((n, 2))
    )
    X = rng.standard_normal((n, 2))
    pairs = least_eigenpairs(problem, X, 3)
    values, vectors = np.linalg.eigh(problem.landscape(X) @ np.eye(n))
    np.testing.assert_allclose(pairs.values, values[:3], rtol=1e-10)
    np.testing.assert_allclose(np.abs(np.sum(pairs.vectors * vectors[:, :3], axis=0)), 1, rtol=1e-8)
    np.testing.assert_array_equal(pairs.vectors, least_eigenpairs(problem, X, 3).vectors)


def test_last_singular_triplet_skips_zeros_and_is_signed() -> None:
    X = np.outer([3.0, 4.0, 0.0], [0.6, -0.8])
    triplet = last_singular_triplet(X)
    assert triplet.value == pytest.approx(5)
    np.testing.assert_allclose(X @ triplet.q, triplet.value * triplet.v)
    assert triplet.q[np.argmax(np.abs(triplet.q))] > 0
    full = last_singular_triplet(np.diag([3.0, 2.0]))
    assert full.value == pytest.approx(2)
    with pytest.raises(ValueError, match="X = 0"):
        last_singular_triplet(np.zeros((3, 2)))


def test_published_spectral_numbers() -> None:
    for name, key in (
        ("two-by-two", "two_by_two"),
        ("perturbed-completion", "perturbed_completion_3"),
    ):
        printed = PUBLISHED_NUMBERS[key]["printed"]
        X = sensing.instance(name).point
        assert least_eigenpairs(sensing.instance(name).problem, X).values[0] == pytest.approx(
            printed["lambda_n"], abs=5e-6
        )
        assert last_singular_triplet(X).value == pytest.approx(printed["sigma_r"], abs=5e-7)


def test_polish_reaches_the_exact_stationary_point() -> None:
    problem = sensing.perturbed_completion()
    X = polish(problem, sensing.instance("perturbed-completion").point)
    exact = PUBLISHED_NUMBERS["perturbed_completion_3"]["recomputed"]["exact_stationary_point"]
    np.testing.assert_allclose(X[:, 0], exact, rtol=0, atol=5e-9)
    assert relative_gradient_norm(problem, X) < 1e-15


def test_polish_works_at_any_rank() -> None:
    for seed in range(4):
        problem = sensing.gaussian(6, 3, 25, seed)
        start = np.random.default_rng(seed).standard_normal(problem.shape)
        rough = sensing.gradient_descent(problem, start, step_size=0.02, max_iterations=5000).point
        assert relative_gradient_norm(problem, polish(problem, rough)) < 1e-13
        assert relative_gradient_norm(problem, polish(problem, polish(problem, rough))) < 1e-13


def test_polish_refuses_what_it_cannot_make_stationary() -> None:
    """From a random start the steps may end anywhere: at a stationary point, or with a refusal."""
    refusals = []
    for seed in range(6):
        problem = sensing.gaussian(6, 3, 25, seed)
        start = np.random.default_rng(seed).standard_normal(problem.shape)
        try:
            point = polish(problem, start)
        except ValueError as refusal:
            refusals.append(str(refusal))
        else:
            assert relative_gradient_norm(problem, point) <= STATIONARY
    assert refusals, "the refusal was never met"
    assert all(line.startswith("X: expected a point near a stationary one") for line in refusals)
    with pytest.raises(OverflowError, match="X: ∇h"):
        polish(sensing.real_system(), np.full((3, 1), 1e150))


def test_relative_gradient_norm_has_no_unit() -> None:
    problem = sensing.gaussian(4, 2, 9, 2)
    X = np.random.default_rng(0).standard_normal(problem.shape)
    scaled = SensingProblem(
        DenseOperator(10 * problem.operator.matrices()), 1000 * problem.measurements, 2
    )
    assert relative_gradient_norm(scaled, 10 * X) == pytest.approx(
        relative_gradient_norm(problem, X), rel=1e-10
    )
    assert relative_gradient_norm(problem, np.zeros(problem.shape)) == 0


LBFGS = 1e-6  # it ends at a step that gains less than 2.2e-9; some hundred more would gain this


class TestRIP:
    def test_full_rank_is_exact(self) -> None:
        # ‖A(M)‖² over symmetric M with ‖M‖ = 1: eigenvalues 1 and ε² of the weights squared.
        assert rip_lower_bound(
            sensing.perturbed_completion(4, 0.3).operator, 4, samples=1, seed=0
        ) == pytest.approx(1 - 0.09, rel=1e-10)
        printed = PUBLISHED_NUMBERS["two_by_two"]["printed"]["rip_lower_bound_rank2"]
        assert rip_lower_bound(
            sensing.two_by_two().operator, 2, samples=1, seed=0
        ) == pytest.approx(printed)

    def test_the_published_sample_of_perturbed_completion_is_below_the_exact_value(self) -> None:
        printed = PUBLISHED_NUMBERS["perturbed_completion_3"]["printed"][
            "rip_lower_bound_full_rank_symmetric"
        ]
        ours = rip_lower_bound(sensing.perturbed_completion().operator, 3, samples=1, seed=0)
        assert printed < ours == pytest.approx(0.91, rel=1e-10)

    def test_rank_one_against_a_fine_grid(self) -> None:
        operator = sensing.gaussian(2, 1, 4, 3).operator
        angle = np.linspace(0, np.pi, 20_001)
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1)[:, :, None]
        quotients = np.sum(operator.measure(x, x) ** 2, axis=1)
        best = max(quotients.max() - 1, 1 - quotients.min())
        assert rip_lower_bound(operator, 1, samples=10, seed=0) == pytest.approx(best, abs=1e-6)

    def test_it_grows_with_the_rank_and_beats_plain_sampling(self) -> None:
        operator = sensing.gaussian(6, 1, 30, 0).operator
        bounds = [rip_lower_bound(operator, p, samples=8, seed=0) for p in (1, 2, 6)]
        assert bounds[0] <= bounds[1] <= bounds[2]
        rng = np.random.default_rng(1)
        for _ in range(200):
            L = rng.standard_normal((6, 2))
            quotient = np.sum(operator.measure(L, L) ** 2) / np.linalg.norm(L @ L.T) ** 2
            assert abs(quotient - 1) <= bounds[1]

    @pytest.mark.parametrize("rank", [1, 2, 3])
    @pytest.mark.parametrize("scale", [1.0, 64.0])
    def test_a_single_start_reaches_a_maximum_that_is_known(self, rank: int, scale: float) -> None:
        """A(M) = ⟨B, M⟩: by Eckart and Young the largest quotient is that of B cut to rank p."""
        B, values = symmetric_matrix()
        operator = DenseOperator(scale * B[None])
        expected = scale**2 * np.sum(values[:rank] ** 2) - 1
        for seed in range(2):
            found = rip_lower_bound(operator, rank, samples=1, seed=seed)
            assert found == pytest.approx(expected, rel=LBFGS)
            assert found <= expected * (1 + 1e-12)

    @pytest.mark.parametrize("rank", [1, 2, 3])
    def test_a_single_start_reaches_a_minimum_that_is_known(self, rank: int) -> None:
        """‖A(M)‖² = ‖M‖² − ⟨B, M⟩² / ‖B‖²: the least quotient is where the part along B is most."""
        B, values = symmetric_matrix()
        n = len(B)
        unit = B / np.linalg.norm(B)
        symmetric = [np.outer(e, f) + np.outer(f, e) for e, f in _pairs(np.eye(n))]
        basis = [E / np.linalg.norm(E) for E in symmetric]
        operator = DenseOperator(np.array([E - np.sum(E * unit) * unit for E in basis]))
        expected = np.sum(values[:rank] ** 2) / np.sum(values**2)
        for seed in range(2):
            found = rip_lower_bound(operator, rank, samples=1, seed=seed)
            assert found == pytest.approx(expected, rel=LBFGS)
            assert found <= expected * (1 + 1e-12)

    def test_the_search_is_given_the_gradient_of_its_value(self, monkeypatch) -> None:
        """Along (E, T) from (L, S), S and T symmetric and L not orthonormal, by differences."""
        searches = []

        def search(function, start, **settings):
            searches.append(function)
            return minimize(function, start, **settings)

        monkeypatch.setattr(rip, "minimize", search)
        n, p, rng = 5, 2, np.random.default_rng(2)
        operator = DenseOperator(10 * sensing.gaussian(n, 1, 9, 1).operator.matrices())
        rip_lower_bound(operator, p, samples=1, seed=0, max_iterations=1)
        assert len(searches) == 2, "of the largest quotient and of the least"
        for function in searches:
            (L, S), (E, T) = ((rng.standard_normal((n, p)), np.eye(p) + k) for k in (0.5, 2.0))
            for D in (np.concatenate([E.ravel(), 0 * T.ravel()]), [0.0] * n * p + [*T.ravel()]):
                z, step = np.concatenate([L.ravel(), S.ravel()]), 1e-4 * np.asarray(D)
                difference = (function(z + step)[0] - function(z - step)[0]) / 2
                assert difference == pytest.approx(function(z)[1] @ step, rel=1e-5)

    def test_more_iterations_come_closer(self) -> None:
        B, values = symmetric_matrix()
        few, more, enough = (
            rip_lower_bound(DenseOperator(B[None]), 1, samples=1, seed=0, max_iterations=k)
            for k in (1, 3, 200)
        )
        assert few < more < enough * (1 - 1e-6) < values[0] ** 2 - 1

    def test_more_iterations_than_none_are_asked_for(self) -> None:
        operator = sensing.two_by_two().operator
        with pytest.raises(ValueError, match=r"max_iterations: expected .* at least 1"):
            rip_lower_bound(operator, 1, samples=1, seed=0, max_iterations=0)


def symmetric_matrix() -> tuple[np.ndarray, np.ndarray]:
    """Return a positive definite matrix of side 6, and its eigenvalues, the largest first."""
    values = np.array([3.0, 2.0, 1.5, 0.5, 0.2, 0.1])
    Q = np.linalg.qr(np.random.default_rng(8).standard_normal((6, 6)))[0]
    B = (Q * values) @ Q.T
    return (B + B.T) / 2, values


def _pairs(vectors: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(e, f) for k, e in enumerate(vectors) for f in vectors[: k + 1]]


def test_bad_input_is_refused() -> None:
    problem = sensing.real_system()
    with pytest.raises(ValueError, match="count: expected at most n = 3"):
        least_eigenpairs(problem, np.ones((3, 1)), 4)
    with pytest.raises(ValueError, match="X: expected an array"):
        least_eigenpairs(problem, np.ones((2, 1)))
    with pytest.raises(ValueError, match="samples"):
        rip_lower_bound(problem.operator, 1, samples=0, seed=0)
    with pytest.raises(ValueError, match="rank"):
        rip_lower_bound(problem.operator, 0, samples=1, seed=0)


@pytest.mark.parametrize("start", [100.0, 0.1, -1e-3])
def test_polish_with_a_single_variable(start: float) -> None:
    problem = SensingProblem.from_ground_truth(EntrywiseOperator([[2.0]]), [[1.5]])
    reached = abs(polish(problem, [[start]])[0, 0])
    assert min(reached, abs(reached - 1.5)) < 1e-12, "0 and ±3/2 are the stationary points"
