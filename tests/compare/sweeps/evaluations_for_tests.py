"""Small evaluations for the tests of sweeps; worker processes import them from here by name."""

from __future__ import annotations

import os
import signal
import time
import warnings
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from lift_compare.compare.sweeps.evaluations import Evaluation
from lift_compare.lifting import MemoryLimitExceeded


def square(
    *,
    x: Annotated[int, Field(ge=0, le=10**6)],
    log: str = "",
    seconds: Annotated[float, Field(ge=0)] = 0.0,
) -> dict[str, Any]:
    """x², with a line in a log at the begin and at the end."""
    _note(log, f"begin {x}")
    time.sleep(seconds)
    _note(log, f"end {x}")
    return {"square": x * x}


def gated(*, x: int, log: str, gate: str) -> dict[str, Any]:
    """x², but x = 0 waits until the file `gate` exists."""
    _note(log, f"begin {x}")
    while x == 0 and not os.path.exists(gate):
        time.sleep(0.005)
    _note(log, f"end {x}")
    return {"square": x * x}


def napping(*, x: int, folder: str) -> dict[str, Any]:
    """A minute's sleep, under a file named after the process."""
    open(os.path.join(folder, str(os.getpid())), "w").close()
    time.sleep(60)
    return {"value": x}


def moody(*, x: int) -> dict[str, Any]:
    """An evaluation with something the matter for most x."""
    if x == 1:
        raise ValueError("one is\nnot welcome")
    if x == 2:
        raise MemoryLimitExceeded(8000, 100, "the lift")
    if x == 3:
        warnings.warn("three is a crowd", stacklevel=1)
    if x == 4:
        return {"value": np.float64("nan"), "list": np.array([1.0, np.inf])}
    if x == 5:
        return 5  # type: ignore[return-value]
    if x == 6:
        return {"value": object()}
    return {"value": x}


def deadly(*, x: int) -> dict[str, Any]:
    """The process of x = 2 is killed, as the system does when memory ends."""
    if x == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"value": x}


def greedy(*, how: str, log: str = "") -> dict[str, Any]:
    """An evaluation that takes too much, in one of several ways."""
    _note(log, f"begin {how}")
    if how == "sleeps":
        time.sleep(600)
    if how == "stuck in C":  # one call that lasts for hours and never lets another thread run
        return {"digits": 7 ** (10**10)}
    if how == "one array":
        return {"sum": float(np.ones(30_000_000).sum())}
    if how == "many objects":
        return {"count": len([bytearray(1000) for _ in range(240_000)])}
    if how == "exits":
        raise SystemExit(3)
    return {"process": os.getpid()}


def flaky(*, flag: str) -> dict[str, Any]:
    """Fails until the file `flag` exists."""
    if not os.path.exists(flag):
        raise RuntimeError("not yet")
    return {"value": 1}


def threads() -> dict[str, Any]:
    """The thread limits that the process sees."""
    return {"threads": os.environ.get("OMP_NUM_THREADS", "not set"), "process": os.getpid()}


def pinned(*, x: int) -> dict[str, Any]:
    return threads()


def _note(log: str, line: str) -> None:
    if log:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(
            descriptor, f"{line}\n".encode()
        )  # one write: lines of several processes do not mix
        os.close(descriptor)


SQUARE = Evaluation("square", square)
GATED = Evaluation("gated", gated)
MOODY = Evaluation("moody", moody)
DEADLY = Evaluation("deadly", deadly)
GREEDY = Evaluation("greedy", greedy)
FLAKY = Evaluation("flaky", flaky)
NAPPING = Evaluation("napping", napping)
PINNED = Evaluation("pinned", pinned)
