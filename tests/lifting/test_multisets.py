import itertools
import math
from collections import Counter

import numpy as np
import pytest

from lift_compare.lifting.multisets import (
    SymmetricTensors,
    insertion_tables,
    monomials,
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


@pytest.mark.parametrize(("d", "k"), [*SIZES, (3, 0)])
def test_monomials_are_products_over_the_multisets(d, k):
    x = np.random.default_rng(2).standard_normal(d)
    want = [math.prod(x[list(multiset)]) for multiset in in_order(d, k)]
    np.testing.assert_allclose(monomials(x, k), want, rtol=1e-14, atol=0)


@pytest.mark.parametrize(("d", "order"), [(40, 1), (20, 3), (5, 5), (2, 15)])
@pytest.mark.parametrize("at_once", [0, 10**6])
def test_expanding_holds_its_result_and_the_tensor_before_the_last_step(
    d, order, at_once, monkeypatch
):
    sizes = []

    def recording(tensor, index, axis=0):
        result = np.take(tensor, index, axis=axis)
        sizes.append((tensor.nbytes if not at_once else 0) + result.nbytes)
        return result

    monkeypatch.setattr("lift_compare.lifting.multisets._AT_ONCE", at_once)
    tensors = SymmetricTensors(d, order)
    tensors.prepare(np.asarray)
    monkeypatch.setattr("lift_compare.lifting.multisets.take", recording)
    entries = np.random.default_rng(3).standard_normal(tensors.size)
    T = tensors.expand(entries)
    assert T.shape == (d,) * order
    np.testing.assert_array_equal(tensors.compress(T), entries)
    assert tensors.expand_bytes == max(sizes[:-1], default=T.nbytes)


@pytest.mark.parametrize("less", [0, 1])
@pytest.mark.parametrize(("d", "order"), [(40, 1), (4, 3), (3, 5)])
def test_what_is_kept_is_predicted_for_positions_of_all_entries_and_for_tables(
    d, order, less, monkeypatch
):
    monkeypatch.setattr("lift_compare.lifting.multisets._AT_ONCE", d**order - less)
    kept = []

    def index(array):
        kept.append(array)
        return array

    tensors = SymmetricTensors(d, order)
    tensors.prepare(index)
    assert tensors.stored_bytes == sum(array.nbytes for array in kept)
    assert (kept[-1].size == d**order) == (not less or order == 1)


@pytest.mark.parametrize("at_once", [0, 10**6])
@pytest.mark.parametrize(("d", "order"), [(4, 1), (3, 3), (2, 5)])
def test_several_tensors_are_expanded_and_compressed_like_one(d, order, at_once, monkeypatch):
    monkeypatch.setattr("lift_compare.lifting.multisets._AT_ONCE", at_once)
    tensors = SymmetricTensors(d, order)
    tensors.prepare(np.asarray)
    entries = np.random.default_rng(4).standard_normal((tensors.size, 3))
    each = tensors.expand_each(entries)
    np.testing.assert_array_equal(each, [tensors.expand(column) for column in entries.T])
    np.testing.assert_array_equal(tensors.compress_each(each), entries)
