"""What `verify_random` returns: the claims on many random instances, counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lift_compare.lifting.forms.choice import FORMS

from ..tables import Column, text_table
from ..tabular import Tabular
from .claims import Claim, Kind
from .report import count, counted, stated, topics_table, violations_text
from .result import Verification

COLUMNS = (
    Column("id", "id"),
    Column("kind", "kind"),
    Column("holds", "holds", "d"),
    Column("does_not_hold", "does not", "d"),
    Column("not_applicable", "n/a", "d"),
    Column("out_of_range", "range", "d"),
    Column("violations", "violations", "d"),
)
_COVERAGE = (
    Column("operator", "operator"),
    Column("rank", "rank", "d"),
    Column("order", "order", "d"),
    Column("instances", "number", "d"),
)


@dataclass(frozen=True, repr=False)
class RandomVerification(Tabular):
    """The claims of the theory, checked on many random instances.

    Attributes
    ----------
    verifications : tuple of Verification
        One an instance, titled with what it is.
    seed : int
        Seed; the same seed gives the same instances again.
    first : int
        Number of the first instance.
    command : str
        The command line that checks instances with the same settings.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.verify_random(2).summary()
    '2 random instances, seed 0: 0 violations.'
    """

    _columns = COLUMNS

    verifications: tuple[Verification, ...]
    seed: int

    first: int = 0
    command: str = "lift-compare verify"

    @property
    def violations(self) -> tuple[tuple[str, Claim], ...]:
        """Exact statements that fail and conditional ones contradicted, each with its instance."""
        return tuple((v.title, claim) for v in self.verifications for claim in v.violations)

    def reproduce(self, position: int, claim: str = "") -> str:
        """Return the command that checks one of the instances again, or one claim on it."""
        index = self.first + position
        only = f" --claim {claim}" if claim else ""
        return f"{self.command} --random 1 --first {index} --seed {self.seed}{only}"

    def rows(self, *, only_failures: bool = False) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim: on how many instances it holds, or does not.

        `only_failures` leaves those that are violated, or published and false on an instance.
        """
        rows = []
        for claims in zip(*(v.claims for v in self.verifications), strict=True):
            one, answers = claims[0], count(claims)
            violations = sum(claim.violated for claim in claims)
            published = one.kind is Kind.PUBLISHED and answers["does_not_hold"] > 0
            if only_failures and not (violations or published):
                continue
            del answers["claims"]
            words = {"id": one.id, "name": one.name, "statement": one.statement}
            words |= {"source": one.source, "kind": one.kind.name.lower()}
            rows.append({**words, **answers, "violations": violations})
        return rows

    def coverage(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict an operator, rank and order: the instances, form by form."""
        groups: dict[tuple[str, int, int], list[Verification]] = {}
        for v in self.verifications:
            key = (v.operator, v.point.shape[1], int(v.settings["order"]))
            groups.setdefault(key, []).append(v)
        return [
            {
                "operator": operator,
                "rank": rank,
                "order": order,
                "instances": len(group),
                **{form: sum(form in v.forms for v in group) for form in FORMS},
            }
            for (operator, rank, order), group in sorted(groups.items())
        ]

    def violation_rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a violation: its numbers, and the command to see it again."""
        return [
            {
                "instance": v.title,
                "order": v.settings["order"],
                "id": claim.id,
                "claim": claim.name,
                "measured": claim.measured,
                "expected": claim.expected,
                "tolerance": claim.tolerance,
                "reason": claim.reason,
                "reproduce": self.reproduce(position, claim.id),
            }
            for position, v in enumerate(self.verifications)
            for claim in v.violations
        ]

    def table(self, *, full: bool = False, only_failures: bool = False) -> str:
        """Return the violations, then what does not hold, then a line a topic, then the coverage.

        `full` gives every claim in place of the topics; `only_failures` ends before them. One
        instance alone is shown claim by claim.
        """
        return "\n\n".join([self.summary(), *self._tables(full, only_failures)])

    def _tables(self, full: bool, only_failures: bool) -> list[str]:
        if len(self.verifications) == 1:
            only = self.verifications[0]
            parts = [only.title, only.claims_table(full=full, only_failures=only_failures)]
        else:
            parts = self._counts(full, only_failures)
        return parts if only_failures else [*parts, self._coverage_table()]

    def _counts(self, full: bool, only_failures: bool) -> list[str]:
        failing = self.rows(only_failures=True)
        title = "Violated, or published and false on some instance (numbers of instances)"
        parts = [_claims_table(title, failing)] if failing else []
        if only_failures:
            return parts or ["No claim fails, and no published statement is false on any instance."]
        rows = self.rows()
        if full:
            ids = {row["id"] for row in failing}
            rest = [row for row in rows if row["id"] not in ids]
            return [*parts, _claims_table("The other claims (numbers of instances)", rest)]
        number = len(self.verifications)
        of = f"All claims by topic, added up over {number} instances"
        return [*parts, topics_table([{**row, "claims": number} for row in rows], of)]

    def _coverage_table(self) -> str:
        forms = FORMS if any(v.forms for v in self.verifications) else ()
        title = "The coverage: instances, and on how many each form of the lift was compared"
        columns = [*_COVERAGE, *(Column(form, form, "d") for form in forms)]
        return text_table(columns, self.coverage(), title=title)

    def summary(self) -> str:
        """Return one line of counts, and the violations with their numbers and commands."""
        number = len(self.verifications)
        violated = counted(len(self.violations), "violation")
        first = f"{counted(number, 'random instance')}, seed {self.seed}: {violated}."
        found = [
            (v.title, claim, self.reproduce(position, claim.id))
            for position, v in enumerate(self.verifications)
            for claim in v.violations
        ]
        return "\n".join([first, violations_text(found)] if found else [first])

    def __repr__(self) -> str:
        return f"RandomVerification: {self.summary()}"


def _claims_table(title: str, rows: Sequence[dict[str, Any]]) -> str:
    """Return counts a claim; the statement stands below each."""
    ready = [row | {"below": stated(row["statement"], row["kind"], row["source"])} for row in rows]
    return text_table(COLUMNS, ready, title=title, below="below")
