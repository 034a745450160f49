"""`lift-compare sweep`: evaluate the grid of a TOML file into a store that survives anything."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lift_compare.sensing.validation import did_you_mean, whole_number

from ..provenance import provenance
from ..sweeps.export import flat
from ..sweeps.limits import LIMITS, Limits
from ..sweeps.rows import Status
from ..sweeps.run import SweepReport, run_sweep
from ..sweeps.store import StoreError
from ..sweeps.summary import (
    is_number,
    main_result,
    shown_columns,
    shown_settings,
    sweep_caption,
    sweep_table,
)
from ..sweeps.sweep import Sweep
from ..tables import Column, filled, rows_text, text_table
from .common import (
    UsageError,
    add_common_options,
    add_instance_argument,
    add_instance_option,
    byte_count,
    find_instance,
    instance_texts,
    output_folder,
    save_figure,
    save_tables,
    show,
    written,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINES = 8  # with more values of a second setting a map is drawn
_TITLE = 60  # characters that fit above a figure
_REASONS = 3  # of failed rows that are told on the terminal
_GRIDS = resources.files("lift_compare.compare.sweeps").joinpath("grids")


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "sweep",
        help="run an ablation from a TOML file, resumably",
        description="Evaluate what the store does not hold yet, print all rows of the sweep, and "
        "draw them where one or two settings vary, or several one at a time. --json prints JSON "
        "lines: one object a row. Run it again after any interruption: it goes on where it was.",
        epilog=f"Shipped grids: {', '.join(grid_names())}. The file format: docs/sweeps.md.",
    )
    add = parser.add_argument
    add(
        "file",
        nargs="?",
        metavar="FILE.toml",
        help="the sweep, or the name of a shipped grid; without it the shipped grids are listed",
    )
    add("--store", metavar="FILE", help="SQLite file of the results (default: OUT/<name>.sqlite)")
    add(
        "--time-limit", type=float, metavar="SECONDS", help="of one row (default: that of the file)"
    )
    add(
        "--memory-limit",
        type=byte_count,
        metavar="BYTES",
        help="that one row may allocate, on Linux (default: that of the file)",
    )
    add("--jobs", type=int, help="number of worker processes (default: the number of cores)")
    add("--retry-failed", action="store_true", help="run failed and refused evaluations again")
    add_instance_argument(parser)
    more = "for several, name them in the file: instance = [...] under [grid]"
    add_instance_option(parser, "those in the file", why_one=more)
    add_common_options(parser, seed=None)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check everything, then evaluate, then print; 1 if an evaluation failed."""
    if arguments.file is None:
        return _list(arguments)
    store = _store(arguments)
    path = grid_path(arguments.file)
    own = next(iter(instance_texts(arguments)), None)
    if own is not None:
        find_instance(own)  # refused by its own name, not by that of the file
    sweep = Sweep.from_toml(path, instance=own)
    if arguments.seed is not None:
        if "seed" in sweep.varied:
            raise UsageError("--seed: the sweep varies the seed itself")
        sweep = sweep.with_fixed(seed=arguments.seed)
    jobs = None if arguments.jobs is None else whole_number("--jobs", arguments.jobs)
    limits = _limits(arguments)
    store = store or arguments.out / f"{path.stem}.sqlite"
    try:
        report = run_sweep(sweep, store, jobs=jobs, retry_failed=arguments.retry_failed, **limits)
    except StoreError as error:
        option = "--out" if arguments.store is None else "--store"
        raise UsageError(f"{option}: {str(error).removeprefix('store: ')}") from error
    except KeyboardInterrupt:
        what = f"what is finished is in {store}; the same command goes on from there"
        print(filled(f"lift-compare: {what}"), file=sys.stderr)
        raise
    rows = [flat(row) for row in report.rows]
    if arguments.json or arguments.csv:
        sys.stdout.write(rows_text("jsonl" if arguments.json else "csv", rows))
    else:
        print(sweep_table(sweep, rows))
    paths = _written(arguments, sweep, report, rows, path.stem)
    print(filled(f"{report!r}; all rows are in {store}"), file=sys.stderr)
    print(paths, file=sys.stderr)
    failed = report.count(Status.FAILED)
    if failed:
        print(filled(f"lift-compare: {_failures(report)}"), file=sys.stderr)
    return 1 if failed else 0


def _store(arguments: argparse.Namespace) -> Path | None:
    """Return --store, or None if it is to lie in --out; UsageError if it cannot be what it is."""
    output_folder(arguments)
    if arguments.store is None:
        return None
    if arguments.store.endswith(("/", os.sep)):
        raise UsageError(f"--store: expected a file, got the folder {arguments.store}")
    return Path(arguments.store)


def _limits(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the limits that were given; UsageError for one out of its range."""
    given = {name: getattr(arguments, name) for name in LIMITS}
    try:
        return Limits.of(given).model_dump()
    except (TypeError, ValueError) as error:
        name, _, what = str(error).partition(":")
        raise UsageError(f"--{name.replace('_', '-')}:{what}") from error


def _failures(report: SweepReport) -> str:
    """Return how many rows failed, and why."""
    reasons = Counter(row.error for row in report.rows if row.status is Status.FAILED)
    said = [f"{reason} (rows: {count})" for reason, count in reasons.most_common(_REASONS)]
    if len(reasons) > _REASONS:
        said.append(f"and {len(reasons) - _REASONS} other reasons, in the rows")
    return f"{reasons.total()} of {len(report.rows)} rows failed: {'; '.join(said)}"


def _written(
    arguments: argparse.Namespace,
    sweep: Sweep,
    report: SweepReport,
    rows: list[dict[str, Any]],
    name: str,
) -> str:
    """Draw the rows and write the tables that --format asks for; return what was written."""
    label = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    label = label if re.match("[A-Za-z]", label) else f"sweep-{label}".strip("-")
    paths, why = [], ""
    try:
        figure = _drawn(sweep, report, rows)
        paths = save_figure(arguments, figure, arguments.out / f"{label}.svg")
    except _NoFigure as reason:
        why = str(reason)
    paths += save_tables(
        arguments, label, rows, shown_columns(sweep, rows), caption=sweep_caption(sweep, rows)
    )
    said = [written(paths)] if paths else []
    return "\n".join([*said, *([filled(f"No figure: {why}")] if why else [])])


class _NoFigure(Exception):  # noqa: N818
    """Why nothing is drawn."""


def _drawn(sweep: Sweep, report: SweepReport, rows: list[dict[str, Any]]) -> Figure:
    """Draw the main result over one or two settings that vary, or over several one at a time."""
    y = main_result(sweep, rows)
    if y is None:
        raise _NoFigure("no row has a result that is a number")
    if len(rows) > 1 and len({row.get(y) for row in rows}) == 1:
        stops = {str(row["stop"]) for row in rows if row.get("stop")}
        why = f": {stops.pop()}" if len(stops) == 1 else ""
        raise _NoFigure(f"every result is the same in all rows{why}")
    from ..figures.sweep import sweep_figure, sweep_panels

    keys = [row.task.key for row in report.rows]
    parts = {
        name: [row for key, row in zip(keys, rows, strict=True) if key in members]
        for name, members in sweep.one_at_a_time.items()
    }
    if len(parts) > 1:
        return sweep_panels(parts, y)[0]
    names = shown_settings(sweep, rows)
    numbers = [name for name in names if all(is_number(row[name]) for row in rows)]
    if len(names) > 2 or not numbers:
        more = "compare.figures.sweep_figure draws any rows"
        raise _NoFigure(
            "it needs one or two settings that vary, one of them a number, or several that vary "
            f"one at a time; {more}"
        )
    x = numbers[0]
    by = next((name for name in names if name != x), None)
    many = by in numbers and len({row[by] for row in rows if by is not None}) > _LINES
    kind = "map" if many else "lines"
    title = sweep.description if len(sweep.description) <= _TITLE else sweep.definition.name
    return sweep_figure(rows, x, y, by=by, kind=kind, title=title)[0]


def _list(arguments: argparse.Namespace) -> int:
    """Print the shipped grids, a line each."""
    rows = []
    for name in grid_names():
        settings = tomllib.loads(grid_path(name).read_text(encoding="utf-8"))
        what = {"evaluation": settings["evaluation"], "description": settings["description"]}
        rows.append({"name": name, **what})
    columns = [Column("name", "grid"), Column("evaluation", "evaluation")]
    columns.append(Column("description", "what"))
    text = text_table(columns, rows, title="Shipped grids")
    usage = "Run one: lift-compare sweep NAME; one of your own: lift-compare sweep FILE.toml"
    save_tables(arguments, "grids", rows, columns)
    show(arguments, f"{text}\n\n{usage} (docs/sweeps.md).", rows, provenance(None))
    return 0


def grid_names() -> list[str]:
    """Return the names of the shipped grids."""
    files = [entry.name for entry in _GRIDS.iterdir()]
    return sorted(name.removesuffix(".toml") for name in files if name.endswith(".toml"))


def grid_path(name: str) -> Path:
    """Return the path of a TOML file, or of a shipped grid by its name."""
    if Path(name).exists():
        return Path(name)
    if name not in grid_names():
        shipped = ", ".join(grid_names())
        close = did_you_mean(name, grid_names())
        raise UsageError(
            f"FILE.toml: expected a file, or one of {shipped}, got {name!r:.200}{close}"
        )
    return Path(str(_GRIDS.joinpath(f"{name}.toml")))
