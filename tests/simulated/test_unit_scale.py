"""A problem and a point in units of powers of two: the same problem, of size one."""

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.simulated.points.unit_scale import at_unit_scale


@pytest.mark.parametrize("exponent", [-200, -3, -1, 0, 1, 2, 250])
@pytest.mark.parametrize("known", [True, False])
def test_the_scaled_problem_is_the_same_one_with_measurements_of_size_one(exponent, known):
    plain = sensing.gaussian(3, 2, 7, 0)
    size = 2.0**exponent / np.sqrt(np.abs(plain.measurements).max())
    Z = size * plain.ground_truth
    problem = SensingProblem.from_ground_truth(plain.operator, Z, rank=2)
    if not known:
        problem = SensingProblem(plain.operator, problem.measurements, rank=2)
    X = size * np.array([[1.0, 0.0], [0.5, -2.0], [0.0, 3.0]])
    X[2, 0] = 1e-307  # which may underflow
    with np.errstate(all="raise"):
        scaled, point, e = at_unit_scale(problem, X)
    assert 0.25 <= np.abs(scaled.measurements).max() < 4
    assert np.array_equal(point, X / 2.0**e)
    assert np.array_equal(scaled.measurements, problem.measurements / 4.0**e)
    assert scaled.operator is problem.operator
    if known:
        assert np.array_equal(scaled.ground_truth, Z / 2.0**e)
    else:
        assert scaled.ground_truth is None
