"""Escape column by column: what rank-one escapes drop at a point of higher rank is kept.

The mathematics: docs/theory.md, section 12.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np

from lift_compare.sensing.tolerances import SINGULAR
from lift_compare.sensing.validation import InvalidValue, odd_order

from ..points.directions import NotStationaryWarning, escape_directions
from .exact import Exact
from .pair import Pair
from .result import Escape, EscapeReason
from .start import Start

INNER: dict[str, type[Exact] | type[Pair]] = {"exact": Exact, "pair": Pair}
"""The methods that may escape in the problem of one column, in the order of "both"."""


@dataclass(frozen=True)
class Columns:
    """Escape in the rank-one problem of one column of X̂, and keep the others.

    For a right singular vector q of X̂, the least singular value first, x = X̂q is a stationary
    point of the problem of rank one with measurements b − A(RRᵀ), R = X̂ − x qᵀ, and its landscape
    matrix is that of X̂. An escape x̌ there gives X̌ = R + x̌ qᵀ with the same h. At rank one this
    is the inner method itself.

    Attributes
    ----------
    order : int or None
        The odd lifting order l of the inner method; None: its own choice.
    inner : "exact", "pair" or "both"
        The method for the rank-one problem; "both": exact, and then for all columns again, pair.
    """

    order: int | None = None
    inner: str = "exact"

    def __post_init__(self) -> None:
        if self.order is not None:
            odd_order(self.order)
        if self.inner not in (*INNER, "both"):
            raise InvalidValue(f"inner: expected 'exact', 'pair' or 'both', got {self.inner!r:.60}")

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        problem, X = start.problem, start.X
        _, values, rights = np.linalg.svd(X, full_matrices=False)
        used = np.flatnonzero(values > SINGULAR * values[0])[::-1]
        tried = []
        for name in INNER if self.inner == "both" else (self.inner,):
            method = INNER[name](order=self.order)
            for j in used:
                q = rights[j]
                x = (X @ q)[:, None]
                R = X - x * q
                b = problem.measurements - problem.operator.measure(R, R)
                if not (np.any(b) and np.isfinite(b).all()):
                    continue
                column = replace(problem, measurements=b, rank=1, ground_truth=None)
                with warnings.catch_warnings():
                    # X̂ was tested; its columns are as stationary as it is.
                    warnings.simplefilter("ignore", NotStationaryWarning)
                    d = escape_directions(column, x, count="tied" if name == "exact" else 1)
                found = method.attempt(
                    replace(start, problem=column, X=x, directions=d, exponent=0)
                )
                if found.found:
                    point = R + found.point * q
                    lower, value = start.lowers(point)
                    if lower:
                        details = f"column {j + 1} of {len(rights)} by {name!r}, {found.details}"
                        return start.success(
                            point, value, f"column {j + 1}", order=found.order, details=details
                        )
                tried.append(f"column {j + 1} by {name!r}: {found.reason.name}")
        return start.failure(EscapeReason.NO_DECREASE, order=self.order, details="; ".join(tried))
