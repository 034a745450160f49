"""Check every claim on many random instances, and count the violations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from tqdm import tqdm

from lift_compare import sensing
from lift_compare.sensing import Backtracking, SensingProblem
from lift_compare.sensing.validation import FloatArray, whole_number

from .claims import CHECKS, Claim, Holds
from .tables import Column, text_table
from .verify import Verification, verify

# Largest n by order and rank, so that the explicit side of an instance takes a fraction of a
# second.
_LARGEST_SIDE = {1: (10, 10, 10), 3: (8, 7, 6), 5: (3, 3, 3)}
_STARTS = 6
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


@dataclass(frozen=True, eq=False)
class RandomInstance:
    """A random Gaussian instance and a stationary point of it; (seed, index) gives the same one again.

    Attributes
    ----------
    problem : SensingProblem
        The problem.
    X : array (n, r)
        The stationary point, polished.
    order : int
        The lifting order.
    label : str
        What it is, in words.
    """

    problem: SensingProblem
    X: FloatArray
    order: int
    label: str


@dataclass(frozen=True, repr=False)
class RandomVerification:
    """The claims of the theory, checked on many random instances.

    Attributes
    ----------
    verifications : tuple of Verification
        One an instance, titled with what it is.
    seed : int
        Seed; instance i is `random_instance(i, seed=seed)`.
    """

    verifications: tuple[Verification, ...]
    seed: int

    @property
    def violations(self) -> tuple[tuple[str, Claim], ...]:
        """Exact statements that fail and conditional ones that are contradicted, each with its instance."""
        return tuple((v.title, claim) for v in self.verifications for claim in v.violations)

    def rows(self) -> list[dict[str, Any]]:
        """Return one JSON-ready dict a claim: on how many instances it holds, does not hold, is not applicable."""
        rows = []
        for number, check in enumerate(CHECKS):
            claims = [v.claims[number] for v in self.verifications]
            count = {holds: sum(claim.holds is holds for claim in claims) for holds in Holds}
            rows.append(
                {
                    "name": check.name, "statement": check.statement, "source": check.source,
                    "kind": check.kind.name.lower(), "holds": count[Holds.YES], "does_not_hold": count[Holds.NO],
                    "not_applicable": count[Holds.NOT_APPLICABLE],
                    "violations": sum(claim.violated for claim in claims),
                }
            )  # fmt: skip
        return rows

    def table(self) -> str:
        """Return the counts as an aligned text table, with the violations below it."""
        rows = [
            {**row, "source": row["source"].replace("docs/theory.md, section ", "section ")}
            for row in self.rows()
        ]
        return f"{text_table(_COLUMNS, rows)}\n\n{self.summary()}"

    def summary(self) -> str:
        """Return one line of counts, and one line a violation."""
        lines = [
            f"{len(self.verifications)} random instances, seed {self.seed}: {len(self.violations)} violations."
        ]
        lines += [
            f"VIOLATION on {title}: {claim.name}: {claim.reason}"
            for title, claim in self.violations
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"RandomVerification: {self.summary()}"


def verify_random(count: int, *, seed: int = 0, **settings: Any) -> RandomVerification:
    """Check every claim on random Gaussian instances of several n, r ≤ 3, m and l ≤ 5.

    Parameters
    ----------
    count : int
        Number of instances.
    seed : int
        Seed; the same seed gives the same instances, and a longer run starts with those of a shorter one.
    **settings
        Passed on to `verify`: rho, eta, steps, memory_limit.

    Returns
    -------
    RandomVerification
        Its `table()` has one row a claim, with the number of violations. After Ctrl-C it holds the instances that were
        finished.
    """
    count, seed = whole_number("count", count), whole_number("seed", seed, least=0)
    verifications = []
    try:
        for index in tqdm(range(count), desc="verify", unit="instance", disable=None):
            instance = random_instance(index, seed=seed)
            verifications.append(
                verify(
                    instance.problem,
                    instance.X,
                    instance.order,
                    seed=index,
                    title=instance.label,
                    **settings,
                )
            )
    except KeyboardInterrupt:
        if not verifications:
            raise
    return RandomVerification(tuple(verifications), seed)


def random_instance(index: int, *, seed: int = 0) -> RandomInstance:
    """Return the random instance number `index` of a seed.

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
    X = spurious_point(problem, seed=rng, iterations=int(rng.integers(0, 3)) if saddle else 500)
    kind = "short descent" if saddle else "descent"
    return RandomInstance(
        problem, X, order, f"instance {index}: n={n} r={rank} m={m} l={order}, {kind}"
    )


def spurious_point(
    problem: SensingProblem, *, seed: int | np.random.Generator = 0, iterations: int = 500
) -> FloatArray:
    """Return a stationary point with h > 0 if one of six descents ends at one, else the most stationary end; polished.

    Parameters
    ----------
    problem : SensingProblem
        The problem.
    seed : int or numpy.random.Generator
        Source of the normal starts; each is scaled to where h is least on its ray, times a factor in [0.2, 2].
    iterations : int
        Steps of each descent, with backtracking.

    Returns
    -------
    array (n, r)
        Not zero.

    Raises
    ------
    ValueError
        If every descent, the last ones longer, ends at X = 0: then b has no positive part that a PSD matrix could meet.
    """
    rng = np.random.default_rng(seed)
    solved = 1e-8 * float(problem.measurements @ problem.measurements)
    blind = SensingProblem(
        problem.operator, problem.measurements, problem.rank
    )  # the distances would take most time
    points: list[tuple[float, FloatArray]] = []
    for attempt in range(2 * _STARTS):
        start = rng.standard_normal(problem.shape)
        # h(s·start) is least at this scale s; spread it around.
        y = problem.operator.measure(start, start)
        fit = float(y @ problem.measurements) / max(float(y @ y), np.finfo(float).tiny)
        start *= rng.uniform(0.2, 2.0) * (np.sqrt(fit) if fit > 0 else 1.0)
        descent = sensing.gradient_descent(
            blind,
            start,
            step_size=Backtracking(),
            max_iterations=iterations if attempt < _STARTS else 20 * (iterations + 100),
            tolerance=1e-9,
        )
        X = sensing.polish(problem, descent.point)
        left = sensing.relative_gradient_norm(problem, X)
        if np.linalg.norm(X) > 1e-6:
            points.append((left, X))
            if left < 1e-10 and problem.objective(X) > solved:
                return X
        if attempt >= _STARTS - 1 and any(left < 1e-10 for left, _ in points):
            break
    if not points:
        raise ValueError(
            "problem: expected a stationary point other than X = 0, but every descent ended there"
        )
    return min(points, key=lambda point: point[0])[1]
