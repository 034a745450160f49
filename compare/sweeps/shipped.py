"""The evaluations that ship with the toolkit; docs/sweeps.md lists the columns of their rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from lift_compare.sensing.tolerances import SOLVED
from lift_compare.sensing.validation import InvalidValue
from lift_compare.simulated import escape
from lift_compare.simulated.escapes.methods import method_settings

from ..agreement.comparison import ComparisonOptions, compare_lift
from ..simulated_lift import SimulatedLift
from .evaluations import Evaluation
from .facts import NOTHING_TO_ESCAPE, said, together
from .oracle import OracleSettings, where_is_the_oracle
from .path import PathSettings, simulated_path
from .point import LiftedSettings, OnwardSettings, PointSettings
from .rival_runs import RivalSettings, rival_run
from .settings import Count, Positive, Seed, Settings
from .success import success_rates

Method = Literal["exact", "truncated", "single-step", "line-search", "columns", "pair", "any"]


def gradient_descent_end(**settings: Any) -> dict[str, Any]:
    """Say where gradient descent ends: how stationary it is, and whether it is the truth."""
    s = PointSettings(**settings)
    return s.before(s.load().problem, s.stationary_point())


class EscapeSettings(OnwardSettings):
    """Which method tries to escape; settings that the method does not have are refused."""

    method: Method = "exact"
    rule: Literal["text", "code"] | None = None
    surrogate: bool | None = None

    @model_validator(mode="after")
    def _complete_the_escape(self) -> Self:
        known = method_settings(self.method)
        for name in ("order", "rho", "eta", "steps", "rule", "surrogate"):
            if name not in known and getattr(self, name) is not None:
                raise InvalidValue(f"{name}: the method {self.method!r} has no such setting")
        self.fill("gd_after")
        if self.method == "truncated":
            self.fill("order", "rho", "eta", "steps")
            self.rule, self.surrogate = self.rule or "code", bool(self.surrogate)
        return self


def escape_attempt(**settings: Any) -> dict[str, Any]:
    """Try one escape from X̂ (`simulated.escape`), and descend from where it leads."""
    s = EscapeSettings(**settings)
    problem, X = s.load().problem, s.stationary_point()
    before = s.before(problem, X)
    if before["spurious"] is False:
        return before | {"found": False, "reason": NOTHING_TO_ESCAPE}
    own = {"rho", "eta", "steps", "rule", "surrogate"} & set(method_settings(s.method))
    chosen = {name: getattr(s, name) for name in own}
    if "rho" in own:
        lift = s.lift(problem, X)
        chosen |= {"rho": lift.rho, "eta": lift.eta}
    attempt = escape(problem, X, method=s.method, order=s.order, **chosen)
    found = {
        "found": attempt.found,
        "reason": str(attempt.reason),
        "order_used": attempt.order,
        "kind": attempt.kind,
        "details": attempt.details,
    }
    found |= {f"{name}_used": chosen[name] for name in ("rho", "eta") if name in own}
    return together(before, found, s.after(problem, attempt.point))


class SuccessSettings(Settings):
    """Cells and starts of success rates on perturbed completion."""

    n: Annotated[int, Field(ge=2, le=2_000)]
    epsilon: Positive
    starts: Annotated[int, Field(ge=1, le=10_000)] = 50
    scale: Positive = 0.1
    seed: Seed = 0
    method: Method = "exact"
    step_size: Positive | None = None
    max_iterations: Count = 20_000
    max_escapes: Annotated[int, Field(ge=0, le=1_000)] = 10
    tolerance: Positive = SOLVED


def success_rate(**settings: Any) -> dict[str, Any]:
    """Count the starts from which perturbed completion is solved, alone and with escapes."""
    s = SuccessSettings(**settings).model_dump()
    cell = success_rates([s.pop("n")], [s.pop("epsilon")], progress=False, **s).cells[0]
    results = dict(vars(cell))
    results["step_size_used"] = results.pop("step_size")
    lost = f"the descents from {cell.diverged} of {cell.starts} starts diverged"
    results["note"] = said({lost: cell.diverged})
    return {key: results[key] for key in results if key not in ("n", "epsilon", "starts")}


class ComparisonSettings(LiftedSettings):
    """How far the explicit side is run beside its simulations."""

    steps: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    memory_limit: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None
    costs: bool = False

    @model_validator(mode="after")
    def _complete_the_comparison(self) -> Self:
        self.fill("order", "rho", "eta")
        return self


def explicit_against_simulated(**settings: Any) -> dict[str, Any]:
    """Compare the explicit lifted descent with both simulations, if memory allows."""
    s = ComparisonSettings(**settings)
    problem, X = s.load().problem, s.stationary_point()
    before, chosen = s.before(problem, X), s.lift(problem, X)
    lift = SimulatedLift(problem, X, chosen)
    options = ComparisonOptions(memory_limit=s.memory_limit, costs=s.costs)
    found = compare_lift(lift, options)
    row = found.row()
    used = {"steps_made": found.steps, "rho_used": chosen.rho, "eta_used": chosen.eta}
    notes = {
        f"the lifted descents diverged at step {found.diverged_at}": found.diverged_at is not None,
        "explicit and exactly simulated descent disagree": not found.agree,
    }
    of_the_sweep = ("order", "rho", "eta", "step_size", "steps")
    results = {key: row[key] for key in row if key not in of_the_sweep}
    return together(before, used, results, {"note": said(notes)})


EVALUATIONS: dict[str, Evaluation] = {
    evaluation.name: evaluation
    for evaluation in (
        Evaluation(
            "descent",
            gradient_descent_end,
            PointSettings,
            version=3,
            columns=(
                "h_before h_before_relative distance_before relative_gradient_norm lambda_n "
                "spurious solved_before near_truth_before descent_stop note"
            ),
        ),
        Evaluation(
            "path",
            simulated_path,
            PathSettings,
            version=3,
            columns=(
                "h_exact_T h_surrogate_T type dominance accepted_text_exact "
                "accepted_code_exact accepted_code_surrogate truncation_error h_before "
                "h_before_relative lambda_n "
                "h_collapsed h_final near_truth stop note"
            ),
        ),
        Evaluation(
            "escape",
            escape_attempt,
            EscapeSettings,
            version=3,
            columns="found order_used kind h_before h_collapsed h_final near_truth reason note",
        ),
        Evaluation(
            "oracle",
            where_is_the_oracle,
            OracleSettings,
            columns=(
                "order_visible order_oracle certified_below exact_solved any_solved "
                "no_lifting_solved note"
            ),
        ),
        Evaluation(
            "rival",
            rival_run,
            RivalSettings,
            columns="outcome solved near_truth spent run_seconds h_relative",
        ),
        Evaluation(
            "success",
            success_rate,
            SuccessSettings,
            version=2,
            columns=(
                "rate_descent rate_escapes published_descent published_escapes escapes refused note"
            ),
        ),
        Evaluation(
            "directions",
            explicit_against_simulated,
            ComparisonSettings,
            version=3,
            columns=(
                "verdict coefficient_error objective_error tensor_error span_capture "
                "truncation_error note"
            ),
        ),
    )
}
"""The shipped evaluations by name."""
