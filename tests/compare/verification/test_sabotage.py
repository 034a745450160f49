"""Verify sees what it vouches for: each formula that is wrong by a little is a violation."""

import importlib

import pytest

from lift_compare.compare import verify
from lift_compare.compare.verification.random_instances import random_instance
from tests.compare.verification.sabotage import SABOTAGE

INDICES = (8, 9, 10, 2)
"""Small ones of seed 0: dense, rank-one and entrywise with l = 5; entrywise with r = 3."""


@pytest.fixture(scope="module")
def instances():
    """Drawn before anything is made wrong."""
    return [random_instance(index, seed=0) for index in INDICES]


def violations(instance):
    found = verify(
        instance.problem, instance.point, instance.settings.order, rho=0.1, eta=0.01, steps=50
    )
    return found.violations


def test_without_sabotage_there_is_no_violation(instances):
    for instance in instances:
        assert violations(instance) == (), instance.name


@pytest.mark.parametrize("name", SABOTAGE)
def test_a_formula_that_is_wrong_by_a_little_is_seen(monkeypatch, instances, name):
    for where, attribute, wrong in SABOTAGE[name]:
        place = importlib.import_module(where) if isinstance(where, str) else where
        monkeypatch.setattr(place, attribute, wrong)
    assert any(violations(instance) for instance in instances)
