"""The least curvature at a lifted point, by three Kronecker powers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.linalg import eigh

from lift_compare.sensing import SensingProblem
from lift_compare.sensing.floats import silently
from lift_compare.sensing.tolerances import CURVATURE_RESIDUAL
from lift_compare.sensing.validation import (
    InvalidType,
    odd_order,
    positive,
    random_generator,
    true_or_false,
    whole_number,
)

from ..backends import threads_for
from ..cost import allowed_bytes
from ..eigenpair import least_eigenpair
from ..kronecker.hessian import KroneckerHessian, plan
from ..kronecker.matrices import PointMatrices
from .result import Curvature, measured, reason, signed


@silently
def least_curvature_at_point(
    problem: SensingProblem,
    X: Any,
    order: int,
    *,
    symmetric: bool = False,
    memory_limit: int | None = None,
    seed: int = 0,
    tolerance: float = CURVATURE_RESIDUAL,
    max_iterations: int = 1000,
) -> Curvature:
    """Return the least eigenpair of ∇²h^l(ŵ) at a lifted point ŵ = vec(X)^{⊗l}.

    There, for every X, stationary or not (docs/theory.md, section 10),

        ∇²h^l(ŵ) = 2 [N₁^{⊗l} − N₂^{⊗l} + 2 P^{⊗l}]
        N₁ = A*A(XXᵀ) ⊗ I_r    N₂ = A*(b) ⊗ I_r    P = BᵀB,  B(V)_i = ⟨A_i, X Vᵀ⟩

    so a product is a few chains of d×d matrices, d = n r, whatever m is. Where d < l it works on
    tensors that are symmetric within d groups of modes, which have every eigenvalue; where there
    are 512 unknowns or fewer the Hessian is formed, and the pair is exact to rounding.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The point in matrix space.
    order : int
        The odd lifting order l.
    symmetric : bool
        Over symmetric tensors only, by their C(d + l − 1, l) distinct entries; or over all.
    memory_limit : int, optional
        Bytes for the search; by default half of the memory available now.
    seed : int
        Seed of the first Lanczos vector.
    tolerance : float
        The pair has converged when its residual is at most this, relative to the largest eigenvalue
        in magnitude.
    max_iterations : int
        Restarts of Lanczos at most.

    Returns
    -------
    Curvature
        `stop_reason` tells whether it converged; the residual bounds the distance of `value` to an
        eigenvalue. The value is a sum of terms as large as the largest eigenvalue: at high orders
        the sign of a value below 1e-15 of it is rounding.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or an order that is not odd, or outside 1..1001.
    MemoryLimitExceeded
        If the search takes more than the limit; nothing has been allocated then.
    OverflowError
        If the value is beyond float64, or not zero and below it.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> system = sensing.instance("real-system")
    >>> X = sensing.polish(system.problem, system.known_point)
    >>> for order in (3, 5, 7, 9):
    ...     print(f"{lifting.least_curvature_at_point(system.problem, X, order).value:.3e}")
    6.903e-03
    1.294e-04
    1.469e-06
    -5.569e-08
    """
    if not isinstance(problem, SensingProblem):
        raise InvalidType(f"problem: expected a SensingProblem, got {type(problem).__name__}")
    X, order = problem.factor("X", X), odd_order(order)
    symmetric = true_or_false("symmetric", symmetric)
    tolerance = positive("tolerance", tolerance)
    max_iterations = whole_number("max_iterations", max_iterations)
    generator = random_generator(seed)
    planned = plan(problem, order, symmetric, allowed_bytes(memory_limit))
    matrices = PointMatrices.at(problem, X)
    with threads_for("numpy", planned.largest_product):
        hessian = KroneckerHessian(matrices, planned)
        if hessian.is_zero:
            vector, scale = np.eye(1, planned.unknowns)[0], 0.0
        elif planned.dense:
            # Unlike numpy's, this one works in the matrix itself, which `.T` hands over as it lies.
            eigenvalues, vectors = eigh(hessian.matrix().T, overwrite_a=True, check_finite=False)
            vector, scale = vectors[:, 0].copy(), float(np.abs(eigenvalues).max())
            del vectors
        else:
            first = generator.standard_normal(planned.unknowns)
            vector, scale = least_eigenpair(hessian.product, first, tolerance, max_iterations)
        vector, value, residual = measured(hessian.product, vector)
        return Curvature(
            matrices.in_units_of_data(value, order, "X: the least curvature"),
            signed(hessian.tensor(vector)),
            matrices.in_units_of_data(residual, order, "X: the residual", small_is_zero=True),
            reason(residual, tolerance, scale),
        )
