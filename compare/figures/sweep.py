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

from lift_compare.sensing.validation import InvalidType, InvalidValue, did_you_mean, shown

from .style import BLACK, GREY, SMALL, canvas, finish, legend_below, line_in_turn

Row = Mapping[str, Any]

KINDS = ("lines", "map")

_LABELS = {
    "order": "lifting order l",
    "rho": "ρ, weight of the visible direction at the start",
    "eta": "η, step of the truncated recursion",
    "steps": "T, number of steps",
    "epsilon": "ε",
    "n": "side n",
    "m": "measurements m",
    "rank": "rank r",
    "seconds": "seconds (s) of one row",
    "h_exact_T": "h^l at T",
    "h_surrogate_T": "h^l at T by the diagonal surrogate",
    "h_collapsed": "h at the collapsed point",
    "h_final": "h at the end of the descent after it",
    "h_before": "h at X̂",
    "truncation_error": "truncation error (of ‖Π_S ∇h^l‖)",
    "lambda_n": "λ_n",
}
"""What a setting or result is called on an axis; all else by its name."""

_MANY = 50  # the largest value over the least: from there on the axis is logarithmic
_MOST_LINES = 36  # as many looks as lines have
_TICKS = 12  # values of a setting that all have their tick
_AXIS = 1e150  # what an axis holds, and 1 over it: matplotlib multiplies its ends
_MISSING = {"failed": "x", "refused": "v", "no value": "|", "missing": "_", "off the axis": "^"}
"""The marker of what has no number, by what became of it."""
_EMPTY: Mapping[str, Any] = {"facecolor": "white", "edgecolor": GREY, "linewidth": 0.5}
_HATCHES = {"failed": "xxx", "refused": "///", "no value": "...", "missing": "---"}
_HATCHES |= {"off the axis": "ooo", "not run": ""}


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
    chosen = _chosen(rows, {"x": x, "y": y, "by": by}, where)
    grid = _Grid(chosen, x, y, by)
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


class _Grid:
    """The rows by their places: the value of x, and that of `by`."""

    def __init__(self, rows: Sequence[Row], x: str, y: str, by: str | None) -> None:
        self.x, self.y, self.by = x, y, by
        self.across = _distinct(rows, x)
        self.upwards = _distinct(rows, by) if by is not None else [None]
        self.cells: dict[tuple[Any, Any], Row] = {}
        for row in rows:
            place = (row.get(x), row.get(by) if by is not None else None)
            if place in self.cells:
                _refuse_two(self.cells[place], row, {"x": x, "by": by, "y": y})
            self.cells[place] = row
        found = {place: _number(y, row) for place, row in self.cells.items()}
        self.off = {place for place, value in found.items() if not _on_an_axis(value)}
        self.values = found | dict.fromkeys(self.off)
        numbers = [value for value in self.values.values() if value is not None]
        self.numbers = np.array(numbers, dtype=float)
        self.is_truth = bool(self.cells) and all(
            isinstance(row.get(y), bool | np.bool_ | None) for row in self.cells.values()
        )

    def state(self, place: tuple[Any, Any]) -> str:
        """Return what became of a place: "done", or why there is no number."""
        if place not in self.cells:
            return "not run"
        status = str(self.cells[place].get("status") or "done")
        if status in ("failed", "refused"):
            return status
        if status != "done":
            return "missing"
        if place in self.off:
            return "off the axis"
        return "done" if self.values[place] is not None else "no value"

    def words(self) -> str:
        """Return in words where the result is least and largest, and what has no number."""
        label = _LABELS.get(self.y, self.y)
        said = [f"{label} against {_LABELS.get(self.x, self.x)}"]
        if self.by is not None:
            said[0] += f" and {_LABELS.get(self.by, self.by)}"
        said[0] += f": {len(self.numbers)} of {len(self.cells)} rows are drawn."
        known = {place: value for place, value in self.values.items() if value is not None}
        if known:
            for word, pick in (("Least", min), ("Largest", max)):
                place = pick(known, key=lambda each: known[each])
                said.append(f"{word}: {known[place]:.4g} at {self.at(place)}.")
        for state in _MISSING:
            places = [self.at(place) for place in self.cells if self.state(place) == state]
            if places:
                said.append(f"{state.capitalize()}: {'; '.join(places)}.")
        return " ".join(said)

    def at(self, place: tuple[Any, Any]) -> str:
        """Return a place in words."""
        said = f"{self.x} = {_shown(place[0])}"
        return said if self.by is None else f"{said}, {self.by} = {_shown(place[1])}"


# Lines -------------------------------------------------------------------------------------------


def _lines(grid: _Grid, title: str, ax: Axes | None) -> tuple[Figure, Axes]:
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
        label = f"{grid.by} = {_shown(value)}" if grid.by is not None else None
        gaps = [math.nan if height is None else height for height in heights]
        ax.plot(positions, gaps, label=label, **line_in_turn(number, markevery=1))
        seen += 1
    if grid.is_truth:
        ax.set_ylim(-0.1, 1.1)
    _show_missing(ax, grid, positions)
    x, y = (_LABELS.get(name, name) for name in (grid.x, grid.y))
    finish(ax, title, x, y, f"{title}. {grid.words()}", legend=False)
    _ticks(ax.xaxis, grid.across, positions, scale)
    if grid.is_truth:
        ax.set_yticks([0, 1], ["no", "yes"])
    if ax.get_legend_handles_labels()[0]:
        legend_below(ax, columns=2 if seen > 4 else 1)
    return fig, ax


def _show_missing(ax: Axes, grid: _Grid, positions: Sequence[float]) -> None:
    """Mark along the bottom of the axes where there is no number, and why."""
    at = dict(zip(grid.across, positions, strict=True))
    for state, marker in _MISSING.items():
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


def _map(grid: _Grid, title: str, ax: Axes | None) -> tuple[Figure, Axes]:
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
    bar.set_label(_LABELS.get(grid.y, grid.y), fontsize=SMALL)
    bar.ax.tick_params(labelsize=SMALL)
    x, by = _LABELS.get(grid.x, grid.x), _LABELS.get(str(grid.by), str(grid.by))
    finish(ax, title, x, by, f"{title}. A map. {grid.words()}", legend=False)
    ax.grid(False)
    for axis, values in ((ax.xaxis, grid.across), (ax.yaxis, grid.upwards)):
        _ticks(axis, values, range(len(values)), "categories")
    if states:
        for state, (patch, count) in states.items():
            patch.set_label(f"{state}: {count}")
        legend_below(ax, columns=2, handles=[patch for patch, _ in states.values()])
    return fig, ax


# Values ------------------------------------------------------------------------------------------


def _chosen(
    given: Any, named: Mapping[str, str | None], where: Mapping[str, Any] | None
) -> list[Row]:
    """Return the rows that are drawn, if they have the columns named."""
    rows = _records(given)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not rows:
        raise InvalidValue("rows: expected at least one row, got none")
    for argument, name in named.items():
        if name is not None and name not in columns:
            close = did_you_mean(str(name), columns)
            raise InvalidValue(
                f"{argument}: expected a column of the rows, got {shown(name)}{close}"
            )
    names = [name for name in named.values() if name is not None]
    if len(set(names)) < len(names):
        raise InvalidValue(f"x, y, by: expected different columns, got {', '.join(names)}")
    for name, value in (where or {}).items():
        if name not in columns:
            close = did_you_mean(str(name), columns)
            raise InvalidValue(f"where: {shown(name)} is no column of the rows{close}")
        values = _distinct(rows, name)
        rows = [row for row in rows if row.get(name) == value]
        if not rows:
            some = ", ".join(map(_shown, values[:6]))
            raise InvalidValue(f"where: no row has {name} = {shown(value)}; there are {some}")
    return rows


def _records(given: Any) -> list[Row]:
    """Return rows of any kind as dicts; NaN in a frame is an empty cell."""
    if hasattr(given, "_records"):
        given = given._records()
    elif hasattr(given, "to_dict") and hasattr(given, "columns"):
        given = given.to_dict("records")
    if not isinstance(given, list | tuple) or not all(isinstance(row, Mapping) for row in given):
        expected = "expected rows as dicts, a frame, an Ablation or a SweepReport"
        raise InvalidType(f"rows: {expected}, got {type(given).__name__}")
    return [{key: _plain(value) for key, value in row.items()} for row in given]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return tuple(value) if isinstance(value, list) else value


def _distinct(rows: Sequence[Row], name: str) -> list[Any]:
    """Return the values of a column: numbers ascending, words as they come, empty ones last."""
    values = list(dict.fromkeys(row.get(name) for row in rows))
    known = [value for value in values if value is not None]
    if all(_is_number(value) for value in known):
        known.sort()
    return [*known, *([None] if len(known) < len(values) else [])]


def _number(y: str, row: Row) -> float | None:
    value = row.get(y)
    if isinstance(value, bool):
        return float(value)
    if value is not None and not _is_number(value):
        raise InvalidType(f"y: expected a result with numbers, and {y} has {shown(value)}")
    return None if value is None or not math.isfinite(value) else float(value)


def _refuse_two(one: Row, other: Row, named: Mapping[str, str | None]) -> None:
    """Refuse two rows on one place, with the settings in which they differ."""
    names = [name for name in one if name not in ("status", "evaluation", named["y"])]
    end = names.index("error") if "error" in names else len(names)
    differ = [name for name in names[:end] if one.get(name) != other.get(name)]
    at = ", ".join(
        f"{name} = {_shown(one.get(name))}" for name in (named["x"], named["by"]) if name
    )
    more = f"they differ in {', '.join(differ[:4])}" if differ else "they are the same"
    raise InvalidValue(
        f"rows: expected one row for each place, got several at {at}; {more}: choose by "
        "where={'NAME': VALUE} or by="
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _on_an_axis(value: float | None) -> bool:
    """Return whether a number can be drawn; None, which is none, is marked otherwise."""
    return value is None or value == 0 or 1 / _AXIS <= abs(value) <= _AXIS


def _is_logarithmic(values: Any) -> bool:
    """Return whether all are positive and they span more than a factor of some dozens."""
    return len(values) > 1 and min(values) > 0 and max(values) / min(values) >= _MANY


def _positions(values: Sequence[Any]) -> tuple[list[float], str]:
    """Return where values stand on the axis, and its scale.

    Words stand side by side, "categories", and so do numbers that an axis does not hold.
    """
    if all(_is_number(value) and _on_an_axis(value) for value in values):
        return [float(value) for value in values], "log" if _is_logarithmic(values) else "linear"
    return [float(place) for place in range(len(values))], "categories"


def _ticks(axis: Any, values: Sequence[Any], positions: Sequence[float], scale: str) -> None:
    """Put ticks at the values themselves, where these are words, or few whole numbers."""
    are_numbers = all(_is_number(value) for value in values)
    whole = are_numbers and all(float(value).is_integer() for value in values)
    if scale == "log" or (
        scale == "linear" and are_numbers and (not whole or len(values) > _TICKS)
    ):
        return
    step = math.ceil(len(values) / _TICKS)
    axis.set_ticks(list(positions)[::step], [_shown(value) for value in values][::step])


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
