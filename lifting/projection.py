"""Orthogonal projections of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import tensorly as tl

from lift_compare.sensing.floats import finite, norm, silently
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.sensing.validation import FloatArray, InvalidValue, real_array, whole_number

from .backends import backend_of, inner_product, threads_for, using
from .rank_one_approximation import best_rank_one
from .symmetry import is_symmetric


class Projection(Protocol):
    """A projection of tensors onto a set."""

    def __call__(self, tensor: Any) -> Any:
        """Return the point of the set that is nearest to the tensor."""


class SpanProjection:
    """Orthogonal projection onto the span of some tensors.

    With the generators t_j and their Gram matrix Γ, the projection of w is Σ_j c_j t_j, c = Γ⁺
    (⟨t_j, w⟩)_j. The generators are scaled to unit norm first, so that very different norms do no
    harm; an eigenvalue of the scaled Gram matrix below 1e-12 times the largest counts as zero
    (parallel generators), and c is then the solution of least norm in the scaled generators.

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
    is_symmetric : bool
        Whether all of its tensors are symmetric.

    Raises
    ------
    TypeError, ValueError
        For no generators, different shapes, or a zero or not finite one.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import lifting
    >>> span = lifting.SpanProjection([np.ones((2, 2, 2))])
    >>> span.coefficients(np.arange(8.0).reshape(2, 2, 2)).round(12)
    array([3.5])
    """

    @silently
    def __init__(self, tensors: Sequence[Any]) -> None:
        stacked = isinstance(tensors, np.ndarray) and tensors.ndim > 0
        if not (stacked or isinstance(tensors, list | tuple)) or len(tensors) == 0:
            raise InvalidValue("tensors: expected a sequence of at least one generator, got none")
        self._backend = backend_of(tensors[0])
        with using(self._backend):
            if self._backend == "numpy":
                tensors = [
                    real_array(f"tensors[{j}]", tensor, (...,)) for j, tensor in enumerate(tensors)
                ]
            self._shape = tuple(tensors[0].shape)
            for j, tensor in enumerate(tensors):
                if tuple(tensor.shape) != self._shape:
                    raise InvalidValue(
                        f"tensors[{j}]: expected shape {self._shape}, got {tuple(tensor.shape)}"
                    )
            flat = [tensor.reshape((-1,)) for tensor in tensors]
            size = norm if self._backend == "numpy" else tl.norm
            self._norms = np.array([float(size(row)) for row in flat])
            if not np.all(np.isfinite(self._norms)):
                raise InvalidValue(
                    "tensors: expected generators with a finite norm, got one that is not finite"
                )
            if not np.all(self._norms > 0):
                zero = int(np.argmin(self._norms))
                raise InvalidValue(
                    f"tensors: expected generators that are not zero, got zero at {zero}"
                )
            units = tl.stack(
                [row / length for row, length in zip(flat, self._norms.tolist(), strict=True)]
            )
            # 1. The rank is decided on unit generators: their sizes do not matter. Γ may be
            #    singular, as two may be parallel.
            self._units_gram = _gram(units)
            values, vectors = np.linalg.eigh(self._units_gram)
            kept = values > GRAM_RANK * values[-1]
            self.rank = int(np.count_nonzero(kept))
            # 2. A basis E of the span. Its rounding is magnified by the condition of Γ where
            #    generators are nearly parallel: a second pass makes E orthonormal in full.
            first = (vectors[:, kept] / np.sqrt(values[kept])).T
            basis = tl.tensor(first, **tl.context(units)) @ units
            values, vectors = np.linalg.eigh(_gram(basis))
            second = (vectors / np.sqrt(values)) @ vectors.T
            self._basis = tl.tensor(second, **tl.context(units)) @ basis
            self._to_generators = (second @ first).T  # from coordinates in E

    @cached_property
    def is_symmetric(self) -> bool:
        """Whether all tensors of the span are symmetric, to rounding."""
        with using(self._backend):
            return all(is_symmetric(row.reshape(self._shape)) for row in self._basis)

    @property
    @silently
    def gram(self) -> FloatArray:
        """Gram matrix of the generators as given; OverflowError if it is beyond float64."""
        gram = self._units_gram * np.outer(self._norms, self._norms)
        return finite("tensors: their Gram matrix", gram)

    @silently
    def coefficients(self, tensor: Any) -> FloatArray:
        """Return c, shape (k,): the projection of the tensor is Σ_j c_j t_j.

        Raises
        ------
        TypeError, ValueError
            For a tensor that is not finite real numbers of the shape of the generators.
        OverflowError
            If a coefficient is beyond float64.
        """
        c = self.unchecked_coefficients(self._tensor(tensor))
        return finite("tensor: its coefficients", c)

    @silently
    def __call__(self, tensor: Any) -> Any:
        """Return the projection of a tensor; errors as for `coefficients`."""
        image, _ = self.unchecked(self._tensor(tensor))
        return finite("tensor: its projection", image) if self._backend == "numpy" else image

    def unchecked_coefficients(self, tensor: Any) -> FloatArray:
        """Return `coefficients` of a tensor that was checked before, finite or not."""
        with using(self._backend), threads_for(self._backend, self._basis.shape[1]):
            return self._on_generators(self._coordinates(tensor))

    def unchecked(self, tensor: Any) -> tuple[Any, FloatArray]:
        """Return the projection of a tensor that was checked before, finite or not, and its c."""
        with using(self._backend), threads_for(self._backend, self._basis.shape[1]):
            coordinates = self._coordinates(tensor)
            e = coordinates
            if self._backend != "numpy":
                e = tl.tensor(e, **tl.context(self._basis))
            return (e @ self._basis).reshape(self._shape), self._on_generators(coordinates)

    def _on_generators(self, coordinates: FloatArray) -> FloatArray:
        return np.asarray(self._to_generators @ coordinates / self._norms)

    def _tensor(self, tensor: Any) -> Any:
        return real_array("tensor", tensor, self._shape) if self._backend == "numpy" else tensor

    def _coordinates(self, tensor: Any) -> FloatArray:
        flat = tensor.reshape((-1,))
        return np.array([float(inner_product(row, flat)) for row in self._basis])

    def __repr__(self) -> str:
        count = len(self._norms)
        return f"SpanProjection({count} generators of shape {self._shape}, rank {self.rank})"


def _gram(rows: Any) -> FloatArray:
    return np.asarray(tl.to_numpy(rows @ tl.transpose(rows)))


class RankOneProjection:
    """Projection onto the symmetric rank-one tensors (see `best_rank_one`).

    Parameters
    ----------
    seed : int
        Seed of the random starts of each projection.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> lifted = lifting.LiftedProblem(sensing.two_by_two(), order=3)
    >>> start = lifted.lift([[0.1], [0.7]])
    >>> lifting.projected_gradient_descent(
    ...     lifted, start, step_size=0.01, iterations=3, projection=lifting.RankOneProjection()
    ... ).iterations
    3
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = whole_number("seed", seed, least=0)

    def __call__(self, tensor: Any) -> Any:
        """Return the nearest symmetric rank-one tensor, on the backend of the tensor."""
        best = best_rank_one(tensor, seed=self._seed)
        backend = backend_of(tensor)
        with using(backend):
            if backend == "numpy":
                return best.tensor()
            return tl.tensor(best.tensor(), **tl.context(tensor))

    def __repr__(self) -> str:
        return f"RankOneProjection(seed={self._seed})"
