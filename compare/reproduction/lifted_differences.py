"""Printed against computed: the lifted objective, the truncated path, and the rules that accept a collapse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lift_compare import simulated
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import AcceptanceRule

from .. import printed
from ..report import Difference, Sheet
from ..tables import Column
from .case import START, Case

Cases = Mapping[str, Case]
_DIGITS = 1e-5  # relative; several printed numbers come from float32


def printed_digits(cases: Cases) -> Difference:
    """Compare the printed spectral data, descent ends and norms, to the digits printed."""
    worst, where, count = 0.0, "", 0
    for name, norms in printed.TERM_NORMS.items():
        case = cases[name]
        d, score = case.directions, simulated.feasibility_score(case.problem, case.point)
        computed = {
            **dict(
                zip(
                    ("λ_n", "σ_r", "κ"),
                    (d.eigenvalue, d.singular_value, abs(score.kappa)),
                    strict=True,
                )
            ),
            **_indexed(
                "term norm",
                simulated.term_norms(d, case.instance.order, case.truncated.coefficients[-1]),
            ),
            **_indexed("descent end", case.before[0].point.ravel()),
        }
        wanted = {
            **printed.SPECTRAL[name],
            **_indexed("term norm", norms),
            **_indexed("descent end", printed.DESCENT_ENDS[name]),
        }
        for key, value in wanted.items():
            deviation = abs(computed[key] - value) / max(abs(value), 1.0)
            count += 1
            if deviation >= worst:
                worst, where = deviation, f"{key} of {name}"
    differs = worst > _DIGITS
    return Difference(
        "printed-digits",
        "Spectral data, descent ends and norms of the three terms",
        f"{count} numbers printed for the two-by-two example and for perturbed completion.",
        f"{'Not all' if differs else 'All'} of them are reproduced to {_DIGITS:g}.",
        f"The largest deviation is {worst:.1e} (relative, or absolute below 1), in the {where}.",
        differs,
    )


def surrogate_not_objective(cases: Cases) -> Difference:
    """Compare the printed lifted objectives with h^l and with the diagonal surrogate."""
    published, computed, evidence, differs = [], [], [], False
    for name, values in printed.LIFTED_OBJECTIVES.items():
        case, key = cases[name], "the final state"
        states = _states(case)
        h = {part: case.span.value(state) for part, state in states.items()}
        s = {part: case.surrogate.value(state) for part, state in states.items()}
        off = {
            label: max(abs(v[part] / values[part] - 1) for part in h)
            for label, v in (("h^l", h), ("surrogate", s))
        }
        differs = differs or off["h^l"] > _DIGITS
        published.append(f"{name}: {values[key]:.10g} for {key}.")
        computed.append(f"{name}: h^l = {h[key]:.10g}, diagonal surrogate = {s[key]:.10g}.")
        evidence.append(
            f"{name}: over {len(h)} printed values the largest relative deviation is {off['h^l']:.1e} from h^l and "
            f"{off['surrogate']:.1e} from the diagonal surrogate Σ_i [⟨A_i^⊗l, …⟩ − b_i^l]², which keeps "
            f"m = {case.problem.m} of the m^l = {float(case.problem.m) ** case.instance.order:.3g} residual entries."
        )
    return Difference(
        "surrogate-not-objective",
        "What is printed as the lifted objective is not always h^l",
        "Under the name of the lifted objective:\n" + "\n".join(published),
        "\n".join(computed),
        "\n".join(evidence),
        differs,
    )


def surrogate_sign(cases: Cases) -> Difference:
    """Show what the free sign of u_n does to the surrogate, to h^l, and to the verdict on the whole state."""
    said, proof, differs = [], [], False
    for name, case in cases.items():
        values, verdicts = {}, {}
        for label, use in (("surrogate", True), ("h^l", False)):
            pair = [case.collapse(surrogate=use, flipped=flip) for flip in (False, True)]
            values[label] = [c.objective_state / c.objective_stationary for c in pair]
            verdicts[label] = [c.decreased for c in pair]
        spread = abs(values["surrogate"][0] - values["surrogate"][1])
        differs = differs or spread > _DIGITS
        said.append(
            f"{name}: {values['surrogate'][0]:.6g} with u_n, {values['surrogate'][1]:.6g} with −u_n"
            + (
                " (one below 1 and one above)."
                if verdicts["surrogate"][0] != verdicts["surrogate"][1]
                else "."
            )
        )
        proof.append(f"{name}: {values['h^l'][0]:.6g} and {values['h^l'][1]:.6g}.")
    return Difference(
        "surrogate-sign",
        "The surrogate depends on the sign of the eigenvector u_n, which nothing determines",
        "One curve and one value of the objective along the truncated path is shown for each instance.",
        "Surrogate at the final state, in units of its value at ŵ:\n" + "\n".join(said),
        "The same with h^l:\n"
        + "\n".join(proof)
        + "\nBoth u_n and −u_n are unit eigenvectors of the same eigenvalue.",
        differs,
    )


def w_escape(cases: Cases) -> Difference:
    """Compare the printed h^l(w_escape) of the two-by-two example with its value at ρ and at η."""
    case, value = cases["two-by-two"], printed.LIFTED_OBJECTIVES["two-by-two"]["w_escape"]
    i = case.instance
    at = {weight: case.span.value([1.0, weight, 0.0]) for weight in (i.rho, i.eta)}
    off = {weight: abs(h / value - 1) for weight, h in at.items()}
    return Difference(
        "w-escape",
        "h^l at w_escape = a + ρ b, two-by-two",
        f"{value:.10g}, with ρ = {i.rho:g} in the settings.",
        f"{at[i.rho]:.10g} at ρ = {i.rho:g}.",
        f"With η = {i.eta:g} in the place of ρ, h^l(a + η b) = {at[i.eta]:.10g}, which is within {off[i.eta]:.1e} of "
        f"the printed value (relative); the value at ρ is {off[i.rho]:.1e} away.",
        off[i.rho] > _DIGITS,
    )


_RULES = (
    Column("instance", "instance"),
    Column("rule", "acceptance rule"),
    Column("objective", "objective"),
    Column("sign", "sign of u_n"),
    Column("kind", "dominant term"),
    Column("dominant", "dominant enough"),
    Column("stationary", "objective at ŵ", ".6g"),
    Column("compared", "objective compared", ".6g"),
    Column("accepted", "accepted"),
)


def acceptance_table(cases: Cases) -> Sheet:
    """Return the verdict of both published rules, with both objectives and both signs, on every instance."""
    rows: list[dict[str, Any]] = []
    for name, case in cases.items():
        for rule in AcceptanceRule:
            for surrogate in (False, True):
                for flipped in (False, True):
                    c = case.collapse(rule, surrogate=surrogate, flipped=flipped)
                    rows.append(
                        {
                            "instance": name,
                            "rule": f"as in the {rule.value}",
                            "objective": "surrogate" if surrogate else "exact h^l",
                            "sign": "−" if flipped else "+",
                            "kind": "visible (β)" if c.kind == "beta" else "hidden (γ)",
                            "dominant": c.dominant,
                            "stationary": c.objective_stationary,
                            "compared": c.objective_term
                            if rule is AcceptanceRule.TEXT
                            else c.objective_state,
                            "accepted": c.accepted,
                        }
                    )
    return Sheet("Both published acceptance rules at the published settings", _RULES, rows)


def acceptance_rules(cases: Cases) -> Difference:
    """Say whether the rule of the text and the rule of the code agree on the published settings."""
    verdicts = {
        name: {rule: case.collapse(rule).accepted for rule in AcceptanceRule}
        for name, case in cases.items()
    }
    split = [name for name, by_rule in verdicts.items() if len(set(by_rule.values())) > 1]
    text = ", ".join(
        f"{name}: code {_verdict(by_rule[AcceptanceRule.CODE])}, text {_verdict(by_rule[AcceptanceRule.TEXT])}"
        for name, by_rule in verdicts.items()
    )
    norms = "; ".join(
        f"{name}: " + ", ".join(f"{value:.4g}" for value in case.collapse().norms)
        for name, case in cases.items()
    )
    return Difference(
        "acceptance-rules",
        "The acceptance rule of the text and that of the published code",
        "The text asks that the dominant term dwarf the others and lower the objective by itself; the code asks that "
        "it be the largest and that the whole state lower the objective.",
        f"With the exact h^l: {text}.",
        f"Norms of (base, visible, hidden): {norms}. “Dwarf” is taken as ten times the others. They disagree on "
        f"{len(split)} of {len(verdicts)} instances.",
        bool(split),
    )


def truncation(cases: Cases) -> Difference:
    """Measure what the truncation drops along the published path."""
    said, worst = [], 0.0
    for name, case in cases.items():
        T = case.instance.steps
        errors = [
            simulated.truncation_error(case.span, case.directions, case.truncated.coefficients[t])
            for t in (0, T // 2, T)
        ]
        worst = max(worst, *errors)
        said.append(
            f"{name}: {errors[0]:.3g} at t = 0, {errors[1]:.3g} at t = {T // 2}, {errors[2]:.3g} at t = {T}."
        )
    ends = [
        f"{name}: {case.span.value(case.truncated.coefficients[-1]):.4g} truncated, {case.exact.values[-1]:.4g} exact "
        f"({len(case.exact.values) - 1} steps), {case.span.value(START):.4g} at ŵ; cosine {_first_cosine(case):.3f}."
        for name, case in cases.items()
    ]
    return Difference(
        "truncation-error",
        "What the truncation of the lifted gradient leaves out",
        "The truncated descent is said to simulate projected gradient descent in the lifted space.",
        "What is left out of the projected gradient or added to it, ‖Π_S ∇h^l − retained terms‖ / ‖Π_S ∇h^l‖:\n"
        + "\n".join(said),
        "h^l at the end of the truncated and of the exact path, and the cosine between their first steps:\n"
        + "\n".join(ends),
        worst > 0.1,
    )


def saddle_order(cases: Cases) -> Difference:
    """Compare the published lifting orders with the smallest at which ŵ is a strict saddle along u_n q_rᵀ."""
    said, proof, differs = [], [], False
    for name, case in cases.items():
        order, X = case.instance.order, case.stationary
        smallest = simulated.smallest_saddle_order(case.problem, X)
        differs = differs or smallest != order
        said.append(
            f"{name}: "
            + ("none up to 1001" if smallest is None else str(smallest))
            + f" (published l = {order})."
        )
        visible = simulated.escape_directions(case.problem, X).visible
        tried = sorted({1, 3, 5, order})
        curvatures = [
            f"{simulated.curvature_along(case.problem, X, visible, k):.5g} at l = {k}"
            for k in tried
        ]
        proof.append(f"{name}: " + ", ".join(curvatures) + ".")
    return Difference(
        "saddle-order",
        "The lifting order that is needed, and the one that is used",
        "Orders l = "
        + ", ".join(f"{case.instance.order} ({name})" for name, case in cases.items())
        + ".",
        "Smallest order at which ŵ is a strict saddle along the visible direction:\n"
        + "\n".join(said),
        "Curvature ⟨b, ∇²h^l(ŵ)[b]⟩ by the exact formula:\n" + "\n".join(proof),
        differs,
    )


def real_system_curvature(cases: Cases) -> Difference:
    """Say whether the published order gives the real system any negative lifted curvature along u_n q_rᵀ."""
    case = cases["real-system"]
    X, order = case.stationary, case.instance.order
    visible = simulated.escape_directions(case.problem, X).visible
    curvature = simulated.curvature_along(case.problem, X, visible, order)
    A = case.problem.operator
    seen, crossed = A.measure(visible, visible), A.measure(X, visible)
    K = [
        float(seen @ A.measure(X, X)),
        float(seen @ case.problem.measurements),
        float(crossed @ crossed),
    ]
    found = case.escape
    return Difference(
        "real-system-curvature",
        f"Lifted curvature of the real system at the published order l = {order}",
        "The published panels show an escape at this order, explained by the lift making the spurious point a strict "
        "saddle.",
        f"Along the visible direction the curvature is {curvature:+.4g}: "
        f"{'not negative' if curvature >= 0 else 'negative'}.",
        f"It is 2 (K1^l − K2^l + 2 K3^l) with K1 = {K[0]:.5g}, K2 = {K[1]:.5g}, K3 = {K[2]:.5g}; "
        + ("K3 > K2, so no order makes it negative. " if K[2] > K[1] else "")
        + f"The exact method {'finds' if found.found else 'does not find'} an escape at order {found.order}: h goes "
        f"from {found.objective_before:.6g} to {found.objective_after:.6g} ({found.details}).",
        curvature >= 0,
    )


def real_system_acceptance(cases: Cases) -> Difference:
    """Say whether the published acceptance rule holds on the real system with the exact objective."""
    case = cases["real-system"]
    exact = {flip: case.collapse(flipped=flip) for flip in (False, True)}
    by_surrogate = {flip: case.collapse(surrogate=True, flipped=flip) for flip in (False, True)}
    accepted = [c.accepted for c in exact.values()]
    states = [
        f"{label}: {c[False].objective_state:.6g} and {c[True].objective_state:.6g} against "
        f"{c[False].objective_stationary:.6g} at ŵ ({_verdict(c[False].accepted)}, {_verdict(c[True].accepted)})"
        for label, c in (("h^l", exact), ("surrogate", by_surrogate))
    ]
    return Difference(
        "real-system-acceptance",
        "The acceptance rule of the published code on the real system",
        "The published panels show the collapse at these settings and the descent that goes on from it.",
        f"With the exact objective it is {_verdict(accepted[0])} (with −u_n: {_verdict(accepted[1])}).",
        f"Objective of the whole state at T = {case.instance.steps}, for u_n and −u_n. "
        + "; ".join(states)
        + ".",
        not all(accepted),
    )


def _first_cosine(case: Case) -> float:
    """Return the cosine between the first step of the truncated and of the exact path, as tensors."""
    gram = case.span.gram
    truncated, exact = (
        path[1] - path[0] for path in (case.truncated.coefficients, case.exact.coefficients)
    )
    return float(
        truncated @ gram @ exact / np.sqrt((truncated @ gram @ truncated) * (exact @ gram @ exact))
    )


def _states(case: Case) -> dict[str, FloatArray]:
    """Return the states whose objective is printed; w_escape has a comparison of its own."""
    last = case.truncated.coefficients[-1]
    return {
        "the lifted stationary point": START,
        "the visible term alone": last * [0, 1, 0],
        "the hidden term alone": last * [0, 0, 1],
        "the final state": last,
    }


def _indexed(name: str, values: Any) -> dict[str, float]:
    return {f"{name} {j + 1}": float(value) for j, value in enumerate(np.asarray(values))}


def _verdict(accepted: bool) -> str:
    return "accepted" if accepted else "rejected"
