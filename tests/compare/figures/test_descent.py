"""Landscape, panels, trajectories and success rates: what is drawn is what was given, and the
words say so."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from lift_compare import sensing
from lift_compare.compare.figures import panels, plane, success, trajectory
from lift_compare.compare.figures.style import canvas, describe, finish, line, text_alternative
from lift_compare.compare.figures.svg_files import svg
from lift_compare.sensing import gradient_descent
from lift_compare.sensing.descent_result import History


def history(values: list[float], *, distance: bool = True) -> History:
    array = np.array(values)
    return History(array, 2 * array, 3 * array if distance else None)


def lines(ax: mpl.axes.Axes) -> dict[str, np.ndarray]:
    return {str(drawn.get_label()): np.asarray(drawn.get_xydata()) for drawn in ax.get_lines()}


# The style


def test_the_kinds_of_lines_differ_in_more_than_colour() -> None:
    kinds = ("explicit", "exact", "truncated", "surrogate", "gd", "escape")
    assert len({line(kind)["color"] for kind in kinds}) == len(kinds)
    assert len({line(kind)["marker"] for kind in kinds}) == len(kinds)
    assert line("gd", linewidth=5.0)["linewidth"] == 5.0
    assert "markevery" not in line("gd", marker="")


def test_drawing_leaves_the_settings_and_the_canvas_of_the_user_alone() -> None:
    before = dict(mpl.rcParams)
    figure = Figure()
    ax = figure.add_subplot()
    kept = figure.canvas
    same, drawn = canvas(ax)
    assert same is figure
    assert drawn is ax
    ax.semilogy([0, 1], [1e-3, 1e3])
    finish(ax, "t", "x", "y", "words")
    svg(figure, "name")
    assert figure.canvas is kept
    assert dict(mpl.rcParams) == before


def test_two_axes_of_one_figure_each_bring_their_words() -> None:
    figure = Figure()
    describe(figure.add_subplot(1, 2, 1), "left\n  side.")
    describe(figure.add_subplot(1, 2, 2), "right side.")
    assert text_alternative(figure) == "left side. right side."


def test_powers_of_ten_are_written_as_such() -> None:
    _, ax = canvas()
    ax.semilogy([0, 1], [1e-5, 1e2])
    finish(ax, "t", "x", "y", "words")
    assert ax.yaxis.get_major_formatter()(1e-5) == "$10^{-5}$"
    assert ax.yaxis.get_major_formatter()(100.0) == "$10^{2}$"
    assert ax.yaxis.get_major_formatter()(30.0) == "30"
    assert ax.yaxis.get_major_formatter()(np.inf) == "inf"  # ticks reach beyond float64


@pytest.mark.parametrize(("scale", "value"), [("log", 0.0), ("log", -1.0), ("linear", np.nan)])
def test_a_curve_of_which_nothing_can_be_drawn_does_not_stop_the_figure(scale, value) -> None:
    fig, ax = canvas()
    ax.plot([0, 1, 2], [value] * 3, **line("exact", label="exact"))
    ax.plot([0, 1, 2], [1.0, 2.0, 3.0], **line("explicit", label="explicit"))
    ax.set_yscale(scale)
    finish(ax, "t", "x", "y", "words")
    assert svg(fig, "nothing-drawn").startswith("<svg")


# The landscape


def test_the_landscape_shows_the_paths_and_the_jump() -> None:
    problem = sensing.two_by_two()
    path = np.array([[[0.0], [0.7]], [[0.25], [0.5]]])
    _, ax = plane.landscape(
        problem, {"gd": path, "mine": path + 0.1}, jump=(path[0], np.array([[1.2], [0.0]]))
    )
    drawn = lines(ax)
    np.testing.assert_array_equal(drawn["gradient descent"], path[:, :, 0])
    np.testing.assert_array_equal(drawn["mine"], path[:, :, 0] + 0.1)
    np.testing.assert_array_equal(drawn[r"escape point $\check X$"], [[1.2, 0.0]])
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    h = problem.objective(np.array([[1.2], [0.0]]))
    assert f"to (1.200, 0.000) with h = {h:.4g}" in words
    assert "gradient descent: 1 steps from (0.000, 0.700) to (0.250, 0.500)" in words
    assert ax.get_aspect() == 1


def test_a_jump_far_out_leaves_the_landscape_as_it_is_and_is_told() -> None:
    near = {"gd": np.array([[[0.1], [0.7]], [[0.0], [0.7]]])}
    X = np.array([[0.0], [0.7]])
    jumps = [(X, np.array([[size], [0.0]])) for size in (1.0, 3e17)]
    (_, ax), (_, far) = (plane.landscape(sensing.two_by_two(), near, jump=jump) for jump in jumps)
    assert far.get_xlim()[1] < 2
    assert ax.get_xlim()[1] > 1
    said = text_alternative(far.figure.figure)
    assert "to (3e+17, 0) with h = " in said
    assert all(len(word) < 30 for word in said.split())


def test_the_landscape_belongs_to_the_plane() -> None:
    with pytest.raises(ValueError, match="n = 2 and r = 1, got n = 3"):
        plane.landscape(sensing.real_system(), {})
    with pytest.raises(ValueError, match=r"paths\['gd'\]"):
        plane.landscape(sensing.two_by_two(), {"gd": np.zeros((4, 3, 1))})


# The panels


@pytest.mark.parametrize(
    ("quantity", "factor"), [("objective", 1), ("gradient_norm", 2), ("distance", 3)]
)
def test_histories_join_the_phases_and_mark_the_escape(quantity: str, factor: int) -> None:
    runs = {
        "gd": [history([8.0, 4.0, 2.0])],
        "escape": [history([8.0, 4.0]), history([1.0, 0.5, 0.25])],
    }
    _, ax = panels.histories(runs, quantity, title="T", labels={"gd": "alone"})
    drawn = lines(ax)
    np.testing.assert_allclose(drawn["alone"], [[0, 8 * factor], [1, 4 * factor], [2, 2 * factor]])
    np.testing.assert_allclose(drawn["escape"], [[0, 8 * factor], [1, 4 * factor]])
    points = [np.asarray(line_.get_xydata()) for line_ in ax.get_lines()]
    assert any(
        np.array_equal(p, [[1, factor], [2, 0.5 * factor], [3, 0.25 * factor]]) for p in points
    )
    rings = [
        p
        for line_, p in zip(ax.get_lines(), points, strict=True)
        if line_.get_marker() == "o" and len(p) == 1
    ]
    np.testing.assert_allclose(rings, [[[1, factor]]])
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert f"escape at iteration 1: {4 * factor} becomes {factor}." in words
    assert ax.get_yscale() == "log"


def test_an_escape_far_above_all_else_leaves_the_rest_in_sight() -> None:
    runs = {
        "gd": [history([3.0, 2.0])],
        "truncated": [history([3.0, 2.0]), history([1e79, 1e30, 1e-3])],
    }
    figure, ax = panels.histories(runs, "objective")
    low, high = ax.get_ylim()
    assert low < 1e-3
    assert 3 < high < 1e6
    assert "truncated reaches 1e+79" in text_alternative(figure)
    assert any("10^{79}" in note.get_text() for note in ax.texts)
    tame = {"gd": [history([3.0, 2.0])], "truncated": [history([3.0, 2.0]), history([3e5, 2e5])]}
    assert panels.histories(tame, "objective")[1].get_ylim()[1] > 3e5


def test_norms_that_grow_without_bound_are_drawn_from_their_start() -> None:
    grown = np.array([[1.0, 0.1, 0.1], [1.0, 1e20, 1e30], [1.0, 1e40, 1e59]])
    _, ax = panels.term_norms(grown)
    assert all(np.isfinite(curve.get_ydata()).all() for curve in ax.get_lines())


def test_the_plane_keeps_its_frame_when_an_escape_is_thrown_far_away() -> None:
    Z, walk = np.array([[1.0], [0.0]]), np.array([[[0.0], [1.0]], [[0.2], [0.8]]])
    runs = {"gd": [walk], "truncated": [walk, np.array([[[1e19], [1e18]], [[0.9], [0.1]]])]}
    figure, ax = trajectory.trajectory_in_plane(runs, Z)
    figure.canvas.draw()
    assert max(map(abs, ax.get_xlim() + ax.get_ylim())) < 3
    assert "out of the frame, to a point of norm 1e+19" in text_alternative(figure)


def test_unbroken_phases_have_no_ring() -> None:
    runs = {"gd": [history([8.0, 4.0]), history([4.0, 2.0])]}
    _, ax = panels.histories(runs, "objective", unbroken=["gd"])
    assert not [drawn for drawn in ax.get_lines() if drawn.get_marker() == "o"]


def test_a_line_ends_where_its_values_are_rounding_and_the_words_say_so() -> None:
    _, ax = panels.histories({"gd": [history([1.0, 1e-3, 1e-30, 0.0])]}, "objective", title="T")
    np.testing.assert_allclose(lines(ax)["gd"][:, 1], [1.0, 1e-3, np.nan, np.nan])
    assert "lines end where they fall below 1e-12" in text_alternative(ax.figure)  # type: ignore[arg-type]


def test_runs_on_one_line_are_told_apart_by_their_width() -> None:
    same = [history([8.0, 4.0, 2.0])]
    _, ax = panels.histories({"gd": same, "truncated": same, "exact": same}, "objective")
    widths = [drawn.get_linewidth() for drawn in ax.get_lines()]
    assert widths == sorted(widths, reverse=True)
    assert np.all(np.diff(widths) < -1)


def test_histories_refuse_what_they_cannot_draw() -> None:
    with pytest.raises(ValueError, match="quantity: expected one of objective"):
        panels.histories({"gd": [history([1.0])]}, "speed")
    with pytest.raises(ValueError, match="no ground truth is known"):
        panels.histories({"gd": [history([1.0], distance=False)]}, "distance")


def test_objectives_are_drawn_in_units_of_their_value_at_the_start() -> None:
    curves = {
        "a": ("exact", np.array([4.0, 4.0, 2.0])),
        "b": ("surrogate", np.array([0.5, 0.6, 0.7])),
    }
    _, ax = panels.lifted_objectives(curves, steps={"a": np.array([0, 100])}, title="T")
    np.testing.assert_allclose(lines(ax)["a"], [[0, 1.0], [100, 0.5]])
    np.testing.assert_allclose(lines(ax)["b"], [[0, 1.2], [1, 1.4]])
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert "2 after 100 steps (below its value at ŵ)" in words
    assert "0.7 after 1 steps (not below its value at ŵ)" in words


def test_norms_of_the_terms_leave_zeros_out() -> None:
    norms = np.array([[3.0, 1.0, 0.0], [3.0, 2.0, 1.0]])
    _, ax = panels.term_norms(norms, title="T")
    drawn = list(lines(ax).values())
    np.testing.assert_array_equal(drawn[0][:, 1], [3.0, 3.0])
    assert np.isnan(drawn[2][0, 1])
    assert "hidden, |γ| ‖c‖: 0 at the start, 1 at the end." in text_alternative(ax.figure)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="norms"):
        panels.term_norms(np.zeros((4, 2)))


@pytest.mark.parametrize("count", [1, 2, 399, 400, 401, 59001])
def test_thinned_indices_keep_both_ends(count: int) -> None:
    kept = panels.thinned(count)
    assert kept[0] == 0
    assert kept[-1] == count - 1
    assert len(kept) == min(count, 400)
    assert np.all(np.diff(kept) > 0)


# The trajectories


def test_the_plane_shows_the_part_along_the_truth_and_the_rest() -> None:
    Z = np.array([[3.0], [0.0], [4.0]])
    path = np.array([[[3.0], [1.0], [4.0]], [[6.0], [0.0], [8.0]]])
    _, ax = trajectory.trajectory_in_plane({"gd": [path], "escape": [path, -path]}, Z, title="T")
    np.testing.assert_allclose(lines(ax)["gd"], [[5.0, 1.0], [10.0, 0.0]], atol=1e-12)
    np.testing.assert_allclose(lines(ax)[r"ground truth $\pm Z$"], [[-5.0, 0.0], [5.0, 0.0]])
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert "Escape from (10.000, 0.000) to (-5.000, 1.000)." in words


def test_space_shows_the_entries_on_one_scale() -> None:
    problem = sensing.real_system()
    assert problem.ground_truth is not None
    points: list[np.ndarray] = []
    start = np.array([[0.3], [0.1], [0.9]])
    gradient_descent(
        problem, start, step_size=0.1, max_iterations=5, callback=lambda _, X, *__: points.append(X)
    )
    walk = np.array(points)
    _, ax = trajectory.trajectory_in_space(
        {"gd": [walk], "escape": [walk, walk + 1]}, problem.ground_truth, title="T"
    )
    space: object = ax
    spans = [np.ptp(getattr(space, f"get_{axis}lim")()) for axis in "xyz"]
    np.testing.assert_allclose(spans, spans[0])
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert f"({walk[-1, 0, 0]:.3f}, {walk[-1, 1, 0]:.3f}, {walk[-1, 2, 0]:.3f})" in words
    with pytest.raises(ValueError, match="runs"):
        trajectory.trajectory_in_space({"gd": [np.zeros((3, 2, 1))]}, problem.ground_truth)


# The success rates


def test_published_rates_are_open_markers_beside_ours() -> None:
    _, ax = success.success_rates(
        [40, 50],
        {"gd": [0.5, 0.25]},
        published={"gd": [0.6, None]},
        labels={"gd": "alone"},
        title="T",
    )
    drawn = {str(each.get_label()): each for each in ax.get_lines()}
    np.testing.assert_array_equal(drawn["alone, computed here"].get_ydata(), [0.5, 0.25])
    assert drawn["alone, published"].get_markerfacecolor() == "none"
    assert drawn["alone, published"].get_linestyle() == "None"
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert "alone, published: 0.60 at n = 40." in words


@pytest.mark.parametrize("rates", [[0.5], [0.5, 1.2], [-0.1, 0.5]])
def test_rates_must_be_rates_and_one_for_each_size(rates: list[float]) -> None:
    with pytest.raises(ValueError, match=r"rates\['gd'\]"):
        success.success_rates([40, 50], {"gd": rates})


def test_trials_count_who_reaches_the_truth() -> None:
    reached = [history([3.0, 1.0]), history([0.1, 1e-5])]
    trapped = [history([3.0, 2.0])]
    _, ax = success.trial_distances([reached, trapped, reached], kind="escape", title="T")
    words = text_alternative(ax.figure)  # type: ignore[arg-type]
    assert "2 escapes on the way" in words
    assert "2 end below 0.01, the other 1 between 6 and 6." in words
    assert "longest makes 2 iterations" in words
    with pytest.raises(ValueError, match="distance"):
        success.trial_distances([[history([1.0], distance=False)]])
