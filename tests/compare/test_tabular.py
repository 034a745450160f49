"""Every result with rows is a frame, and a table in a notebook, a page and a paper."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas
import pytest

from lift_compare import compare, sensing
from lift_compare.compare.reproduction.report import Difference, Kind
from lift_compare.compare.reproduction.reproduce import Reproduction
from lift_compare.compare.tabular import Tabular

INSTANCE = sensing.instance("two-by-two")
PROBLEM, X = INSTANCE.problem, INSTANCE.stationary_point()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Any, int]]:
    """A result of each kind, with the number of its rows."""
    folder = tmp_path_factory.mktemp("tabular")
    how = {"rho": 0.1, "eta": 0.01, "steps": 5}
    sweep = compare.Sweep("path", {"eta": [0.01, 0.02]}, {"instance": "two-by-two", "steps": 5})
    checked = compare.verify(PROBLEM, X, 3)
    difference = Difference("a", "A & B", "1", "2", "h <b>", True, Kind.CONTRADICTED, "x")
    with ThreadPoolExecutor(1) as executor:
        swept = compare.run_sweep(sweep, folder / "s.db", executor=executor)
        rivals = compare.run_rivals(
            ["two-by-two"], ["gd"], folder / "r.db", runs=2, executor=executor
        )
    return {
        "Verification": (checked, len(checked)),
        "RandomVerification": (compare.verify_random(1), len(checked)),
        "InstanceComparison": (
            compare.compare_instances(["two-by-two"], orders=[3], costs=False),
            1,
        ),
        "DirectionComparison": (compare.compare_directions(PROBLEM, X, 3, **how, costs=False), 1),
        "CompressedLifting": (compare.compressed_lifting(PROBLEM, X, 3), 2),
        "RivalReport": (rivals, 2),
        "SuccessRates": (compare.success_rates([4], [0.3], starts=2, max_iterations=50), 1),
        "SweepReport": (swept, 2),
        "Ablation": (compare.ablate(PROBLEM, X, order=[3, 5], steps=5), 2),
        "Reproduction": (Reproduction(Path("report.html"), differences=[difference]), 1),
    }


NAMES = [
    *("Verification", "RandomVerification", "InstanceComparison", "DirectionComparison"),
    *("CompressedLifting", "RivalReport", "SuccessRates", "SweepReport", "Ablation"),
    "Reproduction",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_result_with_rows_in_every_form(
    name: str, results: dict[str, tuple[Any, int]]
) -> None:
    result, count = results[name]
    assert type(result).__name__ == name
    frame = result.to_frame()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == count
    assert result._repr_html_().count("<table>") == 1
    assert result.latex().isascii()
    assert "\n| " in result.markdown()


def test_a_name_in_a_result_is_escaped(results: dict[str, tuple[Any, int]]) -> None:
    result, _ = results["Reproduction"]
    assert "A &amp; B" in result._repr_html_()
    assert r"A \& B" in result.latex()


def test_without_pandas_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rows(Tabular):
        rows = ({"a": 1},)

    assert Rows().to_frame()["a"].tolist() == [1]
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"Rows\.to_frame needs pandas: .*lift-compare\[frame\]"):
        Rows().to_frame()


def test_no_public_result_with_rows_is_left_out() -> None:
    public = [getattr(compare, name) for name in compare.__all__]
    for item in public:
        if isinstance(item, type) and hasattr(item, "table"):
            assert issubclass(item, Tabular), item
