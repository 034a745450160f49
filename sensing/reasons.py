"""Why a computation ended: an enum member with a sentence."""

from __future__ import annotations

from enum import Enum


class Reason(Enum):
    """A reason is a member of an enum; its value, and what it prints as, is a sentence."""

    def __str__(self) -> str:
        return str(self.value)


class StopReason(Reason):
    """Why an iteration stopped: the same words for descents on matrices, tensors and spans.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> run = sensing.gradient_descent(
    ...     sensing.two_by_two(), [[0.9], [0.1]], step_size=0.1, max_iterations=3
    ... )
    >>> run.stop_reason is sensing.StopReason.ITERATIONS
    True
    >>> print(run.stop_reason)
    the iteration budget ended
    """

    CONVERGED = "the tolerance was reached"
    SOLVED = "h reached the value that counts as solved"
    STALLED = "h has stopped falling at a stationary point"
    NO_DECREASE = "no step along the gradient decreases the objective"
    NO_ESCAPE = "no escape from the last stationary point was found"
    ESCAPES = "the budget of escapes ended"
    ITERATIONS = "the iteration budget ended"
    DIVERGED = "the objective left the range of float64: the step is too large"
    CALLBACK = "the callback asked to stop"
