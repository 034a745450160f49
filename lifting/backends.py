"""The tensorly backend of a lifted problem, used without changing the user's session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tensorly as tl

BACKENDS = {"numpy": "numpy", "pytorch": "torch", "jax": "jax"}
"""Names of the backends, each with the package that it needs."""


@contextmanager
def using(backend: str) -> Iterator[None]:
    """Run tensorly on a backend inside the block, in this thread only.

    `tensorly.backend_context` leaves by setting the backend of *all* threads, also when it was entered for one: a
    session whose threads use different backends would be changed. So the thread's own setting is put back here.
    """
    before = tl.get_backend()
    if before == backend:
        yield
        return
    tl.set_backend(backend, local_threadsafe=True)
    try:
        yield
    finally:
        tl.set_backend(before, local_threadsafe=True)


def row_major(tensor: Any) -> Any:
    """Return a tensor in row-major layout, as the plans expect it (a copy only where needed)."""
    if hasattr(tensor, "is_contiguous"):
        return tensor.contiguous()
    flags = getattr(tensor, "flags", None)
    return tensor if flags is None or flags.c_contiguous else tensor.copy()
