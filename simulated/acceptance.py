"""The published collapse of the truncated state, β-type or γ-type, and its two acceptance rules (section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, positive, real_array

from .directions import EscapeDirections
from .span import SpanObjective
from .surrogate import DiagonalSurrogate


class AcceptanceRule(Enum):
    """When the published method accepts a collapse."""

    TEXT = "text"
    """The dominant term is much larger than the others, and the objective of this term alone is below that of ŵ."""
    CODE = "code"
    """The dominant term is the largest, and the objective of the whole state is below that of ŵ."""


@dataclass(frozen=True, repr=False)
class PublishedCollapse:
    """Collapse of a truncated state (α̃, β̃, γ̃) by the published rule.

    Attributes
    ----------
    kind : str
        "beta" or "gamma", whichever term has the larger norm.
    point : array (n, r)
        X̌: β̃^{1/l} u_n q_rᵀ or −(−γ̃)^{1/l} A*A(E₀) X̂, whether or not the rule accepts it ("forced" collapse).
    norms : array (3,)
        Norms of the base, visible and hidden term.
    objective_stationary, objective_state, objective_term : float
        The objective at ŵ, at the whole state, and at its dominant term alone.
    rule : AcceptanceRule
        The rule asked.
    dominant, decreased, accepted : bool
        Whether the norm condition, the objective condition, and both hold.
    """

    kind: str
    point: FloatArray
    norms: FloatArray
    objective_stationary: float
    objective_state: float
    objective_term: float
    rule: AcceptanceRule
    dominant: bool
    decreased: bool

    @property
    def accepted(self) -> bool:
        """Whether the rule accepts the collapse."""
        return self.dominant and self.decreased

    def __repr__(self) -> str:
        a, b, c = self.norms
        return (
            f"PublishedCollapse({self.kind}-type, {'accepted' if self.accepted else 'rejected'} by the rule of the "
            f"{self.rule.value}: norms {a:.4g}, {b:.4g}, {c:.4g}; objective at ŵ {self.objective_stationary:.6g}, "
            f"state {self.objective_state:.6g}, {self.kind} term {self.objective_term:.6g})"
        )


def published_collapse(
    problem: SensingProblem,
    directions: EscapeDirections,
    order: int,
    coefficients: Any,
    *,
    rule: AcceptanceRule | str = AcceptanceRule.CODE,
    dominance: float = 10.0,
    surrogate: bool = False,
    objective: SpanObjective | DiagonalSurrogate | None = None,
) -> PublishedCollapse:
    """Collapse a truncated state by the published rule (docs/theory.md, section 7).

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    directions : EscapeDirections
        The directions at X̂.
    order : int
        The odd lifting order l.
    coefficients : array (3,)
        The state (α̃, β̃, γ̃) relative to (base, visible, hidden)^{⊗l}.
    rule : AcceptanceRule or str
        "text" or "code".
    dominance : float
        What the ≫ of the text is taken to mean: the dominant norm must be at least this many times the others.
        The rule of the code uses 1.
    surrogate : bool
        Use the diagonal surrogate instead of h^l.
    objective : SpanObjective or DiagonalSurrogate, optional
        The objective on `directions.generators`, if it is at hand; it takes the place of `surrogate`.

    Returns
    -------
    PublishedCollapse

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, an even order, an unknown rule, or a dominance below 0.
    OverflowError
        If an objective or a norm does not fit into float64.
    """
    order, rule = odd_order(order), AcceptanceRule(rule)
    c = real_array("coefficients", coefficients, (3,))
    factor = positive("dominance", dominance) if rule is AcceptanceRule.TEXT else 1.0
    generators = directions.generators
    if objective is None:
        objective = (DiagonalSurrogate if surrogate else SpanObjective)(problem, generators, order)

    norms = term_norms(directions, order, c)
    pick = 1 if norms[1] >= norms[2] else 2
    others = float(np.delete(norms, pick).max())
    dominant = bool(norms[pick] > others if factor == 1 else norms[pick] >= factor * others)
    term = np.where(np.arange(3) == pick, c, 0.0)
    stationary, state, alone = (
        float(objective.value(x)) for x in (np.array([1.0, 0.0, 0.0]), c, term)
    )
    compared = alone if rule is AcceptanceRule.TEXT else state
    return PublishedCollapse(
        "beta" if pick == 1 else "gamma",
        np.sign(c[pick]) * abs(c[pick]) ** (1 / order) * generators[pick],
        norms, stationary, state, alone, rule, dominant, compared < stationary,
    )  # fmt: skip


def term_norms(directions: EscapeDirections, order: int, coefficients: FloatArray) -> FloatArray:
    """Return the norms |c_j| ‖X_j‖^l of the three terms, shape (..., 3)."""
    sizes = np.linalg.norm(directions.generators, axis=(1, 2))
    return np.asarray(np.abs(coefficients) * sizes**order)
