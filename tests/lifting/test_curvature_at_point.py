"""The Hessian at lifted points by Kronecker powers, against explicit tensors and closed forms."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.lifting import LiftedProblem, MemoryLimitExceeded, least_curvature_at_point
from lift_compare.lifting.kronecker import hessian
from lift_compare.lifting.kronecker.matrices import PointMatrices
from lift_compare.lifting.kronecker.recognition import lifted_point
from tests.lifting import explicit
from tests.lifting.conftest import SMALL
from tests.lifting.test_cost import entrywise, rank_one, traced_peak

CASES = [
    name for name, (problem, order) in SMALL.items() if math.prod(problem.shape) ** order < 800
]


def explicit_hessian(problem, order, X):
    """∇²h^l(ŵ) as a matrix, column by column, from the definition."""
    w = explicit.power(X, order)
    identity = np.eye(w.size).reshape(-1, *w.shape)
    return np.array([explicit.hessian_product(problem, order, w, e).ravel() for e in identity])


def symmetric_basis(d, order):
    """An orthonormal basis of the symmetric tensors, by averaging unit tensors over all orders."""
    rows = []
    for index in itertools.combinations_with_replacement(range(d), order):
        tensor = np.zeros((d,) * order)
        for permuted in set(itertools.permutations(index)):
            tensor[permuted] = 1.0
        rows.append(tensor.ravel() / np.linalg.norm(tensor))
    return np.array(rows)


@pytest.mark.parametrize("dense", [True, False], ids=["dense", "Lanczos"])
@pytest.mark.parametrize("name", CASES)
def test_it_is_the_least_eigenpair_of_the_explicit_hessian(name, dense, monkeypatch):
    monkeypatch.setattr(hessian, "DENSE", 1024 if dense else 0)
    problem, order = SMALL[name]
    X = np.random.default_rng(0).standard_normal(problem.shape)
    H = explicit_hessian(problem, order, X)
    basis = symmetric_basis(math.prod(problem.shape), order)
    scale = np.abs(np.linalg.eigvalsh(H)).max()
    for symmetric, matrix in ((False, H), (True, basis @ H @ basis.T)):
        found = least_curvature_at_point(problem, X, order, symmetric=symmetric)
        # The error of a Rayleigh quotient is at most the residual, 1e-9 here (and its square over
        # the gap, which is what is met).
        least = np.linalg.eigvalsh(matrix)[0]
        assert found.value == pytest.approx(least, abs=(1e-13 if dense else 2e-9) * scale)
        assert found.stop_reason is sensing.StopReason.CONVERGED
        v = found.direction
        assert v.shape == (math.prod(problem.shape),) * order
        assert np.linalg.norm(v) == pytest.approx(1, abs=1e-13)
        assert v.flat[np.argmax(np.abs(v))] > 0
        error = np.linalg.norm(H @ v.ravel() - found.value * v.ravel())
        assert error <= found.residual + 1e-13 * scale
        assert found.residual <= 1e-8 * scale
        if symmetric:
            turned = [v.transpose(axes) for axes in itertools.permutations(range(order))]
            assert max(np.abs(v - t).max() for t in turned) < 1e-14
        V = np.random.default_rng(1).standard_normal(problem.shape)
        inner = np.sum(v * explicit.power(V, order))
        size = np.linalg.norm(V) ** order
        assert found.along(V) == pytest.approx(inner, abs=1e-14 * order * size)


@pytest.mark.parametrize("groups", [(1, 1, 1), (2, 1), (1, 2), (3,)])
def test_symmetric_tensors_are_found_in_any_groups(groups, monkeypatch):
    """The isometry into tensors of several groups, against the dense search."""
    problem = sensing.gaussian(4, 1, 5, seed=3)
    X = np.random.default_rng(1).standard_normal((4, 1))
    dense = least_curvature_at_point(problem, X, 3, symmetric=True)
    chosen = hessian.HessianPlan(4, 3, True, groups, 20, dense=False)
    monkeypatch.setattr("lift_compare.lifting.curvature.at_point.plan", lambda *_: chosen)
    found = least_curvature_at_point(problem, X, 3, symmetric=True)
    assert found.value == pytest.approx(dense.value, rel=1e-9)
    np.testing.assert_allclose(found.direction, dense.direction, atol=1e-6)


@pytest.mark.parametrize("name", SMALL)
def test_products_at_lifted_points_are_those_of_the_definition(name):
    problem, order = SMALL[name]
    rng = np.random.default_rng(2)
    X = rng.standard_normal(problem.shape)
    direction = rng.standard_normal((math.prod(problem.shape),) * order)
    want = explicit.hessian_product(problem, order, explicit.power(X, order), direction)
    got = hessian.hessian_product_at(problem, X, order, direction)
    # A chain of l products of d×d matrices: some l d ε of the largest entry that may appear.
    allowed = 1e-14 * order * math.prod(problem.shape) * np.abs(want).max()
    np.testing.assert_allclose(got, want, rtol=0, atol=allowed)


def test_every_eigenvalue_over_all_tensors_is_one_over_tensors_with_grouped_modes():
    """Schur–Weyl: d groups as equal as can be have all eigenvalues, with other multiplicities."""
    for problem, order in ((sensing.two_by_two(), 5), (sensing.real_system(), 5)):
        X = np.random.default_rng(3).standard_normal(problem.shape)
        planned = hessian.plan(problem, order, False, 10**9)
        assert planned.unknowns < problem.n**order
        matrices = PointMatrices.at(problem, X)
        small = np.linalg.eigvalsh(hessian.KroneckerHessian(matrices, planned).matrix())
        full = np.zeros((problem.n**order,) * 2)
        for weight, M in ((2, matrices.first), (-2, matrices.second), (4, matrices.third)):
            power = np.eye(1)
            for _ in range(order):
                power = np.kron(power, M)
            full += weight * power
        # The distance of two spectra as sets, either way, is rounding of the largest (4).
        distances = np.abs(np.linalg.eigvalsh(full)[:, None] - small)
        assert distances.min(axis=1).max() < 1e-13
        assert distances.min(axis=0).max() < 1e-13


def test_published_point_of_the_real_system():
    """docs/theory.md, section 10: a strict saddle from order 9 on, along a symmetric tensor."""
    system = sensing.instance("real-system")
    X = sensing.polish(system.problem, system.known_point)
    for order, value in ((3, 6.90e-3), (5, 1.29e-4), (7, 1.47e-6), (9, -5.569e-8)):
        found = least_curvature_at_point(system.problem, X, order)
        assert found.value == pytest.approx(value, rel=4e-3)  # three printed digits
        symmetric = least_curvature_at_point(system.problem, X, order, symmetric=True)
        assert symmetric.value == pytest.approx(found.value, rel=1e-9)


@pytest.mark.parametrize("order", [7, 51, 101])
@pytest.mark.parametrize("symmetric", [False, True])
def test_high_orders_against_a_closed_form(order, symmetric):
    """Where N₁, N₂ and P are diagonal, so is the Hessian: entries 2 (Π n₁ − Π n₂ + 2 Π p).

    The 2×2 example at X = (0, x) is of this kind.
    """
    problem, X = sensing.two_by_two(), np.array([[0.0], [0.9]])
    A, b = problem.operator.matrices(), problem.measurements
    N1, N2, P = (
        np.einsum("i,iab->ab", A[:, 1, 1] * 0.81, A),
        np.einsum("i,iab->ab", b, A),
        sum(0.81 * np.outer(a[:, 1], a[:, 1]) for a in A),
    )
    k = np.arange(order + 1)
    terms = []
    for M in (N1, N2, P):
        assert np.abs(M - np.diag(np.diag(M))).max() < 1e-16
        terms.append(M[0, 0] ** k * M[1, 1] ** (order - k))
    values = 2 * (terms[0] - terms[1] + 2 * terms[2])
    found = least_curvature_at_point(problem, X, order, symmetric=symmetric)
    assert found.value == pytest.approx(values.min(), rel=1e-14 * order)
    assert values.min() < 0


@pytest.mark.parametrize("units", [(1e-60, 1.0), (1e100, 1e-45), (1.0, 1e-40), (1e70, 1.0)])
def test_any_scale_of_the_data(units):
    """A of scale s, X of scale t and b of scale s t²: ∇²h^l is of scale (s t)^{2l}."""
    s, t = units
    problem = sensing.gaussian(3, 1, 5, seed=4)
    X = np.random.default_rng(5).standard_normal((3, 1))
    scaled = sensing.SensingProblem(
        sensing.DenseOperator(s * problem.operator.matrices()), s * t**2 * problem.measurements
    )
    for order in (1, 3):
        want = least_curvature_at_point(problem, X, order).value
        if abs(2 * order * math.log10(s * t)) < 300:
            with np.errstate(all="raise"):
                got = least_curvature_at_point(scaled, t * X, order)
            assert got.value == pytest.approx(want * (s * t) ** (2 * order), rel=1e-12)
        else:
            with pytest.raises(OverflowError, match="X: the least curvature leaves the range"):
                least_curvature_at_point(scaled, t * X, order)


def test_a_point_where_the_hessian_is_zero():
    """A*(b) = 0 and X = 0: no direction curves."""
    operator = sensing.DenseOperator([[[1, 0], [0, 0]], [[1, 0], [0, 0]]])
    problem = sensing.SensingProblem(operator, [1.0, -1.0])
    for order in (3, 21):
        found = least_curvature_at_point(problem, np.zeros((2, 1)), order, symmetric=True)
        assert found.value == 0
        assert found.stop_reason is sensing.StopReason.CONVERGED


def test_the_truth_is_a_minimiser_at_every_order():
    """∇²h^l = 4 P^{⊗l} there: nothing below rounding of the two powers that cancel."""
    problem = sensing.gaussian(4, 2, 9, seed=1)
    for order in (1, 3):
        for symmetric in (False, True):
            found = least_curvature_at_point(
                problem, problem.ground_truth, order, symmetric=symmetric
            )
            scale = np.linalg.norm(problem.measurements) ** (2 * order)
            assert found.value > -1e-12 * scale


def test_symmetric_tensors_curve_no_less_than_all():
    """And where all tensors curve less, the direction is not symmetric (n = 4, m = 5)."""
    lower = 0
    for seed in range(12):
        problem = sensing.gaussian(4, 1, 5, seed=seed)
        X = np.random.default_rng(seed).standard_normal((4, 1))
        everything = least_curvature_at_point(problem, X, 3)
        symmetric = least_curvature_at_point(problem, X, 3, symmetric=True)
        assert everything.value <= symmetric.value + 1e-12 * abs(symmetric.value)
        if everything.value < symmetric.value - 1e-6 * abs(symmetric.value):
            lower += 1
            v = everything.direction
            mean = sum(v.transpose(axes) for axes in itertools.permutations(range(3))) / 6
            assert np.linalg.norm(mean) < 1e-6
    assert 0 < lower < 12


def test_it_is_deterministic_under_its_seed():
    problem = sensing.gaussian(12, 1, 15, seed=0)
    X = np.random.default_rng(1).standard_normal((12, 1))
    first, again = (least_curvature_at_point(problem, X, 3, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.direction, again.direction)
    assert first.value == again.value
    other = least_curvature_at_point(problem, X, 3, seed=6)
    assert other.value == pytest.approx(first.value, rel=1e-9)


def test_a_search_that_is_cut_short_says_so_with_its_residual():
    problem = sensing.gaussian(12, 1, 15, seed=0)
    X = np.random.default_rng(2).standard_normal((12, 1))
    found = least_curvature_at_point(problem, X, 3, max_iterations=1, tolerance=1e-12)
    assert found.stop_reason is sensing.StopReason.ITERATIONS
    H = LiftedProblem(problem, 3, form="residual")
    v = found.direction
    error = H.hessian_product(H.lift(X), v) - found.value * v
    assert found.residual == pytest.approx(np.linalg.norm(error), rel=1e-9)


def test_bad_arguments_are_refused_by_name():
    problem, X = sensing.two_by_two(), [[1.0], [2.0]]
    refused = [
        (ValueError, r"X: expected an array of shape \(2, 1\)", {"X": [1.0, 2.0]}),
        (ValueError, "X: expected finite", {"X": [[np.nan], [1.0]]}),
        (ValueError, "order: expected an odd", {"order": 2}),
        (ValueError, "order: expected a whole number of at most 1001", {"order": 1003}),
        (TypeError, "symmetric: expected True or False, got 'yes'", {"symmetric": "yes"}),
        (ValueError, "tolerance: expected", {"tolerance": 0.0}),
        (ValueError, "max_iterations: expected", {"max_iterations": 0}),
        (TypeError, "seed: expected", {"seed": 0.5}),
        (ValueError, "memory_limit: expected", {"memory_limit": -1}),
        (TypeError, "problem: expected a SensingProblem, got list", {"problem": [1]}),
    ]
    for kind, message, change in refused:
        arguments = {"problem": problem, "X": X, "order": 3} | change
        with pytest.raises(kind, match=message):
            least_curvature_at_point(**arguments)
    found = least_curvature_at_point(problem, X, 3)
    with pytest.raises(ValueError, match="V: expected 2 entries"):
        found.along(np.ones((3, 1)))


def test_symmetric_tensors_of_many_modes_are_not_searched_in_one_group():
    """Building Sym⁷(M), 11,440 × 11,440, would take far longer than the search in two halves."""
    planned = hessian.plan(sensing.gaussian(10, 1, 12, seed=0), 7, True, 10**10)
    assert planned.unknowns == 11_440
    assert planned.groups == (4, 3)


# Memory ------------------------------------------------------------------------------------------

BUDGETS = {
    "two-by-two l=7": (sensing.two_by_two(), 7),
    "two-by-two l=31": (sensing.two_by_two(), 31),
    "real system l=5": (sensing.real_system(), 5),
    "real system l=9": (sensing.real_system(), 9),
    "real system l=13": (sensing.real_system(), 13),
    "gaussian n=16 l=3": (sensing.gaussian(16, 1, 32, seed=0), 3),
    "gaussian n=6 r=2 l=3": (sensing.gaussian(6, 2, 18, seed=0), 3),
    "gaussian n=10 l=5": (sensing.gaussian(10, 1, 12, seed=0), 5),
    "gaussian n=60 r=2 l=1": (sensing.gaussian(60, 2, 60, seed=0), 1),
    "rank one n=5 r=2 l=3": (rank_one(5, 12, 2), 3),
    "entrywise n=80 l=1": (entrywise(80, 1), 1),
    "entrywise n=12 l=3": (entrywise(12, 1), 3),
}


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("name", BUDGETS)
def test_the_predicted_peak_is_within_a_factor_of_the_traced_one(name, symmetric):
    problem, order = BUDGETS[name]
    X = np.random.default_rng(2).standard_normal(problem.shape)
    predicted = hessian.plan(problem, order, symmetric, 10**10).bytes(problem)

    def search():
        budget = {"memory_limit": predicted, "tolerance": 1e-15, "max_iterations": 2}
        least_curvature_at_point(problem, X, order, symmetric=symmetric, **budget)

    peak = traced_peak(search)
    assert peak / 1.5 < predicted < 1.5 * peak


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("order", [11, 63, 65, 1001])
def test_what_does_not_fit_is_refused_before_it_is_allocated(order, symmetric):
    problem = sensing.gaussian(12, 1, 100, seed=0)
    tracemalloc.start()
    try:
        with pytest.raises(MemoryLimitExceeded, match=f"order {order}: the Hessian on") as refusal:
            least_curvature_at_point(
                problem, np.ones((12, 1)), order, symmetric=symmetric, memory_limit=10**6
            )
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()
    assert refusal.value.predicted_bytes > refusal.value.allowed_bytes == 10**6


def test_a_direction_is_formed_when_it_is_asked_for_and_fits():
    problem = sensing.two_by_two()
    found = least_curvature_at_point(problem, [[0.0], [0.9]], 65)
    with pytest.raises(ValueError, match="order: expected at most 63"):
        _ = found.direction
    assert found.eigenvector.coefficients.shape == (34, 33)
    found = least_curvature_at_point(problem, [[0.0], [0.9]], 63)
    with pytest.raises(MemoryLimitExceeded, match="order 63: the full tensor"):
        _ = found.direction
    # Its closed form has the power of e₁ as the least direction.
    assert found.along([[1.0], [0.0]]) == pytest.approx(1)


# Lifted points are recognised --------------------------------------------------------------------


@pytest.mark.parametrize("order", [1, 3, 5])
def test_lifted_points_are_recognised_and_nothing_else_is(order):
    rng = np.random.default_rng(6)
    for scale in (1e-50, 1.0, 1e50):
        x = scale * rng.standard_normal(4)
        w = explicit.power(x, order)
        np.testing.assert_allclose(lifted_point(w), x, rtol=1e-13)
    x[[0, 2]] = 0.0
    np.testing.assert_allclose(lifted_point(explicit.power(x, order)), x, rtol=1e-13)
    assert not np.any(lifted_point(np.zeros((4,) * order)))
    if order == 1:
        return  # every vector is a point
    w = explicit.power(rng.standard_normal(4), order)
    for index in itertools.product(range(4), repeat=order):
        other = w.copy()
        other[index] += 1e-11 * np.abs(w).max()
        assert lifted_point(other) is None
    assert lifted_point(rng.standard_normal((4,) * order)) is None
    assert lifted_point(w + explicit.power(rng.standard_normal(4), order)) is None
    off_diagonal = np.zeros((4,) * order)
    off_diagonal[0, 1] = 1.0
    assert lifted_point(off_diagonal) is None
    assert lifted_point(np.full((4,) * order, np.nan)) is None


def test_hessian_products_at_lifted_points_agree_with_every_form():
    problem, order = sensing.gaussian(5, 1, 12, seed=0), 3
    lifted = LiftedProblem(problem, order)
    rng = np.random.default_rng(7)
    w, direction = lifted.lift(rng.standard_normal((5, 1))), rng.standard_normal(lifted.shape)
    got = lifted.hessian_product(w, direction)
    for form in ("residual", "normal"):
        want = LiftedProblem(problem, order, form=form).hessian_product(w, direction)
        assert not np.array_equal(got, want), "another way was taken"
        np.testing.assert_allclose(got, want, atol=1e-12 * np.abs(want).max())
    moved = w + 1e-9 * direction
    want = LiftedProblem(problem, order, form=lifted.cost.form).hessian_product(moved, direction)
    np.testing.assert_array_equal(lifted.hessian_product(moved, direction), want)


def test_the_least_curvature_at_a_recognised_point_is_that_of_the_products():
    problem, order = sensing.gaussian(6, 1, 8, seed=2), 3
    lifted = LiftedProblem(problem, order, form="residual")
    X = np.random.default_rng(8).standard_normal((6, 1))
    w = lifted.lift(X)
    found = lifting.least_curvature(lifted, w)
    direct = least_curvature_at_point(problem, X, order)
    assert found.value == pytest.approx(direct.value, rel=1e-13)
    image = lifted.hessian_product(w, found.direction)
    scale = np.linalg.norm(image) / abs(found.value)
    assert scale == pytest.approx(1, abs=1e-10)
    # A tensor beside it is searched by products, and has nearly the same curvature.
    beside = lifting.least_curvature(lifted, w + 1e-7 * np.abs(w).max())
    assert beside.value == pytest.approx(found.value, rel=1e-5)
    assert beside.value != found.value
