"""What a claim of the theory is, and what checking it on an instance can say."""

from __future__ import annotations

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
    CONDITIONAL = "premise ⇒ conclusion: never contradicted; not applicable while the premise is not known to be true"
    PUBLISHED = "a rule or an approximation of the papers: it may be false on an instance"
    PROPERTY = "says what kind of instance this is: either answer is right"


class Holds(StrEnum):
    """The answer."""

    YES = "holds"
    NO = "does not hold"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class Finding:
    """What one check measured: `holds`, the measured and the expected value, the tolerance, and a remark."""

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
        Short name; the claim as a sentence or formula; the section of docs/theory.md, or the paper.
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
        """Check the claim on a case. Premises that fail and lifts beyond the byte budget are 'not applicable'."""
        try:
            with np.errstate(all="ignore"):  # what is not finite ends as "not applicable" below
                finding = self.function(case)
        except NotApplicable as refusal:
            return self._claim(Holds.NOT_APPLICABLE, Finding(False, reason=str(refusal)))
        except MemoryLimitExceeded as refusal:
            return self._claim(Holds.NOT_APPLICABLE, Finding(False, reason=refused(refusal)))
        except (OverflowError, np.linalg.LinAlgError) as lost:
            return self._claim(Holds.NOT_APPLICABLE, Finding(False, reason=f"out of range: {lost}"))
        numbers = [
            x
            for x in (finding.measured, finding.expected, finding.tolerance)
            if isinstance(x, int | float)
        ]
        if not all(map(math.isfinite, numbers)):
            lost_range = Finding(False, reason="out of range: the numbers do not fit into float64")
            return self._claim(Holds.NOT_APPLICABLE, lost_range)
        return self._claim(Holds.YES if finding.holds else Holds.NO, finding)

    def _claim(self, holds: Holds, found: Finding) -> Claim:
        measured = None if found.measured is None else float(found.measured)
        return Claim(
            self.name, self.statement, self.source, self.kind, holds,
            measured, found.expected, found.tolerance, found.reason,
        )  # fmt: skip


def claim(
    name: str, statement: str, *, section: int, kind: Kind
) -> Callable[[Callable[[Case], Finding]], Check]:
    """Turn a function Case -> Finding into a Check whose source is a section of docs/theory.md."""

    def decorate(function: Callable[[Case], Finding]) -> Check:
        return Check(name, statement, f"docs/theory.md, section {section}", kind, function)

    return decorate


def refused(limit: MemoryLimitExceeded) -> str:
    """Return the one line of a lift that is beyond the byte budget."""
    return f"refused: needs {limit.predicted_bytes} bytes, {limit.allowed_bytes} allowed"


def small(error: float, tolerance: float, reason: str = "") -> Finding:
    """Return the finding of an error that should be zero up to a tolerance."""
    return Finding(bool(error <= tolerance), error, 0.0, tolerance, reason)


def equal(measured: float, expected: float, tolerance: float, *, scale: float = 0.0) -> Finding:
    """Return the finding of two numbers that agree to `tolerance` times the larger of their sizes and `scale`."""
    allowed = tolerance * max(abs(measured), abs(expected), scale)
    return Finding(bool(abs(measured - expected) <= allowed), measured, float(expected), allowed)


def relative(difference: FloatArray, *terms: FloatArray | float) -> float:
    """Return ‖difference‖ over the largest size among the terms (0 where everything is 0)."""
    scale = max(_size(term) for term in terms)
    error = _size(difference)
    return error / scale if scale > 0 else error


def _size(array: FloatArray | float) -> float:
    return float(np.linalg.norm(np.ravel(array)))
