"""Adam (Kingma and Ba, arXiv 1412.6980) on full gradients."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run

NAME, SUMMARY = "adam", "Adam, steps from 1/20 of an entry's size, falling by 0.5 % each"
STEP, FALL, MEAN, SQUARE = 0.05, 0.995, 0.9, 0.999


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Step along m̂/√v̂, in units of the entries of the start.

    A fixed step would end in oscillations of its own size.
    """
    X, mean, square = start, np.zeros_like(start), np.zeros_like(start)
    unit = STEP * np.linalg.norm(start) / np.sqrt(start.size)
    t = 0
    while True:
        t += 1
        _, gradient = problem.unchecked(X)
        mean = MEAN * mean + (1 - MEAN) * gradient
        square = SQUARE * square + (1 - SQUARE) * gradient**2
        corrected = np.sqrt(square / (1 - SQUARE**t))
        move = np.divide(mean / (1 - MEAN**t), corrected, where=corrected > 0, out=0 * X)
        X = X - unit * FALL**t * move
