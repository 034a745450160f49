"""The real lifted objective, on explicit tensors with l modes of length n r.

    problem.py                  `LiftedProblem`: h^l, gradient, Hessian products
    forms/                      the ways to compute them, and the choice by predicted cost
    cost.py                     that cost, and the refusal of what exceeds the memory limit
    descent.py                  projected gradient descent; projection.py: the projections
    curvature/                  the least curvature over all tensors, or symmetric ones at ŵ
    kronecker/                  the Hessian at ŵ = vec(X)^{⊗l} as three Kronecker powers
    eigenpair.py                the least eigenpair of a symmetric operator
    rank_one_approximation.py   the best symmetric rank-one approximation
    backends.py                 tensorly's backends, used without changing the user's session
    multisets.py, symmetry.py   symmetric tensors by their distinct entries

It imports `sensing`, and never `simulated`: each of the two is the other's oracle.
"""

from .cost import LiftingCost, LiftingCosts, MemoryLimitExceeded
from .curvature.at_point import least_curvature_at_point
from .curvature.at_tensor import least_curvature
from .curvature.result import Curvature
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
    "least_curvature_at_point",
    "predict_cost",
    "projected_gradient_descent",
]
