"""Any sweep as a figure: every row is seen, those without a number as what they are."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pandas
import pytest

from lift_compare.compare import figures
from lift_compare.compare.figures import sweep_figure, text_alternative
from lift_compare.sensing import InvalidInput

ROWS: list[dict[str, Any]] = [
    {"status": "done", "order": order, "rho": rho, "h": order * rho, "good": order > 3}
    for order in (3, 5, 7)
    for rho in (0.01, 1.0)
]


def spoilt() -> list[dict[str, Any]]:
    rows = [dict(row) for row in ROWS]
    for row, status in zip(rows, ("failed", "refused", "done", "interrupted"), strict=False):
        row |= {"status": status, "h": None}
    return rows


def test_a_line_for_each_value_of_a_second_setting() -> None:
    figure, ax = sweep_figure(ROWS, "order", "h", by="rho", title="Orders")
    lines = ax.get_lines()
    assert [list(line.get_xdata()) for line in lines] == [[3, 5, 7]] * 2
    assert list(lines[1].get_ydata()) == [3, 5, 7]
    assert [line.get_label() for line in lines] == ["rho = 0.01", "rho = 1"]
    looks = {(line.get_color(), line.get_marker(), str(line.get_linestyle())) for line in lines}
    assert len(looks) == 2
    assert ax.get_xlabel() == "lifting order l"
    assert ax.get_yscale() == "log"  # 0.03 to 7
    said = text_alternative(figure)
    assert "Least: 0.03 at order = 3, rho = 0.01." in said
    assert "Largest: 7 at order = 7, rho = 1." in said


def test_rows_without_a_number_are_marked_and_counted() -> None:
    for kind in figures.sweep.KINDS:
        figure, ax = sweep_figure(spoilt(), "order", "h", by="rho", kind=kind)
        legend = ax.get_legend()
        assert legend is not None
        texts = " ".join(text.get_text() for text in legend.get_texts())
        said = text_alternative(figure)
        for state, place in {
            "failed": "order = 3, rho = 0.01",
            "refused": "order = 3, rho = 1",
            "no value": "order = 5, rho = 0.01",
            "missing": "order = 5, rho = 1",
        }.items():
            assert f"{state}: 1" in texts
            assert f"{state.capitalize()}: {place}." in said
        figures.text_alternative(figure)


def test_a_map_has_a_cell_for_every_place_and_says_what_was_not_run() -> None:
    figure, ax = sweep_figure(ROWS[:-1], "order", "h", by="rho", kind="map")
    image = ax.get_images()[0].get_array()
    assert image.shape == (2, 3)
    assert image[0, 1] == pytest.approx(0.05)
    assert image.mask[1, 2]
    assert "not run: 1" in [text.get_text() for text in ax.get_legend().get_texts()]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["3", "5", "7"]
    assert len(figure.axes) == 2  # the colour bar


def test_frames_words_and_truth_values() -> None:
    frame = pandas.DataFrame(ROWS)
    frame.loc[0, "h"] = math.nan
    figure, ax = sweep_figure(frame, "order", "h", where={"rho": 0.01})
    assert "No value: order = 3." in text_alternative(figure)
    _, ax = sweep_figure(ROWS, "rho", "good", by="order")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["no", "yes"]
    words = [{"method": name, "h": k + np.float64(1)} for k, name in enumerate(("exact", "any"))]
    _, ax = sweep_figure(words, "method", "h")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["exact", "any"]


def test_it_draws_on_axes_that_are_given_and_becomes_a_file(tmp_path: Any) -> None:
    figure, ax = sweep_figure(spoilt(), "order", "h", by="rho", title="All")
    again, same = sweep_figure(ROWS, "order", "h", by="rho", ax=ax)
    assert (again, same) == (figure, ax)
    for kind in ("lines", "map"):
        figure, _ = sweep_figure(spoilt(), "order", "h", by="rho", kind=kind)
        assert "Refused" in figures.save_svg(figure, tmp_path / f"{kind}.svg").read_text()
        path = figures.save_pdf(figure, tmp_path / f"{kind}.pdf")
        assert path.read_bytes().startswith(b"%PDF")


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no rows": ({"rows": []}, "rows: "),
    "a number": ({"rows": 3}, "rows: "),
    "x": ({"x": "ordr"}, "x: .*did you mean 'order'"),
    "y": ({"y": "hh"}, "y: "),
    "by": ({"by": "rh"}, "by: .*did you mean 'rho'"),
    "words": ({"y": "status", "by": "rho"}, "y: expected a result with numbers"),
    "kind": ({"kind": "maps"}, "kind: .*did you mean 'map'"),
    "a map of one": ({"kind": "map"}, "by: "),
    "the same twice": ({"by": "order"}, "x, y, by: "),
    "several rows at a place": ({}, "rows: .*they differ in rho"),
    "where": ({"where": {"rh": 1}}, "where: .*did you mean 'rho'"),
    "no such value": ({"where": {"rho": 2}}, "where: .*there are 0.01, 1"),
}


@pytest.mark.parametrize("name", BAD)
def test_refusals_name_the_argument(name: str) -> None:
    given = {"rows": ROWS, "x": "order", "y": "h", **BAD[name][0]}
    with pytest.raises(InvalidInput, match=f"^{BAD[name][1]}"):
        sweep_figure(**given)


@pytest.mark.parametrize("kind", figures.sweep.KINDS)
@pytest.mark.parametrize(
    ("low", "high", "h"), [(1e-300, 1e300, 1e300), (5e-324, 1.0, 1e-310), (1.0, 1.7e308, -1e308)]
)
def test_what_no_axis_holds_is_marked_or_stands_side_by_side(
    tmp_path: Any, kind: str, low: float, high: float, h: float
) -> None:
    values = {low: 3.0, 1e-3: h, high: 7.0}
    rows = [
        {"status": "done", "rho": rho, "order": order, "h": value}
        for rho, value in values.items()
        for order in (3, 5)
    ]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        figure, ax = sweep_figure(rows, "rho", "h", by="order", kind=kind)
        figures.save_svg(figure, tmp_path / "far.svg")
    ticks = [label.get_text() for label in ax.get_xticklabels()]
    assert ticks == [f"{value:.4g}" for value in sorted(values)]
    assert "Off the axis: rho = 0.001, order = 3" in text_alternative(figure)
    legend = ax.get_legend()
    assert legend is not None
    assert "off the axis: 2" in " ".join(text.get_text() for text in legend.get_texts())
