"""The quartic of `quartic.py` with coefficients as signs and logarithms, for any order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing.validation import FloatArray

from ..signed_log import signed_log, signed_log_sum


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
