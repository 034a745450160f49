"""What gradient descent on h found, and what it saw on the way."""

from __future__ import annotations

from dataclasses import dataclass

from .reasons import StopReason
from .validation import FloatArray


@dataclass(frozen=True, repr=False)
class History:
    """What gradient descent saw at iterations 0, 1, ..., one entry each.

    Attributes
    ----------
    objective, gradient_norm : array (iterations + 1,)
        h(X_t) and ‖∇h(X_t)‖_F.
    distance : array (iterations + 1,) or None
        ‖X_t X_tᵀ − ZZᵀ‖_F, when it was recorded.
    """

    objective: FloatArray
    gradient_norm: FloatArray
    distance: FloatArray | None

    def __repr__(self) -> str:
        return f"History({len(self.objective)} points)"


@dataclass(frozen=True, repr=False)
class Descent:
    """Result of gradient descent: the last finite point and how it was reached.

    Attributes
    ----------
    point : array (n, r)
        The last point; a diverging run ends at its last finite one.
    objective, gradient_norm : float
        h and ‖∇h‖_F there.
    iterations : int
        Steps made.
    stop_reason : StopReason
        Why it stopped.
    history : History
        `.objective`, `.gradient_norm` and `.distance` at iterations 0 .. `iterations`.
    has_risen : bool
        Whether h ended above where it began: the step was too large.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.gradient_descent(
    ...     sensing.two_by_two(), [[0.9], [0.1]], step_size=0.1, max_iterations=5
    ... )
    Descent(h = 0.00101699, ‖∇h‖ = 0.0795, 5 iterations: the iteration budget ended)
    """

    point: FloatArray
    objective: float
    gradient_norm: float
    iterations: int
    stop_reason: StopReason
    history: History

    @property
    def has_risen(self) -> bool:
        """Whether h ended above where it began: the step was too large."""
        return bool(self.objective > self.history.objective[0])

    def __repr__(self) -> str:
        risen = f", risen from {self.history.objective[0]:.6g}" if self.has_risen else ""
        return (
            f"Descent(h = {self.objective:.6g}{risen}, ‖∇h‖ = {self.gradient_norm:.3g}, "
            f"{self.iterations} iterations: {self.stop_reason})"
        )
