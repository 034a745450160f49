"""`escape`: look for a lower point from a stationary one, by the method named."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, Protocol

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.polishing import polished_point
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import LAST_DIGIT, MINIMUM_DECREASE
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    did_you_mean,
    positive,
    true_or_false,
)

from ..points.directions import EscapeDirections, escape_directions
from ..points.saddle_order import smallest_saddle_order
from ..points.unit_scale import at_unit_scale
from .any_method import AnyMethod
from .columns import Columns
from .exact import Exact
from .line_search import LineSearch
from .pair import Pair
from .result import Escape, EscapeReason
from .single_step import SingleStep
from .start import Start
from .truncated import Truncated


class EscapeMethod(Protocol):
    """A way to escape, with its settings."""

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂, which is known to be spurious."""


METHODS: dict[str, type[Any]] = {
    "exact": Exact,
    "truncated": Truncated,
    "single-step": SingleStep,
    "line-search": LineSearch,
    "columns": Columns,
    "pair": Pair,
    "any": AnyMethod,
}
"""The methods of `escape` by name. Each is a dataclass whose fields are its settings."""


def method_settings(name: str) -> tuple[str, ...]:
    """Return the names of the settings of a method, or refuse its name."""
    if name not in METHODS:
        close = did_you_mean(name, METHODS) if isinstance(name, str) else ""
        raise InvalidValue(f"method: expected one of {', '.join(METHODS)}, got {name!r}{close}")
    return tuple(field.name for field in fields(METHODS[name]))


def escape_method(name: str, order: int | None, settings: dict[str, Any]) -> EscapeMethod:
    """Return a method with its settings checked; a wrong one is refused by the method's name."""
    known = method_settings(name)
    if "order" in known:
        settings = {"order": order, **settings}
    elif order is not None:
        raise InvalidValue(f"order: the method {name!r} has no lifting order, got {order}")
    for key in settings:
        if key not in known:
            has = f"it has {', '.join(known)}" if known else "it has none"
            raise InvalidType(f"{key}: not a setting of the method {name!r}; {has}")
    method: EscapeMethod = METHODS[name](**settings)
    return method


# Trials of a method, and what `Start` does with them, may leave float64: a point counts only if h
# is finite and lower there.
@np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore")
def escape(
    problem: SensingProblem,
    X: Any,
    *,
    method: str = "exact",
    order: int | None = None,
    polish: bool = False,
    minimum_decrease: float = MINIMUM_DECREASE,
    directions: EscapeDirections | None = None,
    **settings: Any,
) -> Escape:
    """Look for a point X̌ with h(X̌) < h(X̂), from a stationary point X̂.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A stationary point X̂ ≠ 0 of h; a warning tells if it is not one.
    method : str
        "exact": descent of the lifted objective restricted to the span of the directions, and exact
        collapse. "truncated": the published closed form with its acceptance rules. "single-step":
        the best point of the line X̂ + t u_n q_rᵀ, certified by the exact score. "line-search": the
        lines along both normalised directions. "columns": "exact" (or "pair") in
        the rank-one problem of each column of X̂. "pair": descent of the lifted objective over two
        generators that move, X̂ and one started along the oracle direction. "any": "exact", then
        "columns" (above rank one), then "pair".
    order : int, optional
        The odd lifting order l; the line methods have none. By default, for "exact" and
        "truncated", the smallest at which the lifted point is a strict saddle along the visible
        direction ("exact" then goes up from there if it must); for "pair" 5, 7, 9 and 13 in turn.
    polish : bool
        Make X stationary to rounding first (`sensing.polish`), if that does not raise h.
    minimum_decrease : float
        Least decrease, relative to h(X̂), that counts; below 1.
    directions : EscapeDirections, optional
        The directions at X, if they are at hand.
    **settings
        Settings of the method, by name. "exact": largest_order, orders_tried, generators,
        eigenvectors, only_saddle. "truncated": largest_order, rho, eta, steps, rule, dominance,
        surrogate. "line-search": grid_size, grid_range, refine. "columns": inner. "pair":
        directions_tried, step, spectral, refine, max_iterations. docs/escapes.md describes them.

    Returns
    -------
    Escape
        `found` implies h(X̌) < h(X̂). Otherwise `reason` says why no point was found.

    Raises
    ------
    TypeError, ValueError
        For bad X, an unknown method, a setting out of its range, or one that the method does not
        have.
    ArithmeticError
        If the eigenpairs of G(X̂) do not converge (n > 400 only).
    OverflowError
        If h(X) leaves float64, or is below it.

    Warns
    -----
    NotStationaryWarning
        If ‖∇h(X)‖ exceeds 1e-3 in units of its terms.

    Notes
    -----
    docs/escapes.md explains the methods, when each must fail, and how often it does. Sources:
    docs/theory.md, sections 3 to 7.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> found = simulated.escape(sensing.two_by_two(), [[0.0], [0.5**0.5]])
    >>> found.found, found.order, found.objective_after < 0.01 * found.objective_before
    (True, 3, True)
    """
    X = checked_problem(problem).factor("X", X)
    chosen = escape_method(method, order, settings)
    least = positive("minimum_decrease", minimum_decrease, or_zero=True)
    if least >= 1:
        raise InvalidValue(f"minimum_decrease: expected a fraction of h(X) below 1, got {least}")
    # ρ, η and the rules of the published method are in given units; nothing else depends on them.
    exponent = 0
    if not isinstance(chosen, Truncated):
        problem, X, exponent = at_unit_scale(problem, X)
    if true_or_false("polish", polish):
        X = _polished(problem, X)
    if directions is None:
        count = getattr(chosen, "eigenvectors", 1)
        directions = escape_directions(problem, X, count=count)
    else:
        directions = directions.in_units(-exponent)
    start = Start.at(problem, X, directions, method, least, exponent)
    if not start.spurious:
        return start.failure(
            EscapeReason.NO_NEGATIVE_EIGENVALUE,
            order=order,
            details=f"λ_n = {np.ldexp(directions.eigenvalue, 2 * exponent):.3g}",
        )
    found = chosen.attempt(start)
    if isinstance(chosen, Exact) and found.reason is EscapeReason.NO_SADDLE_ORDER:
        # Only here, and not where "exact" is one of several methods: it takes longer than they do.
        return _with_oracle_order(found, start, chosen.largest_order)
    return found


def _with_oracle_order(found: Escape, start: Start, largest: int) -> Escape:
    """Add the order along the oracle direction to the details: the visible one has none."""
    order = smallest_saddle_order(start.problem, start.X, direction="oracle", largest=largest)
    said = "none was found either" if order is None else f"it is one at order {order}"
    return replace(found, details=f"{found.details}; along the oracle direction V* {said}")


def _polished(problem: SensingProblem, X: FloatArray) -> FloatArray:
    # Where Newton steps lead nowhere X is kept: it is a start, not a result.
    point = polished_point(problem, X)[0]
    return point if problem.objective(point) <= problem.objective(X) * (1 + LAST_DIGIT) else X
