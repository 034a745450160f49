"""Sections 6 and 7: the way back to a matrix, exactly, and whether it lowers h."""

from __future__ import annotations

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated.escapes.methods import METHODS

from ...tolerances import COLLAPSED
from .case import Case
from .claim import Finding, below, conditional, exact, relative, small
from .rounding import size


@exact("collapse-of-a-power", "collapse of a power", 7)
def collapse_of_power(case: Case) -> Finding:
    """c·vec(X)^{⊗l} collapses to c^{1/l} X

    For c = ±2, ½: an odd power keeps the sign.
    """
    errors = []
    for c in (2.0, -2.0, 0.5):
        expected = np.sign(c) * abs(c) ** (1 / case.order) * case.X
        found = simulated.collapse(case.X[None], [c], case.order)
        errors.append(relative(found - expected, expected))
    return small(max(errors), case.rounding.unit)


@exact("collapse-best-rank-one", "collapse = best rank one", 7)
def collapse_is_best(case: Case) -> Finding:
    """the simulated collapse is as good as the best rank-one tensor

    Max over unit x of ⟨w, x^{⊗l}⟩, over all x (explicit, multi-start) and over x in span{X_j}
    (simulated). The vector of the best one lies in span{X_j}, so the explicit search cannot win; it
    may lose to a local maximum.
    """
    w = case.combine(_mixture(case))
    best = lifting.best_rank_one(w, seed=case.seed)
    explicit = abs(float(best.weight))
    x = np.asarray(best.vector).reshape(case.X.shape)
    reached = abs(float(np.sum(w * np.asarray(case.lifted.lift(x)))))
    point = simulated.collapse(case.generators, _mixture(case), case.order)
    norm, tolerance = size(point), COLLAPSED * explicit
    attained = float(np.sum(w * np.asarray(case.lifted.lift(point / norm))))
    consistent = max(abs(attained - norm**case.order), abs(reached - explicit)) <= tolerance
    holds = consistent and attained >= explicit - tolerance
    return Finding(holds, attained, f"≥ {explicit:.6g}", tolerance)


@conditional("exact-escape", "exact escape ⇒ decrease", 6)
def exact_escape(case: Case) -> Finding:
    """escape(method='exact') found ⇒ h(X̌) < h(X̂)

    Smallest saddle order, descent on S, exact collapse; h at X̌ evaluated anew. Not found is not a
    contradiction.
    """
    return _escape(case, "exact")


@conditional("single-step", "single step ⇒ decrease", 4)
def single_step_escape(case: Case) -> Finding:
    """escape(method='single-step') found ⇒ h(X̌) < h(X̂)

    X̌ = X̂ + t u qᵀ with the best t, certified by EFS* > 1.
    """
    return _escape(case, "single-step")


@exact("every-escape", "every escape", 6)
def every_escape(case: Case) -> Finding:
    """an escape reports h(X̂) and h(X̌) as they are, and found means lower

    For each method of `escape`: X̌ = X̂ where none was found, X̌ = X̂ + tD with ‖D‖ = 1 for the line
    methods. The largest error, over the rounding of h.
    """
    case.need_negative_eigenvalue()
    worst, where, said = 0.0, "", []
    for method in METHODS:
        found = simulated.escape(case.problem, case.X, method=method)
        after = float(case.problem.objective(found.point))
        unit = case.change_rounding(after, found.point)
        errors = [abs(found.objective_before - case.objective), abs(found.objective_after - after)]
        errors = [error / unit for error in errors]
        moved = size(found.point - case.X)
        if found.found:
            said.append(method)
            errors.append((after - case.objective) / unit)
        else:
            errors.append(moved / (case.rounding.unit * case.rounding.point))
        if found.found and found.step is not None:
            length = case.rounding.point + moved
            errors.append(abs(moved - abs(found.step)) / (case.rounding.unit * length))
        if not max(errors) <= worst:
            worst, where = max(errors), f"; largest in {method}"
    return small(worst, 2.0, f"found by {', '.join(said) or 'none'}{where}")


def _escape(case: Case, method: str) -> Finding:
    case.need_negative_eigenvalue()
    found = simulated.escape(case.problem, case.X, method=method)
    case.need(found.found, f"no escape: {found.reason}")
    after = float(case.problem.objective(found.point))
    return below(after, case.objective, case.change_rounding(after, found.point))


def _mixture(case: Case) -> FloatArray:
    """Return coefficients that give each generator's power the same norm."""
    norms = np.linalg.norm(case.generators, axis=(1, 2))
    return np.asarray((1 / norms) ** case.order * np.array([1.0, 0.8, -0.7])[: len(norms)])
