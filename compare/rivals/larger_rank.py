"""Burer–Monteiro at a larger rank, up to n, rounded back and descended from there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .restarts import lbfgs
from .shared import descended, rounded

NAME, SUMMARY = "larger-rank", "L-BFGS at rank n, rounded back, then descent"
COLUMNS = 0.1  # size of the new columns beside the start


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Add normal columns up to rank n, minimise, round to rank r, descend.

    The products at rank n count n/r times as much as those at rank r.
    """
    n, r = problem.shape
    wide = replace(problem, rank=n)
    more = budget.random.standard_normal((n, n - r))
    size = COLUMNS * np.linalg.norm(start) / np.sqrt(start.size)
    before = budget.spent
    X = lbfgs(wide, np.concatenate([start, size * more], axis=1))
    budget.details |= {
        "wide_objective": wide.objective_or_inf(X) / problem.objective_at_zero,
        "wide_gradients": budget.spent - before,
    }
    return Run(descended(problem, rounded(problem, X @ X.T)))
