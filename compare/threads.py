"""The thread limits of BLAS and its kin, for every process that is started or described."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""The environment variables that limit threads; they are read when numpy is imported."""


def thread_limits() -> dict[str, str]:
    """Return the limits of this process by variable ("not set": as many as BLAS likes)."""
    return {name: os.environ.get(name, "not set") for name in THREAD_VARIABLES}


@contextmanager
def limited_children(threads: int = 1) -> Iterator[None]:
    """Limit the threads of the processes that are started inside the block."""
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
