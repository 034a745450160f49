"""The sections of the report that show one published instance each, and the lifted path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lift_compare import simulated

from ..directions import compare_directions
from ..figures import panels, paths, plane, trajectory
from ..published_comparison import PublishedComparison
from ..report import Section, Sheet
from ..stochastic import stochastic_descent
from ..tables import Column
from .case import START, Case

Show = Callable[[str, Figure, str], Any]
"""Called as show(name, figure, caption): keeps the figure at once and returns the item for the section."""

_LABELS = {"gd": "descent alone", "truncated": "published escape", "exact": "exact escape"}


def landscape_section(case: Case, show: Show, *, seed: int) -> Section:
    """Return the landscape of the two-by-two example: two methods that stay, and the jump."""
    i = case.instance
    steps = i.gd_before + i.gd_after
    start, (run, gd) = i.start(), case.walk(i.start(), steps)
    sgd = stochastic_descent(case.problem, start, step_size=i.gd_step, iterations=steps, seed=seed)
    collapse, (_, after) = case.collapse(), case.after_published
    walks, jump = {"sgd": sgd, "gd": gd, "escape": after}, (case.point, collapse.point)
    whole, _ = plane.landscape(
        case.problem,
        walks,
        jump=jump,
        window=(-0.3, 1.4, -0.75, 1.05),
        title="Landscape of the two-by-two example",
    )
    near, _ = plane.landscape(
        case.problem,
        {"sgd": sgd, "gd": gd},
        window=_around(case.point, np.concatenate([sgd, gd])),
        title="Near the stationary point X̂",
    )
    d = case.directions
    return Section(
        "Landscape: trapped, and the jump",
        [
            f"The two-by-two example, from the published start ({start[0, 0]:.4f}, {start[1, 0]:.4f}). Gradient "
            "descent and stochastic gradient descent (one random measurement a step, seed "
            f"{seed}) make {steps} steps of size {i.gd_step:g}. The escape collapses the truncated path after "
            f"T = {i.steps} steps at order l = {i.order}.",
            show(
                "landscape",
                whole,
                "Level lines of h, both descents, the jump from X̂ to X̌, and the descent after it.",
            ),
            show("landscape-near", near, "The same start and descents, close to X̂."),
            f"Gradient descent ends at h = {run.objective:.6g}. There λ_n = {d.eigenvalue:.6g} and σ_r = "
            f"{d.singular_value:.6g}. The collapse is of the "
            f"{'visible (β)' if collapse.kind == 'beta' else 'hidden (γ)'} kind, at "
            f"({collapse.point[0, 0]:.6f}, {collapse.point[1, 0]:.6f}) with h = "
            f"{case.problem.objective(collapse.point):.6g}.",
        ],
    )


def panels_section(title: str, prefix: str, case: Case, show: Show) -> Section:
    """Return panels (a) to (f) of an instance, with the exact objective beside the diagonal surrogate."""
    i, Z = case.instance, case.problem.ground_truth
    assert Z is not None
    (before, walked), (onward, walked_on), (after, escaped) = (
        case.before,
        case.onward,
        case.after_published,
    )
    runs = {"gd": [before.history, onward.history], "truncated": [before.history, after.history]}
    steps = {"gd": [np.concatenate([walked, walked_on])], "truncated": [walked, escaped]}
    if case.after_exact is not None:
        runs["exact"] = [before.history, case.after_exact[0].history]
        steps["exact"] = [walked, case.after_exact[1]]
    items: list[Any] = [
        f"Order l = {i.order}, ρ = {i.rho:g}, η = {i.eta:g}, T = {i.steps}; gradient descent with step {i.gd_step:g}, "
        f"{i.gd_before} iterations before the escape and {i.gd_after} after it. The exact escape starts from the point "
        f"made stationary to rounding; it uses order {case.escape.order}.",
    ]
    for letter, quantity, name in (
        ("a", "objective", "Objective h"),
        ("b", "gradient_norm", "Gradient norm"),
        ("c", "distance", "Distance to the truth"),
    ):
        fig, _ = panels.histories(
            runs, quantity, title=f"({letter}) {name}", labels=_LABELS, unbroken=("gd",)
        )
        items.append(
            show(
                f"{prefix}-{letter}", fig, f"{name} against the iteration; rings mark the escapes."
            )
        )

    c, flip = case.truncated.coefficients, np.array([1.0, -1.0, -1.0])
    kept = panels.thinned(len(c))
    curves = {
        "h^l, truncated path": ("truncated", _from_hat(case.span, c[kept])),
        "surrogate, with u_n": ("surrogate", _from_hat(case.surrogate, c[kept])),
        "surrogate, with −u_n": ("gd", _from_hat(case.surrogate, c[kept] * flip)),
        "h^l, exact path": ("exact", np.concatenate([[case.span.value(START)], case.exact.values])),
    }
    positions = dict.fromkeys(list(curves)[:3], kept)
    fig, _ = panels.lifted_objectives(
        curves, title="(d) Lifted objective and surrogate", steps=positions
    )
    items.append(
        show(
            f"{prefix}-d",
            fig,
            "Each curve in units of its value at the lifted stationary point ŵ: below 1 it has decreased. The "
            "surrogate depends on the sign of u_n, which nothing determines.",
        )
    )
    fig, _ = panels.term_norms(
        simulated.term_norms(case.directions, i.order, c[kept]),
        title="(e) Norms, truncated path",
        steps=kept,
    )
    items.append(
        show(f"{prefix}-e", fig, "The three tensors within S along the published truncated path.")
    )
    path = case.exact.coefficients
    kept = panels.thinned(len(path))
    fig, _ = panels.term_norms(
        simulated.term_norms(case.directions, i.order, path[kept]),
        title="(e′) Norms, exact path",
        steps=kept,
    )
    items.append(
        show(
            f"{prefix}-e-exact",
            fig,
            "The same along the exact simulation of the projected lifted descent.",
        )
    )
    fig, _ = trajectory.trajectory_in_space(steps, Z, title="(f) Path of X", labels=_LABELS)
    items.append(show(f"{prefix}-f", fig, "The path of X in three dimensions."))
    fig, _ = trajectory.trajectory_in_plane(
        steps, Z, title="(f′) Path of X in a plane", labels=_LABELS
    )
    items.append(
        show(f"{prefix}-f-plane", fig, "The same in a plane: along the truth, and off it.")
    )
    items.append(Sheet(f"Before and after the escape, {i.name}", _ESCAPES, _escape_rows(case)))
    return Section(title, items)


_ESCAPES = (
    Column("method", "method"),
    Column("order", "order", "d"),
    Column("kind", "term"),
    Column("before", "h at X̂", ".6g"),
    Column("after", "h at X̌", ".6g"),
    Column("lower", "lower"),
    Column("distance", "distance at X̌", ".4g"),
    Column("end", "h after descent", ".3g"),
    Column("end_distance", "distance after descent", ".3g"),
)


def _escape_rows(case: Case) -> list[dict[str, Any]]:
    problem, collapse, escape = case.problem, case.collapse(), case.escape
    rows = []
    for method, order, kind, X, point, run in (
        (
            "published, truncated",
            case.instance.order,
            collapse.kind,
            case.point,
            collapse.point,
            case.after_published,
        ),
        ("exact", escape.order, escape.kind, case.stationary, escape.point, case.after_exact),
    ):
        before, after = float(problem.objective(X)), float(problem.objective(point))
        rows.append(
            {
                "method": method,
                "order": order,
                "kind": kind,
                "before": before,
                "after": after,
                "lower": after < before,
                "distance": problem.distance(point),
                "end": run[0].objective if run else None,
                "end_distance": problem.distance(run[0].point) if run else None,
            }
        )  # fmt: skip
    return rows


def lifted_section(
    cases: Mapping[str, Case], result: PublishedComparison, show: Show, *, steps: Mapping[str, int]
) -> tuple[Section, bool]:
    """Return the lifted paths at the published orders and how they agree, there and at the other orders of `result`.

    The second value says whether explicit and exact simulation agree in all of them.
    """
    items: list[Any] = [
        "The explicit lift is run as tensors, the two simulations in three coefficients. Explicit and exact have to "
        "agree to rounding. The truncated path is not expected to: its distance from them is what is shown.",
    ]
    rows, agree = [dict(row) for row in result.rows], result.agree
    for name, case in cases.items():
        i = case.instance
        path = compare_directions(
            case.problem,
            case.stationary,
            i.order,
            rho=i.rho,
            eta=i.eta,
            steps=steps[name],
            costs=False,
            oracle=False,
        )
        span = simulated.SpanObjective(case.problem, path.directions.generators, i.order)
        fig, _ = paths.lifted_objective(path, span, name=name)
        items.append(show(f"lifted-{name}", fig, f"{name}: h^l along the three paths."))
        fig, _ = paths.coefficient_paths(path, name=name)
        items.append(
            show(f"coefficients-{name}", fig, f"{name}: norms of the three terms along the paths.")
        )
        entries = case.stationary.size**i.order
        rows.append(
            {"instance": name, "tensor_entries": entries, "status": "drawn above", **path.row()}
        )
        agree = agree and path.agree
    items.append(Sheet("Explicit lift against exact simulation: relative errors", _AGREEMENT, rows))
    return Section("Lifted path: explicit, exact, truncated", items), agree


_AGREEMENT = (
    Column("instance", "instance"),
    Column("order", "order", "d"),
    Column("tensor_entries", "tensor entries", "d"),
    Column("status", "status"),
    Column("steps", "steps", "d"),
    Column("coefficient_error", "coefficients", ".1e"),
    Column("objective_error", "objective", ".1e"),
    Column("tensor_error", "tensor", ".1e"),
    Column("agree", "agree to 1e-10"),
    Column("truncation_error", "truncation error at the start", ".3g"),
    Column("truncated_cosine", "cosine of truncated and exact displacement", ".3f"),
    Column("span_capture", "share of the free path inside S", ".3f"),
)


def _from_hat(objective: Any, coefficients: Any) -> Any:
    """Return the objective at ŵ, then along the path."""
    return objective.value(np.concatenate([START[None], coefficients]))


def _around(X: Any, path: Any) -> tuple[float, float, float, float]:
    """Return a square window centred at X that holds the path."""
    reach = 1.2 * float(np.abs(path - X).max())
    x1, x2 = X[:, 0]
    return x1 - reach, x1 + reach, x2 - reach, x2 + reach
