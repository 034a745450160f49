"""The first tutorial page, followed command by command in an empty directory."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[1] / "docs" / "first-comparison.md"
FENCE = re.compile(r"```(python|sh|text)\n(.*?)```", re.DOTALL)
COLUMNS = 100


def steps(page: str) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, text): a script and the name that the prose before it gives, commands,
    or what they print."""
    for fence in FENCE.finditer(page):
        names = re.findall(r"`(\w+\.py)`", page[: fence.start()])
        yield fence[1], names[-1] if names else "", fence[2]


def run(command: str, folder: Path) -> str:
    """Run one line of the page as a user of this installation would, and return what it prints."""
    program, *words = shlex.split(command)
    start = {"python": [sys.executable], "lift-compare": [sys.executable, "-m", "lift_compare"]}
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "error"}
    environment.pop("COLUMNS", None)
    done = subprocess.run(
        [*start[program], *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=200,
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str], list[str]]:
    """Follow the page; return the folder, all that was printed, and the lines promised by it."""
    folder = tmp_path_factory.mktemp("empty")
    printed: list[str] = []
    promised: list[str] = []
    for kind, name, text in steps(PAGE.read_text(encoding="utf-8")):
        if kind == "python":
            (folder / name).write_text(text, encoding="utf-8")
        elif kind == "sh":
            printed += [run(line, folder) for line in text.splitlines()]
        else:
            shown = " ".join(printed[-1].split())
            promised += [line for line in text.splitlines() if " ".join(line.split()) not in shown]
    return folder, printed, promised


Followed = tuple[Path, list[str], list[str]]


def test_the_page_has_commands_to_follow() -> None:
    kinds = [kind for kind, _, _ in steps(PAGE.read_text(encoding="utf-8"))]
    assert kinds.count("python") == 2
    assert kinds.count("sh") == 6


def test_what_the_page_promises_is_printed(followed: Followed) -> None:
    _, _, missing = followed
    assert missing == []


def test_it_ends_with_a_verdict_two_figures_and_a_report(followed: Followed) -> None:
    folder, printed, _ = followed
    assert any("descent agree" in text for text in printed)
    for name in ("step-cost", "ablation"):
        figure = ElementTree.parse(folder / "results" / f"{name}.svg").getroot()
        assert len(figure.attrib["aria-label"]) > 20
    report = (folder / "results" / "report.html").read_text(encoding="utf-8")
    assert "mine" in report
    assert report.count("<svg") >= 3


def test_no_line_is_longer_than_a_terminal(followed: Followed) -> None:
    _, printed, _ = followed
    lines = [line for text in printed for line in text.splitlines()]
    assert len(lines) > 50
    assert [line for line in lines if len(line) > COLUMNS] == []
