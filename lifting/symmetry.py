"""The check that a tensor is symmetric."""

from __future__ import annotations

from typing import Any

import tensorly as tl

from lift_compare.sensing.tolerances import TENSOR_SYMMETRIC


def is_symmetric(tensor: Any) -> bool:
    """Return whether permuting the modes changes no entry by more than rounding.

    Exchanging the first two modes and turning all modes round generate every permutation.
    """
    order = len(tensor.shape)
    allowed = TENSOR_SYMMETRIC * _largest(tensor)
    turns = ([1, 0, *range(2, order)], [*range(1, order), 0]) if order > 1 else ()
    return all(_largest(tensor - tl.transpose(tensor, axes)) <= allowed for axes in turns)


def _largest(tensor: Any) -> float:
    return max(float(tensor.max()), -float(tensor.min()))
