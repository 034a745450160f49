"""Escapes: what each method finds on the published instances, and the promise that found means
lower."""

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import mpmath
import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from lift_compare import sensing
from lift_compare.sensing import EntrywiseOperator, SensingProblem
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.simulated import (
    EscapeReason,
    NotStationaryWarning,
    escape,
    escape_directions,
    smallest_saddle_order,
    truncated_coefficients,
)
from lift_compare.simulated.escapes.exact import MIXED, Exact, Plan, _nearest, _starts, _way
from lift_compare.simulated.escapes.line_search import LineSearch, _refined
from lift_compare.simulated.escapes.methods import METHODS
from lift_compare.simulated.escapes.single_step import SingleStep
from lift_compare.simulated.escapes.start import Start
from lift_compare.simulated.escapes.truncated import Truncated
from lift_compare.simulated.points.line import LineQuartic
from lift_compare.simulated.span.minimum import RelativeQuartic
from lift_compare.simulated.span.quartic import Quartic
from lift_compare.simulated.truncated.path import MOST_STEPS
from tests.catalogue import PUBLISHED_NUMBERS


def stationary(name):
    instance = sensing.instance(name)
    problem = instance.problem
    return problem, sensing.polish(problem, instance.point)


def objective(problem, X):
    """h from the explicit matrices: no code shared with the operators' products."""
    return 0.5 * np.sum(
        (np.einsum("iab,ak,bk->i", problem.operator.matrices(), X, X) - problem.measurements) ** 2
    )


def assert_kept(problem, X, attempt):
    """The promise, and that the result says what it did."""
    assert np.all(np.isfinite(attempt.point))
    assert attempt.point.shape == X.shape
    before, after = objective(problem, X), objective(problem, attempt.point)
    assert attempt.objective_before == pytest.approx(before, rel=1e-9, abs=1e-20)
    assert attempt.objective_after == pytest.approx(after, rel=1e-9, abs=1e-14 * problem.m)
    assert attempt.found == (attempt.reason is EscapeReason.FOUND)
    if attempt.found:
        assert attempt.objective_after < attempt.objective_before
        assert after < before
    else:
        assert attempt.objective_after == attempt.objective_before
        np.testing.assert_array_equal(attempt.point, X)


# The published instances
# ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("order", [None, 3, 5, 11, 101, 1001])
def test_exact_keeps_the_promise_and_gd_then_ends_at_the_truth(name, order):
    problem, X = stationary(name)
    attempt = escape(problem, X, order=order)
    assert attempt.found
    assert attempt.order == order or order is None
    assert_kept(problem, X, attempt)
    end = sensing.gradient_descent(
        problem, attempt.point, step_size=sensing.Backtracking(), max_iterations=3000
    )
    assert problem.distance(end.point) < 1e-6


@pytest.mark.parametrize(("name", "least"), [("two-by-two", 3), ("perturbed-completion", 5)])
def test_exact_takes_the_smallest_saddle_order(name, least):
    problem, X = stationary(name)
    assert smallest_saddle_order(problem, X) == least
    attempt = escape(problem, X, only_saddle=True)
    assert attempt.found
    assert attempt.order == least


def test_exact_says_that_the_real_system_has_no_saddle_order_along_b():
    problem, X = stationary("real-system")
    attempt = escape(problem, X, only_saddle=True)
    assert not attempt.found
    assert attempt.reason is EscapeReason.NO_SADDLE_ORDER
    assert escape(problem, X, order=5, only_saddle=True).reason is EscapeReason.NO_SADDLE
    assert "no strict saddle along v̂" in escape(problem, X).details


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("two-by-two", "two_by_two", "beta"),
        ("perturbed-completion", "perturbed_completion_3", "gamma"),
    ],
)
def test_truncated_reproduces_the_published_escape_points(name, key, kind):
    instance = sensing.instance(name)
    problem, X = instance.problem, instance.point
    settings = {
        "order": instance.settings.order,
        "rho": instance.settings.rho,
        "eta": instance.settings.eta,
        "steps": instance.settings.steps,
    }
    attempt = escape(problem, X, method="truncated", rule="code", **settings)
    numbers = PUBLISHED_NUMBERS[key]["recomputed"]
    assert attempt.found
    assert attempt.kind == kind
    assert_kept(problem, X, attempt)
    assert attempt.objective_after == pytest.approx(numbers["h_after"], rel=1e-5)
    assert problem.distance(attempt.point) == pytest.approx(numbers["distance_after"], rel=1e-4)


def test_the_two_acceptance_rules_disagree_on_the_two_by_two_example():
    problem, X = stationary("two-by-two")
    settings = {"order": 3, "rho": 0.1, "eta": 0.01, "steps": 660}
    assert escape(problem, X, method="truncated", rule="code", **settings).found
    text = escape(problem, X, method="truncated", rule="text", dominance=2.0, **settings)
    assert text.reason is EscapeReason.RULE_NOT_MET
    assert text.kind == "beta"


def test_the_surrogate_accepts_a_jump_of_the_real_system_that_raises_h():
    # With the diagonal surrogate the published rule accepts; h^l and h itself both rise, so there
    # is no escape.
    problem, X = stationary("real-system")
    settings = {"method": "truncated", "order": 5, "rho": 0.1, "eta": 0.1, "steps": 150_000}
    assert escape(problem, X, **settings).reason is EscapeReason.RULE_NOT_MET
    surrogate = escape(problem, X, surrogate=True, **settings)
    assert surrogate.reason is EscapeReason.NO_DECREASE
    assert surrogate.kind == "gamma"
    jump = (
        np.sign(surrogate.coefficients[2])
        * abs(surrogate.coefficients[2]) ** 0.2
        * surrogate.generators[2]
    )
    assert objective(problem, jump) > objective(problem, X)


def test_truncated_out_of_range_is_a_reason_not_an_error():
    problem, X = stationary("two-by-two")
    attempt = escape(problem, X, method="truncated", order=3, eta=1.0, steps=100_000)
    assert attempt.reason is EscapeReason.OUT_OF_RANGE
    assert attempt.order == 3
    # ν = 1 − η λ_n^l, and λ_n = −3/4.
    last = int(np.log(np.finfo(float).max) / np.log1p(0.75**3))
    assert attempt.details == f"ν^t leaves float64 at step {last} of 100000"


def test_truncated_takes_from_none_to_as_many_steps_as_float64_counts():
    problem, X = stationary("two-by-two")
    attempt = escape(problem, X, method="truncated", order=3, rho=0.25, steps=0)
    np.testing.assert_array_equal(attempt.coefficients, [1.0, 0.25, 0.0])
    assert Truncated(steps=MOST_STEPS).steps == 2**53
    with pytest.raises(ValueError, match=r"^steps: .*at most"):
        Truncated(steps=MOST_STEPS + 1)


def test_truncated_takes_the_smallest_order_along_the_directions_given():
    problem, X = stationary("two-by-two")
    other = np.array([[np.cos(5 * np.pi / 8)], [np.sin(5 * np.pi / 8)]])
    least = smallest_saddle_order(problem, X, direction=other)
    assert least > smallest_saddle_order(problem, X) == 3
    directions = replace(escape_directions(problem, X), visibles=other[None])
    settings = {"method": "truncated", "directions": directions}
    assert escape(problem, X, **settings).order == least
    none = escape(problem, X, **settings, largest_order=least - 1)
    assert none.reason is EscapeReason.NO_SADDLE_ORDER
    assert none.details == f"orders up to {least - 1}"


def test_truncated_hands_its_settings_to_the_rule_and_keeps_the_state():
    """At β̃ ≈ 1 the visible term alone is near the truth, and between 2 and 10 times the base."""
    problem, X = stationary("two-by-two")
    path = {"rho": 0.1, "eta": 0.01, "steps": 550}
    state = truncated_coefficients(escape_directions(problem, X), 3, **path).coefficients[-1]
    assert abs(state[1] - 1) < 0.05
    settings = {"method": "truncated", "order": 3, "rule": "text", **path}
    assert escape(problem, X, **settings).reason is EscapeReason.RULE_NOT_MET
    attempt = escape(problem, X, dominance=2.0, **settings)
    assert attempt.found
    assert (attempt.kind, attempt.order) == ("beta", 3)
    np.testing.assert_allclose(attempt.coefficients, state, rtol=1e-12)
    visible = attempt.generators[1]
    np.testing.assert_allclose(attempt.point, attempt.coefficients[1] ** (1 / 3) * visible)


@pytest.mark.parametrize("name", PUBLISHED)
def test_line_methods_against_a_scan_of_their_lines(name):
    problem, X = stationary(name)
    d = escape_directions(problem, X)
    scan = np.linspace(-8, 8, 4001)[:, None, None]
    lowest = min(
        float(np.min(problem.objective(X + scan * D / np.linalg.norm(D))))
        for D in (d.visible, d.hidden)
    )
    lower = lowest < problem.objective(X) * (1 - 1e-6)
    assert escape(problem, X, method="line-search").found == lower
    visible = float(np.min(problem.objective(X + scan * d.visible)))
    single = escape(problem, X, method="single-step")
    assert single.found == (visible < problem.objective(X) * (1 - 1e-6))


def line_start(problem, X, visible, hidden):
    """Return a start that has nothing but the two directions of a line search."""
    directions = SimpleNamespace(visible=visible, hidden=hidden)
    return Start.at(problem, X, directions, "line-search", 0.0, 0)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("count", [6, 7])
@pytest.mark.parametrize("size", [1.0, 1e-6])
@pytest.mark.parametrize("seed", range(8))
def test_line_search_takes_the_lowest_point_of_the_grid_on_both_lines(seed, size, count, sign):
    problem = sensing.gaussian(4, 2, 12, seed)
    X, visible, hidden = np.random.default_rng(seed).standard_normal((3, 4, 2))
    X, visible, hidden = size * X / np.linalg.norm(X), sign * visible, sign * hidden
    visible /= np.linalg.norm(visible)
    lines = {"visible": visible, "hidden": hidden / np.linalg.norm(hidden)}
    found = {}
    for kind, D in lines.items():
        # The published unit: ‖X̂‖, but no less than a thousandth of the t with ‖A(t² D Dᵀ)‖ = ‖b‖.
        measured = np.einsum("iab,ak,bk->i", problem.operator.matrices(), D, D)
        far = np.sqrt(np.linalg.norm(problem.measurements) / np.linalg.norm(measured))
        grid = max(np.linalg.norm(X), 1e-3 * far) * 10 ** np.linspace(-3, 1, count)
        for t in (*-grid, *grid):
            found[objective(problem, X + t * D)] = kind, t
    lowest = min(found)
    start = line_start(problem, X, visible, hidden)
    attempt = LineSearch(grid_size=count, grid_range=(1e-3, 1e1), refine=False).attempt(start)
    assert attempt.found
    kind, t = found[lowest]
    assert attempt.kind == kind
    assert attempt.step == pytest.approx(t, rel=1e-12)
    assert attempt.objective_after == pytest.approx(lowest, rel=1e-12)
    np.testing.assert_allclose(attempt.point, X + t * lines[kind], rtol=1e-12, atol=1e-12 * abs(t))
    # Refined it is no higher, and h is stationary along its line.
    refined = LineSearch(grid_size=count, grid_range=(1e-3, 1e1)).attempt(start)
    D = lines[refined.kind]
    assert objective(problem, refined.point) <= lowest
    np.testing.assert_allclose(refined.point, X + refined.step * D, atol=1e-12 * abs(refined.step))
    slope = np.sum(problem.gradient(refined.point) * D)
    assert abs(slope) <= 1e-11 * objective(problem, X) / abs(refined.step)


def test_line_search_along_a_line_that_is_not_measured_without_a_hidden_one():
    """Where the last entry is not measured h is ½(a² − 1)² + (a t − 0.3)² at (a, t)."""
    operator = EntrywiseOperator(np.array([[1.0, 1.0], [1.0, 0.0]]))
    problem = SensingProblem(operator, np.array([1.0, 0.3, 0.3]))
    X, e = np.array([[0.5], [0.0]]), np.array([[0.0], [1.0]])
    start = line_start(problem, X, e, np.zeros((2, 1)))
    attempt = LineSearch(grid_size=5, grid_range=(1e-2, 1e2), refine=False).attempt(start)
    assert (attempt.kind, attempt.step) == ("visible", pytest.approx(0.5, rel=1e-14))
    np.testing.assert_allclose(attempt.point, [[0.5], [0.5]], rtol=1e-14)
    refined = LineSearch(grid_size=5, grid_range=(1e-2, 1e2)).attempt(start)
    assert refined.step == pytest.approx(0.6, rel=1e-14)


def test_the_smallest_grid_has_the_two_ends_of_the_range():
    """X̂ = e₁ and M = 4 I: along e₂ it is lowest at t = 2."""
    problem = SensingProblem(EntrywiseOperator(np.ones((2, 2))), 4 * np.eye(2).reshape(-1))
    start = line_start(problem, *np.eye(2)[:, :, None], np.zeros((2, 1)))
    for low, high, t in ((1.9, 3.0, 1.9), (1.0, 2.1, 2.1)):
        attempt = LineSearch(grid_size=2, grid_range=(low, high), refine=False).attempt(start)
        assert abs(attempt.step) == pytest.approx(t, rel=1e-14)


def test_line_search_says_how_many_steps_were_in_vain():
    problem = sensing.gaussian(4, 2, 12, 1)
    visible, hidden = np.random.default_rng(1).standard_normal((2, 4, 2))
    attempt = LineSearch(grid_size=9).attempt(
        line_start(problem, problem.ground_truth, visible, hidden)
    )
    assert attempt.reason is EscapeReason.NO_DECREASE
    assert attempt.details == "18 steps along each of two directions"


@pytest.mark.parametrize(
    ("coefficients", "t", "refined"),
    [
        # The derivative is 4 (t + 1) (t − ½) (t − 2).
        ([0.0, 4.0, -3.0, -2.0, 1.0], 1.9, 2.0),
        ([0.0, 4.0, -3.0, -2.0, 1.0], -0.1, -1.0),
        ([0.0, 0.0, 3.0, -1.0, 0.0], 10.0, 10.0),  # 3t² − t³ turns at 2, where it is higher
        ([0.0, 0.0, 1.0, 0.0, 1.0], 0.5, 0.0),  # t² + t⁴ turns at zero only: no step
        ([0.0, 1.0, 0.0, 0.0, 0.0], 0.5, 0.5),  # t has no turn
        # t² (t + 1)(t + 3) rises at t = 0.1; its derivative is 2 t (2 t² + 6 t + 3).
        ([0.0, 0.0, 3.0, 4.0, 1.0], 0.1, -(3 + 3**0.5) / 2),
        ([0.0, 0.0, 3.0, 4.0, 1.0], -0.1, -(3 + 3**0.5) / 2),
        ([0.0, 0.0, 3.0, -4.0, 1.0], -0.1, (3 + 3**0.5) / 2),
    ],
)
def test_a_step_is_refined_to_the_lowest_turn_on_its_side_or_on_either_if_it_rises(
    coefficients, t, refined
):
    assert _refined(LineQuartic(np.array(coefficients)), t) == pytest.approx(refined, rel=1e-12)


def test_single_step_goes_along_the_directions_given_and_says_its_score():
    """M = diag(4, 1, ½, 0) and X̂ = e₃/√2: along e₂, 2h = 16 + (t² − 1)² + t²."""
    M = np.diag([4.0, 1.0, 0.5, 0.0])
    problem = SensingProblem(EntrywiseOperator(np.ones((4, 4))), M.reshape(-1))
    X = np.sqrt(0.5) * np.eye(4)[:, 2:3]
    e = np.eye(4)[:, 1:2]
    d = escape_directions(problem, X)
    d = replace(d, eigenvalues=np.array([-1.0]), eigenvectors=e, visibles=e[None])
    attempt = SingleStep().attempt(Start.at(problem, X, d, "single-step", 0.0, 0))
    assert attempt.found
    assert attempt.kind == "visible"
    assert attempt.objective_after == pytest.approx((16 + 1 / 4 + 1 / 2) / 2, rel=1e-14)
    assert abs(attempt.step) == pytest.approx(np.sqrt(0.5), rel=1e-12)
    np.testing.assert_array_equal(attempt.point, X + attempt.step * e)
    # −2 λ / (σ² e) with λ = −1, σ² = ½ and e = ‖E₀‖² = 2.
    assert attempt.details == "EFS* = 2"
    # h falls from 8.5 to 8.375.
    less = SingleStep().attempt(Start.at(problem, X, d, "single-step", 0.1, 0))
    assert less.reason is EscapeReason.NO_DECREASE
    assert less.details == "EFS* = 2, but h falls by less than asked"


def test_single_step_says_a_score_that_is_too_low():
    problem, X = stationary("two-by-two")
    attempt = escape(problem, X, method="single-step")
    assert attempt.reason is EscapeReason.SCORE_TOO_LOW
    assert attempt.details == "EFS* = 1"


# The parts of "exact"
# ----------------------------------------------------------------------------------------------


def test_the_starts_are_the_lowest_points_of_the_lines_and_the_lower_generators():
    """ŵ + t e_j adds a polynomial with known turns, and the values of single generators are known.

    With K_jjjj = 1, B_jj = −(pq + ps + qs) and B_0j = pqs its derivative is 2 (t − p)(t − q)(t − s)
    for p + q + s = 0.
    """
    K = np.zeros((4, 4, 4, 4))
    for j in range(4):
        K[j, j, j, j] = 1
    B = np.array(
        [
            [7.0, 12.0, 6.0, 0.0],  # ŵ is at ½ − 7, as high as e₂
            [12.0, 13.0, 0.0, 0.0],  # turns at −3, −1 and 4, by −4.5, 11.5 and −176
            [6.0, 0.0, 7.0, 0.0],  # turns at −2, −1 and 3, by 4, 5.5 and −58.5
            [0.0, 0.0, 0.0, -1.0],  # no turn but t = 0; e₃ is at ½ + 1
        ]
    )
    relative = RelativeQuartic(Quartic(K.reshape(16, 16), B, 0.0), -np.inf, np.ones(4))
    along = _starts(relative, 1, False)
    np.testing.assert_allclose(along, [[1, 4, 0, 0], [1, -3, 0, 0]], atol=1e-12)
    both = _starts(relative, 2, False)
    np.testing.assert_allclose(both, [[1, 4, 0, 0], [1, 0, 3, 0], [1, -3, 0, 0]], atol=1e-12)
    # Of the single ones e₁ is lower than ŵ, at ½ − 13.
    beyond = _starts(relative, 1, True)
    expected = [[1, 4, 0, 0], [1, 0, 3, 0], [0, 1, 0, 0], [1, -3, 0, 0]]
    np.testing.assert_allclose(beyond, expected, atol=1e-12)


def test_the_spans_have_the_published_generators_the_mixed_ones_or_those_given():
    X = np.array([[[3.0], [0.0], [4.0]]])  # of norm 5
    visibles = np.array([[[0.0], [1.0], [0.0]], [[0.6], [0.0], [-0.8]]])
    hiddens = [[[2.0], [0.0], [1.0]], [[0.0], [1.0], [4.0]]]
    published = np.concatenate([X, visibles, hiddens])
    mixed = [X[0] + 5 * s * D for D in visibles for s in MIXED]
    extended = np.concatenate([published, mixed])
    own = np.array([[[0.0], [7.0], [1.0]], [[1.0], [1.0], [1.0]]])
    for generators, expected in (
        ("published", [published]),
        ("extended", [extended]),
        ("auto", [published, extended]),
        (own, [np.concatenate([X, visibles, own])]),
    ):
        spans = list(Exact(generators=generators)._spans(published, visibles).values())
        assert len(spans) == len(expected)
        for span, wanted in zip(spans, expected, strict=True):
            np.testing.assert_array_equal(span, wanted)


def test_generators_that_are_given_are_kept_as_they_were():
    given = np.ones((1, 2, 1))
    kept = Exact(generators=given).generators
    given[0] = 5
    np.testing.assert_array_equal(kept, np.ones((1, 2, 1)))
    with pytest.raises(ValueError, match="read-only"):
        kept[0] = 5


@pytest.mark.parametrize(
    ("largest", "tried", "orders"),
    [
        (2, 5, []),
        (3, 5, [3]),
        (6, 5, [3, 5]),
        (7, 5, [3, 5, 7]),
        (8, 5, [3, 5, 7]),
        (99, 2, [3, 5]),
    ],
)
def test_the_saddle_orders_go_up_from_the_smallest_to_the_largest(largest, tried, orders):
    problem, X = stationary("two-by-two")
    d = escape_directions(problem, X)
    method = Exact(largest_order=largest, orders_tried=tried)
    assert method._saddle_orders(Start.at(problem, X, d, "exact", 0.0, 0), d.visibles) == orders


@pytest.mark.parametrize(
    ("point", "name"),
    [
        ([9.0, 1.0, 0.0, 0.0], "base"),
        ([-9.0, 1.0, 1.0, 1.0], "base"),
        ([1.0, 2.0, 1.0, 1.0], "visible"),
        ([1.0, 0.0, -2.0, 1.9], "visible"),
        ([1.0, 0.0, 1.9, 2.0], "hidden"),
    ],
)
def test_a_point_is_named_by_the_generator_that_is_nearest_in_angle(point, name):
    published = np.diag([5.0, 1.0, 0.5, 20.0])[:, :, None]  # X̂, two visible ones, and hidden ones
    published = np.concatenate([published, np.zeros((1, 4, 1))])
    assert _nearest(np.array(point)[:, None], published, 2) == name


def test_exact_says_from_where_its_point_was_reached():
    # Hidden and visible are parallel here.
    problem, X = stationary("two-by-two")
    assert escape(problem, X).details == "3 generators, 2 of them independent, from ŵ ± ρ v̂"
    span = "3 generators, 2 of them independent"
    assert _way(Plan(3, "3 generators", False), 2, [3]) == f"{span}, from ŵ ± ρ v̂"
    lower = f"{span}, from a lower state in their span"
    assert _way(Plan(3, "3 generators", True), 2, [3]) == (
        f"{lower} (no decrease from the strict saddle along v̂)"
    )
    assert _way(Plan(3, "3 generators", True), 2, []) == f"{lower} (no strict saddle along v̂)"


# What a start knows
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_a_decrease_counts_beyond_the_rounding_of_h(scale):
    """Only the diagonal is measured: b = s (3, 4), and A(XXᵀ) is near it."""
    problem = SensingProblem(EntrywiseOperator(np.eye(2)), np.array([3.0, 4.0]) * scale)
    X = np.sqrt(scale * np.array([[2.9], [4.1]]))
    start = Start.at(problem, X, None, "pair", 0.0, 0)
    ends = zip(X[:, 0].tolist(), problem.measurements.tolist(), strict=True)
    twice = sum((Fraction(x) ** 2 - Fraction(b)) ** 2 for x, b in ends)
    # ‖A(XXᵀ)‖ + ‖b‖ is 10 s, to a percent.
    unit = np.finfo(float).eps * 10 * scale * float(twice) ** 0.5
    assert unit < start.threshold < 10 * unit
    assert abs(Fraction(start.objective) - twice / 2) < start.threshold
    # A larger decrease that is asked for is one in units of h.
    asked = Start.at(problem, X, None, "pair", 0.25, 0)
    assert asked.threshold == 0.25 * asked.objective


@pytest.mark.parametrize("exponent", [-240, 0, 240])
def test_what_a_start_finds_is_told_in_the_units_that_were_given(exponent):
    problem, X = stationary("two-by-two")
    start = Start.at(problem, X, None, "exact", 0.0, exponent)
    more = {"step": 3.0, "generators": X[None]}
    found = start.success(2 * X, 0.25, "visible", **more)
    np.testing.assert_array_equal(found.point, 2 * X * 2.0**exponent)
    np.testing.assert_array_equal(found.generators, X[None] * 2.0**exponent)
    assert found.step == 3 * 2.0**exponent
    assert found.objective_before == start.objective * 2.0 ** (4 * exponent)
    assert found.objective_after == 0.25 * 2.0 ** (4 * exponent)


@pytest.mark.parametrize("exponent", [-260, 260])
def test_a_start_is_refused_where_h_leaves_float64_in_the_units_given(exponent):
    problem, X = stationary("two-by-two")
    # At the truth h is zero in any units, and h(0) is what leaves them.
    for point in (X, problem.ground_truth):
        with pytest.raises(OverflowError, match=r"^h\(X\) is about "):
            Start.at(problem, point, None, "exact", 0.0, exponent)


def test_a_point_whose_h_is_not_finite_is_infinitely_high():
    # b and X make ∞ − ∞ of the trace, and ∞ of the last entry.
    operator = sensing.DenseOperator([np.diag([1.0, -1.0]), np.diag([0.0, 1.0])])
    problem = SensingProblem(operator, np.array([1.0, 1.0]))
    start = Start.at(problem, np.array([[1.0], [0.0]]), None, "exact", 0.0, 0)
    with np.errstate(over="ignore", invalid="ignore"):
        for point in ([[1e200], [1e200]], [[0.0], [1e200]]):
            assert start.lowers(np.array(point)) == (False, np.inf)


# The promise, on random instances
# -----------------------------------------------------------------------------------


def random_point(seed):
    """A Gaussian instance and a point that gradient descent has come near to, or has not."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 13))
    r = int(rng.integers(1, min(3, n) + 1))
    problem = sensing.gaussian(n, r, int(rng.integers(n * r, 4 * n * r + 1)), rng)
    run = sensing.gradient_descent(
        problem,
        rng.standard_normal((n, r)),
        step_size=sensing.Backtracking(),
        max_iterations=int(rng.choice([0, 30, 300])),
    )
    return problem, run.point


@pytest.mark.filterwarnings("ignore::lift_compare.simulated.NotStationaryWarning")
@pytest.mark.parametrize("seed", range(60))
def test_found_means_lower_for_every_method_on_random_gaussian_instances(seed):
    problem, X = random_point(seed)
    for method in METHODS:
        assert_kept(problem, X, escape(problem, X, method=method))


@pytest.mark.filterwarnings("ignore::lift_compare.simulated.NotStationaryWarning")
@pytest.mark.parametrize("seed", range(12))
def test_order_1001_stays_in_range_far_from_stationary_points(seed):
    # Scales from 1e-3 to 1e2: powers of the generators then differ by thousands of decades.
    rng = np.random.default_rng(100 + seed)
    n = int(rng.integers(2, 13))
    problem = sensing.gaussian(n, 1, int(rng.integers(n, 4 * n + 1)), rng)
    X = rng.standard_normal((n, 1)) * 10 ** rng.uniform(-3, 2)
    assert_kept(problem, X, escape(problem, X, order=1001))
    assert_kept(problem, X, escape(problem, X))


def test_single_step_and_line_search_escape_where_their_line_goes_below():
    # A saddle of h itself: an eigenvector of M that is not the leading one, everything observed.
    M = np.diag([4.0, 1.0, 0.5, 0.0])
    problem = SensingProblem(EntrywiseOperator(np.ones((4, 4))), M.reshape(-1))
    X = np.eye(4)[:, 1:2]
    for method in METHODS:
        attempt = escape(
            problem, X, method=method, **({"order": 1} if method == "truncated" else {})
        )
        if method == "truncated":
            continue  # its rules ask for norms, which say nothing here
        assert attempt.found
        assert_kept(problem, X, attempt)
    # Along X̂ + t e1 the quartic is t² (−4 + 1 + 1) + t⁴/2 + ..., computed by a scan.
    line = minimize_scalar(
        lambda t: objective(problem, X + t * np.eye(4)[:, :1]), bounds=(0, 4), method="bounded"
    )
    assert escape(problem, X, method="single-step").objective_after == pytest.approx(
        line.fun, rel=1e-6
    )


def test_tied_eigenvalues_are_taken_as_a_subspace():
    M = np.diag([2.0, 2.0, 2.0, 1.0])
    problem = SensingProblem(EntrywiseOperator(np.ones((4, 4))), M.reshape(-1))
    X = np.eye(4)[:, 3:]
    attempt = escape(problem, X)
    assert attempt.found
    assert len(attempt.generators) == 1 + 3  # the hidden ones are parallel to these here
    # On the whole tied subspace the best rank-one approximation of M is reached, from any basis of
    # it.
    assert attempt.objective_after == pytest.approx(0.5 * (4 + 4 + 1), rel=1e-6)


def test_rank_deficient_stationary_point_is_left_along_its_kernel():
    M = np.diag([4.0, 1.0, 0.0])
    problem = SensingProblem(EntrywiseOperator(np.ones((3, 3))), M.reshape(-1), rank=2)
    X = np.zeros((3, 2))
    X[0, 0] = 2.0
    attempt = escape(problem, X)
    assert attempt.found
    assert attempt.order == 1
    assert_kept(problem, X, attempt)
    assert attempt.objective_after == pytest.approx(0, abs=1e-12)
    # The published direction u_n q_rᵀ takes the last nonzero triplet; its line does not see this
    # saddle.
    assert not escape(problem, X, method="single-step").found


def test_global_minimum_is_certified_by_its_eigenvalue():
    problem = sensing.gaussian(6, 2, 30, 3)
    for method in METHODS:
        attempt = escape(problem, problem.ground_truth, method=method)
        assert attempt.reason is EscapeReason.NO_NEGATIVE_EIGENVALUE


def test_given_generators_are_used():
    problem, X = stationary("perturbed-completion")
    given = np.array([[[0.3], [1.0], [-0.2]], [[0.0], [0.0], [0.0]]])
    attempt = escape(problem, X, order=5, generators=given)
    assert attempt.found
    assert (
        len(attempt.generators) == 3
    )  # X̂, the visible one, and the first given one; a zero one adds nothing
    assert abs(np.sum(attempt.generators[2] * given[0])) == pytest.approx(
        np.linalg.norm(attempt.generators[2]) * np.linalg.norm(given[0])
    )
    assert_kept(problem, X, attempt)


# The lifted state, against independent computations
# -------------------------------------------------------------------


def test_state_and_collapse_against_explicit_tensors():
    # Order 3 on the 2×2 example: build w, evaluate h³ entry by entry, and scan all unit vectors of
    # the plane.
    problem, X = stationary("two-by-two")
    attempt = escape(problem, X, order=3)
    vectors = attempt.generators[:, :, 0]

    def tensor(c):
        return np.einsum("j,ja,jb,jc->abc", c, vectors, vectors, vectors)

    def lifted(w):
        A = problem.operator.matrices()
        sensed = np.einsum("iab,kcd,lef,ace,bdf->ikl", A, A, A, w, w, optimize=True)
        return 0.5 * np.sum((sensed - np.einsum("i,k,l->ikl", *[problem.measurements] * 3)) ** 2)

    w = tensor(attempt.coefficients)
    x_hat = X[:, 0]
    assert lifted(w) < lifted(np.einsum("a,b,c->abc", x_hat, x_hat, x_hat))

    def height(phi):
        x = np.array([np.cos(phi), np.sin(phi)])
        return np.einsum("abc,a,b,c->", w, x, x, x)

    angles = np.linspace(0, 2 * np.pi, 100_001)
    top = max(height(phi) for phi in angles)
    assert np.linalg.norm(attempt.point) ** 3 == pytest.approx(top, rel=1e-8)


@pytest.mark.parametrize("case", ["two-by-two", "completion-80"])
@pytest.mark.filterwarnings("ignore::lift_compare.simulated.NotStationaryWarning")
def test_order_1001_against_multiple_precision(case):
    if case == "two-by-two":
        problem, X = stationary(case)
    else:
        problem = sensing.perturbed_completion(80, 0.1)
        # A spurious minimum has equal entries of one sign on some even indices and of the other
        # sign on the rest.
        start = problem.ground_truth.copy()
        start[[0, 6, 14, 20, 28, 36, 44, 50, 58, 66, 70, 72, 76]] *= -1
        X = sensing.gradient_descent(problem, start, step_size=0.005, max_iterations=3000).point
        assert problem.objective(X) > 1
    order = 1001
    attempt = escape(problem, X, order=order)
    assert attempt.found
    assert_kept(problem, X, attempt)

    with mpmath.workdps(60):
        # All inner products in 60 digits from the float64 generators, then the quartic at order
        # 1001.
        A = problem.operator
        b = [mpmath.mpf(float(x)) for x in problem.measurements]
        G, c = attempt.generators, [mpmath.mpf(float(x)) for x in attempt.coefficients]
        k = len(c)
        if case == "two-by-two":
            matrices = [[[mpmath.mpf(float(x)) for x in row] for row in Ai] for Ai in A.matrices()]

            def measure(L, R):
                return [
                    mpmath.fsum(
                        Ai[p][q] * mpmath.mpf(float(L[p, 0])) * mpmath.mpf(float(R[q, 0]))
                        for p in range(2)
                        for q in range(2)
                    )
                    for Ai in matrices
                ]

        else:
            weights = [mpmath.mpf(float(x)) for x in A.weights.reshape(-1)]

            def measure(L, R):
                u, v = ([mpmath.mpf(float(x)) for x in V[:, 0]] for V in (L, R))
                pairs = [(p, q) for p in range(len(u)) for q in range(len(u))]
                return [
                    w * (u[p] * v[q] + v[p] * u[q]) / 2
                    for w, (p, q) in zip(weights, pairs, strict=True)
                ]

        y = {(i, j): measure(G[i], G[j]) for i in range(k) for j in range(i, k)}
        y = {**y, **{(j, i): v for (i, j), v in y.items()}}
        K = {(s, t): mpmath.fdot(y[s], y[t]) ** order for s in y for t in y}
        B = {s: mpmath.fdot(y[s], b) ** order for s in y}

        def gain(c):
            linear = mpmath.fsum(c[i] * c[j] * B[i, j] for i, j in y)
            quartic = mpmath.fsum(
                c[s[0]] * c[s[1]] * c[t[0]] * c[t[1]] * K[s, t] for s in y for t in y
            )
            return linear - quartic / 2

        base = [mpmath.mpf(1)] + [mpmath.mpf(0)] * (k - 1)
        assert gain(c) > gain(base) > 0
        # The end of the descent is a minimum: the gain is stationary, so a change of 1e-6 costs of
        # the order of 1e-12.
        for j in range(k):
            for change in (1e-6, -1e-6):
                other = [x * (1 + (mpmath.mpf(change) if i == j else 0)) for i, x in enumerate(c)]
                assert gain(other) <= gain(c) * (1 + mpmath.mpf(10) ** -13)

        # The collapse: ‖X̌‖^l is the height of w over the unit vector, which is the best one among
        # all generators.
        def height(V):
            at = [mpmath.mpf(float(x)) for x in V[:, 0]]
            length = mpmath.sqrt(mpmath.fdot(at, at))
            inner = [mpmath.fdot([mpmath.mpf(float(x)) for x in g[:, 0]], at) for g in G]
            return mpmath.fsum(c[j] * (inner[j] / length) ** order for j in range(k)), length

        top, length = height(attempt.point)
        assert abs(length**order / top - 1) < mpmath.mpf(10) ** -9
        for g in G:
            if np.any(g):
                assert abs(height(g)[0]) <= top * (1 + mpmath.mpf(10) ** -9)


# Bad input and words
# ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"method": "guess"}, "method"),
        ({"order": 4}, "order"),
        ({"order": -3}, "order"),
        ({"method": "single-step", "order": 3}, "order"),
        ({"generators": "more"}, "generators"),
        ({"generators": np.ones((2, 5, 1))}, "generators"),
        ({"largest_order": 0}, "largest"),
        ({"orders_tried": 0}, "orders_tried"),
        ({"eigenvectors": 0}, "eigenvectors"),
        ({"minimum_decrease": -1.0}, "minimum_decrease"),
        ({"minimum_decrease": 1.0}, "minimum_decrease"),
        ({"method": "truncated", "order": 3, "rho": -1.0}, "rho"),
        ({"method": "truncated", "order": 3, "eta": 0.0}, "eta"),
        ({"method": "truncated", "order": 3, "steps": -1}, "steps"),
        ({"method": "truncated", "order": 3, "rule": "both"}, "both"),
        ({"method": "line-search", "grid_size": 1}, "grid_size"),
        ({"method": "line-search", "grid_range": (1.0, 0.5)}, "grid_range"),
        ({"method": "line-search", "grid_range": (1.0, 1.0)}, "grid_range"),
        ({"method": "line-search", "grid_range": (0.0, 1.0)}, "grid_range"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, word):
    problem, X = stationary("two-by-two")
    with pytest.raises(ValueError, match=word):
        escape(problem, X, **settings)


def test_bad_points_and_foreign_settings_are_refused():
    problem, X = stationary("two-by-two")
    for bad in (np.zeros((2, 1)), np.ones((3, 1)), np.full((2, 1), np.nan)):
        with pytest.raises(ValueError, match="X"):
            escape(problem, bad)
    with pytest.raises(TypeError, match="rho"):
        escape(problem, X, method="exact", rho=0.1)
    with pytest.raises(TypeError, match=r"^rho: not a setting of .*; it has none$"):
        escape(problem, X, method="single-step", rho=0.1)


@pytest.mark.parametrize(
    ("name", "end"),
    [("exat", r"'exat' \(did you mean 'exact'\?\)"), ("guess", "'guess'"), (3, "3")],
)
def test_an_unknown_method_is_told_with_the_nearest_name(name, end):
    with pytest.raises(ValueError, match=f"^method: expected one of exact, .*, got {end}$"):
        escape(*stationary("two-by-two"), method=name)


@pytest.mark.parametrize("method", METHODS)
def test_point_that_is_not_stationary_warns(method):
    problem, X = stationary("two-by-two")
    with pytest.warns(NotStationaryWarning, match="stationary"):
        escape(problem, X + 0.2, method=method)


def test_exact_says_which_orders_it_tried():
    problem, X = stationary("two-by-two")
    none = escape(problem, X, largest_order=1, only_saddle=True)
    assert none.reason is EscapeReason.NO_SADDLE_ORDER
    # X̂ is a local minimum of h: at order 1 there is no direction at all.
    assert none.details == "largest order 1; along the oracle direction V* none was found either"
    given = escape(problem, X, order=1, only_saddle=True)
    assert given.reason is EscapeReason.NO_SADDLE
    assert given.order == 1


def test_polish_makes_the_point_stationary():
    problem, X = stationary("perturbed-completion")
    nearby = X + 1e-9 * np.array([[1.0], [-2.0], [1.0]])
    assert sensing.relative_gradient_norm(problem, nearby) > 1e-10
    attempt = escape(problem, nearby, method="single-step", polish=True)
    assert not attempt.found
    assert sensing.relative_gradient_norm(problem, attempt.point) < 1e-14


def test_polish_does_not_raise_h():
    """Newton steps from below a saddle end on it."""
    problem = sensing.perturbed_completion(3, 0.1)
    saddle = sensing.polish(problem, [[0.0], [0.0], [1.0]])
    hessian = [problem.hessian_product(saddle, e[:, None]).ravel() for e in np.eye(3)]
    values, ways = np.linalg.eigh(hessian)
    below = saddle + 1e-4 * ways[:, :1]
    # h(X) + λ t² / 2, to fourth order in t = 1e-4.
    fall = problem.objective(saddle) - problem.objective(below)
    assert fall == pytest.approx(-values[0] * 1e-8 / 2, rel=1e-5)
    reached = sensing.polish(problem, below)
    assert problem.objective(reached) == pytest.approx(problem.objective(saddle), rel=1e-12)
    attempt = escape(problem, below, polish=True)
    assert attempt.objective_before == pytest.approx(problem.objective(below), rel=1e-12)


def test_repr_says_what_happened():
    problem, X = stationary("two-by-two")
    assert "order 3" in repr(escape(problem, X))
    assert "0.375 ->" in repr(escape(problem, X))
    assert EscapeReason.SCORE_TOO_LOW.value in repr(escape(problem, X, method="single-step"))


@pytest.mark.parametrize(
    ("method", "setting", "value"),
    [
        ("truncated", "rule", "both"),
        ("exact", "eigenvectors", "all"),
        ("line-search", "grid_range", (1.0,)),
    ],
)
def test_a_bad_setting_of_a_method_is_refused_by_its_name(method, setting, value) -> None:
    problem, X = sensing.two_by_two(), [[0.0], [0.5**0.5]]
    with pytest.raises((TypeError, ValueError), match=f"^{setting}: "):
        escape(problem, X, method=method, **{setting: value})
