"""The collapse converges to rounding, also where its power iteration is slow, and without
leaving float64."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from lift_compare.simulated import collapse
from lift_compare.simulated.escapes.collapse import _newton, _power_iteration, _starts

EPS = np.finfo(float).eps


def height(generators, coefficients, order, x):
    return float(coefficients @ np.einsum("jab,ab->j", generators, x) ** order)


@pytest.mark.parametrize("order", [3, 5, 11, 101])
@pytest.mark.parametrize("angle", [0.3, 1.0, 1.5])
@pytest.mark.parametrize("weight", [-1.0, 0.2, 0.999999])
def test_two_powers_in_the_plane_against_a_scan_of_all_angles(order, angle, weight):
    # In a plane every unit vector is an angle: scan them all and refine the best.
    generators = np.array([[1.0, 0.0], [np.cos(angle), np.sin(angle)]])[:, :, None]
    coefficients = np.array([1.0, weight])

    def below(phi):
        return -height(generators, coefficients, order, np.array([[np.cos(phi)], [np.sin(phi)]]))

    scan = np.linspace(0, 2 * np.pi, 20_001)
    best = scan[np.argmin([below(phi) for phi in scan])]
    top = -minimize_scalar(
        below, bounds=(best - 1e-3, best + 1e-3), method="bounded", options={"xatol": 1e-12}
    ).fun
    x = collapse(generators, coefficients, order)
    length = float(np.linalg.norm(x))
    assert length**order == pytest.approx(top, rel=1e-9)
    assert height(generators, coefficients, order, x / length) == pytest.approx(top, rel=1e-9)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("order", [1, 3, 7])
def test_end_is_stationary_on_the_sphere_to_rounding(seed, order):
    rng = np.random.default_rng(seed)
    generators, coefficients = rng.standard_normal((7, 4, 2)), rng.standard_normal(7)
    x = collapse(generators, coefficients, order)
    unit = x / np.linalg.norm(x)
    pull = np.einsum(
        "j,jab->ab",
        coefficients * np.einsum("jab,ab->j", generators, unit) ** (order - 1),
        generators,
    )
    tangent = pull - np.sum(pull * unit) * unit
    assert np.linalg.norm(tangent) <= 1e-12 * np.linalg.norm(pull)


# The steps, one by one ----------------------------------------------------------------------------


def terms(seed, scale=1.0):
    """Return terms p (k, k') and unit points z (20, k')."""
    rng = np.random.default_rng(seed)
    k = 2 + seed % 4
    p = rng.standard_normal((k, k))
    z = rng.standard_normal((20, k))
    return scale * p / np.linalg.norm(p, axis=1).max(), z / np.linalg.norm(z, axis=1)[:, None]


def sum_of_powers(p, z, order):
    """Return f(z), its gradient over l, and that without its part along z."""
    overlaps = [sum(a * b for a, b in zip(row, z, strict=True)) for row in p]
    f = sum(overlap**order for overlap in overlaps)
    pull = sum(overlap ** (order - 1) * row for overlap, row in zip(overlaps, p, strict=True))
    return f, pull, pull - (pull @ z) * z


@pytest.mark.parametrize("k", [1, 2, 3, 6, 7])
def test_a_climb_starts_from_the_terms_and_their_signed_sums(k):
    p = np.random.default_rng(k).standard_normal((k, k))
    starts = _starts(p)
    np.testing.assert_allclose(np.linalg.norm(starts, axis=1), 1, rtol=4 * EPS)
    sums = 2 ** (k - 1) if 1 < k <= 6 else 0
    assert len(starts) == k + sums
    expected = list(p)
    if sums:
        expected += [(1 - 2 * np.array(signs)) @ p for signs in np.ndindex(*[2] * k)]
    for row in expected:
        # The lengths of k² products: their rounding, and none of the starts is as near by chance.
        assert np.abs(starts @ row).max() >= np.linalg.norm(row) * (1 - 4 * k**2 * EPS)
    np.testing.assert_array_equal(_starts(2.0**-40 * p), starts)


def test_no_climb_starts_from_a_sum_that_cancels():
    assert len(_starts(np.array([[1.0, 0.0], [1.0, 0.0]]))) == 3


@pytest.mark.parametrize("scale", [1.0, 2.0**-9])
@pytest.mark.parametrize("order", [3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_a_climb_ends_no_lower_and_where_the_gradient_is_along_the_point(seed, order, scale):
    p, z = terms(seed, scale)
    ends = _power_iteration(p, z, order, 1e-11)
    for start, end in zip(z, ends, strict=True):
        assert np.linalg.norm(end) == pytest.approx(1, abs=1e-14)
        f, pull, tangent = sum_of_powers(p, end, order)
        before = abs(sum_of_powers(p, start, order)[0])
        assert f >= before * (1 - 1e-12)
        # Up to √ε in angle f is the same to rounding, and no step is taken any more.
        assert np.linalg.norm(tangent) <= 1e-6 * np.linalg.norm(pull)
    np.testing.assert_array_equal(_power_iteration(p, -z, order, 1e-11), ends)


def test_a_start_where_the_gradient_is_zero_stays():
    p = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    z = np.array([[0.0, 0.0, 1.0], [0.6, 0.0, 0.8]])
    ends = _power_iteration(p, z, 3, 1e-11)
    np.testing.assert_allclose(ends, [[0, 0, 1], [1, 0, 0]], atol=1e-14)


@pytest.mark.parametrize("scale", [1.0, 2.0**-9])
@pytest.mark.parametrize("order", [1, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_newton_steps_from_near_a_maximum_end_on_it_to_rounding(seed, order, scale):
    p, z = terms(seed, scale)
    tops = _power_iteration(p, z, order, 1e-11)
    top = max(tops, key=lambda end: sum_of_powers(p, end, order)[0])
    start = top + 1e-3 * z[0]
    end, residual = _newton(p, start / np.linalg.norm(start), order)
    f, _, tangent = sum_of_powers(p, end, order)
    # Sums of k terms of at most the largest, f is of its size, and powers cost l roundings.
    assert np.linalg.norm(tangent) <= 8 * order * len(p) * EPS * f
    assert residual <= 8 * order * len(p) * EPS
    assert np.linalg.norm(end) == pytest.approx(1, abs=4 * EPS)
    assert abs(end @ top) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("z", [[1.0, 0.0], [0.8, 0.6], [0.96, 0.28]])
def test_at_order_one_newton_steps_lead_to_the_sum_of_the_terms(z):
    for p in (np.eye(2), np.array([[1.0, 0.0], [0.3, 0.5]])):
        end, residual = _newton(p, np.array(z), 1)
        np.testing.assert_allclose(end, p.sum(axis=0) / np.linalg.norm(p.sum(axis=0)), atol=8 * EPS)
        assert residual <= 8 * EPS


@pytest.mark.parametrize("scale", [1.0, 2.0**-9])
def test_newton_steps_take_the_last_digits_where_two_terms_nearly_cancel(scale):
    """⟨a, z⟩³ − ⟨b, z⟩³, at angles ±δ, is highest where cos² φ = (3 − sin δ / sin 3δ) / 4."""
    delta = 1e-3
    a, b = (np.array([np.cos(angle), np.sin(angle)]) for angle in (delta, -delta))
    phi = np.arccos(np.sqrt(3 - np.sin(delta) / np.sin(3 * delta)) / 2)
    start = phi + 5e-10
    end, _ = _newton(scale * np.stack([a, -b]), np.array([np.cos(start), np.sin(start)]), 3)
    # f is 3δ of its terms or so, and their rounding as much larger beside it.
    assert np.arctan2(end[1], end[0]) == pytest.approx(phi, abs=8 * EPS / delta)


@pytest.mark.parametrize("delta", [1e-4, 1e-5])
@pytest.mark.parametrize("turn", range(7))
def test_the_collapse_of_terms_that_nearly_cancel_has_the_digits_they_leave(turn, delta):
    """The same in bases that are turned against each other."""
    phi = np.arccos(np.sqrt(3 - np.sin(delta) / np.sin(3 * delta)) / 2)
    a, b = (np.array([np.cos(turn + x), np.sin(turn + x)])[:, None] for x in (delta, -delta))
    x = collapse(np.stack([a, b]), [1.0, -1.0], 3)[:, 0]
    # By symmetry the angles ±φ and π ∓ φ are as good.
    angle = np.arctan2(x[1], x[0]) - turn
    assert abs(np.tan(angle)) == pytest.approx(np.tan(phi), abs=32 * EPS / delta)


@pytest.mark.parametrize("seed", range(20))
def test_newton_steps_take_the_last_digits_of_a_sum_of_many_terms(seed):
    """Where the height changes by its rounding only, which is as much larger as there are terms."""
    rng = np.random.default_rng(seed)
    p = np.eye(3)[0] + 0.1 * rng.standard_normal((60, 3))
    p /= np.linalg.norm(p, axis=1).max()
    top, _ = _newton(p, p.sum(axis=0) / np.linalg.norm(p.sum(axis=0)), 3)
    start = top + 1e-9 * rng.standard_normal(3)
    end, residual = _newton(p, start / np.linalg.norm(start), 3)
    assert residual <= 8 * 3 * EPS
    assert np.linalg.norm(end - top) <= 1e-12


def test_newton_steps_that_would_lead_down_are_not_taken():
    """z₁³ + z₂³ has a minimum on the quarter of the circle, at equal entries."""
    z = np.array([np.cos(0.8), np.sin(0.8)])
    for scale in (1.0, 0.125):
        end, residual = _newton(scale * np.eye(2), z, 3)
        np.testing.assert_array_equal(end, z)
        f, pull, _ = sum_of_powers(np.eye(2), z, 3)
        # A difference of nearly equal numbers, of rounding ε.
        assert residual == pytest.approx(abs(pull[1] * z[0] - pull[0] * z[1]) / f, abs=8 * EPS)


def test_newton_steps_do_not_lead_down_by_a_little_more_than_rounding():
    """At equal entries z₁^l + z₂^l is (lδ)² / 2 of itself lower than at an angle δ from there."""
    order, delta = 101, 5e-7 / 101
    z = np.array([np.cos(np.pi / 4 + delta), np.sin(np.pi / 4 + delta)])
    end, _ = _newton(np.eye(2), z, order)
    np.testing.assert_array_equal(end, z)
