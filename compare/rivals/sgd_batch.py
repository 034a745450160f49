"""Stochastic gradient descent, eight measurements a step."""

from __future__ import annotations

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .sgd import stochastic

NAME, SUMMARY = "sgd-8", "stochastic gradient, eight measurements a step, fixed step"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Draw measurements by eights."""
    return stochastic(problem, start, budget, 8)
