"""The range of float64: norms whose squares stay in it, and a name for what has left it."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

from .tolerances import LARGEST_SQUARE, SMALLEST_SQUARE
from .validation import OutOfRange

FloatArray = npt.NDArray[np.float64]

P = ParamSpec("P")
T = TypeVar("T")


def silently(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function compute without numpy's signals, whatever the user has set.

    Underflow is no fault, and what overflows the function itself refuses or reports by name.
    """

    @wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with np.errstate(all="ignore"):
            return function(*args, **kwargs)

    return run


def finite(what: str, value: T) -> T:
    """Return the value, or raise an OverflowError that says what has left float64."""
    # Of a number numpy takes some microseconds to tell.
    inside = math.isfinite(value) if isinstance(value, float) else np.isfinite(value).all()  # type: ignore[call-overload]
    if not inside:
        raise OutOfRange(f"{what} leaves the range of float64 (1e-308 to 1.8e308)")
    return value


def normalised(array: FloatArray) -> tuple[FloatArray, int]:
    """Return the array with entries up to one, and the power of two that was taken out, exactly."""
    exponent = int(np.frexp(np.abs(array).max(initial=0.0))[1])
    return np.ldexp(array, -exponent), exponent


def norm(array: FloatArray, axis: tuple[int, ...] | None = None) -> Any:
    """Return ‖array‖ (of each part, if axes are given), also where squares would leave float64."""
    if axis is None:
        square = float(np.vdot(array, array))
        if SMALLEST_SQUARE**2 < square < LARGEST_SQUARE**2:
            return math.sqrt(square)
    with np.errstate(all="ignore"):
        if axis is None:
            scaled, unit = normalised(array)
            return float(np.ldexp(math.sqrt(np.vdot(scaled, scaled)), unit))
        squares = np.sum(array * array, axis=axis)
        ordinary = (squares > SMALLEST_SQUARE**2) & (squares < LARGEST_SQUARE**2)
        if ordinary.all():
            return np.sqrt(squares)
        exponent = np.frexp(np.abs(array).max(axis=axis, keepdims=True, initial=0.0))[1]
        scaled = np.ldexp(array, -exponent)
        roots = np.sqrt(np.sum(scaled * scaled, axis=axis))
        return np.ldexp(roots, exponent.reshape(np.shape(roots)))
