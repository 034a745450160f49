"""Section 6: projected gradient descent on S = span{a, b, c}, with tensors and with three numbers."""

from __future__ import annotations

import numpy as np

from lift_compare.lifting import projected_gradient_descent
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import descend

from .case import COMPARED_STEPS, Case
from .claim import Finding, Kind, claim, small


@claim("projected gradient", "Π_S ∇h^l(w) = Σ_j (Γ⁺γ)_j vec(X_j)^{⊗l}", section=6, kind=Kind.EXACT)
def projected_gradient(case: Case) -> Finding:
    """γ_t = ⟨∇h^l(w), vec(X_t)^{⊗l}⟩ from Gram matrices, against the explicit gradient projected, at w_escape."""
    c = case.escape_start
    explicit = np.asarray(case.lifted.gradient(case.combine(c)))
    difference = np.asarray(case.span_projection(explicit)) - case.combine(
        case.span.projected_gradient(c)
    )
    # The gradient itself is a difference of two terms, each as large as b^{⊗l} acting on w.
    scale = max(float(np.linalg.norm(explicit)), _gradient_terms(case))
    return small(float(np.linalg.norm(difference)) / scale, _tolerance(case))


@claim("exact = explicit: h^l", "h^l along both descents agrees", section=6, kind=Kind.EXACT)
def same_objective(case: Case) -> Finding:
    """W ← Π_S(w − η∇h^l(w)) on tensors and c ← c − ηΓ⁺γ(c) on coefficients, 20 steps from w_escape = a + ρb."""
    explicit, simulated = case.descents
    scale = max(float(np.abs(explicit.values).max()), float((case.b @ case.b) ** case.order))
    return small(float(np.abs(explicit.values - simulated.values).max()) / scale, _tolerance(case))


@claim("exact = explicit: tensor", "the last iterates agree as tensors", section=6, kind=Kind.EXACT)
def same_tensor(case: Case) -> Finding:
    """‖w_T − Σ_j c_{T,j} vec(X_j)^{⊗l}‖ / ‖w_T‖: dependent a, b, c leave coefficients free, not tensors."""
    explicit, simulated = case.descents
    tensor = np.asarray(explicit.tensor)
    difference = tensor - case.combine(simulated.coefficients[-1])
    return small(float(np.linalg.norm(difference) / np.linalg.norm(tensor)), _tolerance(case))


@claim("descent on S", "a small enough step lowers h^l at every step", section=6, kind=Kind.EXACT)
def descent_falls(case: Case) -> Finding:
    """h^l along c ← c − ηΓ⁺γ(c) is not increasing at the step of the comparison (η/2, halved until this is so)."""
    start, step = case.escape_start, case.step_size
    values = descend(case.span, start, step_size=step, iterations=COMPARED_STEPS).values
    rise = float(np.max(np.diff(values)))
    scale = max(float(np.abs(values).max()), float((case.b @ case.b) ** case.order))
    return Finding(rise <= 1e-13 * scale, rise, "≤ 0", 1e-13 * scale, f"η = {step:.3g}")


@claim("independent generators", "a, b, c are linearly independent", section=6, kind=Kind.PROPERTY)
def independent(case: Case) -> Finding:
    """Measure the least eigenvalue of Γ for unit generators (zero in the 2×2 example, where b ∥ c)."""
    case.need_negative_eigenvalue()
    case.need(len(case.generators) == 3, "the hidden direction is zero")
    least = float(_unit_gram_eigenvalues(case)[0])
    return Finding(least > 1e-10, least, "> 0", 1e-10)


@claim("span capture: gradient", "∇h^l(w_escape) lies in S", section=6, kind=Kind.PUBLISHED)
def gradient_capture(case: Case) -> Finding:
    """‖Π_S ∇h^l(w)‖ / ‖∇h^l(w)‖ at w_escape = a + ρb: what the projection keeps; at least 0.9 counts as holding."""
    case.need_negative_eigenvalue()
    gradient = np.asarray(case.lifted.gradient(case.combine(case.escape_start)))
    size = float(np.linalg.norm(gradient))
    case.need(size > 1e-10 * _gradient_terms(case), "∇h^l(w_escape) = 0")
    share = float(np.linalg.norm(case.span_projection(gradient))) / size
    return Finding(share >= 0.9, share, "≥ 0.9", 0.1)


@claim(
    "span capture: path", "the unprojected lifted path stays in S", section=6, kind=Kind.PUBLISHED
)
def path_capture(case: Case) -> Finding:
    """‖Π_S Δ‖ / ‖Δ‖ of Δ = w_T − w_0 after 20 steps w ← w − η∇h^l(w), no projection; at least 0.9 counts as holding."""
    case.need_negative_eigenvalue()
    start = case.combine(case.escape_start)
    path = projected_gradient_descent(
        case.lifted, start, step_size=case.step_size, iterations=COMPARED_STEPS
    )
    moved = np.asarray(path.tensor) - start
    size = float(np.linalg.norm(moved))
    case.need(size > 1e-13 * float(np.linalg.norm(start)), "the path does not move")
    share = float(np.linalg.norm(case.span_projection(moved))) / size
    return Finding(share >= 0.9, share, "≥ 0.9", 0.1)


def _gradient_terms(case: Case) -> float:
    """Return the size of the two terms that make up ∇h^l near ŵ: 2(‖A*A(X̂X̂ᵀ)X̂‖^l + ‖A*(b)X̂‖^l)."""
    A = case.problem.operator
    sizes = (
        float(np.linalg.norm(A.adjoint_matmul(y, case.X)))
        for y in (A.measure(case.X, case.X), case.b)
    )
    return 2 * sum(size**case.order for size in sizes)


def _unit_gram_eigenvalues(case: Case) -> FloatArray:
    """Return the eigenvalues of Γ for the generators scaled to unit norm."""
    vectors = case.generators.reshape(len(case.generators), -1)
    units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    return np.asarray(np.linalg.eigvalsh(np.clip(units @ units.T, -1, 1) ** case.order))


def _tolerance(case: Case) -> float:
    """Return 1e-10 plus the rounding that Γ⁺ magnifies: nearly parallel generators lose digits on both sides."""
    values = _unit_gram_eigenvalues(case)
    kept = values[values > 1e-12 * values[-1]]
    return 1e-10 + 200 * float(np.finfo(float).eps / kept[0])
