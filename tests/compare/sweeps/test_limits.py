"""Limits of a row: it is ended whatever it does, its row says so, and the other rows go on."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lift_compare.compare.commands.main import main
from lift_compare.compare.sweeps.rows import Status, StoredRow
from lift_compare.compare.sweeps.run import SweepReport, run_sweep
from lift_compare.compare.sweeps.sweep import Sweep
from tests.printed import sentence

from .evaluations_for_tests import DEADLY, GREEDY, SQUARE
from .test_run import begun

LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory limits need Linux")


def by_setting(report: SweepReport) -> dict[str, StoredRow]:
    return {row.task.settings["how"]: row for row in report.rows}


def test_a_row_that_takes_too_long_is_ended_and_its_worker_replaced(tmp_path: Path) -> None:
    ways = ["first", "sleeps", "second", "stuck in C", "exits", "third"]
    sweep = Sweep(GREEDY, {"how": ways}, {"log": str(tmp_path / "log")})
    report = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1, time_limit=1.0)
    rows = by_setting(report)
    for way in ("sleeps", "stuck in C"):
        assert rows[way].status is Status.FAILED
        assert rows[way].error == "time limit: ended after 1 s, the limit of one evaluation"
        assert rows[way].seconds is not None
        assert rows[way].seconds >= 1.0
    assert "the worker process died (exit code 3)" in str(rows["exits"].error)
    # Each of the three had to be followed by another process.
    processes = [rows[way].results["process"] for way in ("first", "second", "third")]
    assert len(set(processes)) == 3
    # Nothing was tried twice, and the failures are rows like others.
    assert set(begun(tmp_path / "log").values()) == {1}
    again = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1, time_limit=1.0)
    assert (again.ran, again.count(Status.FAILED)) == (0, 3)


def test_time_before_the_row_is_not_counted(tmp_path: Path) -> None:
    """The limit is below the second that a worker takes to start."""
    sweep = Sweep(SQUARE, {"x": [1]})
    report = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1, time_limit=0.5)
    assert report.count(Status.DONE) == 1


@LINUX
def test_a_row_that_takes_too_much_memory_fails_and_its_worker_goes_on(tmp_path: Path) -> None:
    ways = ["first", "one array", "many objects", "second"]
    sweep = Sweep(GREEDY, {"how": ways}, memory_limit=100_000_000)
    rows = by_setting(run_sweep(sweep, tmp_path / "s.sqlite", jobs=1))
    for way in ("one array", "many objects"):
        assert rows[way].status is Status.FAILED
        assert str(rows[way].error).startswith("memory limit of 100000000 bytes: ")
        assert "MemoryError" in str(rows[way].error)
    assert rows["first"].results == rows["second"].results
    # Without the limit the same two are no failures; a keyword has the last word.
    report = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1, memory_limit=2**40, retry_failed=True)
    assert (report.ran, report.count(Status.DONE)) == (2, 4)


def test_a_row_that_kills_its_worker_is_recorded_and_never_tried_again(tmp_path: Path) -> None:
    sweep = Sweep(DEADLY, {"x": [1, 2, 3]})
    report = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1)
    assert [row.attempts for row in report.rows] == [1, 1, 1]
    assert "the worker process died (SIGKILL)" in str(report.rows[1].error)
    assert run_sweep(sweep, tmp_path / "s.sqlite", jobs=1).ran == 0


BAD = [
    ("time_limit = 0", "time_limit: expected a finite number > 0, got 0"),
    ("time_limit = -1", "time_limit: expected a finite number > 0, got -1"),
    ('time_limit = "1 min"', "time_limit: expected a real number, got '1 min'"),
    ("time_limit = true", "time_limit: expected a real number, got True"),
    ("time_limit = nan", "time_limit: expected a finite number, got nan"),
    ("time_limit = inf", "time_limit: expected a finite number, got inf"),
    ("time_limit = [1]", "time_limit: expected a real number, got [1]"),
    ("time_limit = 2026-01-01", "time_limit: expected a real number, got datetime.date"),
    (f"time_limit = 1{'0' * 400}", "time_limit: expected a number in the range of float64"),
    ("memory_limit = 0", "memory_limit: expected at least 1, got 0"),
    ("memory_limit = -5", "memory_limit: expected at least 1, got -5"),
    ('memory_limit = "2 GB"', "memory_limit: expected a whole number, got '2 GB'"),
    ("memory_limit = 1.5", "memory_limit: expected a whole number, got 1.5"),
    (f"memory_limit = 1{'0' * 40}", "memory_limit: expected at most"),
    ("order = 99999999999999999999", "order: unknown key"),
]


@pytest.mark.parametrize(("line", "message"), BAD)
def test_bad_limits_are_refused_by_name_before_any_work(
    tmp_path: Path, capsys, line: str, message: str
) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(
        f'evaluation = "descent"\n{line}\n[fixed]\ninstance = "two-by-two"\n[grid]\nseed = [1]\n'
    )
    assert main(["sweep", str(file), "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr()
    assert f"{file}: {message}" in sentence(said.err)
    assert said.err.count("lift-compare: ") == 1
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("value", ["0", "-1", "nan", "soon", "1e500"])
def test_bad_limits_of_the_command_are_refused_by_the_name_of_the_option(
    tmp_path: Path, capsys, value: str
) -> None:
    for option in ("--time-limit", "--memory-limit"):
        assert main(["sweep", "two-by-two", "--out", str(tmp_path / "o"), option, value]) == 2
        assert option in sentence(capsys.readouterr().err)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", [{"time_limit": 1.0}, {"memory_limit": 10**9}])
def test_a_limit_goes_with_no_executor(tmp_path: Path, limit: dict[str, float]) -> None:
    (name,) = limit
    for sweep, given in (
        (Sweep(SQUARE, {"x": [1]}), limit),
        (Sweep(SQUARE, {"x": [1]}, **limit), {}),
    ):
        with (
            ThreadPoolExecutor(1) as executor,
            pytest.raises(ValueError, match=f"^{name}: expected none together with an executor"),
        ):
            run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, **given)
    assert not list(tmp_path.iterdir())


def test_a_memory_limit_is_refused_where_the_system_has_none(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(ValueError, match="memory_limit: expected none on darwin"):
        run_sweep(Sweep(SQUARE, {"x": [1]}), tmp_path / "s.sqlite", memory_limit=10**9)
    assert not list(tmp_path.iterdir())


def test_a_keyword_of_zero_is_no_way_to_say_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="time_limit: expected a finite number > 0, got 0"):
        run_sweep(Sweep(SQUARE, {"x": [1]}), tmp_path / "s.sqlite", time_limit=0)
