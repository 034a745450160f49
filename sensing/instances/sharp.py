"""Instances whose RIP constant is known exactly, at a spurious point in closed form."""

from __future__ import annotations

import numpy as np
from scipy.linalg import helmert

from ..operators import DenseOperator
from ..problem import SensingProblem
from ..validation import FloatArray, InvalidValue, positive, refuse_absurd, whole_number
from .definition import Instance
from .known import DERIVED, instance_name, kind_of, orders_of


def sharp_delta_instance(delta: float = 0.75, theta: float = np.pi / 2, n: int = 2) -> Instance:
    """Return a rank-one problem with RIP constant δ and the spurious point √(H₁₂/H₂₂) e₂, Z = e₁.

    A*A maps diag(x, y, 0, ...) by H = [[1 + δ cos θ, δ sin θ], [δ sin θ, 1 − δ cos θ]]; it has the
    eigenvalue 1 + δ at e₁e₂ᵀ + e₂e₁ᵀ, and 1 at all that is orthogonal to these. The point is a
    strict minimum where δ sin θ > 1 − δ. δ = ½ and θ = π/2 is the two-by-two example, the limit.
    """
    delta, theta = _below_one("delta", delta), positive("theta", theta)
    n = whole_number("n", n, least=2)
    if delta < 0.5:
        raise InvalidValue(f"delta: expected a number from 0.5 to below 1, got {delta}")
    if theta >= np.pi:
        raise InvalidValue(f"theta: expected an angle below π, got {theta}")
    refuse_absurd(n, n, n, n)
    H11, H22 = 1 + delta * np.cos(theta), 1 - delta * np.cos(theta)
    H12 = delta * np.sin(theta)
    E11, E22, E12 = (_unit_matrix(n, *pair) for pair in ((0, 0), (1, 1), (0, 1)))
    A = [
        np.sqrt(H11) * E11 + H12 / np.sqrt(H11) * E22,
        np.sqrt(1 + delta) * E12,
        np.sqrt((1 - delta**2) / H11) * E22,
        *(_unit_matrix(n, i, j) for j in range(2, n) for i in range(j + 1)),
    ]
    square = H12 / H22  # of the entry x₂ of X̂
    kind = kind_of(delta * np.sin(theta) - (1 - delta))
    return Instance(
        instance_name("sharp-delta", delta=delta, theta=theta, n=n),
        SensingProblem.from_ground_truth(DenseOperator(A), _unit_vectors(n, 0)),
        known_point=np.sqrt(square) * _unit_vectors(n, 1),
        facts={
            "objective": (1 - delta**2) / (2 * H22),
            "eigenvalue": -(1 - delta**2) / H22,
            "rip_constant": delta,
            "kind": kind,
            **orders_of(kind, square * H12, H11, square * (1 + delta) / 2),
        },
        source=f"{DERIVED}, after Zhang, Josz, Sojoudi and Lavaei, arXiv 1805.10251",
    )


def rip_dial_instance(rank: int = 2, delta: float = 0.9, n: int | None = None) -> Instance:
    """Return a search of rank r for a truth of rank one, Z = e₁, with RIP constant δ.

    With P = e₁e₁ᵀ and Q = diag(0, I_r, 0)/√r, the measurements are P + δQ, √(1 − δ²) Q,
    √(1 + δ) (e₁e_jᵀ + e_je₁ᵀ)/√2 for j = 2..r+1, and what completes P, Q and these to an
    orthonormal basis of the symmetric matrices. X̂ = √(δ/√r) [e₂ ... e_{r+1}] is a minimum where
    δ (1 + 1/√r) > 1. The side n is r + 1 at least, and by default.
    """
    rank, delta = whole_number("rank", rank), _below_one("delta", delta)
    n = rank + 1 if n is None else whole_number("n", n)
    if n <= rank:
        raise InvalidValue(f"n: expected more than the rank, {rank}, got {n}")
    refuse_absurd(n, n, n, n)
    P, Q = np.zeros((n, n)), np.zeros((n, n))
    P[0, 0] = 1.0
    ones = list(range(1, rank + 1))
    Q[ones, ones] = 1 / np.sqrt(rank)
    A = [P + delta * Q, np.sqrt(1 - delta**2) * Q]
    A += [np.sqrt(1 + delta) * _unit_matrix(n, 0, j) for j in ones]
    for contrast in helmert(rank):  # diagonal, orthogonal to Q
        A.append(np.diag(np.pad(contrast, (1, n - rank - 1))))
    for j in range(n):
        A += [_unit_matrix(n, i, j) for i in range(j + 1) if j > rank or 0 < i < j]
    kind = kind_of(delta * (1 + 1 / np.sqrt(rank)) - 1)
    return Instance(
        instance_name("rip-dial", rank=rank, delta=delta, n=n),
        SensingProblem.from_ground_truth(DenseOperator(A), _unit_vectors(n, 0), rank=rank),
        known_point=np.sqrt(delta / np.sqrt(rank)) * _unit_vectors(n, ones),
        facts={
            "objective": (1 - delta**2) / 2,
            "eigenvalue": -(1 - delta**2),
            "rip_constant": delta,
            "kind": kind,
            **orders_of(kind, delta**2, 1.0, delta * (1 + delta) / (2 * np.sqrt(rank))),
        },
        source=f"{DERIVED}; threshold as in Zhang, arXiv 2104.10790",
    )


def _below_one(name: str, value: float) -> float:
    value = positive(name, value)
    if value >= 1:
        raise InvalidValue(f"{name}: expected a number below 1, got {value}")
    return value


def _unit_matrix(n: int, i: int, j: int) -> FloatArray:
    """Return e_ie_jᵀ + e_je_iᵀ, of norm one."""
    M = np.zeros((n, n))
    M[i, j] = M[j, i] = 1.0 if i == j else np.sqrt(0.5)
    return M


def _unit_vectors(n: int, which: int | list[int]) -> FloatArray:
    """Return unit vectors as columns, shape (n, count)."""
    return np.eye(n)[:, np.atleast_1d(which)]
