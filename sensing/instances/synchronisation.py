"""Synchronisation on a graph: weight 1 on the diagonal, ε on the edges, nothing else is seen.

Every vertex has unit length in the truth, and neighbours agree (rank above one: turn together).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..floats import silently
from ..operators import EntrywiseOperator
from ..problem import SensingProblem
from ..step_rules import Backtracking
from ..validation import (
    FloatArray,
    InvalidValue,
    positive,
    random_generator,
    real_array,
    refuse_absurd,
    shown,
    whole_number,
)
from .definition import DescentSettings, Instance
from .known import LARGEST_WEIGHT, at_most, instance_name, kind_of


@silently
def sign_synchronisation(adjacency: Any, signs: Any, epsilon: float) -> SensingProblem:
    """Return the problem of finding signs from their products along the edges of a graph.

    Entrywise weights I + ε Adj and Z = the signs: h(x) = ½ Σ_i (x_i² − 1)²
    + ε² Σ_edges (x_i x_j − z_i z_j)².

    Parameters
    ----------
    adjacency : array (n, n)
        Symmetric, zero on the diagonal; an entry other than zero is an edge.
    signs : array (n,)
        ±1 each.
    epsilon : float
        ε > 0, the weight of an edge.

    Returns
    -------
    SensingProblem

    Raises
    ------
    TypeError, ValueError
        For an adjacency that is not symmetric or has loops, or signs other than ±1.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> triangle = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    >>> sensing.sign_synchronisation(triangle, [1, -1, 1], epsilon=0.3).objective([[1], [1], [1]])
    0.72
    """
    adjacency = real_array("adjacency", adjacency, (None, None)) != 0
    n = len(adjacency)
    signs = real_array("signs", signs, (n,))
    if adjacency.shape != (n, n) or np.any(adjacency != adjacency.T) or adjacency.diagonal().any():
        raise InvalidValue("adjacency: expected a symmetric matrix with a diagonal of zeros")
    if np.any(np.abs(signs) != 1):
        raise InvalidValue(f"signs: expected 1 or -1 each, got {shown(signs)}")
    operator = EntrywiseOperator(_weights(adjacency, positive("epsilon", epsilon)))
    return SensingProblem.from_ground_truth(operator, signs[:, None])


def sign_synchronisation_instance(
    graph: str = "cycle", n: int = 8, epsilon: float = 0.3, seed: int = 0
) -> Instance:
    """Return sign synchronisation on a cycle, path, star, complete or random graph.

    Signs of the truth, and those where descent to X̂ starts, are drawn from the seed. So is a
    random graph: each edge with probability ½.
    """
    n, epsilon = whole_number("n", n, least=3), at_most("epsilon", epsilon, LARGEST_WEIGHT)
    seed = whole_number("seed", seed, least=0)
    refuse_absurd(n, n)
    rng = random_generator(seed)
    signs, start = rng.choice([-1.0, 1.0], (2, n))
    adjacency = _graph(graph, n, rng)
    return Instance(
        instance_name("sign-synchronisation", graph=graph, n=n, epsilon=epsilon, seed=seed),
        sign_synchronisation(adjacency, signs, epsilon),
        descent=DescentSettings(
            start[:, None], spread=0.0, seed=0, step_size=Backtracking(), before=5000, after=5000
        ),
        facts={"rip_constant": _rip_constant(epsilon, complete=_is_complete(adjacency))},
        source="Ling, Xu and Bandeira, arXiv 1809.11083; Boumal, arXiv 1604.00575",
    )


def twisted_states_instance(n: int = 8, q: int = 1, epsilon: float = 0.3) -> Instance:
    """Return synchronisation of rank two on a cycle, at the state that turns q times round.

    Z = 1; row j of X̂ is c (cos jφ, sin jφ) with φ = 2πq/n and
    c² = (1 + 2ε² cos φ)/(1 + 2ε² cos² φ).
    """
    n, q = whole_number("n", n, least=4), whole_number("q", q)
    epsilon = at_most("epsilon", epsilon, LARGEST_WEIGHT)
    if 2 * q > n:
        raise InvalidValue(f"q: expected at most n/2 = {n // 2} turns, got {q}")
    refuse_absurd(n, n)
    operator = EntrywiseOperator(_weights(_graph("cycle", n), epsilon))
    problem = SensingProblem.from_ground_truth(operator, np.ones((n, 1)), rank=2)
    angles = 2 * np.pi * q * np.arange(n) / n
    cos = np.cos(2 * np.pi * q / n)
    square = (1 + 2 * epsilon**2 * cos) / (1 + 2 * epsilon**2 * cos**2)
    if square <= 0:
        raise InvalidValue(f"epsilon: no state turns {q} times round at ε = {epsilon}, c² < 0")
    # The residuals c² − 1 and c² cos φ − 1 of the diagonal and of an edge, without cancellation.
    common = 1 + 2 * epsilon**2 * cos**2
    radial, edge = 2 * epsilon**2 * cos * (1 - cos) / common, (cos - 1) / common
    orders = {"saddle_order": 7, "oracle_order": 3} if (n, q, epsilon) == (8, 1, 0.3) else {}
    return Instance(
        instance_name("twisted-states", n=n, q=q, epsilon=epsilon),
        problem,
        known_point=np.sqrt(square) * np.stack([np.cos(angles), np.sin(angles)], axis=1),
        facts={
            "objective": n * (radial**2 / 2 + (epsilon * edge) ** 2),
            "eigenvalue": 2 * epsilon**2 * edge * (1 - cos),
            "rip_constant": _rip_constant(epsilon, complete=False),
            "kind": _kind_of_twisted(n, q, epsilon, (radial, edge)),
            **orders,
        },
        source="Ling, Xu and Bandeira, arXiv 1809.11083; McRae, arXiv 2503.18801",
    )


def _kind_of_twisted(n: int, q: int, epsilon: float, residuals: tuple[float, float]) -> str:
    """Return what ∇²h says, by Fourier modes: ½∇²h is 2×2 on each, in radius and angle.

    With rows R^j (c + a_j, b_j) of X, R the turn by φ, a mode has a_j = α e^{ijθ}, b_j = β e^{ijθ}.
    """
    phi = 2 * np.pi * q / n
    radial, edge = residuals
    square = 1 + radial  # c²
    least = []
    for k in range(n):
        theta = 2 * np.pi * k / n
        # L = c (cos φ (a_j + a_{j+1}) + sin φ (b_j − b_{j+1})) is the first variation of an edge.
        L = np.array(
            [np.cos(phi) * (1 + np.exp(1j * theta)), np.sin(phi) * (1 - np.exp(1j * theta))]
        )
        turn = np.sin(phi) * np.sin(theta) * np.array([[0, -1j], [1j, 0]])
        second = np.cos(phi) * np.cos(theta) * np.eye(2) + turn
        M = np.diag([2 * square + radial, radial])
        M = M + epsilon**2 * (square * np.outer(L.conj(), L) + 2 * edge * second)
        values = np.linalg.eigvalsh(M)
        least.append(values[1] if k == 0 else values[0])  # k = 0: one is the rotation, zero
    return kind_of(min(least))


def _graph(name: str, n: int, rng: np.random.Generator | None = None) -> FloatArray:
    """Return the adjacency matrix of a graph by its name."""
    above = np.zeros((n, n))
    if name in ("cycle", "path"):
        above[np.arange(n - 1), np.arange(1, n)] = 1
        above[0, n - 1] = name == "cycle"
    elif name == "star":
        above[0, 1:] = 1
    elif name == "complete":
        above[:] = np.triu(np.ones((n, n)), 1)
    elif name == "random" and rng is not None:
        above[:] = np.triu(rng.random((n, n)) < 0.5, 1)
    else:
        known = "cycle, path, star, complete or random"
        raise InvalidValue(f"graph: expected {known}, got {shown(name)}")
    return above + above.T


def _is_complete(adjacency: FloatArray) -> bool:
    return bool(np.all(adjacency + np.eye(len(adjacency))))


def _rip_constant(epsilon: float, *, complete: bool) -> float:
    """Return δ₂: the weights squared are 1, ε², and zero where a pair of vertices has no edge."""
    return max(1 - min(1.0, epsilon**2) if complete else 1.0, epsilon**2 - 1)


def _weights(adjacency: FloatArray, epsilon: float) -> FloatArray:
    return np.asarray(np.eye(len(adjacency)) + epsilon * (adjacency != 0))
