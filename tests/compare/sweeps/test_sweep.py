"""A sweep as a description: what it expands to, which rows are the same, and what it refuses."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lift_compare import lifting, sensing, simulated
from lift_compare.compare.sweeps.evaluations import Evaluation, evaluate
from lift_compare.compare.sweeps.rows import Status
from lift_compare.compare.sweeps.shipped import EVALUATIONS
from lift_compare.compare.sweeps.sweep import MAX_EVALUATIONS, Sweep, task_of

from .evaluations_for_tests import SQUARE


def settings_of(sweep: Sweep) -> list[dict[str, object]]:
    return [task.settings for task in sweep.tasks]


def test_one_grid_means_every_combination() -> None:
    sweep = Sweep(SQUARE, {"x": [1, 2, 3], "seconds": [0.0, 0.5]}, {"log": "here"})
    assert settings_of(sweep) == [
        {"x": x, "seconds": s, "log": "here"} for x, s in itertools.product([1, 2, 3], [0.0, 0.5])
    ]
    assert sweep.varied == ("x", "seconds")
    assert "6 evaluations over x, seconds" in repr(sweep)


def test_several_grids_mean_their_union_and_equal_settings_are_one() -> None:
    sweep = Sweep(SQUARE, [{"x": [1, 2]}, {"x": [2, 3], "seconds": [0, 0.5]}])
    assert [(task.settings["x"], task.settings["seconds"]) for task in sweep.tasks] == [
        (1, 0.0),
        (2, 0.0),
        (2, 0.5),
        (3, 0.0),
        (3, 0.5),
    ]


def test_key_depends_on_values_not_on_how_they_are_written() -> None:
    def key(**values: object) -> str:
        return task_of(SQUARE, values).key

    assert (
        key(x=2, seconds=1)
        == key(seconds=1.0, x=np.int64(2))
        == key(x=2, seconds=np.float64(1), log="")
    )
    assert key(x=2, seconds=0.0) == key(x=2, seconds=-0.0) == key(x=2)
    assert len({key(x=2), key(x=3), key(x=2, seconds=1e-300), key(x=2, log="a")}) == 4


def test_key_depends_on_name_and_version() -> None:
    others = [Evaluation("other", SQUARE.run), Evaluation("square", SQUARE.run, version=2)]
    keys = {task_of(evaluation, {"x": 1}).key for evaluation in (SQUARE, *others)}
    assert len(keys) == 3


@settings(deadline=None)
@given(
    st.floats(min_value=5e-324, allow_infinity=False),
    st.floats(min_value=5e-324, allow_infinity=False),
)
def test_keys_of_different_floats_differ(a: float, b: float) -> None:
    keys = {task_of(SQUARE, {"x": 1, "seconds": value}).key for value in (a, b)}
    assert (len(keys) == 1) == (a == b)


def test_published_settings_written_out_are_the_same_row_as_left_out() -> None:
    short = Sweep("path", {"rho": [0.1]}, {"instance": "two-by-two"})
    long = Sweep(
        "path",
        {"rho": [0.1]},
        {"instance": "two-by-two", "order": 3, "eta": 0.01, "steps": 660, "sign": 1},
    )
    assert short.tasks == long.tasks


TOML = """
description = "a test"
evaluation = "path"
[fixed]
instance = "two-by-two"
[grid]
eta = [1, 1e-2]
"""


def test_toml_and_dict_say_the_same(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(TOML)
    same = Sweep.from_dict(
        {
            "description": "a test",
            "evaluation": "path",
            "fixed": {"instance": "two-by-two"},
            "grid": {"eta": [1.0, 0.01]},
        }
    )
    assert Sweep.from_toml(file).tasks == same.tasks
    assert len(same) == 2


BAD = {
    "no evaluation": ("[grid]\neta = [1.0]", "evaluation: .* missing"),
    "no grid": ('evaluation = "path"', "grid: .* missing"),
    "empty grid": ('evaluation = "path"\n[grid]', "grid: expected at least one"),
    "unknown key": (TOML + "\n[extra]", "extra: unknown key"),
    "misspelt key": (TOML.replace("[fixed]", "[fixd]"), r"fixd: .* \(did you mean 'fixed'\?\)"),
    "misspelt evaluation": (TOML.replace("path", "paht"), r"got 'paht' \(did you mean 'path'\?\)"),
    "misspelt setting": (TOML.replace("eta =", "etaa ="), r"etaa: .* \(did you mean 'eta'\?\)"),
    "misspelt word": (
        TOML.replace("[grid]", '[grid]\npoint = ["descnt"]'),
        r"point: expected one of .*, got 'descnt' \(did you mean 'descent'\?\)",
    ),
    "misspelt instance": (
        TOML.replace("two-by-two", "two-by-tow"),
        r"instance: .* \(did you mean 'two-by-two'\?\)",
    ),
    "unknown evaluation": (
        TOML.replace("path", "bath"),
        "evaluation: expected one of .* got 'bath'",
    ),
    "evaluation of the wrong type": (TOML.replace('"path"', "3"), "evaluation: expected one of"),
    "unknown setting": (TOML.replace("eta", "etha"), "etha: not a setting"),
    "unknown fixed setting": (TOML.replace("instance", "instants"), "instants: not a setting"),
    "missing setting": (TOML.replace('instance = "two-by-two"', ""), "instance: .* missing"),
    "unknown instance": (TOML.replace("two-by-two", "three"), "instance: expected one of"),
    "fixed and varied": (TOML.replace("[grid]", "eta = 1.0\n[grid]"), "eta: both fixed and varied"),
    "not a list": (TOML.replace("[1, 1e-2]", "1.0"), "eta: expected a list"),
    "empty list": (TOML.replace("[1, 1e-2]", "[]"), "eta: expected at least one value"),
    "NaN": (TOML.replace("1e-2", "nan"), "eta: expected a finite number"),
    "infinite": (TOML.replace("1e-2", "inf"), "eta: expected a finite number"),
    "negative": (TOML.replace("1e-2", "-1e-2"), "eta: expected a finite number > 0"),
    "a word for a number": (TOML.replace("1e-2", '"small"'), "eta: expected a real number"),
    "a list for a number": (TOML.replace("1e-2", "[1.0]"), "eta: expected a real number"),
    "a date for a number": (TOML.replace("1e-2", "2026-01-01"), "eta: expected a real number"),
    "truth for a number": (TOML.replace("1e-2", "true"), "eta: expected a real number"),
    "beyond float64": (
        TOML.replace("1e-2", "1" + "0" * 400),
        "eta: expected a number in the range",
    ),
    "even order": (TOML.replace("[1, 1e-2]", "[1.0]\norder = [4]"), "order: expected an odd"),
    "huge order": (
        TOML.replace("[1, 1e-2]", "[1.0]\norder = [1000000000000000001]"),
        "order: .* at most 1001",
    ),
    "real steps": (
        TOML.replace("[1, 1e-2]", "[1.0]\nsteps = [6.5]"),
        "steps: expected a whole number",
    ),
    "huge steps": (
        TOML.replace("[1, 1e-2]", "[1.0]\nsteps = [10000000000]"),
        "steps: expected at most",
    ),
    "huge grid": (
        TOML.replace("[1, 1e-2]", str(list(range(1, 1000))) + f"\nrho = {list(range(1, 1000))}"),
        "at most 100000",
    ),
    "setting of another instance": (
        TOML.replace("eta = [1, 1e-2]", "n = [3]"),
        "n: the instance 'two-by-two' has no",
    ),
    "fixed is no table": (
        'evaluation = "path"\nfixed = 3\n[grid]\neta = [1.0]',
        "fixed: expected a table",
    ),
    "grid is no table": ('evaluation = "path"\ngrid = 3', "grid: expected a table"),
    "grid is a list of numbers": ('evaluation = "path"\ngrid = [3]', "grid: expected a table"),
    "description is no text": (
        "description = 3\n" + TOML.replace('description = "a test"', ""),
        "description: expected",
    ),
    "not TOML": ("this is = = not", "Invalid|Expected"),
    "nested too deep": ("grid = " + "[" * 200_000, "nested too deep|Invalid|Expected"),
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_toml_is_refused_in_one_line_with_the_name_of_the_file(
    tmp_path: Path, name: str
) -> None:
    text, message = BAD[name]
    file = tmp_path / "bad.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        Sweep.from_toml(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) - len(str(file)) < 480


def test_files_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not UTF-8"):
        Sweep.from_toml(file)
    file.write_bytes(b"#" * 2_000_000)
    with pytest.raises(ValueError, match="at most 1000000 bytes"):
        Sweep.from_toml(file)
    with pytest.raises(ValueError, match="cannot be read"):
        Sweep.from_toml(tmp_path)
    with pytest.raises(ValueError, match="cannot be read"):
        Sweep.from_toml(tmp_path / "none.toml")


def test_the_size_of_a_grid_is_known_before_it_is_expanded() -> None:
    many = list(range(1, 10_001))
    with pytest.raises(ValueError, match="1e\\+20"):
        Sweep(
            "path",
            {"eta": many, "rho": many, "dominance_factor": many, "spread": many, "gd_step": many},
        )
    assert MAX_EVALUATIONS < 1e20


SMALL = {
    "descent": {"instance": "gaussian", "n": 4, "m": 9, "rank": 2, "gd_before": 50},
    "path": {"instance": "two-by-two", "steps": 20},
    "escape": {"instance": "two-by-two"},
    "success": {"n": 4, "epsilon": 0.3, "starts": 3, "max_iterations": 500},
    "directions": {"instance": "two-by-two", "steps": 3},
    "oracle": {"instance": "two-by-two"},
    "rival": {"instance": "two-by-two", "rival": "gd"},
}


@pytest.mark.parametrize("name", EVALUATIONS)
def test_shipped_evaluations_have_settings_in_json_and_unlike_their_results(name: str) -> None:
    evaluation = EVALUATIONS[name]
    task = task_of(evaluation, SMALL[name])
    assert json.loads(json.dumps(task.settings)) == task.settings
    outcome = evaluate(evaluation.run, task.settings)
    assert outcome.status is Status.DONE, outcome.error
    assert outcome.results is not None
    assert not set(outcome.results) & set(task.settings), "a result would hide a setting"
    assert set(evaluation.columns.split()) <= set(outcome.results)
    assert json.loads(json.dumps(outcome.results, allow_nan=False)) == outcome.results


def test_the_exact_path_and_the_collapse_follow_the_lifted_descent() -> None:
    """The simulated path of the evaluation, against the explicit tensors of `lifting`."""
    settings = task_of(
        EVALUATIONS["path"], {"instance": "two-by-two", "method": "exact", "steps": 40}
    ).settings
    results = EVALUATIONS["path"].run(**settings)
    problem, X = sensing.two_by_two(), np.array([[0.0], [2**-0.5]])
    directions = simulated.escape_directions(problem, X)
    lifted = lifting.LiftedProblem(problem, 3)
    kept = [
        lifted.lift(G) for G in directions.generators[:2]
    ]  # the hidden one is parallel to the visible one
    descent = lifting.projected_gradient_descent(
        lifted,
        kept[0] + 0.1 * kept[1],
        step_size=0.005,
        iterations=40,
        projection=lifting.SpanProjection(kept),
    )
    assert results["h_exact_start"] == pytest.approx(descent.values[0], rel=1e-12)
    assert results["h_exact_T"] == pytest.approx(descent.values[-1], rel=1e-10)
    best = lifting.best_rank_one(descent.tensor, seed=0)
    point = (
        np.sign(best.weight) * abs(best.weight) ** (1 / 3) * np.asarray(best.vector).reshape(2, 1)
    )
    assert results["h_collapsed"] == pytest.approx(problem.objective(point), rel=1e-8)


def test_a_path_that_leaves_float64_says_so() -> None:
    settings = task_of(
        EVALUATIONS["path"], {"instance": "two-by-two", "eta": 1.0, "steps": 100_000}
    ).settings
    outcome = evaluate(EVALUATIONS["path"].run, settings)
    assert outcome.status is Status.DONE
    assert outcome.results is not None
    assert "leaves float64" in outcome.results["stop"]
    assert "h_exact_T" not in outcome.results


def test_a_collapsed_point_beyond_float64_says_so() -> None:
    settings = task_of(
        EVALUATIONS["path"], {"instance": "two-by-two", "eta": 0.1, "steps": 16_000}
    ).settings
    outcome = evaluate(EVALUATIONS["path"].run, settings)
    assert outcome.status is Status.DONE, outcome.error
    assert outcome.results is not None
    assert (
        outcome.results["beta"] > 1e280
    )  # the state itself fits, its objective and its collapse do not
    assert outcome.results["h_exact_T"] is None
    assert outcome.results["accepted_code_exact"] is None
    assert outcome.results["gd_stop"] == "the collapsed point is beyond float64"
    assert outcome.warnings == ()


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("name", ["path", "escape", "directions"])
def test_every_rank_and_any_end_of_descent_gives_a_row_without_errors(name: str, rank: int) -> None:
    fixed = {"instance": "gaussian", "n": 4, "rank": rank, "m": 6, "gd_before": 300, "order": 3}
    fixed |= {"steps": 5} if name != "escape" else {}
    for task in Sweep(name, {"seed": [0, 1]}, fixed).tasks:
        outcome = evaluate(EVALUATIONS[name].run, task.settings)
        assert outcome.status is Status.DONE, outcome.error


def test_an_order_beyond_the_budget_is_refused_before_it_is_allocated() -> None:
    settings = task_of(
        EVALUATIONS["directions"], {"instance": "real-system", "order": 41, "memory_limit": 10**6}
    ).settings
    outcome = evaluate(EVALUATIONS["directions"].run, settings)
    assert outcome.status is Status.REFUSED
    assert outcome.error is not None
    assert re.fullmatch(r"refused: needs \S+ bytes, 1 MB allowed", outcome.error)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"instance": "gaussian", "m": 3}, "n: .* missing"),
        (
            {"instance": "gaussian", "n": 10**4, "m": 10},
            "n: expected an instance of at most 100000000 numbers",
        ),
        (
            {"instance": "perturbed-completion", "n": 10**5},
            "n: expected an instance of at most 100000000 numbers",
        ),
        ({"instance": "gaussian", "n": 3, "m": 3, "rank": 4}, "rank: expected at most n = 3"),
        ({"instance": "gaussian", "n": 3, "m": 3, "point": "known"}, "point: .* no known"),
        (
            {"instance": "two-by-two", "method": "exact", "rho": 0.1},
            "rho: the method 'exact' has no such setting",
        ),
        (
            {"instance": "two-by-two", "method": "line-search", "order": 3},
            "order: the method 'line-search' has no",
        ),
    ],
)
def test_settings_that_mean_nothing_together_are_refused(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Sweep("escape", {name: [value] for name, value in settings.items()})


def test_seeds_change_the_start_and_the_gaussian_instance() -> None:
    ends = [
        evaluate(EVALUATIONS["descent"].run, task.settings).results
        for task in Sweep("descent", {"seed": [0, 0, 1]}, SMALL["descent"]).tasks
    ]
    assert len(ends) == 2
    assert ends[0] != ends[1]


def test_an_instance_is_written_whole_or_in_settings() -> None:
    whole = Sweep("descent", {"gd_before": [5]}, {"instance": "gaussian:n=4,m=9,seed=2"})
    apart = Sweep(
        "descent", {"gd_before": [5]}, {"instance": "gaussian", "n": 4, "m": 9, "seed": 2}
    )
    assert whole.tasks == apart.tasks
    with pytest.raises(ValueError, match="n: given twice"):
        Sweep("descent", {"gd_before": [5]}, {"instance": "gaussian:n=4,m=9", "n": 5})
    with pytest.raises(ValueError, match="size: not a setting of the evaluation 'descent'"):
        Sweep("descent", {"gd_before": [5]}, {"instance": "gaussian:n=4,m=9,size=5"})
    with pytest.raises(ValueError, match="k: the instance 'gaussian' has no such setting"):
        Sweep("descent", {"gd_before": [5]}, {"instance": "gaussian:n=4,m=9,k=5"})


@pytest.mark.parametrize("name", ["rank-one", "completion", "sparse-completion", "gaussian"])
@pytest.mark.parametrize("point", ["descent", "search"])
def test_every_family_of_the_catalogue_can_be_swept(name: str, point: str) -> None:
    sizes = {"n": 5, "m": 12} if name in ("gaussian", "rank-one") else {"n": 5}
    fixed = {"instance": name, "point": point, "gd_before": 200, **sizes}
    if point == "search":
        fixed.pop("gd_before")
    if name == "rank-one":
        fixed["gd_step"] = 1e-3
    (task,) = Sweep("escape", {"seed": [1]}, fixed).tasks
    outcome = evaluate(EVALUATIONS["escape"].run, task.settings)
    assert outcome.status is Status.DONE, outcome.error


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "mine.npz"
    sensing.save_instance(file, sensing.instance("real-system"))
    (task,) = Sweep("path", {"rho": [0.1]}, {"instance": str(file)}).tasks
    # The settings in the file are its own defaults, and X̂ is the one stored.
    assert (task.settings["order"], task.settings["steps"]) == (5, 150_000)
    assert (task.settings["point"], task.settings["seed"]) == ("known", None)
    (named,) = Sweep("path", {"rho": [0.1]}, {"instance": "real-system"}).tasks
    results, expected = (
        evaluate(EVALUATIONS["path"].run, one.settings).results for one in (task, named)
    )
    assert results is not None
    assert expected is not None
    assert results["h_exact_T"] == pytest.approx(expected["h_exact_T"], rel=1e-12)

    sensing.save_instance(file, sensing.instance("two-by-two"))
    (changed,) = Sweep("path", {"rho": [0.1]}, {"instance": str(file)}).tasks
    assert changed.key != task.key
    outcome = evaluate(EVALUATIONS["path"].run, task.settings)
    assert outcome.status is Status.FAILED
    assert "has changed since the sweep was made" in str(outcome.error)


def test_a_problem_without_ground_truth_has_no_distances(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    problem = sensing.quadratic_network(rng.standard_normal((9, 3)), rng.random(9), 1)
    sensing.save_instance(tmp_path / "net.npz", sensing.Instance("net", problem))
    fixed = {"instance": str(tmp_path / "net.npz")}
    (task,) = Sweep("escape", {"seed": [1]}, fixed).tasks
    assert task.settings["point"] == "search"
    results = evaluate(EVALUATIONS["escape"].run, task.settings).results
    assert results is not None
    assert results["distance_before"] is results["near_truth_before"] is None


def test_solved_has_one_meaning_and_near_truth_another() -> None:
    """The published collapse of the 2×2 example ends 5e-5 from the truth: near it, not solved."""
    (task,) = Sweep("path", {"rho": [0.1]}, {"instance": "two-by-two"}).tasks
    results = evaluate(EVALUATIONS["path"].run, task.settings).results
    assert results is not None
    problem = sensing.two_by_two()
    assert results["near_truth"]
    assert results["solved"] == (results["h_final"] <= 1e-10 * problem.objective_at_zero)


def test_a_sweep_of_a_file_runs_on_another_instance(tmp_path: Path) -> None:
    file = tmp_path / "sweep.toml"
    file.write_text(
        'evaluation = "escape"\n[[grid]]\ninstance = ["two-by-two", "real-system"]\n'
        'method = ["exact"]\n[[grid]]\ninstance = ["gaussian"]\nn = [5]\nm = [6]\n'
        'seed = [0, 1]\nmethod = ["exact"]\n'
    )
    sweep = Sweep.from_toml(file, instance="gaussian:n=4,m=9,seed=2")
    (task,) = sweep.tasks
    assert (task.settings["instance"], task.settings["n"], task.settings["seed"]) == (
        "gaussian",
        4,
        2,
    )
    with pytest.raises(ValueError, match="instance: expected one of"):
        Sweep.from_toml(file, instance="nobody")
