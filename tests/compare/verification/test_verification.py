"""Verification of the theory on instances with known answers, and what it returns."""

import io
import json
import math
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from tqdm import tqdm

from lift_compare import lifting, sensing, simulated
from lift_compare.compare import verify
from lift_compare.compare.simulated_lift import SimulatedLift
from lift_compare.compare.verification.claims import CHECKS, TOPICS, Check, Holds, Kind
from lift_compare.compare.verification.claims.matrix_case import MatrixCase
from lift_compare.simulated import NotStationaryWarning
from tests.compare.verification.cases import case, check, replaced, scaled

NUMBERS = json.loads((Path(__file__).parents[2] / "published.json").read_text())


@pytest.fixture(scope="module")
def two_by_two():
    return verify(
        sensing.two_by_two(), [[0.0], [2**-0.5]], 3, rho=0.1, eta=0.01, steps=660, rip_constant=0.5
    )


@pytest.fixture(scope="module")
def completion():
    published = sensing.instance("perturbed-completion")
    return verify(published.problem, published.point, 5, rho=0.3, eta=0.01, rip_constant=0.865894)


# -- published numbers --


def test_published_instances_have_no_violation(two_by_two, completion):
    real = sensing.instance("real-system")
    assert two_by_two.violations == completion.violations == ()
    assert verify(real.problem, real.point, 5, eta=0.1).violations == ()


def test_two_by_two_numbers(two_by_two):
    printed, ours = NUMBERS["two_by_two"]["printed"], NUMBERS["two_by_two"]["recomputed"]
    assert two_by_two["spurious ⇒ λ_n < 0"].measured == pytest.approx(
        printed["lambda_n"], abs=1e-12
    )
    assert two_by_two["EFS > 1"].measured == pytest.approx(printed["efs"], abs=1e-12)
    assert two_by_two["lifted value"].measured == printed["h_exact"]["lifted_stationary_point"]
    assert two_by_two["RIP bracket"].measured == pytest.approx(printed["rip_lower_bound_rank2"])
    for name in ("curvature along visible", "least curvature", "least curvature, dense"):
        assert two_by_two[name].measured == pytest.approx(
            ours["lifted_least_curvature"]["3"], rel=1e-6
        )
    assert two_by_two["smallest saddle order"].measured == 3
    assert two_by_two["oracle alignment: visible"].measured == pytest.approx(1)
    assert two_by_two["independent generators"].holds is Holds.NO  # b ∥ c


def test_completion_numbers(completion):
    printed, ours = (
        NUMBERS["perturbed_completion_3"]["printed"],
        NUMBERS["perturbed_completion_3"]["recomputed"],
    )
    assert completion["EFS > 1"].measured == pytest.approx(
        printed["efs"], rel=1e-3
    )  # printed at the end of descent
    assert completion["least curvature"].measured == pytest.approx(
        ours["lifted_least_curvature"]["5"], rel=1e-6
    )
    assert completion["smallest saddle order"].measured == ours["smallest_saddle_order"]
    # The printed RIP constant is a Monte-Carlo value below what a rank-two matrix attains.
    assert completion["given RIP constant"].holds is Holds.NO


def test_completion_numbers_at_the_published_order():
    """177,147 entries: the gradient is checked at symmetric tensors, the search over all tensors
    is refused."""
    published = sensing.instance("perturbed-completion")
    settings = {
        "rho": published.settings.rho,
        "eta": published.settings.eta,
        "steps": published.settings.steps,
        "rip_constant": 0.865894,
    }
    # The published numbers are those of the end of descent, a relative gradient norm of 1e-4 away
    # from the minimum.
    found = verify(
        published.problem, published.point, published.settings.order, polish=False, **settings
    )
    printed, ours = (NUMBERS["perturbed_completion_3"][key] for key in ("printed", "recomputed"))
    before = ours["h_exact"]["lifted_stationary_point"]
    assert found["lifted value"].measured == pytest.approx(before, rel=1e-7)
    assert found["acceptance rule: code"].measured == pytest.approx(
        ours["h_exact"]["w_T"] / before, rel=1e-6
    )
    assert found["acceptance rule: text"].measured == pytest.approx(
        ours["h_exact"]["gamma_c"] / before, rel=1e-6
    )
    assert found["published collapse decreases h"].measured == pytest.approx(
        ours["h_after"], rel=1e-6
    )
    assert found["EFS > 1"].measured == pytest.approx(printed["efs"], rel=1e-5)
    assert found["lifted gradient"].holds is found["lifted Hessian"].holds is Holds.YES
    assert "refused: the search over all tensors" in found["least curvature"].reason
    assert "not stationary" in found["u ⟂ X̂"].reason
    assert found.violations == ()


def test_real_system_has_no_saddle_order():
    real = sensing.instance("real-system")
    found = verify(real.problem, real.point, real.settings.order, eta=real.settings.eta)
    for name in (
        "strict saddle along visible",
        "lifted saddle",
        "acceptance rule: code",
        "acceptance rule: text",
    ):
        assert found[name].holds is Holds.NO, name
    assert found["no saddle order"].holds is Holds.YES


# -- local minimality --


def test_two_by_two_point_is_no_minimum_but_a_degenerate_saddle(two_by_two):
    """By hand: with x₂² = ½ − 2t² at x₁ = t, h = 3/8 − (3/2) t⁴, so h falls from X̂ along a
    curve."""
    claim = two_by_two["X̂ is a local minimum"]
    assert claim.holds is Holds.NO
    assert claim.measured == pytest.approx(-1.5)
    problem = sensing.two_by_two()
    for t in (0.01, 0.1, 0.3):
        X = np.array([[t], [math.sqrt(0.5 - 2 * t**2)]])
        assert problem.objective(X) == pytest.approx(0.375 - 1.5 * t**4, abs=1e-15)


def dense(matrices, b):
    return sensing.SensingProblem(sensing.DenseOperator(matrices), np.array(b, dtype=float))


@pytest.mark.parametrize(
    ("problem", "X", "holds", "words"),
    [
        # h = ½[(x₁² − 1)² + x₂⁴]: flat along e₂, where h rises with the fourth power
        (
            dense([np.diag([1.0, 0]), np.diag([0, 1.0])], [1, 0]),
            [[1.0], [0]],
            Holds.YES,
            "fourth order rises",
        ),
        # the cubic term along the flat e₂ is 4t³
        (
            dense([[[0, 1], [1, 2]], [[0, 1], [1, 0]], [[1, 0], [0, 0]]], [2, -2, 1]),
            [[1.0], [0]],
            Holds.NO,
            "cubic",
        ),
        # a full observation: strict minimum at the truth
        (sensing.perturbed_completion(3, 1.0), [[1.0], [0], [1]], Holds.YES, "strict"),
        # x = e₁ is a saddle of ½‖xxᵀ − 2 e₂e₂ᵀ − e₁e₁ᵀ‖²
        (
            dense(np.eye(4).reshape(4, 2, 2)[[0, 3]], [1, 2]),
            [[1.0], [0]],
            Holds.NO,
            "negative eigenvalue",
        ),
        # h = ½(x₁² − 1)² in three variables: two flat directions where h does not move at all
        (dense([np.diag([1.0, 0, 0])], [1]), [[1.0], [0], [0]], Holds.NOT_APPLICABLE, "undecided"),
    ],
)
def test_local_minimality_decided_by_hand(problem, X, holds, words):
    claim = check("X̂ is a local minimum", case(problem, X))
    assert claim.holds is holds
    assert words in claim.reason


def test_orthogonal_symmetry_is_not_counted_as_degenerate():
    problem = sensing.gaussian(4, 3, 30, 1)
    X = sensing.polish(problem, problem.ground_truth)
    claims = {
        name: check(name, case(problem, X))
        for name in ("orthogonal symmetry", "X̂ is a local minimum")
    }
    assert all(claim.holds is Holds.YES for claim in claims.values())
    assert "strict up to the 3 directions" in claims["X̂ is a local minimum"].reason
    assert np.sum(np.abs(np.linalg.eigvalsh(case(problem, X).hessian)) < 1e-10) == 3


# -- other instances --


def test_other_operators_and_ranks():
    rng = np.random.default_rng(0)
    weights = sparse.random(4, 4, 0.8, random_state=rng, data_rvs=lambda k: 1 + rng.random(k))
    problems = [
        sensing.SensingProblem.from_ground_truth(
            sensing.EntrywiseOperator(weights), rng.standard_normal((4, 2))
        ),
        sensing.SensingProblem.from_ground_truth(
            sensing.RankOneOperator(rng.standard_normal((9, 3))), np.ones((3, 1))
        ),
        sensing.quadratic_network(
            rng.standard_normal((12, 3)), rng.random(12), 2
        ),  # noisy, no ground truth
        sensing.SensingProblem(
            sensing.DenseOperator(np.array([[[2.0]], [[1.0]]])), np.array([1.0, 1.0])
        ),  # n = 1
    ]
    for problem in problems:
        rough = sensing.gradient_descent(
            problem,
            rng.standard_normal(problem.shape),
            step_size=sensing.Backtracking(),
            max_iterations=3000,
        )
        found = verify(problem, rough.point, 3)
        assert found.violations == (), (problem, found.summary())
        assert found["X̂ is stationary"].holds is Holds.YES
        if problem.ground_truth is None:
            assert "ground truth" in found["⟨G, M*⟩ = −2h"].reason


def test_a_nearly_rank_deficient_point():
    """σ_r = 1e-9 while the line falls for √(|λ_n|/g): no length of the line may be measured in
    units of σ_r alone."""
    problem = sensing.gaussian(4, 2, 30, 1)
    line = sensing.SensingProblem(problem.operator, problem.measurements, 1)
    start = problem.ground_truth[:, :1]
    x = sensing.gradient_descent(
        line, start, step_size=sensing.Backtracking(), max_iterations=500
    ).point
    x = sensing.polish(line, x)
    u = np.linalg.eigh(problem.landscape(np.hstack([x, 0 * x])) @ np.eye(4))[1][:, [0]]
    y = np.linalg.svd(np.hstack([x, u]))[0][:, [-1]]  # orthogonal to x and to u
    found = verify(problem, np.hstack([x, 1e-9 * y]), 3, polish=False)
    assert found.violations == (), found.summary()
    for name in ("EFS* decides the line", "best step", "quartic on the line"):
        assert found[name].holds is Holds.YES
    assert found["EFS* > 1"].measured > 1e15
    assert problem.objective(found.point) + found["best step"].measured < 0.9 * problem.objective(
        found.point
    )


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_the_truth_is_no_spurious_point(rank):
    problem = sensing.gaussian(3, rank, 20, 2)
    found = verify(problem, problem.ground_truth, 3)
    assert found.violations == ()
    assert found["X̂ is spurious"].holds is Holds.NO
    assert found["EFS* decides the line"].holds is Holds.NOT_APPLICABLE


def test_a_point_that_is_not_stationary_is_warned_about_and_nothing_is_contradicted():
    problem = sensing.gaussian(3, 2, 8, 0)
    with pytest.warns(NotStationaryWarning, match="relative gradient norm"):
        found = verify(problem, np.ones((3, 2)), 3)
    assert found.violations == ()
    assert found["X̂ is stationary"].holds is Holds.NO
    assert "not stationary" in found["u ⟂ X̂"].reason
    assert found["curvature along visible"].holds is Holds.YES  # needs no stationarity


def test_polish_can_be_declined():
    published = sensing.instance("real-system")
    X = published.point  # four printed digits
    raw = verify(published.problem, X, 3, polish=False)
    assert raw["X̂ is stationary"].holds is Holds.NO
    np.testing.assert_array_equal(raw.point, X)
    assert raw.violations == ()
    assert verify(published.problem, X, 3).gradient_norm < 1e-12


def test_beyond_the_budget_is_refused_and_the_rest_is_checked():
    published = sensing.instance("perturbed-completion")
    found = verify(published.problem, published.point, 5, memory_limit=10_000)
    refused = [claim for claim in found if "refused: needs " in claim.reason]
    assert {"lifted value", "curvature along visible", "exact = explicit: tensor"} <= {
        claim.name for claim in refused
    }
    assert all(
        "10 kB allowed" in claim.reason and claim.holds is Holds.NOT_APPLICABLE for claim in refused
    )
    assert found["smallest saddle order"].measured == 5
    assert found.violations == ()


def test_high_order_stays_in_range():
    found = verify(sensing.two_by_two(), [[0.0], [2**-0.5]], 501, memory_limit=10**6)
    assert found.violations == ()
    assert all(claim.measured is None or math.isfinite(claim.measured) for claim in found)


# -- what it returns --


def test_rows_and_table_are_complete(two_by_two):
    rows = two_by_two.rows()
    assert [row["name"] for row in rows] == [check.name for check in CHECKS]
    assert len({row["name"] for row in rows}) == len(rows)
    json.dumps(rows, allow_nan=False)
    table = two_by_two.table(full=True)
    assert max(map(len, table.splitlines())) <= 100
    words = " ".join(table.split())
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) and len(name) <= 24 for name in ids)
    for row in rows:
        assert two_by_two[row["id"]] is two_by_two[row["name"]]
        assert re.search(rf"^{row['id']} ", table, re.MULTILINE)
        assert f"{row['statement']} ({row['kind']}, section " in words
        assert row["reason"] in words
        assert row["order"] == 3
        assert row["source"].startswith("docs/theory.md, section ")
        assert row["holds"] != "not applicable" or row["reason"]
    assert "0 violations" in repr(two_by_two)
    with pytest.raises(KeyError, match="no claim 'nothing'"):
        two_by_two["nothing"]
    with pytest.raises(KeyError, match="did you mean 'leakage'"):
        two_by_two["leakge"]


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_what_does_not_hold_comes_first_and_a_topic_has_a_line(two_by_two, monkeypatch, columns):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", str(columns))
    table = two_by_two.table()
    assert max(map(len, table.splitlines())) <= columns
    places = [table.index(word) for word in ("99 claims: ", "Published", "Properties", "by topic")]
    assert places == sorted(places)
    shown = re.findall(r"^([a-z0-9-]+)  ", table, re.MULTILINE)
    failed = [claim.id for claim in two_by_two if claim.holds is Holds.NO]
    assert {name for name in shown if name in [check.id for check in CHECKS]} == set(failed)
    if columns >= 80:  # narrower ones are cut into several tables
        for topic, checks in TOPICS.items():
            (line,) = re.findall(rf"^{topic}  +(.*)$", table, re.MULTILINE)
            assert int(line.split()[0]) == len(checks)
            assert sum(int(number) for number in line.split()) == 2 * len(checks)


def test_what_is_refused_and_what_leaves_the_range_is_named():
    published = sensing.instance("perturbed-completion")
    found = verify(published.problem, published.point, 5, memory_limit=10_000)
    words = " ".join(found.table().split())
    refused = [claim.id for claim in found if claim.reason.startswith("refused: ")]
    assert f"too large ({len(refused)}): {', '.join(refused)}." in words
    problem = sensing.two_by_two()
    far = sensing.SensingProblem(problem.operator, problem.measurements * 1e160)
    lost = verify(far, np.array([[0.0], [1e80 * 2**-0.5]]), 3, claims=["leakage", "gradient"])
    assert re.search(r"Out of float64 range: .*: gradient, leakage\.", lost.table())


def test_a_violation_stands_at_the_head_with_its_numbers(monkeypatch):
    monkeypatch.setattr(simulated.SpanObjective, "value", scaled(simulated.SpanObjective.value))
    found = verify(sensing.two_by_two(), [[0.0], [2**-0.5]], 3, claims=["powers-h", "leakage"])
    (claim,) = found.violations
    assert found.failures == (claim,)
    assert [row["violation"] for row in found.rows()] == [True, False]
    told = found.summary().splitlines()
    assert told[0].endswith("; 1 violation.")
    assert told[1] == "VIOLATION: powers-h (powers: h^l)"
    said = f"measured {claim.measured:.6g}, expected {claim.expected:.6g}"
    assert told[3] == f"  {said}, tolerance {claim.tolerance:.6g}"
    assert "No claim fails" not in found.claims_table(only_failures=True)


def test_a_bar_is_shown_to_a_terminal_only_after_a_while(monkeypatch):
    """With the delay at zero it counts the claims; without a terminal, or where declined, none."""
    module = sys.modules["lift_compare.compare.verification.verification"]
    shown = []
    for terminal, progress in ((True, True), (False, True), (True, False)):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda seen=terminal: seen)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            patch.setattr(module, "_BAR_DELAY", 1e-9)
            patch.setattr(module, "tqdm", partial(tqdm, mininterval=0))
            options = {"title": "two-by-two: x", "progress": progress}
            verify(sensing.two_by_two(), [[0.0], [2**-0.5]], 3, **options)
        shown.append(stream.getvalue())
    assert "verify two-by-two: " in shown[0]
    assert "claim/s" in shown[0] or "s/claim" in shown[0]
    assert shown[1:] == ["", ""]


def test_published_rules_may_be_false_without_a_violation(two_by_two):
    names = {claim.name for claim in two_by_two.false_here}
    assert {"truncation error", "the rules agree", "acceptance rule: text"} <= names
    assert all(
        claim.kind is Kind.PUBLISHED and not claim.violated for claim in two_by_two.false_here
    )


def test_every_claim_is_documented():
    text = (Path(__file__).parents[3] / "docs" / "verify.md").read_text(encoding="utf-8")
    for check_ in CHECKS:
        assert f"| {check_.name} |" in text, check_.name
        assert check_.function.__doc__


# -- bad input --


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"problem": "x"}, TypeError, "problem"),
        ({"X": [[0.0], [0.0]]}, ValueError, "X: expected a nonzero point"),
        ({"X": [[1.0, 2.0]]}, ValueError, "X: expected an array of shape"),
        ({"X": [[np.nan], [1.0]]}, ValueError, "X: expected finite"),
        ({"X": [[1e200], [1.0]]}, ValueError, "X: expected a point where h"),
        ({"order": 4}, ValueError, "order"),
        ({"order": 0}, ValueError, "order"),
        ({"order": 3.0}, TypeError, "order"),
        ({"rho": 0}, ValueError, "rho"),
        ({"eta": -1}, ValueError, "eta"),
        ({"steps": 0}, ValueError, "steps"),
        ({"rip_constant": -0.1}, ValueError, "rip_constant"),
        ({"rip_constant": math.inf}, ValueError, "rip_constant"),
        ({"order": 1003}, ValueError, "order: expected a whole number of at most 1001"),
        ({"order": 10**20 + 1}, ValueError, "order: expected a whole number of at most 1001"),
        ({"steps": 10**12}, ValueError, "steps: expected a whole number of at most"),
        ({"seed": -1}, ValueError, "seed"),
        ({"memory_limit": 0}, ValueError, "memory_limit"),
    ],
)
def test_bad_input_is_refused_by_name(changes, error, words):
    arguments = {"problem": sensing.two_by_two(), "X": [[0.0], [1.0]], "order": 3, **changes}
    with pytest.raises(error, match=words):
        verify(**arguments)


# -- some claims only --


def recorded(call, asked):
    def checked(self, case):
        asked.append(self.id)
        return call(self, case)

    return checked


def test_only_the_claims_asked_for_are_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.array([[0.0], [0.5**0.5]])
    some = verify(sensing.two_by_two(), X, 3, claims=["leakage", "∇h = 0", "gradient"][::2])
    assert [claim.id for claim in some] == ["gradient", "leakage"]
    whole = verify(sensing.two_by_two(), X, 3)
    assert [some["leakage"], some["gradient"]] == [whole["leakage"], whole["gradient"]]
    with pytest.raises(KeyError, match="'scores' was not checked"):
        some["scores"]
    asked: list[str] = []
    monkeypatch.setattr(Check, "__call__", recorded(Check.__call__, asked))
    monkeypatch.setattr(MatrixCase, "hessian", property(lambda case: pytest.fail("not needed")))
    verify(sensing.two_by_two(), X, 3, claims=["adjoint"])
    assert asked == ["adjoint"]
    for bad, words in (
        (["gradeint"], r"claims: expected ids of docs/verify.md, got 'gradeint' \(did you mean"),
        ("gradient", "claims: expected a sequence of ids"),
        ([], "claims: expected a sequence of ids"),
        ([3], "claims: expected ids of docs/verify.md, got 3"),
    ):
        with pytest.raises(ValueError, match=words):
            verify(sensing.two_by_two(), X, 3, claims=bad)


def test_only_failures_leaves_out_what_holds(two_by_two) -> None:
    table = two_by_two.claims_table(only_failures=True)
    failed = {claim.id for claim in two_by_two.failures}
    published = {c.id for c in two_by_two if c.holds is Holds.NO and c.kind is Kind.PUBLISHED}
    assert failed == published
    shown = {claim.id for claim in two_by_two if re.search(rf"^{claim.id} ", table, re.MULTILINE)}
    assert shown == failed
    assert "acceptance-rule-text" in failed


@pytest.mark.parametrize("scale", [1.0, 1e-4, 1e4])
def test_settings_that_are_not_given_depend_on_no_units(scale: float) -> None:
    problem = sensing.gaussian(4, 1, 5, seed=3)
    X = sensing.spurious_point(problem)
    A, b = problem.operator.matrices(), problem.measurements
    other = sensing.SensingProblem(sensing.DenseOperator(A), b * scale**2)
    rule = ["truncation-from-tensors", "acceptance-rule-code"]
    found = verify(other, X * scale, 3, steps=200, claims=rule)
    lift = SimulatedLift.with_defaults(problem, X, 3, steps=200)
    assert found.settings["rho"] == pytest.approx(lift.settings.rho * scale**3)
    assert found.settings["eta"] * scale**6 == pytest.approx(lift.settings.eta)
    assert Holds.OUT_OF_RANGE not in {claim.holds for claim in found}
    given = verify(other, X * scale, 3, rho=0.25, eta=1e-9, steps=200, claims=rule)
    assert (given.settings["rho"], given.settings["eta"]) == (0.25, 1e-9)


def test_leakage_is_the_share_of_the_square() -> None:
    """One meaning in every part: that of `simulated.leakage`."""
    problem = sensing.gaussian(4, 1, 5, seed=3)
    X = sensing.spurious_point(problem)
    found = verify(problem, X, 3, rho=0.1, eta=0.01, claims=["leakage"])
    d = simulated.escape_directions(problem, found.point)
    share = simulated.leakage(problem, d.generators, [1.0, 0.1, 0.0], 3).leakage
    assert found["leakage"].measured == pytest.approx(share)
    assert 0.01 < share < 0.9


def test_the_captured_path_says_how_long_it_is() -> None:
    published = sensing.instance("real-system")
    found = verify(published.problem, published.point, 3, claims=["span-capture-path"])
    assert found["span-capture-path"].reason.startswith("after 20 steps of size ")


def test_least_curvatures_that_were_not_found_are_not_compared(monkeypatch) -> None:
    """Such as a cluster at zero: what a search has left there is an upper bound, no more."""
    problem, X, claims = sensing.two_by_two(), [[0.0], [2**-0.5]], ["curvatures-in-order"]
    assert verify(problem, X, 3, claims=claims)["curvatures-in-order"].holds is Holds.YES
    unfinished = replaced(
        lifting.least_curvature_at_point, stop_reason=lambda _: sensing.StopReason.ITERATIONS
    )
    monkeypatch.setattr(lifting, "least_curvature_at_point", unfinished)
    claim = verify(problem, X, 3, claims=claims)["curvatures-in-order"]
    assert claim.holds is Holds.NOT_APPLICABLE
    assert "a least curvature was not found" in claim.reason
