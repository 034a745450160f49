"""The least curvature at any tensor, from Hessian products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing.floats import silently
from lift_compare.sensing.tolerances import CURVATURE_RESIDUAL
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    positive,
    random_generator,
    whole_number,
)

from ..backends import using
from ..cost import ITEMSIZE, MemoryLimitExceeded
from ..eigenpair import least_eigenpair, search_numbers
from ..kronecker.groups import GroupedTensor
from ..kronecker.recognition import lifted_point
from ..problem import LiftedProblem
from .at_point import least_curvature_at_point
from .result import Curvature, measured, reason, signed

DENSE = 32
"""Up to this many entries of w the Hessian at a general tensor is formed from its columns."""


@silently
def least_curvature(
    lifted: LiftedProblem,
    w: Any,
    *,
    seed: int = 0,
    tolerance: float = CURVATURE_RESIDUAL,
    max_iterations: int = 1000,
) -> Curvature:
    """Return the least eigenpair of ∇²h^l(w) over all tensors, symmetric or not.

    Matrix-free: restarted Lanczos on Hessian products. A lifted point, w = vec(X)^{⊗l} to rounding,
    is recognised by its entries in less time than one product takes, and is left to
    `least_curvature_at_point`.

    Parameters
    ----------
    lifted : LiftedProblem
        The lifted objective.
    w : tensor (d,)*l
        Where the Hessian is taken.
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
        eigenvalue.

    Raises
    ------
    TypeError, ValueError
        For a tensor of the wrong shape, or one where the Hessian is not finite.
    MemoryLimitExceeded
        If the search takes more than the memory limit of `lifted`.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> problem = sensing.two_by_two()
    >>> lifted = lifting.LiftedProblem(problem, order=3)
    >>> truth = lifted.lift(problem.ground_truth)
    >>> bool(lifting.least_curvature(lifted, truth).value > -1e-9)  # a minimum
    True
    """
    w = lifted.tensor("w", w)
    tolerance = positive("tolerance", tolerance)
    max_iterations = whole_number("max_iterations", max_iterations)
    with using(lifted.backend):
        x = lifted_point(np.asarray(tl.to_numpy(w)))
    if x is not None:
        budget: dict[str, Any] = {"tolerance": tolerance, "max_iterations": max_iterations}
        budget |= {"seed": seed, "memory_limit": lifted.memory_limit}
        X = x.reshape(lifted.problem.shape)
        try:
            return least_curvature_at_point(lifted.problem, X, lifted.order, **budget)
        except OverflowError as error:
            raise InvalidValue(
                f"w: expected a tensor where the Hessian is finite in float64: {error}"
            ) from error
    size = math.prod(lifted.shape)
    hessian = lifted.unchecked_hessian(w)

    def product(v: FloatArray) -> FloatArray:
        with using(lifted.backend):
            image = hessian(lifted.tensor("v", v.reshape(lifted.shape)))
            return np.asarray(tl.to_numpy(image)).reshape(-1)

    # Without this check an eigensolver would be handed inf and NaN.
    first = random_generator(seed).standard_normal(size)
    if not np.isfinite(product(first)).all():
        raise InvalidValue(
            "w: expected a tensor where the Hessian is finite in float64, got an overflow"
        )
    if size <= DENSE:
        H = np.stack([product(e) for e in np.eye(size)])
        eigenvalues, vectors = np.linalg.eigh((H + H.T) / 2)
        vector, scale = vectors[:, 0], float(np.abs(eigenvalues).max())
    else:
        needed = ITEMSIZE * search_numbers(size) + lifted.cost.hessian_bytes
        if needed > lifted.memory_limit:
            what = f"order {lifted.order}: the search for the least curvature"
            raise MemoryLimitExceeded(needed, lifted.memory_limit, what)
        vector, scale = least_eigenpair(product, first, tolerance, max_iterations)
    # One more product says how good the eigenpair is, whichever solver it came from.
    vector, value, residual = measured(product, vector)
    tensor = GroupedTensor(lifted.shape[0], (1,) * lifted.order, vector.reshape(lifted.shape))
    return Curvature(value, signed(tensor), residual, reason(residual, tolerance, scale))
