"""Section 2, continued: h^l on sums of rank-one powers, from Gram matrices and from tensors."""

from __future__ import annotations

import numpy as np

from lift_compare import sensing, simulated
from lift_compare.sensing.validation import FloatArray

from ...tolerances import NEARLY_PARALLEL, SMALL_PART
from .case import Case
from .claim import Finding, equal, exact, relative, small, small_part
from .rounding import in_range, size


@exact("powers-inner-products", "powers: inner products", 2)
def inner_products_of_powers(case: Case) -> Finding:
    """⟨vec(X_j)^{⊗l}, vec(X_k)^{⊗l}⟩ = ⟨X_j, X_k⟩^l

    On three random generators: explicit tensors, the formula, and `SpanObjective.gram`.
    """
    X = _generators(case, 24)
    tensors = np.array([np.ravel(case.lifted.lift(each)) for each in X])
    vectors = X.reshape(len(X), -1)
    formula = (vectors @ vectors.T) ** case.order
    differences = (tensors @ tensors.T - formula, _span(case, X).gram - formula)
    error = max(relative(difference, formula) for difference in differences)
    return small(error, case.order * case.rounding.unit)


@exact("powers-h", "powers: h^l", 2)
def value_on_powers(case: Case) -> Finding:
    """h^l(Σ c_j vec(X_j)^{⊗l}) from K(j,k;p,q)^l and B(j,k)^l alone

    ½ [Σ c_j c_k c_p c_q K(j,k;p,q)^l − 2 Σ c_j c_k B(j,k)^l + ‖b‖^{2l}] against the tensor.
    """
    X, c = _generators(case, 25), case.random(26).standard_normal(3)
    explicit = float(case.lifted.value(case.combine(c, X)))
    rounding = case.rounding.value(_length(case, c, X))
    return equal(float(_span(case, X).value(c)), explicit, rounding)


@exact("powers-gradient-h", "powers: ∇h^l", 2)
def gradient_on_powers(case: Case) -> Finding:
    """⟨∇h^l(w), vec(X_t)^{⊗l}⟩ from K and B alone

    2 [Σ c_j c_k c_p K(j,k;p,t)^l − Σ_p c_p B(p,t)^l] against the explicit tensor.
    """
    X, c = _generators(case, 27), case.random(28).standard_normal(3)
    gradient = np.asarray(case.lifted.gradient(case.combine(c, X)))
    tensors = [np.asarray(case.lifted.lift(each)) for each in X]
    explicit = np.array([np.sum(gradient * tensor) for tensor in tensors])
    error = float(np.abs(explicit - _span(case, X).gradient(c)).max())
    rounding = case.rounding.gradient(_length(case, c, X)) * max(map(size, tensors))
    return equal(error, 0.0, rounding)


@exact("powers-lines", "powers: lines and ∇²h^l", 2)
def lines_on_powers(case: Case) -> Finding:
    """h^l(w + t d) is a quartic in t, with the slope and the curvature of ∇h^l and ∇²h^l

    For w and d in the span: `along` against `value` at five t, `gradient` and `hessian`, and
    `gain` against `value`.
    """
    X = _generators(case, 34)
    c, d = case.random(35).standard_normal((2, 3))
    span = _span(case, X)
    quartic, t = span.along(c, d), np.array([-1.0, -0.5, 0.5, 1.0, 0.0])
    values = np.array([float(span.value(c + s * d)) for s in t])
    on_line = np.polynomial.polynomial.polyval(t, quartic)
    gained = float(span.value(np.zeros(3))) - float(span.value(c)) - float(span.gain(c))
    slope = float(span.gradient(c) @ d) - quartic[1]
    curvature = float(d @ span.hessian(c) @ d) - 2 * quartic[2]
    error = float(np.abs([*(values - on_line), gained, slope, curvature]).max())
    # The coefficients of the line are at most 6 values of the magnitudes at |c| + |d|.
    rounding = 12 * case.rounding.value(_length(case, np.abs(c) + np.abs(d), X))
    return equal(error, 0.0, rounding)


@exact("powers-logarithms", "powers: logarithms", 2)
def logarithms_on_powers(case: Case) -> Finding:
    """h^l and its gain are the same in plain numbers, in logarithms and in natural units

    `log_value`, `log_gain` and `normalised` against `value` and `gain`.
    """
    X, c = _generators(case, 36), case.random(37).standard_normal(3)
    span = _span(case, X)
    value, gain = float(span.value(c)), float(span.gain(c))
    sign, log = span.log_gain(c)
    natural = span.normalised()
    scales = np.linalg.norm(X, axis=(1, 2)) / np.linalg.norm(natural.generators, axis=(1, 2))
    unit = float(case.b @ case.b) ** case.order
    errors = (
        float(np.exp(span.log_value(c))) - value,
        float(sign * np.exp(log)) - gain,
        float(natural.value(c * scales**case.order)) * unit - value,
    )
    rounding = 2 * case.rounding.value(_length(case, c, X))
    return equal(float(np.abs(errors).max()), 0.0, rounding)


@exact("powers-nearly-parallel", "powers: nearly parallel", 6)
def nearly_parallel(case: Case) -> Finding:
    """Π_S ∇h^l(w) of nearly parallel generators, whose Gram matrix is nearly singular

    X_1 and X_2 differ by a hundredth: γ and Γ⁺ from Gram data against the explicit gradient,
    projected by an orthonormal basis (QR) of the tensors.
    """
    case.need(case.X.size > 1, "a single entry: all generators are parallel")
    X, other = case.random(38).standard_normal((2, *case.X.shape))
    X = X / size(X)
    other = other - np.sum(X * other) * X
    pair = np.stack([X, X + NEARLY_PARALLEL * other / size(other)]) * size(case.X)
    c = np.array([1.0, -0.5])
    tensors = np.array([np.ravel(case.lifted.lift(each)) for each in pair])
    gradient = np.ravel(case.lifted.gradient(case.combine(c, pair)))
    basis = np.linalg.qr(tensors.T)[0]
    explicit = basis @ (basis.T @ gradient)
    ours = _span(case, pair).projected_gradient(c) @ tensors
    # The sine of the angle between the tensors magnifies the rounding, once on either side.
    rounding = 2 * case.rounding.gradient(_length(case, c, pair)) / NEARLY_PARALLEL
    return equal(size(explicit - ours), 0.0, rounding)


@exact("small-measurements", "small measurements", 2)
def small_measurements(case: Case) -> Finding:
    """what is small is not noise: the gain is c²B^l − ½c⁴K^l where b is nearly ⟂ to A(XXᵀ)

    With b′ at a cosine of 1e-4 / l² to A(XXᵀ), and c so small that the first term decides.
    """
    case.need(case.problem.m > 1, "m = 1: all measurements are parallel")
    X, A = _generators(case, 39)[:1], case.problem.operator
    y = A.measure(X[0], X[0])
    other = case.random(40).standard_normal(y.shape)
    y_unit = y / size(y)
    other = other - (other @ y_unit) * y_unit
    cosine = SMALL_PART / case.order**2
    b = cosine * y_unit + other / size(other)
    span = simulated.SpanObjective(sensing.SensingProblem(A, b, case.problem.rank), X, case.order)
    # c² K^l = B^l: then the gain is B^{2l} / 2K^l.
    B, K = float(y @ b), float(y @ y)
    c = in_range((B / K) ** (case.order / 2), "(B / K)^{l/2}")
    sign, log = span.log_gain([c])
    expected = 2 * case.order * np.log(B) - case.order * np.log(K) - np.log(2)
    # A(XXᵀ) cancels from ‖A‖ ‖X‖², and its inner product with b once more.
    magnified = case.rounding.operator * size(X[0]) ** 2 / size(y) / cosine
    error = abs(float(log) - expected) if sign > 0 else np.inf
    return small(min(error, 1.0), 4 * case.order * case.rounding.unit * magnified)


@exact("diagonal-surrogate", "diagonal surrogate", 8)
def diagonal_surrogate(case: Case) -> Finding:
    """Σ_i [Σ_jk c_j c_k ⟨A_i, X_j X_kᵀ⟩^l − b_i^l]²

    `DiagonalSurrogate` against the measurements of the n×n matrices sym(X_j X_kᵀ).
    """
    X, c = _generators(case, 41), case.random(42).standard_normal(3)
    residual, terms = -(case.b**case.order), np.abs(case.b) ** case.order
    for j in range(3):
        for k in range(3):
            M = X[j] @ X[k].T
            measured = case.sense((M + M.T) / 2)
            residual = residual + c[j] * c[k] * measured**case.order
            bound = case.rounding.operator * size(X[j]) * size(X[k])
            terms = terms + abs(c[j] * c[k]) * bound**case.order
    found = simulated.DiagonalSurrogate(case.problem, X, case.order).value(c)
    error = abs(float(found) - float(residual @ residual))
    return small_part(error, float(terms @ terms), 2 * case.order * case.rounding.unit)


def _generators(case: Case, label: int) -> FloatArray:
    """Return three random generators of the size of X̂, shape (3, n, r)."""
    X = case.random(label).standard_normal((3, *case.X.shape))
    return np.asarray(X * (size(case.X) / size(X[0])))


def _span(case: Case, X: FloatArray) -> simulated.SpanObjective:
    return simulated.SpanObjective(case.problem, X, case.order)


def _length(case: Case, c: FloatArray, X: FloatArray) -> float:
    """Return Σ |c_j| ‖X_j‖^l, which bounds ‖w‖."""
    norms = np.array([size(each) for each in X])
    return float(np.abs(c) @ norms**case.order)
