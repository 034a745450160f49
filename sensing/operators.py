"""Sensing operators A(M)_i = ⟨A_i, M⟩, i = 1..m, with every A_i symmetric.

An operator has two sizes, n and m, and acts by two matrix-free products (docs/theory.md, section
1):

    measure(L, R)_i      = ⟨A_i, L Rᵀ⟩       L, R of shape (n, k)
    adjoint_matmul(y, R) = A*(y) R           y of shape (m,), R of shape (n, k)

Both broadcast over leading axes: (..., n, k) and (..., m). `matrices()`, its fifth member, forms
the A_i for what needs them one by one, such as the explicit lift of a general operator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy import sparse

from .floats import finite, silently
from .tolerances import SYMMETRIC
from .validation import FloatArray, InvalidType, InvalidValue, locked, real_array, whole_number


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


def checked_operator(operator: Any) -> SensingOperator:
    """Return an operator that has all members of the protocol; TypeError names what is missing."""
    methods = ("measure", "adjoint_matmul", "matrices")
    missing = [name for name in ("n", "m") if not hasattr(operator, name)]
    missing += [name for name in methods if not callable(getattr(operator, name, None))]
    if missing:
        raise InvalidType(
            f"operator: expected a sensing operator, with n, m, {', '.join(methods)}; "
            f"{type(operator).__name__} lacks {', '.join(missing)}"
        )
    whole_number("operator.n", operator.n)
    whole_number("operator.m", operator.m)
    checked: SensingOperator = operator
    return checked


Product = Callable[[FloatArray, FloatArray], FloatArray]


def unchecked_products(operator: SensingOperator) -> tuple[Product, Product]:
    """Return `measure` and `adjoint_matmul` for arguments that were checked before.

    The operators below check what they are given, which in a descent would cost as much as the
    products. An operator, or a subclass, that brings a method of its own keeps it.
    """
    products: list[Product] = []
    for name in ("measure", "adjoint_matmul"):
        product = getattr(operator, name)
        if getattr(product, "__func__", None) is getattr(_Products, name):
            product = getattr(operator, f"_{name}")
        products.append(product)
    return products[0], products[1]


class _Products:
    """The two products of an operator: the arguments are checked here, and computed with below."""

    n: int
    m: int

    @silently
    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Return ⟨A_i, left rightᵀ⟩ for every i: (..., n, k), (..., n, k) -> (..., m).

        Raises
        ------
        TypeError, ValueError
            For arguments that are not finite real numbers of these shapes.
        OverflowError
            If a result is beyond float64.
        """
        same = right is left
        left = real_array("left", left, (..., self.n, None))
        # The very same array is measured with less work.
        right = left if same else real_array("right", right, (..., self.n, left.shape[-1]))
        broadcast("left and right", left.shape[:-2], right.shape[:-2])
        return finite("measure: ⟨A_i, left rightᵀ⟩", self._measure(left, right))

    @silently
    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Return A*(y) right: (..., m), (..., n, k) -> (..., n, k).

        Raises
        ------
        TypeError, ValueError
            For arguments that are not finite real numbers of these shapes.
        OverflowError
            If a result is beyond float64.
        """
        y = real_array("y", y, (..., self.m))
        right = real_array("right", right, (..., self.n, None))
        broadcast("y and right", y.shape[:-1], right.shape[:-2])
        return finite("adjoint_matmul: A*(y) right", self._adjoint_matmul(y, right))

    def _measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        raise NotImplementedError

    def _adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        raise NotImplementedError


def broadcast(names: str, *shapes: tuple[int, ...]) -> None:
    """Refuse leading axes that do not broadcast with each other."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise InvalidValue(
            f"{names}: expected leading axes that broadcast, got {' and '.join(map(str, shapes))}"
        ) from error


class DenseOperator(_Products):
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

    @silently
    def __init__(self, matrices: Any) -> None:
        A = real_array("matrices", matrices, (None, None, None))
        if A.shape[1] != A.shape[2]:
            raise InvalidValue(f"matrices: expected shape (m, n, n), got {A.shape}")
        halves = A / 2, A.transpose(0, 2, 1) / 2  # sums and differences of halves cannot overflow
        asymmetry = 2 * np.abs(halves[0] - halves[1]).max(axis=(1, 2))
        worst = int(np.argmax(asymmetry))
        if asymmetry[worst] > SYMMETRIC * np.abs(A).max():
            raise InvalidValue(
                f"matrices: expected symmetric A_i, but matrices[{worst}] differs from its "
                f"transpose by {asymmetry[worst]:.3g}"
            )
        symmetric = halves[0] + halves[1] if np.any(asymmetry) else A
        self._flat = locked(symmetric).reshape(len(A), -1)
        self.m, self.n = A.shape[:2]

    def _measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        product = left @ np.swapaxes(right, -1, -2)
        return np.asarray(product.reshape(*product.shape[:-2], -1) @ self._flat.T)

    def _adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        adjoint = (y @ self._flat).reshape(*y.shape[:-1], self.n, self.n)
        return np.asarray(adjoint @ right)

    def matrices(self) -> FloatArray:
        """Return the A_i, shape (m, n, n)."""
        return self._flat.reshape(self.m, self.n, self.n).copy()

    def __repr__(self) -> str:
        return f"DenseOperator(n={self.n}, m={self.m})"


class EntrywiseOperator(_Products):
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

    @silently
    def __init__(self, weights: Any) -> None:
        self._dense: FloatArray | None = None
        if sparse.issparse(weights):
            shape = _square(weights.shape)
            entries = sparse.coo_array(weights)
            # In float64 before duplicates are summed: small integers would wrap round.
            data = real_array("weights (stored entries)", entries.data, (None,))
            stored = sparse.csr_array((data, entries.coords), shape=shape)
            stored.sum_duplicates()
            stored.eliminate_zeros()
            values = finite("weights: a sum of duplicate entries", stored.data)
            self._indptr, self._cols = stored.indptr, stored.indices
            self._rows = np.repeat(np.arange(shape[0]), np.diff(stored.indptr))
            for index in (self._indptr, self._cols):
                index.flags.writeable = False
        else:
            self._dense = locked(real_array("weights", weights, (None, None)))
            shape = _square(self._dense.shape)
            self._rows, self._cols = np.nonzero(self._dense)
            values = self._dense[self._rows, self._cols]
        if len(values) == 0:
            raise InvalidValue("weights: expected at least one nonzero weight, got none")
        self._values = locked(values)
        self.n, self.m = int(shape[0]), len(values)

    @property
    def weights(self) -> FloatArray | sparse.csr_array:
        """The weights as they were given: an (n, n) array, or a CSR array of the stored entries."""
        if self._dense is not None:
            return self._dense
        arrays = (self._values, self._cols, self._indptr)
        return sparse.csr_array(arrays, shape=(self.n, self.n))

    def _measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        # w_ij (left rightᵀ + right leftᵀ)_ij / 2 for every stored (i, j).
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

    def _adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        # A*(y) = (w∘y + (w∘y)ᵀ) / 2.
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
            each = [self._adjoint_matmul(a, b) for a, b in zip(ys, rights, strict=True)]
            return np.stack(each).reshape(*lead, *right.shape[-2:])
        half = sparse.csr_array(
            (self._values * y, self._cols, self._indptr), shape=(self.n, self.n)
        )
        return np.asarray(half @ right + half.T @ right) / 2

    @silently
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


def _square(shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) != 2 or shape[0] != shape[1]:
        raise InvalidValue(f"weights: expected a square matrix, got shape {shape}")
    return shape


class RankOneOperator(_Products):
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
        self.vectors = locked(np.ascontiguousarray(real_array("vectors", vectors, (None, None))))
        self.m, self.n = self.vectors.shape

    def _measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        # (a_iᵀ left)(a_iᵀ right)ᵀ for every i.
        projected = self.vectors @ left
        return np.asarray(
            np.sum(projected * (projected if left is right else self.vectors @ right), axis=-1)
        )

    def _adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        # Σ_i y_i a_i (a_iᵀ right).
        return np.asarray(self.vectors.T @ (y[..., None] * (self.vectors @ right)))

    @silently
    def matrices(self) -> FloatArray:
        """Return the a_i a_iᵀ explicitly, shape (m, n, n).

        Raises
        ------
        OverflowError
            If an entry is beyond float64.
        """
        return finite("matrices: a_i a_iᵀ", np.einsum("ij,ik->ijk", self.vectors, self.vectors))

    def __repr__(self) -> str:
        return f"RankOneOperator(n={self.n}, m={self.m})"


def operator_words(operator: SensingOperator) -> str:
    """Return an operator in words: its repr, or kind and sizes where that is an address."""
    if type(operator).__repr__ is not object.__repr__:
        return repr(operator)
    return f"{type(operator).__name__}(n={operator.n}, m={operator.m})"
