"""Symmetric tensors by their distinct entries: one entry for each multiset of indices.

A symmetric tensor with k modes of length d has N_k(d) = C(d + k − 1, k) distinct entries. They are
held in a vector, one for each multiset, ordered by the largest index first: the multisets with
largest index v are the first N_{k−1}(v + 1) multisets of k − 1 indices, each with v added. This
order makes every table below a short recursion on k.
"""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorly as tl

from lift_compare.sensing.validation import FloatArray

from .backends import row_major, take
from .cost import ITEMSIZE

_AT_ONCE = 2**18  # entries of a tensor whose positions are kept: 2 MiB

IntArray = npt.NDArray[np.intp]


def number(d: int, k: int) -> int:
    """Return N_k(d), the number of multisets of k indices below d."""
    return comb(d + k - 1, k)


def numbers(d: int, k: int) -> IntArray:
    """Return N_k(1), ..., N_k(d), shape (d,)."""
    counts, v = np.ones(d, dtype=np.intp), np.arange(d)
    for i in range(1, k + 1):
        counts = counts * (v + i) // i  # exact: N_i(v + 1) = N_{i−1}(v + 1) (v + i) / i
    return counts


def last_index(d: int, k: int) -> IntArray:
    """Return the largest index of every multiset, shape (N_k,)."""
    return np.repeat(np.arange(d), numbers(d, k - 1))


def without_last(d: int, k: int) -> IntArray:
    """Return the position of every multiset less its largest index, shape (N_k,)."""
    counts = numbers(d, k - 1)  # with largest index v: the first N_{k−1}(v + 1) of k − 1 indices
    first = np.repeat(np.cumsum(counts) - counts, counts)
    return np.subtract(np.arange(len(first)), first, out=first)


def multiplicities(d: int, order: int) -> FloatArray:
    """Return how many entries each distinct entry stands for: l! / Π (counts)!, shape (N_l,)."""
    number_of = np.ones(1)
    run = np.zeros(1)  # how often the largest index occurs
    before = np.full(1, -1)  # that index
    for k in range(1, order + 1):
        # In place: at the last k these arrays are what building a form takes most memory for.
        last, rest = last_index(d, k), without_last(d, k)
        same = before[rest] == last
        run = run[rest]
        run *= same
        run += 1
        number_of = number_of[rest]
        del rest
        number_of *= k
        number_of /= run
        before = last
    return number_of


def monomials(x: FloatArray, k: int) -> FloatArray:
    """Return the distinct entries of x^{⊗k}, shape (N_k,): the products of x over the multisets."""
    products = np.ones(1)
    for j in range(1, k + 1):
        products = products[without_last(len(x), j)] * x[last_index(len(x), j)]
    return products


def insertion_tables(d: int, order: int) -> list[IntArray]:
    """Return for k = 1..l where a multiset of k − 1 indices stands with e added: (d, N_{k−1})."""
    e = np.arange(d)[:, None]
    tables = [np.arange(d)[:, None]]
    for k in range(2, order + 1):
        last, rest = last_index(d, k - 1), without_last(d, k - 1)
        # Position of the first multiset with largest index v: N_k(v).
        first = np.concatenate([[0], numbers(d - 1, k)])
        above = first[:, None] + np.arange(len(last))
        tables.append(np.where(e >= last, above, first[last] + tables[-1][:, rest]))
    return tables


class SymmetricTensors:
    """Passage between full symmetric tensors and the vectors of their distinct entries.

    Parameters
    ----------
    d, order : int
        Length and number of the modes.
    """

    def __init__(self, d: int, order: int) -> None:
        self.d, self.order = d, order
        self.size = number(d, order)
        # Told apart in one step, from the positions of all entries, where that takes little memory.
        self._at_once = d**order <= _AT_ONCE
        # The last step of `expand` holds its result and the tensor before its last two modes were
        # told apart.
        before = d ** (order - 2) * number(d, 2) if order > 1 and not self._at_once else 0
        self.expand_bytes = ITEMSIZE * (d**order + before)
        tables = d**order if self._at_once else d * sum(number(d, k) for k in range(order))
        self.stored_bytes = ITEMSIZE * (self.size + tables)

    def prepare(self, index: Any) -> None:
        """Build the tables; `index` makes a backend tensor of an integer array."""
        position = np.zeros(1, dtype=np.intp)
        for k in range(1, self.order + 1):
            position = position[without_last(self.d, k)] * self.d + last_index(self.d, k)
        self._positions = index(position)
        tables = [table.reshape(-1) for table in insertion_tables(self.d, self.order)]
        if self._at_once:
            self._entries = index(self._by_modes(np.arange(self.size), tables).reshape(-1))
        else:
            self._tables = [index(table) for table in tables]

    def compress(self, tensor: Any) -> Any:
        """Return the distinct entries of a symmetric tensor, shape (N_l,)."""
        return take(tensor.reshape((-1,)), self._positions)

    def compress_each(self, tensors: Any) -> Any:
        """Return the distinct entries of k symmetric tensors, shape (N_l, k)."""
        return take(tl.transpose(tensors.reshape((len(tensors), -1))), self._positions)

    def expand_each(self, entries: Any) -> Any:
        """Return k full symmetric tensors."""
        rows = row_major(tl.transpose(entries))
        if self._at_once:
            full = take(rows, self._entries, axis=1)
        else:
            full = tl.stack([self._by_modes(row, self._tables) for row in rows])
        return full.reshape((-1, *(self.d,) * self.order))

    def expand(self, entries: Any) -> Any:
        """Return the full symmetric tensor."""
        if self._at_once:
            return take(entries, self._entries).reshape((self.d,) * self.order)
        return self._by_modes(entries, self._tables).reshape((self.d,) * self.order)

    def _by_modes(self, entries: Any, tables: list[Any]) -> Any:
        """Tell one mode apart at a time."""
        done = entries.reshape((1, -1))
        for k in range(self.order, 1, -1):
            done = take(done, tables[k - 1], axis=1).reshape((-1, number(self.d, k - 1)))
        return done
