"""What the cost grid runs: a sensing problem of given sizes, and the plan and the run of each method on it.

A method is a function of the problem and a point that returns its *plan*. The plan prepares all
that does not change from step to step, and returns the *run*: one step. Plan and run are measured
apart.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import numpy as np
from scipy import sparse

from lift_compare import lifting, sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, whole_number

Run = Callable[[], Any]
Plan = Callable[[], Run]

OPERATORS = ("completion", "sparse", "gaussian", "rank-one")
_OWN_M = {
    "completion": "n^2",
    "sparse": "10n",
}  # these operators fix the number of measurements themselves
_RULE = re.compile(r"(\d*)n(\^2)?|(\d+)")


@dataclass(frozen=True)
class CostCase:
    """A problem of given sizes to be measured on.

    Parameters
    ----------
    operator : str
        "completion" (perturbed completion: dense weights, m = n²), "sparse" (entrywise, about 10 stored weights a row),
        "gaussian" (dense symmetric A_i) or "rank-one" (A_i = a_i a_iᵀ).
    n, rank, order : int
        Side n, rank r and lifting order l.
    m : str or int
        Number of measurements: a number, or a multiple of n or n² such as "2n" or "n^2". The first two operators
        have their own ("n^2" and "10n").
    """

    operator: str
    n: int
    rank: int = 1
    order: int = 3
    m: str | int = ""

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise ValueError(
                f"operator: expected one of {', '.join(OPERATORS)}, got {self.operator!r}"
            )
        whole_number("n", self.n, least=2)
        odd_order(self.order)
        if whole_number("rank", self.rank) > self.n:
            raise ValueError(f"rank: expected at most n = {self.n}, got {self.rank}")
        rule = str(self.m) or _OWN_M.get(self.operator, "2n")
        if not _RULE.fullmatch(rule) or rule in ("0", "0n"):
            raise ValueError(
                f"m: expected a whole number or a multiple of n or n^2 such as '2n', got {self.m!r}"
            )
        if self.operator in _OWN_M and rule != _OWN_M[self.operator]:
            raise ValueError(
                f"m: the {self.operator} operator has m = {_OWN_M[self.operator]}, got {self.m!r}"
            )
        object.__setattr__(self, "m", rule)

    @property
    def measurements(self) -> int:
        """The number that the rule for m stands for."""
        match = _RULE.fullmatch(str(self.m))
        assert match is not None
        factor, square, number = match.groups()
        return int(number) if number else int(factor or 1) * self.n ** (2 if square else 1)

    def problem(self, seed: int = 0) -> SensingProblem:
        """Return the problem; its ground truth has norm about one in every entry of A(ZZᵀ) that counts."""
        rng = np.random.default_rng(seed)
        n, r, m = self.n, self.rank, self.measurements
        if self.operator == "gaussian":
            return sensing.gaussian(n, r, m, rng)
        if self.operator == "rank-one":
            operator: sensing.SensingOperator = sensing.RankOneOperator(
                rng.standard_normal((m, n)) / m**0.25
            )
        elif self.operator == "completion":
            if r == 1:
                return sensing.perturbed_completion(n)
            operator = sensing.perturbed_completion(n).operator
        else:
            each = min(10, n)
            columns = rng.integers(n, size=n * each)
            weights = rng.uniform(0.5, 1.0, size=n * each)
            operator = sensing.EntrywiseOperator(
                sparse.csr_array((weights, columns, np.arange(n + 1) * each), (n, n))
            )
        return SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r)) / np.sqrt(n))


def descended_point(problem: SensingProblem, seed: int = 0, iterations: int = 30) -> FloatArray:
    """Return the point after a few steps of gradient descent: what a step costs does not depend on how far it went."""
    scale = np.linalg.norm(problem.measurements) ** 0.5 / np.sqrt(problem.n)
    start = 0.1 * scale * np.random.default_rng(seed).standard_normal(problem.shape)
    step_size = sensing.Backtracking()
    return sensing.gradient_descent(
        problem, start, step_size=step_size, max_iterations=iterations
    ).point


def explicit(
    problem: SensingProblem, X: FloatArray, order: int, form: str, memory_limit: int
) -> Plan:
    """Plan the contractions of one explicit form; run one gradient of the lifted objective at vec(X)^{⊗l}."""
    w = reduce(np.multiply.outer, [X.reshape(-1)] * order)

    def plan() -> Run:
        lifted = lifting.LiftedProblem(problem, order, form=form, memory_limit=memory_limit)
        return partial(lifted.gradient, w)

    return plan


def exact(problem: SensingProblem, X: FloatArray, order: int) -> Plan:
    """Plan the directions and the Gram matrices of their span; run one projected gradient on it (exact simulation)."""

    def plan() -> Run:
        span = simulated.SpanObjective(problem, _directions(problem, X).generators, order)
        return partial(span.projected_gradient, np.array([1.0, 0.1, 0.0]))

    return plan


def truncated(problem: SensingProblem, X: FloatArray, order: int) -> Plan:
    """Plan the directions; run one step of the published closed form (truncated simulation)."""

    def plan() -> Run:
        directions = _directions(problem, X)
        return partial(
            simulated.truncated_coefficients, directions, order, rho=0.1, eta=0.01, steps=1
        )

    return plan


def _directions(problem: SensingProblem, X: FloatArray) -> simulated.EscapeDirections:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", simulated.NotStationaryWarning
        )  # known, and of no matter for the cost
        return simulated.escape_directions(problem, X)
