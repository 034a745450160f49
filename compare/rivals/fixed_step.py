"""Gradient descent on h with a fixed step."""

from __future__ import annotations

from lift_compare.sensing import SensingProblem, Stall, gradient_descent
from lift_compare.sensing.validation import FloatArray

from .definition import Budget, Run
from .shared import UNBOUNDED, fixed_step

NAME, SUMMARY = "gd-fixed", "gradient descent, step 1/(8 ‖A*(b)‖₂)"


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Descend until h has stopped falling, or a step was too long."""
    step = fixed_step(problem)
    end = gradient_descent(problem, start, step_size=step, max_iterations=UNBOUNDED, stall=Stall())
    return Run(end.point, {"step_size": step, "stop": str(end.stop_reason)})
