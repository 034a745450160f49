"""`lift-compare reproduce`: the quick run, its page in a browser, its exit codes, and what an
interruption leaves."""

from __future__ import annotations

import dataclasses
import importlib
import json
import math
import re
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lift_compare.compare.commands.reproduce as command
from lift_compare import sensing
from lift_compare.compare.commands.main import main
from lift_compare.compare.published.comparison import InstanceComparison, compare_instances
from lift_compare.compare.reproduction import measured, sections
from lift_compare.compare.reproduction.phases import _ranges
from lift_compare.compare.reproduction.report import Difference, Kind, Sheet
from lift_compare.compare.reproduction.reproduce import DIFFERENCES, Reproduction, reproduce
from lift_compare.compare.reproduction.runs import Runs
from lift_compare.compare.reproduction.summary import agreement
from tests.catalogue import PUBLISHED
from tests.compare.reproduction.chromium import AXE, EXECUTABLE, chromium
from tests.printed import sentence

FIGURES = {
    "landscape",
    "landscape-near",
    "cost-order",
    *(f"{name}-{panel}" for name in ("completion", "real") for panel in "abcdef"),
    *(f"success-{panel}" for panel in "abcd"),
    *(f"lifted-{name}" for name in PUBLISHED),
    *(f"phase-{setting}-{name}" for setting in ("eta", "rho") for name in PUBLISHED),
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce")
    assert main(["reproduce", "--quick", "--out", str(folder), "--seed", "1"]) == 0
    return folder


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Figures are empty: drawing them takes most of a report, and is tested where it is said."""
    empty = "<svg width='1' height='1'></svg>"
    monkeypatch.setattr("lift_compare.compare.figures.svg_files._drawn", lambda *_: empty)


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
    assert not re.search(r"<mi>\w{2,}</mi>", page)  # a command of LaTeX that was not translated
    rows = json.loads((out / "differences.json").read_text(encoding="utf-8"))["rows"]
    counts = Counter(row["class"] for row in rows)
    assert len(counts) == 4
    for kind, count in counts.items():
        assert page.count(f'<p class="kind">{kind.capitalize()}') == count
        assert f'>{kind[0].upper()}{kind[1:]}</th><td class="count">{count}</td>' in page
    assert counts["contradicted by computation"] == 5
    assert '<th scope="row" class="word">seed</th><td class="word">1</td>' in page.replace("\n", "")
    assert page.index(DIFFERENCES) < page.index("Panels of perturbed completion")
    for name in ("lifted-perturbed-completion", "real-d", "cost-order"):
        assert page.index(f'<figure id="summary-{name}">') < page.index("<nav")
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
        if AXE is not None:
            assert visit.axe() == []
        assert visit.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") == dark


def test_explicit_and_simulated_that_disagree_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    from lift_compare import simulated

    empty = InstanceComparison((), (), {}, ())
    small = {"two-by-two": Runs(sensing.instance("two-by-two"), exact_steps=5)}
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
    row = Difference("one", "A title", "p", "c", "e", True, Kind.CONVENTION, "why")
    made = Reproduction(tmp_path / "report.html", [], [row], consistent, True)
    monkeypatch.setattr(command, "reproduce", lambda *_, **__: made)
    assert main(["reproduce", "--out", str(tmp_path), *([form] if form else [])]) == code
    printed = capsys.readouterr().out
    if form == "--json":
        assert json.loads(printed)["rows"][0]["differs"] is True
    elif form == "--csv":
        assert (
            printed.splitlines()[0] == "name,class,differs,title,published,computed,evidence,reason"
        )
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
        assert said in sentence(capsys.readouterr().err)
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
    assert page.count("<figure ") == 4  # in the summary, and in their section
    if stop is KeyboardInterrupt:
        assert main(["reproduce", "--quick", "--out", str(tmp_path)]) == 130


@pytest.mark.usefixtures("undrawn")
def test_an_interruption_within_the_comparison_is_one_of_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`compare_instances` returns the rows it has; here they must not pass for all of them."""

    def shortened(*_: Any, **__: Any) -> Any:
        return InstanceComparison((), ({"status": "compared"},), {}, (), interrupted=True)

    module = importlib.import_module("lift_compare.compare.reproduction.reproduce")
    monkeypatch.setattr(module, "compare_instances", shortened)
    words = ["--quick", "--instance", "two-by-two", "--out", str(tmp_path)]
    assert main(["reproduce", *words]) == 130
    assert "This run was interrupted" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_the_comparisons_of_the_report_are_those_of_the_main_job() -> None:
    """The agreement table of the report must not drop a row that was refused."""
    result = compare_instances(["two-by-two"], orders=(3, 13), memory_limit=300_000, costs=False)
    cases = {"two-by-two": Runs(sensing.instance("two-by-two"), exact_steps=5)}
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

    simulated = [row(n, "exact", None, 1e-4) for n in (4, 8, 16, 100_000)]
    explicit = [row(n, "explicit", "normal", 1e-3 * n) for n in (4, 8)]
    refused = [
        row(n, "explicit", "normal", None) | {"note": f"refused at {n}"} for n in (16, 100_000)
    ]
    grid = [one | {"allowed_bytes": 10**6} for one in (*simulated, *explicit, *refused)]
    monkeypatch.setattr(measured, "cost_grid", lambda *_, **__: grid)
    result = compare_instances(["two-by-two"], orders=(3,))
    shown: list[str] = []
    section = measured.cost_section(
        result, lambda name, *_: shown.append(name) or name, grid=True, seed=0
    )
    assert shown == ["cost-order", "cost-sparse-n", "memory-sparse-n"]
    tables = [item for item in section.items if isinstance(item, Sheet)]
    assert [one["note"] for one in tables[0].rows if one.get("note")] == [
        "refused at 16",
        "refused at 100000",
    ]


def test_an_instance_of_your_own_has_panels_and_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any rank, no descent and no settings: what cannot be drawn is left out."""
    file, problem = tmp_path / "mine.npz", sensing.gaussian(4, 2, 9, 12)
    X = sensing.spurious_point(problem, seed=1)
    assert not problem.is_solved(X)
    sensing.save_instance(file, sensing.Instance("spurious", problem, known_point=X))
    words = ["--instance", str(file), "--quick", "--out", str(tmp_path)]
    assert main(["reproduce", *words]) == 0
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    assert {"panels-a", "panels-d", "panels-e-exact", "lifted-mine", "cost-order"} <= drawn
    assert {"phase-eta-mine", "phase-exact-mine"} <= drawn
    assert not {"landscape", "panels-f", "panels-f-plane", "success-a"} & drawn
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Panels of mine" in page
    assert "at every step up to step_size =" in page  # η is twice that
    assert "rises at some step with step_size =" in page
    assert not re.search(r"<mi>\w{2,}</mi>", page)  # a command of LaTeX that was not translated
    # It opens as that of the published instances does: verdict, three figures, findings.
    head = page[: page.index("<nav")]
    assert head.count("<figure ") == 3
    for about in ("Explicit and simulated", "The point", "The lift", "The exact escape"):
        assert f'<th scope="row">{about}</th>' in head
    assert not (tmp_path / "differences.json").exists()
    # The same is printed and written: findings in the place of the comparisons.
    printed = capsys.readouterr().out
    rows = json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))["rows"]
    assert [row["about"] for row in rows][:3] == ["Explicit and simulated", "The point", "The lift"]
    assert all(row["about"] in printed and row["finding"] for row in rows)
    for text in (page, printed):
        assert not re.search(r"\b(Of )?0 (of|published|figures|comparisons)\b", text)


def test_a_lift_that_was_never_made_is_not_said_to_agree() -> None:
    made = {"order": 3, "status": "compared", "steps": 200}
    refused = {"order": 5, "status": "refused: needs 2 GB, 1 GB allowed"}
    assert "not compared: refused: needs 2 GB" in agreement(True, [refused])
    assert "not compared." in agreement(True, [])
    assert "wherever both ran, $l = 3$, over 200 steps." in agreement(True, [made, refused])
    higher = made | {"order": 7, "steps": 22}
    assert "$l = 3$ to $7$, over 22 to 200 steps." in agreement(True, [made, refused, higher])
    assert "DISAGREE" in agreement(False, [made])
    assert "were not compared" in repr(Reproduction(Path("report.html")))


@pytest.mark.usefixtures("undrawn")
def test_a_point_that_solves_the_problem_has_nothing_to_escape_from(tmp_path: Path) -> None:
    solved = sensing.instance("gaussian", n=3, m=9, seed=1)
    assert solved.problem.is_solved(solved.stationary_point())
    made = reproduce(tmp_path, quick=True, instance=solved)
    assert made.complete
    assert made.consistent
    assert "solves the problem" in made.report.read_text(encoding="utf-8")
    assert list(made.to_frame()["about"]) == [row["about"] for row in made.findings]
    assert "The point" in set(made.to_frame()["about"])
    assert not [path for path in made.figures if path.stem.startswith(("panels", "phase"))]


def test_the_report_of_an_own_instance_calls_nothing_of_it_published(tmp_path: Path) -> None:
    """What is published is the method and its rules; settings and numbers are the instance's."""
    own = sensing.Instance("own", sensing.two_by_two(), known_point=[[0.0], [0.5**0.5]])
    made = reproduce(tmp_path, quick=True, instance=own)
    assert made.complete
    page = made.report.read_text(encoding="utf-8")
    said = {match[0] for match in re.finditer(r"published( \w+)?", page)}
    assert said <= {"published rules", "published method"}
    assert "its own" not in page
    assert "the instance has no settings" in page
    # It descends by backtracking: no stochastic descent with a step of a size is spoken of.
    assert "Gradient descent makes" in page
    assert "steps by backtracking." in page
    assert "stochastic" not in page


def test_a_network_without_ground_truth_is_drawn_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    problem = sensing.quadratic_network(rng.standard_normal((9, 3)), rng.random(9), 1)
    made = reproduce(tmp_path, quick=True, instance=sensing.Instance("network", problem))
    assert made.complete
    assert made.consistent
    assert not [path for path in made.figures if path.stem in ("panels-c", "panels-f-plane")]


@pytest.mark.usefixtures("undrawn")
def test_settings_that_leave_float64_are_said_in_place_of_the_figure(tmp_path: Path) -> None:
    published = sensing.instance("two-by-two")
    wild = dataclasses.replace(
        published, name="wild", settings=sensing.LiftSettings(3, 0.1, 10.0, 100_000)
    )
    made = reproduce(tmp_path, quick=True, instance=wild)
    assert made.complete
    page = made.report.read_text(encoding="utf-8")
    assert "It cannot be drawn: " in page


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("agree", [True, False])
def test_what_was_compared_stays_where_the_lifted_path_cannot_be_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agree: bool
) -> None:
    def beyond(*_: Any, **__: Any) -> None:
        raise OverflowError("h^l is beyond float64")

    monkeypatch.setattr(sections, "lifted_section", beyond)
    monkeypatch.setattr(InstanceComparison, "agree", agree)
    made = reproduce(tmp_path, quick=True, instance=sensing.instance("two-by-two"))
    assert made.consistent is agree
    assert made.compared == 2
    said = made.findings[0]["finding"]
    assert ("agree to" if agree else "DISAGREE") in said


@pytest.mark.usefixtures("undrawn")
def test_a_problem_in_small_units_is_not_said_to_agree(tmp_path: Path) -> None:
    own = sensing.gaussian(3, 1, 5, seed=1)
    A, b = own.operator.matrices(), own.measurements
    small = sensing.SensingProblem(sensing.DenseOperator(A * 1e-147), b * 1e-147)
    made = reproduce(tmp_path, quick=True, instance=sensing.Instance("small", small))
    assert made.compared == 0
    assert "were not compared: out of range: " in made.findings[0]["finding"]
    assert "simulation were not compared" in " ".join(repr(made).split())


def test_an_end_that_is_none_is_said_in_words() -> None:
    assert _ranges(((1.5, 20.0), (152.48, math.inf))) == "1.5 to 20 and from 152.48 on"
    assert _ranges(()) == "never"


def test_a_name_with_dollars_is_no_formula(tmp_path: Path) -> None:
    named = dataclasses.replace(sensing.instance("two-by-two"), name=r"a $\frac$ <b>$")
    made = reproduce(tmp_path, quick=True, instance=named)
    assert made.complete
    page = made.report.read_text(encoding="utf-8")
    assert r"<h1>Simulated lifting: a $\frac$ &lt;b&gt;$</h1>" in page
    assert r"Findings on a $\frac$ &lt;b&gt;$" in page
