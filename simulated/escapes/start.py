"""Where an escape starts from, and what every method does with its candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import NEGATIVE_EIGENVALUE
from lift_compare.sensing.validation import FloatArray

from ..points.directions import EscapeDirections
from ..points.unit_scale import in_given_units
from .result import Escape, EscapeReason


@dataclass(frozen=True, eq=False)
class Start:
    """The stationary point that an escape starts from.

    What underflows or overflows here signals nothing: `escape` has told numpy so.

    Attributes
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        X̂.
    directions : EscapeDirections
        The directions at X̂.
    method : str
        Name of the method.
    objective : float
        h(X̂).
    threshold : float
        Decrease of h that counts.
    exponent : int
        All of these are in units in which the X̂ that was given is X̂ 2^exponent (`at_unit_scale`).
    """

    problem: SensingProblem
    X: FloatArray
    directions: EscapeDirections
    method: str
    objective: float
    threshold: float
    exponent: int

    @classmethod
    def at(
        cls,
        problem: SensingProblem,
        X: FloatArray,
        directions: EscapeDirections,
        method: str,
        minimum_decrease: float,
        exponent: int,
    ) -> Start:
        """Evaluate h(X̂), and what decrease of it counts; OverflowError if h leaves float64."""
        value = float(problem.objective(X))
        # Rounding of h is about eps · ‖A(XXᵀ)‖ ‖residual‖; below it a decrease means nothing.
        measured, b = problem.operator.measure(X, X), problem.measurements
        size = float(np.linalg.norm(measured)) + float(np.linalg.norm(b))
        rounding = 8 * np.finfo(float).eps * size * np.sqrt(2 * value)
        largest = max(value, problem.objective_at_zero)
        in_given_units(largest, 4 * exponent, "h(X)")
        threshold = max(minimum_decrease * value, rounding)
        return cls(problem, X, directions, method, value, threshold, exponent)

    @property
    def spurious(self) -> bool:
        """Whether λ_n is negative beyond rounding.

        If it is not, X̂ is the best there is: f is convex, so f(M) ≥ f(X̂X̂ᵀ) + λ_n tr(M) for all
        PSD M.
        """
        u, measure = self.directions.u[:, None], self.problem.operator.measure
        along = measure(u, u)
        # The two terms of λ_n, which cancel at the truth.
        terms = (along @ measure(self.X, self.X), along @ self.problem.measurements)
        size = sum(abs(float(term)) for term in terms)
        return self.directions.eigenvalue < -NEGATIVE_EIGENVALUE * size

    def lowers(self, point: FloatArray) -> tuple[bool, float]:
        """Return whether h falls by enough at the point, and h there (inf where it overflows)."""
        value = float(self.problem.objective_or_inf(point))
        value = value if np.isfinite(value) else np.inf
        return value < self.objective - self.threshold, value

    def success(self, point: FloatArray, value: float, kind: str, **more: Any) -> Escape:
        """Return the escape to a point with a lower h."""
        return self._escape(True, EscapeReason.FOUND, point, value, kind=kind, **more)

    def failure(self, reason: EscapeReason, **more: Any) -> Escape:
        """Return the escape that was not found."""
        return self._escape(False, reason, self.X, self.objective, **more)

    def _escape(
        self, found: bool, reason: EscapeReason, point: FloatArray, value: float, **more: Any
    ) -> Escape:
        fields = {"order": None, "kind": None, **more}
        e = self.exponent
        if fields.get("step") is not None:
            fields["step"] = float(np.ldexp(fields["step"], e))
        if fields.get("generators") is not None:
            fields["generators"] = np.ldexp(fields["generators"], e)
        return Escape(
            found=found,
            reason=reason,
            point=np.ldexp(point, e),
            method=self.method,
            objective_before=float(np.ldexp(self.objective, 4 * e)),
            objective_after=float(np.ldexp(value, 4 * e)),
            **fields,
        )
