"""Gradient descent on the explicit lifted objective from a small start (arXiv 2310.15549)."""

from __future__ import annotations

from lift_compare.lifting import LiftedProblem
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .lifted import ORDER, lifted_descent

NAME = "lifted-small"
SUMMARY = "explicit lifted descent, l = 3, from a tenth of the start; best rank-one part; descent"
SMALL = 0.1


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Start at vec(X/10)^{⊗l}, of rank one: how near to rank one it stays is in the details."""
    lifted = LiftedProblem(budget.problem, ORDER)
    return lifted_descent(problem, lifted, lifted.lift(SMALL * start), budget)
