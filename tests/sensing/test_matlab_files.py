"""MATLAB's files: what a user of MATLAB saves is read, what is ambiguous is asked for."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import io, sparse

from lift_compare import sensing
from lift_compare.sensing import load_instance
from lift_compare.sensing.instances.files import InstanceFileError
from tests.sensing.test_instance_files import refusal

PROBLEM = sensing.gaussian(n=3, rank=1, m=5, seed=4)
A, B, Z = PROBLEM.operator.matrices(), PROBLEM.measurements, PROBLEM.ground_truth
MATLAB = np.moveaxis(A, 0, -1)


def mat(path: Path, **variables) -> Path:
    io.savemat(path, variables, do_compression=path.stem.endswith("c"))
    return path


@pytest.mark.parametrize("name", ["plain.mat", "c.mat", "CAPITALS.MAT"])
@pytest.mark.parametrize("b", [B, B[:, None], B[None]], ids=["(m,)", "(m,1)", "(1,m)"])
def test_what_matlab_saves_is_read(tmp_path: Path, name: str, b) -> None:
    path = mat(tmp_path / name, A=MATLAB, b=b, rank=1.0, X=Z.T, who="Emmy", alpha=0.5)
    instance = load_instance(path)
    np.testing.assert_array_equal(instance.problem.operator.matrices(), A)
    np.testing.assert_array_equal(instance.problem.measurements, B)
    np.testing.assert_array_equal(instance.known_point, Z)
    assert instance.metadata == {"who": "Emmy", "alpha": 0.5}
    assert type(instance.metadata["alpha"]) is float
    assert instance.name == path.stem
    assert instance.notes == ("A of shape (3, 3, 5) was read as (n, n, m), with A_i = A(:,:,i)",)


def test_the_order_of_numpy_is_read_too(tmp_path: Path) -> None:
    instance = load_instance(mat(tmp_path / "x.mat", A=A, Z=Z, X=Z))
    np.testing.assert_array_equal(instance.problem.operator.matrices(), A)
    assert instance.notes == ("A of shape (5, 3, 3) was read as (m, n, n), with A_i = A(i,:,:)",)


def test_a_cube_is_ambiguous_and_asked_for(tmp_path: Path) -> None:
    cube = np.moveaxis(A[:3], 0, -1)
    line = refusal(mat(tmp_path / "x.mat", A=cube, b=B[:3], rank=1))
    assert "A: shape (3, 3, 3) may be (n, n, m)" in line
    assert "layout = 'nnm' or layout = 'mnn'" in line
    for layout, array in (("nnm", cube), ("mnn", A[:3])):
        instance = load_instance(mat(tmp_path / "y.mat", A=array, b=B[:3], rank=1, layout=layout))
        np.testing.assert_array_equal(instance.problem.operator.matrices(), A[:3])
        assert not any("was read as" in note for note in instance.notes), "it was said"
    line = refusal(mat(tmp_path / "z.mat", A=cube, b=B[:3], rank=1, layout="nm"))
    assert "layout: expected 'mnn' or 'nnm', got 'nm'" in line
    assert "may be (n, n, m)" in refusal(mat(tmp_path / "t.mat", A=np.ones((2, 2, 2)), Z=[1, 1]))


@pytest.mark.parametrize(
    ("array", "layout", "got"),
    [
        (MATLAB, {"layout": "mnn"}, "expected shape (m, n, n), got (3, 3, 5); if it is"),
        (np.ones((2, 3, 4)), {}, "expected shape (m, n, n), got (2, 3, 4)"),
        (np.ones((3, 4)), {}, "expected an array of 3 dimensions, got shape (3, 4)"),
    ],
)
def test_what_are_no_square_matrices_in_the_order_that_is_said(
    tmp_path: Path, array, layout: dict[str, str], got: str
) -> None:
    assert f": A: {got}" in refusal(mat(tmp_path / "x.mat", A=array, Z=Z, **layout))


def test_one_matrix_has_no_third_axis_in_matlab(tmp_path: Path) -> None:
    instance = load_instance(mat(tmp_path / "x.mat", A=A[0], b=[[2.0]], rank=1))
    np.testing.assert_array_equal(instance.problem.operator.matrices(), A[:1])
    instance = load_instance(mat(tmp_path / "y.mat", A=2.0, b=3.0, rank=1))
    np.testing.assert_array_equal(instance.problem.operator.matrices(), [[[2]]])


def test_the_index_of_a_matrix_is_that_of_matlab(tmp_path: Path) -> None:
    wrong = A.copy()
    wrong[2, 0, 1] += 1
    path = mat(tmp_path / "x.mat", A=np.moveaxis(wrong, 0, -1), b=B, rank=1)
    assert "A(:,:,3) differs from its transpose by 1;" in refusal(path)
    assert "A(3,:,:) differs" in refusal(mat(tmp_path / "y.mat", A=wrong, b=B, rank=1))
    problem = load_instance(path, symmetrise=True).problem
    np.testing.assert_allclose(problem.operator.matrices()[2], (wrong[2] + wrong[2].T) / 2)


def test_weights_may_be_sparse_and_vectors_are_rows(tmp_path: Path) -> None:
    weights = sparse.coo_array(([2.0, 1.0], ([0, 2], [1, 2])), shape=(3, 3))
    problem = load_instance(mat(tmp_path / "x.mat", weights=weights, Z=Z)).problem
    assert sparse.issparse(problem.operator.weights)
    assert (problem.n, problem.m) == (3, 2)
    vectors = np.arange(1.0, 7).reshape(2, 3)
    problem = load_instance(mat(tmp_path / "y.mat", vectors=vectors, b=[1, 2], rank=1)).problem
    np.testing.assert_array_equal(problem.operator.vectors, vectors)
    line = refusal(mat(tmp_path / "z.mat", vectors=vectors, b=[1, 2, 3], rank=1))
    assert "vectors holds the a_i as rows: is it transposed?" in line
    line = refusal(mat(tmp_path / "e.mat", entries=[[0, 1, 2.0]], n=3, Z=Z))
    assert "entries: is not read from .mat files, which count from 1" in line


def test_what_is_no_array_of_numbers(tmp_path: Path) -> None:
    cell = np.empty((1, 2), dtype=object)
    cell[0, 0], cell[0, 1] = A[0], A[1]
    line = refusal(mat(tmp_path / "x.mat", A=cell, b=B[:2], rank=1))
    assert "A: expected an array of numbers, got a cell" in line
    assert "cat(3, A{:}) makes one" in line
    assert refusal(mat(tmp_path / "c.mat", A=MATLAB, Z=cell)).endswith("or a large sparse matrix")
    assert "expected real numbers" in refusal(mat(tmp_path / "y.mat", A=1j * MATLAB, Z=Z))
    instance = load_instance(mat(tmp_path / "z.mat", A=MATLAB, Z=Z, X=Z, run={"seed": 1}))
    assert instance.metadata == {}
    assert "the variable 'run' is left out: it is a struct" in instance.notes


@pytest.mark.parametrize("key", ["b", "Z", "X"])
def test_any_variable_may_be_sparse(tmp_path: Path, key: str) -> None:
    whole = {"A": MATLAB, "b": B, "Z": Z, "X": Z}
    plain = load_instance(mat(tmp_path / "x.mat", **whole))
    column = sparse.coo_array(whole[key].reshape(-1, 1))
    found = load_instance(mat(tmp_path / "y.mat", **{**whole, key: column}))
    np.testing.assert_array_equal(found.problem.measurements, plain.problem.measurements)
    np.testing.assert_array_equal(found.problem.ground_truth, plain.problem.ground_truth)
    np.testing.assert_array_equal(found.known_point, plain.known_point)


def test_a_large_sparse_matrix_is_made_an_array_of_up_to_a_million_numbers(tmp_path: Path) -> None:
    for rows, words in ((1024, "X: expected 3 rows"), (1025, "got a cell, a struct or a large")):
        X = sparse.coo_array(([1.0], ([0], [0])), shape=(rows, 1024))
        assert words in refusal(mat(tmp_path / "x.mat", A=MATLAB, Z=Z, X=X))
    X = sparse.coo_array(([1.0], ([0], [0])), shape=(2**31 - 1, 1024))  # 17 TB of numbers
    assert "or a large sparse matrix" in refusal(mat(tmp_path / "y.mat", A=MATLAB, Z=Z, X=X))


def test_a_variable_n_that_is_no_number_is_refused(tmp_path: Path) -> None:
    line = refusal(mat(tmp_path / "x.mat", A=MATLAB, Z=Z, n=[1, 2, 3]))
    assert "n: expected 3, as A has it, got array(" in line


def test_a_misspelt_variable_is_refused_as_in_an_archive(tmp_path: Path) -> None:
    assert "did you mean A?" in refusal(mat(tmp_path / "x.mat", a=MATLAB, Z=Z))


HDF5 = b"\x89HDF\r\n\x1a\n"
VERSION_7_3 = b"MATLAB 7.3 MAT-file, Platform: GLNXA64"


@pytest.mark.parametrize(
    "head", [HDF5, VERSION_7_3, VERSION_7_3.ljust(512) + HDF5, b"mine".ljust(512) + HDF5]
)
def test_version_7_3_is_refused_by_name(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "x.mat"
    path.write_bytes(head + bytes(600))
    line = refusal(path)
    assert "version 7.3 (HDF5), which is not read" in line
    assert "'-v7'" in line


@pytest.mark.parametrize("content", [b"", b"hello", bytes(200), b"PK\x03\x04" + bytes(200)])
def test_what_is_no_mat_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mat").write_bytes(content)
    assert "not a .mat file of version 5 to 7" in refusal(tmp_path / "x.mat")


def test_sizes_are_checked_before_they_are_read(tmp_path: Path) -> None:
    path = mat(tmp_path / "c.mat", A=np.zeros((3, 3, 200_000)), b=np.ones(200_000), rank=1)
    assert path.stat().st_size < 80_000
    tracemalloc.start()
    line = refusal(path, max_bytes=100_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "A: declares shape (3, 3, 200000), 14.4 MB; the limit" in line
    assert "is 100 kB" in line
    assert peak < 300_000
    small = mat(tmp_path / "x.mat", A=np.zeros((3, 3, 500), np.int8), b=np.ones(500), rank=1)
    assert "A: declares shape (3, 3, 500), 36 kB" in refusal(small, max_bytes=20_000)


def test_a_file_of_a_header_alone_has_no_variables(tmp_path: Path) -> None:
    path = mat(tmp_path / "x.mat")
    assert path.stat().st_size == 128
    assert "expected one of A, weights, vectors or entries, got none" in refusal(path)


def test_sizes_of_just_the_limit_are_read(tmp_path: Path) -> None:
    """Counted as float64, whatever the file keeps; sparse weights count when they are read."""
    small = {"A": np.ones((3, 3, 200), np.int8), "b": np.ones(200, np.int8), "rank": 1.0}
    path, numbers = mat(tmp_path / "c.mat", **small), 8 * (9 * 200 + 200 + 1)
    assert load_instance(path, max_bytes=numbers).problem.m == 200
    assert "; the limit for all" in refusal(path, max_bytes=numbers - 1)
    eye = {"weights": sparse.eye_array(400), "b": np.ones(400), "rank": 1.0}
    path = mat(tmp_path / "sparse-c.mat", **eye)
    assert load_instance(path, max_bytes=8 * (400 + 1)).problem.m == 400
    assert "; the limit for all" in refusal(path, max_bytes=8 * (400 + 1) - 1)
    path = mat(tmp_path / "more-c.mat", **small, large=np.zeros((9, 9)), run={"seed": 1})
    large, struct_ = 8 * 81, 8
    for limit, note in (
        (numbers + large + struct_, "'run' is left out: it is a struct"),
        (numbers + large + struct_ - 1, "'run' is left out: it is too large"),
        (numbers + large - 1, "'large' is left out: it is too large"),
    ):
        instance = load_instance(path, max_bytes=limit)
        assert f"the variable {note}" in instance.notes
        assert ("large" in instance.metadata) == (limit >= numbers + large)
    path = mat(tmp_path / "last-c.mat", **small, large=np.zeros((9, 9)))
    assert "large" in load_instance(path, max_bytes=numbers + large).metadata


def test_an_element_that_claims_a_size_is_not_believed(tmp_path: Path) -> None:
    """A compressed element whose tag says 4 GB: what it holds is what counts."""
    whole = mat(tmp_path / "x.mat", A=MATLAB, Z=Z).read_bytes()
    inside = zlib.compress(struct.pack("<II", 14, 2**32 - 8) + whole[136:200])
    path = tmp_path / "y.mat"
    path.write_bytes(whole[:128] + struct.pack("<II", 15, len(inside)) + inside)
    tracemalloc.start()
    refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 300_000


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
    compressed=st.booleans(),
)
def test_damaged_bytes_are_read_or_refused_and_nothing_else(tmp_path, flips, compressed) -> None:
    good = mat(tmp_path / ("c.mat" if compressed else "x.mat"), A=MATLAB, Z=Z, X=Z, note="ab")
    data = bytearray(good.read_bytes())
    for at, mask in flips:
        data[at % len(data)] ^= mask
    path = tmp_path / "damaged.mat"
    path.write_bytes(data)
    with contextlib.suppress(InstanceFileError):
        load_instance(path)
