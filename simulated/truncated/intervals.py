"""Sets of real numbers that are finite unions of open intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable

from lift_compare.sensing.tolerances import LAST_DIGIT

Intervals = tuple[tuple[float, float], ...]
"""Disjoint open intervals, ascending; an end may be inf."""


def proper(pieces: Iterable[tuple[float, float]]) -> Intervals:
    """Return the pieces that are not empty."""
    return tuple((float(low), float(high)) for low, high in pieces if low < high)


def intersect(first: Intervals, second: Intervals) -> Intervals:
    """Return what both have."""
    return proper(sorted((max(a, c), min(b, d)) for a, b in first for c, d in second))


def unite(*parts: Intervals) -> Intervals:
    """Return what any has; intervals that touch become one."""
    merged: list[tuple[float, float]] = []
    for low, high in sorted(piece for part in parts for piece in part):
        if merged and low <= merged[-1][1] * (1 + LAST_DIGIT):
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def in_words(intervals: Intervals, digits: int = 6) -> str:
    """Return the set in words, such as "300.1 < T < 678 and T > 1200"."""
    words = [
        f"T > {low:.{digits}g}" if high == math.inf else f"{low:.{digits}g} < T < {high:.{digits}g}"
        for low, high in intervals
    ]
    return " and ".join(words) or "never"
