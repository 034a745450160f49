"""The three matrices whose Kronecker powers are the lifted Hessian at a point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lift_compare.sensing import DenseOperator, EntrywiseOperator, RankOneOperator, SensingProblem
from lift_compare.sensing.floats import finite, normalised
from lift_compare.sensing.operators import unchecked_products
from lift_compare.sensing.validation import FloatArray, OutOfRange

from ..cost import ITEMSIZE

BLOCK_NUMBERS = 2**17  # of one block of B's columns while P is formed: 1 MB


@dataclass(frozen=True)
class PointMatrices:
    """N₁, N₂ and P at a point X, divided by one common unit (docs/theory.md, section 10).

    With ŵ = vec(X)^{⊗l} and vec by rows, as `LiftedProblem.lift` has it,

        ∇²h^l(ŵ) = 2 [N₁^{⊗l} − N₂^{⊗l} + 2 P^{⊗l}]
        N₁ = A*A(XXᵀ) ⊗ I_r    N₂ = A*(b) ⊗ I_r    P = BᵀB,  B(V)_i = ⟨A_i, X Vᵀ⟩

    for every X, stationary or not, and every odd l.

    Attributes
    ----------
    first, second, third : array (d, d)
        N₁, N₂ and P in units of mantissa · 2^exponent: the largest of their spectral norms is one
        (or all are zero), so that their l-th powers stay in float64 at every order.
    mantissa, exponent : float, int
        The unit; the mantissa is at least ½ and less than one.
    """

    first: FloatArray
    second: FloatArray
    third: FloatArray
    mantissa: float
    exponent: int

    @classmethod
    def at(cls, problem: SensingProblem, X: FloatArray) -> PointMatrices:
        """Return the matrices at X; OverflowError where the operator's own products overflow."""
        measure, adjoint = unchecked_products(problem.operator)
        identity, columns = np.eye(problem.n), np.eye(problem.rank)
        X, size = normalised(X)

        def matrix(y: FloatArray) -> tuple[FloatArray, int]:
            """A*(y) ⊗ I_r and its power of two."""
            y, unit = normalised(y)
            adjoint_y, own = normalised(finite("X: A*(y)", adjoint(y, identity)))
            return np.asarray(np.kron((adjoint_y + adjoint_y.T) / 2, columns)), unit + own

        first, first_unit = matrix(finite("X: A(XXᵀ)", measure(X, X)))
        second, second_unit = matrix(problem.measurements)
        third, third_unit = _gram(problem, X)
        units = [first_unit + 2 * size, second_unit, third_unit + 2 * size]
        norms = [float(np.abs(np.linalg.eigvalsh(M)).max()) for M in (first, second, third)]
        logs = [
            math.log2(norm) + unit if norm > 0 else -math.inf
            for norm, unit in zip(norms, units, strict=True)
        ]
        largest = int(np.argmax(logs))
        mantissa, own = math.frexp(norms[largest]) if norms[largest] > 0 else (0.5, 0)
        exponent = units[largest] + own
        scaled = [
            np.ldexp(M, unit - exponent) / mantissa
            for M, unit in zip((first, second, third), units, strict=True)
        ]
        return cls(scaled[0], scaled[1], scaled[2], mantissa, exponent)

    def in_units_of_data(
        self, value: float, order: int, what: str, *, small_is_zero: bool = False
    ) -> float:
        """Return value · unit^l; OverflowError where that is beyond float64, or lost below it."""
        fraction, power = math.frexp(value)
        # mantissa^l is at least 2^−1001: a float64 with all its digits.
        result = float(np.ldexp(fraction * self.mantissa**order, power + self.exponent * order))
        lost = value != 0 and abs(result) < np.finfo(float).tiny and not small_is_zero
        if lost or not math.isfinite(result):
            raise OutOfRange(f"{what} leaves the range of float64 (1e-308 to 1.8e308)")
        return result


def _gram(problem: SensingProblem, X: FloatArray) -> tuple[FloatArray, int]:
    """Return P = BᵀB, column by column as A*(A(X Vᵀ)) X over the unit matrices V, and its unit."""
    measure, adjoint = unchecked_products(problem.operator)
    n, r = X.shape
    parts, units = [], []
    for block in np.array_split(np.arange(n * r), math.ceil(n * r / _block(problem))):
        V = np.zeros((len(block), n * r))
        V[np.arange(len(block)), block] = 1.0
        y, unit = normalised(finite("X: A(XVᵀ)", measure(X, V.reshape(-1, n, r))))
        part, own = normalised(finite("X: A*(A(XVᵀ)) X", adjoint(y, X)))
        parts.append(part.reshape(len(block), -1))
        units.append(unit + own)
    largest = max(units)
    P = np.concatenate(
        [np.ldexp(part, unit - largest) for part, unit in zip(parts, units, strict=True)]
    )
    return (P + P.T) / 2, largest


def _block(problem: SensingProblem) -> int:
    """Return how many columns of B are measured at once."""
    return max(1, BLOCK_NUMBERS // (problem.n**2 + problem.m * problem.rank))


def matrices_bytes(problem: SensingProblem) -> int:
    """Return the memory that `PointMatrices.at` takes at its peak."""
    n, r, m = problem.n, problem.rank, problem.m
    d = n * r
    block = min(d, _block(problem))
    return ITEMSIZE * max(8 * d * d, 3 * d * d + block * (n * n + 2 * m * r + 2 * d))


def matrices_flops(problem: SensingProblem) -> float:
    """Return the operations of `PointMatrices.at`: some d products of the operator."""
    n, r, m = problem.n, problem.rank, problem.m
    kinds: dict[type, int] = {
        EntrywiseOperator: 4 * m * r,
        RankOneOperator: 4 * m * n * r,
        DenseOperator: 2 * m * n * n,
    }
    product = kinds.get(type(problem.operator), 2 * m * n * n)
    return 2.0 * (n * r + 2) * product + 30.0 * (n * r) ** 3
