"""Section 2: the lifted problem, explicit tensors against their definition and against Gram matrices."""

from __future__ import annotations

import math

import numpy as np

from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import SpanObjective

from .case import UNSYMMETRIC_ENTRIES, Case
from .claim import Finding, Kind, claim, relative, small


def _random_tensor(case: Case, label: int) -> FloatArray:
    """Return ŵ plus noise of half its norm: a tensor with no symmetry at all, unless it is too large for that."""
    noise = _noise(case, label)
    return np.asarray(
        case.lifted_point + noise * (np.linalg.norm(case.lifted_point) / np.linalg.norm(noise) / 2)
    )


def _unit_tensor(case: Case, label: int) -> FloatArray:
    direction = _noise(case, label)
    return np.asarray(direction / np.linalg.norm(direction))


def _noise(case: Case, label: int) -> FloatArray:
    """Return a random tensor; above 10,000 entries a symmetric one, the sum of three random powers."""
    rng = case.random(label)
    if math.prod(case.lifted.shape) <= UNSYMMETRIC_ENTRIES:
        return rng.standard_normal(case.lifted.shape)
    powers = (np.asarray(case.lifted.lift(X)) for X in rng.standard_normal((3, *case.X.shape)))
    return np.asarray(sum(power / np.linalg.norm(power) for power in powers))


@claim(
    "lifted value",
    "h^l(ŵ) = ½(‖A(X̂X̂ᵀ)‖^{2l} − 2⟨A(X̂X̂ᵀ), b⟩^l + ‖b‖^{2l})",
    section=2,
    kind=Kind.EXACT,
)
def lifted_value(case: Case) -> Finding:
    """h^l(w) = ½ ‖A^{⊗l}(⟨P(w), P(w)⟩) − b^{⊗l}‖²; at ŵ = vec(X̂)^{⊗l} the residual is A(X̂X̂ᵀ)^{⊗l} − b^{⊗l}."""
    y, b, order = case.sense(case.X @ case.X.T), case.b, case.order
    terms = np.array([(y @ y) ** order, -2 * (y @ b) ** order, (b @ b) ** order]) / 2
    value = float(case.lifted.value(case.lifted_point))
    error = abs(value - float(terms.sum())) / float(np.abs(terms).max())
    return Finding(error <= 1e-10, value, float(terms.sum()), 1e-10 * float(np.abs(terms).max()))


@claim(
    "lifted gradient",
    "∇h^l(w) = 2 [(A*A)^{⊗l}⟨P(w),P(w)⟩ − A*(b)^{⊗l}] P(w)",
    section=2,
    kind=Kind.EXACT,
)
def lifted_gradient(case: Case) -> Finding:
    """⟨∇h^l(w), d⟩ against five-point differences of h^l (a quartic on a line) at a random tensor w."""
    w, d = _random_tensor(case, 20), _unit_tensor(case, 21)
    t = float(np.linalg.norm(w)) / 4
    values = [float(case.lifted.value(w + s * t * d)) for s in (-2, -1, 1, 2)]
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * t)
    gradient = case.lifted.gradient(w)
    error = abs(difference - float(np.sum(gradient * d)))
    return small(error / (float(np.linalg.norm(gradient)) + max(values) / t), 1e-9)


@claim(
    "lifted Hessian", "∇²h^l(w)[d] is the derivative of ∇h^l along d", section=2, kind=Kind.EXACT
)
def lifted_hessian(case: Case) -> Finding:
    """∇²h^l(w)[d] against four-point differences of ∇h^l (a cubic on a line) at a random tensor w."""
    w, d = _random_tensor(case, 22), _unit_tensor(case, 23)
    t = float(np.linalg.norm(w)) / 4
    g = [np.asarray(case.lifted.gradient(w + s * t * d)) for s in (-2, -1, 1, 2)]
    difference = (8 * (g[2] - g[1]) - (g[3] - g[0])) / (12 * t)
    product = np.asarray(case.lifted.hessian_product(w, d))
    scale = float(np.linalg.norm(product)) + max(float(np.linalg.norm(each)) for each in g) / t
    return small(float(np.linalg.norm(difference - product)) / scale, 1e-9)


@claim("ŵ is stationary", "∇h(X̂) = 0 ⇒ ∇h^l(ŵ) = 0", section=2, kind=Kind.CONDITIONAL)
def lifted_stationary(case: Case) -> Finding:
    """∇h^l(ŵ) = 2 [p^{⊗l} − s^{⊗l}] with p = A*A(X̂X̂ᵀ) X̂ and s = A*(b) X̂, which are equal where ∇h(X̂) = 0.

    Measured over 2(‖p‖^l + ‖s‖^l). The tolerance adds l times the relative gradient norm that X̂
    was left with, and the rounding of what cancels on the way: A*(b)^{⊗l} acts on ŵ with (‖A‖ ‖b‖
    ‖X̂‖)^l, which may be far above ‖s‖^l.
    """
    case.need_stationary()
    A = case.problem.operator
    p, s = (
        float(np.linalg.norm(A.adjoint_matmul(y, case.X)))
        for y in (A.measure(case.X, case.X), case.b)
    )
    scale = 2 * (p**case.order + s**case.order)
    case.need(scale > 0, "A*(b) X̂ = 0: the gradient has no scale")
    error = float(np.linalg.norm(case.lifted.gradient(case.lifted_point))) / scale
    largest = math.sqrt(1 + case.rip.upper_side) * float(
        np.linalg.norm(case.b) * np.linalg.norm(case.X)
    )
    tolerance = (
        1e-11 * case.order
        + 4 * case.order * case.gradient_norm
        + 1e-13 * 2 * largest**case.order / scale
    )
    case.need(tolerance < 0.1, "the two terms of A*(b) X̂ cancel beyond float64 at this order")
    return small(error, tolerance)


@claim(
    "powers: inner products",
    "⟨vec(X_j)^{⊗l}, vec(X_k)^{⊗l}⟩ = ⟨X_j, X_k⟩^l",
    section=2,
    kind=Kind.EXACT,
)
def inner_products_of_powers(case: Case) -> Finding:
    """Γ_jk = ⟨X_j, X_k⟩^l on three random generators: explicit tensors, the formula, and `SpanObjective.gram`."""
    X = _generators(case, 24)
    tensors = np.array([np.ravel(case.lifted.lift(each)) for each in X])
    vectors = X.reshape(len(X), -1)
    formula = (vectors @ vectors.T) ** case.order
    explicit = tensors @ tensors.T
    return small(
        max(
            relative(explicit - formula, formula), relative(_span(case, X).gram - formula, formula)
        ),
        1e-11,
    )


@claim(
    "powers: h^l",
    "h^l(Σ c_j vec(X_j)^{⊗l}) from K(j,k;p,q)^l and B(j,k)^l alone",
    section=2,
    kind=Kind.EXACT,
)
def value_on_powers(case: Case) -> Finding:
    """h^l(w) = ½ [Σ c_j c_k c_p c_q K(j,k;p,q)^l − 2 Σ c_j c_k B(j,k)^l + ‖b‖^{2l}] against the explicit tensor."""
    X, c = _generators(case, 25), case.random(26).standard_normal(3)
    explicit = float(case.lifted.value(_combine(case, X, c)))
    scale = float((case.b @ case.b) ** case.order)
    exact = float(_span(case, X).value(c))
    return Finding(
        abs(explicit - exact) <= 1e-10 * max(abs(explicit), scale),
        exact,
        explicit,
        1e-10 * max(abs(explicit), scale),
    )


@claim("powers: ∇h^l", "⟨∇h^l(w), vec(X_t)^{⊗l}⟩ from K and B alone", section=2, kind=Kind.EXACT)
def gradient_on_powers(case: Case) -> Finding:
    """⟨∇h^l(w), vec(X_t)^{⊗l}⟩ = 2 [Σ c_j c_k c_p K(j,k;p,t)^l − Σ_p c_p B(p,t)^l] against the explicit tensor."""
    X, c = _generators(case, 27), case.random(28).standard_normal(3)
    gradient = np.asarray(case.lifted.gradient(_combine(case, X, c)))
    tensors = [np.asarray(case.lifted.lift(each)) for each in X]
    explicit = np.array([np.sum(gradient * tensor) for tensor in tensors])
    reach = float(np.linalg.norm(gradient)) * np.array(
        [float(np.linalg.norm(tensor)) for tensor in tensors]
    )
    return small(
        float(np.abs(explicit - _span(case, X).gradient(c)).max() / max(reach.max(), 1e-300)), 1e-10
    )


def _generators(case: Case, label: int) -> FloatArray:
    """Return three random generators of the size of X̂, shape (3, n, r)."""
    X = case.random(label).standard_normal((3, *case.X.shape))
    return np.asarray(X * (np.linalg.norm(case.X) / np.linalg.norm(X[0])))


def _combine(case: Case, X: FloatArray, c: FloatArray) -> FloatArray:
    return np.asarray(
        sum(weight * np.asarray(case.lifted.lift(each)) for weight, each in zip(c, X, strict=True))
    )


def _span(case: Case, X: FloatArray) -> SpanObjective:
    return SpanObjective(case.problem, X, case.order)
