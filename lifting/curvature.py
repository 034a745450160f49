"""The least curvature of the lifted objective over all tensors."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorly as tl
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh, lobpcg

from lift_compare.sensing import StopReason
from lift_compare.sensing.floats import norm, silently
from lift_compare.sensing.tolerances import CURVATURE_RESIDUAL, LARGEST_EIGENVALUE
from lift_compare.sensing.validation import (
    FloatArray,
    InvalidValue,
    locked,
    positive,
    random_generator,
    whole_number,
)

from .backends import using
from .problem import LiftedProblem

DENSE = 32
"""Up to this many entries of w the Hessian is formed from its columns."""


@dataclass(frozen=True, repr=False)
class Curvature:
    """The least eigenpair of ∇²h^l(w).

    Attributes
    ----------
    value : float
        The least eigenvalue: the least curvature ⟨v, ∇²h^l(w)[v]⟩ over unit tensors v.
    direction : array (d,)*l
        The eigenvector v, of unit norm. Its largest entry is positive. Of a repeated eigenvalue it
        is one of many.
    residual : float
        ‖∇²h^l(w)[v] − value · v‖.
    stop_reason : StopReason
        CONVERGED, or ITERATIONS if the budget ended first.

    Examples
    --------
    >>> from lift_compare import lifting, sensing
    >>> lifted = lifting.LiftedProblem(sensing.two_by_two(), order=3)
    >>> found = lifting.least_curvature(lifted, lifted.lift([[0.0], [0.5**0.5]]))
    >>> round(found.value, 6), found.direction.shape
    (-1.757812, (2, 2, 2))
    """

    value: float
    direction: FloatArray
    residual: float
    stop_reason: StopReason

    def __repr__(self) -> str:
        return f"Curvature({self.value:.10g}, residual {self.residual:.2g}: {self.stop_reason})"


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

    Matrix-free: restarted Lanczos on Hessian products. The spectrum is shifted below zero first, so
    that a least eigenvalue near zero is as accurate as any other.

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
    size = int(np.prod(lifted.shape))

    def product(v: FloatArray) -> FloatArray:
        with using(lifted.backend):
            image = lifted.unchecked_hessian_product(w, lifted.tensor("v", v.reshape(lifted.shape)))
            return np.asarray(tl.to_numpy(image)).reshape(-1)

    # Without this check an eigensolver would be handed inf and NaN, and may not return.
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
        vector, scale = _lanczos(product, first, tolerance, max_iterations)
    # One more product says how good the eigenpair is, whichever solver it came from.
    vector = vector / np.linalg.norm(vector)
    vector *= np.sign(vector[np.argmax(np.abs(vector))])
    image = product(vector)
    value = float(vector @ image)
    residual = float(norm(image - value * vector))
    converged = residual <= tolerance * scale
    reason = StopReason.CONVERGED if converged else StopReason.ITERATIONS
    return Curvature(value, locked(vector.reshape(lifted.shape)), residual, reason)


def _lanczos(
    product: Any, first: FloatArray, tolerance: float, max_iterations: int
) -> tuple[FloatArray, float]:
    """Return the least eigenvector, as far as it was found, and the largest |eigenvalue|."""
    shape, number = (len(first), len(first)), np.dtype(np.float64)
    hessian = LinearOperator(shape, matvec=product, dtype=number)
    # 1. How large eigenvalues are, roughly: it only shifts the spectrum.
    rough = {"which": "LM", "v0": first, "tol": LARGEST_EIGENVALUE}
    largest = float(np.abs(eigsh(hessian, 1, return_eigenvectors=False, **rough)[0]))
    # 2. Below zero the least eigenvalue is the largest in magnitude, which Lanczos finds best.
    shift = 1.1 * largest
    shifted = LinearOperator(shape, matvec=lambda v: product(v) - shift * v, dtype=number)
    fine = {"which": "LM", "v0": first, "tol": tolerance / 100, "maxiter": max_iterations}
    try:
        _, vectors = eigsh(shifted, 1, ncv=min(len(first), 40), **fine)
    except ArpackNoConvergence:
        # 3. Where eigenvalues cluster, another method gets nearer; the caller reports the residual.
        budget = {"maxiter": max_iterations, "tol": tolerance * largest}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns where it stops early
            _, vectors = lobpcg(hessian, first[:, None], largest=False, **budget)
    return vectors[:, 0], largest
