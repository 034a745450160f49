"""Lifting inside a subspace: Ritz values, and a descent that leaves the spurious point."""

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.compare import compressed_lifting


@pytest.mark.parametrize("seed", range(3))
def test_curvatures_are_ritz_values(seed):
    """They fall with the dimension to the least over all tensors, and meet it at k = n r."""
    problem = sensing.gaussian(4, 1, 7, seed=seed)
    X = np.random.default_rng(seed).standard_normal((4, 1))
    X = sensing.gradient_descent(
        problem, X, step_size=sensing.Backtracking(), max_iterations=2000
    ).point
    found = compressed_lifting(problem, X, order=3, size=4)
    least = lifting.least_curvature_at_point(problem, X, 3)
    slack = 1e-7 * max(1.0, abs(found.ritz_values[0]))  # residual asked of an eigenpair
    assert np.all(np.diff(found.ritz_values) <= slack)
    assert np.all(found.symmetric_ritz_values >= found.ritz_values - slack)
    assert found.least_curvature == pytest.approx(least.value, abs=slack)
    if len(found.basis) == 4:
        assert found.ritz_values[-1] == pytest.approx(least.value, abs=slack)
    flat = found.basis.reshape(len(found.basis), -1)
    np.testing.assert_allclose(flat @ flat.T, np.eye(len(flat)), atol=1e-13)


def test_the_descent_in_two_dimensions_leaves_the_spurious_point():
    problem = sensing.perturbed_completion()
    X = sensing.instance("perturbed-completion").stationary_point()
    found = compressed_lifting(problem, X, order=5, size=2, steps=300)
    assert found.ritz_values[-1] == pytest.approx(found.power_curvature)
    assert found.objective_after < 1e-9 * found.objective_before
    assert "k^l" in found.table()
    assert "k = 2" in repr(found)
    assert compressed_lifting(problem, X, order=5, size=2).point is None


@pytest.mark.parametrize("name", ["size", "steps"])
def test_bad_counts_are_refused_by_name(name):
    problem = sensing.perturbed_completion()
    with pytest.raises(ValueError, match=f"{name}: "):
        compressed_lifting(problem, problem.ground_truth, 3, **{name: -1})
