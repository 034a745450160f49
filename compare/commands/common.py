"""What the subcommands share: their common options, instances, and how results leave."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lift_compare import sensing
from lift_compare.sensing import Instance

from ..tables import rows_text, save_rows


class UsageError(Exception):
    """Bad usage or malformed input, in one clear line; the command line exits with 2."""


def add_common_options(parser: argparse.ArgumentParser) -> None:
    """Add --seed, --out, --json and --csv."""
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of everything random (default: 0)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        help="folder for what is written (default: results/)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print rows as JSON, not as a table")
    form.add_argument("--csv", action="store_true", help="print rows as CSV, not as a table")


def add_instance_option(
    parser: argparse.ArgumentParser, default: str, *, several: bool = False
) -> None:
    """Add --instance; `default` says what is taken without it."""
    again = " may be repeated;" if several else ""
    parser.add_argument(
        "--instance",
        action="append" if several else "store",
        metavar="INSTANCE",
        help="a name of the catalogue, name:key=value,... such as gaussian:n=5,m=6,seed=3, or an "
        f".npz file;{again} default: {default}. Names: "
        f"{', '.join(entry.name for entry in sensing.catalogue())}",
    )


def find_instance(text: str) -> Instance:
    """Return the instance that --instance names."""
    try:
        return sensing.parse_instance(text)
    except (TypeError, ValueError) as error:
        said = str(error)
        raise UsageError(said if said.startswith("instance") else f"--instance: {said}") from error


def output_folder(arguments: argparse.Namespace) -> Path:
    """Return --out; UsageError if a file stands in its place."""
    folder: Path = arguments.out
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out: expected a folder, got the file {folder}")
    return folder


def save(
    arguments: argparse.Namespace,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    origin: Mapping[str, Any],
) -> list[Path]:
    """Write the rows to OUT as NAME.csv and NAME.json; return the paths."""
    try:
        return [
            save_rows(arguments.out / f"{name}.csv", rows),
            save_rows(arguments.out / f"{name}.json", rows, origin),
        ]
    except OSError as error:
        what = f"{arguments.out} cannot be written to: {error.strerror}"
        raise UsageError(f"--out: {what}") from error


def show(
    arguments: argparse.Namespace,
    text: str,
    rows: Sequence[Mapping[str, Any]],
    origin: Mapping[str, Any],
    **more: Any,
) -> None:
    """Print the text; or, where that was asked for, the rows as CSV or JSON (with `more`)."""
    if arguments.json:
        text = rows_text("json", rows, origin, **more)
    elif arguments.csv:
        text = rows_text("csv", rows)
    sys.stdout.write(text.rstrip("\n") + "\n")


def written(paths: Sequence[Path]) -> str:
    """Return the last line of a text: where the results are."""
    return "Written: " + ", ".join(str(path) for path in paths)
