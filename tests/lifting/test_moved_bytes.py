"""The bytes that a form is said to move, and its calls, against all that it calls of numpy."""

from typing import ClassVar

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.lifting.forms import entrywise
from lift_compare.lifting.forms.choice import FORMS
from lift_compare.lifting.forms.contraction import Contraction
from lift_compare.lifting.forms.pair_products import PairProducts
from tests.lifting import explicit
from tests.lifting.conftest import _entrywise
from tests.lifting.test_cost import small_products


class Counted(np.ndarray):
    """An array that adds up the bytes that ufuncs and functions read and write; and its views."""

    moved: ClassVar[list[int]] = []
    views: ClassVar[list[str]] = []

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **others):
        if out is not None:
            others["out"] = tuple(map(np.asarray, out))
        result = getattr(ufunc, method)(*map(np.asarray, inputs), **others)
        self.moved.append(np.asarray(result).nbytes + _read(inputs))
        return out[0] if out is not None else np.asarray(result).view(Counted)

    def __array_function__(self, function, types, args, kwargs):
        result = function(*(_plain(each) for each in args), **kwargs)
        if function is np.transpose:
            self.views.append("transpose")
            return result.view(Counted)
        # A number is read and written once; what is taken has a position to read besides.
        times = {np.take: 3, np.concatenate: 2}.get(function, 0)
        read = _read(args) if function in (np.sum, np.einsum) else 0
        self.moved.append(read + times * np.asarray(result).nbytes)
        return result.view(Counted) if isinstance(result, np.ndarray) else result

    def reshape(self, shape):
        self.views.append("reshape")
        return super().reshape(shape)

    def __getitem__(self, index):
        self.views.append("getitem")
        return super().__getitem__(index)


class CountedSparse:
    """Both products with a sparse matrix: a term takes a value, a narrow position and a number."""

    def __init__(self, matrix):
        self._matrix = matrix._matrix

    def _product(self, matrix, x):
        result = (matrix @ np.asarray(x)).view(Counted)
        Counted.moved.append((8 + 4 + 8) * matrix.nnz + result.nbytes)
        return result

    def __matmul__(self, x):
        return self._product(self._matrix, x)

    def transposed(self, y):
        return self._product(self._matrix.T, y)


def _read(operands):
    """The bytes of all arrays; one that is there twice is read once."""
    arrays = [x for x in operands if isinstance(x, np.ndarray)]
    return sum({array.ctypes.data: array.nbytes for array in arrays}.values())


def _plain(value):
    if isinstance(value, list | tuple):
        return type(value)(map(_plain, value))
    return np.asarray(value) if isinstance(value, np.ndarray) else value


def counted(name, problem, order):
    """Return a form of which one gradient at a symmetric tensor was counted."""
    form = FORMS[name](problem, order)
    form.prepare(np.ascontiguousarray, np.ascontiguousarray)
    X = np.linspace(1, 2, problem.n * problem.rank).reshape(problem.shape)
    if hasattr(form, "_products"):
        form._products._C = CountedSparse(form._products._C)
    w = explicit.power(X, order)
    Counted.moved.clear()
    Counted.views.clear()
    form.value_and_gradient(w.view(Counted), **({"symmetric": True} if form.asks_symmetric else {}))
    return form


def moved_bytes(name, problem, order):
    """Return the bytes of one gradient at a symmetric tensor, and those that are predicted."""
    predicted = counted(name, problem, order).moved_bytes
    return sum(Counted.moved), predicted


@pytest.mark.parametrize(
    ("n", "r", "order"),
    [
        (6, 1, 3),
        (4, 2, 3),
        (3, 1, 5),
        (20, 1, 3),
        (70, 1, 3),
        (9, 1, 5),
        (5, 1, 1),
        (3, 1, 1),
        (2, 1, 5),
    ],
)
def test_the_entrywise_form_moves_what_is_predicted(n, r, order):
    """Blocks of rows and whole tensors, one column and two."""
    moved, predicted = moved_bytes("entrywise", _entrywise(n, r, seed=3), order)
    assert predicted == pytest.approx(moved, rel=0.25)


@pytest.mark.parametrize(("n", "order"), [(6, 3), (3, 5), (12, 3), (30, 1)])
def test_the_form_over_pairs_moves_what_is_predicted(n, order):
    moved, predicted = moved_bytes("pairs", sensing.gaussian(n, 1, 2 * n, 0), order)
    assert predicted == pytest.approx(moved, rel=0.15)


@pytest.mark.parametrize(("n", "order"), [(2, 1), (8, 1), (6, 3), (3, 5), (2, 7)])
def test_the_form_over_pairs_calls_what_is_predicted(n, order):
    """Functions and views, but for five."""
    form = counted("pairs", sensing.gaussian(n, 1, 2 * n, 0), order)
    assert form.calls == pytest.approx(len(Counted.moved) + len(Counted.views), abs=5)


@pytest.mark.parametrize(
    ("n", "order", "rows"), [(3, 1, 9), (3, 3, 9), (3, 5, 9), (2, 7, 9), (4, 5, 3), (4, 5, 1)]
)
def test_the_entrywise_form_calls_what_is_predicted(n, order, rows, monkeypatch):
    """Every function is a call, and a view one at most; small products are counted besides. The
    last cases have their rows in blocks."""
    monkeypatch.setattr(entrywise, "BLOCK_BYTES", rows * 8 * n**order)
    form = counted("entrywise", _entrywise(n, 1, seed=3), order)
    calls = form.calls - 0.1 * small_products(n, 1, order)
    assert len(Counted.moved) < calls < len(Counted.moved) + len(Counted.views)


@pytest.mark.parametrize(
    ("name", "problem", "order"),
    [
        ("symmetric", sensing.gaussian(5, 1, 4, 0), 3),
        ("symmetric", sensing.gaussian(2, 1, 1, 0), 13),
        ("symmetric", sensing.gaussian(20, 1, 30, 0), 1),
        ("symmetric-pairs", sensing.gaussian(3, 1, 2, 0), 5),
        ("symmetric-pairs", _entrywise(5, 1, seed=3), 3),
        ("symmetric-pairs", _entrywise(20, 1, seed=3), 1),
    ],
    ids=lambda value: value if isinstance(value, str | int) else f"n={value.n}",
)
def test_the_symmetric_forms_move_what_is_predicted(name, problem, order):
    """Beside what the form moves, w is read up to 12 times to see whether it is symmetric."""
    moved, predicted = moved_bytes(name, problem, order)
    entries = 8 * (problem.n * problem.rank) ** order
    assert 0.88 * moved < predicted < 1.2 * moved + 12 * entries


def test_a_matrix_that_acts_on_one_tensor_is_read_once():
    """In one product: N_l(d)² numbers, beside which the vectors are small."""
    products = PairProducts(4, 1, 3)
    products.prepare(np.ascontiguousarray, np.ascontiguousarray)
    matrix = np.ones((20, 20)).view(Counted)
    Counted.moved.clear()
    products.by_matrix(matrix, np.ones(20))
    assert matrix.nbytes < sum(Counted.moved) < 2 * matrix.nbytes


def of_its_own(name, n, r, m, order):
    """Return what a form moves and calls in one gradient beside its contractions, and what is
    predicted for that."""
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
    Counted.views.clear()
    form.value_and_gradient(w)
    made = len(Counted.moved) + sum(view != "getitem" for view in Counted.views)
    return sum(Counted.moved), made, moved_bytes, calls


@pytest.mark.parametrize(("n", "r", "m"), [(3, 1, 2), (2, 2, 3), (4, 1, 2)])
def test_the_residual_form_moves_exactly_what_is_predicted_beside_its_contractions(n, r, m):
    moved, made, predicted, calls = of_its_own("residual", n, r, m, 3)
    assert (moved, made) == (predicted, calls)


@pytest.mark.parametrize(("n", "r", "m"), [(6, 1, 2), (2, 1, 5), (2, 2, 5)])
@pytest.mark.parametrize("name", ["normal", "rank-one"])
def test_other_forms_move_about_what_is_predicted_beside_their_contractions(name, n, r, m):
    moved, made, predicted, calls = of_its_own(name, n, r, m, 3)
    assert predicted == pytest.approx(moved, rel=0.25)
    assert calls == pytest.approx(made, abs=2)
