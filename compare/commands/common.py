"""What the subcommands share: their common options, instances, and how results leave."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lift_compare import sensing
from lift_compare.sensing import Instance, InvalidInput
from lift_compare.sensing.instances.contents import InstanceFileError
from lift_compare.sensing.instances.registry import SYMMETRISE, parse_instances, split_file
from lift_compare.sensing.validation import did_you_mean, show_bytes

from ..markup import columns_of, latex_table, markdown_table
from ..tables import Column, filled, plain, rows_text, save_rows
from ..tolerances import MEMORY_LIMIT

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class UsageError(InvalidInput):
    """Bad usage or malformed input, in one clear line; the command line exits with 2."""


FORMATS = ("latex", "markdown", "pdf")


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
    """Add --out, --format, --json and --csv."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("results"),
        help="folder for what is written (default: results/)",
    )
    add_format_option(
        parser,
        FORMATS,
        f"write in further forms to OUT: a list of {', '.join(FORMATS)} (tables as .tex, for "
        "booktabs, and .md; figures as .pdf)",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print rows as JSON, not as a table")
    form.add_argument("--csv", action="store_true", help="print rows as CSV, not as a table")


def add_format_option(parser: argparse.ArgumentParser, known: Sequence[str], words: str) -> None:
    """Add --format, a list of some of the forms that are known."""
    parser.add_argument("--format", type=_formats(known), default=(), metavar="LIST", help=words)


def _formats(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return the type of --format: the forms that a text lists, of those that are known."""

    def parse(text: str) -> tuple[str, ...]:
        words = [word.strip().lower() for word in text.split(",")]
        for word in words:
            if word not in known:
                close = did_you_mean(word, known)
                raise argparse.ArgumentTypeError(
                    f"expected a list of {', '.join(known)}, got {word!r:.60}{close}"
                )
        return tuple(dict.fromkeys(words))

    return parse


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
    parser: argparse.ArgumentParser, default: str, *, several: bool = False, why_one: str = ""
) -> None:
    """Add --instance and --symmetrise; `default` says what is taken without an instance.

    Where a command takes one, `why_one` says why.
    """
    again = " several, one after the other;" if several else f" one: {why_one};"
    parser.add_argument(
        "--instance",
        action="append" if several else _Once,
        metavar="INSTANCE",
        help="a name of the catalogue, name:key=value,... such as gaussian:n=5,m=6,seed=3, a file "
        "(.npz, .npy, .mat), or a function of yours, module:function or my_file.py:function, which "
        f"runs its code;{again} default: {default}. Names: "
        f"{', '.join(entry.name for entry in sensing.catalogue())}",
    )
    parser.add_argument(
        "--symmetrise",
        action="store_true",
        help="take (A + Aᵀ)/2 for matrices of a file that are not symmetric; b stays the same",
    )


def add_instance_argument(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """Add INSTANCE without an option before it: the same as --instance."""
    parser.add_argument(
        "target",
        nargs="*" if several else "?",
        metavar="INSTANCE",
        help="the same as --instance",
    )


def instance_texts(arguments: argparse.Namespace) -> list[str]:
    """Return the instances named, with and without an option; `--symmetrise` is part of each.

    Raises
    ------
    UsageError
        If a command that takes one instance got two, or nothing named is a file to symmetrise.
    """
    option = arguments.instance
    one = option is None or isinstance(option, str)
    texts = [*([option] if isinstance(option, str) else option or [])]
    target = getattr(arguments, "target", None)
    targets = [target] if isinstance(target, str) else [*(target or [])]
    targets += getattr(arguments, "after_values", ())
    if one and option is not None and targets:
        raise UsageError("--instance: this command takes one, got two")
    return symmetrised_texts([*targets, *texts], arguments.symmetrise)


def symmetrised_texts(texts: Sequence[str], symmetrise: bool) -> list[str]:
    """Return the texts, where it is asked for with the mark that symmetrises a file."""
    if not symmetrise:
        return list(texts)
    is_file = [split_file(text) for text in texts]
    if not any(file for file, _ in is_file):
        raise UsageError("--symmetrise: expected a file as the instance; others are symmetric")
    return [
        text if file is None or marked else f"{text}{SYMMETRISE}"
        for text, (file, marked) in zip(texts, is_file, strict=True)
    ]


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
    """Return the instance named."""
    return find_instances([text])[0]


def find_instances(texts: Iterable[str]) -> tuple[Instance, ...]:
    """Return the instances named, if their names are distinct; say what was assumed of each."""
    try:
        instances = parse_instances(texts)
    except (TypeError, ValueError, OverflowError) as error:
        said = str(error)
        whole = said.startswith("instance") or isinstance(error, InstanceFileError)
        raise UsageError(said if whole else f"instance: {said}") from error
    for instance in instances:
        for note in instance.notes:
            said = f"note: {instance.source}: {note}"
            print(filled(said), file=sys.stderr)
    return instances


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
    columns: Sequence[Column] | None = None,
    **more: Any,
) -> list[Path]:
    """Write the rows to OUT as NAME.csv and NAME.json (with `more`); return the paths.

    With --format also as NAME.tex and NAME.md, with these columns, or all that are not empty.
    """
    with writing_out(arguments):
        return [
            save_rows(arguments.out / f"{name}.csv", rows),
            save_rows(arguments.out / f"{name}.json", rows, origin, **more),
            *save_tables(arguments, name, rows, columns),
        ]


def save_tables(
    arguments: argparse.Namespace,
    name: str,
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[Column] | None = None,
    caption: str = "",
) -> list[Path]:
    """Write the rows to OUT as NAME.tex and NAME.md, as far as --format asks; return the paths."""
    if columns is None:
        columns = [
            column
            for column in columns_of(None, rows)
            if any(plain(row.get(column.key)) not in (None, "") for row in rows)
        ]
    paths = []
    with writing_out(arguments):
        for form, ending, table in (
            ("latex", "tex", partial(latex_table, label=f"tab:{name}")),
            ("markdown", "md", markdown_table),
        ):
            if form in arguments.format:
                path = arguments.out / f"{name}.{ending}"
                path.parent.mkdir(parents=True, exist_ok=True)
                text = table(columns, rows, caption=caption or name)
                path.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
                paths.append(path)
    return paths


def save_figure(arguments: argparse.Namespace, figure: Figure, path: Path) -> list[Path]:
    """Write a figure as an SVG file, and with `--format pdf` as a PDF beside it."""
    from ..figures.pdf_files import save_pdf
    from ..figures.svg_files import save_svg

    with writing_out(arguments):
        paths = [save_svg(figure, path)]
        if "pdf" in arguments.format:
            paths.append(save_pdf(figure, path.with_suffix(".pdf")))
    return paths


@contextmanager
def writing_out(arguments: argparse.Namespace) -> Iterator[None]:
    """Turn an error of the file system into a refusal of --out."""
    try:
        yield
    except (OSError, InvalidInput) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        what = f"{arguments.out} cannot be written to: {cause.strerror}"
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
    return filled("Written: " + ", ".join(str(path) for path in paths), indent="")
