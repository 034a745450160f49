"""The instance that the claims are checked on: a problem, a point X̂, the settings, and what several claims share."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lift_compare.lifting import (
    Curvature,
    LiftedDescent,
    LiftedProblem,
    MemoryLimitExceeded,
    SpanProjection,
    least_curvature,
    projected_gradient_descent,
)
from lift_compare.sensing import SensingProblem, relative_gradient_norm
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import (
    EscapeDirections,
    SpanDescent,
    SpanObjective,
    TruncatedPath,
    descend,
    escape_directions,
    truncated_coefficients,
)

from .rip_bracket import RipBracket, rip_bracket

STATIONARY = 1e-8
"""Relative gradient norm up to which X̂ counts as a stationary point in the premises of claims."""

NEARLY_STATIONARY = 1e-3
"""The same for the published rules and scores, which are used where gradient descent ends."""

SPURIOUS = 1e-6
"""λ_n below minus this, in units of ‖G‖'s terms, counts as negative; h(X̂) above this squared, in units of ½‖b‖², as
positive."""

ORACLE_TOLERANCE, ORACLE_RESTARTS = 1e-6, 4
"""Accuracy and budget of the search for the least lifted curvature: without negative curvature the least eigenvalues
cluster at zero and Lanczos is slow there."""

UNSYMMETRIC_ENTRIES = 10_000
"""Tensors up to this size are also tried without symmetry: the lifted problem may evaluate a symmetric tensor in
milliseconds and another one of the same size in minutes."""

COMPARED_STEPS = 20
"""Steps of projected descent that are made with tensors and with coefficients."""


class NotApplicable(Exception):  # noqa: N818 - it is no error: it ends the check of one claim
    """A premise of a claim is not known to be true; the message is the reason."""


@dataclass(frozen=True, eq=False)
class Case:
    """One instance with its settings.

    Attributes
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The point X̂.
    order : int
        Lifting order l.
    rho, eta, steps : float, float, int
        Settings of the truncated path: initial weight ρ of the visible direction, step η, number of steps T.
    rip_constant : float or None
        δ as given by the user, for the published scores.
    seed : int
        Seed of everything random.
    memory_limit : int
        Byte budget of the explicit side.
    """

    problem: SensingProblem
    X: FloatArray
    order: int
    rho: float
    eta: float
    steps: int
    rip_constant: float | None
    seed: int
    memory_limit: int

    # -- premises
    # ------------------------------------------------------------------------------------------------

    def need(self, premise: bool, otherwise: str) -> None:
        """Make the claim not applicable, with the reason `otherwise`, unless the premise is true."""
        if not premise:
            raise NotApplicable(otherwise)

    def need_stationary(self, tolerance: float = STATIONARY) -> None:
        """Premise: ∇h(X̂) = 0, to a relative norm of 1e-8 unless another tolerance is given."""
        self.need(
            self.gradient_norm <= tolerance,
            f"X̂ is not stationary: relative gradient norm {self.gradient_norm:.2g} > {tolerance:g}; polish it",
        )

    def need_negative_eigenvalue(self, tolerance: float = STATIONARY) -> None:
        """Premise: X̂ is stationary and λ_n < 0, so that there are directions to escape along."""
        self.need_stationary(tolerance)
        self.need(
            self.directions.eigenvalue < -SPURIOUS * self.landscape_scale,
            f"λ_n = {self.directions.eigenvalue:.3g} is not negative: X̂ is a global minimum",
        )

    def need_spurious(self) -> None:
        """Premise: X̂ is stationary and h(X̂) > 0 although b = A(ZZᵀ) can be met."""
        self.need_stationary()
        self.need(self.noiseless, "needs measurements b = A(ZZᵀ) of a known ground truth Z")
        self.need(
            self.objective > SPURIOUS**2 * float(self.b @ self.b) / 2,
            "h(X̂) = 0: X̂ is a global minimum",
        )

    def need_bytes(self, count: float, what: str) -> None:
        """Refuse a dense array of `count` numbers that does not fit the budget."""
        limit = self.memory_limit
        self.need(
            8 * count <= limit, f"refused: {what} needs {8 * count:.0f} bytes, {limit} allowed"
        )

    # -- matrix space
    # --------------------------------------------------------------------------------------------

    @property
    def b(self) -> FloatArray:
        """The measurements."""
        return self.problem.measurements

    @cached_property
    def objective(self) -> float:
        """h(X̂)."""
        return float(self.problem.objective(self.X))

    @cached_property
    def gradient_norm(self) -> float:
        """‖∇h(X̂)‖ in units of its terms."""
        return relative_gradient_norm(self.problem, self.X)

    @cached_property
    def noiseless(self) -> bool:
        """Whether b = A(ZZᵀ) for the known ground truth."""
        Z = self.problem.ground_truth
        if Z is None:
            return False
        return bool(
            np.linalg.norm(self.problem.operator.measure(Z, Z) - self.b)
            <= 1e-10 * np.linalg.norm(self.b)
        )

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
    def landscape_scale(self) -> float:
        """Size of the terms of G(X̂), which cancel at the truth: ‖A*A(X̂X̂ᵀ)‖ + ‖A*(b)‖."""
        operator, eye = self.problem.operator, np.eye(self.problem.n)
        self.need_bytes(3 * self.problem.n**2, "the landscape matrix")
        terms = (
            operator.adjoint_matmul(y, eye) for y in (operator.measure(self.X, self.X), self.b)
        )
        return float(sum(np.linalg.norm(term) for term in terms))

    @cached_property
    def hessian(self) -> FloatArray:
        """∇²h(X̂) as an (n r, n r) array, from products with the unit directions."""
        size = self.X.size
        self.need_bytes(size * self.problem.n**2 + 3 * size**2, "the Hessian of h")
        units = np.eye(size).reshape(size, *self.X.shape)
        X = np.broadcast_to(self.X, units.shape)
        H = self.problem.hessian_product(X, units).reshape(size, size)
        return np.asarray((H + H.T) / 2)

    # -- directions
    # ----------------------------------------------------------------------------------------------

    @cached_property
    def directions(self) -> EscapeDirections:
        """Base, visible and hidden direction at X̂."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `verify` has said once that X̂ is not stationary
            return escape_directions(self.problem, self.X)

    @cached_property
    def line(self) -> tuple[float, float, float]:
        """(e, g, κ) of section 4, from the n×n matrices E₀ and u_n u_nᵀ as they are defined."""
        u, v = self.directions.u, self.directions.v
        across, along = self.sense(np.outer(u, v) + np.outer(v, u)), self.sense(np.outer(u, u))
        return float(across @ across), float(along @ along), float(across @ along)

    @cached_property
    def inner_products(self) -> tuple[float, float, float]:
        """(K1, K2, K3) of section 5, from the n×n matrices uuᵀ, X̂X̂ᵀ and the symmetric part of X̂ q uᵀ."""
        D = self.directions.visible
        along, cross = self.sense(D @ D.T), self.sense((self.X @ D.T + D @ self.X.T) / 2)
        return (
            float(along @ self.sense(self.X @ self.X.T)),
            float(along @ self.b),
            float(cross @ cross),
        )

    @cached_property
    def rip(self) -> RipBracket:
        """What is known about δ_p for p = 2r: a sampled lower bound and a certain upper bound."""
        return rip_bracket(self.problem.operator, 2 * self.problem.rank, seed=self.seed)

    # -- the lift
    # ------------------------------------------------------------------------------------------------

    @cached_property
    def _lift(self) -> LiftedProblem | Exception:
        try:
            return LiftedProblem(self.problem, self.order, memory_limit=self.memory_limit)
        except MemoryLimitExceeded as refusal:
            return refusal
        except ValueError as refusal:  # more modes than an array can have
            return NotApplicable(f"refused: {refusal}")

    @property
    def lifted(self) -> LiftedProblem:
        """The lifted problem; beyond the byte budget it raises the refusal, every time it is asked for."""
        if isinstance(self._lift, Exception):
            raise self._lift
        return self._lift

    @cached_property
    def lifted_point(self) -> FloatArray:
        """ŵ = vec(X̂)^{⊗l}."""
        return np.asarray(self.lifted.lift(self.X))

    @cached_property
    def lifted_hessian_scale(self) -> float:
        """Size of the terms of ∇²h^l(ŵ), which bounds its norm: 2‖A*A(X̂X̂ᵀ)‖₂^l + 2‖A*(b)‖₂^l + 4τ^l.

        τ is the largest eigenvalue of D ↦ A*(A(X̂Dᵀ)) X̂. Each term is a tensor power, so its norm
        is a power too.
        """
        operator, eye = self.problem.operator, np.eye(self.problem.n)
        sizes = [
            float(np.linalg.norm(operator.adjoint_matmul(y, eye), 2))
            for y in (operator.measure(self.X, self.X), self.b)
        ]
        tau = (
            float(
                np.linalg.norm(
                    self.hessian - 2 * np.kron(self.landscape, np.eye(self.problem.rank)), 2
                )
            )
            / 4
        )
        return 2 * sizes[0] ** self.order + 2 * sizes[1] ** self.order + 4 * tau**self.order

    @cached_property
    def oracle(self) -> Curvature:
        """Least eigenvalue of ∇²h^l(ŵ) over all tensors, and its unit eigenvector: the oracle direction."""
        entries = math.prod(self.lifted.shape)
        self.need(
            entries <= UNSYMMETRIC_ENTRIES,
            f"refused: the search over all tensors needs {entries} entries, {UNSYMMETRIC_ENTRIES} allowed",
        )
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # a search that has not converged says so in its stop reason
            return least_curvature(
                self.lifted,
                self.lifted_point,
                seed=self.seed,
                tolerance=ORACLE_TOLERANCE,
                max_iterations=ORACLE_RESTARTS,
            )

    @cached_property
    def generators(self) -> FloatArray:
        """X̂, u q_rᵀ and A*A(E₀)X̂, shape (k, n, r); the hidden one is left out where it is zero."""
        three = self.directions.generators
        size = self.landscape_scale * float(np.linalg.norm(self.X))
        return three if np.linalg.norm(three[2]) > 1e-10 * size else three[:2]

    @cached_property
    def span(self) -> SpanObjective:
        """h^l on S = span{a, b, c}, from Gram matrices."""
        return SpanObjective(self.problem, self.generators, self.order)

    @cached_property
    def span_projection(self) -> SpanProjection:
        """The orthogonal projection of tensors onto S."""
        return SpanProjection([np.asarray(self.lifted.lift(X)) for X in self.generators])

    @property
    def escape_start(self) -> FloatArray:
        """Coefficients (1, ρ, 0) of w_escape = a + ρ b."""
        return np.array([1.0, self.rho, 0.0])[: len(self.generators)]

    @cached_property
    def truncated(self) -> TruncatedPath:
        """The published closed form for t = 0 .. T."""
        try:
            return truncated_coefficients(
                self.directions, self.order, rho=self.rho, eta=self.eta, steps=self.steps
            )
        except OverflowError as error:
            raise NotApplicable(str(error)) from error

    @cached_property
    def step_size(self) -> float:
        """Step of the exact descent: η/2 (∇h^l carries a 2), halved until h^l falls for all of the steps compared."""
        step = self.eta / 2
        for _ in range(200):
            values = descend(
                self.span, self.escape_start, step_size=step, iterations=COMPARED_STEPS
            ).values
            if len(values) == COMPARED_STEPS + 1 and np.all(np.diff(values) <= 0):
                break
            step /= 2
        return step

    @cached_property
    def descents(self) -> tuple[LiftedDescent, SpanDescent]:
        """Projected gradient descent on S from w_escape: with explicit tensors, and with coefficients."""
        projection = self.span_projection
        start = self.combine(self.escape_start)
        explicit = projected_gradient_descent(
            self.lifted,
            start,
            step_size=self.step_size,
            iterations=COMPARED_STEPS,
            projection=projection,
        )
        return explicit, descend(
            self.span, self.escape_start, step_size=self.step_size, iterations=COMPARED_STEPS
        )

    def combine(self, coefficients: FloatArray) -> FloatArray:
        """Return the tensor Σ_j c_j vec(X_j)^{⊗l} of the generators."""
        tensors = (
            c * np.asarray(self.lifted.lift(X))
            for c, X in zip(coefficients, self.generators, strict=True)
        )
        return np.asarray(sum(tensors))

    def random(self, *label: int) -> np.random.Generator:
        """Return the generator of one claim, seeded by the case's seed and a label."""
        return np.random.default_rng([self.seed, *label])
