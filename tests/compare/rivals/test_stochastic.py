"""Stochastic gradient descent takes unbiased steps, reproducibly."""

from __future__ import annotations

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.rivals.stochastic import stochastic_descent
from tests.catalogue import small_problems


@pytest.mark.parametrize("name", ["two_by_two", "gaussian_r2", "rank_one", "entrywise_holes"])
def test_the_mean_step_over_the_measurements_is_the_gradient_step(name: str) -> None:
    problem = small_problems()[name]
    X = np.random.default_rng(1).standard_normal(problem.shape)
    # One step is X − η m ∇h_i; every i comes up among these seeds, and each gives one point.
    ends: dict[int, np.ndarray] = {}
    for seed in range(400):
        i = int(np.random.default_rng(seed).integers(problem.m, size=1)[0])
        ends[i] = stochastic_descent(problem, X, step_size=0.01, iterations=1, seed=seed)[1]
    assert sorted(ends) == list(range(problem.m))
    mean = np.mean([ends[i] for i in range(problem.m)], axis=0)
    np.testing.assert_allclose(mean, X - 0.01 * problem.gradient(X), rtol=1e-12, atol=1e-14)


def test_the_same_seed_gives_the_same_path_and_another_one_another() -> None:
    problem, X = sensing.two_by_two(), np.array([[0.1], [0.7]])
    first, second, other = (
        stochastic_descent(problem, X, step_size=0.01, iterations=50, seed=seed)
        for seed in (3, 3, 4)
    )
    assert first.shape == (51, 2, 1)
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-6


def test_the_truth_is_a_fixed_point() -> None:
    problem = sensing.gaussian(4, 2, 9, 0)
    assert problem.ground_truth is not None
    path = stochastic_descent(problem, problem.ground_truth, step_size=0.1, iterations=30, seed=0)
    np.testing.assert_allclose(path[-1], problem.ground_truth, atol=1e-12)


def test_a_diverging_path_ends_at_its_last_finite_point() -> None:
    path = stochastic_descent(
        sensing.two_by_two(), [[2.0], [2.0]], step_size=10.0, iterations=500, seed=0
    )
    assert 1 < len(path) < 501
    assert np.all(np.isfinite(path))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"step_size": 0.0}, "step_size"),
        ({"step_size": -1.0}, "step_size"),
        ({"iterations": -1}, "iterations"),
        ({"iterations": 1.5}, "iterations"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, float], words: str) -> None:
    with pytest.raises((TypeError, ValueError), match=words):
        stochastic_descent(
            sensing.two_by_two(),
            [[1.0], [0.0]],
            **{"step_size": 0.1, "iterations": 3, "seed": 0, **settings},
        )
