"""Mutation testing: does a test fail when a formula is changed?

    make mutants                        every file of sensing, lifting and simulated: hours, resumed
    make mutants ONLY=simulated/span    one folder or file, again

mutmut changes one operator, number or name at a time and runs the tests that reach it, those of its
own file and then the quick ones, until one fails. Here it works in build/mutants, on a copy with
folders for links, and without the tests that measure memory. Prints one row a file as a Markdown
table; what survived is in build/mutants/survivors.diff. Left out, as they change no number: the
texts of messages, `reshape(-2)` for `reshape(-1)`, and a `zip` that is not `strict`. Other
survivors that no test can tell from the original, and why, are in tests/mutants-*.md.

    LIFT_COMPARE_MUTANT_SECONDS=100     of tests at most for each mutant, 6 by default
"""

from __future__ import annotations

import gc
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
COPY = ROOT / "build" / "mutants"
PACKAGES = ("sensing", "lifting", "simulated")
# A mutated function is reached through a wrapper, and all its mutants lie in memory: what
# measures memory measures them too, and tracebacks have the wrapper's lines.
SETTINGS = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {only}
also_copy = ["docs", "examples"]
pytest_add_cli_args = ["-p", "no:cacheprovider", "-m", "not memory and not lines"]
pytest_add_cli_args_test_selection = ["tests/sensing", "tests/lifting", "tests/simulated"]
type_check_command = [
    "{python}", "-m", "mypy", "--output", "json", "src",
    "--disable-error-code", "unused-ignore", "--disable-error-code", "no-any-return",
]
timeout_multiplier = 2.0
timeout_constant = 5.0
"""
SECONDS = float(os.environ.get("LIFT_COMPARE_MUTANT_SECONDS", "6"))
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
    """Run mutmut on the copy: no mutations of strings, quick tests first, workers of our own."""
    from mutmut import __main__ as program
    from mutmut.mutation import file_mutation, mutators
    from mutmut.state import state

    file_mutation.mutation_operators = [
        (node, operator)
        for node, operator in mutators.mutation_operators
        if operator is not mutators.operator_string
    ]
    find_tests, runner = program.collect_or_load_stats, program.get_mutant_runner

    def find_quick_tests(*args: object, **kwargs: object) -> None:
        find_tests(*args, **kwargs)
        seconds = state().duration_by_test
        for function, tests in state().tests_by_mangled_function_name.items():
            # Those of its file are the first to ask; all tests reach the costs of all forms.
            own = [f"/test_{function.split('.')[-2]}.py"]
            own += ["/test_cost.py", "/test_moved_bytes.py"] if ".forms." in function else []
            quick, spent = set(), 0.0
            for test in sorted(tests, key=lambda t: (not any(o in t for o in own), seconds[t])):
                spent += seconds[test]
                if quick and spent > SECONDS:
                    break
                quick.add(test)
            state().tests_by_mangled_function_name[function] = quick

    program.collect_or_load_stats = find_quick_tests
    program.get_mutant_runner = lambda count: with_workers(runner(count), count)
    program.cli(["run", "--max-children", "2", *names])


def with_workers(runner: Any, count: int) -> Any:
    """Return mutmut's runner, but with workers that have collected the tests once and for all.

    mutmut forks its own process for every mutant, and collects the tests again: with this many
    mutants in memory that takes longer than the tests. A worker (`serve`) reads a line of JSON for
    a mutant and answers with one.
    """
    from mutmut.state import state
    from mutmut.workers.isolation import MutantResult

    command = [sys.executable, "-u", __file__, "--serve"]
    idle: list[subprocess.Popen[str]] = []
    busy: dict[subprocess.Popen[str], str] = {}

    def startup() -> None:
        pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        pipes["stderr"] = open(COPY / "workers.log", "w")  # noqa: SIM115 - they keep it
        for _ in range(count):
            idle.append(subprocess.Popen(command, cwd=COPY / "mutants", **pipes))

    def submit(mutant: str, tests: list[str], limit: int, _: float) -> None:
        worker = idle.pop()
        busy[worker] = mutant
        assert worker.stdin is not None
        quickest_first = sorted(tests, key=lambda test: state().duration_by_test[test])
        worker.stdin.write(json.dumps([mutant, limit, quickest_first]) + "\n")
        worker.stdin.flush()

    def wait_for_result(timeout: float | None = None) -> Any:
        ready, _, _ = select.select([worker.stdout for worker in busy], [], [], timeout)
        worker = next(worker for worker in busy if worker.stdout in ready)
        code, seconds = json.loads(ready[0].readline())
        idle.append(worker)
        return MutantResult(busy.pop(worker), code, seconds)

    def shutdown() -> None:
        for worker in [*idle, *busy]:
            worker.kill()

    runner.startup, runner.submit, runner.shutdown = startup, submit, shutdown
    runner.wait_for_result, runner.has_capacity = wait_for_result, lambda: bool(idle)
    runner.pending_count = lambda: len(busy)
    return runner


def serve() -> None:
    """Collect the tests, then run those asked for in a fork for each mutant."""
    import pytest

    questions, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what is printed is no answer; pytest closes its stdin
    sys.path[:0] = [str(Path("src").resolve()), str(Path.cwd())]
    os.environ["MUTANT_UNDER_TEST"] = ""

    class Loop:
        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session: pytest.Session) -> bool:
            gc.collect()
            gc.freeze()  # a collection in a fork would copy all memory
            tests = {item.nodeid: item for item in session.items}
            for line in questions:
                mutant, limit, names = json.loads(line)
                begin = time.monotonic()
                items = [tests[name] for name in names if name in tests]
                code = _in_a_fork(session, items, mutant, limit)
                answers.write(json.dumps([code, time.monotonic() - begin]) + "\n")
                answers.flush()
            return True

    settings = tomllib.loads((COPY / "pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    chosen = settings["pytest_add_cli_args"] + settings["pytest_add_cli_args_test_selection"]
    # A limit of pytest-timeout would take the place of the alarm in `_in_a_fork`.
    options = ["-q", "--no-header", "--tb=no", "-o", "timeout=0"]
    pytest.main([*options, *chosen], plugins=[Loop()])


def _in_a_fork(session: Any, items: list[Any], mutant: str, limit: int) -> int:
    """Return mutmut's exit code for one mutant: 0 survived, 1 killed, 33 no tests, 36 too long."""
    child = os.fork()
    if child == 0:
        os.environ["MUTANT_UNDER_TEST"] = mutant
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(int(limit))
        try:
            for item, following in zip(items, [*items[1:], None], strict=True):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if session.testsfailed:
                    os._exit(1)
        except BaseException:
            os._exit(1)
        os._exit(0 if items else 33)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return 36 if code == -signal.SIGALRM else code


def copy() -> None:
    """Bring the copy up to date; files that have not changed keep their results.

    Where any has, the tests that reach each function are looked for anew: mutmut asks new tests
    only, and a function that is new has none of the old ones.
    """
    COPY.mkdir(parents=True, exist_ok=True)
    changed = False
    for name in ("src", "tests", "docs", "examples"):
        for source in _files(ROOT / name):
            target = COPY / source.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                shutil.copy2(source, target)
                changed = True
    if changed:
        (COPY / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
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
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    os.chdir(COPY)
    survivors = []
    print("| file | mutants | refused by mypy | no number | killed | survived | rate |")
    print("| --- " * 7 + "|")
    good = True
    for path in sorted((COPY / "mutants" / "src").rglob("*.meta")):
        name = path.relative_to(COPY / "mutants" / "src" / "lift_compare").as_posix()[
            : -len(".meta")
        ]
        if not name.startswith(tuple(only)):
            continue
        codes = json.loads(path.read_text(encoding="utf-8"))["exit_code_by_key"]
        counts = Counter(status_by_exit_code[code] for code in codes.values())
        source = path.relative_to(COPY / "mutants").as_posix()[: -len(".meta")]
        same = 0
        for mutant, code in codes.items():
            if status_by_exit_code[code] in ("survived", "no tests"):
                difference = get_diff_for_mutant(mutant, path=source)
                if _of_a_text(mutant, difference) or _of_a_spelling(difference):
                    same += 1
                else:
                    survivors.append(f"# {mutant}\n{difference}\n")
        killed = sum(counts[status] for status in KILLED)
        refused = counts["caught by type check"]
        tried = counts.total() - refused - same - counts["not checked"] - counts["skipped"]
        rate = killed / tried if tried else 1.0
        good = good and rate >= 0.9
        row = (name, counts.total(), refused, same, killed, tried - killed, f"{rate:.0%}")
        print(f"| {' | '.join(map(str, row))} |")
    Path("survivors.diff").write_text("\n".join(survivors), encoding="utf-8")
    return good


def _of_a_text(mutant: str, difference: str) -> bool:
    """Return whether a mutant only changes what a message or a printed object says."""
    if any(name in mutant for name in ("__repr__", "__str__", "Errorǁ__init__", "Exceededǁ")):
        return True
    lines = difference.splitlines()
    removed = [line[1:].strip() for line in lines if line[:1] == "-" and line[:3] != "---"]
    return all(line.startswith(("raise ", 'f"', '"')) for line in removed)


def _of_a_spelling(difference: str) -> bool:
    """Return whether numpy is only told the same in other words, or `zip` not to look."""
    spelt: dict[str, list[str]] = {"-": [], "+": []}
    for line in difference.splitlines():
        if line[:1] in spelt and line[:3] not in ("---", "+++"):
            plain = re.sub(r"(reshape\(.*?)(?<=[( ])-2\b", r"\1-1", line[1:])
            spelt[line[0]].append(re.sub(r",\s*(strict=\w+)?\s*\)", ")", plain))
    return spelt["-"] == spelt["+"]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--in-the-copy"]:
        mutate(sys.argv[2:])
    elif sys.argv[1:2] == ["--serve"]:
        serve()
    else:
        sys.exit(main())
