"""Gradient descent that escapes from where it stalls, and goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem, StepRule, polish
from lift_compare.sensing.validation import FloatArray, positive, real_array, whole_number

from .escape import METHODS, escape
from .escape_result import Escape
from .phase import Phase, PhaseRule, PhaseStop, descend_in_phase, is_stationary


class SolveStop(Enum):
    """Why `descend_with_escapes` stopped."""

    SOLVED = "h reached the tolerance"
    NO_ESCAPE = "no escape from the last stationary point was found"
    ESCAPES = "the budget of escapes ended"
    ITERATIONS = "the iteration budget of a phase ended before a stationary point"
    DIVERGED = "gradient descent diverged: the step is too large"


@dataclass(frozen=True, repr=False)
class Solution:
    """Result of gradient descent with escapes.

    Attributes
    ----------
    point : array (n, r)
        The last point, which is also the one with the lowest h of all phases' ends.
    objective : float
        h there.
    relative_objective : float
        h in units of ½ ‖b‖², its value at X = 0.
    distance : float or None
        ‖XXᵀ − ZZᵀ‖_F, when the ground truth is known.
    solved : bool
        Whether relative_objective is at most the tolerance asked for.
    stop_reason : SolveStop
        Why it stopped; after NO_ESCAPE the reason of the last escape says more.
    descents : tuple of Phase
        The phases of gradient descent, each with its history.
    escapes : tuple of Escape
        The escape attempts, in order; all are found but possibly the last.
    """

    point: FloatArray
    objective: float
    relative_objective: float
    distance: float | None
    solved: bool
    stop_reason: SolveStop
    descents: tuple[Phase, ...]
    escapes: tuple[Escape, ...]

    @property
    def iterations(self) -> int:
        """Steps of gradient descent in all phases."""
        return sum(phase.iterations for phase in self.descents)

    @property
    def solved_without_escape(self) -> bool:
        """Whether the first phase alone solved the problem: gradient descent as such."""
        return self.descents[0].stop_reason is PhaseStop.SOLVED

    def __repr__(self) -> str:
        made = sum(attempt.found for attempt in self.escapes)
        distance = "" if self.distance is None else f", distance {self.distance:.3g}"
        reason = self.stop_reason.value
        if self.stop_reason is SolveStop.NO_ESCAPE and self.escapes:
            reason += f" ({self.escapes[-1].reason.value})"
        return (
            f"Solution({'solved' if self.solved else 'not solved'}: {reason}; h = {self.objective:.6g} "
            f"({self.relative_objective:.3g} of ½‖b‖²){distance}, {self.iterations} iterations, {made} escapes)"
        )


def descend_with_escapes(
    problem: SensingProblem,
    start: Any,
    *,
    step_size: float | StepRule,
    method: str = "exact",
    max_iterations: int = 100_000,
    max_escapes: int = 10,
    tolerance: float = 1e-10,
    stall_tolerance: float = 1e-7,
    stall_window: int = 200,
    polish_stalled: bool = False,
    record_distance: bool = False,
    **escape_settings: Any,
) -> Solution:
    """Descend by X ← X − η ∇h(X); where it stalls, escape; and so on.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    start : array (n, r)
        First point, not zero.
    step_size : float or StepRule
        A fixed η > 0, or a rule such as `sensing.Backtracking()`.
    method : str
        Method of `escape`.
    max_iterations : int
        Steps of gradient descent at most, in each phase.
    max_escapes : int
        Escapes at most (0: gradient descent only).
    tolerance : float
        The problem is solved when h ≤ tolerance · ½ ‖b‖².
    stall_tolerance, stall_window : float, int
        A phase stalls when h has fallen by less than this fraction over its last `stall_window` values (published: 1e-7
        over 200), and the gradient is below 1e-3 of its terms.
    polish_stalled : bool
        Make a stalled point stationary to rounding (`sensing.polish`) before the escape, if that does not raise h.
    record_distance : bool
        Keep the distance to the truth of every iteration.
    **escape_settings
        Further settings of `escape`.

    Returns
    -------
    Solution

    Raises
    ------
    TypeError, ValueError
        For a bad or zero start, an unknown method, or a setting out of its range.

    See Also
    --------
    descend_batch_with_escapes : the same from many starts at once.
    """
    start = problem.factor("start", start)
    return descend_batch_with_escapes(
        problem,
        start[None],
        step_size=step_size,
        method=method,
        max_iterations=max_iterations,
        max_escapes=max_escapes,
        tolerance=tolerance,
        stall_tolerance=stall_tolerance,
        stall_window=stall_window,
        polish_stalled=polish_stalled,
        record_distance=record_distance,
        **escape_settings,
    )[0]


def descend_batch_with_escapes(
    problem: SensingProblem,
    starts: Any,
    *,
    step_size: float | StepRule,
    method: str = "exact",
    max_iterations: int = 100_000,
    max_escapes: int = 10,
    tolerance: float = 1e-10,
    stall_tolerance: float = 1e-7,
    stall_window: int = 200,
    polish_stalled: bool = False,
    record_distance: bool = False,
    **escape_settings: Any,
) -> list[Solution]:
    """Do `descend_with_escapes` from every start of an array (s, n, r), and return the s solutions.

    With a fixed step the gradients of many starts are computed together. The results are those of
    single runs up to rounding.
    """
    starts = real_array("starts", starts, (None, *problem.shape))
    if not np.all(np.any(starts != 0, axis=(1, 2))):
        raise ValueError("start: expected a nonzero point, got X = 0, where the gradient is zero")
    if not hasattr(step_size, "step"):
        step_size = positive("step_size", step_size)
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if record_distance and problem.ground_truth is None:
        raise ValueError("record_distance: expected a problem with a known ground truth, got none")
    max_escapes = whole_number("max_escapes", max_escapes, least=0)
    unit = 0.5 * float(problem.measurements @ problem.measurements)
    rule = PhaseRule(
        solved_below=positive("tolerance", tolerance, or_zero=True) * unit,
        stall_tolerance=positive("stall_tolerance", stall_tolerance, or_zero=True),
        stall_window=whole_number("stall_window", stall_window, least=2),
        max_iterations=whole_number("max_iterations", max_iterations, least=0),
        record_distance=record_distance,
    )

    points = starts
    phases: list[list[Phase]] = [[] for _ in starts]
    escapes: list[list[Escape]] = [[] for _ in starts]
    stops: dict[int, SolveStop] = {}
    running = list(range(len(starts)))
    while running:
        ends = descend_in_phase(problem, points, step_size, rule)
        moved: dict[int, FloatArray] = {}
        for i, phase in zip(running, ends, strict=True):
            phases[i].append(phase)
            stop = _stop(problem, phase, len(escapes[i]), max_escapes)
            if stop is None:
                point = _polished(problem, phase) if polish_stalled else phase.point
                attempt = escape(problem, point, method=method, **escape_settings)
                escapes[i].append(attempt)
                if attempt.found:
                    moved[i] = attempt.point
                else:
                    stop = SolveStop.NO_ESCAPE
            if stop is not None:
                stops[i] = stop
        running, points = list(moved), np.array(list(moved.values()))
    return [_solution(problem, phases[i], escapes[i], stops[i], unit) for i in range(len(starts))]


def _stop(problem: SensingProblem, phase: Phase, made: int, most: int) -> SolveStop | None:
    """Return why to stop after this phase, or None to try an escape."""
    if phase.stop_reason is PhaseStop.SOLVED:
        return SolveStop.SOLVED
    if phase.stop_reason is PhaseStop.DIVERGED:
        return SolveStop.DIVERGED
    if phase.stop_reason is PhaseStop.ITERATIONS and not is_stationary(
        problem, phase.point, problem.gradient(phase.point)
    ):
        return SolveStop.ITERATIONS
    if made >= most:
        return SolveStop.ESCAPES
    # From X = 0, where descent may end if no PSD matrix beats it, there are no directions.
    return None if np.any(phase.point) else SolveStop.NO_ESCAPE


def _polished(problem: SensingProblem, phase: Phase) -> FloatArray:
    point = polish(problem, phase.point)
    return point if problem.objective(point) <= phase.objective * (1 + 1e-12) else phase.point


def _solution(
    problem: SensingProblem,
    phases: list[Phase],
    escapes: list[Escape],
    stop: SolveStop,
    unit: float,
) -> Solution:
    end = phases[-1]
    distance = None if problem.ground_truth is None else float(problem.distance(end.point))
    return Solution(
        end.point,
        end.objective,
        end.objective / unit,
        distance,
        stop is SolveStop.SOLVED,
        stop,
        tuple(phases),
        tuple(escapes),
    )
