"""A point of an instance, the settings, and what claims in matrix space share."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lift_compare import simulated
from lift_compare.sensing import relative_gradient_norm
from lift_compare.sensing.rip import RipBracket, rip_bracket
from lift_compare.sensing.tolerances import STATIONARY
from lift_compare.sensing.validation import FloatArray, show_bytes

from ...simulated_lift import SimulatedLift
from ...tolerances import HIDDEN, MEMORY_LIMIT, NOISELESS, SPURIOUS
from .rounding import OutOfRange, Rounding, size


class NotApplicable(Exception):  # noqa: N818 - it is no error: it ends the check of one claim
    """A premise of a claim is not known to be true; the message is the reason."""


@dataclass(frozen=True, eq=False)
class MatrixCase(SimulatedLift):
    """The simulated lift at one point, with premises and RIP bounds.

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

    def need_range(self) -> None:
        """Make a claim out of range where h, its derivatives or their squares leave float64."""
        if self._beyond_range:
            raise OutOfRange(self._beyond_range)

    @cached_property
    def _beyond_range(self) -> str:
        return self.rounding.beyond_range()

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
        self.need(lam < -max(SPURIOUS * self.landscape_scale, self.rounding.landscape), reason)

    def need_noiseless(self) -> None:
        """Premise: b = A(ZZᵀ) of a known ground truth."""
        self.need(self.noiseless, "needs measurements b = A(ZZᵀ) of a known ground truth Z")

    def need_spurious(self) -> None:
        """Premise: X̂ is stationary and h(X̂) > 0 although b = A(ZZᵀ) can be met."""
        self.need_stationary()
        self.need_noiseless()
        least = SPURIOUS**2 * self.problem.objective_at_zero
        least = max(least, self.rounding.objective(0.0, self.rounding.point))
        self.need(self.objective > least, "h(X̂) = 0: X̂ is a global minimum")

    def need_hidden(self) -> None:
        """Premise: the hidden direction is not zero."""
        self.need(len(self.generators) == 3, "the hidden direction is zero")

    def need_bytes(self, count: float, what: str) -> None:
        """Refuse a dense array of `count` numbers that does not fit the budget."""
        needs, allowed = 8 * count, self.memory_limit
        reason = f"refused: {what} needs {show_bytes(needs)}, {show_bytes(allowed)} allowed"
        self.need(needs <= allowed, reason)

    # Matrix space --------------------------------------------------------------------------------

    @cached_property
    def rounding(self) -> Rounding:
        """What rounding may leave of h, h^l and their derivatives near X̂."""
        return Rounding.of(self.problem, self.X, self.order)

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

    def change_rounding(self, value: float, point: FloatArray) -> float:
        """Return the rounding of h(X) − h(X̂), for a value h(X) at another point X."""
        r = self.rounding
        return r.objective(self.objective, r.point) + r.objective(value, size(point))

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
        off = size(self.problem.operator.measure(Z, Z) - self.b)
        return bool(off <= NOISELESS * size(self.b) + float(self.rounding.residual(size(Z))))

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
    def generators(self) -> FloatArray:
        """X̂, u q_rᵀ and A*A(E₀)X̂, shape (k, n, r); the hidden one left out where it is zero."""
        three = self.directions.generators
        A, x = self.rounding.operator, self.rounding.point
        noise = max(HIDDEN * self.landscape_scale * x, 2 * self.rounding.unit * A**2 * x)
        return three if size(three[2]) > noise else three[:2]

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

    def random(self, *label: int) -> np.random.Generator:
        """Return the generator of one claim, seeded by the case's seed and a label."""
        return np.random.default_rng([self.seed, *label])
