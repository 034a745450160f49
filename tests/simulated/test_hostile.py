"""Hostile arguments and scales: refusals by name, no warning, nothing that is not finite.

LIFT_COMPARE_EXAMPLES=2000 in the environment makes the random part as long as one likes.
"""

import os
import warnings

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lift_compare import sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.simulated import NotStationaryWarning, SpanObjective
from lift_compare.simulated.span.default_step import default_rho, default_step_size
from tests.catalogue import small_problems
from tests.simulated.points import published_point

EXAMPLES = int(os.environ.get("LIFT_COMPARE_EXAMPLES", "75"))
DOCUMENTED = (ValueError, TypeError, MemoryError, OverflowError)
METHODS = ("exact", "truncated", "single-step", "line-search", "columns", "pair", "any")
TRIPLE = np.array([1.0, 0.3, -0.2])


def numbers(result):
    """Return the floats in a result, without those that are documented to be inf."""
    may_be_inf = ("rises_at", "first_step", "final_curvature", "eigenvalue_gap", "exact_score")
    if isinstance(result, bool | str | int) or result is None:
        return
    if isinstance(result, float):
        yield result
    elif isinstance(result, np.ndarray):
        yield from result.ravel().tolist()
    elif isinstance(result, list | tuple):
        for item in result:
            yield from numbers(item)
    elif getattr(result, "solved", True) is False:
        return  # a run that has left float64 says so
    elif hasattr(result, "__dataclass_fields__"):
        for name in result.__dataclass_fields__:
            if name not in may_be_inf:
                yield from numbers(getattr(result, name))


def attempt(function, *, may_be_inf=False):
    """Call with every floating-point error an exception and every warning an error."""
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", NotStationaryWarning)
        try:
            result = function()
        except DOCUMENTED as refusal:
            said = str(refusal)
        else:
            said = ""
            repr(result)
    if said:
        assert "Numerical result out of range" not in said
        return None
    if not may_be_inf:
        assert np.all(np.isfinite(list(numbers(result)))), result
    return result


# All public functions, at all orders --------------------------------------------------------------


def own_points():
    for name in ("two-by-two", "perturbed-completion", "real-system"):
        _, problem, X, _ = published_point(name)
        yield problem, X
    for seed in range(4):
        rng = np.random.default_rng(seed)
        n = int(rng.integers(1, 6))
        r = int(rng.integers(1, min(n, 3) + 1))
        problem = sensing.gaussian(n, r, int(rng.integers(n * r, 3 * n * r + 1)), seed)
        X = rng.standard_normal((n, r))
        if seed % 2:
            rule = sensing.Backtracking()
            X = sensing.gradient_descent(problem, X, step_size=rule, max_iterations=200).point
        yield problem, X


@pytest.mark.parametrize("which", range(7))
@pytest.mark.parametrize("order", [1, 3, 11, 101, 1001])
def test_no_floating_point_error_reaches_the_user(which, order):
    problem, X = list(own_points())[which]
    d = attempt(lambda: simulated.escape_directions(problem, X, count=1))
    everything(problem, X, d, order, TRIPLE, rho=0.1, eta=0.01, steps=30)


def everything(problem, X, d, order, c, *, rho, eta, steps):
    """Call every public function of `simulated`."""
    attempt(lambda: simulated.smallest_saddle_order(problem, X, largest=order))
    attempt(lambda: simulated.curvature_along(problem, X, X, order))
    attempt(lambda: simulated.feasibility_score(problem, X, rip_constant=0.3))
    for method in METHODS:
        found = attempt(lambda method=method: simulated.escape(problem, X, method=method))
        assert found is None or not found.found or found.objective_after < found.objective_before
        attempt(lambda method=method: simulated.escape(problem, X, method=method, order=order))
    attempt(lambda: simulated.descend_with_escapes(problem, X, step_size=eta, max_iterations=steps))
    moving = attempt(lambda: simulated.GeneratorObjective(problem, order))
    for name in () if moving is None else ("value", "gain", "gradient", "scaled"):
        attempt(lambda name=name: getattr(moving, name)(np.stack([X, -X / 3])))
    attempt(
        lambda: simulated.leakage(problem, np.stack([X, X[::-1]]), c[:2], order), may_be_inf=True
    )
    if d is None:
        return
    attempt(lambda: simulated.collapse(d.generators, c, order))
    attempt(lambda: simulated.term_norms(d, order, c))
    attempt(lambda: simulated.truncated_coefficients(d, order, rho=rho, eta=eta, steps=steps))
    for surrogate in (False, True):
        attempt(
            lambda surrogate=surrogate: simulated.truncated_windows(
                problem, d, order, rho=rho, eta=eta, surrogate=surrogate
            ),
            may_be_inf=True,  # the ends of intervals
        )
        attempt(
            lambda surrogate=surrogate: simulated.published_collapse(
                problem, d, order, c, surrogate=surrogate
            )
        )
    on_the_span(attempt(lambda: simulated.DiagonalSurrogate(problem, d.generators, order)), c)
    span = attempt(lambda: SpanObjective(problem, d.generators, order))
    natural = None if span is None else attempt(span.normalised)
    for objective in (span, natural):
        if objective is None:
            continue
        on_the_span(objective, c)
        attempt(lambda o=objective: o.gram)
        attempt(lambda o=objective: simulated.truncation_error(o, d, c), may_be_inf=True)
        attempt(lambda o=objective: simulated.descend(o, c, step_size=eta, iterations=steps))
        attempt(lambda o=objective: simulated.step_window(o, c, iterations=steps, trials=8))
        attempt(
            lambda o=objective: simulated.classify_exact(
                o, c, step_sizes=[eta, 1e3 * eta], iterations=[0, 3]
            ),
            may_be_inf=True,
        )
        attempt(lambda o=objective: default_step_size(o, c, iterations=steps))
        attempt(lambda o=objective: default_rho(o))


def on_the_span(objective, c):
    if objective is None:
        return
    for name in ("value", "gain", "gradient", "projected_gradient", "hessian"):
        if hasattr(objective, name):
            attempt(lambda name=name: getattr(objective, name)(c))
    for name in ("log_value", "log_gain", "rounding", "noise"):
        if hasattr(objective, name):
            result = attempt(lambda name=name: getattr(objective, name)(c), may_be_inf=True)
            assert not np.any(np.isnan(list(numbers(result))))
    attempt(lambda: objective.along(c, c[::-1]))


# Random calls -------------------------------------------------------------------------------------

EXPONENTS = st.one_of(st.just(0), st.integers(-300, 300))
ORDERS = st.one_of(
    st.sampled_from([1, 3, 5, 11, 101, 1001]), st.sampled_from([0, 2, -3, 1003, 10**9 + 1, 3.0])
)
POSITIVE = st.one_of(
    st.sampled_from([0.1, 0.01, 1e-300, 1e300]),
    st.sampled_from([0.0, -1.0, float("nan"), float("inf"), "x", None]),
    st.floats(1e-300, 1e300),
)
STEPS = st.one_of(st.integers(0, 40), st.sampled_from([-1, 10**12, 2.5]))
COEFFICIENTS = st.one_of(
    st.tuples(*[st.floats(-3, 3)] * 3).map(np.array),
    st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3).map(np.array),
    st.sampled_from([np.array([np.nan, 1.0, 0.0]), np.array([1.0, 0.1]), np.zeros(3)]),
)


@given(
    st.integers(0, 2**32 - 1), EXPONENTS, EXPONENTS, EXPONENTS, ORDERS, COEFFICIENTS, POSITIVE,
    POSITIVE, STEPS,
)  # fmt: skip
@settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)
def test_random_calls_are_refused_by_name_or_finite(
    seed, scale_A, scale_b, scale_X, order, c, rho, eta, steps
):
    rng = np.random.default_rng(seed)
    names = sorted(small_problems_once)
    problem = small_problems_once[names[seed % len(names)]]
    if scale_A or scale_b:
        operator = sensing.DenseOperator(problem.operator.matrices() * 10.0**scale_A)
        b = problem.measurements * 10.0**scale_b
        problem = attempt(lambda: SensingProblem(operator, b, problem.rank))
    if problem is None:
        return
    # Now and then at the size where A(XXᵀ) is like b, in relation to the scales above.
    exponent = scale_X if seed % 3 else (scale_b - scale_A) // 2
    X = rng.standard_normal(problem.shape) * 10.0 ** np.clip(exponent, -300, 300)
    d = attempt(lambda: simulated.escape_directions(problem, X))
    everything(problem, X, d, order, c, rho=rho, eta=eta, steps=steps)


small_problems_once = small_problems()


# Bounds, copies -----------------------------------------------------------------------------------


@pytest.fixture
def case():
    _, problem, X, d = published_point("two-by-two")
    return problem, X, d, SpanObjective(problem, d.generators, 3)


@pytest.mark.parametrize("order", [1003, 10**9 + 1])
def test_orders_above_1001_are_refused_by_every_entry(case, order):
    problem, X, d, _ = case
    calls = {
        "order": [
            lambda: SpanObjective(problem, d.generators, order),
            lambda: simulated.DiagonalSurrogate(problem, d.generators, order),
            lambda: simulated.curvature_along(problem, X, X, order),
            lambda: simulated.collapse(d.generators, TRIPLE, order),
            lambda: simulated.term_norms(d, order, TRIPLE),
            lambda: simulated.published_collapse(problem, d, order, TRIPLE),
            lambda: simulated.truncated_coefficients(d, order, rho=1.0, eta=1.0, steps=1),
            lambda: simulated.truncated_windows(problem, d, order, rho=1.0, eta=1.0),
            lambda: simulated.escape(problem, X, order=order),
            lambda: simulated.escape(problem, X, method="truncated", order=order),
            lambda: simulated.descend_with_escapes(problem, X, step_size=0.1, order=order),
        ],
        "largest": [lambda: simulated.smallest_saddle_order(problem, X, largest=order)],
        "largest_order": [
            lambda: simulated.escape(problem, X, largest_order=order),
            lambda: simulated.escape(problem, X, method="truncated", largest_order=order),
        ],
    }
    for name, functions in calls.items():
        for function in functions:
            with pytest.raises(ValueError, match=f"^{name}: .*at most 1001"):
                function()


def test_paths_that_do_not_fit_are_refused_before_they_are_made(case):
    problem, X, d, span = case
    with pytest.raises(ValueError, match=r"^iterations: .*2\.15 GB"):
        simulated.descend(span, TRIPLE, step_size=0.1, iterations=10**12)
    with pytest.raises(ValueError, match=r"^steps: .*GB"):
        simulated.truncated_coefficients(d, 3, rho=0.1, eta=0.01, steps=10**12)
    with pytest.raises(ValueError, match=r"^grid_size: .*GB"):
        simulated.escape(problem, X, method="line-search", grid_size=10**12)
    with pytest.raises(ValueError, match=r"^steps: "):
        simulated.escape(problem, X, method="truncated", steps=10**400)
    # Only the last state is needed here, and no path is kept there.
    found = simulated.escape(problem, X, method="truncated", order=3, steps=10**12)
    assert found.reason is simulated.EscapeReason.OUT_OF_RANGE
    window = simulated.step_window(span, TRIPLE, iterations=3, trials=10**9, tolerance=1e-300)
    assert 0 < window.largest < window.rises_at


def test_the_last_state_is_the_end_of_the_path(case):
    problem, X, d, _ = case
    path = simulated.truncated_coefficients(d, 3, rho=0.1, eta=0.01, steps=77)
    found = simulated.escape(problem, X, method="truncated", order=3, steps=77, directions=d)
    np.testing.assert_array_equal(found.coefficients, path.coefficients[-1])


def test_what_is_given_is_copied_and_what_is_kept_is_locked(case):
    problem, X, d, _ = case
    generators = np.array(d.generators)
    for kind in (SpanObjective, simulated.DiagonalSurrogate):
        objective = kind(problem, generators, 3)
        before = objective.value(TRIPLE)
        generators *= 2
        assert objective.value(TRIPLE) == before
        np.testing.assert_array_equal(objective.generators, generators / 2)
        with pytest.raises(ValueError, match="read-only"):
            objective.generators[0] = 0
        generators /= 2
    parts = {name: np.array(getattr(d, name)) for name in ("base", "eigenvectors", "v", "q")}
    own = simulated.EscapeDirections(**{**d.__dict__, **parts})
    for name, part in parts.items():
        part *= 3
        np.testing.assert_array_equal(getattr(own, name), getattr(d, name))
        with pytest.raises(ValueError, match="read-only"):
            getattr(own, name)[0] = 1.0
    with pytest.raises(ValueError, match="read-only"):
        SpanObjective(problem, generators, 3).gram[0, 0] = 1.0
    given = np.array(X)
    failed = simulated.escape(problem, given, method="single-step")
    given += 1
    np.testing.assert_array_equal(failed.point, X)
    steps = np.array([0.1, 0.2])
    span = SpanObjective(problem, generators, 3)
    phases = simulated.classify_exact(span, TRIPLE, step_sizes=steps, iterations=[1])
    steps[:] = 5
    np.testing.assert_array_equal(phases.step_sizes, [0.1, 0.2])
