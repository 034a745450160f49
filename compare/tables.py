"""Plain tables: aligned text for people, CSV and JSON for programs. A refusal or a failure is a row, never a gap."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column: the key of its value in a row, its title (with the unit), and a format such as '.3g'."""

    key: str
    title: str
    format: str = ".3g"


def text_table(columns: Sequence[Column], rows: Sequence[Row], *, title: str = "") -> str:
    """Return an aligned text table; numbers to the right, words to the left, a missing value as '–'."""
    cells = [[show(row.get(column.key), column.format) for column in columns] for row in rows]
    heads = [column.title for column in columns]
    widths = [max(len(line[i]) for line in [heads, *cells]) for i in range(len(columns))]
    words = [
        any(isinstance(row.get(column.key), str) for row in rows) and column.format != "bytes"
        for column in columns
    ]

    def line(values: Sequence[str]) -> str:
        parts = [
            v.ljust(w) if word else v.rjust(w)
            for v, w, word in zip(values, widths, words, strict=True)
        ]
        return "  ".join(parts).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([*([title, ""] if title else []), line(heads), rule, *map(line, cells)])


def show(value: Any, spec: str = ".3g") -> str:
    """Return a value as a person wants to read it: 'yes', '1.2 MB', '3.4 ms', or a number in the given format."""
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        number = float(value)
        if not math.isfinite(number):
            return "–"
        if spec == "bytes":
            return show_bytes(number)
        if spec == "seconds":
            return show_seconds(number)
        return format(int(value) if spec.endswith("d") else number, spec)
    return str(value)


def show_bytes(count: float) -> str:
    """Return a byte count in decimal units: '512 B', '1.2 MB', '32 GB'."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.2e} EB"


def show_seconds(seconds: float) -> str:
    """Return a duration in the unit that fits: '12 µs', '3.4 ms', '1.2 s'."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        if seconds * factor < 999.5:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def write_csv(path: str | os.PathLike[str], rows: Sequence[Row]) -> Path:
    """Write the rows as CSV, with the union of their keys as header; return the path."""
    path = _prepared(path)
    keys = list(dict.fromkeys(key for row in rows for key in row))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, keys)
        writer.writeheader()
        writer.writerows([{key: plain(value) for key, value in row.items()} for row in rows])
    return path


def write_json(path: str | os.PathLike[str], rows: Sequence[Row], provenance: Row) -> Path:
    """Write {"provenance": ..., "rows": [...]} as strict JSON (a number that is not finite becomes null)."""
    path = _prepared(path)
    document = {"provenance": plain(provenance), "rows": [plain(row) for row in rows]}
    path.write_text(
        json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    return path


def plain(value: Any) -> Any:
    """Return a value as JSON-ready Python: numpy numbers and arrays unwrapped, not-finite numbers as None."""
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


def _prepared(path: str | os.PathLike[str]) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
