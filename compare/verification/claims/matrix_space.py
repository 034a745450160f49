"""Section 1: the problem in matrix space, and what kind of point X̂ is."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.sensing.tolerances import STATIONARY
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated.points.line import LineQuartic

from ...tolerances import (
    FLAT_DIRECTION,
    FLAT_HESSIAN,
    FOURTH_ORDER,
    KERNEL,
    POSITIVE_OBJECTIVE,
)
from .case import Case
from .claim import Finding, conditional, equal, exact, property_of_instance, small, small_part
from .rounding import in_range, size

_MIXTURES = 200  # of several flat directions that are tried


@exact("adjoint", "adjoint", 1)
def adjoint(case: Case) -> Finding:
    """⟨A(LRᵀ), y⟩ = ⟨L, A*(y) R⟩ and A(LRᵀ) = A(RLᵀ)

    On random L, R and y, over ‖A‖ ‖L‖ ‖R‖ ‖y‖.
    """
    A, L, R, y = _random_products(case, 1)
    measured = A.measure(L, R)
    transposed = abs(float(measured @ y) - float(np.sum(L * A.adjoint_matmul(y, R))))
    error = max(transposed, size(measured - A.measure(R, L)) * size(y))
    scale = case.rounding.operator * size(L) * size(R) * size(y)
    return small_part(error, scale, case.rounding.unit)


@exact("operator", "operator", 1)
def operator(case: Case) -> Finding:
    """A(LRᵀ)_i = ⟨A_i, LRᵀ⟩ and A*(y) R = Σ y_i A_i R with symmetric A_i

    The two products against the matrices A_i, on random L, R and y, for L ≠ R and for L = R; and
    a batch of two against each alone.
    """
    n, m = case.problem.n, case.problem.m
    case.need_bytes(2 * m * n**2, "the A_i")
    A, L, R, y = _random_products(case, 6)
    matrices, norm = A.matrices(), case.rounding.operator
    errors = [size(matrices - matrices.transpose(0, 2, 1)) / max(norm, size(matrices))]
    for left, right in ((L, R), (L, L)):
        measured = np.einsum("ipq,pk,qk->i", matrices, left, right)
        error = size(A.measure(left, right) - measured)
        errors.append(error / (norm * size(left) * size(right)))
    image = np.einsum("i,ipq,qk->pk", y, matrices, R)
    errors.append(size(A.adjoint_matmul(y, R) - image) / (norm * size(y) * size(R)))
    pair, ys = np.stack([L, R]), np.stack([y, 2 * y])
    alone = np.stack([A.measure(L, R), A.measure(R, R)])
    errors.append(size(A.measure(pair, R) - alone) / (norm * size(pair) * size(R)))
    alone = np.stack([A.adjoint_matmul(y, L), A.adjoint_matmul(2 * y, R)])
    errors.append(size(A.adjoint_matmul(ys, pair) - alone) / (norm * size(ys) * size(pair)))
    return small(max(errors), case.rounding.unit)


@exact("value", "value", 1)
def value(case: Case) -> Finding:
    """h(X) = ½ ‖A(XXᵀ) − b‖², alone, with the gradient, in a batch and along a line

    From the n×n matrix XXᵀ, at a random X; `objective_and_gradient` gives the same h and ∇h as
    `objective` and `gradient`, a batch the same as its points, and the quartic of a line the same
    as h on it.
    """
    X, h, g = _displaced(case), case.problem.objective, case.problem.gradient
    expected = 0.5 * size(case.sense(X @ X.T) - case.b) ** 2
    together, gradient_too = case.problem.objective_and_gradient(X)
    values, gradients = case.problem.objective_and_gradient(np.stack([X, 2 * X]))
    D = case.random(7).standard_normal(X.shape)
    D *= size(X) / size(D)
    line = LineQuartic.along(case.problem, X, D)
    changes = [line.change(t) + expected - h(X + t * D) for t in (-1.0, 0.5, 1.0)]
    far = 2 * size(X)
    unit = in_range(case.rounding.value(far, 1), "the rounding of h")
    slope_unit = in_range(case.rounding.gradient(far, 1), "the rounding of ∇h")
    errors = [h(X) - expected, together - h(X), *(values - [h(X), h(2 * X)]), *changes]
    slopes = [gradient_too - g(X), gradients[0] - g(X), gradients[1] - g(2 * X)]
    worst = max(*(abs(error) / unit for error in errors), *(size(e) / slope_unit for e in slopes))
    return small(float(worst) * case.rounding.unit, 4 * case.rounding.unit)


@exact("gradient", "gradient", 1)
def gradient(case: Case) -> Finding:
    """∇h(X) = 2 G(X) X

    Against five-point differences of h: exact, as h is a quartic on a line.
    """
    X, D = _displaced(case), _unit(case, 2)
    t = size(X) / 4
    h = [float(case.problem.objective(X + s * t * D)) for s in (-2, -1, 1, 2)]
    difference = (h[0] - 8 * h[1] + 8 * h[2] - h[3]) / (12 * t)
    error = abs(difference - float(np.sum(case.problem.gradient(X) * D)))
    far = size(X) + 2 * t
    # Eighteen values over 12 t, and the slope itself.
    rounding = 1.5 * case.rounding.value(far, 1) / t + case.rounding.gradient(far, 1)
    return equal(error, 0.0, rounding)


@exact("hessian", "Hessian", 1)
def hessian(case: Case) -> Finding:
    """∇²h(X)[D] = 2 G(X) D + 2 A*(A(XDᵀ + DXᵀ)) X

    Against four-point differences of ∇h: exact, as ∇h is a cubic on a line.
    """
    X, D = _displaced(case), _unit(case, 3)
    t = size(X) / 4
    g = [case.problem.gradient(X + s * t * D) for s in (-2, -1, 1, 2)]
    difference = (g[0] - 8 * g[1] + 8 * g[2] - g[3]) / (12 * t)
    error = size(difference - case.problem.hessian_product(X, D))
    far = size(X) + 2 * t
    rounding = 1.5 * case.rounding.gradient(far, 1) / t + case.rounding.hessian(far, 1)
    return equal(error, 0.0, rounding)


def _random_products(case: Case, label: int) -> tuple[Any, FloatArray, FloatArray, FloatArray]:
    """Return the operator with random L, R of two columns, and y."""
    rng = case.random(label)
    L, R = rng.standard_normal((2, case.problem.n, 2))
    return case.problem.operator, L, R, rng.standard_normal(case.problem.m)


def _unit(case: Case, label: int) -> FloatArray:
    noise = case.random(label).standard_normal(case.X.shape)
    return np.asarray(noise / size(noise))


def _displaced(case: Case) -> FloatArray:
    """Return X̂ moved by half its norm: at X̂ ∇h is zero, and a wrong factor would not show."""
    return np.asarray(case.X + _unit(case, 5) * (size(case.X) / 2))


@exact("landscape", "landscape", 1)
def landscape(case: Case) -> Finding:
    """G(X) = Σ_i (⟨A_i, XXᵀ⟩ − b_i) A_i, and ‖∇h‖ relative to ‖2 A*(A(XXᵀ))X‖ + ‖2 A*(b)X‖

    At a random X: `landscape`, and `relative_gradient_norm` from the n×n matrices.
    """
    X, A, eye = _displaced(case), case.problem.operator, np.eye(case.problem.n)
    case.need_bytes(2 * case.problem.m * case.problem.n**2, "the A_i")
    matrices = A.matrices()
    terms = [np.tensordot(y, matrices, 1) for y in (case.sense(X @ X.T), case.b)]
    G = terms[0] - terms[1]
    rounding = case.rounding.hessian(size(X), 1)
    error = size(case.problem.landscape(X) @ eye - G) / in_range(rounding, "the rounding of G")
    scale = sum(size(term @ X) for term in terms)
    relative = sensing.relative_gradient_norm(case.problem, X)
    lost = abs(relative * scale - size(G @ X)) / case.rounding.gradient(size(X), 1)
    return small(max(error, lost) * case.rounding.unit, case.rounding.unit)


@exact("descent", "descent", 1)
def descent(case: Case) -> Finding:
    """gradient descent is X ← X − η ∇h(X), and records h and ‖∇h‖ on its way

    Three steps from a random X at a step of a tenth of ‖X‖ / ‖∇h‖, against `gradient` and
    `objective`.
    """
    X = _displaced(case)
    step = size(X) / 10 / in_range(size(case.problem.gradient(X)), "∇h")
    run = sensing.gradient_descent(case.problem, X, step_size=step, max_iterations=3)
    by_hand, values, slopes = X, [], []
    for _ in range(4):
        values.append(case.problem.objective(by_hand))
        slopes.append(size(case.problem.gradient(by_hand)))
        last, by_hand = by_hand, by_hand - step * case.problem.gradient(by_hand)
    case.need(run.iterations == 3, "the descent ended early")
    far = max(size(last), size(X))
    moved = step * case.rounding.hessian(far, 1) / case.rounding.unit
    grown = (1 + moved) ** 3  # how much three steps magnify an error
    value_error = np.abs(run.history.objective - values).max() / case.rounding.value(far, 1)
    slope_error = np.abs(run.history.gradient_norm - slopes).max() / case.rounding.gradient(far, 1)
    point_error = size(run.point - last) / (case.rounding.unit * far)
    worst = max(float(value_error), float(slope_error), point_error) / grown
    return small(worst * case.rounding.unit, 4 * case.rounding.unit)


@exact("distance", "distance", 1)
def distance(case: Case) -> Finding:
    """‖XXᵀ − ZZᵀ‖² = ‖XᵀX‖² − 2‖XᵀZ‖² + ‖ZᵀZ‖²

    The distance itself is taken without an n×n matrix.
    """
    case.need(case.problem.ground_truth is not None, "no ground truth is known")
    X, Z = case.X, np.asarray(case.problem.ground_truth)
    XX, XZ, ZZ = (float(np.sum((L.T @ R) ** 2)) for L, R in ((X, X), (X, Z), (Z, Z)))
    error = abs(case.problem.distance(X) ** 2 - (XX - 2 * XZ + ZZ))
    return small_part(error, XX + ZZ, case.rounding.unit)


@property_of_instance("point-is-stationary", "X̂ is stationary", 1)
def stationary(case: Case) -> Finding:
    """∇h(X̂) = 0

    Measured over ‖2 A*(A(X̂X̂ᵀ)) X̂‖ + ‖2 A*(b) X̂‖.
    """
    return small(case.gradient_norm, STATIONARY)


@property_of_instance("point-is-spurious", "X̂ is spurious", 1)
def spurious(case: Case) -> Finding:
    """h(X̂) > 0

    While h(Z) = 0; measured in units of h(0) = ½‖b‖².
    """
    case.need_stationary()
    case.need_noiseless()
    value = case.objective / case.problem.objective_at_zero
    return Finding(value > POSITIVE_OBJECTIVE, value, "> 0", POSITIVE_OBJECTIVE)


@conditional("orthogonal-symmetry", "orthogonal symmetry", 1)
def orthogonal_symmetry(case: Case) -> Finding:
    """∇²h(X̂)[X̂Ω] = 0 for antisymmetric Ω: r > 1 brings flat directions

    h(XQ) = h(X) for orthogonal Q, so at a stationary point these directions are in the kernel.
    ∇²h[X̂Ω] = ∇h(X̂) Ω in general, so what is left of the gradient is left here too.
    """
    case.need(case.problem.rank > 1, "r = 1: only the sign of X̂ is free")
    case.need_stationary()
    images = case.hessian @ _orbit(case.X)
    left = case.leftover_gradient / size(case.X)
    # An orbit of a nearly rank-deficient X̂ is a basis to KERNEL of the largest singular value.
    values = np.linalg.svd(case.X, compute_uv=False)
    kept = values[values > KERNEL * values[0]][-1] / values[0]
    rounding = case.rounding.hessian(case.rounding.point, 1)
    return equal(float(np.abs(images).max()), 0.0, (rounding + 10 * left) / float(kept))


@property_of_instance("point-is-a-local-minimum", "X̂ is a local minimum", 1)
def local_minimum(case: Case) -> Finding:
    """h(X̂) ≤ h(X) for every X near X̂

    Decided by the spectrum of ∇²h(X̂); where it is flat beyond the O(r) symmetry, by the fourth
    order. A negative eigenvalue: a saddle. Only the r(r−1)/2 flat directions X̂Ω: a minimum, strict
    up to symmetry. Otherwise, for each flat direction D, h(X̂ + tD + t²Y) with the best Y(D) has no
    quadratic part, and

        c₃ = ⅙ ∇³h[D,D,D],      c₄ = ¹⁄₂₄ ∇⁴h[D,D,D,D] − ⅛ ⟨T, (∇²h)⁺ T⟩,   T = ∇³h[D,D,·]

    decide: c₃ ≠ 0 or c₄ < 0 is no minimum; c₃ = 0 < c₄ is one, when there is one flat direction
    only.
    """
    case.need_stationary()
    # 1. The spectrum of the Hessian.
    values, vectors = np.linalg.eigh(case.hessian)
    rounding = case.rounding.hessian(case.rounding.point, 1)
    level = max(FLAT_HESSIAN * float(np.abs(values).max()), rounding)
    least = float(values[0])
    if least < -level:
        why = "a saddle: the Hessian has a negative eigenvalue"
        return Finding(False, least, "≥ 0", level, why)
    # 2. Its kernel, less the directions of the symmetry.
    kernel, orbit = vectors[:, np.abs(values) <= level], _orbit(case.X)
    flat = _column_space(kernel - orbit @ (orbit.T @ kernel), FLAT_DIRECTION)
    dimension = flat.shape[1]
    if dimension == 0:
        symmetry = f" up to the {orbit.shape[1]} directions X̂Ω" if orbit.shape[1] else ""
        return Finding(True, least, "≥ 0", level, f"strict{symmetry}")
    # 3. The third and fourth order along each of what is left, and along mixtures of several.
    steep = np.abs(values) > level
    inverse = (vectors[:, steep] / values[steep]) @ vectors[:, steep].T
    directions = flat
    if dimension > 1:
        weights = case.random(4).standard_normal((dimension, _MIXTURES))
        directions = np.hstack([flat, flat @ (weights / np.linalg.norm(weights, axis=0))])
    for D in directions.T:
        c3, c4, unit = _fourth_order(case, D.reshape(case.X.shape), inverse)
        zero = FOURTH_ORDER * unit
        if abs(c3) > zero:
            why = "degenerate: the cubic term along a flat direction is not zero"
            return Finding(False, c3, 0.0, zero, why)
        if c4 < -zero:
            why = "degenerate: the fourth order along a flat direction falls"
            return Finding(False, c4, "≥ 0", zero, why)
    words = f"degenerate: {dimension} flat direction(s) beyond symmetry"
    tried = f"up to the fourth order h falls along none of the {len(directions.T)} tried"
    case.need(dimension == 1 and c4 > zero, f"{words}; {tried}: undecided")
    return Finding(True, least, "≥ 0", level, f"{words}; the fourth order rises (c₄ = {c4:.3g})")


def _fourth_order(case: Case, D: FloatArray, inverse: FloatArray) -> tuple[float, float, float]:
    """Return c₃, c₄ and their scale at the flat direction D.

    From A((X+tD)(X+tD)ᵀ) = y₀ + 2t y₁ + t² y₂: ⅙∇³h[D³] = 2⟨y₁, y₂⟩, ¹⁄₂₄∇⁴h[D⁴] = ½‖y₂‖², and
    ½ ∇³h[D,D,·] = 2 A*(y₂) X + 4 A*(y₁) D.
    """
    A = case.problem.operator
    y1, y2 = A.measure(case.X, D), A.measure(D, D)
    half_T = (2 * A.adjoint_matmul(y2, case.X) + 4 * A.adjoint_matmul(y1, D)).ravel()
    c3, c4 = 2 * float(y1 @ y2), 0.5 * float(y2 @ y2) - 0.5 * float(half_T @ inverse @ half_T)
    return c3, c4, max(float(y2 @ y2 + y1 @ y1), np.finfo(float).tiny)


def _orbit(X: FloatArray) -> FloatArray:
    """Return an orthonormal basis of {XΩ : Ωᵀ = −Ω}, shape (n r, r(r−1)/2) for X of full rank."""
    r, X = X.shape[1], X / size(X)
    tangents = []
    for i in range(r):
        for j in range(i):
            T = np.zeros_like(X)
            T[:, i], T[:, j] = X[:, j], -X[:, i]
            tangents.append(T.ravel())
    return _column_space(np.array(tangents).T.reshape(X.size, -1), KERNEL)


def _column_space(M: FloatArray, tolerance: float) -> FloatArray:
    """Return an orthonormal basis of the columns of M, but for singular values near zero."""
    if M.shape[1] == 0:
        return M
    U, values, _ = np.linalg.svd(M, full_matrices=False)
    return np.asarray(U[:, values > tolerance * max(1.0, float(values[0]))])
