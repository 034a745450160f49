"""h^l, ∇h^l and Hessian products in the distinct entries of symmetric tensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lift_compare.sensing import SensingProblem

from ..cost import ITEMSIZE
from ..multisets import SymmetricTensors, number
from .pair_products import PairProducts
from .symmetric_power import DiagonalPower, ModewisePower, PowerMatrix

Power = PowerMatrix | ModewisePower | DiagonalPower


class DistinctForm:
    """A form for symmetric tensors w, such as every iterate that starts from a lifted point.

    Then w and G = ⟨P(w), P(w)⟩ (a tensor over pairs {p, q}) are symmetric, and l modes of length d
    have C(d + l − 1, l) distinct entries, not d^l. With x those of w:

        h^l = f(G),   ∇h^l = 2 T(G) acting on P(x),   T = f′(G) = N^{⊗l}(G) − (A*(b))^{⊗l}

    and G is a sparse matrix times x xᵀ (`PairProducts`). What is left to a form are f and T.
    """

    symmetric_only = True
    asks_symmetric = False

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r = problem.shape
        self._problem, self._order = problem, order
        self._pairs = n * (n + 1) // 2
        self._tensors = SymmetricTensors(n * r, order)
        self._products = PairProducts(n, r, order)
        self._distinct_bytes = ITEMSIZE * self._tensors.size
        self._pairs_bytes = ITEMSIZE * number(self._pairs, order)
        self._entries = float((n * r) ** order)

    def _value(self, G: Any) -> Any:
        """Return f(G)."""
        raise NotImplementedError

    def _value_and_T(self, G: Any) -> tuple[Any, Any]:
        """Return f(G) and T(G)."""
        raise NotImplementedError

    def _normal(self, G: Any) -> Any:
        """Return N^{⊗l}(G), of which T is linear but for a constant."""
        raise NotImplementedError

    def _count(self, powers: Sequence[Power], middle_bytes: int) -> None:
        """Set what a form costs but for f, given T's powers, and its peak beside G."""
        self.flops = self._products.flops + 4.0 * self._entries
        self.flops += sum(power.flops for power in powers)
        self.largest_product = max(power.largest_product for power in powers)
        self.moved_bytes = self._products.moved_bytes + 6 * ITEMSIZE * self._entries
        self.moved_bytes += sum(power.moved_bytes for power in powers) + 6.0 * self._pairs_bytes
        self.calls = 22 + sum(power.calls for power in powers)
        # G with x xᵀ, then T, then T acting beside as much as at first, and the way back to a full
        # tensor, which takes more than the check that w is symmetric.
        self.gradient_bytes = self._distinct_bytes + max(
            self._pairs_bytes + max(self._products.products_bytes, middle_bytes),
            self._tensors.expand_bytes,
        )
        # T as a matrix is kept beside all that.
        self.hessian_bytes = self.gradient_bytes + self._products.products_bytes
        self.hessian_bytes += 2 * self._distinct_bytes

    def value(self, w: Any) -> Any:
        """Return h^l(w)."""
        x = self._tensors.compress(w)
        return self._value(self._products(x, x))

    def value_and_gradient(self, w: Any) -> tuple[Any, Any]:
        """Return h^l(w) and ∇h^l(w)."""
        value, gradient = self.distinct_value_and_gradient(self._tensors.compress(w))
        return value, self._tensors.expand(gradient)

    def values_and_gradients(self, tensors: Any) -> tuple[Any, Any]:
        """Return h^l and ∇h^l at k symmetric tensors: (k,) and (k, n r, ..., n r)."""
        x = self._tensors.compress_each(tensors)
        values, gradients = self.distinct_value_and_gradient(x)
        return values, self._tensors.expand_each(gradients)

    def distinct_value_and_gradient(self, x: Any) -> tuple[Any, Any]:
        """Return h^l and ∇h^l in distinct entries, shape (N_l,), or (N_l, k) for a batch of k."""
        value, T = self._value_and_T(self._products(x, x))
        gradient = self._products.acting(T, x)
        gradient *= 2
        return value, gradient

    def hessian_part(self, w: Any) -> Any:
        """Return T as a matrix that acts on distinct entries."""
        x = self._tensors.compress(w)
        _, T = self._value_and_T(self._products(x, x))
        return self._products.matrix(T)

    def hessian_product(self, T: Any, w: Any, direction: Any) -> Any:
        """Return ∇²h^l(w)[direction] for a symmetric direction."""
        x, d = self._tensors.compress(w), self._tensors.compress(direction)
        change = self._normal(self._products(x, d))
        change *= 2
        product = self._products.acting(change, x)
        product += self._products.by_matrix(T, d)
        product *= 2
        return self._tensors.expand(product)
