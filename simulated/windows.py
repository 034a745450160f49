"""Windows of T for the truncated path: which term dominates, when a collapse is accepted (section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, positive

from .directions import EscapeDirections
from .span import SpanObjective
from .surrogate import DiagonalSurrogate
from .truncated import truncated_rates

Intervals = tuple[tuple[float, float], ...]
"""Disjoint open intervals, ascending; an end may be inf."""


@dataclass(frozen=True, repr=False)
class TruncatedWindows:
    """Where, in the number of steps T, the truncated path meets the conditions of the published method.

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
        The objective of the whole state, of the visible or of the hidden term alone, is below that of ŵ.
    code_accepts, text_accepts : Intervals
        The published rule of the code, and that of the text, accepts.
    """

    dominance: float
    objective: str
    growth: float
    beta_largest: Intervals
    gamma_largest: Intervals
    beta_dominates: Intervals
    gamma_dominates: Intervals
    state_below: Intervals
    beta_below: Intervals
    gamma_below: Intervals
    code_accepts: Intervals
    text_accepts: Intervals

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
        lines = [f"  {name:<34} {_show(intervals)}" for name, intervals in rows.items()]
        return "\n".join(
            [
                f"TruncatedWindows of T ({self.objective} objective, ν − 1 = {self.growth:.6g})",
                *lines,
            ]
        )


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
    """Return the intervals of T in which terms dominate and published rules accept (docs/theory.md, section 7).

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
        For an even order, or ρ, η or dominance out of range.
    OverflowError
        If the powers of this order do not fit into float64.
    """
    order = odd_order(order)
    rho, eta = positive("rho", rho), positive("eta", eta)
    dominance = _at_least_one(dominance)
    growth, _ = truncated_rates(directions, order, eta)
    name = "surrogate" if surrogate else "exact"
    if directions.eigenvalue >= 0:
        nowhere: list[Intervals] = [()] * 9
        return TruncatedWindows(dominance, name, growth, *nowhere)
    rate = max(
        float(np.log1p(growth)), np.finfo(np.float64).tiny
    )  # at high order λ_n^l may underflow
    ratio = hidden_ratio(directions, order)
    base, _, hidden = np.linalg.norm(directions.generators, axis=(1, 2)) ** order
    objective = (DiagonalSurrogate if surrogate else SpanObjective)(
        problem, directions.generators, order
    )
    level = float(objective.value([1.0, 0.0, 0.0]))

    # Everything is a condition on s = x − 1 = ν^T − 1 ≥ 0.
    beta_largest, gamma_largest = _dominant(rho, ratio * hidden, base, 1.0)
    beta_dominates, gamma_dominates = _dominant(rho, ratio * hidden, base, dominance)
    start, move = np.array([1.0, rho, 0.0]), np.array([0.0, rho, -rho * ratio])
    state_below = _below(objective, start, move, level)
    beta_below = _below(objective, start * [0, 1, 0], move * [0, 1, 0], level)
    gamma_below = _below(objective, start * [0, 0, 1], move * [0, 0, 1], level)
    code = _intersect(_unite(beta_largest, gamma_largest), state_below)
    text = _unite(_intersect(beta_dominates, beta_below), _intersect(gamma_dominates, gamma_below))
    windows: list[Intervals] = [
        _proper([(float(np.log1p(low)) / rate, float(np.log1p(high)) / rate) for low, high in intervals])
        for intervals in (
            beta_largest, gamma_largest, beta_dominates, gamma_dominates,
            state_below, beta_below, gamma_below, code, text,
        )
    ]  # fmt: skip
    return TruncatedWindows(dominance, name, growth, *windows)


def hidden_ratio(directions: EscapeDirections, order: int) -> float:
    """Return R′ = 2 (σ_r / 2|λ_n|)^l, so that γ̃ = −ρ R′ (ν^t − 1); inf if it does not fit, or λ_n = 0."""
    with np.errstate(over="ignore", divide="ignore"):
        return float(
            2
            * np.float64(directions.singular_value / (2 * np.float64(abs(directions.eigenvalue))))
            ** order
        )


@dataclass(frozen=True, repr=False)
class TruncatedPhases:
    """What the truncated path does on a grid of settings; all arrays have the broadcast shape of (ρ, η, T).

    Attributes
    ----------
    largest : array of str
        Which term has the largest norm: "base", "visible" or "hidden".
    dominates : array of bool
        Whether the larger of the visible and the hidden term is `dominance` times larger than the two others.
    code_accepts, text_accepts : array of bool
        Whether the published rule of the code, or of the text, accepts.
    log_norms : array (..., 3)
        Logarithms of the norms of the three terms.
    """

    largest: Any
    dominates: Any
    code_accepts: Any
    text_accepts: Any
    log_norms: FloatArray

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self.largest.shape)) or "one point"
        return (
            f"TruncatedPhases({shape}: rule of the code accepts {np.mean(self.code_accepts):.0%}, "
            f"of the text {np.mean(self.text_accepts):.0%})"
        )


def classify_truncated(
    problem: SensingProblem,
    directions: EscapeDirections,
    order: int,
    *,
    rho: Any,
    eta: Any,
    steps: Any,
    dominance: float = 10.0,
    surrogate: bool = False,
) -> TruncatedPhases:
    """Classify the truncated state on a grid, by evaluating it at every point (docs/theory.md, section 7).

    Parameters
    ----------
    problem, directions, order, dominance, surrogate
        As for `truncated_windows`.
    rho, eta, steps : array
        ρ > 0, η > 0 and T ≥ 0; they are broadcast against each other.

    Returns
    -------
    TruncatedPhases
        States whose objective leaves float64 are never accepted.

    Raises
    ------
    TypeError, ValueError
        For an even order, or settings out of range.
    OverflowError
        If λ_n^l or σ_r^l does not fit into float64.
    """
    order, dominance = odd_order(order), _at_least_one(dominance)
    rho, eta, T = np.broadcast_arrays(
        *(np.asarray(value, dtype=np.float64) for value in (rho, eta, steps))
    )
    for name, value, good in (("rho", rho, rho > 0), ("eta", eta, eta > 0), ("steps", T, T >= 0)):
        if not np.all(good & np.isfinite(value)):
            raise ValueError(
                f"{name}: expected finite numbers {'>= 0' if name == 'steps' else '> 0'}"
            )
    growth, drive = (eta * rate for rate in truncated_rates(directions, order, 1.0))
    if np.any(growth <= -1):
        raise ValueError("eta: expected η λ_n^l below 1, where ν stays positive")
    log_nu = np.log1p(growth)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        sums = np.where(growth == 0, T, np.expm1(T * log_nu) / np.where(growth == 0, 1.0, growth))
        c = np.stack([np.ones_like(rho), rho * np.exp(T * log_nu), -rho * drive * sums], axis=-1)
        # (ν^T − 1)/(ν − 1) is ν^T/(ν − 1) where it overflows.
        log_sums = np.where(np.isfinite(sums), np.log(sums), T * log_nu - np.log(np.abs(growth)))
        log_c = np.stack(
            [np.zeros_like(rho), np.log(rho) + T * log_nu, np.log(rho * drive) + log_sums], axis=-1
        )
        log_norms = log_c + order * np.log(np.linalg.norm(directions.generators, axis=(1, 2)))

    hidden_leads = log_norms[..., 2] > log_norms[..., 1]
    leading = np.where(hidden_leads, log_norms[..., 2], log_norms[..., 1])
    others = np.maximum(
        log_norms[..., 0], np.where(hidden_leads, log_norms[..., 1], log_norms[..., 2])
    )
    dominates = leading >= np.log(dominance) + others
    objective = (DiagonalSurrogate if surrogate else SpanObjective)(
        problem, directions.generators, order
    )
    alone = np.where(
        np.stack([np.zeros_like(hidden_leads), ~hidden_leads, hidden_leads], axis=-1), c, 0.0
    )
    return TruncatedPhases(
        np.array(["base", "visible", "hidden"])[np.argmax(log_norms, axis=-1)],
        dominates,
        (leading > others) & _is_below(objective, c),
        dominates & _is_below(objective, alone),
        log_norms,
    )


def _is_below(objective: SpanObjective | DiagonalSurrogate, c: FloatArray) -> Any:
    """Return whether the objective at c is below that of ŵ; False where it leaves float64."""
    fits = np.all(np.abs(c) < 1e60, axis=-1)
    safe = np.where(fits[..., None], np.nan_to_num(c), 0.0)
    if isinstance(objective, DiagonalSurrogate):
        return fits & (objective.value(safe) < objective.value([1.0, 0.0, 0.0]))
    sign, log = objective.log_gain(safe)
    sign_level, log_level = objective.log_gain([1.0, 0.0, 0.0])
    top = np.maximum(np.where(sign == 0, -np.inf, log), log_level)
    top = np.where(np.isfinite(top), top, 0.0)
    return fits & (sign * np.exp(log - top) > sign_level * np.exp(log_level - top))


def _at_least_one(dominance: Any) -> float:
    value = positive("dominance", dominance)
    if value < 1:
        raise ValueError(f"dominance: expected at least 1, got {value}")
    return value


def _dominant(rho: float, R: float, base: float, factor: float) -> tuple[Intervals, Intervals]:
    """Return the s = x − 1 at which the visible and the hidden term is `factor` times larger than the two others.

    The norms are `base`, ρ (1 + s) and ρ R s, with R = R′ ‖hidden‖^l.
    """
    above_base = factor * base / rho - 1
    beta = (max(0.0, above_base), 1 / (factor * R - 1) if factor * R > 1 else np.inf)
    gamma = (
        max(factor / (R - factor), factor * base / (rho * R)) if factor < R else np.inf,
        np.inf,
    )
    return _proper([beta]), _proper([gamma])


def _below(
    objective: SpanObjective | DiagonalSurrogate, start: FloatArray, move: FloatArray, level: float
) -> Intervals:
    """Return the s > 0 at which objective(start + s · move) < level."""
    quartic = np.array(objective.along(start, move))
    quartic[0] -= level
    used = np.flatnonzero(quartic)
    if len(used) == 0:
        return ()
    # s in units that make the terms of like size, for the sake of the root finder.
    last = used[-1]
    unit = max(
        (abs(quartic[i] / quartic[last]) ** (1 / (last - i)) for i in used[:-1]), default=1.0
    )
    scaled = quartic[: last + 1] * unit ** np.arange(last + 1)
    roots = np.roots(scaled[::-1])
    # A candidate too many does no harm: between candidates the sign is looked up.
    ends = np.sort(roots.real[(roots.real > 0) & (np.abs(roots.imag) <= 1e-4 * np.abs(roots))])
    ends = np.concatenate([[0.0], ends])
    inner = np.append((ends[:-1] + ends[1:]) / 2, 2 * ends[-1] + 1)
    negative = np.polynomial.polynomial.polyval(inner, scaled) < 0
    pieces = zip(ends * unit, np.append(ends[1:] * unit, np.inf), negative, strict=True)
    return _unite(tuple((float(low), float(high)) for low, high, holds in pieces if holds))


def _proper(pieces: list[tuple[float, float]]) -> Intervals:
    return tuple((float(low), float(high)) for low, high in pieces if low < high)


def _intersect(first: Intervals, second: Intervals) -> Intervals:
    return _proper(sorted((max(a, c), min(b, d)) for a, b in first for c, d in second))


def _unite(*parts: Intervals) -> Intervals:
    """Return the union; intervals that touch become one."""
    merged: list[tuple[float, float]] = []
    for low, high in sorted(piece for part in parts for piece in part):
        if merged and low <= merged[-1][1] * (1 + 1e-12):
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def _show(intervals: Intervals) -> str:
    return " and ".join(f"{low:.6g} < T < {high:.6g}" for low, high in intervals) or "never"
