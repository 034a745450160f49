"""Single-step escape along X̂ + t u_n q_rᵀ, certified by the exact score (docs/theory.md, section 4)."""

from __future__ import annotations

from typing import Any

from lift_compare.sensing import SensingProblem

from .directions import EscapeDirections, escape_directions
from .escape_result import MINIMUM_DECREASE, Attempt, Escape, EscapeReason
from .feasibility import feasibility_score


def single_step_escape(
    problem: SensingProblem,
    X: Any,
    *,
    minimum_decrease: float = MINIMUM_DECREASE,
    directions: EscapeDirections | None = None,
) -> Escape:
    """Step to the lowest point of the line X̂ + t u_n q_rᵀ, if the exact score says that it lies below X̂.

    EFS* > 1 is necessary and sufficient for a decrease on this line, and the best t is a root of
    the quadratic 2 (λ_n + ½ σ_r² e) + 3 σ_r κ t + 2 g t² = 0. No RIP constant is needed. See
    `escape` for the parameters.
    """
    attempt = Attempt.at(problem, X, "single-step", minimum_decrease)
    d = escape_directions(problem, attempt.X) if directions is None else directions
    if not attempt.spurious(d):
        return attempt.failure(
            EscapeReason.NO_NEGATIVE_EIGENVALUE, details=f"λ_n = {d.eigenvalue:.3g}"
        )
    score = feasibility_score(problem, attempt.X, directions=d)
    details = f"EFS* = {score.exact_score:.6g}"
    if score.step == 0:
        return attempt.failure(EscapeReason.SCORE_TOO_LOW, details=details)
    point = attempt.X + score.step * d.visible
    lower, value = attempt.lowers(point)
    if not lower:
        return attempt.failure(
            EscapeReason.NO_DECREASE, details=f"{details}, but h falls by less than asked"
        )
    return attempt.success(point, value, "visible", step=score.step, details=details)
