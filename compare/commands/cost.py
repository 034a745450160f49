"""`lift-compare cost`: what explicit and simulated lifting cost, in seconds and bytes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..cost.cases import OPERATORS, CostCase, cost_cases, instance_cases, standard_cases
from ..cost.grid import COLUMNS, METHODS, cost_grid, memory_summary
from ..cost.scaling import COLUMNS as FIT_COLUMNS
from ..cost.scaling import scaling_exponents
from ..figures.cost import cost_bytes, cost_seconds, cost_slices
from ..provenance import provenance
from ..tables import save_rows, text_table
from .common import (
    UsageError,
    add_common_options,
    add_instance_option,
    byte_count,
    output_folder,
    save,
    save_figure,
    save_tables,
    show,
    written,
)


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "cost",
        help="seconds and memory of explicit lifting against its simulation",
        description="Measure one step of explicit lifting (each form) against exact and truncated "
        "simulation, each in a fresh process. Without --operator and --instance: a standard grid "
        "on four families of instances.",
    )
    add_instance_option(parser, "a grid of sizes", several=True)
    add = parser.add_argument
    add("--quick", action="store_true", help="a small standard grid, in about two minutes")
    add("--operator", choices=OPERATORS, help="measure this family on the sizes given")
    add("--n", type=int, nargs="+", help="sides (default: 4 8 16)")
    add("--rank", type=int, nargs="+", help="ranks r (default: 1)")
    add("--order", type=int, nargs="+", help="lifting orders l, odd (default: 3)")
    add("--m", nargs="+", help="measurements: numbers or multiples such as 2n, n^2")
    add("--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all")
    add("--forms", nargs="+", help="forms of the explicit side (default: all that apply)")
    add(
        "--memory-limit",
        type=byte_count,
        default=2_000_000_000,
        metavar="BYTES",
        help="byte budget of the explicit side (default: 2,000,000,000)",
    )
    add("--time-limit", type=float, default=60.0, help="seconds that one row may take (60)")
    add("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    add("--repeats", type=int, default=5, help="least number of timed calls (default: 5)")
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure the grid, print the table and the exponents, and write both with figures."""
    out = output_folder(arguments)
    limit = arguments.memory_limit
    if not 1 <= limit < float("inf"):
        raise UsageError(f"--memory-limit: expected a number of bytes >= 1, got {limit:g}")
    cases = _cases(arguments)
    budget = {
        "memory_limit": int(limit),
        "time_limit": arguments.time_limit,
        "threads": arguments.threads,
        "repeats": arguments.repeats,
    }
    rows = cost_grid(
        cases, methods=arguments.methods, forms=arguments.forms, seed=arguments.seed, **budget
    )
    fits = [fit.row() for fit in scaling_exponents(rows)]
    origin = provenance(arguments.seed, command="cost", **budget)
    paths = save(arguments, "cost", rows, origin, COLUMNS)
    paths += save_tables(arguments, "cost-scaling", fits, FIT_COLUMNS)
    paths += [save_rows(out / "cost-scaling.json", fits, origin), *_figures(rows, arguments)]
    show(arguments, _text(rows, fits) + written(paths), rows, origin, scaling=fits)
    if rows[-1]["status"] == "interrupted":
        print("lift-compare: interrupted; the rows before the last are finished", file=sys.stderr)
        return 130
    return 0


def _cases(arguments: argparse.Namespace) -> list[CostCase]:
    """Return what the options name: instances, sizes of a family, or a standard grid."""
    given = {name: getattr(arguments, name) for name in ("n", "rank", "order", "m")}
    sizes = {name: value for name, value in given.items() if value is not None}
    chosen = [name for name in ("instance", "operator", "quick") if getattr(arguments, name)]
    if len(chosen) > 1:
        raise UsageError(f"--{chosen[1]}: it does not go together with --{chosen[0]}")
    if arguments.instance:
        orders = sizes.pop("order", [3])
        if sizes:
            raise UsageError(f"--{next(iter(sizes))}: the instance says it; give it no size")
        return instance_cases(arguments.instance, orders)
    if arguments.operator:
        return cost_cases(arguments.operator, **{"n": (4, 8, 16), **sizes})
    if sizes:
        what = "expected --operator with it, to say what the sizes are of"
        raise UsageError(f"--{next(iter(sizes))}: {what}")
    return standard_cases(quick=arguments.quick)


def _text(rows: list[dict[str, Any]], fits: list[dict[str, Any]]) -> str:
    """Return the table of the rows, that of the exponents, and the memory in one sentence."""
    title = "Cost of one step, and peak bytes of plan and step above the inputs"
    text = text_table(COLUMNS, rows, title=title)
    if fits:
        title = "Scaling over the large sizes (for l: factor per unit)"
        text += "\n\n" + text_table(FIT_COLUMNS, fits, title=title)
    return f"{text}\n\n{memory_summary(rows)}\n\n"


def _figures(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> list[Path]:
    paths = []
    for (operator, axis), members in cost_slices(rows).items():
        for name, draw in (("seconds", cost_seconds), ("bytes", cost_bytes)):
            path = arguments.out / f"cost-{name}-{operator}-{axis}.svg"
            paths += save_figure(arguments, draw(members, axis=axis)[0], path)
    return paths
