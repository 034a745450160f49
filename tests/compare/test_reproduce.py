"""`lift-compare reproduce`: the quick run, its page in a browser, its exit codes, and what an interruption leaves."""

from __future__ import annotations

import dataclasses
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import lift_compare.compare.commands.reproduce as command
from lift_compare.compare.__main__ import main
from lift_compare.compare.published_comparison import PublishedComparison, compare_published
from lift_compare.compare.report import Sheet
from lift_compare.compare.reproduce import DIFFERENCES, Reproduction, reproduce
from lift_compare.compare.reproduction import measured_sections, sections
from lift_compare.compare.reproduction.case import Case
from tests.compare.chromium import EXECUTABLE, chromium

FIGURES = {
    "landscape", "landscape-near",
    *(f"{name}-{panel}" for name in ("completion", "real") for panel in ("a", "b", "c", "d", "e", "f")),
    *(f"success-{panel}" for panel in "abcd"),
    *(f"lifted-{name}" for name in ("two-by-two", "perturbed-completion", "real-system")),
    *(f"phase-{s}-{name}" for s in ("eta", "rho") for name in ("two-by-two", "perturbed-completion", "real-system")),
    "cost-order",
}  # fmt: skip


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce")
    assert main(["reproduce", "--quick", "--out", str(folder), "--seed", "1"]) == 0
    return folder


def test_every_published_figure_is_a_file_with_words_and_numbers(out: Path) -> None:
    files = {path.stem: path for path in (out / "figures").glob("*.svg")}
    assert set(files) >= FIGURES
    for path in files.values():
        root = ElementTree.parse(path).getroot()
        assert root.attrib["role"] == "img"
        assert len(re.findall(r"\d", root.attrib["aria-label"])) > 5, path.name


def test_the_page_holds_every_figure_and_every_difference(out: Path) -> None:
    page = (out / "report.html").read_text(encoding="utf-8")
    for name in FIGURES:
        assert f'<figure id="{name}">' in page
    assert page.count('role="img"') == page.count("<figure ")
    rows = json.loads((out / "differences.json").read_text(encoding="utf-8"))["rows"]
    assert page.count("They differ.") == sum(row["differs"] for row in rows) >= 10
    assert page.count("They agree.") == sum(not row["differs"] for row in rows)
    assert '<tr><td class="word">seed</td><td class="word">1</td></tr>' in page
    assert page.index(DIFFERENCES) < page.index("Panels of perturbed completion")
    for word in ("numpy", "processor", "date"):
        assert word in page


@pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium is installed here")
@pytest.mark.parametrize(("width", "dark"), [(360, False), (360, True), (1280, False)])
def test_the_page_opens_without_errors_or_requests(out: Path, width: int, dark: bool) -> None:
    with chromium() as browser:
        visit = browser.open(out / "report.html", width=width, dark=dark)
        assert visit.errors == []
        assert visit.requests == []
        assert visit.evaluate("document.documentElement.scrollWidth") <= width
        images = visit.accessible("image", "img")
        assert (
            len(images)
            == visit.evaluate("document.querySelectorAll('figure').length")
            >= len(FIGURES)
        )
        assert all(re.search(r"\d", name) for _, name in images)
        # Figures use the width that there is: at 290 px of their 331 points, text keeps seven
        # eighths of its size.
        narrowest = visit.evaluate(
            "Math.min(...[...document.querySelectorAll('figure svg')].map(s => s.clientWidth))"
        )
        assert narrowest >= 290
        assert visit.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == dark


def test_explicit_and_simulated_that_disagree_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from lift_compare import simulated

    empty = PublishedComparison([], {}, [])
    small = {"two-by-two": Case("two-by-two", exact_steps=5)}
    assert sections.lifted_section(small, empty, lambda *_: "", steps={"two-by-two": 5})[1]
    honest = simulated.descend

    def wrong(*arguments: Any, **settings: Any) -> simulated.SpanDescent:
        run = honest(*arguments, **settings)
        return dataclasses.replace(run, coefficients=run.coefficients * (1 + 1e-6))

    monkeypatch.setattr(simulated, "descend", wrong)
    assert not sections.lifted_section(small, empty, lambda *_: "", steps={"two-by-two": 5})[1]


@pytest.mark.parametrize(("consistent", "code"), [(True, 0), (False, 1)])
@pytest.mark.parametrize("form", ["--json", "--csv", None])
def test_the_exit_code_tells_whether_they_disagree(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    consistent: bool,
    code: int,
    form: str | None,
) -> None:
    row = command.reproduce.__globals__["Difference"]("one", "A title", "p", "c", "e", True)
    made = Reproduction(tmp_path / "report.html", [], [row], consistent, True)
    monkeypatch.setattr(command, "reproduce", lambda *_, **__: made)
    assert main(["reproduce", "--out", str(tmp_path), *([form] if form else [])]) == code
    printed = capsys.readouterr().out
    if form == "--json":
        assert json.loads(printed)["rows"][0]["differs"] is True
    elif form == "--csv":
        assert printed.splitlines()[0] == "name,differs,title,published,computed,evidence"
    else:
        assert ("DISAGREE" in printed) is not consistent


def test_bad_usage_is_refused_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for words, said in (
        (["--json", "--csv"], "not allowed with argument"),
        (["--out", str(file)], "expected a folder"),
        (["--seed", "-1", "--out", str(tmp_path / "new")], "seed"),
        (["--seed", "x"], "seed"),
    ):
        assert main(["reproduce", *words]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError("broken")])
def test_an_interruption_keeps_what_is_finished(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stop: BaseException
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        raise stop

    monkeypatch.setattr(sections, "panels_section", stopped)
    with pytest.raises(type(stop) if isinstance(stop, Exception) else KeyboardInterrupt):
        reproduce(tmp_path, quick=True)
    assert {path.stem for path in (tmp_path / "figures").glob("*.svg")} == {
        "landscape",
        "landscape-near",
    }
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "This run was interrupted" in page
    assert page.count("<figure ") == 2
    if stop is KeyboardInterrupt:
        assert main(["reproduce", "--quick", "--out", str(tmp_path)]) == 130


def test_the_comparisons_of_the_report_are_those_of_the_main_job() -> None:
    """The agreement table of the report must not drop a row that was refused."""
    result = compare_published(
        instances=["two-by-two"], orders=(3, 13), memory_limit=20_000, costs=False
    )
    cases = {"two-by-two": Case("two-by-two", exact_steps=5)}
    section, agree = sections.lifted_section(cases, result, lambda *_: "", steps={"two-by-two": 5})
    table = section.items[-1]
    assert agree
    assert [row["status"][:7] for row in table.rows] == ["compare", "refused", "drawn a"]  # type: ignore[union-attr]


def test_the_cost_section_draws_the_grid_and_keeps_refused_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def row(n: int, method: str, form: str | None, seconds: float | None) -> dict[str, Any]:
        status = "measured" if seconds else "refused"
        sizes = {"operator": "sparse", "n": n, "rank": 1, "m": 10 * n, "m_rule": "10n", "order": 3}
        counts = {"predicted_bytes": 8 * n**4, "traced_bytes": 8 * n**4, "resident_bytes": 8 * n**4}
        return {
            **sizes,
            **counts,
            "method": method,
            "form": form,
            "status": status,
            "run_seconds": seconds,
        }

    measured = [row(n, "exact", None, 1e-4) for n in (4, 8, 16, 100_000)]
    explicit = [row(n, "explicit", "normal", 1e-3 * n) for n in (4, 8)]
    refused = [
        row(n, "explicit", "normal", None) | {"note": f"refused at {n}"} for n in (16, 100_000)
    ]
    grid = [one | {"allowed_bytes": 10**6} for one in (*measured, *explicit, *refused)]
    monkeypatch.setattr(measured_sections, "cost_grid", lambda *_, **__: grid)
    result = compare_published(instances=["two-by-two"], orders=(3,))
    shown: list[str] = []
    section = measured_sections.cost_section(
        result, lambda name, *_: shown.append(name) or name, grid=True, seed=0
    )
    assert shown == ["cost-order", "cost-sparse-n", "memory-sparse-n"]
    tables = [item for item in section.items if isinstance(item, Sheet)]
    assert [one["note"] for one in tables[0].rows if one.get("note")] == [
        "refused at 16",
        "refused at 100000",
    ]
