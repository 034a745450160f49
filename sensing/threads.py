"""One BLAS thread for products of a middling size.

A threaded product that must wait for a busy core costs a time slice of the system, some 10 ms: a
hundred times the product itself where that takes 0.1 ms. Measured figures: docs/dependencies.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


@cache
def _blas() -> list[Any]:
    """Return the handles of the BLAS libraries that are loaded (looked up once: it takes ms)."""
    import scipy.linalg  # noqa: F401 - it brings a BLAS of its own

    libraries: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return libraries


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS to one thread inside the block; entering and leaving take some microseconds.

    threadpoolctl's own context looks up everything about each library first, which takes 20 µs.
    """
    several = [(library, count) for library in _blas() if (count := library.num_threads) != 1]
    for library, _ in several:
        library.set_num_threads(1)
    try:
        yield
    finally:
        for library, count in several:
            library.set_num_threads(count)
