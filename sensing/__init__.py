"""The ground floor: low-rank matrix sensing in matrix space. It knows nothing of tensors.

    operators.py     A(M)_i = ⟨A_i, M⟩ in three kinds, and the protocol for your own
    problem.py       h(X) = ½ ‖A(XXᵀ) − b‖², its gradient, Hessian products, landscape matrix
    compression.py   the problem on a subspace of its points, as a small problem
    instances/       named problems with a point and settings: catalogue, random ones, files
    descent.py       gradient descent, from one start or many; step_rules.py its steps,
                     descent_result.py what it found
    polishing.py     Newton steps to a stationary point; spurious.py finds one from nothing
    spectrum.py      eigenpairs of G(X), singular triplets of X, relative gradient norm
    rip.py           bounds of the restricted isometry constant
    checks.py        tests of your own operator, gradient and Hessian

What every room of the house uses:

    reasons.py       why a computation ended, as a member of an enum with a sentence
    tolerances.py    every tolerance, with its reason
    validation.py    refusals that name the argument, what was expected and what came
    floats.py        the range of float64: safe norms, named overflow
    threads.py       one BLAS thread where more would only wait
"""

from .checks import check_adjoint, check_gradient, check_hessian
from .compression import compress
from .descent import Stall, gradient_descent, gradient_descent_batch
from .descent_result import Descent
from .instances.asymmetric import asymmetric
from .instances.definition import DescentSettings, Instance, LiftSettings
from .instances.files import load_instance, save_instance
from .instances.least_delta import least_delta
from .instances.networks import quadratic_network
from .instances.power_system import power_system
from .instances.published import perturbed_completion, real_system, two_by_two
from .instances.random import gaussian
from .instances.registry import catalogue, instance, parse_instance
from .instances.synchronisation import sign_synchronisation
from .operators import (
    DenseOperator,
    EntrywiseOperator,
    RankOneOperator,
    SensingOperator,
)
from .polishing import polish
from .problem import SensingProblem
from .reasons import StopReason
from .rip import rip_lower_bound
from .spectrum import relative_gradient_norm
from .spurious import spurious_point
from .step_rules import Backtracking, StepRule
from .validation import InvalidInput

__all__ = [
    "Backtracking",
    "DenseOperator",
    "Descent",
    "DescentSettings",
    "EntrywiseOperator",
    "Instance",
    "InvalidInput",
    "LiftSettings",
    "RankOneOperator",
    "SensingOperator",
    "SensingProblem",
    "Stall",
    "StepRule",
    "StopReason",
    "asymmetric",
    "catalogue",
    "check_adjoint",
    "check_gradient",
    "check_hessian",
    "compress",
    "gaussian",
    "gradient_descent",
    "gradient_descent_batch",
    "instance",
    "least_delta",
    "load_instance",
    "parse_instance",
    "perturbed_completion",
    "polish",
    "power_system",
    "quadratic_network",
    "real_system",
    "relative_gradient_norm",
    "rip_lower_bound",
    "save_instance",
    "sign_synchronisation",
    "spurious_point",
    "two_by_two",
]
