"""The truncated closed form, the published collapse, and the surrogate."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated import (
    AcceptanceRule,
    DiagonalSurrogate,
    SpanObjective,
    escape_directions,
    published_collapse,
    truncated_coefficients,
    truncation_error,
)
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


def test_truncation_error_is_that_of_explicit_tensors():
    _, problem, _, directions = published_point("two-by-two")
    span = SpanObjective(problem, directions.generators, 3)
    state = np.array([1.0, 0.3, -0.1])
    A = problem.operator.matrices()
    big = np.array([np.kron(np.kron(a, b), c) for a in A for b in A for c in A])
    basis = np.array([np.kron(np.kron(x, x), x) for x in directions.generators[:, :, 0]])
    w = state @ basis
    b = np.einsum("i,j,k->ijk", *[problem.measurements] * 3).ravel()
    gradient = 2 * np.tensordot(big @ w @ w - b, big @ w, axes=1)
    Q = np.linalg.qr(basis[:2].T)[0]  # visible and hidden are parallel here
    projected = Q @ (Q.T @ gradient)
    lam, sigma = directions.eigenvalue, directions.singular_value
    retained = 2 * state[1] * (lam**3 * basis[1] + sigma**3 / 4 * basis[2])
    expected = np.linalg.norm(projected - retained) / np.linalg.norm(projected)
    assert truncation_error(span, directions, state) == pytest.approx(expected, rel=1e-10)


def test_truncation_error_where_there_is_no_gradient():
    _, problem, _, directions = published_point("two-by-two")
    span = SpanObjective(problem, directions.generators, 3)
    assert truncation_error(span, directions, [0.0, 0.0, 0.0]) == 0
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
