"""Rivals: how often one is within a factor of the cheapest, and success against m/n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing.validation import FloatArray, InvalidValue, of_kind, rows_of

from .counted import shares
from .style import canvas, finish, line_in_turn


def performance_profile(
    costs: Mapping[str, Sequence[float]],
    *,
    largest: float = 1000.0,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw, for each rival, the share of problems solved within τ times the least cost of any.

    The profile of Dolan and Moré (2002): at τ = 1 the share of problems on which a rival was the
    cheapest, at the right end the share that it solved at all.

    Parameters
    ----------
    costs : mapping of str to sequence of float
        For each rival its cost on every problem, in one order for all; inf where it did not solve
        it.
    largest : float
        The largest τ drawn.

    Returns
    -------
    figure, axes

    Raises
    ------
    ValueError
        If the lengths differ, a cost is not positive, or there is no problem.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> costs = {"gd": [40.0, float("inf")], "restarts": [60.0, 900.0]}
    >>> figure, ax = figures.performance_profile(costs)
    """
    of_kind("costs", costs, Mapping, "a mapping of rivals to costs")
    table = _table(costs)
    with np.errstate(invalid="ignore"):  # inf/inf: a problem that nobody solved
        ratios = table / table.min(axis=0)
    ratios[np.isnan(ratios)] = np.inf
    curves = {}
    for name, row in zip(costs, ratios, strict=True):
        tau = np.unique([1.0, *row[row <= largest]])
        curves[name] = (tau, (row <= tau[:, None]).sum(axis=1))
    return profile_curves(curves, table.shape[1], largest=largest, title=title, ax=ax)


def profile_curves(
    curves: Mapping[str, tuple[FloatArray, FloatArray]],
    problems: int,
    *,
    largest: float = 1000.0,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw a profile that was counted before.

    By name: values of τ from 1 on, and how many of the problems were solved up to each.
    """
    fig, ax = canvas(ax)
    said = []
    for number, (name, (steps, solved)) in enumerate(curves.items()):
        tau, share = np.append(steps, largest), np.append(solved, solved[-1]) / problems
        look = line_in_turn(number, markevery=0.2)
        ax.step(tau, share, where="post", label=name, **look)
        said.append(f"{name}: {share[0]:.2f} at 1, {share[-1]:.2f} at {largest:g}.")
    ax.set_xscale("log")
    ax.set_ylim(-0.04, 1.04)
    words = (
        f"{title}. Share of {problems} problems solved within τ times the least cost, "
        f"against τ, logarithmic. {' '.join(said)}"
    )
    x = r"$\tau$: cost, in units of the cheapest"
    finish(ax, title, x, "share of problems", words, columns=3)
    return fig, ax


def rival_success(
    cells: Sequence[Mapping[str, Any]], *, rivals: Sequence[str] | None = None, title: str = ""
) -> tuple[Figure, list[Axes]]:
    """Draw the share of runs solved against m/n, a panel for each n and rank.

    Parameters
    ----------
    cells : sequence of mapping
        `RivalReport.cells` of families with n, m and rank, from random starts; others are left out.
    rivals : sequence of str, optional
        Which to draw, in this order; by default all.

    Returns
    -------
    figure, list of axes

    Raises
    ------
    ValueError
        If nothing is left to draw.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> cell = {"instance": "gaussian:n=4,m=6", "n": 4, "rank": 1, "start": "random", "rival": "gd"}
    >>> cells = [cell | {"m": 6, "solved": 3, "runs": 5}, cell | {"m": 8, "solved": 5, "runs": 5}]
    >>> figure, axes = figures.rival_success(cells)
    """
    cells = rows_of("cells", cells, "the cells of a RivalReport")
    kept = [c for c in cells if c["start"] == "random" and c.get("n") and c.get("m")]
    kept = [c for c in kept if c["solved"] is not None]
    panels = sorted({(c["rank"], c["n"]) for c in kept})
    if not panels:
        raise InvalidValue("cells: expected families with n and m, from random starts, got none")
    names = list(rivals or dict.fromkeys(c["rival"] for c in kept))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    fig = Figure((5.4 * columns, 4.1 * rows), layout="constrained")
    axes = list(np.atleast_1d(fig.subplots(rows, columns)).ravel())
    for extra in axes[len(panels) :]:
        extra.remove()
    for (rank, n), ax in zip(panels, axes, strict=False):
        of_panel = [c for c in kept if (c["rank"], c["n"]) == (rank, n)]
        places = sorted({c["m"] for c in of_panel})
        found = {(c["rival"], c["m"]): (c["solved"], c["runs"]) for c in of_panel}
        shares(
            [m / n for m in places],
            {name: [found.get((name, m), (0, 0)) for m in places] for name in names},
            y_label="share of runs solved",
            title=f"{title}{', ' if title else ''}$n = {n}$, rank {rank}",
            ax=ax,
        )
    return fig, axes[: len(panels)]


def _table(costs: Mapping[str, Sequence[float]]) -> FloatArray:
    """Return the costs as an array (rivals, problems)."""
    lengths = {len(row) for row in costs.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise InvalidValue(f"costs: expected one cost a problem for each rival, got {lengths or 0}")
    table = np.array([list(map(float, row)) for row in costs.values()])
    if not np.all(table > 0):  # NaN is not either
        raise InvalidValue("costs: expected positive numbers, or inf where it was not solved")
    return table
