"""Bounds of the restricted isometry constant δ, which itself is NP-hard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from .floats import finite, silently
from .operators import SensingOperator, checked_operator, unchecked_products
from .validation import FloatArray, random_generator, whole_number

_SAMPLES = 6  # random starts of the lower bound of a bracket
_DENSE_BYTES = 2**28  # up to which all matrices are formed for its upper bound


@silently
def rip_lower_bound(
    operator: SensingOperator,
    rank: int,
    *,
    samples: int,
    seed: int | np.random.Generator,
    max_iterations: int = 200,
) -> float:
    """Return a lower bound of the restricted isometry constant δ_p.

    It is the largest | ‖A(M)‖² / ‖M‖_F² − 1 | found over symmetric M of rank p. δ_p is the least δ
    with (1−δ)‖M‖² ≤ ‖A(M)‖² ≤ (1+δ)‖M‖² for all M of rank at most p; computing it is NP-hard. Every
    value tried here is attained by a true symmetric rank-p matrix, so the result never exceeds δ_p.
    With M = U S Uᵀ and U fixed, the extreme quotients are eigenvalues of a p(p+1)/2-sided matrix;
    from there U and S are improved together by L-BFGS. With p ≥ n the result is δ itself.

    Parameters
    ----------
    operator : SensingOperator
        The operator A.
    rank : int
        The rank p.
    samples : int
        Number of random starts U, for the upper and the lower quotient each.
    seed : int or numpy.random.Generator
        Source of the randomness.
    max_iterations : int
        L-BFGS iterations of each start at most.

    Returns
    -------
    float
        A lower bound of δ_p, at least 0.

    Raises
    ------
    TypeError, ValueError
        For a rank, a number of samples or of iterations that is not a whole number from 1 on, or
        what is no operator.
    OverflowError
        If ‖A(M)‖² is beyond float64.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> operator = sensing.two_by_two().operator
    >>> round(sensing.rip_lower_bound(operator, 2, samples=2, seed=0), 6)
    0.5
    """
    operator = checked_operator(operator)
    rank, samples = whole_number("rank", rank), whole_number("samples", samples)
    max_iterations = whole_number("max_iterations", max_iterations)
    rng = random_generator(seed)
    p = min(rank, operator.n)
    best = 0.0
    for _ in range(samples):
        start = np.linalg.qr(rng.standard_normal((operator.n, p)))[0]
        for sign in (1.0, -1.0):  # +1: largest quotient, −1: least
            quotient = _improve(operator, start, sign, max_iterations)
            best = max(best, sign * (quotient - 1))
    return best


@dataclass(frozen=True)
class RipBracket:
    """What is certain about δ_p.

    Attributes
    ----------
    rank : int
        The rank p.
    lower : float
        Reached by a symmetric matrix of rank at most p, so δ_p ≥ lower.
    upper : float
        δ_n, from the extreme eigenvalues of A*A on *all* symmetric matrices, so δ_p ≤ upper.
        Infinite if those were too large to compute. With p ≥ n the two agree: every symmetric
        matrix has rank at most p.
    upper_side : float
        max(0, λ_max(A*A) − 1): ‖A(M)‖² ≤ (1 + upper_side) ‖M‖² for every symmetric M. It may
        replace δ wherever only 1 + δ enters, and it is often much smaller than `upper`.
    """

    rank: int
    lower: float
    upper: float
    upper_side: float


@silently
def rip_bracket(operator: SensingOperator, rank: int, *, seed: int) -> RipBracket:
    """Return the bracket of δ_p for p = `rank`.

    The symmetric matrices have dimension k = n(n+1)/2 and the orthonormal basis e_i e_iᵀ, (e_i e_jᵀ
    + e_j e_iᵀ)/√2; the singular values of A in this basis give both extremes of ‖A(M)‖² / ‖M‖² (the
    least is 0 if m < k).
    """
    lower = rip_lower_bound(operator, rank, samples=_SAMPLES, seed=seed)
    n, m = operator.n, operator.m
    k = n * (n + 1) // 2
    if 8 * m * max(n * n, k) > _DENSE_BYTES:
        return RipBracket(rank, lower, np.inf, np.inf)
    rows, cols = np.triu_indices(n)
    in_basis = operator.matrices()[:, rows, cols] * np.where(rows == cols, 1.0, np.sqrt(2.0))
    squares = finite("operator: ‖A(M)‖²", np.linalg.svd(in_basis, compute_uv=False) ** 2)
    least = float(squares[-1]) if m >= k else 0.0
    upper_side = max(0.0, float(squares[0]) - 1)
    return RipBracket(rank, lower, max(upper_side, 1 - least), upper_side)


def _improve(operator: SensingOperator, U: FloatArray, sign: float, max_iterations: int) -> float:
    """Return an extreme quotient (the largest for sign +1) reached from the column space of U."""
    n, p = U.shape
    quotient, S = _extreme(operator, U, sign)
    measure, adjoint = unchecked_products(operator)
    unit = max(quotient, 1.0)  # the search works with quotients of order one

    def negative_quotient(z: FloatArray) -> tuple[float, FloatArray]:
        """Return −sign · q and its gradient in z = (L, S): q = ‖A(L S Lᵀ)‖² / ‖L S Lᵀ‖²."""
        # L need not be orthonormal: with G = LᵀL, ‖L S Lᵀ‖² = tr(S G S G). No n×n matrix is formed.
        L, S = z[: n * p].reshape(n, p), z[n * p :].reshape(p, p)
        y, G = measure(L @ S, L), L.T @ L
        norm = float(np.sum(S * (G @ S @ G)))
        q = float(y @ y) / norm
        pushed = adjoint(y, L)
        by_L = 4 * (pushed @ S - q * L @ S @ G @ S) / norm
        by_S = 2 * (L.T @ pushed - q * G @ S @ G) / norm
        return -sign * q / unit, -sign * np.concatenate([by_L.ravel(), by_S.ravel()]) / unit

    start = np.concatenate([U.ravel(), S.ravel()])
    found = minimize(
        negative_quotient, start, jac=True, method="L-BFGS-B", options={"maxiter": max_iterations}
    )
    # On the column space that was reached the best S is an eigenproblem: no step is lost.
    improved, _ = _extreme(operator, np.linalg.qr(found.x[: n * p].reshape(n, p))[0], sign)
    return max(quotient, improved, key=lambda value: sign * value)


def _extreme(operator: SensingOperator, U: FloatArray, sign: float) -> tuple[float, FloatArray]:
    """Return the extreme of ‖A(U S Uᵀ)‖² over symmetric S with ‖S‖_F = 1, and its S."""
    k = U.shape[1]
    rows, cols = np.triu_indices(k)
    # An orthonormal basis of the symmetric k×k matrices: e_i e_iᵀ and (e_i e_jᵀ + e_j e_iᵀ)/√2.
    scale = np.where(rows == cols, 1.0, np.sqrt(2.0))
    columns = [operator.measure(U[:, [i]], U[:, [j]]) for i, j in zip(rows, cols, strict=True)]
    measured = np.array(columns).T * scale
    gram = finite("operator: ‖A(M)‖²", measured.T @ measured)
    values, vectors = np.linalg.eigh(gram)
    pick = -1 if sign > 0 else 0
    S = np.zeros((k, k))
    S[rows, cols] = vectors[:, pick] / scale
    S[cols, rows] = vectors[:, pick] / scale
    return float(values[pick]), S
