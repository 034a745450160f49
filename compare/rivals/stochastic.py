"""Stochastic gradient descent on h, one random measurement a step: a rival to draw."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, positive, whole_number


def stochastic_descent(
    problem: SensingProblem,
    start: Any,
    *,
    step_size: float,
    iterations: int,
    seed: int | np.random.Generator,
) -> FloatArray:
    """Return the points of X ← X − η · 2 m (⟨A_i, XXᵀ⟩ − b_i) A_i X, with i drawn at every step.

    The factor m makes the step unbiased: its mean over i is the gradient of h.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    start : array (n, r)
        First point.
    step_size : float
        η > 0.
    iterations : int
        Number of steps.
    seed : int or numpy.random.Generator
        Source of the randomness.

    Returns
    -------
    array (iterations + 1, n, r)
        The path, cut short at the last finite point if it leaves float64.

    Raises
    ------
    TypeError, ValueError
        For a start of the wrong shape or not finite, a non-positive step, or a negative number of
        iterations.
    """
    X = problem.factor("start", start)
    eta, iterations = (
        positive("step_size", step_size),
        whole_number("iterations", iterations, least=0),
    )
    rng = np.random.default_rng(seed)
    path = [X]
    for i in rng.integers(problem.m, size=iterations):
        one = np.zeros(problem.m)
        try:
            one[i] = problem.residual(X)[i]
            gradient = problem.operator.adjoint_matmul(one, X)
        except OverflowError:
            break
        with np.errstate(over="ignore", invalid="ignore"):
            X = X - 2 * eta * problem.m * gradient
        if not np.all(np.isfinite(X)):
            break
        path.append(X)
    return np.array(path)
