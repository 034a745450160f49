"""Every quantity of the main job: a line a quantity, a column an order."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lift_compare.sensing import Instance
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import show_bytes

from ..tables import Column, filled, show, text_table
from ..tolerances import MARGIN

QUANTITIES = (
    Column("tensor_entries", "tensor entries d^l", ",d"),
    Column("rho", "ρ", ".4g"),
    Column("eta", "η", ".4g"),
    Column("step_size", "gradient step, η/2", ".4g"),
    Column("form", "form of the explicit objective"),
    Column("steps", "steps, explicit and both simulations", ",d"),
    Column("verdict", "verdict, explicit vs exact"),
    Column("coefficient_error", "coefficient error, explicit vs exact", ".1e"),
    Column("objective_error", "objective error, explicit vs exact", ".1e"),
    Column("tensor_error", "tensor error, explicit vs exact", ".1e"),
    Column("direction_cosine", "direction cosine, explicit vs exact", ".6f"),
    Column("truncated_cosine", "direction cosine, truncated vs exact", ".4f"),
    Column("span_capture", "span capture, free path of as many steps", ".4f"),
    Column("truncation_error", "truncation error at the start", ".3g"),
    Column("truncation_error_at_end", "truncation error after T steps", ".3g"),
    Column("curvature", "curvature along visible", "+.3e"),
    Column("power_curvature", "curvature along V*", "+.3e"),
    Column("oracle_symmetric_curvature", "least curvature, symmetric tensors", "+.3e"),
    Column("oracle_curvature", "least curvature over all tensors", "+.3e"),
    Column("oracle_power_cosine", "|cos| of least eigenvector over all tensors and V*", ".4f"),
    Column(
        "oracle_visible_cosine", "|cos| of least eigenvector over all tensors and visible", ".4f"
    ),
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


def full_table(instance: Instance, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the table of one instance, and a line for each refused order."""
    title = f"{instance.name}, every quantity; * {starred(instance)}"
    text = by_order(QUANTITIES, rows, title=title)
    return "\n".join([text, *refusals(rows)])


def by_order(
    quantities: Sequence[Column], rows: Sequence[Mapping[str, Any]], *, title: str = ""
) -> str:
    """Return a table with a line for each quantity and a column for each order."""
    orders = [f"l = {row['order']}{'*' * row['order_of_findings']}" for row in rows]
    columns = [Column("quantity", "quantity"), *(Column(order, order) for order in orders)]
    lines = []
    for quantity in _h_told_apart(quantities, rows):
        cells = [_cell(row, quantity) for row in rows]
        lines.append({"quantity": quantity.title, **dict(zip(orders, cells, strict=True))})
    return text_table(columns, lines, title=title)


def change_of_h(row: Mapping[str, Any]) -> int | None:
    """Return the sign of the change of h from X̂ to the end of the simulated descent.

    0: none beyond rounding; None: not computed.
    """
    before, after = row.get("h_stationary"), row.get("h_exact")
    if before is None or after is None:
        return None
    return 0 if abs(after - before) <= MARGIN * before else 1 if after > before else -1


def _h_told_apart(quantities: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[Column]:
    """Return the quantities, h with as many digits as show every change of it."""
    pair = [each for each in quantities if each.key in ("h_stationary", "h_exact")]
    digits = max((int(each.format[1:-1]) for each in pair), default=1)
    changed = [(row["h_stationary"], row["h_exact"]) for row in rows if change_of_h(row)]
    while digits < 17 and any(f"{old:.{digits}g}" == f"{new:.{digits}g}" for old, new in changed):
        digits += 1
    return [replace(each, format=f".{digits}g") if each in pair else each for each in quantities]


def _cell(row: Mapping[str, Any], quantity: Column) -> str:
    """Return a number as shown: one that its rounding hides with a bound."""
    value, rounding = (row.get(f"{quantity.key}{more}") for more in ("", "_rounding"))
    if value == 0 and rounding:
        return "rounding" if math.isinf(rounding) else f"0 ± {rounding:.0e}"
    return show(value, quantity.format)


def heading(instance: Instance, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return name and sizes of an instance, and the seed of the start that leads to X̂."""
    problem = instance.problem
    seed = f"; X̂ by a descent from seed {rows[0]['seed']}" if rows[0]["seed"] is not None else ""
    return f"{instance.name}: n = {problem.n}, m = {problem.m}, r = {problem.rank}{seed}"


def starred(instance: Instance) -> str:
    """Return what the starred order is."""
    if instance.settings is None:
        return "the order that the findings are about"
    return "published order" if instance.name in PUBLISHED else "order of the settings"


def refusals(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each order that was not compared: why."""
    return [
        filled(f"l = {row['order']}: {_why(row)}") for row in rows if row["status"] != "compared"
    ]


def _why(row: Mapping[str, Any]) -> str:
    """Return why an order was not compared."""
    if "predicted_bytes" not in row:
        return str(row["status"])
    needs, allowed = show_bytes(row["predicted_bytes"]), show_bytes(row["allowed_bytes"])
    return f"refused: needs {needs}, {allowed} allowed (the simulated columns need no lift)"
