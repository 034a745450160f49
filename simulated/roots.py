"""Real roots of small polynomials, whatever the size of their coefficients."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.tolerances import REAL_ROOT
from lift_compare.sensing.validation import FloatArray

_FAR = float(np.log(np.finfo(np.float64).tiny)) / 2
"""Logarithm of a ratio of terms, about 1e-154, below which one is not seen beside the other."""


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
        log_unit = (logs[0] - logs[-1]) / degree
        logs = logs + np.arange(degree + 1) * log_unit
        # What is so small beside the largest cannot matter, and its inverse must stay finite.
        logs = np.where(logs < logs.max() + _FAR, -np.inf, logs - logs.max())
        scaled = np.sign(inner) * np.exp(logs)
        roots = np.roots(scaled[::-1])
        real = np.abs(roots.imag) <= REAL_ROOT * np.abs(roots)
        found = roots[real].real * np.exp(log_unit)
    return np.sort(np.concatenate([zero, found[np.isfinite(found)]]))
