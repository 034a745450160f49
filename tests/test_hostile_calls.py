"""Any call with anything: a refusal by name, or right and finite numbers, and never a warning.

By default some dozens of examples, so that the suite stays quick. All of them:

    LIFT_COMPARE_EXAMPLES=2000 pytest tests/test_hostile_calls.py
"""

import math
import os
import warnings
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import LinearOperator

from lift_compare import lifting, sensing, simulated
from lift_compare.sensing.rip import rip_bracket
from lift_compare.sensing.spectrum import last_singular_triplet, least_eigenpairs

EXAMPLES = int(os.environ.get("LIFT_COMPARE_EXAMPLES", "60"))
REFUSALS = (ValueError, TypeError, MemoryError, OverflowError)

DTYPES = ("int8", "uint8", "int16", "int64", "uint64", "bool", "float16", "float32", ">f8")
SPECIAL = (0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf, 5e-324, 1e-308, 1e308, 1e150)
SPECIAL += (1e-150, 1e-170, 127.0, 128.0, 2.0**20, 2.0**53 + 2)

ABSURD: list[Any] = [None, "1", "", b"1", object(), 1j, {}, {1: 2}, set(), [], [[]], [[1], [1, 2]]]
ABSURD += [np.ma.masked, np.ma.array([[1.0], [2.0], [3.0]], mask=[[0], [1], [0]]), math.nan]
ABSURD += [np.array(["a"]), np.array([None]), np.zeros((0, 3)), np.datetime64("2020"), math.inf]
ABSURD += [sparse.csr_array(np.eye(3)), [[1.0], [None], [2.0]], [np.ma.masked, 1.0], 10**400]
ABSURD += [-(10**5000), np.longdouble("1e400"), [[10**400]] * 3, np.ones((3, 1), complex), len]

NUMBERS: list[Any] = [0, 1, 2, 3, 5, 7, 64, 65, 1001, 1003, -1, True, np.True_, 10**9 + 1, 10**400]
NUMBERS += [0.1, 1.0, 1e-300, 1e300, -0.5, Fraction(1, 3), np.float32(0.5), np.int8(3), np.array(2)]
NUMBERS += [99999999999999999999, np.array([1.0]), np.float16(0.1), np.longdouble(0.1), 5e-324]


def entries(size: int) -> st.SearchStrategy[list[float]]:
    ordinary = st.floats(-3, 3)
    return st.lists(
        st.one_of(ordinary, ordinary, ordinary, st.sampled_from(SPECIAL)),
        min_size=size,
        max_size=size,
    )


@st.composite
def arrays(draw: st.DrawFn, *shape: int) -> Any:
    """An array that mostly fits: right shape, some dtype, sometimes scaled, masked or a list."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from(ABSURD))
    if draw(st.integers(0, 9)) == 0:
        shape = draw(st.sampled_from([(), (3,), (2, 2), (3, 2), (4, *shape), shape[:-1], (1, 1)]))
    values = np.array(draw(entries(math.prod(shape)))).reshape(shape)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = values * draw(st.sampled_from([1, 1, 1, 1e-100, 1e100, 1e-50, 1e60, 1e-160]))
        if draw(st.booleans()):
            values = values.astype(draw(st.sampled_from(DTYPES)))
        if values.ndim and draw(st.booleans()):
            values = values[::-1]
    if draw(st.integers(0, 9)) == 0:
        return np.ma.array(values)
    return values.tolist() if draw(st.integers(0, 4)) == 0 else values


numbers = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(NUMBERS), st.sampled_from(ABSURD))
small = st.one_of(st.integers(0, 4), st.integers(1, 3), numbers)
# Without large numbers: so many iterations, or so much memory, may be meant.
MODEST = [v for v in (*NUMBERS, *ABSURD) if not isinstance(v, int) or v < 66]
NONSENSE = [v for v in ABSURD if not isinstance(v, int)]
sizes = st.one_of(st.integers(0, 4), st.integers(1, 3), st.sampled_from([*MODEST, 10**30]))
reals = st.one_of(st.floats(0.001, 1), numbers)
seeds = st.one_of(st.integers(0, 9), st.integers(0, 9), st.sampled_from(ABSURD))


@st.composite
def symmetric(draw: st.DrawFn) -> Any:
    A = draw(arrays(4, 3, 3))
    with np.errstate(all="ignore"):
        if isinstance(A, np.ndarray) and A.shape == (4, 3, 3) and A.dtype == np.float64:
            return np.minimum(A, A.transpose(0, 2, 1))
    return A


@st.composite
def problems(draw: st.DrawFn) -> sensing.SensingProblem:
    """A small problem of any kind and any scale; one that is refused is drawn again."""
    name = draw(st.sampled_from(["dense", "entries", "vectors", "real-system", "two-columns"]))
    seed = draw(st.integers(0, 50))
    rng = np.random.default_rng(seed)
    scale = draw(st.sampled_from([1.0, 1.0, 1e60, 1e-75, 1e-30, 1e30]))
    unit = draw(st.sampled_from([1.0, 1.0, 1e-30, 1e30, 1e-100]))
    Z = unit * rng.standard_normal((3, 2 if name == "two-columns" else 1))
    B = rng.standard_normal((6, 3, 3))
    operator: Any = sensing.real_system().operator
    if name in ("dense", "two-columns"):
        operator = sensing.DenseOperator(scale * (B + B.transpose(0, 2, 1)))
    elif name == "entries":
        operator = sensing.EntrywiseOperator(sparse.coo_array(scale * B[0] * (B[1] > 0)))
    elif name == "vectors":
        operator = sensing.RankOneOperator(scale**0.5 * B[:, 0])
    try:
        return sensing.SensingProblem.from_ground_truth(operator, Z)
    except (ValueError, OverflowError):  # b² is beyond float64
        return sensing.real_system()


def points(problem: sensing.SensingProblem) -> st.SearchStrategy[Any]:
    """Points: the truth times something, or anything."""
    Z = problem.ground_truth
    assert Z is not None
    near = st.floats(-2, 2).map(lambda s: s * Z + 0.1 * s * s * np.abs(Z)[::-1])
    tiny = st.just(1e-100 * Z)
    return st.one_of(near, near, tiny, arrays(*problem.shape))


METHODS = ["objective", "gradient", "objective_and_gradient", "distance", "residual", "is_solved"]
METHODS += ["is_near_truth", "landscape", "factor"]

CALLS: dict[str, Callable[..., Any]] = {}


def call(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a call: it draws its arguments and returns what to do with them."""
    CALLS[function.__name__] = function
    return function


@call
def methods(draw: Any) -> Callable[[], Any]:
    p, name = draw(problems()), draw(st.sampled_from(METHODS))
    X = draw(points(p))
    return lambda: p.factor("X", X) if name == "factor" else getattr(p, name)(X)


@call
def hessians(draw: Any) -> Callable[[], Any]:
    p = draw(problems())
    X, D = draw(points(p)), draw(points(p))
    return lambda: p.hessian_product(X, D)


@call
def products(draw: Any) -> Callable[[], Any]:
    A = draw(problems()).operator
    left, right, y = draw(arrays(3, 2)), draw(arrays(3, 2)), draw(arrays(A.m))
    return lambda: (A.measure(left, right), A.adjoint_matmul(y, right))


@call
def operators(draw: Any) -> Callable[[], Any]:
    kind = draw(st.sampled_from(["dense", "entries", "vectors", "sparse"]))
    given = draw(symmetric() if kind == "dense" else arrays(3, 3))
    make = {"dense": sensing.DenseOperator, "vectors": sensing.RankOneOperator}

    known = ("int8", "uint8", "int16", "int64", "uint64", "bool", "float32", "float64")  # scipy's
    whole = isinstance(given, np.ndarray) and given.ndim == 2
    if kind == "sparse" and whole and given.dtype.name in known:
        given = sparse.coo_array(np.asarray(given, dtype=given.dtype.newbyteorder("=")))
    return lambda: make.get(kind, sensing.EntrywiseOperator)(given).matrices()


@call
def constructors(draw: Any) -> Callable[[], Any]:
    good = problems().map(lambda p: p.operator)
    A = draw(st.one_of(good, good, good, st.sampled_from(ABSURD)))
    b, rank, Z = draw(arrays(6)), draw(st.one_of(st.just(1), small)), draw(arrays(3, 1))
    if draw(st.booleans()):
        return lambda: sensing.SensingProblem.from_ground_truth(A, Z, rank=rank)
    return lambda: sensing.SensingProblem(A, b, rank, Z)


@call
def descents(draw: Any) -> Callable[[], Any]:
    p = draw(problems())
    X, step = draw(points(p)), draw(st.one_of(reals, st.just(sensing.Backtracking())))
    count, tolerance = draw(small), draw(st.one_of(st.just(0.0), reals))
    if isinstance(count, int) and not isinstance(count, bool):
        count = min(count, 1000)
    stop = draw(st.sampled_from([None, sensing.Stall(window=2), "stall"]))
    extra = {"tolerance": tolerance, "stall": stop}
    return lambda: sensing.gradient_descent(p, X, step_size=step, max_iterations=count, **extra)


@call
def polishes(draw: Any) -> Callable[[], Any]:
    p = draw(problems())
    X, count = (
        draw(points(p)),
        draw(st.one_of(st.just(100), st.integers(0, 50), st.sampled_from(MODEST))),
    )
    return lambda: sensing.polish(p, X, max_iterations=count)


@call
def spectra(draw: Any) -> Callable[[], Any]:
    p = draw(problems())
    X, count, seed = draw(points(p)), draw(small), draw(seeds)
    return draw(
        st.sampled_from(
            [
                lambda: sensing.relative_gradient_norm(p, X),
                lambda: least_eigenpairs(p, X, count),
                lambda: last_singular_triplet(X),
                lambda: sensing.check_gradient(p, X, seed=seed),
                lambda: sensing.check_hessian(p, X, seed=seed),
                lambda: sensing.check_adjoint(p.operator, columns=count, seed=seed),
            ]
        )
    )


@call
def searches(draw: Any) -> Callable[[], Any]:
    p, seed = draw(problems()), draw(seeds)
    rank, count = draw(small), draw(st.one_of(st.integers(1, 2), st.sampled_from(NONSENSE)))
    return draw(
        st.sampled_from(
            [
                lambda: sensing.spurious_point(p, seed=seed, max_iterations=count),
                lambda: sensing.rip_lower_bound(p.operator, rank, samples=count, seed=seed),
                lambda: rip_bracket(p.operator, rank, seed=seed).lower,
            ]
        )
    )


@call
def instances(draw: Any) -> Callable[[], Any]:
    n, m, x, seed = draw(sizes), draw(sizes), draw(reals), draw(seeds)
    p = draw(problems())
    X = draw(points(p))
    return draw(
        st.sampled_from(
            [
                lambda: sensing.gaussian(n, 1, m, seed),
                lambda: sensing.instance("rank-one", n=n, m=m, seed=seed).problem,
                lambda: sensing.instance("completion", n=n, epsilon=x, seed=seed).problem,
                lambda: sensing.instance("sparse-completion", n=n, rank=m, seed=seed).problem,
                lambda: sensing.perturbed_completion(n, x),
                lambda: sensing.quadratic_network(X, X, n),
                lambda: sensing.LiftSettings(n, x, x, m),
                lambda: sensing.DescentSettings(X, x, seed, x, n, m).start(),
                lambda: sensing.Instance("mine", p, known_point=X).known_point,
                lambda: repr(sensing.Instance("mine", p, known_point=X)),
                lambda: sensing.parse_instance(n),
                lambda: sensing.load_instance(n),
                lambda: sensing.Backtracking(x, x),
                lambda: sensing.Stall(x, n),
            ]
        )
    )


@call
def instances_with_known_answers(draw: Any) -> Callable[[], Any]:
    n, m, x, y, seed = draw(sizes), draw(sizes), draw(reals), draw(reals), draw(seeds)
    p = draw(problems())
    X, D = draw(points(p)), draw(points(p))
    graph = draw(st.sampled_from(["cycle", "path", "star", "complete", "random", "wheel", n]))
    name, given = draw(
        st.sampled_from(
            [
                ("sharp-delta", {"delta": x, "theta": y, "n": n}),
                ("rip-dial", {"rank": n, "delta": x, "n": m}),
                ("two-clusters", {"k": n, "epsilon": x}),
                ("path-completion", {"t": x}),
                ("block-ring", {"epsilon": x}),
                ("block-completion", {"rank": n, "n": m, "epsilon": x}),
                ("twisted-states", {"n": n, "q": m, "epsilon": x}),
                ("sign-synchronisation", {"graph": graph, "n": n, "epsilon": x, "seed": seed}),
                ("power-system", {"without": graph, "seed": seed}),
                ("asymmetric", {"n1": n, "n2": m, "m": n, "rank": 1, "seed": seed}),
            ]
        )
    )

    def do() -> Any:
        found = sensing.instance(name, **given)
        return [v for v in (found.known_point, *found.facts.values()) if not isinstance(v, str)]

    return draw(
        st.sampled_from(
            [
                *[do] * 8,
                lambda: sensing.power_system(X, D).measurements,
                lambda: sensing.sign_synchronisation(X, D, x).measurements,
                lambda: sensing.asymmetric(X, D, X).measurements,
                lambda: sensing.least_delta(X, D).measurements,
            ]
        )
    )


@call
def lifts(draw: Any) -> Callable[[], Any]:
    p = draw(problems())
    X, D = draw(points(p)), draw(points(p))
    order = draw(st.sampled_from([1, 3]))
    name = draw(st.sampled_from(["value", "value_and_gradient", "hessian", "lift", "descent"]))
    w, step, count = draw(arrays(*[math.prod(p.shape)] * order)), draw(reals), draw(small)
    if isinstance(count, int) and not isinstance(count, bool):
        count = min(count, 20)

    def do() -> Any:
        lifted = lifting.LiftedProblem(p, order)
        if name == "lift":
            return lifted.lift(X)
        at = lifted.lift(X) if isinstance(X, np.ndarray) else w
        if name == "hessian":
            return lifted.hessian_product(at, lifted.lift(D))
        if name == "descent":
            given = {"step_size": step, "iterations": count}
            return lifting.projected_gradient_descent(lifted, at, **given)
        return getattr(lifted, name)(w)

    return do


@call
def costs(draw: Any) -> Callable[[], Any]:
    p, order, limit = draw(problems()), draw(small), draw(st.one_of(st.none(), small))
    return draw(
        st.sampled_from(
            [
                lambda: repr(lifting.predict_cost(p, order)),
                lambda: lifting.predict_cost(p, order).choose(limit).flops,
                lambda: lifting.LiftedProblem(p, order, memory_limit=limit).cost.flops,
                lambda: lifting.LiftedProblem(p, 3, form=order).cost.flops,
            ]
        )
    )


@call
def tensors(draw: Any) -> Callable[[], Any]:
    T, U, seed, order = draw(arrays(2, 2, 2)), draw(arrays(2, 2, 2)), draw(seeds), draw(small)
    if isinstance(T, np.ndarray) and T.shape == (2, 2, 2) and draw(st.booleans()):
        T = sum(np.transpose(T / 6, axes) for axes in [(0, 1, 2), (1, 2, 0), (2, 0, 1)]) * 1.0
        T = np.maximum(T, np.transpose(T, (1, 0, 2)))
    return draw(
        st.sampled_from(
            [
                lambda: lifting.best_rank_one(T, seed=seed),
                lambda: lifting.SpanProjection([T, U]).coefficients(T),
                lambda: lifting.SpanProjection([T, U])(T),
                lambda: lifting.SpanProjection(T).gram,
                lambda: lifting.RankOne(draw(reals), draw(arrays(2)), order).tensor(),
                lambda: lifting.RankOneProjection(seed),
            ]
        )
    )


@call
def curvatures(draw: Any) -> Callable[[], Any]:
    p, seed = draw(problems()), draw(seeds)
    order = draw(st.sampled_from([1, 3, 3, 5, 2, 0, -1, True, 3.0, "3", None]))
    X, symmetric_only = draw(points(p)), draw(st.sampled_from([False, True, 1, None]))

    def least() -> Any:
        found = lifting.least_curvature_at_point(p, X, order, symmetric=symmetric_only, seed=seed)
        return found.value, found.residual, found.direction

    basis = draw(arrays(2, *p.shape))
    return draw(st.sampled_from([least, least, lambda: sensing.compress(p, basis)]))


@call
def oracles(draw: Any) -> Callable[[], Any]:
    p = draw(problems())
    X, V = draw(points(p)), draw(points(p))
    order = draw(st.one_of(st.sampled_from([1, 3, 5, 101, 1001]), small))
    count = draw(st.one_of(st.integers(1, 3), st.sampled_from(MODEST)))
    return draw(
        st.sampled_from(
            [
                lambda: simulated.oracle_direction(p, X, order, count=count),
                lambda: simulated.saddle_certificate(p, X, order).parts,
                lambda: simulated.saddle_certificate(p, X, math.inf).parts,
                lambda: simulated.saddle_order(p, X, largest=order).curvature,
                lambda: simulated.smallest_saddle_order(p, X, direction="oracle", largest=order),
                lambda: simulated.smallest_saddle_order(p, X, direction=V, largest=order),
                lambda: simulated.truth_witness(p, X).direction,
            ]
        )
    )


@call
def generators(draw: Any) -> Callable[[], Any]:
    p, order = draw(problems()), draw(st.one_of(st.sampled_from([1, 3, 5, 101]), small))
    Y, c = draw(arrays(2, *p.shape)), draw(arrays(2))
    method = draw(st.sampled_from(["pair", "columns", "any", "Pair", None]))
    X = draw(points(p))
    return draw(
        st.sampled_from(
            [
                lambda: simulated.GeneratorObjective(p, order).value(Y),
                lambda: simulated.GeneratorObjective(p, order).gradient(Y),
                lambda: simulated.leakage(p, Y, c, order).gradient_norm,
                lambda: simulated.escape(p, X, method=method, order=order).point,
            ]
        )
    )


def numbers_of(result: Any) -> list[Any]:
    """Return all numbers that a result holds."""
    if result is None or isinstance(result, str | bool | np.bool_ | Enum | LinearOperator):
        return []
    if isinstance(result, tuple | list):
        return [number for part in result for number in numbers_of(part)]
    if isinstance(result, sensing.SensingProblem):
        return numbers_of([result.measurements, result.ground_truth])
    if is_dataclass(result):
        return [n for f in fields(result) for n in numbers_of(getattr(result, f.name))]
    if isinstance(result, int | float | np.number | np.ndarray):
        return [np.asarray(result, dtype=object if isinstance(result, int) else None)]
    return []


@pytest.mark.parametrize("name", CALLS)
def test_any_call_is_refused_by_name_or_right(name: str) -> None:
    succeeded, refused = [], []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(data=st.data())
    def run(data: Any) -> None:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the test does to make its arguments
            do = CALLS[name](data.draw)
        # The strictest of users: a signal of numpy, or a warning, is an error.
        with np.errstate(all="raise"), warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", simulated.NotStationaryWarning)  # it is documented
            try:
                result = do()
            except REFUSALS as refusal:  # FloatingPointError is none of them
                refused.append(refusal)
                return
        succeeded.append(result)
        for found in numbers_of(result):
            if found.dtype != object:
                assert np.isfinite(found).all(), (name, result)

    run()
    if EXAMPLES >= 1000:  # fewer may be refused all by chance
        assert len(succeeded) > EXAMPLES / 50, "hardly any call went through"
        assert len(refused) > EXAMPLES / 50, "hardly any call was refused"
    for refusal in refused:  # it names something, then says what was expected or what is wrong
        words = str(refusal)
        named = ": " in words or "leaves the range" in words or "float64" in words
        if not named and not isinstance(refusal, MemoryError):
            raise AssertionError("this refusal names nothing") from refusal


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    entries=st.lists(st.integers(-128, 127), min_size=3, max_size=3),
    direction=st.lists(st.integers(-128, 127), min_size=3, max_size=3),
    dtype=st.sampled_from(["int8", "int16", "int64", "float32", "list"]),
    seed=st.integers(0, 5),
)
def test_integers_are_the_same_numbers_as_floats(
    entries: list[int], direction: list[int], dtype: str, seed: int
) -> None:
    """Small integers wrap round when they are multiplied in their own type."""
    p = sensing.gaussian(3, 1, 5, seed)
    X, D = np.array([entries, direction], dtype=float)[:, :, None]

    def same(function: Callable[..., Any], *given: Any) -> None:
        typed = [v.tolist() if dtype == "list" else v.astype(dtype) for v in given]
        np.testing.assert_array_equal(function(*typed), function(*given))

    same(p.objective, X)
    same(p.gradient, X)
    same(p.distance, X)
    same(p.hessian_product, X, D)
    same(p.operator.measure, X, D)
    same(p.operator.adjoint_matmul, np.resize(X, 5), D)
    same(lambda x: sensing.relative_gradient_norm(p, x), X)
    same(lambda x: sensing.gradient_descent(p, x, step_size=1e-9, max_iterations=3).point, X)
    lifted = lifting.LiftedProblem(p, 3)
    same(lifted.lift, X)
    same(lifted.value, np.resize(X, (3, 3, 3)))
    same(lifted.hessian_product, np.resize(X, (3, 3, 3)), np.resize(D, (3, 3, 3)))
