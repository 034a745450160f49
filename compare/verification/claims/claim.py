"""What a claim of the theory is, and what checking it on an instance can say."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, StrEnum

import numpy as np

from lift_compare.lifting import MemoryLimitExceeded
from lift_compare.sensing.validation import FloatArray, show_bytes

from .case import Case
from .matrix_case import NotApplicable
from .rounding import OutOfRange, in_range, size


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
    OUT_OF_RANGE = "out of range"


@dataclass(frozen=True)
class Finding:
    """What a check measured: the answer, measured and expected value, tolerance, and a remark.

    The answer is None where the measured value is on neither side of its bound beyond rounding.
    """

    holds: bool | None
    measured: float | None = None
    expected: float | str | None = None
    tolerance: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class Claim:
    """One claim, checked on one instance.

    Attributes
    ----------
    id : str
        Short name in plain ASCII, such as 'smallest-saddle-order'; it stays the same.
    name, statement, source : str
        Name in the words of the theory; the claim as a sentence or formula; the section of
        docs/theory.md.
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
    >>> found["lambda-n-is-k1-k2"].holds.value, found["lambda-n-is-k1-k2"].violated
    ('holds', False)
    >>> found["λ_n = K1 − K2"].id
    'lambda-n-is-k1-k2'
    """

    id: str
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

    id: str
    name: str
    statement: str
    source: str
    kind: Kind
    function: Callable[[Case], Finding]

    def __call__(self, case: Case) -> Claim:
        """Check the claim.

        Premises that fail, lifts beyond the budget and what rounding leaves open are 'not
        applicable'; numbers beyond float64 are 'out of range'.
        """
        try:
            with np.errstate(all="ignore"):  # what is not finite ends as "out of range" below
                case.need_range()
                finding = self.function(case)
        except NotApplicable as refusal:
            return self._without_numbers(Holds.NOT_APPLICABLE, str(refusal))
        except MemoryLimitExceeded as refusal:
            needs, allowed = refusal.predicted_bytes, refusal.allowed_bytes
            reason = f"refused: needs {show_bytes(needs)}, {show_bytes(allowed)} allowed"
            return self._without_numbers(Holds.NOT_APPLICABLE, reason)
        except (OutOfRange, OverflowError, ZeroDivisionError, np.linalg.LinAlgError) as lost:
            return self._without_numbers(Holds.OUT_OF_RANGE, f"out of float64 range: {lost}")
        except (ValueError, RuntimeError):  # a library refuses what the powers have become
            lost_power = case.rounding.powers_beyond_range()
            if not lost_power:
                raise
            reason = f"out of float64 range: {lost_power}"
            return self._without_numbers(Holds.OUT_OF_RANGE, reason)
        except MemoryError as refusal:
            return self._without_numbers(Holds.NOT_APPLICABLE, f"refused: {refusal}")
        except ArithmeticError as lost:  # a Lanczos run that did not converge
            return self._without_numbers(Holds.NOT_APPLICABLE, f"not computed: {lost}")
        numbers = {name: getattr(finding, name) for name in ("measured", "expected", "tolerance")}
        for name, number in numbers.items():
            if isinstance(number, int | float) and not math.isfinite(number):
                what = f"the {name} {'value' if name != 'tolerance' else 'difference'} overflows"
                return self._without_numbers(Holds.OUT_OF_RANGE, f"out of float64 range: {what}")
        if finding.holds is None:
            return self._claim(Holds.NOT_APPLICABLE, finding)
        return self._claim(Holds.YES if finding.holds else Holds.NO, finding)

    def _without_numbers(self, holds: Holds, reason: str) -> Claim:
        return self._claim(holds, Finding(False, reason=reason))

    def _claim(self, holds: Holds, found: Finding) -> Claim:
        measured = None if found.measured is None else float(found.measured)
        words = (self.id, self.name, self.statement, self.source, self.kind, holds)
        return Claim(*words, measured, found.expected, found.tolerance, found.reason)


# Decorators: the first line of the docstring is the statement, the rest says how it is checked ----


_Decorate = Callable[[Callable[[Case], Finding]], Check]


def _decorator(kind: Kind) -> Callable[[str, str, int], _Decorate]:
    def claim(id_: str, name: str, section: int) -> _Decorate:
        """Turn a function Case -> Finding into a Check with a section of docs/theory.md."""

        def decorate(function: Callable[[Case], Finding]) -> Check:
            statement = (inspect.getdoc(function) or name).partition("\n")[0]
            return Check(id_, name, statement, f"docs/theory.md, section {section}", kind, function)

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


def small_part(error: float, scale: float, tolerance: float, reason: str = "") -> Finding:
    """Return the finding of an error over the size of the terms it is left of."""
    return small(error / in_range(scale, "the size of the terms"), tolerance, reason)


def equal(measured: float, expected: float, tolerance: float, reason: str = "") -> Finding:
    """Return the finding of two numbers that should agree up to the rounding of their terms."""
    in_range(tolerance, "the rounding of the terms")
    holds = bool(abs(measured - expected) <= tolerance)
    return Finding(holds, measured, expected, tolerance, reason)


def below(value: float, bound: float, rounding: float, reason: str = "") -> Finding:
    """Return the finding of a value that should be below a bound; within rounding it is open."""
    in_range(rounding, "the rounding of the terms")
    expected = f"< {bound:.6g}"
    if abs(value - bound) <= rounding:
        why = "undecided: the difference is within rounding"
        return Finding(None, value, expected, rounding, f"{why}; {reason}" if reason else why)
    return Finding(bool(value < bound), value, expected, rounding, reason)


def negative(value: float, rounding: float, reason: str = "") -> Finding:
    """Return the finding of a value that should be below zero; within rounding it is open."""
    return below(value, 0.0, rounding, reason)


def promised(value: float, promise: float, rounding: float, reason: str = "") -> Finding:
    """Return the finding of a value that a theorem promises to be at most `promise` < 0.

    The number that the proof gives is compared, not the sign alone: a value of zero is then far
    from what was promised. A promise within rounding of zero leaves the claim open.
    """
    in_range(rounding, "the rounding of the terms")
    expected = f"≤ {promise:.6g}"
    if promise >= -rounding:
        why = "undecided: the promised value is within rounding of zero"
        return Finding(None, value, expected, rounding, why)
    return Finding(bool(value <= promise + rounding), value, expected, rounding, reason)


def at_least(share: float, bound: float) -> Finding:
    """Return the finding of a share or cosine that counts as one from a bound on."""
    return Finding(bool(share >= bound), share, f"≥ {bound:g}", round(1 - bound, 12))


def relative(difference: FloatArray, *terms: FloatArray | float) -> float:
    """Return ‖difference‖ over the largest size among the terms."""
    return size(difference) / in_range(max(size(term) for term in terms), "the size of the terms")
