"""Gradient descent against the published runs, and its stop reasons."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import Backtracking, StopReason, gradient_descent
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


def test_callback_can_stop() -> None:
    run = gradient_descent(
        sensing.two_by_two(),
        [[1.0], [1.0]],
        step_size=0.01,
        max_iterations=50,
        callback=lambda i, *_: i == 3,
    )
    assert (run.iterations, run.stop_reason) == (3, StopReason.CALLBACK)


def test_divergence_ends_finite() -> None:
    run = gradient_descent(
        sensing.real_system(), [[3.0], [3.0], [3.0]], step_size=10.0, max_iterations=1000
    )
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
