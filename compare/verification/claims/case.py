"""The instance that the claims are checked on, with the explicit side of its lift."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.sensing.validation import FloatArray

from ...tolerances import ORACLE_SEARCH
from .definition import Evaluation, by_definition, by_form, is_small
from .matrix_case import MatrixCase, NotApplicable
from .rounding import OutOfRange, size

ORACLE_RESTARTS = 4
"""Budget of the search for the least lifted curvature."""

UNSYMMETRIC_ENTRIES = 10_000
"""Tensors up to this size are also tried without symmetry: the lifted problem may evaluate a
symmetric tensor in milliseconds and another one of the same size in minutes."""

COMPARED_STEPS = 20
"""Steps of projected descent that are made with tensors and with coefficients."""

_FORM_OPERATIONS, _FORM_BYTES = 2e7, 2**26
"""Of one evaluation of a form that is compared with the others, at most."""


@dataclass(frozen=True, eq=False)
class Case(MatrixCase):
    """The simulated lift at one point, with the explicit side, premises and RIP bounds."""

    # The lift ------------------------------------------------------------------------------------

    @cached_property
    def _lift(self) -> lifting.LiftedProblem | Exception:
        try:
            limit = self.memory_limit
            # By name, so that Hessian products at ŵ are made by the form and not by the three
            # Kronecker powers: the two are compared here.
            form = lifting.predict_cost(self.problem, self.order).choose(limit).form
            return lifting.LiftedProblem(self.problem, self.order, form=form, memory_limit=limit)
        except lifting.MemoryLimitExceeded as refusal:
            return refusal
        except ValueError as refusal:  # more modes than an array can have
            return NotApplicable(f"refused: {refusal}")

    @property
    def lifted(self) -> lifting.LiftedProblem:
        """The lifted problem; beyond the byte budget it raises the refusal, every time."""
        if isinstance(self._lift, Exception):
            raise self._lift
        return self._lift

    @property
    def entries(self) -> int:
        """Number of entries of a lifted tensor."""
        return math.prod(self.lifted.shape)

    @cached_property
    def lifted_point(self) -> FloatArray:
        """ŵ = vec(X̂)^{⊗l}."""
        return np.asarray(self.lifted.lift(self.X))

    @cached_property
    def lifted_hessian_scale(self) -> float:
        """Size of the terms of ∇²h^l(ŵ): 2‖A*A(X̂X̂ᵀ)‖₂^l + 2‖A*(b)‖₂^l + 4τ^l.

        τ is the largest eigenvalue of D ↦ A*(A(X̂Dᵀ)) X̂. Each term is a tensor power, so its norm
        is a power too.
        """
        p, s = (float(np.linalg.norm(term, 2)) for term in self.landscape_terms)
        crossed = self.hessian - 2 * np.kron(self.landscape, np.eye(self.problem.rank))
        tau = float(np.linalg.norm(crossed, 2)) / 4
        return 2 * p**self.order + 2 * s**self.order + 4 * tau**self.order

    @property
    def lifted_length(self) -> float:
        """‖ŵ‖ = ‖X̂‖^l."""
        return self.rounding.point**self.order

    @cached_property
    def oracle(self) -> lifting.Curvature:
        """Least eigenvalue of ∇²h^l(ŵ) over all tensors, and its unit eigenvector."""
        entries, most = self.entries, UNSYMMETRIC_ENTRIES
        reason = f"the search over all tensors needs {entries} entries, {most} allowed"
        self.need(entries <= most, f"refused: {reason}")
        budget: dict[str, Any] = {"tolerance": ORACLE_SEARCH, "max_iterations": ORACLE_RESTARTS}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a search cut short says so in its stop reason
            return lifting.least_curvature(self.lifted, self.lifted_point, seed=self.seed, **budget)

    @cached_property
    def landscape_forms(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """N₁ = A*A(X̂X̂ᵀ) ⊗ I, N₂ = A*(b) ⊗ I and P = BᵀB with B(V) = A(X̂Vᵀ), of side n r."""
        d, m = self.X.size, self.problem.m
        self.need_bytes(3 * d**2 + 2 * d * m, "the matrices of the Hessian at ŵ")
        units, eye = np.eye(d).reshape(d, *self.X.shape), np.eye(self.problem.rank)
        B = self.problem.operator.measure(np.broadcast_to(self.X, units.shape), units)
        first, second = (np.asarray(np.kron(term, eye)) for term in self.landscape_terms)
        return first, second, B @ B.T

    @cached_property
    def span(self) -> simulated.SpanObjective:
        """h^l on the span S of ŵ, v̂ and the hidden tensor, from Gram matrices."""
        return simulated.SpanObjective(self.problem, self.generators, self.order)

    @cached_property
    def gram_eigenvalues(self) -> FloatArray:
        """Eigenvalues of Γ for the generators scaled to unit norm."""
        vectors = self.generators.reshape(len(self.generators), -1)
        units = vectors / np.linalg.norm(vectors, axis=1)[:, None]
        return np.asarray(np.linalg.eigvalsh(np.clip(units @ units.T, -1, 1) ** self.order))

    @property
    def gram_condition(self) -> float:
        """How much Γ⁺ magnifies rounding where generators are nearly parallel."""
        values = self.gram_eigenvalues
        kept = values[values > GRAM_RANK * values[-1]]
        return float(values[-1] / kept[0])

    @cached_property
    def span_projection(self) -> lifting.SpanProjection:
        """The orthogonal projection of tensors onto S."""
        return lifting.SpanProjection([self.lifted.lift(X) for X in self.generators])

    def captured(self, tensor: FloatArray) -> float:
        """Return ‖Π_S w‖ / ‖w‖."""
        kept = np.linalg.norm(np.asarray(self.span_projection(tensor)))
        return float(kept / np.linalg.norm(tensor))

    @property
    def escape_start(self) -> FloatArray:
        """Coefficients (1, ρ, 0) of w_escape = ŵ + ρ v̂."""
        return self.settings.start[: len(self.generators)]

    @property
    def start_length(self) -> float:
        """A bound of ‖w_escape‖, from the norms of its terms."""
        norms = np.array([size(X) for X in self.generators])
        return float(np.abs(self.escape_start) @ norms**self.order)

    @cached_property
    def step_size(self) -> float:
        """Step of the descents: η/2, or 1/L with a bound L of ‖∇²h^l‖ at w_escape.

        With a longer one rounding errors may grow from step to step. It is halved until h^l rises
        at none of the steps compared.
        """
        r, length = self.rounding, self.start_length
        rounding = r.value(length)
        step = min(self.settings.step_size, self.order * r.unit / r.hessian(length))
        while step > 0:
            try:
                values = self.descent(step).values
            except OverflowError:
                values = np.array([])
            if len(values) == COMPARED_STEPS + 1 and np.all(np.diff(values) <= rounding):
                return step
            step /= 2
        raise OutOfRange("a step size with which h^l falls underflows")

    def descent(self, step_size: float) -> simulated.SpanDescent:
        """Return the descent of the coefficients from w_escape."""
        return simulated.descend(
            self.span, self.escape_start, step_size=step_size, iterations=COMPARED_STEPS
        )

    @cached_property
    def descents(self) -> tuple[lifting.LiftedDescent, simulated.SpanDescent]:
        """Projected descent on S from w_escape: with explicit tensors, and with coefficients."""
        explicit = lifting.projected_gradient_descent(
            self.lifted,
            self.combine(self.escape_start),
            step_size=self.step_size,
            iterations=COMPARED_STEPS,
            projection=self.span_projection,
        )
        return explicit, self.descent(self.step_size)

    def combine(self, coefficients: FloatArray, generators: FloatArray | None = None) -> FloatArray:
        """Return the tensor Σ_j c_j vec(X_j)^{⊗l} of these generators, or those of S."""
        X = self.generators if generators is None else generators
        pairs = zip(coefficients, X, strict=True)
        return np.asarray(sum(c * np.asarray(self.lifted.lift(each)) for c, each in pairs))

    # Random tensors ------------------------------------------------------------------------------

    def noise(self, label: int) -> FloatArray:
        """Return a random tensor; above 10,000 entries a symmetric one."""
        if self.entries > UNSYMMETRIC_ENTRIES:
            return self.symmetric_noise(label)
        return self.random(label).standard_normal(self.lifted.shape)

    def symmetric_noise(self, label: int) -> FloatArray:
        """Return a sum of three random powers."""
        matrices = self.random(label).standard_normal((3, *self.X.shape))
        powers = (np.asarray(self.lifted.lift(X)) for X in matrices)
        return np.asarray(sum(power / size(power) for power in powers))

    # The forms of the lifted objective -----------------------------------------------------------

    @cached_property
    def forms(self) -> dict[str, lifting.LiftedProblem]:
        """The lifted problem in every form that applies and is evaluated in a moment."""
        allowed = min(_FORM_BYTES, self.memory_limit)
        fitting = [
            cost.form
            for cost in lifting.predict_cost(self.problem, self.order)
            if cost.reason is None
            and cost.flops <= _FORM_OPERATIONS
            and max(cost.peak_bytes, cost.hessian_bytes, cost.building_bytes) <= allowed
        ]
        return {
            form: lifting.LiftedProblem(self.problem, self.order, form=form) for form in fitting
        }

    @property
    def compared_forms(self) -> tuple[str, ...]:
        """The forms that were compared, once `evaluations` has been asked for."""
        found = vars(self).get("evaluations", [])
        return tuple(dict.fromkeys(form for each in found for form in each if form in self.forms))

    @cached_property
    def evaluations(self) -> list[dict[str, Evaluation]]:
        """h^l and its derivatives by definition and in every form, at one tensor or two.

        The norm of each is 1.5 ‖ŵ‖: a symmetric one, and one without symmetry unless that is too
        large.
        """
        lifted = self.lifted  # beyond the budget it raises the refusal
        points = [(self.symmetric_noise(32), self.symmetric_noise(33), True)]
        if self.entries <= UNSYMMETRIC_ENTRIES:
            points.append((self.noise(30), self.noise(31), False))
        found = []
        for w, d, symmetric in points:
            w, d = w * (1.5 * self.lifted_length / size(w)), d / size(d)
            each: dict[str, Evaluation] = {}
            if is_small(self.problem, self.order):
                each["definition"] = by_definition(self.problem, lifted.order, w, d)
            for form, problem in self.forms.items():
                if symmetric or form != "symmetric":
                    each[form] = by_form(problem, w, d)
            found.append(each)
        return found
