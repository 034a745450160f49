"""The simulated path as an evaluation: followed to T, looked at from all sides, descended from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

from pydantic import model_validator

from lift_compare import simulated
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import AcceptanceRule
from lift_compare.simulated.truncated.acceptance import dominant_term

from ..simulated_lift import SimulatedLift
from .facts import NOTHING_TO_ESCAPE, said, together
from .point import OnwardSettings
from .settings import Positive


class PathSettings(OnwardSettings):
    """Which path is followed.

    `method` is "truncated" (the published closed form and β/γ rule) or "exact" (docs/theory.md,
    section 6). `sign` flips u_n, whose sign no theory fixes: the path starts at ŵ + ρ v̂ or ŵ − ρ v̂.
    """

    sign: Literal[1, -1] = 1
    method: Literal["truncated", "exact"] = "truncated"
    dominance_factor: Positive = 10.0

    @model_validator(mode="after")
    def _complete_the_path(self) -> Self:
        self.fill("order", "rho", "eta", "steps", "gd_after")
        return self


def simulated_path(**settings: Any) -> dict[str, Any]:
    """Follow the path for T steps at X̂, collapse it whether accepted or not, descend from there."""
    s = PathSettings(**settings)
    problem, X = s.load().problem, s.stationary_point()
    before = s.before(problem, X)
    if before["spurious"] is False:  # λ_n is rounding, and so would be all that follows
        return before | {"stop": NOTHING_TO_ESCAPE}
    chosen = s.lift(problem, X)
    lift = SimulatedLift(problem, X, chosen, flip=s.sign < 0)
    objectives: dict[str, Any] = {"exact": lift.span, "surrogate": lift.surrogate}
    results = before | {"rho_used": chosen.rho, "eta_used": chosen.eta} | _escape_theory(lift)
    for time, state in (("stationary", [1.0, 0.0, 0.0]), ("start", chosen.start)):
        for name, objective in objectives.items():
            results[f"h_{name}_{time}"] = _if_finite(objective.value, state)

    # 1. The state at T.
    c, results["stop"] = _state(lift, s.method)
    if c is None:
        return together(results, {"note": f"the path ended before T: {results['stop']}"})
    term = dominant_term(lift.directions, chosen.order, c)
    results |= dict(zip(("alpha", "beta", "gamma"), c, strict=True))
    results |= dict(zip(("norm_alpha", "norm_beta", "norm_gamma"), term.norms, strict=True))
    results |= {"type": term.kind, "dominance": term.dominance}
    # 2. What both rules say, with both objectives.
    for name, objective in objectives.items():
        results[f"h_{name}_T"] = _if_finite(objective.value, c)
        results[f"h_{name}_term"] = _if_finite(objective.value, term.coefficients)
        for rule in AcceptanceRule:
            verdict = _if_finite(
                simulated.published_collapse,
                lift.problem,
                lift.directions,
                chosen.order,
                c,
                rule=rule,
                dominance=s.dominance_factor,
                objective=objective,
            )
            results[f"accepted_{rule.value}_{name}"] = verdict and verdict.accepted
    results["truncation_error"] = _if_finite(
        simulated.truncation_error, lift.span, lift.directions, c
    )
    # 3. The collapse, forced, and the descent from it.
    escaped = term.point
    if s.method == "exact":
        escaped = simulated.collapse(lift.directions.generators, c, chosen.order)
    beyond = {"h^l at T does not fit into float64": results["h_exact_T"] is None}
    return together(results, {"note": said(beyond)}, s.after(problem, escaped))


def _escape_theory(lift: SimulatedLift) -> dict[str, Any]:
    """Return the spectral data at X̂, and what theory says about the visible direction."""
    d = lift.directions
    score = simulated.feasibility_score(lift.problem, lift.point, directions=d)
    return {
        "eigenvalue_gap": d.eigenvalue_gap,
        "sigma_r": d.singular_value,
        "exact_score": score.exact_score,
        "curvature_along_visible": _if_finite(lift.curvature),
        "smallest_saddle_order": lift.saddle_order,
    }


def _state(lift: SimulatedLift, method: str) -> tuple[FloatArray | None, str]:
    """Return the coefficients at T and why the path stopped; None if they leave float64 before."""
    try:
        if method == "truncated":
            return lift.truncated.coefficients[-1], "all steps were made"
        path = lift.exact
    except OverflowError as error:
        return None, str(error)
    whole = len(path.values) == lift.settings.steps + 1
    return path.coefficients[-1] if whole else None, str(path.stop_reason)


def _if_finite(function: Callable[..., Any], *arguments: Any, **settings: Any) -> Any:
    """Return a value, or None where it does not fit into float64."""
    try:
        return function(*arguments, **settings)
    except OverflowError:
        return None
