"""Asymmetric problems, recover UVᵀ from ⟨B_i, UVᵀ⟩, as symmetric ones of twice the size."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..floats import silently
from ..operators import DenseOperator
from ..problem import SensingProblem
from ..validation import InvalidValue, random_generator, real_array, refuse_absurd, whole_number
from .definition import DescentSettings, Instance
from .known import instance_name


@silently
def asymmetric(matrices: Any, U: Any, V: Any) -> SensingProblem:
    """Return the problem of W = [U; V] with A_i = ½ [[0, B_i], [B_iᵀ, 0]].

    ⟨A_i, WWᵀ⟩ = ⟨B_i, UVᵀ⟩. No regulariser balances the factors: with (U, V) every (UM, VM⁻ᵀ)
    solves the problem, so minima are not isolated, and the distance to [U; V] says little.

    Parameters
    ----------
    matrices : array (m, n1, n2)
        The B_i.
    U, V : array (n1, r), (n2, r)
        The factors of the truth.

    Returns
    -------
    SensingProblem
        Of side n1 + n2 and rank r.

    Raises
    ------
    TypeError, ValueError
        For shapes that do not fit, or numbers that are not finite.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> B = [[[1.0, 0.0, 2.0]], [[0.0, 1.0, 0.0]]]
    >>> sensing.asymmetric(B, [[2.0]], [[1.0], [3.0], [0.0]]).measurements
    array([2., 6.])
    """
    B = real_array("matrices", matrices, (None, None, None))
    m, n1, n2 = B.shape
    U = real_array("U", U, (n1, None))
    V = real_array("V", V, (n2, U.shape[1]))
    refuse_absurd(m, n1 + n2, n1 + n2)
    A = np.zeros((m, n1 + n2, n1 + n2))
    A[:, :n1, n1:] = B / 2
    A[:, n1:, :n1] = B.transpose(0, 2, 1) / 2
    return SensingProblem.from_ground_truth(DenseOperator(A), np.concatenate([U, V]))


def asymmetric_instance(
    n1: int = 4, n2: int = 3, m: int = 12, rank: int = 1, seed: int = 0
) -> Instance:
    """Return an asymmetric problem with normal B_i, U and V, and where descent ends.

    The entries have the variances 1/m, 1/n1 and 1/n2.
    """
    n1, n2, m = whole_number("n1", n1), whole_number("n2", n2), whole_number("m", m)
    rank, seed = whole_number("rank", rank), whole_number("seed", seed, least=0)
    if rank > min(n1, n2):
        raise InvalidValue(f"rank: expected at most min(n1, n2) = {min(n1, n2)}, got {rank}")
    refuse_absurd(m, n1, n2)
    rng = random_generator(seed)
    B = rng.standard_normal((m, n1, n2)) / np.sqrt(m)
    U, V = (rng.standard_normal((n, rank)) / np.sqrt(n) for n in (n1, n2))
    return Instance(
        instance_name("asymmetric", n1=n1, n2=n2, m=m, rank=rank, seed=seed),
        asymmetric(B, U, V),
        descent=DescentSettings(
            np.zeros((n1 + n2, rank)), 0.5, seed=(seed, 1), step_size=0.05, before=2000, after=2000
        ),
        source="standard; no regulariser, so U and V are not balanced",
    )
