"""h^l, ∇h^l and ∇²h^l as section 2 defines them, for small tensors, without `lifting`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare import lifting
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

_LARGEST = 2**20  # numbers of a residual, or of ⟨P(w), P(w)⟩


@dataclass(frozen=True, eq=False)
class Evaluation:
    """h^l(w), the same beside the gradient, ∇h^l(w) and ∇²h^l(w)[d]."""

    value: float
    value_too: float
    gradient: FloatArray
    product: FloatArray


def is_small(problem: SensingProblem, order: int) -> bool:
    """Return whether the definition can be evaluated in a moment."""
    largest: int = max(problem.n**2, problem.m) ** order
    return largest <= _LARGEST


def by_definition(problem: SensingProblem, order: int, w: FloatArray, d: FloatArray) -> Evaluation:
    """Return h^l and its derivatives, with A^{⊗l} applied to the pairs (p_k, q_k) one by one."""
    n, r = problem.shape
    A, b = problem.operator.matrices().reshape(problem.m, n * n), problem.measurements

    def split(tensor: FloatArray) -> FloatArray:
        """P: the l indices of n before those of r, as a matrix."""
        axes = [*range(0, 2 * order, 2), *range(1, 2 * order, 2)]
        return tensor.reshape((n, r) * order).transpose(axes).reshape(n**order, r**order)

    def joined(matrix: FloatArray) -> FloatArray:
        """The inverse of P."""
        axes = [axis for k in range(order) for axis in (k, order + k)]
        return matrix.reshape((n,) * order + (r,) * order).transpose(axes).reshape(w.shape)

    def measured(M: FloatArray) -> FloatArray:
        axes = [axis for k in range(order) for axis in (k, order + k)]
        T = M.reshape((n,) * (2 * order)).transpose(axes).reshape((n * n,) * order)
        for _ in range(order):  # the first mode is summed, its result comes last
            T = np.tensordot(T, A, axes=(0, 1))
        return T

    def adjoint(y: FloatArray) -> FloatArray:
        for _ in range(order):
            y = np.tensordot(y, A, axes=(0, 0))
        axes = [*range(0, 2 * order, 2), *range(1, 2 * order, 2)]
        return y.reshape((n,) * (2 * order)).transpose(axes).reshape(n**order, n**order)

    W, D = split(w), split(d)
    power = b
    for _ in range(order - 1):
        power = np.multiply.outer(power, b)
    residual = measured(W @ W.T) - power
    value = 0.5 * float(np.sum(residual**2))
    G = adjoint(residual)
    change = adjoint(measured(W @ D.T + D @ W.T))
    return Evaluation(value, value, joined(2 * G @ W), joined(2 * G @ D + 2 * change @ W))


def by_form(lifted: lifting.LiftedProblem, w: FloatArray, d: FloatArray) -> Evaluation:
    """Return the same as a form of `lifting` computes it."""
    value_too, gradient = lifted.value_and_gradient(w)
    product = np.asarray(lifted.hessian_product(w, d))
    return Evaluation(float(lifted.value(w)), value_too, np.asarray(gradient), product)
