"""The weights of a certificate: their paths, the search along them, and what each part proves."""

import math
from dataclasses import replace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import DenseOperator, SensingProblem
from lift_compare.sensing.tolerances import FORM_ROUNDING
from lift_compare.simulated import CertificateReason, saddle_certificate
from lift_compare.simulated.points.certificate import _least_share, certify
from lift_compare.simulated.points.landscape_forms import LandscapeForms, _dense
from lift_compare.simulated.points.power_form import margin
from lift_compare.simulated.points.weight_search import admissible, constant, search, segment
from tests.simulated.saddles import explicit_forms, known_orders, terms

ORDERS = [3, 5, 101, 1001, math.inf]
A = (0.1, 0.5, 0.9, 1 - 1e-6)


def curve(order, a):
    """Return the c ≥ 0 with a^{l'} + (c 2^{−1/l})^{l'} = 1."""
    if order == math.inf:
        return 1 - a
    conjugate = order / (order - 1)
    return 2 ** (1 / order) * (1 - a**conjugate) ** (1 / conjugate)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("swapped", [False, True])
def test_admissible_weights_lie_on_their_curve_and_their_slope_is_its(order, swapped):
    path = admissible(order, swapped=swapped, start=0.25)
    assert path.start == 0.25
    for a in A:
        c = curve(order, a)
        expected = [1, -a, c] if swapped else [a, -1, c]
        assert path.weights(a) == pytest.approx(np.array(expected), rel=1e-9)
        step = 1e-4 * (1 - a)
        difference = (path.weights(a + step) - path.weights(a - step)) / (2 * step)
        assert path.slope(a) == pytest.approx(difference, rel=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_the_slope_at_the_end_of_the_curve_falls_without_bound_but_for_all_orders(order):
    rise, still, fall = admissible(order).slope(1.0)
    assert (rise, still) == (1.0, 0.0)
    assert fall == -1.0 if order == math.inf else -math.inf < fall < -1e10


def test_a_segment_and_a_constant_path():
    first, last = np.array([1.0, -2.0, 3.0]), np.array([5.0, 4.0, -1.0])
    path = segment(first, last)
    for s in (0.0, 0.25, 1.0):
        assert path.weights(s) == pytest.approx(first + s * (last - first), abs=1e-15)
        assert path.slope(s).tolist() == (last - first).tolist()
    path = constant(1, -1, 2)
    assert path.weights(0.3).tolist() == path.weights(1.0).tolist() == [1, -1, 2]
    assert path.slope(0.3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("order", ORDERS)
def test_the_least_share_is_where_the_curve_meets_the_line_of_the_statement(order):
    """2^{1/l} a = t c with t = 2^{1/l} − 1; for l = ∞ it is a = 0."""
    a = _least_share(order)
    root = 2 ** (1 / order)
    assert root * a == pytest.approx((root - 1) * curve(order, a), rel=1e-9, abs=0)


def one_by_one(b):
    """N₁ = P = 1 and N₂ = b at X = 1, so that q_l = 3 − b^l."""
    return SensingProblem(DenseOperator([[[1.0]]]), [b], rank=1), np.array([[1.0]])


@pytest.mark.parametrize("order", [1, 3, 5, 101])
@pytest.mark.parametrize("distance", [1e-13, 1e-9, 1e-3])
def test_a_proof_exists_up_to_the_very_number_at_which_q_turns_negative(order, distance):
    least = 3 ** (1 / order)
    found = saddle_certificate(*one_by_one(least * (1 - distance)), order)
    assert found.holds
    assert found.direction is None
    if distance > 1e-12:
        found = saddle_certificate(*one_by_one(least * (1 + distance)), order)
        assert found.reason is CertificateReason.REFUTED
        assert np.abs(found.direction).item() == pytest.approx(1.0)


def forms_of(matrices):
    """Return forms of these matrices (3, d, d), the last of them positive semidefinite."""
    products, combined = _dense(matrices, (matrices.shape[1], 1))
    sizes = np.array([np.linalg.norm(M) for M in matrices])
    X = np.zeros((matrices.shape[1], 1))
    return LandscapeForms(X, products, combined, matrices, sizes, 0.0, FORM_ROUNDING)


def highest(matrices, path):
    """Return max_s λ_min of the matrices on a path: a concave function, by golden sections."""
    low, high, part = path.start, 1.0, (5**0.5 - 1) / 2

    def least(s):
        return np.linalg.eigvalsh(np.tensordot(path.weights(s), matrices, axes=1))[0]

    for _ in range(80):
        near, far = high - part * (high - low), low + part * (high - low)
        low, high = (near, high) if least(near) < least(far) else (low, far)
    return max(least(s) for s in (path.start, low, high, 1.0))


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", ["admissible", "swapped", "segment"])
def test_the_search_finds_weights_wherever_there_are_any(seed, diagonal, kind):
    """The matrix of the constant weight is moved so that the best one is just semidefinite.

    The other two are semidefinite, so that no direction refutes what weights prove.
    """
    path = {
        "admissible": admissible(3),
        "swapped": admissible(3, swapped=True, start=0.1),
        "segment": segment(np.array([0.2, -1.0, curve(3, 0.2)]), np.array([1.0, -1.0, 0.0])),
    }[kind]
    moved, other, sign = (0, 1, 1) if kind == "swapped" else (1, 0, -1)
    rng = np.random.default_rng(seed)
    G = rng.standard_normal((3, 5, 5))
    matrices = G @ G.transpose(0, 2, 1)
    matrices[moved] = G[0] + G[0].T
    matrices[other] *= -sign
    if diagonal:  # with kinks only
        matrices *= np.eye(5)
    top = highest(matrices, path)
    for beyond in (1e-11, -1e-6):
        shifted = matrices.copy()
        shifted[moved] += sign * (beyond - top) * np.eye(5)
        forms = forms_of(shifted)
        found = search(forms, 3, path)
        least = np.linalg.eigvalsh(np.tensordot(found.weights, shifted, axes=1))[0]
        assert found.eigenvalue == pytest.approx(least, abs=1e-12)
        assert found.tolerance == forms.error(found.weights)
        assert found.holds == (beyond > 0)
        if found.direction is not None:
            assert np.linalg.norm(found.direction) == pytest.approx(1.0)
            assert margin(terms(shifted, found.direction), 3)[0] < 0


@pytest.fixture
def looked(monkeypatch):
    """The weights at which eigenvalues are computed, in their order."""
    weights, least = [], LandscapeForms.least
    monkeypatch.setattr(
        LandscapeForms, "least", lambda forms, w: weights.append(list(w)) or least(forms, w)
    )
    return weights


@pytest.mark.parametrize("least", [0.5, -0.5])
def test_one_place_takes_one_eigenvalue(least, looked):
    """Where weights prove, and where they neither prove nor their eigenvector refutes."""
    matrices = np.stack([(1 + least) * np.eye(2), np.eye(2), np.eye(2)])
    found = search(forms_of(matrices), 3, constant(1, -1, 0))
    assert (found.holds, found.direction) == (least > 0, None)
    assert looked == [[1, -1, 0]]


def test_where_no_weights_prove_a_direction_within_the_rounding_is_none():
    """On the path of the next test, and all margins are at least 2^{1/3} (1 − 1) to some δ."""
    delta, N = 1e-3, np.diag([1.0, -1.0])
    matrices = np.stack([N - delta * np.eye(2), -N - delta * np.eye(2), np.eye(2)])
    forms = replace(forms_of(matrices), rounding=delta / 20)
    angles = np.linspace(0, np.pi, 181)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    assert abs(margin(terms(matrices, circle), 3).min()) < forms.resolution < delta
    found = search(forms, 3, segment(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])))
    assert (found.holds, found.direction) == (False, None)


@pytest.mark.parametrize("rising", [0, 1])
def test_the_next_place_keeps_away_from_both_ends_of_the_bracket(rising, looked):
    """λ_min = −|1 − 2s| − δ has its kink where the cuts of both sides always meet, at s = ½."""
    delta, other = 1e-3, np.diag([1.0, -1.0]) * (2 * rising - 1)
    matrices = np.stack([other - delta * np.eye(2), -other - delta * np.eye(2), 2 * np.eye(2)])
    # δ is more than the rounding of weights of one, and less than what refutes: more are looked at.
    forms = replace(forms_of(matrices), rounding=delta / 5)
    found = search(forms, 3, segment(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0])))
    assert (found.holds, found.direction) == (False, None)
    assert found.eigenvalue == pytest.approx(-delta, rel=1e-9)
    places = np.array([w[1] for w in looked])
    assert places[:3].tolist() == [1.0, 0.0, 0.5]
    # Each is a thousandth of the bracket away from ½, which is one end, until no bracket is left.
    away = np.array([5e-4, 5e-7, 5e-10, 5e-13, 5e-16])
    assert np.abs(places[3:] - 0.5) == pytest.approx(away, rel=1e-6, abs=3e-16)


def test_between_two_eigenvectors_that_refute_nothing_is_a_direction_that_does():
    """e₁ and e₂ have the margin 0.1; halfway K = (½, 0.9, ½ · 2^{−1/3}), ¼^{1/3} − 0.9 < 0."""
    matrices = np.stack([np.diag([1.0, 0.0]), 0.9 * np.eye(2), np.diag([0.0, 2 ** (-1 / 3)])])
    assert margin(terms(matrices, np.eye(2)), 3) == pytest.approx(np.array([0.1, 0.1]))
    found = certify(forms_of(matrices), 3)
    assert found.reason is CertificateReason.REFUTED
    assert np.abs(found.direction.ravel()) == pytest.approx(np.full(2, 0.5**0.5))


FIRST, BOTH = "K₁ ≥ 0", "K₁ ≥ 0, or K₂ ≥ −K₁"
BELOW, ABOVE = "K₁ < 0, K₂ ≤ −K₁", "K₁ < 0, K₂ ≥ −K₁"


def check(found, matrices, order):
    """Check that the parts of a proof cover every V by their weights, or that V refutes one."""
    for part in found.parts:
        least = np.linalg.eigvalsh(np.tensordot(part.weights, matrices, axes=1))[0]
        assert part.eigenvalue == pytest.approx(least, abs=1e-9 * np.abs(matrices).max())
    assert found.holds == all(part.eigenvalue >= -part.tolerance for part in found.parts)
    assert (found.direction is not None) == (found.reason is CertificateReason.REFUTED)
    assert found.holds != (found.reason.name in ("REFUTED", "UNDECIDED"))
    if found.direction is not None:
        assert margin(terms(matrices, found.direction), order)[0] < 0
    regions = [part.region for part in found.parts]
    if regions == ["every V"]:
        assert found.parts[0].weights == ((1, -1, 2) if order == 1 else (1, -1, 0))
        return
    a, c = found.weights
    assert c == pytest.approx(curve(order, a), abs=1e-9)
    covers = a >= _least_share(order)
    assert regions[0] == (BOTH if covers else FIRST)
    first = found.parts[0]
    everywhere = np.linalg.eigvalsh(matrices[0])[0] >= -1e-9 * np.abs(matrices[0]).max()
    if first.eigenvalue < -first.tolerance or everywhere:
        assert len(regions) == 1
    else:
        assert regions[1:] == ([BELOW] if covers else [BELOW, ABOVE])
        one, minus_a, c = found.parts[1].weights
        assert one == 1
        assert c == pytest.approx(curve(order, -minus_a), abs=1e-9)
        assert -minus_a >= _least_share(order)
    if len(regions) == 3:
        alpha, minus_one, c = found.parts[2].weights
        root = 2 ** (1 / order)
        assert c == pytest.approx(-root * minus_one, rel=1e-12)
        assert alpha >= -(root - 1) * minus_one - 1e-15


@pytest.mark.parametrize("order", [1, 3, 5, 7, 21, math.inf])
def test_a_certificate_of_a_known_point_proves_what_it_says(order):
    for problem, X, smallest in known_orders().values():
        found = saddle_certificate(problem, X, order)
        check(found, np.stack(explicit_forms(problem, X)), order)
        assert not (found.holds and order >= smallest)


@pytest.mark.parametrize("order", [3, 7, math.inf])
def test_a_certificate_of_any_forms_of_the_plane_proves_what_it_says(order):
    """On a circle every V is looked at; all kinds of answers are met."""
    angles = np.linspace(0, np.pi, 721)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rng, seen = np.random.default_rng(0), set()
    for _ in range(150):
        G = rng.standard_normal((3, 2, 2))
        matrices = G + G.transpose(0, 2, 1)
        matrices[1] *= rng.choice([0.2, 0.5, 1.0])
        matrices[2] = G[2] @ G[2].T
        if rng.random() < 0.3:
            matrices[0] = G[0] @ G[0].T
        found = certify(forms_of(matrices), order)
        check(found, matrices, order)
        margins = margin(terms(matrices, circle), order)
        assert not found.holds or margins.min() >= -1e-9
        if len(found.parts) == 3 and found.direction is None:  # weights are found if there are any
            root = 2 ** (1 / order)
            path = segment(np.array([root - 1, -1.0, root]), np.array([1.0, 0.0, 0.0]))
            last = found.parts[-1]
            assert (last.eigenvalue >= -last.tolerance) == (highest(matrices, path) > 0)
        seen.add((found.reason.name, *(part.region for part in found.parts)))
    assert {reason for reason, *_ in seen} >= {"LANDSCAPE", "WEIGHTS", "PARTS", "REFUTED"}
    if order == math.inf:  # the least share is 0
        assert {regions[1:] for regions in seen} == {("every V",), (BOTH,), (BOTH, BELOW)}
    else:
        assert {("UNDECIDED", FIRST, BELOW, ABOVE), ("PARTS", FIRST, BELOW, ABOVE)} < seen


@pytest.mark.parametrize("order", [1, 3, math.inf])
def test_the_truth_is_proved_by_the_landscape_at_every_order(order):
    problem = sensing.gaussian(n=4, rank=2, m=12, seed=0)
    found = saddle_certificate(problem, problem.ground_truth, order)
    reasons = CertificateReason.HESSIAN if order == 1 else CertificateReason.LANDSCAPE
    assert (found.reason, found.holds) == (reasons, True)
    assert found.parts[0].weights == ((1, -1, 2) if order == 1 else (1, -1, 0))
