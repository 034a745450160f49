"""The matrix sensing problem in Burer–Monteiro form: h(X) = ½ ‖A(XXᵀ) − b‖²."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from .operators import SensingOperator
from .tolerances import NEAR_TRUTH, SOLVED
from .validation import FloatArray, real_array, whole_number


@dataclass(frozen=True, eq=False)
class SensingProblem:
    """Recover a rank-r matrix M* = Z Zᵀ from b = A(M*) by minimising h over X of shape (n, r).

    With G(X) = A*(A(XXᵀ) − b), the landscape matrix (docs/theory.md, section 1):

        h(X)      = ½ ‖A(XXᵀ) − b‖²
        ∇h(X)     = 2 G(X) X
        ∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X

    All methods take X of shape (n, r), or (..., n, r) for a batch of points at once.

    Parameters
    ----------
    operator : SensingOperator
        The operator A.
    measurements : array (m,)
        The measurements b.
    rank : int
        Number of columns r of X, at most n.
    ground_truth : array (n, any), optional
        A factor Z of M*, when it is known; only the distance uses it.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, numbers that are not finite, rank outside 1..n, or measurements that are
        all zero.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> operator = sensing.DenseOperator([np.eye(2), [[0, 1], [1, 0]]])
    >>> problem = sensing.SensingProblem.from_ground_truth(operator, [[1.0], [2.0]])
    >>> problem.measurements
    array([5., 4.])
    >>> problem.objective([[1.0], [0.0]])
    16.0
    """

    operator: SensingOperator
    measurements: FloatArray
    rank: int = 1
    ground_truth: FloatArray | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.operator, SensingOperator):
            raise TypeError(
                f"operator: expected a sensing operator, got {type(self.operator).__name__}"
            )
        b = real_array("measurements", self.measurements, (self.operator.m,))
        if not np.any(b):
            raise ValueError(
                "measurements: expected a nonzero vector, got all zeros (nothing to recover)"
            )
        rank = whole_number("rank", self.rank)
        if rank > self.n:
            raise ValueError(f"rank: expected at most n = {self.n}, got {rank}")
        object.__setattr__(self, "measurements", b)
        object.__setattr__(self, "rank", rank)
        if self.ground_truth is not None:
            object.__setattr__(
                self, "ground_truth", real_array("ground_truth", self.ground_truth, (self.n, None))
            )

    @classmethod
    def from_ground_truth(
        cls, operator: SensingOperator, Z: Any, *, rank: int | None = None
    ) -> SensingProblem:
        """Return the problem with noiseless measurements b = A(ZZᵀ).

        Parameters
        ----------
        operator : SensingOperator
            The operator A.
        Z : array (n, any)
            The ground truth.
        rank : int, optional
            The rank r; by default the number of columns of Z.
        """
        if not isinstance(operator, SensingOperator):
            raise TypeError(f"operator: expected a sensing operator, got {type(operator).__name__}")
        Z = real_array("Z", Z, (operator.n, None))
        return cls(operator, operator.measure(Z, Z), Z.shape[1] if rank is None else rank, Z)

    @property
    def n(self) -> int:
        """Side of the sensed matrix."""
        return self.operator.n

    @property
    def m(self) -> int:
        """Number of measurements."""
        return self.operator.m

    @property
    def shape(self) -> tuple[int, int]:
        """Shape (n, r) of a factor X."""
        return (self.n, self.rank)

    def factor(self, name: str, X: Any) -> FloatArray:
        """Return X as a finite (n, r) array, or refuse it by its name."""
        return real_array(name, X, self.shape)

    def residual(self, X: FloatArray) -> FloatArray:
        """Return A(XXᵀ) − b, shape (..., m)."""
        return np.asarray(self.operator.measure(X, X) - self.measurements)

    @property
    def objective_at_zero(self) -> float:
        """h(0) = ½ ‖b‖², the unit in which a value of h is large or small."""
        return 0.5 * float(self.measurements @ self.measurements)

    def is_solved(self, X: FloatArray, tolerance: float = SOLVED) -> bool:
        """Return whether h(X) ≤ tolerance · h(0), for one X of shape (n, r)."""
        return bool(self.objective(X) <= tolerance * self.objective_at_zero)

    def is_near_truth(self, X: FloatArray, tolerance: float = NEAR_TRUTH) -> bool:
        """Return whether ‖XXᵀ − ZZᵀ‖ < tolerance · ‖ZZᵀ‖; ValueError without a ground truth."""
        Z = self._truth()
        return bool(self.distance(X) < tolerance * np.linalg.norm(Z.T @ Z))

    def objective(self, X: FloatArray) -> Any:
        """Return h(X) = ½ ‖A(XXᵀ) − b‖²: a float, or an array for a batch."""
        residual = self.residual(self._shaped("X", X))
        value = 0.5 * np.sum(residual * residual, axis=-1)
        return float(value) if value.ndim == 0 else value

    def gradient(self, X: FloatArray) -> FloatArray:
        """Return ∇h(X) = 2 G(X) X, in the shape of X."""
        X = self._shaped("X", X)
        return 2 * self.operator.adjoint_matmul(self.residual(X), X)

    def objective_and_gradient(self, X: FloatArray) -> tuple[Any, FloatArray]:
        """Return h(X) and ∇h(X) from one measurement of XXᵀ."""
        residual = self.residual(X)
        value = 0.5 * np.sum(residual * residual, axis=-1)
        gradient = 2 * self.operator.adjoint_matmul(residual, X)
        return (float(value) if value.ndim == 0 else value), gradient

    def hessian_product(self, X: FloatArray, D: FloatArray) -> FloatArray:
        """Return ∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X, in the shape of X."""
        X, D = self._shaped("X", X), self._shaped("D", D)
        A = self.operator
        return 2 * A.adjoint_matmul(self.residual(X), D) + 4 * A.adjoint_matmul(A.measure(X, D), X)

    def landscape(self, X: FloatArray) -> LinearOperator:
        """Return the landscape matrix G(X) = A*(A(XXᵀ) − b), a symmetric (n, n) linear operator."""
        residual = self.residual(self.factor("X", X))

        def matmat(V: FloatArray) -> FloatArray:
            return self.operator.adjoint_matmul(residual, V)

        def matvec(v: FloatArray) -> FloatArray:
            return matmat(v.reshape(-1, 1))[:, 0]

        return LinearOperator(
            (self.n, self.n),
            matvec=matvec,
            rmatvec=matvec,
            matmat=matmat,
            rmatmat=matmat,
            dtype=np.dtype(np.float64),
        )

    def distance(self, X: FloatArray) -> Any:
        """Return ‖XXᵀ − ZZᵀ‖_F: a float, or an array for a batch.

        [X Z] = Q R gives XXᵀ − ZZᵀ = Q R diag(I, −I) Rᵀ Qᵀ, so the norm is that of a small matrix.
        The difference of Gram matrices ‖XᵀX‖² − 2‖XᵀZ‖² + ‖ZᵀZ‖² costs less but cancels near the
        truth, to half the digits.

        Raises
        ------
        ValueError
            If the problem has no ground truth.
        """
        X, Z = self._shaped("X", X), self._truth()
        Z = np.broadcast_to(Z, (*X.shape[:-2], *Z.shape))
        R = np.asarray(np.linalg.qr(np.concatenate([X, Z], axis=-1), mode="r"))
        signs = np.where(np.arange(R.shape[-1]) < X.shape[-1], 1.0, -1.0)
        norm = np.linalg.norm((R * signs) @ np.swapaxes(R, -1, -2), axis=(-2, -1))
        return float(norm) if norm.ndim == 0 else norm

    def _truth(self) -> FloatArray:
        if self.ground_truth is None:
            raise ValueError("ground_truth: expected a problem with a known ground truth, got none")
        return self.ground_truth

    def _shaped(self, name: str, X: FloatArray) -> FloatArray:
        X = np.asarray(X)
        if X.shape[-2:] != self.shape:
            raise ValueError(
                f"{name}: expected an array of shape (..., {self.n}, {self.rank}), "
                f"got shape {X.shape}"
            )
        return X

    def __repr__(self) -> str:
        truth = "unknown" if self.ground_truth is None else f"of shape {self.ground_truth.shape}"
        return f"SensingProblem({self.operator!r}, rank={self.rank}, ground truth {truth})"
