import numpy as np
import pytest

from lift_compare.lifting.symmetry import each_is_symmetric, is_symmetric
from tests.lifting import explicit

SYMMETRIC = explicit.power(np.array([1.0, -2.0, 0.5]), 3)
TURNED = np.zeros((3, 3, 3))
TURNED[0, 1, 2], TURNED[1, 0, 2] = 1, -1  # changes its sign with the first two modes


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_each_tensor_is_looked_at_in_its_own_size(scale):
    """A small tensor that is not symmetric is told beside a large one, and rounding is no such."""
    rounded = SYMMETRIC.copy()
    rounded[0, 1, 2] *= 1 + 1e-15
    off = SYMMETRIC.copy()
    off[2, 1, 0] += 1e-6
    swapped = np.einsum("i,jk->ijk", [1.0, 2.0, 3.0], np.eye(3))  # in the last two modes only
    for other, is_one in ((rounded, True), (off, False), (TURNED, False), (swapped, False)):
        assert is_symmetric(scale * other) == is_one
        assert each_is_symmetric(np.stack([SYMMETRIC, scale * other])) == is_one
        assert each_is_symmetric(np.stack([scale * other, SYMMETRIC])) == is_one


def test_a_vector_and_a_zero_tensor_are_symmetric():
    assert is_symmetric(np.ones(4))
    assert each_is_symmetric(np.ones((2, 4)))
    assert is_symmetric(np.zeros((2, 2, 2)))
    assert each_is_symmetric(np.zeros((2, 2, 2, 2)))
