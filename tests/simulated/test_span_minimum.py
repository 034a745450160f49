"""The quartic on the span, its descent, lines of matrices, and the choice of independent
generators."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import INDEPENDENT
from lift_compare.simulated import SpanObjective
from lift_compare.simulated.points.kernel_direction import kernel_direction
from lift_compare.simulated.points.line import LineQuartic, stationary_points
from lift_compare.simulated.span.independent import independent_generators
from lift_compare.simulated.span.minimum import RelativeQuartic, line_minima, minimise
from tests.catalogue import small_problems


def span(seed, order, rank=2, count=4):
    rng = np.random.default_rng(seed)
    problem = sensing.gaussian(5, rank, 14, rng)
    objective = SpanObjective(problem, rng.standard_normal((count, 5, rank)), order).normalised()
    return rng, objective, RelativeQuartic.of(objective)


@pytest.mark.parametrize("order", [1, 3, 7])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_quartic_is_the_lifted_objective_up_to_unit_and_constant(order, rank):
    rng, objective, relative = span(order, order, rank)
    quartic = relative.quartic
    c, d, e = rng.standard_normal((3, 4))
    unit = (objective.value(c) - objective.value(d)) / (quartic.value(c) - quartic.value(d))
    assert unit > 0
    assert objective.value(e) - objective.value(d) == pytest.approx(
        unit * (quartic.value(e) - quartic.value(d)), rel=1e-9
    )
    gradient, hessian = quartic.gradient_and_hessian(c)
    np.testing.assert_allclose(unit * gradient, objective.gradient(c), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(unit * hessian, objective.hessian(c), rtol=1e-9, atol=1e-12)
    # h^l = 0 is the floor.
    assert relative.floor == pytest.approx(quartic.value(c) - objective.value(c) / unit, rel=1e-9)


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("seed", [*range(12), 2055, 3997])
def test_minimise_ends_at_a_minimum_that_is_not_above_its_start(seed, order):
    rng, _, relative = span(seed, order)
    quartic, start = relative.quartic, rng.standard_normal(4)
    end = minimise(relative, start)
    assert relative.floor * (1 + 1e-8) <= quartic.value(end) <= quartic.value(start)
    gradient, hessian = quartic.gradient_and_hessian(end)
    curvature = np.linalg.eigvalsh(hessian)
    # What a Newton step could still gain is little.
    gain = np.sum(
        (np.linalg.eigh(hessian)[1].T @ gradient) ** 2 / np.maximum(np.abs(curvature), 1e-9)
    )
    assert gain <= 1e-6 * (quartic.value(start) - quartic.value(end)) + 1e-12 * abs(
        quartic.value(end)
    )
    assert curvature[0] > -1e-5 * curvature[-1]


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_line_minima_against_a_scan(seed):
    rng, _, relative = span(seed, 3)
    quartic = relative.quartic
    c, d = rng.standard_normal((2, 4))
    found = line_minima(quartic, c, d)
    assert len(found) == len({np.sign(t) for t in found})
    here = quartic.value(c)
    for sign in (1, -1):
        scan = min(quartic.value(c + sign * s * d) for s in np.linspace(0, 6, 1201))
        steps = [t for t in found if np.sign(t) == sign]
        if steps:
            assert quartic.value(c + steps[0] * d) < here
            assert quartic.value(c + steps[0] * d) <= scan + 1e-9 * abs(scan)
        else:
            assert scan >= here - 1e-9 * abs(here)


@pytest.mark.parametrize("name", small_problems())
def test_line_quartic_is_h_along_the_line(name):
    problem = small_problems()[name]
    rng = np.random.default_rng(1)
    X, D = rng.standard_normal((2, *problem.shape))
    line = LineQuartic.along(problem, X, D)
    t = np.array([-2.0, -0.3, 0.0, 0.7, 1.9])
    direct = [problem.objective(X + s * D) - problem.objective(X) for s in t]
    np.testing.assert_allclose(line.change(t), direct, rtol=1e-9, atol=1e-9 * problem.objective(X))
    for s in line.stationary_steps():
        slope = float(np.sum(problem.gradient(X + s * D) * D))
        assert abs(slope) <= 1e-7 * (1 + np.linalg.norm(problem.gradient(X)) * np.linalg.norm(D))


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ([0, 0, 0, 0, 0], []),
        ([0, 0, 0, 0, 1], [0]),
        ([0, 0, 1, 0, 0], [0]),
        ([0, 0, -2, 0, 1], [-1, 0, 1]),
        ([0, 0, -2e-12, 0, 1e-24], [-1e6, 0, 1e6]),
        ([5, 0, 3, -4, 1.5], [0, 1, 1]),  # 6 t (t − 1)²: a double zero
        ([0, 1, 0, 0, 0], []),
    ],
)
def test_stationary_points_of_known_quartics(coefficients, expected):
    found = stationary_points(np.array(coefficients, dtype=float))
    np.testing.assert_allclose(found, expected, atol=1e-6 * max([1.0, *map(abs, expected)]))


def test_dependent_and_zero_generators_are_dropped():
    rng = np.random.default_rng(0)
    X, Y, W = rng.standard_normal((3, 4, 2))
    generators = np.stack([X, Y, -2 * X, np.zeros((4, 2)), X + Y, W])
    assert independent_generators(generators, 1) == [0, 1, 5]
    # At order 3 the power of X + Y is not in the span of those of X and Y.
    assert independent_generators(generators, 3) == [0, 1, 4, 5]
    # Four powers span the symmetric cubes of a plane; a fifth adds nothing.
    plane = np.stack([X + s * Y for s in (0.0, 1.0, -1.0, 2.0, -2.0, 0.5)])
    assert len(independent_generators(plane, 3)) <= 4
    assert len(independent_generators(plane, 1)) == 2


def test_kept_generators_are_independent_by_the_stated_measure():
    rng = np.random.default_rng(3)
    base, other = rng.standard_normal((2, 6, 1))
    other -= base * np.sum(base * other) / np.sum(base**2)
    other *= np.linalg.norm(base) / np.linalg.norm(other)
    for sine_squared, kept in ((2 * INDEPENDENT, 2), (INDEPENDENT / 2, 1)):
        angle = np.arcsin(np.sqrt(sine_squared))
        near = np.cos(angle) * base + np.sin(angle) * other
        assert len(independent_generators(np.stack([base, near]), 1)) == kept


def test_kernel_direction():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((5, 1)) @ rng.standard_normal((1, 3))
    u = rng.standard_normal(5)
    u /= np.linalg.norm(u)
    D = kernel_direction(X, u)
    assert np.linalg.norm(D) == pytest.approx(1)
    np.testing.assert_allclose(X @ D.T @ u, 0, atol=1e-12)
    assert kernel_direction(rng.standard_normal((5, 3)), u) is None
    assert kernel_direction(rng.standard_normal((5, 1)), u) is None


def test_quartic_at_an_order_where_powers_leave_float64():
    problem = SensingProblem.from_ground_truth(
        sensing.DenseOperator(np.eye(3)[None]), np.array([[2.0], [0.0], [0.0]])
    )
    objective = SpanObjective(
        problem, np.array([[[2.0], [0.0], [0.0]], [[0.0], [0.1], [0.0]]]), 1001
    ).normalised()
    quartic = RelativeQuartic.of(objective).quartic
    assert np.all(
        np.isfinite(
            [quartic.value(np.array([1.0, 0.5])), *quartic.gradient_and_hessian(np.ones(2))[0]]
        )
    )


def two_of_a_scale(cosines, order):
    """Decoupled generators whose measurements have these cosines with b."""
    rest = np.sqrt(1 - np.sum(np.square(cosines)))
    A = np.zeros((3, 2, 2))
    A[0, 0, 0], A[1, 1, 1] = 1.0, 1.0
    problem = SensingProblem(sensing.DenseOperator(A), np.array([*cosines, rest]), rank=1)
    return SpanObjective(problem, np.eye(2)[:, :, None], order).normalised()


@pytest.mark.parametrize("order", [1, 101, 1001])
@pytest.mark.parametrize("cosines", [(0.6, 0.3), (1e-3, 1e-5)])
def test_the_scale_of_a_generator_and_the_floor_at_any_order(cosines, order):
    """In natural units h^l = ½ Σ (c⁴ − 2c²) cos^2l + ½: the floor is −½, the units are those of
    the largest."""
    objective = two_of_a_scale(cosines, order)
    with np.errstate(all="raise"):
        relative = RelativeQuartic.of(objective)
    K, B = np.einsum("ijij->ij", relative.quartic.K.reshape(2, 2, 2, 2)), relative.quartic.B
    alone = np.maximum(np.abs(np.diag(K)), np.abs(np.diag(B)))
    seen = alone > 1e-90
    assert alone.max() == 1
    assert (alone * relative.scale**2)[seen] == pytest.approx(1.0, rel=1e-12)
    log_unit = 2 * order * np.log(cosines[0])
    floor = -0.5 * np.exp(-log_unit) if log_unit > -709 else -np.inf
    assert relative.floor == pytest.approx(floor, rel=1e-9)


@pytest.mark.parametrize("order", [1, 101, 1001])
def test_cosines_whose_powers_underflow_are_independent_without_a_warning(order):
    generators = np.array([[[1.0], [0.0]], [[1e-2], [1.0]], [[1.0], [1e-9]], [[0.0], [0.0]]])
    with np.errstate(all="raise"):
        assert independent_generators(generators, order) == [0, 1]


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("rank", [0, 1, 2])
def test_kernel_direction_of_a_point_of_any_size_and_rank(size, rank):
    rng = np.random.default_rng(rank)
    X = size * rng.standard_normal((5, rank)) @ rng.standard_normal((rank, 3))
    u = np.eye(5)[0]
    D = kernel_direction(X, u)
    assert np.linalg.norm(D) == pytest.approx(1.0)
    assert np.all(D[1:] == 0)
    np.testing.assert_allclose(X @ D[0], 0, atol=1e-14 * size)
    # As little as 1e-3 of a last singular value is full rank.
    E = np.linalg.qr(rng.standard_normal((5, 3)))[0]
    assert kernel_direction(size * E * [1.0, 0.5, 1e-3], u) is None
