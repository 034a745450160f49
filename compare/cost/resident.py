"""The resident peak of a call: what the system had to hold, work space of BLAS and LAPACK included.

`VmHWM` in /proc/self/status is the largest resident size a process has had. It is read in a fresh
child process: `ru_maxrss` of a child starts from its parent's peak, and memory that was freed
earlier may be used again unseen.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from .isolated import in_fresh_process

NOISE = 1_000_000
"""Bytes below which a resident peak is noise: the kernel counts in batches of pages."""

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident_peak(build: Callable[[], Callable[[], Any]], *, threads: int = 1) -> int | None:
    """Return by how many bytes a call raises the resident peak of a fresh process.

    Parameters
    ----------
    build : callable
        Makes the inputs in the child and returns the call to be measured (a function without
        arguments). It must be a function of an importable module, or a functools.partial of one
        with picklable arguments. Its imports and inputs belong to the baseline, not to the peak.
    threads : int
        Limit of BLAS threads in the child.

    Returns
    -------
    int or None
        Below `NOISE` it says nothing; None where there is no /proc.
    """
    return in_fresh_process(_measure, build, threads=threads)


def peak_of(call: Callable[[], Any]) -> int | None:
    """Return by how many bytes `call` raises the peak of *this* process, which should be fresh."""
    baseline = reset_peak()
    if baseline is None:
        return None
    result = call()
    peak = _status("VmHWM")
    del result
    return None if peak is None else max(peak - baseline, 0)


def reset_peak() -> int | None:
    """Give free memory back, start the peak anew, return the resident bytes; None without /proc.

    Where the peak cannot be started anew, the baseline is the peak so far: the difference is then a
    lower bound.
    """
    a = np.ones((256, 256))
    a @ a  # BLAS takes its packing buffers at the first product; they belong to the baseline
    del a
    gc.collect()
    with suppress(OSError, AttributeError, TypeError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)  # or pages freed by the set-up would be used again, unseen
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return _status("VmHWM")
    return _status("VmRSS")


def _measure(build: Callable[[], Callable[[], Any]]) -> int | None:
    return peak_of(build())


def _status(key: str) -> int | None:
    try:
        with _STATUS.open(encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass
    return None
