"""Plain tables: aligned text for people, CSV and JSON for programs.

A refusal or a failure is a row, never a gap. A value that is missing or not finite is "–" in text,
an empty cell in CSV and null in JSON; a list is JSON in both.
"""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from textwrap import fill, wrap
from typing import Any
from unicodedata import combining

import numpy as np

from lift_compare.sensing.validation import InvalidValue, power_of_ten, show_bytes

Row = Mapping[str, Any]

_GAP = 2  # spaces between columns
_INDENT = 4  # spaces before a text below a row
_LEAST_WIDTH = 40  # of a line, however narrow the terminal
_LONGEST_WORD = 24  # a longer one, such as a path, is broken
_LONGEST_COUNT = 10**18  # a larger count, such as the entries of a tensor at order 99, has a power


@dataclass(frozen=True)
class Column:
    """A column: the key of its value in a row, its title with the unit, a format such as '.3g'."""

    key: str
    title: str
    format: str = ".3g"


# Text --------------------------------------------------------------------------------------------


def line_width() -> int:
    """Return the columns of the terminal that is written to; 100 where there is none."""
    return max(_LEAST_WIDTH, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 100


def filled(text: str, indent: str = "  ") -> str:
    """Return a sentence in lines of at most `line_width`; words, such as paths, stay whole."""
    return fill(
        text,
        line_width(),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def text_table(
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    title: str = "",
    width: int | None = None,
    below: str = "",
) -> str:
    """Return an aligned table; numbers to the right, words to the left.

    No line is longer than `width` (default: `line_width`). Where the table is, headings and then
    words go on in a further line; if that is not enough, the table is cut into tables below each
    other, which all have the columns that tell the rows apart, or numbers of the rows where those
    columns are too wide. Where `below` is the key of a text in each row, that text goes below its
    row, on lines of its own.
    """
    width = line_width() if width is None else width
    cells = [[show(row.get(column.key), column.format) for column in columns] for row in rows]
    words = [holds_words(column, rows) for column in columns]
    heads = [column.title for column in columns]
    texts = [_indented(str(row[below]), width) if below else [] for row in rows]
    least = [
        _least_width(head, [line[k] for line in cells], words[k]) for k, head in enumerate(heads)
    ]
    sizes, keys = [size + _GAP for size in least], key_columns(cells)
    if needs_numbers(sizes, keys, width + _GAP):
        return text_table(*numbered(columns, rows), title=title, width=width, below=below)
    cut = cut_columns(sizes, keys, width + _GAP)
    parts = [
        _aligned(
            [heads[k] for k in part],
            [[line[k] for k in part] for line in cells],
            [words[k] for k in part],
            width,
            texts if part is cut[-1] else [[] for _ in rows],
        )
        for part in cut
    ]
    above = [*wrap(title, width), ""] if title else []
    return "\n".join([*above, "\n\n".join(parts)])


def key_columns(cells: Sequence[Sequence[str]]) -> list[int]:
    """Return the first column and the next ones that tell rows apart, as far as cells differ."""
    keys: list[int] = []
    count = 0
    for k in range(len(cells[0]) if cells else 0):
        now = len({tuple(line[j] for j in (*keys, k)) for line in cells})
        if now > count:
            keys, count = [*keys, k], now
    return keys


def cut_columns(sizes: Sequence[int], keys: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns of each table that a table is cut into; each has the keys."""
    parts = [[*keys]]
    for k in range(len(sizes)):
        if k in keys:
            continue
        if len(parts[-1]) > len(keys) and sum(sizes[j] for j in (*parts[-1], k)) > width:
            parts.append([*keys])
        parts[-1].append(k)
    return [sorted(part) for part in parts]


def needs_numbers(sizes: Sequence[int], keys: Sequence[int], width: int) -> bool:
    """Return whether a table is to be cut, and its keys would take more than half of every part."""
    return sum(sizes) > width and len(keys) > 1 and sum(sizes[k] for k in keys) > width / 2


def numbered(columns: Sequence[Column], rows: Sequence[Row]) -> tuple[list[Column], list[Row]]:
    """Return the table with a column of row numbers before the others."""
    key = "number of the row"
    return (
        [Column(key, "row", "d"), *columns],
        [{**row, key: number} for number, row in enumerate(rows, 1)],
    )


def _least_width(head: str, cells: Sequence[str], is_words: bool) -> int:
    """Return how narrow a column can be: numbers stay whole, words keep to the longest of them."""
    longest = max(map(_length, head.split()), default=0)
    for cell in cells:
        pieces = cell.split() if is_words else [cell]
        longest = max([longest, *map(_length, pieces)])
    return min(longest, _LONGEST_WORD) if is_words else longest


def _indented(text: str, width: int) -> list[str]:
    """Return the lines of a text that goes below a row."""
    indent = " " * _INDENT
    return [
        piece
        for line in text.splitlines()
        for piece in wrap(line, width, initial_indent=indent, subsequent_indent=indent)
    ]


def _aligned(
    heads: Sequence[str],
    cells: Sequence[Sequence[str]],
    words: Sequence[bool],
    width: int,
    below: Sequence[Sequence[str]],
) -> str:
    """Return one table within the width, if its columns can be that narrow."""
    by_column = list(zip(*cells, strict=True)) or [() for _ in heads]
    least = [_least_width(*each) for each in zip(heads, by_column, words, strict=True)]
    bodies = [
        max([low, *map(_length, column)]) for low, column in zip(least, by_column, strict=True)
    ]
    widths = [max(body, _length(head)) for body, head in zip(bodies, heads, strict=True)]
    # Headings first: they cost one line for the whole table. Then words, the widest column first.
    for lowest in (bodies, least):
        while sum(widths) + _GAP * (len(widths) - 1) > width:
            wide = [k for k in range(len(widths)) if widths[k] > lowest[k]]
            if not wide:
                break
            widths[max(wide, key=lambda k: widths[k])] -= 1

    rule = (" " * _GAP).join("-" * size for size in widths)
    body = [
        line
        for values, text in zip(cells, below, strict=True)
        for line in (*_lines(values, widths, words), *text)
    ]
    return "\n".join([*_lines(heads, widths, words, bottom=True), rule, *body])


def _length(text: str) -> int:
    """Return how many columns a text takes: a mark over a letter, as in X̂, takes none."""
    return sum(not combining(letter) for letter in text)


def _lines(
    values: Sequence[str], widths: Sequence[int], words: Sequence[bool], *, bottom: bool = False
) -> list[str]:
    """Return the lines of one row, each value in as many as it needs; headings stand at the bottom.

    A heading over numbers stands to the right, as they do.
    """
    pieces = [wrap(value, size) for value, size in zip(values, widths, strict=True)]
    height = max(1, *map(len, pieces))
    columns = []
    for piece, size, word in zip(pieces, widths, words, strict=True):
        missing = [""] * (height - len(piece))
        full = missing + piece if bottom else piece + missing
        columns.append([_padded(text, size, left=word) for text in full])
    return [(" " * _GAP).join(line).rstrip() for line in zip(*columns, strict=True)]


def _padded(text: str, size: int, *, left: bool) -> str:
    blanks = " " * (size - _length(text))
    return text + blanks if left else blanks + text


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
    if isinstance(value, int):
        if spec == "bytes":
            return show_bytes(value)
        if (spec == ",d" and abs(value) >= _LONGEST_COUNT) or abs(value) > sys.float_info.max:
            return power_of_ten(value)
    elif not math.isfinite(value):
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
    if isinstance(value, int):
        try:
            str(value)
        except ValueError:  # thousands of digits: Python neither writes nor reads them as a number
            return power_of_ten(value)
    return value


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value
