"""Whether a tensor is a lifted point, vec(X)^{⊗l}, and of which X."""

from __future__ import annotations

import numpy as np

from lift_compare.sensing.tolerances import TENSOR_SYMMETRIC
from lift_compare.sensing.validation import FloatArray


def lifted_point(w: FloatArray) -> FloatArray | None:
    """Return x with w = x^{⊗l} to rounding, or None if there is none; l is odd.

    The largest entry of x^{⊗l} is x_i^l at (i, ..., i), and the fibre through it is x_i^{l−1} x.
    The diagonal alone refuses nearly every other tensor; only what passes is compared entry by
    entry, in one pass over w.
    """
    d, order = w.shape[0], w.ndim
    diagonal = w[(np.arange(d),) * order]
    i = int(np.argmax(np.abs(diagonal)))
    top = float(diagonal[i])
    if top == 0:
        return np.zeros(d) if not np.any(w) else None
    root = np.copysign(abs(top) ** (1 / order), top)
    x = np.array([w[(j, *(i,) * (order - 1))] for j in range(d)]) / top * root
    allowed = TENSOR_SYMMETRIC * abs(top)
    if not np.abs(diagonal - x**order).max() <= allowed:
        return None
    difference = np.ones(())
    for _ in range(order):
        difference = np.multiply.outer(difference, x)
    difference -= w
    np.abs(difference, out=difference)
    return x if difference.max() <= allowed else None
