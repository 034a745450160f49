"""What a call costs: seconds with their spread, and three byte counts of different things.

- predicted bytes: from shapes, before anything is allocated; the caller brings it.
- traced bytes: peak of `tracemalloc`: every array numpy allocates, but not the work space of BLAS
  and LAPACK.
- resident bytes: `VmHWM` of a fresh process above its baseline: everything, in pages (resident.py).

How each is measured and what it misses: docs/measuring.md.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lift_compare.sensing.validation import InvalidType, positive, show_bytes, whole_number

from ..tables import show_seconds
from ..threads import thread_limits
from .resident import resident_peak


@dataclass(frozen=True)
class Seconds:
    """Seconds of one call: the median and the 20 % and 80 % quantiles over `repeats` calls."""

    median: float
    low: float
    high: float
    repeats: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Seconds:
        """Return the median and the 20–80 % band of the samples."""
        low, median, high = np.quantile(samples, [0.2, 0.5, 0.8])
        return cls(float(median), float(low), float(high), len(samples))

    def row(self, prefix: str) -> dict[str, Any]:
        """Return the four numbers as columns of a table: {prefix}seconds and so on."""
        return {
            f"{prefix}seconds": self.median,
            f"{prefix}seconds_low": self.low,
            f"{prefix}seconds_high": self.high,
            f"{prefix}repeats": self.repeats,
        }

    def __repr__(self) -> str:
        band = f"{show_seconds(self.low)} – {show_seconds(self.high)}"
        return f"{show_seconds(self.median)} (20–80 %: {band}, {self.repeats} calls)"


@dataclass(frozen=True)
class CostSample:
    """What a call costs; a count that was not asked for or cannot be measured here is None.

    Attributes
    ----------
    seconds : Seconds
        `.median`, and the 20–80 % band `.low`, `.high` of one call.
    predicted_bytes, traced_bytes, resident_bytes : int or None
        Peak bytes above what the inputs hold: as predicted, seen by tracemalloc, seen by the
        system.
    threads : dict
        The thread limits of the process that was timed, by environment variable.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.measure_cost(lambda: bytes(1000), min_time=0.0).predicted_bytes is None
    True
    """

    seconds: Seconds
    predicted_bytes: int | None = None
    traced_bytes: int | None = None
    resident_bytes: int | None = None
    threads: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        peaks = ", ".join(
            f"{name} {'–' if count is None else show_bytes(count)}"
            for name, count in (
                ("predicted", self.predicted_bytes),
                ("traced", self.traced_bytes),
                ("resident", self.resident_bytes),
            )
        )
        return f"CostSample({self.seconds!r}; peak bytes: {peaks})"

    def row(self, prefix: str = "") -> dict[str, Any]:
        """Return the sample as the columns of a table."""
        return {
            **self.seconds.row(prefix),
            f"{prefix}predicted_bytes": self.predicted_bytes,
            f"{prefix}traced_bytes": self.traced_bytes,
            f"{prefix}resident_bytes": self.resident_bytes,
        }


def measure_cost(
    call: Callable[[], Any],
    *,
    repeats: int = 5,
    min_time: float = 0.2,
    max_time: float = 10.0,
    warm_up: int = 1,
    predicted_bytes: int | None = None,
    traced: bool = True,
    resident: Callable[[], Callable[[], Any]] | None = None,
) -> CostSample:
    """Measure seconds, traced peak and (if asked) resident peak of a call.

    Only the call is inside the clock: no warm-up, no garbage collection, no tracemalloc. The traced
    peak is that of one more call of its own, the resident peak that of a fresh process.

    Parameters
    ----------
    call : callable
        What is measured; it takes no arguments (use a lambda or functools.partial).
    repeats : int
        Least number of timed calls.
    min_time : float
        Calls go on until they have taken this many seconds together.
    max_time : float
        No further call is timed once they have taken this many seconds together, even if `repeats`
        is not reached.
    warm_up : int
        Calls before the clock starts (0: the first call is timed, plans and caches included).
    predicted_bytes : int, optional
        The prediction to be stored beside the measurements.
    traced : bool
        Whether to measure the traced peak.
    resident : callable, optional
        Builds the same call in a fresh process: a function of an importable module (or a
        functools.partial of one) that makes the inputs and returns the call. Without it the
        resident peak is None.

    Returns
    -------
    CostSample

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be used.
    RuntimeError
        If tracemalloc is on already: it would slow down what is timed.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import compare
    >>> sample = compare.measure_cost(lambda: np.ones(10_000), repeats=3, min_time=0.0)
    >>> sample.seconds.repeats, 80_000 <= sample.traced_bytes < 82_000
    (3, True)
    """
    for name, value in (("call", call), ("resident", resident)):
        if value is not None and not callable(value):
            raise InvalidType(f"{name}: expected a callable, got {type(value).__name__}")
    if predicted_bytes is not None:
        predicted_bytes = whole_number("predicted_bytes", predicted_bytes, least=0)
    seconds = timed(call, repeats=repeats, min_time=min_time, max_time=max_time, warm_up=warm_up)
    return CostSample(
        seconds,
        predicted_bytes,
        traced_peak(call) if traced else None,
        None if resident is None else resident_peak(resident),
        thread_limits(),
    )


def timed(
    call: Callable[[], Any], *, repeats: int, min_time: float, max_time: float, warm_up: int = 1
) -> Seconds:
    """Return the seconds of one call; see `measure_cost`."""
    repeats, warm_up = whole_number("repeats", repeats), whole_number("warm_up", warm_up, least=0)
    min_time = positive("min_time", min_time, or_zero=True)
    max_time = positive("max_time", max_time)
    if tracemalloc.is_tracing():
        raise RuntimeError("tracemalloc is on: stop it first, it slows down what is timed")
    for _ in range(warm_up):
        call()
    samples: list[float] = []
    total = 0.0
    # A collection in the middle of a sample would be charged to it.
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        while (len(samples) < repeats or total < min_time) and (not samples or total < max_time):
            start = time.perf_counter()
            result = call()
            samples.append(time.perf_counter() - start)
            total += samples[-1]
            del result  # outside the clock, and before the next call asks for memory
    finally:
        if enabled:
            gc.enable()
    return Seconds.of(samples)


def traced_peak(call: Callable[[], Any]) -> int:
    """Return the peak bytes that one call allocates, through Python and numpy, above the start."""
    already = tracemalloc.is_tracing()
    gc.collect()
    if not already:
        tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        result = call()
        peak = tracemalloc.get_traced_memory()[1] - before
        del result
    finally:
        if not already:
            tracemalloc.stop()
    return max(peak, 0)
