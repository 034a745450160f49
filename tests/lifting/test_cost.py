import gc
import os
import pickle
import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting import (
    LiftedProblem,
    MemoryLimitExceeded,
    least_curvature_at_point,
    predict_cost,
)
from lift_compare.lifting.cost import DEFAULT_FRACTION, LiftingCost, available_memory
from lift_compare.lifting.forms.choice import FORMS, costs_of, plan
from lift_compare.lifting.forms.rates import RATES, Rates
from lift_compare.lifting.forms.residual import compressed, compression_bytes
from lift_compare.lifting.forms.symmetric import building
from lift_compare.lifting.multisets import number


def rank_one(n, m, r):
    rng = np.random.default_rng(0)
    operator = sensing.RankOneOperator(rng.standard_normal((m, n)))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r)))


def entrywise(n, r):
    rng = np.random.default_rng(1)
    operator = sensing.EntrywiseOperator(rng.standard_normal((n, n)))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r)))


MEASURED = {
    "completion n=12 l=3": (sensing.perturbed_completion(12), 3),
    "completion n=20 l=3": (sensing.perturbed_completion(20), 3),
    "completion n=4 l=5": (sensing.perturbed_completion(4), 5),
    "completion n=3 l=7": (sensing.perturbed_completion(3), 7),
    "two-by-two l=7": (sensing.two_by_two(), 7),
    "real system l=5": (sensing.real_system(), 5),
    "gaussian n=10 m=12 l=3": (sensing.gaussian(10, 1, 12, seed=0), 3),
    "gaussian n=6 r=2 m=8 l=3": (sensing.gaussian(6, 2, 8, seed=0), 3),
    "gaussian n=4 r=3 m=30 l=3": (sensing.gaussian(4, 3, 30, seed=0), 3),
    "gaussian n=150 r=2 m=60 l=1": (sensing.gaussian(150, 2, 60, seed=0), 1),
    "gaussian n=3 m=3 l=5": (sensing.gaussian(3, 1, 3, seed=0), 5),
    "rank one n=10 m=30 l=3": (rank_one(10, 30, 1), 3),
    "rank one n=5 m=12 r=2 l=3": (rank_one(5, 12, 2), 3),
    "rank one n=4 m=5 l=5": (rank_one(4, 5, 1), 5),
    "entrywise n=6 r=2 l=3": (entrywise(6, 2), 3),
    "entrywise n=4 r=3 l=3": (entrywise(4, 3), 3),
}
PAIRS = [
    (name, form)
    for name, (problem, order) in MEASURED.items()
    for form, kind in FORMS.items()
    if kind.unfit(problem, order) is None and kind(problem, order).flops < 2e8
]


def within(factor, predicted, measured):
    """Whether the two are within a factor, beside Python's own objects in one call.

    How many bytes those take (frames, tuples, views) depends on the version, on what was called
    before, and on whether lines are counted: 2 to 6 kB here.
    """
    objects = 6000
    return (measured - objects) / factor < predicted < factor * (measured + objects)


def traced_peak(call):
    """Most bytes traced during a call, above what was held before it; the first call fills
    caches."""
    call()
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        call()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_the_predicted_peak_is_within_a_factor_of_the_traced_one(name, form):
    problem, order = MEASURED[name]
    lifted = LiftedProblem(problem, order, form=form)
    rng = np.random.default_rng(2)
    lifts = [lifted.lift(rng.standard_normal(problem.shape)) for _ in range(4)]
    w, direction = lifts[0] - 0.4 * lifts[1], lifts[2] - 0.4 * lifts[3]
    tensors = [(w, direction)]
    if not FORMS[form].symmetric_only:
        tensors.append((rng.standard_normal(lifted.shape), rng.standard_normal(lifted.shape)))
    for w, direction in tensors:
        peak = traced_peak(lambda: lifted.value_and_gradient(w))  # noqa: B023 - called at once
        assert within(1.5, lifted.cost.peak_bytes, peak)
        peak = traced_peak(lambda: lifted.hessian_product(w, direction))  # noqa: B023
        assert within(1.5, lifted.cost.hessian_bytes, peak)
        assert traced_peak(lambda: lifted.value(w)) < 1.5 * lifted.cost.peak_bytes  # noqa: B023


def kept(value):
    """The sizes of the arrays that an object keeps, by where they lie in memory."""
    if isinstance(value, np.ndarray):
        while isinstance(value.base, np.ndarray):
            value = value.base
        return {id(value): value.nbytes}
    if isinstance(value, list):
        parts = value
    else:
        parts = vars(value).values() if hasattr(value, "__dict__") else ()
    return {where: size for part in parts for where, size in kept(part).items()}


@pytest.mark.parametrize(("name", "form"), [p for p in PAIRS if MEASURED[p[0]][1] > 1])
def test_what_a_problem_keeps_is_predicted_exactly(name, form):
    """The sizes of all arrays that the built form holds, except those of the problem itself."""
    problem, order = MEASURED[name]
    lifted = LiftedProblem(problem, order, form=form)
    theirs = kept(problem)
    own = {where: size for where, size in kept(lifted._form).items() if where not in theirs}
    assert lifted.cost.stored_bytes == sum(own.values())
    assert lifted.cost.building_bytes >= lifted.cost.stored_bytes


def test_at_order_one_the_rank_one_form_keeps_nothing_of_its_own():
    problem = rank_one(5, 12, 2)
    form = LiftedProblem(problem, 1, form="rank-one")._form
    assert kept(form).keys() <= kept(problem).keys()
    assert form.stored_bytes == form.building_bytes == 0


def general(n, r, m):
    rng = np.random.default_rng(4)
    A = rng.standard_normal((m, n, n))
    operator = sensing.DenseOperator(A + A.transpose(0, 2, 1))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r)))


# Cases with one large thing that decides: what Python takes besides is a few per cent.
LARGE = {
    "residual, its residual": (general(5, 1, 15), 3, "residual"),
    "residual, its result": (general(20, 1, 2), 3, "residual"),
    "normal, its cores": (general(6, 1, 2), 3, "normal"),
    "symmetric, its terms": (general(5, 3, 10), 3, "symmetric"),
    "symmetric, its result": (general(2, 1, 1), 15, "symmetric"),
    "rank-one, one column": (rank_one(3, 40, 1), 3, "rank-one"),
    "rank-one, two columns": (rank_one(3, 24, 2), 3, "rank-one"),
    "rank-one, what it measures": (rank_one(1, 40, 1), 3, "rank-one"),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_evaluations_hold_what_is_predicted(name):
    problem, order, form = LARGE[name]
    lifted = LiftedProblem(problem, order, form=form)
    rng = np.random.default_rng(5)
    w, direction = (lifted.lift(rng.standard_normal(problem.shape)) for _ in range(2))
    form = lifted._form
    peak = traced_peak(lambda: form.value_and_gradient(w))
    assert form.gradient_bytes == pytest.approx(peak, rel=0.04)
    peak = traced_peak(lambda: form.hessian_product(form.hessian_part(w), w, direction))
    assert form.hessian_bytes == pytest.approx(peak, rel=0.04)


@pytest.mark.parametrize(
    ("problem", "order", "form"),
    [
        (general(20, 1, 400), 1, "residual"),  # more measurements than entries: compressed
        (general(20, 1, 400), 1, "symmetric"),
        (general(30, 1, 50), 1, "residual"),
        (general(30, 1, 50), 1, "symmetric"),
        (general(30, 1, 300), 1, "symmetric"),  # the A_i and their distinct entries
        (general(20, 20, 3), 1, "symmetric"),  # the triples (p, q, σ)
        (general(5, 3, 10), 3, "symmetric"),  # the terms
        (general(20, 1, 100), 1, "normal"),
        (entrywise(200, 1), 1, "entrywise"),
    ],
)
def test_building_what_is_kept_takes_at_most_what_is_predicted(problem, order, form):
    """Up to two fifths less, where the heap is said to keep some of it."""
    planned = FORMS[form](problem, order)
    peak = traced_peak(lambda: planned.prepare(np.ascontiguousarray, np.ascontiguousarray))
    assert peak / 1.05 < planned.building_bytes < 1.4 * peak


@pytest.mark.parametrize(("n", "m"), [(20, 50), (20, 210), (20, 211), (20, 300), (2, 3000)])
def test_compressing_measurements_takes_what_is_predicted(n, m):
    problem = sensing.gaussian(n, 1, m, seed=0)
    most = min(m, n * (n + 1) // 2)
    predicted = compression_bytes(problem)
    assert predicted == pytest.approx(traced_peak(lambda: compressed(problem, most, 3)), rel=0.06)


def test_the_gradient_of_completion_with_64000_entries_stays_near_the_size_of_w():
    """n = 40, l = 3: under 0.3 GB, where the normal form would need 32 GB."""
    lifted = LiftedProblem(sensing.perturbed_completion(40), 3)
    w = lifted.lift(np.random.default_rng(3).standard_normal((40, 1)))
    assert lifted.costs["normal"].peak_bytes > 32e9
    assert traced_peak(lambda: lifted.gradient(w)) < 0.01e9


def test_a_refusal_survives_the_way_to_another_process():
    refusal = MemoryLimitExceeded(20, 10, "order 3: the residual form")
    again = pickle.loads(pickle.dumps(refusal))
    assert str(again) == str(refusal)
    assert (again.predicted_bytes, again.allowed_bytes) == (20, 10)


def test_costs_are_predicted_without_building_anything():
    problem, order = sensing.gaussian(12, 1, 100, seed=0), 5
    assert traced_peak(lambda: predict_cost(problem, order)) < 10**6
    assert predict_cost(problem, order).choose(10**15).peak_bytes > 10**9
    with pytest.raises(ValueError, match="order: expected an odd"):
        predict_cost(problem, 2)


def test_costs_list_every_form_and_say_why_one_does_not_apply():
    costs = LiftedProblem(sensing.perturbed_completion(4), 3).costs
    assert [row.form for row in costs] == list(FORMS)
    assert len(costs) == len(FORMS)
    assert costs["rank-one"].reason is not None
    assert costs["entrywise"].reason is None
    assert all(row.tensor_bytes == 8 * 4**3 for row in costs)
    text = repr(costs)
    assert f"{'rank-one':<15}  does not apply: it needs an operator with A_i = a_i a_iᵀ" in text
    assert f"{costs['normal'].peak_bytes:,}" in text
    assert "does not apply" in repr(costs["rank-one"])
    assert f"peak {costs['residual'].peak_bytes:,} bytes" in repr(costs["residual"])
    with pytest.raises(KeyError):
        costs["fastest"]


def test_predicted_operations_follow_the_scaling_of_each_form():
    def flops(problem, order, form):
        return LiftedProblem(problem, order, form=form, memory_limit=10**15).costs[form].flops

    # entrywise, l = 3: n^5 (docs/theory.md, section 9); normal: n^(2 l + 2); rank-one: m^l (n + m
    # ...) for m = 2 n
    completion = {n: sensing.perturbed_completion(n) for n in (20, 40)}
    assert flops(completion[40], 3, "entrywise") / flops(
        completion[20], 3, "entrywise"
    ) == pytest.approx(32, rel=0.1)
    vectors = {n: rank_one(n, 2 * n, 1) for n in (10, 20)}
    assert flops(vectors[20], 3, "rank-one") / flops(vectors[10], 3, "rank-one") == pytest.approx(
        16, rel=0.1
    )


@pytest.mark.parametrize(
    "name", ["completion n=4 l=5", "gaussian n=6 r=2 m=8 l=3", "rank one n=4 m=5 l=5"]
)
def test_auto_takes_the_fastest_form_that_fits(name):
    problem, order = MEASURED[name]
    lifted = LiftedProblem(problem, order)
    applying = [row for row in lifted.costs if row.reason is None]
    assert lifted.cost == min(applying, key=lambda row: row.seconds)
    least = min(
        (row for row in lifted.costs if row.reason is None), key=lambda row: row.total_bytes
    )
    tight = LiftedProblem(problem, order, memory_limit=least.total_bytes)
    assert tight.cost.total_bytes == least.total_bytes
    with pytest.raises(MemoryLimitExceeded) as refusal:
        LiftedProblem(problem, order, memory_limit=least.total_bytes - 1)
    assert refusal.value.predicted_bytes == least.total_bytes
    assert refusal.value.allowed_bytes == least.total_bytes - 1
    assert all(row.total_bytes > row.stored_bytes + row.peak_bytes for row in applying)


def test_seconds_are_those_of_operations_bytes_and_calls():
    rates = Rates("none", evaluation=1.0, call=10.0, operation=100.0, cached_byte=2.0, byte=3.0)
    assert rates.seconds(operations=0, moved_bytes=0, calls=0, peak_bytes=0) == 1
    assert rates.seconds(operations=2, moved_bytes=0, calls=0, peak_bytes=0) == 201
    assert rates.seconds(operations=0, moved_bytes=5, calls=3, peak_bytes=2**20 - 1) == 41
    assert rates.seconds(operations=0, moved_bytes=5, calls=3, peak_bytes=2**20) == 46
    cost = LiftedProblem(sensing.two_by_two(), 3).cost
    assert cost.seconds == RATES.seconds(cost.flops, cost.moved_bytes, cost.calls, cost.peak_bytes)
    beside = RATES.evaluation + RATES.call * cost.calls
    assert cost.work_seconds == pytest.approx(cost.seconds - beside, rel=1e-9)


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_what_moves_is_at_least_what_is_read_and_written(name, form):
    """w, the gradient, and what the form keeps as numbers are passed once at least."""
    problem, order = MEASURED[name]
    cost = predict_cost(problem, order)[form]
    assert cost.moved_bytes >= 2 * cost.tensor_bytes
    assert cost.moved_bytes < 1000 * cost.peak_bytes
    assert 5 < cost.calls < 10_000


def test_a_hessian_product_beyond_the_limit_is_refused():
    problem = sensing.two_by_two()
    total = LiftedProblem(problem, 3, form="residual").cost.total_bytes
    lifted = LiftedProblem(problem, 3, form="residual", memory_limit=total)
    w = lifted.lift([[1.0], [2.0]])
    lifted.gradient(w)
    with pytest.raises(MemoryLimitExceeded, match="Hessian product") as refusal:
        lifted.hessian_product(w, w)
    needed = refusal.value.predicted_bytes
    just = LiftedProblem(problem, 3, form="residual", memory_limit=needed)
    np.testing.assert_allclose(
        just.hessian_product(w, w), LiftedProblem(problem, 3).hessian_product(w, w), rtol=1e-12
    )
    with pytest.raises(MemoryLimitExceeded, match="Hessian product"):
        LiftedProblem(problem, 3, form="residual", memory_limit=needed - 1).hessian_product(w, w)


def test_other_tensors_than_symmetric_ones_are_refused_where_only_the_symmetric_form_fits():
    lifted = LiftedProblem(sensing.real_system(), 9, memory_limit=10**8)
    assert lifted.cost.form.startswith("symmetric")
    w = lifted.lift([[1.0], [0.5], [-1.0]])
    assert np.isfinite(lifted.value(w))
    w[0, 1] += 1.0
    with pytest.raises(MemoryLimitExceeded):
        lifted.value(w)


def test_nothing_is_allocated_before_a_refusal():
    problem = sensing.gaussian(12, 1, 100, seed=0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        with pytest.raises(MemoryLimitExceeded):
            LiftedProblem(problem, 5, memory_limit=10**6)
        assert tracemalloc.get_traced_memory()[1] - before < 10**6
    finally:
        tracemalloc.stop()


def test_a_limit_of_exactly_its_bytes_admits_a_form():
    costs = predict_cost(sensing.two_by_two(), 3)
    least = min(row.total_bytes for row in costs if row.reason is None)
    assert costs.choose(least).total_bytes == least
    with pytest.raises(MemoryLimitExceeded):
        costs.choose(least - 1)


def test_beside_its_arrays_an_evaluation_takes_what_the_heap_keeps_and_a_part_of_an_arena():
    """A sixth of the peak, and 2^17 bytes; or what is built, where that is more."""
    row = LiftingCost("residual", 1.0, peak_bytes=6000, tensor_bytes=8, stored_bytes=500)
    assert row.total_bytes == 500 + 6000 + 1000 + 2**17
    assert replace(row, building_bytes=10**6).total_bytes == 10**6


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("entrywise", "rank-one")])
def test_pythons_objects_grow_with_the_modes_but_not_in_distinct_entries(form):
    problem, beside = sensing.two_by_two(), []
    for order in (1, 3, 5):
        planned = plan(problem, order, [form])
        row = costs_of(planned, planned, problem, order)[form]
        arrays = planned[form].gradient_bytes, planned[form].hessian_bytes
        beside.append(np.subtract((row.peak_bytes, row.hessian_bytes), arrays))
    assert np.all(beside[0] > 0)
    grown = np.diff(beside, axis=0)
    assert np.all(grown == 0) if FORMS[form].symmetric_only else np.all(grown > 0)


def test_the_default_limit_is_a_fraction_of_the_available_memory():
    available = available_memory()
    assert 10**7 < available < 10**14
    with pytest.raises(MemoryLimitExceeded) as refusal:
        LiftedProblem(sensing.gaussian(50, 1, 60, seed=0), 9)
    assert refusal.value.allowed_bytes == pytest.approx(DEFAULT_FRACTION * available, rel=0.2)


@pytest.mark.parametrize("order", [63, 65, 301, 601, 1001])
@pytest.mark.parametrize("name", MEASURED)
def test_high_orders_are_refused_without_planning(name, order, monkeypatch):
    """A path of contractions over hundreds of operands took half a minute to find."""
    problem = MEASURED[name][0]

    def never(*_args, **_more):
        raise AssertionError("no contraction is planned")

    monkeypatch.setattr("opt_einsum.contract_path", never)
    costs = predict_cost(problem, order)
    w = 8 * (problem.n * problem.rank) ** order
    assert {cost.tensor_bytes for cost in costs} == {w}
    assert all(len(line) < 120 for line in repr(costs).splitlines())
    with pytest.raises(MemoryLimitExceeded, match=f"order {order}: .* needs") as refusal:
        costs.choose(10**9)
    assert refusal.value.predicted_bytes >= w
    assert len(str(refusal.value)) < 120


ABSURD = [1003, 10**9 + 1, 99999999999999999999, 10**5000 + 1]


@pytest.mark.parametrize("order", ABSURD, ids=lambda order: f"{order.bit_length()} bits")
def test_absurd_orders_are_refused_by_name(order):
    with pytest.raises(ValueError, match=r"^order: expected a whole number of at most 1001, got"):
        predict_cost(sensing.two_by_two(), order)
    with pytest.raises(ValueError, match=r"^order: expected a whole number of at most 1001, got"):
        LiftedProblem(sensing.two_by_two(), order)


def test_operations_beyond_float64_are_counted():
    problem = rank_one(1, 10**6, 1)
    assert np.isfinite(predict_cost(problem, 61)["rank-one"].flops)


@pytest.mark.parametrize(
    ("n", "m", "r", "order"),
    [(3, 12, 1, 3), (12, 3, 1, 3), (3, 9, 1, 5), (4, 6, 2, 3), (30, 4, 3, 1), (2, 40, 2, 1)],
)
def test_the_rank_one_form_is_counted_mode_by_mode(n, m, r, order):
    """Modes go from n to m one after the other, and back; r^l comes along. For every entry of y:
    two operations for y², up to three for the residual and the value, one for residual ∘ y."""
    sizes = [m**k * n ** (order - k) * r**order for k in range(order + 1)]
    products = sum(size * m for size in sizes[:-1]) + sum(size * n for size in sizes[1:])
    form = FORMS["rank-one"](rank_one(n, m, r), order)
    assert 3 <= (form.flops - 2 * products) / (m * r) ** order <= 5
    assert form.largest_product == max(size * m for size in sizes[:-1])


@pytest.mark.parametrize(
    ("n", "m", "r", "order", "gradient", "hessian"),
    [
        # Many measurements, so that y has m^l entries that decide. Gradient: y and the residual.
        # Hessian product: 3 y² − b and ẏ, ẏ on its way back: m^{l-1} n, turned round.
        (3, 12, 1, 3, 2 * 12**3, 2 * 12**3 + 2 * 3 * 12**2),
        (3, 12, 1, 5, 2 * 12**5, 2 * 12**5 + 2 * 3 * 12**4),
        # Few, so that the result decides: y, its last mode from m n^{l-1} to n^l.
        (60, 2, 1, 3, 2**3 + 2 * 60**2 + 60**3, 2**3 + 2 * 60**2 + 60**3),
        # Columns of P(w). Gradient: y, and y turned round for the way back; Hessian product: y, the
        # residual, ẏ, ⟨y, ẏ⟩ and what it makes of y.
        (2, 40, 2, 1, (2 + 2) * 40, (2 + 1 + 2 + 1 + 2) * 40),
        (3, 40, 3, 1, (3 + 3) * 40, (3 + 1 + 3 + 1 + 3) * 40),
    ],
)
def test_what_the_rank_one_form_holds_at_its_worst_moment(n, m, r, order, gradient, hessian):
    """The numbers that live at one time, where one moment is clearly the worst; one per cent is
    for the copy of a small tensor that is turned round."""
    form = FORMS["rank-one"](rank_one(n, m, r), order)
    assert 8 * gradient <= form.gradient_bytes <= 1.01 * 8 * gradient
    assert 8 * hessian <= form.hessian_bytes <= 1.01 * 8 * hessian


@pytest.mark.parametrize(("n", "r", "m"), [(2, 1, 3), (3, 2, 5), (5, 1, 9), (4, 4, 2)])
def test_the_normal_form_at_order_one_takes_four_products(n, r, m):
    """The core on wwᵀ, or for r = 1 on w twice; that on w; and A*(b) on w."""
    form = FORMS["normal"](general(n, r, m), 1)
    core = n**4 + n * n * r + (n**3 if r == 1 else n * n * r)
    assert form.flops == 2 * (core + n * n * r)
    assert form.largest_product == n**4


def test_the_normal_form_holds_a_tensor_and_the_linear_terms_beside_it():
    """At order one with r = n, what A*(b) takes decides: the cubic term, a product, the result."""
    form = FORMS["normal"](general(40, 40, 1), 1)
    tensor = 8 * 40 * 40
    assert form.gradient_bytes == 3 * tensor
    assert form.hessian_bytes == 4 * tensor


@pytest.mark.parametrize(("n", "r", "m", "order"), [(3, 1, 6, 3), (3, 2, 2, 3), (5, 1, 9, 1)])
def test_the_residual_form_takes_its_contractions_and_a_little_for_each_residual(n, r, m, order):
    form = FORMS["residual"](general(n, r, m), order)
    products = form._measure.flops + form._adjoint.flops
    assert 3 <= (form.flops - products) / m**order <= 5


@pytest.mark.parametrize(("n", "r", "m", "order"), [(5, 3, 10, 3), (2, 1, 1, 15), (2, 2, 3, 7)])
@pytest.mark.parametrize("name", ["symmetric", "symmetric-pairs"])
def test_the_symmetric_forms_are_counted_in_distinct_entries(name, n, r, m, order):
    """For every term a product and a sum, both ways; for every product of two entries one, and two
    when it acts; a few for what is between, and for the full tensor some gathers."""
    form = FORMS[name](general(n, r, m), order)
    powers = [form._power] if name == "symmetric-pairs" else [form._measure, form._adjoint]
    terms, products = number(n * n * r, order), number(n * r, order) ** 2
    between = number(n * (n + 1) // 2, order) + number(m, order)
    entries = (n * r) ** order
    rest = form.flops - sum(power.flops for power in powers) - 4 * terms - 3 * products
    assert 2 * entries <= rest <= 8 * between + 6 * entries


@pytest.mark.parametrize(
    ("n", "m", "order", "distinct", "numbers"),
    [
        # The way back to a full tensor: at once, or from 2^17 · 3 entries to 2^19.
        (2, 1, 17, 18, 2**17),
        (2, 1, 19, 20, 3 * 2**17 + 2**19),
        # The products of two entries, and their sums by pairs.
        (3, 5, 5, 21, 21**2 + 252),
        (2, 1, 3, 4, 4**2 + 10),
        (3, 2, 3, 10, 10**2 + 56),
    ],
)
def test_what_the_symmetric_form_holds_at_its_worst_moment(n, m, order, distinct, numbers):
    """Beside the distinct entries of w."""
    form = FORMS["symmetric"](general(n, 1, m), order)
    assert form.gradient_bytes == 8 * (distinct + numbers)


@pytest.mark.parametrize(("n", "order", "distinct", "pairs"), [(9, 3, 165, 16215), (2, 5, 6, 21)])
def test_what_the_form_over_pairs_of_distinct_entries_holds(n, order, distinct, pairs):
    """Beside the distinct entries of w: G, T and two products that the value is summed from."""
    form = FORMS["symmetric-pairs"](entrywise(n, 1), order)
    assert form.gradient_bytes == 8 * (distinct + 4 * pairs)


def test_parts_that_are_built_in_turn_need_the_room_of_the_largest_one():
    """Of what a part takes while it is built, something is kept: that is counted elsewhere."""
    parts = [SimpleNamespace(building_bytes=b, stored_bytes=s) for b, s in ((100, 95), (20, 8))]
    assert building(*parts) == 12


def test_a_hessian_product_in_distinct_entries_holds_two_tensors_and_a_matrix_more():
    form, distinct = FORMS["symmetric"](general(5, 3, 10), 3), number(15, 3)
    beside = form.hessian_bytes - form.gradient_bytes - 2 * 8 * distinct - 8 * distinct**2
    assert beside == 0


@pytest.mark.parametrize(
    ("n", "r", "order"), [(2, 1, 3), (6, 1, 3), (2, 2, 5), (30, 1, 1), (3, 3, 1)]
)
def test_the_form_over_pairs_is_counted_product_by_product(n, r, order):
    """H has n(n+1)/2 · n^{2l−2} entries, each a product of two vectors of length r^l; then N acts
    on l modes, T on w, and A*(b) on every mode of w. H is doubled, and its modes are added up:
    two operations for each entry."""
    pairs, tensor = n * (n + 1) // 2, (n * r) ** order
    H = pairs * n ** (2 * order - 2)
    products = [H * r**order, pairs ** (order + 1), H * n * r**order, n * tensor]
    form = FORMS["pairs"](general(n, r, 2), order)
    assert form.largest_product == max(products)
    rest = form.flops - 2 * (products[0] + order * products[1] + products[2] + order * products[3])
    assert rest == 2 * H


@pytest.mark.parametrize(("n", "order"), [(4, 3), (8, 3)])
def test_the_form_over_pairs_holds_h_and_its_second_mode_twice(n, order):
    """The entries of H at (p, q), and at (q, p), are gathered beside it; and C and L."""
    pairs = n * (n + 1) // 2
    numbers = pairs * n ** (2 * order - 2) + 2 * pairs**2 * n ** (2 * order - 4) + 2 * n**order
    assert FORMS["pairs"](general(n, 1, 2), order).gradient_bytes == 8 * numbers


@pytest.mark.parametrize(
    ("n", "r", "order"), [(30, 1, 1), (2, 2, 7), (3, 3, 5), (4, 4, 3), (5, 5, 3)]
)
def test_the_form_over_pairs_holds_what_t_makes_of_the_modes_of_w(n, r, order):
    """It has a vector of n r^l for each pair and q₂…q_l; beside it are H or the entries of one q,
    and four tensors, or five for r > 1."""
    pairs, tensor = n * (n + 1) // 2, (n * r) ** order
    vectors, H = pairs * tensor, pairs * n ** (2 * order - 2)
    form = FORMS["pairs"](general(n, r, 2), order)
    assert 8 * vectors < form.gradient_bytes <= 8 * (vectors + max(vectors // n, H) + 5 * tensor)
    form.prepare(np.ascontiguousarray, np.ascontiguousarray)
    traced = traced_peak(lambda: form.value_and_gradient(np.ones((n * r,) * order)))
    assert form.gradient_bytes == pytest.approx(traced, rel=0.06)


@pytest.mark.parametrize(("n", "r", "order"), [(3, 1, 3), (2, 2, 3), (3, 1, 5), (4, 1, 1)])
def test_the_entrywise_form_is_counted_swap_by_swap(n, r, order):
    """For every s ≤ (l − 1)/2 there are n^s rows a, each with n^l r^{2l} summands. D acts on the
    l − s modes e, and A*(b) on every mode of w; every summand takes two to five operations."""
    form = FORMS["entrywise"](entrywise(n, r), order)
    summands = [n ** (order + s) * r ** (2 * order) for s in range((order + 1) // 2)]
    entries = (n * r) ** order
    products = sum(n * (order - s) * count for s, count in enumerate(summands))
    products += n * order * entries
    # For each half of the sets S, 2^{l−1} of them, a tensor is added to the others.
    for_each = (form.flops - 2 * products - 2 ** (order - 1) * entries) / sum(summands)
    assert for_each in (2, 3, 4, 5)
    assert form.largest_product == n * max(summands)


def small_products(n, r, order):
    """For n^{2s} r^{2s} of row, c and ranks D acts on l − s modes: on the last one at once, on one
    before in a product for each index in front of it."""
    return sum(
        n ** (2 * s) * r ** (2 * s) * n**before
        for s in range((order + 1) // 2)
        for before in range(order - s - 1)
    )


@pytest.mark.parametrize(("n", "r", "order"), [(3, 1, 3), (4, 1, 3), (3, 3, 3), (3, 1, 5)])
def test_a_small_product_is_a_tenth_of_a_call(n, r, order):
    """All else is called as often whatever n and r are, where all rows are one block."""
    form, least = (FORMS["entrywise"](entrywise(*shape), order) for shape in ((n, r), (2, 1)))
    more = small_products(n, r, order) - small_products(2, 1, order)
    assert form.calls - least.calls == pytest.approx(0.1 * more, rel=1e-12)


def test_building_the_entrywise_form_takes_three_matrices_more():
    """The squared weights, their sum with the transpose, and its half."""
    form = FORMS["entrywise"](entrywise(20, 1), 3)
    assert form.building_bytes - form.stored_bytes == 3 * 8 * 20**2


def test_a_row_of_more_than_two_megabytes_is_a_block_of_its_own():
    assert FORMS["entrywise"](entrywise(60, 1), 3).largest_product == 60 * 60**3 * 1
    assert FORMS["entrywise"](entrywise(70, 1), 3).largest_product == 70**4


def test_the_entrywise_form_holds_its_summands_twice_beside_a_few_tensors():
    """n = 20, l = 3: all 20 rows are one block, of 20⁴ summands."""
    form = FORMS["entrywise"](entrywise(20, 1), 3)
    summands, tensor = 8 * 20**4, 8 * 20**3
    assert 2 * summands + 3 * tensor < form.gradient_bytes < 2 * summands + 6 * tensor
    assert tensor <= form.hessian_bytes - form.gradient_bytes < 3 * tensor
    # n = 8: numpy's buffers for both operands of a product are larger than a copy of 8⁴ summands.
    form = FORMS["entrywise"](entrywise(8, 1), 3)
    summands, tensor = 8 * 8**4, 8 * 8**3
    assert 3 * summands + 3 * tensor < form.gradient_bytes < 3 * summands + 7 * tensor


def test_a_hessian_product_takes_at_least_what_a_gradient_takes():
    """And that at least the tensor that it returns; so for every form that applies."""
    tiny = [(sensing.perturbed_completion(2), 1), (rank_one(1, 2, 1), 1)]
    for problem, order in [*MEASURED.values(), *tiny]:
        for row in predict_cost(problem, order):
            if row.reason is None:
                assert row.hessian_bytes > row.peak_bytes > row.tensor_bytes
                assert row.building_bytes >= row.stored_bytes > 0 or row.form == "rank-one"
                sizes = row.hessian_bytes, row.peak_bytes, row.building_bytes, row.stored_bytes
                assert all(isinstance(size, int) for size in sizes)


def test_a_form_that_does_not_apply_costs_nothing():
    for name in ("entrywise", "rank-one"):
        row = predict_cost(sensing.gaussian(4, 1, 5, seed=0), 3)[name]
        assert row.reason is not None
        assert row.flops == row.peak_bytes == row.stored_bytes == 0
        assert row.hessian_bytes == row.building_bytes == 0
        assert row.moved_bytes == row.calls == row.seconds == row.work_seconds == 0


def test_where_nothing_is_planned_a_gradient_is_written_at_least():
    """w has one entry in 65 modes, so that what an evaluation takes whatever it does decides."""
    rows = [row for row in predict_cost(rank_one(1, 2, 1), 65) if row.reason is None]
    assert {row.flops for row in rows} == {row.moved_bytes for row in rows} == {8}
    at_least = RATES.evaluation + 8 * (RATES.operation + RATES.cached_byte)
    assert [row.seconds for row in rows] == pytest.approx([at_least] * len(rows), rel=1e-12)


@pytest.mark.parametrize("order", [3, 65])
def test_only_the_symmetric_forms_are_for_symmetric_tensors_only(order):
    """Also where no form is planned, as w would have too many modes."""
    costs = predict_cost(sensing.perturbed_completion(3), order)
    assert {row.form: row.symmetric_only for row in costs} == {
        form: form.startswith("symmetric") for form in FORMS
    }


@pytest.mark.parametrize("order", [13, 15, 17])
def test_a_tensor_beyond_all_addresses_has_lower_bounds_only(order):
    """w has 2^{4l} entries of 2³ bytes: of 2^63 bytes, memory can address one less."""
    costs = predict_cost(sensing.perturbed_completion(16), order)
    planned = costs["normal"].peak_bytes > 8 * 16**order
    assert costs["normal"].tensor_bytes == 2 ** (4 * order + 3)
    assert planned == (order < 15)


@pytest.mark.parametrize(
    ("files", "available"),
    [
        ({"meminfo": 4096}, 4096 * 1024),
        ({"meminfo": 4096, "memory.max": "max", "memory.current": 1024}, 4096 * 1024),
        ({"meminfo": 4096, "memory.max": 3_000_000, "memory.current": 1_000_000}, 2_000_000),
        ({"meminfo": 1024, "memory.max": 3_000_000, "memory.current": 1_000_000}, 1024 * 1024),
        ({"meminfo": 4096, "memory.max": 10**6, "memory.current": 2 * 10**6}, 0),
        ({"meminfo": 4096, "memory.max": 10**6}, 4096 * 1024),  # a group that does not tell all
        ({"memory.max": 10**6, "memory.current": 0}, None),
        ({}, None),
    ],
)
def test_the_least_that_the_system_and_its_group_leave_is_available(
    monkeypatch, tmp_path, files, available
):
    """Where the system does not tell: all memory of the machine."""
    (tmp_path / "proc").mkdir()
    group = tmp_path / "sys" / "fs" / "cgroup"
    group.mkdir(parents=True)
    for name, content in files.items():
        if name == "meminfo":
            lines = f"MemTotal: 9000 kB\nMemAvailable:   {content} kB\nMemFree: 1 kB\n"
            (tmp_path / "proc" / name).write_text(lines, encoding="ascii")
        else:
            (group / name).write_text(f"{content}\n", encoding="ascii")
    monkeypatch.setattr(
        "lift_compare.lifting.cost.Path", lambda name: tmp_path / name.removeprefix("/")
    )
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert available_memory() == (machine if available is None else available)


def test_bad_arguments_of_the_costs_are_named():
    problem = sensing.two_by_two()
    costs = predict_cost(problem, 3)
    with pytest.raises(TypeError, match="problem: expected a SensingProblem, got str"):
        predict_cost("two_by_two", 3)
    for limit in (0, -1):
        with pytest.raises(ValueError, match="memory_limit: expected"):
            costs.choose(limit)
    with pytest.raises(KeyError, match="fastest"):
        costs["fastest"]


def test_a_limit_that_no_machine_can_address_is_refused() -> None:
    problem = sensing.gaussian(3, 1, 5, 0)
    for function in (
        lambda: LiftedProblem(problem, 3, memory_limit=2**63),
        lambda: least_curvature_at_point(problem, [[1], [2], [3]], 3, memory_limit=10**400),
        lambda: predict_cost(problem, 3).choose(2**63),
    ):
        with pytest.raises(ValueError, match=r"^memory_limit: expected .* at most 922337"):
            function()
    assert LiftedProblem(problem, 3, memory_limit=2**63 - 1).shape == (3, 3, 3)
