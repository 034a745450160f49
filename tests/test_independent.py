"""Random instances against the definitions written out: every operator, rank, form and order.

By default some dozens of instances. As many as one likes, from any seed:

    LIFT_COMPARE_INSTANCES=1000 LIFT_COMPARE_SEED=7 pytest tests/test_independent.py
"""

import os

import numpy as np
import pytest
from scipy import sparse

from lift_compare import lifting, sensing, simulated
from tests.lifting import explicit

INSTANCES = int(os.environ.get("LIFT_COMPARE_INSTANCES", "40"))
SEED = int(os.environ.get("LIFT_COMPARE_SEED", "20261127"))
SIZES = {1: (5, 7), 3: (3, 4), 5: (2, 3)}  # largest n and m: the definition has m^l n^{2l} entries
TOLERANCE = 1e-12
"""Relative to the terms: some thousands of products of sums of some dozens of terms."""


def operator_of(rng, kind, n, m):
    if kind == "dense":
        A = rng.standard_normal((m, n, n))
        return sensing.DenseOperator(A + A.transpose(0, 2, 1))
    if kind == "rank-one":
        return sensing.RankOneOperator(rng.standard_normal((m, n)))
    weights = rng.uniform(0.2, 1.5, (n, n)) * (rng.random((n, n)) < 0.6)
    weights[0, -1] = 1.0
    if kind == "entrywise" or n * n > 16:
        return sensing.EntrywiseOperator(weights)
    return sensing.EntrywiseOperator(sparse.csr_array(weights))


def close(found, expected, scale, what):
    error = np.max(np.abs(np.asarray(found) - expected))
    assert error <= TOLERANCE * scale, f"{what}: off by {error / scale:.2g} of its terms"


@pytest.mark.parametrize("index", range(INSTANCES))
def test_every_evaluation_equals_the_definition(index):
    rng = np.random.default_rng([SEED, index])
    order = int(rng.choice(list(SIZES)))
    n = int(rng.integers(2, SIZES[order][0] + 1))
    r = int(rng.integers(1, 3)) if order < 5 else 1
    kind = str(rng.choice(["dense", "rank-one", "entrywise", "sparse"]))
    operator = operator_of(rng, kind, n, int(rng.integers(1, SIZES[order][1] + 1)))
    if operator.m**order * n ** (2 * order) > 3e6:
        order = 1
    Z, X, D = 10.0 ** rng.integers(-2, 3) * rng.standard_normal((3, n, r))
    b = operator.measure(Z, Z) + 0.1 * rng.standard_normal() * np.linalg.norm(
        operator.measure(Z, Z)
    )
    problem = sensing.SensingProblem(operator, b, rank=r)

    # In matrix space: the lifted definitions at order 1.
    A, x = operator.matrices(), X.reshape(-1)
    residual = np.einsum("ipq,pk,qk->i", A, X, X) - b
    size = np.linalg.norm(A) * np.linalg.norm(X) ** 2 + np.linalg.norm(b)
    close(operator.measure(X, D), np.einsum("ipq,pk,qk->i", A, X, D), size, "measure")
    close(problem.objective(X), 0.5 * residual @ residual, size**2, "objective")
    slope = size * np.linalg.norm(A) * np.linalg.norm(X)
    close(problem.gradient(X).ravel(), explicit.gradient(problem, 1, x).ravel(), slope, "gradient")
    bend = size * np.linalg.norm(A) * np.linalg.norm(D)
    product = explicit.hessian_product(problem, 1, x, D.reshape(-1))
    close(problem.hessian_product(X, D).ravel(), product, bend, "Hessian product")

    # Lifted, in every form that applies: at a sum of powers, and at any tensor.
    c = rng.standard_normal(2)
    powers = [explicit.power(X, order), explicit.power(D, order)]
    w = c[0] * powers[0] + c[1] * powers[1]
    any_tensor = np.linalg.norm(w) * rng.standard_normal(w.shape) / np.sqrt(w.size)
    for cost in lifting.predict_cost(problem, order):
        for v in (w,) if cost.symmetric_only else (w, any_tensor):
            if cost.reason is None:
                check_lifted(problem, order, cost.form, v, powers[1])

    # Simulated: the same objective as a function of the coefficients.
    span = simulated.SpanObjective(problem, np.stack([X, D]), order)
    value, gradient = explicit.value(problem, order, w), explicit.gradient(problem, order, w)
    # Where the powers cancel in w, they are the terms.
    size = sum(abs(c_j) * np.linalg.norm(power) for c_j, power in zip(c, powers, strict=True))
    terms, slopes = magnitudes(problem, order, size)
    close(span.value(c), value, terms, "value on the span")
    inner = [np.sum(gradient * power) for power in powers]
    most = slopes * max(np.linalg.norm(power) for power in powers)
    close(span.gradient(c), inner, most, "gradient on the span")
    along = np.sum(powers[1] * explicit.hessian_product(problem, order, powers[0], powers[1]))
    bends = np.linalg.norm(A) ** (2 * order) * np.prod([np.sum(p**2) for p in powers])
    bends += (np.linalg.norm(A) * np.linalg.norm(b)) ** order * np.sum(powers[1] ** 2)
    close(simulated.curvature_along(problem, X, D, order), along, 6 * bends, "curvature")


def check_lifted(problem, order, form, w, direction):
    lifted = lifting.LiftedProblem(problem, order, form=form)
    terms, slopes = magnitudes(problem, order, np.linalg.norm(w))
    close(lifted.value(w), explicit.value(problem, order, w), terms, form)
    close(lifted.gradient(w), explicit.gradient(problem, order, w), slopes, form)
    bends = slopes / np.linalg.norm(w) * np.linalg.norm(direction) * 3
    product = explicit.hessian_product(problem, order, w, direction)
    close(lifted.hessian_product(w, direction), product, bends, form)


def magnitudes(problem, order, size):
    """Return the size of the terms of h^l(w), ‖w‖ = size, and of its gradient."""
    A = np.linalg.norm(problem.operator.matrices()) ** order
    residual = A * size**2 + np.linalg.norm(problem.measurements) ** order
    return residual**2, 2 * A * residual * size
