"""Check every claim of the theory at one point."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing import LiftSettings, SensingOperator, SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import NEARLY_STATIONARY
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    positive,
    whole_number,
)
from lift_compare.simulated import NotStationaryWarning

from ..simulated_lift import DEFAULT_STEPS, GivenSettings, SimulatedLift
from ..tolerances import MEMORY_LIMIT
from .choice import chosen_checks
from .claims import Case, Check, Claim
from .claims.rounding import Rounding
from .result import Verification

MOST_STEPS = 10**7
"""Largest T of a truncated path: its states are kept, 24 bytes a step."""

_BAR_DELAY = 2.0  # seconds


@dataclass(frozen=True)
class VerifyOptions:
    """How `verify` goes about it; its docstring describes the fields."""

    rip_constant: float | None = None
    seed: int = 0
    memory_limit: int | None = None
    polish: bool = True
    title: str = ""
    claims: Sequence[str] | None = None
    progress: bool = True

    def __post_init__(self) -> None:
        if self.rip_constant is not None:
            positive("rip_constant", self.rip_constant, or_zero=True)
        whole_number("seed", self.seed, least=0)
        if self.memory_limit is not None:
            whole_number("memory_limit", self.memory_limit)


def verify(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    rho: float | None = None,
    eta: float | None = None,
    steps: int = DEFAULT_STEPS,
    **options: Any,
) -> Verification:
    """Check every claim of docs/theory.md at a point X̂.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A (nearly) stationary point, not zero.
    order : int
        The odd lifting order l.
    rho, eta, steps : float, float, int
        Settings of the truncated path (docs/theory.md, section 7). By default those of
        `compare_directions`, which depend on no units: ρ ‖v̂‖ = 0.1 ‖ŵ‖, and η twice a step with
        which h^l falls; 0.1 and 0.01 where these leave float64.
    **options
        rip_constant: δ for the published scores. Premises of conditional claims never rely on it,
        nor on the sampled lower bound: they use a bracket of the true δ. seed (0): of everything
        random. memory_limit: bytes that the explicit side may take (1 GB); a claim beyond it is
        "not applicable: refused". polish (True): make X stationary to rounding first
        (`sensing.polish`). title: heading of the table. claims: ids (docs/verify.md) of those to
        check; only they, and what they need, are computed (all). progress (True): after two
        seconds show a bar on stderr, if that is a terminal.

    Returns
    -------
    Verification

    Raises
    ------
    TypeError, ValueError
        For bad X, order (odd, at most 1001) or settings, or an unknown id; if h(X) leaves the range
        of float64 and h(0) does not.

    Warns
    -----
    NotStationaryWarning
        If X is not nearly stationary: its relative gradient norm is above 1e-3.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> instance = sensing.instance("real-system")
    >>> found = compare.verify(instance.problem, instance.point, order=5, eta=0.1)
    >>> found["no-saddle-order"].holds.value, found["acceptance-rule-code"].holds.value
    ('holds', 'does not hold')
    >>> only = compare.verify(instance.problem, instance.point, 5, claims=["smallest-saddle-order"])
    >>> [claim.id for claim in only]
    ['smallest-saddle-order']
    """
    X = checked_problem(problem).factor("X", X)
    if not np.any(X):
        raise InvalidValue("X: expected a nonzero point, got X = 0 (it has no escape directions)")
    T = whole_number("steps", steps, most=MOST_STEPS)
    given = GivenSettings.of(rho=rho, eta=eta).values()
    settings = LiftSettings(order, steps=T, **given)
    chosen = VerifyOptions(**options)
    checks = chosen_checks(chosen.claims)
    limit = MEMORY_LIMIT if chosen.memory_limit is None else chosen.memory_limit
    # What leaves float64 is the answer of a claim, whatever the caller's numpy does about it.
    with np.errstate(all="ignore"):
        X = _point(problem, X, chosen.polish)
        if len(given) < 2:
            settings = _with_defaults(problem, X, settings, given)
        case = Case(
            problem,
            X,
            settings,
            rip_constant=chosen.rip_constant,
            seed=chosen.seed,
            memory_limit=limit,
        )
        claims = _check(checks, case, chosen)
        left = case.gradient_norm
    used = {**vars(settings), "rip_constant": chosen.rip_constant, "seed": chosen.seed}
    heading = chosen.title or f"{problem!r}, order {order}"
    kind = operator_kind(problem.operator)
    return Verification(claims, X, left, used, heading, kind, case.compared_forms)


def _with_defaults(
    problem: SensingProblem, X: FloatArray, settings: LiftSettings, given: dict[str, Any]
) -> LiftSettings:
    """Return the settings with the ρ and η that follow from the problem, if there are any."""
    few = min(settings.steps, DEFAULT_STEPS)
    try:
        with warnings.catch_warnings():  # `_point` has said it
            warnings.simplefilter("ignore", NotStationaryWarning)
            lift = SimulatedLift.with_defaults(problem, X, settings.order, steps=few, **given)
    except ArithmeticError:  # beyond float64: so are the claims, and they say so
        return settings
    return replace(lift.settings, steps=settings.steps)


def _check(checks: Sequence[Check], case: Case, chosen: VerifyOptions) -> tuple[Claim, ...]:
    """Check claims one after the other, with a bar for what takes long."""
    claims = []
    where = chosen.title.partition(": ")[0]
    with tqdm(
        total=len(checks),
        desc=f"verify {where:.20}".strip(),
        unit="claim",
        delay=_BAR_DELAY,
        leave=False,
        disable=None if chosen.progress else True,
    ) as bar:
        for done, check in enumerate(checks):
            bar.set_postfix_str(check.id, refresh=False)  # the claim that is being checked
            bar.update(done - bar.n)
            claims.append(check(case))
    return tuple(claims)


def operator_kind(operator: SensingOperator) -> str:
    """Return dense, rank-one, entrywise or sparse; the name of its class for any other operator."""
    if isinstance(operator, sensing.EntrywiseOperator):
        return "entrywise" if isinstance(operator.weights, np.ndarray) else "sparse"
    kinds: dict[type, str] = {
        sensing.DenseOperator: "dense",
        sensing.RankOneOperator: "rank-one",
    }
    return kinds.get(type(operator), type(operator).__name__)


def _point(problem: SensingProblem, X: FloatArray, polish: bool) -> FloatArray:
    """Return X made stationary, if that was asked for; warn where it is far from it."""
    try:
        _ = problem.objective_at_zero
    except OverflowError:  # every claim will say so
        return X
    try:
        problem.objective_and_gradient(X)
    except OverflowError as overflow:
        raise InvalidValue(
            "X: expected a point where h and its gradient are finite in float64, got an overflow"
        ) from overflow
    if Rounding.of(problem, X, 1).beyond_range():  # every claim will say so
        return X
    # Newton steps from far away may end anywhere: the claims would be about another point.
    left = sensing.relative_gradient_norm(problem, X)
    if left > NEARLY_STATIONARY:
        warnings.warn(
            "X: expected a stationary point, but its relative gradient norm is "
            f"{left:.2g}; descend further first",
            NotStationaryWarning,
            stacklevel=3,
        )
        return X
    if not polish:
        return X
    try:
        return sensing.polish(problem, X)
    except ValueError:  # its linear algebra squares what is near the ends of float64
        return X
