"""The band at the top of a figure of costs: what was refused, and how many bytes it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from lift_compare.sensing.validation import show_bytes

from .style import SMALL

Refused = tuple[str, Mapping[str, Any], Sequence[tuple[float, float]]]
"""A name, the colour and marker, and (size, bytes needed), ascending."""

_ROW, _MOST = 0.095, 0.5  # height of a row, and of all of them, in heights of the axes


def refused_band(ax: Axes, refused: Sequence[Refused], symbol: str) -> str:
    """Draw one row for each name above all that was measured; return it in words.

    The scale upwards must be logarithmic, and all else drawn.
    """
    rows = [row for row in refused if row[2]]
    if not rows:
        return ""
    share = min(_MOST, _ROW * len(rows) + 0.01)
    low, high = ax.get_ylim()
    top = high * (high / low) ** (share / (1 - share))
    ax.set_yticks([tick for tick in ax.get_yticks() if low <= tick <= high])
    ax.set_ylim(low, top)
    ax.axhspan(high, top, facecolor="#ececec", linewidth=0, zorder=0)
    said = []
    for number, (name, look, points) in enumerate(rows):
        height = share / len(rows)
        above = 1 - height * number
        (first, least), (last, most) = points[0], points[-1]
        needs = show_bytes(least)
        if show_bytes(most) != needs:
            needs += f" to {show_bytes(most)}"
        places: dict[str, Any] = {
            "transform": ax.get_xaxis_transform(),
            "markersize": 5,
            "linestyle": "none",
        }
        mark = {"color": look["color"], "marker": look["marker"], "markerfacecolor": "none"}
        sizes = [size for size, _ in points]
        ax.plot(sizes, [above - 0.78 * height] * len(points), **places, **mark)
        where = (0.99, above - 0.33 * height)
        align: dict[str, Any] = {"ha": "right", "va": "center", "transform": ax.transAxes}
        ax.text(*where, f"refused, {name}: {needs}", fontsize=SMALL - 1, **align)
        where_from = (
            f"from ${symbol} = {first:g}$ to {last:,g}" if last > first else f"at {first:,g}"
        )
        said.append(f"Refused, in the band at the top: {name} {where_from} needs {needs}.")
    return " ".join(said)
