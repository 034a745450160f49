"""Variables of a `.mat` file, version 5 to 7, each read when it is asked for.

scipy.io takes what a file says on trust: one byte wrong in a type, a length or an index of a sparse
matrix, and it reads beyond its memory and ends the interpreter. So arrays of numbers, texts and
sparse matrices are read here, every length checked before it is used; of any other variable (cell,
struct, object) only its name and kind.

The format is MathWorks' "MAT-File Format". An element is a tag of 8 bytes, type and length of its
data, and the data, filled up to 8 bytes; data of up to 4 bytes stands in the tag itself. A variable
is an element, maybe compressed, of elements: flags, sizes, name, data.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import IO, Any, Protocol

import numpy as np
from scipy import sparse

_CHUNK = 2**16
_LONGEST_NAME, _MOST_AXES = 63, 32

# Types of elements.
_INT32, _UINT32, _MATRIX, _COMPRESSED = 5, 6, 14, 15
_NUMBERS = dict(
    zip(
        (1, 2, 3, 4, 5, 6, 7, 9, 12, 13),
        ("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", "i8", "u8"),
        strict=True,
    )
)
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}

# Classes of variables, and the flags beside them.
FLOATS = ("double", "single")
INTEGERS = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
COMPLEX = "complex array"
_CLASSES = ("cell", "struct", "object", "char", "sparse", *FLOATS, *INTEGERS, "function", "opaque")
_KINDS = dict(enumerate(_CLASSES, start=1))
_LOGICAL, _COMPLEX = 0x200, 0x800


class Damaged(ValueError):  # noqa: N818 - it becomes a refusal by the name of the file
    """The elements of a file do not fit together."""


@dataclass(frozen=True)
class Variable:
    """What a file says of a variable before its data is read."""

    name: str
    shape: tuple[int, ...]
    kind: str
    """double, single, int8 to uint64, logical, char, sparse; complex array; cell, struct, ..."""
    position: int
    """Where its element begins in the file."""


def list_variables(file: IO[bytes]) -> Iterator[Variable]:
    """Yield the variables of a file, without their data.

    Raises
    ------
    Damaged
        Where the file does not keep to the format.
    """
    size = file.seek(0, os.SEEK_END)
    position = 128
    while position < size:
        file.seek(position)
        _, length = struct.unpack(_order(file) + "II", _Plain(file, 8).read(8))
        end = position + 8 + length
        if end > size:
            raise Damaged("an element is longer than the file")
        variable, _ = _header(file, position)
        if variable is not None and variable.name:  # MATLAB's own data has no name
            yield variable
        position = end


def read_variable(file: IO[bytes], variable: Variable, max_bytes: int) -> Any:
    """Return the data of a variable: an array, a text, or a sparse matrix.

    `max_bytes` limits what a sparse matrix may take; that of an array follows from its shape.

    Raises
    ------
    Damaged
        Where the data does not fit what was declared, or a sparse matrix exceeds `max_bytes`.
    """
    _, data = _header(file, variable.position)
    if variable.kind == "sparse":
        return _sparse(data, variable.shape, max_bytes)
    if variable.kind == "char":
        return _text(data, variable.shape)
    count = prod(variable.shape)
    array = data.numbers(count, 8 * count) if count else np.zeros(0)
    if variable.kind in FLOATS and array.dtype.kind in "iu":  # whole numbers are stored as such
        array = array.astype(np.float64)
    if variable.kind == "logical":
        array = array != 0
    return array.reshape(variable.shape, order="F")


class _Bytes(Protocol):
    def read(self, count: int) -> bytes: ...  # pragma: no cover - a protocol


class _Plain:
    """The bytes of an element as they lie in the file."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._length = file, length

    def read(self, count: int) -> bytes:
        data = self._file.read(min(count, self._length))
        self._length -= len(data)
        if len(data) < count:
            raise Damaged("an element ends too early")
        return data


class _Unpacked:
    """The bytes of a compressed element, decompressed as far as they are asked for."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file, self._length = file, length
        self._unpack = zlib.decompressobj()

    def read(self, count: int) -> bytes:
        parts = []
        while count > 0:
            packed = self._unpack.unconsumed_tail
            if not packed:
                packed = self._file.read(min(_CHUNK, self._length))
                self._length -= len(packed)
            if not packed:
                raise Damaged("a compressed element ends too early")
            try:
                parts.append(self._unpack.decompress(packed, count))
            except zlib.error as error:
                raise Damaged("a compressed element cannot be decompressed") from error
            count -= len(parts[-1])
        return b"".join(parts)


class _Elements:
    """The elements of a variable, one after the other."""

    def __init__(self, data: _Bytes, order: str) -> None:
        self._data, self._order = data, order

    def tag(self) -> tuple[int, int, bytes]:
        """Return type and length of the next element, and the last four bytes of its tag."""
        tag = self._data.read(8)
        kind, length = struct.unpack(self._order + "II", tag)
        if kind >> 16:  # a small element: length and type share the first four bytes
            kind, length = kind & 0xFFFF, kind >> 16
            if length > 4:
                raise Damaged("a small element has more than four bytes")
            return kind, length, tag[4:]
        return kind, length, b""

    def element(self, longest: int) -> tuple[int, bytes]:
        """Return type and data of the next element, which has at most `longest` bytes."""
        kind, length, small = self.tag()
        if length > longest:
            raise Damaged(f"an element has {length} bytes, expected at most {longest}")
        if small:
            return kind, small[:length]
        data = self._data.read(length)
        self._data.read(-length % 8)
        return kind, data

    def integers(self, kind: int, most: int) -> list[int]:
        """Return the next element, of one type, with up to `most` integers of 32 bits."""
        found, data = self.element(4 * most)
        if found != kind or len(data) % 4:
            raise Damaged(f"expected an element of type {kind}, got {found}")
        return list(struct.unpack(f"{self._order}{len(data) // 4}i", data))

    def numbers(self, count: int | None, longest: int) -> Any:
        """Return the next element, of up to `longest` bytes, as numbers: `count` or any number."""
        kind, data = self.element(longest)
        if kind not in _NUMBERS:
            raise Damaged(f"expected numbers, got an element of type {kind}")
        dtype = np.dtype(self._order + _NUMBERS[kind])
        if len(data) % dtype.itemsize or count not in (None, len(data) // dtype.itemsize):
            raise Damaged(f"expected {count} numbers, got {len(data)} bytes")
        return np.frombuffer(data, dtype).astype(dtype.newbyteorder("="))

    def text(self, longest: int) -> str:
        """Return the next element, of up to `longest` bytes, as a text."""
        kind, data = self.element(longest)
        if kind not in _TEXTS:
            raise Damaged(f"expected a text, got an element of type {kind}")
        ending = {"<": "-le", ">": "-be"}[self._order] if _TEXTS[kind][-2:] in ("16", "32") else ""
        return data.decode(_TEXTS[kind] + ending, "replace")


def _order(file: IO[bytes]) -> str:
    """Return the byte order as `struct` writes it, leaving the file where it is."""
    position = file.tell()
    file.seek(126)
    order = "<" if file.read(2) == b"IM" else ">"
    file.seek(position)
    return order


def _header(file: IO[bytes], position: int) -> tuple[Variable | None, _Elements]:
    """Read a variable up to its data: None for an empty element, else what it declares."""
    file.seek(position)
    order = _order(file)
    kind, length = struct.unpack(order + "II", file.read(8))
    data: _Bytes = _Plain(file, length)
    if kind == _COMPRESSED:
        data = _Unpacked(file, length)
        kind, length = struct.unpack(order + "II", data.read(8))
    if kind != _MATRIX:
        raise Damaged(f"expected a variable, got an element of type {kind}")
    elements = _Elements(data, order)
    if length == 0:
        return None, elements
    flags = elements.integers(_UINT32, most=2)
    if len(flags) != 2 or flags[0] & 0xFF not in _KINDS:
        raise Damaged("a variable has no class")
    class_, bits = _KINDS[flags[0] & 0xFF], flags[0]
    shape = elements.integers(_INT32, most=_MOST_AXES) if class_ != "opaque" else [1, 1]
    if len(shape) < 2 or min(shape) < 0:
        raise Damaged(f"a variable has the shape {shape}")
    name = elements.text(_LONGEST_NAME)
    if bits & _COMPLEX and class_ in (*FLOATS, *INTEGERS, "sparse"):
        class_ = COMPLEX
    elif bits & _LOGICAL and class_ in (*FLOATS, *INTEGERS):
        class_ = "logical"
    return Variable(name, tuple(shape), class_, position), elements


def _text(data: _Elements, shape: tuple[int, ...]) -> str:
    """Return an array of characters, stored by columns, as its rows."""
    text = data.text(4 * prod(shape)) if prod(shape) else ""
    rows = prod(shape[:-1])
    if rows <= 1:
        return text
    if len(text) != prod(shape):
        raise Damaged(f"expected {prod(shape)} characters, got {len(text)}")
    letters = np.array(list(text)).reshape(shape, order="F").reshape(rows, shape[-1])
    return "\n".join("".join(row) for row in letters)


def _sparse(data: _Elements, shape: tuple[int, ...], max_bytes: int) -> sparse.coo_array:
    """Return a matrix stored by columns: rows of its entries, where columns begin, values."""
    if len(shape) != 2 or 8 * shape[1] > max_bytes:  # an index for each column
        raise Damaged(f"a sparse matrix has the shape {shape}")
    rows = data.numbers(None, max_bytes)
    begins = data.numbers(shape[1] + 1, max_bytes)
    count = int(begins[-1])
    fits = begins.dtype.kind in "iu" and rows.dtype.kind in "iu" and begins[0] == 0
    if not fits or np.any(begins[:-1] > begins[1:]) or count > len(rows):
        raise Damaged("the columns of a sparse matrix do not fit its entries")
    rows = rows[:count]  # room for further entries may follow
    if count and not (rows.min() >= 0 and rows.max() < shape[0]):
        raise Damaged("an entry of a sparse matrix lies outside it")
    values = data.numbers(None, max_bytes)[:count]
    if len(values) != count:
        raise Damaged(f"a sparse matrix has {count} entries, got {len(values)} values")
    columns = np.repeat(np.arange(shape[1]), np.diff(begins))
    return sparse.coo_array((values.astype(np.float64), (rows, columns)), shape=shape)
