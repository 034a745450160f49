"""Exports: every row once, in each form, with its error when it failed."""

from __future__ import annotations

import csv
import io
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas
import pytest

from lift_compare.compare import export_frame, export_rows
from lift_compare.compare.commands.main import main
from lift_compare.compare.sweeps.run import run_sweep
from lift_compare.compare.sweeps.store import Store
from lift_compare.compare.sweeps.sweep import Sweep

from .evaluations_for_tests import MOODY, SQUARE


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """Two squares, and five moody rows: done, failed, refused."""
    path = tmp_path_factory.mktemp("export") / "s.sqlite"
    with ThreadPoolExecutor(1) as executor:
        run_sweep(Sweep(SQUARE, {"x": [3, 4]}), path, executor=executor, jobs=1)
        run_sweep(Sweep(MOODY, {"x": [0, 1, 2, 4, 5]}), path, executor=executor, jobs=1)
    return path


def test_rows_hold_settings_results_and_where_they_come_from(store: Path) -> None:
    rows = export_rows(store)
    assert [(row["evaluation"], row["x"], row["status"]) for row in rows] == [
        ("square", 3, "done"),
        ("square", 4, "done"),
        ("moody", 0, "done"),
        ("moody", 1, "failed"),
        ("moody", 2, "refused"),
        ("moody", 4, "done"),
        ("moody", 5, "failed"),
    ]
    assert [row["square"] for row in rows[:2]] == [9, 16]
    assert rows[3]["error"].startswith("ValueError: one is not welcome")
    assert rows[4]["error"] == "refused: needs 8000 bytes, 100 allowed"
    for row in rows:
        assert row["seconds"] >= 0
        assert row["attempts"] == 1
        assert row["version_numpy"]
        assert row["cores"] >= 1
        assert row["threads"]


def test_only_one_evaluation(store: Path) -> None:
    assert [row["x"] for row in export_rows(store, evaluation="square")] == [3, 4]
    assert export_rows(store, evaluation="none") == []


def test_frame_has_the_same_rows(store: Path) -> None:
    frame = export_frame(store)
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == 7
    assert frame["status"].value_counts().to_dict() == {"done": 4, "failed": 2, "refused": 1}
    assert frame.set_index("x").loc[1, "error"].startswith("ValueError")
    assert export_frame(store, evaluation="square")["square"].tolist() == [9, 16]


def test_frame_without_pandas_names_the_extra(store: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"lift-compare\[frame\]"):
        export_frame(store)


def test_csv_and_json_lines_say_the_same(store: Path, capsys, tmp_path: Path) -> None:
    assert main(["export", str(store)]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["export", str(store), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == export_rows(store)
    assert len(table) == len(lines) == 7
    for cells, row in zip(table, lines, strict=True):
        assert int(cells["x"]) == row["x"]
        assert cells["error"] == (row["error"] or "")
        assert cells["status"] == row["status"]
    assert table[5]["list"] == "[1.0, null]"

    assert main(["export", str(store), "--csv", "--out", str(tmp_path / "new" / "rows.csv")]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"7 rows written to {tmp_path / 'new' / 'rows.csv'}\n")
    with open(tmp_path / "new" / "rows.csv", newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == table
    assert main(["export", str(store), "--json", "--out", str(tmp_path / "new")]) == 0
    assert len((tmp_path / "new" / "s.jsonl").read_text().splitlines()) == 7
    capsys.readouterr()
    assert (
        main(["export", str(store), "--out", str(tmp_path / "new" / "rows.csv" / "below.csv")]) == 2
    )
    assert capsys.readouterr().err.startswith("lift-compare: error: --out: cannot write")


def test_an_interrupted_evaluation_is_a_row_too(tmp_path: Path) -> None:
    tasks = Sweep(SQUARE, {"x": [1]}).tasks
    with Store(tmp_path / "s.sqlite") as store, store.session() as session:
        store.claim(tasks, session, limit=1)
        assert export_rows(store.path)[0]["status"] == "running"
    (row,) = export_rows(tmp_path / "s.sqlite")
    assert (row["status"], row["x"], row["seconds"]) == ("interrupted", 1, None)


@pytest.mark.parametrize(
    "content", [None, b"", b"not a database", b"SQLite format 3\0" + b"\0" * 84]
)
def test_other_files_are_refused_and_nothing_is_written(
    tmp_path: Path, capsys, content: bytes | None
) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    before = sorted(tmp_path.iterdir())
    assert main(["export", str(path), "--out", str(tmp_path / "rows.csv")]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("lift-compare: error: store: ")
    assert said.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before
