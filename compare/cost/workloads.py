"""What the cost grid runs: the plan and one step of each method.

A method is a function of the problem and a point that returns its *plan*. The plan prepares all
that does not change from step to step, and returns the *run*: one step. Plan and run are measured
apart.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np

from lift_compare import lifting, sensing, simulated
from lift_compare.sensing import LiftSettings, SensingProblem
from lift_compare.sensing.validation import FloatArray

Run = Callable[[], Any]
Plan = Callable[[], Run]

_SETTINGS = LiftSettings()


def descended_point(problem: SensingProblem, seed: int = 0, max_iterations: int = 30) -> FloatArray:
    """Return the point after a few steps: the cost of a step does not depend on how far it is."""
    scale = np.linalg.norm(problem.measurements) ** 0.5 / np.sqrt(problem.n)
    start = 0.1 * scale * np.random.default_rng(seed).standard_normal(problem.shape)
    rule = sensing.Backtracking()
    return sensing.gradient_descent(
        problem, start, step_size=rule, max_iterations=max_iterations
    ).point


def explicit(
    problem: SensingProblem, X: FloatArray, order: int, form: str, memory_limit: int | None
) -> Plan:
    """Plan the contractions of one form; run one gradient of h^l at vec(X)^{⊗l}."""
    w = reduce(np.multiply.outer, [X.reshape(-1)] * order)

    def plan() -> Run:
        lifted = lifting.LiftedProblem(problem, order, form=form, memory_limit=memory_limit)
        return partial(lifted.gradient, w)

    return plan


def exact(problem: SensingProblem, X: FloatArray, order: int) -> Plan:
    """Plan the directions and their Gram data; run one projected gradient on their span."""

    def plan() -> Run:
        span = simulated.SpanObjective(problem, _directions(problem, X).generators, order)
        return partial(span.projected_gradient, _SETTINGS.start)

    return plan


def truncated(problem: SensingProblem, X: FloatArray, order: int) -> Plan:
    """Plan the directions; run one step of the published closed form."""

    def plan() -> Run:
        directions = _directions(problem, X)
        return partial(
            simulated.truncated_coefficients,
            directions,
            order,
            rho=_SETTINGS.rho,
            eta=_SETTINGS.eta,
            steps=1,
        )

    return plan


def _directions(problem: SensingProblem, X: FloatArray) -> simulated.EscapeDirections:
    with warnings.catch_warnings():
        # The point is no stationary one, which does not matter for the cost.
        warnings.simplefilter("ignore", simulated.NotStationaryWarning)
        return simulated.escape_directions(problem, X)
