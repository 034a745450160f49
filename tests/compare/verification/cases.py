"""What the tests of verification share: a case with default settings, one claim by name, and
wrong computations."""

import dataclasses

import numpy as np

from lift_compare.compare.verification.claims import CHECKS, Case
from lift_compare.sensing import LiftSettings


def case(problem, X, order=3):
    return Case(problem, np.asarray(X, dtype=float), LiftSettings(order, steps=50))


def check(name, at):
    return next(check for check in CHECKS if check.name == name)(at)


def scaled(function, factor=1.001):
    return lambda *args, **kwargs: factor * function(*args, **kwargs)


def replaced(function, **changes):
    def wrong(*args, **kwargs):
        result = function(*args, **kwargs)
        return dataclasses.replace(
            result, **{key: change(getattr(result, key)) for key, change in changes.items()}
        )

    return wrong
