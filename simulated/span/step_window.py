"""The step-size window of the exact path: how large η may be (docs/theory.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing.tolerances import WINDOW
from lift_compare.sensing.validation import (
    FloatArray,
    OutOfRange,
    positive,
    real_array,
    whole_number,
)

from ..roots import real_roots
from .descent import step_of_coefficients, values_along
from .objective import SpanEvaluation
from .path_length import check_steps

_CHUNK = 256  # steps between two looks at the values


@dataclass(frozen=True, repr=False)
class StepWindow:
    """The largest step size with which the lifted objective falls at every step of the exact path.

    Attributes
    ----------
    largest : float
        A step_size of `descend` (half the published η), checked by running it, with which h^l rises
        at none of the steps (beyond the rounding of its terms, which is all that is left of the
        decrease at the end of a long run). 0 where the start is stationary.
    rises_at : float
        The least step size tried with which h^l rises at some step; at most (1 + tolerance) ·
        largest. inf where every trial falls.
    rising_step : int or None
        The step at which it rises there.
    first_step : float
        The bound of the first step alone, in closed form: the least positive root of
        h^l(w₀ − η Π_S∇h^l(w₀)) = h^l(w₀), a cubic in η. The window never exceeds it.
    final_curvature : float
        2 / λ for the largest curvature λ of h^l on the span at the end of the run with `largest`,
        in the metric of the tensors: close to a minimum, larger steps overshoot for ever. inf where
        λ ≤ 0.
    iterations : int
        Number of steps looked at.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> window = simulated.step_window(span, [1.0, 0.1, 0.0], iterations=660)
    >>> 0.005 < window.largest < window.first_step
    True
    """

    largest: float
    rises_at: float
    rising_step: int | None
    first_step: float
    final_curvature: float
    iterations: int

    def __repr__(self) -> str:
        rise = ""
        if self.rising_step is not None:
            rise = f"; with step_size = {self.rises_at:.6g} it rises at step {self.rising_step}"
        return (
            f"StepWindow(h^l falls at each of {self.iterations} steps up to "
            f"step_size = {self.largest:.6g}{rise}; first step alone {self.first_step:.6g}, "
            f"curvature at the end {self.final_curvature:.6g})"
        )


def falling_step(span_objective: SpanEvaluation, c: Any) -> Any:
    """Return the largest s such that h^l(w − η Π_S∇h^l(w)) < h^l(w) for every 0 < η < s.

    For c of shape (..., k). Along the projected gradient h^l is a quartic in η; s is the least
    positive root of the cubic that is left when the root η = 0 is taken out. 0 where the projected
    gradient is zero.
    """
    c = np.asarray(c, dtype=np.float64)
    gradient = span_objective.projected_gradient(c)
    # A direction of the size of c keeps the five coefficients in range; 2^e is exact.
    sizes = [np.max(np.abs(x), axis=-1) for x in (c, gradient)]
    e = np.frexp(sizes[1])[1] - np.frexp(sizes[0])[1]
    with np.errstate(under="ignore"):
        direction = np.ldexp(-gradient, -e[..., None])
    quartics = np.asarray(span_objective.along(c, direction)).reshape(-1, 5)
    steps = np.array([_least_positive_root(row[1:]) if row[1] < 0 else 0.0 for row in quartics])
    with np.errstate(over="ignore", under="ignore"):
        steps = np.ldexp(steps, -np.ravel(e))
    return float(steps[0]) if c.ndim == 1 else steps.reshape(c.shape[:-1])


def _least_positive_root(cubic: FloatArray) -> float:
    """Return the least positive root of Σ_i cubic_i ηⁱ; inf if there is none."""
    roots = real_roots(cubic)
    return float(min(roots[roots > 0], default=np.inf))


def step_window(
    span_objective: SpanEvaluation,
    start: Any,
    *,
    iterations: int,
    tolerance: float = WINDOW,
    trials: int = 60,
) -> StepWindow:
    """Return the largest step size with which h^l falls at every one of the steps of `descend`.

    The first step gives an upper bound in closed form; below it the window is found by bisection.
    A trial is checked by running it; a change of h^l within its rounding is no rise. Bisection
    supposes that below a step size that works all others work. (docs/theory.md, section 6.)

    Parameters
    ----------
    span_objective : SpanObjective
        The objective.
    start : array (k,)
        First coefficients.
    iterations : int
        Number of steps.
    tolerance : float
        Relative width at which the bisection ends.
    trials : int
        Number of trial runs at most.

    Returns
    -------
    StepWindow
        Its step sizes are those of `descend`; the published η is twice as large.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, or a bad number of steps, tolerance or trials;
        a path may have as many steps as `descend` can hold.
    OverflowError
        If the powers K^l do not fit into float64; in natural units (`SpanObjective.normalised`)
        they do up to high orders.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> window = simulated.step_window(span, [1.0, 0.1, 0.0], iterations=100)
    >>> bool((simulated.descend(
    ...     span, [1.0, 0.1, 0.0], step_size=window.largest, iterations=100
    ... ).values[1:] < span.value([1.0, 0.1, 0.0])).all())
    True
    """
    c = real_array("start", start, (len(span_objective),))
    iterations = whole_number("iterations", iterations)
    check_steps("iterations", iterations, len(c))
    tolerance, trials = positive("tolerance", tolerance), whole_number("trials", trials)
    first = falling_step(span_objective, c)
    if first == 0:
        end = _curvature_step(span_objective, c)
        return StepWindow(0.0, float("inf"), None, 0.0, end, iterations)
    # The first step needs η < first, so `first` itself fails at step 1.
    low, end_point = 0.0, c
    high, rising = first, 1 if np.isfinite(first) else None
    trial = first / 2 if np.isfinite(first) else 1.0
    for _ in range(trials):
        failed, last = first_rise(span_objective, c, trial, iterations)
        if failed is None:
            low, end_point = trial, last
        else:
            high, rising = trial, failed
        if low > 0 and high <= (1 + tolerance) * low:
            break
        between = (low + high) / 2 if low > 0 else high / 4
        trial = between if np.isfinite(high) else 2 * low
        if not np.isfinite(trial) or trial in (low, high):  # float64 has none between
            break
    end = _curvature_step(span_objective, end_point)
    return StepWindow(low, high, rising, first, end, iterations)


def first_rise(
    objective: SpanEvaluation, c: FloatArray, eta: float, iterations: int
) -> tuple[int | None, FloatArray]:
    """Return the first step at which h^l rises beyond rounding, or None, and the last point."""
    step, done = step_of_coefficients(objective, eta), 0
    while done < iterations:
        path = [c]
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for _ in range(min(_CHUNK, iterations - done)):
                path.append(step(path[-1]))
        points = np.array(path)
        finite = int(np.argmin([*np.all(np.isfinite(points), axis=1), False]))
        values = values_along(objective, points[:finite])
        rises = np.diff(values) > objective.noise(points[: len(values)])[:-1]
        if np.any(rises):
            t = int(np.argmax(rises))
            return done + t + 1, points[t]
        if len(values) < len(points):  # the next point has left float64
            return done + len(values), points[len(values) - 1]
        c, done = points[-1], done + len(points) - 1
    return None, c


def _curvature_step(objective: SpanEvaluation, c: FloatArray) -> float:
    """Return 2 / λ for the largest eigenvalue λ of Γ⁺ ∇²h^l at c; inf where λ ≤ 0."""
    form = objective.orthonormal
    if form is None:
        raise OutOfRange("the step-size window needs powers beyond float64; use .normalised()")
    metric_inverse = form.back @ form.back.T
    values = np.linalg.eigvals(metric_inverse @ objective.hessian(c)).real
    return float(2 / values.max()) if values.max() > 0 else float("inf")
