"""Do the real lifted descent and its simulations take the same way? One comparison, at one point and one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.validation import FloatArray, odd_order, positive, whole_number

from .measure import CostSample, measure_cost
from .tables import Column, show, text_table

ORACLE_LIMIT = 300
"""Tensors of up to this many entries have their oracle direction computed unless it is asked for or declined."""


@dataclass(frozen=True)
class OracleAlignment:
    """The oracle direction at ŵ: the least eigenvector of ∇²h^l(ŵ) over all tensors (docs/theory.md, section 5).

    Attributes
    ----------
    curvature : float
        The least eigenvalue.
    visible_cosine : float
        Norm of the part of the oracle direction (of unit norm) that lies in the span of the visible tensors. With a
        single λ_n it is |cos| of the angle to vec(u_n q_rᵀ)^{⊗l}; a tie in λ_n has one visible tensor an eigenvector.
    span_capture : float
        Norm of its part in the span S of base, visible and hidden.
    residual : float
        ‖∇²h^l(ŵ)[w] − curvature · w‖ of the computed eigenpair.
    """

    curvature: float
    visible_cosine: float
    span_capture: float
    residual: float


@dataclass(frozen=True, repr=False)
class DirectionComparison:
    """Explicit lifted descent against its exact and its truncated simulation.

    All three start at vec(X̂)^{⊗l} + ρ vec(u_n q_rᵀ)^{⊗l}. The first two take gradient steps of
    size η/2, because the η of the truncated recursion is twice the step (docs/theory.md, section
    7).

    Attributes
    ----------
    order, rho, eta, steps : int, float, float, int
        Settings; `steps` is the number of steps that both descents made.
    coefficient_error : float
        Largest relative difference of the coefficients, explicit against exactly simulated, over the path; in the
        coordinates of unit generators, taken modulo what Γ does not see where Γ is singular.
    objective_error : float
        Largest |difference of h^l| over the path, relative to h^l(0) = ½ ‖b‖^{2l} or, where it is larger, to h^l at the
        start: the expansion of h^l into powers subtracts terms of that size.
    tensor_error : float
        ‖w_explicit − Σ c_j vec(X_j)^{⊗l}‖ / ‖w_explicit‖ at the end.
    direction_cosine : float
        Cosine between the displacements w_T − w_0 of the explicit and of the exactly simulated descent.
    truncated_cosine : float or None
        The same between the exactly simulated and the truncated path. None where a displacement is zero.
    principal_angles : array (up to 3,)
        Principal angles (radians, ascending) between S and the span of the displacements along the *unprojected* path
        after a third, two thirds and all of the steps.
    span_capture : float or None
        ‖Π_S Δ‖ / ‖Δ‖ of the displacement Δ of the unprojected lifted path. None where Δ is zero.
    truncation_error : float
        ‖Π_S ∇h^l − retained terms‖ / ‖Π_S ∇h^l‖ at the start.
    curvature, explicit_curvature : float
        ⟨b, ∇²h^l(ŵ)[b]⟩ along the visible tensor b: by formula, and from the explicit Hessian product.
    oracle_alignment : OracleAlignment or None
        None where it was not computed.
    explicit, free : LiftedDescent
        The explicit descent on S, and the unprojected one.
    exact : SpanDescent
        The exact simulation.
    truncated : TruncatedPath
        The truncated one.
    directions : EscapeDirections
        The directions at X̂.
    explicit_cost, simulated_cost : CostSample or None
        What one step costs: seconds and peak bytes. None where costs were not asked for.
    form : str
        Form of the lifted objective that was run.
    """

    order: int
    rho: float
    eta: float
    steps: int
    coefficient_error: float
    objective_error: float
    tensor_error: float
    direction_cosine: float
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
    directions: simulated.EscapeDirections
    explicit_cost: CostSample | None
    simulated_cost: CostSample | None
    form: str

    @property
    def agree(self) -> bool:
        """Whether explicit and exact simulation agree to 1e-10 in coefficients, objective and tensor."""
        return max(self.coefficient_error, self.objective_error, self.tensor_error) <= 1e-10

    def row(self) -> dict[str, Any]:
        """Return the numbers as one row of a table."""
        oracle = self.oracle_alignment
        return {
            "order": self.order,
            "rho": self.rho,
            "eta": self.eta,
            "steps": self.steps,
            "form": self.form,
            "coefficient_error": self.coefficient_error,
            "objective_error": self.objective_error,
            "tensor_error": self.tensor_error,
            "agree": self.agree,
            "direction_cosine": self.direction_cosine,
            "truncated_cosine": self.truncated_cosine,
            "principal_angles": self.principal_angles,
            "span_capture": self.span_capture,
            "truncation_error": self.truncation_error,
            "curvature": self.curvature,
            "explicit_curvature": self.explicit_curvature,
            "oracle_curvature": oracle.curvature if oracle else None,
            "oracle_visible_cosine": oracle.visible_cosine if oracle else None,
            "oracle_span_capture": oracle.span_capture if oracle else None,
            "explicit_stop": self.explicit.stop_reason.value,
            **(self.explicit_cost.row("explicit_") if self.explicit_cost else {}),
            **(self.simulated_cost.row("simulated_") if self.simulated_cost else {}),
        }

    def table(self) -> str:
        """Return the numbers as a table of two columns."""
        rows = [
            {"what": key.replace("_", " "), "value": show(value, ".6g")}
            for key, value in self.row().items()
        ]
        return text_table([Column("what", "quantity"), Column("value", "value")], rows)

    def __repr__(self) -> str:
        return (
            f"DirectionComparison(order {self.order}, {self.steps} steps: explicit and exact simulation "
            f"{'agree' if self.agree else 'DISAGREE'} (coefficients {self.coefficient_error:.1e}, objective "
            f"{self.objective_error:.1e}, tensor {self.tensor_error:.1e}); "
            f"truncation error {self.truncation_error:.3g})"
        )


def compare_directions(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    rho: float,
    eta: float,
    steps: int,
    memory_limit: int | None = None,
    oracle: bool | None = None,
    costs: bool = True,
    seed: int = 0,
) -> DirectionComparison:
    """Run the explicit lifted descent and both simulations from a stationary point, and compare them.

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
    memory_limit : int, optional
        Byte budget of the explicit side (see `lifting.LiftedProblem`).
    oracle : bool, optional
        Whether to compute the oracle alignment; by default for tensors of up to 300 entries.
    costs : bool
        Whether to measure seconds and bytes of one step of either side.
    seed : int
        Seed of the eigensolver's start.

    Returns
    -------
    DirectionComparison

    Raises
    ------
    TypeError, ValueError
        For bad input, named.
    lifting.MemoryLimitExceeded
        If the explicit side does not fit the budget; nothing was allocated then.
    """
    order = odd_order(order)
    rho, eta, steps = positive("rho", rho), positive("eta", eta), whole_number("steps", steps)
    directions = simulated.escape_directions(problem, X)
    lifted = lifting.LiftedProblem(problem, order, memory_limit=memory_limit)
    generators = directions.generators
    tensors = [lifted.lift(G) for G in generators]
    # A generator that is zero spans nothing, and the explicit projection refuses it.
    kept = [j for j, tensor in enumerate(tensors) if np.any(tensor)]
    projection = lifting.SpanProjection([tensors[j] for j in kept])
    start = np.array([1.0, rho, 0.0])
    w0 = tensors[0] + rho * tensors[1]
    step = eta / 2

    explicit = lifting.projected_gradient_descent(
        lifted, w0, step_size=step, iterations=steps, projection=projection
    )
    marks, seen = {max(1, round(part * steps / 3)) for part in (1, 2, 3)}, []

    def look(iteration: int, w: Any, value: float) -> None:
        if iteration in marks:
            seen.append(np.asarray(w - w0))

    free = lifting.projected_gradient_descent(
        lifted, w0, step_size=step, iterations=steps, callback=look
    )
    span = simulated.SpanObjective(problem, generators, order)
    exact = simulated.descend(span, start, step_size=step, iterations=steps)

    made = min(len(explicit.values), len(exact.values)) - 1
    truncated = simulated.truncated_coefficients(directions, order, rho=rho, eta=eta, steps=made)
    path, values = exact.coefficients[: made + 1], exact.values[: made + 1]
    assert explicit.coefficients is not None
    explicit_path = np.zeros((made + 1, 3))
    explicit_path[:, kept] = explicit.coefficients[: made + 1]
    displacement = explicit.tensor - w0
    simulated_displacement = _combine(exact.coefficients[-1] - start, tensors)
    visible = tensors[1]
    curvature = float(np.sum(visible * lifted.hessian_product(tensors[0], visible)))

    if oracle is None:
        oracle = lifted.cost.tensor_bytes <= 8 * ORACLE_LIMIT
    return DirectionComparison(
        order=order,
        rho=rho,
        eta=eta,
        steps=made,
        coefficient_error=_coefficient_error(explicit_path, path, generators, order),
        objective_error=float(
            np.max(np.abs(explicit.values[: made + 1] - values))
            / max(values[0], span.value(np.zeros(3)))
        ),
        tensor_error=_norm(explicit.tensor - _combine(exact.coefficients[-1], tensors))
        / _norm(explicit.tensor),
        direction_cosine=_cosine(displacement, simulated_displacement) or 0.0,
        truncated_cosine=_cosine(
            simulated_displacement, _combine(truncated.coefficients[-1] - start, tensors)
        ),
        principal_angles=_principal_angles(seen, projection),
        span_capture=_captured(free.tensor - w0, projection),
        truncation_error=simulated.truncation_error(span, directions, start),
        curvature=simulated.curvature_along(problem, directions.base, directions.visible, order),
        explicit_curvature=curvature,
        oracle_alignment=_oracle(lifted, directions.base, projection, seed) if oracle else None,
        explicit=explicit,
        free=free,
        exact=exact,
        truncated=truncated,
        directions=directions,
        explicit_cost=_explicit_cost(lifted, w0, projection, step) if costs else None,
        simulated_cost=measure_cost(lambda: start - step * span.projected_gradient(start))
        if costs
        else None,
        form=lifted.cost.form,
    )


def _coefficient_error(
    explicit: FloatArray, exact: FloatArray, generators: FloatArray, order: int
) -> float:
    """Return the largest relative difference over the path, in coordinates of the unit generators.

    Where Γ is singular a tensor has many coordinates; Γ⁺Γ takes each to its representative of least
    norm.
    """
    flat = generators.reshape(len(generators), -1)
    norms = np.linalg.norm(flat, axis=1)
    units = flat / np.where(norms > 0, norms, 1.0)[:, None]
    gram = (units @ units.T) ** order
    representative = np.linalg.pinv(gram, rcond=1e-12, hermitian=True) @ gram
    a, b = ((path * norms**order) @ representative for path in (explicit, exact))
    return float(np.max(np.abs(a - b).max(axis=1) / np.abs(b).max(axis=1)))


def _principal_angles(
    displacements: list[FloatArray], projection: lifting.SpanProjection
) -> FloatArray:
    """Return the principal angles between S and the span of the displacements."""
    if not any(np.any(displacement) for displacement in displacements):
        return np.empty(0)
    V, values, _ = np.linalg.svd(
        np.array([d.reshape(-1) for d in displacements]).T, full_matrices=False
    )
    V = V[
        :, values > 1e-8 * values[0]
    ]  # displacements along one line span one dimension, not three
    outside = [
        v - np.asarray(projection(v.reshape(displacements[0].shape))).reshape(-1) for v in V.T
    ]
    sines = np.linalg.svd(np.array(outside), compute_uv=False)
    return np.sort(np.arcsin(np.clip(sines, 0.0, 1.0)))


def _oracle(
    lifted: lifting.LiftedProblem, X: FloatArray, projection: lifting.SpanProjection, seed: int
) -> OracleAlignment:
    found = lifting.least_curvature(lifted, lifted.lift(X), seed=seed)
    tied = simulated.escape_directions(lifted.problem, X, count="tied")
    visibles = lifting.SpanProjection([lifted.lift(V) for V in tied.visibles])
    return OracleAlignment(
        found.value,
        _captured(found.direction, visibles) or 0.0,
        _captured(found.direction, projection) or 0.0,
        found.residual,
    )


def _explicit_cost(
    lifted: lifting.LiftedProblem, w: Any, projection: lifting.SpanProjection, step: float
) -> CostSample:
    return measure_cost(
        lambda: projection(w - step * lifted.gradient(w)),
        predicted_bytes=lifted.cost.peak_bytes,
        min_time=0.1,
        repeats=3,
    )


def _combine(coefficients: FloatArray, tensors: list[Any]) -> Any:
    return sum(c * tensor for c, tensor in zip(coefficients, tensors, strict=True))


def _captured(tensor: Any, projection: lifting.SpanProjection) -> float | None:
    """Return ‖Π_S Δ‖ / ‖Δ‖, or None for Δ = 0."""
    norm = _norm(tensor)
    return _norm(projection(tensor)) / norm if norm > 0 else None


def _cosine(a: Any, b: Any) -> float | None:
    scale = _norm(a) * _norm(b)
    return float(np.sum(a * b)) / scale if scale > 0 else None


def _norm(tensor: Any) -> float:
    return float(np.linalg.norm(np.asarray(tensor).reshape(-1)))
