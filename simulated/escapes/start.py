"""Where an escape starts from, and what every method does with its candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import NEGATIVE_EIGENVALUE
from lift_compare.sensing.validation import FloatArray

from ..points.directions import EscapeDirections
from .result import Escape, EscapeReason


@dataclass(frozen=True, eq=False)
class Start:
    """The stationary point that an escape starts from.

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
    """

    problem: SensingProblem
    X: FloatArray
    directions: EscapeDirections
    method: str
    objective: float
    threshold: float

    @classmethod
    def at(
        cls,
        problem: SensingProblem,
        X: FloatArray,
        directions: EscapeDirections,
        method: str,
        minimum_decrease: float,
    ) -> Start:
        """Evaluate h(X̂), and what decrease of it counts."""
        value = float(problem.objective(X))
        # Rounding of h is about eps · ‖A(XXᵀ)‖ ‖residual‖; below it a decrease means nothing.
        measured, b = problem.operator.measure(X, X), problem.measurements
        size = float(np.linalg.norm(measured)) + float(np.linalg.norm(b))
        rounding = 8 * np.finfo(float).eps * size * np.sqrt(2 * value)
        threshold = max(minimum_decrease * value, rounding)
        return cls(problem, X, directions, method, value, threshold)

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
        with np.errstate(over="ignore", invalid="ignore"):
            value = float(self.problem.objective(point))
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
        return Escape(
            found=found,
            reason=reason,
            point=point,
            method=self.method,
            objective_before=self.objective,
            objective_after=value,
            **fields,
        )
