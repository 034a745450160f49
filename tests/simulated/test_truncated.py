"""The truncated closed form, the published collapse, and the surrogate."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    AcceptanceRule,
    DiagonalSurrogate,
    NotStationaryWarning,
    SpanObjective,
    escape_directions,
    published_collapse,
    term_norms,
    truncated_coefficients,
    truncation_error,
)
from lift_compare.simulated.truncated.acceptance import dominant_term
from lift_compare.simulated.truncated.path import truncated_rates, truncated_state
from tests.simulated.points import published_point


@pytest.fixture(params=["two-by-two", "perturbed-completion", "real-system"])
def directions(request):
    return published_point(request.param)[3]


@pytest.mark.parametrize(("order", "eta"), [(1, 0.3), (3, 0.01), (5, 0.1), (11, 1e-4)])
def test_closed_form_solves_the_recursion(directions, order, eta):
    path = truncated_coefficients(directions, order, rho=0.2, eta=eta, steps=200)
    lam, drive = directions.eigenvalue**order, directions.singular_value**order / 2 ** (order - 1)
    beta, gamma = 0.2, 0.0
    for t in range(201):
        assert path.alpha[t] == 1
        assert path.beta[t] == pytest.approx(beta, rel=1e-11)
        assert path.gamma[t] == pytest.approx(gamma, rel=1e-11, abs=1e-300)
        beta, gamma = (1 - eta * lam) * beta, gamma - eta * drive * beta
    assert path.coefficients.shape == (201, 3)


@pytest.mark.parametrize("growth", [1e-2, 1e-8, 1e-12, 1e-15, 1e-18])
def test_tiny_growth_equals_multiple_precision(growth):
    mpmath.mp.dps = 50
    base = published_point("two-by-two")[3]
    directions = replace(base, eigenvalues=np.array([-1.0]), singular_value=1.3)
    steps = min(100_000, int(100 / growth))  # up to ν^t = e^100
    path = truncated_coefficients(directions, 3, rho=0.1, eta=growth, steps=steps)
    assert path.growth == growth
    nu = 1 + mpmath.mpf(growth)
    for t in (0, 1, 17, steps):
        assert path.beta[t] == pytest.approx(float(mpmath.mpf(0.1) * nu**t), rel=1e-12)
        # ν^t − 1 cancels completely in float64 for ν − 1 = 1e-18.
        drive = mpmath.mpf(growth) * mpmath.mpf(1.3) ** 3 / 4
        expected = -mpmath.mpf(0.1) * drive * (nu**t - 1) / (nu - 1)
        assert path.gamma[t] == pytest.approx(float(expected), rel=1e-12)


def test_a_positive_or_zero_eigenvalue_is_followed_too():
    base = published_point("two-by-two")[3]
    for eigenvalue in (0.0, 0.5, 3.0):  # 3.0: ν = 1 − 27/10 is negative
        directions = replace(base, eigenvalues=np.array([eigenvalue]))
        path = truncated_coefficients(directions, 3, rho=1.0, eta=0.1, steps=30)
        nu = 1 - 0.1 * eigenvalue**3
        assert path.beta == pytest.approx(nu ** np.arange(31), rel=1e-12)
        assert path.gamma[2] == pytest.approx(
            -0.1 * directions.singular_value**3 / 4 * (1 + nu), rel=1e-12
        )


def test_a_path_beyond_float64_is_refused():
    directions = published_point("two-by-two")[3]
    with pytest.raises(OverflowError, match="step"):
        truncated_coefficients(directions, 3, rho=0.1, eta=0.01, steps=10**6)
    with pytest.raises(OverflowError, match="order 1001"):
        truncated_coefficients(
            replace(directions, eigenvalues=np.array([-7.0])), 1001, rho=0.1, eta=0.01, steps=1
        )


@pytest.mark.parametrize("eta", [0.5, 1.0, 1.5])  # ν = ½, 0, −½
def test_a_factor_that_decays_vanishes_or_alternates(eta):
    directions = replace(published_point("two-by-two")[3], eigenvalues=np.array([1.0]))
    drive = eta * directions.singular_value**3 / 4
    with np.errstate(all="raise"):
        path = truncated_coefficients(directions, 3, rho=0.2, eta=eta, steps=20)
        far = truncated_state(directions, 3, rho=0.2, eta=eta, steps=2000)
    powers = (1 - eta) ** np.arange(21)
    assert path.beta == pytest.approx(0.2 * powers, rel=1e-12)
    sums = np.concatenate([[0.0], np.cumsum(powers)[:-1]])
    assert path.gamma == pytest.approx(-0.2 * drive * sums, rel=1e-12)
    # ν^2000 is below float64, and the sum of the powers is 1/(1 − ν) = 1/η.
    assert far == pytest.approx([1.0, 0.0, -0.2 * drive / eta], rel=1e-12)


def test_the_last_step_within_float64_is_named():
    directions = published_point("two-by-two")[3]
    largest = mpmath.log(mpmath.mpf(float(np.finfo(np.float64).max)))
    last = int(mpmath.floor(largest / mpmath.log1p(mpmath.mpf(2.1 * 0.75**3))))
    given = {"rho": 0.1, "eta": 2.1}  # ν below 2
    assert np.isfinite(truncated_state(directions, 3, steps=last, **given)).all()
    with pytest.raises(OverflowError, match=rf"at step {last} of {last + 1}$"):
        truncated_state(directions, 3, steps=last + 1, **given)
    with pytest.raises(OverflowError, match="within 10000 steps"):
        truncated_state(directions, 3, steps=10**4, rho=1e300, eta=0.01)  # ρ ν^T, not ν^T


def test_a_state_without_its_path():
    base = published_point("two-by-two")[3]
    assert truncated_state(base, 3, rho=0.3, eta=0.01, steps=0).tolist() == [1.0, 0.3, 0.0]
    still = replace(base, eigenvalues=np.array([0.0]))
    state = truncated_state(still, 3, rho=1.0, eta=1e-3, steps=2**53)
    assert state == pytest.approx([1.0, 1.0, -(2.0**53) * 1e-3 * base.singular_value**3 / 4])
    for steps in (-1, 2**53 + 1):
        with pytest.raises(ValueError, match=r"^steps"):
            truncated_state(still, 3, rho=1.0, eta=1e-3, steps=steps)


def test_a_path_of_no_steps_is_its_start():
    directions = published_point("two-by-two")[3]
    path = truncated_coefficients(directions, 3, rho=0.3, eta=0.01, steps=0)
    assert path.coefficients.tolist() == [[1.0, 0.3, 0.0]]


@pytest.mark.parametrize(
    ("eigenvalue", "order", "eta"),
    [
        (-7.0, 401, 1e-100),  # λ^l is 1e338, and η λ^l fits
        (-1e-3, 201, 1e300),  # 1e-603, and so does this
        (-1e-3, 201, 1.0),
        (-0.5, 1001, 1e-100),  # λ^l is 1e-301, and η λ^l is below float64
        (0.9, 11, 0.1),
        (0.0, 1001, 1e300),
    ],
)
def test_rates_fit_or_are_zero_where_their_powers_leave_float64(eigenvalue, order, eta):
    directions = replace(
        published_point("two-by-two")[3], eigenvalues=np.array([eigenvalue]), singular_value=1.3
    )
    with np.errstate(all="raise"):
        found = truncated_rates(directions, order, eta)
    with mpmath.workdps(30):
        growth = -eta * mpmath.mpf(eigenvalue) ** order
        drive = eta * mpmath.mpf(1.3) ** order / 2 ** (order - 1)
        # Through logarithms, of some thousands.
        assert found == pytest.approx((float(growth), float(drive)), rel=1e-12, abs=1e-307)


@pytest.mark.parametrize(("eigenvalue", "order", "eta"), [(-2.0, 1001, 1e100), (-7.0, 401, 1.0)])
def test_rates_beyond_float64_are_refused(eigenvalue, order, eta):
    directions = replace(published_point("two-by-two")[3], eigenvalues=np.array([eigenvalue]))
    message = rf"leaves float64 at order {order}$"
    with np.errstate(all="raise"), pytest.raises(OverflowError, match=message):
        truncated_rates(directions, order, eta)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"rho": 0.0}, ValueError, "rho"),
        ({"eta": -0.1}, ValueError, "eta"),
        ({"steps": -1}, ValueError, "steps"),
        ({"steps": 2.5}, TypeError, "steps"),
        ({"order": 4}, ValueError, "order"),
    ],
)
def test_bad_settings_are_refused(kwargs, error, message):
    given = {"order": 3, "rho": 0.1, "eta": 0.01, "steps": 5} | kwargs
    with pytest.raises(error, match=message):
        truncated_coefficients(published_point("two-by-two")[3], given.pop("order"), **given)


def two_by_two_and_a_point_in_general_position():
    """Visible and hidden are parallel in the first; in the second no two directions are."""
    _, problem, _, directions = published_point("two-by-two")
    yield problem, directions
    problem = sensing.gaussian(3, 1, 4, seed=3)
    with pytest.warns(NotStationaryWarning):
        directions = escape_directions(problem, [[0.6], [-0.4], [0.9]])
    yield problem, directions


def test_truncation_error_is_that_of_explicit_tensors():
    ranks = []
    for problem, directions in two_by_two_and_a_point_in_general_position():
        span = SpanObjective(problem, directions.generators, 3)
        state = np.array([1.0, 0.3, -0.1])
        A = problem.operator.matrices()
        big = np.array([np.kron(np.kron(a, b), c) for a in A for b in A for c in A])
        basis = np.array([np.kron(np.kron(x, x), x) for x in directions.generators[:, :, 0]])
        w = state @ basis
        b = np.einsum("i,j,k->ijk", *[problem.measurements] * 3).ravel()
        gradient = 2 * np.tensordot(big @ w @ w - b, big @ w, axes=1)
        left, sizes, _ = np.linalg.svd(basis.T, full_matrices=False)
        Q = left[:, sizes > 1e-9 * sizes[0]]
        ranks.append(Q.shape[1])
        projected = Q @ (Q.T @ gradient)
        lam, sigma = directions.eigenvalue, directions.singular_value
        retained = 2 * state[1] * (lam**3 * basis[1] + sigma**3 / 4 * basis[2])
        expected = np.linalg.norm(projected - retained) / np.linalg.norm(projected)
        assert truncation_error(span, directions, state) == pytest.approx(expected, rel=1e-9)
    assert ranks == [2, 3]


def test_truncation_error_where_there_is_no_gradient():
    _, problem, _, directions = published_point("two-by-two")
    span = SpanObjective(problem, directions.generators, 3)
    assert truncation_error(span, directions, [0.0, 0.0, 0.0]) == 0
    # An operator that sees nothing has no gradient, and the terms of another problem are retained.
    blind = sensing.SensingProblem(sensing.DenseOperator(np.zeros((1, 2, 2))), [1.0], 1)
    nothing = SpanObjective(blind, directions.generators, 3)
    assert truncation_error(nothing, directions, [1.0, 0.0, 0.0]) == 0
    assert truncation_error(nothing, directions, [1.0, 0.1, 0.0]) == np.inf
    steep = replace(directions, eigenvalues=np.array([-1e5]))  # λ^101 is beyond float64
    with np.errstate(all="raise"):
        far = SpanObjective(problem, directions.generators, 101)
        assert truncation_error(far, steep, [1.0, 0.1, 0.0]) == np.inf
    with pytest.raises(ValueError, match="span_objective"):
        truncation_error(
            SpanObjective(problem, directions.generators[:2], 3), directions, [1.0, 0, 0]
        )


# The published collapse --------------------------------------------------------------------------


def test_the_forced_point_is_the_root_of_the_dominant_term():
    _, problem, _, directions = published_point("real-system")
    for state, kind in (([1.0, 5.0, -0.1], "beta"), ([1.0, 0.01, -500.0], "gamma")):
        collapsed = published_collapse(problem, directions, 5, state)
        pick = {"beta": 1, "gamma": 2}[kind]
        assert collapsed.kind == kind
        power = np.sign(state[pick]) * abs(state[pick]) ** 0.2 * directions.generators[pick]
        assert collapsed.point == pytest.approx(power)
        assert kind in repr(collapsed)


@pytest.mark.parametrize("surrogate", [False, True])
def test_the_rules_are_what_they_say(surrogate):
    _, problem, _, directions = published_point("two-by-two")
    rng = np.random.default_rng(0)
    objective = (DiagonalSurrogate if surrogate else SpanObjective)(
        problem, directions.generators, 3
    )
    sizes = np.linalg.norm(directions.generators, axis=(1, 2)) ** 3
    seen = set()
    for _ in range(200):
        state = np.array([1.0, rng.exponential(3), -rng.exponential(3)])
        norms = np.abs(state) * sizes
        pick = 1 if norms[1] >= norms[2] else 2
        others = max(norms[0], norms[3 - pick])
        term = np.where(np.arange(3) == pick, state, 0)
        start = objective.value([1.0, 0, 0])
        for rule, expected in (
            ("code", norms[pick] > others and objective.value(state) < start),
            ("text", norms[pick] >= 2 * others and objective.value(term) < start),
        ):
            got = published_collapse(
                problem, directions, 3, state, rule=rule, dominance=2.0, surrogate=surrogate
            )
            assert got.accepted == expected
            assert got.rule is AcceptanceRule(rule)
            seen.add((rule, expected))
    assert len(seen) == 4


def test_norms_far_from_each_other():
    _, _, _, directions = published_point("two-by-two")
    with np.errstate(all="raise"):
        above = dominant_term(directions, 3, [1e-200, 1e200, 0.0])
        below = dominant_term(directions, 3, [1e200, 1e-200, 0.0])
    assert (above.kind, above.dominance) == ("beta", np.inf)
    assert (below.kind, below.dominance) == ("beta", 0.0)
    # The norm of the base is 1e-351, and zero beside the other.
    norms = term_norms(directions, 1001, [1e-200, 1.0, 0.0])
    assert norms == pytest.approx([0.0, 1.0, 0.0], rel=1e-12)


def test_nothing_dominates_where_there_is_no_term():
    _, problem, _, directions = published_point("two-by-two")
    for state in ([1.0, 0.0, 0.0], [0.0, 0.0, 0.0]):
        term = dominant_term(directions, 3, state)
        assert (term.kind, term.dominance) == ("beta", 0.0)
        assert not term.point.any()
    # The stationary point itself is not below itself.
    assert not published_collapse(problem, directions, 3, [1.0, 0.0, 0.0]).decreased


def test_equal_norms():
    _, problem, _, directions = published_point("two-by-two")
    twice = replace(directions, base=directions.visible)
    state = [1.0, 1.0, 0.0]  # once the others is at least once, and not larger
    text = published_collapse(problem, twice, 3, state, rule="text", dominance=1.0)
    assert text.dominant
    assert not published_collapse(problem, twice, 3, state, rule="code").dominant


def test_ten_times_the_others_and_the_exact_objective_are_the_default():
    _, problem, _, directions = published_point("two-by-two")
    base = term_norms(directions, 3, [1.0, 0.0, 0.0])[0]
    for times, dominant in ((9.9, False), (10.1, True)):
        got = published_collapse(problem, directions, 3, [1.0, times * base, 0.0], rule="text")
        assert got.dominant == dominant
        exact = SpanObjective(problem, directions.generators, 3).value([1.0, 0.0, 0.0])
        surrogate = DiagonalSurrogate(problem, directions.generators, 3).value([1.0, 0.0, 0.0])
        assert got.objective_stationary == pytest.approx(exact, rel=1e-12)
        assert got.objective_stationary != pytest.approx(surrogate, rel=1e-3)


def test_bad_rules_are_refused():
    _, problem, _, directions = published_point("two-by-two")
    with pytest.raises(ValueError, match=r"^rule: expected"):
        published_collapse(problem, directions, 3, [1.0, 1, 1], rule="none")
    with pytest.raises(ValueError, match="dominance"):
        published_collapse(problem, directions, 3, [1.0, 1, 1], rule="text", dominance=0)
    with pytest.raises(ValueError, match="coefficients"):
        published_collapse(problem, directions, 3, [1.0, 1])


# The surrogate -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("r", "order"), [(1, 1), (1, 3), (2, 3), (3, 5)])
def test_the_surrogate_is_its_definition(r, order):
    problem = sensing.gaussian(4, r, 6, seed=r)
    rng = np.random.default_rng(1)
    X, c = rng.standard_normal((3, 4, r)), rng.standard_normal(3)
    A = problem.operator.matrices()
    total = 0.0
    for a, b in zip(A, problem.measurements, strict=True):
        entry = sum(
            c[j] * c[k] * np.sum(a * (X[j] @ X[k].T)) ** order for j in range(3) for k in range(3)
        )
        total += (entry - b**order) ** 2
    surrogate = DiagonalSurrogate(problem, X, order)
    assert surrogate.value(c) == pytest.approx(total, rel=1e-11)
    assert surrogate.value(np.stack([c, 2 * c])) == pytest.approx(
        [total, surrogate.value(2 * c)], rel=1e-12
    )


def test_the_surrogate_where_its_powers_leave_float64():
    """Zero and negative measurements of a size, so that every term of an entry is seen."""
    order = 301  # 2^301 has a square within float64, and is large enough for logarithms
    A = np.array(
        [[[2.0, -2.0], [-2.0, 0.0]], [[0.0, 2.0], [2.0, -2.003]], [[1.999, 0.0], [0.0, 2.004]]]
    )
    b = [2.002, -2.001, 1.998]
    problem = sensing.SensingProblem(sensing.DenseOperator(A), b, 1)
    surrogate = DiagonalSurrogate(problem, np.eye(2)[:, :, None], order)  # A(X_j X_kᵀ) = A[j, k]
    states = np.array([[1.1, -0.7], [0.4, 0.9], [0.0, 0.5], [0.3, 0.2]])

    def power(x):
        return mpmath.mpf(float(x)) ** order

    with mpmath.workdps(50):
        expected = []
        for c in states:
            weights = [[mpmath.mpf(x) * mpmath.mpf(y) for y in c] for x in c]
            entries = [
                sum(weights[j][k] * power(a[j, k]) for j in (0, 1) for k in (0, 1)) - power(y)
                for a, y in zip(A, b, strict=True)
            ]
            expected.append(float(sum(entry**2 for entry in entries)))
    # l log y is rounded by some hundred ε, and no entry cancels by more than a factor of ten.
    with np.errstate(all="raise"):
        assert surrogate.value(states) == pytest.approx(expected, rel=1e-11)
        one = surrogate.value(states[0])
    assert type(one) is float
    assert one == pytest.approx(expected[0], rel=1e-11)


def test_an_entry_that_fits_adds_nothing_to_the_surrogate():
    A = np.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]])
    X = [[[2.0], [0.0]]]
    for order in (3, 201, 1001):  # 4^201 is within float64, 4^1001 is not
        fits = sensing.SensingProblem(sensing.DenseOperator(A[:1]), [4.0], 1)
        assert DiagonalSurrogate(fits, X, order).value([1.0]) == 0
        if order < 1001:
            half = sensing.SensingProblem(sensing.DenseOperator(A), [4.0, 0.5], 1)
            left = DiagonalSurrogate(half, X, order).value([1.0])
            assert left == pytest.approx(0.25**order, rel=1e-12, abs=0)


def test_whole_numbers_are_coefficients_too():
    problem, rng = sensing.gaussian(3, 1, 5, seed=0), np.random.default_rng(2)
    surrogate = DiagonalSurrogate(problem, rng.standard_normal((3, 3, 1)), 3)
    c, d = [10**10, -3 * 10**9, 7], [5 * 10**9, 10**10, 1]  # their products are beyond int64
    c_float, d_float = np.array(c, dtype=float), np.array(d, dtype=float)
    value = surrogate.value(c)
    assert type(value) is float
    assert value == pytest.approx(surrogate.value(c_float), rel=1e-12)
    expected = surrogate.along(c_float, d_float)
    assert surrogate.along(c, d_float) == pytest.approx(expected, rel=1e-12)
    assert surrogate.along(c_float, d) == pytest.approx(expected, rel=1e-12)


class Plain(sensing.DenseOperator):
    """An operator of one's own, that computes as it comes."""

    def measure(self, left, right):
        return np.sum(self.matrices() * (left * right[:, 0]), axis=(1, 2))


def test_an_operator_of_ones_own_beyond_float64():
    given = sensing.gaussian(3, 1, 5, seed=0)
    own = Plain(given.operator.matrices())
    problem = sensing.SensingProblem(own, given.measurements, 1)
    X = np.array([[[1.0], [-0.5], [2.0]]])
    with np.errstate(all="raise"):
        expected = DiagonalSurrogate(given, X, 3).value([1.1])
        assert DiagonalSurrogate(problem, X, 3).value([1.1]) == pytest.approx(expected, rel=1e-12)
        with pytest.raises(OverflowError, match=r"^the measurements"):
            DiagonalSurrogate(problem, 1e200 * X, 3)
        nothing = DiagonalSurrogate(problem, 1e-200 * X, 3).value([1.1])
    assert nothing == pytest.approx(np.sum(given.measurements**6), rel=1e-12)


def test_at_order_one_the_surrogate_is_twice_the_objective():
    problem, rng = sensing.gaussian(3, 2, 5, seed=0), np.random.default_rng(2)
    X, c = rng.standard_normal((3, 3, 2)), rng.standard_normal(3)
    both = DiagonalSurrogate(problem, X, 1), SpanObjective(problem, X, 1)
    assert both[0].value(c) == pytest.approx(2 * both[1].value(c), rel=1e-11)


def test_the_quartic_along_a_line():
    problem, rng = sensing.gaussian(3, 1, 5, seed=0), np.random.default_rng(2)
    X, c, d = rng.standard_normal((3, 3, 1)), rng.standard_normal(3), rng.standard_normal(3)
    t = np.linspace(-2, 2, 9)
    for objective in (DiagonalSurrogate(problem, X, 3), SpanObjective(problem, X, 3)):
        quartic = objective.along(c, d)
        values = objective.value(c + t[:, None] * d)
        assert np.polynomial.polynomial.polyval(t, quartic) == pytest.approx(values, rel=1e-10)


def test_a_surrogate_beyond_float64_is_refused():
    problem = sensing.gaussian(3, 1, 5, seed=0)
    with pytest.raises(OverflowError, match="surrogate"):
        DiagonalSurrogate(problem, 1e3 * np.ones((2, 3, 1)), 101).value([1.0, 1.0])
    small = DiagonalSurrogate(problem, np.eye(3)[:2, :, None], 3)
    for c in ([1e100, 0.0], [1e200, -1e200]):  # beyond it squared, and before
        with np.errstate(all="raise"), pytest.raises(OverflowError, match="surrogate"):
            small.value(c)
    with pytest.raises(ValueError, match="c: expected"):
        DiagonalSurrogate(problem, np.ones((2, 3, 1)), 3).value([1.0])
    assert "order 3" in repr(DiagonalSurrogate(problem, np.ones((2, 3, 1)), 3))


def test_directions_of_another_rank():
    problem = sensing.gaussian(4, 2, 9, seed=5)
    X = sensing.gradient_descent(
        problem,
        np.random.default_rng(1).standard_normal((4, 2)),
        step_size=sensing.Backtracking(),
        max_iterations=3000,
    ).point
    directions = escape_directions(problem, X)
    state = truncated_coefficients(directions, 3, rho=0.1, eta=0.1, steps=10).coefficients[-1]
    assert published_collapse(problem, directions, 3, state).point.shape == (4, 2)
