"""Seconds and peak bytes of each method against a size, log-log, refusals included."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lift_compare.sensing.validation import rows_of, show_bytes

from ..cost.scaling import SIZES, series_along
from ..tables import show_seconds
from .refused import Refused, refused_band
from .style import BLACK, GREEN, ORANGE, PURPLE, SMALL, canvas, finish, line

Row = Mapping[str, Any]

# Explicit lifting is solid in every form, told apart by colour and marker.
_FORMS: dict[str, dict[str, Any]] = {
    "residual": {"color": GREEN, "marker": "v"},
    "normal": {"color": PURPLE, "marker": "D"},
    "entrywise": {"color": BLACK, "marker": "o"},
    "rank-one": {"color": BLACK, "marker": "P"},
    "symmetric": {"color": ORANGE, "marker": "<"},
}
_TITLES = {
    "n": "side $n$",
    "rank": "rank $r$",
    "m": "measurements $m$",
    "order": "lifting order $l$",
}
_SYMBOLS = {"n": "n", "rank": "r", "m_rule": "m", "order": "l"}
_HATCH: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": "#8c8c8c",
    "hatch": "////",
    "linewidth": 0,
    "zorder": 0,
}
_TICKS, _DECADES = 8, 1000  # up to so many sizes, so far apart, each is a tick
_BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.5}


def cost_slices(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return for each operator and size the longest series of rows that differ in that size only.

    Keys are (operator, axis), axis being "n", "rank", "m" or "order"; a series has at least three
    sizes.
    """
    slices: dict[tuple[str, str], list[Row]] = {}
    for axis in SIZES:
        for (operator,), _, members in series_along(axis, rows, by=["operator"]):
            longest = slices.get((operator, axis), [])
            sizes, best = (len({row[axis] for row in series}) for series in (members, longest))
            if sizes >= max(3, best + 1):
                slices[operator, axis] = members
    return slices


def cost_seconds(
    rows: Sequence[Row], *, axis: str = "n", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the median seconds of one step of every method against one size, with a 20–80 % band.

    The hatched region is where every explicit form is refused for its predicted bytes.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of `cost_grid` that differ in the axis and the method only.
    axis : str
        "n", "rank", "m" or "order".

    Examples
    --------
    >>> from lift_compare import compare
    >>> from lift_compare.compare import figures
    >>> rows = compare.cost_grid(
    ...     compare.cost_cases("completion", n=[3, 4]), methods=["exact"], repeats=1, min_time=0.0
    ... )
    >>> figure, ax = figures.cost_seconds(rows, axis="n")
    """
    rows = rows_of("rows", rows, "rows of cost_grid", least=1)
    fig, ax = canvas(ax, size=(4.6, 4.9))
    said = []
    for name, members in _series(rows).items():
        timed = (row for row in members if row.get("run_seconds"))
        points = sorted(timed, key=lambda row: row[axis])
        style, label = _style(name), _label(name) + _refusal(members, axis)
        sizes = [row[axis] for row in points]
        ax.plot(sizes, [row["run_seconds"] for row in points], label=label, **style)
        low, high = (
            [row.get(f"run_seconds_{end}", row["run_seconds"]) for row in points]
            for end in ("low", "high")
        )
        ax.fill_between(sizes, low, high, color=style["color"], alpha=0.2, linewidth=0)
        if points:
            times = [f"{show_seconds(row['run_seconds'])} at {row[axis]:,}" for row in points]
            said.append(f"{label}: {times[0]}, {times[-1]}.")
    words = f"Seconds of one step. {' '.join(said)}"
    _complete(ax, rows, f"One step, {_kept(rows, axis)}", axis, "seconds", words)
    refused = _all_refused_from(rows, axis)
    if refused is not None:
        right = max(ax.get_xlim()[1], refused * 1.2)
        ax.axvspan(refused, right, **_HATCH)
        ax.set_xlim(right=right)
        text = f"every explicit\nform refused:\nneeds over {show_bytes(_allowed(rows))}"
        _note(ax, text, (refused, 0.97), ("data", "axes fraction"), offset=(5, 0), va="top")
    return fig, ax


def cost_bytes(
    rows: Sequence[Row], *, axis: str = "n", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the traced peak bytes of every method against one size.

    The traced peak counts what Python and numpy allocate, to the byte. (The resident one is noise
    below 1 MB, where the simulated side lies.) Sizes that are refused stand in a band at the top,
    with the bytes that they need.

    Parameters
    ----------
    rows, axis, ax
        As in `cost_seconds`.

    Examples
    --------
    >>> from lift_compare import compare
    >>> from lift_compare.compare import figures
    >>> rows = compare.cost_grid(
    ...     compare.cost_cases("completion", n=[3, 4]), methods=["exact"], repeats=1, min_time=0.0
    ... )
    >>> figure, ax = figures.cost_bytes(rows, axis="n")
    """
    rows = rows_of("rows", rows, "rows of cost_grid", least=1)
    fig, ax = canvas(ax, size=(4.6, 4.9))
    said, refused = [], list[Refused]()
    for name, members in _series(rows).items():
        style, label = _style(name), _label(name)
        traced = [row for row in members if row.get("traced_bytes")]
        points = sorted((row[axis], row["traced_bytes"]) for row in traced)
        if points:
            ax.plot(*zip(*points, strict=True), label=label, **style)
            ends = [f"{show_bytes(count)} at {size:,}" for size, count in (points[0], points[-1])]
            said.append(f"{label}: {', '.join(ends)}.")
        over = [row for row in members if row.get("status") == "refused"]
        needed = sorted((row[axis], row["predicted_bytes"]) for row in over)
        refused.append((name, style, needed))
    ax.set_yscale("log")
    if axis in ("n", "m"):
        ax.set_xscale("log")
    band = refused_band(ax, refused, _SYMBOLS.get(axis, axis))
    words = f"Peak bytes above the inputs, traced. {' '.join(said)} {band}"
    title, y = f"Memory, {_kept(rows, axis)}", "traced peak above the inputs (bytes)"
    _complete(ax, rows, title, axis, y, words)
    return fig, ax


def _series(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Return the rows by form (explicit) or method (simulated)."""
    series: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        series[row.get("form") or row["method"]].append(row)
    return series


def _style(name: str) -> dict[str, Any]:
    style = line("explicit", **_FORMS[name]) if name in _FORMS else line(name)
    return style | {"markevery": 1}


def _label(name: str) -> str:
    return f"explicit, {name}" if name in _FORMS else f"{name} simulation"


def _refusal(rows: Sequence[Row], axis: str) -> str:
    """Return from which size on a series was not measured, and why."""
    words = {"refused": "refused from", "too long": "too long from", "failed": "failed at"}
    for status, text in words.items():
        sizes = [row[axis] for row in rows if row.get("status") == status]
        if sizes:
            return f" ({text} ${_SYMBOLS.get(axis, axis)} = {min(sizes)}$)"
    return ""


def _all_refused_from(rows: Sequence[Row], axis: str) -> float | None:
    """Return the least size from which every explicit form is refused, or None."""
    explicit = [row for row in rows if row["method"] == "explicit"]
    tried = [row[axis] for row in explicit if row.get("status") in ("measured", "too long")]
    refused = [row[axis] for row in explicit if row.get("status") == "refused"]
    return min((size for size in refused if size > max(tried, default=0)), default=None)


def _allowed(rows: Sequence[Row]) -> float:
    return float(max(row.get("allowed_bytes") or 0 for row in rows))


def _kept(rows: Sequence[Row], axis: str) -> str:
    """Return the operator and the sizes that all rows share, for the title."""
    operators = " / ".join(sorted({row["operator"] for row in rows}))
    shared = []
    for key, symbol in _SYMBOLS.items():
        values = {str(row[key]) for row in rows}
        if key.removesuffix("_rule") != axis and len(values) == 1:
            shared.append(f"${symbol} = {values.pop()}$")
    return f"{operators}: {', '.join(shared)}"


def _note(
    ax: Axes, text: str, at: Any, coordinates: Any, *, offset: tuple[int, int], **align: Any
) -> None:
    """Write a note into the hatched region."""
    align |= {"xycoords": coordinates, "xytext": offset, "textcoords": "offset points"}
    ax.annotate(text, at, fontsize=SMALL, bbox=_BOX, **align)


def _complete(ax: Axes, rows: Sequence[Row], title: str, axis: str, y: str, words: str) -> None:
    if ax.get_yscale() != "log":  # to set it again would give up its ticks
        ax.set_yscale("log")
    if axis in ("n", "m"):
        ax.set_xscale("log")
    finish(ax, title, _TITLES[axis], y, f"{title}, {_TITLES[axis]}. {words}")
    sizes = sorted({row[axis] for row in rows})
    if axis not in ("n", "m"):
        ax.set_xticks(sizes)
        return
    ax.xaxis.set_minor_formatter(NullFormatter())  # they would run into each other
    if len(sizes) <= _TICKS and sizes[-1] < _DECADES * sizes[0]:
        ax.set_xticks(sizes, [f"{size:,}" for size in sizes])
