"""The main job: explicit and simulated lifting on the published instances, order by order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from textwrap import fill
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
from ..simulated_lift import SimulatedLift, lift_of, order_of
from ..tables import line_width
from ..tabular import Tabular
from ..tolerances import MEMORY_LIMIT
from .answer import NOTES, answer, short_table
from .findings import InstanceFinding, findings, findings_table
from .full_table import full_table

ORDERS = (3, 5, 7, 9, 11, 13, 17)
"""Lifting orders of the main job."""

_WORK = 1.2e9  # operations of one explicit descent: it makes as many steps as fit, 5 to 200
_SIMULATED_STEPS = 20_000  # of the exact simulation at orders other than the instance's own


@dataclass(frozen=True, repr=False)
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
    findings : tuple of InstanceFinding
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
    findings: tuple[InstanceFinding, ...]
    interrupted: bool = False

    @property
    def agree(self) -> bool:
        """Whether explicit and exactly simulated descent agree wherever both ran.

        True where none ran: `comparisons` is empty then.
        """
        return all(comparison.agree for comparison in self.comparisons.values())

    @property
    def diverged(self) -> tuple[str, ...]:
        """Where descents diverged, and agreed until then: one text an instance and order."""
        return tuple(
            f"{name}, l = {order}: step {comparison.diverged_at}"
            for (name, order), comparison in self.comparisons.items()
            if comparison.agree and comparison.diverged_at is not None
        )

    def table(self, *, full: bool = False) -> str:
        """Return a section an instance: its answer and a short table, a column an order.

        With `full` the table has every quantity, and the numbers of the findings follow.
        """
        sections = []
        for instance in self.instances:
            rows = [row for row in self.rows if row["instance"] == instance.name]
            own = [finding for finding in self.findings if finding.instance == instance.name]
            if rows:
                sections.append(answer(instance, rows, own))
                sections.append(full_table(instance, rows) if full else short_table(instance, rows))
        if full:
            sections.append(findings_table(self.findings))
        return "\n\n".join(sections)

    def __repr__(self) -> str:
        return f"{fill(NOTES, line_width())}\n\n{self.table()}"


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
    said: list[InstanceFinding] = []
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


def _findings(instance: Instance, X: FloatArray) -> list[InstanceFinding]:
    try:
        return findings(instance.name, lift_of(instance, X))
    except ArithmeticError as reason:
        return [InstanceFinding(instance.name, "out-of-range", str(reason))]


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
        status = f"refused: needs {show_bytes(needs)}, {show_bytes(allowed)} allowed"
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
