"""Lifted curvature along a power, against explicit tensors and a brute-force search for the
saddle order."""

from fractions import Fraction
from functools import reduce

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import curvature_along, escape_directions, smallest_saddle_order
from lift_compare.simulated.points.curvature import curvature_terms, order_along
from tests.simulated.points import published_point


def explicit_value(problem, w, order):
    A = [np.kron(a, np.eye(problem.rank)) for a in problem.operator.matrices()]
    operators, b = [np.eye(1)], [1.0]
    for _ in range(order):
        operators = [np.kron(x, a) for x in operators for a in A]
        b = [x * y for x in b for y in problem.measurements]
    return 0.5 * np.sum((np.array(operators) @ w @ w - b) ** 2)


@pytest.mark.parametrize(
    ("n", "r", "m", "order"), [(2, 1, 3, 3), (3, 1, 2, 3), (2, 2, 3, 3), (2, 1, 2, 5), (3, 2, 4, 1)]
)
def test_curvature_is_the_second_difference_of_the_lifted_objective(n, r, m, order):
    problem = sensing.gaussian(n, r, m, seed=n + r + order)
    rng = np.random.default_rng(3)
    X, D = rng.standard_normal((2, n, r)) / np.sqrt(n)  # the formula needs no stationary point
    a, d = (reduce(np.kron, [x.reshape(-1)] * order) for x in (X, D))
    # h is a quartic along the line, so five points give its second derivative exactly.
    t = np.array([-2.0, -1, 0, 1, 2])
    values = [explicit_value(problem, a + s * d, order) for s in t]
    quadratic = np.polynomial.polynomial.polyfit(t, values, 4)[2]
    assert curvature_along(problem, X, D, order) == pytest.approx(
        2 * quadratic, rel=1e-8, abs=1e-10 * max(values)
    )


def test_the_three_terms_are_inner_products_of_measurements():
    """⟨A(DDᵀ), A(XXᵀ)⟩, ⟨A(DDᵀ), b⟩ and ‖A(XDᵀ)‖², written out; tiny ones beside others are 0."""
    problem = sensing.gaussian(4, 2, 5, 1)
    A, b = problem.operator.matrices(), problem.measurements
    X, D = np.random.default_rng(2).standard_normal((2, 4, 2))
    DD, XX, XD = (np.einsum("ijk,jr,kr->i", A, L, R) for L, R in ((D, D), (X, X), (X, D)))
    found = curvature_terms(problem, X, D)
    assert pytest.approx((DD @ XX, DD @ b, XD @ XD), rel=1e-12) == (found.K1, found.K2, found.K3)
    assert curvature_terms(problem, 0 * X, D) == pytest.approx((0, DD @ b, 0), rel=1e-12)
    tiny = curvature_terms(problem, 1e-160 * X, D)
    assert pytest.approx((0, 0), abs=1e-300) == (tiny.K1, tiny.K3)
    with pytest.raises(OverflowError, match="a term of the curvature is about 1e6"):
        curvature_terms(problem, 1e150 * X, 1e150 * D)


def test_curvature_at_high_order_is_refused_where_it_does_not_fit():
    problem = sensing.perturbed_completion(5, 0.3)
    X, D = np.ones((5, 1)), np.eye(5)[:, :1] * 3
    with pytest.raises(OverflowError, match="curvature"):
        curvature_along(problem, X, D, 1001)
    assert curvature_along(problem, X / 4, D / 9, 1001) == pytest.approx(0, abs=1e-300)


def brute_force(K1, K2, K3, largest):
    """Return the order by exact rational arithmetic."""
    K1, K2, K3 = Fraction(K1), Fraction(K2), Fraction(K3)
    return next((o for o in range(1, largest + 1, 2) if K1**o + 2 * K3**o < K2**o), None)


@pytest.mark.parametrize("seed", range(30))
def test_smallest_saddle_order_equals_exact_arithmetic(seed):
    rng = np.random.default_rng(seed)
    n, r = int(rng.integers(2, 5)), int(rng.integers(1, 3))
    problem = sensing.gaussian(n, r, n * r + 1, seed)
    X, D = rng.standard_normal((2, n, r)) * [[[1.0]], [[rng.uniform(0.05, 1.0)]]]
    A = problem.operator
    DD, XD = A.measure(D, D), A.measure(X, D)
    K = (DD @ A.measure(X, X), DD @ problem.measurements, XD @ XD)
    assert smallest_saddle_order(problem, X, direction=D, largest=41) == brute_force(*K, 41)


def test_orders_of_every_kind_occur():
    """The instances of the test above contain 1, larger orders and None."""
    found = set()
    for seed in range(30):
        rng = np.random.default_rng(seed)
        n, r = int(rng.integers(2, 5)), int(rng.integers(1, 3))
        problem = sensing.gaussian(n, r, n * r + 1, seed)
        X, D = rng.standard_normal((2, n, r)) * [[[1.0]], [[rng.uniform(0.05, 1.0)]]]
        found.add(smallest_saddle_order(problem, X, direction=D, largest=41))
    assert {1, None} < found
    assert len(found) > 2


def test_the_order_is_that_of_the_sign_of_the_curvature():
    _, problem, X, _ = published_point("perturbed-completion")
    X = sensing.polish(problem, X)
    visible = escape_directions(problem, X).visible
    order = smallest_saddle_order(problem, X)
    assert (
        curvature_along(problem, X, visible, order)
        < 0
        < curvature_along(problem, X, visible, order - 2)
    )


def test_nothing_measured_gives_no_order():
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.DenseOperator([np.diag([1.0, 0.0])]), [[1.0], [0.0]]
    )
    assert smallest_saddle_order(problem, [[1.0], [0.0]], direction=[[0.0], [1.0]]) is None


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"largest": 0}, ValueError, "largest"),
        ({"largest": 2.5}, TypeError, "largest"),
        ({"direction": [[1.0]]}, ValueError, "direction"),
    ],
)
def test_bad_input_is_refused(kwargs, error, message):
    with pytest.raises(error, match=message):
        smallest_saddle_order(sensing.two_by_two(), [[0.0], [2**-0.5]], **kwargs)
    with pytest.raises(ValueError, match="order"):
        curvature_along(sensing.two_by_two(), [[0.0], [2**-0.5]], [[1.0], [0.0]], 4)


def along(K1, K2, K3, scale=1.0):
    """Return a problem, X = e₂ and D = e₁ with these ⟨A(DDᵀ), A(XXᵀ)⟩, ⟨A(DDᵀ), b⟩, ‖A(XDᵀ)‖²."""
    A = np.zeros((3, 3, 3))
    A[0] = np.diag([1.0, K1, 0.0])
    A[1, 0, 1] = A[1, 1, 0] = np.sqrt(K3)
    A[2, 2, 2] = 1.0  # so that b is not zero
    b = scale**2 * np.array([K2, 0.0, 1.0])
    problem = sensing.SensingProblem(sensing.DenseOperator(A), b, rank=1)
    return problem, scale * np.eye(3)[:, 1:2], np.eye(3)[:, :1]


@pytest.mark.parametrize(
    ("terms", "order"),
    [
        ((0.5, 1.0, 0.0), 1),
        ((0.0, 1.0, 0.45), 1),
        ((0.0, 1.0, 0.5), 3),  # 2 · 0.5 = 1 at order 1
        ((0.0, 1.0, 0.79), 3),  # 2 · 0.79³ < 1
        ((0.0, 1.0, 0.8), 5),  # 2 · 0.8³ > 1 > 2 · 0.8⁵
        ((0.9, 1.0, 0.9), 11),  # 3 · 0.9ˡ < 1
        ((1.5, 1.0, 0.0), None),
        ((0.0, 0.0, 1.0), None),
        ((0.0, -1.0, 0.0), None),
        ((-1.0, 0.0, 0.0), 1),
        # Differences of 1ˡ and (1 − δ)ˡ are l δ, and rounding 2 l NOISE.
        ((1 - 1e-12, 1.0, 0.0), 1),
        ((1 - 1e-13, 1.0, 0.0), None),
        ((1.0, 1.0, 0.0), None),
        ((0.0, 0.0, 0.0), None),
    ],
)
@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e150])
def test_the_order_along_a_direction_with_given_terms(terms, order, scale):
    with np.errstate(all="raise"):
        assert order_along(*along(*terms, scale), 1001) == order
    if order is not None:  # the largest one is looked at, and none beyond it
        assert order_along(*along(*terms, scale), order) == order
        assert order == 1 or order_along(*along(*terms, scale), order - 2) is None
