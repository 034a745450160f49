"""The least curvature at lifted points: by Kronecker powers, and by products of the lifted problem.

    python benchmarks/least_curvature.py [--rounds 5] [--quick]

Where both can run they take turns in one process, so that a busy machine slows both; the ratio is
of medians. "Products" is the search that `lifting.least_curvature` was: ARPACK on Hessian products
of the form with the fewest operations, one for the largest eigenvalue in magnitude, one for the
least of the shifted Hessian. Points are spurious where descents find one, else random.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, eigsh
from tqdm import tqdm

from lift_compare import lifting, sensing
from lift_compare.compare.provenance import provenance
from lift_compare.compare.tables import Column, text_table

COLUMNS = [
    Column("instance", "instance"),
    Column("order", "l", "d"),
    Column("over", "over"),
    Column("unknowns", "tensor entries", "d"),
    Column("value", "least curvature", ".7e"),
    Column("median", "median", "seconds"),
    Column("slowest", "slowest", "seconds"),
    Column("products", "products", "seconds"),
    Column("ratio", "ratio", ".0f"),
    Column("difference", "relative difference", ".0e"),
]


def gaussian(n: int, m: int, rank: int = 1) -> tuple[str, sensing.SensingProblem, np.ndarray]:
    """Return a Gaussian problem with a spurious point, or a random one where none is found."""
    problem = sensing.gaussian(n, rank, m, seed=0)
    X = sensing.spurious_point(problem, seed=0)
    if X is None or problem.is_solved(X):
        X = np.random.default_rng(0).standard_normal(problem.shape)
    return f"gaussian n={n} r={rank} m={m}", problem, X


def real_system() -> tuple[str, sensing.SensingProblem, np.ndarray]:
    """Return the published problem with its published point, polished."""
    instance = sensing.instance("real-system")
    return "real system", instance.problem, sensing.polish(instance.problem, instance.known_point)


def by_products(lifted: lifting.LiftedProblem, w: np.ndarray) -> float:
    """Return the least eigenvalue from Hessian products, by two runs of ARPACK."""
    size, at_w = w.size, lifted.unchecked_hessian(w)

    def product(v: np.ndarray) -> np.ndarray:
        return at_w(v.reshape(w.shape)).reshape(-1)

    first = np.random.default_rng(0).standard_normal(size)
    number = np.dtype(np.float64)
    hessian = LinearOperator((size, size), matvec=product, dtype=number)
    rough = eigsh(hessian, 1, which="LM", v0=first, tol=1e-2, return_eigenvectors=False)
    shift = 1.1 * float(abs(rough[0]))
    shifted = LinearOperator((size, size), matvec=lambda v: product(v) - shift * v, dtype=number)
    found = eigsh(shifted, 1, which="LM", v0=first, tol=1e-10, ncv=min(size, 40))
    return float(found[0][0] + shift)


def seconds(call: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long a call took, and its result."""
    begin = time.perf_counter()
    result = call()
    return time.perf_counter() - begin, result


def row(
    name: str,
    problem: sensing.SensingProblem,
    X: np.ndarray,
    order: int,
    *,
    symmetric: bool = False,
    rounds: int = 5,
    products: bool = False,
) -> dict[str, Any]:
    """Return one line of the table."""
    ours: list[float] = []
    theirs: list[float] = []
    if products:
        form = lifting.LiftedProblem(problem, order).cost.form
        lifted = lifting.LiftedProblem(problem, order, form=form)
        w = lifted.lift(X)
    for _ in range(rounds):
        took, found = seconds(
            lambda: lifting.least_curvature_at_point(problem, X, order, symmetric=symmetric)
        )
        ours.append(took)
        if products:
            took, value = seconds(lambda: by_products(lifted, w))
            theirs.append(took)
    line = {
        "instance": name,
        "order": order,
        "over": "symmetric" if symmetric else "all",
        "unknowns": X.size**order,
        "value": found.value,
        "median": np.median(ours),
        "slowest": max(ours),
    }
    if products:
        line["products"] = np.median(theirs)
        line["ratio"] = line["products"] / line["median"]
        line["difference"] = abs(found.value - value) / abs(value)
    return line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="searches of each case")
    parser.add_argument("--quick", action="store_true", help="without the large cases")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    cases: list[tuple[Any, int, dict[str, Any]]] = [
        *((real_system, order, {}) for order in (3, 5, 7, 9)),
        (real_system, 9, {"symmetric": True}),
        (lambda: gaussian(10, 12), 3, {"products": True}),
        (lambda: gaussian(16, 32), 3, {"products": True}),
        (lambda: gaussian(10, 12), 5, {"symmetric": True}),
    ]
    if not arguments.quick:
        cases += [
            (lambda: gaussian(60, 72), 3, {"rounds": min(rounds, 3)}),
            (lambda: gaussian(60, 72), 3, {"symmetric": True, "rounds": min(rounds, 3)}),
            (lambda: gaussian(10, 12), 7, {"symmetric": True, "rounds": min(rounds, 3)}),
        ]
    rows: list[dict[str, Any]] = []
    for instance, order, options in tqdm(cases, disable=None, unit="case"):
        rows.append(row(*instance(), order, **{"rounds": rounds} | options))
    print(provenance(rounds=rounds))
    print()
    print(text_table(COLUMNS, rows, title="Least curvature at a lifted point"))


if __name__ == "__main__":
    main()
