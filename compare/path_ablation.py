"""The simulated path as an ablation: followed to T, looked at from all sides, collapsed and descended from."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import (
    AcceptanceRule,
    DiagonalSurrogate,
    EscapeDirections,
    SpanObjective,
    collapse,
    curvature_along,
    descend,
    escape_directions,
    feasibility_score,
    published_collapse,
    smallest_saddle_order,
    term_norms,
    truncated_coefficients,
    truncation_error,
)

from .spurious import Point, after, before


def simulated_path(
    *,
    sign: int,
    method: str,
    order: int,
    rho: float,
    eta: float,
    steps: int,
    dominance_factor: float,
    gd_after: int,
    **point: Any,
) -> dict[str, Any]:
    """Follow the simulated lifted path for T steps at X̂, collapse it whether accepted or not, and descend from there.

    `method` is "truncated" (the published closed form and β/γ rule) or "exact" (docs/theory.md,
    section 6; its step is η/2, because the published η belongs to half the gradient). `sign` flips
    u_n, whose sign no theory fixes: the path starts at ŵ + ρ b or at ŵ − ρ b.
    """
    where = Point(**point)
    problem, X = where.problem(), where.stationary_point()
    directions = _signed(escape_directions(problem, X), sign)
    exact = SpanObjective(problem, directions.generators, order)
    surrogate = DiagonalSurrogate(problem, directions.generators, order)
    results = before(problem, X) | _escape_theory(problem, directions, order)
    for time, state in (("stationary", [1.0, 0.0, 0.0]), ("start", [1.0, rho, 0.0])):
        results[f"h_exact_{time}"] = _if_finite(exact.value, state)
        results[f"h_surrogate_{time}"] = _if_finite(surrogate.value, state)

    c, results["stop"] = _follow(method, directions, exact, rho, eta, steps)
    if c is None:
        return results
    norms = term_norms(directions, order, c)
    dominant = 1 if norms[1] >= norms[2] else 2
    results |= dict(zip(("alpha", "beta", "gamma"), c, strict=True))
    results |= dict(zip(("norm_alpha", "norm_beta", "norm_gamma"), norms, strict=True))
    results["type"] = "beta" if dominant == 1 else "gamma"
    results["dominance"] = norms[dominant] / np.delete(norms, dominant).max()
    term = np.where(np.arange(3) == dominant, c, 0.0)
    objectives: tuple[tuple[str, SpanObjective | DiagonalSurrogate], ...] = (
        ("exact", exact),
        ("surrogate", surrogate),
    )
    for name, objective in objectives:
        results[f"h_{name}_T"] = _if_finite(objective.value, c)
        results[f"h_{name}_term"] = _if_finite(objective.value, term)
        for rule in AcceptanceRule:
            published = partial(
                published_collapse, rule=rule, dominance=dominance_factor, objective=objective
            )
            verdict = _if_finite(published, problem, directions, order, c)
            results[f"accepted_{rule.value}_{name}"] = None if verdict is None else verdict.accepted
    results["truncation_error"] = _if_finite(truncation_error, exact, directions, c)

    if method == "truncated":
        escaped = (
            np.sign(c[dominant])
            * np.abs(c[dominant]) ** (1 / order)
            * directions.generators[dominant]
        )
    else:
        escaped = collapse(directions.generators, c, order)
    return results | after(problem, escaped, where.gd_step, gd_after)


def _escape_theory(
    problem: SensingProblem, directions: EscapeDirections, order: int
) -> dict[str, Any]:
    """Return the spectral data at X̂ and what theory says about escaping along the visible direction."""
    X = directions.base
    return {
        "lambda_n": directions.eigenvalue,
        "eigenvalue_gap": directions.eigenvalue_gap,
        "sigma_r": directions.singular_value,
        "exact_score": feasibility_score(problem, X, directions=directions).exact_score,
        "curvature_along_b": _if_finite(curvature_along, problem, X, directions.visible, order),
        "smallest_saddle_order": smallest_saddle_order(problem, X, directions=directions),
    }


def _signed(directions: EscapeDirections, sign: int) -> EscapeDirections:
    """Return the directions with u_n replaced by sign · u_n."""
    return dataclasses.replace(
        directions,
        eigenvectors=sign * directions.eigenvectors,
        visibles=sign * directions.visibles,
        hiddens=sign * directions.hiddens,
    )


def _follow(
    method: str,
    directions: EscapeDirections,
    objective: SpanObjective,
    rho: float,
    eta: float,
    steps: int,
) -> tuple[FloatArray | None, str]:
    """Return the coefficients at T and why the path stopped; None where they leave float64 before."""
    if method == "exact":
        try:
            path = descend(objective, [1.0, rho, 0.0], step_size=eta / 2, iterations=steps)
        except OverflowError as error:
            return None, str(error)
        whole = len(path.values) == steps + 1
        return (path.coefficients[-1] if whole else None), path.stop_reason.value
    try:
        truncated = truncated_coefficients(
            directions, objective.order, rho=rho, eta=eta, steps=steps
        )
    except OverflowError as error:
        return None, str(error)
    return truncated.coefficients[-1], "all steps were made"


def _if_finite(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return a value, or None where it does not fit into float64."""
    try:
        return function(*arguments)
    except OverflowError:
        return None
