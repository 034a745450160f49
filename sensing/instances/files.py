"""Instances in `.npz` files. A file may come from anywhere: all is checked before it is believed.

Keys of the archive (docs/instances.md has an example):

    A (m, n, n), weights (n, n), vectors (m, n), or entries (m, 3) with n
                           the operator: symmetric matrices; weights of single entries; the a_i of
                           A_i = a_i a_iᵀ; or the weights as rows (i, j, w_ij), kept sparse
    b (m,)  or  Z (n, any) measurements, or the ground truth that gives them (both are allowed)
    X (n, r)     optional  the point of interest
    rank         optional  r, a whole number; otherwise the columns of X, else of Z. With b alone it
                           must be there
    settings (4,) optional order, ρ, η and T of the simulated lift
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
from scipy import sparse

from ..operators import (
    DenseOperator,
    EntrywiseOperator,
    RankOneOperator,
    SensingOperator,
)
from ..problem import SensingProblem
from ..validation import (
    FloatArray,
    InvalidType,
    InvalidValue,
    real_array,
    show_bytes,
    shown,
    whole_number,
)
from .definition import Instance, LiftSettings

MAX_BYTES = 2**30
"""Default limit of what a file may declare, in bytes as float64: 1 GiB."""

_OPERATORS = {"A": 3, "weights": 2, "vectors": 2, "entries": 2}
_DIMENSIONS = {**_OPERATORS, "n": 0, "b": 1, "Z": 2, "X": 2, "rank": 0, "settings": 1}
_MAX_HEADER = 10_000  # characters of an npy header; numpy's own limit

Path_ = str | os.PathLike[str]


class InstanceFileError(ValueError):
    """A file that is no instance: one line that names the file, the key and what was expected."""

    def __init__(self, path: Path_, problem: str, key: str | None = None) -> None:
        name = os.fspath(path)
        name = name if name.isprintable() else ascii(name)
        line = f"{name}: {problem}" if key is None else f"{name}: {key}: {problem}"
        super().__init__(" ".join(line.split()))


def save_instance(path: Path_, instance: Instance) -> None:
    """Write an instance as an `.npz` file that `load_instance` reads.

    The operator, the measurements, the rank, the ground truth, the point and the settings are kept;
    the name becomes that of the file. An operator of your own is kept as its matrices.

    Parameters
    ----------
    path : path
        The file; ".npz" is added where it is missing.
    instance : Instance
        What to write.

    Raises
    ------
    TypeError
        If it is not an Instance, or the path is none.

    Examples
    --------
    >>> import os, tempfile
    >>> from lift_compare import sensing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "mine.npz")
    ...     sensing.save_instance(path, sensing.instance("real-system"))
    ...     sensing.load_instance(path)
    Instance(mine: n = 3, m = 6, r = 1; order 5, ρ = 0.1, η = 0.1, T = 150000)
    """
    if not isinstance(instance, Instance):
        raise InvalidType(f"instance: expected an Instance, got {type(instance).__name__}")
    path = _path(path)
    problem, s = instance.problem, instance.settings
    arrays = _operator_arrays(problem.operator)
    arrays |= {"b": problem.measurements, "rank": problem.rank}
    if problem.ground_truth is not None:
        arrays["Z"] = problem.ground_truth
    if instance.point is not None:
        arrays["X"] = instance.point
    if s is not None:
        arrays["settings"] = np.array([s.order, s.rho, s.eta, s.steps])
    np.savez_compressed(path, **arrays)


def load_instance(path: Path_, *, max_bytes: int = MAX_BYTES) -> Instance:
    """Read an instance from an `.npz` file: a problem, and a point and settings if there are any.

    Nothing is unpickled. The list of members, and the sizes that their headers declare, are checked
    before any array is decompressed, so a small file cannot ask for a large allocation.

    Parameters
    ----------
    path : path
        The file; docs/instances.md lists its keys.
    max_bytes : int
        Limit of the file and of all arrays together, counted as float64; the n rows of `entries`
        count too.

    Returns
    -------
    Instance
        Named after the file.

    Raises
    ------
    InstanceFileError
        A ValueError of one line, for anything that is not a well-formed instance: no such file, not
        a zip archive, a missing, doubled or unknown key, a pickle, a dtype that is not real
        numbers, sizes beyond the limit or not matching the data, wrong shapes, NaN or infinity,
        matrices that are not symmetric, zero measurements.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from lift_compare import sensing
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "mine.npz")
    ...     np.savez(path, A=[np.eye(2), np.diag([1.0, -1.0])], Z=[[1.0], [0.0]])
    ...     sensing.load_instance(path)
    Instance(mine: n = 2, m = 2, r = 1)
    """
    path, max_bytes = _path(path), whole_number("max_bytes", max_bytes)
    try:
        # Opened without blocking, so that a named pipe is refused by its kind and not waited for.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(path, flags)
    except (OSError, ValueError) as error:  # a ValueError for a name with a null character
        why = getattr(error, "strerror", None) or error
        raise InstanceFileError(path, f"cannot be read: {why}") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise InstanceFileError(path, "expected a regular file")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > max_bytes:
            size, limit = show_bytes(status.st_size), show_bytes(max_bytes)
            raise InstanceFileError(path, f"{size} is over the limit of {limit}")
        arrays = _read_arrays(path, file, max_bytes)
    return _assemble(path, arrays, max_bytes)


def _path(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise InvalidType(f"path: expected the path of a file, got {shown(path)}")
    return os.fsdecode(path)


def _operator_arrays(operator: SensingOperator) -> dict[str, Any]:
    if isinstance(operator, RankOneOperator):
        return {"vectors": operator.vectors}
    if isinstance(operator, EntrywiseOperator):
        weights = operator.weights
        if not sparse.issparse(weights):
            return {"weights": weights}
        stored = sparse.coo_array(weights)
        return {"entries": np.stack([*stored.coords, stored.data], axis=1), "n": operator.n}
    return {"A": operator.matrices()}


# Reading: first the list of members, then what their headers declare, then their data ------------


@dataclass(frozen=True)
class _Member:
    """An array as its npy header declares it."""

    info: zipfile.ZipInfo
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _read_arrays(path: Path_, file: IO[bytes], max_bytes: int) -> dict[str, FloatArray]:
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # whatever a parser may raise on hostile bytes is the same refusal
        what = "not an .npz archive (not a zip file, or a damaged one)"
        raise InstanceFileError(path, what) from error
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


def _member_list(path: Path_, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the members by key, after a check of the list alone."""
    members: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        key, name = info.filename.removesuffix(".npy"), info.filename
        if key not in _DIMENSIONS or name == key:
            shown = ascii(name if len(name) <= 40 else name[:37] + "...")
            expected = ", ".join(_DIMENSIONS)
            raise InstanceFileError(
                path, f"unknown member {shown}; expected {expected} as .npy arrays"
            )
        if key in members:
            raise InstanceFileError(path, "appears twice", key)
        if info.flag_bits & 0x1:
            raise InstanceFileError(path, "is encrypted", key)
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InstanceFileError(path, "has a compression that numpy does not write", key)
        members[key] = info
    operators = [key for key in _OPERATORS if key in members]
    if len(operators) != 1:
        got = " and ".join(operators) or "none"
        *others, last = _OPERATORS
        raise InstanceFileError(path, f"expected one of {', '.join(others)} or {last}, got {got}")
    if ("entries" in members) != ("n" in members):
        raise InstanceFileError(path, "expected n beside entries, and only there")
    if not {"b", "Z"} & members.keys():
        raise InstanceFileError(path, "expected b (measurements) or Z (ground truth), got neither")
    return members


def _declaration(path: Path_, archive: zipfile.ZipFile, key: str, info: zipfile.ZipInfo) -> _Member:
    """Return what the npy header declares, from the first bytes of the member, after checks."""
    try:
        with archive.open(info) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            version = npy.read_magic(stream)
            readers = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
            shape, _, dtype = readers[version](stream, max_header_size=_MAX_HEADER)
            data_bytes = info.file_size - stream.tell()
    except Exception as error:
        raise InstanceFileError(path, "has no readable .npy header", key) from error
    if dtype.hasobject:
        raise InstanceFileError(path, "holds Python objects (a pickle); expected real numbers", key)
    # A float longer than 8 bytes may overflow on its way to float64.
    if dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise InstanceFileError(path, f"expected real numbers, got dtype {dtype}", key)
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise InstanceFileError(path, "declares an impossible shape", key)
    dimensions = _DIMENSIONS[key]
    if len(shape) != dimensions and not (dimensions == 0 and shape == (1,)):
        what = f"expected an array of {dimensions} dimensions, got shape {shape}"
        raise InstanceFileError(path, what, key)
    if prod(shape) == 0:
        raise InstanceFileError(path, f"is empty: shape {shape}", key)
    declared = prod(shape) * dtype.itemsize
    if declared != data_bytes:
        raise InstanceFileError(
            path,
            f"declares shape {shape} of {dtype} ({show_bytes(declared)}), "
            f"but holds {show_bytes(data_bytes)}",
            key,
        )
    return _Member(info, tuple(int(length) for length in shape), dtype)


def _array(path: Path_, archive: zipfile.ZipFile, key: str, member: _Member) -> FloatArray:
    try:
        with archive.open(member.info) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # All bytes of the member, as was declared: zipfile compares their checksum.
            array = npy.read_array(stream, allow_pickle=False, max_header_size=_MAX_HEADER)
    except Exception as error:
        what = "its data cannot be read: truncated or damaged"
        raise InstanceFileError(path, what, key) from error
    try:
        return real_array(key, array, member.shape)
    except (TypeError, ValueError) as error:
        raise InstanceFileError(path, _without_name(error), key) from error


# Assembling: every refusal names the key of the file, not the argument of a constructor ----------


def _assemble(path: Path_, arrays: dict[str, FloatArray], max_bytes: int) -> Instance:
    """Build the instance from its arrays."""
    (key,) = (key for key in _OPERATORS if key in arrays)
    try:
        operator = _operator(key, arrays, max_bytes)
    except (ValueError, OverflowError) as error:
        raise InstanceFileError(path, _without_name(error), key) from error
    b, Z, X = (arrays.get(name) for name in ("b", "Z", "X"))
    if b is not None and b.shape != (operator.m,):
        what = f"expected {operator.m} measurements, got shape {b.shape}"
        raise InstanceFileError(path, what, "b")
    for name, factor in (("Z", Z), ("X", X)):
        if factor is not None and len(factor) != operator.n:
            what = f"expected {operator.n} rows, got shape {factor.shape}"
            raise InstanceFileError(path, what, name)
    rank = _rank(path, arrays, operator.n)
    if X is not None and X.shape[1] != rank:
        what = f"expected {rank} columns (the rank), got shape {X.shape}"
        raise InstanceFileError(path, what, "X")
    if X is not None and not np.any(X):
        raise InstanceFileError(path, "expected a nonzero point, got all zeros", "X")
    try:
        measurements = b if b is not None else operator.measure(arrays["Z"], arrays["Z"])
        problem = SensingProblem(operator, measurements, rank, Z)
    except OverflowError as error:
        what = "expected finite numbers A(ZZᵀ), got some beyond float64"
        raise InstanceFileError(path, what, "Z") from error
    except (TypeError, ValueError) as error:
        raise InstanceFileError(path, _without_name(error), "Z" if b is None else "b") from error
    settings = _settings(path, arrays["settings"]) if "settings" in arrays else None
    name = Path(path).name.removesuffix(".npz")
    return Instance(name, problem, known_point=X, settings=settings, source=os.fspath(path))


def _operator(key: str, arrays: dict[str, FloatArray], max_bytes: int) -> SensingOperator:
    if key == "A":
        return DenseOperator(arrays["A"])
    if key == "weights":
        return EntrywiseOperator(arrays["weights"])
    if key == "vectors":
        return RankOneOperator(arrays["vectors"])
    entries, side = arrays["entries"], arrays["n"].item()
    index = entries[:, :2]
    if entries.shape[1] != 3:
        raise InvalidValue(f"entries: expected rows (i, j, w_ij), got shape {entries.shape}")
    if not (side >= 1 and side == int(side)):
        raise InvalidValue(f"entries: expected n to be a whole number from 1 on, got {side:g}")
    rows_bytes = 8 * side  # a sparse matrix keeps where each of its rows starts
    if sum(8 * array.size for array in arrays.values()) + rows_bytes > max_bytes:
        raise InvalidValue(
            f"entries: n = {side:g} rows take {show_bytes(rows_bytes)}; the limit for all arrays "
            f"together is {show_bytes(max_bytes)}"
        )
    if np.any(index != np.floor(index)) or index.min() < 0 or index.max() >= side:
        raise InvalidValue(f"entries: expected whole i and j in 0..{int(side) - 1}")
    rows, columns = index.T.astype(np.int64)
    shape = (int(side), int(side))
    return EntrywiseOperator(sparse.coo_array((entries[:, 2], (rows, columns)), shape=shape))


def _rank(path: Path_, arrays: dict[str, FloatArray], n: int) -> int:
    if "rank" in arrays:
        key, value = "rank", arrays["rank"].item()
    else:
        key = next((name for name in ("X", "Z") if name in arrays), "")
        if not key:
            what = "expected the rank r, because neither X nor Z tells it: store rank"
            raise InstanceFileError(path, what, "rank")
        value = float(arrays[key].shape[1])
    if value != int(value) or not 1 <= value <= n:
        what = f"expected a rank that is a whole number in 1..{n}, got {value:g}"
        raise InstanceFileError(path, what, key)
    return int(value)


def _settings(path: Path_, values: FloatArray) -> LiftSettings:
    try:
        order, rho, eta, steps = values.tolist()
        if order != int(order) or steps != int(steps):
            raise InvalidValue("settings: expected whole numbers for the order and for T")
        return LiftSettings(int(order), rho, eta, int(steps))
    except (TypeError, ValueError) as error:
        what = f"expected order, ρ, η and T, got {values.tolist()} ({error})"
        raise InstanceFileError(path, what, "settings") from error


def _without_name(error: Exception) -> str:
    """Return a refusal without the argument's name, which the key of the file replaces."""
    return str(error).partition(": ")[2] or str(error)
