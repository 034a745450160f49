"""Tensors that are symmetric within groups of modes, by orthonormal coefficients.

Split the l modes of length d into groups of p_1, ..., p_k modes. The tensors that are symmetric
within each group are Sym^{p_1} ⊗ ... ⊗ Sym^{p_k}: arrays with k modes of length N_{p_j}(d), where
Sym^p has the orthonormal basis of its distinct entries (`multisets`), each scaled by the root of
how many entries it stands for. A matrix M on every one of the l modes is Sym^{p_j}(M) on every
group. Two cases matter (docs/theory.md, section 10):

- One group of all modes: the symmetric tensors.
- min(d, l) groups, as equal as can be. By Schur–Weyl duality every eigenvalue that a sum of
  Kronecker powers has on all tensors it has on these: an eigenspace is a sum of irreducible parts
  with at most d rows, and each of them meets the tensors of this symmetry (its Kostka number is
  positive, as the equal partition is dominated by every other with at most d rows).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lift_compare.sensing.floats import finite
from lift_compare.sensing.validation import FloatArray, InvalidValue

from ..cost import ITEMSIZE, MOST_MODES, MemoryLimitExceeded, allowed_bytes
from ..multisets import (
    IntArray,
    insertion_tables,
    last_index,
    monomials,
    multiplicities,
    number,
    without_last,
)


def equal_groups(order: int, count: int) -> tuple[int, ...]:
    """Return `order` modes in `count` groups, as equal as can be, the larger ones first."""
    return tuple(order // count + (j < order % count) for j in range(count))


def lengths(d: int, groups: tuple[int, ...]) -> tuple[int, ...]:
    """Return N_p(d) of every group: the shape of the coefficients."""
    return tuple(number(d, p) for p in groups)


def roots(d: int, p: int) -> FloatArray:
    """Return the roots of the multiplicities, (N_p,): coefficient over entry of a tensor."""
    counts = finite("order: a count of equal entries", multiplicities(d, p))
    return np.asarray(np.sqrt(counts))


def vector_power(x: FloatArray, p: int) -> FloatArray:
    """Return the coefficients of x^{⊗p}, (N_p,)."""
    return roots(len(x), p) * monomials(x, p)


def symmetric_power(M: FloatArray, p: int) -> FloatArray:
    """Return Sym^p(M), the matrix M on every mode of a symmetric tensor, (N_p(d), N_p(d)).

    One mode after the other: Sym^k(M) = E_kᵀ (Sym^{k−1}(M) ⊗ M) E_k, with E_k the isometry from
    Sym^k to Sym^{k−1} ⊗ R^d. So rounding does not grow with k.
    """
    if p == 1:
        return M
    power = np.ones((1, 1))
    for table, weight in _isometries(len(M), p):
        before, size = power, int(table.max()) + 1
        power = np.zeros((size, size))
        for e, row in enumerate(table):  # e and f into the multisets α and β
            for f, column in enumerate(table):
                part = before * (M[e, f] * weight[f])
                part *= weight[e][:, None]
                power[np.ix_(row, column)] += part  # α ↦ α + e meets no position twice
    return power


def _isometries(d: int, order: int) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield E_k for k = 1..l: (E_k x)[α, e] = weight[e, α] · x[table[e, α]].

    The weight is √(c/k), with c how often e occurs in α + e.
    """
    counts = np.zeros((1, d))  # how often every index occurs in every multiset
    for k, table in enumerate(insertion_tables(d, order), 1):
        yield table, np.sqrt((counts.T + 1) / k)
        last = last_index(d, k)
        counts = counts[without_last(d, k)]
        counts[np.arange(len(last)), last] += 1


def embedding(d: int, groups: tuple[int, ...]) -> tuple[IntArray, FloatArray]:
    """Return the isometry from Sym^l to the tensors of these groups, as (positions, weights).

    The coefficients x of a symmetric tensor become weights · x[positions], both of the length of
    the groups' coefficients in one row.
    """
    tables = insertion_tables(d, sum(groups))
    positions, level = np.zeros(1, dtype=np.intp), 0
    weights = np.ones(1)
    for p in groups:
        union = positions[:, None]  # of what came before with the first j indices of this group
        for j in range(1, p + 1):
            union = tables[level + j - 1][last_index(d, j), union[:, without_last(d, j)]]
        positions, level = union.reshape(-1), level + p
        weights = np.multiply.outer(weights, roots(d, p)).reshape(-1)
    return positions, weights / roots(d, level)[positions]


@dataclass(frozen=True, eq=False)
class GroupedTensor:
    """A tensor with l modes of length d that is symmetric within groups of modes.

    Attributes
    ----------
    d : int
        Length of the modes.
    groups : tuple of int
        Number of modes in each group; l together.
    coefficients : array (N_{p_1}(d), ..., N_{p_k}(d))
        Its orthonormal coefficients. With groups of one mode they are the tensor.
    """

    d: int
    groups: tuple[int, ...]
    coefficients: FloatArray

    def entries(self) -> FloatArray:
        """Return the distinct entries, in the shape of the coefficients."""
        scaled = np.array(self.coefficients)
        for axis, p in enumerate(self.groups):
            shape = [1] * scaled.ndim
            shape[axis] = -1
            scaled /= roots(self.d, p).reshape(shape)
        return scaled

    def full(self) -> FloatArray:
        """Return the tensor, shape (d,)*l.

        Raises
        ------
        MemoryLimitExceeded
            If it takes more than half of the memory available now.
        ValueError
            If it has more modes than a numpy array can.
        """
        order = sum(self.groups)
        if order >= MOST_MODES:
            most = f"expected at most {MOST_MODES - 1}, the modes a numpy array can have"
            raise InvalidValue(f"order: {most}, got {order}")
        needed, allowed = 3 * ITEMSIZE * self.d**order, allowed_bytes(None)
        if needed > allowed:
            raise MemoryLimitExceeded(needed, allowed, f"order {order}: the full tensor")
        tensor = self.entries().reshape(1, -1)
        for p in self.groups:
            # The first mode of what is left becomes p modes of length d, and goes to the end.
            positions, _ = embedding(self.d, (1,) * p)
            tensor = tensor.reshape(number(self.d, p), -1).T[:, positions]
        return tensor.reshape((self.d,) * order)

    def along(self, x: FloatArray) -> float:
        """Return ⟨T, x^{⊗l}⟩."""
        rest = self.coefficients
        for p in self.groups:
            rest = vector_power(x, p) @ rest.reshape(number(self.d, p), -1)
        return float(rest[0])


def groups_flops(d: int, groups: tuple[int, ...]) -> float:
    """Return the operations of one matrix Sym^p(M) on every group."""
    shape = lengths(d, groups)
    return 2.0 * math.prod(shape) * sum(shape)
