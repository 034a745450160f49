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
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

SIZE = (4.6, 3.5)
"""Inches. At the width of a phone (about 340 px) one point is then about one pixel: 10-point text stays readable."""

Place = Literal[
    "best", "upper right", "upper left", "lower left", "lower right", "center right", "center left"
]
"""Where a legend may stand."""

TEXT, SMALL = 11, 9.5
"""Font sizes of labels, and of ticks and legends, in points."""

# The palette of Okabe and Ito, which stays apart under the common forms of colour blindness.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"

_LINES: dict[str, dict[str, Any]] = {
    "explicit": {"color": BLACK, "linestyle": "-", "marker": "o"},
    "exact": {"color": BLUE, "linestyle": (0, (5, 2)), "marker": "s"},
    "truncated": {"color": VERMILION, "linestyle": (0, (4, 1.5, 1, 1.5)), "marker": "^"},
    "surrogate": {"color": ORANGE, "linestyle": (0, (1.2, 1.4)), "marker": "D"},
    "gd": {"color": GREEN, "linestyle": "-", "marker": "v"},
    "escape": {"color": PURPLE, "linestyle": (0, (7, 2, 1.2, 2)), "marker": "P"},
}


def line(kind: str, **changes: Any) -> dict[str, Any]:
    """Return the keyword arguments of `Axes.plot` for explicit, exact, truncated, surrogate, gd or escape.

    Each kind has its own colour, dash pattern and marker, the same in every figure, so none is told
    by colour alone. Markers sit at a few points of the line only. `changes` override.
    """
    style = {"linewidth": 1.8, "markersize": 5.5, "markevery": 0.14, **_LINES[kind]}
    if "marker" in changes and changes["marker"] in (None, ""):
        style.pop("markevery")
    return {**style, **changes}


def canvas(
    ax: Axes | None = None, *, size: tuple[float, float] = SIZE, **subplot: Any
) -> tuple[Figure, Axes]:
    """Return (figure, axes): those of `ax`, or a new figure of one axes (`subplot`: such as projection="3d")."""
    if ax is None:
        ax = Figure(size, layout="constrained").add_subplot(**subplot)
    return ax.figure.figure, ax


def finish(
    ax: Axes, *, title: str, x: str, y: str, alternative: str, legend: Place | None = "best"
) -> None:
    """Label the axes, draw the legend at the place named (None: no legend), and attach the text alternative."""
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
    if legend is not None and ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize=SMALL, loc=legend, framealpha=0.85, borderpad=0.35, handlelength=2.6)
    describe(ax, alternative)


def _power_of_ten(value: float, _: int | None = None) -> str:
    """Return 10 with a superscript; plain text is drawn many times faster than the same as mathematics."""
    exponent = math.log10(value) if value > 0 else math.nan
    if not math.isclose(exponent, round(exponent), abs_tol=1e-9):
        return f"{value:g}"
    return "10" + f"{round(exponent):d}".translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def describe(ax: Axes, alternative: str) -> None:
    """Attach a text alternative: what the drawing shows, with its numbers. It travels as the label of the axes."""
    ax.set_label(" ".join(alternative.split()))


def text_alternative(figure: Figure) -> str:
    """Return the text alternative of a figure: those of its axes, one after the other.

    Raises
    ------
    ValueError
        If no axes has one (see `describe`).
    """
    texts = [
        label for ax in figure.axes if (label := str(ax.get_label())) and not label.startswith("<")
    ]
    if not texts:
        raise ValueError(
            "figure: expected a text alternative attached with describe(ax, ...), got none"
        )
    return " ".join(texts)


def svg(figure: Figure, name: str) -> str:
    """Return the figure as an <svg> element to put into a page: role="img", text alternative, ids prefixed by `name`.

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
        raise ValueError(f"name: expected letters, digits and hyphens, got {name!r}")
    alternative = escape(text_alternative(figure), quote=True)
    title = escape(figure.axes[0].get_title(loc="left") or name)
    out = StringIO()
    before = figure.canvas
    canvas: Any = FigureCanvasSVG(figure)
    try:
        with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "path"}):
            canvas.print_svg(out, metadata={"Date": None})  # savefig would draw everything twice
    finally:
        figure.set_canvas(before)
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(
        r"<style.*?</style>\s*", "", text, flags=re.DOTALL
    )  # it would rule the whole page
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = re.sub(
        r' d="[^"]+"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text
    )  # 0.01 pt is enough
    head, body = text.split(">", 1)
    head += f' role="img" aria-label="{alternative}" stroke-linejoin="round"'
    return f"{head}><title>{title}</title><desc>{alternative}</desc>{body}".strip()


def save_svg(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write the figure, with its text alternative, as an SVG file; return the path."""
    return write_svg(svg(figure, Path(path).stem), path)


def write_svg(element: str, path: str | os.PathLike[str]) -> Path:
    """Write an <svg> element as a file of its own; return the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{element}\n', encoding="utf-8")
    return path
