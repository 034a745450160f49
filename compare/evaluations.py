"""What a sweep can evaluate: named functions from settings to results, and the checks of their settings."""

from __future__ import annotations

import inspect
import json
import math
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from lift_compare.lifting import MemoryLimitExceeded
from lift_compare.sensing.validation import odd_order, positive, whole_number

from .provenance import provenance
from .rows import Outcome, Status
from .tables import plain

Check = Callable[[str, Any], Any]


@dataclass(frozen=True)
class Evaluation:
    """A function that a sweep calls once per combination of settings.

    Attributes
    ----------
    name : str
        Name in the store; with `version` and the settings it identifies a row.
    run : callable
        Called with the settings as keyword arguments; returns a dict of results (numbers, words, lists, None). It must
        be a function of an importable module, because worker processes look it up by name. Its signature declares the
        settings: names, and defaults where they may be left out.
    defaults : dict
        Defaults beside those of the signature, and further settings for a `run` that takes them as **keywords.
    version : int
        Raise it when the meaning of the results changes: rows of older versions are then run afresh.
    checks : dict
        By setting: a function (name, value) -> the value in canonical form, or TypeError / ValueError. A setting
        without one may be a word, a truth value, a whole number or a finite real number.
    complete : callable, optional
        Called with all settings; returns them with what follows from others filled in, or refuses a combination.
    columns : tuple of str
        The results worth a column when a person reads the table.
    """

    name: str
    run: Callable[..., Mapping[str, Any]]
    version: int = 1
    defaults: Mapping[str, Any] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    complete: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    columns: tuple[str, ...] = ()

    @property
    def settings(self) -> dict[str, Any]:
        """The settings, with their defaults (`inspect.Parameter.empty` where one is needed)."""
        parameters = inspect.signature(self.run).parameters.values()
        named = {
            each.name: each.default
            for each in parameters
            if each.kind is not inspect.Parameter.VAR_KEYWORD
        }
        return {
            **self.defaults,
            **{name: default for name, default in named.items() if name not in self.defaults},
        }

    def check(self, name: str, value: Any) -> Any:
        """Return one value of a setting in canonical form, or refuse it by its name."""
        if name not in self.settings:
            known = ", ".join(self.settings)
            raise ValueError(
                f"{name}: not a setting of the evaluation {self.name!r}; expected one of {known}"
            )
        try:
            return self.checks.get(name, scalar)(name, value)
        except OverflowError as error:
            raise ValueError(
                f"{name}: expected a number in the range of float64, got {value!r:.40}..."
            ) from error

    def canonical(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete settings from checked ones: defaults filled in, what follows from others worked out."""
        whole: dict[str, Any] = {}
        for name, default in self.settings.items():
            whole[name] = settings.get(name, default)
            if whole[name] is inspect.Parameter.empty:
                raise ValueError(
                    f"{name}: the evaluation {self.name!r} needs this setting, and it is missing"
                )
        return whole if self.complete is None else self.complete(whole)


def evaluate(run: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]) -> Outcome:
    """Call one evaluation, and return what it left behind; an error is an outcome, not an exception."""
    results, error, status = None, None, Status.DONE
    with _recorded_warnings() as heard:
        begin = time.perf_counter()
        try:
            results = plain(run(**settings))
            if not isinstance(results, dict):
                raise TypeError(f"expected a dict of results, got {type(results).__name__}")
            json.dumps(
                results, allow_nan=False
            )  # what the store cannot keep is an error of the evaluation
        except MemoryLimitExceeded as refusal:
            status = Status.REFUSED
            error = (
                f"refused: needs {refusal.predicted_bytes} bytes, {refusal.allowed_bytes} allowed"
            )
        except Exception as raised:
            results, status, error = None, Status.FAILED, _one_line(raised)
        seconds = time.perf_counter() - begin
    said = tuple(dict.fromkeys(str(warning.message) for warning in heard))
    return Outcome(status, results, error, said, seconds, _provenance())


@contextmanager
def _recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Record warnings in the list returned; only in the main thread, as Python keeps one list of filters a process."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield heard


def failure(error: str) -> Outcome:
    """Return the outcome of an evaluation that its worker never reported."""
    return Outcome(Status.FAILED, None, error, (), 0.0, _provenance())


def _one_line(error: Exception) -> str:
    """Return 'ValueError: what was wrong (file.py:12)'."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = " ".join(traceback.format_exception_only(error)[-1].split())
    return f"{text} ({where.filename.rpartition('/')[2]}:{where.lineno})"


@cache
def _provenance() -> dict[str, Any]:
    """Return versions, machine and threads of this process (looked up once)."""
    return {key: value for key, value in provenance().items() if key in ("versions", "machine")}


# Checks of settings: each returns the canonical value, so that 1 and 1.0 are the same step size.


def scalar(name: str, value: Any) -> Any:
    """Accept a word, a truth value, a whole number or a finite real number."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | str | int):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{name}: expected a finite number, got {value}")
        return value + 0.0  # -0.0 becomes 0.0
    raise TypeError(f"{name}: expected a word, a truth value or a finite number, got {value!r:.60}")


def whole(least: int, most: int) -> Check:
    """Accept whole numbers in a range."""

    def check(name: str, value: Any) -> int:
        number = whole_number(name, value, least)
        if number > most:
            raise ValueError(f"{name}: expected at most {most}, got {number}")
        return number

    return check


def real(*, or_zero: bool = False) -> Check:
    """Accept finite positive numbers (or zero, if allowed)."""

    def check(name: str, value: Any) -> float:
        return positive(name, value, or_zero=or_zero) + 0.0  # -0.0 becomes 0.0

    return check


def word(*words: str) -> Check:
    """Accept one of the given words."""

    def check(name: str, value: Any) -> str:
        if value not in words:
            raise ValueError(f"{name}: expected one of {', '.join(words)}, got {value!r:.60}")
        return str(value)

    return check


def truth(name: str, value: Any) -> bool:
    """Accept true and false."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected true or false, got {value!r:.60}")
    return bool(value)


def odd(name: str, value: Any) -> int:
    """Accept odd lifting orders up to 1001, the range in which the simulation is tested."""
    number = odd_order(value, name)
    if number > 1001:
        raise ValueError(f"{name}: expected an odd lifting order of at most 1001, got {number}")
    return number
