"""The oracle direction against brute force on a circle and a sphere, and against random starts."""

import math
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.floats import silently
from lift_compare.simulated import (
    curvature_along,
    escape_directions,
    oracle_direction,
    smallest_saddle_order,
)
from lift_compare.simulated.points import landscape_forms, oracle, sphere
from lift_compare.simulated.points.certificate import certify
from lift_compare.simulated.points.landscape_forms import LandscapeForms
from lift_compare.simulated.points.oracle import described, minima, same_direction
from lift_compare.simulated.points.power_form import PowerForm, SphereModel, margin
from lift_compare.simulated.points.sphere import Minima, minimise_on_sphere
from tests.catalogue import small_problems
from tests.simulated.saddles import (
    block_ring,
    explicit_forms,
    gaussian_minima,
    known_orders,
    power_form,
    terms,
)
from tests.simulated.test_certificate import forms_of
from tests.simulated.test_curvature import explicit_value


@pytest.mark.parametrize(("n", "r", "m", "order"), [(2, 1, 3, 3), (2, 2, 3, 3), (2, 1, 2, 5)])
def test_the_lifted_hessian_is_three_kronecker_powers(n, r, m, order):
    """Along a tensor that is no power, at a point that is not stationary."""
    problem = sensing.gaussian(n, r, m, seed=n + r + order)
    rng = np.random.default_rng(3)
    X = rng.standard_normal((n, r)) / np.sqrt(n)
    T = rng.standard_normal((n * r) ** order)
    N1, N2, P = (reduce(np.kron, [M] * order) for M in explicit_forms(problem, X))
    base = reduce(np.kron, [X.reshape(-1)] * order)
    t = np.array([-2.0, -1, 0, 1, 2])  # h^l is a quartic: five points give its second derivative
    values = [explicit_value(problem, base + s * T, order) for s in t]
    quadratic = np.polynomial.polynomial.polyfit(t, values, 4)[2]
    assert pytest.approx(quadratic, rel=1e-8) == T @ (N1 - N2 + 2 * P) @ T


@pytest.mark.parametrize("name", small_problems())
@pytest.mark.parametrize("dense", [True, False])
def test_the_forms_are_what_they_are_said_to_be(name, dense, monkeypatch):
    if not dense:
        monkeypatch.setattr(landscape_forms, "DENSE_UP_TO", 0)
    problem = small_problems()[name]
    rng = np.random.default_rng(1)
    X, V = rng.standard_normal((2, *problem.shape))
    forms = LandscapeForms.at(problem, X)
    assert (forms.matrices is not None) == dense
    unit = math.exp(forms.log_unit)
    for found, M in zip(forms.products(V), explicit_forms(problem, X), strict=True):
        expected = (M @ V.ravel()).reshape(V.shape)
        # Three sums of at most m n r products each.
        np.testing.assert_allclose(unit * found, expected, atol=1e-13 * np.linalg.norm(M))
    both = forms.products(np.stack([V, X]))
    np.testing.assert_allclose(both[0], forms.products(V), atol=1e-15)
    if dense or forms.dimension > 2:  # a Lanczos run of one vector is none
        w = np.array([0.4, -1.0, 0.7])
        M = np.tensordot(w, explicit_forms(problem, X), axes=1)
        least = forms.least(w)
        assert unit * least.values[0] == pytest.approx(
            np.linalg.eigvalsh(M)[0], abs=2 * unit * forms.error(w)
        )
        assert least.residual <= forms.error(w)


@pytest.mark.parametrize("order", [1, 3, 5, 11, 101])
def test_gradient_and_hessian_on_the_sphere_are_differences(order):
    problem = sensing.gaussian(4, 2, 9, 1)
    rng = np.random.default_rng(order)
    forms = LandscapeForms.at(problem, rng.standard_normal((4, 2)))
    at = PowerForm.at(forms, order, rng.standard_normal((3, 4, 2)))
    model = SphereModel(at)
    D = rng.standard_normal(at.V.shape)
    D -= np.sum(D * at.V, axis=(1, 2), keepdims=True) * at.V
    D /= np.linalg.norm(D, axis=(1, 2), keepdims=True)
    e = 1e-4 / order

    def moved(s):  # along a great circle, whose second derivative is the Hessian
        return PowerForm.at(forms, order, np.cos(s) * at.V + np.sin(s) * D).height

    slope, curvature = np.sum(model.gradient * D, axis=(1, 2)), model.hessian(D)
    np.testing.assert_allclose((moved(e) - moved(-e)) / (2 * e), slope, rtol=1e-5, atol=1e-6)
    second = (moved(e) - 2 * at.height + moved(-e)) / e**2
    scale = order * (1 + slope**2)
    assert np.all(np.abs(second - np.sum(curvature * D, axis=(1, 2))) < 1e-3 * scale)


def test_the_margin_has_the_sign_of_the_power_form_and_stays_negative():
    rng = np.random.default_rng(0)
    for _ in range(300):
        K = rng.choice([1, 1.0, 3.0], 3) * rng.integers(-40, 41, 3) / 37
        K[2] = abs(K[2])
        signs = []
        for order in (1, 3, 5, 7, 21, 81):
            K1, K2, K3 = (Fraction(k) ** order for k in K)
            exact = K1 - K2 + 2 * K3
            if abs(exact) < Fraction(1, 10**12) * (abs(K1) + abs(K2) + K3):
                assert abs(margin(K, order)) < 1e-12 * np.abs(K).max()
            else:
                assert np.sign(margin(K, order)) == (exact > 0) - (exact < 0)
                signs.append(exact < 0)
        assert signs == sorted(signs), "negative at one order is negative at every larger one"
        # Beyond all orders only the largest of the four magnitudes decide.
        limit = max(max(K[0], 0), K[2], max(-K[1], 0)) - max(max(K[1], 0), max(-K[0], 0))
        assert margin(K, math.inf) == pytest.approx(limit, abs=1e-15)


@pytest.mark.parametrize("order", [1, 3, 5, 9, 51])
@pytest.mark.parametrize("seed", range(6))
def test_on_a_circle_no_angle_is_lower(seed, order):
    problem = sensing.gaussian(2, 1, 3, seed)
    X = np.random.default_rng(seed).standard_normal((2, 1))
    matrices = explicit_forms(problem, X)
    angles = np.linspace(0, np.pi, 20001)
    values = power_form(terms(matrices, np.stack([np.cos(angles), np.sin(angles)], 1)), order)
    found = oracle_direction(problem, X, order)
    assert np.linalg.norm(found.direction) == pytest.approx(1, abs=1e-14)
    assert found.curvature / 2 <= values.min() + 1e-12 * np.abs(values).max()
    # The grid is as near as π/20000 to the minimiser; there q_l is flat.
    assert found.curvature / 2 == pytest.approx(values.min(), abs=1e-4 * np.abs(values).max())


@pytest.mark.parametrize("order", [3, 9])
@pytest.mark.parametrize("seed", range(3))
def test_on_a_sphere_no_point_is_lower(seed, order):
    problem = sensing.gaussian(3, 1, 4, seed)
    X = np.random.default_rng(seed).standard_normal((3, 1))
    points = np.random.default_rng(9).standard_normal((40000, 3))
    points /= np.linalg.norm(points, axis=1)[:, None]
    values = power_form(terms(explicit_forms(problem, X), points), order)
    found = oracle_direction(problem, X, order)
    assert found.curvature / 2 <= values.min()
    assert found.gradient_norm < 1e-11


def test_the_curvature_is_that_along_the_direction():
    for problem, X in gaussian_minima(6):
        for order in (3, 9):
            found = oracle_direction(problem, X, order)
            along = curvature_along(problem, X, found.direction, order)
            K = terms(explicit_forms(problem, X), found.direction)[0]
            # Each K has a few hundred ε, and l of them are multiplied.
            scale = order * np.sum(np.abs(K) ** order)
            assert found.curvature == pytest.approx(along, abs=1e-12 * scale)


@pytest.mark.parametrize("order", [3, 5, 9])
def test_as_low_as_random_starts(order):
    missed = 0
    for number, (problem, X) in enumerate(gaussian_minima(12)):
        forms = LandscapeForms.at(problem, X)
        starts = np.random.default_rng(number + 100).standard_normal((60, *X.shape))
        best = minimise_on_sphere(forms, order, starts).at
        unit = math.exp(order * forms.log_unit)
        lowest = 2 * best.sign[0] * math.exp(best.log[0]) * unit
        found = oracle_direction(problem, X, order).curvature
        missed += found > lowest + 1e-6 * abs(lowest)
    assert missed == 0


def test_the_real_system_becomes_a_saddle_at_nine():
    problem, X, _ = known_orders()["real system"]
    for order in (1, 3, 5, 7):
        assert oracle_direction(problem, X, order).curvature > 0
    found = oracle_direction(problem, X, 9)
    assert found.is_saddle
    assert found.curvature == pytest.approx(-5.56e-8, rel=0.01)


def test_for_perturbed_completion_it_is_the_visible_direction():
    problem, X, order = known_orders()["completion"]
    visible = escape_directions(problem, X).visible
    assert oracle_direction(problem, X, order - 2).curvature > 0
    found = oracle_direction(problem, X, order)
    assert abs(np.vdot(found.direction, visible)) == pytest.approx(1, abs=1e-10)
    assert found.curvature == pytest.approx(curvature_along(problem, X, visible, order), rel=1e-10)


def test_narrow_wells_at_high_order_are_found():
    """Random starts miss them, because q_l is flat: the ring with ε = 0.2 at l = 51."""
    problem, X = block_ring(4, 0.2, 2)
    assert oracle_direction(problem, X, 51).is_saddle
    for order in (101, 1001):
        problem, X, _ = known_orders()["path, t = 0.1"]
        found = oracle_direction(problem, X, order)
        assert found.is_saddle
        assert smallest_saddle_order(problem, X, direction=found.direction) <= order


def test_several_minimisers_are_distinct_and_in_order():
    problem, X = gaussian_minima(1)[0]
    found = oracle_direction(problem, X, 3, count=4)
    assert len(found.directions) == len(found.curvatures) > 1
    assert np.all(np.diff(found.curvatures) >= 0)
    gram = np.abs(np.tensordot(found.directions, found.directions, axes=([1, 2], [1, 2])))
    assert np.all(gram - np.eye(len(gram)) < 1 - 1e-3)
    # One alone comes from other starts, so it is the same to rounding.
    np.testing.assert_allclose(
        oracle_direction(problem, X, 3).direction, found.direction, atol=1e-11
    )
    assert "strict saddle" in repr(found)


def test_directions_are_the_same_up_to_what_the_power_form_does_not_see():
    problem = sensing.gaussian(4, 3, 9, 0)
    rng = np.random.default_rng(0)
    X = rng.standard_normal((4, 1)) * [[1.0, 2.0, -1.0]]  # rank one: its kernel has two dimensions
    V = rng.standard_normal((4, 3))
    V /= np.linalg.norm(V)
    q = X[0] / np.linalg.norm(X[0])
    kernel = np.linalg.qr(np.column_stack([q, rng.standard_normal((3, 2))]))[0][:, 1:]
    turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    Q = np.outer(q, q) + kernel @ turn @ kernel.T
    assert np.allclose(X @ Q.T, X)
    matrices = explicit_forms(problem, X)
    np.testing.assert_allclose(terms(matrices, V @ Q), terms(matrices, V), rtol=1e-12)
    assert same_direction(X, V, V @ Q)
    assert same_direction(X, V, -V @ Q)
    other = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert not same_direction(X, V, V @ other)
    for scale in (1e-120, 1e120):
        assert same_direction(scale * X, V, V @ Q)
        assert not same_direction(scale * X, V, V @ other)
    assert same_direction(np.zeros((4, 3)), V, V @ other), "at the origin every rotation is free"


@pytest.mark.parametrize("scale", [1e-100, 1e-30, 1e30, 1e100])
def test_units_change_no_direction(scale):
    problem, X, order = known_orders()["completion"]
    there = sensing.SensingProblem(problem.operator, problem.measurements * scale)
    Y = X * math.sqrt(scale)
    with np.errstate(all="raise"):
        found = oracle_direction(problem, X, order)
        if abs(math.log10(scale)) * order > 300:
            if scale > 1:
                with pytest.raises(OverflowError, match="curvature"):
                    oracle_direction(there, Y, order)
                return
            scaled = oracle_direction(there, Y, order)
            assert scaled.curvature == 0
        else:
            scaled = oracle_direction(there, Y, order)
            assert scaled.curvature == pytest.approx(found.curvature * scale**order, rel=1e-9)
    assert scaled.is_saddle
    assert abs(np.vdot(scaled.direction, found.direction)) == pytest.approx(1, abs=1e-9)


def test_the_origin_has_the_curvature_of_the_measurements():
    """At X = 0 only N₂ is left: q_l = −K₂^l, whose least value is at its largest eigenvector."""
    problem = sensing.perturbed_completion()
    top = np.linalg.eigvalsh(explicit_forms(problem, np.zeros((3, 1)))[1])[-1]
    found = oracle_direction(problem, np.zeros((3, 1)), 3)
    assert found.curvature == pytest.approx(-2 * top**3, rel=1e-12)


@pytest.mark.parametrize(
    ("args", "error", "message"),
    [
        (([[1.0]], 3), ValueError, "X"),
        (([[1.0], [np.nan], [0.0]], 3), ValueError, "X"),
        (([[1.0], [0.0], [0.0]], 4), ValueError, "order"),
        (([[1.0], [0.0], [0.0]], 3.0), TypeError, "order"),
        (([[1.0], [0.0], [0.0]], 1003), ValueError, "order"),
    ],
)
def test_bad_input_is_refused(args, error, message):
    with pytest.raises(error, match=message):
        oracle_direction(sensing.perturbed_completion(), *args)
    with pytest.raises(ValueError, match="count"):
        oracle_direction(sensing.perturbed_completion(), [[1.0], [0.0], [0.0]], 3, count=0)


# Where the minimisations start --------------------------------------------------------------------


def generic(n, r, m, seed=1):
    """Return a Gaussian problem and a random point of it."""
    X = np.random.default_rng(seed).standard_normal((n, r))
    return sensing.gaussian(n, r, m, seed), X


def nearest(starts, V):
    """Return the distance of V, up to its sign, to the nearest of the starts."""
    return min(min(np.linalg.norm(start - V), np.linalg.norm(start + V)) for start in starts)


@pytest.mark.parametrize("count", [1, 2])
def test_the_starts_hold_the_least_eigenvectors(count):
    problem, X = generic(4, 2, 9)
    matrices, A = explicit_forms(problem, X), problem.operator.matrices()
    starts = list(oracle._starts(LandscapeForms.at(problem, X), 3, count))
    # The eigenvectors have the rounding of the forms over gaps of a hundredth or more.
    for weights in ((0, -1, 1), (1, 0, 1), (1, -1, 1), (1, -1, 2)):
        vectors = np.linalg.eigh(np.tensordot(weights, matrices, axes=1))[1].T
        for v in vectors[: 2 + count]:
            assert nearest(starts, v.reshape(4, 2)) < 1e-9
    N1, N2 = (matrix[::2, ::2] for matrix in matrices[:2])
    for G in (-N2, N1, N1 - N2):
        u = np.linalg.eigh(G)[1][:, 0]
        B = np.einsum("ijk,kr,j->ir", A, X, u)  # K₃(uqᵀ) = ‖Bq‖²
        for q in np.linalg.svd(B)[2]:
            assert nearest(starts, np.outer(u, q)) < 1e-9
    # XΩ with skew Ω, and a step along u and the lesser right singular vector, both ways.
    q = np.linalg.svd(X)[2][1]
    gauge = X @ [[0.0, 1.0], [-1.0, 0.0]]
    for sign in (-1, 1):
        start = gauge / np.linalg.norm(gauge) + sign * 0.3 * np.outer(u, q)
        assert nearest(starts, start) < 1e-9


def test_the_starts_hold_what_refutes_a_certificate_and_are_the_same_each_time():
    forms = LandscapeForms.at(*generic(4, 2, 9))
    refuting = certify(forms, 3).direction
    assert refuting is not None
    starts = list(oracle._starts(forms, 3, 1))
    assert any(np.array_equal(start, refuting) for start in starts)
    np.testing.assert_array_equal(starts, list(oracle._starts(forms, 3, 1)))


def test_without_matrices_every_start_is_one_short_run(monkeypatch):
    monkeypatch.setattr(landscape_forms, "DENSE_UP_TO", 0)
    for name in ("_matrices", "_converged"):
        monkeypatch.setattr(landscape_forms, name, None)
    monkeypatch.setattr(oracle, "certify", None)
    forms = LandscapeForms.at(*generic(33, 2, 20))
    # Four combinations, three with two directions each, and two beside XΩ.
    starts = list(oracle._starts(forms, 3, 1))
    assert len(starts) == 4 + 3 * 2 + 2
    begins, ends = PowerForm.at(forms, 3, np.stack(starts)), minima(forms, 3).at
    assert len(ends.V) == 3
    lowest = begins[begins.ascending()[:3]]
    assert max(ends.sign) == max(lowest.sign) == -1
    assert np.all(ends.height <= lowest.height)
    assert len(minima(forms, 3, 2).at.V) == 4


def test_up_to_a_size_a_minimisation_is_made_from_every_start():
    for n, normal in ((64, 24), (65, 0)):
        forms = LandscapeForms.at(*generic(n, 1, 20))
        starts = list(oracle._starts(forms, 1, 1))
        assert len(starts) == 4 * 2 + 3 + normal
        assert len(minima(forms, 1).at.V) == (len(starts) if normal else 3)


@pytest.mark.parametrize("order", [9, 11, 31, 33, 35, 101])
@silently
def test_at_high_order_the_minimisers_at_a_third_of_it_are_starts(order, monkeypatch):
    forms = LandscapeForms.at(*generic(2, 1, 3))
    runs = []

    def recorded(forms, order, starts):
        runs.append((order, starts, minimise_on_sphere(forms, order, starts)))
        return runs[-1][2]

    monkeypatch.setattr(oracle, "minimise_on_sphere", recorded)
    for count in (1, 3):
        runs.clear()
        minima(forms, order, count)
        orders = [run[0] for run in runs]
        assert orders[-1] == order
        assert (orders[0] <= 9) == (orders[0] == min(orders))
        for (lower, _, ends), (higher, starts, _) in pairwise(runs):
            assert lower % 2 == 1
            assert abs(3 * lower - higher) <= 2, "the odd number nearest to a third"
            own = len(list(oracle._starts(forms, higher, count)))
            np.testing.assert_array_equal(starts[own:], ends.at.V[: count + 1])
            assert higher > 9
        first, starts, _ = runs[0]
        assert first <= 9
        assert len(starts) == len(list(oracle._starts(forms, first, count)))


def test_a_result_says_how_the_lowest_minimisation_ended():
    problem, X = generic(3, 1, 4)
    forms = LandscapeForms.at(problem, X)
    at = PowerForm.at(forms, 3, np.eye(3)[:, :, None])
    at = at[at.ascending()]
    reasons = [sensing.StopReason.CONVERGED, *[sensing.StopReason.ITERATIONS] * 2]
    found = Minima(at, np.array([1e-3, 1.0, 2.0]), np.array([5, 6, 7]), reasons)
    for count in (1, 2, 3, 4):
        result = described(found, count)
        assert (result.iterations, result.gradient_norm) == (5, 1e-3)
        assert (result.stop_reason, result.starts) == (sensing.StopReason.CONVERGED, 3)
        K = terms(explicit_forms(problem, X), at.V[: min(count, 3)])
        # Three factors of some ten ε each.
        np.testing.assert_allclose(
            result.curvatures, 2 * power_form(K, 3), atol=1e-13 * np.max(np.abs(K)) ** 3
        )
    # The same direction twice is one.
    doubled = Minima(at[np.array([0, 0, 1])], *found[1:])
    np.testing.assert_array_equal(described(doubled, 3).curvatures, described(found, 2).curvatures)


def test_a_curvature_that_may_be_rounding_is_zero():
    forms = LandscapeForms.at(*generic(3, 1, 4))
    at = PowerForm.at(forms, 3, np.eye(3)[:1, :, None])
    K = np.array([[0.5, 0.5 * (1 + 1e-14), 0.0]])
    for sign in (-1.0, 0.0):
        near = replace(at, K=K, sign=np.array([sign]), log=np.log([3e-14 / 8]))
        found = described(Minima(near, np.ones(1), np.ones(1), [sensing.StopReason.CONVERGED]), 1)
        assert (found.curvature, found.is_saddle) == (0, False)


def test_a_rounding_beyond_float64_is_infinite():
    """In units where it is 1.5e309, and what is left of the curvature 2e304."""
    forms = replace(LandscapeForms.at(*generic(3, 1, 4)), log_unit=math.log(1e108))
    at = PowerForm.at(forms, 3, np.eye(3)[:1, :, None])
    K = np.array([[0.5, 0.5, 0.0]])  # its terms are 1/4, and their rounding 3e-15 / 4
    near = replace(at, K=K, sign=np.ones(1), log=np.log([1e-20]))
    found = described(Minima(near, np.ones(1), np.ones(1), [sensing.StopReason.CONVERGED]), 1)
    assert found.rounding == math.inf
    assert found.curvature == pytest.approx(2e304, rel=1e-12)


# Newton steps on the sphere -----------------------------------------------------------------------


def quadratic_model(H, gradient, relative_norm):
    """Return k quadratic models on R^{d×1} with the Hessians H, shape (k, d, d)."""
    forms = SimpleNamespace(matrices=True, dimension=H.shape[-1])
    return SimpleNamespace(
        gradient=gradient[..., None],
        hessian=lambda D: H @ D,
        relative_norm=np.asarray(relative_norm),
        at=SimpleNamespace(forms=forms),
    )


def random_models(k=5, d=6, seed=0):
    """Return k positive definite matrices with eigenvalues from 1 to 10, and k vectors."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((k, d, d)))[0]
    return Q * np.linspace(1, 10, d) @ Q.transpose(0, 2, 1), rng.standard_normal((k, d))


@silently
def test_a_newton_step_inside_the_region_is_the_minimum_of_the_model():
    H, g = random_models()
    g[2] = 0.0
    z, promised = sphere._newton_steps(quadratic_model(H, g, np.full(5, 1e-24)), np.full(5, 100.0))
    exact = -np.linalg.solve(H, g[..., None])
    # Six steps of conjugate gradients with a condition of ten end at rounding.
    np.testing.assert_allclose(z, exact, atol=1e-11)
    np.testing.assert_allclose(promised, -np.sum(g[..., None] * exact, axis=(1, 2)) / 2, atol=1e-11)


@silently
def test_a_newton_step_ends_at_a_tenth_of_the_gradient_or_less():
    H, g = random_models(40)
    norms = np.repeat([1.0, 1e-4], 20)
    z, _ = sphere._newton_steps(quadratic_model(H, g, norms), np.full(40, 100.0))
    left = np.sum(((H @ z)[..., 0] + g) ** 2, axis=1) / np.sum(g**2, axis=1)
    assert np.all(left <= np.minimum(0.01, norms) * (1 + 1e-12))
    assert left.max() > 1e-6, "no more than that is asked for"


@silently
def test_a_newton_step_ends_at_the_edge_of_the_region():
    H, g = random_models()
    H[1] = -H[1]  # the first way is one of negative curvature
    H[3] -= 5 * np.eye(6)  # and here one is met later
    radius = np.array([1e-3, 0.5, 1e-3, 2.0, 100.0])
    norms = np.full(5, 1e-24)
    z, promised = sphere._newton_steps(quadratic_model(H, g, norms), radius)
    for i in (0, 1, 2):  # the steepest way, as far as the region goes
        expected = -radius[i] * g[i] / np.linalg.norm(g[i])
        np.testing.assert_allclose(z[i, :, 0], expected, rtol=1e-13)
    np.testing.assert_allclose(np.linalg.norm(z[:4], axis=(1, 2)), radius[:4], rtol=1e-13)
    v = z[..., 0]
    model = np.sum(g * v, axis=1) + np.einsum("ij,ijk,ik->i", v, H, v) / 2
    np.testing.assert_allclose(promised, -model, rtol=1e-11)
    assert np.all(promised > 0)
    for i in range(5):  # each as if it were alone
        alone = quadratic_model(H[i : i + 1], g[i : i + 1], norms[:1])
        one, fall = sphere._newton_steps(alone, radius[i : i + 1])
        np.testing.assert_allclose(z[i], one[0], rtol=1e-10)
        np.testing.assert_allclose(promised[i], fall[0], rtol=1e-10)


def test_the_way_to_the_edge_of_the_region():
    rng = np.random.default_rng(0)
    z, way = 0.1 * rng.standard_normal((2, 8, 3, 2))
    radius = rng.uniform(0.5, 3.0, 8)
    t = sphere._to_the_edge(z, way, radius)
    assert np.all(t > 0)
    np.testing.assert_allclose(np.linalg.norm(z + t[:, None, None] * way, axis=(1, 2)), radius)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(sphere._to_the_edge(z, 0 * way, radius), 0)


@pytest.mark.parametrize(
    ("ratio", "length", "accepted", "after"),
    [
        (0.9, 0.4, True, 0.8),  # at the edge, and the model is right
        (0.9, 0.3, True, 0.4),  # not at the edge
        (0.9, 0.398, True, 0.8),
        (0.6, 0.4, True, 0.4),
        (1.1, 0.3, True, 0.4),
        (0.1, 0.4, True, 0.1),
        (0.0, 0.2, False, 0.05),
        (-0.5, 0.2, False, 0.05),
        (math.inf, 0.4, True, 0.8),  # to a lower sign
        (-math.inf, 0.4, False, 0.1),  # to a higher one
    ],
)
def test_a_step_is_judged_by_what_the_model_promised(ratio, length, accepted, after):
    """As in any trust region: it doubles at most, and shrinks to a quarter of the step."""
    # Beside another step, which changes nothing for this one.
    there = np.array([0.0 if math.isinf(ratio) else -2.0 * ratio, -2.0])
    here_sign, there_sign = {math.inf: (1, -1), -math.inf: (-1, 1)}.get(ratio, (1, 1))
    step = np.zeros((2, 3, 1))
    step[0, :2, 0], step[1, 0] = np.array([0.6, -0.8]) * length, 1.2
    found, radius = sphere._judged(
        SimpleNamespace(at=SimpleNamespace(height=np.zeros(2), sign=np.array([here_sign, 1]))),
        step,
        np.array([2.0, 2.0]),
        SimpleNamespace(height=there, sign=np.array([there_sign, 1])),
        np.array([0.4, 1.2]),
    )
    assert found.tolist() == [accepted, True]
    np.testing.assert_allclose(radius, [after, 1.5], rtol=1e-14)


def test_where_the_value_is_level_a_step_must_halve_the_gradient(monkeypatch):
    class Points(SimpleNamespace):
        def __getitem__(self, index):
            return Points(sign=self.sign[index], norm=self.norm[index])

    there = Points(sign=np.array([1, 1, 1, -1, 1]), norm=np.array([0.9, 0.4, 0.6, 0.1, 0.1]))
    before = SimpleNamespace(at=SimpleNamespace(sign=np.ones(5)), relative_norm=np.ones(5))
    monkeypatch.setattr(sphere, "SphereModel", lambda at: SimpleNamespace(relative_norm=at.norm))
    which = np.array([False, True, True, True, True])
    assert sphere._gradient_falls(before, there, which).tolist() == [True, False, False, True]


@pytest.mark.parametrize(
    ("value", "promised", "level"),
    # 1e-15 of the logarithm, or of one where that is less: −23 and −0.1.
    [(1e-10, 5e-15, True), (1e-10, 5e-14, False), (0.9, 5e-16, True), (0.9, 1.5e-15, False)],
)
def test_a_value_is_level_up_to_the_rounding_of_its_logarithm(value, promised, level, monkeypatch):
    """Near e₂ of N₁ = diag(1, value), where a step is refused."""

    def steps(model, radius):
        return 0 * model.gradient, np.full(len(radius), promised)

    monkeypatch.setattr(sphere, "_newton_steps", steps)
    monkeypatch.setattr(sphere, "_judged", lambda *args: (np.array([False]), args[-1] / 4))
    monkeypatch.setattr(sphere, "_gradient_falls", lambda *args: False)
    matrices = np.stack([np.diag([1.0, value]), np.zeros((2, 2)), np.zeros((2, 2))])
    ends = minimise_on_sphere(forms_of(matrices), 3, np.array([[[1e-6], [1.0]]]))
    assert ends.at.height[0] == pytest.approx(math.log(value), rel=1e-2)
    # Where the value cannot judge it that is the end; elsewhere shorter steps are tried.
    reason = sensing.StopReason.CONVERGED if level else sensing.StopReason.NO_DECREASE
    assert ends.stop_reasons == [reason]


def test_every_step_is_counted_and_none_goes_up(monkeypatch):
    forms = LandscapeForms.at(*generic(4, 2, 9))
    starts = np.random.default_rng(3).standard_normal((1, 4, 2))
    heights = []
    for budget in range(3):
        monkeypatch.setattr(sphere, "_ITERATIONS", budget)
        ends = minimise_on_sphere(forms, 3, starts)
        assert ends.stop_reasons == [sensing.StopReason.ITERATIONS]
        assert ends.iterations.tolist() == [budget]
        heights.append((ends.at.sign[0], ends.at.height[0]))
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 3


@pytest.mark.parametrize("dense", [True, False])
def test_the_budgets_are_those_of_the_size(dense, monkeypatch):
    if not dense:
        monkeypatch.setattr(landscape_forms, "DENSE_UP_TO", 0)
    forms = LandscapeForms.at(*generic(4, 2, 9))
    starts = np.random.default_rng(3).standard_normal((5, 4, 2))
    expected = minimise_on_sphere(forms, 3, starts)
    assert set(expected.stop_reasons) == {sensing.StopReason.CONVERGED}
    own, other = ("", "LARGE_") if dense else ("LARGE_", "")
    for name in ("ITERATIONS", "INNER"):
        monkeypatch.setattr(sphere, f"_{other}{name}", 0)
    monkeypatch.setattr(sphere, f"{other}SPHERE_GRADIENT", math.inf)
    found = minimise_on_sphere(forms, 3, starts)
    np.testing.assert_array_equal(found.at.V, expected.at.V)
    np.testing.assert_array_equal(found.iterations, expected.iterations)
    # Where every gradient is small enough, one step is the last.
    monkeypatch.setattr(sphere, f"{own}SPHERE_GRADIENT", math.inf)
    found = minimise_on_sphere(forms, 3, starts)
    assert found.iterations.max() <= 1
    assert set(found.stop_reasons) == {sensing.StopReason.CONVERGED}


def test_a_start_without_a_step_that_lowers_ends_there(monkeypatch):
    def refused(model, step, promised, there, radius):
        return np.zeros(len(radius), dtype=bool), radius / 4

    monkeypatch.setattr(sphere, "_judged", refused)
    monkeypatch.setattr(sphere, "_gradient_falls", lambda model, there, level: False)
    # Where the model promises a lot in the smallest region, a step that is refused is no end.
    monkeypatch.setattr(sphere, "_newton_steps", lambda model, radius: (model.gradient, radius + 1))
    forms = LandscapeForms.at(*generic(4, 2, 9))
    starts = np.random.default_rng(3).standard_normal((2, 4, 2))
    ends = minimise_on_sphere(forms, 3, starts)
    assert ends.stop_reasons == [sensing.StopReason.NO_DECREASE] * 2
    assert ends.iterations.tolist() == [0, 0]


def test_a_start_where_the_power_form_is_zero_is_an_end():
    """Along XΩ with skew Ω at the truth all three forms vanish."""
    problem = sensing.gaussian(4, 2, 9, 1)
    Z = problem.ground_truth
    forms = LandscapeForms.at(problem, Z)
    ends = minimise_on_sphere(forms, 3, (Z @ [[0.0, 1.0], [-1.0, 0.0]])[None])
    assert ends.at.sign.tolist() == [0]
    assert ends.gradient_norms.tolist() == [0]
    assert ends.iterations.tolist() == [0]
    assert ends.stop_reasons == [sensing.StopReason.CONVERGED]


@pytest.mark.parametrize("order", [3, 9, 13, 17, 21])
def test_what_cancels_is_known_to_its_rounding(order: int) -> None:
    """At a truth K₁ = K₂, so that the curvature is 4 K₃^l, least at the least eigenvalue of P."""
    problem = sensing.gaussian(4, 1, 6, seed=0)
    X = problem.ground_truth
    P = sum(A @ X @ X.T @ A for A in problem.operator.matrices())
    least = 4 * np.linalg.eigvalsh(P)[0] ** order
    found = oracle_direction(problem, X, order)
    assert abs(found.curvature - least) <= found.rounding + 1e-9 * least
    assert (found.curvature == 0) == (found.rounding > least)
    assert (order > 9) == (found.rounding > 1e-6 * least)
