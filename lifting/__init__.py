"""The real thing: the lifted objective on explicit tensors. Each tensor has l modes of length n r."""

from .best_rank_one import RankOne, best_rank_one
from .cost import LiftingCost, LiftingCosts, MemoryLimitExceeded
from .curvature import Curvature, CurvatureStopReason, least_curvature
from .descent import LiftedDescent, LiftedStopReason, projected_gradient_descent
from .problem import LiftedProblem
from .projection import RankOneProjection, SpanProjection

__all__ = [
    "Curvature",
    "CurvatureStopReason",
    "LiftedDescent",
    "LiftedProblem",
    "LiftedStopReason",
    "LiftingCost",
    "LiftingCosts",
    "MemoryLimitExceeded",
    "RankOne",
    "RankOneProjection",
    "SpanProjection",
    "best_rank_one",
    "least_curvature",
    "projected_gradient_descent",
]
