"""The report page: what is in it, and how a browser takes it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lift_compare.compare.figures.style import canvas, finish, line
from lift_compare.compare.figures.svg_files import save_svg, svg
from lift_compare.compare.reproduction.report import (
    Difference,
    Drawing,
    Section,
    Sheet,
    report_html,
)
from lift_compare.compare.tables import Column
from tests.compare.reproduction.chromium import EXECUTABLE, Browser, chromium

PROVENANCE = {"seed": 3, "versions": {"python": "3.x"}, "date": "2026-01-01"}
needs_chromium = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium is installed here")


def drawing(name: str, words: str = "A line from (0, 0) to (1, 2).") -> Drawing:
    fig, ax = canvas()
    ax.plot([0, 1], [0, 2], label="a line", **line("exact"))
    ax.fill_between([0, 1], [0, 2], hatch="//", alpha=0.2)  # a hatch is a pattern with an id
    finish(ax, "A line", "x", "y", words)
    return Drawing(name, svg(fig, name), f"The caption of {name}")


def page(**more: object) -> str:
    numbers = Sheet(
        "Some <numbers>",
        [Column("a", "a"), Column("b", "b & c")],
        [{"a": 1.5, "b": "<b>"}, {"a": None}],
    )
    differs = Difference("one", "A title", "0.5 was printed", "0.25 was computed", "by hand", True)
    agrees = Difference(
        "two", "Another title", "0.5 was printed", "0.5 was computed", "by hand", False
    )
    wide = Sheet(
        "Wide",
        [Column(str(i), f"column {i}") for i in range(30)],
        [{str(i): i * 1.001 for i in range(30)}],
    )
    sections = [
        Section(
            "First part",
            ["Text with <script>alert(1)</script> in it.", drawing("one"), drawing("two"), numbers],
        ),
        Section("Second part", [differs, agrees, wide]),
    ]
    return report_html("A report", ["In short."], sections, {**PROVENANCE, **more})


class Reader(HTMLParser):
    """Checks that tags close in order, and collects them."""

    VOID = ("meta", "link", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader


def test_the_page_is_well_formed_and_semantic() -> None:
    text = page()
    seen = read(text).seen
    tags = [tag for tag, _ in seen]
    assert ("html", {"lang": "en"}) in seen
    assert tags.count("h1") == 1
    assert tags.count("main") == 1
    assert tags.count("figure") == tags.count("figcaption") == 2
    assert tags.count("caption") == tags.count("table") == 3
    anchors = {attributes.get("id") for tag, attributes in seen if tag == "h2"}
    links = [attributes["href"] for tag, attributes in seen if tag == "a"]
    assert links == ["#first-part", "#second-part", "#versions-seeds-and-machine"]
    assert {str(link)[1:] for link in links} <= anchors
    assert "script" not in tags
    assert "&lt;script&gt;" in text


def test_every_svg_has_a_role_and_a_text_alternative() -> None:
    images = [attributes for tag, attributes in read(page()).seen if tag == "svg"]
    assert len(images) == 2
    for attributes in images:
        assert attributes["role"] == "img"
        assert attributes["aria-label"] == "A line from (0, 0) to (1, 2)."


def test_ids_are_unique_and_every_reference_finds_one() -> None:
    text = page()
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    references = re.findall(r'href="#([^"]+)"', text) + re.findall(r"url\(#([^)]+)\)", text)
    assert any("use" in tag for tag in text.split("<"))
    assert set(references) <= set(ids)
    assert {name.split("-")[0] for name in re.findall(r"url\(#([^)]+)\)", text)} == {"one", "two"}


def test_nothing_in_the_page_points_elsewhere() -> None:
    text = re.sub(r'xmlns(:xlink)?="http://www.w3.org/[^"]*"', "", page())
    assert "http" not in text.replace("http-equiv", "")
    assert "@import" not in text


def test_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"distinct names .* same"):
        report_html("t", [], [Section("Same"), Section("same")], PROVENANCE)
    with pytest.raises(ValueError, match="distinct names"):
        report_html("t", [], [Section("One", [drawing("x"), drawing("x")])], PROVENANCE)


def test_the_text_says_whether_numbers_differ() -> None:
    text = page()
    assert text.count("They differ.") == 1
    assert text.count("They agree.") == 1
    assert "<td>–</td>" in text  # a missing value is shown as missing


def test_a_figure_alone_is_a_file_with_its_text(tmp_path: Path) -> None:
    fig, ax = canvas()
    finish(ax, "T", "x", "y", 'a < b & "c"')
    path = save_svg(fig, tmp_path / "deep" / "a-figure.svg")
    root = ElementTree.parse(path).getroot()
    assert root.attrib["aria-label"] == 'a < b & "c"'
    assert root.find("{http://www.w3.org/2000/svg}desc").text == 'a < b & "c"'  # type: ignore[union-attr]
    assert path.read_bytes() == save_svg(fig, tmp_path / "a-figure.svg").read_bytes()


def test_a_figure_without_a_text_alternative_is_refused() -> None:
    fig, _ = canvas()
    with pytest.raises(ValueError, match="text alternative"):
        svg(fig, "name")
    with pytest.raises(ValueError, match="name: expected"):
        svg(fig, "two words")


# The browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@needs_chromium
def test_the_browser_notices_requests_and_errors(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><title>bad</title><img src='https://example.invalid/picture.png' alt=''>"
        "<link rel='stylesheet' href='other.css'>"
        "<script>console.error('said aloud'); undefined_name()</script>"
    )
    visit = browser.open(bad)
    assert "https://example.invalid/picture.png" in visit.requests
    assert any(request.endswith("/other.css") for request in visit.requests)
    assert any("said aloud" in error for error in visit.errors)
    assert any("Uncaught" in error for error in visit.errors)


@needs_chromium
def test_the_browser_tells_a_named_image_from_a_nameless_one(
    browser: Browser, tmp_path: Path
) -> None:
    mixed = tmp_path / "mixed.html"
    mixed.write_text(
        "<!doctype html><title>t</title><svg role=img aria-label=words></svg><svg role=img></svg>"
    )
    assert sorted(name for _, name in browser.open(mixed).accessible("image", "img")) == [
        "",
        "words",
    ]


@needs_chromium
@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1200, False)])
def test_the_page_loads_silently_and_fits_the_width(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(), encoding="utf-8")
    visit = browser.open(path, width=width, dark=dark)
    assert visit.requests == []
    assert visit.errors == []
    assert visit.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.evaluate(
        "[...document.querySelectorAll('.scroll')].some(box => box.scrollWidth > box.clientWidth)"
    )
    background = visit.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, re.findall(r"\d+", background)[:3])) < 80) == dark
    # Figures keep their light ground in the dark, or their black lines would vanish.
    assert (
        visit.evaluate("getComputedStyle(document.querySelector('svg')).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    images = visit.accessible("image", "img")
    assert len(images) == 2
    assert all(name for _, name in images)
