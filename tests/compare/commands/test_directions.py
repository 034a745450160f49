"""`lift-compare directions`: what it prints and writes, and its exit codes."""

import json
import re

import numpy as np
import pytest

from lift_compare import lifting, sensing, simulated
from lift_compare.compare.agreement.comparison import compare_lift
from lift_compare.compare.commands.main import main
from lift_compare.compare.published.full_table import refusals
from tests.printed import sentence


def test_it_writes_the_table_and_the_figures(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(
        ["directions", "--instance", "two-by-two", "--orders", "3", "5", "--out", str(tmp_path)]
    )
    printed = capsys.readouterr().out
    assert code == 0
    assert printed.startswith("Explicit and simulated lifted descent agree")
    assert "coefficient error" not in printed
    assert max(map(len, printed.replace(str(tmp_path), "").splitlines())) <= 100
    document = json.loads((tmp_path / "directions.json").read_text())
    assert document["provenance"]["versions"]["numpy"] == np.__version__
    assert [row["order"] for row in document["rows"]] == [3, 5]
    assert (tmp_path / "directions.csv").read_text().startswith("instance,order")
    for name in ("two-by-two-objective", "two-by-two-coefficients", "step-cost"):
        svg = (tmp_path / f"{name}.svg").read_text()
        assert 'role="img"' in svg
        assert "aria-label=" in svg


def test_json_and_csv_go_to_standard_output(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "directions",
        "--instance",
        "two-by-two",
        "--orders",
        "3",
        "--out",
        str(tmp_path),
    ]
    assert main([*arguments, "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["rows"][0]["instance"] == "two-by-two"
    assert printed == (tmp_path / "directions.json").read_text()
    assert main([*arguments, "--csv"]) == 0
    assert capsys.readouterr().out == (tmp_path / "directions.csv").read_text()


def test_instances_by_place_and_every_quantity(tmp_path, capsys) -> None:
    words = ["two-by-two", "rank-one:n=3,m=5", "--order", "3", "--full", "--out", str(tmp_path)]
    assert main(["directions", *words]) == 0
    printed = capsys.readouterr().out
    assert "coefficient error, explicit vs exact" in printed
    assert re.search(r"two-by-two +rule-code-exact +yes", printed)
    assert "rank-one:n=3,m=5,rank=1,seed=0: n = 3" in printed
    findings = json.loads((tmp_path / "directions.json").read_text())["findings"]
    assert {"instance", "id", "statement", "holds", "numbers"} == set(findings[0])


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--order", "4"),
        ("--order", "-3"),
        ("--order", "1003"),
        ("--rho", "0"),
        ("--rho", "much"),
        ("--eta", "-0.1"),
        ("--eta", "inf"),
        ("--step-size", "nan"),
        ("--step-size", "1e308"),
        ("--steps", "0"),
        ("--steps", "1e3"),
        ("--steps", "1000000000"),
    ],
)
def test_a_refusal_names_its_option(option, value, tmp_path, capsys) -> None:
    words = ["directions", "two-by-two", option, value, "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert f"{option}: expected" in sentence(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_the_settings_reach_both_descents(tmp_path, capsys) -> None:
    """They make the steps that each package makes by itself with these numbers."""
    words = ["two-by-two", "--order", "5", "--rho", "0.2", "--steps", "7"]
    instance = sensing.instance("two-by-two")
    X = instance.stationary_point()
    lifted = lifting.LiftedProblem(instance.problem, 5)
    found = simulated.escape_directions(instance.problem, X)
    span = simulated.SpanObjective(instance.problem, found.generators, 5)
    path = simulated.descend(span, [1.0, 0.2, 0.0], step_size=0.01, iterations=7)
    tensors = [lifted.lift(G) for G in found.generators[:2]]
    w = tensors[0] + 0.2 * tensors[1]
    for _ in range(7):  # the hidden direction is the visible one here, but for its sign and length
        w = lifting.SpanProjection(tensors)(w - 0.01 * lifted.gradient(w))
    assert lifted.value(w) == pytest.approx(path.values[-1], rel=1e-12)
    for step in (["--eta", "0.02"], ["--step-size", "0.01"]):
        assert main(["directions", *words, *step, "--json", "--out", str(tmp_path)]) == 0
        printed = capsys.readouterr().out
        assert printed == (tmp_path / "directions.json").read_text()
        document = json.loads(printed)
        assert document["provenance"]["given"] == {"rho": 0.2, "eta": 0.02, "steps": 7}
        for row in document["rows"]:
            assert row["agree"]
            assert (row["rho"], row["eta"], row["step_size"], row["T"]) == (0.2, 0.02, 0.01, 7)
            assert (row["steps"], row["simulated_steps"], row["truncated_steps"]) == (7, 7, 7)
            assert {row[f"{name}_from"] for name in ("rho", "eta", "steps")} == {"given"}
        (row,) = (row for row in document["rows"] if row["order"] == 5)
        ratio = path.values[-1] / span.value([1.0, 0.0, 0.0])
        assert row["lifted_objective_ratio"] == pytest.approx(ratio, rel=1e-12)


def test_the_answer_says_where_each_setting_comes_from(tmp_path, capsys) -> None:
    sensing.save_instance(tmp_path / "mine.npz", sensing.instance("rank-one", n=3, m=5))
    words = ["--order", "3", "--out", str(tmp_path / "out"), "--rho", "0.2"]
    named = ["two-by-two", "perturbed-completion:n=3,epsilon=0.2", str(tmp_path / "mine.npz")]
    assert main(["directions", *words, *named]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.count("settings ρ = 0.2 (given); ") == 3
    assert "η = 0.01, which is a gradient step of 0.005 (published); T = 660 (published)" in said
    assert "a gradient step of 0.005 (of the instance); T = 59,000 (of the instance)" in said
    assert "a gradient step with which h^l falls (default); T = 1,000 (default)" in said
    assert "published T" not in said


def test_instances_stand_before_between_or_after_the_options(tmp_path, capsys) -> None:
    found = []
    end = ["--steps", "3", "--out", str(tmp_path)]
    for words in (
        ["two-by-two", "real-system", "--order", "3", *end],
        ["--order", "3", "two-by-two", "real-system", *end],
        ["--order", "3", *end, "two-by-two", "real-system"],
        ["two-by-two", "--order", "3", *end, "real-system"],
        ["--order", "3", *end, "--", "two-by-two", "real-system"],
    ):
        assert main(["directions", *words]) == 0
        rows = json.loads((tmp_path / "directions.json").read_text())["rows"]
        found.append([(row["instance"], row["order"]) for row in rows])
    assert found == [[("two-by-two", 3), ("real-system", 3), ("real-system", 5)]] * 5
    capsys.readouterr()
    assert main(["directions", "--order", "mine.npz", "--rho", "0.1"]) == 2
    said = sentence(capsys.readouterr().err)
    assert "got 'mine.npz'" in said
    assert "lift-compare directions mine.npz --order 3" in said


def test_a_disagreement_is_exit_code_1(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lift_compare.compare.published.comparison.InstanceComparison.agree", False)
    assert main(["--instance", "two-by-two", "--orders", "3", "--out", str(tmp_path)]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["--orders", "4"],
        ["--orders", "0"],
        ["--orders", "three"],
        ["--order", "3,5"],
        ["--order", "3", "two-by-two", "5"],
        ["--order", "mine.npz"],
        ["--eta", "0.1", "--step-size", "0.05"],
        ["--instance", "unknown"],
        ["--memory-limit", "0"],
        ["--no-such-option"],
        ["nonsense"],
    ],
)
def test_bad_usage_is_exit_code_2_and_writes_nothing(arguments, tmp_path, capsys) -> None:
    if arguments != ["nonsense"]:
        arguments = ["directions", *arguments, "--out", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_interruption_has_its_own_code(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("lift_compare.compare.commands.directions.compare_instances", interrupted)
    assert main([]) == 130
    assert "interrupted" in sentence(capsys.readouterr().err)


def test_an_interrupted_run_keeps_its_finished_rows(tmp_path, monkeypatch, capsys) -> None:
    made = []

    def one_only(*arguments, **settings):
        if made:
            raise KeyboardInterrupt
        made.append(compare_lift(*arguments, **settings))
        return made[0]

    monkeypatch.setattr("lift_compare.compare.published.comparison.compare_lift", one_only)
    words = ["--instance", "two-by-two", "--orders", "3", "5", "--out", str(tmp_path)]
    assert main(["directions", *words]) == 130
    assert "interrupted" in sentence(capsys.readouterr().err)
    rows = json.loads((tmp_path / "directions.json").read_text())["rows"]
    assert [row["order"] for row in rows] == [3]


def test_a_name_with_a_dot_names_files_too(tmp_path, capsys) -> None:
    named = ["--instance", "perturbed-completion:n=3,epsilon=0.2"]
    words = ["--orders", "3", "--memory-limit", "1e3", "--out", str(tmp_path)]
    assert main(["directions", *named, *words]) == 0
    assert "perturbed-completion:n=3,epsilon=0.2: n = 3" in capsys.readouterr().out
    assert main(["directions", *named, "--memory-limit", "many"]) == 2
    assert "--memory-limit: expected a number of bytes" in sentence(capsys.readouterr().err)
    assert main(["directions", "--seed", "-1"]) == 2
    assert "--seed: expected a whole number" in sentence(capsys.readouterr().err)


def test_an_instance_of_your_own_is_a_file_or_a_name_with_parameters(tmp_path, capsys) -> None:
    sensing.save_instance(tmp_path / "mine.npz", sensing.instance("rank-one", n=4, m=6, seed=3))
    words = ["--orders", "3", "--out", str(tmp_path / "out")]
    named = ["--instance", "rank-one:n=4,m=6,seed=3"]
    assert main(["directions", "--instance", str(tmp_path / "mine.npz"), *named, *words]) == 0
    printed = capsys.readouterr().out
    assert "mine: n = 4, m = 6, r = 1" in printed
    assert "rank-one:n=4,m=6,rank=1,seed=3: n = 4, m = 6, r = 1" in printed
    assert (tmp_path / "out" / "mine-objective.svg").exists()
    rows = json.loads((tmp_path / "out" / "directions.json").read_text())["rows"]
    of_file, of_name = (
        [row["h_stationary"] for row in rows if row["instance"] == name]
        for name in ("mine", "rank-one:n=4,m=6,rank=1,seed=3")
    )
    assert of_file == pytest.approx(of_name, rel=1e-9)


def test_a_divergence_of_both_sides_is_exit_code_4(tmp_path, capsys) -> None:
    """X and b of two-by-two times 3 and 9: the published step is too large."""
    instance = sensing.instance("two-by-two")
    Z = 3 * instance.problem.ground_truth
    problem = sensing.SensingProblem.from_ground_truth(instance.problem.operator, Z)
    large = sensing.Instance(
        "large", problem, known_point=[[0.0], [3 * 2**-0.5]], settings=instance.settings
    )
    file = tmp_path / "large.npz"
    sensing.save_instance(file, large)
    words = ["--instance", str(file), "--orders", "3", "--out", str(tmp_path / "out")]
    assert main(words) == 4
    said = capsys.readouterr().out
    assert "until both diverge at step 3 (l = 3): η is too large" in " ".join(said.split())
    assert "Both diverge, and agree until then: large, l = 3: step 3." in said
    assert "DISAGREE" not in said


def test_where_both_sides_diverge_at_once_nothing_agrees(tmp_path, capsys) -> None:
    """An agreement over no step is none; what is left of the others is told as ever."""
    words = ["two-by-two", "--order", "3", "--step-size", "10", "--out", str(tmp_path / "out")]
    assert main(["directions", *words]) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith(
        "two-by-two, l = 3: both diverge at the first step; nothing was compared. "
        "A smaller step is needed (--step-size)."
    )
    assert "agreement both diverge at the first step; nothing was compared (l = 3)" in said
    assert "agree to" not in said
    assert "agree (" not in said
    assert "explicit − simulated, relative" not in said
    (row,) = json.loads((tmp_path / "out" / "directions.json").read_text())["rows"]
    assert (row["steps"], row["agree"], row["verdict"]) == (0, None, "diverged at step 1")
    words = ["two-by-two", "--order", "1", "3", "--step-size", "1", "--out", str(tmp_path / "out")]
    assert main(["directions", *words]) == 4
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("Explicit and simulated lifted descent agree (over 2 steps;")
    assert "until both diverge at step 3 (l = 3)" in said
    assert "both diverge at the first step; nothing was compared (l = 1)" in said


def test_an_unexpected_error_shows_its_traceback_and_is_exit_code_3(
    tmp_path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def broken(*_: object) -> None:
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr("lift_compare.compare.published.comparison._compare", broken)
    assert main(["--instance", "two-by-two", "--out", str(tmp_path)]) == 3
    said = sentence(capsys.readouterr().err)
    assert "Traceback" in said
    assert "LinAlgError: singular" in said


def test_orders_out_of_range_are_told_within_the_width() -> None:
    why = "out of range: " + "h^l is beyond float64; take a smaller step " * 5
    (line,) = refusals([{"order": 3, "status": why}])
    assert max(map(len, line.splitlines())) <= 100
    assert " ".join(line.split()) == f"l = 3: {why.strip()}"
