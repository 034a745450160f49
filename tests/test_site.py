"""The site that `make docs` builds: complete, and sound as a browser takes it from a file.

Skipped where it is not built. axe-core is looked for where .ci/run puts it.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from tests.compare.reproduction.chromium import EXECUTABLE, Browser, Visit, chromium

ROOT = Path(__file__).parents[1]
SITE = ROOT / "build" / "docs" / "html"
AXE = ROOT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if "_static" not in path.parts  # the theme leaves a template there
)
API = [page for page in PAGES if page.startswith("generated/api/")]
# One of every kind of generated page, and all that are written by hand.
OPENED = [
    *(page for page in PAGES if page not in API),
    *("generated/api/sensing.html", "generated/api/sensing.SensingProblem.html"),
    *("generated/api/compare.EVALUATIONS.html", "generated/api/simulated.escape.html"),
]
AXED = (
    "index.html",
    "first-comparison.html",
    "theory-guide.html",
    "generated/gallery/draw_landscape.html",
    "generated/api/sensing.SensingProblem.html",
)

pytestmark = pytest.mark.skipif(not PAGES, reason="the site is not built: make docs")
needs_chromium = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium is installed here")


class Reader(HTMLParser):
    """Collects what a page refers to, its ids, and its images."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.loaded: list[str] = []
        self.ids: set[str] = set()
        self.images: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if found.get("id"):
            self.ids.add(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.references.append(str(found["href"]))
        if tag == "img":
            self.images.append(found)
        if tag in ("img", "script", "iframe", "source") and found.get("src"):
            self.loaded.append(str(found["src"]))
        if tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(str(found["href"]))


@cache
def read(page: str) -> Reader:
    reader = Reader()
    reader.feed((SITE / page).read_text(encoding="utf-8"))
    return reader


def test_every_link_leads_to_a_page_and_a_heading() -> None:
    checked = 0
    for page in PAGES:
        for reference in (*read(page).references, *read(page).loaded):
            parts = urlsplit(reference)
            if parts.scheme in ("https", "mailto"):
                continue
            assert (parts.scheme, parts.netloc) == ("", ""), f"{page}: {reference}"
            target = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
            assert target.is_file(), f"{page} leads to {reference}"
            if parts.fragment and target.suffix == ".html":
                place = target.resolve().relative_to(SITE).as_posix()
                assert unquote(parts.fragment) in read(place).ids | {"main-content"}, (
                    f"{page} leads to {reference}"
                )
            checked += 1
    assert checked > 1000


def test_a_page_loads_nothing_from_elsewhere() -> None:
    for page in PAGES:
        assert [each for each in read(page).loaded if "//" in each] == []
    for style in SITE.rglob("*.css"):
        for address in re.findall(r"(?:url\(|@import )['\"]?([^'\")]+)", style.read_text("utf-8")):
            assert not address.startswith(("http", "//")), f"{style.name}: {address}"


def test_every_image_has_a_text_alternative() -> None:
    images = [(page, image) for page in PAGES for image in read(page).images]
    assert len(images) > 5
    for page, image in images:
        assert (image.get("alt") or "").strip(), f"{page}: {image.get('src')}"


@pytest.mark.parametrize(
    "package", ["sensing", "lifting", "simulated", "compare", "compare.figures"]
)
def test_every_public_name_has_a_page(package: str) -> None:
    module = importlib.import_module(f"lift_compare.{package}")
    listed = (SITE / f"generated/api/{package}.html").read_text("utf-8")
    for name in module.__all__:
        text = (SITE / f"generated/api/{package}.{name}.html").read_text("utf-8")
        assert f'href="{package}.{name}.html"' in listed, name
        item: Any = getattr(module, name)
        if inspect.isfunction(item) or inspect.isclass(item):
            assert f'id="lift_compare.{package}.{name}"' in text, name
            assert "&gt;&gt;&gt; " in text, f"{name}: its example is not there"


def test_every_example_can_be_had_as_a_script_and_as_a_notebook() -> None:
    """A notebook holds what the script holds, so that running the one is running the other."""
    for script in (ROOT / "examples").glob("*.py"):
        page = read(f"generated/gallery/{script.stem}.html")
        (notebook,) = [each for each in page.references if each.endswith(".ipynb")]
        (download,) = [each for each in page.references if each.endswith(".py")]
        folder = SITE / "generated" / "gallery"
        cells = json.loads((folder / notebook).read_text("utf-8"))["cells"]
        code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
        body = _code(script.read_text("utf-8"))
        assert _code(code) == body
        assert _code((folder / download).read_text("utf-8")) == body


def _code(text: str) -> str:
    """Return a script without its docstring, comments and blank lines."""
    text = re.sub(r'\A\s*""".*?"""', "", text, flags=re.DOTALL)
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(line for line in lines if line and not line.lstrip().startswith(("#", "%")))


# The browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


def here(visit: Visit) -> list[str]:
    """Return what a page asked for outside the site."""
    return [each for each in visit.requests if not each.startswith(SITE.resolve().as_uri())]


@needs_chromium
@pytest.mark.parametrize("page", OPENED)
def test_a_page_is_silent_and_fits_a_phone(browser: Browser, page: str) -> None:
    visit = browser.open(SITE / page, width=390, dark=len(page) % 2 == 0)
    assert here(visit) == []
    assert visit.errors == []
    assert visit.evaluate("document.documentElement.scrollWidth") <= 390
    assert all(name for _, name in visit.accessible("image", "img"))


@needs_chromium
def test_the_search_finds_a_page_without_a_server(browser: Browser) -> None:
    visit = browser.open(SITE / "index.html")
    visit.evaluate(
        "(() => { const form = document.querySelector('form.bd-search');"
        " form.querySelector('input').value = 'rank-one approximation'; form.submit(); })()"
    )
    found = ""
    for _ in range(100):
        time.sleep(0.1)
        found = str(
            visit.evaluate(
                "[...document.querySelectorAll('#search-results li a')].map(a => a.href).join(' ')"
            )
        )
        if found:
            break
    assert "lifting.best_rank_one.html" in found
    assert here(visit) == []
    assert visit.errors == []


@needs_chromium
@pytest.mark.skipif(not AXE.is_file(), reason="axe-core is not installed: see .ci/run")
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("page", AXED)
def test_axe_finds_no_serious_fault(browser: Browser, page: str, dark: bool) -> None:
    assert page in PAGES
    visit = browser.open(SITE / page, dark=dark)
    visit.evaluate(AXE.read_text("utf-8") + "; 0")
    found = json.loads(
        visit.evaluate(
            "axe.run({resultTypes: ['violations']}).then(found => JSON.stringify(found))"
        )
    )
    assert len(found["passes"]) > 10
    serious = [
        f"{fault['id']}: {fault['nodes'][0]['html'][:300]} {fault['nodes'][0]['failureSummary']}"
        for fault in found["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert serious == []
