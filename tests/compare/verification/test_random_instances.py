"""Verification on random instances: no violation, reproducible, and a summary that names what
failed."""

import itertools
import re
import sys

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.compare import verify_random
from lift_compare.compare.commands.main import main
from lift_compare.compare.verification.random_instances import random_instance
from tests.compare.verification.cases import scaled
from tests.printed import sentence


@pytest.mark.parametrize("seed", [0, 20261121])
def test_random_instances_have_no_violation(seed):
    found = verify_random(6, seed=seed)
    assert found.violations == (), found.summary()
    answers = ("holds", "does_not_hold", "not_applicable", "out_of_range")
    assert all(sum(row[answer] for answer in answers) == 6 for row in found.rows())
    assert any(row["name"] == "lifted gradient" and row["holds"] == 6 for row in found.rows())


def test_random_instances_are_reproducible_and_stationary():
    for index in range(4):
        one, two = random_instance(index, seed=4), random_instance(index, seed=4)
        np.testing.assert_array_equal(one.point, two.point)
        assert one.name == two.name
        assert sensing.relative_gradient_norm(one.problem, one.point) < 1e-8
    assert random_instance(0, seed=8).name != random_instance(1, seed=8).name


def test_random_summary_names_the_instance_of_a_violation(monkeypatch):
    monkeypatch.setattr(simulated.SpanObjective, "value", scaled(simulated.SpanObjective.value))
    found = verify_random(2, seed=0)
    assert {claim.name for _, claim in found.violations} >= {"powers: h^l"}
    name, claim = found.violations[0]
    _, first, *lines = found.summary().splitlines()
    assert first == f"VIOLATION on {name}: {claim.id} ({claim.name})"
    numbers = f"measured {claim.measured:.6g}, expected {claim.expected:.6g}"
    assert f"  {numbers}, tolerance {claim.tolerance:.6g}" in lines[:3]
    command = f"lift-compare verify --random 1 --first 0 --seed 0 --claim {claim.id}"
    assert f"  to see it again: {command}" in lines[:4]
    assert found.table().startswith(found.summary())
    row = next(row for row in found.rows() if row["name"] == "powers: h^l")
    assert (row["holds"], row["does_not_hold"], row["violations"]) == (0, 2, 2)


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_bad_count(count):
    with pytest.raises((ValueError, TypeError), match="count"):
        verify_random(count)


def test_the_command_of_a_violation_shows_it_again(monkeypatch, tmp_path, capsys):
    """One command names one instance of a longer run, with the settings of that run."""
    monkeypatch.setattr(simulated.SpanObjective, "value", scaled(simulated.SpanObjective.value))
    found = verify_random(2, seed=0, first=8, steps=7, polish=False)
    assert {v.title for v in found.verifications} == {
        random_instance(index, seed=0).name for index in (8, 9)
    }
    instance = "lift-compare verify --steps 7 --no-polish --random 1 --first 9 --seed 0"
    rows = [row for row in found.violation_rows() if row["id"] == "powers-h"]
    assert rows[-1]["reproduce"] == f"{instance} --claim powers-h"
    assert found.reproduce(1) == instance
    assert main([*rows[-1]["reproduce"].split()[1:], "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert printed.count("VIOLATION") == 1
    assert f"VIOLATION on {found.verifications[1].title}: powers-h (powers: h^l)" in printed
    assert f"measured {rows[-1]['measured']:.6g}, " in printed


def test_many_violations_are_counted_and_twenty_told(monkeypatch):
    monkeypatch.setattr(simulated.SpanObjective, "value", scaled(simulated.SpanObjective.value))
    found = verify_random(22, seed=0, first=8, claims=["powers: h^l"], progress=False)
    assert {claim.id for v in found.verifications for claim in v} == {"powers-h"}
    assert len(found.violation_rows()) == len(found.violations) == 22
    assert found.summary().count("VIOLATION") == 20
    assert found.summary().endswith("And 2 more, which the rows have.")


def test_an_unknown_claim_is_refused_before_anything_is_drawn(monkeypatch):
    module = sys.modules["lift_compare.compare.verification.random_instances"]
    monkeypatch.setattr(module, "random_instance", lambda *_, **__: pytest.fail("drawn"))
    with pytest.raises(ValueError, match="did you mean 'leakage'"):
        verify_random(3, claims=["leakge"])


def test_every_operator_and_order_is_drawn_and_every_form_compared(monkeypatch):
    """Within twelve instances each operator meets each order; the coverage says so."""
    found = verify_random(12, seed=1, memory_limit=2**24)
    assert found.violations == ()
    coverage = found.coverage()
    met = {(row["operator"], row["order"]) for row in coverage}
    assert met == set(itertools.product(("dense", "rank-one", "entrywise", "sparse"), (1, 3, 5)))
    assert sum(row["instances"] for row in coverage) == 12
    # A form that would take too long on an instance is left out there.
    most = {"residual": 12, "normal": 12, "pairs": 12, "entrywise": 6, "rank-one": 3}
    most |= {"symmetric": 12, "symmetric-pairs": 12}
    for form, possible in most.items():
        assert possible / 2 < sum(row[form] for row in coverage) <= possible, form
    table = found.table()
    assert "coverage" in table
    assert all(row["operator"] in table for row in coverage)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for columns in (80, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        for text in (found.table(), found.table(full=True)):
            assert max(map(len, text.splitlines())) <= columns
        assert re.search(r"^operator .* symmetric-pairs$", text, re.MULTILINE)  # one table
    false = [row["id"] for row in found.rows(only_failures=True)]
    assert "truncation-error" in false
    assert all(row["kind"] == "published" for row in found.rows() if row["id"] in false)
    only = found.table(only_failures=True)
    assert re.findall(r"^([a-z0-9-]+)  +published", only, re.MULTILINE) == false
    assert "coverage" not in only


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
    assert "interrupted; the 2 of 5 instances finished are written" in sentence(
        capsys.readouterr().err
    )
    assert (tmp_path / "verify-random.csv").exists()


def test_escape_with_a_hidden_direction_that_nothing_measures():
    """Its A(XXᵀ) is 1e-36 here: an escape found, not an error."""
    instance = random_instance(207, seed=6)
    found = simulated.escape(instance.problem, instance.point)
    assert found.found
    assert instance.problem.objective(found.point) < instance.problem.objective(instance.point)
