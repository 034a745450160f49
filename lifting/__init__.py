"""The real thing: the lifted objective on explicit tensors. Each tensor has l modes of length n r."""

from .cost import LiftingCost, MemoryLimitExceeded
from .descent import LiftedDescent, LiftedStopReason, projected_gradient_descent
from .problem import LiftedProblem
from .projection import SpanProjection

__all__ = [
    "LiftedDescent",
    "LiftedProblem",
    "LiftedStopReason",
    "LiftingCost",
    "MemoryLimitExceeded",
    "SpanProjection",
    "projected_gradient_descent",
]
