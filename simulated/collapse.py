"""Exact collapse: the best symmetric rank-one approximation of a sum of powers (docs/theory.md, section 7)."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from sensing.validation import FloatArray, odd_order, real_array

_MAX_STEPS = 10_000
_SIGN_STARTS_UP_TO = 6  # generators for which all sign combinations are tried as starts


def collapse(generators: Any, coefficients: Any, order: int) -> FloatArray:
    """Return X̌ such that vec(X̌)^{⊗l} is the best rank-one approximation of w = Σ_j c_j vec(X_j)^{⊗l}.

    The best unit vector x maximises ⟨w, x^{⊗l}⟩ = Σ_j c_j ⟨X_j, x⟩^l and lies in span{X_j}: a k-dimensional problem,
    solved by a shifted power iteration that never lowers this value. It starts from each generator and from all
    ±-combinations of the terms; the best end wins.

    Parameters
    ----------
    generators : array (k, n, r)
        X_1 .. X_k.
    coefficients : array (k,)
        c_1 .. c_k.
    order : int
        The odd lifting order l.

    Returns
    -------
    array (n, r)
        X̌, zero if w is zero.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, numbers that are not finite, or an order that is not odd and positive.
    """
    X = real_array("generators", generators, (None, None, None))
    c = real_array("coefficients", coefficients, (len(X),))
    order = odd_order(order)
    # l is odd, so each term is a plain power: w = Σ_j vec(P_j)^{⊗l} with P_j = c_j^{1/l} X_j.
    P = (np.sign(c) * np.abs(c) ** (1 / order))[:, None] * X.reshape(len(X), -1)
    scale = float(np.max(np.linalg.norm(P, axis=1)))
    if scale == 0:
        return np.zeros(X.shape[1:])
    P = P / scale
    _, values, basis = np.linalg.svd(P, full_matrices=False)
    basis = basis[values > 1e-14 * values[0]]
    p = P @ basis.T
    z = _power_iteration(p, _starts(p), order)
    overlaps = z @ p.T
    heights = np.sum(overlaps**order, axis=1)
    best = int(np.argmax(heights))
    if heights[best] <= 0:
        return np.zeros(X.shape[1:])
    # Σ_j ⟨P_j, x⟩^l may be far below 1 at high order; its l-th root is taken relative to the largest overlap.
    top = np.abs(overlaps[best]).max()
    root = top * np.sum((overlaps[best] / top) ** order) ** (1 / order)
    return np.asarray(scale * root * (z[best] @ basis)).reshape(X.shape[1:])


def _starts(p: FloatArray) -> FloatArray:
    """Return unit starts (s, k'): each term, and each sum of ± the terms."""
    k = len(p)
    rows = list(p)
    if 1 < k <= _SIGN_STARTS_UP_TO:
        rows += [np.array((1.0, *signs)) @ p for signs in product((1.0, -1.0), repeat=k - 1)]
    starts = np.array(rows)
    norms = np.linalg.norm(starts, axis=1)
    kept = norms > 1e-12 * norms.max()
    return np.asarray(starts[kept] / norms[kept, None])


def _power_iteration(p: FloatArray, z: FloatArray, order: int) -> FloatArray:
    """Raise f(z) = Σ_j ⟨p_j, z⟩^l on the unit sphere from each row of z, |p_j| ≤ 1.

    A step goes to the direction of ∇f + shift · z. The shift is 0 at first; it grows until f does not fall (for a large
    enough shift the step is a small one along the Riemannian gradient) and is relaxed after a success.
    """

    def height(at: FloatArray) -> FloatArray:
        return np.asarray(np.sum((at @ p.T) ** order, axis=1))

    f = height(z)
    z, f = np.where(f < 0, -1.0, 1.0)[:, None] * z, np.abs(f)
    shift = np.zeros(len(z))
    active = np.ones(len(z), dtype=bool)
    for _ in range(_MAX_STEPS):
        pull = (z @ p.T) ** (order - 1) @ p
        size = np.linalg.norm(pull, axis=1)
        active &= size > 0
        if not np.any(active):
            break
        step = pull / np.where(size > 0, size, 1.0)[:, None] + shift[:, None] * z
        length = np.linalg.norm(step, axis=1)
        trial = step / np.where(length > 0, length, 1.0)[:, None]
        risen = height(trial)
        better = active & (length > 0) & (risen >= f)
        moved = np.linalg.norm(trial - z, axis=1)
        z = np.where(better[:, None], trial, z)
        f = np.where(better, risen, f)
        shift = np.where(better, shift / 4, 2 * shift + 1)
        active &= (moved > 1e-15) & (shift < 1e16)
    return z
