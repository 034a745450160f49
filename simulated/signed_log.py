"""Real numbers as (sign, log of the magnitude), for powers that leave the range of float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray

LARGEST_LOG = float(np.log(np.finfo(np.float64).max))
"""Log of the largest float64 number, about 709.78."""


def signed_log(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (sign(x), log|x|), with log 0 = −inf."""
    with np.errstate(divide="ignore"):
        return np.sign(x), np.log(np.abs(x))


def signed_log_sum(
    signs: FloatArray, logs: FloatArray, axis: Any = -1
) -> tuple[FloatArray, FloatArray]:
    """Return (sign, log|·|) of the sum of signs · exp(logs) along one axis or several.

    A zero sum is (0, −inf).
    """
    top = np.max(logs, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, 0.0)
    total = np.sum(signs * np.exp(logs - shift), axis=axis)
    sign, log = signed_log(total)
    return sign, log + shift.reshape(log.shape)


def to_float(signs: FloatArray, logs: FloatArray, name: str, remedy: str = "") -> FloatArray:
    """Return signs · exp(logs).

    Raises
    ------
    OverflowError
        If a magnitude exceeds float64, naming what it is, its log10 and a remedy.
    """
    top = float(np.max(logs, initial=-np.inf))
    if top > LARGEST_LOG:
        then = f"; {remedy}" if remedy else ""
        raise OverflowError(f"{name} is about 1e{top / np.log(10):.0f}, beyond float64{then}")
    return np.asarray(signs * np.exp(logs))
