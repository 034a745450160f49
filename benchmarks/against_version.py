"""The explicit gradient of this version against that of another one, at every shape of a grid.

    git worktree add ../other COMMIT
    python benchmarks/against_version.py ../other/src [--repeats 7] [--only TEXT]

A worker for each version builds `LiftedProblem(problem, order)`, whatever form that chooses; the
two take turns of 30 ms. CPU seconds of one thread, medians, symmetric w. Above 1.1 is a step back.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

COMPLETION = [(6, 3), (12, 3), (20, 3), (40, 3), (3, 5), (4, 5), (8, 5), (3, 7), (3, 9), (3, 11)]
GAUSSIAN = [
    *((n, 1, n + 2, 3) for n in (3, 5, 8, 10, 16)),
    *((10, 1, m, 3) for m in (6, 30, 60, 120)),
    *((5, r, 10, 3) for r in (2, 3)),
    *((3, 1, 6, order) for order in (5, 7, 9)),
    (6, 1, 20, 5),
    (30, 1, 40, 1),
]
VECTORS = [(6, 1, 12, 3), (6, 2, 12, 3), (10, 1, 40, 3), (3, 1, 6, 5), (3, 1, 6, 7)]
NAMES = [
    *(f"completion n={n} l={order}" for n, order in COMPLETION),
    *(f"Gaussian n={n} r={r} m={m} l={order}" for n, r, m, order in GAUSSIAN),
    *(f"rank-one n={n} r={r} m={m} l={order}" for n, r, m, order in VECTORS),
]


def problem_of(number: int) -> tuple[Any, int]:
    """Return the problem of a row of the grid, and the order."""
    from lift_compare import sensing

    if number < len(COMPLETION):
        n, order = COMPLETION[number]
        return sensing.perturbed_completion(n), order
    number -= len(COMPLETION)
    if number < len(GAUSSIAN):
        n, r, m, order = GAUSSIAN[number]
        return sensing.gaussian(n, r, m, 0), order
    n, r, m, order = VECTORS[number - len(GAUSSIAN)]
    rng = np.random.default_rng(0)
    operator = sensing.RankOneOperator(rng.standard_normal((m, n)) / np.sqrt(m))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r))), order


def serve() -> None:
    """Answer numbers of rows with the form and the CPU seconds of a call, a line of JSON each."""
    from lift_compare.lifting import LiftedProblem

    built: dict[int, tuple[Any, Any]] = {}
    for line in sys.stdin:
        number = int(line)
        if number not in built:
            problem, order = problem_of(number)
            lifted = LiftedProblem(problem, order)
            rng = np.random.default_rng(0)
            lifts = [lifted.lift(rng.standard_normal(problem.shape)) for _ in range(2)]
            built = {number: (lifted, lifts[0] - 0.5 * lifts[1])}
        lifted, w = built[number]
        lifted.value_and_gradient(w)
        start, made = time.thread_time(), 0
        while (spent := time.thread_time() - start) < 0.03 or made == 0:
            lifted.value_and_gradient(w)
            made += 1
        print(json.dumps([lifted.cost.form, spent / made]), flush=True)


def worker(source: Path) -> subprocess.Popen[str]:
    """Start the worker of one version."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**os.environ, **threads, "PYTHONPATH": str(source.resolve())}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, __file__, "--serve"], env=environment, **pipes)


def asked(process: subprocess.Popen[str], number: int) -> tuple[str, float]:
    """Return the form and the seconds that a worker answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    form, seconds = json.loads(process.stdout.readline())
    return form, seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("other", type=Path, help="the folder src of the other version")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", default="", help="shapes whose name holds this text")
    arguments = parser.parse_args()
    versions = [worker(Path(__file__).parents[1] / "src"), worker(arguments.other)]
    back = 0
    print(f"{'shape':28s} {'this':>10s} {'other':>10s}  ratio  forms")
    chosen = [(number, name) for number, name in enumerate(NAMES) if arguments.only in name]
    for number, name in chosen:
        answers = [[asked(each, number) for each in versions] for _ in range(arguments.repeats)]
        (form, _), (other_form, _) = answers[0]
        this, other = np.median([[seconds for _, seconds in pair] for pair in answers], axis=0)
        back += this > 1.1 * other
        print(
            f"{name:28s} {this * 1e6:7.0f} µs {other * 1e6:7.0f} µs  {this / other:5.2f}  "
            f"{form}, {other_form}",
            flush=True,
        )
    for each in versions:
        each.kill()
    print(f"{back} of {len(chosen)} shapes slower by more than 10 %")
    return int(back > 0)


if __name__ == "__main__":
    if sys.argv[1:] == ["--serve"]:
        serve()
    else:
        sys.exit(main())
