"""The check that a tensor is symmetric."""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorly as tl

from lift_compare.sensing.tolerances import TENSOR_SYMMETRIC


def is_symmetric(tensor: Any) -> bool:
    """Return whether permuting the modes changes no entry by more than rounding.

    Exchanging the first two modes and turning all modes round generate every permutation.
    """
    order = len(tensor.shape)
    allowed = TENSOR_SYMMETRIC * _largest(tensor)
    return all(_largest(tensor - tl.transpose(tensor, axes)) <= allowed for axes in _turns(order))


def each_is_symmetric(tensors: Any) -> bool:
    """Return whether all of k tensors are symmetric, shape (k, d, ..., d)."""
    if not isinstance(tensors, np.ndarray):
        return all(is_symmetric(tensor) for tensor in tensors)
    axes = tuple(range(1, tensors.ndim))
    allowed = TENSOR_SYMMETRIC * np.abs(tensors).max(axis=axes)
    return all(
        bool((np.abs(tensors - np.transpose(tensors, turn)).max(axis=axes) <= allowed).all())
        for turn in ([0, *(1 + axis for axis in each)] for each in _turns(len(axes)))
    )


def _turns(order: int) -> tuple[list[int], ...]:
    """Return the permutations of modes that generate all others."""
    return ([1, 0, *range(2, order)], [*range(1, order), 0]) if order > 1 else ()


def _largest(tensor: Any) -> float:
    return max(float(tensor.max()), -float(tensor.min()))
