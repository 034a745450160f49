"""Processor time of one escape by each method, in units of one gradient of h, in one run.

    python benchmarks/escape_cost.py [--repeats 15]

The points are spurious minima of perturbed completion (ε = 0.1) that gradient descent ends at.
Gradients and escapes take turns in one thread, and processor time leaves out what other programs do
meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from lift_compare import sensing
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.simulated import descend_batch_with_escapes, escape

METHODS = {
    "exact": {},
    "exact, order 101": {"order": 101},
    "single-step": {"method": "single-step"},
    "line-search": {"method": "line-search"},
    "truncated (l = 3, T = 1000)": {"method": "truncated", "order": 3},
    "pair": {"method": "pair"},
    "any": {"method": "any"},
}
GRADIENTS = 50


def stuck(n: int, count: int):
    """Return a problem of side n and up to `count` spurious minima where descent ends."""
    problem = sensing.perturbed_completion(n, 0.1)
    starts = 0.5 * np.random.default_rng(0).standard_normal((4 * count, n, 1))
    runs = descend_batch_with_escapes(problem, starts, step_size=0.5 / n, max_escapes=0)
    return problem, [run.point for run in runs if not run.solved][:count]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    rows = []
    for n in (20, 40, 80):
        problem, points = stuck(n, 5)
        for name, settings in METHODS.items():
            gradients, escapes, ratios = [], [], []
            for X in points:
                for _ in range(arguments.repeats):
                    begin = time.process_time()
                    for _ in range(GRADIENTS):
                        problem.gradient(X)
                    middle = time.process_time()
                    found = escape(problem, X, **settings).found
                    end = time.process_time()
                    gradients.append((middle - begin) / GRADIENTS)
                    escapes.append(end - middle)
                    ratios.append(escapes[-1] / gradients[-1])
            rows.append(
                {
                    "n": n,
                    "method": name,
                    "found": found,
                    "gradient": float(np.median(gradients)),
                    "escape": float(np.median(escapes)),
                    "ratio": float(np.median(ratios)),
                    "low": float(np.quantile(ratios, 0.2)),
                    "high": float(np.quantile(ratios, 0.8)),
                }
            )
    columns = [
        Column("n", "n", "d"),
        Column("method", "escape by"),
        Column("found", "found"),
        Column("gradient", "one gradient", "seconds"),
        Column("escape", "one escape", "seconds"),
        Column("ratio", "gradients an escape", ".0f"),
        Column("low", "20 %", ".0f"),
        Column("high", "80 %", ".0f"),
    ]
    print(text_table(columns, rows, title="Perturbed completion, ε = 0.1: medians"))
    machine = provenance(0)["machine"]
    print(f"\n{machine['processor']}, threads {machine['threads']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
