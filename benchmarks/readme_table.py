"""Measure the table "explicit lift against simulation" of the README, and write it there.

    python benchmarks/readme_table.py [--write]

Only the ratios mean anything on another machine: both sides of a row are of one run.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lift_compare.compare import compare_instances
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import show

README = Path(__file__).parents[1] / "README.md"
PLACE = re.compile(r"(<!-- readme_table -->\n).*?(\n<!-- end -->)", re.DOTALL)
CASES = {"two-by-two": (3, 5, 9), "perturbed-completion": (3, 5, 9), "real-system": (3, 5, 9)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true", help="write it into the README")
    arguments = parser.parse_args()
    rows = []
    for name, orders in CASES.items():
        rows += quietest([name], orders)
    text = table(rows, provenance(None))
    print(text)
    if arguments.write:
        readme = README.read_text(encoding="utf-8")
        README.write_text(PLACE.sub(rf"\g<1>{text}\g<2>", readme), encoding="utf-8")


def quietest(names: Sequence[str], orders: Sequence[int]) -> list[Mapping[str, Any]]:
    """Return a row an order, of three runs that with the shortest explicit step: others wait."""
    runs = [compare_instances(names, orders=orders).rows for _ in range(3)]
    same = [row for row in zip(*runs, strict=True) if row[0]["order"] in orders]
    return [min(row, key=lambda each: each.get("explicit_seconds") or 0.0) for row in same]


def table(rows: Iterable[Mapping[str, Any]], origin: Mapping[str, Any]) -> str:
    """Return the rows as a Markdown table, with what they were measured on."""
    machine, versions = origin["machine"], origin["versions"]
    lines = [
        "| instance | order l | entries of a tensor | time a step, explicit / simulated | ratio "
        "| memory, explicit / simulated | ratio | they differ by |",
        "|---|---|---|---|---|---|---|---|",
        *(f"| {' | '.join(_cells(row))} |" for row in rows),
        "",
        f"Medians of the quietest of three runs on {machine['processor']}, {machine['cores']} "
        f"cores, with numpy {versions['numpy']}; "
        "`python benchmarks/readme_table.py` "
        "measures them again. Memory: traced peak of a step.",
    ]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any]) -> list[str]:
    """Return what is written of one order of one instance."""
    head = [str(row["instance"]), str(row["order"]), f"{row['tensor_entries']:,}"]
    if row.get("explicit_seconds") is None:
        return [*head, "refused", "–", f"needs {show(row['predicted_bytes'], 'bytes')}", "–", "–"]
    cells = []
    for key, kind in (("seconds", "seconds"), ("traced_bytes", "bytes")):
        explicit, simulated = row[f"explicit_{key}"], row[f"simulated_{key}"]
        cells += [f"{show(explicit, kind)} / {show(simulated, kind)}"]
        cells += [f"{float(f'{explicit / simulated:.2g}'):,g}"]
    return [*head, *cells, f"{row['tensor_error']:.0e}"]


if __name__ == "__main__":
    main()
