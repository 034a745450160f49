"""Mutation testing: does a test fail when a formula is changed?

    make mutants                        every file of sensing, lifting and simulated: hours, resumed
    make mutants ONLY=simulated/span    one folder or file, again

mutmut changes one operator, number or name at a time and runs the tests that reach it, until one
fails. Here it works in build/mutants, on a copy with folders for links. Prints one row a file as
a Markdown table, then what survived, as differences. The texts of messages are left as they are:
they change no number. What cannot be told apart by any test, and why, is in tests/mutants.md.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"
PACKAGES = ("sensing", "lifting", "simulated")
# A mutated function is reached through a wrapper, and all its mutants lie in memory: what
# measures memory measures them too.
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {only}
also_copy = ["docs", "examples"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-k", "not traced and not bytes"]
pytest_add_cli_args_test_selection = ["tests/sensing", "tests/lifting", "tests/simulated"]
type_check_command = [
    "{python}", "-m", "mypy", "--output", "json", "src",
    "--disable-error-code", "unused-ignore", "--disable-error-code", "no-any-return",
]
timeout_multiplier = 2.0
timeout_constant = 5.0
"""
KILLED = {"killed", "timeout", "segfault", "suspicious"}


def main() -> int:
    """Make the copy, run mutmut in it, and print the table; 1 if a file is below 90 %."""
    only = sys.argv[1:] or list(PACKAGES)
    copy()
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    names = [f"lift_compare.{name.strip('/').replace('/', '.')}.*" for name in sys.argv[1:]]
    command = [sys.executable, __file__, "--in-the-copy", *names]
    ended = subprocess.run(command, cwd=COPY, env={**os.environ, **one_thread})
    return ended.returncode or (0 if report(only) else 1)


def mutate(names: list[str]) -> None:
    """Run mutmut on the copy, without its mutations of strings."""
    from mutmut.__main__ import cli
    from mutmut.mutation import file_mutation, mutators

    file_mutation.mutation_operators = [
        (node, operator)
        for node, operator in mutators.mutation_operators
        if operator is not mutators.operator_string
    ]
    cli(["run", "--max-children", "2", *names])


def copy() -> None:
    """Bring the copy up to date; files that have not changed keep their times and results."""
    COPY.mkdir(parents=True, exist_ok=True)
    for name in ("src", "tests", "docs", "examples"):
        for source in _files(ROOT / name):
            target = COPY / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                shutil.copy2(source, target)
    patterns = json.dumps([f"src/lift_compare/{package}/*" for package in PACKAGES])
    settings = SETTINGS.format(only=patterns, python=sys.executable)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (COPY / "pyproject.toml").write_text(project + settings, encoding="utf-8")


def _files(folder: Path) -> list[Path]:
    """Return what lies in a folder, through links, without what Python wrote there."""
    found = [
        Path(name, each) for name, _, files in os.walk(folder, followlinks=True) for each in files
    ]
    return [path for path in found if path.suffix != ".pyc" and ".egg-info" not in str(path)]


def report(only: list[str]) -> bool:
    """Print a row for each file and what survived; True if every file has 90 %."""
    from mutmut.stats import status_by_exit_code

    print("| file | mutants | refused by mypy | killed | survived | rate |\n" + "| --- " * 6 + "|")
    good = True
    for path in sorted((COPY / "mutants" / "src").rglob("*.meta")):
        name = path.relative_to(COPY / "mutants" / "src" / "lift_compare").as_posix()[
            : -len(".meta")
        ]
        if not name.startswith(tuple(only)):
            continue
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"].values()
        counts = Counter(status_by_exit_code[code] for code in codes)
        killed = sum(counts[status] for status in KILLED)
        refused = counts["caught by type check"]
        tried = counts.total() - refused - counts["not checked"] - counts["skipped"]
        rate = killed / tried if tried else 1.0
        good = good and rate >= 0.9
        print(
            f"| {name} | {counts.total()} | {refused} | {killed} | {tried - killed} | {rate:.0%} |"
        )
    return good


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-the-copy"]:
        mutate(sys.argv[2:])
    else:
        sys.exit(main())
