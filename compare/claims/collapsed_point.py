"""Sections 6 and 7: the way back to a matrix, exactly, and whether it lowers h."""

from __future__ import annotations

import numpy as np

from lift_compare.lifting import best_rank_one
from lift_compare.simulated import collapse, escape

from .case import Case
from .claim import Finding, Kind, claim, relative, small


@claim("collapse of a power", "c·vec(X)^{⊗l} collapses to c^{1/l} X", section=7, kind=Kind.EXACT)
def collapse_of_power(case: Case) -> Finding:
    """L is odd, so the power keeps the sign: c = ±2, ½."""
    errors = []
    for c in (2.0, -2.0, 0.5):
        expected = np.sign(c) * abs(c) ** (1 / case.order) * case.X
        errors.append(relative(collapse(case.X[None], [c], case.order) - expected, expected))
    return small(max(errors), 1e-10)


@claim(
    "collapse = best rank one",
    "the simulated collapse is as good as the best rank-one tensor",
    section=7,
    kind=Kind.EXACT,
)
def collapse_is_best(case: Case) -> Finding:
    """Max over unit x of ⟨w, x^{⊗l}⟩, over all x (explicit, multi-start) and over x in span{X_j} (simulated).

    The vector of the best one lies in span{X_j}, so the explicit search cannot win; it may lose to
    a local maximum.
    """
    w = case.combine(_mixture(case))
    explicit = abs(float(best_rank_one(w, seed=case.seed).weight))
    point = collapse(case.generators, _mixture(case), case.order)
    norm = float(np.linalg.norm(point))
    attained = float(np.sum(w * np.asarray(case.lifted.lift(point / norm))))
    tolerance = 1e-8 * explicit
    consistent = abs(attained - norm**case.order) <= tolerance
    return Finding(
        consistent and attained >= explicit - tolerance, attained, f"≥ {explicit:.6g}", tolerance
    )


@claim(
    "exact escape ⇒ decrease",
    "escape(method='exact') found ⇒ h(X̌) < h(X̂)",
    section=6,
    kind=Kind.CONDITIONAL,
)
def exact_escape(case: Case) -> Finding:
    """Smallest saddle order, descent on S, exact collapse; h at X̌ evaluated anew. Not found is not a contradiction."""
    return _escape(case, "exact")


@claim(
    "single step ⇒ decrease",
    "escape(method='single-step') found ⇒ h(X̌) < h(X̂)",
    section=4,
    kind=Kind.CONDITIONAL,
)
def single_step_escape(case: Case) -> Finding:
    """X̌ = X̂ + t u qᵀ with the best t, certified by EFS* > 1."""
    return _escape(case, "single-step")


def _escape(case: Case, method: str) -> Finding:
    case.need_negative_eigenvalue()
    found = escape(case.problem, case.X, method=method)
    case.need(found.found, f"no escape: {getattr(found.reason, 'value', found.reason)}")
    after = float(case.problem.objective(found.point))
    return Finding(after < case.objective, after, f"< {case.objective:.6g}", 0.0)


def _mixture(case: Case) -> np.ndarray:
    """Return coefficients that give each generator's power the same norm."""
    norms = np.linalg.norm(case.generators, axis=(1, 2))
    return np.asarray((1 / norms) ** case.order * np.array([1.0, 0.8, -0.7])[: len(norms)])
