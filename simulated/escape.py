"""Escape from a spurious stationary point, by one of four methods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lift_compare.sensing import SensingProblem

from .escape_result import Escape
from .exact_escape import exact_escape
from .line_search import line_search_escape
from .single_step import single_step_escape
from .truncated_escape import truncated_escape

METHODS: dict[str, Callable[..., Escape]] = {
    "exact": exact_escape,
    "truncated": truncated_escape,
    "single-step": single_step_escape,
    "line-search": line_search_escape,
}
"""The methods of `escape` by name."""

_WITH_ORDER = ("exact", "truncated")


def escape(
    problem: SensingProblem,
    X: Any,
    *,
    method: str = "exact",
    order: int | None = None,
    **settings: Any,
) -> Escape:
    """Look for a point X̌ with h(X̌) < h(X̂), from a stationary point X̂, by simulated lifting or one of its rivals.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A stationary point X̂ ≠ 0 of h; a warning tells if it is not one.
    method : str
        "exact": descent of the lifted objective restricted to the span of the directions, and exact collapse.
        "truncated": the published closed form with its acceptance rules. "single-step": the best point of the line
        X̂ + t u_n q_rᵀ, certified by the exact score. "line-search": the lines along both normalised directions.
    order : int, optional
        The odd lifting order l of "exact" and "truncated"; by default the smallest at which the lifted point is a
        strict saddle along the visible direction ("exact" then goes up from there if it must).
    **settings
        For every method: `minimum_decrease`, the least decrease relative to h(X̂) that counts (default 1e-6), and
        `directions`, the EscapeDirections at X if they are at hand.

        "exact": `largest_order` (1001) searched for a saddle; `orders_tried` (5), from the smallest saddle order up;
        `eigenvectors` ("tied"), the least eigenvectors u_n used, or their number; `generators`: "published" (X̂,
        u_n q_rᵀ and A*A(E₀)X̂), "extended" (with the mixed ones X̂ + s ‖X̂‖ u_n q_rᵀ, s = ±½, ±1½), "auto" (the default:
        published, then extended), or an array (k, n, r) beside X̂ and u_n q_rᵀ; `only_saddle` (False): no descent from
        elsewhere if those from the strict saddle along b give nothing.

        "truncated": `rho` (0.1), `eta` (0.01), `steps` (1000): ρ, η and T; `rule` ("code" or "text"), `dominance` (10)
        and `surrogate` (False) of `published_collapse`; `largest_order` (101).

        "line-search": `grid_size` (161), `grid_range` (1e-6, 100) in units of max(‖X̂‖, 1e-3); `refine` (True).

    Returns
    -------
    Escape
        `found` implies h(X̌) < h(X̂). Otherwise `reason` says why no point was found.

    Raises
    ------
    TypeError, ValueError
        For bad X, an unknown method, a setting out of its range, or one that the method does not have.
    ArithmeticError
        If the eigenpairs of G(X̂) do not converge (n > 400 only).

    Warns
    -----
    NotStationaryWarning
        If ‖∇h(X)‖ exceeds 1e-3 in units of its terms.

    Notes ----- docs/escapes.md explains the methods, when each must fail, and how often it does.
    Sources: docs/theory.md, sections 3 to 7.
    """
    if method not in METHODS:
        raise ValueError(f"method: expected one of {', '.join(METHODS)}, got {method!r}")
    if method in _WITH_ORDER:
        settings["order"] = order
    elif order is not None:
        raise ValueError(f"order: the method {method!r} has no lifting order, got {order}")
    return METHODS[method](problem, X, **settings)
