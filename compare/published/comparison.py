"""The main job: explicit and simulated lifting on the published instances, order by order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from textwrap import fill
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.sensing import Instance, StopReason
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.instances.registry import parse_instances
from lift_compare.sensing.validation import FloatArray, listed, odd_order, show_bytes
from lift_compare.simulated import AcceptanceRule

from ..agreement.comparison import ComparisonOptions, compare_lift, simulated_step_cost
from ..agreement.progress import Progress, predicted_seconds
from ..agreement.result import DirectionComparison, leakage_beyond_rounding
from ..simulated_lift import DEFAULT_ORDER, DEFAULT_STEPS, GivenSettings, SimulatedLift, lift_of
from ..tables import line_width
from ..tabular import Tabular
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
        One row an instance and order; a refused order has a status that says so. The findings are
        about the order at which `order_of_findings` is true: where that one is published,
        `published_order` is true as well.
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
    rho: float | None = None,
    step_size: float | None = None,
    steps: int | None = None,
    eta: float | None = None,
    **options: Any,
) -> InstanceComparison:
    """Compare explicit and simulated lifting on instances, with their settings, order by order.

    Each instance descends to its stationary point as published, which is then polished to rounding.
    Rows say in `rho_from`, `eta_from` and `steps_from` where ρ, η and T come from.

    Parameters
    ----------
    instances : sequence of str or Instance
        Instances, or texts that `sensing.parse_instance` understands.
    orders : iterable of int
        Odd lifting orders; the order of an instance's settings is always among its rows.
    rho, step_size : float, optional
        As in `compare_directions`. By default those of the instance's settings; without settings
        they are chosen anew at every order: ρ ‖v̂‖ = 0.1 ‖ŵ‖, and a step with which h^l falls.
    steps : int, optional
        Number of steps T of the explicit descent and of the simulations. By default the simulations
        make those of the instance's settings, or 1000, and the explicit descent as many of them as
        a fixed amount of work buys: 5 to 200.
    eta : float, optional
        The same step as the published η = 2 step_size; give one of the two.
    **options
        As in `compare_directions`: memory_limit (an order beyond it is a row that says what it
        needs), costs, oracle, seed (also of the search for a point where an instance has none),
        progress.

    Returns
    -------
    InstanceComparison

    Raises
    ------
    TypeError, ValueError
        For unknown instances or two of one name, orders that are not odd and positive, settings
        that are not positive, or a memory limit below 1.

    Examples
    --------
    >>> from lift_compare import compare
    >>> found = compare.compare_instances(["two-by-two"], orders=[3], costs=False)
    >>> found.rows[0]["accepted_by_code"], found.rows[0]["accepted_by_text"]
    (True, False)
    """
    asked = listed("orders", orders, "a list of odd orders")
    wanted = sorted({odd_order(order, "orders") for order in asked})
    given = GivenSettings.of(rho=rho, eta=eta, step_size=step_size, steps=steps)
    chosen = ComparisonOptions(**options)
    named = listed("instances", instances, "a list of names, files or instances")
    compared = parse_instances(named)
    work = [part for each in compared for part in _parts(each, wanted, given, chosen)]
    rows: list[dict[str, Any]] = []
    comparisons: dict[tuple[str, int], DirectionComparison] = {}
    said: list[InstanceFinding] = []
    points: dict[str, FloatArray] = {}
    interrupted = False
    with Progress(sum(part.seconds for part in work), shown=chosen.progress) as bar:
        try:
            for part in work:
                name = part.instance.name
                bar.begin(f"{name}, l = {part.order}", part.seconds)
                if name not in points:  # all orders of an instance share its point
                    points[name] = part.instance.stationary_point(seed=chosen.seed)
                    said += _findings(part, points[name], given)
                row, comparison = _compare(part, points[name], given, chosen, bar.step)
                rows.append(row)
                if comparison is not None:
                    comparisons[name, part.order] = comparison
        except KeyboardInterrupt:
            if not rows:
                raise  # nothing to show
            interrupted = True
    return InstanceComparison(compared, tuple(rows), comparisons, tuple(said), interrupted)


@dataclass(frozen=True)
class _Part:
    """One instance at one order: what an explicit step takes, and how many are made."""

    instance: Instance
    order: int
    own: int  # the order that the findings are about
    operations: float  # 0 where the explicit side is refused
    steps: int
    seconds: float


def _parts(
    instance: Instance, wanted: Sequence[int], given: GivenSettings, options: ComparisonOptions
) -> list[_Part]:
    """Return the orders of an instance, those wanted and that of its settings, and their work."""
    own = instance.settings
    if own is not None:
        about = own.order
    else:
        about = DEFAULT_ORDER if DEFAULT_ORDER in wanted else min(wanted, default=DEFAULT_ORDER)
    T = given.steps or (DEFAULT_STEPS if own is None else own.steps)
    parts = []
    for order in sorted({*wanted, about}):
        flops, steps = 0.0, 0
        with suppress(lifting.MemoryLimitExceeded, ArithmeticError):  # a row will say so
            predicted = lifting.predict_cost(instance.problem, order)
            flops = float(predicted.choose(options.memory_limit).flops)
            # As many steps as a fixed amount of work buys, so that high orders do not take minutes.
            steps = given.steps or max(1, min(int(np.clip(_WORK / flops, 5, 200)), T))
        seconds = predicted_seconds(flops, steps, T, costs=options.costs)
        parts.append(_Part(instance, order, about, flops, steps, seconds))
    return parts


def _findings(part: _Part, X: FloatArray, given: GivenSettings) -> list[InstanceFinding]:
    name = part.instance.name
    try:
        lift = lift_of(part.instance, X, part.own, given)
        return findings(name, lift, as_published=not given.values())
    except ArithmeticError as reason:
        return [InstanceFinding(name, "out-of-range", str(reason))]


def _compare(
    part: _Part,
    X: FloatArray,
    given: GivenSettings,
    options: ComparisonOptions,
    step: Callable[[float], object],
) -> tuple[dict[str, Any], DirectionComparison | None]:
    """Return the row of one order, and the comparison unless the order is refused."""
    instance, order = part.instance, part.order
    row: dict[str, Any] = {
        "instance": instance.name,
        "order": order,
        "published_order": order == part.own and instance.name in PUBLISHED,
        "order_of_findings": order == part.own,
        "tensor_entries": X.size**order,
        "status": "compared",
        "seed": instance.descent.seed if instance.descent else None,
        **{f"{name}_from": source for name, source in given.sources(instance).items()},
    }
    try:
        lift = lift_of(instance, X, order, given)
        s = lift.settings
        row |= {"rho": s.rho, "eta": s.eta, "step_size": s.step_size, "T": s.steps}
        in_full = row["order_of_findings"] or given.steps is not None
        row |= _simulated_row(lift, s.steps if in_full else min(s.steps, _SIMULATED_STEPS))
        explicit = replace(lift, settings=replace(s, steps=max(1, part.steps)))
        if part.operations == 0:  # no form fits the budget: the simulated half is measured here
            row |= _without_a_lift(explicit, options)
        comparison = compare_lift(explicit, options, lambda: step(part.operations))
    except lifting.MemoryLimitExceeded as refusal:  # the simulated half of the row stays
        needs, allowed = refusal.predicted_bytes, refusal.allowed_bytes
        status = f"refused: needs {show_bytes(needs)}, {show_bytes(allowed)} allowed"
        return row | {"status": status, "predicted_bytes": needs, "allowed_bytes": allowed}, None
    except ArithmeticError as reason:  # an overflow, or no step with which h^l falls
        return row | {"status": f"out of range: {reason}"}, None
    return row | comparison.row(), comparison


def _simulated_row(lift: SimulatedLift, steps: int) -> dict[str, Any]:
    """Return what the simulations say, the exact one after these steps; no lift is needed."""
    own, problem, X = lift.settings, lift.problem, lift.point
    shortened = lift.over(steps)
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


def _without_a_lift(lift: SimulatedLift, options: ComparisonOptions) -> dict[str, Any]:
    """Return what a comparison would say of the simulations alone."""
    error = simulated.truncation_error(lift.span, lift.directions, lift.settings.start)
    cost = simulated_step_cost(lift).row("simulated_") if options.costs else {}
    return {"truncation_error": error, **cost}


def _at_any_order(lift: SimulatedLift) -> dict[str, Any]:
    """Return the curvature along V*, and what the span leaves out of ∇h^l at the start."""
    start, order = lift.settings.start, lift.settings.order
    try:
        oracle = lift.product_oracle
        leakage = simulated.leakage(lift.problem, lift.directions.generators, start, order)
    except ArithmeticError:  # a Lanczos run that does not converge, or a number beyond float64
        return {}
    return {
        "power_curvature": oracle.curvature,
        "power_curvature_rounding": oracle.rounding,
        "leakage_start": leakage_beyond_rounding(leakage)[0],
    }


def _distance(lift: SimulatedLift, X: Any) -> Any:
    return None if lift.problem.ground_truth is None else lift.problem.distance(X)
