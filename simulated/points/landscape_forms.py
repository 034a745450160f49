"""The three quadratic forms that make up the lifted Hessian at ŵ = vec(X)^{⊗l}.

    ∇²h^l(ŵ) = 2 [ N₁^{⊗l} − N₂^{⊗l} + 2 P^{⊗l} ]          (docs/theory.md, section 11)

    N₁ V = A*(A(XXᵀ)) V      N₂ V = A*(b) V      P V = A*(A(XVᵀ)) X          V of shape (n, r)

They act on R^{n×r}, of dimension d = n r. Small ones are d×d matrices; for large ones nothing of
that size is formed: eigenvalues come from Lanczos runs on products.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from lift_compare.sensing import SensingProblem, relative_gradient_norm
from lift_compare.sensing.floats import finite, norm, normalised
from lift_compare.sensing.threads import one_thread
from lift_compare.sensing.tolerances import FORM_ROUNDING, LANCZOS_FORM, STATIONARY
from lift_compare.sensing.validation import FloatArray

from ..signed_log import LOG_2
from .unit_scale import at_unit_scale

DENSE_UP_TO = 400
"""Up to this d = n r the forms are matrices: to factorise them costs less than a Lanczos run."""

_BATCH = 2_000_000  # numbers in one batch of products while the matrices are formed
_BASIS = 40  # Lanczos vectors: the least eigenvalues may lie close together
_RESTARTS = 1000


class Eigenpairs(NamedTuple):
    """Least eigenpairs of a combination of the forms, the largest residual, and their rounding."""

    values: FloatArray  # (count,), ascending
    vectors: FloatArray  # (count, n, r), orthonormal
    residual: float


@dataclass(frozen=True, eq=False)
class LandscapeForms:
    """N₁, N₂ and P at a point X, in units in which the largest of them has a size of about one.

    Attributes
    ----------
    X : array (n, r)
        The point, in units of its own.
    products : callable
        V ↦ (N₁V, N₂V, PV): (..., n, r) -> (..., 3, n, r).
    combined : callable
        weights (..., 3) and V ↦ w₁N₁V + w₂N₂V + w₃PV, which takes less than the three.
    matrices : array (3, d, d) or None
        The forms as matrices, where d is small.
    sizes : array (3,)
        Bounds of the magnitudes of their eigenvalues.
    log_unit : float
        Logarithm of the unit: K in the units of the problem is exp(log_unit) K.
    rounding : float
        Relative error of the forms. At a stationary point it includes what is left of ∇h(X): there
        the identities that make an eigenvalue zero hold up to that.
    """

    X: FloatArray
    products: Callable[[FloatArray], FloatArray]
    combined: Callable[[FloatArray, FloatArray], FloatArray]
    matrices: FloatArray | None
    sizes: FloatArray
    log_unit: float
    rounding: float

    @classmethod
    def at(cls, problem: SensingProblem, X: FloatArray) -> LandscapeForms:
        """Return the forms at X, which need not be stationary; OverflowError if they do not fit."""
        problem, X, exponent = at_unit_scale(problem, X)
        measure, adjoint = problem.operator.measure, problem.operator.adjoint_matmul
        observed, b = measure(X, X), problem.measurements

        def products(V: FloatArray) -> FloatArray:
            forms = [adjoint(observed, V), adjoint(b, V), adjoint(measure(X, V), X)]
            return np.stack(forms, axis=-3)

        def combined(w: FloatArray, V: FloatArray) -> FloatArray:
            both = w[..., 0, None] * observed + w[..., 1, None] * b
            third = w[..., 2, None] * measure(X, V)
            return np.asarray(adjoint(both, V) + adjoint(third, X))

        n, r = X.shape
        left = relative_gradient_norm(problem, X)
        matrices = _matrices(problem, X, observed) if n * r <= DENSE_UP_TO else None
        if matrices is not None:
            sizes = np.array([norm(matrix) for matrix in matrices])
        else:
            sizes = np.array([_size(products, i, (n, r)) for i in range(3)])
        unit = int(np.frexp(finite("X: the lifted Hessian", sizes).max())[1])
        if matrices is not None:
            matrices = np.ldexp(matrices, -unit)
            functions = _dense(matrices, (n, r))
        else:
            functions = _scaled(products, combined, unit)
        return cls(
            X=normalised(X)[0],
            products=functions[0],
            combined=functions[1],
            matrices=matrices,
            sizes=np.ldexp(sizes, -unit),
            log_unit=(unit + 2 * exponent) * LOG_2,
            rounding=(LANCZOS_FORM if matrices is None else FORM_ROUNDING)
            + (left if left <= STATIONARY else 0.0),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """(n, r)."""
        return (self.X.shape[0], self.X.shape[1])

    @property
    def dimension(self) -> int:
        """The dimension d = n r of the space that they act on."""
        return math.prod(self.shape)

    @cached_property
    def first_is_positive(self) -> bool:
        """Whether N₁ is positive semidefinite to rounding, so that K₁ ≥ 0 for every V."""
        return bool(self.least((1, 0, 0)).values[0] >= -self.error((1, 0, 0)))

    @property
    def resolution(self) -> float:
        """How far below zero a margin must be to be no rounding: twice what a proof allows for."""
        return 2 * self.error((1, 1, 2))

    def error(self, weights: Any) -> float:
        """Return how far an eigenvalue of w₁N₁ + w₂N₂ + w₃P can be off by rounding."""
        return self.rounding * float(np.abs(weights) @ self.sizes)

    def combination(self, weights: Any) -> FloatArray | LinearOperator:
        """Return w₁N₁ + w₂N₂ + w₃P on vectors of length d: a matrix where the forms are."""
        w = np.asarray(weights, dtype=float)
        if self.matrices is not None:
            return np.asarray(np.tensordot(w, self.matrices, axes=1))

        def product(v: FloatArray) -> FloatArray:
            return self.combined(w, v.reshape(self.shape)).ravel()

        size = (self.dimension, self.dimension)
        return LinearOperator(size, matvec=product, dtype=np.dtype(np.float64))

    def least(self, weights: Any, count: int = 1, *, rough: bool = False) -> Eigenpairs:
        """Return the `count` least eigenpairs of w₁N₁ + w₂N₂ + w₃P.

        Parameters
        ----------
        weights : three floats
            w.
        count : int
            Number of eigenpairs, at most d.
        rough : bool
            Whether a short Lanczos run will do: its vectors are then good starts, no more.

        Raises
        ------
        ArithmeticError
            If the Lanczos run does not converge.
        """
        M, d = self.combination(weights), self.dimension
        if self.matrices is not None:
            with one_thread():
                values, vectors = eigh(M, subset_by_index=(0, count - 1), check_finite=False)
        else:
            start = np.random.default_rng(0).standard_normal(d)
            if rough:
                values, vectors = _lanczos(M, start, min(d, 2 * _BASIS), count)
            else:
                size = float(np.abs(weights) @ self.sizes)
                values, vectors = _converged(M, start, count, size, _named(weights))
        residual = float(norm(M @ vectors - vectors * values, axis=(0,)).max())
        # Nothing fixes the sign of an eigenvector; a fixed choice makes results repeatable.
        return Eigenpairs(values, signed(vectors.T.reshape(-1, *self.shape)), residual)


def signed(V: FloatArray) -> FloatArray:
    """Return each V of shape (..., n, r) with a positive entry of largest magnitude."""
    flat = V.reshape(*V.shape[:-2], -1)
    largest = np.take_along_axis(flat, np.abs(flat).argmax(axis=-1)[..., None], axis=-1)
    return np.asarray(V * np.where(largest < 0, -1.0, 1.0)[..., None])


def form_values(V: FloatArray, products: FloatArray) -> FloatArray:
    """Return K = (⟨V, N₁V⟩, ⟨V, N₂V⟩, ⟨V, PV⟩), shape (..., 3); P is a square, so K₃ ≥ 0."""
    K = np.sum(products * V[..., None, :, :], axis=(-2, -1))
    K[..., 2] = np.maximum(K[..., 2], 0.0)
    return np.asarray(K)


def _matrices(problem: SensingProblem, X: FloatArray, observed: FloatArray) -> FloatArray:
    """Return N₁, N₂ and P as d×d matrices; vec(V) is V.reshape(-1), so N = G ⊗ I_r."""
    A, (n, r) = problem.operator, X.shape
    eye = np.eye(n)
    first, second = (
        np.kron(A.adjoint_matmul(y, eye), np.eye(r)) for y in (observed, problem.measurements)
    )
    basis = np.eye(n * r).reshape(-1, n, r)
    each = max(1, _BATCH // max(n * n, A.m))
    parts = [basis[i : i + each] for i in range(0, n * r, each)]
    columns = [A.adjoint_matmul(A.measure(X, part), X).reshape(len(part), -1) for part in parts]
    matrices = np.stack([first, second, np.concatenate(columns)])
    return np.asarray(matrices / 2 + matrices.transpose(0, 2, 1) / 2)


_Products = Callable[[FloatArray], FloatArray]
_Combined = Callable[[FloatArray, FloatArray], FloatArray]


def _dense(matrices: FloatArray, shape: tuple[int, int]) -> tuple[_Products, _Combined]:
    columns = np.ascontiguousarray(matrices.reshape(-1, matrices.shape[-1]).T)

    def products(V: FloatArray) -> FloatArray:
        lead = V.shape[:-2]
        return np.asarray((V.reshape(*lead, -1) @ columns).reshape(*lead, 3, *shape))

    def combined(w: FloatArray, V: FloatArray) -> FloatArray:
        return np.asarray(np.sum(w[..., None, None] * products(V), axis=-3))

    return products, combined


def _scaled(products: _Products, combined: _Combined, unit: int) -> tuple[_Products, _Combined]:
    return (
        lambda V: np.ldexp(products(V), -unit),
        lambda w, V: np.ldexp(combined(w, V), -unit),
    )


def _converged(
    M: LinearOperator, start: FloatArray, count: int, size: float, name: str
) -> tuple[FloatArray, FloatArray]:
    """Return the least eigenpairs by ARPACK; ArithmeticError if it does not come to its end.

    Its tolerance is relative to the eigenvalue, so it runs on M + 2 size I, with eigenvalues from
    about `size` to 3 `size`: one of zero, or M = 0 as at the truth, is then no special case.
    """
    shift = 2 * size or 1.0
    shifted = LinearOperator(M.shape, matvec=lambda v: M @ v + shift * v, dtype=M.dtype)
    ncv = min(len(start) - 1, max(4 * count, _BASIS))
    try:
        values, vectors = eigsh(
            shifted, count, which="SA", v0=start, ncv=ncv, tol=LANCZOS_FORM / 10, maxiter=_RESTARTS
        )
    except ArpackNoConvergence as error:
        raise ArithmeticError(
            f"the least eigenvalue of {name} did not converge: {error}"
        ) from error
    order = np.argsort(values)
    return values[order] - shift, vectors[:, order]


def _lanczos(
    M: LinearOperator, start: FloatArray, steps: int, count: int
) -> tuple[FloatArray, FloatArray]:
    """Return the least Ritz pairs after a number of steps, fully reorthogonalised."""
    basis = np.zeros((steps, len(start)))
    images = np.zeros((steps, len(start)))
    v = start
    for i in range(steps):
        for _ in range(2):
            v = v - basis[:i].T @ (basis[:i] @ v)
        length = float(norm(v))
        if length <= FORM_ROUNDING:
            steps = i
            break
        basis[i] = v / length
        v = images[i] = M @ basis[i]
    small = basis[:steps] @ images[:steps].T
    values, vectors = np.linalg.eigh(small / 2 + small.T / 2)
    return values[:count], basis[:steps].T @ vectors[:, :count]


def _size(products: _Products, form: int, shape: tuple[int, int]) -> float:
    """Return the largest magnitude of an eigenvalue of one form, to a few per cent."""
    v = np.random.default_rng(0).standard_normal(shape)
    size = 0.0
    for _ in range(_BASIS // 2):  # power iteration
        length = float(norm(v))
        if length == 0:
            return 0.0
        v = products(v / length)[form]
        size = max(size, float(norm(v)))
    return size


def _named(weights: Any) -> str:
    w = [float(x) for x in weights]
    return f"{w[0]:.4g} N₁ + {w[1]:.4g} N₂ + {w[2]:.4g} P"
