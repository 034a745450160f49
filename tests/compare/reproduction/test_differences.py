"""Printed against computed: the evidence is computed, and a different print would be noticed."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.compare.figures.mathematics import plain_text
from lift_compare.compare.published import printed
from lift_compare.compare.reproduction import lifted_differences as lifted
from lift_compare.compare.reproduction import matrix_differences as matrix
from lift_compare.compare.reproduction.report import Difference, Kind
from lift_compare.compare.reproduction.runs import START, Runs
from lift_compare.compare.sweeps.success import success_rates
from lift_compare.simulated import AcceptanceRule
from tests.catalogue import PUBLISHED, PUBLISHED_NUMBERS


@pytest.fixture(scope="module")
def cases() -> dict[str, Runs]:
    return {name: Runs(sensing.instance(name), exact_steps=300) for name in PUBLISHED}


def test_the_quoted_numbers_are_the_printed_ones() -> None:
    for name, key in (
        ("two-by-two", "two_by_two"),
        ("perturbed-completion", "perturbed_completion_3"),
    ):
        source = PUBLISHED_NUMBERS[key]["printed"]
        objectives = source.get("h_exact") or source["h_surrogate"]
        assert printed.LIFTED_OBJECTIVES[name] == {
            "the lifted stationary point": objectives["lifted_stationary_point"],
            "the visible term alone": objectives["beta_b"],
            "the hidden term alone": objectives["gamma_c"],
            "w_escape": objectives.get("w_escape_with_eta_for_rho") or objectives["w_escape"],
            "the final state": objectives["w_T"],
        }
        assert printed.TERM_NORMS[name] == tuple(source["norms"].values())
        assert printed.SPECTRAL[name] == {
            "λ_n": source["lambda_n"],
            "σ_r": source["sigma_r"],
            "κ": source["kappa"],
        }
        assert list(printed.DESCENT_ENDS[name]) == source["gd_end"]
        assert printed.FEASIBILITY[name] == source["efs"]
        assert printed.RIP[name][1] == next(
            value for key, value in source.items() if key.startswith("rip")
        )


def test_flipping_the_eigenvector_flips_two_coefficients(cases: dict[str, Runs]) -> None:
    case = cases["real-system"]
    c = np.array([1.0, 0.3, -0.2])
    flipped, span = case.flipped.span, case.lift.span
    assert flipped.value(c) == pytest.approx(span.value(c * [1, -1, -1]), rel=1e-12)
    assert flipped.value(c) != pytest.approx(span.value(c), rel=1e-3)


def test_the_second_walk_goes_on_where_the_first_ends(cases: dict[str, Runs]) -> None:
    case = cases["two-by-two"]
    i = case.descent
    whole, points = case.walk(i.start(), i.before + i.after)
    np.testing.assert_array_equal(case.before[1], points[: i.before + 1])
    np.testing.assert_array_equal(case.onward[1], points[i.before :])
    np.testing.assert_array_equal(
        case.onward[0].history.objective, whole.history.objective[i.before :]
    )


def test_printed_digits_are_reproduced_and_a_wrong_digit_is_noticed(
    cases: dict[str, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not lifted.printed_digits(cases).differs
    monkeypatch.setitem(
        printed.SPECTRAL, "two-by-two", {**printed.SPECTRAL["two-by-two"], "λ_n": -0.7501}
    )
    wrong = lifted.printed_digits(cases)
    assert wrong.differs
    assert "λ_n of two-by-two" in plain_text(wrong.evidence)


def test_the_printed_objectives_are_h_on_one_instance_and_the_surrogate_on_the_other(
    cases: dict[str, Runs],
) -> None:
    found = lifted.surrogate_not_objective(cases)
    assert found.differs
    source = PUBLISHED_NUMBERS["perturbed_completion_3"]
    h = float(
        re.search(r"perturbed-completion: h\^l = ([\d.e+-]+),", plain_text(found.computed))[1]
    )  # type: ignore[index]
    surrogate = float(
        re.search(r"perturbed.*surrogate = ([\d.]+\d)", plain_text(found.computed))[1]
    )  # type: ignore[index]
    assert h == pytest.approx(source["recomputed"]["h_exact"]["w_T"], rel=1e-5)
    assert surrogate == pytest.approx(source["printed"]["h_surrogate"]["w_T"], rel=1e-8)


def test_if_h_had_been_printed_there_would_be_no_difference(
    cases: dict[str, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = cases["perturbed-completion"]
    last = case.lift.truncated.coefficients[-1]
    states = (START, last * [0, 1, 0], last * [0, 0, 1], case.lift.settings.start, last)
    true = dict(
        zip(printed.LIFTED_OBJECTIVES["two-by-two"], map(case.lift.span.value, states), strict=True)
    )
    monkeypatch.setitem(printed.LIFTED_OBJECTIVES, "perturbed-completion", true)
    assert not lifted.surrogate_not_objective(cases).differs


def test_the_surrogate_depends_on_the_sign_of_the_eigenvector(cases: dict[str, Runs]) -> None:
    found = lifted.surrogate_sign(cases)
    assert found.differs
    # By hand, from the definition: Σ_i [Σ_jk c_j c_k (x_jᵀ A_i x_k)^l − b_i^l]².
    case = cases["real-system"]
    x, order = case.lift.directions.generators[:, :, 0], case.lift.settings.order
    A, b = case.problem.operator.matrices(), case.problem.measurements
    for sign, text in ((1, "with u_n"), (-1, "with −u_n")):
        y = np.einsum("ja,iab,kb->ijk", x, A, x) ** order
        c = case.lift.truncated.coefficients[-1] * [1, sign, sign]
        hat, value = (
            float(np.sum((np.einsum("ijk,j,k->i", y, v, v) - b**order) ** 2))
            for v in (np.array([1.0, 0, 0]), c)
        )
        shown = re.search(r"real-system: .*?([\d.]+) " + text, plain_text(found.computed))
        assert shown is not None
        assert float(shown[1]) == pytest.approx(value / hat, rel=1e-5)
    assert "one below 1 and one above" in plain_text(found.computed).split("real-system")[1]


def test_w_escape_was_printed_with_eta_for_rho(
    cases: dict[str, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = lifted.w_escape(cases)
    assert found.differs
    exact = PUBLISHED_NUMBERS["two_by_two"]["recomputed"]["h_exact_w_escape"]
    assert f"{exact:.10g} at ρ = 0.1" in plain_text(found.computed)
    monkeypatch.setitem(
        printed.LIFTED_OBJECTIVES,
        "two-by-two",
        {**printed.LIFTED_OBJECTIVES["two-by-two"], "w_escape": exact},
    )
    assert not lifted.w_escape(cases).differs


def test_the_rules_disagree_and_the_table_shows_every_verdict(cases: dict[str, Runs]) -> None:
    found = lifted.acceptance_rules(cases)
    assert found.differs
    assert "two-by-two: code accepted, text rejected" in plain_text(found.computed)
    sheet = lifted.acceptance_table(cases)
    assert len(sheet.rows) == 3 * 2 * 2 * 2
    for row in sheet.rows:  # the definition of the rules, from the numbers of the row
        assert row["accepted"] == (row["dominant"] and row["compared"] < row["stationary"])


def test_the_real_system_has_no_lifted_negative_visible_curvature(cases: dict[str, Runs]) -> None:
    found = lifted.real_system_curvature(cases)
    assert found.differs
    case = cases["real-system"]
    # The curvature by finite differences of h^l along ŵ + t b, from the quartic on the span.
    visible = simulated.escape_directions(case.problem, case.stationary).visible
    span = simulated.SpanObjective(case.problem, [case.stationary, visible], 5)
    t = 1e-3
    ends = [span.value([1.0, s]) for s in (-t, 0.0, t)]
    shown = re.search(r"curvature is ([+-][\d.]+)", plain_text(found.computed))
    assert shown is not None
    assert float(shown[1]) == pytest.approx((ends[0] - 2 * ends[1] + ends[2]) / t**2, rel=1e-3)
    assert "K₃ > K₂, so no order makes it negative" in plain_text(found.evidence)


def test_the_real_system_collapse_is_rejected_with_the_exact_objective(
    cases: dict[str, Runs],
) -> None:
    found = lifted.real_system_acceptance(cases)
    assert found.differs
    assert not any(
        lift.published_collapse(rule).accepted
        for rule in AcceptanceRule
        for lift in (cases["real-system"].lift, cases["real-system"].flipped)
    )
    assert (
        plain_text(found.computed)
        == "With the exact objective it is rejected (with −u_n: rejected)."
    )


def test_the_saddle_orders_are_those_of_the_curvature(cases: dict[str, Runs]) -> None:
    found = lifted.saddle_order(cases)
    assert "perturbed-completion: 5 (published l = 11)." in plain_text(found.computed)
    assert "real-system: none up to 1001" in plain_text(found.computed)
    assert found.differs


def test_the_truncation_error_is_measured_along_the_path(cases: dict[str, Runs]) -> None:
    found = lifted.truncation(cases)
    assert found.differs
    case = cases["two-by-two"]
    lift = case.lift
    state = lift.truncated.coefficients[330]
    error = simulated.truncation_error(lift.span, lift.directions, state)
    assert f"{error:.3g} at t = 330" in plain_text(found.computed)
    # The cosine of the first steps, from explicit tensors of order 3.
    vectors = [x.ravel() for x in lift.directions.generators]
    tensors = np.array([np.einsum("a,b,c->abc", x, x, x) for x in vectors])
    steps = [
        np.tensordot(path[1] - path[0], tensors, 1)
        for path in (lift.truncated.coefficients, case.exact.coefficients)
    ]
    cosine = np.sum(steps[0] * steps[1]) / (np.linalg.norm(steps[0]) * np.linalg.norm(steps[1]))
    assert f"cosine {cosine:.3f}" in plain_text(found.evidence).splitlines()[1]


def test_the_rip_bound_beats_the_printed_value(
    cases: dict[str, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = matrix.rip_constants(cases, samples=5, seed=0)
    assert found.differs
    # δ of the published completion instance is 1 − ε² = 0.91, attained at the entry of weight ε.
    assert "δ₃ ≥ 0.910000" in plain_text(found.computed)
    monkeypatch.setitem(printed.RIP, "perturbed-completion", (3, 0.91))
    assert not matrix.rip_constants(cases, samples=5, seed=0).differs


def test_the_published_escape_raises_h_on_the_real_system_only(cases: dict[str, Runs]) -> None:
    found = matrix.strict_decrease(cases)
    assert found.differs
    assert plain_text(found.computed).count("(it rises)") == 1
    assert "real-system: 0.0582892 becomes 0.0727226 (it rises)" in plain_text(found.computed)
    assert matrix.strict_decrease({"two-by-two": cases["two-by-two"]}).differs is False


def test_the_plane_point_is_a_degenerate_saddle(cases: dict[str, Runs]) -> None:
    found = matrix.plane_valley(cases, 0)
    assert found.differs
    # Along x₂² = ½ − 2 x₁² the objective is ⅜ − ³⁄₂ x₁⁴, by hand.
    for t in (0.02, 0.05, 0.1):
        assert f"{0.375 - 1.5 * t**4:.7g} at x₁ = {t:g}" in plain_text(found.evidence)


def test_a_long_descent_is_reported_as_far_as_it_went(cases: dict[str, Runs]) -> None:
    found = matrix.plane_valley(cases, 40)
    h = cases["two-by-two"].walk(cases["two-by-two"].descent.start(), 40)[0].objective
    assert f"has h = {h:.3g} after 40 iterations" in plain_text(found.evidence)


def test_stochastic_descent_is_trapped_in_the_time_given(cases: dict[str, Runs]) -> None:
    found = matrix.trapped(cases, 3, 1)
    assert not found.differs
    assert "3 of 3 runs" in plain_text(found.computed)


def test_success_rates_are_compared_cell_by_cell() -> None:
    rates = success_rates((40,), (0.15,), starts=4, seed=2, progress=False)
    found = matrix.success(rates)
    cell: Any = rates.cells[0]
    assert f"n = 40: {cell.rate_descent:.2f} → {cell.rate_escapes:.2f}" in plain_text(
        found.computed
    )
    assert "n = 40: 0.58 → 0.98" in plain_text(found.published)
    assert found.differs == (cell.rate_escapes != 0.98)
    # The starts are not the published ones: equal rates would be no reproduction.
    for differs in (True, False):
        assert dataclasses.replace(found, differs=differs).kind is Kind.NOT_COMPARABLE


# The kinds


def test_what_a_difference_comes_to() -> None:
    def made(differs: bool, kind: Kind) -> Difference:
        return Difference("name", "$h^l$", "p", r"$\rho$", "e", differs, kind, "because")

    assert made(True, Kind.CONTRADICTED).kind is Kind.CONTRADICTED
    assert made(True, Kind.CONVENTION).kind is Kind.CONVENTION
    assert made(False, Kind.CONTRADICTED).kind is Kind.REPRODUCED
    row = made(True, Kind.CONVENTION).row()
    assert (row["class"], row["reason"], row["differs"]) == ("other convention", "because", True)
    assert (row["title"], row["computed"]) == ("h^l", "ρ")
    assert made(False, Kind.CONVENTION).row()["reason"] == ""


def test_the_kind_follows_from_the_numbers_where_it_can(
    cases: dict[str, Runs], monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = {
        lifted.surrogate_not_objective: Kind.CONVENTION,
        lifted.w_escape: Kind.CONVENTION,
        lifted.real_system_acceptance: Kind.CONVENTION,
        lifted.saddle_order: Kind.CONTRADICTED,
        lifted.real_system_curvature: Kind.CONTRADICTED,
        lifted.printed_digits: Kind.REPRODUCED,
    }
    for compare, kind in kinds.items():
        assert compare(cases).kind is kind, compare.__name__
    # An order larger than needed is a choice; without the real system there is nothing else.
    larger = {name: runs for name, runs in cases.items() if name != "real-system"}
    assert lifted.saddle_order(larger).kind is Kind.CONVENTION
    # Numbers that are those of no convention are contradicted.
    values = {part: 2 * value for part, value in printed.LIFTED_OBJECTIVES["two-by-two"].items()}
    monkeypatch.setitem(printed.LIFTED_OBJECTIVES, "two-by-two", values)
    assert lifted.surrogate_not_objective(cases).kind is Kind.CONTRADICTED
    assert lifted.w_escape(cases).kind is Kind.CONTRADICTED
