"""A problem in other units is the same problem: X by s, A by a, b by a s², steps by 1/(a s)².

By powers of two every product and sum is scaled exactly, so the iterates must be the same to the
last bit. Where a number is beyond float64 the refusal says which.
"""

import warnings

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import Backtracking, DenseOperator, SensingProblem, Stall, StopReason
from lift_compare.sensing.floats import norm, normalised
from lift_compare.sensing.polishing import is_negligible
from lift_compare.sensing.spectrum import least_eigenpairs

# (a, s): s² and a must keep ‖b‖² and every product within 2^±1022.
UNITS = [(0, 0), (0, 60), (0, -60), (0, 200), (0, -200), (166, 0), (-166, 0), (166, -200)]
UNITS += [(-166, 240), (300, -340), (-250, 300)]


def scaled(problem: SensingProblem, a: int, s: int) -> SensingProblem:
    A = np.ldexp(problem.operator.matrices(), a)
    Z = np.ldexp(problem.ground_truth, s)
    return SensingProblem.from_ground_truth(DenseOperator(A), Z, rank=problem.rank)


@pytest.fixture(params=UNITS, ids=lambda unit: "a=2^{},s=2^{}".format(*unit), name="units")
def _units(request):
    return request.param


@pytest.mark.parametrize("seed", range(3))
def test_iterates_are_the_same_in_any_units(units, seed) -> None:
    a, s = units
    problem = sensing.gaussian(4, 2, 7, seed)
    other = scaled(problem, a, s)
    X = np.random.default_rng(seed).standard_normal(problem.shape)
    for rule, tolerance, stall in (
        (0.02, 0.0, Stall(window=20)),
        (0.02, 1e-3, None),
        (Backtracking(), 1e-6, None),
        (Backtracking(initial=0.25), 0.0, Stall(tolerance=1e-3, window=5)),
    ):
        settings = {"max_iterations": 400, "tolerance": tolerance, "stall": stall}
        step = rule if isinstance(rule, Backtracking) else np.ldexp(rule, -2 * (a + s))
        ours = sensing.gradient_descent(problem, X, step_size=rule, **settings)
        theirs = sensing.gradient_descent(other, np.ldexp(X, s), step_size=step, **settings)
        np.testing.assert_array_equal(np.ldexp(theirs.point, -s), ours.point)
        assert (theirs.iterations, theirs.stop_reason) == (ours.iterations, ours.stop_reason)


def test_the_points_found_are_the_same_in_any_units(units) -> None:
    a, s = units
    problem = sensing.real_system()
    other = scaled(problem, a, s)
    rough = np.array([[0.2234], [0.0918], [0.5985]])
    polished = sensing.polish(problem, rough)
    np.testing.assert_array_equal(np.ldexp(sensing.polish(other, np.ldexp(rough, s)), -s), polished)
    for seed in range(2):
        ours, theirs = (sensing.spurious_point(p, seed=seed) for p in (problem, other))
        np.testing.assert_array_equal(np.ldexp(theirs, -s), ours)
    X = np.ldexp(polished, s)
    assert sensing.relative_gradient_norm(other, X) == sensing.relative_gradient_norm(
        problem, polished
    )
    assert not other.is_solved(X)
    assert other.is_solved(other.ground_truth)
    assert other.is_near_truth(other.ground_truth)
    assert not other.is_near_truth(X)
    assert np.ldexp(other.distance(X), -2 * s) == problem.distance(polished)
    value = least_eigenpairs(problem, polished).values[0]
    # The dense eigensolver rescales small and large matrices: equal to rounding only.
    assert np.ldexp(least_eigenpairs(other, X).values[0], -2 * (a + s)) == pytest.approx(
        value, rel=1e-13
    )


@pytest.mark.parametrize("scale", [1e-3, 1e-4, 1e-30, 1e30, 1e-70])
def test_a_spurious_point_is_stationary_at_any_size(scale: float) -> None:
    for seed in range(2):
        problem = sensing.gaussian(4, 1, 5, seed)
        small = SensingProblem.from_ground_truth(problem.operator, scale * problem.ground_truth)
        point = sensing.spurious_point(small, seed=seed)
        assert sensing.relative_gradient_norm(small, point) < 1e-10
        instance = sensing.Instance("small", small, known_point=point)
        left = sensing.relative_gradient_norm(small, instance.stationary_point())
        assert left < 1e-10


# What does not fit -------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-160, 1e160, 5e-324, 1e308])
def test_h_is_refused_where_the_square_of_the_measurements_is_no_float(size: float) -> None:
    problem = SensingProblem(sensing.real_system().operator, np.full(6, size))
    X = np.ones((3, 1))
    for call in (
        lambda: problem.objective_at_zero,
        lambda: problem.objective(X),
        lambda: problem.objective_and_gradient(X),
        lambda: sensing.gradient_descent(problem, X, step_size=0.1, max_iterations=1),
    ):
        with pytest.raises(OverflowError, match="h: expected ‖b‖ between 1e-150"):
            call()


@pytest.mark.filterwarnings("error")
def test_what_leaves_float64_is_an_overflow_with_a_name() -> None:
    problem, far = sensing.real_system(), np.full((3, 1), 1e150)
    calls = {
        r"X: h\(X\)": lambda: problem.objective(far),
        r"X: ∇h\(X\)": lambda: problem.gradient(far),
        r"X and D: ∇²h": lambda: problem.hessian_product(far, far),
        r"X: ‖XXᵀ − ZZᵀ‖": lambda: problem.distance(1e10 * far),
        r"measure: ": lambda: problem.operator.measure(1e10 * far, far),
        r"adjoint_matmul: ": lambda: problem.operator.adjoint_matmul(np.full(6, 1e200), 1e10 * far),
        r"operator: ‖A\(M\)‖²": lambda: sensing.rip_lower_bound(
            DenseOperator(np.full((1, 2, 2), 1e160)), 1, samples=1, seed=0
        ),
        r"matrices: a_i a_iᵀ": lambda: sensing.RankOneOperator([[1e200]]).matrices(),
    }
    for name, call in calls.items():
        with pytest.raises(OverflowError, match=f"^{name}.*leaves the range of float64"):
            call()
    # Judgements need no value: such a point is no solution, and its gradient is all there is.
    assert not problem.is_solved(far)
    assert not problem.is_near_truth(far)
    assert sensing.relative_gradient_norm(problem, far) == pytest.approx(1)


def test_tiny_points_are_measured_to_all_digits() -> None:
    problem = sensing.real_system()
    X = np.array([[0.2], [-0.3], [0.7]])
    unknown = SensingProblem(problem.operator, problem.measurements, 1, np.zeros((3, 1)))
    assert unknown.distance(1e-100 * X) == pytest.approx(1e-200 * float(np.vdot(X, X)), rel=1e-14)
    assert problem.objective(1e-170 * X) == pytest.approx(problem.objective_at_zero, rel=1e-15)
    G = problem.landscape(np.zeros((3, 1))) @ np.eye(3)
    np.testing.assert_allclose(problem.gradient(1e-170 * X), 2e-170 * (G @ X), rtol=1e-14)
    assert sensing.relative_gradient_norm(problem, 1e-170 * X) == pytest.approx(1)


# Endings -----------------------------------------------------------------------------------------


def test_a_descent_that_has_risen_says_so() -> None:
    problem = sensing.real_system()
    X = np.array([[1.2], [-0.4], [0.9]])
    run = sensing.gradient_descent(problem, X, step_size=0.9, max_iterations=2)
    assert run.stop_reason is StopReason.ITERATIONS
    assert run.objective > problem.objective(X)
    assert run.has_risen
    assert f"risen from {problem.objective(X):.6g}" in repr(run)
    fell = sensing.gradient_descent(problem, X, step_size=0.01, max_iterations=2)
    assert not fell.has_risen
    assert "risen" not in repr(fell)


def test_a_huge_budget_allocates_nothing_up_front() -> None:
    run = sensing.gradient_descent(
        sensing.two_by_two(), [[0.9], [0.1]], step_size=0.1, max_iterations=10**30, tolerance=1e-6
    )
    assert run.stop_reason is StopReason.CONVERGED


def test_a_users_signals_change_nothing() -> None:
    """Underflow is everywhere near a solution; to a user who asks numpy to raise it is no error."""
    problem = sensing.gaussian(4, 2, 9, 0)
    X = np.random.default_rng(0).standard_normal(problem.shape)

    def everything() -> list[object]:
        run = sensing.gradient_descent(problem, X, step_size=Backtracking(), max_iterations=200)
        diverged = sensing.gradient_descent(problem, X, step_size=9.0, max_iterations=200)
        tiny = 1e-160 * X
        return [
            run.point, diverged.point, problem.objective(tiny), problem.gradient(tiny),
            problem.hessian_product(tiny, tiny), problem.distance(tiny),
            sensing.relative_gradient_norm(problem, tiny), sensing.polish(problem, run.point),
            sensing.spurious_point(problem), least_eigenpairs(problem, tiny).values,
            sensing.check_gradient(problem, tiny), sensing.check_hessian(problem, tiny),
            sensing.check_adjoint(problem.operator),
            sensing.rip_lower_bound(problem.operator, 2, samples=1, seed=0),
        ]  # fmt: skip

    plain = everything()
    with np.errstate(all="raise"), warnings.catch_warnings():
        warnings.simplefilter("error")
        strict = everything()
    for ours, theirs in zip(plain, strict, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_repr_of_an_instance_says_when_its_point_is_a_solution() -> None:
    problem = sensing.real_system()
    solved = sensing.Instance("mine", problem, known_point=-problem.ground_truth)
    assert repr(solved).endswith("; its X̂ solves the problem)")
    assert "solves" not in repr(sensing.instance("real-system"))


@pytest.mark.parametrize("unit", [1e-300, 1e-158, 1e-145, 1e-100, 1.0, 1e100, 1e150, 1e300])
def test_a_norm_has_all_its_digits_at_any_scale(unit: float) -> None:
    """Also that of one part among others of other scales."""
    parts = unit * np.array([[[3.0, 0.0], [0.0, 4.0]], [[1.0, 2.0], [2.0, 4.0]]])
    assert norm(parts[0]) == pytest.approx(5 * unit, rel=1e-15, abs=0)
    np.testing.assert_allclose(norm(parts, axis=(-2, -1)), [5 * unit, 5 * unit], rtol=1e-15)
    mixed = np.concatenate([parts, np.ones((1, 2, 2)), np.zeros((1, 2, 2))])
    expected = [5 * unit, 5 * unit, 2, 0]
    np.testing.assert_allclose(norm(mixed, axis=(-2, -1)), expected, rtol=1e-15)
    rows = [3 * unit, np.sqrt(5) * unit, np.sqrt(2), 0]
    np.testing.assert_allclose(norm(mixed[:, 0], axis=(-1,)), rows, rtol=1e-15)


def test_the_norm_of_nothing_is_zero() -> None:
    assert norm(np.zeros(0)) == 0.0
    np.testing.assert_array_equal(norm(np.zeros((2, 0)), axis=(1,)), [0.0, 0.0])
    nothing, unit = normalised(np.zeros((0, 3)))
    assert (nothing.shape, unit) == ((0, 3), 0)


@pytest.mark.parametrize(("height", "negligible"), [(0.99e-6, True), (1.01e-6, False)])
def test_a_point_is_zero_up_to_a_millionth_of_the_truth(height: float, negligible: bool) -> None:
    problem = sensing.real_system()
    assert is_negligible(problem, height * problem.ground_truth) == negligible
