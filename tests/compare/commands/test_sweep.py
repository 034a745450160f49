"""`lift-compare sweep`: what it prints, what it refuses, and that a refusal writes nothing."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.commands.main import main
from lift_compare.compare.commands.sweep import grid_names
from lift_compare.compare.sweeps.rows import Status
from lift_compare.compare.sweeps.store import Store
from tests.compare.sweeps.test_sweep import BAD
from tests.printed import sentence

ROOT = Path(__file__).parents[3]
SWEEP = """
description = "How far gradient descent gets"
evaluation = "descent"
[fixed]
instance = "gaussian"
n = 3
m = 6
[grid]
gd_before = [10, 20, 40]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "descents.toml"
    path.write_text(SWEEP)
    return path


def test_it_prints_a_table_and_keeps_the_rows(file: Path, tmp_path: Path, capsys) -> None:
    assert main(["sweep", str(file), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("How far gradient descent gets\n")
    assert "gd_before" in said.out
    assert "3 rows: 3 done. Evaluation 'descent', varied: gd_before (10, 20, 40)." in said.out
    assert max(map(len, said.out.splitlines())) <= 100
    assert "3 rows: 3 done; 3 run here" in sentence(said.err)
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["descents.sqlite", "descents.svg"]
    assert f"Written: {tmp_path / 'out' / 'descents.svg'}" in said.err.replace("\n", " ")
    assert "gd_before" in (tmp_path / "out" / "descents.svg").read_text()

    # The same command again evaluates nothing, so the forms of the output cost nothing here.
    assert main(["sweep", str(file), "--out", str(tmp_path / "out"), "--json"]) == 0
    said = capsys.readouterr()
    rows = [json.loads(line) for line in said.out.splitlines()]
    assert [row["gd_before"] for row in rows] == [10, 20, 40]
    assert all(row["h_before"] > 0 and row["seed"] == 0 and row["threads"] == "1" for row in rows)
    assert "0 run here" in sentence(said.err)

    store = ["--store", str(tmp_path / "out" / "descents.sqlite"), "--out", str(tmp_path / "other")]
    assert main(["sweep", str(file), *store, "--csv"]) == 0
    read = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [float(row["h_before"]) for row in read] == [row["h_before"] for row in rows]

    assert (
        main(
            [
                "sweep",
                str(file),
                "--out",
                str(tmp_path / "out"),
                "--seed",
                "5",
                "--jobs",
                "1",
                "--json",
            ]
        )
        == 0
    )
    other = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["seed"] for row in other} == {5}
    assert [row["h_before"] for row in other] != [row["h_before"] for row in rows]


def assert_refused(words: list[str], folder: Path, capsys, message: str = "") -> None:
    """Exit code 2, one line on stderr, nothing on stdout, nothing written."""
    before = sorted(folder.rglob("*"))
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence(said.err).startswith("lift-compare: error: ")
    assert said.err.count("lift-compare: ") == 1
    assert message in sentence(said.err)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("name", BAD)
def test_a_malformed_file_is_refused(tmp_path: Path, capsys, name: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD[name][0])
    assert_refused(
        ["sweep", str(file), "--out", str(tmp_path / "out")], tmp_path, capsys, str(file)
    )


def test_bad_usage_is_refused(file: Path, tmp_path: Path, capsys) -> None:
    out = ["--out", str(tmp_path / "out")]
    assert_refused(["sweep", "no-such-file", *out], tmp_path, capsys, "or one of escape-methods")
    assert_refused(["sweep", str(file), "--instance", "nope", *out], tmp_path, capsys, "got 'nope'")
    assert_refused(
        ["sweep", "success-rates", "--instance", "two-by-two", *out],
        tmp_path,
        capsys,
        "--instance: the sweep names no instance",
    )
    assert_refused(
        ["sweep", str(file), "--instance", "two-by-two", "--instance", "real-system", *out],
        tmp_path,
        capsys,
        "takes one",
    )
    assert_refused(["sweep", str(file), "--jobs", "0", *out], tmp_path, capsys, "--jobs")
    assert_refused(
        ["sweep", str(file), "--csv", "--json", *out], tmp_path, capsys, "not allowed with argument"
    )
    assert_refused(["sweep", str(file), "--seed", "-1", *out], tmp_path, capsys, "seed")
    assert_refused(["sweep", str(file), "--store", str(file)], tmp_path, capsys, "not a store")
    assert_refused(
        ["sweep", str(file), "--store", str(tmp_path)], tmp_path, capsys, "expected a file"
    )
    file.write_text(SWEEP.replace("gd_before", "seed"))
    assert_refused(["sweep", str(file), "--seed", "1", *out], tmp_path, capsys, "--seed")


def test_a_shipped_grid_runs_by_name(tmp_path: Path, capsys) -> None:
    assert main(["sweep", "two-by-two", "--out", str(tmp_path), "--jobs", "2"]) == 0
    out = capsys.readouterr().out
    assert "0.611755" in out  # printed with the paper: 0.6117554908
    assert "14 rows: 14 done." in out
    assert "type beta" in out  # in all rows
    for words in (
        "h final: h after the gradient descent that goes on from there",
        "near truth: at the very end XXᵀ is within 1 % of ZZᵀ",
        "an exact path does not use the recursion",
    ):
        assert words in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 100
    assert (tmp_path / "two-by-two.sqlite").exists()


def test_ctrl_c_ends_with_130_and_the_same_command_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "slow.toml"
    file.write_text(SWEEP.replace("[10, 20, 40]", "[10, 11, 12, 200_001, 200_002, 200_003]"))
    words = [
        sys.executable,
        "-m",
        "lift_compare",
        "sweep",
        str(file),
        "--out",
        str(tmp_path),
        "--jobs",
        "1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    store_path = tmp_path / "slow.sqlite"
    while not (store_path.exists() and done(store_path)):
        assert child.poll() is None
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=100)
    assert child.returncode == 130
    assert out == ""
    assert "the same command goes on from there" in sentence(err)
    assert "Traceback" not in err
    assert 1 <= done(store_path) < 6


def done(store_path: Path) -> int:
    with Store(store_path) as store:
        return sum(row.status is Status.DONE for row in store.rows())


def test_a_sweep_runs_on_an_instance_of_your_own(file: Path, tmp_path: Path, capsys) -> None:
    words = ["--instance", "real-system", "--out", str(tmp_path / "out"), "--jobs", "1", "--json"]
    assert main(["sweep", str(file), *words]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(row["instance"], row["n"]) for row in rows} == {("real-system", None)}


def test_a_failed_evaluation_is_exit_code_1(tmp_path: Path, capsys) -> None:
    """A step so large that the descent to X̂ leaves float64 at once, and X̂ = its start."""
    file = tmp_path / "wild.toml"
    file.write_text(
        'evaluation = "escape"\n[fixed]\ninstance = "gaussian:n=5,m=1,seed=1"\n'
        'gd_step = 1e-9\ngd_before = 0\nspread = 1e-200\n[grid]\nmethod = ["exact"]\n'
    )
    assert main(["sweep", str(file), "--out", str(tmp_path), "--jobs", "1"]) == 1
    said = capsys.readouterr()
    assert "1 failed" in sentence(said.err)
    assert "lift-compare: 1 of 1 rows failed: " in sentence(said.err)


def test_rows_that_exceed_the_limit_of_the_file_fail_and_are_counted(
    tmp_path: Path, capsys
) -> None:
    file = tmp_path / "slow.toml"
    file.write_text(
        "time_limit = 1\n" + SWEEP.replace("[10, 20, 40]", "[10, 20, 3_000_001, 3_000_002]")
    )
    words = ["sweep", str(file), "--out", str(tmp_path / "out"), "--jobs", "1"]
    assert main(words) == 1
    said = capsys.readouterr()
    assert "2 of 4 rows failed: time limit: ended after 1 s" in sentence(said.err)
    assert "(rows: 2)" in sentence(said.err)
    assert "4 rows: 2 done, 2 failed." in said.out
    assert "error: time limit: ended after 1 s, the limit of one evaluation (rows 3, 4)" in said.out
    # The same again finds the failures in the store, and is no success either.
    assert main(words) == 1
    assert "0 run here" in sentence(capsys.readouterr().err)


def test_a_store_that_cannot_be_is_refused_by_its_option(
    file: Path, tmp_path: Path, capsys
) -> None:
    words = ["sweep", str(file)]
    assert_refused([*words, "--store", f"{tmp_path}/new/"], tmp_path, capsys, "--store: expected a")
    assert_refused([*words, "--out", str(file)], tmp_path, capsys, "--out: expected a folder")
    below = str(file / "below")  # below a file there can be nothing
    assert_refused([*words, "--out", below], tmp_path, capsys, "--out: cannot open")
    assert_refused([*words, "--store", below], tmp_path, capsys, "--store: cannot open")
    assert_refused([*words, "--out", "x" * 300], tmp_path, capsys, "--out: ")
    foreign = tmp_path / "results.csv-journal"
    foreign.write_text("mine")
    store = str(tmp_path / "results.csv")
    assert_refused([*words, "--store", store], tmp_path, capsys, "--store: ")
    assert foreign.read_text() == "mine"


def test_rows_of_one_family_are_told_apart_by_its_parameters(tmp_path: Path, capsys) -> None:
    file = tmp_path / "two.toml"
    file.write_text(
        'evaluation = "descent"\n[grid]\ninstance = ["gaussian:n=3,m=4", "gaussian:n=4,m=4"]\n'
    )
    assert main(["sweep", str(file), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "instance gaussian" in out  # the same in all rows, and so is m
    lines = out.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith("row"))
    assert lines[start].split()[:3] == ["row", "n", "h"]
    assert [line.split()[:2] for line in lines[start + 2 : start + 4]] == [["1", "3"], ["2", "4"]]


def test_without_a_file_the_shipped_grids_are_listed(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["sweep"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    for name in grid_names():
        assert name in said.out
    assert max(map(len, said.out.splitlines())) <= 100
    assert main(["sweep", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["name"] for row in rows] == grid_names()
    assert all(row["description"] for row in rows)
    assert list(tmp_path.iterdir()) == []


def test_a_grid_that_is_nearly_there_is_named(tmp_path: Path, capsys) -> None:
    words = ["sweep", "two-by-tow", "--out", str(tmp_path)]
    assert_refused(words, tmp_path, capsys, "(did you mean 'two-by-two'?)")


def test_the_table_and_the_figure_in_further_forms(file: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    words = ["sweep", str(file), "--out", str(out), "--jobs", "1"]
    assert_refused([*words, "--format", "latx"], tmp_path, capsys, "(did you mean 'latex'?)")
    assert main([*words, "--format", "latex,markdown,PDF"]) == 0
    names = {path.name for path in out.iterdir()}
    assert names == {f"descents.{end}" for end in ("sqlite", "svg", "pdf", "tex", "md")}
    tex = (out / "descents.tex").read_text()
    assert tex.isascii()
    assert r"gd\_before" in tex
    assert tex.count(r"\\") >= 4
    assert (out / "descents.md").read_text().count("\n|") >= 5
    assert (out / "descents.pdf").read_bytes().startswith(b"%PDF")
    said = sentence(capsys.readouterr().err)
    assert all(f"descents.{end}" in said for end in ("svg", "pdf", "tex", "md"))


def test_more_than_two_settings_have_no_figure_and_it_says_so(tmp_path: Path, capsys) -> None:
    file = tmp_path / "three.toml"
    file.write_text(
        'evaluation = "path"\n[fixed]\ninstance = "two-by-two"\nsteps = 10\n'
        "[grid]\norder = [3, 5]\nrho = [0.1, 0.2]\neta = [0.01, 0.02]\n"
    )
    assert main(["sweep", str(file), "--out", str(tmp_path / "out"), "--jobs", "1"]) == 0
    said = capsys.readouterr().err
    assert "No figure: it needs one or two settings" in sentence(said)
    assert max(len(line) for line in said.splitlines() if str(tmp_path) not in line) <= 100
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["three.sqlite"]


def test_settings_that_vary_one_at_a_time_have_a_panel_each(tmp_path: Path, capsys) -> None:
    sensing.save_instance(tmp_path / "mine.npz", sensing.instance("perturbed-completion"))
    words = ["sweep", "two-by-two", "--instance", str(tmp_path / "mine.npz"), "--jobs", "1"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    # What the file says of its own instance is not said of another.
    assert said.out.startswith("The settings of two-by-two, on ")
    assert "ublished" not in said.out
    drawn = (tmp_path / "out" / "two-by-two.svg").read_text()
    for name, values in {"eta": 4, "rho": 5, "order": 4, "steps": 4}.items():
        assert f"{name} alone varies" in drawn
        assert drawn.count(f": {values} of {values} rows are drawn.") >= 1


def test_rows_that_are_all_alike_have_no_figure_and_it_says_why(tmp_path: Path, capsys) -> None:
    rng = np.random.default_rng(11)
    A = rng.standard_normal((6, 4, 4))
    np.savez(tmp_path / "easy.npz", A=A + A.transpose(0, 2, 1), Z=rng.standard_normal(4))
    words = ["sweep", "two-by-two", "--instance", str(tmp_path / "easy.npz"), "--jobs", "1"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 0
    said = sentence(capsys.readouterr().err)
    assert "No figure: every result is the same in all rows: X̂ is not spurious" in said


def test_two_settings_are_lines_or_a_map(tmp_path: Path) -> None:
    for count, looks in ((2, "lines"), (9, "map")):
        file = tmp_path / f"{looks}.toml"
        values = [round(0.1 * (k + 1), 1) for k in range(count)]
        file.write_text(
            'evaluation = "path"\n[fixed]\ninstance = "two-by-two"\nsteps = 10\n'
            f"[grid]\norder = [3, 5]\nrho = {values}\n"
        )
        assert main(["sweep", str(file), "--out", str(tmp_path), "--jobs", "1"]) == 0
        drawn = (tmp_path / f"{looks}.svg").read_text()
        assert ("A map." in drawn) is (looks == "map")
        assert "Least: " in drawn
