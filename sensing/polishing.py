"""Polish a nearly stationary point to rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse.linalg import LinearOperator

from .floats import norm, normalised, silently
from .problem import SensingProblem, checked_problem
from .spectrum import relative_gradient_norm
from .tolerances import LEAST_SQUARES, NONZERO, STATIONARY
from .validation import FloatArray, InvalidValue, OutOfRange, whole_number

_INNER = 400  # inner iterations of one Newton step at most


@silently
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
        Its relative gradient norm is at most 1e-8, and mostly 1e-15.

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite, or a bad number of iterations; for X from which no
        stationary point is reached.
    OverflowError
        If ∇h(X) is beyond float64.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.polish(sensing.two_by_two(), [[0.9], [0.1]]).round(9) + 0.0
    array([[1.],
           [0.]])
    """
    X = checked_problem(problem).factor("X", X)
    polished, left = polished_point(problem, X, whole_number("max_iterations", max_iterations))
    if left > STATIONARY:
        raise InvalidValue(
            "X: expected a point near a stationary one, got a point from which Newton steps end "
            f"where ‖∇h‖ is {left:.2g} of its terms (at most {STATIONARY:g} is stationary)"
        )
    return polished


@silently
def polished_point(
    problem: SensingProblem, X: FloatArray, max_iterations: int = 100
) -> tuple[FloatArray, float]:
    """Return the point that Newton steps reach from X, and its relative gradient norm."""
    # In units of X and of ∇h, because one tolerance of the solver is absolute.
    x, of_x = normalised(X)
    of_gradient = _unit_of_gradient(problem, X)
    if of_gradient is None:
        return X.copy(), 0.0  # both terms of ∇h vanish

    def gradient(z: FloatArray) -> FloatArray:
        at = np.ldexp(z.reshape(X.shape), of_x)
        return np.asarray(np.ldexp(problem.unchecked(at)[1], -of_gradient).ravel())

    def hessian(z: FloatArray) -> LinearOperator | FloatArray:
        at = np.ldexp(z.reshape(X.shape), of_x)

        def product(d: FloatArray) -> FloatArray:
            along = problem.hessian_product(at, np.ldexp(d.reshape(X.shape), of_x))
            return np.asarray(np.ldexp(along, -of_gradient).ravel())

        if X.size == 1:
            return product(np.ones(1)).reshape(1, 1)
        shape, number = (X.size, X.size), np.dtype(np.float64)
        return LinearOperator(shape, matvec=product, rmatvec=product, dtype=number)

    solver: dict[str, Any] = {
        "tr_solver": "lsmr",
        "tr_options": {
            "atol": LEAST_SQUARES,
            "btol": LEAST_SQUARES,
            "maxiter": min(X.size, _INNER),  # where ∇²h is nearly singular it uses them all
        },
    }
    if X.size == 1:  # scipy's iterative trust region needs at least two variables
        solver = {"tr_solver": "exact"}
    tolerances = dict.fromkeys(("xtol", "ftol", "gtol"), LEAST_SQUARES)
    try:
        found = least_squares(
            gradient, x.ravel(), jac=hessian, max_nfev=max_iterations, **solver, **tolerances
        )
    except ValueError as error:  # of its linear algebra, about infinities in products of ∇²h
        raise OutOfRange("X: a Newton step leaves the range of float64") from error
    polished = np.ldexp(found.x.reshape(X.shape), of_x)
    # Near X = 0 the gradient stays as large as its term; the run is on its way to X = 0 itself.
    if is_negligible(problem, polished):
        polished = np.zeros(X.shape)
    before, after = (relative_gradient_norm(problem, point) for point in (X, polished))
    return (polished, after) if after < before else (X.copy(), before)


def is_negligible(problem: SensingProblem, X: FloatArray) -> bool:
    """Return whether X counts as zero: ‖A(XXᵀ)‖ ≤ (1e-6)² ‖b‖."""
    return bool(norm(problem.operator.measure(X, X)) <= NONZERO**2 * norm(problem.measurements))


def _unit_of_gradient(problem: SensingProblem, X: FloatArray) -> int | None:
    """Return the power of two of the larger term of ∇h(X), None if both vanish."""
    problem.gradient(X)  # an OverflowError, where it is beyond float64
    A = problem.operator
    terms = [A.adjoint_matmul(y, X) for y in (A.measure(X, X), problem.measurements)]
    return max(normalised(term)[1] for term in terms) if np.any(terms) else None
