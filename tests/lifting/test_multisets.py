import itertools
import math
from collections import Counter

import numpy as np
import pytest

from lift_compare.lifting.multisets import (
    SymmetricPower,
    SymmetricTensors,
    insertion_tables,
    multiplicities,
    number,
)
from tests.lifting import explicit

SIZES = [(1, 1), (1, 4), (2, 1), (2, 5), (3, 3), (4, 2), (5, 3)]


def in_order(d, k):
    """All multisets, by the largest index first, then the second largest, ..."""
    return sorted(
        itertools.combinations_with_replacement(range(d), k), key=lambda multiset: multiset[::-1]
    )


def symmetric_tensor(d, order, seed=0):
    rng = np.random.default_rng(seed)
    return sum(explicit.power(rng.standard_normal(d), order) for _ in range(4))


@pytest.mark.parametrize(("d", "k"), SIZES)
def test_tables_follow_the_order_of_the_multisets(d, k):
    multisets = in_order(d, k)
    assert len(multisets) == number(d, k)
    orderings = [
        math.factorial(k) / math.prod(map(math.factorial, Counter(m).values())) for m in multisets
    ]
    np.testing.assert_allclose(multiplicities(d, k), orderings, rtol=1e-14)
    table = insertion_tables(d, k)[-1]
    for position, rest in enumerate(in_order(d, k - 1)):
        for e in range(d):
            assert multisets[table[e, position]] == tuple(sorted([*rest, e]))


@pytest.mark.parametrize(("d", "k"), SIZES)
def test_expanding_undoes_compressing(d, k):
    T = symmetric_tensor(d, k)
    tensors = SymmetricTensors(d, k)
    tensors.prepare(np.asarray)
    entries = tensors.compress(T)
    np.testing.assert_array_equal(entries, [T[multiset] for multiset in in_order(d, k)])
    np.testing.assert_allclose(tensors.expand(entries), T, rtol=1e-13)


@pytest.mark.parametrize(("d", "k"), SIZES)
@pytest.mark.parametrize("rows", [1, 2, 6])
def test_a_matrix_acts_on_every_mode(d, k, rows):
    B = np.random.default_rng(1).standard_normal((rows, d))
    T = symmetric_tensor(d, k)
    want = T
    for _ in range(k):
        want = np.tensordot(want, B, (0, 1))  # the first mode goes, the new one is last
    power = SymmetricPower(rows, d, k)
    power.prepare(np.asarray)
    entries = power(B, np.array([T[multiset] for multiset in in_order(d, k)]))
    np.testing.assert_allclose(
        entries,
        [want[multiset] for multiset in in_order(rows, k)],
        rtol=0,
        atol=1e-13 * np.abs(want).max(),
    )
