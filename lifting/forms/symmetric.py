"""The symmetric forms: the residual, or the pairs of A*A, in distinct entries."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing import EntrywiseOperator, SensingProblem
from lift_compare.sensing.validation import FloatArray

from ..cost import ITEMSIZE
from ..multisets import monomials, multiplicities, number
from .distinct import DistinctForm, Power
from .entrywise import squared_weights
from .residual import compressed, compression_bytes
from .symmetric_power import DiagonalPower, along, symmetric_power


class SymmetricForm(DistinctForm):
    """f(G) = ½ ‖A^{⊗l}(G) − b^{⊗l}‖², whose residual R is symmetric too; T = (A*)^{⊗l}(R).

    A sum of squares, which does not cancel near h^l = 0.
    """

    name = "symmetric"

    def __init__(self, problem: SensingProblem, order: int) -> None:
        super().__init__(problem, order)
        n = problem.n
        self._m = m = min(problem.m, self._pairs)
        self._measure = symmetric_power(m, self._pairs, order)
        self._adjoint = symmetric_power(self._pairs, m, order)
        residual = ITEMSIZE * number(m, order)
        powers = [self._measure, self._adjoint]
        self._count(powers, max(self._measure.peak_bytes, residual + self._adjoint.peak_bytes))
        self.flops += 4.0 * number(m, order)
        self.stored_bytes = (
            self._tensors.stored_bytes
            + self._products.stored_bytes
            + self._measure.stored_bytes
            + self._adjoint.stored_bytes
            + 2 * residual
        )
        self.building_bytes = max(
            compression_bytes(problem),
            ITEMSIZE * m * (n * n + 2 * self._pairs),  # the A_i, and their distinct entries
            ITEMSIZE * m * self._pairs  # these, beside what is built of them
            + self.stored_bytes
            + building(self._products, self._measure, self._adjoint),
        )

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        return None

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        A, b, self._outside = compressed(self._problem, self._m, self._order)
        A = packed(A)
        self._tensors.prepare(index)
        self._products.prepare(tensor, index)
        self._measure.prepare(A, tensor, index)
        self._adjoint.prepare(np.ascontiguousarray(A.T), tensor, index)
        self._b_power = tensor(monomials(b, self._order))
        self._orders = tensor(multiplicities(self._m, self._order))

    def _residual(self, G: Any) -> Any:
        R = self._measure(G)
        R -= along(self._b_power, R)
        return R

    def _half_norm(self, R: Any) -> Any:
        return (tl.sum(along(self._orders, R) * R * R, 0) + self._outside) * 0.5

    def _value(self, G: Any) -> Any:
        return self._half_norm(self._residual(G))

    def _value_and_T(self, G: Any) -> tuple[Any, Any]:
        R = self._residual(G)
        return self._half_norm(R), self._adjoint(R)

    def _normal(self, G: Any) -> Any:
        return self._adjoint(self._measure(G))


class SymmetricPairsForm(DistinctForm):
    """f(G) = ½ (⟨G, N^{⊗l}(G)⟩ − 2 ⟨G, (A*(b))^{⊗l}⟩ + ‖b‖^{2l}), with N = A*A over pairs {p, q}.

    Each A_i is symmetric: N is a matrix of n(n+1)/2 rows, whatever m is, and acts once on every
    mode, where the residual needs A and A*. For an operator that weighs single entries N is
    diagonal, and N^{⊗l} a product with numbers. Near h^l = 0 the terms of the value cancel: its
    absolute error is of the order of 1e-16 ‖b‖^{2l}.
    """

    name = "symmetric-pairs"

    def __init__(self, problem: SensingProblem, order: int) -> None:
        super().__init__(problem, order)
        self._is_diagonal = isinstance(problem.operator, EntrywiseOperator)
        self._power: Power = (
            DiagonalPower(self._pairs, order)
            if self._is_diagonal
            else symmetric_power(self._pairs, self._pairs, order)
        )
        # Beside G: what N^{⊗l} takes, then T with what the sum of the value is made from.
        self._count([self._power], max(self._power.peak_bytes, 3 * self._pairs_bytes))
        self.flops += 6.0 * number(self._pairs, order)
        self.stored_bytes = (
            self._tensors.stored_bytes
            + self._products.stored_bytes
            + self._power.stored_bytes
            + 2 * self._pairs_bytes
        )
        self.building_bytes = self.stored_bytes + building(self._products, self._power)
        if not self._is_diagonal:  # the A_i, their distinct entries, and N
            n, m = problem.n, problem.m
            matrices = ITEMSIZE * (m * n * n + m * self._pairs + self._pairs**2)
            self.building_bytes = max(matrices, self.building_bytes)

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        return None

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        operator, b = self._problem.operator, self._problem.measurements
        if isinstance(operator, EntrywiseOperator):
            n = self._problem.n
            # Of D ∘ sym(M) off the diagonal, M[p, q] and M[q, p] have a half each.
            N = packed(squared_weights(operator) * (1 + np.eye(n)) / 2)
            linear = packed(operator.adjoint_matmul(b, np.eye(n)))
        else:
            A = packed(operator.matrices())
            N, linear = A.T @ A, A.T @ b
        self._tensors.prepare(index)
        self._products.prepare(tensor, index)
        self._power.prepare(N, tensor, index)
        self._linear = tensor(monomials(linear, self._order))
        self._orders = tensor(multiplicities(self._pairs, self._order))
        self._b_norm = float(b @ b) ** self._order

    def _value(self, G: Any) -> Any:
        return self._value_and_T(G)[0]

    def _value_and_T(self, G: Any) -> tuple[Any, Any]:
        T = self._power(G)
        T -= along(self._linear, T)
        # ⟨G, N(G) − A*(b)⟩ − ⟨G, A*(b)⟩, each a sum over distinct entries.
        G *= along(self._orders, G)
        value = (tl.sum(G * (T - along(self._linear, T)), 0) + self._b_norm) * 0.5
        return value, T

    def _normal(self, G: Any) -> Any:
        return self._power(G)


def building(*parts: Any) -> int:
    """Return what building takes beside what is kept: the parts are built one after the other."""
    return int(max(part.building_bytes - part.stored_bytes for part in parts))


def packed(A: FloatArray) -> FloatArray:
    """Return the distinct entries of symmetric matrices, (..., n(n+1)/2)."""
    rows, columns = np.triu_indices(A.shape[-1])
    return np.ascontiguousarray(A[..., rows, columns])
