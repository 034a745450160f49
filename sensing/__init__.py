"""The ground floor: low-rank matrix sensing in matrix space. It knows nothing of tensors."""

from .checks import check_adjoint, check_gradient, check_hessian
from .descent import Descent, History, StopReason, gradient_descent
from .instances import gaussian, perturbed_completion, quadratic_network, real_system, two_by_two
from .operators import DenseOperator, EntrywiseOperator, RankOneOperator, SensingOperator
from .polish import polish
from .problem import SensingProblem
from .rip import rip_lower_bound
from .spectrum import (
    LeastEigenpairs,
    SingularTriplet,
    last_singular_triplet,
    least_eigenpairs,
    relative_gradient_norm,
)
from .step_rules import Backtracking, FixedStep, StepRule

__all__ = [
    "Backtracking",
    "DenseOperator",
    "Descent",
    "EntrywiseOperator",
    "FixedStep",
    "History",
    "LeastEigenpairs",
    "RankOneOperator",
    "SensingOperator",
    "SensingProblem",
    "SingularTriplet",
    "StepRule",
    "StopReason",
    "check_adjoint",
    "check_gradient",
    "check_hessian",
    "gaussian",
    "gradient_descent",
    "last_singular_triplet",
    "least_eigenpairs",
    "perturbed_completion",
    "polish",
    "quadratic_network",
    "real_system",
    "relative_gradient_norm",
    "rip_lower_bound",
    "two_by_two",
]
