"""Lifted tensors built with numpy alone, for small problems: no code shared with the toolkit."""

import numpy as np


def power(x, order):
    """x^{⊗order}."""
    tensor = np.ones(())
    for _ in range(order):
        tensor = np.multiply.outer(tensor, x)
    return tensor


def state(X, c, order):
    """Σ_j c_j vec(X_j)^{⊗order}."""
    return sum(a * power(x.ravel(), order) for a, x in zip(c, X, strict=True))


def lifted_matrices(problem):
    """A_i ⊗ I_r, (m, d, d), from the matrices A_i."""
    A, r = problem.operator.matrices(), problem.rank
    return np.stack([np.kron(each, np.eye(r)) for each in A])


def residual_and_gradient(problem, w):
    """The m^l residual entries of h^l at w, and ∇h^l(w)."""
    order = w.ndim
    A, b = lifted_matrices(problem), problem.measurements
    # <A_{i_1} ⊗ ... ⊗ A_{i_l}, w ⊗ w>, one tuple of measurements at a time.
    residual = np.zeros((problem.m,) * order)
    gradient = np.zeros(w.shape)
    for index in np.ndindex(residual.shape):
        applied = w
        for mode, i in enumerate(index):
            applied = np.moveaxis(np.tensordot(A[i], applied, axes=(1, mode)), 0, mode)
        residual[index] = np.sum(applied * w) - np.prod(b[list(index)])
        gradient += 2 * residual[index] * applied
    return residual, gradient


def value(problem, w):
    """h^l(w)."""
    return 0.5 * float(np.sum(residual_and_gradient(problem, w)[0] ** 2))
