"""Arrays from `.npz` and `.npy` files: nothing is unpickled, and sizes are checked before reading.

First the list of members, then what their headers declare, then their data.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from dataclasses import dataclass
from math import prod
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from ..validation import show_bytes
from .contents import DIMENSIONS, Contents, InstanceFileError, Path_, shown_key, split_keys


@dataclass(frozen=True)
class _Member:
    """An array as its npy header declares it."""

    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """What it takes as float64, or more."""
        return prod(self.shape) * max(8, self.dtype.itemsize)


def read_npz(path: Path_, file: IO[bytes], max_bytes: int) -> Contents:
    """Return what an `.npz` archive holds."""
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # whatever a parser may raise on hostile bytes is the same refusal
        what = "not an .npz archive (not a zip file, or a damaged one)"
        raise InstanceFileError(path, what) from error
    with archive:
        members, skipped = _member_list(path, archive)
        known, extra, notes = split_keys(path, members)
        contents = Contents(notes=[*skipped, *notes])
        declared = {key: _declaration(path, archive, members[key], known=True) for key in known}
        left = max_bytes
        for key, member in declared.items():
            left -= member.bytes
            if left < 0:
                raise too_large(path, key, member.shape, member.bytes, max_bytes)
        for key, member in declared.items():
            contents.arrays[key] = _array(path, archive, key, member)
        for key in extra:
            try:
                member = _declaration(path, archive, members[key], known=False)
                left -= member.bytes
                if left < 0:
                    raise too_large(path, key, member.shape, member.bytes, max_bytes)
                array = _array(path, archive, key, member)
            except InstanceFileError as refusal:  # metadata is not worth an error
                what = f"the key {shown_key(key)} is left out: {refusal.problem}"
                contents.notes.append(what)
                continue
            contents.metadata[key] = array.item() if array.ndim == 0 else array
        return contents


def read_npy(path: Path_, file: IO[bytes], max_bytes: int) -> Any:
    """Return the one array of an `.npy` file, of real numbers."""
    data = file.read()  # no more than max_bytes: the size of the file was compared with it
    shape, dtype, start = _header(path, None, io.BytesIO(data))
    check_real(path, None, dtype)
    _check_length(path, None, shape, dtype, len(data) - start)
    size = prod(shape) * max(8, dtype.itemsize)
    if size > max_bytes:
        raise too_large(path, None, shape, size, max_bytes)
    return npy.read_array(io.BytesIO(data), allow_pickle=False)


def too_large(
    path: Path_, key: str | None, shape: tuple[int, ...], size: int, limit: int
) -> InstanceFileError:
    """Return the refusal of an array beyond the limit."""
    return InstanceFileError(
        path,
        f"declares shape {shape}, {show_bytes(size)}; the limit for all arrays together is "
        f"{show_bytes(limit)}",
        key,
    )


def _member_list(
    path: Path_, archive: zipfile.ZipFile
) -> tuple[dict[str, zipfile.ZipInfo], list[str]]:
    """Return the members by key, after a check of the list alone, and notes on what is no array."""
    members: dict[str, zipfile.ZipInfo] = {}
    notes = []
    for info in archive.infolist():
        key, name = info.filename.removesuffix(".npy"), info.filename
        if name == key:
            notes.append(f"the member {shown_key(name)} is left out: it is no .npy array")
            continue
        if key in members:
            raise InstanceFileError(path, "appears twice", key)
        members[key] = info
    return members, notes


def _declaration(
    path: Path_, archive: zipfile.ZipFile, info: zipfile.ZipInfo, *, known: bool
) -> _Member:
    """Return what the npy header declares, from the first bytes of the member, after checks."""
    key = info.filename.removesuffix(".npy")
    if info.flag_bits & 0x1:
        raise InstanceFileError(path, "is encrypted", key)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise InstanceFileError(path, "has a compression that numpy does not write", key)
    try:
        stream = archive.open(info)
    except Exception as error:
        raise InstanceFileError(path, "has no readable .npy header", key) from error
    with stream:
        shape, dtype, start = _header(path, key, stream)
    if known:
        check_numbers(path, key, shape, dtype)
    _check_length(path, key, shape, dtype, info.file_size - start)
    return _Member(info, shape, dtype)


def _header(
    path: Path_, key: str | None, stream: IO[bytes]
) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape, dtype and where the data begins."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = npy.read_magic(stream)
            readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            shape, _, dtype = readers[version](stream)
            start = stream.tell()
    except Exception as error:
        raise InstanceFileError(path, "has no readable .npy header", key) from error
    if dtype.hasobject:
        raise InstanceFileError(path, "holds Python objects (a pickle); expected real numbers", key)
    if dtype.kind not in "fiubcSU":
        raise InstanceFileError(path, f"expected real numbers, got dtype {dtype}", key)
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise InstanceFileError(path, "declares an impossible shape", key)
    return tuple(int(length) for length in shape), dtype, start


def _check_length(
    path: Path_, key: str | None, shape: tuple[int, ...], dtype: np.dtype[Any], held: int
) -> None:
    declared = prod(shape) * dtype.itemsize
    if declared != held:
        raise InstanceFileError(
            path,
            f"declares shape {shape} of {dtype} ({show_bytes(declared)}), "
            f"but holds {show_bytes(held)}",
            key,
        )


def check_real(path: Path_, key: str | None, dtype: np.dtype[Any]) -> None:
    """Refuse what is no real number of at most 8 bytes: a longer one may overflow to infinity."""
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise InstanceFileError(path, f"expected real numbers, got dtype {dtype}", key)


def check_numbers(path: Path_, key: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """Refuse an array that cannot be what its key says, by its dtype and its number of axes.

    One axis more or less is allowed where it has length one, or where a column is meant.
    """
    check_real(path, key, dtype)
    axes = DIMENSIONS[key]
    fits = len(shape) == axes
    if axes == 0:
        fits = prod(shape) == 1 and len(shape) <= 2
    elif axes == 1:
        fits |= len(shape) == 2 and 1 in shape
    elif key in ("X", "Z"):
        fits |= len(shape) == 1
    if not fits:
        what = f"expected an array of {axes} dimensions, got shape {shape}"
        raise InstanceFileError(path, what, key)
    if prod(shape) == 0:
        raise InstanceFileError(path, f"is empty: shape {shape}", key)


def _array(path: Path_, archive: zipfile.ZipFile, key: str, member: _Member) -> Any:
    try:
        with archive.open(member.info) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # All bytes of the member, as was declared: zipfile compares their checksum.
            return npy.read_array(stream, allow_pickle=False)
    except Exception as error:
        what = "its data cannot be read: truncated or damaged"
        raise InstanceFileError(path, what, key) from error
