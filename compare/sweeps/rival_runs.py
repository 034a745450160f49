"""The evaluation "rival": one run of one rival on one instance from one start."""

from __future__ import annotations

import hashlib
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import model_validator

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, InvalidValue

from ..rivals.definition import attempt
from ..rivals.registry import find_rival
from ..rivals.shared import new_start
from .facts import near_truth
from .point import InstanceSettings
from .settings import Positive, Seed

BUDGET = 2000.0
"""Gradients that a run may spend."""


class RivalSettings(InstanceSettings):
    """Which rival on which instance, from where.

    `rival` is the name of a rival or a file that ends in .py; `rival_digest` is then that of its
    content. `start` is "random" (normal, scaled to ‖A(XXᵀ)‖ = ‖b‖) or "point" (X̂, made
    stationary); `run` numbers the starts of one instance, and seeds the rival.
    """

    rival: str
    rival_digest: str | None = None
    start: Literal["random", "point"] = "random"
    run: Seed = 0
    gradients: Positive = BUDGET

    @model_validator(mode="after")
    def _find_the_rival(self) -> Self:
        find_rival(self.rival)
        if self.rival.endswith(".py"):
            digest = hashlib.sha256(Path(self.rival).read_bytes()).hexdigest()[:16]
            if self.rival_digest not in (None, digest):
                raise InvalidValue(f"rival: {self.rival} has changed since the sweep was made")
            self.rival_digest = digest
        return self

    def first_point(self, problem: SensingProblem) -> FloatArray:
        """Return where the run starts: the same point for every rival."""
        if self.start == "point":
            return self.load().stationary_point(seed=self.run)
        return new_start(problem, np.random.default_rng((self.seed or 0, self.run, 2)))


def rival_run(**settings: Any) -> dict[str, Any]:
    """Run a rival; say what became of it, and what it cost."""
    s = RivalSettings(**settings)
    rival = find_rival(s.rival)
    if rival.missing:
        outcome = f"not installed: {', '.join(rival.missing)}"
        return {"outcome": outcome, "solved": None, "name": rival.name}
    problem = s.load().problem
    try:
        start = s.first_point(problem)
    except InvalidValue as not_found:  # no descent came to a stationary point
        return {"outcome": "no X̂ was found", "solved": None, "note": str(not_found)}
    if s.start == "point" and (problem.is_solved(start) or near_truth(problem, start)):
        return {"outcome": "X̂ is the truth", "solved": None}
    for module in rival.needs:  # which may take a second, and is no part of a run
        import_module(module)
    begin = time.perf_counter()
    end = attempt(rival, problem, start, gradients=s.gradients, seed=(s.seed or 0, s.run, 3))
    seconds = time.perf_counter() - begin
    return {
        "outcome": end.ending,
        "name": rival.name,
        "solved": end.ending == "solved",
        "near_truth": near_truth(problem, end.point),
        "spent": end.budget.spent,
        "by_clock": end.budget.by_clock,
        "run_seconds": seconds,
        "h_relative": float(problem.objective_or_inf(end.point)) / problem.objective_at_zero,
        "details": end.details,
    }
