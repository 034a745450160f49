"""What h^l over two moving generators costs, in units of one gradient of h, in one run.

    python benchmarks/moving_generators.py [--repeats 25]

Gaussian problems, l = 9. Value and gradient of a pair, alone and as one of 50 starts evaluated
together, and the gradient of h take turns in one thread; processor time leaves out what other
programs do meanwhile.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from lift_compare import sensing
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.simulated import GeneratorObjective

CASES = ((20, 1, 25), (20, 2, 50), (200, 1, 240))
STARTS = 50
CALLS = 20  # of the short ones, between two looks at the clock


def seconds(call, calls: int) -> float:
    begin = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - begin) / calls


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=25)
    arguments = parser.parse_args()
    rows = []
    for n, r, m in CASES:
        problem = sensing.gaussian(n, r, m, 0)
        lifted = GeneratorObjective(problem, 9)
        pairs = 0.5 * np.random.default_rng(0).standard_normal((STARTS, 2, n, r))
        calls = CALLS if n < 100 else 3
        times = []
        for _ in range(arguments.repeats):
            times.append(
                (
                    seconds(lambda p=problem, X=pairs[0, 0]: p.gradient(X), calls),
                    seconds(lambda o=lifted, X=pairs[0]: o.scaled(X), calls),
                    seconds(lambda o=lifted, X=pairs: o.scaled(X), 1) / STARTS,
                )
            )
        gradient, pair, start = np.array(times).T
        rows.append(
            {
                "n": n,
                "r": r,
                "m": m,
                "gradient": float(np.median(gradient)),
                "pair": float(np.median(pair)),
                "ratio": float(np.median(pair / gradient)),
                "start": float(np.median(start)),
                "cheaper": float(np.median(pair / start)),
            }
        )
    columns = [
        Column("n", "n", "d"),
        Column("r", "r", "d"),
        Column("m", "m", "d"),
        Column("gradient", "one gradient of h", "seconds"),
        Column("pair", "one pair", "seconds"),
        Column("ratio", "gradients a pair", ".1f"),
        Column("start", f"one of {STARTS} pairs", "seconds"),
        Column("cheaper", "times cheaper", ".1f"),
    ]
    print(text_table(columns, rows, title="Value and gradient of h⁹ over two generators: medians"))
    machine = provenance(0)["machine"]
    print(f"\n{machine['processor']}, threads {machine['threads']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
