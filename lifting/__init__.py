"""The real lifted objective, on explicit tensors with l modes of length n r.

    problem.py                  `LiftedProblem`: h^l, gradient, Hessian products
    forms/                      the ways to compute them, and the choice by predicted cost
    cost.py                     that cost, and the refusal of what exceeds the memory limit
    descent.py                  projected gradient descent; projection.py: the projections
    curvature.py                the least curvature over all tensors
    rank_one_approximation.py   the best symmetric rank-one approximation
    backends.py                 tensorly's backends, used without changing the user's session
    multisets.py, symmetry.py   symmetric tensors by their distinct entries

It imports `sensing`, and never `simulated`: each of the two is the other's oracle.
"""

from .cost import LiftingCost, LiftingCosts, MemoryLimitExceeded
from .curvature import Curvature, least_curvature
from .descent import LiftedDescent, projected_gradient_descent
from .forms.choice import predict_cost
from .problem import LiftedProblem
from .projection import RankOneProjection, SpanProjection
from .rank_one_approximation import RankOne, best_rank_one

__all__ = [
    "Curvature",
    "LiftedDescent",
    "LiftedProblem",
    "LiftingCost",
    "LiftingCosts",
    "MemoryLimitExceeded",
    "RankOne",
    "RankOneProjection",
    "SpanProjection",
    "best_rank_one",
    "least_curvature",
    "predict_cost",
    "projected_gradient_descent",
]
