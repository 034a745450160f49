"""Gradient descent on h in matrix space."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np

from .problem import SensingProblem
from .step_rules import FixedStep, StepRule
from .validation import FloatArray, positive, whole_number


class StopReason(Enum):
    """Why gradient descent stopped."""

    CONVERGED = "the gradient norm reached the tolerance"
    ITERATIONS = "the iteration budget ended"
    DIVERGED = "the objective left the range of float64: the step is too large"
    NO_DECREASE = "no step along the gradient decreases the objective"
    CALLBACK = "the callback asked to stop"


@dataclass(frozen=True, repr=False)
class History:
    """What gradient descent saw at iterations 0, 1, ..., one entry each.

    Attributes
    ----------
    objective, gradient_norm : array (iterations + 1,)
        h(X_t) and ‖∇h(X_t)‖_F.
    distance : array (iterations + 1,) or None
        ‖X_t X_tᵀ − ZZᵀ‖_F, when the ground truth is known.
    """

    objective: FloatArray
    gradient_norm: FloatArray
    distance: FloatArray | None

    def __repr__(self) -> str:
        return f"History({len(self.objective)} points)"


@dataclass(frozen=True, repr=False)
class Descent:
    """Result of gradient descent: the last finite point and how it was reached."""

    point: FloatArray
    objective: float
    gradient_norm: float
    iterations: int
    stop_reason: StopReason
    history: History

    def __repr__(self) -> str:
        return (
            f"Descent(h = {self.objective:.6g}, ‖∇h‖ = {self.gradient_norm:.3g}, "
            f"{self.iterations} iterations: {self.stop_reason.value})"
        )


def gradient_descent(
    problem: SensingProblem,
    start: FloatArray,
    *,
    step_size: float | StepRule,
    max_iterations: int,
    tolerance: float = 0.0,
    callback: Callable[[int, FloatArray, float, float], object] | None = None,
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
        Stop once ‖∇h‖_F ≤ tolerance.
    callback : callable, optional
        Called as callback(iteration, X, objective, gradient_norm) at every point; a true value returned stops the run.

    Returns
    -------
    Descent
        Its arrays hold finite numbers only: a diverging run ends at its last finite point, with the reason DIVERGED.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, a non-positive step, or a negative iteration count or tolerance.
    """
    X = problem.factor("start", start).copy()
    rule: StepRule = step_size if hasattr(step_size, "step") else FixedStep(step_size)
    max_iterations = whole_number("max_iterations", max_iterations, least=0)
    tolerance = positive("tolerance", tolerance, or_zero=True)

    rows: list[tuple[float, float, float]] = []
    reason, last = StopReason.ITERATIONS, 0.0
    point = X
    with np.errstate(over="ignore", invalid="ignore"):
        for iteration in range(max_iterations + 1):
            value, gradient = problem.objective_and_gradient(X)
            norm = float(np.linalg.norm(gradient))
            if not (np.isfinite(value) and np.isfinite(norm)):
                reason = StopReason.DIVERGED
                break
            point = X
            rows.append(
                (value, norm, np.nan if problem.ground_truth is None else problem.distance(X))
            )
            if callback is not None and callback(iteration, X, value, norm):
                reason = StopReason.CALLBACK
                break
            if norm <= tolerance:
                reason = StopReason.CONVERGED
                break
            if iteration == max_iterations:
                break
            last = rule.step(problem.objective, X, value, gradient, last)
            if last == 0:
                reason = StopReason.NO_DECREASE
                break
            X = X - last * gradient
    if not rows:
        raise ValueError(
            "start: expected a point where h and its gradient are finite in float64, got an overflow"
        )
    objective, norms, distances = np.array(rows).T
    history = History(objective, norms, None if problem.ground_truth is None else distances)
    return Descent(point, float(objective[-1]), float(norms[-1]), len(rows) - 1, reason, history)
