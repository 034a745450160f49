"""The step-size window of the exact path and its default step, against brute force and formulas."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import DenseOperator, SensingProblem
from lift_compare.simulated import SpanObjective, classify_exact, descend, step_window
from lift_compare.simulated.span.default_step import default_rho, default_step_size
from lift_compare.simulated.span.step_window import (
    _least_positive_root,
    falling_step,
    first_rise,
)
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
    assert f"falls at each of {steps} steps up to step_size = {window.largest:.6g}" in repr(window)
    assert f"with step_size = {window.rises_at:.6g} it rises" in repr(window)


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
    assert phases.falls.dtype == bool
    assert (phases.step_sizes.tolist(), phases.iterations.tolist()) == (etas.tolist(), steps)
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
        ({"step_sizes": [0.0]}, "step_sizes: expected positive numbers, got 0"),
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


def one_generator(curvature=4.0, norm=1.0):
    """h = κ/8 (c² − 1)², whose curvature at its minimum is κ for a generator of unit norm."""
    size = np.sqrt(curvature) / 2
    problem = SensingProblem(DenseOperator([[[size / norm**2]]]), [size], rank=1)
    return SpanObjective(problem, [[[norm]]], 1)


@pytest.mark.parametrize(
    ("c", "curvature", "norm"),
    [
        *((c, 4.0, 1.0) for c in (0.1, 0.5, 0.999, 1.001, 3.0, 1e40, 1e70)),
        (1e85, 4e-60, 1.0),
        (1e-3, 4e60, 1.0),
        (0.5, 4.0, 1e-70),
        (3.0, 4.0, 1e70),
    ],
)
def test_the_first_step_of_one_generator_falls_to_the_other_point_as_high(c, curvature, norm):
    """That is (2 − c²)^½, or −c where there is none; the gradient is κ/2 c (c² − 1) / ‖X‖²."""
    span = one_generator(curvature, norm)
    with np.errstate(all="raise"):
        bound = falling_step(span, [c])
    other = np.sqrt(2 - c**2) if c**2 < 2 else -c
    step = (c - other) / (2 * c * (c**2 - 1)) * (4 / curvature)
    assert bound / norm**2 == pytest.approx(step, rel=1e-10, abs=0)


def test_the_least_positive_root_is_neither_zero_nor_negative_and_may_be_missing():
    assert _least_positive_root(np.array([-1.0, 0.0, 0.0, 0.0])) == np.inf
    assert _least_positive_root(np.array([1.0, 1.0, 0.0, 0.0])) == np.inf
    assert _least_positive_root(np.array([0.0, -2.0, 1.0, 1.0])) == pytest.approx(1.0)


def test_no_step_falls_from_a_minimum():
    assert falling_step(one_generator(), [1.0]) == 0


def test_first_steps_of_points_of_very_different_sizes_are_those_of_each():
    """Of whole axes of points, and of one with a coefficient far below the other."""
    problem = SensingProblem(
        DenseOperator([np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]), [1.0, 1.0], 1
    )
    span = SpanObjective(problem, np.eye(2)[:, :, None], 1)
    points = np.array([[[0.5, 0.3], [1e70, 1.0]], [[3.0, 3.0], [1e60, 1e60]], [[1.0, 2.0], [1, 1]]])
    with np.errstate(all="raise"):
        found = falling_step(span, points)
        small = falling_step(span, [1e70, 1e-200])
    assert found.shape == (3, 2)
    expected = [[falling_step(span, c) for c in row] for row in points]
    assert found == pytest.approx(np.array(expected), rel=1e-12, abs=0)
    assert found[1] == pytest.approx([1 / 8, 1e-120], rel=1e-10, abs=0)
    assert small == pytest.approx(1e-140, rel=1e-10, abs=0)


@pytest.mark.parametrize("curvature", [0.02, 4.0, 50.0])
def test_the_window_near_a_minimum_is_two_over_its_curvature(curvature):
    window = step_window(one_generator(curvature), [1.001], iterations=300)
    assert window.final_curvature == pytest.approx(2 / curvature, rel=1e-2)
    assert window.largest == pytest.approx(2 / curvature, rel=1e-2)


def test_one_step_alone_has_the_window_of_its_closed_form(case):
    """No trial below the bound fails, so that it stays the least step that rises, at step 1."""
    for span, start in (case, (one_generator(1e4), np.array([3.0]))):
        window = step_window(span, start, iterations=1)
        assert window.rises_at == window.first_step == falling_step(span, start)
        assert window.rising_step == 1
        assert window.first_step / 1.001 <= window.largest < window.first_step


@pytest.mark.parametrize("curvature", [0.02, 4.0, 1e4])
def test_where_the_first_step_has_no_bound_the_window_is_found_by_trials(monkeypatch, curvature):
    module = "lift_compare.simulated.span.step_window.falling_step"
    monkeypatch.setattr(module, lambda *_: float("inf"))
    span = one_generator(curvature)
    window = step_window(span, [1.001], iterations=300)
    assert window.largest == pytest.approx(2 / curvature, rel=1e-2)
    assert window.largest < window.rises_at <= 1.001 * window.largest
    assert window.rising_step == first_rise(span, np.array([1.001]), window.rises_at, 300)[0]


def test_where_every_trial_falls_no_step_is_said_to_rise(monkeypatch):
    module = "lift_compare.simulated.span.step_window.falling_step"
    monkeypatch.setattr(module, lambda *_: float("inf"))
    window = step_window(one_generator(0.02), [1.001], iterations=10, trials=4)
    assert (window.largest, window.rises_at, window.rising_step) == (8.0, np.inf, None)
    assert "rises at step" not in repr(window)


@pytest.mark.parametrize("iterations", [1, 256, 257, 300, 600])
def test_a_run_without_a_rise_ends_where_the_path_does(iterations):
    """It is still on its way: from 0.1 it grows by 2 η a step."""
    span, start, eta = one_generator(), np.array([0.1]), 1e-3
    path = descend(span, start, step_size=eta, iterations=iterations)
    rising, end = first_rise(span, start, eta, iterations)
    assert rising is None
    assert end == pytest.approx(path.coefficients[-1], rel=1e-12)


def test_a_rise_in_a_later_stretch_of_a_run_is_found_at_its_step(case):
    """Steps just beyond the window rise late; no step after the last one asked for is looked at."""
    span, start = case
    window = step_window(span, start, iterations=1000)
    eta = window.rises_at
    at, point = first_rise(span, start, eta, 1000)
    assert at == window.rising_step
    assert first_rise(span, start, eta, at - 1)[0] is None
    path = descend(span, start, step_size=eta, iterations=at)
    assert point == pytest.approx(path.coefficients[at - 1], rel=1e-6, abs=1e-9)


def test_a_step_out_of_float64_is_one_at_which_it_rises():
    span = one_generator()
    with np.errstate(all="raise"):
        assert first_rise(span, np.array([3.0]), 1e308, 10) == (1, [3.0])
        # A path that only shrinks: its steps and values underflow.
        at, end = first_rise(span, np.array([1e-100]), 1e-300, 3)
    assert (at, end.tolist()) == (None, [1e-100])


def test_rho_makes_the_start_a_tenth_of_the_base_whatever_the_generators_are():
    _, problem, _, directions = published_point("two-by-two")
    base, visible, _ = directions.generators
    zero = np.zeros_like(base)
    for size in (1e-3, 1.0, 7.0):
        span = SpanObjective(problem, [base, size * visible, zero], 3)
        sizes = np.linalg.norm(base) ** 3, np.linalg.norm(size * visible) ** 3
        assert default_rho(span) * sizes[1] == pytest.approx(0.1 * sizes[0], rel=1e-12)
        assert default_rho(span, relative=2.0) == pytest.approx(20 * default_rho(span), rel=1e-12)
    with pytest.raises(ValueError, match="nonzero first generators"):
        default_rho(SpanObjective(problem, [base, zero, visible], 3))


def test_the_default_step_is_half_of_the_first_bound_halved_until_nothing_rises(case):
    span, start = case
    natural = span.natural
    c = span.units.coefficients_for(natural.units, start)
    assert default_step_size(one_generator(), [3.0], iterations=0) == pytest.approx(1 / 16)
    for iterations in (0, 1, 660):
        eta = span.units.step_size_for(
            natural.units, default_step_size(span, start, iterations=iterations)
        )
        halvings = np.log2(falling_step(natural, c) / 2 / eta)
        assert halvings == pytest.approx(round(halvings), abs=1e-9)
        assert first_rise(natural, c, eta, iterations)[0] is None
        if iterations <= 1:
            assert round(halvings) == 0
        elif round(halvings):
            assert first_rise(natural, c, 2 * eta, iterations)[0] is not None


def test_the_default_step_of_a_stationary_start_is_one_in_natural_units(case):
    span, _ = case
    eta = default_step_size(span, np.zeros(3), iterations=5)
    assert span.units.step_size_for(span.natural.units, eta) == pytest.approx(1.0, rel=1e-12)


def test_a_default_step_without_a_first_bound_is_halved_from_one(monkeypatch):
    module = "lift_compare.simulated.span.default_step.falling_step"
    monkeypatch.setattr(module, lambda *_: float("inf"))
    # In natural units the window is ½ at h = ½ (c² − 1)².
    assert default_step_size(one_generator(), [1.001], iterations=300) in (0.5, 0.25)
    assert default_step_size(one_generator(), [1.001], iterations=0) == pytest.approx(1.0)
