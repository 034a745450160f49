"""What a claim of the theory is, and what checking it on an instance can say."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

import numpy as np

from lift_compare.lifting import MemoryLimitExceeded
from lift_compare.sensing.validation import FloatArray

from .case import Case, NotApplicable


class Kind(Enum):
    """What follows when a claim does not hold."""

    EXACT = "an identity or a theorem: it must hold"
    CONDITIONAL = (
        "premise ⇒ conclusion: never contradicted; not applicable while the premise is not known "
        "to be true"
    )
    PUBLISHED = "a rule or an approximation of the papers: it may be false on an instance"
    PROPERTY = "says what kind of instance this is: either answer is right"


class Holds(StrEnum):
    """The answer."""

    YES = "holds"
    NO = "does not hold"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """What a check measured: the answer, measured and expected value, tolerance, and a remark."""

    holds: bool
    measured: float | None = None
    expected: float | str | None = None
    tolerance: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Claim:
    """One claim, checked on one instance.

    Attributes
    ----------
    name, statement, source : str
        Short name; the claim as a sentence or formula; the section of docs/theory.md.
    kind : Kind
        What follows when it does not hold.
    holds : Holds
        The answer, with `reason` where one is needed.
    measured : float or None
        The number that was measured; never NaN.
    expected : float, str or None
        What it is compared with; a condition such as '< 0' where it is not a number.
    tolerance : float or None
        Largest accepted difference, in the units of `measured`.
    reason : str
        Why it is not applicable, or a remark.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> found = compare.verify(sensing.two_by_two(), [[0.0], [0.5**0.5]], order=3)
    >>> found["λ_n = K1 − K2"].holds.value, found["λ_n = K1 − K2"].violated
    ('holds', False)
    """

    name: str
    statement: str
    source: str
    kind: Kind
    holds: Holds
    measured: float | None
    expected: float | str | None
    tolerance: float | None
    reason: str

    @property
    def violated(self) -> bool:
        """Whether an exact statement fails, or a conditional one is contradicted."""
        return self.holds is Holds.NO and self.kind in (Kind.EXACT, Kind.CONDITIONAL)


@dataclass(frozen=True)
class Check:
    """A claim that can be checked: its words, and the function that checks it."""

    name: str
    statement: str
    source: str
    kind: Kind
    function: Callable[[Case], Finding]

    def __call__(self, case: Case) -> Claim:
        """Check the claim; premises that fail and lifts beyond the budget are 'not applicable'."""
        try:
            with np.errstate(all="ignore"):  # what is not finite ends as "not applicable" below
                finding = self.function(case)
        except NotApplicable as refusal:
            return self._not_applicable(str(refusal))
        except MemoryLimitExceeded as refusal:
            needs, allowed = refusal.predicted_bytes, refusal.allowed_bytes
            return self._not_applicable(f"refused: needs {needs} bytes, {allowed} allowed")
        except (OverflowError, np.linalg.LinAlgError) as lost:
            return self._not_applicable(f"out of range: {lost}")
        numbers = (finding.measured, finding.expected, finding.tolerance)
        if not all(math.isfinite(x) for x in numbers if isinstance(x, int | float)):
            return self._not_applicable("out of range: the numbers do not fit into float64")
        return self._claim(Holds.YES if finding.holds else Holds.NO, finding)

    def _not_applicable(self, reason: str) -> Claim:
        return self._claim(Holds.NOT_APPLICABLE, Finding(False, reason=reason))

    def _claim(self, holds: Holds, found: Finding) -> Claim:
        measured = None if found.measured is None else float(found.measured)
        words = (self.name, self.statement, self.source, self.kind, holds)
        return Claim(*words, measured, found.expected, found.tolerance, found.reason)


# Decorators: the first line of the docstring is the statement, the rest says how it is checked ----


def _decorator(kind: Kind) -> Callable[[str, int], Callable[[Callable[[Case], Finding]], Check]]:
    def claim(name: str, section: int) -> Callable[[Callable[[Case], Finding]], Check]:
        """Turn a function Case -> Finding into a Check with a section of docs/theory.md."""

        def decorate(function: Callable[[Case], Finding]) -> Check:
            statement = (inspect.getdoc(function) or name).partition("\n")[0]
            return Check(name, statement, f"docs/theory.md, section {section}", kind, function)

        return decorate

    return claim


exact = _decorator(Kind.EXACT)
conditional = _decorator(Kind.CONDITIONAL)
published = _decorator(Kind.PUBLISHED)
property_of_instance = _decorator(Kind.PROPERTY)


# Findings of the usual forms ---------------------------------------------------------------------


def small(error: float, tolerance: float, reason: str = "") -> Finding:
    """Return the finding of an error that should be zero up to a tolerance."""
    return Finding(bool(error <= tolerance), error, 0.0, tolerance, reason)


def negative(value: float, slack: float = 0.0, reason: str = "") -> Finding:
    """Return the finding of a value that should be below zero, beyond a slack of rounding."""
    return Finding(bool(value < -slack), value, "< 0", slack, reason)


def below(value: float, bound: float, reason: str = "") -> Finding:
    """Return the finding of a value that should be below a bound."""
    return Finding(bool(value < bound), value, f"< {bound:.6g}", 0.0, reason)


def at_least(share: float, bound: float) -> Finding:
    """Return the finding of a share or cosine that counts as one from a bound on."""
    return Finding(bool(share >= bound), share, f"≥ {bound:g}", round(1 - bound, 12))


def equal(measured: float, expected: float, tolerance: float) -> Finding:
    """Return the finding of two numbers that should agree up to a tolerance."""
    return Finding(bool(abs(measured - expected) <= tolerance), measured, expected, tolerance)


def relative(difference: FloatArray, *terms: FloatArray | float) -> float:
    """Return ‖difference‖ over the largest size among the terms (0 where everything is 0)."""
    scale = max(size(term) for term in terms)
    error = size(difference)
    return error / scale if scale > 0 else error


def size(array: FloatArray | float) -> float:
    """Return the norm of all numbers of an array."""
    return float(np.linalg.norm(np.ravel(array)))
