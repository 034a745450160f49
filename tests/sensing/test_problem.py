"""h, its derivatives and the distance, against explicit matrices and differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_compare import sensing
from lift_compare.sensing import DenseOperator, SensingProblem, check_gradient, check_hessian
from tests.catalogue import small_problems

PROBLEMS = small_problems()


@pytest.fixture(params=PROBLEMS, name="problem")
def _problem(request) -> SensingProblem:
    return PROBLEMS[request.param]


def test_objective_and_landscape_are_their_definitions(problem: SensingProblem) -> None:
    X = np.random.default_rng(0).standard_normal(problem.shape)
    A = problem.operator.matrices()
    residual = np.einsum("iab,ab->i", A, X @ X.T) - problem.measurements
    assert problem.objective(X) == pytest.approx(0.5 * residual @ residual, rel=1e-12)
    G = np.einsum("i,iab->ab", residual, A)
    np.testing.assert_allclose(
        problem.landscape(X) @ np.eye(problem.n), G, atol=1e-12 * (1 + np.abs(G).max())
    )
    np.testing.assert_allclose(
        problem.landscape(X) @ X[:, 0], G @ X[:, 0], atol=1e-12 * (1 + np.abs(G).max())
    )
    np.testing.assert_allclose(problem.gradient(X), 2 * G @ X, atol=1e-12 * (1 + np.abs(G).max()))


def test_derivatives_agree_with_differences(problem: SensingProblem) -> None:
    for seed in range(3):
        X = np.random.default_rng(seed).standard_normal(problem.shape)
        assert check_gradient(problem, X, seed=seed) < 1e-12
        assert check_hessian(problem, X, seed=seed) < 1e-12


def test_wrong_derivatives_are_caught() -> None:
    class Wrong(SensingProblem):
        def gradient(self, X):
            return 1.001 * super().gradient(X)

    good = sensing.real_system()
    wrong = Wrong(good.operator, good.measurements)
    X = np.array([[0.3], [0.2], [-0.9]])
    assert check_gradient(wrong, X) > 1e-6
    assert check_hessian(wrong, X) > 1e-6


def test_hessian_product_is_symmetric(problem: SensingProblem) -> None:
    X, D, E = np.random.default_rng(1).standard_normal((3, *problem.shape))
    left, right = (
        np.sum(E * problem.hessian_product(X, D)),
        np.sum(D * problem.hessian_product(X, E)),
    )
    assert left == pytest.approx(right, rel=1e-10, abs=1e-10)


def test_a_batch_gives_what_single_points_give(problem: SensingProblem) -> None:
    batch = np.random.default_rng(2).standard_normal((4, *problem.shape))
    values, gradients = problem.objective_and_gradient(batch)
    for X, value, gradient in zip(batch, values, gradients, strict=True):
        assert value == pytest.approx(problem.objective(X), rel=1e-12)
        np.testing.assert_allclose(gradient, problem.gradient(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(problem.objective(batch), values)
    if problem.ground_truth is not None:
        np.testing.assert_allclose(
            problem.distance(batch), [problem.distance(X) for X in batch], rtol=1e-12
        )


@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 6), r=st.integers(1, 4), rz=st.integers(1, 4), seed=st.integers(0, 10**6))
def test_distance_is_the_norm_of_the_difference(n: int, r: int, rz: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    Z, X = rng.standard_normal((n, rz)), rng.standard_normal((n, min(r, n)))
    problem = SensingProblem.from_ground_truth(DenseOperator(np.eye(n)[None]), Z, rank=min(r, n))
    assert problem.distance(X) == pytest.approx(np.linalg.norm(X @ X.T - Z @ Z.T), rel=1e-12)


def test_distance_keeps_its_digits_near_the_truth() -> None:
    problem = sensing.perturbed_completion(10, 0.2)
    Z = problem.ground_truth
    assert problem.distance(Z) < 1e-14
    # ‖(1+t)² ZZᵀ − ZZᵀ‖ = (2t + t²) ‖ZZᵀ‖; a difference of Gram matrices would lose it below t =
    # 1e-8.
    assert problem.distance((1 + 1e-12) * Z) == pytest.approx(2e-12 * 5, rel=1e-2)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"operator": np.eye(3)}, TypeError, "operator: expected a sensing operator"),
        ({"measurements": np.zeros(6)}, ValueError, "measurements: expected a nonzero vector"),
        (
            {"measurements": np.ones(5)},
            ValueError,
            "measurements: expected an array of shape \\(6\\)",
        ),
        ({"measurements": np.full(6, np.nan)}, ValueError, "measurements: expected finite"),
        ({"rank": 4}, ValueError, "rank: expected at most n = 3, got 4"),
        ({"rank": 0}, ValueError, "rank: expected a whole number of at least 1"),
        ({"rank": 1.5}, TypeError, "rank: expected a whole number"),
        ({"rank": True}, TypeError, "rank"),
        ({"ground_truth": np.ones((2, 1))}, ValueError, "ground_truth"),
    ],
)
def test_bad_problems_are_refused_by_name(change, error, message) -> None:
    good = sensing.real_system()
    arguments = {"operator": good.operator, "measurements": good.measurements, "rank": 1} | change
    with pytest.raises(error, match=message):
        SensingProblem(**arguments)


@pytest.mark.parametrize(
    ("given", "got"),
    [
        (3, "got int"),
        (sensing.two_by_two().operator, "got DenseOperator"),
        (sensing.instance("two-by-two"), "got Instance, which holds one: give its .problem"),
    ],
)
def test_what_is_no_problem_is_refused_with_what_may_hold_one(given, got: str) -> None:
    with pytest.raises(TypeError) as caught:
        sensing.polish(given, [[1.0], [0.0]])
    assert str(caught.value) == f"problem: expected a SensingProblem, {got}"


def test_bad_points_are_refused_by_name() -> None:
    problem = sensing.real_system()
    for call in (problem.objective, problem.gradient, problem.landscape, problem.distance):
        with pytest.raises(ValueError, match="X: expected an array of shape"):
            call(np.ones((2, 1)))
    with pytest.raises(ValueError, match="D: expected"):
        problem.hessian_product(np.ones((3, 1)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="Z: expected"):
        SensingProblem.from_ground_truth(problem.operator, [1.0, 0, 0])
    with pytest.raises(TypeError, match="operator"):
        SensingProblem.from_ground_truth("A", [[1.0]])
    unknown = SensingProblem(problem.operator, problem.measurements)
    with pytest.raises(ValueError, match="ground_truth"):
        unknown.distance(np.ones((3, 1)))
    assert "ground truth unknown" in repr(unknown)


def test_values_are_floats_and_those_of_a_batch_an_array(problem: SensingProblem) -> None:
    X = np.random.default_rng(4).standard_normal(problem.shape)
    known = problem.ground_truth is not None
    values = [problem.objective(X), problem.objective_and_gradient(X)[0]]
    values += [problem.distance(X)] if known else []
    assert {type(value) for value in values} == {float}
    assert type(problem.objective_or_inf(X)) is float
    batch = [problem.objective(X[None]), problem.objective_and_gradient(X[None])[0]]
    batch += [problem.distance(X[None])] if known else []
    assert [value.shape for value in batch] == [(1,)] * len(batch)


def test_the_repr_of_a_problem_says_whether_its_truth_is_known() -> None:
    known = sensing.two_by_two()
    assert repr(known) == (
        "SensingProblem(DenseOperator(n=2, m=3), rank=1, ground truth of shape (2, 1))"
    )
    unknown = SensingProblem(known.operator, [1.0, 2.0, 3.0], 2)
    assert repr(unknown) == (
        "SensingProblem(DenseOperator(n=2, m=3), rank=2, ground truth unknown)"
    )
