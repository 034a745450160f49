"""The instances that the tests share, with what is known about them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from lift_compare import sensing
from lift_compare.sensing import EntrywiseOperator, RankOneOperator, SensingProblem
from lift_compare.sensing.instances.published import PUBLISHED as PUBLISHED

PUBLISHED_NUMBERS: dict[str, Any] = json.loads(
    (Path(__file__).parent / "published.json").read_text(encoding="utf-8")
)
"""Numbers printed with the SOD paper, or recomputed from its formulas; provenance in the file."""


def rank_one(n: int, rank: int, m: int, seed: int) -> SensingProblem:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((m, n)) / np.sqrt(m)
    return SensingProblem.from_ground_truth(
        RankOneOperator(vectors), rng.standard_normal((n, rank))
    )


def entrywise(
    n: int, rank: int, seed: int, *, density: float = 1.0, stored: str = "dense"
) -> SensingProblem:
    """Random non-symmetric weights, some of them zero when the density is below 1."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((n, n)) * (rng.random((n, n)) < density)
    weights[0, 0] = 1.0
    operator = EntrywiseOperator(sparse.coo_array(weights) if stored == "sparse" else weights)
    return SensingProblem.from_ground_truth(operator, rng.standard_normal((n, rank)))


def small_problems() -> dict[str, SensingProblem]:
    """One small problem of every kind, for the identities that hold on all of them."""
    rng = np.random.default_rng(7)
    return {
        "two_by_two": sensing.two_by_two(),
        "perturbed_completion": sensing.perturbed_completion(),
        "real_system": sensing.real_system(),
        "gaussian_r1": sensing.gaussian(3, 1, 4, 1),
        "gaussian_r2": sensing.gaussian(3, 2, 5, 2),
        "gaussian_r3": sensing.gaussian(4, 3, 7, 3),
        "entrywise_dense": entrywise(3, 2, 4),
        "entrywise_holes": entrywise(4, 1, 5, density=0.5),
        "entrywise_sparse": entrywise(4, 2, 6, density=0.5, stored="sparse"),
        "rank_one": rank_one(3, 2, 6, 8),
        "quadratic_network": sensing.quadratic_network(
            rng.standard_normal((9, 4)), rng.random(9), 2
        ),
        "one_by_one": SensingProblem.from_ground_truth(EntrywiseOperator([[2.0]]), [[1.5]]),
    }
