"""Exact collapse: the best symmetric rank-one approximation of a sum of powers.

The mathematics: docs/theory.md, section 7.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from lift_compare.sensing.tolerances import (
    COLLAPSE_FINE,
    COLLAPSE_ROUGH,
    LAST_DIGIT,
    LOWER_HEIGHT,
    SAME_DIRECTION,
    SPAN_RANK,
)
from lift_compare.sensing.validation import FloatArray, odd_order, real_array

from ..signed_log import signed_log, times_exp, units_and_logs

_MAX_STEPS = 10_000
_NEWTON_STEPS = 10
_SIGN_STARTS_UP_TO = 6  # generators for which all sign combinations are tried as starts


@np.errstate(under="ignore")  # high powers of small overlaps, beside larger ones
def collapse(generators: Any, coefficients: Any, order: int) -> FloatArray:
    """Return X̌ such that vec(X̌)^{⊗l} is the best rank-one approximation of a sum of powers.

    For w = Σ_j c_j vec(X_j)^{⊗l} the best unit vector x maximises ⟨w, x^{⊗l}⟩ = Σ_j c_j ⟨X_j, x⟩^l
    and lies in span{X_j}: a k-dimensional problem, solved by a shifted power iteration that never
    lowers this value. It starts from each generator and from all ±-combinations of the terms; the
    best end wins. (docs/theory.md, section 7.)

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
        For wrong shapes, numbers that are not finite, or an order that is not odd, or outside
        1..1001.
    OverflowError
        If X̌ leaves float64.

    Examples
    --------
    >>> from lift_compare import simulated
    >>> simulated.collapse([[[1.0], [2.0]]], [-8.0], order=3).round(9)
    array([[-2.],
           [-4.]])
    """
    X = real_array("generators", generators, (None, None, None))
    c = real_array("coefficients", coefficients, (len(X),))
    order = odd_order(order)
    # 1. l is odd, so each term is a plain power: w = Σ_j vec(P_j)^{⊗l} with P_j = c_j^{1/l} X_j.
    # Here the longest has length one.
    units, log_norms = units_and_logs(X.reshape(len(X), -1))
    sign, log = signed_log(c)
    lengths = log / order + log_norms
    log_scale = float(np.max(lengths))
    if log_scale == -np.inf:
        return np.zeros(X.shape[1:])
    P = (sign * np.exp(lengths - log_scale))[:, None] * units
    # 2. In an orthonormal basis of their span the unknown x has as many entries as there are terms.
    _, values, basis = np.linalg.svd(P, full_matrices=False)
    basis = basis[values > SPAN_RANK * values[0]]
    p = P @ basis.T
    # 3. Climb from every start, and finish the high ends that are not the same maximum.
    ends = _power_iteration(p, _starts(p), order, COLLAPSE_ROUGH)
    heights = np.sum((ends @ p.T) ** order, axis=1)
    if heights.max() <= 0:
        return np.zeros(X.shape[1:])
    finished: list[FloatArray] = []
    for i in np.argsort(-heights):
        # The climb was rough, but an end a tenth lower is another, lower maximum.
        if heights[i] < 0.9 * heights.max():
            break
        if all(abs(float(ends[i] @ z)) < 1 - SAME_DIRECTION for z in finished):
            finished.append(_finish(p, ends[i], order))
    z = max(finished, key=lambda z: float(np.sum((p @ z) ** order)))
    # 4. X̌ has the length (Σ_j ⟨P_j, x⟩^l)^{1/l}. The sum may be far below 1 at high order; its
    # root is taken relative to the largest overlap.
    overlaps = p @ z
    top = np.abs(overlaps).max()
    root = top * np.sum((overlaps / top) ** order) ** (1 / order)
    point = (root * (z @ basis)).reshape(1, *X.shape[1:])
    return np.asarray(times_exp(point, np.array([log_scale]), "the collapsed point")[0])


def _starts(p: FloatArray) -> FloatArray:
    """Return unit starts (s, k'): each term, and each sum of ± the terms."""
    k = len(p)
    rows = list(p)
    if 1 < k <= _SIGN_STARTS_UP_TO:
        rows += [np.array((1.0, *signs)) @ p for signs in product((1.0, -1.0), repeat=k - 1)]
    starts = np.array(rows)
    norms = np.linalg.norm(starts, axis=1)
    kept = norms > LAST_DIGIT * norms.max()
    return np.asarray(starts[kept] / norms[kept, None])


def _finish(p: FloatArray, z: FloatArray, order: int) -> FloatArray:
    """Return the end of the power iteration from z, to rounding.

    Newton steps save most of its linear convergence.
    """
    z, residual = _newton(p, z, order)
    if residual > LAST_DIGIT:
        z, _ = _newton(p, _power_iteration(p, z[None], order, COLLAPSE_FINE)[0], order)
    return z


def _power_iteration(p: FloatArray, z: FloatArray, order: int, moved_least: float) -> FloatArray:
    """Raise f(z) = Σ_j ⟨p_j, z⟩^l on the unit sphere from each row of z, |p_j| ≤ 1.

    A step goes to the direction of ∇f + shift · z. The shift is 0 at first; it grows until f does
    not fall (for a large enough shift the step is a small one along the Riemannian gradient) and is
    relaxed after a success.
    """

    def height(at: FloatArray) -> FloatArray:
        return np.asarray(np.sum((at @ p.T) ** order, axis=1))

    f = height(z)
    z, f = np.where(f < 0, -1.0, 1.0)[:, None] * z, np.abs(f)  # l is odd: f(−z) = −f(z)
    shift = np.zeros(len(z))
    active = np.ones(len(z), dtype=bool)
    for _ in range(_MAX_STEPS):
        # 1. The direction of ∇f; where it vanishes there is nowhere to go.
        pull = (z @ p.T) ** (order - 1) @ p
        size = np.linalg.norm(pull, axis=1)
        active &= size > 0
        if not np.any(active):
            break
        # 2. Step there, held back by the shift.
        step = pull / np.where(size > 0, size, 1.0)[:, None] + shift[:, None] * z
        length = np.linalg.norm(step, axis=1)
        trial = step / np.where(length > 0, length, 1.0)[:, None]
        # 3. Keep what is no lower; the others try again with a larger shift. (⟨pull, z⟩ = f ≥ 0, so
        # that no step of an active row is shorter than one.)
        risen = height(trial)
        better = active & (risen >= f)
        moved = np.linalg.norm(trial - z, axis=1)
        z = np.where(better[:, None], trial, z)
        f = np.where(better, risen, f)
        shift = np.where(better, shift / 4, np.where(active, 2 * shift + 1, shift))
        active &= (moved > moved_least) & (shift < 1e16)
    return z


def _newton(p: FloatArray, z: FloatArray, order: int) -> tuple[FloatArray, float]:
    """Return a stationary point of f on the unit sphere near z, and its relative residual.

    By Newton steps: at a maximum of f on the sphere ∇f = μ z. A step solves (∇²f − μ) d = −(∇f − μ
    z) for d ⟂ z. It is kept only if it leaves a smaller residual at a height that is no lower
    beyond rounding.
    """
    top = np.abs(p @ z).max()

    def state(at: FloatArray) -> tuple[FloatArray, float, FloatArray]:
        overlaps = p @ at / top  # relative to the largest, so that high powers do not all underflow
        pull = overlaps ** (order - 1) @ p / top
        mu = float(pull @ at)
        return pull - mu * at, mu, overlaps

    residual, mu, overlaps = state(z)
    for _ in range(_NEWTON_STEPS):
        if np.linalg.norm(residual) <= 4 * np.finfo(float).eps * mu:
            break
        weights = (order - 1) * overlaps ** (order - 2) if order > 1 else 0 * overlaps
        hessian = (p.T * weights) @ p / top**2
        # The multiplier of d ⟂ z is the last unknown of the bordered system.
        shifted = hessian - mu * np.eye(len(z))
        bordered = np.block([[shifted, z[:, None]], [z[None, :], np.zeros((1, 1))]])
        step = np.linalg.lstsq(bordered, np.append(-residual, 0.0), rcond=None)[0][:-1]
        trial = (z + step) / np.linalg.norm(z + step)
        new, height, there = state(trial)
        nearer = np.linalg.norm(new) < np.linalg.norm(residual)
        # The terms of μ may cancel: its rounding is in their sizes.
        size = float(np.sum(np.abs(overlaps) ** order))
        if not (nearer and height >= mu - LOWER_HEIGHT * size):
            break
        z, residual, mu, overlaps = trial, new, height, there
    return z, float(np.linalg.norm(residual)) / max(mu, np.finfo(float).tiny)
