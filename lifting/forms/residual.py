"""The residual form: measure every mode, keep the m^l residual."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import tensorly as tl
from scipy.linalg import qr

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from ..backends import inner_product
from ..cost import ITEMSIZE, operations
from .contraction import Contraction


class ResidualForm:
    """h^l(w) = ½ ‖A^{⊗l}(⟨P(w), P(w)⟩) − b^{⊗l}‖², the operator contracted into w mode by mode.

    Symmetric n×n matrices have n(n+1)/2 dimensions. Where there are more measurements than that, A
    = Q A′ with orthonormal columns in Q, and ‖A^{⊗l}(·) − b^{⊗l}‖² = ‖A′^{⊗l}(·) − (Qᵀb)^{⊗l}‖² +
    ‖b‖^{2l} − ‖Qᵀb‖^{2l}: the residual never needs more than (n(n+1)/2)^l entries.
    """

    name = "residual"
    symmetric_only = False
    asks_symmetric = False

    def __init__(self, problem: SensingProblem, order: int) -> None:
        n, r = problem.shape
        modes = range(order)
        self._problem, self._order = problem, order
        self._m = m = min(problem.m, n * (n + 1) // 2)

        def label(letter: str) -> list[tuple[str, int]]:
            return [(letter, k) for k in modes]

        # Mode k of the residual is i; two copies of w, with indices (p, s) and (q, s), meet the
        # core A_i[p, q].
        i, p, q, s = label("i"), label("p"), label("q"), label("s")
        sizes: dict[Hashable, int] = {
            **dict.fromkeys(i, m),
            **dict.fromkeys(p + q, n),
            **dict.fromkeys(s, r),
        }
        left = [index for k in modes for index in (p[k], s[k])]
        right = [index for k in modes for index in (q[k], s[k])]
        cores = [(i[k], p[k], q[k]) for k in modes]
        self._measure = Contraction([left, right, *cores], i, sizes)
        self._adjoint = Contraction([i, right, *cores], left, sizes)

        residual_bytes = ITEMSIZE * m**order
        self.flops = self._measure.flops + self._adjoint.flops + 4.0 * m**order
        self.largest_product = max(self._measure.largest_product, self._adjoint.largest_product)
        self.moved_bytes = (
            self._measure.moved_bytes
            + self._adjoint.moved_bytes
            + operations(4 * residual_bytes + 2 * self._adjoint.result_bytes)
        )
        self.calls = self._measure.calls + self._adjoint.calls + 4
        self.gradient_bytes = max(
            self._measure.peak_bytes, residual_bytes + self._adjoint.peak_bytes
        )
        # The residual at w is kept beside the change of it.
        self.hessian_bytes = residual_bytes + self.gradient_bytes + self._adjoint.result_bytes
        self.stored_bytes = residual_bytes + ITEMSIZE * m * n * n
        self.building_bytes = residual_bytes + compression_bytes(problem)

    @staticmethod
    def unfit(problem: SensingProblem, order: int) -> str | None:
        """Return why the form does not apply, or None."""
        return None

    def prepare(self, tensor: Any, index: Any) -> None:
        """Build what is kept between evaluations, from makers of tensors and of positions."""
        A, b, self._outside = compressed(self._problem, self._m, self._order)
        self._cores = [tensor(A)] * self._order
        self._b_power = tl.tenalg.outer([tensor(b)] * self._order)

    def _residual(self, w: Any) -> Any:
        residual = self._measure(w, w, *self._cores)
        residual -= self._b_power
        return residual

    def _half_norm(self, residual: Any) -> Any:
        flat = residual.reshape((-1,))
        return (inner_product(flat, flat) + self._outside) * 0.5

    def value(self, w: Any) -> Any:
        """Return h^l(w)."""
        return self._half_norm(self._residual(w))

    def value_and_gradient(self, w: Any) -> tuple[Any, Any]:
        """Return h^l(w) and ∇h^l(w) = 2 (A*)^{⊗l}(residual) acting on w."""
        residual = self._residual(w)
        value = self._half_norm(residual)
        gradient = self._adjoint(residual, w, *self._cores)
        gradient *= 2
        return value, gradient

    def values_and_gradients(self, tensors: Any) -> tuple[Any, Any]:
        """Return h^l and ∇h^l at k tensors: (k,) and (k, n r, ..., n r)."""
        residuals = self._measure.each([tensors, tensors], self._cores)
        residuals -= self._b_power
        flat = residuals.reshape((len(tensors), -1))
        values = (tl.sum(flat * flat, 1) + self._outside) * 0.5
        gradients = self._adjoint.each([residuals, tensors], self._cores)
        gradients *= 2
        return values, gradients.reshape(tensors.shape)

    def hessian_part(self, w: Any) -> Any:
        """Return the residual."""
        return self._residual(w)

    def hessian_product(self, residual: Any, w: Any, direction: Any) -> Any:
        """Return the derivative of the gradient along a direction, term by term.

        2 (A*)^{⊗l}(residual) on the direction, plus 4 (A*)^{⊗l}(A^{⊗l}(w, direction)) on w.
        """
        product = self._adjoint(residual, direction, *self._cores)
        change = self._measure(w, direction, *self._cores)
        change *= 2
        product += self._adjoint(change, w, *self._cores)
        product *= 2
        return product


def compression_bytes(problem: SensingProblem) -> int:
    """Return the most memory that `compressed` holds at one time, its result included."""
    n, m, pairs = problem.n, problem.m, problem.n * (problem.n + 1) // 2
    if m <= pairs:
        return ITEMSIZE * m * n * n
    # The A_i, their distinct entries, in whose place Q is made, R, A′, and what is left of b.
    return ITEMSIZE * (m * n * n + m * pairs + pairs * pairs + pairs * n * n + 2 * m)


def compressed(problem: SensingProblem, m: int, order: int) -> tuple[FloatArray, FloatArray, float]:
    """Return A′ (m, n, n), Qᵀb and ‖b‖^{2l} − ‖Qᵀb‖^{2l}."""
    A, b = problem.operator.matrices(), problem.measurements
    if m == len(A):
        return A, b, 0.0
    rows, columns = np.triu_indices(problem.n)
    # Fortran order, so that LAPACK works in the matrix itself.
    distinct = A.transpose(1, 2, 0)[rows, columns].T
    Q, R = qr(distinct, overwrite_a=True, mode="economic", check_finite=False)
    small = np.zeros((m, problem.n, problem.n))
    small[:, rows, columns] = small[:, columns, rows] = R
    inside = Q.T @ b
    left_out = float(np.sum((b - Q @ inside) ** 2)) / float(b @ b)
    # ‖b‖^{2l} − (‖b‖² − ‖b − QQᵀb‖²)^l without cancellation.
    # If all of b is left out the logarithm must stay finite.
    left_out = min(left_out, float(np.nextafter(1.0, 0.0)))
    outside = float(b @ b) ** order * -np.expm1(order * np.log1p(-left_out))
    return small, inside, float(outside)
