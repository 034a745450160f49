"""The lifted problem on other backends than numpy, without their packages (see stand_ins.py)."""

import re
import sys

import numpy as np
import pytest
import tensorly as tl

from lift_compare import sensing
from lift_compare.lifting import (
    LiftedProblem,
    RankOneProjection,
    SpanProjection,
    multisets,
    projected_gradient_descent,
)
from lift_compare.lifting.backends import (
    SparseMatrix,
    load,
    maker,
    row_major,
    sparse_bytes,
    take,
    using,
)
from lift_compare.lifting.forms import symmetric_power
from tests.lifting import stand_ins, test_backends
from tests.lifting.test_backends import CASES, PAIRS
from tests.lifting.test_cost import entrywise

CASES = {**CASES, "entrywise r=2": (entrywise(2, 2), 3)}
PAIRS = [*PAIRS, ("entrywise r=2", "entrywise")]

DEVICES = {"pytorch": "cuda:1", "jax": "gpu"}
PLACES = {"pytorch": "cuda:1", "jax": "gpu:0"}  # jax names a kind of device: the first is taken


def numbers(tensor):
    return tensor.data if isinstance(tensor, stand_ins.Tensor) else tensor


def close(got, want):
    test_backends.close(numbers(got), want)


@pytest.fixture(params=DEVICES)
def backend(request, monkeypatch):
    stand_ins.install(monkeypatch, request.param)
    yield request.param
    assert tl.get_backend() == "numpy"


def agree_there(backend, name, form):
    problem, order = CASES[name]
    here = LiftedProblem(problem, order, form=form)
    there = LiftedProblem(problem, order, form=form, backend=backend, device=DEVICES[backend])
    rng = np.random.default_rng(1)
    X, Y = rng.standard_normal((2, *problem.shape))
    symmetric = here.lift(X) + 0.3 * here.lift(Y)
    lifted = there.lift(X)
    close(lifted, here.lift(X))
    for tensor, direction in (
        (symmetric, here.lift(Y)),
        (rng.standard_normal(here.shape), symmetric),
    ):
        value, gradient = there.value_and_gradient(tensor)
        product = there.hessian_product(tensor, direction)
        assert value == pytest.approx(here.value(tensor), rel=1e-10)
        assert there.value(tensor) == value
        close(gradient, here.gradient(tensor))
        close(product, here.hessian_product(tensor, direction))
        for made in (lifted, gradient, product):
            assert type(made) is type(lifted)
            assert made.device == PLACES[backend]
            assert made.dtype == np.float64
    starts = [symmetric, here.lift(X), -0.5 * here.lift(Y)]
    values, gradients = there.values_and_gradients(np.stack(starts))
    for w, value, gradient in zip(starts, values, gradients, strict=True):
        assert value == pytest.approx(here.value(w), rel=1e-10)
        close(gradient, here.gradient(w))


@pytest.mark.parametrize(("name", "form"), PAIRS)
def test_every_form_stays_on_its_backend_and_device(backend, name, form):
    agree_there(backend, name, form)


@pytest.mark.parametrize("form", ["symmetric", "symmetric-pairs"])
def test_symmetric_forms_stay_there_at_any_size(backend, form, monkeypatch):
    """Mode by mode, in blocks and pieces, as larger tensors are."""
    monkeypatch.setattr(multisets, "_AT_ONCE", 0)
    for name, value in (("MATRIX_ENTRIES", 0), ("_PIECE_BYTES", 50), ("_BLOCKED_FROM", 1)):
        monkeypatch.setattr(symmetric_power, name, value)
    agree_there(backend, "gaussian r=2", form)


def test_descents_and_projections_stay_there(backend):
    problem, order = sensing.two_by_two(), 3
    runs, projected = [], []
    for more in ({}, {"backend": backend, "device": DEVICES[backend]}):
        lifted = LiftedProblem(problem, order, **more)
        tensors = [lifted.lift(X) for X in ([[0.0], [0.7]], [[1.0], [0.1]])]
        start = lifted.tensor("start", numbers(tensors[0]) + 0.1 * numbers(tensors[1]))
        for projection in (None, SpanProjection(tensors), RankOneProjection()):
            runs.append(
                projected_gradient_descent(
                    lifted, start, step_size=0.01, iterations=5, projection=projection
                )
            )
        span = SpanProjection(tensors)
        assert span.coefficients(start) == pytest.approx([1, 0.1])
        close(span(start), numbers(start))
        projected.append((start, RankOneProjection()(start)))
    for mine, theirs in zip(runs[:3], runs[3:], strict=True):
        close(theirs.tensor, mine.tensor)
        close(theirs.values, mine.values)
        assert theirs.tensor.dtype == np.float64
    close(runs[4].coefficients, runs[1].coefficients)
    (_, mine), (start, theirs) = projected
    close(theirs, mine)
    assert type(theirs) is type(start)
    assert theirs.dtype == start.dtype
    if backend == "pytorch":  # jax would take it to the device of what it meets
        assert theirs.device == start.device


def test_a_device_may_be_given_as_an_object(monkeypatch):
    stand_ins.install(monkeypatch, "jax")
    lifted = LiftedProblem(sensing.two_by_two(), 3, backend="jax", device=object)
    assert lifted.lift([[1.0], [0.0]]).device is object


@pytest.mark.parametrize("session", [False, True])
def test_jax_keeps_the_sessions_number_size(monkeypatch, session):
    """Loading the backend turns 64-bit numbers on for the session; a lifted problem does not."""
    stand_ins.install(monkeypatch, "jax")
    config = sys.modules["jax"].config
    config.update("jax_enable_x64", session)
    assert load("jax") == "jax"
    assert config.read("jax_enable_x64") is session
    with using("jax"):
        assert config.read("jax_enable_x64") is True
    assert config.read("jax_enable_x64") is session


def test_using_puts_back_what_it_found(backend):
    load(backend)
    with using(backend):
        assert tl.get_backend() == backend
        with using("numpy"):
            assert tl.get_backend() == "numpy"
        with using(backend):
            assert tl.get_backend() == backend
        assert tl.get_backend() == backend
    with pytest.raises(RuntimeError), using(backend):
        raise RuntimeError
    assert tl.get_backend() == "numpy"


@pytest.mark.parametrize("shape", [(2, 2), (3, 2, 2), (1, 2, 2, 2), (0, 2, 2)])
def test_a_tensor_of_another_shape_is_refused_with_both_shapes(backend, shape):
    """Also one more mode than w has, or the right number of modes of another length."""
    lifted = LiftedProblem(sensing.two_by_two(), 3, backend=backend, device=DEVICES[backend])
    with using(backend):
        wrong = maker(backend, DEVICES[backend])(np.zeros(shape))
    got = re.escape(str(shape))
    with pytest.raises(ValueError, match=rf"^w: expected .* \(2, 2, 2\), got {got}$"):
        lifted.value(wrong)


def test_no_tensors_at_all_are_refused(backend):
    lifted = LiftedProblem(sensing.two_by_two(), 3, backend=backend, device=DEVICES[backend])
    with using(backend):
        none = maker(backend, DEVICES[backend])(np.zeros((0, 2, 2, 2)))
    with pytest.raises(ValueError, match=r"^tensors: expected .* \(k, 2, 2, 2\), got \(0, "):
        lifted.values_and_gradients(none)


@pytest.mark.parametrize("name", ["numpy", "pytorch", "jax"])
def test_a_sparse_matrix_adds_up_what_stands_at_one_place(monkeypatch, name):
    """Also where a row or a column has no entry: the products are as long as the shape says."""
    if name != "numpy":
        stand_ins.install(monkeypatch, name)
    load(name)
    with using(name):
        make = maker(name)
        values, rows, columns = (
            np.array([1.0, 10.0, 100.0]),
            np.array([2, 0, 2]),
            np.array([1, 3, 1]),
        )
        matrix = SparseMatrix(values, rows, columns, (4, 5), make, make)
        dense = np.zeros((4, 5))
        dense[2, 1], dense[0, 3] = 101, 10
        for x in (np.arange(1.0, 6), np.arange(1.0, 11).reshape(5, 2)):
            np.testing.assert_array_equal(numbers(matrix @ make(x)), dense @ x)
            np.testing.assert_array_equal(numbers(matrix.transposed(make(x[:4]))), dense.T @ x[:4])
        kept = (
            [each.nbytes for each in vars(matrix._matrix).values() if isinstance(each, np.ndarray)]
            if name == "numpy"
            else []
        )
        assert name != "numpy" or sparse_bytes(4, 5, 3) == sum(kept)


@pytest.mark.parametrize(("columns", "width"), [(2**31 - 1, 4), (2**31, 8)])
def test_positions_from_2_to_the_31_on_take_eight_bytes(columns, width):
    """scipy takes the longer ones from the same length on, so that nothing is converted."""
    values, zeros = np.array([1.0, 2.0]), np.zeros(2, dtype=int)
    make = maker("numpy")
    matrix = SparseMatrix(values, zeros, np.array([3, columns - 1]), (1, columns), make, make)
    kept = matrix._matrix
    assert kept.indices.itemsize == kept.indptr.itemsize == width
    arrays = kept.data, kept.indices, kept.indptr
    assert sparse_bytes(1, columns, 2) == sum(array.nbytes for array in arrays)


def test_the_beginnings_of_rows_count_up_to_the_number_of_entries():
    many = 2**31
    assert sparse_bytes(1, 1, many - 1) == 12 * (many - 1) + 2 * 4
    assert sparse_bytes(1, 1, many) == 16 * many + 2 * 8


@pytest.mark.parametrize("name", ["numpy", "pytorch", "jax"])
def test_slices_by_index(monkeypatch, name):
    if name != "numpy":
        stand_ins.install(monkeypatch, name)
    load(name)
    with using(name):
        index = tl.tensor(np.array([2, 0, 2]))
        matrix = tl.tensor(np.arange(12.0).reshape(3, 4))
        np.testing.assert_array_equal(
            numbers(take(matrix, index)), np.arange(12.0).reshape(3, 4)[[2, 0, 2]]
        )
        np.testing.assert_array_equal(
            numbers(take(matrix, index, axis=1)), np.arange(12.0).reshape(3, 4)[:, [2, 0, 2]]
        )


def test_backends_are_refused_by_name():
    for unknown in ("cupy", "tensorflow", "torch", "", None, 1):
        with pytest.raises(ValueError, match="backend: expected one of"):
            load(unknown)


@pytest.mark.parametrize("name", ["numpy", "pytorch"])
def test_row_major_copies_a_transposed_tensor(monkeypatch, name):
    """Later reshapes then make no copy. (jax has no strides that a program could see.)"""
    if name != "numpy":
        stand_ins.install(monkeypatch, name)
    with using(name):
        turned = tl.transpose(tl.tensor(np.arange(6.0).reshape(2, 3)))
        straight = row_major(turned)
    assert not numbers(turned).flags.c_contiguous
    assert numbers(straight).flags.c_contiguous
    np.testing.assert_array_equal(numbers(straight), numbers(turned))


@pytest.mark.parametrize(("name", "package"), [("pytorch", "torch"), ("jax", "jax")])
def test_the_package_to_install_is_named(monkeypatch, name, package):
    """When the problem is made, not when it is first evaluated."""
    stand_ins.uninstall(monkeypatch, name, package)
    with pytest.raises(ImportError, match=rf"'{name}' needs .*'lift-compare\[{package}\]'"):
        LiftedProblem(sensing.two_by_two(), 3, backend=name)
    with pytest.raises(ImportError, match=rf"'{name}' needs .*'lift-compare\[{package}\]'"):
        load(name)
