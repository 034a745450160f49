"""The main job: explicit and simulated lifting on the three published instances, order by order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import lifting, sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, whole_number
from lift_compare.simulated import AcceptanceRule

from .directions import DirectionComparison, compare_directions
from .published import PUBLISHED, PublishedInstance
from .tables import Column, show, show_bytes, text_table

ORDERS = (3, 5, 7, 9, 11, 13, 17)
"""Lifting orders of the main job."""

MEMORY_LIMIT = 10**9
"""Byte budget of the explicit side in the main job."""

_WORK = 1.2e9  # operations of one explicit descent: it makes as many steps as fit, 5 to 200
_SIMULATED_STEPS = 20_000  # of the exact simulation at orders other than the published one
_LARGEST_ORDER = 1001  # up to which a saddle order is looked for


@dataclass(frozen=True)
class PublishedComparison:
    """All rows of the main job, with the comparisons they come from and the findings in words.

    Attributes
    ----------
    rows : list of dict
        One row an instance and order; a refused order has a status that says so.
    comparisons : dict
        The `DirectionComparison` of each (instance name, order) that was run.
    findings : list of str
        What the numbers say about the published settings, one sentence each.
    interrupted : bool
        Whether Ctrl-C ended the run; the rows finished by then are here.
    """

    rows: list[dict[str, Any]]
    comparisons: dict[tuple[str, int], DirectionComparison]
    findings: list[str]
    interrupted: bool = False

    @property
    def agree(self) -> bool:
        """Whether explicit and exactly simulated descent agree wherever both ran."""
        return all(comparison.agree for comparison in self.comparisons.values())

    def table(self) -> str:
        """Return the table that the command line prints: a section an instance, a column an order."""
        return "\n\n".join(_section(name, list(rows)) for name, rows in _by_instance(self.rows))


def compare_published(
    *,
    instances: Sequence[str] = tuple(PUBLISHED),
    orders: Iterable[int] = ORDERS,
    memory_limit: int = MEMORY_LIMIT,
    costs: bool = True,
    seed: int = 0,
) -> PublishedComparison:
    """Compare explicit and simulated lifting on the published instances, with their published settings.

    Each instance descends to its stationary point as published, which is then polished to rounding.
    At each order within the byte budget the explicit descent makes as many steps as a fixed budget
    of operations allows; the simulations also run on to the published number of steps.

    Parameters
    ----------
    instances : sequence of str
        Names in `compare.published.PUBLISHED`.
    orders : iterable of int
        Odd lifting orders; the published order of an instance is always among its rows.
    memory_limit : int
        Byte budget of the explicit side; an order beyond it is a row that says what it needs.
    costs : bool
        Whether to measure seconds and bytes.
    seed : int
        Seed of the eigensolver's start.

    Returns
    -------
    PublishedComparison

    Raises
    ------
    TypeError, ValueError
        For unknown instances, orders that are not odd and positive, or a memory limit below 1.
    """
    wanted = sorted({odd_order(order, "orders") for order in orders})
    memory_limit = whole_number("memory_limit", memory_limit)
    unknown = [name for name in instances if name not in PUBLISHED]
    if unknown:
        raise ValueError(f"instances: expected names among {list(PUBLISHED)}, got {unknown[0]!r}")
    work = [
        (PUBLISHED[name], order)
        for name in instances
        for order in sorted({*wanted, PUBLISHED[name].order})
    ]
    rows, comparisons, findings = [], {}, []
    points: dict[str, tuple[SensingProblem, FloatArray]] = {}
    with tqdm(work, desc="comparing", unit="order", disable=None) as progress:
        try:
            for instance, order in progress:
                progress.set_postfix_str(f"{instance.name}, l = {order}")
                if instance.name not in points:
                    problem = instance.build()
                    points[instance.name] = (
                        problem,
                        sensing.polish(problem, instance.stationary_point()),
                    )
                    findings += _findings(instance, *points[instance.name])
                row, comparison = _compare(
                    instance, *points[instance.name], order, memory_limit, costs, seed
                )
                rows.append(row)
                if comparison is not None:
                    comparisons[instance.name, order] = comparison
        except KeyboardInterrupt:
            if not rows:
                raise
            return PublishedComparison(rows, comparisons, findings, interrupted=True)
    return PublishedComparison(rows, comparisons, findings)


def _compare(
    instance: PublishedInstance,
    problem: SensingProblem,
    X: FloatArray,
    order: int,
    memory_limit: int,
    costs: bool,
    seed: int,
) -> tuple[dict[str, Any], DirectionComparison | None]:
    row: dict[str, Any] = {
        "instance": instance.name,
        "order": order,
        "published_order": order == instance.order,
        "tensor_entries": X.size**order,
        "status": "compared",
        "rho": instance.rho,
        "eta": instance.eta,
        "seed": instance.seed,
        **_simulated_row(instance, problem, X, order),
    }
    try:
        flops = lifting.LiftedProblem(problem, order, memory_limit=memory_limit).cost.flops
        steps = int(np.clip(_WORK / flops, 5, 200))
        comparison = compare_directions(
            problem, X, order, rho=instance.rho, eta=instance.eta, steps=steps,
            memory_limit=memory_limit, costs=costs, seed=seed,
        )  # fmt: skip
    except lifting.MemoryLimitExceeded as refusal:
        needs, allowed = refusal.predicted_bytes, refusal.allowed_bytes
        row |= {
            "status": f"refused: needs {needs} bytes, {allowed} allowed",
            "predicted_bytes": needs,
            "allowed_bytes": allowed,
        }
        return row, None
    return row | comparison.row(), comparison


def _simulated_row(
    instance: PublishedInstance, problem: SensingProblem, X: FloatArray, order: int
) -> dict[str, Any]:
    """Return what the simulations say at an order, run to the published number of steps; no lift is needed."""
    directions = simulated.escape_directions(problem, X)
    generators = directions.generators
    span = simulated.SpanObjective(problem, generators, order)
    steps = instance.steps if order == instance.order else min(instance.steps, _SIMULATED_STEPS)
    start = np.array([1.0, instance.rho, 0.0])
    exact = simulated.descend(span, start, step_size=instance.eta / 2, iterations=steps)
    reached = simulated.collapse(generators, exact.coefficients[-1], order)
    row = {
        "curvature": simulated.curvature_along(problem, X, directions.visible, order),
        "h_stationary": problem.objective(X),
        "distance_stationary": problem.distance(X),
        "simulated_steps": len(exact.values) - 1,
        "simulated_stop": exact.stop_reason.value,
        "lifted_objective_ratio": exact.values[-1] / span.value([1.0, 0.0, 0.0]),
        "h_exact": problem.objective(reached),
        "distance_exact": problem.distance(reached),
    }
    try:
        state = simulated.truncated_coefficients(
            directions, order, rho=instance.rho, eta=instance.eta, steps=instance.steps
        ).coefficients[-1]
        collapses = [
            simulated.published_collapse(
                problem, directions, order, state, rule=rule, objective=span
            )
            for rule in AcceptanceRule
        ]
    except OverflowError as overflow:
        return row | {"truncated_note": str(overflow)}
    point = collapses[0].point
    return row | {
        "truncated_steps": instance.steps,
        "truncation_error_at_end": simulated.truncation_error(span, directions, state),
        "h_truncated": problem.objective(point),
        "distance_truncated": problem.distance(point),
        "collapse_type": collapses[0].kind,
        **{f"accepted_by_{collapse.rule.value}": collapse.accepted for collapse in collapses},
    }


def _findings(instance: PublishedInstance, problem: SensingProblem, X: FloatArray) -> list[str]:
    """Return what holds and what does not at the published settings of an instance, as sentences."""
    directions = simulated.escape_directions(problem, X)
    order = instance.order
    curvature = simulated.curvature_along(problem, X, directions.visible, order)
    smallest = simulated.smallest_saddle_order(
        problem, X, largest=_LARGEST_ORDER, directions=directions
    )
    published = f"{instance.name}: the published order l = {order}"
    if curvature < 0:
        first = f"{published} gives negative lifted curvature along the visible direction, {curvature:.4g}"
    else:
        first = f"{published} gives NO negative lifted curvature along the visible direction: it is +{curvature:.4g}"
    if smallest is None:
        first += f"; no odd order up to {_LARGEST_ORDER} does."
    else:
        first += f"; the smallest saddle order is {smallest}."
    span = simulated.SpanObjective(problem, directions.generators, order)
    path = simulated.truncated_coefficients(
        directions, order, rho=instance.rho, eta=instance.eta, steps=instance.steps
    )
    state = path.coefficients[-1]
    verdicts, last = [], None
    for rule in AcceptanceRule:
        for surrogate in (False, True):
            last = simulated.published_collapse(
                problem, directions, order, state, rule=rule, surrogate=surrogate
            )
            why = "" if last.accepted else f" ({_why_not(last)})"
            kind = "diagonal surrogate" if surrogate else "exact objective"
            verdicts.append(
                f"{'holds' if last.accepted else 'does NOT hold'} by the {rule.value} with the {kind}{why}"
            )
    assert last is not None
    second = (
        f"{instance.name}: at the published T = {instance.steps} the acceptance rule "
        + "; it ".join(verdicts)
        + f". The truncated state leaves out or distorts {simulated.truncation_error(span, directions, state):.3g} "
        f"times the projected gradient there; its {last.kind}-type collapse has "
        f"h = {problem.objective(last.point):.4g} against {problem.objective(X):.4g} at X̂."
    )
    return [first, second]


def _why_not(collapse: simulated.PublishedCollapse) -> str:
    reasons = []
    if not collapse.dominant:
        reasons.append(
            "no term dominates: norms " + ", ".join(f"{norm:.3g}" for norm in collapse.norms)
        )
    if not collapse.decreased:
        text = collapse.rule is AcceptanceRule.TEXT
        reached = collapse.objective_term if text else collapse.objective_state
        reasons.append(
            f"the objective is {reached:.4g}, not below {collapse.objective_stationary:.4g}"
        )
    return " and ".join(reasons)


_QUANTITIES = (
    ("tensor_entries", "tensor entries d^l", ",d"),
    ("form", "form of the explicit objective", ""),
    ("steps", "steps, explicit and both simulations", ",d"),
    ("coefficient_error", "coefficient error, explicit vs exact", ".1e"),
    ("objective_error", "objective error, explicit vs exact", ".1e"),
    ("tensor_error", "tensor error, explicit vs exact", ".1e"),
    ("direction_cosine", "direction cosine, explicit vs exact", ".6f"),
    ("truncated_cosine", "direction cosine, truncated vs exact", ".4f"),
    ("span_capture", "span capture of the free lifted path", ".4f"),
    ("truncation_error", "truncation error at the start", ".3g"),
    ("truncation_error_at_end", "truncation error after T steps", ".3g"),
    ("curvature", "curvature along b at ŵ", "+.3e"),
    ("oracle_curvature", "least curvature over all tensors", "+.3e"),
    ("oracle_visible_cosine", "|cos| of oracle direction and b", ".4f"),
    ("simulated_steps", "T, exact simulation", ",d"),
    ("h_stationary", "h at X̂ (before)", ".4g"),
    ("h_exact", "h after collapse, exact simulation", ".3g"),
    ("h_truncated", "h after collapse, truncated", ".3g"),
    ("collapse_type", "collapse type, truncated", ""),
    ("accepted_by_text", "accepted by the rule of the text", ""),
    ("accepted_by_code", "accepted by the rule of the code", ""),
    ("distance_stationary", "distance to the truth at X̂", ".4g"),
    ("distance_exact", "distance after collapse, exact", ".3g"),
    ("distance_truncated", "distance after collapse, truncated", ".3g"),
    ("explicit_seconds", "time of one explicit step", "seconds"),
    ("simulated_seconds", "time of one simulated step", "seconds"),
    ("explicit_predicted_bytes", "peak memory, explicit (predicted)", "bytes"),
    ("explicit_traced_bytes", "peak memory, explicit (traced)", "bytes"),
    ("simulated_traced_bytes", "peak memory, simulated (traced)", "bytes"),
)


def _by_instance(rows: list[dict[str, Any]]) -> Iterable[tuple[str, list[dict[str, Any]]]]:
    for name in dict.fromkeys(row["instance"] for row in rows):
        yield name, [row for row in rows if row["instance"] == name]


def _section(name: str, rows: list[dict[str, Any]]) -> str:
    """Return the table of one instance: a line a quantity, a column an order; then a line a refused order."""
    instance = PUBLISHED[name]
    columns = [Column("quantity", "quantity", "")]
    columns += [
        Column(str(row["order"]), f"l = {row['order']}{'*' * row['published_order']}", "")
        for row in rows
    ]
    lines = []
    for key, title, spec in _QUANTITIES:
        cells = {str(row["order"]): show(row.get(key), spec or ".3g") for row in rows}
        lines.append({"quantity": title, **cells})
    title = (
        f"{name}: n = {instance.build().n}, m = {instance.build().m}, r = 1; ρ = {instance.rho}, η = {instance.eta}, "
        f"T = {instance.steps:,}; start from seed {instance.seed}; * published order"
    )
    refusals = [
        f"l = {row['order']}: refused: needs {show_bytes(row['predicted_bytes'])}, "
        f"{show_bytes(row['allowed_bytes'])} allowed (the simulated columns need no lift)"
        for row in rows
        if row["status"] != "compared"
    ]
    return "\n".join([text_table(columns, lines, title=title), *refusals])
