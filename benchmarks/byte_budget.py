"""Predicted against resident bytes of the explicit side, on random cases of every form.

    python benchmarks/byte_budget.py [--cases 200] [--seed 0] [--csv FILE]

Operators, n, r, m, l and forms are drawn until that many cases have a prediction of 1 to 150 MB
and a step of at most 3e9 operations. Each is planned and run in a fresh process. The table has, for
every form, the extremes of resident / predicted and the slowest plan.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import lifting
from lift_compare.compare.cost.cases import OPERATORS, CostCase
from lift_compare.compare.cost.grid import cost_grid
from lift_compare.compare.tables import Column, save_rows, text_table

COLUMNS = [
    Column("form", "form"),
    Column("cases", "cases", "d"),
    Column("least", "least resident / predicted", ".2f"),
    Column("most", "most", ".2f"),
    Column("where", "where"),
    Column("plan", "slowest plan", "seconds"),
]


def draw(rng: np.random.Generator) -> CostCase:
    """Return a random case of a family, small or large."""
    order = int(rng.choice([1, 3, 3, 3, 5, 5, 7, 9, 11]))
    n = int(rng.integers(2, {1: 300, 3: 80, 5: 14, 7: 6, 9: 4, 11: 3}[order] + 1))
    rank = int(rng.integers(1, min(n, 3) + 1))
    operator = str(rng.choice(OPERATORS))
    own_m = operator in ("completion", "sparse-completion")
    return CostCase(operator, n, rank, order, "" if own_m else int(rng.integers(1, 4 * n)))


def chosen(count: int, seed: int) -> list[tuple[CostCase, str]]:
    """Return that many cases with a form, of a size that says something."""
    rng = np.random.default_rng(seed)
    found: list[tuple[CostCase, str]] = []
    while len(found) < count:
        case = draw(rng)
        costs = lifting.predict_cost(case.problem(seed), case.order)
        fitting = [
            cost.form
            for cost in costs
            if cost.reason is None and 1e6 <= cost.total_bytes <= 1.5e8 and cost.flops <= 3e9
        ]
        if fitting:
            found.append((case, str(rng.choice(fitting))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", help="write every case as a row")
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for case, form in tqdm(chosen(arguments.cases, arguments.seed), unit="case", disable=None):
        budget = {"repeats": 1, "min_time": 0.0, "seed": arguments.seed, "progress": False}
        rows += cost_grid([case], methods=["explicit"], forms=[form], **budget)
    by_form = defaultdict(list)
    for row in rows:
        if row["status"] == "measured":
            row["ratio"] = row["resident_bytes"] / row["predicted_bytes"]
            by_form[row["form"]].append(row)
    table = []
    for form, members in sorted(by_form.items()):
        worst = max(members, key=lambda row: row["ratio"])
        sizes = ", ".join(f"{name} = {worst[key]}" for name, key in _SIZES.items())
        table.append(
            {
                "form": form,
                "cases": len(members),
                "least": min(row["ratio"] for row in members),
                "most": worst["ratio"],
                "where": f"{worst['operator']}, {sizes}; {worst['predicted_bytes'] / 1e6:.1f} MB",
                "plan": max(row["plan_seconds"] for row in members),
            }
        )
    print(text_table(COLUMNS, table, title=f"{len(rows)} cases, seed {arguments.seed}"))
    for row in rows:
        if row["status"] != "measured":
            print(f"{row['operator']} {row['form']}: {row['note']}")
    if arguments.csv:
        save_rows(arguments.csv, rows)


_SIZES = {"n": "n", "r": "rank", "m": "m", "l": "order"}


if __name__ == "__main__":
    main()
