"""One matrix on every mode of a symmetric tensor, against the whole tensor, and its costs."""

import itertools
from typing import ClassVar

import numpy as np
import pytest

from lift_compare.lifting.forms import symmetric_power
from lift_compare.lifting.forms.symmetric_power import DiagonalPower, PowerMatrix
from lift_compare.lifting.multisets import number
from tests.lifting.test_cost import traced_peak
from tests.lifting.test_multisets import SIZES, in_order, symmetric_tensor

SHAPES = [(1, 1, 1), (7, 4, 1), (4, 7, 1), (8, 60, 2), (100, 2, 2), (30, 3, 3), (3, 30, 3)]
SHAPES += [(6, 6, 5), (12, 12, 3), (9, 5, 5), (3, 3, 9), (70, 2, 3), (20_000, 2, 1)]
WAYS = ["one product", "mode by mode", "in blocks", "in pieces"]
# Views of arrays, tuples and, where lines are counted, what counts them: up to 7 kB was seen.
OTHER_OBJECTS = 10_000


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """The four ways to compute a power, whatever its size."""
    monkeypatch.setattr(
        symmetric_power, "_PIECE_BYTES", 10**3 if request.param == "in pieces" else 1e9
    )
    monkeypatch.setattr(symmetric_power, "MATRIX_ENTRIES", 10**7 * (request.param == "one product"))
    monkeypatch.setattr(
        symmetric_power, "_BLOCKED_FROM", 1 if request.param.startswith("in ") else 1e9
    )


def built(B, order):
    power = symmetric_power.symmetric_power(*B.shape, order)
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
    factors: ClassVar[list[tuple[int, ...]]] = []

    def __matmul__(self, other):
        result = np.asarray(self) @ np.asarray(other)
        self.products.append(self.shape[-1] * result.size)
        self.factors.append(other.shape)
        return result


def recorded(rows, columns, order):
    """Return a power and its result, once its products, picks and joins are recorded."""
    power = built(np.ones((rows, columns)).view(Recording), order)
    if isinstance(power, PowerMatrix):
        power._matrix = power._matrix.view(Recording)
    for record in (Recording.products, Recording.factors):
        record.clear()
    return power, power(np.ones(number(columns, order)))


@pytest.fixture
def picked(monkeypatch):
    """The bytes of each array that is picked from another."""
    sizes = []

    def take(tensor, index, axis=0):
        result = np.take(tensor, index, axis=axis)
        sizes.append(result.nbytes)
        return result

    monkeypatch.setattr(symmetric_power, "take", take)
    return sizes


@pytest.fixture
def joined(monkeypatch):
    """The bytes of each array that is put together from others."""
    sizes = []

    def concatenate(tensors, axis=0):
        result = np.concatenate(tensors, axis=axis)
        sizes.append(result.nbytes)
        return result

    monkeypatch.setattr(symmetric_power.tl, "concatenate", concatenate)
    return sizes


def result_bytes(rows, columns, order):
    """The bytes of the tensor after each mode."""
    return [8 * number(rows, j + 1) * number(columns, order - j - 1) for j in range(order)]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("rows", "columns", "order"), SHAPES)
def test_operations_are_counted(rows, columns, order):
    power, _ = recorded(rows, columns, order)
    assert power.flops == 2 * sum(Recording.products)
    assert power.largest_product == max(Recording.products)


def test_a_small_power_is_one_product(monkeypatch):
    rows, columns, order = 2, 5, 3
    matrix = number(rows, order) * number(columns, order)
    monkeypatch.setattr(symmetric_power, "MATRIX_ENTRIES", matrix)
    power, result = recorded(rows, columns, order)
    assert power.calls == len(Recording.products) == 1
    assert power.peak_bytes == result.nbytes
    assert power.moved_bytes == 8 * matrix + 8 * number(columns, order) + result.nbytes
    monkeypatch.setattr(symmetric_power, "MATRIX_ENTRIES", matrix - 1)
    recorded(rows, columns, order)
    assert len(Recording.products) == order


@pytest.mark.parametrize("way", WAYS[1:], indirect=True)
@pytest.mark.parametrize(("rows", "columns", "order"), SHAPES)
def test_bytes_are_those_of_what_is_picked_multiplied_and_joined(
    way, rows, columns, order, picked, joined
):
    power, _ = recorded(rows, columns, order)
    after = result_bytes(rows, columns, order)
    in_pieces = [len(tables) > 1 for tables in power._tables]
    # A number that is picked is read, as its position is, and written, and read by the product; any
    # other is written and read.
    products = 8 * sum(Recording.products) // columns
    results = sum(size * (1 + several) for size, several in zip(after, in_pieces, strict=True))
    assert power.moved_bytes == 4 * sum(picked) + 2 * products + 2 * results
    # From the second mode on one row after another is joined, and pieces are.
    by_row = [j > 0 and rows > 1 for j in range(order)]
    assert sum(joined) == sum(np.multiply(after, np.add(by_row, in_pieces, dtype=int)))


class Counting(np.ndarray):
    """An array that counts the calls of numpy with it, a view as a quarter."""

    calls: ClassVar[list[float]] = []

    def __matmul__(self, other):
        self.calls.append(1)
        return (np.asarray(self) @ np.asarray(other)).view(Counting)

    def __array_function__(self, function, types, args, kwargs):
        self.calls.append(1)
        return super().__array_function__(function, types, args, kwargs)

    def __getitem__(self, part):
        self.calls.append(1 / 4)
        return super().__getitem__(part)

    def reshape(self, *shape):
        self.calls.append(1 / 4)
        return super().reshape(*shape)


@pytest.mark.parametrize("way", WAYS[1:], indirect=True)
@pytest.mark.parametrize(("rows", "columns", "order"), [*SHAPES, (400, 3, 2), (20, 20, 3)])
def test_calls_are_predicted_within_a_factor_of_two(way, rows, columns, order, monkeypatch):
    power = built(np.ones((rows, columns)).view(Counting), order)
    row_major = symmetric_power.row_major
    monkeypatch.setattr(symmetric_power, "row_major", lambda array: row_major(array).view(Counting))
    Counting.calls.clear()
    power(np.ones(number(columns, order)).view(Counting))
    counted = sum(Counting.calls)
    assert counted <= power.calls <= 2 * (counted + order)


@pytest.mark.parametrize("way", ["mode by mode"], indirect=True)
@pytest.mark.parametrize(("rows", "columns", "order"), SHAPES)
def test_what_is_multiplied_lies_in_the_longer_rows(way, rows, columns, order):
    recorded(rows, columns, order)
    assert len(Recording.factors) == order
    assert all(first <= last for first, _, last in Recording.factors)


@pytest.mark.parametrize("way", ["mode by mode"], indirect=True)
def test_large_products_are_done_in_blocks(way, monkeypatch):
    rows, columns, order = 8, 3, 5
    recorded(rows, columns, order)
    whole = Recording.products.copy()
    for least in whole[1:]:
        monkeypatch.setattr(symmetric_power, "_BLOCKED_FROM", least)
        recorded(rows, columns, order)
        # The first mode, with nothing to leave out, is one block; others are four.
        assert len(Recording.products) == order + 3 * sum(size >= least for size in whole[1:])


@pytest.mark.parametrize("way", ["mode by mode"], indirect=True)
@pytest.mark.parametrize(("rows", "columns", "order"), [(4, 3, 5), (4, 2, 3), (1, 9, 3)])
def test_what_is_picked_for_a_piece_stays_in_a_cache(
    way, rows, columns, order, picked, monkeypatch
):
    B = np.random.default_rng(4).standard_normal((rows, columns))
    entries = np.random.default_rng(5).standard_normal(number(columns, order))
    want = built(B, order)(entries)
    whole = picked.copy()
    limits = {limit for size in whole for limit in (size // 2, size // 2 - 1, size // 3 + 1)}
    for limit in [1, *limits]:
        monkeypatch.setattr(symmetric_power, "_PIECE_BYTES", limit)
        picked.clear()
        result = built(B, order)(entries)
        np.testing.assert_allclose(result, want, rtol=0, atol=1e-13 * abs(want).max())
        for j, size in enumerate(whole):
            one = 8 * columns * number(rows, j)  # for one ρ
            pieces = [picked.pop(0)]
            while sum(pieces) < size:
                pieces.append(picked.pop(0))
            assert sum(pieces) == size
            # Up to twice the limit is one piece; else a piece is as large as it can be within it.
            assert (len(pieces) == 1) == (size <= max(2 * limit, one))
            assert len(pieces) == 1 or max(pieces) <= max(limit, one)
            assert all(piece + one > limit for piece in pieces[:-1])
        assert not picked


def test_pieces_are_put_together_beside_the_result(monkeypatch):
    """One tensor in the middle is so much larger than the others that these two are the most."""
    for name, value in (("MATRIX_ENTRIES", 0), ("_PIECE_BYTES", 50_000), ("_BLOCKED_FROM", 1)):
        monkeypatch.setattr(symmetric_power, name, value)
    power = built(np.ones((14, 20)), 5)
    entries = np.ones(number(20, 5))
    assert power.peak_bytes == 2 * max(result_bytes(14, 20, 5))
    traced = traced_peak(lambda: power(entries))
    assert power.peak_bytes == pytest.approx(traced, rel=0.06)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(("rows", "columns", "order"), SHAPES)
def test_memory_is_predicted(rows, columns, order):
    power = built(np.ones((rows, columns)), order)
    entries = np.ones(number(columns, order))
    if power.peak_bytes > 80_000:
        traced = traced_peak(lambda: power(entries))
        assert power.peak_bytes == pytest.approx(traced, rel=0.06, abs=OTHER_OBJECTS)
    arrays = (
        [power._matrix]
        if isinstance(power, PowerMatrix)
        else [power._B, *itertools.chain(*power._tables)]
    )
    assert power.stored_bytes == sum(array.nbytes for array in arrays)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("rows", "columns", "order"), [*SHAPES, (1, 2, 41), (2000, 10, 1), (1, 300, 1)]
)
def test_memory_while_it_is_built_is_predicted(rows, columns, order):
    """Tables, the matrix itself or, for one product, unit vectors are most of it."""
    power = symmetric_power.symmetric_power(rows, columns, order)
    make = np.ascontiguousarray
    peak = traced_peak(lambda: power.prepare(np.ones((rows, columns)), make, make))
    most = 1.6 if isinstance(power, PowerMatrix) else 1.3
    assert (peak - OTHER_OBJECTS) / 1.1 < power.building_bytes < most * peak or peak < 40_000


@pytest.mark.parametrize(
    ("rows", "columns", "order"), [(1, 21, 5), (3, 28, 3), (6, 6, 5), (10, 10, 3)]
)
def test_a_matrix_takes_a_few_times_its_size_to_build(rows, columns, order):
    """The first has 53,130 columns, as many unit vectors would take gigabytes; the others are made
    of a part of the unit vectors at a time."""
    power = symmetric_power.symmetric_power(rows, columns, order)
    assert isinstance(power, PowerMatrix)
    make = np.ascontiguousarray
    peak = traced_peak(lambda: power.prepare(np.ones((rows, columns)), make, make))
    assert power.building_bytes == pytest.approx(peak, rel=0.15)
    assert peak < 10 * power.stored_bytes


def test_blocks_leave_out_most_of_what_is_not_needed():
    """At most 1 + 1/4 + ... of the operations that the result needs, mode for mode."""
    power, order, d = symmetric_power.symmetric_power(20, 20, 5), 5, 20
    needed = sum(2.0 * d * number(d, j + 1) * number(d, order - j - 1) for j in range(order))
    everything = sum(2.0 * d * d * number(d, j) * number(d, order - j - 1) for j in range(order))
    assert needed < power.flops < 1.7 * needed < everything


@pytest.mark.parametrize(("d", "order"), [(1, 1), (6, 1), (6, 5), (21, 3), (3, 9)])
def test_a_diagonal_matrix_acts_like_any_other(d, order):
    diagonal = np.random.default_rng(2).standard_normal(d)
    entries = np.random.default_rng(3).standard_normal(number(d, order))
    power = DiagonalPower(d, order)
    power.prepare(diagonal, np.ascontiguousarray, np.ascontiguousarray)
    assert power.stored_bytes == entries.nbytes == power.flops * 8
    # One call that reads two vectors and writes one; no matrix product.
    assert (power.calls, power.moved_bytes, power.largest_product) == (1, 3 * entries.nbytes, 0)
    wanted = built(np.diag(diagonal), order)(entries)
    # A monomial is a product of l numbers here, a sum of rounded terms there.
    np.testing.assert_allclose(power(entries), wanted, rtol=0, atol=1e-14 * abs(wanted).max())
    batch = power(np.stack([entries, -2 * entries], axis=1))
    np.testing.assert_array_equal(batch, np.stack([power(entries), -2 * power(entries)], axis=1))


@pytest.mark.parametrize(("d", "order"), [(21, 3), (78, 3)])
def test_memory_of_a_diagonal_matrix_is_predicted(d, order):
    power, make = DiagonalPower(d, order), np.ascontiguousarray
    peak = traced_peak(lambda: power.prepare(np.linspace(1, 2, d), make, make))
    assert (peak - OTHER_OBJECTS) / 1.1 < power.building_bytes < 1.2 * peak
    entries = np.ones(number(d, order))
    if d == 78:
        traced = traced_peak(lambda: power(entries))
        assert power.peak_bytes == pytest.approx(traced, rel=0.06)
