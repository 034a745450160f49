"""Bring your own sensing operator: n, m, measure, adjoint_matmul and matrices are all it takes.

Here A_i = (e_i e_{i+1}ᵀ + e_{i+1} e_iᵀ)/2 and all e_i e_iᵀ. Run as a plain script:
python examples/your_own_operator.py. It draws to results/. Every command takes the function
`instance` below: lift-compare verify examples/your_own_operator.py:instance:n=5
"""

from pathlib import Path

import numpy as np

from lift_compare import sensing, simulated
from lift_compare.compare import figures


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


def instance(n: int = 6):
    """Return the problem: `lift-compare ... your_own_operator.py:instance:n=5` calls this."""
    return sensing.SensingProblem.from_ground_truth(ChainOperator(n), np.ones((n, 1)))


if __name__ == "__main__":
    problem = instance()
    X = np.random.default_rng(0).standard_normal((6, 1))
    print(f"adjoint test:  {sensing.check_adjoint(problem.operator):.1e}")
    print(f"gradient test: {sensing.check_gradient(problem, X):.1e}")
    print(f"Hessian test:  {sensing.check_hessian(problem, X):.1e}")

    step_size = sensing.Backtracking()
    descent = sensing.gradient_descent(
        problem, X, step_size=step_size, max_iterations=5000, tolerance=1e-9
    )
    print(descent)
    print(f"distance to the truth: {problem.distance(descent.point):.3g}")
    print("The descent is stuck: ∇h = 0, but h > 0. The point is spurious. Lifting it, simulated:")

    stuck = sensing.polish(problem, descent.point)
    escape = simulated.escape(problem, stuck, method="any")
    for attempt in escape.attempts:
        print(f"  {attempt}")
    again = sensing.gradient_descent(
        problem, escape.point, step_size=step_size, max_iterations=5000, tolerance=1e-9
    )
    print(again)
    print(f"distance to the truth: {problem.distance(again.point):.3g}")
    lower = f"from h = {escape.objective_before:.3g} to h = {escape.objective_after:.3g}"
    print(f"The {escape.method} method led {lower}; descent from there ends at the truth.")

    figure, _ = figures.histories(
        {"gd": [descent.history], "escape": [descent.history, again.history]},
        "distance",
        labels={"gd": "descent alone", "escape": "with an escape"},
        title="Descent is stuck; an escape leads to the truth",
    )
    print("written:", figures.save_svg(figure, Path("results") / "own-operator.svg"))
