"""Numbers on their way in: any real type is float64, nothing else passes, nothing stays shared."""

from collections.abc import Callable
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from lift_compare import lifting, sensing
from lift_compare.sensing import DenseOperator, EntrywiseOperator, RankOneOperator, SensingProblem
from lift_compare.sensing.spectrum import least_eigenpairs
from tests.catalogue import small_problems

PROBLEM = sensing.gaussian(3, 1, 5, seed=0)
OTHER = np.array([[1.0], [-2.0], [3.0]])

ENTRIES: dict[str, Callable[[Any], Any]] = {
    "X:objective": PROBLEM.objective,
    "X:gradient": PROBLEM.gradient,
    "X:objective_and_gradient": lambda X: PROBLEM.objective_and_gradient(X)[1],
    "X:residual": PROBLEM.residual,
    "X:distance": PROBLEM.distance,
    "X:is_solved": PROBLEM.is_solved,
    "X:is_near_truth": PROBLEM.is_near_truth,
    "X:landscape": lambda X: PROBLEM.landscape(X) @ np.eye(3),
    "X:hessian_product": lambda X: PROBLEM.hessian_product(X, OTHER),
    "D:hessian_product": lambda D: PROBLEM.hessian_product(OTHER, D),
    "left:measure": lambda left: PROBLEM.operator.measure(left, OTHER),
    "right:measure": lambda right: PROBLEM.operator.measure(OTHER, right),
    "right:adjoint": lambda right: PROBLEM.operator.adjoint_matmul(PROBLEM.measurements, right),
    "start:descent": lambda X: (
        sensing.gradient_descent(PROBLEM, X, step_size=1e-12, max_iterations=2).point
    ),
    "starts:batch": lambda X: (
        sensing.gradient_descent_batch(PROBLEM, X[None], step_size=1e-12, max_iterations=2)[0].point
    ),
    "X:relative": lambda X: sensing.relative_gradient_norm(PROBLEM, X),
    "X:eigenpairs": lambda X: least_eigenpairs(PROBLEM, X).values,
    "X:check_gradient": lambda X: sensing.check_gradient(PROBLEM, X),
    "X:check_hessian": lambda X: sensing.check_hessian(PROBLEM, X),
    "known_point:Instance": lambda X: sensing.Instance("a", PROBLEM, known_point=X).known_point,
    "centre:DescentSettings": lambda X: sensing.DescentSettings(X, 0.1, 0, 0.1, 1, 1).start(),
    "Z:from_ground_truth": lambda Z: (
        SensingProblem.from_ground_truth(PROBLEM.operator, Z).measurements
    ),
    "vectors:RankOne": lambda X: RankOneOperator(X).matrices(),
    "X:lift": lifting.LiftedProblem(PROBLEM, 3).lift,
}


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("dtype", ["int8", "int16", "uint8", "int64", ">i4", "float32", ">f8"])
def test_any_real_type_is_float64(name: str, dtype: str) -> None:
    X = np.array([[100.0], [99.0], [101.0]])  # squares of these wrap round in int8 and int16
    np.testing.assert_array_equal(ENTRIES[name](X.astype(dtype)), ENTRIES[name](X))


NO_NUMBERS: dict[str, Any] = {
    "complex": np.ones((3, 1), dtype=complex),
    "objects": np.array([[1], [Fraction(1, 2)], [2]], dtype=object),
    "None": [[1.0], [None], [2.0]],
    "strings": np.array([["1"], ["2"], ["3"]]),
    "masked": np.ma.array(np.ones((3, 1))),
    "masked in a list": [[1.0], [np.ma.masked], [1.0]],
    "dates": np.zeros((3, 1), dtype="M8[s]"),
    "ragged": [[1.0], [1.0, 2.0], [1.0]],
    "huge": [[10**400], [1], [1]],
    "nan": np.full((3, 1), np.nan),
    "inf": np.full((3, 1), np.inf),
    "longdouble": np.full((3, 1), np.longdouble("1e400")),
    "nothing": np.zeros((0, 1)),
    "shape": np.ones((3, 1, 1)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("kind", NO_NUMBERS)
def test_what_is_no_number_is_refused_by_name(name: str, kind: str) -> None:
    if name == "starts:batch" and kind in ("None", "ragged", "huge", "masked in a list", "shape"):
        pytest.skip("a list has no [None]")
    if kind == "shape" and ("measure" in name or "adjoint" in name or "vectors" in name):
        pytest.skip("a batch")
    if kind == "shape" and name.partition(":")[2] in ("objective", "gradient", "residual"):
        pytest.skip("a batch, of the wrong shape")
    with pytest.raises((TypeError, ValueError), match=rf"^{name.partition(':')[0]}: expected"):
        ENTRIES[name](NO_NUMBERS[kind])


SCALARS: dict[str, Callable[[Any], Any]] = {
    "step_size": lambda v: sensing.gradient_descent(PROBLEM, OTHER, step_size=v, max_iterations=0),
    "tolerance": lambda v: sensing.gradient_descent(
        PROBLEM, OTHER, step_size=1, max_iterations=0, tolerance=v
    ),
    "solved_below": lambda v: sensing.gradient_descent(
        PROBLEM, OTHER, step_size=1, max_iterations=0, solved_below=v
    ),
    "stall_tolerance": sensing.Stall,
    "initial": sensing.Backtracking,
    "rho": lambda v: sensing.LiftSettings(rho=v),
    "eta": lambda v: sensing.LiftSettings(eta=v),
    "epsilon": lambda v: sensing.perturbed_completion(3, v),
    "spread": lambda v: sensing.DescentSettings(OTHER, v, 0, 0.1, 1, 1),
    "weight": lambda v: lifting.RankOne(v, [1.0], 3),
}


NO_SCALARS: list[Any] = [10**400, -(10**5000), True, np.True_, "1", None, 1j, np.complex128(1)]
NO_SCALARS += [[1.0], np.ones(1), np.nan, np.inf, np.longdouble("1e400"), np.ma.masked, object()]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("value", NO_SCALARS, ids=lambda value: type(value).__name__)
def test_scalars_that_are_no_numbers_are_refused_by_name(name: str, value: Any) -> None:
    if name == "solved_below" and value is None:
        pytest.skip("its default")
    with pytest.raises((TypeError, ValueError), match=rf"^{name}: expected"):
        SCALARS[name](value)


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("value", [Fraction(1, 4), np.float32(0.25), np.array(0.25), 1, np.int8(1)])
def test_scalars_of_any_real_type_pass(name: str, value: Any) -> None:
    SCALARS[name](value)


def test_settings_are_kept_as_plain_numbers() -> None:
    settings = sensing.LiftSettings(np.int64(3), Fraction(1, 4), np.float32(0.5), np.int8(7))
    kept = (settings.order, settings.rho, settings.eta, settings.steps)
    assert kept == (3, 0.25, 0.5, 7)
    assert [type(value) for value in kept] == [int, float, float, int]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float64])
def test_duplicate_entries_are_summed_in_float64(dtype: type) -> None:
    limit = 100 if dtype == np.int8 else 2**62
    rows, columns = [0, 0, 0, 1], [0, 0, 0, 1]
    given = sparse.coo_array((np.full(4, limit, dtype=dtype), (rows, columns)), shape=(2, 2))
    operator = EntrywiseOperator(given)
    np.testing.assert_array_equal(operator.weights.toarray(), np.diag([3.0, 1.0]) * limit)
    assert given.nnz == 4, "the user's matrix is left as it was"


def test_a_boolean_mask_is_weights_of_zeros_and_ones() -> None:
    mask = np.array([[True, False], [True, True]])
    np.testing.assert_array_equal(EntrywiseOperator(mask).weights, mask.astype(float))


def test_symmetrising_does_not_overflow() -> None:
    A = np.full((1, 2, 2), 1e308)
    np.testing.assert_array_equal(DenseOperator(A).matrices(), A)
    A[0, 0, 1] *= 1 + 1e-15  # a rounding error, which is averaged
    assert np.isfinite(DenseOperator(A).matrices()).all()
    with pytest.raises(ValueError, match="matrices: expected symmetric"):
        DenseOperator([[[0.0, 1e308], [-1e308, 0.0]]])


# What is kept is the object's own -----------------------------------------------------------------


def test_nothing_kept_is_the_callers() -> None:
    """Everything that goes in is overwritten; the objects answer as before."""
    rng = np.random.default_rng(0)
    B = rng.standard_normal((6, 3, 3))
    A, v, w = B + B.transpose(0, 2, 1), rng.standard_normal((6, 3)), rng.standard_normal((3, 3))
    s = sparse.csr_array(w)
    X, b, Z = rng.standard_normal((3, 1)), rng.standard_normal(6), rng.standard_normal((3, 1))
    facts = {"objective": 1.0}
    operators = [DenseOperator(A), RankOneOperator(v), EntrywiseOperator(w), EntrywiseOperator(s)]
    problem = SensingProblem(operators[0], b, 1, Z)
    instance = sensing.Instance("mine", problem, known_point=X, facts=facts)
    settings = sensing.DescentSettings(X, 0.1, 0, 0.1, 1, 1)
    descent = sensing.gradient_descent(problem, X, step_size=1e-3, max_iterations=0)
    vector = np.array([1.0, 2.0])
    rank_one = lifting.RankOne(1.0, vector, 3)
    linear = lifting.LiftedProblem(problem, 1)
    lifted, path = (
        linear.lift(X),
        lifting.projected_gradient_descent(linear, X[:, 0], step_size=0.1, iterations=0),
    )
    point = np.ones((3, 1))

    def answers() -> list[Any]:
        return [
            *(operator.measure(point, point) for operator in operators),
            *(operator.matrices() for operator in operators),
            [problem.objective(point), problem.distance(point)],
            instance.known_point, instance.point, settings.start(), descent.point,
            [instance.facts["objective"]], rank_one.tensor(), lifted, path.tensor,
        ]  # fmt: skip

    before = [np.array(answer) for answer in answers()]
    for array in (A, v, w, s.data, X, b, Z, vector):
        array[:] = 7.0
    facts["objective"] = 7.0
    for was, now in zip(before, answers(), strict=True):
        np.testing.assert_array_equal(was, now)


def test_what_is_handed_out_cannot_change_the_object() -> None:
    instance = sensing.instance("gaussian", n=3, m=6)
    run = instance.descent.run(instance.problem)
    pairs = least_eigenpairs(instance.problem, run.point)
    stored = sensing.EntrywiseOperator(sparse.csr_array(np.eye(3)))
    lifted = lifting.LiftedProblem(sensing.two_by_two(), 3)
    start = lifted.lift([[0.1], [0.7]])
    span = lifting.SpanProjection([start])
    path = lifting.projected_gradient_descent(
        lifted, start, step_size=0.01, iterations=2, projection=span
    )
    locked = [
        instance.problem.measurements, instance.problem.ground_truth, instance.point,
        instance.descent.centre, run.point, run.history.objective, run.history.gradient_norm,
        run.history.distance, pairs.values, pairs.vectors, RankOneOperator(np.eye(2)).vectors,
        EntrywiseOperator(np.eye(2)).weights, stored.weights.data, stored.weights.indices,
        path.tensor, path.values, path.coefficients, lifting.RankOne(1.0, [1.0], 3).vector,
        lifting.least_curvature(lifted, start).direction,
    ]  # fmt: skip
    for array in locked:
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for problem in small_problems().values():  # these are copies
        A = problem.operator.matrices()
        A[...] = 0
        assert np.any(problem.operator.matrices())


# Operators of one's own ---------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["n", "m", "measure", "adjoint_matmul", "matrices"])
def test_an_operator_that_lacks_a_member_is_refused_with_its_name(missing: str) -> None:
    whole = sensing.two_by_two().operator
    members = {"n", "m", "measure", "adjoint_matmul", "matrices"} - {missing}
    part = type("Part", (), {name: getattr(whole, name) for name in members})()
    for call in (
        lambda: SensingProblem(part, np.ones(3)),
        lambda: SensingProblem.from_ground_truth(part, np.ones((2, 1))),
        lambda: sensing.rip_lower_bound(part, 1, samples=1, seed=0),
        lambda: sensing.check_adjoint(part),
    ):
        with pytest.raises(TypeError, match=f"operator: expected .*; Part lacks {missing}$"):
            call()


def test_an_own_product_of_a_subclass_is_the_one_that_counts() -> None:
    class Doubled(DenseOperator):
        def measure(self, left: Any, right: Any) -> Any:
            return 2 * super().measure(left, right)

    operator = Doubled(sensing.real_system().operator.matrices())
    problem = SensingProblem(operator, np.ones(6))
    X = np.array([[1.0], [2.0], [3.0]])
    residual = 2 * DenseOperator(operator.matrices()).measure(X, X) - 1
    assert problem.objective(X) == pytest.approx(0.5 * residual @ residual, rel=1e-14)
    assert problem.unchecked(X[None])[0][0] == pytest.approx(problem.objective(X), rel=1e-14)


def test_the_products_of_an_operator_may_be_functions_that_are_no_methods() -> None:
    whole = sensing.real_system().operator
    own = SimpleNamespace(
        n=whole.n,
        m=whole.m,
        measure=lambda left, right: whole.measure(left, right),
        adjoint_matmul=lambda y, right: whole.adjoint_matmul(y, right),
        matrices=whole.matrices,
    )
    X, b = np.array([[1.0], [2.0], [3.0]]), np.ones(whole.m)
    got, want = (SensingProblem(operator, b).gradient(X) for operator in (own, whole))
    np.testing.assert_array_equal(got, want)
