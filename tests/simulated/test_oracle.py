"""The oracle direction against brute force on a circle and a sphere, and against random starts."""

import math
from fractions import Fraction
from functools import reduce

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    curvature_along,
    escape_directions,
    oracle_direction,
    smallest_saddle_order,
)
from lift_compare.simulated.points import landscape_forms
from lift_compare.simulated.points.landscape_forms import LandscapeForms
from lift_compare.simulated.points.oracle import same_direction
from lift_compare.simulated.points.power_form import PowerForm, SphereModel, margin
from lift_compare.simulated.points.sphere import minimise_on_sphere
from tests.catalogue import small_problems
from tests.simulated.saddles import (
    block_ring,
    explicit_forms,
    gaussian_minima,
    known_orders,
    power_form,
    terms,
)
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
