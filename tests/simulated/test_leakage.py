"""The lifted gradient as a sum of powers, and its leakage: against tensors and mpmath."""

import mpmath
import numpy as np
import pytest
from scipy import sparse

from lift_compare import sensing, simulated
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.tolerances import GRAM_RANK
from lift_compare.simulated import SpanObjective, leakage
from tests.catalogue import small_problems
from tests.simulated import explicit

SMALL = {name: p for name, p in small_problems().items() if p.shape[0] * p.rank <= 6 and p.m <= 9}


def from_tensors(problem, X, c, order):
    """‖∇h^l‖, the captured share and the leakage, from explicit tensors."""
    _, gradient = explicit.residual_and_gradient(problem, explicit.state(X, c, order))
    powers = np.stack([explicit.power(x.ravel(), order).ravel() for x in X])
    basis = np.linalg.qr(powers.T)[0]
    gradient = gradient.ravel()
    inside = basis @ (basis.T @ gradient)
    norm = np.linalg.norm(gradient)
    return norm, np.linalg.norm(inside) / norm, np.linalg.norm(gradient - inside) ** 2 / norm**2


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("order", [1, 3])
def test_it_equals_explicit_tensors(name, order):
    problem = SMALL[name]
    rng = np.random.default_rng(order)
    k = 2 if np.prod(problem.shape) > 1 else 1
    X, c = rng.standard_normal((k, *problem.shape)), rng.standard_normal(k)
    norm, captured, left = from_tensors(problem, X, c, order)
    found = leakage(problem, X, c, order)
    assert found.gradient_norm == pytest.approx(norm, rel=1e-10)
    assert found.captured == pytest.approx(captured, abs=1e-10)
    assert found.leakage == pytest.approx(left, abs=1e-10)
    assert found.rounding < 1e-10


@pytest.mark.parametrize("name", ["two-by-two", "perturbed-completion", "real-system"])
def test_along_the_exact_path_of_a_published_instance(name):
    instance = sensing.instance(name)
    problem, X = instance.problem, sensing.polish(instance.problem, instance.point)
    d = simulated.escape_directions(problem, X)
    kept = d.generators[:2]  # in the two-by-two example the third is parallel to the second
    path = simulated.descend(
        SpanObjective(problem, kept, 3), [1.0, 0.1], step_size=0.01, iterations=40
    ).coefficients
    found = leakage(problem, kept, path, 3)
    assert found.captured.shape == (41,)
    for t in (0, 20, 40):
        norm, captured, left = from_tensors(problem, kept, path[t], 3)
        assert found.gradient_norm[t] == pytest.approx(norm, rel=1e-10)
        assert found.captured[t] == pytest.approx(captured, abs=1e-10)
        assert found.leakage[t] == pytest.approx(left, abs=1e-10)
        single = leakage(problem, kept, path[t], 3)
        assert single.captured == pytest.approx(found.captured[t], rel=1e-12)
        assert single.log_gradient_norm == pytest.approx(found.log_gradient_norm[t], abs=1e-12)


def test_the_captured_part_is_the_projected_gradient():
    problem = sensing.gaussian(12, 2, 30, 0)
    rng = np.random.default_rng(0)
    X, c = rng.standard_normal((4, 12, 2)) / 5, rng.standard_normal(4)
    for order in (1, 5, 21):
        span, found = SpanObjective(problem, X, order), leakage(problem, X, c, order)
        p = span.projected_gradient(c)
        projected = np.sqrt(p @ span.gram @ p)
        assert found.captured * found.gradient_norm == pytest.approx(projected, rel=1e-9)


def test_parallel_generators_span_what_one_of_them_does():
    problem = sensing.gaussian(4, 1, 6, 0)
    X = np.random.default_rng(1).standard_normal((2, 4, 1))
    alone = leakage(problem, X, [1.0, 0.5], 5)
    doubled = leakage(problem, [*X, 2 * X[1]], [1.0, 0.5, 0.0], 5)
    assert doubled.captured == pytest.approx(alone.captured, rel=1e-12)


def test_three_generators_of_one_plane_span_three_powers():
    problem = sensing.two_by_two()
    angles = np.array([0.2, 1.1, 2.5])
    X = np.stack([np.cos(angles), np.sin(angles)], axis=1)[..., None]
    norm, captured, left = from_tensors(problem, X, [0.4, -1.0, 0.7], 3)
    found = leakage(problem, X, [0.4, -1.0, 0.7], 3)
    assert found.gradient_norm == pytest.approx(norm, rel=1e-10)
    assert found.captured == pytest.approx(captured, abs=1e-10)
    assert found.leakage == pytest.approx(left, abs=1e-10)


@pytest.mark.parametrize(("ratio", "spanned"), [(0.6 * GRAM_RANK, 1), (1.7 * GRAM_RANK, 2)])
def test_generators_count_as_parallel_up_to_the_stated_angle(ratio, spanned):
    """The Gram matrix of two unit powers has the eigenvalues 1 ± cos^l θ: about lθ²/2, and 2."""
    problem, order = sensing.gaussian(3, 1, 4, 2), 3
    angle = 2 * np.sqrt(ratio / order)
    X = np.zeros((2, 3, 1))
    X[:, 0, 0], X[1, 1, 0] = [1.0, np.cos(angle)], np.sin(angle)
    c = np.array([1.0, 0.0])
    shares = [from_tensors(problem, X[:k], c[:k], order)[1] for k in (1, 2)]
    assert shares[1] - shares[0] > 1e-2
    # One direction for two is turned by θ/2, 1e-6.
    assert leakage(problem, X, c, order).captured == pytest.approx(shares[spanned - 1], abs=1e-5)


def test_a_zero_generator_adds_nothing():
    problem = sensing.gaussian(4, 1, 6, 0)
    X = np.random.default_rng(1).standard_normal((1, 4, 1))
    alone = leakage(problem, X, [[1.0], [-0.3]], 5)
    found = leakage(problem, [*X, 0 * X[0]], [[1.0, 0.5], [-0.3, 0.0]], 5)
    for name in ("captured", "leakage", "log_gradient_norm"):
        np.testing.assert_allclose(getattr(found, name), getattr(alone, name), rtol=1e-12)
    assert np.all(found.rounding < 1e-12)
    nothing = leakage(problem, 0 * X, [1.0], 5)
    assert np.isnan(nothing.captured)
    assert nothing.gradient_norm == 0.0
    assert nothing.rounding == np.inf


def test_a_number_for_one_state_and_an_array_for_many():
    problem = sensing.gaussian(3, 1, 4, 0)
    rng = np.random.default_rng(5)
    X, c = rng.standard_normal((2, 3, 1)), rng.standard_normal((2, 3, 2))
    found = leakage(problem, X, c, 3)
    for name in ("captured", "leakage", "log_gradient_norm", "rounding"):
        assert getattr(found, name).shape == (2, 3)
        for i in np.ndindex(2, 3):
            single = getattr(leakage(problem, X, c[i], 3), name)
            assert type(single) is float
            assert getattr(found, name)[i] == pytest.approx(single, rel=1e-10)


def test_rounding_is_the_stated_bound():
    """ε Σ ‖T_i‖ (l √(m + nr) (‖V‖/‖V_i‖ + 4) + N + k + 4 |log ‖T_i‖|), over ‖∇h^l‖."""
    problem, order, k = sensing.gaussian(3, 2, 5, 1), 3, 2
    rng = np.random.default_rng(6)
    X = np.array([1.0, 3.0])[:, None, None] * rng.standard_normal((k, 3, 2))
    # Cubic terms, all of them positive, and the terms of b are the largest ones in turn.
    path = np.array([[30.0, 50.0], [1e-4, -1e-3]])
    found = leakage(problem, X, path, order)
    norms = np.linalg.norm(X, axis=(1, 2))
    units = X / norms[:, None, None]
    adjoint = problem.operator.adjoint_matmul
    for t, c in enumerate(path):
        weights = c * norms**order
        kinds = [
            [
                (2 * weights[p], np.linalg.norm(adjoint(problem.measurements, units[p])))
                for p in range(k)
            ],
            [
                (
                    (2 if i == j else 4) * weights[i] * weights[j] * weights[p],
                    np.linalg.norm(adjoint(problem.operator.measure(units[i], units[j]), units[p])),
                )
                for i in range(k)
                for j in range(i, k)
                for p in range(k)
            ],
        ]
        count = len(kinds[0]) + len(kinds[1]) + k
        bound = 0.0
        for kind in kinds:
            largest = max(v for _, v in kind)
            for weight, v in kind:
                term = abs(weight) * v**order
                matrix = order * np.sqrt(problem.m + X[0].size) * (largest / v + 4)
                bound += term * (matrix + count + 4 * abs(np.log(term)))
        expected = np.finfo(float).eps * bound / from_tensors(problem, X, c, order)[0]
        assert found.rounding[t] == pytest.approx(expected, rel=1e-9, abs=0)


def by_multiple_precision(problem, X, c, order, digits):
    """Captured share, leakage and log ‖∇h^l‖ from the Gram matrix of the terms, by a solve."""
    with mpmath.workdps(digits):
        number = np.vectorize(lambda x: mpmath.mpf(float(x)), otypes=[object])
        A, x, c = number(problem.operator.matrices()), number(X), number(c)
        b, k = number(problem.measurements), len(X)

        def adjoint(y, V):
            return np.tensordot(y, A, axes=(0, 0)) @ V

        terms, d = [], []
        for p in range(k):
            terms.append(adjoint(b, x[p]))
            d.append(-2 * c[p])
            for i in range(k):
                for j in range(k):
                    y = np.array([np.sum((Ai @ x[i]) * x[j]) for Ai in A], dtype=object)
                    terms.append(adjoint(y, x[p]))
                    d.append(2 * c[i] * c[j] * c[p])

        def inner(s, t):
            return np.sum(s * t) ** order

        square = sum(
            d[s] * d[t] * inner(terms[s], terms[t]) for s in range(len(d)) for t in range(len(d))
        )
        gamma = [sum(d[s] * inner(terms[s], V) for s in range(len(d))) for V in x]
        gram = mpmath.matrix([[inner(V, W) for W in x] for V in x])
        solved = mpmath.lu_solve(gram, mpmath.matrix(gamma))
        inside = sum(g * s for g, s in zip(gamma, solved, strict=True))
        return (
            float(mpmath.sqrt(inside / square)),
            float(1 - inside / square),
            float(mpmath.log(square) / 2),
        )


@pytest.mark.parametrize("order", [5, 101, 1001])
def test_high_orders_against_multiple_precision(order):
    # Small angles between everything, so that neither share vanishes at high order.
    rng = np.random.default_rng(2)
    A = np.eye(3) + 0.02 * rng.standard_normal((2, 3, 3))
    problem = SensingProblem.from_ground_truth(
        sensing.DenseOperator(A + A.transpose(0, 2, 1)), np.ones((3, 1))
    )
    X = np.ones((2, 3, 1)) + 0.02 * rng.standard_normal((2, 3, 1))
    captured, left, log_norm = by_multiple_precision(problem, X, [1.0, -0.3], order, 80)
    found = leakage(problem, X, [1.0, -0.3], order)
    assert 1e-6 < left < 1 - 1e-6
    assert found.captured == pytest.approx(captured, abs=1e-10)
    assert found.leakage == pytest.approx(left, abs=1e-10)
    assert found.log_gradient_norm == pytest.approx(log_norm, abs=1e-13 * order)
    if order == 1001:
        with pytest.raises(OverflowError, match="log_gradient_norm"):
            _ = found.gradient_norm


@pytest.mark.parametrize("tilt", [1e-2, 1e-4, 1e-6])
def test_a_small_leakage_keeps_its_digits(tilt):
    """1 − captured² would be rounding: here about tilt², down to 1e-12 and its digits."""
    problem = sensing.gaussian(3, 1, 4, 5)
    rng = np.random.default_rng(3)
    base = rng.standard_normal((1, 3, 1))
    b, y = problem.measurements, problem.operator.measure(base[0], base[0])
    base = base * np.sqrt(np.linalg.norm(b) / np.linalg.norm(y))
    y = problem.operator.measure(base[0], base[0])  # as long as b
    # Generators that contain both terms of the gradient at c = e₁, the last one tilted.
    terms = [problem.operator.adjoint_matmul(v, base[0]) for v in (y, b)]
    terms[1] = terms[1] + tilt * np.linalg.norm(terms[1]) * rng.standard_normal((3, 1))
    X = np.concatenate([base, np.stack(terms)])
    c = np.array([1.0, 0.0, 0.0])
    _, left, _ = by_multiple_precision(problem, X, c, 3, 60)
    found = leakage(problem, X, c, 3)
    assert 1e-4 * tilt**2 < left < 1e4 * tilt**2
    # √leakage is wrong by up to `rounding`.
    assert abs(np.sqrt(found.leakage) - np.sqrt(left)) < found.rounding
    assert found.rounding < 1e-12
    assert found.leakage == pytest.approx(left, rel=2e-12 / tilt)


def test_a_stationary_state_has_no_gradient_and_says_so():
    problem, X = sensing.two_by_two(), np.array([[[0.0], [0.5**0.5]]])
    found = leakage(problem, X, [1.0], 3)
    assert np.isnan(found.captured)
    assert np.isnan(found.leakage)
    assert found.log_gradient_norm == -np.inf
    assert found.gradient_norm == 0.0
    assert found.rounding == np.inf
    assert "zero to rounding" in repr(found)
    path = leakage(problem, X, [[1.0], [0.9], [0.0]], 3)
    assert np.isnan(path.captured).tolist() == [True, False, True]
    assert "3 states" in repr(path)


@pytest.mark.parametrize("exponent", [-500, -340, 340, 500])
def test_units_do_not_matter(exponent):
    problem = sensing.gaussian(3, 2, 5, 1)
    rng = np.random.default_rng(4)
    X, c = rng.standard_normal((2, 3, 2)), rng.standard_normal(2)
    expected = leakage(problem, X, c, 5)
    operator = sensing.DenseOperator(np.ldexp(problem.operator.matrices(), exponent))
    with np.errstate(all="raise"):
        other = SensingProblem(operator, problem.measurements, 2)
        found = leakage(other, np.ldexp(X, -exponent // 2), c, 5)
        assert found.leakage == pytest.approx(expected.leakage, rel=1e-12)
        b = np.ldexp(problem.measurements, exponent)
        other = SensingProblem(problem.operator, b, 2)
        found = leakage(other, np.ldexp(X, exponent // 2), c, 5)
        assert found.leakage == pytest.approx(expected.leakage, rel=1e-12)
        shift = 5 * 1.5 * exponent * np.log(2.0)
        assert found.log_gradient_norm == pytest.approx(
            expected.log_gradient_norm + shift, rel=1e-13
        )


@pytest.mark.parametrize("exponent", [-530, 512])
def test_matrices_next_to_the_ends_of_float64(exponent):
    """A_i = a_i a_iᵀ with a_i 2^e, X 2^−e: most digits of A*(y) X would underflow, or overflow."""
    rng = np.random.default_rng(7)
    vectors = rng.standard_normal((5, 3))
    base = SensingProblem.from_ground_truth(
        sensing.RankOneOperator(vectors), rng.standard_normal((3, 1))
    )
    X, c, order = rng.standard_normal((2, 3, 1)), [1.0, -0.5], 3
    expected = leakage(base, X, c, order)
    operator = sensing.RankOneOperator(np.ldexp(vectors, exponent))
    with np.errstate(all="raise"):
        problem = SensingProblem(operator, base.measurements, 1)
        found = leakage(problem, np.ldexp(X, -exponent), c, order)
    assert found.leakage == pytest.approx(expected.leakage, rel=1e-12)
    # A logarithm of about l e log 2 is wrong by ε of its parts, which are some times as large.
    shift = order * exponent * np.log(2.0)
    assert found.log_gradient_norm == pytest.approx(
        expected.log_gradient_norm + shift, abs=1e-14 * abs(shift)
    )
    # The span takes the same measurements.
    span = SpanObjective(problem, np.ldexp(X, -exponent), order)
    assert span.value(c) == pytest.approx(SpanObjective(base, X, order).value(c), rel=1e-11)


def test_nothing_of_size_n_squared_is_formed():
    n = 100_000
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(n, size=(2, 300_000))
    weights = sparse.coo_array((np.ones(len(rows)), (rows, cols)), shape=(n, n))
    Z = np.ones((n, 1))
    problem = SensingProblem.from_ground_truth(sensing.EntrywiseOperator(weights), Z)
    X = np.stack([Z, rng.standard_normal((n, 1))])
    found = leakage(problem, X, [0.5, 0.01], 11)
    assert 0 < found.leakage < 1
    assert found.captured**2 + found.leakage == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("generators", "coefficients", "order", "name"),
    [
        (np.ones((2, 3, 1)), [1.0, 1.0], 3, "generators"),
        (np.ones((2, 2, 1)), [1.0], 3, "coefficients"),
        (np.ones((2, 2, 1)), [1.0, np.inf], 3, "coefficients"),
        (np.ones((2, 2, 1)), [1.0, 1.0], 2, "order"),
    ],
)
def test_bad_arguments_are_refused_by_name(generators, coefficients, order, name):
    with pytest.raises(ValueError, match=f"^{name}: "):
        leakage(sensing.two_by_two(), generators, coefficients, order)
