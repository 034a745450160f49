"""Shares with intervals: Wilson's formula, what is drawn, and its text alternative."""

from __future__ import annotations

import math

import pytest

from lift_compare.compare import figures
from lift_compare.compare.intervals import interval


@pytest.mark.parametrize(("count", "total"), [(0, 5), (3, 7), (90, 100), (100, 100), (1, 1)])
def test_the_interval_is_wilsons(count: int, total: int) -> None:
    # The roots p of (count/total − p)² = z² p (1 − p) / total, with z of 95 %.
    z, share = 1.959963984540054, count / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    assert interval(count, total) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_of_nothing_anything_may_be() -> None:
    assert interval(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(("count", "total"), [(3, 2), (-1, 2), (0.5, 1)])
def test_counts_that_cannot_be_are_refused(count, total) -> None:
    with pytest.raises((TypeError, ValueError), match="count: expected"):
        interval(count, total)


def test_what_is_drawn_is_what_was_counted() -> None:
    counts = {"pair": [(9, 10), (0, 0), (5, 20)], "exact": [(0, 10), (0, 10), (0, 10)]}
    figure, ax = figures.shares([1.2, 1.4, 1.6], counts, title="Rank 1")
    pair, exact = ax.get_lines()
    assert list(pair.get_ydata()) == [0.9, 0.25]  # nothing where no point is
    assert list(exact.get_ydata()) == [0, 0, 0]
    assert pair.get_xdata() == pytest.approx([1.2, 1.6], abs=0.05)
    assert pair.get_color() != exact.get_color()
    assert pair.get_marker() != exact.get_marker()
    words = figures.text_alternative(figure)
    low, high = interval(9, 10)
    assert f"pair: 0.90 ({low:.2f} to {high:.2f}, 10 points) at 1.2, 0.25" in words
    assert words.startswith("Rank 1. share of stuck points against m/n, with 95 % intervals.")


def test_a_wrong_number_of_places_is_refused_by_its_name() -> None:
    with pytest.raises(ValueError, match=r"counts\['pair'\]: expected 2 pairs, one a place, got 1"):
        figures.shares([1, 2], {"pair": [(1, 2)]})
