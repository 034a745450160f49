"""Lifted curvature at ŵ along one power, and the order that makes it negative.

The mathematics: docs/theory.md, section 5.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import NOISE
from lift_compare.sensing.validation import FloatArray, odd_order

from ..signed_log import signed_log, signed_log_sum, to_float, units_and_logs


class CurvatureTerms(NamedTuple):
    """K1 = ⟨A(DDᵀ), A(XXᵀ)⟩, K2 = ⟨A(DDᵀ), b⟩ and K3 = ‖A(XDᵀ)‖² of a point X and direction D."""

    K1: float
    K2: float
    K3: float


def curvature_terms(problem: SensingProblem, X: Any, direction: Any) -> CurvatureTerms:
    """Return the three numbers that decide the lifted curvature at every order.

    OverflowError if they do not fit into float64.
    """
    terms = to_float(*log_curvature_terms(problem, X, direction), "a term of the curvature", axes=1)
    return CurvatureTerms(*(float(term) for term in terms))


@np.errstate(over="ignore", under="ignore")  # an overflow is inf, and is refused as such
def log_curvature_terms(
    problem: SensingProblem, X: Any, direction: Any
) -> tuple[FloatArray, FloatArray]:
    """Return signs and logarithms of (K1, K2, K3), at any scale of X, direction and b."""
    X, D = checked_problem(problem).factor("X", X), problem.factor("direction", direction)
    (X, D), (log_X, log_D) = units_and_logs(np.stack([X, D]))
    measure = problem.operator.measure
    vectors = np.stack([measure(D, D), measure(X, X), measure(X, D), problem.measurements])
    (DD, XX, cross, b), log = units_and_logs(vectors)
    signs, cosines = signed_log(np.array([DD @ XX, DD @ b, cross @ cross]))
    sizes = [log[0] + log[1] + 2 * log_X, log[0] + log[3], 2 * log[2] + 2 * log_X]
    with np.errstate(invalid="ignore"):  # a zero vector has the logarithm −inf
        return signs, np.where(signs == 0, -np.inf, cosines + sizes + 2 * log_D)


def curvature_along(problem: SensingProblem, X: Any, direction: Any, order: int) -> float:
    """Return ⟨d, ∇²h^l(ŵ)[d]⟩ for ŵ = vec(X)^{⊗l} and d = vec(direction)^{⊗l}.

    With K1 = ⟨A(DDᵀ), A(XXᵀ)⟩, K2 = ⟨A(DDᵀ), b⟩ and K3 = ‖A(XDᵀ)‖² it is 2 (K1^l − K2^l + 2 K3^l),
    for any X and D (docs/theory.md, section 5).

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
        For wrong shapes, numbers that are not finite, or an order that is not odd, or outside
        1..1001.
    OverflowError
        If the curvature exceeds float64. Below it, it is 0: `smallest_saddle_order` tells its sign.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem, X = sensing.two_by_two(), [[0.0], [0.5**0.5]]
    >>> round(simulated.curvature_along(problem, X, [[1.0], [0.0]], order=3), 7)
    -1.7578125
    """
    order = odd_order(order)
    signs, logs = log_curvature_terms(problem, X, direction)
    sign, log = signed_log_sum(signs * [1, -1, 1], order * logs + np.log([2.0, 2.0, 4.0]))
    return float(to_float(sign, log, "the curvature", small_is_zero=True))


def order_along(problem: SensingProblem, X: Any, direction: Any, largest: int) -> int | None:
    """Return the least odd order up to `largest` with K1^l + 2 K3^l < K2^l beyond rounding."""
    signs, logs = log_curvature_terms(problem, X, direction)
    top = logs.max()
    if top == -np.inf:
        return None
    orders = np.arange(1, largest + 1, 2)
    # The largest term is ±1 in every row, so nothing overflows, and what underflows could not
    # matter.
    with np.errstate(under="ignore"):
        powers = (signs * np.exp(logs - top)) ** orders[:, None] * [1.0, -1.0, 2.0]
        holds = powers.sum(axis=1) < -NOISE * orders * np.abs(powers).sum(axis=1)
    return int(orders[np.argmax(holds)]) if np.any(holds) else None
