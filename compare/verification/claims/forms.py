"""Section 2, continued: the forms of the lifted objective give what section 2 defines."""

from __future__ import annotations

from collections.abc import Callable

from .case import Case
from .claim import Finding, equal, exact
from .definition import Evaluation
from .rounding import size


@exact("every-form-h", "every form: h^l", 2)
def value_of_every_form(case: Case) -> Finding:
    """h^l(w) in every form of the lift that applies is ½‖A^{⊗l}(⟨P(w), P(w)⟩) − b^{⊗l}‖²

    At a random tensor without symmetry and at a symmetric one, against the definition, A applied to
    one pair of modes after the other; where that is too large, against the first form.
    """

    def error(found: Evaluation, expected: Evaluation) -> float:
        return max(abs(found.value - expected.value), abs(found.value_too - expected.value))

    return _forms(case, error, case.rounding.value(1.5 * case.lifted_length))


@exact("every-form-gradient-h", "every form: ∇h^l", 2)
def gradient_of_every_form(case: Case) -> Finding:
    """∇h^l(w) in every form of the lift that applies is its definition"""

    def error(found: Evaluation, expected: Evaluation) -> float:
        return size(found.gradient - expected.gradient)

    return _forms(case, error, case.rounding.gradient(1.5 * case.lifted_length))


@exact("every-form-hessian-h", "every form: ∇²h^l", 2)
def hessian_of_every_form(case: Case) -> Finding:
    """∇²h^l(w)[d] in every form of the lift that applies is its definition"""

    def error(found: Evaluation, expected: Evaluation) -> float:
        return size(found.product - expected.product)

    return _forms(case, error, case.rounding.hessian(1.5 * case.lifted_length))


def _forms(
    case: Case, error: Callable[[Evaluation, Evaluation], float], rounding: float
) -> Finding:
    """Return the largest error of a form against the definition, or against the first form."""
    worst, where, compared = 0.0, "", 0
    for evaluated in case.evaluations:
        reference = next(iter(evaluated), "")
        for form, found in list(evaluated.items())[1:]:
            compared += 1
            left = error(found, evaluated[reference])
            if not left <= worst:
                worst, where = left, f"{form} against {reference}"
    case.need(compared > 0, "refused: the forms take too long at this size")
    return equal(worst, 0.0, rounding, where)
