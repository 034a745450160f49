"""Section 7: the truncated closed form as published, its accuracy, and its acceptance rules."""

from __future__ import annotations

import numpy as np

from lift_compare import simulated
from lift_compare.sensing.tolerances import NEARLY_STATIONARY
from lift_compare.simulated import AcceptanceRule, PublishedCollapse

from ...tolerances import IDENTITY
from .case import Case
from .claim import Finding, below, equal, exact, published, relative, small
from .rounding import in_range, size

_RECURSION_STEPS = 2000
_SAMPLES = 50  # states of the path at which the truncation error is taken
_ACCURATE = 0.1  # a published approximation within 10 % counts as holding


@exact("closed-form-is-recursion", "closed form = recursion", 7)
def closed_form(case: Case) -> Finding:
    """β ← νβ, γ ← γ − η(σ_r^l/2^{l−1})β

    β̃(t) = ρν^t, γ̃(t) = −ηρ(σ_r^l/2^{l−1})(ν^t − 1)/(ν − 1), ν = 1 − ηλ_n^l, against the
    recursion, step by step.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    s, d, path = case.settings, case.directions, case.truncated
    growth = -s.eta * d.eigenvalue**s.order
    drive = s.eta * d.singular_value**s.order / 2 ** (s.order - 1)
    in_range(abs(growth), "η λ_n^l")
    in_range(s.rho * drive, "ρ η σ_r^l / 2^{l−1}")
    beta, gamma, errors = s.rho, 0.0, []
    for t in range(1, min(s.steps, _RECURSION_STEPS) + 1):
        beta, gamma = beta + growth * beta, gamma - drive * beta
        errors += [abs(path.beta[t] / beta - 1), abs(path.gamma[t] / gamma - 1)]
    return small(float(np.max(errors)), IDENTITY)


@published("lambda-n-for-k1-k2", "λ_n^l for K1^l − K2^l", 7)
def eigenvalue_power(case: Case) -> Finding:
    """the truncation replaces K1^l − K2^l by (K1 − K2)^l

    The ratio (K1 − K2)^l / (K1^l − K2^l); within 10 % of 1 counts as holding.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    K1, K2, _ = case.inner_products
    full = K1**case.order - K2**case.order
    in_range(-full, "K2^l − K1^l")
    ratio = case.directions.eigenvalue**case.order / full
    return Finding(abs(ratio - 1) <= _ACCURATE, ratio, 1.0, _ACCURATE)


@published("truncation-error", "truncation error", 7)
def accuracy(case: Case) -> Finding:
    """the retained terms are Π_S ∇h^l along the truncated path

    ‖Π_S∇h^l − retained‖ / ‖Π_S∇h^l‖, the largest over 50 states of t = 0 .. T; at most 0.1 counts
    as holding.
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    case.need_hidden()
    t = np.unique(np.linspace(0, case.settings.steps, _SAMPLES).astype(int))
    errors = np.array([case.truncation_error(step) for step in t])
    case.need(bool(np.all(np.isfinite(errors))), "Π_S∇h^l vanishes along the path")
    worst, spread = float(errors.max()), f"median {np.median(errors):.3g}, least {errors.min():.3g}"
    return Finding(worst <= _ACCURATE, worst, "≤ 0.1", _ACCURATE, f"{spread} along t")


@exact("truncation-from-tensors", "truncation error from tensors", 7)
def accuracy_from_tensors(case: Case) -> Finding:
    """‖Π_S∇h^l − retained‖ / ‖Π_S∇h^l‖ of `truncation_error` is that of explicit tensors

    At w_escape; the retained terms are 2β(λ_n^l visible^{⊗l} + (σ_r^l / 2^{l−1}) hidden^{⊗l}).
    """
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    case.need_hidden()
    d, order, rho = case.directions, case.order, case.settings.rho
    gradient = np.asarray(case.lifted.gradient(case.combine(case.escape_start)))
    projected = np.asarray(case.span_projection(gradient))
    weights = [0.0, d.eigenvalue**order, d.singular_value**order / 2 ** (order - 1)]
    missing = projected - 2 * rho * case.combine(np.array(weights))
    whole = in_range(size(projected), "Π_S ∇h^l")
    found = simulated.truncation_error(case.span, d, case.escape_start)
    rounding = 2 * case.rounding.gradient(case.start_length) * case.gram_condition
    ratio = size(missing) / whole
    case.need(rounding < whole, "undecided: Π_S ∇h^l is within rounding of zero")
    return equal(found, ratio, (1 + ratio) * rounding / whole)


@exact("published-collapse", "published collapse", 7)
def collapse_by_hand(case: Case) -> Finding:
    """X̌ = β̃^{1/l} u qᵀ or −(−γ̃)^{1/l} A*A(E₀)X̂, and h^l at ŵ, at the state and at its term

    `published_collapse` against the formulas and `SpanObjective.value`.
    """
    found, state = _collapse(case, AcceptanceRule.CODE), case.truncated.coefficients[-1]
    _, visible, hidden = case.directions.generators
    lengths = np.array([size(X) for X in case.directions.generators]) ** case.order
    norms = np.abs(state) * lengths
    root = 1 / case.order
    candidates = {"beta": state[1] ** root * visible, "gamma": -((-state[2]) ** root) * hidden}
    kind = "beta" if norms[1] >= norms[2] else "gamma"
    case.need(abs(norms[1] - norms[2]) > IDENTITY * norms.max(), "undecided: a tie of the norms")
    alone = state * (np.arange(3) == (1 if kind == "beta" else 2))
    values = [float(case.span.value(c)) for c in ([1.0, 0.0, 0.0], state, alone)]
    reported = (found.objective_stationary, found.objective_state, found.objective_term)
    worst = max(
        float(found.kind != kind),
        relative(found.point - candidates[kind], candidates[kind]),
        relative(found.norms - norms, norms),
        relative(np.array(reported) - values, np.array(values)),
    )
    return small(worst, case.order * case.rounding.unit)


@published("acceptance-rule-code", "acceptance rule: code", 7)
def rule_of_the_code(case: Case) -> Finding:
    """the dominant norm is the largest, and h^l(w_T) < h^l(ŵ)

    As in the published code, with the exact h^l. Measured: h^l(w_T) / h^l(ŵ).
    """
    return _accepted(case, _collapse(case, AcceptanceRule.CODE))


@published("acceptance-rule-text", "acceptance rule: text", 7)
def rule_of_the_text(case: Case) -> Finding:
    """one term dominates (≫ 10×), and its h^l alone is below h^l(ŵ)

    As in the text, with the exact h^l and ≫ read as ten times. Measured: h^l(dominant term) /
    h^l(ŵ).
    """
    return _accepted(case, _collapse(case, AcceptanceRule.TEXT))


def _accepted(case: Case, found: PublishedCollapse) -> Finding:
    """Return the finding of a rule; it is accepted if one term dominates and h^l falls.

    Where h^l differs from h^l(ŵ) by rounding only, neither answer means anything.
    """
    dominant = "dominant" if found.dominant else "not dominant"
    norms = ", ".join(f"{norm:.3g}" for norm in found.norms)
    why = f"{found.kind}-type, {dominant}; norms {norms}"
    before = in_range(found.objective_stationary, "h^l(ŵ)")
    ratio = found.objective_compared / before
    length = float(sum(found.norms))
    rounding = (case.rounding.value(length) + case.rounding.value(case.lifted_length)) / before
    tie = found.dominant and abs(ratio - 1) <= rounding
    return Finding(None if tie else found.accepted, ratio, "< 1", rounding, why)


@published("the-rules-agree", "the rules agree", 7)
def rules_agree(case: Case) -> Finding:
    """both acceptance rules give the same answer"""
    text, code = (_collapse(case, rule).accepted for rule in AcceptanceRule)
    words = {True: "accepts", False: "rejects"}
    said = f"the text {words[text]}, the code {words[code]}"
    return Finding(text == code, reason=said)


@published("collapse-decreases-h", "published collapse decreases h", 7)
def strict_decrease(case: Case) -> Finding:
    """h(X̌) < h(X̂) at the β- or γ-type point of w_T

    γ-type X̌ = −(−γ̃)^{1/l} A*A(E₀)X̂ or β-type X̌ = β̃^{1/l} u qᵀ, whichever norm is larger;
    collapse is forced.
    """
    found = _collapse(case, AcceptanceRule.CODE)
    verdict = "accepted" if found.accepted else "rejected"
    after = float(case.problem.objective(found.point))
    rounding = case.change_rounding(after, found.point)
    return below(after, case.objective, rounding, f"{found.kind}-type, {verdict} by the code")


@published("accepted-decrease", "accepted ⇒ decrease", 7)
def accepted_means_decrease(case: Case) -> Finding:
    """a state that the published code accepts has h(X̌) < h(X̂)

    The rule looks at h^l of the state while X̌ is made of one of its terms.
    """
    found = _collapse(case, AcceptanceRule.CODE)
    case.need(found.accepted, "the state is not accepted")
    after = float(case.problem.objective(found.point))
    rounding = case.change_rounding(after, found.point)
    return below(after, case.objective, rounding, f"{found.kind}-type")


def _collapse(case: Case, rule: AcceptanceRule) -> simulated.PublishedCollapse:
    case.need_negative_eigenvalue(NEARLY_STATIONARY)
    case.need_hidden()
    return case.published_collapse(rule)
