"""One self-contained HTML page from sections of text, figures, tables and compared numbers.

The page needs no network, no script and no other file: styles and figures are part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from .tables import Column, Row, plain, show


@dataclass(frozen=True)
class Drawing:
    """A figure of the report.

    Attributes
    ----------
    name : str
        Its file name without ending, and its id in the page.
    svg : str
        The <svg> element, with a text alternative and ids of its own (see `compare.figures.style.svg`).
    caption : str
        What to look at.
    """

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Sheet:
    """A table of the report: a caption, the columns and the rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Difference:
    """One published statement beside what was computed here.

    Attributes
    ----------
    name : str
        Short name, unique.
    title : str
        What is compared.
    published : str
        What is printed or claimed; like the next two it may have several lines.
    computed : str
        What this run computed.
    evidence : str
        The numbers behind it, and how they were obtained.
    differs : bool
        Whether the two differ: computed, never assumed.
    """

    name: str
    title: str
    published: str
    computed: str
    evidence: str
    differs: bool

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        return {
            "name": self.name,
            "differs": self.differs,
            "title": self.title,
            **{
                key: getattr(self, key).replace("\n", " ")
                for key in ("published", "computed", "evidence")
            },
        }


Item = Drawing | Sheet | Difference | str


@dataclass
class Section:
    """A section: its title, and paragraphs, figures, tables and differences in the order in which they appear."""

    title: str
    items: list[Item] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Id of the section in the page."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")


def report_html(
    title: str, summary: Iterable[str], sections: Sequence[Section], provenance: Mapping[str, Any]
) -> str:
    """Return the page.

    Parameters
    ----------
    title : str
        Title of the page.
    summary : iterable of str
        Opening paragraphs.
    sections : sequence of Section
        The sections, with distinct titles.
    provenance : mapping
        Versions, seed, machine (see `compare.provenance.provenance`).

    Raises
    ------
    ValueError
        If two sections or two figures share a name, or two elements an id.
    """
    last = Section(
        "Versions, seeds and machine",
        [Sheet("Where these numbers come from", _PROVENANCE, _flat(provenance))],
    )
    everything = [*sections, last]
    page = Template(_PAGE).substitute(
        title=escape(title),
        style=(Path(__file__).parent / "report.css").read_text(encoding="utf-8"),
        summary="\n".join(f"<p>{escape(text)}</p>" for text in summary),
        contents="\n".join(
            f'<li><a href="#{part.anchor}">{escape(part.title)}</a></li>' for part in everything
        ),
        sections="\n".join(_section(part) for part in everything),
        date=escape(str(provenance.get("date", ""))),
    )
    ids = re.findall(r'\bid="([^"]+)"', page)
    twice = (
        sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    )
    if twice:
        raise ValueError(
            f"sections: expected distinct names of sections and figures, got {', '.join(twice[:5])} twice"
        )
    return page


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<header>
<h1>$title</h1>
$summary
</header>
<nav aria-labelledby="contents">
<h2 id="contents">Contents</h2>
<ol>
$contents
</ol>
</nav>
<main>
$sections
</main>
<footer><p class="soft">Written by lift-compare, $date.</p></footer>
</body>
</html>
"""


def _section(section: Section) -> str:
    parts: list[str] = []
    # Figures, and differences, that follow each other share one grid, and one list.
    kind: type[Any] | None = None
    for item in [*section.items, None]:
        if type(item) is not kind:
            parts += [_CLOSE[kind]] if kind in _CLOSE else []
            kind = type(item)
            parts += [_OPEN[kind]] if kind in _OPEN else []
        if isinstance(item, str):
            parts.append(f"<p>{escape(item)}</p>")
        elif isinstance(item, Drawing):
            parts.append(_drawing(item))
        elif isinstance(item, Difference):
            parts.append(_difference(item))
        elif isinstance(item, Sheet):
            parts.append(_sheet(item))
    head = f'<section aria-labelledby="{section.anchor}">\n<h2 id="{section.anchor}">{escape(section.title)}</h2>'
    return "\n".join([head, *parts, "</section>"])


_OPEN: dict[Any, str] = {Drawing: '<div class="figures">', Difference: '<ol class="differences">'}
_CLOSE: dict[Any, str] = {Drawing: "</div>", Difference: "</ol>"}


def _drawing(drawing: Drawing) -> str:
    # The page is HTML, where the size comes from the style sheet and namespaces are implied.
    svg = re.sub(r'^<svg [^>]*?width="[^"]*" height="[^"]*"', "<svg", drawing.svg)
    return f'<figure id="{drawing.name}">\n{svg}\n<figcaption>{escape(drawing.caption)}</figcaption>\n</figure>'


def _difference(item: Difference) -> str:
    verdict = "They differ." if item.differs else "They agree."
    published, computed, evidence = (
        escape(text).replace("\n", "<br>")
        for text in (item.published, item.computed, item.evidence)
    )
    return (
        f'<li class="{"differs" if item.differs else "agrees"}">\n<h3>{escape(item.title)}</h3>\n<dl>'
        f"<dt>Published</dt><dd>{published}</dd>"
        f'<dt>Computed here</dt><dd>{computed} <span class="verdict">{verdict}</span></dd>'
        f"<dt>Evidence</dt><dd>{evidence}</dd></dl>\n</li>"
    )


def _sheet(sheet: Sheet) -> str:
    words = {
        column.key: any(isinstance(row.get(column.key), str) for row in sheet.rows)
        and column.format != "bytes"
        for column in sheet.columns
    }

    def cell(row: Row, column: Column) -> str:
        text = show(row.get(column.key), column.format)
        kind = ("long" if len(text) > 40 else "word") if words[column.key] else ""
        return f'<td class="{kind}">{escape(text)}</td>' if kind else f"<td>{escape(text)}</td>"

    heads = "".join(_head(column, words[column.key]) for column in sheet.columns)
    body = "\n".join(
        "<tr>" + "".join(cell(row, column) for column in sheet.columns) + "</tr>"
        for row in sheet.rows
    )
    caption = escape(sheet.caption)
    # A region that scrolls must be reachable from the keyboard and have a name.
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(sheet.caption, quote=True)}">\n<table>\n'
        f"<caption>{caption}</caption>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _head(column: Column, word: bool) -> str:
    kind = ' class="word"' if word else ""
    return f'<th scope="col"{kind}>{escape(column.title)}</th>'


_PROVENANCE = (Column("what", "what"), Column("value", "value"))


def _flat(provenance: Mapping[str, Any], prefix: str = "") -> list[dict[str, str]]:
    """Return nested settings as rows of two words."""
    rows = []
    for key, value in provenance.items():
        name = f"{prefix}{key}".replace("_", " ") if prefix != "versions: " else f"{prefix}{key}"
        if isinstance(value, Mapping):
            rows += _flat(value, f"{key}: ")
        else:
            rows.append({"what": name, "value": str(plain(value))})
    return rows
