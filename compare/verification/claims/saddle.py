"""Section 5: when lifting makes X̂ a strict saddle, and where the negative curvature lies."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from lift_compare import simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import NEARLY_STATIONARY

from ...tolerances import BESIDE_THRESHOLD, MARGIN, PRODUCT
from .case import Case
from .claim import (
    Finding,
    conditional,
    equal,
    exact,
    negative,
    promised,
    property_of_instance,
)
from .rounding import in_range

_LARGEST_ORDER = 101  # orders searched when the smallest saddle order is checked
_DENSE_UP_TO = 400  # side of a lifted Hessian that is formed to check its least eigenvalue


@exact("lambda-n-is-k1-k2", "λ_n = K1 − K2", 5)
def eigenvalue_as_difference(case: Case) -> Finding:
    """K1 = ⟨A(uuᵀ), A(X̂X̂ᵀ)⟩, K2 = ⟨A(uuᵀ), b⟩

    λ_n = ⟨u uᵀ, G(X̂)⟩ = ⟨A(u uᵀ), A(X̂X̂ᵀ) − b⟩ = K1 − K2.
    """
    K1, K2, _ = case.inner_products
    return equal(K1 - K2, case.directions.eigenvalue, 2 * case.rounding.landscape)


@exact("curvature-along-visible", "curvature along visible", 5)
def curvature_formula(case: Case) -> Finding:
    """⟨v̂, ∇²h^l(ŵ)[v̂]⟩ = 2(K1^l − K2^l + 2K3^l)

    The formula, K3 = ‖A(X̂ (u qᵀ)ᵀ)‖², against the explicit Hessian product at ŵ and against
    `curvature_along`.
    """
    formula, rounding = curvature_along_visible(case)
    visible = case.directions.visible
    b = np.asarray(case.lifted.lift(visible))
    explicit = float(np.sum(b * case.lifted.hessian_product(case.lifted_point, b)))
    along = simulated.curvature_along(case.problem, case.X, visible, case.order)
    in_range(rounding, "the rounding of the terms")
    if abs(along - formula) > rounding:
        return Finding(False, along, formula, rounding, "`curvature_along`")
    return equal(explicit, formula, rounding + case.rounding.hessian(case.lifted_length))


@property_of_instance("saddle-along-visible", "strict saddle along visible", 5)
def saddle_along_visible(case: Case) -> Finding:
    """K1^l + 2K3^l < K2^l

    ŵ is a strict saddle of h^l along v̂ at order l if and only if this holds.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    return negative(*curvature_along_visible(case))


@exact("smallest-saddle-order", "smallest saddle order", 5)
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


@exact("order-and-threshold", "saddle order beside the threshold", 5)
def order_beside_threshold(case: Case) -> Finding:
    """an order counts as soon as K1^l + 2K3^l < K2^l beyond rounding

    With b scaled by τ, so that K2^l = (K1^l + 2K3^l)(1 ± 1e-6) at the order of the case: then
    `smallest_saddle_order` along v̂ is at most this order, or it is not this order.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    (K1, K2, K3), order = case.inner_products, case.order
    level = K1**order + 2 * K3**order
    case.need(level > 0 and K2 > 0, "needs K1^l + 2K3^l > 0 and K2 > 0")
    lost = curvature_along_visible(case)[1] / level
    case.need(lost < BESIDE_THRESHOLD / 10, "the terms are lost to rounding")
    found = []
    for side in (1 + BESIDE_THRESHOLD, 1 - BESIDE_THRESHOLD):
        factor = (level * side) ** (1 / order) / K2
        scaled = SensingProblem(case.problem.operator, factor * case.b, case.problem.rank)
        visible = case.directions.visible
        found.append(
            simulated.smallest_saddle_order(scaled, case.X, direction=visible, largest=order)
        )
    above, beneath = found
    # A smaller order may do already, on both sides.
    holds = above is not None and beneath != order
    said = f"{above} above the threshold, {beneath} below it"
    return Finding(holds, above, f"≤ {order}, not {order} below", BESIDE_THRESHOLD, said)


@conditional("no-saddle-order", "no saddle order", 5)
def no_saddle_order(case: Case) -> Finding:
    """K1 ≥ 0 and (K3 ≥ K2 or K1 ≥ K2) ⇒ no order makes v̂ a descent direction

    Then K1^l + 2K3^l ≥ K2^l for every l. K1 ≥ 0 is needed: with K1 < 0 the term K1^l is negative
    and may win.
    """
    K1, K2, K3 = case.inner_products
    _need_positive(case)
    first, second, third = _roundings(case)
    larger = max(K1 - first - second, K3 - second - third) >= K2
    case.need(larger, "K2 is the largest of the three, or to rounding")
    found = _smallest_order(case)
    return Finding(found is None, found, "none", 0.0)


@conditional("ncm-lifted-saddle", "NCM > 2^{1/l−1} ⇒ saddle", 5)
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
    d, one = case.directions, 1 + case.rip.upper_side
    return _promised_curvature(case, -d.eigenvalue, d.singular_value**2 * one / 2)


@conditional("ncm-star-lifted-saddle", "NCM* > 2^{1/l−1} ⇒ saddle", 5)
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
    return _promised_curvature(case, -d.eigenvalue, d.singular_value**2 * e / 4)


@conditional("threshold-saddle", "l > 1/(1 − log₂2β) ⇒ saddle", 5)
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
    lam = max(1 - rip.upper, 0.0) * gap / _trace(case)
    one = 1 + rip.upper_side
    return _promised_curvature(case, lam, case.directions.singular_value**2 * one / 2)


@conditional("threshold-star-saddle", "l > 1/(1 − log₂2β*) ⇒ saddle", 5)
def exact_order_is_sufficient(case: Case) -> Finding:
    """the same with e and h(X̂) in place of their RIP bounds

    β* = ½e σ_r² tr(M*) / (2h(X̂)) ≤ β, since e ≤ 2(1+δ) and
    2h(X̂) = ‖A(M* − X̂X̂ᵀ)‖² ≥ (1−δ)‖M* − X̂X̂ᵀ‖².
    """
    case.need_spurious()
    beta = _beta(case, case.line[0] / 2, 2 * case.objective)
    why = f"β* = {beta:.4g}: the premise is false at order {case.order}"
    case.need(_order_suffices(beta, case.order), why)
    lam, sigma = 2 * case.objective / _trace(case), case.directions.singular_value
    return _promised_curvature(case, lam, sigma**2 * case.line[0] / 4)


def _need_positive(case: Case) -> None:
    """Premise: K1 ≥ 0."""
    K1 = case.inner_products[0]
    case.need(-_roundings(case)[0] <= K1, f"K1 = {K1:.3g} < 0")


def _smallest_order(case: Case) -> int | None:
    return simulated.smallest_saddle_order(
        case.problem, case.X, largest=_LARGEST_ORDER, directions=case.directions
    )


def _roundings(case: Case) -> tuple[float, float, float]:
    """Return the rounding of K1, K2 and K3, whose terms are bounded by ‖A‖, ‖X̂‖ and ‖b‖."""
    r, K3 = case.rounding, max(case.inner_products[2], 0.0)
    length = r.operator * r.point
    third = 2 * r.unit * length * math.sqrt(K3) + (r.unit * length) ** 2
    return 2 * r.unit * length**2, 2 * r.unit * r.operator * r.measurements, third


def curvature_along_visible(case: Case) -> tuple[float, float]:
    """Return 2(K1^l − K2^l + 2K3^l) and its rounding: (|K| + δ)^l − |K|^l of each term."""
    K, delta = np.abs(case.inner_products), np.array(_roundings(case))
    factors, order = np.array([2.0, -2.0, 4.0]), case.order
    terms = factors * np.array(case.inner_products) ** order
    relative = np.where(K > 0, delta / np.where(K > 0, K, 1.0), 0.0)
    moved = np.where(K > 0, K**order * np.expm1(order * np.log1p(relative)), delta**order)
    unit = order * case.rounding.unit
    return float(terms.sum()), float(np.abs(factors) @ moved + unit * np.abs(terms).sum())


def _promised_curvature(case: Case, lam: float, K3: float) -> Finding:
    """Return the finding of a curvature ≤ 2(2 K3^l − |λ_n|^l) < 0, from bounds of K3 and |λ_n|."""
    curvature, rounding = curvature_along_visible(case)
    return promised(curvature, 2 * (2 * K3**case.order - lam**case.order), rounding)


def _trace(case: Case) -> float:
    """Return tr(M*)."""
    return float(np.sum(np.asarray(case.problem.ground_truth) ** 2))


def _beta(case: Case, upper: float, gap: float) -> float:
    """Return β with 1+δ replaced by `upper` and (1−δ)‖M* − X̂X̂ᵀ‖² by `gap`."""
    top = upper * case.directions.singular_value**2 * _trace(case)
    return top / gap if gap > 0 else math.inf


def _order_suffices(beta: float, order: int) -> bool:
    """Return whether β < 1 and l > 1/(1 − log₂ 2β), with a margin for rounding."""
    if not 0 < beta < 1:
        return beta == 0
    return order > (1 + MARGIN) / (1 - math.log2(2 * beta))


def _first_saddle_orders(case: Case) -> tuple[int | None, int | None]:
    """Return the least odd orders with K1^l + 2K3^l < K2^l possibly, and certainly."""
    K = [Fraction(k) for k in case.inner_products]
    slack = [Fraction(rounding) for rounding in _roundings(case)]
    K1, K2, K3 = K
    low, high = (
        (K1 + sign * slack[0], K2 - sign * slack[1], max(K3 + sign * slack[2], Fraction(0)))
        for sign in (-1, 1)
    )
    possibly: int | None = None
    for order in range(1, _LARGEST_ORDER + 1, 2):
        # x^l rises with x for every odd l: the ends of the intervals are the extremes.
        least, most = (k1**order + 2 * k3**order - k2**order for k1, k2, k3 in (low, high))
        # `smallest_saddle_order` asks for a little more than the sign.
        terms = abs(K1) ** order + 2 * abs(K3) ** order + abs(K2) ** order
        asked = order * Fraction(PRODUCT) * terms
        if least < 0 and possibly is None:
            possibly = order
        if most < -asked:
            return possibly, order
    return possibly, None
