"""q_l along powers, its margin, and the derivatives of its logarithm on the sphere."""

import math

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated.points.landscape_forms import LandscapeForms
from lift_compare.simulated.points.power_form import (
    PowerForm,
    SphereModel,
    margin,
    power_norm,
    rounding_of,
)
from tests.simulated.saddles import explicit_forms, power_form, terms


def around(n, r, m, order, k=4, seed=0):
    """The power form around k points at a point that is not stationary, and its matrices."""
    problem = sensing.gaussian(n, r, m, seed)
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, r))
    forms = LandscapeForms.at(problem, X)
    matrices = np.array(explicit_forms(problem, X)) / math.exp(forms.log_unit)
    return PowerForm.at(forms, order, rng.standard_normal((k, n, r))), matrices


@pytest.mark.parametrize("order", [1, 3, 1001, math.inf])
def test_norms_of_rows_of_any_size_are_those_of_each_row(order):
    x = np.array([[3.0, 4.0, 0.0], [1e-200, 1e-200, 5e-201], [0.0, 0.0, 0.0], [1e150, 0.0, 0.0]])
    got = power_norm(x, order)
    assert got.shape == (4,)
    for row, norm in zip(x, got, strict=True):
        top = row.max()
        if top == 0 or order == math.inf:
            assert norm == top
        else:
            want = top * sum((row / top) ** order) ** (1 / order)
            assert norm == pytest.approx(want, rel=1e-14, abs=0)
    assert power_norm(x[0], 3) == pytest.approx(91 ** (1 / 3), rel=1e-15)


@pytest.mark.parametrize("order", [1, 3, 51])
def test_the_power_form_is_that_of_the_values_along_unit_matrices(order):
    at, matrices = around(4, 2, 9, order)
    np.testing.assert_allclose(np.linalg.norm(at.V, axis=(1, 2)), 1, rtol=1e-14)
    K = terms(matrices, at.V)
    np.testing.assert_allclose(at.K, K, rtol=0, atol=1e-14)
    q = power_form(K, order)
    # Each K has some ε, and l of them are multiplied.
    np.testing.assert_allclose(at.sign * np.exp(at.log), q, rtol=1e-12 * order)
    np.testing.assert_allclose(at.height, np.sign(q) * np.log(np.abs(q)) / order, rtol=1e-11)
    np.testing.assert_array_equal(at.is_saddle, q < 0)
    np.testing.assert_array_equal(at.ascending(), np.argsort(q))


@pytest.mark.parametrize("order", [1, 3, 51])
def test_the_rounding_is_that_of_the_terms_with_their_weights(order):
    """l · 1e-15 (|K₁|^l + |K₂|^l + 2 K₃^l)."""
    K = np.array([[0.5, -0.25, 0.0], [0.5, 0.5, 0.75], [0.0, 0.0, 0.5]])
    expected = order * 1e-15 * (np.abs(K) ** order @ [1, 1, 2])
    np.testing.assert_allclose(np.exp(rounding_of(K, order)), expected, rtol=1e-13)


def test_along_gauges_the_power_form_is_zero_to_rounding():
    """V = XΩ with skew Ω at a stationary point: K₁ = K₂ and K₃ = 0, beside another V."""
    omega = np.array([[0.0, 1.0], [-1.0, 0.0]])
    for seed in range(20):
        problem = sensing.gaussian(4, 2, 9, seed)
        X = problem.ground_truth
        other = np.random.default_rng(seed).standard_normal(X.shape)
        at = PowerForm.at(LandscapeForms.at(problem, X), 3, np.stack([X @ omega, other]))
        assert at.K[0, 0] > 1e-3
        np.testing.assert_array_equal(at.sign, [0, 1])
        assert not at.is_saddle.any()


def test_along_what_is_not_measured_the_power_form_is_zero_to_rounding():
    """The third row and column are not measured: K is 1e-16 of the forms, and of no sign."""
    weights = np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.0]])
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.EntrywiseOperator(weights), [[1.0], [2.0], [3.0]]
    )
    forms = LandscapeForms.at(problem, np.array([[0.1], [0.2], [5.0]]))
    V = np.array([[[1e-8], [1e-8], [1.0]], [[1e-3], [1e-3], [1.0]], [[0.0], [0.0], [1.0]]])
    at = PowerForm.at(forms, 3, V)
    np.testing.assert_array_equal(at.sign, [0, -1, 0])
    np.testing.assert_array_equal(at.is_saddle, [False, True, False])
    assert 0 < np.abs(at.K[0]).max() < forms.resolution


def test_points_are_taken_and_replaced():
    at, _ = around(3, 1, 5, 3, k=5)
    other, _ = around(3, 1, 5, 3, k=7, seed=0)
    index = np.array([3, 1])
    part = at[index]
    new = at.replaced(index, other[np.array([5, 6])])
    for name in ("V", "products", "K", "sign", "log"):
        old, mixed, theirs = (getattr(each, name) for each in (at, new, other))
        np.testing.assert_array_equal(getattr(part, name), old[index])
        np.testing.assert_array_equal(mixed[index], theirs[[5, 6]])
        np.testing.assert_array_equal(mixed[[0, 2, 4]], old[[0, 2, 4]])
        np.testing.assert_array_equal(getattr(at, name), old)
    for each in (part, new):
        assert (each.order, each.forms) == (at.order, at.forms)


@pytest.mark.parametrize("order", [1, 3, 11])
def test_the_gradient_is_measured_in_units_of_its_terms(order):
    """∇f = Σ 2 w_i K_i^{l−1} / |q_l| N_i V, less its part along V."""
    at, matrices = around(4, 2, 9, order)
    model = SphereModel(at)
    for v, K, gradient, relative in zip(
        at.V.reshape(4, -1), at.K, model.gradient, model.relative_norm, strict=True
    ):
        q = power_form(K, order)
        weights = np.array([1.0, -1.0, 2.0]) * K ** (order - 1) / abs(q)
        parts = 2 * weights[:, None] * (matrices @ v)
        total = parts.sum(axis=0)
        want = total - (total @ v) * v
        size = np.linalg.norm(parts, axis=1).sum()
        assert size >= 2 - 1e-12
        np.testing.assert_allclose(gradient.ravel(), want, rtol=0, atol=1e-12 * size)
        assert relative == pytest.approx(np.linalg.norm(want) / size, abs=1e-12)


@pytest.mark.parametrize("order", [3, 1001])
def test_every_point_of_a_model_is_as_if_it_were_alone(order):
    """Also where the K of one are many times those of another: both at order 1001."""
    at, _ = around(6, 1, 12, order, k=6)
    at = at[np.argsort(np.abs(at.K).max(axis=1))[[0, -1, 2]]]
    D = np.random.default_rng(1).standard_normal(at.V.shape)
    D -= np.sum(D * at.V, axis=(1, 2), keepdims=True) * at.V
    together = SphereModel(at)
    assert together.relative_norm.shape == (3,)
    H = together.hessian(D)
    for i in range(3):
        alone = SphereModel(at[np.array([i])])
        scale = np.linalg.norm(H[i])
        np.testing.assert_allclose(alone.gradient[0], together.gradient[i], rtol=1e-9, atol=1e-12)
        assert alone.relative_norm[0] == pytest.approx(together.relative_norm[i], abs=1e-13)
        np.testing.assert_allclose(alone.hessian(D[[i]])[0], H[i], rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("order", [1, 3, 11])
def test_the_hessian_is_symmetric_and_stays_on_the_sphere(order):
    at, _ = around(4, 2, 9, order)
    D, E = np.random.default_rng(1).standard_normal((2, *at.V.shape))
    for each in (D, E):
        each -= np.sum(each * at.V, axis=(1, 2), keepdims=True) * at.V
    model = SphereModel(at)
    HD, HE = model.hessian(D), model.hessian(E)
    scale = np.linalg.norm(HD, axis=(1, 2)) + np.linalg.norm(HE, axis=(1, 2))
    assert np.all(np.abs(np.sum(HD * at.V, axis=(1, 2))) < 1e-12 * scale)
    assert np.all(np.abs(np.sum(HD * E - D * HE, axis=(1, 2))) < 1e-11 * scale)
    assert np.all(np.abs(np.sum(model.gradient * at.V, axis=(1, 2))) < 1e-12 * scale)


def test_margins_have_the_sign_of_the_power_form_for_values_of_any_sign():
    for signs in np.ndindex(2, 2):
        for size in np.random.default_rng(0).uniform(0.5, 1.5, (20, 3)):
            K = size * [1.0 - 2 * signs[0], 1.0 - 2 * signs[1], 1.0]
            for order in (1, 3, 11):
                assert np.sign(margin(K, order)) == np.sign(power_form(K, order))


def test_margins_of_many_values_are_those_of_each():
    K = np.random.default_rng(0).standard_normal((2, 5, 3))
    K[..., 2] = np.abs(K[..., 2])
    for order in (3, 1001, math.inf):
        got = margin(K, order)
        assert got.shape == (2, 5)
        for index in np.ndindex(2, 5):
            assert got[index] == pytest.approx(float(margin(K[index], order)), abs=1e-15)
