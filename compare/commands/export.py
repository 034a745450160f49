"""`lift-compare export`: the rows of a sweep's store as CSV or JSON lines."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ..sweeps.export import export_rows
from ..sweeps.rows import MISSING
from ..tables import rows_text
from .common import UsageError


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
        print(f"{len(rows)} rows written to {path}", file=sys.stderr)
    missing = Counter(row["status"] for row in rows if row["status"] in MISSING)
    if missing:
        kinds = ", ".join(f"{count} {status}" for status, count in missing.items())
        total = f"{missing.total()} of {len(rows)} rows"
        print(f"lift-compare: {total} are still missing: {kinds}", file=sys.stderr)
    return 0


def _rows(store: Path, evaluation: str | None) -> list[dict[str, Any]]:
    """Return the rows; UsageError for an evaluation of which there is none."""
    rows = export_rows(store)
    names = dict.fromkeys(row["evaluation"] for row in rows)
    if evaluation not in (None, *names):
        known = f"one of {', '.join(names)}" if names else "none, since the store has no rows"
        raise UsageError(f"--evaluation: expected {known}, got {evaluation!r:.60}")
    return [row for row in rows if evaluation in (None, row["evaluation"])]


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
