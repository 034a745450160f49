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
from lift_compare.compare.sweeps.evaluations import Evaluation, evaluate
from lift_compare.compare.sweeps.run import run_sweep
from lift_compare.compare.sweeps.store import Store
from lift_compare.compare.sweeps.sweep import Sweep
from tests.printed import sentence

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
    assert rows[4]["error"] == "refused: needs 8 kB, 100 B allowed"
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
    assert said.out == ""
    assert sentence(said.err) == f"7 rows written to {tmp_path / 'new' / 'rows.csv'}"
    with open(tmp_path / "new" / "rows.csv", newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == table
    assert main(["export", str(store), "--json", "--out", str(tmp_path / "new")]) == 0
    assert len((tmp_path / "new" / "s.jsonl").read_text().splitlines()) == 7
    capsys.readouterr()
    assert (
        main(["export", str(store), "--out", str(tmp_path / "new" / "rows.csv" / "below.csv")]) == 2
    )
    assert capsys.readouterr().err.startswith("lift-compare: error: --out: cannot write")


def test_an_evaluation_without_rows_is_refused_with_those_that_have_some(
    store: Path, capsys, tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path / "rows.csv")]
    assert main(["export", str(store), "--evaluation", "nope", *out]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == (
        "lift-compare: error: --evaluation: expected one of square, moody, got 'nope'\n"
    )
    assert main(["export", str(store), "--evaluation", "sqare", *out]) == 2
    assert "got 'sqare' (did you mean 'square'?)" in sentence(capsys.readouterr().err)
    Store(tmp_path / "empty.sqlite").close()
    assert main(["export", str(tmp_path / "empty.sqlite"), "--evaluation", "nope", *out]) == 2
    assert "the store has no rows" in sentence(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.sqlite"]
    assert main(["export", str(store), "--evaluation", "square", *out]) == 0
    assert len((tmp_path / "rows.csv").read_text().splitlines()) == 3


def test_tables_for_a_paper_hold_the_columns_in_which_rows_differ(
    store: Path, capsys, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = ["--out", str(tmp_path / "rows.csv"), "--format", "latex,markdown"]
    assert main(["export", str(store), "--evaluation", "square", *out]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"rows.csv", "rows.tex", "rows.md"}
    assert "rows.tex" in sentence(capsys.readouterr().err)
    page = (tmp_path / "rows.md").read_text(encoding="utf-8")
    assert "| x | square |" in page
    assert "| 4 | 16 |" in page
    assert "The same in all rows: evaluation = square, status = done" in page
    assert "numpy" not in page
    assert r"\toprule" in (tmp_path / "rows.tex").read_text(encoding="utf-8")
    # Without --out the rows are printed, and the tables go where those of other commands go.
    monkeypatch.chdir(tmp_path)
    assert main(["export", str(store), "--format", "markdown"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 8
    assert "refused: needs 8 kB" in Path("results/s.md").read_text(encoding="utf-8")
    assert main(["export", str(store), "--format", "pdf"]) == 2
    assert "expected a list of latex, markdown, got 'pdf'" in sentence(capsys.readouterr().err)


def test_a_name_that_ends_in_a_slash_is_a_folder(store: Path, tmp_path: Path) -> None:
    assert main(["export", str(store), "--out", f"{tmp_path}/new/"]) == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["s.csv"]
    (tmp_path / "file").touch()
    assert main(["export", str(store), "--out", f"{tmp_path}/file/"]) == 2


def test_the_store_is_not_written_over(tmp_path: Path, capsys) -> None:
    path = tmp_path / "s.csv"
    Store(path).close()
    before = path.read_bytes()
    (tmp_path / "link").symlink_to(path)
    for out in (path, tmp_path, tmp_path / "link"):
        assert main(["export", str(path), "--out", str(out)]) == 2
        assert "is the store itself" in sentence(capsys.readouterr().err)
    assert path.read_bytes() == before


def test_rows_that_are_missing_are_counted(tmp_path: Path, capsys) -> None:
    tasks = Sweep(SQUARE, {"x": list(range(9))}).tasks
    done = evaluate(SQUARE.run, tasks[0].settings)
    with Store(tmp_path / "s.sqlite") as store:
        with store.session() as session:  # a sweep that runs meanwhile
            store.plan(tasks, session)
            store.claim(tasks, session, limit=3)
            store.finish(tasks[0], session, done)
            assert main(["export", str(store.path), "--json"]) == 0
            said = capsys.readouterr()
            assert len(said.out.splitlines()) == 9
            assert said.err == (
                "lift-compare: 8 of 9 rows are still missing: 2 running, 6 waiting\n"
            )
        assert main(["export", str(store.path), "--json"]) == 0
        assert "8 of 9 rows are still missing: 8 interrupted" in sentence(capsys.readouterr().err)
        with store.session() as session:
            store.claim(tasks, session, limit=9)
            for task in tasks:
                store.finish(task, session, done)
    assert main(["export", str(tmp_path / "s.sqlite"), "--json"]) == 0
    assert capsys.readouterr().err == ""


AWKWARD = {
    "nan": float("nan"),
    "inf": [1.0, float("inf")],
    "none": None,
    "commas": 'a, "b"; c',
    "lines": "one\ntwo",
    "unicode": "X̂ λₙ 深 🙂",
    "nested": {"key, with comma": [1, None]},
}


def awkward(*, name: str) -> dict[str, object]:
    return AWKWARD


def test_awkward_values_come_back_from_csv_and_json(tmp_path: Path, capsys) -> None:
    sweep = Sweep(Evaluation("awkward", awkward), {"name": ["a,b", 'quote "', "ä\nö", "\udcff"]})
    with ThreadPoolExecutor(1) as executor:
        run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, jobs=1)
    for form in ("csv", "json"):
        assert (
            main(["export", str(tmp_path / "s.sqlite"), f"--{form}", "--out", f"{tmp_path}/"]) == 0
        )
    with open(tmp_path / "s.csv", newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    with open(tmp_path / "s.jsonl", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert [row["name"] for row in cells] == ["a,b", 'quote "', "ä\nö", "\\udcff"]
    for row in cells:
        assert (row["nan"], row["none"], row["inf"]) == ("", "", "[1.0, null]")
        assert [row[key] for key in ("commas", "lines", "unicode")] == [
            AWKWARD[key] for key in ("commas", "lines", "unicode")
        ]
        assert json.loads(row["nested"]) == AWKWARD["nested"]
        assert "nan = nan, inf[1] = inf" in row["warnings"]
    for row in lines:
        assert (row["nan"], row["none"], row["inf"]) == (None, None, [1.0, None])
        assert row["unicode"] == AWKWARD["unicode"]


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
    assert sentence(said.err).startswith("lift-compare: error: store: ")
    assert said.err.count("lift-compare: ") == 1
    assert sorted(tmp_path.iterdir()) == before
