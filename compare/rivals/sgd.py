"""Stochastic gradient descent, one measurement a step."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run

NAME, SUMMARY = "sgd", "stochastic gradient, one measurement a step, Polyak step"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Draw measurements one by one."""
    return stochastic(problem, start, budget, 1)


def stochastic(problem: SensingProblem, X: FloatArray, budget: Budget, batch: int) -> Run:
    """Step along the gradient of a batch with the Polyak step f/‖∇f‖² for f = ½ Σ_batch r_i².

    All f are zero at a solution, so that the step needs no schedule and no unit (Loizou et al.,
    arXiv 2002.10542, with c = 1). A step costs batch/m gradients. h is looked at once in m steps.
    """
    A, b = problem.operator.matrices(), problem.measurements
    batch = min(batch, problem.m)
    while True:
        problem.objective_or_inf(X)
        order = budget.random.permutation(problem.m)
        for first in range(0, problem.m - batch + 1, batch):
            chosen = order[first : first + batch]
            products = A[chosen] @ X
            residual = np.einsum("inr,nr->i", products, X) - b[chosen]
            gradient = 2 * np.einsum("i,inr->nr", residual, products)
            square = float(np.sum(gradient**2))
            budget.spend(batch / problem.m)
            if square > 0:
                X = X - 0.5 * float(residual @ residual) / square * gradient
        if not np.all(np.isfinite(X)):
            return Run(X)
