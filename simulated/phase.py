"""One phase of gradient descent, from many starts at once, until it solves the problem or stalls."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from lift_compare.sensing import History, SensingProblem, StepRule, StopReason, gradient_descent
from lift_compare.sensing.validation import FloatArray

from .directions import STATIONARY

_CACHE = 2**18  # bytes; the measurements of the starts that move together should stay near this


class PhaseStop(Enum):
    """Why a phase of gradient descent ended."""

    SOLVED = "h reached the tolerance"
    STALLED = "h has stopped falling at a stationary point"
    ITERATIONS = "the iteration budget of the phase ended"
    DIVERGED = "h left the range of float64: the step is too large"


@dataclass(frozen=True, repr=False)
class Phase:
    """One phase of gradient descent: the last finite point and how it was reached.

    Attributes
    ----------
    point : array (n, r)
        The last point.
    objective, gradient_norm : float
        h and ‖∇h‖_F there.
    iterations : int
        Steps made.
    stop_reason : PhaseStop
        Why it ended.
    history : sensing.History
        h, ‖∇h‖_F and, if asked for, the distance to the truth at iterations 0 .. `iterations`.
    """

    point: FloatArray
    objective: float
    gradient_norm: float
    iterations: int
    stop_reason: PhaseStop
    history: History

    def __repr__(self) -> str:
        return (
            f"Phase(h = {self.objective:.6g}, ‖∇h‖ = {self.gradient_norm:.3g}, "
            f"{self.iterations} iterations: {self.stop_reason.value})"
        )


@dataclass(frozen=True)
class PhaseRule:
    """When a phase ends.

    Attributes
    ----------
    solved_below : float
        Value of h that solves the problem.
    stall_tolerance : float
        A phase stalls when h has fallen by less than this fraction over the last `stall_window` values, at a point
        whose gradient is below 1e-3 of its terms. (Near X = 0 and on plateaus h falls slowly too.)
    stall_window : int
        Number of values of h looked at.
    max_iterations : int
        Steps at most.
    record_distance : bool
        Whether the history has the distance to the truth.
    """

    solved_below: float
    stall_tolerance: float
    stall_window: int
    max_iterations: int
    record_distance: bool


def descend_in_phase(
    problem: SensingProblem, starts: FloatArray, step_size: float | StepRule, rule: PhaseRule
) -> list[Phase]:
    """Run gradient descent from every start, shape (s, n, r), until the rule ends it.

    With a fixed step the starts move together, in groups whose measurements fit into a cache; a
    start that ends leaves its group. A StepRule is asked start by start.
    """
    if not isinstance(step_size, float):
        return [_one(problem, start, step_size, rule) for start in starts]
    group = max(1, _CACHE // (8 * problem.m))
    parts = np.array_split(starts, -(-len(starts) // group))
    return [phase for part in parts for phase in _together(problem, part, step_size, rule)]


def is_stationary(problem: SensingProblem, X: FloatArray, gradient: FloatArray) -> FloatArray:
    """Return whether ‖∇h‖ is at most 1e-3 in units of its terms, for X of shape (..., n, r)."""
    pull = problem.operator.adjoint_matmul(problem.measurements, X)
    terms = np.linalg.norm(gradient + 2 * pull, axis=(-2, -1)) + 2 * np.linalg.norm(
        pull, axis=(-2, -1)
    )
    return np.asarray(np.linalg.norm(gradient, axis=(-2, -1)) <= STATIONARY * terms)


def _together(
    problem: SensingProblem, starts: FloatArray, step: float, rule: PhaseRule
) -> list[Phase]:
    count = len(starts)
    active, X = np.arange(count), starts.copy()
    points = starts.copy()
    last = np.zeros(count, dtype=int)
    reasons = [PhaseStop.ITERATIONS] * count
    rows: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for iteration in range(rule.max_iterations + 1):
            value, gradient = problem.objective_and_gradient(X)
            norm = np.sqrt(np.einsum("...ij,...ij->...", gradient, gradient))
            finite = np.isfinite(value) & np.isfinite(norm)
            if not np.all(finite):
                if iteration == 0:
                    raise ValueError(
                        "start: expected a point where h and its gradient are finite, got an overflow"
                    )
                for i in active[~finite]:
                    reasons[i] = PhaseStop.DIVERGED
                active, X, value, gradient, norm = (
                    a[finite] for a in (active, X, value, gradient, norm)
                )
            points[active], last[active] = X, iteration
            rows.append(_row(problem, count, active, X, value, norm, rule))

            solved = value <= rule.solved_below
            stalled = np.zeros(len(active), dtype=bool)
            if iteration + 1 >= rule.stall_window:
                before = rows[iteration + 1 - rule.stall_window][0][active]
                slow = ~solved & (before - value < rule.stall_tolerance * before)
                if np.any(slow):
                    stalled[slow] = is_stationary(problem, X[slow], gradient[slow])
            ended = solved | stalled
            if np.any(ended):
                for i in active[solved]:
                    reasons[i] = PhaseStop.SOLVED
                for i in active[stalled]:
                    reasons[i] = PhaseStop.STALLED
                active, X, gradient = active[~ended], X[~ended], gradient[~ended]
            if len(active) == 0:
                break
            X = X - step * gradient
    values, norms, distances = (np.array(column) for column in zip(*rows, strict=True))
    phases = []
    for i in range(count):
        end = last[i] + 1
        history = History(
            values[:end, i].copy(),
            norms[:end, i].copy(),
            distances[:end, i].copy() if rule.record_distance else None,
        )
        phases.append(
            Phase(
                points[i],
                float(values[last[i], i]),
                float(norms[last[i], i]),
                int(last[i]),
                reasons[i],
                history,
            )
        )
    return phases


def _row(
    problem: SensingProblem,
    count: int,
    active: npt.NDArray[np.intp],
    X: FloatArray,
    value: FloatArray,
    norm: FloatArray,
    rule: PhaseRule,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return h, the gradient norm and the distance of all starts; NaN for those that have ended."""
    row = np.full((3, count), np.nan)
    row[0, active], row[1, active] = value, norm
    if rule.record_distance:
        row[2, active] = problem.distance(X)
    return row[0], row[1], row[2]


def _one(
    problem: SensingProblem, start: FloatArray, step_rule: StepRule | float, rule: PhaseRule
) -> Phase:
    """Run one start with a step rule, through `sensing.gradient_descent`."""
    values: list[float] = []
    reason = PhaseStop.ITERATIONS

    def ended(_iteration: int, X: FloatArray, value: float, _norm: float) -> bool:
        nonlocal reason
        values.append(value)
        if value <= rule.solved_below:
            reason = PhaseStop.SOLVED
            return True
        if len(values) < rule.stall_window:
            return False
        before = values[-rule.stall_window]
        if before - value < rule.stall_tolerance * before and is_stationary(
            problem, X, problem.gradient(X)
        ):
            reason = PhaseStop.STALLED
            return True
        return False

    run = gradient_descent(
        problem, start, step_size=step_rule, max_iterations=rule.max_iterations, callback=ended
    )
    if run.stop_reason is StopReason.DIVERGED:
        reason = PhaseStop.DIVERGED
    elif run.stop_reason in (StopReason.NO_DECREASE, StopReason.CONVERGED):
        reason = PhaseStop.STALLED
    return Phase(run.point, run.objective, run.gradient_norm, run.iterations, reason, run.history)
