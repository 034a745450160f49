"""Gradient descent on h, from one start or from many at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .descent_result import Descent, History
from .floats import norm, silently
from .problem import SensingProblem, checked_problem
from .reasons import StopReason
from .step_rules import FixedStep, StepRule
from .tolerances import LARGEST_SQUARE, NEARLY_STATIONARY, SMALLEST_SQUARE, STALLED
from .validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    locked,
    positive,
    real_array,
    shown,
    whole_number,
)

Callback = Callable[[int, FloatArray, float, float], object]

_CACHE = 2**18  # bytes; the measurements of the starts that move together should stay near this


@dataclass(frozen=True)
class Stall:
    """When a descent has stalled.

    It has when h has fallen by less than `tolerance` of itself over its last `window` values, at a
    point whose gradient is below 1e-3 of its terms: on plateaus, as near X = 0, h falls slowly too.

    Attributes
    ----------
    tolerance : float
        Least fraction of h to be lost, at least 0 (published: 1e-7).
    window : int
        Number of values looked at, at least 2 (published: 200).

    Examples
    --------
    >>> from lift_compare import sensing
    >>> run = sensing.gradient_descent(
    ...     sensing.two_by_two(), [[0.0], [0.6]], step_size=0.1, max_iterations=10_000,
    ...     stall=sensing.Stall(window=20),
    ... )
    >>> print(run.stop_reason)
    h has stopped falling at a stationary point
    """

    tolerance: float = STALLED
    window: int = 200

    def __post_init__(self) -> None:
        tolerance = positive("stall_tolerance", self.tolerance, or_zero=True)
        object.__setattr__(self, "tolerance", tolerance)
        object.__setattr__(self, "window", whole_number("stall_window", self.window, least=2))


def gradient_descent(
    problem: SensingProblem,
    start: Any,
    *,
    step_size: float | StepRule,
    max_iterations: int,
    tolerance: float = 0.0,
    solved_below: float | None = None,
    stall: Stall | None = None,
    callback: Callback | None = None,
) -> Descent:
    """Minimise h by X ← X − η ∇h(X).

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    start : array (n, r)
        First point.
    step_size : float or StepRule
        A fixed η > 0, or a rule such as `Backtracking()`.
    max_iterations : int
        Number of steps at most (0 evaluates the start only).
    tolerance : float
        Stop once ‖∇h‖_F is at most this in units of its terms (`relative_gradient_norm`): the same
        point for a problem in any units. Asking costs one product with A* a step; 0 does not ask.
    solved_below : float, optional
        Stop once h ≤ this value, in the units of h.
    stall : Stall, optional
        Stop once the descent has stalled.
    callback : callable, optional
        Called as callback(iteration, X, objective, gradient_norm) at every point; a true value
        returned stops the run.

    Returns
    -------
    Descent
        Its arrays hold finite numbers only.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, or where h is not; a non-positive step, or a
        negative iteration count or tolerance.

    See Also
    --------
    gradient_descent_batch : the same from many starts at once.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> problem = sensing.two_by_two()
    >>> run = sensing.gradient_descent(problem, [[0.9], [0.1]], step_size=0.1, max_iterations=100)
    >>> problem.distance(run.point) < 1e-6
    True
    """
    X = checked_problem(problem).factor("start", start)
    if callback is not None and not callable(callback):
        raise InvalidType(f"callback: expected a function, got {shown(callback)}")
    ending = _Ending.checked(max_iterations, tolerance, solved_below, stall)
    batch = _Batch(problem, X[None], step_size, problem.ground_truth is not None)
    return batch.run(ending, callback)[0]


def gradient_descent_batch(
    problem: SensingProblem,
    starts: Any,
    *,
    step_size: float | StepRule,
    max_iterations: int,
    tolerance: float = 0.0,
    solved_below: float | None = None,
    stall: Stall | None = None,
    record_distance: bool = False,
) -> list[Descent]:
    """Do `gradient_descent` from every start of an array (s, n, r), and return the s results.

    The starts move together, in groups whose measurements fit into a cache; one that has ended
    leaves its group. The results are those of single runs up to rounding.

    Parameters
    ----------
    problem, step_size, max_iterations, tolerance, solved_below, stall
        As for `gradient_descent`.
    starts : array (s, n, r)
        First points.
    record_distance : bool
        Whether the histories have the distance to the truth. It costs more than a step.

    Returns
    -------
    list of Descent

    Raises
    ------
    TypeError, ValueError
        As for `gradient_descent`; for distances without a known ground truth.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> starts = [[[0.9], [0.1]], [[0.0], [0.6]]]
    >>> problem = sensing.two_by_two()
    >>> runs = sensing.gradient_descent_batch(problem, starts, step_size=0.1, max_iterations=100)
    >>> [round(run.objective, 6) for run in runs]
    [0.0, 0.375]
    """
    starts = real_array("starts", starts, (None, *checked_problem(problem).shape))
    if record_distance and problem.ground_truth is None:
        raise InvalidValue(
            "record_distance: expected a problem with a known ground truth, got none"
        )
    ending = _Ending.checked(max_iterations, tolerance, solved_below, stall)
    group = max(1, _CACHE // (8 * problem.m))
    parts = np.array_split(starts, -(-len(starts) // group))
    batches = [_Batch(problem, part, step_size, record_distance) for part in parts]
    return [descent for batch in batches for descent in batch.run(ending)]


def is_nearly_stationary(
    problem: SensingProblem,
    X: FloatArray,
    gradient: FloatArray,
    tolerance: float = NEARLY_STATIONARY,
) -> npt.NDArray[np.bool_]:
    """Return whether ‖∇h‖ is at most 1e-3 in units of its terms, for X of shape (..., n, r)."""
    pull = 2 * problem.operator.adjoint_matmul(problem.measurements, X)
    terms = norm(gradient + pull, axis=(-2, -1)) + norm(pull, axis=(-2, -1))
    return np.asarray(norm(gradient, axis=(-2, -1)) <= tolerance * terms)


@dataclass(frozen=True)
class _Ending:
    """When a run ends; see `gradient_descent`."""

    max_iterations: int
    tolerance: float
    solved_below: float
    stall: Stall | None

    @classmethod
    def checked(
        cls, max_iterations: Any, tolerance: Any, solved_below: Any, stall: Stall | None
    ) -> _Ending:
        """Check the settings of a run."""
        if not (stall is None or isinstance(stall, Stall)):
            raise InvalidType(f"stall: expected a Stall or None, got {shown(stall)}")
        return cls(
            whole_number("max_iterations", max_iterations, least=0),
            positive("tolerance", tolerance, or_zero=True),
            -np.inf
            if solved_below is None
            else positive("solved_below", solved_below, or_zero=True),
            stall,
        )


class _Batch:
    """Gradient descent from several starts: those that still move, and what each has seen."""

    def __init__(
        self,
        problem: SensingProblem,
        starts: FloatArray,
        step_size: float | StepRule,
        record_distance: bool,
    ) -> None:
        _ = problem.objective_at_zero  # refused where it leaves float64
        self.problem, self.record_distance = problem, record_distance
        self.rule = step_size if hasattr(step_size, "step") else FixedStep(step_size)
        count = len(starts)
        # Of all starts: where each stands, how many steps it has made, and why it has ended.
        self.points = starts.copy()
        self.iterations = np.zeros(count, dtype=int)
        self.reasons = [StopReason.ITERATIONS] * count
        # Of all starts, a row an iteration: h, ‖∇h‖ and the distance; NaN once a start has ended.
        self.rows: list[FloatArray] = []
        # Of those that still move: their numbers, and what was computed where they stand.
        self.moving = np.arange(count)
        self.X, self.steps = starts, np.zeros(count)
        self.value, self.norm, self.gradient = np.empty(count), np.empty(count), starts

    @silently
    def run(self, ending: _Ending, callback: Callback | None = None) -> list[Descent]:
        """Descend until every start has ended, and return what became of each."""
        for iteration in range(ending.max_iterations + 1):
            # 1. Look: those that have left float64 end here.
            self.evaluate(iteration)
            if callback is not None and len(self.moving):  # only a single start has one
                X = self.X[0].copy()  # the caller's to keep
                asked = callback(iteration, X, float(self.value[0]), float(self.norm[0]))
                self.end(np.array([bool(asked)]), StopReason.CALLBACK)
            # 2. End what is done; the first reason counts.
            self.end(self.value <= ending.solved_below, StopReason.SOLVED)
            self.end(self.has_converged(ending.tolerance), StopReason.CONVERGED)
            if ending.stall is not None:
                self.end(self.has_stalled(ending.stall), StopReason.STALLED)
            if len(self.moving) == 0 or iteration == ending.max_iterations:
                break
            # 3. Step; a rule that finds no step ends its start, too.
            self.step()
            if len(self.moving) == 0:
                break
        return self.descents()

    def evaluate(self, iteration: int) -> None:
        """Compute h and ∇h where the starts stand; those that have left float64 end there."""
        self.value, self.gradient = self.problem.unchecked(self.X)
        self.norm = np.sqrt(np.einsum("...ij,...ij->...", self.gradient, self.gradient))
        distance = self.problem.unchecked_distance(self.X) if self.record_distance else None
        if not self.is_ordinary(distance):
            self.norm = norm(self.gradient, axis=(-2, -1))
            lost = ~(np.isfinite(self.value) & np.isfinite(self.norm))
            if distance is not None:
                lost |= ~np.isfinite(distance)
                distance = distance[~lost]
            if iteration == 0 and np.any(lost):
                raise InvalidValue(
                    "start: expected a point where h and its gradient are finite in float64, "
                    "got an overflow"
                )
            self.end(lost, StopReason.DIVERGED)
            if len(self.moving):
                self.round_to_zero()
        row = np.full((3, len(self.points)), np.nan)
        row[0, self.moving], row[1, self.moving] = self.value, self.norm
        if distance is not None:
            row[2, self.moving] = distance
        self.rows.append(row)
        self.points[self.moving], self.iterations[self.moving] = self.X, iteration

    def round_to_zero(self) -> None:
        """Put the starts at X = 0 that have come so near that squares have left float64 below."""
        measured = norm(self.problem.unchecked_measure(self.X), axis=(-1,))
        size = norm(self.X, axis=(-2, -1))
        least = SMALLEST_SQUARE**2 * norm(self.problem.measurements)
        zero = (measured <= least) & (size <= SMALLEST_SQUARE)
        self.X = np.where(zero[:, None, None], 0.0, self.X)
        self.gradient = np.where(zero[:, None, None], 0.0, self.gradient)
        self.norm = np.where(zero, 0.0, self.norm)

    def is_ordinary(self, distance: FloatArray | None) -> bool:
        """Return whether all is finite, and no square of a gradient has left float64."""
        squares = (self.norm > SMALLEST_SQUARE) & (self.norm < LARGEST_SQUARE)
        known = np.isfinite(self.value if distance is None else self.value + distance)
        return bool((squares & known).all())

    def has_converged(self, tolerance: float) -> npt.NDArray[np.bool_]:
        """Return at which of the moving starts the gradient is within the tolerance."""
        if tolerance == 0 or len(self.moving) == 0:
            return np.asarray(self.norm == 0)
        return is_nearly_stationary(self.problem, self.X, self.gradient, tolerance)

    def has_stalled(self, stall: Stall) -> npt.NDArray[np.bool_]:
        """Return which of the moving starts have stalled."""
        stalled = np.zeros(len(self.moving), dtype=bool)
        if len(self.rows) >= stall.window:
            before = self.rows[-stall.window][0, self.moving]
            slow = before - self.value < stall.tolerance * before
            # A plateau is slow as well. Whether it is one costs a product with A*, so it is asked
            # of the slow ones only.
            if np.any(slow):
                stalled[slow] = is_nearly_stationary(
                    self.problem, self.X[slow], self.gradient[slow]
                )
        return stalled

    def step(self) -> None:
        """Step along the negative gradient; where the rule finds no step, the start ends."""
        if isinstance(self.rule, FixedStep):
            self.X = self.X - self.rule.size * self.gradient
            return
        # Each start has a step of its own, found from its last one.
        states = zip(self.X, self.value, self.gradient, self.steps, strict=True)
        h = self.problem.objective_or_inf
        steps = [
            self.rule.step(h, X, float(value), gradient, float(last))
            for X, value, gradient, last in states
        ]
        self.steps = np.array([positive("step_size", step, or_zero=True) for step in steps])
        self.end(self.steps == 0, StopReason.NO_DECREASE)
        self.X = self.X - self.steps[:, None, None] * self.gradient

    def end(self, ended: npt.NDArray[np.bool_], reason: StopReason) -> None:
        """Take the ended ones from those that move."""
        if not np.any(ended):
            return
        for i in self.moving[ended]:
            self.reasons[i] = reason
        kept = ~ended
        self.moving, self.X, self.steps = self.moving[kept], self.X[kept], self.steps[kept]
        self.value, self.norm, self.gradient = (
            array[kept] for array in (self.value, self.norm, self.gradient)
        )

    def descents(self) -> list[Descent]:
        """Return what became of each start."""
        rows = np.array(self.rows)
        descents = []
        for i, last in enumerate(self.iterations):
            # Copies: a view would keep the histories of all starts alive.
            objective, gradient_norm, distance = (locked(rows[: last + 1, k, i]) for k in range(3))
            history = History(objective, gradient_norm, distance if self.record_distance else None)
            descents.append(
                Descent(
                    locked(self.points[i]),
                    float(objective[-1]),
                    float(gradient_norm[-1]),
                    int(last),
                    self.reasons[i],
                    history,
                )
            )
        return descents
