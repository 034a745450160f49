import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import LiftedProblem, least_curvature
from tests.catalogue import PUBLISHED_NUMBERS
from tests.lifting import explicit


@pytest.mark.parametrize(
    ("problem", "order"),
    [
        (sensing.two_by_two(), 3),
        (sensing.gaussian(3, 1, 2, seed=1), 3),
        (sensing.gaussian(2, 2, 2, seed=3), 3),
        (sensing.real_system(), 3),
        (sensing.perturbed_completion(3), 3),
        (sensing.gaussian(4, 3, 7, seed=4), 1),
        (sensing.two_by_two(), 5),
    ],
    ids=repr,
)
def test_it_is_the_least_eigenvalue_of_the_explicit_hessian(problem, order):
    lifted = LiftedProblem(problem, order)
    rng = np.random.default_rng(0)
    for w in (lifted.lift(rng.standard_normal(problem.shape)), rng.standard_normal(lifted.shape)):
        identity = np.eye(w.size).reshape(-1, *lifted.shape)
        H = np.array([explicit.hessian_product(problem, order, w, e).ravel() for e in identity])
        eigenvalues = np.linalg.eigvalsh(H)
        found = least_curvature(lifted, w, seed=3)
        assert found.stop_reason is sensing.StopReason.CONVERGED
        assert found.value == pytest.approx(eigenvalues[0], abs=1e-10 * np.abs(eigenvalues).max())
        assert np.linalg.norm(found.direction) == pytest.approx(1)
        assert found.direction.shape == lifted.shape
        image = (H @ found.direction.ravel()) - found.value * found.direction.ravel()
        assert np.linalg.norm(image) <= 1e-7 * np.abs(eigenvalues).max()
        assert found.residual == pytest.approx(
            np.linalg.norm(image), abs=1e-9 * np.abs(eigenvalues).max()
        )


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("name", ["two-by-two", "perturbed-completion"])
def test_published_curvatures(name, order):
    instance = sensing.instance(name)
    key = {"two-by-two": "two_by_two", "perturbed-completion": "perturbed_completion_3"}[name]
    recomputed = PUBLISHED_NUMBERS[key]["recomputed"]
    point = instance.known_point
    if "exact_stationary_point" in recomputed:
        point = np.array(recomputed["exact_stationary_point"])[:, None]
    X = sensing.polish(instance.problem, point)
    lifted = LiftedProblem(instance.problem, order)
    found = least_curvature(lifted, lifted.lift(X))
    assert found.value == pytest.approx(recomputed["lifted_least_curvature"][str(order)], abs=1e-6)


def test_it_is_deterministic_under_its_seed():
    lifted = LiftedProblem(sensing.perturbed_completion(4), 3)
    w = lifted.lift(np.random.default_rng(1).standard_normal((4, 1)))
    first, again = (least_curvature(lifted, w, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first.direction, again.direction)
    assert first.value == again.value
    assert "converged" in first.stop_reason.name.lower()
    assert f"{first.value:.10g}" in repr(first)


def test_a_search_that_is_cut_short_says_so_with_its_residual():
    lifted = LiftedProblem(sensing.perturbed_completion(6), 3)
    w = lifted.lift(np.random.default_rng(2).standard_normal((6, 1)))
    found = least_curvature(lifted, w, tolerance=1e-30, max_iterations=1)
    assert found.stop_reason is sensing.StopReason.ITERATIONS
    assert np.isfinite(found.residual)


def test_bad_arguments_are_refused():
    lifted = LiftedProblem(sensing.two_by_two(), 3)
    with pytest.raises(ValueError, match="w: expected"):
        least_curvature(lifted, np.zeros((2, 2)))
    with pytest.raises(ValueError, match="w: expected a tensor where the Hessian is finite"):
        least_curvature(lifted, np.full((2, 2, 2), 1e200))
    with pytest.raises(ValueError, match="max_iterations"):
        least_curvature(lifted, np.zeros((2, 2, 2)), max_iterations=0)
    with pytest.raises(ValueError, match="tolerance"):
        least_curvature(lifted, np.zeros((2, 2, 2)), tolerance=-1.0)
