"""The units of a span: natural ones of generators that fit, do not fit, or are not seen."""

import math

import numpy as np
import pytest

from lift_compare.sensing import DenseOperator, SensingProblem
from lift_compare.simulated import SpanObjective
from lift_compare.simulated.span.units import Units


def span_of(sizes, order=3):
    """Three decoupled generators: e₁ fits b, e₂ does not, e₃ is not measured, e₄ is zero."""
    A = np.array([np.diag([0.5, 0.0, 0.0]), np.diag([0.0, 0.01, 0.0])])
    problem = SensingProblem(DenseOperator(A), np.array([3.0, -4.0]), rank=1)
    generators = np.array(sizes)[:, None, None] * np.vstack([np.eye(3), np.zeros(3)])[:, :, None]
    return SpanObjective(problem, generators, order)


@pytest.mark.parametrize("sizes", [[1.0, 1.0, 1.0, 1.0], [1e-3, 7.0, 1e5, 1.0]])
@pytest.mark.parametrize("order", [1, 3])
def test_natural_units_are_the_best_multiples_or_those_as_large_as_b(sizes, order):
    span = span_of(sizes, order)
    natural = span.natural.units
    a, b = math.exp(span.gram_data.log_operator), 5.0
    s = np.exp(natural.log_scales) * math.sqrt(b / a)  # X_j in natural units is s_j e_j
    # h(s e₁) = ½ ((½ s² − 3)² + 16) is least at s² = 6, where nothing is left of the first part.
    assert s[0] ** 2 == pytest.approx(6.0, rel=1e-12)
    # ‖A(s² e₂e₂ᵀ)‖ = s² / 100 = ‖b‖
    assert s[1] ** 2 == pytest.approx(500.0, rel=1e-12)
    # What is not measured has no scale of its own, and a zero keeps its coefficient in all units.
    assert natural.log_scales[2:].tolist() == [0.0, 0.0]
    c = np.array([1.0, 2.0, 3.0, 4.0])
    assert span.units.coefficients_for(natural, c)[3] == 4.0
    # The largest has norm one in the metric.
    assert np.max(2 * natural.log_scales - natural.log_metric) == 0
    assert natural.log_measurements == 0


def test_only_sizes_that_leave_float64_are_to_be_divided_out():
    """‖b‖² or ‖b‖ / a to the power l; a zero b or A has no size."""
    log = math.log
    assert Units(3, np.zeros(1), 2 * log(1e100), 0.0).rescaling() != ""
    assert Units(3, np.zeros(1), 0.0, log(1e120)).rescaling() != ""
    for fits in ((2 * log(1e50), 0.0), (0.0, log(1e-100)), (-math.inf, math.inf), (0.0, -math.inf)):
        assert Units(3, np.zeros(1), *fits).rescaling() == ""


def units_of(a, b, order=3):
    """The units of an operator and measurements of these sizes."""
    return Units(order, np.zeros(1), 2 * math.log(b), math.log(a) - math.log(b))


@pytest.mark.parametrize(
    ("a", "b", "said"),
    [
        (1e-180, 1e20, "divide A by 1.0e-180 (its size), multiply X and Z by the root of that"),
        (1e180, 1e-20, "divide A by 1.0e180 (its size), multiply X and Z by the root of that"),
        (1e210, 1e200, "divide A and b by 1.0e200 (the size of b)"),
        (1e-10, 1e200, "divide b by 1.0e200 (its size), and X and Z by the root of that"),
        (1e-10, 1e-200, "divide b by 1.0e-200 (its size), and X and Z by the root of that"),
        (1e-190, 1e-200, "divide A and b by 1.0e-200 (the size of b)"),
    ],
)
def test_by_what_to_divide(a, b, said):
    """A alone where b fits; else what leaves b / a, the square of a point, closer to one."""
    units = "" if "A and b" in said else " in other units"
    assert units_of(a, b).rescaling() == f"{said}, which is the same problem{units}"


def test_a_step_size_that_leaves_float64_in_other_units_is_refused_with_what_to_divide():
    """Whichever of the two units are out of range: those of b = 1e200 are, at order 3."""
    far, near = units_of(1.0, 1e200), units_of(1.0, 1.0)
    # Steps scale as (‖b‖ a)^−l.
    for start, other, size in ((far, near, "1e600, beyond"), (near, far, "1e-600, below")):
        message = rf"^the step size is about {size} float64; divide b by 1\.0e200 \(its size\)"
        with pytest.raises(OverflowError, match=message):
            start.step_size_for(other, 1.0)


def test_a_coefficient_far_below_the_others_may_become_zero_in_other_units():
    units, larger = Units(1, np.zeros(2), 0.0, 0.0), Units(1, np.full(2, 100.0), 0.0, 0.0)
    assert units.coefficients_for(larger, [1, 1e-300])[1] == 0
    assert units.coefficients_for(larger, [1, 0])[0] == pytest.approx(
        math.exp(-100), rel=1e-13, abs=0
    )
    with pytest.raises(OverflowError, match=r"^a coefficient is about 1e-343, below float64"):
        units.coefficients_for(larger, [0, 1e-300])
