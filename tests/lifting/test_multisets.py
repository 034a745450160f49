import itertools
import math
from collections import Counter

import numpy as np
import pytest

from lift_compare.lifting.multisets import (
    SymmetricPower,
    SymmetricTensors,
    insertion_tables,
    monomials,
    multiplicities,
    number,
)
from tests.lifting import explicit
from tests.lifting.test_cost import traced_peak

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


@pytest.mark.parametrize(("d", "k"), [*SIZES, (3, 0)])
def test_monomials_are_products_over_the_multisets(d, k):
    x = np.random.default_rng(2).standard_normal(d)
    want = [math.prod(x[list(multiset)]) for multiset in in_order(d, k)]
    np.testing.assert_allclose(monomials(x, k), want, rtol=1e-14, atol=0)


class Recording(np.ndarray):
    """A matrix that keeps what it is multiplied with, and what comes out."""

    products: list[tuple[np.ndarray, np.ndarray]]

    def __matmul__(self, other):
        result = np.asarray(self) @ other
        self.products.append((other, result))
        return result


@pytest.mark.parametrize(
    ("rows", "columns", "order"),
    [(1, 1, 1), (7, 4, 1), (4, 7, 1), (8, 60, 2), (100, 2, 2), (30, 3, 3), (3, 30, 3), (6, 6, 5)],
)
def test_what_a_matrix_on_every_mode_takes_is_counted(rows, columns, order):
    """Two operations a multiplication; beside the product, what it is made from, or what is picked
    from it: by then in views, one a row, of 18 numbers each."""
    power = SymmetricPower(rows, columns, order)
    power.prepare(np.asarray)
    B = np.ones((rows, columns)).view(Recording)
    B.products = []
    entries = np.ones(number(columns, order))
    power(B, entries)
    assert power.flops == sum(2 * columns * product.size for _, product in B.products)
    assert power.largest_product == max(columns * product.size for _, product in B.products)
    held = [operand.size + product.size for operand, product in B.products]
    for done, (_, product) in enumerate(B.products, 1):
        picked = number(rows, done) * number(columns, order - done)
        held.append(product.size + picked + (18 * rows if done > 1 else 0))
    assert power.peak_bytes == 8 * max(held)
    if max(held) > 4000:  # then a few small objects of Python's are nothing beside it
        traced = traced_peak(lambda: power(np.asarray(B), entries))
        assert power.peak_bytes == pytest.approx(traced, rel=0.06)


@pytest.mark.parametrize(("d", "order"), [(40, 1), (20, 3), (5, 5), (2, 15)])
def test_expanding_holds_its_result_and_the_tensor_before_the_last_step(d, order, monkeypatch):
    sizes = []

    def recording(tensor, index, axis):
        result = np.take(tensor, index, axis=axis)
        sizes.append(tensor.nbytes + result.nbytes)
        return result

    tensors = SymmetricTensors(d, order)
    tensors.prepare(np.asarray)
    monkeypatch.setattr("lift_compare.lifting.multisets.take", recording)
    T = tensors.expand(np.ones(tensors.size))
    assert tensors.expand_bytes == max(sizes, default=T.nbytes)
