"""The quartic h(c) = ½ (Σ K c c c c − 2 Σ B c c + constant), in plain numbers."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lift_compare.sensing.tolerances import VALUE_ROUNDING
from lift_compare.sensing.validation import FloatArray


@dataclass(frozen=True, repr=False)
class Quartic:
    """The quartic in plain numbers; what leaves float64 is inf, NaN or zero, without a warning.

    Attributes
    ----------
    K : array (k², k²)
        Coefficients of c_j c_k c_p c_q, as a form in the pairs (j, k) and (p, q).
    B : array (k, k)
        Coefficients of c_j c_k.
    constant : float
        Twice the value at c = 0.

    Notes
    -----
    All methods take c of shape (..., k).
    """

    K: FloatArray
    B: FloatArray
    constant: float

    @property
    def finite(self) -> bool:
        """Whether all coefficients fit into float64."""
        return all(bool(np.all(np.isfinite(x))) for x in (self.K, self.B, self.constant))

    @cached_property
    def largest_magnitude(self) -> float:
        """The largest magnitude in K."""
        return float(np.max(np.abs(self.K), initial=0.0))

    @cached_property
    def least_coefficient(self) -> float:
        """The least |c_j| with which no product of the terms underflows."""
        both = np.abs(np.concatenate([self.K.ravel(), self.B.ravel(), [1.0]]))
        return float((sys.float_info.min / float(np.min(both[both > 0]))) ** 0.25)

    @cached_property
    def largest_coefficient(self) -> float:
        """The largest |c_j| with which what underflows is not seen beside the constant.

        A product c_j c_k loses at most the least number, and is multiplied by K and another such.
        """
        float64 = sys.float_info
        largest = max(self.largest_magnitude, float(np.max(np.abs(self.B))), 1.0)
        room = self.constant / largest / float64.min * float64.epsilon / len(self.B) ** 4
        return math.sqrt(min(room, math.sqrt(float64.max)))

    @cached_property
    def least_length(self) -> float:
        """The least max_j |c_j| with which what underflows is not seen beside the largest cubic."""
        least = sys.float_info.min / sys.float_info.epsilon
        cubic = least / self.largest_magnitude if self.largest_magnitude > 0 else math.inf
        return float(max(math.sqrt(least), np.cbrt(cubic)))

    def no_underflow(self, c: FloatArray) -> bool:
        """Return whether no product of the terms underflows with these coefficients."""
        return bool(np.all((c == 0) | (np.abs(c) > self.least_coefficient)))

    def value(self, c: FloatArray) -> FloatArray:
        """Return h(c)."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            v = pairs(c)
            return np.asarray(
                0.5 * (np.sum((v @ self.K) * v, axis=-1) - 2 * (v @ self.B.ravel()) + self.constant)
            )

    def gain(self, c: FloatArray) -> FloatArray:
        """Return h(0) − h(c)."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            v = pairs(c)
            return np.asarray(v @ self.B.ravel() - 0.5 * np.sum((v @ self.K) * v, axis=-1))

    def rounding(self, c: FloatArray) -> FloatArray:
        """Return 1e-15 times the sum of the magnitudes of the terms of h(c)."""
        magnitudes = Quartic(np.abs(self.K), -np.abs(self.B), self.constant)
        return VALUE_ROUNDING * magnitudes.value(np.abs(c))

    def gradient(self, c: FloatArray) -> FloatArray:
        """Return the first derivative, shape (..., k)."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            # Σ_jk c_j c_k K(j,k;p,q) − B(p,q), a matrix in (p, q).
            M = (pairs(c) @ self.K).reshape(*c.shape, c.shape[-1]) - self.B
            return np.asarray(2 * (M @ c[..., None])[..., 0])

    def gradient_and_hessian(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the first and the second derivative, shapes (..., k) and (..., k, k)."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            v = pairs(c)
            M = (v @ self.K).reshape(*c.shape, c.shape[-1]) - self.B
            crossed = (v @ self._crossed_K).reshape(M.shape)
            return np.asarray(2 * (M @ c[..., None])[..., 0]), 2 * (M + 2 * crossed)

    @cached_property
    def _crossed_K(self) -> FloatArray:
        """K(j,s;p,t) as a form in the pairs (j, p) and (s, t)."""
        k = len(self.B)
        crossed = self.K.reshape(k, k, k, k).transpose(0, 2, 1, 3)
        return np.ascontiguousarray(crossed).reshape(k * k, k * k)

    def along(self, c: FloatArray, d: FloatArray) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of t ↦ h(c + t d), shape (..., 5)."""
        K, B = self.K, self.B.ravel()
        # The pairs of c + t d are v₀ + t v₁ + t² v₂; the powers of t are collected below.
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            cross, swapped = pairs(c, d), pairs(d, c)
            v = [pairs(c), cross + swapped, pairs(d)]
            Kv = [part @ K for part in v]

            def inner(i: int, j: int) -> FloatArray:
                return np.asarray(np.sum(v[i] * Kv[j], axis=-1))

            return 0.5 * np.stack(
                [
                    inner(0, 0) - 2 * v[0] @ B + self.constant,
                    2 * inner(0, 1) - 2 * v[1] @ B,
                    inner(1, 1) + 2 * inner(0, 2) - 2 * v[2] @ B,
                    2 * inner(1, 2),
                    inner(2, 2),
                ],
                axis=-1,
            )


def pairs(c: FloatArray, d: FloatArray | None = None) -> FloatArray:
    """Return the products c_j d_k, shape (..., k²)."""
    d = c if d is None else d
    return np.asarray((c[..., :, None] * d[..., None, :]).reshape(*c.shape[:-1], c.shape[-1] ** 2))
