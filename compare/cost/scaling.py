"""Scaling exponents: the slope of log cost against log size, measured beside predicted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lift_compare.sensing.validation import rows_of

from ..tables import Column
from .resident import NOISE

SIZES = ("n", "rank", "m", "order")

# What is measured, and what it is predicted from: time follows the operations, memory the bytes.
_QUANTITIES = {
    "plan_seconds": None,
    "run_seconds": "predicted_flops",
    "traced_bytes": "predicted_bytes",
    "resident_bytes": "predicted_bytes",
}

COLUMNS = (
    Column("method", "method"),
    Column("fixed", "fixed"),
    Column("quantity", "quantity"),
    Column("measured", "measured", ".2f"),
    Column("predicted", "predicted", ".2f"),
    Column("sizes", "over (sizes)"),
)
"""The columns of a printed table of fits."""


@dataclass(frozen=True)
class Scaling:
    """How one quantity grows along one axis, all else fixed.

    `measured` is the exponent p of cost ∝ size^p along n, rank and m, and along the order the
    factor for each step of l by one; `predicted` the same fit of the predicted operations or bytes,
    None on the simulated side. Only the large part of a series is fitted.
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

    def printed(self) -> dict[str, Any]:
        """Return the fit as a row of few columns, for people."""
        method = self.method if self.form is None else f"{self.method}, {self.form}"
        sizes = f"{self.axis} = {self.smallest} to {self.largest} ({self.points})"
        quantity = self.quantity.replace("_", " ")
        return self.row() | {"method": method, "sizes": sizes, "quantity": quantity}


def scaling_exponents(rows: Iterable[Mapping[str, Any]], *, points: int = 3) -> list[Scaling]:
    """Fit every series of measured rows that has at least `points` sizes along some axis.

    Only the large part is fitted, where a call is more than its overhead: the upper half of the
    sizes, but never fewer than `points`. Resident peaks below 1 MB are noise, and are left out.

    Parameters
    ----------
    rows : iterable of mapping
        Rows of `cost_grid`; those that are refused or failed do not count.
    points : int
        Least number of sizes in a fit.

    Returns
    -------
    list of Scaling
        With `.axis`, `.quantity`, `.measured` and `.predicted` exponents.

    Examples
    --------
    >>> from lift_compare import compare
    >>> row = {"status": "measured", "operator": "gaussian", "method": "exact", "form": None,
    ...        "rank": 1, "m_rule": "2n", "order": 3}
    >>> rows = [row | {"n": n, "m": 2 * n, "run_seconds": 1e-6 * n**2} for n in (8, 16, 32)]
    >>> round(compare.scaling_exponents(rows)[0].measured, 6)
    2.0
    """
    rows = rows_of("rows", rows, "rows of cost_grid")
    measured = [row for row in rows if row.get("status") == "measured"]
    fits = []
    for axis in SIZES:
        for (operator, method, form), fixed, members in series_along(axis, measured):
            slope = growth_factor if axis == "order" else power_law
            for quantity, prediction in _QUANTITIES.items():
                costs = _by_size(axis, quantity, members)
                foreseen = _by_size(axis, prediction, members)
                # The upper half of the sizes: at small ones a call is mostly overhead.
                sizes = sorted(costs)[-max(points, (len(costs) + 1) // 2) :]
                if len(sizes) < points:
                    continue
                fit = slope(sizes, [costs[size] for size in sizes])
                # The prediction is fitted over the same sizes, or not at all.
                expected = None
                if foreseen.keys() >= set(sizes):
                    expected = slope(sizes, [foreseen[size] for size in sizes])
                ends = (sizes[0], sizes[-1], len(sizes))
                series = (operator, method, form, fixed, axis)
                fits.append(Scaling(*series, quantity, fit, expected, *ends))
    return fits


def series_along(
    axis: str, rows: Sequence[Mapping[str, Any]], by: Sequence[str] = ("operator", "method", "form")
) -> Iterator[tuple[tuple[Any, ...], str, list[Mapping[str, Any]]]]:
    """Yield the rows that differ in one size only, with what they share, in words too."""
    # m may follow n ("n^2"): it is kept fixed by its rule, not by its value.
    kept = [name for name in ("n", "rank", "order", "m_rule") if name.removesuffix("_rule") != axis]
    series: dict[tuple[Any, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        series[tuple(row[name] for name in (*by, *kept))].append(row)
    for key, members in series.items():
        values = zip(kept, key[len(by) :], strict=True)
        words = ", ".join(f"{name.removesuffix('_rule')} = {value}" for name, value in values)
        yield key[: len(by)], words, members


def power_law(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return p of the least-squares fit log cost = p log size + constant."""
    return _slope(np.log(sizes), costs)


def growth_factor(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """Return q of the least-squares fit cost ∝ q^size."""
    return float(np.exp(_slope(np.asarray(sizes, dtype=float), costs)))


def _slope(x: Any, costs: Sequence[float]) -> float:
    return float(np.polynomial.polynomial.polyfit(x, np.log(costs), 1)[1])


def _by_size(axis: str, quantity: str | None, rows: list[Mapping[str, Any]]) -> dict[int, float]:
    """Return the values of a quantity above its noise, by size."""
    least = NOISE if quantity == "resident_bytes" else 0
    return {
        row[axis]: row[quantity] for row in rows if quantity and (row.get(quantity) or 0) > least
    }
