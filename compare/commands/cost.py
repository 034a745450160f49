"""`lift-compare cost`: what explicit and simulated lifting cost, in seconds and bytes, over a grid of sizes."""

from __future__ import annotations

import argparse
from typing import Any

from ..cost import COLUMNS, METHODS, cost_cases, cost_grid, memory_summary, standard_cases
from ..figures.cost import cost_bytes, cost_seconds, cost_slices
from ..figures.style import save_svg
from ..provenance import provenance
from ..scaling import COLUMNS as FIT_COLUMNS
from ..scaling import scaling_exponents
from ..tables import text_table, write_csv, write_json
from ..workloads import OPERATORS
from .common import UsageError, add_common_options, output_folder, print_rows


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "cost",
        help="seconds and memory of explicit lifting against its simulation",
        description="Measure one step of explicit lifting (each form) against exact and truncated simulation, "
        "each in a fresh process. Without --operator: a standard grid on four kinds of operator.",
    )
    parser.add_argument(
        "--quick", action="store_true", help="a small standard grid, in well under a minute"
    )
    parser.add_argument(
        "--operator", choices=OPERATORS, help="measure this kind of operator on the sizes given"
    )
    parser.add_argument("--n", type=int, nargs="+", help="sides (default: 4 8 16)")
    parser.add_argument("--rank", type=int, nargs="+", help="ranks r (default: 1)")
    parser.add_argument("--order", type=int, nargs="+", help="lifting orders l, odd (default: 3)")
    parser.add_argument("--m", nargs="+", help="measurements: numbers or multiples such as 2n, n^2")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(METHODS), help="default: all"
    )
    parser.add_argument(
        "--forms", nargs="+", help="forms of the explicit side (default: all that apply)"
    )
    parser.add_argument(
        "--memory-limit",
        type=float,
        default=2e9,
        help="byte budget of the explicit side (default: 2e9)",
    )
    parser.add_argument(
        "--time-limit", type=float, default=60.0, help="seconds that one row may take (default: 60)"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads of BLAS (default: 1)")
    parser.add_argument(
        "--repeats", type=int, default=5, help="least number of timed calls (default: 5)"
    )
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure the grid, print the table and the exponents, and write both with figures."""
    out = output_folder(arguments)
    if not 1 <= arguments.memory_limit < float("inf"):
        raise UsageError(
            f"--memory-limit: expected a number of bytes >= 1, got {arguments.memory_limit:g}"
        )
    sizes = {
        name: value
        for name in ("n", "rank", "order", "m")
        if (value := getattr(arguments, name)) is not None
    }
    if arguments.operator:
        if arguments.quick:
            raise UsageError("--quick: it is a standard grid and takes no --operator")
        cases = cost_cases(arguments.operator, **{"n": (4, 8, 16), **sizes})
    elif sizes:
        raise UsageError(
            f"--{next(iter(sizes))}: expected --operator with it, to say what the sizes are of"
        )
    else:
        cases = standard_cases(quick=arguments.quick)
    settings = {
        "memory_limit": int(arguments.memory_limit),
        "time_limit": arguments.time_limit,
        "threads": arguments.threads,
        "repeats": arguments.repeats,
    }
    rows = cost_grid(
        cases, methods=arguments.methods, forms=arguments.forms, seed=arguments.seed, **settings
    )
    fits = [fit.row() for fit in scaling_exponents(rows)]
    origin = provenance(arguments.seed, command="cost", **settings)
    written = [
        write_csv(out / "cost.csv", rows),
        write_json(out / "cost.json", rows, origin),
        write_json(out / "cost-scaling.json", fits, origin),
    ]
    for (operator, axis), members in cost_slices(rows).items():
        for name, draw in (("seconds", cost_seconds), ("bytes", cost_bytes)):
            written.append(
                save_svg(draw(members, axis=axis)[0], out / f"cost-{name}-{operator}-{axis}.svg")
            )

    if not print_rows(arguments, rows, origin, scaling=fits):
        print(
            text_table(
                COLUMNS,
                rows,
                title="Cost of one step, and peak bytes of plan and step above the inputs",
            )
        )
        if fits:
            print(
                "\n"
                + text_table(
                    FIT_COLUMNS, fits, title="Scaling over the large sizes (for l: factor per unit)"
                )
            )
        print("\n" + memory_summary(rows))
        print("\nWritten: " + ", ".join(str(path) for path in written))
    return 130 if any(row["status"] == "interrupted" for row in rows) else 0
