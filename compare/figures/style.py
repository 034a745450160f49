"""The look that all figures share, and the text alternative that each brings.

Nothing here touches pyplot or the global rcParams: figures are plain `matplotlib.figure.Figure`
objects.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter, FuncFormatter, MaxNLocator
from matplotlib.transforms import ScaledTranslation

from lift_compare.sensing.validation import InvalidValue, of_kind

from ..tolerances import ROUND_EXPONENT
from .mathematics import plain_text

SIZE = (4.6, 4.0)
"""Inches. At the width of a phone (about 340 px) one point is then about one pixel: 10-point text
stays readable."""

TEXT, SMALL = 11, 9.5
"""Font sizes of labels, and of ticks and legends, in points."""

# The palette of Okabe and Ito, which stays apart under the common forms of colour blindness; orange
# and purple a little darker, for a contrast of 3 to the white ground.
BLACK, ORANGE, GREEN = "#000000", "#C98200", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#C66D9E"
GREY = "#595959"

_LINES: dict[str, dict[str, Any]] = {
    "explicit": {"color": BLACK, "linestyle": "-", "marker": "o"},
    "exact": {"color": BLUE, "linestyle": (0, (5, 2)), "marker": "s"},
    "truncated": {"color": VERMILION, "linestyle": (0, (4, 1.5, 1, 1.5)), "marker": "^"},
    "surrogate": {"color": ORANGE, "linestyle": (0, (1.2, 1.4)), "marker": "D"},
    "gd": {"color": GREEN, "linestyle": "-", "marker": "v"},
    "escape": {"color": PURPLE, "linestyle": (0, (7, 2, 1.2, 2)), "marker": "P"},
}


_FAR = 100  # heights of the axes


def line(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the keyword arguments of `Axes.plot` for a kind of curve; `changes` override.

    Kinds: explicit, exact, truncated, surrogate, gd, escape. Each has its own colour, dash pattern
    and marker, the same in every figure, so none is told by colour alone. Markers sit at a few
    points of the line only.
    """
    style = {"linewidth": 1.8, "markersize": 5.5, "markevery": 0.14, **_LINES[kind]}
    if "marker" in changes and changes["marker"] in (None, ""):
        style.pop("markevery")
    return {**style, **changes}


def line_in_turn(number: int, **changes: Any) -> dict[str, Any]:
    """Return the look of curve 0, 1, ... of many: the kinds in turn.

    When they come again the markers are open, and the dash pattern and then the marker move on.
    """
    kinds = list(_LINES)
    again, place = divmod(number, len(kinds))
    look = line(kinds[place], **changes)
    if again:
        look["linestyle"] = _LINES[kinds[(place + again) % len(kinds)]]["linestyle"]
        look["markerfacecolor"] = "white" if again % 2 else look["color"]
        look["marker"] = _LINES[kinds[(place + again // 2) % len(kinds)]]["marker"]
    return look


def mark_end(ax: Any, kind: str, *point: Any, **changes: Any) -> None:
    """Draw the marker of a kind at the end of its path."""
    style = {"color": _LINES[kind]["color"], "mec": BLACK, "markersize": 7, **changes}
    ax.plot(*point, _LINES[kind]["marker"], **style)


def mark_star(ax: Any, *point: Any, label: str | None, size: float = 14, **style: Any) -> Any:
    """Draw a star, such as the ground truth or the published settings; return it."""
    style = {"color": YELLOW, "mec": BLACK, "linestyle": "none", "markersize": size, **style}
    (star,) = ax.plot(*point, "*", label=label, **style)
    return star


def canvas(
    ax: Axes | None = None, *, size: tuple[float, float] = SIZE, **subplot: Any
) -> tuple[Figure, Axes]:
    """Return (figure, axes): those of `ax`, or a new figure of one axes.

    `subplot`: such as projection="3d".
    """
    if ax is None:
        ax = Figure(size, layout="constrained").add_subplot(**subplot)
    return ax.figure.figure, ax


def nested(number: int, count: int) -> dict[str, Any]:
    """Return the width of curve `number` of several that may lie on each other, widest first.

    So each is seen at the rim of the next.
    """
    return {"linewidth": 1.4 + 2.8 * (count - 1 - number) / max(1, count - 1)}


def finish(
    ax: Axes, title: str, x: str, y: str, words: str, *, legend: bool = True, columns: int = 0
) -> None:
    """Label the axes, draw the legend under them, attach the words."""
    ax.set_title(title, fontsize=TEXT, loc="left")
    ax.set_xlabel(x, fontsize=TEXT)
    ax.set_ylabel(y, fontsize=TEXT)
    ax.tick_params(labelsize=SMALL)
    if ax.get_xscale() == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(5))  # long numbers do not run into each other
    for axis, scale in ((ax.xaxis, ax.get_xscale()), (ax.yaxis, ax.get_yscale())):
        axis.set_major_formatter(FuncFormatter(_power_of_ten) if scale == "log" else WholeTicks())
    ax.grid(True, which="major", color="#d9d9d9", linewidth=0.6)
    ax.set_axisbelow(True)
    for curve in ax.get_lines():
        # matplotlib cannot space markers along a curve of which nothing can be drawn.
        heights = np.asarray(curve.get_ydata(), dtype=float)
        drawn = heights[np.isfinite(heights) & ((heights > 0) | (ax.get_yscale() != "log"))]
        if drawn.size == 0:
            curve.set_markevery(None)
        # Along one that leaves the axes by far, older versions space millions of them.
        elif ax.get_yscale() != "log" and np.ptp(drawn) > _FAR * abs(np.subtract(*ax.get_ylim())):
            curve.set_markevery(max(1, heights.size // 7))
    if legend:
        legend_below(ax, columns=columns)
    describe(ax, words)


def legend_below(ax: Any, *, columns: int = 0, drop: float = 38, handles: Any = None) -> None:
    """Draw the legend under the axes, where it hides nothing; `drop` points leave room for labels.

    Without `columns`, as many as the longest label leaves room for.
    """
    found = ax.get_legend_handles_labels()[0] if handles is None else handles
    if not found:
        return
    longest = max(len(plain_text(str(each.get_label()))) for each in found)
    below = ax.transAxes + ScaledTranslation(0, -drop / 72, ax.figure.dpi_scale_trans)
    ax.legend(
        handles=found,
        fontsize=SMALL,
        loc="upper center",
        bbox_to_anchor=(0.5, 0),
        bbox_transform=below,
        borderaxespad=0,
        frameon=False,
        ncols=columns or (1 if longest > 24 else 2),
        columnspacing=1.2,
        handlelength=2.6,
    )


class WholeTicks(Formatter):
    """Ticks with all their digits: no "+1e-3" or "1e6" beside the axis changes what they say."""

    def __call__(self, value: float, _: int | None = None) -> str:
        """Return one tick, as one of those of its axis."""
        axis: Any = self.axis
        return tick_label(value, [] if axis is None else list(axis.get_majorticklocs()))


def tick_label(value: float, ticks: Sequence[float]) -> str:
    """Return a tick with as many digits as the distance of the ticks needs."""
    steps = np.diff(np.unique(ticks))
    step = float(steps.min()) if steps.size else abs(value) or 1.0
    largest = max([abs(value), *map(abs, ticks)])
    if not (math.isfinite(step) and math.isfinite(largest)):
        return f"{value:g}"
    scale = math.floor(math.log10(largest)) if largest > 0 else 0
    shown = scale if scale >= 7 or scale < -3 else 0  # far from 1: in units of a power of ten
    decimals = max(0, shown - math.floor(math.log10(step) + ROUND_EXPONENT))
    unit = step / 10.0**shown
    if abs(round(unit, decimals) - unit) > ROUND_EXPONENT * unit:  # 0.25: two digits
        decimals += 1
    while decimals and round(step / 10.0**shown, decimals - 1) == round(step / 10.0**shown, 12):
        decimals -= 1
    text = f"{value / 10.0**shown:z,.{decimals}f}".replace("-", "−")
    return text if not shown or value == 0 else rf"${text}\times10^{{{shown}}}$"


def _power_of_ten(value: float, _: int | None = None) -> str:
    """Return 10 with its exponent, or a number that is no power of ten as it is."""
    exponent = math.log10(value) if value > 0 else math.nan
    if not math.isfinite(exponent):  # ticks are laid out beyond the largest float64, too
        return f"{value:g}"
    if not math.isclose(exponent, round(exponent), abs_tol=ROUND_EXPONENT):
        return f"{value:g}"
    return f"$10^{{{round(exponent)}}}$"


def describe(ax: Axes, alternative: str) -> None:
    """Attach a text alternative: what the drawing shows, with its numbers.

    It travels as the label of the axes, and goes into the file with `save_svg`.

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> from matplotlib.figure import Figure
    >>> figure = Figure()
    >>> figures.describe(figure.add_subplot(), "A line that falls from 1 to 0.")
    >>> figures.text_alternative(figure)
    'A line that falls from 1 to 0.'
    """
    ax.set_label(" ".join(plain_text(alternative).split()))


def text_alternative(figure: Figure) -> str:
    """Return the text alternative of a figure: those of its axes, one after the other.

    Raises
    ------
    ValueError
        If no axes has one (see `describe`).

    Examples
    --------
    >>> from lift_compare.compare import figures
    >>> figure, _ = figures.success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    >>> figures.text_alternative(figure)
    'Rates. Success rates against n. gd, computed here: 0.50 at n = 4, 0.25 at n = 8.'
    """
    of_kind("figure", figure, Figure, "a matplotlib Figure")
    labels = [str(ax.get_label()) for ax in figure.axes]
    texts = [label for label in labels if label and not label.startswith("<")]
    if not texts:
        raise InvalidValue(
            "figure: expected a text alternative attached with describe(ax, ...), got none"
        )
    return " ".join(texts)
