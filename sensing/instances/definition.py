"""What an instance is: a named problem with its point of interest and its settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ..descent import gradient_descent
from ..descent_result import Descent
from ..floats import finite, norm, silently
from ..polishing import polish, polished_point
from ..problem import SensingProblem
from ..spurious import spurious_point
from ..step_rules import Backtracking, StepRule
from ..tolerances import STATIONARY
from ..validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    locked,
    odd_order,
    positive,
    random_generator,
    real_array,
    shown,
    whole_number,
)

_LONGER = 20  # times its iterations, that a descent goes on for where it ended on a plateau


@dataclass(frozen=True)
class LiftSettings:
    """Settings of a lifted descent and of its simulations.

    Attributes
    ----------
    order : int
        The odd lifting order l.
    rho : float
        ρ > 0, the weight of the visible direction at the start ŵ + ρ v̂.
    eta : float
        η > 0, the step of the truncated recursion as published.
    steps : int
        T, the number of steps of the truncated recursion.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.LiftSettings(order=5, eta=0.1).step_size
    0.05
    """

    order: int = 3
    rho: float = 0.1
    eta: float = 0.01
    steps: int = 1000

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", odd_order(self.order))
        object.__setattr__(self, "rho", positive("rho", self.rho))
        object.__setattr__(self, "eta", positive("eta", self.eta))
        object.__setattr__(self, "steps", whole_number("steps", self.steps, least=0))

    @property
    def step_size(self) -> float:
        """η/2, the step of the gradient descent that the truncated recursion stands for.

        ∇h^l carries a factor 2, and the published recursion is written without it.
        """
        return self.eta / 2

    @staticmethod
    def eta_of(step_size: float) -> float:
        """Return the η that stands for a gradient step: twice it, see `step_size`."""
        return 2 * step_size

    @property
    def start(self) -> FloatArray:
        """Coefficients (1, ρ, 0) of w_escape = ŵ + ρ v̂ in (base, visible, hidden)^{⊗l}."""
        return np.array([1.0, self.rho, 0.0])


@dataclass(frozen=True, eq=False)
class DescentSettings:
    """How gradient descent comes to X̂, and goes on after an escape.

    Attributes
    ----------
    centre : array (n, r)
        The start is centre + spread · N(0, 1).
    spread : float
        Scale of the normal draw.
    seed : int or sequence of int
        Seed of `numpy.random.default_rng` for the draw.
    step_size : float or StepRule
        Step of the descent.
    before, after : int
        Iterations before and after the escape.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.instance("real-system").descent.start().shape
    (3, 1)
    """

    centre: FloatArray
    spread: float
    seed: Any
    step_size: float | StepRule
    before: int
    after: int

    def __post_init__(self) -> None:
        centre = locked(real_array("centre", self.centre, (None, None)))
        object.__setattr__(self, "centre", centre)
        object.__setattr__(self, "spread", positive("spread", self.spread, or_zero=True))
        if not hasattr(self.step_size, "step"):
            object.__setattr__(self, "step_size", positive("step_size", self.step_size))
        for name in ("before", "after"):
            object.__setattr__(self, name, whole_number(name, getattr(self, name), least=0))
        random_generator(self.seed)

    @silently
    def start(self) -> FloatArray:
        """Return the start, shape (n, r); OverflowError if it leaves float64."""
        draw = random_generator(self.seed).standard_normal(self.centre.shape)
        return np.asarray(finite("start", self.centre + self.spread * draw))

    def run(
        self, problem: SensingProblem, start: Any = None, iterations: int | None = None
    ) -> Descent:
        """Run the descent from its start up to the escape, or on from another point."""
        return gradient_descent(
            problem,
            self.start() if start is None else start,
            step_size=self.step_size,
            max_iterations=self.before if iterations is None else iterations,
        )


def backtracking_from(start: FloatArray) -> DescentSettings:
    """Return a descent from a point given, with backtracking."""
    return DescentSettings(
        start, spread=0.0, seed=0, step_size=Backtracking(), before=5000, after=5000
    )


@dataclass(frozen=True, eq=False, repr=False)
class Instance:
    """A named problem with a point of interest and, where there are any, published settings.

    Published and random instances and those read from files are all of this type
    (`sensing.instance`, `sensing.load_instance`), and every command takes them.

    Attributes
    ----------
    name : str
        As `sensing.parse_instance` understands it, such as "gaussian:n=5,m=6,seed=3".
    problem : SensingProblem
        The problem.
    known_point : array (n, r) or None
        X̂ as printed or stored.
    settings : LiftSettings or None
        Published settings of the simulated lift.
    descent : DescentSettings or None
        How gradient descent reaches X̂.
    facts : mapping
        What is known in closed form, printed, or proved: "objective" (h at X̂), "eigenvalue" (λ_n),
        "rip_constant" (δ_{2r}), "kind" (what ∇²h says of X̂: "minimum", where it is positive but for
        rotations; "degenerate", where it has further zeros; "saddle"), "saddle_order" (along the
        visible direction) and "oracle_order" (along the oracle direction), None: at no order.
    source : str
        Where it comes from.
    metadata : mapping
        What a file says beside the problem: every key that has no meaning here. Never used.
    notes : tuple of str
        What was assumed when it was read, in sentences for the reader.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> instance = sensing.instance("two-by-two")
    >>> instance
    Instance(two-by-two: n = 2, m = 3, r = 1; order 3, ρ = 0.1, η = 0.01, T = 660)
    >>> instance.point.ravel().round(4)
    array([0.    , 0.7071])
    """

    name: str
    problem: SensingProblem
    known_point: FloatArray | None = None
    settings: LiftSettings | None = None
    descent: DescentSettings | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.problem, SensingProblem):
            kind = type(self.problem).__name__
            raise InvalidType(f"problem: expected a SensingProblem, got {kind}")
        if self.known_point is not None:
            point = real_array("known_point", self.known_point, self.problem.shape)
            object.__setattr__(self, "known_point", locked(point))
        kinds: dict[str, type] = {"name": str, "facts": Mapping, "source": str}
        kinds |= {"metadata": Mapping, "notes": tuple}
        if self.settings is not None:
            kinds["settings"] = LiftSettings
        if self.descent is not None:
            kinds["descent"] = DescentSettings
        for name, kind in kinds.items():
            if not isinstance(value := getattr(self, name), kind):
                raise InvalidType(f"{name}: expected a {kind.__name__}, got {shown(value)}")
        plain = {
            key: value.item() if isinstance(value, np.generic) else value
            for key, value in self.facts.items()
        }
        object.__setattr__(self, "facts", plain)

    @cached_property
    def point(self) -> FloatArray | None:
        """X̂, shape (n, r): printed or stored, else where the descent ends, else None."""
        if self.known_point is not None or self.descent is None:
            return self.known_point
        return self.descent.run(self.problem).point

    def stationary_point(self, *, seed: int = 0) -> FloatArray:
        """Return X̂ made stationary to rounding, shape (n, r).

        A descent that ends too early goes on. Where the instance has no point, or its descent comes
        to none, descents from random starts look for a spurious one (`sensing.spurious_point`);
        `seed` is theirs.

        Raises
        ------
        TypeError, ValueError, OverflowError
            As `sensing.polish` and `sensing.spurious_point` do: where no stationary point is
            reached.
        """
        if self.point is None:
            return spurious_point(self.problem, seed=seed)
        if self.known_point is not None or self.descent is None:
            try:
                point = polish(self.problem, self.point)
            except InvalidValue as error:
                remedy = "without X, descents from random starts look for a point"
                raise InvalidValue(f"{error}; {remedy}") from error
        else:
            point, left = polished_point(self.problem, self.point)
            if left > STATIONARY:  # on a plateau: it goes on from there
                more = self.descent.run(self.problem, self.point, _LONGER * self.descent.before)
                point, left = polished_point(self.problem, more.point)
            if left > STATIONARY:
                return spurious_point(self.problem, seed=seed)
        if np.any(self.point) and not np.any(point):
            raise InvalidValue(
                "X: expected a point near a stationary one that is not zero, got one from which "
                f"Newton steps lead to X = 0 (‖X‖ = {norm(self.point):.2g})"
            )
        return point

    @property
    def label(self) -> str:
        """The name in plain letters, digits and hyphens, a letter first: for files and ids."""
        label = re.sub(r"[^A-Za-z0-9]+", "-", self.name)[:60].strip("-")
        return label if re.match("[A-Za-z]", label) else f"instance-{label}".strip("-")

    def __repr__(self) -> str:
        n, r = self.problem.shape
        words = f"Instance({self.name}: n = {n}, m = {self.problem.m}, r = {r}"
        if self.settings is not None:
            s = self.settings
            words += f"; order {s.order}, ρ = {s.rho:g}, η = {s.eta:g}, T = {s.steps}"
        if self.known_point is not None and self.problem.is_solved(self.known_point):
            words += "; its X̂ solves the problem"
        return words + ")"
