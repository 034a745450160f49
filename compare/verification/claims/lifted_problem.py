"""Section 2: the lifted problem, explicit tensors against their definition and Gram matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lift_compare import simulated
from lift_compare.sensing.validation import FloatArray

from ...tolerances import AGREEMENT, DIFFERENCE, IDENTITY, PATH_ROUNDING
from .case import UNSYMMETRIC_ENTRIES, Case
from .claim import Finding, conditional, equal, exact, relative, size, small


@exact("lifted value", 2)
def lifted_value(case: Case) -> Finding:
    """h^l(ŵ) = ½(‖A(X̂X̂ᵀ)‖^{2l} − 2⟨A(X̂X̂ᵀ), b⟩^l + ‖b‖^{2l})

    At ŵ = vec(X̂)^{⊗l} the residual A^{⊗l}(⟨P(w), P(w)⟩) − b^{⊗l} is A(X̂X̂ᵀ)^{⊗l} − b^{⊗l}.
    """
    y, b, order = case.sense(case.X @ case.X.T), case.b, case.order
    terms = np.array([(y @ y) ** order, -2 * (y @ b) ** order, (b @ b) ** order]) / 2
    value = float(case.lifted.value(case.lifted_point))
    return equal(value, float(terms.sum()), AGREEMENT * float(np.abs(terms).max()))


@exact("lifted gradient", 2)
def lifted_gradient(case: Case) -> Finding:
    """∇h^l(w) = 2 [(A*A)^{⊗l}⟨P(w),P(w)⟩ − A*(b)^{⊗l}] P(w)

    ⟨∇h^l(w), d⟩ against five-point differences of h^l (a quartic on a line) at a random w.
    """
    w, d = _random_point(case, 20), _random_direction(case, 21)
    t = size(w) / 4
    h = [float(case.lifted.value(w + s * t * d)) for s in (-2, -1, 1, 2)]
    difference = (h[0] - 8 * h[1] + 8 * h[2] - h[3]) / (12 * t)
    gradient = np.asarray(case.lifted.gradient(w))
    error = abs(difference - float(np.sum(gradient * d)))
    return small(error / (size(gradient) + max(h) / t), DIFFERENCE)


@exact("lifted Hessian", 2)
def lifted_hessian(case: Case) -> Finding:
    """∇²h^l(w)[d] is the derivative of ∇h^l along d

    Against four-point differences of ∇h^l (a cubic on a line) at a random w.
    """
    w, d = _random_point(case, 22), _random_direction(case, 23)
    t = size(w) / 4
    g = [np.asarray(case.lifted.gradient(w + s * t * d)) for s in (-2, -1, 1, 2)]
    difference = (8 * (g[2] - g[1]) - (g[3] - g[0])) / (12 * t)
    product = np.asarray(case.lifted.hessian_product(w, d))
    scale = size(product) + max(map(size, g)) / t
    return small(size(difference - product) / scale, DIFFERENCE)


@conditional("ŵ is stationary", 2)
def lifted_stationary(case: Case) -> Finding:
    """∇h(X̂) = 0 ⇒ ∇h^l(ŵ) = 0

    ∇h^l(ŵ) = 2 [p^{⊗l} − s^{⊗l}] with p = A*A(X̂X̂ᵀ) X̂ and s = A*(b) X̂, which are equal where
    ∇h(X̂) = 0. Measured over 2(‖p‖^l + ‖s‖^l). The tolerance adds l times the relative gradient
    norm that X̂ was left with, and the rounding of what cancels on the way: A*(b)^{⊗l} acts on ŵ
    with (‖A‖ ‖b‖ ‖X̂‖)^l, which may be far above ‖s‖^l.
    """
    case.need_stationary()
    p, s = case.gradient_terms
    scale = 2 * (p**case.order + s**case.order)
    case.need(scale > 0, "A*(b) X̂ = 0: the gradient has no scale")
    error = size(case.lifted.gradient(case.lifted_point)) / scale
    largest = math.sqrt(1 + case.rip.upper_side) * size(case.b) * size(case.X)
    left = 4 * case.order * case.gradient_norm
    cancelled = 2 * PATH_ROUNDING * largest**case.order / scale
    tolerance = IDENTITY * case.order + left + cancelled
    case.need(tolerance < 0.1, "the two terms of A*(b) X̂ cancel beyond float64 at this order")
    return small(error, tolerance)


@exact("powers: inner products", 2)
def inner_products_of_powers(case: Case) -> Finding:
    """⟨vec(X_j)^{⊗l}, vec(X_k)^{⊗l}⟩ = ⟨X_j, X_k⟩^l

    On three random generators: explicit tensors, the formula, and `SpanObjective.gram`.
    """
    X = _generators(case, 24)
    tensors = np.array([np.ravel(case.lifted.lift(each)) for each in X])
    vectors = X.reshape(len(X), -1)
    formula = (vectors @ vectors.T) ** case.order
    differences = (tensors @ tensors.T - formula, _span(case, X).gram - formula)
    return small(max(relative(difference, formula) for difference in differences), IDENTITY)


@exact("powers: h^l", 2)
def value_on_powers(case: Case) -> Finding:
    """h^l(Σ c_j vec(X_j)^{⊗l}) from K(j,k;p,q)^l and B(j,k)^l alone

    ½ [Σ c_j c_k c_p c_q K(j,k;p,q)^l − 2 Σ c_j c_k B(j,k)^l + ‖b‖^{2l}] against the tensor.
    """
    X, c = _generators(case, 25), case.random(26).standard_normal(3)
    explicit = float(case.lifted.value(case.combine(c, X)))
    scale = max(abs(explicit), float((case.b @ case.b) ** case.order))
    return equal(float(_span(case, X).value(c)), explicit, AGREEMENT * scale)


@exact("powers: ∇h^l", 2)
def gradient_on_powers(case: Case) -> Finding:
    """⟨∇h^l(w), vec(X_t)^{⊗l}⟩ from K and B alone

    2 [Σ c_j c_k c_p K(j,k;p,t)^l − Σ_p c_p B(p,t)^l] against the explicit tensor.
    """
    X, c = _generators(case, 27), case.random(28).standard_normal(3)
    gradient = np.asarray(case.lifted.gradient(case.combine(c, X)))
    tensors = [np.asarray(case.lifted.lift(each)) for each in X]
    explicit = np.array([np.sum(gradient * tensor) for tensor in tensors])
    reach = size(gradient) * max(map(size, tensors))
    error = float(np.abs(explicit - _span(case, X).gradient(c)).max())
    return small(error / max(reach, np.finfo(float).tiny), AGREEMENT)


def _random_point(case: Case, label: int) -> FloatArray:
    """Return ŵ plus noise of half its norm: no symmetry at all, unless it is too large for that."""
    noise = _noise(case, label)
    return np.asarray(case.lifted_point + noise * (size(case.lifted_point) / size(noise) / 2))


def _random_direction(case: Case, label: int) -> FloatArray:
    direction = _noise(case, label)
    return np.asarray(direction / size(direction))


def _noise(case: Case, label: int) -> Any:
    """Return a random tensor; above 10,000 entries a symmetric one, a sum of random powers."""
    rng = case.random(label)
    if case.entries <= UNSYMMETRIC_ENTRIES:
        return rng.standard_normal(case.lifted.shape)
    powers = (np.asarray(case.lifted.lift(X)) for X in rng.standard_normal((3, *case.X.shape)))
    return sum(power / size(power) for power in powers)


def _generators(case: Case, label: int) -> FloatArray:
    """Return three random generators of the size of X̂, shape (3, n, r)."""
    X = case.random(label).standard_normal((3, *case.X.shape))
    return np.asarray(X * (size(case.X) / size(X[0])))


def _span(case: Case, X: FloatArray) -> simulated.SpanObjective:
    return simulated.SpanObjective(case.problem, X, case.order)
