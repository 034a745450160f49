"""Line search along the gradient where descent stalls: a baseline of the SOD paper."""

from __future__ import annotations

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import escaping_by_line

NAME, SUMMARY = "gradient-line", "descent; where it stalls, the best point along −∇h"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Try the line of the gradient, at every stall once."""
    return Run(escaping_by_line(problem, start, problem.gradient, tries=1))
