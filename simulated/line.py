"""h along a line of matrices, exactly: a quartic in the step."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray


class LineQuartic:
    """t ↦ h(X + t D) − h(X), a polynomial of degree 4 without constant term.

    With the residual y₀ = A(XXᵀ) − b, y₁ = 2 A(XDᵀ) and y₂ = A(DDᵀ),

        h(X + t D) = ½ ‖y₀ + t y₁ + t² y₂‖².

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X, D : array (n, r)
        Point and direction.

    Attributes
    ----------
    coefficients : array (5,)
        Of t⁰ (zero), t, t², t³, t⁴.
    """

    def __init__(self, problem: SensingProblem, X: FloatArray, D: FloatArray) -> None:
        A = problem.operator
        y0, y1, y2 = problem.residual(X), 2 * A.measure(X, D), A.measure(D, D)
        self.coefficients = np.array([0.0, y0 @ y1, y1 @ y1 / 2 + y0 @ y2, y1 @ y2, y2 @ y2 / 2])

    def change(self, t: Any) -> FloatArray:
        """Return h(X + t D) − h(X), elementwise in t."""
        _, c1, c2, c3, c4 = self.coefficients
        t = np.asarray(t, dtype=float)
        return np.asarray(t * (c1 + t * (c2 + t * (c3 + t * c4))))

    def stationary_steps(self) -> FloatArray:
        """Return the real t where the derivative is zero, ascending."""
        return stationary_points(self.coefficients)


def stationary_points(coefficients: FloatArray) -> FloatArray:
    """Return the real zeros of the derivative of a quartic Σ_i coefficients_i tⁱ, ascending.

    t is first scaled so that the terms are of like size; zeros too far out for that in float64 are
    left out. A pair of zeros that rounding has split into a complex pair is returned as its real
    part.
    """
    derivative = coefficients[1:] * np.arange(1, len(coefficients))
    used = np.flatnonzero(derivative)
    if len(used) < 2:
        return np.zeros(0) if len(used) == 0 or used[0] == 0 else np.zeros(1)
    first, last = used[0], used[-1]
    with np.errstate(over="ignore", invalid="ignore"):
        scale = (abs(derivative[first]) / abs(derivative[last])) ** (1 / (last - first))
        scaled = derivative * scale ** np.arange(len(derivative))
    if not np.all(np.isfinite(scaled)):
        return np.zeros(0)
    roots = np.roots(scaled[::-1])
    real = np.abs(roots.imag) <= 1e-7 * np.abs(roots)
    return np.asarray(np.sort(roots[real].real) * scale)
