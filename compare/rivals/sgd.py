"""Stochastic gradient descent, one measurement a step."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import fixed_step

NAME, SUMMARY = "sgd", "stochastic gradient, one measurement a step, fixed step"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Draw measurements one by one."""
    return stochastic(problem, start, budget, 1)


def stochastic(
    problem: SensingProblem, X: FloatArray, budget: Budget, batch: int, *, polyak: bool = False
) -> Run:
    """Step along (m/B) ∇f of a batch of B, f = ½ Σ_batch r_i², whose mean is the gradient of h.

    The step is half of what would be stable for the measurement that curves most at the start,
    times B, and at most that of gradient descent; or Polyak's, f/‖∇f‖². A step costs B/m
    gradients. h is looked at once an epoch.
    """
    A, b, m = problem.operator.matrices(), problem.measurements, problem.m
    batch = min(batch, m)
    step = 0.0
    if not polyak:
        steepest = float(np.max(np.sum((A @ X) ** 2, axis=(1, 2))))
        step = min(batch / (4 * m * steepest), fixed_step(problem)) * m / batch
    while np.all(np.isfinite(X)):
        problem.objective_or_inf(X)
        order = budget.random.permutation(m)
        for first in range(0, m - batch + 1, batch):
            chosen = order[first : first + batch]
            products = A[chosen] @ X
            residual = np.einsum("inr,nr->i", products, X) - b[chosen]
            gradient = 2 * np.einsum("i,inr->nr", residual, products)
            budget.spend(batch / m)
            if polyak:
                square = float(np.sum(gradient**2))
                step = 0.5 * float(residual @ residual) / square if square > 0 else 0.0
            X = X - step * gradient
    return Run(X, {"stop": "left float64"})
