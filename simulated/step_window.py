"""The step-size window of the exact path: how large η may be (docs/theory.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray, positive, real_array, whole_number

from .descent import values_along
from .span import SpanObjective

_CHUNK = 256  # steps between two looks at the values


@dataclass(frozen=True, repr=False)
class StepWindow:
    """The largest step size with which the lifted objective falls at every step of the exact path.

    Attributes
    ----------
    largest : float
        A step size η, checked by running it, with which h^l rises at none of the steps (beyond the rounding of its
        terms, which is all that is left of the decrease at the end of a long run). 0 where the start is stationary.
    rises_at : float
        The least step size tried with which h^l rises at some step; at most (1 + tolerance) · largest. inf where every
        trial falls.
    rising_step : int or None
        The step at which it rises there.
    first_step : float
        The bound of the first step alone, in closed form: the least positive root of
        h^l(w₀ − η Π_S∇h^l(w₀)) = h^l(w₀), a cubic in η. The window never exceeds it.
    final_curvature : float
        2 / λ for the largest curvature λ of h^l on the span at the end of the run with `largest`, in the metric of the
        tensors: close to a minimum, larger steps overshoot for ever. inf where λ ≤ 0.
    steps : int
        Number of steps T.
    """

    largest: float
    rises_at: float
    rising_step: int | None
    first_step: float
    final_curvature: float
    steps: int

    def __repr__(self) -> str:
        rise = (
            ""
            if self.rising_step is None
            else f"; with η = {self.rises_at:.6g} it rises at step {self.rising_step}"
        )
        return (
            f"StepWindow(h^l falls at each of {self.steps} steps up to η = {self.largest:.6g}{rise}; "
            f"first step alone {self.first_step:.6g}, curvature at the end {self.final_curvature:.6g})"
        )


def falling_step(span_objective: SpanObjective, c: Any) -> Any:
    """Return the largest s such that h^l(w − η Π_S∇h^l(w)) < h^l(w) for every 0 < η < s, for c of shape (..., k).

    Along the projected gradient h^l is a quartic in η; s is the least positive root of the cubic
    that is left when the root η = 0 is taken out. 0 where the projected gradient is zero.
    """
    c = np.asarray(c, dtype=np.float64)
    gradient = span_objective.projected_gradient(c)
    quartics = np.asarray(span_objective.along(c, -gradient))
    flat = quartics.reshape(-1, 5)
    steps = np.array([_least_positive_root(row[1:]) if row[1] < 0 else 0.0 for row in flat])
    return float(steps[0]) if c.ndim == 1 else steps.reshape(c.shape[:-1])


def _least_positive_root(cubic: FloatArray) -> float:
    """Return the least positive root of Σ_i cubic_i ηⁱ, which is negative at 0; inf if there is none."""
    last = np.flatnonzero(cubic)[-1]
    if last == 0:
        return float("inf")
    unit = (abs(cubic[0]) / abs(cubic[last])) ** (1 / last)  # the roots are then of order one
    roots = np.roots((cubic[: last + 1] * unit ** np.arange(last + 1))[::-1])
    real = roots.real[(np.abs(roots.imag) <= 1e-9 * np.abs(roots)) & (roots.real > 0)]
    return float(real.min() * unit) if len(real) else float("inf")


def step_window(
    span_objective: SpanObjective,
    start: Any,
    *,
    steps: int,
    tolerance: float = 1e-3,
    trials: int = 60,
) -> StepWindow:
    """Return the largest η with which h^l falls at every one of `steps` steps of `descend` (docs/theory.md, section 6).

    The first step gives an upper bound in closed form; below it the window is found by bisection. A
    trial η is checked by running it; a change of h^l within its rounding is no rise. Bisection
    supposes that below a step size that works all others work.

    Parameters
    ----------
    span_objective : SpanObjective
        The objective.
    start : array (k,)
        First coefficients.
    steps : int
        Number of steps T.
    tolerance : float
        Relative width at which the bisection ends.
    trials : int
        Number of trial runs at most.

    Returns
    -------
    StepWindow
        Its η is that of `descend`; the η of the published truncated recursion is twice as large.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, or a bad number of steps, tolerance or trials.
    OverflowError
        If the powers K^l do not fit into float64; in natural units (`SpanObjective.normalised`) they do up to high
        orders.
    """
    c = real_array("start", start, (len(span_objective),))
    steps, trials = whole_number("steps", steps), whole_number("trials", trials)
    tolerance = positive("tolerance", tolerance)
    first = falling_step(span_objective, c)
    if first == 0:
        return StepWindow(0.0, float("inf"), None, 0.0, _curvature_step(span_objective, c), steps)
    # The first step needs η < first, so `first` itself fails at step 1.
    low, end = 0.0, c
    high, rising = first, 1 if np.isfinite(first) else None
    trial = first / 2 if np.isfinite(first) else 1.0
    for _ in range(trials):
        failed, last = _run(span_objective, c, trial, steps)
        if failed is None:
            low, end = trial, last
        else:
            high, rising = trial, failed
        if low > 0 and high <= (1 + tolerance) * low:
            break
        trial = 2 * low if not np.isfinite(high) else (low + high) / 2 if low > 0 else high / 4
        if not np.isfinite(trial):
            break
    return StepWindow(low, high, rising, first, _curvature_step(span_objective, end), steps)


def _run(
    objective: SpanObjective, c: FloatArray, eta: float, steps: int
) -> tuple[int | None, FloatArray]:
    """Run the exact path; return the first step at which h^l rises beyond rounding, or None, and the last point."""
    step, done = objective.projected_step(eta), 0
    while done < steps:
        path = [c]
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(min(_CHUNK, steps - done)):
                path.append(step(path[-1]))
        points = np.array(path)
        finite = int(np.argmin([*np.all(np.isfinite(points), axis=1), False]))
        values = values_along(objective, points[:finite])
        rises = np.diff(values) > objective.rounding(points[: len(values)])[:-1]
        if np.any(rises):
            t = int(np.argmax(rises))
            return done + t + 1, points[t]
        if len(values) < len(points):
            return done + len(values), points[len(values) - 1]
        c, done = points[-1], done + len(points) - 1
    return None, c


def _curvature_step(objective: SpanObjective, c: FloatArray) -> float:
    """Return 2 / λ for the largest eigenvalue λ of Γ⁺ ∇²h^l at c."""
    values = np.linalg.eigvals(objective.metric_inverse @ objective.hessian(c)).real
    return float(2 / values.max()) if values.max() > 0 else float("inf")


@dataclass(frozen=True, repr=False)
class ExactPhases:
    """What the exact path does on a grid of step sizes and numbers of steps.

    Attributes
    ----------
    step_sizes, steps : array (E,), (S,)
        The grid: η of `descend`, and T.
    values : array (E, S)
        h^l after T steps; +inf where the path has left float64.
    falls : array (E, S) of bool
        Whether h^l has fallen (or, at rounding, stood still) at every step up to T.
    coefficients : array (E, S, k)
        The state after T steps; the last finite one where the path has left float64.
    """

    step_sizes: FloatArray
    steps: FloatArray
    values: FloatArray
    falls: FloatArray
    coefficients: FloatArray

    def __repr__(self) -> str:
        E, S = self.values.shape
        return f"ExactPhases({E} step sizes × {S} numbers of steps, falling in {np.mean(self.falls):.0%} of the grid)"


def classify_exact(
    span_objective: SpanObjective, start: Any, *, step_sizes: Any, steps: Any
) -> ExactPhases:
    """Run the exact path for all step sizes at once and classify each (η, T).

    Parameters
    ----------
    span_objective : SpanObjective
        The objective.
    start : array (k,)
        First coefficients.
    step_sizes : array (E,)
        Step sizes η > 0.
    steps : array (S,) of int
        Numbers of steps T ≥ 0, ascending. The run is as long as the largest.

    Returns
    -------
    ExactPhases

    Raises
    ------
    TypeError, ValueError
        For bad shapes, step sizes that are not positive, or steps that are not ascending whole numbers.
    OverflowError
        If the powers K^l do not fit into float64.
    """
    c0 = real_array("start", start, (len(span_objective),))
    etas = real_array("step_sizes", step_sizes, (None,))
    if np.any(etas <= 0):
        raise ValueError(f"step_sizes: expected positive numbers, got {etas.min():.6g}")
    wanted = [whole_number("steps", T, least=0) for T in steps]
    if not wanted or sorted(set(wanted)) != wanted:
        raise ValueError("steps: expected ascending whole numbers")
    E, S = len(etas), len(wanted)
    c = np.tile(c0, (E, 1))
    value = np.full(E, span_objective.value(c0))
    falls, alive = np.ones(E, dtype=bool), np.ones(E, dtype=bool)
    values, fallen, states = (
        np.empty((E, S)),
        np.empty((E, S), dtype=bool),
        np.empty((E, S, len(c0))),
    )
    column = 0
    for t in range(wanted[-1] + 1):
        if t > 0 and len(running := np.flatnonzero(alive)):
            new, new_value = span_objective.projected_steps(c[running], etas[running])
            finite = np.isfinite(new_value)
            falls[running] &= finite & (
                new_value <= value[running] + span_objective.rounding(c[running])
            )
            alive[running] = finite
            kept = running[finite]
            c[kept], value[kept] = new[finite], new_value[finite]
            falls &= alive
        if t == wanted[column]:
            values[:, column] = np.where(alive, value, np.inf)
            fallen[:, column], states[:, column] = falls, c
            column += 1
    return ExactPhases(etas, np.array(wanted), values, fallen, states)
