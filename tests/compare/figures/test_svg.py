"""Figures as files: text that can be searched, colours for the dark, ticks without offsets."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure

from lift_compare import sensing
from lift_compare.compare.figures import (
    landscape,
    save_pdf,
    save_svg,
    success_rates,
    trajectory_in_plane,
)
from lift_compare.compare.figures.dark import GROUND, in_the_dark
from lift_compare.compare.figures.style import canvas, finish, line, tick_label
from lift_compare.compare.figures.svg_files import svg

KINDS = ("explicit", "exact", "truncated", "surrogate", "gd", "escape")


def drawn(title: str = "A title") -> Figure:
    fig, ax = canvas()
    for number, kind in enumerate(KINDS):
        ax.plot([0, 1], [number, 2], **line(kind, label=kind))
    finish(ax, title, r"step $t$", r"objective $h^l(w_t)\,/\,h^l(\hat w)$", "words")
    return fig


def words(element: str) -> list[str]:
    root = ElementTree.fromstring(element)
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def test_text_is_text_in_the_order_in_which_it_is_read() -> None:
    said = words(svg(drawn(), "name"))
    assert "A title" in said
    assert "step t" in said
    (y,) = (text for text in said if text.startswith("objective"))
    assert y.replace(" ", "") == "objectivehl(wt)/hl(ŵ)"
    assert "truncated" in said


def test_accents_stand_on_their_letters() -> None:
    _, ax = landscape(
        sensing.two_by_two(),
        {"gd": [[[0.1], [0.7]], [[0.0], [0.7]]]},
        jump=([[0], [0.7]], [[1], [0]]),
    )
    said = words(svg(ax.figure.figure, "name"))
    assert "stationary point X̂" in said
    assert "escape point X̌" in said


def test_gaps_within_a_formula_are_spaces() -> None:
    fig, _ = trajectory_in_plane({"gd": [[[[0.0], [1.0]], [[1.0], [0.0]]]]}, [[1.0], [0.0]])
    assert any("part along Z" in text for text in words(svg(fig, "name")))


def test_there_is_a_list_of_fonts_and_no_other(tmp_path: Path) -> None:
    text = save_svg(drawn(), tmp_path / "figure.svg").read_text(encoding="utf-8")
    assert re.findall(r'font-family[=:] ?"?([^";]*)', text) == [
        "'DejaVu Sans', Verdana, Arial, sans-serif".replace("Verdana", "'Verdana'").replace(
            "Arial", "'Arial'"
        )
    ]


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_lines_stand_out_from_either_ground(kind: str) -> None:
    colour = str(line(kind)["color"])
    assert contrast(colour, "#ffffff") >= 3
    assert contrast(in_the_dark(colour), GROUND) >= 3


def test_text_stands_out_from_either_ground() -> None:
    assert contrast(in_the_dark("#000000"), in_the_dark("#ffffff")) >= 7
    assert contrast(in_the_dark("#d9d9d9"), GROUND) < 2  # the grid stays behind


def test_every_colour_of_a_file_has_one_for_the_dark(tmp_path: Path) -> None:
    text = save_svg(drawn(), tmp_path / "figure.svg").read_text(encoding="utf-8")
    style = text[text.index("<style>") : text.index("</style>")]
    rest = text.replace(style, "")
    for what, colour in set(re.findall(r"\b(fill|stroke): (#[0-9a-f]{6})", rest)):
        assert f'[style*="{what}: {colour}"]{{{what}:{in_the_dark(colour)}!important}}' in style
    assert style.startswith("<style>@media screen and (prefers-color-scheme:dark)")


def test_a_style_of_the_user_does_not_change_the_file_nor_is_it_changed() -> None:
    with mpl.rc_context({"svg.fonttype": "path"}):
        before = dict(mpl.rcParams)
        inside = svg(drawn(), "name")
        assert dict(mpl.rcParams) == before
    assert inside == svg(drawn(), "name")


@pytest.mark.parametrize(
    ("value", "ticks", "label"),
    [
        (40000.0, [0, 40000, 80000], "40,000"),
        (0.4921875, [0.4921875, 0.492188, 0.4921885], "0.4921875"),
        (1.0002, [1.0, 1.0002, 1.0004], "1.0002"),
        (-0.5, [-1, -0.5, 0], "−0.5"),
        (0.75, [0.5, 0.75, 1.0], "0.75"),
        (2.5e-5, [0, 2.5e-5, 5e-5], r"$2.5\times10^{-5}$"),
        (2e-9, [0, 1e-9, 2e-9], r"$2\times10^{-9}$"),
        (0.0, [0, 1e-9, 2e-9], "0"),
        (3e12, [1e12, 2e12, 3e12], r"$3\times10^{12}$"),
    ],
)
def test_ticks_need_no_offset(value: float, ticks: list[float], label: str) -> None:
    assert tick_label(value, ticks) == label


def test_no_axis_has_an_offset() -> None:
    for values in ([1.0, 1.0000001], [1e9, 2e9], [1e-7, 2e-7]):
        fig, ax = canvas()
        ax.plot(values, values)
        finish(ax, "t", "x", "y", "words")
        svg(fig, "name")
        assert ax.yaxis.get_offset_text().get_text() == ""
        assert ax.xaxis.get_offset_text().get_text() == ""


def test_the_landscape_has_a_colour_bar_and_no_legend_on_the_data() -> None:
    fig, ax = landscape(sensing.two_by_two(), {"gd": [[[0.1], [0.7]], [[0.0], [0.7]]]})
    svg(fig, "name")
    (bar,) = ax.child_axes
    assert bar.get_ylabel() == "objective $h(X)$"
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().y1 < ax.get_window_extent().y0


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[3] / "docs").glob("*.svg")), ids=lambda path: path.stem
)
def test_the_figures_of_the_pages_are_as_figures_are_written_today(path: Path) -> None:
    """Text as text, a title and words, colours for the dark; architecture.svg is no figure."""
    if path.stem == "architecture":
        return
    text = path.read_text(encoding="utf-8")
    root = ElementTree.fromstring(text.encode())
    svg_ = "{http://www.w3.org/2000/svg}"
    assert root.get("role") == "img"
    assert all(root.find(f"{svg_}{name}") is not None for name in ("title", "desc"))
    assert len(list(root.iter(f"{svg_}text"))) > 10
    assert "prefers-color-scheme:dark" in text


def test_another_ending_is_refused(tmp_path) -> None:
    figure, _ = success_rates([4, 8], {"gd": [0.5, 0.25]}, title="Rates")
    with pytest.raises(ValueError, match=r"path: expected a file that ends in \.svg, got .*x\.png"):
        save_svg(figure, tmp_path / "x.png")
    with pytest.raises(ValueError, match=r"path: expected a file that ends in \.pdf"):
        save_pdf(figure, tmp_path / "x.svg")
    assert not list(tmp_path.iterdir())
