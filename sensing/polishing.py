"""Polish a nearly stationary point to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse.linalg import LinearOperator

from .problem import SensingProblem
from .spectrum import relative_gradient_norm
from .tolerances import LEAST_SQUARES
from .validation import FloatArray, whole_number


def polish(problem: SensingProblem, X: Any, *, max_iterations: int = 100) -> FloatArray:
    """Return a stationary point of h near X: the least-squares problem ∇h = 0, started at X.

    Gradient descent ends at a gradient norm of 1e-4 or so; the directions of lifting are defined at
    a stationary point. Trust-region Gauss–Newton steps on ‖∇h‖² converge quadratically, and as
    least-norm steps they ignore the null directions that the symmetry X → XQ always brings for
    r > 1. Minima and saddles attract them alike, so start close: from far away the run may end at a
    point that is not stationary at all.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        A nearly stationary point.
    max_iterations : int
        Number of evaluations of ∇h at most.

    Returns
    -------
    array (n, r)
        The point reached, or X itself if that is no more stationary (`relative_gradient_norm`).

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite, or a bad number of iterations.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.polish(sensing.two_by_two(), [[0.9], [0.1]]).round(9) + 0.0
    array([[1.],
           [0.]])
    """
    X = problem.factor("X", X)
    max_iterations = whole_number("max_iterations", max_iterations)

    def gradient(x: FloatArray) -> FloatArray:
        return problem.gradient(x.reshape(X.shape)).ravel()

    def hessian(x: FloatArray) -> LinearOperator | FloatArray:
        def product(d: FloatArray) -> FloatArray:
            return problem.hessian_product(x.reshape(X.shape), d.reshape(X.shape)).ravel()

        if X.size == 1:
            return product(np.ones(1)).reshape(1, 1)
        shape, number = (X.size, X.size), np.dtype(np.float64)
        return LinearOperator(shape, matvec=product, rmatvec=product, dtype=number)

    solver: dict[str, Any] = {
        "tr_solver": "lsmr",
        "tr_options": {"atol": LEAST_SQUARES, "btol": LEAST_SQUARES},
    }
    if X.size == 1:  # scipy's iterative trust region needs at least two variables
        solver = {"tr_solver": "exact"}
    tolerances = dict.fromkeys(("xtol", "ftol", "gtol"), LEAST_SQUARES)
    found = least_squares(
        gradient, X.ravel(), jac=hessian, max_nfev=max_iterations, **solver, **tolerances
    )
    polished = np.asarray(found.x.reshape(X.shape))
    better = relative_gradient_norm(problem, polished) < relative_gradient_norm(problem, X)
    return polished if better else X.copy()
