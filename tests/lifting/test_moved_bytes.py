"""The bytes that a form is said to move, against those of all arrays in its calls of numpy."""

from typing import ClassVar

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.lifting.forms.choice import FORMS
from tests.lifting.conftest import _entrywise


class Counted(np.ndarray):
    """An array that adds up the bytes that ufuncs and functions read and write."""

    moved: ClassVar[list[int]] = []

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **others):
        if out is not None:
            others["out"] = tuple(map(np.asarray, out))
        result = getattr(ufunc, method)(*map(np.asarray, inputs), **others)
        self.moved.append(np.asarray(result).nbytes + sum(np.asarray(x).nbytes for x in inputs))
        return out[0] if out is not None else np.asarray(result).view(Counted)

    def __array_function__(self, function, types, args, kwargs):
        result = function(*(_plain(each) for each in args), **kwargs)
        # A number is read and written once; what is taken has a position to read besides.
        times = {np.take: 3, np.concatenate: 2}.get(function, 0)
        read = args[0].nbytes if function is np.sum else 0
        self.moved.append(read + times * np.asarray(result).nbytes)
        return result.view(Counted) if isinstance(result, np.ndarray) else result


def _plain(value):
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return np.asarray(value) if isinstance(value, np.ndarray) else value


def moved_bytes(name, problem, order):
    """Return the bytes of one gradient at a symmetric tensor, and those that are predicted."""
    form = FORMS[name](problem, order)
    form.prepare(np.ascontiguousarray, np.ascontiguousarray)
    X = np.linspace(1, 2, problem.n * problem.rank).reshape(problem.shape)
    w = lifting.LiftedProblem(problem, order).lift(X)
    Counted.moved.clear()
    form.value_and_gradient(w.view(Counted), **({"symmetric": True} if form.asks_symmetric else {}))
    return sum(Counted.moved), form.moved_bytes


@pytest.mark.parametrize(
    ("n", "r", "order"),
    [(6, 1, 3), (4, 2, 3), (3, 1, 5), (20, 1, 3), (70, 1, 3), (9, 1, 5), (5, 1, 1)],
)
def test_the_entrywise_form_moves_what_is_predicted(n, r, order):
    """Blocks of rows and whole tensors, one column and two."""
    counted, predicted = moved_bytes("entrywise", _entrywise(n, r, seed=3), order)
    assert predicted == pytest.approx(counted, rel=0.25)


@pytest.mark.parametrize(("n", "order"), [(6, 3), (3, 5), (12, 3), (30, 1)])
def test_the_form_over_pairs_moves_what_is_predicted(n, order):
    counted, predicted = moved_bytes("pairs", sensing.gaussian(n, 1, 2 * n, 0), order)
    assert predicted == pytest.approx(counted, rel=0.15)
