"""The lifted path, explicit against exactly simulated against truncated; and what a step costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare import simulated
from lift_compare.sensing.validation import FloatArray, of_kind, rows_of

from ..agreement.result import DirectionComparison
from ..simulated_lift import SimulatedLift
from ..tables import show_seconds
from ..tolerances import DRAWN
from .far import cut_far
from .mathematics import literal
from .panels import thinned
from .refused import Refused, refused_band
from .style import BLACK, BLUE, GREY, VERMILION, canvas, finish, legend_below, line

_POINTS = 400  # of a curve
_TERMS = (
    (r"base $\alpha$", BLACK, "o"),
    (r"visible $\beta$", BLUE, "s"),
    (r"hidden $\gamma$", VERMILION, "^"),
)
_INSTANCE_MARKERS = "os^DvP"


def lifted_objective(
    comparison: DirectionComparison,
    *,
    steps: int | None = None,
    name: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw h^l over h^l(ŵ) along the three paths against the step.

    Explicit steps cost so much that often few were made; the simulations are drawn over all
    `steps`, sampled, and the axis of steps is then logarithmic. A truncated path that goes a
    million times above the others is cut off, and a note says how far it goes.

    Parameters
    ----------
    comparison : DirectionComparison
        The comparison.
    steps : int, optional
        Steps of both simulations, such as the published T; by default those of the comparison.
    name : str
        Name of the instance, for the title.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> from lift_compare.compare import figures
    >>> found = compare.compare_directions(
    ...     sensing.two_by_two(), [[0.0], [0.5**0.5]], 3, rho=0.1, eta=0.01, steps=20, costs=False
    ... )
    >>> figure, ax = figures.lifted_objective(found, name="two-by-two")
    """
    of_kind("comparison", comparison, DirectionComparison, "a DirectionComparison")
    fig, ax = canvas(ax)
    lift, made = _simulations(comparison, steps), comparison.steps
    exact, path = lift.exact.values, lift.truncated.coefficients
    unit = lift.span.value([1.0, 0.0, 0.0])
    unit, y = (unit, r"$h^l(w_t)\,/\,h^l(\hat w)$") if unit > 0 else (1.0, "$h^l(w_t)$")
    explicit = comparison.explicit.values[: made + 1] / unit
    end = float(lift.span.value(path[-1])) / unit
    first = _first_step(ax, comparison, lift)
    drawn, kept = _sampled(first, len(explicit)), _sampled(first, len(exact))
    last = _sampled(first, len(path))
    ax.plot(drawn, explicit[drawn], **line("explicit", label="explicit lift", linewidth=4))
    ax.plot(kept, exact[kept] / unit, **line("exact", label="exact simulation"))
    truncated = np.asarray(lift.span.value(path[last])) / unit
    ax.plot(last, truncated, **line("truncated", label="truncated closed form"))
    shown = np.concatenate([explicit[drawn], exact[kept] / unit, truncated])
    if shown.min() > 0 and shown.max() / shown.min() > 50:
        ax.set_yscale("log")
    near = np.concatenate([explicit[drawn], exact[kept] / unit])
    far = cut_far(ax, near, {"truncated": truncated}, 0.0)
    title = f"{literal(name)} lifted objective, $l = {comparison.order}$".strip()
    words = (
        f"{title}, in units of {unit:.4g}, its value at $\\hat w$. Explicit lift, {made} steps, "
        f"and exact simulation lie on one curve, from {explicit[0]:.4g} to {explicit[-1]:.4g} "
        f"after these steps (largest relative difference {comparison.objective_error:.1e}). After "
        f"{len(exact) - 1} steps the exact simulation is at {exact[-1] / unit:.4g}, after "
        f"{len(path) - 1} the truncated closed form at {end:.4g}.{far}"
    )
    finish(ax, title, "step $t$ of the lifted descent", y, words)
    return fig, ax


def coefficient_paths(
    comparison: DirectionComparison,
    *,
    steps: int | None = None,
    name: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw the norms of the three terms, |c_j| ‖X_j‖^l, against the step.

    The exact simulation keeps all cross terms; the truncated path holds the base fixed.

    Parameters
    ----------
    comparison, steps, name, ax
        As in `lifted_objective`.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> from lift_compare.compare import figures
    >>> found = compare.compare_directions(
    ...     sensing.two_by_two(), [[0.0], [0.5**0.5]], 3, rho=0.1, eta=0.01, steps=20, costs=False
    ... )
    >>> figure, ax = figures.coefficient_paths(found, name="two-by-two")
    """
    of_kind("comparison", comparison, DirectionComparison, "a DirectionComparison")
    fig, ax = canvas(ax)
    lift = _simulations(comparison, steps)
    first = _first_step(ax, comparison, lift)
    paths = {"exact": lift.exact.coefficients, "truncated": lift.truncated.coefficients}
    kept = {kind: _sampled(first, len(path)) for kind, path in paths.items()}
    norms = {
        kind: simulated.term_norms(comparison.directions, comparison.order, path[kept[kind]])
        for kind, path in paths.items()
    }
    every = np.concatenate(list(norms.values()))
    floor = DRAWN * norms["exact"].max()
    ends = []
    for j, (term, colour, marker) in enumerate(_TERMS):
        for kind, look in (
            ("exact", {"linestyle": "-"}),
            ("truncated", {"linestyle": ":", "markerfacecolor": "none"}),
        ):
            style: dict[str, Any] = {"color": colour, "marker": marker, **look}
            # A line ends where its values are rounding.
            heights = np.where(norms[kind][:, j] > floor, norms[kind][:, j], np.nan)
            ax.plot(kept[kind], heights, **line(kind, label=f"{term}, {kind}", **style))
        exact, truncated = (norms[kind][-1, j] for kind in paths)
        ends.append(f"{term} {exact:.3g} exact and {truncated:.3g} truncated")
    if every.max() / every[every > 0].min() > 100:
        ax.set_yscale("log")
    far = cut_far(ax, norms["exact"], {"truncated": norms["truncated"]}, floor)
    title = f"{literal(name)} norms of the terms, $l = {comparison.order}$".strip()
    over = f"over {len(paths['exact']) - 1} steps exact, {len(paths['truncated']) - 1} truncated"
    words = f"{title}, {over}. At the end: {', '.join(ends)}.{far}"
    finish(ax, title, "step $t$ of the lifted descent", r"$|c_j|\,\|X_j\|^l$", words, columns=2)
    return fig, ax


def _simulations(comparison: DirectionComparison, steps: int | None) -> SimulatedLift:
    """Return the lift with both simulations over the steps, if they stay within float64."""
    lift = comparison.lift.over(comparison.steps)
    if steps is None or steps <= comparison.steps or comparison.diverged_at is not None:
        return lift
    longer = lift.over(steps)
    try:
        longer.span.value(longer.truncated.coefficients)
    except OverflowError:
        return lift
    return longer


def _first_step(ax: Axes, comparison: DirectionComparison, lift: SimulatedLift) -> int:
    """Return the first step to draw: 0 has no place on the logarithmic axis of longer paths."""
    if lift.settings.steps == comparison.steps:
        return 0
    ax.set_xscale("log")
    return 1


def _sampled(first: int, count: int) -> FloatArray:
    """Return the steps to draw of a path of this many states: spread evenly along the axis."""
    if first == 0 or count < 3:
        return thinned(count)
    return np.unique(np.geomspace(1, count - 1, _POINTS).round().astype(int))


def step_cost(rows: Sequence[Mapping[str, Any]], *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw the seconds of one step, explicit against simulated, against the order.

    Refused orders stand in a band at the top, with the bytes that they need.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of `compare_instances`.

    Examples
    --------
    >>> from lift_compare import compare
    >>> from lift_compare.compare import figures
    >>> rows = compare.compare_instances(["two-by-two"], orders=[3]).rows
    >>> figure, ax = figures.step_cost(rows)
    """
    rows = rows_of("rows", rows, "rows of compare_instances")
    fig, ax = canvas(ax, size=(4.6, 4.2))
    names = dict.fromkeys(row["instance"] for row in rows)
    told, refused = [], list[Refused]()
    for number, name in enumerate(names):
        marker, own = _marker(number), [row for row in rows if row["instance"] == name]
        measured = [row for row in own if row.get("explicit_seconds") is not None]
        if not measured:
            continue
        for side, kind in (("explicit", "explicit"), ("simulated", "exact")):
            key = f"{side}_seconds"
            timed = [(row["order"], row[key]) for row in own if row.get(key) is not None]
            ax.plot(*zip(*timed, strict=True), **line(kind, marker=marker, markevery=None))
        last = measured[-1]
        times = (show_seconds(last[f"{side}_seconds"]) for side in ("explicit", "simulated"))
        told.append("{} at order {}: explicit {}, simulated {}".format(name, last["order"], *times))
        over = sorted(
            (row["order"], row["predicted_bytes"]) for row in own if row.get("predicted_bytes")
        )
        refused.append((literal(name), {"color": GREY, "marker": marker}, over))
    ax.set_yscale("log")
    band = refused_band(ax, refused, "l")
    title, x = "One step of the lifted descent", "lifting order $l$"
    words = f"Seconds of one step against the lifting order. {'; '.join(told)}. {band}"
    finish(ax, title, x, "seconds (median)", words, legend=False)
    ax.set_xticks(sorted({row["order"] for row in rows}))
    for kind, label in (("explicit", "explicit"), ("exact", "simulated")):
        ax.plot([], [], **line(kind, marker="", label=label))
    for number, name in enumerate(names if len(names) > 1 else ()):
        ax.plot([], [], color=GREY, marker=_marker(number), linestyle="none", label=literal(name))
    legend_below(ax)
    return fig, ax


def _marker(number: int) -> str:
    return _INSTANCE_MARKERS[number % len(_INSTANCE_MARKERS)]
