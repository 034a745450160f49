"""Escape by exactly simulated lifting: descend on the span, collapse, check (docs/theory.md, sections 5 to 7)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sensing import SensingProblem
from sensing.validation import FloatArray, odd_order, real_array, whole_number

from .collapse import collapse
from .curvature import smallest_saddle_order
from .directions import EscapeDirections, escape_directions
from .escape_result import MINIMUM_DECREASE, Attempt, Escape, EscapeReason
from .kernel_direction import kernel_direction
from .span import SpanObjective
from .span_minimum import RelativeQuartic, line_minimum, minimise

MIXED = (-1.5, -0.5, 0.5, 1.5)
"""Steps s, in units of ‖X̂‖_F, of the mixed generators X̂ + s u_n q_rᵀ."""


def exact_escape(
    problem: SensingProblem,
    X: Any,
    *,
    order: int | None = None,
    largest_order: int = 1001,
    orders_tried: int = 5,
    generators: Any = "auto",
    only_saddle: bool = False,
    minimum_decrease: float = MINIMUM_DECREASE,
    directions: EscapeDirections | None = None,
) -> Escape:
    """Escape from X̂ by descent of the lifted objective restricted to a span, and exact collapse.

    At the smallest order at which ŵ is a strict saddle along the visible direction b, the descent starts at the lowest
    points of the lines ŵ ± ρ b, which are below ŵ, and never goes up, so it cannot fall back to ŵ. If the collapsed
    point does not lower h, the span is extended, and then the order goes up by two. Last, unless `only_saddle`, the
    descent starts at the generators whose own powers lie below ŵ. See `escape` for the parameters.
    """
    attempt = Attempt.at(problem, X, "exact", minimum_decrease)
    order = None if order is None else odd_order(order)
    largest_order, tries = whole_number("largest_order", largest_order), whole_number("orders_tried", orders_tried)
    if not isinstance(generators, str):
        generators = real_array("generators", generators, (None, *problem.shape))
    elif generators not in ("auto", "published", "extended"):
        raise ValueError(f"generators: expected 'auto', 'published', 'extended' or an array, got {generators!r}")
    d = escape_directions(problem, attempt.X, count="tied") if directions is None else directions
    if not attempt.spurious(d):
        return attempt.failure(EscapeReason.NO_NEGATIVE_EIGENVALUE, details=f"λ_n = {d.eigenvalue:.3g}")

    kernel = kernel_direction(attempt.X, d.u)
    visibles = d.visibles if kernel is None else np.concatenate([kernel[None], d.visibles])
    published = np.concatenate([attempt.X[None], visibles, d.hiddens])
    spans = _spans(published, visibles, generators)
    orders = [order] if order is not None else _saddle_orders(problem, d, visibles, largest_order, tries)

    fell = False
    for name, objective, states in _descents(problem, spans, orders, order or 3, len(visibles), only_saddle):
        fell = True
        for label, c in states:
            point = collapse(objective.generators, c, objective.order)
            lower, value = attempt.lowers(point)
            if lower:
                return attempt.success(
                    point,
                    value,
                    _nearest(point, published, len(visibles)),
                    order=objective.order,
                    details=f"{name}; descent from {label}",
                    generators=objective.generators,
                    coefficients=c,
                )
    tried = f"{' and '.join(spans)}"
    if not orders:
        return attempt.failure(EscapeReason.NO_SADDLE_ORDER, details=f"largest order {largest_order}; {tried}")
    reason = EscapeReason.NO_DECREASE if fell else EscapeReason.NO_LIFTED_DECREASE
    return attempt.failure(reason, order=orders[-1], details=f"orders from {orders[0]}; {tried}")


def _spans(published: FloatArray, visibles: FloatArray, generators: Any) -> dict[str, FloatArray]:
    """Return the generators to try, by name: X̂ is always the first, and the visible ones follow it."""
    if not isinstance(generators, str):
        return {"the given generators": np.concatenate([published[: 1 + len(visibles)], generators])}
    spans = {}
    if generators != "extended":
        spans[f"the published {len(published)} generators"] = published
    if generators != "published":
        size = float(np.linalg.norm(published[0]))
        mixed = [published[0] + s * size * D for D in visibles for s in MIXED]
        spans[f"{len(mixed)} mixed powers besides"] = np.concatenate([published, mixed])
    return spans


def _saddle_orders(
    problem: SensingProblem, d: EscapeDirections, visibles: FloatArray, largest: int, tries: int
) -> list[int]:
    """Return the smallest saddle order along a visible direction, and the next ones; none if there is none."""
    found = [smallest_saddle_order(problem, d.base, largest=largest, direction=D, directions=d) for D in visibles]
    least = min((order for order in found if order is not None), default=None)
    return [] if least is None else list(range(least, min(least + 2 * tries, largest + 1), 2))


def _descents(
    problem: SensingProblem,
    spans: dict[str, FloatArray],
    orders: list[int],
    fallback: int,
    visibles: int,
    only_saddle: bool,
) -> Iterator[tuple[str, SpanObjective, Iterator[tuple[str, FloatArray]]]]:
    """Yield the descents worth trying, in turn: (name of the span, objective, states reached from its starts)."""
    for order in orders:
        for name, span in spans.items():
            objective = SpanObjective(problem, span, order).normalised()
            quartic = RelativeQuartic(objective)
            if starts := _along_visible(quartic, visibles):
                yield name, objective, ((label, minimise(quartic, c)) for label, c in starts)
    if not only_saddle:
        for name, span in spans.items():
            objective = SpanObjective(problem, span, fallback).normalised()
            quartic = RelativeQuartic(objective)
            if starts := _lower_generators(quartic):
                yield name, objective, ((label, minimise(quartic, c)) for label, c in starts)


def _along_visible(quartic: RelativeQuartic, visibles: int) -> list[tuple[str, FloatArray]]:
    """Return the lowest points of the lines ŵ ± ρ b that lie below ŵ, the lowest first."""
    unit = np.eye(len(quartic.B))
    starts = []
    for way in unit[1 : 1 + visibles]:
        for signed in (way, -way):
            rho = line_minimum(quartic, unit[0], signed)
            if rho > 0:
                starts.append(unit[0] + rho * signed)
    return [("ŵ ± ρ b", c) for c in sorted(starts, key=quartic.value)]


def _lower_generators(quartic: RelativeQuartic) -> list[tuple[str, FloatArray]]:
    """Return the generators whose own powers, each at its best weight, lie below ŵ, the lowest first."""
    unit = np.eye(len(quartic.B))
    lower = [c for c in unit[1:] if quartic.value(c) < quartic.value(unit[0])]
    return [("a generator below ŵ", c) for c in sorted(lower, key=quartic.value)]


def _nearest(point: FloatArray, published: FloatArray, visibles: int) -> str:
    """Return the name of the generator that the point is nearest to in angle."""
    lengths = np.linalg.norm(published, axis=(1, 2))
    overlaps = np.abs(np.sum(published * point, axis=(1, 2))) / np.where(lengths > 0, lengths, np.inf)
    best = int(np.argmax(overlaps))
    return "base" if best == 0 else "visible" if best <= visibles else "hidden"
