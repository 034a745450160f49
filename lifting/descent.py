"""Projected gradient descent on the lifted objective."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray, positive, whole_number

from .backends import using
from .problem import LiftedProblem
from .projection import Projection, SpanProjection


class LiftedStopReason(Enum):
    """Why the lifted descent stopped."""

    ITERATIONS = "the iteration budget ended"
    DIVERGED = "the lifted objective left the range of float64: the step is too large"
    CALLBACK = "the callback asked to stop"


@dataclass(frozen=True, repr=False)
class LiftedDescent:
    """Result of the lifted descent; all numbers are finite.

    Attributes
    ----------
    tensor : tensor of shape (d,)*l
        The last finite iterate.
    values : array (T + 1,)
        h^l at the iterates 0..T.
    coefficients : array (T + 1, k) or None
        Coefficients of the iterates in the generators of a SpanProjection.
    stop_reason : LiftedStopReason
        Why it stopped.
    """

    tensor: Any
    values: FloatArray
    coefficients: FloatArray | None
    stop_reason: LiftedStopReason

    @property
    def iterations(self) -> int:
        """Number of steps T."""
        return len(self.values) - 1

    def __repr__(self) -> str:
        return (
            f"LiftedDescent(h^l = {self.values[0]:.6g} -> {self.values[-1]:.6g}, {self.iterations} iterations: "
            f"{self.stop_reason.value})"
        )


def projected_gradient_descent(
    lifted: LiftedProblem,
    start: Any,
    *,
    step_size: float,
    iterations: int,
    projection: Projection | None = None,
    callback: Callable[[int, Any, float], object] | None = None,
) -> LiftedDescent:
    """Run w ← Π(w − η ∇h^l(w)) on explicit tensors.

    Parameters
    ----------
    lifted : LiftedProblem
        The lifted objective.
    start : tensor of shape (d,)*l
        First iterate, taken as it is (it is not projected).
    step_size : float
        The fixed step η > 0.
    iterations : int
        Number of steps T.
    projection : callable, optional
        Π, such as a `SpanProjection` (whose coefficients are then recorded). None: no projection.
    callback : callable, optional
        Called as callback(iteration, w, value) at every iterate; a true value returned stops the run.

    Returns
    -------
    LiftedDescent
        A diverging run ends at its last finite iterate, with the reason DIVERGED.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or with h^l not finite, a non-positive step or a negative number of steps.
    """
    step_size = positive("step_size", step_size)
    iterations = whole_number("iterations", iterations, least=0)
    span = projection if isinstance(projection, SpanProjection) else None

    w, reason = lifted.tensor("start", start), LiftedStopReason.ITERATIONS
    last, values, coefficients = None, [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for iteration in range(iterations + 1):
            value, gradient = lifted.value_and_gradient(w)
            if not math.isfinite(value):
                reason = LiftedStopReason.DIVERGED
                break
            last = w
            values.append(value)
            if span is not None:
                coefficients.append(span.coefficients(w))
            if callback is not None and callback(iteration, w, value):
                reason = LiftedStopReason.CALLBACK
                break
            if iteration < iterations:
                with using(lifted.backend):
                    gradient *= -step_size
                    gradient += w
                w = gradient if projection is None else projection(gradient)
    if last is None:
        raise ValueError("start: expected a tensor where h^l is finite in float64, got an overflow")
    return LiftedDescent(
        last, np.array(values), np.array(coefficients) if span is not None else None, reason
    )
