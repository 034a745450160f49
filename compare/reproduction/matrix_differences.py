"""Printed against computed: what can be said in matrix space, without the lift."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lift_compare import sensing, simulated

from ..published import printed
from ..rivals.stochastic import stochastic_descent
from ..sweeps.success import SuccessRates
from ..tolerances import PRINTED_RIP, SAME_RATE
from .report import Difference, Kind
from .runs import Runs

Instances = Mapping[str, Runs]

_NEAR_SOLUTION = 1e-3  # h below which a long descent of the two-by-two example has left X̂


def rip_constants(instances: Instances, samples: int, seed: int) -> Difference:
    """Compare the printed RIP values with our larger lower bounds."""
    theirs, ours, proof, exceeded = [], [], [], False
    for name, (rank, value) in printed.RIP.items():
        problem = instances[name].problem
        bound = sensing.rip_lower_bound(problem.operator, rank, samples=samples, seed=seed)
        exceeded = exceeded or bound > value + PRINTED_RIP
        theirs.append(f"{name}: {value:.6g} (rank {rank}).")
        ours.append(rf"{name}: $\delta_{rank}\geq{bound:.6f}$.")
        score = simulated.feasibility_score(problem, instances[name].point, rip_constant=bound)
        whole = f", and with rank ${rank} = n$ it is $\\delta$ itself" if rank == problem.n else ""
        proof.append(
            f"{name}: attained by a symmetric matrix of rank {rank} at most{whole}; with it EFS = "
            f"{score.score:.6f} where {printed.FEASIBILITY[name]:.6f} is printed, and the exact "
            rf"score, which needs no $\delta$, is {score.exact_score:.6f}."
        )
    return Difference(
        "rip-constant",
        "The restricted isometry constant",
        "Sampled values:\n" + "\n".join(theirs),
        "Lower bounds of the true constant:\n" + "\n".join(ours),
        f"{samples} random starts each, improved by descent.\n" + "\n".join(proof),
        exceeded,
        Kind.CONVENTION,
        "a sampled value is a lower bound, printed in the place of the constant",
    )


def strict_decrease(instances: Instances) -> Difference:
    """Say whether h decreases strictly from X̂ to the published X̌, and to the exact one."""
    published, exact, risen = [], [], False
    for name, runs in instances.items():
        before, after = (
            float(runs.problem.objective(X)) for X in (runs.point, runs.collapse.point)
        )
        rises = after >= before
        risen = risen or rises
        end = runs.problem.distance(runs.after_published[0].point)
        published.append(
            f"{name}: {before:.6g} becomes {after:.6g}{' (it rises)' if rises else ''}; descent "
            f"from there ends at a distance of {end:.3g} from the truth."
        )
        e = runs.escape
        change = f"{e.objective_before:.6g} becomes {e.objective_after:.6g} (order {e.order})"
        exact.append(f"{name}: {change if e.found else f'no escape, {e.reason}'}.")
    return Difference(
        "strict-decrease",
        "Does the published escape lower $h$?",
        "A strict decrease of the objective from the spurious point to the escape point is "
        "guaranteed.",
        r"$h$ at $\hat X$ and at the published $\check X$:" + "\n" + "\n".join(published),
        "$h$ by the exact method, from the exactly stationary point:\n" + "\n".join(exact),
        risen,
        Kind.CONTRADICTED,
        "the guarantee is for every instance, and both values are computed",
    )


def plane_valley(instances: Instances, max_iterations: int) -> Difference:
    """Say whether the 2×2 point is a local minimum: follow the valley, and descend for long."""
    runs = instances["two-by-two"]
    problem, X, i = runs.problem, runs.stationary, runs.descent
    columns = [problem.hessian_product(X, e.reshape(2, 1)).ravel() for e in np.eye(2)]
    low, high = np.linalg.eigvalsh(np.array(columns))
    steps = np.array([0.0, 0.02, 0.05, 0.1])
    valley = np.stack([steps, np.sqrt(0.5 - 2 * steps**2)], axis=1)[:, :, None]
    h = problem.objective(valley)
    falls = bool(np.all(np.diff(h) < 0))
    along = ", ".join(f"{value:.7g} at $x_1 = {t:g}$" for t, value in zip(steps, h, strict=True))
    evidence = (
        f"The Hessian of $h$ there has the eigenvalues {low:.2g} and {high:.4g}, so it decides "
        rf"nothing. On the curve $x_2^2=\frac{{1}}{{2}}-2x_1^2$ through the point, $h$ is {along}."
    )
    if max_iterations:
        run = sensing.gradient_descent(
            problem,
            i.start(),
            step_size=i.step_size,
            max_iterations=max_iterations,
            solved_below=_NEAR_SOLUTION,
        )
        far = problem.distance(run.point)
        evidence += (
            " Gradient descent from the published start, without any escape, has $h$ = "
            f"{run.objective:.3g} after {run.iterations} iterations, at a distance of {far:.3g} "
            "from the truth."
        )
    saddle = "It is a degenerate saddle: $h$ falls along a curve through it."
    return Difference(
        "plane-valley",
        r"Is $(0,1/\sqrt{2})$, two-by-two, a local minimum?",
        "It is shown as a spurious local minimum.",
        saddle if falls else "No lower point was found near it.",
        evidence,
        falls,
        Kind.CONTRADICTED,
        "lower points lie as near as one likes",
    )


def trapped(instances: Instances, count: int, seed: int) -> Difference:
    """Count how many runs of stochastic gradient descent stay near the 2×2 point."""
    runs = instances["two-by-two"]
    problem, i = runs.problem, runs.descent
    steps, start = i.before + i.after, i.start()
    step_size = float(i.step_size)  # type: ignore[arg-type]
    ends = []
    for child in np.random.SeedSequence(seed).spawn(count):
        rng = np.random.default_rng(child)
        walk = stochastic_descent(problem, start, step_size=step_size, iterations=steps, seed=rng)
        ends.append(walk[-1])
    distance = problem.distance(np.array(ends))
    held, alone = int(np.sum(distance > 0.5)), problem.distance(runs.onward[0].point)
    return Difference(
        "trapped",
        "Is descent trapped in the two-by-two example?",
        "Both stay at the spurious point.",
        f"After {steps} steps gradient descent is at a distance of {alone:.4g} from the truth; "
        f"{held} of {count} runs of stochastic gradient descent are farther than 0.5 from it.",
        f"Step {step_size:g}, one random measurement a step, from the published start; distances "
        f"of the stochastic runs from {distance.min():.4g} to {distance.max():.4g}.",
        held < count or bool(alone < 0.5),
        Kind.CONTRADICTED if alone < 0.5 else Kind.NOT_COMPARABLE,
        "gradient descent starts as published"
        if alone < 0.5
        else "the random measurements of the published runs are not known",
    )


def success(rates: SuccessRates) -> Difference:
    """Compare the success rates with the printed ones."""
    cells = [c for c in rates.cells if None not in (c.published_descent, c.published_escapes)]
    theirs = {(c.n, c.epsilon): printed.SUCCESS_RATES[c.n, c.epsilon] for c in cells}
    ours = {(c.n, c.epsilon): (c.rate_descent, c.rate_escapes) for c in cells}
    higher = sum(ours[cell][1] > theirs[cell][1] for cell in ours)
    alone = max((abs(ours[cell][0] - theirs[cell][0]) for cell in ours), default=0.0)
    falls = [cell.smallest_decrease for cell in cells if cell.smallest_decrease is not None]
    starts = cells[0].starts if cells else 0
    escapes, refused = sum(cell.escapes for cell in cells), sum(cell.refused for cell in cells)
    return Difference(
        "success-rates",
        "Success rates, descent alone → with escapes",
        "50 starts a cell, which are not published.\n" + _listed(theirs),
        _listed(ours),
        f"{starts} starts a cell, {rates.scale:g} · N(0, 1) from seed {rates.seed}; solved means "
        rf"$h\leq$ {rates.tolerance:g} $\cdot\frac{{1}}{{2}}\|b\|^2$. The {rates.method} escape "
        f"does better than the published one in {higher} of {len(cells)} cells; {escapes} escapes "
        f"lower $h$, each by at least {100 * min(falls, default=0):.2g} % of it, and {refused} "
        "attempts find nothing. "
        f"Descent alone, which depends on the starts, is {alone:.2f} away from the printed rate at "
        "most.",
        any(abs(ours[cell][1] - theirs[cell][1]) > SAME_RATE for cell in ours),
        Kind.NOT_COMPARABLE,
        "our starts are not the published ones, so equal rates would be chance",
        comparable=False,
    )


def _listed(rates: Mapping[tuple[int, float], tuple[float, float]]) -> str:
    """Return the pairs of rates, a line for each ε."""
    by_epsilon: dict[float, list[str]] = {}
    for (n, epsilon), (alone, escapes) in rates.items():
        by_epsilon.setdefault(epsilon, []).append(f"$n = {n}$: {alone:.2f} → {escapes:.2f}")
    return "\n".join(
        rf"$\varepsilon = {epsilon:.2f}$: {', '.join(p)}." for epsilon, p in by_epsilon.items()
    )
