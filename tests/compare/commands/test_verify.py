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
    assert {row["instance"] for row in rows} == {"mine"}
    curvature = next(row for row in rows if row["name"] == "curvature along visible")
    assert curvature["measured"] == pytest.approx(-1.7578125)  # a file has order 3 by default


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
    assert "bytes, 100 allowed" in rows["lifted gradient"]["reason"]


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
    (command,) = [line for line in printed.splitlines() if "to see it again: " in line][:1]
    words = shlex.split(command.partition("lift-compare verify ")[2])
    assert run(tmp_path, *words) == 1
    assert "VIOLATION" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere"],
        ["nowhere.npz"],
        ["two-by-two", "--order", 4],
        ["two-by-two", "--order", -3],
        ["two-by-two", "--order", "three"],
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
        ["two-by-two", "--rip-constant", 1],
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
    assert "error: " in printed.err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--order", 1003),
        ("--order", 4),
        ("--rho", 0),
        ("--eta", -1),
        ("--steps", 0),
        ("--seed", -1),
        ("--rip-constant", 2),
        ("--memory-limit", -5),
    ],
)
def test_a_refusal_names_its_option(tmp_path, capsys, option, value):
    assert run(tmp_path, "two-by-two", option, value) == 2
    assert f"{option}: expected" in capsys.readouterr().err


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
    assert len(printed.err.splitlines()) == 1
    assert str(path) in printed.err
    assert next(iter(changes)) in printed.err
    assert not (tmp_path / "out").exists()


def test_out_must_be_a_folder(tmp_path, capsys):
    (tmp_path / "out").write_text("a file", encoding="utf-8")
    assert run(tmp_path, "two-by-two") == 2
    assert "--out: expected a folder" in capsys.readouterr().err
    assert main(["verify", "two-by-two", "--out", str(tmp_path / "out" / "below")]) == 2
    assert "cannot be written to" in capsys.readouterr().err
