"""What is measured against what is known: allocations of a chosen size, sleeps counted, LAPACK's
hidden work space."""

from __future__ import annotations

import gc
import os
import time
import tracemalloc
from functools import partial

import numpy as np
import pytest

from lift_compare.compare import measure_cost
from lift_compare.compare.cost.isolated import ChildFailed, in_fresh_process
from lift_compare.compare.cost.measure import Seconds, traced_peak
from lift_compare.compare.cost.resident import peak_of, reset_peak, resident_peak
from lift_compare.compare.threads import THREAD_VARIABLES
from lift_compare.sensing.validation import show_bytes

MB = 10**6
needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/clear_refs"), reason="VmHWM is Linux only"
)


def ones(count: int) -> partial:
    """Return a picklable builder of the call np.ones(count)."""
    return partial(partial, np.ones, count)


class Clock:
    """Stands in for the time module: time passes only in sleep."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("lift_compare.compare.cost.measure.time", clock)
    return clock


def test_only_the_calls_after_the_warm_up_are_timed(clock):
    durations = iter([7.0, 2.0, 1.0, 3.0])
    sample = measure_cost(lambda: clock.sleep(next(durations)), repeats=3, min_time=0, traced=False)
    assert sample.seconds == Seconds.of([2.0, 1.0, 3.0])
    assert next(durations, None) is None
    assert sample.traced_bytes is None
    assert sample.resident_bytes is None


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [
        ({"repeats": 4, "min_time": 0}, 4),
        ({"repeats": 1, "min_time": 3.5}, 7),  # goes on until the least time
        ({"repeats": 50, "min_time": 0, "max_time": 2.0}, 4),  # ends at the most
        ({"repeats": 50, "min_time": 0, "max_time": 0.1}, 1),  # but one call is always timed
    ],
)
def test_repeats_follow_the_least_and_the_most_time(clock, arguments, calls):
    sample = measure_cost(lambda: clock.sleep(0.5), warm_up=0, traced=False, **arguments)
    assert sample.seconds.repeats == calls
    assert sample.seconds.median == 0.5


def test_quantiles_are_those_of_the_samples():
    seconds = Seconds.of([5.0, 1.0, 3.0, 2.0, 4.0, 6.0])
    assert (seconds.low, seconds.median, seconds.high, seconds.repeats) == (2.0, 3.5, 5.0, 6)


def test_tracemalloc_is_off_while_timing_and_on_for_the_traced_call():
    seen = []
    measure_cost(lambda: seen.append(tracemalloc.is_tracing()), repeats=2, min_time=0)
    assert seen == [False, False, False, True]
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        with pytest.raises(RuntimeError, match="tracemalloc is on"):
            measure_cost(lambda: None)
    finally:
        tracemalloc.stop()


def test_garbage_collection_is_off_while_timing_and_back_on_after_a_failure():
    seen = []
    measure_cost(
        lambda: seen.append(gc.isenabled()), repeats=1, min_time=0, warm_up=0, traced=False
    )
    assert seen == [False]

    def fails():
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        measure_cost(fails, warm_up=0)
    assert gc.isenabled()
    with pytest.raises(OSError, match="no"):
        traced_peak(fails)
    assert not tracemalloc.is_tracing()


@pytest.mark.parametrize("size", [MB, 40 * MB])
def test_traced_peak_is_what_the_call_allocates_above_what_was_held(size):
    held = np.ones(MB)
    assert traced_peak(lambda: np.ones(size // 8)) == pytest.approx(size, rel=0.01)
    assert traced_peak(lambda: np.sum(held)) < 0.01 * MB


@needs_proc
def test_resident_peak_is_that_of_the_call_alone():
    parent = np.ones(20 * MB // 8)  # neither the parent's peak nor its arrays may show in the child
    assert resident_peak(ones(10)) < MB
    assert resident_peak(ones(40 * MB // 8)) == pytest.approx(40 * MB, rel=0.05)
    assert resident_peak(partial(partial, np.sum, parent)) < MB


@needs_proc
def test_the_resident_peak_sees_the_work_space_of_lapack():
    """U, V, a copy and a work space of four matrices and more (traced from numpy 2.5 on)."""
    matrix = np.random.default_rng(0).standard_normal((600, 600))
    sample = measure_cost(
        partial(np.linalg.svd, matrix),
        repeats=1,
        min_time=0,
        resident=partial(partial, np.linalg.svd, matrix),
    )
    assert sample.resident_bytes > 7 * matrix.nbytes
    assert sample.traced_bytes < 1.05 * sample.resident_bytes


def test_the_sample_reads_well_and_becomes_a_row():
    sample = measure_cost(lambda: np.ones(MB), repeats=3, min_time=0, predicted_bytes=8 * MB)
    assert (
        f"predicted {show_bytes(8 * MB)}, traced {show_bytes(sample.traced_bytes)}, resident –"
        in repr(sample)
    )
    assert "3 calls" in repr(sample)
    row = sample.row("run_")
    assert row["run_seconds"] == sample.seconds.median
    assert row["run_predicted_bytes"] == 8 * MB
    assert row["run_resident_bytes"] is None
    assert set(sample.threads) == set(THREAD_VARIABLES)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"call": 3}, TypeError, "call: expected a callable, got int"),
        ({"resident": 3}, TypeError, "resident: expected a callable, got int"),
        ({"repeats": 0}, ValueError, "repeats: expected a whole number of at least 1"),
        ({"repeats": 1.5}, TypeError, "repeats"),
        ({"min_time": -1.0}, ValueError, "min_time"),
        ({"max_time": 0}, ValueError, "max_time"),
        ({"warm_up": -1}, ValueError, "warm_up"),
        ({"predicted_bytes": -1}, ValueError, "predicted_bytes"),
    ],
)
def test_bad_input_is_refused_by_name(arguments, error, text):
    with pytest.raises(error, match=text):
        measure_cost(**{"call": lambda: None, "repeats": 1, "min_time": 0, **arguments})


def test_the_fresh_process_returns_raises_and_is_pinned():
    assert in_fresh_process(os.path.join, "a", "b") == "a/b"
    assert in_fresh_process(os.getenv, "OPENBLAS_NUM_THREADS", threads=3) == "3"
    assert in_fresh_process(int, "11", base=2) == 3
    assert in_fresh_process(os.getpid) != os.getpid()
    with pytest.raises(ZeroDivisionError):
        in_fresh_process(divmod, 1, 0)
    assert in_fresh_process(print, "goes to stderr, not into the reply") is None


def test_a_fresh_process_that_dies_or_hangs_is_reported():
    with pytest.raises(ChildFailed, match=r"_exit: the fresh process ended with exit code 7"):
        in_fresh_process(os._exit, 7)
    with pytest.raises(ChildFailed, match="SIGABRT"):
        in_fresh_process(os.abort)
    with pytest.raises(TimeoutError, match=r"sleep: no result after 0\.5 s"):
        in_fresh_process(time.sleep, 30, timeout=0.5)


def test_what_cannot_travel_to_a_fresh_process_is_refused():
    with pytest.raises(TypeError, match="module-level function with picklable arguments"):
        in_fresh_process(lambda: 1)
    with pytest.raises(TypeError, match="picklable arguments"):
        in_fresh_process(len, (lambda: 1,))
    with pytest.raises(ValueError, match="threads"):
        in_fresh_process(os.getpid, threads=0)


def test_without_proc_there_is_no_resident_peak(monkeypatch, tmp_path):
    monkeypatch.setattr("lift_compare.compare.cost.resident._STATUS", tmp_path / "missing")
    called = []
    assert peak_of(lambda: called.append(1)) is None
    assert not called


@needs_proc
def test_where_the_peak_cannot_be_started_anew_the_peak_so_far_is_the_baseline(
    monkeypatch, tmp_path
):
    monkeypatch.setattr(
        "lift_compare.compare.cost.resident._CLEAR", tmp_path / "missing" / "clear_refs"
    )
    before = np.ones(30 * MB // 8)
    del before  # this peak now hides any smaller one: the result is a lower bound
    assert reset_peak() >= 30 * MB
    assert peak_of(lambda: np.ones(10 * MB // 8)) < 10 * MB
