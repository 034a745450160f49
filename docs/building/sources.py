"""Pages from files that are not pages: differences.json, CONTRIBUTING.md and CHANGELOG.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ORDER = (
    ("contradicted by computation", "Contradicted by computation"),
    ("other convention", "Another convention"),
    ("not comparable because starts are unpublished", "Not comparable: starts are unpublished"),
    ("reproduced", "Reproduced"),
)


def write(docs: Path, folder: Path) -> None:
    """Write the pages to a folder in docs."""
    folder.mkdir(exist_ok=True)
    found = json.loads((docs / "differences.json").read_text("utf-8"))
    (folder / "published.md").write_text(published(found), "utf-8")
    for name in ("CONTRIBUTING", "CHANGELOG"):
        page = f"```{{include}} ../../{name}.md\n:relative-docs: docs/\n```\n"
        (folder / f"{name.lower()}.md").write_text(page, "utf-8")


def published(found: dict[str, Any]) -> str:
    """Return the page of printed numbers beside computed ones, from what `reproduce` wrote."""
    rows, origin = found["rows"], found["provenance"]
    unknown = {row["class"] for row in rows} - {name for name, _ in ORDER}
    if unknown:
        raise ValueError(f"docs/differences.json: expected classes of ORDER, got {unknown}")
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    parts = [
        "# Published against exact\n",
        "What is printed in the paper and its notebooks, and what this toolkit computes at the "
        f"same settings: {len(rows)} comparisons in four classes. This page is made from "
        "`docs/differences.json`, which `lift-compare reproduce` wrote "
        f"({origin['date'][:10]}; seed {origin['seed']}; {versions}).\n",
        "| class | comparisons |\n| --- | --- |",
        *(f"| {title} | {sum(r['class'] == name for r in rows)} |" for name, title in ORDER),
        "",
    ]
    for name, title in ORDER:
        members = [row for row in rows if row["class"] == name]
        if members:
            parts.append(f"## {title}\n")
            parts += [_comparison(row) for row in members]
    return "\n".join(parts)


def _comparison(row: dict[str, Any]) -> str:
    said = [("Published", "published"), ("Computed", "computed"), ("Evidence", "evidence")]
    said += [("Why it is of this class", "reason")]
    lines = [f"- **{label}.** {_plain(row[key])}" for label, key in said if row.get(key)]
    return "\n".join([f"### {_plain(row['title'])}\n", *lines, ""])


def _plain(text: str) -> str:
    """Return a text whose characters mean nothing to Markdown."""
    return "".join(f"\\{c}" if c in r"\`*_{}[]<>#|$~" else c for c in text)
