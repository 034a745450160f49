"""Real numbers as (sign, log of the magnitude), for powers that leave the range of float64."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing.validation import FloatArray, OutOfRange

LARGEST_LOG = float(np.log(np.finfo(np.float64).max))
"""Log of the largest float64 number, about 709.78."""

SMALLEST_LOG = float(np.log(np.finfo(np.float64).tiny))
"""Log of the least float64 number with all its digits, about -708.40."""

LOG_2 = float(np.log(2.0))


def signed_log(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (sign(x), log|x|), with log 0 = −inf."""
    with np.errstate(divide="ignore"):
        return np.sign(x), np.log(np.abs(x))


def signed_log_sum(
    signs: FloatArray, logs: FloatArray, axis: Any = -1
) -> tuple[FloatArray, FloatArray]:
    """Return (sign, log|·|) of the sum of signs · exp(logs) along one axis or several.

    A sum that cancels is (0, log of its largest term): it is zero beside that, whatever is left. A
    sum of zeros is (0, −inf).
    """
    top = np.max(logs, axis=axis, keepdims=True, initial=-np.inf)
    shift = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(under="ignore"):  # terms below 1e-300 of the largest
        total = np.sum(signs * np.exp(logs - shift), axis=axis)
    sign, log = signed_log(total)
    top, shift = top.reshape(log.shape), shift.reshape(log.shape)
    return sign, np.where(sign == 0, top, log + shift)


def to_float(
    signs: FloatArray,
    logs: FloatArray,
    name: str,
    remedy: str = "",
    *,
    axes: int = 0,
    small_is_zero: bool = False,
) -> FloatArray:
    """Return signs · exp(logs).

    Parameters
    ----------
    signs, logs : array
        The numbers.
    name, remedy : str
        What they are, and what to do where they do not fit.
    axes : int
        The last `axes` axes hold the parts of one thing, such as a vector: parts that are far
        smaller than its largest one may become zero.
    small_is_zero : bool
        Whether all that is below float64 may.

    Raises
    ------
    OverflowError
        If a magnitude exceeds float64, or if it is not zero and below it: as 0.0 it would say that
        a problem is solved, or a point stationary.
    """
    parts = tuple(range(-axes, 0))
    top = np.asarray(np.max(logs, axis=parts, initial=-np.inf))
    lost = top > LARGEST_LOG
    if not small_is_zero:
        lost |= (top < SMALLEST_LOG) & (top > -np.inf)
    if np.any(lost):
        worst = float(top[lost].flat[np.argmax(np.abs(top[lost]))])
        side = "beyond" if worst > 0 else "below"
        then = f"; {remedy}" if remedy else ""
        raise OutOfRange(f"{name} is about 1e{worst / np.log(10):.0f}, {side} float64{then}")
    with np.errstate(under="ignore"):
        return np.asarray(signs * np.exp(logs))


def units_and_logs(arrays: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x / ‖x‖ and log ‖x‖ of each x = arrays[i], whatever its scale.

    A zero stays as it is, and has the logarithm −inf. The scale is taken out as a power of two,
    which is exact, before anything is squared.
    """
    flat = arrays.reshape(len(arrays), -1)
    exponents = np.frexp(np.abs(flat).max(axis=1))[1]
    with np.errstate(under="ignore", divide="ignore"):  # entries below 1e-300 of the largest
        scaled = np.ldexp(flat, -exponents[:, None])
        norms = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
        units = scaled / np.where(norms > 0, norms, 1.0)[:, None]
        return units.reshape(arrays.shape), np.log(norms) + exponents * LOG_2


def times_exp(arrays: FloatArray, logs: FloatArray, name: str) -> FloatArray:
    """Return arrays[i] · exp(logs_i) for each i; OverflowError if one does not fit into float64."""
    exponents = np.round(logs / LOG_2).astype(int)
    column = (-1, *(1,) * (arrays.ndim - 1))
    factors = np.exp(logs - exponents * LOG_2)  # close to 1
    with np.errstate(over="ignore", under="ignore"):
        scaled = np.ldexp(arrays * factors.reshape(column), exponents.reshape(column))
    before, after = (np.abs(x).reshape(len(x), -1).max(axis=1) for x in (arrays, scaled))
    if np.any(~np.isfinite(after) | ((after < np.finfo(np.float64).tiny) & (before > 0))):
        raise OutOfRange(f"{name} leaves float64")
    return np.asarray(scaled)
