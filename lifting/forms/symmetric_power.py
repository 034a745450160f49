"""A matrix on every mode of a symmetric tensor, in distinct entries: any, or a diagonal one."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorly as tl

from ..backends import row_major, take
from ..cost import ITEMSIZE, operations
from ..multisets import insertion_tables, monomials, multiplicities, number

VIEW_BYTES = 144  # of Python's for a view of an array
MATRIX_ENTRIES = 2**17  # up to which the whole power is kept as a matrix: 1 MiB
_BLOCKS, _BLOCKED_FROM = 4, 2**15
_UNIT_BYTES = 2**18  # of unit vectors that are taken at once in any case
_PIECE_BYTES = 2**19  # half of what a core's second cache holds


def symmetric_power(rows: int, columns: int, order: int) -> PowerMatrix | ModewisePower:
    """Return the plan of a power: a small one is quicker as a matrix, in one product."""
    entries = number(rows, order) * number(columns, order)
    kind = PowerMatrix if entries <= MATRIX_ENTRIES else ModewisePower
    return kind(rows, columns, order)


class ModewisePower:
    """The matrix B (d′, d) on every mode of a symmetric tensor: N_l(d) numbers to N_l(d′).

    Mode after mode, from a vector to a matrix X[β, ρ] with ρ a multiset of the modes still to do
    and β one of those done: X′[β + v, ρ] = Σ_e B[v, e] X[β, ρ + e], for v at least as large as
    every index of β. Those β are the first N_j(v + 1), so that blocks of v leave out most of the
    others.

    Parameters
    ----------
    rows, columns, order : int
        d′, d and the number of modes.

    Attributes
    ----------
    flops, largest_product : float
        Multiplications and additions; multiplications of the largest matrix product.
    moved_bytes : float
        Bytes read and written.
    calls : float
        Calls of the array library; four views count as one.
    peak_bytes, stored_bytes, building_bytes : int
        Most memory held at one time with the result, and kept between calls, and while it is built.
    """

    def __init__(self, rows: int, columns: int, order: int) -> None:
        self._rows, self._columns, self._order = rows, columns, order
        self.flops, self.largest_product, self.moved_bytes, self.calls, self.peak_bytes = (
            self._steps()
        )
        tables = ITEMSIZE * columns * sum(number(columns, k) for k in range(order))
        own = ITEMSIZE * rows * columns
        self.stored_bytes = tables + own
        self.building_bytes = 4 * tables + own  # each is made from others of its size

    def _blocks(self, j: int) -> list[tuple[int, int]]:
        """Return the blocks of v in which mode j is done."""
        rest, done = number(self._columns, self._order - j - 1), number(self._rows, j)
        several = j > 0 and self._rows * self._columns * rest * done >= _BLOCKED_FROM
        step = -(-self._rows // _BLOCKS) if several else self._rows
        return [(v, min(v + step, self._rows)) for v in range(0, self._rows, step)]

    def _piece(self, j: int) -> int:
        """Return how many ρ of one tensor are in a piece in which mode j is done."""
        rest, done = number(self._columns, self._order - j - 1), number(self._rows, j)
        each = ITEMSIZE * self._columns * done
        return rest if each * rest <= 2 * _PIECE_BYTES else max(1, _PIECE_BYTES // each)

    def _steps(self) -> tuple[float, float, float, float, int]:
        """Return operations, those of the largest product, bytes moved, calls and peak bytes."""
        flops, largest, moved, calls, peak = 0.0, 0.0, 0.0, 0.0, 0
        rows, columns = self._rows, self._columns
        before = 0
        for j in range(self._order):
            rest, done = number(columns, self._order - j - 1), number(rows, j)
            blocks, longest = self._blocks(j), self._piece(j)
            pieces = -(-rest // longest)
            products = 0  # their numbers for one ρ
            for first, last in blocks:
                entries = (last - first) * number(last, j)
                products += entries
                flops += 2.0 * columns * entries * rest
                largest = max(largest, float(columns * entries * longest))
            after = ITEMSIZE * number(rows, j + 1) * rest
            gathered = ITEMSIZE * columns * done * (rest > 1)
            # X and the pieces that are done stand beside each piece, and at the end both these and
            # all of X′. To turn X takes it twice, which is never the most.
            made = ITEMSIZE * products * longest
            piece = ITEMSIZE * number(rows, j + 1) * longest
            joined = VIEW_BYTES * rows + piece if j > 0 else 0
            working = made + max(gathered * longest, joined)
            peak = max(peak, before + after - piece + working)
            if pieces > 1:
                peak = max(peak, 2 * after)
                moved += operations(2 * after)
            moved += operations(4 * gathered * rest + 2 * ITEMSIZE * products * rest + 2 * after)
            calls += 2 + operations(pieces) * (2 + 3 * len(blocks) + (rows // 4 if j > 0 else 0))
            before = after
        return flops, largest, moved, calls, peak

    def prepare(self, B: Any, tensor: Any, index: Any) -> None:
        """Build what is kept, from B (an array) and makers of tensors and of positions."""
        self._B, self._tables = tensor(B), []
        for j, table in enumerate(insertion_tables(self._columns, self._order)[::-1]):
            step = self._piece(j)
            parts = [table[:, i : i + step] for i in range(0, table.shape[1], step)]
            if self._is_turned(j):  # e comes behind ρ
                parts = [part.T for part in parts]
            self._tables.append([index(np.ascontiguousarray(part).reshape(-1)) for part in parts])

    def _is_turned(self, j: int) -> bool:
        """Return whether there are as many β as ρ before mode j is done, or more."""
        return j > 0 and number(self._rows, j) >= number(self._columns, self._order - j - 1)

    def __call__(self, entries: Any) -> Any:
        """Return the distinct entries of the result, (N_l(d′),); a batch has a second axis."""
        batch = entries.shape[1:]
        # X[β, ρ, tensor], and X[tensor, ρ, β] once there are more β than ρ: what is picked and what
        # is multiplied lies in long rows.
        X = entries.reshape((1, entries.shape[0], *(batch or (1,))))
        turned = False
        del entries
        for j in range(self._order):
            if self._is_turned(j) and not turned:
                X, turned = row_major(tl.transpose(X)), True
            # What is picked for a piece of ρ stays in a cache until it is multiplied.
            done = [self._one_mode(j, X, table, turned) for table in self._tables[j]]
            del X
            X = tl.concatenate(done, axis=1) if len(done) > 1 else done[0]
            del done
        if not batch:
            return X.reshape((-1,))
        return row_major(tl.transpose(X[:, 0])) if turned else X[:, 0]

    def _one_mode(self, j: int, X: Any, table: Any, turned: bool) -> Any:
        """Return a piece of X′ in the layout of X: the ρ of a table of positions."""
        tensors = X.shape[0 if turned else 2]
        if j < self._order - 1:  # else there is one ρ, and ρ + e is e
            X = take(X, table, axis=1)
        rest = X.shape[1] // self._columns
        if turned:
            parts = self._last_modes(j, X.reshape((tensors * rest, self._columns, -1)))
        else:
            parts = self._first_modes(j, X.reshape((-1, self._columns, rest * tensors)))
        del X  # the parts are views of products: what these were made from is done with
        X = tl.concatenate(parts, axis=1 if turned else 0) if len(parts) > 1 else parts[0]
        return X.reshape((tensors, rest, -1) if turned else (-1, rest, tensors))

    def _first_modes(self, j: int, X: Any) -> list[Any]:
        """Return X′[β + v, ·] from X[β, e, ·], in parts along the first axis."""
        parts: list[Any] = []
        for first, last in self._blocks(j):
            product = self._B[first:last] @ X[: number(last, j)]
            if j == 0:
                return [product]
            parts += [product[: number(v + 1, j), v - first] for v in range(first, last)]
        return parts

    def _last_modes(self, j: int, X: Any) -> list[Any]:
        """Return X′[·, β + v] from X[·, e, β], in parts along the second axis."""
        parts: list[Any] = []
        for first, last in self._blocks(j):
            product = self._B[first:last] @ X[:, :, : number(last, j)]
            parts += [product[:, v - first, : number(v + 1, j)] for v in range(first, last)]
        return parts


class PowerMatrix:
    """The matrix N of a small power, of N_l(d′)×N_l(d) numbers.

    Its columns are the powers at unit vectors. Those of Bᵀ say the same of its rows: with μ(α) how
    many entries of a tensor the multiset α stands for, N[β, α] μ(β) = N_{Bᵀ}[α, β] μ(α). The
    fewer of the two are computed.

    Attributes as those of `ModewisePower`.
    """

    def __init__(self, rows: int, columns: int, order: int) -> None:
        self._rows, self._columns, self._order = rows, columns, order
        sizes = number(rows, order), number(columns, order)
        self._is_flat = sizes[0] < sizes[1]
        modewise = self._modewise()
        entries = sizes[0] * sizes[1]
        self.flops, self.largest_product = 2.0 * entries, float(entries)
        self.moved_bytes = float(ITEMSIZE * (entries + sum(sizes)))
        self.calls, self.peak_bytes = 1.0, ITEMSIZE * sizes[0]
        self.stored_bytes = ITEMSIZE * entries
        # So many unit vectors at once that they take about as much as the matrix, or little.
        self._units, each = min(sizes), modewise.peak_bytes + ITEMSIZE * min(sizes)
        self._together = min(self._units, max(1, max(self.stored_bytes, _UNIT_BYTES) // each))
        made = self._together * each
        if self._together < self._units:  # beside the results, which are put together at last
            made = self.stored_bytes + max(made, self.stored_bytes)
        self.building_bytes = modewise.building_bytes + made
        if self._is_flat:  # then it is copied when it is weighed and turned, with μ beside it
            vector = ITEMSIZE * sizes[1]
            weighed = self.stored_bytes + max(self.stored_bytes + 3 * vector, 5 * vector)
            self.building_bytes = max(self.building_bytes, weighed)

    def _modewise(self) -> ModewisePower:
        """Return the plan by which N is made, of Bᵀ if N is flat."""
        shape = (self._columns, self._rows) if self._is_flat else (self._rows, self._columns)
        return ModewisePower(*shape, self._order)

    def prepare(self, B: Any, tensor: Any, index: Any) -> None:
        """Build what is kept, from B (an array) and makers as for `ModewisePower`."""
        modewise = self._modewise()
        modewise.prepare(B.T if self._is_flat else B, tensor, index)
        parts = []
        for first in range(0, self._units, self._together):
            count = min(self._together, self._units - first)
            parts.append(modewise(tensor(np.eye(self._units, count, -first))))
        matrix = tl.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]
        del modewise, parts
        if self._is_flat:
            matrix = matrix * tensor(multiplicities(self._columns, self._order))[:, None]
            matrix = matrix / tensor(multiplicities(self._rows, self._order))
            matrix = row_major(tl.transpose(matrix))
        self._matrix = matrix

    def __call__(self, entries: Any) -> Any:
        """Return the distinct entries of the result, (N_l(d′),); a batch has a second axis."""
        return self._matrix @ entries


class DiagonalPower:
    """The diagonal matrix of x (d,) on every mode: each distinct entry times a monomial of x.

    Attributes as those of `ModewisePower`.
    """

    def __init__(self, d: int, order: int) -> None:
        size = number(d, order)
        self._order = order
        self.flops, self.largest_product, self.calls = float(size), 0.0, 1.0
        self.moved_bytes = 3.0 * ITEMSIZE * size
        self.peak_bytes = self.stored_bytes = ITEMSIZE * size
        self.building_bytes = 3 * ITEMSIZE * size

    def prepare(self, x: Any, tensor: Any, index: Any) -> None:
        """Build what is kept, from the diagonal (an array) and makers as for `ModewisePower`."""
        self._monomials = tensor(monomials(x, self._order))

    def __call__(self, entries: Any) -> Any:
        """Return the distinct entries of the result, (N_l(d),); a batch has a second axis."""
        return along(self._monomials, entries) * entries


def along(weights: Any, values: Any) -> Any:
    """Return weights of the first axis in a shape that multiplies values, one tensor or a batch."""
    return weights if len(values.shape) == 1 else weights[:, None]
