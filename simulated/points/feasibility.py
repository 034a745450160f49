"""Escape feasibility scores of the line X̂ + t u_n q_rᵀ (docs/theory.md, section 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import OutOfRange, positive

from .directions import EscapeDirections, escape_directions
from .line import LineQuartic
from .unit_scale import at_unit_scale


@dataclass(frozen=True, repr=False)
class FeasibilityScore:
    """Scores of the single step, and h along its line.

    With E₀ = u_n v_rᵀ + v_r u_nᵀ, e = ‖A(E₀)‖², g = ‖A(u_n u_nᵀ)‖² and κ = ⟨A(E₀), A(u_n u_nᵀ)⟩,

        h(X̂ + t u_n q_rᵀ) − h(X̂) = t² (λ_n + ½ σ_r² e) + t³ σ_r κ + ½ t⁴ g

    exactly at a stationary point; elsewhere t ⟨∇h(X̂), u_n q_rᵀ⟩ is added.

    Attributes
    ----------
    eigenvalue, singular_value : float
        λ_n and σ_r.
    e, g, kappa : float
        The numbers above.
    line : LineQuartic
        The quartic above, with the term in t: `line.change(t)` is h(X̂ + t u_n q_rᵀ) − h(X̂).
    exact_score : float
        EFS* = −2 λ_n / (σ_r² e) + κ² / (e g). At a stationary point EFS* > 1 if and only if h goes
        below h(X̂) somewhere on the line. It needs no RIP constant. (+inf where e = 0, λ_n < 0.)
    step : float
        The t with the least h on the line, for a stationary X̂; 0 where X̂ is its best point.
    rip_constant : float or None
        The δ that the three scores below were computed with; None leaves them out.
    ncm, aic, score : float or None
        NCM = −λ_n / (σ_r² (1+δ)), AIC = κ² / (2 (1+δ)²), EFS = NCM + AIC; EFS > 1 is sufficient for
        a decrease if δ is a true RIP constant.
    score_step : float or None
        The published t* = −σ_r κ / (1+δ).

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> found = simulated.feasibility_score(problem, [[0.0], [0.5**0.5]], rip_constant=0.5)
    >>> round(found.score, 9), round(found.exact_score, 9)
    (1.0, 1.0)
    """

    eigenvalue: float
    singular_value: float
    e: float
    g: float
    kappa: float
    line: LineQuartic
    exact_score: float
    step: float
    rip_constant: float | None
    ncm: float | None
    aic: float | None
    score: float | None
    score_step: float | None

    @property
    def decrease(self) -> float:
        """h(X̂) − h(X̂ + step · u_n q_rᵀ), at least 0; OverflowError if it leaves float64."""
        return max(0.0, -float(self.line.without_slope().change(self.step)))

    def __repr__(self) -> str:
        if self.rip_constant is None:
            printed = "no RIP constant given"
        else:
            printed = (
                f"EFS = {self.score:.6g} (NCM {self.ncm:.6g} + AIC {self.aic:.3g}, "
                f"δ = {self.rip_constant:.6g})"
            )
        verdict = "decreases h" if self.exact_score > 1 else "cannot decrease h"
        try:
            decrease = f"decrease {self.decrease:.3g}"
        except OverflowError as overflow:
            decrease = str(overflow)
        return (
            f"FeasibilityScore(EFS* = {self.exact_score:.6g}: the line {verdict}, "
            f"best t = {self.step:.6g}, {decrease}; {printed})"
        )


@np.errstate(over="ignore", under="ignore", invalid="ignore")  # what overflows is looked for
def feasibility_score(
    problem: SensingProblem,
    X: Any,
    *,
    rip_constant: float | None = None,
    directions: EscapeDirections | None = None,
) -> FeasibilityScore:
    """Return the escape feasibility scores of the stationary point X (docs/theory.md, section 4).

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A stationary point X̂ ≠ 0.
    rip_constant : float, optional
        δ ≥ 0 for NCM, AIC and EFS. Without it only the exact score is computed: δ is NP-hard, and
        the exact score does not need it.
    directions : EscapeDirections, optional
        The directions at X, if they are at hand.

    Returns
    -------
    FeasibilityScore

    Raises
    ------
    TypeError, ValueError
        For bad X (see `escape_directions`) or a negative `rip_constant`.
    OverflowError
        If a number of the score leaves float64. The exact score does not depend on the scale of X
        and b.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.instance("real-system").problem
    >>> X = sensing.instance("real-system").stationary_point()
    >>> simulated.feasibility_score(problem, X).exact_score > 1
    False
    """
    delta = None if rip_constant is None else positive("rip_constant", rip_constant, or_zero=True)
    d = escape_directions(problem, X) if directions is None else directions
    # In units in which nothing over- or underflows; what has a unit is taken back at the end.
    problem, _, exponent = at_unit_scale(problem, d.base)
    d = d.in_units(-exponent)
    A = problem.operator
    # X̂ + t u qᵀ has no n×n matrix in it: E₀ = u vᵀ + v uᵀ is measured as 2 measure(u, v).
    u, v = d.u[:, None], d.v[:, None]
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        along, across = A.measure(u, u), 2 * A.measure(u, v)
        e, g, kappa = float(across @ across), float(along @ along), float(across @ along)
        lam, sigma = d.eigenvalue, d.singular_value
        slope = float(np.sum(problem.gradient(d.base) * d.visible))
        higher = [lam + sigma * sigma * e / 2, sigma * kappa, g / 2]
    if not np.all(np.isfinite([e, slope, *higher])):
        raise OutOfRange("h along the visible direction leaves float64; scale the A_i")
    # The exact score and the best step take X̂ as stationary; `line` keeps its slope as it is.
    line = LineQuartic(np.array([0.0, slope, *higher]), exponent)
    step = line.without_slope().lowest()
    ncm = aic = score = score_step = None
    if delta is not None:
        alignment = kappa / (1 + delta)
        ncm, aic = -lam / sigma / sigma / (1 + delta), alignment * alignment / 2
        score, score_step = ncm + aic, float(np.ldexp(-sigma * alignment, exponent))
    exact = _exact_score(lam, sigma, e, g, kappa)
    if (e > 0 and not np.isfinite(exact)) or (score is not None and not np.isfinite(score)):
        raise OutOfRange("the score leaves float64: X is too small beside b")
    given = d.in_units(exponent)
    return FeasibilityScore(
        eigenvalue=given.eigenvalue,
        singular_value=given.singular_value,
        e=e,
        g=g,
        kappa=kappa,
        line=line,
        exact_score=exact,
        step=step,
        rip_constant=delta,
        ncm=ncm,
        aic=aic,
        score=score,
        score_step=score_step,
    )


def _exact_score(lam: float, sigma: float, e: float, g: float, kappa: float) -> float:
    """Return EFS*; κ² ≤ e g, so κ²/(e g) counts as 0 where e or g is."""
    alignment = (kappa / e) * (kappa / g) if e > 0 and g > 0 else 0.0
    if e > 0:
        return -2 * lam / sigma / sigma / e + alignment
    return math.copysign(math.inf, -lam) if lam != 0 else 0.0
