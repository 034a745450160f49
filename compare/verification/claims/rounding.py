"""How much rounding may leave of numbers whose terms cancel, from the sizes of the terms.

A sum is exact to ε times its length times the sum of the magnitudes of its terms. The terms here
are bounded by norms: ‖A(M)‖ ≤ ‖A‖ ‖M‖, ‖A^{⊗l}(⟨P(w), P(w)⟩)‖ ≤ ‖A‖^l ‖w‖². They do not cancel,
however small A(X̂X̂ᵀ), b or h(X̂) are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from ...tolerances import LARGEST_TERM, SMALLEST_TERM

_POWER_STEPS = 30  # of the norm of A, which needs no more than a digit


class OutOfRange(Exception):  # noqa: N818 - it ends the check of one claim
    """A number that a claim needs does not fit into float64; the message says which."""


def in_range(number: float, what: str) -> float:
    """Return a positive number that neither overflows nor underflows, or say what does."""
    if not SMALLEST_TERM < number < LARGEST_TERM:
        raise OutOfRange(f"{what} is {number:.3g}")
    return number


@dataclass(frozen=True)
class Rounding:
    """Sizes of the terms at a point X̂, and what rounding leaves of their sums.

    Attributes
    ----------
    unit : float
        ε times the length of the sums of one evaluation, n² + m + n r, on either side of a
        comparison; powers by way of logarithms add the size of these.
    operator, point, measurements : float
        ‖A‖ on symmetric matrices, ‖X̂‖ and ‖b‖.
    order : int
        The lifting order l.
    """

    unit: float
    operator: float
    point: float
    measurements: float
    order: int

    @classmethod
    def of(cls, problem: SensingProblem, X: FloatArray, order: int) -> Rounding:
        """Return the sizes at X."""
        n, m = problem.n, problem.m
        sizes = (operator_norm(problem), size(X), size(problem.measurements))
        with np.errstate(divide="ignore"):
            logs = float(np.sum(np.abs(np.log(sizes))))
        unit = 2 * float(np.finfo(float).eps) * (n * n + m + X.size + 4 * logs)
        return cls(unit, *sizes, order)

    # Matrix space --------------------------------------------------------------------------------

    def residual(self, norm: float | FloatArray | None = None) -> float | FloatArray:
        """Return the rounding of A(XXᵀ) − b for ‖X‖ = norm, by default at X̂."""
        length = self.point if norm is None else norm
        return self.unit * (self.operator * length**2 + self.measurements)

    @property
    def landscape(self) -> float:
        """Rounding of G(X̂) = A*(A(X̂X̂ᵀ) − b), and of its eigenvalues."""
        return float(self.operator * self.residual())

    def objective(self, h: float, norm: float) -> float:
        """Return the rounding of a value h(X) = ½ ‖A(XXᵀ) − b‖² at ‖X‖ = norm."""
        error = float(self.residual(norm))
        return float(np.sqrt(2 * h)) * error + error**2 + self.unit * h

    # The lift, at a tensor of a given norm -------------------------------------------------------

    def value(self, norm: float, order: int | None = None) -> float:
        """Return the rounding of h^l(w) at ‖w‖ = norm."""
        l = self.order if order is None else order  # noqa: E741 - the letter of the theory
        return in_range(l * self.unit * self._terms(norm, l) ** 2 / 2, "the rounding of h^l")

    def gradient(self, norm: float, order: int | None = None) -> float:
        """Return the rounding of ∇h^l(w), as a norm."""
        l = self.order if order is None else order  # noqa: E741
        total = 2 * l * self.unit * self.operator**l * self._terms(norm, l) * norm
        return in_range(total, "the rounding of ∇h^l")

    def hessian(self, norm: float, order: int | None = None) -> float:
        """Return the rounding of ∇²h^l(w)[d] for a unit d, as a norm."""
        l = self.order if order is None else order  # noqa: E741
        residual, crossed = 2 * self._terms(norm, l), 4 * self.operator**l * norm**2
        total = l * self.unit * self.operator**l * (residual + crossed)
        return in_range(total, "the rounding of ∇²h^l")

    def _terms(self, norm: float, order: int) -> float:
        """Return ‖A‖^l ‖w‖² + ‖b‖^l, which bounds both terms of the residual."""
        return self.operator**order * norm**2 + self.measurements**order

    # The range of float64 ------------------------------------------------------------------------

    def beyond_range(self) -> str:
        """Return what of h and its derivatives leaves float64 when it is squared, or ''."""
        with np.errstate(divide="ignore"):
            A, x, b = np.log10([self.operator, self.point, self.measurements])
        residual = max(A + 2 * x, b)
        terms = {"‖b‖²": 2 * b, "h(X̂)": 2 * residual, "‖∇h(X̂)‖²": 2 * (A + residual + x)}
        terms |= {"‖∇²h(X̂)‖²": 2 * (A + residual), "‖A*A‖²": 4 * A}
        for name, log in terms.items():
            if not np.log10(SMALLEST_TERM) < log < np.log10(LARGEST_TERM):
                return f"{name} is about 1e{log:.0f}" if np.isfinite(log) else f"{name} is lost"
        return ""

    def powers_beyond_range(self) -> str:
        """Return what of h^l and its derivatives leaves float64, or ''."""
        A, x, b = (self.order * np.log10([self.operator, self.point, self.measurements])).tolist()
        residual = max(A + 2 * x, b)
        terms = {"‖ŵ‖²": 2 * x, "‖b‖^{2l}": 2 * b, "h^l(ŵ)": 2 * residual}
        terms |= {"‖∇h^l(ŵ)‖²": 2 * (A + residual + x), "‖∇²h^l(ŵ)‖²": 2 * (A + residual)}
        # The hidden generator is A*A(E₀)X̂.
        terms |= {"‖hidden‖^{2l}": 2 * (2 * A + x), "the quartic": 2 * A + 4 * max(x, 2 * A + x)}
        for name, log in terms.items():
            if not np.log10(SMALLEST_TERM) < log < np.log10(LARGEST_TERM):
                return f"{name} is about 1e{log:.0f}"
        return ""


def operator_norm(problem: SensingProblem) -> float:
    """Return ‖A‖ on symmetric matrices, to a digit, by a power iteration on A*A."""
    A, eye = problem.operator, np.eye(problem.n)
    noise = np.random.default_rng(0).standard_normal(eye.shape)
    M, norm = noise + noise.T, 0.0
    for _ in range(_POWER_STEPS):
        M = M / size(M)
        y = A.measure(M, eye)
        norm = size(y)
        if not 0 < norm < np.inf:
            break
        M = A.adjoint_matmul(y / norm, eye)
        M = M / size(M)
        M = (M + M.T) / 2
    return norm


def size(array: FloatArray | float) -> float:
    """Return the norm of all numbers of an array; the squares of its entries may leave float64."""
    entries = np.ravel(array)
    largest = float(np.max(np.abs(entries), initial=0.0))
    if not 0 < largest < np.inf:
        return largest
    return largest * float(np.linalg.norm(entries / largest))
