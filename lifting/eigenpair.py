"""The least eigenpair of a symmetric operator, by restarted Lanczos."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lift_compare.sensing.floats import norm
from lift_compare.sensing.tolerances import CURVATURE_MARGIN, INVARIANT
from lift_compare.sensing.validation import FloatArray

VECTORS = 40
"""Lanczos vectors that are kept at a time, beside the next one."""

KEPT = 16
"""Ritz vectors that a restart keeps: those of the least Ritz values. Keeping one, as implicit
restarts for one eigenpair do, took up to ten times as many products."""

_BLOCK = 2**12  # columns of a basis that are rotated at once

_OTHERS = 5  # vectors held beside the basis: the start, products, the result


def search_numbers(size: int) -> int:
    """Return how many numbers a search for `size` unknowns holds at its peak."""
    most = min(size, VECTORS)
    return (most + 1 + _OTHERS) * size + KEPT * min(size, _BLOCK)


def least_eigenpair(
    product: Callable[[FloatArray], FloatArray],
    first: FloatArray,
    tolerance: float,
    max_iterations: int,
) -> tuple[FloatArray, float]:
    """Return the least eigenvector, as far as it was found, and the largest |eigenvalue| seen.

    Thick-restart Lanczos (Wu and Simon, SIAM J. Matrix Anal. Appl. 22, 2000) with full
    orthogonalisation. It ends when the residual is below `tolerance` times the largest Ritz value
    in magnitude, or after `max_iterations` restarts.
    """
    most = min(len(first), VECTORS)
    basis = np.empty((most + 1, len(first)))
    basis[0] = first / norm(first)
    T = np.zeros((most, most))  # the operator on the basis
    done, scale = 0, 0.0
    for iteration in range(1, max_iterations + 1):
        used, coupling = _extend(product, basis, T, done, most)
        values, vectors = np.linalg.eigh(T[:used, :used])
        scale = max(scale, float(np.abs(values).max()))
        residuals = coupling * np.abs(vectors[-1])
        converged = residuals[0] <= CURVATURE_MARGIN * tolerance * scale or used < most
        if converged or iteration == max_iterations:
            break
        done = min(KEPT, most - 2)
        _rotate(basis, vectors[:, :done])
        basis[done] = basis[most]
        T[:] = 0.0
        T[np.arange(done), np.arange(done)] = values[:done]
        T[done, :done] = T[:done, done] = coupling * vectors[-1, :done]
    return vectors[:, 0] @ basis[:used], scale


def _extend(
    product: Callable[[FloatArray], FloatArray],
    basis: FloatArray,
    T: FloatArray,
    done: int,
    most: int,
) -> tuple[int, float]:
    """Extend the basis from `done` vectors and the next one to `most`, and T with it.

    Returns the number of vectors, smaller where they span an invariant subspace, and the length of
    the last product outside their span.
    """
    for j in range(done, most):
        w = np.array(product(basis[j]))
        before = norm(w)
        T[j, j] = basis[j] @ w
        # What is known of w first, then what rounding has left of it in the span.
        low = 0 if j == done else j - 1
        w -= T[j, low : j + 1] @ basis[low : j + 1]
        w -= (basis[: j + 1] @ w) @ basis[: j + 1]
        beta = float(norm(w))
        if beta <= INVARIANT * before:
            return j + 1, 0.0
        basis[j + 1] = w / beta
        if j + 1 < most:
            T[j, j + 1] = T[j + 1, j] = beta
    return most, beta


def _rotate(basis: FloatArray, vectors: FloatArray) -> None:
    """Replace the first vectors of the basis by combinations, a block of columns at a time."""
    used, kept = vectors.shape
    for start in range(0, basis.shape[1], _BLOCK):
        columns = slice(start, start + _BLOCK)
        basis[:kept, columns] = vectors.T @ basis[:used, columns]
