"""Projected gradient descent of the lifted objective on a span, in coordinates.

The mathematics: docs/theory.md, section 6.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import StopReason
from lift_compare.sensing.validation import FloatArray, positive, real_array, whole_number

from ..signed_log import LARGEST_LOG
from .objective import SpanEvaluation
from .path_length import check_path
from .quartic import Quartic

Step = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, repr=False)
class SpanDescent:
    """The path of `descend`; its arrays hold finite numbers only.

    Attributes
    ----------
    coefficients : array (T + 1, k)
        c_0 .. c_T, relative to vec(X_j)^{⊗l} of the generators.
    values : array (T + 1,)
        h^l along the path.
    stop_reason : StopReason
        ITERATIONS, or DIVERGED: such a run ends at its last finite point, so T may be less than the
        number of steps asked for.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> simulated.descend(span, [1.0, 0.1, 0.0], step_size=0.005, iterations=600).iterations
    600
    """

    coefficients: FloatArray
    values: FloatArray
    stop_reason: StopReason

    @property
    def iterations(self) -> int:
        """Number of steps T."""
        return len(self.values) - 1

    def __repr__(self) -> str:
        return (
            f"SpanDescent({self.iterations} steps, h^l: {self.values[0]:.6g} -> "
            f"{self.values[-1]:.6g}; {self.stop_reason})"
        )


def descend(
    span_objective: SpanEvaluation, start: Any, *, step_size: float, iterations: int
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
        For a start of the wrong shape or not finite, a non-positive step size, or a number of steps
        that is negative or whose path would take more than 2 GiB.
    OverflowError
        If h^l at the start does not fit into float64, or if it falls from there to below float64;
        `SpanObjective.normalised` fits at any order.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> path = simulated.descend(span, [1.0, 0.1, 0.0], step_size=0.005, iterations=600)
    >>> bool(path.values[-1] < 1e-3 * path.values[0])  # it runs to the ground truth
    True
    """
    c = real_array("start", start, (len(span_objective),))
    eta = positive("step_size", step_size)
    T = whole_number("iterations", iterations, least=0)
    # In an orthonormal basis Γ is the identity, and nearly parallel generators do no harm.
    form = span_objective.orthonormal
    # The path, the pairs of coefficients of its values (in logarithms all terms), and copies.
    k = len(c)
    check_path("iterations", T, numbers=6 * k + 3 * k**2 if form else 8 * (k**2 + k**4))
    first = span_objective.value(c)
    if form is None:  # powers that do not fit into float64
        path = _run(step_in_logs(span_objective, eta), c, T)
        values = values_along(span_objective, path)
    else:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            u = _run(gradient_step(form.quartic, eta), form.into @ c, T)
            path = form.coefficients(c, u[0], u)
            path[0] = c
            later = np.maximum(form.quartic.value(u[1:]), 0.0)
        values = np.concatenate([[first], later])
        values = values[: _finite_length(values, path)]
    reason = StopReason.ITERATIONS if len(values) == T + 1 else StopReason.DIVERGED
    return SpanDescent(path[: len(values)].copy(), values, reason)


def gradient_step(quartic: Quartic, step_size: float) -> Step:
    """Return u ↦ u − η ∇h(u) on one u of shape (r,), for long runs: nothing is checked."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        K, B, r = 2 * step_size * quartic.K, 2 * step_size * quartic.B, len(quartic.B)

    def step(u: FloatArray) -> FloatArray:
        return np.asarray(u - ((K @ (u[:, None] * u).ravel()).reshape(r, r) - B) @ u)

    return step


def step_in_logs(objective: SpanEvaluation, step_size: float) -> Step:
    """Return c ↦ c − η Γ⁺ γ(c) where no plain quartic is.

    What leaves float64 comes back as inf, or as NaN where terms beyond it cancel.
    """
    log_step = math.log(step_size)

    def step(c: FloatArray) -> FloatArray:
        # The gradient may leave float64 where the step does not.
        sign, log = objective.log_projected(c)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.asarray(c - sign * np.exp(log + log_step))

    return step


def step_of_coefficients(objective: SpanEvaluation, step_size: float) -> Step:
    """Return c ↦ c − η Γ⁺ γ(c) on one c of shape (k,), for long runs: nothing is checked."""
    form = objective.orthonormal
    if form is None:
        return step_in_logs(objective, step_size)
    step, into, coefficients = gradient_step(form.quartic, step_size), form.into, form.coefficients

    def step_through_basis(c: FloatArray) -> FloatArray:
        u = into @ c
        return coefficients(c, u, step(u))

    return step_through_basis


def step_together(
    objective: SpanEvaluation, c: FloatArray, step_sizes: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return one projected step from each c, shape (E, k), and h^l there, shape (E,).

    Each has its own step size. What leaves float64 comes back as inf or NaN.
    """
    form = objective.orthonormal
    if form is not None:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            u = c @ form.into.T
            new_u = u - step_sizes[:, None] * form.quartic.gradient(u)
            return form.coefficients(c, u, new_u), form.quartic.value(new_u)
    new, value = np.empty_like(c), np.full(len(c), np.inf)
    for row, (start, step_size) in enumerate(zip(c, step_sizes, strict=True)):
        new[row] = step_in_logs(objective, float(step_size))(start)
        if np.all(np.isfinite(new[row])):
            with np.errstate(over="ignore", under="ignore"):
                value[row] = np.exp(objective.log_value(new[row]))
    return new, value


def values_along(objective: SpanEvaluation, path: FloatArray) -> FloatArray:
    """Return h^l along a path (T + 1, k), cut before the first value that leaves float64.

    If that is the value at the start, OverflowError.
    """
    try:
        return np.asarray(objective.value(path))
    except OverflowError:
        fits = np.asarray(objective.log_value(path)) <= LARGEST_LOG
        if not fits[0]:
            raise
        return np.asarray(objective.value(path[: int(np.argmin(fits))]))


def _run(step: Step, start: FloatArray, steps: int) -> FloatArray:
    """Return start, step(start), ..., shape (T + 1, k), cut before the first that is not finite."""
    path = np.empty((steps + 1, len(start)))
    path[0] = x = start
    zeros = np.zeros(len(start))
    with np.errstate(invalid="ignore"):
        for t in range(1, steps + 1):
            x = step(x)
            if math.isnan(x @ zeros):  # a sum of finite numbers may overflow, these zeros do not
                return path[:t]
            path[t] = x
    return path


def _finite_length(values: FloatArray, path: FloatArray) -> int:
    """Return how many of the first entries are finite, in value and in coefficients."""
    finite = np.isfinite(values) & np.all(np.isfinite(path), axis=1)
    return int(np.argmin([*finite, False]))
