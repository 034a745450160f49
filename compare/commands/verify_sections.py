"""What `lift-compare verify` does with instances that are named: a section for each order."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass
from textwrap import fill
from typing import Any

from lift_compare.sensing import Instance, LiftSettings
from lift_compare.sensing.validation import FloatArray

from ..simulated_lift import lift_of, order_of
from ..tables import line_width
from ..tolerances import MEMORY_LIMIT
from ..verification.claims import Claim
from ..verification.report import verdict, violations_text
from ..verification.result import Verification
from ..verification.verification import verify
from .settings import given_settings

LARGEST_DEFAULT_ORDER = 5
_SETTINGS = ("rho", "eta", "steps")


@dataclass(frozen=True)
class Section:
    """One instance, checked at one order: with the word that names it, and where δ is from."""

    instance: Instance
    word: str
    checked: Verification
    delta: str

    @property
    def order(self) -> int:
        """The lifting order."""
        return int(self.checked.settings["order"])

    @property
    def name(self) -> str:
        """What the section is called."""
        return f"{self.instance.name}, order {self.order}"

    def rows(self, arguments: argparse.Namespace) -> list[dict[str, Any]]:
        """Return the rows; a violation has the command that shows it again."""
        rows = []
        failed = {claim.id for claim in self.checked.failures}
        for claim, row in zip(self.checked, self.checked.rows(), strict=True):
            if arguments.only_failures and claim.id not in failed:
                continue
            command = self.reproduce(arguments, claim) if claim.violated else None
            rows.append({"instance": self.instance.name, **row, "reproduce": command})
        return rows

    def verdict(self, arguments: argparse.Namespace) -> str:
        """Return the counts, and the violations with all that is needed to see them again."""
        said = f"{self.name}: {verdict(self.checked.claims)}"
        lines = [fill(said, line_width(), subsequent_indent="  ")]
        found = [
            (self.name, claim, self.reproduce(arguments, claim))
            for claim in self.checked.violations
        ]
        return "\n".join([*lines, violations_text(found)] if found else lines)

    def told(self, arguments: argparse.Namespace) -> str:
        """Return the settings and the tables of claims."""
        used = self.checked.settings
        settings = f"ρ = {used['rho']:.6g}, η = {used['eta']:.6g}, T = {used['steps']}"
        heading = fill(f"{self.checked.title}; {settings}; {self.delta}.", line_width())
        full = arguments.full or arguments.claim is not None
        only = arguments.only_failures
        return f"{heading}\n\n{self.checked.claims_table(full=full, only_failures=only)}"

    def reproduce(self, arguments: argparse.Namespace, claim: Claim) -> str:
        """Return the command that checks one of the claims again."""
        words = ["lift-compare verify --instance", shlex.quote(self.word)]
        if arguments.order:
            words.append(f"--order {self.order}")
        for name in ("rip_constant", *_SETTINGS):
            if getattr(arguments, name) is not None:
                words.append(f"--{name.replace('_', '-')} {getattr(arguments, name)}")
        if arguments.memory_limit != MEMORY_LIMIT:
            words.append(f"--memory-limit {arguments.memory_limit}")
        words += ["--no-polish"] if arguments.no_polish else []
        words += [f"--seed {arguments.seed}"] if arguments.seed else []
        return f"{' '.join(words)} --claim {claim.id}"


def verified(
    arguments: argparse.Namespace, instance: Instance, X: FloatArray, word: str, order: int | None
) -> Section:
    """Check one instance at X̂ and at its settings, but for those given."""
    order = order or min(order_of(instance), LARGEST_DEFAULT_ORDER)
    try:
        own = lift_of(instance, X, order).settings
    except ArithmeticError:  # ρ or η is beyond float64: so are the claims, and they say so
        own = LiftSettings(order)
    delta, said = _rip_constant(arguments, instance)
    checked = verify(
        instance.problem,
        X,
        order,
        **{name: getattr(own, name) for name in _SETTINGS} | given_settings(arguments),
        rip_constant=delta,
        seed=arguments.seed,
        memory_limit=arguments.memory_limit,
        polish=not arguments.no_polish,
        title=f"{instance.name}, order {order}: {instance.problem!r}",
        claims=arguments.claim,
    )
    return Section(instance, word, checked, said)


def _rip_constant(arguments: argparse.Namespace, instance: Instance) -> tuple[float | None, str]:
    """Return δ as given, or else as known of the instance; and a few words about it."""
    given, known = arguments.rip_constant, instance.facts.get("rip_constant")
    if given is not None:
        return given, f"δ = {given:.6g} as given"
    if known is None:
        return None, "δ is not given: its sampled lower bound is taken for the scores"
    return float(known), f"δ = {known:.6g} as known of this instance"
