"""Descent of the lifted objective over moving generators, by L-BFGS."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from lift_compare.sensing.floats import silently
from lift_compare.sensing.tolerances import LBFGS_GRADIENT, LBFGS_VALUE
from lift_compare.sensing.validation import FloatArray

from .objective import GeneratorObjective

_MEMORY = 10  # pairs of steps and gradients that L-BFGS keeps: scipy's default


@silently
def minimise(
    objective: GeneratorObjective, start: FloatArray, max_iterations: int
) -> tuple[FloatArray, int]:
    """Return the generators (k, n, r) where a descent from `start` ends, and its evaluations.

    L-BFGS descends on h^l in units of ‖b‖^{2l}, over generators in units of the longest one. One
    generator at l = 1 is a descent of h itself. Where it leaves float64 the start is returned.
    """
    size = float(np.max(np.abs(start)))
    if size == 0 or not np.isfinite(size):
        return start, 0

    def function(z: FloatArray) -> tuple[float, FloatArray]:
        X = size * z.reshape(start.shape)
        if not np.isfinite(X).all():  # a trial step beyond float64
            return np.inf, np.zeros(z.size)
        value, gradient = objective.relative(X[None])
        return float(value[0]), size * gradient[0].ravel()

    found = minimize(
        function,
        (start / size).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={
            "maxiter": max_iterations,
            "maxcor": _MEMORY,
            "ftol": LBFGS_VALUE,
            "gtol": LBFGS_GRADIENT,
        },
    )
    end = size * found.x.reshape(start.shape)
    return (end if np.isfinite(end).all() else start), int(found.nfev)
