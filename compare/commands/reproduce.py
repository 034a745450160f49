"""`lift-compare reproduce`: all published figures from our own runs, and one report."""

from __future__ import annotations

import argparse
from typing import Any

from ..provenance import provenance
from ..reproduce import reproduce
from ..tables import write_csv, write_json
from .common import add_common_options, output_folder, print_rows


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "reproduce",
        help="redraw the published figures, and report where printed and computed numbers differ",
        description="Draw all published figures from our own runs and write them, with one self-contained report.html "
        "that says where the published numbers and the exact computation differ.",
    )
    add_common_options(parser)
    parser.add_argument(
        "--quick", action="store_true", help="fewer sizes, starts and steps: two minutes at most"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the report, print the comparisons, and return 1 if explicit and exact simulation disagree."""
    out = output_folder(arguments)
    result = reproduce(out, quick=arguments.quick, seed=arguments.seed)
    rows, origin = (
        result.rows(),
        provenance(arguments.seed, command="reproduce", quick=arguments.quick),
    )
    write_csv(out / "differences.csv", rows)
    write_json(out / "differences.json", rows, origin)
    if not print_rows(arguments, rows, origin):
        print(result.table())
        print(f"\n{result!r}")
    return 0 if result.consistent else 1
