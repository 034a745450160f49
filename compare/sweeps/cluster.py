"""Whether a dask cluster still works: it never says that it has lost all its workers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

STALL_SECONDS = 30.0
"""A cluster of which no worker has had anything in hand for so long, while rows wait, is lost."""

_LOOK_SECONDS = 1.0


class ClusterWatch:
    """Looks at a dask cluster once a second, in a thread: asking one that is gone may take long.

    Parameters
    ----------
    executor : object
        Of `distributed.Client.get_executor`; of any other nothing is known, and it is never lost.
    """

    def __init__(self, executor: object) -> None:
        self.client: Any = None
        if type(executor).__module__.partition(".")[0] == "distributed":
            self.client = getattr(executor, "_client", None)
        self._busy = time.monotonic()
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Look as long as the block runs."""
        if self.client is not None:
            # A daemon: a question that is never answered keeps nobody from leaving.
            threading.Thread(target=self._look, name="cluster-watch", daemon=True).start()
        try:
            yield
        finally:
            self._ended.set()

    def _look(self) -> None:
        while not self._ended.wait(_LOOK_SECONDS):
            try:
                at_work = any(self.client.processing().values())
            except Exception:  # it cannot be reached
                at_work = False
            if at_work:
                self.note_progress()

    def note_progress(self) -> None:
        """Count the 30 seconds from now: something has been done."""
        self._busy = time.monotonic()

    def check(self, left: int, total: int) -> None:
        """Raise RuntimeError if the cluster is lost."""
        if self.client is not None and time.monotonic() - self._busy > STALL_SECONDS:
            raise RuntimeError(
                f"the cluster is lost: no worker has had a row in hand for {STALL_SECONDS:g} s; "
                f"{left} of {total} rows are left, and what was finished is in the store"
            )
