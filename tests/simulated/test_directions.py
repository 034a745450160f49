"""Escape directions against dense linear algebra."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    NotStationaryWarning,
    SpanObjective,
    descend,
    escape_directions,
    step_window,
)
from lift_compare.simulated.points.kernel_direction import kernel_direction
from tests.simulated.points import published_point


def stationary_point(problem, seed):
    start = 0.5 * np.random.default_rng(seed).standard_normal(problem.shape)
    end = sensing.gradient_descent(
        problem, start, step_size=sensing.Backtracking(), max_iterations=3000
    )
    return sensing.polish(problem, end.point)


@pytest.mark.parametrize(("n", "r", "m"), [(2, 1, 2), (4, 1, 5), (5, 2, 9), (4, 3, 10), (3, 3, 4)])
def test_directions_equal_their_definition(n, r, m):
    problem = sensing.gaussian(n, r, m, seed=n + r)
    X = stationary_point(problem, seed=1)
    d = escape_directions(problem, X)
    A = problem.operator.matrices()
    G = np.tensordot(np.tensordot(A, X @ X.T, axes=2) - problem.measurements, A, axes=1)
    values = np.linalg.eigvalsh(G)
    assert d.eigenvalue == pytest.approx(values[0], abs=1e-12)
    assert d.eigenvalue_gap == pytest.approx(values[1] - values[0], abs=1e-12)
    assert G @ d.u == pytest.approx(d.eigenvalue * d.u, abs=1e-10)
    assert X @ d.q == pytest.approx(d.singular_value * d.v, abs=1e-12)
    assert d.singular_value == pytest.approx(np.linalg.svd(X)[1][-1], rel=1e-12)
    assert d.visible == pytest.approx(np.outer(d.u, d.q), abs=1e-15)
    E0 = np.outer(d.u, d.v) + np.outer(d.v, d.u)
    assert d.hidden == pytest.approx(
        np.tensordot(np.tensordot(A, E0, axes=2), A, axes=1) @ X, abs=1e-12
    )
    assert np.linalg.norm(d.visible) == pytest.approx(1)
    assert d.generators == pytest.approx(np.array([X, d.visible, d.hidden]))
    # The published sign.
    assert np.tensordot(A, E0, axes=2) @ np.tensordot(A, np.outer(d.u, d.u), axes=2) >= -1e-12


def test_the_sign_does_not_depend_on_the_sign_of_the_factors():
    problem = sensing.gaussian(4, 2, 6, seed=3)
    X = stationary_point(problem, seed=2)
    d, mirrored = escape_directions(problem, X), escape_directions(problem, -X)
    # X̂ → −X̂ is the same matrix; with κ ≥ 0 the directions turn with it.
    assert mirrored.visible == pytest.approx(-d.visible, abs=1e-9)
    assert mirrored.hidden == pytest.approx(-d.hidden, abs=1e-9)


def test_a_tie_gives_the_whole_subspace():
    # A = I: G(X) = XXᵀ − ZZᵀ, and X = 0-column completion leaves a doubly least eigenvalue.
    n = 4
    basis = [np.outer(*np.eye(n)[[i, j]]) for i in range(n) for j in range(n)]
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.DenseOperator([(a + a.T) / 2 for a in basis]), np.eye(n)[:, :3]
    )
    X = np.zeros((n, 3))
    X[0, 0] = 1.0  # recovers one of three orthogonal columns: the other two tie at −1
    d = escape_directions(problem, X, count="tied")
    assert d.eigenvalues == pytest.approx([-1, -1])
    assert d.eigenvalue_gap == pytest.approx(0, abs=1e-14)
    projector = d.eigenvectors @ d.eigenvectors.T
    assert projector == pytest.approx(np.diag([0.0, 1, 1, 0]), abs=1e-12)
    assert d.visibles.shape == d.hiddens.shape == (2, n, 3)
    # X has rank 1 of 3: the last nonzero singular triplet is used.
    assert d.singular_value == pytest.approx(1)
    assert len(escape_directions(problem, X, count=3).eigenvalues) == 3
    assert "eigenvector" in repr(d)


def test_descent_over_a_larger_span_falls_further():
    _, problem, _, d = published_point("real-system")
    values = []
    size, angles = np.linalg.norm(d.base), np.pi * np.array([1, 2, 4, 5]) / 6
    turned = [np.cos(a) * d.base + np.sin(a) * size * d.visible for a in angles]
    for generators in (d.generators, np.concatenate([d.generators, turned])):
        span = SpanObjective(problem, generators, 5).normalised()
        start = np.zeros(len(generators))
        start[:2] = 1.0, 0.5
        # a step with which h^l falls at each of these steps: beyond it, the end hangs on rounding
        largest = step_window(span, start, iterations=1000).largest
        values.append(descend(span, start, step_size=largest, iterations=1000).values[-1])
    assert values[1] < values[0]


def test_flipped_directions_are_those_of_the_other_sign():
    _, _, _, d = published_point("real-system")
    other = d.flipped()
    np.testing.assert_array_equal(other.u, -d.u)
    np.testing.assert_array_equal(
        other.generators, d.generators * np.array([1, -1, -1])[:, None, None]
    )
    np.testing.assert_array_equal(other.flipped().hiddens, d.hiddens)


def test_the_kernel_direction_forms_nothing_of_size_n_by_n():
    X = np.ones((60_000, 2))  # 29 GB as an n×n matrix
    direction = kernel_direction(X, X[:, 0] / 245)
    assert direction.shape == X.shape
    assert np.abs(direction.sum(axis=1)).max() == pytest.approx(0, abs=1e-12)


def test_one_by_one():
    problem = sensing.SensingProblem.from_ground_truth(sensing.DenseOperator([[[2.0]]]), [[1.0]])
    d = escape_directions(problem, [[1.0]])
    assert d.eigenvalue == pytest.approx(0, abs=1e-15)
    assert d.eigenvalue_gap == np.inf
    assert np.abs(d.visible) == pytest.approx(1)


def test_sparse_weights_above_the_dense_size_give_the_same_directions():
    from scipy import sparse

    rng = np.random.default_rng(0)
    n = 450  # above the size at which least_eigenpairs turns to Lanczos
    pattern = sparse.random_array((n, n), density=0.05, random_state=rng) + sparse.eye_array(n)
    Z = rng.standard_normal((n, 1)) / np.sqrt(n)
    found = []
    for weights in (pattern, pattern.toarray()):
        problem = sensing.SensingProblem.from_ground_truth(sensing.EntrywiseOperator(weights), Z)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotStationaryWarning)
            found.append(escape_directions(problem, 0.5 * Z))
    assert found[0].eigenvalue == pytest.approx(found[1].eigenvalue, rel=1e-9)
    assert found[0].visible == pytest.approx(found[1].visible, abs=1e-6)
    assert found[0].hidden == pytest.approx(found[1].hidden, abs=1e-6)


def test_a_point_that_is_not_stationary_is_warned_about_with_its_gradient_norm():
    problem = sensing.two_by_two()
    X = np.array([[0.3], [0.4]])
    norm = np.linalg.norm(problem.gradient(X))
    with pytest.warns(NotStationaryWarning, match=f"{norm:.3g}"):
        escape_directions(problem, X)


def test_the_published_end_point_of_gradient_descent_is_stationary_enough():
    _, problem, X, _ = published_point("perturbed-completion")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        escape_directions(problem, X)


@pytest.mark.parametrize(
    ("X", "count", "error", "message"),
    [
        ([[0.0], [0.0]], 1, ValueError, "X = 0"),
        ([[1.0]], 1, ValueError, "X"),
        ([[np.inf], [0.0]], 1, ValueError, "X"),
        ([["a"], ["b"]], 1, TypeError, "X"),
        ([[0.0], [0.7]], 3, ValueError, "count"),
        ([[0.0], [0.7]], 0, ValueError, "count"),
        ([[0.0], [0.7]], 1.5, TypeError, "count"),
        ([[0.0], [0.7]], "all", ValueError, "count"),
    ],
)
def test_bad_input_is_refused(X, count, error, message):
    with pytest.raises(error, match=message):
        escape_directions(sensing.two_by_two(), X, count=count)


def test_directions_in_other_units_and_what_underflows_there():
    _, _, _, d = published_point("real-system")
    scaled = d.in_units(3)
    assert np.array_equal(scaled.base, 8 * d.base)
    assert np.array_equal(scaled.hiddens, 8 * d.hiddens)
    assert np.array_equal(scaled.eigenvalues, 64 * d.eigenvalues)
    assert scaled.eigenvalue_gap == 64 * d.eigenvalue_gap
    assert scaled.singular_value == 8 * d.singular_value
    assert np.array_equal(scaled.visibles, d.visibles)
    with np.errstate(all="raise"):
        small = d.in_units(-600)  # eigenvalues are of the order of 2^−1200
    assert small.eigenvalue == 0 == small.eigenvalue_gap


def test_parts_of_directions_are_copies_of_floats_that_nobody_can_change():
    _, _, _, d = published_point("two-by-two")
    base = np.array([[0], [1]])
    changed = replace(d, base=base)
    base[0] = 5
    assert changed.base.dtype == np.float64
    assert changed.base.tolist() == [[0.0], [1.0]]
    with pytest.raises(ValueError, match="read-only"):
        changed.base[0] = 1
