"""Section 6: projected gradient descent on S, the span of ŵ, v̂ and the hidden tensor, both ways."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lift_compare import lifting

from ...tolerances import GRAM_INDEPENDENT, PATH_ROUNDING
from .case import COMPARED_STEPS, Case
from .claim import Finding, at_least, equal, exact, property_of_instance, published
from .rounding import in_range, size

_ROUNDS = 2 * COMPARED_STEPS  # each step adds its rounding, on either side


@exact("projected-gradient", "projected gradient", 6)
def projected_gradient(case: Case) -> Finding:
    """Π_S ∇h^l(w) = Σ_j (Γ⁺γ)_j vec(X_j)^{⊗l}

    γ_t = ⟨∇h^l(w), vec(X_t)^{⊗l}⟩ from Gram matrices, against the explicit gradient projected, at
    w_escape. The gradient is itself a difference of two terms, each as large as b^{⊗l} acting on w.
    """
    c = case.escape_start
    explicit = np.asarray(case.lifted.gradient(case.combine(c)))
    ours = case.combine(case.span.projected_gradient(c))
    error = size(np.asarray(case.span_projection(explicit)) - ours)
    return equal(error, 0.0, case.rounding.gradient(case.start_length) * case.gram_condition)


@exact("exact-is-explicit-h", "exact = explicit: h^l", 6)
def same_objective(case: Case) -> Finding:
    """h^l along both descents agrees

    They are w ← Π_S(w − η∇h^l(w)) on tensors and c ← c − ηΓ⁺γ(c) on coefficients, 20 steps from
    w_escape = a + ρb.
    """
    explicit, simulated = case.descents
    error = float(np.abs(explicit.values - simulated.values).max())
    length = max(case.start_length, size(np.asarray(explicit.tensor)))
    return equal(error, 0.0, _ROUNDS * case.rounding.value(length) * case.gram_condition)


@exact("exact-is-explicit-tensor", "exact = explicit: tensor", 6)
def same_tensor(case: Case) -> Finding:
    """the last iterates agree as tensors

    ‖w_T − Σ_j c_{T,j} vec(X_j)^{⊗l}‖ / ‖w_T‖: dependent generators leave coefficients free, not
    tensors.
    """
    explicit, simulated = case.descents
    error = size(np.asarray(explicit.tensor) - case.combine(simulated.coefficients[-1]))
    length = max(case.start_length, size(np.asarray(explicit.tensor)))
    step = case.step_size * case.rounding.gradient(length)
    rounding = _ROUNDS * (step + case.order * case.rounding.unit * length)
    return equal(error, 0.0, rounding * case.gram_condition)


@exact("descent-on-s", "descent on S", 6)
def descent_falls(case: Case) -> Finding:
    """a small enough step lowers h^l at every step

    h^l along c ← c − ηΓ⁺γ(c) at the step of the comparison (η/2, halved until this is so).
    """
    step = case.step_size
    values = case.descent(step).values
    rise = float(np.max(np.diff(values)))
    slack = in_range(case.rounding.value(case.start_length), "the rounding of h^l")
    return Finding(rise <= slack, rise, "≤ 0", slack, f"η = {step:.3g}")


@property_of_instance("independent-generators", "independent generators", 6)
def independent(case: Case) -> Finding:
    """base, visible and hidden are linearly independent

    The least eigenvalue of Γ for unit generators (zero in the 2×2 example, where b ∥ c).
    """
    case.need_negative_eigenvalue()
    case.need_hidden()
    least = float(case.gram_eigenvalues[0])
    return Finding(least > GRAM_INDEPENDENT, least, "> 0", GRAM_INDEPENDENT)


@published("span-capture-gradient", "span capture: gradient", 6)
def gradient_capture(case: Case) -> Finding:
    """∇h^l(w_escape) lies in S

    ‖Π_S ∇h^l(w)‖ / ‖∇h^l(w)‖ at w_escape = a + ρb: what the projection keeps; at least 0.9 counts
    as holding.
    """
    case.need_negative_eigenvalue()
    gradient = np.asarray(case.lifted.gradient(case.combine(case.escape_start)))
    vanishes = "∇h^l(w_escape) is zero to rounding"
    case.need(size(gradient) > case.rounding.gradient(case.start_length), vanishes)
    return at_least(case.captured(gradient), 0.9)


@published("span-capture-path", "span capture: path", 6)
def path_capture(case: Case) -> Finding:
    """the unprojected lifted path stays in S, over 20 steps

    ‖Π_S Δ‖ / ‖Δ‖ of Δ = w_20 − w_0, steps w ← w − (η/2) ∇h^l(w) without projection, or shorter ones
    where h^l would rise; at least 0.9 counts as holding. The longer the path, the more it leaves.
    """
    case.need_negative_eigenvalue()
    start = case.combine(case.escape_start)
    path = lifting.projected_gradient_descent(
        case.lifted, start, step_size=case.step_size, iterations=COMPARED_STEPS
    )
    moved = np.asarray(path.tensor) - start
    case.need(size(moved) > PATH_ROUNDING * size(start), "the path does not move")
    said = f"after {COMPARED_STEPS} steps of size {case.step_size:.3g}"
    return replace(at_least(case.captured(moved), 0.9), reason=said)
