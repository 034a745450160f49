"""Sections 10 to 12: the Hessian at ŵ, the power of least curvature, and what a span leaves out."""

from __future__ import annotations

import math

import numpy as np

from lift_compare import lifting, sensing, simulated
from lift_compare.sensing.tolerances import FORM_ROUNDING, STATIONARY
from lift_compare.sensing.validation import FloatArray

from ...tolerances import ADMISSIBLE, ONE_LINE, ORACLE_SEARCH
from .case import UNSYMMETRIC_ENTRIES, Case
from .claim import Finding, below, conditional, equal, exact, property_of_instance
from .oracle import eigenvalue_rounding, need_converged
from .rounding import size

_RESTARTS = 20
"""Of a search over all tensors. Where ∇²h^l(ŵ) has no negative eigenvalue, as at a solution, its
least ones cluster at zero: a thousand restarts, a minute at 9⁵ entries, did not separate them."""

_DESCENT = 200  # steps from an escaped point


@exact("hessian-at-lifted-point", "Hessian at ŵ", 10)
def hessian_at_point(case: Case) -> Finding:
    """∇²h^l(ŵ) = 2[N₁^{⊗l} − N₂^{⊗l} + 2P^{⊗l}]

    N₁ = A*A(X̂X̂ᵀ) ⊗ I, N₂ = A*(b) ⊗ I, P = BᵀB with B(V) = A(X̂Vᵀ), on every mode of a tensor: a
    random one, or a random power where that is too large. Against the product of the form in use.
    """
    d = case.random(100).standard_normal(case.X.shape)
    tensor = np.asarray(case.lifted.lift(d / size(d)))
    if case.entries <= UNSYMMETRIC_ENTRIES:
        tensor = case.random(101).standard_normal(case.lifted.shape)
        tensor /= size(tensor)
    N1, N2, P = (_on_every_mode(M, tensor) for M in case.landscape_forms)
    product = np.asarray(case.lifted.hessian_product(case.lifted_point, tensor))
    error = size(product - 2 * (N1 - N2 + 2 * P))
    return equal(error, 0.0, 2 * case.rounding.hessian(case.lifted_length))


@exact("curvature-lifted-point", "least curvature at ŵ", 10)
def least_at_point(case: Case) -> Finding:
    """the least eigenvalue of 2[N₁^{⊗l} − N₂^{⊗l} + 2P^{⊗l}] is that of ∇²h^l(ŵ)

    `least_curvature_at_point`, which never forms a residual, against `least_curvature` on the
    tensors.
    """
    need_converged(case)
    found = lifting.least_curvature_at_point(
        case.problem, case.X, case.order, memory_limit=case.memory_limit, seed=case.seed
    )
    case.need(found.stop_reason is sensing.StopReason.CONVERGED, "its search did not converge")
    return equal(found.value, case.oracle.value, eigenvalue_rounding(case))


@exact("curvatures-in-order", "least curvatures in order", 10)
def curvatures_in_order(case: Case) -> Finding:
    """least over all tensors ≤ least over symmetric tensors ≤ 2 q_l(V*)

    Each is the least over a smaller set of unit tensors: all, symmetric ones, powers. What a search
    has not found to its tolerance is only an upper bound, of which nothing follows.
    """
    everything, symmetric = (
        lifting.least_curvature_at_point(
            case.problem,
            case.X,
            case.order,
            symmetric=symmetric,
            memory_limit=case.memory_limit,
            seed=case.seed,
            tolerance=ORACLE_SEARCH,
            max_iterations=_RESTARTS,
        )
        for symmetric in (False, True)
    )
    for found in (everything, symmetric):
        what = f"a least curvature was not found: ≤ {found.value:.4g} after {_RESTARTS} restarts"
        case.need(found.stop_reason is sensing.StopReason.CONVERGED, what)
    slack = eigenvalue_rounding(case)
    power = case.product_oracle.curvature
    holds = everything.value - slack <= symmetric.value <= power + slack
    return Finding(holds, symmetric.value, f"{everything.value:.6g} to {power:.6g}", slack)


@exact("curvature-along-v-star", "curvature along V*", 11)
def curvature_of_oracle(case: Case) -> Finding:
    """2 q_l(V*) = 2 (K₁^l − K₂^l + 2K₃^l) for the direction returned

    With K₁ = ⟨V, N₁V⟩, K₂ = ⟨V, N₂V⟩ and K₃ = ⟨V, PV⟩ from the matrices.
    """
    oracle = case.product_oracle
    expected = _power_curvature(case, oracle.direction, case.order)
    return equal(oracle.curvature, expected, _power_rounding(case, case.order))


@property_of_instance("saddle-along-v-star", "strict saddle along V*", 11)
def saddle_along_oracle(case: Case) -> Finding:
    """2 q_l(V*) < 0

    ŵ is a strict saddle of h^l along a rank-one power, the lowest that was found.
    """
    case.need_stationary()
    value = case.product_oracle.curvature
    return below(value, 0.0, _power_rounding(case, case.order))


@exact("saddle-certificate", "saddle certificate", 11)
def certificate(case: Case) -> Finding:
    """w₁N₁ + w₂N₂ + w₃P is positive semidefinite for every part of the certificate

    The least eigenvalue of each dense matrix, over its size; and the weights are admissible:
    a^{l'} + (c 2^{−1/l})^{l'} ≤ 1 with l' = l/(l − 1) where the argument is by weights.
    """
    proof = case.order_of_powers.certificate
    if proof is None:
        case.need(False, "no order is certified")
        raise AssertionError
    worst, tolerance = 0.0, 0.0
    for part in proof.parts:
        M = sum(w * N for w, N in zip(part.weights, case.landscape_forms, strict=True))
        slack = 2 * part.tolerance + case.rounding.landscape
        worst = min(worst, float(np.linalg.eigvalsh(M)[0]) / slack)
        tolerance = 1.0
    a, c = proof.weights
    by_weights = proof.reason.name in ("WEIGHTS", "PARTS")
    used = _weights_used(proof.order, a, c) if by_weights else 0.0
    holds = worst >= -tolerance and used <= 1 + ADMISSIBLE
    said = f"order {proof.order}; in units of its rounding; weights use {used:.6g} of 1"
    return Finding(holds, worst, f"≥ −{tolerance:g}", tolerance, said)


@exact("certificate-directions", "certificate against directions", 11)
def certificate_against_directions(case: Case) -> Finding:
    """no direction of negative curvature at an order that is certified

    The least curvature found along powers, at every certified odd order up to the case's: V* and
    twenty random V.
    """
    found = case.order_of_powers
    orders = [order for order in range(1, case.order + 1, 2) if order < found.certified_below]
    case.need(bool(orders), "no order up to this one is certified")
    V = case.random(102).standard_normal((20, *case.X.shape))
    V /= np.linalg.norm(V, axis=(1, 2))[:, None, None]
    lowest = 0.0
    for order in orders:
        directions = [simulated.oracle_direction(case.problem, case.X, order).direction, *V]
        slack = _power_rounding(case, order)
        lowest = min([lowest, *(_power_curvature(case, D, order) / slack for D in directions)])
    said = f"orders {orders[0]} to {orders[-1]}; in units of the rounding"
    return Finding(lowest >= -1.0, lowest, "≥ −1", 1.0, said)


@conditional("truth-witness", "truth witness ⇒ saddle", 11)
def witness(case: Case) -> Finding:
    """‖A(X̂(ZQ)ᵀ)‖ < ‖b‖ ⇒ ŵ is a strict saddle along ZQ from some order on

    At a spurious stationary point, where K₁(Z) < K₂(Z) = ‖b‖²: the curvature at the order that the
    witness names, over the size of its terms; and the smallest saddle order is not above it.
    """
    case.need_spurious()
    Z = case.problem.ground_truth
    case.need(Z is not None and Z.shape[1] <= case.problem.rank, "Z has more columns than X")
    found = simulated.truth_witness(case.problem, case.X)
    case.need(found.holds, f"‖A(X̂(ZQ)ᵀ)‖² is {found.K3:.4g} ‖b‖², K₁ {found.K1:.4g} ‖b‖²")
    order = found.order
    if order is None:
        case.need(False, "its order is above 1001")
        raise AssertionError
    K1, K2, K3 = _forms_along(case, found.direction)
    value = (K1 / K2) ** order - 1 + 2 * (K3 / K2) ** order
    slack = 10 * order * case.rounding.unit
    least = case.order_of_powers.order
    if least is None or least > order:
        return Finding(False, least, f"≤ {order}", 0.0, "the smallest saddle order")
    return below(value, 0.0, slack, f"order {order}")


@exact("compressed-problem", "compressed problem", 10)
def compressed(case: Case) -> Finding:
    """h^l on the l-th power of a subspace is the lifted objective of the compressed problem

    For an orthonormal basis of span{X̂, u q_rᵀ, A*A(E₀)X̂}, at a random tensor of k^l entries.
    """
    lifted, flat = case.lifted, case.generators.reshape(len(case.generators), -1)
    U, values, _ = np.linalg.svd((flat / np.linalg.norm(flat, axis=1)[:, None]).T, False)
    E = U[:, values > ONE_LINE * values[0]].T
    small = sensing.compress(case.problem, E.reshape(-1, *case.X.shape))
    lift = lifting.LiftedProblem(small, case.order, memory_limit=case.memory_limit)
    t = np.asarray(lift.lift(case.random(103).standard_normal((len(E), 1))))
    if case.entries <= UNSYMMETRIC_ENTRIES:
        t = case.random(104).standard_normal(lift.shape)
    t *= case.lifted_length / size(t)
    value = float(lifted.value(_on_every_mode(E.T, t)))
    return equal(float(lift.value(t)), value, 4 * case.rounding.value(case.lifted_length))


@exact("gradient-by-powers", "lifted gradient by powers", 12)
def gradient_by_powers(case: Case) -> Finding:
    """½∇h^l(w) = Σ c_j c_k c_p vec(A*(y_jk) X_p)^{⊗l} − Σ c_p vec(A*(b) X_p)^{⊗l}

    Its norm at w_escape = ŵ + ρ v̂, from inner products of matrices, against the tensor.
    """
    w = case.combine(case.escape_start)
    expected = size(np.asarray(case.lifted.gradient(w)))
    slack = 2 * case.rounding.gradient(size(w))
    found = simulated.leakage(case.problem, case.generators, case.escape_start, case.order)
    case.need(bool(np.isfinite(found.log_gradient_norm)), "∇h^l is zero to rounding")
    lost = float(found.rounding) * expected
    return equal(float(found.gradient_norm), expected, slack + lost)


@exact("leakage", "leakage", 12)
def leakage(case: Case) -> Finding:
    """‖∇h^l − Π_S∇h^l‖² / ‖∇h^l‖² at w_escape without a tensor

    Against the projection of the explicit gradient.
    """
    w = case.combine(case.escape_start)
    gradient = np.asarray(case.lifted.gradient(w))
    norm = size(gradient)
    found = simulated.leakage(case.problem, case.generators, case.escape_start, case.order)
    case.need(not math.isnan(found.leakage), "∇h^l is zero to rounding")
    outside = size(gradient - np.asarray(case.span_projection(gradient))) / norm
    lost = 2 * case.rounding.gradient(size(w)) / norm
    projected = case.rounding.unit * math.sqrt(case.gram_condition)
    error = lost + projected + float(found.rounding)  # of the root
    return equal(found.leakage, outside**2, error * (2 * outside + error))


@exact("truth-is-no-saddle", "truth is no saddle", 11)
def truth_is_no_saddle(case: Case) -> Finding:
    """at the truth N₁ = N₂, so ∇²h^l = 4P^{⊗l} is positive semidefinite at every order

    The limit certificate holds there, and the least curvature over all tensors is not negative
    beyond rounding.
    """
    case.need_noiseless()
    Z, r = case.problem.ground_truth, case.problem.rank
    if Z is None or Z.shape[1] > r:
        case.need(False, "Z has more columns than X")
        raise AssertionError
    truth = np.pad(Z, ((0, 0), (0, r - Z.shape[1])))
    found = simulated.saddle_order(case.problem, truth)
    if found.certified_below != math.inf:
        return Finding(False, found.certified_below, "none at any order", 0.0, str(found.reason))
    case.need(case.entries <= UNSYMMETRIC_ENTRIES, f"{case.entries} entries: certified only")
    least = lifting.least_curvature_at_point(
        case.problem, truth, case.order, memory_limit=case.memory_limit, seed=case.seed
    )
    slack = 2 * case.rounding.hessian(size(truth) ** case.order)
    slack += max(least.residual, 0.0)
    return Finding(least.value >= -slack, least.value, "≥ 0", slack)


@conditional("no-return", "X̌ lower ⇒ no return", 12)
def no_return(case: Case) -> Finding:
    """h(X̌) < h(X̂) ⇒ descent from X̌ does not end at X̂

    h falls at every step of a backtracking descent: its end lies below X̂ by no less than X̌ did.
    """
    case.need_negative_eigenvalue()
    escape = simulated.escape(case.problem, case.X)
    case.need(escape.found, f"no escape: {escape.reason}")
    rule = sensing.Backtracking()
    run = sensing.gradient_descent(
        case.problem, escape.point, step_size=rule, max_iterations=_DESCENT
    )
    end, h = run.point, float(case.problem.objective(run.point))
    slack = case.change_rounding(h, end) + case.change_rounding(
        escape.objective_after, escape.point
    )
    return Finding(h <= escape.objective_after + slack, h, f"≤ {escape.objective_after:.6g}", slack)


def _on_every_mode(M: FloatArray, tensor: FloatArray) -> FloatArray:
    """Return M applied to every mode."""
    for _ in range(tensor.ndim):  # the first mode is taken, its result comes last
        tensor = np.tensordot(tensor, M, axes=(0, 1))
    return tensor


def _forms_along(case: Case, V: FloatArray) -> tuple[float, float, float]:
    """Return K₁, K₂ and K₃ of V."""
    v = V.reshape(-1)
    K1, K2, K3 = (float(v @ N @ v) for N in case.landscape_forms)
    return K1, K2, K3


def _power_curvature(case: Case, V: FloatArray, order: int) -> float:
    """Return 2 q_l(V) for V of unit norm."""
    K1, K2, K3 = _forms_along(case, V)
    return 2 * (K1**order - K2**order + 2 * K3**order)


def _power_rounding(case: Case, order: int) -> float:
    """Return the rounding of 2 q_l(V): that of the lifted Hessian, and that of N₁, N₂ and P.

    The forms are known to 1e-13 of their size and, where zeros of them follow from ∇h(X̂) = 0, to
    what is left of it: `oracle_direction` takes K₁, K₂ and K₃ below twice that for zero, and
    certificates allow it.
    """
    sizes, weights = np.array([size(N) for N in case.landscape_forms]), np.array([1.0, 1.0, 2.0])
    left = FORM_ROUNDING + (case.gradient_norm if case.gradient_norm <= STATIONARY else 0.0)
    error = 2 * left * float(weights @ sizes)
    forms = 2 * order * error * float(weights @ sizes ** (order - 1))
    return case.rounding.hessian(case.rounding.point**order, order) + forms


def _weights_used(order: float, a: float, c: float) -> float:
    """Return a^{l'} + (c 2^{−1/l})^{l'}."""
    if order == math.inf:
        return a + c
    conjugate = order / (order - 1)
    return float(a**conjugate + (c * 2 ** (-1 / order)) ** conjugate)
