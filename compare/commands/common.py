"""What the subcommands share: their common options, instances, and how results leave."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

from lift_compare import sensing
from lift_compare.sensing import Instance, InvalidInput
from lift_compare.sensing.instances.registry import parse_instances
from lift_compare.sensing.validation import show_bytes

from ..tables import line_width, rows_text, save_rows
from ..tolerances import MEMORY_LIMIT


class UsageError(InvalidInput):
    """Bad usage or malformed input, in one clear line; the command line exits with 2."""


def add_common_options(parser: argparse.ArgumentParser, *, seed: int | None = 0) -> None:
    """Add --seed, --out, --json and --csv; without a default seed, that of the file is taken."""
    default = "that of the file, or as published" if seed is None else seed
    parser.add_argument(
        "--seed",
        type=_seed,
        default=seed,
        help=f"seed of everything random (default: {default})",
    )
    add_output_options(parser)


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add --out, --json and --csv."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        help="folder for what is written (default: results/)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print rows as JSON, not as a table")
    form.add_argument("--csv", action="store_true", help="print rows as CSV, not as a table")


def _seed(text: str) -> int:
    """Return a seed; argparse refuses another text by the option's name."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 0, got {text!r}")
    return int(text)


class _Once(argparse.Action):
    """Store a value, and refuse a second one."""

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: Any, value: Any, *_: Any
    ) -> None:
        if getattr(namespace, self.dest) is not None:
            parser.error(f"argument {self.option_strings[0]}: this command takes one, got two")
        setattr(namespace, self.dest, value)


def add_instance_option(
    parser: argparse.ArgumentParser, default: str, *, several: bool = False
) -> None:
    """Add --instance; `default` says what is taken without it."""
    again = " may be repeated;" if several else ""
    parser.add_argument(
        "--instance",
        action="append" if several else _Once,
        metavar="INSTANCE",
        help="a name of the catalogue, name:key=value,... such as gaussian:n=5,m=6,seed=3, or an "
        f".npz file;{again} default: {default}. Names: "
        f"{', '.join(entry.name for entry in sensing.catalogue())}",
    )


_PREFIXES = ("", "k", "m", "g", "t", "p", "e")


def byte_count(text: str) -> int:
    """Return a number of bytes, written as 2000000000, 2e9, 2GB or 2GiB."""
    refusal = argparse.ArgumentTypeError(
        f"expected a number of bytes such as 2e9, 2GB or 2GiB, got {text!r:.60}"
    )
    parts = re.fullmatch(r"([0-9.]+(?:e\+?[0-9]+)?) ?([kmgtpe]?)(i?)b?", text.strip().lower())
    if parts is None:
        raise refusal
    number, prefix, binary = parts.groups()
    unit = (1024 if binary else 1000) ** _PREFIXES.index(prefix)
    try:
        count = int(float(number) * unit)
    except (ValueError, OverflowError) as error:  # "1.2.3", 1e400
        raise refusal from error
    if count < 1:
        raise argparse.ArgumentTypeError(f"expected at least one byte, got {text!r:.60}")
    return count


def add_memory_limit_option(parser: argparse.ArgumentParser) -> None:
    """Add --memory-limit of the explicit side, with the one default."""
    parser.add_argument(
        "--memory-limit",
        type=byte_count,
        default=MEMORY_LIMIT,
        metavar="BYTES",
        help="byte budget of the explicit side, such as 2e9, 2GB or 2GiB "
        f"(default: {show_bytes(MEMORY_LIMIT)})",
    )


def find_instance(text: str) -> Instance:
    """Return the instance that --instance names."""
    return find_instances([text])[0]


def find_instances(texts: Iterable[str]) -> tuple[Instance, ...]:
    """Return the instances that --instance names, if their names are distinct."""
    try:
        return parse_instances(texts)
    except (TypeError, ValueError) as error:
        said = str(error)
        raise UsageError(said if said.startswith("instance") else f"--instance: {said}") from error


def output_folder(arguments: argparse.Namespace) -> Path:
    """Return --out; UsageError if a file stands in its place."""
    folder: Path = arguments.out
    try:
        is_file = folder.exists() and not folder.is_dir()
    except OSError as error:  # a name that is too long, a folder above that nobody may enter
        raise UsageError(f"--out: {folder} cannot be used: {error.strerror}") from error
    if is_file:
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
    """Return the last lines of a text: where the results are."""
    text = "Written: " + ", ".join(str(path) for path in paths)
    return fill(text, line_width(), break_long_words=False, break_on_hyphens=False)
