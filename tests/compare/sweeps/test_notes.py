"""What a row says of its point: solved, near the truth, diverged; and whose settings it takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.compare.sweeps.evaluations import Evaluation, evaluate, not_finite
from lift_compare.compare.sweeps.rows import Outcome, Status
from lift_compare.compare.sweeps.shipped import EVALUATIONS
from lift_compare.compare.sweeps.sweep import Sweep, task_of
from lift_compare.compare.tolerances import AGREEMENT
from lift_compare.simulated import escape_directions

SOLVED = {"instance": "gaussian", "n": 5, "m": 8, "rank": 2, "polish": True}
"""Descents from normal starts solve this one: m is below the number of unknowns."""


def outcome(name: str, settings: dict[str, Any]) -> Outcome:
    return evaluate(EVALUATIONS[name].run, task_of(EVALUATIONS[name], settings).settings)


def results(name: str, **settings: Any) -> dict[str, Any]:
    found = outcome(name, settings)
    assert found.status is Status.DONE, found.error
    assert found.results is not None
    return found.results


@pytest.mark.parametrize("name", ["path", "escape", "descent"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_solved_point_is_called_so_and_nothing_is_made_of_its_rounding(
    name: str, seed: int
) -> None:
    row = results(name, **SOLVED, seed=seed)
    problem = sensing.gaussian(5, 2, 8, seed)
    assert row["solved_before"]
    assert row["spurious"] is False
    assert row["h_before_relative"] * problem.objective_at_zero == pytest.approx(row["h_before"])
    assert row["note"].startswith("X̂ solves the problem: h is ")
    assert isinstance(row["lambda_n"], float)
    for noise in ("smallest_saddle_order", "h_final", "h_exact_T", "order_used", "kind"):
        assert row.get(noise) is None
    if name == "path":
        assert row["stop"] == "X̂ is not spurious: there is nothing to escape from"
    if name == "escape":
        assert (row["found"], row["reason"]) == (
            False,
            "X̂ is not spurious: there is nothing to escape from",
        )


def test_a_spurious_point_has_no_note() -> None:
    for name in ("path", "escape", "descent", "directions"):
        row = results(name, instance="two-by-two", **({"steps": 20} if name == "path" else {}))
        assert (row["spurious"], row["note"]) == (True, None)
        # h = 3/8 and b = A(e₁e₁ᵀ) = (1, 0, 0): by hand.
        assert row["h_before_relative"] == pytest.approx(3 / 4, rel=AGREEMENT)
        assert row["lambda_n"] == pytest.approx(-3 / 4, rel=AGREEMENT)


def test_a_global_minimum_above_zero_is_called_so(tmp_path: Path) -> None:
    """b = −e₁: no PSD matrix comes nearer than those with M₁₁ = 0, and there h = ½."""
    operator = sensing.DenseOperator([[[1.0, 0.0], [0.0, 0.0]]])
    problem = sensing.SensingProblem(operator, np.array([-1.0]))
    point = np.array([[0.0], [1.0]])
    file = tmp_path / "above.npz"
    sensing.save_instance(file, sensing.Instance("above", problem, known_point=point))
    row = results("path", instance=str(file))
    assert (row["spurious"], row["solved_before"], row["h_before"]) == (False, False, 0.5)
    assert row["note"] == "λ_n is not negative beyond rounding"


def test_a_point_near_the_truth_is_no_spurious_one() -> None:
    """A descent that has not ended: λ_n < 0, h > 0, and the truth close by."""
    row = results("path", instance="gaussian:n=4,m=16,rank=1,seed=2", gd_before=70)
    assert row["near_truth_before"]
    assert not row["solved_before"]
    assert row["lambda_n"] < 0
    assert row["spurious"] is False
    assert "X̂ is near the truth" in row["note"]
    assert "smallest_saddle_order" not in row


def test_a_point_that_is_not_stationary_is_called_so() -> None:
    row = results("descent", instance="gaussian:n=4,m=9,rank=1,seed=2", gd_before=3)
    assert "X̂ is not stationary" in row["note"]
    assert row["spurious"] is None
    assert row["descent_stop"] == "the iteration budget ended"


@pytest.mark.parametrize("name", ["path", "escape", "descent"])
def test_a_descent_to_the_point_that_diverges_is_told(name: str) -> None:
    row = results(name, instance="gaussian:n=4,m=9,rank=1,seed=2", gd_step=50.0)
    assert "the descent to X̂ diverged" in row["note"]
    assert "left the range of float64" in row["descent_stop"]
    assert row["spurious"] is False


def test_a_descent_after_the_escape_that_diverges_has_no_end() -> None:
    row = results("path", instance="two-by-two", eta=0.1, steps=1000, gd_step=0.1, gd_after=50)
    assert row["h_collapsed"] > 1e6
    assert row["h_final"] is row["distance_final"] is None
    assert "the descent after the escape diverged" in row["note"]


def test_a_path_beyond_float64_is_told() -> None:
    row = results("path", instance="two-by-two", eta=1.0, steps=100_000)
    assert "the path ended before T" in row["note"]
    assert "leaves float64" in row["note"]
    row = results("path", instance="two-by-two", eta=0.1, steps=16_000)
    assert "h^l at T does not fit into float64" in row["note"]
    assert "the collapsed point is beyond float64" in row["note"]


def test_lifted_descents_that_diverge_are_told() -> None:
    row = results("directions", instance="two-by-two", eta=50.0, steps=60)
    assert row["diverged_at"] is not None
    assert f"the lifted descents diverged at step {row['diverged_at']}" in row["note"]


def test_starts_that_diverge_are_counted() -> None:
    row = results("success", n=4, epsilon=0.3, starts=3, step_size=20.0, scale=1.0)
    assert (row["diverged"], row["note"]) == (3, "the descents from 3 of 3 starts diverged")
    row = results("success", n=4, epsilon=0.3, starts=3, max_iterations=500)
    assert (row["diverged"], row["note"]) == (0, None)


def strange(*, x: int) -> dict[str, Any]:
    return {"h": float("nan"), "list": [1.0, np.inf], "deep": {"x": np.array([[-np.inf, 2.0]])}}


def test_numbers_that_are_not_finite_are_named() -> None:
    found = evaluate(Evaluation("strange", strange).run, {"x": 1})
    assert found.results == {"h": None, "list": [1.0, None], "deep": {"x": [[None, 2.0]]}}
    assert found.warnings == (
        "not finite, and therefore empty: h = nan, list[1] = inf, deep.x[0][0] = -inf",
    )
    assert not_finite({"a": 1.0, "b": [None, "inf", True], "c": {}}) == ""


# Settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "instance", ["gaussian:n=5,m=6", "perturbed-completion:n=5", "completion:n=4"]
)
def test_no_instance_takes_the_settings_of_another(instance: str) -> None:
    (task,) = Sweep("path", {"sign": [1]}, {"instance": instance}).tasks
    chosen = [task.settings[name] for name in ("order", "rho", "eta", "steps")]
    assert chosen == [3, "scale-free", "scale-free", 1000]
    (task,) = Sweep("path", {"rho": [0.5]}, {"instance": instance, "eta": 0.25}).tasks
    assert (task.settings["rho"], task.settings["eta"]) == (0.5, 0.25)


def test_published_instances_and_files_keep_their_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    own = sensing.LiftSettings(order=5, rho=0.7, eta=0.03, steps=11)
    problem = sensing.gaussian(4, 1, 6, 0)
    point = np.ones((4, 1))
    sensing.save_instance(file, sensing.Instance("mine", problem, known_point=point, settings=own))
    for instance, expected in (
        (str(file), own),
        ("real-system", sensing.LiftSettings(5, 0.1, 0.1, 150_000)),
    ):
        (task,) = Sweep("path", {"sign": [1]}, {"instance": instance}).tasks
        assert {name: task.settings[name] for name in vars(expected)} == vars(expected)


def test_scale_free_settings_are_what_they_are_said_to_be() -> None:
    """ρ ‖v̂‖ = 0.1 ‖ŵ‖, and h^l falls at each of the steps of size η/2: on explicit tensors."""
    settings = {"instance": "gaussian:n=5,m=6", "seed": 1, "order": 3, "steps": 30}
    row = results("path", **settings)
    problem = sensing.gaussian(5, 1, 6, 1)
    start = 0.5 * np.random.default_rng((1, 1)).standard_normal((5, 1))
    X = sensing.gradient_descent(problem, start, step_size=0.05, max_iterations=2000).point
    assert row["rho_used"] == pytest.approx(0.1 * np.linalg.norm(X) ** 3, rel=AGREEMENT)
    A, b = problem.operator.matrices(), problem.measurements
    u = np.linalg.eigh(np.tensordot(np.tensordot(A, X @ X.T) - b, A, axes=1))[1][:, [0]]
    lifted = lifting.LiftedProblem(problem, 3)
    hidden = escape_directions(problem, X).hidden
    span = lifting.SpanProjection([lifted.lift(G) for G in (X, u, hidden)])
    path = lifting.projected_gradient_descent(
        lifted,
        lifted.lift(X) + row["rho_used"] * lifted.lift(u),
        step_size=row["eta_used"] / 2,
        iterations=30,
        projection=span,
    )
    assert np.all(np.diff(path.values) < 0)


@pytest.mark.parametrize("method", ["truncated", "exact"])
def test_scale_free_settings_follow_the_units(tmp_path: Path, method: str) -> None:
    """The same problem with X in units of ¼ and A in units of ½: h^l changes by its units only."""
    A, order = sensing.two_by_two().operator.matrices(), 3
    point = np.array([[0.0], [2**-0.5]])
    rows = []
    for scale_A, scale_X in ((1.0, 1.0), (2.0, 4.0)):
        problem = sensing.SensingProblem.from_ground_truth(
            sensing.DenseOperator(scale_A * A), [[scale_X], [0.0]]
        )
        file = tmp_path / f"{scale_A}.npz"
        instance = sensing.Instance("scaled", problem, known_point=scale_X * point)
        sensing.save_instance(file, instance)
        rows.append(results("path", instance=str(file), steps=50, order=order, method=method))
    plain, scaled = rows
    unit = (2.0**2 * 4.0**4) ** order
    rounding = AGREEMENT * unit * plain["h_exact_start"]  # at T h^l is a small rest of its terms
    for name in ("h_exact_start", "h_exact_T", "h_exact_term"):
        assert scaled[name] == pytest.approx(unit * plain[name], rel=AGREEMENT, abs=rounding)
    assert scaled["dominance"] == pytest.approx(plain["dominance"], rel=AGREEMENT)
    assert scaled["type"] == plain["type"]


def test_scale_free_settings_beyond_float64_are_refused_by_their_names(tmp_path: Path) -> None:
    """‖X̂‖ is about 2^6 in these units: its power of order 301 is beyond 2^1024."""
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.DenseOperator(sensing.two_by_two().operator.matrices()), [[64.0], [0.0]]
    )
    point = np.array([[0.0], [64 * 2**-0.5]])
    file = tmp_path / "large.npz"
    sensing.save_instance(file, sensing.Instance("large", problem, known_point=point))
    found = outcome("path", {"instance": str(file), "order": 301})
    assert found.status is Status.FAILED
    assert "ρ is about 1e" in str(found.error)


@pytest.mark.parametrize("value", ["free", -1.0, True, 0, float("nan")])
def test_other_words_and_numbers_are_refused(value: object) -> None:
    with pytest.raises((TypeError, ValueError), match=r"^eta: expected a (real|finite) number"):
        Sweep("path", {"eta": [value]}, {"instance": "two-by-two"})
