"""The Hessian at lifted points by Kronecker powers, against explicit tensors and closed forms."""

import itertools
import math
import tracemalloc

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.lifting import LiftedProblem, MemoryLimitExceeded, least_curvature_at_point
from lift_compare.lifting.curvature.result import measured
from lift_compare.lifting.kronecker import hessian
from lift_compare.lifting.kronecker.groups import GroupedTensor, groups_flops
from lift_compare.lifting.kronecker.matrices import (
    BLOCK_NUMBERS,
    PointMatrices,
    matrices_bytes,
    matrices_flops,
)
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


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("order", [1, 3])
def test_points_where_a_single_one_of_the_three_matrices_is_not_zero(order, symmetric):
    """N₂ at X = 0, where the Hessian is −2 N₂^{⊗l}; and P for A*(b) = 0 and A(XXᵀ) = 0, where it is
    4 P^{⊗l} and P = 2 (1, −1)(1, −1)ᵀ."""
    A = np.array([[[1.0, 0.0], [0.0, -1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    problem = sensing.SensingProblem(sensing.DenseOperator(A), [0.3, 0.4])  # N₂: ±½
    found = least_curvature_at_point(problem, np.zeros((2, 1)), order, symmetric=symmetric)
    assert found.value == pytest.approx(-2 * 0.5**order, rel=1e-14)
    assert found.stop_reason is sensing.StopReason.CONVERGED
    problem = sensing.SensingProblem(sensing.DenseOperator(A[[0, 0]]), [1.0, -1.0])
    found = least_curvature_at_point(problem, np.ones((2, 1)), order, symmetric=symmetric)
    assert found.value == pytest.approx(0, abs=4e-15 * 4**order)
    assert found.along(np.array([1.0, -1.0]) / np.sqrt(2)) == pytest.approx(0, abs=1e-14)


POINT = np.array([[1.0], [2.0], [-3.0]])
UNITS = {  # of A and of b, whether A*(b) is zero, and X
    "all of one size": (1.0, 1.0, False, POINT),
    "N₁ and P large": (1.0, 1.0, False, 2.0**10 * POINT),
    "N₂ large": (1.0, 2.0**30, False, POINT),
    "X = 0": (1.0, 1.0, False, 0 * POINT),
    "A*(b) = 0": (2.0**-100, 1.0, True, POINT),
    "X = 0, A*(b) = 0": (1.0, 1.0, True, 0 * POINT),
    "small data": (2.0**-250, 2.0**-200, False, 2.0**-30 * POINT),
}


@pytest.mark.parametrize("least", [-9, 0])
@pytest.mark.parametrize("name", UNITS)
def test_the_largest_of_the_three_matrices_has_norm_one_in_their_unit(name, least):
    """Each matrix is measured twice, with b or −b in the second half; whole numbers are exact."""
    s, t, opposite, X = UNITS[name]
    A = np.random.default_rng(4).integers(least, 10, (5, 3, 3)) * 1.0
    A = s * np.concatenate([A + A.transpose(0, 2, 1)] * 2)
    b = np.array([3.0, -10.0, 5.0, 20.0, -7.0])
    b = t * np.concatenate([b, -b if opposite else b])
    problem = sensing.SensingProblem(sensing.DenseOperator(A), b)
    got = PointMatrices.at(problem, X)
    B = np.einsum("iab,bs->ias", A, X).reshape(10, 3)
    want = (
        np.einsum("i,iab->ab", np.einsum("iab,as,bs->i", A, X, X), A),
        np.einsum("i,iab->ab", b, A),
        B.T @ B,
    )
    parts = (got.first, got.second, got.third)
    assert 0.5 <= got.mantissa < 1
    largest = max(np.linalg.norm(M, 2) for M in parts)
    assert largest == (0 if name == "X = 0, A*(b) = 0" else pytest.approx(1, rel=1e-14))
    unit = np.ldexp(got.mantissa, got.exponent)
    for M, expected in zip(parts, want, strict=True):
        allowed = 1e-14 * max(np.abs(each).max() for each in want)
        np.testing.assert_allclose(M * unit, expected, rtol=0, atol=allowed)


def test_results_down_to_the_smallest_number_with_all_digits_are_kept():
    tiny, identity = np.finfo(float).tiny, np.eye(1)
    matrices = PointMatrices(identity, identity, identity, 0.5, -1000)
    for sign in (1.0, -1.0):
        value = sign * np.ldexp(1.0, -21)  # times 2^−1001
        assert matrices.in_units_of_data(value, 1, "value") == sign * tiny
        with pytest.raises(OverflowError, match=r"^value leaves the range"):
            matrices.in_units_of_data(value * (1 - 2.0**-52), 1, "value")
        lost = matrices.in_units_of_data(value / 2**60, 1, "value", small_is_zero=True)
        assert lost == 0


@pytest.mark.parametrize(("n", "r", "m", "blocks"), [(40, 3, 4, 2), (3, 1, 70_000, 3)])
def test_no_block_of_products_holds_more_numbers_than_one_may(n, r, m, blocks):
    """P is formed from d = nr products of A with a column; each holds n² + mr numbers."""
    held = []

    class Recording(sensing.DenseOperator):
        def measure(self, left, right):
            held.append(math.prod(right.shape[:-2]))
            return super().measure(left, right)

    rng = np.random.default_rng(0)
    A, X = rng.standard_normal((m, n, n)), rng.standard_normal((n, r))
    A += A.transpose(0, 2, 1)
    got = PointMatrices.at(sensing.SensingProblem(Recording(A), np.ones(m), r), X)
    want = PointMatrices.at(sensing.SensingProblem(sensing.DenseOperator(A), np.ones(m), r), X)
    np.testing.assert_allclose(got.third, want.third, rtol=0, atol=1e-14)
    assert sum(held) == n * r + 1  # and A(XXᵀ)
    assert len(held) == blocks + 1
    assert max(held) * (n * n + m * r) <= BLOCK_NUMBERS


@pytest.mark.parametrize(("n", "m", "factor"), [(5, 5000, 1.2), (30, 2000, 1.5), (200, 1, 1.5)])
def test_what_is_held_while_the_three_matrices_are_formed_is_predicted(n, m, factor):
    """Mostly measurements of a block and what they are normalised to, a block of products with A,
    or the three matrices and their eigenvalues."""
    problem, X = sensing.gaussian(n, 1, m, seed=0), np.ones((n, 1))
    peak = traced_peak(lambda: PointMatrices.at(problem, X))
    assert peak / factor < matrices_bytes(problem) < factor * peak


class Own(sensing.DenseOperator):
    """An operator of the user's, of which nothing is known."""


# An operator, and the operations of one product of it.
COUNTED = {
    "dense": (sensing.gaussian(4, 2, 2000, seed=0), 2000 * 2 * 4 * 4),
    "rank one": (rank_one(4, 2000, 2), 2000 * 2 * (4 * 2) * 2),
    "entrywise": (entrywise(4, 2), 4 * 4 * 2 * 2 * 2),
    "own": (
        sensing.SensingProblem(Own(np.ones((2000, 4, 4))), np.ones(2000), 2),
        2000 * 2 * 4 * 4,
    ),
}


@pytest.mark.parametrize("name", COUNTED)
def test_the_operations_of_the_three_matrices_and_of_a_product_are_counted(name):
    """For every A_i an inner product with XVᵀ: n² multiplications and additions, or two columns a
    side of a_iᵀX and Vᵀa_i, or 2r for an entry of each half. So d + 2 times, and as often for the
    adjoint; besides, some tens of d³ for eigenvalues. A chain takes one product a mode."""
    problem, product = COUNTED[name]
    flops, d = matrices_flops(problem), 8
    products = 2 * (d + 2) * product
    assert 10 * d**3 <= flops - products <= 40 * d**3
    for order in (1, 3):
        chains = 3 * order * 2 * d ** (order + 1)
        assert hessian.product_flops(problem, order) == chains + flops


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


def test_up_to_512_unknowns_the_hessian_is_formed():
    for n, formed in ((8, True), (9, False)):  # n³ unknowns
        assert hessian.plan(sensing.gaussian(n, 1, 9, seed=0), 3, False, 10**9).dense is formed
    for order, formed in ((29, True), (31, False)):  # C(l + 2, 2) unknowns: 465 and 528
        assert hessian.plan(sensing.real_system(), order, True, 10**9).dense is formed


def test_what_is_measured_of_a_vector_of_any_length():
    vector, value, residual = measured(lambda v: np.array([5.0, 10.0]) * v, np.array([6.0, 8.0]))
    np.testing.assert_allclose(vector, [0.6, 0.8], rtol=1e-15)
    assert value == pytest.approx(0.36 * 5 + 0.64 * 10, rel=1e-15)
    assert residual == pytest.approx(0.6 * 0.8 * 5, rel=1e-15)


@pytest.mark.parametrize("groups", [(1, 1, 1), (2, 1), (3,), (3, 2, 2)])
def test_a_matrix_on_every_group_takes_two_operations_for_each_of_its_entries(groups):
    """And each of the numbers that it meets: one chain of matrix products."""
    sizes = [math.comb(3 + p - 1, p) for p in groups]
    multiplications = sum(size * math.prod(sizes) for size in sizes)
    assert groups_flops(3, groups) == 2 * multiplications


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


PLANS = {  # d, groups, over symmetric tensors, formed; the numbers that are held at one time
    "formed": (12, (3,), True, True, 2 * 364**2 + 364 + 2 * 364**2 + 3 * 8192),
    "formed, and smaller than numpy's buffers": (7, (3,), True, True, 6 * 84**2 + 84),
    # 41 Lanczos vectors and 5 others, 16 rotated ones, the diagonal of N₂'s power and 3 images.
    "Lanczos": (16, (1, 1, 1), False, False, (41 + 5 + 16 + 1 + 3) * 16**3 + 2 * 16**2),
    "Lanczos, rotated by blocks": (17, (1, 1, 1), False, False, 50 * 17**3 + 16 * 4096 + 2 * 17**2),
    # 11,440 unknowns among 715 · 220 coefficients: positions, weights, the diagonal, 3 images.
    "Lanczos in groups": (
        *(10, (4, 3), True, False),
        46 * 11_440 + 16 * 4096 + 6 * 715 * 220 + 2 * (715**2 + 220**2),
    ),
    # Many modes: the way back from the eigenbasis of N₂ decides. Three powers of each matrix, five
    # arrays of the power before it, the tables of all modes, and 3 vectors.
    "back in groups": (
        *(2, (101, 100), True, False),
        3 * (102**2 + 101**2) + 5 * 101**2 + 201 * 202 + 3 * 102 * 101 + 3 * 202,
    ),
    "back in one group": (2, (201,), True, False, 3 * 202**2 + 5 * 201**2 + 202 + 201 * 202 + 606),
}


def test_what_a_search_holds_at_its_worst_moment_is_counted():
    """Beside the numbers, Python takes the same some thousand bytes everywhere."""
    beside = set()
    for d, groups, symmetric, formed, numbers in PLANS.values():
        unknowns = math.comb(d + sum(groups) - 1, sum(groups)) if symmetric else d ** len(groups)
        chosen = hessian.HessianPlan(d, sum(groups), symmetric, groups, unknowns, formed)
        beside.add(chosen.bytes(sensing.gaussian(d, 1, 2, seed=0)) - 8 * numbers)
    # A product: the scaled direction, the image, and a tensor before and after a matrix product.
    beside.add(hessian.product_bytes(sensing.gaussian(16, 1, 2, seed=0), 3) - 8 * 4 * 16**3)
    assert len(beside) == 1
    assert 10**4 < beside.pop() < 10**5


@pytest.mark.parametrize(
    ("n", "order", "symmetric", "tensors"),
    [(16, 3, False, "all"), (16, 3, True, "symmetric"), (3, 5, True, "symmetric")],
)
def test_a_limit_of_exactly_what_is_needed_is_enough(n, order, symmetric, tensors):
    problem, X = sensing.gaussian(n, 1, 5, seed=0), np.ones((n, 1))
    with pytest.raises(MemoryLimitExceeded) as refusal:
        least_curvature_at_point(problem, X, order, symmetric=symmetric, memory_limit=1)
    needed = refusal.value.predicted_bytes
    few = {"symmetric": symmetric, "max_iterations": 1}
    found = least_curvature_at_point(problem, X, order, memory_limit=needed, **few)
    assert np.isfinite(found.value)
    with pytest.raises(
        MemoryLimitExceeded, match=f"^order {order}: the Hessian on {tensors} tensors needs"
    ) as refusal:
        least_curvature_at_point(problem, X, order, memory_limit=needed - 1, **few)
    assert refusal.value.predicted_bytes == needed


def test_a_full_tensor_fits_into_three_times_its_size_and_no_less(monkeypatch):
    tensor = GroupedTensor(2, (2, 1), np.arange(6.0).reshape(3, 2))
    needed = 3 * 8 * 2**3
    limits = iter([needed, needed - 1])
    monkeypatch.setattr(
        "lift_compare.lifting.kronecker.groups.allowed_bytes", lambda _: next(limits)
    )
    assert tensor.full().shape == (2, 2, 2)
    with pytest.raises(MemoryLimitExceeded, match="order 3: the full tensor") as refusal:
        tensor.full()
    assert refusal.value.predicted_bytes == needed
    with pytest.raises(ValueError, match="order: expected at most 63"):
        GroupedTensor(1, (32, 32), np.ones((1, 1))).full()


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
    np.testing.assert_array_equal(lifted_point(np.zeros((4,) * order)), np.zeros(4))
    if order == 1:  # every vector is a point, also one below the range of full digits
        lowest = np.array([0.0, 5e-324, -1e-323, 0.0])
        np.testing.assert_array_equal(lifted_point(lowest), lowest)
        return
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
