"""Runs of the descent on the span: where they end, and what they refuse."""

import numpy as np
import pytest

from lift_compare.sensing import StopReason
from lift_compare.simulated import SpanObjective, collapse, descend
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
