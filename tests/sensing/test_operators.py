"""The three operators against the definition ⟨A_i, L Rᵀ⟩, and against each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from lift_compare.sensing import (
    DenseOperator,
    EntrywiseOperator,
    RankOneOperator,
    SensingOperator,
    SensingProblem,
    check_adjoint,
)


def operators(n: int, m: int, seed: int) -> list[SensingOperator]:
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((m, n, n))
    weights = rng.standard_normal((n, n))
    holes = weights * (rng.random((n, n)) < 0.5)
    holes[-1, 0] = 2.0
    return [
        DenseOperator(B + B.transpose(0, 2, 1)),
        EntrywiseOperator(weights),
        EntrywiseOperator(holes),
        EntrywiseOperator(sparse.coo_array(holes)),
        EntrywiseOperator(sparse.csc_matrix(holes)),
        RankOneOperator(rng.standard_normal((m, n))),
    ]


@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 6), m=st.integers(1, 7), k=st.integers(1, 3), seed=st.integers(0, 10**6))
def test_primitives_are_their_definitions(n: int, m: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for operator in operators(n, m, seed):
        A = operator.matrices()
        assert A.shape == (operator.m, n, n)
        np.testing.assert_array_equal(A, A.transpose(0, 2, 1))
        L, R = rng.standard_normal((2, n, k))
        y = rng.standard_normal(operator.m)
        measured = np.array([np.trace(Ai.T @ L @ R.T) for Ai in A])
        adjoint = sum(yi * Ai for yi, Ai in zip(y, A, strict=True)) @ R
        scale = 1 + np.abs(A).max() * np.abs(L).max() * np.abs(R).max() * n * k
        np.testing.assert_allclose(operator.measure(L, R), measured, rtol=0, atol=1e-13 * scale)
        np.testing.assert_allclose(
            operator.measure(L, L), [np.trace(Ai @ L @ L.T) for Ai in A], atol=1e-12 * scale
        )
        np.testing.assert_allclose(
            operator.adjoint_matmul(y, R), adjoint, rtol=1e-11, atol=1e-12 * scale * operator.m
        )
        assert check_adjoint(operator, columns=k, seed=seed) < 1e-12


def test_primitives_broadcast_over_leading_axes() -> None:
    rng = np.random.default_rng(0)
    for operator in operators(4, 5, 3):
        L, R = rng.standard_normal((2, 2, 3, 4, 2))
        y = rng.standard_normal((2, 3, operator.m))
        measured, adjoint = operator.measure(L, R), operator.adjoint_matmul(y, R)
        assert measured.shape == (2, 3, operator.m)
        assert adjoint.shape == (2, 3, 4, 2)
        for index in np.ndindex(2, 3):
            np.testing.assert_allclose(
                measured[index], operator.measure(L[index], R[index]), atol=1e-12
            )
            np.testing.assert_allclose(
                adjoint[index], operator.adjoint_matmul(y[index], R[index]), atol=1e-12
            )
        assert operator.adjoint_matmul(y[0, 0], R).shape == (2, 3, 4, 2)


@pytest.mark.parametrize("weights", [[[1, 0], [2, 0]], [[1, 2], [0, 0]], [[0, 0], [0, 3]]])
def test_rows_and_columns_that_are_not_observed_are_zero(weights) -> None:
    y = np.arange(1.0, 1 + np.count_nonzero(weights))
    R = np.random.default_rng(1).standard_normal((2, 1))
    for form in (np.array(weights), sparse.csr_array(weights)):
        operator = EntrywiseOperator(form)
        want = np.tensordot(y, operator.matrices(), 1) @ R
        np.testing.assert_allclose(operator.adjoint_matmul(y, R), want, rtol=1e-14)
        np.testing.assert_allclose(
            operator.measure(R, R), np.tensordot(operator.matrices(), R @ R.T), rtol=1e-14
        )


def test_a_wrong_adjoint_is_caught() -> None:
    class Wrong(RankOneOperator):
        def adjoint_matmul(self, y, right):
            return 1.01 * super().adjoint_matmul(y, right)

    assert check_adjoint(Wrong(np.eye(3))) > 1e-4


def test_dense_and_sparse_weights_are_the_same_measurements_in_the_same_order() -> None:
    weights = np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 0.0], [1.0, 0.0, 5.0]])
    dense, stored = EntrywiseOperator(weights), EntrywiseOperator(sparse.csc_array(weights))
    assert dense.m == stored.m == 4
    np.testing.assert_array_equal(dense.matrices(), stored.matrices())
    np.testing.assert_array_equal(dense.weights, stored.weights.toarray())


def test_explicit_zeros_of_a_sparse_matrix_are_no_measurements() -> None:
    weights = sparse.csr_array(([1.0, 0.0], ([0, 1], [1, 1])), shape=(2, 2))
    assert EntrywiseOperator(weights).m == 1
    assert weights.nnz == 2, "the user's matrix is left as it was"


def test_the_users_arrays_are_copied() -> None:
    matrices, weights = np.ones((1, 2, 2)), np.ones((2, 2))
    dense, entrywise = DenseOperator(matrices), EntrywiseOperator(weights)
    matrices[:], weights[:] = 7, 7
    assert dense.matrices().max() == 1
    assert entrywise.matrices().max() == 1


def test_sparse_weights_never_become_square_arrays() -> None:
    n = 200_000  # an n×n array would need 320 GB
    weights = sparse.random_array(
        (n, n), density=5 / n, random_state=np.random.default_rng(0), format="csr"
    )
    operator = EntrywiseOperator(weights)
    X = np.ones((n, 1))
    np.testing.assert_allclose(operator.measure(X, X), operator.weights.data)
    assert check_adjoint(operator) < 1e-12


@pytest.mark.parametrize(
    ("build", "bad", "message"),
    [
        (DenseOperator, [[[0, 1], [2, 0]]], "symmetric A_i, but matrices\\[0\\]"),
        (DenseOperator, np.full((1, 2, 2), np.nan), "matrices: expected finite numbers"),
        (DenseOperator, np.ones((2, 2)), "matrices: expected an array of shape"),
        (DenseOperator, np.ones((2, 2, 3)), "shape \\(m, n, n\\)"),
        (DenseOperator, np.ones((0, 2, 2)), "matrices"),
        (EntrywiseOperator, np.ones((2, 3)), "square"),
        (EntrywiseOperator, np.zeros((2, 2)), "nonzero weight"),
        (EntrywiseOperator, [[1.0, np.inf], [0, 0]], "finite"),
        (EntrywiseOperator, sparse.csr_array(np.diag([1.0, np.nan])), "finite"),
        (EntrywiseOperator, sparse.csr_array((2, 2)), "weights"),
        (EntrywiseOperator, sparse.csr_array(np.ones((2, 3))), "square"),
        (RankOneOperator, np.ones(3), "vectors: expected an array of shape"),
        (RankOneOperator, [[np.inf]], "finite"),
    ],
)
def test_bad_input_is_refused_by_name(build, bad, message) -> None:
    with pytest.raises(ValueError, match=message):
        build(bad)


@pytest.mark.parametrize("bad", ["text", [[1j]], [[1], [1, 2]], [[None]]])
def test_what_is_not_real_numbers_is_refused(bad) -> None:
    with pytest.raises(TypeError, match="vectors: expected"):
        RankOneOperator(bad)


def test_reprs_name_the_sizes() -> None:
    weights = np.array([[0.0, 2.0], [3.0, 1.0]])
    assert [
        repr(DenseOperator(np.ones((3, 2, 2)))),
        repr(EntrywiseOperator(weights)),
        repr(EntrywiseOperator(sparse.csr_array(weights))),
        repr(RankOneOperator(np.ones((5, 2)))),
    ] == [
        "DenseOperator(n=2, m=3)",
        "EntrywiseOperator(n=2, m=3, dense weights)",
        "EntrywiseOperator(n=2, m=3, sparse weights)",
        "RankOneOperator(n=2, m=5)",
    ]


def test_broadcasting_of_sparse_weights_agrees_with_dense() -> None:
    weights = np.array([[0.0, 2.0], [3.0, 1.0]])
    y, R = (
        np.random.default_rng(0).standard_normal((5, 3)),
        np.random.default_rng(1).standard_normal((5, 2, 2)),
    )
    dense, stored = EntrywiseOperator(weights), EntrywiseOperator(sparse.csr_array(weights))
    for ys, Rs in ((y, R[0]), (y[0], R), (y, R)):
        np.testing.assert_allclose(stored.adjoint_matmul(ys, Rs), dense.adjoint_matmul(ys, Rs))


def test_leading_axes_that_do_not_broadcast_are_refused_with_their_shapes() -> None:
    operator = DenseOperator(np.ones((3, 2, 2)))
    left, right = np.ones((4, 2, 1)), np.ones((5, 2, 1))
    with pytest.raises(ValueError, match=r"^left and right: .* got \(4,\) and \(5,\)$"):
        operator.measure(left, right)
    with pytest.raises(ValueError, match=r"^y and right: .* got \(6,\) and \(5,\)$"):
        operator.adjoint_matmul(np.ones((6, 3)), right)


@pytest.mark.parametrize("size", ["n", "m"])
def test_a_size_that_is_no_whole_number_is_refused_by_its_name(size: str) -> None:
    class Own(DenseOperator):
        pass

    operator = Own(np.ones((3, 2, 2)))
    setattr(operator, size, 2.5)
    with pytest.raises(TypeError, match=rf"^operator\.{size}: expected a whole number, got 2.5"):
        check_adjoint(operator)


def test_an_operator_without_a_repr_is_told_by_kind_and_sizes() -> None:
    class Mine(RankOneOperator):
        __repr__ = object.__repr__

    problem = SensingProblem(Mine(np.eye(2)), [1.0, 0.0], 1)
    assert repr(problem) == "SensingProblem(Mine(n=2, m=2), rank=1, ground truth unknown)"
