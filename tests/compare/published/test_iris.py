"""The iris network: every printed number, and what its X̂ is."""

import sys

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.published.iris import iris_rows, published_search
from lift_compare.compare.reproduction.measured import iris_section
from tests.catalogue import PUBLISHED_NUMBERS


def test_every_printed_number_comes_back() -> None:
    printed = PUBLISHED_NUMBERS["quadratic_network_iris"]["printed"]
    rows = {row["method"]: row for row in iris_rows()}
    for name, block in (("gradient descent", "gd"), ("published line search", "gd_sod")):
        for half in ("train", "test"):
            assert rows[name][half] == pytest.approx(printed[block][half], abs=5e-9)
            assert rows[name][f"printed_{half}"] == printed[block][half]
    # Exact escapes come to the same minimum, as far as the steps left take them.
    assert rows["exact escapes"]["train"] == pytest.approx(printed["gd_sod"]["train"], rel=1e-4)


def test_the_search_from_iterate_4640_finds_the_printed_step() -> None:
    event = PUBLISHED_NUMBERS["quadratic_network_iris"]["printed"]["gd_sod"]
    instance = sensing.instance("iris")
    X = instance.descent.run(instance.problem).point
    assert instance.descent.before == event["event_iteration"] + 1
    found = published_search(instance.problem, X)
    assert instance.problem.objective(found) == pytest.approx(event["loss_after"], abs=5e-9)
    length = np.linalg.norm(found - X)
    assert length == pytest.approx(event["step"], abs=5e-5)


def test_the_section_says_so_where_the_data_are_not_installed(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    (said,) = iris_section().items
    assert said.startswith("It was not run")
