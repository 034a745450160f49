"""The form for rank-one operators A_i = a_i a_iᵀ: only mode products of w with the a_i."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import tensorly as tl

from lift_compare.sensing import RankOneOperator, SensingProblem

from ..backends import inner_product
from ..cost import ITEMSIZE, operations
from .contraction import Contraction


class RankOneForm:
    """h^l for A_i = a_i a_iᵀ.

    With y = w × a on every mode, y[i, σ] with i over m^l and σ over r^l:

    A^{⊗l}(⟨P(w), P(w)⟩)[i] = Σ_σ y[i, σ]²     ∇h^l(w) = 2 (residual ∘ y) × aᵀ on every mode
    """

    name = "rank-one"
    symmetric_only = False
    asks_symmetric = False

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r, m = *problem.shape, problem.m
        modes = range(order)
        self._problem, self._order, self._m, self._r = problem, order, m, r
        # Mode k of w has the indices p (of n) and s (of r); a_i takes p to i.
        i, p, s = ([(letter, k) for k in modes] for letter in "ips")
        sizes: dict[Hashable, int] = {
            **dict.fromkeys(i, m),
            **dict.fromkeys(p, n),
            **dict.fromkeys(s, r),
        }
        mixed = [index for k in modes for index in (p[k], s[k])]
        vectors = [(i[k], p[k]) for k in modes]
        self._project = Contraction([mixed, *vectors], [*i, *s], sizes)
        self._back = Contraction([[*i, *s], *vectors], mixed, sizes)

        projected, residual = self._project.result_bytes, ITEMSIZE * m**order
        self.flops = self._project.flops + self._back.flops + 4.0 * operations((m * r) ** order)
        self.largest_product = max(self._project.largest_product, self._back.largest_product)
        self.moved_bytes = (
            self._project.moved_bytes
            + self._back.moved_bytes
            + operations(4 * projected + 4 * residual + 2 * self._back.result_bytes)
        )
        self.calls = self._project.calls + self._back.calls + 7
        self.gradient_bytes = max(
            self._project.peak_bytes, projected + residual, projected + self._back.peak_bytes
        )
        # Beside what is kept for all directions: ẏ while it is made, with what is added to it for
        # r > 1, and while it goes back.
        kept = projected + (residual if r > 1 else 0)
        added = 2 * projected + residual if r > 1 else 0
        back = projected + self._back.peak_bytes
        self.hessian_bytes = kept + max(self._project.peak_bytes, added, back)
        # The vectors are the operator's own, and at order 1 so is b.
        self.stored_bytes = residual if order > 1 else 0
        self.building_bytes = self.stored_bytes

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        if isinstance(problem.operator, RankOneOperator):
            return None
        return "it needs an operator with A_i = a_i a_iᵀ (sensing.RankOneOperator)"

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        operator = self._problem.operator
        assert isinstance(operator, RankOneOperator)
        self._vectors = [tensor(operator.vectors)] * self._order
        b = tensor(self._problem.measurements)
        self._b_power = tl.tenalg.outer([b] * self._order).reshape((-1,))

    def _projected(self, w: Any) -> Any:
        return self._project(w, *self._vectors).reshape(
            (self._m**self._order, self._r**self._order)
        )

    def _residual(self, y: Any) -> Any:
        residual = y[:, 0] * y[:, 0] if self._r == 1 else tl.einsum("is,is->i", y, y)
        residual -= self._b_power
        return residual

    def value(self, w: Any) -> Any:
        """Return h^l(w)."""
        residual = self._residual(self._projected(w))
        return inner_product(residual, residual) * 0.5

    def value_and_gradient(self, w: Any) -> tuple[Any, Any]:
        """Return h^l(w) and ∇h^l(w)."""
        y = self._projected(w)
        residual = self._residual(y)
        value = inner_product(residual, residual) * 0.5
        y *= residual[:, None]
        del residual
        gradient = self._back(y, *self._vectors)
        gradient *= 2
        return value, gradient

    def hessian_part(self, w: Any) -> Any:
        """Return y and the residual, or 3 y² − b for r = 1."""
        y = self._projected(w)
        if self._r > 1:
            return y, self._residual(y)
        y *= y
        y *= 3
        y -= self._b_power[:, None]
        return y

    def hessian_product(self, part: Any, w: Any, direction: Any) -> Any:
        """Return 2 (residual ∘ ẏ + 2 ⟨y, ẏ⟩ y) × aᵀ on every mode; ẏ is the projected direction.

        For r = 1 that is 2 (3 y² − b) ∘ ẏ × aᵀ.
        """
        change = self._projected(direction)
        if self._r == 1:
            change *= part
        else:
            y, residual = part
            along = tl.einsum("is,is->i", y, change)
            along *= 2
            change *= residual[:, None]
            change += y * along[:, None]
        product = self._back(change, *self._vectors)
        product *= 2
        return product
