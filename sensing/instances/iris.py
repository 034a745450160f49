"""The iris quadratic network: two kinds of iris told apart, as in the SOD paper's notebook."""

from __future__ import annotations

import numpy as np

from ..problem import SensingProblem
from ..validation import FloatArray
from .definition import DescentSettings, Instance
from .known import SADDLE
from .networks import quadratic_network
from .optional import imported

WIDTH = 2


def iris_problems() -> tuple[SensingProblem, SensingProblem]:
    """Return the training and the test problem of the published network.

    Classes 1 and 2 with targets 0 and 1; a stratified half of them for training (random state 0);
    features standardised on it, and a constant one appended: d = 5, N = 50 each, width 2.

    Raises
    ------
    ValueError
        Where scikit-learn, which brings the data, is not installed.

    Examples
    --------
    >>> from lift_compare.sensing.instances.iris import iris_problems
    >>> iris_problems()[0]
    SensingProblem(RankOneOperator(n=5, m=50), rank=2, ground truth unknown)
    """
    datasets = imported("sklearn.datasets", "iris")
    selection = imported("sklearn.model_selection", "iris")
    features, labels = datasets.load_iris(return_X_y=True)
    features, targets = features[labels > 0], labels[labels > 0] - 1.0
    train, test, y_train, y_test = selection.train_test_split(
        features, targets, test_size=0.5, random_state=0, stratify=targets
    )
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    train, test = (
        np.column_stack([(x - mean) / deviation, np.ones(len(x))]) for x in (train, test)
    )
    return quadratic_network(train, y_train, WIDTH), quadratic_network(test, y_test, WIDTH)


def accuracy(problem: SensingProblem, U: FloatArray) -> float:
    """Return the share of samples that ‖Uᵀx‖² > ½ puts into the right class.

    For the problem of a quadratic network with targets 0 and 1.
    """
    N = problem.m
    predicted = problem.operator.measure(U, U) * np.sqrt(N) > 0.5
    return float(np.mean(predicted == (problem.measurements * np.sqrt(N) > 0.5)))


def iris_instance() -> Instance:
    """Return the training problem, with the iterate where the published run searches.

    Its descent starts at 1e-8 · N(0, 1), with step 0.01. The published loop sees the stall at
    iterate 4639, takes one more step, and searches from iterate 4640.
    """
    train, _ = iris_problems()
    return Instance(
        "iris",
        train,
        descent=DescentSettings(
            np.zeros((train.n, WIDTH)),
            spread=1e-8,
            seed=0,
            step_size=0.01,
            before=4640,
            after=10_359,
        ),
        # As printed. σ₂ of X̂ is 1e-6: X̂ lies beside a saddle of h itself, of rank one.
        facts={"objective": 0.03215212, "eigenvalue": -0.01822325, "kind": SADDLE},
        source="SOD paper, arXiv 2602.05887, and its notebook; data: R. A. Fisher, 1936",
    )
