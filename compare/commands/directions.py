"""`lift-compare directions`: the main job, explicit against simulated lifting on instances."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

from lift_compare.sensing.instances.published import PUBLISHED

from ..figures.paths import coefficient_paths, lifted_objective, step_cost
from ..provenance import provenance
from ..published.comparison import (
    MEMORY_LIMIT,
    ORDERS,
    InstanceComparison,
    compare_instances,
)
from ..simulated_lift import order_of
from .common import (
    add_common_options,
    add_instance_option,
    byte_count,
    find_instances,
    output_folder,
    save,
    save_figure,
    show,
    written,
)

_NOTES = """\
explicit: projected gradient descent on tensors; exact: the same descent from small Gram matrices;
truncated: the published closed form. All start at vec(X̂)^l + ρ v̂ with v̂ = vec(u_n q_rᵀ)^l, the
visible direction, and take gradient steps η/2 (the η of the truncated form is twice the step).
V*: the rank-one power of least curvature at vec(X̂)^l; oracle direction: the tensor of least
curvature there. Leakage: the share of ‖∇h^l‖² outside the span S of base, visible and hidden.
"T" rows: simulations run on to the T of the settings, which the explicit side cannot pay for;
other orders than the starred one stop the exact simulation at 20,000 steps. Errors are relative;
– : not computed."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "directions",
        help="compare explicit and simulated lifting on instances (the default)",
        description="Compare explicit and simulated lifting on instances, order by order.",
    )
    add_common_options(parser)
    add_instance_option(parser, "the three published ones", several=True)
    parser.add_argument(
        "--orders",
        type=int,
        nargs="+",
        default=list(ORDERS),
        help=f"odd lifting orders, beside that of the instance's settings (default: {ORDERS})",
    )
    parser.add_argument(
        "--memory-limit",
        type=byte_count,
        default=MEMORY_LIMIT,
        metavar="BYTES",
        help=f"byte budget of the explicit side (default: {MEMORY_LIMIT:,})",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the main job.

    The exit code is 1 if explicit and exactly simulated descent disagree anywhere, else 4 if both
    diverge somewhere.
    """
    output_folder(arguments)
    result = compare_instances(
        find_instances(arguments.instance or PUBLISHED),
        orders=arguments.orders,
        memory_limit=arguments.memory_limit,
        seed=arguments.seed,
    )
    origin = provenance(arguments.seed, command="directions", memory_limit=arguments.memory_limit)
    origin["interrupted"] = result.interrupted
    paths = save(arguments, "directions", result.rows, origin | {"findings": result.findings})
    paths += _figures(result, arguments)
    show(
        arguments,
        _text(result, origin) + "\n" + written(paths),
        result.rows,
        origin,
        findings=result.findings,
    )
    if result.interrupted:
        print("lift-compare: interrupted; these are the rows that were finished", file=sys.stderr)
        return 130
    if not result.agree:
        return 1
    return 4 if result.diverged else 0


def _text(result: InstanceComparison, origin: dict[str, Any]) -> str:
    """Return the table, what its words mean, the findings, and where it was computed."""
    verdict = "agree" if result.agree else "DISAGREE"
    unfinished = (
        "\nInterrupted: these are the rows that were finished." if result.interrupted else ""
    )
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    machine = origin["machine"]
    return "\n".join(
        [
            result.table(),
            f"\n{_NOTES}",
            "\nWhat the exact computation says about these settings",
            *(fill(f"- {finding}", 100, subsequent_indent="  ") for finding in result.findings),
            f"\nExplicit and exactly simulated descent {verdict} (bar: 1e-10 relative).",
            *(f"Both diverge, and agree until then: {where}." for where in result.diverged),
            fill(
                f"{versions}; {machine['processor']}, {machine['cores']} cores; "
                f"seed {origin['seed']}.",
                100,
            )
            + unfinished,
        ]
    )


def _figures(result: InstanceComparison, arguments: argparse.Namespace) -> list[Path]:
    """Draw the paths of each instance at its order (or the highest that was run), and the cost."""
    paths: list[Path] = []
    out = arguments.out
    for instance in result.instances:
        orders = [order for name, order in result.comparisons if name == instance.name]
        if not orders:
            continue
        own = order_of(instance)
        comparison = result.comparisons[instance.name, own if own in orders else max(orders)]
        for kind, draw in (("objective", lifted_objective), ("coefficients", coefficient_paths)):
            figure, _ = draw(comparison, name=instance.name)
            paths += save_figure(arguments, figure, out / f"{instance.label}-{kind}.svg")
    if result.comparisons:
        paths += save_figure(arguments, step_cost(result.rows)[0], out / "step-cost.svg")
    return paths
