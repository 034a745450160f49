"""Where a sweep keeps its results: an SQLite file with one row per evaluation.

A row is planned when a sweep begins, claimed before its evaluation starts, and finished in one
transaction, so a process that is killed at any moment loses only what it was computing. A claim
counts for as long as the process that made it lives: every running sweep holds a lock that the
operating system drops when the process ends, however it ends. The rollback journal is kept (not
WAL), so that the one file is all there is to copy; the locks that protect a claim are SQLite's own.

The column `status` has no word for what is waiting or was interrupted: both are 'running' there,
because a process that is killed can write nothing more. `Store.rows`, and so `export_rows`, say
which it is: one that waits has `attempts` 0, and one is interrupted if the lock of its `session`
is free.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import Any, Self

from lift_compare.sensing.validation import InvalidValue

from .rows import Outcome, Status, StoredRow, Task
from .session import Session, is_alive, sweep_up
from .store_file import APPLICATION_ID, foreign

_SCHEMA_VERSION = 1
_BUSY_SECONDS = 60.0  # how long a transaction waits for another process's; each takes milliseconds
_SCHEMA = """CREATE TABLE evaluations (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    evaluation TEXT NOT NULL,
    version INTEGER NOT NULL,
    settings TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'refused')),
    session TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    results TEXT,
    error TEXT,
    warnings TEXT,
    seconds REAL,
    finished TEXT,
    provenance TEXT
)"""

# A row that is planned is one that runs without having been tried.
_PLAN = """INSERT INTO evaluations
    (key, evaluation, version, settings, status, session, attempts)
    VALUES (?, ?, ?, ?, 'running', ?, 0)
    ON CONFLICT (key) DO NOTHING"""
_TAKE = """INSERT INTO evaluations
    (key, evaluation, version, settings, status, session, attempts)
    VALUES (?, ?, ?, ?, 'running', ?, 1)
    ON CONFLICT (key) DO UPDATE
    SET status = 'running', session = excluded.session, attempts = attempts + 1"""
_FINISH = """UPDATE evaluations
    SET status = ?, results = ?, error = ?, warnings = ?, seconds = ?, finished = ?, provenance = ?
    WHERE key = ? AND session = ? AND status = 'running'"""


RETRIED = (Status.FAILED, Status.REFUSED)
"""What `retry` runs again."""


class StoreError(InvalidValue):
    """The file is no store of sweeps, or cannot be read or written.

    Examples
    --------
    >>> from lift_compare import compare
    >>> try:
    ...     compare.export_rows("no-such-store.sqlite")
    ... except compare.StoreError as error:
    ...     print(error)
    store: there is no file no-such-store.sqlite
    """


class Answer(StrEnum):
    """Answer to a claim."""

    GRANTED = "granted"
    FINISHED = "finished"  # there is a row already
    ELSEWHERE = "elsewhere"  # another live process has it in hand


class Store:
    """An SQLite file of evaluations, shared by any number of processes.

    Parameters
    ----------
    path : path-like
        The file; its folder is made when missing.
    create : bool
        Whether a missing file is created; otherwise it is an error.

    Raises
    ------
    StoreError
        If the file is something else, damaged, written by a newer version, or missing with
        create=False.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        try:
            self.path = Path(path).resolve()
            if not create and not self.path.exists():
                raise StoreError(f"store: there is no file {path}")
            problem = foreign(self.path)
            if problem is not None:
                raise StoreError(f"store: {problem}")
            if create:
                if self.path.exists() and not os.access(self.path, os.W_OK):
                    raise StoreError(f"store: {path} is read-only")
                self.path.parent.mkdir(parents=True, exist_ok=True)
            uri = f"{self.path.as_uri()}?mode={'rwc' if create else 'rw'}"
            self._connection = sqlite3.connect(
                uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"store: cannot open {path}: {error}") from error
        try:
            with _as_store_errors(self.path):
                self._prepare(create)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, create: bool) -> None:
        """Check that the file is a store; make it one if it is empty."""
        if create:
            with self._transaction():
                if self._is_empty():
                    self._connection.execute(_SCHEMA)
                    self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                    self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        version, state = self._value("PRAGMA user_version"), self._value("PRAGMA quick_check(1)")
        tables = self._connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table'")
        if self._value("PRAGMA application_id") != APPLICATION_ID:
            problem = "is not a store of sweeps"
        elif version != _SCHEMA_VERSION:
            problem = f"has format {version}; this version reads format {_SCHEMA_VERSION}"
        elif state != "ok":
            problem = f"is damaged: {' '.join(state.split())}"
        elif tables.fetchall() != [(_SCHEMA,)]:
            problem = "is damaged: its table is not the one of this version"
        else:
            return
        raise StoreError(f"store: {self.path} {problem}")

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]

    def _is_empty(self) -> bool:
        tables = self._value("SELECT count(*) FROM sqlite_master")
        return bool(tables == 0 and self._value("PRAGMA application_id") == 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Hold the only write lock from the first statement on, and commit all or nothing."""
        if self._connection.in_transaction:  # Ctrl-C between BEGIN and the try below
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session, and delete the lock files that killed processes left behind.

        The write lock is held meanwhile, so that no other process can take a lock file that is not
        locked yet for one of a process that is gone.
        """
        session = None
        try:  # Ctrl-C at any moment leaves no lock file
            with _as_store_errors(self.path), self._transaction():
                sweep_up(self.path)
                self._forget_dead_plans()
                session = Session(self.path)
            yield session
        finally:
            if session is not None:
                session.close()

    def _forget_dead_plans(self) -> None:
        """Delete the rows that a sweep planned which is gone: the next one has its own plan."""
        planned = (
            "SELECT DISTINCT session FROM evaluations WHERE status = 'running' AND attempts = 0"
        )
        delete = "DELETE FROM evaluations WHERE status = 'running' AND attempts = 0 AND session = ?"
        for (name,) in self._connection.execute(planned).fetchall():
            if not is_alive(self.path, name):
                self._connection.execute(delete, (name,))

    def plan(self, tasks: Sequence[Task], session: Session) -> None:
        """Write down what a session is going to evaluate, so that a reader sees what is missing."""
        with _as_store_errors(self.path), self._transaction():
            self._connection.executemany(_PLAN, (_values(task, session) for task in tasks))

    def attempts(self, tasks: Sequence[Task]) -> dict[str, int]:
        """Return the attempts so far, by key, of the tasks that failed or were refused."""
        found: dict[str, int] = {}
        query = "SELECT status, attempts FROM evaluations WHERE key = ?"
        with _as_store_errors(self.path):
            for task in tasks:
                row = self._connection.execute(query, (task.key,)).fetchone()
                if row is not None and row[0] in RETRIED:
                    found[task.key] = row[1]
        return found

    def claim(
        self,
        tasks: Sequence[Task],
        session: Session,
        *,
        limit: int,
        retry: Mapping[str, int] | None = None,
    ) -> list[Answer]:
        """Claim tasks for a session in one transaction; return the answers, in their order.

        A task is granted if it has no row, or if the session that claimed it is gone. The answers
        end where `limit` claims are granted.

        Parameters
        ----------
        tasks : sequence of Task
            What to claim.
        session : Session
            Who claims.
        limit : int
            Number of claims to grant at most.
        retry : dict, optional
            Failed rows to run again: attempts so far, by key. One that has been tried since is left
            alone.
        """
        answers: list[Answer] = []
        with _as_store_errors(self.path), self._transaction():
            alive = {session.name: True}
            for task in tasks:
                if limit == 0:
                    break
                answer = self._answer(task, retry or {}, alive)
                answers.append(answer)
                if answer is Answer.GRANTED:
                    self._connection.execute(_TAKE, _values(task, session))
                    limit -= 1
        return answers

    def _answer(self, task: Task, retry: Mapping[str, int], alive: dict[str, bool]) -> Answer:
        """Say what becomes of a claim; `alive` keeps which sessions were found to be."""
        query = "SELECT status, session, attempts FROM evaluations WHERE key = ?"
        row = self._connection.execute(query, (task.key,)).fetchone()
        if row is None:
            return Answer.GRANTED
        status, owner, attempts = row
        if status == Status.RUNNING and attempts == 0:  # planned, by whomever
            return Answer.GRANTED
        if status != Status.RUNNING:
            again = status in RETRIED and retry.get(task.key) == attempts
            return Answer.GRANTED if again else Answer.FINISHED
        if owner not in alive:
            alive[owner] = is_alive(self.path, owner)
        return Answer.ELSEWHERE if alive[owner] else Answer.GRANTED

    def finish(self, task: Task, session: Session, outcome: Outcome) -> bool:
        """Write the outcome of a claimed task; False if the claim has passed to another session."""
        values = (
            outcome.status,
            None if outcome.results is None else json.dumps(outcome.results, allow_nan=False),
            outcome.error,
            json.dumps(outcome.warnings),
            outcome.seconds,
            datetime.now(UTC).isoformat(timespec="seconds"),
            json.dumps(outcome.provenance),
            task.key,
            session.name,
        )
        with _as_store_errors(self.path), self._transaction():
            return self._connection.execute(_FINISH, values).rowcount == 1

    def rows(self) -> list[StoredRow]:
        """Return all rows, in the order in which they were first planned or claimed."""
        with _as_store_errors(self.path):
            cursor = self._connection.execute("SELECT * FROM evaluations ORDER BY id")
            names = [description[0] for description in cursor.description]
            records = [dict(zip(names, record, strict=True)) for record in cursor.fetchall()]
            try:
                alive = cache(partial(is_alive, self.path))
                return [self._stored_row(record, alive) for record in records]
            except (TypeError, ValueError) as error:
                raise StoreError(f"store: {self.path} has an unreadable row: {error}") from error

    def _stored_row(self, record: dict[str, Any], alive: Callable[[str], bool]) -> StoredRow:
        status = record["status"]
        if status == Status.RUNNING and not alive(record["session"]):
            status = Status.INTERRUPTED
        elif status == Status.RUNNING and record["attempts"] == 0:
            status = Status.WAITING
        settings = json.loads(record["settings"])
        return StoredRow(
            Task(record["key"], record["evaluation"], record["version"], settings),
            Status(status),
            record["attempts"],
            json.loads(record["results"] or "{}"),
            record["error"],
            tuple(json.loads(record["warnings"] or "[]")),
            record["seconds"],
            record["finished"],
            json.loads(record["provenance"] or "{}"),
        )


def _values(task: Task, session: Session) -> tuple[Any, ...]:
    settings = json.dumps(task.settings)
    return (task.key, task.evaluation, task.version, settings, session.name)


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors (damaged, full, locked, read-only) into one clear line."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"store: {path}: {error}") from error
