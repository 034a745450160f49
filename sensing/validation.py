"""Refusals: bad input is named, with what was expected and what came, before any work.

What is a number is decided here, once: Python's and numpy's integers and floats and fractions, as
far as float64 holds them. Complex numbers, strings, objects, masked arrays, NaN and infinities are
none. A boolean is no number either, but an array of booleans is one of zeros and ones: a mask of
observed entries does for weights.
"""

from __future__ import annotations

import operator as _operator
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from difflib import get_close_matches
from math import prod
from numbers import Real
from pathlib import Path
from types import EllipsisType
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class InvalidInput(Exception):  # noqa: N818 - a name that says what it is
    """Input that is refused: its name, what was expected and what came.

    The command line tells it so from errors that nobody expected. Every one is a ValueError, a
    TypeError, an OverflowError or a MemoryError as well.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> try:
    ...     sensing.gaussian(n=2, rank=3, m=4, seed=0)
    ... except sensing.InvalidInput as refusal:
    ...     print(refusal)
    rank: expected at most n = 2, got 3
    """


class InvalidValue(InvalidInput, ValueError):  # noqa: N818
    """A value out of its range, or an array of the wrong shape."""


class InvalidType(InvalidInput, TypeError):  # noqa: N818
    """A value of the wrong type."""


class OutOfRange(InvalidInput, OverflowError):  # noqa: N818
    """A result beyond float64."""


class TooLarge(InvalidInput, MemoryError):  # noqa: N818
    """An array beyond the memory of the machine."""


MAX_ORDER = 1001
"""Largest lifting order: up to it the simulation is checked against multiple precision."""

_NESTED = 64  # axes that a numpy array can have


def real_array(name: str, value: Any, shape: tuple[int | EllipsisType | None, ...]) -> FloatArray:
    """Return `value` as a finite float64 array of the given shape.

    None stands for any length from one on, a leading `...` for any axes before the others, none
    of them empty. A
    float64 array is returned as it is: what keeps it takes a `locked` copy.

    Raises
    ------
    TypeError
        If the value is not real numbers.
    ValueError
        If the shape differs or an entry is NaN or infinite, or beyond float64.
    """
    array = _float64(name, value)
    lengths: tuple[Any, ...] = shape
    got = array.shape
    if shape and shape[0] is ...:
        lengths = shape[1:]
        got = got[max(0, array.ndim - len(lengths)) :]
    if (
        len(got) != len(lengths)
        or 0 in array.shape
        or any(
            have == 0 if want is None else have != want
            for want, have in zip(lengths, got, strict=True)
        )
    ):
        words: dict[Any, str] = {None: "any", ...: "..."}
        expected = ", ".join(words.get(length, str(length)) for length in shape)
        raise InvalidValue(
            f"{name}: expected an array of shape ({expected}), got shape {array.shape}"
        )
    if not np.isfinite(array).all():
        raise InvalidValue(
            f"{name}: expected finite numbers, "
            f"got {np.count_nonzero(~np.isfinite(array))} not finite in float64"
        )
    return array


def _float64(name: str, value: Any) -> FloatArray:
    """Return real numbers as float64, infinite where they are beyond it."""
    if type(value) is np.ndarray and value.dtype == np.float64 and value.dtype.isnative:
        return value
    if _is_masked(value):
        raise InvalidType(f"{name}: expected real numbers, got a masked array (fill it first)")
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise InvalidType(
            f"{name}: expected an array of real numbers, got a ragged sequence"
        ) from error
    if array.dtype.kind not in "fiub":  # floats, integers with and without sign, booleans
        raise InvalidType(f"{name}: expected real numbers, got dtype {array.dtype}")
    with np.errstate(all="ignore"):  # a longer float may be beyond float64
        return array.astype(np.float64, copy=False)


def _is_masked(value: Any, depth: int = 0) -> bool:
    """Return whether a value is, or holds in its lists, a masked array or entry."""
    if isinstance(value, list | tuple) and depth < _NESTED:
        return any(_is_masked(item, depth + 1) for item in value)
    return isinstance(value, np.ma.MaskedArray)


def locked(array: FloatArray) -> FloatArray:
    """Return a copy that cannot be written to: what a frozen object keeps."""
    copy = np.array(array, dtype=np.float64)
    copy.flags.writeable = False
    return copy


def whole_number(name: str, value: Any, least: int = 1, most: int | None = None) -> int:
    """Return `value` as an int from `least` to `most`; TypeError or ValueError otherwise."""
    try:
        if isinstance(value, bool | np.bool_):
            raise TypeError
        number = _operator.index(value)
    except TypeError as error:
        raise InvalidType(f"{name}: expected a whole number, got {shown(value)}") from error
    if number < least:
        raise InvalidValue(
            f"{name}: expected a whole number of at least {least}, got {shown(number)}"
        )
    if most is not None and number > most:
        raise InvalidValue(
            f"{name}: expected a whole number of at most {most}, got {shown(number)}"
        )
    return number


def odd_order(value: Any, name: str = "order") -> int:
    """Return the lifting order as an int: odd, 1 to 1001 (docs/theory.md, section 2)."""
    number = whole_number(name, value, most=MAX_ORDER)
    if number % 2 == 0:
        raise InvalidValue(
            f"{name}: expected an odd lifting order (1, 3, 5, ...), got {shown(number)}"
        )
    return number


def true_or_false(name: str, value: Any) -> bool:
    """Return `value` as a bool; TypeError for anything else, a number or a word too."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidType(f"{name}: expected True or False, got {shown(value)}")
    return bool(value)


def real_number(name: str, value: Any) -> float:
    """Return `value` as a finite float; TypeError or ValueError otherwise."""
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise InvalidType(f"{name}: expected a real number, got {shown(value)}")
    try:
        with np.errstate(all="ignore"):  # older numpy signals where a long double does not fit
            number = float(value)
    except OverflowError as error:
        raise InvalidValue(
            f"{name}: expected a finite number, got {shown(value)}, beyond float64"
        ) from error
    if not np.isfinite(number):
        raise InvalidValue(f"{name}: expected a finite number, got {number}")
    return number


def positive(name: str, value: Any, *, or_zero: bool = False) -> float:
    """Return `value` as a finite float that is positive (or zero, if allowed)."""
    wanted = f"expected a finite number {'>= 0' if or_zero else '> 0'}"
    try:
        number = real_number(name, value)
    except ValueError as error:
        raise InvalidValue(str(error).replace("expected a finite number", wanted)) from error
    if number < 0 or (number == 0 and not or_zero):
        raise InvalidValue(f"{name}: {wanted}, got {number}")
    return number


def listed(name: str, value: Any, what: str) -> list[Any]:
    """Return the members of a sequence; TypeError for what is none, such as one member alone."""
    if isinstance(value, str | os.PathLike) or not isinstance(value, Iterable):
        raise InvalidType(f"{name}: expected {what}, got {shown(value)}")
    return list(value)


def of_kind(name: str, value: Any, kind: type, what: str) -> None:
    """Refuse a value that is not of a kind; TypeError."""
    if not isinstance(value, kind):
        raise InvalidType(f"{name}: expected {what}, got {shown(value)}")


def rows_of(name: str, value: Any, what: str, *, least: int = 0) -> list[Mapping[str, Any]]:
    """Return rows; TypeError for what is none, ValueError for fewer than `least`."""
    rows = listed(name, value, what)
    for index, row in enumerate(rows):
        of_kind(f"{name}[{index}]", row, Mapping, "a row (a mapping)")
    if len(rows) < least:
        raise InvalidValue(f"{name}: expected {what}, got none")
    return rows


def path_of(name: str, value: Any) -> Path:
    """Return a path; TypeError for what is none."""
    if not isinstance(value, str | os.PathLike):
        raise InvalidType(f"{name}: expected a path, got {shown(value)}")
    return Path(os.fsdecode(value))


@contextmanager
def writing(name: str, path: Path) -> Iterator[None]:
    """Turn an error of the file system into a refusal of the path, by name."""
    try:
        yield
    except OSError as error:
        raise InvalidValue(f"{name}: {path} cannot be written: {error.strerror}") from error


def random_generator(seed: Any, name: str = "seed") -> np.random.Generator:
    """Return the generator given, or a new one from a whole number or several."""
    if isinstance(seed, np.random.Generator):
        return seed
    if isinstance(seed, tuple | list) and seed:
        return np.random.default_rng([whole_number(name, each, least=0) for each in seed])
    return np.random.default_rng(whole_number(name, seed, least=0))


def refuse_absurd(*shape: int) -> None:
    """Refuse an array larger than all memory: the system might end the process in its place."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # not told on this system
        memory = 2**50
    if 8 * prod(shape) > memory:
        raise TooLarge(
            f"an array of shape ({', '.join(map(shown, shape))}) is larger than the memory of "
            f"this machine, {show_bytes(memory)}"
        )


def shown(value: Any) -> str:
    """Return a value in a few characters, whatever it is."""
    try:
        return f"{value!r:.60}"
    except ValueError:  # Python does not print integers of thousands of digits
        return f"a {type(value).__name__} too long to print"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" where one of the known words is close to a word, else ""."""
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def show_bytes(count: float) -> str:
    """Return a byte count in decimal units: '512 B', '32 GB', and above '1.9e25 bytes'."""
    if count >= _LARGEST_SHOWN:
        return f"{power_of_ten(count)} bytes"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 999.5:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} PB"


_LARGEST_SHOWN = 999.5e15  # in words; no prefix above peta is common


def exponential(log: float) -> str:
    """Return exp(log), which may leave the range of float64, with two digits: '1.9e-325'."""
    return _two_digits(Decimal(float(log)).exp())


def power_of_ten(count: float) -> str:
    """Return a large number, or an integer beyond float64, with two digits: '1.9e25'."""
    return _two_digits(Decimal(count if isinstance(count, float) else int(count)))


def _two_digits(exact: Decimal) -> str:
    return f"{exact:.1e}".replace("e+", "e")
