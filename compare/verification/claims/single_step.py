"""Section 4: the single step along X̂ + t u_n q_rᵀ, and the escape feasibility score (EFS)."""

from __future__ import annotations

import math

import numpy as np

from lift_compare import simulated
from lift_compare.sensing.tolerances import NEARLY_STATIONARY
from lift_compare.sensing.validation import FloatArray

from ...tolerances import AGREEMENT, KAPPA, MARGIN
from .case import Case
from .claim import Finding, conditional, equal, exact, promised, property_of_instance
from .rip import unscaled
from .rounding import in_range, size

_LARGEST_SHOWN = 1e300  # of a score that may be infinite


@conditional("quartic-on-the-line", "quartic on the line", 4)
def quartic(case: Case) -> Finding:
    """h(X̂ + t u qᵀ) − h(X̂) = t²(λ_n + ½σ_r²e) + t³σ_rκ + ½t⁴g

    E₀ = u vᵀ + v uᵀ, e = ‖A(E₀)‖², g = ‖A(u uᵀ)‖², κ = ⟨A(E₀), A(u uᵀ)⟩; h itself at eight points
    of the line, of which the worst is shown. The tolerance is the rounding of the terms, and what
    the polish left of t⟨∇h(X̂), u qᵀ⟩.
    """
    case.need_negative_eigenvalue()
    sigma = case.directions.singular_value
    t = sigma * np.array([-2.0, -1.0, -0.5, -0.1, 0.1, 0.5, 1.0, 2.0])
    error, rounding = np.abs(_rise(case, t) - _formula(case, t)), _rounding(case, t)
    worst = int(np.argmax(error / rounding))
    return equal(float(error[worst]), 0.0, float(rounding[worst]))


@exact("scores", "scores", 4)
def scores(case: Case) -> Finding:
    """NCM, AIC, EFS, EFS* and t* as defined

    From n×n matrices:

        NCM = −λ_n/(σ_r²(1+δ))    AIC = κ²/(2(1+δ)²)    EFS = NCM + AIC    t* = −σ_rκ/(1+δ)
        EFS* = −2λ_n/(σ_r²e) + κ²/(eg)

    The rounding of A(E₀), A(u uᵀ) and λ_n is relative to ‖A‖ and to the terms of G(X̂), not to what
    is left of them.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    e, g, kappa = case.line
    case.need(e * g > 0, "e g = 0: u is not seen by A")
    delta, sigma = _delta(case), case.directions.singular_value
    one = 1 + delta
    ncm, aic = case.ncm(delta), kappa**2 / (2 * one**2)
    expected = np.array([ncm, aic, ncm + aic, _exact_score(case), -sigma * kappa / one])
    found = simulated.feasibility_score(
        case.problem, case.X, rip_constant=delta, directions=case.directions
    )
    reported = (found.ncm, found.aic, found.score, found.exact_score, found.score_step)
    error = np.abs(np.array(reported, dtype=float) - expected)
    # 1. Errors of √e, √g and κ, where E₀ has norm √2 and u uᵀ norm 1.
    unit, A = 4 * case.rounding.unit, case.rounding.operator
    root_e, root_g = unit * A * 2, unit * A
    of_kappa = root_e * math.sqrt(g) + root_g * math.sqrt(e)
    # 2. What they leave of the scores.
    of_aic = (2 * abs(kappa) + of_kappa) * of_kappa / (2 * one**2)
    of_exact = abs(2 * case.directions.eigenvalue) / (sigma**2 * e) * 2 * root_e / math.sqrt(e)
    of_exact += 2 * (root_e / math.sqrt(e) + root_g / math.sqrt(g))
    rounding = np.array([0.0, of_aic, of_aic, of_exact, sigma * of_kappa / one])
    rounding += unit * np.abs(expected)
    worst = int(np.argmax(error / rounding))
    names = ("NCM", "AIC", "EFS", "EFS*", "t*")
    return equal(float(error[worst]), 0.0, float(rounding[worst]), f"largest in {names[worst]}")


@property_of_instance("efs-above-1", "EFS > 1", 4)
def feasible(case: Case) -> Finding:
    """the single step is certain to decrease h, with δ as given or its lower bound

    EFS = NCM + AIC > 1. With a lower bound in place of δ the score is too favourable: it is then
    only indicative.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    delta = _delta(case)
    score = _efs(case, delta)
    known = "" if case.rip_constant is not None else ", a lower bound"
    return _above_one(score, MARGIN * (1 + abs(score)), f"δ = {delta:.6g}{known}{unscaled(delta)}")


@property_of_instance("efs-star-above-1", "EFS* > 1", 4)
def exactly_feasible(case: Case) -> Finding:
    """the line X̂ + t u qᵀ goes below h(X̂)

    EFS* = −2λ_n/(σ_r²e) + κ²/(eg) > 1: needs no δ.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    score = min(_exact_score(case), _LARGEST_SHOWN)
    return _above_one(score, MARGIN * (1 + abs(score)))


@conditional("efs-star-line", "EFS* decides the line", 4)
def exact_score_decides(case: Case) -> Finding:
    """EFS* > 1 ⇔ h goes below h(X̂) for some t

    The discriminant of the quartic against the least value of h on the line, found without the
    formula. EFS* > 1 promises the least value of the quartic; EFS* ≤ 1 that h falls nowhere.
    """
    case.need_negative_eigenvalue()
    score, (depth, at) = _exact_score(case), _least_on_line(case)
    remark = f"EFS* = {score:.6g}"
    e, g, kappa = case.line
    sigma, lam = case.directions.singular_value, case.directions.eigenvalue
    promise, t = _lowest(lam + sigma**2 * e / 2, sigma * kappa, g / 2)
    rounding = float(np.max(_rounding(case, np.array([at, t]))))
    if score > 1:
        # Half of it: that the score decides is the claim; how deep the line is, is "best step".
        return promised(depth, promise / 2, rounding, remark)
    in_range(rounding, "the rounding of the terms")
    return Finding(depth >= -rounding, depth, "≥ 0", rounding, remark)


@conditional("efs-decrease", "EFS > 1 ⇒ decrease", 4)
def score_promises(case: Case) -> Finding:
    """EFS(δ) > 1 for the true δ ⇒ the line goes below h(X̂)

    RIP gives e ≤ 2(1+δ) and g ≤ 1+δ, so EFS(δ) > 1 is sufficient. EFS falls with δ: it is > 1 for
    certain if it is with the upper bound of δ, and not if it is not with the lower one. The line
    must go as deep as the quartic with these bounds for e and g, which lies above h.
    """
    case.need_negative_eigenvalue()
    _need_score(case)
    depth, at = _least_on_line(case)
    one, sigma = 1 + case.rip.upper_side, case.directions.singular_value
    lam, kappa = case.directions.eigenvalue, case.line[2]
    promise, t = _lowest(lam + sigma**2 * one, sigma * kappa, one / 2)
    return promised(depth, promise, float(np.max(_rounding(case, np.array([at, t])))))


@conditional("t-star-decreases-h", "t* decreases h", 4)
def published_step(case: Case) -> Finding:
    """EFS(δ) > 1, κ ≠ 0 ⇒ h(X̂ + t* u qᵀ) < h(X̂), t* = −σ_rκ/(1+δ)

    t* is the minimiser of the RIP bound (λ_n + σ_r²(1+δ)) + tσ_rκ + ½t²(1+δ), which is negative
    there iff EFS > 1; t*² times it is the decrease promised. It holds for every δ that bounds e and
    g, so it is checked with the upper bound. κ = 0 makes t* = 0, no step at all.
    """
    case.need_negative_eigenvalue()
    _need_score(case)
    e, g, kappa = case.line
    moves = abs(kappa) > KAPPA * math.sqrt(e * g)
    case.need(moves, "κ = 0, so t* = 0: the published step does not move")
    sigma, lam = case.directions.singular_value, case.directions.eigenvalue
    one = 1 + case.rip.upper_side
    t = -sigma * kappa / one
    promise = t**2 * (lam + sigma**2 * one + t * sigma * kappa + t**2 * one / 2)
    steps = np.array([t])
    return promised(float(_rise(case, steps)[0]), promise, float(_rounding(case, steps)[0]))


@conditional("best-step", "best step", 4)
def best_step(case: Case) -> Finding:
    """the root of the cubic is the least point of the line

    2(λ_n + ½σ_r²e) + 3σ_rκt + 2gt² = 0 for the best t; h there is the least value on the line.
    """
    case.need_negative_eigenvalue()
    found = simulated.feasibility_score(case.problem, case.X, directions=case.directions)
    depth, at = _least_on_line(case)
    reached = float(_rise(case, np.array([found.step]))[0])
    rounding = float(np.max(_rounding(case, np.array([found.step, at]))))
    # A root of the cubic is exact to √ε where two of them meet, and so is h there to ε.
    return equal(reached, depth, AGREEMENT * _line_scale(case) + rounding)


@conditional("ncm-saddle", "NCM > 1 ⇒ saddle", 4)
def margin_means_saddle(case: Case) -> Finding:
    """NCM(δ) > 1 for the true δ ⇒ X̂ is a strict saddle of h already

    NCM > 1 gives λ_n + ½σ_r²e ≤ λ_n + σ_r²(1+δ) < 0, half the curvature of h along u qᵀ. Decided as
    for EFS.
    """
    case.need_negative_eigenvalue()
    best, certain = case.ncm(case.rip.lower), case.ncm(case.rip.upper_side)
    case.need(best > 1, f"NCM ≤ {best:.4g} is not > 1")
    case.need(certain > 1, "open: NCM > 1 with the lower bound of δ, not with the upper one")
    D, d = case.directions.visible, case.directions
    curvature = float(np.sum(D * case.problem.hessian_product(case.X, D)))
    promise = 2 * (d.eigenvalue + d.singular_value**2 * (1 + case.rip.upper_side))
    return promised(curvature, promise, case.rounding.hessian(case.rounding.point, 1))


def _above_one(score: float, slack: float, reason: str = "") -> Finding:
    """Return the finding of a score; on the threshold, within a margin for rounding, it is open."""
    if abs(score - 1) <= slack:
        why = "undecided: the score is 1 to rounding"
        return Finding(None, score, "> 1", slack, f"{why}; {reason}" if reason else why)
    return Finding(score > 1, score, "> 1", slack, reason)


def _delta(case: Case) -> float:
    return case.rip.lower if case.rip_constant is None else case.rip_constant


def _efs(case: Case, delta: float) -> float:
    return case.ncm(delta) + case.line[2] ** 2 / (2 * (1 + delta) ** 2)


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
    between = f"EFS is {best:.4g} with the lower bound of δ, {certain:.4g} with the upper one"
    case.need(certain > 1 + MARGIN, f"open: {between}")


def _rise(case: Case, t: FloatArray) -> FloatArray:
    """Return h(X̂ + t u qᵀ) − h(X̂) for each t, from the residuals so that little cancels."""
    start = case.problem.residual(case.X)
    moved = case.problem.residual(case.X + t[:, None, None] * case.directions.visible)
    return np.asarray(0.5 * np.sum((moved - start) * (moved + start), axis=-1))


def _formula(case: Case, t: FloatArray) -> FloatArray:
    """Return t² (λ_n + ½ σ_r² e) + t³ σ_r κ + ½ t⁴ g."""
    e, g, kappa = case.line
    sigma, lam = case.directions.singular_value, case.directions.eigenvalue
    return np.asarray(t**2 * (lam + sigma**2 * e / 2) + t**3 * sigma * kappa + t**4 * g / 2)


def _lowest(quadratic: float, cubic: float, quartic: float) -> tuple[float, float]:
    """Return the least value of quadratic t² + cubic t³ + quartic t⁴, and its t; 0 at least."""
    roots = np.polynomial.Polynomial([2 * quadratic, 3 * cubic, 4 * quartic]).roots()
    t = np.array([0.0, *roots.real])
    values = t**2 * (quadratic + t * (cubic + t * quartic))
    best = int(np.argmin(values))
    return float(values[best]), float(t[best])


def _rounding(case: Case, t: FloatArray) -> FloatArray:
    """Return the rounding of h on the line and of its formula, with what the polish left.

    h − h(X̂) is taken from the residuals: the rounding of A((X̂+tD)(X̂+tD)ᵀ) times their sizes. The
    formula holds for ∇h(X̂) = 0 and X̂ᵀu = 0; what is left of these is times t, t² and t³.
    """
    r, D = case.rounding, case.directions.visible
    start = size(case.problem.residual(case.X))
    moved = np.linalg.norm(case.problem.residual(case.X + t[:, None, None] * D), axis=-1)
    far = r.point + np.abs(t)
    of_h = r.residual(far) * (start + moved)
    slope = abs(float(np.sum(case.problem.gradient(case.X) * D)))
    sigma, u = case.directions.singular_value, case.directions.u
    triplet = size(case.X @ case.directions.q - sigma * case.directions.v)
    skew = r.operator**2 * (triplet + r.unit * r.point) * (far + abs(float(u @ case.directions.v)))
    of_formula = t**2 * (2 * r.landscape + 2 * skew * far)
    return np.asarray(of_h + of_formula + 2 * slope * np.abs(t))


def _line_scale(case: Case) -> float:
    e, g, _ = case.line
    sigma = case.directions.singular_value
    return case.objective + sigma**2 * (abs(case.directions.eigenvalue) + sigma**2 * (e + g))


def _least_on_line(case: Case) -> tuple[float, float]:
    """Return (least value of h − h(X̂), its t), without the formula.

    The quartic is interpolated, and h taken at the roots of its derivative. The least point can be
    about σ_r from X̂, or √(|λ_n|/g) where X̂ is nearly rank-deficient: that is the scale.
    """
    d, (_, g, _) = case.directions, case.line
    scale = max(d.singular_value, math.sqrt(abs(d.eigenvalue) / g) if g > 0 else 0.0)
    nodes = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    values = _rise(case, scale * nodes)
    polynomial = np.polynomial.Polynomial(
        np.linalg.solve(np.vander(nodes, increasing=True), values)
    )
    candidates = scale * np.concatenate([[0.0], polynomial.deriv().roots().real])
    rises = _rise(case, candidates)
    rises[0] = 0.0
    best = int(np.argmin(rises))
    return float(rises[best]), float(candidates[best])
