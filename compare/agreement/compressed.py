"""The lifted objective inside a small subspace of points: at any n, with k^l entries.

The mathematics: docs/theory.md, section 10, "Compressed problems".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare import lifting, sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.validation import FloatArray, locked, odd_order, whole_number
from lift_compare.simulated.span.default_step import default_rho, default_step_size

from ..tables import Column, text_table
from ..tabular import Tabular
from ..tolerances import ONE_LINE


@dataclass(frozen=True, eq=False, repr=False)
class CompressedLifting(Tabular):
    """Lifted curvature and descent on the l-th power of a k-dimensional subspace.

    Attributes
    ----------
    order : int
        The lifting order l.
    basis : array (k, n, r)
        Orthonormal matrices, X̂ / ‖X̂‖ first; then V*, the visible and the hidden direction, further
        minimisers of q_l, and further visible and hidden directions, as far as they are
        independent.
    ritz_values, symmetric_ritz_values : array (k,)
        The least curvature of h^l at ŵ over tensors in the l-th power of the first j basis
        matrices, j = 1..k, and over the symmetric ones among them: upper bounds of the least over
        all tensors that fall as j grows.
    power_curvature : float
        2 q_l(V*), the least over rank-one powers that was found.
    least_curvature : float or None
        The least over all tensors; None where the search does not fit the memory limit.
    descent : LiftedDescent or None
        The unprojected lifted descent in the subspace from ŵ + ρ vec(V*)^{⊗l}, with k^l entries.
    point : array (n, r) or None
        The matrix of the best symmetric rank-one approximation of its end.
    objective_before, objective_after : float, float or None
        h at X̂, and at that matrix.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> problem = sensing.real_system()
    >>> X = sensing.instance("real-system").stationary_point()
    >>> found = compare.compressed_lifting(problem, X, order=9)
    >>> print(found.basis.shape, f"{found.ritz_values[-1]:.3e} {found.least_curvature:.3e}")
    (3, 3, 1) -5.569e-08 -5.569e-08
    """

    order: int
    basis: FloatArray
    ritz_values: FloatArray
    symmetric_ritz_values: FloatArray
    power_curvature: float
    least_curvature: float | None
    descent: lifting.LiftedDescent | None
    point: FloatArray | None
    objective_before: float
    objective_after: float | None

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each dimension of the subspace."""
        return [
            {"k": k, "entries": k**self.order, "all": every, "symmetric": symmetric}
            for k, (every, symmetric) in enumerate(
                zip(self.ritz_values, self.symmetric_ritz_values, strict=True), 1
            )
        ]

    def table(self) -> str:
        """Return a row for each dimension of the subspace."""
        columns = [
            Column("k", "k", "d"),
            Column("entries", "entries k^l", ",d"),
            Column("all", "least curvature", "+.6e"),
            Column("symmetric", "over symmetric tensors", "+.6e"),
        ]
        least = "not computed" if self.least_curvature is None else f"{self.least_curvature:+.6e}"
        title = (
            f"Order {self.order}: least curvature at ŵ in growing subspaces; along V* "
            f"{self.power_curvature:+.6e}; over all tensors {least}"
        )
        return text_table(columns, self.rows(), title=title)

    def __repr__(self) -> str:
        return (
            f"CompressedLifting(order {self.order}, k = {len(self.basis)}: least curvature "
            f"{self.ritz_values[-1]:.6g}, along V* {self.power_curvature:.6g})"
        )


def compressed_lifting(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    size: int = 4,
    steps: int = 0,
    memory_limit: int | None = None,
    seed: int = 0,
) -> CompressedLifting:
    """Return what the lift does inside a small subspace of points, where no lift of all fits.

    Parameters
    ----------
    problem : SensingProblem
        The problem, with any operator and any n.
    X : array (n, r)
        A stationary point X̂ ≠ 0.
    order : int
        The odd lifting order l.
    size : int
        Dimension k of the subspace at most; tensors have k^l entries.
    steps : int
        Steps of the unprojected lifted descent in the subspace; 0 for none.
    memory_limit : int, optional
        Bytes for each search and for the descent; by default half of the memory available.
    seed : int
        Seed of the eigensolver's start.

    Returns
    -------
    CompressedLifting

    Raises
    ------
    TypeError, ValueError
        For bad input, named.
    lifting.MemoryLimitExceeded
        If k^l entries do not fit the limit.
    ArithmeticError
        If a Lanczos run does not converge (n r > 400 only).

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> problem = sensing.perturbed_completion()
    >>> X = sensing.instance("perturbed-completion").stationary_point()
    >>> found = compare.compressed_lifting(problem, X, order=5, size=2, steps=300)
    >>> bool(found.ritz_values[-1] < 0), found.objective_after < found.objective_before
    (True, True)
    """
    X, order = checked_problem(problem).factor("X", X), odd_order(order)
    size, steps = whole_number("size", size), whole_number("steps", steps, least=0)
    power = simulated.oracle_direction(problem, X, order, count=size)
    basis = np.stack(list(_independent(problem, X, power.directions, size)))
    budget: dict[str, Any] = {"memory_limit": memory_limit, "seed": seed}
    values = []
    for k in range(1, len(basis) + 1):
        small = sensing.compress(problem, basis[:k])
        c = np.tensordot(basis[:k], X, axes=((1, 2), (0, 1)))[:, None]
        values.append(
            [
                lifting.least_curvature_at_point(small, c, order, symmetric=only, **budget).value
                for only in (False, True)
            ]
        )
    try:
        least = lifting.least_curvature_at_point(problem, X, order, **budget).value
    except lifting.MemoryLimitExceeded:
        least = None
    run, point = None, None
    if steps:
        v = np.tensordot(basis, power.direction, axes=((1, 2), (0, 1)))[:, None]
        run, end = _descent(small, order, c, v, steps, memory_limit)
        point = np.tensordot(end, basis, axes=(0, 0))
    return CompressedLifting(
        order=order,
        basis=locked(basis),
        ritz_values=locked(np.array(values)[:, 0]),
        symmetric_ritz_values=locked(np.array(values)[:, 1]),
        power_curvature=power.curvature,
        least_curvature=least,
        descent=run,
        point=point,
        objective_before=problem.objective(X),
        objective_after=None if point is None else problem.objective(point),
    )


def _independent(
    problem: SensingProblem, X: FloatArray, minimisers: FloatArray, size: int
) -> Iterator[FloatArray]:
    """Yield up to `size` orthonormal matrices: X̂, V*, the published directions, and more."""
    first = simulated.escape_directions(problem, X)
    more = simulated.escape_directions(problem, X, count=min(size, problem.n))
    candidates = [X, minimisers[0], *first.generators[1:], *minimisers[1:]]
    candidates += [*more.visibles[1:], *more.hiddens[1:]]
    kept: list[FloatArray] = []
    for matrix in candidates:
        length = float(np.linalg.norm(matrix))
        if length == 0 or len(kept) == size:
            continue
        rest = matrix / length
        for _ in range(2):  # twice, or rounding would leave some of the others in it
            for E in kept:
                rest = rest - np.sum(E * rest) * E
        left = float(np.linalg.norm(rest))
        if left > ONE_LINE:
            kept.append(rest / left)
            yield kept[-1]


def _descent(
    small: SensingProblem,
    order: int,
    c: FloatArray,
    v: FloatArray,
    steps: int,
    memory_limit: int | None,
) -> tuple[lifting.LiftedDescent, FloatArray]:
    """Run the unprojected descent of the compressed problem, and collapse its end to a point."""
    lifted = lifting.LiftedProblem(small, order, memory_limit=memory_limit)
    span = simulated.SpanObjective(small, np.stack([c, v]), order)
    rho = default_rho(span)
    step_size = default_step_size(span, [1.0, rho], iterations=steps)
    start = lifted.lift(c) + rho * lifted.lift(v)
    run = lifting.projected_gradient_descent(lifted, start, step_size=step_size, iterations=steps)
    best = lifting.best_rank_one(run.tensor)
    scale = np.sign(best.weight) * abs(best.weight) ** (1 / order)
    return run, scale * np.asarray(best.vector)
