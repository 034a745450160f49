"""Plain tables: aligned text for people, CSV and JSON for programs.

A refusal or a failure is a row, never a gap. A value that is missing or not finite is "–" in text,
an empty cell in CSV and null in JSON; a list is JSON in both.
"""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from lift_compare.sensing.validation import InvalidValue, show_bytes

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: the key of its value in a row, its title with the unit, a format such as '.3g'."""

    key: str
    title: str
    format: str = ".3g"


# Text --------------------------------------------------------------------------------------------


def text_table(columns: Sequence[Column], rows: Sequence[Row], *, title: str = "") -> str:
    """Return an aligned table; numbers to the right, words to the left."""
    cells = [[show(row.get(column.key), column.format) for column in columns] for row in rows]
    heads = [column.title for column in columns]
    widths = [max(map(len, entries)) for entries in zip(heads, *cells, strict=True)]
    words = [holds_words(column, rows) for column in columns]

    def line(values: Sequence[str]) -> str:
        parts = [
            value.ljust(width) if word else value.rjust(width)
            for value, width, word in zip(values, widths, words, strict=True)
        ]
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([*([title, ""] if title else []), line(heads), rule, *map(line, cells)])


def holds_words(column: Column, rows: Sequence[Row]) -> bool:
    """Return whether the values of a column are words, which stand to the left."""
    return column.format != "bytes" and any(isinstance(row.get(column.key), str) for row in rows)


def show(value: Any, spec: str = ".3g") -> str:
    """Return a value as a person reads it: 'yes', '1.2 MB', '3.4 ms', or in the given format."""
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if not isinstance(value, int | float | np.number):
        return str(value)
    if not math.isfinite(value):
        return "–"
    in_units: dict[str, Callable[[float], str]] = {"bytes": show_bytes, "seconds": show_seconds}
    if spec in in_units:
        return in_units[spec](float(value))
    return format(int(value) if spec.endswith("d") else float(value), spec)


def show_seconds(seconds: float) -> str:
    """Return a duration in the unit that fits: '12 µs', '3.4 ms', '1.2 s'."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


# CSV and JSON ------------------------------------------------------------------------------------


def save_rows(
    path: str | os.PathLike[str], rows: Sequence[Row], provenance: Row | None = None, **more: Any
) -> Path:
    """Write the rows in the form that the ending of the path names (.csv, .json or .jsonl).

    Folders are made as needed; see `rows_text`.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = rows_text(path.suffix[1:], rows, provenance, **more)
    path.write_text(text, encoding="utf-8", newline="")
    return path


def rows_text(form: str, rows: Sequence[Row], provenance: Row | None = None, **more: Any) -> str:
    """Return the rows as text.

    Parameters
    ----------
    form : str
        "csv": the union of the keys is the header. "json": {"provenance": ..., "rows": [...]}, and
        `more`. "jsonl": one object a line.
    rows : sequence of mapping
        The rows.
    provenance, **more
        What a JSON document holds beside the rows.
    """
    ready = [plain(row) for row in rows]
    if form == "json":
        document = {"provenance": plain(provenance), "rows": ready, **plain(more)}
        return json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
    if form == "jsonl":
        lines = (json.dumps(row, allow_nan=False, ensure_ascii=False) for row in ready)
        return "".join(line + "\n" for line in lines)
    if form != "csv":
        raise InvalidValue(f"form: expected csv, json or jsonl, got {form!r}")
    text = StringIO()
    keys = dict.fromkeys(key for row in ready for key in row)
    table = csv.DictWriter(text, list(keys), lineterminator="\n")
    table.writeheader()
    for row in ready:
        table.writerow({key: _cell(value) for key, value in row.items()})
    return text.getvalue()


def plain(value: Any) -> Any:
    """Return a value as JSON knows it: numpy unwrapped, numbers that are not finite as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
