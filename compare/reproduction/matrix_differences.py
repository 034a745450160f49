"""Printed against computed: what can be said in matrix space, without the lift."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lift_compare import sensing, simulated

from .. import printed
from ..report import Difference
from ..stochastic import stochastic_descent
from ..success import SuccessRates
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
        "Sampled values:\n" + "\n".join(theirs),
        "Lower bounds of the true constant:\n" + "\n".join(ours),
        f"{samples} random starts each, improved by descent.\n" + "\n".join(proof),
        exceeded,
    )


def strict_decrease(cases: Cases) -> Difference:
    """Say whether h decreases strictly from X̂ to the published X̌, and to the exact one."""
    published, exact, risen = [], [], []
    for name, case in cases.items():
        before, after = (
            float(case.problem.objective(X)) for X in (case.point, case.collapse().point)
        )
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
        "h at X̂ and at the published X̌:\n" + "\n".join(published),
        "h by the exact method, from the exactly stationary point:\n" + "\n".join(exact),
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
                case.problem,
                i.start(),
                step_size=i.gd_step,
                iterations=steps,
                seed=np.random.default_rng(s),
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


def success(rates: SuccessRates) -> Difference:
    """Compare the success rates with the printed ones."""
    cells = [
        cell
        for cell in rates.cells
        if cell.published_descent is not None and cell.published_escapes is not None
    ]

    def listed(descent: str, escapes: str) -> str:
        by_epsilon: dict[float, list[str]] = {}
        for cell in cells:
            pair = f"n = {cell.n}: {getattr(cell, descent):.2f} → {getattr(cell, escapes):.2f}"
            by_epsilon.setdefault(cell.epsilon, []).append(pair)
        return "\n".join(
            f"ε = {epsilon:.2f}: {', '.join(pairs)}." for epsilon, pairs in by_epsilon.items()
        )

    higher = sum(cell.rate_escapes > (cell.published_escapes or 0) for cell in cells)
    alone = max(
        (abs(cell.rate_descent - (cell.published_descent or 0)) for cell in cells), default=0.0
    )
    falls = [cell.smallest_decrease for cell in cells if cell.smallest_decrease is not None]
    return Difference(
        "success-rates",
        "Success rates on perturbed completion, descent alone → with escapes",
        "50 starts a cell, which are not published.\n"
        + listed("published_descent", "published_escapes"),
        listed("rate_descent", "rate_escapes"),
        f"{cells[0].starts if cells else 0} starts a cell, {rates.scale:g} · N(0, 1) from seed {rates.seed}; solved "
        f"means h ≤ {rates.tolerance:g} · ½‖b‖². The {rates.method} escape does better than the published one in "
        f"{higher} of {len(cells)} cells; {sum(cell.escapes for cell in cells)} escapes lower h, each by at least "
        f"{100 * min(falls, default=0):.2g} % of it, and {sum(cell.refused for cell in cells)} attempts find nothing. "
        f"Descent alone, which depends on the starts, is {alone:.2f} away from the printed rate at most.",
        any(abs(cell.rate_escapes - (cell.published_escapes or 0)) > 1e-9 for cell in cells),
    )
