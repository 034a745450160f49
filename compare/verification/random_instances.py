"""Check every claim on many random instances, and count the violations."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np
from scipy import sparse
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing import Instance, LiftSettings
from lift_compare.sensing.validation import FloatArray, whole_number

from .choice import chosen_checks
from .random_result import RandomVerification
from .result import Verification
from .verification import verify

_OPERATORS = ("dense", "rank-one", "entrywise", "sparse")
_ORDERS = (1, 3, 5)

MOST_INSTANCES = 10**6
"""Largest number of random instances of one run, some days of it."""

_LARGEST_SIDE = {1: (10, 10, 10), 3: (8, 7, 6), 5: (3, 3, 3)}
"""Largest n by order and rank, so that the explicit side takes a fraction of a second."""


_SETTINGS = {"rho": 0.1, "eta": 0.01}  # any will do, where units are known


def verify_random(
    count: int, *, seed: int = 0, first: int = 0, **settings: Any
) -> RandomVerification:
    """Check every claim on random instances of every operator, several n, r ≤ 3, m and l ≤ 5.

    Parameters
    ----------
    count : int
        Number of instances.
    seed : int
        Seed; the same seed gives the same instances, and a longer run starts with those of a
        shorter one.
    first : int
        Number of the first instance: one instance of a longer run is count = 1, first = its number.
    **settings
        Passed on to `verify`: rho (0.1), eta (0.01), steps, memory_limit, polish, claims;
        progress (True): show a bar on stderr, with an estimate of the time
        left, if that is a terminal.

    Returns
    -------
    RandomVerification
        Its `table()` has one row a claim, with the number of violations, and the coverage. After
        Ctrl-C it holds the instances that were finished.

    Raises
    ------
    TypeError, ValueError
        For a count, seed or number that is not a whole number, or bad settings.

    Examples
    --------
    >>> from lift_compare import compare
    >>> len(compare.verify_random(2, seed=1).violations)
    0
    """
    count = whole_number("count", count, most=MOST_INSTANCES)
    seed = whole_number("seed", seed, least=0)
    first = whole_number("first", first, least=0)
    chosen_checks(settings.get("claims"))
    progress = settings.pop("progress", True)
    done: list[Verification] = []
    found = RandomVerification((), seed, first, _command(settings))
    try:
        indices = range(first, first + count)
        hidden = None if progress else True
        for index in tqdm(indices, desc="verify", unit="instance", disable=hidden):
            i = random_instance(index, seed=seed)
            assert i.settings is not None
            order, X = i.settings.order, i.point
            fixed: dict[str, Any] = {"seed": index, "title": i.name, "progress": False}
            done.append(verify(i.problem, X, order, **fixed, **_SETTINGS | settings))
    except KeyboardInterrupt:
        if not done:
            raise
    return replace(found, verifications=tuple(done))


def _command(settings: Mapping[str, Any]) -> str:
    """Return the command line with these settings, but for what names the instances."""
    words = ["lift-compare verify"]
    for name, value in settings.items():
        if name == "polish":
            words += [] if value else ["--no-polish"]
        elif value is not None and name != "claims":  # a violation names its own
            words.append(f"--{name.replace('_', '-')} {value}")
    return " ".join(words)


def random_instance(index: int, *, seed: int = 0) -> Instance:
    """Return the random instance number `index` of a seed, with a point and an order.

    The operators (dense, rank-one, entrywise with dense and with sparse weights) and the orders (1,
    3, 5) take turns; r ≤ 3, n from max(2, r) to 10 (smaller at the higher orders), m from ¾ n r to
    4 n r. X̂ comes from gradient descent and Newton steps. Two instances out of three run a long
    descent and keep the first of six starts that ends at a spurious point, if one does. The third
    runs a short one, so that the Newton steps often end at a saddle of h: the premises of the
    sufficient conditions are seldom true at a minimum.
    """
    index, seed = whole_number("index", index, least=0), whole_number("seed", seed, least=0)
    rng = np.random.default_rng([seed, index])
    # In 36 instances each operator meets each order with a long and with a short descent.
    kind, order = _OPERATORS[index % 4], _ORDERS[index // 4 % 3]
    saddle = (index + index // 12) % 3 == 2
    rank = int(rng.choice([1, 1, 2, 3]))  # spurious minima are rarer at higher ranks
    n = int(rng.integers(max(2, rank), _LARGEST_SIDE[order][rank - 1] + 1))
    m = int(rng.integers(max(1, 3 * n * rank // 4), (4 if saddle else 2) * n * rank + 1))
    problem, X = _stationary(kind, n, rank, m, rng, saddle)
    descent = "short descent" if saddle else "descent"
    name = f"instance {index}: {kind} n={n} r={rank} m={problem.m} l={order}, {descent}"
    return Instance(name, problem, known_point=X, settings=LiftSettings(order))


def _stationary(
    kind: str, n: int, rank: int, m: int, rng: np.random.Generator, saddle: bool
) -> tuple[sensing.SensingProblem, FloatArray]:
    """Draw problems until descents come to a stationary point; a flat valley keeps some from it."""
    while True:
        problem = _problem(kind, n, rank, m, rng)
        iterations = int(rng.integers(0, 3)) if saddle else 200
        with np.errstate(all="ignore"), suppress(sensing.InvalidInput):
            X = sensing.spurious_point(_quick(problem), seed=rng, max_iterations=iterations)
            return problem, X


def _quick(problem: sensing.SensingProblem) -> sensing.SensingProblem:
    """Return the same problem with dense weights: many short products are then ten times faster."""
    operator = problem.operator
    if not isinstance(operator, sensing.EntrywiseOperator) or isinstance(
        operator.weights, np.ndarray
    ):
        return problem
    dense = sensing.EntrywiseOperator(operator.weights.toarray())
    return replace(problem, operator=dense)


def _problem(
    kind: str, n: int, rank: int, m: int, rng: np.random.Generator
) -> sensing.SensingProblem:
    """Return a random problem with one kind of operator and normal Z."""
    if kind == "dense":
        return sensing.gaussian(n, rank, m, rng)
    operator: sensing.SensingOperator
    if kind == "rank-one":
        operator = sensing.RankOneOperator(rng.standard_normal((m, n)) / m**0.25)
    else:
        weights = np.zeros((n, n))
        seen = rng.choice(n * n, size=min(m, n * n), replace=False)  # each entry once
        weights.flat[seen] = rng.uniform(0.5, 1.5, size=len(seen))
        stored = sparse.csr_array(weights) if kind == "sparse" else weights
        operator = sensing.EntrywiseOperator(stored)
    truth = rng.standard_normal((n, rank)) / np.sqrt(n)
    return sensing.SensingProblem.from_ground_truth(operator, truth)
