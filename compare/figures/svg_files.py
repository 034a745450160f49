"""A figure as an SVG: with its text alternative, with text as text, and readable in the dark."""

from __future__ import annotations

import math
import os
import re
import unicodedata
from html import escape, unescape
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

from lift_compare.sensing.validation import InvalidValue, path_of, writing

from .dark import dark_style
from .mathematics import plain_text
from .style import text_alternative

_FONTS = ["DejaVu Sans", "Verdana", "Arial", "sans-serif"]
"""The first one has the widths that matplotlib lays out with; the others are not wider."""

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.sans-serif": _FONTS,
    "mathtext.fontset": "dejavusans",
}
_CLOSE, _SPACE = 1.0, 1.5  # points between letters: of one piece, and of two words
_FAMILY = ", ".join(name if name == "sans-serif" else f"'{name}'" for name in _FONTS)


def svg(figure: Figure, name: str) -> str:
    """Return the figure as an <svg> element for a page, with its text alternative.

    The same figure gives the same bytes. Text is text: it can be searched and edited. In the dark
    its colours change with the rules of `dark_style`, which the page or file must hold.

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
    title = escape(plain_text(figure.axes[0].get_title(loc="left") or name))
    text = _drawn(figure, name)
    # No metadata, no comments, and no style element: it would rule the whole page.
    for element in (r"<metadata>.*?</metadata>", r"<!--.*?-->", r"<style.*?</style>"):
        text = re.sub(rf"{element}\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    # 0.01 pt is enough for a path.
    text = re.sub(r' d="[^"]+"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), text)
    text = re.sub(r";? *font-family: 'DejaVu Sans'[^;\"]*", "", text)  # the root has it
    # The copies of a marker have its colours; rules for the dark do not reach into the original.
    text = re.sub(r'(<path id="[^"]+" d="[^"]+" style=")stroke: #[0-9a-f]{6};? ?', r"\1", text)
    text = re.sub(r"<text>(.*?)</text>", _formula, text, flags=re.DOTALL)
    head, body = text.split(">", 1)
    head += f' class="lift-figure" role="img" aria-label="{alternative}" stroke-linejoin="round"'
    head += f' font-family="{_FAMILY}"'
    return f"{head}><title>{title}</title><desc>{alternative}</desc>{body}".strip()


def _drawn(figure: Figure, name: str) -> str:
    """Return the element as matplotlib writes it."""
    out = StringIO()
    before = figure.canvas
    canvas: Any = FigureCanvasSVG(figure)
    try:
        # Near the end of float64 matplotlib looks for ticks beyond it.
        settings: Any = {**_SETTINGS, "svg.hashsalt": name}
        with mpl.rc_context(settings), np.errstate(over="ignore"):
            canvas.print_svg(out, metadata={"Date": None})  # savefig would draw everything twice
    finally:
        figure.set_canvas(before)
    text = out.getvalue()
    return text[text.index("<svg") :]


_SPAN = re.compile(r'<tspan x="([^"]+)" y="([^"]+)" style="([^"]*)">([^<]*)</tspan>')


def _formula(found: re.Match[str]) -> str:
    """Return a text with formulas in the order in which it is read.

    matplotlib writes each letter by itself, sorted by its font. Letters that follow each other in
    one font, at one height and without a gap become one piece here.
    """
    letters = [
        (float(x), y, style, unescape(letter)) for x, y, style, letter in _SPAN.findall(found[1])
    ]
    if not letters:
        return found[0]
    pieces: list[tuple[float, str, str, str]] = []
    end = -math.inf
    for x, y, style, letter in _accented(letters):
        gap = x - end
        if pieces and pieces[-1][1:3] == (y, style) and abs(gap) < _CLOSE:
            pieces[-1] = (*pieces[-1][:3], pieces[-1][3] + letter)
        else:
            if gap > _SPACE and pieces:  # a space that matplotlib leaves without a letter
                pieces[-1] = (*pieces[-1][:3], pieces[-1][3] + " ")
            pieces.append((x, y, style, letter))
        end = x + _advance(letter, style)
    written = [
        f'<tspan x="{x:g}" y="{y}" style="{style}">{escape(words, quote=False)}</tspan>'
        for x, y, style, words in pieces
    ]
    return f'<text xml:space="preserve">{"".join(written)}</text>'


def _accented(letters: list[tuple[float, str, str, str]]) -> list[tuple[float, str, str, str]]:
    """Return the letters from left to right, each with the accent that stands on it."""
    plain = sorted(each for each in letters if not unicodedata.combining(each[3]))
    for x, _, style, accent in letters:
        if unicodedata.combining(accent):
            middle = x + _advance(accent, style) / 2
            on = [k for k, each in enumerate(plain) if each[3].isalpha()]
            if on:
                k = min(
                    on, key=lambda k: abs(plain[k][0] + _advance(*plain[k][:1:-1]) / 2 - middle)
                )
                plain[k] = (*plain[k][:3], unicodedata.normalize("NFC", plain[k][3] + accent))
    return [(x, y, style, letter.replace("\xa0", " ")) for x, y, style, letter in plain]


def _advance(letter: str, style: str) -> float:
    """Return how far the first character of a piece moves the next one, in points."""
    size = float(re.search(r"font-size: ([\d.]+)px", style)[1])  # type: ignore[index]
    oblique: Any = "oblique" if "oblique" in style else "normal"
    weight = "bold" if "font-weight: 700" in style else "normal"
    font = get_font(findfont(FontProperties(family="DejaVu Sans", style=oblique, weight=weight)))
    font.set_size(size, 72)
    return float(font.load_char(ord(letter[0])).linearHoriAdvance) / 65536


def save_svg(figure: Figure, path: str | os.PathLike[str]) -> Path:
    """Write the figure, with its text alternative, as an SVG file; return the path.

    Its text is text, and its colours follow the light or dark scheme of who looks at it.

    Raises
    ------
    TypeError, ValueError
        For no path, another ending, or a path that cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> from lift_compare.compare import figures
    >>> figure, _ = figures.success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     figures.save_svg(figure, os.path.join(folder, "rates.svg")).name
    'rates.svg'
    """
    path = path_of("path", path)
    if path.suffix.lower() != ".svg":
        raise InvalidValue(f"path: expected a file that ends in .svg, got {str(path)!r:.200}")
    return write_svg(svg(figure, path.stem), path)


def write_svg(element: str, path: str | os.PathLike[str]) -> Path:
    """Write an <svg> element as a file of its own, with its dark colours; return the path."""
    path = Path(path)
    whole = element.replace("</desc>", f"</desc><style>{dark_style([element])}</style>", 1)
    with writing("path", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{whole}\n', encoding="utf-8")
    return path
