"""The check that a tensor is symmetric."""

from __future__ import annotations

from typing import Any

import tensorly as tl

TOLERANCE = 1e-13
"""Largest difference between permuted entries, relative to the largest entry, that counts as rounding."""


def is_symmetric(tensor: Any) -> bool:
    """Return whether permuting the modes changes no entry by more than rounding.

    Exchanging the first two modes and turning all modes round generate every permutation.
    """
    order = len(tensor.shape)
    scale = max(float(tl.max(tensor)), -float(tl.min(tensor)))
    for axes in ([1, 0, *range(2, order)], [*range(1, order), 0]):
        if order > 1:
            difference = tensor - tl.transpose(tensor, axes)
            if not max(float(tl.max(difference)), -float(tl.min(difference))) <= TOLERANCE * scale:
                return False
    return True
