"""Single-step escape along X̂ + t u_n q_rᵀ, and its feasibility scores (docs/theory.md, section 4)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import positive

from .directions import EscapeDirections, escape_directions


@dataclass(frozen=True, repr=False)
class FeasibilityScore:
    """Scores of the single step, and h along its line.

    With E₀ = u_n v_rᵀ + v_r u_nᵀ, e = ‖A(E₀)‖², g = ‖A(u_n u_nᵀ)‖² and κ = ⟨A(E₀), A(u_n u_nᵀ)⟩,

        h(X̂ + t u_n q_rᵀ) − h(X̂) = t s + t² (λ_n + ½ σ_r² e) + t³ σ_r κ + ½ t⁴ g

    exactly, with s = ⟨∇h(X̂), u_n q_rᵀ⟩, which is zero at a stationary point.

    Attributes
    ----------
    eigenvalue, singular_value : float
        λ_n and σ_r.
    e, g, kappa, slope : float
        The numbers above.
    exact_score : float
        EFS* = −2 λ_n / (σ_r² e) + κ² / (e g). At a stationary point EFS* > 1 if and only if h goes below h(X̂) somewhere
        on the line. It needs no RIP constant. (+inf where e = 0 and λ_n < 0.)
    step : float
        The t with the least h on the line, a root of 2 (λ_n + ½ σ_r² e) + 3 σ_r κ t + 2 g t² = 0; 0 where X̂ is the
        best point of its line.
    decrease : float
        h(X̂) − h(X̂ + step · u_n q_rᵀ) for s = 0, at least 0.
    rip_constant : float or None
        The δ that the three scores below were computed with; None leaves them out.
    ncm, aic, score : float or None
        NCM = −λ_n / (σ_r² (1+δ)), AIC = κ² / (2 (1+δ)²), EFS = NCM + AIC; EFS > 1 is sufficient for a decrease if δ is
        a true RIP constant.
    score_step : float or None
        The published t* = −σ_r κ / (1+δ).
    """

    eigenvalue: float
    singular_value: float
    e: float
    g: float
    kappa: float
    slope: float
    exact_score: float
    step: float
    decrease: float
    rip_constant: float | None
    ncm: float | None
    aic: float | None
    score: float | None
    score_step: float | None

    def change(self, t: Any) -> Any:
        """Return h(X̂ + t u_n q_rᵀ) − h(X̂), elementwise in t."""
        t = np.asarray(t, dtype=float)
        quadratic = self.eigenvalue + self.singular_value**2 * self.e / 2
        value = t * (
            self.slope + t * (quadratic + t * (self.singular_value * self.kappa + t * self.g / 2))
        )
        return float(value) if value.ndim == 0 else value

    def __repr__(self) -> str:
        printed = (
            "no RIP constant given"
            if self.rip_constant is None
            else f"EFS = {self.score:.6g} (NCM {self.ncm:.6g} + AIC {self.aic:.3g}, δ = {self.rip_constant:.6g})"
        )
        verdict = "decreases h" if self.exact_score > 1 else "cannot decrease h"
        return (
            f"FeasibilityScore(EFS* = {self.exact_score:.6g}: the line {verdict}, best t = {self.step:.6g}, "
            f"decrease {self.decrease:.3g}; {printed})"
        )


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
        δ ≥ 0 for NCM, AIC and EFS. Without it only the exact score is computed: δ is NP-hard, and the exact score does
        not need it.
    directions : EscapeDirections, optional
        The directions at X, if they are at hand.

    Returns
    -------
    FeasibilityScore

    Raises
    ------
    TypeError, ValueError
        For bad X (see `escape_directions`) or a negative `rip_constant`.
    """
    delta = None if rip_constant is None else positive("rip_constant", rip_constant, or_zero=True)
    d = escape_directions(problem, X) if directions is None else directions
    A = problem.operator
    u, v = d.u[:, None], d.v[:, None]
    along, across = A.measure(u, u), 2 * A.measure(u, v)
    e, g, kappa = float(across @ across), float(along @ along), float(across @ along)
    lam, sigma = d.eigenvalue, d.singular_value
    slope = float(np.sum(problem.gradient(d.base) * d.visible))

    step, decrease = _best_step(lam + sigma**2 * e / 2, sigma * kappa, g)
    ncm = aic = score = score_step = None
    if delta is not None:
        ncm, aic = -lam / (sigma**2 * (1 + delta)), kappa**2 / (2 * (1 + delta) ** 2)
        score, score_step = ncm + aic, -sigma * kappa / (1 + delta)
    return FeasibilityScore(
        lam, sigma, e, g, kappa, slope, _exact_score(lam, sigma, e, g, kappa), step, decrease,
        delta, ncm, aic, score, score_step,
    )  # fmt: skip


def _exact_score(lam: float, sigma: float, e: float, g: float, kappa: float) -> float:
    """Return EFS*; κ² ≤ e g, so κ²/(e g) counts as 0 where e g = 0."""
    alignment = kappa**2 / (e * g) if e * g > 0 else 0.0
    if e > 0:
        return -2 * lam / (sigma**2 * e) + alignment
    return math.copysign(math.inf, -lam) if lam != 0 else 0.0


def _best_step(quadratic: float, cubic: float, g: float) -> tuple[float, float]:
    """Return (t, decrease) for the least value of t² quadratic + t³ cubic + ½ t⁴ g."""
    discriminant = 9 * cubic**2 - 16 * g * quadratic
    if g <= 0 or discriminant < 0:
        return 0.0, 0.0
    # The root of larger magnitude has the lower value: it lies on the side where the cubic term is
    # negative.
    t = (-3 * cubic - math.copysign(math.sqrt(discriminant), cubic)) / (4 * g)
    decrease = -(t**2) * (quadratic + t * (cubic + t * g / 2))
    return (t, decrease) if decrease > 0 else (0.0, 0.0)
