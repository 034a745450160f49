"""The bytes that a form is said to move, against those of all arrays in its calls of numpy."""

from typing import ClassVar

import numpy as np
import pytest

from lift_compare import lifting, sensing
from lift_compare.lifting.forms.choice import FORMS
from lift_compare.lifting.forms.contraction import Contraction
from tests.lifting.conftest import _entrywise


class Counted(np.ndarray):
    """An array that lists the bytes that each ufunc, function and reshape reads and writes."""

    moved: ClassVar[list[int]] = []

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **others):
        if out is not None:
            others["out"] = tuple(map(np.asarray, out))
        result = getattr(ufunc, method)(*map(np.asarray, inputs), **others)
        self.moved.append(np.asarray(result).nbytes + _read(inputs))
        return out[0] if out is not None else np.asarray(result).view(Counted)

    def __array_function__(self, function, types, args, kwargs):
        result = function(*(_plain(each) for each in args), **kwargs)
        # A number is read and written once; what is taken has a position to read besides.
        times = {np.take: 3, np.concatenate: 2}.get(function, 0)
        read = _read(args) if function in (np.sum, np.einsum) else 0
        self.moved.append(read + times * np.asarray(result).nbytes)
        return result.view(Counted) if isinstance(result, np.ndarray) else result

    def reshape(self, *shape):
        self.moved.append(0)
        return super().reshape(*shape)


def _read(operands):
    """The bytes of all arrays; one that is there twice is read once."""
    arrays = [x for x in operands if isinstance(x, np.ndarray)]
    return sum({array.ctypes.data: array.nbytes for array in arrays}.values())


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


def of_its_own(name, n, r, m, order):
    """Return what a form moves in one gradient beside its contractions, call by call, and the bytes
    and calls that are predicted for that."""
    A = np.random.default_rng(0).standard_normal((m, n))
    problem = sensing.SensingProblem(sensing.RankOneOperator(A), np.ones(m), r)
    form = FORMS[name](problem, order)
    form.prepare(np.ascontiguousarray, np.ascontiguousarray)
    moved_bytes, calls = form.moved_bytes, form.calls
    for key, part in list(vars(form).items()):
        if isinstance(part, Contraction):
            moved_bytes, calls = moved_bytes - part.moved_bytes, calls - part.calls
            setattr(form, key, lambda *xs, part=part: part(*map(np.asarray, xs)).view(Counted))
    w = np.ones((n * r,) * order)
    Counted.moved.clear()
    form.value_and_gradient(w)
    return list(Counted.moved), moved_bytes, calls


@pytest.mark.parametrize(("n", "r", "m"), [(3, 1, 2), (2, 2, 3), (4, 1, 2)])
def test_the_residual_form_moves_exactly_what_is_predicted_beside_its_contractions(n, r, m):
    moved, predicted, calls = of_its_own("residual", n, r, m, 3)
    assert (sum(moved), len(moved)) == (predicted, calls)


@pytest.mark.parametrize(("n", "r", "m"), [(6, 1, 2), (2, 1, 5), (2, 2, 5)])
@pytest.mark.parametrize("name", ["normal", "rank-one"])
def test_other_forms_move_about_what_is_predicted_beside_their_contractions(name, n, r, m):
    moved, predicted, calls = of_its_own(name, n, r, m, 3)
    assert predicted == pytest.approx(sum(moved), rel=0.25)
    assert calls == pytest.approx(len(moved), abs=2)
