"""Every exact and conditional claim can fail: a computation that is wrong by a little is a
violation."""

import importlib

import numpy as np
import pytest

from lift_compare import lifting, sensing, simulated
from lift_compare.compare.verification.claims import Holds, Kind
from tests.compare.verification.cases import case, check, replaced, scaled

MUTATIONS = [
    (
        "adjoint",
        sensing.DenseOperator,
        "adjoint_matmul",
        scaled(sensing.DenseOperator.adjoint_matmul),
    ),
    ("gradient", sensing.SensingProblem, "gradient", scaled(sensing.SensingProblem.gradient)),
    (
        "Hessian",
        sensing.SensingProblem,
        "hessian_product",
        scaled(sensing.SensingProblem.hessian_product),
    ),
    ("distance", sensing.SensingProblem, "distance", scaled(sensing.SensingProblem.distance)),
    (
        "RIP bracket",
        "lift_compare.sensing.rip",
        "rip_lower_bound",
        lambda *args, **kwargs: 0.4,
    ),
    ("lifted value", lifting.LiftedProblem, "value", scaled(lifting.LiftedProblem.value)),
    ("lifted gradient", lifting.LiftedProblem, "gradient", scaled(lifting.LiftedProblem.gradient)),
    (
        "lifted Hessian",
        lifting.LiftedProblem,
        "hessian_product",
        scaled(lifting.LiftedProblem.hessian_product),
    ),
    (
        "curvature along visible",
        lifting.LiftedProblem,
        "hessian_product",
        scaled(lifting.LiftedProblem.hessian_product),
    ),
    (
        "curvature along visible",
        "lift_compare.simulated",
        "curvature_along",
        scaled(simulated.curvature_along),
    ),
    ("ŵ is stationary", lifting.LiftedProblem, "gradient", lambda self, w: 1e-3 * w),
    ("powers: inner products", simulated.SpanObjective, "gram", np.eye(3)),
    ("powers: h^l", simulated.SpanObjective, "value", scaled(simulated.SpanObjective.value)),
    ("powers: ∇h^l", simulated.SpanObjective, "gradient", scaled(simulated.SpanObjective.gradient)),
    (
        "projected gradient",
        simulated.SpanObjective,
        "projected_gradient",
        scaled(simulated.SpanObjective.projected_gradient),
    ),
    (
        "exact = explicit: tensor",
        "lift_compare.simulated",
        "descend",
        replaced(simulated.descend, coefficients=lambda c: 1.001 * c),
    ),
    (
        "exact = explicit: h^l",
        "lift_compare.simulated",
        "descend",
        replaced(simulated.descend, values=lambda v: 1.001 * v),
    ),
    (
        "scores",
        "lift_compare.simulated",
        "feasibility_score",
        replaced(simulated.feasibility_score, aic=lambda a: a + 0.01),
    ),
    (
        "best step",
        "lift_compare.simulated",
        "feasibility_score",
        replaced(simulated.feasibility_score, step=lambda t: t + 0.1),
    ),
    (
        "smallest saddle order",
        "lift_compare.simulated",
        "smallest_saddle_order",
        lambda *args, **kwargs: 5,
    ),
    (
        "smallest saddle order",
        "lift_compare.simulated",
        "smallest_saddle_order",
        lambda *args, **kwargs: None,
    ),
    (
        "least curvature",
        "lift_compare.lifting",
        "least_curvature",
        replaced(lifting.least_curvature, value=lambda v: v + 0.1),
    ),
    (
        "least curvature, dense",
        "lift_compare.lifting",
        "least_curvature",
        replaced(lifting.least_curvature, value=lambda v: v - 0.1),
    ),
    (
        "closed form = recursion",
        "lift_compare.simulated",
        "truncated_coefficients",
        replaced(simulated.truncated_coefficients, gamma=lambda g: 1.001 * g),
    ),
    (
        "collapse of a power",
        "lift_compare.simulated",
        "collapse",
        scaled(simulated.collapse),
    ),
    (
        "collapse = best rank one",
        "lift_compare.simulated",
        "collapse",
        scaled(simulated.collapse),
    ),
    (
        "collapse = best rank one",
        "lift_compare.simulated",
        "collapse",
        scaled(simulated.collapse, -1),
    ),
    (
        "exact escape ⇒ decrease",
        "lift_compare.simulated",
        "escape",
        replaced(simulated.escape, point=lambda X: X + 3),
    ),
    ("visible direction", simulated.EscapeDirections, "visible", np.array([[1.0], [1.0]])),
    ("hidden direction", simulated.EscapeDirections, "hidden", np.array([[1.0], [1.0]])),
    ("least eigenpair", simulated.EscapeDirections, "eigenvalue", -0.7),
    ("λ_n = K1 − K2", simulated.EscapeDirections, "eigenvalue", -0.7),
    ("spurious ⇒ λ_n < 0", simulated.EscapeDirections, "eigenvalue", -0.7),
    ("quartic on the line", simulated.EscapeDirections, "eigenvalue", -0.7),
    ("EFS* decides the line", simulated.EscapeDirections, "eigenvalue", -0.8),
    ("u ⟂ X̂", simulated.EscapeDirections, "u", np.array([0.6, 0.8])),
    (
        "⟨G, M*⟩ = −2h",
        sensing.SensingProblem,
        "objective",
        scaled(sensing.SensingProblem.objective),
    ),
]


@pytest.mark.parametrize(("name", "where", "attribute", "wrong"), MUTATIONS)
def test_a_wrong_computation_is_a_violation(monkeypatch, name, where, attribute, wrong):
    """On the 2×2 example, where the right computation holds."""
    at = (sensing.two_by_two(), [[0.0], [2**-0.5]])
    assert check(name, case(*at)).holds is Holds.YES
    monkeypatch.setattr(
        importlib.import_module(where) if isinstance(where, str) else where, attribute, wrong
    )
    claim = check(name, case(*at))
    assert claim.holds is Holds.NO
    assert claim.violated == (claim.kind in (Kind.EXACT, Kind.CONDITIONAL))
    assert claim.violated


def test_a_descent_that_rises_is_a_violation(monkeypatch):
    at = case(sensing.two_by_two(), [[0.0], [2**-0.5]])
    assert at.step_size > 0  # found with the right descent; a wrong one would shrink it away
    backwards = replaced(simulated.descend, values=lambda v: v[::-1])
    monkeypatch.setattr(simulated, "descend", backwards)
    assert check("descent on S", at).violated


@pytest.mark.parametrize("name", ["orthogonal symmetry", "rank-deficient ⇒ saddle"])
def test_a_wrong_hessian_breaks_the_claims_of_higher_rank(monkeypatch, name):
    problem = sensing.gaussian(4, 2, 30, 1)
    X = sensing.polish(problem, problem.ground_truth)
    if name == "rank-deficient ⇒ saddle":
        line = sensing.SensingProblem(problem.operator, problem.measurements, 1)
        X = sensing.gradient_descent(
            line, X[:, :1], step_size=sensing.Backtracking(), max_iterations=500
        ).point
        X = np.hstack([sensing.polish(line, X), np.zeros((4, 1))])
    assert check(name, case(problem, X, 1)).holds is Holds.YES
    product = sensing.SensingProblem.hessian_product
    monkeypatch.setattr(
        sensing.SensingProblem, "hessian_product", lambda self, X, D: product(self, X, D) + D * 9
    )
    assert check(name, case(problem, X, 1)).violated
