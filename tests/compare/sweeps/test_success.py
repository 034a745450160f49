"""Success rates: the table, the published rates beside ours, and an independent count."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.published.printed import SUCCESS_RATES
from lift_compare.compare.sweeps.success import success_rates
from tests.catalogue import PUBLISHED_NUMBERS


def test_published_rates_are_those_printed():
    printed = PUBLISHED_NUMBERS["success_rates_printed"]
    expected = {
        (n, float(epsilon)): (printed["gd"][epsilon][i], printed["gd_with_sod"][epsilon][i])
        for epsilon in printed["gd"]
        for i, n in enumerate(printed["n"])
    }
    assert expected == SUCCESS_RATES


def test_rates_against_a_plain_count():
    rates = success_rates([50], [0.15], starts=12, scale=0.5, seed=11)
    cell = rates.cells[0]
    problem = sensing.perturbed_completion(50, 0.15)
    starts = 0.5 * np.random.default_rng(11).standard_normal((12, 50, 1))
    solved = [
        problem.distance(
            sensing.gradient_descent(
                problem, X, step_size=cell.step_size, max_iterations=4000
            ).point
        )
        < 1e-2
        for X in starts
    ]
    assert cell.rate_descent == np.mean(solved)
    assert 0 < cell.rate_descent < 1
    assert cell.rate_escapes == 1.0
    assert cell.escapes >= 12 - sum(solved)
    assert cell.smallest_decrease > 0
    assert cell.largest_distance < 1e-2
    assert (cell.published_descent, cell.published_escapes) == (0.56, 0.92)


def test_every_start_of_the_hardest_published_cell_is_solved():
    rates = success_rates([40], [0.10], starts=50, seed=5)
    cell = rates.cells[0]
    assert cell.rate_escapes == 1.0
    assert cell.rate_descent < 0.5
    assert cell.smallest_decrease > 0
    assert (cell.published_descent, cell.published_escapes) == (0.48, 0.88)
    assert "0.88" in rates.table()
    assert "seed 5" in repr(rates)
    row = rates.rows()[0]
    assert row["seed"] == 5
    assert row["rate_escapes"] == 1.0


def test_other_methods_and_budgets():
    without = success_rates([20], [0.10], starts=5, max_escapes=0).cells[0]
    assert without.rate_escapes == without.rate_descent
    assert without.escapes == 0
    assert without.smallest_decrease is None
    single = success_rates([20], [0.10], starts=5, method="single-step").cells[0]
    assert single.refused > 0
    assert single.rate_escapes <= 1.0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"sizes": [1]}, "sizes"),
        ({"sizes": [4.5]}, "sizes"),
        ({"epsilons": [0.0]}, "epsilons"),
        ({"starts": 0}, "starts"),
        ({"scale": -1.0}, "scale"),
        ({"step_size": 0.0}, "step_size"),
        ({"seed": -1}, "seed"),
        ({"method": "guess"}, "method"),
    ],
)
def test_bad_settings_are_refused_by_name(change, word):
    with pytest.raises((TypeError, ValueError), match=word):
        success_rates(**{"sizes": [4], "epsilons": [0.1], "starts": 2, **change})
