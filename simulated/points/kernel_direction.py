"""The direction that a rank-deficient X̂ has besides the visible one."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.tolerances import RANK_DEFICIENT
from lift_compare.sensing.validation import FloatArray


def kernel_direction(X: FloatArray, u: FloatArray) -> FloatArray | None:
    """Return u qᵀ with X q = 0 and |q| = 1, shape (n, r), or None if X has full column rank.

    Along it h(X̂ + t u_n qᵀ) − h(X̂) = λ_n t² + ½ ‖A(u_n u_nᵀ)‖² t⁴: the formula of docs/theory.md,
    section 4, with σ = 0. So a rank-deficient stationary point with λ_n < 0 is a strict saddle of h
    itself. The published directions take the last *nonzero* singular triplet and do not see this.
    """
    _, values, Qt = np.linalg.svd(X, full_matrices=False)
    if X.shape[1] == 1 or values[-1] > RANK_DEFICIENT * values[0]:
        return None
    return np.asarray(u[:, None] * Qt[-1])
