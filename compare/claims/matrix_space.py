"""Section 1: the problem in matrix space, and what kind of point X̂ is."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing import check_adjoint, check_gradient, check_hessian
from lift_compare.sensing.validation import FloatArray

from .case import STATIONARY, Case
from .claim import Finding, Kind, claim, small

_FLAT = 1e-7  # Hessian eigenvalues up to this, relative to the largest, count as zero


@claim("adjoint", "⟨A(LRᵀ), y⟩ = ⟨L, A*(y) R⟩ and A(LRᵀ) = A(RLᵀ)", section=1, kind=Kind.EXACT)
def adjoint(case: Case) -> Finding:
    """⟨A(LRᵀ), y⟩ = ⟨L, A*(y) R⟩, and A(LRᵀ) = A(RLᵀ) since every A_i is symmetric."""
    return small(check_adjoint(case.problem.operator, seed=case.random(1)), 1e-11)


@claim("gradient", "∇h(X) = 2 G(X) X", section=1, kind=Kind.EXACT)
def gradient(case: Case) -> Finding:
    """∇h(X) = 2 A*(A(XXᵀ) − b) X, against five-point differences of h: exact, as h is a quartic on a line."""
    return small(check_gradient(case.problem, _displaced(case), seed=case.random(2)), 1e-9)


@claim("Hessian", "∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X", section=1, kind=Kind.EXACT)
def hessian(case: Case) -> Finding:
    """∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X, against four-point differences of ∇h: exact, as ∇h is a cubic."""
    return small(check_hessian(case.problem, _displaced(case), seed=case.random(3)), 1e-9)


def _displaced(case: Case) -> FloatArray:
    """Return X̂ moved by half its norm: at X̂ itself ∇h is zero, and a wrong factor would not show."""
    noise = case.random(5).standard_normal(case.X.shape)
    return np.asarray(case.X + noise * (np.linalg.norm(case.X) / np.linalg.norm(noise) / 2))


@claim("distance", "‖XXᵀ − ZZᵀ‖² = ‖XᵀX‖² − 2‖XᵀZ‖² + ‖ZᵀZ‖²", section=1, kind=Kind.EXACT)
def distance(case: Case) -> Finding:
    """‖XXᵀ − ZZᵀ‖_F² = ‖XᵀX‖_F² − 2‖XᵀZ‖_F² + ‖ZᵀZ‖_F²; the distance itself is taken without an n×n matrix."""
    Z = case.problem.ground_truth
    case.need(Z is not None, "no ground truth is known")
    X, Z = case.X, np.asarray(Z)
    terms = [float(np.sum((L.T @ R) ** 2)) for L, R in ((X, X), (X, Z), (Z, Z))]
    error = abs(case.problem.distance(X) ** 2 - (terms[0] - 2 * terms[1] + terms[2]))
    return small(error / (terms[0] + terms[2]), 1e-12)


@claim("X̂ is stationary", "∇h(X̂) = 0", section=1, kind=Kind.PROPERTY)
def stationary(case: Case) -> Finding:
    """‖∇h(X̂)‖ over ‖2 A*(A(X̂X̂ᵀ)) X̂‖ + ‖2 A*(b) X̂‖."""
    return small(case.gradient_norm, STATIONARY)


@claim("X̂ is spurious", "h(X̂) > 0", section=1, kind=Kind.PROPERTY)
def spurious(case: Case) -> Finding:
    """h(X̂) > 0 while h(Z) = 0; measured in units of h(0) = ½‖b‖²."""
    case.need_stationary()
    case.need(case.noiseless, "needs measurements b = A(ZZᵀ) of a known ground truth Z")
    value = case.objective / float(case.b @ case.b / 2)
    return Finding(value > 1e-12, value, "> 0", 1e-12)


@claim(
    "orthogonal symmetry",
    "∇²h(X̂)[X̂Ω] = 0 for antisymmetric Ω: r > 1 brings flat directions",
    section=1,
    kind=Kind.CONDITIONAL,
)
def orthogonal_symmetry(case: Case) -> Finding:
    """h(XQ) = h(X) for orthogonal Q, so at a stationary point the directions X̂Ω, Ωᵀ = −Ω, are in the kernel of ∇²h."""
    case.need(case.problem.rank > 1, "r = 1: only the sign of X̂ is free")
    case.need_stationary()
    orbit = _orbit(case.X)
    images = case.hessian @ orbit
    # ∇²h[X̂Ω] = ∇h(X̂) Ω, so what is left of the gradient is left here too.
    left = float(np.linalg.norm(case.problem.gradient(case.X))) / max(
        float(np.linalg.norm(case.X)), 1e-300
    )
    scale = float(np.linalg.norm(case.hessian, 2))
    return small(float(np.abs(images).max()) / scale, 1e-10 + 10 * left / scale)


@claim("X̂ is a local minimum", "h(X̂) ≤ h(X) for every X near X̂", section=1, kind=Kind.PROPERTY)
def local_minimum(case: Case) -> Finding:
    """Decide by the spectrum of ∇²h(X̂); where it is flat beyond the O(r) symmetry, by the fourth order.

    A negative eigenvalue: a saddle. Only the r(r−1)/2 flat directions X̂Ω: a minimum, strict up to
    symmetry. Otherwise, for each flat direction D, h(X̂ + tD + t²Y) with the best Y(D) has no
    quadratic part, and

        c₃ = ⅙ ∇³h[D,D,D],      c₄ = ¹⁄₂₄ ∇⁴h[D,D,D,D] − ⅛ ⟨T, (∇²h)⁺ T⟩,   T = ∇³h[D,D,·]

    decide: c₃ ≠ 0 or c₄ < 0 is no minimum; c₃ = 0 < c₄ is one, when there is one flat direction
    only.
    """
    case.need_stationary()
    values, vectors = np.linalg.eigh(case.hessian)
    scale = max(float(np.abs(values).max()), 1e-300)
    least = float(values[0])
    if least < -_FLAT * scale:
        return Finding(
            False, least, "≥ 0", _FLAT * scale, "a saddle: the Hessian has a negative eigenvalue"
        )
    flat = vectors[:, np.abs(values) <= _FLAT * scale]
    orbit = _orbit(case.X)
    extra = flat - orbit @ (orbit.T @ flat)
    extra = _column_space(extra, 1e-3)
    if extra.shape[1] == 0:
        symmetry = f" up to the {orbit.shape[1]} directions X̂Ω" if orbit.shape[1] else ""
        return Finding(True, least, "≥ 0", _FLAT * scale, f"strict{symmetry}")
    steep = np.abs(values) > _FLAT * scale
    inverse = (vectors[:, steep] / values[steep]) @ vectors[:, steep].T
    weights = case.random(4).standard_normal((extra.shape[1], 200))
    directions = (
        extra
        if extra.shape[1] == 1
        else np.hstack([extra, extra @ (weights / np.linalg.norm(weights, axis=0))])
    )
    for D in directions.T:
        c3, c4, size = _fourth_order(case, D.reshape(case.X.shape), inverse)
        if abs(c3) > 1e-6 * size:
            return Finding(
                False,
                c3,
                0.0,
                1e-6 * size,
                "degenerate: the cubic term along a flat direction is not zero",
            )
        if c4 < -1e-6 * size:
            return Finding(
                False,
                c4,
                "≥ 0",
                1e-6 * size,
                "degenerate: the fourth order along a flat direction falls",
            )
    dimension = extra.shape[1]
    words = f"degenerate: {dimension} flat direction(s) beyond symmetry"
    if dimension == 1 and c4 > 1e-6 * size:
        return Finding(
            True, least, "≥ 0", _FLAT * scale, f"{words}; the fourth order rises (c₄ = {c4:.3g})"
        )
    case.need(
        False,
        f"{words}; up to the fourth order h falls along none of the {len(directions.T)} tried: undecided",
    )
    raise AssertionError


def _fourth_order(case: Case, D: FloatArray, inverse: FloatArray) -> tuple[float, float, float]:
    """Return c₃, c₄ and their scale at the flat direction D.

    From A((X+tD)(X+tD)ᵀ) = y₀ + 2t y₁ + t² y₂: ⅙∇³h[D³] = 2⟨y₁, y₂⟩, ¹⁄₂₄∇⁴h[D⁴] = ½‖y₂‖², and
    ½ ∇³h[D,D,·] = 2 A*(y₂) X + 4 A*(y₁) D.
    """
    A = case.problem.operator
    y1, y2 = A.measure(case.X, D), A.measure(D, D)
    half_T = (2 * A.adjoint_matmul(y2, case.X) + 4 * A.adjoint_matmul(y1, D)).ravel()
    size = float(y2 @ y2 + y1 @ y1)
    return (
        2 * float(y1 @ y2),
        0.5 * float(y2 @ y2) - 0.5 * float(half_T @ inverse @ half_T),
        max(size, 1e-300),
    )


def _orbit(X: FloatArray) -> FloatArray:
    """Return an orthonormal basis of {XΩ : Ωᵀ = −Ω}, shape (n r, k) with k = r(r−1)/2 when X has full rank."""
    r = X.shape[1]
    tangents = []
    for i in range(r):
        for j in range(i):
            T = np.zeros_like(X)
            T[:, i], T[:, j] = X[:, j], -X[:, i]
            tangents.append(T.ravel())
    return _column_space(np.array(tangents).T.reshape(X.size, -1), 1e-10)


def _column_space(M: FloatArray, tolerance: float) -> FloatArray:
    """Return an orthonormal basis of the columns of M; singular values up to `tolerance` · max(1, largest) are zero."""
    if M.shape[1] == 0:
        return M
    U, values, _ = np.linalg.svd(M, full_matrices=False)
    return np.asarray(U[:, values > tolerance * max(1.0, float(values[0]))])
