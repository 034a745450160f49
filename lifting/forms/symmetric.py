"""The symmetric form: the residual form in the distinct entries of symmetric tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing import SensingProblem

from ..backends import scatter_add, take
from ..cost import ITEMSIZE
from ..multisets import (
    IntArray,
    SymmetricPower,
    SymmetricTensors,
    insertion_tables,
    last_index,
    monomials,
    multiplicities,
    number,
    without_last,
)
from .residual import compressed, compression_bytes

HEADER_BYTES = 2000  # of Python's, for the small arrays of a Hessian product


class SymmetricForm:
    """The residual form for a symmetric w, such as every iterate that starts from a lifted point.

    Then w, ⟨P(w), P(w)⟩ (as a tensor over pairs {p, q}) and the residual are symmetric tensors, and
    l modes of length d have C(d + l − 1, l) distinct entries, not d^l. The terms of ⟨P(w), P(w)⟩
    have one triple (p, q, σ) a mode: a multiset κ of l triples has the term w[{(p, σ)}] w[{(q,
    σ)}]. Then A acts on every mode, as on a vector of pairs.
    """

    name = "symmetric"
    symmetric_only = True

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r = problem.shape
        self._problem, self._order = problem, order
        self._m = m = min(problem.m, n * (n + 1) // 2)
        self._pairs = n * (n + 1) // 2
        self._tensors = SymmetricTensors(n * r, order)
        self._measure = SymmetricPower(m, self._pairs, order)
        self._adjoint = SymmetricPower(self._pairs, m, order)

        distinct = ITEMSIZE * self._tensors.size
        terms = number(n * n * r, order)
        pairs, residual = (ITEMSIZE * number(d, order) for d in (self._pairs, m))
        self.flops = (
            self._measure.flops + self._adjoint.flops + 10.0 * terms + 4.0 * (n * r) ** order
        )
        self.largest_product = max(self._measure.largest_product, self._adjoint.largest_product)
        # Measuring, A* on every mode, the terms of the result, and its way back to a full tensor,
        # which takes more than the check that w is symmetric.
        self.gradient_bytes = distinct + max(
            pairs + self._measure.peak_bytes,
            residual + self._adjoint.peak_bytes,
            residual + pairs + 2 * ITEMSIZE * terms,
            self._tensors.expand_bytes,
        )
        self.hessian_bytes = self.gradient_bytes + 2 * distinct + HEADER_BYTES
        self.stored_bytes = (
            4 * ITEMSIZE * terms
            + self._tensors.stored_bytes
            + self._measure.stored_bytes
            + self._adjoint.stored_bytes
            + 2 * residual
            + pairs
            + distinct
            + 2 * ITEMSIZE * m * self._pairs
        )
        self.building_bytes = max(
            compression_bytes(problem),
            ITEMSIZE * m * (n * n + self._pairs),  # the A_i, and their distinct entries
            self.stored_bytes
            # The weights of the terms, while they are counted, and what the heap keeps of them.
            + 6 * ITEMSIZE * terms
            + 4 * ITEMSIZE * n * n * r,  # the triples (p, q, σ) of one mode
        )

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        return None

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        n, r = self._problem.shape
        A, b, self._outside = compressed(self._problem, self._m, self._order)
        rows, columns = np.triu_indices(n)
        packed = A[:, rows, columns]
        del A
        self._A, self._At = tensor(packed), tensor(np.ascontiguousarray(packed.T))
        for part in (self._tensors, self._measure, self._adjoint):
            part.prepare(index)
        self._b_power = tensor(monomials(b, self._order))
        self._multiplicity = tensor(multiplicities(self._m, self._order))

        # One mode has the triples (p, q, σ). The tables below send a multiset κ of l triples to the
        # positions of its left factors (p, σ), right factors (q, σ) and pairs {p, q}.
        p, q, s = (axis.reshape(-1) for axis in np.indices((n, n, r)))
        pair = np.zeros((n, n), dtype=np.intp)
        pair[rows, columns] = pair[columns, rows] = np.arange(self._pairs)
        self._left = index(_relabelled(p * r + s, n * r, self._order))
        self._right = index(_relabelled(q * r + s, n * r, self._order))
        self._pair = index(_relabelled(pair[p, q], self._pairs, self._order))
        # κ stands for as many terms as it has orders; an entry is a mean over those of its own.
        self._weight = tensor(multiplicities(n * n * r, self._order))
        self._per_pair = tensor(1 / multiplicities(self._pairs, self._order))
        self._per_entry = tensor(1 / multiplicities(n * r, self._order))

    def _measured(self, x: Any, y: Any) -> Any:
        """A^{⊗l}(⟨P(x), P(y)⟩): sum the terms of the same pairs, then measure every mode."""
        terms = take(x, self._left)
        terms *= take(y, self._right)
        terms *= self._weight
        products = scatter_add(self._pair, terms, number(self._pairs, self._order))
        del terms
        products *= self._per_pair
        return self._measure(self._A, products)

    def _acting(self, residual: Any, x: Any) -> Any:
        """(A*)^{⊗l}(residual) acting on P(x), where x is symmetric."""
        adjoint = self._adjoint(self._At, residual)
        terms = take(adjoint, self._pair)
        terms *= take(x, self._right)
        terms *= self._weight
        acting = scatter_add(self._left, terms, self._tensors.size)
        acting *= self._per_entry
        return acting

    def _residual(self, x: Any) -> Any:
        residual = self._measured(x, x)
        residual -= self._b_power
        return residual

    def _half_norm(self, residual: Any) -> float:
        return 0.5 * (float(tl.sum(self._multiplicity * residual * residual)) + self._outside)

    def value(self, w: Any) -> float:
        """Return h^l(w)."""
        return self._half_norm(self._residual(self._tensors.compress(w)))

    def value_and_gradient(self, w: Any) -> tuple[float, Any]:
        """Return h^l(w) and ∇h^l(w)."""
        x = self._tensors.compress(w)
        residual = self._residual(x)
        value = self._half_norm(residual)
        gradient = self._acting(residual, x)
        gradient *= 2
        return value, self._tensors.expand(gradient)

    def hessian_product(self, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction] for a symmetric direction."""
        x, d = self._tensors.compress(w), self._tensors.compress(direction)
        product = self._acting(self._residual(x), d)
        change = self._measured(x, d)
        change *= 2
        product += self._acting(change, x)
        product *= 2
        return self._tensors.expand(product)


def _relabelled(label: IntArray, d: int, order: int) -> IntArray:
    """Return the position of {label(t) : t ∈ κ} among the multisets below d, for every κ."""
    position = np.zeros(1, dtype=np.intp)
    for k, table in enumerate(insertion_tables(d, order), 1):
        position = table[label[last_index(len(label), k)], position[without_last(len(label), k)]]
    return position
