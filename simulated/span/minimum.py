"""Minimum of the lifted objective on a span, for an escape (docs/theory.md, section 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing.tolerances import (
    FLAT,
    LAST_DIGIT,
    LONGEST_STEP,
    NOISE,
    SMALLEST_COEFFICIENT,
    SUFFICIENT_DECREASE,
    VALUE_FLOOR,
)
from lift_compare.sensing.validation import FloatArray

from ..points.line import stationary_points
from ..signed_log import LARGEST_LOG
from .objective import SpanEvaluation
from .quartic import Quartic

_MAX_STEPS = 1000


@dataclass(frozen=True, eq=False)
class RelativeQuartic:
    """h^l(w) − h^l(0) in units of its largest coefficient, with what is known of its range.

    Where h^l stands next to ½ ‖b‖^{2l}, or leaves float64, the differences that a descent needs are
    lost; here they are not. Coefficients that underflow to zero are below 1e-300 of the largest.

    Attributes
    ----------
    quartic : Quartic
        ½ Σ c_j c_k c_p c_q K^l − Σ c_j c_k B^l.
    floor : float
        Its value where h^l = 0, which no value can be below; −inf where that leaves float64.
    scale : array (k,)
        Size of a coefficient at which a generator alone has curvature one.
    """

    quartic: Quartic
    floor: float
    scale: FloatArray

    @classmethod
    def of(cls, objective: SpanEvaluation) -> RelativeQuartic:
        """Return it for an objective in natural units (`SpanObjective.normalised`): ‖b‖ = 1."""
        logs = objective.log_quartic
        unit = max(float(np.max(logs.quartic_logs)), float(np.max(logs.quadratic_logs)))
        with np.errstate(under="ignore"):
            K = logs.quartic_signs * np.exp(logs.quartic_logs - unit)
            B = logs.quadratic_signs * np.exp(logs.quadratic_logs - unit)
        floor = -0.5 * float(np.exp(-unit)) if -unit < LARGEST_LOG else -np.inf
        diagonal = np.maximum(np.abs(np.diag(B)), np.abs(np.einsum("iiii->i", K)))
        scale = 1 / np.sqrt(np.maximum(diagonal, SMALLEST_COEFFICIENT))
        return cls(Quartic(K.reshape(len(B) ** 2, -1), B, 0.0), floor, scale)


@np.errstate(over="ignore", under="ignore", invalid="ignore")  # a trial may leave float64
def line_minima(quartic: Quartic, c: FloatArray, d: FloatArray) -> list[float]:
    """Return the t > 0 and the t < 0 with the least value(c + t d), as far as they lie below c."""
    polynomial = quartic.along(c, d)
    steps = stationary_points(polynomial)
    steps = steps[np.abs(steps) < LONGEST_STEP]
    powers = steps[:, None] ** np.arange(1, 5)
    change = powers @ polynomial[1:]
    lower = change < -NOISE * (np.abs(powers) @ np.abs(polynomial[1:]))  # beyond rounding
    sides = [np.flatnonzero(lower & (steps > 0)), np.flatnonzero(lower & (steps < 0))]
    return [float(steps[side[np.argmin(change[side])]]) for side in sides if len(side)]


@np.errstate(over="ignore", under="ignore", invalid="ignore")  # a trial may leave float64
def minimise(relative: RelativeQuartic, start: FloatArray) -> FloatArray:
    """Return a local minimum of the quartic reached from `start` without ever going up.

    Newton steps with the absolute values of the curvatures, so that saddles repel, and a
    backtracking that asks for a decrease. Coordinates are scaled by the curvature of each generator
    alone.
    """
    quartic, scale = relative.quartic, relative.scale
    # A value below that of h^l = 0 is rounding, in a direction where the quartic is flat.
    least = relative.floor * (1 + VALUE_FLOOR)
    c, value = start, float(quartic.value(start))
    for _ in range(_MAX_STEPS):
        # 1. Slopes and curvatures in scaled coordinates, along the axes of the Hessian.
        gradient, hessian = quartic.gradient_and_hessian(c)
        curvatures, axes = np.linalg.eigh(hessian * scale[:, None] * scale)
        size = np.abs(curvatures)
        if size.max() == 0:
            break
        # 2. The Newton step with |curvature|: downhill along each axis, away from saddles.
        slope = (scale * gradient) @ axes
        step = scale * (axes @ (-slope / np.maximum(size, FLAT * size.max())))
        expected, t = float(gradient @ step), 1.0
        trial = float(quartic.value(c + t * step))
        # 3. Halve it until the value falls by enough. A trial that overflows is not finite, and
        # refused like any other.
        while not least <= trial <= value + SUFFICIENT_DECREASE * t * expected and t > LAST_DIGIT:
            t /= 2
            trial = float(quartic.value(c + t * step))
        if not trial < value:  # flat to rounding
            break
        fallen, c, value = value - trial, c + t * step, trial
        if fallen <= LAST_DIGIT * abs(value):  # the next step would gain its square
            break
    return c
