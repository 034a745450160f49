"""Products of two symmetric tensors, summed over equal pairs of indices, in distinct entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorly as tl

from ..backends import SparseMatrix, sparse_bytes
from ..cost import ITEMSIZE
from ..multisets import IntArray, insertion_tables, last_index, multiplicities, number, without_last
from .symmetric_power import along


class PairProducts:
    """⟨P(x), P(y)⟩ for symmetric x and y, as a symmetric tensor over pairs {p, q}.

    Measuring by symmetric matrices sees every mode of ⟨P(x), P(y)⟩ through its pairs {p, q}: l
    modes of length n(n+1)/2. The terms have one triple (p, q, σ) a mode, and a multiset κ of l
    triples has the term x[{(p, σ)}] y[{(q, σ)}], as often as κ has orders. So the sums by pairs are
    a sparse matrix C, one number for each κ, times x yᵀ; and what a tensor T over pairs does to x
    is the transpose: (Cᵀ T) x.

    Parameters
    ----------
    n, r, order : int
        Size of the matrices, rank, and number of modes.

    Attributes
    ----------
    terms : int
        Number of multisets κ.
    flops, moved_bytes : float
        Operations, and bytes read and written, of both directions.
    products_bytes, stored_bytes, building_bytes : int
        Memory of x yᵀ, of what is kept, and of its building.
    """

    def __init__(self, n: int, r: int, order: int) -> None:
        self._n, self._r, self._order = n, r, order
        self._size, self._pairs = number(n * r, order), number(n * (n + 1) // 2, order)
        self.terms = number(n * n * r, order)
        self.flops = 4.0 * self.terms + self._pairs + 3.0 * self._size**2
        self.moved_bytes = 40.0 * self.terms + ITEMSIZE * (6.0 * self._size**2 + 4.0 * self._pairs)
        self.products_bytes = ITEMSIZE * self._size**2
        weights = ITEMSIZE * (self._pairs + self._size)
        self.stored_bytes = weights + sparse_bytes(self._pairs, self._size**2, self.terms)
        # The weights of the terms while they are counted and put in order, and what the heap keeps
        # of them; the triples (p, q, σ) of one mode. Positions are narrow where that is enough.
        self._width: Any = np.int32 if self._size**2 < 2**31 else np.intp
        terms = (9 if self._width is np.int32 else 11) * self.terms // 2
        self.building_bytes = self.stored_bytes + ITEMSIZE * (terms + 4 * n * n * r)

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build C, from makers of tensors and of positions."""
        n, r, order = self._n, self._r, self._order
        p, q, s = (axis.reshape(-1) for axis in np.indices((n, n, r)))
        rows, columns = np.triu_indices(n)
        pair = np.zeros((n, n), dtype=np.intp)
        pair[rows, columns] = pair[columns, rows] = np.arange(len(rows))
        to_pairs = _relabelled(pair[p, q], len(rows), order).astype(self._width)
        products = _relabelled(p * r + s, n * r, order).astype(self._width)
        products *= self._size
        products += _relabelled(q * r + s, n * r, order)
        # κ stands for as many terms as it has orders; an entry is a mean over those of its own.
        orders = multiplicities(len(rows), order)
        weights = multiplicities(n * n * r, order)
        weights /= orders[to_pairs]
        shape = (self._pairs, self._size**2)
        self._C = SparseMatrix(weights, to_pairs, products, shape, tensor, index)
        self._orders = tensor(orders)
        self._per_entry = tensor(1 / multiplicities(n * r, order))

    def __call__(self, x: Any, y: Any) -> Any:
        """Return the sums by pairs of x yᵀ, shape (N_l(n(n+1)/2),); x, y (N_l(n r),)."""
        return self._C @ (x[:, None] * y[None]).reshape((self._size**2, *x.shape[1:]))

    def acting(self, T: Any, x: Any) -> Any:
        """Return a tensor over pairs acting on P(x), in distinct entries; T is used up."""
        return self.by_matrix(self.matrix(T), x)

    def matrix(self, T: Any) -> Any:
        """Return the matrix of a tensor over pairs, shape (N_l(n r),)*2; T is used up."""
        T *= along(self._orders, T)
        return self._C.transposed(T).reshape((self._size, self._size, *T.shape[1:]))

    def by_matrix(self, M: Any, x: Any) -> Any:
        """Return what the tensor over pairs of a matrix does to P(x), in distinct entries."""
        acting = M @ x if len(x.shape) == 1 else tl.sum(M * x, 1)
        acting *= along(self._per_entry, acting)
        return acting


def _relabelled(label: IntArray, d: int, order: int) -> IntArray:
    """Return the position of {label(t) : t ∈ κ} among the multisets below d, for every κ."""
    position = np.zeros(1, dtype=np.intp)
    for k, table in enumerate(insertion_tables(d, order), 1):
        last = label[last_index(len(label), k)]
        position = table[last, position[without_last(len(label), k)]]
    return position
