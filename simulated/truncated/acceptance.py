"""The published collapse of the truncated state, β-type or γ-type, and its two acceptance rules.

The mathematics: docs/theory.md, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    OutOfRange,
    odd_order,
    positive,
    real_array,
)

from ..points.directions import EscapeDirections
from ..signed_log import signed_log, to_float, units_and_logs
from ..span.objective import SpanEvaluation, SpanObjective
from .surrogate import DiagonalSurrogate


class AcceptanceRule(Enum):
    """When the published method accepts a collapse.

    Examples
    --------
    >>> from lift_compare import simulated
    >>> [rule.value for rule in simulated.AcceptanceRule]
    ['text', 'code']
    """

    TEXT = "text"
    """The dominant term dwarfs the others, and the objective of it alone is below that of ŵ."""
    CODE = "code"
    """The dominant term is the largest, and the objective of the whole state is below that of ŵ."""

    @classmethod
    def _missing_(cls, value: object) -> AcceptanceRule:
        raise InvalidValue(f"rule: expected 'text' or 'code', got {value!r:.60}")


@dataclass(frozen=True, eq=False)
class DominantTerm:
    """The larger of the visible and the hidden term of a truncated state, and its collapse.

    Attributes
    ----------
    kind : str
        "beta" (visible) or "gamma" (hidden).
    norms : array (3,)
        Norms of the base, visible and hidden term.
    dominance : float
        Norm of this term over the largest of the two others; inf where they are zero.
    coefficients : array (3,)
        The state with the two others set to zero.
    point : array (n, r)
        X̌: β̃^{1/l} u_n q_rᵀ or −(−γ̃)^{1/l} A*A(E₀) X̂.
    """

    kind: str
    norms: FloatArray
    dominance: float
    coefficients: FloatArray
    point: FloatArray


def term_norms(directions: EscapeDirections, order: int, coefficients: Any) -> FloatArray:
    """Return the norms |c_j| ‖X_j‖^l of the three terms.

    Parameters
    ----------
    directions : EscapeDirections
        The directions at X̂.
    order : int
        The lifting order l.
    coefficients : array (..., 3)
        States relative to (base, visible, hidden)^{⊗l}.

    Returns
    -------
    array (..., 3)

    Raises
    ------
    TypeError, ValueError
        For states of the wrong shape or not finite, or an order that is even or above 1001.
    OverflowError
        If the norms of a state leave float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> directions = simulated.escape_directions(sensing.two_by_two(), [[0.0], [0.5**0.5]])
    >>> simulated.term_norms(directions, 3, [1.0, 0.1, 0.0]).round(4)
    array([0.3536, 0.1   , 0.    ])
    """
    logs = log_term_norms(directions, order, coefficients)
    return to_float(np.ones(logs.shape), logs, "the norm of a term", axes=1)


def log_term_norms(directions: EscapeDirections, order: int, coefficients: Any) -> FloatArray:
    """Return the logarithms of `term_norms`, which fit at any order and scale."""
    order, c = odd_order(order), np.asarray(coefficients)
    c = real_array("coefficients", c, (*c.shape[:-1], 3))
    sizes = units_and_logs(directions.generators)[1]
    return np.asarray(signed_log(c)[1] + order * sizes)


def dominant_term(directions: EscapeDirections, order: int, coefficients: Any) -> DominantTerm:
    """Return the dominant term of a state (α̃, β̃, γ̃), and the point it collapses to."""
    c = real_array("coefficients", coefficients, (3,))
    logs = log_term_norms(directions, order, c)
    # The base does not compete for the type: the published collapse is β or γ.
    pick = 1 if logs[1] >= logs[2] else 2
    others = np.delete(logs, pick).max()
    with np.errstate(over="ignore", under="ignore"):
        dominance = float(np.exp(logs[pick] - others)) if logs[pick] > -np.inf else 0.0
        root = np.sign(c[pick]) * abs(c[pick]) ** (1 / order)
        point = root * directions.generators[pick]
    if not np.all(np.isfinite(point)):
        raise OutOfRange("the collapsed point is beyond float64")
    return DominantTerm(
        kind="beta" if pick == 1 else "gamma",
        norms=term_norms(directions, order, c),
        dominance=dominance,
        coefficients=np.where(np.arange(3) == pick, c, 0.0),
        point=point,
    )


@dataclass(frozen=True, repr=False)
class PublishedCollapse:
    """Collapse of a truncated state (α̃, β̃, γ̃) by the published rule.

    Attributes
    ----------
    kind : str
        "beta" or "gamma", whichever term has the larger norm.
    point : array (n, r)
        X̌: β̃^{1/l} u_n q_rᵀ or −(−γ̃)^{1/l} A*A(E₀) X̂, whether or not the rule accepts it
        ("forced" collapse).
    norms : array (3,)
        Norms of the base, visible and hidden term.
    objective_stationary, objective_state, objective_term : float
        The objective at ŵ, at the whole state, and at its dominant term alone.
    rule : AcceptanceRule
        The rule asked.
    dominant, decreased : bool
        Whether the norm condition and the objective condition hold.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> path = simulated.truncated_coefficients(directions, 3, rho=0.1, eta=0.01, steps=660)
    >>> simulated.published_collapse(problem, directions, 3, path.coefficients[-1]).accepted
    True
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
        """Whether the rule accepts the collapse: both conditions hold."""
        return self.dominant and self.decreased

    @property
    def objective_compared(self) -> float:
        """The objective that the rule holds against that at ŵ: of the term (text) or the state."""
        text = self.rule is AcceptanceRule.TEXT
        return self.objective_term if text else self.objective_state

    def __repr__(self) -> str:
        verdict = "accepted" if self.accepted else "rejected"
        return (
            f"PublishedCollapse({self.kind}-type, {verdict} by the rule of the {self.rule.value}: "
            f"norms {', '.join(f'{norm:.4g}' for norm in self.norms)}; "
            f"objective at ŵ {self.objective_stationary:.6g}, state {self.objective_state:.6g}, "
            f"{self.kind} term {self.objective_term:.6g})"
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
    objective: SpanEvaluation | DiagonalSurrogate | None = None,
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
        What the ≫ of the text is taken to mean: the dominant norm must be at least this many times
        the others. The rule of the code uses 1.
    surrogate : bool
        Use the diagonal surrogate instead of h^l.
    objective : SpanObjective or DiagonalSurrogate, optional
        The objective on `directions.generators`, if it is at hand; it takes the place of
        `surrogate`.

    Returns
    -------
    PublishedCollapse

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, an order that is even or above 1001, an unknown rule, or a dominance below
        0.
    OverflowError
        If an objective or a norm does not fit into float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> state = [1.0, 1.61, -0.316]
    >>> found = simulated.published_collapse(problem, directions, 3, state, rule="text")
    >>> found.kind, found.accepted
    ('beta', False)
    """
    order, rule = odd_order(order), AcceptanceRule(rule)
    factor = positive("dominance", dominance)
    term = dominant_term(directions, order, coefficients)
    if objective is None:
        kind = DiagonalSurrogate if surrogate else SpanObjective
        objective = kind(problem, directions.generators, order)
    coefficients = real_array("coefficients", coefficients, (3,))
    stationary, state, alone = (
        float(objective.value(c))
        for c in (np.array([1.0, 0.0, 0.0]), coefficients, term.coefficients)
    )
    text = rule is AcceptanceRule.TEXT
    return PublishedCollapse(
        kind=term.kind,
        point=term.point,
        norms=term.norms,
        objective_stationary=stationary,
        objective_state=state,
        objective_term=alone,
        rule=rule,
        dominant=term.dominance >= factor if text else term.dominance > 1,
        decreased=(alone if text else state) < stationary,
    )
