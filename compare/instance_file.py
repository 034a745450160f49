"""Reading an instance from an `.npz` file that may come from anywhere: everything is checked before it is believed.

Keys of the archive (docs/verify.md has an example):

    A (m, n, n)  or  weights (n, n)     the operator: symmetric matrices, or weights of single entries
    b (m,)       or  Z (n, any)         the measurements, or the ground truth that gives them (both are allowed)
    X (n, r)     optional               the point to verify
    rank         optional               r, a whole number; otherwise the columns of X, else of Z, else 1
"""

from __future__ import annotations

import os
import stat
import warnings
import zipfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from lift_compare.sensing import DenseOperator, EntrywiseOperator, SensingProblem
from lift_compare.sensing.validation import FloatArray, real_array

from .tables import show_bytes

MAX_BYTES = 2**30
"""Default limit of what a file may declare, in bytes as float64: 1 GiB."""

_DIMENSIONS = {"A": 3, "weights": 2, "b": 1, "Z": 2, "X": 2, "rank": 0}
_MAX_HEADER = 10_000  # characters of an npy header; numpy's own limit


class InstanceFileError(ValueError):
    """A file that is not an instance, in one line that names the file, the key and what was expected."""

    def __init__(self, path: str | os.PathLike[str], problem: str, key: str | None = None) -> None:
        name = os.fspath(path)
        name = name if name.isprintable() else ascii(name)
        line = f"{name}: {problem}" if key is None else f"{name}: {key}: {problem}"
        super().__init__(" ".join(line.split()))


@dataclass(frozen=True)
class InstanceFile:
    """What a file holds: the problem, and the point X (n, r) to verify when the file gives one."""

    problem: SensingProblem
    X: FloatArray | None


@dataclass(frozen=True)
class _Member:
    """An array as its npy header declares it."""

    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def read_instance(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> InstanceFile:
    """Read a problem, and a point if there is one, from an `.npz` file.

    Nothing is unpickled. The list of members, and the sizes that their headers declare, are checked
    before any array is decompressed, so a small file cannot ask for a large allocation.

    Parameters
    ----------
    path : path
        The file.
    max_bytes : int
        Limit of the file and of all arrays together, counted as float64.

    Returns
    -------
    InstanceFile

    Raises
    ------
    InstanceFileError
        A ValueError of one line, for anything that is not a well-formed instance: no such file, not a zip archive,
        a missing, doubled or unknown key, a pickle, a dtype that is not real numbers, sizes beyond the limit or not
        matching the data, wrong shapes, NaN or infinity, matrices that are not symmetric, zero measurements.
    """
    try:
        # Opened without blocking, so that a named pipe is refused by its kind and not waited for.
        descriptor = os.open(
            path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        )
    except OSError as error:
        raise InstanceFileError(path, f"cannot be read: {error.strerror or error}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise InstanceFileError(path, "expected a regular file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > max_bytes:
            raise InstanceFileError(
                path, f"{show_bytes(status.st_size)} is over the limit of {show_bytes(max_bytes)}"
            )
        arrays = _read_arrays(path, file, max_bytes)
    return _assemble(path, arrays)


def _read_arrays(
    path: str | os.PathLike[str], file: IO[bytes], max_bytes: int
) -> dict[str, FloatArray]:
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # whatever a parser may raise on hostile bytes is the same refusal
        raise InstanceFileError(
            path, "not an .npz archive (not a zip file, or a damaged one)"
        ) from error
    with archive:
        members = _member_list(path, archive)
        declared = {key: _declaration(path, archive, key, info) for key, info in members.items()}
        total = 0
        for key, member in declared.items():
            size = prod(member.shape) * max(8, member.dtype.itemsize)
            total += size
            if total > max_bytes:
                raise InstanceFileError(
                    path,
                    f"declares shape {member.shape}, {show_bytes(size)}; the limit for all arrays "
                    f"together is {show_bytes(max_bytes)}",
                    key,
                )
        return {key: _array(path, archive, key, member) for key, member in declared.items()}


def _member_list(
    path: str | os.PathLike[str], archive: zipfile.ZipFile
) -> dict[str, zipfile.ZipInfo]:
    """Return the members by key, after a check of the list alone."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key = info.filename.removesuffix(".npy")
        if key not in _DIMENSIONS or info.filename == key:
            shown = ascii(info.filename if len(info.filename) <= 40 else info.filename[:37] + "...")
            raise InstanceFileError(
                path, f"unknown member {shown}; expected {', '.join(_DIMENSIONS)} as .npy arrays"
            )
        if key in members:
            raise InstanceFileError(path, "appears twice", key)
        if info.flag_bits & 0x1:
            raise InstanceFileError(path, "is encrypted", key)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InstanceFileError(path, "has a compression that numpy does not write", key)
        members[key] = info
    operators = [key for key in ("A", "weights") if key in members]
    if len(operators) != 1:
        raise InstanceFileError(
            path, f"expected either A or weights, got {' and '.join(operators) or 'neither'}"
        )
    if not {"b", "Z"} & members.keys():
        raise InstanceFileError(path, "expected b (measurements) or Z (ground truth), got neither")
    return members


def _declaration(
    path: str | os.PathLike[str], archive: zipfile.ZipFile, key: str, info: zipfile.ZipInfo
) -> _Member:
    """Return what the npy header declares, read from the first bytes of the member, after checking it."""
    try:
        with archive.open(info) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = npy.read_magic(stream)
            read_header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[
                version
            ]
            shape, _, dtype = read_header(stream, max_header_size=_MAX_HEADER)
            data_bytes = info.file_size - stream.tell()
    except Exception as error:
        raise InstanceFileError(path, "has no readable .npy header", key) from error
    if dtype.hasobject:
        raise InstanceFileError(path, "holds Python objects (a pickle); expected real numbers", key)
    if (
        dtype.kind not in "fiub" or dtype.itemsize > 8
    ):  # a longer float may overflow on its way to float64
        raise InstanceFileError(path, f"expected real numbers, got dtype {dtype}", key)
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise InstanceFileError(path, "declares an impossible shape", key)
    if len(shape) != _DIMENSIONS[key] and not (key == "rank" and shape == (1,)):
        raise InstanceFileError(
            path, f"expected an array of {_DIMENSIONS[key]} dimensions, got shape {shape}", key
        )
    if prod(shape) == 0:
        raise InstanceFileError(path, f"is empty: shape {shape}", key)
    if prod(shape) * dtype.itemsize != data_bytes:
        raise InstanceFileError(
            path,
            f"declares shape {shape} of {dtype} ({show_bytes(prod(shape) * dtype.itemsize)}), "
            f"but holds {show_bytes(data_bytes)}",
            key,
        )
    return _Member(info, tuple(int(length) for length in shape), dtype)


def _array(
    path: str | os.PathLike[str], archive: zipfile.ZipFile, key: str, member: _Member
) -> FloatArray:
    try:
        with archive.open(member.info) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array = npy.read_array(stream, allow_pickle=False, max_header_size=_MAX_HEADER)
            if array.shape != member.shape or stream.read(1):
                raise ValueError("the data does not match the header")
    except Exception as error:
        raise InstanceFileError(
            path, "its data cannot be read: truncated or damaged", key
        ) from error
    try:
        return real_array(key, array, member.shape)
    except (TypeError, ValueError) as error:
        raise InstanceFileError(path, _without_name(error), key) from error


def _assemble(path: str | os.PathLike[str], arrays: dict[str, FloatArray]) -> InstanceFile:
    """Build the problem; every refusal names the key of the file, not the argument of a constructor."""
    key = "A" if "A" in arrays else "weights"
    try:
        operator = (
            DenseOperator(arrays["A"]) if key == "A" else EntrywiseOperator(arrays["weights"])
        )
    except ValueError as error:
        raise InstanceFileError(path, _without_name(error), key) from error
    b, Z, X = (arrays.get(name) for name in ("b", "Z", "X"))
    if b is not None and b.shape != (operator.m,):
        raise InstanceFileError(
            path, f"expected {operator.m} measurements, got shape {b.shape}", "b"
        )
    for name, factor in (("Z", Z), ("X", X)):
        if factor is not None and len(factor) != operator.n:
            raise InstanceFileError(
                path, f"expected {operator.n} rows, got shape {factor.shape}", name
            )
    rank = _rank(path, arrays, operator.n)
    if X is not None and X.shape[1] != rank:
        raise InstanceFileError(
            path, f"expected {rank} columns (the rank), got shape {X.shape}", "X"
        )
    if X is not None and not np.any(X):
        raise InstanceFileError(path, "expected a nonzero point, got all zeros", "X")
    with np.errstate(all="ignore"):  # A(ZZᵀ) may overflow; it is then refused as not finite
        measurements = b if b is not None else operator.measure(arrays["Z"], arrays["Z"])
    try:
        problem = SensingProblem(operator, measurements, rank, Z)
    except (TypeError, ValueError) as error:
        raise InstanceFileError(path, _without_name(error), "Z" if b is None else "b") from error
    return InstanceFile(problem, X)


def _rank(path: str | os.PathLike[str], arrays: dict[str, FloatArray], n: int) -> int:
    if "rank" in arrays:
        key, value = "rank", float(arrays["rank"].reshape(-1)[0])
    else:
        key = next((name for name in ("X", "Z") if name in arrays), "rank")
        value = float(arrays[key].shape[1]) if key in arrays else 1.0
    if value != int(value) or not 1 <= value <= n:
        raise InstanceFileError(
            path, f"expected a rank that is a whole number in 1..{n}, got {value:g}", key
        )
    return int(value)


def _without_name(error: Exception) -> str:
    """Return the message of a refusal without the argument's name, which the key of the file replaces."""
    return str(error).partition(": ")[2] or str(error)


def instance_name(path: str | os.PathLike[str]) -> str:
    """Return a short name for tables and for files that are written: the file's name without its ending."""
    stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in Path(path).stem)
    return stem[:60].strip(".") or "instance"
