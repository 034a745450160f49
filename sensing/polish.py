"""Polish a nearly stationary point to rounding."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator, minres

from .problem import SensingProblem
from .spectrum import relative_gradient_norm
from .validation import FloatArray, whole_number


def polish(problem: SensingProblem, X: FloatArray, *, max_iterations: int = 50) -> FloatArray:
    """Return the stationary point of h near X, by Newton steps on ∇h = 0.

    Gradient descent ends at a gradient norm of 1e-4 or so; the directions of lifting are defined at a stationary
    point. A step solves ∇²h(X)[D] = −∇h(X) by MINRES, whose least-norm solution ignores the null directions that
    the symmetry X → XQ always brings for r > 1. A step that does not lower the gradient norm ends the run, so the
    result is never less stationary than X. Near-by saddles attract Newton steps too: start close.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A nearly stationary point.
    max_iterations : int
        Number of Newton steps at most.

    Returns
    -------
    array (n, r)
        The most stationary point seen.
    """
    X = problem.factor("X", X).copy()
    max_iterations = whole_number("max_iterations", max_iterations, least=0)
    size = X.size
    norm = relative_gradient_norm(problem, X)
    for _ in range(max_iterations):
        if norm <= 1e-16:
            break

        def product(d: FloatArray, at: FloatArray = X) -> FloatArray:
            return problem.hessian_product(at, d.reshape(at.shape)).ravel()

        hessian = LinearOperator((size, size), matvec=product, dtype=np.dtype(np.float64))
        newton, _ = minres(hessian, -problem.gradient(X).ravel(), rtol=1e-14, maxiter=10 * size + 10)
        trial = X + newton.reshape(X.shape)
        trial_norm = relative_gradient_norm(problem, trial)
        if not trial_norm < norm:
            break
        X, norm = trial, trial_norm
    return X
