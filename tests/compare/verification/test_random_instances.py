"""Verification on random instances: no violation, reproducible, and a summary that names what
failed."""

import sys

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.compare import verify_random
from lift_compare.compare.commands.main import main
from lift_compare.compare.verification.random_instances import random_instance
from tests.compare.verification.cases import scaled


@pytest.mark.parametrize("seed", [0, 20261121])
def test_random_instances_have_no_violation(seed):
    found = verify_random(6, seed=seed)
    assert found.violations == (), found.summary()
    assert all(
        row["holds"] + row["does_not_hold"] + row["not_applicable"] == 6 for row in found.rows()
    )
    assert any(row["name"] == "lifted gradient" and row["holds"] == 6 for row in found.rows())


def test_random_instances_are_reproducible_and_stationary():
    for index in range(4):
        one, two = random_instance(index, seed=7), random_instance(index, seed=7)
        np.testing.assert_array_equal(one.point, two.point)
        assert one.name == two.name
        assert sensing.relative_gradient_norm(one.problem, one.point) < 1e-8
    assert random_instance(0, seed=8).name != random_instance(1, seed=8).name


def test_random_summary_names_the_instance_of_a_violation(monkeypatch):
    monkeypatch.setattr(simulated.SpanObjective, "value", scaled(simulated.SpanObjective.value))
    found = verify_random(2, seed=0)
    assert {claim.name for _, claim in found.violations} >= {"powers: h^l"}
    assert "VIOLATION on instance 0: n=" in found.table()
    row = next(row for row in found.rows() if row["name"] == "powers: h^l")
    assert (row["holds"], row["does_not_hold"], row["violations"]) == (0, 2, 2)


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_bad_count(count):
    with pytest.raises((ValueError, TypeError), match="count"):
        verify_random(count)


def test_ctrl_c_keeps_the_instances_that_were_finished(monkeypatch, tmp_path, capsys):
    def interrupted_at_2(index, *, seed=0):
        if index == 2:
            raise KeyboardInterrupt
        return random_instance(index, seed=seed)

    monkeypatch.setattr(
        sys.modules["lift_compare.compare.verification.random_instances"],
        "random_instance",
        interrupted_at_2,
    )
    assert len(verify_random(5).verifications) == 2
    assert main(["verify", "--random", "5", "--out", str(tmp_path)]) == 130
    assert "interrupted after 2 instances" in capsys.readouterr().err
    assert (tmp_path / "verify-random.csv").exists()
