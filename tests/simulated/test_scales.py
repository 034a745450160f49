"""Scales from 1e-300 to 1e300: right numbers, or an OverflowError that says what left float64."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest

from lift_compare import sensing, simulated
from lift_compare.sensing import DenseOperator, RankOneOperator, SensingProblem
from lift_compare.simulated import SpanObjective
from lift_compare.simulated.points.unit_scale import in_given_units
from lift_compare.simulated.span.default_step import default_rho, default_step_size
from lift_compare.simulated.span.units import Units
from tests.simulated.points import published_point

TINY = mpmath.mpf(float(np.finfo(np.float64).tiny))
MOST = mpmath.mpf(float(np.finfo(np.float64).max))


class Exact:
    """h^l on a span in 60 digits, from the definition; float64 inputs are taken as exact."""

    def __init__(self, problem, X, order):
        operator, k = problem.operator, range(len(X))
        if isinstance(operator, RankOneOperator):  # a aᵀ would be rounded
            a = [[mpmath.mpf(float(x)) for x in row] for row in operator.vectors]
            A = [[[p * q for q in row] for p in row] for row in a]
        else:
            A = [[[mpmath.mpf(float(x)) for x in row] for row in M] for M in operator.matrices()]
        x = [[[mpmath.mpf(float(v)) for v in row] for row in g] for g in X]
        n, r = range(X.shape[1]), range(X.shape[2])
        y = {
            (j, q): [
                mpmath.fsum(M[a][b] * x[j][a][t] * x[q][b][t] for a in n for b in n for t in r)
                for M in A
            ]
            for j in k
            for q in k
        }
        b = [mpmath.mpf(float(v)) for v in problem.measurements]
        self.K = {(*i, *j): mpmath.fdot(y[i], y[j]) ** order for i in y for j in y}
        self.B = {i: mpmath.fdot(y[i], b) ** order for i in y}
        self.constant = mpmath.fdot(b, b) ** order
        self.gram = [
            [mpmath.fsum(x[j][a][t] * x[q][a][t] for a in n for t in r) ** order for q in k]
            for j in k
        ]
        self.k = k

    def terms(self, c):
        """Return the terms of h^l(c) − h^l(0)."""
        k = self.k
        quartic = [
            c[j] * c[q] * c[p] * c[t] * self.K[j, q, p, t] / 2
            for j in k for q in k for p in k for t in k
        ]  # fmt: skip
        return quartic + [-c[j] * c[q] * self.B[j, q] for j in k for q in k]

    def gradient_terms(self, c, t):
        k = self.k
        cubic = [2 * c[j] * c[q] * c[p] * self.K[j, q, p, t] for j in k for q in k for p in k]
        return cubic + [-2 * c[p] * self.B[p, t] for p in k]

    def hessian_terms(self, c, q, t):
        k = self.k
        squares = [2 * c[j] * c[p] * self.K[j, p, q, t] for j in k for p in k]
        crossed = [4 * c[j] * c[p] * self.K[j, q, p, t] for j in k for p in k]
        return [*squares, *crossed, -2 * self.B[q, t]]


def check(function, expected, sizes, *, tolerance):
    """Compare with what is expected, or see that its refusal is no pretext.

    `sizes` are the sums of the magnitudes of the terms: rounding is relative to them. A part that
    is itself below float64 may be zero, if the largest is not.
    """
    top = max(sizes)
    try:
        got = np.ravel(function())
    except OverflowError:
        assert not (max(map(abs, expected)) > TINY * 1e30 and top < MOST / 1e30)
        return
    for value, right, size in zip(got, expected, sizes, strict=True):
        assert np.isfinite(value)
        assert abs(mpmath.mpf(float(value)) - right) <= tolerance * size + (
            TINY if top > TINY else 0
        )


def tiny_problem(rng, scale_A, scale_b):
    A = rng.standard_normal((2, 2, 2))
    operator = DenseOperator((A + A.transpose(0, 2, 1)) * scale_A)
    return SensingProblem(operator, rng.standard_normal(2) * scale_b)


CORNERS = [
    (1.0, 1e-200, 1.0, 1.0),
    (1.0, 1.0, 1e155, 1.0),
    (1.0, 1.0, 1e200, 1e200),
    (1.0, 1.0, 1e-200, 1e-200),
    (1.0, 1e300, 1e150, 1e150),
    (1e300, 1e-300, 1.0, 1e-300),
    (1e-300, 1e300, 1e300, 1.0),
    (1e150, 1e-150, 1e-150, 1e-150),
]


def scales(seed):
    """Return scales of A, b and two generators, and coefficients: at corners, then anywhere."""
    rng = np.random.default_rng(seed)
    if seed < len(CORNERS):
        found = np.array(CORNERS[seed])
    elif seed % 2:  # generators near the size where A(XXᵀ) is like b, in relation to each other
        a, b = rng.uniform(-290, 290, 2)
        found = 10.0 ** np.array([a, b, *np.clip((b - a) / 2 + rng.uniform(-9, 9, 2), -290, 290)])
    else:
        found = 10.0 ** rng.uniform(-299, 299, 4)
    c = rng.standard_normal(2) * 10.0 ** (0 if seed % 3 else rng.uniform(-290, 290, 2))
    return rng, found, c


@pytest.mark.parametrize("order", [1, 3, 5])
@pytest.mark.parametrize("seed", range(48))
def test_every_method_equals_multiple_precision_or_refuses(seed, order):
    rng, (scale_A, scale_b, *sizes), c = scales(seed)
    problem = tiny_problem(rng, scale_A, scale_b)
    X = rng.standard_normal((2, 2, 1)) * np.array(sizes)[:, None, None]
    with mpmath.workdps(60):
        exact = Exact(problem, X, order)
        # l log x is rounded, and |log x| may be 1400: 1e-12 is a few l · 1400 ε.
        compare_all(SpanObjective(problem, X, order), exact, c, tolerance=1e-11)


def compare_all(span, exact, c, *, tolerance):
    at = [mpmath.mpf(float(x)) for x in c]
    terms = exact.terms(at)
    change, size = mpmath.fsum(terms), mpmath.fsum(terms, absolute=True)
    value, all_terms = exact.constant / 2 + change, exact.constant / 2 + size
    check(lambda: span.value(c), [value], [all_terms], tolerance=tolerance)
    check(lambda: span.gain(c), [-change], [size], tolerance=tolerance)
    if value > all_terms / 1000:  # what is lost of the sum is lost of the logarithm
        assert abs(span.log_value(c) - mpmath.log(value)) < 1e-8
    sign, log = span.log_gain(c)
    if abs(change) > size / 1000:
        assert sign == -mpmath.sign(change)
        assert abs(log - mpmath.log(abs(change))) < 1e-8

    rows = [exact.gradient_terms(at, t) for t in exact.k]
    gradient = [mpmath.fsum(row) for row in rows]
    sizes = [mpmath.fsum(row, absolute=True) for row in rows]
    check(lambda: span.gradient(c), gradient, sizes, tolerance=tolerance)

    (p, q), (_, s) = exact.gram
    norms = [p, mpmath.sqrt(p * s), mpmath.sqrt(p * s), s]
    entries = [p, q, q, s]
    try:
        gram = np.ravel(span.gram)
    except OverflowError:
        assert max(p, s) > MOST / 1e9 or min(p, s) < TINY * 1e9
    else:
        for got, right, norm in zip(gram, entries, norms, strict=True):
            assert abs(mpmath.mpf(float(got)) - right) <= tolerance * norm

    # Γ⁻¹ γ, whose error as a tensor is one of the gradient times the condition of unit powers.
    sine = 1 - q**2 / (p * s)
    if sine > mpmath.mpf("1e-3"):
        determinant = p * s * sine
        inverse = [[s / determinant, -q / determinant], [-q / determinant, p / determinant]]
        projected = [mpmath.fdot(row, gradient) for row in inverse]
        unit = [size / mpmath.sqrt(own) for size, own in zip(sizes, (p, s), strict=True)]
        sizes = [max(unit) / mpmath.sqrt(own) / sine**2 for own in (p, s)]
        check(lambda: span.projected_gradient(c), projected, sizes, tolerance=10 * tolerance)

    rows = [exact.hessian_terms(at, q, t) for q in exact.k for t in exact.k]
    sizes = [mpmath.fsum(row, absolute=True) for row in rows]
    try:
        hessian = np.ravel(span.hessian(c))
    except OverflowError:
        pass  # it is there where plain powers are
    else:
        for got, row, size in zip(hessian, rows, sizes, strict=True):
            assert abs(got - mpmath.fsum(row)) <= tolerance * max(size, max(sizes) * TINY * 1e18)
    try:
        rounding = span.rounding(c)
    except OverflowError:
        return
    if np.isfinite(rounding):
        try:
            assert abs(span.value(c) - value) <= rounding + TINY
        except OverflowError:
            assert value < TINY


def test_at_the_quoted_scales_nothing_looks_solved():
    rng = np.random.default_rng(0)
    for scale_A, scale_b, first, second in CORNERS:
        problem = tiny_problem(rng, scale_A, scale_b)
        X = rng.standard_normal((2, 2, 1)) * np.array([first, second])[:, None, None]
        span = SpanObjective(problem, X, 3)
        assert np.isfinite(span.log_value([1.0, 1.0]))
        natural = span.normalised()
        assert np.all(np.isfinite(natural.generators))
        assert natural.value([0.0, 0.0]) == pytest.approx(0.5, rel=1e-12)
        path = simulated.descend(natural, [0.4, 0.3], step_size=1e-3, iterations=50)
        assert 0 < path.values[-1] < path.values[0]


@pytest.mark.parametrize("exponent", [-490, -200, -31, 1, 64, 333, 490])
def test_the_path_does_not_depend_on_units(exponent):
    """In given units, and in natural ones: w ↦ w, h^l in units of ‖b‖^{2l}."""
    _, problem, X, _ = published_point("two-by-two")
    spans = {}
    for e in (0, exponent):
        there = replace(problem, measurements=np.ldexp(problem.measurements, 2 * e))
        d = simulated.escape_directions(there, np.ldexp(X, e))
        spans[e] = SpanObjective(there, d.generators, 3).normalised()
    paths = [
        simulated.descend(span, [1.0, 0.1, 0.0], step_size=0.02, iterations=300)
        for span in spans.values()
    ]
    np.testing.assert_allclose(paths[1].coefficients, paths[0].coefficients, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(paths[1].values, paths[0].values, rtol=1e-9)
    windows = [
        simulated.step_window(span, [1.0, 0.1, 0.0], iterations=50) for span in spans.values()
    ]
    assert windows[1].largest == pytest.approx(windows[0].largest, rel=2e-3)
    phases = [
        simulated.classify_exact(s, [1.0, 0.1, 0.0], step_sizes=[0.02, 50.0], iterations=[1, 30])
        for s in spans.values()
    ]
    np.testing.assert_array_equal(phases[1].falls, phases[0].falls)


@pytest.mark.parametrize("order", [3, 5])
def test_a_descent_in_units_beyond_plain_powers_is_the_same_descent(order):
    """‖b‖ = 1e-50 puts ‖b‖^{2l} below 1e-300; coefficients and steps are those of ‖b‖ = 1."""
    _, problem, _, directions = published_point("two-by-two")
    e = -90
    there = replace(problem, measurements=np.ldexp(problem.measurements, 2 * e))
    small = SpanObjective(there, np.ldexp(directions.generators, e), order)
    plain = SpanObjective(problem, directions.generators, order)
    assert small.orthonormal is None or order == 3
    c, eta = np.array([1.0, 0.1, 0.02]), 0.01
    # h^l scales by 2^(4el), inner products of powers by 2^(2el): so does the inverse step.
    for _ in range(5):
        step = eta * plain.projected_gradient(c)
        expected = np.ldexp(plain.projected_gradient(c), 2 * e * order)
        got = small.log_projected(c)
        np.testing.assert_allclose(got[0] * np.exp(got[1] - 2 * e * order * np.log(2)),
                                   np.ldexp(expected, -2 * e * order), rtol=1e-9)  # fmt: skip
        c = c - step


# Rounding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_rounding_is_a_bound(seed):
    """A thousand random small instances of three kinds of operators, orders 1 to 13."""
    rng = np.random.default_rng(seed)
    with mpmath.workdps(50):
        for trial in range(100):
            span, exact, c = random_span(rng, trial)
            at = [mpmath.mpf(float(x)) for x in c]
            change = mpmath.fsum(exact.terms(at))
            bound = span.rounding(c)
            assert abs(span.value(c) - (exact.constant / 2 + change)) <= bound
            assert abs(span.gain(c) + change) <= bound
            # It is a bound, and not just any: some l · 1000 ε of the terms.
            terms = exact.constant / 2 + mpmath.fsum(exact.terms(at), absolute=True)
            assert bound < 1e-9 * terms


def test_what_is_lost_next_to_a_zero_of_the_objective_is_its_rounding():
    """n = 2, m = 1, l = 5: h^l = ½ (Σ c_j c_k y_jk^l − b^l)², whose terms cancel near its zero.

    There a value far below its terms has few digits left: as many as `rounding` says.
    """
    rng = np.random.default_rng(0)
    relative = []
    for _ in range(300):
        problem = SensingProblem.from_ground_truth(
            RankOneOperator(rng.standard_normal((1, 2))), rng.standard_normal((2, 1))
        )
        X, c = rng.standard_normal((3, 2, 1)), rng.standard_normal(3)
        span = SpanObjective(problem, X, 5)
        # Scale c to the zero of the residual, and step off it by 1e-4.
        y = np.array([[problem.operator.measure(p, q)[0] for p in X] for q in X]) ** 5
        square = problem.measurements[0] ** 5 / (c @ y @ c)
        if square <= 0:
            continue
        c = c * np.sqrt(square) * (1 + 1e-4)
        with mpmath.workdps(50):
            at = [mpmath.mpf(float(x)) for x in c]
            exact = Exact(problem, X, 5)
            value = exact.constant / 2 + mpmath.fsum(exact.terms(at))
            error = abs(span.value(c) - value)
            assert error <= span.rounding(c)
            relative.append(float(error / value))
    # So far above ε lies the relative error; the bound above explains it.
    assert max(relative) > 1e-10


def random_span(rng, trial):
    order, m = int(rng.choice([1, 3, 5, 7, 9, 11, 13])), int(rng.integers(1, 4))
    k, r = int(rng.integers(1, 3)), int(rng.integers(1, 3))
    kind = trial % 3
    if kind == 0:
        operator = RankOneOperator(rng.standard_normal((m, 2)))
    elif kind == 1:
        A = rng.standard_normal((m, 2, 2))
        operator = DenseOperator(A + A.transpose(0, 2, 1))
    else:
        operator = sensing.EntrywiseOperator(rng.standard_normal((2, 2)))
    problem = SensingProblem.from_ground_truth(operator, rng.standard_normal((2, r)))
    X, c = rng.standard_normal((k, 2, r)), rng.standard_normal(k)
    return SpanObjective(problem, X, order), Exact(problem, X, order), c


# Escapes and scores ------------------------------------------------------------------------------


def spurious_points():
    for name in ("two-by-two", "perturbed-completion", "real-system"):
        _, problem, X, _ = published_point(name)
        yield problem, X
    problem = sensing.perturbed_completion(8, 0.1)
    start = problem.ground_truth * np.where(np.arange(8) < 3, -1.0, 1.0)[:, None]
    end = sensing.gradient_descent(problem, start, step_size=0.01, max_iterations=3000)
    yield problem, sensing.polish(problem, end.point)


@pytest.mark.parametrize("exponent", [-240, -77, -20, 1, 5, 63, 200, 240])
@pytest.mark.parametrize("which", range(4))
def test_scaling_by_a_power_of_two_changes_no_digit(which, exponent):
    """X and Z by 2^e, b by 2^2e: λ_n by 2^2e, h by 2^4e, and scores and orders not at all."""
    problem, X = list(spurious_points())[which]
    there = scaled(problem, exponent)
    Y = np.ldexp(X, exponent)
    d, there_d = simulated.escape_directions(problem, X), simulated.escape_directions(there, Y)
    assert there_d.eigenvalue == np.ldexp(d.eigenvalue, 2 * exponent)
    np.testing.assert_array_equal(there_d.hidden, np.ldexp(d.hidden, exponent))
    assert there_d.gradient_norm == d.gradient_norm
    score, there_score = (
        simulated.feasibility_score(p, x, rip_constant=0.3) for p, x in ((problem, X), (there, Y))
    )
    for name in ("exact_score", "e", "g", "kappa", "ncm", "aic", "score"):
        assert getattr(there_score, name) == getattr(score, name)
    assert there_score.step == np.ldexp(score.step, exponent)
    assert there_score.decrease == np.ldexp(score.decrease, 4 * exponent)
    order = simulated.smallest_saddle_order(problem, X)
    assert simulated.smallest_saddle_order(there, Y) == order
    for method in ("exact", "single-step", "line-search", "columns", "pair", "any"):
        found = simulated.escape(problem, X, method=method)
        there_found = simulated.escape(there, Y, method=method)
        assert there_found.reason is found.reason
        assert (there_found.order, there_found.kind) == (found.order, found.kind)
        np.testing.assert_array_equal(there_found.point, np.ldexp(found.point, exponent))
        assert there_found.objective_before == np.ldexp(found.objective_before, 4 * exponent)
        assert there_found.objective_after == np.ldexp(found.objective_after, 4 * exponent)


def scaled(problem, exponent):
    """Return the problem of the truth Z 2^exponent."""
    Z = problem.ground_truth
    return replace(
        problem,
        measurements=np.ldexp(problem.measurements, 2 * exponent),
        ground_truth=None if Z is None else np.ldexp(Z, exponent),
    )


@pytest.mark.parametrize("scale", [1e-150, 1e-100, 1e100, 1e150])
def test_where_h_leaves_float64_the_score_stays_and_the_rest_says_so(scale):
    _, problem, X, _ = published_point("real-system")
    there = replace(problem, measurements=problem.measurements * scale * scale, ground_truth=None)
    score = simulated.feasibility_score(there, X * scale)
    assert score.exact_score == pytest.approx(
        simulated.feasibility_score(problem, X).exact_score, rel=1e-9
    )
    _, problem, X, _ = published_point("two-by-two")
    there = replace(problem, measurements=problem.measurements * scale * scale, ground_truth=None)
    assert simulated.smallest_saddle_order(there, X * scale) == 3
    for method in ("exact", "truncated", "single-step", "line-search", "columns", "pair", "any"):
        with pytest.raises(OverflowError, match="float64"):
            simulated.escape(there, X * scale, method=method)
    with pytest.raises(OverflowError, match="float64"):
        simulated.descend_with_escapes(there, X * scale, step_size=0.1)
    assert "float64" in repr(simulated.feasibility_score(there, X * scale)) or score.step == 0


@pytest.mark.parametrize("scale", [1e-300, 1e-160, 1e160, 1e300])
def test_collapse_at_any_scale(scale):
    generators = np.random.default_rng(0).standard_normal((3, 2, 1))
    c = np.array([1.0, -0.4, 0.2])
    point = simulated.collapse(generators, c, 5)
    there = simulated.collapse(generators * scale, c, 5)
    np.testing.assert_allclose(there / scale, point, rtol=1e-9)
    with pytest.raises(OverflowError, match="collapsed point"):
        simulated.collapse(generators * 1e300, c * 1e300, 1)


@pytest.mark.parametrize("scale", [1e-150, 1e-80, 1e80, 1e150])
def test_curvature_at_any_scale(scale):
    """2 (K1^l − K2^l + 2 K3^l) at l = 1, where it is quadratic in D and, for b = 0 · X, in X."""
    problem = sensing.gaussian(3, 1, 4, 0)
    X, D = np.random.default_rng(0).standard_normal((2, 3, 1))
    plain = simulated.curvature_along(problem, X, D, 1)
    assert simulated.curvature_along(problem, X, D * scale, 1) / scale / scale == pytest.approx(
        plain, rel=1e-9
    )
    with pytest.raises(OverflowError, match="curvature"):
        simulated.curvature_along(problem, X * 1e200, D * 1e200, 1)


@pytest.mark.parametrize(
    ("x", "exponent", "message"),
    [
        (3.0, 1100, "about 1e332, beyond"),
        (3.0, -1100, "about 1e-331, below"),
        ([[1e300], [-4.0]], 100, "about 1e330, beyond"),
        ([[0.0], [-1e-300]], -100, "about 1e-330, below"),
        (1.0, 1024, "about 1e308, beyond"),
        (1.0, -1023, "about 1e-308, below"),
    ],
)
def test_a_size_that_leaves_float64_is_told(x, exponent, message):
    with np.errstate(all="raise"), pytest.raises(OverflowError, match=f"D is {message} float64"):
        in_given_units(np.asarray(x), exponent, "D")


def test_the_ends_of_float64_fit_and_what_is_far_smaller_may_vanish():
    with np.errstate(all="raise"):
        assert in_given_units(1.0, -1022, "D") == float(TINY)
        assert in_given_units(2 - 2.0**-52, 1023, "D") == float(MOST)
        assert in_given_units(np.array([1.0, 1e-300]), -100, "D").tolist() == [2.0**-100, 0.0]
        assert in_given_units(np.zeros(2), 5000, "D").tolist() == [0.0, 0.0]


# Defaults ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two-by-two", "perturbed-completion", "real-system"])
@pytest.mark.parametrize("exponent", [0, -20, 9])
def test_the_default_start_and_step_fall_and_depend_on_no_units(name, exponent):
    p, problem, X, _ = published_point(name)
    paths = []
    for e in (0, exponent):
        there = scaled(problem, e)
        directions = simulated.escape_directions(there, np.ldexp(X, e))
        span = SpanObjective(there, directions.generators, p.settings.order)
        base, visible, _ = (float(np.linalg.norm(x)) ** span.order for x in span.generators)
        rho = default_rho(span)
        assert rho * visible == pytest.approx(0.1 * base, rel=1e-12)
        start = [1.0, rho, 0.0]
        eta = default_step_size(span, start, iterations=400)
        path = simulated.descend(span, start, step_size=eta, iterations=400)
        assert path.iterations == 400
        natural = span.normalised()
        c = span.units.coefficients_for(natural.units, path.coefficients)
        values = natural.value(c)
        assert np.all(np.diff(values) <= natural.noise(c[:-1]))
        assert values[-1] < values[0]
        paths.append(c)
    np.testing.assert_allclose(paths[1], paths[0], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("seed", [2, 5, 8])
def test_the_default_step_is_tried_where_the_start_is_stationary_to_rounding(seed):
    """ρ v̂ is lost beside ŵ, and the gradient is zero, but what rounding leaves grows with T."""
    problem = sensing.gaussian(n=3, rank=1, m=5, seed=seed)
    X = sensing.spurious_point(problem, seed=0)
    span = SpanObjective(problem, simulated.escape_directions(problem, X).generators, 3)
    eta = default_step_size(span, [1.0, 1e-300, 0.0], iterations=1000)
    path = simulated.descend(span, [1.0, 1e-300, 0.0], step_size=eta, iterations=1000)
    assert path.iterations == 1000
    natural = span.normalised()
    c = span.units.coefficients_for(natural.units, path.coefficients)
    assert natural.value(c[-1]) <= natural.value(c[0]) + natural.noise(c[0])


def test_defaults_refuse_what_they_cannot_use():
    span = SpanObjective(sensing.two_by_two(), [[[1.0], [0.0]], [[0.0], [0.0]]], 3)
    with pytest.raises(ValueError, match="nonzero first generators"):
        default_rho(span)
    with pytest.raises(ValueError, match="relative"):
        default_rho(span, relative=0.0)
    with pytest.raises(ValueError, match="iterations"):
        default_step_size(span, [1.0, 0.0], iterations=-1)
    # At a stationary start any step does.
    assert default_step_size(span, [0.0, 0.0], iterations=5) > 0


def test_a_default_start_beyond_float64_is_refused_by_its_name_with_what_to_divide():
    problem = SensingProblem(RankOneOperator(np.eye(2)), [1e-120, 1e-120])
    span = SpanObjective(problem, [[[1.0], [1.0]], [[1e-120], [0.0]]], 3)
    with pytest.raises(
        OverflowError, match=r"^ρ is about 1e359, beyond float64; divide b by 1\.4e"
    ):
        default_rho(span)


@pytest.mark.parametrize("own_K", [0.0, -1e-66])
def test_what_rounding_leaves_of_an_invisible_generator_is_no_scale(own_K):
    """⟨A(XXᵀ), A(XXᵀ)⟩ is a difference of rounded numbers: it may be zero, or less."""
    K, B = np.zeros((1, 1, 1, 1)), np.array([[1e-35]])
    K[0, 0, 0, 0] = own_K
    assert np.isfinite(Units.natural(3, K, B).log_scales).all()
