"""Make the tables and figures of docs/rivals.md from what `lift-compare rivals` wrote.

    lift-compare rivals --grid full
    python benchmarks/which_method.py results [--out docs]
    python benchmarks/which_method.py               # the figures alone, from the CSV files in docs

Prints Markdown: success and cost on Gaussian operators, on perturbed completion, and on the
catalogue, from random starts and from X̂. Writes into --out rivals.csv, with the command, versions
and machine in its first lines; rivals-profile.csv, the curves of the profile; and two figures.
"""

import argparse
import csv
import json
import re
import sys
from pathlib import Path

import numpy as np

from lift_compare.compare import RivalReport, export_rows, figures
from lift_compare.compare.figures.rivals import profile_curves
from lift_compare.compare.tables import rows_text

DOCS = Path(__file__).parents[1] / "docs"
LARGEST = 1000.0  # factor above the cheapest that the profile shows

SHOWN = ("restarts", "exact-restarts", "exact-lbfgs", "high-order-loss", "any", "exact", "gd")
GAUSSIAN = (*SHOWN, "larger-rank", "sgd-polyak")
COMPLETION = (
    *("exact-lbfgs", "exact", "any", "line-search", "restarts", "gd", "perturbed-gd"),
    *("random-line", "larger-rank", "high-order-loss", "sgd-polyak"),
)
KEPT = (
    *("instance", "start", "rival", "runs", "solved", "low", "high", "near_truth"),
    *("gradients_per_success", "by_clock", "seconds", "outcome"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("results", type=Path, nargs="?", help="the folder of rivals.json, rivals.sqlite")
    add("--out", type=Path, default=DOCS)
    arguments = parser.parse_args()
    if arguments.results is not None:
        count(arguments.results, arguments.out)
    draw(arguments.out)
    return 0


def count(results: Path, out: Path) -> None:
    """Print the tables, and write the CSV files."""
    document = json.loads((results / "rivals.json").read_text(encoding="utf-8"))
    cells = document["rows"]
    many = [c for c in cells if c["instance"].startswith("gaussian:") and c["runs"] >= 200]
    print_families(many, GAUSSIAN)
    completions = [c for c in cells if c["instance"].startswith("perturbed-completion:")]
    print_families(completions, COMPLETION)
    families = {c["instance"] for c in (*many, *completions)}
    rest = [c for c in cells if c["instance"] not in families]
    for start in ("random", "point"):
        print_catalogue([c for c in rest if c["start"] == start])
    runs = export_rows(results / "rivals.sqlite", evaluation="rival")
    report = RivalReport(tuple(row for row in runs if row["rival"] in SHOWN))
    costs = report.costs()
    table = np.array([costs[name] for name in SHOWN])
    ratios = table / np.where(np.isfinite(table.min(axis=0)), table.min(axis=0), 1.0)
    lines = [
        f"# Of {table.shape[1]} problems that all were run on: how many each solved within tau "
        "times the least cost of any",
        "rival,tau,solved",
    ]
    for name, row in zip(SHOWN, ratios, strict=True):
        steps = np.unique([1.0, *(float(f"{x:.4g}") for x in row[row <= LARGEST])])
        lines += [f"{name},{tau:g},{np.sum(row <= tau * (1 + 5e-4))}" for tau in steps]
    (out / "rivals-profile.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    origin = document["provenance"]
    lines = [
        "# lift-compare rivals --grid full: seeds and starts 0, 1, ... of every instance",
        f"# {json.dumps({k: origin[k] for k in ('versions', 'machine', 'date')})}",
    ]
    rows = [{key: shortened(cell.get(key)) for key in KEPT} for cell in cells]
    text = "\n".join(lines) + "\n" + rows_text("csv", rows)
    (out / "rivals.csv").write_text(text, encoding="utf-8", newline="")


def draw(folder: Path) -> None:
    """Draw both figures from the CSV files of a folder."""
    _, cells = read(folder / "rivals.csv")
    for cell in cells:
        cell.update(runs=int(cell["runs"]), solved=int(cell["solved"]) if cell["solved"] else None)
        cell |= {"rank": 1} | {
            key: int(value) for key, value in re.findall(r"\b(n|m|rank)=(\d+)", cell["instance"])
        }
    many = [c for c in cells if c["instance"].startswith("gaussian:") and c["runs"] >= 200]
    figure, _ = figures.rival_success(many, rivals=SHOWN)
    figures.save_svg(figure, folder / "rivals-success.svg")
    said, rows = read(folder / "rivals-profile.csv")
    own = {name: [row for row in rows if row["rival"] == name] for name in SHOWN}
    curves = {
        name: tuple(np.array([float(row[key]) for row in own[name]]) for key in ("tau", "solved"))
        for name in SHOWN
    }
    title, problems = "Every start that all were run from", int(re.findall(r"\d+", said[0])[0])
    figure, _ = profile_curves(curves, problems, largest=LARGEST, title=title)
    figures.save_svg(figure, folder / "rivals-profile.svg")


def read(path: Path) -> tuple[list[str], list[dict]]:
    """Return the lines of comment of a CSV file, and its rows."""
    lines = path.read_text(encoding="utf-8").splitlines()
    said = [line for line in lines if line.startswith("#")]
    return said, list(csv.DictReader(lines[len(said) :]))


def shortened(value: object) -> object:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def shown(cell: dict | None) -> str:
    """Return what a cell says: the share solved in per cent, and gradients a success."""
    if cell is None or cell["solved"] is None:
        return "–"
    share = f"{100 * cell['solved'] / cell['runs']:.0f}"
    if not cell["solved"]:
        return share
    about = "≈" if cell["by_clock"] else ""
    return f"{share} / {about}{cell['gradients_per_success']:.0f}"


def print_families(cells: list[dict], rivals: tuple[str, ...]) -> None:
    """Print a row an instance and a column a rival; the cheapest success in bold."""
    print("\n| instance | runs | " + " | ".join(rivals) + " |")
    print("| --- " * (len(rivals) + 2) + "|")
    for name in dict.fromkeys(cell["instance"] for cell in cells):
        found = {cell["rival"]: cell for cell in cells if cell["instance"] == name}
        best = min(found.values(), key=lambda c: c.get("gradients_per_success") or float("inf"))
        words = []
        for rival in rivals:
            said = shown(found.get(rival))
            words.append(f"**{said}**" if rival == best["rival"] else said)
        print(f"| {name} | {best['runs']} | {' | '.join(words)} |")


def print_catalogue(cells: list[dict]) -> None:
    """Print for each rival how many instances it solved always, sometimes, never, and its cost."""
    names = list(dict.fromkeys(cell["instance"] for cell in cells))
    names = [name for name in names if not name.startswith("gaussian:")]
    print(f"\n{cells[0]['start']}: {len(names)} instances: {', '.join(names)}")
    print("\n| rival | always | sometimes | never | cheapest on | never on |")
    print("| --- " * 6 + "|")
    least = {
        name: min(
            (c for c in cells if c["instance"] == name and c["solved"]),
            key=lambda c: c["gradients_per_success"],
            default={"rival": None},
        )["rival"]
        for name in names
    }
    for rival in dict.fromkeys(cell["rival"] for cell in cells):
        own = [c for c in cells if c["rival"] == rival and c["instance"] in names]
        always = sum(c["solved"] == c["runs"] for c in own)
        never = [c["instance"] for c in own if not c["solved"]]
        cheapest = [name for name in names if least[name] == rival]
        where = ", ".join(cheapest) or "–", ", ".join(never) or "–"
        row = (f"`{rival}`", always, len(own) - always - len(never), len(never), *where)
        print(f"| {' | '.join(map(str, row))} |")


if __name__ == "__main__":
    sys.exit(main())
