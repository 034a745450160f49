"""Measurements of a span at every scale of the operator, and the bound of their rounding."""

import math

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import DenseOperator, RankOneOperator, SensingProblem
from lift_compare.sensing.tolerances import NOISE
from lift_compare.simulated.span.gram import GramData, pair_measurements

EPS = np.finfo(float).eps
BASIS = np.eye(2)[:, :, None]
PAIRS = np.triu_indices(2)


@pytest.mark.parametrize("scale", [1e-200, 1e-300, 1.0, 1e200, 5e307])
def test_measurements_of_a_matrix_of_any_size_are_found_without_a_warning(scale):
    """Sums of the largest entries overflow, and those of opposite signs are inf − inf."""
    A = np.array([[[1.0, 2.0], [2.0, -3.0]], [[-3.0, 1.0], [1.0, 3.0]]])
    problem = SensingProblem(DenseOperator(scale * A), np.ones(2), rank=1)
    with np.errstate(all="raise"):
        y, log = pair_measurements(problem, BASIS, *PAIRS)
    expected = [[1.0, -3.0], [2.0, 1.0], [-3.0, 3.0]]
    found = y * math.exp(log - math.log(scale))
    assert found == pytest.approx(np.array(expected), rel=1e-12, abs=0)
    assert 0.5 <= np.abs(y).max() < 1


class PlainSquares:
    """An operator of a user, who computes and checks nothing: ⟨A_i, XYᵀ⟩ = ⟨Xᵀa_i, Yᵀa_i⟩."""

    def __init__(self, vectors):
        self.vectors = np.asarray(vectors)
        self.m, self.n = self.vectors.shape

    def measure(self, left, right):
        return np.sum((self.vectors @ left) * (self.vectors @ right), axis=-1)

    def adjoint_matmul(self, y, right):
        return self.vectors.T @ (y[:, None] * (self.vectors @ right))

    def matrices(self):
        return self.vectors[:, :, None] * self.vectors[:, None, :]


@pytest.mark.parametrize("scale", [1e-120, 1e-155, 1.0, 1e120, 1e200])
@pytest.mark.parametrize("operator", [RankOneOperator, PlainSquares])
def test_measurements_by_squared_vectors_are_found_without_a_warning(operator, scale):
    """The squares leave float64, 1e±310 and 1e400, and differences of them are inf − inf."""
    vectors = np.array([[1.0, 2.0], [-3.0, 1.0]])
    basis = np.array([[[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0], [1.0, -1.0]]])
    problem = SensingProblem(operator(scale * vectors), np.ones(2), rank=2)
    with np.errstate(all="raise"):
        y, log = pair_measurements(problem, basis, *PAIRS)
    expected = [[5.0, 10.0], [1.0, 2.0], [10.0, 20.0]]
    found = y * math.exp(log - 2 * math.log(scale))
    assert found == pytest.approx(np.array(expected), rel=1e-12, abs=0)


def test_far_smaller_measurements_underflow_without_a_warning():
    A = np.array([np.diag([1.0, 0.0]), np.diag([0.0, 1e-200])])
    problem = SensingProblem(DenseOperator(A), np.ones(2), rank=1)
    with np.errstate(all="raise"):
        data = GramData.measured(problem, BASIS)
        K, B = data.of_generators(1)
    a = math.exp(data.log_operator)
    assert np.einsum("jjjj->j", K) * a**2 == pytest.approx([1.0, 0.0], rel=1e-14, abs=0)
    assert np.diag(B) * a == pytest.approx(np.array([1.0, 1e-200]) / 2**0.5, rel=1e-14, abs=0)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_bounds_of_measurements_and_of_their_rounding_are_near_the_truth(k):
    """All entries observed: ‖A(XYᵀ)‖ ≤ 1 for unit X and Y, and equal for X = Y."""
    n = 4
    problem = SensingProblem(sensing.EntrywiseOperator(np.ones((n, n))), np.ones(n * n), rank=1)
    units = np.linalg.qr(np.random.default_rng(k).standard_normal((n, k)))[0].T[:, :, None]
    data = GramData.measured(problem, units)
    a = math.exp(data.log_operator)
    assert 1 - 1e-12 <= data.largest * a <= k * (1 + 1e-12)
    # A measurement is a sum of n r terms, an inner product one of m, and each of its four indices
    # is turned from the basis to the generators by one of k.
    terms = n + problem.m + 4 * k
    assert terms <= data.terms <= 2 * terms
    assert data.error == data.terms * EPS * data.largest


def test_a_cosine_of_rounding_is_kept_at_order_one_and_dropped_before_a_power():
    """⟨A(e₁e₁ᵀ), A(e₂e₂ᵀ)⟩ = δ, and the same of b."""
    delta = NOISE / 10
    A = np.array([np.diag([1.0, delta]), np.diag([0.0, 1.0])])
    problem = SensingProblem(DenseOperator(A), np.array([1.0, 0.0]), rank=1)
    data = GramData.measured(problem, BASIS)
    K, B = data.of_generators(1)
    unit = math.exp(data.log_operator)
    assert K[0, 0, 1, 1] * unit**2 == pytest.approx(delta, rel=1e-12, abs=0)
    assert B[1, 1] * unit == pytest.approx(delta, rel=1e-12, abs=0)
    for order in (2, 3):  # any order but one
        K, B = data.of_generators(order)
        assert K[0, 0, 1, 1] == 0 == B[1, 1]
        assert K[0, 0, 0, 0] * unit**2 == pytest.approx(1.0)
