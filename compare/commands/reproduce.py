"""`lift-compare reproduce`: all published figures from our own runs, and one report."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..provenance import provenance
from ..reproduction.reproduce import COLUMNS, FINDINGS, reproduce
from ..tables import filled
from .common import (
    add_common_options,
    add_instance_argument,
    add_instance_option,
    find_instance,
    instance_texts,
    output_folder,
    save,
    show,
    writing_out,
)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "reproduce",
        help="redraw the published figures, and report where printed and computed numbers differ",
        description="Draw all published figures from our own runs and write them, with one "
        "self-contained report.html that says where the published numbers and the exact "
        "computation differ.",
    )
    add_common_options(parser)
    add_instance_argument(parser)
    add_instance_option(
        parser,
        "the published ones, and the printed numbers",
        why_one="a report is of one, in a folder of its own (--out)",
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="fewer sizes, starts and steps: two minutes at most (cost has it too; what other "
        "commands do without it is short, or has its own number: verify --random N, rivals --runs)",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make the report, print the comparisons; 1 if explicit and exact simulation disagree."""
    out = output_folder(arguments)
    texts = instance_texts(arguments)
    own = find_instance(texts[0]) if texts else None
    pdf = "pdf" in arguments.format
    try:
        with writing_out(arguments):
            result = reproduce(
                out, quick=arguments.quick, seed=arguments.seed, instance=own, pdf=pdf
            )
    except KeyboardInterrupt:
        report = out / "report.html"
        said = f"lift-compare: interrupted; {report} has what was finished"
        print(filled(said), file=sys.stderr)
        return 130
    origin = provenance(arguments.seed, command="reproduce", quick=arguments.quick)
    rows = result.rows()
    text = filled(repr(result), "")
    if own is None:
        save(arguments, "differences", rows, origin, COLUMNS)
    else:
        save(arguments, "findings", rows, origin, FINDINGS)
    text = f"{result.table()}\n\n{text}"
    show(arguments, text, rows, origin)
    return 0 if result.consistent else 1
