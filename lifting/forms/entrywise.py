"""The entrywise form: operators of weighed entries, by swapping modes between two copies of w."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing import EntrywiseOperator, SensingProblem
from lift_compare.sensing.validation import FloatArray

from ..backends import row_major
from ..cost import BUFFER_BYTES, ITEMSIZE, operations
from ..multisets import SymmetricTensors
from .expansion import ExpandedForm

BLOCK_BYTES = 2**21
"""Size of the blocks of rows that the swaps work on (about what a core's cache holds)."""

MOST_ORDER = 21
"""Largest order at which 2^{l−1} tensors, a million, are added in seconds where each is small."""

HEADER_BYTES = 700  # of Python's, for the many short-lived views of one swap


class EntrywiseForm(ExpandedForm):
    """h^l for A_ij = w_ij (e_i e_jᵀ + e_j e_iᵀ)/2: A*A(M) = D ∘ sym(M), D = sym(w ∘ w).

    sym on mode k averages over swapping the index of that mode between the two copies of w, so over
    all modes it is a sum over the sets S of swapped modes (docs/theory.md, section 9). For r = 1, S
    first, J = (c, e) and I = (a, b):

        (A*A)^{⊗l}(x yᵀ) z = 2^{-l} Σ_S T_S
        T_S[a, b] = Σ_{c,e} D[a,c] D[b,e] x[c,b] y[a,e] z[c,e]

    S and its complement give the same sum with x and y exchanged, so |S| ≤ (l − 1)/2 is enough. For
    a symmetric w the sets of one size give the same tensor with its modes permuted: (l + 1)/2 sums
    are enough, not 2^{l−1}. T_S costs about n^{l+|S|+1} operations and is done in blocks of a, so
    that memory stays near that of w.
    """

    name = "entrywise"
    symmetric_only = False
    asks_symmetric = True  # it decides how many sums are needed

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r = problem.shape
        self._problem, self._order, self._n, self._r = problem, order, n, r
        self._half = (order - 1) // 2
        self._tensors = SymmetricTensors(n * r, order)
        entries = (n * r) ** order
        # Bytes of T_S's summands for one row a, over c, b and ranks.
        self._row = ITEMSIZE * n**order * r ** (2 * order)

        # For each size of S: the product y z, D on the other l − |S| modes, the product with x, the
        # sum over c.
        swaps = [
            (2.0 * n * (order - s) + 4) * n**s * n**order * r ** (2 * order)
            for s in range(self._half + 1)
        ]
        subsets = [comb(order, s) for s in range(self._half + 1)]
        rest = (sum(subsets) + 2.0 * n * order) * entries
        self.flops = sum(swaps) + rest

        tensor_bytes = ITEMSIZE * entries
        # Of each summand: the product y z, D on every other mode, the product with x, the sum;
        # a product for each row and each index before the mode. A few passes over tensors.
        self.moved_bytes, self.calls = operations(2 * (12 + order) * tensor_bytes), 10.0 + 2 * order
        for s in range(self._half + 1):
            summands = n**s * self._row
            blocks = -(-(n**s) // self._block())
            self.moved_bytes += operations(2 * (order - s + 3) * summands)
            self.calls += blocks * (2.0 * (order - s) + 8) + 6
            products = n ** (2 * s) * r ** (2 * s) * (n ** (order - s - 1) - 1) / max(n - 1, 1)
            self.calls += 0.1 * operations(int(products))
        working = max(min(n**s, self._block()) for s in range(self._half + 1)) * self._row
        self.largest_product = n * working / ITEMSIZE
        headers = HEADER_BYTES * (order + 3)
        # The sum over sets, and the part of one set with its modes moved, beside two copies of the
        # terms, or one and numpy's buffers while it is made. A symmetric w needs one tensor less.
        terms = working + max(working, 2 * min(BUFFER_BYTES, working))
        self.gradient_bytes = 3 * tensor_bytes + terms + headers
        self.hessian_bytes = self.gradient_bytes + 2 * tensor_bytes + headers
        matrices = 2 * n**2 + sum(n ** (2 * s) for s in range(self._half + 1))
        self.stored_bytes = ITEMSIZE * matrices + self._tensors.stored_bytes
        self.building_bytes = self.stored_bytes + ITEMSIZE * 3 * n**2

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        if not isinstance(problem.operator, EntrywiseOperator):
            return "it needs an operator that weighs single entries (sensing.EntrywiseOperator)"
        if order > MOST_ORDER:
            return f"it adds 2^(order - 1) tensors, too many beyond order {MOST_ORDER}"
        return None

    def _block(self) -> int:
        return max(1, int(BLOCK_BYTES // self._row))

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        operator, b = self._problem.operator, self._problem.measurements
        assert isinstance(operator, EntrywiseOperator)
        D = squared_weights(operator)
        powers: list[Any] = [np.ones((1, 1))]
        for _ in range(self._half):
            powers.append(np.kron(powers[-1], D))
        self._D = tensor(D)
        self._powers = [tensor(power) for power in powers]
        self._B = tensor(operator.adjoint_matmul(b, np.eye(self._n)))
        self._b_norm = float(b @ b) ** self._order
        self._tensors.prepare(index)

    def _terms(self, w: Any, **known: bool) -> tuple[Any, Any]:
        return self._cubic([(w[None],) * 3], known["symmetric"])[0], self._linear(w)

    def value_and_gradient(self, w: Any, **known: bool) -> tuple[Any, Any]:
        """Return h^l(w) and ∇h^l(w), which is exactly symmetric where w is."""
        value, gradient = super().value_and_gradient(w, **known)
        return value, self._made_equal(gradient[None], known["symmetric"])[0]

    def values_and_gradients(self, tensors: Any, *, symmetric: bool) -> tuple[Any, Any]:
        """Return h^l and ∇h^l at k tensors: (k,) and (k, n r, ..., n r)."""
        gradients = self._cubic([(tensors,) * 3], symmetric)
        linear = self._linear(tensors)
        # ⟨w, C⟩ − 2 ⟨w, L⟩ in one sum over products of each tensor.
        terms = (tensors * (gradients - linear * 2)).reshape((len(tensors), -1))
        values = (tl.sum(terms, 1) + self._b_norm) * 0.5
        gradients -= linear
        gradients *= 2
        return values, self._made_equal(gradients, symmetric)

    def hessian_product(self, part: None, w: Any, direction: Any, *, symmetric: bool) -> Any:
        """Return ∇²h^l(w)[direction], the derivative of the gradient."""
        x, d = w[None], direction[None]
        product = self._cubic([(x, x, d), (x, d, x), (d, x, x)], symmetric)[0]
        product -= self._linear(direction)
        product *= 2
        return self._made_equal(product[None], symmetric)[0]

    def _made_equal(self, tensors: Any, symmetric: bool) -> Any:
        """Return the tensors, exactly symmetric where they are symmetric but for rounding.

        Sums over one S of every size are not, nor is what A*(b) does mode after mode.
        """
        if not symmetric:
            return tensors
        return self._tensors.expand_each(self._tensors.compress_each(tensors))

    def _cubic(self, triples: list[tuple[Any, Any, Any]], symmetric: bool) -> Any:
        """Return 2^{1−l} Σ_{|S| ≤ (l−1)/2} T_S, summed over the triples (x, y, z).

        Here and below the tensors have a first axis of their number.
        """
        total: Any = None
        modes = range(self._order)
        for s in range(self._half + 1):
            swap: Any = None
            for swapped in combinations(modes, s):
                # The swapped modes come first, so that one routine serves every S of size s.
                axes = [*swapped, *(k for k in modes if k not in swapped)]
                # For symmetric tensors that permutes nothing: T_S is computed for the first S only.
                if swap is None or not symmetric:
                    swap = None
                    for triple in triples:
                        part = self._swap(s, *(triple if symmetric else _with_modes(triple, axes)))
                        swap = part if swap is None else swap + part
                # Back to the order of the modes of w.
                moved = tl.transpose(swap, [0, *(1 + axes.index(k) for k in modes)])
                if total is None:
                    total = moved
                else:
                    total += moved
        # 2^{-l}, twice: S and its complement give the same sum.
        total *= 2.0 ** (1 - self._order)
        return total

    def _swap(self, s: int, x: Any, y: Any, z: Any) -> Any:
        """Return T_S for S the first s modes, as tensors with l modes of length n r."""
        n, r, k, count = self._n, self._r, self._order - s, len(x)
        shape = (count, n**s, r**s, n**k, r**k)
        # x[c, σ, b, σ′], y[a, σ, e, σ′], z[c, τ, e, τ′]: D sums c and e, the ranks σ and σ′ are
        # summed, τ and τ′ stay.
        X, Y, Z = (self._split(tensor, s).reshape(shape) for tensor in (x, y, z))
        X = tl.transpose(X, (0, 2, 1, 3, 4)).reshape((count, 1, r**s, n**s, 1, n**k, r**k, 1))
        Z = Z.reshape((count, 1, 1, n**s, r**s, n**k, 1, r**k))
        starts = range(0, n**s, self._block())
        swap = tl.concatenate(
            [self._swapped_rows(s, slice(i, i + self._block()), X, Y, Z) for i in starts], axis=1
        )
        if r > 1:
            split = (count, *(n,) * s, *(r,) * s, *(n,) * k, *(r,) * k)
            pairs = [
                *((1 + j, 1 + s + j) for j in range(s)),
                *((1 + 2 * s + j, 1 + 2 * s + k + j) for j in range(k)),
            ]
            swap = tl.transpose(
                swap.reshape(split), [0, *(axis for pair in pairs for axis in pair)]
            )
        return swap.reshape((count, *(n * r,) * self._order))

    def _swapped_rows(self, s: int, rows: slice, X: Any, Y: Any, Z: Any) -> Any:
        """Return the rows a of T_S, summed over c, b and the ranks σ and σ′."""
        n, r, k = self._n, self._r, self._order - s
        Y = Y[:, rows]
        count, some = Y.shape[:2]
        shape = (count, some, r**s, n**s, r**s, n**k, r**k, r**k)
        # The product is handed on without a name, so that it is freed once the first mode is done.
        terms = every_mode(
            self._D,
            Y.reshape((count, some, r**s, 1, 1, n**k, r**k, 1)) * Z,
            n,
            k,
            r ** (2 * k),
        )
        # Σ_e D[b, e] y z is done; now x, the sums over σ and σ′, and Σ_c D[a, c].
        terms = terms.reshape(shape)
        terms *= X
        if r > 1:
            terms = tl.sum(terms, (2, 6))
        power = self._powers[s][rows].reshape((-1, 1, n**s))
        return power @ terms.reshape((count, some, n**s, -1))

    def _split(self, tensors: Any, s: int) -> Any:
        """Return P of the tensors, its axes n and r of the first s modes before the others'."""
        if self._r == 1:
            return tensors
        firsts, others = range(1, 1 + 2 * s, 2), range(1 + 2 * s, 1 + 2 * self._order, 2)
        axes = [0, *firsts, *(j + 1 for j in firsts), *others, *(j + 1 for j in others)]
        return tl.transpose(tensors.reshape((-1, *(self._n, self._r) * self._order)), axes)

    def _linear(self, x: Any) -> Any:
        """Return (A*(b))^{⊗l} acting on P(x), in the shape of one or several x."""
        shape = x.shape
        for mode in range(self._order):
            length = (self._n * self._r) ** (self._order - mode - 1) * self._r
            x = self._B @ x.reshape((-1, self._n, length))
        return x.reshape(shape)


def squared_weights(operator: EntrywiseOperator) -> FloatArray:
    """Return D = sym(w ∘ w), shape (n, n)."""
    weights = operator.weights
    squares = np.asarray(weights.toarray() if hasattr(weights, "toarray") else weights) ** 2
    return np.asarray((squares + squares.T) / 2)


def _with_modes(tensors: tuple[Any, ...], axes: list[int]) -> list[Any]:
    """Return the tensors with modes in the given order; one that comes twice is copied once."""
    order = [0, *(1 + axis for axis in axes)]
    moved = {id(tensor): row_major(tl.transpose(tensor, order)) for tensor in tensors}
    return [moved[id(tensor)] for tensor in tensors]


def every_mode(D: Any, tensor: Any, n: int, modes: int, tail: int) -> Any:
    """Return D acting on the `modes` modes of length n before the last `tail` numbers."""
    for mode in range(modes):
        length = n ** (modes - mode - 1) * tail
        if length == 1:  # nothing stands behind the mode: one large product, as D is symmetric
            tensor = tensor.reshape((-1, n)) @ D
            continue
        tensor = D @ tensor.reshape((-1, n, length))
    return tensor
