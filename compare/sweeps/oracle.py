"""Where the oracle is at one stuck point, and which escapes lead from there to the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from lift_compare.sensing import Backtracking, SensingProblem, gradient_descent
from lift_compare.sensing.floats import norm
from lift_compare.sensing.tolerances import SOLVED
from lift_compare.sensing.validation import MAX_ORDER, FloatArray
from lift_compare.simulated import descend_with_escapes, saddle_order, smallest_saddle_order

from ..cost.counted import counted
from .facts import near_truth
from .point import PointSettings
from .settings import Count, Order

WAYS: Mapping[str, Mapping[str, Any]] = {
    "exact": {"method": "exact"},
    "truncated": {"method": "truncated"},
    "single_step": {"method": "single-step"},
    "line_search": {"method": "line-search"},
    "columns": {"method": "columns"},
    "pair": {"method": "pair"},
    "any": {"method": "any"},
    "no_lifting": {"method": "pair", "order": 1},
}
"""The escapes that are tried, with their settings. "no_lifting" is the control: descents of h
itself, from X̂ ± ½‖X̂‖ V with the directions V that "pair" has at order 1."""


class OracleSettings(PointSettings):
    """How far is looked, and how long each way may take."""

    largest_order: Order = MAX_ORDER
    escapes: bool = True
    max_escapes: Annotated[int, Field(ge=1, le=1_000)] = 10
    max_iterations: Count = 4_000


def where_is_the_oracle(**settings: Any) -> dict[str, Any]:
    """Find the saddle orders at X̂ along b and along any power, and try every escape from there."""
    s = OracleSettings(**settings)
    problem, X = s.load().problem, s.stationary_point()
    row = s.before(problem, X)
    if row["spurious"] is False:
        return row
    row |= orders(problem, X, s.largest_order)
    if s.escapes:
        for name, way in WAYS.items():
            if name != "columns" or problem.rank > 1:  # at rank one that is "exact"
                row |= _named(name, _escaping(problem, X, s, way))
        row |= _named("restart", _restart(problem, s))
    return row


def orders(problem: SensingProblem, X: FloatArray, largest: int) -> dict[str, Any]:
    """Return the smallest saddle orders at X, and up to where smaller ones are excluded."""
    found = saddle_order(problem, X, largest=largest)
    never = found.certified_below == math.inf
    return {
        "order_visible": smallest_saddle_order(problem, X, largest=largest),
        "order_oracle": found.order,
        "certified_below": None if never else int(found.certified_below),
        "oracle_reason": found.reason.name,
        "oracle_curvature": found.curvature,
    }


def _escaping(
    problem: SensingProblem, X: FloatArray, s: OracleSettings, way: Mapping[str, Any]
) -> dict[str, Any]:
    """Descend with escapes from X."""
    problem, operator = counted(problem)
    run = descend_with_escapes(
        problem,
        X,
        step_size=Backtracking(),
        max_iterations=s.max_iterations,
        max_escapes=s.max_escapes,
        **way,
    )
    return {
        "solved": run.solved,
        "near_truth": near_truth(problem, run.point),
        "escapes": sum(attempt.found for attempt in run.escapes),
        "gradients": operator.gradients(),
    }


def _restart(problem: SensingProblem, s: OracleSettings) -> dict[str, Any]:
    """Descend once from a new normal start, scaled to ‖A(XXᵀ)‖ = ‖b‖."""
    start = np.random.default_rng((s.seed or 0, 2)).standard_normal(problem.shape)
    size = norm(problem.operator.measure(start, start)) / norm(problem.measurements)
    problem, operator = counted(problem)
    end = gradient_descent(
        problem,
        start / math.sqrt(float(size)),
        step_size=Backtracking(),
        max_iterations=s.max_iterations,
        solved_below=SOLVED * problem.objective_at_zero,
    )
    return {
        "solved": problem.is_solved(end.point),
        "near_truth": near_truth(problem, end.point),
        "gradients": operator.gradients(),
    }


def _named(name: str, results: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}_{key}": value for key, value in results.items()}
