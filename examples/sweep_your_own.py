"""Sweep an evaluation of your own: how often descent alone solves a random Gaussian instance.

The signature of the function declares the settings: their names, types, bounds and defaults. Run as
a plain script: python examples/sweep_your_own.py. Run it again: nothing is evaluated twice.
It draws to results/.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from lift_compare import sensing
from lift_compare.compare import Evaluation, Sweep, export_rows, figures, run_sweep


def solved_rate(
    *,
    n: Annotated[int, Field(ge=1)],
    rank: Annotated[int, Field(ge=1)],
    measurements_per_unknown: Annotated[float, Field(gt=0)],
    starts: int = 5,
    seed: int = 0,
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
    return {
        "m": m,
        "rate": np.mean([problem.is_near_truth(end.point) for end in ends]),
        "median_iterations": np.median([e.iterations for e in ends]),
    }


if __name__ == "__main__":  # the worker processes import this script
    sweep = Sweep(
        Evaluation("solved-rate", solved_rate),
        grid={"measurements_per_unknown": [1.0, 2.0, 4.0], "rank": [1, 2]},
        fixed={"n": 6},
    )
    print(run_sweep(sweep, "results/solved-rate.sqlite"))
    rows = export_rows("results/solved-rate.sqlite")
    for row in rows:
        size = f"r = {row['rank']}, m = {row['m']:2d}"
        print(f"{size}: {row['rate']:.0%} solved, {row['seconds']:.2f} s")
    figure, ax = figures.sweep_figure(
        rows,
        "measurements_per_unknown",
        "rate",
        by="rank",
        title="With more measurements descent alone succeeds",
    )
    ax.set_xlabel("measurements per unknown")
    ax.set_ylabel("share of starts that end at the truth")
    print("written:", figures.save_svg(figure, Path("results") / "solved-rate.svg"))
