"""The tests on other machines: BLAS kernels, instruction sets, threads, Pythons, oldest versions.

    make matrix     the whole suite, everywhere (about an hour)
    make numbers    the tests marked `numbers`, under the kernels that this machine's default is not

Prints one row a run as a Markdown table. The exit code is 1 if any of them failed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
KERNELS = ("Haswell", "Zen", "Nehalem", "SkylakeX")
PYTHONS = ("3.11", "3.12", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
_KERNEL = "import scipy.linalg, threadpoolctl as t; print(t.threadpool_info()[0]['architecture'])"
_FEATURES = (
    "from numpy._core._multiarray_umath import __cpu_dispatch__ as d, __cpu_features__ as f; "
    "print(*(name for name in d if f.get(name)))"
)


@dataclass
class Run:
    """One run of the tests: a name, an interpreter, and what is set in its environment."""

    name: str
    python: str
    environment: dict[str, str] = field(default_factory=dict)
    missing: str | None = None  # why it cannot be done here


def main() -> int:
    """Do the runs that the command line names, and print the table."""
    numbers_only = "--numbers" in sys.argv[1:]
    print("| run | result | seconds |\n| --- | --- | --- |", flush=True)
    if numbers_only:
        results = [_row(run, numbers_only) for run in kernels(numbers_only)]
    else:
        with TemporaryDirectory() as folder:
            runs = [*kernels(numbers_only), *others(), *pythons(Path(folder))]
            results = [_row(run, numbers_only) for run in runs]
    return 0 if all(results) else 1


def kernels(others_only: bool) -> list[Run]:
    """Return a run for each OpenBLAS kernel, as far as the processor has its instructions."""
    own = _output([sys.executable, "-c", _KERNEL])
    runs = []
    for kernel in KERNELS:
        if kernel == own and others_only:
            continue
        run = Run(f"OPENBLAS_CORETYPE={kernel}", sys.executable, {"OPENBLAS_CORETYPE": kernel})
        needs = "avx512f" if kernel == "SkylakeX" else "avx2" if kernel != "Nehalem" else "sse4_2"
        if needs not in Path("/proc/cpuinfo").read_text(encoding="utf-8"):
            run.missing = f"the processor has no {needs}"
        else:
            run.name += "" if kernel != own else " (the default here)"
        runs.append(run)
    return runs


def others() -> list[Run]:
    """Return the runs with numpy's own kernels switched off, and with other numbers of threads."""
    features = _output([sys.executable, "-c", _FEATURES])
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return [
        Run(
            f"NPY_DISABLE_CPU_FEATURES={features}",
            sys.executable,
            {"NPY_DISABLE_CPU_FEATURES": features},
        ),
        *(
            Run(f"BLAS threads: {count}", sys.executable, dict.fromkeys(threads, count))
            for count in ("1", "2")
        ),
    ]


def pythons(folder: Path) -> list[Run]:
    """Return a run for each other Python, and one with the oldest versions of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    oldest = folder / "oldest.txt"
    # A later pyparsing deprecates what the oldest matplotlib calls, and warnings are errors here.
    lines = [*(bound.replace(">=", "==") for bound in bounds), "pyparsing<3.2"]
    oldest.write_text("\n".join(lines), encoding="utf-8")
    first = project["requires-python"].removeprefix(">=")
    return [
        *(_on(f"Python {version}", version, folder) for version in PYTHONS if version != OWN),
        _on(f"oldest versions, Python {first}", first, folder, "-c", str(oldest)),
    ]


def _on(name: str, version: str, folder: Path, *options: str) -> Run:
    """Return a run in an environment of its own."""
    found = shutil.which(f"python{version}")
    if found is None:
        return Run(name, "", missing=f"python{version} is not on the path")
    where = folder / name.replace(" ", "-")
    python = str(where / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    for command in ([found, "-m", "venv", str(where)], [*install, "-e", f"{ROOT}[test]"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            return Run(name, "", missing=f"no environment: {_last(done.stderr)}")
    return Run(name, python)


def _row(run: Run, numbers_only: bool) -> bool:
    """Do a run, print its row, and say whether it passed."""
    if run.missing is not None:
        print(f"| {run.name} | not run: {run.missing} | |", flush=True)
        return True
    command = [run.python, "-m", "pytest", "-n", "2", "-p", "no:cacheprovider"]
    command += ["-m", "numbers"] if numbers_only else []
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **run.environment}, capture_output=True, text=True
    )
    seconds = time.monotonic() - began
    # pytest is quiet by its settings: its counts stand in the last line only where one failed.
    passed = done.returncode == 0
    result = "passed" if passed else _last(done.stdout or done.stderr)
    print(f"| {run.name} | {result} | {seconds:.0f} |", flush=True)
    if not passed:
        failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
        print(*failed, sep="\n", file=sys.stderr, flush=True)
    return passed


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _last(text: str) -> str:
    return (text.strip().splitlines() or ["nothing was said"])[-1]


if __name__ == "__main__":
    sys.exit(main())
