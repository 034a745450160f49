"""Every rival: what it is known to solve, what it is known to fail at, and how it is counted."""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.compare.rivals import definition
from lift_compare.compare.rivals.definition import (
    Budget,
    Rival,
    Run,
    attempt,
)
from lift_compare.compare.rivals.registry import RIVALS, find_rival
from lift_compare.compare.rivals.shared import fixed_step, new_start, rounded, sized

UNLIMITED = 1e8  # what is counted by the clock must not end a test
EASY = "gaussian:n=4,m=14,seed=1"  # more than n(n+1)/2 = 10 measurements: all of M is determined
SPURIOUS = "two-by-two"

SOLVES = dict.fromkeys(RIVALS, EASY) | {"lifted": SPURIOUS, "lifted-small": EASY}


@pytest.mark.parametrize("name", RIVALS)
def test_a_rival_solves_what_it_is_known_to_solve(name: str) -> None:
    instance = sensing.parse_instance(SOLVES[name])
    problem = instance.problem
    start = new_start(problem, np.random.default_rng(0))
    if SOLVES[name] == SPURIOUS:
        start = instance.stationary_point()
    end = attempt(RIVALS[name], problem, start, gradients=UNLIMITED, seed=0)
    assert end.ending == "solved"
    assert problem.is_solved(end.point)
    assert problem.is_near_truth(end.point)
    assert 0 < end.budget.spent < math.inf


FAILS = [
    *(("two-by-two", name) for name in ("gd", "gd-fixed", "sgd", "adam")),
    *(
        ("perturbed-completion", name)
        for name in ("gd", "sgd", "sgd-8", "perturbed-gd", "gradient-line")
    ),
    *(("real-system", name) for name in ("gd", "perturbed-gd")),
    ("path-completion", "trust-region"),  # where ∇h is zero exactly
    # Not the line search: no step of its grid is lower there, and on which side of X̂ it then looks
    # for the minimum of the quartic hangs on the rounding of a slope that is zero.
    *(
        ("phase-retrieval-hard", name)
        for name in ("exact", "truncated", "single-step", "columns", "perturbed-gd")
    ),
    *(
        (f"path-completion:t={t}", name)
        for t in (0.05, 0.1, 0.3)
        for name in ("exact", "truncated", "single-step", "line-search")
    ),
    *(("block-completion", name) for name in ("exact", "truncated", "single-step", "line-search")),
]


@pytest.mark.parametrize(("name", "rival"), FAILS)
def test_what_is_known_to_fail_from_the_spurious_point_fails(name: str, rival: str) -> None:
    instance = sensing.parse_instance(name)
    X = instance.stationary_point()
    end = attempt(RIVALS[rival], instance.problem, X, gradients=1500, seed=0)
    assert end.ending in ("gave up", "budget spent")
    assert not instance.problem.is_solved(end.point)


@pytest.mark.parametrize(("name", "rival"), [("two-by-two", "exact"), ("real-system", "pair")])
def test_what_is_known_to_escape_from_there_does(name: str, rival: str) -> None:
    instance = sensing.parse_instance(name)
    X = instance.stationary_point()
    end = attempt(RIVALS[rival], instance.problem, X, gradients=5000, seed=0)
    assert end.ending == "solved"


def budget_of(problem: sensing.SensingProblem, limit: float) -> Budget:
    return Budget(problem, limit, np.random.default_rng(0))


def test_a_gradient_counts_as_one_and_columns_in_proportion(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = sensing.gaussian(5, 2, 9, 0)
    budget = budget_of(problem, 1000)
    counted = replace(problem, operator=budget)
    X = np.random.default_rng(1).standard_normal((5, 2))
    counted.gradient(X)
    assert budget.spent == 1
    counted.objective(X)
    assert budget.spent == 1.5
    counted.objective_and_gradient(np.stack([X] * 4))
    assert budget.spent == 5.5
    replace(counted, rank=5).gradient(np.ones((5, 5)))
    assert budget.spent == 8  # 2.5 more: five columns for two
    budget.spend(0.25)
    assert budget.spent == 8.25
    assert not budget.by_clock
    monkeypatch.setattr(definition, "seconds_of_gradient", lambda _: 0.5)
    budget.spend_seconds(5.0)
    assert budget.by_clock
    assert budget.spent == 18.25


def test_the_run_ends_at_the_first_solved_point_and_at_the_limit() -> None:
    problem = sensing.gaussian(4, 1, 12, 3)
    calls = []

    def walk(counted: sensing.SensingProblem, start: np.ndarray, budget: Budget) -> Run:
        for t in np.linspace(0, 1, 11):
            calls.append(t)
            assert counted.ground_truth is None
            counted.objective((1 - t) * start + t * problem.ground_truth)
        raise AssertionError("it was not ended")

    rival = Rival("walk", "in a line to the truth", walk)
    start = problem.ground_truth + 1.0
    end = attempt(rival, problem, start, gradients=100, seed=0)
    assert (end.ending, len(calls), end.budget.spent) == ("solved", 11, 5.5)
    calls.clear()
    end = attempt(rival, problem, start, gradients=3, seed=0)
    assert (end.ending, len(calls)) == ("budget spent", 7)  # the seventh is refused
    seen = [(1 - t) * start + t * problem.ground_truth for t in calls[:6]]
    np.testing.assert_array_equal(end.point, min(seen, key=problem.objective))


def test_the_lowest_point_on_the_way_is_kept_and_a_lower_end_taken() -> None:
    problem = sensing.two_by_two()
    low, high, lowest = [[0.9], [0.1]], [[3.0], [3.0]], [[0.95], [0.05]]

    for last, expected in ((high, low), (lowest, lowest)):

        def run(
            counted: sensing.SensingProblem,
            start: np.ndarray,
            budget: Budget,
            last: list[list[float]] = last,
        ) -> Run:
            counted.objective(low)
            return Run(np.array(last), {"note": 1})

        end = attempt(Rival("r", "", run), problem, np.ones((2, 1)), gradients=10, seed=0)
        assert (end.ending, end.details) == ("gave up", {"note": 1})
        np.testing.assert_array_equal(end.point, expected)


def test_what_is_no_run_is_refused_by_name() -> None:
    def wrong(problem: sensing.SensingProblem, start: np.ndarray, budget: Budget) -> np.ndarray:
        return start

    rival = Rival("wrong", "", wrong)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"rival: wrong: expected run\(\) to return a Run, got nda"):
        attempt(rival, sensing.two_by_two(), np.ones((2, 1)), gradients=10, seed=0)


def test_the_clock_ends_no_run() -> None:
    def slow(problem: sensing.SensingProblem, start: np.ndarray, budget: Budget) -> Run:
        budget.spend_seconds(1.0)
        return Run(start)

    problem = sensing.two_by_two()
    end = attempt(Rival("slow", "", slow), problem, np.ones((2, 1)), gradients=1, seed=0)
    assert (end.ending, end.budget.by_clock) == ("gave up", True)
    assert end.budget.spent > 1


def test_a_rival_cannot_catch_its_end() -> None:
    def stubborn(problem: sensing.SensingProblem, start: np.ndarray, budget: Budget) -> Run:
        while True:
            try:
                problem.gradient(start)
            except Exception:
                raise AssertionError("it was caught") from None

    end = attempt(
        Rival("stubborn", "", stubborn), sensing.two_by_two(), np.ones((2, 1)), gradients=5, seed=0
    )
    assert end.ending == "budget spent"


def test_sizes_and_steps_do_not_depend_on_units() -> None:
    problem = sensing.gaussian(5, 2, 20, 4)
    scaled = sensing.SensingProblem.from_ground_truth(problem.operator, 1e3 * problem.ground_truth)
    first, other = (new_start(p, np.random.default_rng(7)) for p in (problem, scaled))
    np.testing.assert_allclose(other, 1e3 * first, rtol=1e-12)
    measured = problem.operator.measure(first, first)
    assert np.linalg.norm(measured) == pytest.approx(np.linalg.norm(problem.measurements))
    assert fixed_step(scaled) == pytest.approx(1e-6 * fixed_step(problem))
    np.testing.assert_allclose(sized(problem, 5 * first), first, rtol=1e-12)


def test_rounding_gives_the_nearest_matrix_of_the_rank() -> None:
    problem = sensing.gaussian(5, 2, 20, 4)
    rng = np.random.default_rng(2)
    B = rng.standard_normal((5, 5))
    M = B + B.T
    X = rounded(problem, M)
    values, vectors = np.linalg.eigh(M)
    best = sum(max(values[i], 0) * np.outer(vectors[:, i], vectors[:, i]) for i in (3, 4))
    np.testing.assert_allclose(X @ X.T, best, atol=1e-13)


def test_a_stochastic_step_is_the_polyak_step_of_its_batch() -> None:
    """One step on a problem with one measurement is a step of gradient descent with f/‖∇f‖²."""
    problem = sensing.SensingProblem.from_ground_truth(
        sensing.DenseOperator([np.diag([1.0, 2.0])]), [[1.0], [1.0]]
    )
    X = np.array([[2.0], [1.5]])
    end = attempt(RIVALS["sgd-polyak"], problem, X, gradients=2.0, seed=0)
    f, g = problem.objective_and_gradient(X)
    expected = X - f / np.sum(g**2) * g
    np.testing.assert_allclose(end.point, expected, rtol=1e-14)


def test_polyaks_step_does_not_see_the_weights_of_perturbed_completion() -> None:
    """It is the walk of the problem whose weights are all one, from the same start."""
    weighted = sensing.perturbed_completion(6, 0.1)
    plain = sensing.SensingProblem.from_ground_truth(
        sensing.EntrywiseOperator(np.ones((6, 6))), weighted.ground_truth
    )
    X = np.random.default_rng(3).standard_normal((6, 1))
    ends = [
        attempt(RIVALS["sgd-polyak"], problem, X, gradients=2.2, seed=5).point
        for problem in (weighted, plain)
    ]
    assert not np.array_equal(ends[0], X)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-10)


def test_a_batch_of_all_measurements_is_gradient_descent() -> None:
    problem = sensing.gaussian(4, 1, 8, 2)
    X = new_start(problem, np.random.default_rng(1))
    end = attempt(RIVALS["sgd-8"], problem, X, gradients=4.6, seed=0)  # a look, a step, a look
    step = min(
        8 / (4 * 8 * np.max(np.sum((problem.operator.matrices() @ X) ** 2, axis=(1, 2)))),
        fixed_step(problem),
    )
    np.testing.assert_allclose(end.point, X - step * problem.gradient(X), rtol=1e-12)


def test_the_explicit_lift_leaves_the_published_saddle_and_says_how_near_to_rank_one() -> None:
    instance = sensing.instance("two-by-two")
    seen = []
    X = instance.stationary_point()
    for seed in range(3):
        end = attempt(RIVALS["lifted"], instance.problem, X, gradients=UNLIMITED, seed=seed)
        assert end.ending == "solved"
        assert end.budget.by_clock
        seen.append(end.details["rank_one_share"])
    assert 0.9 < min(seen) <= max(seen) <= 1 + 1e-12


def test_a_small_start_stays_near_rank_one() -> None:
    """arXiv 2310.15549; from a tenth of X̂ it stays on its line, and goes back to X̂."""
    instance = sensing.instance("two-by-two")
    X = instance.stationary_point()
    end = attempt(RIVALS["lifted-small"], instance.problem, X, gradients=UNLIMITED, seed=0)
    assert end.ending == "gave up"
    assert end.details["rank_one_share"] == pytest.approx(1, abs=1e-6)
    assert instance.problem.objective(end.point) == pytest.approx(0.375, abs=1e-6)


OWN = """
NAME = "mine"
SUMMARY = "half way to the last point, for ever"
NEEDS = ({needs})

def run(problem, start, budget):
    from lift_compare.compare import Run
    return Run(start / 2, {{"halved": True}})
"""


def test_a_rival_of_ones_own_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OWN.format(needs=""), encoding="utf-8")
    rival = find_rival(str(path))
    assert (rival.name, rival.missing) == ("mine", ())
    end = attempt(rival, sensing.two_by_two(), np.ones((2, 1)), gradients=10, seed=0)
    assert (end.ending, end.details) == ("gave up", {"halved": True})
    path.write_text(OWN.format(needs='"no_such_module", "json"'), encoding="utf-8")
    assert find_rival(str(path)).missing == ("no_such_module",)


def test_a_changed_file_of_a_rival_is_read_again(tmp_path: Path, monkeypatch) -> None:
    """Although bytecode of the same second and size may lie there."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "mine.py"
    for summary in ("one", "two"):
        path.write_text(f"SUMMARY = {summary!r}\ndef run(problem, start, budget): ...\n", "utf-8")
        assert find_rival(str(path)).summary == summary


def test_the_page_lists_every_rival_and_its_example_solves(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "rivals.md").read_text(encoding="utf-8")
    table = page.partition("## The rivals")[2].partition("## A rival of your own")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.MULTILINE)
    assert rows == [(rival.name, rival.summary) for rival in RIVALS.values()]
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    path = tmp_path / "half_steps.py"
    path.write_text(block, encoding="utf-8")
    problem = sensing.parse_instance(EASY).problem
    start = new_start(problem, np.random.default_rng(0))
    assert attempt(find_rival(str(path)), problem, start, gradients=2000, seed=0).ending == "solved"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NAME = 'x'", r"expected a function run\(problem, start, budget\)"),
        ("NAME = 3\ndef run(p, s, b): ...", "NAME: expected a word, got 3"),
        ("raise OSError('broken')", "cannot be loaded: broken"),
        ("def run(", "cannot be loaded"),
    ],
)
def test_a_file_that_is_no_rival_is_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        find_rival(str(path))


def test_an_unknown_rival_is_refused() -> None:
    with pytest.raises(ValueError, match=r"rival: expected one of gd, gd-fixed.*got 'nothing'"):
        find_rival("nothing")
    with pytest.raises(ValueError, match="cannot be loaded"):
        find_rival("no-such-file.py")


def test_names_are_distinct_and_summaries_fit_a_line() -> None:
    assert len(RIVALS) == 27
    for rival in RIVALS.values():
        assert 0 < len(rival.summary) < 90
        assert rival.summary == rival.summary.strip()


def test_a_budget_of_nothing_is_refused() -> None:
    for bad in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="gradients"):
            budget_of(sensing.two_by_two(), bad)
