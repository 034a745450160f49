"""Section 1: the problem in matrix space, and what kind of point X̂ is."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import check_adjoint, check_gradient, check_hessian
from lift_compare.sensing.tolerances import STATIONARY
from lift_compare.sensing.validation import FloatArray

from ...tolerances import (
    AGREEMENT,
    DIFFERENCE,
    FLAT_DIRECTION,
    FLAT_HESSIAN,
    FOURTH_ORDER,
    IDENTITY,
    KERNEL,
    POSITIVE_OBJECTIVE,
    PRODUCT,
)
from .case import Case
from .claim import Finding, conditional, exact, property_of_instance, small

_MIXTURES = 200  # of several flat directions that are tried


@exact("adjoint", 1)
def adjoint(case: Case) -> Finding:
    """⟨A(LRᵀ), y⟩ = ⟨L, A*(y) R⟩ and A(LRᵀ) = A(RLᵀ)"""
    return small(check_adjoint(case.problem.operator, seed=case.random(1)), IDENTITY)


@exact("gradient", 1)
def gradient(case: Case) -> Finding:
    """∇h(X) = 2 G(X) X

    Against five-point differences of h: exact, as h is a quartic on a line.
    """
    return small(check_gradient(case.problem, _displaced(case), seed=case.random(2)), DIFFERENCE)


@exact("Hessian", 1)
def hessian(case: Case) -> Finding:
    """∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X

    Against four-point differences of ∇h: exact, as ∇h is a cubic on a line.
    """
    return small(check_hessian(case.problem, _displaced(case), seed=case.random(3)), DIFFERENCE)


def _displaced(case: Case) -> FloatArray:
    """Return X̂ moved by half its norm: at X̂ ∇h is zero, and a wrong factor would not show."""
    noise = case.random(5).standard_normal(case.X.shape)
    return np.asarray(case.X + noise * (np.linalg.norm(case.X) / np.linalg.norm(noise) / 2))


@exact("distance", 1)
def distance(case: Case) -> Finding:
    """‖XXᵀ − ZZᵀ‖² = ‖XᵀX‖² − 2‖XᵀZ‖² + ‖ZᵀZ‖²

    The distance itself is taken without an n×n matrix.
    """
    case.need(case.problem.ground_truth is not None, "no ground truth is known")
    X, Z = case.X, np.asarray(case.problem.ground_truth)
    XX, XZ, ZZ = (float(np.sum((L.T @ R) ** 2)) for L, R in ((X, X), (X, Z), (Z, Z)))
    error = abs(case.problem.distance(X) ** 2 - (XX - 2 * XZ + ZZ))
    return small(error / (XX + ZZ), PRODUCT)


@property_of_instance("X̂ is stationary", 1)
def stationary(case: Case) -> Finding:
    """∇h(X̂) = 0

    Measured over ‖2 A*(A(X̂X̂ᵀ)) X̂‖ + ‖2 A*(b) X̂‖.
    """
    return small(case.gradient_norm, STATIONARY)


@property_of_instance("X̂ is spurious", 1)
def spurious(case: Case) -> Finding:
    """h(X̂) > 0

    While h(Z) = 0; measured in units of h(0) = ½‖b‖².
    """
    case.need_stationary()
    case.need_noiseless()
    value = case.objective / case.problem.objective_at_zero
    return Finding(value > POSITIVE_OBJECTIVE, value, "> 0", POSITIVE_OBJECTIVE)


@conditional("orthogonal symmetry", 1)
def orthogonal_symmetry(case: Case) -> Finding:
    """∇²h(X̂)[X̂Ω] = 0 for antisymmetric Ω: r > 1 brings flat directions

    h(XQ) = h(X) for orthogonal Q, so at a stationary point these directions are in the kernel.
    ∇²h[X̂Ω] = ∇h(X̂) Ω in general, so what is left of the gradient is left here too.
    """
    case.need(case.problem.rank > 1, "r = 1: only the sign of X̂ is free")
    case.need_stationary()
    images = case.hessian @ _orbit(case.X)
    left = case.leftover_gradient / float(np.linalg.norm(case.X))
    scale = float(np.linalg.norm(case.hessian, 2))
    return small(float(np.abs(images).max()) / scale, AGREEMENT + 10 * left / scale)


@property_of_instance("X̂ is a local minimum", 1)
def local_minimum(case: Case) -> Finding:
    """h(X̂) ≤ h(X) for every X near X̂

    Decided by the spectrum of ∇²h(X̂); where it is flat beyond the O(r) symmetry, by the fourth
    order. A negative eigenvalue: a saddle. Only the r(r−1)/2 flat directions X̂Ω: a minimum, strict
    up to symmetry. Otherwise, for each flat direction D, h(X̂ + tD + t²Y) with the best Y(D) has no
    quadratic part, and

        c₃ = ⅙ ∇³h[D,D,D],      c₄ = ¹⁄₂₄ ∇⁴h[D,D,D,D] − ⅛ ⟨T, (∇²h)⁺ T⟩,   T = ∇³h[D,D,·]

    decide: c₃ ≠ 0 or c₄ < 0 is no minimum; c₃ = 0 < c₄ is one, when there is one flat direction
    only.
    """
    case.need_stationary()
    # 1. The spectrum of the Hessian.
    values, vectors = np.linalg.eigh(case.hessian)
    level = FLAT_HESSIAN * max(float(np.abs(values).max()), np.finfo(float).tiny)
    least = float(values[0])
    if least < -level:
        why = "a saddle: the Hessian has a negative eigenvalue"
        return Finding(False, least, "≥ 0", level, why)
    # 2. Its kernel, less the directions of the symmetry.
    kernel, orbit = vectors[:, np.abs(values) <= level], _orbit(case.X)
    flat = _column_space(kernel - orbit @ (orbit.T @ kernel), FLAT_DIRECTION)
    dimension = flat.shape[1]
    if dimension == 0:
        symmetry = f" up to the {orbit.shape[1]} directions X̂Ω" if orbit.shape[1] else ""
        return Finding(True, least, "≥ 0", level, f"strict{symmetry}")
    # 3. The third and fourth order along each of what is left, and along mixtures of several.
    steep = np.abs(values) > level
    inverse = (vectors[:, steep] / values[steep]) @ vectors[:, steep].T
    directions = flat
    if dimension > 1:
        weights = case.random(4).standard_normal((dimension, _MIXTURES))
        directions = np.hstack([flat, flat @ (weights / np.linalg.norm(weights, axis=0))])
    for D in directions.T:
        c3, c4, unit = _fourth_order(case, D.reshape(case.X.shape), inverse)
        zero = FOURTH_ORDER * unit
        if abs(c3) > zero:
            why = "degenerate: the cubic term along a flat direction is not zero"
            return Finding(False, c3, 0.0, zero, why)
        if c4 < -zero:
            why = "degenerate: the fourth order along a flat direction falls"
            return Finding(False, c4, "≥ 0", zero, why)
    words = f"degenerate: {dimension} flat direction(s) beyond symmetry"
    tried = f"up to the fourth order h falls along none of the {len(directions.T)} tried"
    case.need(dimension == 1 and c4 > zero, f"{words}; {tried}: undecided")
    return Finding(True, least, "≥ 0", level, f"{words}; the fourth order rises (c₄ = {c4:.3g})")


def _fourth_order(case: Case, D: FloatArray, inverse: FloatArray) -> tuple[float, float, float]:
    """Return c₃, c₄ and their scale at the flat direction D.

    From A((X+tD)(X+tD)ᵀ) = y₀ + 2t y₁ + t² y₂: ⅙∇³h[D³] = 2⟨y₁, y₂⟩, ¹⁄₂₄∇⁴h[D⁴] = ½‖y₂‖², and
    ½ ∇³h[D,D,·] = 2 A*(y₂) X + 4 A*(y₁) D.
    """
    A = case.problem.operator
    y1, y2 = A.measure(case.X, D), A.measure(D, D)
    half_T = (2 * A.adjoint_matmul(y2, case.X) + 4 * A.adjoint_matmul(y1, D)).ravel()
    c3, c4 = 2 * float(y1 @ y2), 0.5 * float(y2 @ y2) - 0.5 * float(half_T @ inverse @ half_T)
    return c3, c4, max(float(y2 @ y2 + y1 @ y1), np.finfo(float).tiny)


def _orbit(X: FloatArray) -> FloatArray:
    """Return an orthonormal basis of {XΩ : Ωᵀ = −Ω}, shape (n r, r(r−1)/2) for X of full rank."""
    r = X.shape[1]
    tangents = []
    for i in range(r):
        for j in range(i):
            T = np.zeros_like(X)
            T[:, i], T[:, j] = X[:, j], -X[:, i]
            tangents.append(T.ravel())
    return _column_space(np.array(tangents).T.reshape(X.size, -1), KERNEL)


def _column_space(M: FloatArray, tolerance: float) -> FloatArray:
    """Return an orthonormal basis of the columns of M, but for singular values near zero."""
    if M.shape[1] == 0:
        return M
    U, values, _ = np.linalg.svd(M, full_matrices=False)
    return np.asarray(U[:, values > tolerance * max(1.0, float(values[0]))])
