"""`lift-compare directions`: the main job, explicit against simulated lifting on instances."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from tqdm import tqdm

from lift_compare.sensing.instances.published import PUBLISHED

from ..agreement.progress import DELAY
from ..figures.paths import coefficient_paths, lifted_objective, step_cost
from ..provenance import provenance
from ..published.answer import DIVERGED_AT_ONCE, NOTES
from ..published.comparison import ORDERS, InstanceComparison, compare_instances
from ..simulated_lift import DEFAULT_STEPS
from ..tables import filled
from .common import (
    add_common_options,
    add_instance_argument,
    add_instance_option,
    add_memory_limit_option,
    find_instances,
    instance_texts,
    output_folder,
    save,
    save_figure,
    show,
    written,
)
from .settings import add_order_option, add_settings_options, given_settings


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "directions",
        help="compare explicit and simulated lifting on instances (the default)",
        description="Compare explicit and simulated lifting on instances, order by order.",
    )
    add_common_options(parser)
    add_instance_argument(parser, several=True)
    add_instance_option(parser, "the three published ones", several=True)
    add_order_option(parser, f"{' '.join(map(str, ORDERS))}; that of its settings is always run")
    own = "that of the instance's settings, else"
    add_settings_options(
        parser,
        rho=f"{own} ρ ‖v̂‖ = 0.1 ‖ŵ‖",
        eta=f"{own} one with which h^l falls at every step",
        steps=f"{own} {DEFAULT_STEPS}, of which the explicit side makes as many as a fixed amount "
        "of work buys: 5 to 200; given, both sides make all of them",
    )
    parser.add_argument("--full", action="store_true", help="print every quantity, and the numbers")
    add_memory_limit_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the main job.

    The exit code is 1 if explicit and exactly simulated descent disagree anywhere, else 4 if both
    diverge somewhere.
    """
    output_folder(arguments)
    given = given_settings(arguments)
    result = compare_instances(
        find_instances(instance_texts(arguments) or PUBLISHED),
        orders=arguments.order or ORDERS,
        memory_limit=arguments.memory_limit,
        seed=arguments.seed,
        **given,
    )
    used = {"memory_limit": arguments.memory_limit, "given": given}
    origin = provenance(arguments.seed, command="directions", **used)
    origin["interrupted"] = result.interrupted
    said = [finding.row() for finding in result.findings]
    paths = save(arguments, "directions", result.rows, origin, findings=said)
    paths += _figures(result, arguments)
    text = _text(result, origin, full=arguments.full) + "\n" + written(paths)
    show(arguments, text, result.rows, origin, findings=said)
    if result.interrupted:
        print("lift-compare: interrupted; these are the rows that were finished", file=sys.stderr)
        return 130
    if not result.agree:
        return 1
    return 4 if result.diverged else 0


def _text(result: InstanceComparison, origin: dict[str, Any], *, full: bool) -> str:
    """Return the verdict, the answers with their tables, the words, and where it was computed."""
    ran = result.comparisons
    moved = [each for each in ran.values() if each.diverged_at != 1 or not each.agree]
    made = sorted({comparison.steps for comparison in moved})
    over = " to ".join(f"{steps:,}" for steps in dict.fromkeys((*made[:1], *made[-1:])))
    verdict = "agree" if result.agree else "DISAGREE"
    lines = []
    if moved:
        bar = f"over {over} steps; bar: 1e-10, relative"
        lines.append(f"Explicit and simulated lifted descent {verdict} ({bar}).")
    elif not ran:
        lines.append("No order was compared: nothing can be said of agreement.")
    for (name, order), comparison in ran.items():
        where, at = f"{name}, l = {order}", comparison.diverged_at
        if at is None or not comparison.agree:
            continue
        lines.append(
            filled(f"{where}: {DIVERGED_AT_ONCE}. A smaller step is needed (--step-size).")
            if at == 1
            else f"Both diverge, and agree until then: {where}: step {at}."
        )
    versions = ", ".join(f"{name} {version}" for name, version in origin["versions"].items())
    machine = origin["machine"]
    where = f"{versions}; {machine['processor']}, {machine['cores']} cores; seed {origin['seed']}."
    more = "" if full else "More: --full (every quantity); docs/theory.md (the mathematics). "
    ends = [filled(where, ""), filled(more, "")]
    if result.interrupted:
        ends.append("Interrupted: these are the rows that were finished.")
    answers = [filled(NOTES, ""), result.table(full=full)]
    return "\n\n".join(["\n".join(lines), *answers, *filter(None, ends)])


def _figures(result: InstanceComparison, arguments: argparse.Namespace) -> list[Path]:
    """Draw the paths of each instance at its order (or the highest that was run), and the cost."""
    jobs: list[tuple[Path, Callable[[], tuple[Figure, Any]]]] = []
    out = arguments.out
    for instance in result.instances:
        rows = [row for row in result.rows if row["instance"] == instance.name]
        rows = [row for row in rows if (instance.name, row["order"]) in result.comparisons]
        if not rows:
            continue
        row = next((row for row in rows if row["order_of_findings"]), rows[-1])
        comparison = result.comparisons[instance.name, row["order"]]
        for kind, draw in (("objective", lifted_objective), ("coefficients", coefficient_paths)):
            how: dict[str, Any] = {"steps": row["T"], "name": instance.name}
            figure = partial(draw, comparison, **how)
            jobs.append((out / f"{instance.label}-{kind}.svg", figure))
    if result.comparisons:
        jobs.append((out / "step-cost.svg", partial(step_cost, result.rows)))
    paths: list[Path] = []
    for path, make in tqdm(
        jobs, desc="drawing", unit="figure", delay=DELAY, leave=False, disable=None
    ):
        paths += save_figure(arguments, make()[0], path)
    return paths
