"""`lift-compare export`: the rows of a sweep's store as CSV or JSON lines."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..export import export_rows, write_csv_rows, write_json_lines
from .common import UsageError


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "export",
        help="write the rows of a sweep's store as CSV or JSON lines",
        description="Write the rows of a sweep's store: one evaluation a row, failures and refusals included. "
        "For a pandas frame call compare.export_frame(STORE).",
    )
    parser.add_argument(
        "store", type=Path, metavar="STORE", help="the SQLite file that `lift-compare sweep` wrote"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="CSV with one header (the default)")
    form.add_argument("--json", action="store_true", help="JSON lines: one object a row")
    parser.add_argument("--evaluation", metavar="NAME", help="only rows of this evaluation")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write to this file, or into this folder, instead of standard output",
    )
    parser.add_argument("--seed", type=int, help="accepted like everywhere; nothing here is random")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Read the whole store, then write; nothing is written when it cannot be read."""
    rows = export_rows(arguments.store, evaluation=arguments.evaluation)
    write = write_json_lines if arguments.json else write_csv_rows
    if arguments.out is None:
        write(rows, sys.stdout)
        return 0
    path = arguments.out
    if path.is_dir():
        path = path / f"{arguments.store.stem}.{'jsonl' if arguments.json else 'csv'}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", encoding="utf-8", newline="") as file:
            write(rows, file)
    except OSError as error:
        raise UsageError(f"--out: cannot write {path}: {error.strerror}") from error
    print(f"{len(rows)} rows written to {path}", file=sys.stderr)
    return 0
