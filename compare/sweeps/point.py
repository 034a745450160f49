"""The settings that lead to a stationary point X̂, and what is known there and after an escape."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from lift_compare import sensing
from lift_compare.sensing import (
    Backtracking,
    DescentSettings,
    Instance,
    LiftSettings,
    SensingProblem,
    StopReason,
)
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.instances.registry import CATALOGUE, source_file, split_instance
from lift_compare.sensing.validation import FloatArray, InvalidValue

from ..simulated_lift import SimulatedLift
from .facts import SCALE_FREE, facts_after, facts_before
from .settings import Count, Order, Positive, Seed, Settings

MAX_ENTRIES = 10**8
"""An instance with more stored numbers than this (0.8 GB) is refused, before it is built."""

_PARAMETERS = (
    *("n", "epsilon", "m", "rank", "seed"),
    *("delta", "theta", "k", "q", "t", "graph", "without", "n1", "n2", "angle", "length"),
)

INSTANCE_SETTINGS = ("instance", "digest", *_PARAMETERS)
"""The settings that say which instance it is."""

_Size = Annotated[int, Field(ge=1, le=100_000_000)]

_DESCENT = DescentSettings(
    np.zeros((1, 1)), spread=0.5, seed=0, step_size=0.05, before=2000, after=2000
)


class InstanceSettings(Settings):
    """Which instance; parameters that are left out are filled in.

    `instance` is a name of the catalogue, alone (with n, m, ... as settings) or as
    `name:key=value,...`, a file, or `module:function`; `digest` is then that of the content of the
    file or of the module, so that a changed file is another instance.
    """

    instance: str
    digest: str | None = None
    n: _Size | None = None
    epsilon: Positive | None = None
    m: _Size | None = None
    rank: Annotated[int, Field(ge=1, le=1_000)] | None = None
    seed: Seed | None = None
    delta: Positive | None = None
    theta: Positive | None = None
    k: _Size | None = None
    q: _Size | None = None
    t: Positive | None = None
    graph: str | None = None
    without: str | None = None
    n1: _Size | None = None
    n2: _Size | None = None
    angle: Positive | None = None
    length: Positive | None = None

    @model_validator(mode="before")
    @classmethod
    def _split_the_instance(cls, data: Any) -> Any:
        """Turn `name:key=value,...` into settings."""
        text = data.get("instance") if isinstance(data, Mapping) else None
        if not isinstance(text, str) or text.partition(":")[0] not in CATALOGUE:
            return data
        name, parameters = split_instance(text)
        for key in parameters:
            if data.get(key) is not None:
                raise InvalidValue(f"{key}: given twice, by the instance and as a setting")
        return {**data, **parameters, "instance": name}

    @model_validator(mode="after")
    def _complete_the_instance(self) -> Self:
        """Fill in what follows from the instance; refuse settings that it does not have."""
        known = self._parameters()
        for name in _PARAMETERS:
            value = getattr(self, name)
            if value is not None and name not in known and name != "seed":
                raise InvalidValue(f"{name}: the instance {self.instance!r} has no such setting")
            if value is None and known.get(name) is inspect.Parameter.empty:
                raise InvalidValue(
                    f"{name}: the instance {self.instance!r} needs this setting, it is missing"
                )
            if value is None and name in known:
                setattr(self, name, known[name])
        self._check_the_sizes()
        return self

    def _parameters(self) -> Mapping[str, Any]:
        """Return the parameters of the instance with their defaults; a file has none."""
        if self.instance in CATALOGUE:
            build, _ = CATALOGUE[self.instance]
            return {p.name: p.default for p in inspect.signature(build).parameters.values()}
        source = source_file(self.instance)
        if source is None:
            split_instance(self.instance)  # which says what there is instead
            raise AssertionError(self.instance)
        content = digest_of(source)
        if self.digest not in (None, content):
            raise InvalidValue(f"instance: {self.instance} has changed since the sweep was made")
        self.digest = content
        return {}

    def _check_the_sizes(self) -> None:
        n = self.n or 2 * (self.k or 0) or (self.n1 or 0) + (self.n2 or 0) or 1
        m, rank = self.m or 1, self.rank or 1
        if self.instance == "block-completion":
            n *= rank
        if self.n and rank > n:
            raise InvalidValue(f"rank: expected at most n = {n}, got {rank}")
        stored = 10 * n if self.instance == "sparse-completion" else n**2 * m
        if stored > MAX_ENTRIES:
            most = f"expected an instance of at most {MAX_ENTRIES} numbers"
            raise InvalidValue(f"n: {most}, got {stored}")

    def example(self) -> Instance:
        """Return an instance of this kind with the same settings; of a family a small one."""
        return _example(self.instance, self.digest)

    def load(self) -> Instance:
        """Return the instance."""
        if self.instance not in CATALOGUE:
            return sensing.parse_instance(self.instance)
        known = self._parameters()
        return sensing.instance(self.instance, **{name: getattr(self, name) for name in known})


class PointSettings(InstanceSettings):
    """The same with how to come to its point.

    `point` is "known" (printed or stored), "descent" (the end of gradient descent from
    centre + spread · N(0, 1)), or "search" (`sensing.spurious_point`).
    """

    point: Literal["known", "descent", "search"] | None = None
    spread: Annotated[float, Field(ge=0)] | None = None
    gd_step: Positive | None = None
    gd_before: Count | None = None
    polish: bool = False

    @model_validator(mode="after")
    def _complete_the_point(self) -> Self:
        """Say how X̂ is reached: as published, or by the defaults."""
        example = self.example()
        own = example.descent
        if self.point is None:
            self.point = "search" if own is None else "descent"
            if example.known_point is not None:
                self.point = "known"
        if self.point == "known" and example.known_point is None:
            raise InvalidValue(
                f"point: the instance {self.instance!r} has no known X̂; use 'descent' or 'search'"
            )
        if own is not None or self.point == "descent":
            used = own or _DESCENT
            step = used.step_size if isinstance(used.step_size, float) else None  # backtracking
            defaults = {"spread": used.spread, "gd_step": step, "gd_before": used.before}
            for name, value in ({"seed": used.seed} | defaults).items():
                if getattr(self, name) is None:
                    setattr(self, name, value)
        if self.point != "descent":  # nothing descends to X̂
            self.spread = self.gd_before = None
        if self.point == "known" and "seed" not in self._parameters():
            self.seed = None  # nothing is drawn either
        elif self.seed is None:
            self.seed = 0
        return self

    def descent(self, instance: Instance) -> DescentSettings:
        """Return the descent to X̂, where there is one."""
        own = instance.descent
        centre = np.zeros(instance.problem.shape) if own is None else own.centre
        # A family's seed gave its matrices; a stream of its own keeps the start apart from them.
        seed = (self.seed, 1) if "seed" in self._parameters() else self.seed
        spread, step, before = (getattr(self, name) for name in ("spread", "gd_step", "gd_before"))
        return DescentSettings(centre, spread, seed, step or Backtracking(), before, after=0)

    def stationary_point(self) -> FloatArray:
        """Return X̂, shape (n, r); the descent is made once a process."""
        return self._reached()[0].copy()

    def _reached(self) -> tuple[FloatArray, StopReason | None]:
        fields = set(PointSettings.model_fields)
        return _stationary_point(self.model_dump_json(include=fields))

    def before(self, problem: SensingProblem, X: FloatArray) -> dict[str, Any]:
        """Return what is known at X̂."""
        _, stop = self._reached()
        return facts_before(problem, X, stop)


class LiftedSettings(PointSettings):
    """The same with the settings of the lift."""

    order: Order | None = None
    rho: Positive | Literal["scale-free"] | None = None
    eta: Positive | Literal["scale-free"] | None = None
    steps: Annotated[int, Field(ge=0, le=10_000_000)] | None = None

    def fill(self, *names: str) -> None:
        """Fill in the settings named: those of the instance itself, or the defaults.

        ρ and η depend on the units of the problem: those of another instance would mean nothing.
        """
        example = self.example()
        published = example.descent is not None and self.instance in PUBLISHED
        after = (example.descent or _DESCENT).after
        if not published and self.gd_before is not None:
            after = self.gd_before
        own = self._own_settings()
        defaults = vars(own or LiftSettings()) | {"gd_after": after}
        if own is None:
            defaults |= {"rho": SCALE_FREE, "eta": SCALE_FREE}
        for name in names:
            if getattr(self, name) is None:
                setattr(self, name, defaults[name])

    def _own_settings(self) -> LiftSettings | None:
        """Return the published settings of this very instance, or those in its file."""
        if self.instance in CATALOGUE:
            known = self._parameters()
            as_published = all(getattr(self, name) == value for name, value in known.items())
            if self.instance not in PUBLISHED or not as_published:
                return None
        return self.example().settings

    def lift(self, problem: SensingProblem, X: FloatArray) -> LiftSettings:
        """Return the settings of the lift, ρ and η as numbers."""
        rho, eta = (None if isinstance(each, str) else each for each in (self.rho, self.eta))
        lift = SimulatedLift.with_defaults(
            problem, X, self.order or 1, rho=rho, eta=eta, steps=self.steps or 0
        )
        return lift.settings


class OnwardSettings(LiftedSettings):
    """The same with the number of iterations of gradient descent after an escape."""

    gd_after: Count | None = None

    def after(self, problem: SensingProblem, escaped: FloatArray) -> dict[str, Any]:
        """Return what the escape led to, and where gradient descent goes from there."""
        step_size = self.gd_step or Backtracking()
        return facts_after(problem, escaped, step_size, self.gd_after or 0)


@lru_cache(maxsize=64)
def _stationary_point(text: str) -> tuple[FloatArray, StopReason | None]:
    """Return X̂, and how the descent ended that led to it, if one did."""
    settings = PointSettings.model_validate_json(text)
    instance = settings.load()
    if settings.point == "search":
        return sensing.spurious_point(instance.problem, seed=settings.seed or 0), None
    X, stop = instance.known_point, None
    if settings.point == "descent":
        descent = settings.descent(instance).run(instance.problem)
        X, stop = descent.point, descent.stop_reason
    X = np.asarray(X)
    if settings.polish and stop is not StopReason.DIVERGED:
        X = sensing.polish(instance.problem, X)
    return X, stop


@cache
def _example(name: str, digest: str | None) -> Instance:
    """Return an instance of a kind; `digest` tells apart what a file held before."""
    if name not in CATALOGUE:
        return sensing.parse_instance(name)
    build, _ = CATALOGUE[name]
    needed = [
        p.name
        for p in inspect.signature(build).parameters.values()
        if p.default is inspect.Parameter.empty
    ]
    return sensing.instance(name, **dict.fromkeys(needed, 3))


def digest_of(path: Path) -> str:
    """Return a hash of the content of a file."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise InvalidValue(f"instance: {path} cannot be read: {error.strerror}") from error
