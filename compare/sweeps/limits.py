"""What one evaluation of a sweep may take: seconds, and bytes of memory."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any

from pydantic import Field

from lift_compare.sensing.validation import InvalidValue

from .settings import Positive, Settings, checked

LIMITS = ("time_limit", "memory_limit")
"""The names of the limits, in a sweep's file and as keywords."""


class Limits(Settings):
    """Limits of each evaluation; None: no limit.

    `time_limit` is in seconds. `memory_limit` is in bytes beyond what the worker process has when
    the evaluation begins.
    """

    time_limit: Annotated[Positive, Field(le=1e9)] | None = None
    memory_limit: Annotated[int, Field(ge=1, le=2**62)] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Limits:
        """Return the limits, or refuse them by their names."""
        return cls(**checked(cls, values, "a sweep"))

    @property
    def given(self) -> list[str]:
        """The names of those that are set."""
        return [name for name in LIMITS if getattr(self, name) is not None]

    def refuse_where_impossible(self, *, in_workers: bool) -> None:
        """Raise ValueError for a limit that cannot be kept here, before any work."""
        for name in self.given:
            if not in_workers:
                raise InvalidValue(
                    f"{name}: expected none together with an executor, whose evaluations cannot "
                    "be ended from here; only the worker processes of a sweep can"
                )
        if self.memory_limit is not None and not sys.platform.startswith("linux"):
            raise InvalidValue(
                f"memory_limit: expected none on {sys.platform}: only Linux can keep one"
            )


@contextmanager
def limited_memory(limit: int | None) -> Iterator[None]:
    """Let this process allocate `limit` more bytes at most; what exceeds it is a MemoryError."""
    if limit is None:
        yield
        return
    import resource  # not on Windows

    with open("/proc/self/statm") as file:
        data = int(file.read().split()[5]) * resource.getpagesize()
    before, hard = resource.getrlimit(resource.RLIMIT_DATA)
    # Only the soft limit, so that it can be lifted again.
    given = [each for each in (before, hard) if each != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([data + limit, *given]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, hard))
