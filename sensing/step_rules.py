"""Step rules of gradient descent: how far to go along the negative gradient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from .floats import norm
from .tolerances import SUFFICIENT_DECREASE
from .validation import FloatArray, InvalidValue, positive


class StepRule(Protocol):
    """Choose a step size; 0 says that no step decreases the objective.

    A rule of your own is any object with this method (docs/escapes.md).

    Examples
    --------
    >>> from lift_compare import sensing
    >>> class Harmonic:
    ...     def step(self, objective, X, value, gradient, last):
    ...         return 0.1 if last == 0 else 1 / (1 / last + 1)
    >>> sensing.gradient_descent(
    ...     sensing.two_by_two(), [[0.9], [0.1]], step_size=Harmonic(), max_iterations=50
    ... ).objective < 0.01
    True
    """

    def step(
        self,
        objective: Callable[[FloatArray], float],
        X: FloatArray,
        value: float,
        gradient: FloatArray,
        last: float,
    ) -> float:
        """Return the step at X, from h(X), ∇h(X) and the last step (0 before the first)."""


@dataclass(frozen=True)
class FixedStep:
    """The same step size everywhere: the rule of the published experiments."""

    size: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", positive("step_size", self.size))

    def step(
        self,
        objective: Callable[[FloatArray], float],
        X: FloatArray,
        value: float,
        gradient: FloatArray,
        last: float,
    ) -> float:
        """Return the fixed size."""
        return self.size


@dataclass(frozen=True)
class Backtracking:
    """Armijo backtracking: halve the step until h falls by at least c · step · ‖∇h‖².

    Attributes
    ----------
    initial : float
        First trial step, in units of h/‖∇h‖², with which a linear h would fall to zero: the same
        for a problem in any units. Later trials start from twice the last accepted step.
    c : float
        Sufficient-decrease constant in (0, ½].

    Raises
    ------
    TypeError, ValueError
        For a trial step or a constant out of range.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> run = sensing.gradient_descent(
    ...     sensing.real_system(), [[1.0], [0.5], [0.1]],
    ...     step_size=sensing.Backtracking(), max_iterations=500, tolerance=1e-6,
    ... )
    >>> run.objective < 1e-10
    True
    """

    initial: float = 1.0
    c: float = SUFFICIENT_DECREASE

    def __post_init__(self) -> None:
        object.__setattr__(self, "initial", positive("initial", self.initial))
        c = positive("c", self.c)
        if c > 0.5:
            raise InvalidValue(f"c: expected a sufficient-decrease constant in (0, 0.5], got {c}")
        object.__setattr__(self, "c", c)

    def step(
        self,
        objective: Callable[[FloatArray], float],
        X: FloatArray,
        value: float,
        gradient: FloatArray,
        last: float,
    ) -> float:
        """Return the first halved step that meets the Armijo condition, or 0 if none does."""
        size = norm(gradient)
        if size == 0:
            return 0.0
        trial = 2 * last if last > 0 else self.initial * (value / size / size)
        for _ in range(100):
            reached = objective(X - trial * gradient)
            # Strictly lower: rounding may swallow the slope, trial · size².
            if reached < value and reached <= value - self.c * (trial * size) * size:
                return trial
            trial /= 2
        return 0.0
