"""The rows of a sweep as text: the answer first, then what varies and what came of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from ..tables import Column, line_width, show, text_table
from .point import INSTANCE_SETTINGS
from .sweep import Sweep

Record = Mapping[str, Any]

_LONG_WORDS = 16  # characters: longer words stand below the table, once
_LISTED = 6  # values of a setting, or numbers of rows, that are listed one by one
_REMARKS = ("error", "warnings")
_WORDS = {
    "truncation_error": "what the truncated recursion leaves out of the projected gradient at T, "
    "‖Π_S ∇h^l − kept‖ / ‖Π_S ∇h^l‖; an exact path does not use the recursion, and where it ends "
    "near a minimum the divisor is nearly 0",
    "h_collapsed": "h of the matrix to which the end of the path collapses",
    "h_final": "h after the gradient descent that goes on from there",
    "near_truth": "at the very end XXᵀ is within 1 % of ZZᵀ",
}
"""Headings that do not say what they are, in the words below the table."""


def sweep_table(sweep: Sweep, rows: Sequence[Record], *, width: int | None = None) -> str:
    """Return the rows as text within the width.

    First how many rows are done, what varies, and what is the same in all rows; then a table of the
    rest. Long words, such as errors, stand below the table, each with the numbers of its rows.
    """
    width = line_width() if width is None else width
    names = shown_settings(sweep, rows)
    same, varying = _main_results(sweep, rows)
    remarks = [name for name in (*varying, *_REMARKS) if _is_long(rows, name)]
    paragraphs = [
        sweep.description,
        f"{_counts(rows)}. {_varied(sweep, rows, names)}",
        _same(sweep, rows, same),
    ]
    above = [fill(each, width, break_long_words=False) for each in paragraphs if each]
    tables = _tables(rows, names, [name for name in varying if name not in remarks], width)
    below = [
        fill(f"{name}: {text} ({_numbers(numbers)})", width, subsequent_indent="  ")
        for name in remarks
        for text, numbers in _told(rows, name).items()
    ]
    said = {
        _title(name): _WORDS[name] for name in varying if name in _WORDS and name not in remarks
    }
    words = [
        fill(f"{title}: {text}", width, subsequent_indent="  ") for title, text in said.items()
    ]
    return "\n\n".join(filter(None, ["\n".join(above), tables, *map("\n".join, (words, below))]))


def shown_columns(sweep: Sweep, rows: Sequence[Record]) -> list[Column]:
    """Return the columns of a table for a page: what varies, and the main results that do."""
    columns = shown_settings(sweep, rows)
    columns += [] if _is_constant(rows, "status") else ["status"]
    columns += [*_main_results(sweep, rows)[1], *(name for name in _REMARKS if _has(rows, name))]
    return [Column(name, name, ".6g") for name in columns]


def sweep_caption(sweep: Sweep, rows: Sequence[Record]) -> str:
    """Return what the sweep is, how many rows are done, and what is the same in all of them."""
    same = _same(sweep, rows, _main_results(sweep, rows)[0])
    said = [sweep.description.rstrip("."), _counts(rows), same.rstrip(".")]
    return "".join(f"{each}. " for each in said if each).strip()


def shown_settings(sweep: Sweep, rows: Sequence[Record]) -> list[str]:
    """Return the settings that tell the rows apart."""
    names = [name for name in sweep.varied if len(_values(rows, name)) > 1]
    if len({tuple(row[name] for name in names) for row in rows}) < len(rows):
        # Instances as `name:key=value,...`: their parameters tell the rows apart.
        others = [name for name in INSTANCE_SETTINGS if name not in names]
        names += [name for name in others if len(_values(rows, name)) > 1]
    return names or list(sweep.varied)[:1]


def is_number(value: Any) -> bool:
    """Return whether a value is a number, and no truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def main_result(sweep: Sweep, rows: Sequence[Record]) -> str | None:
    """Return the first result that is a number which varies, else any number; None without one."""
    names = [*sweep.definition.columns.split(), *_results(sweep, rows)]
    numbers = [
        name
        for name in dict.fromkeys(names)
        if _has(rows, name) and all(is_number(value) for value in _values(rows, name))
    ]
    varying = [name for name in numbers if len(_values(rows, name)) > 1]
    return next(iter([*varying, *numbers]), None)


def _main_results(sweep: Sweep, rows: Sequence[Record]) -> tuple[list[str], list[str]]:
    """Return the main results that are the same in all rows, and those that are not."""
    names = [name for name in sweep.definition.columns.split() if _has(rows, name)]
    if not names:  # an evaluation that names none: all of them
        names = [name for name in _results(sweep, rows) if _has(rows, name)]
    whole = len(rows) > 1 and all(row["status"] == "done" for row in rows)
    same = [name for name in names if whole and _is_constant(rows, name)]
    return same, [name for name in names if name not in same]


def _title(name: str) -> str:
    return name.replace("_", " ")


def _results(sweep: Sweep, rows: Sequence[Record]) -> list[str]:
    """Return the names of all results that are one number or word each."""
    beside = {*sweep.definition.model.model_fields, "evaluation", "version", "status"}
    names: dict[str, None] = {}
    for row in rows:
        keys = list(row)  # what stands behind `error` says where and when
        names |= dict.fromkeys(key for key in keys[: keys.index("error")] if key not in beside)
    return [
        name for name in names if not any(isinstance(row.get(name), list | dict) for row in rows)
    ]


def _values(rows: Sequence[Record], name: str) -> list[Any]:
    """Return the different values of a column, in their order, without empty cells."""
    found = (row.get(name) for row in rows)
    return list(dict.fromkeys(value for value in found if value is not None))


def _has(rows: Sequence[Record], name: str) -> bool:
    return any(row.get(name) is not None for row in rows)


def _is_constant(rows: Sequence[Record], name: str) -> bool:
    return len({row.get(name) for row in rows}) == 1


def _is_long(rows: Sequence[Record], name: str) -> bool:
    values = [value for value in _values(rows, name) if isinstance(value, str)]
    return (name in _REMARKS and bool(values)) or any(len(value) > _LONG_WORDS for value in values)


def _counts(rows: Sequence[Record]) -> str:
    counts = Counter(str(row["status"]) for row in rows)
    said = ", ".join(f"{count} {status}" for status, count in counts.items())
    return f"{len(rows)} row{'s' * (len(rows) != 1)}: {said}"


def _varied(sweep: Sweep, rows: Sequence[Record], names: Sequence[str]) -> str:
    said = []
    for name in names:
        values = _values(rows, name)
        texts = [show(value, ".6g") for value in values]
        if len(values) > _LISTED and all(map(is_number, values)):
            low, high = (show(end(values), ".6g") for end in (min, max))
            said.append(f"{name} ({len(values)} values, {low} to {high})")
        elif len(values) > _LISTED:
            said.append(f"{name} ({len(values)} values)")
        else:
            said.append(f"{name} ({', '.join(texts)})")
    return f"Evaluation {sweep.definition.name!r}, varied: {', '.join(said)}."


def _same(sweep: Sweep, rows: Sequence[Record], names: Sequence[str]) -> str:
    """Return what is the same in all rows: fixed settings that were given, and results."""
    alike = [name for name in sweep.varied if name not in shown_settings(sweep, rows)]
    given = [name for name in (*alike, *sweep.fixed) if name in rows[0] and name != "digest"]
    said = [f"{name} {show(rows[0].get(name), '.6g')}" for name in (*given, *names)]
    return f"The same in all rows: {', '.join(said)}." if said else ""


def _tables(
    rows: Sequence[Record], settings: Sequence[str], results: Sequence[str], width: int
) -> str:
    """Return the table, cut into several that all have the settings where it is too wide."""
    numbered = [{"row": number, **row} for number, row in enumerate(rows, 1)]
    first = [Column("row", "row", "d"), *(Column(name, name, ".6g") for name in settings)]
    if not _is_constant(rows, "status"):
        first.append(Column("status", "status"))
    rest = [Column(name, _title(name), ".6g") for name in results]
    rest.append(Column("seconds", "time", "seconds"))
    parts: list[list[Column]] = [[]]
    for column in rest:
        if parts[-1] and not _fits([*first, *parts[-1], column], numbered, width):
            parts.append([])
        parts[-1].append(column)
    return "\n\n".join(text_table([*first, *part], numbered, width=width) for part in parts)


def _fits(columns: Sequence[Column], rows: Sequence[Record], width: int) -> bool:
    """Return whether every cell stands in one line; headings may go on in further ones."""
    needed = -2
    for column in columns:
        cells = [show(row.get(column.key), column.format) for row in rows]
        needed += 2 + max(map(len, [*cells, *column.title.split()]))
    return needed <= width


def _told(rows: Sequence[Record], name: str) -> dict[str, list[int]]:
    """Return the different texts of a column with the numbers of their rows."""
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows, 1):
        if row.get(name) is not None:
            found.setdefault(str(row[name]), []).append(number)
    return found


def _numbers(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"row {numbers[0]}"
    listed = ", ".join(map(str, numbers[:_LISTED]))
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    return f"rows {listed}{more}"
