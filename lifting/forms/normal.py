"""The normal form: the n⁴ core of A*A on every mode, as the lifting literature contracts it."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem

from ..cost import ITEMSIZE, operations
from .contraction import Contraction
from .expansion import ExpandedForm


class NormalForm(ExpandedForm):
    """∇h^l(w) = 2 [N^{⊗l}(⟨P(w), P(w)⟩) − (A*(b))^{⊗l}] on w, with N = A*A as an n×n×n×n core."""

    name = "normal"
    symmetric_only = False
    asks_symmetric = False

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r = problem.shape
        modes = range(order)
        self._problem, self._order = problem, order

        def label(letter: str) -> list[tuple[str, int]]:
            return [(letter, k) for k in modes]

        def mixed(
            left: list[tuple[str, int]], right: list[tuple[str, int]]
        ) -> list[tuple[str, int]]:
            return [index for k in modes for index in (left[k], right[k])]

        # Mode k of the result has the indices o (of n) and t (of r); w[p, s] w[x, s] w[q, t] meet
        # the core N[o, q, p, x] = Σ_i A_i[o, q] A_i[p, x].
        o, p, q, x, s, t = (label(letter) for letter in "opqxst")
        sizes: dict[Hashable, int] = {**dict.fromkeys(o + p + q + x, n), **dict.fromkeys(s + t, r)}
        cores = [(o[k], q[k], p[k], x[k]) for k in modes]
        self._cubic = Contraction(
            [mixed(p, s), mixed(x, s), mixed(q, t), *cores], mixed(o, t), sizes
        )
        self._linear = Contraction(
            [mixed(q, t), *((o[k], q[k]) for k in modes)], mixed(o, t), sizes
        )

        tensor_bytes = self._cubic.result_bytes
        self.flops = self._cubic.flops + self._linear.flops
        self.largest_product = max(self._cubic.largest_product, self._linear.largest_product)
        self.moved_bytes = (
            self._cubic.moved_bytes + self._linear.moved_bytes + operations(8 * tensor_bytes)
        )
        self.calls = self._cubic.calls + self._linear.calls + 5
        self.gradient_bytes = max(self._cubic.peak_bytes, tensor_bytes + self._linear.peak_bytes)
        self.hessian_bytes = self.gradient_bytes + tensor_bytes
        self.stored_bytes = ITEMSIZE * (n**4 + n**2)
        self.building_bytes = self.stored_bytes + ITEMSIZE * problem.m * n * n

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        return None

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        A, b = self._problem.operator.matrices(), self._problem.measurements
        self._N = [tensor(np.tensordot(A, A, (0, 0)))] * self._order
        self._B = [tensor(np.tensordot(b, A, (0, 0)))] * self._order
        self._b_norm = float(b @ b) ** self._order

    def _terms(self, w: Any, **known: bool) -> tuple[Any, Any]:
        return self._cubic(w, w, w, *self._N), self._linear(w, *self._B)

    def hessian_product(self, part: None, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction], the derivative of the gradient."""
        product = self._cubic(w, direction, w, *self._N)
        product *= 2
        product += self._cubic(w, w, direction, *self._N)
        product -= self._linear(direction, *self._B)
        product *= 2
        return product
