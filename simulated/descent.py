"""Projected gradient descent of the lifted objective on a span, in coordinates (docs/theory.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from sensing.validation import FloatArray, positive, real_array, whole_number

from .span import SpanObjective


class SpanStopReason(Enum):
    """Why the descent on the span stopped."""

    STEPS = "all steps were made"
    DIVERGED = "the iterate left the range of float64: the step is too large"


@dataclass(frozen=True, repr=False)
class SpanDescent:
    """The path of `descend`; its arrays hold finite numbers only.

    Attributes
    ----------
    coefficients : array (T + 1, k)
        c_0 .. c_T, relative to vec(X_j)^{⊗l} of the generators.
    values : array (T + 1,)
        h^l along the path.
    stop_reason : SpanStopReason
        A diverging run ends at its last finite point, so T may be less than the number of steps asked for.
    """

    coefficients: FloatArray
    values: FloatArray
    stop_reason: SpanStopReason

    def __repr__(self) -> str:
        return (
            f"SpanDescent({len(self.values) - 1} steps, h^l: {self.values[0]:.6g} -> {self.values[-1]:.6g}; "
            f"{self.stop_reason.value})"
        )


def descend(span_objective: SpanObjective, start: Any, *, step_size: float, iterations: int) -> SpanDescent:
    """Iterate w ← Π_S(w − η ∇h^l(w)) on the span S of the generators: c ← c − η Γ⁺ γ(c).

    This is the lifted projected gradient descent itself, not an approximation of it.

    Parameters
    ----------
    span_objective : SpanObjective
        The objective; its generators span S.
    start : array (k,)
        First coefficients.
    step_size : float
        η > 0.
    iterations : int
        Number of steps.

    Returns
    -------
    SpanDescent

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, a non-positive step size, or a negative number of iterations.
    OverflowError
        If h^l at the start does not fit into float64; `SpanObjective.normalised` does at any order.
    """
    c = real_array("start", start, (len(span_objective),))
    eta = positive("step_size", step_size)
    T = whole_number("iterations", iterations, least=0)
    path = np.empty((T + 1, len(c)))
    values = np.empty(T + 1)
    values[0], path[0] = span_objective.value(c), c
    reason, done = SpanStopReason.STEPS, T
    for t in range(1, T + 1):
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                c = c - eta * span_objective.projected_gradient(c)
            value = span_objective.value(c)
        except (OverflowError, ValueError):
            reason, done = SpanStopReason.DIVERGED, t - 1
            break
        path[t], values[t] = c, value
    return SpanDescent(path[: done + 1].copy(), values[: done + 1].copy(), reason)
