"""`lift-compare instances`: the catalogue, with parameters and what is known of each instance."""

from __future__ import annotations

import argparse
import inspect
from textwrap import fill, shorten
from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.sensing import Instance
from lift_compare.sensing.instances.computed import SOLUTION, ComputedFacts, computed_facts
from lift_compare.sensing.instances.known import DEGENERATE, MINIMUM, SADDLE
from lift_compare.sensing.instances.registry import CATALOGUE, CatalogueEntry
from lift_compare.sensing.operators import operator_words

from ..provenance import provenance
from ..tables import Column, plain, text_table
from .common import (
    add_common_options,
    add_instance_argument,
    add_instance_option,
    find_instances,
    instance_texts,
    save_tables,
    show,
)

_FACTS = {
    "rip_constant": "δ",
    "eigenvalue": "λ_n",
    "objective": "h(X̂)",
    "kind": "X̂ is",
    "saddle_order": "along visible",
    "oracle_order": "along V*",
}
_SHOWN = 30  # entries of X̂, or of metadata
_KINDS = {
    MINIMUM: "a strict local minimum",
    DEGENERATE: "degenerate (∇²h has further zeros, and does not decide)",
    SADDLE: "a saddle (∇²h has a negative eigenvalue)",
    SOLUTION: "a solution, a global minimum: h = 0 to rounding",
}
_LEGEND = """δ: RIP constant of rank 2r. λ_n: smallest eigenvalue of A*(A(X̂X̂ᵀ) − b). X̂ is a minimum
(∇²h positive but for rotations), degenerate (with further zeros), or a saddle of h. Last columns:
least lifting order l at which the lifted point ŵ = vec(X̂)^{⊗l} is a strict saddle of h^l, along
the published visible direction and along V* (the best rank-one power); none: at no order up to
1001. –: not known in closed form, nor proved."""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "instances",
        help="list the instances that every command takes, and what is known of them",
        description="List the catalogue with its parameters and facts; with names, tell all of "
        "those, and compute at their points what is not known in closed form. A file or a function "
        "of your own is told in the same way.",
    )
    add_instance_argument(parser, several=True)
    add_instance_option(parser, "the list", several=True)
    add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list, or one instance."""
    texts = instance_texts(arguments)
    if texts:
        facts = {each: _computed(each, arguments.seed) for each in find_instances(texts)}
        rows = [_row(instance, computed) for instance, computed in facts.items()]
        save_tables(arguments, "instance", rows)
        told = "\n\n".join(_told(instance, computed) for instance, computed in facts.items())
        show(arguments, told, rows, provenance(None))
        return 0
    rows = [_entry_row(entry) for entry in sensing.catalogue()]
    save_tables(arguments, "instances", rows)
    show(arguments, _list(rows), rows, provenance(None))
    return 0


def _computed(instance: Instance, seed: int) -> ComputedFacts | None:
    """Return what is not known in closed form, or None where nothing is missing."""
    known = {"objective", "eigenvalue", "kind"} <= instance.facts.keys()
    return None if known else computed_facts(instance, seed=seed)


def _entry_row(entry: CatalogueEntry) -> dict[str, Any]:
    """Return an entry with the facts of its instance at the default parameters."""
    needed = [key for key, value in entry.parameters.items() if value is inspect.Parameter.empty]
    row: dict[str, Any] = {"name": entry.name, "parameters": _parameters(entry)}
    row["summary"] = entry.summary
    if needed:
        return row
    try:
        return row | _row(sensing.instance(entry.name)) | {"name": entry.name}
    except ValueError as missing:  # a package that is not installed
        return row | {"note": str(missing)}


def _row(instance: Instance, computed: ComputedFacts | None = None) -> dict[str, Any]:
    """Return sizes and facts; `computed` names those that are not known in closed form."""
    n, r = instance.problem.shape
    sizes = {"n": n, "m": instance.problem.m, "r": r}
    # None is "at no order", which an empty cell would not tell from "not known".
    facts = {key: "none" if value is None else value for key, value in instance.facts.items()}
    row = {"name": instance.name, **sizes, **facts, "source": instance.source}
    if computed is not None:
        new = {key: value for key, value in computed.facts.items() if key not in facts}
        row |= {**new, "computed": ", ".join(new), "computed_at": computed.where}
    if instance.metadata:
        row["metadata"] = {key: plain(value) for key, value in instance.metadata.items()}
    return row


def _parameters(entry: CatalogueEntry) -> str:
    return repr(entry).partition("  ")[0].partition(":")[2]


def _list(rows: list[dict[str, Any]]) -> str:
    columns = [
        Column("name", "instance"),
        *(Column(key, key, "d") for key in "nmr"),
        *(Column(key, title, ".4g") for key, title in _FACTS.items()),
    ]
    table = text_table(columns, rows, title="Instances, at their default parameters")
    names = [f"{row['name']}{':' if row['parameters'] else ''}{row['parameters']}" for row in rows]
    lines = [
        fill(f"{name}  {row['summary']}", 100, subsequent_indent="    ", break_on_hyphens=False)
        for name, row in zip(names, rows, strict=True)
    ]
    notes = [fill(f"{row['name']}: {row['note']}", 100) for row in rows if "note" in row]
    usage = (
        "Every command takes them: lift-compare --instance NAME:key=value,... A parameter without\n"
        "a value must be given. More of one: lift-compare instances NAME; docs/catalogue.md."
    )
    return "\n\n".join([table, _LEGEND, *notes, "\n".join(lines), usage])


def _told(instance: Instance, computed: ComputedFacts | None) -> str:
    """Return all that is known of one instance."""
    name = instance.name.partition(":")[0]
    operator = instance.problem.operator
    lines = [repr(instance), f"operator: {operator_words(operator)}"]
    if name in CATALOGUE and instance.facts:
        lines += ["", inspect.getdoc(CATALOGUE[name][0]) or ""]
    words = _FACTS | {
        "saddle_order": "saddle order along visible",
        "oracle_order": "saddle order along V*",
    }
    words["gradient"] = "‖∇h(X̂)‖ / its terms"
    found = {} if computed is None else computed.facts
    facts = []
    for key, title in words.items():
        if key in instance.facts:
            value = instance.facts[key]
            said = "none up to 1001" if value is None else value
            facts.append(f"{title} {'' if key == 'kind' else '= '}{said}")
        elif key in found:
            said = _KINDS[found[key]] if key == "kind" else f"= {found[key]:.6g}"
            if (key, found[key]) == ("kind", MINIMUM) and instance.problem.rank > 1:
                said += ", but for the rotations X̂Q"
            facts.append(f"{title} {said} (computed)")
    if computed is not None:
        facts.append(fill(f"computed at: {computed.where}", 100, subsequent_indent="  "))
    if instance.known_point is not None and instance.known_point.size <= _SHOWN:
        point = np.array2string(
            instance.known_point, max_line_width=96, separator=", ", prefix="X̂ = "
        )
        facts.append(f"X̂ = {point}")
    facts += [_metadata_line(key, value) for key, value in instance.metadata.items()]
    return "\n".join([*lines, "", *facts, f"source: {instance.source or '–'}"])


def _metadata_line(key: str, value: Any) -> str:
    """Return a key of metadata with its value in few characters."""
    if isinstance(value, np.ndarray) and value.size > _SHOWN:
        said = f"array of shape {value.shape}, {value.dtype}"
    else:
        said = " ".join(str(value).split())
    said = said if said.isprintable() else ascii(said)
    name = key if key.isprintable() else ascii(key)
    return shorten(f"metadata {name}: {said}", 100, placeholder=" ...")
