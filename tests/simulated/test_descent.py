"""Runs of the descent on the span: where they end, and what they refuse."""

import re
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import StopReason
from lift_compare.simulated import SpanObjective, collapse, descend
from lift_compare.simulated.span.descent import (
    step_in_logs,
    step_of_coefficients,
    step_together,
)
from lift_compare.simulated.span.objective import SpanEvaluation
from lift_compare.simulated.span.path_length import LARGEST_PATH
from tests.simulated.points import published_point


@pytest.mark.parametrize(
    ("name", "order", "step", "iterations"),
    [("two-by-two", 3, 0.02, 3000), ("perturbed-completion", 5, 0.02, 40000)],
)
def test_the_exact_path_ends_at_the_ground_truth(name, order, step, iterations):
    settings, problem, _, directions = published_point(name)
    span = SpanObjective(problem, directions.generators, order)
    path = descend(span, [1.0, settings.settings.rho, 0.0], step_size=step, iterations=iterations)
    assert path.stop_reason is StopReason.ITERATIONS
    assert path.coefficients.shape == (iterations + 1, 3)
    assert path.values[-1] < 1e-6 * path.values[0]
    assert problem.distance(collapse(span.generators, path.coefficients[-1], order)) < 2e-3
    assert f"{iterations} steps" in repr(path)


def test_the_path_is_the_step_repeated():
    _, problem, _, directions = published_point("real-system")
    span = SpanObjective(problem, directions.generators, 5)
    c = np.array([1.0, 0.1, 0.0])
    path = descend(span, c, step_size=50.0, iterations=40)
    for row, value in zip(path.coefficients, path.values, strict=True):
        assert row == pytest.approx(c, rel=1e-12)
        assert value == pytest.approx(span.value(c), rel=1e-12)
        c = c - 50.0 * span.projected_gradient(c)


@pytest.mark.parametrize("step", [3.0, 1e3, 1e200])
def test_a_diverging_run_stops_with_a_reason_and_finite_numbers(step):
    _, problem, _, directions = published_point("two-by-two")
    path = descend(
        SpanObjective(problem, directions.generators, 3),
        [1.0, 5.0, 0.3],
        step_size=step,
        iterations=500,
    )
    assert path.stop_reason is StopReason.DIVERGED
    assert len(path.values) == len(path.coefficients) < 501
    assert np.all(np.isfinite(path.values))
    assert np.all(np.isfinite(path.coefficients))
    assert "too large" in repr(path)


def test_coefficients_may_leave_float64_before_coordinates_do():
    """In an orthonormal basis the powers of small generators have small coordinates."""
    problem = sensing.gaussian(3, 1, 6, 0)
    span = SpanObjective(problem, [[[0.01], [0.0], [0.0]], [[0.01], [0.01], [0.0]]], 5)
    form, c = span.orthonormal, np.array([1e10, 1e10])
    u = form.into @ c
    assert np.abs(u).max() < 100
    step = 1e303 / np.abs(form.quartic.gradient(u)).max()
    with np.errstate(all="raise"):
        path = descend(span, c, step_size=step, iterations=3)
    assert path.stop_reason is StopReason.DIVERGED
    assert path.coefficients.tolist() == [c.tolist()]


def test_coordinates_may_be_below_float64_where_coefficients_are_not():
    problem = sensing.gaussian(3, 1, 6, 0)
    generators = 0.03 * np.random.default_rng(0).standard_normal((2, 3, 1))
    span = SpanObjective(problem, generators, 11)
    c = np.array([1e-297, 1e-297])
    assert 0 < np.abs(span.orthonormal.into).max() < 1e-10
    with np.errstate(all="raise"):
        path = descend(span, c, step_size=1e-3, iterations=3)
    assert path.stop_reason is StopReason.ITERATIONS
    np.testing.assert_array_equal(path.values, path.values[0])


def logs_only(span):
    """Return the objective without its plain quartic, as where the powers leave float64."""
    logs = SpanEvaluation(span.generators, span.gram_data, span.units)
    logs.quartic = logs.orthonormal = None
    return logs


def test_coefficients_whose_sum_leaves_float64_are_no_end_of_a_run():
    """Powers of X = 1e-103 e_j are below float64, and 1e308 of them are not."""
    problem = sensing.SensingProblem(sensing.RankOneOperator(np.eye(2)), [1.0, 1.0])
    span = SpanObjective(problem, 1e-103 * np.eye(2)[:, :, None], 3)
    assert span.orthonormal is None
    with np.errstate(all="raise"):
        path = descend(span, [1e308, 1e308], step_size=1e-4, iterations=3)
        far = descend(span, [1e308, -1e308], step_size=1e4, iterations=3)
    assert path.stop_reason is StopReason.ITERATIONS
    # w ← w + 2 η (w − w³) with w = 0.1, so that the cubic part is 2e-6 of w.
    assert path.coefficients == pytest.approx(
        1e308 * 1.0002 ** np.arange(4)[:, None] * np.ones(2), rel=1e-5
    )
    assert far.stop_reason is StopReason.DIVERGED
    assert far.coefficients.tolist() == [[1e308, -1e308]]


@pytest.mark.parametrize("angle", [0.5, 1e-5, 1e-7])
def test_the_step_alone_is_that_of_the_descent(angle):
    """Of nearly parallel generators the unseen part of the start is projected away, at 1e-7."""
    problem = sensing.gaussian(2, 1, 4, 0)
    span = SpanObjective(problem, [[[1.0], [0.0]], [[np.cos(angle)], [np.sin(angle)]]], 3)
    c = np.array([0.7, -0.4])
    path = descend(span, c, step_size=0.01, iterations=1)
    assert step_of_coefficients(span, 0.01)(c) == pytest.approx(path.coefficients[1], rel=1e-14)


@pytest.mark.parametrize(
    ("size", "step_size", "stays"),
    [
        (3.0, 1e308, False),  # twice the step is infinite, and coefficients of zero times that
        (3.0, 1e305, False),
        (0.3, 1e-308, True),
    ],
)
def test_a_step_size_next_to_the_ends_of_float64_is_no_floating_point_error(size, step_size, stays):
    """Two axes measured on their own: K is 3¹² or 0.3¹² on the diagonal, and zero elsewhere."""
    problem = sensing.SensingProblem(sensing.RankOneOperator(size * np.eye(2)), [1.0, 1.0])
    span = SpanObjective(problem, np.eye(2)[:, :, None], 3)
    with np.errstate(all="raise"):
        step = step_of_coefficients(span, step_size)
    with np.errstate(all="ignore"):
        moved = step(np.ones(2))
    if stays:
        assert moved.tolist() == [1.0, 1.0]
    else:
        assert not np.any(np.isfinite(moved))


def test_steps_of_many_are_those_of_each():
    _, problem, _, directions = published_point("two-by-two")
    span = SpanObjective(problem, directions.generators, 3)
    c, steps = np.random.default_rng(1).standard_normal((4, 3)), np.array([0.01, 0.1, 0.3, 1.0])
    for objective in (span, logs_only(span)):
        new, values = step_together(objective, c, steps)
        for row, step, there, value in zip(c, steps, new, values, strict=True):
            expected = row - step * span.projected_gradient(row)
            # Sums of 3⁴ terms, in logarithms.
            assert there == pytest.approx(expected, rel=1e-11, abs=1e-11 * np.abs(row).max())
            assert value == pytest.approx(span.value(expected), rel=1e-10)


def test_steps_that_leave_float64_are_infinite_without_a_warning():
    """Rows: beyond float64 with either sign, and below it."""
    _, problem, _, directions = published_point("real-system")
    span = SpanObjective(problem, 1e-3 * directions.generators, 3)
    c = np.array([[1e200, 1e200, 1e200], [1e80, -1e80, 1e80], [1e-305, 1e-305, 1e-305]])
    for objective in (span, logs_only(span)):
        with np.errstate(all="raise"):
            new, value = step_together(objective, c, np.array([1.0, 1e250, 1e-3]))
        assert not np.any(np.isfinite(new[:2]))
        assert not np.any(np.isfinite(value[:2]))
        np.testing.assert_allclose(new[2], c[2], rtol=0.1)
        assert value[2] == pytest.approx(span.value([0.0, 0.0, 0.0]), rel=1e-12)


def test_logarithms_beyond_float64_are_no_floating_point_error():
    """Components: beyond float64, below it, and unknown, as a sum that cancels beyond float64."""
    logs = np.array([1000.0, -1000.0, 1000.0])
    objective = SimpleNamespace(
        orthonormal=None,
        log_projected=lambda c: (np.array([-1.0, 1.0, 0.0]), logs),
        log_value=lambda c: float(np.sum(c)),
    )
    start = np.array([1.0, 2.0, 3.0])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(step_in_logs(objective, 1.0)(start), [np.inf, 2.0, np.nan])
        logs[:] = -1000.0
        c = np.array([[1000.0, 0.0, 0.0], [-1000.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
        new, value = step_together(objective, c, np.ones(3))
    np.testing.assert_array_equal(new, c)
    np.testing.assert_allclose(value, [np.inf, 0.0, np.exp(3)])


@pytest.mark.parametrize("plain", [True, False])
def test_the_longest_path_takes_about_the_memory_that_is_said(plain):
    """The refusal of longer ones is a bound, and at most twice what a path takes."""
    k, steps = 6, 1000 if plain else 100
    problem = sensing.gaussian(4, 1, 8, 0)
    generators = np.random.default_rng(0).standard_normal((k, 4, 1))
    span = SpanObjective(problem, generators, 3).normalised()
    span = span if plain else logs_only(span)
    start = np.full(k, 0.1)
    with pytest.raises(ValueError, match=r"^iterations: expected at most") as refused:
        descend(span, start, step_size=1e-6, iterations=10**12)
    most = int(re.search(r"at most (\d+) steps", str(refused.value))[1])
    descend(span, start, step_size=1e-6, iterations=1)  # what is kept is computed
    tracemalloc.start()
    descend(span, start, step_size=1e-6, iterations=steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert LARGEST_PATH / 2 < peak * (most / steps) < LARGEST_PATH


@pytest.mark.parametrize("order", [101, 1001])
def test_high_order_runs_in_natural_units(order):
    _, problem, X, directions = published_point("perturbed-completion")
    natural = SpanObjective(problem, directions.generators, order).normalised()
    path = descend(natural, [1.0, 0.1, 0.0], step_size=0.1, iterations=300)
    assert path.stop_reason is StopReason.ITERATIONS
    assert np.all(np.diff(path.values) <= 1e-11)  # rounding, once the path has arrived
    assert problem.objective(
        collapse(natural.generators, path.coefficients[-1], order)
    ) < problem.objective(X)


def test_no_steps_give_the_start():
    _, problem, _, directions = published_point("two-by-two")
    path = descend(
        SpanObjective(problem, directions.generators, 3),
        [1.0, 0.1, 0.0],
        step_size=0.1,
        iterations=0,
    )
    assert path.coefficients.tolist() == [[1.0, 0.1, 0.0]]


@pytest.mark.parametrize(
    ("start", "step", "iterations", "error", "message"),
    [
        ([1.0, 0.0], 0.1, 3, ValueError, "start"),
        ([1.0, np.nan, 0.0], 0.1, 3, ValueError, "start"),
        ([1.0, 0.0, 0.0], -0.1, 3, ValueError, "step_size"),
        ([1.0, 0.0, 0.0], 0.0, 3, ValueError, "step_size"),
        ([1.0, 0.0, 0.0], 0.1, -3, ValueError, "iterations"),
        ([1.0, 0.0, 0.0], 0.1, 1.5, TypeError, "iterations"),
    ],
)
def test_bad_input_is_refused(start, step, iterations, error, message):
    _, problem, _, directions = published_point("two-by-two")
    with pytest.raises(error, match=message):
        descend(
            SpanObjective(problem, directions.generators, 3),
            start,
            step_size=step,
            iterations=iterations,
        )
