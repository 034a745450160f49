"""One matrix on every mode of a symmetric tensor, against the whole tensor, and its costs."""

import itertools
from typing import ClassVar

import numpy as np
import pytest

from lift_compare.lifting.forms import symmetric_power
from lift_compare.lifting.forms.symmetric_power import DiagonalPower, SymmetricPower
from lift_compare.lifting.multisets import number
from tests.lifting.test_cost import traced_peak
from tests.lifting.test_multisets import SIZES, in_order, symmetric_tensor

SHAPES = [(1, 1, 1), (7, 4, 1), (4, 7, 1), (8, 60, 2), (100, 2, 2), (30, 3, 3), (3, 30, 3)]
SHAPES += [(6, 6, 5), (12, 12, 3), (9, 5, 5), (3, 3, 9)]
# Views of arrays, tuples and, where lines are counted, what counts them: up to 7 kB was seen.
OTHER_OBJECTS = 10_000


@pytest.fixture(params=["one product", "mode by mode", "in blocks", "in pieces"])
def way(request, monkeypatch):
    """The four ways to compute a power, whatever its size."""
    monkeypatch.setattr(
        symmetric_power, "_PIECE_BYTES", 10**3 if request.param == "in pieces" else 1e9
    )
    monkeypatch.setattr(symmetric_power, "DENSE_ENTRIES", 10**7 * (request.param == "one product"))
    monkeypatch.setattr(
        symmetric_power, "_BLOCKED_FROM", 1 if request.param.startswith("in ") else 1e9
    )


def built(B, order):
    power = SymmetricPower(*B.shape, order)
    power.prepare(B, lambda array: array, np.ascontiguousarray)
    return power


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("d", "k"), SIZES)
@pytest.mark.parametrize("rows", [1, 2, 6])
def test_a_matrix_acts_on_every_mode(d, k, rows):
    B = np.random.default_rng(1).standard_normal((rows, d))
    T = symmetric_tensor(d, k)
    want = T
    for _ in range(k):
        want = np.tensordot(want, B, (0, 1))  # the first mode goes, the new one is last
    power = built(B, k)
    entries = np.array([T[multiset] for multiset in in_order(d, k)])
    wanted = np.array([want[multiset] for multiset in in_order(rows, k)])
    tolerance = 1e-13 * np.abs(want).max()
    np.testing.assert_allclose(power(entries), wanted, rtol=0, atol=tolerance)
    # A batch is several tensors beside each other.
    batch = power(np.stack([entries, -2 * entries, 0 * entries], axis=1))
    np.testing.assert_allclose(
        batch, np.stack([wanted, -2 * wanted, 0 * wanted], axis=1), rtol=0, atol=2 * tolerance
    )


class Recording(np.ndarray):
    """A matrix that keeps how large the products with it are, and with what."""

    products: ClassVar[list[int]] = []

    def __matmul__(self, other):
        result = np.asarray(self) @ np.asarray(other)
        self.products.append(self.shape[-1] * result.size)
        return result


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("rows", "columns", "order"), SHAPES)
def test_operations_are_counted(rows, columns, order):
    power = built(np.ones((rows, columns)).view(Recording), order)
    if power._is_dense:
        power._dense = power._dense.view(Recording)
    Recording.products.clear()
    power(np.ones(number(columns, order)))
    assert power.flops == 2 * sum(Recording.products)
    assert power.largest_product == max(Recording.products)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("rows", "columns", "order"), SHAPES)
def test_memory_is_predicted(rows, columns, order):
    power = built(np.ones((rows, columns)), order)
    entries = np.ones(number(columns, order))
    if power.peak_bytes > 80_000:
        traced = traced_peak(lambda: power(entries))
        assert power.peak_bytes == pytest.approx(traced, rel=0.06, abs=OTHER_OBJECTS)
    arrays = [power._dense] if power._is_dense else [power._B, *itertools.chain(*power._tables)]
    assert power.stored_bytes == sum(array.nbytes for array in arrays)
    B = np.ones((rows, columns))
    peak = traced_peak(lambda: power.prepare(B, np.ascontiguousarray, np.ascontiguousarray))
    assert power.building_bytes > (peak - OTHER_OBJECTS) / 1.1 or peak < 40_000


def test_blocks_leave_out_most_of_what_is_not_needed():
    """At most 1 + 1/4 + ... of the operations that the result needs, mode for mode."""
    power, order, d = SymmetricPower(20, 20, 5), 5, 20
    needed = sum(2.0 * d * number(d, j + 1) * number(d, order - j - 1) for j in range(order))
    everything = sum(2.0 * d * d * number(d, j) * number(d, order - j - 1) for j in range(order))
    assert needed < power.flops < 1.7 * needed < everything


@pytest.mark.parametrize(("d", "order"), [(1, 1), (6, 1), (6, 5), (21, 3), (3, 9), (78, 3)])
def test_a_diagonal_matrix_acts_like_any_other(d, order):
    diagonal = np.random.default_rng(2).standard_normal(d)
    entries = np.random.default_rng(3).standard_normal(number(d, order))
    power = DiagonalPower(d, order)
    make = np.ascontiguousarray
    peak = traced_peak(lambda: power.prepare(diagonal, make, make))
    assert power.building_bytes > (peak - OTHER_OBJECTS) / 1.1 or peak < 40_000
    assert power.stored_bytes == 8 * number(d, order) == power.flops * 8
    if d < 78:
        wanted = built(np.diag(diagonal), order)(entries)
        # A monomial is a product of l numbers here, a sum of rounded terms there.
        np.testing.assert_allclose(power(entries), wanted, rtol=0, atol=1e-14 * abs(wanted).max())
    batch = power(np.stack([entries, -2 * entries], axis=1))
    np.testing.assert_array_equal(batch, np.stack([power(entries), -2 * power(entries)], axis=1))
    if power.peak_bytes > 80_000:
        traced = traced_peak(lambda: power(entries))
        assert power.peak_bytes == pytest.approx(traced, rel=0.06, abs=OTHER_OBJECTS)
