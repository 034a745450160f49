"""`lift-compare directions`: the main job, explicit against simulated lifting on the published instances."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from lift_compare import simulated

from ..directions import DirectionComparison
from ..figures.paths import coefficient_paths, lifted_objective, step_cost
from ..figures.style import save_svg
from ..provenance import provenance
from ..published import PUBLISHED
from ..published_comparison import MEMORY_LIMIT, ORDERS, PublishedComparison, compare_published
from ..tables import write_csv, write_json
from .common import add_common_options, output_folder, print_rows

_NOTES = """\
explicit: projected gradient descent on tensors; exact: the same descent from small Gram matrices; truncated: the
published closed form. All start at vec(X̂)^l + ρ b, b = vec(u_n q_rᵀ)^l, with gradient steps η/2 (the η of the truncated
form is twice the step). "T" rows: simulations run on to the published T, which the explicit side cannot pay for; other
orders than the published one stop the exact simulation at 20,000 steps. Errors are relative; – : not computed."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "directions",
        help="compare explicit and simulated lifting on the published instances (the default)",
        description="Compare explicit and simulated lifting on the published instances, order by order.",
    )
    add_common_options(parser)
    parser.add_argument(
        "--instance",
        action="append",
        choices=list(PUBLISHED),
        help="instance; may be repeated (default: all three)",
    )
    parser.add_argument(
        "--orders",
        type=int,
        nargs="+",
        default=list(ORDERS),
        help=f"odd lifting orders (default: {ORDERS})",
    )
    parser.add_argument(
        "--memory-limit", type=int, default=MEMORY_LIMIT, metavar="BYTES",
        help=f"byte budget of the explicit side (default: {MEMORY_LIMIT:,})",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the main job; 1 if explicit and exactly simulated descent disagree anywhere."""
    out = output_folder(arguments)
    result = compare_published(
        instances=arguments.instance or list(PUBLISHED),
        orders=arguments.orders,
        memory_limit=arguments.memory_limit,
        seed=arguments.seed,
    )
    where = provenance(arguments.seed, command="directions", memory_limit=arguments.memory_limit)
    written = [
        write_csv(out / "directions.csv", result.rows),
        write_json(out / "directions.json", result.rows, where | {"findings": result.findings}),
        *_figures(result, out),
    ]
    if not print_rows(arguments, result.rows, where, findings=result.findings):
        print(result.table())
        print("\n" + _NOTES)
        print("\nWhat the exact computation says about the published settings")
        for finding in result.findings:
            print(f"- {finding}")
        print(
            f"\nExplicit and exactly simulated descent {'agree' if result.agree else 'DISAGREE'} (bar: 1e-10 relative)."
        )
        versions = ", ".join(f"{name} {version}" for name, version in where["versions"].items())
        print(
            f"{versions}; {where['machine']['processor']}, {where['machine']['cores']} cores; seed {arguments.seed}."
        )
        print("Written: " + ", ".join(str(path) for path in written))
    if result.interrupted:
        print("lift-compare: interrupted; these are the rows that were finished", file=sys.stderr)
        return 130
    return 0 if result.agree else 1


def _figures(result: PublishedComparison, out: Any) -> list[Any]:
    """Draw the paths of each instance at its published order (or the highest that was run), and the cost."""
    written = []
    for name in dict.fromkeys(name for name, _ in result.comparisons):
        orders = [order for other, order in result.comparisons if other == name]
        order = PUBLISHED[name].order if PUBLISHED[name].order in orders else max(orders)
        comparison = result.comparisons[name, order]
        span = _span(name, comparison)
        for kind, figure in (
            ("objective", lifted_objective(comparison, span, name=name)[0]),
            ("coefficients", coefficient_paths(comparison, name=name)[0]),
        ):
            written.append(save_svg(figure, out / f"{name}-{kind}.svg"))
    if result.comparisons:
        written.append(save_svg(step_cost(result.rows)[0], out / "step-cost.svg"))
    return written


def _span(name: str, comparison: DirectionComparison) -> simulated.SpanObjective:
    return simulated.SpanObjective(
        PUBLISHED[name].build(), comparison.directions.generators, comparison.order
    )
