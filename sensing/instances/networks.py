"""Quadratic networks: matrix sensing with rank-one A_i."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..operators import RankOneOperator
from ..problem import SensingProblem
from ..validation import InvalidValue, real_array, whole_number


def quadratic_network(features: Any, targets: Any, width: int) -> SensingProblem:
    """Return the training problem of a quadratic network: h(U) = 1/(2N) Σ_i (‖Uᵀx_i‖² − y_i)².

    It is matrix sensing with A_i = x_i x_iᵀ / √N and b_i = y_i / √N.

    Parameters
    ----------
    features : array (N, d)
        The x_i, one a row (append a constant feature for a bias).
    targets : array (N,)
        The y_i.
    width : int
        Number of hidden units, the rank of the sensing problem (at most d).

    Returns
    -------
    SensingProblem

    Raises
    ------
    TypeError, ValueError
        For shapes that do not match, numbers that are not finite, or a width above d.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.quadratic_network([[1.0, 2.0], [0.0, 1.0], [3.0, 1.0]], [0, 1, 1], width=1)
    SensingProblem(RankOneOperator(n=2, m=3), rank=1, ground truth unknown)
    """
    width = whole_number("width", width)
    x = real_array("features", features, (None, None))
    y = real_array("targets", targets, (len(x),))
    N = len(x)
    if width > x.shape[1]:
        raise InvalidValue(f"width: expected at most d = {x.shape[1]}, got {width}")
    return SensingProblem(RankOneOperator(x / N**0.25), y / np.sqrt(N), width)
