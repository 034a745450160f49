"""Where a sweep keeps its results: an SQLite file with one row per evaluation.

A row is claimed before its evaluation starts and finished in one transaction, so a process that is
killed at any moment loses only what it was computing. A claim counts for as long as the process
that made it lives: every running sweep holds a lock that the operating system drops when the
process ends, however it ends. The rollback journal is kept (not WAL), so that the one file is all
there is to copy; the locks that protect a claim are SQLite's own.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from .rows import Outcome, Status, StoredRow, Task
from .session import Session, is_alive, sweep_up

_APPLICATION_ID = 0x4C434D50  # "LCMP": tells a store from any other SQLite file
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


class StoreError(ValueError):
    """The file is no store of sweeps, or cannot be read or written."""


class Claim(StrEnum):
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
        If the file is something else, damaged, written by a newer version, or missing with create=False.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = True) -> None:
        self.path = Path(path).resolve()
        if self.path.is_dir():
            raise StoreError(f"store: expected a file, got the folder {path}")
        if not create and not self.path.exists():
            raise StoreError(f"store: there is no file {path}")
        try:
            if create:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._check_header()
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

    def _check_header(self) -> None:
        """Refuse a foreign file before SQLite opens it: opening may leave files beside it.

        A process killed while it created the store can leave a first page that is not written yet;
        then there is a journal, and SQLite repairs the file.
        """
        journal = self.path.with_name(f"{self.path.name}-journal")
        if not self.path.exists() or self.path.stat().st_size == 0 or journal.exists():
            return
        with open(self.path, "rb") as file:
            header = file.read(100)
        if header[:16] != b"SQLite format 3\0" or int.from_bytes(header[68:72]) != _APPLICATION_ID:
            raise StoreError(f"store: {self.path} is not a store of sweeps")

    def _prepare(self, create: bool) -> None:
        """Check that the file is a store; make it one if it is empty."""
        if create:
            with self._transaction():
                if self._is_empty():
                    self._connection.execute(_SCHEMA)
                    self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
                    self._connection.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if application != _APPLICATION_ID:
            raise StoreError(f"store: {self.path} is not a store of sweeps")
        if version != _SCHEMA_VERSION:
            raise StoreError(
                f"store: {self.path} has format {version}; this version reads format {_SCHEMA_VERSION}"
            )
        (state,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if state != "ok":
            raise StoreError(f"store: {self.path} is damaged: {' '.join(state.split())}")
        if self._connection.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'table'"
        ).fetchall() != [(_SCHEMA,)]:
            raise StoreError(
                f"store: {self.path} is damaged: its table is not the one of this version"
            )

    def _is_empty(self) -> bool:
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = self._connection.execute("PRAGMA application_id").fetchone()
        return bool(tables == 0 and application == 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
        with _as_store_errors(self.path), self._transaction():
            sweep_up(self.path)
            session = Session(self.path)
        try:
            yield session
        finally:
            session.close()

    def attempts(self, tasks: Sequence[Task], status: Status) -> dict[str, int]:
        """Return the number of attempts so far, by key, of those tasks whose row has the given status."""
        found: dict[str, int] = {}
        with _as_store_errors(self.path):
            for task in tasks:
                query = "SELECT attempts FROM evaluations WHERE key = ? AND status = ?"
                row = self._connection.execute(query, (task.key, status)).fetchone()
                if row is not None:
                    found[task.key] = row[0]
        return found

    def claim(
        self,
        tasks: Sequence[Task],
        session: Session,
        *,
        limit: int,
        retry: Mapping[str, int] | None = None,
    ) -> list[Claim]:
        """Claim tasks for a session in one transaction, and return the answers, in the order of the tasks.

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
            Failed rows to run again: attempts so far, by key. One that has been tried since is left alone.
        """
        retry = retry or {}
        answers: list[Claim] = []
        with _as_store_errors(self.path), self._transaction():
            alive = {session.name: True}
            for task in tasks:
                if limit == 0:
                    break
                query = "SELECT status, session, attempts FROM evaluations WHERE key = ?"
                row = self._connection.execute(query, (task.key,)).fetchone()
                if row is not None:
                    status, owner, attempts = row
                    if status != Status.RUNNING:
                        if not (status == Status.FAILED and retry.get(task.key) == attempts):
                            answers.append(Claim.FINISHED)
                            continue
                    else:
                        if owner not in alive:
                            alive[owner] = is_alive(self.path, owner)
                        if alive[owner]:
                            answers.append(Claim.ELSEWHERE)
                            continue
                self._connection.execute(
                    "INSERT INTO evaluations (key, evaluation, version, settings, status, session, attempts) "
                    "VALUES (?, ?, ?, ?, 'running', ?, 1) ON CONFLICT (key) DO UPDATE "
                    "SET status = 'running', session = excluded.session, attempts = attempts + 1",
                    (
                        task.key,
                        task.evaluation,
                        task.version,
                        json.dumps(task.settings),
                        session.name,
                    ),
                )
                answers.append(Claim.GRANTED)
                limit -= 1
        return answers

    def finish(self, task: Task, session: Session, outcome: Outcome) -> bool:
        """Write the outcome of a claimed task; False if the claim has passed to another session, which keeps it."""
        results = None if outcome.results is None else json.dumps(outcome.results, allow_nan=False)
        with _as_store_errors(self.path), self._transaction():
            cursor = self._connection.execute(
                "UPDATE evaluations SET status = ?, results = ?, error = ?, warnings = ?, seconds = ?, finished = ?, "
                "provenance = ? WHERE key = ? AND session = ? AND status = 'running'",
                (
                    outcome.status,
                    results,
                    outcome.error,
                    json.dumps(outcome.warnings),
                    outcome.seconds,
                    datetime.now(UTC).isoformat(timespec="seconds"),
                    json.dumps(outcome.provenance),
                    task.key,
                    session.name,
                ),
            )
        return cursor.rowcount == 1

    def rows(self) -> list[StoredRow]:
        """Return all rows, in the order in which they were first claimed."""
        query = (
            "SELECT key, evaluation, version, settings, status, session, attempts, results, error, warnings, seconds, "
            "finished, provenance FROM evaluations ORDER BY id"
        )
        with _as_store_errors(self.path):
            records = self._connection.execute(query).fetchall()
            try:
                return [self._stored_row(*record) for record in records]
            except (TypeError, ValueError) as error:
                raise StoreError(f"store: {self.path} has an unreadable row: {error}") from error

    def _stored_row(
        self,
        key: str,
        evaluation: str,
        version: int,
        settings: str,
        status: str,
        session: str,
        attempts: int,
        results: str | None,
        error: str | None,
        warnings: str | None,
        seconds: float | None,
        finished: str | None,
        provenance: str | None,
    ) -> StoredRow:
        if status == Status.RUNNING and not is_alive(self.path, session):
            status = Status.INTERRUPTED
        return StoredRow(
            Task(key, evaluation, version, json.loads(settings)),
            Status(status),
            attempts,
            json.loads(results or "{}"),
            error,
            tuple(json.loads(warnings or "[]")),
            seconds,
            finished,
            json.loads(provenance or "{}"),
        )


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors (damaged, full, locked, read-only) into one clear line."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"store: {path}: {error}") from error
