"""The instances against their definitions and the published data."""

import numpy as np
import pytest

from lift_compare import sensing
from tests.catalogue import PUBLISHED_NUMBERS


def test_real_system_has_the_published_matrices() -> None:
    published = PUBLISHED_NUMBERS["instances"]["real_system"]
    problem = sensing.real_system()
    np.testing.assert_array_equal(problem.operator.matrices(), published["matrices"])
    np.testing.assert_array_equal(problem.ground_truth[:, 0], published["ground_truth"])


def test_perturbed_completion_entry_by_entry() -> None:
    problem = sensing.perturbed_completion(5, 0.15)
    A = problem.operator.matrices().reshape(5, 5, 5, 5)
    for i in range(5):
        for j in range(5):
            expected = np.zeros((5, 5))
            weight = 1 if i == j or i % 2 or j % 2 else 0.15
            expected[i, j] += weight / 2
            expected[j, i] += weight / 2
            np.testing.assert_array_equal(A[i, j], expected)
    np.testing.assert_array_equal(problem.ground_truth[:, 0], [1, 0, 1, 0, 1])
    assert (problem.n, problem.m, problem.rank) == (5, 25, 1)


def test_gaussian_is_an_isometry_on_average_and_seeded() -> None:
    first, again, other = (sensing.gaussian(4, 2, 4000, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.measurements, again.measurements)
    assert not np.array_equal(first.measurements, other.measurements)
    M = np.random.default_rng(0).standard_normal((4, 2))
    quotient = np.sum(first.operator.measure(M, M) ** 2) / np.linalg.norm(M @ M.T) ** 2
    assert quotient == pytest.approx(1, abs=0.15)  # standard deviation √(2/4000) = 0.02


def test_quadratic_network_is_half_the_mean_squared_error() -> None:
    rng = np.random.default_rng(1)
    x, y, U = rng.standard_normal((12, 4)), rng.random(12), rng.standard_normal((4, 2))
    loss = np.mean((np.sum((x @ U) ** 2, axis=1) - y) ** 2)
    assert sensing.quadratic_network(x, y, 2).objective(U) == pytest.approx(loss / 2, rel=1e-12)


def test_ground_truths_are_minima() -> None:
    for problem in (sensing.two_by_two(), sensing.real_system(), sensing.gaussian(5, 2, 9, 3)):
        assert problem.objective(problem.ground_truth) < 1e-28
        assert np.linalg.norm(problem.gradient(problem.ground_truth)) < 1e-14


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sensing.perturbed_completion(1), "n: expected a whole number of at least 2"),
        (lambda: sensing.perturbed_completion(3, -0.1), "epsilon: expected a finite number > 0"),
        (lambda: sensing.perturbed_completion(3, float("nan")), "epsilon"),
        (lambda: sensing.gaussian(2, 3, 4, 0), "rank: expected at most n = 2"),
        (lambda: sensing.quadratic_network(np.ones((3, 2)), np.ones(4), 1), "targets"),
    ],
)
def test_bad_settings_are_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_words_for_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="epsilon"):
        sensing.perturbed_completion(3, "0.1")
    with pytest.raises(TypeError, match="epsilon"):
        sensing.perturbed_completion(3, [0.1])


def test_the_published_point_of_the_two_by_two_example_is_a_degenerate_saddle() -> None:
    problem = sensing.two_by_two()
    X = np.array([[0.0], [np.sqrt(0.5)]])
    np.testing.assert_allclose(problem.gradient(X), 0, atol=1e-15)
    hessian = np.array([problem.hessian_product(X, e[:, None])[:, 0] for e in np.eye(2)])
    np.testing.assert_allclose(hessian, [[0, 0], [0, 2]], atol=1e-15)
    for t in (1e-3, 0.01, 0.1, 0.3):
        on_the_curve = np.array([[t], [np.sqrt(0.5 - 2 * t**2)]])
        np.testing.assert_allclose(problem.objective(on_the_curve), 3 / 8 - 1.5 * t**4, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("two-by-two", "two-by-two"),
        ("completion:n=4,epsilon=0.3", "completion-n-4-epsilon-0-3"),
        ("my_data.v2", "my-data-v2"),
        ("ä b", "b"),
        ("3x3", "instance-3x3"),
        ("…", "instance"),
    ],
)
def test_the_label_of_an_instance_does_for_files_and_ids(name: str, label: str) -> None:
    assert sensing.Instance(name, sensing.two_by_two()).label == label


@pytest.mark.parametrize("text", ["gaussian:n=5,m=6,n=7", "gaussian:n=5,,m=6", "gaussian:n"])
def test_a_malformed_list_of_parameters_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^instance: "):
        sensing.parse_instance(text)


def test_random_instances_take_no_other_instances_settings() -> None:
    names = ["gaussian:n=4,m=5", "rank-one:n=4,m=5", "completion:n=4", "sparse-completion:n=4"]
    assert [sensing.parse_instance(name).settings for name in names] == [None] * 4


@pytest.mark.parametrize("name", ["gaussian", "rank-one"])
def test_sizes_that_no_machine_holds_are_refused_at_once(name: str) -> None:
    with pytest.raises(MemoryError, match="an array of shape"):
        sensing.instance(name, n=10**30, m=10**30)


def test_a_start_underflows_without_a_signal_and_overflows_by_name():
    """Whatever numpy's signals are set to: found by random calls."""
    with np.errstate(all="raise"):
        tiny = sensing.DescentSettings(np.zeros((3, 1)), 5e-324, 0, 0.1, 0, 0)
        assert np.isfinite(tiny.start()).all()
        huge = sensing.DescentSettings(np.full((3, 1), 1.7e308), 1.7e308, 0, 0.1, 0, 0)
        with pytest.raises(OverflowError, match="start"):
            huge.start()


def test_a_point_that_newton_steps_take_to_zero_is_refused_as_given():
    """Near zero, X = 0 is the stationary point: the refusal names ‖X‖, not X = 0."""
    problem = sensing.perturbed_completion(3)
    instance = sensing.Instance("near zero", problem, 1e-100 * problem.ground_truth)
    with pytest.raises(ValueError, match=r"Newton steps lead to X = 0 \(‖X‖ = 1.4e-100\)"):
        instance.stationary_point()
