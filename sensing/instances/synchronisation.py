"""Synchronisation on a graph: weight 1 on the diagonal, ε on the edges, nothing else is seen.

Every vertex has unit length in the truth, and neighbours agree (rank above one: turn together).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..floats import silently
from ..operators import EntrywiseOperator
from ..problem import SensingProblem
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
from .definition import Instance, backtracking_from
from .known import LARGEST_WEIGHT, at_most, instance_name, kind_of

BoolArray = npt.NDArray[np.bool_]


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
        descent=backtracking_from(start[:, None]),
        facts={
            "rip_constant": _rip_constant(
                epsilon, complete=np.count_nonzero(adjacency) == n * (n - 1)
            )
        },
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
    cos = np.sin(np.pi * (n - 4 * q) / (2 * n))  # zero exactly at a quarter of a turn
    square = (1 + 2 * epsilon**2 * cos) / (1 + 2 * epsilon**2 * cos**2)
    if square <= 0:
        raise InvalidValue(f"epsilon: no state turns {q} times round at ε = {epsilon}, c² ≤ 0")
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
            "kind": _kind_of_twisted(n, epsilon, cos, square, edge),
            **orders,
        },
        source="Ling, Xu and Bandeira, arXiv 1809.11083; McRae, arXiv 2503.18801",
    )


def _kind_of_twisted(n: int, epsilon: float, C: float, s: float, e: float) -> str:
    """Return what ∇²h says of a twisted state with C = cos φ, s = c² and e = s C − 1, an edge.

    In the frame that turns with the rows, ½∇²h is a 2×2 block for each frequency θ = 2πk/n. With
    t = 2ε² its diagonal is, by GX̂ = 0, 2s + (s − 1)(1 − cos θ) + t s C² (1 + cos θ) and
    t (1 − cos θ) d, where d = s + C − 2sC². Its other entry is i t sin φ sin θ (s C + e). At θ = 0
    there are the rotation and a positive number. Where d < 0 X̂ is a saddle, as it is where a
    determinant is negative. Divided by t (1 − cos θ), that is
    2 (2s − 1) d + t (1 + cos θ) e (1 − 2sC): least at θ = 2π/n, or positive for each θ.
    """
    d = s + C - 2 * s * C**2
    determinant = 2 * (2 * s - 1) * d
    determinant += 2 * epsilon**2 * (1 + np.cos(2 * np.pi / n)) * e * (1 - 2 * s * C)
    return kind_of(min(d, determinant))


def _graph(name: str, n: int, rng: np.random.Generator | None = None) -> BoolArray:
    """Return the adjacency matrix of a graph by its name."""
    above = np.zeros((n, n), bool)
    if name in ("cycle", "path"):
        above[np.arange(n - 1), np.arange(1, n)] = True
        above[0, n - 1] = name == "cycle"
    elif name == "star":
        above[0, 1:] = True
    elif name == "complete":
        above[np.triu_indices(n, 1)] = True
    elif name == "random" and rng is not None:
        above[:] = np.triu(rng.random((n, n)) < 0.5, 1)
    else:
        known = "cycle, path, star, complete or random"
        raise InvalidValue(f"graph: expected {known}, got {shown(name)}")
    return above | above.T


def _rip_constant(epsilon: float, *, complete: bool) -> float:
    """Return δ₂: the weights squared are 1, ε², and zero where a pair of vertices has no edge."""
    return abs(1 - epsilon**2) if complete else max(1.0, epsilon**2 - 1)


def _weights(adjacency: BoolArray, epsilon: float) -> FloatArray:
    return np.asarray(np.eye(len(adjacency)) + epsilon * adjacency)
