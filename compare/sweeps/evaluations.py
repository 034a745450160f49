"""What a sweep can evaluate: named functions from settings to results."""

from __future__ import annotations

import json
import math
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from lift_compare.lifting import MemoryLimitExceeded
from lift_compare.sensing.validation import InvalidInput, InvalidType, show_bytes

from ..provenance import provenance
from ..tables import plain
from .rows import Outcome, Status
from .settings import Settings, checked, model_of


@dataclass(frozen=True)
class Evaluation:
    """A function that a sweep calls once per combination of settings.

    Attributes
    ----------
    name : str
        Name in the store; with `version` and the settings it identifies a row.
    run : callable
        Called with the settings as keyword arguments; returns a dict of results (numbers, words,
        lists, None). It must be a function of an importable module, because worker processes look
        it up by name.
    settings : pydantic model, optional
        Names, types, bounds and defaults of the settings, and what follows from others. Without it
        the signature of `run` declares them: names, annotations (`Annotated[int, Field(ge=1)]` for
        bounds), defaults.
    version : int
        Raise it when the meaning of the results changes: rows of older versions are then run
        afresh.
    columns : str
        The results worth a column when a person reads the table, separated by spaces.

    Examples
    --------
    >>> from lift_compare import compare
    >>> def square(*, x: int, scale: float = 1.0):
    ...     return {"square": scale * x * x}
    >>> evaluation = compare.Evaluation("square", square)
    >>> evaluation.canonical({"x": 3})
    {'x': 3, 'scale': 1.0}
    """

    name: str
    run: Callable[..., Mapping[str, Any]]
    settings: type[Settings] | None = None
    version: int = 1
    columns: str = ""

    @cached_property
    def model(self) -> type[Settings]:
        """The model of the settings."""
        return self.settings or model_of(self.run, self.name)

    def canonical(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete settings in canonical form; a bad one is refused by its name."""
        return checked(self.model, settings, self.name)


def evaluate(run: Callable[..., Mapping[str, Any]], settings: Mapping[str, Any]) -> Outcome:
    """Call one evaluation; return what it left behind: an error is an outcome, no exception."""
    results, error, status, lost = None, None, Status.DONE, None
    with _recorded_warnings() as heard:
        begin = time.perf_counter()
        try:
            returned = run(**settings)
            results, lost = plain(returned), not_finite(returned)
            if not isinstance(results, dict):
                raise InvalidType(f"expected a dict of results, got {type(results).__name__}")
            # What the store cannot keep is an error of the evaluation.
            json.dumps(results, allow_nan=False)
        except MemoryLimitExceeded as refusal:
            needs, allowed = refusal.predicted_bytes, refusal.allowed_bytes
            status, error = (
                Status.REFUSED,
                f"refused: needs {show_bytes(needs)}, {show_bytes(allowed)} allowed",
            )
        except Exception as raised:
            results, status, error = None, Status.FAILED, _one_line(raised)
        seconds = time.perf_counter() - begin
    said = dict.fromkeys(str(warning.message) for warning in heard)
    if lost and status is Status.DONE:
        said[f"not finite, and therefore empty: {lost}"] = None
    return Outcome(status, results, error, tuple(said), seconds, provenance_here())


def not_finite(value: Any, name: str = "") -> str:
    """Return where in results NaN and infinities are, as in 'h = nan, list[1] = inf'."""
    value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(value, Mapping):
        inside = [(f"{name}.{key}" if name else str(key), item) for key, item in value.items()]
    elif isinstance(value, list | tuple):
        inside = [(f"{name}[{place}]", item) for place, item in enumerate(value)]
    else:
        beyond = isinstance(value, float) and not math.isfinite(value)
        return f"{name} = {value}" if beyond else ""
    return ", ".join(filter(None, (not_finite(item, key) for key, item in inside)))


@contextmanager
def _recorded_warnings() -> Iterator[list[warnings.WarningMessage]]:
    """Record warnings; only in the main thread, as Python keeps one list of filters a process."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield heard


def failure(error: str, seconds: float = 0.0) -> Outcome:
    """Return the outcome of an evaluation that its worker never reported."""
    return Outcome(Status.FAILED, None, _plain_text(error), (), seconds, provenance_here())


def _one_line(error: Exception) -> str:
    """Return 'ValueError: what was wrong (file.py:12)'; a refusal of input without the place."""
    if isinstance(error, InvalidInput):
        return _plain_text(f"{type(error).__name__}: {error}")
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = _plain_text(traceback.format_exception_only(error)[-1])
    return f"{text} ({where.filename.rpartition('/')[2]}:{where.lineno})"


def _plain_text(text: str) -> str:
    """Return a text in one line that any file can hold: a path may hold other bytes than UTF-8."""
    return " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())


@cache
def provenance_here() -> dict[str, Any]:
    """Return versions, machine and threads of this process (looked up once)."""
    return {key: value for key, value in provenance().items() if key in ("versions", "machine")}
