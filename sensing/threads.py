"""One BLAS thread for products of a middling size.

A threaded product that must wait for a busy core costs a time slice of the system, some 10 ms: a
hundred times the product itself where that takes 0.1 ms. Measured figures: docs/dependencies.md.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


@cache
def _controller() -> ThreadpoolController:
    """Return the handle of the thread pools that are loaded (looked up once: it takes ms)."""
    import scipy.linalg  # noqa: F401 - it brings a BLAS of its own

    return ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Limit BLAS to one thread inside the block; entering and leaving take some 20 µs."""
    limit: AbstractContextManager[object] = _controller().limit(limits=1, user_api="blas")
    return limit
