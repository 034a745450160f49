"""`lift-compare sweep`: evaluate the grid of a TOML file into a store that survives any interruption."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from lift_compare.sensing.validation import whole_number

from ..export import flat, write_csv_rows, write_json_lines
from ..rows import Status
from ..sweep import Sweep
from ..sweep_run import SweepReport, run_sweep
from ..tables import Column, text_table
from .common import UsageError, add_common_options


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    shipped = ", ".join(grid_names())
    parser = subparsers.add_parser(
        "sweep",
        help="run an ablation from a TOML file, resumably",
        description="Evaluate what the store does not hold yet, and print all rows of the sweep. "
        "Run it again after any interruption: it goes on where it was.",
        epilog=f"Shipped grids: {shipped}. The file format: docs/sweeps.md.",
    )
    parser.add_argument(
        "file", metavar="FILE.toml", help="the sweep, or the name of a shipped grid"
    )
    parser.add_argument(
        "--store",
        type=Path,
        help="SQLite file of the results (default: OUT/<name of the sweep>.sqlite)",
    )
    parser.add_argument(
        "--jobs", type=int, help="number of worker processes (default: the number of cores)"
    )
    parser.add_argument(
        "--retry-failed", action="store_true", help="run failed and refused evaluations again"
    )
    add_common_options(parser)
    parser.set_defaults(run=run, seed=None)


def run(arguments: argparse.Namespace) -> int:
    """Check everything, then evaluate, then print."""
    path = grid_path(arguments.file)
    sweep = Sweep.from_toml(path)
    if arguments.seed is not None:
        sweep = seeded(sweep, arguments.seed)
    jobs = None if arguments.jobs is None else whole_number("--jobs", arguments.jobs)
    store = arguments.store or arguments.out / f"{path.stem}.sqlite"
    try:
        report = run_sweep(sweep, store, jobs=jobs, retry_failed=arguments.retry_failed)
    except KeyboardInterrupt:
        print(
            f"lift-compare: what is finished is in {store}; the same command goes on from there",
            file=sys.stderr,
        )
        raise
    rows = [flat(row) for row in report.rows]
    if arguments.json:
        write_json_lines(rows, sys.stdout)
    elif arguments.csv:
        write_csv_rows(rows, sys.stdout)
    else:
        print(table(sweep, report, rows))
    print(f"{report!r}; all rows are in {store}", file=sys.stderr)
    return 0


def table(sweep: Sweep, report: SweepReport, rows: list[dict[str, Any]]) -> str:
    """Return the rows as text: what varies, what matters in the results, and what went wrong."""
    columns = [
        Column(name, name, ".6g") for name in (*sweep.varied, "status", *sweep.definition.columns)
    ]
    if report.count(Status.DONE) < len(report.rows):
        columns.append(Column("error", "error"))
    columns.append(Column("seconds", "time", "seconds"))
    return text_table(columns, rows, title=sweep.description or repr(sweep))


def seeded(sweep: Sweep, seed: int) -> Sweep:
    """Return the sweep with its seed replaced."""
    if "seed" in sweep.varied:
        raise UsageError("--seed: the sweep varies the seed itself")
    return replace(sweep, fixed={**sweep.fixed, "seed": seed})


def grid_names() -> list[str]:
    """Return the names of the shipped grids."""
    grids = resources.files("lift_compare.compare").joinpath("grids")
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in grids.iterdir()
        if entry.name.endswith(".toml")
    )


def grid_path(name: str) -> Path:
    """Return the path of a TOML file, or of a shipped grid by its name."""
    if name in grid_names() and not Path(name).exists():
        return Path(str(resources.files("lift_compare.compare").joinpath("grids", f"{name}.toml")))
    return Path(name)
