"""The uncertainty of a share that was counted."""

from __future__ import annotations

from scipy.stats import binomtest

from lift_compare.sensing.validation import whole_number


def interval(count: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, `count` of `total`, after Wilson; (0, 1) of none.

    Raises
    ------
    TypeError, ValueError
        For numbers that are not whole, or a count above the total.

    Examples
    --------
    >>> from lift_compare.compare.intervals import interval
    >>> low, high = interval(90, 100)
    >>> round(low, 3), round(high, 3)
    (0.826, 0.945)
    """
    total = whole_number("total", total, least=0)
    count = whole_number("count", count, least=0, most=total)
    if total == 0:
        return 0.0, 1.0
    found = binomtest(count, total).proportion_ci(0.95, method="wilson")
    return float(found.low), float(found.high)
