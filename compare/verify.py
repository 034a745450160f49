"""Check every claim of the theory on one instance, or on many random ones."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, positive, whole_number
from lift_compare.simulated import NotStationaryWarning

from .claims import CHECKS, Case, Claim, Holds, Kind
from .tables import Column, show, text_table

_COLUMNS = (
    Column("name", "claim"),
    Column("kind", "kind"),
    Column("holds", "holds"),
    Column("measured", "measured", ".6g"),
    Column("expected", "expected", ".6g"),
    Column("tolerance", "tolerance", ".1e"),
    Column("source", "source"),
    Column("statement", "statement"),
    Column("reason", "remark"),
)

MEMORY_LIMIT = 2**30
"""Default byte budget of the explicit side: what fits is also done in seconds to minutes."""


@dataclass(frozen=True, repr=False)
class Verification:
    """The claims of the theory, checked on one instance.

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
    """

    claims: tuple[Claim, ...]
    point: FloatArray
    gradient_norm: float
    settings: dict[str, Any]
    title: str

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, name: str) -> Claim:
        for claim in self.claims:
            if claim.name == name:
                return claim
        raise KeyError(
            f"no claim {name!r}; the names are {', '.join(repr(claim.name) for claim in self.claims)}"
        )

    @property
    def violations(self) -> tuple[Claim, ...]:
        """Exact statements that fail and conditional ones that are contradicted: there should be none, ever."""
        return tuple(claim for claim in self.claims if claim.violated)

    @property
    def false_here(self) -> tuple[Claim, ...]:
        """Published rules and approximations that do not hold on this instance. They may; it is no violation."""
        return tuple(c for c in self.claims if c.kind is Kind.PUBLISHED and c.holds is Holds.NO)

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim."""
        return [
            {
                "name": c.name, "statement": c.statement, "source": c.source, "kind": c.kind.name.lower(),
                "holds": c.holds.value, "measured": c.measured, "expected": c.expected, "tolerance": c.tolerance,
                "reason": c.reason,
            }
            for c in self.claims
        ]  # fmt: skip

    def table(self) -> str:
        """Return the claims as an aligned text table, with a summary line."""
        rows = [
            {**row, "source": row["source"].replace("docs/theory.md, section ", "section ")}
            for row in self.rows()
        ]
        for row in rows:
            row["expected"] = show(row["expected"], ".6g")
        return f"{text_table(_COLUMNS, rows, title=self.title)}\n\n{self.summary()}"

    def summary(self) -> str:
        """Return one line of counts, and one line a violation."""
        count = {holds: sum(c.holds is holds for c in self.claims) for holds in Holds}
        lines = [
            f"{count[Holds.YES]} hold, {count[Holds.NO]} do not hold ({len(self.false_here)} published rules or "
            f"approximations), {count[Holds.NOT_APPLICABLE]} not applicable; {len(self.violations)} violations."
        ]
        lines += [
            f"VIOLATION ({c.kind.name.lower()}): {c.name}: {c.statement}; {c.reason}"
            for c in self.violations
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"Verification of {self.title}: {self.summary()}"


def verify(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    rho: float = 0.1,
    eta: float = 0.01,
    steps: int = 1000,
    rip_constant: float | None = None,
    seed: int = 0,
    memory_limit: int | None = None,
    polish: bool = True,
    title: str = "",
    progress: Callable[[int, int, str], object] | None = None,
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
    rip_constant : float, optional
        δ for the published scores. Premises of conditional claims never rely on it, nor on the sampled lower bound:
        they use a bracket of the true δ (see `compare.claims.RipBracket`).
    seed : int
        Seed of everything random.
    memory_limit : int, optional
        Bytes that the explicit side may take (default: 1 GiB). A claim beyond it is "not applicable: refused".
    polish : bool
        Make X stationary to rounding first (`sensing.polish`); otherwise it is taken as it is.
    title : str
        Heading of the table.
    progress : callable, optional
        Called as progress(done, total, name) before each claim.

    Returns
    -------
    Verification

    Raises
    ------
    TypeError, ValueError
        For bad X, order or settings; if h(X) leaves the range of float64.

    Warns
    -----
    NotStationaryWarning
        If X is not nearly stationary: its relative gradient norm is above 1e-3.
    """
    if not isinstance(problem, SensingProblem):
        raise TypeError(f"problem: expected a SensingProblem, got {type(problem).__name__}")
    X = problem.factor("X", X)
    if not np.any(X):
        raise ValueError("X: expected a nonzero point, got X = 0 (it has no escape directions)")
    order = odd_order(order)
    rho, eta, steps = positive("rho", rho), positive("eta", eta), whole_number("steps", steps)
    delta = None if rip_constant is None else positive("rip_constant", rip_constant, or_zero=True)
    seed = whole_number("seed", seed, least=0)
    memory_limit = (
        MEMORY_LIMIT if memory_limit is None else whole_number("memory_limit", memory_limit)
    )
    with np.errstate(all="ignore"):
        start_norm = float(np.linalg.norm(problem.gradient(X))) + float(problem.objective(X))
    if not np.isfinite(start_norm):
        raise ValueError(
            "X: expected a point where h and its gradient are finite in float64, got an overflow"
        )
    before = sensing.relative_gradient_norm(problem, X)
    if before > 1e-3:
        warnings.warn(
            f"X: expected a stationary point, but its relative gradient norm is {before:.2g}; descend further first",
            NotStationaryWarning,
            stacklevel=2,
        )
    elif polish:
        X = sensing.polish(problem, X)
    case = Case(problem, X, order, rho, eta, steps, delta, seed, memory_limit)
    claims = []
    for done, check in enumerate(CHECKS):
        if progress is not None:
            progress(done, len(CHECKS), check.name)
        claims.append(check(case))
    settings = {
        "order": order,
        "rho": rho,
        "eta": eta,
        "steps": steps,
        "rip_constant": delta,
        "seed": seed,
    }
    heading = title or f"{problem!r}, order {order}"
    return Verification(tuple(claims), X, case.gradient_norm, settings, heading)
