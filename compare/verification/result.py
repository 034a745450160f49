"""What `verify` returns: the claims at one point, with their answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from lift_compare.sensing.validation import FloatArray, did_you_mean

from ..tables import line_width
from ..tabular import Tabular
from .choice import KNOWN
from .claims import Claim, Holds, Kind
from .report import COLUMNS, claims_text, failures, verdict, violations_text


@dataclass(frozen=True, repr=False)
class Verification(Tabular):
    """The claims of the theory, checked on one instance; by index a claim by its id or name.

    Attributes
    ----------
    claims : tuple of Claim
        Those that were checked, in the order of docs/theory.md.
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
    >>> found["smallest-saddle-order"].measured, len(found.violations)
    (3.0, 0)
    """

    claims: tuple[Claim, ...]
    point: FloatArray
    gradient_norm: float
    settings: dict[str, Any]
    title: str
    operator: str
    forms: tuple[str, ...]

    _columns = COLUMNS

    def _caption(self) -> str:
        return self.title

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, word: str) -> Claim:
        for claim in self.claims:
            if word in (claim.id, claim.name):
                return claim
        if word in KNOWN:
            raise KeyError(f"the claim {word!r} was not checked: it is not among `claims`")
        close = did_you_mean(word, KNOWN) if isinstance(word, str) else ""
        ids = ", ".join(claim.id for claim in self.claims)
        raise KeyError(f"no claim {word!r:.60}{close}; the ids are {ids}")

    @property
    def violations(self) -> tuple[Claim, ...]:
        """Exact statements that fail and conditional ones that are contradicted: never any."""
        return tuple(claim for claim in self.claims if claim.violated)

    @property
    def false_here(self) -> tuple[Claim, ...]:
        """Published rules and approximations that do not hold here, which is no violation."""
        return tuple(c for c in self.claims if c.kind is Kind.PUBLISHED and c.holds is Holds.NO)

    @property
    def failures(self) -> tuple[Claim, ...]:
        """The violations, and the published statements that do not hold here."""
        return failures(self.claims)

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim."""
        return [
            {
                "order": self.settings["order"],
                **vars(claim),
                "kind": claim.kind.name.lower(),
                "holds": claim.holds.value,
                "violation": claim.violated,
            }
            for claim in self.claims
        ]

    def table(self, *, full: bool = False) -> str:
        """Return the verdict, then what does not hold, then a line a topic; `full`: every claim."""
        parts = [fill(self.title, line_width()), self._told(), self.claims_table(full=full)]
        return "\n\n".join(parts)

    def claims_table(self, *, full: bool = False, only_failures: bool = False) -> str:
        """Return the tables alone; `only_failures`: of published statements that do not hold."""
        return claims_text(self.claims, full=full, only_failures=only_failures)

    def summary(self) -> str:
        """Return one line of counts, and the violations with their numbers."""
        return "\n".join([verdict(self.claims), *self._violations()])

    def _told(self) -> str:
        counts = fill(verdict(self.claims), line_width())
        return "\n".join([counts, *self._violations()])

    def _violations(self) -> list[str]:
        found = [("", claim, "") for claim in self.violations]
        return [violations_text(found)] if found else []

    def __repr__(self) -> str:
        return f"Verification of {self.title}: {self.summary()}"
