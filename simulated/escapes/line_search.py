"""Line search along the two published directions: a geometric grid, then the quartic's minimum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    real_array,
    true_or_false,
    whole_number,
)

from ..points.line import LineQuartic
from ..span.path_length import check_path
from .result import Escape, EscapeReason
from .start import Start

SMALLEST_NORM = 1e-3
"""The grid is in units of ‖X̂‖_F, or of this if X̂ is smaller (published). X̂ is measured here by the
step at which A(t² D Dᵀ) is as large as b, so that the grid does not depend on units."""


@dataclass(frozen=True)
class LineSearch:
    """Search the lines X̂ ± t D, D = u_n q_rᵀ and A*A(E₀)X̂ normalised, for the lowest h.

    It is the published newest variant. h is an exact quartic on each line, so the grid costs three
    measurements a direction and not one a grid point.

    Attributes
    ----------
    grid_size : int
        Number of steps on either side.
    grid_range : (float, float)
        Smallest and largest step, in units of max(‖X̂‖_F, 1e-3).
    refine : bool
        Whether to move the best grid point to the lowest point of its quartic on the same side; of
        either side, where no grid point lowers h.
    """

    grid_size: int = 161
    grid_range: tuple[float, float] = (1e-6, 1e2)
    refine: bool = True

    def __post_init__(self) -> None:
        true_or_false("refine", self.refine)
        check_path("grid_size", whole_number("grid_size", self.grid_size, least=2), numbers=12)
        low, high = real_array("grid_range", self.grid_range, (2,))
        if not 0 < low < high:
            raise InvalidValue(
                f"grid_range: expected 0 < smallest < largest, got {self.grid_range}"
            )

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        grid = np.geomspace(*self.grid_range, self.grid_size)
        size_b = float(np.linalg.norm(start.problem.measurements))
        best: tuple[float, float, str, FloatArray] | None = None
        d = start.directions
        for kind, D in (("visible", d.visible), ("hidden", d.hidden)):
            length = float(np.linalg.norm(D))
            if length == 0:
                continue
            line = LineQuartic.along(start.problem, start.X, D / length)
            unit = float(np.linalg.norm(start.X))
            if (fourth := line.coefficients[4]) > 0:
                unit = max(unit, SMALLEST_NORM * (size_b / (2 * fourth) ** 0.5) ** 0.5)
            both = np.concatenate([-grid[::-1], grid]) * unit
            # The published choice is the best grid point; then the quartic's own minimum near it.
            t = float(both[np.argmin(line.relative_change(both))])
            if self.refine:
                t = _refined(line, t)
            value = float(line.change(t))
            if best is None or value < best[0]:
                best = (value, t, kind, D / length)
        assert best is not None  # the visible direction has unit norm
        _, t, kind, D = best
        point = start.X + t * D
        lower, value = start.lowers(point)
        if not lower:
            details = f"{2 * self.grid_size} steps along each of two directions"
            return start.failure(EscapeReason.NO_DECREASE, details=details)
        return start.success(point, value, kind, step=t)


def _refined(line: LineQuartic, t: float) -> float:
    """Return the lowest stationary step on the same side as t, if it is lower than t.

    Where t does not lower h it is the step nearest to zero, and rounding chose its side: then the
    lowest on either side.
    """
    steps = line.stationary_steps()
    if line.change(t) < 0:
        steps = steps[steps * t > 0]
    if len(steps) == 0:
        return t
    nearest = float(steps[np.argmin(line.relative_change(steps))])
    return nearest if line.change(nearest) < line.change(t) else t
