"""Escape by exactly simulated lifting: descend on the span, collapse, check (docs/theory.md, sections 5 to 7)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, real_array, whole_number

from .collapse import collapse
from .curvature import smallest_saddle_order
from .directions import EscapeDirections, escape_directions
from .escape_result import MINIMUM_DECREASE, Attempt, Escape, EscapeReason
from .independent import independent_generators
from .kernel_direction import kernel_direction
from .span import SpanObjective
from .span_minimum import RelativeQuartic, line_minima, minimise

MIXED = (-1.5, -0.5, 0.5, 1.5)
"""Steps s, in units of ‖X̂‖_F, of the mixed generators X̂ + s u_n q_rᵀ."""

LAST_RESORT = (3, 1)
"""Orders of the descents that are tried where the saddle orders give nothing; order 1 is h on span{X_j} itself."""


class Plan(NamedTuple):
    """One descent to try: the lifting order, the name of the span, and whether to start beyond the saddle."""

    order: int
    span: str
    beyond: bool


def exact_escape(
    problem: SensingProblem,
    X: Any,
    *,
    order: int | None = None,
    largest_order: int = 1001,
    orders_tried: int = 5,
    generators: Any = "auto",
    eigenvectors: int | str = "tied",
    only_saddle: bool = False,
    minimum_decrease: float = MINIMUM_DECREASE,
    directions: EscapeDirections | None = None,
) -> Escape:
    """Escape from X̂ by descent of the lifted objective restricted to a span, and exact collapse.

    At the smallest order at which ŵ is a strict saddle along the visible direction b, the descent
    starts at the lowest points of the lines ŵ ± ρ b, which are below ŵ, and never goes up, so it
    cannot fall back to ŵ. If the collapsed point does not lower h, the span is extended, and then
    the order goes up by two. Last, unless `only_saddle`, come starts without such a promise: lower
    points of the line along any generator, beyond a barrier if need be, and the powers of single
    generators that lie below ŵ. See `escape` for the parameters.
    """
    attempt = Attempt.at(problem, X, "exact", minimum_decrease)
    order = None if order is None else odd_order(order)
    largest_order, tries = (
        whole_number("largest_order", largest_order),
        whole_number("orders_tried", orders_tried),
    )
    if not isinstance(generators, str):
        generators = real_array("generators", generators, (None, *problem.shape))
    elif generators not in ("auto", "published", "extended"):
        raise ValueError(
            f"generators: expected 'auto', 'published', 'extended' or an array, got {generators!r}"
        )
    d = (
        escape_directions(problem, attempt.X, count=eigenvectors)
        if directions is None
        else directions
    )
    if not attempt.spurious(d):
        return attempt.failure(
            EscapeReason.NO_NEGATIVE_EIGENVALUE, details=f"λ_n = {d.eigenvalue:.3g}"
        )

    kernel = kernel_direction(attempt.X, d.u)
    visibles = d.visibles if kernel is None else np.concatenate([kernel[None], d.visibles])
    published = np.concatenate([attempt.X[None], visibles, d.hiddens])
    spans = _spans(published, visibles, generators)
    saddles = _saddle_orders(problem, d, visibles, order, largest_order, tries)
    plans = [Plan(number, name, False) for number in saddles for name in spans]
    if not only_saddle:
        last = LAST_RESORT if order is None else (order,)
        plans += [Plan(number, name, True) for number in last for name in spans]

    for plan in plans:
        kept = independent_generators(spans[plan.span], plan.order)
        objective = SpanObjective(problem, spans[plan.span][kept], plan.order).normalised()
        quartic = RelativeQuartic(objective)
        for start in _starts(quartic, sum(1 <= j <= len(visibles) for j in kept), plan.beyond):
            c = minimise(quartic, start)
            point = collapse(objective.generators, c, plan.order)
            lower, value = attempt.lowers(point)
            if lower:
                return attempt.success(
                    point,
                    value,
                    _nearest(point, published, len(visibles)),
                    order=plan.order,
                    details=_way(plan, len(kept), saddles),
                    generators=objective.generators,
                    coefficients=c,
                )
    if saddles:
        return attempt.failure(
            EscapeReason.NO_DECREASE, order=saddles[-1], details=f"saddle orders {saddles} tried"
        )
    if order is not None:
        return attempt.failure(EscapeReason.NO_SADDLE, order=order)
    return attempt.failure(EscapeReason.NO_SADDLE_ORDER, details=f"largest order {largest_order}")


def _spans(published: FloatArray, visibles: FloatArray, generators: Any) -> dict[str, FloatArray]:
    """Return the generators to try, by name: X̂ is always the first, and the visible ones follow it."""
    if not isinstance(generators, str):
        return {
            "the given generators": np.concatenate([published[: 1 + len(visibles)], generators])
        }
    spans = {}
    if generators != "extended":
        spans[f"{len(published)} generators"] = published
    if generators != "published":
        size = float(np.linalg.norm(published[0]))
        mixed = [published[0] + s * size * D for D in visibles for s in MIXED]
        spans[f"{len(published)} generators and {len(mixed)} mixed ones"] = np.concatenate(
            [published, mixed]
        )
    return spans


def _saddle_orders(
    problem: SensingProblem,
    d: EscapeDirections,
    visibles: FloatArray,
    order: int | None,
    largest: int,
    tries: int,
) -> list[int]:
    """Return orders at which ŵ is a strict saddle along a visible direction: the one given, or the smallest ones."""
    largest = largest if order is None else order
    found = [
        smallest_saddle_order(problem, d.base, largest=largest, direction=D, directions=d)
        for D in visibles
    ]
    least = min((number for number in found if number is not None), default=None)
    if least is None:
        return []
    # Once K1^l + 2 K3^l < K2^l holds it holds for every larger l.
    return list(range(least, min(least + 2 * tries, largest + 1), 2)) if order is None else [order]


def _starts(quartic: RelativeQuartic, visibles: int, beyond: bool) -> list[FloatArray]:
    """Return states below ŵ to descend from, the lowest first.

    They are the lowest points of the lines ŵ ± ρ b; if `beyond`, of the lines along every
    generator, and the powers of single generators.
    """
    unit = np.eye(len(quartic.B))
    starts = []
    for way in unit[1:] if beyond else unit[1 : 1 + visibles]:
        starts += [unit[0] + rho * way for rho in line_minima(quartic, unit[0], way)]
    if beyond:
        starts += [c for c in unit[1:] if quartic.value(c) < quartic.value(unit[0])]
    return sorted(starts, key=quartic.value)


def _way(plan: Plan, kept: int, saddles: list[int]) -> str:
    """Return how the point was reached, in words."""
    span = f"{plan.span}, {kept} of them independent"
    if not plan.beyond:
        return f"{span}, from ŵ ± ρ b"
    why = "no decrease from the strict saddle along b" if saddles else "no strict saddle along b"
    return f"{span}, from a lower state in their span ({why})"


def _nearest(point: FloatArray, published: FloatArray, visibles: int) -> str:
    """Return the name of the generator that the point is nearest to in angle."""
    lengths = np.linalg.norm(published, axis=(1, 2))
    overlaps = np.abs(np.sum(published * point, axis=(1, 2))) / np.where(
        lengths > 0, lengths, np.inf
    )
    best = int(np.argmax(overlaps))
    return "base" if best == 0 else "visible" if best <= visibles else "hidden"
