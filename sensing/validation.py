"""Refusals: bad input is named, with what was expected and what came, before any work."""

from __future__ import annotations

import operator as _operator
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

MAX_ORDER = 1001
"""Largest lifting order: up to it the simulation is checked against multiple precision."""


def real_array(name: str, value: Any, shape: tuple[int | None, ...]) -> FloatArray:
    """Return `value` as a finite float64 array of the given shape (None: any length from one on).

    Raises
    ------
    TypeError
        If the value is not real numbers.
    ValueError
        If the shape differs or an entry is NaN or infinite.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(
            f"{name}: expected an array of real numbers, got a ragged sequence"
        ) from error
    if array.dtype.kind not in "fiub":  # floats, integers with and without sign, booleans
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    expected = "(" + ", ".join("any" if length is None else str(length) for length in shape) + ")"
    if array.ndim != len(shape) or any(
        got == 0 if want is None else got != want
        for want, got in zip(shape, array.shape, strict=True)
    ):
        raise ValueError(f"{name}: expected an array of shape {expected}, got shape {array.shape}")
    if not np.all(np.isfinite(array)):
        raise ValueError(
            f"{name}: expected finite numbers, "
            f"got {np.count_nonzero(~np.isfinite(array))} not finite"
        )
    return array.astype(np.float64, copy=False)


def whole_number(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return `value` as an int from `least` to `most`; TypeError or ValueError otherwise."""
    if isinstance(value, bool):
        raise TypeError(f"{name}: expected a whole number, got {value!r}")
    try:
        number = _operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected a whole number, got {value!r}") from error
    if number < least:
        raise ValueError(f"{name}: expected a whole number of at least {least}, got {number}")
    if most is not None and number > most:
        raise ValueError(f"{name}: expected a whole number of at most {most}, got {number}")
    return number


def odd_order(value: Any, name: str = "order") -> int:
    """Return the lifting order as an int: odd, 1 to 1001 (docs/theory.md, section 2)."""
    number = whole_number(name, value, most=MAX_ORDER)
    if number % 2 == 0:
        raise ValueError(f"{name}: expected an odd lifting order (1, 3, 5, ...), got {number}")
    return number


def positive(name: str, value: Any, *, or_zero: bool = False) -> float:
    """Return `value` as a finite float that is positive (or zero, if allowed)."""
    if isinstance(value, bool | str | bytes):
        raise TypeError(f"{name}: expected a real number, got {value!r}")
    try:
        number = float(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected a real number, got {value!r}") from error
    if not np.isfinite(number) or number < 0 or (number == 0 and not or_zero):
        raise ValueError(
            f"{name}: expected a finite number {'>= 0' if or_zero else '> 0'}, got {number}"
        )
    return number


def show_bytes(count: float) -> str:
    """Return a byte count in decimal units: '512 B', '1.2 MB', '32 GB'."""
    for unit in ("B", "kB", "MB", "GB", "TB", "PB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.2e} EB"
