"""Stand-in for `simulated.oracle_direction`: unit V where q_l(V) = K₁^l − K₂^l + 2 K₃^l is low."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import silently
from lift_compare.sensing.tolerances import LBFGS_GRADIENT, LBFGS_VALUE, SAME_DIRECTION
from lift_compare.sensing.validation import FloatArray

from ..points.curvature import smallest_saddle_order

_DENSE_UP_TO = 60


@silently
def oracle_directions(problem: SensingProblem, X: FloatArray, order: int, count: int) -> FloatArray:
    """Return up to `count` distinct minimisers of q_l on the unit sphere, the lowest first."""
    A, b, shape = problem.operator, problem.measurements, problem.shape
    measured = A.measure(X, X)

    def forms(v: FloatArray) -> FloatArray:
        V = v.reshape(shape)
        P = A.adjoint_matmul(A.measure(X, V), X)
        return np.stack([A.adjoint_matmul(measured, V), A.adjoint_matmul(b, V), P]).reshape(3, -1)

    d = X.size
    starts = []
    for weights in ((0, 1, 0), (0, 1, -1), (-1, 1, -1), (-1, 1, 0)):
        starts += list(_last_eigenvectors(partial(_weighted, forms, np.array(weights)), d))
    ends = []
    for v in starts:
        unit = float(np.max(np.abs(forms(v) @ v)))
        if not np.isfinite(unit) or unit == 0:
            continue

        def function(z: FloatArray, unit: float = unit) -> tuple[float, FloatArray]:
            length = float(np.linalg.norm(z))
            u = z / length
            rows = forms(u) / unit
            K = rows @ u
            signs = np.array([1.0, -1.0, 2.0])
            gradient = 2 * order * (signs * K ** (order - 1)) @ rows
            return float(signs @ K**order), (gradient - (gradient @ u) * u) / length

        found = minimize(
            function,
            v,
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": 200, "ftol": LBFGS_VALUE, "gtol": LBFGS_GRADIENT},
        )
        u = found.x / np.linalg.norm(found.x)
        K = forms(u) @ u
        ends.append((K, u))
    if not ends:
        return np.zeros((0, *shape))
    top = max(float(np.max(np.abs(K))) for K, _ in ends)
    ends.sort(key=lambda end: float(np.array([1, -1, 2]) @ (end[0] / top) ** order))
    kept: list[FloatArray] = []
    for _, u in ends:
        if all(abs(float(u @ v)) < 1 - SAME_DIRECTION for v in kept):
            kept.append(u)
    return np.stack(kept[:count]).reshape(-1, *shape)


def oracle_saddle_order(problem: SensingProblem, X: FloatArray, largest: int) -> int | None:
    """Return an odd order up to `largest` at which ŵ is a strict saddle along V*, or None."""
    found = [
        smallest_saddle_order(problem, X, direction=V, largest=largest)
        for order in (3, 5, 7, 9, 13, 17, 33)
        for V in oracle_directions(problem, X, order, 1)
    ]
    return min((order for order in found if order is not None), default=None)


def _weighted(
    forms: Callable[[FloatArray], FloatArray], weights: FloatArray, v: FloatArray
) -> FloatArray:
    return np.asarray(weights @ forms(v))


def _last_eigenvectors(product: Callable[[FloatArray], FloatArray], d: int) -> Any:
    """Return the last eigenvectors of a symmetric operator, at most two."""
    if d <= _DENSE_UP_TO:
        matrix = np.stack([product(e) for e in np.eye(d)])
        return np.linalg.eigh((matrix + matrix.T) / 2)[1][:, -2:].T
    operator = LinearOperator((d, d), matvec=product, dtype=np.dtype(np.float64))
    start = np.random.default_rng(0).standard_normal(d)
    try:
        return eigsh(operator, k=1, which="LA", v0=start, tol=1e-3, maxiter=300)[1].T
    except ArpackNoConvergence:
        return start[None] / np.linalg.norm(start)
