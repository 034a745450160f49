"""Real roots of small polynomials, whatever the size of their coefficients."""

from __future__ import annotations

import numpy as np
from numpy.polynomial.polynomial import polyval

from lift_compare.sensing.tolerances import REAL_ROOT
from lift_compare.sensing.validation import FloatArray

_APART = float(np.log(1e18))
"""Log of a ratio of roots at which the terms of the one are rounding beside those of the other."""


def real_roots(coefficients: FloatArray) -> FloatArray:
    """Return the real zeros of Σ_i coefficients_i tⁱ, ascending.

    t is scaled so that the first and the last term are of like size, and all terms are taken
    relative to the largest: nothing overflows. A pair of zeros that rounding has split into a
    complex pair is returned as its real part; zeros beyond float64 are left out.
    """
    # Zero coefficients at either end mean zeros at t = 0, or a lower degree.
    used = np.flatnonzero(coefficients)
    if len(used) == 0:
        return np.zeros(0)
    first, last = used[0], used[-1]
    zero = np.zeros(1 if first > 0 else 0)
    inner, degree = coefficients[first : last + 1], last - first
    if degree == 0:
        return zero
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        logs = np.log(np.abs(inner))
        split = _split(logs)
        if split is not None:
            small, large = real_roots(inner[: split + 1]), real_roots(inner[split:])
            return np.sort(np.concatenate([zero, small, large]))
        log_unit = (logs[0] - logs[-1]) / degree
        logs = logs + np.arange(degree + 1) * log_unit
        scaled = np.sign(inner) * np.exp(logs - logs.max())
        roots = np.roots(scaled[::-1])
        real = np.abs(roots.imag) <= REAL_ROOT * np.abs(roots)
        found = _polished(scaled, roots[real].real) * np.exp(log_unit)
    return np.sort(np.concatenate([zero, found[np.isfinite(found)]]))


def _polished(coefficients: FloatArray, roots: FloatArray) -> FloatArray:
    """Return the roots after two steps of Newton's method, each where it makes |p| smaller.

    The eigenvalues that `numpy.roots` finds have errors relative to the largest one.
    """
    slope = coefficients[1:] * np.arange(1, len(coefficients))
    values = polyval(roots, coefficients)
    for _ in range(2):
        closer = roots - values / polyval(roots, slope)
        closer_values = polyval(closer, coefficients)
        better = np.abs(closer_values) < np.abs(values)
        roots = np.where(better, closer, roots)
        values = np.where(better, closer_values, values)
    return roots


def _split(logs: FloatArray) -> int | None:
    """Return an i at which the zeros split: those of the terms up to tⁱ, and of the others.

    The first are at most about exp(−rise), the others at least exp(−fall): the slopes at i of the
    upper hull of the logarithms (Newton's polygon).
    """
    for i in range(1, len(logs) - 1):
        rise = min((logs[i] - logs[j]) / (i - j) for j in range(i))
        fall = max((logs[j] - logs[i]) / (j - i) for j in range(i + 1, len(logs)))
        if rise - fall > _APART:
            return i
    return None
