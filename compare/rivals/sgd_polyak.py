"""Stochastic gradient descent with Polyak's step: it does not see how a measurement is scaled."""

from __future__ import annotations

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .sgd import stochastic

NAME, SUMMARY = "sgd-polyak", "stochastic gradient, one measurement a step, Polyak's step"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Go to where the linear model of one r_i² is zero (Loizou et al., arXiv 2002.10542).

    Scaling A_i and b_i changes nothing: on perturbed completion it solves the problem without its
    weights.
    """
    return stochastic(problem, start, budget, 1, polyak=True)
