"""Every published number of the two-by-two example and of perturbed completion that `simulated`
gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from lift_compare.sensing import gradient_descent, polish
from lift_compare.simulated import (
    DiagonalSurrogate,
    SpanObjective,
    curvature_along,
    escape_directions,
    feasibility_score,
    published_collapse,
    smallest_saddle_order,
    term_norms,
    truncated_coefficients,
)
from tests.simulated.points import published_point

NUMBERS = json.loads((Path(__file__).parents[1] / "published.json").read_text())
ABLATIONS = NUMBERS["ablations_printed"]


def printed(value):
    """Match a printed number: half a unit of its last digit, and 5 digits of those that came
    from float32."""
    return pytest.approx(value, rel=1e-5, abs=5e-7)


class Instance:
    def __init__(self, name, key):
        self.published, self.problem, self.X, self.directions = published_point(name)
        self.printed, self.recomputed = NUMBERS[key]["printed"], NUMBERS[key]["recomputed"]
        self.order = self.published.settings.order
        self.exact = SpanObjective(self.problem, self.directions.generators, self.order)

    def state(self, **settings):
        p = self.published
        given = {
            "order": p.settings.order,
            "rho": p.settings.rho,
            "eta": p.settings.eta,
            "steps": p.settings.steps,
        } | settings
        return truncated_coefficients(self.directions, given.pop("order"), **given).coefficients[-1]


@pytest.fixture(scope="module")
def two():
    return Instance("two-by-two", "two_by_two")


@pytest.fixture(scope="module")
def completion():
    return Instance("perturbed-completion", "perturbed_completion_3")


@pytest.fixture(params=["two", "completion"])
def instance(request):
    return request.getfixturevalue(request.param)


def test_scores(instance):
    delta = instance.printed.get(
        "rip_lower_bound_rank2", instance.printed.get("rip_lower_bound_full_rank_symmetric")
    )
    score = feasibility_score(instance.problem, instance.X, rip_constant=delta)
    assert instance.directions.eigenvalue == printed(instance.printed["lambda_n"])
    assert instance.directions.singular_value == printed(instance.printed["sigma_r"])
    assert score.kappa == printed(instance.printed["kappa"])
    assert score.ncm == printed(instance.printed["ncm"])
    assert score.aic == printed(instance.printed["aic"])
    assert score.score == printed(instance.printed["efs"])


def test_truncated_state_and_norms(instance):
    state = instance.state()
    assert state[0] == 1
    assert state[1] == printed(instance.recomputed["beta_T"])
    assert state[2] == printed(instance.recomputed["gamma_T"])
    norms = instance.printed["norms"]
    assert term_norms(instance.directions, instance.order, state) == printed(
        [norms["alpha_a"], norms["beta_b"], norms["gamma_c"]]
    )


def test_growth(two):
    path = truncated_coefficients(two.directions, 3, rho=0.1, eta=0.01, steps=660)
    assert path.nu == pytest.approx(two.recomputed["nu"], abs=1e-15)


def test_exact_objective_of_two_by_two(two):
    _, beta, gamma = state = two.state()
    expected = two.printed["h_exact"]
    assert two.exact.value([1, 0, 0]) == pytest.approx(
        expected["lifted_stationary_point"], abs=1e-15
    )
    assert two.exact.value([0, beta, 0]) == printed(expected["beta_b"])
    assert two.exact.value([0, 0, gamma]) == printed(expected["gamma_c"])
    assert two.exact.value(state) == printed(expected["w_T"])
    # The printed value of w_escape was taken with η in the place of ρ.
    assert two.exact.value([1, two.published.settings.eta, 0]) == printed(
        expected["w_escape_with_eta_for_rho"]
    )
    assert two.exact.value([1, two.published.settings.rho, 0]) == pytest.approx(
        two.recomputed["h_exact_w_escape"], abs=1e-10
    )


def test_objectives_of_perturbed_completion(completion):
    _, beta, gamma = state = completion.state()
    points = {
        "lifted_stationary_point": [1, 0, 0],
        "w_escape": [1, completion.published.settings.rho, 0],
        "beta_b": [0, beta, 0],
        "gamma_c": [0, 0, gamma],
        "w_T": state,
    }
    surrogate = DiagonalSurrogate(
        completion.problem, completion.directions.generators, completion.order
    )
    for name, c in points.items():
        assert completion.exact.value(c) == pytest.approx(
            completion.recomputed["h_exact"][name], rel=1e-7
        )
        assert surrogate.value(c) == pytest.approx(
            completion.printed["h_surrogate"][name], rel=1e-9
        )


def test_published_collapse(instance):
    collapsed = published_collapse(
        instance.problem, instance.directions, instance.order, instance.state()
    )
    assert collapsed.kind == instance.printed["type"]
    assert collapsed.accepted
    # X̌ and −X̌ are the same point.
    point = np.array(instance.recomputed["escape_point"])
    assert np.sign(point[0]) * np.sign(collapsed.point[0, 0]) * collapsed.point[
        :, 0
    ] == pytest.approx(point, abs=1e-9)
    assert instance.problem.objective(instance.X) == printed(instance.recomputed["h_before"])
    assert instance.problem.objective(collapsed.point) == printed(instance.recomputed["h_after"])
    assert instance.problem.distance(instance.X) == printed(instance.recomputed["distance_before"])
    assert instance.problem.distance(collapsed.point) == printed(
        instance.recomputed["distance_after"]
    )


def test_descent_after_the_escape_ends_where_published(instance):
    collapsed = published_collapse(
        instance.problem, instance.directions, instance.order, instance.state()
    )
    p = instance.published
    after = gradient_descent(
        instance.problem,
        collapsed.point,
        step_size=p.descent.step_size,
        max_iterations=p.descent.after,
    )
    assert instance.problem.distance(after.point) == pytest.approx(
        instance.recomputed["final_distance"], rel=1e-3
    )
    if "final_h" in instance.recomputed:
        assert after.objective == pytest.approx(instance.recomputed["final_h"], rel=1e-3)


def test_the_rules_disagree_on_the_published_settings(two):
    # The rule of the code accepts the two-by-two collapse; that of the text does not: its β-term
    # alone lies above ŵ.
    assert published_collapse(two.problem, two.directions, 3, two.state(), rule="code").accepted
    text = published_collapse(
        two.problem, two.directions, 3, two.state(), rule="text", dominance=2.0
    )
    assert text.dominant
    assert not text.decreased


def test_curvature(two):
    for order, value in two.recomputed["curvature_along_visible"].items():
        assert curvature_along(
            two.problem, two.X, two.directions.visible, int(order)
        ) == pytest.approx(value, abs=1e-14)
    # The curvature at order 1 is zero, up to rounding of either sign; that is no strict saddle.
    assert smallest_saddle_order(two.problem, two.X) == 3


def test_smallest_saddle_order(completion):
    expected = completion.recomputed["smallest_saddle_order"]
    assert smallest_saddle_order(completion.problem, completion.X) == expected
    assert smallest_saddle_order(completion.problem, completion.X, largest=expected - 1) is None
    exact = np.array(completion.recomputed["exact_stationary_point"])[:, None]
    polished = polish(completion.problem, completion.X)
    assert polished == pytest.approx(exact, abs=1e-8)
    least = completion.recomputed["lifted_least_curvature"]["5"]
    # At order 5 the least curvature over all tensors is taken along v̂ itself.
    assert curvature_along(
        completion.problem, polished, escape_directions(completion.problem, polished).visible, 5
    ) == (pytest.approx(least, rel=1e-6))


@pytest.mark.parametrize(("eta", "expected"), ABLATIONS["eta_two_by_two"].items())
def test_ablation_of_eta_on_two_by_two(two, eta, expected):
    surrogate = DiagonalSurrogate(two.problem, two.directions.generators, 3)
    state = two.state(eta=float(eta))
    assert surrogate.value(state) == pytest.approx(expected[0], rel=1e-5)
    assert published_collapse(two.problem, two.directions, 3, state).kind == expected[1]


@pytest.mark.parametrize(("eta", "expected"), ABLATIONS["eta_perturbed_completion_3"].items())
def test_ablation_of_eta_on_perturbed_completion(completion, eta, expected):
    surrogate = DiagonalSurrogate(completion.problem, completion.directions.generators, 11)
    state = completion.state(eta=float(eta))
    assert surrogate.value(state) == pytest.approx(expected[0], rel=1e-9)
    assert (
        published_collapse(completion.problem, completion.directions, 11, state).kind == expected[1]
    )


@pytest.mark.parametrize(("order", "expected"), ABLATIONS["order_perturbed_completion_3"].items())
def test_ablation_of_order_on_perturbed_completion(completion, order, expected):
    order = int(order)
    surrogate = DiagonalSurrogate(completion.problem, completion.directions.generators, order)
    state = completion.state(order=order)
    assert surrogate.value(state) == pytest.approx(expected[0], rel=1e-7)
    assert (
        published_collapse(completion.problem, completion.directions, order, state).kind
        == expected[1]
    )
