"""`lift-compare instances`: the catalogue as a person and as a program reads it."""

import csv
import io
import json
import sys

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.commands.main import main
from tests.printed import sentence


def test_the_list_has_every_instance_with_its_parameters_and_fits(capsys) -> None:
    assert main(["instances"]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 100
    for entry in sensing.catalogue():
        assert repr(entry).partition("  ")[0] in text
    row = next(line for line in text.splitlines() if line.startswith("path-completion"))
    assert row.split() == ["path-completion", "3", "7", "1", "1", "-0.4716", "0.184", "minimum",
                           "none", "7"]  # fmt: skip


def test_json_and_csv_hold_the_facts(capsys) -> None:
    assert main(["instances", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["two-clusters"]["saddle_order"] == 35
    assert rows["gaussian"]["parameters"] == "n,m,rank=1,seed=0"
    assert main(["instances", "--csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == len(sensing.catalogue())


def test_one_instance_tells_what_it_is(capsys) -> None:
    assert main(["instances", "rip-dial:rank=3,delta=0.8"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("Instance(rip-dial:rank=3,delta=0.8,n=4: n = 4, m = 10, r = 3)")
    assert "Return a search of rank r for a truth of rank one" in text
    assert "X̂ is minimum" in text
    assert "saddle order along visible = 3" in text
    assert "source: derived here" in text
    assert max(map(len, text.splitlines())) <= 100
    assert main(["instances", "real-system"]) == 0
    assert "saddle order along visible = none up to 1001" in capsys.readouterr().out


def test_a_file_of_ones_own_too(tmp_path, capsys) -> None:
    path = tmp_path / "mine.npz"
    sensing.save_instance(path, sensing.instance("two-by-two"))
    assert main(["instances", str(path)]) == 0
    assert capsys.readouterr().out.startswith("Instance(mine: n = 2, m = 3, r = 1")


def test_what_there_is_not_is_refused(capsys) -> None:
    assert main(["instances", "nowhere"]) == 2
    assert "instance: expected one of two-by-two" in sentence(capsys.readouterr().err)


def test_an_instance_whose_package_is_missing_stays_in_the_list(
    monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    assert main(["instances"]) == 0
    text = capsys.readouterr().out
    assert "least-delta" in text
    assert "pip install 'lift-compare[sdp]'" in text


def test_a_seed_looks_for_another_point(tmp_path, capsys) -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 4, 4))
    A, z = (A + A.transpose(0, 2, 1)) / 2, rng.standard_normal(4)
    np.savez(tmp_path / "own.npz", A=A, b=np.einsum("ijk,j,k->i", A, z, z), rank=1)
    said = {}
    for seed in ("0", "1"):
        words = ["instances", str(tmp_path / "own.npz"), "--seed", seed, "--out", str(tmp_path)]
        assert main(words) == 0
        said[seed] = sentence(capsys.readouterr().out)
        assert f"descents from random starts (seed {seed})" in said[seed]
    assert "none of them ended at a spurious point, another --seed starts elsewhere" in said["0"]
    assert "strict local minimum" in said["1"]
    assert "none of them" not in said["1"]


def test_several_instances_are_told_one_after_the_other(tmp_path, capsys) -> None:
    path = tmp_path / "mine.npz"
    sensing.save_instance(path, sensing.instance("real-system"))
    assert main(["instances", "two-by-two", str(path)]) == 0
    text = capsys.readouterr().out
    assert text.index("Instance(two-by-two: n = 2") < text.index("\n\nInstance(mine: n = 3")
    assert main(["instances", "two-by-two", str(path), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["name"], row["n"]) for row in rows] == [("two-by-two", 2), ("mine", 3)]


@pytest.mark.parametrize("command", ["sweep", "reproduce"])
def test_a_command_of_one_instance_says_why(capsys, command) -> None:
    assert main([command, "--help"]) == 0
    said = sentence(capsys.readouterr().out)
    assert " one: " in said
    assert "several, one after the other;" not in said
