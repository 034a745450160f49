"""`lift-compare export`: the rows of a sweep's store as CSV or JSON lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..sweeps.export import export_rows
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
        type=Path,
        metavar="FILE",
        help="write to this file, or into this folder, instead of standard output",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the whole store, then write; nothing is written when it cannot be read."""
    rows = export_rows(arguments.store, evaluation=arguments.evaluation)
    form = "jsonl" if arguments.json else "csv"
    text, path = rows_text(form, rows), arguments.out
    if path is None:
        sys.stdout.write(text)
        return 0
    if path.is_dir():
        path = path / f"{arguments.store.stem}.{form}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"--out: cannot write {path}: {error.strerror}") from error
    print(f"{len(rows)} rows written to {path}", file=sys.stderr)
    return 0
