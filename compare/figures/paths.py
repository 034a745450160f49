"""The lifted path, explicit against exactly simulated against truncated; and what a step costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare import simulated
from lift_compare.sensing.validation import show_bytes

from ..agreement.result import DirectionComparison
from ..tables import show_seconds
from .style import BLACK, BLUE, GREY, SMALL, VERMILION, canvas, finish, line

_TERMS = (("base α", BLACK, "o"), ("visible β", BLUE, "s"), ("hidden γ", VERMILION, "^"))
_INSTANCE_MARKERS = "os^DvP"


def lifted_objective(
    comparison: DirectionComparison, *, name: str = "", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw h^l along the three paths against the step.

    Parameters
    ----------
    comparison : DirectionComparison
        The comparison.
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
    fig, ax = canvas(ax)
    steps = np.arange(comparison.steps + 1)
    explicit, exact = comparison.explicit.values[steps], comparison.exact.values[steps]
    truncated = comparison.truncated_values
    ax.plot(steps, explicit, **line("explicit", label="explicit lift"))
    ax.plot(steps, exact, **line("exact", label="exact simulation", markevery=(0.07, 0.14)))
    ax.plot(steps, truncated, **line("truncated", label="truncated, as published"))
    if min(explicit.min(), truncated.min()) > 0 and explicit.max() / explicit.min() > 50:
        ax.set_yscale("log")
    title = f"{name} lifted objective, l = {comparison.order}".strip()
    words = (
        f"Lifted objective at order {comparison.order} over {comparison.steps} steps. Explicit "
        f"lift and exact simulation lie on one curve, from {explicit[0]:.4g} to "
        f"{explicit[-1]:.4g} (largest relative difference {comparison.objective_error:.1e}). "
        f"The truncated closed form ends at {truncated[-1]:.4g}."
    )
    finish(ax, title, "step of the lifted descent", r"$h^l(w_t)$", words)
    return fig, ax


def coefficient_paths(
    comparison: DirectionComparison, *, name: str = "", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the norms of the three terms, |c_j| ‖X_j‖^l, against the step.

    The exact simulation keeps all cross terms; the truncated path holds the base fixed.

    Parameters
    ----------
    comparison : DirectionComparison
        The comparison.
    name : str
        Name of the instance, for the title.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> from lift_compare.compare import figures
    >>> found = compare.compare_directions(
    ...     sensing.two_by_two(), [[0.0], [0.5**0.5]], 3, rho=0.1, eta=0.01, steps=20, costs=False
    ... )
    >>> figure, ax = figures.coefficient_paths(found, name="two-by-two")
    """
    fig, ax = canvas(ax)
    made = comparison.steps
    exact, truncated = (
        simulated.term_norms(comparison.directions, comparison.order, path)
        for path in (comparison.exact.coefficients[: made + 1], comparison.truncated.coefficients)
    )
    ends = []
    for j, (term, colour, marker) in enumerate(_TERMS):
        style: dict[str, Any] = {"color": colour, "marker": marker}
        solid = line("exact", linestyle="-", label=f"{term}, exact", **style)
        style |= {"linestyle": ":", "markerfacecolor": "none"}
        ax.plot(exact[:, j], **solid)
        ax.plot(truncated[:, j], **line("truncated", label=f"{term}, truncated", **style))
        ends.append(f"{term} {exact[-1, j]:.3g} exact and {truncated[-1, j]:.3g} truncated")
    norms = np.concatenate([exact, truncated])
    if norms.max() / norms[norms > 0].min() > 100:
        ax.set_yscale("log")
    title = f"{name} norms of the terms, l = {comparison.order}".strip()
    over = f"at order {comparison.order} over {made} steps"
    words = f"Norms of the three terms {over}. At the end: {', '.join(ends)}."
    finish(ax, title, "step of the lifted descent", r"$|c_j|\,\|X_j\|^l$", words)
    return fig, ax


def step_cost(rows: Sequence[Mapping[str, Any]], *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw the seconds of one step, explicit against simulated, against the order.

    Refused orders are marked.

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
    fig, ax = canvas(ax, size=(6.6, 3.5))
    names = dict.fromkeys(row["instance"] for row in rows)
    told = []
    for number, name in enumerate(names):
        marker, own = _marker(number), [row for row in rows if row["instance"] == name]
        measured = [row for row in own if row.get("explicit_seconds") is not None]
        if not measured:
            continue
        for side, kind in (("explicit", "explicit"), ("simulated", "exact")):
            seconds = [row[f"{side}_seconds"] for row in measured]
            style = line(kind, marker=marker, markevery=None)
            ax.plot([row["order"] for row in measured], seconds, **style)
        last = measured[-1]
        times = (show_seconds(last[f"{side}_seconds"]) for side in ("explicit", "simulated"))
        told.append("{} at order {}: explicit {}, simulated {}".format(name, last["order"], *times))
        refused = [row for row in own if row.get("predicted_bytes")]
        ax.plot(
            [row["order"] for row in refused],
            [0.96 - 0.06 * number] * len(refused),
            color=GREY,
            marker=marker,
            linestyle="none",
            markerfacecolor="none",
            transform=ax.get_xaxis_transform(),
        )
        if refused:
            needs = show_bytes(refused[0]["predicted_bytes"])
            told.append(f"order {refused[0]['order']} is refused, it needs {needs}")
    ax.set_yscale("log")
    title, x = "one step of the lifted descent", "lifting order l (hollow, at the top: refused)"
    words = f"Seconds of one step against the lifting order. {'; '.join(told)}."
    finish(ax, title, x, "seconds (median)", words, legend=None)
    ax.set_xticks(sorted({row["order"] for row in rows}))
    for kind, label in (("explicit", "explicit"), ("exact", "simulated")):
        ax.plot([], [], **line(kind, marker="", label=label))
    for number, name in enumerate(names):
        ax.plot([], [], color=GREY, marker=_marker(number), linestyle="none", label=name)
    ax.legend(fontsize=SMALL, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return fig, ax


def _marker(number: int) -> str:
    return _INSTANCE_MARKERS[number % len(_INSTANCE_MARKERS)]
