"""What an instance file may hold, key by key: written and read back exactly, or refused by key."""

import os
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.lib import format as npy_format
from scipy import io, sparse

from lift_compare import sensing
from lift_compare.sensing import (
    DenseOperator,
    EntrywiseOperator,
    Instance,
    LiftSettings,
    RankOneOperator,
    SensingProblem,
    load_instance,
    save_instance,
)
from tests.sensing.test_instance_files import members, refusal, saved, zipped

HOLES = np.array([[0.0, 2.5, 0.0, 0.0], [0.0, 0.5, 0.0, 0.0], [0.25, 0, 0, 0], [0, 0, 0, 0]])
"""Weights whose last row and column are empty: what is stored does not tell n."""


class Own:
    """An operator of one's own: nothing but the five members."""

    n, m = 4, 3

    def __init__(self) -> None:
        rng = np.random.default_rng(3)
        vectors = rng.standard_normal((3, 4))
        self.whole = RankOneOperator(vectors)

    def measure(self, left, right):
        return self.whole.measure(left, right)

    def adjoint_matmul(self, y, right):
        return self.whole.adjoint_matmul(y, right)

    def matrices(self):
        return self.whole.matrices()


def operators() -> dict:
    rng = np.random.default_rng(1)
    B = rng.standard_normal((5, 4, 4))
    return {
        "dense": DenseOperator(B + B.transpose(0, 2, 1)),
        "rank one": RankOneOperator(rng.standard_normal((5, 4))),
        "weights": EntrywiseOperator(HOLES),
        "sparse": EntrywiseOperator(sparse.csr_array(HOLES)),
        "own": Own(),
    }


# written and read back ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", operators())
@pytest.mark.parametrize("optional", [False, True])
def test_what_is_written_is_read_back_exactly(tmp_path: Path, kind: str, optional: bool) -> None:
    operator, rng = operators()[kind], np.random.default_rng(2)
    Z, X = rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    b = rng.standard_normal(operator.m)  # not A(ZZᵀ): both are kept
    problem = SensingProblem(operator, b, 2, Z if optional else None)
    settings = LiftSettings(order=7, rho=0.3, eta=0.02, steps=1234)
    given = Instance("other", problem, *((X, settings) if optional else ()))
    save_instance(tmp_path / "mine.npz", given)
    read = load_instance(tmp_path / "mine.npz")
    assert (read.name, read.source) == ("mine", str(tmp_path / "mine.npz"))
    same = DenseOperator if kind == "own" else type(operator)
    assert type(read.problem.operator) is same
    np.testing.assert_array_equal(read.problem.operator.matrices(), operator.matrices())
    np.testing.assert_array_equal(read.problem.measurements, b)
    assert read.problem.rank == 2
    assert read.settings == given.settings
    for now, was in ((read.known_point, X), (read.problem.ground_truth, Z)):
        assert np.array_equal(now, was) if optional else now is None
    if kind == "sparse":
        assert sparse.issparse(read.problem.operator.weights)


@pytest.mark.parametrize(
    ("matrices", "words"),
    [
        (np.ones((3, 4)), r"an array of shape \(3, 4, 4\), got shape \(3, 4\)"),
        (np.ones((3, 4, 4), dtype=object), "real numbers, got dtype object"),
        (np.full((3, 4, 4), np.nan), "finite numbers, got 48 not finite"),
        (None, "real numbers, got dtype object"),
    ],
)
def test_matrices_of_an_own_operator_that_are_none_are_not_written(
    tmp_path: Path, monkeypatch, matrices, words: str
) -> None:
    monkeypatch.setattr(Own, "matrices", lambda self: matrices)
    instance = Instance("mine", SensingProblem(Own(), [1.0, 2.0, 3.0], 1))
    with pytest.raises(sensing.InvalidInput, match=rf"^Own\.matrices\(\): expected {words}"):
        save_instance(tmp_path / "x.npz", instance)
    assert os.listdir(tmp_path) == []


def test_sparse_weights_are_written_without_an_n_by_n_array(tmp_path: Path) -> None:
    instance = sensing.instance("sparse-completion", n=30_000)  # as an array: 7.2 GB
    save_instance(tmp_path / "large.npz", instance)
    operator, given = load_instance(tmp_path / "large.npz").problem.operator, instance.problem
    assert (operator.n, operator.m) == (given.n, given.m)
    assert (operator.weights != given.operator.weights).nnz == 0


def test_members_are_compressed_and_may_be_larger_than_zip_once_held(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 1000)  # of 2 GiB
    instance = sensing.instance("gaussian", n=5, m=6)
    save_instance(tmp_path / "x.npz", instance)
    with zipfile.ZipFile(tmp_path / "x.npz") as archive:
        assert archive.getinfo("A.npy").file_size > 1000
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_DEFLATED}
    read = load_instance(tmp_path / "x.npz").problem.operator
    np.testing.assert_array_equal(read.matrices(), instance.problem.operator.matrices())


def test_the_ending_is_added_where_it_is_missing(tmp_path: Path) -> None:
    save_instance(str(tmp_path / "bare"), sensing.instance("two-by-two"))
    assert os.listdir(tmp_path) == ["bare.npz"]
    assert load_instance(str(tmp_path / "bare.npz")).name == "bare"


@pytest.mark.parametrize(
    ("path", "what", "word"),
    [
        ("x.npz", sensing.two_by_two(), "instance: expected an Instance, got SensingProblem"),
        (7, sensing.instance("two-by-two"), "path: expected the path of a file, got 7"),
    ],
)
def test_what_is_no_instance_or_no_path_is_not_written(tmp_path, path, what, word) -> None:
    with pytest.raises(TypeError, match=word):
        save_instance(tmp_path / path if isinstance(path, str) else path, what)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["x.txt", "x.mat", "x.npy", "x.npz.bak"])
def test_another_ending_is_refused_not_added_to(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"path: expected a file that ends in \.npz, got "):
        save_instance(tmp_path / name, sensing.instance("two-by-two"))
    assert os.listdir(tmp_path) == []


# the operator as vectors or entries --------------------------------------------------------------


def test_vectors_are_those_of_rank_one_matrices(tmp_path: Path) -> None:
    vectors, Z = np.array([[1.0, 2.0], [0.5, -1.0], [3.0, 0.0]]), np.array([[1.0], [-2.0]])
    path = tmp_path / "v.npz"
    np.savez(path, vectors=vectors, Z=Z)
    problem = load_instance(path).problem
    np.testing.assert_array_equal(problem.operator.matrices(), [np.outer(a, a) for a in vectors])
    np.testing.assert_array_equal(problem.measurements, (vectors @ Z[:, 0]) ** 2)


@pytest.mark.parametrize("n", [4, np.array([4]), np.uint8(4), 4.0])
def test_entries_are_rows_of_indices_and_a_weight(tmp_path: Path, n) -> None:
    """Counted from 0, in any order, summed where an entry comes twice."""
    entries = [(2, 0, 0.25), (0, 1, 2.0), (1, 1, 0.5), (0, 1, 0.5)]
    path = tmp_path / "e.npz"
    np.savez(path, entries=entries, n=n, b=[1.0, 2, 3], rank=1)
    operator = load_instance(path).problem.operator
    assert (operator.n, operator.m) == (4, 3)
    np.testing.assert_array_equal(operator.weights.toarray(), HOLES)


def test_one_entry_of_a_matrix_of_one(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    np.savez(path, entries=[(0, 0, 2.0)], n=1, Z=[[1.5]])
    np.testing.assert_array_equal(load_instance(path).problem.measurements, [2 * 1.5**2])


@pytest.mark.parametrize(
    ("entries", "n", "words"),
    [
        ([(0, 0)], 2, "expected rows (i, j, w_ij), got shape (1, 2)"),
        ([(0, 0, 1, 1)], 2, "expected rows (i, j, w_ij), got shape (1, 4)"),
        ([(0, 0, 1)], 0, "expected n to be a whole number from 1 on, got 0"),
        ([(0, 0, 1)], -3, "expected n to be a whole number from 1 on, got -3"),
        ([(0, 0, 1)], 1.5, "expected n to be a whole number from 1 on, got 1.5"),
        ([(0, 0, 1), (0, 2, 1)], 2, "expected whole i and j in 0..1"),
        ([(0, 0, 1), (-1, 0, 1)], 2, "expected whole i and j in 0..1"),
        ([(0, 0, 1), (0, 0.5, 1)], 2, "expected whole i and j in 0..1"),
        ([(0, 0, 0)], 2, "expected at least one nonzero weight, got none"),
        (
            [(0, 0, 1e308), (0, 0, 1e308)],
            1,
            "a sum of duplicate entries leaves the range of float64",
        ),
    ],
)
def test_entries_that_are_none_are_refused(tmp_path: Path, entries, n, words) -> None:
    path = tmp_path / "e.npz"
    np.savez(path, entries=np.array(entries, dtype=float), n=n, b=[1.0], rank=1)
    assert refusal(path).startswith(f"{path}: entries: {words}")


def test_entries_need_n(tmp_path: Path) -> None:
    """Beside A, n is a size that the file repeats: metadata."""
    np.savez(tmp_path / "e.npz", entries=[(0, 0, 1.0)], b=[1.0], rank=1)
    assert "expected n beside entries" in refusal(tmp_path / "e.npz")
    np.savez(tmp_path / "a.npz", A=np.ones((1, 2, 2)), n=2, b=[1.0], rank=1)
    assert load_instance(tmp_path / "a.npz").metadata == {"n": 2}


def test_a_number_of_rows_counts_as_what_it_makes(tmp_path: Path) -> None:
    """A sparse matrix keeps where each row starts: a file of 1 kB asked for gigabytes."""
    path, n = tmp_path / "e.npz", 10**7
    np.savez(path, entries=[(0, 0, 1.0)], n=n, b=[1.0], rank=1)
    assert path.stat().st_size < 2000
    numbers = 3 + 1 + 1 + 1
    tracemalloc.start()
    line = refusal(path, max_bytes=8 * (numbers + n) - 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "entries: n = 1e+07 rows take 80 MB; the limit for all arrays together is 80 MB" in line
    assert peak < 10**6


def test_the_rows_that_a_number_makes_may_just_fill_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    np.savez(path, entries=[(0, 0, 1.0)], n=1000, b=[1.0], rank=1)
    limit = 8 * (3 + 1 + 1 + 1 + 1000)
    assert load_instance(path, max_bytes=limit).problem.n == 1000
    assert "entries: n = 1000 rows take 8 kB" in refusal(path, max_bytes=limit - 1)
    np.savez(path, entries=[(0, 0, 1.0)], n=1e300, b=[1.0], rank=1)
    assert "entries: n = 1e+300 rows" in refusal(path)


# settings ----------------------------------------------------------------------------------------


def test_settings_are_order_rho_eta_and_steps(tmp_path: Path) -> None:
    path = saved(tmp_path / "s.npz", settings=[5, 0.2, 0.03, 600])
    assert load_instance(path).settings == LiftSettings(order=5, rho=0.2, eta=0.03, steps=600)
    assert load_instance(saved(tmp_path / "none.npz")).settings is None


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([5, 0.2, 0.03], "four numbers, got 3"),
        ([5, 0.2, 0.03, 600, 1], "four numbers, got 5"),
        ([5.5, 0.2, 0.03, 600], "settings: expected whole numbers for the order and for T"),
        ([5, 0.2, 0.03, 600.5], "settings: expected whole numbers for the order and for T"),
        ([4, 0.2, 0.03, 600], "order: expected an odd lifting order"),
        ([5, 0, 0.03, 600], "rho: expected a finite number > 0"),
        ([5, 0.2, -1, 600], "eta: expected a finite number > 0"),
        ([5, 0.2, 0.03, -1], "steps: expected a whole number of at least 0"),
    ],
)
def test_settings_out_of_range_are_refused(tmp_path: Path, values, why) -> None:
    line = refusal(saved(tmp_path / "s.npz", settings=np.array(values)))
    assert ": settings: expected order, ρ, η and T, got [" in line
    assert why in line


# the archive -------------------------------------------------------------------------------------


def test_a_file_of_just_the_limit_is_read(tmp_path: Path) -> None:
    """The headers make the file larger than its arrays, so that its own size is what counts."""
    path = saved(tmp_path / "x.npz")
    size = path.stat().st_size
    assert load_instance(path, max_bytes=size).problem.n == 3
    assert "is over the limit of" in refusal(path, max_bytes=size - 1)


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.mat"])
def test_a_file_without_an_ending_is_what_its_first_bytes_say(tmp_path: Path, name: str) -> None:
    A = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    np.savez(tmp_path / "x.npz", A=A, b=[1.0], rank=1)
    np.save(tmp_path / "x.npy", A)
    io.savemat(tmp_path / "x.mat", {"A": A, "b": [1.0], "rank": 1})
    for other in ("x", "x.data"):
        (tmp_path / other).write_bytes((tmp_path / name).read_bytes())
        problem = load_instance(tmp_path / other).problem
        np.testing.assert_array_equal(problem.operator.matrices(), A)


def test_the_longer_header_of_the_second_npy_version_is_read(tmp_path: Path) -> None:
    Z = np.array([[1.0], [2.0], [3.0]])
    with open(tmp_path / "Z.npy", "wb") as stream:
        npy_format.write_array(stream, Z, version=(2, 0))
    content = members(Z=(tmp_path / "Z.npy").read_bytes())
    path = zipped(tmp_path / "x.npz", [row for row in content if row[0] != "X.npy"])
    np.testing.assert_array_equal(load_instance(path).problem.ground_truth, Z)


def test_the_system_says_why_a_file_cannot_be_opened(tmp_path: Path) -> None:
    path = tmp_path / "absent.npz"
    assert refusal(path) == f"{path}: cannot be read: No such file or directory"
    with pytest.raises(ValueError, match=r"\\x00.*: cannot be read: (open: )?embedded null"):
        load_instance("a\0.npz")


def test_files_are_opened_as_this_system_opens_them(tmp_path: Path, monkeypatch) -> None:
    """Without blocking and as binary where a system has the words for it, read-only everywhere."""
    path, flags = saved(tmp_path / "x.npz"), []
    opened = os.open

    def spy(name, how, *rest):
        flags.append(how)
        return opened(name, os.O_RDONLY, *rest)

    binary = 1 << 28
    monkeypatch.setattr(os, "open", spy)
    monkeypatch.setattr(os, "O_BINARY", binary, raising=False)
    monkeypatch.delattr(os, "O_NONBLOCK", raising=False)
    assert load_instance(path).problem.n == 3
    monkeypatch.delattr(os, "O_BINARY")
    assert load_instance(path).problem.n == 3
    assert flags == [os.O_RDONLY | binary, os.O_RDONLY]


@pytest.mark.parametrize("length", [5, 40, 41, 2000])
def test_a_member_of_another_kind_is_named_in_forty_characters(tmp_path: Path, length: int) -> None:
    name = "".join(chr(ord("a") + i % 26) for i in range(length))
    (note,) = load_instance(zipped(tmp_path / "x.npz", [*members(), (name, b"")])).notes
    shown = name if length <= 40 else name[:37] + "..."
    assert note == f"the member '{shown}' is left out: it is no .npy array"
