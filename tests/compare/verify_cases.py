"""What the tests of verification share: a case with default settings, one claim by name, and wrong computations."""

import dataclasses

import numpy as np

from lift_compare.compare.claims import CHECKS, Case


def case(problem, X, order=3, **changes):
    settings = {
        "rho": 0.1,
        "eta": 0.01,
        "steps": 50,
        "rip_constant": None,
        "seed": 0,
        "memory_limit": 2**30,
    }
    return Case(problem, np.asarray(X, dtype=float), order, **{**settings, **changes})


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
