"""Scaling exponents: the slope of log cost against log size over the large sizes, measured beside predicted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .tables import Column

AXES = ("n", "rank", "m", "order")
_FIXED = ("operator", "method", "form")
# What is measured, and what it is predicted from. Time follows the operations, memory the predicted
# bytes.
_QUANTITIES = {
    "plan_seconds": None,
    "run_seconds": "predicted_flops",
    "traced_bytes": "predicted_bytes",
    "resident_bytes": "predicted_bytes",
}

COLUMNS = (
    Column("operator", "operator"),
    Column("method", "method"),
    Column("form", "form"),
    Column("fixed", "fixed"),
    Column("axis", "size"),
    Column("quantity", "quantity"),
    Column("measured", "measured", ".2f"),
    Column("predicted", "predicted", ".2f"),
    Column("smallest", "from", "d"),
    Column("largest", "to", "d"),
    Column("points", "points", "d"),
)
"""The columns of the printed table of fits."""


@dataclass(frozen=True)
class Scaling:
    """How one quantity grows along one axis, all else fixed.

    Attributes
    ----------
    operator, method, form, fixed : str
        The series: what was sensed, by which method and form, and the sizes that were kept.
    axis : str
        The size that varies: "n", "rank", "m" or "order".
    quantity : str
        "plan_seconds", "run_seconds", "traced_bytes" or "resident_bytes".
    measured : float
        Along n, rank and m the exponent p of cost ∝ size^p; along the order the factor for each step of l by one.
    predicted : float or None
        The same fit of the predicted operations (for seconds) or bytes; None on the simulated side.
    smallest, largest, points : int
        The sizes that were fitted: the large part of the series.
    """

    operator: str
    method: str
    form: str | None
    fixed: str
    axis: str
    quantity: str
    measured: float
    predicted: float | None
    smallest: int
    largest: int
    points: int

    def row(self) -> dict[str, Any]:
        """Return the fit as the row of a table."""
        return asdict(self)


def scaling_exponents(rows: Iterable[Mapping[str, Any]], *, points: int = 3) -> list[Scaling]:
    """Fit every series of measured rows that has at least `points` sizes along some axis.

    Only the large part is fitted, where a call is more than its overhead: the upper half of the
    sizes, but never fewer than `points`.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of `cost_grid`; those that are refused or failed do not count.
    points : int
        Least number of sizes in a fit.
    """
    measured = [row for row in rows if row.get("status") == "measured"]
    fits = []
    for axis in AXES:
        # m may follow n ("n^2"): it is kept fixed by its rule, not by its value.
        kept = [name for name in ("n", "rank", "order") if name != axis] + (
            ["m_rule"] if axis != "m" else []
        )
        series: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
        for row in measured:
            series[tuple(row[name] for name in (*_FIXED, *kept))].append(row)
        for key, members in series.items():
            if len({row[axis] for row in members}) < points:
                continue
            fixed = ", ".join(
                f"{name.removesuffix('_rule')} = {value}"
                for name, value in zip(kept, key[3:], strict=True)
            )
            for quantity, prediction in _QUANTITIES.items():
                costs = {row[axis]: row[quantity] for row in members if row.get(quantity)}
                sizes = sorted(costs)[-max(points, (len(costs) + 1) // 2) :]
                if len(sizes) < points:
                    continue
                slope = growth_factor if axis == "order" else power_law
                foreseen = {
                    row[axis]: row[prediction]
                    for row in members
                    if prediction and row.get(prediction)
                }
                predicted = (
                    slope(sizes, [foreseen[s] for s in sizes])
                    if foreseen.keys() >= set(sizes)
                    else None
                )
                measured_slope = slope(sizes, [costs[s] for s in sizes])
                fits.append(
                    Scaling(
                        key[0],
                        key[1],
                        key[2],
                        fixed,
                        axis,
                        quantity,
                        measured_slope,
                        predicted,
                        sizes[0],
                        sizes[-1],
                        len(sizes),
                    )
                )
    return fits


def power_law(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return p of the least-squares fit log cost = p log size + constant."""
    return float(np.polynomial.polynomial.polyfit(np.log(sizes), np.log(costs), 1)[1])


def growth_factor(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return q of the least-squares fit cost ∝ q^size."""
    return float(
        np.exp(
            np.polynomial.polynomial.polyfit(np.asarray(sizes, dtype=float), np.log(costs), 1)[1]
        )
    )
