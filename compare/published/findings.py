"""What holds and what does not at the settings of an instance: one sentence each, with numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lift_compare import simulated
from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import MAX_ORDER
from lift_compare.simulated import AcceptanceRule, PublishedCollapse

from ..simulated_lift import SimulatedLift
from ..tables import Column, show, text_table


@dataclass(frozen=True)
class InstanceFinding:
    """One sentence about an instance at its settings, and the numbers behind it.

    Attributes
    ----------
    instance : str
        Name of the instance.
    id : str
        What it is about; the same for all instances.
    statement : str
        The sentence.
    holds : bool or None
        Whether what the paper says, or does, holds here; None where nothing is claimed.
    numbers : dict
        The numbers, by what they are.

    Examples
    --------
    >>> from lift_compare import compare
    >>> found = compare.compare_instances(["real-system"], orders=[3], costs=False).findings
    >>> found[0].id, found[0].holds, found[0].numbers["smallest saddle order"]
    ('visible-saddle', False, None)
    """

    instance: str
    id: str
    statement: str
    holds: bool | None = None
    numbers: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.instance}: {self.statement}"

    def row(self) -> dict[str, Any]:
        """Return it as a row of a table."""
        return dict(vars(self))


def findings(name: str, lift: SimulatedLift, *, as_published: bool = True) -> list[InstanceFinding]:
    """Return what the numbers say about the order of a lift, and about its T steps.

    `as_published` says that ρ, η and T of a published instance are the published ones.
    """
    problem, X = lift.problem, lift.point
    if problem.is_solved(X):
        numbers = {"h at X̂": problem.objective(X), "h(0)": problem.objective_at_zero}
        said = "X̂ solves the problem to rounding: no escape is due."
        return [InstanceFinding(name, "solved", said, None, numbers)]
    printed = "published " if name in PUBLISHED else ""
    kept: list[InstanceFinding] = []
    try:
        for found in _found(printed, printed if as_published else "", lift):
            kept.append(InstanceFinding(name, *found))
    except OverflowError as overflow:  # what has been said stays
        said = str(overflow).partition(";")[0]
        if any(each.id == "power-saddle" for each in kept):
            steps = f"its T = {lift.settings.steps:,} steps"
            said = (
                f"The truncated path leaves float64 within {steps}: {said}."
                if _fits_at_the_start(lift)
                else f"h^l leaves float64 at the start already: {said}."
            )
        kept.append(InstanceFinding(name, "out-of-range", said))
    return kept


def _fits_at_the_start(lift: SimulatedLift) -> bool:
    try:
        lift.span.value(lift.settings.start)
    except OverflowError:
        return False
    return True


_Found = tuple[str, str, bool | None, dict[str, Any]]


def _found(printed: str, printed_steps: str, lift: SimulatedLift) -> Iterator[_Found]:
    order, steps = lift.settings.order, lift.settings.steps
    yield _on_the_order(f"the {printed}order l = {order}", lift)
    yield _on_the_oracle(lift)
    yield _on_the_escape(lift)
    after = f"after the {printed_steps}T = {steps:,} steps"
    for rule in AcceptanceRule:
        for surrogate in (False, True):
            collapse = lift.published_collapse(rule, surrogate=surrogate)
            yield _on_the_rule(after, rule, surrogate, collapse)
    error = lift.truncation_error()
    said = f"{after} the truncation misses {error:.3g} times the projected gradient."
    yield "truncation", _sentence(said), None, {"truncation error": error}
    yield _on_the_collapse(after, lift)


def _on_the_order(subject: str, lift: SimulatedLift) -> _Found:
    curvature, smallest = lift.curvature(), lift.saddle_order
    holds = curvature < 0
    along = f"negative lifted curvature along the visible direction ({curvature:+.4g})"
    first = f"{subject} gives {along if holds else 'no ' + along}"
    if smallest is None:
        ends = f"no odd order up to {MAX_ORDER} does"
    elif smallest == lift.settings.order:
        ends = "no smaller one does"
    else:
        ends = f"the smallest order that does is {smallest}"
    numbers = {
        "order": lift.settings.order,
        "curvature along visible": curvature,
        "smallest saddle order": smallest,
    }
    return "visible-saddle", _sentence(f"{first}; {ends}."), holds, numbers


def _on_the_oracle(lift: SimulatedLift) -> _Found:
    """Say from which order on ŵ is a strict saddle along any rank-one power."""
    found = lift.order_of_powers
    numbers = {
        "smallest saddle order along V*": found.order,
        "none below, certified": found.certified_below,
        "curvature along V*": found.curvature,
    }
    if found.order is None:
        return "power-saddle", f"Along rank-one powers: {found.reason}.", None, numbers
    proved = (
        "at no smaller order, which is certified"
        if found.certified_below == found.order
        else f"certified to be none below {found.certified_below}"
    )
    said = (
        f"Along V*, the best rank-one power, ŵ is a strict saddle from l = {found.order} on "
        f"(curvature {found.curvature:.4g}), and {proved}."
    )
    return "power-saddle", said, None, numbers


def _on_the_escape(lift: SimulatedLift) -> _Found:
    """Say whether the exact method of this toolkit finds a lower point, whatever the settings."""
    found = simulated.escape(lift.problem, lift.point, method="exact")
    before, after = found.objective_before, found.objective_after
    said = (
        f"The exact escape lowers h from {before:.4g} to {after:.4g}, at l = {found.order}."
        if found.found
        else f"The exact escape finds none: {found.reason}."
    )
    numbers = {
        "found": found.found,
        "reason": str(found.reason),
        "order": found.order,
        "h at X̂": before,
        "h reached": after,
    }
    return "exact-escape", said, None, numbers


def _on_the_rule(
    after: str, rule: AcceptanceRule, surrogate: bool, collapse: PublishedCollapse
) -> _Found:
    kind = "diagonal surrogate" if surrogate else "exact objective"
    verdict = "holds" if collapse.accepted else "does not hold"
    reasons = []
    if not collapse.dominant:
        reasons.append("no term dominates")
    if not collapse.decreased:
        reasons.append("the lifted objective does not fall")
    why = f": {' and '.join(reasons)}" if reasons and not collapse.accepted else ""
    said = f"{after} the acceptance rule of the {rule.value} {verdict} with the {kind}{why}."
    numbers = {
        **dict(zip(("‖base‖", "‖visible‖", "‖hidden‖"), collapse.norms, strict=True)),
        "h^l, to be below": collapse.objective_stationary,
        "h^l compared": collapse.objective_compared,
    }
    which = f"rule-{rule.value}-{'surrogate' if surrogate else 'exact'}"
    return which, _sentence(said), collapse.accepted, numbers


def _on_the_collapse(after: str, lift: SimulatedLift) -> _Found:
    collapse = lift.published_collapse()
    before, reached = (lift.problem.objective(X) for X in (lift.point, collapse.point))
    moves = "lowers" if reached < before else "does not lower"
    said = (
        f"{after} the truncated path ({collapse.kind} type) {moves} h: "
        f"{reached:.4g}, and {before:.4g} at X̂."
    )
    numbers = {"h at X̂": before, "h reached": reached}
    return "truncated-escape", _sentence(said), reached < before, numbers


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def findings_table(found: tuple[InstanceFinding, ...]) -> str:
    """Return the findings with their numbers as a text table."""
    columns = [
        Column("instance", "instance"),
        Column("id", "finding"),
        Column("holds", "holds"),
        Column("numbers", "numbers"),
    ]
    rows = []
    for each in found:
        numbers = "; ".join(f"{key} = {show(value, '.6g')}" for key, value in each.numbers.items())
        rows.append({**each.row(), "numbers": numbers or each.statement})
    return text_table(columns, rows)
