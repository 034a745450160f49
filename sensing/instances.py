"""The published instances, and random ones: each function returns a SensingProblem."""

from __future__ import annotations

from typing import Any

import numpy as np

from .operators import DenseOperator, EntrywiseOperator, RankOneOperator
from .problem import SensingProblem
from .validation import positive, real_array, whole_number

# The matrices of the "real system", as printed with the SOD paper (arXiv 2602.05887): upper
# triangles, row by row.
_REAL_SYSTEM_UPPER = (
    (0.0783, 0.2372, -0.0439, -0.0397, 0.1456, -0.4724),
    (0.0389, 0.0536, -0.0059, 0.4614, -0.3907, 0.2760),
    (0.0293, -0.1456, -0.1656, 0.3257, 0.2528, -0.0078),
    (0.0762, 0.3193, -0.3338, -0.3364, 0.5847, 0.1873),
    (-0.0889, 0.7089, 0.4472, 0.3788, 0.0902, -0.3193),
    (0.4097, 0.1190, 0.2078, 0.2282, -0.2274, 0.4046),
)


def two_by_two() -> SensingProblem:
    """Return the 2×2 example (n = 2, m = 3, r = 1), with a degenerate spurious stationary point at [0, 1/√2].

    It is published as a local minimum, and gradient descent stalls there, but h = ⅜ − (3/2) x₁⁴ on
    the curve x₂² = ½ − 2 x₁² through it: a saddle that the Hessian does not see.

    A₁ = diag(1, ½), A₂ = (√3/2)(e₁e₂ᵀ + e₂e₁ᵀ), A₃ = diag(0, √3/2), Z = e₁.
    """
    s = np.sqrt(3) / 2
    return SensingProblem.from_ground_truth(
        DenseOperator([[[1, 0], [0, 0.5]], [[0, s], [s, 0]], [[0, 0], [0, s]]]), [[1.0], [0.0]]
    )


def perturbed_completion(n: int = 3, epsilon: float = 0.3) -> SensingProblem:
    """Return perturbed matrix completion (m = n², r = 1; Yalcin et al., arXiv 2110.10279).

    Entries on the diagonal, in odd rows or in odd columns (counted from 0) have weight 1, the
    others weight ε; Z has ones at the even indices.

    Parameters
    ----------
    n : int
        Side of the matrix.
    epsilon : float
        Weight ε > 0 of the hardly seen entries.
    """
    n, epsilon = whole_number("n", n, least=2), positive("epsilon", epsilon)
    odd = np.arange(n) % 2 == 1
    seen = odd[:, None] | odd[None, :] | np.eye(n, dtype=bool)
    Z = np.where(odd, 0.0, 1.0)[:, None]
    return SensingProblem.from_ground_truth(EntrywiseOperator(np.where(seen, 1.0, epsilon)), Z)


def real_system() -> SensingProblem:
    """Return the published "real system" (n = 3, m = 6, r = 1), Z = e₁; its printed spurious point is
    [0.2234, 0.0918, 0.5985].
    """  # noqa: D205
    upper = np.triu_indices(3)
    A = np.zeros((6, 3, 3))
    A[:, upper[0], upper[1]] = _REAL_SYSTEM_UPPER
    A[:, upper[1], upper[0]] = _REAL_SYSTEM_UPPER
    return SensingProblem.from_ground_truth(DenseOperator(A), [[1.0], [0.0], [0.0]])


def gaussian(n: int, rank: int, m: int, seed: int | np.random.Generator) -> SensingProblem:
    """Return a random dense instance with E‖A(M)‖² = ‖M‖_F² for symmetric M.

    A_i is the symmetric part of a matrix of independent N(0, 1/m) entries; Z has independent N(0,
    1/n) entries.

    Parameters
    ----------
    n, rank, m : int
        Side, rank (at most n) and number of measurements.
    seed : int or numpy.random.Generator
        Source of the randomness.
    """
    n, rank, m = whole_number("n", n), whole_number("rank", rank), whole_number("m", m)
    if rank > n:
        raise ValueError(f"rank: expected at most n = {n}, got {rank}")
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((m, n, n)) / np.sqrt(m)
    Z = rng.standard_normal((n, rank)) / np.sqrt(n)
    return SensingProblem.from_ground_truth(DenseOperator((B + B.transpose(0, 2, 1)) / 2), Z)


def quadratic_network(features: Any, targets: Any, width: int) -> SensingProblem:
    """Return the training problem of a quadratic network: h(U) = 1/(2N) Σ_i (‖Uᵀx_i‖² − y_i)².

    It is matrix sensing with A_i = x_i x_iᵀ / √N and b_i = y_i / √N.

    Parameters
    ----------
    features : array (N, d)
        The x_i, one a row (append a constant feature for a bias).
    targets : array (N,)
        The y_i.
    width : int
        Number of hidden units, the rank of the sensing problem (at most d).
    """
    x = real_array("features", features, (None, None))
    y = real_array("targets", targets, (len(x),))
    N = len(x)
    return SensingProblem(RankOneOperator(x / N**0.25), y / np.sqrt(N), width)
