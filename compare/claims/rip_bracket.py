"""What is certain about the RIP constant: δ itself is NP-hard, so a premise about it is decided by a bracket."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lift_compare.sensing import SensingOperator, rip_lower_bound

_SAMPLES = 6
_DENSE_BYTES = 2**28


@dataclass(frozen=True)
class RipBracket:
    """Bounds of the RIP constant δ_p.

    Attributes
    ----------
    rank : int
        The rank p.
    lower : float
        Reached by a symmetric matrix of rank at most p, so δ_p ≥ lower.
    upper : float
        δ_n, from the extreme eigenvalues of A*A on *all* symmetric matrices, so δ_p ≤ upper. Infinite if those were
        too large to compute. With p ≥ n the two agree: every symmetric matrix has rank at most p.
    upper_side : float
        max(0, λ_max(A*A) − 1): ‖A(M)‖² ≤ (1 + upper_side) ‖M‖² for every symmetric M. It may replace δ wherever only
        1 + δ enters, and it is often much smaller than `upper`.
    """

    rank: int
    lower: float
    upper: float
    upper_side: float


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
    squares = np.linalg.svd(in_basis, compute_uv=False) ** 2
    least = float(squares[-1]) if m >= k else 0.0
    upper_side = max(0.0, float(squares[0]) - 1)
    return RipBracket(rank, lower, max(upper_side, 1 - least), upper_side)
