"""Gradient descent on the explicit lifted objective, from the start as a tensor."""

from __future__ import annotations

import itertools
import time

import numpy as np

from lift_compare.lifting import LiftedProblem, best_rank_one
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import SUFFICIENT_DECREASE
from lift_compare.sensing.validation import FloatArray

from ..tolerances import LIFTED_FALL
from .definition import Budget, Run, seconds_of_gradient
from .shared import descended

NAME = "lifted"
SUMMARY = "explicit lifted descent, l = 3, from the start and noise; best rank-one part; descent"
ORDER, NOISE = 3, 0.1


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Add a tenth of the power of a random direction: from ŵ itself no gradient leads away."""
    noise = budget.random.standard_normal(problem.shape)
    noise *= NOISE ** (1 / ORDER) * np.linalg.norm(start) / np.linalg.norm(noise)
    lifted = LiftedProblem(budget.problem, ORDER)
    return lifted_descent(problem, lifted, lifted.lift(start) + lifted.lift(noise), budget)


def lifted_descent(
    problem: SensingProblem, lifted: LiftedProblem, w: FloatArray, budget: Budget
) -> Run:
    """Descend on tensors with backtracking until h^l stalls or is small, then in matrix space.

    An evaluation of h^l counts at its measured ratio to a gradient of h. `rank_one_share` is the
    norm of the best rank-one part in units of ‖w‖.
    """
    begin = time.perf_counter()
    value, gradient = lifted.value_and_gradient(w)
    cost = min(time.perf_counter() - begin, _seconds(lifted, w))
    ratio = cost / seconds_of_gradient(budget.problem)
    budget.by_clock = True
    step = value / float(np.sum(gradient**2)) if np.any(gradient) else 0.0
    at_zero = lifted.value(np.zeros_like(w))
    while step > 0:
        square = float(np.sum(gradient**2))
        budget.spend(ratio)
        lower, new_gradient = lifted.value_and_gradient(w - step * gradient)
        if lower > value - SUFFICIENT_DECREASE * step * square:
            step /= 2
            if step * square < LIFTED_FALL * value:
                break
            continue
        fall = value - lower
        w, value, gradient = w - step * gradient, lower, new_gradient
        step *= 2
        if fall < LIFTED_FALL * value or value < LIFTED_FALL * at_zero:
            break
    # Rounding leaves w a little asymmetric, and a long descent magnifies that.
    modes = list(itertools.permutations(range(w.ndim)))
    w = np.asarray(sum(np.transpose(w, order) for order in modes) / len(modes))
    part = best_rank_one(w)
    share = abs(part.weight) / float(np.linalg.norm(w))
    budget.details |= {"rank_one_share": share, "ratio": ratio}
    x = np.cbrt(part.weight) * part.vector
    return Run(descended(problem, x.reshape(problem.shape)))


def _seconds(lifted: LiftedProblem, w: FloatArray) -> float:
    begin = time.perf_counter()
    lifted.value_and_gradient(w)
    return time.perf_counter() - begin
