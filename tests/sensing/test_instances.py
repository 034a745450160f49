"""The instances against their definitions and the published data."""

import dataclasses
import inspect
import os
from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.instances.registry import parse_instances
from lift_compare.sensing.rip import rip_bracket
from tests.catalogue import PUBLISHED, PUBLISHED_NUMBERS


def test_real_system_has_the_published_matrices() -> None:
    published = PUBLISHED_NUMBERS["instances"]["real_system"]
    problem = sensing.real_system()
    np.testing.assert_array_equal(problem.operator.matrices(), published["matrices"])
    np.testing.assert_array_equal(problem.ground_truth[:, 0], published["ground_truth"])


def test_perturbed_completion_entry_by_entry() -> None:
    problem = sensing.perturbed_completion(5, 0.15)
    A = problem.operator.matrices().reshape(5, 5, 5, 5)
    for i in range(5):
        for j in range(5):
            expected = np.zeros((5, 5))
            weight = 1 if i == j or i % 2 or j % 2 else 0.15
            expected[i, j] += weight / 2
            expected[j, i] += weight / 2
            np.testing.assert_array_equal(A[i, j], expected)
    np.testing.assert_array_equal(problem.ground_truth[:, 0], [1, 0, 1, 0, 1])
    assert (problem.n, problem.m, problem.rank) == (5, 25, 1)


def test_gaussian_is_an_isometry_on_average_and_seeded() -> None:
    first, again, other = (sensing.gaussian(4, 2, 4000, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(first.measurements, again.measurements)
    assert not np.array_equal(first.measurements, other.measurements)
    M = np.random.default_rng(0).standard_normal((4, 2))
    quotient = np.sum(first.operator.measure(M, M) ** 2) / np.linalg.norm(M @ M.T) ** 2
    assert quotient == pytest.approx(1, abs=0.15)  # standard deviation √(2/4000) = 0.02


def test_quadratic_network_is_half_the_mean_squared_error() -> None:
    rng = np.random.default_rng(1)
    x, y, U = rng.standard_normal((12, 4)), rng.random(12), rng.standard_normal((4, 2))
    loss = np.mean((np.sum((x @ U) ** 2, axis=1) - y) ** 2)
    assert sensing.quadratic_network(x, y, 2).objective(U) == pytest.approx(loss / 2, rel=1e-12)


def test_ground_truths_are_minima() -> None:
    for problem in (sensing.two_by_two(), sensing.real_system(), sensing.gaussian(5, 2, 9, 3)):
        assert problem.objective(problem.ground_truth) < 1e-28
        assert np.linalg.norm(problem.gradient(problem.ground_truth)) < 1e-14


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sensing.perturbed_completion(1), "n: expected a whole number of at least 2"),
        (lambda: sensing.perturbed_completion(3, -0.1), "epsilon: expected a finite number > 0"),
        (lambda: sensing.perturbed_completion(3, float("nan")), "epsilon"),
        (lambda: sensing.gaussian(2, 3, 4, 0), "rank: expected at most n = 2"),
        (lambda: sensing.quadratic_network(np.ones((3, 2)), np.ones(4), 1), "targets"),
    ],
)
def test_bad_settings_are_refused(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_words_for_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="epsilon"):
        sensing.perturbed_completion(3, "0.1")
    with pytest.raises(TypeError, match="epsilon"):
        sensing.perturbed_completion(3, [0.1])


def test_the_published_point_of_the_two_by_two_example_is_a_degenerate_saddle() -> None:
    problem = sensing.two_by_two()
    X = np.array([[0.0], [np.sqrt(0.5)]])
    np.testing.assert_allclose(problem.gradient(X), 0, atol=1e-15)
    hessian = np.array([problem.hessian_product(X, e[:, None])[:, 0] for e in np.eye(2)])
    np.testing.assert_allclose(hessian, [[0, 0], [0, 2]], atol=1e-15)
    for t in (1e-3, 0.01, 0.1, 0.3):
        on_the_curve = np.array([[t], [np.sqrt(0.5 - 2 * t**2)]])
        np.testing.assert_allclose(problem.objective(on_the_curve), 3 / 8 - 1.5 * t**4, rtol=1e-14)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("two-by-two", "two-by-two"),
        ("completion:n=4,epsilon=0.3", "completion-n-4-epsilon-0-3"),
        ("my_data.v2", "my-data-v2"),
        ("ä b", "b"),
        ("3x3", "instance-3x3"),
        ("…", "instance"),
    ],
)
def test_the_label_of_an_instance_does_for_files_and_ids(name: str, label: str) -> None:
    assert sensing.Instance(name, sensing.two_by_two()).label == label


@pytest.mark.parametrize("text", ["gaussian:n=5,m=6,n=7", "gaussian:n=5,,m=6", "gaussian:n"])
def test_a_malformed_list_of_parameters_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^instance: "):
        sensing.parse_instance(text)


def test_random_instances_take_no_other_instances_settings() -> None:
    names = ["gaussian:n=4,m=5", "rank-one:n=4,m=5", "completion:n=4", "sparse-completion:n=4"]
    assert [sensing.parse_instance(name).settings for name in names] == [None] * 4


@pytest.mark.parametrize("name", ["gaussian", "rank-one"])
def test_sizes_that_no_machine_holds_are_refused_at_once(name: str) -> None:
    with pytest.raises(MemoryError, match="an array of shape"):
        sensing.instance(name, n=10**30, m=10**30)


def test_a_start_underflows_without_a_signal_and_overflows_by_name():
    """Whatever numpy's signals are set to: found by random calls."""
    with np.errstate(all="raise"):
        tiny = sensing.DescentSettings(np.zeros((3, 1)), 5e-324, 0, 0.1, 0, 0)
        assert np.isfinite(tiny.start()).all()
        huge = sensing.DescentSettings(np.full((3, 1), 1.7e308), 1.7e308, 0, 0.1, 0, 0)
        with pytest.raises(OverflowError, match="start"):
            huge.start()


def test_a_point_that_newton_steps_take_to_zero_is_refused_as_given():
    """Near zero, X = 0 is the stationary point: the refusal names ‖X‖, not X = 0."""
    problem = sensing.perturbed_completion(3)
    instance = sensing.Instance("near zero", problem, 1e-100 * problem.ground_truth)
    with pytest.raises(ValueError, match=r"Newton steps lead to X = 0 \(‖X‖ = 1.4e-100\)"):
        instance.stationary_point()


# Published settings and facts ---------------------------------------------------------------------


SECTION_8 = {
    # l, ρ, η, T; step of the descent, iterations before and after, centre, spread, seed
    "two-by-two": (3, 0.1, 0.01, 660, 0.01, 300, 200, [0, 0.5**0.5], 0.06, 327),
    "perturbed-completion": (11, 0.3, 0.01, 59000, 0.001, 6000, 1500, [0, 0, 0], 0.01, 10086),
    "real-system": (5, 0.1, 0.1, 150000, 0.1, 100, 100, [0.2234, 0.0918, 0.5985], 1.0, 0),
}
"""The table of docs/theory.md, section 8."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_settings_are_the_published_ones(name: str) -> None:
    order, rho, eta, steps, step_size, before, after, centre, spread, seed = SECTION_8[name]
    instance = sensing.instance(name)
    assert instance.settings == sensing.LiftSettings(order, rho, eta, steps)
    descent = instance.descent
    assert (descent.step_size, descent.before, descent.after) == (step_size, before, after)
    normal = np.random.default_rng(seed).standard_normal(len(centre))
    np.testing.assert_array_equal(descent.start()[:, 0], centre + spread * normal)
    np.testing.assert_allclose(descent.centre[:, 0], centre, rtol=1e-15)
    if name == "perturbed-completion":
        assert instance.known_point is None
    else:
        np.testing.assert_array_equal(instance.known_point, descent.centre)
    assert instance.name == name
    assert "arXiv 2602.05887" in instance.source


@pytest.mark.parametrize("name", ["two-by-two", "perturbed-completion", "real-system"])
def test_the_facts_are_facts(name: str) -> None:
    """Each is computed from the explicit matrices (docs/theory.md, sections 1, 3 and 5)."""
    instance = sensing.instance(name)
    problem, facts = instance.problem, instance.facts
    exact = PUBLISHED_NUMBERS["perturbed_completion_3"]["recomputed"]["exact_stationary_point"]
    point = instance.known_point if instance.known_point is not None else np.array([exact]).T
    X, A = sensing.polish(problem, point), problem.operator.matrices()
    b = problem.measurements
    measured = np.einsum("iab,ac,bc->i", A, X, X)
    values, vectors = np.linalg.eigh(np.einsum("i,iab->ab", measured - b, A))
    V = vectors[:, :1]  # u_n q_rᵀ but for the sign, which no form below sees
    along = np.einsum("iab,ac,bc->i", A, V, V)
    mixed = np.einsum("iab,ac,bc->i", A, X, V)
    K1, K2, K3 = along @ measured, along @ b, mixed @ mixed
    k1, k3 = K1 / K2, K3 / K2  # K2 > 0
    found = [order for order in range(1, 1002, 2) if k1**order + 2 * k3**order < 1]
    assert facts["saddle_order"] == (found[0] if found else None)
    if "objective" in facts:
        assert facts["objective"] == pytest.approx(np.sum((measured - b) ** 2) / 2, rel=1e-14)
    if "eigenvalue" in facts:
        assert facts["eigenvalue"] == pytest.approx(values[0], rel=1e-14)
    if "rip_constant" in facts:
        bracket = rip_bracket(problem.operator, 2, seed=0)
        assert bracket.lower == pytest.approx(facts["rip_constant"], rel=1e-6)
        assert bracket.upper == pytest.approx(facts["rip_constant"], rel=1e-14)
    known = {"saddle_order", "oracle_order", "kind"}  # all of them: test_catalogue.py
    if name != "real-system":
        known |= {"objective", "eigenvalue", "rip_constant"}
    assert set(facts) == known


@pytest.mark.parametrize("text", ["n=5", "n=3,epsilon=0.2", "n=4,epsilon=0.5"])
def test_other_sizes_of_perturbed_completion_have_only_the_facts_of_their_own(text: str) -> None:
    instance = sensing.parse_instance(f"perturbed-completion:{text}")
    n, epsilon = instance.problem.n, instance.problem.operator.weights.min()
    assert instance.name == f"perturbed-completion:n={n},epsilon={epsilon:g}"
    assert set(instance.facts) == {"rip_constant"}
    bracket = rip_bracket(instance.problem.operator, n, seed=0)
    assert instance.facts["rip_constant"] == pytest.approx(bracket.upper, rel=1e-14)
    published = sensing.instance("perturbed-completion")
    assert instance.settings == published.settings
    assert instance.descent.centre.shape == (n, 1)
    same = ("spread", "seed", "step_size", "before", "after")
    assert [getattr(instance.descent, key) for key in same] == [
        getattr(published.descent, key) for key in same
    ]


@pytest.mark.parametrize(("n", "epsilon"), [(1, 0.3), (3, 0.0), (3, -0.3)])
def test_perturbed_completion_out_of_range_is_refused_by_name(n: int, epsilon: float) -> None:
    name = "n" if n == 1 else "epsilon"
    with pytest.raises(ValueError, match=rf"^{name}: expected"):
        sensing.instance("perturbed-completion", n=n, epsilon=epsilon)
    assert sensing.instance("perturbed-completion", n=2, epsilon=0.3).problem.n == 2


# Random families ----------------------------------------------------------------------------------


FAMILIES = {
    "gaussian": {"n": 6, "m": 9, "rank": 2, "seed": 3},
    "rank-one": {"n": 6, "m": 9, "rank": 2, "seed": 3},
    "completion": {"n": 6, "epsilon": 0.2, "rank": 2, "seed": 3},
    "sparse-completion": {"n": 30, "rank": 2, "seed": 3},
}


def _numbers(instance: sensing.Instance) -> np.ndarray:
    """Return everything random about an instance in a row."""
    problem = instance.problem
    start = instance.descent.start().ravel() if instance.descent else []
    parts = (problem.ground_truth.ravel(), problem.measurements, start)
    return np.concatenate([*parts, problem.operator.matrices().ravel()])


@pytest.mark.parametrize("family", FAMILIES)
def test_a_random_instance_is_what_its_parameters_say(family: str) -> None:
    given = FAMILIES[family]
    instance = sensing.instance(family, **given)
    problem = instance.problem
    assert problem.shape == (given["n"], 2)
    assert problem.ground_truth.shape == (given["n"], 2)
    if "m" in given:
        assert problem.m == given["m"]
    if family == "completion":
        same = sensing.perturbed_completion(given["n"], given["epsilon"]).operator
        np.testing.assert_array_equal(problem.operator.weights, same.weights)
    assert instance.name == f"{family}:" + ",".join(
        f"{key}={given[key]}" for key in ("n", "m", "epsilon", "rank", "seed") if key in given
    )
    np.testing.assert_array_equal(
        _numbers(sensing.parse_instance(instance.name)), _numbers(instance)
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_the_seed_decides_every_number(family: str) -> None:
    given = FAMILIES[family]
    first, again = (sensing.instance(family, **given) for _ in range(2))
    np.testing.assert_array_equal(_numbers(first), _numbers(again))
    other = sensing.instance(family, **{**given, "seed": 4})
    assert not np.any(first.problem.ground_truth == other.problem.ground_truth)
    if family != "completion":  # whose operator is not random
        Z = first.problem.ground_truth
        here, there = (each.problem.operator.measure(Z, Z)[:9] for each in (first, other))
        assert not np.any(here == there)
    if first.descent:
        assert not np.any(first.descent.start() == other.descent.start())


@pytest.mark.parametrize("family", FAMILIES)
def test_defaults_are_rank_one_seed_zero_and_the_published_epsilon(family: str) -> None:
    needed = {key: FAMILIES[family][key] for key in ("n", "m") if key in FAMILIES[family]}
    defaults = {"rank": 1, "seed": 0}
    if family == "completion":
        defaults["epsilon"] = 0.3
    (entry,) = (entry for entry in sensing.catalogue() if entry.name == family)
    assert entry.parameters == {**dict.fromkeys(needed, inspect.Parameter.empty), **defaults}
    short, full = sensing.instance(family, **needed), sensing.instance(family, **needed, **defaults)
    assert short.name == full.name
    np.testing.assert_array_equal(_numbers(short), _numbers(full))


@pytest.mark.parametrize("family", FAMILIES)
def test_the_ground_truth_has_squared_length_r_on_average(family: str) -> None:
    """Entries N(0, 1/n): ‖Z‖² has mean r and standard deviation √(2 r / n)."""
    given = {key: 1 for key in ("m",) if key in FAMILIES[family]}
    Z = sensing.instance(family, n=300, rank=3, seed=1, **given).problem.ground_truth
    assert np.sum(Z**2) == pytest.approx(3, abs=5 * np.sqrt(2 * 3 / 300))
    assert np.sum(Z**2, axis=0) == pytest.approx(np.ones(3), abs=5 * np.sqrt(2 / 300))


def test_the_operator_of_the_rank_one_family_has_a_known_mean() -> None:
    """With a_i = g_i / m^{1/4}, E‖A(M)‖² = E(gᵀMg)² = 2 ‖M‖² + tr(M)²."""
    operator = sensing.instance("rank-one", n=3, m=20_000, seed=2).problem.operator
    for L, R, mean, fourth in (
        ([1, 0, 0], [1, 0, 0], 3, 105),  # M = e₁ e₁ᵀ: E g⁴ and E g⁸
        ([1, 0, 0], [0, 1, 0], 1, 9),  # M = (e₁ e₂ᵀ + e₂ e₁ᵀ)/2: E (g h)² and E (g h)⁴
    ):
        y = operator.measure(np.array(L)[:, None], np.array(R)[:, None])
        deviation = np.sqrt((fourth - mean**2) / operator.m)
        assert np.sum(y**2) == pytest.approx(mean, abs=5 * deviation)


def test_sparse_completion_observes_ten_entries_a_row_with_weights_from_a_half_to_one() -> None:
    n = 2000
    weights = sensing.instance("sparse-completion", n=n, seed=5).problem.operator.weights
    assert weights.shape == (n, n)
    # Ten draws a row; those that meet, 45 in n on average, are summed.
    rows = np.diff(weights.indptr)
    assert rows.max() == 10
    assert 10 * n - weights.nnz < 45 + 5 * np.sqrt(45)
    assert weights.data.min() >= 0.5
    single = weights.data[weights.data <= 1]
    assert weights.nnz - len(single) <= 10 * n - weights.nnz
    assert len(np.unique(single)) == len(single)
    # U(½, 1): mean ¾, standard deviation 1/√48.
    assert weights.data.sum() == pytest.approx(7.5 * n, abs=5 * np.sqrt(10 * n / 48))
    assert [single.min(), single.max()] == pytest.approx([0.5, 1.0], abs=0.5 * 20 / (10 * n))
    # Columns are drawn uniformly: n times 10 on average, Poisson.
    columns = np.bincount(weights.indices, minlength=n)
    assert columns.max() < 10 + 7 * np.sqrt(10)
    assert np.var(columns) == pytest.approx(10, rel=5 * np.sqrt(2 / n))


def test_sparse_completion_of_few_rows_is_square() -> None:
    """Whether or not its last column is observed."""
    problems = [sensing.instance("sparse-completion", n=2, seed=k).problem for k in range(60)]
    assert {problem.operator.weights.shape for problem in problems} == {(2, 2)}
    assert min(problem.operator.weights.indices.max() for problem in problems) == 0
    assert sensing.instance("sparse-completion", n=1).problem.m == 1


def test_the_start_of_a_gaussian_descent_is_independent_of_its_matrices() -> None:
    instance = sensing.instance("gaussian", n=4, m=4, seed=6)
    draw = instance.descent.start() / instance.descent.spread
    same_stream = np.random.default_rng(6).standard_normal(200)
    assert not np.any(np.isclose(same_stream[:, None], draw.ravel(), rtol=1e-12, atol=0))


def test_a_gaussian_descent_comes_to_a_stationary_point() -> None:
    instance = sensing.instance("gaussian", n=4, m=20)
    assert sensing.relative_gradient_norm(instance.problem, instance.point) < 1e-8


def test_a_descent_that_ends_on_a_plateau_goes_on() -> None:
    instance = sensing.instance("gaussian", n=3, m=5, seed=1)
    problem, X = instance.problem, instance.point
    with pytest.raises(ValueError, match="X: expected a point near a stationary one"):
        sensing.polish(problem, X)
    onward = sensing.gradient_descent(problem, X, step_size=0.05, max_iterations=40_000).point
    np.testing.assert_allclose(instance.stationary_point(), onward, rtol=0, atol=1e-10)


class Waiting:
    """A rule whose first step leads from 2 to 1 on the first axis; the others are as given."""

    def __init__(self, then: float) -> None:
        self.asked_at, self.then = [], then

    def step(self, objective, X, value, gradient, last) -> float:
        self.asked_at.append(float(X[0, 0]))
        return 0.25 if len(self.asked_at) == 1 else self.then


def on_a_plateau(then: float) -> tuple[sensing.Instance, Waiting]:
    """Return h = ½ (x² + y² − 3)² + ½ (z² + 1)²: at (1, 0, 0) ∇²h ∇h = 0, no Newton step leads on.

    z² = −1 is met by none, so the first descent from a random start ends the search of another.
    """
    A = [np.diag([1.0, 1.0, 0.0]), np.diag([0.0, 0.0, 1.0])]
    problem = sensing.SensingProblem(sensing.DenseOperator(A), [3.0, -1.0])
    rule = Waiting(then)
    descent = _descent(centre=[[2.0], [0.0], [0.0]], spread=0.0, step_size=rule, before=1)
    return sensing.Instance("mine", problem, descent=descent), rule


def test_a_descent_goes_on_from_its_end_for_twenty_times_its_steps() -> None:
    instance, rule = on_a_plateau(0.05)
    np.testing.assert_array_equal(instance.point, [[1.0], [0.0], [0.0]])
    expected = [[np.sqrt(3)], [0.0], [0.0]]
    np.testing.assert_allclose(instance.stationary_point(), expected, rtol=1e-14)
    assert rule.asked_at[:3] == [2.0, 1.0, 1.2]  # the first of ∇h is −4 at 1
    assert len(rule.asked_at) == 1 + 20


def test_where_a_descent_stays_on_a_plateau_the_seed_decides_where_others_start() -> None:
    points = []
    for chosen in ({}, {"seed": 0}, {"seed": 4}):
        instance, rule = on_a_plateau(1e-20)  # 1 + 4e-20 = 1
        points.append(instance.stationary_point(**chosen))
        assert rule.asked_at == [2.0, *[1.0] * 20]
        np.testing.assert_array_equal(
            points[-1], sensing.spurious_point(instance.problem, **chosen)
        )
    np.testing.assert_array_equal(points[0], points[1])
    assert not np.array_equal(points[1], points[2])


def test_a_point_that_was_given_is_left_to_no_descent() -> None:
    instance, rule = on_a_plateau(0.05)
    given = dataclasses.replace(instance, known_point=[[1.0], [0.0], [0.0]])
    with pytest.raises(
        ValueError, match=r"^X: .*; without X, descents from random starts look for a point$"
    ):
        given.stationary_point()
    assert rule.asked_at == []


def test_a_descent_runs_from_its_start_or_on_from_another_point() -> None:
    problem, settings = sensing.two_by_two(), _descent(spread=0.5, before=3)
    other = np.array([[0.9], [0.1]])
    for given, start, steps in (
        ({}, settings.start(), 3),
        ({"start": other}, other, 3),
        ({"start": other, "iterations": 5}, other, 5),
        ({"iterations": 0}, settings.start(), 0),
    ):
        X = start
        for _ in range(steps):
            X = X - 0.1 * problem.gradient(X)
        run = settings.run(problem, **given)
        assert run.iterations == steps
        np.testing.assert_allclose(run.point, X, rtol=1e-13)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("key", "value"), [("n", 0), ("m", 0), ("rank", 0), ("rank", 31),
                                            ("seed", -1), ("epsilon", 0.0)])  # fmt: skip
def test_parameters_out_of_range_are_refused_by_name(family: str, key: str, value: float) -> None:
    if key in FAMILIES[family]:
        with pytest.raises(ValueError, match=rf"^{key}: expected"):
            sensing.instance(family, **{**FAMILIES[family], key: value})


@pytest.mark.parametrize("family", FAMILIES)
def test_the_largest_rank_is_n(family: str) -> None:
    problem = sensing.instance(
        family, **{**FAMILIES[family], "rank": FAMILIES[family]["n"]}
    ).problem
    assert problem.rank == problem.n


def test_what_is_larger_than_the_memory_is_refused_and_no_more(monkeypatch) -> None:
    monkeypatch.setattr(os, "sysconf", lambda name: 1000)  # a memory of 1 MB, 125,000 numbers
    for fits, beyond in (
        ({"name": "gaussian", "n": 50, "m": 50}, {"name": "gaussian", "n": 50, "m": 51}),
        ({"name": "rank-one", "n": 250, "m": 500}, {"name": "rank-one", "n": 250, "m": 501}),
        ({"name": "completion", "n": 353}, {"name": "completion", "n": 354}),
        (
            {"name": "sparse-completion", "n": 12_500},
            {"name": "sparse-completion", "n": 12_501},
        ),
    ):
        sensing.instance(**fits)
        with pytest.raises(MemoryError, match=r"an array of shape .* of this machine, 1 MB"):
            sensing.instance(**beyond)


def test_a_network_may_be_as_wide_as_its_features_and_no_wider() -> None:
    x, y = np.ones((4, 3)), np.ones(4)
    assert sensing.quadratic_network(x, y, 3).rank == 3
    with pytest.raises(ValueError, match="width: expected at most d = 3, got 4"):
        sensing.quadratic_network(x, y, 4)


# The catalogue and its texts ----------------------------------------------------------------------


def test_the_catalogue_lists_names_parameters_and_what_each_is() -> None:
    entries = {entry.name: entry for entry in sensing.catalogue()}
    assert list(entries)[:3] == list(PUBLISHED)
    assert list(entries)[-len(FAMILIES) :] == list(FAMILIES)
    assert entries["real-system"].parameters == {}
    assert repr(entries["real-system"]) == "real-system  published; dense A_i, n = 3, m = 6"
    assert repr(entries["sparse-completion"]) == (
        "sparse-completion:n,rank=1,seed=0  about ten observed entries a row, stored sparse"
    )


def test_a_text_is_a_name_with_numbers_or_a_file(tmp_path, monkeypatch) -> None:
    same = sensing.instance("completion", n=4, epsilon=0.25, seed=2)
    parsed = sensing.parse_instance("completion: n = 4, epsilon=0.25 ,seed=2")
    assert parsed.name == same.name
    np.testing.assert_array_equal(_numbers(parsed), _numbers(same))
    monkeypatch.chdir(tmp_path)
    for file in ("mine.npz", "two-by-two.npz"):
        sensing.save_instance(file, same)
        assert sensing.parse_instance(file).problem.n == 4
        assert sensing.parse_instance(Path(file)).problem.n == 4
    for plain in ("mine", "two-by-two"):
        Path(f"{plain}.npz").rename(plain)
    assert sensing.parse_instance("mine").problem.n == 4, "a file needs no suffix"
    assert sensing.parse_instance("two-by-two").problem.n == 2, "a file hides no instance"
    assert sensing.parse_instance("./two-by-two").problem.n == 4


def test_the_matrices_of_a_file_are_symmetrised_where_its_text_says_so(tmp_path) -> None:
    np.savez(tmp_path / "x.npz", A=[[[1.0, 2.0], [0.0, 3.0]]], b=[1.0], rank=1)
    with pytest.raises(ValueError, match="A: expected symmetric A_i"):
        sensing.parse_instance(tmp_path / "x.npz")
    operator = sensing.parse_instance(f"{tmp_path / 'x.npz'}:symmetrise").problem.operator
    np.testing.assert_array_equal(operator.matrices(), [[[1, 1], [1, 3]]])


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (3, TypeError, "^instance: expected a name or the path of a file, got 3"),
        ("nowhere", ValueError, "^instance: expected one of two-by-two, .* got 'nowhere'"),
        ("nowhere.npz", ValueError, "^nowhere.npz: cannot be read"),
        ("nowhere.nzp", ValueError, "^instance: nowhere.nzp: no such file"),
        ("no/where", ValueError, "^instance: no/where: no such file"),
        (".", ValueError, "^instance: .: expected a file, got a folder"),
        ("two-by-two:n=3", ValueError, "^n: not a parameter .* it has no parameters"),
        ("gaussian:n=4", ValueError, "^m: the instance 'gaussian' needs this parameter"),
        ("gaussian:n=4,m=6=5", TypeError, "^m: expected a whole number, got '6=5'"),
        ("gaussian:n=four,m=6", TypeError, "^n: expected a whole number, got 'four'"),
        ("gaussian:n=4.0,m=6", TypeError, "^n: expected a whole number, got 4.0"),
        ("gaussian:m:n=4", ValueError, "^instance: expected gaussian:key=value,"),
    ],
)
def test_a_bad_text_is_refused_by_name(text, error, message: str) -> None:
    with pytest.raises(error, match=message):
        sensing.parse_instance(text)


def test_several_instances_keep_their_order_and_have_names_of_their_own() -> None:
    mine = sensing.Instance("mine", sensing.two_by_two())
    found = parse_instances(["real-system", mine, "gaussian:n=3,m=4"])
    assert [each.name for each in found] == [
        "real-system", "mine", "gaussian:n=3,m=4,rank=1,seed=0",
    ]  # fmt: skip
    assert found[1] is mine
    with pytest.raises(ValueError, match="expected distinct names, got 'mine' twice"):
        parse_instances([mine, "real-system", sensing.Instance("mine", sensing.real_system())])


# Points and words ---------------------------------------------------------------------------------


def test_without_a_point_the_seed_decides_where_descents_start() -> None:
    b = np.array([1.0, 2.0, -1.0, 3.0])  # met by no X: the first descent ends the search
    problem = sensing.SensingProblem(sensing.gaussian(3, 1, 4, 3).operator, b, 2)
    instance = sensing.Instance("mine", problem)
    points = [instance.stationary_point(seed=seed) for seed in range(2)]
    for seed, point in enumerate(points):
        np.testing.assert_array_equal(point, sensing.spurious_point(problem, seed=seed))
    np.testing.assert_array_equal(instance.stationary_point(), points[0])
    assert not np.array_equal(points[0], points[1])


def test_the_repr_of_an_instance_says_its_sizes_and_settings_and_whether_it_is_solved() -> None:
    problem = sensing.two_by_two()
    mine = sensing.Instance("mine", problem, settings=sensing.LiftSettings(5, 0.25, 0.5, 7))
    assert repr(mine) == "Instance(mine: n = 2, m = 3, r = 1; order 5, ρ = 0.25, η = 0.5, T = 7)"
    solved = sensing.Instance("mine", problem, known_point=problem.ground_truth)
    assert repr(solved) == "Instance(mine: n = 2, m = 3, r = 1; its X̂ solves the problem)"


# Refusals by name ---------------------------------------------------------------------------------


def _descent(**changes: object) -> sensing.DescentSettings:
    given = {"centre": [[1.0], [2.0]], "spread": 0.5, "seed": 0, "step_size": 0.1,
             "before": 3, "after": 4}  # fmt: skip
    return sensing.DescentSettings(**{**given, **changes})


@pytest.mark.parametrize(
    ("build", "argument", "value"),
    [
        (sensing.LiftSettings, "order", 2),
        (sensing.LiftSettings, "rho", 0.0),
        (sensing.LiftSettings, "eta", 0.0),
        (sensing.LiftSettings, "steps", -1),
        (_descent, "centre", [1.0, 2.0]),
        (_descent, "spread", -1.0),
        (_descent, "seed", -1),
        (_descent, "step_size", 0.0),
        (_descent, "before", -1),
        (_descent, "after", -1),
    ],
)
def test_settings_out_of_range_are_refused_by_name(build, argument: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"^{argument}: expected"):
        build(**{argument: value})


def test_settings_at_their_bounds_are_kept() -> None:
    assert sensing.LiftSettings(order=1, steps=0).steps == 0
    still = _descent(spread=0, before=0, after=0)
    np.testing.assert_array_equal(still.start(), [[1.0], [2.0]])
    assert (still.before, still.after) == (0, 0)


@pytest.mark.parametrize("step", [0.005, 0.3, 7.0])
def test_a_step_and_the_eta_that_stands_for_it(step: float) -> None:
    assert sensing.LiftSettings(eta=sensing.LiftSettings.eta_of(step)).step_size == step


def test_a_step_is_a_number_or_a_rule() -> None:
    rule = sensing.Backtracking()
    assert _descent(step_size=rule).step_size is rule
    kept = _descent(step_size=np.float32(0.5)).step_size
    assert (kept, type(kept)) == (0.5, float)
    with pytest.raises(TypeError, match=r"^step_size: expected"):
        _descent(step_size="fast")


@pytest.mark.parametrize(
    ("argument", "value", "kind"),
    [
        ("problem", 3, "SensingProblem, got int"),
        ("name", 3, "str, got 3"),
        ("facts", [3], r"Mapping, got \[3\]"),
        ("source", 3, "str, got 3"),
        ("settings", 3, "LiftSettings, got 3"),
        ("descent", 3, "DescentSettings, got 3"),
    ],
)
def test_what_makes_no_instance_is_refused_by_name(argument: str, value, kind: str) -> None:
    given = {"name": "mine", "problem": sensing.two_by_two(), argument: value}
    with pytest.raises(TypeError, match=rf"^{argument}: expected a {kind}$"):
        sensing.Instance(**given)
    with pytest.raises(ValueError, match=r"^known_point: expected an array of shape"):
        sensing.Instance("mine", sensing.two_by_two(), known_point=np.ones((3, 1)))


def test_facts_are_numbers_of_python() -> None:
    given = {"objective": np.float64(0.5), "saddle_order": np.int64(3), "kind": "minimum"}
    facts = sensing.Instance("mine", sensing.two_by_two(), facts=given).facts
    assert facts == given
    assert [type(value) for value in facts.values()] == [float, int, str]


@pytest.mark.parametrize("name", ["nowhere", ["two-by-two"], 3])
def test_an_unknown_name_is_refused_with_the_known_ones(name: object) -> None:
    with pytest.raises(ValueError, match=r"^instance: expected one of two-by-two, pert") as refusal:
        sensing.instance(name)
    assert str(refusal.value).endswith(f"sparse-completion, got {name!r}")


def test_an_unknown_parameter_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"^k: not .* its parameters are n, m, rank, seed$"):
        sensing.instance("gaussian", n=3, m=4, k=5)
