"""What is known of an instance without closed form: the same facts, computed at its point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..floats import silently
from ..polishing import polish
from ..problem import SensingProblem
from ..spectrum import least_eigenpairs, relative_gradient_norm
from ..tolerances import NEARLY_STATIONARY, SINGULAR, STATIONARY, ZERO_CURVATURE
from ..validation import FloatArray, InvalidValue
from .definition import Instance
from .known import DEGENERATE, MINIMUM, SADDLE

MOST_ENTRIES = 400  # of X, up to which ∇²h is formed, and a point is looked for
MOST_NUMBERS = 10**7  # m n², up to which a point is looked for

SOLUTION = "solution"
"""In the place of what ∇²h says of X̂: h is zero to rounding, so it is a global minimum."""


@dataclass(frozen=True)
class ComputedFacts:
    """Facts with where they were computed; `facts` is empty where there is no point.

    Attributes
    ----------
    facts : dict
        "objective", "eigenvalue", "gradient" (‖∇h‖ in units of its terms) and "kind", as far as
        they could be computed.
    where : str
        In words: at which point, or why at none.
    """

    facts: dict[str, Any]
    where: str


def computed_facts(instance: Instance, *, seed: int = 0) -> ComputedFacts:
    """Return h, λ_n, the gradient norm and the kind of X̂, as far as they are cheap.

    Without a point, descents from random starts look for one where the problem is small. A nearly
    stationary point is made stationary first.
    """
    problem, X = instance.problem, instance.point
    entries = problem.n * problem.rank
    words = (
        "the point that was given" if instance.known_point is not None else "where its descent ends"
    )
    try:
        if X is None:
            if entries > MOST_ENTRIES or problem.m * problem.n**2 > MOST_NUMBERS:
                return ComputedFacts({}, "no X̂ is known, and none was looked for at this size")
            words = f"found by descents from random starts (seed {seed})"
            X = instance.stationary_point(seed=seed)
            if problem.is_solved(X):
                words += "; none of them ended at a spurious point, another --seed starts elsewhere"
        elif (gradient := relative_gradient_norm(problem, X)) > NEARLY_STATIONARY:
            words += "; it is no stationary point (without X, one is looked for)"
        elif gradient > STATIONARY:
            words += ", made stationary"
            X = polish(problem, X)
        return ComputedFacts(_facts_at(problem, X), words)
    except (InvalidValue, ArithmeticError) as error:
        return ComputedFacts({}, f"no X̂ to compute at: {error}")


def _facts_at(problem: SensingProblem, X: FloatArray) -> dict[str, Any]:
    gradient = relative_gradient_norm(problem, X)
    facts: dict[str, Any] = {
        "objective": problem.objective(X),
        "eigenvalue": float(least_eigenpairs(problem, X).values[0]),
        "gradient": gradient,
    }
    if problem.is_solved(X):
        facts["kind"] = SOLUTION
    elif gradient <= STATIONARY and X.size <= MOST_ENTRIES:
        facts["kind"] = kind_at(problem, X)
    return facts


@silently
def kind_at(problem: SensingProblem, X: FloatArray) -> str:
    """Return what ∇²h says of a stationary point, but for rotations XQ, which do not change h.

    ∇²h is formed, so n r must be small.
    """
    n, r = X.shape
    units = np.eye(n * r).reshape(n * r, n, r)
    H = problem.hessian_product(np.broadcast_to(X, units.shape), units).reshape(n * r, n * r)
    values = np.linalg.eigvalsh(H / 2 + H.T / 2)
    scale = float(np.abs(values).max())
    if values[0] < -ZERO_CURVATURE * scale:
        return SADDLE
    zeros = int(np.count_nonzero(values <= ZERO_CURVATURE * scale))
    return MINIMUM if zeros <= _rotations(X) else DEGENERATE


def _rotations(X: FloatArray) -> int:
    """Return the dimension of {XΩ : Ωᵀ = −Ω}: with d = r − rank X, r(r−1)/2 − d(d−1)/2."""
    r = int(X.shape[1])
    values = np.linalg.svd(X, compute_uv=False)
    d = r - int(np.count_nonzero(values > SINGULAR * values[0]))
    return r * (r - 1) // 2 - d * (d - 1) // 2
