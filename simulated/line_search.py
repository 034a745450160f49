"""Line search along the two published directions, on a geometric grid and then to the minimum of the quartic."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, whole_number

from .directions import EscapeDirections, escape_directions
from .escape_result import MINIMUM_DECREASE, Attempt, Escape, EscapeReason
from .line import LineQuartic

SMALLEST_NORM = 1e-3
"""The grid is in units of ‖X̂‖_F, or of this if X̂ is smaller (published)."""


def line_search_escape(
    problem: SensingProblem,
    X: Any,
    *,
    grid_size: int = 161,
    grid_range: tuple[float, float] = (1e-6, 1e2),
    refine: bool = True,
    minimum_decrease: float = MINIMUM_DECREASE,
    directions: EscapeDirections | None = None,
) -> Escape:
    """Search the lines X̂ ± t D, D = u_n q_rᵀ and A*A(E₀)X̂ normalised, for the lowest h (published newest variant).

    h is an exact quartic on each line, so the grid costs three measurements a direction and not one
    a grid point. `refine` then moves the best grid point to the nearest minimum of its quartic. See
    `escape` for the parameters.
    """
    attempt = Attempt.at(problem, X, "line-search", minimum_decrease)
    grid_size = whole_number("grid_size", grid_size, least=2)
    low, high = (float(bound) for bound in grid_range)
    if not 0 < low < high < np.inf:
        raise ValueError(f"grid_range: expected 0 < smallest < largest, got {grid_range}")
    d = escape_directions(problem, attempt.X) if directions is None else directions
    if not attempt.spurious(d):
        return attempt.failure(
            EscapeReason.NO_NEGATIVE_EIGENVALUE, details=f"λ_n = {d.eigenvalue:.3g}"
        )

    steps = np.geomspace(low, high, grid_size) * max(
        float(np.linalg.norm(attempt.X)), SMALLEST_NORM
    )
    both = np.concatenate([-steps[::-1], steps])
    best: tuple[float, float, str, FloatArray] | None = None
    for kind, D in (("visible", d.visible), ("hidden", d.hidden)):
        length = float(np.linalg.norm(D))
        if length == 0:
            continue
        line = LineQuartic(problem, attempt.X, D / length)
        change = line.change(both)
        t = float(both[np.argmin(change)])
        if refine:
            t = _refined(line, t)
        value = float(line.change(t))
        if best is None or value < best[0]:
            best = (value, t, kind, D / length)
    assert best is not None  # the visible direction has unit norm
    _, t, kind, D = best
    point = attempt.X + t * D
    lower, value = attempt.lowers(point)
    if not lower:
        return attempt.failure(
            EscapeReason.NO_DECREASE, details=f"{2 * grid_size} steps along each of two directions"
        )
    return attempt.success(point, value, kind, step=t)


def _refined(line: LineQuartic, t: float) -> float:
    """Return the lowest stationary step on the same side as t, if it is lower than t."""
    steps = line.stationary_steps()
    steps = steps[steps * t > 0]
    if len(steps) == 0:
        return t
    nearest = float(steps[np.argmin(line.change(steps))])
    return nearest if line.change(nearest) < line.change(t) else t
