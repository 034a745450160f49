"""What a row says about its point X̂ and about where an escape led, and its notes.

A number can be rounding: every row says in words whether its point is worth an escape, and whether
something on the way left float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lift_compare.sensing import (
    SensingProblem,
    StepRule,
    StopReason,
    gradient_descent,
    relative_gradient_norm,
)
from lift_compare.sensing.spectrum import least_eigenpairs
from lift_compare.sensing.tolerances import NEARLY_STATIONARY, NEGATIVE_EIGENVALUE
from lift_compare.sensing.validation import FloatArray

SCALE_FREE = "scale-free"
"""In the place of ρ or η: the value that follows from the scales of the problem at X̂."""

NOTHING_TO_ESCAPE = "X̂ is not spurious: there is nothing to escape from"


def facts_before(problem: SensingProblem, X: FloatArray, stop: StopReason | None) -> dict[str, Any]:
    """Return what is known at X̂; `stop` is how the descent ended that led there, if one did.

    `spurious`: X̂ is stationary, neither solved nor near the truth, and λ_n < 0 beyond rounding, so
    that a PSD matrix lies lower. None if it is not stationary; False where the descent diverged.
    """
    h = problem.objective(X)
    share = h / problem.objective_at_zero
    gradient = relative_gradient_norm(problem, X)
    value, negative = _least_eigenvalue(problem, X)
    solved, near = problem.is_solved(X), near_truth(problem, X)
    diverged = stop is StopReason.DIVERGED
    notes = {
        "the descent to X̂ diverged, X̂ is its last finite point": diverged,
        f"X̂ solves the problem: h is {share:.1e} of ½‖b‖²": solved,
        f"X̂ is near the truth: h is {share:.1e} of ½‖b‖²": near and not solved,
        "λ_n is not negative beyond rounding": negative is False and not solved,
        "λ_n was not found": negative is None,
        f"X̂ is not stationary: ‖∇h‖ is {gradient:.1e} of its terms": (
            gradient > NEARLY_STATIONARY and not solved
        ),
    }
    spurious = negative if gradient <= NEARLY_STATIONARY else None
    if diverged or solved or near:
        spurious = False
    return {
        "h_before": h,
        "h_before_relative": share,
        "distance_before": distance(problem, X),
        "relative_gradient_norm": gradient,
        "lambda_n": value,
        "spurious": spurious,
        "solved_before": solved,
        "near_truth_before": near,
        "descent_stop": None if stop is None else str(stop),
        "note": said(notes),
    }


def _least_eigenvalue(problem: SensingProblem, X: FloatArray) -> tuple[float | None, bool | None]:
    """Return λ_n and whether it is negative beyond the rounding of its two terms."""
    try:
        pairs = least_eigenpairs(problem, X)
    except ArithmeticError:  # a Lanczos run that does not converge
        return None, None
    u, measure = pairs.vectors, problem.operator.measure
    along = measure(u, u)
    terms = abs(float(along @ measure(X, X))) + abs(float(along @ problem.measurements))
    value = float(pairs.values[0])
    return value, value < -NEGATIVE_EIGENVALUE * terms


def facts_after(
    problem: SensingProblem, escaped: FloatArray, step_size: float | StepRule, iterations: int
) -> dict[str, Any]:
    """Return what the escape led to, and where gradient descent goes from there."""
    try:
        h = problem.objective(escaped) if np.all(np.isfinite(escaped)) else None
    except OverflowError:
        h = None
    if h is None:
        stop = "the collapsed point is beyond float64"
        return {"gd_stop": stop, "solved": False, "near_truth": False, "note": stop}
    end = gradient_descent(problem, escaped, step_size=step_size, max_iterations=iterations)
    diverged = end.stop_reason is StopReason.DIVERGED
    return {
        "h_collapsed": h,
        "distance_collapsed": distance(problem, escaped),
        # The last finite value of a descent that diverges means nothing.
        "h_final": None if diverged else end.objective,
        "distance_final": None if diverged else distance(problem, end.point),
        "gd_stop": str(end.stop_reason),
        "solved": problem.is_solved(end.point),
        "near_truth": near_truth(problem, end.point),
        "note": "the descent after the escape diverged" if diverged else None,
    }


def said(notes: Mapping[str, object]) -> str | None:
    """Return the notes that apply as one text."""
    return "; ".join(note for note, applies in notes.items() if applies) or None


def together(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return results in one dict, with all their notes."""
    whole = {name: value for part in parts for name, value in part.items()}
    notes = {str(part["note"]): True for part in parts if part.get("note")}
    return whole | {"note": said(notes)}


def distance(problem: SensingProblem, X: FloatArray) -> float | None:
    """Return ‖XXᵀ − ZZᵀ‖, or None without a ground truth or beyond float64."""
    try:
        return None if problem.ground_truth is None else float(problem.distance(X))
    except OverflowError:
        return None


def near_truth(problem: SensingProblem, X: FloatArray) -> bool | None:
    """Return whether the distance is below 1 % of ‖ZZᵀ‖, or None without a ground truth."""
    try:
        return None if problem.ground_truth is None else problem.is_near_truth(X)
    except OverflowError:
        return False
