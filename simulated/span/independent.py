"""Drop generators whose powers the others span already."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.tolerances import INDEPENDENT
from lift_compare.sensing.validation import FloatArray

from ..signed_log import units_and_logs


def independent_generators(generators: FloatArray, order: int) -> list[int]:
    """Return the indices of generators whose powers vec(X_j)^{⊗l} are independent beyond rounding.

    This is the Cholesky factorisation of the Gram matrix cos(X_j, X_k)^l, row by row, without the
    rows that are (nearly) dependent on those before. Zero generators are dropped; the first
    generator is always kept.

    Parameters
    ----------
    generators : array (k, n, r)
        X_1 .. X_k, X_1 not zero.
    order : int
        The odd lifting order l.
    """
    units, log_lengths = units_and_logs(generators.reshape(len(generators), -1))
    with np.errstate(under="ignore"):  # a high power of a small cosine is zero
        gram = (units @ units.T) ** order
    kept = [0]
    for j in range(1, len(gram)):
        if log_lengths[j] == -np.inf:
            continue
        overlap = gram[kept, j]
        with np.errstate(under="ignore"):
            squared_sine = 1 - overlap @ np.linalg.solve(gram[np.ix_(kept, kept)], overlap)
        if squared_sine > INDEPENDENT:
            kept.append(j)
    return kept
