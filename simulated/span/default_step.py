"""A start and a step size for the exact path that need no choice and depend on no units."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing.validation import (
    InvalidValue,
    OutOfRange,
    positive,
    real_array,
    whole_number,
)

from ..signed_log import to_float, units_and_logs
from .objective import SpanEvaluation
from .path_length import check_steps
from .step_window import falling_step, first_rise

_MOST_HALVINGS = 200


def default_rho(span_objective: SpanEvaluation, *, relative: float = 0.1) -> float:
    """Return the ρ of the start ŵ + ρ v̂ with ρ ‖v̂‖ = `relative` · ‖ŵ‖.

    Parameters
    ----------
    span_objective : SpanObjective
        The objective; its first two generators are the base and the visible direction.
    relative : float
        ‖ρ v̂‖ / ‖ŵ‖. 0.1 is the published ρ where ‖ŵ‖ = 1.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For a `relative` that is not positive, or generators without two nonzero first ones.
    OverflowError
        If ρ does not fit into float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> from lift_compare.simulated.span.default_step import default_rho
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> round(default_rho(span), 6)
    0.035355
    """
    log = np.log(positive("relative", relative))
    norms = units_and_logs(span_objective.generators[:2])[1]
    if len(norms) < 2 or not np.all(np.isfinite(norms)):
        raise InvalidValue(
            "span_objective: expected nonzero first generators (base, visible), "
            f"got norms {np.exp(norms)}"
        )
    log += span_objective.order * (norms[0] - norms[1])
    return float(to_float(np.ones(1), np.array([log]), "ρ", span_objective.units.rescaling())[0])


def default_step_size(span_objective: SpanEvaluation, start: Any, *, iterations: int) -> float:
    """Return a step size η with which h^l rises at none of the steps of `descend` from the start.

    It is half of what the first step allows (`falling_step`), halved until a run of all steps
    shows no rise beyond rounding. `step_window` finds the largest one, in many more runs.

    Parameters
    ----------
    span_objective : SpanObjective
        The objective.
    start : array (k,)
        First coefficients.
    iterations : int
        Number of steps T.

    Returns
    -------
    float
        η of `descend`; the η of the published truncated recursion is twice as large. Scaling X, Z
        and b by a common factor leaves the path in natural coefficients as it is. Where the start
        is stationary, and any η does, it is one in natural units.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, or a negative number of steps.
    OverflowError
        If the start in natural units, the powers K^l there, or η do not fit into float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> from lift_compare.simulated.span.default_step import default_step_size
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> eta = default_step_size(span, [1.0, 0.1, 0.0], iterations=660)
    >>> path = simulated.descend(span, [1.0, 0.1, 0.0], step_size=eta, iterations=660)
    >>> bool((path.values[1:] <= path.values[:-1] + 1e-12).all())
    True
    """
    c = real_array("start", start, (len(span_objective),))
    iterations = whole_number("iterations", iterations, least=0)
    check_steps("iterations", iterations, len(c))
    # In natural units, whatever those of the problem are.
    natural, given = span_objective.natural, span_objective.units
    c = given.coefficients_for(natural.units, c)
    first = falling_step(natural, c)
    eta = first / 2 if 0 < first < np.inf else 1.0
    # Also where the gradient is zero to rounding: what is left of ρ v̂ may grow within the steps.
    for _ in range(_MOST_HALVINGS):
        if first_rise(natural, c, eta, iterations)[0] is None:
            return natural.units.step_size_for(given, eta)
        eta /= 2
    raise OutOfRange(f"h^l rises within {iterations} steps with every step size in float64")
