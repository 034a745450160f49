"""Section 3: what a stationary point X̂ must look like, and the three directions at it."""

from __future__ import annotations

import numpy as np

from .case import SPURIOUS, Case
from .claim import Finding, Kind, claim, relative, small


@claim(
    "⟨G, M*⟩ = −2h", "⟨G(X̂), M*⟩ = −2 h(X̂) at a stationary point", section=3, kind=Kind.CONDITIONAL
)
def gap_identity(case: Case) -> Finding:
    """F is quadratic and f(M*) = 0: 0 = h + ⟨G, M* − X̂X̂ᵀ⟩ + ½‖A(M* − X̂X̂ᵀ)‖² = 2h + ⟨G, M*⟩, as ⟨G, X̂X̂ᵀ⟩ = 0."""
    case.need_stationary()
    case.need(case.noiseless, "needs measurements b = A(ZZᵀ) of a known ground truth Z")
    Z = np.asarray(case.problem.ground_truth)
    inner = float(np.sum(Z * (case.landscape @ Z)))
    scale = case.landscape_scale * float(np.linalg.norm(Z) ** 2) + float(case.b @ case.b)
    leftover = float(
        np.sum(case.X * (case.landscape @ case.X))
    )  # ⟨G, X̂X̂ᵀ⟩ is zero up to the polish
    return Finding(
        abs(inner + 2 * case.objective) <= 1e-11 * scale + 2 * abs(leftover),
        inner, -2 * case.objective, 1e-11 * scale + 2 * abs(leftover),
    )  # fmt: skip


@claim(
    "spurious ⇒ λ_n < 0", "X̂ spurious ⇒ λ_n ≤ −2h(X̂)/tr(M*) < 0", section=3, kind=Kind.CONDITIONAL
)
def negative_eigenvalue(case: Case) -> Finding:
    """From ⟨G, M*⟩ = −2h(X̂) and M* ⪰ 0: λ_n tr(M*) ≤ ⟨G, M*⟩. The optimality gap makes an escape direction."""
    case.need_spurious()
    bound = -2 * case.objective / float(np.linalg.norm(np.asarray(case.problem.ground_truth)) ** 2)
    slack = 1e-10 * case.landscape_scale
    return Finding(
        case.directions.eigenvalue <= bound + slack,
        case.directions.eigenvalue,
        f"≤ {bound:.6g}",
        slack,
    )


@claim(
    "least eigenpair", "G u = λ_n u, and no vector has a lower quotient", section=3, kind=Kind.EXACT
)
def least_eigenpair(case: Case) -> Finding:
    """(λ_n, u_n) of the directions against all eigenvalues of the n×n matrix G(X̂)."""
    d = case.directions
    residual = float(np.linalg.norm(case.landscape @ d.u - d.eigenvalue * d.u))
    error = max(residual, abs(d.eigenvalue - float(np.linalg.eigvalsh(case.landscape)[0])))
    return small(error / max(case.landscape_scale, 1e-300), 1e-11)


@claim("u ⟂ X̂", "λ_n < 0 ⇒ u_nᵀ X̂ = 0", section=3, kind=Kind.CONDITIONAL)
def orthogonal_to_point(case: Case) -> Finding:
    """G X̂ = 0 gives λ_n u_nᵀX̂ = u_nᵀ G X̂ = 0. Measured over ‖X̂‖; tolerance ‖G X̂‖/(|λ_n| ‖X̂‖) plus rounding."""
    case.need_negative_eigenvalue()
    d, size = case.directions, float(np.linalg.norm(case.X))
    rounding = 1e-12 * case.landscape_scale / abs(d.eigenvalue)
    left = float(np.linalg.norm(case.problem.gradient(case.X))) / 2 / abs(d.eigenvalue) / size
    return small(float(np.linalg.norm(d.u @ case.X)) / size, left + rounding)


@claim("visible direction", "u q_rᵀ has unit norm and X̂ q_r = σ_r v_r", section=3, kind=Kind.EXACT)
def visible_direction(case: Case) -> Finding:
    """B = vec(u_n q_rᵀ)^{⊗l} is a unit tensor; (σ_r, v_r, q_r) is the last nonzero singular triplet of X̂."""
    d = case.directions
    values = np.linalg.svd(case.X, compute_uv=False)
    last = values[values > 1e-10 * values[0]][-1]
    errors = (
        abs(float(np.linalg.norm(d.visible)) - 1),
        relative(case.X @ d.q - d.singular_value * d.v, values[0]),
        abs(float(last) - d.singular_value) / float(values[0]),
        relative(d.visible - np.outer(d.u, d.q), 1.0),
    )
    return small(max(errors), 1e-12)


@claim("hidden direction", "c = A*A(u v_rᵀ + v_r uᵀ) X̂", section=3, kind=Kind.EXACT)
def hidden_direction(case: Case) -> Finding:
    """A*A(E₀) X̂ with the n×n matrix E₀ = u_n v_rᵀ + v_r u_nᵀ formed."""
    d = case.directions
    formed = case.problem.operator.adjoint_matmul(
        case.sense(np.outer(d.u, d.v) + np.outer(d.v, d.u)), case.X
    )
    size = float(
        np.linalg.norm(case.problem.operator.adjoint_matmul(case.b, np.eye(case.problem.n)))
    )
    return small(relative(d.hidden - formed, formed, 1e-3 * size), 1e-11)


@claim("λ_n is simple", "the directions are unique up to sign", section=3, kind=Kind.PROPERTY)
def simple_eigenvalue(case: Case) -> Finding:
    """Measure the gap from λ_n to the next eigenvalue; with a tie only the span of the eigenvectors is determined."""
    gap, floor = case.directions.eigenvalue_gap, 1e-8 * case.landscape_scale
    case.need(np.isfinite(gap), "n = 1")
    return Finding(gap > floor, gap, "> 0", floor)


@claim(
    "rank-deficient ⇒ saddle",
    "rank X̂ < r and λ_n < 0 ⇒ X̂ is a strict saddle of h",
    section=3,
    kind=Kind.CONDITIONAL,
)
def rank_deficient(case: Case) -> Finding:
    """With X̂ q = 0, ‖q‖ = 1, the direction D = u_n qᵀ has ⟨D, ∇²h(X̂)[D]⟩ = 2 λ_n: no spurious minimum there."""
    case.need_negative_eigenvalue()
    _, values, Qt = np.linalg.svd(case.X)
    case.need(values[-1] <= 1e-10 * values[0], "X̂ has full rank")
    D = np.outer(case.directions.u, Qt[-1])
    curvature = float(np.sum(D * case.problem.hessian_product(case.X, D)))
    return Finding(
        curvature < -SPURIOUS * case.landscape_scale, curvature, 2 * case.directions.eigenvalue, 0.0
    )
