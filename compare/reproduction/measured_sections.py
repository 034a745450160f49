"""The sections of the report that show success rates and cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.simulated import descend_batch_with_escapes

from ..cost import cost_cases, cost_grid, memory_summary, standard_cases
from ..figures import cost, paths, success
from ..published_comparison import PublishedComparison
from ..report import Section, Sheet
from ..success import SuccessRates
from ..tables import Column
from .sections import Show

_LABELS = {"gd": "descent alone", "escape": "with escapes"}


def success_section(rates: SuccessRates, show: Show, *, trials: int) -> Section:
    """Return the success rates against n for each ε, and the distances of all trials of the last cell."""
    items: list[Any] = [
        f"Perturbed completion, {rates.cells[0].starts} starts a cell: {rates.scale:g} · N(0, 1) from seed "
        f"{rates.seed}, the same for all cells. Solved means h ≤ {rates.tolerance:g} · ½‖b‖². The published starts are "
        "not known, so the published rates (open markers) are not a target for ours."
    ]
    epsilons = list(dict.fromkeys(cell.epsilon for cell in rates.cells))
    for letter, epsilon in zip("ab", epsilons, strict=False):
        cells = [cell for cell in rates.cells if cell.epsilon == epsilon]
        fig, _ = success.success_rates(
            [cell.n for cell in cells],
            {"gd": [c.rate_descent for c in cells], "escape": [c.rate_escapes for c in cells]},
            published={
                "gd": [c.published_descent for c in cells],
                "escape": [c.published_escapes for c in cells],
            },
            labels=_LABELS,
            title=f"({letter}) Success rates, ε = {epsilon:.2f}",
        )
        items.append(
            show(f"success-{letter}", fig, "Computed here (lines) and published (open markers).")
        )

    last = rates.cells[-1]
    problem = sensing.perturbed_completion(last.n, last.epsilon)
    solutions = descend_batch_with_escapes(
        problem,
        rates.scale * np.random.default_rng(rates.seed).standard_normal((trials, last.n, 1)),
        step_size=last.step_size,
        method=rates.method,
        max_iterations=100_000,
        tolerance=rates.tolerance,
        record_distance=True,
    )
    where = f"n = {last.n}, ε = {last.epsilon:.2f}"
    alone = [[solution.descents[0].history] for solution in solutions]
    escaping = [[phase.history for phase in solution.descents] for solution in solutions]
    for letter, kind, histories, name in (
        ("c", "gd", alone, "Descent alone"),
        ("d", "escape", escaping, "Descent with escapes"),
    ):
        fig, _ = success.trial_distances(histories, kind=kind, title=f"({letter}) {name}, {where}")
        items.append(
            show(f"success-{letter}", fig, f"Distance to the truth of {trials} trials, {where}.")
        )
    items.append(Sheet("Success rates", _RATES, rates.rows()))
    return Section("Success rates", items)


_RATES = (
    Column("n", "n", "d"),
    Column("epsilon", "ε", ".2f"),
    Column("starts", "starts", "d"),
    Column("rate_descent", "descent alone", ".2f"),
    Column("published_descent", "published", ".2f"),
    Column("rate_escapes", "with escapes", ".2f"),
    Column("published_escapes", "published", ".2f"),
    Column("escapes", "escapes", "d"),
    Column("refused", "attempts that find nothing", "d"),
    Column("smallest_decrease", "least relative decrease of h", ".3g"),
    Column("orders", "orders"),
    Column("median_iterations", "median steps", ".0f"),
)


def cost_section(result: PublishedComparison, show: Show, *, grid: bool, seed: int) -> Section:
    """Return what a step costs on either side: by order, and (with `grid`) against the size, from fresh processes."""
    fig, _ = paths.step_cost(result.rows)
    items: list[Any] = [
        "Median seconds of one step of the lifted descent. The simulation works on three coefficients, whatever the "
        "order and the size; its plan takes six measurements.",
        show(
            "cost-order",
            fig,
            "One step, explicit against exactly simulated, against the lifting order.",
        ),
    ]
    if grid:
        cases = [*standard_cases(quick=True), *cost_cases("sparse", n=(100_000,))]
        rows = cost_grid(cases, repeats=3, min_time=0.02, seed=seed)
        for (operator, axis), members in cost.cost_slices(rows).items():
            where = f"{operator} operator, against {axis}"
            fig, _ = cost.cost_seconds(members, axis=axis)
            items.append(
                show(
                    f"cost-{operator}-{axis}",
                    fig,
                    f"Seconds, {where}. Hatched: refused for the byte budget.",
                )
            )
            fig, _ = cost.cost_bytes(members, axis=axis)
            items.append(show(f"memory-{operator}-{axis}", fig, f"Peak bytes, {where}."))
        items.append(memory_summary(rows))
        items.append(Sheet("Cost of one step, each row in a fresh process", _COST, _by_size(rows)))
    items.append(Sheet("Cost of one step on the published instances", _PUBLISHED_COST, result.rows))
    return Section("Cost", items)


def _by_size(rows: Sequence[Any]) -> list[Any]:
    return sorted(
        rows,
        key=lambda row: (row["operator"], row["order"], row["n"], row["method"], row["form"] or ""),
    )


_COST = (
    Column("operator", "operator"),
    Column("n", "n", "d"),
    Column("order", "l", "d"),
    Column("method", "method"),
    Column("form", "form"),
    Column("run_seconds", "one step", "seconds"),
    Column("plan_seconds", "plan", "seconds"),
    Column("predicted_bytes", "predicted", "bytes"),
    Column("resident_bytes", "resident", "bytes"),
    Column("note", "note"),
)

_PUBLISHED_COST = (
    Column("instance", "instance"),
    Column("order", "l", "d"),
    Column("tensor_entries", "tensor entries", "d"),
    Column("form", "form"),
    Column("explicit_seconds", "explicit", "seconds"),
    Column("simulated_seconds", "simulated", "seconds"),
    Column("explicit_traced_bytes", "explicit, traced peak", "bytes"),
    Column("simulated_traced_bytes", "simulated, traced peak", "bytes"),
    Column("status", "status"),
)
