"""Escapes by moving generators, by columns, and by any method in turn."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.simulated import (
    EscapeReason,
    GeneratorObjective,
    collapse,
    descend_batch_with_escapes,
    descend_with_escapes,
    escape,
)
from lift_compare.simulated.escapes.pair import ORDERS


@pytest.fixture(scope="module")
def phase_retrieval():
    """The hard example: a_i = (0,1), (1,−3), (1,0), Z = e₁; X̂ = (9,6)/√89 has h = 8/89."""
    operator = sensing.RankOneOperator([[0.0, 1.0], [1.0, -3.0], [1.0, 0.0]])
    problem = SensingProblem.from_ground_truth(operator, [[1.0], [0.0]])
    X = np.array([[9.0], [6.0]]) / np.sqrt(89)
    assert problem.objective(X) == pytest.approx(8 / 89)
    assert sensing.relative_gradient_norm(problem, X) < 1e-14
    return problem, X


@pytest.fixture(scope="module")
def blocks():
    """Perturbed completion with 2×2 blocks, ε = 0.3; X̂: from Z with its first block reflected."""
    small = sensing.perturbed_completion(3, 0.3).operator.weights
    operator = sensing.EntrywiseOperator(np.kron(small, np.ones((2, 2))))
    Z = np.kron([[1.0], [0.0], [1.0]], np.eye(2))
    problem = SensingProblem.from_ground_truth(operator, Z)
    start = Z.copy()
    start[0, 0] = -1.0
    X = sensing.gradient_descent(
        problem, start, step_size=sensing.Backtracking(), max_iterations=20_000, tolerance=1e-8
    ).point
    assert problem.objective(X) > 0.1
    return problem, X


def stuck_points(n, r, m, count):
    """Where gradient descent from small or normal starts has come to a spurious point."""
    found = []
    for seed in range(1000, 1100):
        rng = np.random.default_rng(seed)
        problem = sensing.gaussian(n, r, m, seed)
        start = (0.1 if seed % 2 else 1.0) * rng.standard_normal((n, r))
        X = sensing.gradient_descent(
            problem,
            start,
            step_size=sensing.Backtracking(),
            max_iterations=4000,
            tolerance=1e-7,
        ).point
        if problem.objective(X) > 1e-9 * np.sum(problem.measurements**2):
            found.append((problem, X))
        if len(found) == count:
            break
    return found


# The pair -----------------------------------------------------------------------------------------


def test_the_pair_solves_hard_phase_retrieval_where_the_span_fails(phase_retrieval):
    problem, X = phase_retrieval
    assert not escape(problem, X).found
    attempt = escape(problem, X, method="pair")
    assert attempt.found
    assert attempt.method == "pair"
    assert attempt.order in ORDERS
    end = descend_with_escapes(problem, X, method="pair", step_size=sensing.Backtracking())
    assert end.solved
    assert end.distance < 1e-4


def test_without_descents_of_h_the_point_is_the_collapse_of_the_end_of_a_lifted_descent():
    checked = 0
    for problem, X in stuck_points(10, 1, 15, 4):
        attempt = escape(problem, X, method="pair", refine=False)
        if not attempt.found:
            continue
        checked += 1
        lifted = GeneratorObjective(problem, attempt.order)
        end = attempt.generators
        np.testing.assert_allclose(
            attempt.point, collapse(end, attempt.coefficients, attempt.order), rtol=1e-9
        )
        # h^l lies lower than at ŵ, whatever h does.
        assert lifted.gain(end) > lifted.gain(X[None])
    assert checked >= 2


def test_at_order_one_it_is_a_descent_of_h_from_the_sum_of_the_pair(phase_retrieval):
    problem, X = phase_retrieval
    attempt = escape(problem, X, method="pair", order=1)
    assert attempt.order == 1
    if attempt.found:
        assert problem.objective(attempt.point) < problem.objective(X)
    # Both generators enter as their sum only.
    pair = np.stack([X, 0.3 * X[::-1]])
    lifted = GeneratorObjective(problem, 1)
    assert lifted.value(pair) == pytest.approx(problem.objective(pair.sum(axis=0)))


# Columns ------------------------------------------------------------------------------------------


def test_columns_keep_the_rank_where_rank_one_escapes_fail(blocks):
    problem, X = blocks
    for method in ("exact", "single-step", "line-search"):
        end = descend_with_escapes(
            problem, X, method=method, step_size=sensing.Backtracking(), max_iterations=3000
        )
        assert not end.solved
    attempt = escape(problem, X, method="columns")
    assert attempt.found
    assert "column" in attempt.kind
    # One column in the right singular basis has moved, and no other.
    rights = np.linalg.svd(X)[2]
    moved = np.linalg.norm((attempt.point - X) @ rights.T, axis=0)
    assert np.sort(moved)[0] < 1e-12 < 0.1 < np.sort(moved)[1]
    end = descend_with_escapes(problem, X, method="columns", step_size=sensing.Backtracking())
    assert end.solved


def test_the_problem_of_a_column_has_the_same_h_and_landscape(blocks):
    """The identity behind the method, for any X̂ and any x̌ (theory, "columns")."""
    problem, _ = blocks
    rng = np.random.default_rng(0)
    X = rng.standard_normal(problem.shape)
    q = np.linalg.svd(X)[2][-1]
    x = (X @ q)[:, None]
    R = X - x * q
    b = problem.measurements - problem.operator.measure(R, R)
    column = SensingProblem(problem.operator, b)
    assert column.objective(x) == pytest.approx(problem.objective(X), rel=1e-12)
    other = rng.standard_normal(x.shape)
    assert column.objective(other) == pytest.approx(problem.objective(R + other * q), rel=1e-12)
    V = rng.standard_normal((problem.n, 2))
    np.testing.assert_allclose(column.landscape(x) @ V, problem.landscape(X) @ V, rtol=1e-10)


def test_at_rank_one_columns_are_the_inner_method(phase_retrieval):
    problem, X = phase_retrieval
    inner = escape(problem, X, method="pair")
    attempt = escape(problem, X, method="columns", inner="pair")
    assert attempt.found
    np.testing.assert_allclose(attempt.point, inner.point, atol=1e-7)
    assert not escape(problem, X, method="columns").found


# Any ----------------------------------------------------------------------------------------------


def test_any_says_which_method_escaped_and_what_the_others_did(phase_retrieval, blocks):
    attempt = escape(*phase_retrieval, method="any")
    assert attempt.found
    assert attempt.method == "pair"
    assert [each.method for each in attempt.attempts] == ["exact", "pair"]
    assert [each.found for each in attempt.attempts] == [False, True]
    assert attempt.attempts[0].reason is EscapeReason.NO_DECREASE
    attempt = escape(*blocks, method="any")
    assert attempt.found
    assert attempt.method == attempt.attempts[-1].method == "columns"
    assert not attempt.attempts[0].found


def test_where_none_escapes_any_says_so_of_all(phase_retrieval):
    problem = sensing.gaussian(6, 2, 30, 3)
    attempt = escape(problem, problem.ground_truth, method="any")
    assert attempt.reason is EscapeReason.NO_NEGATIVE_EIGENVALUE
    attempt = escape(*phase_retrieval, method="any", order=3)
    assert not attempt.found
    assert attempt.method == "any"
    assert [each.method for each in attempt.attempts] == ["exact", "pair"]
    assert "pair: NO_DECREASE" in attempt.details


def test_any_is_deterministic(phase_retrieval):
    first, second = (escape(*phase_retrieval, method="any") for _ in range(2))
    np.testing.assert_array_equal(first.point, second.point)
    assert repr(first) == repr(second)


@pytest.mark.parametrize(("cell", "least"), [((10, 1, 15), 2), ((8, 2, 18), 2)])
def test_most_stuck_points_of_gaussian_problems_are_solved(cell, least):
    """All of the three are, here; where rounding differs another path may be taken."""
    solved = 0
    for problem, X in stuck_points(*cell, 3):
        end = descend_with_escapes(
            problem, X, method="any", step_size=sensing.Backtracking(), max_iterations=3000
        )
        solved += end.objective < 1e-9 * np.sum(problem.measurements**2)
        for attempt in end.escapes:
            assert attempt.objective_after < attempt.objective_before or not attempt.found
    assert solved >= least


def test_the_batch_takes_the_new_methods(phase_retrieval):
    problem, X = phase_retrieval
    starts = np.stack([X, problem.ground_truth + 0.1])
    for settings in ({"method": "columns", "inner": "both"}, {"method": "pair"}, {"method": "any"}):
        ends = descend_batch_with_escapes(
            problem, starts, step_size=sensing.Backtracking(), **settings
        )
        assert [end.solved for end in ends] == [True, True]
        assert ends[0].escapes[0].method in ("columns", "pair")


# What is said -------------------------------------------------------------------------------------


def test_exact_names_the_order_along_the_oracle_direction_where_b_has_none():
    """Theory, section 10: the real system is no saddle along b at any order; along V* from 9."""
    instance = sensing.instance("real-system")
    X = sensing.polish(instance.problem, instance.point)
    attempt = escape(instance.problem, X, only_saddle=True)
    assert attempt.reason is EscapeReason.NO_SADDLE_ORDER
    assert "V* it is one at order 9" in attempt.details


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"method": "pair", "order": 4}, "order"),
        ({"method": "pair", "directions_tried": 0}, "directions_tried"),
        ({"method": "pair", "step": 0.0}, "step"),
        ({"method": "pair", "step": np.inf}, "step"),
        ({"method": "pair", "max_iterations": 0}, "max_iterations"),
        ({"method": "pair", "rho": 0.1}, "rho"),
        ({"method": "columns", "order": 2}, "order"),
        ({"method": "columns", "inner": "any"}, "inner"),
        ({"method": "any", "order": 0}, "order"),
        ({"method": "any", "inner": "exact"}, "inner"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: "):
        escape(sensing.two_by_two(), [[0.0], [0.5**0.5]], **settings)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("pair", "spectral"),
        ("pair", "refine"),
        ("exact", "only_saddle"),
        ("line-search", "refine"),
        ("truncated", "surrogate"),
        ("exact", "polish"),
    ],
)
@pytest.mark.parametrize("value", ["no", 3, None, 0])
def test_switches_are_true_or_false(method, name, value):
    problem = sensing.two_by_two()
    with pytest.raises(TypeError, match=f"{name}: expected True or False"):
        escape(problem, [[0.0], [2**-0.5]], method=method, **{name: value})
