"""Drop generators whose powers the others span already."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.tolerances import INDEPENDENT
from lift_compare.sensing.validation import FloatArray


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
    flat = generators.reshape(len(generators), -1)
    lengths = np.linalg.norm(flat, axis=1)
    units = flat / np.where(lengths > 0, lengths, 1.0)[:, None]
    gram = np.clip(units @ units.T, -1.0, 1.0) ** order
    kept = [0]
    for j in range(1, len(gram)):
        if lengths[j] == 0:
            continue
        overlap = gram[kept, j]
        squared_sine = 1 - overlap @ np.linalg.solve(gram[np.ix_(kept, kept)], overlap)
        if squared_sine > INDEPENDENT:
            kept.append(j)
    return kept
