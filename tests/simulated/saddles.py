"""Points whose smallest saddle orders are known, and the forms by formulas of their own."""

import math
from functools import cache

import numpy as np
from scipy import sparse

from lift_compare import sensing
from lift_compare.sensing import EntrywiseOperator, RankOneOperator, SensingProblem


def path_completion(t):
    weights = np.ones((3, 3))
    weights[0, 2] = weights[2, 0] = 0
    problem = SensingProblem.from_ground_truth(EntrywiseOperator(weights), [[1.0], [t], [1.0]])
    return problem, np.array([[-1.0], [0.0], [1.0]])


def two_clusters(k, epsilon):
    weights = np.full((2 * k, 2 * k), epsilon)
    weights[:k, :k] = weights[k:, k:] = 1.0
    problem = SensingProblem.from_ground_truth(EntrywiseOperator(weights), np.ones((2 * k, 1)))
    size = math.sqrt((1 - epsilon**2) / (1 + epsilon**2))
    return problem, size * np.repeat([1.0, -1.0], k)[:, None]


def hard_phase_retrieval():
    operator = RankOneOperator([[0.0, 1.0], [1.0, -3.0], [1.0, 0.0]])
    problem = SensingProblem.from_ground_truth(operator, [[1.0], [0.0]])
    return problem, np.array([[9.0], [6.0]]) / math.sqrt(89)


def block_ring(blocks, epsilon, flipped, *, stored="dense"):
    """Blocks of two, linked in a ring; descend from the sign change of the last `flipped` ones."""
    n = 2 * blocks
    weights = sparse.lil_array((n, n))
    for g in range(blocks):
        weights[2 * g : 2 * g + 2, 2 * g : 2 * g + 2] = np.ones((2, 2))
        i, j = 2 * g + 1, (2 * g + 2) % n
        weights[i, j] = weights[j, i] = epsilon
    operator = EntrywiseOperator(weights.tocsr() if stored == "sparse" else weights.toarray())
    problem = SensingProblem.from_ground_truth(operator, np.ones((n, 1)))
    start = np.ones((n, 1))
    start[n - 2 * flipped :] = -1
    run = sensing.gradient_descent(
        problem, start, step_size=sensing.Backtracking(), max_iterations=3000, tolerance=1e-13
    )
    return problem, run.point


def sparse_clusters(n, *, each=9, epsilon=0.3, seed=0):
    """Two halves with few entries of weight ε across them, and the minimum near (z₁, −z₂)."""
    rng = np.random.default_rng(seed)
    rows = np.repeat(np.arange(n), each)
    across = rng.random(rows.size) < 0.1
    columns = rng.integers(0, n // 2, rows.size) + n // 2 * ((rows >= n // 2) ^ across)
    places = (np.concatenate([rows, np.arange(n)]), np.concatenate([columns, np.arange(n)]))
    values = np.concatenate([np.where(across, epsilon, 1.0), np.ones(n)])
    operator = EntrywiseOperator(sparse.csr_array((values, places), (n, n)))
    Z = rng.uniform(0.5, 1.5, (n, 1))
    problem = SensingProblem.from_ground_truth(operator, Z)
    start = np.where(np.arange(n)[:, None] < n // 2, Z, -Z)
    run = sensing.gradient_descent(
        problem, start, step_size=sensing.Backtracking(), max_iterations=500, tolerance=1e-9
    )
    return problem, run.point


@cache
def known_orders():
    """Return {name: (problem, X̂, smallest order along a power)} (docs/theory.md, section 10)."""
    real = sensing.instance("real-system")
    completion = sensing.perturbed_completion()
    return {
        "real system": (real.problem, real.stationary_point(), 9),
        "completion": (completion, sensing.polish(completion, [[0.9], [0.0], [-0.9]]), 5),
        "two by two": (sensing.two_by_two(), np.array([[0.0], [0.5**0.5]]), 3),
        "path, t = 0.05": (*path_completion(0.05), 175),
        "path, t = 0.1": (*path_completion(0.1), 45),
        "path, t = 0.3": (*path_completion(0.3), 7),
        "two clusters of 3": (*two_clusters(3, 0.3), 5),
        "two clusters of 5": (*two_clusters(5, 0.1), 35),
        "hard phase retrieval": (*hard_phase_retrieval(), 13),
        "ring": (*block_ring(4, 0.3, 2), 15),
    }


@cache
def gaussian_minima(number, ranks=(1, 2, 3), first_seed=0):
    """Return spurious stationary points of Gaussian problems, as (problem, X̂)."""
    found, seed = [], first_seed
    while len(found) < number:
        rank = ranks[seed % len(ranks)]
        n = 8 if rank == 1 else 5
        problem = sensing.gaussian(n, rank, int(1.3 * n * rank), seed)
        X = sensing.spurious_point(problem, seed=seed, max_iterations=200)
        if sensing.relative_gradient_norm(problem, X) < 1e-12 and not problem.is_solved(X):
            found.append((problem, X))
        seed += 1
    return found


def explicit_forms(problem, X):
    """Return N₁, N₂ and P as d×d matrices, by einsum over the A_i."""
    A, r = problem.operator.matrices(), problem.rank
    first = np.einsum("i,ijk->jk", np.einsum("ijk,jr,kr->i", A, X, X), A)
    second = np.einsum("i,ijk->jk", problem.measurements, A)
    B = np.einsum("ijk,kr->ijr", A, X).reshape(len(A), -1)
    return np.kron(first, np.eye(r)), np.kron(second, np.eye(r)), B.T @ B


def terms(matrices, V):
    """Return K₁, K₂ and K₃ of a V of any norm, or of several in the first axis."""
    v = np.reshape(V, (-1, matrices[0].shape[0]))
    return np.stack([np.einsum("aj,jk,ak->a", v, M, v) for M in matrices], axis=-1)


def power_form(K, order):
    """Return q_l from K₁, K₂ and K₃ in the last axis."""
    return K[..., 0] ** order - K[..., 1] ** order + 2 * K[..., 2] ** order
