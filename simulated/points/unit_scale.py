"""A problem and a point in units of powers of two, where nothing over- or underflows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, OutOfRange

_APART = 240
"""Binary exponents by which X may exceed (‖b‖)^½: h, its fourth power, must fit."""


def at_unit_scale(problem: SensingProblem, X: FloatArray) -> tuple[SensingProblem, FloatArray, int]:
    """Return the problem with b 2^(−2e), whose entries are about one, the point X 2^−e, and e.

    h is 2^(−4e) times what it was, G(X) 2^(−2e), and the way from X to any other point 2^−e; powers
    of two change no digits.

    Raises
    ------
    OverflowError
        If X is so large beside b that h leaves float64 in any units.
    """
    b = problem.measurements
    size = int(np.frexp(np.max(np.abs(b)))[1])
    e = size // 2
    if int(np.frexp(np.max(np.abs(X)))[1]) - e > _APART:
        raise OutOfRange(
            f"X: expected a point whose h fits into float64, got entries up to "
            f"{np.max(np.abs(X)):.3g} beside measurements up to {np.max(np.abs(b)):.3g}"
        )
    if e == 0:
        return problem, X, 0
    with np.errstate(under="ignore"):  # entries below 1e-300 of the largest
        Z = problem.ground_truth
        scaled = replace(
            problem,
            measurements=np.ldexp(b, -2 * e),
            ground_truth=None if Z is None else np.ldexp(Z, -e),
        )
        return scaled, np.ldexp(X, -e), e


def in_given_units(x: FloatArray | float, exponent: int, name: str) -> FloatArray:
    """Return x 2^exponent; OverflowError if its largest entry leaves float64."""
    x = np.asarray(x)
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(x, exponent)
    largest = np.max(np.abs(scaled))
    if (
        np.any(x)
        and np.isfinite(x).all()
        and (largest == np.inf or largest < np.finfo(np.float64).tiny)
    ):
        log10 = np.log10(np.max(np.abs(x))) + exponent * np.log10(2.0)
        side = "beyond" if largest == np.inf else "below"
        raise OutOfRange(
            f"{name} is about 1e{log10:.0f}, {side} float64; scale b, and X by its root"
        )
    return np.asarray(scaled)
