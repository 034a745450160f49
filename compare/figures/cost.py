"""Cost against size, log-log: seconds and peak bytes of each method, with what was refused drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..resident import NOISE
from ..tables import show_bytes, show_seconds
from .style import BLACK, GREEN, ORANGE, PURPLE, SMALL, canvas, finish, line

Row = Mapping[str, Any]

_SIZE = (4.6, 4.7)
# Explicit lifting is solid in every form, told apart by colour and marker.
_FORMS: dict[str, dict[str, Any]] = {
    "residual": {"color": GREEN, "marker": "v"},
    "normal": {"color": PURPLE, "marker": "D"},
    "entrywise": {"color": BLACK, "marker": "o"},
    "rank-one": {"color": BLACK, "marker": "P"},
    "symmetric": {"color": ORANGE, "marker": "<"},
}
_SIZES = {"n": "side n", "rank": "rank r", "m": "measurements m", "order": "lifting order l"}
_SYMBOLS = {"n": "n", "rank": "r", "m_rule": "m", "order": "l"}
_HATCH: dict[str, Any] = {
    "facecolor": "none",
    "edgecolor": "#8c8c8c",
    "hatch": "////",
    "linewidth": 0.0,
    "zorder": 0,
}
_BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.9, "pad": 1.5}


def cost_slices(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """Return, for each operator and each size that varies, the longest series of rows that differ in that size only.

    Keys are (operator, axis), axis being "n", "rank", "m" or "order"; a series has at least three
    sizes.
    """
    slices: dict[tuple[str, str], list[Row]] = {}
    for axis in _SIZES:
        kept = [name for name in ("n", "rank", "order") if name != axis] + (
            [] if axis == "m" else ["m_rule"]
        )
        groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for row in rows:
            groups[tuple(row[name] for name in ("operator", *kept))].append(row)
        for key, members in groups.items():
            sizes = len({row[axis] for row in members})
            if sizes >= max(3, len({row[axis] for row in slices.get((key[0], axis), ())}) + 1):
                slices[key[0], axis] = members
    return slices


def cost_seconds(
    rows: Sequence[Row], *, axis: str = "n", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw the median seconds of one step of every method against one size, with the 20–80 % band.

    The hatched region is where every explicit form is refused for its predicted bytes.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of `cost_grid` that differ in the axis and the method only (see `cost_slices`).
    axis : str
        "n", "rank", "m" or "order".
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.
    """
    fig, ax = canvas(ax, size=_SIZE)
    said = []
    for name, members in _series(rows).items():
        points = sorted(
            (row for row in members if row.get("run_seconds")), key=lambda row: row[axis]
        )
        style = _style(name)
        label = _label(name) + _refusal(members, axis)
        sizes = [row[axis] for row in points]
        ax.plot(sizes, [row["run_seconds"] for row in points], label=label, **style)
        low, high = (
            [row.get(f"run_seconds_{end}", row["run_seconds"]) for row in points]
            for end in ("low", "high")
        )
        ax.fill_between(sizes, low, high, color=style["color"], alpha=0.2, linewidth=0)
        if points:
            first, last = (
                f"{show_seconds(row['run_seconds'])} at {row[axis]:,}"
                for row in (points[0], points[-1])
            )
            said.append(f"{label}: {first}, {last}.")
    _complete(
        ax,
        rows,
        f"One step, {_kept(rows, axis)}",
        axis,
        "seconds",
        "Seconds of one step. " + " ".join(said),
    )
    refused = _all_refused_from(rows, axis)
    if refused is not None:
        right = max(ax.get_xlim()[1], refused * 1.2)
        ax.axvspan(refused, right, **_HATCH)
        ax.set_xlim(right=right)
        ax.annotate(
            f"every explicit\nform refused:\nneeds over {show_bytes(_allowed(rows))}", (refused, 0.97), va="top",
            xycoords=("data", "axes fraction"), xytext=(5, 0), textcoords="offset points", fontsize=SMALL, bbox=_BOX,
        )  # fmt: skip
    return fig, ax


def cost_bytes(
    rows: Sequence[Row], *, axis: str = "n", ax: Axes | None = None
) -> tuple[Figure, Axes]:
    """Draw peak bytes against one size: predicted (thin line), resident (filled marker) and traced (hollow marker).

    The hatched region is above the byte budget: predictions run into it, measurements do not.

    Parameters
    ----------
    rows : sequence of mapping
        Rows of `cost_grid` that differ in the axis and the method only (see `cost_slices`).
    axis : str
        "n", "rank", "m" or "order".
    ax : matplotlib Axes, optional
        Where to draw; a new figure without it.
    """
    fig, ax = canvas(ax, size=_SIZE)
    said = []
    for name, members in _series(rows).items():
        ordered = sorted(members, key=lambda row: row[axis])
        style = _style(name)
        predicted = [
            (row[axis], row["predicted_bytes"]) for row in ordered if row.get("predicted_bytes")
        ]
        resident = [
            (row[axis], row["resident_bytes"]) for row in ordered if row.get("resident_bytes")
        ]
        traced = [(row[axis], row["traced_bytes"]) for row in ordered if row.get("traced_bytes")]
        joined = style if name in ("exact", "truncated") else style | {"linestyle": "none"}
        ax.plot(*np.array(predicted).reshape(-1, 2).T, **style | {"marker": "", "linewidth": 0.9})
        ax.plot(*np.array(resident).reshape(-1, 2).T, label=_label(name), **joined)
        ax.plot(
            *np.array(traced).reshape(-1, 2).T,
            **joined | {"linestyle": "none", "markerfacecolor": "none"},
        )
        if resident:
            size, count = resident[-1]
            said.append(
                f"{_label(name)}{_refusal(members, axis)}: resident peak {show_bytes(count)} at {size:,}."
            )
    keys: tuple[tuple[str, dict[str, Any]], ...] = (
        ("predicted", {"linewidth": 0.9}),
        ("resident", {"linestyle": "none", "marker": "o"}),
        ("traced", {"linestyle": "none", "marker": "o", "markerfacecolor": "none"}),
    )
    ax.axhline(NOISE, color="#595959", linewidth=0.9, linestyle=":", label="resident: noise below")
    for label, style in keys:
        ax.plot([], [], **{"color": "#595959", "markersize": 5.5, "label": label, **style})
    text = "Peak bytes above the inputs, predicted, traced and resident. " + " ".join(said)
    _complete(
        ax,
        rows,
        f"Memory, {_kept(rows, axis)}",
        axis,
        "peak above the inputs (bytes)",
        text,
        columns=2,
    )
    allowed = _allowed(rows)
    if any(row.get("status") == "refused" for row in rows):
        ax.set_ylim(top=100 * allowed)
        ax.axhspan(allowed, 100 * allowed, **_HATCH)
        ax.annotate(
            f"refused: over {show_bytes(allowed)}", (0.98, allowed), xycoords=("axes fraction", "data"),
            xytext=(0, 5), textcoords="offset points", ha="right", fontsize=SMALL, bbox=_BOX,
        )  # fmt: skip
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
    for status, text in (
        ("refused", "refused from"),
        ("too long", "too long from"),
        ("failed", "failed at"),
    ):
        sizes = [row[axis] for row in rows if row.get("status") == status]
        if sizes:
            return f" ({text} {_SYMBOLS.get(axis, axis)} = {min(sizes)})"
    return ""


def _all_refused_from(rows: Sequence[Row], axis: str) -> float | None:
    """Return the least size from which every explicit form is refused, or None."""
    explicit = [row for row in rows if row["method"] == "explicit"]
    kept = max(
        (row[axis] for row in explicit if row.get("status") in ("measured", "too long")), default=0
    )
    beyond = [row[axis] for row in explicit if row[axis] > kept and row.get("status") == "refused"]
    return min(beyond) if beyond else None


def _allowed(rows: Sequence[Row]) -> float:
    return float(max(row.get("allowed_bytes") or 0 for row in rows))


def _kept(rows: Sequence[Row], axis: str) -> str:
    """Return the operator and the sizes that all rows share, for the title."""
    operators = " / ".join(sorted({row["operator"] for row in rows}))
    shared = []
    for key, symbol in _SYMBOLS.items():
        values = {str(row[key]) for row in rows}
        if key != axis and len(values) == 1 and not (axis == "m" and key == "m_rule"):
            shared.append(f"{symbol} = {values.pop().replace('^2', '²')}")
    return f"{operators}: {', '.join(shared)}"


def _complete(
    ax: Axes, rows: Sequence[Row], title: str, axis: str, y: str, alternative: str, columns: int = 1
) -> None:
    ax.set_yscale("log")
    if axis in ("n", "m"):
        ax.set_xscale("log")
    finish(
        ax,
        title=title,
        x=_SIZES[axis],
        y=y,
        alternative=f"{title}, {_SIZES[axis]}. {alternative}",
        legend=None,
    )
    if axis not in ("n", "m"):
        ax.set_xticks(sorted({row[axis] for row in rows}))
    where: dict[str, Any] = {
        "loc": "upper center",
        "bbox_to_anchor": (0.5, -0.16),
        "ncols": columns,
    }
    ax.legend(fontsize=SMALL, frameon=False, handlelength=2.6, **where)
