"""Spectral data at a point: eigenpairs of G(X), last singular triplet of X, stationarity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.sparse.linalg import ArpackNoConvergence, eigsh

from .floats import finite, norm, normalised, silently
from .operators import unchecked_products
from .problem import SensingProblem, checked_problem
from .threads import one_thread
from .tolerances import EIGENPAIR, SINGULAR
from .validation import FloatArray, InvalidValue, locked, positive, real_array, whole_number

_DENSE_BELOW = 400  # up to this n a dense factorisation is cheaper than a Lanczos run


@dataclass(frozen=True)
class LeastEigenpairs:
    """Least eigenpairs of G(X), in ascending order.

    Attributes
    ----------
    values : array (k,)
        Eigenvalues.
    vectors : array (n, k)
        Orthonormal eigenvectors. Each is signed so that its entry of largest magnitude is positive.
    residual : float
        max_j ‖G u_j − λ_j u_j‖ / ‖G‖, with ‖G‖ the largest magnitude of a computed eigenvalue.
    """

    values: FloatArray
    vectors: FloatArray
    residual: float


@silently
def least_eigenpairs(problem: SensingProblem, X: FloatArray, count: int = 1) -> LeastEigenpairs:
    """Return the `count` least eigenpairs of the landscape matrix G(X) (docs/theory.md, section 3).

    For n > 400 this is a Lanczos run (ARPACK) on products with G(X): nothing of size n×n is formed.
    The start vector is fixed, so the result is deterministic.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        Point at which G is taken.
    count : int
        Number of eigenpairs, at most n.

    Raises
    ------
    TypeError, ValueError
        If `count` is not in 1..n, or X is not a finite (n, r) array.
    ArithmeticError
        If the Lanczos run does not reach a residual of 1e-8; as OverflowError, if G(X) is beyond
        float64.
    """
    count = whole_number("count", count)
    if count > problem.n:
        raise InvalidValue(f"count: expected at most n = {problem.n}, got {count}")
    G = problem.landscape(X)
    if problem.n <= _DENSE_BELOW or count > problem.n // 4:
        dense = G @ np.eye(problem.n)
        values, vectors = _least_of_dense(dense / 2 + dense.T / 2, count)
    else:
        start = np.random.default_rng(0).standard_normal(problem.n)
        # The least eigenvalues may lie close together: a wide basis tells them apart.
        ncv = min(problem.n - 1, max(4 * count, 40))
        try:
            values, vectors = eigsh(G, k=count, which="SA", v0=start, ncv=ncv, maxiter=3000)
        except ArpackNoConvergence as error:
            raise ArithmeticError(
                f"the least {count} eigenpairs of G(X) did not converge: {error}"
            ) from error
        order = np.argsort(values)
        values, vectors = values[order], vectors[:, order]
    # Nothing fixes the sign of an eigenvector; a fixed choice makes results repeatable.
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(count)] < 0, -1.0, 1.0)
    scale = max(float(np.abs(values).max()), np.finfo(float).tiny)
    residual = float(norm(G @ vectors - vectors * values, axis=(0,)).max()) / scale
    if problem.n > _DENSE_BELOW and residual > EIGENPAIR:
        raise ArithmeticError(
            f"the least eigenpairs of G(X) have a relative residual of {residual:.3g} "
            f"> {EIGENPAIR:g}"
        )
    return LeastEigenpairs(locked(values), locked(vectors), residual)


def _least_of_dense(G: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return the least eigenvalues, ascending, and eigenvectors of a symmetric matrix.

    In one thread: at n = 80 it takes 0.3 ms, and waiting for a second thread may take 5 ms.
    """
    with one_thread():
        values, vectors = eigh(G, subset_by_index=(0, count - 1), check_finite=False)
    return values, vectors


@dataclass(frozen=True)
class SingularTriplet:
    """A singular triplet of X: X q = value · v, with v of shape (n,) and q of shape (r,)."""

    value: float
    v: FloatArray
    q: FloatArray


@silently
def last_singular_triplet(X: FloatArray, *, tolerance: float = SINGULAR) -> SingularTriplet:
    """Return the last nonzero singular triplet (σ_r, v_r, q_r) of X.

    Singular values up to `tolerance` times the largest count as zero. The sign is chosen so that
    the entry of q of largest magnitude is positive.

    Raises
    ------
    TypeError, ValueError
        If X is not a finite matrix; if X = 0, which has no nonzero singular value.
    """
    X = real_array("X", X, (None, None))
    tolerance = positive("tolerance", tolerance, or_zero=True)
    V, values, Qt = np.linalg.svd(X, full_matrices=False)
    if values[0] == 0:
        raise InvalidValue(
            "X: expected a nonzero point, got X = 0 (it has no nonzero singular triplet)"
        )
    last = int(np.count_nonzero(values > tolerance * values[0])) - 1
    v, q = V[:, last], Qt[last]
    sign = -1.0 if q[np.argmax(np.abs(q))] < 0 else 1.0
    return SingularTriplet(float(values[last]), locked(sign * v), locked(sign * q))


@silently
def relative_gradient_norm(problem: SensingProblem, X: FloatArray) -> float:
    """Return ‖∇h(X)‖_F in units of its terms: over 2 ‖A*(A(XXᵀ)) X‖_F + 2 ‖A*(b) X‖_F.

    It is dimensionless: 0 at a stationary point, about 1 far from one; rounding alone leaves about
    1e-16.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The point.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite.
    OverflowError
        If A(A*(·)) is beyond float64.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.relative_gradient_norm(sensing.two_by_two(), [[0.0], [0.5**0.5]]) < 1e-15
    True
    """
    x, of_x = normalised(checked_problem(problem).factor("X", X))
    measure, adjoint = unchecked_products(problem.operator)
    # Units are taken out of X, A(XXᵀ) and b: they cancel in the quotient, and need no range.
    y, of_y = normalised(measure(x, x))
    b, of_b = normalised(problem.measurements)
    unit = max(2 * of_x + of_y, of_b)
    first = np.ldexp(adjoint(y, x), 2 * of_x + of_y - unit)
    second = np.ldexp(adjoint(b, x), of_b - unit)
    scale = finite("X: a term of ∇h(X)", norm(first) + norm(second))
    return norm(first - second) / scale if scale > 0 else 0.0
