"""Shares of points, with the uncertainty of their count, against a parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lift_compare.sensing.validation import InvalidValue

from ..intervals import interval
from .style import canvas, finish, line, line_in_turn

Counts = Mapping[str, Sequence[tuple[int, int]]]


def shares(
    places: Sequence[float],
    counts: Counts,
    *,
    kinds: Mapping[str, str] | None = None,
    x_label: str = "$m / n$",
    y_label: str = "share of stuck points",
    title: str = "",
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Draw shares with their 95 % intervals (Wilson), one line for each name.

    Parameters
    ----------
    places : sequence of number
        Where on the axis.
    counts : mapping of str to sequence of (count, total)
        For each name one pair a place; where the total is 0 nothing is drawn.
    kinds : mapping of str to str, optional
        The look of each line, a kind of `figures.line`; by default they take turns.
    x_label, y_label, title : str
        Texts.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    figure, axes

    Raises
    ------
    ValueError
        If the lengths do not match, or a count is above its total.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> figure, ax = figures.shares([1.2, 1.6], {"pair": [(90, 100), (99, 100)]})
    """
    fig, ax = canvas(ax)
    said = []
    width = 0.06 * float(np.ptp(places)) / max(1, len(counts)) if len(places) > 1 else 0.0
    for number, (name, pairs) in enumerate(counts.items()):
        if len(pairs) != len(places):
            raise InvalidValue(
                f"counts[{name!r}]: expected {len(places)} pairs, one a place, got {len(pairs)}"
            )
        kept = [
            (place, count / total, *interval(count, total), total)
            for place, (count, total) in zip(places, pairs, strict=True)
            if total
        ]
        if not kept:
            continue
        x, share, low, high, totals = (np.array(column) for column in zip(*kept, strict=True))
        # Side by side: intervals of two lines at one place would hide each other.
        shift = width * (number - (len(counts) - 1) / 2)
        kind = (kinds or {}).get(name)
        look = line_in_turn(number, markevery=1) if kind is None else line(kind, markevery=1)
        ax.plot(x + shift, share, label=name, **look)
        ax.vlines(x + shift, low, high, color=look["color"], linewidth=1.2)
        each = ", ".join(
            f"{part:.2f} ({a:.2f} to {b:.2f}, {n} points) at {at:g}"
            for at, part, a, b, n in zip(x, share, low, high, totals, strict=True)
        )
        said.append(f"{name}: {each}.")
    ax.set_ylim(-0.04, 1.04)
    words = f"{title}. {y_label} against {x_label}, with 95 % intervals. {' '.join(said)}"
    finish(ax, title, x_label, y_label, words)
    ax.set_xticks(list(places))
    return fig, ax
