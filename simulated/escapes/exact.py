"""Escape by exactly simulated lifting: descend on the span, collapse, check.

The mathematics: docs/theory.md, sections 5 to 7; the strategy: docs/escapes.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lift_compare.sensing.validation import (
    MAX_ORDER,
    FloatArray,
    InvalidValue,
    odd_order,
    real_array,
    true_or_false,
    whole_number,
)

from ..points.kernel_direction import kernel_direction
from ..points.saddle_order import smallest_saddle_order
from ..span.independent import independent_generators
from ..span.minimum import RelativeQuartic, line_minima, minimise
from ..span.objective import SpanObjective
from .collapse import collapse
from .result import Escape, EscapeReason
from .start import Start

MIXED = (-1.5, -0.5, 0.5, 1.5)
"""Steps s, in units of ‖X̂‖_F, of the mixed generators X̂ + s u_n q_rᵀ."""

LAST_RESORT = (3, 1)
"""Orders of the descents tried where the saddle orders give nothing; 1 is h on span{X_j} itself."""


class Plan(NamedTuple):
    """One descent to try: the lifting order, the span, and whether to start beyond the saddle."""

    order: int
    span: str
    beyond: bool


@dataclass(frozen=True)
class Exact:
    """Escape by descent of the lifted objective restricted to a span, and exact collapse.

    At the smallest order at which ŵ is a strict saddle along the visible direction, the descent
    starts at the lowest points of the lines ŵ ± ρ v̂, which are below ŵ, and never goes up, so it
    cannot fall back to ŵ. If the collapsed point does not lower h, the span is extended, and then
    the order goes up by two. Last, unless `only_saddle`, come starts without such a promise: lower
    points of the line along any generator, beyond a barrier if need be, and the powers of single
    generators that lie below ŵ.

    Attributes
    ----------
    order : int or None
        The odd lifting order l; None: from the smallest saddle order up.
    largest_order : int
        Largest order searched for a saddle.
    orders_tried : int
        Number of orders tried, from the smallest saddle order up.
    generators : str or array (k, n, r)
        "published": X̂, u_n q_rᵀ and A*A(E₀)X̂; "extended": with the mixed ones X̂ + s ‖X̂‖ u_n
        q_rᵀ, s = ±½, ±1½; "auto": published, then extended; or an array beside X̂ and u_n q_rᵀ.
    eigenvectors : int or "tied"
        The least eigenvectors u_n used: those tied with the first, or their number.
    only_saddle : bool
        No descent from elsewhere if those from the strict saddle along v̂ give nothing.
    """

    order: int | None = None
    largest_order: int = 1001
    orders_tried: int = 5
    generators: Any = "auto"
    eigenvectors: int | str = "tied"
    only_saddle: bool = False

    def __post_init__(self) -> None:
        if self.order is not None:
            odd_order(self.order)
        whole_number("largest_order", self.largest_order, most=MAX_ORDER)
        whole_number("orders_tried", self.orders_tried)
        true_or_false("only_saddle", self.only_saddle)
        if self.eigenvectors != "tied":
            whole_number("eigenvectors", self.eigenvectors)
        if isinstance(self.generators, str):
            if self.generators not in ("auto", "published", "extended"):
                raise InvalidValue(
                    "generators: expected 'auto', 'published', 'extended' or an array, "
                    f"got {self.generators!r}"
                )
        else:
            own = real_array("generators", self.generators, (None, None, None)).copy()
            own.setflags(write=False)
            object.__setattr__(self, "generators", own)

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        problem, d = start.problem, start.directions
        # 1. The generators: a rank-deficient X̂ has one more visible direction.
        kernel = kernel_direction(start.X, d.u)
        visibles = d.visibles if kernel is None else np.concatenate([kernel[None], d.visibles])
        published = np.concatenate([start.X[None], visibles, d.hiddens])
        spans = self._spans(published, visibles)
        # 2. The descents to try, the most promising first.
        saddles = self._saddle_orders(start, visibles)
        plans = [Plan(order, span, False) for order in saddles for span in spans]
        if not self.only_saddle:
            last = LAST_RESORT if self.order is None else (self.order,)
            plans += [Plan(order, span, True) for order in last for span in spans]
        # 3. Descend from every start of a plan, collapse, and ask h itself.
        for plan in plans:
            kept = independent_generators(spans[plan.span], plan.order)
            generators = spans[plan.span][kept]
            objective = SpanObjective(problem, generators, plan.order).normalised()
            relative = RelativeQuartic.of(objective)
            visible = sum(1 <= j <= len(visibles) for j in kept)
            for c in _starts(relative, visible, plan.beyond):
                c = minimise(relative, c)
                point = collapse(objective.generators, c, plan.order)
                lower, value = start.lowers(point)
                if lower:
                    return start.success(
                        point,
                        value,
                        _nearest(point, published, len(visibles)),
                        order=plan.order,
                        details=_way(plan, len(kept), saddles),
                        generators=objective.generators,
                        coefficients=c,
                    )
        return self._nothing(start, saddles)

    def _spans(self, published: FloatArray, visibles: FloatArray) -> dict[str, FloatArray]:
        """Return the generators to try, by name: X̂ comes first, and the visible ones follow it."""
        if not isinstance(self.generators, str):
            own = real_array("generators", self.generators, (None, *published.shape[1:]))
            both = np.concatenate([published[: 1 + len(visibles)], own])
            return {"the given generators": both}
        spans = {}
        if self.generators != "extended":
            spans[f"{len(published)} generators"] = published
        if self.generators != "published":
            size = float(np.linalg.norm(published[0]))
            mixed = [published[0] + s * size * D for D in visibles for s in MIXED]
            name = f"{len(published)} generators and {len(mixed)} mixed ones"
            spans[name] = np.concatenate([published, mixed])
        return spans

    def _saddle_orders(self, start: Start, visibles: FloatArray) -> list[int]:
        """Return orders at which ŵ is a strict saddle along a visible direction.

        The one given, if it is such an order, or the smallest ones.
        """
        largest = self.largest_order if self.order is None else self.order
        found = [
            smallest_saddle_order(start.problem, start.X, direction=D, largest=largest)
            for D in visibles
        ]
        least = min((order for order in found if order is not None), default=None)
        if least is None:
            return []
        if self.order is not None:
            return [self.order]
        # Once K1^l + 2 K3^l < K2^l holds it holds for every larger l.
        return list(range(least, min(least + 2 * self.orders_tried, largest + 1), 2))

    def _nothing(self, start: Start, saddles: list[int]) -> Escape:
        """Return the attempt that found nothing, with the reason."""
        if saddles:
            details = f"saddle orders {saddles} tried"
            return start.failure(EscapeReason.NO_DECREASE, order=saddles[-1], details=details)
        if self.order is not None:
            return start.failure(EscapeReason.NO_SADDLE, order=self.order)
        details = f"largest order {self.largest_order}"
        return start.failure(EscapeReason.NO_SADDLE_ORDER, details=details)


def _starts(relative: RelativeQuartic, visible: int, beyond: bool) -> list[FloatArray]:
    """Return states below ŵ to descend from, the lowest first.

    They are the lowest points of the lines ŵ ± ρ v̂; if `beyond`, of the lines along every
    generator, and the powers of single generators.
    """
    quartic = relative.quartic
    unit = np.eye(len(quartic.B))
    starts = []
    for way in unit[1:] if beyond else unit[1 : 1 + visible]:
        starts += [unit[0] + rho * way for rho in line_minima(quartic, unit[0], way)]
    if beyond:
        starts += [c for c in unit[1:] if quartic.value(c) < quartic.value(unit[0])]
    return sorted(starts, key=lambda c: float(quartic.value(c)))


def _way(plan: Plan, kept: int, saddles: list[int]) -> str:
    """Return how the point was reached, in words."""
    span = f"{plan.span}, {kept} of them independent"
    if not plan.beyond:
        return f"{span}, from ŵ ± ρ v̂"
    along = "no decrease from the strict saddle along v̂" if saddles else "no strict saddle along v̂"
    return f"{span}, from a lower state in their span ({along})"


def _nearest(point: FloatArray, published: FloatArray, visibles: int) -> str:
    """Return the name of the generator that the point is nearest to in angle."""
    lengths = np.linalg.norm(published, axis=(1, 2))
    products = np.abs(np.sum(published * point, axis=(1, 2)))
    best = int(np.argmax(products / np.where(lengths > 0, lengths, np.inf)))
    return "base" if best == 0 else "visible" if best <= visibles else "hidden"
