"""What a span of powers needs of a problem: inner products of measurements, taken once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import NOISE
from lift_compare.sensing.validation import FloatArray, OutOfRange

from ..signed_log import LOG_2, units_and_logs
from .orthonormal import transform

_SCALES = (0, -250, 250, -500, 500)
"""Binary exponents with which the basis is measured: the first at which nothing over- or underflows
counts. The last are for operators of squared vectors, whose matrices leave float64."""

_LEAST = 2.0**-500
"""Measurements up to this are measured again in a larger scale: digits of theirs may have
underflowed."""


@dataclass(frozen=True, eq=False)
class GramData:
    """Inner products of the measurements of k generators, in units where all have norm one.

    An orthonormal basis E of the span of the matrices X_j is measured rather than the generators:
    where two of them are nearly parallel, their difference then has its own digits.

    Attributes
    ----------
    rows : array (k, d)
        The unit generators in the basis E; a zero row is a zero generator.
    K : array (d, d, d, d)
        ⟨A(E_a E_bᵀ), A(E_c E_dᵀ)⟩ / a².
    B : array (d, d)
        ⟨A(E_a E_bᵀ), b⟩ / (a ‖b‖).
    log_operator : float
        log a, for the power of two a next to the largest entry of an A(E_a E_bᵀ).
    log_measurements : float
        log ‖b‖.
    terms : int
        Number of terms of the sums from the problem to a measurement of two unit generators and its
        inner products: these may be wrong by so many ε of the largest measurement.
    largest : float
        Bound of ‖A(X_j X_kᵀ)‖ / a for unit generators.
    """

    rows: FloatArray
    K: FloatArray
    B: FloatArray
    log_operator: float
    log_measurements: float
    terms: int
    largest: float

    @property
    def error(self) -> float:
        """Bound of the rounding error of ⟨A(X_j X_kᵀ), b⟩ / (a ‖b‖) for unit generators."""
        return self.terms * float(np.finfo(np.float64).eps) * self.largest

    @classmethod
    def measured(cls, problem: SensingProblem, units: FloatArray) -> GramData:
        """Take the d(d+1)/2 measurements of unit generators (or zeros), shape (k, n, r)."""
        E, R = np.linalg.qr(units.reshape(len(units), -1).T)
        basis = np.ascontiguousarray(E.T).reshape(-1, *problem.shape)
        d = len(basis)
        rows, cols = np.triu_indices(d)
        y, log_operator = pair_measurements(problem, basis, rows, cols)
        b, log_b = units_and_logs(problem.measurements[None])
        # Where the measurement of E_a E_bᵀ stands in y.
        place = np.empty((d, d), dtype=np.intp)
        place[rows, cols] = place[cols, rows] = np.arange(len(rows))
        with np.errstate(under="ignore"):  # far below the largest, which is about one
            K = (y @ y.T)[np.ix_(place.ravel(), place.ravel())].reshape(d, d, d, d)
            B = (y @ b[0])[place]
            largest = d * float(np.sqrt(np.max(np.sum(y**2, axis=1))))
        terms = units[0].size + problem.m + 4 * d
        return cls(np.ascontiguousarray(R.T), K, B, log_operator, float(log_b[0]), terms, largest)

    def of_generators(self, order: int) -> tuple[FloatArray, FloatArray]:
        """Return K (k, k, k, k) and B (k, k) of the unit generators, to be raised to the order."""
        return self._matrices if order == 1 else self._without_noise

    @cached_property
    def _matrices(self) -> tuple[FloatArray, FloatArray]:
        """`of_generators` at order one."""
        with np.errstate(under="ignore"):
            return transform(self.rows, self.K), transform(self.rows, self.B)

    @cached_property
    def _without_noise(self) -> tuple[FloatArray, FloatArray]:
        """`of_generators` at any other order.

        A cosine below 1e-13 between measurements is rounding, and its l-th power would only widen
        the range.
        """
        K, B = self._matrices
        with np.errstate(under="ignore"):
            norms = self.norms(K)
            least = NOISE * np.multiply.outer(norms, norms)
            return np.where(np.abs(K) < least, 0.0, K), np.where(np.abs(B) < NOISE * norms, 0.0, B)

    @staticmethod
    def norms(K: FloatArray) -> FloatArray:
        """Return ‖A(X_j X_kᵀ)‖ / a, shape (k, k), from K of the unit generators."""
        return np.asarray(np.sqrt(np.maximum(np.einsum("jkjk->jk", K), 0.0)))


def pair_measurements(
    problem: SensingProblem, basis: FloatArray, rows: Any, cols: Any
) -> tuple[FloatArray, float]:
    """Return A(E_i E_jᵀ) / a for the pairs (i, j), and log a, at any scale of A."""
    best: tuple[FloatArray, float] | None = None
    for exponent in _SCALES:
        E = np.ldexp(basis, exponent)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            try:
                y = np.stack(
                    [problem.operator.measure(E[i], E[j]) for i, j in zip(rows, cols, strict=True)]
                )
            except OutOfRange:
                continue
            top = np.max(np.abs(y))
            if not np.isfinite(top):
                continue
            if top > 0 or best is None:
                unit = int(np.frexp(top)[1])
                best = np.ldexp(y, -unit), (unit - 2 * exponent) * LOG_2
        if top > _LEAST:
            break
    if best is None:
        raise OutOfRange("the measurements of the generators leave float64 in any units")
    return best
