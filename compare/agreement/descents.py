"""The explicit and the exactly simulated descent side by side: what parts them, and where."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare import simulated
from lift_compare.lifting import LiftedProblem, SpanProjection, projected_gradient_descent
from lift_compare.sensing import StopReason
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.sensing.validation import FloatArray, OutOfRange, exponential

from ..simulated_lift import SimulatedLift
from ..tolerances import AGREEMENT, PATH_ROUNDING


class UnitGram:
    """Γ of unit generators: ‖w‖² = cᵀ Γ c in their coordinates.

    Where Γ is singular a tensor has many coordinates, and the eigenvectors that are left out do not
    see which.
    """

    def __init__(self, generators: FloatArray, order: int) -> None:
        flat = generators.reshape(len(generators), -1)
        norms = np.linalg.norm(flat, axis=1)
        units = flat / np.where(norms > 0, norms, 1.0)[:, None]
        values, vectors = np.linalg.eigh((units @ units.T) ** order)
        seen = values > GRAM_RANK * values[-1]
        self._root = norms[:, None] ** order * vectors[:, seen] * np.sqrt(values[seen])

    def errors(self, path: FloatArray, other: FloatArray) -> FloatArray:
        """Return ‖w − w'‖ / ‖w'‖ at each step of two paths of coefficients."""
        a, b = path @ self._root, other @ self._root
        errors: FloatArray = np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)
        return errors


@dataclass(frozen=True, eq=False)
class ExplicitSide:
    """The lifted problem, the tensors of base, visible and hidden, and Π_S onto their span.

    A direction that is zero spans nothing: Π_S is made of those that are `kept`.
    """

    lifted: LiftedProblem
    tensors: list[Any]
    kept: list[int]
    projection: SpanProjection

    @classmethod
    def of(cls, lift: SimulatedLift, memory_limit: int | None) -> ExplicitSide:
        """Return the explicit side of a simulated lift, within a byte budget."""
        lifted = LiftedProblem(lift.problem, lift.settings.order, memory_limit=memory_limit)
        tensors = [lifted.lift(G) for G in lift.directions.generators]
        kept = [j for j, tensor in enumerate(tensors) if np.any(tensor)]
        return cls(lifted, tensors, kept, SpanProjection([tensors[j] for j in kept]))

    def start(self, rho: float) -> Any:
        """Return ŵ + ρ v̂."""
        return self.tensors[0] + rho * self.tensors[1]


class Descents:
    """The explicit and the exactly simulated descent with the settings of a simulated lift.

    Attributes
    ----------
    explicit, exact : LiftedDescent, SpanDescent
        The two runs.
    steps : int
        The steps that both made.
    coefficient_error, objective_error : float
        As in `DirectionComparison`.

    `tick`, if given, is called at every explicit step.
    """

    def __init__(
        self, side: ExplicitSide, lift: SimulatedLift, tick: Callable[[], object] | None = None
    ) -> None:
        s = lift.settings

        def look(*_: Any) -> None:
            if tick is not None:
                tick()

        self._lift, self._kept = lift, side.kept
        self.exact = lift.exact
        self.explicit = projected_gradient_descent(
            side.lifted,
            side.start(s.rho),
            step_size=s.step_size,
            iterations=s.steps,
            projection=side.projection,
            callback=look,
        )
        self.steps = min(self.explicit.iterations, self.exact.iterations)
        end = self.steps + 1
        coefficients = np.zeros((end, len(side.tensors)))
        coefficients[:, side.kept] = np.asarray(self.explicit.coefficients)[:end]
        self._gram = UnitGram(lift.directions.generators, s.order)
        coefficient_errors = self._gram.errors(coefficients, self.exact.coefficients[:end])
        self.coefficient_error = float(np.max(coefficient_errors))

        self._values = self.explicit.values[:end], self.exact.values[:end]
        # h^l subtracts terms of the size of ½ ‖b‖^{2l} and of its own.
        least = max(float(self.exact.values[0]), lift.span.value(np.zeros(len(side.tensors))))
        terms = np.maximum(self._values[1], least)
        self._rounding = PATH_ROUNDING * terms
        objective_errors = np.abs(self._values[0] - self._values[1]) / terms
        self.objective_error = float(np.max(objective_errors))
        self._apart = np.maximum(coefficient_errors, objective_errors)

    @property
    def divergence(self) -> int | None:
        """The step at which both diverge: h^l rises there first, and they leave or part later."""
        rises = [np.flatnonzero(np.diff(v) > self._rounding[1:]) for v in self._values]
        first, other = (int(rise[0]) + 1 if len(rise) else self.steps + 1 for rise in rises)
        ended = StopReason.DIVERGED in (self.explicit.stop_reason, self.exact.stop_reason)
        if first != other or (first > self.steps and not ended):
            return None
        above = all(v[-1] - v[0] > self._rounding[-1] for v in self._values)
        part = max(self.coefficient_error, self.objective_error) > AGREEMENT
        return first if ended or above or part else None

    def refuse_rounding(self) -> None:
        """Raise OutOfRange if the two part where rounding of the start takes them as far apart.

        Nothing can be said of their agreement from there on.
        """
        parted = np.flatnonzero(self._apart > AGREEMENT)
        if not len(parted):
            return
        moved = self._moved_by_rounding(int(parted[0]))
        if self._apart[parted[0]] > moved:
            return
        s = self._lift.settings
        norms = np.linalg.norm(self._lift.directions.generators[:2].reshape(2, -1), axis=1)
        size = exponential(np.log(s.rho) + s.order * (np.log(norms[1]) - np.log(norms[0])))
        raise OutOfRange(
            f"rho: expected a start ŵ + ρ v̂ that keeps digits of ρ v̂ beside ŵ, got ρ ‖v̂‖ = {size} "
            f"‖ŵ‖: the rounding of ŵ grows to {moved:.1e} within {parted[0]} steps, so that "
            "nothing can be said of agreement; a larger ρ or fewer steps help"
        )

    def _moved_by_rounding(self, step: int) -> float:
        """Return by how much the exact path has moved at a step with the rounding of all before.

        Each rounds by l ε ‖ŵ‖ or so. Near ŵ that is always the same way, as if the start were off
        by the sum.
        """
        s, end = self._lift.settings, step + 1
        off = end * s.order * np.finfo(float).eps
        norms = np.linalg.norm(self._lift.directions.generators.reshape(len(s.start), -1), axis=1)
        moved = 0.0
        for j in self._kept:
            start = s.start
            start[j] += off * (norms[0] / norms[j]) ** s.order
            run = simulated.descend(self._lift.span, start, step_size=s.step_size, iterations=step)
            if len(run.coefficients) < end:  # it left the range of float64 before
                return math.inf
            moved += float(
                self._gram.errors(run.coefficients[step:], self.exact.coefficients[step:end])[0]
            )
        return moved
