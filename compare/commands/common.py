"""What the subcommands share: their common options and the refusal of bad usage."""

from __future__ import annotations

import argparse
from pathlib import Path


class UsageError(Exception):
    """Bad usage or malformed input, in one clear line; the command line exits with 2."""


def add_common_options(parser: argparse.ArgumentParser, *, default_out: str = "results") -> None:
    """Add --seed, --out, --json and --csv."""
    parser.add_argument("--seed", type=int, default=0, help="seed of everything random (default: 0)")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path(default_out),
        help=f"folder for what is written (default: {default_out}/)",
    )
    parser.add_argument("--json", action="store_true", help="print the rows as JSON instead of a table")
    parser.add_argument("--csv", action="store_true", help="print the rows as CSV instead of a table")
