"""The sections of the report that show success rates and cost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lift_compare import sensing
from lift_compare.simulated import descend_with_escapes

from ..cost.cases import cost_cases, standard_cases
from ..cost.grid import COLUMNS as COST_COLUMNS
from ..cost.grid import cost_grid, memory_summary
from ..figures import cost, paths, success
from ..published.comparison import InstanceComparison
from ..published.iris import COLUMNS as IRIS_COLUMNS
from ..published.iris import iris_rows
from ..sweeps.success import COLUMNS as RATE_COLUMNS
from ..sweeps.success import SuccessRates, normal_starts
from ..tables import Column
from .report import Section, Sheet
from .sections import Show

_BAND = " In the band at the top: what is refused, with the bytes that it needs."
_HATCHED = " Hatched: every explicit form is refused for the byte budget."
_LABELS = {"gd": "descent alone", "escape": "with escapes"}


def success_section(rates: SuccessRates, show: Show, *, trials: int) -> Section:
    """Return the success rates against n for each ε, and all trials of the last cell."""
    items: list[Any] = [
        f"Perturbed completion, {rates.cells[0].starts} starts a cell: {rates.scale:g} "
        rf"$\cdot N(0,1)$ from seed {rates.seed}, the same for all cells. Solved means $h\leq$ "
        rf"{rates.tolerance:g} $\cdot\frac{{1}}{{2}}\|b\|^2$. The published starts are not known, "
        "so the published rates (open markers) are not a target for ours."
    ]
    for letter, epsilon in zip("ab", dict.fromkeys(c.epsilon for c in rates.cells), strict=False):
        cells = [cell for cell in rates.cells if cell.epsilon == epsilon]
        fig, _ = success.success_rates(
            [cell.n for cell in cells],
            {"gd": [c.rate_descent for c in cells], "escape": [c.rate_escapes for c in cells]},
            published={
                "gd": [c.published_descent for c in cells],
                "escape": [c.published_escapes for c in cells],
            },
            labels=_LABELS,
            title=rf"({letter}) Success rates, $\varepsilon = {epsilon:.2f}$",
        )
        caption = "Computed here (lines) and published (open markers)."
        items.append(show(f"success-{letter}", fig, caption))
    items += _trials(rates, show, trials)
    items.append(Sheet("Success rates", RATE_COLUMNS, rates.rows()))
    return Section("Success rates", items)


def _trials(rates: SuccessRates, show: Show, trials: int) -> list[Any]:
    """Draw the distances of the trials of the last cell, alone and with escapes."""
    last = rates.cells[-1]
    problem = sensing.perturbed_completion(last.n, last.epsilon)
    solutions = [
        descend_with_escapes(
            problem,
            start,
            step_size=last.step_size,
            method=rates.method,
            tolerance=rates.tolerance,
        )
        for start in normal_starts(trials, last.n, rates.scale, rates.seed)
    ]
    where = rf"$n = {last.n}$, $\varepsilon = {last.epsilon:.2f}$"
    alone = [[solution.descents[0].history] for solution in solutions]
    escaping = [[descent.history for descent in solution.descents] for solution in solutions]
    items = []
    for letter, kind, histories, name in (
        ("c", "gd", alone, "Descent alone"),
        ("d", "escape", escaping, "Descent with escapes"),
    ):
        fig, _ = success.trial_distances(histories, kind=kind, title=f"({letter}) {name}, {where}")
        caption = f"Distance to the truth of {trials} trials, {where}."
        items.append(show(f"success-{letter}", fig, caption))
    return items


def iris_section() -> Section:
    """Return the quadratic network on iris, as printed and as computed."""
    title = "Iris quadratic network"
    try:
        rows = iris_rows()
    except ValueError as missing:
        return Section(title, [f"It was not run: {missing}."])
    words = (
        "The published run searches at iterate 4640, one step after its loop sees the stall, and "
        r"takes one of two signs of $u_n$. Its point lies beside a saddle of $h$ itself "
        r"($\sigma_2$ is 8e-7, and $\nabla^2h$ has the eigenvalue −0.036), so no lift is needed to "
        r"leave it: descent from $10^{-8}\cdot N(0,1)$ is slow there, not trapped."
    )
    return Section(title, [words, Sheet("$h$ and accuracy on both halves", IRIS_COLUMNS, rows)])


def cost_section(result: InstanceComparison, show: Show, *, grid: bool, seed: int) -> Section:
    """Return what a step costs on either side: by order, and (with `grid`) against the size."""
    fig, _ = paths.step_cost(result.rows)
    caption = "Seconds of one step, explicit against exactly simulated, by lifting order."
    if any(row.get("predicted_bytes") for row in result.rows):
        caption += _BAND
    items: list[Any] = [
        "Median seconds of one step of the lifted descent. The simulation works on three "
        "coefficients, whatever the order and the size; before the first step it applies $A$ to "
        r"the six products $X_jX_k^\top$ of its three generators, and not again.",
        show("cost-order", fig, caption),
    ]
    if grid:
        cases = [*standard_cases(quick=True), *cost_cases("sparse-completion", n=(100_000,))]
        rows = cost_grid(cases, repeats=3, min_time=0.02, seed=seed)
        if rows[-1]["status"] == "interrupted":  # a shortened grid must not pass for the whole one
            raise KeyboardInterrupt
        for (operator, axis), members in cost.cost_slices(rows).items():
            where = f"{operator} operator, against {axis}"
            refused = any(row["status"] == "refused" for row in members)
            fig, _ = cost.cost_seconds(members, axis=axis)
            caption = f"Seconds, {where}.{_HATCHED if refused else ''}"
            items.append(show(f"cost-{operator}-{axis}", fig, caption))
            fig, _ = cost.cost_bytes(members, axis=axis)
            caption = f"Peak bytes, traced, {where}.{_BAND if refused else ''}"
            items.append(show(f"memory-{operator}-{axis}", fig, caption))
        items.append("Memory is drawn as traced bytes: resident peaks below 1 MB are noise.")
        items.append(memory_summary(rows))
        caption = "Cost of one step, each row in a fresh process"
        items.append(Sheet(caption, COST_COLUMNS, _by_size(rows)))
    items.append(Sheet("Cost of one step on the instances", _ON_INSTANCES, result.rows))
    return Section("Cost", items)


def _by_size(rows: Iterable[Any]) -> list[Any]:
    keys = ("operator", "order", "n", "method")
    return sorted(rows, key=lambda row: (*(row[key] for key in keys), row["form"] or ""))


_ON_INSTANCES = (
    Column("instance", "instance"),
    Column("order", "$l$", "d"),
    Column("tensor_entries", "tensor entries", ",d"),
    Column("form", "form"),
    Column("explicit_seconds", "explicit", "seconds"),
    Column("simulated_seconds", "simulated", "seconds"),
    Column("explicit_traced_bytes", "explicit, traced peak", "bytes"),
    Column("simulated_traced_bytes", "simulated, traced peak", "bytes"),
    Column("status", "status"),
)
