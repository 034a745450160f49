"""Running a sweep: nothing twice, nothing lost, whoever evaluates and however it ends."""

from __future__ import annotations

import collections
import multiprocessing
import multiprocessing.context
import os
import random
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lift_compare.compare.sweeps.rows import Status
from lift_compare.compare.sweeps.run import run_sweep
from lift_compare.compare.sweeps.store import Store
from lift_compare.compare.sweeps.sweep import Sweep

from .evaluations_for_tests import DEADLY, FLAKY, GATED, MOODY, PINNED, SQUARE

ROOT = Path(__file__).parents[3]


def begun(log: Path) -> collections.Counter[str]:
    """How often each evaluation was begun."""
    lines = log.read_text().splitlines() if log.exists() else []
    return collections.Counter(line for line in lines if line.startswith("begin"))


def squares(count: int, log: Path, seconds: float = 0.0) -> Sweep:
    return Sweep(SQUARE, {"x": list(range(count))}, {"log": str(log), "seconds": seconds})


def assert_all_there(sweep: Sweep, store_path: Path) -> None:
    """Every row once, done, with its own result."""
    with Store(store_path, create=False) as store:
        rows = store.rows()
    assert sorted(row.task.key for row in rows) == sorted(task.key for task in sweep.tasks)
    for row in rows:
        assert row.status is Status.DONE
        assert row.results == {"square": row.task.settings["x"] ** 2}


@pytest.mark.parametrize("workers", [1, 3])
def test_threads_run_each_evaluation_once_and_a_second_call_runs_none(
    tmp_path: Path, workers: int
) -> None:
    sweep = squares(12, tmp_path / "log")
    with ThreadPoolExecutor(workers) as executor:
        first = run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, jobs=workers)
        second = run_sweep(sweep, tmp_path / "s.sqlite", executor=executor)
    assert (first.ran, second.ran) == (12, 0)
    assert [row.task for row in first.rows] == list(sweep.tasks)
    assert [row.results for row in second.rows] == [row.results for row in first.rows]
    assert set(begun(tmp_path / "log").values()) == {1}
    assert "12 done; 0 run here" in repr(second)
    assert_all_there(sweep, tmp_path / "s.sqlite")


def test_processes_are_pinned_to_one_thread_and_leave_no_trace(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    report = run_sweep(Sweep(PINNED, {"x": list(range(4))}), tmp_path / "s.sqlite", jobs=2)
    assert {row.results["threads"] for row in report.rows} == {"1"}
    assert os.getpid() not in {row.results["process"] for row in report.rows}
    assert {
        limit for row in report.rows for limit in row.provenance["machine"]["threads"].values()
    } == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]


def test_failures_and_refusals_are_rows(tmp_path: Path) -> None:
    sweep = Sweep(MOODY, {"x": list(range(7))})
    rows = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1).rows
    again = run_sweep(sweep, tmp_path / "s.sqlite", jobs=1)
    assert [str(row.status) for row in rows] == [
        "done",
        "failed",
        "refused",
        "done",
        "done",
        "failed",
        "failed",
    ]
    errors = [row.error or "" for row in rows]
    assert errors[1].startswith("ValueError: one is not welcome (evaluations_for_tests.py:")
    assert errors[2] == "refused: needs 8 kB, 100 B allowed"
    assert rows[3].warnings == ("three is a crowd",)
    assert rows[4].results == {"value": None, "list": [1.0, None]}  # never NaN
    assert "expected a dict of results, got int" in errors[5]
    assert "not JSON serializable" in errors[6]
    assert again.ran == 0


def test_threads_leave_the_warning_filters_alone(tmp_path: Path) -> None:
    before = list(warnings.filters)
    with ThreadPoolExecutor(4) as executor:
        run_sweep(
            squares(40, tmp_path / "log", 0.001), tmp_path / "s.sqlite", executor=executor, jobs=4
        )
    assert warnings.filters == before


def test_failed_rows_are_run_again_when_asked(tmp_path: Path) -> None:
    sweep = Sweep(FLAKY, {"flag": [str(tmp_path / "flag")]})
    with ThreadPoolExecutor(1) as executor:
        first = run_sweep(sweep, tmp_path / "s.sqlite", executor=executor)
        assert first.rows[0].status is Status.FAILED
        (tmp_path / "flag").touch()
        assert run_sweep(sweep, tmp_path / "s.sqlite", executor=executor).ran == 0
        retried = run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, retry_failed=True)
        assert (
            run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, retry_failed=True).ran == 0
        )
    assert (retried.ran, retried.rows[0].status, retried.rows[0].error) == (1, Status.DONE, None)
    assert retried.rows[0].attempts == 2


def test_a_worker_that_is_killed_costs_its_own_row_only(tmp_path: Path) -> None:
    sweep = Sweep(DEADLY, {"x": list(range(5))})
    report = run_sweep(sweep, tmp_path / "s.sqlite", jobs=2)
    assert [str(row.status) for row in report.rows] == ["done", "done", "failed", "done", "done"]
    assert report.rows[2].error is not None
    assert "the worker process died" in report.rows[2].error


def test_sweeps_of_one_store_share_its_rows(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as executor:
        run_sweep(squares(5, tmp_path / "log"), tmp_path / "s.sqlite", executor=executor)
        report = run_sweep(squares(8, tmp_path / "log"), tmp_path / "s.sqlite", executor=executor)
        other = Sweep(MOODY, {"x": [7]})
        assert run_sweep(other, tmp_path / "s.sqlite", executor=executor).ran == 1
    assert (report.ran, len(report.rows)) == (3, 8)
    assert set(begun(tmp_path / "log").values()) == {1}


def test_two_sweeps_at_once_share_the_work(tmp_path: Path) -> None:
    log, gate = tmp_path / "log", tmp_path / "gate"
    sweep = Sweep(GATED, {"x": list(range(20))}, {"log": str(log), "gate": str(gate)})
    ran = {}

    def work(name: str) -> None:
        with ThreadPoolExecutor(1) as executor:
            report = run_sweep(sweep, tmp_path / "s.sqlite", executor=executor, jobs=1)
        assert all(row.status is Status.DONE for row in report.rows)
        ran[name] = report.ran

    first, second = (
        threading.Thread(target=work, args=["first"]),
        threading.Thread(target=work, args=["second"]),
    )
    first.start()
    while begun(log).total() < 1:  # the first has x = 0 in hand, and keeps it
        time.sleep(0.005)
    second.start()
    while begun(log).total() < 20:
        time.sleep(0.005)
    gate.touch()
    first.join()
    second.join()  # it waited for the row that the first one had in hand
    assert ran == {"first": 1, "second": 19}
    assert set(begun(log).values()) == {1}
    assert_all_there(sweep, tmp_path / "s.sqlite")


def in_threads(folder: Path, count: int, seconds: float) -> None:
    """Run a sweep on two threads (what a forked child does)."""
    with ThreadPoolExecutor(2) as executor:
        run_sweep(
            squares(count, folder / "log", seconds), folder / "s.sqlite", executor=executor, jobs=2
        )


@pytest.fixture(scope="module")
def fork() -> multiprocessing.context.ForkServerContext:
    """Processes that start in milliseconds, because their server has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.compare.sweeps.test_run"])
    return context


def finished(store_path: Path) -> dict[str, tuple[str | None, float | None]]:
    """The rows that are done, with the time at which they were and the seconds they took."""
    if not store_path.exists():
        return {}
    with Store(store_path) as store:  # it may be empty yet
        return {
            row.task.key: (row.finished, row.seconds)
            for row in store.rows()
            if row.status is Status.DONE
        }


@pytest.mark.parametrize("seed", [1, 2])
def test_kill_9_loses_no_row_and_doubles_none(fork, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    store_path, log = tmp_path / "s.sqlite", tmp_path / "log"
    before: dict[str, tuple[str | None, float | None]] = {}
    kills = 0
    while kills < 10:
        child = fork.Process(target=in_threads, args=(tmp_path, 150, 0.005))
        child.start()
        time.sleep(rng.uniform(0.0, 0.12))  # from before the store exists to the middle of the work
        child.kill()
        child.join()
        kills += child.exitcode == -signal.SIGKILL
        now = finished(store_path)
        assert before.items() <= now.items(), "a finished row was lost or run again"
        before = now
    in_threads(tmp_path, 150, 0.005)
    assert before.items() <= finished(store_path).items()
    assert_all_there(squares(150, log, 0.005), store_path)
    assert begun(log).total() <= 150 + 2 * kills, (
        "a kill can cost the two evaluations in hand, and no more"
    )
    assert [
        path.name for path in tmp_path.iterdir() if "session" in path.name or "journal" in path.name
    ] == []


def test_another_process_takes_over_what_a_killed_one_had_in_hand(fork, tmp_path: Path) -> None:
    sweep, log = squares(20, tmp_path / "log", 0.05), tmp_path / "log"
    first = fork.Process(target=in_threads, args=(tmp_path, 20, 0.05))
    first.start()
    while len(begun(log)) < 4:
        time.sleep(0.005)
    second = fork.Process(target=in_threads, args=(tmp_path, 20, 0.05))
    second.start()
    while len(begun(log)) < 9:
        time.sleep(0.005)
    first.kill()
    first.join()
    second.join()
    assert second.exitcode == 0
    assert_all_there(sweep, tmp_path / "s.sqlite")
    assert begun(log).total() <= 20 + 2


SCRIPT = """
import sys
from pathlib import Path
from lift_compare.compare.sweeps.sweep import Sweep
from lift_compare.compare.sweeps.run import run_sweep
from tests.compare.sweeps.evaluations_for_tests import NAPPING
from tests.compare.sweeps.test_run import squares
if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sweep = SWEEP
    run_sweep(sweep, folder / "s.sqlite", jobs=2)
"""


def start(folder: Path, sweep: str, script: str = SCRIPT) -> subprocess.Popen[str]:
    """Run a sweep on two processes, by a script."""
    path = folder / "script.py"
    path.write_text(script.replace("SWEEP", sweep))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, str(path), str(folder)], stderr=subprocess.PIPE, text=True, env=environment
    )


@pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="reads the state of processes from /proc"
)
def test_workers_end_with_a_killed_sweep(tmp_path: Path) -> None:
    naps = tmp_path / "naps"
    naps.mkdir()
    child = start(tmp_path, f"Sweep(NAPPING, {{'x': [1, 2, 3, 4]}}, {{'folder': {str(naps)!r}}})")
    while len(list(naps.iterdir())) < 2:
        assert child.poll() is None
        time.sleep(0.01)
    workers = [int(path.name) for path in naps.iterdir()]
    assert all(is_running(worker) for worker in workers)
    child.kill()
    child.communicate()
    for _ in range(1000):  # ten seconds at most, where the workers have sixty to sleep
        if not any(is_running(worker) for worker in workers):
            break
        time.sleep(0.01)
    assert not any(is_running(worker) for worker in workers)


def test_ctrl_c_keeps_what_is_finished_and_ends_at_once(tmp_path: Path) -> None:
    child = start(tmp_path, "squares(200, folder / 'log', 0.1)")
    while len(finished(tmp_path / "s.sqlite")) < 3:
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=60)
    assert child.returncode != 0
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert 3 <= len(finished(tmp_path / "s.sqlite")) < 200
    assert not list(tmp_path.glob("*.session-*"))


def test_a_script_without_a_guard_is_told_so(tmp_path: Path) -> None:
    child = start(
        tmp_path,
        "squares(3, folder / 'log')",
        SCRIPT.replace('if __name__ == "__main__":', "if True:"),
    )
    _, err = child.communicate(timeout=200)
    assert child.returncode != 0
    # the last line of a traceback; the resource tracker of a spawned process may speak after it
    said = [
        line for line in err.splitlines() if line.startswith("RuntimeError: the worker processes")
    ]
    assert said, err
    assert "if __name__ == '__main__'" in said[-1]


def test_a_broken_executor_of_the_caller_is_an_error(tmp_path: Path) -> None:
    executor = ThreadPoolExecutor(1, initializer=lambda: 1 / 0)
    with pytest.raises(RuntimeError, match="the executor broke"):
        run_sweep(squares(3, tmp_path / "log"), tmp_path / "s.sqlite", executor=executor)
    executor.shutdown()


def is_running(process: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
