"""Printed against computed: the lifted objective, the truncated path, and the acceptance rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lift_compare import simulated
from lift_compare.sensing.validation import MAX_ORDER, FloatArray
from lift_compare.simulated import AcceptanceRule
from lift_compare.simulated.points.curvature import curvature_terms

from ..published import printed
from ..tables import Column
from ..tolerances import PRINTED_DIGITS
from .report import Difference, Kind, Sheet
from .runs import START, Runs
from .sections import TERMS

Instances = Mapping[str, Runs]


def printed_digits(instances: Instances) -> Difference:
    """Compare the printed spectral data, descent ends and norms, to the digits printed."""
    deviations: dict[str, float] = {}
    for name, norms in printed.TERM_NORMS.items():
        runs, lift = instances[name], instances[name].lift
        d = lift.directions
        score = simulated.feasibility_score(runs.problem, runs.point)
        state = lift.truncated.coefficients[-1]
        computed = {
            "λ_n": d.eigenvalue,
            "σ_r": d.singular_value,
            "κ": abs(score.kappa),
            **_indexed("term norm", simulated.term_norms(d, lift.settings.order, state)),
            **_indexed("descent end", runs.before[0].point.ravel()),
        }
        wanted = {
            **printed.SPECTRAL[name],
            **_indexed("term norm", norms),
            **_indexed("descent end", printed.DESCENT_ENDS[name]),
        }
        for key, value in wanted.items():
            off = abs(computed[key] - value) / max(abs(value), 1.0)
            deviations[f"{key} of {name}"] = off
    where = max(deviations, key=lambda key: deviations[key])
    differs = deviations[where] > PRINTED_DIGITS
    return Difference(
        "printed-digits",
        "Spectral data, descent ends and norms",
        f"{len(deviations)} numbers printed for the two-by-two example and for perturbed "
        "completion.",
        f"{'Not all' if differs else 'All'} of them are reproduced to {PRINTED_DIGITS:g}.",
        f"The largest deviation is {deviations[where]:.1e} (relative, or absolute below 1), in the "
        f"{where}.",
        differs,
        Kind.CONTRADICTED,
        "they are computed from the instance alone",
    )


def surrogate_not_objective(instances: Instances) -> Difference:
    """Compare the printed lifted objectives with h^l and with the diagonal surrogate."""
    published, computed, evidence, differs, surrogate = [], [], [], False, True
    for name, values in printed.LIFTED_OBJECTIVES.items():
        lift, key = instances[name].lift, "the final state"
        states = _states(instances[name])
        h = {part: lift.span.value(state) for part, state in states.items()}
        s = {part: lift.surrogate.value(state) for part, state in states.items()}
        of_h, of_s = (max(abs(v[part] / values[part] - 1) for part in h) for v in (h, s))
        differs = differs or of_h > PRINTED_DIGITS
        surrogate = surrogate and min(of_h, of_s) <= PRINTED_DIGITS
        m, order = lift.problem.m, lift.settings.order
        published.append(f"{name}: {values[key]:.10g} for {key}.")
        computed.append(f"{name}: $h^l$ = {h[key]:.10g}, diagonal surrogate = {s[key]:.10g}.")
        evidence.append(
            f"{name}: over {len(h)} printed values the largest relative deviation is {of_h:.1e} "
            rf"from $h^l$ and {of_s:.1e} from the diagonal surrogate "
            r"$\sum_i[\langle A_i^{\otimes l},ww^T\rangle-b_i^l]^2$, which keeps "
            f"$m = {m}$ of the $m^l$ = {float(m) ** order:.3g} residual entries."
        )
    return Difference(
        "surrogate-not-objective",
        "What is printed as $h^l$",
        _lines("Under the name of the lifted objective:", published),
        "\n".join(computed),
        "\n".join(evidence),
        differs,
        Kind.CONVENTION if surrogate else Kind.CONTRADICTED,
        "each printed value is that of one of the two, to the digits printed"
        if surrogate
        else "some printed values are those of neither",
    )


def surrogate_sign(instances: Instances) -> Difference:
    """Show what the free sign of u_n does to the surrogate, to h^l, and to the verdict."""
    said, proof, differs = [], [], False
    for name, runs in instances.items():
        by_surrogate, by_h = (
            [lift.published_collapse(surrogate=use) for lift in (runs.lift, runs.flipped)]
            for use in (True, False)
        )
        s, h = (
            [c.objective_state / c.objective_stationary for c in pair]
            for pair in (by_surrogate, by_h)
        )
        differs = differs or abs(s[0] - s[1]) > PRINTED_DIGITS
        split = by_surrogate[0].decreased != by_surrogate[1].decreased
        verdict = " (one below 1 and one above)" if split else ""
        said.append(f"{name}: {s[0]:.6g} with $u_n$, {s[1]:.6g} with $-u_n${verdict}.")
        proof.append(f"{name}: {h[0]:.6g} and {h[1]:.6g}.")
    return Difference(
        "surrogate-sign",
        "The sign of $u_n$ in the surrogate",
        "One curve and one value of the objective along the truncated path is shown for each "
        "instance.",
        _lines(r"Surrogate at the final state, in units of its value at $\hat w$:", said),
        _lines(
            "The same with $h^l$:",
            [*proof, "Both $u_n$ and $-u_n$ are unit eigenvectors of the same eigenvalue."],
        ),
        differs,
        Kind.CONVENTION,
        "nothing determines the sign of an eigenvector, so either value may be shown",
    )


def w_escape(instances: Instances) -> Difference:
    """Compare the printed h^l(w_escape) of the two-by-two example with its value at ρ and at η."""
    lift, value = instances["two-by-two"].lift, printed.LIFTED_OBJECTIVES["two-by-two"]["w_escape"]
    rho, eta = lift.settings.rho, lift.settings.eta
    at_rho, at_eta = (lift.span.value([1.0, weight, 0.0]) for weight in (rho, eta))
    off_rho, off_eta = (abs(h / value - 1) for h in (at_rho, at_eta))
    return Difference(
        "w-escape",
        r"$h^l$ at $\hat w+\rho\hat v$, two-by-two",
        rf"{value:.10g}, with $\rho = {rho:g}$ in the settings.",
        rf"{at_rho:.10g} at $\rho = {rho:g}$.",
        rf"With $\eta = {eta:g}$ in the place of $\rho$, $h^l$ is {at_eta:.10g}, which is within "
        rf"{off_eta:.1e} of the printed value (relative); the value at $\rho$ is {off_rho:.1e} "
        "away.",
        off_rho > PRINTED_DIGITS,
        Kind.CONVENTION if off_eta <= PRINTED_DIGITS else Kind.CONTRADICTED,
        r"the printed value is that with $\eta$ for $\rho$"
        if off_eta <= PRINTED_DIGITS
        else "no setting gives the printed value",
    )


_RULES = (
    Column("instance", "instance"),
    Column("rule", "acceptance rule"),
    Column("objective", "objective"),
    Column("sign", "sign of $u_n$"),
    Column("kind", "dominant term"),
    Column("dominant", "dominant enough"),
    Column("stationary", r"objective at $\hat w$", ".6g"),
    Column("compared", "objective compared", ".6g"),
    Column("accepted", "accepted"),
)


def acceptance_table(instances: Instances) -> Sheet:
    """Return the verdict of both rules, with both objectives and signs, on every instance."""
    rows: list[dict[str, Any]] = []
    for name, runs in instances.items():
        for rule in AcceptanceRule:
            for objective, surrogate in (("exact", False), ("surrogate", True)):
                for sign, lift in (("+", runs.lift), ("−", runs.flipped)):
                    c = lift.published_collapse(rule, surrogate=surrogate)
                    rows.append(
                        {
                            "instance": name,
                            "rule": f"as in the {rule.value}",
                            "objective": objective,
                            "sign": sign,
                            "kind": TERMS[c.kind],
                            "dominant": c.dominant,
                            "stationary": c.objective_stationary,
                            "compared": c.objective_compared,
                            "accepted": c.accepted,
                        }
                    )
    return Sheet("Both published acceptance rules at the published settings", _RULES, rows)


def acceptance_rules(instances: Instances) -> Difference:
    """Say whether the rule of the text and the rule of the code agree on the settings."""
    verdicts, norms, split = [], [], 0
    for name, runs in instances.items():
        text, code = (runs.lift.published_collapse(rule) for rule in AcceptanceRule)
        verdicts.append(f"{name}: code {_verdict(code)}, text {_verdict(text)}")
        norms.append(f"{name}: " + ", ".join(f"{value:.4g}" for value in code.norms))
        split += text.accepted != code.accepted
    return Difference(
        "acceptance-rules",
        "The acceptance rules of text and code",
        "The text asks that the dominant term dwarf the others and lower the objective by itself; "
        "the code asks that it be the largest and that the whole state lower the objective.",
        f"With the exact $h^l$: {', '.join(verdicts)}.",
        f"Norms of (base, visible, hidden): {'; '.join(norms)}. “Dwarf” is taken as ten times the "
        f"others. They disagree on {split} of {len(instances)} instances.",
        split > 0,
        Kind.CONVENTION,
        "both rules are published, and a reader has to choose one",
    )


def truncation(instances: Instances) -> Difference:
    """Measure what the truncation drops along the published path."""
    said, ends, worst = [], [], 0.0
    for name, runs in instances.items():
        lift, exact, T = runs.lift, runs.exact, runs.lift.settings.steps
        errors = {t: lift.truncation_error(t) for t in (0, T // 2, T)}
        worst = max(worst, *errors.values())
        said.append(f"{name}: {', '.join(f'{e:.3g} at $t = {t}$' for t, e in errors.items())}.")
        last = lift.span.value(lift.truncated.coefficients[-1])
        ends.append(
            f"{name}: {last:.4g} truncated, {exact.values[-1]:.4g} exact ({len(exact.values) - 1} "
            f"steps), {lift.span.value(START):.4g} at $\\hat w$; cosine {_first_cosine(runs):.3f}."
        )
    return Difference(
        "truncation-error",
        "What the truncation leaves out",
        "The truncated descent is said to simulate projected gradient descent in the lifted space.",
        _lines(
            "What is left out of the projected gradient or added to it, "
            r"$\frac{\|\Pi_S\nabla h^l-\mathrm{retained\ terms}\|}{\|\Pi_S\nabla h^l\|}$:",
            said,
        ),
        _lines(
            "$h^l$ at the end of the truncated and of the exact path, and the cosine between their "
            "first steps:",
            ends,
        ),
        worst > 0.1,
        Kind.CONTRADICTED,
        "the projected gradient is computed exactly, at the published settings",
    )


def saddle_order(instances: Instances) -> Difference:
    """Compare the published orders with the smallest at which ŵ is a strict saddle along v̂."""
    said, proof, published, differs, enough = [], [], [], False, True
    for name, runs in instances.items():
        lift, order = runs.at_stationary, runs.lift.settings.order
        smallest = lift.saddle_order
        differs = differs or smallest != order
        enough = enough and smallest is not None and smallest <= order
        words = f"none up to {MAX_ORDER}" if smallest is None else str(smallest)
        said.append(f"{name}: {words} (published $l = {order}$).")
        tried = [f"{lift.curvature(l):.5g} at $l = {l}$" for l in sorted({1, 3, 5, order})]  # noqa: E741
        proof.append(f"{name}: {', '.join(tried)}.")
        published.append(f"{order} ({name})")
    return Difference(
        "saddle-order",
        "The lifting order that is needed",
        f"Orders $l$: {', '.join(published)}.",
        _lines(
            r"Smallest order at which $\hat w$ is a strict saddle along the visible direction:",
            said,
        ),
        _lines(
            r"Curvature $\langle\hat v,\nabla^2h^l(\hat w)[\hat v]\rangle$ by the exact formula:",
            proof,
        ),
        differs,
        Kind.CONVENTION if enough else Kind.CONTRADICTED,
        "a larger order than needed is a choice"
        if enough
        else "a published order gives no strict saddle along the visible direction",
    )


def real_system_curvature(instances: Instances) -> Difference:
    """Say whether the published order gives the real system negative curvature along v̂."""
    runs, lift = instances["real-system"], instances["real-system"].at_stationary
    order, curvature, found = lift.settings.order, lift.curvature(), runs.escape
    K1, K2, K3 = curvature_terms(runs.problem, lift.point, lift.directions.visible)
    return Difference(
        "real-system-curvature",
        f"Curvature of the real system at $l = {order}$",
        "The published panels show an escape at this order, explained by the lift making the "
        "spurious point a strict saddle.",
        f"Along the visible direction the curvature is {curvature:+.4g}: "
        f"{'not negative' if curvature >= 0 else 'negative'}.",
        f"It is $2(K_1^l-K_2^l+2K_3^l)$ with $K_1 = {K1:.5g}$, $K_2 = {K2:.5g}$, $K_3 = {K3:.5g}$; "
        f"{'$K_3>K_2$, so no order makes it negative. ' if K3 > K2 else ''}"
        f"The exact method {'finds' if found.found else 'does not find'} an escape at order "
        f"{found.order}: $h$ goes from {found.objective_before:.6g} to {found.objective_after:.6g} "
        f"({found.details}).",
        curvature >= 0,
        Kind.CONTRADICTED,
        "the curvature is an exact formula",
    )


def real_system_acceptance(instances: Instances) -> Difference:
    """Say whether the published acceptance rule holds on the real system with exact h^l."""
    runs = instances["real-system"]
    states, exact = [], list[simulated.PublishedCollapse]()
    holds = False
    for label, surrogate in (("$h^l$", False), ("surrogate", True)):
        plus, minus = (
            lift.published_collapse(surrogate=surrogate) for lift in (runs.lift, runs.flipped)
        )
        exact = exact or [plus, minus]
        holds = holds or plus.accepted or minus.accepted
        states.append(
            f"{label}: {plus.objective_state:.6g} and {minus.objective_state:.6g} against "
            rf"{plus.objective_stationary:.6g} at $\hat w$ ({_verdict(plus)}, {_verdict(minus)})"
        )
    return Difference(
        "real-system-acceptance",
        "Acceptance on the real system",
        "The published panels show the collapse at these settings and the descent that goes on "
        "from it.",
        f"With the exact objective it is {_verdict(exact[0])} (with $-u_n$: {_verdict(exact[1])}).",
        f"Objective of the whole state at $T = {runs.lift.settings.steps}$, for $u_n$ and $-u_n$. "
        f"{'; '.join(states)}.",
        not all(found.accepted for found in exact),
        Kind.CONVENTION if holds else Kind.CONTRADICTED,
        "it is accepted with the diagonal surrogate, for one sign of $u_n$"
        if holds
        else "no objective and no sign of $u_n$ accepts it",
    )


def _first_cosine(runs: Runs) -> float:
    """Return the cosine between the first steps of the truncated and the exact path, as tensors."""
    gram = runs.lift.span.gram
    a, b = (
        path[1] - path[0] for path in (runs.lift.truncated.coefficients, runs.exact.coefficients)
    )
    return float(a @ gram @ b / np.sqrt((a @ gram @ a) * (b @ gram @ b)))


def _states(runs: Runs) -> dict[str, FloatArray]:
    """Return the states whose objective is printed; w_escape has a comparison of its own."""
    last = runs.lift.truncated.coefficients[-1]
    return {
        "the lifted stationary point": START,
        "the visible term alone": last * [0, 1, 0],
        "the hidden term alone": last * [0, 0, 1],
        "the final state": last,
    }


def _indexed(name: str, values: Any) -> dict[str, float]:
    return {f"{name} {j + 1}": float(value) for j, value in enumerate(np.asarray(values))}


def _lines(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *lines])


def _verdict(found: simulated.PublishedCollapse) -> str:
    return "accepted" if found.accepted else "rejected"
