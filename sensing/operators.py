"""Sensing operators A(M)_i = ⟨A_i, M⟩, i = 1..m, with every A_i symmetric.

An operator has two sizes, n and m, and acts by two matrix-free products (docs/theory.md, section
1):

    measure(L, R)_i      = ⟨A_i, L Rᵀ⟩       L, R of shape (n, k)
    adjoint_matmul(y, R) = A*(y) R           y of shape (m,), R of shape (n, k)

Both broadcast over leading axes: (..., n, k) and (..., m). `matrices()`, its fifth member, forms
the A_i for what needs them one by one, such as the explicit lift of a general operator.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from .tolerances import SYMMETRIC
from .validation import FloatArray, real_array


@runtime_checkable
class SensingOperator(Protocol):
    """What the rest of the toolkit asks of an operator: two sizes and three methods.

    Any object with these five members will do; `sensing.check_adjoint` tests it.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> isinstance(sensing.RankOneOperator([[1, 2]]), sensing.SensingOperator)
    True
    """

    @property
    def n(self) -> int:
        """Side of the sensed matrix."""

    @property
    def m(self) -> int:
        """Number of measurements."""

    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return ⟨A_i, left rightᵀ⟩ for every i: (..., n, k), (..., n, k) -> (..., m)."""

    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Return A*(y) right: (..., m), (..., n, k) -> (..., n, k)."""

    def matrices(self) -> FloatArray:
        """Return the A_i explicitly, shape (m, n, n)."""


class DenseOperator:
    """Sensing operator given by its matrices.

    Parameters
    ----------
    matrices : array (m, n, n)
        The symmetric A_i, in the units of the measurements.

    Raises
    ------
    ValueError
        If the shape is not (m, n, n), an entry is not finite, or some A_i is not symmetric (beyond
        rounding).

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> operator = sensing.DenseOperator([np.eye(2), [[0, 1], [1, 0]]])
    >>> X = np.array([[1.0], [2.0]])
    >>> operator.measure(X, X)  # trace and twice the corner of XXᵀ
    array([5., 4.])
    """

    def __init__(self, matrices: Any) -> None:
        A = real_array("matrices", matrices, (None, None, None))
        if A.shape[1] != A.shape[2]:
            raise ValueError(f"matrices: expected shape (m, n, n), got {A.shape}")
        asymmetry = np.abs(A - A.transpose(0, 2, 1)).max(axis=(1, 2))
        worst = int(np.argmax(asymmetry))
        if asymmetry[worst] > SYMMETRIC * np.abs(A).max():
            raise ValueError(
                f"matrices: expected symmetric A_i, but matrices[{worst}] differs from its "
                f"transpose by {asymmetry[worst]:.3g}"
            )
        self._flat = np.ascontiguousarray((A + A.transpose(0, 2, 1)) / 2).reshape(len(A), -1)
        self.m, self.n = A.shape[:2]

    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return ⟨A_i, left rightᵀ⟩ for every i: (..., n, k), (..., n, k) -> (..., m)."""
        product = left @ np.swapaxes(right, -1, -2)
        return np.asarray(product.reshape(*product.shape[:-2], -1) @ self._flat.T)

    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Return A*(y) right: (..., m), (..., n, k) -> (..., n, k)."""
        adjoint = (y @ self._flat).reshape(*y.shape[:-1], self.n, self.n)
        return np.asarray(adjoint @ right)

    def matrices(self) -> FloatArray:
        """Return the A_i, shape (m, n, n)."""
        return self._flat.reshape(self.m, self.n, self.n).copy()

    def __repr__(self) -> str:
        return f"DenseOperator(n={self.n}, m={self.m})"


class EntrywiseOperator:
    """Weighted observation of single entries: A_ij = w_ij (e_i e_jᵀ + e_j e_iᵀ) / 2.

    One measurement for each nonzero weight, in row-major order of (i, j); (i, j) and (j, i) are two
    measurements.

    Parameters
    ----------
    weights : array or scipy.sparse matrix (n, n)
        The weights w_ij. Sparse weights stay sparse: nothing of size n×n is formed.

    Raises
    ------
    TypeError, ValueError
        If the weights are not real and finite, not square, or all zero.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> operator = sensing.EntrywiseOperator([[1, 0], [3, 1]])
    >>> X = np.array([[1.0], [2.0]])
    >>> operator.measure(X, X)  # w_ij (XXᵀ)_ij of the three nonzero weights
    array([1., 6., 4.])
    """

    def __init__(self, weights: Any) -> None:
        self._sparse: sparse.csr_array | None = None
        self._dense: FloatArray | None = None
        if sparse.issparse(weights):
            entries = real_array(
                "weights (stored entries)", sparse.csr_array(weights).data, (None,)
            )
            shape = weights.shape
            stored = sparse.csr_array(weights, dtype=np.float64, copy=True)
            stored.sum_duplicates()
            stored.eliminate_zeros()
            self._sparse, self.m = stored, int(stored.nnz)
            self._rows = np.repeat(np.arange(shape[0]), np.diff(stored.indptr))
            self._cols = stored.indices
            self._values: FloatArray = stored.data
        else:
            dense = real_array("weights", weights, (None, None))
            entries, shape = dense, dense.shape
            self._rows, self._cols = np.nonzero(dense)
            self._values = dense[self._rows, self._cols]
            self._dense, self.m = dense.copy(), len(self._values)
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(f"weights: expected a square matrix, got shape {shape}")
        if not np.any(entries):
            raise ValueError("weights: expected at least one nonzero weight, got none")
        self.n = int(shape[0])

    @property
    def weights(self) -> FloatArray | sparse.csr_array:
        """The weights as they were given: an (n, n) array, or a CSR array of the stored entries."""
        return self._sparse if self._dense is None else self._dense

    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return w_ij (left rightᵀ + right leftᵀ)_ij / 2 for every stored (i, j)."""
        if self._dense is not None:
            product = left @ np.swapaxes(right, -1, -2)
            if left is not right:
                product = (product + np.swapaxes(product, -1, -2)) / 2
            if self.m == self.n**2:  # every entry is measured: nothing to gather
                return np.asarray((product * self._dense).reshape(*product.shape[:-2], -1))
            return np.asarray(product[..., self._rows, self._cols] * self._values)
        # A column at a time: a gather of (m,) at once, never of (m, k).
        total = np.zeros((*np.broadcast_shapes(left.shape[:-2], right.shape[:-2]), self.m))
        for k in range(left.shape[-1]):
            total += left[..., self._rows, k] * right[..., self._cols, k]
            if left is not right:
                total += right[..., self._rows, k] * left[..., self._cols, k]
        return np.asarray(total * (self._values if left is right else self._values / 2))

    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Return A*(y) right, where A*(y) = (w∘y + (w∘y)ᵀ) / 2."""
        if self._dense is not None:
            if self.m == self.n**2:
                half = self._dense * y.reshape(*y.shape[:-1], self.n, self.n)
            else:
                half = np.zeros((*y.shape[:-1], self.n, self.n))
                half[..., self._rows, self._cols] = self._values * y
            return np.asarray(half @ right + np.swapaxes(half, -1, -2) @ right) / 2
        if y.ndim > 1 or right.ndim > 2:  # scipy's sparse products know no batches
            lead = np.broadcast_shapes(y.shape[:-1], right.shape[:-2])
            ys = np.broadcast_to(y, (*lead, self.m)).reshape(-1, self.m)
            rights = np.broadcast_to(right, (*lead, *right.shape[-2:])).reshape(
                -1, *right.shape[-2:]
            )
            each = [self.adjoint_matmul(a, b) for a, b in zip(ys, rights, strict=True)]
            return np.stack(each).reshape(*lead, *right.shape[-2:])
        assert self._sparse is not None
        half = sparse.csr_array(
            (self._values * y, self._cols, self._sparse.indptr), shape=(self.n, self.n)
        )
        return np.asarray(half @ right + half.T @ right) / 2

    def matrices(self) -> FloatArray:
        """Return the A_ij explicitly, shape (m, n, n): m n² numbers, built only here."""
        A = np.zeros((self.m, self.n, self.n))
        index = np.arange(self.m)
        A[index, self._rows, self._cols] += self._values / 2
        A[index, self._cols, self._rows] += self._values / 2
        return A

    def __repr__(self) -> str:
        kind = "sparse" if self._dense is None else "dense"
        return f"EntrywiseOperator(n={self.n}, m={self.m}, {kind} weights)"


class RankOneOperator:
    """Sensing operator with A_i = a_i a_iᵀ (phase retrieval, quadratic networks).

    Parameters
    ----------
    vectors : array (m, n)
        The a_i, one a row.

    Raises
    ------
    TypeError, ValueError
        If the vectors are not a finite real (m, n) array.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> operator = sensing.RankOneOperator([[1, 0], [1, 1]])
    >>> X = np.array([[1.0], [2.0]])
    >>> operator.measure(X, X)  # (a_iᵀ X)²
    array([1., 9.])
    """

    def __init__(self, vectors: Any) -> None:
        self.vectors = np.ascontiguousarray(real_array("vectors", vectors, (None, None)))
        self.m, self.n = self.vectors.shape

    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return (a_iᵀ left)(a_iᵀ right)ᵀ for every i: (..., n, k), (..., n, k) -> (..., m)."""
        projected = self.vectors @ left
        return np.asarray(
            np.sum(projected * (projected if left is right else self.vectors @ right), axis=-1)
        )

    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Return Σ_i y_i a_i (a_iᵀ right): (..., m), (..., n, k) -> (..., n, k)."""
        return np.asarray(self.vectors.T @ (y[..., None] * (self.vectors @ right)))

    def matrices(self) -> FloatArray:
        """Return the a_i a_iᵀ explicitly, shape (m, n, n)."""
        return np.asarray(np.einsum("ij,ik->ijk", self.vectors, self.vectors))

    def __repr__(self) -> str:
        return f"RankOneOperator(n={self.n}, m={self.m})"
