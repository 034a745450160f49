"""Count again what `lift-compare rivals` printed, from its store and with nothing of ours.

    python benchmarks/recount_rivals.py results/rivals.sqlite results/rivals.csv

Reads the rows with sqlite3 and the table with csv, both of Python itself, and compares runs,
successes and cost a success of every line. The exit code is 1 if a number differs.
"""

import csv
import json
import math
import sqlite3
import sys
from collections import defaultdict
from contextlib import closing

SIZES = ("n", "m", "rank", "epsilon")


def main(store: str, table: str) -> int:
    counted = defaultdict(lambda: [0, 0, 0.0])
    with closing(sqlite3.connect(store)) as database:
        query = "SELECT settings, results FROM evaluations WHERE evaluation = 'rival'"
        for settings, results in database.execute(query):
            s, found = json.loads(settings), json.loads(results or "{}")
            key = (s["instance"], s["start"], s["rival"], *(s[name] for name in SIZES))
            counted[key][0] += 1
            counted[key][1] += bool(found.get("solved"))
            counted[key][2] += found.get("spent") or 0.0
    lines = wrong = 0
    with open(table, newline="", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            lines += 1
            name = line["instance"].partition(":")[0]
            sizes = tuple(float(line[size]) if line[size] else None for size in SIZES)
            key = (name, line["start"], line["rival"], *sizes)
            runs, solved, gradients = counted[key]
            agree = int(line["runs"]) == runs and int(line["solved"] or 0) == solved
            if solved:
                cost = float(line["gradients_per_success"])
                agree = agree and math.isclose(cost, gradients / solved, rel_tol=1e-9)
            if not agree:
                wrong += 1
                print("differs:", line["instance"], line["start"], line["rival"], counted[key])
    print(f"{lines} lines, {sum(c[0] for c in counted.values())} runs, {wrong} lines differ")
    return 1 if wrong or not lines else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
