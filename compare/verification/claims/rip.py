"""Section 1, continued: the RIP constant; premises about it are decided by a bracket of it."""

from __future__ import annotations

import math

import numpy as np

from ...tolerances import DIFFERENCE, MARGIN, PRODUCT, RIP_DIGITS
from .case import Case
from .claim import Finding, below, conditional, equal, exact, property_of_instance


@exact("rip-bracket", "RIP bracket", 1)
def bracket(case: Case) -> Finding:
    """lower bound of δ_2r ≤ δ_n

    δ_n comes from the extreme eigenvalues of A*A on all symmetric matrices; equal if 2r ≥ n.
    """
    lower, upper = case.rip.lower, case.rip.upper
    beyond = "δ_n is too large to compute: m n² numbers are beyond the budget"
    case.need(math.isfinite(upper), beyond)
    if case.rip.rank >= case.problem.n:
        return equal(lower, upper, DIFFERENCE * max(lower, upper, 1.0))
    slack = DIFFERENCE * (1 + upper)
    return Finding(lower <= upper + slack, lower, f"≤ {upper:.6g}", slack)


@exact("rip-bounds-e-and-g", "RIP bounds e and g", 4)
def line_bounds(case: Case) -> Finding:
    """e ≤ 2(1+δ), g ≤ 1+δ

    With e = ‖A(E₀)‖², g = ‖A(u uᵀ)‖², and the certain upper bound of 1+δ in place of 1+δ.
    """
    case.need_negative_eigenvalue()
    case.need(math.isfinite(case.rip.upper_side), "no upper bound of δ could be computed")
    e, g = _quotients(case)
    bound, quotient = 1 + case.rip.upper_side, max(e, g)
    holds = quotient <= bound * (1 + PRODUCT)
    return Finding(holds, quotient, f"≤ {bound:.6g}", PRODUCT * bound)


@property_of_instance("given-rip-constant", "given RIP constant", 1)
def given_constant(case: Case) -> Finding:
    """the given δ is not below what is attained

    δ ≥ every | ‖A(M)‖²/‖M‖² − 1 | with rank M ≤ 2r: the climbed lower bound, e/2 − 1 and g − 1.
    """
    case.need(case.rip_constant is not None, "no rip_constant was given")
    delta, attained = float(case.rip_constant or 0.0), case.rip.lower
    if case.directions.eigenvalue < 0:
        attained = max(attained, *(abs(quotient - 1) for quotient in _quotients(case)))
    return Finding(delta >= attained - RIP_DIGITS, delta, f"≥ {attained:.6g}", RIP_DIGITS)


@property_of_instance("needed-rip-inequality", "needed RIP inequality", 4)
def needed_inequality(case: Case) -> Finding:
    """δ_2r is below the largest δ that leaves EFS > 1

    EFS(δ) = −λ_n/(σ_r²(1+δ)) + κ²/(2(1+δ)²) falls with δ; EFS(δ) > 1 needs δ < δ_max, where
    EFS(δ_max) = 1. With z = 1+δ: z² + (λ_n/σ_r²) z − κ²/2 = 0 there. A lower bound of δ_2r at or
    above δ_max refutes the inequality, a certain upper bound below δ_max proves it; in between it
    is open.
    """
    case.need_negative_eigenvalue()
    (_, _, kappa), ncm = case.line, case.ncm(0.0)
    largest = (ncm + math.sqrt(ncm**2 + 2 * kappa**2)) / 2 - 1
    lower, upper = case.rip.lower, case.rip.upper_side
    slack = MARGIN * (1 + abs(largest) + lower)
    if lower >= largest:
        refuted = "the lower bound of δ_2r already refutes it"
        why = "no δ ≥ 0 would do" if largest <= 0 else refuted
        return below(lower, largest, slack, why + unscaled(lower))
    case.need(upper < largest, f"open: {lower:.4g} ≤ δ_2r, needed < {largest:.4g}")
    return below(upper, largest, slack)


@conditional("spurious-needs-delta", "spurious minima need δ_2r ≥ ½", 1)
def half(case: Case) -> Finding:
    """δ_2r < ½ ⇒ every second-order stationary point is the truth

    Zhang, Sojoudi, Lavaei 2019; for r > 1 Zhang 2021.
    """
    case.need_spurious()
    least = float(np.linalg.eigvalsh(case.hessian)[0])
    level = MARGIN * float(np.linalg.norm(case.hessian, 2))
    level = max(level, case.rounding.hessian(case.rounding.point, 1))
    case.need(least >= -level, "X̂ is a saddle of h")
    lower, upper = case.rip.lower, case.rip.upper
    known = f"{lower:.4g} ≤ δ_2r ≤ {upper:.4g}"
    return Finding(upper >= 0.5 - DIFFERENCE, upper, "≥ 0.5", DIFFERENCE, known)


def unscaled(delta: float) -> str:
    """Return what a δ above 1 says, and what to do; nothing below.

    ‖A(M)‖² ≥ 0 keeps the lower side within δ ≤ 1, so a larger one is of the upper side: 1+δ is the
    largest ‖A(M)‖²/‖M‖². Divided by (1+δ)/2, all these quotients lie between 0 and 2. NCM and AIC
    stay, since λ_n, 1+δ and κ change by the same factor.
    """
    if delta <= 1:
        return ""
    by = math.sqrt((1 + delta) / 2)
    said = f"δ > 1: A is not scaled as the RIP wants it; A and b divided by {by:.4g} would have δ"
    return f"; {said} near or below 1, and the same scores"


def _quotients(case: Case) -> tuple[float, float]:
    """Return ‖A(M)‖²/‖M‖² of E₀ and of u uᵀ; ‖E₀‖² = 2 (1 + ⟨u,v⟩²), 2 at a stationary point."""
    e, g, _ = case.line
    return e / (2 * (1 + float(case.directions.u @ case.directions.v) ** 2)), g
