import numpy as np
import pytest

import sensing
from lifting import LiftedProblem, MemoryLimitExceeded
from lifting.forms import FORMS
from tests.lifting import explicit

TOLERANCE = 1e-11


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())


@pytest.fixture(params=["auto", *FORMS])
def form(request):
    return request.param


def lifted_problem(problem, order, form):
    if form != "auto" and (reason := FORMS[form].unfit(problem, order)):
        pytest.skip(reason)
    return LiftedProblem(problem, order, form=form)


def test_every_form_equals_the_definition_on_any_tensor(small, form):
    problem, order = small
    lifted = lifted_problem(problem, order, form)
    rng = np.random.default_rng(0)
    w, direction = rng.standard_normal((2, *lifted.shape))
    before = w.copy(), direction.copy()
    value, gradient = lifted.value_and_gradient(w)
    close(value, explicit.value(problem, order, w))
    close(lifted.value(w), explicit.value(problem, order, w))
    close(gradient, explicit.gradient(problem, order, w))
    close(lifted.gradient(w), explicit.gradient(problem, order, w))
    close(lifted.hessian_product(w, direction), explicit.hessian_product(problem, order, w, direction))
    assert gradient.shape == lifted.shape
    np.testing.assert_array_equal((w, direction), before)


def test_every_form_equals_the_definition_on_symmetric_tensors(small, form):
    problem, order = small
    lifted = lifted_problem(problem, order, form)
    rng = np.random.default_rng(1)
    w = sum(c * explicit.power(rng.standard_normal(problem.shape), order) for c in (1.0, -0.5, 0.3))
    close(lifted.value(w), explicit.value(problem, order, w))
    close(lifted.gradient(w), explicit.gradient(problem, order, w))
    symmetric = explicit.power(rng.standard_normal(problem.shape), order)
    for direction in (symmetric, rng.standard_normal(lifted.shape)):
        close(lifted.hessian_product(w, direction), explicit.hessian_product(problem, order, w, direction))


def test_gradient_and_hessian_product_are_derivatives(small, form):
    problem, order = small
    lifted = lifted_problem(problem, order, form)
    rng = np.random.default_rng(2)
    w, direction = rng.standard_normal((2, *lifted.shape))
    step = 1e-5
    slope = (lifted.value(w + step * direction) - lifted.value(w - step * direction)) / (2 * step)
    assert slope == pytest.approx(np.vdot(lifted.gradient(w), direction), rel=1e-6)
    change = (lifted.gradient(w + step * direction) - lifted.gradient(w - step * direction)) / (2 * step)
    product = lifted.hessian_product(w, direction)
    np.testing.assert_allclose(change, product, rtol=0, atol=1e-6 * np.abs(product).max())


def test_order_one_is_the_matrix_problem(small, form):
    problem, _ = small
    lifted = lifted_problem(problem, 1, form)
    X, D = np.random.default_rng(3).standard_normal((2, *problem.shape))
    w = lifted.lift(X)
    close(w, X.ravel())
    close(lifted.value(w), problem.objective(X))
    close(lifted.gradient(w), problem.gradient(X).ravel())
    close(lifted.hessian_product(w, D.ravel()), problem.hessian_product(X, D).ravel())


def test_sums_of_rank_one_powers_follow_section_2(small, form):
    """h^l and ⟨∇h^l, vec(X_t)^{⊗l}⟩ from the numbers K and B of docs/theory.md, section 2, without any tensor."""
    problem, order = small
    lifted = lifted_problem(problem, order, form)
    rng = np.random.default_rng(4)
    X, c = rng.standard_normal((3, *problem.shape)), rng.standard_normal(3)
    y = problem.operator.measure(X[:, None], X[None, :])
    K = np.einsum("jki,pqi->jkpq", y, y) ** order
    B = (y @ problem.measurements) ** order
    value = (
        np.einsum("j,k,p,q,jkpq", c, c, c, c, K)
        - 2 * np.einsum("j,k,jk", c, c, B)
        + np.sum(problem.measurements**2) ** order
    ) / 2
    slopes = 2 * (np.einsum("j,k,p,jkpt->t", c, c, c, K) - np.einsum("p,pt->t", c, B))

    powers = [lifted.lift(x) for x in X]
    w = sum(cj * power for cj, power in zip(c, powers, strict=True))
    got, gradient = lifted.value_and_gradient(w)
    assert got == pytest.approx(value, rel=1e-10)
    close([np.vdot(gradient, power) for power in powers], slopes)


def test_lift_is_the_outer_power(small):
    problem, order = small
    X = np.random.default_rng(5).standard_normal(problem.shape)
    w = LiftedProblem(problem, order).lift(X)
    assert w.shape == (problem.n * problem.rank,) * order
    close(w, explicit.power(X, order))


def test_the_objective_vanishes_at_the_lifted_truth(form):
    problem = sensing.perturbed_completion(3)
    lifted = lifted_problem(problem, 3, form)
    w = lifted.lift(problem.ground_truth)
    scale = np.sum(problem.measurements**2) ** 3
    assert 0 <= lifted.value(w) <= 1e-13 * scale
    assert np.abs(lifted.gradient(w)).max() <= 1e-13 * scale


def test_stationary_points_lift_to_stationary_points(form):
    problem = sensing.two_by_two()
    lifted = lifted_problem(problem, 3, form)
    assert np.abs(lifted.gradient(lifted.lift([[0.0], [0.5**0.5]]))).max() < 1e-14


def test_tensors_of_any_layout_and_number_type_are_accepted():
    lifted = LiftedProblem(sensing.two_by_two(), 3)
    w = np.random.default_rng(6).standard_normal((2, 2, 2))
    for same in (np.asfortranarray(w), w[::-1][::-1], w.tolist()):
        assert lifted.value(same) == lifted.value(w)
    whole = np.ones((2, 2, 2), dtype=int)
    assert lifted.value(whole) == lifted.value(whole.astype(float))


@pytest.mark.parametrize("order", [0, 2, -1, 1.5, "3", True])
def test_orders_that_are_not_odd_and_positive_are_refused(order):
    with pytest.raises((TypeError, ValueError), match="order"):
        LiftedProblem(sensing.two_by_two(), order)


def test_bad_arguments_are_named():
    problem = sensing.two_by_two()
    with pytest.raises(TypeError, match="problem: expected a SensingProblem"):
        LiftedProblem(problem.operator, 3)
    with pytest.raises(ValueError, match="form: expected"):
        LiftedProblem(problem, 3, form="fastest")
    with pytest.raises(ValueError, match="memory_limit"):
        LiftedProblem(problem, 3, memory_limit=0)
    lifted = LiftedProblem(problem, 3)
    with pytest.raises(ValueError, match="w: expected a tensor of shape"):
        lifted.value(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="direction: expected a tensor of shape"):
        lifted.hessian_product(np.zeros((2, 2, 2)), np.zeros(8))
    with pytest.raises(ValueError, match="X: expected"):
        lifted.lift(np.zeros((3, 1)))
    with pytest.raises(TypeError, match="w: expected"):
        lifted.value(np.zeros((2, 2, 2), dtype=complex))


def test_what_does_not_fit_is_refused_before_it_is_allocated():
    problem = sensing.gaussian(20, 1, 200, seed=0)
    with pytest.raises(MemoryLimitExceeded) as refusal:
        LiftedProblem(problem, 9)
    assert isinstance(refusal.value, MemoryError)
    assert refusal.value.predicted_bytes > refusal.value.allowed_bytes > 0
    assert f"{refusal.value.predicted_bytes:,}" in str(refusal.value)


def test_the_limit_is_the_stored_and_the_peak_bytes(small):
    problem, order = small
    total = LiftedProblem(problem, order).cost.total_bytes
    assert LiftedProblem(problem, order, memory_limit=total).cost.total_bytes == total
    with pytest.raises(MemoryLimitExceeded):
        LiftedProblem(
            problem,
            order,
            memory_limit=min(
                LiftedProblem(problem, order, form=f).cost.total_bytes
                for f in FORMS
                if not FORMS[f].unfit(problem, order)
            )
            - 1,
        )
