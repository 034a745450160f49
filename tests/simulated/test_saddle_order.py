"""Certificates as a reader checks them, and the orders found beside those proved."""

import math

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.simulated import (
    CertificateReason,
    SaddleOrderReason,
    curvature_along,
    escape_directions,
    oracle_direction,
    saddle_certificate,
    saddle_order,
    smallest_saddle_order,
    truth_witness,
)
from lift_compare.simulated.points import landscape_forms
from lift_compare.simulated.points import saddle_order as saddle_order_module
from lift_compare.simulated.points.landscape_forms import LandscapeForms
from lift_compare.simulated.points.power_form import PowerForm
from lift_compare.simulated.points.saddle_order import _Bisection, least_odd
from lift_compare.simulated.points.sphere import Minima
from tests.simulated.saddles import (
    block_ring,
    explicit_forms,
    gaussian_minima,
    known_orders,
    power_form,
    sparse_clusters,
    terms,
)


def check_as_a_reader(problem, X, certificate):
    """Check a certificate that holds from its weights alone: one eigenvalue a matrix."""
    assert certificate.holds
    order = certificate.order
    forms = explicit_forms(problem, X)
    size = sum(np.linalg.norm(M, 2) for M in forms)
    covered = set()
    for part in certificate.parts:
        w = np.array(part.weights)
        M = np.tensordot(w, forms, axes=1)
        # Some hundred ε of the three terms: an eigenvalue that is zero by an identity is as large.
        assert np.linalg.eigvalsh(M)[0] >= -1e-12 * size * np.abs(w).max()
        covered.add(region(w, order))
    if "all" in covered:
        return
    if np.linalg.eigvalsh(forms[0])[0] >= -1e-12 * size:
        assert covered >= {"K1 >= 0"} or "K1 >= 0 and upper" in covered
    else:
        assert "lower" in covered
        assert "K1 >= 0 and upper" in covered or {"K1 >= 0", "upper"} <= covered


def region(w, order):
    """Return the part of the V for which weights with M ⪰ 0 prove q_l ≥ 0, from the theorem."""
    inverse = 0.0 if order == math.inf else 1 / order
    root = 2**inverse
    t = root - 1

    def on_the_curve(a, c):
        if order == math.inf:
            return a >= 0 and c >= 0 and a + c <= 1 + 1e-12
        power = order / (order - 1)
        return a >= 0 and c >= 0 and a**power + (c / root) ** power <= 1 + 1e-12

    if np.allclose(w, [1, -1, 0]) or (order == 1 and np.allclose(w, [1, -1, 2])):
        return "all"
    enough = 1e-12
    if w[1] == -1 and on_the_curve(w[0], w[2]):
        return "K1 >= 0 and upper" if root * w[0] >= t * w[2] - enough else "K1 >= 0"
    if w[0] == 1 and on_the_curve(-w[1], w[2]):
        return "lower" if root * -w[1] >= t * w[2] - enough else "none"
    scale = root / w[2]  # α N₁ − β N₂ + 2^{1/l} P with α ≥ t, β = 1
    return "upper" if w[0] * scale >= t - enough and abs(-w[1] * scale - 1) < enough else "none"


def test_the_chord_bounds_the_norm_of_two_numbers():
    """What covers V with K₁ < 0 < K₂: ‖(x, y)‖_l ≤ x + (2^{1/l} − 1) y for x ≥ y ≥ 0."""
    rng = np.random.default_rng(0)
    for order in (3, 5, 51, 1001):
        y, x = np.sort(rng.random((2, 200)), axis=0)
        norm = x * (1 + (y / x) ** order) ** (1 / order)
        assert np.all(norm <= x + (2 ** (1 / order) - 1) * y + 1e-15)


@pytest.mark.parametrize("name", known_orders())
def test_found_and_proved_meet(name):
    problem, X, order = known_orders()[name]
    found = saddle_order(problem, X)
    assert (found.order, found.certified_below) == (order, order)
    assert found.reason is SaddleOrderReason.MET
    assert found.certificate.order == order - 2
    check_as_a_reader(problem, X, found.certificate)
    assert found.curvature < 0
    assert curvature_along(problem, X, found.direction, order) == pytest.approx(
        found.curvature, rel=1e-9
    )
    assert smallest_saddle_order(problem, X, direction=found.direction) == order
    assert smallest_saddle_order(problem, X, direction="oracle") == order
    assert smallest_saddle_order(problem, X, direction="oracle", largest=order - 1) is None
    # And one order short of it, nothing is claimed beyond it.
    if order > 1:
        short = saddle_order(problem, X, largest=order - 1)
        assert (short.order, short.certified_below) == (None, order)
        assert short.reason is SaddleOrderReason.BEYOND


@pytest.mark.parametrize("name", ["real system", "completion", "path, t = 0.1", "ring"])
def test_a_certificate_at_one_order_holds_at_the_smaller_ones(name):
    problem, X, order = known_orders()[name]
    for each in (1, 3, order - 4, order - 2, order, order + 2, 1001, math.inf):
        certificate = saddle_certificate(problem, X, max(each, 1))
        assert certificate.holds == (each < order)
        if certificate.holds:
            check_as_a_reader(problem, X, certificate)
            assert certificate.direction is None
            assert certificate.eigenvalue >= -certificate.tolerance
            assert certificate.weights == (
                certificate.parts[0].weights[0],
                certificate.parts[0].weights[2],
            )
        elif each < math.inf:
            assert certificate.reason is CertificateReason.REFUTED
            K = terms(explicit_forms(problem, X), certificate.direction)[0]
            assert power_form(K / np.abs(K).max(), each) < 0


def test_no_proof_contradicts_a_direction():
    """Random points of random problems, stationary or not: what is proved is so along every V."""
    rng = np.random.default_rng(5)
    held, refuted = 0, 0
    for number in range(60):
        n, r = int(rng.integers(1, 5)), int(rng.integers(1, 3))
        r = min(r, n)
        problem = sensing.gaussian(n, r, int(rng.integers(1, 2 * n * r + 2)), number)
        X = rng.standard_normal((n, r)) * rng.uniform(0.1, 1.5)
        if number % 3 == 0:
            X = problem.ground_truth + 0.05 * X
        order = [1, 3, 5, 11, 101, math.inf][number % 6]
        certificate = saddle_certificate(problem, X, order)
        forms = explicit_forms(problem, X)
        V = rng.standard_normal((2000, n * r))
        K = terms(forms, V)
        K /= np.abs(K).max(axis=1, keepdims=True)
        if certificate.holds:
            held += 1
            check_as_a_reader(problem, X, certificate)
            tried = (1, 3, 5, 11)
            for each in (o for o in tried if o <= order):
                # A proof allows for 1e-13 of the forms, beside which K may be small.
                assert np.min(power_form(K, each)) >= -1e-9 * each
                assert not oracle_direction(problem, X, each).is_saddle
        elif certificate.direction is not None and order < math.inf:
            refuted += 1
            K = terms(forms, certificate.direction)[0]
            assert power_form(K / np.abs(K).max(), order) < 0
    assert held >= 10
    assert refuted >= 10


@pytest.mark.parametrize("order", [3, 11, math.inf])
@pytest.mark.parametrize(("n", "r", "m"), [(4, 1, 5), (3, 2, 6)])
def test_near_the_truth_every_certificate_decides(n, r, m, order):
    """There the largest least eigenvalue mostly lies at a kink, where neither of two eigenvectors
    has a negative curvature, but a combination of them has."""
    refuted = 0
    for seed in range(25):
        problem = sensing.gaussian(n, r, m, seed)
        rng = np.random.default_rng(seed)
        X = problem.ground_truth + 0.1 * rng.standard_normal((n, r))
        certificate = saddle_certificate(problem, X, order)
        if certificate.holds:
            check_as_a_reader(problem, X, certificate)
            continue
        refuted += 1
        assert certificate.reason is CertificateReason.REFUTED
        assert np.linalg.norm(certificate.direction) == pytest.approx(1, rel=1e-14)
        K = terms(explicit_forms(problem, X), certificate.direction)[0]
        if order == math.inf:
            assert K[1] > K[0]
            assert max(K[1], -K[0]) > K[2]
        else:
            assert power_form(K / np.abs(K).max(), order) < 0
    assert refuted >= 15


def test_gaussian_minima_meet():
    met, orders = 0, []
    for problem, X in gaussian_minima(12):
        found = saddle_order(problem, X)
        met += found.reason is SaddleOrderReason.MET
        orders.append(found.order)
        if found.certificate is not None:
            check_as_a_reader(problem, X, found.certificate)
    assert met >= 11
    assert sum(order is not None and order <= 9 for order in orders) >= 11


def test_above_rank_one_every_spurious_point_is_a_saddle_at_three():
    """Along XΩ + εW with skew Ω, G XΩ = 0 and K₃(XΩ) = 0, so q_3 < 0 for small ε if λ_n < 0."""
    points = gaussian_minima(5, ranks=(2, 3), first_seed=100)
    for problem, X in points:
        assert escape_directions(problem, X).eigenvalue < 0
        assert saddle_order(problem, X).order in (1, 3)
        omega = np.zeros((problem.rank, problem.rank))
        omega[0, 1], omega[1, 0] = 1, -1
        K = terms(explicit_forms(problem, X), X @ omega)[0]
        assert K[1] == pytest.approx(K[0], abs=1e-9)
        assert K[2] == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_at_the_truth_there_is_none_at_any_order(seed):
    problem = sensing.gaussian(5, 1 + seed % 3, 12, seed)
    found = saddle_order(problem, problem.ground_truth)
    assert found.order is None
    assert found.certified_below == math.inf
    assert found.reason is SaddleOrderReason.NONE
    assert found.certificate.reason is CertificateReason.LANDSCAPE
    assert "none at any order" in repr(found)
    check_as_a_reader(problem, problem.ground_truth, found.certificate)
    for order in (1, 3, 9, 101):
        oracle = oracle_direction(problem, problem.ground_truth, order)
        assert not oracle.is_saddle
        assert oracle.curvature >= 0


def test_a_landscape_without_negative_eigenvalue_has_none_either():
    """Measurements that no matrix meets: the least h is not zero, and G ⪰ 0 there."""
    operator = sensing.DenseOperator([np.eye(2), np.diag([1.0, 0.0]), np.diag([0.0, 1.0])])
    problem = SensingProblem(operator, [1.0, 1.0, 1.0])
    X = np.array([[math.sqrt(1.0)], [0.0]])  # h falls towards rank two, so this one has λ_n < 0
    assert saddle_order(problem, X).order is not None
    problem = SensingProblem(operator, [1.0, 1.0, -1.0])
    X = sensing.polish(problem, [[1.0], [0.0]])
    assert escape_directions(problem, X).eigenvalue >= 0
    assert saddle_order(problem, X).reason is SaddleOrderReason.NONE


def test_large_sizes_give_the_same_as_matrices(monkeypatch):
    """Sparse weights by Lanczos runs alone, where nothing of size n×n is formed."""
    problem, X = block_ring(36, 0.3, 15, stored="sparse")
    small = saddle_order(problem, X)
    monkeypatch.setattr(landscape_forms, "DENSE_UP_TO", 0)
    monkeypatch.setattr(landscape_forms, "_matrices", None)
    large = saddle_order(problem, X)
    assert (large.order, large.reason) == (small.order, SaddleOrderReason.MET)
    assert large.curvature == pytest.approx(small.curvature, rel=1e-7)
    check_as_a_reader(problem, X, saddle_certificate(problem, X, 1))
    assert not saddle_certificate(problem, X, math.inf).holds


def test_found_and_proved_meet_where_no_matrix_is_formed():
    problem, X = sparse_clusters(1_000)
    assert sensing.relative_gradient_norm(problem, X) < 1e-8
    found = saddle_order(problem, X)
    assert found.reason is SaddleOrderReason.MET
    assert found.order == found.certified_below > 3
    V = found.direction
    assert curvature_along(problem, X, V, found.order) < 0 < curvature_along(problem, X, V, 3)


def test_at_a_large_truth_the_proof_is_of_the_zero_matrix():
    """N₁ = N₂ to the last bit, and the matrix of the certificate is zero: no case for ARPACK."""
    problem, _ = sparse_clusters(600)
    found = saddle_order(problem, problem.ground_truth)
    assert (found.reason, found.certified_below) == (SaddleOrderReason.NONE, math.inf)
    # Twice the size of the forms is added for the run, and taken off.
    assert abs(found.certificate.eigenvalue) <= found.certificate.tolerance


def test_parts_of_a_certificate_far_below_its_tolerance_may_leave_float64():
    """The forms have a size of 1e-293 or so, of which a residual of 1e-16 is no float64."""
    problem, X, _ = known_orders()["real system"]
    here = saddle_certificate(problem, X, 7)
    s, e = 2.0**-478, 9
    operator = sensing.DenseOperator(s * problem.operator.matrices())
    there = SensingProblem(operator, np.ldexp(s * problem.measurements, -2 * e))
    far = saddle_certificate(there, np.ldexp(X, -e), 7)
    unit = np.ldexp(s * s, -2 * e)
    assert far.holds
    for a, b in zip(here.parts, far.parts, strict=True):
        assert a.residual * unit < np.finfo(float).tiny
        assert b.residual < b.tolerance
        assert b.tolerance == pytest.approx(a.tolerance * unit, rel=1e-3, abs=0)
        assert b.eigenvalue == pytest.approx(a.eigenvalue * unit, abs=2 * b.tolerance)


@pytest.mark.parametrize("scale", [1e-100, 1e100])
def test_units_change_no_order(scale):
    problem, X, order = known_orders()["real system"]
    there = SensingProblem(problem.operator, problem.measurements * scale)
    Y = X * math.sqrt(scale)
    with np.errstate(all="raise"):
        assert smallest_saddle_order(there, Y, direction="oracle") == order
        here, far = (saddle_certificate(p, x, order - 2) for p, x in ((problem, X), (there, Y)))
    assert far.eigenvalue == pytest.approx(here.eigenvalue * scale, rel=1e-6)
    assert far.holds


def test_the_least_odd_number():
    for first in (1, 3, 7):
        for last in (7, 9, 41):
            for least in range(first, last + 4, 2):
                asked = []

                def holds(order, least=least, asked=asked):
                    asked.append(order)
                    return order >= least

                expected = least if least <= last else None
                assert least_odd(holds, first, last) == expected
                assert all(order % 2 == 1 and first <= order <= last for order in asked)


def test_a_direction_is_found_where_only_the_lowest_minimum_is_negative(monkeypatch):
    """With no direction known before: by the minimisations alone."""
    problem, X, order = known_orders()["real system"]
    forms = LandscapeForms.at(problem, X)
    bisection = _Bisection(forms)
    assert not bisection.is_found(order - 2)
    assert bisection.direction is None
    assert bisection.is_found(order)
    V = bisection.direction
    assert curvature_along(problem, X, V, order) < 0
    # The second lowest is the point itself, along which q_l is positive.
    at = PowerForm.at(forms, order, np.stack([V, X]))
    assert at.is_saddle.tolist() == [True, False]
    ends = Minima(at, np.zeros(2), np.zeros(2), [])
    monkeypatch.setattr(saddle_order_module, "minima", lambda forms, order: ends)
    alone = _Bisection(forms)
    assert alone.is_found(order)
    np.testing.assert_array_equal(alone.direction, at.V[0])


def test_a_direction_that_is_known_is_not_looked_for(monkeypatch):
    problem, X, order = known_orders()["real system"]
    forms = LandscapeForms.at(problem, X)
    V = oracle_direction(problem, X, order).direction
    monkeypatch.setattr(saddle_order_module, "minima", None)
    for known in ([V, X], [X, V], [X, V, X]):
        bisection = _Bisection(forms)
        bisection.directions = list(known)
        assert bisection.is_found(order)
        assert bisection.direction is V


# The truth as a witness ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["completion", "path, t = 0.1", "two clusters of 5", "ring"])
def test_the_witness_is_the_truth_and_bounds_the_order(name):
    problem, X, order = known_orders()[name]
    witness = truth_witness(problem, X)
    K = terms(explicit_forms(problem, X), problem.ground_truth)[0]
    assert pytest.approx((K[0] / K[1], K[2] / K[1]), rel=1e-12) == (witness.K1, witness.K3)
    b = problem.measurements
    assert K[1] == pytest.approx(b @ b)
    # Twice h(X̂): at a stationary point ‖A(XXᵀ)‖² = ⟨A(XXᵀ), b⟩.
    assert pytest.approx(1 - 2 * problem.objective(X) / (b @ b), rel=1e-8) == witness.K1
    assert witness.holds
    assert order <= witness.order
    assert witness.order >= witness.order_bound
    assert curvature_along(problem, X, witness.direction, witness.order) < 0


def test_the_witness_is_never_contradicted():
    held = 0
    for problem, X in gaussian_minima(12):
        witness = truth_witness(problem, X)
        if witness.holds:
            held += 1
            assert smallest_saddle_order(problem, X, direction="oracle") <= witness.order
            assert not saddle_certificate(problem, X, math.inf).holds
    assert held > 0


def test_the_witness_turns_the_truth():
    """The K₃ of the best Q found is no higher than that of many random ones."""
    rng = np.random.default_rng(0)
    for problem, X in gaussian_minima(5, ranks=(2, 3), first_seed=100):
        witness, Z, A = truth_witness(problem, X), problem.ground_truth, problem.operator
        r = problem.rank
        turns = [np.linalg.qr(rng.standard_normal((r, r)))[0] for _ in range(400)]
        lowest = min(np.sum(A.measure(X, Z @ Q) ** 2) for Q in turns)
        b = problem.measurements
        assert lowest / (b @ b) * (1 + 1e-9) >= witness.K3
        V = witness.direction  # ZQ / ‖Z‖
        np.testing.assert_allclose(V @ V.T, Z @ Z.T / np.sum(Z**2), atol=1e-12)


def test_at_zero_the_witness_is_a_saddle_of_every_order():
    """There K₁ = K₃ = 0, whatever is tried for Q."""
    problem = sensing.gaussian(4, 2, 9, 0)
    witness = truth_witness(problem, np.zeros((4, 2)))
    assert (witness.holds, witness.K1, witness.K3) == (True, 0, 0)
    assert (witness.order, witness.order_bound) == (1, 0)


@pytest.mark.parametrize("scale", [2.0**-300, 2.0**300])
def test_the_witness_depends_on_no_unit_of_the_measurements(scale):
    """A and b times a number: N₁, N₂ and P all times its square."""
    for problem, X in gaussian_minima(5, ranks=(2, 3), first_seed=100):
        there = SensingProblem.from_ground_truth(
            sensing.DenseOperator(scale * problem.operator.matrices()), problem.ground_truth
        )
        here, far = truth_witness(problem, X), truth_witness(there, X)
        np.testing.assert_allclose([far.K1, far.K3], [here.K1, here.K3], rtol=1e-9)
        assert (far.holds, far.order) == (here.holds, here.order)


@pytest.mark.parametrize("seed", range(6))
def test_no_rotation_nor_reflection_of_the_plane_turns_the_truth_better(seed):
    problem = sensing.gaussian(4, 2, 5, seed)
    X = np.random.default_rng(seed).standard_normal((4, 2))
    angles = np.linspace(0, 2 * np.pi, 2001)
    c, s = np.cos(angles), np.sin(angles)
    A, b = problem.operator.matrices(), problem.measurements
    # ⟨A_i, X (ZQ)ᵀ⟩ = ⟨B_i, Q⟩ with B_i = Zᵀ A_i X.
    B = np.einsum("ks,ijk,jt->ist", problem.ground_truth, A, X)
    lowest = math.inf
    for sign in (1, -1):
        Q = np.array([[c, -sign * s], [s, sign * c]])
        lowest = min(lowest, np.min(np.sum(np.einsum("ist,sta->ia", B, Q) ** 2, axis=0)))
    found = truth_witness(problem, X).K3 * (b @ b)
    # A trigonometric polynomial of degree two, half a step of π/2000 from its least value.
    # The grid may hold the least point itself: the rounding of the sum is left.
    assert lowest - 4 * np.sum(B**2) * (np.pi / 2000) ** 2 <= found <= lowest * (1 + 1e-12)


def test_the_witness_says_nothing_at_the_truth():
    problem = sensing.gaussian(4, 1, 8, 0)
    witness = truth_witness(problem, problem.ground_truth)
    assert not witness.holds
    assert witness.order is None
    assert "does not hold" in repr(witness)


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [2, 0, -1, 1003, 3.0, "3", -math.inf, math.nan, None])
def test_bad_orders_are_refused(order):
    with pytest.raises((ValueError, TypeError), match="order"):
        saddle_certificate(sensing.two_by_two(), [[0.0], [0.5]], order)


def test_bad_input_is_refused():
    problem = sensing.two_by_two()
    for function in (saddle_order, truth_witness):
        with pytest.raises(ValueError, match="X: expected"):
            function(problem, [[0.0]])
    with pytest.raises(ValueError, match="largest"):
        saddle_order(problem, [[0.0], [0.5]], largest=1003)
    with pytest.raises(ValueError, match="direction"):
        smallest_saddle_order(problem, [[0.0], [0.5]], direction="hidden")
    blind = SensingProblem(problem.operator, problem.measurements)
    with pytest.raises(ValueError, match="ground truth"):
        truth_witness(blind, [[0.0], [0.5]])
