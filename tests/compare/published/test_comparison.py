"""The main job: its rows, its refusals and what it says about the published settings."""

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.compare import compare_directions, compare_instances
from lift_compare.compare.commands.main import main
from lift_compare.compare.cost.cases import instance_cases
from lift_compare.compare.published.answer import _saddle, _times, ends_of_descents
from lift_compare.compare.published.findings import InstanceFinding, findings
from lift_compare.compare.simulated_lift import SimulatedLift
from lift_compare.sensing import LiftSettings
from lift_compare.simulated.span.default_step import default_rho, default_step_size


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
    assert status["perturbed-completion", 11].endswith(", 300 kB allowed")
    assert "l = 11: refused: needs" in result.table()
    # The real system: no negative curvature along v̂ at any order; the rule of the code holds by
    # the surrogate only.
    held = {each.id: each.holds for each in result.findings if each.instance == "real-system"}
    assert held["visible-saddle"] is False
    assert held["rule-code-exact"] is False
    assert held["rule-code-surrogate"] is True
    assert held["truncated-escape"] is False
    assert max(len(each.statement) for each in result.findings) <= 200
    assert all(each.statement.endswith(".") for each in result.findings)
    assert all(each.statement in str(each) for each in result.findings)
    for row in result.rows:
        assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
    # Every escape of the exact simulation at the published order of the first two decreases h.
    for row in result.rows:
        if row["published_order"] and row["instance"] != "real-system":
            assert row["h_exact"] < row["h_stationary"]
    published = {row["instance"]: row["order"] for row in result.rows if row["published_order"]}
    assert published == {"two-by-two": 3, "perturbed-completion": 11, "real-system": 5}


def test_unknown_instances_are_refused() -> None:
    with pytest.raises(ValueError, match="instance: expected one of two-by-two"):
        compare_instances(["three-by-three"])


def test_an_instance_of_your_own_is_compared_with_default_settings() -> None:
    problem = sensing.gaussian(4, 2, 9, seed=1)
    own = sensing.Instance("mine", problem)
    result = compare_instances([own], orders=[1], costs=False, seed=2)
    assert [row["order"] for row in result.rows] == [1]
    assert result.agree
    text = " ".join(result.table().split())
    assert "mine: n = 4, m = 9, r = 2 settings ρ ‖v̂‖ = 0.1 ‖ŵ‖ (default); " in text
    assert "T = 1,000 (default)" in text
    assert all("published" not in finding.statement for finding in result.findings)
    assert "* the order that the findings are about" in text
    # What is printed of the defaults is so.
    (row,), lift = result.rows, result.comparisons["mine", 1].lift
    sizes = [np.linalg.norm(G) for G in lift.directions.generators]
    assert row["rho"] * sizes[1] == pytest.approx(0.1 * sizes[0])
    values = lift.over(row["T"]).exact.values
    assert np.all(np.diff(values) <= 1e-12 * values[0])


def test_without_settings_the_findings_are_about_an_order_that_was_asked_for() -> None:
    own = sensing.Instance("mine", sensing.gaussian(3, 1, 5, seed=1))
    for orders, about in (([5, 7], 5), ([1, 3, 5], 3), ([], 3)):
        rows = compare_instances([own], orders=orders, costs=False, oracle=False).rows
        assert [row["order"] for row in rows] == (orders or [3])
        assert [row["order"] for row in rows if row["order_of_findings"]] == [about]
        assert not any(row["published_order"] for row in rows)  # nothing is published of it


@pytest.mark.parametrize("name", ["two-by-two", "real-system", "gaussian:n=4,m=5,seed=3"])
def test_settings_that_are_given_reach_both_descents(name: str) -> None:
    how = {"orders": [3, 5], "costs": False, "oracle": False, "progress": False}
    result = compare_instances([name], rho=0.2, step_size=0.003, steps=12, **how)
    assert result.agree
    assert result.comparisons
    for (_, order), found in result.comparisons.items():
        assert (found.rho, found.step_size, found.steps) == (0.2, 0.003, 12)
        alone = compare_directions(
            found.lift.problem,
            found.lift.point,
            order,
            rho=0.2,
            eta=0.006,
            steps=12,
            costs=False,
            oracle=False,
        )
        np.testing.assert_array_equal(found.explicit.values, alone.explicit.values)
        np.testing.assert_array_equal(found.exact.values, alone.exact.values)
    for row in result.rows:
        assert (row["T"], row["steps"], row["simulated_steps"]) == (12, 12, 12)
        assert row["step_size"] == row["eta"] / 2 == 0.003
        assert {row["rho_from"], row["eta_from"], row["steps_from"]} == {"given"}
    assert not any("published T" in finding.statement for finding in result.findings)
    assert any("T = 12 steps" in finding.statement for finding in result.findings)


def test_a_setting_that_is_given_leaves_the_others_as_they_were() -> None:
    how = {"orders": [3], "costs": False, "oracle": False}
    (row,) = compare_instances(["two-by-two"], rho=0.2, **how).rows
    assert (row["rho"], row["eta"], row["T"]) == (0.2, 0.01, 660)
    assert (row["rho_from"], row["eta_from"], row["steps_from"]) == (
        "given",
        "published",
        "published",
    )
    (row,) = compare_instances(["gaussian:n=3,m=5"], eta=0.01, **how).rows
    assert (row["eta"], row["T"]) == (0.01, 1000)
    assert (row["rho_from"], row["eta_from"], row["steps_from"]) == ("default", "given", "default")


def test_the_explicit_side_makes_no_more_steps_than_the_settings_say() -> None:
    own = sensing.instance("two-by-two")
    short = replace(own, name="short", settings=replace(own.settings, steps=9))
    (row,) = compare_instances([short], orders=[3], costs=False).rows
    assert (row["steps"], row["simulated_steps"], row["steps_from"]) == (9, 9, "of the instance")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rho": 0}, ValueError, "rho: expected a finite number > 0"),
        ({"eta": -1.0}, ValueError, "eta: expected a finite number > 0"),
        ({"step_size": "0.1"}, TypeError, "step_size: expected a real number"),
        ({"steps": 0}, ValueError, "steps: expected a whole number of at least 1"),
        ({"steps": 10**9}, ValueError, "steps: expected at most"),
        ({"step_size": 0.1, "eta": 0.2}, ValueError, "eta: expected one of step_size and eta"),
        ({"memory_limit": 0}, ValueError, "memory_limit: expected"),
        ({"progress": "yes"}, TypeError, "progress: expected True or False"),
        ({"seed": -1}, ValueError, "seed: expected"),
        ({"step": 0.1}, TypeError, "step"),
    ],
)
def test_bad_settings_are_refused_before_an_instance_is_read(change, error, message) -> None:
    with pytest.raises(error, match=message):
        compare_instances(["no-such-instance"], **change)


def test_an_order_that_leaves_float64_is_a_row_that_says_so() -> None:
    problem = sensing.gaussian(3, 1, 5, seed=1)
    large = sensing.SensingProblem.from_ground_truth(problem.operator, 1e6 * problem.ground_truth)
    result = compare_instances([sensing.Instance("large", large)], orders=[3, 17], costs=False)
    assert {row["status"].partition(":")[0] for row in result.rows} <= {"compared", "out of range"}
    assert result.rows[-1]["status"].startswith("out of range: ")
    assert "l = 17: out of range: " in result.table()


@pytest.mark.parametrize("full", [False, True])
def test_the_largest_order_is_a_column_like_the_others(full: bool) -> None:
    result = compare_instances(["gaussian:n=4,m=6"], orders=[1, 1001], costs=False)
    text = result.table(full=full)
    assert re.search(r"entries.* 4 +4\.6e602\n", text)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("full", [False, True])
def test_a_curvature_that_cancels_is_shown_with_its_rounding(full: bool) -> None:
    problem = sensing.gaussian(4, 1, 6, seed=0)
    own = sensing.Instance("own", problem, known_point=problem.ground_truth)
    result = compare_instances([own], orders=[3, 21], costs=False)
    small, large = result.rows
    assert 0 < small["power_curvature_rounding"] < 1e-9 * small["power_curvature"]
    assert large["power_curvature"] == 0
    bound = large["power_curvature_rounding"]
    assert re.search(
        rf"V\* +\+\S+ +0 ± {bound:.0e}\n".replace("e+", r"e\+"), result.table(full=full)
    )


def test_the_answer_says_how_many_steps_were_compared() -> None:
    result = compare_instances(["real-system"], orders=[3, 5, 11], costs=False)
    made = [row["steps"] for row in result.rows]
    assert made[0] == made[1] > made[2]
    text = " ".join(result.table().split())
    assert f"at l = 3 ({made[0]} steps), 5 ({made[1]}), 11 ({made[2]})" in text
    alike = compare_instances(["two-by-two"], orders=[3, 5], costs=False, steps=7).table()
    assert "at l = 3, 5 (7 steps each)" in " ".join(alike.split())


def test_the_answer_says_whether_there_is_a_way_out() -> None:
    """The lifted point of the real system is a strict saddle at l = 9, but not within the span."""
    result = compare_instances(["real-system"], orders=[3, 9], costs=False)
    instance = result.instances[0]
    escape = simulated.escape(instance.problem, instance.stationary_point(), method="exact")
    assert escape.found
    lowers = f"lowers h from {escape.objective_before:.4g} to {escape.objective_after:.4g}"
    text = " ".join(result.table().split())
    assert f"the exact method (simulated.escape) {lowers}, at l = {escape.order}" in text
    row = next(row for row in result.rows if row["order"] == 9)
    assert row["h_exact"] > row["h_stationary"]
    assert row["power_curvature"] < 0
    assert re.search(
        r"raise it at l = 5, 9, although ŵ = vec\(X̂\)\^{⊗l} is a strict saddle along V\* at l = 9",
        text,
    )
    found = next(each for each in result.findings if each.id == "exact-escape")
    assert found.numbers["h reached"] == escape.objective_after


def test_without_any_saddle_order_the_answer_says_so() -> None:
    said = _saddle(
        [
            InstanceFinding("own", "visible-saddle", "", False, {"smallest saddle order": None}),
            InstanceFinding(
                "own",
                "power-saddle",
                "",
                None,
                {"smallest saddle order along V*": None, "none below, certified": math.inf},
            ),
        ]
    )
    assert said.endswith("; at no order along V* (certified)")


def test_simulated_columns_need_no_lift() -> None:
    row, small = (
        compare_instances(["two-by-two"], orders=[3], memory_limit=limit).rows[0]
        for limit in (1, 10**9)
    )
    assert row["status"].startswith("refused")
    assert row["truncation_error"] == small["truncation_error"]
    assert row["simulated_traced_bytes"] == small["simulated_traced_bytes"] > 0
    assert row["simulated_seconds"] > 0
    assert "explicit_seconds" not in row


def test_a_problem_without_ground_truth_has_no_distances() -> None:
    rng = np.random.default_rng(0)
    problem = sensing.quadratic_network(rng.standard_normal((9, 3)), rng.random(9), 1)
    result = compare_instances([sensing.Instance("network", problem)], orders=[3], costs=False)
    assert {row["distance_stationary"] for row in result.rows} == {None}
    assert result.agree


def test_settings_that_leave_float64_are_a_finding() -> None:
    problem, X = sensing.two_by_two(), np.array([[0.0], [2**-0.5]])
    said = findings("own", SimulatedLift(problem, X, LiftSettings(3, 0.1, 10.0, 100_000)))
    ids = ["visible-saddle", "power-saddle", "exact-escape", "out-of-range"]
    assert [each.id for each in said] == ids
    assert said[-1].instance == "own"
    assert "float64" in said[-1].statement


@pytest.mark.parametrize(
    ("of_A", "of_b", "said"),
    [
        (1.0, 1e-60, r"divide b by ([\d.e+-]+) \(its size\), and X and Z by the root of that"),
        (1.0, 1e60, r"divide b by ([\d.e+-]+) \(its size\), and X and Z by the root of that"),
        (1e120, 1.0, r"divide A by ([\d.e+-]+) \(its size\), multiply X and Z by the root"),
        (1e100, 1e100, r"divide A and b by ([\d.e+-]+) \(the size of b\)"),
        (1e-100, 1e-100, r"divide A and b by ([\d.e+-]+) \(the size of b\)"),
    ],
)
def test_a_size_that_leaves_float64_is_told_with_what_mends_it(of_A, of_b, said) -> None:
    """No step and no ρ does; what is told is done here, and then the order is compared."""
    instance = sensing.instance("perturbed-completion")
    A, b = np.asarray(instance.problem.operator.matrices()), instance.problem.measurements
    X = instance.stationary_point()

    def compared(of_A, of_b):
        problem = sensing.SensingProblem(sensing.DenseOperator(A * of_A), b * of_b, rank=1)
        point = X * math.sqrt(of_b / of_A)
        given = sensing.Instance("scaled", problem, known_point=point)
        return compare_instances([given], orders=[3], costs=False, oracle=False)

    refused = compared(of_A, of_b)
    status = refused.rows[0]["status"]
    assert status.startswith("out of range"), status
    assert "smaller step" not in status
    told = re.search(said, status)
    assert told is not None, status
    assert not any("truncated path leaves" in each.statement for each in refused.findings)
    divisor = float(told[1])
    if " b by" in said:
        assert divisor == pytest.approx(np.linalg.norm(b) * of_b, rel=0.05)
    mended = compared(
        of_A / divisor if "divide A" in said else of_A, of_b / divisor if " b by" in said else of_b
    )
    assert mended.rows[0]["status"] == "compared"
    assert mended.agree


def test_two_instances_of_one_name_are_refused(tmp_path: Path) -> None:
    """Rows and files are told apart by it: the second would pass for the first."""
    files = [tmp_path / folder / "mine.npz" for folder in ("one", "other")]
    for seed, file in enumerate(files):
        file.parent.mkdir()
        sensing.save_instance(file, sensing.instance("rank-one", n=3, m=4, seed=seed))
    refused = "instance: expected distinct names, got 'mine' twice"
    with pytest.raises(ValueError, match=refused + r" \(the name of a file is that without its"):
        compare_instances(files, orders=[3])
    with pytest.raises(ValueError, match=refused):
        instance_cases([str(file) for file in files], [3])
    for command in ("directions", "verify", "cost"):
        words = [word for file in files for word in ("--instance", str(file))]
        assert main([command, *words, "--out", str(tmp_path / "out")]) == 2
    assert not (tmp_path / "out").exists()


def test_the_answer_stands_first_and_no_line_is_too_long() -> None:
    result = compare_instances(["real-system", "two-by-two"], orders=(3, 5, 9, 17))
    row = next(row for row in result.rows if row["order"] == 5)
    for full in (False, True):
        text = result.table(full=full)
        assert max(map(len, text.splitlines())) <= 100
        answer = " ".join(text.split("\n\n")[0].split())
        assert "agree to" in answer
        assert "at no odd order up to 1001 along the visible direction" in answer
        assert "from l = 9 on along V* (certified: at no smaller order)" in answer
        assert _times(row["explicit_seconds"] / row["simulated_seconds"]) + " the time" in answer
        for number in ("5.56e-08", "l = 17: refused: needs") if not full else ("-5.563e-08",):
            assert number in text


def test_the_table_shows_every_change_of_h_that_the_answer_tells() -> None:
    """A change in the sixth digit is none in a table of five."""
    own = sensing.Instance("own", sensing.gaussian(3, 1, 5, seed=1))
    found = compare_instances([own], orders=[1, 3, 5], costs=False, oracle=False)
    h = 1.230081234
    changes = (0.0, 1.6e-5, -3e-7)
    rows = [
        {**row, "h_stationary": h, "h_exact": h + change}
        for row, change in zip(found.rows, changes, strict=True)
    ]
    ends = {does: [row["order"] for row in of] for does, of in ends_of_descents(rows).items()}
    assert ends == {"lower h": [5], "leave h as it is": [1], "raise it": [3]}
    for full in (False, True):
        lines = replace(found, rows=tuple(rows)).table(full=full).splitlines()
        before, after = (
            [float(number) for number in line.split()[-3:]]
            for line in lines
            if line.startswith(("h at X̂", "h after the sim", "h after collapse, exact"))
        )
        assert [(b > a) - (b < a) for a, b in zip(before, after, strict=True)] == [0, 1, -1]


def test_divergence_and_disagreement_are_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    own = sensing.instance("two-by-two")
    larger = sensing.SensingProblem.from_ground_truth(
        own.problem.operator, 3 * own.problem.ground_truth
    )
    large = sensing.Instance(
        "large", larger, known_point=[[0.0], [3 * 2**-0.5]], settings=own.settings
    )
    text = " ".join(compare_instances([large], orders=[3], costs=False).table().split())
    assert "until both diverge at step" in text
    assert "η is too large" in text
    monkeypatch.setattr("lift_compare.compare.agreement.result.AGREEMENT", 0.0)
    text = compare_instances([own], orders=[3, 5], costs=False).table()
    assert "DISAGREE at l = 3, 5 (of l = 3, 5)" in text


def test_an_order_beyond_every_array_is_a_refused_column() -> None:
    result = compare_instances(["two-by-two"], orders=[3, 65], costs=False)
    small, large = result.rows
    assert small["status"] == "compared"
    assert large["status"].startswith("refused: needs 3.0e20 bytes")
    # The simulated half stays.
    assert large["curvature"] == pytest.approx(-2.0, abs=1e-9)


def test_at_a_solved_point_no_escape_is_due() -> None:
    problem = sensing.gaussian(3, 1, 9, seed=2)
    solved = sensing.Instance("solved", problem, known_point=problem.ground_truth)
    result = compare_instances([solved], orders=[3], costs=False)
    assert [each.id for each in result.findings] == ["solved"]
    assert "X̂ solves the problem to rounding" in result.table()


def test_where_no_order_was_compared_nothing_is_said_of_agreement(tmp_path: Path, capsys) -> None:
    words = ["two-by-two", "--order", "3", "--memory-limit", "1", "--out", str(tmp_path)]
    assert main(["directions", *words]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("No order was compared")
    assert "agreement not known: no order was compared" in said
    assert "l = 3: refused: needs" in said
    assert "agree to" not in said


def test_a_step_chosen_here_keeps_the_truncated_path_in_float64() -> None:
    """Its recursion may grow at every step where the exact path falls: to 1e331 here."""
    rng = np.random.default_rng(6)
    A, z = rng.standard_normal((8, 4, 4)), rng.standard_normal(4)
    A = (A + A.transpose(0, 2, 1)) / 2
    problem = sensing.SensingProblem(sensing.DenseOperator(A), np.einsum("ijk,j,k->i", A, z, z))
    X = sensing.spurious_point(problem)
    span = simulated.SpanObjective(problem, simulated.escape_directions(problem, X).generators, 1)
    eta = 2 * default_step_size(span, [1.0, default_rho(span), 0.0], iterations=1000)
    lift = SimulatedLift.with_defaults(problem, X, 1, steps=1000)
    assert lift.settings.eta < eta
    assert math.log2(eta / lift.settings.eta) % 1 == 0
    assert np.isfinite(lift.truncation_error())
    with pytest.raises(OverflowError, match="beyond float64"):
        replace(lift, settings=replace(lift.settings, eta=eta)).published_collapse()
    assert {"h_truncated", "truncation_error_at_end"} <= set(
        compare_instances([sensing.Instance("own", problem, known_point=X)], orders=[1]).rows[0]
    )
