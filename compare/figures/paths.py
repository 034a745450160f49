"""The lifted path, explicit against exactly simulated against truncated; and what a step of either side costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare import simulated

from ..directions import DirectionComparison
from ..tables import show_bytes, show_seconds
from .style import SMALL, canvas, finish, line

_TERMS = ("base α", "visible β", "hidden γ")


def lifted_objective(
    comparison: DirectionComparison,
    span: simulated.SpanObjective,
    *,
    name: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw h^l along the three paths against the step.

    Parameters
    ----------
    comparison : DirectionComparison
        The comparison.
    span : SpanObjective
        The objective on its three generators: h^l of the truncated path is computed from it, exactly.
    name : str
        Name of the instance, for the title.
    ax : Axes, optional
        Where to draw.
    """
    fig, ax = canvas(ax)
    made = comparison.steps
    explicit = comparison.explicit.values[: made + 1]
    exact = comparison.exact.values[: made + 1]
    truncated = np.asarray(span.value(comparison.truncated.coefficients))
    steps = np.arange(made + 1)
    ax.plot(steps, explicit, **line("explicit", label="explicit lift"))
    ax.plot(steps, exact, **line("exact", label="exact simulation", markevery=(0.07, 0.14)))
    ax.plot(steps, truncated, **line("truncated", label="truncated, as published"))
    if min(explicit.min(), truncated.min()) > 0 and explicit.max() / explicit.min() > 50:
        ax.set_yscale("log")
    finish(
        ax,
        title=f"{name} lifted objective, l = {comparison.order}".strip(),
        x="step of the lifted descent",
        y=r"$h^l(w_t)$",
        alternative=(
            f"Lifted objective at order {comparison.order} over {made} steps. Explicit lift and exact simulation lie "
            f"on one curve, from {explicit[0]:.4g} to {explicit[-1]:.4g} (largest relative difference "
            f"{comparison.objective_error:.1e}). The truncated closed form ends at {truncated[-1]:.4g}."
        ),
    )
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
    ax : Axes, optional
        Where to draw.
    """
    fig, ax = canvas(ax)
    made = comparison.steps
    exact = simulated.term_norms(
        comparison.directions, comparison.order, comparison.exact.coefficients[: made + 1]
    )
    truncated = simulated.term_norms(
        comparison.directions, comparison.order, comparison.truncated.coefficients
    )
    colours, markers = ("#000000", "#0072B2", "#D55E00"), ("o", "s", "^")
    for j, term in enumerate(_TERMS):
        style = {"color": colours[j], "marker": markers[j]}
        ax.plot(exact[:, j], **line("exact", linestyle="-", label=f"{term}, exact", **style))
        ax.plot(
            truncated[:, j],
            **line(
                "truncated",
                linestyle=":",
                label=f"{term}, truncated",
                markerfacecolor="none",
                **style,
            ),
        )
    positive = np.concatenate([exact, truncated])
    positive = positive[positive > 0]
    if positive.max() / positive.min() > 100:
        ax.set_yscale("log")
    ends = ", ".join(
        f"{term} {a:.3g} exact and {b:.3g} truncated"
        for term, a, b in zip(_TERMS, exact[-1], truncated[-1], strict=True)
    )
    finish(
        ax,
        title=f"{name} norms of the terms, l = {comparison.order}".strip(),
        x="step of the lifted descent",
        y=r"$|c_j|\,\|X_j\|^l$",
        alternative=f"Norms of the three terms at order {comparison.order} over {made} steps. At the end: {ends}.",
    )
    return fig, ax


def step_cost(rows: Sequence[Mapping[str, Any]], *, ax: Axes | None = None) -> tuple[Figure, Axes]:
    """Draw the seconds of one step, explicit against simulated, against the lifting order; refusals are marked.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of `compare_published`.
    ax : Axes, optional
        Where to draw.
    """
    fig, ax = canvas(ax, size=(6.6, 3.5))
    names = list(dict.fromkeys(row["instance"] for row in rows))
    markers = ("o", "s", "^", "D", "v", "P")
    told = []
    for marker, name in zip(markers, names, strict=False):
        measured = [
            row
            for row in rows
            if row["instance"] == name and row.get("explicit_seconds") is not None
        ]
        if not measured:
            continue
        orders = [row["order"] for row in measured]
        for side, kind in (("explicit", "explicit"), ("simulated", "exact")):
            seconds = [row[f"{side}_seconds"] for row in measured]
            ax.plot(orders, seconds, **line(kind, marker=marker, markevery=None, label=None))
        last = measured[-1]
        told.append(
            f"{name} at order {last['order']}: explicit {show_seconds(last['explicit_seconds'])}, "
            f"simulated {show_seconds(last['simulated_seconds'])}"
        )
        refused = [row for row in rows if row["instance"] == name and row.get("predicted_bytes")]
        heights = [0.96 - 0.06 * names.index(name)] * len(refused)
        ax.plot(
            [row["order"] for row in refused], heights, color="#555555", marker=marker, linestyle="none",
            markerfacecolor="none", transform=ax.get_xaxis_transform(),
        )  # fmt: skip
        if refused:
            told.append(
                f"order {refused[0]['order']} is refused, it needs {show_bytes(refused[0]['predicted_bytes'])}"
            )
    ax.set_yscale("log")
    finish(
        ax,
        title="one step of the lifted descent",
        x="lifting order l (hollow, at the top: refused)",
        y="seconds (median)",
        alternative="Seconds of one step against the lifting order. " + "; ".join(told) + ".",
        legend=None,
    )
    ax.set_xticks(sorted({row["order"] for row in rows}))
    for kind, label in (("explicit", "explicit"), ("exact", "simulated")):
        ax.plot([], [], **line(kind, marker="", label=label))
    for marker, name in zip(markers, names, strict=False):
        ax.plot([], [], color="#555555", marker=marker, linestyle="none", label=name)
    ax.legend(fontsize=SMALL, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return fig, ax
