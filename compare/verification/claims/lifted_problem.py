"""Section 2: the lifted problem, explicit tensors against their definition."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.validation import FloatArray

from .case import Case
from .claim import Finding, conditional, equal, exact
from .rounding import size


@exact("lifted-value", "lifted value", 2)
def lifted_value(case: Case) -> Finding:
    """h^l(ŵ) = ½(‖A(X̂X̂ᵀ)‖^{2l} − 2⟨A(X̂X̂ᵀ), b⟩^l + ‖b‖^{2l})

    At ŵ = vec(X̂)^{⊗l} the residual A^{⊗l}(⟨P(w), P(w)⟩) − b^{⊗l} is A(X̂X̂ᵀ)^{⊗l} − b^{⊗l}.
    """
    y, b, order = case.sense(case.X @ case.X.T), case.b, case.order
    terms = np.array([(y @ y) ** order, -2 * (y @ b) ** order, (b @ b) ** order]) / 2
    value = float(case.lifted.value(case.lifted_point))
    return equal(value, float(terms.sum()), case.rounding.value(case.lifted_length))


@exact("lifted-gradient", "lifted gradient", 2)
def lifted_gradient(case: Case) -> Finding:
    """∇h^l(w) = 2 [(A*A)^{⊗l}⟨P(w),P(w)⟩ − A*(b)^{⊗l}] P(w)

    ⟨∇h^l(w), d⟩ against five-point differences of h^l (a quartic on a line) at a random w.
    """
    w, d = _random_point(case, 20), _random_direction(case, 21)
    t = size(w) / 4
    h = [float(case.lifted.value(w + s * t * d)) for s in (-2, -1, 1, 2)]
    difference = (h[0] - 8 * h[1] + 8 * h[2] - h[3]) / (12 * t)
    error = abs(difference - float(np.sum(np.asarray(case.lifted.gradient(w)) * d)))
    far = size(w) + 2 * t
    # Eighteen values over 12 t, and the slope itself.
    rounding = 1.5 * case.rounding.value(far) / t + case.rounding.gradient(far)
    return equal(error, 0.0, rounding)


@exact("lifted-hessian", "lifted Hessian", 2)
def lifted_hessian(case: Case) -> Finding:
    """∇²h^l(w)[d] is the derivative of ∇h^l along d

    Against four-point differences of ∇h^l (a cubic on a line) at a random w.
    """
    w, d = _random_point(case, 22), _random_direction(case, 23)
    t = size(w) / 4
    g = [np.asarray(case.lifted.gradient(w + s * t * d)) for s in (-2, -1, 1, 2)]
    difference = (8 * (g[2] - g[1]) - (g[3] - g[0])) / (12 * t)
    error = size(difference - np.asarray(case.lifted.hessian_product(w, d)))
    far = size(w) + 2 * t
    rounding = 1.5 * case.rounding.gradient(far) / t + case.rounding.hessian(far)
    return equal(error, 0.0, rounding)


@conditional("lifted-stationary", "ŵ is stationary", 2)
def lifted_stationary(case: Case) -> Finding:
    """∇h(X̂) = 0 ⇒ ∇h^l(ŵ) = 0

    ∇h^l(ŵ) = 2 [p^{⊗l} − s^{⊗l}] with p = A*A(X̂X̂ᵀ) X̂ and s = A*(b) X̂, which are equal where
    ∇h(X̂) = 0. The tolerance is the rounding of the terms, (‖A‖² ‖X̂‖³)^l and (‖A‖ ‖b‖ ‖X̂‖)^l, and
    what the gradient that X̂ was left with leaves: 2 l (‖p‖ + ‖s‖)^{l−1} ‖p − s‖.
    """
    case.need_stationary()
    A, X = case.problem.operator, case.X
    p, s = A.adjoint_matmul(A.measure(X, X), X), A.adjoint_matmul(case.b, X)
    left = 2 * case.order * (size(p) + size(s)) ** (case.order - 1) * size(p - s)
    gradient = size(case.lifted.gradient(case.lifted_point))
    scale = 2 * (size(p) ** case.order + size(s) ** case.order)
    tolerance = left + case.rounding.gradient(case.lifted_length)
    lost = "undecided: the terms of ∇h^l(ŵ) are within rounding of zero at this order"
    case.need(tolerance < scale / 10, lost)
    return equal(gradient, 0.0, tolerance)


def _random_point(case: Case, label: int) -> FloatArray:
    """Return ŵ plus noise of half its norm: no symmetry at all, unless it is too large for that."""
    noise = case.noise(label)
    return np.asarray(case.lifted_point + noise * (case.lifted_length / size(noise) / 2))


def _random_direction(case: Case, label: int) -> FloatArray:
    direction = case.noise(label)
    return np.asarray(direction / size(direction))
