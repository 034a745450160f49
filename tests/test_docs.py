"""The pages say what is so: their examples run, their lists are complete, their links lead."""

import doctest
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lift_compare import sensing
from lift_compare.compare.commands.main import main
from lift_compare.compare.reproduction.report import Kind
from lift_compare.compare.sweeps.shipped import EVALUATIONS
from lift_compare.compare.verification.claims import CHECKS
from lift_compare.simulated import EscapeReason
from lift_compare.simulated.escapes.methods import METHODS, method_settings
from tests.printed import sentence

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
DESCRIBED_HERE = {"EVALUATIONS"}  # data has no docstring


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_examples_run(path: Path) -> None:
    result = doctest.testfile(str(path), module_relative=False)
    assert result.failed == 0


def test_some_pages_have_examples() -> None:
    with_examples = [path.stem for path in PAGES if ">>>" in path.read_text(encoding="utf-8")]
    assert {"escapes", "instances", "verify"} <= set(with_examples)


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (path.parent / target).is_file(), target


@pytest.mark.parametrize("path", [*PAGES, ROOT / "README.md"], ids=lambda path: path.stem)
def test_files_that_are_named_are_there(path: Path) -> None:
    """A path in code words is from the root, from a package or from inside compare."""
    starts = [ROOT, ROOT / "compare", ROOT / "simulated", ROOT / "sensing", ROOT / "lifting"]
    for word in re.findall(r"`([\w./-]+\.(?:py|toml|json|md|svg))`", path.read_text("utf-8")):
        if "/" in word and not word.startswith(("results/", "figures/")):
            assert any((start / word).exists() for start in starts), f"{path.name}: {word}"


@pytest.mark.parametrize(
    "package", ["sensing", "lifting", "simulated", "compare", "compare.figures"]
)
def test_the_list_of_public_names_is_complete(package: str) -> None:
    """Each name has a row with the first line of its docstring, and no other name has one."""
    module = importlib.import_module(f"lift_compare.{package}")
    _, _, rest = page("public-names.md").partition(f"\n## {package}\n")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", rest.partition("\n## ")[0], re.MULTILINE))
    assert list(rows) == sorted(module.__all__)
    for name, said in rows.items():
        if name not in DESCRIBED_HERE:
            first = (inspect.getdoc(getattr(module, name)) or "").partition("\n")[0]
            assert said.replace("\\|", "|") == first, f"{package}.{name}"


def test_the_catalogue_of_instances_is_complete() -> None:
    rows = re.findall(r"^\| `([\w:=.,-]+)` \| (.*) \|$", page("instances.md"), re.MULTILINE)
    shown = [f"{name}  {what}" for name, what in rows]
    assert [repr(entry) for entry in sensing.catalogue()] == [
        row for row in shown if row.partition("  ")[0].partition(":")[0] in _catalogue_names()
    ]


def _catalogue_names() -> set[str]:
    return {entry.name for entry in sensing.catalogue()}


def test_the_table_of_claims_is_complete() -> None:
    _, _, rest = page("verify.md").partition("\n## The claims\n")
    rows = re.findall(r"^\| `(.+?)` \| (.+?) \| (\w+) \| (\d+) \| (.+) \|$", rest, re.MULTILINE)
    expected = [
        (check.id, check.name, check.kind.name.lower(), check.source.split()[-1], check.statement)
        for check in CHECKS
    ]
    assert [tuple(row) for row in rows] == expected


def test_the_lines_for_your_own_matrices_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Five lines save an instance, and every command below them takes it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    _, _, section = text.partition("## Your own matrices\n")
    section = section.partition("\n## ")[0]
    (block,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len([line for line in block.splitlines() if line]) == 5
    monkeypatch.chdir(tmp_path)
    exec(compile(block, "README.md", "exec"), {})
    commands = re.findall(r"^    lift-compare (.*)$", section, re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        assert main(command.split()) == 0, command
        assert "mine" in capsys.readouterr().out
        assert main([word for word in command.split() if word != "--symmetrise"]) == 2
        assert "A: expected symmetric A_i, but A[0] differs" in sentence(capsys.readouterr().err)


def test_settings_of_methods_and_evaluations_are_described() -> None:
    escapes, sweeps = page("escapes.md"), page("sweeps.md")
    for method in METHODS:
        for setting in method_settings(method):
            assert f"`{setting}" in escapes, f"{method}: {setting}"
    for reason in EscapeReason:
        assert f"`{reason.name}`" in escapes or reason.name == "FOUND", reason.name
    for evaluation in EVALUATIONS.values():
        for setting in evaluation.model.model_fields:
            assert f"`{setting}`" in sweeps, f"{evaluation.name}: {setting}"


HOW_TO = re.findall(r"```python\n(.*?)```", page("how-to.md"), re.DOTALL)


@pytest.mark.parametrize("block", HOW_TO, ids=range(len(HOW_TO)))
def test_a_recipe_is_a_script_that_runs(block: str, tmp_path: Path) -> None:
    if "import torch" in block:
        pytest.importorskip("torch")
    (tmp_path / "recipe.py").write_text(block, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "recipe.py"], cwd=tmp_path, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_every_formula_has_its_function_and_its_test() -> None:
    sections = page("theory-guide.md").split("\n## ")[1:]
    assert len(sections) == 10
    for section in sections:
        names = re.findall(r"`(sensing|lifting|simulated|compare)\.(\w+)`", section)
        assert names, section.splitlines()[0]
        for package, name in names:
            assert name in importlib.import_module(f"lift_compare.{package}").__all__
        tests = re.findall(r"\[(test_\w+)\]\(\.\./([\w/]+\.py)\)", section)
        assert tests, section.splitlines()[0]
        for name, file in tests:
            assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), name


def test_the_comparisons_with_the_paper_have_a_class_each() -> None:
    """docs/differences.json is what `lift-compare reproduce` writes; a page is made of it."""
    rows = json.loads(page("differences.json"))["rows"]
    assert {row["class"] for row in rows} <= {kind.value for kind in Kind}
    assert len({row["name"] for row in rows}) == len(rows) >= 14


def test_every_page_is_reached_from_the_first() -> None:
    """By a toctree: a page that is in none is found by nobody."""
    toctrees = "".join(
        "".join(re.findall(r"```\{toctree\}\n(.*?)```", path.read_text("utf-8"), re.DOTALL))
        for path in PAGES
    )
    lines = [line for line in toctrees.splitlines() if line and not line.startswith(":")]
    listed = {re.sub(r"^.* <(.*)>$", r"\1", line) for line in lines}
    assert {path.stem for path in PAGES} - listed == {"index"}
