"""Single-step escape along X̂ + t u_n q_rᵀ, certified by the exact score (theory, section 4)."""

from __future__ import annotations

from dataclasses import dataclass

from ..points.feasibility import feasibility_score
from .result import Escape, EscapeReason
from .start import Start


@dataclass(frozen=True)
class SingleStep:
    """Step to the lowest point of X̂ + t u_n q_rᵀ, if the exact score says that it lies below X̂.

    EFS* > 1 is necessary and sufficient for a decrease on this line. No RIP constant is needed. The
    method has no settings.
    """

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        score = feasibility_score(start.problem, start.X, directions=start.directions)
        details = f"EFS* = {score.exact_score:.6g}"
        if score.step == 0:
            return start.failure(EscapeReason.SCORE_TOO_LOW, details=details)
        point = start.X + score.step * start.directions.visible
        lower, value = start.lowers(point)
        if not lower:
            details += ", but h falls by less than asked"
            return start.failure(EscapeReason.NO_DECREASE, details=details)
        return start.success(point, value, "visible", step=score.step, details=details)
