"""Minimum of the lifted objective on a span, for an escape (docs/theory.md, section 6)."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.validation import FloatArray

from .line import stationary_points
from .signed_log import LARGEST_LOG
from .span import SpanObjective

_MAX_STEPS = 1000
_LONGEST = (
    1e60  # longer steps, in natural units, are rounding; their fourth powers must not leave float64
)
_SMALLEST = 1e-100  # coefficients below this times the largest cannot matter; their inverses must not leave float64
_FLAT = 1e-12  # curvatures below this times the largest are treated as this: dependent generators have zero ones


class RelativeQuartic:
    """The quartic h^l(w) − h^l(0) = ½ Σ c_j c_k c_p c_q K^l − Σ c_j c_k B^l in units of its largest coefficient.

    Where h^l stands next to ½ ‖b‖^{2l}, or leaves float64, the differences that a descent needs are
    lost; here they are not. Coefficients that underflow to zero are below 1e-300 of the largest.

    Parameters
    ----------
    objective : SpanObjective
        The objective as `SpanObjective.normalised` gives it: ‖b‖ = 1 and coefficients c of order one.
    """

    def __init__(self, objective: SpanObjective) -> None:
        sign_K, log_K, sign_B, log_B = objective.log_powers
        unit = max(float(np.max(log_K)), float(np.max(log_B)))
        K, k = sign_K * np.exp(log_K - unit), len(objective)
        self.B = sign_B * np.exp(log_B - unit)
        # h^l ≥ 0 in units of ‖b‖^{2l}; where this leaves float64 in the present unit, there is no
        # bound to check.
        self.floor = -0.5 * float(np.exp(-unit)) if -unit < LARGEST_LOG else -np.inf
        self.diagonal = np.maximum(np.abs(np.diag(self.B)), np.abs(np.einsum("iiii->i", K)))
        self._K = K.reshape(k * k, k * k)
        self._crossed_K = K.transpose(0, 2, 1, 3).reshape(k * k, k * k)

    def value(self, c: FloatArray) -> float:
        """Return the quartic at c."""
        return float(c @ (0.5 * self._pull(c, c) - self.B) @ c)

    def gradient_and_hessian(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the first and second derivative at c."""
        straight = self._pull(c, c) - self.B
        crossed = (np.outer(c, c).ravel() @ self._crossed_K).reshape(straight.shape)
        return 2 * straight @ c, 2 * (straight + 2 * crossed)

    def along(self, c: FloatArray, d: FloatArray) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of t ↦ value(c + t d)."""
        cc, cd, dd = self._pull(c, c), self._pull(c, d), self._pull(d, d)
        return np.array(
            [
                c @ (cc / 2 - self.B) @ c,
                2 * (c @ (cc - self.B) @ d),
                d @ (cc - self.B) @ d + 2 * (c @ cd @ d),
                2 * (c @ dd @ d),
                d @ dd @ d / 2,
            ]
        )

    def _pull(self, c: FloatArray, d: FloatArray) -> FloatArray:
        """Return Σ_jk c_j d_k K(j,k;p,q)^l, shape (k, k) in (p, q)."""
        return np.asarray((np.outer(c, d).ravel() @ self._K).reshape(self.B.shape))


def line_minima(quartic: RelativeQuartic, c: FloatArray, d: FloatArray) -> list[float]:
    """Return the t > 0 and the t < 0 with the least value(c + t d), as far as they lie below c."""
    polynomial = quartic.along(c, d)
    steps = stationary_points(polynomial)
    steps = steps[np.abs(steps) < _LONGEST]
    powers = steps[:, None] ** np.arange(1, 5)
    change = powers @ polynomial[1:]
    lower = change < -1e-13 * (np.abs(powers) @ np.abs(polynomial[1:]))  # beyond rounding
    sides = [np.flatnonzero(lower & (steps > 0)), np.flatnonzero(lower & (steps < 0))]
    return [float(steps[side[np.argmin(change[side])]]) for side in sides if len(side)]


def minimise(quartic: RelativeQuartic, start: FloatArray) -> FloatArray:
    """Return a local minimum of the quartic reached from `start` without ever going up.

    Newton steps with the absolute values of the curvatures, so that saddles repel, and a
    backtracking that asks for a decrease. Coordinates are scaled by the curvature of each generator
    alone.
    """
    scale = 1 / np.sqrt(np.maximum(quartic.diagonal, _SMALLEST))
    c, value = start, quartic.value(start)
    for _ in range(_MAX_STEPS):
        gradient, hessian = quartic.gradient_and_hessian(c)
        curvatures, axes = np.linalg.eigh(hessian * scale[:, None] * scale)
        size = np.abs(curvatures)
        if size[-1] == 0 and size[0] == 0:
            break
        slope = (scale * gradient) @ axes
        step = scale * (axes @ (-slope / np.maximum(size, _FLAT * size.max())))
        expected, t = float(gradient @ step), 1.0
        # A value below that of h^l = 0 is rounding, in a direction where the quartic is flat.
        least = quartic.floor * (1 + 1e-9)
        with np.errstate(
            over="ignore", invalid="ignore"
        ):  # a trial that overflows is refused like any other
            while (
                not least <= (trial := quartic.value(c + t * step)) <= value + 1e-4 * t * expected
                and t > 1e-12
            ):
                t /= 2
        if not trial < value:
            break
        fallen, c, value = value - trial, c + t * step, trial
        if fallen <= 1e-12 * abs(value):  # the next step would gain its square
            break
    return c
