"""The truncated path, in closed form as published (docs/theory.md, section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    OutOfRange,
    odd_order,
    positive,
    real_array,
    whole_number,
)

from ..points.directions import EscapeDirections
from ..signed_log import LARGEST_LOG, signed_log, signed_log_sum, units_and_logs
from ..span.objective import SpanEvaluation
from ..span.path_length import check_path

MOST_STEPS = 2**53
"""Largest T of a single state: above it T is no float64 number."""


@dataclass(frozen=True, repr=False)
class TruncatedPath:
    """Coefficients of the truncated path relative to (base, visible, hidden)^{⊗l}, for t = 0 .. T.

    Attributes
    ----------
    alpha, beta, gamma : array (T + 1,)
        α̃ = 1, β̃ = ρ ν^t, γ̃ = −η ρ (σ_r^l / 2^{l−1}) (ν^t − 1)/(ν − 1).
    growth : float
        ν − 1 = −η λ_n^l, kept apart from ν because it may be far below the rounding of 1.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> directions = simulated.escape_directions(sensing.two_by_two(), [[0.0], [0.5**0.5]])
    >>> simulated.truncated_coefficients(directions, 3, rho=0.1, eta=0.01, steps=660)
    TruncatedPath(660 steps, ν − 1 = 0.00421875, β̃: 0.1 -> 1.61, γ̃: 0 -> -0.3163)
    """

    alpha: FloatArray
    beta: FloatArray
    gamma: FloatArray
    growth: float

    @property
    def nu(self) -> float:
        """ν = 1 − η λ_n^l."""
        return 1.0 + self.growth

    @property
    def coefficients(self) -> FloatArray:
        """(α̃, β̃, γ̃) for every t, shape (T + 1, 3)."""
        return np.stack([self.alpha, self.beta, self.gamma], axis=1)

    def __repr__(self) -> str:
        return (
            f"TruncatedPath({len(self.alpha) - 1} steps, ν − 1 = {self.growth:.6g}, "
            f"β̃: {self.beta[0]:.4g} -> {self.beta[-1]:.4g}, "
            f"γ̃: {self.gamma[0] + 0.0:.4g} -> {self.gamma[-1]:.4g})"
        )


def truncated_coefficients(
    directions: EscapeDirections, order: int, *, rho: float, eta: float, steps: int
) -> TruncatedPath:
    """Return the published closed form of the path from w_escape = base^{⊗l} + ρ visible^{⊗l}.

    It solves β ← ν β, γ ← γ − η (σ_r^l / 2^{l−1}) β. Its η is twice the step of `descend`, because
    ∇h^l carries a 2.

    Parameters
    ----------
    directions : EscapeDirections
        The directions at X̂.
    order : int
        The odd lifting order l.
    rho, eta : float
        ρ > 0 and η > 0.
    steps : int
        T.

    Returns
    -------
    TruncatedPath

    Raises
    ------
    TypeError, ValueError
        For an order that is even or above 1001, non-positive ρ or η, or a number of steps that is
        negative or whose path would take more than 2 GiB.
    OverflowError
        If a coefficient leaves float64 within the steps.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> directions = simulated.escape_directions(sensing.two_by_two(), [[0.0], [0.5**0.5]])
    >>> path = simulated.truncated_coefficients(directions, 3, rho=0.1, eta=0.01, steps=1)
    >>> path.coefficients[1, :2].round(6)
    array([1.      , 0.100422])
    """
    steps = whole_number("steps", steps, least=0)
    check_path("steps", steps, numbers=12)
    t = np.arange(steps + 1, dtype=np.float64)
    return _path_at(t, directions, order, rho, eta)


def truncated_state(
    directions: EscapeDirections, order: int, *, rho: float, eta: float, steps: int
) -> FloatArray:
    """Return the last point (α̃, β̃, γ̃) of `truncated_coefficients`, without the path to it."""
    steps = whole_number("steps", steps, least=0, most=MOST_STEPS)
    path = _path_at(np.array([float(steps)]), directions, order, rho, eta)
    return np.asarray(path.coefficients[0])


def _path_at(
    t: FloatArray, directions: EscapeDirections, order: int, rho: float, eta: float
) -> TruncatedPath:
    """Return the closed form at the steps t, ascending."""
    order = odd_order(order)
    rho, eta = positive("rho", rho), positive("eta", eta)
    growth, drive = truncated_rates(directions, order, eta)
    # Say at which step it leaves float64, before anything is computed.
    if growth > -1 and t[-1] * np.log1p(growth) > LARGEST_LOG:
        last = int(LARGEST_LOG / np.log1p(growth))
        raise OutOfRange(f"ν^t leaves float64 at step {last} of {int(t[-1])}")
    with np.errstate(over="raise", under="ignore"):
        try:
            beta = rho * _power(growth, t)
            gamma = -rho * (drive * _geometric_sum(growth, t))
        except FloatingPointError as error:
            raise OutOfRange(
                f"a truncated coefficient leaves float64 within {int(t[-1])} steps"
            ) from error
    return TruncatedPath(np.ones(len(t)), beta, gamma, growth)


def truncated_rates(directions: EscapeDirections, order: int, eta: float) -> tuple[float, float]:
    """Return ν − 1 = −η λ_n^l and the drive η σ_r^l / 2^{l−1} of the hidden coefficient.

    OverflowError if one of them does not fit into float64; at high order they may become zero.
    """
    rates = []
    for base, factor in ((directions.eigenvalue, -eta), (directions.singular_value / 2, 2 * eta)):
        with np.errstate(over="ignore", under="ignore"):
            power = np.float64(base) ** order
        if not np.finfo(np.float64).tiny <= abs(power) < np.inf:
            # The power leaves float64, but its product with η need not.
            sign, log = signed_log(np.asarray(base))
            log = log * order + np.log(abs(factor))
            if log > LARGEST_LOG:
                raise OutOfRange(f"λ_n^l or σ_r^l leaves float64 at order {order}")
            with np.errstate(under="ignore"):
                rates.append(float(np.sign(factor) * sign * np.exp(log)))
            continue
        with np.errstate(over="ignore", under="ignore"):
            rate = float(factor * power)
        if np.isinf(rate):
            raise OutOfRange(f"η λ_n^l or η σ_r^l leaves float64 at order {order}")
        rates.append(rate)
    return rates[0], rates[1]


def _power(growth: float, t: FloatArray) -> FloatArray:
    """Return ν^t, accurately for tiny ν − 1 = growth."""
    return np.asarray(np.exp(t * np.log1p(growth)) if growth > -1 else (1 + growth) ** t)


def _geometric_sum(growth: float, t: FloatArray) -> FloatArray:
    """Return (ν^t − 1)/(ν − 1) = Σ_{s<t} ν^s."""
    if growth == 0:
        return t.copy()
    if growth > -1:
        return np.asarray(np.expm1(t * np.log1p(growth)) / growth)
    return np.asarray(((1 + growth) ** t - 1) / growth)


def truncation_error(
    span_objective: SpanEvaluation, directions: EscapeDirections, coefficients: Any
) -> float:
    """Return ‖Π_S ∇h^l(w) − retained‖ / ‖Π_S ∇h^l(w)‖ at w = Σ c_j vec(X_j)^{⊗l}.

    Of the projected gradient the truncated recursion retains
    2 [λ_n^l β visible^{⊗l} + (σ_r^l / 2^{l−1}) β hidden^{⊗l}]. S is the span of the published three
    generators.

    Parameters
    ----------
    span_objective : SpanObjective
        The objective on (base, visible, hidden), as given by `directions.generators`.
    directions : EscapeDirections
        The directions at X̂.
    coefficients : array (3,)
        The state (α, β, γ).

    Returns
    -------
    float
        0 if the truncation is exact there, 1 if it keeps nothing of the gradient; +inf where the
        projected gradient is zero and the retained terms are not.

    Raises
    ------
    TypeError, ValueError
        For other generators, or coefficients of the wrong shape.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> span = simulated.SpanObjective(problem, directions.generators, order=3)
    >>> round(simulated.truncation_error(span, directions, [1.0, 0.1, 0.0]), 3)
    0.637
    """
    c = real_array("coefficients", coefficients, (3,))
    if span_objective.generators.shape != (3, *directions.base.shape):
        raise InvalidValue(
            "span_objective: expected the three generators (base, visible, hidden), "
            f"got {len(span_objective)}"
        )
    order, norms = span_objective.order, units_and_logs(span_objective.generators)[1]
    # 1. The two tensors, in coordinates of unit powers, as signs and logarithms.
    try:
        sign, log = signed_log(span_objective.projected_gradient(c))
    except OverflowError:
        sign, log = span_objective.log_projected(c)
    rates = np.array([0.0, directions.eigenvalue, directions.singular_value / 2])
    sign_kept, log_kept = signed_log(rates)
    sign_kept = sign_kept * np.sign(c[1])
    log_kept = order * log_kept + signed_log(c[1])[1] + np.log([2.0, 2.0, 4.0])
    # 2. Their difference, and the norms.
    signs, logs = np.stack([sign, -sign_kept]), np.stack([log, log_kept]) + order * norms
    with np.errstate(under="ignore"):
        unit_gram = (span_objective.gram_data.rows @ span_objective.gram_data.rows.T) ** order
    whole = _log_norm(unit_gram, signs[0], logs[0])
    missing = _log_norm(unit_gram, *signed_log_sum(signs, logs, axis=0))
    if whole == -np.inf:
        return 0.0 if missing == -np.inf else float("inf")
    with np.errstate(over="ignore", under="ignore"):
        return float(np.exp(missing - whole))


def _log_norm(gram: FloatArray, signs: FloatArray, logs: FloatArray) -> float:
    """Return the logarithm of the norm of Σ_j signs_j exp(logs_j) (unit power j)."""
    top = np.max(logs)
    if top == -np.inf:
        return -np.inf
    with np.errstate(under="ignore"):
        coordinates = signs * np.exp(logs - top)
        squared = np.maximum(coordinates @ gram @ coordinates, 0.0)
    return float(top + signed_log(squared)[1] / 2)
