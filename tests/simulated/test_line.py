"""h along a line as a quartic: against h itself, and against polynomials with known roots."""

import math
from fractions import Fraction

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated.points.line import LineQuartic, stationary_points


@pytest.mark.parametrize(("n", "r", "m"), [(3, 1, 5), (4, 2, 9)])
def test_the_quartic_is_the_change_of_h_from_any_point_along_any_matrix(n, r, m):
    problem = sensing.gaussian(n, r, m, 0)
    X, D = np.random.default_rng(0).standard_normal((2, n, r))
    quartic = LineQuartic.along(problem, X, D)
    t = np.array([[-2.0, -0.5, 0.0], [1e-3, 1.0, 3.0]])
    h = np.array([[problem.objective(X + s * D) for s in row] for row in t])
    want = h - problem.objective(X)
    np.testing.assert_allclose(quartic.change(t), want, rtol=1e-12, atol=1e-13 * h.max())
    assert quartic.change(1.0) == pytest.approx(want[1, 1], rel=1e-12)
    assert type(quartic.change(1.0)) is float
    assert (quartic.exponent, quartic.coefficients[0]) == (0, 0)
    # Its slope at zero is ⟨∇h(X), D⟩, and without it the rest stays.
    slope = np.sum(problem.gradient(X) * D)
    assert quartic.coefficients[1] == pytest.approx(slope, rel=1e-12)
    flat = quartic.without_slope()
    np.testing.assert_allclose(
        flat.change(t), quartic.change(t) - slope * t, rtol=1e-12, atol=1e-13 * h.max()
    )


# Σ c_i tⁱ with the derivative 4 (t + 1) (t − ½) (t − 2) = 4 t³ − 6 t² − 6 t + 4.
TURNS = np.array([0.0, 4.0, -3.0, -2.0, 1.0])


@pytest.mark.parametrize("exponent", [0, 5, -7])
@pytest.mark.parametrize("size", [1.0, 2.0**700, 2.0**-700])
def test_it_turns_where_its_derivative_is_zero(exponent, size):
    quartic = LineQuartic(size * TURNS, exponent)
    unit = 2.0**exponent
    np.testing.assert_allclose(quartic.stationary_steps(), unit * np.array([-1, 0.5, 2]), rtol=1e-9)
    # −4 and −4 at t = −1 and t = 2: the same, so the first; a little tilted, the lower one.
    for tilt, lowest in ((0.01, -1), (-0.01, 2)):
        tilted = LineQuartic(size * (TURNS + tilt * np.eye(5)[1]), exponent)
        assert tilted.lowest() == pytest.approx(unit * lowest, rel=0.01)


def test_the_lowest_point_may_be_the_start():
    assert LineQuartic(np.array([0.0, 0, 1, 0, 1])).lowest() == 0  # t² + t⁴
    assert LineQuartic(np.array([0.0, 0, 4, -3, 1])).lowest() == 0  # t² ((t − 1.5)² + 1.75)
    assert LineQuartic(np.array([0.0, 0, 2.35, -3, 1])).lowest() == 0  # t² ((t − 1.5)² + 0.1)
    assert LineQuartic(np.array([0.0, 0, 2, -3, 1])).lowest() == pytest.approx(  # t² (t−1) (t−2)
        (9 + math.sqrt(17)) / 8, rel=1e-9
    )


def test_changes_that_leave_float64_are_refused_and_zero_is_zero():
    quartic = LineQuartic(TURNS, 200)
    # In units of t of 2^200 h is in those of 2^800.
    assert quartic.change(2.0**201) == pytest.approx(-4 * 2.0**800, rel=1e-12, abs=0)
    with pytest.raises(OverflowError, match="the change of h on the line is about 1e"):
        quartic.change(2.0**260)
    small = LineQuartic(TURNS, -250)
    # Below float64 in its own units, within it at another step.
    assert small.change(np.array([0.0, 1.0]))[0] == 0
    assert small.change(1.0) == pytest.approx(1.0, rel=1e-12)
    with np.errstate(all="raise"), pytest.raises(OverflowError, match="below float64"):
        small.change(2.0**-320)


@pytest.mark.parametrize("exponent", [3, -4])
def test_changes_are_in_the_units_of_the_line(exponent):
    quartic = LineQuartic(TURNS, exponent)
    steps, unit = 2.0**exponent * np.array([0.0, 2.0, -1.0]), 2.0 ** (4 * exponent)
    np.testing.assert_allclose(quartic.change(steps), [0, -4 * unit, -4 * unit], rtol=1e-14)
    flat = quartic.without_slope().change(steps)
    np.testing.assert_allclose(flat, [0, -12 * unit, 0], rtol=1e-13, atol=1e-13 * unit)


@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_what_leaves_float64_on_the_way_may_come_back(power):
    """One term c tᵖ with c = ±2^(1000 − 200 p): in its own units it is 2^(1000 + 100 p)."""
    coefficients = np.zeros(5)
    coefficients[power] = -(2.0 ** (1000 - 200 * power))
    quartic = LineQuartic(coefficients, -100)
    want = -(2.0 ** (1000 - 200 * power)) * 2.0 ** (300 * power - 400)
    t = np.array([2.0**200, -(2.0**200), 0.0])
    expected = want * np.array([1.0, (-1.0) ** power, 0.0])
    # Logarithms of some hundred have an ε of some hundred.
    np.testing.assert_allclose(quartic.change(t), expected, rtol=1e-12)


def test_underflow_is_no_fault():
    """Beside larger terms; whatever the user has made numpy do about it."""
    problem = sensing.two_by_two()
    X, D = np.array([[1.0], [0.5]]), np.array([[1e-100], [2e-100]])
    with np.errstate(all="raise"):
        quartic = LineQuartic.along(problem, X, D)
        assert quartic.coefficients[4] == 0
        assert quartic.change(0.5) == pytest.approx(quartic.coefficients[1] / 2, rel=1e-12, abs=0)
        spread = LineQuartic(np.array([0.0, 1.0, 0.0, 0.0, 1e-200]))
        assert spread.change(1e-150) == pytest.approx(1e-150, rel=1e-14, abs=0)
        assert spread.change(1e100) == pytest.approx(1e200, rel=1e-12)
        with pytest.raises(OverflowError, match="beyond float64"):
            spread.change(1e160)
        np.testing.assert_allclose(spread.relative_change(np.array([1e-50])), 0.5, rtol=1)
        parabola = np.array([0.0, -2e300, 1e300, 0.0, 1e-40])
        assert stationary_points(parabola) == pytest.approx([1.0], rel=1e-12)


@pytest.mark.parametrize("exponent", [0, 100, -100])
@pytest.mark.parametrize("scale", [1e-100, 1.0, 1e200])
def test_relative_changes_compare_steps_of_any_size(exponent, scale):
    quartic = LineQuartic(TURNS, exponent)
    t = scale * np.array([-1.0, -0.3, 0.2, 0.9])
    got = quartic.relative_change(t)
    steps = [Fraction(float(x)) / Fraction(2) ** exponent for x in t]
    want = [s * (4 + s * (-3 + s * (-2 + s))) for s in steps]
    ratios = [float(x / want[0]) for x in want]
    np.testing.assert_allclose(got / got[0], ratios, rtol=1e-13)
    assert 0.01 < np.abs(got).max() < 4


def test_stationary_points_of_polynomials_of_any_degree():
    np.testing.assert_allclose(stationary_points(np.array([7.0, -6.0, 3.0])), [1.0], rtol=1e-12)
    np.testing.assert_allclose(
        stationary_points(1e300 * np.array([0.0, -3, 0, 1])), [-1.0, 1.0], rtol=1e-9
    )


@pytest.mark.parametrize(
    ("coefficients", "lowest"),
    [
        ([0.0, 0.0, 1.0, 2.0, 1.0], 0.0),  # t² (t + 1)² is as low at −1
        ([0.0, 0.0, 1.0, -2.0, 1.0], 0.0),
        ([0.0, 0.0, 1.0, 2.5, 1.0], -(7.5 + 24.25**0.5) / 8),  # 2 + 7.5 t + 4 t² = 0
        ([0.0, 0.0, 1.0, 1.9, 1.0], 0.0),
        ([0.0, 0.0, 1.0, 0.0, 0.0], 0.0),
        ([0.0, 2.0, 1.0, 0.0, 0.0], -1.0),
        ([0.0, 0.0, 0.0, 0.0, 0.0], 0.0),
        ([0.0, 1.0, 0.0, 0.0, 0.0], 0.0),  # no lowest point
    ],
)
@pytest.mark.parametrize("exponent", [0, 150, -150])
def test_the_lowest_point_is_zero_unless_another_is_lower(coefficients, lowest, exponent):
    found = LineQuartic(np.array(coefficients), exponent).lowest()
    assert found == pytest.approx(lowest * 2.0**exponent, rel=1e-12, abs=0)


def test_a_change_that_underflows_in_its_units_is_refused_by_name():
    """Whatever the user has made numpy do about it."""
    line = LineQuartic(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), -250)
    with np.errstate(all="raise"), pytest.raises(OverflowError, match=r"^the change of h"):
        line.change(2.0**-290)
