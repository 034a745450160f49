"""Ours: gradient descent, or L-BFGS, with escapes where it stalls; and the control."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from lift_compare.sensing import Backtracking, SensingProblem
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import descend_with_escapes, escape

from .definition import Budget, Rival, Run
from .restarts import lbfgs
from .shared import UNBOUNDED, new_start

_METHODS: dict[str, dict[str, Any]] = {
    "exact": {"method": "exact"},
    "truncated": {"method": "truncated"},
    "single-step": {"method": "single-step"},
    "line-search": {"method": "line-search"},
    "columns": {"method": "columns"},
    "pair": {"method": "pair"},
    "any": {"method": "any"},
    "no-lifting": {"method": "pair", "order": 1},
}
_SUMMARIES = {
    "exact": "ours: descent with escapes, exact simulation",
    "truncated": "the paper's: truncated closed form",
    "single-step": "the paper's: one lifted step",
    "line-search": "the paper's: line search along both published directions",
    "columns": "ours: escapes column by column",
    "pair": "ours: pairs of moving generators",
    "any": "ours: exact, else columns, else pair",
    "no-lifting": "control: the pair's directions at order 1, no lifting",
}
MAX_ESCAPES = 1000  # more than any budget allows


def run(problem: SensingProblem, start: FloatArray, budget: Budget, **method: Any) -> Run:
    """Descend and escape until no escape is found."""
    found = descend_with_escapes(
        problem,
        start,
        step_size=Backtracking(),
        max_iterations=UNBOUNDED,
        max_escapes=MAX_ESCAPES,
        **method,
    )
    made = sum(each.found for each in found.escapes)
    reason = str(found.escapes[-1].reason) if found.escapes else str(found.stop_reason)
    return Run(found.point, {"escapes": made, "stop": reason})


def run_lbfgs(
    problem: SensingProblem, start: FloatArray, budget: Budget, *, method: str, restart: bool
) -> Run:
    """Minimise by L-BFGS and escape; where no escape is found, end or take a new start."""
    X, made = lbfgs(problem, start), 0
    while True:
        found = escape(problem, X, method=method) if np.any(X) else None
        if found is not None and found.found:
            X, made = found.point, made + 1
        elif restart:
            X = new_start(problem, budget.random)
        else:
            reason = "X = 0" if found is None else str(found.reason)
            return Run(X, {"escapes": made, "stop": reason})
        X = lbfgs(problem, X)


ESCAPES = (
    *(Rival(name, _SUMMARIES[name], partial(run, **method)) for name, method in _METHODS.items()),
    *(
        Rival(f"{method}-lbfgs", summary, partial(run_lbfgs, method=method, restart=False))
        for method, summary in (
            ("exact", "ours: L-BFGS with escapes, exact simulation"),
            ("any", "ours: L-BFGS with escapes, any method"),
        )
    ),
    Rival(
        "exact-restarts",
        "ours: L-BFGS with exact escapes, a new start where none is found",
        partial(run_lbfgs, method="exact", restart=True),
    ),
)
"""Our ways, as rivals."""
