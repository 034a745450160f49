"""What an escape attempt found, and why it did not find more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, positive

from .directions import EscapeDirections

MINIMUM_DECREASE = 1e-6
"""Least decrease of h that counts as an escape, relative to h(X̂): a smaller one may be mere leftover descent."""


class EscapeReason(Enum):
    """Why an escape attempt ended as it did."""

    FOUND = "h is strictly lower at the escape point"
    NO_NEGATIVE_EIGENVALUE = (
        "the landscape matrix has no negative eigenvalue: no PSD matrix of any rank lies lower"
    )
    NO_SADDLE_ORDER = "no order up to the largest makes the lifted point a strict saddle along the visible direction"
    NO_SADDLE = (
        "at the given order the lifted point is no strict saddle along the visible direction"
    )
    NO_DECREASE = "no candidate lowers h"
    SCORE_TOO_LOW = (
        "the exact score is at most 1: h falls nowhere on the line along the visible direction"
    )
    RULE_NOT_MET = "the acceptance rule rejects the collapse of the truncated state"
    OUT_OF_RANGE = "a coefficient of the truncated path leaves float64 within the steps"


@dataclass(frozen=True, repr=False)
class Escape:
    """Result of an escape attempt at X̂. `found` implies h(X̌) < h(X̂) strictly.

    Attributes
    ----------
    found : bool
        Whether a point with a lower h was found.
    reason : EscapeReason
        FOUND, or why not.
    point : array (n, r)
        X̌ if found, else X̂.
    method : str
        "exact", "truncated", "single-step" or "line-search".
    order : int or None
        Lifting order l of the accepted point, or the last one tried; None for the methods without one.
    kind : str or None
        Which direction X̌ comes from. For "truncated", "beta" (visible) or "gamma" (hidden). For the line methods
        "visible" or "hidden". For "exact" the generator that X̌ is nearest to in angle, "base", "visible" or "hidden".
    objective_before, objective_after : float
        h(X̂) and h(point).
    details : str
        One sentence on how the point was reached, or on what was tried.
    step : float or None
        t of X̌ = X̂ + t D for the line methods, with D of unit norm.
    generators, coefficients : arrays (k, n, r) and (k,), or None
        The lifted state Σ c_j vec(X_j)^{⊗l} whose collapse X̌ is, for "exact" and "truncated".
    """

    found: bool
    reason: EscapeReason
    point: FloatArray
    method: str
    order: int | None
    kind: str | None
    objective_before: float
    objective_after: float
    details: str = ""
    step: float | None = None
    generators: FloatArray | None = None
    coefficients: FloatArray | None = None

    def __repr__(self) -> str:
        order = "" if self.order is None else f", order {self.order}"
        if not self.found:
            verdict = f"not found: {self.reason.value}"
        else:
            verdict = f"{self.kind}, h: {self.objective_before:.6g} -> {self.objective_after:.6g}"
        return (
            f"Escape({self.method}{order}; {verdict}{'; ' + self.details if self.details else ''})"
        )


@dataclass(frozen=True)
class Attempt:
    """The point an escape starts from, and what every method must do with its candidates."""

    problem: SensingProblem
    X: FloatArray
    method: str
    objective: float
    threshold: float

    @classmethod
    def at(cls, problem: SensingProblem, X: Any, method: str, minimum_decrease: float) -> Attempt:
        """Check X and the least relative decrease, and evaluate h(X)."""
        X = problem.factor("X", X)
        least = positive("minimum_decrease", minimum_decrease, or_zero=True)
        if least >= 1:
            raise ValueError(f"minimum_decrease: expected a fraction of h(X) below 1, got {least}")
        value = float(problem.objective(X))
        # Rounding of h is about eps · ‖A(XXᵀ)‖ ‖residual‖; below it a decrease means nothing.
        size = float(np.linalg.norm(problem.operator.measure(X, X))) + float(
            np.linalg.norm(problem.measurements)
        )
        rounding = 8 * np.finfo(float).eps * size * np.sqrt(2 * value)
        return cls(problem, X, method, value, max(least * value, rounding))

    def spurious(self, directions: EscapeDirections) -> bool:
        """Whether λ_n is negative beyond rounding: f is convex, so f(M) ≥ f(X̂X̂ᵀ) + λ_n tr(M) for all PSD M."""
        u = directions.u[:, None]
        along = self.problem.operator.measure(u, u)
        pull = float(along @ self.problem.operator.measure(self.X, self.X))
        return directions.eigenvalue < -1e-12 * (
            abs(pull) + abs(float(along @ self.problem.measurements))
        )

    def lowers(self, point: FloatArray) -> tuple[bool, float]:
        """Return whether h falls by enough at the point, and h there (inf where it overflows)."""
        with np.errstate(over="ignore", invalid="ignore"):
            value = float(self.problem.objective(point))
        value = value if np.isfinite(value) else np.inf
        return value < self.objective - self.threshold, value

    def success(self, point: FloatArray, value: float, kind: str, **more: Any) -> Escape:
        """Return the escape to a point with a lower h."""
        return Escape(
            True,
            EscapeReason.FOUND,
            point,
            self.method,
            more.pop("order", None),
            kind,
            self.objective,
            value,
            **more,
        )

    def failure(self, reason: EscapeReason, **more: Any) -> Escape:
        """Return the escape that was not found."""
        order, kind = more.pop("order", None), more.pop("kind", None)
        return Escape(
            False, reason, self.X, self.method, order, kind, self.objective, self.objective, **more
        )
