"""One self-contained HTML page: a summary, then sections of text, figures, tables, differences.

The page (report.html, report.css) needs no network, no script and no other file: styles and figures
are part of it. A formula in a text, between two dollars, is MathML in the page.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import resources
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from lift_compare.sensing.validation import InvalidValue

from ..figures.dark import dark_style
from ..figures.mathematics import mathml, plain_text
from ..tables import Column, Row, holds_words, plain, show

_LONG = 40  # characters from which on a cell is wrapped
_WIDE = 4  # columns from which on a table is wider than a phone


@dataclass(frozen=True)
class Drawing:
    """A figure of the report: its file name and id, its <svg> element, and what to look at."""

    name: str
    svg: str
    caption: str

    def in_page(self) -> str:
        """Return the element for HTML, where its size comes from the style sheet."""
        return re.sub(r'^<svg [^>]*?width="[^"]*" height="[^"]*"', "<svg", self.svg)

    def again(self) -> Drawing:
        """Return the same figure for the summary: with names of its own."""
        name = f"summary-{self.name}"
        text = re.sub(rf'((?:id|href)="#?|url\(#){self.name}-', rf"\g<1>{name}-", self.svg)
        return Drawing(name, text, self.caption)


@dataclass(frozen=True)
class Sheet:
    """A table of the report: a caption, the columns and the rows."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Row]

    @property
    def wide(self) -> bool:
        """Whether it needs scrolling on a phone."""
        return len(self.columns) >= _WIDE

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


class Kind(Enum):
    """What a comparison of a published statement with the computation comes to."""

    CONTRADICTED = "contradicted by computation"
    CONVENTION = "other convention"
    NOT_COMPARABLE = "not comparable because starts are unpublished"
    REPRODUCED = "reproduced"


MEANINGS = {
    Kind.CONTRADICTED: "the statement does not hold at its own settings",
    Kind.CONVENTION: "the number holds under a choice that the text leaves open or makes otherwise",
    Kind.NOT_COMPARABLE: "what the numbers depend on was not published",
    Kind.REPRODUCED: "the same, to the digits printed",
}


@dataclass(frozen=True)
class Difference:
    """One published statement beside what was computed here; texts may have several lines.

    Attributes
    ----------
    name, title, published, computed, evidence : str
        What is compared, and what is said of it.
    differs : bool
        Whether the numbers differ; computed, never assumed.
    kind_if_differs : Kind
        What a difference means here.
    reason : str
        Why it is of this kind.
    comparable : bool
        False where numbers depend on what is unpublished: that they are equal would be chance.
    """

    name: str
    title: str
    published: str
    computed: str
    evidence: str
    differs: bool
    kind_if_differs: Kind
    reason: str
    comparable: bool = True

    @property
    def kind(self) -> Kind:
        """What the comparison comes to."""
        if not self.comparable:
            return Kind.NOT_COMPARABLE
        return self.kind_if_differs if self.differs else Kind.REPRODUCED

    @property
    def anchor(self) -> str:
        """Id of the item in the page."""
        return f"difference-{self.name}"

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table, in plain characters."""
        said = ("title", "published", "computed", "evidence", "reason")
        texts = {key: plain_text(getattr(self, key)).replace("\n", " ") for key in said}
        if self.kind is Kind.REPRODUCED:
            texts["reason"] = ""
        return {"name": self.name, "class": self.kind.value, "differs": self.differs, **texts}


@dataclass(frozen=True)
class SummaryLine:
    """A line of the summary: what it is about, how many there are, texts and what they link to."""

    about: str
    count: int | None
    said: Sequence[tuple[str, str | None]]


@dataclass(frozen=True)
class Summary:
    """What the page opens with: a verdict, the figures that tell the story, and findings."""

    verdict: Sequence[str]
    figures: Sequence[Drawing] = ()
    findings: Sequence[SummaryLine] = ()
    caption: str = "Findings"


Item = Drawing | Sheet | Difference | str


@dataclass(frozen=True)
class Section:
    """A section: its title, and paragraphs, figures, tables and differences in their order."""

    title: str
    items: list[Item] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Id of the section in the page."""
        return re.sub(r"[^a-z0-9]+", "-", plain_text(self.title).lower()).strip("-")

    def groups(self) -> list[tuple[str, list[Item]]]:
        """Return the items by kind: figures that follow each other share a grid, and so on."""
        by_kind = groupby(self.items, key=lambda item: type(item).__name__)
        return [(kind, list(items)) for kind, items in by_kind]


def report_html(
    title: str, summary: Summary, sections: Sequence[Section], provenance: Mapping[str, Any]
) -> str:
    """Return the page.

    Parameters
    ----------
    title : str
        Title of the page.
    summary : Summary
        What it opens with.
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
    templates.filters["math"] = mathml  # it escapes what is no formula
    templates.filters["plain"] = plain_text
    drawn = [item.svg for each in sections for item in each.items if isinstance(item, Drawing)]
    style = (resources.files(__package__) / "report.css").read_text(encoding="utf-8")
    page = templates.get_template("report.html").render(
        title=title,
        style=f"{style}{dark_style(drawn)}\n",
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
        own = prefix in ("versions: ", "threads: ")  # names of packages and variables
        name = f"{prefix}{key}" if own else f"{prefix}{key}".replace("_", " ")
        if isinstance(value, Mapping):
            rows += _flat(value, f"{key}: ")
        else:
            said = ", ".join(map(str, value)) if isinstance(value, list) else str(plain(value))
            rows.append({"what": name, "value": said})
    return rows
