"""`lift-compare cost`: what explicit and simulated lifting cost, in seconds and bytes."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

from lift_compare.lifting.forms.choice import FORMS

from ..cost.cases import OPERATORS, CostCase, cost_cases, instance_cases, standard_cases
from ..cost.grid import COLUMNS, METHODS, cost_grid, memory_summary
from ..cost.predicted import COLUMNS as PREDICTED_COLUMNS
from ..cost.predicted import predicted_costs, prediction_summary
from ..cost.scaling import COLUMNS as FIT_COLUMNS
from ..cost.scaling import Scaling, scaling_exponents
from ..figures.cost import cost_bytes, cost_seconds, cost_slices
from ..provenance import provenance
from ..tables import line_width, save_rows, text_table
from .common import (
    UsageError,
    add_common_options,
    add_instance_argument,
    add_instance_option,
    add_memory_limit_option,
    find_instances,
    instance_texts,
    output_folder,
    save,
    save_figure,
    save_tables,
    show,
    written,
)
from .settings import Values, add_order_option, measurements, one_of, size

_PREDICTED_LEGEND = """\
operations: multiplications and additions of one value and gradient; tensor w: bytes of one tensor;
kept: bytes between steps; in all: the peak, which --memory-limit is held against. chosen: the form
that would be taken. A number beyond 63 modes or all memory is a lower bound. Forms that do not
apply are rows of the files, with the reason.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "cost",
        help="seconds and memory of explicit lifting against its simulation",
        description="Measure one step of explicit lifting (each form) against exact and truncated "
        "simulation, each in a fresh process. Without --operator and an instance: a standard grid "
        "on four families of instances. With --predict nothing is run.",
    )
    add_instance_argument(parser, several=True)
    add_instance_option(parser, "a grid of sizes", several=True)
    add = parser.add_argument
    add(
        "--predict",
        action="store_true",
        help="print operations and bytes of each form, order by order, and run nothing",
    )
    add(
        "--quick",
        action="store_true",
        help="a small standard grid, about two minutes (reproduce has it too)",
    )
    families = f"measure this family on the sizes given: {', '.join(OPERATORS)}"
    add("--operator", type=one_of(OPERATORS), help=families)
    add("--n", action=Values, value=size, help="sides (default: 4 8 16)")
    add("--rank", action=Values, value=size, help="ranks r (default: 1)")
    orders = (
        "3, each is measured in processes of its own; of an instance with --predict, where nothing "
        "is run: 3 5 7"
    )
    add_order_option(parser, orders)
    m = "measurements: numbers or multiples such as 2n, n^2"
    add("--m", action=Values, value=measurements, help=m)
    methods = f"some of {', '.join(METHODS)} (default: all)"
    add("--methods", action=Values, value=one_of(METHODS), metavar="METHOD", help=methods)
    forms = f"forms of the explicit side: some of {', '.join(FORMS)} (default: all that apply)"
    add("--forms", action=Values, value=one_of(FORMS), metavar="FORM", help=forms)
    add_memory_limit_option(parser)
    add("--time-limit", type=float, default=60.0, help="seconds that one row may take (60)")
    add("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    add("--repeats", type=int, default=5, help="least number of timed calls (default: 5)")
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure the grid, print the table and the exponents, and write both with figures.

    The exit code is 1 if a row failed.
    """
    out = output_folder(arguments)
    limit = arguments.memory_limit
    cases = _cases(arguments)
    if arguments.predict:
        return _predict(arguments, cases, limit)
    budget = {
        "memory_limit": limit,
        "time_limit": arguments.time_limit,
        "threads": arguments.threads,
        "repeats": arguments.repeats,
    }
    rows = cost_grid(
        cases,
        methods=arguments.methods or METHODS,
        forms=arguments.forms,
        seed=arguments.seed,
        **budget,
    )
    found = scaling_exponents(rows)
    fits = [fit.row() for fit in found]
    origin = provenance(arguments.seed, command="cost", **budget)
    paths = save(arguments, "cost", rows, origin, COLUMNS)
    paths += save_tables(arguments, "cost-scaling", fits, FIT_COLUMNS)
    paths += [save_rows(out / "cost-scaling.json", fits, origin), *_figures(rows, arguments)]
    show(arguments, _text(rows, found) + written(paths), rows, origin, scaling=fits)
    if rows[-1]["status"] == "interrupted":
        print("lift-compare: interrupted; the rows before the last are finished", file=sys.stderr)
        return 130
    return 1 if any(row["status"] == "failed" for row in rows) else 0


def _predict(arguments: argparse.Namespace, cases: list[CostCase], limit: int) -> int:
    """Print what each form would cost; nothing is run."""
    rows = predicted_costs(cases, memory_limit=limit)
    origin = provenance(arguments.seed, command="cost --predict", memory_limit=limit)
    paths = save(arguments, "cost-predicted", rows, origin)
    title = "Predicted cost of one gradient of the lifted objective; nothing was run"
    applying = [row for row in rows if row["status"] != "does not apply"]
    table = text_table(PREDICTED_COLUMNS, applying, title=title)
    words = [_PREDICTED_LEGEND, prediction_summary(rows), written(paths)]
    text = "\n\n".join([table, *(fill(" ".join(each.split()), line_width()) for each in words)])
    show(arguments, text, rows, origin)
    return 0


def _cases(arguments: argparse.Namespace) -> list[CostCase]:
    """Return what the options name: instances, sizes of a family, or a standard grid."""
    given = {name: getattr(arguments, name) for name in ("n", "rank", "order", "m")}
    sizes = {name: value for name, value in given.items() if value is not None}
    texts = instance_texts(arguments)
    chosen = [f"--{name}" for name in ("operator", "quick") if getattr(arguments, name)]
    chosen = ["an instance", *chosen] if texts else chosen
    if len(chosen) > 1:
        raise UsageError(f"{chosen[1]}: it does not go together with {chosen[0]}")
    if texts:
        orders = sizes.pop("order", [3, 5, 7] if arguments.predict else [3])
        if sizes:
            raise UsageError(f"--{next(iter(sizes))}: the instance says it; give it no size")
        find_instances(texts)  # says what was assumed of each
        return instance_cases(texts, orders)
    if arguments.operator:
        return cost_cases(arguments.operator, **{"n": (4, 8, 16), **sizes})
    if sizes:
        what = "expected --operator with it, to say what the sizes are of"
        raise UsageError(f"--{next(iter(sizes))}: {what}")
    return standard_cases(quick=arguments.quick)


def _text(rows: list[dict[str, Any]], fits: list[Scaling]) -> str:
    """Return the table of the rows, those of the exponents, and the memory in one sentence."""
    title = "Cost of one step, and peak bytes of plan and step above the inputs"
    parts = [text_table(COLUMNS, rows, title=title)]
    for operator in dict.fromkeys(fit.operator for fit in fits):
        title = f"Scaling over the large sizes, {operator} (for l: factor per unit)"
        printed = [fit.printed() for fit in fits if fit.operator == operator]
        parts.append(text_table(FIT_COLUMNS, printed, title=title))
    return "\n\n".join([*parts, fill(memory_summary(rows), line_width())]) + "\n\n"


def _figures(rows: list[dict[str, Any]], arguments: argparse.Namespace) -> list[Path]:
    paths = []
    for (operator, axis), members in cost_slices(rows).items():
        label = re.sub(r"[^A-Za-z0-9]+", "-", operator).strip("-")
        for name, draw in (("seconds", cost_seconds), ("bytes", cost_bytes)):
            path = arguments.out / f"cost-{name}-{label}-{axis}.svg"
            paths += save_figure(arguments, draw(members, axis=axis)[0], path)
    return paths
