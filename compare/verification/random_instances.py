"""Check every claim on many random instances, and count the violations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing import Instance, LiftSettings
from lift_compare.sensing.validation import whole_number

from ..tables import Column
from .claims import CHECKS, Claim, Holds
from .verification import Verification, claims_table, verify

_LARGEST_SIDE = {1: (10, 10, 10), 3: (8, 7, 6), 5: (3, 3, 3)}
"""Largest n by order and rank, so that the explicit side takes a fraction of a second."""

_COLUMNS = (
    Column("name", "claim"),
    Column("kind", "kind"),
    Column("holds", "holds", "d"),
    Column("does_not_hold", "does not", "d"),
    Column("not_applicable", "n/a", "d"),
    Column("violations", "violations", "d"),
    Column("source", "source"),
    Column("statement", "statement"),
)


@dataclass(frozen=True, repr=False)
class RandomVerification:
    """The claims of the theory, checked on many random instances.

    Attributes
    ----------
    verifications : tuple of Verification
        One an instance, titled with what it is.
    seed : int
        Seed; the same seed gives the same instances again.

    Examples
    --------
    >>> from lift_compare import compare
    >>> compare.verify_random(2).summary()
    '2 random instances, seed 0: 0 violations.'
    """

    verifications: tuple[Verification, ...]
    seed: int

    @property
    def violations(self) -> tuple[tuple[str, Claim], ...]:
        """Exact statements that fail and conditional ones contradicted, each with its instance."""
        return tuple((v.title, claim) for v in self.verifications for claim in v.violations)

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim: on how many instances it holds, or does not."""
        rows = []
        for number, check in enumerate(CHECKS):
            claims = [v.claims[number] for v in self.verifications]
            count = {holds: sum(claim.holds is holds for claim in claims) for holds in Holds}
            rows.append(
                {
                    "name": check.name,
                    "statement": check.statement,
                    "source": check.source,
                    "kind": check.kind.name.lower(),
                    "holds": count[Holds.YES],
                    "does_not_hold": count[Holds.NO],
                    "not_applicable": count[Holds.NOT_APPLICABLE],
                    "violations": sum(claim.violated for claim in claims),
                }
            )
        return rows

    def table(self) -> str:
        """Return the counts as an aligned text table, with the violations below it."""
        return f"{claims_table(_COLUMNS, self.rows())}\n\n{self.summary()}"

    def summary(self) -> str:
        """Return one line of counts, and one line a violation."""
        number, violations = len(self.verifications), self.violations
        first = f"{number} random instances, seed {self.seed}: {len(violations)} violations."
        return "\n".join(
            [
                first,
                *(f"VIOLATION on {on}: {claim.name}: {claim.reason}" for on, claim in violations),
            ]
        )

    def __repr__(self) -> str:
        return f"RandomVerification: {self.summary()}"


def verify_random(count: int, *, seed: int = 0, **settings: Any) -> RandomVerification:
    """Check every claim on random Gaussian instances of several n, r ≤ 3, m and l ≤ 5.

    Parameters
    ----------
    count : int
        Number of instances.
    seed : int
        Seed; the same seed gives the same instances, and a longer run starts with those of a
        shorter one.
    **settings
        Passed on to `verify`: rho, eta, steps, memory_limit, polish.

    Returns
    -------
    RandomVerification
        Its `table()` has one row a claim, with the number of violations. After Ctrl-C it holds the
        instances that were finished.

    Examples
    --------
    >>> from lift_compare import compare
    >>> len(compare.verify_random(2, seed=1).violations)
    0
    """
    count, seed = whole_number("count", count), whole_number("seed", seed, least=0)
    done = []
    try:
        for index in tqdm(range(count), desc="verify", unit="instance", disable=None):
            i = random_instance(index, seed=seed)
            assert i.settings is not None
            order, X = i.settings.order, i.point
            done.append(verify(i.problem, X, order, seed=index, title=i.name, **settings))
    except KeyboardInterrupt:
        if not done:
            raise
    return RandomVerification(tuple(done), seed)


def random_instance(index: int, *, seed: int = 0) -> Instance:
    """Return the random instance number `index` of a seed, with a point and an order.

    r ≤ 3, l in {1, 3, 5}, n from max(2, r) to 10 (smaller at the higher orders), m from ¾ n r to 4
    n r. X̂ comes from gradient descent and Newton steps. Two instances out of three run a long
    descent and keep the first of six starts that ends at a spurious point, if one does. The third
    runs a short one, so that the Newton steps often end at a saddle of h: the premises of the
    sufficient conditions are seldom true at a minimum.
    """
    index, seed = whole_number("index", index, least=0), whole_number("seed", seed, least=0)
    rng = np.random.default_rng([seed, index])
    order = int(rng.choice([1, 3, 5]))
    rank = int(rng.choice([1, 1, 2, 3]))  # spurious minima are rarer at higher ranks
    n = int(rng.integers(max(2, rank), _LARGEST_SIDE[order][rank - 1] + 1))
    saddle = index % 3 == 2
    m = int(rng.integers(max(1, 3 * n * rank // 4), (4 if saddle else 2) * n * rank + 1))
    problem = sensing.gaussian(n, rank, m, rng)
    iterations = int(rng.integers(0, 3)) if saddle else 500
    X = sensing.spurious_point(problem, seed=rng, max_iterations=iterations)
    kind = "short descent" if saddle else "descent"
    name = f"instance {index}: n={n} r={rank} m={m} l={order}, {kind}"
    return Instance(name, problem, known_point=X, settings=LiftSettings(order))
