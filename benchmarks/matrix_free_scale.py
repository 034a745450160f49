"""Directions and exact simulation at n = 100,000, without a matrix of size n×n.

    python benchmarks/matrix_free_scale.py [--n 100000] [--order 11] [--operator sparse | rank-one]

The coordinates fall into two halves, and the truth is Z = (z₁, z₂).
- sparse: entries within a half have weight 1, the few across have ε. Gradient descent from (z₁,
  −z₂) ends at a spurious local minimum close by (this stage is shown, and not counted).
- rank-one: each vector lives on one half, so X̂ = (z₁, 0) is exactly stationary, a saddle; its
  hidden direction is zero.

Each operator is measured in a fresh process: seconds of each stage (one call each; they are long)
and the resident peak of all of it above the imports.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import numpy as np
from scipy import sparse

from lift_compare import simulated
from lift_compare.compare.cost.resident import peak_of
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table
from lift_compare.sensing import (
    Backtracking,
    EntrywiseOperator,
    RankOneOperator,
    SensingProblem,
    gradient_descent,
)
from lift_compare.sensing.validation import show_bytes

OPERATORS = ("sparse", "rank-one")
EPSILON = 0.3


def sparse_operator(n: int, stored: int, rng: np.random.Generator) -> EntrywiseOperator:
    """Return `stored` weights at random places and on the diagonal.

    One in ten of the random ones lies across the halves.
    """
    half, each = n // 2, stored // n - 1
    rows = np.repeat(np.arange(n), each)
    across = rng.random(rows.size) < 0.1
    cols = rng.integers(0, half, rows.size) + half * ((rows >= half) ^ across)
    diagonal = np.arange(n)
    values = np.concatenate([np.where(across, EPSILON, 1.0), np.ones(n)])
    places = (np.concatenate([rows, diagonal]), np.concatenate([cols, diagonal]))
    return EntrywiseOperator(sparse.csr_array((values, places), shape=(n, n)))


def rank_one_operator(n: int, m: int, rng: np.random.Generator) -> RankOneOperator:
    """Return m normal vectors, each supported on one of the two halves."""
    vectors = rng.standard_normal((m, n)) / np.sqrt(n)
    vectors[: m // 2, n // 2 :] = 0.0
    vectors[m // 2 :, : n // 2] = 0.0
    return RankOneOperator(vectors)


def spurious_minimum(problem: SensingProblem, start: np.ndarray) -> np.ndarray:
    return gradient_descent(problem, start, step_size=Backtracking(), max_iterations=60).point


def measure(kind: str, n: int, stored: int, m: int, order: int, steps: int) -> None:
    """Print the table of one operator, and the peak of it all."""
    peak = peak_of(lambda: run(kind, n, stored, m, order, steps))
    if peak is not None:
        print(f"resident peak, operator included: {show_bytes(peak)}")


def run(kind: str, n: int, stored: int, m: int, order: int, steps: int) -> None:
    """Print the seconds of every stage, and what came out."""
    rng = np.random.default_rng(0)
    rows = []

    def timed(name: str, call):  # type: ignore[no-untyped-def]
        start = time.perf_counter()
        result = call()
        rows.append({"stage": name, "seconds": time.perf_counter() - start})
        return result

    build = sparse_operator if kind == "sparse" else rank_one_operator
    operator = timed("operator", lambda: build(n, stored if kind == "sparse" else m, rng))
    Z = rng.uniform(0.5, 1.5, (n, 1))
    problem = timed("problem", lambda: SensingProblem.from_ground_truth(operator, Z))
    lower = np.arange(n)[:, None] < n // 2
    if kind == "sparse":
        X = timed("descent to X̂", lambda: spurious_minimum(problem, np.where(lower, Z, -Z)))
    else:
        X = np.where(lower, Z, 0.0)
    first = len(rows)
    directions = timed("directions", lambda: simulated.escape_directions(problem, X))
    span = timed(
        "Gram matrices",
        lambda: simulated.SpanObjective(problem, directions.generators, order).normalised(),
    )
    start = [1.0, 0.1, 0.0]
    # Half the largest step that always falls; on the sparse instance nothing falls beyond rounding:
    # any step will do.
    window = timed(
        "step-size window",
        lambda: simulated.step_window(span, start, iterations=steps, tolerance=0.1),
    )
    step = 0.5 * window.largest or 0.1
    path = timed(
        f"descent, {steps} steps",
        lambda: simulated.descend(span, start, step_size=step, iterations=steps),
    )
    point = timed(
        "collapse", lambda: simulated.collapse(span.generators, path.coefficients[-1], order)
    )
    rows.append(
        {"stage": "directions to collapse", "seconds": sum(row["seconds"] for row in rows[first:])}
    )
    escape = timed(
        "(beside it: escape, exact)", lambda: simulated.escape(problem, X, method="exact")
    )
    title = f"{problem.operator!r}, l = {order}"
    print(
        text_table(
            [Column("stage", "stage"), Column("seconds", "time", "seconds")], rows, title=title
        )
    )
    print(f"\n{directions!r}\n{path!r}")
    before, after = problem.objective(X), problem.objective(point)
    print(f"h at X̂ {before:.6g}, after these steps and the collapse {after:.6g}")
    print(repr(escape))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--operator", choices=OPERATORS, help="one operator, in this process (default: both)"
    )
    parser.add_argument("--n", type=int, default=100_000)
    parser.add_argument(
        "--stored", type=int, default=1_000_000, help="stored weights of the sparse operator"
    )
    parser.add_argument("--m", type=int, default=200, help="measurements of the rank-one operator")
    parser.add_argument("--order", type=int, default=11)
    parser.add_argument("--steps", type=int, default=1000)
    arguments = parser.parse_args()
    if arguments.operator is not None:
        measure(
            arguments.operator,
            arguments.n,
            arguments.stored,
            arguments.m,
            arguments.order,
            arguments.steps,
        )
        return
    print(provenance(), flush=True)
    for kind in OPERATORS:
        print(flush=True)
        subprocess.run([sys.executable, __file__, "--operator", kind, *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
