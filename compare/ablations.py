"""The evaluations that ship with the toolkit; each returns one row of results (docs/sweeps.md lists the columns)."""

from __future__ import annotations

from typing import Any

from lift_compare.sensing import relative_gradient_norm
from lift_compare.simulated import METHODS, AcceptanceRule, escape

from .directions import compare_directions
from .evaluations import Evaluation, odd, real, truth, whole, word
from .path_ablation import simulated_path
from .published import PUBLISHED
from .spurious import POINT_CHECKS, POINT_DEFAULTS, Point, after, before, complete_point
from .success import success_rates

_STEPS = whole(0, 10_000_000)
_ITERATIONS = whole(0, 100_000_000)


def gradient_descent_end(**point: Any) -> dict[str, Any]:
    """Say where gradient descent ends: how stationary it is, and whether it is the truth."""
    where = Point(**point)
    return before(where.problem(), where.stationary_point())


def escape_attempt(
    *,
    method: str,
    order: int | None,
    rho: float | None,
    eta: float | None,
    steps: int | None,
    rule: str | None,
    surrogate: bool | None,
    gd_after: int,
    **point: Any,
) -> dict[str, Any]:
    """Try one escape from X̂ (`simulated.escape`), and descend from where it leads."""
    where = Point(**point)
    problem, X = where.problem(), where.stationary_point()
    settings: dict[str, Any] = {"method": method, "order": order}
    if method == "truncated":
        settings |= {"rho": rho, "eta": eta, "steps": steps, "rule": rule, "surrogate": surrogate}
    attempt = escape(problem, X, **settings)
    results = before(problem, X) | {
        "found": attempt.found,
        "reason": attempt.reason.value,
        "order_used": attempt.order,
        "kind": attempt.kind,
        "details": attempt.details,
    }
    return results | after(problem, attempt.point, where.gd_step, gd_after)


def success_rate(
    *,
    n: int,
    epsilon: float,
    starts: int = 50,
    scale: float = 0.1,
    seed: int = 0,
    method: str = "exact",
    step_size: float | None = None,
    max_iterations: int = 20_000,
    max_escapes: int = 10,
    tolerance: float = 1e-10,
) -> dict[str, Any]:
    """Count the starts from which perturbed completion is solved, by gradient descent alone and with escapes."""
    rates = success_rates(
        [n],
        [epsilon],
        starts=starts,
        scale=scale,
        seed=seed,
        method=method,
        step_size=step_size,
        max_iterations=max_iterations,
        max_escapes=max_escapes,
        tolerance=tolerance,
        progress=False,
    )
    results = vars(rates.cells[0])
    used = {"step_size_used": results["step_size"]}
    return used | {
        key: value
        for key, value in results.items()
        if key not in ("n", "epsilon", "starts", "step_size")
    }


def explicit_against_simulated(
    *,
    order: int,
    rho: float,
    eta: float,
    steps: int,
    memory_limit: int | None,
    costs: bool,
    **point: Any,
) -> dict[str, Any]:
    """Compare the explicit lifted descent with both simulations (`compare.compare_directions`), if memory allows."""
    where = Point(**point)
    problem, X = where.problem(), where.stationary_point()
    compared = compare_directions(
        problem, X, order, rho=rho, eta=eta, steps=steps, memory_limit=memory_limit, costs=costs
    ).row()
    made = {
        "steps_made": compared.pop("steps"),
        "relative_gradient_norm": relative_gradient_norm(problem, X),
    }
    return made | {
        key: value for key, value in compared.items() if key not in ("order", "rho", "eta")
    }


def _fill_published(settings: dict[str, Any], *names: str) -> dict[str, Any]:
    """Fill in the published settings of the instance; a Gaussian one has none, and lifts as the real system does."""
    whole = complete_point(settings)
    published = vars(PUBLISHED.get(whole["instance"], PUBLISHED["real-system"]))
    if whole["instance"] == "gaussian":
        published = published | {"gd_after": whole["gd_before"]}
    return {
        name: published[name] if name in names and value is None else value
        for name, value in whole.items()
    }


def _complete_path(settings: dict[str, Any]) -> dict[str, Any]:
    return _fill_published(settings, "order", "rho", "eta", "steps", "gd_after")


def _complete_escape(settings: dict[str, Any]) -> dict[str, Any]:
    """Refuse settings that the method does not have; fill in those that it has."""
    method = settings["method"]
    for name in ("rho", "eta", "steps", "rule", "surrogate"):
        if method != "truncated" and settings[name] is not None:
            raise ValueError(f"{name}: the method {method!r} has no such setting")
    if method not in ("exact", "truncated"):
        if settings["order"] is not None:
            raise ValueError(f"order: the method {method!r} has no such setting")
        return _fill_published(settings, "gd_after")
    if method == "exact":
        return _fill_published(settings, "gd_after")
    whole = _fill_published(settings, "order", "rho", "eta", "steps", "gd_after")
    return whole | {
        "rule": whole["rule"] or AcceptanceRule.CODE.value,
        "surrogate": bool(whole["surrogate"]),
    }


def _complete_comparison(settings: dict[str, Any]) -> dict[str, Any]:
    return _fill_published(settings, "order", "rho", "eta")


def _sign(name: str, value: Any) -> int:
    if isinstance(value, bool) or value not in (1, -1):
        raise ValueError(f"{name}: expected 1 or -1, got {value!r:.60}")
    return int(value)


_LIFT_CHECKS = {"order": odd, "rho": real(), "eta": real(), "steps": _STEPS}
_LIFT_DEFAULTS = dict.fromkeys(_LIFT_CHECKS)

EVALUATIONS: dict[str, Evaluation] = {
    evaluation.name: evaluation
    for evaluation in (
        Evaluation(
            "descent",
            gradient_descent_end,
            defaults=POINT_DEFAULTS,
            checks=POINT_CHECKS,
            complete=complete_point,
            columns=("h_before", "distance_before", "relative_gradient_norm", "solved_before"),
        ),
        Evaluation(
            "path",
            simulated_path,
            defaults={
                **POINT_DEFAULTS,
                "sign": 1,
                "method": "truncated",
                **_LIFT_DEFAULTS,
                "dominance_factor": 10.0,
                "gd_after": None,
            },
            checks={
                **POINT_CHECKS,
                "sign": _sign,
                "method": word("truncated", "exact"),
                **_LIFT_CHECKS,
                "dominance_factor": real(),
                "gd_after": _ITERATIONS,
            },
            complete=_complete_path,
            columns=(
                "h_surrogate_T",
                "h_exact_T",
                "type",
                "dominance",
                "accepted_text_exact",
                "accepted_code_exact",
                "accepted_code_surrogate",
                "truncation_error",
                "h_before",
                "h_collapsed",
                "solved",
                "stop",
            ),
        ),
        Evaluation(
            "escape",
            escape_attempt,
            defaults={
                **POINT_DEFAULTS,
                "method": "exact",
                **_LIFT_DEFAULTS,
                "rule": None,
                "surrogate": None,
                "gd_after": None,
            },
            checks={
                **POINT_CHECKS,
                "method": word(*METHODS),
                **_LIFT_CHECKS,
                "rule": word(*(rule.value for rule in AcceptanceRule)),
                "surrogate": truth,
                "gd_after": _ITERATIONS,
            },
            complete=_complete_escape,
            columns=("found", "order_used", "kind", "h_before", "h_collapsed", "solved", "reason"),
        ),
        Evaluation(
            "success",
            success_rate,
            checks={
                "n": whole(2, 2_000),
                "epsilon": real(),
                "starts": whole(1, 10_000),
                "scale": real(),
                "seed": whole(0, 2**63 - 1),
                "method": word(*METHODS),
                "step_size": real(),
                "max_iterations": _ITERATIONS,
                "max_escapes": whole(0, 1_000),
                "tolerance": real(),
            },
            columns=(
                "rate_descent",
                "rate_escapes",
                "published_descent",
                "published_escapes",
                "escapes",
                "refused",
            ),
        ),
        Evaluation(
            "directions",
            explicit_against_simulated,
            defaults={
                **POINT_DEFAULTS,
                **_LIFT_DEFAULTS,
                "steps": 100,
                "memory_limit": None,
                "costs": False,
            },
            checks={
                **POINT_CHECKS,
                **_LIFT_CHECKS,
                "steps": whole(1, 1_000_000),
                "memory_limit": whole(1, 2**63 - 1),
                "costs": truth,
            },
            complete=_complete_comparison,
            columns=(
                "coefficient_error",
                "objective_error",
                "tensor_error",
                "span_capture",
                "truncation_error",
            ),
        ),
    )
}
"""The shipped evaluations by name."""
