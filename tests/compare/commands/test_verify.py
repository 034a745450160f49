"""The command `lift-compare verify`: what it prints and writes, its exit codes, and its
refusals."""

import csv
import io
import json
import shlex

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.compare.commands.main import main
from lift_compare.compare.verification.claims import CHECKS
from tests.printed import sentence


@pytest.fixture
def instance(tmp_path):
    problem = sensing.two_by_two()
    path = tmp_path / "mine.npz"
    np.savez(
        path, A=problem.operator.matrices(), Z=problem.ground_truth, X=np.array([[0.0], [2**-0.5]])
    )
    return path


def run(tmp_path, *words):
    return main(["verify", *map(str, words), "--out", str(tmp_path / "out")])


def test_an_instance_is_printed_and_written(tmp_path, capsys):
    assert run(tmp_path, "two-by-two", "--order", 3) == 0
    printed = capsys.readouterr().out
    assert "0 violations" in " ".join(printed.split())
    rows = list(
        csv.DictReader(
            (tmp_path / "out" / "verify-two-by-two.csv").read_text(encoding="utf-8").splitlines()
        )
    )
    document = json.loads((tmp_path / "out" / "verify-two-by-two.json").read_text(encoding="utf-8"))
    for written in (rows, document["rows"]):
        assert [row["name"] for row in written] == [check.name for check in CHECKS]
    settings = document["provenance"]["settings"]["two-by-two"]
    assert (settings["order"], settings["rho"], settings["steps"]) == (3, 0.1, 660)
    assert document["provenance"]["versions"]["numpy"] == np.__version__


def test_json_and_csv_print_the_same_rows(tmp_path, capsys, instance):
    assert run(tmp_path, instance, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert run(tmp_path, instance, "--csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["holds"] for line in lines] == [row["holds"] for row in rows]
    assert {(row["instance"], row["order"]) for row in rows} == {("mine", 3)}
    curvature = next(row for row in rows if row["name"] == "curvature along visible")
    assert curvature["measured"] == pytest.approx(-1.7578125)  # a file has order 3 by default


@pytest.mark.parametrize("form", ["json", "csv"])
@pytest.mark.parametrize(
    "words",
    [
        ["two-by-two", "--only-failures"],
        ["two-by-two", "--order", 3, 5, "--claim", "leakage"],
        ["--random", 2, "--claim", "gradient"],
    ],
)
def test_what_is_printed_is_what_is_written(tmp_path, capsys, form, words):
    assert run(tmp_path, *words, f"--{form}") == 0
    (path,) = (tmp_path / "out").glob(f"*.{form}")
    assert capsys.readouterr().out == path.read_text(encoding="utf-8")


def test_each_order_is_a_section(tmp_path, capsys, instance):
    assert run(tmp_path, instance, "--order", 3, 5, "--order", 3, "--claim", "lifted-value") == 0
    printed = capsys.readouterr().out
    for order in (3, 5):
        assert f"mine, order {order}: 1 claim: 1 hold" in printed
        assert f"mine, order {order}: SensingProblem(" in printed
    document = json.loads((tmp_path / "out" / "verify-mine.json").read_text(encoding="utf-8"))
    rows = document["rows"]
    assert [(row["id"], row["order"]) for row in rows] == [("lifted-value", 3), ("lifted-value", 5)]
    assert rows[0]["measured"] != rows[1]["measured"]
    settings = document["provenance"]["settings"]
    assert [settings[f"mine, order {order}"]["order"] for order in (3, 5)] == [3, 5]
    verdicts = document["provenance"]["verdicts"]
    assert [(each["order"], each["holds"], each["violations"]) for each in verdicts] == [
        (3, 1, 0),
        (5, 1, 0),
    ]


def test_claims_are_chosen_by_id_or_name(tmp_path, capsys):
    words = ["two-by-two", "--claim", "gradient", "--claim", "λ_n = K1 − K2", "--json"]
    assert run(tmp_path, *words) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["id"] for row in rows] == ["gradient", "lambda-n-is-k1-k2"]
    assert run(tmp_path, *words[:-1]) == 0
    assert "∇h(X) = 2 G(X) X (exact, section 1)" in capsys.readouterr().out
    assert run(tmp_path, "two-by-two", "--claim", "gradeint") == 2
    assert "--claim: expected ids of docs/verify.md, got 'gradeint' (did you mean 'gradient'?)" in (
        sentence(capsys.readouterr().err)
    )


def test_only_failures_prints_and_writes_no_other_claim(tmp_path, capsys):
    assert run(tmp_path, "two-by-two", "--only-failures") == 0
    printed = capsys.readouterr().out
    rows = json.loads((tmp_path / "out" / "verify-two-by-two.json").read_text("utf-8"))["rows"]
    assert {(row["kind"], row["holds"]) for row in rows} == {("published", "does not hold")}
    assert all(f"\n{row['id']} " in printed for row in rows)
    assert "by topic" not in printed
    assert "local-minimum" not in printed
    assert run(tmp_path, "two-by-two", "--only-failures", "--claim", "gradient") == 0
    assert "No claim fails" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "delta", "said"),
    [
        (["two-by-two"], 0.5, "δ = 0.5 as known of this instance"),
        (["two-by-two", "--rip-constant", 0.25], 0.25, "δ = 0.25 as given"),
        (["block-ring"], 1.0, "δ = 1 as known of this instance"),
        (["two-by-two", "--rip-constant", 2], 2.0, "δ = 2 as given"),
        (["real-system"], None, "δ is not given"),
    ],
)
def test_the_known_rip_constant_is_taken(tmp_path, capsys, words, delta, said):
    assert run(tmp_path, *words, "--order", 1, "--claim", "given-rip-constant") == 0
    assert said in " ".join(capsys.readouterr().out.split())
    (path,) = (tmp_path / "out").glob("*.json")
    document = json.loads(path.read_text(encoding="utf-8"))
    (settings,) = document["provenance"]["settings"].values()
    assert settings["rip_constant"] == delta
    assert document["rows"][0]["holds"] == ("not applicable" if delta is None else "holds") or (
        delta == 0.25 and document["rows"][0]["holds"] == "does not hold"
    )


def test_settings_reach_the_claims(tmp_path, capsys, instance):
    words = [
        "--order",
        5,
        "--rho",
        0.2,
        "--eta",
        0.02,
        "--steps",
        7,
        "--rip-constant",
        0.25,
        "--no-polish",
        "--seed",
        4,
    ]
    assert run(tmp_path, instance, *words, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["provenance"]["settings"]["mine"] == {
        "order": 5, "rho": 0.2, "eta": 0.02, "steps": 7, "rip_constant": 0.25, "seed": 4,
    }  # fmt: skip
    score = next(row for row in document["rows"] if row["name"] == "EFS > 1")
    assert score["measured"] == pytest.approx(0.75 / (0.5 * 1.25))


def test_a_file_without_a_point_gets_one_by_descent(tmp_path, capsys):
    problem = sensing.gaussian(4, 1, 5, 3)
    members = {"A": problem.operator.matrices(), "b": problem.measurements, "rank": 1}
    np.savez(tmp_path / "no_point.npz", **members)
    assert run(tmp_path, tmp_path / "no_point.npz", "--order", 1, "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["X̂ is stationary"]["holds"] == "holds"
    assert "ground truth" in rows["X̂ is spurious"]["reason"]


def test_a_budget_is_a_refusal_in_a_row(tmp_path, capsys, instance):
    assert run(tmp_path, instance, "--memory-limit", 100, "--json") == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert ", 100 B allowed" in rows["lifted gradient"]["reason"]


def test_random_instances_are_summarised(tmp_path, capsys):
    assert run(tmp_path, "--random", 2, "--seed", 3) == 0
    assert "2 random instances, seed 3: 0 violations." in capsys.readouterr().out
    document = json.loads((tmp_path / "out" / "verify-random.json").read_text(encoding="utf-8"))
    assert document["provenance"]["violations"] == []
    assert all(
        row["holds"] + row["does_not_hold"] + row["not_applicable"] + row["out_of_range"] == 2
        for row in document["rows"]
    )
    assert sum(row["instances"] for row in document["provenance"]["coverage"]) == 2


@pytest.mark.parametrize("target", [["two-by-two"], ["--random", "1"]])
def test_a_violation_exits_with_one(tmp_path, capsys, monkeypatch, target):
    value = simulated.SpanObjective.value
    monkeypatch.setattr(simulated.SpanObjective, "value", lambda self, c: 1.01 * value(self, c))
    assert run(tmp_path, *target) == 1
    printed = capsys.readouterr().out
    assert "VIOLATION" in printed
    assert "measured " in printed
    commands = [line for line in printed.splitlines() if "to see it again: " in line]
    assert len(commands) == printed.count("VIOLATION") > 1
    words = shlex.split(commands[0].partition("lift-compare verify ")[2])
    assert run(tmp_path, *words) == 1
    again = capsys.readouterr().out
    assert again.count("VIOLATION") == 1
    assert commands[0] in again


def test_a_long_command_goes_on_as_a_shell_reads_it(tmp_path, capsys, monkeypatch):
    value = simulated.SpanObjective.value
    monkeypatch.setattr(simulated.SpanObjective, "value", lambda self, c: 1.01 * value(self, c))
    settings = ["--order", 5, "--rho", 0.2, "--eta", 0.02, "--steps", 700, "--seed", 12345]
    assert run(tmp_path, "two-by-two", *settings, "--claim", "powers-h") == 1
    printed = capsys.readouterr().out
    assert max(map(len, printed.partition("Written")[0].splitlines())) <= 100
    _, _, command = printed.partition("to see it again:\n")
    lines = command.split("\n\n")[0].replace("\\\n", " ")
    words = shlex.split(lines)
    assert words[:2] == ["lift-compare", "verify"]
    assert all(str(setting) in words for setting in settings)
    row = json.loads((tmp_path / "out" / "verify-two-by-two.json").read_text("utf-8"))["rows"][0]
    assert (row["violation"], shlex.split(row["reproduce"])) == (True, words)
    assert run(tmp_path, *words[2:]) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere"],
        ["nowhere.npz"],
        ["two-by-two", "--order", 4],
        ["two-by-two", "--order", -3],
        ["two-by-two", "--order", "three"],
        ["--order", "two-by-two"],
        ["--order", 3, "two-by-two", 5],
        ["two-by-two", "--order", 3, 4],
        ["two-by-two", "--order"],
        ["two-by-two", "--claim", "nothing"],
        ["two-by-two", "--full", "--only-failures"],
        ["--random", 2, "--claim", "nothing"],
        ["two-by-two", "--rho", 0],
        ["two-by-two", "--steps", 0],
        ["two-by-two", "--seed", -1],
        ["two-by-two", "--rip-constant", -1],
        ["two-by-two", "--memory-limit", 0],
        ["two-by-two", "--random", 3],
        ["--random", 0],
        ["--random", 2, "--order", 3],
        ["two-by-two", "more"],
        ["two-by-two", "--order", 1003],
        ["two-by-two", "--order", "99999999999999999999"],
        ["two-by-two", "--rip-constant", "inf"],
        ["two-by-two", "--rip-constant", "nan"],
        ["two-by-two", "--steps", 10**12],
        ["two-by-two", "--eta", "inf"],
        ["--random", 10**20],
        ["--random", 1, "--first", -1],
        ["two-by-two", "--first", 1],
        ["--random", 1, "--instance", "two-by-two"],
        ["--seed", -1],
    ],
)
def test_bad_usage_exits_with_two_and_writes_nothing(tmp_path, capsys, words):
    assert run(tmp_path, *words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("lift-compare: error: ") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--order", 1003),
        ("--order", 4),
        ("--rho", 0),
        ("--eta", -1),
        ("--step-size", "nan"),
        ("--step-size", 1e308),
        ("--steps", 0),
        ("--seed", -1),
        ("--rip-constant", -0.5),
        ("--memory-limit", -5),
    ],
)
def test_a_refusal_names_its_option(tmp_path, capsys, option, value):
    assert run(tmp_path, "two-by-two", option, value) == 2
    assert f"{option}: expected" in sentence(capsys.readouterr().err)


def test_instances_stand_before_between_or_after_the_options(tmp_path):
    claim = ("--claim", "lifted-value")
    found = []
    for words in (
        ("two-by-two", "real-system", "--order", 3, *claim),
        ("two-by-two", "--order", 3, *claim, "real-system"),
        ("--order", 3, *claim, "two-by-two", "real-system"),
        (*claim, "--order", 3, "two-by-two", "real-system"),
    ):
        assert run(tmp_path, *words) == 0
        rows = json.loads((tmp_path / "out" / "verify-instances.json").read_text())["rows"]
        found.append([(row["instance"], row["order"]) for row in rows])
    assert found == [[("two-by-two", 3), ("real-system", 3)]] * 4


def test_a_gradient_step_is_half_the_published_one(tmp_path):
    words = ("two-by-two", "--order", 3, "--claim", "truncation-error", "--json")
    rows = []
    for step in (("--eta", 0.02), ("--step-size", 0.01)):
        assert run(tmp_path, *words, *step) == 0
        rows.append(json.loads((tmp_path / "out" / "verify-two-by-two.json").read_text())["rows"])
    assert rows[0] == rows[1]


@pytest.mark.parametrize("eta", [1e300, 1e-300])
def test_any_step_is_an_answer_of_every_claim(tmp_path, capsys, eta):
    assert run(tmp_path, "two-by-two", "--eta", eta) == 0
    assert "0 violations" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    "changes",
    [
        {"A": np.full((3, 2, 2), np.nan)},
        {"A": np.arange(4.0).reshape(1, 2, 2)},
        {"Z": np.ones((3, 1))},
        {"X": np.array([["a"]])},
        {"X": np.array([[None]])},
        {"setting": np.ones(4)},
    ],
)
def test_a_malformed_file_is_one_clear_line(tmp_path, capsys, changes):
    problem = sensing.two_by_two()
    path = tmp_path / "bad.npz"
    np.savez(
        path,
        **{"A": problem.operator.matrices(), "Z": problem.ground_truth, **changes},
        allow_pickle=True,
    )
    assert run(tmp_path, path) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("lift-compare: ") == 1
    assert str(path) in sentence(printed.err)
    assert next(iter(changes)) in sentence(printed.err)
    assert not (tmp_path / "out").exists()


def test_out_must_be_a_folder(tmp_path, capsys):
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    assert run(tmp_path, "two-by-two") == 2
    assert "--out: expected a folder" in sentence(capsys.readouterr().err)
    assert main(["verify", "two-by-two", "--out", str(tmp_path / "out" / "below")]) == 2
    assert "cannot be written to" in sentence(capsys.readouterr().err)
