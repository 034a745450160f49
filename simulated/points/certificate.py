"""A proof by eigenvalues that no power is a direction of negative curvature at an order.

The mathematics: docs/theory.md, section 11.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import silently
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.reasons import Reason
from lift_compare.sensing.validation import FloatArray, odd_order

from ..signed_log import signed_log, to_float
from .landscape_forms import LandscapeForms
from .weight_search import Search, admissible, constant, search, segment


class CertificateReason(Reason):
    """What a certificate says, and by which argument.

    Examples
    --------
    >>> from lift_compare import simulated
    >>> print(simulated.CertificateReason.LANDSCAPE)
    G(X) is positive semidefinite: K₂ ≤ K₁ for every V, so q_l ≥ 0 at every order
    """

    LANDSCAPE = "G(X) is positive semidefinite: K₂ ≤ K₁ for every V, so q_l ≥ 0 at every order"
    HESSIAN = "at order 1 q_l is a quadratic form, the Hessian of h, and positive semidefinite"
    WEIGHTS = "a N₁ + c P − N₂ is positive semidefinite, and K₁ ≥ 0 for every V"
    PARTS = "a matrix is positive semidefinite for V with K₁ ≥ 0, and one or two for the others"
    REFUTED = "a direction with q_l < 0 was found"
    UNDECIDED = "no weights were found, and no direction with q_l < 0"


class CertificatePart(NamedTuple):
    """One positive semidefinite matrix w₁N₁ + w₂N₂ + w₃P of a certificate.

    Attributes
    ----------
    region : str
        The V for which it proves q_l(V) ≥ 0.
    weights : (float, float, float)
        (w₁, w₂, w₃).
    eigenvalue : float
        The least eigenvalue of the matrix, in the units of N₁, N₂ and P.
    residual : float
        ‖M v − λ v‖ of that eigenpair with ‖v‖ = 1, in the same units.
    tolerance : float
        Its rounding: an eigenvalue above −tolerance counts as not negative. It is |w₁| ‖N₁‖ + |w₂|
        ‖N₂‖ + |w₃| ‖P‖ times 1e-13 (1e-9 where it takes a Lanczos run); at a stationary point times
        that and its relative gradient norm.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.real_system()
    >>> X = sensing.instance("real-system").stationary_point()
    >>> [part.region for part in simulated.saddle_certificate(problem, X, 7).parts]
    ['K₁ ≥ 0', 'K₁ < 0, K₂ ≤ −K₁', 'K₁ < 0, K₂ ≥ −K₁']
    """

    region: str
    weights: tuple[float, float, float]
    eigenvalue: float
    residual: float
    tolerance: float


@dataclass(frozen=True, eq=False, repr=False)
class SaddleCertificate:
    """Whether q_l(V) = K₁^l − K₂^l + 2 K₃^l ≥ 0 for every V is proved, and by which weights.

    With l' = l/(l − 1), t = 2^{1/l} − 1, and a, c ≥ 0 on the curve a^{l'} + (c 2^{−1/l})^{l'} = 1,
    which for l = ∞ is a + c = 1, q_l(V) ≥ 0 follows

        from a N₁ + c P − N₂ ⪰ 0                    if K₁ ≥ 0; if also 2^{1/l} a ≥ t c, if K₂ ≥ −K₁
        from α N₁ + 2^{1/l} P − N₂ ⪰ 0, α ≥ t       if K₂ ≥ −K₁ > 0
        from N₁ + c P − a N₂ ⪰ 0, 2^{1/l} a ≥ t c   if K₁ < 0, K₂ ≤ −K₁
        from N₁ − N₂ ⪰ 0                            always; for l = 1 from N₁ − N₂ + 2 P ⪰ 0

    A proof at order l is one at all smaller orders (docs/theory.md, section 11).

    Attributes
    ----------
    order : int or float
        l; math.inf for all orders at once.
    holds : bool
        Whether it is proved.
    reason : CertificateReason
        By which argument, or why not.
    weights : (float, float)
        (a, c) of the first matrix, a N₁ + c P − N₂. Where it is not proved, the best ones found.
    eigenvalue, residual, tolerance : float
        Of the first matrix, as in `CertificatePart`.
    parts : tuple of CertificatePart
        Every matrix, the first included, with the V that it is for.
    direction : array (n, r) or None
        A V of unit norm with q_l(V) < 0 beyond rounding, if one was met: then no proof exists.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.real_system()
    >>> X = sensing.instance("real-system").stationary_point()
    >>> simulated.saddle_certificate(problem, X, 7).holds
    True
    >>> simulated.saddle_certificate(problem, X, 9).reason.name
    'REFUTED'
    """

    order: float
    holds: bool
    reason: CertificateReason
    parts: tuple[CertificatePart, ...]
    direction: FloatArray | None = None

    @property
    def weights(self) -> tuple[float, float]:
        """(a, c) of the first matrix."""
        return (self.parts[0].weights[0], self.parts[0].weights[2])

    @property
    def eigenvalue(self) -> float:
        """The least eigenvalue of the first matrix."""
        return self.parts[0].eigenvalue

    @property
    def residual(self) -> float:
        """‖M v − λ v‖ of that eigenpair."""
        return self.parts[0].residual

    @property
    def tolerance(self) -> float:
        """Its rounding."""
        return self.parts[0].tolerance

    def __repr__(self) -> str:
        parts = "; ".join(
            f"{part.region}: weights ({', '.join(f'{w:.6g}' for w in part.weights)}), least "
            f"eigenvalue {part.eigenvalue:.3g}"
            for part in self.parts
        )
        verdict = "holds" if self.holds else "does not hold"
        return f"SaddleCertificate(order {self.order} {verdict}: {self.reason}; {parts})"


@silently
def saddle_certificate(problem: SensingProblem, X: Any, order: float) -> SaddleCertificate:
    """Look for a proof that no rank-one power has negative curvature at ŵ, at an order.

    The largest value of the concave function λ_min(a N₁ + c P − N₂) along the curve of admissible
    weights decides; it is searched for by cutting planes, an eigenvalue each (docs/theory.md,
    section 11). For operators with structure nothing of size n×n is formed.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The point; it need not be stationary.
    order : int or math.inf
        The odd lifting order l; math.inf asks for a proof for all orders at once.

    Returns
    -------
    SaddleCertificate

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite, or an order that is not odd, or outside 1..1001.
    ArithmeticError
        If a Lanczos run does not converge (d > 400 only); as OverflowError, if the forms leave
        float64.

    Examples
    --------
    >>> import math
    >>> from lift_compare import sensing, simulated
    >>> truth = sensing.gaussian(n=4, rank=1, m=8, seed=0)
    >>> simulated.saddle_certificate(truth, truth.ground_truth, math.inf).reason.name
    'LANDSCAPE'
    """
    order = _order(order)
    forms = LandscapeForms.at(problem, checked_problem(problem).factor("X", X))
    return in_units(certify(forms, order), forms)


def certify(forms: LandscapeForms, order: float) -> SaddleCertificate:
    """Return the certificate in the units of the forms."""
    if order == 1:
        only = search(forms, 1, constant(1, -1, 2))
        return _result(1, [(_ALL, only)], CertificateReason.HESSIAN)
    landscape = search(forms, order, constant(1, -1, 0))
    if landscape.holds:
        return _result(order, [(_ALL, landscape)], CertificateReason.LANDSCAPE)
    first = search(forms, order, admissible(order))
    least = _least_share(order)
    covers = bool(first.weights[0] >= least)
    parts = [("K₁ ≥ 0, or K₂ ≥ −K₁" if covers else "K₁ ≥ 0", first)]
    if not first.holds or forms.first_is_positive:
        return _result(order, parts, CertificateReason.WEIGHTS)
    parts.append(
        ("K₁ < 0, K₂ ≤ −K₁", search(forms, order, admissible(order, swapped=True, start=least)))
    )
    if not covers:
        root = 2 ** (1 / order)
        corner = np.array([root - 1, -1.0, root])
        beyond = segment(corner, np.array([1.0, 0.0, 0.0]))
        parts.append(("K₁ < 0, K₂ ≥ −K₁", search(forms, order, beyond)))
    return _result(order, parts, CertificateReason.PARTS)


_ALL = "every V"


def _least_share(order: float) -> float:
    """Return the a on the curve of admissible weights from which on 2^{1/l} a ≥ t c."""
    if order == math.inf:
        return 0.0
    conjugate = order / (order - 1)
    power = math.expm1(math.log(2) / order) ** conjugate
    return float((power / (1 + power)) ** (1 / conjugate))


def _result(
    order: float, searches: list[tuple[str, Search]], proved: CertificateReason
) -> SaddleCertificate:
    holds = all(found.holds for _, found in searches)
    direction = next((s.direction for _, s in searches if s.direction is not None), None)
    reason = proved
    if not holds:
        refuted = direction is not None
        reason = CertificateReason.REFUTED if refuted else CertificateReason.UNDECIDED
    parts = tuple(
        CertificatePart(
            region, (float(w[0]), float(w[1]), float(w[2])), eigenvalue, residual, tolerance
        )
        for region, (_, w, eigenvalue, residual, tolerance, _) in searches
    )
    return SaddleCertificate(order, holds, reason, parts, direction)


def in_units(found: SaddleCertificate, forms: LandscapeForms) -> SaddleCertificate:
    """Return the certificate with its eigenvalues in the units of the problem."""
    parts = []
    for part in found.parts:
        sign, log = signed_log(np.array([part.eigenvalue, part.residual, part.tolerance]))
        # The tolerance is the largest that matters: what is far smaller may become zero.
        values = to_float(sign, log + forms.log_unit, "an eigenvalue of N₁, N₂ and P", axes=1)
        eigenvalue, residual, tolerance = (float(each) for each in values)
        parts.append(CertificatePart(part.region, part.weights, eigenvalue, residual, tolerance))
    return replace(found, parts=tuple(parts))


def _order(order: Any) -> float:
    if isinstance(order, float) and order == math.inf:
        return order
    return odd_order(order)
