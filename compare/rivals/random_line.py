"""Line search along random directions where descent stalls: a baseline of the SOD paper."""

from __future__ import annotations

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import UNBOUNDED, escaping_by_line

NAME, SUMMARY = "random-line", "descent; where it stalls, the best point on a random line"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Try random lines for ever."""

    def direction(X: FloatArray) -> FloatArray:
        return budget.random.standard_normal(X.shape)

    return Run(escaping_by_line(problem, start, direction, tries=UNBOUNDED))
