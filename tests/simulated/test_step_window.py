"""The step-size window of the exact path, against brute force over step sizes."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import SpanObjective, classify_exact, descend, step_window
from lift_compare.simulated.span.step_window import falling_step
from tests.simulated.points import published_point


@pytest.fixture(scope="module", params=["two-by-two", "perturbed-completion", "real-system"])
def case(request):
    p, problem, _, directions = published_point(request.param)
    span = SpanObjective(problem, directions.generators, p.settings.order)
    return span, np.array([1.0, p.settings.rho, 0.0])


def test_the_first_step_falls_exactly_up_to_its_bound(case):
    span, start = case
    bound = falling_step(span, start)
    value = span.value(start)
    direction = span.projected_gradient(start)
    for factor in (0.01, 0.5, 0.999):
        assert span.value(start - factor * bound * direction) < value
    assert span.value(start - bound * direction) == pytest.approx(value, rel=1e-9)
    assert span.value(start - 1.001 * bound * direction) > value


def test_a_batch_of_points_gives_a_bound_each(case):
    span, start = case
    points = start * [[1.0], [0.9], [1.2]]
    assert falling_step(span, points) == pytest.approx([falling_step(span, c) for c in points])


def test_the_window_is_where_running_it_turns_from_falling_to_rising(case):
    span, start = case
    steps = 400
    window = step_window(span, start, iterations=steps, tolerance=1e-3)
    assert 0 < window.largest < window.rises_at <= 1.001 * window.largest

    def rises(eta):
        path = descend(span, start, step_size=eta, iterations=steps)
        bound = span.noise(path.coefficients[:-1])
        return len(path.values) <= steps or bool(np.any(np.diff(path.values) > bound))

    assert not rises(window.largest)
    assert rises(window.rises_at)
    path = descend(span, start, step_size=window.rises_at, iterations=steps)
    first = int(np.argmax(np.diff(path.values) > span.noise(path.coefficients[:-1]))) + 1
    assert first == window.rising_step
    # What bisection supposes: no rise at any smaller step size tried.
    assert not any(rises(f * window.largest) for f in np.linspace(0.05, 1, 20))
    assert all(rises(f * window.rises_at) for f in (1.05, 1.2, 1.5))
    assert window.largest <= window.first_step
    assert f"{window.largest:.6g}" in repr(window)


def test_the_window_of_a_quadratic_is_the_textbook_one():
    # One generator, far below its minimum, at order 1: h = ½ (c² − 1)², whose window we can scan by
    # hand.
    problem = sensing.SensingProblem.from_ground_truth(sensing.DenseOperator([[[1.0]]]), [[1.0]])
    span = SpanObjective(problem, [[[1.0]]], 1)
    # Close to the minimum, h ≈ 2 (c − 1)²: curvature 4, so steps up to 2/4 fall.
    window = step_window(span, [1.001], iterations=200, tolerance=1e-4)
    assert window.final_curvature == pytest.approx(0.5, rel=1e-2)
    assert window.largest == pytest.approx(0.5, rel=1e-2)


def test_a_stationary_start_has_no_window():
    _, problem, _, directions = published_point("two-by-two")
    span = SpanObjective(problem, directions.generators, 3)
    window = step_window(span, [0.0, 0.0, 0.0], iterations=10)
    assert (window.largest, window.first_step, window.rising_step) == (0.0, 0.0, None)


def test_the_grid_equals_one_run_after_the_other(case):
    span, start = case
    scale = step_window(span, start, iterations=50).largest
    etas, steps = scale * np.array([0.01, 0.5, 0.99, 1.5, 4.0, 1e3]), [0, 1, 7, 50]
    phases = classify_exact(span, start, step_sizes=etas, iterations=steps)
    assert phases.values.shape == phases.falls.shape == (6, 4)
    for i, eta in enumerate(etas):
        path = descend(span, start, step_size=eta, iterations=50)
        bound = span.noise(path.coefficients)
        for j, T in enumerate(steps):
            if len(path.values) <= T:
                assert phases.values[i, j] == np.inf
                assert not phases.falls[i, j]
            else:
                falls = bool(np.all(np.diff(path.values[: T + 1]) <= bound[:T]))
                assert phases.falls[i, j] == falls
                if falls:  # a path that has risen may amplify rounding
                    assert phases.values[i, j] == pytest.approx(path.values[T], rel=1e-6, abs=1e-9)
    assert phases.falls[0].all()
    assert not phases.falls[-1, -1]
    assert "falling" in repr(phases)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"step_sizes": [0.1, -0.1]}, "step_sizes"),
        ({"iterations": [3, 2]}, "iterations"),
        ({"iterations": []}, "iterations"),
        ({"start": [1.0, 2.0]}, "start"),
    ],
)
def test_bad_input_is_refused(kwargs, message):
    span = SpanObjective(sensing.two_by_two(), np.ones((3, 2, 1)), 3)
    given = {"start": [1.0, 0, 0], "step_sizes": [0.1], "iterations": [1]} | kwargs
    with pytest.raises(ValueError, match=message):
        classify_exact(span, given.pop("start"), **given)
    with pytest.raises(ValueError, match="iterations"):
        step_window(span, [1.0, 0, 0], iterations=0)
