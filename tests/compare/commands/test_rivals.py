"""`lift-compare rivals`: what it prints, writes and refuses."""

import csv
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from lift_compare import sensing
from lift_compare.compare.commands.main import main
from tests.printed import sentence

TWO = ["--rival", "gd", "--rival", "restarts", "--jobs", "1"]


def test_it_prints_who_solves_it_and_writes_rows_and_a_figure(tmp_path: Path, capsys) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert main(["rivals", "--instance", "two-by-two", "--runs", "3", *TWO, *out]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("two-by-two, random starts\n")
    assert max(map(len, said.out.splitlines())) <= 100
    assert "restarts" in said.out
    assert "rivals.sqlite" in sentence(said.err)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["rivals-profile.svg", "rivals.csv", "rivals.json", "rivals.sqlite"]
    with open(tmp_path / "out" / "rivals.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rival"], row["runs"]) for row in rows] == [("gd", "3"), ("restarts", "3")]
    text = ElementTree.parse(tmp_path / "out" / "rivals-profile.svg")
    assert text.getroot().tag.endswith("svg")
    # Again: nothing is run, and JSON has the same numbers.
    assert main(["rivals", "--instance", "two-by-two", "--runs", "3", *TWO, *out, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [row["solved"] for row in document["rows"]] == [int(row["solved"]) for row in rows]
    assert "versions" in document["provenance"]


def test_from_the_point_descent_gives_up(tmp_path: Path, capsys) -> None:
    out = ["--out", str(tmp_path)]
    command = ["rivals", "--instance", "two-by-two", "--start", "point", "--runs", "1", *TWO, *out]
    assert main(command) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "two-by-two, from X̂"
    assert next(line for line in lines if line.startswith("gd ")).endswith("gave up")


def test_a_file_of_ones_own_as_instance_and_as_rival(tmp_path: Path, capsys) -> None:
    path, rival = tmp_path / "mine.npz", tmp_path / "stay.py"
    sensing.save_instance(path, sensing.instance("real-system"))
    rival.write_text(
        "from lift_compare.compare import Run\nNAME = 'stay'\n"
        "def run(problem, start, budget):\n    return Run(start)\n"
    )
    command = ["rivals", "--instance", str(path), "--rival", str(rival), "--runs", "2"]
    assert main([*command, "--jobs", "1", "--out", str(tmp_path / "out")]) == 0
    assert "gave up" in capsys.readouterr().out
    assert not (tmp_path / "out" / "rivals-profile.svg").exists()


def test_a_rival_that_fails_is_said_and_is_exit_code_1(tmp_path: Path, capsys) -> None:
    rival = tmp_path / "broken.py"
    rival.write_text("def run(problem, start, budget):\n    raise RuntimeError('no idea')\n")
    command = ["rivals", "--instance", "two-by-two", "--rival", str(rival), "--runs", "2"]
    assert main([*command, "--jobs", "1", "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "2 of 2 runs failed" in sentence(said.err)
    assert "no idea" in sentence(said.err)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--instance", "nowhere"], "expected one of two-by-two"),
        (["--rival", "nobody"], "rival: expected one of gd"),
        (["--runs", "0"], "--runs"),
        (["--grid", "quick", "--rival", "gd"], "--rival: a grid has its own"),
        (["--grid", "quick", "--instance", "two-by-two"], "--grid: a grid has its own"),
        (["--gradients", "-1"], "--gradients"),
        (["--time-limit", "0"], "--time-limit"),
        (["--jobs", "0"], "--jobs"),
    ],
)
def test_bad_usage_is_refused_and_writes_nothing(words, message, tmp_path, capsys) -> None:
    assert main(["rivals", *words, "--out", str(tmp_path / "out")]) == 2
    assert message in sentence(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
