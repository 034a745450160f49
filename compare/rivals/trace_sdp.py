"""The convex relaxation: least trace subject to the measurements (cvxpy with Clarabel)."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import descended, rounded

NAME, SUMMARY = "trace-sdp", "least trace with A(M) = b, M ⪰ 0 (cvxpy), rounded, then descent"
NEEDS = ("cvxpy", "clarabel")


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Solve, round to rank r, descend; the start is not used, and cost is by the clock."""
    cp: Any = import_module("cvxpy")
    A = problem.operator.matrices().reshape(problem.m, -1)
    scale = float(np.abs(problem.measurements).max())
    begin = time.perf_counter()
    M = cp.Variable((problem.n, problem.n), PSD=True)
    constraints = [A @ cp.vec(M, order="C") == problem.measurements / scale]
    program = cp.Problem(cp.Minimize(cp.trace(M)), constraints)
    try:
        program.solve(solver=cp.CLARABEL)
    except cp.SolverError as error:
        return Run(start, {"stop": str(error)})
    budget.spend_seconds(time.perf_counter() - begin)
    if M.value is None:
        return Run(start, {"stop": program.status})
    X = rounded(problem, scale * (M.value + M.value.T) / 2)
    return Run(descended(problem, X), {"stop": program.status})
