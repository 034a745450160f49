"""Escape by the published truncated descent and its own acceptance rules (theory, section 7)."""

from __future__ import annotations

from dataclasses import dataclass

from lift_compare.sensing.validation import (
    MAX_ORDER,
    odd_order,
    positive,
    true_or_false,
    whole_number,
)

from ..points.saddle_order import smallest_saddle_order
from ..truncated.acceptance import AcceptanceRule, published_collapse
from ..truncated.path import MOST_STEPS, truncated_state
from .result import Escape, EscapeReason
from .start import Start


@dataclass(frozen=True)
class Truncated:
    """Escape by the closed form α̃, β̃, γ̃ at step T and the published collapse.

    The published rules look at lifted objectives and norms only. Here h(X̌) < h(X̂) is asked as
    well.

    Attributes
    ----------
    order : int or None
        The odd lifting order l; None: the smallest saddle order along the visible direction.
    largest_order : int
        Largest order searched for a saddle.
    rho, eta, steps : float, float, int
        ρ, η and T.
    rule : "code" or "text"
        Acceptance rule (`simulated.published_collapse`).
    dominance : float
        What the ≫ of the text is taken to mean.
    surrogate : bool
        Whether the rule takes the diagonal surrogate for h^l.
    """

    order: int | None = None
    largest_order: int = 101
    rho: float = 0.1
    eta: float = 0.01
    steps: int = 1000
    rule: AcceptanceRule | str = "code"
    dominance: float = 10.0
    surrogate: bool = False

    def __post_init__(self) -> None:
        if self.order is not None:
            odd_order(self.order)
        whole_number("largest_order", self.largest_order, most=MAX_ORDER)
        true_or_false("surrogate", self.surrogate)
        positive("rho", self.rho)
        positive("eta", self.eta)
        whole_number("steps", self.steps, least=0, most=MOST_STEPS)
        AcceptanceRule(self.rule)
        positive("dominance", self.dominance)

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        problem, d, order = start.problem, start.directions, self.order
        # 1. The order.
        if order is None:
            largest = self.largest_order
            order = smallest_saddle_order(problem, start.X, largest=largest, directions=d)
        if order is None:
            details = f"orders up to {self.largest_order}"
            return start.failure(EscapeReason.NO_SADDLE_ORDER, details=details)
        # 2. The state at T, and what the published rule makes of it.
        try:
            state = truncated_state(d, order, rho=self.rho, eta=self.eta, steps=self.steps)
            end = published_collapse(
                problem,
                d,
                order,
                state,
                rule=self.rule,
                dominance=self.dominance,
                surrogate=self.surrogate,
            )
        except OverflowError as error:
            return start.failure(EscapeReason.OUT_OF_RANGE, order=order, details=str(error))
        # 3. The rule knows lifted objectives only: ask h as well.
        more = {
            "order": order,
            "generators": d.generators,
            "coefficients": state,
            "details": repr(end),
        }
        if not end.accepted:
            return start.failure(EscapeReason.RULE_NOT_MET, kind=end.kind, **more)
        lower, value = start.lowers(end.point)
        if not lower:
            return start.failure(EscapeReason.NO_DECREASE, kind=end.kind, **more)
        return start.success(end.point, value, end.kind, **more)
