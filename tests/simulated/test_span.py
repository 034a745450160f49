"""SpanObjective against explicit tensors, finite differences and multiple-precision arithmetic."""

from functools import reduce

import mpmath
import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.tolerances import NOISE
from lift_compare.simulated import SpanObjective, descend, escape_directions
from lift_compare.simulated.span.gram import GramData
from lift_compare.simulated.span.objective import SpanEvaluation
from lift_compare.simulated.span.rounding import error_quartic
from lift_compare.simulated.span.units import Units

mpmath.mp.dps = 50


class ExplicitLift:
    """The lifted objective with every A_{i1} ⊗ .. ⊗ A_{il} formed, for tiny sizes."""

    def __init__(self, problem, order):
        A = [np.kron(a, np.eye(problem.rank)) for a in problem.operator.matrices()]
        big, b = [np.eye(1)], [1.0]
        for _ in range(order):
            big = [np.kron(x, a) for x in big for a in A]
            b = [x * y for x in b for y in problem.measurements]
        self.A, self.b, self.order = np.array(big), np.array(b), order

    def power(self, X):
        return reduce(np.kron, [X.reshape(-1)] * self.order)

    def residual(self, w):
        return self.A @ w @ w - self.b

    def value(self, w):
        return 0.5 * np.sum(self.residual(w) ** 2)

    def gradient(self, w):
        return 2 * np.tensordot(self.residual(w), self.A @ w, axes=1)

    def gradient_rounding(self, w):
        """Return what rounding may leave of the terms that cancel in this gradient."""
        A, x = np.linalg.norm(self.A), np.linalg.norm(w)
        return 1e-15 * A * x * (np.linalg.norm(self.b) + A * x**2)


def random_problem(n, r, m, seed):
    problem = sensing.gaussian(n, r, m, seed)
    rng = np.random.default_rng(seed + 100)
    return problem, rng.standard_normal((3, n, r)) / np.sqrt(n), rng.standard_normal(3)


CASES = [
    (2, 1, 3, 1),
    (2, 1, 3, 3),
    (2, 1, 3, 5),
    (3, 1, 4, 3),
    (3, 1, 2, 5),
    (2, 2, 4, 3),
    (3, 2, 4, 1),
    (3, 2, 2, 3),
]


@pytest.fixture(params=CASES, ids=lambda case: "n{}r{}m{}l{}".format(*case))
def case(request):
    n, r, m, order = request.param
    problem, X, c = random_problem(n, r, m, seed=n + 10 * r)
    explicit = ExplicitLift(problem, order)
    basis = np.array([explicit.power(x) for x in X])
    return SpanObjective(problem, X, order), explicit, basis, c


def test_value_gradient_and_gram_equal_the_explicit_tensors(case):
    span, explicit, basis, c = case
    w = c @ basis
    assert span.value(c) == pytest.approx(explicit.value(w), rel=1e-11)
    assert np.exp(span.log_value(c)) == pytest.approx(explicit.value(w), rel=1e-11)
    rounding = 1e-12 * (explicit.value(0 * w) + explicit.value(w))
    assert span.gain(c) == pytest.approx(
        explicit.value(0 * w) - explicit.value(w), rel=1e-10, abs=rounding
    )
    sign, log = span.log_gain(c)
    assert sign * np.exp(log) == pytest.approx(span.gain(c), rel=1e-10)
    inner = basis @ explicit.gradient(w)
    rounding = explicit.gradient_rounding(w) * np.linalg.norm(basis, axis=1).max()
    assert span.gradient(c) == pytest.approx(inner, rel=1e-10, abs=rounding)
    assert span.gram == pytest.approx(basis @ basis.T, rel=1e-11, abs=1e-13)


def test_projected_gradient_equals_the_projection_of_the_explicit_gradient(case):
    span, explicit, basis, c = case
    gradient = explicit.gradient(c @ basis)
    coordinates = np.linalg.lstsq(basis.T, gradient, rcond=None)[0]
    projection = coordinates @ basis
    assert span.projected_gradient(c) @ basis == pytest.approx(
        projection, abs=100 * explicit.gradient_rounding(c @ basis)
    )


def test_hessian_is_the_derivative_of_the_gradient(case):
    span, _, _, c = case
    step = 1e-5
    columns = [
        (span.gradient(c + step * e) - span.gradient(c - step * e)) / (2 * step) for e in np.eye(3)
    ]
    hessian = span.hessian(c)
    assert hessian == pytest.approx(np.array(columns), abs=1e-8 * np.abs(hessian).max())


def test_descent_equals_the_explicit_projected_descent(case):
    span, explicit, basis, c = case
    U, sizes, _ = np.linalg.svd(basis.T, full_matrices=False)
    Q = U[
        :, sizes > 1e-12 * sizes[0]
    ]  # at order 1, three generators in two dimensions are dependent
    w = c @ basis
    step = 0.05 / np.linalg.norm(explicit.gradient(w)) * np.linalg.norm(w)
    path = descend(span, c, step_size=step, iterations=200)
    assert len(path.values) == 201
    for t in range(201):
        assert path.coefficients[t] @ basis == pytest.approx(w, abs=1e-10 * np.linalg.norm(w))
        assert path.values[t] == pytest.approx(
            explicit.value(w), rel=1e-9, abs=1e-12 * explicit.value(0 * w)
        )
        w = Q @ (Q.T @ (w - step * explicit.gradient(w)))
    assert path.values[-1] < path.values[0]


def test_a_batch_gives_the_same_numbers_one_by_one(case):
    span, _, _, _ = case
    batch = np.random.default_rng(5).standard_normal((4, 2, 3))
    for method in (
        span.value,
        span.log_value,
        span.gain,
        span.gradient,
        span.projected_gradient,
        span.hessian,
    ):
        whole = method(batch)
        for index in np.ndindex(4, 2):
            assert whole[index] == pytest.approx(method(batch[index]), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("order", [3, 5])
def test_dependent_generators_move_the_same_tensor(order):
    problem, X, c = random_problem(2, 1, 3, seed=4)
    # The third generator is parallel to the second, as hidden and visible are in the two-by-two
    # example.
    X[2] = -1.7 * X[1]
    span, explicit = SpanObjective(problem, X, order), ExplicitLift(problem, order)
    basis = np.array([explicit.power(x) for x in X])
    Q = np.linalg.qr(basis[:2].T)[0]
    w = c @ basis
    step = 0.05 * np.linalg.norm(w) / np.linalg.norm(explicit.gradient(w))
    path = descend(span, c, step_size=step, iterations=200)
    for _ in range(200):
        w = Q @ (Q.T @ (w - step * explicit.gradient(w)))
    assert path.coefficients[-1] @ basis == pytest.approx(w, abs=1e-10 * np.linalg.norm(w))


@pytest.mark.parametrize("angle", [1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-8, 1e-10])
def test_nearly_parallel_generators_follow_the_explicit_descent(angle):
    # Γ has an eigenvalue of about angle². It is kept above 1e-12 of the largest; below, the
    # projection drops it on either side, and the first step differs by what was dropped.
    problem, X, c = random_problem(2, 1, 3, seed=4)
    (x, y) = X[1, :, 0]
    X[2] = -1.7 * (np.cos(angle) * X[1] + np.sin(angle) * np.array([[-y], [x]]))
    order = 3
    span, explicit = SpanObjective(problem, X, order), ExplicitLift(problem, order)
    basis = np.array([explicit.power(x) for x in X])
    U, sizes, _ = np.linalg.svd(
        (basis / np.linalg.norm(basis, axis=1)[:, None]).T, full_matrices=False
    )
    Q = U[:, sizes > 1e-6 * sizes[0]]
    w = c @ basis
    step = 0.05 * np.linalg.norm(w) / np.linalg.norm(explicit.gradient(w))
    path = descend(span, c, step_size=step, iterations=200)
    for _ in range(200):
        w = Q @ (Q.T @ (w - step * explicit.gradient(w)))
    bound = 1e-11 if Q.shape[1] == 3 else 1e-12 + 1e-2 * angle
    assert path.coefficients[-1] @ basis == pytest.approx(w, abs=bound * np.linalg.norm(w))
    assert path.values[-1] == pytest.approx(explicit.value(w), rel=10 * bound)


def test_three_nearly_parallel_generators():
    # Γ has eigenvalues of about angle² and angle⁴; all three directions are kept, and the descent
    # stays true.
    problem, X, _ = random_problem(2, 1, 3, seed=4)
    angle, order = 3e-3, 3
    turn = [
        np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]]) for a in (0.0, angle, -angle)
    ]
    X = np.array([T @ X[0] for T in turn])
    span, explicit = SpanObjective(problem, X, order), ExplicitLift(problem, order)
    basis = np.array([explicit.power(x) for x in X])
    Q = np.linalg.qr(basis.T)[0]
    c = np.array([1.0, 0.5, -0.2])
    w = c @ basis
    step = 0.05 * np.linalg.norm(w) / np.linalg.norm(explicit.gradient(w))
    path = descend(span, c, step_size=step, iterations=200)
    for _ in range(200):
        w = Q @ (Q.T @ (w - step * explicit.gradient(w)))
    assert path.values[-1] == pytest.approx(explicit.value(w), rel=1e-9)
    assert path.coefficients[-1] @ basis == pytest.approx(w, abs=1e-9 * np.linalg.norm(w))


def test_a_zero_generator_contributes_nothing():
    problem, X, c = random_problem(3, 1, 5, seed=2)
    with_zero = SpanObjective(problem, np.concatenate([X, np.zeros((1, 3, 1))]), 3)
    without = SpanObjective(problem, X, 3)
    c4 = np.append(c, 0.7)
    assert with_zero.value(c4) == pytest.approx(without.value(c), rel=1e-13)
    assert with_zero.projected_gradient(c4) == pytest.approx(
        np.append(without.projected_gradient(c), 0.0), rel=1e-10
    )
    natural = with_zero.normalised()
    assert np.all(
        np.isfinite(natural.gradient(with_zero.units.coefficients_for(natural.units, c4)))
    )


# Numerical range ---------------------------------------------------------------------------------


class MultiplePrecision:
    """The same quartic with 50 digits, from the float64 inputs taken as exact."""

    def __init__(self, problem, X, order):
        A = problem.operator
        k = len(X)
        rows, cols = A._rows, A._cols
        values = [mpmath.mpf(float(v)) for v in A._values]
        x = [[mpmath.mpf(float(v)) for v in g[:, 0]] for g in X]
        y = {}
        for j in range(k):
            for q in range(j, k):
                y[j, q] = y[q, j] = [
                    w * (x[j][a] * x[q][b] + x[q][a] * x[j][b]) / 2
                    for w, a, b in zip(values, rows, cols, strict=True)
                ]
        b = [mpmath.mpf(float(v)) for v in problem.measurements]
        dot = {}
        for p in [(j, q) for j in range(k) for q in range(j, k)]:
            for s in [(j, q) for j in range(k) for q in range(j, k)]:
                dot[p, s] = mpmath.fdot(y[p], y[s])
        pair = lambda j, q: (min(j, q), max(j, q))  # noqa: E731
        self.K = {
            (j, q, p, t): dot[pair(j, q), pair(p, t)] ** order
            for j in range(k) for q in range(k) for p in range(k) for t in range(k)
        }  # fmt: skip
        self.B = {(j, q): mpmath.fdot(y[j, q], b) ** order for j in range(k) for q in range(k)}
        self.bb = mpmath.fdot(b, b) ** order
        self.k = k

    def gain(self, c):
        r = range(self.k)
        c = [mpmath.mpf(float(v)) for v in c]
        quartic = mpmath.fsum(
            c[j] * c[q] * c[p] * c[t] * self.K[j, q, p, t]
            for j in r
            for q in r
            for p in r
            for t in r
        )
        return mpmath.fsum(c[j] * c[q] * self.B[j, q] for j in r for q in r) - quartic / 2

    def value(self, c):
        return self.bb / 2 - self.gain(c)

    def gradient(self, c, *, sizes=False):
        r = range(self.k)
        c = [mpmath.mpf(float(v)) for v in c]
        terms = [
            [2 * c[j] * c[q] * c[p] * self.K[j, q, p, t] for j in r for q in r for p in r]
            + [-2 * c[p] * self.B[p, t] for p in r]
            for t in r
        ]
        return [mpmath.fsum(row, absolute=sizes) for row in terms]


@pytest.fixture(scope="module")
def large_completion():
    problem = sensing.perturbed_completion(80, 0.10)
    start = 0.3 * np.random.default_rng(0).standard_normal((80, 1))
    end = sensing.gradient_descent(problem, start, step_size=5e-3, max_iterations=1500)
    X = sensing.polish(problem, end.point)
    assert problem.objective(X) > 1  # spurious
    return problem, X


@pytest.mark.parametrize("order", [101, 1001])
def test_high_order_equals_multiple_precision_on_perturbed_completion(large_completion, order):
    problem, X = large_completion
    directions = escape_directions(problem, X)
    span = SpanObjective(problem, directions.generators, order)
    natural = span.normalised()
    exact = MultiplePrecision(problem, directions.generators, order)
    scaled = MultiplePrecision(problem, natural.generators, order)
    rng = np.random.default_rng(1)
    for c in [np.array([1.0, 0, 0]), np.array([1.0, 0.3, 0]), *rng.standard_normal((3, 3))]:
        assert span.log_value(c) == pytest.approx(float(mpmath.log(exact.value(c))), rel=1e-11)
        sign, log = span.log_gain(c)
        gain = exact.gain(c)
        assert sign == mpmath.sign(gain)
        assert log == pytest.approx(float(mpmath.log(abs(gain))), rel=1e-10)
        # Natural units: values of order one, compared in relative terms.
        assert natural.value(c) == pytest.approx(float(scaled.value(c) / scaled.bb), rel=1e-9)
        # An inner product of measurements far below their norms has fewer digits, and its power l
        # times fewer: `rounding` counts that, and its derivative bounds the error of the gradient.
        bounds = error_quartic(natural.gram_data, natural.units).gradient(np.abs(c))
        for got, expected, bound in zip(
            natural.gradient(c), scaled.gradient(c), bounds, strict=True
        ):
            assert abs(got - expected / scaled.bb) <= bound + mpmath.mpf("1e-307")
        # The bound is no excuse: it is far below what there is to see.
        assert max(bounds) <= 1e-9 * order * max(scaled.gradient(c, sizes=True)) / scaled.bb


def test_high_order_equals_multiple_precision_on_two_by_two():
    published = sensing.instance("two-by-two")
    problem, X = published.problem, published.point
    d = escape_directions(problem, X)
    order = 1001
    natural = SpanObjective(problem, d.generators, order).normalised()
    K = [[mpmath.mpf(float(v)) for v in row] for row in (problem.operator.matrices().reshape(3, 4))]
    Y = natural.generators[:, :, 0]
    c = np.array([1.0, 0.3, -0.2])
    b = [mpmath.fdot(row, [1, 0, 0, 0]) for row in K]
    total = mpmath.mpf(0)
    measured = {
        (j, q): [
            mpmath.fdot(
                row,
                [
                    mpmath.mpf(float(Y[j][a])) * mpmath.mpf(float(Y[q][e]))
                    for a in (0, 1)
                    for e in (0, 1)
                ],
            )
            for row in K
        ]
        for j in range(3)
        for q in range(3)
    }
    pairs = list(measured)
    for p in pairs:
        for s in pairs:
            weight = mpmath.mpf(1)
            for index in (*p, *s):
                weight *= mpmath.mpf(float(c[index]))
            total += weight * mpmath.fdot(measured[p], measured[s]) ** order / 2
    for p in pairs:
        total -= (
            mpmath.mpf(float(c[p[0]]))
            * mpmath.mpf(float(c[p[1]]))
            * mpmath.fdot(measured[p], b) ** order
        )
    expected = float(total / mpmath.fdot(b, b) ** order + mpmath.mpf("0.5"))
    assert natural.value(c) == pytest.approx(expected, rel=1e-9)


def test_what_does_not_fit_is_refused_and_the_logarithm_still_works(large_completion):
    problem, X = large_completion
    span = SpanObjective(problem, escape_directions(problem, X).generators, 1001)
    for method in (span.value, span.gain, span.gradient, span.hessian):
        with pytest.raises(OverflowError, match="normalised"):
            method([1.0, 0.3, 0.1])
    with pytest.raises(OverflowError, match="Gram"):
        _ = span.gram
    with pytest.raises(OverflowError):
        descend(span, [1.0, 0.3, 0.1], step_size=0.1, iterations=3)
    assert np.isfinite(span.log_value([1.0, 0.3, 0.1]))


@pytest.mark.parametrize("order", [3, 11])
def test_normalised_is_the_same_objective_in_other_units(large_completion, order):
    problem, X = large_completion
    span = SpanObjective(problem, escape_directions(problem, X).generators, order)
    natural = span.normalised()
    c = np.array([1.0, 0.4, 1e-6])
    there = span.units.coefficients_for(natural.units, c)
    assert natural.units.coefficients_for(span.units, there) == pytest.approx(c, rel=1e-11)
    log_unit = order * np.log(problem.measurements @ problem.measurements)
    assert natural.log_value(there) + log_unit == pytest.approx(span.log_value(c), rel=1e-11)
    # h along each axis of the natural units is least at ±1.
    for axis in np.eye(3):
        assert natural.gradient(axis) @ axis == pytest.approx(0, abs=1e-9)
    # The same steps make the same path.
    step = 0.02
    path = descend(natural, there, step_size=step, iterations=50)
    raw = descend(span, c, step_size=natural.units.step_size_for(span.units, step), iterations=50)
    for a, b in zip(raw.coefficients, path.coefficients, strict=True):
        assert span.units.coefficients_for(natural.units, a) == pytest.approx(
            b, rel=1e-8, abs=1e-10
        )


def test_a_cube_below_float64_in_a_basis_is_not_lost():
    """For b ⟂ A(XXᵀ) = δ² e₂ the projected gradient is 2 c³ δ^{2l}."""
    operator = sensing.RankOneOperator([[1.0, 0.0], [0.0, 1.0]])
    problem = sensing.SensingProblem(operator, [1.0, 0.0])
    delta, order = 2.0**-33, 5
    span = SpanObjective(problem, [[[0.0], [delta]]], order)
    # A coordinate is c δ^l: that of the first is about 1e-106, and its cube below float64.
    c = np.array([[1e-56], [1.0], [0.0]])
    expected = 2 * c**3 * delta ** (2 * order)
    assert 0 < expected[0, 0] < 1e-260
    for row, there in zip(c, expected, strict=True):
        assert span.projected_gradient(row) == pytest.approx(there, rel=1e-10, abs=0)
    assert span.projected_gradient(c) == pytest.approx(expected, rel=1e-10, abs=0)


def test_the_projected_gradient_beyond_float64_is_refused_under_any_error_state():
    problem, X, c = random_problem(2, 1, 3, 7)
    span = SpanObjective(problem, 3 * X, 3)
    with np.errstate(all="raise"), pytest.raises(OverflowError, match=r"^the projected gradient"):
        span.projected_gradient(np.full(3, 1.7e308) * np.sign(c))


def test_the_projected_gradient_is_linear_next_to_zero_down_to_the_least_numbers():
    problem, X, _ = random_problem(2, 1, 3, 7)
    span = SpanObjective(problem, X / 100, 3)
    c = np.array([1.0, 2.0, -1.0])
    # Its coordinates in a basis are about 1e-6 c: the cubic terms are 1e-18 of the linear ones.
    expected = span.projected_gradient(1e-3 * c)
    with np.errstate(all="raise"):
        there = span.projected_gradient(1e-305 * c)
    assert 1e302 * there == pytest.approx(expected, rel=0, abs=1e-11 * np.abs(expected).max())


def test_a_hessian_whose_terms_are_below_float64_is_refused():
    problem, X, _ = random_problem(2, 1, 3, 7)
    span = SpanObjective(problem, X, 3)
    with pytest.raises(OverflowError, match=r"^the Hessian needs powers beyond float64"):
        span.hessian([1e-200, 0.0, 0.0])
    assert np.all(np.isfinite(span.hessian([1e-20, 0.0, 0.0])))


def decoupled(b=(1.0, 1.0)):
    """Two axes, each measured on its own: h³ = ½ (Σ c_j⁴ − 2 Σ b_j³ c_j² + ‖b‖⁶)."""
    problem = sensing.SensingProblem(sensing.RankOneOperator(np.eye(2)), b)
    return SpanObjective(problem, np.eye(2)[:, :, None], 3)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("value", r"h\^l"),
        ("gain", "the gain"),
        ("gradient", "the gradient"),
        ("projected_gradient", "the projected gradient"),
    ],
)
def test_what_is_beyond_float64_is_refused_by_its_name_with_a_remedy(method, name):
    """Only the powers of 1e120 are beyond it, and the square of 1e200."""
    for c in ([1e120, 0.0], [1e200, 0.0]):
        with pytest.raises(OverflowError, match=rf"^{name} is about .*normalised\(\)"):
            getattr(decoupled(), method)(c)


def test_a_value_beyond_float64_is_refused_although_powers_of_its_coefficient_are_not():
    """K = 1e80³, and c⁴ is 1e80."""
    problem = sensing.SensingProblem(sensing.RankOneOperator(1e10 * np.eye(2)), [1e20, 1e20])
    span = SpanObjective(problem, 1e10 * np.eye(2)[:, :, None], 3)
    assert np.isfinite(span.quartic.K).all()
    with pytest.raises(OverflowError, match=r"^h\^l is about 1e320, beyond float64"):
        span.value([1e20, 0.0])


def test_one_of_a_batch_below_float64_is_refused():
    span = decoupled()
    tiny = [1e-200, 0.0]
    for batch in ([[1.0, 0.0], tiny], [tiny, [1.0, 0.0]]):
        with pytest.raises(OverflowError, match=r"^the Hessian needs powers beyond float64"):
            span.hessian(batch)
    for c, d in ((tiny, [1.0, 0.0]), ([1.0, 0.0], tiny)):
        with pytest.raises(OverflowError, match=r"^the quartic along a line needs powers beyond"):
            span.along(c, d)


def test_what_cancels_is_zero_and_its_logarithm_minus_infinity():
    """One number: h^l = ½ (c² − 1)² is zero at 1, and the gain c² − ½ c⁴ at 0."""
    problem = sensing.SensingProblem(sensing.EntrywiseOperator([[1.0]]), [1.0], 1)
    for order in (1, 3):
        span = SpanObjective(problem, [[[1.0]]], order)
        assert span.log_value([1.0]) == -np.inf
        assert span.log_value([[1.0], [0.0]]).tolist() == [-np.inf, -np.log(2)]
        assert span.log_gain([0.0]) == (0.0, -np.inf)


def test_the_noise_beyond_float64_is_infinite():
    """The other axis has coefficients of zero, and zero times infinity is unknown."""
    span = decoupled()
    assert span.noise([[1e200, 1.0], [0.0, 1e80], [1.0, 1.0]])[:2].tolist() == [np.inf, np.inf]
    # 1e-15 of ½ (1 + 1) + (1 + 1) + ½ (1 + 1)³.
    assert span.noise([1.0, 1.0]) == pytest.approx(7e-15, rel=1e-12)


def test_whole_numbers_are_coefficients_too():
    problem, X, _ = random_problem(2, 1, 3, 7)
    span = SpanObjective(problem, X, 3)
    c = [10**10, -3 * 10**9, 7]  # their products are beyond int64
    there = np.array(c, dtype=float)
    for name in ("value", "gain", "gradient", "hessian", "log_value"):
        found, expected = getattr(span, name)(c), getattr(span, name)(there)
        assert found == pytest.approx(expected, rel=1e-12)


def test_one_state_has_numbers():
    span = decoupled()
    c = [0.5, 2.0]
    for number in (span.value(c), span.log_value(c), span.gain(c), *span.log_gain(c)):
        assert type(number) is float
    assert type(span.noise(c)) is type(span.rounding(c)) is float


def test_plain_and_logarithmic_arithmetic_agree(case):
    span, _, _, c = case
    logs = SpanEvaluation(span.generators, span.gram_data, span.units)
    logs.quartic = None  # as where the powers leave float64
    for method in ("value", "gain", "gradient", "projected_gradient"):
        plain = getattr(span, method)(c)
        assert getattr(logs, method)(c) == pytest.approx(
            plain, rel=1e-9, abs=1e-11 * np.abs(plain).max()
        )


@pytest.mark.parametrize(
    ("generators", "order", "error", "message"),
    [
        (np.ones((3, 2, 1)), 2, ValueError, "order"),
        (np.ones((3, 2, 1)), -3, ValueError, "order"),
        (np.ones((3, 2, 1)), 3.0, TypeError, "order"),
        (np.ones((3, 3, 1)), 3, ValueError, "generators"),
        (np.ones((0, 2, 1)), 3, ValueError, "generators"),
        (np.full((3, 2, 1), np.nan), 3, ValueError, "generators"),
        ("three", 3, TypeError, "generators"),
    ],
)
def test_bad_input_is_refused(generators, order, error, message):
    with pytest.raises(error, match=message):
        SpanObjective(sensing.two_by_two(), generators, order)


def test_bad_coefficients_are_refused():
    span = SpanObjective(sensing.two_by_two(), np.ones((3, 2, 1)), 3)
    with pytest.raises(ValueError, match="c: expected an array of shape"):
        span.value([1.0, 2.0])
    with pytest.raises(ValueError, match="finite"):
        span.gradient([1.0, np.nan, 0.0])
    assert "order 3" in repr(span)


# The bound of the rounding, on inner products made by hand ----------------------------------------

EPS = float(np.finfo(np.float64).eps)


def bound_of(K, B, order, *, terms=0, largest=0.0, log_norms=0.0, log_operator=0.0, log_b=0.0):
    """Return the bounds of the coefficients K (k, k, k, k), B (k, k) and of the constant."""
    k = len(B)
    gram_data = GramData(np.eye(k), K, B, log_operator, log_b, terms, largest)
    units = Units.as_given(np.full(k, log_norms), gram_data, order)
    bound = error_quartic(gram_data, units)
    return bound.K.reshape(K.shape), -bound.B, bound.constant


@pytest.mark.parametrize("order", [1, 3, 101])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_bound_counts_every_rounding_once_or_twice(k, order):
    # Two sums of k² terms, and l log K, which is wrong by ε times its size and ε of the logarithm.
    least = 2 * k**2 + 2 * order
    for bound in bound_of(np.ones((k,) * 4), np.ones((k, k)), order):
        assert np.all(least * EPS <= bound)
        assert np.all(bound <= (2 * least + 16) * EPS)


def test_scales_that_cancel_are_rounded_all_the_same():
    order, log_norm, log_operator, log_b = 3, 0.5, -1.25, 0.75
    one = np.ones((1,) * 4), np.ones((1, 1))
    plain = np.ravel([np.ravel(x) for x in bound_of(*one, order)])
    bounds = bound_of(*one, order, log_norms=log_norm, log_operator=log_operator, log_b=log_b)
    # The coefficients are exp(l x) with these x; their parts are the logarithms of ‖X‖, of the
    # operator and of ‖b‖, twice ε each.
    exponents = 4 * log_norm + 2 * log_operator, 2 * log_norm + log_operator + log_b, 2 * log_b
    each = abs(log_norm) + abs(log_operator - log_b) / 2
    parts = 4 * each + 2 * abs(log_b), 2 * each + 2 * abs(log_b), 2 * abs(log_b)
    for bound, before, x, size in zip(bounds, plain, exponents, parts, strict=True):
        assert np.ravel(bound)[0] / np.exp(order * x) == pytest.approx(
            before + 2 * order * EPS * size, rel=1e-12, abs=0
        )


def test_what_is_taken_as_zero_is_bounded_by_what_it_may_be():
    order, k = 3, 2
    norms = np.array([[0.1, 0.2], [0.2, 0.3]])
    K = np.zeros((k,) * 4)
    for j, p in np.ndindex(k, k):
        K[j, p, j, p] = norms[j, p] ** 2
    K[0, 0, 1, 1] = K[1, 1, 0, 0] = 0.02
    B = np.array([[0.05, 0.0], [0.0, -0.1]])
    bound_K, bound_B, _ = bound_of(K, B, order)
    for bound, x, size in ((bound_K, K, np.multiply.outer(norms, norms)), (bound_B, B, norms)):
        # x = 0 may be δ = NOISE · size, and the bound of its power is l δ^l.
        zero = x == 0
        expected = order * (NOISE * size[zero]) ** order
        assert bound[zero] == pytest.approx(expected, rel=1e-11, abs=0)
        # The others have all their digits.
        assert np.all(bound[~zero] > 0)
        assert np.all(bound[~zero] <= 50 * order * EPS * np.abs(x[~zero]) ** order)


def test_measurements_that_are_wrong_move_their_powers():
    order, terms, largest = 5, 10**9, 2.0
    wrong_B = terms * EPS * largest
    wrong_K = 2 * wrong_B * largest  # of two measurements, each as large as that
    given = {"terms": terms, "largest": largest}
    bound_K, bound_B, constant = bound_of(np.ones((1,) * 4), np.ones((1, 1)), order, **given)
    # ‖b‖² has no operator in it.
    for bound, wrong in ((bound_K, wrong_K), (bound_B, wrong_B), (constant, terms * EPS)):
        got = np.ravel(bound)[0]
        assert got == pytest.approx(order * wrong * (1 + wrong) ** (order - 1), rel=1e-7)
        assert got >= (1 + wrong) ** order - 1  # the mean value theorem


def test_the_bound_where_nothing_is_measured_and_beyond_float64():
    with np.errstate(all="raise"):
        bound_K, bound_B, constant = bound_of(np.zeros((1,) * 4), np.zeros((1, 1)), 3)
        assert (bound_K.item(), bound_B.item()) == (0.0, 0.0)
        assert 0 < constant < 100 * EPS
        bounds = bound_of(np.ones((1,) * 4), np.ones((1, 1)), 3, log_norms=300.0)
    assert bounds[0].item() == bounds[1].item() == np.inf
