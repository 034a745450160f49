"""The smallest order at which ŵ is a strict saddle: along one direction, and along any power.

The mathematics: docs/theory.md, sections 5 and 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import silently
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.reasons import Reason
from lift_compare.sensing.validation import MAX_ORDER, FloatArray, InvalidValue, whole_number

from .certificate import SaddleCertificate, certify, in_units
from .curvature import order_along
from .directions import EscapeDirections, escape_directions
from .landscape_forms import LandscapeForms
from .oracle import described, minima
from .power_form import PowerForm


class SaddleOrderReason(Reason):
    """What is known about the smallest order with negative curvature along a rank-one power.

    Examples
    --------
    >>> from lift_compare import simulated
    >>> print(simulated.SaddleOrderReason.NONE)
    none at any order: proved by the certificate for all orders
    """

    MET = "found at this order, and proved to be at no smaller one"
    FOUND = "found at this order; the proof for smaller orders stops short of it"
    NONE = "none at any order: proved by the certificate for all orders"
    BEYOND = "none up to the largest order: proved; there may be one beyond it"
    UNDECIDED = "none found up to the largest order, and not proved that there is none"


@dataclass(frozen=True, eq=False, repr=False)
class SaddleOrder:
    """The smallest order with negative curvature along a rank-one power: found, and proved.

    Attributes
    ----------
    order : int or None
        The least odd l at which a V with q_l(V) < 0 was found.
    certified_below : int or float
        q_l ≥ 0 for every V is proved at all odd l below this: the two have met where it equals
        `order`. math.inf if it is proved at every order; 1 if at none.
    reason : SaddleOrderReason
        What that says.
    direction : array (n, r) or None
        The oracle direction at `order`.
    curvature : float or None
        Its curvature 2 q_l(V).
    certificate : SaddleCertificate or None
        The proof, at the largest order at which it holds (all orders: math.inf).

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.real_system()
    >>> X = sensing.instance("real-system").stationary_point()
    >>> found = simulated.saddle_order(problem, X)
    >>> found.order, found.certified_below, found.certificate.order, found.reason.name
    (9, 9, 7, 'MET')
    """

    order: int | None
    certified_below: float
    reason: SaddleOrderReason
    direction: FloatArray | None
    curvature: float | None
    certificate: SaddleCertificate | None

    def __repr__(self) -> str:
        along = "" if self.curvature is None else f", curvature {self.curvature:.6g}"
        return (
            f"SaddleOrder({self.order}{along}; proved below {self.certified_below}: {self.reason})"
        )


@silently
def saddle_order(problem: SensingProblem, X: Any, *, largest: int = MAX_ORDER) -> SaddleOrder:
    """Return the smallest odd order at which ŵ is a strict saddle along a rank-one power.

    The V with q_l(V) < 0 at one order have it at every larger one, and a certificate at one order
    is one at all smaller ones, so both ends are found by bisection. Where the joint range of
    (K₁, K₂, K₃) is convex, as it mostly is for n r ≥ 3, they meet.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The point; it need not be stationary.
    largest : int
        Largest order tried, at most 1001.

    Returns
    -------
    SaddleOrder

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite, or `largest` outside 1..1001.
    ArithmeticError
        If a Lanczos run does not converge (d > 400 only); as OverflowError, if the curvature, or
        one of the forms, leaves float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> truth = sensing.gaussian(n=4, rank=1, m=8, seed=0)
    >>> simulated.saddle_order(truth, truth.ground_truth)
    SaddleOrder(None; proved below inf: none at any order: proved by the certificate for all orders)
    """
    largest = whole_number("largest", largest, most=MAX_ORDER)
    forms = LandscapeForms.at(problem, checked_problem(problem).factor("X", X))
    found = _Bisection(forms).run(largest - 1 + largest % 2)
    order, proof = found.order, found.proof
    below = 1 if proof is None else proof.order + 2
    if order is None:
        if below == math.inf:
            reason = SaddleOrderReason.NONE
        else:
            proved = below > largest
            reason = SaddleOrderReason.BEYOND if proved else SaddleOrderReason.UNDECIDED
    else:
        reason = SaddleOrderReason.MET if below == order else SaddleOrderReason.FOUND
    certificate = None if proof is None else in_units(proof, forms)
    if order is None or found.direction is None:
        return SaddleOrder(None, below, reason, None, None, certificate)
    oracle = described(minima(forms, order, extra=[found.direction]), 1)
    return SaddleOrder(order, below, reason, oracle.direction, oracle.curvature, certificate)


class _Bisection:
    """Both ends of the orders at one point: the last one proved, the first one found."""

    def __init__(self, forms: LandscapeForms) -> None:
        self.forms = forms
        self.certificates: dict[float, SaddleCertificate] = {}
        self.directions: list[FloatArray] = []
        self.order: int | None = None
        self.proof: SaddleCertificate | None = None

    @property
    def direction(self) -> FloatArray | None:
        """The direction found at the least order."""
        return self.directions[-1] if self.directions else None

    def run(self, largest: int) -> _Bisection:
        """Find both ends among the odd orders up to `largest`."""
        if self.certificate(math.inf).holds:
            self.proof = self.certificate(math.inf)
            return self
        unproved = least_odd(lambda order: not self.certificate(order).holds, 1, largest)
        proved = largest if unproved is None else unproved - 2
        if proved >= 1:
            self.proof = self.certificate(proved)
        if unproved is not None:
            self.order = least_odd(self.is_found, unproved, largest)
        return self

    def certificate(self, order: float) -> SaddleCertificate:
        """Return the certificate at one order, computed once."""
        if order not in self.certificates:
            self.certificates[order] = certify(self.forms, order)
        return self.certificates[order]

    def is_found(self, order: int) -> bool:
        """Whether a direction of negative curvature is found at an order; the last one is kept."""
        known = [c.direction for c in self.certificates.values() if c.direction is not None]
        for V in [*self.directions[::-1], *known]:
            if PowerForm.at(self.forms, order, V[None]).is_saddle[0]:
                self.directions.append(V)
                return True
        lowest = minima(self.forms, order).at
        if lowest.is_saddle[0]:
            self.directions.append(lowest.V[0])
        return bool(lowest.is_saddle[0])


def least_odd(holds: Callable[[int], bool], first: int, last: int) -> int | None:
    """Return the least odd number from `first` to `last` where a monotone statement holds."""
    fails, tried, step = first - 2, first, 2
    while not holds(tried):
        if tried == last:
            return None
        fails, tried, step = tried, min(tried + step, last), 2 * step
    while tried - fails > 2:
        middle = fails + 2 * ((tried - fails) // 4)
        if holds(middle):
            tried = middle
        else:
            fails = middle
    return tried


@silently
def smallest_saddle_order(
    problem: SensingProblem,
    X: Any,
    *,
    direction: Any = "visible",
    largest: int = MAX_ORDER,
    directions: EscapeDirections | None = None,
) -> int | None:
    """Return the least odd order l at which ŵ is a strict saddle of h^l along a direction, or None.

    Along one direction it is the least odd l with K1^l + 2 K3^l < K2^l (see `curvature_along`); the
    inequality must hold beyond rounding: by more than 1e-13 l times the sum of the magnitudes of
    its terms. "oracle" asks for any direction, at each order another one (`saddle_order`).

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The stationary point X̂.
    direction : "visible", "oracle" or array (n, r)
        The direction; "visible" is u_n q_rᵀ, "oracle" the best one at every order.
    largest : int
        Largest order tried, at most 1001.
    directions : EscapeDirections, optional
        The directions at X, if they are at hand.

    Returns
    -------
    int or None
        None if no order up to `largest` makes ŵ a strict saddle along this direction. Others may
        still exist; for "oracle", `saddle_order` tells whether none is proved.

    Raises
    ------
    TypeError, ValueError
        For bad X (see `escape_directions`), a direction of the wrong shape, or `largest` outside
        1..1001.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> simulated.smallest_saddle_order(sensing.two_by_two(), [[0.0], [0.5**0.5]])
    3
    """
    largest = whole_number("largest", largest, most=MAX_ORDER)
    if isinstance(direction, str):
        if direction == "oracle":
            forms = LandscapeForms.at(problem, checked_problem(problem).factor("X", X))
            return _Bisection(forms).run(largest - 1 + largest % 2).order
        if direction != "visible":
            raise InvalidValue(
                f"direction: expected 'visible', 'oracle' or an array, got {direction!r:.60}"
            )
        direction = (escape_directions(problem, X) if directions is None else directions).visible
    return order_along(problem, X, direction, largest)
