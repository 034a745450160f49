"""The look that all figures share, and how a figure becomes an SVG with a text alternative.

Nothing here touches pyplot or the global rcParams: figures are plain `matplotlib.figure.Figure`
objects.
"""

from __future__ import annotations

import math
import os
import re
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lift_compare.sensing.validation import InvalidValue

from ..tolerances import ROUND_EXPONENT

SIZE = (4.6, 3.5)
"""Inches. At the width of a phone (about 340 px) one point is then about one pixel: 10-point text
stays readable."""

TEXT, SMALL = 11, 9.5
"""Font sizes of labels, and of ticks and legends, in points."""

# The palette of Okabe and Ito, which stays apart under the common forms of colour blindness.
BLACK, ORANGE, GREEN = "#000000", "#E69F00", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
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


def finish(ax: Axes, title: str, x: str, y: str, words: str, *, legend: Any = "best") -> None:
    """Label the axes, draw the legend where it may stand (None: no legend), attach the words."""
    ax.set_title(title, fontsize=TEXT, loc="left")
    ax.set_xlabel(x, fontsize=TEXT)
    ax.set_ylabel(y, fontsize=TEXT)
    ax.tick_params(labelsize=SMALL)
    if ax.get_xscale() == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(5))  # long numbers do not run into each other
    for axis, scale in ((ax.xaxis, ax.get_xscale()), (ax.yaxis, ax.get_yscale())):
        if scale == "log":
            axis.set_major_formatter(FuncFormatter(_power_of_ten))
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
    if legend is not None and ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=SMALL, loc=legend, framealpha=0.85, borderpad=0.35, handlelength=2.6)
    describe(ax, words)


def legend_below(ax: Axes, *, drop: float = 0.16, fontsize: float = SMALL, **more: Any) -> None:
    """Draw the legend under the axes, where it hides nothing."""
    place: dict[str, Any] = {
        "loc": "upper center",
        "bbox_to_anchor": (0.5, -drop),
        "frameon": False,
    }
    ax.legend(fontsize=fontsize, **place, **more)


def _power_of_ten(value: float, _: int | None = None) -> str:
    """Return 10 with a superscript: as text it is drawn many times faster than as mathematics."""
    exponent = math.log10(value) if value > 0 else math.nan
    if not math.isfinite(exponent):  # ticks are laid out beyond the largest float64, too
        return f"{value:g}"
    if not math.isclose(exponent, round(exponent), abs_tol=ROUND_EXPONENT):
        return f"{value:g}"
    return "10" + f"{round(exponent):d}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


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
    ax.set_label(" ".join(alternative.split()))


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
    labels = [str(ax.get_label()) for ax in figure.axes]
    texts = [label for label in labels if label and not label.startswith("<")]
    if not texts:
        raise InvalidValue(
            "figure: expected a text alternative attached with describe(ax, ...), got none"
        )
    return " ".join(texts)


def svg(figure: Figure, name: str) -> str:
    """Return the figure as an <svg> element for a page, with its text alternative.

    The same figure gives the same bytes. Text is drawn as outlines, so it looks alike wherever it
    is opened.

    Parameters
    ----------
    figure : Figure
        A figure with a text alternative (see `describe`).
    name : str
        Letters, digits and hyphens; distinct for the figures of one page, since ids must not clash.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
        raise InvalidValue(f"name: expected letters, digits and hyphens, got {name!r}")
    alternative = escape(text_alternative(figure), quote=True)
    title = escape(figure.axes[0].get_title(loc="left") or name)
    out = StringIO()
    before = figure.canvas
    canvas: Any = FigureCanvasSVG(figure)
    try:
        settings: Any = {"svg.hashsalt": name, "svg.fonttype": "path"}
        # Near the end of float64 matplotlib looks for ticks beyond it.
        with mpl.rc_context(settings), np.errstate(over="ignore"):
            canvas.print_svg(out, metadata={"Date": None})  # savefig would draw everything twice
    finally:
        figure.set_canvas(before)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    # No metadata, no comments, and no style element: it would rule the whole page.
    for element in (r"<metadata>.*?</metadata>", r"<!--.*?-->", r"<style.*?</style>"):
        text = re.sub(rf"{element}\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    # 0.01 pt is enough for a path.
    text = re.sub(r' d="[^"]+"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    head, body = text.split(">", 1)
    head += f' role="img" aria-label="{alternative}" stroke-linejoin="round"'
    return f"{head}><title>{title}</title><desc>{alternative}</desc>{body}".strip()


def save_svg(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write the figure, with its text alternative, as an SVG file; return the path.

    Examples
    --------
    >>> import os, tempfile
    >>> from lift_compare.compare import figures
    >>> figure, _ = figures.success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figures.save_svg(figure, os.path.join(folder, "rates.svg")).name
    'rates.svg'
    """
    return write_svg(svg(figure, Path(path).stem), path)


def save_pdf(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write the figure as a PDF file, its text as text; return the path.

    Examples
    --------
    >>> import os, tempfile
    >>> from lift_compare.compare import figures
    >>> figure, _ = figures.success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figures.save_pdf(figure, os.path.join(folder, "rates.pdf")).name
    'rates.pdf'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = figure.canvas
    canvas: Any = FigureCanvasPdf(figure)
    said = {"Title": path.stem, "Subject": text_alternative(figure), "CreationDate": None}
    settings: Any = {"pdf.fonttype": 42}
    try:
        with mpl.rc_context(settings), np.errstate(over="ignore"):
            canvas.print_pdf(path, metadata=said)
    finally:
        figure.set_canvas(before)
    return path


def write_svg(element: str, path: str | os.PathLike[str]) -> Path:
    """Write an <svg> element as a file of its own; return the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{element}\n', encoding="utf-8")
    return path
