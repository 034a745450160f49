import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import (
    LiftedProblem,
    SpanProjection,
    projected_gradient_descent,
)
from tests.lifting import explicit
from tests.lifting.conftest import _entrywise


def test_span_projection_is_the_least_squares_fit():
    rng = np.random.default_rng(0)
    tensors, w = rng.standard_normal((3, 4, 4, 4)), rng.standard_normal((4, 4, 4))
    span = SpanProjection(tensors)
    fit, *_ = np.linalg.lstsq(tensors.reshape(3, -1).T, w.ravel(), rcond=None)
    np.testing.assert_allclose(span.coefficients(w), fit, rtol=1e-12)
    np.testing.assert_allclose(span(w), np.tensordot(fit, tensors, 1), rtol=1e-12)
    np.testing.assert_allclose(span(span(w)), span(w), rtol=1e-12)
    np.testing.assert_allclose(
        span.gram, np.tensordot(tensors, tensors, ([1, 2, 3], [1, 2, 3])), rtol=1e-12
    )


def test_span_projection_ignores_the_norms_of_the_generators():
    rng = np.random.default_rng(1)
    tensors, w = rng.standard_normal((2, 3, 3, 3)), rng.standard_normal((3, 3, 3))
    scaled = SpanProjection([1e9 * tensors[0], 1e-9 * tensors[1]])
    assert scaled.rank == 2
    np.testing.assert_allclose(scaled(w), SpanProjection(tensors)(w), rtol=1e-12)
    np.testing.assert_allclose(
        scaled.coefficients(w) * [1e9, 1e-9], SpanProjection(tensors).coefficients(w), rtol=1e-12
    )


def test_span_projection_takes_parallel_generators():
    rng = np.random.default_rng(2)
    a, b, w = rng.standard_normal((3, 2, 2, 2))
    span = SpanProjection([a, b, -3 * b])
    assert span.rank == 2
    np.testing.assert_allclose(span(w), SpanProjection([a, b])(w), rtol=1e-12)
    c = span.coefficients(w)
    np.testing.assert_allclose(c[0] * a + c[1] * b - 3 * c[2] * b, span(w), rtol=1e-12)


def test_span_projection_refuses_bad_generators():
    for none in ([], np.zeros((0, 2)), np.array(1.0), None):
        with pytest.raises(ValueError, match="at least one"):
            SpanProjection(none)
    with pytest.raises(ValueError, match="not zero"):
        SpanProjection([np.ones((2, 2)), np.zeros((2, 2))])
    with pytest.raises(ValueError, match=r"tensors\[1\]"):
        SpanProjection([np.ones((2, 2)), np.ones((2, 3))])
    with pytest.raises(ValueError, match="finite"):
        SpanProjection([np.array([[np.nan, 1.0]])])


@pytest.mark.parametrize("method", ["__call__", "coefficients"])
def test_span_projection_refuses_bad_tensors(method):
    project = getattr(SpanProjection([np.ones((2, 2))]), method)
    assert np.all(project([[1, 2], [3, 4]]) == 2.5)  # numbers in lists are as good as an array
    for bad in (np.ones(4), np.ones((4, 1)), np.array([[1, 2], [3, np.nan]])):
        with pytest.raises(ValueError, match=r"^tensor: expected"):
            project(bad)
    for bad in ("text", None, np.ones((2, 2), dtype=complex)):
        with pytest.raises(TypeError, match=r"^tensor: expected"):
            project(bad)


@pytest.mark.parametrize("projected", [False, True])
def test_descent_follows_its_formula(projected):
    problem, order, eta = sensing.gaussian(3, 2, 4, seed=2), 3, 1e-3
    lifted = LiftedProblem(problem, order)
    rng = np.random.default_rng(3)
    tensors = [lifted.lift(X) for X in 0.5 * rng.standard_normal((3, 3, 2))]
    span = SpanProjection(tensors) if projected else None
    start = tensors[0] + 0.3 * tensors[1]
    seen = []
    run = projected_gradient_descent(
        lifted,
        start,
        step_size=eta,
        iterations=4,
        projection=span,
        callback=lambda t, w, h: seen.append((t, h)),
    )
    w, values = start, []
    basis, _ = np.linalg.qr(np.reshape(tensors, (3, -1)).T)
    for _ in range(5):
        values.append(explicit.value(problem, order, w))
        last = w
        w = w - eta * explicit.gradient(problem, order, w)
        if projected:
            w = (basis @ (basis.T @ w.ravel())).reshape(w.shape)
    np.testing.assert_allclose(run.tensor, last, rtol=0, atol=1e-12 * np.abs(last).max())
    np.testing.assert_allclose(run.values, values, rtol=1e-11)
    assert run.stop_reason is sensing.StopReason.ITERATIONS
    assert run.iterations == 4
    assert seen == list(enumerate(run.values))
    if projected:
        assert run.coefficients.shape == (5, 3)
        np.testing.assert_allclose(run.coefficients[0], [1, 0.3, 0], atol=1e-12)
        np.testing.assert_allclose(
            np.tensordot(run.coefficients[-1], tensors, 1), run.tensor, atol=1e-12
        )
    else:
        assert run.coefficients is None
    np.testing.assert_array_equal(start, tensors[0] + 0.3 * tensors[1])


@pytest.mark.parametrize("operator", ["gaussian", "entrywise"])
@pytest.mark.parametrize("generators", ["none", "symmetric", "not symmetric"])
@pytest.mark.parametrize("start", ["symmetric", "not symmetric"])
def test_iterates_may_become_symmetric_or_cease_to_be(operator, generators, start):
    """A form for symmetric tensors takes the iterates that are, and no others."""
    rng = np.random.default_rng(5)
    problem = _entrywise(3, 1, seed=6) if operator == "entrywise" else sensing.gaussian(3, 1, 4, 2)
    order, eta = 3, 1e-3
    lifted = LiftedProblem(problem, order)
    form = LiftedProblem(problem, order, form="symmetric-pairs")
    symmetric = [lifted.lift(X) for X in 0.5 * rng.standard_normal((2, 3, 1))]
    others = [0.5 * T for T in rng.standard_normal((2, 3, 3, 3))]
    w = {"symmetric": symmetric[0] + 0.3 * symmetric[1], "not symmetric": others[1]}[start]
    tensors = {"none": None, "symmetric": symmetric, "not symmetric": [symmetric[0], others[0]]}
    tensors = tensors[generators]
    span = SpanProjection(tensors) if tensors is not None else None
    if span is not None:
        assert span.is_symmetric == (generators == "symmetric")
        basis, _ = np.linalg.qr(np.reshape(tensors, (2, -1)).T)
    runs = [
        projected_gradient_descent(each, w, step_size=eta, iterations=4, projection=span)
        for each in (lifted, form)
    ]
    for _ in range(4):
        w = w - eta * explicit.gradient(problem, order, w)
        if span is not None:
            w = (basis @ (basis.T @ w.ravel())).reshape(w.shape)
    for run in runs:
        np.testing.assert_allclose(run.tensor, w, rtol=0, atol=1e-12 * np.abs(w).max())
        assert run.values[-1] == pytest.approx(explicit.value(problem, order, w), rel=1e-11)


def test_descent_on_the_two_by_two_example_reaches_the_truth():
    """Its generators b and c are parallel; the projected path still ends at h^l = 0
    (docs/theory.md, section 6)."""
    problem = sensing.two_by_two()
    lifted = LiftedProblem(problem, 3)
    base, visible = lifted.lift([[0.0], [0.5**0.5]]), lifted.lift([[1.0], [0.0]])
    run = projected_gradient_descent(
        lifted,
        base + 0.1 * visible,
        step_size=0.02,
        iterations=3000,
        projection=SpanProjection([base, visible, -0.2 * visible]),
    )
    assert run.values[-1] < 1e-10
    assert np.all(np.diff(run.values) <= 1e-15)
    np.testing.assert_allclose(run.tensor, lifted.lift(problem.ground_truth), atol=1e-5)


def test_a_diverging_run_stops_with_finite_numbers():
    lifted = LiftedProblem(sensing.two_by_two(), 3)
    span = SpanProjection([lifted.lift([[1.0], [1.0]])])
    run = projected_gradient_descent(
        lifted, lifted.lift([[1.0], [1.0]]), step_size=1e3, iterations=1000, projection=span
    )
    assert run.stop_reason is sensing.StopReason.DIVERGED
    assert run.iterations < 1000
    for array in (run.tensor, run.values, run.coefficients):
        assert np.all(np.isfinite(array))
    assert "step is too large" in repr(run)


def test_the_callback_can_stop_the_run():
    lifted = LiftedProblem(sensing.two_by_two(), 3)
    run = projected_gradient_descent(
        lifted,
        lifted.lift([[1.0], [1.0]]),
        step_size=1e-3,
        iterations=10,
        callback=lambda t, w, h: t == 2,
    )
    assert run.stop_reason is sensing.StopReason.CALLBACK
    assert run.iterations == 2


def test_bad_arguments_are_refused():
    lifted = LiftedProblem(sensing.two_by_two(), 3)
    w = lifted.lift([[1.0], [1.0]])
    with pytest.raises(ValueError, match="step_size"):
        projected_gradient_descent(lifted, w, step_size=-1.0, iterations=3)
    with pytest.raises(ValueError, match="iterations"):
        projected_gradient_descent(lifted, w, step_size=1.0, iterations=-3)
    with pytest.raises(ValueError, match="start"):
        projected_gradient_descent(lifted, np.zeros(3), step_size=1.0, iterations=3)
    with pytest.raises(ValueError, match="start"):
        projected_gradient_descent(lifted, w * np.inf, step_size=1.0, iterations=3)


def test_a_diverging_run_in_the_symmetric_form_stops_the_same_way():
    """Order 11: no other form would fit the limit, so an overflow must not be taken for a tensor
    without symmetry."""
    problem = sensing.perturbed_completion(3)
    lifted = LiftedProblem(problem, 11, memory_limit=10**8)
    assert lifted.cost.form.startswith("symmetric")
    start = lifted.lift([[1.0], [0.5], [1.2]])
    run = projected_gradient_descent(lifted, start, step_size=10.0, iterations=50)
    assert run.stop_reason is sensing.StopReason.DIVERGED
    assert np.all(np.isfinite(run.values))
    assert np.all(np.isfinite(run.tensor))


@pytest.mark.parametrize("angle", [1e-1, 1e-3, 1e-5])
def test_span_projection_is_idempotent_for_nearly_parallel_generators(angle: float) -> None:
    """E is orthonormal to rounding, whatever the condition of Γ (about 1 / angle²)."""
    rng = np.random.default_rng(0)
    first, other, w = rng.standard_normal((3, 4, 4, 4))
    span = SpanProjection([first, first + angle * other])
    once = span(w)
    np.testing.assert_allclose(span(once), once, rtol=0, atol=64 * 2**-52 * np.linalg.norm(w))
