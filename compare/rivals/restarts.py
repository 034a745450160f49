"""Random restarts, each with L-BFGS (scipy)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import LBFGS, new_start

NAME, SUMMARY = "restarts", "L-BFGS from the start, then from new ones"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Minimise h from one start after the other, for ever."""
    X = start
    while True:
        lbfgs(problem, X)
        X = new_start(problem, budget.random)


def lbfgs(problem: SensingProblem, X: FloatArray) -> FloatArray:
    """Return where L-BFGS on h ends; h is divided by h(0), as its tolerances are absolute."""
    unit = problem.objective_at_zero

    def scaled(x: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = problem.unchecked(x.reshape(problem.shape))
        return value / unit, gradient.ravel() / unit

    end = minimize(scaled, X.ravel(), jac=True, method="L-BFGS-B", options=LBFGS)
    return np.asarray(end.x.reshape(problem.shape))
