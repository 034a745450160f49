"""Windows of T for the truncated path: which term dominates, when a collapse is accepted.

The mathematics: docs/theory.md, section 7.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    OutOfRange,
    odd_order,
    positive,
)

from ..points.directions import EscapeDirections
from ..roots import real_roots
from ..signed_log import LARGEST_LOG, signed_log, signed_log_sum, units_and_logs
from ..span.objective import SpanObjective
from .intervals import Intervals, in_words, intersect, proper, unite
from .path import truncated_rates
from .surrogate import DiagonalSurrogate


@dataclass(frozen=True, repr=False)
class TruncatedWindows:
    """Where, in the number of steps T, the conditions of the published method are met.

    With x = ν^T the state is (1, ρ x, −ρ R′ (x − 1)) with R′ = 2 (σ_r / 2|λ_n|)^l, whatever η is.
    Each norm condition is linear in x, and each objective condition a polynomial in x of degree
    four. The intervals of x are found from the roots and turned into T = log x / log ν; their ends
    are real numbers.

    Attributes
    ----------
    dominance : float
        What the ≫ of the text is taken to mean.
    objective : str
        "exact" or "surrogate".
    growth : float
        ν − 1.
    beta_largest, gamma_largest : Intervals
        The visible or the hidden term is the largest of the three.
    beta_dominates, gamma_dominates : Intervals
        It is `dominance` times larger than the two others.
    state_below, beta_below, gamma_below : Intervals
        The objective of the whole state, of the visible or of the hidden term alone, is below that
        of ŵ.
    code_accepts, text_accepts : Intervals
        The published rule of the code, and that of the text, accepts.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> found = simulated.truncated_windows(problem, directions, 3, rho=0.1, eta=0.01)
    >>> found.text_accepts  # never
    ()
    """

    dominance: float
    objective: str
    growth: float
    beta_largest: Intervals = ()
    gamma_largest: Intervals = ()
    beta_dominates: Intervals = ()
    gamma_dominates: Intervals = ()
    state_below: Intervals = ()
    beta_below: Intervals = ()
    gamma_below: Intervals = ()
    code_accepts: Intervals = ()
    text_accepts: Intervals = ()

    def __repr__(self) -> str:
        rows = {
            "visible term largest": self.beta_largest,
            "hidden term largest": self.gamma_largest,
            f"visible term {self.dominance:g} times larger": self.beta_dominates,
            f"hidden term {self.dominance:g} times larger": self.gamma_dominates,
            "state below ŵ": self.state_below,
            "visible term below ŵ": self.beta_below,
            "hidden term below ŵ": self.gamma_below,
            "rule of the code accepts": self.code_accepts,
            "rule of the text accepts": self.text_accepts,
        }
        head = f"TruncatedWindows of T ({self.objective} objective, ν − 1 = {self.growth:.6g})"
        lines = [f"  {name:<34} {in_words(intervals)}" for name, intervals in rows.items()]
        return "\n".join([head, *lines])


def truncated_windows(
    problem: SensingProblem,
    directions: EscapeDirections,
    order: int,
    *,
    rho: float,
    eta: float,
    dominance: float = 10.0,
    surrogate: bool = False,
) -> TruncatedWindows:
    """Return the intervals of T in which terms dominate and published rules accept.

    The mathematics: docs/theory.md, section 7.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    directions : EscapeDirections
        The directions at X̂.
    order : int
        The odd lifting order l.
    rho, eta : float
        ρ > 0, and η > 0 of the truncated recursion.
    dominance : float
        What the ≫ of the text is taken to mean, at least 1.
    surrogate : bool
        Use the diagonal surrogate instead of h^l.

    Returns
    -------
    TruncatedWindows
        All intervals are empty if λ_n ≥ 0: then ν ≤ 1, and nothing grows.

    Raises
    ------
    TypeError, ValueError
        For an order that is even or above 1001, or ρ, η or dominance out of range.
    OverflowError
        If the powers of this order do not fit into float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> directions = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> found = simulated.truncated_windows(problem, directions, 3, rho=0.1, eta=0.01)
    >>> [round(T) for T in found.code_accepts[0]]
    [300, 678]
    """
    order = odd_order(order)
    rho, eta = positive("rho", rho), positive("eta", eta)
    dominance = positive("dominance", dominance)
    if dominance < 1:
        raise InvalidValue(f"dominance: expected at least 1, got {dominance}")
    growth, _ = truncated_rates(directions, order, eta)
    name = "surrogate" if surrogate else "exact"
    if directions.eigenvalue >= 0:
        return TruncatedWindows(dominance, name, growth)
    ratio = _hidden_ratio(directions, order)
    base, _, hidden = (order * units_and_logs(directions.generators)[1]).tolist()
    # Of the three norms: hidden over visible, at equal coefficients −γ̃ and β̃ − ρ, and base over ρ.
    R, base = _exp(ratio + hidden), _exp(base - math.log(rho))
    kind = DiagonalSurrogate if surrogate else SpanObjective
    objective = kind(problem, directions.generators, order)
    level = float(objective.value([1.0, 0.0, 0.0]))

    # Everything is a condition on s = x − 1 = ν^T − 1 ≥ 0: the state is start + s · move.
    beta_largest, gamma_largest = _dominant(R, base, 1.0)
    beta_dominates, gamma_dominates = _dominant(R, base, dominance)
    away = _exp(ratio + math.log(rho))
    if away == math.inf:
        raise OutOfRange(f"the hidden coefficient is beyond float64 at order {order}")
    start, move = np.array([1.0, rho, 0.0]), np.array([0.0, rho, -away])
    state_below = _below(objective, start, move, level)
    beta_below = _below(objective, start * [0, 1, 0], move * [0, 1, 0], level)
    gamma_below = _below(objective, start * [0, 0, 1], move * [0, 0, 1], level)
    code = intersect(unite(beta_largest, gamma_largest), state_below)
    text = unite(intersect(beta_dominates, beta_below), intersect(gamma_dominates, gamma_below))

    # Back from s to T = log(1 + s) / log ν; at high order λ_n^l, and with it log ν, may underflow.
    rate = max(float(np.log1p(growth)), np.finfo(np.float64).tiny)

    def steps(intervals: Intervals) -> Intervals:
        with np.errstate(over="ignore"):
            return proper((np.log1p(low) / rate, np.log1p(high) / rate) for low, high in intervals)

    return TruncatedWindows(
        dominance=dominance,
        objective=name,
        growth=growth,
        beta_largest=steps(beta_largest),
        gamma_largest=steps(gamma_largest),
        beta_dominates=steps(beta_dominates),
        gamma_dominates=steps(gamma_dominates),
        state_below=steps(state_below),
        beta_below=steps(beta_below),
        gamma_below=steps(gamma_below),
        code_accepts=steps(code),
        text_accepts=steps(text),
    )


def _hidden_ratio(directions: EscapeDirections, order: int) -> float:
    """Return the logarithm of R′ = 2 (σ_r / 2|λ_n|)^l, for which γ̃ = −ρ R′ (ν^t − 1)."""
    rates = math.log(directions.singular_value / 2) - math.log(-directions.eigenvalue)
    return math.log(2) + order * rates


def _exp(log: float) -> float:
    """Return exp(log), inf where it does not fit."""
    return math.exp(log) if log < LARGEST_LOG else math.inf


def _dominant(R: float, base: float, factor: float) -> tuple[Intervals, Intervals]:
    """Return the s at which the visible, and the hidden, term is `factor` times the two others.

    The norms are ρ base, ρ (1 + s) and ρ R s, with R = R′ ‖hidden‖^l.
    """
    beta = (max(0.0, factor * base - 1), 1 / (factor * R - 1) if factor * R > 1 else np.inf)
    least = np.inf
    if factor < R and base < np.inf:
        least = max(factor / (R - factor), factor * (base / R))
    return proper([beta]), proper([(least, np.inf)])


def _below(
    objective: SpanObjective | DiagonalSurrogate, start: FloatArray, move: FloatArray, level: float
) -> Intervals:
    """Return the s > 0 at which objective(start + s · move) < level."""
    quartic = np.array(objective.along(start, move))
    quartic[0] -= level
    if not np.any(quartic):
        return ()
    roots = real_roots(quartic)
    # A candidate too many does no harm: between candidates the sign is looked up.
    ends = np.concatenate([[0.0], roots[roots > 0]])
    beyond = min(2 * float(ends[-1]), np.finfo(np.float64).max) if len(ends) > 1 else 1.0
    inner = np.append(ends[:-1] / 2 + ends[1:] / 2, beyond)
    sign, log = signed_log(quartic)
    log_terms = log + np.arange(len(quartic)) * signed_log(inner[:, None])[1]
    negative = signed_log_sum(sign, log_terms)[0] < 0
    pieces = zip(ends, np.append(ends[1:], np.inf), negative, strict=True)
    return unite(tuple((float(low), float(high)) for low, high, holds in pieces if holds))
