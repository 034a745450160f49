"""The report page: what is in it, and how a browser takes it."""

from __future__ import annotations

import itertools
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from lift_compare.compare.figures.mathematics import literal
from lift_compare.compare.figures.style import canvas, finish, line
from lift_compare.compare.figures.svg_files import save_svg, svg
from lift_compare.compare.reproduction.report import (
    Difference,
    Drawing,
    Kind,
    Section,
    Sheet,
    Summary,
    SummaryLine,
    report_html,
)
from lift_compare.compare.tables import Column
from tests.compare.reproduction.chromium import AXE, EXECUTABLE, Browser, chromium

PROVENANCE = {"seed": 3, "versions": {"python": "3.x"}, "date": "2026-01-01"}
needs_axe = pytest.mark.skipif(
    EXECUTABLE is None or AXE is None, reason="no Chromium or no axe-core is installed here"
)
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
    said = ("0.5 was printed", "$h^l$ = 0.25 was computed", "by hand")
    differs = Difference(
        "one", "A title", *said, True, Kind.CONVENTION, r"$\eta$ stands for $\rho$"
    )
    agrees = Difference("two", "Another title", *said, False, Kind.CONTRADICTED, "it does not hold")
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
    links = [(each.title, each.anchor) for each in (differs, agrees)]
    summary = Summary(
        ["In short: $h^l$."],
        [sections[0].items[1].again()],  # type: ignore[union-attr]
        [SummaryLine("Both", 2, links), SummaryLine("Neither", 0, [("none", None)])],
        "What was found",
    )
    return report_html("A report", summary, sections, {**PROVENANCE, **more})


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
    assert tags.count("figure") == tags.count("figcaption") == 3
    assert tags.count("caption") == tags.count("table") == 4
    anchors = {attributes.get("id") for tag, attributes in seen if tag in ("h2", "li")}
    links = [attributes["href"] for tag, attributes in seen if tag == "a"]
    found, parts = ["#difference-one", "#difference-two"], ["#first-part", "#second-part"]
    assert links == [*found, *parts, "#versions-seeds-and-machine"]
    assert {str(link)[1:] for link in links} <= anchors
    # Headings go down by one level at a time.
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert "script" not in tags
    assert "&lt;script&gt;" in text


def test_every_svg_has_a_role_and_a_text_alternative() -> None:
    images = [attributes for tag, attributes in read(page()).seen if tag == "svg"]
    assert len(images) == 3
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
    assert {name.split("-")[0] for name in re.findall(r"url\(#([^)]+)\)", text)} == {
        "one",
        "two",
        "summary",
    }


def test_nothing_in_the_page_points_elsewhere() -> None:
    text = re.sub(r'xmlns(:xlink)?="http://www.w3.org/[^"]*"', "", page())
    assert "http" not in text.replace("http-equiv", "")
    assert "@import" not in text


def test_equal_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"distinct names .* same"):
        report_html("t", Summary([]), [Section("Same"), Section("same")], PROVENANCE)
    with pytest.raises(ValueError, match="distinct names"):
        report_html("t", Summary([]), [Section("One", [drawing("x")] * 2)], PROVENANCE)


def test_the_page_opens_with_the_summary() -> None:
    text = page()
    places = [
        text.index(part)
        for part in (
            "<h1>",
            "In short",
            'id="summary-one"',
            "What was found",
            "<nav ",
            "First part",
        )
    ]
    assert places == sorted(places)


def test_each_difference_says_its_class_and_why() -> None:
    text = page()
    why = "<math><mrow><mi>η</mi></mrow></math> stands for <math><mrow><mi>ρ</mi></mrow></math>"
    assert "Other convention: " in text
    assert why.replace("</math> stands", "</math> stands") in text.replace(
        '<span class="unbroken">', ""
    ).replace("</span>", "")
    assert text.count("Reproduced.") == 1
    assert "it does not hold" not in text  # the reason of a difference that is none


def test_a_missing_value_is_shown_as_missing_and_the_first_cell_is_a_heading() -> None:
    text = page()
    assert '<th scope="row">–</th>' in text
    assert '<th scope="row">1.5</th><td class="word">&lt;b&gt;</td>' in text.replace("\n", "")


def test_formulas_are_mathml_and_names_of_users_are_not() -> None:
    assert "<msup><mi>h</mi><mi>l</mi></msup>" in page()
    text = report_html(
        "t", Summary([literal("costs $5 or $6")]), [Section(literal("a $b$ <c>"))], PROVENANCE
    )
    assert "<math>" not in text
    assert "costs $5 or $6" in text
    assert "a $b$ &lt;c&gt;" in text


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
    # Figures follow: the ground of the drawing and the ink of its text, each read in the picture.
    ground, ink = (
        visit.evaluate(f"getComputedStyle(document.querySelector(`{part}`)).fill")
        for part in ("figure svg path[style*='fill: #ffffff']", "figure svg text")
    )
    dark_ground, dark_ink = (max(map(int, re.findall(r"\d+", c)[:3])) < 80 for c in (ground, ink))
    assert (dark_ground, dark_ink) == (dark, not dark)
    images = visit.accessible("image", "img")
    assert len(images) == 3
    assert all(name for _, name in images)


@needs_chromium
def test_a_table_on_a_phone_keeps_its_first_column_and_says_that_it_scrolls(
    browser: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(), encoding="utf-8")
    for width, hint in ((390, "inline"), (1200, "none")):
        visit = browser.open(path, width=width)
        assert visit.evaluate("getComputedStyle(document.querySelector('.hint')).display") == hint
        boxes = visit.evaluate(
            """[...document.querySelectorAll('.scroll')].filter(b => b.scrollWidth > b.clientWidth)
            .map(b => { b.scrollLeft = 200; const cell = b.querySelector('tbody th');
              return [cell.getBoundingClientRect().left - b.getBoundingClientRect().left,
                      b.scrollLeft]; })"""
        )
        assert boxes
        for left, scrolled in boxes:
            assert scrolled == 200
            assert 0 <= left <= 2


@needs_chromium
def test_a_file_of_a_figure_follows_the_scheme_too(browser: Browser, tmp_path: Path) -> None:
    fig, ax = canvas()
    ax.plot([0, 1], [0, 2], **line("explicit"))
    finish(ax, "T", "x", "y", "words")
    path = save_svg(fig, tmp_path / "figure.svg")
    marker = "document.querySelector('use[style*=\"stroke: #000000\"]')"
    for dark in (False, True):
        visit = browser.open(path, dark=dark)
        stroke = visit.evaluate(f"getComputedStyle({marker}).stroke")
        assert (max(map(int, re.findall(r"\d+", stroke)[:3])) > 200) == dark


@needs_axe
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_no_serious_fault(
    browser: Browser, tmp_path: Path, width: int, dark: bool
) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(), encoding="utf-8")
    assert browser.open(path, width=width, dark=dark).axe() == []


@needs_axe
def test_axe_would_find_one(browser: Browser, tmp_path: Path) -> None:
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!doctype html><title>t</title><p style='color:#ccc'>pale</p><img src='data:,'>"
    )
    said = " ".join(browser.open(bad).axe())
    for fault in ("color-contrast", "image-alt", "html-has-lang"):
        assert fault in said
