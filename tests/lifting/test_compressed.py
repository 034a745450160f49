"""The lifted objective of a compressed problem is that of the tensors of the subspace."""

import math

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import LiftedProblem, least_curvature_at_point
from tests.lifting import explicit
from tests.lifting.conftest import SMALL


def orthonormal(k, shape, rng):
    """k orthonormal matrices."""
    Q, _ = np.linalg.qr(rng.standard_normal((math.prod(shape), k)))
    return Q.T.reshape(k, *shape)


def spread(E, coefficients):
    """Σ c_{j…} vec(E_j) ⊗ … ⊗ vec(E_k)."""
    matrix = E.reshape(len(E), -1)
    for _ in range(coefficients.ndim):
        coefficients = np.tensordot(coefficients, matrix, (0, 0))
    return coefficients


@pytest.mark.parametrize("name", SMALL)
def test_lifted_values_and_gradients_are_those_on_the_power_of_the_subspace(name):
    problem, order = SMALL[name]
    rng = np.random.default_rng(0)
    k = min(2, math.prod(problem.shape))
    E = rng.standard_normal((k, *problem.shape))  # no orthonormal basis is needed for this
    small = LiftedProblem(sensing.compress(problem, E), order)
    c = rng.standard_normal((k,) * order)
    w = spread(E, c)
    assert small.value(c) == pytest.approx(explicit.value(problem, order, w), rel=1e-11)
    gradient = explicit.gradient(problem, order, w)
    want = gradient
    for _ in range(order):
        want = np.tensordot(want, E.reshape(k, -1), (0, 1))
    scale = np.abs(gradient).max() * np.abs(E).sum() ** order
    np.testing.assert_allclose(small.gradient(c), want, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("name", ["gaussian n=3 m=4 r=2", "rank one n=3 m=4", "completion n=3"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_curvatures_are_ritz_values(name, symmetric):
    """Bounds from above, falling as the subspace grows; with all of it, the least curvature."""
    problem, order = SMALL[name]
    d = math.prod(problem.shape)
    rng = np.random.default_rng(1)
    X = rng.standard_normal(problem.shape)
    # The first matrix is X̂ itself, so that ŵ lies in the power of every subspace.
    Q, _ = np.linalg.qr(np.column_stack([X.ravel(), rng.standard_normal((d, d - 1))]))
    E = Q.T.reshape(d, *problem.shape)
    values = []
    for k in range(1, d + 1):
        c = np.tensordot(E[:k], X, 2)[:, None]
        small = sensing.compress(problem, E[:k])
        values.append(least_curvature_at_point(small, c, order, symmetric=symmetric).value)
    everything = least_curvature_at_point(problem, X, order, symmetric=symmetric).value
    scale = max(map(abs, values))
    assert np.all(np.diff(values) <= 1e-12 * scale)
    assert values[0] > everything + 1e-3 * scale
    assert values[-1] == pytest.approx(everything, abs=1e-12 * scale)


def test_the_whole_spectrum_is_kept_by_an_orthonormal_basis_of_everything():
    problem, order = sensing.gaussian(2, 2, 3, seed=2), 3
    rng = np.random.default_rng(3)
    X, E = rng.standard_normal((2, 2)), orthonormal(4, (2, 2), rng)
    spectra = []
    for each, point in ((problem, X), (sensing.compress(problem, E), np.tensordot(E, X, 2))):
        w = explicit.power(point, order)
        lifted = LiftedProblem(each, order)
        identity = np.eye(w.size).reshape(-1, *w.shape)
        H = np.array([lifted.hessian_product(w, e).ravel() for e in identity])
        spectra.append(np.linalg.eigvalsh((H + H.T) / 2))
    np.testing.assert_allclose(*spectra, rtol=0, atol=1e-12 * np.abs(spectra[0]).max())
