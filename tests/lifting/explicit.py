"""The definitions written out with numpy: the oracle of the tests. Tiny sizes only."""

import functools
import itertools

import numpy as np


def power(x, order):
    """vec(x)^{⊗order} as a tensor, by repeated outer products."""
    x = np.asarray(x).reshape(-1)
    out = np.array(1.0)
    for _ in range(order):
        out = np.multiply.outer(out, x)
    return out


@functools.lru_cache(maxsize=2)
def lifted_operator(problem, order):
    """A^{⊗l} as an (m^l, n^l, n^l) array, by Kronecker products."""
    A = problem.operator.matrices()
    rows = []
    for index in itertools.product(range(len(A)), repeat=order):
        matrix = np.eye(1)
        for i in index:
            matrix = np.kron(matrix, A[i])
        rows.append(matrix)
    return np.array(rows)


def factor(problem, order, w):
    """P(w) as an n^l × r^l matrix."""
    n, r = problem.shape
    split = np.reshape(w, (n, r) * order)
    axes = [*range(0, 2 * order, 2), *range(1, 2 * order, 2)]
    return split.transpose(axes).reshape(n**order, r**order)


def unfactor(problem, order, W):
    """The inverse of `factor`."""
    n, r = problem.shape
    axes = [axis for k in range(order) for axis in (k, order + k)]
    return W.reshape((n,) * order + (r,) * order).transpose(axes).reshape((n * r,) * order)


def value(problem, order, w):
    W = factor(problem, order, w)
    residual = lifted_operator(problem, order).reshape(-1, W.shape[0] ** 2) @ (W @ W.T).ravel()
    residual = residual - power(problem.measurements, order).ravel()
    return 0.5 * residual @ residual


def gradient(problem, order, w):
    W, A = factor(problem, order, w), lifted_operator(problem, order)
    residual = np.einsum("kij,ij->k", A, W @ W.T) - power(problem.measurements, order).ravel()
    return unfactor(problem, order, 2 * np.einsum("k,kij->ij", residual, A) @ W)


def hessian_product(problem, order, w, direction):
    W, D, A = (
        factor(problem, order, w),
        factor(problem, order, direction),
        lifted_operator(problem, order),
    )
    residual = np.einsum("kij,ij->k", A, W @ W.T) - power(problem.measurements, order).ravel()
    change = np.einsum("kij,ij->k", A, W @ D.T + D @ W.T)
    product = (
        2 * np.einsum("k,kij->ij", residual, A) @ D + 2 * np.einsum("k,kij->ij", change, A) @ W
    )
    return unfactor(problem, order, product)
