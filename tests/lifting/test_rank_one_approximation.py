import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import (
    LiftedProblem,
    RankOne,
    RankOneProjection,
    best_rank_one,
    projected_gradient_descent,
)
from lift_compare.lifting.rank_one_approximation import _Polynomial
from tests.lifting import explicit


def random_symmetric(d, order, seed):
    rng = np.random.default_rng(seed)
    return sum(c * explicit.power(rng.standard_normal(d), order) for c in rng.standard_normal(5))


def value(T, points):
    """⟨T, x^{⊗l}⟩ for every row x."""
    out = np.broadcast_to(T, (len(points), *T.shape))
    while out.ndim > 1:
        out = np.einsum("k...i,ki->k...", out, points)
    return out


def sphere(d):
    """A fine grid of unit vectors."""
    if d == 2:
        angle = np.linspace(0, np.pi, 20001)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    azimuth, height = np.meshgrid(np.linspace(0, np.pi, 300), np.linspace(-1, 1, 400))
    radius = np.sqrt(1 - height**2)
    return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=-1).reshape(
        -1, 3
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("d", "order"), [(2, 3), (2, 4), (2, 6), (3, 2), (3, 3), (3, 4), (3, 5)])
def test_it_is_the_best_of_an_exhaustive_search(d, order, seed):
    T = random_symmetric(d, order, seed)
    best = best_rank_one(T)
    grid = np.abs(value(T, sphere(d))).max()
    assert grid * (1 - 1e-12) <= abs(best.weight) <= grid * (1 + 1e-3)
    assert best.weight == pytest.approx(value(T, best.vector[None])[0], rel=1e-12)
    assert np.linalg.norm(best.vector) == pytest.approx(1)
    error = np.linalg.norm(T - best.tensor())
    assert error**2 == pytest.approx(np.linalg.norm(T) ** 2 - best.weight**2, rel=1e-9)


@pytest.mark.parametrize("order", [2, 4])
def test_a_dominant_negative_weight_is_found(order):
    x, y = np.array([0.6, 0.8, 0.0]), np.array([0.0, 0.0, 1.0])
    best = best_rank_one(-2 * explicit.power(x, order) + explicit.power(y, order))
    assert best.weight == pytest.approx(-2)
    np.testing.assert_allclose(np.abs(best.vector), x, atol=1e-12)


@pytest.mark.parametrize("order", [1, 3, 11])
@pytest.mark.parametrize("weight", [3.0, -3.0])
def test_a_rank_one_tensor_is_its_own_best_approximation(order, weight):
    x = np.array([0.6, -0.8, 0.0])
    best = best_rank_one(weight * explicit.power(x, order))
    assert best.weight == pytest.approx(3)
    np.testing.assert_allclose(best.vector, np.sign(weight) * x, atol=1e-12)
    np.testing.assert_allclose(best.tensor(), weight * explicit.power(x, order), atol=1e-12)


def test_it_is_deterministic_and_does_not_use_the_global_generator():
    T = random_symmetric(6, 3, seed=9)
    state = np.random.get_state()[1].copy()  # noqa: NPY002 - the point is that nothing touches it
    first, again = best_rank_one(T, seed=4), best_rank_one(T, seed=4)
    np.testing.assert_array_equal(first.vector, again.vector)
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002


def test_zero_and_the_printed_form():
    best = best_rank_one(np.zeros((3, 3, 3)))
    assert best.weight == 0
    assert np.linalg.norm(best.vector) == 1
    assert "⊗3" in repr(best)


def test_bad_tensors_are_refused():
    with pytest.raises(ValueError, match="symmetric"):
        best_rank_one(np.arange(8.0).reshape(2, 2, 2))
    with pytest.raises(ValueError, match="one length"):
        best_rank_one(np.ones((2, 3)))
    with pytest.raises(ValueError, match="finite"):
        best_rank_one(np.full((2, 2), np.nan))
    with pytest.raises(TypeError, match="tensor"):
        best_rank_one(np.ones((2, 2), dtype=complex))


@pytest.mark.parametrize(
    "kept",  # the permutations of the modes that change nothing, besides none at all
    [
        [(2, 1, 0)],  # the order turned back
        [(1, 0, 2)],  # the first two exchanged
        [(1, 2, 0), (2, 0, 1)],  # all turned round
        [(3, 2, 1, 0)],
        [(1, 2, 3, 0), (2, 3, 0, 1), (3, 0, 1, 2)],
    ],
)
def test_tensors_of_a_smaller_symmetry_are_refused(kept):
    order = len(kept[0])
    T = np.random.default_rng(9).standard_normal((3,) * order)
    T = sum(np.transpose(T, axes) for axes in [tuple(range(order)), *kept])
    for axes in kept:
        np.testing.assert_allclose(np.transpose(T, axes), T, rtol=1e-14)
    with pytest.raises(ValueError, match="tensor: expected a symmetric tensor"):
        best_rank_one(T)


def test_a_matrix_that_is_not_symmetric_is_refused():
    with pytest.raises(ValueError, match="tensor: expected a symmetric tensor"):
        best_rank_one(np.array([[1.0, 2.0], [0.0, 1.0]]))


def test_rank_one_projection_of_the_descent_stays_on_the_rank_one_tensors():
    problem = sensing.two_by_two()
    lifted = LiftedProblem(problem, 3)
    projection = RankOneProjection(seed=1)
    start = lifted.lift([[0.9], [0.2]])
    np.testing.assert_allclose(projection(start), start, atol=1e-12)
    run = projected_gradient_descent(
        lifted, start, step_size=1e-2, iterations=60, projection=projection
    )
    assert run.coefficients is None
    assert run.values[-1] < 0.5 * run.values[0]
    matrix = run.tensor.reshape(2, 4)
    assert np.linalg.matrix_rank(matrix, tol=1e-10) == 1
    assert "seed=1" in repr(projection)


def test_the_seed_of_the_projection_is_the_one_of_the_search(monkeypatch):
    seeds = []

    def search(tensor, *, seed):
        seeds.append(seed)
        return best_rank_one(tensor, seed=seed)

    monkeypatch.setattr("lift_compare.lifting.projection.best_rank_one", search)
    T = random_symmetric(3, 3, seed=0)
    for projection in (RankOneProjection(), RankOneProjection(0), RankOneProjection(seed=7)):
        np.testing.assert_array_equal(projection(T), best_rank_one(T).tensor())
    assert seeds == [0, 0, 7]
    with pytest.raises(ValueError, match=r"^seed: expected"):
        RankOneProjection(seed=-1)


ORDERS = [(3, 2), (3, 3), (2, 4), (3, 4), (3, 5), (2, 6)]


def normalised_columns(rng, d, k):
    x = rng.standard_normal((d, k))
    return x / np.linalg.norm(x, axis=0)


def contracted(T, x, times):
    for _ in range(times):
        T = np.tensordot(T, x, (0, 0))
    return T


@pytest.mark.parametrize(("d", "order"), ORDERS)
def test_the_polynomial_and_its_derivatives_are_contractions(d, order):
    T = random_symmetric(d, order, seed=5)
    polynomial = _Polynomial(T)
    points = np.random.default_rng(6).standard_normal((d, 4))
    for got, times in (
        (polynomial.value(points), order),
        (polynomial.contracted(points).T, order - 1),
        (polynomial.contracted_twice(points), order - 2),
    ):
        want = np.array([contracted(T, x, times) for x in points.T])
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-13 * np.abs(want).max())


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize(("d", "order"), ORDERS)
def test_the_power_iteration_ascends(monkeypatch, d, order, sign):
    """Kolda and Mayo's shift makes p convex where x stands: no step from near a maximum lowers it,
    and for a matrix, which is as convex everywhere, no step at all. Points stay on the sphere."""
    for seed in range(6):
        T = random_symmetric(d, order, seed)
        polynomial = _Polynomial(T)
        x = normalised_columns(np.random.default_rng(seed), d, 40)
        if order > 2:
            x = x[:, :8] * 0.02 + polynomial.climb(x[:, :8], sign)
            x /= np.linalg.norm(x, axis=0)
        with monkeypatch.context() as one_step:
            one_step.setattr("lift_compare.lifting.rank_one_approximation._ITERATIONS", 1)
            for _ in range(12):
                new = polynomial.climb(x, sign)
                gained = sign * (polynomial.value(new) - polynomial.value(x))
                assert gained.min() >= -1e-14 * np.linalg.norm(T)
                np.testing.assert_allclose(np.linalg.norm(new, axis=0), 1, rtol=1e-14)
                x = new


def test_a_start_where_the_gradient_vanishes_stays_there():
    polynomial = _Polynomial(explicit.power([1.0, 0.0], 3))
    np.testing.assert_array_equal(polynomial.climb(np.array([[0.0], [1.0]]), 1.0), [[0.0], [1.0]])


def test_a_start_that_is_behind_at_first_may_win():
    """Eight starts stand on the second eigenvector of a matrix. The ninth passes them within some
    steps, and all that go on to the end are where a power iteration ends."""
    polynomial = _Polynomial(np.diag([3.0, 1.0, 0.9]))
    late = np.array([0.05, 0.0, 1.0])
    starts = np.stack([*[np.array([0.0, 1.0, 0.0])] * 8, late / np.linalg.norm(late)], axis=1)
    assert polynomial.value(starts)[-1] < 1
    assert polynomial.value(polynomial.climb(starts, 1.0)).max() == pytest.approx(3)


def test_a_few_starts_are_all_followed():
    """For longer than the thirty steps after which only the highest of many go on."""
    polynomial = _Polynomial(np.diag([1.0, 0.9]))
    starts = np.array([[0.1, 0.2, 0.3], [1.0, 1.0, 1.0]])
    ends = polynomial.climb(starts / np.linalg.norm(starts, axis=0), 1.0)
    np.testing.assert_allclose(np.abs(ends), [[1, 1, 1], [0, 0, 0]], atol=1e-6)


def miss(T, x):
    """‖T x^{l−1} − λ x‖, zero at a stationary point of p on the sphere."""
    step = contracted(T, x, T.ndim - 1)
    return np.linalg.norm(step - (x @ step) * x)


@pytest.mark.parametrize(("d", "order"), ORDERS)
def test_polishing_solves_for_the_stationary_point_to_rounding(d, order):
    """From a hundredth beside it. Newton converges quadratically: 1e-2, 1e-4, 1e-8, 1e-16, ..."""
    for seed in range(3):
        T = random_symmetric(d, order, seed)
        best = best_rank_one(T).vector
        near = best + 0.01 * normalised_columns(np.random.default_rng(seed), d, 1)[:, 0]
        near /= np.linalg.norm(near)
        polished = _Polynomial(T).polish(near)
        assert miss(T, near) > 1e-4 * np.linalg.norm(T)
        assert miss(T, polished) <= 1e-14 * np.linalg.norm(T)
        np.testing.assert_allclose(polished, best, rtol=0, atol=1e-11)


@pytest.mark.parametrize(("d", "order"), ORDERS)
def test_polishing_never_makes_it_worse(d, order):
    """Also from points that are near no stationary point, where a Newton step may lead anywhere."""
    T = random_symmetric(d, order, seed=1)
    polynomial = _Polynomial(T)
    for x in normalised_columns(np.random.default_rng(2), d, 40).T:
        polished = polynomial.polish(x)
        assert miss(T, polished) <= miss(T, x) + 1e-14 * np.linalg.norm(T)
        assert np.linalg.norm(polished) == pytest.approx(1, rel=1e-14)


def test_a_newton_step_that_jumps_is_not_taken():
    """On diag(1, −1) the angle goes from θ by −tan(2 θ)/2 along the tangent: from 40° to −30°,
    nearer to stationary but near another point."""
    angle = np.deg2rad(40)
    x = np.array([np.cos(angle), np.sin(angle)])
    np.testing.assert_array_equal(_Polynomial(np.diag([1.0, -1.0])).polish(x), x)


def test_a_rank_one_tensor_of_more_modes_than_an_array_can_have_is_refused():
    assert repr(RankOne(0.5, np.array([0.6, 0.8]), 63)) == (
        "RankOne(0.5 · vector^⊗63, vector of length 2)"
    )
    most = r"^order: expected at most 63, the modes a numpy array can have, got 64$"
    with pytest.raises(ValueError, match=most):
        RankOne(0.5, np.array([0.6, 0.8]), 64)
