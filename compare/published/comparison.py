"""The main job: explicit and simulated lifting on the published instances, order by order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import lifting, simulated
from lift_compare.sensing import Instance, StopReason
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.instances.registry import parse_instances
from lift_compare.sensing.validation import FloatArray, odd_order, show_bytes, whole_number
from lift_compare.simulated import AcceptanceRule

from ..agreement.comparison import ComparisonOptions, compare_lift
from ..agreement.result import DirectionComparison, leakage_beyond_rounding
from ..simulated_lift import DEFAULT_STEPS, SimulatedLift, lift_of, order_of
from ..tables import Column, show, text_table
from ..tabular import Tabular
from .findings import findings

ORDERS = (3, 5, 7, 9, 11, 13, 17)
"""Lifting orders of the main job."""

MEMORY_LIMIT = 10**9
"""Byte budget of the explicit side in the main job."""

_WORK = 1.2e9  # operations of one explicit descent: it makes as many steps as fit, 5 to 200
_SIMULATED_STEPS = 20_000  # of the exact simulation at orders other than the instance's own


@dataclass(frozen=True)
class InstanceComparison(Tabular):
    """All rows of the main job, the comparisons they come from, and the findings in words.

    Attributes
    ----------
    instances : tuple of Instance
        What was compared on.
    rows : tuple of dict
        One row an instance and order; a refused order has a status that says so.
    comparisons : dict
        The `DirectionComparison` of each (instance name, order) that was run.
    findings : tuple of str
        What the numbers say about the settings of the instances, one sentence each.
    interrupted : bool
        Whether Ctrl-C ended the run; the rows finished by then are here.

    Examples
    --------
    >>> from lift_compare import compare
    >>> found = compare.compare_instances(["real-system"], orders=[3], costs=False)
    >>> [row["order"] for row in found.rows], found.agree
    ([3, 5], True)
    """

    instances: tuple[Instance, ...]
    rows: tuple[dict[str, Any], ...]
    comparisons: dict[tuple[str, int], DirectionComparison]
    findings: tuple[str, ...]
    interrupted: bool = False

    @property
    def agree(self) -> bool:
        """Whether explicit and exactly simulated descent agree wherever both ran."""
        return all(comparison.agree for comparison in self.comparisons.values())

    @property
    def diverged(self) -> tuple[str, ...]:
        """Where descents diverged, and agreed until then: one text an instance and order."""
        return tuple(
            f"{name}, l = {order}: step {comparison.diverged_at}"
            for (name, order), comparison in self.comparisons.items()
            if comparison.agree and comparison.diverged_at is not None
        )

    def table(self) -> str:
        """Return the printed table: a section an instance, a column an order."""
        sections = []
        for instance in self.instances:
            rows = [row for row in self.rows if row["instance"] == instance.name]
            if rows:
                sections.append(_section(instance, rows))
        return "\n\n".join(sections)


def compare_instances(
    instances: Sequence[str | Instance] = PUBLISHED,
    *,
    orders: Iterable[int] = ORDERS,
    memory_limit: int = MEMORY_LIMIT,
    costs: bool = True,
    seed: int = 0,
) -> InstanceComparison:
    """Compare explicit and simulated lifting on instances, with their settings, order by order.

    Each instance descends to its stationary point as published, which is then polished to rounding.
    At each order within the byte budget the explicit descent makes as many steps as a fixed budget
    of operations allows; the simulations also run on to the instance's own number of steps.

    Parameters
    ----------
    instances : sequence of str or Instance
        Instances, or texts that `sensing.parse_instance` understands. One without settings has
        T = 1000, and ρ and η of its own at every order: ρ ‖v̂‖ = 0.1 ‖ŵ‖, and a step with which
        h^l falls.
    orders : iterable of int
        Odd lifting orders; the order of an instance's settings is always among its rows.
    memory_limit : int
        Byte budget of the explicit side; an order beyond it is a row that says what it needs.
    costs : bool
        Whether to measure seconds and bytes.
    seed : int
        Seed of the eigensolver's start, and of the search for a point where an instance has none.

    Returns
    -------
    InstanceComparison

    Raises
    ------
    TypeError, ValueError
        For unknown instances or two of one name, orders that are not odd and positive, or a
        memory limit below 1.

    Examples
    --------
    >>> from lift_compare import compare
    >>> found = compare.compare_instances(["two-by-two"], orders=[3], costs=False)
    >>> found.rows[0]["accepted_by_code"], found.rows[0]["accepted_by_text"]
    (True, False)
    """
    wanted = sorted({odd_order(order, "orders") for order in orders})
    limit = whole_number("memory_limit", memory_limit)
    options = ComparisonOptions(memory_limit=limit, costs=costs, seed=seed)
    given = parse_instances(instances)
    work = [
        (instance, order) for instance in given for order in sorted({*wanted, order_of(instance)})
    ]
    rows: list[dict[str, Any]] = []
    comparisons: dict[tuple[str, int], DirectionComparison] = {}
    said: list[str] = []
    points: dict[str, FloatArray] = {}
    interrupted = False
    with tqdm(work, desc="comparing", unit="order", disable=None) as progress:
        try:
            for instance, order in progress:
                progress.set_postfix_str(f"{instance.name}, l = {order}")
                if instance.name not in points:  # all orders of an instance share its point
                    X = instance.stationary_point(seed=seed)
                    points[instance.name] = X
                    said += _findings(instance, X)
                row, comparison = _compare(instance, points[instance.name], order, options)
                rows.append(row)
                if comparison is not None:
                    comparisons[instance.name, order] = comparison
        except KeyboardInterrupt:
            if not rows:
                raise  # nothing to show
            interrupted = True
    return InstanceComparison(given, tuple(rows), comparisons, tuple(said), interrupted)


def _findings(instance: Instance, X: FloatArray) -> list[str]:
    try:
        return findings(instance.name, lift_of(instance, X))
    except ArithmeticError as reason:
        return [f"{instance.name}: {reason}"]


def _compare(
    instance: Instance, X: FloatArray, order: int, options: ComparisonOptions
) -> tuple[dict[str, Any], DirectionComparison | None]:
    """Return the row of one order, and the comparison unless the order is refused."""
    row: dict[str, Any] = {
        "instance": instance.name,
        "order": order,
        "published_order": order == order_of(instance),
        "tensor_entries": X.size**order,
        "status": "compared",
        "seed": instance.descent.seed if instance.descent else None,
    }
    try:
        lift = lift_of(instance, X, order)
        row |= {"rho": lift.settings.rho, "eta": lift.settings.eta}
        row |= _simulated_row(lift, at_own_order=row["published_order"])
        costs = lifting.predict_cost(lift.problem, order)
        # As many steps as a fixed amount of work buys, so that high orders do not take minutes.
        flops = costs.choose(options.memory_limit).flops
        steps = int(np.clip(_WORK / flops, 5, 200))
        settings = replace(lift.settings, steps=steps)
        comparison = compare_lift(replace(lift, settings=settings), options)
    except lifting.MemoryLimitExceeded as refusal:  # the simulated half of the row stays
        needs, allowed = refusal.predicted_bytes, refusal.allowed_bytes
        status = f"refused: needs {needs} bytes, {allowed} allowed"
        return row | {"status": status, "predicted_bytes": needs, "allowed_bytes": allowed}, None
    except ArithmeticError as reason:  # an overflow, or no step with which h^l falls
        return row | {"status": f"out of range: {reason}"}, None
    return row | comparison.row(), comparison


def _simulated_row(lift: SimulatedLift, *, at_own_order: bool) -> dict[str, Any]:
    """Return what the simulations say, run to T; no explicit lift is needed."""
    own, problem, X = lift.settings, lift.problem, lift.point
    # At the order of the settings the exact simulation goes all the way.
    steps = own.steps if at_own_order else min(own.steps, _SIMULATED_STEPS)
    shortened = lift if steps == own.steps else replace(lift, settings=replace(own, steps=steps))
    exact = shortened.exact
    diverged = exact.stop_reason is StopReason.DIVERGED  # its last point is no result
    reached = None if diverged else shortened.exact_collapse()
    stationary = shortened.span.value([1.0, 0.0, 0.0])
    row = {
        "curvature": lift.curvature(),
        **_at_any_order(lift),
        "h_stationary": problem.objective(X),
        "distance_stationary": _distance(lift, X),
        "simulated_steps": len(exact.values) - 1,
        "simulated_stop": str(exact.stop_reason),
        "lifted_objective_ratio": exact.values[-1] / stationary if stationary > 0 else None,
        "h_exact": None if reached is None else problem.objective(reached),
        "distance_exact": None if reached is None else _distance(lift, reached),
    }
    try:
        error = lift.truncation_error()
        collapses = [lift.published_collapse(rule) for rule in AcceptanceRule]
    except OverflowError as overflow:
        return row | {"truncated_note": str(overflow)}
    point = collapses[0].point
    return row | {
        "truncated_steps": own.steps,
        "truncation_error_at_end": error,
        "h_truncated": problem.objective(point),
        "distance_truncated": _distance(lift, point),
        "collapse_type": collapses[0].kind,
        **{f"accepted_by_{collapse.rule.value}": collapse.accepted for collapse in collapses},
    }


def _at_any_order(lift: SimulatedLift) -> dict[str, Any]:
    """Return the curvature along V*, and what the span leaves out of ∇h^l at the start."""
    start, order = lift.settings.start, lift.settings.order
    try:
        power = lift.product_oracle.curvature
        leakage = simulated.leakage(lift.problem, lift.directions.generators, start, order)
    except ArithmeticError:  # a Lanczos run that does not converge, or a number beyond float64
        return {}
    return {"power_curvature": power, "leakage_start": leakage_beyond_rounding(leakage)[0]}


def _distance(lift: SimulatedLift, X: Any) -> Any:
    return None if lift.problem.ground_truth is None else lift.problem.distance(X)


# The table: a line a quantity, a column an order -------------------------------------------------

_QUANTITIES = (
    Column("tensor_entries", "tensor entries d^l", ",d"),
    Column("rho", "ρ", ".4g"),
    Column("eta", "η", ".4g"),
    Column("form", "form of the explicit objective"),
    Column("steps", "steps, explicit and both simulations", ",d"),
    Column("verdict", "verdict, explicit vs exact"),
    Column("coefficient_error", "coefficient error, explicit vs exact", ".1e"),
    Column("objective_error", "objective error, explicit vs exact", ".1e"),
    Column("tensor_error", "tensor error, explicit vs exact", ".1e"),
    Column("direction_cosine", "direction cosine, explicit vs exact", ".6f"),
    Column("truncated_cosine", "direction cosine, truncated vs exact", ".4f"),
    Column("span_capture", "span capture of the free lifted path", ".4f"),
    Column("truncation_error", "truncation error at the start", ".3g"),
    Column("truncation_error_at_end", "truncation error after T steps", ".3g"),
    Column("curvature", "curvature along visible", "+.3e"),
    Column("power_curvature", "curvature along V*", "+.3e"),
    Column("oracle_symmetric_curvature", "least curvature, symmetric tensors", "+.3e"),
    Column("oracle_curvature", "least curvature over all tensors", "+.3e"),
    Column("oracle_power_cosine", "|cos| of oracle direction and V*", ".4f"),
    Column("oracle_visible_cosine", "|cos| of oracle direction and visible", ".4f"),
    Column("leakage_start", "leakage of ∇h^l at the start", ".4f"),
    Column("simulated_steps", "T, exact simulation", ",d"),
    Column("h_stationary", "h at X̂ (before)", ".4g"),
    Column("h_exact", "h after collapse, exact simulation", ".3g"),
    Column("h_truncated", "h after collapse, truncated", ".3g"),
    Column("collapse_type", "collapse type, truncated"),
    Column("accepted_by_text", "accepted by the rule of the text"),
    Column("accepted_by_code", "accepted by the rule of the code"),
    Column("distance_stationary", "distance to the truth at X̂", ".4g"),
    Column("distance_exact", "distance after collapse, exact", ".3g"),
    Column("distance_truncated", "distance after collapse, truncated", ".3g"),
    Column("explicit_seconds", "time of one explicit step", "seconds"),
    Column("simulated_seconds", "time of one simulated step", "seconds"),
    Column("explicit_predicted_bytes", "peak memory, explicit (predicted)", "bytes"),
    Column("explicit_traced_bytes", "peak memory, explicit (traced)", "bytes"),
    Column("simulated_traced_bytes", "peak memory, simulated (traced)", "bytes"),
)


def _section(instance: Instance, rows: Sequence[dict[str, Any]]) -> str:
    """Return the table of one instance, and a line for each refused order."""
    orders = [f"l = {row['order']}{'*' * row['published_order']}" for row in rows]
    columns = [Column("quantity", "quantity"), *(Column(order, order) for order in orders)]
    lines = []
    for quantity in _QUANTITIES:
        if instance.settings is not None and quantity.key in ("rho", "eta"):
            continue  # the title has them
        cells = [show(row.get(quantity.key), quantity.format) for row in rows]
        lines.append({"quantity": quantity.title, **dict(zip(orders, cells, strict=True))})
    problem, s = instance.problem, instance.settings
    seed = f"start from seed {rows[0]['seed']}; " if rows[0]["seed"] is not None else ""
    if s is None:
        given = f"ρ and η from the problem, T = {DEFAULT_STEPS:,}; {seed}* default order"
    else:
        kind = "published order" if instance.name in PUBLISHED else "order of the settings"
        given = f"ρ = {s.rho}, η = {s.eta}, T = {s.steps:,}; {seed}* {kind}"
    title = f"{instance.name}: n = {problem.n}, m = {problem.m}, r = {problem.rank}; {given}"
    refusals = [f"l = {row['order']}: {_why(row)}" for row in rows if row["status"] != "compared"]
    return "\n".join([text_table(columns, lines, title=title), *refusals])


def _why(row: dict[str, Any]) -> str:
    """Return why an order was not compared."""
    if "predicted_bytes" not in row:
        return str(row["status"])
    needs, allowed = show_bytes(row["predicted_bytes"]), show_bytes(row["allowed_bytes"])
    return f"refused: needs {needs}, {allowed} allowed (the simulated columns need no lift)"
