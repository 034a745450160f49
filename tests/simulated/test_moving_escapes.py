"""Escapes by moving generators, by columns, and by any method in turn."""

import re
from dataclasses import dataclass, field
from itertools import islice
from types import SimpleNamespace

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
    escape_directions,
    oracle_direction,
    smallest_saddle_order,
)
from lift_compare.simulated.escapes import any_method as any_module
from lift_compare.simulated.escapes import columns as columns_module
from lift_compare.simulated.escapes import pair as pair_module
from lift_compare.simulated.escapes.any_method import AnyMethod
from lift_compare.simulated.escapes.columns import Columns
from lift_compare.simulated.escapes.pair import ORDERS, Pair, Way, _best_multiple
from lift_compare.simulated.escapes.start import Start
from lift_compare.simulated.generators.minimum import minimise


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


def test_the_directions_of_the_pair_come_in_the_order_that_is_said():
    problem = sensing.gaussian(4, 2, 12, 1)
    X = np.random.default_rng(1).standard_normal((4, 2))
    oracle = {order: oracle_direction(problem, X, order, count=2).directions for order in ORDERS}
    assert {len(found) for found in oracle.values()} == {2}
    adjoint = np.tensordot(problem.measurements, problem.operator.matrices(), 1)
    u = np.linalg.eigh(adjoint + adjoint.T)[1][:, ::-1]
    q = np.linalg.svd(X)[2]
    expected = [(order, "V*", oracle[order][0]) for order in ORDERS]
    expected += [(order, "oracle direction 2", oracle[order][1]) for order in ORDERS]
    expected += [
        (order, f"eigenvector {j + 1} of A*(b)", np.outer(u[:, j], q[i]))
        for j in range(3)
        for i in (1, 0)
        for order in ORDERS
    ]
    ways = list(Pair()._ways(at(problem, X)))
    assert [(order, way.name) for order, way in ways] == [each[:2] for each in expected]
    for (_, way), (_, _, V) in zip(ways, expected, strict=True):
        # Unit vectors up to sign, from two eigensolvers: 1e-8 is far above rounding.
        assert abs(np.vdot(way.direction, V)) == pytest.approx(1, abs=1e-8)
        assert np.linalg.norm(way.direction) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(("count", "spectral"), [(1, True), (3, True), (3, False)])
def test_the_ways_of_one_order_are_its_oracle_directions_and_then_the_spectral_ones(
    monkeypatch, count, spectral
):
    """With an oracle that names its directions by the order and a number."""
    monkeypatch.setattr(
        pair_module,
        "oracle_direction",
        lambda problem, X, order, count: SimpleNamespace(
            directions=[(order, j) for j in range(1, count + 1)]
        ),
    )
    # A*(b) is M, with the eigenvalues 4, 3 and 2 last.
    M = np.diag([3.0, 1.0, 4.0, 2.0])
    problem = SensingProblem(sensing.EntrywiseOperator(np.ones((4, 4))), M.reshape(-1), rank=2)
    X = np.array([[0.0, 5.0], [3.0, 0.0], [0.0, 0.0], [0.0, 0.0]])  # q₁ = e₂, q₂ = e₁
    ways = list(Pair(directions_tried=count, spectral=spectral)._ways(at(problem, X)))
    expected = [(order, "V*", (order, 1)) for order in ORDERS]
    expected += [
        (order, f"oracle direction {j}", (order, j))
        for order in ORDERS
        for j in range(2, count + 1)
    ]
    assert [(order, *way) for order, way in ways[: len(expected)]] == expected
    rest = ways[len(expected) :]
    places = [(2, 0), (2, 1), (0, 0), (0, 1), (3, 0), (3, 1)] if spectral else []
    assert len(rest) == len(ORDERS) * len(places)
    for i, (order, way) in enumerate(rest):
        row, column = places[i // len(ORDERS)]
        assert order == ORDERS[i % len(ORDERS)]
        assert way.name == f"eigenvector {i // (2 * len(ORDERS)) + 1} of A*(b)"
        direction = np.zeros((4, 2))
        direction[row, column] = 1
        np.testing.assert_allclose(abs(way.direction), direction, atol=1e-12)


@pytest.mark.parametrize("lower", [1, 2, 3, None])
def test_a_pair_is_tried_with_both_signs_of_each_way_and_counted(monkeypatch, lower):
    """With descents that end at twice their start, and take 11, 12, ... evaluations."""
    problem = sensing.gaussian(3, 2, 8, 0)
    X = np.eye(3)[:, :2]
    D = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0], [0.6, 0.8]]])
    asked = []

    def descend(objective, pair, max_iterations):
        asked.append((objective.order, pair, max_iterations))
        return 2 * pair, 10 + len(asked)

    def candidates(self, start, pair, order):
        np.testing.assert_array_equal(pair, 2 * asked[-1][1])
        assert order == asked[-1][0]
        yield "collapse", start.X
        yield "generator", problem.ground_truth if len(asked) == lower else start.X

    monkeypatch.setattr(pair_module, "minimise", descend)
    monkeypatch.setattr(Pair, "_candidates", candidates)
    monkeypatch.setattr(
        Pair, "_ways", lambda self, start: iter([(3, Way("one", D[0])), (5, Way("other", D[1]))])
    )
    attempt = Pair(step=3.0, max_iterations=17).attempt(at(problem, X))
    tried = [(3, 1, D[0]), (3, -1, D[0]), (5, 1, D[1]), (5, -1, D[1])][:lower]
    assert len(asked) == len(tried)
    for (order, pair, steps), (expected, sign, V) in zip(asked, tried, strict=True):
        assert (order, steps) == (expected, 17)
        np.testing.assert_allclose(pair, [X, sign * 3 * np.sqrt(2) * V], rtol=1e-15)
    assert attempt.order == tried[-1][0]
    count = f"{len(tried)} descents of pairs, {sum(range(11, 11 + len(tried)))} evaluations"
    if lower is None:
        assert attempt.reason is EscapeReason.NO_DECREASE
        assert attempt.details == count
    else:
        assert attempt.kind == "generator"
        np.testing.assert_array_equal(attempt.point, problem.ground_truth)
        np.testing.assert_array_equal(attempt.generators, 2 * asked[-1][1])
        np.testing.assert_array_equal(attempt.coefficients, [1.0, 1.0])
        sign, name = ["+", "-", "+"][lower - 1], ["one", "one", "other"][lower - 1]
        assert attempt.details == f"from X̂ and {sign}3 ‖X̂‖ along {name}; {count}"


def descents_of_pairs(start, method):
    """Do the lifted descents of `method` again, one by one."""
    size = 0.5 * np.linalg.norm(start.X)
    for order, way in method._ways(start):
        for sign in (1, -1):
            pair = np.stack([start.X, sign * size * way.direction])
            end, count = minimise(GeneratorObjective(start.problem, order), pair, 300)
            yield order, way.name, sign, end, count


def test_the_pair_says_how_its_point_was_reached(phase_retrieval):
    problem, X = phase_retrieval
    start = Start.at(problem, X, escape_directions(problem, X), "pair", 1e-6, 0)
    attempt = Pair().attempt(start)
    said = re.fullmatch(
        r"from X̂ and ([+-])0\.5 ‖X̂‖ along (.+); (\d+) descents of pairs, (\d+) evaluations",
        attempt.details,
    )
    descents = list(islice(descents_of_pairs(start, Pair()), int(said[3])))
    order, name, sign, end, _ = descents[-1]
    assert (attempt.order, said[1], said[2]) == (order, "+" if sign > 0 else "-", name)
    assert int(said[4]) == sum(descent[-1] for descent in descents)
    np.testing.assert_array_equal(attempt.generators, end)
    np.testing.assert_array_equal(attempt.coefficients, [1.0, 1.0])


def test_the_pair_counts_what_it_tried_in_vain(phase_retrieval):
    problem, X = phase_retrieval
    start = Start.at(problem, X, escape_directions(problem, X), "pair", 1e-6, 0)
    method = Pair(order=3)
    attempt = method.attempt(start)
    assert attempt.reason is EscapeReason.NO_DECREASE
    assert attempt.order == 3
    counts = [descent[-1] for descent in descents_of_pairs(start, method)]
    assert attempt.details == f"{len(counts)} descents of pairs, {sum(counts)} evaluations"


def test_the_candidates_of_a_pair_are_descents_from_its_collapse_and_its_generators(
    phase_retrieval,
):
    problem, X = phase_retrieval
    start = Start.at(problem, X, escape_directions(problem, X), "pair", 1e-6, 0)
    Z = problem.ground_truth
    for pair in (np.stack([3 * Z, X]), np.stack([X, 3 * Z])):
        found = list(Pair()._candidates(start, pair, 5))
        assert [kind for kind, _ in found] == ["collapse", "collapse", "generator", "generator"]
        collapsed, descended, first, second = (point for _, point in found)
        np.testing.assert_allclose(collapsed, collapse(pair, np.ones(2), 5), rtol=1e-12)
        assert problem.objective(descended) <= problem.objective(collapsed)
        # The best multiple of 3 Z is Z itself, and X̂ is stationary.
        for point, generator in ((first, pair[0]), (second, pair[1])):
            end = X if np.array_equal(generator, X) else Z
            np.testing.assert_allclose(point, end, atol=1e-6)
        assert len(list(Pair(refine=False)._candidates(start, pair, 5))) == 1


def test_the_best_multiple_of_a_point_is_the_lowest_on_its_ray():
    problem = sensing.gaussian(4, 2, 12, 1)
    X = problem.ground_truth + 0.3 * np.random.default_rng(1).standard_normal((4, 2))
    lowest = problem.objective(_best_multiple(at(problem, X), X))
    others = problem.objective(np.linspace(0, 3, 301)[:, None, None] * X)
    # The nearest of them is within 0.005 of the best, and h is quadratic there.
    assert lowest <= others.min() <= lowest * (1 + 1e-2)


@pytest.mark.parametrize(
    ("rows", "b", "x"),
    [
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, -1.0], 1.0),  # h rises along the ray
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0], 1.0),  # as far as zero
        ([[1.0, 0.0]], [1.0], 1.0),  # h does not change
        ([[1.0, 0.0], [0.0, 1.0]], [1.0, 1.0], 1e-100),  # ‖A(XXᵀ)‖² is below float64
    ],
)
def test_without_a_best_multiple_a_point_stays_as_it_is(rows, b, x):
    problem = SensingProblem(sensing.RankOneOperator(rows), b)
    X = np.array([[0.0], [x]])
    np.testing.assert_array_equal(_best_multiple(at(problem, X), X), X)


def at(problem, X):
    """Return X as a start without directions."""
    return Start.at(problem, X, None, "pair", 0.0, 0)


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


@dataclass
class Inner:
    """Stands for an inner method: keeps what it is asked, and answers as it is told."""

    name: str
    answer: object = None
    asked: list = field(default_factory=list)

    def __call__(self, order):
        self.order = order
        return self

    def attempt(self, start):
        self.asked.append(start)
        if self.answer is not None and len(self.asked) == self.answer[0]:
            return start.success(self.answer[1], 0.0, "base", order=7, details="as it was told")
        return start.failure(EscapeReason.NO_SADDLE)


def with_inner(monkeypatch, *, exact=None, pair=None):
    """Put stand-ins that escape at the given attempt, with the given point, or never."""
    inner = {"exact": Inner("exact", exact), "pair": Inner("pair", pair)}
    monkeypatch.setattr(columns_module, "INNER", inner)
    return inner


def two_columns(scale=1.0):
    """h = ½‖XXᵀ − M‖², M with the eigenvalues 2, 1, 3 and 3; X̂ has the first two, and is turned."""
    Q = np.linalg.qr(np.random.default_rng(5).standard_normal((4, 4)))[0]
    turn = np.array([[0.6, 0.8], [-0.8, 0.6]])
    X = scale * (Q[:, :2] * np.sqrt([2.0, 1.0])) @ turn
    problem = SensingProblem.from_ground_truth(
        sensing.EntrywiseOperator(np.ones((4, 4))),
        scale * Q * np.sqrt([2.0, 1.0, 3.0, 3.0]),
        rank=2,
    )
    return problem, Start.at(problem, X, escape_directions(problem, X), "columns", 1e-6, 0), Q, turn


@pytest.mark.parametrize("scale", [1.0, 1e-11])
@pytest.mark.parametrize("inner", ["exact", "pair", "both"])
@pytest.mark.parametrize("order", [None, 5])
def test_columns_ask_of_each_column_in_turn_and_say_so(monkeypatch, inner, order, scale):
    names = ["exact", "pair"] if inner == "both" else [inner]
    problem, start, Q, turn = two_columns(scale)
    methods = with_inner(monkeypatch)
    attempt = Columns(order=order, inner=inner).attempt(start)
    assert attempt.reason is EscapeReason.NO_DECREASE
    assert attempt.order == order
    said = [f"column {j} by {name!r}: NO_SADDLE" for name in names for j in (2, 1)]
    assert attempt.details == "; ".join(said)
    for name, method in methods.items():
        assert len(method.asked) == (2 if name in names else 0)
    for name in names:
        assert methods[name].order == order
        for asked, j in zip(methods[name].asked, (1, 0), strict=True):
            q = turn[j]
            x = start.X @ q[:, None]
            # Up to the sign of q; products of a few numbers of the size of scale.
            assert np.linalg.norm(np.abs(asked.X.T @ x) - x.T @ x) <= 1e-14 * scale**2
            R = start.X - x * q
            b = problem.measurements - np.einsum("ar,br->ab", R, R).reshape(-1)
            np.testing.assert_allclose(asked.problem.measurements, b, atol=1e-14 * scale**2)
            assert asked.problem.rank == 1
            assert asked.problem.ground_truth is None
            assert asked.exponent == 0
            # The two eigenvalues of the complement tie; the pair looks at no eigenvector.
            tied = asked.directions.eigenvectors
            assert tied.shape == (4, 2 if name == "exact" else 1)
            assert np.linalg.norm(Q[:, :2].T @ tied) <= 1e-7
            np.testing.assert_array_equal(asked.directions.base, asked.X)


@pytest.mark.parametrize("first", [1, 2])
def test_columns_put_the_point_of_a_column_in_its_place(monkeypatch, first):
    _, start, Q, turn = two_columns()
    better = np.sqrt(3) * Q[:, 2:3]
    methods = with_inner(monkeypatch, exact=(first, better))
    attempt = Columns(inner="both").attempt(start)
    assert attempt.found
    assert not methods["pair"].asked
    j = 2 - first  # the shorter column comes first
    assert (attempt.kind, attempt.order) == (f"column {j + 1}", 7)
    assert attempt.details == f"column {j + 1} of 2 by 'exact', as it was told"
    kept, moved = turn[1 - j], turn[j]
    np.testing.assert_allclose(attempt.point @ kept, start.X @ kept, atol=1e-14)
    # The sign of a singular vector is free, and X̌ and the point have it in common.
    q = (methods["exact"].asked[-1].X.T @ start.X).ravel()
    np.testing.assert_allclose(attempt.point @ q, better[:, 0] * np.linalg.norm(q), atol=1e-14)
    assert abs(q @ moved) == pytest.approx(np.linalg.norm(q), rel=1e-14)
    # One of the two 3 is left of M, and what that column had met.
    assert attempt.objective_after == pytest.approx((9 + [4, 1][j]) / 2, rel=1e-13)


def test_columns_go_on_where_the_point_of_a_column_is_not_lower(monkeypatch):
    _, start, Q, _ = two_columns()
    with_inner(monkeypatch, exact=(1, 5 * Q[:, 2:3]))
    attempt = Columns().attempt(start)
    assert attempt.reason is EscapeReason.NO_DECREASE
    assert attempt.details == "column 2 by 'exact': FOUND; column 1 by 'exact': NO_SADDLE"


def test_a_column_beside_which_nothing_is_left_to_measure_is_passed_over(monkeypatch):
    problem = SensingProblem(
        sensing.EntrywiseOperator(np.ones((3, 3))), np.diag([0.0, 4.0, 0.0]).reshape(-1), rank=2
    )
    X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    methods = with_inner(monkeypatch)
    attempt = Columns().attempt(at(problem, X))
    assert attempt.details == "column 1 by 'exact': NO_SADDLE"
    np.testing.assert_array_equal(abs(methods["exact"].asked[0].X), [[0.0], [2.0], [0.0]])


# Any ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [None, 5])
@pytest.mark.parametrize(
    ("rank", "names", "last"),
    [
        (1, ["exact", "pair"], None),
        (1, ["exact", "pair"], "pair"),
        (2, ["exact", "columns", "pair"], None),
        (2, ["exact", "columns"], "columns"),
        (2, ["exact"], "exact"),
    ],
)
def test_any_asks_one_method_after_the_other_until_one_escapes(
    monkeypatch, rank, names, last, order
):
    stand_ins = {name: Inner(name) for name in ("exact", "columns", "pair")}
    for name, method in stand_ins.items():
        monkeypatch.setattr(any_module, name.capitalize(), method)
    problem = sensing.gaussian(3, rank, 8, 0)
    if last:
        stand_ins[last].answer = (1, problem.ground_truth)
    attempt = AnyMethod(order).attempt(at(problem, np.ones((3, rank))))
    assert [each.method for each in attempt.attempts] == names
    assert {name for name, method in stand_ins.items() if method.asked} == set(names)
    assert all(stand_ins[name].order == order for name in names)
    assert attempt.found == (last is not None)
    if last is None:
        assert attempt.order == order
        assert attempt.details == "; ".join(f"{name}: NO_SADDLE" for name in names)
    else:
        assert (attempt.method, attempt.order) == (last, 7)
        np.testing.assert_array_equal(attempt.point, problem.ground_truth)


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
    assert [(each.method, each.order) for each in attempt.attempts] == [("exact", 3), ("pair", 3)]
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


def test_exact_says_which_orders_it_tried_in_vain(phase_retrieval):
    problem, X = phase_retrieval
    least = smallest_saddle_order(problem, X)
    attempt = escape(problem, X, orders_tried=3)
    assert attempt.reason is EscapeReason.NO_DECREASE
    assert attempt.order == least + 4
    assert attempt.details == f"saddle orders [{least}, {least + 2}, {least + 4}] tried"


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
