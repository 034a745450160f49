"""The lifted descent from one point, simulated in both ways, with what it leads to."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from lift_compare import simulated
from lift_compare.sensing import Instance, LiftSettings, SensingProblem
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import (
    MAX_ORDER,
    FloatArray,
    InvalidValue,
    positive,
    whole_number,
)
from lift_compare.simulated import AcceptanceRule
from lift_compare.simulated.span.default_step import default_rho, default_step_size
from lift_compare.simulated.span.path_length import check_steps

DEFAULT_STEPS = 1000
"""T of an instance without settings."""

_MOST_HALVINGS = 20
"""Of an η with which the truncated path leaves float64: each halves the digits of its growth."""

DEFAULT_ORDER = 3
"""Order of an instance without settings: the least at which there is something lifted."""


@dataclass(frozen=True)
class GivenSettings:
    """What a caller says of ρ, η and T; None where nothing is said."""

    rho: float | None = None
    eta: float | None = None
    steps: int | None = None

    @classmethod
    def of(
        cls,
        *,
        rho: float | None = None,
        eta: float | None = None,
        step_size: float | None = None,
        steps: int | None = None,
    ) -> GivenSettings:
        """Return them checked; a gradient step is the same as an η of twice its size.

        Raises
        ------
        TypeError, ValueError
            For a number that is not positive, both η and a gradient step, or more steps than a
            path can hold.
        """
        if step_size is not None:
            if eta is not None:
                raise InvalidValue("eta: expected one of step_size and eta = 2 step_size, got both")
            eta = LiftSettings.eta_of(positive("step_size", step_size))
        if steps is not None:
            steps = whole_number("steps", steps)
            check_steps("steps", steps, 3)
        return cls(
            None if rho is None else positive("rho", rho),
            None if eta is None else positive("eta", eta),
            steps,
        )

    def values(self) -> dict[str, Any]:
        """Return those that were given, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    def sources(self, instance: Instance) -> dict[str, str]:
        """Return where ρ, η and T of an instance come from, by name.

        They are "given", "published", "of the instance" (of a file, or of the catalogue) or
        "default".
        """
        published = "published" if instance.name in PUBLISHED else "of the instance"
        own = "default" if instance.settings is None else published
        given = self.values()
        return {field.name: "given" if field.name in given else own for field in fields(self)}


@dataclass(frozen=True, eq=False)
class SimulatedLift:
    """Both simulations at one point; each number is computed when it is first asked for.

    Attributes
    ----------
    problem : SensingProblem
        The problem.
    point : array (n, r)
        X̂.
    settings : LiftSettings
        Order, ρ, η and T.
    flip : bool
        Whether to take −u_n for u_n. An eigenvector has no sign of its own; neither is wrong.
    """

    problem: SensingProblem
    point: FloatArray
    settings: LiftSettings
    flip: bool = False

    @classmethod
    def with_defaults(
        cls,
        problem: SensingProblem,
        X: FloatArray,
        order: int,
        *,
        rho: float | None = None,
        eta: float | None = None,
        steps: int,
    ) -> SimulatedLift:
        """Return the lift with ρ and η that follow from the problem where they are not given.

        ρ ‖v̂‖ = 0.1 ‖ŵ‖, and η/2 is a step with which h^l falls at every one of the steps: neither
        depends on the units of X, A and b. The truncated path may grow at every step where the
        exact one falls; η is halved until h^l at its end is a float64, if that helps. OverflowError
        where they do not fit into float64.
        """
        span = simulated.SpanObjective(
            problem, simulated.escape_directions(problem, X).generators, order
        )
        if rho is None:
            rho = default_rho(span)
        if eta is None:
            step_size = default_step_size(span, [1.0, rho, 0.0], iterations=steps)
            eta = LiftSettings.eta_of(step_size)
            for halvings in range(_MOST_HALVINGS):
                lift = cls(problem, X, LiftSettings(order, rho, eta / 2**halvings, steps))
                with suppress(OverflowError):
                    lift.span.value(lift.truncated.coefficients[-1])
                    return lift
        return cls(problem, X, LiftSettings(order, rho, eta, steps))

    def flipped(self) -> SimulatedLift:
        """Return the same with the other sign of u_n."""
        return replace(self, flip=not self.flip)

    def over(self, steps: int) -> SimulatedLift:
        """Return the same over another number of steps."""
        if steps == self.settings.steps:
            return self
        return replace(self, settings=replace(self.settings, steps=steps))

    # What is known at X̂ --------------------------------------------------------------------------

    @cached_property
    def directions(self) -> simulated.EscapeDirections:
        """Base, visible and hidden direction."""
        found = simulated.escape_directions(self.problem, self.point)
        return found.flipped() if self.flip else found

    @cached_property
    def span(self) -> simulated.SpanObjective:
        """h^l on the span of their powers."""
        order = self.settings.order
        return simulated.SpanObjective(self.problem, self.directions.generators, order)

    @cached_property
    def surrogate(self) -> simulated.DiagonalSurrogate:
        """The diagonal surrogate on the same span."""
        order = self.settings.order
        return simulated.DiagonalSurrogate(self.problem, self.directions.generators, order)

    def curvature(self, order: int | None = None) -> float:
        """Return ⟨v̂, ∇²h^l(ŵ)[v̂]⟩ along the visible tensor v̂, at this order or another."""
        order = self.settings.order if order is None else order
        return simulated.curvature_along(self.problem, self.point, self.directions.visible, order)

    @cached_property
    def saddle_order(self) -> int | None:
        """The least order up to 1001 at which ŵ is a strict saddle along the visible direction."""
        return simulated.smallest_saddle_order(
            self.problem, self.point, largest=MAX_ORDER, directions=self.directions
        )

    @cached_property
    def product_oracle(self) -> simulated.OracleDirection:
        """The rank-one power of least curvature at ŵ, V*."""
        return simulated.oracle_direction(self.problem, self.point, self.settings.order)

    @cached_property
    def order_of_powers(self) -> simulated.SaddleOrder:
        """The least order with negative curvature along some power: found, and certified below."""
        return simulated.saddle_order(self.problem, self.point)

    # The two paths -------------------------------------------------------------------------------

    @cached_property
    def exact(self) -> simulated.SpanDescent:
        """The exact simulation, T steps of size η/2 from w_escape = ŵ + ρ v̂."""
        s = self.settings
        return simulated.descend(self.span, s.start, step_size=s.step_size, iterations=s.steps)

    @cached_property
    def truncated(self) -> simulated.TruncatedPath:
        """The published closed form, T steps from the same start."""
        s = self.settings
        return simulated.truncated_coefficients(
            self.directions, s.order, rho=s.rho, eta=s.eta, steps=s.steps
        )

    def truncation_error(self, step: int = -1) -> float:
        """Return what the truncation leaves out of the projected gradient at a step of its path."""
        state = self.truncated.coefficients[step]
        return simulated.truncation_error(self.span, self.directions, state)

    # What they collapse to -----------------------------------------------------------------------

    def exact_collapse(self) -> FloatArray:
        """Return the matrix to which the end of the exact simulation collapses, shape (n, r)."""
        last = self.exact.coefficients[-1]
        return simulated.collapse(self.directions.generators, last, self.settings.order)

    def published_collapse(
        self, rule: AcceptanceRule = AcceptanceRule.CODE, *, surrogate: bool = False
    ) -> simulated.PublishedCollapse:
        """Return the published collapse of the truncated state at T, accepted or not."""
        return simulated.published_collapse(
            self.problem,
            self.directions,
            self.settings.order,
            self.truncated.coefficients[-1],
            rule=rule,
            objective=self.surrogate if surrogate else self.span,
        )


def order_of(instance: Instance) -> int:
    """Return the lifting order of an instance's settings, or the default one."""
    return DEFAULT_ORDER if instance.settings is None else instance.settings.order


def lift_of(
    instance: Instance,
    X: FloatArray,
    order: int | None = None,
    given: GivenSettings = GivenSettings(),
) -> SimulatedLift:
    """Return the lift at X̂ with what is given, what the instance says, or what its problem does."""
    order, own = order or order_of(instance), instance.settings
    if own is None:
        said = {"steps": DEFAULT_STEPS} | given.values()
        return SimulatedLift.with_defaults(instance.problem, X, order, **said)
    return SimulatedLift(instance.problem, X, replace(own, order=order, **given.values()))
