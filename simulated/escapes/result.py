"""What an escape attempt found, and why it did not find more."""

from __future__ import annotations

from dataclasses import dataclass

from lift_compare.sensing.reasons import Reason
from lift_compare.sensing.validation import FloatArray


class EscapeReason(Reason):
    """Why an escape attempt ended as it did.

    Examples
    --------
    >>> from lift_compare import simulated
    >>> print(simulated.EscapeReason.SCORE_TOO_LOW)
    the exact score is at most 1: h falls nowhere on the line along the visible direction
    """

    FOUND = "h is strictly lower at the escape point"
    NO_NEGATIVE_EIGENVALUE = (
        "the landscape matrix has no negative eigenvalue: no PSD matrix of any rank lies lower"
    )
    NO_SADDLE_ORDER = (
        "no order up to the largest makes the lifted point a strict saddle along the visible "
        "direction"
    )
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
        "exact", "truncated", "single-step", "line-search", "columns" or "pair"; for the method
        "any" the one that escaped, and "any" if none did.
    order : int or None
        Lifting order l of the accepted point, or the last one tried; None for the methods without
        one.
    kind : str or None
        Which direction X̌ comes from. For "truncated", "beta" (visible) or "gamma" (hidden). For
        the line methods "visible" or "hidden". For "exact" the generator that X̌ is nearest to in
        angle, "base", "visible" or "hidden". For "pair", "collapse" or "generator"; for "columns"
        which column of X̂ has moved.
    objective_before, objective_after : float
        h(X̂) and h(point).
    details : str
        One sentence on how the point was reached, or on what was tried.
    step : float or None
        t of X̌ = X̂ + t D for the line methods, with D of unit norm.
    generators, coefficients : arrays (k, n, r) and (k,), or None
        The lifted state Σ c_j vec(X_j)^{⊗l} whose collapse X̌ is, for "exact" and "truncated"; for
        "pair" the state whose collapse, or one of whose generators, a descent of h may have led to
        X̌ from.
    attempts : tuple of Escape
        For "any", what every method tried did, in turn; the last is this one if it was found.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> found = simulated.escape(
    ...     sensing.two_by_two(), [[0.0], [0.5**0.5]], method="single-step"
    ... )
    >>> found.found, found.reason.name
    (False, 'SCORE_TOO_LOW')
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
    attempts: tuple[Escape, ...] = ()

    def __repr__(self) -> str:
        order = "" if self.order is None else f", order {self.order}"
        if not self.found:
            verdict = f"not found: {self.reason}"
        else:
            verdict = f"{self.kind}, h: {self.objective_before:.6g} -> {self.objective_after:.6g}"
        return (
            f"Escape({self.method}{order}; {verdict}{'; ' if self.details else ''}{self.details})"
        )
