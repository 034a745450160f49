"""`lift-compare export`: the rows of a sweep's store as CSV or JSON lines, or as a table."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from lift_compare.sensing.validation import did_you_mean

from ..sweeps.export import export_rows
from ..sweeps.rows import MISSING
from ..tables import Column, filled, plain, rows_text, show
from .common import UsageError, add_format_option, save_tables, written

_TABLES = ("latex", "markdown")
_HOW = ("seconds", "attempts", "finished", "processor", "cores", "system", "threads", "version")
"""What says how a row was made: it is in the CSV and JSON lines."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "export",
        help="write the rows of a sweep's store as CSV or JSON lines",
        description="Write the rows of a sweep's store: one evaluation a row, failures and "
        "refusals included. For a pandas frame call compare.export_frame(STORE).",
    )
    add = parser.add_argument
    add("store", type=Path, metavar="STORE", help="the file that `lift-compare sweep` wrote")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="CSV with one header (the default)")
    form.add_argument("--json", action="store_true", help="JSON lines: one object a row")
    add("--evaluation", metavar="NAME", help="only rows of this evaluation")
    add(
        "--out",
        metavar="FILE",
        help="write to this file, or into this folder (a name that ends in / is one), instead of "
        "standard output",
    )
    add_format_option(
        parser,
        _TABLES,
        f"write a table too: a list of {', '.join(_TABLES)} (.tex, for booktabs, and .md), "
        "beside --out, or into results/; with the columns in which the rows differ",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the whole store, then write; nothing is written when it cannot be read."""
    rows = _rows(arguments.store, arguments.evaluation)
    form = "jsonl" if arguments.json else "csv"
    text = rows_text(form, rows)
    if arguments.out is None:
        sys.stdout.write(text)
    else:
        path = _write(arguments.out, arguments.store, form, text)
        print(filled(f"{len(rows)} rows written to {path}"), file=sys.stderr)
    if arguments.format:
        folder = Path("results") if arguments.out is None else path.parent
        name = arguments.store.stem if arguments.out is None else path.stem
        columns, caption = _table(rows)
        target = argparse.Namespace(out=folder, format=arguments.format)
        tables = save_tables(target, name, rows, columns, caption=caption or name)
        print(written(tables), file=sys.stderr)
    missing = Counter(row["status"] for row in rows if row["status"] in MISSING)
    if missing:
        kinds = ", ".join(f"{count} {status}" for status, count in missing.items())
        total = f"{missing.total()} of {len(rows)} rows"
        print(filled(f"lift-compare: {total} are still missing: {kinds}"), file=sys.stderr)
    return 0


def _rows(store: Path, evaluation: str | None) -> list[dict[str, Any]]:
    """Return the rows; UsageError for an evaluation of which there is none."""
    rows = export_rows(store)
    names = dict.fromkeys(row["evaluation"] for row in rows)
    if evaluation not in (None, *names):
        known = f"one of {', '.join(names)}" if names else "none, since the store has no rows"
        close = did_you_mean(str(evaluation), names)
        raise UsageError(f"--evaluation: expected {known}, got {evaluation!r:.60}{close}")
    return [row for row in rows if evaluation in (None, row["evaluation"])]


def _table(rows: list[dict[str, Any]]) -> tuple[list[Column], str]:
    """Return the columns in which rows differ, and what is the same in all of them."""
    names = [
        name
        for name in dict.fromkeys(name for row in rows for name in row)
        if name not in _HOW and not name.startswith("version_")
    ]
    values = {name: [plain(row.get(name)) for row in rows] for name in names}
    same = {name: found[0] for name, found in values.items() if found.count(found[0]) == len(found)}
    if len(rows) == 1:  # nothing to differ from
        same = {name: value for name, value in same.items() if value is None}
    columns = [Column(name, name, ".6g") for name in names if name not in same]
    said = [f"{name} = {show(value, '.6g')}" for name, value in same.items() if value is not None]
    return columns, f"The same in all rows: {', '.join(said)}" if said else ""


def _write(out: str, store: Path, form: str, text: str) -> Path:
    """Write to --out, a file or a folder; UsageError where that cannot be."""
    path = Path(out)
    try:
        if out.endswith(("/", os.sep)) or path.is_dir():
            path = path / f"{store.stem}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and path.samefile(store):
            raise UsageError(f"--out: {path} is the store itself; name another file")
        path.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    except OSError as error:
        raise UsageError(f"--out: cannot write {path}: {error.strerror}") from error
    return path
