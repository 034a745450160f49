"""Projected gradient descent on the lifted objective."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import StopReason
from lift_compare.sensing.floats import silently
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    locked,
    positive,
    shown,
    whole_number,
)

from .backends import using
from .problem import LiftedProblem
from .projection import Projection, SpanProjection
from .symmetry import is_symmetric


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
    stop_reason : StopReason
        ITERATIONS, CALLBACK, or DIVERGED: such a run ends at its last finite iterate.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> lifted = lifting.LiftedProblem(sensing.two_by_two(), order=3)
    >>> start = lifted.lift([[0.1], [0.7]])
    >>> lifting.projected_gradient_descent(lifted, start, step_size=0.01, iterations=5).iterations
    5
    """

    tensor: Any
    values: FloatArray
    coefficients: FloatArray | None
    stop_reason: StopReason

    @property
    def iterations(self) -> int:
        """Number of steps T."""
        return len(self.values) - 1

    def __repr__(self) -> str:
        return (
            f"LiftedDescent(h^l = {self.values[0]:.6g} -> {self.values[-1]:.6g}, "
            f"{self.iterations} iterations: {self.stop_reason})"
        )


@silently
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
        Called as callback(iteration, w, value) at every iterate; a true value returned stops the
        run.

    Returns
    -------
    LiftedDescent
        A diverging run ends at its last finite iterate, with the reason DIVERGED.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or with h^l not finite, a non-positive step or a negative
        number of steps.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> lifted = lifting.LiftedProblem(sensing.two_by_two(), order=3)
    >>> X, D = [[0.0], [0.5**0.5]], [[1.0], [0.0]]
    >>> span = lifting.SpanProjection([lifted.lift(X), lifted.lift(D)])
    >>> start = lifted.lift(X) + 0.1 * lifted.lift(D)
    >>> path = lifting.projected_gradient_descent(
    ...     lifted, start, step_size=0.005, iterations=20, projection=span
    ... )
    >>> path.coefficients.shape, bool(path.values[-1] < path.values[0])
    ((21, 2), True)
    """
    step_size = positive("step_size", step_size)
    iterations = whole_number("iterations", iterations, least=0)
    for name, given in (("projection", projection), ("callback", callback)):
        if not (given is None or callable(given)):
            raise InvalidType(f"{name}: expected a function, got {shown(given)}")
    span = projection if isinstance(projection, SpanProjection) else None

    first = lifted.tensor("start", start)
    w, reason = first, StopReason.ITERATIONS
    last, values, coefficients = None, [], []
    if span is not None:
        coefficients.append(span.unchecked_coefficients(first))
    with using(lifted.backend):
        symmetric: bool | None = is_symmetric(first)
    for iteration in range(iterations + 1):
        value, gradient = lifted.unchecked(w, symmetric=symmetric)
        if not math.isfinite(value):
            reason = StopReason.DIVERGED
            break
        last = w
        values.append(value)
        if callback is not None and callback(iteration, w, value):
            reason = StopReason.CALLBACK
            break
        if iteration < iterations:
            # The gradient is ours to change: w − η ∇h^l(w) takes its place.
            with using(lifted.backend):
                gradient *= -step_size
                gradient += w
            if projection is None:
                w = gradient
            elif span is not None:
                w, c = span.unchecked(gradient)
                coefficients.append(c)
                symmetric = span.is_symmetric or None
            elif isinstance(gradient, np.ndarray) and not np.isfinite(gradient).all():
                reason = StopReason.DIVERGED
                break
            else:
                w, symmetric = lifted.tensor("projection", projection(gradient)), None
            del gradient  # its memory serves the next one
    if last is None:
        raise InvalidValue(
            "start: expected a tensor where h^l is finite in float64, got an overflow"
        )
    if isinstance(last, np.ndarray):  # a start is the caller's, and stays so
        last = locked(last) if last is first else last
        last.flags.writeable = False
    # A last iterate that is not finite has coefficients, but no value.
    recorded = locked(np.array(coefficients[: len(values)])) if span is not None else None
    return LiftedDescent(last, locked(np.array(values)), recorded, reason)
