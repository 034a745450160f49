"""Gradient descent against the published runs, and its stop reasons."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import (
    Backtracking,
    DenseOperator,
    EntrywiseOperator,
    SensingProblem,
    Stall,
    StopReason,
    descent,
    gradient_descent,
    gradient_descent_batch,
)
from lift_compare.sensing.step_rules import FixedStep
from tests.catalogue import PUBLISHED_NUMBERS


@pytest.mark.parametrize(
    ("name", "key"),
    [("two-by-two", "two_by_two"), ("perturbed-completion", "perturbed_completion_3")],
)
def test_published_end_points(name: str, key: str) -> None:
    printed = PUBLISHED_NUMBERS[key]["printed"]
    run = sensing.instance(name).descent.run(sensing.instance(name).problem)
    np.testing.assert_allclose(run.point[:, 0], printed["gd_end"], rtol=0, atol=5e-9)
    assert len(run.history.objective) == printed["gd_list_length"]
    assert run.stop_reason is StopReason.ITERATIONS


def test_a_step_is_a_gradient_step() -> None:
    problem = sensing.gaussian(4, 2, 9, 0)
    X = np.random.default_rng(0).standard_normal(problem.shape)
    run = gradient_descent(problem, X, step_size=0.01, max_iterations=1)
    np.testing.assert_allclose(run.point, X - 0.01 * problem.gradient(X))
    assert run.iterations == 1
    np.testing.assert_allclose(
        run.history.objective, [problem.objective(X), problem.objective(run.point)]
    )
    np.testing.assert_allclose(
        run.history.distance, [problem.distance(X), problem.distance(run.point)]
    )


def test_tolerance_stops_and_callback_sees_every_point() -> None:
    problem, seen = sensing.two_by_two(), []
    run = gradient_descent(
        problem,
        [[0.9], [0.1]],
        step_size=0.1,
        max_iterations=10_000,
        tolerance=1e-9,
        callback=lambda *a: seen.append(a),
    )
    assert run.stop_reason is StopReason.CONVERGED
    assert sensing.relative_gradient_norm(problem, run.point) <= 1e-9
    assert [row[0] for row in seen] == list(range(run.iterations + 1))
    assert "tolerance" in repr(run)
    assert repr(run.history) == f"History({run.iterations + 1} points)"


@pytest.mark.parametrize(("tolerance", "products"), [(0.0, 6), (1e-300, 12)])
def test_a_tolerance_costs_a_product_a_step_and_zero_none(tolerance, products: int) -> None:
    """Five steps see six points, and each gradient takes a product."""

    class Counting(DenseOperator):
        count = 0

        def adjoint_matmul(self, y, right):
            self.count += 1
            return super().adjoint_matmul(y, right)

    problem = sensing.real_system()
    operator = Counting(problem.operator.matrices())
    counted = SensingProblem(operator, problem.measurements)
    settings = {"step_size": 0.01, "max_iterations": 5}
    run = gradient_descent(counted, [[1.0], [0.5], [0.2]], tolerance=tolerance, **settings)
    assert (run.iterations, operator.count) == (5, products)


def test_callback_can_stop() -> None:
    run = gradient_descent(
        sensing.two_by_two(),
        [[1.0], [1.0]],
        step_size=0.01,
        max_iterations=50,
        callback=lambda i, *_: i == 3,
    )
    assert (run.iterations, run.stop_reason) == (3, StopReason.CALLBACK)


@pytest.mark.parametrize("tolerance", [0.0, 1e-9])
def test_divergence_ends_finite(tolerance: float) -> None:
    start, settings = [[3.0], [3.0], [3.0]], {"step_size": 10.0, "max_iterations": 1000}
    run = gradient_descent(sensing.real_system(), start, tolerance=tolerance, **settings)
    assert run.stop_reason is StopReason.DIVERGED
    for values in (
        run.point,
        run.history.objective,
        run.history.gradient_norm,
        run.history.distance,
    ):
        assert np.all(np.isfinite(values))


def test_backtracking_descends_everywhere_and_ends_at_rounding() -> None:
    problem = sensing.gaussian(5, 2, 20, 1)
    X = 10 * np.random.default_rng(1).standard_normal(problem.shape)
    run = gradient_descent(problem, X, step_size=Backtracking(), max_iterations=5000)
    assert np.all(np.diff(run.history.objective) < 0)
    assert run.objective < 1e-20
    assert run.stop_reason in (StopReason.NO_DECREASE, StopReason.ITERATIONS)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"step_size": -1.0}, ValueError, "step_size: expected a finite number > 0, got -1.0"),
        ({"step_size": 0}, ValueError, "step_size"),
        ({"step_size": "big"}, TypeError, "step_size"),
        ({"max_iterations": -1}, ValueError, "max_iterations"),
        ({"max_iterations": 2.5}, TypeError, "max_iterations"),
        ({"tolerance": -1e-3}, ValueError, "tolerance"),
        ({"start": np.ones((2, 1))}, ValueError, "start"),
        ({"start": np.full((3, 1), np.nan)}, ValueError, "start: expected finite"),
        ({"start": np.full((3, 1), 1e200)}, ValueError, "start: .*overflow"),
    ],
)
def test_bad_settings_are_refused(change, error, message) -> None:
    arguments = {"start": np.ones((3, 1)), "step_size": 0.1, "max_iterations": 5} | change
    with pytest.raises(error, match=message):
        gradient_descent(sensing.real_system(), **arguments)


def test_bad_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="initial"):
        Backtracking(initial=0)
    with pytest.raises(ValueError, match=r"^c: expected .* in \(0, 0.5\], got 0.51$"):
        Backtracking(c=0.51)
    with pytest.raises(ValueError, match=r"^c: expected a finite number > 0"):
        Backtracking(c=0)
    assert Backtracking(c=0.5).c == 0.5
    with pytest.raises(ValueError, match="step_size"):
        FixedStep(-1)


def _step(fall, *, c: float = 0.25, last: float = 0.0, slope: float = 2.0) -> tuple:
    """Return the step from X = 0, h = 1 with ∇h = slope, and the trials, if h(−t ∇h) = 1 − fall."""
    trials: list[float] = []

    def objective(X):
        trials.append(float(-X[0, 0] / slope))
        return 1.0 - fall(trials[-1])

    rule = Backtracking(initial=0.5, c=c)
    return rule.step(objective, np.zeros((1, 1)), 1.0, np.array([[slope]]), last), trials


def test_backtracking_halves_from_twice_the_last_step() -> None:
    """All numbers are powers of two, and exact."""
    assert _step(lambda t: 4 * t) == (1 / 8, [1 / 8])  # first: initial · h/‖∇h‖² = ½ · ¼
    assert _step(lambda t: 4 * t, last=0.25) == (0.5, [0.5])
    assert _step(lambda t: 4 * t, slope=1.0)[0] == 0.5
    falls_below = _step(lambda t: t if t < 0.1 else -1.0, last=0.25, c=0.125)
    assert falls_below == (1 / 16, [1 / 2, 1 / 4, 1 / 8, 1 / 16])


def test_backtracking_takes_what_falls_by_c_times_the_slope_and_no_less() -> None:
    assert _step(lambda t: 0.25 * 4 * t)[0] == 1 / 8  # exactly c · t · ‖∇h‖²
    assert _step(lambda t: 0.125 * 4 * t)[0] == 0.0
    assert _step(lambda t: 0.0)[0] == 0.0
    step, trials = _step(lambda t: -1.0)
    assert step == 0.0
    assert trials == [2.0**-k for k in range(3, 3 + len(trials))]


def test_backtracking_stays_where_the_gradient_vanishes() -> None:
    assert Backtracking().step(lambda X: 0.0, np.zeros((2, 1)), 1.0, np.zeros((2, 1)), 0.5) == 0.0


# Against a plain loop -----------------------------------------------------------------------------


def plain_descent(
    problem, X, *, step_size, max_iterations, tolerance=0.0, solved_below=-1.0, stall=None
) -> tuple:
    """Return the points and the values of a descent with explicit matrices, and why it ended."""
    A, b, Z = problem.operator.matrices(), problem.measurements, problem.ground_truth

    def h(X):
        return 0.5 * np.sum((np.einsum("iab,ab->i", A, X @ X.T) - b) ** 2)

    points, values, norms, last = [], [], [], 0.0
    for iteration in range(max_iterations + 1):
        push = 2 * np.einsum("i,iab->ab", np.einsum("iab,ab->i", A, X @ X.T), A) @ X
        pull = 2 * np.einsum("i,iab->ab", b, A) @ X
        gradient = push - pull
        size = np.linalg.norm(gradient) / (np.linalg.norm(push) + np.linalg.norm(pull))
        points.append(X)
        values.append(h(X))
        norms.append(np.linalg.norm(gradient))
        reason = None
        if stall is not None and len(values) >= stall.window:
            before = values[-stall.window]
            if before - values[-1] < stall.tolerance * before and size <= 1e-3:
                reason = StopReason.STALLED
        reason = StopReason.CONVERGED if tolerance > 0 and size <= tolerance else reason
        reason = StopReason.SOLVED if values[-1] <= solved_below else reason
        if reason is None and iteration < max_iterations:
            last = (
                step_size.step(h, X, values[-1], gradient, last)
                if isinstance(step_size, Backtracking)
                else step_size
            )
            X = X - last * gradient
            reason = StopReason.NO_DECREASE if last == 0 else None
        if reason is not None:
            break
    distances = [np.linalg.norm(X @ X.T - Z @ Z.T) for X in points]
    return points, values, norms, distances, reason or StopReason.ITERATIONS


def noisy_problem() -> SensingProblem:
    """Return a problem whose b is met by no X: its descents end at h > 0, where they stall."""
    exact = sensing.gaussian(3, 1, 8, 3)
    b = exact.measurements + 0.1 * np.random.default_rng(1).standard_normal(8)
    return SensingProblem(exact.operator, b, 1, exact.ground_truth)


STARTS = np.array([[[0.9], [-0.1], [0.4]], [[0.1], [0.2], [-0.3]], [[-1.0], [0.5], [1.5]],
                   [[0.002], [0.001], [0.003]]])  # fmt: skip
RULES = [0.1, Backtracking(initial=0.5)]
ENDINGS = [
    {"max_iterations": 0},
    {"max_iterations": 15},
    {"max_iterations": 100, "tolerance": 0.6},
    {"max_iterations": 100, "tolerance": 2e-2},
    {"max_iterations": 100, "solved_below": 0.06},
    {"max_iterations": 100, "stall": Stall(1e-3, window=7)},
    {"max_iterations": 100, "stall": Stall(3e-3, window=2), "solved_below": 0.0146},
    {"max_iterations": 100, "stall": Stall(1e-2, 5), "tolerance": 1e-3, "solved_below": 0.0141},
]


@pytest.mark.parametrize("step_size", RULES, ids=["fixed", "rule"])
@pytest.mark.parametrize("ending", ENDINGS, ids=range(len(ENDINGS)))
def test_every_start_goes_its_own_way(step_size, ending, monkeypatch) -> None:
    problem, starts = noisy_problem(), STARTS
    monkeypatch.setattr(descent, "_CACHE", 8 * problem.m * 3)  # groups of three starts at most
    together = gradient_descent_batch(
        problem, starts, step_size=step_size, record_distance=True, **ending
    )
    without = gradient_descent_batch(problem, starts, step_size=step_size, **ending)
    for start, run, bare in zip(starts, together, without, strict=True):
        alone = gradient_descent(problem, start, step_size=step_size, **ending)
        points, values, norms, distances, reason = plain_descent(
            problem, start, step_size=step_size, **ending
        )
        assert bare.history.distance is None
        for found in (run, alone, bare):
            assert (found.iterations, found.stop_reason) == (len(points) - 1, reason)
            # Rounding grows with the steps; the descents here contract.
            np.testing.assert_allclose(found.point, points[-1], atol=1e-12)
            np.testing.assert_allclose(found.history.objective, values, atol=1e-12)
            np.testing.assert_allclose(found.history.gradient_norm, norms, atol=1e-12)
            assert found.objective == found.history.objective[-1]
            assert found.gradient_norm == found.history.gradient_norm[-1]
        for found in (run, alone):
            np.testing.assert_allclose(found.history.distance, distances, atol=1e-12)


def test_the_plain_loop_meets_every_reason() -> None:
    problem = noisy_problem()
    met = {
        plain_descent(problem, X, step_size=0.1, **ending)[-1] for ending in ENDINGS for X in STARTS
    }
    all_met = {"ITERATIONS", "CONVERGED", "SOLVED", "STALLED"}
    assert {reason.name for reason in met} == all_met


@pytest.mark.parametrize("group", [0, 1, 2, 4, 1000])
def test_groups_of_any_size_give_the_same(group: int, monkeypatch) -> None:
    problem = noisy_problem()
    settings = {"step_size": 0.1, "max_iterations": 20, "tolerance": 1e-2}
    plain = gradient_descent_batch(problem, STARTS, **settings)
    monkeypatch.setattr(descent, "_CACHE", 8 * problem.m * group)
    grouped = gradient_descent_batch(problem, STARTS, **settings)
    for one, other in zip(plain, grouped, strict=True):
        assert (one.iterations, one.stop_reason) == (other.iterations, other.stop_reason)
        np.testing.assert_allclose(one.point, other.point, atol=1e-13)


def test_one_that_diverges_leaves_the_others_alone() -> None:
    problem = sensing.real_system()
    starts = np.array([[[0.9], [0.1], [0.1]], [[30.0], [30.0], [30.0]], [[0.1], [0.2], [0.6]]])
    settings = {"step_size": 0.05, "max_iterations": 40}
    runs = gradient_descent_batch(problem, starts, record_distance=True, **settings)
    reasons = [run.stop_reason for run in runs]
    assert reasons == [StopReason.ITERATIONS, StopReason.DIVERGED, StopReason.ITERATIONS]
    for start, run in zip(starts, runs, strict=True):
        alone = gradient_descent(problem, start, **settings)
        assert (alone.iterations, alone.stop_reason) == (run.iterations, run.stop_reason)
        np.testing.assert_allclose(run.point, alone.point, rtol=1e-12)
        np.testing.assert_allclose(run.history.distance, alone.history.distance, rtol=1e-10)
        assert len(run.history.objective) == run.iterations + 1
        for values in (run.history.objective, run.history.gradient_norm, run.history.distance):
            assert np.isfinite(values).all()
    gone = runs[1]
    assert gone.objective == pytest.approx(problem.objective(gone.point), rel=1e-12)
    # The next point is beyond: h there, or its gradient, is no float64.
    with pytest.raises(OverflowError):
        problem.objective_and_gradient(gone.point - 0.05 * problem.gradient(gone.point))


def test_what_leaves_float64_at_the_start_is_refused_by_name() -> None:
    unit = SensingProblem(sensing.two_by_two().operator, [1e200, 0.0, 0.0])
    with pytest.raises(OverflowError, match="h: expected ‖b‖ between"):
        gradient_descent(unit, [[1.0], [0.0]], step_size=0.1, max_iterations=1)
    # Row 1 is not observed: h is finite there, and the distance to the truth is not.
    operator = EntrywiseOperator([[1.0, 0.0], [0.0, 0.0]])
    problem = SensingProblem.from_ground_truth(operator, [[1.0], [1.0]])
    far = np.array([[0.5], [1e200]])
    with pytest.raises(ValueError, match="start: expected a point where h"):
        gradient_descent(problem, far, step_size=0.1, max_iterations=1)
    (run,) = gradient_descent_batch(problem, far[None], step_size=0.1, max_iterations=1)
    assert (run.iterations, run.point[1, 0]) == (1, 1e200)


def test_at_a_stationary_point_a_descent_stalls_as_soon_as_it_may() -> None:
    problem, X = sensing.two_by_two(), [[0.0], [0.5**0.5]]
    settings = {"step_size": 0.01, "max_iterations": 9}
    for window in (2, 4):
        run = gradient_descent(problem, X, stall=Stall(1e-7, window), **settings)
        assert (run.iterations, run.stop_reason) == (window - 1, StopReason.STALLED)
    # h falls by nothing there, which is not less than nothing.
    run = gradient_descent(problem, X, stall=Stall(0, 2), **settings)
    assert (run.iterations, run.stop_reason) == (9, StopReason.ITERATIONS)


def test_a_gradient_is_never_larger_than_its_terms() -> None:
    run = gradient_descent(noisy_problem(), STARTS[0], step_size=1, max_iterations=9, tolerance=1)
    assert (run.iterations, run.stop_reason) == (0, StopReason.CONVERGED)


@pytest.mark.parametrize("tolerance", [0, 1e-6])
def test_a_descent_to_zero_ends_there(tolerance: float) -> None:
    """h = ½ (x² + 1)²: each step of ¼ takes x to x (1 − (x² + 1) / 2), in the end to one half."""
    problem = SensingProblem(DenseOperator([[[1.0]]]), [-1.0])
    starts = [[[0.5]], [[-1e-30]]]
    settings = {"step_size": 0.25, "max_iterations": 2000, "tolerance": tolerance}
    runs = gradient_descent_batch(problem, starts, **settings)
    for run, start in zip(runs, (0.5, 1e-30), strict=True):
        assert run.stop_reason is StopReason.CONVERGED
        assert run.point == 0
        assert (run.objective, run.gradient_norm) == (0.5, 0)
        # Squares are kept down to (1e-140)²: so many halvings, a few less where x² counts.
        halvings = np.log2(start / 1e-140)
        assert halvings - 2 < run.iterations < halvings + 2


@pytest.mark.parametrize(
    ("a", "b", "x", "gradient"),
    [
        (1e100, -1e100, 1e-150, 0),  # x² is below (1e-140)² of b, and x below 1e-140
        (1e100, -1, 1e-150, 2e-50),  # a x² is not
        (1e-100, -1, 1e-130, 2e-230),  # x is not
    ],
)
def test_a_start_is_zero_where_it_and_what_is_measured_are(a, b, x, gradient: float) -> None:
    """Looked at only where a square has left float64: beside it stands one at zero."""
    problem = SensingProblem(DenseOperator([[[a]]]), [b])
    settings = {"step_size": 1.0, "max_iterations": 0, "tolerance": 1e-6}
    run, zero = gradient_descent_batch(problem, [[[x]], [[0.0]]], **settings)
    assert (zero.point, zero.stop_reason) == (0, StopReason.CONVERGED)
    assert run.gradient_norm == pytest.approx(gradient, rel=1e-15)
    assert run.point == (x if gradient > 0 else 0)


def test_a_callback_sees_what_the_history_keeps() -> None:
    problem, seen = sensing.real_system(), []
    run = gradient_descent(
        problem, [[0.3], [0.2], [0.5]], step_size=0.1, max_iterations=5,
        callback=lambda *seen_now: seen.append(seen_now),
    )  # fmt: skip
    assert [each[0] for each in seen] == list(range(6))
    np.testing.assert_array_equal([each[2] for each in seen], run.history.objective)
    np.testing.assert_array_equal([each[3] for each in seen], run.history.gradient_norm)
    for _, X, value, size in seen:
        assert problem.objective(X) == value
        assert np.linalg.norm(problem.gradient(X)) == pytest.approx(size, rel=1e-14)
    np.testing.assert_array_equal(seen[-1][1], run.point)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"callback": 3}, TypeError, r"^callback: expected a function, got 3$"),
        ({"stall": 3}, TypeError, r"^stall: expected a Stall or None, got 3$"),
        ({"solved_below": -1}, ValueError, r"^solved_below: expected a finite number >= 0"),
        ({"tolerance": -1}, ValueError, r"^tolerance: expected a finite number >= 0"),
        ({"max_iterations": -1}, ValueError, r"^max_iterations: .* at least 0"),
    ],
)
def test_endings_out_of_range_are_refused_by_name(settings, error, message: str) -> None:
    given = {"step_size": 0.1, "max_iterations": 5} | settings
    with pytest.raises(error, match=message):
        gradient_descent(sensing.two_by_two(), [[1.0], [0.0]], **given)


def test_the_bounds_of_a_stall() -> None:
    assert (Stall(0, 2).tolerance, Stall(0, 2).window) == (0.0, 2)
    assert (Stall().tolerance, Stall().window) == (1e-7, 200), "published"
    with pytest.raises(ValueError, match=r"^stall_window: .* at least 2, got 1"):
        Stall(window=1)
    with pytest.raises(ValueError, match=r"^stall_tolerance: .* >= 0, got -1"):
        Stall(tolerance=-1)


def test_distances_need_a_truth() -> None:
    problem = SensingProblem(sensing.two_by_two().operator, [1.0, 2.0, 3.0])
    starts = np.ones((1, 2, 1))
    with pytest.raises(ValueError, match=r"^record_distance: expected a problem with a known"):
        gradient_descent_batch(
            problem, starts, step_size=0.1, max_iterations=1, record_distance=True
        )
    (run,) = gradient_descent_batch(problem, starts, step_size=0.1, max_iterations=1)
    assert run.history.distance is None
    assert gradient_descent(problem, starts[0], step_size=0.1, max_iterations=1).iterations == 1


def test_a_rule_of_ones_own_is_asked_with_its_last_step_and_may_not_step_back() -> None:
    asked = []

    class Own:
        def step(self, objective, X, value, gradient, last):
            asked.append((value, last))
            return -1.0 if len(asked) > 3 else 0.1 / len(asked)

    problem = sensing.two_by_two()
    with pytest.raises(ValueError, match=r"^step_size: expected a finite number >= 0, got -1"):
        gradient_descent(problem, [[0.9], [0.1]], step_size=Own(), max_iterations=9)
    assert [last for _, last in asked] == [0.0, 0.1, 0.05, 0.1 / 3]
    X = np.array([[0.9], [0.1]])
    for value, size in zip([value for value, _ in asked], (0.1, 0.05, 0.1 / 3, 0), strict=True):
        assert value == pytest.approx(problem.objective(X), rel=1e-12)
        X = X - size * problem.gradient(X)


def test_the_repr_of_a_descent_says_where_it_ended_and_whether_it_has_risen() -> None:
    problem = sensing.two_by_two()
    run = gradient_descent(problem, [[0.9], [0.1]], step_size=0.1, max_iterations=5)
    assert not run.has_risen
    assert repr(run) == (
        "Descent(h = 0.00101699, ‖∇h‖ = 0.0795, 5 iterations: the iteration budget ended)"
    )
    run = gradient_descent(problem, [[1.1], [0.1]], step_size=2.0, max_iterations=1)
    assert run.has_risen
    assert f"risen from {problem.objective([[1.1], [0.1]]):.6g}, " in repr(run)
    still = gradient_descent(problem, [[1.1], [0.1]], step_size=2.0, max_iterations=0)
    assert not still.has_risen
