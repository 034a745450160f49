"""Perturbed gradient descent: noise where it stalls (Jin et al., arXiv 1703.00887)."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import descended

NAME, SUMMARY = "perturbed-gd", "gradient descent, noise of ‖X‖/10 where it stalls"
NOISE = 0.1  # of ‖X‖


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Descend, and push the end in a random direction, for ever."""
    X = start
    while True:
        X = descended(problem, X)
        push = budget.random.standard_normal(X.shape)
        X = X + NOISE * np.linalg.norm(X) * push / np.linalg.norm(push)
