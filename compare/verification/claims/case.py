"""The instance that the claims are checked on: a point, the settings, and what claims share."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.sensing import relative_gradient_norm
from lift_compare.sensing.rip import RipBracket, rip_bracket
from lift_compare.sensing.tolerances import STATIONARY
from lift_compare.sensing.validation import FloatArray

from ...simulated_lift import SimulatedLift
from ...tolerances import HIDDEN, NOISELESS, ORACLE_SEARCH, SPURIOUS

MEMORY_LIMIT = 2**30
"""Default byte budget of the explicit side: what fits is also done in seconds to minutes."""

ORACLE_RESTARTS = 4
"""Budget of the search for the least lifted curvature."""

UNSYMMETRIC_ENTRIES = 10_000
"""Tensors up to this size are also tried without symmetry: the lifted problem may evaluate a
symmetric tensor in milliseconds and another one of the same size in minutes."""

COMPARED_STEPS = 20
"""Steps of projected descent that are made with tensors and with coefficients."""


class NotApplicable(Exception):  # noqa: N818 - it is no error: it ends the check of one claim
    """A premise of a claim is not known to be true; the message is the reason."""


@dataclass(frozen=True, eq=False)
class Case(SimulatedLift):
    """The simulated lift at one point, with the explicit side, premises and RIP bounds.

    Attributes
    ----------
    rip_constant : float or None
        δ as given by the user, for the published scores.
    seed : int
        Seed of everything random.
    memory_limit : int
        Byte budget of the explicit side.
    """

    rip_constant: float | None = None
    seed: int = 0
    memory_limit: int = MEMORY_LIMIT

    # Premises ------------------------------------------------------------------------------------

    def need(self, premise: bool, otherwise: str) -> None:
        """Make the claim not applicable, with the reason, unless the premise is true."""
        if not premise:
            raise NotApplicable(otherwise)

    def need_stationary(self, tolerance: float = STATIONARY) -> None:
        """Premise: ∇h(X̂) = 0, to this relative norm."""
        left = self.gradient_norm
        reason = f"relative gradient norm {left:.2g} > {tolerance:g}; polish it"
        self.need(left <= tolerance, f"X̂ is not stationary: {reason}")

    def need_negative_eigenvalue(self, tolerance: float = STATIONARY) -> None:
        """Premise: X̂ is stationary and λ_n < 0, so that there are directions to escape along."""
        self.need_stationary(tolerance)
        lam = self.directions.eigenvalue
        reason = f"λ_n = {lam:.3g} is not negative: X̂ is a global minimum"
        self.need(lam < -SPURIOUS * self.landscape_scale, reason)

    def need_noiseless(self) -> None:
        """Premise: b = A(ZZᵀ) of a known ground truth."""
        self.need(self.noiseless, "needs measurements b = A(ZZᵀ) of a known ground truth Z")

    def need_spurious(self) -> None:
        """Premise: X̂ is stationary and h(X̂) > 0 although b = A(ZZᵀ) can be met."""
        self.need_stationary()
        self.need_noiseless()
        least = SPURIOUS**2 * self.problem.objective_at_zero
        self.need(self.objective > least, "h(X̂) = 0: X̂ is a global minimum")

    def need_hidden(self) -> None:
        """Premise: the hidden direction is not zero."""
        self.need(len(self.generators) == 3, "the hidden direction is zero")

    def need_bytes(self, count: float, what: str) -> None:
        """Refuse a dense array of `count` numbers that does not fit the budget."""
        needs, allowed = 8 * count, self.memory_limit
        reason = f"refused: {what} needs {needs:.0f} bytes, {allowed} allowed"
        self.need(needs <= allowed, reason)

    # Matrix space --------------------------------------------------------------------------------

    @property
    def X(self) -> FloatArray:
        """X̂."""
        return self.point

    @property
    def b(self) -> FloatArray:
        """The measurements."""
        return self.problem.measurements

    @property
    def order(self) -> int:
        """The lifting order l."""
        return self.settings.order

    @cached_property
    def objective(self) -> float:
        """h(X̂)."""
        return float(self.problem.objective(self.X))

    @cached_property
    def gradient_norm(self) -> float:
        """‖∇h(X̂)‖ in units of its terms."""
        return relative_gradient_norm(self.problem, self.X)

    @property
    def leftover_gradient(self) -> float:
        """‖∇h(X̂)‖, which a polish leaves at rounding."""
        return float(np.linalg.norm(self.problem.gradient(self.X)))

    @cached_property
    def noiseless(self) -> bool:
        """Whether b = A(ZZᵀ) for the known ground truth."""
        Z = self.problem.ground_truth
        if Z is None:
            return False
        off = np.linalg.norm(self.problem.operator.measure(Z, Z) - self.b)
        return bool(off <= NOISELESS * np.linalg.norm(self.b))

    def sense(self, M: FloatArray) -> FloatArray:
        """Return A(M) = (⟨A_i, M⟩)_i of a symmetric n×n matrix."""
        return self.problem.operator.measure(M, np.eye(self.problem.n))

    @cached_property
    def landscape(self) -> FloatArray:
        """G(X̂) as an n×n array."""
        self.need_bytes(3 * self.problem.n**2, "the landscape matrix")
        G = self.problem.landscape(self.X) @ np.eye(self.problem.n)
        return np.asarray((G + G.T) / 2)

    @cached_property
    def landscape_terms(self) -> tuple[FloatArray, FloatArray]:
        """A*A(X̂X̂ᵀ) and A*(b), whose difference is G(X̂), as n×n arrays."""
        self.need_bytes(3 * self.problem.n**2, "the landscape matrix")
        A, eye = self.problem.operator, np.eye(self.problem.n)
        return A.adjoint_matmul(A.measure(self.X, self.X), eye), A.adjoint_matmul(self.b, eye)

    @cached_property
    def landscape_scale(self) -> float:
        """Size of the terms of G(X̂), which cancel at the truth: ‖A*A(X̂X̂ᵀ)‖ + ‖A*(b)‖."""
        return float(sum(np.linalg.norm(term) for term in self.landscape_terms))

    @cached_property
    def hessian(self) -> FloatArray:
        """∇²h(X̂) as an (n r, n r) array, from products with the unit directions."""
        entries = self.X.size
        self.need_bytes(entries * self.problem.n**2 + 3 * entries**2, "the Hessian of h")
        units = np.eye(entries).reshape(entries, *self.X.shape)
        X = np.broadcast_to(self.X, units.shape)
        H = self.problem.hessian_product(X, units).reshape(entries, entries)
        return np.asarray((H + H.T) / 2)

    # Directions ----------------------------------------------------------------------------------

    @cached_property
    def directions(self) -> simulated.EscapeDirections:
        """Base, visible and hidden direction at X̂."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `verify` has said once that X̂ is not stationary
            return simulated.escape_directions(self.problem, self.X)

    @cached_property
    def line(self) -> tuple[float, float, float]:
        """(e, g, κ) of section 4, from the n×n matrices E₀ and u_n u_nᵀ as they are defined."""
        u, v = self.directions.u, self.directions.v
        across, along = self.sense(np.outer(u, v) + np.outer(v, u)), self.sense(np.outer(u, u))
        return float(across @ across), float(along @ along), float(across @ along)

    @cached_property
    def inner_products(self) -> tuple[float, float, float]:
        """(K1, K2, K3) of section 5, from the n×n matrices uuᵀ, X̂X̂ᵀ and sym(X̂ q uᵀ)."""
        D = self.directions.visible
        along, cross = self.sense(D @ D.T), self.sense((self.X @ D.T + D @ self.X.T) / 2)
        K1, K2 = along @ self.sense(self.X @ self.X.T), along @ self.b
        return float(K1), float(K2), float(cross @ cross)

    @cached_property
    def rip(self) -> RipBracket:
        """What is known about δ_p for p = 2r: a sampled lower bound and a certain upper bound."""
        return rip_bracket(self.problem.operator, 2 * self.problem.rank, seed=self.seed)

    def ncm(self, delta: float) -> float:
        """Return NCM(δ) = −λ_n / (σ_r² (1+δ))."""
        d = self.directions
        return -d.eigenvalue / (d.singular_value**2 * (1 + delta))

    # The lift ------------------------------------------------------------------------------------

    @cached_property
    def _lift(self) -> lifting.LiftedProblem | Exception:
        try:
            limit = self.memory_limit
            return lifting.LiftedProblem(self.problem, self.order, memory_limit=limit)
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
    def gradient_terms(self) -> tuple[float, float]:
        """‖A*A(X̂X̂ᵀ) X̂‖ and ‖A*(b) X̂‖: their l-th powers make up ∇h^l(ŵ), and cancel."""
        A, X = self.problem.operator, self.X
        p, s = A.adjoint_matmul(A.measure(X, X), X), A.adjoint_matmul(self.b, X)
        return float(np.linalg.norm(p)), float(np.linalg.norm(s))

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
    def generators(self) -> FloatArray:
        """X̂, u q_rᵀ and A*A(E₀)X̂, shape (k, n, r); the hidden one left out where it is zero."""
        three = self.directions.generators
        terms = self.landscape_scale * float(np.linalg.norm(self.X))
        return three if np.linalg.norm(three[2]) > HIDDEN * terms else three[:2]

    @cached_property
    def span(self) -> simulated.SpanObjective:
        """h^l on the span S of ŵ, v̂ and the hidden tensor, from Gram matrices."""
        return simulated.SpanObjective(self.problem, self.generators, self.order)

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

    @cached_property
    def step_size(self) -> float:
        """Step of the descents: η/2, halved until h^l falls at all of the steps compared."""
        step = self.settings.step_size
        for _ in range(200):
            values = self.descent(step).values
            if len(values) == COMPARED_STEPS + 1 and np.all(np.diff(values) <= 0):
                break
            step /= 2
        return step

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

    def random(self, *label: int) -> np.random.Generator:
        """Return the generator of one claim, seeded by the case's seed and a label."""
        return np.random.default_rng([self.seed, *label])
