"""The product oracle direction: the power along which ŵ has the most negative curvature.

The mathematics: docs/theory.md, section 11.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem, StopReason
from lift_compare.sensing.floats import norm, silently
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import SAME_DIRECTION, SINGULAR
from lift_compare.sensing.validation import FloatArray, locked, odd_order, whole_number

from ..signed_log import LARGEST_LOG, LOG_2, to_float
from .certificate import certify
from .landscape_forms import LandscapeForms, signed
from .power_form import PowerForm
from .sphere import Minima, minimise_on_sphere

_PLAIN_ORDER = 9  # beyond it the minimisers at a third of the order are starts as well
_NORMAL_STARTS = 24
_SMALL = 64  # d up to which a minimisation is made from every start
_LARGE_STARTS = 3  # beyond it, from the lowest ones only
_OFF_GAUGE = 0.3


@dataclass(frozen=True, eq=False, repr=False)
class OracleDirection:
    """The unit V with the least q_l(V) = K₁^l − K₂^l + 2 K₃^l that was found, and other minima.

    Attributes
    ----------
    order : int
        l.
    directions : array (count, n, r)
        Local minimisers, the lowest first, of unit norm; no two are the same up to sign and to
        rotations V ↦ VQ with XQᵀ = X, which q_l does not see. There may be fewer than asked for.
    curvatures : array (count,)
        ⟨v, ∇²h^l(ŵ)[v]⟩ = 2 q_l(V) for v = vec(V)^{⊗l}: 0 where it is below float64, or negative by
        no more than rounding.
    rounding : float
        That of the first: l · 1e-15 times its terms, math.inf beyond float64. It is 0 where these
        cancel, as K₁ and K₂ do at a truth, to no more than this.
    is_saddle : bool
        Whether the first is negative beyond rounding: ŵ is then a strict saddle of h^l.
    starts : int
        Number of minimisations made.
    iterations : int
        Newton steps of the one that ended lowest.
    gradient_norm : float
        Where it ended, the gradient of q_l on the sphere in units of its terms.
    stop_reason : StopReason
        Why it ended.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.perturbed_completion()
    >>> X = sensing.polish(problem, [[0.9], [0.0], [-0.9]])
    >>> found = simulated.oracle_direction(problem, X, order=5)
    >>> found.is_saddle, found.stop_reason.name
    (True, 'CONVERGED')
    """

    order: int
    directions: FloatArray
    curvatures: FloatArray
    rounding: float
    is_saddle: bool
    starts: int
    iterations: int
    gradient_norm: float
    stop_reason: StopReason

    def __post_init__(self) -> None:
        for name in ("directions", "curvatures"):
            object.__setattr__(self, name, locked(getattr(self, name)))

    @property
    def direction(self) -> FloatArray:
        """The lowest minimiser V*, shape (n, r)."""
        return np.asarray(self.directions[0])

    @property
    def curvature(self) -> float:
        """2 q_l(V*)."""
        return float(self.curvatures[0])

    def __repr__(self) -> str:
        count, n, r = self.directions.shape
        verdict = "strict saddle" if self.is_saddle else "no strict saddle found"
        return (
            f"OracleDirection(n={n}, r={r}, order {self.order}: curvature {self.curvature:.6g}, "
            f"{verdict}; {count} of {self.starts} minima kept, relative gradient "
            f"{self.gradient_norm:.2g}; {self.stop_reason})"
        )


@silently
def oracle_direction(
    problem: SensingProblem, X: Any, order: int, *, count: int = 1
) -> OracleDirection:
    """Return the direction of least lifted curvature at ŵ among all rank-one powers.

    q_l(V) = K₁^l − K₂^l + 2 K₃^l is minimised over the unit sphere of R^{n×r} by Newton steps, from
    the least eigenvectors of combinations of N₁, N₂ and P, from the direction that a certificate is
    refuted by, from a few normal ones with a fixed seed, and at high order from the minimisers at a
    lower one. The result is deterministic. It is the lowest minimum found; `saddle_certificate`
    tells whether there can be negative ones that were not.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The point; it need not be stationary.
    order : int
        The odd lifting order l.
    count : int
        How many distinct minimisers to return, if as many are found.

    Returns
    -------
    OracleDirection

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite, a bad count, or an order that is not odd, or outside
        1..1001.
    ArithmeticError
        If a Lanczos run does not converge (d > 400 only); as OverflowError, if the curvature, or
        one of the forms, leaves float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.real_system()
    >>> X = sensing.instance("real-system").stationary_point()
    >>> found = simulated.oracle_direction(problem, X, order=9)
    >>> round(found.curvature * 1e8, 2), found.is_saddle
    (-5.56, True)
    """
    order, count = odd_order(order), whole_number("count", count)
    forms = LandscapeForms.at(problem, checked_problem(problem).factor("X", X))
    return described(minima(forms, order, count), count)


def described(found: Minima, count: int) -> OracleDirection:
    """Return the lowest distinct minima as a result, in the units of the problem."""
    at, X = found.at, found.at.forms.X
    kept: list[int] = []
    for i in range(len(at.V)):
        if len(kept) < count and not any(same_direction(X, at.V[i], at.V[j]) for j in kept):
            kept.append(i)
    best = at[np.array(kept)]
    signs = np.where((best.sign > 0) | best.is_saddle, best.sign, 0.0)  # else rounding of zero
    unit = LOG_2 + best.order * best.forms.log_unit
    logs, rounding = best.log + unit, float(best.rounding[0] + unit)
    return OracleDirection(
        order=best.order,
        directions=signed(best.V),
        curvatures=to_float(signs, logs, "the curvature", small_is_zero=True),
        rounding=math.exp(rounding) if rounding <= LARGEST_LOG else math.inf,
        is_saddle=bool(best.is_saddle[0]),
        starts=len(at.V),
        iterations=int(found.iterations[0]),
        gradient_norm=float(found.gradient_norms[0]),
        stop_reason=found.stop_reasons[0],
    )


def minima(
    forms: LandscapeForms, order: int, count: int = 1, extra: Iterable[FloatArray] = ()
) -> Minima:
    """Return the local minima of q_l that the starts lead to, the lowest first."""
    starts = [*extra, *_starts(forms, order, count)]
    if order > _PLAIN_ORDER and forms.matrices is not None:
        lower = order // 3
        starts += list(minima(forms, lower + 1 - lower % 2, count).at.V[: count + 1])
    V = np.stack(starts)
    if forms.dimension > _SMALL:
        at = PowerForm.at(forms, order, V)
        V = at.V[at.ascending()[: _LARGE_STARTS + count - 1]]
    return minimise_on_sphere(forms, order, V)


def _starts(forms: LandscapeForms, order: int, count: int) -> Iterator[FloatArray]:
    """Yield the starts of a minimisation, of shape (n, r)."""
    n, r = forms.shape
    # 1. Where N₂ is large, and P and N₁ are small or do not matter.
    most = 1 if forms.matrices is None else min(r + count, forms.dimension)
    for weights in ((0, -1, 1), (1, 0, 1), (1, -1, 1), (1, -1, 2)):
        yield from forms.least(weights, most, rough=True).vectors
    # 2. The same without P, with the visible direction: N ⊗ I_r has the eigenspace u ⊗ R^r, in
    # which P decides.
    for weights in ((0, -1, 0), (1, 0, 0), (1, -1, 0)):
        u = np.linalg.svd(forms.least(weights, rough=True).vectors[0], full_matrices=False)[0][:, 0]
        rows = u[:, None] * np.eye(r)[:, None, :]
        small = np.einsum("inr,n->ir", forms.products(rows)[:, 2], u)
        for q in np.linalg.eigh(small)[1].T:
            yield u[:, None] * q
    # 3. Rank above one: XΩ with skew Ω has q_l = 0, and near it q_l < 0 where G(X) is indefinite.
    _, _, Qt = np.linalg.svd(forms.X, full_matrices=False)
    for i in range(r):
        for j in range(i):
            gauge = forms.X @ (np.outer(Qt[j], Qt[i]) - np.outer(Qt[i], Qt[j]))
            if np.any(gauge):
                for sign in (-1, 1):
                    yield gauge / norm(gauge) + sign * _OFF_GAUGE * u[:, None] * Qt[i]
    # 4. What refutes a certificate.
    if forms.matrices is not None and order > 1:
        refuting = certify(forms, order).direction
        if refuting is not None:
            yield refuting
    # 5. A few that know nothing.
    if forms.dimension <= _SMALL:
        yield from np.random.default_rng(0).standard_normal((_NORMAL_STARTS * count, n, r))


def same_direction(X: FloatArray, V: FloatArray, W: FloatArray) -> bool:
    """Whether two unit directions agree up to what q_l does not see.

    q_l(VQ) = q_l(V) for an orthogonal Q with XQᵀ = ±X: Q is free on the kernel of X.
    """
    _, values, Qt = np.linalg.svd(X)
    rank = int(np.count_nonzero(values > SINGULAR * values[0]))
    rows, kernel = Qt[:rank], Qt[rank:]
    fixed = abs(float(np.vdot(V @ rows.T, W @ rows.T)))
    free = np.linalg.svd((V @ kernel.T).T @ (W @ kernel.T), compute_uv=False).sum()
    return bool(fixed + free > 1 - SAME_DIRECTION)
