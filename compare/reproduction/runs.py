"""One instance with the runs that its figures and its comparisons with printed numbers need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from lift_compare import sensing, simulated
from lift_compare.sensing import Backtracking, Descent, DescentSettings, Instance, SensingProblem
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import FloatArray

from ..simulated_lift import SimulatedLift, lift_of

START = np.array([1.0, 0.0, 0.0])
"""Coefficients of ŵ relative to (base, visible, hidden)."""

Walk = tuple[Descent, FloatArray]
"""A descent with all its points, shape (iterations + 1, n, r)."""


@dataclass(frozen=True, eq=False)
class Runs:
    """An instance at its settings; each run is made when it is first asked for.

    Attributes
    ----------
    instance : Instance
        The instance.
    exact_steps : int
        Largest number of steps of the exact simulation.
    seed : int
        Seed of the search for a point, where the instance has none.
    """

    instance: Instance
    exact_steps: int = 1_000_000
    seed: int = 0

    @property
    def problem(self) -> SensingProblem:
        """The problem."""
        return self.instance.problem

    def distance(self, X: FloatArray) -> float | None:
        """Return the distance to the truth, where that is known."""
        return None if self.problem.ground_truth is None else float(self.problem.distance(X))

    # The point, and the lift there ---------------------------------------------------------------

    @cached_property
    def point(self) -> FloatArray:
        """X̂ as published: printed, or the end of gradient descent. Of your own, made stationary."""
        if self.instance.name not in PUBLISHED:
            return self.instance.stationary_point(seed=self.seed)
        known = self.instance.known_point
        return self.before[0].point if known is None else known

    @cached_property
    def stationary(self) -> FloatArray:
        """X̂ made stationary to rounding."""
        return sensing.polish(self.problem, self.point)

    @cached_property
    def lift(self) -> SimulatedLift:
        """Both simulations from X̂ as published."""
        return lift_of(self.instance, self.point)

    @cached_property
    def flipped(self) -> SimulatedLift:
        """The same with −u_n."""
        return self.lift.flipped()

    @cached_property
    def at_stationary(self) -> SimulatedLift:
        """The same from the point made stationary."""
        return replace(self.lift, point=self.stationary)

    @cached_property
    def exact(self) -> simulated.SpanDescent:
        """The exact simulation, as far as `exact_steps` allows."""
        settings = self.lift.settings
        if settings.steps > self.exact_steps:
            return replace(self.lift, settings=replace(settings, steps=self.exact_steps)).exact
        return self.lift.exact

    @cached_property
    def collapse(self) -> simulated.PublishedCollapse:
        """The published collapse, whether or not a rule accepts it."""
        return self.lift.published_collapse()

    @cached_property
    def escape(self) -> simulated.Escape:
        """The escape of this toolkit: from the stationary point, exact."""
        return simulated.escape(self.problem, self.stationary, method="exact")

    # Gradient descent before and after -----------------------------------------------------------

    @cached_property
    def descent(self) -> DescentSettings:
        """The published descent; without one, from near X̂ with backtracking."""
        if self.instance.descent is not None:
            return self.instance.descent
        near = 0.1 * float(np.linalg.norm(self.point) / np.sqrt(self.point.size))
        return DescentSettings(self.point, near, self.seed, Backtracking(), before=300, after=300)

    def walk(self, start: FloatArray, iterations: int) -> Walk:
        """Run gradient descent with the published step, and keep all points."""
        points: list[FloatArray] = []
        descent = sensing.gradient_descent(
            self.problem,
            start,
            step_size=self.descent.step_size,
            max_iterations=iterations,
            callback=lambda _, X, *__: points.append(X),
        )
        return descent, np.array(points)

    @cached_property
    def before(self) -> Walk:
        """From the published start, up to the escape."""
        return self.walk(self.descent.start(), self.descent.before)

    @cached_property
    def onward(self) -> Walk:
        """On from there without an escape, for as many iterations as after one."""
        return self.walk(self.before[0].point, self.descent.after)

    @cached_property
    def after_published(self) -> Walk:
        """From the point of the published collapse, accepted or not."""
        return self.walk(self.collapse.point, self.descent.after)

    @cached_property
    def after_exact(self) -> Walk | None:
        """From the exact escape, if there is one."""
        return self.walk(self.escape.point, self.descent.after) if self.escape.found else None
