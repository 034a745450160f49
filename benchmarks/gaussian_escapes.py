"""How often each method escapes on random Gaussian instances, honest where it does not.

    python benchmarks/gaussian_escapes.py [--instances 500] [--seed 0]

Each instance has n ≤ 12, r ≤ 3 and m from n r to 4 n r, all drawn at random. Gradient descent with
backtracking runs from one normal start. Where it solves the instance there is nothing to escape
from; elsewhere every method is asked once, at the same point, made stationary to rounding.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.simulated import EscapeReason, descend_with_escapes, escape

METHODS = {
    "single-step": {"method": "single-step"},
    "line-search": {"method": "line-search"},
    "truncated, rule of the code": {"method": "truncated", "rule": "code", "steps": 10_000},
    "truncated, rule of the text": {"method": "truncated", "rule": "text", "steps": 10_000},
    "exact, published span, saddle along visible only": {
        "generators": "published",
        "only_saddle": True,
    },
    "exact, saddle along visible only": {"only_saddle": True},
    "exact": {},
    "exact, 3 eigenvectors": {"eigenvectors": 3},
}
BINS = ((1.0, 1.5), (1.5, 2.0), (2.0, 4.01))


def stuck_points(instances: int, seed: int):
    """Yield (m / (n r), problem, point or None if gradient descent solved it)."""
    rng = np.random.default_rng(seed)
    for _ in tqdm(range(instances), desc="gradient descent", disable=None):
        n = int(rng.integers(2, 13))
        r = int(rng.integers(1, min(3, n) + 1))
        m = int(rng.integers(n * r, 4 * n * r + 1))
        problem = sensing.gaussian(n, r, m, rng)
        start = rng.standard_normal((n, r))
        run = descend_with_escapes(
            problem, start, step_size=sensing.Backtracking(), max_iterations=3000, max_escapes=0
        )
        if run.solved:
            yield m / (n * r), problem, None
            continue
        point = sensing.polish(problem, run.point)
        if sensing.relative_gradient_norm(problem, point) > 1e-6:
            yield m / (n * r), problem, run.point
        elif (
            run.relative_objective > 0
            and problem.objective(point) < 1e-20 * run.objective / run.relative_objective
        ):
            yield m / (n * r), problem, None
        else:
            yield m / (n * r), problem, point


def by_ratio(ratios) -> dict:
    """Return how many ratios m / (n r) fall into each bin, and in all."""
    bins = {f"[{low:g}, {min(high, 4):g}]": (low, high) for low, high in BINS}
    counts = {name: sum(low <= x < high for x in ratios) for name, (low, high) in bins.items()}
    return counts | {"all": len(ratios)}


def tried(name: str, settings: dict, stuck: list) -> tuple[dict, int]:
    """Ask one method at every point; return its row, and how many of its promises were broken."""
    found, falls, broken, seconds = [], [], 0, 0.0
    reasons = dict.fromkeys(EscapeReason, 0)
    for ratio, problem, X in tqdm(stuck, desc=name, disable=None):
        begin = time.perf_counter()
        attempt = escape(problem, X, **settings)
        seconds += time.perf_counter() - begin
        reasons[attempt.reason] += 1
        lower = problem.objective(attempt.point) < problem.objective(X)
        broken += not np.all(np.isfinite(attempt.point)) or (attempt.found and not lower)
        if attempt.found:
            found.append(ratio)
            falls.append(1 - attempt.objective_after / attempt.objective_before)
    why = [
        f"{count} {reason.name}"
        for reason, count in reasons.items()
        if count and reason is not EscapeReason.FOUND
    ]
    row = {
        "method": name,
        **by_ratio(found),
        "fall": float(np.median(falls)) if falls else None,
        "seconds": seconds / max(1, len(stuck)),
        "why": ", ".join(why),
    }
    return row, broken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    cases = list(stuck_points(arguments.instances, arguments.seed))
    stuck = [case for case in cases if case[2] is not None]
    rows = [
        {"method": "instances", **by_ratio([ratio for ratio, _, _ in cases])},
        {"method": "gradient descent stuck", **by_ratio([ratio for ratio, _, _ in stuck])},
    ]
    broken = 0
    for name, settings in METHODS.items():
        row, wrong = tried(name, settings, stuck)
        rows.append(row)
        broken += wrong
    columns = [
        Column("method", "escapes by"),
        *(Column(name, f"m/(nr) in {name}", "d") for name in by_ratio([]) if name != "all"),
        Column("all", "all", "d"),
        Column("fall", "median decrease", ".2g"),
        Column("seconds", "mean time", "seconds"),
        Column("why", "not found"),
    ]
    title = f"{arguments.instances} Gaussian instances, seed {arguments.seed}"
    print(text_table(columns, rows, title=title))
    machine = provenance(arguments.seed)["machine"]
    print(f"\n{machine['processor']}, threads {machine['threads']}; promises broken: {broken}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
