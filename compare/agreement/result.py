"""What a comparison of explicit and simulated descent found: numbers, row, table, verdict."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lift_compare import lifting, simulated
from lift_compare.sensing.validation import FloatArray

from ..cost.measure import CostSample
from ..simulated_lift import SimulatedLift
from ..tables import Column, show, text_table
from ..tabular import Tabular
from ..tolerances import AGREEMENT

_IN_A_ROW = (
    *("order", "rho", "eta", "step_size", "steps", "form"),
    *("coefficient_error", "objective_error", "tensor_error", "agree"),
    *("direction_cosine", "truncated_cosine", "principal_angles", "span_capture"),
    *("truncation_error", "curvature", "explicit_curvature"),
)


@dataclass(frozen=True)
class OracleAlignment:
    """The oracle direction over all tensors: the least eigenvector of ∇²h^l(ŵ).

    The mathematics: docs/theory.md, sections 5, 10 and 11.

    Attributes
    ----------
    curvature, symmetric_curvature, power_curvature : float
        The least curvature over all unit tensors (that eigenvalue), over symmetric ones, and over
        rank-one powers: 2 q_l(V*).
    power_cosine : float
        |cos| of the angle between the oracle direction and vec(V*)^{⊗l}.
    visible_cosine : float or None
        Norm of the part of the oracle direction (of unit norm) that lies in the span of the visible
        tensors. With a single λ_n it is |cos| of the angle to vec(u_n q_rᵀ)^{⊗l}; a tie in λ_n has
        one visible tensor an eigenvector.
    span_capture, extended_capture : float or None
        Norm of its part in the span S of base, visible and hidden, and in that of S and V*.
    residual : float
        ‖∇²h^l(ŵ)[w] − curvature · w‖ of the computed eigenpair.
    """

    curvature: float
    symmetric_curvature: float
    power_curvature: float
    power_cosine: float
    visible_cosine: float | None
    span_capture: float | None
    extended_capture: float | None
    residual: float


@dataclass(frozen=True, repr=False)
class DirectionComparison(Tabular):
    """Explicit lifted descent against its exact and its truncated simulation.

    All three start at vec(X̂)^{⊗l} + ρ vec(u_n q_rᵀ)^{⊗l}. The first two take gradient steps of
    size `step_size` = η/2, because the η of the truncated recursion is twice the step
    (docs/theory.md, section 7). A quantity that is not defined, such as the cosine of a zero
    displacement, is None.

    Attributes
    ----------
    order, rho, eta, step_size, steps : int, float, float, float, int
        Settings, with step_size = η/2; `steps` is the number of steps that both descents made.
    coefficient_error : float
        Largest relative difference over the path of the tensors that the coefficients stand for,
        explicit against exactly simulated: ‖w − w'‖² = (c − c')ᵀ Γ (c − c').
    objective_error : float
        Largest |difference of h^l| over the path, relative to h^l(0) = ½ ‖b‖^{2l}, h^l at the start
        or h^l at the step, whichever is largest: the expansion of h^l into powers subtracts terms
        of that size.
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
    visible_order : int or None
        The least odd order, up to 1001, at which ŵ is a strict saddle along v̂.
    saddle_order : SaddleOrder
        The least odd order at which it is one along some rank-one power: found, and certified.
    oracle_alignment : OracleAlignment or None
        The oracle direction, its curvature, and where it lies; None where it was not computed.
    leakage : Leakage
        What S leaves out of ∇h^l at every state of the exactly simulated path.
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
    lift : SimulatedLift
        The simulations at X̂, to be run further than the explicit side can.
    diverged_at : int or None
        The first step at which h^l rises on both sides, of descents that leave float64, end above
        their start, or part later; they are compared until then. From there on rounding grows at
        every step, and two runs of one recursion part as well.

    Examples
    --------
    >>> from lift_compare import compare, sensing
    >>> found = compare.compare_directions(
    ...     sensing.two_by_two(), [[0.0], [0.5**0.5]], 3, steps=20, rho=0.1, costs=False
    ... )
    >>> found.agree, found.form
    (True, 'symmetric-pairs')
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
    visible_order: int | None
    saddle_order: simulated.SaddleOrder
    oracle_alignment: OracleAlignment | None
    leakage: simulated.Leakage
    explicit: lifting.LiftedDescent
    free: lifting.LiftedDescent
    exact: simulated.SpanDescent
    truncated: simulated.TruncatedPath
    truncated_values: FloatArray
    directions: simulated.EscapeDirections
    explicit_cost: CostSample | None
    simulated_cost: CostSample | None
    form: str
    lift: SimulatedLift
    diverged_at: int | None = None

    @property
    def step_size(self) -> float:
        """The gradient step of the descents, η/2."""
        return self.lift.settings.step_size

    @property
    def agree(self) -> bool:
        """Whether explicit and exact simulation agree to 1e-10: coefficients, objective, tensor.

        Of descents that diverge, until they do.
        """
        errors = (self.coefficient_error, self.objective_error, self.tensor_error)
        return max(errors) <= AGREEMENT

    @property
    def verdict(self) -> str:
        """What became of the two: "agree", "DISAGREE", or "diverged at step k".

        Those that diverged agreed until then; at step 1 nothing was compared.
        """
        if not self.agree:
            return "DISAGREE"
        return "agree" if self.diverged_at is None else f"diverged at step {self.diverged_at}"

    def rows(self) -> list[dict[str, Any]]:
        """Return the numbers as the one row of a table."""
        return [self.row()]

    def row(self) -> dict[str, Any]:
        """Return the numbers as one row of a table; agree is None where nothing was compared."""
        row = {name: getattr(self, name) for name in _IN_A_ROW}
        if self.agree and self.diverged_at == 1:
            row["agree"] = None
        row |= {"verdict": self.verdict, "diverged_at": self.diverged_at}
        row |= {"visible_order": self.visible_order, "power_order": self.saddle_order.order}
        row["power_certified_below"] = self.saddle_order.certified_below
        for field in fields(OracleAlignment):
            row[f"oracle_{field.name}"] = getattr(self.oracle_alignment, field.name, None)
        left_out = leakage_beyond_rounding(self.leakage)
        row |= {"leakage_start": left_out[0], "leakage_end": left_out[-1]}
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
        until = ""
        if self.agree and self.diverged_at is not None:
            until = ", nothing compared" if self.diverged_at == 1 else ", agreed until then"
        return (
            f"DirectionComparison(order {self.order}, {self.steps} steps: explicit and exact "
            f"simulation {self.verdict}{until} (coefficients "
            f"{self.coefficient_error:.1e}, objective {self.objective_error:.1e}, tensor "
            f"{self.tensor_error:.1e}); truncation error {self.truncation_error:.3g})"
        )


def leakage_beyond_rounding(found: simulated.Leakage) -> list[float | None]:
    """Return the leakage at every state: 0 within its rounding, None where ∇h^l is zero to it."""
    shares, errors = np.atleast_1d(found.leakage), np.atleast_1d(found.rounding)
    return [
        None if np.isnan(share) else 0.0 if np.sqrt(share) <= error else float(share)
        for share, error in zip(shares, errors, strict=True)
    ]
