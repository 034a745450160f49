"""How much of the lifted gradient a span of powers leaves out.

The mathematics: docs/theory.md, section 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import silently
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.validation import FloatArray, odd_order, real_array

from ..signed_log import to_float
from .cp_gradient import CPGradient


@dataclass(frozen=True, repr=False)
class Leakage:
    """What a projected descent on S leaves out of the real lifted gradient.

    Each is a float, or an array (T+1,) along a path.

    Attributes
    ----------
    captured : float or array
        ‖Π_S ∇h^l(w)‖ / ‖∇h^l(w)‖. NaN where ∇h^l(w) is zero to rounding.
    leakage : float or array
        1 − captured², computed as ‖∇h^l − Π_S ∇h^l‖² / ‖∇h^l‖², so that it is right where next to
        nothing is left out. NaN where ∇h^l(w) is zero to rounding.
    log_gradient_norm : float or array
        log ‖∇h^l(w)‖, −inf where it is zero to rounding.
    rounding : float or array
        Bound of the rounding errors of captured and √leakage, to first order; inf where ∇h^l(w) is
        zero to rounding.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.real_system()
    >>> X = sensing.polish(problem, sensing.instance("real-system").point)
    >>> d = simulated.escape_directions(problem, X)
    >>> simulated.leakage(problem, d.generators, [1.0, 0.1, 0.0], order=3)
    Leakage(captured 0.656, leakage 0.569, ‖∇h^l‖ = 0.00294)
    """

    captured: Any
    leakage: Any
    log_gradient_norm: Any
    rounding: Any

    @property
    def gradient_norm(self) -> Any:
        """‖∇h^l(w)‖; OverflowError where it is beyond float64, or below it and not zero."""
        logs = np.asarray(self.log_gradient_norm)
        norms = to_float(np.ones(logs.shape), logs, "‖∇h^l‖", "use .log_gradient_norm")
        return float(norms) if norms.ndim == 0 else norms

    def __repr__(self) -> str:
        if np.ndim(self.captured) == 0 and np.isnan(self.captured):
            return "Leakage(‖∇h^l‖ is zero to rounding)"
        if np.ndim(self.captured) == 0:
            log10 = self.log_gradient_norm / np.log(10)
            fits = abs(log10) < 300
            norm = f"{np.exp(self.log_gradient_norm):.3g}" if fits else f"1e{log10:.1f}"
            return (
                f"Leakage(captured {self.captured:.3g}, leakage {self.leakage:.3g}, "
                f"‖∇h^l‖ = {norm})"
            )
        known = self.leakage[~np.isnan(self.leakage)]
        span = f"{known.min():.3g} to {known.max():.3g}" if len(known) else "unknown"
        return f"Leakage({len(self.leakage)} states, leakage {span})"


@silently
def leakage(problem: SensingProblem, generators: Any, coefficients: Any, order: int) -> Leakage:
    """Return how much of ∇h^l(w) the span S of the generators' powers captures, and leaves out.

    At w = Σ_j c_j vec(X_j)^{⊗l} the lifted gradient is a sum of powers of A*(A(X_j X_kᵀ)) X_p and
    of A*(b) X_p, N = k²(k+1)/2 + k in all. Its norm, and that of its projection onto S, come from
    the inner products of these matrices, at any n and l and without a tensor (docs/theory.md,
    section 12).

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    generators : array (k, n, r)
        X_1 .. X_k.
    coefficients : array (k,) or (T+1, k)
        c_1 .. c_k, or those of a path: the work that does not depend on c, O(N³), is done once.
    order : int
        The odd lifting order l.

    Returns
    -------
    Leakage

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, numbers that are not finite, or an order that is not odd, or outside
        1..1001.
    OverflowError
        If the measurements of the generators leave float64.

    See Also
    --------
    SpanObjective : `projected_gradient` has the coordinates of what is captured.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> d = simulated.escape_directions(problem, [[0.0], [0.5**0.5]])
    >>> found = simulated.leakage(problem, d.generators, [1.0, 0.1, 0.0], order=3)
    >>> found.leakage < 0.02, round(found.captured**2 + found.leakage, 12)
    (True, 1.0)
    """
    X = real_array("generators", generators, (None, *checked_problem(problem).shape))
    c = real_array("coefficients", coefficients, (..., len(X)))
    order = odd_order(order)
    lead = c.shape[:-1]
    inside, outside, error, scale = CPGradient.of(problem, X, order).parts(c.reshape(-1, len(X)))
    norm = np.hypot(inside, outside)
    known = norm > error
    size = np.where(known, norm, 1.0)
    return Leakage(
        _shaped(np.where(known, inside / size, np.nan), lead),
        _shaped(np.where(known, (outside / size) ** 2, np.nan), lead),
        _shaped(np.where(known, np.log(size) + scale, -np.inf), lead),
        _shaped(np.where(known, error / size, np.inf), lead),
    )


def _shaped(values: FloatArray, lead: tuple[int, ...]) -> Any:
    return float(values[0]) if lead == () else values.reshape(lead)
