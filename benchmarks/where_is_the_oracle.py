"""Where is the oracle? Saddle orders along b and along V*, and what escapes from stuck points.

    python benchmarks/where_is_the_oracle.py gaussian [--points 100] [--jobs 2]
    python benchmarks/where_is_the_oracle.py figures
    python benchmarks/where_is_the_oracle.py catalogue
    python benchmarks/where_is_the_oracle.py completion [--n 100000] [--order 11]

gaussian: n = 10, 20, 40 and r = 1, 2, over m/n. A stuck point is the first spurious one that
`sensing.spurious_point` finds, in at most twelve descents. Instances of seed 0, 1, ... are searched
until a cell has --points of them, or --instances have been. Every escape then starts there, with
descents by backtracking and at most ten escapes. Rows are kept in an SQLite store, and the run goes
on where it was interrupted. Writes where-is-the-oracle.csv and two figures into --out.

figures: draws both again, from the where-is-the-oracle.csv in --out.

catalogue: the same at a point of every instance of the catalogue (the shipped grid "oracle").

completion: sparse completion in two clusters with few entries across them, at n = 100,000. No
matrix of size n×n is formed.

docs/where-is-the-oracle.md says what came out.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matrix_free_scale import sparse_operator

from lift_compare import sensing, simulated
from lift_compare.compare import Sweep, figures, run_sweep
from lift_compare.compare.commands.sweep import grid_path
from lift_compare.compare.intervals import interval
from lift_compare.compare.provenance import provenance
from lift_compare.compare.sweeps.export import flat
from lift_compare.compare.sweeps.oracle import WAYS, orders
from lift_compare.compare.sweeps.rivals import family
from lift_compare.compare.tables import Column, text_table

SIZES = (10, 20, 40)
RATIOS = {1: (1.2, 1.4, 1.6, 1.8, 2.0), 2: (2.4, 2.8, 3.2, 3.6)}
CELLS = [(n, r, round(n * ratio)) for r in RATIOS for n in SIZES for ratio in RATIOS[r]]
DOCS = Path(__file__).parents[1] / "docs"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("experiment", choices=tuple(EXPERIMENTS))
    parser.add_argument("--points", type=int, default=100, help="stuck points a cell")
    parser.add_argument("--instances", type=int, default=1200, help="instances a cell at most")
    parser.add_argument("--store", type=Path, default=Path("results/where-is-the-oracle.sqlite"))
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--n", type=int, default=100_000, help="side of the completion")
    parser.add_argument("--order", type=int, default=11, help="lifting order of the completion")
    arguments = parser.parse_args()
    arguments.store.parent.mkdir(parents=True, exist_ok=True)
    EXPERIMENTS[arguments.experiment](arguments)
    machine = provenance(0)["machine"]
    print(f"\n{machine['processor']}, threads {machine['threads']}")
    return 0


# --- Gaussian operators -------------------------------------------------------------------------


def gaussian(arguments: argparse.Namespace) -> None:
    """Search every cell until it has its stuck points; print the tables, draw the figures."""
    cells = searched(arguments)
    table = [summary(cell, cells[cell]) for cell in CELLS]
    print_orders(table)
    print_escapes(table)
    with open(arguments.out / "where-is-the-oracle.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    draw(table, arguments.out)


def searched(arguments: argparse.Namespace) -> dict[tuple[int, int, int], list[dict]]:
    """Return the rows of each cell, (n, r, m): instances 0, 1, ... until enough are stuck."""
    wanted = dict.fromkeys(CELLS, min(arguments.points, arguments.instances))
    while True:
        grid = [
            {"n": [n], "rank": [r], "m": [m], "seed": list(range(wanted[n, r, m]))}
            for n, r, m in CELLS
        ]
        sweep = Sweep("oracle", grid, {"instance": "gaussian", "point": "search"})
        report = run_sweep(sweep, arguments.store, jobs=arguments.jobs)
        rows = defaultdict(list)
        for row in map(flat, report.rows):
            rows[row["n"], row["rank"], row["m"]].append(row)
        short = False
        for cell in CELLS:
            found = len(stuck(rows[cell]))
            if found < arguments.points and wanted[cell] < arguments.instances:
                needed = math.ceil(1.1 * wanted[cell] * arguments.points / max(found, 1))
                wanted[cell] = min(max(needed, wanted[cell] + 10), arguments.instances)
                short = True
        if not short:
            return rows


def stuck(rows: list[dict]) -> list[dict]:
    return [row for row in rows if row.get("spurious")]


def summary(cell: tuple[int, int, int], rows: list[dict]) -> dict:
    """Return one cell: counts of orders, and of what was solved at which cost."""
    points = stuck(rows)
    along = [row["order_oracle"] for row in points]
    result = dict(zip("nrm", cell, strict=True)) | {
        "instances": len(rows),
        "failed": sum(row["error"] is not None for row in rows),
        "stuck": len(points),
        "saddle_of_h": sum(order == 1 for order in along),
        "b_to_9": count(points, "order_visible", 9),
        "b_to_1001": count(points, "order_visible", 1001),
        "oracle_to_3": count(points, "order_oracle", 3),
        "oracle_to_5": count(points, "order_oracle", 5),
        "oracle_to_9": count(points, "order_oracle", 9),
        "oracle_to_1001": count(points, "order_oracle", 1001),
        "largest_oracle": max((order for order in along if order), default=None),
        "met": sum(row["oracle_reason"] in ("MET", "NONE") for row in points),
    }
    for way in (*WAYS, "restart"):
        tried = [row for row in points if f"{way}_solved" in row]
        solved = sum(row[f"{way}_solved"] and row[f"{way}_near_truth"] for row in tried)
        gradients = sum(row[f"{way}_gradients"] for row in tried)
        result[f"{way}_tried"], result[f"{way}_solved"] = len(tried), solved
        result[f"{way}_gradients"] = round(gradients / len(tried), 1) if tried else None
    return result


def count(points: list[dict], name: str, largest: int) -> int:
    return sum(row[name] is not None and row[name] <= largest for row in points)


def share(done: int, total: int) -> str:
    """Return a share in per cent with its 95 % interval."""
    if not total:
        return "–"
    low, high = interval(done, total)
    return f"{100 * done / total:.0f} ({100 * low:.0f}–{100 * high:.0f})"


def print_orders(table: list[dict]) -> None:
    rows = [
        {
            **row,
            "ratio": row["m"] / row["n"],
            **{
                name: share(row[name], row["stuck"])
                for name in ("b_to_1001", "oracle_to_3", "oracle_to_9", "met")
            },
        }
        for row in table
    ]
    columns = [
        Column("n", "n", "d"),
        Column("r", "r", "d"),
        Column("m", "m", "d"),
        Column("ratio", "m/n", ".1f"),
        Column("stuck", "stuck", "d"),
        Column("instances", "of", "d"),
        Column("b_to_1001", "b, l ≤ 1001"),
        Column("oracle_to_3", "V*, l ≤ 3"),
        Column("oracle_to_9", "V*, l ≤ 9"),
        Column("largest_oracle", "largest"),
        Column("met", "proved"),
    ]
    title = "Stuck points that are strict saddles up to order l, in % (95 % interval)"
    print(text_table(columns, rows, title=title))
    print("largest: the largest smallest saddle order along V*; proved: no smaller order, or none")


def print_escapes(table: list[dict]) -> None:
    ways = ("exact", "any", "no_lifting", "restart")
    rows = [
        {
            **row,
            **{way: share(row[f"{way}_solved"], row[f"{way}_tried"]) for way in ways},
            **{
                f"cost_{way}": row[f"{way}_gradients"] * row[f"{way}_tried"] / row[f"{way}_solved"]
                for way in ("any", "no_lifting", "restart")
                if row[f"{way}_solved"]
            },
        }
        for row in table
    ]
    columns = [
        Column("n", "n", "d"),
        Column("r", "r", "d"),
        Column("m", "m", "d"),
        *(Column(way, way.replace("_", " ")) for way in ways),
        Column("cost_any", "∇h any", ".0f"),
        Column("cost_no_lifting", "no lifting", ".0f"),
        Column("cost_restart", "restart", ".0f"),
    ]
    print(text_table(columns, rows, title="\nSolved from the stuck point, in % (95 % interval)"))
    print("∇h: gradients for one success, failures included. Restart: one descent, a new start")
    others = [way for way in WAYS if way not in ways]
    counts = (f"{way} {sum(row[f'{way}_solved'] for row in table)}" for way in others)
    print(f"solved of all {sum(row['stuck'] for row in table)} by {', '.join(counts)}")


def redraw(arguments: argparse.Namespace) -> None:
    """Draw the figures from the counts that were written."""
    with open(arguments.out / "where-is-the-oracle.csv", newline="", encoding="utf-8") as file:
        cells = list(csv.DictReader(file))
    # All that is drawn are counts; gradients are not.
    table = [
        {key: int(value) for key, value in cell.items() if value and "." not in value}
        for cell in cells
    ]
    draw(table, arguments.out)


def draw(table: list[dict], out: Path) -> None:
    """Draw the orders (one panel a rank), and the escapes (one a rank and size)."""
    figure = Figure((9.2, 4.2), layout="constrained")
    for rank, ax in zip(RATIOS, figure.subplots(1, 2), strict=True):
        counts, kinds = {}, {}
        for n, kind in zip(SIZES, ("exact", "truncated", "gd"), strict=True):
            cells = [row for row in table if (row["n"], row["r"]) == (n, rank)]
            counts[f"V*, l ≤ 3, n = {n}"] = [(row["oracle_to_3"], row["stuck"]) for row in cells]
            kinds[f"V*, l ≤ 3, n = {n}"] = kind
        for n, kind in zip(SIZES, ("explicit", "surrogate", "escape"), strict=True):
            cells = [row for row in table if (row["n"], row["r"]) == (n, rank)]
            counts[f"b, l ≤ 1001, n = {n}"] = [(row["b_to_1001"], row["stuck"]) for row in cells]
            kinds[f"b, l ≤ 1001, n = {n}"] = kind
        figures.shares(
            RATIOS[rank],
            counts,
            kinds=kinds,
            y_label="share that are strict saddles",
            title=f"Rank {rank}",
            ax=ax,
        )
    figures.save_svg(figure, out / "where-is-the-oracle-orders.svg")
    figure = Figure((12.0, 8.2), layout="constrained")
    axes = figure.subplots(len(RATIOS), len(SIZES))
    names = {
        "any": "exact",
        "no_lifting": "truncated",
        "restart": "gd",
        "exact": "explicit",
        "columns": "surrogate",
    }
    for rank, line_of_axes in zip(RATIOS, axes, strict=True):
        for n, ax in zip(SIZES, line_of_axes, strict=True):
            cells = [row for row in table if (row["n"], row["r"]) == (n, rank)]
            shown = [way for way in names if rank > 1 or way != "columns"]
            figures.shares(
                RATIOS[rank],
                {
                    way.replace("_", " "): [
                        (row[f"{way}_solved"], row[f"{way}_tried"]) for row in cells
                    ]
                    for way in shown
                },
                kinds={way.replace("_", " "): names[way] for way in shown},
                y_label="share solved",
                title=f"n = {n}, rank {rank}",
                ax=ax,
            )
    figures.save_svg(figure, out / "where-is-the-oracle-escapes.svg")


# --- The catalogue ------------------------------------------------------------------------------


def catalogue(arguments: argparse.Namespace) -> None:
    """Print where the oracle is at the point of each instance, and who solves it."""
    sweep = Sweep.from_toml(grid_path("oracle"))
    report = run_sweep(sweep, arguments.store, jobs=arguments.jobs)
    rows = []
    for found in map(flat, report.rows):
        solved = {
            way: bool(found[f"{way}_solved"] and found[f"{way}_near_truth"])
            for way in (*WAYS, "restart")
            if f"{way}_solved" in found
        }
        solved_by = ", ".join(way.replace("_", " ") for way in solved if solved[way])
        if not solved:
            solved_by = str(found["note"] or found["error"]).partition(":")[0]
        rows.append({"name": family(found), "solved_by": solved_by or None} | found)
    columns = [
        Column("name", "instance"),
        Column("lambda_n", "λ_n", ".3g"),
        Column("order_visible", "b", "d"),
        Column("order_oracle", "V*", "d"),
        Column("certified_below", "proved below", "d"),
        Column("solved_by", "solved by"),
    ]
    title = "Smallest saddle order along b and along V*, and what solves the instance from there"
    print(text_table(columns, rows, title=title))


# --- Completion at a size where no lift exists --------------------------------------------------


def completion(arguments: argparse.Namespace) -> None:
    """Print what is found at the spurious minimum of two clusters, and in which time."""
    n, order = arguments.n, arguments.order
    rng, rows = np.random.default_rng(0), []

    def timed(stage, call, say):
        begin = time.perf_counter()
        result = call()
        rows.append({"stage": stage, "seconds": time.perf_counter() - begin, "found": say(result)})
        return result

    operator = sparse_operator(n, 10 * n, rng)
    Z = rng.uniform(0.5, 1.5, (n, 1))
    problem = sensing.SensingProblem.from_ground_truth(operator, Z)
    start = np.where(np.arange(n)[:, None] < n // 2, Z, -Z)
    descent = timed(
        "descent to X̂",
        lambda: sensing.gradient_descent(
            problem,
            start,
            step_size=sensing.Backtracking(),
            max_iterations=1000,
            tolerance=sensing.tolerances.STATIONARY / 10,
        ),
        lambda end: (
            f"h = {end.objective / problem.objective_at_zero:.3g} of ½‖b‖², "
            f"{end.iterations} iterations"
        ),
    )
    X = descent.point
    timed(
        f"oracle direction, l = {order}",
        lambda: simulated.oracle_direction(problem, X, order),
        lambda found: f"curvature {found.curvature:.6g}",
    )
    timed(
        "saddle orders",
        lambda: orders(problem, X, 1001),
        lambda found: (
            f"b: {found['order_visible']}; V*: {found['order_oracle']}, "
            f"none proved below {found['certified_below']}"
        ),
    )
    columns = [
        Column("stage", "stage"),
        Column("seconds", "time", "seconds"),
        Column("found", "what was found"),
    ]
    print(text_table(columns, rows, title=f"{operator!r}, two clusters"))


EXPERIMENTS = {
    "gaussian": gaussian,
    "figures": redraw,
    "catalogue": catalogue,
    "completion": completion,
}

if __name__ == "__main__":
    sys.exit(main())
