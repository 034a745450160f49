"""Lifted curvature at ŵ along a power, and the order that makes it negative (docs/theory.md, section 5)."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import odd_order, whole_number

from .directions import EscapeDirections, escape_directions
from .signed_log import signed_log, signed_log_sum, to_float

_ROUNDING = 1e-13  # relative error allowed in each of K1, K2, K3


def curvature_along(problem: SensingProblem, X: Any, direction: Any, order: int) -> float:
    """Return ⟨d, ∇²h^l(ŵ)[d]⟩ for ŵ = vec(X)^{⊗l} and d = vec(direction)^{⊗l}.

    With K1 = ⟨A(DDᵀ), A(XXᵀ)⟩, K2 = ⟨A(DDᵀ), b⟩ and K3 = ‖A(XDᵀ)‖² it is 2 (K1^l − K2^l + 2 K3^l),
    for any X and D.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X, direction : array (n, r)
        The point and the direction D, in matrix space.
    order : int
        The odd lifting order l.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, numbers that are not finite, or an order that is not odd and positive.
    OverflowError
        If the curvature does not fit into float64.
    """
    order = odd_order(order)
    K1, K2, K3 = _inner_products(problem, X, direction)
    signs, logs = signed_log(np.array([K1, -K2, K3]))
    sign, log = signed_log_sum(signs, order * logs + np.log([2.0, 2.0, 4.0]))
    return float(to_float(sign, log, "the curvature"))


def smallest_saddle_order(
    problem: SensingProblem,
    X: Any,
    *,
    largest: int = 1001,
    direction: Any = None,
    directions: EscapeDirections | None = None,
) -> int | None:
    """Return the least odd order l at which ŵ is a strict saddle of h^l along a direction, or None.

    It is the least odd l with K1^l + 2 K3^l < K2^l (see `curvature_along`). The inequality must
    hold beyond rounding: by more than 1e-13 l times the sum of the magnitudes of its terms.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The stationary point X̂.
    largest : int
        Largest order tried.
    direction : array (n, r), optional
        The direction; the visible direction u_n q_rᵀ by default.
    directions : EscapeDirections, optional
        The directions at X, if they are at hand.

    Returns
    -------
    int or None
        None if no order up to `largest` makes ŵ a strict saddle along this direction. Others may still exist.

    Raises
    ------
    TypeError, ValueError
        For bad X (see `escape_directions`), a direction of the wrong shape, or `largest` below 1.
    """
    largest = whole_number("largest", largest)
    if direction is None:
        direction = (escape_directions(problem, X) if directions is None else directions).visible
    K = np.array(_inner_products(problem, X, direction))
    scale = np.abs(K).max()
    if scale == 0:
        return None
    orders = np.arange(1, largest + 1, 2)
    # The largest term is ±1 in every row, so nothing overflows, and what underflows could not
    # matter.
    powers = (K / scale) ** orders[:, None] * [1.0, -1.0, 2.0]
    holds = powers.sum(axis=1) < -_ROUNDING * orders * np.abs(powers).sum(axis=1)
    return int(orders[np.argmax(holds)]) if np.any(holds) else None


def _inner_products(problem: SensingProblem, X: Any, direction: Any) -> tuple[float, float, float]:
    X, D = problem.factor("X", X), problem.factor("direction", direction)
    A = problem.operator
    DD, cross = A.measure(D, D), A.measure(X, D)
    return float(DD @ A.measure(X, X)), float(DD @ problem.measurements), float(cross @ cross)
