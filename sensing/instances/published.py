"""The three published instances, as problems and with their published points and settings.

Source of the settings and the printed numbers: the SOD paper, arXiv 2602.05887, and its notebooks
(docs/theory.md, section 8).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..operators import DenseOperator, EntrywiseOperator
from ..problem import SensingProblem
from ..validation import positive, refuse_absurd, whole_number
from .definition import DescentSettings, Instance, LiftSettings
from .known import DEGENERATE, LARGEST_WEIGHT, MINIMUM, at_most, instance_name

_SOD = "SOD paper, arXiv 2602.05887"

# At X̂ = √((1 − ε²)/(1 + ε²)) (1, 0, −1), two clusters of one with a third coordinate at zero.
_PUBLISHED_COMPLETION: dict[str, Any] = {
    "objective": 4 * 0.3**2 / (1 + 0.3**2),
    "eigenvalue": -4 * 0.3**2 / (1 + 0.3**2),
    "kind": MINIMUM,
    "saddle_order": 5,
    "oracle_order": 5,
}

# The matrices of the "real system" as printed: upper triangles, row by row.
_REAL_SYSTEM_UPPER = (
    (0.0783, 0.2372, -0.0439, -0.0397, 0.1456, -0.4724),
    (0.0389, 0.0536, -0.0059, 0.4614, -0.3907, 0.2760),
    (0.0293, -0.1456, -0.1656, 0.3257, 0.2528, -0.0078),
    (0.0762, 0.3193, -0.3338, -0.3364, 0.5847, 0.1873),
    (-0.0889, 0.7089, 0.4472, 0.3788, 0.0902, -0.3193),
    (0.4097, 0.1190, 0.2078, 0.2282, -0.2274, 0.4046),
)


def two_by_two() -> SensingProblem:
    """Return the 2×2 example (n = 2, m = 3, r = 1).

    A₁ = diag(1, ½), A₂ = (√3/2)(e₁e₂ᵀ + e₂e₁ᵀ), A₃ = diag(0, √3/2), Z = e₁. Its stationary point
    [0, 1/√2] is published as a local minimum, and gradient descent stalls there, but
    h = ⅜ − (3/2) x₁⁴ on the curve x₂² = ½ − 2 x₁² through it: a saddle that the Hessian does not
    see.

    Returns
    -------
    SensingProblem

    Examples
    --------
    >>> from lift_compare import sensing
    >>> round(sensing.two_by_two().objective([[0.0], [0.5**0.5]]), 12)
    0.375
    """
    s = np.sqrt(3) / 2
    A = [[[1, 0], [0, 0.5]], [[0, s], [s, 0]], [[0, 0], [0, s]]]
    return SensingProblem.from_ground_truth(DenseOperator(A), [[1.0], [0.0]])


def perturbed_completion(n: int = 3, epsilon: float = 0.3) -> SensingProblem:
    """Return perturbed matrix completion (m = n², r = 1; Yalcin et al., arXiv 2110.10279).

    Entries on the diagonal, in odd rows or in odd columns (counted from 0) have weight 1, the
    others weight ε; Z has ones at the even indices.

    Parameters
    ----------
    n : int
        Side of the matrix, at least 2.
    epsilon : float
        Weight ε > 0 of the hardly seen entries.

    Returns
    -------
    SensingProblem

    Raises
    ------
    TypeError, ValueError
        For a side or a weight out of range.

    Examples
    --------
    >>> from lift_compare import sensing
    >>> sensing.perturbed_completion().operator.weights
    array([[1. , 1. , 0.3],
           [1. , 1. , 1. ],
           [0.3, 1. , 1. ]])
    """
    n, epsilon = whole_number("n", n, least=2), positive("epsilon", epsilon)
    refuse_absurd(n, n)
    odd = np.arange(n) % 2 == 1
    seen = odd[:, None] | odd[None, :] | np.eye(n, dtype=bool)
    Z = np.where(odd, 0.0, 1.0)[:, None]
    return SensingProblem.from_ground_truth(EntrywiseOperator(np.where(seen, 1.0, epsilon)), Z)


def real_system() -> SensingProblem:
    """Return the published "real system" (n = 3, m = 6, r = 1), Z = e₁.

    Its printed spurious point is [0.2234, 0.0918, 0.5985].

    Returns
    -------
    SensingProblem

    Examples
    --------
    >>> from lift_compare import sensing
    >>> round(sensing.real_system().objective([[0.2234], [0.0918], [0.5985]]), 6)
    0.058289
    """
    upper = np.triu_indices(3)
    A = np.zeros((6, 3, 3))
    A[:, upper[0], upper[1]] = _REAL_SYSTEM_UPPER
    A[:, upper[1], upper[0]] = _REAL_SYSTEM_UPPER
    return SensingProblem.from_ground_truth(DenseOperator(A), [[1.0], [0.0], [0.0]])


def two_by_two_instance() -> Instance:
    """Return the 2×2 example with its printed point."""
    X = np.array([[0.0], [2**-0.5]])
    return Instance(
        "two-by-two",
        two_by_two(),
        known_point=X,
        settings=LiftSettings(order=3, rho=0.1, eta=0.01, steps=660),
        descent=DescentSettings(X, spread=0.06, seed=327, step_size=0.01, before=300, after=200),
        facts={
            "objective": 3 / 8,
            "eigenvalue": -3 / 4,
            "rip_constant": 1 / 2,
            "kind": DEGENERATE,
            "saddle_order": 3,
            "oracle_order": 3,
        },
        source=_SOD,
    )


def perturbed_completion_instance(n: int = 3, epsilon: float = 0.3) -> Instance:
    """Return perturbed completion, with the point where published gradient descent ends."""
    epsilon = at_most("epsilon", epsilon, LARGEST_WEIGHT)
    problem = perturbed_completion(n, epsilon)
    published = n == 3 and epsilon == 0.3
    return Instance(
        "perturbed-completion"
        if published
        else instance_name("perturbed-completion", n=n, epsilon=epsilon),
        problem,
        settings=LiftSettings(order=11, rho=0.3, eta=0.01, steps=59000),
        descent=DescentSettings(
            np.zeros((n, 1)), spread=0.01, seed=10086, step_size=0.001, before=6000, after=1500
        ),
        # Every symmetric M has ‖A(M)‖² between ε² ‖M‖² and ‖M‖², and rank 2 reaches the least.
        facts={"rip_constant": abs(1 - epsilon**2), **(_PUBLISHED_COMPLETION if published else {})},
        source=f"{_SOD}; Yalcin et al., arXiv 2110.10279",
    )


def real_system_instance() -> Instance:
    """Return the published real system with its printed point, which has four digits."""
    X = np.array([[0.2234], [0.0918], [0.5985]])
    return Instance(
        "real-system",
        real_system(),
        known_point=X,
        settings=LiftSettings(order=5, rho=0.1, eta=0.1, steps=150_000),
        descent=DescentSettings(X, spread=1.0, seed=0, step_size=0.1, before=100, after=100),
        facts={"kind": MINIMUM, "saddle_order": None, "oracle_order": 9},
        source=_SOD,
    )


PUBLISHED = ("two-by-two", "perturbed-completion", "real-system")
"""Names of the published instances, in the order in which tables show them."""
