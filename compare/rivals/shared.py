"""What several rivals do alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lift_compare.sensing import Backtracking, SensingProblem, Stall, gradient_descent
from lift_compare.sensing.floats import norm
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated.points.line import LineQuartic

from ..tolerances import FALL_ON_A_LINE, LBFGS_FALL, LBFGS_GRADIENT

UNBOUNDED = 10**6  # iterations; the budget ends the run before
LBFGS = {
    "maxiter": UNBOUNDED,
    "maxfun": 10 * UNBOUNDED,
    "ftol": LBFGS_FALL,
    "gtol": LBFGS_GRADIENT,
}
"""Options of scipy's L-BFGS, for an objective in units of h(0)."""


def descended(problem: SensingProblem, X: FloatArray) -> FloatArray:
    """Return where gradient descent with backtracking stalls."""
    return gradient_descent(
        problem, X, step_size=Backtracking(), max_iterations=UNBOUNDED, stall=Stall()
    ).point


def sized(problem: SensingProblem, X: FloatArray) -> FloatArray:
    """Return X scaled to ‖A(XXᵀ)‖ = ‖b‖: the size of a solution, whatever the units."""
    size = norm(problem.operator.measure(X, X.copy())) / norm(problem.measurements)
    return np.asarray(X / np.sqrt(float(size)))


def new_start(problem: SensingProblem, random: np.random.Generator) -> FloatArray:
    """Return a normal start of the size of a solution."""
    return sized(problem, random.standard_normal(problem.shape))


def rounded(problem: SensingProblem, M: FloatArray) -> FloatArray:
    """Return the X of rank r with XXᵀ nearest to a symmetric matrix."""
    values, vectors = np.linalg.eigh(M)
    top = slice(None, -problem.rank - 1, -1)
    return np.asarray(vectors[:, top] * np.sqrt(np.maximum(values[top], 0)))


def fixed_step(problem: SensingProblem) -> float:
    """Return a step for all of a descent: 1/(8 ‖A*(b)‖₂).

    Where A*A is near the identity, A*(b) is near ZZᵀ and ∇²h at the truth at most 4 ‖ZZᵀ‖: half of
    what would still be stable there, since h curves more on the way.
    """
    matrix = problem.operator.adjoint_matmul(problem.measurements, np.eye(problem.n))
    return float(1 / (8 * np.linalg.norm(matrix, 2)))


def escaping_by_line(
    problem: SensingProblem,
    X: FloatArray,
    direction: Callable[[FloatArray], FloatArray],
    tries: int,
) -> FloatArray:
    """Descend; where it stalls, go to the lowest point of h on a line; and so on.

    `direction` is asked up to `tries` times at one stall; a line without a lower point beyond
    rounding is a try that failed.
    """
    X = descended(problem, X)
    failed = 0
    while failed < tries:
        D = direction(X)
        length = float(np.linalg.norm(D))
        if length == 0:
            break
        line = LineQuartic.along(problem, X, D / length)
        steps = line.stationary_steps()
        changes = np.array([float(line.change(t)) for t in steps])
        if len(steps) == 0 or changes.min() > -FALL_ON_A_LINE * problem.objective(X):
            failed += 1
            continue
        X = descended(problem, X + steps[np.argmin(changes)] * D / length)
        failed = 0
    return X
