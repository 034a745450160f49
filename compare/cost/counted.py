"""Count what a method asks of an operator: the cost of an escape, with no clock in it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lift_compare.sensing import SensingOperator, SensingProblem
from lift_compare.sensing.validation import FloatArray


class CountedOperator:
    """A sensing operator that counts its products.

    A gradient of h takes one measurement A(XXᵀ) and one adjoint product A*(y)X: two products are
    counted as one gradient, whatever they are needed for, and each one of a batch counts. To form
    the matrices A_i is not counted.

    Attributes
    ----------
    operator : SensingOperator
        The operator that does the work.
    products : int
        Measurements and adjoint products since `gradients` was last called.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> from lift_compare.compare.cost.counted import counted
    >>> problem, operator = counted(sensing.two_by_two())
    >>> gradient = problem.gradient([[0.5], [0.5]])
    >>> operator.gradients()
    1.0
    """

    def __init__(self, operator: SensingOperator) -> None:
        self.operator, self.n, self.m, self.products = operator, operator.n, operator.m, 0

    def measure(self, left: FloatArray, right: FloatArray) -> FloatArray:
        """Count, and measure."""
        self.products += int(np.prod(np.broadcast_shapes(left.shape[:-2], right.shape[:-2])))
        return self.operator.measure(left, right)

    def adjoint_matmul(self, y: FloatArray, right: FloatArray) -> FloatArray:
        """Count, and multiply."""
        self.products += int(np.prod(np.broadcast_shapes(y.shape[:-1], right.shape[:-2])))
        return self.operator.adjoint_matmul(y, right)

    def matrices(self) -> FloatArray:
        """Return the A_i."""
        return self.operator.matrices()

    def gradients(self) -> float:
        """Return the products since the last call in gradients, and count from zero again."""
        products, self.products = self.products, 0
        return products / 2


def counted(problem: SensingProblem) -> tuple[SensingProblem, CountedOperator]:
    """Return the same problem with an operator that counts, and that operator."""
    operator = CountedOperator(problem.operator)
    return replace(problem, operator=operator), operator
