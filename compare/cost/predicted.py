"""What one step of explicit lifting would cost in every form: predicted, nothing is run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lift_compare import lifting
from lift_compare.sensing.validation import show_bytes, whole_number

from ..tables import Column
from ..tolerances import MEMORY_LIMIT
from .cases import CostCase, checked_cases

COLUMNS = (
    Column("operator", "operator"),
    Column("n", "n", "d"),
    Column("rank", "r", "d"),
    Column("m", "m", "d"),
    Column("order", "l", "d"),
    Column("form", "form"),
    Column("flops", "operations", ".3g"),
    Column("tensor_bytes", "tensor w", "bytes"),
    Column("stored_bytes", "kept", "bytes"),
    Column("total_bytes", "in all", "bytes"),
    Column("status", "status"),
)
"""The columns of the printed table; the rows say too why a form does not apply."""


def predicted_costs(
    cases: Iterable[CostCase], *, memory_limit: int = MEMORY_LIMIT
) -> list[dict[str, Any]]:
    """Return what one gradient of h^l would cost, in each form that applies; nothing is run.

    Parameters
    ----------
    cases : iterable of CostCase
        Such as `cost_cases("gaussian", n=[4, 400], order=[3, 5])`. Of a family no instance is made.
    memory_limit : int
        Byte budget: it decides which form would be taken.

    Returns
    -------
    list of dict
        One row per case and form: the sizes, `flops` (operations of one value-and-gradient),
        `tensor_bytes` (one tensor w), `stored_bytes` (kept between steps), `total_bytes` (the peak,
        which is held against the budget), `status` ("chosen", "fits", "too large", "does not
        apply") and `note`.

    Raises
    ------
    TypeError, ValueError
        For a budget out of range.

    Examples
    --------
    >>> from lift_compare import compare
    >>> rows = compare.predicted_costs(compare.cost_cases("completion", n=[12]))
    >>> [row["form"] for row in rows if row["status"] == "chosen"]
    ['entrywise']
    """
    limit, rows = whole_number("memory_limit", memory_limit), []
    for case in checked_cases(cases):
        costs = lifting.predict_cost(case.sizes_only(), case.order)
        try:
            chosen = costs.choose(limit).form
        except lifting.MemoryLimitExceeded:
            chosen = None
        rows += [{**case.row(), **_form(cost, chosen, limit)} for cost in costs]
    return rows


def _form(cost: lifting.LiftingCost, chosen: str | None, limit: int) -> dict[str, Any]:
    """Return what a row says of a form."""
    row: dict[str, Any] = {"form": cost.form}
    if cost.reason is not None:
        return row | {"status": "does not apply", "note": cost.reason}
    status = "fits" if cost.total_bytes <= limit else "too large"
    return row | {
        "flops": cost.flops,
        "tensor_bytes": cost.tensor_bytes,
        "stored_bytes": cost.stored_bytes,
        "total_bytes": cost.total_bytes,
        "status": "chosen" if cost.form == chosen else status,
        "note": "for symmetric tensors only" if cost.symmetric_only else None,
        "allowed_bytes": limit,
    }


def prediction_summary(rows: Iterable[dict[str, Any]]) -> str:
    """Return one sentence: up to which order each instance can be lifted within the budget."""
    largest: dict[tuple[Any, ...], int | None] = {}
    limit = 0
    for row in rows:
        case = tuple(row[name] for name in ("operator", "n", "rank", "m"))
        limit = row.get("allowed_bytes", limit)
        best = largest.setdefault(case, None)
        if row["status"] == "chosen":
            largest[case] = max(best or 0, row["order"])
    none = sum(order is None for order in largest.values())
    said = f"With {show_bytes(limit)}, {len(largest) - none} of {len(largest)} sizes can be lifted"
    return (
        f"{said} at one of these orders. What a simulated step takes does not grow with the order."
    )
