"""h on a subspace of its points, against h itself."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from lift_compare import sensing
from tests.catalogue import small_problems

PROBLEMS = small_problems()


@pytest.fixture(params=PROBLEMS, name="problem")
def _problem(request):
    return PROBLEMS[request.param]


def basis_of(problem, k, seed=0):
    return np.random.default_rng(seed).standard_normal((k, *problem.shape))


def test_its_matrices_are_those_of_the_definition(problem):
    k = min(3, problem.n * problem.rank)
    E = basis_of(problem, k)
    small = sensing.compress(problem, E)
    assert (small.n, small.m, small.rank, small.ground_truth) == (k, problem.m, 1, None)
    np.testing.assert_array_equal(small.measurements, problem.measurements)
    want = np.einsum("iab,jar,kbr->ijk", problem.operator.matrices(), E, E)
    got = small.operator.matrices()
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-13 * np.abs(want).max())


def test_objective_and_derivatives_are_those_on_the_subspace(problem):
    k = min(3, problem.n * problem.rank)
    E = basis_of(problem, k, seed=1)
    small = sensing.compress(problem, E)
    c, d = np.random.default_rng(2).standard_normal((2, k, 1))
    X, D = np.tensordot(c[:, 0], E, 1), np.tensordot(d[:, 0], E, 1)
    assert small.objective(c) == pytest.approx(problem.objective(X), rel=1e-12)
    scale = np.abs(problem.gradient(X)).sum() * np.abs(E).max()
    want = np.tensordot(E, problem.gradient(X), 2)
    np.testing.assert_allclose(small.gradient(c)[:, 0], want, rtol=0, atol=1e-13 * scale)
    scale = np.abs(problem.hessian_product(X, D)).sum() * np.abs(E).max()
    want = np.tensordot(E, problem.hessian_product(X, D), 2)
    got = small.hessian_product(c, d)[:, 0]
    np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * scale)


def test_a_basis_of_the_whole_space_loses_nothing():
    problem = PROBLEMS["gaussian_r2"]
    d = problem.n * problem.rank
    small = sensing.compress(problem, np.eye(d).reshape(d, *problem.shape))
    X = np.random.default_rng(3).standard_normal(problem.shape)
    assert small.objective(X.reshape(d, 1)) == pytest.approx(problem.objective(X), rel=1e-13)


@pytest.mark.parametrize("kind", ["entrywise", "rank one"])
def test_nothing_of_size_n_times_n_is_formed(kind):
    n = 20_000
    rng = np.random.default_rng(4)
    if kind == "entrywise":
        entries = (np.ones(3 * n), rng.integers(0, n, (2, 3 * n)))
        operator = sensing.EntrywiseOperator(sparse.coo_array(entries, shape=(n, n)))
    else:
        operator = sensing.RankOneOperator(rng.standard_normal((50, n)))
    problem = sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, 1)))
    E = np.linalg.qr(rng.standard_normal((n, 3)))[0].T[..., None]
    tracemalloc.start()
    small = sensing.compress(problem, E)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6 < 8 * n**2 / 50
    c = rng.standard_normal((3, 1))
    X = np.tensordot(c[:, 0], E, 1)
    assert small.objective(c) == pytest.approx(problem.objective(X), rel=1e-11)


def test_an_operator_that_knows_no_batches_will_do():
    class Own:
        n, m = 3, 2
        A = np.array([np.diag([1.0, 2.0, 0.0]), np.ones((3, 3))])

        def measure(self, left, right):
            return np.array([np.sum(a * (left @ right.T)) for a in self.A])

        def adjoint_matmul(self, y, right):
            return np.tensordot(y, self.A, 1) @ right

        def matrices(self):
            return self.A

    E = np.random.default_rng(5).standard_normal((2, 3, 1))
    got = sensing.compress(sensing.SensingProblem(Own(), [1.0, 2.0]), E).operator.matrices()
    want = np.einsum("iab,jar,kbr->ijk", Own.A, E, E)
    np.testing.assert_allclose(got, want, atol=1e-13 * np.abs(want).max())


def test_any_scale_of_the_basis():
    problem = sensing.gaussian(4, 1, 5, seed=6)
    E = np.random.default_rng(7).standard_normal((2, 4, 1))
    plain = sensing.compress(problem, E).operator.matrices()
    scales = np.array([1e-120, 1e120])
    with np.errstate(all="raise"):
        scaled = sensing.compress(problem, scales[:, None, None] * E).operator.matrices()
    np.testing.assert_allclose(scaled, plain * np.multiply.outer(scales, scales), rtol=1e-14)
    with pytest.raises(OverflowError, match=r"basis: .* leaves the range"):
        sensing.compress(problem, 1e200 * E)
    with pytest.raises(OverflowError, match=r"basis: .* below the range"):
        sensing.compress(problem, 1e-200 * E)


def test_bad_bases_are_refused_by_name():
    problem = sensing.gaussian(4, 2, 5, seed=8)
    E = np.random.default_rng(9).standard_normal((3, 4, 2))
    refused = [
        (r"basis: expected an array of shape \(any, 4, 2\)", E[0]),
        (r"basis: expected an array of shape \(any, 4, 2\)", E[:, :3]),
        (r"basis: expected an array of shape \(any, 4, 2\)", np.zeros((0, 4, 2))),
        ("basis: expected finite numbers", np.where(E > 1, np.nan, E)),
        ("independent matrices, got 4 of rank 3", np.concatenate([E, E[:1] - 3 * E[1:2]])),
        ("independent matrices, got 2 of rank 1", [E[0], 1e-30 * E[0]]),
        (r"independent matrices, got basis\[1\] = 0", [E[0], 0 * E[0]]),
        ("at most n r = 8 matrices", np.random.default_rng(0).standard_normal((9, 4, 2))),
    ]
    for message, basis in refused:
        with pytest.raises(ValueError, match=message):
            sensing.compress(problem, basis)
    with pytest.raises(TypeError, match="basis: expected real numbers"):
        sensing.compress(problem, E * 1j)
    with pytest.raises(TypeError, match="problem: expected a SensingProblem"):
        sensing.compress(E, E)
    # Nearly dependent matrices, and matrices of very different lengths, are a basis.
    for basis in ([E[0], E[0] + 1e-8 * E[1]], [E[0], 1e-200 * E[1]]):
        assert sensing.compress(problem, basis).n == 2


@pytest.mark.parametrize(
    ("others", "angle", "independent"),
    [(0, 1.5e-10, False), (0, 3e-10, True), (1, 2e-9, True), (1, 1e-10, False)],
)
def test_dependence_is_that_of_matrices_of_unit_length(others, angle, independent):
    """Two unit matrices at a small angle have singular values √2 and angle/√2: a ratio angle/2.

    With a third, orthogonal to both, and of any length and shape, nothing changes.
    """
    n = 400
    problem = sensing.SensingProblem(sensing.RankOneOperator(np.ones((1, n))), [1.0])
    E = np.zeros((2 + others, n, 1))
    E[0, 0], E[1, 0], E[1, 1] = 1.0, np.cos(angle), np.sin(angle)
    E[2:, 2:] = 0.9
    if independent:
        assert sensing.compress(problem, E).n == len(E)
    else:
        with pytest.raises(ValueError, match=f"got {len(E)} of rank {len(E) - 1}"):
            sensing.compress(problem, E)
