"""The main job: its rows, its refusals and what it says about the published settings."""

import math
from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare import compare_instances
from lift_compare.compare.commands.main import main
from lift_compare.compare.cost.cases import instance_cases
from lift_compare.compare.published.findings import findings
from lift_compare.compare.simulated_lift import SimulatedLift
from lift_compare.sensing import LiftSettings


def test_rows_refusals_and_findings() -> None:
    result = compare_instances(orders=(3,), memory_limit=300_000, costs=False)
    status = {(row["instance"], row["order"]): row["status"] for row in result.rows}
    assert set(status) == {
        ("two-by-two", 3),
        ("perturbed-completion", 3),
        ("perturbed-completion", 11),
        ("real-system", 3),
        ("real-system", 5),
    }
    assert status["two-by-two", 3] == "compared"
    assert status["perturbed-completion", 11].startswith("refused: needs ")
    assert status["perturbed-completion", 11].endswith(" bytes, 300000 allowed")
    assert "l = 11: refused: needs" in result.table()
    # The real system: no negative curvature along v̂ at any order; the rule of the code holds by
    # the surrogate only.
    findings = " ".join(
        sentence for sentence in result.findings if sentence.startswith("real-system")
    )
    assert "NO negative lifted curvature" in findings
    assert "does NOT hold by the code with the exact objective" in findings
    assert "holds by the code with the diagonal surrogate" in findings
    for row in result.rows:
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
    # Every escape of the exact simulation at the published order of the first two decreases h.
    for row in result.rows:
        if row["published_order"] and row["instance"] != "real-system":
            assert row["h_exact"] < row["h_stationary"]


def test_unknown_instances_are_refused() -> None:
    with pytest.raises(ValueError, match="instance: expected one of two-by-two"):
        compare_instances(["three-by-three"])


def test_an_instance_of_your_own_is_compared_with_default_settings() -> None:
    problem = sensing.gaussian(4, 2, 9, seed=1)
    own = sensing.Instance("mine", problem)
    result = compare_instances([own], orders=[1], costs=False, seed=2)
    assert [row["order"] for row in result.rows] == [1, 3]
    assert result.agree
    assert "mine: n = 4, m = 9, r = 2; ρ and η from the problem, T = 1,000; * " in result.table()
    assert all("published" not in finding for finding in result.findings)


def test_an_order_that_leaves_float64_is_a_row_that_says_so() -> None:
    problem = sensing.gaussian(3, 1, 5, seed=1)
    large = sensing.SensingProblem.from_ground_truth(problem.operator, 1e6 * problem.ground_truth)
    result = compare_instances([sensing.Instance("large", large)], orders=[3, 17], costs=False)
    assert {row["status"].partition(":")[0] for row in result.rows} <= {"compared", "out of range"}
    assert result.rows[-1]["status"].startswith("out of range: ")
    assert "l = 17: out of range: " in result.table()


def test_a_problem_without_ground_truth_has_no_distances() -> None:
    rng = np.random.default_rng(0)
    problem = sensing.quadratic_network(rng.standard_normal((9, 3)), rng.random(9), 1)
    result = compare_instances([sensing.Instance("network", problem)], orders=[3], costs=False)
    assert {row["distance_stationary"] for row in result.rows} == {None}
    assert result.agree


def test_settings_that_leave_float64_are_a_finding() -> None:
    problem, X = sensing.two_by_two(), np.array([[0.0], [2**-0.5]])
    said = findings("own", SimulatedLift(problem, X, LiftSettings(3, 0.1, 10.0, 100_000)))
    assert len(said) == 1
    assert said[0].startswith("own: ")
    assert "float64" in said[0]


def test_two_instances_of_one_name_are_refused(tmp_path: Path) -> None:
    """Rows and files are told apart by it: the second would pass for the first."""
    files = [tmp_path / folder / "mine.npz" for folder in ("one", "other")]
    for seed, file in enumerate(files):
        file.parent.mkdir()
        sensing.save_instance(file, sensing.instance("rank-one", n=3, m=4, seed=seed))
    refused = "instance: expected distinct names, got 'mine' twice"
    with pytest.raises(ValueError, match=refused):
        compare_instances(files, orders=[3])
    with pytest.raises(ValueError, match=refused):
        instance_cases([str(file) for file in files], [3])
    for command in ("directions", "verify", "cost"):
        words = [word for file in files for word in ("--instance", str(file))]
        assert main([command, *words, "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()
