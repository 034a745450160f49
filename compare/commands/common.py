"""What the subcommands share: their common options and the refusal of bad usage."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..tables import plain


class UsageError(Exception):
    """Bad usage or malformed input, in one clear line; the command line exits with 2."""


def add_common_options(parser: argparse.ArgumentParser, *, default_out: str = "results") -> None:
    """Add --seed, --out, --json and --csv."""
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of everything random (default: 0)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(default_out),
        help=f"folder for what is written (default: {default_out}/)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="print the rows as JSON instead of a table"
    )
    form.add_argument("--csv", action="store_true", help="print the rows as CSV instead of a table")


def output_folder(arguments: argparse.Namespace) -> Path:
    """Return --out; UsageError if a file stands in its place."""
    folder: Path = arguments.out
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out: expected a folder, got the file {folder}")
    return folder


def print_rows(
    arguments: argparse.Namespace,
    rows: Sequence[Mapping[str, Any]],
    origin: Mapping[str, Any],
    **more: Any,
) -> bool:
    """Print the rows as JSON (with their origin, and `more`) or CSV if that was asked for; return whether it was."""
    if arguments.json:
        print(
            json.dumps(
                plain({"provenance": origin, "rows": rows, **more}), ensure_ascii=False, indent=1
            )
        )
    elif arguments.csv:
        table = csv.DictWriter(sys.stdout, list(dict.fromkeys(key for row in rows for key in row)))
        table.writeheader()
        table.writerows([plain(row) for row in rows])
    return bool(arguments.json or arguments.csv)
