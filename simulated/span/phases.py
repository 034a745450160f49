"""What the exact path does on a grid of step sizes and numbers of steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing.validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    real_array,
    whole_number,
)

from .descent import step_together
from .objective import SpanEvaluation
from .path_length import check_steps


@dataclass(frozen=True, repr=False)
class ExactPhases:
    """What the exact path does on a grid of step sizes and numbers of steps.

    Attributes
    ----------
    step_sizes, iterations : array (E,), (S,)
        The grid: η of `descend`, and the number of steps.
    values : array (E, S)
        h^l after that many steps; +inf where the path has left float64.
    falls : array (E, S) of bool
        Whether h^l has fallen (or, at rounding, stood still) at every step up to then.
    """

    step_sizes: FloatArray
    iterations: FloatArray
    values: FloatArray
    falls: FloatArray

    def __repr__(self) -> str:
        E, S = self.values.shape
        return (
            f"ExactPhases({E} step sizes × {S} numbers of steps, "
            f"falling in {np.mean(self.falls):.0%} of the grid)"
        )


def classify_exact(
    span_objective: SpanEvaluation, start: Any, *, step_sizes: Any, iterations: Any
) -> ExactPhases:
    """Run the exact path for all step sizes at once and classify each (η, number of steps).

    Parameters
    ----------
    span_objective : SpanObjective
        The objective.
    start : array (k,)
        First coefficients.
    step_sizes : array (E,)
        Step sizes η > 0.
    iterations : array (S,) of int
        Numbers of steps from 0 on, ascending. The run is as long as the largest.

    Returns
    -------
    ExactPhases

    Raises
    ------
    TypeError, ValueError
        For bad shapes, step sizes that are not positive, or numbers of steps that are not ascending
        whole numbers.
    OverflowError
        If the powers K^l do not fit into float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> simulated.classify_exact(
    ...     span, [1.0, 0.1, 0.0], step_sizes=[0.005, 0.5], iterations=[1, 10, 100]
    ... ).falls
    array([[ True,  True,  True],
           [ True, False, False]])
    """
    c0 = real_array("start", start, (len(span_objective),))
    etas = real_array("step_sizes", step_sizes, (None,)).copy()
    if np.any(etas <= 0):
        raise InvalidValue(f"step_sizes: expected positive numbers, got {etas.min():.6g}")
    if np.ndim(iterations) != 1:
        raise InvalidType(f"iterations: expected a list of whole numbers, got {iterations!r:.60}")
    wanted = [whole_number("iterations", T, least=0) for T in iterations]
    if not wanted or sorted(set(wanted)) != wanted:
        raise InvalidValue("iterations: expected ascending whole numbers")
    check_steps("iterations", wanted[-1], len(c0))
    shape = (len(etas), len(wanted))
    values, fallen = np.empty(shape), np.empty(shape, dtype=bool)
    # Of every step size: where its path stands, h^l there, and what has become of it.
    c, value = np.tile(c0, (len(etas), 1)), np.full(len(etas), span_objective.value(c0))
    falls, alive = np.ones(len(etas), dtype=bool), np.ones(len(etas), dtype=bool)
    column = 0
    for t in range(wanted[-1] + 1):
        running = np.flatnonzero(alive)
        if t > 0 and len(running):
            new, new_value = step_together(span_objective, c[running], etas[running])
            finite = np.isfinite(new_value)
            rounding = span_objective.noise(c[running])
            falls[running] &= finite & (new_value <= value[running] + rounding)
            alive[running] = finite
            kept = running[finite]
            c[kept], value[kept] = new[finite], new_value[finite]
        if t == wanted[column]:
            values[:, column] = np.where(alive, value, np.inf)
            fallen[:, column] = falls & alive
            column += 1
    return ExactPhases(etas, np.array(wanted), values, fallen)
