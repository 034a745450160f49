"""The sections of the report that show one instance each, and the lifted path."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from lift_compare import lifting, simulated
from lift_compare.sensing.validation import FloatArray

from ..agreement.comparison import ComparisonOptions, compare_lift
from ..figures import panels, paths, plane, trajectory
from ..figures.mathematics import literal
from ..published.comparison import InstanceComparison
from ..rivals.stochastic import stochastic_descent
from ..tables import Column
from ..tolerances import MEMORY_LIMIT
from .report import Section, Sheet
from .runs import START, Runs

Show = Callable[[str, Figure, str], Any]
"""Called as show(name, figure, caption): keeps the figure and returns the item for the section."""

TERMS = {"beta": "visible (β)", "gamma": "hidden (γ)"}
_LABELS = {"gd": "descent alone", "truncated": "truncated escape", "exact": "exact escape"}


def landscape_section(runs: Runs, show: Show, *, seed: int) -> Section:
    """Return the landscape of a problem in the plane: two methods that stay, and the jump."""
    i, problem, X, T = runs.descent, runs.problem, runs.point, runs.lift.settings.steps
    name, order = runs.instance.name, runs.lift.settings.order
    steps, start = i.before + i.after, i.start()
    run, gd = runs.walk(start, steps)
    walks, who = {"gd": gd}, "Gradient descent makes"
    if isinstance(i.step_size, float):
        sgd = stochastic_descent(problem, start, step_size=i.step_size, iterations=steps, seed=seed)
        walks = {"sgd": sgd, "gd": gd}
        stochastic = f"stochastic gradient descent (one random measurement a step, seed {seed})"
        who = f"Gradient descent and {stochastic} make"
    collapse = runs.collapse
    whole, _ = plane.landscape(
        problem,
        {**walks, "escape": runs.after_published[1]},
        jump=(X, collapse.point),
        window=(-0.3, 1.4, -0.75, 1.05) if name == "two-by-two" else None,
        title=f"Landscape of {literal(name)}",
    )
    near, _ = plane.landscape(
        problem,
        walks,
        window=_around(X, np.concatenate(list(walks.values()))),
        title=r"Near the stationary point $\hat X$",
    )
    d = runs.lift.directions
    after, (x1, x2) = problem.objective(collapse.point), collapse.point[:, 0]
    return Section(
        "Landscape: trapped, and the jump",
        [
            f"{literal(name)}, from the start ({start[0, 0]:.4f}, {start[1, 0]:.4f}). "
            f"{who} {steps} steps {_size(i.step_size)}. The escape collapses the truncated path "
            f"after $T = {T}$ steps at order $l = {order}$.",
            show(
                "landscape",
                whole,
                r"Level lines of $h$, the descents, the jump from $\hat X$ to $\check X$, and the "
                "descent after it.",
            ),
            show("landscape-near", near, r"The same, close to $\hat X$."),
            rf"Gradient descent ends at $h = {run.objective:.6g}$. There $\lambda_n = "
            rf"{d.eigenvalue:.6g}$ and $\sigma_r = {d.singular_value:.6g}$. The collapse is of the "
            f"{TERMS[collapse.kind]} kind, at ({_coordinate(x1)}, {_coordinate(x2)}) with "
            f"$h = {after:.6g}$.",
        ],
    )


def panels_section(title: str, prefix: str, runs: Runs, show: Show) -> Section:
    """Return panels (a) to (f) of an instance, the exact objective beside the surrogate."""
    i, s = runs.descent, runs.lift.settings
    items: list[Any] = [
        rf"Order $l = {s.order}$, $\rho$ = {s.rho:g}, $\eta$ = {s.eta:g}, $T = {s.steps}$; "
        f"{_whence(runs)}gradient descent {_size(i.step_size)}, {i.before} iterations before the "
        f"escape and {i.after} after it. The exact escape starts from the point made stationary to "
        "rounding; it "
        + (f"uses order {runs.escape.order}." if runs.escape.found else "finds nothing."),
    ]
    items += _history_panels(prefix, runs, show)
    items += _lift_panels(prefix, runs, show)
    items += _trajectory_panels(prefix, runs, show)
    rows = _escape_rows(runs)
    items.append(
        Sheet(f"Before and after the escape, {literal(runs.instance.name)}", _ESCAPES, rows)
    )
    return Section(title, items)


def _history_panels(prefix: str, runs: Runs, show: Show) -> list[Any]:
    """Draw objective, gradient norm and distance along the descents (a, b, c)."""
    before, onward = runs.before[0].history, runs.onward[0].history
    histories = {"gd": [before, onward], "truncated": [before, runs.after_published[0].history]}
    if runs.after_exact is not None:
        histories["exact"] = [before, runs.after_exact[0].history]
    items = []
    for letter, quantity, name in (
        ("a", "objective", "Objective $h$"),
        ("b", "gradient_norm", "Gradient norm"),
        ("c", "distance", "Distance to the truth"),
    ):
        if getattr(before, quantity) is None:
            continue
        fig, _ = panels.histories(
            histories, quantity, title=f"({letter}) {name}", labels=_LABELS, unbroken=("gd",)
        )
        caption = (
            f"{name} against the iteration; rings mark the escapes. Up to there all three are one "
            "descent, drawn widest first. A line ends where it falls below $10^{-12}$ of the "
            "largest value: what is smaller is rounding."
        )
        items.append(show(f"{prefix}-{letter}", fig, caption))
    return items


def _lift_panels(prefix: str, runs: Runs, show: Show) -> list[Any]:
    """Draw the objective and the norms of the terms along the simulated lift (d, e)."""
    lift, c, path = runs.lift, runs.lift.truncated.coefficients, runs.exact.coefficients
    kept = panels.thinned(len(c))
    flip = np.array([1.0, -1.0, -1.0])
    exact = np.concatenate([[lift.span.value(START)], runs.exact.values])
    curves = {
        "$h^l$, truncated path": ("truncated", _from_hat(lift.span, c[kept])),
        "surrogate, with $u_n$": ("surrogate", _from_hat(lift.surrogate, c[kept])),
        "surrogate, with $-u_n$": ("gd", _from_hat(lift.surrogate, c[kept] * flip)),
        "$h^l$, exact path": ("exact", exact),
    }
    positions = dict.fromkeys(list(curves)[:3], kept)
    fig, _ = panels.lifted_objectives(
        curves, title="(d) Lifted objective and surrogate", steps=positions
    )
    caption = (
        r"Each curve over its value at the lifted stationary point $\hat w$: below 1 it has "
        "decreased. The surrogate depends on the sign of $u_n$, which nothing determines."
    )
    items = [show(f"{prefix}-d", fig, caption)]
    for suffix, letter, name, states, caption in (
        ("e", "e", "truncated", c, "The three tensors within $S$ along the truncated path."),
        ("e-exact", "e′", "exact", path, "The same along the exact projected lifted descent."),
    ):
        kept = panels.thinned(len(states))
        norms = simulated.term_norms(lift.directions, lift.settings.order, states[kept])
        fig, _ = panels.term_norms(norms, title=f"({letter}) Norms, {name} path", steps=kept)
        items.append(show(f"{prefix}-{suffix}", fig, caption))
    return items


def _trajectory_panels(prefix: str, runs: Runs, show: Show) -> list[Any]:
    """Draw the path of X, for r = 1 and a known truth (f)."""
    Z, shape = runs.problem.ground_truth, runs.problem.shape
    if Z is None or Z.shape != shape or shape[1] != 1:
        return []
    walked = runs.before[1]
    steps = {
        "gd": [np.concatenate([walked, runs.onward[1]])],
        "truncated": [walked, runs.after_published[1]],
    }
    if runs.after_exact is not None:
        steps["exact"] = [walked, runs.after_exact[1]]
    items = []
    if shape[0] == 3:
        fig, _ = trajectory.trajectory_in_space(steps, Z, title="(f) Path of $X$", labels=_LABELS)
        items.append(show(f"{prefix}-f", fig, f"The path of $X$ in three dimensions. {_ONE_WAY}"))
    title, caption = (
        "(f′) Path of $X$ in a plane",
        f"In a plane: along the truth, and off it. {_ONE_WAY}",
    )
    fig, _ = trajectory.trajectory_in_plane(steps, Z, title=title, labels=_LABELS)
    items.append(show(f"{prefix}-f-plane", fig, caption))
    return items


_ONE_WAY = (
    "Up to the escapes all three are one descent: the widest line is descent alone, the narrowest "
    "the exact escape."
)

_ESCAPES = (
    Column("method", "method"),
    Column("order", "order", "d"),
    Column("kind", "term"),
    Column("before", r"$h$ at $\hat X$", ".6g"),
    Column("after", r"$h$ at $\check X$", ".6g"),
    Column("lower", "lower"),
    Column("distance", r"distance at $\check X$", ".4g"),
    Column("end", "$h$ after descent", ".3g"),
    Column("end_distance", "distance after descent", ".3g"),
)


def _escape_rows(runs: Runs) -> list[dict[str, Any]]:
    """Return what both escapes did to h, and where descent went from there."""
    problem, collapse, escape = runs.problem, runs.collapse, runs.escape
    rows = []
    published = ("truncated (the published method)", runs.lift.settings.order, TERMS[collapse.kind])
    exact = ("exact", escape.order, escape.kind)
    for names, X, point, walk in (
        (published, runs.point, collapse.point, runs.after_published),
        (exact, runs.stationary, escape.point, runs.after_exact),
    ):
        before, after = float(problem.objective(X)), float(problem.objective(point))
        end = walk[0] if walk else None
        rows.append(
            {
                **dict(zip(("method", "order", "kind"), names, strict=True)),
                "before": before,
                "after": after,
                "lower": after < before,
                "distance": runs.distance(point),
                "end": end.objective if end else None,
                "end_distance": runs.distance(end.point) if end else None,
            }
        )
    return rows


def lifted_section(
    instances: Mapping[str, Runs],
    result: InstanceComparison,
    show: Show,
    *,
    steps: Mapping[str, int],
) -> tuple[Section, bool]:
    """Return the lifted paths at the instances' orders, and how both sides agree at all orders.

    An instance makes its number of `steps`, 400 where it has none, or as many as a fixed amount of
    work buys. The second value says whether explicit and exact simulation agree in all of them.
    """
    items: list[Any] = [
        "The explicit lift is run as tensors, the two simulations in three coefficients. Explicit "
        "and exact have to agree to rounding. The truncated path is not expected to: its distance "
        "from them is what is shown.",
    ]
    rows, agree = [dict(row) for row in result.rows], result.agree
    options = ComparisonOptions(memory_limit=MEMORY_LIMIT, costs=False, oracle=False)
    for name, runs in instances.items():
        settings = runs.lift.settings
        try:
            costs = lifting.predict_cost(runs.problem, settings.order)
            affordable = int(_PATH_WORK / costs.choose(MEMORY_LIMIT).flops)
            wanted = min(steps.get(name, 400), max(5, affordable))
            lift = replace(runs.at_stationary, settings=replace(settings, steps=wanted))
            path = compare_lift(lift, options)
        except lifting.MemoryLimitExceeded as refusal:
            items.append(f"{literal(name)}: {literal(str(refusal))}.")
            continue
        label = runs.instance.label
        fig, _ = paths.lifted_objective(path, steps=settings.steps, name=name)
        caption = (
            rf"{literal(name)}: $h^l$ over $h^l(\hat w)$. The explicit lift makes {path.steps} "
            "steps, and the exact simulation lies on it."
        )
        items.append(show(f"lifted-{label}", fig, caption))
        fig, _ = paths.coefficient_paths(path, steps=settings.steps, name=name)
        caption = f"{literal(name)}: norms of the three terms along the paths."
        items.append(show(f"coefficients-{label}", fig, caption))
        what = {"instance": name, "tensor_entries": runs.point.size**settings.order}
        rows.append({**what, "status": "drawn above", **path.row()})
        agree = agree and path.agree
    items.append(Sheet("Explicit lift against exact simulation: relative errors", _AGREEMENT, rows))
    return Section("Lifted path: explicit, exact, truncated", items), agree


_PATH_WORK = 2.5e10  # operations of one lifted path: 400 steps of perturbed-completion at order 11

_AGREEMENT = (
    Column("instance", "instance"),
    Column("order", "order", "d"),
    Column("tensor_entries", "tensor entries", ",d"),
    Column("status", "status"),
    Column("steps", "steps", "d"),
    Column("coefficient_error", "coefficients", ".1e"),
    Column("objective_error", "objective", ".1e"),
    Column("tensor_error", "tensor", ".1e"),
    Column("verdict", "verdict (bar: $10^{-10}$)"),
    Column("truncation_error", "truncation error at the start", ".3g"),
    Column("truncated_cosine", "cosine of truncated and exact displacement", ".3f"),
    Column("span_capture", "share of the free path of as many steps inside $S$", ".3f"),
)


def _from_hat(objective: Any, coefficients: FloatArray) -> FloatArray:
    """Return the objective at ŵ, then along the path."""
    return np.asarray(objective.value(np.concatenate([START[None], coefficients])))


def _size(step_size: Any) -> str:
    return f"of size {step_size:g}" if isinstance(step_size, float) else "by backtracking"


def _coordinate(x: float) -> str:
    return f"{x:z.6f}" if abs(x) < 1e6 else f"{x:.6g}"


def _whence(runs: Runs) -> str:
    """Return where ρ, η and T are from, if the instance does not say them."""
    if runs.instance.settings is not None:
        return ""
    return (
        r"the instance has no settings, so $\rho$ and $\eta$ follow from the problem "
        r"($\rho\|\hat v\| = 0.1\|\hat w\|$, and a step with which $h^l$ falls) and $T$ is the "
        "default; "
    )


def _around(X: FloatArray, path: FloatArray) -> plane.Window:
    """Return a square window centred at X that holds the path."""
    reach = 1.2 * float(np.abs(path - X).max())
    x1, x2 = X[:, 0]
    return x1 - reach, x1 + reach, x2 - reach, x2 + reach
