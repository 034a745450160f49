"""One comparison, at one point and one order: every number from both sides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.lifting import LiftedProblem, SpanProjection
from lift_compare.sensing import LiftSettings, SensingProblem
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.validation import FloatArray, odd_order, true_or_false, whole_number

from ..cost.measure import CostSample, measure_cost
from ..simulated_lift import GivenSettings, SimulatedLift
from ..tolerances import MEMORY_LIMIT, ONE_LINE
from .descents import Descents, ExplicitSide
from .progress import Progress, predicted_seconds
from .result import DirectionComparison, OracleAlignment

ORACLE_ENTRIES = 20_000
"""Tensors of up to this many entries have their oracle direction computed unless it is declined."""


@dataclass(frozen=True)
class ComparisonOptions:
    """How `compare_directions` goes about it; its docstring describes the fields."""

    memory_limit: int | None = None
    oracle: bool | None = None
    costs: bool = True
    seed: int = 0
    progress: bool = True

    def __post_init__(self) -> None:
        limit = MEMORY_LIMIT if self.memory_limit is None else self.memory_limit
        object.__setattr__(self, "memory_limit", whole_number("memory_limit", limit))
        if self.oracle is not None:
            true_or_false("oracle", self.oracle)
        true_or_false("costs", self.costs)
        whole_number("seed", self.seed, least=0)
        true_or_false("progress", self.progress)


def compare_directions(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    rho: float | None = None,
    step_size: float | None = None,
    steps: int = 200,
    eta: float | None = None,
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
    rho : float, optional
        Initial weight ρ > 0 of the visible direction; by default ρ ‖v̂‖ = 0.1 ‖ŵ‖.
    step_size : float, optional
        Gradient step of the descents, as in `simulated.descend` and
        `lifting.projected_gradient_descent`. By default one with which h^l falls at every step.
    steps : int
        Number of steps. Diverging descents are compared until h^l rises.
    eta : float, optional
        The same step as the published η of the truncated recursion, η = 2 step_size; give one of
        the two.
    **options
        memory_limit: bytes that the explicit side may take (1 GB). oracle: whether to compute the
        oracle alignment; by default for tensors of up to 20,000 entries. costs (True): whether to
        measure seconds and bytes of one step of either side. seed (0): of the eigensolver's start.
        progress (True): show a bar on stderr where it takes over two seconds, if that is a
        terminal.

    Returns
    -------
    DirectionComparison

    Raises
    ------
    TypeError, ValueError
        For bad input, named.
    OverflowError
        If a number leaves float64, or ρ v̂ is so small beside ŵ that the rounding of the start
        parts the two by more than they may differ.
    lifting.MemoryLimitExceeded
        If the explicit side does not fit the budget; nothing was allocated then.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> instance = sensing.instance("real-system")
    >>> found = compare.compare_directions(
    ...     instance.problem, instance.stationary_point(), order=5, costs=False
    ... )
    >>> found.agree, found.curvature > 0
    (True, True)
    """
    X, order = checked_problem(problem).factor("X", X), odd_order(order)
    given = GivenSettings.of(rho=rho, eta=eta, step_size=step_size, steps=steps)
    chosen = ComparisonOptions(**options)
    flops = lifting.predict_cost(problem, order).choose(chosen.memory_limit).flops
    seconds = predicted_seconds(flops, steps, steps, costs=chosen.costs)
    with Progress(seconds, shown=chosen.progress) as bar:
        bar.begin(f"l = {order}", seconds)
        lift = SimulatedLift.with_defaults(problem, X, order, **{"steps": steps} | given.values())
        return compare_lift(lift, chosen, lambda: bar.step(flops))


def compare_lift(
    lift: SimulatedLift, options: ComparisonOptions, tick: Callable[[], object] | None = None
) -> DirectionComparison:
    """Do what `compare_directions` does, with what is known at the point already.

    `tick`, if given, is called at every explicit step.
    """
    side = ExplicitSide.of(lift, options.memory_limit)
    both = Descents(side, lift, tick)
    diverged_at = both.divergence
    if diverged_at is not None:  # both once more, until then
        lift = replace(lift, settings=replace(lift.settings, steps=diverged_at - 1))
        both = Descents(side, lift, tick)
    both.refuse_rounding()

    lifted, tensors, projection = side.lifted, side.tensors, side.projection
    start, w0 = lift.settings.start, side.start(lift.settings.rho)
    settings, step, made = lift.settings, lift.settings.step_size, both.steps
    free, displacements = _free_descent(lifted, w0, settings, tick)
    truncated = simulated.truncated_coefficients(
        lift.directions, settings.order, rho=settings.rho, eta=settings.eta, steps=made
    )
    tensor, path = both.explicit.tensor, both.exact.coefficients[: made + 1]
    last = _combine(path[-1], tensors)
    moved = _combine(path[-1] - start, tensors)
    truncated_moved = _combine(truncated.coefficients[-1] - start, tensors)
    along_visible = lifted.hessian_product(tensors[0], tensors[1])
    oracle = options.oracle
    if oracle is None:
        oracle = tensors[0].size <= ORACLE_ENTRIES
    return DirectionComparison(
        order=settings.order,
        rho=settings.rho,
        eta=settings.eta,
        steps=made,
        coefficient_error=both.coefficient_error,
        objective_error=both.objective_error,
        tensor_error=_norm(tensor - last) / _norm(tensor),
        direction_cosine=_cosine(tensor - w0, moved),
        truncated_cosine=_cosine(moved, truncated_moved),
        principal_angles=_principal_angles(displacements, projection),
        span_capture=_captured(free.tensor - w0, projection),
        truncation_error=simulated.truncation_error(lift.span, lift.directions, start),
        curvature=lift.curvature(),
        explicit_curvature=float(np.sum(tensors[1] * along_visible)),
        visible_order=lift.saddle_order,
        saddle_order=lift.order_of_powers,
        oracle_alignment=_oracle(lift, lifted, projection, options) if oracle else None,
        leakage=simulated.leakage(lift.problem, lift.span.generators, path, settings.order),
        explicit=both.explicit,
        free=free,
        exact=both.exact,
        truncated=truncated,
        truncated_values=np.asarray(lift.span.value(truncated.coefficients)),
        directions=lift.directions,
        explicit_cost=_explicit_cost(lifted, w0, projection, step) if options.costs else None,
        simulated_cost=simulated_step_cost(lift) if options.costs else None,
        form=lifted.cost.form,
        lift=lift,
        diverged_at=diverged_at,
    )


def _free_descent(
    lifted: LiftedProblem, w0: Any, settings: LiftSettings, tick: Callable[[], object] | None
) -> tuple[lifting.LiftedDescent, list[FloatArray]]:
    """Run the unprojected descent; keep the displacement after each third of the steps."""
    marks = {max(1, round(part * settings.steps / 3)) for part in (1, 2, 3)}
    seen: list[FloatArray] = []

    def look(iteration: int, w: Any, value: float) -> None:
        if tick is not None:
            tick()
        if iteration in marks:
            seen.append(np.asarray(w - w0))

    run = lifting.projected_gradient_descent(
        lifted, w0, step_size=settings.step_size, iterations=settings.steps, callback=look
    )
    return run, seen


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
    lift: SimulatedLift,
    lifted: LiftedProblem,
    onto_span: SpanProjection,
    options: ComparisonOptions,
) -> OracleAlignment:
    everything, symmetric = (
        lifting.least_curvature_at_point(
            lift.problem,
            lift.point,
            lift.settings.order,
            symmetric=only_symmetric,
            memory_limit=options.memory_limit,
            seed=options.seed,
        )
        for only_symmetric in (False, True)
    )
    tied = simulated.escape_directions(lift.problem, lift.point, count="tied")
    power = lift.product_oracle
    visibles = SpanProjection([lifted.lift(V) for V in tied.visibles])
    extended = [*lift.directions.generators, power.direction]
    extended_span = SpanProjection([lifted.lift(X) for X in extended if np.any(X)])
    along_visible, inside, extended_inside = (
        _captured(everything.direction, onto) for onto in (visibles, onto_span, extended_span)
    )
    return OracleAlignment(
        curvature=everything.value,
        symmetric_curvature=symmetric.value,
        power_curvature=power.curvature,
        power_cosine=abs(everything.along(power.direction)),
        visible_cosine=along_visible,
        span_capture=inside,
        extended_capture=extended_inside,
        residual=everything.residual,
    )


def _explicit_cost(
    lifted: LiftedProblem, w: Any, projection: SpanProjection, step_size: float
) -> CostSample:
    return measure_cost(
        lambda: projection(w - step_size * lifted.gradient(w)),
        predicted_bytes=lifted.cost.peak_bytes,
        min_time=0.1,
        repeats=3,
    )


def simulated_step_cost(lift: SimulatedLift) -> CostSample:
    """Measure one step of the exact simulation, from its start."""
    span, c, step_size = lift.span, lift.settings.start, lift.settings.step_size
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
