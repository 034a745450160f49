"""The operator of least RIP constant under which a given point is spurious, by an LMI."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..floats import norm, silently
from ..operators import DenseOperator
from ..problem import SensingProblem
from ..tolerances import LMI, SINGULAR
from ..validation import FloatArray, InvalidValue, positive, real_array, refuse_absurd
from .definition import Instance
from .known import instance_name
from .optional import imported


@silently
def least_delta(x: Any, z: Any) -> SensingProblem:
    """Return the problem of least RIP constant in which x is second-order stationary, not z.

    Over the quadratic forms H on symmetric matrices it minimises δ subject to
    (1 − δ) I ⪯ H ⪯ (1 + δ) I, ∇h(x) = 0 and ∇²h(x) ⪰ 0 for h(X) = ½ ⟨XXᵀ − ZZᵀ, H(XXᵀ − ZZᵀ)⟩: a
    linear matrix inequality (after Zhang, Josz, Sojoudi and Lavaei, arXiv 1805.10251). The A_i are
    the eigenvectors of H as matrices, each times the root of its eigenvalue ‖A_i‖_F², so δ is the
    largest distance of a ‖A_i‖_F² from 1. Where n > 2 this δ bounds the RIP constant of low rank.
    x is stationary to rounding, and ∇²h(x) positive semidefinite to the solver's 1e-8.

    Parameters
    ----------
    x, z : array (n, r)
        The point that shall be spurious, and the ground truth.

    Returns
    -------
    SensingProblem

    Raises
    ------
    TypeError, ValueError
        For arrays of different shapes, xxᵀ = zzᵀ, where no δ < 1 does, or without cvxpy.

    Examples
    --------
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> problem = sensing.least_delta([[0.0], [0.5**0.5]], [[1.0], [0.0]])
    >>> round(problem.objective([[0.0], [0.5**0.5]]), 4)
    0.375
    """
    x = real_array("x", x, (None, None))
    z = real_array("z", z, x.shape)
    unit = float(norm(np.stack([x, z])))
    if unit == 0:
        raise InvalidValue("x: expected a point with xxᵀ other than zzᵀ, got zeros")
    H = _least_form(x / unit, z / unit)  # which is the same in any unit
    values, vectors = np.linalg.eigh(H)
    n = len(x)
    A = [
        np.sqrt(value) * _matrix(vector, n)
        for value, vector in zip(values, vectors.T, strict=True)
        if value > 0
    ]
    return SensingProblem.from_ground_truth(DenseOperator(A), z)


def least_delta_instance(angle: float = 90.0, length: float = 0.7071067811865476) -> Instance:
    """Return the least-δ problem at a point of given length and angle to Z = e₁, in degrees.

    90 degrees and 1/√2 give δ = ½ and the two-by-two example.
    """
    angle, length = positive("angle", angle), positive("length", length)
    if angle > 90:
        raise InvalidValue(f"angle: expected at most 90 degrees, got {angle}")
    radians = np.deg2rad(angle)
    x = length * np.array([[np.cos(radians) if angle < 90 else 0.0], [np.sin(radians)]])
    problem = least_delta(x, [[1.0], [0.0]])
    eigenvalues = np.sum(problem.operator.matrices() ** 2, axis=(1, 2))
    return Instance(
        instance_name("least-delta", angle=angle, length=length),
        problem,
        known_point=x,
        facts={"rip_constant": np.abs(eigenvalues - 1).max()},
        source="idea of Zhang, Josz, Sojoudi and Lavaei, arXiv 1805.10251",
    )


def _least_form(x: FloatArray, z: FloatArray) -> FloatArray:
    """Return H in an orthonormal basis of the symmetric matrices, as the LMI is solved."""
    cp = imported("cvxpy", "sdp")
    n, r = x.shape
    size = n * (n + 1) // 2
    refuse_absurd(size, size, n * r)
    residual = _coordinates(x @ x.T - z @ z.T)
    units = np.eye(n * r).reshape(n * r, n, r)
    if not residual.any():
        raise InvalidValue("x: expected a point with xxᵀ other than zzᵀ, which is a solution")
    # ∇h(x)[D] = ⟨xDᵀ + Dxᵀ, H M⟩, and ∇²h(x)[D, D] = ‖xDᵀ + Dxᵀ‖²_H + 2 ⟨DDᵀ, H M⟩.
    first = np.array([_coordinates(x @ D.T + D @ x.T) for D in units])
    second = np.array([[_coordinates(D @ E.T + E @ D.T) for E in units] for D in units])
    H, delta = cp.Variable((size, size), symmetric=True), cp.Variable()
    gradient = H @ residual
    hessian = first @ H @ first.T + cp.reshape(
        second.reshape(-1, size) @ gradient, (n * r, n * r), order="C"
    )
    identity = np.eye(size)
    constraints = [
        H << (1 + delta) * identity,
        H >> (1 - delta) * identity,
        first @ gradient == 0,
        hessian >> 0,
    ]
    try:
        cp.Problem(cp.Minimize(delta), constraints).solve(solver=cp.CLARABEL)
    except cp.SolverError as error:
        raise InvalidValue(f"x: the LMI was not solved: {error}") from error
    if H.value is None or delta.value > 1 - LMI:
        raise InvalidValue("x: no RIP constant below 1 makes it a second-order stationary point")
    return _made_stationary(H.value, residual, first)


def _made_stationary(H: FloatArray, residual: FloatArray, first: FloatArray) -> FloatArray:
    """Return the symmetric H nearest to the solver's with `first` @ H @ `residual` = 0 exactly.

    The solver leaves 1e-9 there. With P the projector on the rows of `first` and u the direction of
    the residual, g = P H u is taken off: H − (g uᵀ + u gᵀ) + ⟨u, g⟩ times what was taken twice.
    """
    u = residual / np.linalg.norm(residual)
    rows = np.linalg.svd(first, full_matrices=False)
    basis = rows.Vh[SINGULAR * rows.S[0] < rows.S]
    # E = uwᵀ + wuᵀ with w = Bᵀc: B E u = (I + B u uᵀ Bᵀ) c, for u of length one.
    Bu = basis @ u
    c = np.linalg.solve(np.eye(len(basis)) + np.outer(Bu, Bu), basis @ H @ u)
    w = basis.T @ c
    return (H + H.T) / 2 - np.outer(u, w) - np.outer(w, u)


def _coordinates(M: FloatArray) -> FloatArray:
    """Return the coordinates of a symmetric matrix in an orthonormal basis."""
    i, j = np.triu_indices(len(M))
    return np.asarray(M[i, j] * np.where(i == j, 1.0, np.sqrt(2)))


def _matrix(coordinates: FloatArray, n: int) -> FloatArray:
    i, j = np.triu_indices(n)
    M = np.zeros((n, n))
    M[i, j] = M[j, i] = coordinates * np.where(i == j, 1.0, np.sqrt(0.5))
    return M
