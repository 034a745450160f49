"""What the report opens with: the verdict, three figures, and findings by their kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from lift_compare.sensing.validation import MAX_ORDER
from lift_compare.simulated import AcceptanceRule

from ..figures.mathematics import literal
from ..tables import Row
from ..tolerances import AGREEMENT
from .report import MEANINGS, Difference, Drawing, Kind, Summary, SummaryLine
from .runs import Runs

PAPER = (
    "“Escaping Local Minima Provably in Non-convex Matrix Sensing: A Deterministic Framework via "
    "Simulated Lifting” (Shen, Yang, He, Gao, Ma, arXiv 2602.05887)"
)

_STORY = ("lifted-perturbed-completion", "real-d", "cost-order")
"""Both descents take one way; what is shown as h^l is not; what a step of either costs."""

_STORY_OF_OWN = ("panels-d", "cost-order", "panels-a")


def agreement(consistent: bool, rows: Sequence[Row]) -> str:
    """Return whether explicit lift and exact simulation agree in these rows of the main job."""
    if not consistent:
        return "The explicit lift and its exact simulation DISAGREE: see the lifted path."
    compared = sorted({row["order"] for row in rows if row["status"] == "compared"})
    if not compared:
        said = "The explicit lift and its exact simulation were not compared"
        return f"{said}: {literal(rows[0]['status'])}." if rows else f"{said}."
    bar = f"$10^{{{round(math.log10(AGREEMENT))}}}$"
    counts = sorted({row["steps"] for row in rows if row["status"] == "compared"})
    over = f"{counts[0]:,}" + (f" to {counts[-1]:,}" if len(counts) > 1 else "")
    until = f" to ${compared[-1]}$" if len(compared) > 1 else ""
    return (
        f"The explicit lift and its exact simulation agree to {bar} wherever both ran, "
        f"$l = {compared[0]}${until}, over {over} steps."
    )


def counted(differences: Sequence[Difference]) -> str:
    """Return how many comparisons are of each kind, as a sentence."""
    number = {kind: sum(each.kind is kind for each in differences) for kind in Kind}
    return (
        f"Of {len(differences)} published statements: {number[Kind.REPRODUCED]} reproduced, "
        f"{number[Kind.CONTRADICTED]} contradicted by computation, {number[Kind.CONVENTION]} of "
        f"another convention, {number[Kind.NOT_COMPARABLE]} not comparable because starts are "
        "unpublished."
    )


def published_summary(
    differences: Sequence[Difference],
    drawings: Mapping[str, Drawing],
    notes: Sequence[str],
    *,
    agreed: str,
) -> Summary:
    """Return the opening of the report on the published instances; `agreed` from `agreement`."""
    verdict = agreed
    if differences:
        verdict = f"{verdict} {counted(differences)}"
    about = f"The figures of {PAPER}, drawn anew with the exact lifted objective."
    findings = []
    for kind in Kind:
        members = [each for each in differences if each.kind is kind]
        said = [(each.title, each.anchor) for each in members]
        name = f"{kind.value[0].upper()}{kind.value[1:]}"
        findings.append(SummaryLine(name, len(members), said or [("none", None)]))
    caption = "Published statements, by what the computation says of them"
    figures = chosen(_STORY, drawings)
    return Summary(
        [verdict, " ".join([about, *notes])], figures, findings if differences else (), caption
    )


def chosen(names: Sequence[str], drawings: Mapping[str, Drawing]) -> list[Drawing]:
    """Return copies of these figures, or of the first three where one is missing."""
    found = [drawings[name] for name in names if name in drawings]
    found += [each for each in drawings.values() if each not in found]
    return [each.again() for each in found[:3]]


def classes() -> str:
    """Return what the kinds mean, as a sentence."""
    return "; ".join(f"“{kind.value}”: {words}" for kind, words in MEANINGS.items()) + "."


# An instance of your own -------------------------------------------------------------------------


def own_summary(
    runs: Runs, drawings: Mapping[str, Drawing], notes: Sequence[str], *, agreed: str
) -> Summary:
    """Return the opening of the report on an instance of your own: the same questions, answered."""
    name = literal(runs.instance.name)
    questions: dict[str, Callable[[Runs], str]] = {
        "The point": _point,
        "The lift": _order,
        "The published rules": _rules,
        "The exact escape": _escape,
        "The truncation": _truncation,
    }
    solved = runs.problem.is_solved(runs.point)
    findings = [SummaryLine("Explicit and simulated", None, [(agreed, None)])]
    for about, answer in questions.items():
        if solved and about != "The point":
            continue
        try:
            said = answer(runs)
        except ArithmeticError as reason:  # settings of your own may leave float64
            said = f"It cannot be said: {literal(str(reason))}."
        findings.append(SummaryLine(about, None, [(said, None)]))
    n, r, m = runs.problem.n, runs.problem.rank, runs.problem.m
    about = f"{name}: $n = {n}$, $r = {r}$, $m = {m}$."
    figures = chosen((f"lifted-{runs.instance.label}", *_STORY_OF_OWN), drawings)
    verdict = f"{agreed} {findings[1].said[0][0]}"
    return Summary([verdict, " ".join([about, *notes])], figures, findings, f"Findings on {name}")


def _point(runs: Runs) -> str:
    h, zero = (
        float(x) for x in (runs.problem.objective(runs.point), runs.problem.objective_at_zero)
    )
    if runs.problem.is_solved(runs.point):
        return rf"$\hat X$ solves the problem, $h$ = {h:.3g}: there is nothing to escape from."
    low = runs.lift.directions.eigenvalue
    what = "an escape may exist" if low < 0 else r"no escape is due: $\hat X$ is a global minimum"
    return (
        rf"At $\hat X$ the objective $h$ is {h:.4g} ({zero:.4g} at 0) and $\lambda_n$ is "
        f"{low:.4g}: {what}."
    )


def _order(runs: Runs) -> str:
    lift = runs.at_stationary
    order, curvature, smallest = lift.settings.order, lift.curvature(), lift.saddle_order
    least = f"no order up to {MAX_ORDER}" if smallest is None else f"$l = {smallest}$ on"
    return (
        rf"At $l = {order}$ the lifted curvature along the visible direction is {curvature:.4g}; "
        f"it is negative {'at' if smallest is None else 'from'} {least}."
    )


def _rules(runs: Runs) -> str:
    accepted = {rule: runs.lift.published_collapse(rule).accepted for rule in AcceptanceRule}
    if len(set(accepted.values())) == 1:
        verdict = f"both published rules {'accept' if all(accepted.values()) else 'reject'}"
    else:
        verdict = " and ".join(
            f"the rule of the {rule.value} {'accepts' if said else 'rejects'}"
            for rule, said in accepted.items()
        )
    return f"With the exact $h^l$ {verdict} the collapse of the truncated path."


def _escape(runs: Runs) -> str:
    found = runs.escape
    if not found.found:
        return f"The exact method finds none: {literal(str(found.reason))}."
    before, after = found.objective_before, found.objective_after
    return f"The exact method lowers $h$ from {before:.4g} to {after:.4g}, at $l = {found.order}$."


def _truncation(runs: Runs) -> str:
    first, last = (runs.lift.truncation_error(step) for step in (0, -1))
    return (
        "What the truncated gradient leaves out or distorts is "
        f"{first:.3g} times the projected gradient at the start and {last:.3g} times at the end."
    )
