"""Section 5: when lifting turns X̂ into a strict saddle, and where the lifted negative curvature lies."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from lift_compare.lifting import CurvatureStopReason
from lift_compare.simulated import curvature_along, smallest_saddle_order

from .case import NEARLY_STATIONARY, ORACLE_RESTARTS, Case
from .claim import Finding, Kind, claim, small

_LARGEST_ORDER = 101  # orders searched when the smallest saddle order is checked
_ROUNDING = 1e-12  # of a curvature ⟨d, ∇²h^l(ŵ)[d]⟩, in units of the Hessian's terms
_DENSE_UP_TO = 400  # side of a lifted Hessian that is formed to check its least eigenvalue


@claim("λ_n = K1 − K2", "K1 = ⟨A(bbᵀ), A(X̂X̂ᵀ)⟩, K2 = ⟨A(bbᵀ), b⟩", section=5, kind=Kind.EXACT)
def eigenvalue_as_difference(case: Case) -> Finding:
    """λ_n = ⟨u uᵀ, G(X̂)⟩ = ⟨A(u uᵀ), A(X̂X̂ᵀ) − b⟩ = K1 − K2."""
    K1, K2, _ = case.inner_products
    error = abs(K1 - K2 - case.directions.eigenvalue)
    return small(error / max(abs(K1) + abs(K2), case.landscape_scale), 1e-12)


@claim("curvature along b", "⟨b, ∇²h^l(ŵ)[b]⟩ = 2(K1^l − K2^l + 2K3^l)", section=5, kind=Kind.EXACT)
def curvature_formula(case: Case) -> Finding:
    """Compare the formula, K3 = ‖A(X̂ (u qᵀ)ᵀ)‖², with the explicit Hessian product at ŵ and with `curvature_along`."""
    formula, scale = _curvature(case)
    b = np.asarray(case.lifted.lift(case.directions.visible))
    explicit = float(np.sum(b * case.lifted.hessian_product(case.lifted_point, b)))
    simulated = curvature_along(case.problem, case.X, case.directions.visible, case.order)
    error = max(abs(explicit - formula), abs(simulated - formula))
    tolerance = 1e-12 * case.order * max(scale, case.lifted_hessian_scale)
    return Finding(error <= tolerance, explicit, formula, tolerance)


@claim("strict saddle along b", "K1^l + 2K3^l < K2^l", section=5, kind=Kind.PROPERTY)
def saddle_along_visible(case: Case) -> Finding:
    """ŵ is a strict saddle of h^l along b at order l if and only if K1^l + 2K3^l < K2^l."""
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    curvature, scale = _curvature(case)
    return Finding(curvature < -1e-12 * scale, curvature, "< 0", 1e-12 * scale)


@claim(
    "smallest saddle order", "the least odd l with K1^l + 2K3^l < K2^l", section=5, kind=Kind.EXACT
)
def saddle_order(case: Case) -> Finding:
    """`smallest_saddle_order` against the inequality in rational arithmetic, at every odd order up to 101.

    The inequality must hold at the order returned and fail at all smaller ones, each within
    rounding of K1, K2, K3.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    found = smallest_saddle_order(
        case.problem, case.X, largest=_LARGEST_ORDER, directions=case.directions
    )
    first = _first_saddle_orders(case)
    reason = "" if found is not None else f"no order up to {_LARGEST_ORDER} along b"
    earliest, latest = first
    holds = (earliest is None or found is None or found >= earliest) and (
        latest is None or (found is not None and found <= latest)
    )
    holds = holds and not (found is not None and earliest is None)
    return Finding(
        holds, found, latest if latest is not None else f"none up to {_LARGEST_ORDER}", 0.0, reason
    )


@claim(
    "no saddle order",
    "K1 ≥ 0 and (K3 ≥ K2 or K1 ≥ K2) ⇒ no order makes b a descent direction",
    section=5,
    kind=Kind.CONDITIONAL,
)
def no_saddle_order(case: Case) -> Finding:
    """Then K1^l + 2K3^l ≥ K2^l for every l. K1 ≥ 0 is needed: with K1 < 0 the term K1^l is negative and may win."""
    K1, K2, K3 = case.inner_products
    case.need(K1 >= 0, f"K1 = {K1:.3g} < 0")
    case.need(max(K1, K3) >= K2, "K2 is the largest of the three")
    found = smallest_saddle_order(
        case.problem, case.X, largest=_LARGEST_ORDER, directions=case.directions
    )
    return Finding(found is None, found, "none", 0.0)


@claim(
    "NCM > 2^{1/l−1} ⇒ saddle",
    "K1 ≥ 0 and NCM(δ) > 2^{1/l−1} for the true δ ⇒ ŵ is a strict saddle along b",
    section=5,
    kind=Kind.CONDITIONAL,
)
def margin_is_sufficient(case: Case) -> Finding:
    """K1 ≥ 0 gives K2^l ≥ K1^l + |λ_n|^l, and RIP gives K3 ≤ ½σ_r²(1+δ): 2K3^l < |λ_n|^l if NCM > 2^{1/l−1}.

    NCM falls with δ, so the premise is certain with the upper bound of δ and refuted with the lower
    one; open between.
    """
    case.need_negative_eigenvalue()
    K1, _, _ = case.inner_products
    case.need(K1 >= 0, f"K1 = {K1:.3g} < 0")
    bar = 2 ** (1 / case.order - 1)
    best, certain = _ncm(case, case.rip.lower), _ncm(case, case.rip.upper_side)
    case.need(best > bar, f"NCM ≤ {best:.4g} is not > {bar:.4g}")
    case.need(
        certain > bar * (1 + 1e-9),
        f"open: NCM is {best:.4g} with the lower bound of δ, {certain:.4g} with the upper one",
    )
    curvature, _ = _curvature(case)
    return Finding(curvature < 0, curvature, "< 0", 0.0)


@claim(
    "NCM* > 2^{1/l−1} ⇒ saddle",
    "K1 ≥ 0 and −2λ_n/(σ_r²e) > 2^{1/l−1} ⇒ ŵ is a strict saddle along b",
    section=5,
    kind=Kind.CONDITIONAL,
)
def exact_margin_is_sufficient(case: Case) -> Finding:
    """Take K3 = ¼σ_r²e itself instead of its RIP bound: a stronger statement, which needs no δ."""
    case.need_negative_eigenvalue()
    K1, _, _ = case.inner_products
    case.need(K1 >= 0, f"K1 = {K1:.3g} < 0")
    bar, margin = 2 ** (1 / case.order - 1), _exact_margin(case)
    case.need(margin > bar * (1 + 1e-9), f"NCM* = {margin:.4g} is not > {bar:.4g}")
    curvature, _ = _curvature(case)
    return Finding(curvature < 0, curvature, "< 0", 0.0)


@claim(
    "l > 1/(1 − log₂2β) ⇒ saddle",
    "β < 1 and l > 1/(1 − log₂ 2β) for the true δ ⇒ ŵ is a strict saddle along b",
    section=5,
    kind=Kind.CONDITIONAL,
)
def order_is_sufficient(case: Case) -> Finding:
    """β = (1+δ)σ_r² tr(M*) / ((1−δ)‖M* − X̂X̂ᵀ‖²) (Lifting). λ_n ≤ −(1−δ)‖M* − X̂X̂ᵀ‖²/tr(M*) gives NCM ≥ 1/β.

    β rises with δ: the premise is certain with the upper bound of δ (which must be < 1), refuted
    with the lower one.
    """
    case.need_spurious()
    gap = float(case.problem.distance(case.X)) ** 2
    refuted = _beta(case, 1 + case.rip.lower, max(1 - case.rip.lower, 0.0) * gap)
    case.need(
        _order_suffices(refuted, case.order),
        f"β ≥ {refuted:.4g}: the premise is false at order {case.order}",
    )
    certain = _beta(case, 1 + case.rip.upper_side, max(1 - case.rip.upper, 0.0) * gap)
    case.need(
        _order_suffices(certain, case.order), f"open: β is between {refuted:.4g} and {certain:.4g}"
    )
    curvature, _ = _curvature(case)
    return Finding(curvature < 0, curvature, "< 0", 0.0)


@claim(
    "l > 1/(1 − log₂2β*) ⇒ saddle",
    "the same with e and h(X̂) in place of their RIP bounds",
    section=5,
    kind=Kind.CONDITIONAL,
)
def exact_order_is_sufficient(case: Case) -> Finding:
    """β* = ½e σ_r² tr(M*) / (2h(X̂)) ≤ β, since e ≤ 2(1+δ) and 2h(X̂) = ‖A(M* − X̂X̂ᵀ)‖² ≥ (1−δ)‖M* − X̂X̂ᵀ‖²."""
    case.need_spurious()
    beta = _beta(case, case.line[0] / 2, 2 * case.objective)
    case.need(
        _order_suffices(beta, case.order),
        f"β* = {beta:.4g}: the premise is false at order {case.order}",
    )
    curvature, _ = _curvature(case)
    return Finding(curvature < 0, curvature, "< 0", 0.0)


@claim(
    "least curvature",
    "the least eigenvalue of ∇²h^l(ŵ) over all tensors is ≤ the curvature along b",
    section=5,
    kind=Kind.EXACT,
)
def least_is_least(case: Case) -> Finding:
    """`least_curvature` is an eigenpair, ∇²h^l(ŵ)[d] = λd, and not above ⟨b, ∇²h^l(ŵ)[b]⟩, as ‖b‖ = 1."""
    oracle = case.oracle
    direction = np.asarray(oracle.direction)
    image = np.asarray(case.lifted.hessian_product(case.lifted_point, direction))
    residual = float(np.linalg.norm(image - oracle.value * direction))
    _need_converged(case)
    along_b, _ = _curvature(case)
    slack = 2e-6 * case.lifted_hessian_scale
    return Finding(
        residual <= slack and oracle.value <= along_b + slack, oracle.value, f"≤ {along_b:.6g}", slack,
        f"‖∇²h^l(ŵ)[d] − λd‖ = {residual:.2g}",
    )  # fmt: skip


@claim(
    "least curvature, dense",
    "the same eigenvalue from the whole lifted Hessian",
    section=5,
    kind=Kind.EXACT,
)
def least_against_dense(case: Case) -> Finding:
    """Form the (nr)^l-sided matrix of ∇²h^l(ŵ), column by column, and take all its eigenvalues."""
    lifted = case.lifted
    side = math.prod(lifted.shape)
    case.need(
        side <= _DENSE_UP_TO,
        f"the lifted Hessian has {side}² entries; formed up to {_DENSE_UP_TO}²",
    )
    columns = [
        np.ravel(lifted.hessian_product(case.lifted_point, unit.reshape(lifted.shape)))
        for unit in np.eye(side)
    ]
    H = np.array(columns)
    expected = float(np.linalg.eigvalsh((H + H.T) / 2)[0])
    tolerance = 2e-6 * float(np.linalg.norm(H, 2))
    _need_converged(case)
    value = case.oracle.value
    return Finding(abs(value - expected) <= tolerance, value, expected, tolerance)


@claim(
    "lifted saddle", "ŵ is a strict saddle of h^l along some tensor", section=5, kind=Kind.PROPERTY
)
def lifted_saddle(case: Case) -> Finding:
    """Look at the sign of the least eigenvalue of ∇²h^l(ŵ) over all tensors."""
    case.need_stationary()
    value, slack = case.oracle.value, _ROUNDING * case.lifted_hessian_scale
    if value >= -slack:
        _need_converged(case)
    return Finding(value < -slack, value, "< 0", slack)


@claim(
    "oracle alignment: b", "the least eigenvector of ∇²h^l(ŵ) is b", section=5, kind=Kind.PUBLISHED
)
def alignment_with_visible(case: Case) -> Finding:
    """Cos of the angle between the oracle direction and b; at least 0.99 counts as the same direction."""
    case.need_negative_eigenvalue()
    _need_lifted_saddle(case)
    direction = np.asarray(case.oracle.direction)
    cosine = abs(float(np.sum(direction * np.asarray(case.lifted.lift(case.directions.visible)))))
    return Finding(cosine >= 0.99, cosine, "≥ 0.99", 0.01)


@claim(
    "oracle alignment: span",
    "the least eigenvector of ∇²h^l(ŵ) lies in span{a, b, c}",
    section=5,
    kind=Kind.PUBLISHED,
)
def alignment_with_span(case: Case) -> Finding:
    """‖Π_S d‖ / ‖d‖ of the oracle direction d, S = span{a, b, c}; at least 0.99 counts as inside."""
    case.need_negative_eigenvalue()
    _need_lifted_saddle(case)
    direction = np.asarray(case.oracle.direction)
    share = float(np.linalg.norm(case.span_projection(direction)) / np.linalg.norm(direction))
    return Finding(share >= 0.99, share, "≥ 0.99", 0.01)


def _need_lifted_saddle(case: Case) -> None:
    _need_converged(case)
    negative = case.oracle.value < -_ROUNDING * case.lifted_hessian_scale
    case.need(negative, "∇²h^l(ŵ) has no negative eigenvalue: there is no oracle direction")


def _need_converged(case: Case) -> None:
    """Premise: the least eigenpair was found; a quotient that has not converged is only an upper bound of it."""
    found = case.oracle
    case.need(
        found.stop_reason is CurvatureStopReason.CONVERGED,
        f"the least eigenvalue was not found: ≤ {found.value:.4g} after {ORACLE_RESTARTS} restarts",
    )


def _curvature(case: Case) -> tuple[float, float]:
    """Return 2(K1^l − K2^l + 2K3^l) and the sum of the magnitudes of its terms."""
    K1, K2, K3 = case.inner_products
    terms = np.array([2.0, -2.0, 4.0]) * np.array([K1, K2, K3]) ** case.order
    return float(terms.sum()), float(np.abs(terms).sum())


def _ncm(case: Case, delta: float) -> float:
    return -case.directions.eigenvalue / (case.directions.singular_value**2 * (1 + delta))


def _exact_margin(case: Case) -> float:
    e, _, _ = case.line
    denominator = case.directions.singular_value**2 * e
    return -2 * case.directions.eigenvalue / denominator if denominator > 0 else math.inf


def _beta(case: Case, upper: float, gap: float) -> float:
    """Return β with 1+δ replaced by `upper` and (1−δ)‖M* − X̂X̂ᵀ‖² by `gap`."""
    trace = float(np.sum(np.asarray(case.problem.ground_truth) ** 2))
    top = upper * case.directions.singular_value**2 * trace
    return top / gap if gap > 0 else math.inf


def _order_suffices(beta: float, order: int) -> bool:
    """Return whether β < 1 and l > 1/(1 − log₂ 2β), with a margin for rounding."""
    if not 0 < beta < 1:
        return beta == 0
    return order > (1 + 1e-9) / (1 - math.log2(2 * beta))


def _first_saddle_orders(case: Case) -> tuple[int | None, int | None]:
    """Return the least odd orders at which K1^l + 2K3^l < K2^l possibly, and certainly, holds in spite of rounding."""
    K1, K2, K3 = (Fraction(K) for K in case.inner_products)
    p1, p2, p3 = K1, K2, K3
    possibly: int | None = None
    for order in range(1, _LARGEST_ORDER + 1, 2):
        left = p1 + 2 * p3 - p2
        slack = order * (abs(p1) + 2 * abs(p3) + abs(p2)) / 10**12
        if left < slack and possibly is None:
            possibly = order
        if left < -slack:
            return possibly, order
        p1, p2, p3 = p1 * K1 * K1, p2 * K2 * K2, p3 * K3 * K3
    return possibly, None
