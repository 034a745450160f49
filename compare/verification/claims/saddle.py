"""Section 5: when lifting makes X̂ a strict saddle, and where the negative curvature lies."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from lift_compare import simulated
from lift_compare.sensing import StopReason
from lift_compare.sensing.tolerances import NEARLY_STATIONARY

from ...tolerances import MARGIN, PRODUCT, RAYLEIGH
from .case import ORACLE_RESTARTS, Case
from .claim import (
    Finding,
    at_least,
    conditional,
    equal,
    exact,
    negative,
    property_of_instance,
    published,
    size,
    small,
)

_LARGEST_ORDER = 101  # orders searched when the smallest saddle order is checked
_DENSE_UP_TO = 400  # side of a lifted Hessian that is formed to check its least eigenvalue


@exact("λ_n = K1 − K2", 5)
def eigenvalue_as_difference(case: Case) -> Finding:
    """K1 = ⟨A(bbᵀ), A(X̂X̂ᵀ)⟩, K2 = ⟨A(bbᵀ), b⟩

    λ_n = ⟨u uᵀ, G(X̂)⟩ = ⟨A(u uᵀ), A(X̂X̂ᵀ) − b⟩ = K1 − K2.
    """
    K1, K2, _ = case.inner_products
    error = abs(K1 - K2 - case.directions.eigenvalue)
    return small(error / max(abs(K1) + abs(K2), case.landscape_scale), PRODUCT)


@exact("curvature along visible", 5)
def curvature_formula(case: Case) -> Finding:
    """⟨v̂, ∇²h^l(ŵ)[v̂]⟩ = 2(K1^l − K2^l + 2K3^l)

    The formula, K3 = ‖A(X̂ (u qᵀ)ᵀ)‖², against the explicit Hessian product at ŵ and against
    `curvature_along`.
    """
    formula, terms = _curvature(case)
    visible = case.directions.visible
    b = np.asarray(case.lifted.lift(visible))
    explicit = float(np.sum(b * case.lifted.hessian_product(case.lifted_point, b)))
    along = simulated.curvature_along(case.problem, case.X, visible, case.order)
    tolerance = PRODUCT * case.order * max(terms, case.lifted_hessian_scale)
    error = max(abs(explicit - formula), abs(along - formula))
    return Finding(error <= tolerance, explicit, formula, tolerance)


@property_of_instance("strict saddle along visible", 5)
def saddle_along_visible(case: Case) -> Finding:
    """K1^l + 2K3^l < K2^l

    ŵ is a strict saddle of h^l along v̂ at order l if and only if this holds.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    curvature, terms = _curvature(case)
    return negative(curvature, PRODUCT * terms)


@exact("smallest saddle order", 5)
def saddle_order(case: Case) -> Finding:
    """the least odd l with K1^l + 2K3^l < K2^l

    `smallest_saddle_order` against the inequality in rational arithmetic, at every odd order up to
    101: it must hold at the order returned and fail at all smaller ones, within rounding of K.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    found = _smallest_order(case)
    possibly, certainly = _first_saddle_orders(case)
    if found is None:
        holds = certainly is None
    else:
        early = possibly is None or found < possibly
        holds = not early and (certainly is None or found <= certainly)
    expected = f"none up to {_LARGEST_ORDER}" if certainly is None else certainly
    reason = "" if found is not None else f"no order up to {_LARGEST_ORDER} along v̂"
    return Finding(holds, found, expected, 0.0, reason)


@conditional("no saddle order", 5)
def no_saddle_order(case: Case) -> Finding:
    """K1 ≥ 0 and (K3 ≥ K2 or K1 ≥ K2) ⇒ no order makes v̂ a descent direction

    Then K1^l + 2K3^l ≥ K2^l for every l. K1 ≥ 0 is needed: with K1 < 0 the term K1^l is negative
    and may win.
    """
    K1, K2, K3 = case.inner_products
    _need_positive(case)
    case.need(max(K1, K3) >= K2, "K2 is the largest of the three")
    found = _smallest_order(case)
    return Finding(found is None, found, "none", 0.0)


@conditional("NCM > 2^{1/l−1} ⇒ saddle", 5)
def margin_is_sufficient(case: Case) -> Finding:
    """K1 ≥ 0 and NCM(δ) > 2^{1/l−1} for the true δ ⇒ ŵ is a strict saddle along v̂

    K1 ≥ 0 gives K2^l ≥ K1^l + |λ_n|^l, and RIP gives K3 ≤ ½σ_r²(1+δ): 2K3^l < |λ_n|^l if
    NCM > 2^{1/l−1}. NCM falls with δ, so the premise is certain with the upper bound of δ and
    refuted with the lower one; open between.
    """
    case.need_negative_eigenvalue()
    _need_positive(case)
    bar = 2 ** (1 / case.order - 1)
    best, certain = case.ncm(case.rip.lower), case.ncm(case.rip.upper_side)
    case.need(best > bar, f"NCM ≤ {best:.4g} is not > {bar:.4g}")
    between = f"NCM is {best:.4g} with the lower bound of δ, {certain:.4g} with the upper one"
    case.need(certain > bar * (1 + MARGIN), f"open: {between}")
    return negative(_curvature(case)[0])


@conditional("NCM* > 2^{1/l−1} ⇒ saddle", 5)
def exact_margin_is_sufficient(case: Case) -> Finding:
    """K1 ≥ 0 and −2λ_n/(σ_r²e) > 2^{1/l−1} ⇒ ŵ is a strict saddle along v̂

    K3 = ¼σ_r²e itself instead of its RIP bound: a stronger statement, which needs no δ.
    """
    case.need_negative_eigenvalue()
    _need_positive(case)
    d, (e, _, _) = case.directions, case.line
    margin = -2 * d.eigenvalue / (d.singular_value**2 * e) if e > 0 else math.inf
    bar = 2 ** (1 / case.order - 1)
    case.need(margin > bar * (1 + MARGIN), f"NCM* = {margin:.4g} is not > {bar:.4g}")
    return negative(_curvature(case)[0])


@conditional("l > 1/(1 − log₂2β) ⇒ saddle", 5)
def order_is_sufficient(case: Case) -> Finding:
    """β < 1 and l > 1/(1 − log₂ 2β) for the true δ ⇒ ŵ is a strict saddle along v̂

    β = (1+δ)σ_r² tr(M*) / ((1−δ)‖M* − X̂X̂ᵀ‖²) (Lifting). λ_n ≤ −(1−δ)‖M* − X̂X̂ᵀ‖²/tr(M*) gives
    NCM ≥ 1/β. β rises with δ: the premise is certain with the upper bound of δ (which must be < 1),
    refuted with the lower one.
    """
    case.need_spurious()
    gap, rip = float(case.problem.distance(case.X)) ** 2, case.rip
    refuted = _beta(case, 1 + rip.lower, max(1 - rip.lower, 0.0) * gap)
    why = f"β ≥ {refuted:.4g}: the premise is false at order {case.order}"
    case.need(_order_suffices(refuted, case.order), why)
    certain = _beta(case, 1 + rip.upper_side, max(1 - rip.upper, 0.0) * gap)
    between = f"β is between {refuted:.4g} and {certain:.4g}"
    case.need(_order_suffices(certain, case.order), f"open: {between}")
    return negative(_curvature(case)[0])


@conditional("l > 1/(1 − log₂2β*) ⇒ saddle", 5)
def exact_order_is_sufficient(case: Case) -> Finding:
    """the same with e and h(X̂) in place of their RIP bounds

    β* = ½e σ_r² tr(M*) / (2h(X̂)) ≤ β, since e ≤ 2(1+δ) and
    2h(X̂) = ‖A(M* − X̂X̂ᵀ)‖² ≥ (1−δ)‖M* − X̂X̂ᵀ‖².
    """
    case.need_spurious()
    beta = _beta(case, case.line[0] / 2, 2 * case.objective)
    why = f"β* = {beta:.4g}: the premise is false at order {case.order}"
    case.need(_order_suffices(beta, case.order), why)
    return negative(_curvature(case)[0])


@exact("least curvature", 5)
def least_is_least(case: Case) -> Finding:
    """the least eigenvalue of ∇²h^l(ŵ) over all tensors is ≤ the curvature along v̂

    `least_curvature` is an eigenpair, ∇²h^l(ŵ)[d] = λd, and not above ⟨v̂, ∇²h^l(ŵ)[v̂]⟩, as ‖v̂‖ = 1.
    """
    value, direction = case.oracle.value, np.asarray(case.oracle.direction)
    image = np.asarray(case.lifted.hessian_product(case.lifted_point, direction))
    residual = size(image - value * direction)
    _need_converged(case)
    along_visible, slack = _curvature(case)[0], RAYLEIGH * case.lifted_hessian_scale
    holds = residual <= slack and value <= along_visible + slack
    left = f"‖∇²h^l(ŵ)[d] − λd‖ = {residual:.2g}"
    return Finding(holds, value, f"≤ {along_visible:.6g}", slack, left)


@exact("least curvature, dense", 5)
def least_against_dense(case: Case) -> Finding:
    """the same eigenvalue from the whole lifted Hessian

    The (nr)^l-sided matrix of ∇²h^l(ŵ), column by column, and all its eigenvalues.
    """
    lifted, side = case.lifted, case.entries
    formed = f"the lifted Hessian has {side}² entries; formed up to {_DENSE_UP_TO}²"
    case.need(side <= _DENSE_UP_TO, formed)
    units = np.eye(side).reshape(side, *lifted.shape)
    H = np.array([np.ravel(lifted.hessian_product(case.lifted_point, unit)) for unit in units])
    expected = float(np.linalg.eigvalsh((H + H.T) / 2)[0])
    _need_converged(case)
    return equal(case.oracle.value, expected, RAYLEIGH * float(np.linalg.norm(H, 2)))


@property_of_instance("lifted saddle", 5)
def lifted_saddle(case: Case) -> Finding:
    """ŵ is a strict saddle of h^l along some tensor

    The sign of the least eigenvalue of ∇²h^l(ŵ) over all tensors.
    """
    case.need_stationary()
    value, slack = case.oracle.value, PRODUCT * case.lifted_hessian_scale
    if value >= -slack:
        _need_converged(case)
    return negative(value, slack)


@published("oracle alignment: visible", 5)
def alignment_with_visible(case: Case) -> Finding:
    """the least eigenvector of ∇²h^l(ŵ) is v̂

    The cosine of the angle between them; at least 0.99 counts as the same direction.
    """
    _need_oracle_direction(case)
    b = np.asarray(case.lifted.lift(case.directions.visible))
    return at_least(abs(float(np.sum(np.asarray(case.oracle.direction) * b))), 0.99)


@published("oracle alignment: span", 5)
def alignment_with_span(case: Case) -> Finding:
    """the least eigenvector of ∇²h^l(ŵ) lies in S

    ‖Π_S d‖ / ‖d‖ of the oracle direction d; at least 0.99 counts as inside.
    """
    _need_oracle_direction(case)
    return at_least(case.captured(np.asarray(case.oracle.direction)), 0.99)


def _need_oracle_direction(case: Case) -> None:
    """Premise: there are directions to escape along, and ∇²h^l(ŵ) has a negative eigenvalue."""
    case.need_negative_eigenvalue()
    _need_converged(case)
    is_saddle = case.oracle.value < -PRODUCT * case.lifted_hessian_scale
    case.need(is_saddle, "∇²h^l(ŵ) has no negative eigenvalue: there is no oracle direction")


def _need_converged(case: Case) -> None:
    """Premise: the least eigenpair was found; one that is not is only an upper bound of it."""
    found = case.oracle
    why = (
        f"the least eigenvalue was not found: ≤ {found.value:.4g} after {ORACLE_RESTARTS} restarts"
    )
    case.need(found.stop_reason is StopReason.CONVERGED, why)


def _need_positive(case: Case) -> None:
    """Premise: K1 ≥ 0."""
    K1 = case.inner_products[0]
    case.need(K1 >= 0, f"K1 = {K1:.3g} < 0")


def _smallest_order(case: Case) -> int | None:
    return simulated.smallest_saddle_order(
        case.problem, case.X, largest=_LARGEST_ORDER, directions=case.directions
    )


def _curvature(case: Case) -> tuple[float, float]:
    """Return 2(K1^l − K2^l + 2K3^l) and the sum of the magnitudes of its terms."""
    terms = np.array([2.0, -2.0, 4.0]) * np.array(case.inner_products) ** case.order
    return float(terms.sum()), float(np.abs(terms).sum())


def _beta(case: Case, upper: float, gap: float) -> float:
    """Return β with 1+δ replaced by `upper` and (1−δ)‖M* − X̂X̂ᵀ‖² by `gap`."""
    trace = float(np.sum(np.asarray(case.problem.ground_truth) ** 2))
    top = upper * case.directions.singular_value**2 * trace
    return top / gap if gap > 0 else math.inf


def _order_suffices(beta: float, order: int) -> bool:
    """Return whether β < 1 and l > 1/(1 − log₂ 2β), with a margin for rounding."""
    if not 0 < beta < 1:
        return beta == 0
    return order > (1 + MARGIN) / (1 - math.log2(2 * beta))


def _first_saddle_orders(case: Case) -> tuple[int | None, int | None]:
    """Return the least odd orders with K1^l + 2K3^l < K2^l possibly, and certainly."""
    K1, K2, K3 = (Fraction(K) for K in case.inner_products)
    p1, p2, p3 = K1, K2, K3
    possibly: int | None = None
    for order in range(1, _LARGEST_ORDER + 1, 2):
        left = p1 + 2 * p3 - p2
        slack = order * (abs(p1) + 2 * abs(p3) + abs(p2)) * Fraction(PRODUCT)
        if left < slack and possibly is None:
            possibly = order
        if left < -slack:
            return possibly, order
        p1, p2, p3 = p1 * K1 * K1, p2 * K2 * K2, p3 * K3 * K3
    return possibly, None
