"""Gradient descent that escapes from where it stalls, and goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import (
    Descent,
    SensingProblem,
    Stall,
    StepRule,
    StopReason,
    gradient_descent_batch,
)
from lift_compare.sensing.descent import is_nearly_stationary
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import SOLVED
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    OutOfRange,
    positive,
    real_array,
    whole_number,
)

from .escapes.methods import escape, escape_method
from .escapes.result import Escape
from .span.path_length import check_path

_STALL = Stall()
_OF_ESCAPE = ("order", "polish", "minimum_decrease", "directions")  # parameters of `escape` itself


@dataclass(frozen=True, repr=False)
class Solution:
    """Result of gradient descent with escapes.

    Attributes
    ----------
    point : array (n, r)
        The last point, which is also the one with the lowest h of all ends of descents.
    objective : float
        h there.
    relative_objective : float
        h in units of h(0) = ½ ‖b‖².
    distance : float or None
        ‖XXᵀ − ZZᵀ‖_F, when the ground truth is known.
    solved : bool
        Whether relative_objective is at most the tolerance asked for.
    stop_reason : StopReason
        Why it stopped; after NO_ESCAPE the reason of the last escape says more.
    descents : tuple of Descent
        The descents between the escapes, each with its history.
    escapes : tuple of Escape
        The escape attempts, in order; all are found but possibly the last.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> start = sensing.instance("two-by-two").descent.start()
    >>> found = simulated.descend_with_escapes(sensing.two_by_two(), start, step_size=0.1)
    >>> found.solved, len(found.escapes), found.solved_without_escape
    (True, 1, False)
    """

    point: FloatArray
    objective: float
    relative_objective: float
    distance: float | None
    solved: bool
    stop_reason: StopReason
    descents: tuple[Descent, ...]
    escapes: tuple[Escape, ...]

    @property
    def iterations(self) -> int:
        """Steps of gradient descent, all descents together."""
        return sum(descent.iterations for descent in self.descents)

    @property
    def solved_without_escape(self) -> bool:
        """Whether the first descent alone solved the problem: gradient descent as such."""
        return self.descents[0].stop_reason is StopReason.SOLVED

    def __repr__(self) -> str:
        made = sum(attempt.found for attempt in self.escapes)
        distance = "" if self.distance is None else f", distance {self.distance:.3g}"
        reason = str(self.stop_reason)
        if self.stop_reason is StopReason.NO_ESCAPE and self.escapes:
            reason += f" ({self.escapes[-1].reason})"
        return (
            f"Solution({'solved' if self.solved else 'not solved'}: {reason}; "
            f"h = {self.objective:.6g} ({self.relative_objective:.3g} of ½‖b‖²){distance}, "
            f"{self.iterations} iterations, {made} escapes)"
        )


def descend_with_escapes(
    problem: SensingProblem,
    start: Any,
    *,
    step_size: float | StepRule,
    method: str = "exact",
    max_iterations: int = 100_000,
    max_escapes: int = 10,
    tolerance: float = SOLVED,
    stall: Stall = _STALL,
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
        Steps of gradient descent at most, in each descent.
    max_escapes : int
        Escapes at most (0: gradient descent only).
    tolerance : float
        The problem is solved when h ≤ tolerance · ½ ‖b‖².
    stall : Stall
        When a descent has stalled.
    **escape_settings
        Further parameters and settings of `escape`.

    Returns
    -------
    Solution
        Its histories have the distance to the truth, when that is known.

    Raises
    ------
    TypeError, ValueError
        For a bad or zero start, an unknown method, or a setting out of its range.
    OverflowError
        If h leaves float64, or the h at which the problem is solved does.

    See Also
    --------
    descend_batch_with_escapes : the same from many starts at once.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem, start = sensing.real_system(), [[0.2], [0.1], [0.6]]
    >>> simulated.descend_with_escapes(problem, start, step_size=0.1).solved
    True
    >>> print(simulated.descend_with_escapes(
    ...     problem, start, step_size=0.1, method="single-step"
    ... ).stop_reason)
    no escape from the last stationary point was found
    """
    start = checked_problem(problem).factor("start", start)
    run = _Run.checked(problem, step_size, method, max_iterations, max_escapes, tolerance, stall)
    known = problem.ground_truth is not None
    return run.solve(start[None], escape_settings, record_distance=known)[0]


def descend_batch_with_escapes(
    problem: SensingProblem,
    starts: Any,
    *,
    step_size: float | StepRule,
    method: str = "exact",
    max_iterations: int = 100_000,
    max_escapes: int = 10,
    tolerance: float = SOLVED,
    stall: Stall = _STALL,
    **escape_settings: Any,
) -> list[Solution]:
    """Do `descend_with_escapes` from every start of an array (s, n, r), and return the s solutions.

    The gradients of many starts are computed together. The results are those of single runs up to
    rounding; the histories are without distances.

    Parameters
    ----------
    starts : array (s, n, r)
        First points, none of them zero.
    problem, step_size, method, max_iterations, max_escapes, tolerance, stall, **escape_settings
        As for `descend_with_escapes`.

    Returns
    -------
    list of Solution

    Raises
    ------
    TypeError, ValueError
        As `descend_with_escapes`.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> starts = [[[0.01], [0.7]], [[0.9], [0.1]]]
    >>> solutions = simulated.descend_batch_with_escapes(
    ...     sensing.two_by_two(), starts, step_size=0.1
    ... )
    >>> [(solution.solved, len(solution.escapes)) for solution in solutions]
    [(True, 1), (True, 0)]
    """
    starts = real_array("starts", starts, (None, *problem.shape))
    run = _Run.checked(problem, step_size, method, max_iterations, max_escapes, tolerance, stall)
    return run.solve(starts, escape_settings, record_distance=False)


@dataclass(frozen=True, eq=False)
class _Run:
    """One run of descents and escapes: its settings, checked."""

    problem: SensingProblem
    step_size: float | StepRule
    method: str
    max_iterations: int
    max_escapes: int
    solved_below: float
    stall: Stall

    @classmethod
    def checked(
        cls,
        problem: SensingProblem,
        step_size: float | StepRule,
        method: str,
        max_iterations: int,
        max_escapes: int,
        tolerance: float,
        stall: Stall,
    ) -> _Run:
        """Check the settings, before any work."""
        if not hasattr(step_size, "step"):
            step_size = positive("step_size", step_size)
        tolerance = positive("tolerance", tolerance, or_zero=True)
        max_iterations = whole_number("max_iterations", max_iterations, least=0)
        check_path("max_iterations", max_iterations, numbers=8)  # the history of one descent
        unit = problem.objective_at_zero
        # As zero the product would call every point solved where h underflows, too.
        if tolerance > 0 and not np.finfo(np.float64).tiny <= tolerance * unit < np.inf:
            raise OutOfRange(
                f"measurements: h(0) = ½‖b‖² = {unit:.3g} times the tolerance {tolerance:.3g} "
                "leaves float64; scale b, and X by its root"
            )
        return cls(
            problem,
            step_size,
            method,
            max_iterations,
            whole_number("max_escapes", max_escapes, least=0),
            tolerance * unit,
            stall,
        )

    @np.errstate(over="ignore", under="ignore", invalid="ignore")
    def solve(
        self, starts: FloatArray, settings: dict[str, Any], *, record_distance: bool
    ) -> list[Solution]:
        """Descend from all starts; escape where they stall; go on with those that have moved."""
        if not np.all(np.any(starts != 0, axis=(1, 2))):
            raise InvalidValue(
                "start: expected a nonzero point, got X = 0, where the gradient is 0"
            )
        own = {name: value for name, value in settings.items() if name not in _OF_ESCAPE}
        escape_method(self.method, settings.get("order"), own)  # refuse a bad setting at once
        descents: list[list[Descent]] = [[] for _ in starts]
        escapes: list[list[Escape]] = [[] for _ in starts]
        reasons: dict[int, StopReason] = {}
        running, points = list(range(len(starts))), starts
        while running:
            ends = gradient_descent_batch(
                self.problem,
                points,
                step_size=self.step_size,
                max_iterations=self.max_iterations,
                solved_below=self.solved_below,
                stall=self.stall,
                record_distance=record_distance,
            )
            moved: dict[int, FloatArray] = {}
            for i, descent in zip(running, ends, strict=True):
                descents[i].append(descent)
                reason = self.why_stop(descent, len(escapes[i]))
                if reason is None:
                    attempt = escape(self.problem, descent.point, method=self.method, **settings)
                    escapes[i].append(attempt)
                    if attempt.found:
                        moved[i] = attempt.point
                        continue
                reasons[i] = StopReason.NO_ESCAPE if reason is None else reason
            running, points = list(moved), np.array(list(moved.values()))
        return [self.solution(descents[i], escapes[i], reasons[i]) for i in range(len(starts))]

    def why_stop(self, descent: Descent, made: int) -> StopReason | None:
        """Return why to stop after a descent, or None to try an escape."""
        reason, X = descent.stop_reason, descent.point
        if reason in (StopReason.SOLVED, StopReason.DIVERGED):
            return reason
        if reason is StopReason.ITERATIONS:
            gradient = self.problem.gradient(X)
            if not is_nearly_stationary(self.problem, X, gradient):
                return reason
        if made >= self.max_escapes:
            return StopReason.ESCAPES
        # From X = 0, where descent may end if no PSD matrix beats it, there are no directions.
        return None if np.any(X) else StopReason.NO_ESCAPE

    def solution(
        self, descents: list[Descent], escapes: list[Escape], reason: StopReason
    ) -> Solution:
        """Return what became of one start."""
        end, problem = descents[-1], self.problem
        known = problem.ground_truth is not None
        return Solution(
            point=end.point,
            objective=end.objective,
            relative_objective=end.objective / problem.objective_at_zero,
            distance=float(problem.distance(end.point)) if known else None,
            solved=reason is StopReason.SOLVED,
            stop_reason=reason,
            descents=tuple(descents),
            escapes=tuple(escapes),
        )
