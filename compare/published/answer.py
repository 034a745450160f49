"""The answer of the main job, before any table: agreement, cost, saddle orders, what fails."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

from lift_compare.sensing import Instance
from lift_compare.sensing.validation import MAX_ORDER, show_bytes
from lift_compare.simulated import AcceptanceRule

from ..tables import Column, line_width, show_seconds
from .findings import InstanceFinding
from .full_table import by_order, change_of_h, heading, refusals, starred

NOTES = (
    "X̂: the stationary point to be left. l: the lifting order; the explicit side works on tensors "
    "of (nr)^l entries. Visible direction: the published way out of X̂, made of the least "
    "eigenvector of A*(residual). V*: the best way out among all rank-one powers. Explicit: "
    "projected descent on tensors; simulated: the same descent from small Gram matrices; "
    "truncated: the published closed form. h after steps: of the matrix that the tensor reached is "
    "collapsed to. –: not computed."
)

QUANTITIES = (
    Column("tensor_entries", "entries of a tensor", ",d"),
    Column("rho", "ρ", ".3g"),
    Column("step_size", "gradient step", ".3g"),
    Column("steps", "steps made, explicit", ",d"),
    Column("simulated_steps", "steps made, simulated", ",d"),
    Column("largest_error", "explicit − simulated, relative", ".1e"),
    Column("curvature", "curvature, visible direction", "+.2e"),
    Column("power_curvature", "curvature, V*", "+.2e"),
    Column("h_stationary", "h at X̂", ".5g"),
    Column("h_exact", "h after the simulated steps", ".5g"),
    Column("h_truncated", "h after T steps, truncated", ".3g"),
    Column("truncation_error", "truncation error at the start", ".2g"),
    Column("explicit_seconds", "time a step, explicit", "seconds"),
    Column("simulated_seconds", "time a step, simulated", "seconds"),
    Column("explicit_traced_bytes", "memory, explicit", "bytes"),
    Column("simulated_traced_bytes", "memory, simulated", "bytes"),
)
"""What the short table shows of all the numbers: a negative curvature is a way out of X̂."""

DIVERGED_AT_ONCE = "both diverge at the first step; nothing was compared"

_ERRORS = ("coefficient_error", "objective_error", "tensor_error")
_LABEL = 16  # width of the words before the lines of an answer


def answer(
    instance: Instance, rows: Sequence[Mapping[str, Any]], findings: Sequence[InstanceFinding]
) -> str:
    """Return the lines that a reader needs first, for one instance."""
    lines = [
        ("settings", _settings(rows)),
        ("agreement", _agreement(rows)),
        ("cost", _cost(rows)),
        ("strict saddle", _saddle(findings)),
        ("escape", _escape(rows, findings)),
        ("does not hold", "; ".join(_failures(findings))),
        *(("", each.statement) for each in findings if each.id in ("solved", "out-of-range")),
    ]
    width = line_width()
    text = [
        fill(
            words,
            width,
            initial_indent="  " + label.ljust(_LABEL),
            subsequent_indent=" " * (_LABEL + 2),
            break_on_hyphens=False,
        )
        for label, words in lines
        if words
    ]
    return "\n".join([fill(heading(instance, rows), width), *text])


def short_table(instance: Instance, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return about ten lines of numbers, a column an order, and why orders were refused."""
    full = [{**row, "largest_error": _largest_error(row)} for row in rows]
    told = _told_once(rows)
    known = [
        quantity
        for quantity in QUANTITIES
        if quantity.key not in told and any(row.get(quantity.key) is not None for row in full)
    ]
    star = f"* {starred(instance)}"
    return "\n".join([by_order(known, full), star, *refusals(rows)])


def _told_once(rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Return the settings that the line of settings has: not those that differ by order."""
    sources = {"rho": "rho_from", "step_size": "eta_from"}
    return {name for name, source in sources.items() if rows[0][source] != "default"}


def _settings(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what ρ, η and T are, and where they come from."""
    first = next((row for row in rows if "rho" in row), None)
    if first is None:  # out of range at every order, which stands below the table
        return ""
    told, words = _told_once(rows), []
    if "rho" in told:
        words.append(f"ρ = {first['rho']:.4g} ({first['rho_from']})")
    else:
        words.append("ρ ‖v̂‖ = 0.1 ‖ŵ‖ (default)")
    if "step_size" in told:
        step = f"η = {first['eta']:.4g}, which is a gradient step of {first['step_size']:.4g}"
        words.append(f"{step} ({first['eta_from']})")
    else:
        words.append("a gradient step with which h^l falls (default)")
    made = "" if first["steps_from"] == "given" else "; the table has the steps made on either side"
    words.append(f"T = {first['T']:,} ({first['steps_from']}){made}")
    return "; ".join(words)


def _largest_error(row: Mapping[str, Any]) -> float | None:
    if row.get("diverged_at") == 1:  # what is left is the start, which both sides are given
        return None
    found = [row[name] for name in _ERRORS if row.get(name) is not None]
    return max(found, default=None)


def _agreement(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say to what explicit and simulated descent agree, and where not."""
    compared = [row for row in rows if row["status"] == "compared"]
    if not compared:
        return "not known: no order was compared (the reasons are below the table)"
    apart = [row for row in compared if row["verdict"] == "DISAGREE"]
    if apart:
        return (
            f"explicit and simulated descent DISAGREE at {_orders(apart)} (of {_orders(compared)})"
        )
    at_once = [row for row in compared if row.get("diverged_at") == 1]
    moved = [row for row in compared if row.get("diverged_at") != 1]
    said = []
    if moved:
        largest = max(_largest_error(row) or 0.0 for row in moved)
        said = [f"explicit and simulated descent agree to {largest:.1e} at {_compared(moved)}"]
    diverged = [row for row in moved if row.get("diverged_at") is not None]
    if diverged:
        steps = ", ".join(f"step {row['diverged_at']} (l = {row['order']})" for row in diverged)
        said[0] += f", until both diverge at {steps}: η is too large"
    if at_once:
        said.append(f"{DIVERGED_AT_ONCE} ({_orders(at_once)}): η is too large")
    return "; ".join(said)


def _compared(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the orders with the steps that were compared, beside each where they differ."""
    counts = [f"{row['steps']:,}" for row in rows]
    if len(set(counts)) == 1:
        return f"{_orders(rows)} ({counts[0]} steps{' each' if len(rows) > 1 else ''})"
    said = [f"{row['order']} ({steps})" for row, steps in zip(rows, counts, strict=True)]
    return f"l = {', '.join(said).replace(')', ' steps)', 1)}"


def _orders(rows: Sequence[Mapping[str, Any]]) -> str:
    return f"l = {', '.join(str(row['order']) for row in rows)}"


def _cost(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say what a step costs on both sides at the starred and the highest order that ran."""
    timed = [row for row in rows if row.get("explicit_seconds") is not None]
    if not timed:
        return ""
    chosen = [row for row in timed if row["order_of_findings"]]
    if timed[-1] not in chosen:
        chosen.append(timed[-1])
    said = []
    for row in chosen:
        slow, fast = row["explicit_seconds"], row["simulated_seconds"]
        much, little = row["explicit_traced_bytes"], row["simulated_traced_bytes"]
        said.append(
            f"at l = {row['order']} a step takes {show_seconds(slow)} and {show_bytes(much)} "
            f"explicitly, {show_seconds(fast)} and {show_bytes(little)} simulated "
            f"({_times(slow / fast)} the time, {_times(much / little)} the memory)"
        )
    return "; ".join(said)


def _times(ratio: float) -> str:
    return f"{ratio:,.0f} times" if ratio >= 10 else f"{ratio:.2g} times"


def _saddle(findings: Sequence[InstanceFinding]) -> str:
    """Say from which order on the lifted point is a strict saddle."""
    numbers = {key: value for each in findings for key, value in each.numbers.items()}
    if "smallest saddle order" not in numbers:
        return ""
    visible = numbers["smallest saddle order"]
    first = (
        f"at no odd order up to {MAX_ORDER} along the visible direction"
        if visible is None
        else f"from l = {visible} on along the visible direction"
    )
    if "smallest saddle order along V*" not in numbers:  # out of range
        return first
    best, below = numbers["smallest saddle order along V*"], numbers["none below, certified"]
    if best is None:
        if below == math.inf:
            return f"{first}; at no order along V* (certified)"
        proved = f" (certified: none below {below})" if below > 1 else ""
        return f"{first}; none found along V*{proved}"
    proved = "certified: at no smaller order" if below == best else f"certified: none below {below}"
    return f"{first}; from l = {best} on along V* ({proved})"


def _escape(rows: Sequence[Mapping[str, Any]], findings: Sequence[InstanceFinding]) -> str:
    """Say whether the exact method escapes, and where the descents of the table end."""
    found = next((each for each in findings if each.id == "exact-escape"), None)
    if found is None:  # solved, or out of range
        return ""
    numbers = found.numbers
    said = (
        f"the exact method (simulated.escape) lowers h from {numbers['h at X̂']:.4g} to "
        f"{numbers['h reached']:.4g}, at l = {numbers['order']}"
        if numbers["found"]
        else f"the exact method (simulated.escape) finds none: {numbers['reason']}"
    )
    ends = ends_of_descents(rows)
    parts = [f"{does} at {_orders(own)}" for does, own in ends.items() if own]
    if parts:
        said += f"; the simulated descents of the table {' and '.join(parts)}"
    risen = ends["raise it"]
    saddles = [row for row in risen if (row.get("power_curvature") or 0) < 0]
    if saddles:
        where = "there" if len(saddles) == len(risen) else f"at {_orders(saddles)}"
        said += f", although ŵ = vec(X̂)^{{⊗l}} is a strict saddle along V* {where}"
    return said


def ends_of_descents(
    rows: Sequence[Mapping[str, Any]],
) -> dict[str, list[Mapping[str, Any]]]:
    """Return the rows by what the simulated descent does to h, after its collapse to a matrix."""
    signs = {"lower h": -1, "leave h as it is": 0, "raise it": 1}
    return {does: [row for row in rows if change_of_h(row) == sign] for does, sign in signs.items()}


def _failures(findings: Sequence[InstanceFinding]) -> list[str]:
    """Return what the paper says or does, and does not hold here, in a few words each."""
    failed = {each.id: each for each in findings if each.holds is False}
    said = []
    if "visible-saddle" in failed:
        order = failed["visible-saddle"].numbers["order"]
        said.append(f"l = {order} as a saddle order along the visible direction")
    for rule in AcceptanceRule:
        kinds = [kind for kind in ("exact", "surrogate") if f"rule-{rule.value}-{kind}" in failed]
        if kinds:
            objective = " nor ".join(_OBJECTIVES[kind] for kind in kinds)
            said.append(f"the acceptance rule of the {rule.value} (not with the {objective})")
    if "truncated-escape" in failed:
        said.append("the truncated path as an escape: it does not lower h")
    return said


_OBJECTIVES = {"exact": "exact objective", "surrogate": "diagonal surrogate"}
