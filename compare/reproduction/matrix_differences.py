"""Printed against computed: what can be said in matrix space, without the lift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import sensing
import simulated
from compare import printed
from compare.report import Difference
from compare.stochastic import stochastic_descent

from .case import Case

Cases = Mapping[str, Case]


def rip_constants(cases: Cases, *, samples: int, seed: int) -> Difference:
    """Compare the printed RIP values with our larger lower bounds."""
    theirs, ours, proof, exceeded = [], [], [], False
    for name, (rank, value) in printed.RIP.items():
        problem = cases[name].problem
        bound = sensing.rip_lower_bound(problem.operator, rank, samples=samples, seed=seed)
        exceeded = exceeded or bound > value + 1e-6
        theirs.append(f"{name}: {value:.6g} (rank {rank}).")
        ours.append(f"{name}: δ_{rank} ≥ {bound:.6f}.")
        score = simulated.feasibility_score(problem, cases[name].point, rip_constant=bound)
        proof.append(
            f"{name}: attained by a symmetric matrix of rank ≤ {rank}"
            + (f", and with rank {rank} = n it is δ itself" if rank == problem.n else "")
            + f"; with it EFS = {score.score:.6f} where {printed.FEASIBILITY[name]:.6f} is printed, and the exact "
            f"score, which needs no δ, is {score.exact_score:.6f}."
        )
    return Difference(
        "rip-constant",
        "The restricted isometry constant",
        "Sampled values. " + " ".join(theirs),
        "Lower bounds of the true constant. " + " ".join(ours),
        f"{samples} random starts each, improved by descent. " + " ".join(proof),
        exceeded,
    )


def strict_decrease(cases: Cases) -> Difference:
    """Say whether h decreases strictly from X̂ to the published X̌, and to the exact one."""
    published, exact, risen = [], [], []
    for name, case in cases.items():
        before, after = (float(case.problem.objective(X)) for X in (case.point, case.collapse().point))
        if after >= before:
            risen.append(name)
        end = case.after_published[0]
        published.append(
            f"{name}: {before:.6g} becomes {after:.6g}{'' if after < before else ' (it rises)'}; descent from there "
            f"ends at a distance of {case.problem.distance(end.point):.3g} from the truth."
        )
        e = case.escape
        exact.append(
            f"{name}: {e.objective_before:.6g} becomes {e.objective_after:.6g} (order {e.order})."
            if e.found
            else f"{name}: no escape, {e.reason.value}."
        )
    return Difference(
        "strict-decrease",
        "Does the published escape lower h?",
        "A strict decrease of the objective from the spurious point to the escape point is guaranteed.",
        "h at X̂ and at the published X̌. " + " ".join(published),
        "h by the exact method, from the exactly stationary point. " + " ".join(exact),
        bool(risen),
    )


def plane_valley(cases: Cases, *, iterations: int) -> Difference:
    """Say whether the 2×2 point is a local minimum: follow the valley, and run gradient descent for long."""
    case = cases["two-by-two"]
    problem, X = case.problem, case.stationary
    hessian = np.array([problem.hessian_product(X, e.reshape(2, 1)).ravel() for e in np.eye(2)])
    eigenvalues = np.linalg.eigvalsh(hessian)
    steps = np.array([0.0, 0.02, 0.05, 0.1])
    valley = np.stack([steps, np.sqrt(0.5 - 2 * steps**2)], axis=1)[:, :, None]
    h = problem.objective(valley)
    falls = bool(np.all(np.diff(h) < 0))
    evidence = (
        f"The Hessian of h there has the eigenvalues {eigenvalues[0]:.2g} and {eigenvalues[1]:.4g}, so it decides "
        "nothing. On the curve x₂² = ½ − 2 x₁² through the point, h is "
        + ", ".join(f"{value:.7g} at x₁ = {t:g}" for t, value in zip(steps, h, strict=True))
        + "."
    )
    if iterations:
        run = sensing.gradient_descent(
            problem,
            case.instance.start(),
            step_size=case.instance.gd_step,
            max_iterations=iterations,
            callback=lambda _, __, value, ___: value < 1e-3,
        )
        evidence += (
            f" Gradient descent from the published start, without any escape, has h = {run.objective:.3g} after "
            f"{run.iterations} iterations, at a distance of {problem.distance(run.point):.3g} from the truth."
        )
    return Difference(
        "plane-valley",
        "Is the point [0, 1/√2] of the two-by-two example a local minimum?",
        "It is shown as a spurious local minimum.",
        "It is a degenerate saddle: h falls along a curve through it."
        if falls
        else "No lower point was found near it.",
        evidence,
        falls,
    )


def trapped(cases: Cases, *, runs: int, seed: int) -> Difference:
    """Count how many runs of stochastic gradient descent stay near the 2×2 point."""
    case = cases["two-by-two"]
    i = case.instance
    steps = i.gd_before + i.gd_after
    seeds = np.random.SeedSequence(seed).spawn(runs)
    ends = np.array(
        [
            stochastic_descent(
                case.problem, i.start(), step_size=i.gd_step, iterations=steps, seed=np.random.default_rng(s)
            )[-1]
            for s in seeds
        ]
    )
    distance = case.problem.distance(ends)
    held = int(np.sum(distance > 0.5))
    alone = case.problem.distance(case.onward[0].point)
    return Difference(
        "trapped",
        "Gradient descent and stochastic gradient descent are trapped in the two-by-two example",
        "Both stay at the spurious point.",
        f"After {steps} steps gradient descent is at a distance of {alone:.4g} from the truth; {held} of {runs} runs "
        "of stochastic gradient descent are farther than 0.5 from it.",
        f"Step {i.gd_step:g}, one random measurement a step, from the published start; distances of the stochastic "
        f"runs from {distance.min():.4g} to {distance.max():.4g}.",
        held < runs or bool(alone < 0.5),
    )


@dataclass(frozen=True)
class Rates:
    """Success rates computed here for one ε: sizes, starts a size, and the shares without and with escapes."""

    epsilon: float
    sizes: tuple[int, ...]
    starts: int
    gd: tuple[float, ...]
    escape: tuple[float, ...]
    setting: str

    def published(self, rates: Mapping[float, Sequence[float]]) -> list[float | None]:
        """Return the printed rates at these sizes, None where none is printed."""
        known = dict(zip(printed.SUCCESS_SIZES, rates.get(self.epsilon, ()), strict=False))
        return [known.get(n) for n in self.sizes]


def success(rates: Sequence[Rates]) -> Difference:
    """Compare the success rates with the printed ones."""

    def listed(theirs: bool) -> str:
        parts = []
        for r in rates:
            gd, escape = (
                (r.published(printed.SUCCESS_GD), r.published(printed.SUCCESS_ESCAPE)) if theirs else (r.gd, r.escape)
            )
            cells = ", ".join(
                f"n = {n}: {a:.2f} → {b:.2f}"
                for n, a, b in zip(r.sizes, gd, escape, strict=True)
                if a is not None and b is not None
            )
            parts.append(f"ε = {r.epsilon:.2f}: {cells}.")
        return " ".join(parts)

    pairs = [
        (ours, theirs)
        for r in rates
        for ours, theirs in zip(r.escape, r.published(printed.SUCCESS_ESCAPE), strict=True)
        if theirs is not None
    ]
    higher = sum(ours > theirs for ours, theirs in pairs)
    alone = [
        abs(ours - theirs)
        for r in rates
        for ours, theirs in zip(r.gd, r.published(printed.SUCCESS_GD), strict=True)
        if theirs is not None
    ]
    return Difference(
        "success-rates",
        "Success rates on perturbed completion, descent alone → with escapes",
        "50 starts a cell, not published. " + listed(True),
        listed(False),
        f"{rates[0].setting} The exact escape does better than the published one in {higher} of {len(pairs)} cells. "
        f"Descent alone, which depends on the starts, differs from the printed rate by {max(alone):.2f} at most.",
        any(abs(ours - theirs) > 1e-9 for ours, theirs in pairs),
    )
