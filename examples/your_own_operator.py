"""Bring your own sensing operator: n, m, measure, adjoint_matmul and matrices are all it takes.

Here A_i = (e_i e_{i+1}ᵀ + e_{i+1} e_iᵀ)/2 and all e_i e_iᵀ. Run as a plain script:
python examples/your_own_operator.py
"""

import numpy as np

from lift_compare import sensing


class ChainOperator:
    """Sees the diagonal and the first off-diagonal of a symmetric matrix.

    Measurements and adjoint form nothing of size n×n.
    """

    def __init__(self, n: int) -> None:
        self.n, self.m = n, 2 * n - 1

    def measure(self, left, right):
        diagonal = np.sum(left * right, axis=-1)
        off = (
            np.sum(left[..., :-1, :] * right[..., 1:, :], axis=-1)
            + np.sum(left[..., 1:, :] * right[..., :-1, :], axis=-1)
        ) / 2
        return np.concatenate([diagonal, off], axis=-1)

    def adjoint_matmul(self, y, right):
        diagonal, off = y[..., : self.n, None], y[..., self.n :, None]
        product = diagonal * right
        product[..., :-1, :] += off * right[..., 1:, :] / 2
        product[..., 1:, :] += off * right[..., :-1, :] / 2
        return product

    def matrices(self):
        A = np.zeros((self.m, self.n, self.n))
        for i in range(self.n):
            A[i, i, i] = 1
        for i in range(self.n - 1):
            A[self.n + i, i, i + 1] = A[self.n + i, i + 1, i] = 0.5
        return A


operator = ChainOperator(6)
problem = sensing.SensingProblem.from_ground_truth(operator, np.ones((6, 1)))
X = np.random.default_rng(0).standard_normal((6, 1))
print(f"adjoint test:  {sensing.check_adjoint(operator):.1e}")
print(f"gradient test: {sensing.check_gradient(problem, X):.1e}")
print(f"Hessian test:  {sensing.check_hessian(problem, X):.1e}")
descent = sensing.gradient_descent(
    problem, X, step_size=sensing.Backtracking(), max_iterations=5000, tolerance=1e-9
)
print(descent)
print(f"distance to the truth: {problem.distance(descent.point):.3g}")
