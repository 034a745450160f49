"""The reader of `.mat` files against scipy's on sound files, and on files no reader may trust."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import io as scipy_io
from scipy import sparse

from lift_compare.sensing.instances.matlab_format import Damaged, list_variables, read_variable

MATRIX, COMPRESSED, LIMIT = 14, 15, 10**6


def saved(compressed: bool = False, **variables) -> io.BytesIO:
    file = io.BytesIO()
    scipy_io.savemat(file, variables, do_compression=compressed)
    return file


def read(file: io.BytesIO, limit: int = LIMIT) -> dict:
    return {each.name: read_variable(file, each, limit) for each in list_variables(file)}


def element(order: str, kind: int, data: bytes, small: bool = False) -> bytes:
    if small:
        return struct.pack(order + "I", len(data) << 16 | kind) + data.ljust(4, b"\0")
    return struct.pack(order + "II", kind, len(data)) + data.ljust(
        len(data) + -len(data) % 8, b"\0"
    )


def written(
    *data: bytes, class_: int, shape: tuple[int, ...], order: str = "<", flags: int = 0
) -> io.BytesIO:
    """A file with one variable x, whose data are elements as `element` makes them."""
    parts = [
        element(order, 6, struct.pack(order + "II", class_ | flags, 0)),
        element(order, 5, struct.pack(f"{order}{len(shape)}i", *shape)),
        element(order, 1, b"x", small=True),
        *data,
    ]
    head = b"made by hand".ljust(124) + struct.pack(order + "H", 0x100)
    mark = b"IM" if order == "<" else b"MI"
    return io.BytesIO(head + mark + element(order, MATRIX, b"".join(parts)))


DTYPES = ["f8", "f4", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "bool"]


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_arrays_are_those_that_scipy_reads(dtype: str, compressed: bool, data) -> None:
    shapes = arrays.array_shapes(min_dims=2, max_dims=4, min_side=0, max_side=5)
    file = saved(compressed, x=data.draw(arrays.arrays(dtype, shapes)), y=1.0)
    theirs = scipy_io.loadmat(file)["x"]
    ours = read(file)["x"]
    np.testing.assert_array_equal(ours, theirs)
    assert ours.shape == theirs.shape


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("name", ["ab", "weights", "weightss"])
def test_names_of_any_length_and_the_bytes_that_fill_them_up(name: str, compressed: bool) -> None:
    assert read(saved(compressed, **{name: 2.5, "y": 1.0})) == {name: 2.5, "y": 1.0}


def test_whole_numbers_keep_their_digits_and_singles_their_type() -> None:
    """As float64, 2⁵³ + 1 is 2⁵³."""
    assert read(saved(x=np.int64([[2**53 + 1]])))["x"].item() == 2**53 + 1
    assert read(saved(x=np.float32([[0.5]])))["x"].dtype == np.float32


@pytest.mark.parametrize(("class_", "empty"), [(6, np.zeros((0, 3))), (4, "")])
def test_what_is_empty_needs_no_data(class_: int, empty) -> None:
    np.testing.assert_array_equal(read(written(class_=class_, shape=(0, 3)))["x"], empty)


def test_arrays_larger_than_a_chunk_are_read_from_a_compressed_file() -> None:
    array = np.random.default_rng(0).standard_normal((300, 400))
    np.testing.assert_array_equal(read(saved(True, x=array, y=2.0))["x"], array)


@pytest.mark.parametrize("text", ["", "a", "Grüße", "\N{MATHEMATICAL BOLD SMALL X}y"])
def test_texts(text: str) -> None:
    assert read(saved(x=text)) == {"x": text}


def test_rows_of_texts() -> None:
    assert read(saved(x=np.array(["abc", "def"]))) == {"x": "abc\ndef"}
    assert read(saved(x=np.array([["abc", "def"], ["ghi", "jkl"]]))) == {"x": "abc\ndef\nghi\njkl"}


def test_a_text_of_one_row_is_what_its_bytes_say() -> None:
    """MATLAB counts units of two bytes, of which some characters take two; a byte may be wrong."""
    two_units = element("<", 17, "\N{MATHEMATICAL BOLD SMALL X}y".encode("utf-16-le"))
    assert read(written(two_units, class_=4, shape=(1, 3))) == {
        "x": "\N{MATHEMATICAL BOLD SMALL X}y"
    }
    wrong = element("<", 16, b"a\xffb")
    assert read(written(wrong, class_=4, shape=(1, 3))) == {"x": "a\N{REPLACEMENT CHARACTER}b"}


@given(
    dense=arrays.arrays(
        "f8",
        arrays.array_shapes(min_dims=2, max_dims=2),
        elements=st.sampled_from([0.0, 0.0, 1.5, -2.0]),
    )
)
def test_sparse_matrices(dense) -> None:
    for matrix in (sparse.csc_array(dense), sparse.csc_array(dense != 0)):
        found = read(saved(x=matrix))["x"]
        np.testing.assert_array_equal(found.toarray(), matrix.toarray())


def test_of_what_is_no_array_only_the_kind_is_told() -> None:
    cell = np.empty((1, 2), dtype=object)
    cell[0, 0], cell[0, 1] = np.ones(3), "ab"
    file = saved(cell=cell, struct={"seed": 1}, z=np.ones((2, 2)) * 1j)
    assert [(each.name, each.kind) for each in list_variables(file)] == [
        ("cell", "cell"),
        ("struct", "struct"),
        ("z", "complex array"),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_both_byte_orders_and_whole_numbers_stored_as_bytes(order: str) -> None:
    """MATLAB stores doubles without fractions in the smallest type of integers that holds them."""
    file = written(
        element(order, 2, bytes([1, 2, 3]), small=True), class_=6, shape=(1, 3), order=order
    )
    array = read(file)["x"]
    assert array.dtype == np.float64
    assert array.tolist() == [[1, 2, 3]]
    numbers = struct.pack(order + "2d", 0.5, -1.5)
    file = written(element(order, 9, numbers), class_=6, shape=(2, 1), order=order)
    assert read(file)["x"].tolist() == [[0.5], [-1.5]]
    text = element(order, 17, "né".encode("utf-16-le" if order == "<" else "utf-16-be"))
    assert read(written(text, class_=4, shape=(1, 2), order=order)) == {"x": "né"}


def ints(*values: int) -> bytes:
    return element("<", 5, struct.pack(f"<{len(values)}i", *values))


def floats(*values: float) -> bytes:
    return element("<", 9, struct.pack(f"<{len(values)}d", *values))


def test_a_sparse_matrix_with_room_for_more_entries() -> None:
    file = written(ints(0, 2, 0, 0), ints(0, 1, 2), floats(5, 7, 0, 0), class_=5, shape=(3, 2))
    np.testing.assert_array_equal(read(file)["x"].toarray(), [[5, 0], [0, 0], [0, 7]])


def test_the_columns_of_a_sparse_matrix_count_as_an_index_each() -> None:
    data = (ints(2), ints(0, 0, 0, 0, 1), floats(5))
    file = written(*data, class_=5, shape=(3, 4))
    assert read(file, limit=8 * 4)["x"].toarray()[2, 3] == 5
    with pytest.raises(Damaged, match=r"has the shape \(3, 4\)"):
        read(file, limit=8 * 4 - 1)


SPARSE = {
    "rows outside": ((ints(0, 1536), ints(0, 1, 2), floats(1, 2)), (3, 2)),
    "a row just outside": ((ints(0, 3), ints(0, 1, 2), floats(1, 2)), (3, 2)),
    "a row below zero": ((ints(0, -1), ints(0, 1, 2), floats(1, 2)), (3, 2)),
    "columns that go back": ((ints(0, 1), ints(0, 2, 1), floats(1, 2)), (3, 2)),
    "columns that begin late": ((ints(0, 1), ints(1, 1, 2), floats(1, 2)), (3, 2)),
    "more columns than entries": ((ints(0, 1), ints(0, 1, 3), floats(1, 2)), (3, 2)),
    "too few columns": ((ints(0, 1), ints(0, 2), floats(1, 2)), (3, 2)),
    "too few values": ((ints(0, 1), ints(0, 1, 2), floats(1)), (3, 2)),
    "rows that are floats": ((floats(0, 1), ints(0, 1, 2), floats(1, 2)), (3, 2)),
    "three axes": ((ints(0, 1), ints(0, 1, 2), floats(1, 2)), (3, 2, 1)),
    "columns without end": ((ints(0), ints(0, 1), floats(1)), (3, 2**31 - 1)),
}


@pytest.mark.parametrize(("data", "shape"), SPARSE.values(), ids=SPARSE)
def test_a_sparse_matrix_whose_parts_do_not_fit_is_damaged(data, shape) -> None:
    with pytest.raises(Damaged):
        read(written(*data, class_=5, shape=shape))


ARRAYS = {
    "no class": ((floats(1),), 0, (1, 1)),
    "a class of none": ((floats(1),), 18, (1, 1)),
    "too few numbers": ((floats(1),), 6, (1, 2)),
    "too many numbers": ((floats(1, 2),), 6, (1, 1)),
    "no data": ((), 6, (1, 1)),
    "a side below zero": ((floats(1),), 6, (-1, -1)),
    "one axis": ((floats(1),), 6, (1,)),
    "34 axes": ((floats(1),), 6, (1,) * 34),
    "a type of none": ((element("<", 8, bytes(8)),), 6, (1, 1)),
    "a matrix for numbers": ((element("<", 14, bytes(8)),), 6, (1, 1)),
    "a text of numbers": ((floats(1),), 4, (1, 2)),
    "a text too short": ((element("<", 16, b"abc"),), 4, (2, 2)),
    "a text longer than its characters": ((element("<", 1, bytes(9)),), 4, (1, 2)),
    "a small element of five bytes": ((struct.pack("<I", 5 << 16 | 2) + bytes(4),), 6, (1, 4)),
    "a small element of eight bytes": (
        (struct.pack("<I", 8 << 16 | 9) + bytes(8),),
        6,
        (1, 1),
    ),
}


@pytest.mark.parametrize(("data", "class_", "shape"), ARRAYS.values(), ids=ARRAYS)
def test_an_array_that_is_not_what_it_says_is_damaged(data, class_, shape) -> None:
    with pytest.raises(Damaged):
        read(written(*data, class_=class_, shape=shape))


@pytest.mark.parametrize(
    "tail",
    [
        b"abc",
        struct.pack("<II", MATRIX, 100),
        struct.pack("<II", 9, 8) + bytes(8),
        struct.pack("<II", MATRIX, 8) + bytes(8),
        struct.pack("<II", COMPRESSED, 8) + bytes(8),
        struct.pack("<II", COMPRESSED, 16) + zlib.compress(bytes(4)).ljust(16),
    ],
    ids=["half a tag", "longer than the file", "no variable", "no flags", "not packed", "no more"],
)
def test_what_follows_the_variables_is_checked(tail: bytes) -> None:
    file = io.BytesIO(saved(x=1.0).getvalue() + tail)
    with pytest.raises(Damaged):
        read(file)


def test_an_empty_element_and_matlabs_own_data_are_passed_over() -> None:
    empty = struct.pack("<II", MATRIX, 0)
    file = io.BytesIO(saved(x=1.0).getvalue() + empty)
    assert list(read(file)) == ["x"]


def test_an_object_of_matlab_has_no_sizes() -> None:
    parts = [element("<", 6, struct.pack("<II", 17, 0)), element("<", 1, b"day", small=True)]
    parts += [element("<", 1, b"MCOS", small=True), element("<", 1, b"datetime")]
    file = io.BytesIO(saved().getvalue() + element("<", MATRIX, b"".join(parts)))
    (found,) = list_variables(file)
    assert (found.name, found.kind, found.shape) == ("day", "opaque", (1, 1))


FLAGS, SIZES = element("<", 6, struct.pack("<II", 6, 0)), ints(1, 1)
HEADS = {
    "flags of another type": (ints(6, 0), SIZES),
    "flags of six bytes": (element("<", 6, bytes([6, 0, 0, 0, 0, 0])), SIZES),
    "sizes of another type": (FLAGS, element("<", 6, struct.pack("<II", 1, 1))),
    "sizes below zero": (FLAGS, ints(-1, 1)),
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_a_variable_that_does_not_say_what_it_is_is_damaged(head: tuple[bytes, bytes]) -> None:
    variable = b"".join([*head, element("<", 1, b"x", small=True), floats(1)])
    with pytest.raises(Damaged):
        list(list_variables(io.BytesIO(saved().getvalue() + element("<", MATRIX, variable))))


@pytest.mark.parametrize("compressed", [False, True])
def test_no_variable_reads_on_into_the_next(compressed: bool) -> None:
    """Its last number lies behind its end, and is an empty element of the file as well."""
    whole = written(
        floats(1.5, struct.unpack("<d", struct.pack("<II", MATRIX, 0))[0]), class_=6, shape=(1, 2)
    ).getvalue()
    head, variable = whole[:128], whole[136:]
    if compressed:
        packer = zlib.compressobj(0)  # the bytes as they are
        packed = packer.compress(struct.pack("<II", MATRIX, len(variable)) + variable)
        packed = (packed + packer.flush())[:-4]  # without the checksum behind them
        tag = struct.pack("<II", COMPRESSED, len(packed) - 8)
    else:
        packed, tag = variable, struct.pack("<II", MATRIX, len(variable) - 8)
    file = io.BytesIO(head + tag + packed)
    (found,) = list_variables(file)
    with pytest.raises(Damaged, match="ends too early"):
        read_variable(file, found, LIMIT)
