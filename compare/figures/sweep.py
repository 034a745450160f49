"""Any sweep: lines over one setting, one for each value of a second, or a map over two."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from lift_compare.sensing.validation import InvalidValue, did_you_mean, shown

from .style import BLACK, GREY, SMALL, canvas, finish, legend_below, line_in_turn
from .sweep_rows import LABELS, STATES, Grid, Row, chosen_rows, in_words, is_number, on_an_axis

KINDS = ("lines", "map")

_MANY = 50  # the largest value over the least: from there on the axis is logarithmic
_MOST_LINES = 36  # as many looks as lines have
_TICKS = 12  # values of a setting that all have their tick
_MARKERS = dict(zip(STATES, "xv|_^", strict=True))
_HATCHES = dict(zip((*STATES, "not run"), ("xxx", "///", "...", "---", "ooo", ""), strict=True))


def sweep_figure(
    rows: Any,
    x: str,
    y: str,
    *,
    by: str | None = None,
    kind: str = "lines",
    where: Mapping[str, Any] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw a result of a sweep against one setting or two.

    Rows without a number are shown as what they are: failed, refused, without a value, or missing
    (interrupted, or not evaluated yet), at their place, and counted in the legend.

    Parameters
    ----------
    rows : sequence of mapping, pandas.DataFrame, Ablation or SweepReport
        Rows of a sweep, as `export_rows` or `export_frame` give them.
    x : str
        The setting across.
    y : str
        The result: numbers, or yes and no.
    by : str, optional
        A second setting: a line for each of its values, or upwards in a map.
    kind : str
        "lines", or "map": cells over x and `by`, coloured by the result.
    where : mapping, optional
        Settings and their values: only rows that have them are drawn.

    Raises
    ------
    TypeError, ValueError
        If rows lack a column that is named, if the result is words, or if several rows fall on one
        place: they differ in a further setting then, which `where` can fix.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> rows = [{"order": l, "rho": rho, "h": l * rho} for l in (3, 5) for rho in (0.1, 0.2)]
    >>> figure, ax = figures.sweep_figure(rows, "order", "h", by="rho")
    >>> len(ax.get_lines())
    2
    """
    if kind not in KINDS:
        close = did_you_mean(str(kind), KINDS)
        raise InvalidValue(f"kind: expected one of {', '.join(KINDS)}, got {shown(kind)}{close}")
    if kind == "map" and by is None:
        raise InvalidValue("by: expected a second setting for a map, got None")
    chosen = chosen_rows(rows, {"x": x, "y": y, "by": by}, where)
    grid = Grid(chosen, x, y, by)
    draw = _map if kind == "map" else _lines
    return draw(grid, title, ax)


def sweep_panels(parts: Mapping[str, Sequence[Row]], y: str) -> tuple[Figure, list[Axes]]:
    """Draw a result against several settings that vary one at a time, a panel for each.

    `parts` has the rows of each by the name of its setting.
    """
    columns = min(2, len(parts))
    lines = -(-len(parts) // columns)
    fig = Figure((4.8 * columns, 4.4 * lines), layout="constrained")
    axes = list(np.atleast_1d(fig.subplots(lines, columns)).ravel())
    for extra in axes[len(parts) :]:
        extra.remove()
    for (x, rows), ax in zip(parts.items(), axes, strict=False):
        sweep_figure(rows, x, y, title=f"{x} alone varies", ax=ax)
    return fig, axes[: len(parts)]


# Lines -------------------------------------------------------------------------------------------


def _lines(grid: Grid, title: str, ax: Axes | None) -> tuple[Figure, Axes]:
    """Draw a line for each value of `by`; below the axes what has no number."""
    if len(grid.upwards) > _MOST_LINES:
        what = f"expected at most {_MOST_LINES} values, for a line each"
        raise InvalidValue(f"by: {what}, got {len(grid.upwards)}; use kind='map'")
    fig, ax = canvas(ax, size=(5.2, 4.8))
    positions, scale = _positions(grid.across)
    ax.set_xscale("log" if scale == "log" else "linear")
    if _is_logarithmic(grid.numbers):
        ax.set_yscale("log")
    seen = 0
    for number, value in enumerate(grid.upwards):
        heights = [grid.values.get((place, value)) for place in grid.across]
        if all(height is None for height in heights):
            continue
        label = f"{grid.by} = {in_words(value)}" if grid.by is not None else None
        gaps = [math.nan if height is None else height for height in heights]
        ax.plot(positions, gaps, label=label, **line_in_turn(number, markevery=1))
        seen += 1
    if grid.is_truth:
        ax.set_ylim(-0.1, 1.1)
    _show_missing(ax, grid, positions)
    x, y = (LABELS.get(name, name) for name in (grid.x, grid.y))
    finish(ax, title, x, y, f"{title}. {grid.words()}", legend=False)
    _ticks(ax.xaxis, grid.across, positions, scale)
    if grid.is_truth:
        ax.set_yticks([0, 1], ["no", "yes"])
    if ax.get_legend_handles_labels()[0]:
        legend_below(ax, columns=2 if seen > 4 else 1)
    return fig, ax


def _show_missing(ax: Axes, grid: Grid, positions: Sequence[float]) -> None:
    """Mark along the bottom of the axes where there is no number, and why."""
    at = dict(zip(grid.across, positions, strict=True))
    for state, marker in _MARKERS.items():
        places = [place for place in grid.cells if grid.state(place) == state]
        if not places:
            continue
        xs = sorted({at[place[0]] for place in places})
        rows = f"{len(places)} row{'s' * (len(places) != 1)}"
        label = f"{state}: {rows}"
        ax.plot(
            xs,
            [0.03] * len(xs),
            linestyle="none",
            marker=marker,
            color=BLACK,
            markersize=8,
            mew=1.8,
            transform=ax.get_xaxis_transform(),
            label=label,
            clip_on=False,
            zorder=5,
        )


# Map ---------------------------------------------------------------------------------------------


def _map(grid: Grid, title: str, ax: Axes | None) -> tuple[Figure, Axes]:
    """Draw a cell for each place, of equal sizes; a hatched one where there is no number."""
    fig, ax = canvas(ax, size=(5.6, 4.8))
    colours = np.array(
        [[grid.values.get((a, u)) for a in grid.across] for u in grid.upwards], dtype=float
    )
    norm = LogNorm if _is_logarithmic(grid.numbers) else Normalize
    low, high = (grid.numbers.min(), grid.numbers.max()) if grid.numbers.size else (0.0, 1.0)
    # cividis looks alike to all eyes.
    mesh = ax.imshow(
        np.ma.masked_invalid(colours),
        cmap="cividis",
        norm=norm(low, high),
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    states: dict[str, tuple[Patch, int]] = {}
    for row, upwards in enumerate(grid.upwards):
        for column, across in enumerate(grid.across):
            state = grid.state((across, upwards))
            if state != "done":
                hatch = _HATCHES[state]
                style: dict[str, Any] = {
                    "facecolor": "white",
                    "edgecolor": GREY,
                    "hatch": hatch,
                    "linewidth": 0.5,
                }
                ax.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, **style))
                patch, count = states.get(state, (Patch(**style), 0))
                states[state] = (patch, count + 1)
    bar = fig.colorbar(mesh, ax=ax)
    bar.set_label(LABELS.get(grid.y, grid.y), fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    x, by = LABELS.get(grid.x, grid.x), LABELS.get(str(grid.by), str(grid.by))
    finish(ax, title, x, by, f"{title}. A map. {grid.words()}", legend=False)
    ax.grid(False)
    for axis, values in ((ax.xaxis, grid.across), (ax.yaxis, grid.upwards)):
        _ticks(axis, values, range(len(values)), "categories")
    if states:
        for state, (patch, count) in states.items():
            patch.set_label(f"{state}: {count}")
        legend_below(ax, columns=2, handles=[patch for patch, _ in states.values()])
    return fig, ax


# Axes --------------------------------------------------------------------------------------------


def _is_logarithmic(values: Any) -> bool:
    """Return whether all are positive and they span more than a factor of some dozens."""
    return len(values) > 1 and min(values) > 0 and max(values) / min(values) >= _MANY


def _positions(values: Sequence[Any]) -> tuple[list[float], str]:
    """Return where values stand on the axis, and its scale.

    Words stand side by side, "categories", and so do numbers that an axis does not hold.
    """
    if all(is_number(value) and on_an_axis(value) for value in values):
        return [float(value) for value in values], "log" if _is_logarithmic(values) else "linear"
    return [float(place) for place in range(len(values))], "categories"


def _ticks(axis: Any, values: Sequence[Any], positions: Sequence[float], scale: str) -> None:
    """Put ticks at the values themselves, where these are words, or few whole numbers."""
    are_numbers = all(is_number(value) for value in values)
    whole = are_numbers and all(float(value).is_integer() for value in values)
    if scale == "log" or (
        scale == "linear" and are_numbers and (not whole or len(values) > _TICKS)
    ):
        return
    step = math.ceil(len(values) / _TICKS)
    axis.set_ticks(list(positions)[::step], [in_words(value) for value in values][::step])
