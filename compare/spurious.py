"""The way to a stationary point X̂ and away from it: which instance and start, which descent, and where it ends."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.sensing import SensingProblem, gradient_descent, polish, relative_gradient_norm
from lift_compare.sensing.validation import FloatArray

from .evaluations import Check, real, truth, whole, word
from .published import PUBLISHED

INSTANCES = (*PUBLISHED, "gaussian")

POINT_CHECKS: dict[str, Check] = {
    "instance": word(*INSTANCES),
    "n": whole(2, 100_000),
    "epsilon": real(),
    "m": whole(1, 1_000_000),
    "r": whole(1, 1_000),
    "seed": whole(0, 2**63 - 1),
    "point": word("published", "descent"),
    "spread": real(),
    "gd_step": real(),
    "gd_before": whole(0, 100_000_000),
    "polish": truth,
}
"""Checks of the settings of `Point`."""

POINT_DEFAULTS: dict[str, Any] = {
    **dict.fromkeys(POINT_CHECKS),
    "instance": inspect.Parameter.empty,
    "polish": False,
}
"""Defaults of the settings of `Point`; None stands for what `complete_point` fills in."""


MAX_ENTRIES = 10**8
"""An instance with more stored numbers than this (0.8 GB) is refused: n² weights, or m matrices of n² entries."""

SOLVED = 1e-2
"""A point counts as the truth when ‖XXᵀ − ZZᵀ‖_F is below this times ‖ZZᵀ‖_F."""


@dataclass(frozen=True)
class Point:
    """Where an evaluation takes place.

    Attributes
    ----------
    instance : str
        "two-by-two", "perturbed-completion", "real-system" or "gaussian".
    n, epsilon, m, r : int, float, int, int; or None
        Size n of perturbed completion and its weight ε; n, m and r of a Gaussian instance. None where the instance has
        no such setting.
    seed : int or None
        Seed of the start (and of a Gaussian instance); None where nothing is drawn.
    point : str
        "published" takes the printed X̂, "descent" the end of gradient descent.
    spread, gd_step, gd_before : float, float, int
        The start is centre + spread · N(0, 1); gradient descent makes gd_before steps of size gd_step. With a printed X̂
        there is no start, and spread and gd_before are None.
    polish : bool
        Whether Newton steps make the point stationary to rounding.
    """

    instance: str
    n: Any
    epsilon: Any
    m: Any
    r: Any
    seed: Any
    point: str
    spread: Any
    gd_step: float
    gd_before: Any
    polish: bool

    def problem(self) -> SensingProblem:
        """Return the instance."""
        if self.instance == "perturbed-completion":
            return sensing.perturbed_completion(self.n, self.epsilon)
        if self.instance == "gaussian":
            return sensing.gaussian(self.n, self.r, self.m, self.seed)
        return PUBLISHED[self.instance].build()

    def start(self) -> FloatArray:
        """Return the start of gradient descent, shape (n, r)."""
        if self.instance == "gaussian":
            # The seed alone gave the matrices; a stream of its own keeps the start independent of
            # them.
            draw = np.random.default_rng([self.seed, 1]).standard_normal((self.n, self.r))
            return np.asarray(self.spread * draw)
        centre = (
            np.zeros(self.n)
            if self.instance == "perturbed-completion"
            else PUBLISHED[self.instance].centre
        )
        draw = np.random.default_rng(self.seed).standard_normal((len(centre), 1))
        return np.asarray(np.asarray(centre)[:, None] + self.spread * draw)

    def stationary_point(self) -> FloatArray:
        """Return X̂, shape (n, r); the descent is made once a process."""
        return _stationary_point(self).copy()


@lru_cache(maxsize=64)
def _stationary_point(where: Point) -> FloatArray:
    problem = where.problem()
    if where.point == "published":
        X = PUBLISHED[where.instance].stationary_point()
    else:
        X = gradient_descent(
            problem, where.start(), step_size=where.gd_step, max_iterations=where.gd_before
        ).point
    return polish(problem, X) if where.polish else X


def complete_point(settings: dict[str, Any]) -> dict[str, Any]:
    """Fill in what is published for the instance, and refuse settings that it does not have.

    Raises
    ------
    ValueError
        For a setting that does not apply to the instance, or one that it needs and that is missing.
    """
    instance = settings["instance"]
    allowed = {"perturbed-completion": ("n", "epsilon"), "gaussian": ("n", "m", "r")}.get(
        instance, ()
    )
    for name in ("n", "epsilon", "m", "r"):
        if settings[name] is not None and name not in allowed:
            raise ValueError(f"{name}: the instance {instance!r} has no such setting")
        if settings[name] is None and instance == "gaussian" and name in ("n", "m"):
            raise ValueError(
                f"{name}: the instance 'gaussian' needs this setting, and it is missing"
            )
    whole = dict(settings)
    if instance == "gaussian":
        _fill(whole, r=1, seed=0, point="descent", spread=0.5, gd_step=0.05, gd_before=2000)
        if whole["r"] > whole["n"]:
            raise ValueError(f"r: expected at most n = {whole['n']}, got {whole['r']}")
    else:
        published = PUBLISHED[instance]
        if instance == "perturbed-completion":
            _fill(whole, n=3, epsilon=0.3)
        _fill(
            whole,
            point="descent" if published.stationary is None else "published",
            seed=published.seed,
            spread=published.spread,
            gd_step=published.gd_step,
            gd_before=published.gd_before,
        )
    entries = (whole["n"] or 0) ** 2 * (whole["m"] or 1)
    if entries > MAX_ENTRIES:
        raise ValueError(f"n: expected an instance of at most {MAX_ENTRIES} numbers, got {entries}")
    if whole["point"] == "published":
        if instance == "gaussian" or PUBLISHED[instance].stationary is None:
            raise ValueError(f"point: the instance {instance!r} has no printed X̂; use 'descent'")
        whole.update(seed=None, spread=None, gd_before=None)  # nothing is drawn, nothing descends
    return whole


def _fill(settings: dict[str, Any], **values: Any) -> None:
    settings.update({name: value for name, value in values.items() if settings[name] is None})


def before(problem: SensingProblem, X: FloatArray) -> dict[str, Any]:
    """Return what is known at X̂."""
    return {
        "h_before": problem.objective(X),
        "distance_before": problem.distance(X),
        "relative_gradient_norm": relative_gradient_norm(problem, X),
        "solved_before": _solved(problem, X),
    }


def after(
    problem: SensingProblem, escaped: FloatArray, gd_step: float, gd_after: int
) -> dict[str, Any]:
    """Return what the collapse led to, and where gradient descent goes from there."""
    with np.errstate(over="ignore", invalid="ignore"):
        h = problem.objective(escaped)
    if not np.isfinite(h):
        return {"gd_stop": "the collapsed point is beyond float64", "solved": False}
    end = gradient_descent(problem, escaped, step_size=gd_step, max_iterations=gd_after)
    return {
        "h_collapsed": h,
        "distance_collapsed": problem.distance(escaped),
        "h_final": end.objective,
        "distance_final": problem.distance(end.point),
        "gd_stop": end.stop_reason.value,
        "solved": _solved(problem, end.point),
    }


def _solved(problem: SensingProblem, X: FloatArray) -> bool:
    Z = problem.ground_truth
    assert Z is not None  # every instance of a sweep has one
    return bool(problem.distance(X) < SOLVED * np.linalg.norm(Z.T @ Z))
