"""Performance profiles by hand, and success against m/n."""

import math

import numpy as np
import pytest

from lift_compare.compare import figures
from lift_compare.compare.figures.rivals import profile_curves
from lift_compare.compare.figures.style import line_in_turn, text_alternative


def test_a_profile_has_the_shares_that_one_counts_by_hand() -> None:
    costs = {"a": [1.0, 10.0, math.inf, 4.0], "b": [2.0, 5.0, 3.0, math.inf]}
    figure, ax = figures.performance_profile(costs, largest=100.0)
    lines = {line.get_label(): line for line in ax.get_lines()}
    for name, at_one, at_two in (("a", 2 / 4, 3 / 4), ("b", 2 / 4, 3 / 4)):
        tau, share = lines[name].get_xdata(), lines[name].get_ydata()
        assert share[tau <= 1].max() == at_one
        assert share[tau <= 2].max() == at_two
        assert share[-1] == 3 / 4
    assert "a: 0.50 at 1, 0.75 at 100." in text_alternative(figure)


def test_a_problem_that_nobody_solves_counts_for_nobody() -> None:
    _, ax = figures.performance_profile({"a": [math.inf, 2.0], "b": [math.inf, 2.0]})
    for line in ax.get_lines():
        assert np.max(line.get_ydata()) == 0.5


@pytest.mark.parametrize("costs", [{}, {"a": []}, {"a": [1.0], "b": []}, {"a": [0.0]},
                                   {"a": [math.nan]}])  # fmt: skip
def test_costs_that_are_none_are_refused(costs) -> None:
    with pytest.raises(ValueError, match="costs: expected"):
        figures.performance_profile(costs)


def cell(rival: str, m: int, solved: int | None, **more: object) -> dict:
    start = {"instance": "gaussian", "n": 4, "rank": 1, "start": "random", "runs": 5}
    return {**start, "rival": rival, "m": m, "solved": solved, **more}


def test_success_has_a_panel_for_each_size_and_rank() -> None:
    cells = [cell("gd", 4, 1), cell("gd", 8, 5), cell("any", 8, 4), cell("gd", 6, 2, rank=2)]
    cells += [cell("gd", 4, 1, start="point"), cell("sdp", 4, None)]
    _, axes = figures.rival_success(cells)
    assert [ax.get_title("left") for ax in axes] == ["$n = 4$, rank 1", "$n = 4$, rank 2"]
    drawn = {line.get_label(): line for line in axes[0].get_lines()}
    np.testing.assert_allclose(drawn["gd"].get_ydata(), [0.2, 1.0])
    np.testing.assert_allclose(drawn["any"].get_ydata(), [0.8])
    assert "sdp" not in drawn
    with pytest.raises(ValueError, match="cells: expected families"):
        figures.rival_success([cell("gd", 4, 1, start="point")])


def test_as_many_curves_as_there_are_rivals_look_different() -> None:
    looks = [line_in_turn(number) for number in range(30)]
    keys = ("color", "linestyle", "marker", "markerfacecolor")
    seen = {tuple(str(look.get(key, look["color"])) for key in keys) for look in looks}
    assert len(seen) == 30
    _, ax = figures.performance_profile({str(i): [1.0 + i, 2.0] for i in range(8)})
    drawn = {(x.get_color(), x.get_linestyle(), x.get_mfc()) for x in ax.get_lines()}
    assert len(drawn) == 8


def test_curves_counted_before_are_drawn_as_the_costs_are() -> None:
    costs = {"gd": [40.0, float("inf"), 20.0], "restarts": [60.0, 900.0, 20.0]}
    figure, ax = figures.performance_profile(costs, title="T")
    counted = {"gd": ([1.0], [2]), "restarts": ([1.0, 1.5], [2, 3])}
    again, same = profile_curves(counted, 3, title="T")
    assert figures.text_alternative(figure) == figures.text_alternative(again)
    for one, other in zip(ax.get_lines(), same.get_lines(), strict=True):
        np.testing.assert_array_equal(np.unique(one.get_xydata(), axis=0), other.get_xydata())
