"""Matrix completion with spurious points: weights of single entries, the truth in view.

A_ij = w_ij (e_ie_jᵀ + e_je_iᵀ)/2, one for each ordered pair, so A*A(M) = (w ∘ w) ∘ M.
"""

from __future__ import annotations

import numpy as np

from ..operators import EntrywiseOperator
from ..problem import SensingProblem
from ..validation import InvalidValue, positive, refuse_absurd, whole_number
from .definition import Instance, backtracking_from
from .known import (
    DEGENERATE,
    DERIVED,
    LARGEST_WEIGHT,
    MINIMUM,
    at_most,
    instance_name,
    kind_of,
    orders_of,
)
from .published import perturbed_completion

_PATH_ORDERS: dict[float, tuple[int | None, int]] = {
    0.3: (None, 7),
    0.1: (None, 45),
    0.05: (None, 175),
    0.5: (5, 3),
}
"""Saddle orders of path completion along b and V* by t, as computed; both proved (the second by
`simulated.saddle_order`)."""
_BLOCK_COMPLETION = {"kind": DEGENERATE, "saddle_order": 5, "oracle_order": 3}
_BLOCK_RING_ORDERS: dict[float, tuple[int | None, int]] = {0.3: (None, 15), 0.2: (None, 33)}


def two_clusters_instance(k: int = 5, epsilon: float = 0.1) -> Instance:
    """Return completion in two groups of k: weight 1 within them, ε across; Z = 1.

    The spurious point √((1 − ε²)/(1 + ε²)) (1_k, −1_k) is a strict minimum where ε < 1/√3, and its
    saddle order grows without bound as ε falls: a dial for the order.
    """
    k, epsilon = whole_number("k", k), positive("epsilon", epsilon)
    if epsilon >= 1:
        raise InvalidValue(f"epsilon: expected a weight below 1, got {epsilon}")
    refuse_absurd(2 * k, 2 * k)
    weights = np.kron([[1.0, epsilon], [epsilon, 1.0]], np.ones((k, k)))
    problem = SensingProblem.from_ground_truth(EntrywiseOperator(weights), np.ones((2 * k, 1)))
    near, far = 1 - epsilon**2, 1 + epsilon**2
    c = np.sqrt(near / far)
    # The visible direction is 1/√(2k): K₁, K₂ and K₃ divided by k.
    kind = kind_of(1 - 3 * epsilon**2)
    orders = orders_of(kind, near**2 / far, far, near / far)
    if (k, epsilon) == (5, 0.1):
        orders |= {"oracle_order": 35}
    return Instance(
        instance_name("two-clusters", k=k, epsilon=epsilon),
        problem,
        known_point=np.repeat([[c], [-c]], k, axis=0),
        facts={
            "objective": 4 * k**2 * epsilon**2 / far,
            "eigenvalue": -4 * k * epsilon**2 / far,
            "rip_constant": near,
            "kind": kind,
            **orders,
        },
        source=DERIVED,
    )


def path_completion_instance(t: float = 0.3) -> Instance:
    """Return 3×3 completion of all entries but (1, 3) and (3, 1), with Z = (1, t, 1).

    The spurious point is (−1, 0, 1). As t falls to zero, the least saddle order along the oracle
    direction grows without bound.
    """
    t = at_most("t", t, LARGEST_WEIGHT**0.4)  # t⁴ occurs
    weights = np.ones((3, 3))
    weights[0, 2] = weights[2, 0] = 0.0
    problem = SensingProblem.from_ground_truth(EntrywiseOperator(weights), [[1.0], [t], [1.0]])
    # ∇²h(X̂) = 4 I + 2 G(X̂), where G is −t beside the diagonal, −t² in its middle, and else 0.
    eigenvalue = -(t**2 + np.sqrt(t**4 + 8 * t**2)) / 2
    facts = {
        "objective": (4 * t**2 + t**4) / 2,
        "eigenvalue": eigenvalue,
        "rip_constant": 1.0,
        "kind": kind_of(2 + eigenvalue),
    }
    return Instance(
        instance_name("path-completion", t=t),
        problem,
        known_point=np.array([[-1.0], [0.0], [1.0]]),
        facts=facts | _orders(_PATH_ORDERS, t),
        source=DERIVED,
    )


def block_ring_instance(epsilon: float = 0.3) -> Instance:
    """Return completion of four full 2×2 blocks, joined in a ring by single entries of weight ε.

    Z = 1. The spurious point is where descent from the signs + + − − of the blocks ends. At ε = 0.3
    no order makes it a strict saddle along the visible direction, and order 15 does along V*.
    """
    epsilon = at_most("epsilon", epsilon, LARGEST_WEIGHT)
    weights = np.kron(np.eye(4), np.ones((2, 2)))
    last, following = [1, 3, 5, 7], [2, 4, 6, 0]  # of a block; the first of the next
    weights[last, following] = weights[following, last] = epsilon
    facts = {"rip_constant": max(1.0, epsilon**2 - 1)} | _orders(_BLOCK_RING_ORDERS, epsilon)
    return Instance(
        instance_name("block-ring", epsilon=epsilon),
        SensingProblem.from_ground_truth(EntrywiseOperator(weights), np.ones((8, 1))),
        descent=backtracking_from(np.repeat([1.0, -1.0], 4)[:, None]),
        facts=facts | ({"kind": MINIMUM} if epsilon in _BLOCK_RING_ORDERS else {}),
        source=DERIVED,
    )


def block_completion_instance(rank: int = 2, n: int = 3, epsilon: float = 0.3) -> Instance:
    """Return perturbed completion of rank r: every entry of the weights becomes an r×r block.

    Z = z ⊗ I_r, of side n r, where z is the truth of perturbed completion. X̂ is where descent ends
    from Z with its first block reflected: in a flat valley, where X̂ is not isolated even up to
    rotations, and where no escape of the published span leads out.
    """
    rank, epsilon = whole_number("rank", rank), at_most("epsilon", epsilon, LARGEST_WEIGHT)
    base = perturbed_completion(n, epsilon)
    n = base.n
    refuse_absurd(n * rank, n * rank)
    assert isinstance(base.operator, EntrywiseOperator)
    assert base.ground_truth is not None
    weights = np.kron(base.operator.weights, np.ones((rank, rank)))
    Z = np.asarray(np.kron(base.ground_truth, np.eye(rank)))
    reflected = np.array(Z)
    reflected[0, 0] = -1.0
    return Instance(
        instance_name("block-completion", rank=rank, n=n, epsilon=epsilon),
        SensingProblem.from_ground_truth(EntrywiseOperator(weights), Z),
        descent=backtracking_from(reflected),
        facts={
            "rip_constant": abs(1 - epsilon**2),
            **(_BLOCK_COMPLETION if (rank, n, epsilon) == (2, 3, 0.3) else {}),
        },
        source=f"block form {DERIVED}, after Yalcin et al., arXiv 2110.10279",
    )


def _orders(known: dict[float, tuple[int | None, int]], parameter: float) -> dict[str, int | None]:
    if parameter not in known:
        return {}
    saddle_order, oracle_order = known[parameter]
    return {"saddle_order": saddle_order, "oracle_order": oracle_order}
