"""Worker processes of a sweep: one BLAS thread each, and they never outlive the sweep."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from ..threads import limited_children

T = TypeVar("T")

_GUARD = (
    "a script that runs a sweep on worker processes must do so under `if __name__ == '__main__':`, "
    "because every worker imports the script"
)


class WorkerPool:
    """A pool of spawned processes that can be started again after one of them died.

    Every worker holds one end of a pipe and ends at once when the other end closes: when `stop` is
    called, and when this process is killed. An evaluation in hand is then lost, as it should be.

    Parameters
    ----------
    jobs : int
        Number of processes.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._theirs, self._ours = context.Pipe(duplex=False)
        self._pool = ProcessPoolExecutor(
            self.jobs, mp_context=context, initializer=_begin_worker, initargs=(self._theirs,)
        )

    def submit(self, function: Callable[..., T], *args: Any) -> Future[T]:
        """Run function(*args) in a worker."""
        with limited_children():  # processes start at a submit, and read their environment then
            return self._pool.submit(function, *args)

    def prove(self) -> None:
        """Run nothing in a worker, to see that workers can start here."""
        self.submit(_nothing).result()

    def restart(self) -> None:
        """Replace a broken pool by a new one.

        Raises
        ------
        RuntimeError
            If the new workers die before they have done anything.
        """
        self.stop()
        self._start()
        try:
            self.prove()
        except BrokenExecutor:
            what = "the worker processes end as soon as they start"
            raise RuntimeError(f"{what}; {_GUARD}") from None

    def close(self) -> None:
        """End the workers when they have nothing left to do."""
        self._pool.shutdown(wait=True)
        self._ours.close()
        self._theirs.close()

    def stop(self) -> None:
        """End the workers at once, whatever they are doing."""
        self._ours.close()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._theirs.close()


def _nothing() -> None:
    """Show that a worker works."""


def _begin_worker(sweep_lives: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which ends its workers
    threading.Thread(target=_end_with, args=(sweep_lives,), daemon=True).start()


def _end_with(sweep_lives: Connection) -> None:
    """End this process when the other end of the pipe closes (nothing is ever sent through it)."""
    sweep_lives.poll(None)
    os._exit(1)
