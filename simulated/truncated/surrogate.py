"""The diagonal surrogate of the lifted objective (docs/theory.md, section 8)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    OutOfRange,
    odd_order,
    real_array,
)

from ..signed_log import LARGEST_LOG, signed_log, signed_log_sum, to_float
from ..span.quartic import Quartic, pairs


class DiagonalSurrogate:
    """Σ_i [Σ_jk c_j c_k ⟨A_i, X_j X_kᵀ⟩^l − b_i^l]²: m of the m^l residual entries of h^l.

    It is without the factor ½. The published curves of perturbed completion and of the real system
    show this, not h^l. It is not a bound of h^l, and descent of one does not imply descent of the
    other.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    generators : array (k, n, r)
        X_1 .. X_k.
    order : int
        The odd lifting order l.

    Raises
    ------
    TypeError, ValueError
        For generators of the wrong shape or not finite, or an order that is not odd, or outside
        1..1001.
    OverflowError
        If the measurements of the generators leave float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> surrogate = simulated.DiagonalSurrogate(problem, directions.generators, order=3)
    >>> round(surrogate.value([1, 0, 0]), 7)
    0.9755859
    """

    def __init__(self, problem: SensingProblem, generators: Any, order: int) -> None:
        X = real_array("generators", generators, (None, *checked_problem(problem).shape)).copy()
        X.setflags(write=False)  # what is computed from it is kept
        self.order, self.generators = odd_order(order), X
        k = len(X)
        self._y = np.empty((k, k, problem.m))
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            for i, j in zip(*np.triu_indices(k), strict=True):
                self._y[i, j] = self._y[j, i] = problem.operator.measure(X[i], X[j])
        if not np.all(np.isfinite(self._y)):
            raise OutOfRange("the measurements of the generators are beyond float64")
        self._b = problem.measurements.copy()

    @cached_property
    def _powers(self) -> tuple[FloatArray, FloatArray] | None:
        """The l-th powers of the measurements of X_j X_kᵀ, shape (k², m), and of b.

        None if the squares of the largest, and products with coefficients, may leave float64.
        """
        y, b = self._y.reshape(-1, len(self._b)), self._b
        largest = signed_log(np.array([np.max(np.abs(y)), np.max(np.abs(b))]))[1] * self.order
        if np.any(np.abs(largest[np.isfinite(largest)]) > LARGEST_LOG / 4):
            return None
        with np.errstate(under="ignore"):
            return y**self.order, b**self.order

    def value(self, c: Any) -> Any:
        """Return the surrogate at c of shape (k,) or (..., k).

        OverflowError beyond float64, and where it is not zero but below it.
        """
        c, k = np.asarray(c, dtype=np.float64), len(self.generators)
        if c.shape[-1:] != (k,):
            raise InvalidValue(f"c: expected an array of shape (..., {k}), got shape {c.shape}")
        if not np.all(np.isfinite(c)):
            raise InvalidValue("c: expected finite coefficients")
        if self._powers is not None:
            y, b = self._powers
            with np.errstate(over="ignore", under="ignore", invalid="ignore"):
                residual = pairs(c) @ y - b
                value = np.sum(residual**2, axis=-1)
            if np.all(np.isfinite(value)):
                return float(value) if value.ndim == 0 else value
        value = to_float(np.ones(c.shape[:-1]), self._log_value(c), "the diagonal surrogate")
        return float(value) if value.ndim == 0 else value

    def _log_value(self, c: FloatArray) -> FloatArray:
        """Return the logarithm of the surrogate, for powers that leave float64."""
        m = len(self._b)
        sign_y, log_y = signed_log(self._y.reshape(-1, m))
        sign_b, log_b = signed_log(self._b)
        sign_c, log_c = signed_log(c)
        # The terms of each residual entry: k² pairs of generators, and b.
        lead, k = c.shape[:-1], c.shape[-1]
        pair_sign = (sign_c[..., :, None] * sign_c[..., None, :]).reshape(*lead, k * k, 1)
        pair_log = (log_c[..., :, None] + log_c[..., None, :]).reshape(*lead, k * k, 1)
        last = (*lead, 1, m)
        signs = [pair_sign * sign_y, np.broadcast_to(-sign_b, last)]
        logs = [pair_log + self.order * log_y, np.broadcast_to(self.order * log_b, last)]
        sign, log = signed_log_sum(
            np.concatenate(signs, axis=-2), np.concatenate(logs, axis=-2), axis=-2
        )
        # An entry that cancels is zero to rounding; its log is that of its terms.
        return signed_log_sum(sign**2, np.where(sign == 0, -np.inf, 2 * log))[1]

    def along(self, c: Any, d: Any) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of the quartic t ↦ value(c + t d), shape (..., 5).

        OverflowError if the powers do not fit into float64.
        """
        if self._powers is None:
            raise OutOfRange(f"the diagonal surrogate of order {self.order} leaves float64")
        y, b = self._powers
        c, d = np.asarray(c, dtype=np.float64), np.asarray(d, dtype=np.float64)
        with np.errstate(under="ignore"):
            yy, yb, bb = y @ y.T, y @ b, float(b @ b)
        half = Quartic(yy, yb.reshape(c.shape[-1], -1), bb)
        quartic = 2 * half.along(c, d)
        if not np.all(np.isfinite(quartic)):
            raise OutOfRange("the diagonal surrogate is beyond float64")
        return quartic

    def __repr__(self) -> str:
        return f"DiagonalSurrogate({len(self.generators)} generators, order {self.order})"
