"""The form over pairs: every mode of w ⊗ w by its pairs of indices, for any w."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing import SensingProblem

from ..backends import row_major, take
from ..cost import ITEMSIZE
from .expansion import ExpandedForm
from .symmetric import packed


class PairsForm(ExpandedForm):
    """C = N^{⊗l}(⟨P(w), P(w)⟩) on P(w) with N = A*A as a matrix over pairs {p, q}, p ≤ q.

    Each A_i is symmetric, so that of a mode (p, q) of w ⊗ w only the symmetric part counts: l modes
    of n(n+1)/2 numbers, not n². Exchanging all p with all q changes nothing either. So in the first
    mode p ≤ q is enough, in which

        H[{p₁, q₁}, p₂…, q₂…] = Σ_σ x[p₁, p₂…, σ] y[q₁, q₂…, σ] + y[p₁, p₂…, σ] x[q₁, q₂…, σ]

    and one mode after the other (p, q) and (q, p) are added. That counts p = q twice in every mode,
    which the columns of N make up for.
    """

    name = "pairs"
    symmetric_only = False
    asks_symmetric = False

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r = problem.shape
        self._problem, self._order, self._n, self._r = problem, order, n, r
        self._pairs = pairs = n * (n + 1) // 2
        self._rest = rest = n ** (order - 1)
        # H, and what is left of it when the modes up to k are pairs.
        numbers = [ITEMSIZE * pairs**k * n ** (2 * (order - k)) for k in range(1, order + 1)]
        tensor_bytes = ITEMSIZE * (n * r) ** order
        vectors = ITEMSIZE * pairs * rest * n * r**order  # T on the modes q₂…q_l of w
        self.flops = (
            2.0 * pairs * rest**2 * (r**order + 1)
            + 2.0 * order * float(pairs) ** (order + 1)
            + 2.0 * pairs * rest**2 * n * r**order
            + 2.0 * n * order * tensor_bytes / ITEMSIZE
        )
        self.largest_product = max(
            float(pairs) ** (order + 1), float(pairs * rest**2 * n * r**order)
        )
        # H once, its modes gathered twice each, N on every mode, and T on w.
        self.moved_bytes = (
            2.0 * numbers[0]
            + sum(8.0 * after for after in numbers[1:])
            + order * (2.0 * numbers[-1] + ITEMSIZE * pairs**2)
            + sum(3.0 * before for before in numbers[:-1])
            + 2.0 * numbers[0]
            + 3.0 * vectors
            + 2 * (order + 8) * tensor_bytes
        )
        self.calls = 14 + 4 * order + 8 * (order - 1) + 3 * n
        steps = [before + 2 * after for before, after in pairwise(numbers)]
        # Beside C and L: H with the modes that are gathered, or with V = T on w; then V, its part
        # for one q, and what that adds to, where P(w) is a copy for r > 1. What makes H is less.
        summing = vectors // n + (3 if r > 1 else 2) * tensor_bytes
        self.gradient_bytes = 2 * tensor_bytes + max(
            [numbers[0] + vectors, vectors + summing, *steps]
        )
        self.hessian_bytes = self.gradient_bytes + tensor_bytes + numbers[0] + numbers[-1]
        tables = [
            ITEMSIZE * n ** (2 * (order - k)) * (2 * pairs + n * n) for k in range(2, order + 1)
        ]
        self.stored_bytes = ITEMSIZE * (pairs**2 + 2 * n * n + 2 * pairs) + sum(tables)
        m = problem.m
        self.building_bytes = max(
            ITEMSIZE * (m * n * n + m * pairs + pairs**2),
            self.stored_bytes + max(tables, default=0),
        )

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        return None

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        n, order = self._n, self._order
        A, b = packed(self._problem.operator.matrices()), self._problem.measurements
        rows, columns = np.triu_indices(n)
        N = A.T @ A
        N[rows == columns] /= 2
        self._N = tensor(N)
        self._B = tensor(self._problem.operator.adjoint_matmul(b, np.eye(n)))
        self._b_norm = float(b @ b) ** order
        pair = np.zeros((n, n), dtype=np.intp)
        pair[rows, columns] = pair[columns, rows] = np.arange(self._pairs)
        self._pair = [index(np.ascontiguousarray(column)) for column in pair.T]
        self._p, self._q = index(rows), index(columns)
        # For each mode but the first: where (p, R, q, R′), (q, R, p, R′) and {p, q}, R, R′ stand.
        self._here, self._there, self._back = [], [], []
        for k in range(2, order + 1):
            R = n ** (order - k)
            whole = np.arange((n * R) ** 2).reshape(n, R, n, R)
            self._here.append(index(whole[rows, :, columns].reshape(-1)))
            self._there.append(index(whole[columns, :, rows].reshape(-1)))
            by_pairs = np.arange(self._pairs * R**2).reshape(self._pairs, R, R)
            self._back.append(index(by_pairs[pair].transpose(0, 2, 1, 3).reshape(-1)))

    def _terms(self, w: Any, **known: bool) -> tuple[Any, Any]:
        x = self._split(w)
        return self._joined(self._acting(self._normal(x, x), x)), self._linear(w)

    def hessian_part(self, w: Any) -> Any:
        """Return N on every mode of ⟨P(w), P(w)⟩."""
        x = self._split(w)
        return self._normal(x, x)

    def hessian_product(self, T: Any, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction]: C is linear in each of its three factors."""
        x, d = self._split(w), self._split(direction)
        product = self._acting(T, d)
        change = self._acting(self._normal(x, d), x)
        change *= 2
        product += change
        product = self._joined(product)
        product -= self._linear(direction)
        product *= 2
        return product

    def _split(self, w: Any) -> Any:
        """Return P(w) as (n, n^{l−1}, r^l)."""
        n, r, order = self._n, self._r, self._order
        if r > 1:
            axes = [*range(0, 2 * order, 2), *range(1, 2 * order, 2)]
            w = row_major(tl.transpose(w.reshape((n, r) * order), axes))
        return w.reshape((n, self._rest, r**order))

    def _joined(self, x: Any) -> Any:
        """Return the tensor with modes of length n r whose P is x."""
        n, r, order = self._n, self._r, self._order
        if r > 1:
            axes = [axis for k in range(order) for axis in (k, order + k)]
            x = row_major(tl.transpose(x.reshape((n,) * order + (r,) * order), axes))
        return x.reshape((n * r,) * order)

    def _normal(self, x: Any, y: Any) -> Any:
        """Return N on every mode of the symmetric part of ⟨x, y⟩, (n(n+1)/2,)*l."""
        H = take(x, self._p) @ tl.transpose(take(y, self._q), (0, 2, 1))
        if x is y:
            H *= 2
        else:
            H += take(y, self._p) @ tl.transpose(take(x, self._q), (0, 2, 1))
        for here, there in zip(self._here, self._there, strict=True):
            H = H.reshape((-1, (self._n**2 * len(here)) // self._pairs))
            both = take(H, here, axis=1)
            both += take(H, there, axis=1)
            H = both
        for _ in range(self._order):  # the first mode goes, the new one is last
            H = tl.transpose(H.reshape((self._pairs, -1))) @ self._N
        return H

    def _acting(self, T: Any, y: Any) -> Any:
        """Return a symmetric tensor over pairs acting on y, (n, n^{l−1}, r^l)."""
        n, rest = self._n, self._rest
        for back in self._back[::-1]:
            T = take(T.reshape((-1, (self._pairs * len(back)) // n**2)), back, axis=1)
        # y with q₂…q_l first: (n^{l−1}, n r^l).
        y = row_major(tl.transpose(y, (1, 0, 2))).reshape((rest, -1))
        V = (T.reshape((-1, rest)) @ y).reshape((self._pairs, rest, n, -1))
        del T
        acting = take(V[:, :, 0], self._pair[0])
        for q in range(1, n):
            acting += take(V[:, :, q], self._pair[q])
        return acting

    def _linear(self, x: Any) -> Any:
        """Return (A*(b))^{⊗l} acting on P(x)."""
        n, r = self._n, self._r
        for mode in range(self._order):
            x = self._B @ x.reshape((-1, n, (n * r) ** (self._order - mode - 1) * r))
        return x.reshape((n * r,) * self._order)
