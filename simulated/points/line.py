"""h along a line of matrices, exactly: a quartic in the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from ..roots import real_roots


@dataclass(frozen=True, eq=False)
class LineQuartic:
    """t ↦ h(X + t D) − h(X), a polynomial of degree 4 without constant term.

    Attributes
    ----------
    coefficients : array (5,)
        Of t⁰ (zero), t, t², t³, t⁴.
    """

    coefficients: FloatArray

    @classmethod
    def along(cls, problem: SensingProblem, X: FloatArray, D: FloatArray) -> LineQuartic:
        """Return the quartic of the line X + t D, for X and D of shape (n, r).

        With the residual y₀ = A(XXᵀ) − b, y₁ = 2 A(XDᵀ) and y₂ = A(DDᵀ),

            h(X + t D) = ½ ‖y₀ + t y₁ + t² y₂‖².
        """
        A = problem.operator
        y0, y1, y2 = problem.residual(X), 2 * A.measure(X, D), A.measure(D, D)
        return cls(np.array([0.0, y0 @ y1, y1 @ y1 / 2 + y0 @ y2, y1 @ y2, y2 @ y2 / 2]))

    def change(self, t: Any) -> Any:
        """Return h(X + t D) − h(X), elementwise in t."""
        _, c1, c2, c3, c4 = self.coefficients
        t = np.asarray(t, dtype=float)
        value = t * (c1 + t * (c2 + t * (c3 + t * c4)))
        return float(value) if value.ndim == 0 else value

    def stationary_steps(self) -> FloatArray:
        """Return the real t where the derivative is zero, ascending."""
        return stationary_points(self.coefficients)

    def lowest(self) -> tuple[float, float]:
        """Return (t, change) at the lowest point of the line; (0, 0) where it lies at t = 0."""
        steps = self.stationary_steps()
        changes = np.atleast_1d(self.change(steps))
        if len(steps) == 0 or not changes.min() < 0:
            return 0.0, 0.0
        best = int(np.argmin(changes))
        return float(steps[best]), float(changes[best])


def stationary_points(coefficients: FloatArray) -> FloatArray:
    """Return the real zeros of the derivative of a polynomial Σ_i coefficients_i tⁱ, ascending."""
    return real_roots(coefficients[1:] * np.arange(1, len(coefficients)))
