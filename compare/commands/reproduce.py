"""`lift-compare reproduce`: all published figures from our own runs, and one report."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from typing import Any

from compare.provenance import provenance
from compare.reproduce import reproduce
from compare.tables import plain, write_csv, write_json

from .common import UsageError, add_common_options


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "reproduce",
        help="redraw the published figures, and report where printed and computed numbers differ",
        description="Draw all published figures from our own runs and write them, with one self-contained report.html "
        "that says where the published numbers and the exact computation differ.",
    )
    add_common_options(parser)
    parser.add_argument("--quick", action="store_true", help="fewer sizes, starts and steps: two minutes at most")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the report, print the comparisons, and return 1 if explicit and exact simulation disagree."""
    if arguments.json and arguments.csv:
        raise UsageError("--json and --csv: expected at most one of them")
    if arguments.out.exists() and not arguments.out.is_dir():
        raise UsageError(f"--out: expected a folder, got the file {arguments.out}")
    result = reproduce(arguments.out, quick=arguments.quick, seed=arguments.seed)
    rows, origin = result.rows(), provenance(arguments.seed, command="reproduce", quick=arguments.quick)
    write_csv(arguments.out / "differences.csv", rows)
    write_json(arguments.out / "differences.json", rows, origin)
    if arguments.json:
        print(json.dumps(plain({"provenance": origin, "rows": rows}), ensure_ascii=False, indent=1))
    elif arguments.csv:
        table = csv.DictWriter(sys.stdout, list(rows[0]))
        table.writeheader()
        table.writerows([plain(row) for row in rows])
    else:
        print(result.table())
        print(f"\n{result!r}")
    return 0 if result.consistent else 1
