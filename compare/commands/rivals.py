"""`lift-compare rivals`: what solves an instance at which cost, ours and others' side by side."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from lift_compare.sensing.validation import positive, whole_number

from ..provenance import provenance
from ..rivals.registry import RIVALS, find_rival
from ..sweeps.rival_grids import FAST, GRIDS, RivalGrid
from ..sweeps.rival_runs import BUDGET
from ..sweeps.rivals import RivalReport, run_grid
from ..sweeps.store import StoreError
from ..tables import filled
from .common import (
    UsageError,
    add_instance_argument,
    add_instance_option,
    add_output_options,
    find_instances,
    instance_texts,
    output_folder,
    save,
    save_figure,
    show,
    written,
)
from .settings import one_of


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "rivals",
        help="run other ways to solve an instance beside ours: success, cost a success",
        description="Run every rival on every instance, from the same starts and with the same "
        "budget, and print who solves it at which cost. Rows are kept in a store: run it again "
        "after any interruption.",
        epilog="Rivals: " + "; ".join(f"{r.name}: {r.summary}" for r in RIVALS.values()),
    )
    add = parser.add_argument
    add_instance_argument(parser, several=True)
    add_instance_option(parser, "those of the grid", several=True)
    add(
        "--rival",
        action="append",
        metavar="RIVAL",
        help="a name, or a file of your own that ends in .py (docs/rivals.md); may be repeated; "
        f"default: {', '.join(FAST)}",
    )
    grids = f"a grid that ships: {', '.join(GRIDS)} (default: quick)"
    add("--grid", type=one_of(GRIDS), help=grids)
    add("--runs", type=int, default=20, help="starts of each instance (default: 20)")
    starts = "from where: random, or point, which is X̂ (default: random)"
    add("--start", type=one_of(("random", "point")), default="random", help=starts)
    add("--gradients", type=float, default=BUDGET, help=f"budget of one run (default: {BUDGET:g})")
    add("--store", metavar="FILE", help="SQLite file of the runs (default: OUT/rivals.sqlite)")
    add("--jobs", type=int, help="number of worker processes (default: the number of cores)")
    add("--time-limit", type=float, metavar="SECONDS", help="of one run")
    add_output_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check everything, then run, then print; 1 if a run failed."""
    parts = _parts(arguments)
    folder = output_folder(arguments)
    store = Path(arguments.store) if arguments.store else folder / "rivals.sqlite"
    jobs = None if arguments.jobs is None else whole_number("--jobs", arguments.jobs)
    gradients = positive("--gradients", arguments.gradients)
    limit = arguments.time_limit
    limit = None if limit is None else positive("--time-limit", limit)
    try:
        report = run_grid(parts, store, gradients=gradients, jobs=jobs, time_limit=limit)
    except StoreError as error:
        option = "--out" if arguments.store is None else "--store"
        raise UsageError(f"{option}: {str(error).removeprefix('store: ')}") from error
    except KeyboardInterrupt:
        what = f"what is finished is in {store}; the same command goes on from there"
        print(filled(f"lift-compare: {what}"), file=sys.stderr)
        raise
    origin = provenance(None, gradients=gradients)
    paths = save(arguments, "rivals", report.cells, origin, report._columns)
    paths += _drawn(report, arguments)
    show(arguments, report.table(), report.cells, origin)
    print(filled(f"{written(paths)}; runs: {store}", ""), file=sys.stderr)
    failed = [row for row in report.rows if row["status"] == "failed"]
    if failed:
        said = f"{len(failed)} of {len(report.rows)} runs failed, such as {failed[0]['rival']}"
        print(filled(f"lift-compare: {said}: {failed[0]['error']}"), file=sys.stderr)
    return 1 if failed else 0


def _parts(arguments: argparse.Namespace) -> tuple[RivalGrid, ...]:
    """Return what to run: a grid, or the instances and rivals given."""
    runs = whole_number("--runs", arguments.runs)
    rivals = tuple(dict.fromkeys(arguments.rival or FAST))
    for name in rivals:
        find_rival(name)
    names = tuple(dict.fromkeys(instance_texts(arguments)))
    if not names:
        if arguments.rival and arguments.grid:
            raise UsageError("--rival: a grid has its own rivals; name an --instance with it")
        parts = GRIDS[arguments.grid or "quick"]
        if not arguments.rival:
            return parts
        return tuple(RivalGrid(p.instances, rivals, p.runs, p.start) for p in parts)
    if arguments.grid:
        raise UsageError("--grid: a grid has its own instances; leave out one of the two")
    find_instances(names)
    return (RivalGrid(names, rivals, runs, arguments.start),)


def _drawn(report: RivalReport, arguments: argparse.Namespace) -> list[Path]:
    """Draw the performance profile and success against m/n, where there is something to draw."""
    from .. import figures

    paths: list[Path] = []
    folder = arguments.out
    costs = report.costs()
    if len(costs) > 1:
        figure, _ = figures.performance_profile(costs, title="Cost in gradients of h")
        paths += save_figure(arguments, figure, folder / "rivals-profile.svg")
    families = [cell for cell in report.cells if cell["instance"].startswith("gaussian:")]
    if len({cell["m"] for cell in families}) > 1:
        figure, _ = figures.rival_success(families)
        paths += save_figure(arguments, figure, folder / "rivals-success.svg")
    return paths
