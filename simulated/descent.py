"""Projected gradient descent of the lifted objective on a span, in coordinates (docs/theory.md, section 6)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray, positive, real_array, whole_number

from .signed_log import LARGEST_LOG
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


def descend(
    span_objective: SpanObjective, start: Any, *, step_size: float, iterations: int
) -> SpanDescent:
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
    form = span_objective.orthonormal
    if form is None:
        path = _run(span_objective.projected_step(eta), c, T)
        values = values_along(span_objective, path)
    else:
        u = _run(form.step(eta), form.into @ c, T)
        with np.errstate(over="ignore", invalid="ignore"):
            path = form.coefficients(c, u[0], u)
            path[0] = c
            values = np.concatenate([[span_objective.value(c)], form.quartic.value(u[1:])])
        finite = np.isfinite(values) & np.all(np.isfinite(path), axis=1)
        values = values[: int(np.argmin([*finite, False]))]
    reason = SpanStopReason.STEPS if len(values) == T + 1 else SpanStopReason.DIVERGED
    return SpanDescent(path[: len(values)].copy(), values, reason)


def _run(step: Callable[[FloatArray], FloatArray], start: FloatArray, steps: int) -> FloatArray:
    """Return the iterates start, step(start), ..., shape (T + 1, k), cut before the first that is not finite."""
    path = np.empty((steps + 1, len(start)))
    path[0] = x = start
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, steps + 1):
            x = step(x)
            if not math.isfinite(x.sum()):
                return path[:t]
            path[t] = x
    return path


def values_along(span_objective: SpanObjective, path: FloatArray) -> FloatArray:
    """Return h^l along a path of shape (T + 1, k), cut before the first value (after the start) beyond float64."""
    try:
        return np.asarray(span_objective.value(path))
    except OverflowError:
        fits = np.asarray(span_objective.log_value(path)) <= LARGEST_LOG
        if not fits[0]:
            raise
        return np.asarray(span_objective.value(path[: int(np.argmin(fits))]))
