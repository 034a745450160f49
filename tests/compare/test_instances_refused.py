"""An Instance in the place of its problem is refused by name, with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lift_compare import compare, sensing, simulated
from lift_compare.compare import figures
from lift_compare.compare.cost.predicted import predicted_costs

INSTANCE: Any = sensing.instance("real-system")
X = INSTANCE.stationary_point()

OF_A_PROBLEM: list[Callable[[], Any]] = [
    lambda: compare.compare_directions(INSTANCE, X, 3),
    lambda: compare.verify(INSTANCE, X, 3),
    lambda: sensing.compress(INSTANCE, X[None]),
    lambda: figures.landscape(INSTANCE, {}),
    lambda: sensing.gradient_descent_batch(INSTANCE, X[None], step_size=0.1, max_iterations=1),
    lambda: simulated.DiagonalSurrogate(INSTANCE, X[None], 3),
    lambda: simulated.leakage(INSTANCE, X[None], [1.0], 3),
    lambda: sensing.gradient_descent(INSTANCE, X, step_size=0.1, max_iterations=1),
    lambda: sensing.polish(INSTANCE, X),
    lambda: sensing.relative_gradient_norm(INSTANCE, X),
    lambda: sensing.spurious_point(INSTANCE),
    lambda: simulated.GeneratorObjective(INSTANCE, 3),
    lambda: simulated.SpanObjective(INSTANCE, X[None], 3),
    lambda: simulated.curvature_along(INSTANCE, X, X, 3),
    lambda: simulated.escape(INSTANCE, X),
    lambda: simulated.escape_directions(INSTANCE, X),
    lambda: simulated.oracle_direction(INSTANCE, X, 3),
    lambda: simulated.saddle_certificate(INSTANCE, X, 3),
    lambda: simulated.saddle_order(INSTANCE, X),
    lambda: simulated.smallest_saddle_order(INSTANCE, X),
]


@pytest.mark.parametrize("call", OF_A_PROBLEM)
def test_an_instance_is_no_problem(call: Callable[[], Any]) -> None:
    said = "problem: expected a SensingProblem, got Instance, which holds one: give its .problem"
    with pytest.raises(TypeError, match=said):
        call()


def test_an_instance_is_no_case_and_a_problem_no_instance(tmp_path: Path) -> None:
    for predict in (predicted_costs, compare.cost_grid):
        with pytest.raises(TypeError, match="cases: expected what cost_cases returns, got Inst"):
            predict([INSTANCE])
    problem: Any = INSTANCE.problem
    with pytest.raises(TypeError, match=r"instances: expected names, files or Instance objects"):
        compare.run_rivals([problem], ["gd"], tmp_path / "store.sqlite")


def test_an_instance_is_no_list_no_folder_and_no_sweep(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for call, said in (
        (lambda: compare.success_rates(INSTANCE), "sizes: expected a list of sides n"),
        (lambda: compare.success_rates([4], INSTANCE), "epsilons: expected a list of numbers"),
        (lambda: compare.compare_instances(INSTANCE), "instances: expected a list"),
        (lambda: compare.compare_instances([INSTANCE], orders=3), "orders: expected a list"),
        (lambda: compare.run_rivals(INSTANCE, ["gd"], out), "instances: expected a list"),
        (lambda: compare.run_sweep(INSTANCE, out), "sweep: expected a Sweep"),
        (lambda: compare.reproduce(INSTANCE), "out: expected a path"),
        (lambda: compare.reproduce(out, instance=INSTANCE.problem), "instance: expected an Inst"),
    ):
        with pytest.raises(TypeError, match=f"^{said}"):
            call()
    assert not out.exists()


def test_what_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no folder")
    figure, _ = figures.success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    for call, said in (
        (lambda: figures.save_svg(figure, file / "a.svg"), "path: .*a.svg cannot be written"),
        (lambda: figures.save_pdf(figure, file / "a.pdf"), "path: .*a.pdf cannot be written"),
        (lambda: compare.reproduce(file / "a"), "out: .* cannot be written"),
        (lambda: compare.run_rivals([INSTANCE], ["gd"], file / "a"), "store: cannot write beside"),
    ):
        with pytest.raises(ValueError, match=f"^{said}"):
            call()
    for save in (figures.save_svg, figures.save_pdf):
        name: Any = 3
        with pytest.raises(TypeError, match=r"^path: expected a path, got 3"):
            save(figure, name)
