"""The Hessian of h^l at a lifted point, on tensors that are symmetric within groups of modes."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import normalised
from lift_compare.sensing.validation import FloatArray

from ..cost import ITEMSIZE, MOST_MODES, MemoryLimitExceeded
from ..eigenpair import search_numbers
from ..multisets import monomials, number
from .groups import (
    GroupedTensor,
    embedding,
    equal_groups,
    groups_flops,
    lengths,
    symmetric_power,
)
from .matrices import PointMatrices, matrices_bytes, matrices_flops

DENSE = 512
"""Up to this many unknowns the Hessian is formed: all of its eigenpairs then take a tenth of a
second or less, and are exact to rounding."""

PRODUCTS, GATHER = 200, 100
"""Products of a search, and multiplications of a matrix product that take as long as one gather
and addition, roughly: they only choose the groups."""

_PYTHON_BYTES = 20_000
_BUFFERED = 3 * 8192  # numbers that numpy buffers in a Kronecker product, at most


@dataclass(frozen=True)
class HessianPlan:
    """How the Hessian is applied, and what that takes; nothing of its size has been allocated.

    Attributes
    ----------
    d, order : int
        Length and number of the modes.
    symmetric : bool
        Over symmetric tensors only, or over all.
    groups : tuple of int
        The modes of each group.
    unknowns : int
        Distinct numbers of a tensor: C(d + l − 1, l) of a symmetric one, those of all groups
        otherwise.
    dense : bool
        Whether the Hessian is formed.
    """

    d: int
    order: int
    symmetric: bool
    groups: tuple[int, ...]
    unknowns: int
    dense: bool

    @property
    def embedded(self) -> bool:
        """Whether symmetric tensors are applied to as ones of several groups."""
        return self.symmetric and len(self.groups) > 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the coefficients."""
        return lengths(self.d, self.groups)

    @property
    def flops(self) -> float:
        """Operations of a search: its products, and the building of the matrices Sym^p."""
        building = sum((self.d * number(self.d, p - 1)) ** 2 for p in set(self.groups) if p > 1)
        return PRODUCTS * 2 * groups_flops(self.d, self.groups) + GATHER * 3.0 * building

    @property
    def largest_product(self) -> float:
        """Multiplications of the largest matrix product of one mode."""
        return float(math.prod(self.shape) * max(self.shape))

    def bytes(self, problem: SensingProblem) -> int:
        """Return the memory of the search for the least eigenpair at its peak."""
        size, d = math.prod(self.shape), self.d
        # Sym^p(N₁) and Sym^p(P) of every group, and the diagonal of N₂'s power.
        kept = sum(2 * number(d, p) ** 2 for p in set(self.groups)) + size
        if self.embedded:
            kept += 2 * size  # positions and weights
        if self.dense:
            search = 2 * size**2 + min(_BUFFERED, 2 * size**2)
        else:
            search = search_numbers(self.unknowns) + 3 * size
        # The way back from the eigenbasis of N₂. A power is built from the one before it, with four
        # arrays of that size on the way. What is built before the search takes less than this.
        largest = max(self.groups)
        basis = sum(number(d, p) ** 2 for p in set(self.groups))
        step = 5 * number(d, largest - 1) ** 2
        # The sum of N_k(d) over k < l; fewer where nothing is embedded, which never decides.
        tables = d * number(d + 1, self.order - 1)
        back = basis + step + tables + 3 * self.unknowns
        return max(ITEMSIZE * (kept + max(search, back)), matrices_bytes(problem)) + _PYTHON_BYTES


def plan(problem: SensingProblem, order: int, symmetric: bool, allowed: int) -> HessianPlan:
    """Return the plan with the fewest operations within the memory limit, or refuse."""
    d = problem.n * problem.rank
    if not symmetric:
        groups = equal_groups(order, min(d, order))
        unknowns = math.prod(lengths(d, groups))
        candidates = [HessianPlan(d, order, False, groups, unknowns, dense=False)]
    else:
        groups, unknowns = (order,), number(d, order)
        candidates = [
            HessianPlan(d, order, True, equal_groups(order, count), unknowns, dense=False)
            for count in range(1, min(order, MOST_MODES - 1) + 1)
        ]
    if unknowns <= DENSE:
        candidates.append(HessianPlan(d, order, symmetric, groups, unknowns, dense=True))
    fitting = [each for each in candidates if each.bytes(problem) <= allowed]
    if not fitting:
        needed = min(each.bytes(problem) for each in candidates)
        what = "symmetric tensors" if symmetric else "all tensors"
        raise MemoryLimitExceeded(needed, allowed, f"order {order}: the Hessian on {what}")
    return min(fitting, key=lambda each: (not each.dense, each.flops))


class KroneckerHessian:
    """2 [N₁^{⊗l} − N₂^{⊗l} + 2 P^{⊗l}] in the units of its matrices, on tensors of a plan.

    In the eigenbasis of N₂ its Kronecker power is diagonal: two chains of mode products remain.

    Parameters
    ----------
    matrices : PointMatrices
        N₁, N₂ and P.
    plan : HessianPlan
        How it is applied.
    """

    def __init__(self, matrices: PointMatrices, plan: HessianPlan) -> None:
        self.plan = plan
        N1, N2, P = matrices.first, matrices.second, matrices.third
        self.is_zero = not (np.any(N1) or np.any(N2) or np.any(P))
        values, Q = np.linalg.eigh(N2)
        self._basis = Q
        rotated = (Q.T @ N1 @ Q, Q.T @ P @ Q)
        self._first, self._third = (self._powers((M + M.T) / 2) for M in rotated)
        self._second = functools.reduce(
            np.multiply.outer, [monomials(values, p) for p in plan.groups]
        )
        if plan.embedded:
            self._positions, self._weights = embedding(plan.d, plan.groups)

    def _powers(self, M: FloatArray) -> list[FloatArray]:
        """Return Sym^p(M) for every group."""
        powers = {p: symmetric_power(M, p) for p in set(self.plan.groups)}
        return [powers[p] for p in self.plan.groups]

    def product(self, vector: FloatArray) -> FloatArray:
        """Return the Hessian times a vector of the unknowns, in the eigenbasis of N₂."""
        v = self._spread(vector)
        image = mode_products(self._third, v)
        image *= 2
        image += mode_products(self._first, v)
        image -= self._second * v
        image *= 2
        return self._gathered(image)

    def matrix(self) -> FloatArray:
        """Return the Hessian on the unknowns, as a matrix."""
        H = np.array(_kron(self._third))
        H *= 2
        H += _kron(self._first)
        H[np.diag_indices(len(H))] -= self._second.reshape(-1)
        H *= 2
        return H

    def tensor(self, vector: FloatArray) -> GroupedTensor:
        """Return the tensor of a vector of the unknowns, in the basis of the problem."""
        plan = self.plan
        back = [power.T for power in self._powers(self._basis)]
        coefficients = self._gathered(mode_products(back, self._spread(vector)))
        if plan.embedded:
            return GroupedTensor(plan.d, (plan.order,), coefficients)
        return GroupedTensor(plan.d, plan.groups, coefficients.reshape(plan.shape))

    def _spread(self, vector: FloatArray) -> FloatArray:
        """Return the coefficients of a vector of the unknowns."""
        if self.plan.embedded:
            vector = np.take(vector, self._positions)
            vector *= self._weights
        return vector.reshape(self.plan.shape)

    def _gathered(self, coefficients: FloatArray) -> FloatArray:
        """Return the unknowns of coefficients, which it may change."""
        flat = coefficients.reshape(-1)
        if not self.plan.embedded:
            return flat
        flat *= self._weights
        return np.asarray(np.bincount(self._positions, flat, self.plan.unknowns))


def _kron(matrices: list[FloatArray]) -> FloatArray:
    """Return the Kronecker product of the matrices."""
    product = matrices[0]
    for M in matrices[1:]:
        product = np.asarray(np.kron(product, M))
    return product


def mode_products(matrices: list[FloatArray], tensor: FloatArray) -> FloatArray:
    """Return the tensor with Mᵀ on every mode, one matrix M a mode."""
    shape = tuple(M.shape[1] for M in matrices)
    for M in matrices:
        # The first mode is contracted, and goes to the end: after all, they stand as before.
        tensor = tensor.reshape(len(M), -1).T @ M
    return tensor.reshape(shape)


def hessian_product_at(
    problem: SensingProblem, X: FloatArray, order: int, direction: FloatArray
) -> FloatArray:
    """Return ∇²h^l(ŵ)[direction] at ŵ = vec(X)^{⊗l}, in the shape of the direction (d,)*l."""
    matrices = PointMatrices.at(problem, X)
    v, unit = normalised(direction)
    image = mode_products([matrices.third] * order, v)
    image *= 2
    image += mode_products([matrices.first] * order, v)
    image -= mode_products([matrices.second] * order, v)
    image *= 2 * matrices.mantissa**order
    return np.ldexp(image, unit + matrices.exponent * order, out=image)


def product_flops(problem: SensingProblem, order: int) -> float:
    """Return the operations of `hessian_product_at`."""
    d = problem.n * problem.rank
    return 3 * groups_flops(d, (1,) * order) + matrices_flops(problem)


def product_bytes(problem: SensingProblem, order: int) -> int:
    """Return the memory of `hessian_product_at`, its result included."""
    tensor: int = ITEMSIZE * (problem.n * problem.rank) ** order
    return max(4 * tensor, matrices_bytes(problem)) + _PYTHON_BYTES
