"""Facts by computation: those of the catalogue in closed form come out, and a limit is kept."""

from __future__ import annotations

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.instances import computed
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


def test_zeros_of_the_second_derivatives_that_no_rotation_explains() -> None:
    """X = 0 turns into itself; beside a rank-one X, a second column only adds t⁴/2 to h."""
    units = [np.diag(row) for row in np.eye(7)]
    b = [-1.0] * 6 + [0.0]  # ∇²h(0) = 2 diag(1, ..., 1, 0) for each of the columns
    problem = sensing.SensingProblem(sensing.DenseOperator(units), b, 7)
    assert kind_at(problem, np.zeros((7, 7))) == "degenerate"
    whole = sensing.EntrywiseOperator(np.ones((2, 2)))
    solved = sensing.SensingProblem.from_ground_truth(whole, [[1.0], [0.0]], rank=2)
    assert kind_at(solved, np.array([[1.0, 0.0], [0.0, 0.0]])) == "degenerate"


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_kind_of_a_point_is_the_same_in_every_unit(scale: float) -> None:
    """XXᵀ = ZZᵀ seen whole, of full rank: ∇²h is zero along the rotation alone."""
    whole = sensing.EntrywiseOperator(np.ones((2, 2)))
    Z = scale * np.array([[1.0, 0.5], [0.0, 2.0]])
    problem = sensing.SensingProblem.from_ground_truth(whole, Z)
    assert kind_at(problem, Z) == "minimum"


def test_the_limits_of_size_are_kept(monkeypatch) -> None:
    """Of n r entries where a kind is said or a point looked for, and of m n² where it is.

    h = ½ Σ_i (|x_i|² − b_i)² in the rows x_i of X: b_3 = −1 is met by none.
    """
    units = sensing.DenseOperator([np.diag(row) for row in np.eye(3)])
    problem = sensing.SensingProblem(units, [1.0, 1.0, -1.0], 2)
    point = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    mine, given = (sensing.Instance("mine", problem, known_point=each) for each in (None, point))
    for entries, numbers, looked_for in ((6, 27, True), (5, 27, False), (6, 26, False)):
        monkeypatch.setattr(computed, "MOST_ENTRIES", entries)
        monkeypatch.setattr(computed, "MOST_NUMBERS", numbers)
        assert bool(computed_facts(mine).facts) == looked_for
        # Each of the first two rows turns by itself: one zero more than the rotation.
        assert computed_facts(given).facts.get("kind") == ("degenerate" if entries == 6 else None)


def test_a_point_that_solves_the_problem_is_called_a_solution() -> None:
    problem = sensing.two_by_two()
    at_truth = sensing.Instance("mine", problem, known_point=problem.ground_truth)
    assert computed_facts(at_truth).facts["kind"] == "solution"


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
    assert found.where == (
        "the point that was given; it is no stationary point (without X, one is looked for)"
    )
    close = sensing.spurious_point(problem) * (1 + 1e-5)
    found = computed_facts(sensing.Instance("mine", problem, known_point=close))
    assert found.where == "the point that was given, made stationary"
    assert found.facts["gradient"] < 1e-9


def test_where_every_descent_solves_the_problem_it_is_said() -> None:
    problem = sensing.SensingProblem(sensing.DenseOperator([[[1.0]]]), [3.0])  # x² = 3
    found = computed_facts(sensing.Instance("mine", problem), seed=2)
    assert found.facts["kind"] == "solution"
    assert found.where == (
        "found by descents from random starts (seed 2); none of them ended at a spurious point, "
        "another --seed starts elsewhere"
    )


def test_where_no_point_is_found_it_is_said() -> None:
    problem = sensing.SensingProblem(sensing.DenseOperator([np.eye(2)]), [-1.0])
    found = computed_facts(sensing.Instance("mine", problem))
    assert found.facts == {}
    assert found.where.startswith("no X̂ to compute at: problem: expected")
