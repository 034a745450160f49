"""Checks that users can run on their own operators and problems: each returns a relative error."""

from __future__ import annotations

import numpy as np

from .floats import finite, norm, silently
from .operators import SensingOperator, checked_operator
from .problem import SensingProblem, checked_problem
from .validation import FloatArray, random_generator, refuse_absurd, whole_number


@silently
def check_adjoint(
    operator: SensingOperator, *, columns: int = 2, seed: int | np.random.Generator = 0
) -> float:
    """Return the relative mismatch of the dot-product test of an operator.

    It is that of ⟨measure(L, R), y⟩ = ⟨L, A*(y) R⟩ on random L, R, y, or of measure(L, R) and
    measure(R, L), which must be equal because every A_i is symmetric. Rounding leaves about 1e-15;
    a wrong adjoint leaves about 1.

    Parameters
    ----------
    operator : SensingOperator
        The operator A.
    columns : int
        Number of columns of L and R.
    seed : int or numpy.random.Generator
        Source of L, R and y.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For a number of columns that is not a whole number from 1 on, or what is no operator.
    OverflowError
        If the products are beyond float64.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.check_adjoint(sensing.EntrywiseOperator([[1, 2], [0, 3]])) < 1e-14
    True
    """
    operator, columns = checked_operator(operator), whole_number("columns", columns)
    rng = random_generator(seed)
    refuse_absurd(2, operator.n, columns)
    L, R = rng.standard_normal((2, operator.n, columns))
    y = rng.standard_normal(operator.m)
    measured, swapped = operator.measure(L, R), operator.measure(R, L)
    adjoint = operator.adjoint_matmul(y, R)
    finite("operator: a product with normal factors", np.append(measured, adjoint))
    # In units of the operator's size: its own would be squared below.
    unit = float(max(norm(measured), norm(adjoint)))
    if unit == 0:
        return 0.0
    measured, swapped, adjoint = measured / unit, swapped / unit, adjoint / unit
    scale = float(norm(measured) * norm(y) + norm(L) * norm(adjoint))
    mismatch = abs(float(measured @ y) - float(np.sum(L * adjoint))) / scale
    size = max(norm(measured), norm(swapped))
    return max(mismatch, float(norm(measured - swapped) / size)) if size > 0 else mismatch


@silently
def check_gradient(
    problem: SensingProblem, X: FloatArray, *, seed: int | np.random.Generator = 0
) -> float:
    """Return the relative error of ⟨∇h(X), D⟩ against differences of h along a random unit D.

    h is a quartic along any line, so five points give the derivative without truncation error:
    h'(0) = (h(−2t) − 8 h(−t) + 8 h(t) − h(2t)) / (12 t). The error is relative to ‖∇h‖ plus the
    rounding unit of the differences; about 1e-12 is rounding.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        Where to look; far from a stationary point is best.
    seed : int or numpy.random.Generator
        Source of the direction D.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite.
    OverflowError
        If h or a derivative is beyond float64 near X.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> problem = sensing.gaussian(n=4, rank=2, m=9, seed=0)
    >>> sensing.check_gradient(problem, problem.ground_truth + 1) < 1e-12
    True
    """
    X = checked_problem(problem).factor("X", X)
    D = _direction(problem, seed)
    t = _reach(problem, X, D)
    values = [float(problem.objective(X + s * t * D)) for s in (-2, -1, 1, 2)]
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * t)
    gradient = problem.gradient(X)
    scale = norm(gradient) + max(values) / t
    return abs(difference - float(np.sum(gradient * D))) / scale if scale > 0 else 0.0


@silently
def check_hessian(
    problem: SensingProblem, X: FloatArray, *, seed: int | np.random.Generator = 0
) -> float:
    """Return the relative error of ∇²h(X)[D] against differences of ∇h along a random unit D.

    ∇h is a cubic along any line, so (8 (∇h(t) − ∇h(−t)) − (∇h(2t) − ∇h(−2t))) / (12 t) has no
    truncation error.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        Where to look; far from a stationary point is best.
    seed : int or numpy.random.Generator
        Source of the direction D.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        For X of the wrong shape or not finite.
    OverflowError
        If h or a derivative is beyond float64 near X.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> problem = sensing.gaussian(n=4, rank=2, m=9, seed=0)
    >>> sensing.check_hessian(problem, problem.ground_truth + 1) < 1e-12
    True
    """
    X = checked_problem(problem).factor("X", X)
    D = _direction(problem, seed)
    t = _reach(problem, X, D)
    gradients = [problem.gradient(X + s * t * D) for s in (-2, -1, 1, 2)]
    difference = (gradients[0] - 8 * gradients[1] + 8 * gradients[2] - gradients[3]) / (12 * t)
    product = problem.hessian_product(X, D)
    scale = norm(product) + max(norm(gradient) for gradient in gradients) / t
    return norm(difference - product) / scale if scale > 0 else 0.0


def _direction(problem: SensingProblem, seed: int | np.random.Generator) -> FloatArray:
    D = random_generator(seed).standard_normal(problem.shape)
    return np.asarray(D / np.linalg.norm(D))


def _reach(problem: SensingProblem, X: FloatArray, D: FloatArray) -> float:
    """Return how far the differences reach: in units of X, or of the problem where X is smaller.

    Along tD from zero h changes where t² ‖A(DDᵀ)‖ meets ‖b‖.
    """
    along = norm(problem.operator.measure(D, D))
    natural = np.sqrt(norm(problem.measurements)) / np.sqrt(along) if along > 0 else 0.0
    return max(norm(X), float(natural)) / 4 or 1.0
