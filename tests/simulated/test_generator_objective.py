"""h^l over moving generators: against tensors, differences, the span objective and mpmath."""

import mpmath
import numpy as np
import pytest
from scipy import sparse

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.simulated import GeneratorObjective, SpanObjective
from tests.simulated import explicit


def problems():
    """One small problem an operator, ranks 1 and 2."""
    rng = np.random.default_rng(5)
    Z = rng.standard_normal((3, 2))
    weights = rng.uniform(0.5, 1.0, (3, 3)) * (rng.uniform(size=(3, 3)) < 0.7)
    for operator, r in (
        (sensing.gaussian(3, 1, 4, 0).operator, 1),
        (sensing.gaussian(3, 1, 5, 1).operator, 2),
        (sensing.EntrywiseOperator(weights), 2),
        (sensing.EntrywiseOperator(sparse.csr_array(weights)), 1),
        (sensing.RankOneOperator(rng.standard_normal((4, 3))), 2),
    ):
        yield SensingProblem.from_ground_truth(operator, Z[:, :r])


PROBLEMS = list(problems())


def draw(problem, seed, *lead):
    return 0.7 * np.random.default_rng(seed).standard_normal((*lead, *problem.shape))


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
@pytest.mark.parametrize("order", [1, 3])
def test_value_and_gradient_are_those_of_explicit_tensors(problem, order):
    X = draw(problem, order, 3)
    w = explicit.state(X, np.ones(3), order)
    residual, gradient = explicit.residual_and_gradient(problem, w)
    lifted = GeneratorObjective(problem, order)
    assert lifted.value(X) == pytest.approx(0.5 * np.sum(residual**2), rel=1e-12)
    # ∂h^l/∂X_t = l ⟨∇h^l(w), · ⊗ vec(X_t)^{⊗(l−1)}⟩, since ∇h^l is symmetric at a symmetric w.
    for t, x in enumerate(X):
        contracted = gradient
        for _ in range(order - 1):
            contracted = contracted @ x.ravel()
        np.testing.assert_allclose(
            lifted.gradient(X)[t].ravel(),
            order * contracted,
            rtol=0,
            atol=1e-12 * np.abs(lifted.gradient(X)).max(),
        )


def test_value_at_order_five_is_that_of_explicit_tensors():
    problem = sensing.two_by_two()
    X = draw(problem, 0, 2)
    expected = explicit.value(problem, explicit.state(X, np.ones(2), 5))
    assert GeneratorObjective(problem, 5).value(X) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("order", [1, 3, 9, 31])
def test_the_gradient_is_the_derivative_of_the_value(order):
    # In units of the fit: the fifth differences of a polynomial of degree 4 l, with l h about 1e-3.
    problem = sensing.gaussian(5, 2, 9, 2)
    lifted = GeneratorObjective(problem, order)
    X, D = draw(problem, 1, 2) / 2, draw(problem, 2, 2)
    step = 1e-3 / order
    around = np.stack([X + s * step * D for s in (-2, -1, 1, 2)])
    quotient = np.array([1.0, -8.0, 8.0, -1.0]) @ -lifted.gain(around) / (12 * step)
    slope = np.sum(lifted.gradient(X) * D)
    scale = np.linalg.norm(lifted.gradient(X)) * np.linalg.norm(D)
    assert abs(quotient - slope) < 1e-8 * scale


def test_one_generator_at_order_one_is_the_problem_itself():
    for problem in PROBLEMS:
        X, lifted = draw(problem, 3, 1), GeneratorObjective(problem, 1)
        assert lifted.value(X) == pytest.approx(problem.objective(X[0]), rel=1e-12)
        np.testing.assert_allclose(lifted.gradient(X)[0], problem.gradient(X[0]), rtol=1e-11)


def test_a_single_start_has_a_number():
    lifted = GeneratorObjective(PROBLEMS[0], 3)
    X = draw(PROBLEMS[0], 3, 2)
    minus_gain, _, log_scale = lifted.scaled(X)
    for number in (lifted.value(X), lifted.log_value(X), lifted.gain(X), minus_gain, log_scale):
        assert type(number) is float


@pytest.mark.parametrize("order", [1, 5])
def test_what_a_descent_sees_is_in_units_of_the_square_of_b(order):
    problem = PROBLEMS[1]
    X, lifted = draw(problem, 10, 4, 2), GeneratorObjective(problem, order)
    unit = np.linalg.norm(problem.measurements) ** (2 * order)
    assert abs(np.log(unit)) > 1
    value, gradient = lifted.relative(X)
    np.testing.assert_allclose(value, -lifted.gain(X) / unit, rtol=1e-12)
    np.testing.assert_allclose(gradient, lifted.gradient(X) / unit, rtol=1e-11)


@pytest.mark.parametrize("order", [1, 31])
def test_a_value_below_rounding_is_zero_and_one_above_it_is_not(order):
    """One number: h^l = ½ (x^{2l} − 1)², of which ½ (2 l) 1e-15 counts as zero, ½ (20 l) not."""
    problem = SensingProblem(sensing.EntrywiseOperator([[1.0]]), [1.0], 1)
    lifted = GeneratorObjective(problem, order)
    for h, counts in ((2e-15 * order, False), (1e-14 * order, True)):
        x = (1 + np.sqrt(2 * h)) ** (0.5 / order)
        found = lifted.value([[[x]]])
        # Three terms of about one, each wrong by some l ε.
        assert found == (pytest.approx(h, abs=1e-15 * order) if counts else 0.0)
        assert (lifted.log_value([[[x]]]) > -np.inf) == counts


def test_generators_that_cancel_leave_rounding_of_their_own_terms_only():
    problem, order = sensing.gaussian(6, 2, 20, 0), 3
    Y = 3 * draw(problem, 11, 20)
    truth = np.broadcast_to(problem.ground_truth, Y.shape)
    assert np.all(GeneratorObjective(problem, order).value(np.stack([truth, Y, -Y], axis=1)) == 0)


@pytest.mark.parametrize("order", [3, 101])
def test_it_is_the_span_objective_with_coefficients_absorbed(order):
    problem = sensing.gaussian(6, 2, 9, 0)
    X, c = draw(problem, 4, 3) / 3, np.array([1.0, -0.4, 2.0])
    span = SpanObjective(problem, X, order)
    absorbed = (np.sign(c) * np.abs(c) ** (1 / order))[:, None, None] * X
    lifted = GeneratorObjective(problem, order)
    assert lifted.log_value(absorbed) == pytest.approx(span.log_value(c), rel=1e-12)
    assert lifted.gain(absorbed) == pytest.approx(span.gain(c), rel=1e-10)


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_many_starts_at_once_are_the_starts_one_by_one(problem):
    X, lifted = draw(problem, 6, 2, 3, 2), GeneratorObjective(problem, 5)
    assert lifted.value(X).shape == (2, 3)
    assert lifted.gradient(X).shape == X.shape
    scaled = lifted.scaled(X)
    for i in np.ndindex(2, 3):
        assert lifted.value(X)[i] == pytest.approx(lifted.value(X[i]), rel=1e-12)
        np.testing.assert_allclose(lifted.gradient(X)[i], lifted.gradient(X[i]), rtol=1e-9)
        assert scaled[2][i] == pytest.approx(lifted.scaled(X[i])[2], rel=1e-12)


def test_groups_of_starts_are_put_together_again(monkeypatch):
    problem = PROBLEMS[1]
    X, lifted = draw(problem, 7, 11, 2), GeneratorObjective(problem, 3)
    expected = lifted.value(X), lifted.gradient(X)
    monkeypatch.setattr("lift_compare.simulated.generators.objective._CACHE", 40)
    np.testing.assert_allclose(lifted.value(X), expected[0], rtol=1e-14)
    np.testing.assert_allclose(lifted.gradient(X), expected[1], rtol=1e-12)


@pytest.mark.parametrize("order", [101, 1001])
def test_high_orders_against_multiple_precision(order):
    problem = sensing.gaussian(3, 2, 5, 3)
    X = draw(problem, 8, 2)
    A = problem.operator.matrices()
    with mpmath.workdps(50):
        number = np.vectorize(lambda x: mpmath.mpf(float(x)), otypes=[object])
        A, x, b = number(A), number(X), number(problem.measurements)
        y = {
            (j, k): np.array([np.sum((Ai @ x[j]) * x[k]) for Ai in A], dtype=object)
            for j in (0, 1)
            for k in (0, 1)
        }
        inner = {(s, t): y[s] @ y[t] for s in y for t in y}
        h = (
            sum(K**order for K in inner.values())
            - 2 * sum((y[s] @ b) ** order for s in y)
            + (b @ b) ** order
        ) / 2
        D = {
            s: order
            * (sum(inner[s, t] ** (order - 1) * y[t] for t in y) - (y[s] @ b) ** (order - 1) * b)
            for s in y
        }
        gradient = np.stack(
            [2 * sum(np.tensordot(D[t, j], A, axes=(0, 0)) @ x[j] for j in (0, 1)) for t in (0, 1)]
        )
        expected_log = float(mpmath.log(h))
        expected = (gradient / np.max(np.abs(gradient))).astype(float)
        largest = float(mpmath.log(np.max(np.abs(gradient))))
    lifted = GeneratorObjective(problem, order)
    # An inner product is wrong by some ε, its power by l times as much.
    assert lifted.log_value(X) == pytest.approx(expected_log, abs=1e-14 * order)
    _, scaled, log_scale = lifted.scaled(X)
    assert np.log(np.abs(scaled).max()) + log_scale == pytest.approx(largest, abs=2e-14 * order)
    np.testing.assert_allclose(scaled / np.abs(scaled).max(), expected, atol=4e-14 * order)


@pytest.mark.parametrize("exponent", [-500, -330, 330, 500])
def test_units_change_nothing_but_the_units(exponent):
    """A 2^e and X 2^(−e/2), or b 2^e and X 2^(e/2): powers of two, so that no digit changes."""
    problem, order = PROBLEMS[1], 3
    X = draw(problem, 9, 2)
    lifted = GeneratorObjective(problem, order)
    operator = sensing.DenseOperator(np.ldexp(problem.operator.matrices(), exponent))
    half = exponent // 2
    with np.errstate(all="raise"):
        other = GeneratorObjective(SensingProblem(operator, problem.measurements, 2), order)
        there = np.ldexp(X, -half)
        assert other.value(there) == pytest.approx(lifted.value(X), rel=1e-14)
        np.testing.assert_allclose(
            np.ldexp(other.gradient(there), -half), lifted.gradient(X), rtol=1e-12
        )
        b = np.ldexp(problem.measurements, exponent)
        other = GeneratorObjective(SensingProblem(problem.operator, b, 2), order)
        shift = 2 * order * exponent * np.log(2.0)
        there = np.ldexp(X, half)
        assert other.log_value(there) == pytest.approx(lifted.log_value(X) + shift, rel=1e-14)
        with pytest.raises(OverflowError, match=r"^h\^l is .*; use \.log_value$"):
            other.value(there)
        with pytest.raises(OverflowError, match=r"^the gradient of h\^l is .*; use \.scaled$"):
            other.gradient(there)
        with pytest.raises(OverflowError, match=r"the gain is .*; use \.scaled"):
            other.gain(there)


def test_parts_of_a_gradient_far_below_its_largest_may_be_zero():
    """h = ½ Σ (x_j² − b_j)², whose gradient is 2 (x_j² − b_j) x_j."""
    operator = sensing.RankOneOperator(np.eye(2))
    lifted = GeneratorObjective(SensingProblem(operator, [1e-200, 1e-200], 1), 1)
    gradient = lifted.gradient([[[2e-100], [1e-250]]])
    assert gradient.ravel() == pytest.approx([1.2e-299, 0.0], rel=1e-12, abs=0)


@pytest.mark.parametrize("order", [1, 3, 1001])
def test_starts_of_all_sizes_at_once_are_the_starts_one_by_one(order):
    """The second is not measured, and its gradient is that of order one."""
    problem = SensingProblem(sensing.DenseOperator([[[0.0, 1.0], [1.0, 0.0]]]), [2.0**-900], 1)
    start = np.array([[[0.75], [-0.5]]])
    X = np.stack([start, np.array([[[2.0**100], [0.0]]]), start * 2.0**-600, start * 2.0**-300])
    lifted = GeneratorObjective(problem, order)
    with np.errstate(all="raise"):
        together = lifted.scaled(X)
        for i, x in enumerate(X):
            for both, alone in zip(together, lifted.scaled(x), strict=True):
                np.testing.assert_allclose(both[i], alone, rtol=1e-13)
    # The gain is (y b)^l − ½ y^{2l} with y = 2 x₁x₂; one of both is below 1e-150 of the other.
    log_two = np.log(2.0)
    largest = order * np.log(0.75**2) - log_two, order * (np.log(0.75) - 2100 * log_two)
    for i, log in zip((0, 2), largest, strict=True):
        assert np.log(np.abs(together[0][i])) + together[2][i] == pytest.approx(log, rel=1e-13)


def test_a_start_that_is_not_measured_has_its_gradient_beside_one_that_is():
    """It is −2 A*(b) X at order one, here in units of ‖b‖²: in its own it would be 2^1221."""
    problem = SensingProblem(
        sensing.DenseOperator([[[0.0, 2.0**530], [2.0**530, 0.0]]]), [2.0**100], 1
    )
    measured = np.ldexp([[[0.75], [-0.5]]], -215)
    unmeasured = np.array([[[2.0**590], [0.0]]])
    with np.errstate(all="raise"):
        _, gradient, log_scale = GeneratorObjective(problem, 1).scaled([measured, unmeasured])
    assert log_scale[1] == pytest.approx(200 * np.log(2.0), rel=1e-14)
    assert gradient[1].ravel() == pytest.approx([0.0, -(2.0 ** (1 + 530 + 590 - 100))], rel=1e-12)


@pytest.mark.parametrize("exponent", [-60, -110])
def test_starts_keep_their_digits_beside_one_that_is_not_measured(exponent):
    """It is measured again in all scales, and A is too large for some and too small for others."""
    operator = sensing.DenseOperator([np.diag([2.0**30, 0.7 * 2.0**exponent, 0.0])])
    lifted = GeneratorObjective(SensingProblem(operator, [1.0], 1), 3)
    x = 0.9 * np.array([2.0**-15, 2.0 ** (-exponent // 2), 1.0])
    y = np.array([0.81, 0.7 * 0.81, 0.0])
    gain = lifted.gain(np.diag(x)[:, None, :, None])
    assert gain == pytest.approx(y**3 - y**6 / 2, rel=1e-13)


def test_a_start_with_small_products_keeps_its_digits_beside_another():
    """⟨A₂, XXᵀ⟩ is next to the least number for x₂ of the size of one."""
    size = 2.0**-530
    problem = SensingProblem(sensing.RankOneOperator([[1.0, 0.0], [0.0, size]]), [1.0, 1.0], 1)
    x = 0.7 / size
    for order in (1, 3):
        lifted = GeneratorObjective(problem, order)
        with np.errstate(all="raise"):
            gain = lifted.gain([[[[0.7], [0.0]]], [[[0.0], [x]]]])
            gradient = lifted.gradient([[[[0.7], [0.0]]], [[[0.0], [x]]]])
        B, K = 0.49**order, 0.49 ** (2 * order)
        assert gain == pytest.approx(B - K / 2, rel=1e-13)
        slope = 2 * order * (K - B)  # times x
        assert gradient[0].ravel() == pytest.approx([slope / 0.7, 0.0], rel=1e-12)
        assert gradient[1].ravel() == pytest.approx([0.0, slope / x], rel=1e-12, abs=0)


@pytest.mark.parametrize("order", [1, 3, 101])
def test_the_scale_where_nothing_is_measured_is_the_square_of_b(order):
    lifted = GeneratorObjective(PROBLEMS[1], order)
    assert lifted.scaled(0 * draw(PROBLEMS[1], 0, 2))[2] == pytest.approx(
        lifted.log_unit, rel=1e-14
    )


class Refusing(sensing.RankOneOperator):
    """An operator with products of its own, which refuse what overflows."""

    def measure(self, left, right):
        return super().measure(left, right)

    def adjoint_matmul(self, y, right):
        return super().adjoint_matmul(y, right)


@pytest.mark.parametrize("kind", [sensing.RankOneOperator, Refusing])
@pytest.mark.parametrize("exponent", [-530, 512])
def test_matrices_next_to_the_ends_of_float64(exponent, kind):
    """A_i = a_i a_iᵀ with a_i 2^e, X 2^−e: most digits of products would underflow, or overflow."""
    rng = np.random.default_rng(12)
    vectors = rng.standard_normal((5, 3))
    base = SensingProblem.from_ground_truth(
        sensing.RankOneOperator(vectors), rng.standard_normal((3, 1))
    )
    X, order = rng.standard_normal((4, 2, 3, 1)), 3
    X[0] = 0.0  # a start whose products are zero at any scale
    expected = GeneratorObjective(base, order)
    operator = kind(np.ldexp(vectors, exponent))
    there = np.ldexp(X, -exponent)
    with np.errstate(all="raise"):
        lifted = GeneratorObjective(SensingProblem(operator, base.measurements, 1), order)
        for generators, at in ((X, there), (X[1], there[1])):
            assert lifted.value(at) == pytest.approx(expected.value(generators), rel=1e-12)
            assert lifted.gain(at) == pytest.approx(expected.gain(generators), rel=1e-12)
            gradient = expected.gradient(generators)
            np.testing.assert_allclose(
                np.ldexp(lifted.gradient(at), -exponent),
                gradient,
                atol=1e-12 * np.abs(gradient).max(),
            )


@pytest.mark.parametrize("exponent", [-1000, -300, 0])
def test_next_to_nothing_has_half_the_square_of_b_at_any_scale_of_b(exponent):
    problem, order = PROBLEMS[1], 101
    b = np.ldexp(problem.measurements, exponent)
    lifted = GeneratorObjective(SensingProblem(problem.operator, b, 2), order)
    X = draw(problem, 13, 2)
    with np.errstate(all="raise"):
        for tiny in (0 * X, np.ldexp(X, -300 + exponent // 2)):
            # The parts of the logarithm are twice as large.
            assert lifted.log_value(tiny) == pytest.approx(lifted.log_unit - np.log(2), rel=1e-14)


@pytest.mark.parametrize("order", [3, 301, 1001])
def test_a_gain_far_below_the_value_keeps_its_digits(order):
    """One number: the gain is (x² b)^l − ½ x^{4l}, the gradient 2l (x^{4l} − (x² b)^l) / x."""
    for b, x in ((2.0**8, 0.06), (2.0**40, 1e-6), (2.0**900, 2.0**-450)):
        lifted = GeneratorObjective(
            SensingProblem(sensing.EntrywiseOperator([[1.0]]), [b], 1), order
        )
        B, K = x * x * b, x**4
        gain, slope = B**order - K**order / 2, 2 * order * (K**order - B**order) / x
        with np.errstate(all="raise"):
            # Powers are wrong by l ε, and what their logarithms lose: these are of l log ‖b‖².
            tolerance = 1e-15 * order * (1 + np.log(b))
            assert lifted.gain([[[x]]]) == pytest.approx(gain, rel=tolerance, abs=0)
            assert lifted.gradient([[[x]]]).item() == pytest.approx(slope, rel=tolerance, abs=0)
            assert lifted.log_value([[[x]]]) == pytest.approx(
                lifted.log_unit - np.log(2), rel=1e-14
            )


@pytest.mark.parametrize("exponent", [-900, 0, 900])
def test_generators_that_are_not_measured_have_the_gradient_of_order_one_only(exponent):
    """⟨A, XXᵀ⟩ = 0 where A*(b) X is not."""
    operator = sensing.DenseOperator([[[0.0, 1.0], [1.0, 0.0]]])
    problem = SensingProblem(operator, [2.0**exponent], 1)
    X = np.array([[[2.0**100], [0.0]]])
    for order in (1, 3):
        lifted = GeneratorObjective(problem, order)
        assert lifted.gain(X) == 0.0
        assert lifted.log_value(X) == pytest.approx(lifted.log_unit - np.log(2), rel=1e-14)
        want = problem.gradient(X[0]) if order == 1 else np.zeros((2, 1))
        # Its scale, ‖b‖², is taken through its logarithm, of some hundreds.
        np.testing.assert_allclose(lifted.gradient(X)[0], want, rtol=1e-12)


def test_measurements_at_right_angles_to_b_leave_their_own_square():
    """h^l − ½ ‖b‖^{2l} = ½ x^{4l} at X = x e₂, A = (e₁e₁ᵀ, e₂e₂ᵀ), b = e₁."""
    operator = sensing.RankOneOperator(np.eye(2))
    problem, order = SensingProblem(operator, [1.0, 0.0], 1), 3
    x = 2.0**-600
    minus_gain, gradient, log_scale = GeneratorObjective(problem, order).scaled([[[0.0], [x]]])
    # Through logarithms, of some thousands.
    log = 4 * order * np.log(x) - np.log(2)
    assert np.log(minus_gain) + log_scale == pytest.approx(log, rel=1e-14)
    np.testing.assert_allclose(gradient[0] / minus_gain, [[0.0], [4 * order / x]], rtol=1e-12)


def test_a_gain_below_float64_is_refused():
    lifted = GeneratorObjective(sensing.two_by_two(), 1001)
    X = np.full((1, 2, 1), 0.1)
    for method in (lifted.gain, lifted.gradient):
        with pytest.raises(OverflowError, match="below float64"):
            method(X)
    minus_gain, gradient, log_scale = lifted.scaled(X)
    assert minus_gain < 0
    assert np.any(gradient)
    b = lifted.problem.measurements
    B = lifted.problem.operator.measure(X[0], X[0]) @ b
    assert np.log(-minus_gain) + log_scale == pytest.approx(1001 * np.log(B), rel=1e-14)


class Counting(sensing.DenseOperator):
    """An operator that notes how many starts and pairs it is given at once."""

    def __init__(self, matrices):
        super().__init__(matrices)
        self.measured, self.multiplied = [], []

    def measure(self, left, right):
        self.measured.append(len(left))
        return super().measure(left, right)

    def adjoint_matmul(self, y, right):
        self.multiplied.append(len(right))
        return super().adjoint_matmul(y, right)


def test_an_evaluation_takes_one_product_a_pair_of_generators():
    base = sensing.gaussian(4, 1, 9, 0)
    operator = Counting(base.operator.matrices())
    lifted = GeneratorObjective(SensingProblem(operator, base.measurements, 1), 3)
    X = draw(base, 14, 2, 3)
    # With a start of zero, and alone at zero: nothing is measured again in other units.
    for generators in (X, X * [[[[0.0]]], [[[1.0]]]], 0 * X):
        operator.measured, operator.multiplied = [], []
        lifted.scaled(generators)
        assert operator.measured == [2 * 6]
        assert operator.multiplied == [2 * 6]


@pytest.mark.parametrize("order", [1, 3])
def test_a_start_that_is_zero_or_not_measured_is_not_computed_again(order):
    """One factor of its product with A* is zero: X, or, at order 3, D where nothing is measured."""
    operator = Counting([[[0.0, 1.0], [1.0, 0.0]]])
    lifted = GeneratorObjective(SensingProblem(operator, [1.0], 1), order)
    measured = [[[0.75], [-0.5]]]
    for other in ([[[0.0], [0.0]]], [[[1.0], [0.0]]]):
        operator.multiplied = []
        lifted.scaled([measured, other])
        assert operator.multiplied == [2]


@pytest.mark.parametrize(("room", "groups"), [(100, [3, 3, 3, 2]), (20, [1] * 11)])
def test_as_many_starts_at_once_as_there_is_room_for(monkeypatch, room, groups):
    base = sensing.gaussian(4, 1, 9, 0)  # a pair of generators: three times nine measurements
    operator = Counting(base.operator.matrices())
    lifted = GeneratorObjective(SensingProblem(operator, base.measurements, 1), 3)
    monkeypatch.setattr("lift_compare.simulated.generators.objective._CACHE", room)
    lifted.value(draw(base, 15, 11, 2))
    assert operator.measured == [3 * starts for starts in groups]


def test_generators_of_zero_and_far_too_large_ones_stay_in_range():
    problem = sensing.two_by_two()
    lifted = GeneratorObjective(problem, 1001)
    with np.errstate(all="raise"):
        assert lifted.gain(np.zeros((2, 2, 1))) == 0.0
        assert np.all(lifted.gradient(np.zeros((2, 2, 1))) == 0.0)
        huge = np.full((2, 2, 1), 1e150)
        assert np.isfinite(lifted.log_value(huge))
        _, gradient, log_scale = lifted.scaled(huge)
        assert np.isfinite(gradient).all()
        assert np.isfinite(log_scale)
        with pytest.raises(OverflowError, match="h\\^l"):
            lifted.value(huge)


def test_the_truth_has_value_zero_and_no_gradient():
    problem = sensing.gaussian(6, 2, 20, 0)
    truth = problem.ground_truth[None]
    for order in (1, 3, 7, 101):
        lifted = GeneratorObjective(problem, order)
        # ½ of l ε of ‖b‖^{2l} may be left.
        assert np.exp(lifted.log_value(truth) - lifted.log_unit) < 1e-14 * order
        gradient, log_scale = lifted.scaled(truth)[1:]
        assert np.abs(gradient).max() * np.linalg.norm(truth) < 1e-13 * order**2
        assert log_scale == pytest.approx(lifted.log_unit, abs=1e-12 * order)


def test_nothing_of_size_n_squared_is_formed():
    n = 100_000  # n² numbers would be 80 GB
    rng = np.random.default_rng(0)
    rows, cols = rng.integers(n, size=(2, 300_000))
    weights = sparse.coo_array((np.ones(len(rows)), (rows, cols)), shape=(n, n))
    Z = rng.standard_normal((n, 1))
    problem = SensingProblem.from_ground_truth(sensing.EntrywiseOperator(weights), Z)
    lifted = GeneratorObjective(problem, 11)
    X = np.stack([0.9 * Z, Z + rng.standard_normal((n, 1))]) / 2
    D = np.stack([Z, Z])
    step = 1e-4
    ahead, behind = lifted.scaled(X + step * D), lifted.scaled(X - step * D)
    _, gradient, log_scale = lifted.scaled(X)
    values = [each[0] * np.exp(each[2] - log_scale) for each in (ahead, behind)]
    slope = np.sum(gradient * D)
    # The second differences of h^l are about (l step)² of it.
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(slope, abs=1e-4 * abs(slope))


@pytest.mark.parametrize(
    ("generators", "error"),
    [
        (np.ones((2, 1)), ValueError),
        (np.ones((2, 3, 1)), ValueError),
        (np.zeros((0, 2, 1)), ValueError),
        ([[[np.nan], [1.0]]], ValueError),
        ([[["a"], ["b"]]], TypeError),
    ],
)
def test_bad_generators_are_refused_by_name(generators, error):
    lifted = GeneratorObjective(sensing.two_by_two(), 3)
    for method in (lifted.value, lifted.gradient, lifted.log_value, lifted.gain, lifted.scaled):
        with pytest.raises(error, match=r"^generators: "):
            method(generators)


def test_even_orders_are_refused():
    with pytest.raises(ValueError, match=r"^order: "):
        GeneratorObjective(sensing.two_by_two(), 4)
