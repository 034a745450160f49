"""Worker processes of a sweep: one BLAS thread each, and they never outlive the sweep."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from ..threads import limited_children
from .evaluations import failure, provenance_here
from .limits import Limits, limited_memory
from .rows import Outcome

_LOOK_SECONDS = 0.5  # how often to see whether a process that says nothing still lives
_END_SECONDS = 5.0  # how long an idle worker may take to end by itself

_GUARD = (
    "a script that runs a sweep on worker processes must do so under `if __name__ == '__main__':`, "
    "because every worker imports the script"
)


class StartError(BrokenExecutor):
    """No worker process can be started."""


class WorkerPool:
    """Spawned processes that evaluate. One that dies or is ended costs the row in its hand only.

    A thread for each process hands it a row and waits for the outcome: a process can be killed
    whatever it is doing, also in C code, and the next row gets a new one. Every process holds one
    end of a pipe and ends at once when the other end closes, as it does when this process is
    killed.

    Parameters
    ----------
    jobs : int
        Number of processes.
    limits : Limits
        Seconds and bytes of each evaluation.
    lock_file : Path, optional
        What a worker deletes when it finds that this process is gone.
    """

    def __init__(
        self, jobs: int, limits: Limits | None = None, lock_file: Path | None = None
    ) -> None:
        self._theirs, self._ours = multiprocessing.get_context("spawn").Pipe(duplex=False)
        settings = (limits or Limits(), lock_file, self._theirs)
        self._workers = [_Worker(*settings) for _ in range(jobs)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(jobs, "sweep")

    def submit(self, evaluate: Callable[..., Outcome], *args: Any) -> Future[Outcome]:
        """Have evaluate(*args) run in a worker."""
        return self._threads.submit(self._in_a_worker, evaluate, args)

    def _in_a_worker(self, evaluate: Callable[..., Outcome], args: tuple[Any, ...]) -> Outcome:
        worker = self._idle.get()  # there is one for every thread
        try:
            return worker.evaluate(evaluate, args)
        finally:
            self._idle.put(worker)

    def prove(self) -> None:
        """Start one worker, to see that workers can start here."""
        self._workers[0].start()

    def close(self) -> None:
        """End the workers when they have nothing left to do."""
        self._threads.shutdown(wait=True)
        for worker in self._workers:
            worker.dismiss()
        for worker in self._workers:
            worker.join()
        self._close_the_pipe()

    def stop(self) -> None:
        """End the workers at once, whatever they are doing."""
        for worker in self._workers:
            worker.end()
        self._close_the_pipe()
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _close_the_pipe(self) -> None:
        self._ours.close()
        self._theirs.close()


class _Worker:
    """One process at a time, started when it is needed; used by one thread at a time."""

    _starting = threading.Lock()
    """Starting changes the environment and the signals of the whole process for a moment."""

    def __init__(self, limits: Limits, lock_file: Path | None, sweep_lives: Connection) -> None:
        self.limits, self.lock_file, self.sweep_lives = limits, lock_file, sweep_lives
        self.process: BaseProcess | None = None
        self.connection: Connection | None = None
        self.ended = False

    def evaluate(self, evaluate: Callable[..., Outcome], args: tuple[Any, ...]) -> Outcome:
        """Return the outcome of evaluate(*args) in the process, or why there is none."""
        connection = self.start()
        begin, limit = time.perf_counter(), self.limits.time_limit
        try:
            connection.send((evaluate, args))
            connection.recv()  # it has the row: what it had to import for that is not counted
            begin = time.perf_counter()
            if self._answers(connection, limit):
                outcome: Outcome = connection.recv()
                return outcome
            error = f"time limit: ended after {limit:g} s, the limit of one evaluation"
        except (EOFError, OSError):
            error = ""
        how = self._kill()
        error = error or (
            f"the worker process died ({how}): a crash, or the system ended it for its memory"
        )
        return failure(error, time.perf_counter() - begin)

    def _answers(self, connection: Connection, seconds: float | None) -> bool:
        """Wait for an answer; return False if none has come in time. EOFError if the process died.

        The pipe of a process that died may be held open by a process that it had started.
        """
        end = float("inf") if seconds is None else time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            if connection.poll(min(_LOOK_SECONDS, max(left, 0.0))):
                return True
            if left <= 0:
                return False
            if self.process is None or not (self.process.is_alive() or connection.poll()):
                raise EOFError

    def start(self) -> Connection:
        """Return the connection to a process that is ready; StartError if there can be none."""
        if self.process is not None and self.connection is not None and self.process.is_alive():
            return self.connection
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        settings = (theirs, self.sweep_lives, self.limits.memory_limit, self.lock_file)
        with self._starting:
            if self.ended:
                raise StartError("the sweep has ended")
            self.connection = ours
            self.process = context.Process(target=_work, args=settings)
            try:
                with limited_children(), _interrupts_blocked():
                    self.process.start()
            except OSError as error:
                raise StartError(f"no worker process can be started: {error}") from error
            finally:
                theirs.close()
        try:
            ours.recv()
        except (EOFError, OSError):
            self._kill()
            what = "the worker processes end as soon as they start"
            raise StartError(f"{what}; {_GUARD}") from None
        return ours

    def _kill(self) -> str:
        """End the process, if there is one; return how it had ended, or the signal that did it."""
        if self.process is None or self.connection is None:
            return ""
        self.process.kill()
        self.process.join()
        self.connection.close()
        code, self.process = self.process.exitcode or 0, None
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"

    def dismiss(self) -> None:
        """Tell the process that it has nothing left to do."""
        if self.process is not None and self.connection is not None:
            with suppress(OSError):  # it has died meanwhile
                self.connection.send(None)

    def join(self) -> None:
        """Wait for a dismissed process; kill it if it does not end."""
        if self.process is not None:
            self.process.join(_END_SECONDS)
            self._kill()

    def end(self) -> None:
        """Kill the process, from any thread, and start no other."""
        with self._starting:
            self.ended = True
            if self.process is not None and self.process.pid is not None:
                self.process.kill()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Start processes that no Ctrl-C interrupts, from their first instruction on.

    Ctrl-C is for the sweep, which ends its workers. It reaches every process of the terminal, and
    one that is still importing would print a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    # Started here, as its start would unblock the signal again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# In the worker -----------------------------------------------------------------------------------


def _work(
    connection: Connection,
    sweep_lives: Connection,
    memory_limit: int | None,
    lock_file: Path | None,
) -> None:
    """Evaluate what comes, until this worker is dismissed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(sweep_lives, lock_file), daemon=True).start()
    provenance_here()  # looked up before the time of a row counts
    try:
        connection.send(None)
        while True:
            message = connection.recv_bytes()
            outcome = _evaluated(message, connection, memory_limit)
            if outcome is None:
                return
            connection.send(outcome)
    except (EOFError, OSError):  # the sweep is gone
        _end_with(sweep_lives, lock_file)


def _evaluated(message: bytes, connection: Connection, memory_limit: int | None) -> Outcome | None:
    """Say that the row is there, evaluate it, and return its outcome; None if there is no row."""
    try:
        row = pickle.loads(message)
    except Exception as error:  # its module is missing here, or fails when it is imported
        connection.send(None)
        return failure(f"the evaluation cannot be loaded: {type(error).__name__}: {error}")
    if row is None:
        return None
    connection.send(None)
    evaluate, args = row
    try:
        with limited_memory(memory_limit):
            outcome: Outcome = evaluate(*args)
    except MemoryError:  # again, while the first one was being described
        outcome = failure("MemoryError")
    if memory_limit is not None and "MemoryError" in (outcome.error or ""):
        said = f"memory limit of {memory_limit} bytes: {outcome.error}"
        outcome = replace(outcome, error=said)
    return outcome


def _end_with(sweep_lives: Connection, lock_file: Path | None) -> None:
    """End this process when the other end of the pipe closes (nothing is ever sent through it).

    If the sweep was killed, nobody else would delete its lock file.
    """
    sweep_lives.poll(None)
    if lock_file is not None:
        with suppress(OSError):
            lock_file.unlink(missing_ok=True)
    os._exit(1)
