"""What a sweep is made of: a task, what its evaluation leaves behind, the row that keeps both."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """What became of an evaluation."""

    DONE = "done"
    FAILED = "failed"  # it raised; the row keeps the error
    REFUSED = "refused"  # it would have needed more memory than allowed
    RUNNING = "running"  # a live process has it in hand
    WAITING = "waiting"  # a live process has planned it
    INTERRUPTED = "interrupted"  # that process is gone; the next sweep takes it up


MISSING = (Status.RUNNING, Status.WAITING, Status.INTERRUPTED)
"""What has no outcome yet."""


@dataclass(frozen=True)
class Task:
    """One evaluation to run: the name and version of what is evaluated, and complete settings.

    Attributes
    ----------
    key : str
        Hash of the other three: the identity of the row.
    """

    key: str
    evaluation: str
    version: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What an evaluation left behind: results or an error, with seconds and provenance."""

    status: Status
    results: dict[str, Any] | None
    error: str | None
    warnings: tuple[str, ...]
    seconds: float
    provenance: dict[str, Any]


@dataclass(frozen=True)
class StoredRow:
    """A row of the store."""

    task: Task
    status: Status
    attempts: int
    results: dict[str, Any]
    error: str | None
    warnings: tuple[str, ...]
    seconds: float | None
    finished: str | None
    provenance: dict[str, Any]
