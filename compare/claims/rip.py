"""Section 1, continued: the RIP constant. δ is NP-hard; premises about it are decided by a bracket (`RipBracket`)."""

from __future__ import annotations

import math

import numpy as np

from .case import Case
from .claim import Finding, Kind, claim, equal


@claim("RIP bracket", "lower bound of δ_2r ≤ δ_n", section=1, kind=Kind.EXACT)
def bracket(case: Case) -> Finding:
    """δ_2r ≤ δ_n, where δ_n comes from the extreme eigenvalues of A*A on all symmetric matrices; equal if 2r ≥ n."""
    rip = case.rip
    case.need(
        math.isfinite(rip.upper), "δ_n is too large to compute: m n² numbers are beyond the budget"
    )
    if rip.rank >= case.problem.n:
        return equal(rip.lower, rip.upper, 1e-9, scale=1.0)
    return Finding(
        rip.lower <= rip.upper + 1e-9 * (1 + rip.upper), rip.lower, f"≤ {rip.upper:.6g}", 1e-9
    )


@claim("RIP bounds e and g", "e ≤ 2(1+δ), g ≤ 1+δ", section=4, kind=Kind.EXACT)
def line_bounds(case: Case) -> Finding:
    """E = ‖A(E₀)‖² ≤ 2(1+δ) and g = ‖A(u uᵀ)‖² ≤ 1+δ, with the certain upper bound of 1+δ in place of 1+δ."""
    case.need_negative_eigenvalue()
    case.need(math.isfinite(case.rip.upper_side), "no upper bound of δ could be computed")
    e, g, _ = case.line
    bound = 1 + case.rip.upper_side
    # ‖E₀‖² = 2 (1 + ⟨u,v⟩²), which is 2 at a stationary point.
    size = 1 + float(case.directions.u @ case.directions.v) ** 2
    quotient = max(e / (2 * size), g)
    return Finding(quotient <= bound * (1 + 1e-12), quotient, f"≤ {bound:.6g}", 1e-12 * bound)


@claim(
    "given RIP constant", "the given δ is not below what is attained", section=1, kind=Kind.PROPERTY
)
def given_constant(case: Case) -> Finding:
    """δ ≥ every | ‖A(M)‖²/‖M‖² − 1 | with rank M ≤ 2r: the climbed lower bound, e/2 − 1 and g − 1."""
    case.need(case.rip_constant is not None, "no rip_constant was given")
    delta = float(case.rip_constant or 0.0)
    attained = case.rip.lower
    if case.directions.eigenvalue < 0:
        e, g, _ = case.line
        size = 1 + float(case.directions.u @ case.directions.v) ** 2
        attained = max(attained, abs(e / (2 * size) - 1), abs(g - 1))
    return Finding(delta >= attained - 5e-7, delta, f"≥ {attained:.6g}", 5e-7)


@claim(
    "needed RIP inequality",
    "δ_2r is below the largest δ that leaves EFS > 1",
    section=4,
    kind=Kind.PROPERTY,
)
def needed_inequality(case: Case) -> Finding:
    """EFS(δ) = −λ_n/(σ_r²(1+δ)) + κ²/(2(1+δ)²) falls with δ; EFS(δ) > 1 needs δ < δ_max, where EFS(δ_max) = 1.

    With z = 1+δ: z² + (λ_n/σ_r²) z − κ²/2 = 0 at δ_max. A lower bound of δ_2r at or above δ_max
    refutes the inequality, a certain upper bound below δ_max proves it; in between it is open.
    """
    case.need_negative_eigenvalue()
    _, _, kappa = case.line
    ncm = -case.directions.eigenvalue / case.directions.singular_value**2
    largest = (ncm + math.sqrt(ncm**2 + 2 * kappa**2)) / 2 - 1
    if case.rip.lower >= largest:
        reason = (
            "no δ ≥ 0 would do" if largest <= 0 else "the lower bound of δ_2r already refutes it"
        )
        return Finding(False, case.rip.lower, f"< {largest:.6g}", 0.0, reason)
    case.need(
        case.rip.upper_side < largest, f"open: {case.rip.lower:.4g} ≤ δ_2r, needed < {largest:.4g}"
    )
    return Finding(True, case.rip.upper_side, f"< {largest:.6g}", 0.0)


@claim(
    "spurious minima need δ_2r ≥ ½",
    "δ_2r < ½ ⇒ every second-order stationary point is the truth",
    section=1,
    kind=Kind.CONDITIONAL,
)
def half(case: Case) -> Finding:
    """δ_2r < ½ leaves no spurious second-order point (Zhang, Sojoudi, Lavaei 2019; for r > 1 Zhang 2021)."""
    case.need_spurious()
    least = float(np.linalg.eigvalsh(case.hessian)[0])
    case.need(least >= -1e-9 * float(np.linalg.norm(case.hessian, 2)), "X̂ is a saddle of h")
    upper = case.rip.upper
    return Finding(
        upper >= 0.5 - 1e-9, upper, "≥ 0.5", 1e-9, f"{case.rip.lower:.4g} ≤ δ_2r ≤ {upper:.4g}"
    )
