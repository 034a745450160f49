"""Escape by a lifted descent over two moving generators: X̂ and one started along V*.

The mathematics: docs/theory.md, section 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lift_compare.sensing.spectrum import least_eigenpairs
from lift_compare.sensing.validation import (
    FloatArray,
    odd_order,
    positive,
    true_or_false,
    whole_number,
)

from ..generators.minimum import minimise
from ..generators.objective import GeneratorObjective
from ..points.oracle import oracle_direction
from .collapse import collapse
from .result import Escape, EscapeReason
from .start import Start

ORDERS = (5, 7, 9, 13)
"""Orders tried in turn: the first three solve the most, and 13 a few that they do not."""

_SPECTRAL = 3  # last eigenvectors of A*(b) tried


class Way(NamedTuple):
    """A direction of unit norm in which the second generator starts, and its name."""

    name: str
    direction: FloatArray


@dataclass(frozen=True)
class Pair:
    """Escape by descent of h^l over w = vec(X₁)^{⊗l} + vec(X₂)^{⊗l}, and collapse.

    A fixed span leads nowhere if no matrix of the span of its generators lies below X̂; here they
    move. The descent starts at (X̂, ±s V), s = `step` ‖X̂‖, for V in this order, each at every order:

    1. the oracle direction V*: the unit V along which the curvature at ŵ is least;
    2. further minimisers of that curvature, `directions_tried` in all;
    3. u_j q_iᵀ with the last three eigenvectors u_j of A*(b) and the right singular vectors q_i
       of X̂.

    The end is collapsed, to its best symmetric rank-one approximation. If h is not lower there,
    these are candidates too: the collapsed point and both generators, each at its best multiple,
    followed by a descent of h. At order 1 this is a descent of h from X̂ ± s V, and no lifting.

    Attributes
    ----------
    order : int or None
        The odd lifting order l; None: 5, 7, 9 and 13 in turn.
    directions_tried : int
        Number of oracle directions V.
    step : float
        s, in units of ‖X̂‖.
    spectral : bool
        Whether to go on with the eigenvectors of A*(b).
    refine : bool
        Whether to descend on h from candidates that are not lower.
    max_iterations : int
        Steps of each descent at most.
    """

    order: int | None = None
    directions_tried: int = 2
    step: float = 0.5
    spectral: bool = True
    refine: bool = True
    max_iterations: int = 300

    def __post_init__(self) -> None:
        if self.order is not None:
            odd_order(self.order)
        whole_number("directions_tried", self.directions_tried)
        positive("step", self.step)
        for name in ("spectral", "refine"):
            true_or_false(name, getattr(self, name))
        whole_number("max_iterations", self.max_iterations)

    def attempt(self, start: Start) -> Escape:
        """Look for a lower point from X̂."""
        X, tried, evaluations = start.X, 0, 0
        size = self.step * float(np.linalg.norm(X))
        for order, way in self._ways(start):  # V* at least
            objective = GeneratorObjective(start.problem, order)
            for sign in (1.0, -1.0):
                pair, count = minimise(
                    objective, np.stack([X, sign * size * way.direction]), self.max_iterations
                )
                tried, evaluations = tried + 1, evaluations + count
                for kind, point in self._candidates(start, pair, order):
                    lower, value = start.lowers(point)
                    if lower:
                        details = (
                            f"from X̂ and {sign * self.step:+g} ‖X̂‖ along {way.name}; {tried} "
                            f"descents of pairs, {evaluations} evaluations"
                        )
                        more = {"generators": pair, "coefficients": np.ones(2)}
                        return start.success(
                            point, value, kind, order=order, details=details, **more
                        )
        details = f"{tried} descents of pairs, {evaluations} evaluations"
        return start.failure(EscapeReason.NO_DECREASE, order=order, details=details)

    def _ways(self, start: Start) -> Iterator[tuple[int, Way]]:
        """Yield orders and directions in the order in which they are tried."""
        problem, X = start.problem, start.X
        orders = ORDERS if self.order is None else (self.order,)
        found = {}
        for order in orders:
            oracle = oracle_direction(problem, X, order, count=self.directions_tried)
            found[order] = oracle.directions
            yield from ((order, Way("V*", V)) for V in found[order][:1])
        for order in orders:
            others = enumerate(found[order][1:], start=2)
            yield from ((order, Way(f"oracle direction {j}", V)) for j, V in others)
        if self.spectral:
            # G(0) = −A*(b).
            count = min(_SPECTRAL, problem.n)
            u = least_eigenpairs(problem, np.zeros(problem.shape), count).vectors
            q = np.linalg.svd(X, full_matrices=False)[2]
            ways = [
                Way(f"eigenvector {j + 1} of A*(b)", np.outer(u[:, j], q[i]))
                for j in range(count)
                for i in reversed(range(len(q)))
            ]
            yield from ((order, way) for way in ways for order in orders)

    def _candidates(
        self, start: Start, pair: FloatArray, order: int
    ) -> Iterator[tuple[str, FloatArray]]:
        """Yield points of matrix space that the pair leads to, with their kinds."""
        collapsed = collapse(pair, np.ones(2), order)
        yield "collapse", collapsed
        if not self.refine:
            return
        h = GeneratorObjective(start.problem, 1)
        for kind, point in (
            ("collapse", collapsed),
            ("generator", pair[0]),
            ("generator", pair[1]),
        ):
            point = _best_multiple(start, point)
            yield kind, minimise(h, point[None], self.max_iterations)[0][0]


def _best_multiple(start: Start, point: FloatArray) -> FloatArray:
    """Return the multiple s X of lowest h: s² = ⟨A(XXᵀ), b⟩ / ‖A(XXᵀ)‖², where that is positive."""
    y = start.problem.unchecked_measure(point)
    square, along = float(y @ y), float(y @ start.problem.measurements)
    return point * np.sqrt(along / square) if along > 0 and square > 0 else point
