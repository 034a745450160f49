"""How often escapes solve what plain descent leaves stuck on Gaussian problems, beside restarts.

    python benchmarks/stuck_points.py [--points 16] [--first-seed 1000] [--cells 10,1,15 ...]

Stuck points: gradient descent with backtracking on `sensing.gaussian(n, r, m, seed)`, from a start
drawn with the same seed, normal for an even one and a tenth of that for an odd one; the ends that
are stationary and have h > 1e-9 ‖b‖². From there each method descends and escapes, at most ten
times; solved is h < 1e-9 ‖b‖². A restart is a descent from a new normal start. The cost is in
gradients: products with A and A*, by two. "No lifting" is the control: the pair escape at order 1,
descents of h itself from X̂ ± ½‖X̂‖ V.
"""

from __future__ import annotations

import argparse
import sys
import warnings

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.compare.cost.counted import counted
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.simulated import NotStationaryWarning, descend_with_escapes

CELLS = ("10,1,15", "10,1,12", "20,1,25", "30,1,36", "8,2,18")
WAYS = {
    "exact": {"method": "exact"},
    "pair": {"method": "pair"},
    "pair, V* only": {"method": "pair", "directions_tried": 1, "spectral": False},
    "pair, V* only, no descents of h": {
        "method": "pair",
        "directions_tried": 1,
        "spectral": False,
        "refine": False,
    },
    "no lifting": {"method": "pair", "order": 1},
    "any": {"method": "any"},
}
MOST_RESTARTS = 50


def problem_of(cell, seed: int) -> sensing.SensingProblem:
    n, r, m = cell
    return counted(sensing.gaussian(n, r, m, seed))[0]


def descend(problem, start):
    return sensing.gradient_descent(
        problem,
        start,
        step_size=sensing.Backtracking(),
        max_iterations=4000,
        tolerance=1e-7,
        solved_below=1e-10 * problem.objective_at_zero,
    ).point


def is_solved(problem, X) -> bool:
    return bool(problem.objective(X) < 1e-9 * np.sum(problem.measurements**2))


def stuck_points(cell, points: int, first_seed: int):
    """Return problems with their stuck points, and how many runs it took."""
    found, seed = [], first_seed
    while len(found) < points:
        rng = np.random.default_rng(seed)
        problem = problem_of(cell, seed)
        X = descend(problem, (0.1 if seed % 2 else 1.0) * rng.standard_normal(problem.shape))
        # A polished point is stationary to rounding; where there is none, the run was too short.
        try:
            X = sensing.polish(problem, X)
        except ValueError:
            X = problem.ground_truth
        if not is_solved(problem, X):
            found.append((problem, X))
        seed += 1
    return found, seed - first_seed


def restarts(problem, rng) -> tuple[int, float]:
    """Return how many normal starts it takes to solve the problem, and their gradients."""
    problem.operator.gradients()
    count, solved = 0, False
    while not solved and count < MOST_RESTARTS:
        solved = is_solved(problem, descend(problem, rng.standard_normal(problem.shape)))
        count += 1
    return count, problem.operator.gradients()


def escaping(problem, X, settings) -> tuple[bool, int, float]:
    """Return whether a run with escapes solves, by how many escapes, and its gradients."""
    problem.operator.gradients()
    run = descend_with_escapes(
        problem, X, step_size=sensing.Backtracking(), max_iterations=4000, **settings
    )
    count = sum(attempt.found for attempt in run.escapes)
    return is_solved(problem, run.point), count, problem.operator.gradients()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=16)
    parser.add_argument("--first-seed", type=int, default=1000)
    parser.add_argument("--cells", nargs="+", default=CELLS)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", NotStationaryWarning)
    rows = []
    for cell in arguments.cells:
        n, r, m = (int(part) for part in cell.split(","))
        stuck, runs = stuck_points((n, r, m), arguments.points, arguments.first_seed)
        row = {"n": n, "r": r, "m": m, "stuck": f"{len(stuck)} of {runs}"}
        for way in arguments.ways:
            results = [
                escaping(problem, X, WAYS[way])
                for problem, X in tqdm(stuck, desc=f"{cell} {way}", disable=None)
            ]
            solved, escapes, cost = (np.array(part) for part in zip(*results, strict=True))
            made = f"{escapes[solved].mean():.1f}" if solved.any() else "–"
            rows.append(
                row
                | {"way": way, "solved": f"{solved.mean():.0%}", "made": made}
                | {"median": float(np.median(cost)), "mean": float(cost.mean())}
            )
        rng = np.random.default_rng(arguments.first_seed)
        counts, cost = zip(*(restarts(problem, rng) for problem, _ in stuck), strict=True)
        solved = np.mean([is_solved_within(count) for count in counts])
        rows.append(
            row
            | {"way": "restarts", "solved": f"{solved:.0%}", "made": f"{np.mean(counts):.1f}"}
            | {"median": float(np.median(cost)), "mean": float(np.mean(cost))}
        )
    columns = [
        Column("n", "n", "d"),
        Column("r", "r", "d"),
        Column("m", "m", "d"),
        Column("stuck", "stuck"),
        Column("way", "way"),
        Column("solved", "solved"),
        Column("made", "escapes or restarts (mean)"),
        Column("median", "gradients (median)", ".0f"),
        Column("mean", "gradients (mean)", ".0f"),
    ]
    print(text_table(columns, rows, title=f"Stuck points of descent, seed {arguments.first_seed}"))
    machine = provenance(arguments.first_seed)["machine"]
    print(f"\n{machine['processor']}, threads {machine['threads']}")
    return 0


def is_solved_within(count: int) -> bool:
    return count < MOST_RESTARTS


if __name__ == "__main__":
    sys.exit(main())
