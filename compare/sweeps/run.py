"""Running a sweep: claim what has no row yet, have it evaluated, keep what comes back."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    wait,
)
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from tqdm import tqdm

from lift_compare.sensing.validation import InvalidType, shown, whole_number

from ..tabular import Tabular
from .cluster import ClusterWatch
from .evaluations import evaluate, failure
from .export import flat
from .limits import LIMITS, Limits
from .rows import Outcome, Status, StoredRow, Task
from .session import Session
from .store import Answer, Store
from .sweep import Sweep
from .workers import StartError, WorkerPool

_POLL_SECONDS = 0.2  # how often to look at what another process has claimed, and at a cluster


@dataclass(frozen=True, repr=False)
class SweepReport(Tabular):
    """What a sweep left in the store.

    Attributes
    ----------
    rows : tuple of StoredRow
        One for every evaluation of the sweep, in its order.
    ran : int
        How many of them this call evaluated; the others were in the store, or came from another
        process.
    seconds : float
        Wall-clock seconds of this call.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.SweepReport((), 0, 0.0)
    SweepReport(0 rows: ; 0 run here in 0 s)
    """

    rows: tuple[StoredRow, ...]
    ran: int
    seconds: float

    def _records(self) -> list[dict[str, Any]]:
        return list(map(flat, self.rows))

    def count(self, status: Status) -> int:
        """Return the number of rows with a status."""
        return sum(row.status == status for row in self.rows)

    def __repr__(self) -> str:
        counts = ", ".join(
            f"{self.count(status)} {status}" for status in Status if self.count(status)
        )
        ran = f"{self.ran} run here in {self.seconds:.3g} s"
        return f"SweepReport({len(self.rows)} rows: {counts}; {ran})"


def run_sweep(
    sweep: Sweep,
    store_path: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    time_limit: float | None = None,
    memory_limit: int | None = None,
    retry_failed: bool = False,
    progress: bool = True,
) -> SweepReport:
    """Evaluate what the store does not hold yet, and return all rows of the sweep.

    Several processes may run sweeps on one store at the same time: each evaluation is run by one of
    them, and every one of them returns when all its rows are there. A sweep that was killed goes on
    where it was.

    Parameters
    ----------
    sweep : Sweep
        What to evaluate.
    store_path : path-like
        SQLite file; created when missing.
    executor : concurrent.futures.Executor, optional
        Where to evaluate, for example `distributed.Client.get_executor()`; the caller shuts it
        down. By default new processes of this machine, one BLAS thread each, that end with the
        sweep.
    jobs : int, optional
        Number of processes; with an executor, number of evaluations handed to it at a time.
        Default: the number of cores.
    time_limit : float, optional
        Seconds that one evaluation may take: then its process is killed, whatever it is doing, and
        the row fails. Default: that of the sweep.
    memory_limit : int, optional
        Bytes that one evaluation may allocate (Linux): what exceeds them is a MemoryError, and the
        row fails. Default: that of the sweep.
    retry_failed : bool
        Run the failed and refused evaluations of the store again.
    progress : bool
        Show progress on stderr when it is a terminal.

    Returns
    -------
    SweepReport

    Raises
    ------
    TypeError, ValueError
        For a limit out of its range, or one that cannot be kept: with an executor nothing can be
        ended.
    StoreError
        If the file is no store.
    RuntimeError
        If the executor breaks, the worker processes cannot start, or no worker of a dask cluster
        has had a row in hand for 30 seconds.

    Examples
    --------
    >>> import os, tempfile
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> from lift_compare import compare
    >>> sweep = compare.Sweep("path", {"eta": [0.01, 0.02]}, {"instance": "two-by-two"})
    >>> with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1) as executor:
    ...     report = compare.run_sweep(sweep, os.path.join(folder, "s.db"), executor=executor)
    >>> len(report.rows), report.ran
    (2, 2)
    """
    if not isinstance(sweep, Sweep):
        raise InvalidType(f"sweep: expected a Sweep, got {shown(sweep)}")
    jobs = os.cpu_count() or 1 if jobs is None else whole_number("jobs", jobs)
    own = {"time_limit": time_limit, "memory_limit": memory_limit}
    given = {name: value for name, value in own.items() if value is not None}
    limits = Limits.of({name: getattr(sweep, name) for name in LIMITS} | given)
    limits.refuse_where_impossible(in_workers=executor is None)
    begin = time.perf_counter()
    with Store(store_path) as store, store.session() as session, _bar(sweep, progress) as bar:
        run = _Run(sweep, store, session, bar, retry_failed)
        store.plan(sweep.tasks, session)
        if executor is not None:
            run.all(executor, jobs)
        else:
            with _pool(WorkerPool(jobs, limits, session.path)) as pool:
                if multiprocessing.current_process().name != "MainProcess":
                    # A worker that imports a script without a guard fails here, before it claims
                    # anything; otherwise it would wait for what its own parent has in hand.
                    pool.prove()
                run.all(pool, 2 * jobs)  # one in hand and one waiting for every worker
    return SweepReport(rows_in(store_path, sweep), run.finished, time.perf_counter() - begin)


def rows_in(store_path: str | os.PathLike[str], sweep: Sweep) -> tuple[StoredRow, ...]:
    """Return the rows of a sweep in its order; one that a store lacks was interrupted."""
    with Store(store_path, create=False) as store:
        stored = {row.task.key: row for row in store.rows()}
    missing = partial(
        StoredRow,
        status=Status.INTERRUPTED,
        attempts=0,
        results={},
        error=None,
        warnings=(),
        seconds=None,
        finished=None,
        provenance={},
    )
    return tuple(stored.get(task.key) or missing(task) for task in sweep.tasks)


class _Run:
    """The state of one call of `run_sweep`: tasks to claim, claimed by others, in flight."""

    def __init__(
        self, sweep: Sweep, store: Store, session: Session, bar: tqdm[Any], retry_failed: bool
    ) -> None:
        self.function = sweep.definition.run
        self.store, self.session, self.bar = store, session, bar
        self.open = deque(sweep.tasks)
        self.elsewhere: deque[Task] = deque()
        self.flying: dict[Future[Outcome], Task] = {}
        self.finished = 0
        self.total = len(sweep)
        self.retry = store.attempts(sweep.tasks) if retry_failed else {}

    @property
    def left(self) -> int:
        """The number of rows that are not finished."""
        return len(self.open) + len(self.elsewhere) + len(self.flying)

    def all(self, executor: Executor | WorkerPool, at_once: int) -> None:
        """Evaluate until every task has its row."""
        watch = ClusterWatch(executor)
        try:
            with watch.running():
                while self.open or self.elsewhere or self.flying:
                    self.step(executor, at_once, watch)
        except BaseException:  # Ctrl-C too
            with suppress(RuntimeError):  # that more is lost changes nothing
                self.land()  # what is finished is kept
            for future in self.flying:
                future.cancel()
            raise

    def step(self, executor: Executor | WorkerPool, at_once: int, watch: ClusterWatch) -> None:
        """Claim what there is room for, and wait until something has or may have changed."""
        if not self.open:
            self.open, self.elsewhere = self.elsewhere, deque()
        self.launch(executor, at_once - len(self.flying))
        if self.flying:
            look = self.elsewhere or watch.client is not None
            wait(self.flying, _POLL_SECONDS if look else None, FIRST_COMPLETED)
            if self.land():
                watch.note_progress()
            watch.check(self.left, self.total)
        elif self.elsewhere and not self.open:
            time.sleep(_POLL_SECONDS)
            watch.note_progress()  # nothing has been asked of the cluster

    def launch(self, executor: Executor | WorkerPool, room: int) -> None:
        """Claim open tasks and hand them to the executor, as many as there is room for."""
        while room > 0 and self.open:
            batch = list(itertools.islice(self.open, 500))
            answers = self.store.claim(batch, self.session, limit=room, retry=self.retry)
            for task, answer in zip(batch, answers, strict=False):
                self.open.popleft()
                if answer is Answer.ELSEWHERE:
                    self.elsewhere.append(task)
                elif answer is Answer.FINISHED:
                    self.bar.update()
                else:
                    self.flying[self.submit(executor, task)] = task
                    room -= 1

    def submit(self, executor: Executor | WorkerPool, task: Task) -> Future[Outcome]:
        """Hand a task to the executor; one that broke before gives a broken future, as later."""
        try:
            return executor.submit(evaluate, self.function, task.settings)
        except BrokenExecutor as error:
            future: Future[Outcome] = Future()
            future.set_exception(error)
            return future

    def land(self) -> int:
        """Write what has been evaluated to the store; return the number of these rows.

        Raises
        ------
        RuntimeError
            If the executor lost a row: then it has broken. All others are written first.
        """
        landed = [future for future in self.flying if future.done()]
        lost = [future for future in landed if not self.record(self.flying.pop(future), future)]
        if lost:
            error = None if lost[0].cancelled() else lost[0].exception()
            what = error if isinstance(error, StartError) else "the executor broke or was shut down"
            left = f"{self.left + len(lost)} of {self.total} rows are left"
            raise RuntimeError(f"{what}; {left}, and what was finished is in the store")
        return len(landed)

    def record(self, task: Task, future: Future[Outcome]) -> bool:
        """Write one outcome to the store; False if the executor lost it."""
        error = CancelledError() if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor | CancelledError):
            return False
        said = f"{type(error).__name__}: {error}"
        outcome = future.result() if error is None else failure(said)
        self.finished += self.store.finish(task, self.session, outcome)
        self.bar.update()
        return True


@contextmanager
def _pool(pool: WorkerPool) -> Iterator[WorkerPool]:
    """Close the pool in the end, or stop it if something is wrong."""
    try:
        yield pool
    except BaseException:
        pool.stop()
        raise
    pool.close()


def _bar(sweep: Sweep, progress: bool) -> tqdm[Any]:
    name = sweep.definition.name
    # What takes less than two seconds needs no bar.
    disable = None if progress else True
    return tqdm(total=len(sweep), desc=name, unit="row", disable=disable, delay=2)
