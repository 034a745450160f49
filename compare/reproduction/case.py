"""One published instance with all that its figures and its comparisons with the published numbers need."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np

from lift_compare import simulated
from lift_compare.sensing import Descent, SensingProblem, gradient_descent, polish
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import AcceptanceRule, EscapeDirections, PublishedCollapse

from ..published import PUBLISHED, PublishedInstance

START = np.array([1.0, 0.0, 0.0])
"""Coefficients of ŵ relative to (base, visible, hidden)."""


class Case:
    """A published instance at its published settings; each number is computed when it is first asked for.

    Parameters
    ----------
    name : str
        Key in `compare.published.PUBLISHED`.
    exact_steps : int
        Largest number of steps of the exact simulation.
    """

    def __init__(self, name: str, *, exact_steps: int = 1_000_000) -> None:
        self.instance: PublishedInstance = PUBLISHED[name]
        self.problem: SensingProblem = self.instance.build()
        self._exact_steps = exact_steps

    # The published point, and the lifted problem there

    @cached_property
    def point(self) -> FloatArray:
        """X̂ as published: printed, or the end of gradient descent."""
        return (
            self.before[0].point
            if self.instance.stationary is None
            else self.instance.stationary_point()
        )

    @cached_property
    def stationary(self) -> FloatArray:
        """X̂ made stationary to rounding."""
        return polish(self.problem, self.point)

    @cached_property
    def directions(self) -> EscapeDirections:
        """The directions at X̂ as published."""
        return simulated.escape_directions(self.problem, self.point)

    @cached_property
    def flipped(self) -> EscapeDirections:
        """The same with −u_n: an eigenvector has no sign of its own, and neither choice is wrong."""
        d = self.directions
        return replace(d, eigenvectors=-d.eigenvectors, visibles=-d.visibles, hiddens=-d.hiddens)

    @cached_property
    def span(self) -> simulated.SpanObjective:
        """h^l on the span of the published generators."""
        return simulated.SpanObjective(
            self.problem, self.directions.generators, self.instance.order
        )

    @cached_property
    def surrogate(self) -> simulated.DiagonalSurrogate:
        """The diagonal surrogate on the same span."""
        return simulated.DiagonalSurrogate(
            self.problem, self.directions.generators, self.instance.order
        )

    # The two simulations, and what they collapse to

    @cached_property
    def truncated(self) -> simulated.TruncatedPath:
        """The published closed form at the published settings."""
        i = self.instance
        return simulated.truncated_coefficients(
            self.directions, i.order, rho=i.rho, eta=i.eta, steps=i.steps
        )

    @cached_property
    def exact(self) -> simulated.SpanDescent:
        """The exact simulation from the same start. Its step is η/2: the η of the truncated recursion is twice it."""
        i = self.instance
        steps = min(i.steps, self._exact_steps)
        return simulated.descend(
            self.span, [1.0, i.rho, 0.0], step_size=i.eta / 2, iterations=steps
        )

    def collapse(
        self,
        rule: AcceptanceRule = AcceptanceRule.CODE,
        *,
        surrogate: bool = False,
        flipped: bool = False,
    ) -> PublishedCollapse:
        """Return the published collapse of the truncated state at the published number of steps."""
        directions = self.flipped if flipped else self.directions
        return simulated.published_collapse(
            self.problem, directions, self.instance.order, self.truncated.coefficients[-1],
            rule=rule, surrogate=surrogate,
        )  # fmt: skip

    @cached_property
    def escape(self) -> simulated.Escape:
        """The escape of this toolkit, at the exactly stationary point: smallest saddle order, exact collapse."""
        return simulated.escape(self.problem, self.stationary, method="exact")

    # Gradient descent before and after

    def walk(self, start: FloatArray, steps: int) -> tuple[Descent, FloatArray]:
        """Run gradient descent with the published step; return it with all its points, shape (steps + 1, n, 1)."""
        points: list[FloatArray] = []
        descent = gradient_descent(
            self.problem,
            start,
            step_size=self.instance.gd_step,
            max_iterations=steps,
            callback=lambda _, X, *__: points.append(X),
        )
        return descent, np.array(points)

    @cached_property
    def before(self) -> tuple[Descent, FloatArray]:
        """Gradient descent from the published start, up to the escape."""
        return self.walk(self.instance.start(), self.instance.gd_before)

    @cached_property
    def onward(self) -> tuple[Descent, FloatArray]:
        """Gradient descent that goes on from there, for as many iterations as after the escape, without an escape."""
        return self.walk(self.before[0].point, self.instance.gd_after)

    @cached_property
    def after_published(self) -> tuple[Descent, FloatArray]:
        """Gradient descent from the point of the published collapse, taken whether or not a rule accepts it."""
        return self.walk(self.collapse().point, self.instance.gd_after)

    @cached_property
    def after_exact(self) -> tuple[Descent, FloatArray] | None:
        """Gradient descent from the exact escape, if there is one."""
        return self.walk(self.escape.point, self.instance.gd_after) if self.escape.found else None
