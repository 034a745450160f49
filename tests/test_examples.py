"""Every example runs as a plain script, and the README's Python block and commands do what it
says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lift_compare.compare.commands.main import main

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def run_script(script: Path, folder: Path) -> str:
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "error",
        "MPLBACKEND": "Agg",
    }
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(script: Path, tmp_path: Path) -> None:
    assert run_script(script, tmp_path).strip()
    # Each draws what it finds, with words for those who do not see it.
    figures = list((tmp_path / "results").glob("*.svg"))
    assert figures
    assert all('aria-label="' in figure.read_text(encoding="utf-8") for figure in figures)


def test_readme_python_block(tmp_path: Path) -> None:
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL
    )
    assert blocks
    for index, block in enumerate(block for block in blocks if "savez" not in block):
        script = tmp_path / f"block{index}.py"
        script.write_text(block, encoding="utf-8")
        printed = run_script(script, tmp_path)
        assert "agree" in printed
        assert "\n5\n" in printed, "the smallest saddle order that the comment promises"


def test_every_command_of_the_readme_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    commands = set(
        re.findall(r"`lift-compare ([a-z]+)", (ROOT / "README.md").read_text(encoding="utf-8"))
    )
    assert {"directions", "verify", "cost", "sweep", "export", "reproduce"} <= commands
    for command in commands:
        assert main([command, "--help"]) == 0
        assert "usage" in capsys.readouterr().out


def test_every_link_of_the_documentation_leads_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_two_make_targets_of_the_readme_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(
        r"^    make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.MULTILINE
    ):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
