"""`lift-compare cost`, run as a user runs it."""

from __future__ import annotations

import argparse
import csv
import io
import json

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.commands import cost
from lift_compare.compare.commands.common import UsageError
from lift_compare.compare.commands.main import main
from tests.printed import sentence


def run(*words):
    parser = argparse.ArgumentParser()
    cost.add_parser(parser.add_subparsers())
    arguments = parser.parse_args(["cost", *map(str, words)])
    return arguments.run(arguments)


def test_a_table_files_and_figures(tmp_path, capsys):
    words = [
        "--operator",
        "gaussian",
        "--n",
        2,
        3,
        4,
        "--m",
        "2n",
        "--methods",
        "truncated",
        "--repeats",
        1,
    ]
    words += ["--seed", 5]
    assert run(*words, "--out", tmp_path) == 0
    out = capsys.readouterr().out
    assert "truncated" in out
    assert "Scaling over the large sizes" in out
    written = json.loads((tmp_path / "cost.json").read_text())
    assert written["provenance"]["seed"] == 5
    assert written["provenance"]["threads"] == 1
    assert written["provenance"]["versions"]["numpy"]
    assert [row["n"] for row in written["rows"]] == [2, 3, 4]
    with open(tmp_path / "cost.csv", encoding="utf-8") as file:
        assert [float(row["run_seconds"]) for row in csv.DictReader(file)] == [
            row["run_seconds"] for row in written["rows"]
        ]
    fits = json.loads((tmp_path / "cost-scaling.json").read_text())["rows"]
    assert {fit["axis"] for fit in fits} == {"n", "m"} - {"m"}
    for name in ("seconds", "bytes"):
        assert (tmp_path / f"cost-{name}-gaussian-n.svg").read_text().count("<svg") == 1


def test_refused_sizes_are_rows_in_json_and_csv(tmp_path, capsys):
    words = [
        "--operator",
        "gaussian",
        "--n",
        9,
        "--methods",
        "explicit",
        "--forms",
        "normal",
        "--out",
        tmp_path,
    ]
    words += ["--memory-limit", "1e4"]
    assert run(*words, "--json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["status"] for row in rows] == ["refused"]
    assert run(*words, "--csv") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["note"] for row in table] == [row["note"] for row in rows]
    assert table[0]["note"].startswith("refused: needs ")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--operator", "gaussian", "--order", "2"], "order"),
        (["--operator", "gaussian", "--m", "lots"], "m: expected"),
        (["--operator", "gaussian", "--n", "3", "--rank", "4"], "rank"),
        (["--operator", "gaussian", "--n", "3", "4", "--rank", "5"], "rank"),
        (["--quick", "--operator", "gaussian"], "--quick"),
        (["--n", "4"], "--operator"),
        (["--threads", "0"], "threads"),
    ],
)
def test_bad_usage_is_refused_and_nothing_is_written(tmp_path, words, text):
    with pytest.raises((UsageError, ValueError), match=text):
        run(*words, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--memory-limit", "nan"),
        ("--memory-limit", "inf"),
        ("--memory-limit", "0"),
        ("--seed", "-1"),
    ],
)
def test_a_bad_number_is_refused_by_the_name_of_its_option(tmp_path, capsys, option, value):
    assert main(["cost", option, value, "--out", str(tmp_path / "out")]) == 2
    assert f"{option}: expected" in sentence(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_an_instance_is_measured_at_the_orders_given(tmp_path, capsys):
    words = ["--instance", "two-by-two", "--order", 1, 3, "--methods", "exact", "--repeats", 1]
    assert run(*words, "--json", "--out", tmp_path) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["operator"], row["m"], row["order"]) for row in rows] == [
        ("two-by-two", 3, 1),
        ("two-by-two", 3, 3),
    ]
    for wrong in (["--n", 4], ["--quick"], ["--operator", "gaussian"]):
        with pytest.raises(UsageError, match=wrong[0].replace("operator", "(operator|instance)")):
            run(*words, *wrong, "--out", tmp_path)


def test_rows_that_failed_end_with_one_and_the_name_of_the_instance_stays(tmp_path, capsys):
    A = sensing.real_system().operator.matrices()
    path = tmp_path / "s1e+150.npz"
    np.savez(path, A=A, b=1e151 * np.arange(1.0, len(A) + 1), rank=1)
    words = [path, "--instance", "two-by-two", "--methods", "exact", "--repeats", 1, "--json"]
    assert run(*words, "--out", tmp_path) == 1
    rows = json.loads(capsys.readouterr().out)["rows"]
    said = [(row["operator"], row["status"]) for row in rows]
    assert said == [("s1e+150", "failed"), ("two-by-two", "measured")]


def own_file(tmp_path):
    path = tmp_path / "mine.npz"
    sensing.save_instance(path, sensing.instance("two-by-two"))
    return str(path)


@pytest.mark.parametrize(
    "words",
    [
        ["--methods", "explicit", "--forms", "symmetric", "normal"],
        ["--methods", "exact"],
        ["--predict", "--order", "3"],
    ],
)
def test_an_instance_after_a_list_is_an_instance(tmp_path, capsys, words):
    own = own_file(tmp_path)
    given = ["--repeats", "1", *words, own, "real-system", "--json"]
    assert main(["cost", *given, "--out", str(tmp_path / "out")]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["operator"] for row in rows} == {"mine", "real-system"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--n", "4"], "--n: the instance says it"),
        (["--rank", "1"], "--rank: the instance says it"),
        (["--m", "2n"], "--m: the instance says it"),
        (["--methods"], "--methods: expected a value, got the instance"),
    ],
)
def test_sizes_before_an_instance_are_refused_as_sizes(tmp_path, capsys, words, said):
    assert main(["cost", *words, own_file(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert said in sentence(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("words", "close"),
    [
        (["cost", "--methods", "exactt"], "exact"),
        (["cost", "--forms", "normall"], "normal"),
        (["cost", "--operator", "gausian"], "gaussian"),
        (["rivals", "--grid", "quik"], "quick"),
        (["rivals", "--start", "piont"], "point"),
    ],
)
def test_a_word_that_is_close_to_another_is_told(capsys, words, close):
    assert main(words) == 2
    assert f"(did you mean '{close}'?)" in sentence(capsys.readouterr().err)


def test_a_form_with_the_name_of_an_instance_is_a_form(tmp_path, capsys):
    words = ["--operator", "rank-one", "--n", "2", "--m", "2n", "--methods", "explicit"]
    words += ["--forms", "rank-one", "--repeats", "1", "--json", "--out", str(tmp_path)]
    assert main(["cost", *words]) == 0
    assert [row["form"] for row in json.loads(capsys.readouterr().out)["rows"]] == ["rank-one"]
    assert main(["cost", *words, "--methods", "exact"]) == 0  # methods add up, as orders do
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["method"] for row in rows] == ["explicit", "exact"]
