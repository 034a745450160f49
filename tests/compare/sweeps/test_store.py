"""The store: claims, finished rows, and files that are no store."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lift_compare.compare.sweeps.rows import Outcome, Status, Task
from lift_compare.compare.sweeps.store import Answer, Store, StoreError

TASKS = [Task(f"key{i}", "square", 1, {"x": i}) for i in range(3)]
DONE = Outcome(Status.DONE, {"square": 4}, None, ("careful",), 0.5, {"machine": {"cores": 2}})
FAILED = Outcome(Status.FAILED, None, "ValueError: no", (), 0.1, {})


def test_a_finished_row_reads_back_as_it_was_written(tmp_path: Path) -> None:
    with Store(tmp_path / "new" / "s.sqlite") as store:
        with store.session() as session:
            assert store.claim(TASKS[:1], session, limit=9) == [Answer.GRANTED]
            assert [row.status for row in store.rows()] == [Status.RUNNING]
            assert store.finish(TASKS[0], session, DONE)
        (row,) = store.rows()
    assert (row.task, row.status, row.attempts, row.error) == (TASKS[0], Status.DONE, 1, None)
    assert (row.results, row.warnings, row.seconds, row.provenance) == (
        DONE.results,
        DONE.warnings,
        DONE.seconds,
        DONE.provenance,
    )
    assert row.finished is not None
    assert row.finished.endswith("+00:00")


def test_a_task_is_granted_once(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as one, Store(tmp_path / "s.sqlite") as two:
        with one.session() as first, two.session() as second:
            assert one.claim(TASKS, first, limit=2) == [Answer.GRANTED] * 2
            assert two.claim(TASKS, second, limit=9) == [
                Answer.ELSEWHERE,
                Answer.ELSEWHERE,
                Answer.GRANTED,
            ]
            one.finish(TASKS[0], first, DONE)
            assert two.claim(TASKS[:2], second, limit=9) == [Answer.FINISHED, Answer.ELSEWHERE]
        with two.session() as third:  # the first session is closed, its open claim is free
            assert [row.status for row in two.rows()] == [
                Status.DONE,
                Status.INTERRUPTED,
                Status.INTERRUPTED,
            ]
            assert two.claim(TASKS, third, limit=9) == [
                Answer.FINISHED,
                Answer.GRANTED,
                Answer.GRANTED,
            ]
            assert [row.attempts for row in two.rows()] == [1, 2, 2]


def test_an_outcome_that_comes_too_late_changes_nothing(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        with store.session() as late:
            store.claim(TASKS[:1], late, limit=1)
        with store.session() as session:
            assert store.claim(TASKS[:1], session, limit=1) == [Answer.GRANTED]
            assert not store.finish(TASKS[0], late, FAILED)
            assert store.finish(TASKS[0], session, DONE)
            assert not store.finish(TASKS[0], session, FAILED)
        assert [row.status for row in store.rows()] == [Status.DONE]


def test_a_failed_row_is_retried_only_when_asked_and_only_once(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store, store.session() as session:
        store.claim(TASKS[:1], session, limit=1)
        store.finish(TASKS[0], session, FAILED)
        assert store.claim(TASKS[:1], session, limit=1) == [Answer.FINISHED]
        retry = store.attempts(TASKS)
        assert retry == {"key0": 1}
        assert store.claim(TASKS[:1], session, limit=1, retry=retry) == [Answer.GRANTED]
        (row,) = store.rows()
        assert (row.status, row.error) == (
            Status.RUNNING,
            "ValueError: no",
        )  # kept until there is a new outcome
        store.finish(TASKS[0], session, FAILED)
        assert store.claim(TASKS[:1], session, limit=1, retry=retry) == [
            Answer.FINISHED
        ]  # tried since


def test_a_refused_row_is_retried_when_asked_too(tmp_path: Path) -> None:
    refused = replace(FAILED, status=Status.REFUSED)
    with Store(tmp_path / "s.sqlite") as store, store.session() as session:
        store.claim(TASKS[:1], session, limit=1)
        store.finish(TASKS[0], session, refused)
        assert store.claim(TASKS[:1], session, limit=1) == [Answer.FINISHED]
        retry = store.attempts(TASKS)
        assert store.claim(TASKS[:1], session, limit=1, retry=retry) == [Answer.GRANTED]


CHILD = """
import os, signal, sys
from lift_compare.compare.sweeps.store import Store
from tests.compare.sweeps.test_store import TASKS, DONE
store = Store(sys.argv[1])
with store.session() as session:
    store.claim(TASKS, session, limit=9)
    store.finish(TASKS[0], session, DONE)
    print("claimed", flush=True)
    sys.stdin.read()
"""


def test_a_claim_lives_as_long_as_its_process(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(root)},
        cwd=root,
    )
    assert child.stdout is not None
    assert child.stdin is not None
    try:
        assert child.stdout.readline() == b"claimed\n"
        with Store(path) as store, store.session() as session:
            assert store.claim(TASKS, session, limit=9) == [
                Answer.FINISHED,
                Answer.ELSEWHERE,
                Answer.ELSEWHERE,
            ]
            child.kill()
            child.wait()
            assert store.claim(TASKS, session, limit=9) == [
                Answer.FINISHED,
                Answer.GRANTED,
                Answer.GRANTED,
            ]
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()
    with (
        Store(path) as store,
        store.session(),
    ):  # a new session sweeps up what the killed one left behind
        assert len(list(tmp_path.glob("s.sqlite.session-*"))) == 1
    assert list(tmp_path.iterdir()) == [path]


def other_database(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE people (name TEXT)")
    connection.close()


def newer_store(path: Path) -> None:
    Store(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def store_without_its_table(path: Path) -> None:
    Store(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TABLE evaluations")
    connection.close()


def damaged_store(path: Path) -> None:
    with Store(path) as store, store.session() as session:
        tasks = [Task(f"key{i}", "square", 1, {"x": "x" * 500}) for i in range(100)]
        store.claim(tasks, session, limit=100)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b"hello, I am a letter\n" * 50),
        lambda path: path.write_bytes(b"SQLite format 3\0"),
        lambda path: path.write_bytes(b"\0" * 5000),
        other_database,
        newer_store,
        store_without_its_table,
        damaged_store,
        Path.mkdir,
    ],
)
def test_other_files_are_refused_and_left_as_they_are(tmp_path: Path, make, create: bool) -> None:
    path = tmp_path / "file"
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(StoreError, match=r"^store: ") as caught:
        Store(path, create=create)
    assert "\n" not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_missing_file_is_an_error_unless_it_may_be_created(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no file"):
        Store(tmp_path / "none.sqlite", create=False)
    assert not list(tmp_path.iterdir())


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"  # what is left of a process killed while it created the file
    path.touch()
    with Store(path) as store:
        assert store.rows() == []


def test_the_one_file_is_all_there_is(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store, store.session() as session:
        store.claim(TASKS, session, limit=9)
        store.finish(TASKS[1], session, DONE)
        shutil.copy(
            store.path, tmp_path / "copy.sqlite"
        )  # while the other is open, between two transactions
        with Store(tmp_path / "copy.sqlite") as copy:
            assert [row.status for row in copy.rows()] == [
                Status.INTERRUPTED,
                Status.DONE,
                Status.INTERRUPTED,
            ]


def test_unreadable_rows_are_named(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        with store.session() as session:
            store.claim(TASKS, session, limit=9)
        connection = sqlite3.connect(store.path)
        with connection:
            connection.execute("UPDATE evaluations SET settings = '{not json'")
        connection.close()
        with pytest.raises(StoreError, match="unreadable row"):
            store.rows()


TEXT = b"a diary\nthat nobody may delete\n" * 200


@pytest.mark.parametrize("ending", ["-journal", "-wal"])
@pytest.mark.parametrize("content", [None, b"", b"x,y\n1,2\n"])
def test_a_foreign_file_beside_it_is_left_alone(
    tmp_path: Path, ending: str, content: bytes | None
) -> None:
    """SQLite would delete it, or write over it: before it opens anything, the store is refused."""
    path, beside = tmp_path / "results.csv", tmp_path / f"results.csv{ending}"
    beside.write_bytes(TEXT)
    if content is not None:
        path.write_bytes(content)
    for create in (True, False):
        with pytest.raises(StoreError, match=r"results\.csv"):
            Store(path, create=create)
    assert beside.read_bytes() == TEXT
    assert (path.read_bytes() if path.exists() else None) == content
    assert len(list(tmp_path.iterdir())) == (1 if content is None else 2)


def test_a_foreign_file_beside_a_store_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path / "s.sqlite").close()
    beside = tmp_path / "s.sqlite-journal"
    beside.write_bytes(TEXT)
    with pytest.raises(StoreError, match="is not SQLite's"):
        Store(tmp_path / "s.sqlite")
    assert beside.read_bytes() == TEXT


CRASH = """
import os, sys
from lift_compare.compare.sweeps.store import Store
from tests.compare.sweeps.test_store import TASKS, DONE
store = Store(sys.argv[1])
session = store.session().__enter__()
store.claim(TASKS, session, limit=9)
store._connection.execute("PRAGMA cache_size = 1")  # pages reach the file before the commit
store._connection.execute("BEGIN IMMEDIATE")
store._connection.execute("CREATE TABLE t (x)")
for i in range(200):
    store._connection.execute("INSERT INTO t VALUES (randomblob(3000))")
store._connection.execute("UPDATE evaluations SET error = 'half'")
print(os.path.exists(sys.argv[1] + "-journal"), flush=True)
os._exit(9)
"""


def test_the_journal_of_a_killed_process_is_taken_for_what_it_is(tmp_path: Path) -> None:
    path, root = tmp_path / "s.sqlite", Path(__file__).parents[3]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    child = subprocess.run(
        [sys.executable, "-c", CRASH, str(path)], env=environment, capture_output=True, cwd=root
    )
    assert child.stdout == b"True\n", child.stderr
    assert (tmp_path / "s.sqlite-journal").stat().st_size > 0
    with Store(path) as store, store.session():
        assert [(row.task, row.error) for row in store.rows()] == [(task, None) for task in TASKS]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_what_is_no_regular_file_is_refused(tmp_path: Path) -> None:
    """Reading from a pipe would wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull), tmp_path):
        with pytest.raises(StoreError, match="expected a file"):
            Store(path)


def test_a_read_only_store_can_be_read_but_not_written(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "s.sqlite"
    with Store(path) as store, store.session() as session:
        store.claim(TASKS, session, limit=9)
    path.chmod(0o444)
    if os.access(path, os.W_OK):  # root may write anywhere
        monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    with Store(path, create=False) as store:
        assert len(store.rows()) == len(TASKS)
    with pytest.raises(StoreError, match="is read-only"):
        Store(path)


def test_unusable_paths_are_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "below.sqlite", tmp_path / ("x" * 300)):
        with pytest.raises(StoreError, match="cannot open") as caught:
            Store(path)
        assert "\n" not in str(caught.value)


def test_planned_rows_wait_until_somebody_claims_them(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        with store.session() as first, store.session() as second:
            store.plan(TASKS[:2], first)
            store.plan(TASKS, second)  # those of the first one stay its own
            store.claim(TASKS[:1], second, limit=1)
            assert [(row.status, row.attempts) for row in store.rows()] == [
                (Status.RUNNING, 1),
                (Status.WAITING, 0),
                (Status.WAITING, 0),
            ]
            assert store.finish(TASKS[0], second, DONE)
            assert store.claim(TASKS, first, limit=1) == [Answer.FINISHED, Answer.GRANTED]
        assert [row.status for row in store.rows()] == [
            Status.DONE,
            Status.INTERRUPTED,
            Status.INTERRUPTED,
        ]
        with store.session() as third:  # what was planned is forgotten, what was tried is not
            assert [row.task for row in store.rows()] == TASKS[:2]
            assert store.claim(TASKS[1:], third, limit=9) == [Answer.GRANTED] * 2
            assert [row.attempts for row in store.rows()] == [1, 2, 1]
