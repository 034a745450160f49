"""One exact step of `descend` costs the same whatever n and l are; only generators count.

    python benchmarks/step_cost.py

Every case runs in the same process, the cases in turn, so that a busy machine slows all of them;
ratios are of medians.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from lift_compare import sensing, simulated
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table

CASES = [(3, 3, 3), (3, 11, 3), (80, 3, 3), (80, 11, 3), (400, 11, 3), (80, 11, 6), (80, 11, 12)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=2000, help="steps of one run")
    parser.add_argument("--rounds", type=int, default=15, help="runs of each case")
    arguments = parser.parse_args()
    runs = [prepare(*case) for case in CASES]
    seconds = np.empty((arguments.rounds, len(CASES)))
    for row in seconds:
        for column, (span, start) in enumerate(runs):
            begin = time.perf_counter()
            simulated.descend(span, start, step_size=1e-3, iterations=arguments.steps)
            row[column] = (time.perf_counter() - begin) / arguments.steps
    median = np.median(seconds, axis=0)
    low, high = np.quantile(seconds, [0.2, 0.8], axis=0)
    rows = [
        {
            "n": n,
            "l": order,
            "k": k,
            "step": median[i],
            "low": low[i],
            "high": high[i],
            "ratio": median[i] / median[0],
        }
        for i, (n, order, k) in enumerate(CASES)
    ]
    columns = [
        Column("n", "n", "d"),
        Column("l", "l", "d"),
        Column("k", "generators", "d"),
        Column("step", "one step", "seconds"),
        Column("low", "20 %", "seconds"),
        Column("high", "80 %", "seconds"),
        Column("ratio", "against the first", ".2f"),
    ]
    print(provenance(steps=arguments.steps, rounds=arguments.rounds))
    print()
    print(text_table(columns, rows, title="Exact step of descend, perturbed completion, ε = 0.1"))


def prepare(n: int, order: int, k: int) -> tuple[simulated.SpanObjective, np.ndarray]:
    """Return the objective in natural units on k random generators: only their number matters."""
    problem = sensing.perturbed_completion(n, 0.1)
    generators = np.random.default_rng(0).standard_normal((k, n, 1))
    span = simulated.SpanObjective(problem, generators, order).normalised()
    return span, np.array([1.0, 0.1] + [0.0] * (k - 2))


if __name__ == "__main__":
    main()
