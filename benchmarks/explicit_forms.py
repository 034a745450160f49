"""Cost of the explicit side against n, l, m and r, for every form: one row per evaluation.

    python benchmarks/explicit_forms.py [--quick] [--limit 1e9] [--max-flops 5e9] [--csv FILE]

Each row has the median and the 20 % and 80 % quantiles of the seconds, the predicted and the traced
peak, and how many predicted operations a second were reached. Sizes beyond the limits are rows too.
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.compare.cost.measure import measure_cost
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, save_rows, text_table
from lift_compare.lifting import LiftedProblem, MemoryLimitExceeded

COLUMNS = [
    Column("instance", "instance"),
    Column("n", "n", "d"),
    Column("r", "r", "d"),
    Column("m", "m", "d"),
    Column("order", "l", "d"),
    Column("form", "form"),
    Column("evaluation", "evaluation"),
    Column("median", "median", "seconds"),
    Column("low", "20 %", "seconds"),
    Column("high", "80 %", "seconds"),
    Column("predicted", "predicted peak", "bytes"),
    Column("traced", "traced peak", "bytes"),
    Column("flops", "operations", ".2e"),
    Column("rate", "Gop/s", ".3g"),
    Column("note", "note"),
]


# Perturbed completion: (n, l). Gaussian and rank-one operators: (n, r, m, l).
QUICK = ([(6, 3), (12, 3), (3, 5), (3, 7)], [(6, 1, 6, 3), (6, 2, 6, 3)], [(6, 1, 12, 3)])
FULL = (
    [(6, 3), (12, 3), (20, 3), (40, 3), (4, 5), (8, 5), (3, 7), (3, 9), (3, 11)],
    [
        *((n, 1, n + 2, 3) for n in (5, 10, 20)),
        *((10, 1, m, 3) for m in (6, 24, 48)),
        *((5, r, 10, 3) for r in (1, 2, 3)),
        *((3, 1, 6, order) for order in (5, 7, 9)),
    ],
    [(6, 1, 12, 3), (6, 2, 12, 3), (10, 1, 40, 3), (3, 1, 6, 5), (3, 1, 6, 7)],
)


def rank_one(n: int, r: int, m: int, seed: int) -> sensing.SensingProblem:
    rng = np.random.default_rng(seed)
    operator = sensing.RankOneOperator(rng.standard_normal((m, n)) / np.sqrt(m))
    return sensing.SensingProblem.from_ground_truth(operator, rng.standard_normal((n, r)))


def instances(quick: bool) -> list[tuple[str, sensing.SensingProblem, int]]:
    completion, gaussian, vectors = QUICK if quick else FULL
    return [
        *(
            ("perturbed completion", sensing.perturbed_completion(n), order)
            for n, order in completion
        ),
        *(("gaussian", sensing.gaussian(n, r, m, 0), order) for n, r, m, order in gaussian),
        *(("rank-one operators", rank_one(n, r, m, 0), order) for n, r, m, order in vectors),
    ]


def rows_of(
    name: str, problem: sensing.SensingProblem, order: int, form: str, limits: Any
) -> list[dict[str, Any]]:
    base = {
        "instance": name,
        "n": problem.n,
        "r": problem.rank,
        "m": problem.m,
        "order": order,
        "form": form,
    }
    try:
        lifted = LiftedProblem(problem, order, form=form, memory_limit=int(limits.limit))
    except MemoryLimitExceeded as refusal:
        return [
            base | {"predicted": refusal.predicted_bytes, "note": "refused: over the memory limit"}
        ]
    cost = lifted.cost
    base |= {"predicted": cost.peak_bytes, "flops": cost.flops}
    if cost.flops > limits.max_flops:
        return [base | {"note": "not run: over the limit of operations"}]
    rng = np.random.default_rng(0)
    w, v = (
        sum(c * lifted.lift(rng.standard_normal(problem.shape)) for c in (1.0, -0.5))
        for _ in range(2)
    )
    rows = []
    for evaluation, call, predicted in (
        ("value and gradient", lambda: lifted.value_and_gradient(w), cost.peak_bytes),
        ("Hessian product", lambda: lifted.hessian_product(w, v), cost.hessian_bytes),
    ):
        sample = measure_cost(call, repeats=3 if limits.quick else 7, min_time=0.05, max_time=5.0)
        seconds = sample.seconds
        row = base | {
            "evaluation": evaluation,
            "predicted": predicted,
            "traced": sample.traced_bytes,
        }
        row |= {"median": seconds.median, "low": seconds.low, "high": seconds.high}
        if evaluation == "Hessian product":
            row.pop("flops")
        else:
            row["rate"] = cost.flops / seconds.median / 1e9
        rows.append(row)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few small sizes")
    parser.add_argument("--limit", type=float, default=1e9, help="memory limit in bytes")
    parser.add_argument(
        "--max-flops", type=float, default=5e9, help="predicted operations that are still run"
    )
    parser.add_argument("--csv", help="also write the rows to this file")
    arguments = parser.parse_args()
    rows = []
    for name, problem, order in tqdm(instances(arguments.quick), disable=None, unit="instance"):
        for cost in LiftedProblem(problem, 1).costs:
            if cost.reason is None:
                rows += rows_of(name, problem, order, cost.form, arguments)
    print(text_table(COLUMNS, rows, title="Explicit lifting, float64, at a symmetric w"))
    print(f"\n{provenance(0)['machine']}")
    if arguments.csv:
        save_rows(arguments.csv, rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
