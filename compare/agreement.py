"""Do the real lifted descent and its simulations take the same way? At one point and one order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.lifting import LiftedProblem, SpanProjection
from lift_compare.sensing import LiftSettings, SensingProblem
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.sensing.validation import FloatArray, whole_number

from .cost.measure import CostSample, measure_cost
from .simulated_lift import SimulatedLift
from .tables import Column, show, text_table
from .tolerances import AGREEMENT, ONE_LINE

_IN_A_ROW = (
    *("order", "rho", "eta", "steps", "form"),
    *("coefficient_error", "objective_error", "tensor_error", "agree"),
    *("direction_cosine", "truncated_cosine", "principal_angles", "span_capture"),
    *("truncation_error", "curvature", "explicit_curvature"),
)

ORACLE_ENTRIES = 300
"""Tensors of up to this many entries have their oracle direction computed unless it is declined."""


@dataclass(frozen=True)
class OracleAlignment:
    """The oracle direction at ŵ, the least eigenvector of ∇²h^l(ŵ) over all tensors.

    The mathematics: docs/theory.md, section 5.

    Attributes
    ----------
    curvature : float
        The least eigenvalue.
    visible_cosine : float or None
        Norm of the part of the oracle direction (of unit norm) that lies in the span of the visible
        tensors. With a single λ_n it is |cos| of the angle to vec(u_n q_rᵀ)^{⊗l}; a tie in λ_n has
        one visible tensor an eigenvector.
    span_capture : float or None
        Norm of its part in the span S of base, visible and hidden.
    residual : float
        ‖∇²h^l(ŵ)[w] − curvature · w‖ of the computed eigenpair.
    """

    curvature: float
    visible_cosine: float | None
    span_capture: float | None
    residual: float


@dataclass(frozen=True, repr=False)
class DirectionComparison:
    """Explicit lifted descent against its exact and its truncated simulation.

    All three start at vec(X̂)^{⊗l} + ρ vec(u_n q_rᵀ)^{⊗l}. The first two take gradient steps of
    size η/2, because the η of the truncated recursion is twice the step (docs/theory.md, section
    7). A quantity that is not defined, such as the cosine of a zero displacement, is None.

    Attributes
    ----------
    order, rho, eta, steps : int, float, float, int
        Settings; `steps` is the number of steps that both descents made.
    coefficient_error : float
        Largest relative difference of the coefficients, explicit against exactly simulated, over
        the path; in the coordinates of unit generators, taken modulo what Γ does not see where Γ is
        singular.
    objective_error : float
        Largest |difference of h^l| over the path, relative to h^l(0) = ½ ‖b‖^{2l} or, where it is
        larger, to h^l at the start: the expansion of h^l into powers subtracts terms of that size.
    tensor_error : float
        ‖w_explicit − Σ c_j vec(X_j)^{⊗l}‖ / ‖w_explicit‖ at the end.
    direction_cosine : float or None
        Cosine between the displacements w_T − w_0 of the explicit and of the exactly simulated
        descent.
    truncated_cosine : float or None
        The same between the exactly simulated and the truncated path.
    principal_angles : array (up to 3,)
        Principal angles (radians, ascending) between S and the span of the displacements along the
        *unprojected* path after a third, two thirds and all of the steps.
    span_capture : float or None
        ‖Π_S Δ‖ / ‖Δ‖ of the displacement Δ of the unprojected lifted path.
    truncation_error : float
        ‖Π_S ∇h^l − retained terms‖ / ‖Π_S ∇h^l‖ at the start.
    curvature, explicit_curvature : float
        ⟨v̂, ∇²h^l(ŵ)[v̂]⟩ along the visible tensor v̂: by formula, and from the explicit Hessian
        product.
    oracle_alignment : OracleAlignment or None
        `.curvature`, `.visible_cosine`, `.span_capture`; None where it was not computed.
    explicit, free : LiftedDescent
        The explicit descent on S, and the unprojected one.
    exact : SpanDescent
        The exact simulation.
    truncated : TruncatedPath
        The truncated one.
    truncated_values : array (steps + 1,)
        h^l along it.
    directions : EscapeDirections
        The directions at X̂.
    explicit_cost, simulated_cost : CostSample or None
        What one step costs: seconds and peak bytes. None where costs were not asked for.
    form : str
        Form of the lifted objective that was run.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> found = compare.compare_directions(
    ...     sensing.two_by_two(), [[0.0], [0.5**0.5]], 3, rho=0.1, eta=0.01, steps=20, costs=False
    ... )
    >>> found.agree, found.form
    (True, 'normal')
    """

    order: int
    rho: float
    eta: float
    steps: int
    coefficient_error: float
    objective_error: float
    tensor_error: float
    direction_cosine: float | None
    truncated_cosine: float | None
    principal_angles: FloatArray
    span_capture: float | None
    truncation_error: float
    curvature: float
    explicit_curvature: float
    oracle_alignment: OracleAlignment | None
    explicit: lifting.LiftedDescent
    free: lifting.LiftedDescent
    exact: simulated.SpanDescent
    truncated: simulated.TruncatedPath
    truncated_values: FloatArray
    directions: simulated.EscapeDirections
    explicit_cost: CostSample | None
    simulated_cost: CostSample | None
    form: str

    @property
    def agree(self) -> bool:
        """Whether explicit and exact simulation agree to 1e-10: coefficients, objective, tensor."""
        errors = (self.coefficient_error, self.objective_error, self.tensor_error)
        return max(errors) <= AGREEMENT

    def row(self) -> dict[str, Any]:
        """Return the numbers as one row of a table."""
        row = {name: getattr(self, name) for name in _IN_A_ROW}
        for name in ("curvature", "visible_cosine", "span_capture"):
            row[f"oracle_{name}"] = getattr(self.oracle_alignment, name, None)
        row["explicit_stop"] = str(self.explicit.stop_reason)
        for side, cost in (("explicit", self.explicit_cost), ("simulated", self.simulated_cost)):
            row |= {} if cost is None else cost.row(f"{side}_")
        return row

    def table(self) -> str:
        """Return the numbers as a table of two columns."""
        rows = [
            {"what": key.replace("_", " "), "value": show(value, ".6g")}
            for key, value in self.row().items()
        ]
        return text_table([Column("what", "quantity"), Column("value", "value")], rows)

    def __repr__(self) -> str:
        return (
            f"DirectionComparison(order {self.order}, {self.steps} steps: explicit and exact "
            f"simulation {'agree' if self.agree else 'DISAGREE'} (coefficients "
            f"{self.coefficient_error:.1e}, objective {self.objective_error:.1e}, tensor "
            f"{self.tensor_error:.1e}); truncation error {self.truncation_error:.3g})"
        )


@dataclass(frozen=True)
class ComparisonOptions:
    """How `compare_directions` goes about it; its docstring describes the fields."""

    memory_limit: int | None = None
    oracle: bool | None = None
    costs: bool = True
    seed: int = 0


def compare_directions(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    rho: float,
    eta: float,
    steps: int,
    **options: Any,
) -> DirectionComparison:
    """Run the explicit lifted descent and both simulations from a stationary point; compare them.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A stationary point X̂ ≠ 0 (see `sensing.polish`).
    order : int
        The odd lifting order l.
    rho : float
        Initial weight ρ > 0 of the visible direction.
    eta : float
        Step η > 0 of the truncated recursion; the gradient step is η/2.
    steps : int
        Number of steps. A diverging descent is compared up to its last finite iterate.
    **options
        memory_limit: byte budget of the explicit side (see `lifting.LiftedProblem`). oracle:
        whether to compute the oracle alignment; by default for tensors of up to 300 entries. costs
        (True): whether to measure seconds and bytes of one step of either side. seed (0): of the
        eigensolver's start.

    Returns
    -------
    DirectionComparison

    Raises
    ------
    TypeError, ValueError
        For bad input, named.
    lifting.MemoryLimitExceeded
        If the explicit side does not fit the budget; nothing was allocated then.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> instance = sensing.instance("real-system")
    >>> found = compare.compare_directions(
    ...     instance.problem, instance.stationary_point(), 5, rho=0.1, eta=0.1, steps=50,
    ...     costs=False,
    ... )
    >>> found.agree, found.curvature > 0
    (True, True)
    """
    settings = LiftSettings(order, rho, eta, whole_number("steps", steps))
    lift = SimulatedLift(problem, problem.factor("X", X), settings)
    return compare_lift(lift, ComparisonOptions(**options))


def compare_lift(lift: SimulatedLift, options: ComparisonOptions) -> DirectionComparison:
    """Do what `compare_directions` does, with what is known at the point already."""
    problem, settings, step = lift.problem, lift.settings, lift.settings.step_size
    order, generators = settings.order, lift.directions.generators
    lifted = LiftedProblem(problem, order, memory_limit=options.memory_limit)
    tensors = [lifted.lift(G) for G in generators]
    # A generator that is zero spans nothing, and the explicit projection refuses it.
    kept = [j for j, tensor in enumerate(tensors) if np.any(tensor)]
    projection = SpanProjection([tensors[j] for j in kept])
    start, w0 = settings.start, tensors[0] + settings.rho * tensors[1]

    explicit = lifting.projected_gradient_descent(
        lifted, w0, step_size=step, iterations=settings.steps, projection=projection
    )
    free, displacements = _free_descent(lifted, w0, settings)
    exact = lift.exact
    made = min(explicit.iterations, len(exact.values) - 1)
    truncated = simulated.truncated_coefficients(
        lift.directions, order, rho=settings.rho, eta=settings.eta, steps=made
    )

    path, values = exact.coefficients[: made + 1], exact.values[: made + 1]
    explicit_path = np.zeros((made + 1, 3))
    explicit_path[:, kept] = np.asarray(explicit.coefficients)[: made + 1]
    scale = max(values[0], lift.span.value(np.zeros(3)))
    last = _combine(exact.coefficients[-1], tensors)
    moved = _combine(exact.coefficients[-1] - start, tensors)
    truncated_moved = _combine(truncated.coefficients[-1] - start, tensors)
    along_visible = lifted.hessian_product(tensors[0], tensors[1])
    oracle = options.oracle
    if oracle is None:
        oracle = tensors[0].size <= ORACLE_ENTRIES
    return DirectionComparison(
        order=order,
        rho=settings.rho,
        eta=settings.eta,
        steps=made,
        coefficient_error=_coefficient_error(explicit_path, path, generators, order),
        objective_error=float(np.max(np.abs(explicit.values[: made + 1] - values)) / scale),
        tensor_error=_norm(explicit.tensor - last) / _norm(explicit.tensor),
        direction_cosine=_cosine(explicit.tensor - w0, moved),
        truncated_cosine=_cosine(moved, truncated_moved),
        principal_angles=_principal_angles(displacements, projection),
        span_capture=_captured(free.tensor - w0, projection),
        truncation_error=simulated.truncation_error(lift.span, lift.directions, start),
        curvature=lift.curvature(),
        explicit_curvature=float(np.sum(tensors[1] * along_visible)),
        oracle_alignment=_oracle(lift, lifted, projection, options.seed) if oracle else None,
        explicit=explicit,
        free=free,
        exact=exact,
        truncated=truncated,
        truncated_values=np.asarray(lift.span.value(truncated.coefficients)),
        directions=lift.directions,
        explicit_cost=_explicit_cost(lifted, w0, projection, step) if options.costs else None,
        simulated_cost=_simulated_cost(lift.span, start, step) if options.costs else None,
        form=lifted.cost.form,
    )


def _free_descent(
    lifted: LiftedProblem, w0: Any, settings: LiftSettings
) -> tuple[lifting.LiftedDescent, list[FloatArray]]:
    """Run the unprojected descent; keep the displacement after each third of the steps."""
    marks = {max(1, round(part * settings.steps / 3)) for part in (1, 2, 3)}
    seen: list[FloatArray] = []

    def look(iteration: int, w: Any, value: float) -> None:
        if iteration in marks:
            seen.append(np.asarray(w - w0))

    run = lifting.projected_gradient_descent(
        lifted, w0, step_size=settings.step_size, iterations=settings.steps, callback=look
    )
    return run, seen


def _coefficient_error(
    explicit: FloatArray, exact: FloatArray, generators: FloatArray, order: int
) -> float:
    """Return the largest relative difference over the path, in coordinates of unit generators.

    Where Γ is singular a tensor has many coordinates; Γ⁺Γ takes each to its representative of least
    norm.
    """
    flat = generators.reshape(len(generators), -1)
    norms = np.linalg.norm(flat, axis=1)
    units = flat / np.where(norms > 0, norms, 1.0)[:, None]
    gram = (units @ units.T) ** order
    representative = np.linalg.pinv(gram, rcond=GRAM_RANK, hermitian=True) @ gram
    a, b = ((path * norms**order) @ representative for path in (explicit, exact))
    return float(np.max(np.abs(a - b).max(axis=1) / np.abs(b).max(axis=1)))


def _principal_angles(displacements: Sequence[FloatArray], onto: SpanProjection) -> FloatArray:
    """Return the principal angles between S and the span of the displacements."""
    if not any(np.any(displacement) for displacement in displacements):
        return np.empty(0)
    columns = np.array([displacement.reshape(-1) for displacement in displacements]).T
    V, values, _ = np.linalg.svd(columns, full_matrices=False)
    # Displacements along one line span one dimension, not three.
    V = V[:, values > ONE_LINE * values[0]]
    shape = displacements[0].shape
    outside = [v - np.asarray(onto(v.reshape(shape))).reshape(-1) for v in V.T]
    sines = np.linalg.svd(np.array(outside), compute_uv=False)
    return np.sort(np.arcsin(np.clip(sines, 0.0, 1.0)))


def _oracle(
    lift: SimulatedLift, lifted: LiftedProblem, onto_span: SpanProjection, seed: int
) -> OracleAlignment:
    found = lifting.least_curvature(lifted, lifted.lift(lift.point), seed=seed)
    tied = simulated.escape_directions(lift.problem, lift.point, count="tied")
    visibles = SpanProjection([lifted.lift(V) for V in tied.visibles])
    along_visible, inside = (_captured(found.direction, onto) for onto in (visibles, onto_span))
    return OracleAlignment(found.value, along_visible, inside, found.residual)


def _explicit_cost(
    lifted: LiftedProblem, w: Any, projection: SpanProjection, step_size: float
) -> CostSample:
    return measure_cost(
        lambda: projection(w - step_size * lifted.gradient(w)),
        predicted_bytes=lifted.cost.peak_bytes,
        min_time=0.1,
        repeats=3,
    )


def _simulated_cost(span: simulated.SpanObjective, c: FloatArray, step_size: float) -> CostSample:
    return measure_cost(lambda: c - step_size * span.projected_gradient(c))


def _combine(coefficients: FloatArray, tensors: list[Any]) -> Any:
    return sum(c * tensor for c, tensor in zip(coefficients, tensors, strict=True))


def _captured(tensor: Any, projection: SpanProjection) -> float | None:
    """Return ‖Π_S Δ‖ / ‖Δ‖, or None for Δ = 0."""
    norm = _norm(tensor)
    return _norm(projection(tensor)) / norm if norm > 0 else None


def _cosine(a: Any, b: Any) -> float | None:
    scale = _norm(a) * _norm(b)
    return float(np.sum(a * b)) / scale if scale > 0 else None


def _norm(tensor: Any) -> float:
    return float(np.linalg.norm(np.asarray(tensor).reshape(-1)))
