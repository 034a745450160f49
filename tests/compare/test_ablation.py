"""Ablations in one call: any values, any evaluation, refusals before any work, Ctrl-C, stores."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from lift_compare import sensing
from lift_compare.compare import Ablation, Evaluation, Sweep, ablate, export_rows, figures
from lift_compare.compare import ablation as room
from lift_compare.sensing import InvalidInput
from tests.printed import sentence

INSTANCE = sensing.instance("two-by-two")
PROBLEM, X = INSTANCE.problem, INSTANCE.stationary_point()
CALLS: list[tuple[int, float]] = []


def area(problem: Any, X: Any, *, order: int, rho: float = 0.5) -> dict[str, Any]:
    """h(X̂) l ρ; order 5 fails."""
    CALLS.append((order, rho))
    if order == 5:
        raise ValueError("five is not welcome")
    return {"area": problem.objective(X) * order * rho, "kind": "a<b"}


def test_it_says_what_a_sweep_of_the_same_settings_says(tmp_path: Path) -> None:
    found = ablate(PROBLEM, X, order=range(3, 8, 2), rho=np.array([0.1, 0.3]), eta=0.01, steps=50)
    assert [(row["order"], row["rho"]) for row in found.rows()] == [
        (order, rho) for order in (3, 5, 7) for rho in (0.1, 0.3)
    ]
    assert found.axes == ("order", "rho")
    sweep = Sweep("path", {"order": [3, 5, 7]}, {"instance": "two-by-two", "rho": 0.1, "steps": 50})
    for task, row in zip(sweep.tasks, found.rows()[::2], strict=True):
        same = sweep.definition.run(**task.settings)
        for name in ("h_exact_T", "h_surrogate_T", "truncation_error", "h_before"):
            assert row[name] == pytest.approx(same[name], rel=1e-9)
    assert {row["instance"] for row in found.rows()} == {"problem"}
    assert list(tmp_path.iterdir()) == []
    assert repr(found) == "Ablation('path' on problem: 6 rows over order, rho; 6 done)"


def test_the_result_in_every_form() -> None:
    found = ablate(INSTANCE, order=[3, 5], steps=[10, 20])
    frame = found.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert frame["order"].tolist() == [3, 3, 5, 5]
    for width in (80, 100):
        lines = found.table(width=width).splitlines()
        assert lines[0] == "path on two-by-two"
        assert lines[1].startswith("4 rows: 4 done.")
        assert max(map(len, lines)) <= width
    assert "<table>" in found._repr_html_()
    assert found.latex().isascii()
    assert found.count("done") == 4
    figure, ax = found.figure()
    assert len([line for line in ax.get_lines() if len(line.get_xdata()) == 2]) == 2
    assert "steps = 20" in figures.text_alternative(figure)
    with pytest.raises(AttributeError):
        found.interrupted = True  # type: ignore[misc]


def test_a_function_of_your_own_and_rows_that_fail() -> None:
    CALLS.clear()
    found = ablate(PROBLEM, X, evaluation=area, order=[3, 5], rho=np.array([1.0, 2.0]))
    assert CALLS == [(3, 1.0), (3, 2.0), (5, 1.0), (5, 2.0)]
    rows = found.rows()
    assert [row["status"] for row in rows] == ["done", "done", "failed", "failed"]
    assert rows[1]["area"] == pytest.approx(PROBLEM.objective(X) * 6)
    text = found.table()
    assert "4 rows: 2 done, 2 failed." in text
    assert "(rows 3, 4)" in text
    assert text.count("five is not welcome") == 1
    assert "a&lt;b" in found._repr_html_()
    figure, _ = found.figure(y="area")
    assert "Failed: order = 5, rho = 1; order = 5, rho = 2." in figures.text_alternative(figure)


@pytest.mark.parametrize(
    ("name", "settings", "column"),
    [
        ("escape", {"method": ["exact", "truncated"]}, "found"),
        ("directions", {"order": [1, 3], "steps": 5}, "verdict"),
        ("descent", {"polish": [True, False]}, "h_before"),
        ("oracle", {"largest_order": [3, 5], "escapes": False}, "order_oracle"),
        ("rival", {"rival": ["gd", "exact"], "start": "point"}, "outcome"),
    ],
)
def test_every_evaluation_of_one_problem(name: str, settings: dict[str, Any], column: str) -> None:
    found = ablate(PROBLEM, X, evaluation=name, **settings)
    assert found.count("done") == 2
    assert all(row[column] is not None for row in found.rows())


def test_a_refused_order_is_a_row() -> None:
    found = ablate(INSTANCE, evaluation="directions", order=[1, 41], steps=5, memory_limit=10**6)
    assert [row["status"] for row in found.rows()] == ["done", "refused"]
    figure, _ = found.figure(y="coefficient_error")
    assert "Refused: order = 41." in figures.text_alternative(figure)


def test_one_combination_is_one_row() -> None:
    found = ablate(PROBLEM, X, order=3, steps=np.int64(20), rho=np.array(0.1))
    assert repr(found) == "Ablation('path' on problem: 1 row over order; 1 done)"
    assert found.rows()[0]["rho"] == 0.1


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no point": ({"X": None, "order": [3]}, "X: "),
    "another shape": ({"X": np.ones((3, 1)), "order": [3]}, "X: "),
    "zero": ({"X": np.zeros((2, 1)), "order": [3]}, "X: "),
    "no problem": ({"problem": "two-by-two", "order": [3]}, "problem: "),
    "nothing": ({}, "settings: "),
    "unknown": ({"ordr": [3]}, "ordr: .*did you mean 'order'"),
    "of the instance": ({"n": [3]}, "n: "),
    "even": ({"order": [3, 4]}, "order: "),
    "two axes": ({"rho": np.ones((2, 2))}, r"rho: .*shape \(2, 2\)"),
    "masked": ({"rho": np.ma.masked_array([1.0, 2.0], [0, 1])}, "rho: .*masked"),
    "a set": ({"rho": {0.1, 0.2}}, "rho: "),
    "a generator": ({"rho": (x for x in (0.1, 0.2))}, "rho: "),
    "empty": ({"rho": []}, "rho: "),
    "nan": ({"rho": [0.1, np.nan]}, "rho: "),
    "a word": ({"rho": ["much"]}, "rho: "),
    "no effect": ({"seed": [0, 1]}, "seed: .*no effect"),
    "too many": ({"order": range(3, 10**9, 2)}, "grid: "),
    "evaluation": ({"evaluation": "pth", "order": [3]}, "evaluation: .*did you mean 'path'"),
    "of no problem": ({"evaluation": "success", "n": [4]}, "evaluation: "),
    "no function": ({"evaluation": 3, "order": [3]}, "evaluation: "),
    "one argument": ({"evaluation": lambda problem: {}, "order": [3]}, "evaluation: "),
    "of another method": ({"evaluation": "escape", "rho": [0.1]}, "rho: "),
    "jobs": ({"order": [3], "jobs": 0}, "jobs: "),
    "progress": ({"order": [3], "progress": 2}, "progress: "),
    "a number as store": ({"order": [3], "store": 3}, "store: "),
    "a folder as store": ({"order": [3], "store": os.curdir}, "store: "),
    "another file as store": ({"order": [3], "store": __file__}, "store: "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_by_name_before_any_work(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("work was done")

    monkeypatch.setattr(room, "run_sweep", never)
    arguments, message = BAD[name]
    given = {"problem": PROBLEM, "X": X, **arguments}
    with pytest.raises(InvalidInput, match=f"^{message}"):
        ablate(**given)
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_gone_on_with_and_never_run_twice(tmp_path: Path) -> None:
    CALLS.clear()
    path = tmp_path / "new" / "mine.sqlite"
    settings: dict[str, Any] = {"evaluation": area, "store": path}
    ablate(PROBLEM, X, order=[3, 7], rho=1.0, **settings)
    found = ablate(PROBLEM, X, order=[3, 5, 7], rho=1.0, **settings)
    assert CALLS == [(3, 1.0), (7, 1.0), (5, 1.0)]
    assert found.store == path
    assert len(export_rows(path)) == 3
    ablate(PROBLEM, X, order=[3, 5], rho=1.0, **settings, retry_failed=True)
    assert CALLS[3:] == [(5, 1.0)]
    # Another problem has rows of its own.
    other = sensing.SensingProblem(PROBLEM.operator, 2 * PROBLEM.measurements)
    ablate(other, 2**0.5 * X, order=[3, 7], rho=1.0, **settings)
    assert CALLS[4:] == [(3, 1.0), (7, 1.0)]
    assert len([file for file in path.parent.iterdir() if file.suffix == ".npz"]) == 2


def test_ctrl_c_keeps_what_is_finished_and_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def interrupted(problem: Any, X: Any, *, order: int) -> dict[str, Any]:
        if order == 7 and not (tmp_path / "again").exists():
            raise KeyboardInterrupt
        return {"order_squared": order**2}

    settings: dict[str, Any] = {"evaluation": interrupted, "order": [3, 5, 7, 9]}
    found = ablate(PROBLEM, X, **settings)
    assert found.interrupted
    statuses = ["done", "done", "interrupted", "interrupted"]
    assert [row["status"] for row in found.rows()] == statuses
    said = sentence(capsys.readouterr().err)
    assert "ablate: interrupted: 2 of 4 rows are finished and kept" in said
    assert "4 rows: 2 done, 2 interrupted" in found.table()
    figure, _ = found.figure(y="order_squared")
    assert "Missing: order = 7; order = 9." in figures.text_alternative(figure)

    store = tmp_path / "s.sqlite"
    assert ablate(PROBLEM, X, store=store, **settings).count("interrupted") == 2
    assert "the same call goes on from there" in sentence(capsys.readouterr().err)
    assert [row["status"] for row in export_rows(store)] == statuses
    (tmp_path / "again").touch()
    assert ablate(PROBLEM, X, store=store, **settings).count("done") == 4


def test_a_script_needs_no_guard(tmp_path: Path) -> None:
    script = tmp_path / "plain.py"
    script.write_text(
        "from lift_compare import compare, sensing\n"
        "print(compare.ablate(sensing.instance('two-by-two'), order=[3, 5], steps=9).count('done'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "2\n", "")
    assert list(tmp_path.iterdir()) == [script]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(problem: Any, X: Any, *, seconds: float, number: int = 0) -> dict[str, Any]:
        time.sleep(seconds)
        return {"number": number}

    for seconds, terminal, shown in ((0.0, True, False), (1.1, True, True), (1.1, False, False)):
        stream = Terminal() if terminal else io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        ablate(PROBLEM, X, evaluation=slow, number=[1, 2, 3], seconds=seconds)
        assert ("slow" in stream.getvalue()) is shown


class Own:
    """An operator that has its matrices only when asked."""

    n, m = 40_000, 3

    def measure(self, left: Any, right: Any) -> Any:
        return np.ones(3)

    def adjoint_matmul(self, y: Any, right: Any) -> Any:
        return right

    def matrices(self) -> Any:
        raise AssertionError("these do not fit into memory")


def test_an_operator_too_large_to_keep_is_refused() -> None:
    problem = sensing.SensingProblem(Own(), np.ones(3))
    with pytest.raises(InvalidInput, match=r"^problem: "):
        ablate(problem, np.ones((40_000, 1)), order=[3])


def test_an_evaluation_that_takes_a_file() -> None:
    def norm(*, instance: str, power: int) -> dict[str, Any]:
        return {"norm": float(np.linalg.norm(sensing.load_instance(instance).known_point)) ** power}

    found = ablate(PROBLEM, X, evaluation=Evaluation("norm", norm), power=[1, 2])
    assert isinstance(found, Ablation)
    assert [row["norm"] for row in found.rows()] == pytest.approx([0.5**0.5, 0.5])
