"""Sweep an evaluation of your own: how often gradient descent alone solves a random Gaussian instance.

Run as a plain script: python examples/sweep_your_own.py. Run it again: nothing is evaluated twice.
"""

import numpy as np

from lift_compare import sensing
from lift_compare.compare import Evaluation, Sweep, export_rows, run_sweep


def solved_rate(
    *, n: int, rank: int, measurements_per_unknown: float, starts: int = 5, seed: int = 0
) -> dict:
    """Return the fraction of normal starts from which gradient descent ends at the truth."""
    m = round(measurements_per_unknown * n * rank)
    problem = sensing.gaussian(n, rank, m, seed)
    rng = np.random.default_rng([seed, 1])
    ends = [
        sensing.gradient_descent(
            problem,
            rng.standard_normal((n, rank)) / np.sqrt(n),
            step_size=sensing.Backtracking(),
            max_iterations=200,
            tolerance=1e-6,
        )
        for _ in range(starts)
    ]
    distances = [problem.distance(end.point) for end in ends]
    return {
        "m": m,
        "rate": np.mean([d < 1e-2 for d in distances]),
        "median_iterations": np.median([e.iterations for e in ends]),
    }


if __name__ == "__main__":  # the worker processes import this script
    sweep = Sweep(
        Evaluation("solved-rate", solved_rate),
        grid={"measurements_per_unknown": [1.0, 2.0, 4.0], "rank": [1, 2]},
        fixed={"n": 6},
    )
    print(run_sweep(sweep, "results/solved-rate.sqlite"))
    for row in export_rows("results/solved-rate.sqlite"):
        print(
            f"r = {row['rank']}, m = {row['m']:2d}: {row['rate']:.0%} solved, {row['seconds']:.2f} s"
        )
