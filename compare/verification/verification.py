"""Check every claim of the theory at one point."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.sensing import LiftSettings, SensingOperator, SensingProblem
from lift_compare.sensing.tolerances import NEARLY_STATIONARY
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    did_you_mean,
    positive,
    whole_number,
)
from lift_compare.simulated import NotStationaryWarning

from ..tables import Column, line_width, show, text_table
from ..tabular import Tabular
from ..tolerances import MEMORY_LIMIT
from .claims import CHECKS, Case, Check, Claim, Holds, Kind
from .claims.rounding import Rounding

MOST_STEPS = 10**7
"""Largest T of a truncated path: its states are kept, 24 bytes a step."""

_COLUMNS = (
    Column("id", "claim"),
    Column("kind", "kind"),
    Column("holds", "holds"),
    Column("measured", "measured", ".6g"),
    Column("expected", "expected", ".6g"),
    Column("tolerance", "tolerance", ".1e"),
    Column("source", "section"),
)
_COLUMNS_IN_WORDS = (
    Column("id", "claim"),
    Column("kind", "kind"),
    Column("measured", "measured", ".6g"),
    Column("expected", "expected", ".6g"),
    Column("said", "what does not hold, and why"),
)


@dataclass(frozen=True, repr=False)
class Verification(Tabular):
    """The claims of the theory, checked on one instance; by index a claim by its id or name.

    Attributes
    ----------
    claims : tuple of Claim
        One a claim, in the order of docs/theory.md.
    point : array (n, r)
        The X̂ they were checked at (polished, unless that was declined).
    gradient_norm : float
        Its relative gradient norm.
    settings : dict
        Order, ρ, η, steps, seed and the given RIP constant.
    title : str
        What was verified.
    operator : str
        Kind of the operator: dense, rank-one, entrywise, sparse, or the name of another class.
    forms : tuple of str
        Forms of the lifted objective that were compared with its definition.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> found = compare.verify(sensing.two_by_two(), [[0.0], [0.5**0.5]], order=3, steps=660)
    >>> found["smallest saddle order"].measured, len(found.violations)
    (3.0, 0)
    """

    claims: tuple[Claim, ...]
    point: FloatArray
    gradient_norm: float
    settings: dict[str, Any]
    title: str
    operator: str
    forms: tuple[str, ...]

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, name: str) -> Claim:
        known = {key: claim for claim in self.claims for key in (claim.name, claim.id)}
        if name not in known:
            ids = ", ".join(claim.id for claim in self.claims)
            raise KeyError(f"no claim {name!r}{did_you_mean(name, known)}; the ids are {ids}")
        return known[name]

    @property
    def violations(self) -> tuple[Claim, ...]:
        """Exact statements that fail and conditional ones that are contradicted: never any."""
        return tuple(claim for claim in self.claims if claim.violated)

    @property
    def false_here(self) -> tuple[Claim, ...]:
        """Published rules and approximations that do not hold here, which is no violation."""
        return tuple(c for c in self.claims if c.kind is Kind.PUBLISHED and c.holds is Holds.NO)

    _columns = _COLUMNS

    def _caption(self) -> str:
        return self.title

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim."""
        return [
            {
                "id": claim.id,
                **vars(claim),
                "kind": claim.kind.name.lower(),
                "holds": claim.holds.value,
                "order": self.settings["order"],
            }
            for claim in self.claims
        ]

    def claims_table(self, *, only_failures: bool = False) -> str:
        """Return what does not hold, in words, and then (or not) the numbers of all else."""
        rows = [row | {"expected": show(row["expected"], ".6g")} for row in self.rows()]
        failed = [row | {"said": _said(row)} for row in rows if row["holds"] == Holds.NO.value]
        others = [row for row in rows if row["holds"] != Holds.NO.value]
        parts = []
        if failed:
            parts.append(text_table(_COLUMNS_IN_WORDS, failed, title="Does not hold"))
        if others and not only_failures:
            title = "Holds, or does not apply (what each claim says: docs/verify.md)"
            parts.append(claims_table(_COLUMNS, others, title=title))
        return "\n\n".join(parts)

    def table(self, *, only_failures: bool = False) -> str:
        """Return the counts and the violations, and below them the claims."""
        claims = self.claims_table(only_failures=only_failures)
        return "\n\n".join(filter(None, [wrapped(f"{self.title}\n{self.summary()}"), claims]))

    def summary(self) -> str:
        """Return one line of counts, and one line a violation."""
        count = {holds: sum(c.holds is holds for c in self.claims) for holds in Holds}
        lines = [
            f"{count[Holds.YES]} hold, {count[Holds.NO]} do not hold ({len(self.false_here)} "
            f"published rules or approximations), {count[Holds.NOT_APPLICABLE]} not applicable, "
            f"{count[Holds.OUT_OF_RANGE]} out of range; {len(self.violations)} violations."
        ]
        lines += [f"VIOLATION: {describe(c)}" for c in self.violations]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Verification of {self.title}: {self.summary()}"


def wrapped(text: str) -> str:
    """Return a text with lines that keep to the width, but for commands: they are to be copied."""
    lines = []
    for line in text.splitlines():
        is_command = line.startswith("  to see it again: ")
        lines += [line] if is_command else wrap(line, line_width())
    return "\n".join(lines)


def _said(row: dict[str, Any]) -> str:
    return "; ".join(filter(None, [row["statement"].rstrip("."), row["reason"]]))


def describe(claim: Claim) -> str:
    """Return a violated claim in a line: what was measured, what was expected, the tolerance."""
    numbers = {key: getattr(claim, key) for key in ("measured", "expected", "tolerance")}
    said = ", ".join(f"{key} {show(number, '.6g')}" for key, number in numbers.items())
    remark = f"; {claim.reason}" if claim.reason else ""
    return f"{claim.name} ({claim.kind.name.lower()}): {claim.statement}; {said}{remark}"


def claims_table(columns: Sequence[Column], rows: Sequence[dict[str, Any]], title: str = "") -> str:
    """Return a table of claims, with the numbers of their sections."""
    short = [row | {"source": row["source"].rpartition(" ")[2]} for row in rows]
    return text_table(columns, short, title=title)


Progress = Callable[[int, int, str], object]


@dataclass(frozen=True)
class VerifyOptions:
    """How `verify` goes about it; its docstring describes the fields."""

    rip_constant: float | None = None
    seed: int = 0
    memory_limit: int | None = None
    polish: bool = True
    title: str = ""
    progress: Progress | None = None
    claims: Sequence[str] | None = None

    def __post_init__(self) -> None:
        checks(self.claims)
        if self.rip_constant is not None:
            delta = positive("rip_constant", self.rip_constant, or_zero=True)
            if delta >= 1:
                raise InvalidValue(f"rip_constant: expected a number in [0, 1), got {delta}")
        whole_number("seed", self.seed, least=0)
        if self.memory_limit is not None:
            whole_number("memory_limit", self.memory_limit)


def checks(claims: Sequence[str] | None) -> tuple[Check, ...]:
    """Return the checks of the claims named by id or name, in the order of the theory; or all."""
    if claims is None:
        return CHECKS
    if isinstance(claims, str) or not isinstance(claims, Sequence) or not claims:
        raise InvalidValue(f"claims: expected a sequence of ids, got {claims!r:.60}")
    known = {key: check for check in CHECKS for key in (check.name, check.id)}
    for name in claims:
        if name not in known:
            close = did_you_mean(name, known) if isinstance(name, str) else ""
            raise InvalidValue(f"claims: expected ids of docs/verify.md, got {name!r:.60}{close}")
    wanted = {known[name].id for name in claims}
    return tuple(check for check in CHECKS if check.id in wanted)


def verify(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    rho: float = 0.1,
    eta: float = 0.01,
    steps: int = 1000,
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
        Settings of the truncated path (docs/theory.md, section 7).
    **options
        rip_constant: δ for the published scores. Premises of conditional claims never rely on it,
        nor on the sampled lower bound: they use a bracket of the true δ. seed (0): of everything
        random. memory_limit: bytes that the explicit side may take (1 GB); a claim beyond it is
        "not applicable: refused". claims: ids or names of the claims to check (all). polish (True):
        make X stationary to rounding first
        (`sensing.polish`). title: heading of the table. progress: called as progress(done, total,
        name) before each claim.

    Returns
    -------
    Verification

    Raises
    ------
    TypeError, ValueError
        For bad X, order (odd, at most 1001) or settings; if h(X) leaves the range of float64 and
        h(0) does not.

    Warns
    -----
    NotStationaryWarning
        If X is not nearly stationary: its relative gradient norm is above 1e-3.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> instance = sensing.instance("real-system")
    >>> found = compare.verify(instance.problem, instance.point, order=5, eta=0.1)
    >>> found["no saddle order"].holds.value, found["acceptance rule: code"].holds.value
    ('holds', 'does not hold')
    """
    if not isinstance(problem, SensingProblem):
        raise InvalidType(f"problem: expected a SensingProblem, got {type(problem).__name__}")
    X = problem.factor("X", X)
    if not np.any(X):
        raise InvalidValue("X: expected a nonzero point, got X = 0 (it has no escape directions)")
    settings = LiftSettings(order, rho, eta, whole_number("steps", steps, most=MOST_STEPS))
    chosen = VerifyOptions(**options)
    limit = MEMORY_LIMIT if chosen.memory_limit is None else chosen.memory_limit
    # What leaves float64 is the answer of a claim, whatever the caller's numpy does about it.
    with np.errstate(all="ignore"):
        X = _point(problem, X, chosen.polish)
        case = Case(
            problem,
            X,
            settings,
            rip_constant=chosen.rip_constant,
            seed=chosen.seed,
            memory_limit=limit,
        )
        claims = []
        wanted = checks(chosen.claims)
        for done, check in enumerate(wanted):
            if chosen.progress is not None:
                chosen.progress(done, len(wanted), check.name)
            claims.append(check(case))
        left = case.gradient_norm
    used = {**vars(settings), "rip_constant": chosen.rip_constant, "seed": chosen.seed}
    heading = chosen.title or f"{problem!r}, order {order}"
    kind = operator_kind(problem.operator)
    return Verification(tuple(claims), X, left, used, heading, kind, case.compared_forms)


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
