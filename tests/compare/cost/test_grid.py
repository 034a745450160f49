"""The cost grid: what is run is the mathematics it says, and refusals, time-outs and failures
are rows."""

from __future__ import annotations

import warnings
from functools import reduce

import numpy as np
import pytest
from scipy import sparse

import lift_compare.compare.cost.grid
from lift_compare import lifting, sensing, simulated
from lift_compare.compare.cost import workloads
from lift_compare.compare.cost.cases import (
    OPERATORS,
    CostCase,
    cost_cases,
    instance_cases,
    standard_cases,
)
from lift_compare.compare.cost.grid import cost_grid, memory_summary
from lift_compare.compare.cost.isolated import ChildFailed
from lift_compare.compare.cost.measure import traced_peak
from lift_compare.compare.cost.resident import NOISE
from lift_compare.compare.cost.workloads import descended_point
from lift_compare.sensing.validation import show_bytes

LIMIT = 10**9


@pytest.mark.parametrize(
    ("case", "m"),
    [
        (CostCase("completion", 5, 2), 25),
        (CostCase("sparse-completion", 30, 2), None),
        (CostCase("gaussian", 4, 3, 5, "3n"), 12),
        (CostCase("gaussian", 4, 1, 3, 7), 7),
        (CostCase("rank-one", 4, 2, 3, "n^2"), 16),
        (CostCase("rank-one", 4), 8),
    ],
)
def test_a_case_is_the_problem_it_says_and_the_same_each_time(case, m):
    first, second = case.problem(seed=3), case.problem(seed=3)
    assert first.shape == (case.n, case.rank)
    assert np.array_equal(first.measurements, second.measurements)
    if m is None:
        assert sparse.issparse(first.operator.weights)
        assert 8 * case.n <= first.m <= 10 * case.n == case.measurements
    else:
        assert first.m == case.measurements == m
    X = descended_point(first, seed=3)
    assert first.objective(X) < first.objective(np.zeros(first.shape))


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (
            {"operator": "dense"},
            ValueError,
            "operator: expected one of completion, sparse-completion, gaussian, rank-one",
        ),
        ({"n": 1}, ValueError, "n: expected"),
        ({"n": 2.5}, TypeError, "n: expected a whole number"),
        ({"rank": 0}, ValueError, "rank"),
        ({"rank": 5}, ValueError, "rank: expected at most n = 4"),
        ({"order": 2}, ValueError, "order: expected an odd lifting order"),
        ({"m": "3k"}, ValueError, "m: expected a whole number or a multiple"),
        ({"m": 0}, ValueError, "m: expected"),
        ({"m": "-4"}, ValueError, "m: expected"),
        (
            {"operator": "completion", "m": 9},
            ValueError,
            r"m: the completion operator has m = n\^2, got 9",
        ),
    ],
)
def test_a_case_of_impossible_sizes_is_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        CostCase(**{"operator": "gaussian", "n": 4, **arguments})


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("order", [1, 3])
def test_the_explicit_and_the_exact_step_are_of_the_same_objective(operator, order):
    problem = CostCase(operator, 4, 2, order).problem(seed=1)
    X = descended_point(problem, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", simulated.NotStationaryWarning)
        span = simulated.SpanObjective(
            problem, simulated.escape_directions(problem, X).generators, order
        )
    expected = span.gradient(np.array([1.0, 0.0, 0.0]))
    powers = [reduce(np.multiply.outer, [G.reshape(-1)] * order) for G in span.generators]
    for form in CostCase(operator, 4).forms:
        gradient = workloads.explicit(problem, X, order, form, LIMIT)()()
        found = [np.vdot(gradient, power) for power in powers]
        assert found == pytest.approx(list(expected), rel=1e-9, abs=1e-9 * np.abs(expected).max())
    step = workloads.exact(problem, X, order)()()
    assert step == pytest.approx(span.projected_gradient(np.array([1.0, 0.1, 0.0])))


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("order", [1, 3])
def test_the_forms_of_a_family_are_those_that_its_problems_have(operator, order):
    case = CostCase(operator, 5, 2, order)
    costs = lifting.predict_cost(case.problem(), order)
    assert case.forms == tuple(cost.form for cost in costs if cost.reason is None)


def test_an_instance_of_your_own_is_a_case(tmp_path):
    sensing.save_instance(tmp_path / "mine.npz", sensing.instance("completion", n=4, rank=2))
    (case,) = instance_cases([str(tmp_path / "mine.npz")], [3])
    assert case.row() == {
        "operator": "mine",
        "n": 4,
        "rank": 2,
        "m": 16,
        "m_rule": "16",
        "order": 3,
    }
    assert "entrywise" in case.forms
    rows = cost_grid([case], forms=["entrywise"], repeats=1, min_time=0, progress=False)
    assert [row["status"] for row in rows] == ["measured"] * 3
    cost = lifting.predict_cost(case.problem(), 3)["entrywise"]
    assert rows[0]["predicted_bytes"] == cost.total_bytes


def test_every_method_is_a_measured_row_in_a_pinned_process():
    cases = cost_cases("gaussian", n=[3], m=[5])
    rows = cost_grid(cases, forms=["normal"], repeats=2, min_time=0, progress=False)
    assert [(row["method"], row["form"]) for row in rows] == [
        ("explicit", "normal"),
        ("exact", None),
        ("truncated", None),
    ]
    for row in rows:
        assert (row["status"], row["note"]) == ("measured", None)
        assert (row["operator"], row["n"], row["rank"], row["m"], row["order"]) == (
            "gaussian",
            3,
            1,
            5,
            3,
        )
        assert row["threads"] == 1
        for name in ("plan", "run"):
            assert (
                0
                < row[f"{name}_seconds_low"]
                <= row[f"{name}_seconds"]
                <= row[f"{name}_seconds_high"]
            )
            assert row[f"{name}_repeats"] == 2
        assert row["traced_bytes"] > 0
        assert (row.get("predicted_bytes") is None) == (row["method"] != "explicit")
    assert "nothing to hold the prediction against" in memory_summary(rows)


@pytest.mark.parametrize(
    ("case", "forms"),
    [
        (CostCase("gaussian", 4, 2, 3, "2n"), ["residual", "normal"]),
        (CostCase("sparse-completion", 30), ["entrywise"]),
        (CostCase("completion", 10), ["symmetric"]),
        (CostCase("rank-one", 12, 1, 3, "8n"), ["rank-one"]),
        # At order 1 building the form takes more than one evaluation.
        (CostCase("rank-one", 100, 1, 1, "4n"), ["symmetric"]),
        (CostCase("completion", 30, 1, 1), ["residual"]),
    ],
    ids=lambda value: f"{value.operator}, l = {value.order}" if isinstance(value, CostCase) else "",
)
def test_the_resident_peak_is_predicted_within_a_factor_of_one_and_a_half(case, forms):
    rows = cost_grid(
        [case], methods=["explicit"], forms=forms, repeats=1, min_time=0, progress=False
    )
    assert {row["status"] for row in rows} == {"measured"}
    for row in rows:
        if row["resident_bytes"] is None:
            pytest.skip("VmHWM is Linux only")
        assert row["resident_bytes"] > row["traced_bytes"] - NOISE
        assert row["resident_bytes"] < 1.5 * row["predicted_bytes"] + NOISE
        assert row["resident_bytes"] > row["predicted_bytes"] / 1.5 - NOISE
        assert row["traced_bytes"] < 1.5 * row["predicted_bytes"] + 0.1 * NOISE
        assert row["traced_bytes"] > row["predicted_bytes"] / 1.5 - 0.1 * NOISE


@pytest.fixture
def in_this_process(monkeypatch):
    """Run the rows here, where they start sooner and coverage sees them."""
    monkeypatch.setattr(
        lift_compare.compare.cost.grid,
        "in_fresh_process",
        lambda call, *args, threads, timeout: call(*args),
    )


def test_a_size_beyond_the_budget_is_a_row_that_says_what_it_needs(in_this_process):
    settings = {"methods": ["explicit"], "memory_limit": 10**5, "progress": False}
    rows = cost_grid([CostCase("gaussian", 20)], forms=["normal", "symmetric"], **settings)
    assert [row["form"] for row in rows] == ["normal", "symmetric"]
    for row in rows:
        assert row["status"] == "refused"
        assert row["note"] == f"refused: needs {show_bytes(row['predicted_bytes'])}, 100 kB allowed"
        assert row["predicted_bytes"] > row["allowed_bytes"] == 10**5
        assert "run_seconds" not in row


def test_a_measured_row_has_the_number_of_measurements_that_the_problem_has(in_this_process):
    rows = cost_grid(
        cost_cases("sparse-completion", n=[5]),
        forms=["entrywise"],
        repeats=1,
        min_time=0,
        progress=False,
    )
    assert [row["status"] for row in rows] == ["measured"] * 3
    assert (
        {row["m"] for row in rows}
        == {CostCase("sparse-completion", 5).problem().m}
        != {CostCase("sparse-completion", 5).measurements}
    )
    explicit = rows[0]
    cost = lifting.LiftedProblem(
        CostCase("sparse-completion", 5).problem(), 3, form="entrywise"
    ).cost
    assert (explicit["predicted_bytes"], explicit["predicted_flops"]) == (
        cost.total_bytes,
        cost.flops,
    )


def test_a_row_out_of_time_ends_its_series_and_no_other(monkeypatch):
    tried = []

    def fresh(function, task, **options):
        tried.append((task.case.n, task.case.order, task.method))
        if task.method == "exact" and task.case.n >= 8:
            raise TimeoutError
        return {"status": "measured", "note": None}

    monkeypatch.setattr(lift_compare.compare.cost.grid, "in_fresh_process", fresh)
    cases = [
        *cost_cases("sparse-completion", n=[4, 8, 16]),
        CostCase("sparse-completion", 6, 1, 5),
        CostCase("sparse-completion", 9, 1, 5),
    ]
    rows = cost_grid(cases, methods=["exact", "truncated"], time_limit=3, progress=False)
    exact = [(row["n"], row["status"], row["note"]) for row in rows if row["method"] == "exact"]
    assert exact == [
        (4, "measured", None),
        (8, "too long", "stopped after 3 s"),
        (16, "too long", "not tried: a smaller case took over 3 s"),
        (6, "measured", None),
        (9, "too long", "not tried: a smaller case took over 3 s"),
    ]
    assert all(row["status"] == "measured" for row in rows if row["method"] == "truncated")
    assert (16, 3, "exact") not in tried


@pytest.mark.parametrize(
    "error", [ChildFailed("was ended by SIGKILL"), MemoryError("no"), ArithmeticError("Lanczos")]
)
def test_a_row_that_fails_keeps_its_error(monkeypatch, error):
    def fresh(*arguments, **options):
        raise error

    monkeypatch.setattr(lift_compare.compare.cost.grid, "in_fresh_process", fresh)
    (row,) = cost_grid([CostCase("sparse-completion", 4)], methods=["truncated"], progress=False)
    assert (row["status"], row["note"]) == ("failed", f"failed: {type(error).__name__}: {error}")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"methods": ["magic"]}, "methods: expected some of explicit, exact, truncated, got magic"),
        (
            {"forms": ["magic"]},
            "forms: expected some of entrywise, normal, pairs, residual, symmetric, "
            "symmetric-pairs, got magic",
        ),
        ({"memory_limit": 0}, "memory_limit"),
        ({"time_limit": 0}, "time_limit"),
        ({"threads": 0}, "threads"),
        ({"repeats": 0}, "repeats"),
        ({"min_time": -1}, "min_time"),
    ],
)
def test_bad_settings_are_refused_before_any_work(monkeypatch, arguments, text):
    monkeypatch.setattr(lift_compare.compare.cost.grid, "in_fresh_process", None)
    with pytest.raises(ValueError, match=text):
        cost_grid(standard_cases(quick=True), **arguments)


@pytest.mark.parametrize("quick", [True, False])
def test_the_standard_grid_varies_one_size_at_a_time_and_runs_on_to_large_n(quick):
    cases = standard_cases(quick=quick)
    assert len(set(cases)) == len(cases)
    assert max(case.n for case in cases) >= (10_000 if quick else 100_000)
    assert len({case.order for case in cases}) >= 3
    if not quick:
        assert {case.operator for case in cases} == set(OPERATORS)
        assert len({case.rank for case in cases}) >= 3


def test_the_memory_of_exact_simulation_does_not_depend_on_the_order():
    problem = sensing.perturbed_completion(6)
    X = descended_point(problem)
    peaks = [
        traced_peak(lambda order=order: workloads.exact(problem, X, order)()())
        for order in (3, 3, 5, 11)
    ]
    assert max(peaks[1:]) < 1.1 * min(peaks[1:])  # the first one pays for caches


def test_simulation_on_a_sparse_operator_forms_nothing_of_n_by_n():
    problem = CostCase("sparse-completion", 20_000).problem()
    X = descended_point(problem, max_iterations=5)
    assert traced_peak(workloads.exact(problem, X, 11)()) < 10**6
    assert traced_peak(workloads.exact(problem, X, 11)) < 0.05 * 8 * problem.n**2
    assert isinstance(problem.operator, sensing.EntrywiseOperator)


def test_the_memory_summary_counts_what_it_says():
    def row(predicted, traced, resident):
        return {
            "method": "explicit",
            "predicted_bytes": predicted,
            "traced_bytes": traced,
            "resident_bytes": resident,
        }

    text = memory_summary(
        [row(100, 90, 80), row(100, 150, 125), row(100, 200, 5), row(100, 200, None)], noise=20
    )
    assert "2 rows" in text
    assert "from 0.80 to 1.25" in text
    assert "in 1 rows" in text


def test_ctrl_c_keeps_what_was_measured_and_says_where_it_came(monkeypatch):
    calls = []

    def fresh(call, *args, threads, timeout):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return {"status": "measured"}

    monkeypatch.setattr(lift_compare.compare.cost.grid, "in_fresh_process", fresh)
    rows = cost_grid(cost_cases("gaussian", n=(2, 3)), progress=False)
    assert [row["status"] for row in rows] == ["measured", "interrupted"]
