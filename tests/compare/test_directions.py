"""Explicit and exactly simulated lifted descent are the same path: the central claim of the toolkit."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.compare import compare_directions
from lift_compare.compare.__main__ import main
from lift_compare.compare.published import PUBLISHED
from lift_compare.compare.published_comparison import compare_published
from lift_compare.simulated import descend
from tests.catalogue import entrywise, rank_one


def stationary(problem: sensing.SensingProblem, seed: int) -> np.ndarray:
    start = np.random.default_rng(seed).standard_normal(problem.shape)
    rough = sensing.gradient_descent(
        problem, start, step_size=sensing.Backtracking(), max_iterations=3000, tolerance=1e-6
    )
    return sensing.polish(problem, rough.point)


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("order", [1, 3, 5])
def test_the_published_instances(name: str, order: int) -> None:
    instance = PUBLISHED[name]
    problem = instance.build()
    X = sensing.polish(problem, instance.stationary_point())
    comparison = compare_directions(
        problem, X, order, rho=instance.rho, eta=instance.eta, steps=100, costs=False
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


def test_a_wrong_simulation_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(*args, **kwargs):
        path = descend(*args, **kwargs)
        return replace(path, coefficients=path.coefficients * np.array([1, 1 + 1e-7, 1]))

    monkeypatch.setattr("lift_compare.simulated.descend", wrong)
    problem = sensing.real_system()
    X = sensing.polish(problem, PUBLISHED["real-system"].stationary_point())
    comparison = compare_directions(problem, X, 3, rho=0.1, eta=0.1, steps=50, costs=False)
    assert comparison.coefficient_error > 1e-10
    assert not comparison.agree
    assert "DISAGREE" in repr(comparison)


def test_measures_of_the_free_path_are_those_of_the_tensors() -> None:
    """Span capture and principal angle, recomputed with plain linear algebra from explicit tensors."""
    problem = sensing.real_system()
    X = sensing.polish(problem, PUBLISHED["real-system"].stationary_point())
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
    X = sensing.polish(problem, PUBLISHED["real-system"].stationary_point())
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


def test_a_diverging_step_is_compared_up_to_its_last_finite_iterate() -> None:
    problem = sensing.real_system()
    X = sensing.polish(problem, PUBLISHED["real-system"].stationary_point())
    comparison = compare_directions(
        problem, X, 1, rho=0.1, eta=40.0, steps=500, costs=False, oracle=False
    )
    assert comparison.explicit.stop_reason is lifting.LiftedStopReason.DIVERGED
    assert comparison.steps < 500
    numbers = [value for value in comparison.row().values() if isinstance(value, float)]
    assert all(math.isfinite(value) for value in numbers)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"order": 4}, ValueError, "order: expected an odd"),
        ({"rho": 0.0}, ValueError, "rho"),
        ({"eta": -0.1}, ValueError, "eta"),
        ({"steps": 0}, ValueError, "steps"),
        ({"steps": 1.5}, TypeError, "steps"),
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


class TestMainJob:
    def test_rows_refusals_and_findings(self) -> None:
        result = compare_published(orders=(3,), memory_limit=20_000, costs=False)
        status = {(row["instance"], row["order"]): row["status"] for row in result.rows}
        assert set(status) == {
            ("two-by-two", 3),
            ("perturbed-completion", 3),
            ("perturbed-completion", 11),
            ("real-system", 3),
            ("real-system", 5),
        }
        assert status["two-by-two", 3] == "compared"
        assert status["perturbed-completion", 11].startswith("refused: needs ")
        assert status["perturbed-completion", 11].endswith(" bytes, 20000 allowed")
        assert "l = 11: refused: needs" in result.table()
        # The real system: no negative curvature along b at any order; the rule of the code holds by
        # the surrogate only.
        findings = " ".join(
            sentence for sentence in result.findings if sentence.startswith("real-system")
        )
        assert "NO negative lifted curvature" in findings
        assert "does NOT hold by the code with the exact objective" in findings
        assert "holds by the code with the diagonal surrogate" in findings
        for row in result.rows:
            assert all(math.isfinite(value) for value in row.values() if isinstance(value, float))
        # Every escape of the exact simulation at the published order of the first two decreases h.
        for row in result.rows:
            if row["published_order"] and row["instance"] != "real-system":
                assert row["h_exact"] < row["h_stationary"]

    def test_unknown_instances_are_refused(self) -> None:
        with pytest.raises(ValueError, match="instances: expected names among"):
            compare_published(instances=["three-by-three"])


class TestCommand:
    def test_it_writes_the_table_and_the_figures(
        self, tmp_path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = main(
            ["directions", "--instance", "two-by-two", "--orders", "3", "5", "--out", str(tmp_path)]
        )
        printed = capsys.readouterr().out
        assert code == 0
        assert "coefficient error, explicit vs exact" in printed
        document = json.loads((tmp_path / "directions.json").read_text())
        assert document["provenance"]["versions"]["numpy"] == np.__version__
        assert [row["order"] for row in document["rows"]] == [3, 5]
        assert (tmp_path / "directions.csv").read_text().startswith("instance,order")
        for name in ("two-by-two-objective", "two-by-two-coefficients", "step-cost"):
            svg = (tmp_path / f"{name}.svg").read_text()
            assert 'role="img"' in svg
            assert "aria-label=" in svg

    def test_json_and_csv_go_to_standard_output(
        self, tmp_path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = [
            "directions",
            "--instance",
            "two-by-two",
            "--orders",
            "3",
            "--out",
            str(tmp_path),
        ]
        assert main([*arguments, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["rows"][0]["instance"] == "two-by-two"
        assert main([*arguments, "--csv"]) == 0
        assert capsys.readouterr().out.startswith("instance,")

    def test_a_disagreement_is_exit_code_1(self, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "lift_compare.compare.published_comparison.PublishedComparison.agree", False
        )
        assert main(["--instance", "two-by-two", "--orders", "3", "--out", str(tmp_path)]) == 1

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--orders", "4"],
            ["--orders", "0"],
            ["--orders", "three"],
            ["--instance", "unknown"],
            ["--memory-limit", "0"],
            ["--no-such-option"],
            ["nonsense"],
        ],
    )
    def test_bad_usage_is_exit_code_2_and_writes_nothing(self, arguments, tmp_path, capsys) -> None:
        if arguments != ["nonsense"]:
            arguments = ["directions", *arguments, "--out", str(tmp_path / "out")]
        assert main(arguments) == 2
        assert capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_interruption_has_its_own_code(self, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
        def interrupted(**_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(
            "lift_compare.compare.commands.directions.compare_published", interrupted
        )
        assert main([]) == 130
        assert "interrupted" in capsys.readouterr().err

    def test_an_interrupted_run_keeps_its_finished_rows(
        self, tmp_path, monkeypatch, capsys
    ) -> None:
        made = []

        def one_only(*arguments, **settings):
            if made:
                raise KeyboardInterrupt
            made.append(compare_directions(*arguments, **settings))
            return made[0]

        monkeypatch.setattr(
            "lift_compare.compare.published_comparison.compare_directions", one_only
        )
        words = ["--instance", "two-by-two", "--orders", "3", "5", "--out", str(tmp_path)]
        assert main(["directions", *words]) == 130
        assert "interrupted" in capsys.readouterr().err
        rows = json.loads((tmp_path / "directions.json").read_text())["rows"]
        assert [row["order"] for row in rows] == [3]
