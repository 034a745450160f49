"""What all commands share: the version, near misses, exit codes, numbers of bytes."""

import argparse
import warnings

import numpy as np
import pytest

from lift_compare import __version__, sensing
from lift_compare.compare.commands.common import byte_count
from lift_compare.compare.commands.main import _COMMANDS, main
from tests.printed import sentence


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("100", 100),
        ("2000000000", 2 * 10**9),
        ("2e9", 2 * 10**9),
        ("2E+9", 2 * 10**9),
        ("2GB", 2 * 10**9),
        ("2G", 2 * 10**9),
        ("2 gb", 2 * 10**9),
        ("2GiB", 2 * 2**30),
        ("1.5MiB", 3 * 2**19),
        ("3 kB", 3000),
        ("1e3 kib", 1000 * 1024),
        ("7 B", 7),
    ],
)
def test_numbers_of_bytes(text: str, count: int) -> None:
    assert byte_count(text) == count


@pytest.mark.parametrize(
    "text", ["", "GB", "-2GB", "0", "0.1", "two", "1.2.3", "1e400", "2XB", "nan", "inf", "2 G B"]
)
def test_other_texts_are_no_numbers_of_bytes(text: str) -> None:
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"expected (a number of|at least one) byte"
    ):
        byte_count(text)


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"lift-compare {__version__}\n"


@pytest.mark.parametrize("word", ["mine.npz", "two-by-two", "gaussian:n=3,m=4", "my_file.py:make"])
def test_an_instance_in_the_place_of_a_command_is_told_where_it_goes(word, capsys) -> None:
    assert main([word]) == 2
    assert f"for an instance: lift-compare directions {word}" in sentence(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["verfy"], "verify"),
        (["instance"], "instances"),
        (["instances", "two-by-tow"], "two-by-two"),
        (["directions", "--instance", "gausian:n=3,m=4"], "gaussian"),
        (["directions", "--instance", "perturbed-completion:epsilom=0.3"], "epsilon"),
        (["directions", "two-by-two", "--ordr", "3"], "--order"),
        (["directions", "two-by-two", "--ro=3"], "--rho"),
        (["directions", "two-by-two", "--stepsize", "3"], "--step-size"),
        (["directions", "two-by-two", "--memory-limt", "3"], "--memory-limit"),
        (["verify", "two-by-two", "--clam", "leakage"], "--claim"),
    ],
)
def test_a_near_miss_is_told(arguments, meant, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert f"(did you mean {meant!r}?)" in sentence(capsys.readouterr().err)


def test_what_is_far_from_all_is_no_near_miss(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["xxxx"]) == 2
    assert "did you mean" not in sentence(capsys.readouterr().err)
    with pytest.raises(ValueError, match=r"got 7$"):
        sensing.instance(7)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", ["", *_COMMANDS])
def test_every_help_has_the_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*filter(None, [command]), "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert "Exit codes: 0 done; 1 a consistency check failed" in words
    assert "130 interrupted" in words


def test_a_long_refusal_keeps_to_the_width(tmp_path, capsys) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, A=np.triu(np.ones((5, 3, 3))), b=np.ones(5), rank=1)
    for words in (["instances", "perturbd-completion"], ["instances", str(path)], ["sweep", "no"]):
        assert main([*words, "--out", str(tmp_path / "out")]) == 2
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) > 1
        assert max(len(line) for line in lines if str(path) not in line) <= 100


def test_a_point_that_is_not_stationary_is_told_in_sentences(tmp_path, capsys) -> None:
    rng = np.random.default_rng(0)
    A, z = rng.standard_normal((7, 5, 5)), rng.standard_normal(5)
    A, path = (A + A.transpose(0, 2, 1)) / 2, tmp_path / "far.npz"
    np.savez(path, A=A, b=np.einsum("ijk,j,k->i", A, z, z), X=np.ones((5, 1)))
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(["verify", str(path), "--claim", "gradient", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().err
    assert "lift-compare: warning: X: expected a stationary point" in said
    assert "NotStationaryWarning" not in said
    assert max(len(line) for line in said.splitlines() if str(tmp_path) not in line) <= 100
    assert main(["directions", str(path), "--out", str(tmp_path)]) == 2
    said = sentence(capsys.readouterr().err)
    assert "without X, descents from random starts look for a point" in said
