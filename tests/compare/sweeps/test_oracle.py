"""The evaluation "oracle": saddle orders at X̂, every way out of it, and what each costs."""

from __future__ import annotations

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.compare.commands.sweep import grid_path
from lift_compare.compare.cost.counted import counted
from lift_compare.compare.sweeps.oracle import WAYS, orders, where_is_the_oracle
from lift_compare.compare.sweeps.sweep import Sweep


def test_the_real_system_is_a_saddle_along_no_visible_direction_but_along_the_oracle_from_order_9():
    row = where_is_the_oracle(instance="real-system", polish=True, escapes=False)
    assert (row["order_visible"], row["order_oracle"], row["certified_below"]) == (None, 9, 9)
    assert row["oracle_reason"] == "MET"
    assert row["oracle_curvature"] == pytest.approx(-5.56e-8, rel=0.01)
    assert not any(name.startswith(tuple(WAYS)) for name in row)


def test_a_row_says_what_every_way_makes_of_the_point() -> None:
    problem = sensing.perturbed_completion()
    row = where_is_the_oracle(instance="perturbed-completion", polish=True)
    X = sensing.instance("perturbed-completion").stationary_point()
    for name, way in WAYS.items():
        if name == "columns":  # at rank one it is the inner method
            assert "columns_solved" not in row
            continue
        run = simulated.descend_with_escapes(
            problem, X, step_size=sensing.Backtracking(), max_iterations=4000, **way
        )
        assert row[f"{name}_solved"] is run.solved
        assert row[f"{name}_near_truth"] == problem.is_near_truth(run.point)
        assert row[f"{name}_escapes"] == sum(attempt.found for attempt in run.escapes)
        # A step by backtracking takes a gradient, and half of one for the rest of its quartic.
        assert row[f"{name}_gradients"] >= run.iterations
    assert row["exact_solved"]
    assert not row["single_step_solved"]


def test_columns_are_tried_above_rank_one() -> None:
    row = where_is_the_oracle(
        instance="gaussian:n=6,m=13,rank=2", point="search", max_escapes=1, max_iterations=300
    )
    assert row["spurious"]
    assert row["columns_escapes"] <= 1
    assert row["order_oracle"] == row["certified_below"] == 3


def test_nothing_is_tried_at_the_truth_and_none_at_any_order_has_no_bound() -> None:
    row = where_is_the_oracle(instance="sparse-completion:n=20", point="search")
    assert row["solved_before"]
    assert "order_oracle" not in row
    # A positive semidefinite landscape matrix: proved at every order, and so there is no largest.
    truth = sensing.gaussian(4, 1, 8, 0)
    found = orders(truth, truth.ground_truth, 1001)
    assert (found["order_oracle"], found["certified_below"]) == (None, None)
    assert found["oracle_reason"] == "NONE"


def test_the_same_settings_give_the_same_row() -> None:
    settings = {"instance": "gaussian:n=5,m=7,seed=3", "point": "search", "max_escapes": 2}
    assert where_is_the_oracle(**settings) == where_is_the_oracle(**settings)


def test_the_shipped_grid_covers_the_catalogue() -> None:
    tasks = Sweep.from_toml(grid_path("oracle")).tasks
    # Two need packages that are extras, and the third has no spurious point.
    others = {"iris", "least-delta", "asymmetric"}
    assert {task.settings["instance"] for task in tasks} == {
        entry.name for entry in sensing.catalogue()
    } - others


@pytest.mark.parametrize("name", ["gaussian:n=4,m=6", "rank-one:n=4,m=6", "completion:n=4"])
def test_a_counted_problem_has_the_same_numbers_and_counts_its_gradients(name: str) -> None:
    problem = sensing.parse_instance(name).problem
    same, operator = counted(problem)
    X = np.random.default_rng(0).standard_normal((3, *problem.shape))
    assert np.array_equal(same.gradient(X), problem.gradient(X))
    assert operator.gradients() == 3
    assert operator.gradients() == 0
    same.objective(X[0])
    assert operator.gradients() == 0.5
    assert np.array_equal(operator.matrices(), problem.operator.matrices())
