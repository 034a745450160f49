"""Section 6: projected gradient descent on S, the span of ŵ, v̂ and the hidden tensor, both ways."""

from __future__ import annotations

import numpy as np

from lift_compare import lifting
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.sensing.validation import FloatArray

from ...tolerances import AGREEMENT, GRAM_INDEPENDENT, PATH_ROUNDING
from .case import COMPARED_STEPS, Case
from .claim import Finding, at_least, exact, property_of_instance, published, size, small

_FEW_HUNDRED = 200  # roundings on either side of a comparison, which Γ⁺ magnifies


@exact("projected gradient", 6)
def projected_gradient(case: Case) -> Finding:
    """Π_S ∇h^l(w) = Σ_j (Γ⁺γ)_j vec(X_j)^{⊗l}

    γ_t = ⟨∇h^l(w), vec(X_t)^{⊗l}⟩ from Gram matrices, against the explicit gradient projected, at
    w_escape. The gradient is itself a difference of two terms, each as large as b^{⊗l} acting on w.
    """
    c = case.escape_start
    explicit = np.asarray(case.lifted.gradient(case.combine(c)))
    ours = case.combine(case.span.projected_gradient(c))
    error = size(np.asarray(case.span_projection(explicit)) - ours)
    return small(error / max(size(explicit), _gradient_terms(case)), _tolerance(case))


@exact("exact = explicit: h^l", 6)
def same_objective(case: Case) -> Finding:
    """h^l along both descents agrees

    They are w ← Π_S(w − η∇h^l(w)) on tensors and c ← c − ηΓ⁺γ(c) on coefficients, 20 steps from
    w_escape = a + ρb.
    """
    explicit, simulated = case.descents
    error = float(np.abs(explicit.values - simulated.values).max())
    return small(error / _values_scale(case, explicit.values), _tolerance(case))


@exact("exact = explicit: tensor", 6)
def same_tensor(case: Case) -> Finding:
    """the last iterates agree as tensors

    ‖w_T − Σ_j c_{T,j} vec(X_j)^{⊗l}‖ / ‖w_T‖: dependent generators leave coefficients free, not
    tensors.
    """
    explicit, simulated = case.descents
    tensor = np.asarray(explicit.tensor)
    error = size(tensor - case.combine(simulated.coefficients[-1]))
    return small(error / size(tensor), _tolerance(case))


@exact("descent on S", 6)
def descent_falls(case: Case) -> Finding:
    """a small enough step lowers h^l at every step

    h^l along c ← c − ηΓ⁺γ(c) at the step of the comparison (η/2, halved until this is so).
    """
    step = case.step_size
    values = case.descent(step).values
    rise, slack = float(np.max(np.diff(values))), PATH_ROUNDING * _values_scale(case, values)
    return Finding(rise <= slack, rise, "≤ 0", slack, f"η = {step:.3g}")


@property_of_instance("independent generators", 6)
def independent(case: Case) -> Finding:
    """base, visible and hidden are linearly independent

    The least eigenvalue of Γ for unit generators (zero in the 2×2 example, where b ∥ c).
    """
    case.need_negative_eigenvalue()
    case.need_hidden()
    least = float(_unit_gram_eigenvalues(case)[0])
    return Finding(least > GRAM_INDEPENDENT, least, "> 0", GRAM_INDEPENDENT)


@published("span capture: gradient", 6)
def gradient_capture(case: Case) -> Finding:
    """∇h^l(w_escape) lies in S

    ‖Π_S ∇h^l(w)‖ / ‖∇h^l(w)‖ at w_escape = a + ρb: what the projection keeps; at least 0.9 counts
    as holding.
    """
    case.need_negative_eigenvalue()
    gradient = np.asarray(case.lifted.gradient(case.combine(case.escape_start)))
    case.need(size(gradient) > AGREEMENT * _gradient_terms(case), "∇h^l(w_escape) = 0")
    return at_least(case.captured(gradient), 0.9)


@published("span capture: path", 6)
def path_capture(case: Case) -> Finding:
    """the unprojected lifted path stays in S

    ‖Π_S Δ‖ / ‖Δ‖ of Δ = w_T − w_0 after 20 steps w ← w − η∇h^l(w), no projection; at least 0.9
    counts as holding.
    """
    case.need_negative_eigenvalue()
    start = case.combine(case.escape_start)
    path = lifting.projected_gradient_descent(
        case.lifted, start, step_size=case.step_size, iterations=COMPARED_STEPS
    )
    moved = np.asarray(path.tensor) - start
    case.need(size(moved) > PATH_ROUNDING * size(start), "the path does not move")
    return at_least(case.captured(moved), 0.9)


def _gradient_terms(case: Case) -> float:
    """Return the size of the two terms that make up ∇h^l near ŵ."""
    return 2 * sum(term**case.order for term in case.gradient_terms)


def _values_scale(case: Case, values: FloatArray) -> float:
    """Return the size of the terms of h^l: ‖b‖^{2l}, or its values where they are larger."""
    return max(float(np.abs(values).max()), float((case.b @ case.b) ** case.order))


def _unit_gram_eigenvalues(case: Case) -> FloatArray:
    """Return the eigenvalues of Γ for the generators scaled to unit norm."""
    vectors = case.generators.reshape(len(case.generators), -1)
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    return np.asarray(np.linalg.eigvalsh(np.clip(units @ units.T, -1, 1) ** case.order))


def _tolerance(case: Case) -> float:
    """Return 1e-10 plus the rounding that Γ⁺ magnifies where generators are nearly parallel."""
    values = _unit_gram_eigenvalues(case)
    kept = values[values > GRAM_RANK * values[-1]]
    return AGREEMENT + _FEW_HUNDRED * float(np.finfo(float).eps / kept[0])
