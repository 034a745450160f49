"""The matrix sensing problem in Burer–Monteiro form: h(X) = ½ ‖A(XXᵀ) − b‖²."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from .floats import finite, norm, normalised, silently
from .operators import (
    Product,
    SensingOperator,
    broadcast,
    checked_operator,
    operator_words,
    unchecked_products,
)
from .tolerances import LARGEST_MEASUREMENTS, NEAR_TRUTH, SMALLEST_MEASUREMENTS, SOLVED
from .validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    OutOfRange,
    locked,
    positive,
    real_array,
    whole_number,
)


@dataclass(frozen=True, eq=False)
class SensingProblem:
    """Recover a rank-r matrix M* = Z Zᵀ from b = A(M*) by minimising h over X of shape (n, r).

    With G(X) = A*(A(XXᵀ) − b), the landscape matrix (docs/theory.md, section 1):

        h(X)      = ½ ‖A(XXᵀ) − b‖²
        ∇h(X)     = 2 G(X) X
        ∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X

    All methods take X of shape (n, r), or (..., n, r) for a batch of points at once, of any real
    numbers, and compute in float64. A TypeError or ValueError names an argument that is not finite
    real numbers of that shape, an OverflowError what is beyond float64.

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
        For an operator that lacks a member of `SensingOperator`, wrong shapes, numbers that are
        not finite, rank outside 1..n, or measurements that are all zero.

    Notes
    -----
    Where ‖b‖ is outside 1e-150..1e150, ½‖b‖² is no float64 with all its digits: `objective` and all
    that needs its values raises OverflowError then.

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
        checked_operator(self.operator)
        b = real_array("measurements", self.measurements, (self.operator.m,))
        if not np.any(b):
            raise InvalidValue(
                "measurements: expected a nonzero vector, got all zeros (nothing to recover)"
            )
        rank = whole_number("rank", self.rank)
        if rank > self.n:
            raise InvalidValue(f"rank: expected at most n = {self.n}, got {rank}")
        object.__setattr__(self, "measurements", locked(b))
        object.__setattr__(self, "rank", rank)
        if self.ground_truth is not None:
            Z = real_array("ground_truth", self.ground_truth, (self.n, None))
            object.__setattr__(self, "ground_truth", locked(Z))

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
        operator = checked_operator(operator)
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

    @cached_property
    def _products(self) -> tuple[Product, Product]:
        return unchecked_products(self.operator)

    @silently
    def residual(self, X: FloatArray) -> FloatArray:
        """Return A(XXᵀ) − b, shape (..., m)."""
        return finite("X: A(XXᵀ)", self._residual(self._shaped("X", X)))

    @cached_property
    def objective_at_zero(self) -> float:
        """h(0) = ½ ‖b‖², the unit of h; OverflowError where it is no float64 in full."""
        size = float(norm(self.measurements))
        if not SMALLEST_MEASUREMENTS <= size <= LARGEST_MEASUREMENTS:
            raise OutOfRange(
                f"h: expected ‖b‖ between {SMALLEST_MEASUREMENTS:g} and {LARGEST_MEASUREMENTS:g}, "
                f"so that h(0) = ½‖b‖² is a float64, got {size:.3g}"
            )
        return 0.5 * size**2

    @silently
    def is_solved(self, X: FloatArray, tolerance: float = SOLVED) -> bool:
        """Return whether h(X) ≤ tolerance · h(0), for one X of shape (n, r)."""
        least = np.sqrt(positive("tolerance", tolerance, or_zero=True)) * norm(self.measurements)
        # Norms: h itself may be beyond float64, at a point that is no solution then.
        return bool(norm(self._residual(self.factor("X", X))) <= least)

    @silently
    def is_near_truth(self, X: FloatArray, tolerance: float = NEAR_TRUTH) -> bool:
        """Return whether ‖XXᵀ − ZZᵀ‖ < tolerance · ‖ZZᵀ‖; ValueError without a ground truth."""
        tolerance = positive("tolerance", tolerance, or_zero=True)
        X = self.factor("X", X)
        Z, unit = normalised(self._truth())
        return bool(_distance(np.ldexp(X, -unit), Z) < tolerance * np.linalg.norm(Z.T @ Z))

    @silently
    def objective(self, X: FloatArray) -> Any:
        """Return h(X) = ½ ‖A(XXᵀ) − b‖²: a float, or an array for a batch."""
        X = self._shaped("X", X)
        _ = self.objective_at_zero  # refused where it leaves float64
        return finite("X: h(X)", self.objective_or_inf(X))

    @silently
    def gradient(self, X: FloatArray) -> FloatArray:
        """Return ∇h(X) = 2 G(X) X, in the shape of X."""
        X = self._shaped("X", X)
        return finite("X: ∇h(X)", 2 * self._products[1](self._residual(X), X))

    @silently
    def objective_and_gradient(self, X: FloatArray) -> tuple[Any, FloatArray]:
        """Return h(X) and ∇h(X) from one measurement of XXᵀ."""
        X = self._shaped("X", X)
        _ = self.objective_at_zero  # refused where it leaves float64
        value, gradient = self.unchecked(X)
        return finite("X: h(X)", value), finite("X: ∇h(X)", gradient)

    @silently
    def hessian_product(self, X: FloatArray, D: FloatArray) -> FloatArray:
        """Return ∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X, in the shape of X."""
        X, D = self._shaped("X", X), self._shaped("D", D)
        broadcast("X and D", X.shape[:-2], D.shape[:-2])
        measure, adjoint = self._products
        product = 2 * adjoint(self._residual(X), D) + 4 * adjoint(measure(X, D), X)
        return finite("X and D: ∇²h(X)[D]", product)

    def objective_or_inf(self, X: FloatArray) -> Any:
        """Return h(X), or inf (NaN) where it is beyond float64, for X that was checked before.

        For searches, to which such a point is one without a decrease. Like `unchecked` it leaves
        numpy's signals to the caller.
        """
        residual = self._residual(X)
        value = 0.5 * np.sum(residual * residual, axis=-1)
        return float(value) if value.ndim == 0 else value

    def unchecked(self, X: FloatArray) -> tuple[Any, FloatArray]:
        """Return `objective_and_gradient` for X that was checked before, finite or not.

        For loops, in which the checks would cost as much as the products.
        """
        residual = self._residual(X)
        value = 0.5 * np.sum(residual * residual, axis=-1)
        gradient = 2 * self._products[1](residual, X)
        return (float(value) if value.ndim == 0 else value), gradient

    def unchecked_measure(self, X: FloatArray) -> FloatArray:
        """Return A(XXᵀ) for X that was checked before, finite or not."""
        return self._products[0](X, X)

    def _residual(self, X: FloatArray) -> FloatArray:
        return np.asarray(self._products[0](X, X) - self.measurements)

    @silently
    def landscape(self, X: FloatArray) -> LinearOperator:
        """Return the landscape matrix G(X) = A*(A(XXᵀ) − b), a symmetric (n, n) linear operator."""
        residual, adjoint = self.residual(self.factor("X", X)), self._products[1]

        @silently
        def matmat(V: FloatArray) -> FloatArray:
            return finite("V: G(X) V", adjoint(residual, V))

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

    @silently
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
        return finite("X: ‖XXᵀ − ZZᵀ‖", self.unchecked_distance(self._shaped("X", X)))

    def unchecked_distance(self, X: FloatArray) -> Any:
        """Return `distance` for X that was checked before, finite or not."""
        distance = _distance(X, self._truth())
        return float(distance) if distance.ndim == 0 else distance

    def _truth(self) -> FloatArray:
        if self.ground_truth is None:
            raise InvalidValue(
                "ground_truth: expected a problem with a known ground truth, got none"
            )
        return self.ground_truth

    def _shaped(self, name: str, X: Any) -> FloatArray:
        return real_array(name, X, (..., *self.shape))

    def __repr__(self) -> str:
        truth = "unknown" if self.ground_truth is None else f"of shape {self.ground_truth.shape}"
        operator = operator_words(self.operator)
        return f"SensingProblem({operator}, rank={self.rank}, ground truth {truth})"


def _distance(X: FloatArray, Z: FloatArray) -> FloatArray:
    """Return ‖XXᵀ − ZZᵀ‖ for X of shape (..., n, r)."""
    Z = np.broadcast_to(Z, (*X.shape[:-2], *Z.shape))
    R = np.asarray(np.linalg.qr(np.concatenate([X, Z], axis=-1), mode="r"))
    signs = np.where(np.arange(R.shape[-1]) < X.shape[-1], 1.0, -1.0)
    return np.asarray(norm((R * signs) @ np.swapaxes(R, -1, -2), axis=(-2, -1)))


def checked_problem(problem: Any) -> SensingProblem:
    """Return a problem; TypeError for what is none, such as an Instance, which holds one."""
    if not isinstance(problem, SensingProblem):
        held = isinstance(getattr(problem, "problem", None), SensingProblem)
        remedy = ", which holds one: give its .problem" if held else ""
        kind = type(problem).__name__
        raise InvalidType(f"problem: expected a SensingProblem, got {kind}{remedy}")
    return problem
