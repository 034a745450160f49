"""The truth as a direction of negative curvature: a check that needs Z (docs/theory.md, 11)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import finite, norm, silently
from lift_compare.sensing.problem import checked_problem
from lift_compare.sensing.tolerances import NOISE
from lift_compare.sensing.validation import MAX_ORDER, FloatArray, InvalidValue

from .curvature import log_curvature_terms, order_along

_ROTATIONS = 500  # steps of the search for Q at most


@dataclass(frozen=True, eq=False, repr=False)
class TruthWitness:
    """What the ground truth says about the orders at which ŵ is a strict saddle.

    At a stationary X̂ that does not solve the problem, K₁(Z) = ‖b‖² − 2 h(X̂) < K₂(Z) = ‖b‖². So if
    also K₃ = ‖A(X̂ (ZQ)ᵀ)‖² < K₂ for some orthogonal Q, ŵ is a strict saddle along ZQ at every large
    enough order.

    Attributes
    ----------
    holds : bool
        Whether K₁ < K₂ and K₃ < K₂, both beyond rounding.
    K1, K3 : float
        In units of K₂ = ‖b‖².
    direction : array (n, r)
        ZQ / ‖Z‖, with the Q of the least K₃ found.
    order : int or None
        The least odd order, up to 1001, with negative curvature along it.
    order_bound : float
        ln 2 / ln(K₂/K₃), about which that order is where K₁ does not matter; it is not below it.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.perturbed_completion()
    >>> X = sensing.polish(problem, [[0.9], [0.0], [-0.9]])
    >>> simulated.truth_witness(problem, X).order
    5
    """

    holds: bool
    K1: float
    K3: float
    direction: FloatArray
    order: int | None
    order_bound: float

    def __repr__(self) -> str:
        verdict = "holds" if self.holds else "does not hold"
        return (
            f"TruthWitness({verdict}: K₁/K₂ = {self.K1:.6g}, K₃/K₂ = {self.K3:.6g}; order "
            f"{self.order}, at least {self.order_bound:.4g})"
        )


@silently
def truth_witness(problem: SensingProblem, X: Any) -> TruthWitness:
    """Return what the ground truth proves about saddles at X, without a search over directions.

    Parameters
    ----------
    problem : SensingProblem
        A problem with a ground truth Z of at most r columns.
    X : array (n, r)
        A stationary point.

    Returns
    -------
    TruthWitness

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite, a problem without a ground truth, or one whose truth
        has more than r columns.
    OverflowError
        If a measurement leaves float64.

    Examples
    --------
    >>> from lift_compare import sensing, simulated
    >>> problem = sensing.two_by_two()
    >>> simulated.truth_witness(problem, [[0.0], [0.5**0.5]])
    TruthWitness(holds: K₁/K₂ = 0.25, K₃/K₂ = 0.375; order 3, at least 0.7067)
    """
    X = checked_problem(problem).factor("X", X)
    Z = problem.ground_truth
    if Z is None or Z.shape[1] > problem.rank or not np.any(Z):
        raise InvalidValue(
            "problem: expected a ground truth other than zero, of at most r columns, got "
            f"{'none' if Z is None else f'one of shape {Z.shape}'}"
        )
    Z = np.pad(Z / norm(Z), ((0, 0), (0, problem.rank - Z.shape[1])))
    V = Z @ _best_rotation(problem, X, Z)
    signs, logs = log_curvature_terms(problem, X, V)
    K1, K3 = (float(signs[i] * np.exp(logs[i] - logs[1])) for i in (0, 2))
    finite("X: K₁ or K₃ in units of K₂", np.array([K1, K3]))
    bound = math.log(2) / -math.log(K3) if 0 < K3 < 1 else 0.0 if K3 == 0 else math.inf
    return TruthWitness(
        holds=bool(signs[1] > 0 and max(K1, K3) < 1 - NOISE),
        K1=K1,
        K3=K3,
        direction=V,
        order=order_along(problem, X, V, MAX_ORDER),
        order_bound=bound,
    )


def _best_rotation(problem: SensingProblem, X: FloatArray, Z: FloatArray) -> FloatArray:
    """Return an orthogonal Q with a small ‖A(X (ZQ)ᵀ)‖, shape (r, r).

    The square is a quadratic form F of the entries of Q. Each step minimises a bound of it, F + the
    rest of λI, over the orthogonal matrices: the polar factor of (λI − F) Q, λ = ‖F‖.
    """
    r = problem.rank
    if r == 1:
        return np.eye(1)
    x = X / norm(X) if np.any(X) else X
    images = np.stack(
        [problem.operator.measure(x, Z[:, [i]] * np.eye(r)[j]) for i in range(r) for j in range(r)]
    )
    images = images / max(norm(images), np.finfo(float).tiny)
    F = images @ images.T
    values, vectors = np.linalg.eigh(F)
    starts = [np.eye(r), np.diag([-1.0, *[1.0] * (r - 1)]), *vectors.T[:r].reshape(-1, r, r)]
    found: list[tuple[float, FloatArray]] = []
    for Q in starts:
        for _ in range(_ROTATIONS):
            U, _, Wt = np.linalg.svd((values[-1] * Q.ravel() - F @ Q.ravel()).reshape(r, r))
            before, Q = Q, U @ Wt
            if norm(Q - before) < NOISE:
                break
        found.append((float(Q.ravel() @ F @ Q.ravel()), Q))
    return min(found, key=lambda each: each[0])[1]
