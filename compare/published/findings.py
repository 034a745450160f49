"""What holds and what does not at the settings of an instance, as sentences."""

from __future__ import annotations

from lift_compare.sensing.instances.published import PUBLISHED
from lift_compare.sensing.validation import MAX_ORDER
from lift_compare.simulated import AcceptanceRule, PublishedCollapse

from ..simulated_lift import SimulatedLift


def findings(name: str, lift: SimulatedLift) -> list[str]:
    """Return one sentence on the order of the lift, and one on the acceptance at its T."""
    problem, X = lift.problem, lift.point
    if problem.is_solved(X):
        h, zero = problem.objective(X), problem.objective_at_zero
        return [f"{name}: X̂ solves the problem, h = {h:.3g} (h(0) = {zero:.3g}): no escape is due."]
    printed = "published " if name in PUBLISHED else ""
    try:
        return [
            _on_the_order(f"{name}: the {printed}order l = {lift.settings.order}", lift),
            _on_the_rule(f"{name}: after the {printed}T = {lift.settings.steps} steps", lift),
        ]
    except OverflowError as overflow:
        return [f"{name}: {overflow}"]


def _on_the_order(subject: str, lift: SimulatedLift) -> str:
    curvature, smallest = lift.curvature(), lift.saddle_order
    along = "negative lifted curvature along the visible direction"
    if curvature < 0:
        first = f"{subject} gives {along}, {curvature:.4g}"
    else:
        first = f"{subject} gives NO {along}: it is +{curvature:.4g}"
    if smallest is None:
        first = f"{first}; no odd order up to {MAX_ORDER} does."
    else:
        first = f"{first}; the smallest saddle order along it is {smallest}."
    return f"{first} {_on_the_oracle(lift)}"


def _on_the_oracle(lift: SimulatedLift) -> str:
    """Say from which order on ŵ is a strict saddle along any rank-one power."""
    found = lift.order_of_powers
    if found.order is None:
        return f"Along other rank-one powers: {found.reason}."
    proved = (
        "at smaller orders no power has negative curvature (certified)"
        if found.certified_below == found.order
        else f"certified to be none below {found.certified_below}"
    )
    return (
        f"Along V*, the rank-one power of least curvature, X̂ becomes a strict saddle at l = "
        f"{found.order}, with curvature {found.curvature:.4g}; {proved}."
    )


def _on_the_rule(subject: str, lift: SimulatedLift) -> str:
    verdicts = []
    for rule in AcceptanceRule:
        for surrogate in (False, True):
            found = lift.published_collapse(rule, surrogate=surrogate)
            verdict = "holds" if found.accepted else "does NOT hold"
            kind = "diagonal surrogate" if surrogate else "exact objective"
            why = "" if found.accepted else f" ({_why_not(found)})"
            verdicts.append(f"{verdict} by the {rule.value} with the {kind}{why}")
    before, after = (lift.problem.objective(X) for X in (lift.point, found.point))
    return (
        f"{subject} the acceptance rule {'; it '.join(verdicts)}. The truncated state leaves out "
        f"or distorts {lift.truncation_error():.3g} times the projected gradient there; its "
        f"{found.kind}-type collapse has h = {after:.4g} against {before:.4g} at X̂."
    )


def _why_not(collapse: PublishedCollapse) -> str:
    reasons = []
    if not collapse.dominant:
        norms = ", ".join(f"{norm:.3g}" for norm in collapse.norms)
        reasons.append(f"no term dominates: norms {norms}")
    if not collapse.decreased:
        reached, bar = collapse.objective_compared, collapse.objective_stationary
        reasons.append(f"the objective is {reached:.4g}, not below {bar:.4g}")
    return " and ".join(reasons)
