"""Section 7: the truncated closed form as published, its accuracy, and its acceptance rules."""

from __future__ import annotations

import numpy as np

from lift_compare.simulated import (
    AcceptanceRule,
    PublishedCollapse,
    TruncatedPath,
    published_collapse,
    truncation_error,
)

from .case import NEARLY_STATIONARY, Case
from .claim import Finding, Kind, claim, small

_RECURSION_STEPS = 2000
_SAMPLES = 50  # states of the path at which the truncation error is taken


@claim("closed form = recursion", "β ← νβ, γ ← γ − η(σ_r^l/2^{l−1})β", section=7, kind=Kind.EXACT)
def closed_form(case: Case) -> Finding:
    """β̃(t) = ρν^t, γ̃(t) = −ηρ(σ_r^l/2^{l−1})(ν^t − 1)/(ν − 1), ν = 1 − ηλ_n^l, against the recursion, step by step."""
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    path = case.truncated
    lam, sigma = case.directions.eigenvalue, case.directions.singular_value
    growth, drive = (
        -case.eta * lam**case.order,
        case.eta * sigma**case.order / 2 ** (case.order - 1),
    )
    beta, gamma, error = case.rho, 0.0, 0.0
    for t in range(1, min(case.steps, _RECURSION_STEPS) + 1):
        beta, gamma = beta + growth * beta, gamma - drive * beta
        error = max(error, abs(path.beta[t] / beta - 1), abs(path.gamma[t] / gamma - 1))
    return small(error, 1e-11)


@claim(
    "λ_n^l for K1^l − K2^l",
    "the truncation replaces K1^l − K2^l by (K1 − K2)^l",
    section=7,
    kind=Kind.PUBLISHED,
)
def eigenvalue_power(case: Case) -> Finding:
    """Measure the ratio (K1 − K2)^l / (K1^l − K2^l); within 10 % of 1 counts as holding."""
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    K1, K2, _ = case.inner_products
    exact = K1**case.order - K2**case.order
    case.need(exact < 0, "K1^l − K2^l underflows")
    ratio = case.directions.eigenvalue**case.order / exact
    return Finding(abs(ratio - 1) <= 0.1, ratio, 1.0, 0.1)


@claim(
    "truncation error",
    "the retained terms are Π_S ∇h^l along the truncated path",
    section=7,
    kind=Kind.PUBLISHED,
)
def accuracy(case: Case) -> Finding:
    """‖Π_S∇h^l − retained‖ / ‖Π_S∇h^l‖, the largest over 50 states of t = 0 .. T; at most 0.1 counts as holding."""
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    case.need(len(case.generators) == 3, "the hidden direction is zero")
    states = case.truncated.coefficients
    t = np.unique(np.linspace(0, len(states) - 1, _SAMPLES).astype(int))
    errors = np.array([truncation_error(case.span, case.directions, states[i]) for i in t])
    case.need(bool(np.all(np.isfinite(errors))), "Π_S∇h^l vanishes along the path")
    return Finding(
        float(errors.max()) <= 0.1, float(errors.max()), "≤ 0.1", 0.1,
        f"median {np.median(errors):.3g}, least {errors.min():.3g} along t",
    )  # fmt: skip


@claim(
    "acceptance rule: code",
    "the dominant norm is the largest, and h^l(w_T) < h^l(ŵ)",
    section=7,
    kind=Kind.PUBLISHED,
)
def rule_of_the_code(case: Case) -> Finding:
    """As in the published code, with the exact h^l. Measured: h^l(w_T) / h^l(ŵ)."""
    found = _collapse(case, AcceptanceRule.CODE)
    ratio = found.objective_state / found.objective_stationary
    return Finding(found.accepted, ratio, "< 1", 0.0, f"{found.kind}-type, {_why(found)}")


@claim(
    "acceptance rule: text",
    "one term dominates (≫ 10×), and its h^l alone is below h^l(ŵ)",
    section=7,
    kind=Kind.PUBLISHED,
)
def rule_of_the_text(case: Case) -> Finding:
    """As in the text, with the exact h^l and ≫ read as ten times. Measured: h^l(dominant term) / h^l(ŵ)."""
    found = _collapse(case, AcceptanceRule.TEXT)
    ratio = found.objective_term / found.objective_stationary
    return Finding(found.accepted, ratio, "< 1", 0.0, f"{found.kind}-type, {_why(found)}")


@claim(
    "the rules agree", "both acceptance rules give the same answer", section=7, kind=Kind.PUBLISHED
)
def rules_agree(case: Case) -> Finding:
    """Text and code accept, or reject, the same state."""
    text, code = (
        _collapse(case, rule).accepted for rule in (AcceptanceRule.TEXT, AcceptanceRule.CODE)
    )
    words = {True: "accepts", False: "rejects"}
    return Finding(
        text == code, None, None, None, f"the text {words[text]}, the code {words[code]}"
    )


@claim(
    "published collapse decreases h",
    "h(X̌) < h(X̂) at the β- or γ-type point of w_T",
    section=7,
    kind=Kind.PUBLISHED,
)
def strict_decrease(case: Case) -> Finding:
    """γ-type X̌ = −(−γ̃)^{1/l} A*A(E₀)X̂ or β-type X̌ = β̃^{1/l} u qᵀ, whichever norm is larger; collapse is forced."""
    found = _collapse(case, AcceptanceRule.CODE)
    after = float(case.problem.objective(found.point))
    accepted = "accepted" if found.accepted else "rejected"
    return Finding(
        after < case.objective,
        after,
        f"< {case.objective:.6g}",
        0.0,
        f"{found.kind}-type, {accepted} by the code",
    )


@claim(
    "accepted ⇒ decrease",
    "a state that the published code accepts has h(X̌) < h(X̂)",
    section=7,
    kind=Kind.PUBLISHED,
)
def accepted_means_decrease(case: Case) -> Finding:
    """Check the promise of the rule, which looks at h^l of the state while X̌ is made of one of its terms."""
    found = _collapse(case, AcceptanceRule.CODE)
    case.need(found.accepted, "the state is not accepted")
    after = float(case.problem.objective(found.point))
    return Finding(
        after < case.objective, after, f"< {case.objective:.6g}", 0.0, f"{found.kind}-type"
    )


def _collapse(case: Case, rule: AcceptanceRule) -> PublishedCollapse:
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    case.need(len(case.generators) == 3, "the hidden direction is zero")
    path: TruncatedPath = case.truncated
    try:
        return published_collapse(
            case.problem,
            case.directions,
            case.order,
            path.coefficients[-1],
            rule=rule,
            objective=case.span,
        )
    except OverflowError as error:
        case.need(False, str(error))
        raise


def _why(found: PublishedCollapse) -> str:
    dominant = "dominant" if found.dominant else "not dominant"
    return f"{dominant}; norms {', '.join(f'{norm:.3g}' for norm in found.norms)}"
