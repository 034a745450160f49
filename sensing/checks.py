"""Checks that users can run on their own operators and problems: each returns a relative error."""

from __future__ import annotations

import numpy as np

from .operators import SensingOperator
from .problem import SensingProblem
from .validation import FloatArray, whole_number


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
        For a number of columns that is not a whole number from 1 on.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.check_adjoint(sensing.EntrywiseOperator([[1, 2], [0, 3]])) < 1e-14
    True
    """
    columns = whole_number("columns", columns)
    rng = np.random.default_rng(seed)
    L, R = rng.standard_normal((2, operator.n, columns))
    y = rng.standard_normal(operator.m)
    measured, swapped = operator.measure(L, R), operator.measure(R, L)
    adjoint = operator.adjoint_matmul(y, R)
    scale = float(
        np.linalg.norm(measured) * np.linalg.norm(y) + np.linalg.norm(L) * np.linalg.norm(adjoint)
    )
    mismatch = abs(float(measured @ y) - float(np.sum(L * adjoint))) / scale
    return max(mismatch, float(np.linalg.norm(measured - swapped) / np.linalg.norm(measured)))


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

    Examples
    --------
    >>> from lift_compare import sensing
    >>> problem = sensing.gaussian(n=4, rank=2, m=9, seed=0)
    >>> sensing.check_gradient(problem, problem.ground_truth + 1) < 1e-12
    True
    """
    X = problem.factor("X", X)
    D = _direction(problem, seed)
    t = max(float(np.linalg.norm(X)), 1.0) / 4
    values = [float(problem.objective(X + s * t * D)) for s in (-2, -1, 1, 2)]
    difference = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * t)
    gradient = problem.gradient(X)
    scale = float(np.linalg.norm(gradient)) + max(values) / t
    return abs(difference - float(np.sum(gradient * D))) / scale


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

    Examples
    --------
    >>> from lift_compare import sensing
    >>> problem = sensing.gaussian(n=4, rank=2, m=9, seed=0)
    >>> sensing.check_hessian(problem, problem.ground_truth + 1) < 1e-12
    True
    """
    X = problem.factor("X", X)
    D = _direction(problem, seed)
    t = max(float(np.linalg.norm(X)), 1.0) / 4
    gradients = [problem.gradient(X + s * t * D) for s in (-2, -1, 1, 2)]
    difference = (gradients[0] - 8 * gradients[1] + 8 * gradients[2] - gradients[3]) / (12 * t)
    product = problem.hessian_product(X, D)
    scale = float(np.linalg.norm(product)) + max(float(np.linalg.norm(g)) for g in gradients) / t
    return float(np.linalg.norm(difference - product)) / scale


def _direction(problem: SensingProblem, seed: int | np.random.Generator) -> FloatArray:
    D = np.random.default_rng(seed).standard_normal(problem.shape)
    return D / np.linalg.norm(D)
