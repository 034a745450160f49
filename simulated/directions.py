"""Escape directions at a stationary point: base, visible and hidden (docs/theory.md, section 3)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import (
    SensingProblem,
    last_singular_triplet,
    least_eigenpairs,
    relative_gradient_norm,
)
from lift_compare.sensing.validation import FloatArray, whole_number

STATIONARY = 1e-3
"""Relative gradient norm above which `escape_directions` warns that the point is not stationary."""


class NotStationaryWarning(UserWarning):
    """The directions are defined at a stationary point, and the point given is not one."""


@dataclass(frozen=True, repr=False)
class EscapeDirections:
    """What the lifted descent sees at X̂, for one or several least eigenvectors of the landscape matrix G(X̂).

    Attributes
    ----------
    base : array (n, r)
        X̂.
    eigenvalues : array (count,)
        Least eigenvalues of G(X̂), ascending; the first is λ_n.
    eigenvectors : array (n, count)
        Their orthonormal eigenvectors; the first is u_n. Within a tie only their span is determined.
    visibles : array (count, n, r)
        u_i q_rᵀ, of unit norm.
    hiddens : array (count, n, r)
        A*A(u_i v_rᵀ + v_r u_iᵀ) X̂, not normalised.
    singular_value : float
        σ_r, the last nonzero singular value of X̂.
    v, q : array (n,), (r,)
        Its singular vectors: X̂ q = σ_r v.
    eigenvalue_gap : float
        Distance from λ_n to the next eigenvalue; inf for n = 1. A gap at the level of rounding is a tie.
    gradient_norm : float
        ‖∇h(X̂)‖ in units of its terms (`sensing.relative_gradient_norm`).
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

    @property
    def all_generators(self) -> FloatArray:
        """Base, every visible, every hidden: shape (1 + 2 count, n, r)."""
        return np.concatenate([self.base[None], self.visibles, self.hiddens])

    def mixed(self, count: int) -> FloatArray:
        """Return generators cos θ X̂ + sin θ ‖X̂‖_F u_n q_rᵀ at `count` equally spaced angles θ = 0, π/count, ...

        Their l-th powers span min(count, l + 1) dimensions; with count = l + 1 that is the span of
        all symmetric products X̂^{⊗(l−i)} ⊙ (u_n q_rᵀ)^{⊗i}, i = 0 .. l, among which a sum of
        powers of X̂ and u_n q_rᵀ has only the first and the last. The first generator is X̂ itself;
        an even count has ‖X̂‖_F u_n q_rᵀ too.

        Returns
        -------
        array (count, n, r)

        Raises
        ------
        TypeError, ValueError
            If `count` is not a whole number of at least 1.
        """
        angles = np.pi * np.arange(whole_number("count", count)) / count
        size = np.linalg.norm(self.base)
        turned = np.multiply.outer(np.sin(angles), size * self.visible)
        return np.asarray(np.multiply.outer(np.cos(angles), self.base) + turned)

    def __repr__(self) -> str:
        n, r = self.base.shape
        tie = f"gap to the next {self.eigenvalue_gap:.3g}"
        return (
            f"EscapeDirections(n={n}, r={r}, λ_n = {self.eigenvalue:.6g} ({tie}), σ_r = {self.singular_value:.6g}, "
            f"‖hidden‖ = {np.linalg.norm(self.hidden):.6g}, {len(self.eigenvalues)} eigenvector(s), "
            f"relative ‖∇h‖ = {self.gradient_norm:.2g})"
        )


def escape_directions(
    problem: SensingProblem, X: Any, *, count: int | str = 1, tie_tolerance: float = 1e-8
) -> EscapeDirections:
    """Return the escape directions at the stationary point X (docs/theory.md, section 3).

    The sign of u_i against v_r is free, but ŵ + ρ b^{⊗l} and ŵ − ρ b^{⊗l} are different starts. It
    is chosen so that κ = ⟨A(u_i v_rᵀ + v_r u_iᵀ), A(u_i u_iᵀ)⟩ ≥ 0, as in the published numbers.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A stationary point X̂ ≠ 0. When X̂ has deficient rank, (σ_r, v_r, q_r) is its last nonzero singular triplet.
    count : int or "tied"
        How many least eigenvectors of G(X̂) to use, at most n; "tied" takes all whose eigenvalue ties with λ_n.
    tie_tolerance : float
        Eigenvalues closer to λ_n than this times the largest magnitude among the computed ones count as tied.

    Returns
    -------
    EscapeDirections

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape, not finite, or zero; for a count outside 1..n.
    ArithmeticError
        If the Lanczos run for the eigenpairs does not converge (n > 400 only).

    Warns
    -----
    NotStationaryWarning
        If ‖∇h(X)‖ exceeds 1e-3 in units of its terms.
    """
    X = problem.factor("X", X)
    n = problem.n
    tied = isinstance(count, str)
    if tied and count != "tied":
        raise ValueError(f"count: expected a whole number or 'tied', got {count!r}")
    wanted = 1 if tied else whole_number("count", count)
    if wanted > n:
        raise ValueError(f"count: expected at most n = {n}, got {wanted}")
    triplet = last_singular_triplet(X)

    gradient_norm = relative_gradient_norm(problem, X)
    if gradient_norm > STATIONARY:
        warnings.warn(
            f"X: expected a stationary point, but ‖∇h(X)‖ = {np.linalg.norm(problem.gradient(X)):.3g} "
            f"({gradient_norm:.2g} of its terms); descend further or use sensing.polish",
            NotStationaryWarning,
            stacklevel=2,
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
        if kappa < -1e-12 * np.linalg.norm(across) * np.linalg.norm(along):
            U[:, i], across = -U[:, i], -across
        hiddens.append(A.adjoint_matmul(across, X))
    return EscapeDirections(
        X.copy(),
        pairs.values[:wanted],
        U,
        U.T[:, :, None] * triplet.q,
        np.stack(hiddens),
        triplet.value,
        triplet.v,
        triplet.q,
        gap,
        gradient_norm,
    )


def _ties(values: FloatArray, tolerance: float) -> int:
    return int(np.count_nonzero(values - values[0] <= tolerance * np.abs(values).max()))
