"""Check every claim on many random instances, and count the violations."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy import sparse
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.lifting.forms.choice import FORMS
from lift_compare.sensing import Instance, LiftSettings
from lift_compare.sensing.validation import FloatArray, whole_number

from ..tables import Column, text_table
from ..tabular import Tabular
from .claims import Claim, Holds
from .verification import Verification, claims_table, describe, verify, wrapped

_OPERATORS = ("dense", "rank-one", "entrywise", "sparse")
_ORDERS = (1, 3, 5)

MOST_INSTANCES = 10**6
"""Largest number of random instances of one run, some days of it."""

_LARGEST_SIDE = {1: (10, 10, 10), 3: (8, 7, 6), 5: (3, 3, 3)}
"""Largest n by order and rank, so that the explicit side takes a fraction of a second."""

_COLUMNS = (
    Column("id", "claim"),
    Column("kind", "kind"),
    Column("holds", "holds", "d"),
    Column("does_not_hold", "does not", "d"),
    Column("not_applicable", "n/a", "d"),
    Column("out_of_range", "range", "d"),
    Column("violations", "violations", "d"),
    Column("source", "section"),
)


_COVERAGE = ("operator", "rank", "order", "instances", *FORMS)


@dataclass(frozen=True, repr=False)
class RandomVerification(Tabular):
    """The claims of the theory, checked on many random instances.

    Attributes
    ----------
    verifications : tuple of Verification
        One an instance, titled with what it is.
    seed : int
        Seed; the same seed gives the same instances again.
    first : int
        Number of the first instance.
    command : str
        The command line that checks instances with the same settings.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.verify_random(2).summary()
    '2 random instances, seed 0: 0 violations.'
    """

    _columns = _COLUMNS
    verifications: tuple[Verification, ...]
    seed: int

    first: int = 0
    command: str = "lift-compare verify"

    @property
    def violations(self) -> tuple[tuple[str, Claim], ...]:
        """Exact statements that fail and conditional ones contradicted, each with its instance."""
        return tuple((v.title, claim) for v in self.verifications for claim in v.violations)

    def reproduce(self, position: int) -> str:
        """Return the command that checks one of the instances again."""
        index = self.first + position
        return f"{self.command} --random 1 --first {index} --seed {self.seed}"

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim: on how many instances it holds, or does not."""
        rows = []
        for number, check in enumerate(self.verifications[0].claims if self.verifications else ()):
            claims = [v.claims[number] for v in self.verifications]
            count = {holds: sum(claim.holds is holds for claim in claims) for holds in Holds}
            rows.append(
                {
                    "id": check.id,
                    "name": check.name,
                    "statement": check.statement,
                    "source": check.source,
                    "kind": check.kind.name.lower(),
                    "holds": count[Holds.YES],
                    "does_not_hold": count[Holds.NO],
                    "not_applicable": count[Holds.NOT_APPLICABLE],
                    "out_of_range": count[Holds.OUT_OF_RANGE],
                    "violations": sum(claim.violated for claim in claims),
                }
            )
        return rows

    def coverage(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict an operator, rank and order: the instances, form by form."""
        groups: dict[tuple[str, int, int], list[Verification]] = {}
        for v in self.verifications:
            key = (v.operator, v.point.shape[1], int(v.settings["order"]))
            groups.setdefault(key, []).append(v)
        return [
            {
                "operator": operator,
                "rank": rank,
                "order": order,
                "instances": len(group),
                **{form: sum(form in v.forms for v in group) for form in FORMS},
            }
            for (operator, rank, order), group in sorted(groups.items())
        ]

    def violation_rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a violation: its numbers, and the command to see it again."""
        return [
            {
                "instance": v.title,
                "claim": claim.name,
                "measured": claim.measured,
                "expected": claim.expected,
                "tolerance": claim.tolerance,
                "reason": claim.reason,
                "reproduce": self.reproduce(position),
            }
            for position, v in enumerate(self.verifications)
            for claim in v.violations
        ]

    def table(self, *, only_failures: bool = False) -> str:
        """Return the counts and the violations, and below them claims and coverage as tables.

        One instance alone is shown claim by claim. With `only_failures` a claim that holds
        wherever it applies has no line.
        """
        if len(self.verifications) == 1:
            claims = self.verifications[0].claims_table(only_failures=only_failures)
        else:
            rows = [row for row in self.rows() if row["does_not_hold"] or not only_failures]
            claims = claims_table(_COLUMNS, rows, title="On how many instances each claim holds")
        title = "coverage: instances, and on how many of them each form of the lift was compared"
        columns = [Column(key, key, "" if key == "operator" else "d") for key in _COVERAGE]
        covered = text_table(columns, self.coverage(), title=title)
        return "\n\n".join(filter(None, [wrapped(self.summary()), claims, covered]))

    def summary(self) -> str:
        """Return one line of counts, and two lines a violation."""
        number = len(self.verifications)
        first = f"{number} random instances, seed {self.seed}: {len(self.violations)} violations."
        lines = [first]
        for position, v in enumerate(self.verifications):
            for claim in v.violations:
                lines.append(f"VIOLATION on {v.title}: {describe(claim)}")
                lines.append(f"  to see it again: {self.reproduce(position)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"RandomVerification: {self.summary()}"


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
        Passed on to `verify`: rho, eta, steps, memory_limit, polish, claims.

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
    done: list[Verification] = []
    found = RandomVerification((), seed, first, _command(settings))
    try:
        indices = range(first, first + count)
        for index in tqdm(indices, desc="verify", unit="instance", disable=None):
            i = random_instance(index, seed=seed)
            assert i.settings is not None
            order, X = i.settings.order, i.point
            done.append(verify(i.problem, X, order, seed=index, title=i.name, **settings))
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
        elif name == "claims":
            words += [f"--claim {claim}" for claim in value or ()]
        elif value is not None and name != "progress":
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
