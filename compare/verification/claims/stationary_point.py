"""Section 3: what a stationary point X̂ must look like, and the three directions at it."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.tolerances import TIED

from ...tolerances import KERNEL
from .case import Case
from .claim import (
    Finding,
    conditional,
    equal,
    exact,
    property_of_instance,
    relative,
    small,
    small_part,
)
from .rounding import size


@conditional("g-m-star-is-2h", "⟨G, M*⟩ = −2h", 3)
def gap_identity(case: Case) -> Finding:
    """⟨G(X̂), M*⟩ = −2 h(X̂) at a stationary point

    F is quadratic and f(M*) = 0: 0 = h + ⟨G, M* − X̂X̂ᵀ⟩ + ½‖A(M* − X̂X̂ᵀ)‖² = 2h + ⟨G, M*⟩, as
    ⟨G, X̂X̂ᵀ⟩ = 0, which holds up to the polish.
    """
    case.need_stationary()
    case.need_noiseless()
    Z = np.asarray(case.problem.ground_truth)
    inner, leftover = (float(np.sum(F * (case.landscape @ F))) for F in (Z, case.X))
    r = case.rounding
    rounding = r.landscape * size(Z) ** 2 + 2 * r.objective(case.objective, r.point)
    # A(ZZᵀ) meets b to rounding only (or to NOISELESS, where b came from a file).
    missed = size(case.problem.operator.measure(Z, Z) - case.b)
    unmet = missed * (size(case.problem.residual(case.X)) + missed)
    return equal(inner, -2 * case.objective, rounding + unmet + 2 * abs(leftover))


@conditional("spurious-lambda-n", "spurious ⇒ λ_n < 0", 3)
def negative_eigenvalue(case: Case) -> Finding:
    """X̂ spurious ⇒ λ_n ≤ −2h(X̂)/tr(M*) < 0

    From ⟨G, M*⟩ = −2h(X̂) and M* ⪰ 0: λ_n tr(M*) ≤ ⟨G, M*⟩. The optimality gap makes an escape
    direction.
    """
    case.need_spurious()
    Z, lam = np.asarray(case.problem.ground_truth), case.directions.eigenvalue
    trace = size(Z) ** 2
    bound = -2 * case.objective / trace
    leftover = abs(float(np.sum(case.X * (case.landscape @ case.X))))
    missed = size(case.problem.operator.measure(Z, Z) - case.b)
    unmet = missed * (size(case.problem.residual(case.X)) + missed)
    r = case.rounding
    error = 2 * r.objective(case.objective, r.point) + 2 * leftover + unmet
    slack = r.landscape + error / trace
    return Finding(lam <= bound + slack, lam, f"≤ {bound:.6g}", slack)


@exact("least-eigenpair", "least eigenpair", 3)
def least_eigenpair(case: Case) -> Finding:
    """G u = λ_n u, and no vector has a lower quotient

    (λ_n, u_n) of the directions against all eigenvalues of the n×n matrix G(X̂).
    """
    d = case.directions
    residual = size(case.landscape @ d.u - d.eigenvalue * d.u)
    error = max(residual, abs(d.eigenvalue - float(np.linalg.eigvalsh(case.landscape)[0])))
    return equal(error, 0.0, case.rounding.landscape)


@conditional("u-orthogonal-to-point", "u ⟂ X̂", 3)
def orthogonal_to_point(case: Case) -> Finding:
    """λ_n < 0 ⇒ u_nᵀ X̂ = 0

    G X̂ = 0 gives λ_n u_nᵀX̂ = u_nᵀ G X̂ = 0. Measured over ‖X̂‖; the tolerance is
    ‖G X̂‖/(|λ_n| ‖X̂‖) plus rounding.
    """
    case.need_negative_eigenvalue()
    lam, length = abs(case.directions.eigenvalue), size(case.X)
    rounding = case.rounding.landscape / lam
    left = case.leftover_gradient / 2 / lam / length
    return small(size(case.directions.u @ case.X) / length, left + rounding)


@exact("visible-direction", "visible direction", 3)
def visible_direction(case: Case) -> Finding:
    """u q_rᵀ has unit norm and X̂ q_r = σ_r v_r

    B = vec(u_n q_rᵀ)^{⊗l} is a unit tensor; (σ_r, v_r, q_r) is the last nonzero singular triplet.
    """
    d = case.directions
    values = np.linalg.svd(case.X, compute_uv=False)
    last = values[values > KERNEL * values[0]][-1]
    errors = (
        abs(size(d.visible) - 1),
        relative(case.X @ d.q - d.singular_value * d.v, values[0]),
        abs(float(last) - d.singular_value) / float(values[0]),
        relative(d.visible - np.outer(d.u, d.q), 1.0),
    )
    return small(max(errors), case.rounding.unit)


@exact("hidden-direction", "hidden direction", 3)
def hidden_direction(case: Case) -> Finding:
    """hidden = A*A(u v_rᵀ + v_r uᵀ) X̂

    With the n×n matrix E₀ = u_n v_rᵀ + v_r u_nᵀ formed.
    """
    d, A = case.directions, case.problem.operator
    E0 = np.outer(d.u, d.v) + np.outer(d.v, d.u)
    formed = A.adjoint_matmul(case.sense(E0), case.X)
    # Two products with A, of a matrix of norm √2.
    terms = 2 * case.rounding.operator**2 * case.rounding.point
    return small_part(size(d.hidden - formed), terms, 2 * case.rounding.unit)


@property_of_instance("lambda-n-is-simple", "λ_n is simple", 3)
def simple_eigenvalue(case: Case) -> Finding:
    """the directions are unique up to sign

    The gap from λ_n to the next eigenvalue; in a tie only the span of the eigenvectors is fixed.
    """
    gap = case.directions.eigenvalue_gap
    floor = max(TIED * case.landscape_scale, case.rounding.landscape)
    case.need(np.isfinite(gap), "n = 1")
    return Finding(gap > floor, gap, "> 0", floor)


@conditional("rank-deficient-saddle", "rank-deficient ⇒ saddle", 3)
def rank_deficient(case: Case) -> Finding:
    """rank X̂ < r and λ_n < 0 ⇒ X̂ is a strict saddle of h

    With X̂ q = 0, ‖q‖ = 1, the direction D = u_n qᵀ has ⟨D, ∇²h(X̂)[D]⟩ = 2 λ_n: no spurious
    minimum there.
    """
    case.need_negative_eigenvalue()
    _, values, Qt = np.linalg.svd(case.X)
    case.need(values[-1] <= KERNEL * values[0], "X̂ has full rank")
    D = np.outer(case.directions.u, Qt[-1])
    curvature = float(np.sum(D * case.problem.hessian_product(case.X, D)))
    # X̂ q need not be zero to rounding: it adds 2 ‖A(X̂ q uᵀ + u qᵀX̂ᵀ)‖².
    r = case.rounding
    kernel = 8 * (r.operator * float(values[-1])) ** 2
    rounding = r.hessian(r.point, 1) + kernel
    return equal(curvature, 2 * case.directions.eigenvalue, rounding)
