"""Predicted costs of families: no matrices are made, and the numbers are those of the instances."""

from __future__ import annotations

import tracemalloc

import pytest

from lift_compare import compare, lifting, sensing
from lift_compare.compare.cost.cases import OPERATORS


@pytest.mark.parametrize("family", OPERATORS)
@pytest.mark.parametrize(("n", "rank"), [(3, 1), (5, 2)])
def test_sizes_alone_give_the_costs_of_the_problem(family: str, n: int, rank: int) -> None:
    (case,) = compare.cost_cases(family, n=[n], rank=[rank], order=[3])
    problem = case.problem()
    found = lifting.predict_cost(case.sizes_only(), 3)
    assert case.sizes_only().shape == problem.shape
    if problem.m == case.measurements:  # sparse completion draws a little fewer
        assert found == lifting.predict_cost(problem, 3)


def test_a_size_beyond_all_memory_is_predicted_without_a_byte_of_it() -> None:
    cases = compare.cost_cases("gaussian", n=[10**6], m=["n^2"], order=[1, 3])
    tracemalloc.start()
    rows = compare.predicted_costs(cases)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000_000
    assert {row["status"] for row in rows} == {"too large", "does not apply"}
    assert {row["m"] for row in rows} == {10**12}


def test_the_budget_decides_what_is_chosen() -> None:
    cases = compare.cost_cases("completion", n=[12])
    costs = lifting.predict_cost(sensing.perturbed_completion(12), 3)
    least = min(cost.total_bytes for cost in costs if cost.reason is None)
    for limit, chosen in ((least, 1), (least - 1, 0)):
        rows = compare.predicted_costs(cases, memory_limit=limit)
        assert sum(row["status"] == "chosen" for row in rows) == chosen
    with pytest.raises(ValueError, match="memory_limit: expected"):
        compare.predicted_costs(cases, memory_limit=0)
