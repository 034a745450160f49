"""Ablations: one evaluation over the combinations of its settings, kept in a store that survives any interruption."""

from __future__ import annotations

import hashlib
import itertools
import math
import os
import time
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tqdm import tqdm

from sensing.validation import whole_number

from .ablations import EVALUATIONS
from .evaluations import Evaluation, evaluate, failure
from .store import Claim, Outcome, Session, Status, Store, StoredRow, Task, canonical_json
from .workers import WorkerPool, check_not_a_worker

MAX_EVALUATIONS = 100_000
"""A sweep of more evaluations than this is refused: it is taken for a mistake."""

_MAX_FILE_BYTES = 1_000_000
_POLL_SECONDS = 0.2  # how often to look whether another process has finished, or given up, what it claimed
_KEYS = ("evaluation", "description", "fixed", "grid")


@dataclass(frozen=True, repr=False)
class Sweep:
    """An evaluation and the settings to evaluate it at; checked as a whole when it is made.

    Attributes
    ----------
    evaluation : str or Evaluation
        Name of a shipped evaluation (`compare.EVALUATIONS`), or one of your own.
    grid : mapping, or sequence of mappings
        From settings to lists of values. One mapping means every combination of its values; several mean the union of
        their combinations, as in ablations that vary one setting at a time. Combinations with equal settings are one.
    fixed : mapping
        Settings that every evaluation shares.
    description : str
        A line for the reader.

    Raises
    ------
    TypeError, ValueError
        For an unknown evaluation or setting, a value that is not allowed, a setting that is missing or both fixed and
        varied, or more than `MAX_EVALUATIONS` combinations. The message names the setting.
    """

    evaluation: str | Evaluation
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    tasks: tuple[Task, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(self._tasks()))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Sweep:
        """Return the sweep of a dict with the keys evaluation, grid, and optionally fixed and description."""
        unknown = [key for key in settings if key not in _KEYS]
        if unknown:
            raise ValueError(f"{unknown[0]}: unknown key; a sweep has the keys {', '.join(_KEYS)}")
        for key in ("evaluation", "grid"):
            if key not in settings:
                raise ValueError(f"{key}: a sweep needs this key, and it is missing")
        return cls(**{key: settings[key] for key in _KEYS if key in settings})

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Sweep:
        """Return the sweep of a TOML file (docs/sweeps.md); every error names the file.

        Raises
        ------
        ValueError
            If the file is missing, too large, not TOML, or not a sweep.
        """
        try:
            with open(path, "rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
            if len(content) > _MAX_FILE_BYTES:
                raise ValueError(f"expected a sweep of at most {_MAX_FILE_BYTES} bytes, got more")
            return cls.from_dict(tomllib.loads(content.decode("utf-8")))
        except OSError as error:
            raise ValueError(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: expected a TOML file, got bytes that are not UTF-8") from error
        except RecursionError as error:
            raise ValueError(f"{path}: expected a sweep, got values nested too deep") from error
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def definition(self) -> Evaluation:
        """The evaluation itself."""
        if isinstance(self.evaluation, Evaluation):
            return self.evaluation
        if not isinstance(self.evaluation, str) or self.evaluation not in EVALUATIONS:
            raise ValueError(f"evaluation: expected one of {', '.join(EVALUATIONS)}, got {self.evaluation!r:.60}")
        return EVALUATIONS[self.evaluation]

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings that the grid varies."""
        return tuple(dict.fromkeys(name for grid in self._grids() for name in grid))

    def __len__(self) -> int:
        return len(self.tasks)

    def __repr__(self) -> str:
        return f"Sweep({self.definition.name!r}: {len(self)} evaluations over {', '.join(self.varied)})"

    def _grids(self) -> list[Mapping[str, Sequence[Any]]]:
        grids = [self.grid] if isinstance(self.grid, Mapping) else self.grid
        if not isinstance(grids, list | tuple) or not all(isinstance(grid, Mapping) for grid in grids):
            raise TypeError(f"grid: expected a table of lists, or several, got {self.grid!r:.60}")
        return list(grids)

    def _tasks(self) -> Iterator[Task]:
        definition, grids = self.definition, self._grids()
        if not isinstance(self.fixed, Mapping):
            raise TypeError(f"fixed: expected a table of settings, got {self.fixed!r:.60}")
        if not isinstance(self.description, str):
            raise TypeError(f"description: expected a line of text, got {self.description!r:.60}")
        if not any(grids):
            raise ValueError("grid: expected at least one setting to vary, got none")
        fixed = {name: definition.check(name, value) for name, value in self.fixed.items()}
        size = 0
        for grid in grids:
            for name, values in grid.items():
                if name in fixed:
                    raise ValueError(f"{name}: both fixed and varied by the grid")
                if not isinstance(values, list | tuple):
                    raise TypeError(f"{name}: expected a list of values to vary over, got {values!r:.60}")
                if not values:
                    raise ValueError(f"{name}: expected at least one value to vary over, got an empty list")
            size += math.prod(len(values) for values in grid.values())
        if size > MAX_EVALUATIONS:
            raise ValueError(f"grid: expected at most {MAX_EVALUATIONS} evaluations, got {size:.6g}")
        seen = set()
        for grid in grids:
            checked = [[definition.check(name, value) for value in values] for name, values in grid.items()]
            for values in itertools.product(*checked):
                task = task_of(definition, {**fixed, **dict(zip(grid, values, strict=True))})
                if task.key not in seen:
                    seen.add(task.key)
                    yield task


def task_of(evaluation: Evaluation, settings: Mapping[str, Any]) -> Task:
    """Return the task of an evaluation at checked settings; its key is a hash of name, version and all settings."""
    whole = evaluation.canonical(settings)
    identity = canonical_json([evaluation.name, evaluation.version, whole])
    return Task(hashlib.sha256(identity.encode()).hexdigest(), evaluation.name, evaluation.version, whole)


@dataclass(frozen=True, repr=False)
class SweepReport:
    """What a sweep left in the store.

    Attributes
    ----------
    rows : tuple of StoredRow
        One for every evaluation of the sweep, in its order.
    ran : int
        How many of them this call evaluated; the others were in the store, or came from another process.
    seconds : float
        Wall-clock seconds of this call.
    """

    rows: tuple[StoredRow, ...]
    ran: int
    seconds: float

    def count(self, status: Status) -> int:
        """Return the number of rows with a status."""
        return sum(row.status == status for row in self.rows)

    def __repr__(self) -> str:
        counts = ", ".join(f"{self.count(status)} {status}" for status in Status if self.count(status))
        return f"SweepReport({len(self.rows)} rows: {counts}; {self.ran} run here in {self.seconds:.3g} s)"


def run_sweep(
    sweep: Sweep,
    store_path: str | os.PathLike[str],
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    retry_failed: bool = False,
    progress: bool = True,
) -> SweepReport:
    """Evaluate what the store does not hold yet, and return all rows of the sweep.

    Several processes may run sweeps on one store at the same time: each evaluation is run by one of them, and every
    one of them returns when all its rows are there. A sweep that was killed goes on where it was.

    Parameters
    ----------
    sweep : Sweep
        What to evaluate.
    store_path : path-like
        SQLite file; created when missing.
    executor : concurrent.futures.Executor, optional
        Where to evaluate, for example `distributed.Client.get_executor()`; the caller shuts it down. By default new
        processes of this machine, one BLAS thread each, that end with the sweep.
    jobs : int, optional
        Number of processes; with an executor, number of evaluations handed to it at a time. Default: the number of
        cores.
    retry_failed : bool
        Run the failed and refused evaluations of the store again.
    progress : bool
        Show progress on stderr when it is a terminal.

    Raises
    ------
    StoreError
        If the file is no store.
    RuntimeError
        If the executor breaks, or the worker processes cannot start.
    """
    jobs = os.cpu_count() or 1 if jobs is None else whole_number("jobs", jobs)
    if executor is None:
        check_not_a_worker()
    begin = time.perf_counter()
    with Store(store_path) as store, store.session() as session, _bar(sweep, progress) as bar:
        run = _Run(sweep, store, session, bar, retry_failed)
        if executor is not None:
            run.all(executor, jobs)
        else:
            with _pool(jobs) as pool:
                run.all(pool, 2 * jobs)  # one in hand and one waiting for every worker
        keys = {task.key: None for task in sweep.tasks}
        stored = {row.task.key: row for row in store.rows() if row.task.key in keys}
    rows = tuple(stored[key] for key in keys)
    return SweepReport(rows, run.finished, time.perf_counter() - begin)


class _Run:
    """The state of one call of `run_sweep`: tasks to claim, tasks claimed by others, evaluations in flight."""

    def __init__(self, sweep: Sweep, store: Store, session: Session, bar: tqdm[Any], retry_failed: bool) -> None:
        self.function = sweep.definition.run
        self.store, self.session, self.bar = store, session, bar
        self.open = deque(sweep.tasks)
        self.elsewhere: deque[Task] = deque()
        self.flying: dict[Future[Outcome], Task] = {}
        self.finished = 0
        self.retry: dict[str, int] = {}
        if retry_failed:
            for status in (Status.FAILED, Status.REFUSED):
                self.retry |= store.attempts(sweep.tasks, status)

    def all(self, executor: Executor | WorkerPool, at_once: int) -> None:
        """Evaluate until every task has its row."""
        try:
            while self.open or self.elsewhere or self.flying:
                if not self.open:
                    self.open, self.elsewhere = self.elsewhere, deque()
                self.launch(executor, at_once - len(self.flying))
                if self.flying:
                    wait(self.flying, _POLL_SECONDS if self.elsewhere else None, FIRST_COMPLETED)
                    lost = self.land()
                    if lost:
                        self.isolate(executor, lost)
                elif self.elsewhere and not self.open:
                    time.sleep(_POLL_SECONDS)
        except BaseException:  # Ctrl-C too
            self.land()  # what is finished is kept
            for future in self.flying:
                future.cancel()
            raise

    def launch(self, executor: Executor | WorkerPool, room: int) -> None:
        """Claim open tasks and hand them to the executor, as many as there is room for."""
        while room > 0 and self.open:
            batch = list(itertools.islice(self.open, 500))
            answers = self.store.claim(batch, self.session, limit=room, retry=self.retry)
            for task, answer in zip(batch, answers, strict=False):
                self.open.popleft()
                if answer is Claim.ELSEWHERE:
                    self.elsewhere.append(task)
                elif answer is Claim.FINISHED:
                    self.bar.update()
                else:
                    self.flying[self.submit(executor, task)] = task
                    room -= 1

    def submit(self, executor: Executor | WorkerPool, task: Task) -> Future[Outcome]:
        """Hand one task to the executor; one that is broken already gives a broken future, as it does later."""
        try:
            return executor.submit(evaluate, self.function, task.settings)
        except BrokenExecutor as error:
            future: Future[Outcome] = Future()
            future.set_exception(error)
            return future

    def land(self) -> list[Task]:
        """Write what has been evaluated to the store; return the tasks that the executor lost."""
        lost = []
        for future in [future for future in self.flying if future.done()]:
            task = self.flying[future]
            if not self.record(task, future):
                lost.append(task)
            del self.flying[future]
        return lost

    def record(self, task: Task, future: Future[Outcome]) -> bool:
        """Write one outcome to the store; False if the executor lost it."""
        error = CancelledError() if future.cancelled() else future.exception()
        if isinstance(error, BrokenExecutor | CancelledError):
            return False
        self.write(task, future.result() if error is None else failure(f"{type(error).__name__}: {error}"))
        return True

    def write(self, task: Task, outcome: Outcome) -> None:
        """Write one outcome to the store."""
        self.finished += self.store.finish(task, self.session, outcome)
        self.bar.update()

    def isolate(self, executor: Executor | WorkerPool, lost: list[Task]) -> None:
        """Find out which of the lost tasks kills its worker, by running them one at a time; its row says so."""
        if not isinstance(executor, WorkerPool):
            raise RuntimeError("the executor broke or was shut down; what was finished is in the store")
        wait(self.flying)  # a pool breaks as a whole, so these are lost too, or just done
        lost += self.land()
        executor.restart()
        for task in lost:
            future = self.submit(executor, task)
            wait([future])
            if not self.record(task, future):
                self.write(task, failure("the worker process died (a crash, or the system ended it for its memory)"))
                executor.restart()


@contextmanager
def _pool(jobs: int) -> Iterator[WorkerPool]:
    pool = WorkerPool(jobs)
    try:
        yield pool
    except BaseException:
        pool.stop()
        raise
    pool.close()


def _bar(sweep: Sweep, progress: bool) -> tqdm[Any]:
    name = sweep.definition.name
    return tqdm(total=len(sweep), desc=name, unit="row", disable=None if progress else True)
