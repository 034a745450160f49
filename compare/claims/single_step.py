"""Section 4: the single step along X̂ + t u_n q_rᵀ, and the escape feasibility score (EFS)."""

from __future__ import annotations

import math

import numpy as np

from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import feasibility_score

from .case import NEARLY_STATIONARY, Case
from .claim import Finding, Kind, claim, small

_NEAR = 1e-6  # EFS* this close to 1 is a tie: the depth of the line is then within rounding of zero


@claim(
    "quartic on the line",
    "h(X̂ + t u qᵀ) − h(X̂) = t²(λ_n + ½σ_r²e) + t³σ_rκ + ½t⁴g",
    section=4,
    kind=Kind.CONDITIONAL,
)
def quartic(case: Case) -> Finding:
    """E₀ = u vᵀ + v uᵀ, e = ‖A(E₀)‖², g = ‖A(u uᵀ)‖², κ = ⟨A(E₀), A(u uᵀ)⟩; h itself at eight points of the line.

    Measured over the sum of the magnitudes of the terms; the tolerance adds t⟨∇h(X̂), u qᵀ⟩, zero
    but for the polish.
    """
    case.need_negative_eigenvalue()
    e, g, kappa = case.line
    sigma, lam = case.directions.singular_value, case.directions.eigenvalue
    t = sigma * np.array([-2.0, -1.0, -0.5, -0.1, 0.1, 0.5, 1.0, 2.0])
    formula = t**2 * (lam + sigma**2 * e / 2) + t**3 * sigma * kappa + t**4 * g / 2
    size = (
        t**2 * (abs(lam) + sigma**2 * e / 2)
        + abs(t**3) * sigma * abs(kappa)
        + t**4 * g / 2
        + case.objective
    )
    slope = abs(float(np.sum(case.problem.gradient(case.X) * case.directions.visible)))
    return small(
        float(np.max(np.abs(_rise(case, t) - formula) / size)),
        1e-11 + 2 * float(np.max(slope * abs(t) / size)),
    )


@claim("scores", "NCM, AIC, EFS, EFS* and t* as defined", section=4, kind=Kind.EXACT)
def scores(case: Case) -> Finding:
    """Recompute the four scores and the published step from n×n matrices.

    NCM = −λ_n/(σ_r²(1+δ))    AIC = κ²/(2(1+δ)²)    EFS = NCM + AIC    t* = −σ_rκ/(1+δ)
    EFS* = −2λ_n/(σ_r²e) + κ²/(eg)
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    e, g, kappa = case.line
    case.need(e * g > 0, "e g = 0: u is not seen by A")
    delta, lam, sigma = _delta(case), case.directions.eigenvalue, case.directions.singular_value
    ncm, aic = _ncm(case, delta), kappa**2 / (2 * (1 + delta) ** 2)
    expected = np.array(
        [
            ncm,
            aic,
            ncm + aic,
            -2 * lam / (sigma**2 * e) + kappa**2 / (e * g),
            -sigma * kappa / (1 + delta),
        ]
    )
    found = feasibility_score(case.problem, case.X, rip_constant=delta, directions=case.directions)
    values = np.array(
        [found.ncm, found.aic, found.score, found.exact_score, found.score_step], dtype=float
    )
    # κ cancels: its rounding is relative to √(e g).
    size = np.abs(expected) + np.array(
        [0.0, e * g / (1 + delta) ** 2, 1.0, 1.0, sigma * math.sqrt(e * g)]
    )
    return small(float(np.max(np.abs(values - expected) / size)), 1e-11)


@claim(
    "EFS > 1",
    "the single step is certain to decrease h, with δ as given or its lower bound",
    section=4,
    kind=Kind.PROPERTY,
)
def feasible(case: Case) -> Finding:
    """EFS = NCM + AIC > 1. With a lower bound in place of δ the score is too favourable: it is then only indicative."""
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    delta = _delta(case)
    score = _efs(case, delta)
    return Finding(
        score > 1,
        score,
        "> 1",
        0.0,
        f"δ = {delta:.6g}" + ("" if case.rip_constant is not None else ", a lower bound"),
    )


@claim("EFS* > 1", "the line X̂ + t u qᵀ goes below h(X̂)", section=4, kind=Kind.PROPERTY)
def exactly_feasible(case: Case) -> Finding:
    """EFS* = −2λ_n/(σ_r²e) + κ²/(eg) > 1: needs no δ."""
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    score = _exact_score(case)
    return Finding(score > 1, min(score, 1e300), "> 1", 0.0)


@claim(
    "EFS* decides the line",
    "EFS* > 1 ⇔ h goes below h(X̂) for some t",
    section=4,
    kind=Kind.CONDITIONAL,
)
def exact_score_decides(case: Case) -> Finding:
    """Compare the discriminant of the quartic with the least value of h on the line, found without the formula.

    A tie, |EFS* − 1| ≤ 1e-6, asks only that the least value is within rounding of zero.
    """
    case.need_negative_eigenvalue()
    score, (depth, _) = _exact_score(case), _least_on_line(case)
    rounding = 1e-13 * _line_scale(case)
    if abs(score - 1) <= _NEAR:
        return Finding(
            depth >= -1e-4 * _line_scale(case),
            depth,
            0.0,
            1e-4 * _line_scale(case),
            "EFS* = 1: a tie",
        )
    return Finding(
        (score > 1) == (depth < -rounding),
        depth,
        "< 0" if score > 1 else "≥ 0",
        rounding,
        f"EFS* = {score:.6g}",
    )


@claim(
    "EFS > 1 ⇒ decrease",
    "EFS(δ) > 1 for the true δ ⇒ the line goes below h(X̂)",
    section=4,
    kind=Kind.CONDITIONAL,
)
def score_promises(case: Case) -> Finding:
    """RIP gives e ≤ 2(1+δ) and g ≤ 1+δ, so EFS(δ) > 1 is sufficient.

    EFS falls with δ: it is > 1 for certain if it is with the upper bound of δ, and not if it is not
    with the lower one.
    """
    case.need_negative_eigenvalue()
    _need_score(case)
    depth, _ = _least_on_line(case)
    return Finding(depth < 0, depth, "< 0", 0.0)


@claim(
    "t* decreases h",
    "EFS(δ) > 1, κ ≠ 0 ⇒ h(X̂ + t* u qᵀ) < h(X̂), t* = −σ_rκ/(1+δ)",
    section=4,
    kind=Kind.CONDITIONAL,
)
def published_step(case: Case) -> Finding:
    """t* is the minimiser of the RIP bound (λ_n + σ_r²(1+δ)) + tσ_rκ + ½t²(1+δ), which is negative there iff EFS > 1.

    It holds for every δ that bounds e and g, so it is checked with the upper bound. κ = 0 makes t*
    = 0, no step at all.
    """
    case.need_negative_eigenvalue()
    _need_score(case)
    e, g, kappa = case.line
    case.need(
        abs(kappa) > 1e-6 * math.sqrt(e * g), "κ = 0, so t* = 0: the published step does not move"
    )
    t = -case.directions.singular_value * kappa / (1 + case.rip.upper_side)
    change = float(_rise(case, np.array([t]))[0])
    slack = 1e-13 * case.objective
    return Finding(change < slack, change, "< 0", slack)


@claim(
    "best step",
    "the root of the cubic is the least point of the line",
    section=4,
    kind=Kind.CONDITIONAL,
)
def best_step(case: Case) -> Finding:
    """Solve 2(λ_n + ½σ_r²e) + 3σ_rκt + 2gt² = 0 for the best t; h there is the least value of h on the line."""
    case.need_negative_eigenvalue()
    found = feasibility_score(case.problem, case.X, directions=case.directions)
    depth, _ = _least_on_line(case)
    reached = float(_rise(case, np.array([found.step]))[0])
    slack = 1e-10 * _line_scale(case)
    return Finding(abs(reached - depth) <= slack, reached, depth, slack)


@claim(
    "NCM > 1 ⇒ saddle",
    "NCM(δ) > 1 for the true δ ⇒ X̂ is a strict saddle of h already",
    section=4,
    kind=Kind.CONDITIONAL,
)
def margin_means_saddle(case: Case) -> Finding:
    """NCM > 1 gives λ_n + ½σ_r²e < 0, the curvature of h along u qᵀ (half of it). Decided as for EFS."""
    case.need_negative_eigenvalue()
    case.need(_ncm(case, case.rip.lower) > 1, f"NCM ≤ {_ncm(case, case.rip.lower):.4g} is not > 1")
    case.need(
        _ncm(case, case.rip.upper_side) > 1,
        "open: NCM > 1 with the lower bound of δ, not with the upper one",
    )
    D = case.directions.visible
    curvature = float(np.sum(D * case.problem.hessian_product(case.X, D)))
    return Finding(curvature < 0, curvature, "< 0", 0.0)


def _delta(case: Case) -> float:
    return case.rip.lower if case.rip_constant is None else case.rip_constant


def _ncm(case: Case, delta: float) -> float:
    return -case.directions.eigenvalue / (case.directions.singular_value**2 * (1 + delta))


def _efs(case: Case, delta: float) -> float:
    return _ncm(case, delta) + case.line[2] ** 2 / (2 * (1 + delta) ** 2)


def _exact_score(case: Case) -> float:
    e, g, kappa = case.line
    lam, sigma = case.directions.eigenvalue, case.directions.singular_value
    if e == 0:
        return math.inf
    return -2 * lam / (sigma**2 * e) + (kappa**2 / (e * g) if g > 0 else 0.0)


def _need_score(case: Case) -> None:
    """Premise: EFS(δ) > 1 for the true δ, which lies between the bounds of the bracket."""
    best, certain = _efs(case, case.rip.lower), _efs(case, case.rip.upper_side)
    case.need(best > 1, f"EFS ≤ {best:.4g} is not > 1")
    case.need(
        certain > 1 + 1e-9,
        f"open: EFS is {best:.4g} with the lower bound of δ, {certain:.4g} with the upper one",
    )


def _rise(case: Case, t: FloatArray) -> FloatArray:
    """Return h(X̂ + t u qᵀ) − h(X̂) for each t, from the residuals so that little cancels."""
    problem = case.problem
    start = problem.residual(case.X)
    moved = problem.residual(case.X + t[:, None, None] * case.directions.visible)
    return np.asarray(0.5 * np.sum((moved - start) * (moved + start), axis=-1))


def _line_scale(case: Case) -> float:
    e, g, _ = case.line
    sigma = case.directions.singular_value
    return case.objective + sigma**2 * (abs(case.directions.eigenvalue) + sigma**2 * (e + g))


def _least_on_line(case: Case) -> tuple[float, float]:
    """Return (least value of h − h(X̂), its t): interpolate the quartic, take h at the real roots of its derivative."""
    _, g, _ = case.line
    # Where the least point can be: about σ_r from X̂, or √(|λ_n|/g) where X̂ is nearly
    # rank-deficient.
    scale = max(
        case.directions.singular_value,
        math.sqrt(abs(case.directions.eigenvalue) / g) if g > 0 else 0.0,
    )
    nodes = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    quartic = np.polynomial.Polynomial(
        np.linalg.solve(np.vander(nodes, increasing=True), _rise(case, scale * nodes))
    )
    roots = quartic.deriv().roots()
    candidates = scale * np.concatenate([[0.0], roots.real])
    rises = _rise(case, candidates)
    rises[0] = 0.0
    best = int(np.argmin(rises))
    return float(rises[best]), float(candidates[best])
