"""h along a line of matrices, exactly: a quartic in the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from ..roots import real_roots
from ..signed_log import LOG_2, signed_log, signed_log_sum, to_float


@dataclass(frozen=True, eq=False)
class LineQuartic:
    """t ↦ h(X + t D) − h(X), a polynomial of degree 4 without constant term.

    Attributes
    ----------
    coefficients : array (5,)
        Of t⁰ (zero), t, t², t³, t⁴, for t in units of 2^exponent and h in units of 2^(4 exponent).
    exponent : int
        0 but for problems whose h may leave float64.
    """

    coefficients: FloatArray
    exponent: int = 0

    @classmethod
    def along(cls, problem: SensingProblem, X: FloatArray, D: FloatArray) -> LineQuartic:
        """Return the quartic of the line X + t D, for X and D of shape (n, r).

        With the residual y₀ = A(XXᵀ) − b, y₁ = 2 A(XDᵀ) and y₂ = A(DDᵀ),

            h(X + t D) = ½ ‖y₀ + t y₁ + t² y₂‖².
        """
        A = problem.operator
        with np.errstate(under="ignore"):  # beside larger terms
            y0, y1, y2 = problem.residual(X), 2 * A.measure(X, D), A.measure(D, D)
            return cls(np.array([0.0, y0 @ y1, y1 @ y1 / 2 + y0 @ y2, y1 @ y2, y2 @ y2 / 2]))

    def without_slope(self) -> LineQuartic:
        """Return the line as it is at a stationary X."""
        return LineQuartic(self.coefficients * [0, 0, 1, 1, 1], self.exponent)

    def change(self, t: Any) -> Any:
        """Return h(X + t D) − h(X), elementwise in t; OverflowError if it leaves float64."""
        t = np.asarray(t, dtype=float)
        value = self._plain(np.ldexp(t, -self.exponent))
        with np.errstate(over="ignore", under="ignore"):
            value = np.ldexp(value, 4 * self.exponent)
        in_range = np.isfinite(value) & (np.abs(value) >= np.finfo(np.float64).tiny)
        if not np.all(in_range | (t == 0)):
            # In logarithms, to tell zero from what has underflowed.
            sign, log = signed_log(self.coefficients[1:])
            sign_t, log_t = signed_log(t[..., None])
            powers = np.arange(1, 5)
            log = log + powers * log_t + (4 - powers) * self.exponent * LOG_2
            total = signed_log_sum(sign * sign_t**powers, log)
            value = to_float(*total, "the change of h on the line")
        return float(value) if value.ndim == 0 else value

    def _plain(self, t: FloatArray) -> FloatArray:
        """Return the polynomial at t in its own units, without a check."""
        _, c1, c2, c3, c4 = self.coefficients
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return np.asarray(t * (c1 + t * (c2 + t * (c3 + t * c4))))

    def relative_change(self, t: FloatArray) -> FloatArray:
        """Return the change at each t in units of its largest term at the largest |t|.

        There nothing overflows, so that steps can be compared. All units are powers of two.
        """
        unit = int(np.frexp(np.max(np.abs(t)))[1])
        mantissas, exponents = np.frexp(self.coefficients)
        exponents = exponents + np.arange(5) * (unit - self.exponent)
        largest = np.max(exponents, where=mantissas != 0, initial=-(2**20))
        with np.errstate(under="ignore"):
            scaled = LineQuartic(np.ldexp(mantissas, exponents - largest))
            return scaled._plain(np.ldexp(t, -unit))

    def stationary_steps(self) -> FloatArray:
        """Return the real t where the derivative is zero, ascending."""
        return np.ldexp(stationary_points(self.coefficients), self.exponent)

    def lowest(self) -> float:
        """Return the t of the lowest point of the line; 0 where that is t = 0."""
        steps = self.stationary_steps()
        if len(steps) == 0:
            return 0.0
        changes = self.relative_change(steps)
        return float(steps[np.argmin(changes)]) if np.min(changes) < 0 else 0.0


def stationary_points(coefficients: FloatArray) -> FloatArray:
    """Return the real zeros of the derivative of a polynomial Σ_i coefficients_i tⁱ, ascending."""
    # In units of a power of two, so that the multiples stay in range.
    exponent = np.max(np.frexp(coefficients)[1])
    with np.errstate(under="ignore"):
        scaled = np.ldexp(coefficients, -exponent)
    return real_roots(scaled[1:] * np.arange(1, len(coefficients)))
