"""The Gram matrix of rank-one powers and its pseudo-inverse (docs/theory.md, section 6)."""

from __future__ import annotations

import numpy as np

from sensing.validation import FloatArray

GRAM_TOLERANCE = 1e-12
"""Eigenvalues of the unit-diagonal Gram matrix below this times the largest count as zero."""


def gram_pseudo_inverse(cosines: FloatArray, order: int) -> FloatArray:
    """Return Γ⁺ for Γ_jk = cosines_jk^l, the Gram matrix of unit generators.

    Parameters
    ----------
    cosines : array (k, k)
        ⟨X_j, X_k⟩ of the unit generators. Zero generators have zero rows.
    order : int
        The odd order l.

    Returns
    -------
    array (k, k)
        The pseudo-inverse that drops eigenvalues up to 1e-12 times the largest: generators at an angle θ with
        l θ² / 2 below that are taken as parallel.
    """
    values, vectors = np.linalg.eigh(cosines**order)
    kept = values > GRAM_TOLERANCE * values[-1]
    return np.asarray((vectors[:, kept] / values[kept]) @ vectors[:, kept].T)
