"""Orthogonal projections of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorly as tl

from sensing.validation import FloatArray, real_array


class Projection(Protocol):
    """A projection of tensors onto a set."""

    def __call__(self, tensor: Any) -> Any:
        """Return the point of the set that is nearest to the tensor."""


class SpanProjection:
    """Orthogonal projection onto the span of some tensors.

    With the generators t_j and their Gram matrix Γ, the projection of w is Σ_j c_j t_j, c = Γ⁺ (⟨t_j, w⟩)_j. The
    generators are scaled to unit norm first, so that very different norms do no harm; an eigenvalue of the scaled Gram
    matrix below `TOLERANCE` times the largest counts as zero (parallel generators), and c is then the solution of least
    norm in the scaled generators.

    Parameters
    ----------
    tensors : sequence of arrays
        The generators, all of one shape, none of them zero.

    Attributes
    ----------
    gram : array (k, k)
        Gram matrix of the generators as given.
    rank : int
        Dimension of the span.
    """

    TOLERANCE = 1e-12

    def __init__(self, tensors: Sequence[Any]) -> None:
        if len(tensors) == 0:
            raise ValueError("tensors: expected at least one generator, got none")
        shape = tuple(tensors[0].shape)
        arrays = [real_array(f"tensors[{j}]", tensor, shape) for j, tensor in enumerate(tensors)]
        flat = np.stack([array.reshape(-1) for array in arrays])
        self._norms = np.linalg.norm(flat, axis=1)
        if not np.all(self._norms > 0):
            raise ValueError(f"tensors: expected generators that are not zero, got zero at {np.argmin(self._norms)}")
        self._shape = shape
        self._units = flat / self._norms[:, None]
        units_gram = self._units @ self._units.T
        self.gram = units_gram * np.outer(self._norms, self._norms)
        eigenvalues, vectors = np.linalg.eigh(units_gram)
        kept = eigenvalues > self.TOLERANCE * eigenvalues[-1]
        self.rank = int(np.count_nonzero(kept))
        self._inverse = (vectors[:, kept] / eigenvalues[kept]) @ vectors[:, kept].T

    def coefficients(self, tensor: Any) -> FloatArray:
        """Return c, shape (k,): the projection of the tensor is Σ_j c_j t_j."""
        return np.asarray(self._scaled_coefficients(tensor) / self._norms)

    def __call__(self, tensor: Any) -> Any:
        """Return the projection of a tensor."""
        return tl.reshape(self._scaled_coefficients(tensor) @ self._units, self._shape)

    def _scaled_coefficients(self, tensor: Any) -> FloatArray:
        return np.asarray(self._inverse @ (self._units @ tl.reshape(tensor, (-1,))))

    def __repr__(self) -> str:
        return f"SpanProjection({len(self._norms)} generators of shape {self._shape}, rank {self.rank})"
