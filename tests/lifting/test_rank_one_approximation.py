import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import (
    LiftedProblem,
    RankOneProjection,
    best_rank_one,
    projected_gradient_descent,
)
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
