"""Escape by the published truncated descent and its own acceptance rules (docs/theory.md, section 7)."""

from __future__ import annotations

from typing import Any

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import odd_order, positive, whole_number

from .acceptance import AcceptanceRule, published_collapse
from .curvature import smallest_saddle_order
from .directions import EscapeDirections, escape_directions
from .escape_result import MINIMUM_DECREASE, Attempt, Escape, EscapeReason
from .truncated import truncated_coefficients


def truncated_escape(
    problem: SensingProblem,
    X: Any,
    *,
    order: int | None = None,
    largest_order: int = 101,
    rho: float = 0.1,
    eta: float = 0.01,
    steps: int = 1000,
    rule: AcceptanceRule | str = AcceptanceRule.CODE,
    dominance: float = 10.0,
    surrogate: bool = False,
    minimum_decrease: float = MINIMUM_DECREASE,
    directions: EscapeDirections | None = None,
) -> Escape:
    """Escape by the published closed form α̃, β̃, γ̃ at step T and the published collapse.

    The published rules look at lifted objectives and norms only. Here h(X̌) < h(X̂) is asked as
    well. See `escape` for the parameters.
    """
    attempt = Attempt.at(problem, X, "truncated", minimum_decrease)
    rho, eta, steps = (
        positive("rho", rho),
        positive("eta", eta),
        whole_number("steps", steps, least=0),
    )
    rule, dominance = AcceptanceRule(rule), positive("dominance", dominance)
    largest_order = whole_number("largest_order", largest_order)
    order = None if order is None else odd_order(order)
    d = escape_directions(problem, attempt.X) if directions is None else directions
    if not attempt.spurious(d):
        return attempt.failure(
            EscapeReason.NO_NEGATIVE_EIGENVALUE, order=order, details=f"λ_n = {d.eigenvalue:.3g}"
        )
    if order is None:
        order = smallest_saddle_order(problem, attempt.X, largest=largest_order, directions=d)
        if order is None:
            return attempt.failure(
                EscapeReason.NO_SADDLE_ORDER, details=f"orders up to {largest_order}"
            )
    try:
        state = truncated_coefficients(d, order, rho=rho, eta=eta, steps=steps).coefficients[-1]
        end = published_collapse(
            problem, d, order, state, rule=rule, dominance=dominance, surrogate=surrogate
        )
    except OverflowError as error:
        return attempt.failure(EscapeReason.OUT_OF_RANGE, order=order, details=str(error))
    more = {"order": order, "generators": d.generators, "coefficients": state, "details": repr(end)}
    if not end.accepted:
        return attempt.failure(EscapeReason.RULE_NOT_MET, kind=end.kind, **more)
    lower, value = attempt.lowers(end.point)
    if not lower:
        return attempt.failure(EscapeReason.NO_DECREASE, kind=end.kind, **more)
    return attempt.success(end.point, value, end.kind, **more)
