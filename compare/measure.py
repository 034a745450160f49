"""What a call costs: seconds with their spread, and three byte counts that do not measure the same thing.

- predicted bytes: from shapes, before anything is allocated; the caller brings it.
- traced bytes: peak of `tracemalloc`: every array numpy allocates, but not the work space of BLAS
  and LAPACK.
- resident bytes: `VmHWM` of a fresh process above its baseline: everything, in pages (see
  `compare.resident`).

How each is measured and what it misses: docs/measuring.md.
"""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lift_compare.sensing.validation import positive, whole_number

from .fresh import THREAD_VARIABLES
from .resident import resident_peak
from .tables import show_bytes, show_seconds


@dataclass(frozen=True)
class Seconds:
    """Wall-clock seconds of one call: the median and the 20 % and 80 % quantiles over `repeats` calls."""

    median: float
    low: float
    high: float
    repeats: int

    @classmethod
    def of(cls, samples: Sequence[float]) -> Seconds:
        """Return the median and the 20–80 % band of the samples."""
        low, median, high = np.quantile(samples, [0.2, 0.5, 0.8])
        return cls(float(median), float(low), float(high), len(samples))

    def __repr__(self) -> str:
        band = f"{show_seconds(self.low)} – {show_seconds(self.high)}"
        return f"{show_seconds(self.median)} (20–80 %: {band}, {self.repeats} calls)"


@dataclass(frozen=True)
class CostSample:
    """What a call costs; a count that was not asked for or cannot be measured here is None.

    Attributes
    ----------
    seconds : Seconds
        Median and 20–80 % band of one call.
    predicted_bytes, traced_bytes, resident_bytes : int or None
        Peak bytes above what the inputs hold: as predicted, seen by tracemalloc, seen by the system.
    threads : dict
        The thread limits of the process that was timed, by environment variable ("not set": as many as BLAS likes).
    """

    seconds: Seconds
    predicted_bytes: int | None = None
    traced_bytes: int | None = None
    resident_bytes: int | None = None
    threads: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        counts = (
            ("predicted", self.predicted_bytes),
            ("traced", self.traced_bytes),
            ("resident", self.resident_bytes),
        )
        peaks = ", ".join(
            f"{name} {'–' if count is None else show_bytes(count)}" for name, count in counts
        )
        return f"CostSample({self.seconds!r}; peak bytes: {peaks})"

    def row(self, prefix: str = "") -> dict[str, Any]:
        """Return the sample as the columns of a table."""
        return {
            f"{prefix}seconds": self.seconds.median,
            f"{prefix}seconds_low": self.seconds.low,
            f"{prefix}seconds_high": self.seconds.high,
            f"{prefix}repeats": self.seconds.repeats,
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
        No further call is timed once they have taken this many seconds together, even if `repeats` is not reached.
    warm_up : int
        Calls before the clock starts (0: the first call is timed, plans and caches included).
    predicted_bytes : int, optional
        The prediction to be stored beside the measurements.
    traced : bool
        Whether to measure the traced peak.
    resident : callable, optional
        Builds the same call in a fresh process: a function of an importable module (or a functools.partial of one)
        that makes the inputs and returns the call. Without it the resident peak is None.

    Raises
    ------
    TypeError, ValueError
        For arguments that cannot be used.
    RuntimeError
        If tracemalloc is on already: it would slow down what is timed.
    """
    for name, value in (("call", call), ("resident", resident)):
        if value is not None and not callable(value):
            raise TypeError(f"{name}: expected a callable, got {type(value).__name__}")
    repeats, warm_up = whole_number("repeats", repeats), whole_number("warm_up", warm_up, least=0)
    min_time, max_time = (
        positive("min_time", min_time, or_zero=True),
        positive("max_time", max_time),
    )
    seconds = timed(call, repeats=repeats, min_time=min_time, max_time=max_time, warm_up=warm_up)
    return CostSample(
        seconds,
        None
        if predicted_bytes is None
        else whole_number("predicted_bytes", predicted_bytes, least=0),
        traced_peak(call) if traced else None,
        None if resident is None else resident_peak(resident),
        thread_limits(),
    )


def timed(
    call: Callable[[], Any], *, repeats: int, min_time: float, max_time: float, warm_up: int = 1
) -> Seconds:
    """Return the seconds of one call; see `measure_cost`."""
    if tracemalloc.is_tracing():
        raise RuntimeError(
            "tracemalloc is on: stop it first, it slows down every allocation that is timed"
        )
    for _ in range(warm_up):
        call()
    samples: list[float] = []
    total = 0.0
    gc.collect()
    enabled = gc.isenabled()
    gc.disable()
    try:
        while (len(samples) < repeats or total < min_time) and (not samples or total < max_time):
            start = time.perf_counter()
            result = call()
            samples.append(time.perf_counter() - start)
            total += samples[-1]
            del result
    finally:
        if enabled:
            gc.enable()
    return Seconds.of(samples)


def traced_peak(call: Callable[[], Any]) -> int:
    """Return the peak bytes that one call allocates through Python and numpy above what was held before it."""
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


def thread_limits() -> dict[str, str]:
    """Return the thread limits of this process by environment variable."""
    return {name: os.environ.get(name, "not set") for name in THREAD_VARIABLES}
