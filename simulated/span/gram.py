"""What a span of powers needs of a problem: inner products of measurements, taken once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import NOISE
from lift_compare.sensing.validation import FloatArray

from .orthonormal import transform


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
        ⟨A(E_a E_bᵀ), A(E_c E_dᵀ)⟩ / ‖b‖².
    B : array (d, d)
        ⟨A(E_a E_bᵀ), b⟩ / ‖b‖².
    """

    rows: FloatArray
    K: FloatArray
    B: FloatArray

    @classmethod
    def measured(cls, problem: SensingProblem, generators: FloatArray) -> GramData:
        """Take the d(d+1)/2 measurements of the generators, shape (k, n, r)."""
        norms = np.linalg.norm(generators, axis=(1, 2))
        units = generators / np.where(norms > 0, norms, 1.0)[:, None, None]
        E, R = np.linalg.qr(units.reshape(len(units), -1).T)
        basis = np.ascontiguousarray(E.T).reshape(-1, *problem.shape)
        d = len(basis)
        rows, cols = np.triu_indices(d)
        measure, beta = problem.operator.measure, float(np.linalg.norm(problem.measurements))
        pairs = zip(rows, cols, strict=True)
        y = np.stack([measure(basis[i], basis[j]) for i, j in pairs]) / beta
        # Where the measurement of E_a E_bᵀ stands in y.
        place = np.empty((d, d), dtype=np.intp)
        place[rows, cols] = place[cols, rows] = np.arange(len(rows))
        K = (y @ y.T)[np.ix_(place.ravel(), place.ravel())].reshape(d, d, d, d)
        B = (y @ (problem.measurements / beta))[place]
        return cls(np.ascontiguousarray(R.T), K, B)

    def of_generators(self, order: int) -> tuple[FloatArray, FloatArray]:
        """Return K (k, k, k, k) and B (k, k) of the unit generators, to be raised to the order."""
        K, B = transform(self.rows, self.K), transform(self.rows, self.B)
        if order > 1:
            # A cosine below 1e-13 between measurements is rounding, and its l-th power would only
            # widen the range.
            sizes = np.sqrt(np.maximum(np.einsum("jkjk->jk", K), 0.0))
            K[np.abs(K) < NOISE * np.multiply.outer(sizes, sizes)] = 0.0
            B[np.abs(B) < NOISE * sizes] = 0.0
        return np.asarray(K), np.asarray(B)
