import itertools
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import LiftedProblem, MemoryLimitExceeded
from lift_compare.lifting.forms.choice import FORMS
from tests.lifting import explicit
from tests.lifting.conftest import SMALL, _entrywise

TOLERANCE = 1e-11


def close(got, want):
    np.testing.assert_allclose(got, want, rtol=0, atol=TOLERANCE * np.abs(want).max())


def test_every_form_equals_the_definition_on_any_tensor(lifted):
    problem, order = lifted.problem, lifted.order
    rng = np.random.default_rng(0)
    w, direction = rng.standard_normal((2, *lifted.shape))
    symmetric = explicit.power(rng.standard_normal(problem.shape), order)
    before = w.copy(), direction.copy()
    value, gradient = lifted.value_and_gradient(w)
    close(value, explicit.value(problem, order, w))
    close(lifted.value(w), explicit.value(problem, order, w))
    close(gradient, explicit.gradient(problem, order, w))
    close(lifted.gradient(w), explicit.gradient(problem, order, w))
    for along in (direction, symmetric):
        close(lifted.hessian_product(w, along), explicit.hessian_product(problem, order, w, along))
    assert gradient.shape == lifted.shape
    np.testing.assert_array_equal((w, direction), before)


def test_every_form_equals_the_definition_on_symmetric_tensors(lifted):
    problem, order = lifted.problem, lifted.order
    rng = np.random.default_rng(1)
    w = sum(c * explicit.power(rng.standard_normal(problem.shape), order) for c in (1.0, -0.5, 0.3))
    close(lifted.value(w), explicit.value(problem, order, w))
    close(lifted.gradient(w), explicit.gradient(problem, order, w))
    symmetric = explicit.power(rng.standard_normal(problem.shape), order)
    for direction in (symmetric, rng.standard_normal(lifted.shape)):
        close(
            lifted.hessian_product(w, direction),
            explicit.hessian_product(problem, order, w, direction),
        )


def test_hessian_products_at_one_tensor_share_what_they_can(lifted):
    problem, order = lifted.problem, lifted.order
    rng = np.random.default_rng(3)
    unsymmetric = rng.standard_normal(lifted.shape)
    symmetric = sum(explicit.power(rng.standard_normal(problem.shape), order) for _ in range(3))
    for w in (symmetric, unsymmetric):
        at_w = lifted.unchecked_hessian(w)
        for direction in (symmetric, unsymmetric, -2 * symmetric, unsymmetric + symmetric):
            close(at_w(direction), explicit.hessian_product(problem, order, w, direction))


@pytest.mark.parametrize("form", ["residual", "pairs", "rank-one", "symmetric", "symmetric-pairs"])
def test_what_hessian_products_share_is_computed_once(form, monkeypatch):
    operator = sensing.RankOneOperator(np.random.default_rng(4).standard_normal((5, 3)))
    problem = sensing.SensingProblem.from_ground_truth(operator, np.ones((3, 1)))
    lifted = LiftedProblem(problem, 3, form=form)
    part, seen = FORMS[form].hessian_part, []
    monkeypatch.setattr(FORMS[form], "hessian_part", lambda *args: seen.append(1) or part(*args))
    w = lifted.lift([[1.0], [2.0], [3.0]]) + lifted.lift([[1.0], [0.0], [0.0]])
    at_w = lifted.unchecked_hessian(w)
    for direction in (w, lifted.lift(np.ones((3, 1))), -w):
        close(at_w(direction), explicit.hessian_product(problem, 3, w, direction))
    assert seen == [1]


def test_gradient_and_hessian_product_are_derivatives(lifted):
    rng = np.random.default_rng(2)
    w, direction = rng.standard_normal((2, *lifted.shape))
    step = 1e-5
    slope = (lifted.value(w + step * direction) - lifted.value(w - step * direction)) / (2 * step)
    assert slope == pytest.approx(np.vdot(lifted.gradient(w), direction), rel=1e-6)
    change = (lifted.gradient(w + step * direction) - lifted.gradient(w - step * direction)) / (
        2 * step
    )
    product = lifted.hessian_product(w, direction)
    np.testing.assert_allclose(change, product, rtol=0, atol=1e-6 * np.abs(product).max())


def test_order_one_is_the_matrix_problem(lifted):
    problem = lifted.problem
    lifted = LiftedProblem(problem, 1, form=lifted.cost.form)
    X, D = np.random.default_rng(3).standard_normal((2, *problem.shape))
    w = lifted.lift(X)
    close(w, X.ravel())
    close(lifted.value(w), problem.objective(X))
    close(lifted.gradient(w), problem.gradient(X).ravel())
    close(lifted.hessian_product(w, D.ravel()), problem.hessian_product(X, D).ravel())


def test_sums_of_rank_one_powers_follow_section_2(lifted):
    """h^l and ⟨∇h^l, vec(X_t)^{⊗l}⟩ from the numbers K and B of docs/theory.md, section 2,
    without any tensor."""
    problem, order = lifted.problem, lifted.order
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


@pytest.mark.parametrize("form", ["residual", "normal", "entrywise", "symmetric"])
def test_the_objective_vanishes_at_the_lifted_truth(form):
    problem = sensing.perturbed_completion(3)
    lifted = LiftedProblem(problem, 3, form=form)
    w = lifted.lift(problem.ground_truth)
    scale = np.sum(problem.measurements**2) ** 3
    assert 0 <= lifted.value(w) <= 1e-13 * scale
    assert np.abs(lifted.gradient(w)).max() <= 1e-13 * scale


@pytest.mark.parametrize("form", ["residual", "normal", "symmetric"])
def test_stationary_points_lift_to_stationary_points(form):
    problem = sensing.two_by_two()
    lifted = LiftedProblem(problem, 3, form=form)
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
    with pytest.raises(ValueError, match="'entrywise' does not apply to this problem: it needs"):
        LiftedProblem(problem, 3, form="entrywise")
    with pytest.raises(ValueError, match="'rank-one' does not apply"):
        LiftedProblem(problem, 3, form="rank-one")
    entry = sensing.SensingProblem(sensing.EntrywiseOperator([[1.0]]), [1.0])
    assert LiftedProblem(entry, 21, form="entrywise").cost.form == "entrywise"
    with pytest.raises(ValueError, match=r"form: 'entrywise' does not apply .*beyond order 21"):
        LiftedProblem(entry, 23, form="entrywise")
    assert LiftedProblem(entry, 23).value(1.0 + np.zeros((1,) * 23)) == 0.0
    with pytest.raises(MemoryLimitExceeded, match="order 65: w"):
        LiftedProblem(problem, 65)
    one = sensing.SensingProblem(sensing.DenseOperator(np.ones((1, 1, 1))), [1.0])
    with pytest.raises(ValueError, match="order: expected at most 63"):
        LiftedProblem(one, 65)
    with pytest.raises(ValueError, match="backend: expected one of"):
        LiftedProblem(problem, 3, backend="cupy")
    lifted = LiftedProblem(problem, 3)
    with pytest.raises(ValueError, match="w: expected an array of shape"):
        lifted.value(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="direction: expected an array of shape"):
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


@pytest.mark.parametrize("form", ["auto", "symmetric", "symmetric-pairs"])
def test_high_orders_take_a_symmetric_form_and_agree_with_section_2(form):
    """Order 11 of the 3×3 instances, 177,147 entries: sums of rank-one powers, without any
    tensor."""
    for problem in (sensing.perturbed_completion(3), sensing.real_system()):
        lifted = LiftedProblem(problem, 11, form=form)
        assert lifted.cost.form.startswith("symmetric")
        X, Y = np.random.default_rng(7).standard_normal((2, 3, 1))
        y = [problem.operator.measure(*pair) for pair in ((X, X), (X, Y), (Y, Y))]
        b = problem.measurements
        norm = sum(
            c * np.vdot(y[i], y[j]) ** 11
            for c, i, j in ((1, 0, 0), (1, 2, 2), (4, 1, 1), (2, 0, 2), (4, 0, 1), (4, 1, 2))
        )
        cross = sum(c * np.vdot(yi, b) ** 11 for c, yi in zip((1, 2, 1), y, strict=True))
        w = lifted.lift(X) + lifted.lift(Y)
        value, gradient = lifted.value_and_gradient(w)
        assert value == pytest.approx((norm - 2 * cross + np.vdot(b, b) ** 11) / 2, rel=1e-11)
        along = 2 * (
            sum(c * np.vdot(y[i], y[0]) ** 11 for c, i in ((1, 0), (2, 1), (1, 2)))
            + sum(c * np.vdot(y[i], y[1]) ** 11 for c, i in ((1, 0), (2, 1), (1, 2)))
            - np.vdot(y[0], b) ** 11
            - np.vdot(y[1], b) ** 11
        )
        assert np.vdot(gradient, lifted.lift(X)) == pytest.approx(along, rel=1e-11)


def test_symmetric_iterates_stay_symmetric():
    """The swaps are summed in another order for every entry, and A*(b) acts on one mode after the
    other: without care rounding would break the symmetry."""
    problem = sensing.perturbed_completion(5)
    lifted = LiftedProblem(problem, 3, form="entrywise")
    rng = np.random.default_rng(8)
    for _ in range(20):
        w, direction = (sum(map(lifted.lift, rng.standard_normal((2, 5, 1)))) for _ in range(2))
        _, many = lifted.values_and_gradients(np.stack([w, 0.3 * w]))
        product = lifted.hessian_product(w, direction)
        for tensor in (lifted.gradient(w), lifted.value_and_gradient(w)[1], product, *many):
            np.testing.assert_array_equal(tensor, tensor.transpose(1, 0, 2))
            np.testing.assert_array_equal(tensor, tensor.transpose(1, 2, 0))


@pytest.mark.parametrize("form", ["residual", "symmetric"])
def test_what_no_tensor_can_fit_stays_in_the_value(form):
    """At w = 0, h^l = ½ ‖b‖^{2l}, also where A is compressed to fewer measurements than b has."""
    problem, order = SMALL["noisy n=2 m=5 r=1"]
    value = LiftedProblem(problem, order, form=form).value(np.zeros((2, 2, 2)))
    assert value == pytest.approx(0.5 * np.sum(problem.measurements**2) ** order, rel=1e-14)


@pytest.mark.parametrize("order", [3, 5])
def test_the_entrywise_form_swaps_several_modes_of_two_columns(order):
    """Against the residual form: at order 5, two modes are swapped at once."""
    problem = SMALL["entrywise n=3 r=2"][0] if order == 3 else _entrywise(2, 2, seed=14)
    swaps, residual = (
        LiftedProblem(problem, order, form=form) for form in ("entrywise", "residual")
    )
    w = np.random.default_rng(9).standard_normal(swaps.shape)
    close(swaps.gradient(w), residual.gradient(w))


@pytest.mark.parametrize("rows", [1, 2])
def test_blocks_of_rows_change_no_number(monkeypatch, rows):
    problem, order = _entrywise(3, 2, seed=6), 3
    w = np.random.default_rng(10).standard_normal((6, 6, 6))
    whole = LiftedProblem(problem, order, form="entrywise").gradient(w)
    size = rows * 8 * 3**order * 2 ** (2 * order)
    monkeypatch.setattr("lift_compare.lifting.forms.entrywise.BLOCK_BYTES", size)
    close(LiftedProblem(problem, order, form="entrywise").gradient(w), whole)


@pytest.mark.parametrize("form", ["residual", "symmetric"])
@pytest.mark.parametrize("order", [1, 3])
def test_measurements_that_are_left_out_altogether_stay_in_the_value(form, order):
    """b is orthogonal to the range of A to rounding, of which some lie a digit beyond all of b."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 2, 2))
    A += A.transpose(0, 2, 1)
    basis = np.linalg.qr(A.reshape(6, 4)[:, [0, 1, 3]])[0]
    for _ in range(20):
        b = rng.standard_normal(6)
        for _ in range(2):
            b -= basis @ (basis.T @ b)
        problem = sensing.SensingProblem(sensing.DenseOperator(A), b)
        lifted = LiftedProblem(problem, order, form=form)
        half = 0.5 * (b @ b) ** order
        assert lifted.value(np.zeros((2,) * order)) == pytest.approx(half, rel=1e-14 * order)
    w = lifted.lift([[0.3], [-0.2]])
    assert lifted.value(w) == pytest.approx(explicit.value(problem, order, w), rel=1e-13)


@pytest.mark.parametrize("form", [*FORMS, "auto"])
@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("many", [2**22, 1])
def test_many_tensors_at_once_are_one_after_the_other(form, symmetric, many, monkeypatch):
    monkeypatch.setattr("lift_compare.lifting.problem._MANY_BYTES", many)
    gaussian, completion = sensing.gaussian(3, 2, 5, seed=1), sensing.perturbed_completion(3)
    noisy, _ = SMALL["noisy n=2 m=5 r=1"]  # what no tensor can fit stays in the values
    for problem in (completion, gaussian, _entrywise(2, 2, seed=14), noisy):
        if form in FORMS and FORMS[form].unfit(problem, 3) is not None:
            continue
        lifted = LiftedProblem(problem, 3, form=form)
        rng = np.random.default_rng(2)
        lifts = [lifted.lift(x) for x in rng.standard_normal((5, *problem.shape))]
        tensors = np.stack([a - 0.3 * b for a, b in itertools.pairwise(lifts)])
        if not symmetric:
            tensors[2] += rng.standard_normal(lifted.shape)
        values, gradients = lifted.values_and_gradients(tensors)
        assert values.shape == (4,)
        assert gradients.shape == tensors.shape
        for w, value, gradient in zip(tensors, values, gradients, strict=True):
            scale = float(problem.measurements @ problem.measurements) ** 3
            assert value == pytest.approx(lifted.value(w), rel=1e-12, abs=1e-13 * scale)
            want = lifted.gradient(w)
            np.testing.assert_allclose(gradient, want, rtol=0, atol=1e-12 * np.abs(want).max())


@pytest.mark.parametrize("form", ["symmetric", "symmetric-pairs"])
def test_no_value_of_many_is_below_zero(form):
    """At solutions the terms of the form over pairs cancel, and rounding may leave less."""
    for seed in range(10):
        problem = sensing.gaussian(3, 1, 9, seed=seed)
        lifted = LiftedProblem(problem, 3, form=form)
        truth = lifted.lift(problem.ground_truth)
        values, _ = lifted.values_and_gradients(np.stack([truth, truth]))
        scale = float(problem.measurements @ problem.measurements) ** 3
        assert np.all(values >= 0)
        assert np.all(values <= 1e-12 * scale)


@pytest.mark.parametrize("form", ["symmetric", "entrywise"])
def test_a_tensor_that_is_known_to_be_symmetric_or_not_is_not_looked_at(form, monkeypatch):
    lifted = LiftedProblem(sensing.perturbed_completion(3), 3, form=form)
    w = lifted.lift([[1.0], [-2.0], [0.5]])
    want = lifted.value_and_gradient(w)
    monkeypatch.delattr("lift_compare.lifting.problem.is_symmetric")
    for symmetric in (True, False):
        value, gradient = lifted.unchecked(w, symmetric=symmetric)
        assert value == pytest.approx(want[0], rel=1e-12)
        close(gradient, want[1])
    with pytest.raises(NameError):
        lifted.unchecked(w)


@pytest.mark.parametrize("form", ["residual", "normal", "pairs", "entrywise"])
def test_a_form_that_is_asked_for_by_name_is_the_only_one_that_is_built(form, monkeypatch):
    lifted = LiftedProblem(sensing.perturbed_completion(3), 3, form=form)
    monkeypatch.delattr(LiftedProblem, "_built")
    rng = np.random.default_rng(11)
    for w in (rng.standard_normal(lifted.shape), lifted.lift(rng.standard_normal((3, 1)))):
        value, gradient = lifted.value_and_gradient(w)
        assert value == lifted.value(w)
        assert np.vdot(lifted.hessian_product(w, w), gradient) != 0


def test_products_are_as_large_as_the_form_says_for_each_of_many_tensors(monkeypatch):
    """So that several threads are taken where they pay, and nowhere else."""
    lifted, seen = LiftedProblem(sensing.gaussian(3, 1, 4, seed=1), 3, form="residual"), []

    def recorded(backend, multiplications):
        seen.append((backend, multiplications))
        return nullcontext()

    monkeypatch.setattr("lift_compare.lifting.problem.threads_for", recorded)
    w = np.ones(lifted.shape)
    lifted.gradient(w)
    lifted.values_and_gradients(np.stack([w] * 4))
    largest = FORMS["residual"](lifted.problem, 3).largest_product
    assert seen == [("numpy", largest), ("numpy", 4 * largest)]


@pytest.mark.parametrize("form", ["residual", "symmetric"])
def test_a_hessian_product_is_refused_with_the_bytes_of_its_form(form):
    lifted = LiftedProblem(sensing.two_by_two(), 3, form=form)
    w = lifted.lift([[1.0], [2.0]])
    lifted.memory_limit = 1
    with pytest.raises(MemoryLimitExceeded, match="order 3: a Hessian product") as refusal:
        lifted.hessian_product(w, w)
    product = replace(lifted.cost, peak_bytes=lifted.cost.hessian_bytes, building_bytes=0)
    needed = product.total_bytes
    assert refusal.value.predicted_bytes == needed


def test_many_tensors_are_refused_by_name():
    lifted = LiftedProblem(sensing.two_by_two(), 3)
    for wrong in (np.ones((2, 2, 2)), np.ones((0, 2, 2, 2)), np.full((1, 2, 2, 2), np.nan)):
        with pytest.raises(ValueError, match=r"^tensors: expected"):
            lifted.values_and_gradients(wrong)
    with pytest.raises(OverflowError, match=r"^tensors: h\^l leaves the range of float64"):
        lifted.values_and_gradients(np.full((2, 2, 2, 2), 1e200))
