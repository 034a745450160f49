"""Escape directions at a stationary point: base, visible and hidden (docs/theory.md, section 3)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem, relative_gradient_norm
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.spectrum import last_singular_triplet, least_eigenpairs
from lift_compare.sensing.tolerances import KAPPA_SIGN, NEARLY_STATIONARY, TIED
from lift_compare.sensing.validation import FloatArray, InvalidValue, OutOfRange, whole_number

from .unit_scale import at_unit_scale, in_given_units


class NotStationaryWarning(UserWarning):
    """The directions are defined at a stationary point, and the point given is not one.

    Examples
    --------
    >>> import warnings
    >>> from lift_compare import sensing, simulated
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     d = simulated.escape_directions(sensing.two_by_two(), [[0.5], [0.5]])
    >>> said[0].category is simulated.NotStationaryWarning
    True
    """


@dataclass(frozen=True, repr=False)
class EscapeDirections:
    """What the lifted descent sees at X̂, for one or several least eigenvectors u_i of G(X̂).

    Attributes
    ----------
    base : array (n, r)
        X̂.
    eigenvalues : array (count,)
        Least eigenvalues of G(X̂), ascending; the first is λ_n.
    eigenvectors : array (n, count)
        Their orthonormal eigenvectors; the first is u_n. Within a tie only their span is
        determined.
    visibles : array (count, n, r)
        u_i q_rᵀ, of unit norm.
    hiddens : array (count, n, r)
        A*A(u_i v_rᵀ + v_r u_iᵀ) X̂, not normalised.
    singular_value : float
        σ_r, the last nonzero singular value of X̂.
    v, q : array (n,), (r,)
        Its singular vectors: X̂ q = σ_r v.
    eigenvalue_gap : float
        Distance from λ_n to the next eigenvalue; inf for n = 1. A gap at the level of rounding is
        a tie.
    gradient_norm : float
        ‖∇h(X̂)‖ in units of its terms (`sensing.relative_gradient_norm`).

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> d = simulated.escape_directions(sensing.two_by_two(), [[0.0], [0.5**0.5]])
    >>> round(d.eigenvalue, 9), round(d.singular_value, 9)
    (-0.75, 0.707106781)
    >>> abs(d.visible).round(9) + 0.0
    array([[1.],
           [0.]])
    """

    base: FloatArray
    eigenvalues: FloatArray
    eigenvectors: FloatArray
    visibles: FloatArray
    hiddens: FloatArray
    singular_value: float
    v: FloatArray
    q: FloatArray
    eigenvalue_gap: float
    gradient_norm: float

    def __post_init__(self) -> None:
        # Copies that nobody can change: the parts belong together.
        for name in ("base", "eigenvalues", "eigenvectors", "visibles", "hiddens", "v", "q"):
            part = np.array(getattr(self, name), dtype=np.float64)
            part.setflags(write=False)
            object.__setattr__(self, name, part)

    @property
    def eigenvalue(self) -> float:
        """λ_n, the least eigenvalue of G(X̂)."""
        return float(self.eigenvalues[0])

    @property
    def u(self) -> FloatArray:
        """u_n, shape (n,)."""
        return self.eigenvectors[:, 0]

    @property
    def visible(self) -> FloatArray:
        """u_n q_rᵀ, shape (n, r)."""
        return np.asarray(self.visibles[0])

    @property
    def hidden(self) -> FloatArray:
        """A*A(u_n v_rᵀ + v_r u_nᵀ) X̂, shape (n, r)."""
        return np.asarray(self.hiddens[0])

    @property
    def generators(self) -> FloatArray:
        """The published three, (base, visible, hidden), shape (3, n, r)."""
        return np.stack([self.base, self.visible, self.hidden])

    def in_units(self, exponent: int) -> EscapeDirections:
        """Return the directions at X̂ 2^exponent, for measurements b 2^(2 exponent)."""
        if exponent == 0:
            return self
        with np.errstate(under="ignore"):  # eigenvalues that are rounding
            return replace(
                self,
                base=in_given_units(self.base, exponent, "X"),
                hiddens=in_given_units(self.hiddens, exponent, "the hidden direction"),
                singular_value=float(np.ldexp(self.singular_value, exponent)),
                eigenvalues=np.ldexp(self.eigenvalues, 2 * exponent),
                eigenvalue_gap=float(np.ldexp(self.eigenvalue_gap, 2 * exponent)),
            )

    def flipped(self) -> EscapeDirections:
        """Return the directions with every u_i replaced by −u_i, whose sign no theory fixes."""
        return replace(
            self,
            eigenvectors=-self.eigenvectors,
            visibles=-self.visibles,
            hiddens=-self.hiddens,
        )

    @np.errstate(over="ignore", under="ignore")
    def __repr__(self) -> str:
        n, r = self.base.shape
        count = len(self.eigenvalues)
        return (
            f"EscapeDirections(n={n}, r={r}, λ_n = {self.eigenvalue:.6g} "
            f"(gap to the next {self.eigenvalue_gap:.3g}), σ_r = {self.singular_value:.6g}, "
            f"‖hidden‖ = {np.linalg.norm(self.hidden):.6g}, {count} eigenvector(s), "
            f"relative ‖∇h‖ = {self.gradient_norm:.2g})"
        )


# Only what is beside larger terms underflows in unit scale, and what overflows is looked for.
@np.errstate(over="ignore", under="ignore", invalid="ignore")
def escape_directions(
    problem: SensingProblem, X: Any, *, count: int | str = 1, tie_tolerance: float = TIED
) -> EscapeDirections:
    """Return the escape directions at the stationary point X (docs/theory.md, section 3).

    The sign of u_i against v_r is free, but ŵ + ρ v̂ and ŵ − ρ v̂ are different starts. It
    is chosen so that κ = ⟨A(u_i v_rᵀ + v_r u_iᵀ), A(u_i u_iᵀ)⟩ ≥ 0, as in the published numbers.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A stationary point X̂ ≠ 0. When X̂ has deficient rank, (σ_r, v_r, q_r) is its last nonzero
        singular triplet.
    count : int or "tied"
        How many least eigenvectors of G(X̂) to use, at most n; "tied" takes all whose eigenvalue
        ties with λ_n.
    tie_tolerance : float
        Eigenvalues closer to λ_n than this times the largest magnitude of a computed one count as
        tied.

    Returns
    -------
    EscapeDirections

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape, not finite, or zero; for a count outside 1..n.
    ArithmeticError
        If the Lanczos run for the eigenpairs does not converge (n > 400 only).
    OverflowError
        If X is so large that h, or a direction, leaves float64.

    Warns
    -----
    NotStationaryWarning
        If ‖∇h(X)‖ exceeds 1e-3 in units of its terms.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.perturbed_completion()
    >>> X = sensing.polish(problem, [[0.9], [0.0], [-0.9]])
    >>> simulated.escape_directions(problem, X, count="tied").eigenvalues.round(6)
    array([-0.330275])
    """
    X = checked_problem(problem).factor("X", X)
    n = problem.n
    tied = isinstance(count, str)
    if tied and count != "tied":
        raise InvalidValue(f"count: expected a whole number or 'tied', got {count!r}")
    wanted = 1 if tied else whole_number("count", count)
    if wanted > n:
        raise InvalidValue(f"count: expected at most n = {n}, got {wanted}")
    problem, X, exponent = at_unit_scale(problem, X)
    triplet = last_singular_triplet(X)

    if not np.all(np.isfinite(problem.gradient(X))):
        raise OutOfRange("the gradient of h at X leaves float64; scale the A_i")
    gradient_norm = relative_gradient_norm(problem, X)
    if gradient_norm > NEARLY_STATIONARY:
        with np.errstate(over="ignore", under="ignore"):
            norm = float(np.ldexp(np.linalg.norm(problem.gradient(X)), 3 * exponent))
        warnings.warn(
            f"X: expected a stationary point, but ‖∇h(X)‖ = {norm:.3g} "
            f"({gradient_norm:.2g} of its terms); descend further or use sensing.polish",
            NotStationaryWarning,
            stacklevel=3,
        )

    pairs = least_eigenpairs(problem, X, min(wanted + 1, n))
    if tied:
        while len(pairs.values) < n and _ties(pairs.values, tie_tolerance) == len(pairs.values):
            pairs = least_eigenpairs(problem, X, min(2 * len(pairs.values), n))
        wanted = _ties(pairs.values, tie_tolerance)
    gap = float(pairs.values[1] - pairs.values[0]) if n > 1 else float("inf")
    U = pairs.vectors[:, :wanted].copy()

    A, v = problem.operator, triplet.v[:, None]
    hiddens = []
    for i in range(wanted):
        u = U[:, [i]]
        across, along = 2 * A.measure(u, v), A.measure(u, u)
        kappa = across @ along
        # The published sign. Where κ is zero to rounding the sign means nothing, and is kept.
        if kappa < -KAPPA_SIGN * np.linalg.norm(across) * np.linalg.norm(along):
            U[:, i], across = -U[:, i], -across
        hiddens.append(A.adjoint_matmul(across, X))
    if not np.all(np.isfinite(hiddens)):
        raise OutOfRange("the hidden direction leaves float64; scale the A_i")
    found = EscapeDirections(
        base=X,
        eigenvalues=pairs.values[:wanted],
        eigenvectors=U,
        visibles=U.T[:, :, None] * triplet.q,
        hiddens=np.stack(hiddens),
        singular_value=triplet.value,
        v=triplet.v,
        q=triplet.q,
        eigenvalue_gap=gap,
        gradient_norm=gradient_norm,
    ).in_units(exponent)
    decisive = [found.singular_value, found.gradient_norm, *found.eigenvalues]
    if not np.all(np.isfinite(decisive)) or found.singular_value == 0:
        raise OutOfRange("the directions at X leave float64; scale the A_i, or b and X")
    return found


def _ties(values: FloatArray, tolerance: float) -> int:
    return int(np.count_nonzero(values - values[0] <= tolerance * np.abs(values).max()))
