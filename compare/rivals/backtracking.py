"""Gradient descent on h with Armijo backtracking."""

from __future__ import annotations

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import descended

NAME, SUMMARY = "gd", "gradient descent, backtracking"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Descend until h has stopped falling."""
    return Run(descended(problem, start))
