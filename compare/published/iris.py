"""The iris quadratic network as its authors ran it, beside its baseline and exact escapes."""

from __future__ import annotations

from typing import Any

import numpy as np

from lift_compare import sensing
from lift_compare.sensing import SensingProblem
from lift_compare.sensing.instances.iris import accuracy, iris_problems
from lift_compare.sensing.validation import FloatArray
from lift_compare.simulated import descend_with_escapes, escape_directions

from ..tables import Column

ITERATIONS = 15_000
"""Published number of steps, the escape being one of them."""

PRINTED = {
    "gradient descent": (0.03215212, 0.03978487),
    "published line search": (0.02856918, 0.04078553),
}
"""h on the training and on the test half, as the notebook prints them."""

COLUMNS = (
    Column("method", "method"),
    Column("train", "h, training", ".7f"),
    Column("printed_train", "printed", ".7f"),
    Column("test", "h, test", ".7f"),
    Column("printed_test", "printed", ".7f"),
    Column("train_accuracy", "right, training", ".2f"),
    Column("test_accuracy", "right, test", ".2f"),
)
"""The columns of the table."""


def iris_rows() -> list[dict[str, Any]]:
    """Run the published network: descent alone, the published line search, exact escapes.

    Returns
    -------
    list of dict
        One a method: h on both halves, as printed where it was, and the shares of samples that are
        classified rightly.

    Raises
    ------
    ValueError
        Where scikit-learn is not installed.

    Examples
    --------
    >>> from lift_compare.compare.published.iris import iris_rows
    >>> [row["method"] for row in iris_rows()]
    ['gradient descent', 'published line search', 'exact escapes']
    """
    instance = sensing.instance("iris")
    problem, (_, test) = instance.problem, iris_problems()
    descent = instance.descent
    assert descent is not None
    start, step = descent.start(), descent.step_size
    at = descent.run(problem).point
    found = published_search(problem, at)

    def descended(X: FloatArray, iterations: int) -> FloatArray:
        return sensing.gradient_descent(problem, X, step_size=step, max_iterations=iterations).point

    ends = {
        "gradient descent": descended(start, ITERATIONS),
        "published line search": descended(found, ITERATIONS - descent.before),
        "exact escapes": descend_with_escapes(
            problem, start, step_size=step, max_iterations=ITERATIONS
        ).point,
    }
    return [_row(name, problem, test, U) for name, U in ends.items()]


def published_search(problem: SensingProblem, X: FloatArray) -> FloatArray:
    """Return the best of 161 steps, 1e-6 to 1e2 in units of max(‖X‖, 1e-3), along two directions.

    The directions are u_n q_rᵀ and A*A(E₀)X, normalised. The sign of u_n is arbitrary, and the
    published run tried one: by its printed h the worse one, which is taken here.
    """
    steps = np.logspace(-6, 2, 161) * max(float(np.linalg.norm(X)), 1e-3)
    d = escape_directions(problem, X)
    best = []
    for D in (d.visible, -d.visible, d.hidden):
        line = X + steps[:, None, None] * D / np.linalg.norm(D)
        best.append(line[np.argmin(problem.objective(line))])
    visible = max(best[:2], key=problem.objective)
    return min((visible, best[2]), key=problem.objective)


def _row(name: str, train: SensingProblem, test: SensingProblem, U: FloatArray) -> dict[str, Any]:
    printed_train, printed_test = PRINTED.get(name, (None, None))
    return {
        "method": name,
        "train": train.objective(U),
        "printed_train": printed_train,
        "test": test.objective(U),
        "printed_test": printed_test,
        "train_accuracy": accuracy(train, U),
        "test_accuracy": accuracy(test, U),
    }
