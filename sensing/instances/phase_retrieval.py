"""Real phase retrieval, b_i = (a_i · z)²: three vectors in the plane, and a spurious minimum."""

from __future__ import annotations

import numpy as np

from ..operators import RankOneOperator
from ..problem import SensingProblem
from ..validation import FloatArray
from .definition import Instance
from .known import MINIMUM


def phase_retrieval_instance() -> Instance:
    """Return a_i = (0, 1), (1, −2), (1, 0) with Z = e₁ and X̂ = √(2/3) (1, 1)."""
    facts = {"objective": 1 / 3, "eigenvalue": -4 / 3, "saddle_order": 5, "oracle_order": 3}
    return _of_three("phase-retrieval", -2.0, np.sqrt([2 / 3, 2 / 3]), facts)


def phase_retrieval_hard_instance() -> Instance:
    """Return a_i = (0, 1), (1, −3), (1, 0) with Z = e₁ and X̂ = (9, 6)/√89.

    The spurious minimum is deep: no escape of the published span leaves it.
    """
    facts = {"objective": 8 / 89, "eigenvalue": -52 / 89, "saddle_order": 19, "oracle_order": 13}
    return _of_three("phase-retrieval-hard", -3.0, np.array([9, 6]) / np.sqrt(89), facts)


def _of_three(
    name: str,
    slope: float,
    X: FloatArray,
    facts: dict[str, float],
) -> Instance:
    """Return the instance with a_i = (0, 1), (1, slope), (1, 0) and Z = e₁."""
    operator = RankOneOperator([[0.0, 1.0], [1.0, slope], [1.0, 0.0]])
    return Instance(
        name,
        SensingProblem.from_ground_truth(operator, [[1.0], [0.0]]),
        known_point=X[:, None],
        facts={**facts, "kind": MINIMUM},
        source="found by a search over small whole vectors",
    )
