"""Facts by computation: those of the catalogue in closed form come out, and a limit is kept."""

from __future__ import annotations

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.instances.computed import computed_facts, kind_at
from tests.sensing.test_catalogue import NAMES

# least-delta needs cvxpy; the point of iris is an iterate, which is no stationary one.
KNOWN = [name for name in NAMES if name not in ("least-delta", "iris") and ":" not in name]
NEEDS = {"gaussian": ":n=5,m=7", "rank-one": ":n=5,m=7", "completion": ":n=5"}


@pytest.mark.parametrize("name", KNOWN)
def test_what_is_known_in_closed_form_is_computed(name: str) -> None:
    instance = sensing.parse_instance(name + NEEDS.get(name, ":n=5" if "sparse" in name else ""))
    found = computed_facts(instance).facts
    given = instance.known_point
    if given is not None and sensing.relative_gradient_norm(instance.problem, given) > 1e-8:
        return  # printed digits: compared at the polished point elsewhere
    for key in ("objective", "eigenvalue"):
        if key in instance.facts:
            assert found[key] == pytest.approx(instance.facts[key], rel=1e-7, abs=1e-12)
    if "kind" in instance.facts and "kind" in found:
        assert found["kind"] == instance.facts["kind"]


def test_kinds_of_points_whose_hessian_is_written_out() -> None:
    """h = ½ (x² − 1)² + ½ c² (y² − s)² in the plane, at points with known second derivatives."""
    A = [np.diag([1.0, 0.0]), np.diag([0.0, 1.0])]
    for s, x, y, kind in (
        (-1.0, 1.0, 0.0, "minimum"),  # ∂²h/∂y² = −2s > 0 at y = 0
        (0.0, 1.0, 0.0, "degenerate"),
        (1.0, 1.0, 0.0, "saddle"),
    ):
        problem = sensing.SensingProblem(sensing.DenseOperator(A), [1.0, s])
        assert kind_at(problem, np.array([[x], [y]])) == kind


def test_rotations_are_no_further_zeros_and_a_deficient_point_has_fewer() -> None:
    """b = diag(1, 4, −1) seen whole: ZZᵀ = diag(1, 4, 0) is the best PSD matrix of rank two."""
    units = [np.diag(row) for row in np.eye(3)]
    for i, j in ((0, 1), (0, 2), (1, 2)):
        E = np.zeros((3, 3))
        E[i, j] = E[j, i] = 1
        units.append(E)
    problem = sensing.SensingProblem(sensing.DenseOperator(units), [1, 4, -1, 0, 0, 0], 2)
    X = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 0.0]])
    assert kind_at(problem, X) == "minimum"
    wide = sensing.SensingProblem(problem.operator, problem.measurements, 3)
    assert kind_at(wide, np.hstack([X, np.zeros((3, 1))])) == "minimum"


def test_without_a_point_it_is_looked_for_only_where_that_is_cheap() -> None:
    problem = sensing.gaussian(5, 1, 6, 1)
    found = computed_facts(sensing.Instance("mine", problem))
    assert found.where.startswith("found by descents from random starts (seed 0)")
    assert found.facts["kind"] in ("minimum", "saddle", "solution")
    large = sensing.instance("sparse-completion", n=500)
    assert computed_facts(large).facts == {}
    assert "none was looked for at this size" in computed_facts(large).where


def test_a_point_far_from_stationary_is_taken_as_it_is() -> None:
    problem = sensing.gaussian(4, 1, 6, 1)
    X = np.ones((4, 1))
    found = computed_facts(sensing.Instance("mine", problem, known_point=X))
    assert found.facts["objective"] == problem.objective(X)
    assert found.facts["gradient"] == sensing.relative_gradient_norm(problem, X) > 1e-3
    assert "kind" not in found.facts
    close = sensing.spurious_point(problem) * (1 + 1e-5)
    found = computed_facts(sensing.Instance("mine", problem, known_point=close))
    assert found.where == "the point that was given, made stationary"
    assert found.facts["gradient"] < 1e-9


def test_where_no_point_is_found_it_is_said() -> None:
    problem = sensing.SensingProblem(sensing.DenseOperator([np.eye(2)]), [-1.0])
    found = computed_facts(sensing.Instance("mine", problem))
    assert found.facts == {}
    assert found.where.startswith("no X̂ to compute at: problem: expected")
