"""Whether a sweep still runs: a lock that the system drops when its process ends."""

from __future__ import annotations

import glob
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path


class Session:
    """A running sweep, alive while this process holds the lock on the session's small file.

    The lock is SQLite's, an exclusive transaction on an empty file: the same kind that protects the
    store.

    Parameters
    ----------
    store_path : Path
        The store; the session's file lies beside it.

    Attributes
    ----------
    name : str
        Unlike that of any other session.
    path : Path
        The small file. What is left of it when its process was killed means nothing.
    """

    def __init__(self, store_path: Path) -> None:
        self.name = uuid.uuid4().hex
        self.path = _path(store_path, self.name)
        try:
            self._lock = sqlite3.connect(self.path, isolation_level=None)
            # Nothing is ever written, so no journal file either.
            self._lock.execute("PRAGMA journal_mode = MEMORY")
            self._lock.execute("BEGIN EXCLUSIVE")
        except BaseException:  # Ctrl-C too
            self.path.unlink(missing_ok=True)
            raise

    def close(self) -> None:
        """Drop the lock: what this session claimed and did not finish is free again."""
        self.path.unlink(missing_ok=True)
        self._lock.close()


def is_alive(store_path: Path, name: str) -> bool:
    """Return whether the process of a session still holds its lock."""
    path = _path(store_path, name)
    if not path.exists():
        return False
    try:
        uri = f"{path.as_uri()}?mode=rw"
        lock = sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)
    except sqlite3.OperationalError:  # gone since
        return False
    with closing(lock):
        try:
            lock.execute("PRAGMA journal_mode = MEMORY")
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode == sqlite3.SQLITE_BUSY
    return False


def sweep_up(store_path: Path) -> None:
    """Delete the lock files that killed processes left behind."""
    for path in store_path.parent.glob(f"{glob.escape(store_path.name)}.session-*"):
        if not is_alive(store_path, path.name.rpartition("-")[2]):
            path.unlink(missing_ok=True)


def _path(store_path: Path, name: str) -> Path:
    return store_path.with_name(f"{store_path.name}.session-{name}")
