"""Escape by one method after the other, in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from lift_compare.sensing.validation import odd_order

from .columns import Columns
from .exact import Exact
from .pair import Pair
from .result import Escape, EscapeReason
from .start import Start


@dataclass(frozen=True)
class AnyMethod:
    """Escape by "exact", then "columns" (above rank one), then "pair"; the first that does counts.

    None contains another. The span of the published directions is the cheapest where it leads
    anywhere; columns, by "exact" in each, are what it lacks above rank one; and the pair is the
    surest. The result's `method` is the one that escaped, and `attempts` has what each did.

    Attributes
    ----------
    order : int or None
        The odd lifting order l of all of them; None: what each chooses.
    """

    order: int | None = None

    eigenvectors: ClassVar[str] = "tied"  # of the directions at X̂: what "exact" takes

    def __post_init__(self) -> None:
        if self.order is not None:
            odd_order(self.order)

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        in_turn: dict[str, Exact | Columns | Pair] = {"exact": Exact(self.order)}
        if start.problem.rank > 1:  # at rank one the column is X̂ itself
            in_turn["columns"] = Columns(self.order)
        in_turn["pair"] = Pair(self.order)
        attempts: list[Escape] = []
        for name, method in in_turn.items():
            attempts.append(method.attempt(replace(start, method=name)))
            if attempts[-1].found:
                return replace(attempts[-1], attempts=tuple(attempts))
        said = "; ".join(f"{each.method}: {each.reason.name}" for each in attempts)
        failure = start.failure(EscapeReason.NO_DECREASE, order=self.order, details=said)
        return replace(failure, attempts=tuple(attempts))
