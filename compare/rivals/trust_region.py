"""Riemannian trust regions on the PSD matrices of rank r (pymanopt)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lift_compare.sensing import InvalidInput, SensingProblem
from lift_compare.sensing.validation import FloatArray

from ..tolerances import LBFGS_GRADIENT
from .definition import Budget, Run

NAME, SUMMARY = "trust-region", "Riemannian trust regions on PSD matrices of rank r (pymanopt)"
NEEDS = ("pymanopt",)


def run(problem: SensingProblem, start: FloatArray, budget: Budget) -> Run:
    """Minimise h over the quotient of n×r matrices by rotations."""
    pymanopt: Any = import_module("pymanopt")
    manifold = pymanopt.manifolds.PSDFixedRank(*problem.shape)
    unit = problem.objective_at_zero  # their tolerances are absolute

    def cost(X: FloatArray) -> float:
        return float(problem.objective(X)) / unit

    def gradient(X: FloatArray) -> FloatArray:
        return problem.gradient(X) / unit

    def hessian(X: FloatArray, D: FloatArray) -> FloatArray:
        return problem.hessian_product(X, D) / unit

    function = pymanopt.function.numpy(manifold)
    whole = pymanopt.Problem(
        manifold,
        function(cost),
        euclidean_gradient=function(gradient),
        euclidean_hessian=function(hessian),
    )
    optimizer = pymanopt.optimizers.TrustRegions(
        max_iterations=10_000, min_gradient_norm=LBFGS_GRADIENT, verbosity=0
    )
    try:
        end = optimizer.run(whole, initial_point=start)
    except InvalidInput as not_finite:  # from a point where ∇h = 0 its step is 0/0
        return Run(start, {"stop": str(not_finite)})
    return Run(end.point, {"stop": str(end.stopping_criterion)})
