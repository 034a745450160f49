"""The diagonal surrogate of the lifted objective (docs/theory.md, section 8)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, real_array

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
        For generators of the wrong shape or not finite, or an order that is not odd and positive.

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
        X = real_array("generators", generators, (None, *problem.shape))
        self.order, self.generators = odd_order(order), X
        k = len(X)
        self._y = np.empty((k, k, problem.m))
        for i, j in zip(*np.triu_indices(k), strict=True):
            self._y[i, j] = self._y[j, i] = problem.operator.measure(X[i], X[j])
        self._b = problem.measurements

    @cached_property
    def _powers(self) -> tuple[FloatArray, FloatArray]:
        """The l-th powers of the measurements of X_j X_kᵀ, shape (k², m), and of b."""
        with np.errstate(over="ignore"):
            y, b = self._y.reshape(-1, len(self._b)) ** self.order, self._b**self.order
        if not (np.all(np.isfinite(y)) and np.all(np.isfinite(b))):
            raise OverflowError(f"the diagonal surrogate of order {self.order} is beyond float64")
        return y, b

    def value(self, c: Any) -> Any:
        """Return the surrogate at c of shape (k,) or (..., k); OverflowError beyond float64."""
        c, k = np.asarray(c, dtype=np.float64), len(self.generators)
        if c.shape[-1:] != (k,):
            raise ValueError(f"c: expected an array of shape (..., {k}), got shape {c.shape}")
        y, b = self._powers
        with np.errstate(over="ignore", invalid="ignore"):
            residual = pairs(c) @ y - b
            value = np.sum(residual**2, axis=-1)
        if not np.all(np.isfinite(value)):
            raise OverflowError("the diagonal surrogate is beyond float64")
        return float(value) if value.ndim == 0 else value

    def along(self, c: Any, d: Any) -> FloatArray:
        """Return the coefficients of t⁰ .. t⁴ of the quartic t ↦ value(c + t d), shape (..., 5)."""
        y, b = self._powers
        c, d = np.asarray(c, dtype=np.float64), np.asarray(d, dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):
            half = Quartic(y @ y.T, (y @ b).reshape(c.shape[-1], -1), float(b @ b))
        quartic = 2 * half.along(c, d)
        if not np.all(np.isfinite(quartic)):
            raise OverflowError("the diagonal surrogate is beyond float64")
        return quartic

    def __repr__(self) -> str:
        return f"DiagonalSurrogate({len(self.generators)} generators, order {self.order})"
