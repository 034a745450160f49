"""Tensor networks, contracted pair by pair along a path that opt_einsum plans once."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import opt_einsum
import tensorly as tl

from ..backends import row_major
from ..cost import ITEMSIZE, operations

Labels = Sequence[Hashable]

_EXHAUSTIVE = (
    10  # operands up to which the exact dynamic programme of opt_einsum plans in tenths of a second
)


@dataclass(frozen=True)
class _Operand:
    """How one operand enters a matrix product: transpose by `axes`, reshape to `shape`."""

    axes: tuple[int, ...]
    shape: tuple[int, int]
    copied: int  # bytes of the copy that the reshape makes, 0 for a view


@dataclass(frozen=True)
class _Step:
    """One pairwise contraction, as a matrix product."""

    positions: tuple[int, int]
    left: _Operand
    right: _Operand
    shape: tuple[int, ...]


class Contraction:
    """A contraction of a tensor network: every index is summed over two operands or kept from one.

    Indices of length one are dropped when planning, so that a rank r = 1 costs nothing.

    Parameters
    ----------
    operands : sequence of sequences of labels
        The indices of each operand.
    output : sequence of labels
        The indices of the result.
    sizes : dict
        Length of each index.

    Attributes
    ----------
    flops : float
        Multiplications and additions.
    largest_product : float
        Multiplications of the largest matrix product.
    moved_bytes : float
        Bytes read and written by the products and by the copies before them.
    calls : int
        Calls of the array library.
    peak_bytes : int
        Most memory that is held at one time besides the operands: copies, intermediates and the
        result.
    result_bytes : int
        Memory of the result, part of the peak.
    """

    def __init__(
        self, operands: Sequence[Labels], output: Labels, sizes: dict[Hashable, int]
    ) -> None:
        self._output_shape = tuple(sizes[label] for label in output)
        terms = [tuple(label for label in labels if sizes[label] > 1) for labels in operands]
        wanted = tuple(label for label in output if sizes[label] > 1)
        self._input_shapes = [tuple(sizes[label] for label in term) for term in terms]
        self.flops, self.largest_product, self.moved_bytes = 0.0, 0.0, 0.0
        self.calls, self.peak_bytes = 0, 0
        self.result_bytes = ITEMSIZE * math.prod(self._output_shape)
        self._steps: list[_Step] = []

        live = 0
        held = [0] * len(terms)  # bytes of each operand that this contraction allocated
        for positions in _path(terms, wanted, sizes):
            j, i = sorted(positions, reverse=True)
            (right, right_held), (left, left_held) = (
                (terms.pop(j), held.pop(j)),
                (terms.pop(i), held.pop(i)),
            )
            later = {label for term in [*terms, wanted] for label in term}
            step, result = _pair((i, j), left, right, later, sizes)
            size = ITEMSIZE * math.prod(step.shape)
            multiplications = operations(math.prod(step.left.shape) * step.right.shape[1])
            self.flops += 2 * multiplications
            self.largest_product = max(self.largest_product, multiplications)
            entries = math.prod(step.left.shape) + math.prod(step.right.shape)
            copies = step.left.copied + step.right.copied
            self.moved_bytes += operations(ITEMSIZE * entries + size + 2 * copies)
            self.calls += 3 + (step.left.copied > 0) + (step.right.copied > 0)
            for copied, freed in ((step.left.copied, left_held), (step.right.copied, right_held)):
                self.peak_bytes = max(self.peak_bytes, live + copied)
                live += copied - (freed if copied else 0)
            self.peak_bytes = max(self.peak_bytes, live + size)
            live += size - (step.left.copied or left_held) - (step.right.copied or right_held)
            self._steps.append(step)
            terms.append(result)
            held.append(size)
        (last,) = terms
        self._final = tuple(last.index(label) for label in wanted)
        if self._final != tuple(range(len(wanted))):
            self.peak_bytes = max(self.peak_bytes, live + self.result_bytes)
            self.moved_bytes += operations(2 * self.result_bytes)
            self.calls += 2

    def __call__(self, *operands: Any) -> Any:
        """Contract the operands (tensors of the current tensorly backend, in row-major layout)."""
        return self._contracted(list(operands), [()] * len(operands))

    def each(self, many: Sequence[Any], shared: Sequence[Any]) -> Any:
        """Contract k networks at once: the first operands are (k, ...), the others those of all."""
        (count,) = {len(operand) for operand in many}
        leads = [(count,)] * len(many) + [()] * len(shared)
        return self._contracted([*many, *shared], leads)

    def _contracted(self, operands: list[Any], leads: Sequence[tuple[int, ...]]) -> Any:
        """Contract operands that each have a leading axis, or none (an empty tuple)."""
        live = [
            (_shaped(operands.pop(0), (*before, *shape)), before)
            for before, shape in zip(leads, self._input_shapes, strict=True)
        ]
        for step in self._steps:
            i, j = step.positions
            live.append(_multiply(step, live.pop(j), live.pop(i)))
        last, before = live.pop()
        return _shaped(
            row_major(_transposed(last, self._final, before)), (*before, *self._output_shape)
        )


_Led = tuple[Any, tuple[int, ...]]  # a tensor, and its leading axis if it is one of many


def _multiply(step: _Step, right: _Led, left: _Led) -> _Led:
    (b, right_lead), (a, left_lead) = right, left
    del right, left  # so that each operand is freed once its copy is made
    a = _matrix(step.left, a, left_lead)
    b = _matrix(step.right, b, right_lead)
    if left_lead and not right_lead:  # one product instead of k
        a = a.reshape((-1, a.shape[-1]))
    lead = left_lead or right_lead
    return _shaped(a @ b, (*lead, *step.shape)), lead


def _matrix(operand: _Operand, tensor: Any, lead: tuple[int, ...]) -> Any:
    return _shaped(_transposed(tensor, operand.axes, lead), (*lead, *operand.shape))


def _transposed(tensor: Any, axes: tuple[int, ...], lead: tuple[int, ...]) -> Any:
    if axes == tuple(range(len(axes))):
        return tensor
    return tl.transpose(tensor, (0, *(axis + 1 for axis in axes)) if lead else axes)


# Methods and operators that the arrays of all backends share are used directly: a call by way of
# tensorly costs some microseconds, which is what small contractions take.


def _shaped(tensor: Any, shape: tuple[int, ...]) -> Any:
    return tensor.reshape(shape) if tuple(tensor.shape) != shape else tensor


def _path(
    terms: Sequence[tuple[Hashable, ...]], wanted: tuple[Hashable, ...], sizes: dict[Hashable, int]
) -> list[tuple[int, int]]:
    """Return the order of pairwise contractions with the fewest operations, by opt_einsum.

    Of those without outer products, and where there are many operands, the best of a greedy search.
    """
    if len(terms) == 1:
        return []
    symbols = {label: opt_einsum.get_symbol(k) for k, label in enumerate(sizes)}
    left = ",".join("".join(symbols[label] for label in term) for term in terms)
    shapes = [tuple(sizes[label] for label in term) for term in terms]
    path, _ = opt_einsum.contract_path(
        f"{left}->{''.join(symbols[label] for label in wanted)}",
        *shapes,
        shapes=True,
        optimize="dp" if len(terms) <= _EXHAUSTIVE else "greedy",
    )
    return [tuple(pair) for pair in path]


def _pair(
    positions: tuple[int, int],
    left: tuple[Hashable, ...],
    right: tuple[Hashable, ...],
    later: set[Hashable],
    sizes: dict[Hashable, int],
) -> tuple[_Step, tuple[Hashable, ...]]:
    """Return the matrix product for one pair, with the layout that copies the least."""
    summed = [label for label in left if label in right]
    assert not later.intersection(summed), "an index is summed over two operands only"
    keep_left = [label for label in left if label not in summed]
    keep_right = [label for label in right if label not in summed]
    # The summed indices in the order of either operand; the one that needs fewer bytes copied.
    candidates = []
    for order in (summed, [label for label in right if label in summed]):
        a = _matricise(left, keep_left, order, sizes)
        b = _matricise(right, order, keep_right, sizes)
        candidates.append((a.copied + b.copied, a, b))
    _, a, b = min(candidates, key=lambda candidate: candidate[0])
    result = (*keep_left, *keep_right)
    return _Step(positions, a, b, tuple(sizes[label] for label in result)), result


def _matricise(
    labels: tuple[Hashable, ...],
    rows: list[Hashable],
    columns: list[Hashable],
    sizes: dict[Hashable, int],
) -> _Operand:
    axes = tuple(labels.index(label) for label in (*rows, *columns))
    shape = (
        math.prod(sizes[label] for label in rows),
        math.prod(sizes[label] for label in columns),
    )
    # A group of axes merges into one without a copy only where they follow each other in memory.
    split = len(rows)
    merged = all(b == a + 1 for k, (a, b) in enumerate(pairwise(axes), 1) if k != split)
    return _Operand(axes, shape, 0 if merged else ITEMSIZE * shape[0] * shape[1])
