"""Runs of rivals in a store: what the table says is counted again from the file."""

from __future__ import annotations

import json
import math
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm as normal

from lift_compare import sensing
from lift_compare.compare import RivalReport, figures, run_rivals
from lift_compare.compare.sweeps.rival_grids import ALL, FAST, GRIDS
from lift_compare.compare.sweeps.rival_runs import RivalSettings, rival_run

INSTANCES = ["two-by-two", "gaussian:n=5,m=7"]
CHOSEN = ["gd", "restarts", "no-lifting", "trace-sdp"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[RivalReport, Path]:
    path = tmp_path_factory.mktemp("rivals") / "rivals.sqlite"
    with ThreadPoolExecutor(1) as executor:
        report = run_rivals(INSTANCES, CHOSEN, path, runs=4, executor=executor, progress=False)
    return report, path


def test_the_counts_are_those_of_the_store(ran: tuple[RivalReport, Path]) -> None:
    """With nothing of ours: SQL and JSON, and Wilson's interval from its formula."""
    report, path = ran
    with closing(sqlite3.connect(path)) as store:
        stored = [
            (json.loads(settings), json.loads(results))
            for settings, results in store.execute("SELECT settings, results FROM evaluations")
        ]
    assert len(stored) == len(report.rows) == 2 * 4 * 4
    for cell in report.cells:
        mine = [
            results
            for settings, results in stored
            if settings["rival"] == cell["rival"]
            and cell["instance"].startswith(settings["instance"])
        ]
        assert cell["runs"] == len(mine) == 4
        solved = [row for row in mine if row["solved"]]
        assert cell["solved"] == len(solved)
        assert cell["gradients"] == pytest.approx(sum(row["spent"] for row in mine))
        if solved:
            cost = sum(row["spent"] for row in mine) / len(solved)
            assert cell["gradients_per_success"] == pytest.approx(cost)
        n, p, z = 4, len(solved) / 4, normal.ppf(0.975)
        middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        assert cell["low"] == pytest.approx(middle - half, abs=1e-9)
        assert cell["high"] == pytest.approx(middle + half, abs=1e-9)


def test_all_rivals_start_where_the_others_do(ran: tuple[RivalReport, Path]) -> None:
    """A run that spends nothing but one look at its start shows it: h there is the same for all."""
    settings = RivalSettings(instance="gaussian", n=5, m=7, seed=3, rival="gd")
    other = RivalSettings(instance="gaussian", n=5, m=7, seed=3, rival="adam")
    problem = settings.load().problem
    np.testing.assert_array_equal(settings.first_point(problem), other.first_point(problem))
    again = RivalSettings(instance="gaussian", n=5, m=7, seed=3, rival="gd", run=1)
    assert not np.array_equal(settings.first_point(problem), again.first_point(problem))


def test_a_start_at_the_point_is_stationary() -> None:
    settings = RivalSettings(instance="real-system", rival="gd", start="point")
    problem = settings.load().problem
    X = settings.first_point(problem)
    assert sensing.relative_gradient_norm(problem, X) < 1e-12


def test_a_seed_that_is_given_is_an_instance_of_its_own(tmp_path: Path) -> None:
    names = ["gaussian:n=4,m=6,seed=3", "gaussian:n=4,m=6,seed=4"]
    with ThreadPoolExecutor(1) as executor:
        how = {"executor": executor, "progress": False}
        report = run_rivals(names, ["restarts"], tmp_path / "s.sqlite", runs=2, **how)
        assert [(c["instance"], c["runs"]) for c in report.cells] == [(n, 2) for n in names]
        report = run_rivals(
            ["gaussian:n=4,m=6"], ["restarts"], tmp_path / "s.sqlite", runs=2, **how
        )
    assert [(c["instance"], c["runs"]) for c in report.cells] == [("gaussian:n=4,m=6", 2)]


def test_a_point_that_is_the_truth_counts_for_nobody(tmp_path: Path) -> None:
    row = rival_run(instance="power-system", without="P1", rival="gd", start="point")
    assert row == {"outcome": "X̂ is the truth", "solved": None}
    with ThreadPoolExecutor(1) as executor:
        report = run_rivals(
            ["power-system:without=P1"],
            ["gd"],
            tmp_path / "s.sqlite",
            runs=2,
            start="point",
            executor=executor,
            progress=False,
        )
    (cell,) = report.cells
    assert (cell["solved"], cell["tried"], cell["outcome"]) == (None, 0, "X̂ is the truth")


def test_without_a_truth_nothing_is_said_of_being_there(tmp_path: Path) -> None:
    """Zero runs at the truth would be a finding; where no truth is known there is none."""
    known = sensing.gaussian(4, 1, 12, 1)
    unknown = sensing.SensingProblem(known.operator, known.measurements, 1)
    named = [sensing.Instance("known", known), sensing.Instance("unknown", unknown)]
    with ThreadPoolExecutor(1) as executor:
        how = {"executor": executor, "progress": False}
        report = run_rivals(named, ["restarts"], tmp_path / "r.sqlite", runs=2, **how)
    with_truth, without = report.cells
    assert with_truth["solved"] == without["solved"] == 2
    assert (with_truth["near_truth"], without["near_truth"]) == (2, None)
    shown = report.table().split("unknown, random starts")[1].splitlines()
    head, line = shown[2], shown[4]
    end = head.index("at the truth") + len("at the truth")
    assert line[:end].endswith(" –")


def test_a_run_that_is_done_is_not_made_again(ran: tuple[RivalReport, Path]) -> None:
    report, path = ran

    class NoExecutor(ThreadPoolExecutor):
        def submit(self, *_: object, **__: object):  # type: ignore[override]
            raise AssertionError("it ran again")

    with NoExecutor(1) as executor:
        again = run_rivals(INSTANCES, CHOSEN, path, runs=4, executor=executor, progress=False)
    assert again.cells == report.cells


def test_the_table_gives_the_cheapest_success_first_and_fits(ran: tuple[RivalReport, Path]) -> None:
    report, _ = ran
    text = report.table()
    assert repr(report) == text
    assert max(map(len, text.splitlines())) <= 100
    for name in ("two-by-two, random starts", "gaussian:n=5,m=7, random starts"):
        assert name in text
    summary, first = text.split("\n\n")[1], text.split("\n\n")[3].splitlines()[2].split()[0]
    assert text.startswith("The cheapest success\n")
    assert [line.split()[0] for line in summary.splitlines()[2:]] == INSTANCES
    assert summary.splitlines()[2].split()[3] == first
    cells = [c for c in report.cells if c["instance"] == "two-by-two"]
    assert first == min(cells, key=lambda c: c.get("gradients_per_success", math.inf))["rival"]


def test_the_profile_has_a_problem_for_each_start(ran: tuple[RivalReport, Path]) -> None:
    report, _ = ran
    costs = report.costs()
    assert list(costs) == CHOSEN
    assert {len(row) for row in costs.values()} == {8}
    solved = {cell["rival"]: 0 for cell in report.cells}
    for cell in report.cells:
        solved[cell["rival"]] += cell["solved"]
    assert {name: sum(map(math.isfinite, row)) for name, row in costs.items()} == solved
    figure, ax = figures.performance_profile(costs)
    assert ax.get_ylim()[1] > 1
    assert figure is ax.figure


def test_a_rival_that_is_not_installed_is_a_row(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "pymanopt", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    row = rival_run(instance="two-by-two", rival="trust-region")
    assert (row["outcome"], row["solved"]) == ("not installed: pymanopt", None)
    with ThreadPoolExecutor(1) as executor:
        report = run_rivals(
            ["two-by-two"],
            ["gd", "trust-region"],
            tmp_path / "s.sqlite",
            runs=1,
            executor=executor,
            progress=False,
        )
    cell = next(cell for cell in report.cells if cell["rival"] == "trust-region")
    assert (cell["solved"], cell["outcome"]) == (None, "not installed: pymanopt")
    assert "not installed" in report.table()
    assert list(report.costs()) == ["gd"]


def test_a_rival_of_ones_own_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "still.py"
    path.write_text(
        "from lift_compare.compare import Run\n"
        "def run(problem, start, budget):\n    return Run(start)\n",
        encoding="utf-8",
    )
    settings = RivalSettings(instance="two-by-two", rival=str(path))
    assert rival_run(**settings.model_dump())["outcome"] == "gave up"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match="has changed since the sweep was made"):
        RivalSettings(**settings.model_dump())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: run_rivals("two-by-two"), "instances: expected a list"),
        (lambda: run_rivals([]), "instances: expected at least one, got none"),
        (lambda: run_rivals(["two-by-two"], ["x"]), "rival: expected one of"),
        (lambda: run_rivals(["two-by-two"], ["gd"], runs=0), "runs"),
        (lambda: run_rivals(["nowhere"], ["gd"]), "instance: expected one of"),
        (lambda: run_rivals(["two-by-two"], ["gd"], start="here"), "start"),
        (lambda: run_rivals(["two-by-two"], ["gd"], gradients=-1.0), "gradients"),
    ],
)
def test_bad_input_is_refused_before_any_work(call, message: str, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, TypeError), match=message):
        call()
    assert not list(tmp_path.iterdir())


def test_the_shipped_grids_name_what_there_is_and_are_as_large_as_promised() -> None:
    assert set(FAST) < set(ALL)
    for parts in GRIDS.values():
        for part in parts:
            assert set(part.rivals) <= set(ALL)
            for name in part.instances:
                RivalSettings(instance=name, rival="gd", **({"seed": 0} if ":" in name else {}))
    behind = [part for part in GRIDS["full"] if part.runs >= 200]
    sizes = {tuple(part.instances) for part in behind}
    assert any("gaussian:n=20,m=40,rank=2" in names for names in sizes)


def test_instances_made_in_python_are_rows_keyed_by_their_content(tmp_path: Path) -> None:
    """The same numbers are the same rows, other numbers are others; the name is the reader's."""

    def run(seed: int, name: str = "mine here") -> RivalReport:
        mine = sensing.Instance(name, sensing.gaussian(4, 1, 8, seed))
        with ThreadPoolExecutor(1) as executor:
            return run_rivals(
                [mine, "two-by-two"], ["restarts"], tmp_path / "r.sqlite", runs=2,
                executor=executor, progress=False,
            )  # fmt: skip

    first, again, other = run(1), run(1), run(2)
    assert [cell["instance"] for cell in first.cells] == ["mine-here", "two-by-two"]
    assert [row["run_seconds"] for row in first.rows] == [row["run_seconds"] for row in again.rows]
    assert first.rows[0]["digest"] != other.rows[0]["digest"]
    assert first.rows[-1] == other.rows[-1], "that of the catalogue is not run again"
    files = sorted((tmp_path / "r.sqlite-instances").iterdir())
    assert len(files) == 2
    problem = sensing.load_instance(files[0]).problem
    wanted = [sensing.gaussian(4, 1, 8, seed).measurements for seed in (1, 2)]
    assert any(np.array_equal(problem.measurements, b) for b in wanted)
    with pytest.raises(ValueError, match="expected distinct names, got 'mine' twice"):
        run_rivals(
            [sensing.Instance("mine", sensing.gaussian(4, 1, 8, k)) for k in (1, 2)],
            ["gd"], tmp_path / "s.sqlite",
        )  # fmt: skip
