"""The checks of derivatives find a mistake at any scale, and say how large it is."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import DenseOperator, SensingProblem, check_gradient, check_hessian


class Wrong(SensingProblem):
    """With derivatives that are too large by a factor."""

    factor_of_gradient = 1.0
    factor_of_hessian = 1.0

    def gradient(self, X):
        return self.factor_of_gradient * super().gradient(X)

    def hessian_product(self, X, D):
        return self.factor_of_hessian * super().hessian_product(X, D)


class WrongGradient(Wrong):
    factor_of_gradient = 2.0


class WrongHessian(Wrong):
    factor_of_hessian = 2.0


class FarTooLarge(Wrong):
    factor_of_gradient = 2.0**40


class FarTooLargeHessian(Wrong):
    factor_of_hessian = 2.0**40


@pytest.mark.parametrize(("of_x", "of_a"), [(-60, 0), (60, 0), (0, -40), (0, 40), (-30, 70)])
@pytest.mark.parametrize("height", [0.0, 0.25, 4.0])
def test_a_mistake_is_as_large_in_any_units(of_x: int, of_a: int, height: float) -> None:
    """X by s, A by a and b by a s² is the same problem, exactly for powers of two."""
    A, b = sensing.real_system().operator.matrices(), sensing.real_system().measurements
    X = height * np.array([[0.2], [-0.7], [0.4]])
    s, a = 2.0**of_x, 2.0**of_a
    for kind, check in ((WrongGradient, check_gradient), (WrongHessian, check_hessian)):
        if height == 0 and kind is WrongGradient:
            continue  # ∇h(0) = 0, whatever the factor
        plain = check(kind(DenseOperator(A), b), X)
        assert plain > 1e-2
        scaled = check(kind(DenseOperator(a * A), a * s**2 * b), s * X)
        assert scaled == pytest.approx(plain, rel=1e-12)


def test_the_differences_are_along_a_unit_direction() -> None:
    """So the error of one that is far too large is one, in one dimension, for every draw."""
    operator = DenseOperator([[[2.0]]])
    for seed in range(5):
        problem = FarTooLarge(operator, [3.0])
        assert check_gradient(problem, [[0.7]], seed=seed) == pytest.approx(1, abs=1e-9)
        problem = FarTooLargeHessian(operator, [3.0])
        assert check_hessian(problem, [[0.7]], seed=seed) == pytest.approx(1, abs=1e-9)


def test_where_h_is_constant_nothing_is_wrong() -> None:
    problem = SensingProblem(DenseOperator(np.zeros((2, 3, 3))), [1.0, 2.0])
    for X in (np.zeros((3, 1)), np.ones((3, 1))):
        assert check_gradient(problem, X) == 0.0
        assert check_hessian(problem, X) == 0.0
