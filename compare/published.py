"""The three published instances with their published settings (SOD paper, arXiv 2602.05887)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lift_compare import sensing
from lift_compare.sensing import Descent, SensingProblem, gradient_descent
from lift_compare.sensing.validation import FloatArray


@dataclass(frozen=True)
class PublishedInstance:
    """A published instance: the problem, how its spurious point is reached, and the settings of the simulated lift.

    Attributes
    ----------
    name : str
        Key in `PUBLISHED`.
    build : callable
        Returns the SensingProblem.
    order, rho, eta, steps : int, float, float, int
        Lifting order l, initial weight ρ of the visible direction, step η of the truncated recursion, its steps T.
    gd_step, gd_before, gd_after : float, int, int
        Step size of gradient descent and its iterations before and after the escape.
    centre : tuple of float
        The published start is centre + spread · N(0, 1) from numpy's default_rng(seed).
    spread : float
        Scale of the normal draw.
    seed : int
        Seed of the draw.
    stationary : tuple of float or None
        X̂ as published; None where the end of gradient descent is used.
    """

    name: str
    build: Callable[[], SensingProblem]
    order: int
    rho: float
    eta: float
    steps: int
    gd_step: float
    gd_before: int
    gd_after: int
    centre: tuple[float, ...]
    spread: float
    seed: int
    stationary: tuple[float, ...] | None = None

    def start(self) -> FloatArray:
        """Return the published start of gradient descent, shape (n, 1)."""
        draw = np.random.default_rng(self.seed).standard_normal((len(self.centre), 1))
        return np.array(self.centre)[:, None] + self.spread * draw

    def descent(self) -> Descent:
        """Run the published gradient descent from the published start."""
        return gradient_descent(
            self.build(), self.start(), step_size=self.gd_step, max_iterations=self.gd_before
        )

    def stationary_point(self) -> FloatArray:
        """Return the X̂ that the published numbers were computed at, shape (n, 1); `sensing.polish` makes it exact."""
        return (
            self.descent().point if self.stationary is None else np.array(self.stationary)[:, None]
        )


PUBLISHED: dict[str, PublishedInstance] = {
    instance.name: instance
    for instance in (
        PublishedInstance(
            "two-by-two", sensing.two_by_two, 3, 0.1, 0.01, 660, 0.01, 300, 200,
            (0.0, 2**-0.5), 0.06, 327, (0.0, 2**-0.5),
        ),
        PublishedInstance(
            "perturbed-completion", sensing.perturbed_completion, 11, 0.3, 0.01, 59000, 0.001, 6000, 1500,
            (0.0, 0.0, 0.0), 0.01, 10086,
        ),
        PublishedInstance(
            "real-system", sensing.real_system, 5, 0.1, 0.1, 150000, 0.1, 100, 100,
            (0.2234, 0.0918, 0.5985), 1.0, 0, (0.2234, 0.0918, 0.5985),
        ),
    )
}  # fmt: skip
"""The published instances by name."""
