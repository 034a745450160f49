"""N₁, N₂ and P as matrices and as products, against matrices that are written out by einsum."""

import math

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.simulated.points import landscape_forms
from lift_compare.simulated.points.landscape_forms import LandscapeForms, form_values, signed
from tests.simulated.saddles import explicit_forms, known_orders


def case(n, r, m, seed=0):
    """A problem and a point that is not stationary."""
    problem = sensing.gaussian(n, r, m, seed)
    return problem, np.random.default_rng(seed).standard_normal((n, r))


def completion(n):
    """A large problem whose products are quick: normal weights on all entries."""
    rng = np.random.default_rng(n)
    operator = sensing.EntrywiseOperator(rng.standard_normal((n, n)))
    problem = sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, 1)))
    return problem, rng.standard_normal((n, 1))


CASES = {"r = 1": case(7, 1, 9), "r = 2": case(4, 2, 12), "r = n": case(3, 3, 5, seed=2)}
both_ways = pytest.mark.parametrize("dense", [True, False], ids=["matrices", "products"])


@pytest.fixture
def forms_at(monkeypatch):
    def at(problem, X, dense=True):
        monkeypatch.setattr(landscape_forms, "DENSE_UP_TO", 400 if dense else 0)
        return LandscapeForms.at(problem, X)

    return at


@both_ways
@pytest.mark.parametrize("name", CASES)
def test_products_combinations_and_their_units(name, dense, forms_at):
    problem, X = CASES[name]
    forms, matrices = forms_at(problem, X, dense), explicit_forms(problem, X)
    unit, allowed = math.exp(forms.log_unit), 1e-13 * max(np.linalg.norm(M) for M in matrices)
    assert forms.shape == problem.shape
    assert forms.dimension == math.prod(problem.shape)
    rng = np.random.default_rng(3)
    V, w = rng.standard_normal((2, 5, *problem.shape)), rng.standard_normal((2, 5, 3))
    products = forms.products(V)
    assert products.shape == (2, 5, 3, *problem.shape)
    want = np.stack([(V.reshape(2, 5, -1) @ M).reshape(V.shape) for M in matrices], axis=2)
    np.testing.assert_allclose(unit * products, want, rtol=0, atol=8 * allowed)
    for part in (0, (0, 0)):  # fewer axes in front, or none
        np.testing.assert_allclose(forms.products(V[part]), products[part], rtol=0, atol=1e-15)
        K, one = form_values(V[part], products[part]), form_values(V, products)[part]
        np.testing.assert_allclose(K, one, rtol=0, atol=1e-15)
    combined = np.sum(w[..., None, None] * want, axis=2)
    np.testing.assert_allclose(unit * forms.combined(w, V), combined, rtol=0, atol=20 * allowed)
    M = np.tensordot(w[0, 0], matrices, axes=1)
    v = V[0, 0].ravel()
    np.testing.assert_allclose(
        unit * (forms.combination(w[0, 0]) @ v), M @ v, rtol=0, atol=20 * allowed
    )


@both_ways
@pytest.mark.parametrize("name", CASES)
def test_sizes_bound_the_eigenvalues_or_are_near_the_largest(name, dense, forms_at):
    problem, X = CASES[name]
    for scale in (1e-5, 1.0, 1e5):  # where P and N₁ are small, and where N₂ is
        forms, matrices = forms_at(problem, scale * X, dense), explicit_forms(problem, scale * X)
        unit = math.exp(forms.log_unit)
        assert 0.5 <= forms.sizes.max() < 1
        for size, M in zip(unit * forms.sizes, matrices, strict=True):
            largest = np.linalg.norm(M, 2)
            if dense:
                assert size == pytest.approx(np.linalg.norm(M), rel=1e-13, abs=0)
            else:
                assert 0.8 * largest <= size <= largest * (1 + 1e-12)


@both_ways
def test_at_zero_two_forms_have_no_size(dense, forms_at):
    problem = CASES["r = 2"][0]
    forms = forms_at(problem, np.zeros(problem.shape), dense)
    assert forms.sizes[0] == forms.sizes[2] == 0
    assert forms.error((1, 0, 5)) == 0


@both_ways
def test_errors_are_relative_to_the_forms_and_include_what_is_left_of_the_gradient(dense, forms_at):
    base = 1e-13 if dense else 1e-9
    problem, X, _ = known_orders()["real system"]
    at_truth = sensing.gaussian(5, 1, 9, 0)
    for each, point, least, most in (
        (*CASES["r = 1"], 0, 0),
        (problem, X, 0, 1e-14),
        (problem, X * (1 + 1e-9), 1e-10, 1e-8),  # nearly stationary
        (at_truth, at_truth.ground_truth * (1 + 1e-6), 0, 0),  # and no more
    ):
        forms = forms_at(each, point, dense)
        assert least <= forms.rounding - base <= most
        if most:
            left = sensing.relative_gradient_norm(each, point)
            assert forms.rounding - base == pytest.approx(left, rel=1e-4, abs=1e-20)
        weights = np.array([-0.5, 2.0, -3.0])
        total = 0.5 * forms.sizes[0] + 2 * forms.sizes[1] + 3 * forms.sizes[2]
        assert forms.error(weights) == pytest.approx(forms.rounding * total, rel=1e-14, abs=0)
        total = forms.sizes[0] + forms.sizes[1] + 2 * forms.sizes[2]
        assert forms.resolution == pytest.approx(2 * forms.rounding * total, rel=1e-14, abs=0)


@both_ways
@pytest.mark.parametrize("count", [1, 3])
def test_least_eigenpairs_are_in_order_and_as_exact_as_is_said(count, dense, forms_at):
    problem, X = case(12, 2, 30)
    forms, matrices = forms_at(problem, X, dense), explicit_forms(problem, X)
    for weights in ((1, -1, 2), (0.3, -1, 0.7), (0, -1, 0), (0, 0, -1)):
        M = np.tensordot(np.array(weights, dtype=float), matrices, axes=1)
        values, vectors, residual = forms.least(weights, count)
        want = np.linalg.eigvalsh(M)[:count] / math.exp(forms.log_unit)
        np.testing.assert_allclose(values, want, rtol=0, atol=2 * forms.error(weights))
        assert vectors.shape == (count, 12, 2)
        flat = vectors.reshape(count, -1)
        np.testing.assert_allclose(flat @ flat.T, np.eye(count), rtol=0, atol=1e-12)
        missed = flat @ (M / math.exp(forms.log_unit)) - values[:, None] * flat
        norms = np.linalg.norm(missed, axis=1)
        assert residual == pytest.approx(norms.max(), abs=1e-14)
        assert residual <= forms.error(weights)
        assert np.all(flat[np.arange(count), np.abs(flat).argmax(axis=1)] > 0)


def test_a_form_that_is_small_beside_the_others_is_no_less_exact(forms_at):
    """Relative to its own size: P of a point near zero."""
    problem, X = case(12, 2, 30)
    forms = forms_at(problem, 1e-5 * X, dense=False)
    P = explicit_forms(problem, 1e-5 * X)[2] / math.exp(forms.log_unit)
    top = np.linalg.eigvalsh(P)[-1]
    assert top < 1e-8
    assert forms.least((0, 0, -1)).values[0] == pytest.approx(-top, rel=1e-8, abs=0)


def test_what_vanishes_has_the_eigenvalue_zero(forms_at):
    """N₁ − N₂ at the truth, by a Lanczos run as well."""
    problem = sensing.gaussian(12, 1, 20, 0)
    forms = forms_at(problem, problem.ground_truth, dense=False)
    assert abs(forms.least((1, -1, 0)).values[0]) <= forms.error((1, -1, 0))


@pytest.mark.parametrize("count", [1, 4])
def test_a_short_run_of_as_many_steps_as_dimensions_is_exact(count, forms_at):
    problem, X = case(12, 2, 30)
    forms, matrices = forms_at(problem, X, dense=False), explicit_forms(problem, X)
    weights = np.array([0.3, -1.0, 0.7])
    M = np.tensordot(weights, matrices, axes=1) / math.exp(forms.log_unit)
    values, vectors, residual = forms.least(weights, count, rough=True)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(M)[:count], rtol=0, atol=1e-13)
    flat = vectors.reshape(count, -1)
    np.testing.assert_allclose(flat @ M, values[:, None] * flat, rtol=0, atol=1e-12)
    assert residual < 1e-12


def test_a_short_run_in_an_invariant_subspace_ends_there(forms_at):
    """One measurement e₁e₁ᵀ: N₁ and P have rank one and N₂ as well, so two vectors span it all."""
    A = np.zeros((1, 30, 30))
    A[0, 0, 0] = 1.0
    X = np.zeros((30, 1))
    X[0] = 0.5
    problem = sensing.SensingProblem(sensing.DenseOperator(A), [1.0])
    values, vectors, _ = forms_at(problem, X, dense=False).least((0, -1, 0), rough=True)
    assert abs(vectors[0, 0, 0]) == pytest.approx(1, abs=1e-12)
    assert values[0] < 0


def test_a_short_run_is_near_the_least_eigenvalue_of_a_large_form(forms_at):
    problem, X = completion(200)
    forms = forms_at(problem, X, dense=False)
    rough, good = (forms.least((1, -1, 1), rough=rough) for rough in (True, False))
    assert abs(np.vdot(rough.vectors, good.vectors)) > 1 - 1e-3
    assert rough.values[0] >= good.values[0] - forms.error((1, -1, 1))


def test_runs_and_sizes_are_the_same_every_time(forms_at):
    problem, X = completion(120)
    first, again = (forms_at(problem, X, dense=False) for _ in range(2))
    np.testing.assert_array_equal(first.sizes, again.sizes)
    for rough in (True, False):
        pairs = [forms.least((1, -1, 0), rough=rough) for forms in (first, again)]
        np.testing.assert_array_equal(pairs[0].vectors, pairs[1].vectors)
        assert pairs[0].values == pairs[1].values


def test_a_run_that_does_not_converge_says_what_it_was_for(forms_at, monkeypatch):
    problem, X = completion(120)
    forms = forms_at(problem, X, dense=False)
    monkeypatch.setattr(landscape_forms, "_RESTARTS", 1)
    monkeypatch.setattr(landscape_forms, "_BASIS", 4)
    with pytest.raises(
        ArithmeticError,
        match=r"^the least eigenvalue of 1 N₁ \+ 0.5 N₂ \+ 0.25 P did not converge",
    ):
        forms.least((1, 0.5, 0.25))


def test_whether_the_first_form_is_positive(forms_at):
    """N₁ = A*(A(XXᵀ)) ⊗ I is, for A_i ⪰ 0; in the second case it is diag(1, −1) times 3."""
    rank_one = sensing.SensingProblem(sensing.RankOneOperator(np.eye(2) + 0.5), [1.0, 2.0])
    apart = sensing.SensingProblem(sensing.DenseOperator([np.diag([1.0, -1.0])]), [1.0])
    assert forms_at(rank_one, np.array([[1.0], [2.0]])).first_is_positive
    assert not forms_at(apart, np.array([[2.0], [1.0]])).first_is_positive
    # Rank one in a plane: an eigenvalue of zero counts as not negative.
    flat = sensing.SensingProblem(sensing.RankOneOperator([[1.0, 1.0]]), [1.0])
    assert forms_at(flat, np.array([[1.0], [2.0]])).first_is_positive


@pytest.mark.parametrize(("most", "formed"), [(23, False), (24, True)])
def test_matrices_are_formed_up_to_a_dimension(most, formed, monkeypatch):
    monkeypatch.setattr(landscape_forms, "DENSE_UP_TO", most)
    assert (LandscapeForms.at(*case(12, 2, 9)).matrices is not None) is formed


@pytest.mark.parametrize("batch", [1, 200, 10**6])
def test_matrices_are_formed_in_batches_of_columns(batch, forms_at, monkeypatch):
    problem, X = CASES["r = 2"]
    monkeypatch.setattr(landscape_forms, "_BATCH", batch)
    forms = forms_at(problem, X)
    want = np.array(explicit_forms(problem, X)) / math.exp(forms.log_unit)
    np.testing.assert_allclose(forms.matrices, want, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(forms.matrices, forms.matrices.transpose(0, 2, 1))


def test_the_sign_of_the_largest_entry_is_positive():
    V = np.array([[[1.0, -3.0], [2.0, 0.0]], [[0.0, 5.0], [-4.0, 1.0]]])
    np.testing.assert_array_equal(signed(V), V * np.array([-1.0, 1.0])[:, None, None])
    np.testing.assert_array_equal(signed(V[0]), -V[0])


def test_the_third_value_is_no_less_than_zero():
    V = np.array([[[1.0], [2.0]], [[-1.0], [1.0]]])
    products = np.stack([-V, 2 * V, -1e-20 * V], axis=1)
    K = form_values(V, products)
    np.testing.assert_array_equal(K, [[-5, 10, 0], [-2, 4, 0]])
    assert K[0, 2] == K[1, 2] == 0
