"""Performance profiles: how often a rival is within a factor of the cheapest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing.validation import FloatArray, InvalidValue

from .style import canvas, finish, legend_below, line

LOOKS = ("exact", "explicit", "truncated", "surrogate", "gd", "escape")


def performance_profile(
    costs: Mapping[str, Sequence[float]],
    *,
    kinds: Mapping[str, str] | None = None,
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
    kinds : mapping of str to str, optional
        The look of each line, a kind of `figures.line`; by default they take turns.
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
    table = _table(costs)
    fig, ax = canvas(ax)
    with np.errstate(invalid="ignore"):  # inf/inf: a problem that nobody solved
        ratios = table / table.min(axis=0)
    ratios[np.isnan(ratios)] = np.inf
    said = []
    for number, (name, row) in enumerate(zip(costs, ratios, strict=True)):
        steps = np.unique(row[row <= largest])
        tau = np.concatenate([[1.0], steps, [largest]])
        share = (row <= tau[:, None]).mean(axis=1)
        look = line((kinds or {}).get(name, LOOKS[number % len(LOOKS)]), markevery=0.2)
        ax.step(tau, share, where="post", label=name, **look)
        said.append(f"{name}: {share[0]:.2f} at 1, {share[-1]:.2f} at {largest:g}.")
    ax.set_xscale("log")
    ax.set_ylim(-0.04, 1.04)
    words = (
        f"{title}. Share of {table.shape[1]} problems solved within τ times the least cost, "
        f"against τ, logarithmic. {' '.join(said)}"
    )
    finish(ax, title, "τ: cost, in units of the cheapest", "share of problems", words, legend=None)
    legend_below(ax, drop=0.17, fontsize=8.5, ncols=3, columnspacing=1)
    return fig, ax


def _table(costs: Mapping[str, Sequence[float]]) -> FloatArray:
    """Return the costs as an array (rivals, problems)."""
    lengths = {len(row) for row in costs.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise InvalidValue(f"costs: expected one cost a problem for each rival, got {lengths or 0}")
    table = np.array([list(map(float, row)) for row in costs.values()])
    if not np.all(table > 0):  # NaN is not either
        raise InvalidValue("costs: expected positive numbers, or inf where it was not solved")
    return table
