"""An Instance in the place of its problem is refused by name, with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lift_compare import compare, sensing, simulated
from lift_compare.compare.cost.predicted import predicted_costs

INSTANCE: Any = sensing.instance("real-system")
X = INSTANCE.stationary_point()

OF_A_PROBLEM: list[Callable[[], Any]] = [
    lambda: compare.compare_directions(INSTANCE, X, 3),
    lambda: compare.verify(INSTANCE, X, 3),
    lambda: sensing.compress(INSTANCE, X[None]),
    lambda: sensing.gradient_descent(INSTANCE, X, step_size=0.1, max_iterations=1),
    lambda: sensing.polish(INSTANCE, X),
    lambda: sensing.relative_gradient_norm(INSTANCE, X),
    lambda: sensing.spurious_point(INSTANCE),
    lambda: simulated.GeneratorObjective(INSTANCE, 3),
    lambda: simulated.SpanObjective(INSTANCE, X[None], 3),
    lambda: simulated.curvature_along(INSTANCE, X, X, 3),
    lambda: simulated.escape(INSTANCE, X),
    lambda: simulated.escape_directions(INSTANCE, X),
    lambda: simulated.oracle_direction(INSTANCE, X, 3),
    lambda: simulated.saddle_certificate(INSTANCE, X, 3),
    lambda: simulated.saddle_order(INSTANCE, X),
    lambda: simulated.smallest_saddle_order(INSTANCE, X),
]


@pytest.mark.parametrize("call", OF_A_PROBLEM)
def test_an_instance_is_no_problem(call: Callable[[], Any]) -> None:
    said = "problem: expected a SensingProblem, got Instance, which holds one: give its .problem"
    with pytest.raises(TypeError, match=said):
        call()


def test_an_instance_is_no_case_and_a_problem_no_instance(tmp_path: Path) -> None:
    for predict in (predicted_costs, compare.cost_grid):
        with pytest.raises(TypeError, match="cases: expected what cost_cases returns, got Inst"):
            predict([INSTANCE])
    problem: Any = INSTANCE.problem
    with pytest.raises(TypeError, match="instances: expected names, files or Instance objects"):
        compare.run_rivals([problem], ["gd"], tmp_path / "store.sqlite")
