"""One self-contained HTML page from sections of text, figures, tables and compared numbers.

The page (report.html, report.css) needs no network, no script and no other file: styles and figures
are part of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lift_compare.sensing.validation import InvalidValue

from ..tables import Column, Row, holds_words, plain, show

_LONG = 40  # characters from which on a cell is wrapped


@dataclass(frozen=True)
class Drawing:
    """A figure of the report: its file name and id, its <svg> element, and what to look at."""

    name: str
    svg: str
    caption: str

    def in_page(self) -> str:
        """Return the element for HTML, where its size comes from the style sheet."""
        return re.sub(r'^<svg [^>]*?width="[^"]*" height="[^"]*"', "<svg", self.svg)


@dataclass(frozen=True)
class Sheet:
    """A table of the report: a caption, the columns and the rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    def heads(self) -> list[tuple[str, str]]:
        """Return the title and the class of each column."""
        return [(c.title, "word" if holds_words(c, self.rows) else "") for c in self.columns]

    def cells(self) -> list[list[tuple[str, str]]]:
        """Return the text and the class of each cell, row by row."""
        rows = []
        for row in self.rows:
            cells = []
            for column, (_, kind) in zip(self.columns, self.heads(), strict=True):
                text = show(row.get(column.key), column.format)
                cells.append((text, "long" if kind and len(text) > _LONG else kind))
            rows.append(cells)
        return rows


@dataclass(frozen=True)
class Difference:
    """One published statement beside what was computed here; texts may have several lines."""

    name: str
    title: str
    published: str
    computed: str
    evidence: str
    differs: bool  # computed, never assumed

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        said = ("published", "computed", "evidence")
        texts = {key: getattr(self, key).replace("\n", " ") for key in said}
        return {"name": self.name, "differs": self.differs, "title": self.title, **texts}


Item = Drawing | Sheet | Difference | str


@dataclass(frozen=True)
class Section:
    """A section: its title, and paragraphs, figures, tables and differences in their order."""

    title: str
    items: list[Item] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Id of the section in the page."""
        return re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-")

    def groups(self) -> list[tuple[str, list[Item]]]:
        """Return the items by kind: figures that follow each other share a grid, and so on."""
        by_kind = groupby(self.items, key=lambda item: type(item).__name__)
        return [(kind, list(items)) for kind, items in by_kind]


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
    origin = Sheet("Where these numbers come from", _PROVENANCE, _flat(provenance))
    templates = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("report.html").render(
        title=title,
        style=(resources.files(__package__) / "report.css").read_text(encoding="utf-8"),
        summary=summary,
        sections=[*sections, Section("Versions, seeds and machine", [origin])],
        date=provenance.get("date", ""),
    )
    ids = re.findall(r'\bid="([^"]+)"', page)
    twice = (
        sorted({name for name in ids if ids.count(name) > 1}) if len(set(ids)) < len(ids) else []
    )
    if twice:
        expected = "expected distinct names of sections and figures"
        raise InvalidValue(f"sections: {expected}, got {', '.join(twice[:5])} twice")
    return page


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
