"""The quartic h(c) = ½ (Σ K c c c c − 2 Σ B c c + constant), in plain numbers and in signs and logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing.validation import FloatArray

from .signed_log import signed_log, signed_log_sum


@dataclass(frozen=True, repr=False)
class Quartic:
    """The quartic in plain numbers; what leaves float64 comes back as inf or NaN, without a warning.

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

    def value(self, c: FloatArray) -> FloatArray:
        """Return h(c)."""
        with np.errstate(over="ignore", invalid="ignore"):
            v = pairs(c)
            return np.asarray(
                0.5 * (np.sum((v @ self.K) * v, axis=-1) - 2 * (v @ self.B.ravel()) + self.constant)
            )

    def gain(self, c: FloatArray) -> FloatArray:
        """Return h(0) − h(c)."""
        with np.errstate(over="ignore", invalid="ignore"):
            v = pairs(c)
            return np.asarray(v @ self.B.ravel() - 0.5 * np.sum((v @ self.K) * v, axis=-1))

    def rounding(self, c: FloatArray) -> FloatArray:
        """Return 1e-15 times the sum of the magnitudes of the terms of h(c)."""
        magnitudes = Quartic(np.abs(self.K), -np.abs(self.B), self.constant)
        return 1e-15 * magnitudes.value(np.abs(c))

    def gradient(self, c: FloatArray) -> FloatArray:
        """Return the first derivative, shape (..., k)."""
        with np.errstate(over="ignore", invalid="ignore"):
            straight = (pairs(c) @ self.K).reshape(*c.shape, c.shape[-1])
            return np.asarray(2 * ((straight - self.B) @ c[..., None])[..., 0])

    def hessian(self, c: FloatArray) -> FloatArray:
        """Return the second derivative, shape (..., k, k)."""
        k = c.shape[-1]
        with np.errstate(over="ignore", invalid="ignore"):
            straight = (pairs(c) @ self.K).reshape(*c.shape, k)
            crossed = np.einsum("...j,...p,jspt->...st", c, c, self.K.reshape(k, k, k, k))
            return np.asarray(2 * (straight + 2 * crossed - self.B))

    def along(self, c: FloatArray, d: FloatArray) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of t ↦ h(c + t d), shape (..., 5)."""
        K, B = self.K, self.B.ravel()
        with np.errstate(over="ignore", invalid="ignore"):
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


@dataclass(frozen=True, repr=False)
class LogQuartic:
    """The quartic with coefficients as signs and logarithms; a zero is (0, −inf).

    Attributes
    ----------
    quartic_signs, quartic_logs : array (k, k, k, k)
        Of the coefficients of c_j c_k c_p c_q.
    quadratic_signs, quadratic_logs : array (k, k)
        Of the coefficients of c_j c_k.
    log_constant : float
        Logarithm of twice the value at c = 0.
    """

    quartic_signs: FloatArray
    quartic_logs: FloatArray
    quadratic_signs: FloatArray
    quadratic_logs: FloatArray
    log_constant: float

    def gain(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sign and log of h(0) − h(c)."""
        return signed_log_sum(*self._terms(c))

    def value(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sign and log of h(c); rounding may make the sign of a tiny value −1."""
        signs, logs = self._terms(c)
        constant = np.full((*c.shape[:-1], 1), self.log_constant + np.log(0.5))
        return signed_log_sum(
            np.concatenate([-signs, np.ones_like(constant)], axis=-1),
            np.concatenate([logs, constant], axis=-1),
        )

    def gradient(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return sign and log of the first derivative, shape (..., k) each."""
        sign, log, sign2, log2 = self._signed(c)
        sign3 = self.quartic_signs * sign2[..., :, :, None, None] * sign[..., None, None, :, None]
        log3 = self.quartic_logs + log2[..., :, :, None, None] + log[..., None, None, :, None]
        lead, k = c.shape[:-1], c.shape[-1]
        signs = np.concatenate(
            [sign3.reshape(*lead, -1, k), -self.quadratic_signs * sign[..., :, None]], axis=-2
        )
        logs = np.concatenate(
            [log3.reshape(*lead, -1, k), self.quadratic_logs + log[..., :, None]], axis=-2
        )
        total_sign, total_log = signed_log_sum(signs, logs, axis=-2)
        return total_sign, total_log + np.log(2.0)

    def _terms(self, c: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return signs and logs of the terms of h(0) − h(c), all in the last axis."""
        _, _, sign2, log2 = self._signed(c)
        lead = c.shape[:-1]
        sign4 = -self.quartic_signs * sign2[..., :, :, None, None] * sign2[..., None, None, :, :]
        log4 = (
            self.quartic_logs
            + log2[..., :, :, None, None]
            + log2[..., None, None, :, :]
            + np.log(0.5)
        )
        signs = [sign4.reshape(*lead, -1), (self.quadratic_signs * sign2).reshape(*lead, -1)]
        logs = [log4.reshape(*lead, -1), (self.quadratic_logs + log2).reshape(*lead, -1)]
        return np.concatenate(signs, axis=-1), np.concatenate(logs, axis=-1)

    @staticmethod
    def _signed(c: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Return signs and logs of c_j and of c_j c_k."""
        sign, log = signed_log(c)
        return (
            sign,
            log,
            sign[..., :, None] * sign[..., None, :],
            log[..., :, None] + log[..., None, :],
        )


def pairs(c: FloatArray, d: FloatArray | None = None) -> FloatArray:
    """Return the products c_j d_k, shape (..., k²)."""
    d = c if d is None else d
    return np.asarray((c[..., :, None] * d[..., None, :]).reshape(*c.shape[:-1], c.shape[-1] ** 2))
