"""Explicit and exactly simulated lifted descent are the same path: the central claim."""

import io
import itertools
import math
import sys
from dataclasses import replace

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.compare import compare_directions
from lift_compare.compare.agreement.comparison import _captured, _cosine
from lift_compare.compare.agreement.descents import ExplicitSide
from lift_compare.compare.agreement.progress import Progress
from lift_compare.compare.tolerances import MEMORY_LIMIT
from lift_compare.simulated import SpanObjective, descend
from tests.catalogue import PUBLISHED, entrywise, rank_one


def stationary(problem: sensing.SensingProblem, seed: int) -> np.ndarray:
    start = np.random.default_rng(seed).standard_normal(problem.shape)
    rough = sensing.gradient_descent(
        problem, start, step_size=sensing.Backtracking(), max_iterations=3000, tolerance=1e-6
    )
    return sensing.polish(problem, rough.point)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("order", [1, 3, 5])
def test_the_published_instances(name: str, order: int) -> None:
    instance = sensing.instance(name)
    X, own = instance.stationary_point(), instance.settings
    comparison = compare_directions(
        instance.problem, X, order, rho=own.rho, eta=own.eta, steps=100, costs=False
    )
    assert comparison.coefficient_error < 1e-10
    assert comparison.objective_error < 1e-10
    assert comparison.tensor_error < 1e-10
    assert comparison.agree
    assert comparison.direction_cosine == pytest.approx(1, abs=1e-9)
    assert comparison.curvature == pytest.approx(comparison.explicit_curvature, rel=1e-9, abs=1e-12)
    assert "agree" in repr(comparison)


@pytest.mark.parametrize(
    ("n", "rank", "m", "order"),
    [
        (4, 1, 5, 1),
        (4, 1, 5, 3),
        (4, 1, 5, 5),
        (3, 2, 7, 1),
        (3, 2, 7, 3),
        (4, 3, 9, 1),
        (3, 3, 7, 3),
        (2, 2, 4, 5),
    ],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_random_gaussian_instances(n: int, rank: int, m: int, order: int, seed: int) -> None:
    problem = sensing.gaussian(n, rank, m, seed)
    X = stationary(problem, seed)
    comparison = compare_directions(
        problem, X, order, rho=0.2, eta=0.02, steps=60, costs=False, oracle=False
    )
    assert (
        max(comparison.coefficient_error, comparison.objective_error, comparison.tensor_error)
        < 1e-10
    )


@pytest.mark.parametrize(
    "problem", [entrywise(3, 2, 0), rank_one(3, 2, 5, 1)], ids=["entrywise", "rank-one"]
)
def test_other_operators(problem: sensing.SensingProblem) -> None:
    comparison = compare_directions(
        problem, stationary(problem, 3), 3, rho=0.1, eta=1e-4, steps=40, costs=False
    )
    assert comparison.agree


@pytest.mark.parametrize("order", [1, 3, 5])
def test_the_step_is_that_of_both_descents(order: int) -> None:
    """`step_size` is what `simulated.descend` and the lifted descent call so; η is twice it."""
    problem = sensing.real_system()
    X = sensing.instance("real-system").stationary_point()
    how = {"rho": 0.3, "steps": 25, "costs": False, "oracle": False}
    found = compare_directions(problem, X, order, step_size=0.02, **how)
    assert (found.step_size, found.eta, found.row()["step_size"]) == (0.02, 0.04, 0.02)
    generators = found.directions.generators
    span = SpanObjective(problem, generators, order)
    path = descend(span, [1.0, 0.3, 0.0], step_size=0.02, iterations=25)
    np.testing.assert_array_equal(found.exact.coefficients, path.coefficients)
    lifted = lifting.LiftedProblem(problem, order)
    tensors = [lifted.lift(G) for G in generators]
    explicit = lifting.projected_gradient_descent(
        lifted,
        tensors[0] + 0.3 * tensors[1],
        step_size=0.02,
        iterations=25,
        projection=lifting.SpanProjection(tensors),
    )
    np.testing.assert_allclose(found.explicit.values, explicit.values, rtol=1e-12)
    assert found.agree
    published = compare_directions(problem, X, order, eta=0.04, **how)
    np.testing.assert_array_equal(found.explicit.values, published.explicit.values)
    np.testing.assert_array_equal(found.truncated.coefficients, published.truncated.coefficients)


def test_one_byte_budget_where_none_is_given() -> None:
    with pytest.raises(lifting.MemoryLimitExceeded) as refused:
        compare_directions(sensing.gaussian(8, 1, 12, seed=0), np.ones((8, 1)), 11)
    assert refused.value.allowed_bytes == MEMORY_LIMIT


def test_a_bar_is_shown_to_a_terminal_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a step took a second: the bar is there from the beginning. Declined, or no terminal."""
    shown = []
    for terminal, progress in ((True, True), (False, True), (True, False)):
        stream = io.StringIO()
        monkeypatch.setattr(stream, "isatty", lambda seen=terminal: seen)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stderr", stream)
            patch.setattr("lift_compare.compare.agreement.progress._RATE", 100.0)
            compare_directions(
                sensing.two_by_two(), [[0.0], [2**-0.5]], 3, costs=False, progress=progress
            )
        shown.append(stream.getvalue())
    assert "comparing: " in shown[0]
    assert "l = 3" in shown[0]
    assert shown[1:] == ["", ""]


def test_the_bar_keeps_to_what_was_predicted(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many steps a part makes: it ends where the next one begins."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(3.0, shown=True) as bar:
        seen = []
        for name, seconds in (("one", 1.0), ("other", 2.0)):
            bar.begin(name, seconds)
            seen.append(bar._bar.n)
            bar.step(5e8)
            seen.append(bar._bar.n)
            bar.step(1e15)
            seen.append(bar._bar.n)
    assert seen == [0.0, 0.5, 1.0, 1.0, 1.5, 3.0]


def test_a_wrong_simulation_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args, **kwargs):
        path = descend(*args, **kwargs)
        return replace(path, coefficients=path.coefficients * np.array([1, 1 + 1e-7, 1]))

    monkeypatch.setattr("lift_compare.simulated.descend", wrong)
    problem = sensing.real_system()
    X = sensing.instance("real-system").stationary_point()
    comparison = compare_directions(problem, X, 3, rho=0.1, eta=0.1, steps=50, costs=False)
    assert comparison.coefficient_error > 1e-10
    assert not comparison.agree
    assert "DISAGREE" in repr(comparison)


def test_a_start_that_is_rounding_is_no_disagreement() -> None:
    """At the truth h^l is flat, and a weight of 1e-15 is less than the rounding of ŵ.

    Whatever step is chosen, rounding is all that moves: which instances part, if any, depends on
    the machine's last bits. None of them may be called a disagreement.
    """
    for m, seed in itertools.product((5, 6, 8), range(20)):
        problem = sensing.gaussian(4, 1, m, seed=seed)
        try:
            agree = compare_directions(
                problem, problem.ground_truth, 3, rho=1e-15, costs=False, oracle=False
            ).agree
        except OverflowError as refusal:
            assert "the rounding of ŵ grows to" in str(refusal)  # noqa: PT017 - not all raise
        else:
            assert agree, (m, seed)


@pytest.mark.parametrize(("off", "refused"), [(1e-15, True), (1e-13, False), (1e-11, False)])
def test_rounding_of_a_start_that_grows_is_no_disagreement(
    off: float, refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A weight of 1e-13 at a strict saddle: few digits of ρ v̂ are left, and all of it grows.

    The explicit start is off by a rounding or so, or by much more: that is a disagreement.
    """
    start = ExplicitSide.start
    monkeypatch.setattr(
        ExplicitSide, "start", lambda side, rho: start(side, rho) + off * side.tensors[-1]
    )
    instance = sensing.instance("two-by-two")
    problem, X = instance.problem, instance.stationary_point()
    settings = {"rho": 1e-13, "eta": 0.05, "steps": 1000, "costs": False, "oracle": False}
    if refused:
        expected = r"rho: expected a start .* ρ ‖v̂‖ = .* ‖ŵ‖: the rounding of ŵ grows to"
        with pytest.raises(OverflowError, match=expected):
            compare_directions(problem, X, 3, **settings)
    else:
        assert not compare_directions(problem, X, 3, **settings).agree


def test_measures_of_the_free_path_are_those_of_the_tensors() -> None:
    """Span capture and principal angle, recomputed with plain linear algebra from explicit
    tensors."""
    problem = sensing.real_system()
    X = sensing.instance("real-system").stationary_point()
    comparison = compare_directions(problem, X, 3, rho=0.1, eta=0.1, steps=3, costs=False)
    lifted = lifting.LiftedProblem(problem, 3)
    tensors = [lifted.lift(G) for G in comparison.directions.generators]
    w = w0 = tensors[0] + 0.1 * tensors[1]
    displacements = []
    for _ in range(3):
        w = w - 0.05 * lifted.gradient(w)
        displacements.append((w - w0).ravel())
    S = np.linalg.qr(np.array([t.ravel() for t in tensors]).T)[0]
    delta = displacements[-1]
    assert comparison.span_capture == pytest.approx(
        np.linalg.norm(S.T @ delta) / np.linalg.norm(delta), rel=1e-9
    )
    V = np.linalg.svd(np.array(displacements).T, full_matrices=False)[0][
        :, : len(comparison.principal_angles)
    ]
    cosines = np.linalg.svd(S.T @ V, compute_uv=False)
    np.testing.assert_allclose(
        np.sort(np.cos(comparison.principal_angles)), np.sort(cosines), atol=1e-7
    )


def test_oracle_alignment_against_a_dense_hessian() -> None:
    problem = sensing.real_system()
    X = sensing.instance("real-system").stationary_point()
    comparison = compare_directions(
        problem, X, 3, rho=0.1, eta=0.1, steps=1, costs=False, oracle=True
    )
    lifted = lifting.LiftedProblem(problem, 3)
    w = lifted.lift(X)
    eye = np.eye(27).reshape(27, 3, 3, 3)
    H = np.array([lifted.hessian_product(w, e).ravel() for e in eye])
    values, vectors = np.linalg.eigh((H + H.T) / 2)
    oracle = comparison.oracle_alignment
    assert oracle.curvature == pytest.approx(values[0], rel=1e-6, abs=1e-9)
    b = lifted.lift(comparison.directions.visible).ravel()
    if values[1] - values[0] > 1e-3 * abs(values[0]):  # otherwise the direction is not unique
        assert oracle.visible_cosine == pytest.approx(abs(vectors[:, 0] @ b), abs=1e-4)
    assert oracle.visible_cosine <= oracle.span_capture + 1e-9


def test_costs_table_and_row() -> None:
    problem = sensing.two_by_two()
    comparison = compare_directions(problem, [[0.0], [2**-0.5]], 3, rho=0.1, eta=0.01, steps=5)
    assert comparison.explicit_cost.seconds.median > 0
    assert comparison.simulated_cost.traced_bytes > 0
    assert "coefficient error" in comparison.table()
    assert comparison.row()["explicit_seconds"] == comparison.explicit_cost.seconds.median


def tripled() -> tuple[sensing.SensingProblem, np.ndarray]:
    """Return two-by-two with X three times as large: its published η is too large there."""
    instance = sensing.instance("two-by-two")
    Z = 3 * instance.problem.ground_truth
    problem = sensing.SensingProblem.from_ground_truth(instance.problem.operator, Z)
    return problem, 3 * np.array([[0.0], [2**-0.5]])


@pytest.mark.parametrize(("order", "eta"), [(1, 0.3), (3, 0.01), (5, 0.01), (5, 1e5)])
def test_descents_that_diverge_together_are_said_to(order: int, eta: float) -> None:
    problem, X = tripled()
    comparison = compare_directions(
        problem, X, order, rho=0.1, eta=eta, steps=500, costs=False, oracle=False
    )
    # where h^l first rises, from the explicit descent alone (free: at this start it stays in S)
    lifted = lifting.LiftedProblem(problem, order)
    w = lifted.lift(X) + 0.1 * lifted.lift(comparison.directions.visible)
    span = lifting.SpanProjection(
        [lifted.lift(G) for G in comparison.directions.generators if np.any(G)]
    )
    path = lifting.projected_gradient_descent(
        lifted, w, step_size=eta / 2, iterations=20, projection=span
    )
    rises = np.flatnonzero(np.diff([*path.values, np.inf]) > 0)
    assert comparison.diverged_at == rises[0] + 1
    assert comparison.steps == rises[0]
    assert comparison.agree
    until = "agreed until then" if rises[0] > 0 else "nothing compared"
    assert f"diverged at step {rises[0] + 1}, {until}" in repr(comparison)
    assert comparison.row()["verdict"] == f"diverged at step {rises[0] + 1}"
    numbers = [value for value in comparison.row().values() if isinstance(value, float)]
    assert all(math.isfinite(value) for value in numbers)


def test_a_divergence_of_one_side_is_a_disagreement(monkeypatch: pytest.MonkeyPatch) -> None:
    true = lifting.LiftedProblem.unchecked

    def steeper(self, w, **known):
        value, gradient = true(self, w, **known)
        return value, 1e6 * gradient

    monkeypatch.setattr(lifting.LiftedProblem, "unchecked", steeper)
    problem = sensing.two_by_two()
    X = np.array([[0.0], [2**-0.5]])
    comparison = compare_directions(problem, X, 3, rho=0.1, eta=0.01, steps=20, costs=False)
    assert not comparison.agree
    assert comparison.diverged_at is None


@pytest.mark.parametrize("order", [3, 5])
@pytest.mark.parametrize(("m", "seed"), [(5, 331), (2, 335)])
def test_nearly_parallel_generators_cost_no_digits(m: int, seed: int, order: int) -> None:
    """X̂ solves these problems, so that u_n is an eigenvector of rounding, nearly along X̂."""
    instance = sensing.instance("gaussian", n=2, m=m, seed=seed)
    X = instance.stationary_point()
    comparison = compare_directions(
        instance.problem, X, order, rho=0.1, eta=1e-3, steps=200, costs=False
    )
    assert comparison.agree, comparison
    assert comparison.steps == 200


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"order": 4}, ValueError, "order: expected an odd"),
        ({"rho": 0.0}, ValueError, "rho"),
        ({"eta": -0.1}, ValueError, "eta"),
        ({"steps": 0}, ValueError, "steps"),
        ({"steps": 1.5}, TypeError, "steps"),
        ({"steps": 10**9}, ValueError, "steps: expected at most"),
        ({"step_size": 0.005}, ValueError, "eta: expected one of step_size and eta"),
        ({"eta": None, "step_size": 0.0}, ValueError, "step_size: expected a finite number > 0"),
        ({"eta": None, "step_size": 1e308}, ValueError, "eta: expected a finite"),
        ({"eta": None, "step_size": "0.1"}, TypeError, "step_size: expected a real number"),
        ({"progress": 1}, TypeError, "progress: expected True or False"),
        ({"costs": None}, TypeError, "costs: expected True or False"),
        ({"X": np.zeros((2, 1))}, ValueError, "X = 0"),
        ({"X": np.full((2, 1), np.nan)}, ValueError, "X: expected finite"),
        ({"memory_limit": 10}, lifting.MemoryLimitExceeded, "needs .* bytes, 10 allowed"),
    ],
)
def test_bad_input_is_refused(change, error, message) -> None:
    arguments = {
        "X": np.array([[0.0], [2**-0.5]]),
        "order": 3,
        "rho": 0.1,
        "eta": 0.01,
        "steps": 5,
    } | change
    with pytest.raises(error, match=message):
        compare_directions(sensing.two_by_two(), **arguments)


def test_an_undefined_cosine_is_none_and_not_zero() -> None:
    """A displacement Δ = 0 has no angle to anything."""
    zeros = np.zeros((2, 2))
    assert _cosine(zeros, np.ones((2, 2))) is None
    assert _cosine(np.ones((2, 2)), -np.ones((2, 2))) == pytest.approx(-1)
    assert _captured(zeros, lifting.SpanProjection([np.ones((2, 2))])) is None


def test_results_hold_nothing_that_can_be_changed_by_accident() -> None:
    problem = sensing.two_by_two()
    found = compare_directions(
        problem, [[0.0], [2**-0.5]], 3, rho=0.1, eta=0.01, steps=5, costs=False
    )
    assert not [name for name, value in vars(found).items() if isinstance(value, list)]
    with pytest.raises(AttributeError):
        found.order = 5


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(TypeError, match="memory"):
        compare_directions(
            sensing.two_by_two(), [[0.0], [2**-0.5]], 3, rho=0.1, eta=0.01, steps=5, memory=1
        )
