"""Reading instances from files: what is well formed is read exactly, everything else is refused
in one line."""

import contextlib
import io
import os
import pickle
import struct
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lift_compare import sensing
from lift_compare.sensing import load_instance
from lift_compare.sensing.instances.assembly import without_name
from lift_compare.sensing.instances.files import InstanceFileError


def arrays():
    rng = np.random.default_rng(0)
    B = rng.standard_normal((4, 3, 3))
    A = B + B.transpose(0, 2, 1)
    Z, X = rng.standard_normal((2, 3, 2))
    return {"A": A, "Z": Z, "X": X}


def saved(path, **changes):
    """Save the good arrays with changes; None removes a key."""
    content = {key: value for key, value in {**arrays(), **changes}.items() if value is not None}
    np.savez(path, **content)
    return path


def npy(array, *, shape=None, descr=None):
    """Return npy bytes, with the shape or dtype of the header replaced by a lie."""
    stream = io.BytesIO()
    header = {"descr": descr or np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False}
    np.lib.format.write_array_header_1_0(
        stream, {**header, "shape": array.shape if shape is None else shape}
    )
    return stream.getvalue() + array.tobytes()


def zipped(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def members(**changes):
    return [(f"{key}.npy", changes.get(key, npy(value))) for key, value in arrays().items()]


def refusal(path, **options):
    """Return the line of the refusal, which names the file and is one line."""
    with pytest.raises(InstanceFileError) as caught:
        load_instance(path, **options)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(str(path)[:10])
    return line


# good files --------------------------------------------------------------------------------------


def test_dense_operator_with_ground_truth(tmp_path):
    A, Z, X = arrays().values()
    instance = load_instance(saved(tmp_path / "good.npz"))
    np.testing.assert_array_equal(instance.known_point, X)
    np.testing.assert_allclose(instance.problem.operator.matrices(), A)
    np.testing.assert_allclose(instance.problem.measurements, np.einsum("ijk,jk->i", A, Z @ Z.T))
    np.testing.assert_array_equal(instance.problem.ground_truth, Z)
    assert instance.problem.rank == 2


def test_entrywise_operator_with_measurements(tmp_path):
    problem = sensing.perturbed_completion(4, 0.2)
    path = saved(
        tmp_path / "w.npz",
        A=None,
        Z=None,
        X=None,
        weights=problem.operator.weights,
        b=problem.measurements,
        rank=1,
    )
    instance = load_instance(path)
    assert isinstance(instance.problem.operator, sensing.EntrywiseOperator)
    assert (instance.known_point, instance.problem.ground_truth, instance.problem.rank) == (
        None,
        None,
        1,
    )
    D = np.ones((4, 1))
    assert instance.problem.objective(D) == problem.objective(D)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, ">f8"])
def test_any_real_dtype_and_compression(tmp_path, save, dtype):
    A = np.array([[[2, 1], [1, 3]]]).astype(dtype)
    save(tmp_path / "a.npz", A=A, b=np.array([5]).astype(dtype), rank=2)
    problem = load_instance(tmp_path / "a.npz").problem
    assert problem.rank == 2
    assert problem.measurements.dtype == np.float64
    np.testing.assert_array_equal(problem.operator.matrices(), A.astype(float))


def test_fortran_order_is_not_transposed(tmp_path):
    Z = np.asfortranarray(arrays()["Z"])
    np.testing.assert_array_equal(
        load_instance(saved(tmp_path / "f.npz", Z=Z)).problem.ground_truth, Z
    )


@pytest.mark.parametrize("rank", [np.int64(2), np.array([2]), np.array(2.0)])
def test_rank_as_a_number_of_any_kind(tmp_path, rank):
    assert load_instance(saved(tmp_path / "r.npz", rank=rank)).problem.rank == 2


def test_the_rank_of_a_file_with_measurements_alone_must_be_stored(tmp_path):
    b = np.arange(1.0, 5)
    line = refusal(saved(tmp_path / "x.npz", Z=None, X=None, b=b))
    assert "rank: expected the rank r" in line
    assert line.endswith("store rank")
    for rank in (1, 2):
        found = load_instance(saved(tmp_path / "y.npz", Z=None, X=None, b=b, rank=rank))
        assert found.problem.rank == rank
    assert load_instance(saved(tmp_path / "z.npz", Z=None, b=b)).problem.rank == 2, "as X has it"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("scale", [1e60, 1e160, 1e-75, 1e308])
def test_any_scale_is_read_exactly_or_refused(tmp_path, scale):
    A, Z, _ = arrays().values()
    A = A / np.abs(A).max()
    path = saved(tmp_path / "x.npz", A=scale * A, Z=Z, X=1e-100 * Z)
    if scale == 1e308:
        assert "Z: " in refusal(path)
        return
    with np.errstate(all="raise"):
        instance = load_instance(path)
        problem = instance.problem
        if scale == 1e160:
            with pytest.raises(OverflowError, match="h: expected ‖b‖"):
                problem.objective(instance.point)
            return
        b = np.einsum("iab,ab->i", A, Z @ Z.T)
        assert problem.objective(instance.point) == pytest.approx(scale**2 * (b @ b) / 2, rel=1e-14)
        assert not problem.is_solved(instance.point)
        assert problem.is_solved(Z)
        G = np.einsum("i,iab->ab", b, A)
        expected = -2 * (scale * (scale * 1e-100 * (G @ Z)))
        np.testing.assert_allclose(problem.gradient(instance.point), expected, rtol=1e-13)


# refused: the archive ----------------------------------------------------------------------------


def test_no_such_file(tmp_path):
    assert "No such file" in refusal(tmp_path / "absent.npz")


def test_folder(tmp_path):
    assert "expected a regular file" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_named_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")
    assert "regular file" in refusal(tmp_path / "pipe.npz")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"PK\x03\x04" + b"\0" * 40, b"\x93NUMPY\x01\x00"]
)
def test_not_a_zip_archive(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    assert "not an .npz archive" in refusal(path)


def test_file_over_the_limit(tmp_path):
    assert "over the limit" in refusal(saved(tmp_path / "x.npz"), max_bytes=100)


@pytest.mark.parametrize(
    "name", ["evil.npy", "A", "../A.npy", "/A.npy", "A.npy.npy", "x\ny.npy", "n" * 999]
)
@pytest.mark.parametrize("first", [False, True])
def test_members_that_cannot_be_read_and_have_no_meaning_are_left_out(tmp_path, name, first):
    other = [(name, b"")]
    content = [*other, *members()] if first else [*members(), *other]
    instance = load_instance(zipped(tmp_path / "x.npz", content))
    assert instance.metadata == {}
    (note,) = instance.notes
    assert "left out" in note
    assert note.isprintable()
    assert len(note) < 150


def test_other_keys_are_metadata_and_survive(tmp_path):
    extra = {"author": "Emmy", "date": np.array("2026-01-01"), "noise": 0.25, "file": np.arange(3)}
    path = tmp_path / "x.npz"
    zipped(path, [*members(), *((f"{key}.npy", npy(np.asarray(v))) for key, v in extra.items())])
    instance = load_instance(path)
    assert instance.notes == ()
    sensing.save_instance(tmp_path / "again.NPZ", instance)
    assert sorted(os.listdir(tmp_path)) == ["again.NPZ", "x.npz"]
    for each in (instance, load_instance(tmp_path / "again.NPZ")):
        assert list(each.metadata) == list(extra)
        assert each.metadata["author"] == "Emmy"
        assert each.metadata["noise"] == 0.25
        np.testing.assert_array_equal(each.metadata["file"], [0, 1, 2])
    assert load_instance(tmp_path / "again.NPZ").name == "again"


def test_metadata_that_would_need_a_pickle_or_is_too_large_is_left_out(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, **arrays(), people=np.array([None]), large=np.zeros(10**4))
    instance = load_instance(path, max_bytes=8 * 10**4)
    assert instance.metadata == {}
    assert "'people' is left out: holds Python objects" in instance.notes[0]
    assert "'large' is left out: declares shape" in instance.notes[1]
    for value, got in (({1: 2}, r"\{1: 2\}"), ([[1], [1, 2]], "a ragged sequence")):
        bad = sensing.Instance("x", instance.problem, metadata={"who": value})
        words = f"metadata: who: expected numbers, texts or arrays, got {got}$"
        with pytest.raises(ValueError, match=words):
            sensing.save_instance(tmp_path / "y.npz", bad)
        assert not (tmp_path / "y.npz").exists()


def test_metadata_of_just_what_is_left_of_the_limit_are_kept(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", **arrays(), large=np.zeros(10**4))
    limit = 8 * (36 + 6 + 6 + 10**4)
    kept = load_instance(tmp_path / "x.npz", max_bytes=limit)
    assert kept.metadata["large"].shape == (10**4,)
    assert load_instance(tmp_path / "x.npz", max_bytes=limit - 1).metadata == {}


@pytest.mark.parametrize(("axes", "kept"), [(32, True), (33, False)])
def test_metadata_have_as_many_axes_as_any_numpy_knows(tmp_path, axes, kept):
    """The oldest numpy that is supported has 32."""
    cube = ("cube.npy", npy(np.ones(1), shape=(1,) * axes))
    instance = load_instance(zipped(tmp_path / "x.npz", [*members(), cube]))
    assert [value.ndim for value in instance.metadata.values()] == [32] * kept
    said = () if kept else ("the key 'cube' is left out: declares an impossible shape",)
    assert instance.notes == said


@pytest.mark.parametrize(
    ("drop", "name", "meant"),
    [
        ("A", "a", "A"),
        ("Z", "z", "Z"),
        ("X", "x", "X"),
        ("rank", "ranks", "rank"),
        ("rank", "Rank", "rank"),
        ("rank", "rnak", "rank"),
        ("settings", "setting", "settings"),
        ("A", "weigths", "weights"),
        ("b", "B", "b"),
    ],
)
def test_a_misspelt_key_is_refused_with_what_was_meant(tmp_path, drop, name, meant):
    """To leave it out would be to answer another question in silence."""
    line = refusal(saved(tmp_path / "x.npz", **{drop: None, "comment": "!", name: np.ones(3)}))
    assert f"unknown key '{name}'; did you mean {meant}? Rename it" in line


def test_n_is_asked_for_beside_entries_only(tmp_path):
    line = refusal(saved(tmp_path / "x.npz", A=None, entries=np.ones((1, 3)), N=3))
    assert "unknown key 'N'; did you mean n? Rename it" in line
    assert load_instance(saved(tmp_path / "y.npz", N=3)).metadata == {"N": 3}


@pytest.mark.parametrize("name", ["weight", "vector", "ranking"])
def test_a_key_like_one_that_is_not_asked_for_or_hardly_like_one_is_metadata(tmp_path, name):
    """Beside A, no other operator is meant."""
    instance = load_instance(saved(tmp_path / "x.npz", **{name: 0.5}))
    assert (instance.metadata, instance.notes) == ({name: 0.5}, ())


def test_beside_the_key_itself_a_similar_one_is_metadata_and_said(tmp_path):
    instance = load_instance(saved(tmp_path / "x.npz", a=np.ones(3)))
    assert instance.notes == ("the key 'a' is kept as metadata; A is what is used",)
    np.testing.assert_array_equal(instance.metadata["a"], np.ones(3))


KEYS = [f"k{i}" for i in range(9)]


def test_without_an_operator_or_measurements_the_keys_that_are_there_are_told(tmp_path):
    line = refusal(saved(tmp_path / "x.npz", A=None, Z=None, M=np.ones(2), y=np.ones(2)))
    assert "got none (the file has 'M', 'y')" in line
    line = refusal(saved(tmp_path / "x.npz", Z=None, y=np.ones(2)))
    assert "got neither (the file has 'y')" in line
    for count, end in ((8, "'k7')"), (9, "'k7', ...)")):
        line = refusal(saved(tmp_path / "x.npz", Z=None, **dict.fromkeys(KEYS[:count], 1.0)))
        assert line.endswith(f"(the file has 'k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', {end}")


def test_n_beside_matrices_is_compared_with_them(tmp_path):
    assert load_instance(saved(tmp_path / "x.npz", n=3)).metadata == {"n": 3}
    assert "n: expected 3, as A has it, got 4" in refusal(saved(tmp_path / "y.npz", n=4))


def test_vectors_and_rows_stand_for_columns_at_rank_one(tmp_path):
    A, Z, X = arrays().values()
    b = np.einsum("ijk,jk->i", A, Z[:, :1] @ Z[:, :1].T)
    for name, change in {
        "vector": {"Z": Z[:, 0], "X": X[:, 0]},
        "row": {"Z": Z[:, :1].T, "X": X[:, :1].T},
        "b": {"Z": Z[:, 0], "X": X[:, 0], "b": b[:, None]},
        "b as a row": {"Z": None, "X": X[:, 0], "b": b[None]},
    }.items():
        instance = load_instance(saved(tmp_path / "x.npz", **change))
        np.testing.assert_array_equal(instance.known_point, X[:, :1], name)
        np.testing.assert_allclose(instance.problem.measurements, b)
    assert "Z: expected 3 rows, got shape (2, 3); is it transposed?" in refusal(
        saved(tmp_path / "x.npz", Z=Z.T, X=None)
    )


# matrices that are not symmetric -----------------------------------------------------------------


def asymmetric_file(path):
    A, Z, X = arrays().values()
    B = A.copy()
    B[2, 0, 1] += 0.5
    B[2, 1, 0] -= 0.5
    B[3, 2, 0] += 0.25
    return saved(path, A=B), B, Z, X


def test_the_first_matrix_that_is_not_symmetric_is_named_with_the_remedy(tmp_path):
    path, *_ = asymmetric_file(tmp_path / "x.npz")
    line = refusal(path)
    assert "x.npz: A: expected symmetric A_i, but A[2] differs from its transpose by 1" in line
    assert "and so do 1 more" in line
    assert "--symmetrise" in line
    assert "leaves b unchanged" in line


def test_symmetrising_keeps_every_measurement(tmp_path):
    path, B, Z, X = asymmetric_file(tmp_path / "x.npz")
    instance = load_instance(path, symmetrise=True)
    problem = instance.problem
    np.testing.assert_allclose(problem.measurements, np.einsum("ijk,jk->i", B, Z @ Z.T))
    residual = np.einsum("ijk,jk->i", B, X @ X.T - Z @ Z.T)
    assert problem.objective(X) == pytest.approx(residual @ residual / 2, rel=1e-13)
    assert instance.notes == (
        "2 of 4 matrices were not symmetric, and were symmetrised; b is the same",
    )
    with pytest.raises(TypeError, match="symmetrise: expected True or False, got 'yes'"):
        load_instance(path, symmetrise="yes")
    good = saved(tmp_path / "good.npz")
    assert load_instance(good, symmetrise=True).notes == ()


# A alone -----------------------------------------------------------------------------------------


def test_an_npy_file_of_matrices_gets_a_random_truth_and_says_so(tmp_path):
    A = arrays()["A"]
    np.save(tmp_path / "a.npy", A)
    instance = load_instance(tmp_path / "a.npy")
    problem = instance.problem
    assert (instance.name, problem.rank, problem.ground_truth.shape) == ("a", 1, (3, 1))
    assert "b = A(ZZᵀ) of a random Z of rank one is assumed" in instance.notes[0]
    assert problem.is_solved(problem.ground_truth)
    np.save(tmp_path / "large.npy", np.eye(200)[None])
    Z = load_instance(tmp_path / "large.npy").problem.ground_truth
    assert np.sum(Z**2) == pytest.approx(1, abs=0.5)  # standard deviation √(2/200) = 0.1
    same = load_instance(tmp_path / "a.npy").problem
    np.testing.assert_array_equal(problem.measurements, same.measurements)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (
            np.ones((4, 4)),
            "expected the A_i of shape (m, n, n), got shape (4, 4); one matrix alone",
        ),
        (np.ones((3, 3, 5)), "got (3, 3, 5); if it is (n, n, m), save np.moveaxis(A, -1, 0)"),
        (np.ones((5, 3, 2)), "expected shape (m, n, n), got (5, 3, 2)"),
        (np.ones((3, 5)), "the a_i of A_i = a_i a_iᵀ"),
        (np.ones(5), "in an .npz file, every key says"),
        (np.ones((2, 3, 3), dtype=complex), "expected real numbers, got dtype complex128"),
        (np.full((2, 3, 3), "x"), "expected real numbers, got dtype"),
        (np.array([None]), "holds Python objects"),
        (np.zeros((0, 3, 3)), "is empty"),
        (np.full((2, 3, 3), np.nan), "A: expected finite numbers"),
    ],
)
def test_an_npy_file_that_cannot_work_is_refused_with_what_would(tmp_path, array, words):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    assert words in refusal(tmp_path / "a.npy")


def test_a_damaged_npy_file_is_refused(tmp_path):
    (tmp_path / "a.npy").write_bytes(npy(np.ones((2, 3, 3)), shape=(10**6, 10**6, 10**6)))
    assert "but holds 144 B" in refusal(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(b"hello")
    assert "has no readable .npy header" in refusal(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", np.ones((4000, 2, 2), dtype=np.int8))
    line = refusal(tmp_path / "b.npy", max_bytes=128_000 - 1)
    assert "declares shape (4000, 2, 2), 128 kB" in line
    assert load_instance(tmp_path / "b.npy", max_bytes=128_000).problem.m == 4000


def test_doubled_member(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = zipped(tmp_path / "x.npz", [*members(), ("Z.npy", npy(arrays()["Z"]))])
    assert "Z: appears twice" in refusal(path)


def test_strange_compression(tmp_path):
    assert "A: has a compression" in refusal(
        zipped(tmp_path / "x.npz", members(), zipfile.ZIP_LZMA)
    )


def test_encrypted_member(tmp_path):
    path = saved(tmp_path / "x.npz")
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1  # the encryption flag of the first entry of the central directory
    path.write_bytes(data)
    assert "A: is encrypted" in refusal(path)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_truncated_file(tmp_path, keep):
    path = saved(tmp_path / "x.npz")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data))])
    refusal(path)


def test_damaged_data_is_found_by_its_checksum(tmp_path):
    path = saved(tmp_path / "x.npz", A=np.ones((4000, 3, 3)), b=np.ones(4000))
    data = bytearray(path.read_bytes())
    data[200_000] ^= 0xFF  # far behind the header of A, which is read on its own
    path.write_bytes(data)
    assert "A: its data cannot be read" in refusal(path)


# refused: keys -----------------------------------------------------------------------------------


def test_missing_and_conflicting_keys(tmp_path):
    assert "one of A, weights, vectors or entries, got none" in refusal(
        saved(tmp_path / "1.npz", A=None)
    )
    assert "got A and weights" in refusal(saved(tmp_path / "2.npz", weights=np.eye(3)))
    assert "expected b (measurements) or Z" in refusal(saved(tmp_path / "3.npz", Z=None))


# refused: headers, before any data is read -------------------------------------------------------


def test_pickle_is_never_loaded(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    path = tmp_path / "x.npz"
    np.savez(path, **{**arrays(), "X": np.array([Bomb()], dtype=object)})
    assert "X: holds Python objects" in refusal(path)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "array",
    [
        np.ones((3, 2), dtype=complex),
        np.full((3, 2), "x"),
        np.full((3, 2), b"x"),
        np.zeros((3, 2), dtype="M8[s]"),
        np.zeros((3, 2), dtype=[("re", float), ("im", float)]),
        np.zeros((3, 2), dtype="V8"),
        np.ones((3, 2), dtype=np.longdouble),
    ],
    ids=lambda array: str(array.dtype)[:12],
)
def test_dtypes_that_are_not_real_numbers(tmp_path, array):
    if array.dtype == np.float64:
        pytest.skip("long double is double here")
    assert "X: expected real numbers, got dtype" in refusal(saved(tmp_path / "x.npz", X=array))


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 2, 1), "of 2 dimensions"),
        ((6,), "expected 3 rows"),
        ((), "of 2 dimensions"),
        ((0, 2), "is empty"),
        ((-3, -2), "impossible shape"),
        ((2, 2), "but holds"),
        ((10**5, 10**5), "but holds"),
        ((10**30, 10**30), "but holds"),
    ],
)
def test_shapes_that_lie(tmp_path, shape, words):
    path = zipped(tmp_path / "x.npz", members(X=npy(arrays()["X"], shape=shape)))
    line = refusal(path)
    assert words in line
    assert ": X: " in line


def test_bomb_that_declares_what_it_holds_is_refused_before_it_is_decompressed(tmp_path):
    """64 MB of zeros in 64 kB: the sizes add up, and reading is what must not happen."""
    count = 8_000_000
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members():
            archive.writestr(name, content)
        with archive.open("b.npy", "w") as stream:
            header = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                header, {"descr": "<f8", "fortran_order": False, "shape": (count,)}
            )
            stream.write(header.getvalue())
            for _ in range(count // 1_000_000):
                stream.write(bytes(8_000_000))
    assert path.stat().st_size < 1_000_000
    tracemalloc.start()
    line = refusal(path, max_bytes=5 * 10**7)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "b: declares shape (8000000,), 64 MB" in line
    assert peak < 5_000_000


def test_sizes_count_together(tmp_path):
    """Each array is below the limit; one after another they are not."""
    path = tmp_path / "x.npz"
    np.savez_compressed(
        path, A=np.zeros((1000, 3, 3)), b=np.zeros(1000), Z=np.zeros((3, 300)), X=np.zeros((3, 300))
    )
    assert "X: declares shape (3, 300)" in refusal(path, max_bytes=8 * (9000 + 1000 + 900 + 899))
    assert "limit" not in refusal(path, max_bytes=8 * (9000 + 1000 + 900 + 900))


def test_small_integers_count_as_float64(tmp_path):
    path = tmp_path / "x.npz"
    np.savez_compressed(
        path, A=np.zeros((4000, 2, 2), dtype=np.int8), b=np.ones(4000, dtype=np.int8)
    )
    assert "A: declares shape (4000, 2, 2), 128 kB" in refusal(path, max_bytes=100_000)


def test_size_in_the_directory_that_lies(tmp_path):
    """The directory says that X is longer than its data."""
    path = zipped(tmp_path / "x.npz", members(), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the last entry is X
    size = struct.unpack_from("<I", data, at + 24)[0]
    struct.pack_into("<II", data, at + 20, size + 800, size + 800)
    path.write_bytes(data)
    assert "X: " in refusal(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not npy",
        b"\x93NUMPY\x09\x00",
        b"\x93NUMPY\x01\x00\xff\xff{",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
    ],
)
def test_member_without_a_readable_header(tmp_path, content):
    assert "X: has no readable .npy header" in refusal(
        zipped(tmp_path / "x.npz", members(X=content))
    )


@pytest.mark.parametrize(
    "text", ["((((" * 2000, "{'descr': '<f8'}", "{'shape': (1,), 'x': __import__('os')}", "\0" * 50]
)
def test_hostile_headers(tmp_path, text):
    header = text.encode() + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header
    assert "X: has no readable .npy header" in refusal(
        zipped(tmp_path / "x.npz", members(X=content))
    )


# refused: values ---------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["A", "Z", "X", "b", "weights"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_numbers_that_are_not_finite(tmp_path, key, value):
    content = {**arrays(), "b": np.ones(4)}
    if key == "weights":
        content.update(A=None, b=None, weights=np.eye(3))
    content[key] = np.array(content[key], dtype=float)
    content[key].flat[-1] = value
    assert f"{key}: expected finite numbers, got 1 not finite" in refusal(
        saved(tmp_path / "x.npz", **content)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"A": np.zeros((2, 3, 4))}, "A: expected shape (m, n, n)"),
        ({"A": np.arange(9.0).reshape(1, 3, 3)}, "A: expected symmetric A_i"),
        ({"A": None, "weights": np.ones((3, 4))}, "weights: expected a square matrix"),
        ({"A": None, "weights": np.zeros((3, 3))}, "weights: expected at least one nonzero weight"),
        ({"b": np.ones(5)}, "b: expected 4 measurements, as A has them, got 5"),
        (
            {"A": None, "vectors": np.eye(3)[:2], "b": np.ones(3)},
            "b: expected 2 measurements, as vectors has them, got 3; vectors holds the a_i as rows:"
            " is it transposed?",
        ),
        (
            {"A": None, "vectors": np.eye(3)[:2], "b": np.ones(4)},
            "b: expected 2 measurements, as vectors has them, got 4",
        ),
        ({"b": np.ones(3)}, "b: expected 4 measurements, as A has them, got 3"),
        ({"b": np.ones((2, 2))}, "b: expected an array of 1 dimensions, got shape (2, 2)"),
        ({"b": np.ones((1, 1, 4))}, "b: expected an array of 1 dimensions, got shape (1, 1, 4)"),
        ({"b": np.zeros(4)}, "b: expected a nonzero vector"),
        ({"Z": np.zeros((3, 2))}, "Z: expected a nonzero vector"),
        ({"Z": np.ones((4, 2))}, "Z: expected 3 rows, got shape (4, 2)"),
        ({"X": np.ones((2, 2))}, "X: expected 3 rows"),
        ({"X": np.zeros((3, 2))}, "X: expected a nonzero point"),
        ({"X": np.ones((3, 1)), "rank": 2}, "X: expected 2 columns"),
        ({"rank": 0}, "rank: expected a rank that is a whole number in 1..3, got 0"),
        ({"rank": 4}, "rank: expected a rank that is a whole number in 1..3, got 4"),
        ({"rank": 1.5}, "rank: expected a rank that is a whole number in 1..3, got 1.5"),
        ({"rank": np.array([1, 2])}, "rank: expected an array of 0 dimensions"),
        ({"rank": [[[1]]]}, "rank: expected an array of 0 dimensions, got shape (1, 1, 1)"),
        ({"X": np.ones((3, 4))}, "X: expected a rank that is a whole number in 1..3, got 4"),
        (
            {"A": np.full((1, 3, 3), 1e300), "Z": np.full((3, 2), 1e300)},
            "Z: expected finite numbers",
        ),
    ],
)
def test_values_that_do_not_fit(tmp_path, changes, words):
    line = refusal(saved(tmp_path / "x.npz", **changes))
    assert words in line
    if "got" in words:
        assert line.endswith(words)


def test_a_refusal_comes_whole_from_another_process(tmp_path):
    error = InstanceFileError(tmp_path / "x.npz", "expected one: two", "A")
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back)) == (InstanceFileError, str(error))
    assert (back.path, back.problem, back.key) == (error.path, error.problem, error.key)


def test_the_name_of_an_argument_is_what_stands_before_the_first_colon():
    assert without_name(ValueError("A: expected one: two")) == "expected one: two"
    assert without_name(ValueError("expected one")) == "expected one"


def test_long_double_overflow_cannot_pass_as_infinity(tmp_path):
    assert "X: expected real numbers" in refusal(
        saved(tmp_path / "x.npz", X=np.full((3, 2), 2, dtype=np.longdouble))
    )


# anything at all ---------------------------------------------------------------------------------


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 40),
)
def test_damaged_bytes_are_read_or_refused_and_nothing_else(tmp_path, flips, cut):
    good = saved(tmp_path / "good.npz")
    data = bytearray(good.read_bytes())
    for at, mask in flips:
        data[at % len(data)] ^= mask
    path = tmp_path / "damaged.npz"
    path.write_bytes(data[: len(data) - cut] if cut < 20 else data)
    with contextlib.suppress(InstanceFileError):
        assert load_instance(path).problem.n == 3


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=200))
def test_any_bytes_as_a_member(tmp_path, content):
    path = zipped(tmp_path / "any.npz", members(X=content))
    assert ": X: " in refusal(path)


def test_line_is_one_line_whatever_the_name(tmp_path):
    path = tmp_path / "two\nlines.npz"
    path.write_bytes(b"x")
    with pytest.raises(InstanceFileError) as caught:
        load_instance(path)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_without_its_ending_and_a_wrong_separator_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    sensing.save_instance("mine.npz", sensing.instance("two-by-two"))
    with pytest.raises(ValueError, match=r"got 'mine' \(did you mean 'mine.npz'\?\)"):
        sensing.parse_instance("mine")
    with pytest.raises(ValueError, match=r"expected gaussian:key=value,\.\.\. with commas between"):
        sensing.parse_instance("gaussian:n=5:m=6")


def test_a_number_at_the_end_of_a_name_is_no_ending(tmp_path):
    for name, file in (("noise_0.1", "noise_0.1.npz"), ("plain", "plain.npz"), ("A.NPZ", "A.NPZ")):
        sensing.save_instance(tmp_path / name, sensing.instance("two-by-two"))
        assert (tmp_path / file).is_file()
    for name in ("mine.txt", "mine.m"):
        with pytest.raises(ValueError, match=r"path: expected a file that ends in \.npz"):
            sensing.save_instance(tmp_path / name, sensing.instance("two-by-two"))


@pytest.mark.parametrize("name", ["two-by-two", "real-system", "two-clusters"])
def test_a_file_is_never_taken_for_a_published_instance(tmp_path, name) -> None:
    path = tmp_path / f"{name}.npz"
    sensing.save_instance(path, sensing.instance("gaussian", n=2, m=3))
    ours = name if name == "two-clusters" else f"{name}.npz"
    assert sensing.load_instance(path).name == ours
