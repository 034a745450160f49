"""Descent on the high-order loss ½ Σ r_i² + (λ/l) Σ r_i^l (Ma, Sojoudi, arXiv 2403.06056)."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import LBFGS, descended

NAME, SUMMARY = "high-order-loss", "L-BFGS on ½ Σ r² + λ/4 Σ r⁴, then descent on h"
ORDER, WEIGHT = 4, 10.0


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Minimise the loss with l = 4, then h from there.

    λ = 10 / mean(b²): at a residual of the size of b the second term is five times the first.
    """
    b = problem.measurements
    unit = problem.objective_at_zero
    weight = WEIGHT / float(np.mean(b**2))
    operator = problem.operator

    def loss(x: FloatArray) -> tuple[float, FloatArray]:
        X = x.reshape(problem.shape)
        residual = operator.measure(X, X) - b
        value = float(0.5 * residual @ residual + weight / ORDER * np.sum(residual**ORDER))
        slopes = residual + weight * residual ** (ORDER - 1)
        return value / unit, 2 * operator.adjoint_matmul(slopes, X).ravel() / unit

    end = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=LBFGS)
    return Run(descended(problem, end.x.reshape(problem.shape)))
