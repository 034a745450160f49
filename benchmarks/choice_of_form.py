"""How near the choice of a form comes to the fastest one, and the rates that it is made with.

    python benchmarks/choice_of_form.py [--shapes 200] [--seed 0] [--fit]

Random problems where more than one form fits (completion, Gaussian, rank-one and entrywise
operators; l from 1 to 9, rank up to 3, at most 200,000 entries), a symmetric w, one
value-and-gradient in every form that fits, in CPU seconds of one thread: the median of the calls in
30 ms, at least five. `--fit` prints `Rates` for lifting/forms/rates.py, fitted to these times.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.compare.provenance import provenance
from lift_compare.lifting import LiftedProblem, LiftingCost, MemoryLimitExceeded, predict_cost
from lift_compare.lifting.forms.rates import CACHE_BYTES
from lift_compare.sensing.threads import one_thread

LARGEST_N = {1: 60, 3: 21, 5: 8, 7: 5, 9: 4}
MOST_ENTRIES, MOST_OPERATIONS, MOST_BYTES = 200_000, 3e8, 500_000_000


def problems(seed: int) -> Iterator[tuple[str, sensing.SensingProblem, int]]:
    """Yield random problems with a name and an order, without end."""
    rng = np.random.default_rng(seed)
    while True:
        order = int(rng.choice([1, 3, 3, 3, 5, 5, 7, 9]))
        n = int(rng.integers(3, LARGEST_N[order] + 1))
        rank = min(n, int(rng.choice([1, 1, 1, 2, 3])))
        m = int(rng.integers(1, min(150, n * (n + 1) + 2)))
        if (n * rank) ** order > MOST_ENTRIES:
            continue
        kind = str(rng.choice(["completion", "gaussian", "rank-one", "entrywise"]))
        truth = rng.standard_normal((n, rank))
        if kind == "completion":
            problem = sensing.perturbed_completion(n)
        elif kind == "gaussian":
            problem = sensing.gaussian(n, rank, m, int(rng.integers(1000)))
        else:
            weights = rng.standard_normal((n, n))
            operator = (
                sensing.RankOneOperator(rng.standard_normal((m, n)) / np.sqrt(m))
                if kind == "rank-one"
                else sensing.EntrywiseOperator(weights + weights.T)
            )
            problem = sensing.SensingProblem.from_ground_truth(operator, truth)
        yield f"{kind} n={n} r={problem.rank} m={problem.m} l={order}", problem, order


@dataclass(frozen=True)
class Measured:
    """One form at one shape: what was predicted, and the seconds it took."""

    cost: LiftingCost
    seconds: float


def seconds_of(lifted: LiftedProblem) -> float:
    """Return the median CPU seconds of one value-and-gradient at a symmetric w."""
    rng = np.random.default_rng(0)
    shape = lifted.problem.shape
    w = lifted.lift(rng.standard_normal(shape)) - 0.5 * lifted.lift(rng.standard_normal(shape))
    lifted.value_and_gradient(w)
    samples: list[float] = []
    start = time.perf_counter()
    while len(samples) < 5 or time.perf_counter() - start < 0.03:
        before = time.thread_time()
        lifted.value_and_gradient(w)
        samples.append(time.thread_time() - before)
    return float(np.median(samples))


def fitted(evaluations: list[Measured]) -> str:
    """Return the rates with the least logarithmic errors, as they stand in lifting/forms/rates.py.

    What an evaluation takes whatever it does is the same for all forms: no choice depends on it.
    """
    operations, moved, calls = (
        np.array([getattr(evaluation.cost, name) for evaluation in evaluations])
        for name in ("flops", "moved_bytes", "calls")
    )
    cached = np.array([evaluation.cost.peak_bytes < CACHE_BYTES for evaluation in evaluations])
    seconds = np.array([evaluation.seconds for evaluation in evaluations])

    def errors(logarithms: np.ndarray) -> np.ndarray:
        evaluation, call, operation, in_cache, outside = np.exp(logarithms)
        each = np.where(cached, in_cache, outside)
        return np.log((evaluation + call * calls + operation * operations + each * moved) / seconds)

    start = np.log([2e-5, 1e-6, 5e-11, 1e-10, 2e-10])
    rates = np.exp(least_squares(errors, start, loss="soft_l1").x)
    names = ("evaluation", "call", "operation", "cached_byte", "byte")
    return ", ".join(f"{name}={rate:.2g}" for name, rate in zip(names, rates, strict=True))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--shapes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    with one_thread():
        return run(arguments.shapes, arguments.seed, arguments.fit)


def measured_forms(problem: sensing.SensingProblem, order: int) -> dict[str, Measured]:
    """Return the predicted cost and the seconds of every form that fits."""
    found = {}
    for cost in predict_cost(problem, order):
        if cost.reason is None and cost.flops < MOST_OPERATIONS:
            try:
                lifted = LiftedProblem(problem, order, form=cost.form, memory_limit=MOST_BYTES)
            except MemoryLimitExceeded:
                continue
            found[cost.form] = Measured(lifted.cost, seconds_of(lifted))
    return found


def run(shapes: int, seed: int, fit: bool) -> int:
    """Measure, print what was chosen badly, and the shares."""
    ratios: dict[str, float] = {}
    everything: list[Measured] = []
    with tqdm(total=shapes, disable=None) as bar:
        for name, problem, order in problems(seed):
            forms = measured_forms(problem, order)
            everything += forms.values()
            if len(forms) > 1 and name not in ratios:  # else there is nothing to choose
                chosen = min(forms, key=lambda form: forms[form].cost.seconds)
                fastest = min(forms, key=lambda form: forms[form].seconds)
                ratios[name] = forms[chosen].seconds / forms[fastest].seconds
                bar.update()
                if ratios[name] > 1.25:
                    print(f"{name}: {chosen} takes {ratios[name]:.2f} times as long as {fastest}")
            if len(ratios) == shapes:
                break
    found = np.array(list(ratios.values()))
    print(f"within 1.25 of the fastest form: {np.mean(found <= 1.25):.0%} of {len(found)} shapes")
    print(f"median {np.median(found):.2f}, 95 % {np.quantile(found, 0.95):.2f}, {found.max():.2f}")
    if fit:
        print(f"Rates({fitted(everything)})")
    print(provenance(seed)["machine"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
