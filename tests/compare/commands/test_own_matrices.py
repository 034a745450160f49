"""A user's own matrices, by every command: in a file of any kind, or from a function."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import io

from lift_compare import sensing
from lift_compare.compare.commands.main import main
from tests.printed import sentence

COMMANDS = {
    "instances": [],
    "cost": ["--predict"],
    "rivals": ["--rival", "restarts", "--runs", "1", "--jobs", "1"],
    "sweep": ["--jobs", "1"],
    "verify": ["--order", "1"],
    "directions": ["--orders", "1"],
}
PROBLEM = sensing.gaussian(n=3, rank=1, m=5, seed=4)
A, B, Z = PROBLEM.operator.matrices(), PROBLEM.measurements, PROBLEM.ground_truth
GRID = """
evaluation = "rival"
[fixed]
instance = "two-by-two"
[grid]
rival = ["restarts"]
"""
CODE = """
from lift_compare import sensing
def make(n=3):
    return sensing.gaussian(n, 1, 5, 4)
def broken():
    raise ValueError("no data today")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])
    (tmp_path / "grid.toml").write_text(GRID)
    (tmp_path / "mine_here.py").write_text(CODE)
    (tmp_path / "my files").mkdir()
    np.savez("my files/mine with b.npz", A=A, b=B, rank=1)
    np.savez("CAPITALS.npz", A=A, Z=Z[:, 0], X=sensing.spurious_point(PROBLEM)[:, 0], who="Emmy")
    Path("CAPITALS.npz").rename("CAPITALS.NPZ")
    np.save("alone.npy", A)
    io.savemat("matlab.mat", {"A": np.moveaxis(A, 0, -1), "b": B[:, None], "rank": 1})
    wrong = A.copy()
    wrong[4, 0, 1] += 0.5
    np.savez("wrong.npz", A=wrong, b=B, rank=1)
    return tmp_path


def run(command: str, *words: str) -> int:
    """Run a command on an instance, as an option where it has no argument for it."""
    first = ["grid.toml"] if command == "sweep" else []
    if command == "directions":
        words = ("--instance", *words)
    out = [] if command == "instances" else ["--out", "out"]
    return main([command, *first, *words, *COMMANDS[command], *out])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    "text",
    ["my files/mine with b.npz", "CAPITALS.NPZ", "alone.npy", "matlab.mat", "mine_here:make:n=3"],
)
def test_every_command_takes_it(folder: Path, capsys, command: str, text: str) -> None:
    assert run(command, text) == 0
    said = capsys.readouterr()
    if command not in ("verify", "directions", "sweep"):
        assert max(map(len, said.out.splitlines())) <= 100
    has_no_point = text not in ("CAPITALS.NPZ", "mine_here:make:n=3")
    assert ("look for a point X̂" in " ".join(said.err.split())) == has_no_point
    assert ("a random Z of rank one" in " ".join(said.err.split())) == (text == "alone.npy")


@pytest.mark.parametrize("command", COMMANDS)
def test_what_is_not_symmetric_is_refused_with_the_remedy_which_works(
    folder: Path, capsys, command: str
) -> None:
    assert run(command, "wrong.npz") == 2
    said = sentence(capsys.readouterr().err)
    assert "wrong.npz: A: expected symmetric A_i, but A[4] differs" in said
    assert "--symmetrise" in said
    assert "--instance" not in said
    assert run(command, "wrong.npz", "--symmetrise") == 0
    assert "1 of 5 matrices were not symmetric, and were symmetrised" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("absent.npz", 2, "absent.npz: cannot be read: No such file"),
        ("no_module:make", 2, "there is no module 'no_module'"),
        ("mine_here:mak", 2, "did you mean 'make'?"),
        ("mine_here.py:broken", 3, "raised ValueError: no data today"),
        ("gausian:n=3,m=4", 2, "did you mean 'gaussian'?"),
        ("gaussian:n=3.5,m=4", 2, "instance: n: expected a whole number, got 3.5"),
    ],
)
def test_what_there_is_not_is_refused(folder, capsys, command, text, code, message) -> None:
    assert run(command, text) == code
    said = sentence(capsys.readouterr().err)
    assert message in said
    assert "--instance" not in said
    assert ("Traceback" in said) == (code == 3)
    assert "report it" not in said
    assert not Path("out").exists()


def test_symmetrise_needs_a_file(folder: Path, capsys) -> None:
    assert main(["verify", "two-by-two", "--symmetrise"]) == 2
    assert "--symmetrise: expected a file" in sentence(capsys.readouterr().err)


def test_one_command_takes_one_instance(folder: Path, capsys) -> None:
    assert main(["reproduce", "two-by-two", "--instance", "iris", "--out", "out"]) == 2
    assert "--instance: this command takes one, got two" in sentence(capsys.readouterr().err)


def test_rows_of_a_function_know_the_file_that_made_them(folder: Path, capsys) -> None:
    """A changed file is another instance; the same one is not run again."""
    words = ["rivals", "mine_here.py:make", *COMMANDS["rivals"], "--out", "out", "--json"]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)["rows"][0]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["seconds"] == first["seconds"]
    (folder / "mine_here.py").write_text(CODE + "\n# another\n")
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["seconds"] != first["seconds"]


def test_instances_tells_what_is_computed_and_the_metadata(folder: Path, capsys) -> None:
    assert main(["instances", "CAPITALS.NPZ"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Instance(CAPITALS: n = 3, m = 5, r = 1")
    assert "(computed)" in said
    assert "metadata who: Emmy" in said
    assert main(["instances", "CAPITALS.NPZ", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["computed"] == "objective, eigenvalue, gradient, kind"
    instance = sensing.load_instance("CAPITALS.NPZ")
    assert row["objective"] == instance.problem.objective(instance.stationary_point())
    assert row["metadata"] == {"who": "Emmy"}
    assert main(["instances", "two-by-two", "--json"]) == 0
    assert "computed" not in json.loads(capsys.readouterr().out)["rows"][0]


def test_a_prediction_runs_nothing_and_is_that_of_the_problem(folder: Path, capsys) -> None:
    from lift_compare import lifting

    assert (
        main(["cost", "--predict", "matlab.mat", "--order", "3", "5", "--json", "--out", "o"]) == 0
    )
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert sorted(path.name for path in Path("o").iterdir()) == [
        "cost-predicted.csv", "cost-predicted.json",
    ]  # fmt: skip
    for order in (3, 5):
        costs = lifting.predict_cost(PROBLEM, order)
        mine = [row for row in rows if row["order"] == order]
        assert [row["form"] for row in mine] == [cost.form for cost in costs]
        for row, cost in zip(mine, costs, strict=True):
            if cost.reason is None:
                assert (row["flops"], row["total_bytes"]) == (cost.flops, cost.total_bytes)
            else:
                assert row["status"] == "does not apply"
                assert row["note"] == cost.reason
        assert [row["form"] for row in mine if row["status"] == "chosen"] == [
            costs.choose(10**9).form
        ]
