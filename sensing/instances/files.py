"""Instances in files. A file may come from anywhere: all is checked before it is believed.

`.npz` archives of numpy, `.npy` files of A alone, and MATLAB's `.mat`; contents.py lists the keys.
"""

from __future__ import annotations

import os
import re
import stat
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from scipy import sparse

from ..operators import (
    EntrywiseOperator,
    RankOneOperator,
    SensingOperator,
)
from ..validation import (
    InvalidType,
    InvalidValue,
    real_array,
    show_bytes,
    shown,
    true_or_false,
    whole_number,
)
from .archive import read_npy, read_npz
from .assembly import assemble, symmetrised, without_name
from .contents import MAX_BYTES, Contents, InstanceFileError, Path_
from .definition import Instance
from .matlab import read_mat
from .published import PUBLISHED

ENDINGS = (".npz", ".npy", ".mat")
"""Of files that are instances; capitals are the same."""

_DRAWN_SEED = 0  # of the ground truth for a file of A alone


def save_instance(path: Path_, instance: Instance) -> None:
    """Write an instance as an `.npz` file that `load_instance` reads.

    The operator, the measurements, the rank, the ground truth, the point, the settings and the
    metadata are kept; the name becomes that of the file. An operator of your own is kept as its
    matrices.

    Parameters
    ----------
    path : path
        The file; ".npz" is added to a name without an ending, and any other ending is refused.
    instance : Instance
        What to write.

    Raises
    ------
    TypeError, ValueError
        If it is not an Instance, the path is none or cannot be written, metadata are Python
        objects, or the matrices of an operator of your own are not m × n × n finite numbers.

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
    path = _with_ending(_path(path))
    arrays = {**_plain_metadata(instance), **instance_arrays(instance)}
    # As numpy.savez_compressed, which has no room for keys such as "file".
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for key, array in arrays.items():
                with archive.open(f"{key}.npy", "w", force_zip64=True) as stream:
                    npy.write_array(stream, array, allow_pickle=False)
    except OSError as error:
        raise InstanceFileError(path, f"cannot be written: {error.strerror}") from error


def load_instance(path: Path_, *, symmetrise: bool = False, max_bytes: int = MAX_BYTES) -> Instance:
    """Read an instance from a file: a problem, and a point and settings if there are any.

    Nothing is unpickled. The list of members, and the sizes that their headers declare, are checked
    before any array is decompressed, so a small file cannot ask for a large allocation.

    Parameters
    ----------
    path : path
        The file, `.npz`, `.npy` (A alone: then b = A(ZZᵀ) for a random Z of rank one) or `.mat`;
        docs/instances.md lists its keys. Other keys become the metadata of the instance.
    symmetrise : bool
        Take (A_i + A_iᵀ)/2 for each A_i of the key A. It leaves b unchanged, because
        ⟨A_i, XXᵀ⟩ = ⟨(A_i + A_iᵀ)/2, XXᵀ⟩. Without it, a matrix that is not symmetric is refused.
    max_bytes : int
        Limit of the file and of all arrays together, counted as float64; the n rows of `entries`
        count too.

    Returns
    -------
    Instance
        Named after the file; its `notes` say what was assumed.

    Raises
    ------
    InstanceFileError
        A ValueError of one line, for anything that is not a well-formed instance: no such file, not
        a zip archive, a missing, doubled or misspelt key, a pickle, a dtype that is not real
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
    symmetrise = true_or_false("symmetrise", symmetrise)
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
        contents = _read(path, file, max_bytes)
    contents.arrays = {key: _checked(path, key, each) for key, each in contents.arrays.items()}
    if symmetrise and "A" in contents.arrays:
        contents.arrays["A"] = symmetrised(path, contents)
    name = re.sub(rf"({'|'.join(map(re.escape, ENDINGS))})$", "", Path(path).name, flags=re.I)
    if name in PUBLISHED:  # a file may hold anything: only the catalogue's goes by that name
        name = Path(path).name
    return assemble(path, name, contents, max_bytes)


def has_ending(path: str) -> bool:
    """Return whether a path ends as the files do that are instances."""
    return path.lower().endswith(ENDINGS)


def _path(path: Any) -> str:
    if not isinstance(path, str | os.PathLike):
        raise InvalidType(f"path: expected the path of a file, got {shown(path)}")
    return os.fsdecode(path)


def _with_ending(path: str) -> str:
    """Return a path that ends in ".npz": another ending would promise another format."""
    ending = os.path.splitext(path)[1].lower()
    if ending[1:].isalpha() and ending != ".npz":  # .1 of "noise_0.1" is none
        raise InvalidValue(f"path: expected a file that ends in .npz, got {shown(path)}")
    return path if ending == ".npz" else f"{path}.npz"


def instance_arrays(instance: Instance) -> dict[str, Any]:
    """Return the arrays that a file of an instance holds, by key."""
    problem, s = instance.problem, instance.settings
    arrays = _operator_arrays(problem.operator)
    arrays |= {"b": problem.measurements, "rank": problem.rank}
    if problem.ground_truth is not None:
        arrays["Z"] = problem.ground_truth
    if instance.point is not None:
        arrays["X"] = instance.point
    if s is not None:
        arrays["settings"] = np.array([s.order, s.rho, s.eta, s.steps])
    return {key: np.asarray(array) for key, array in arrays.items()}


def _plain_metadata(instance: Instance) -> dict[str, Any]:
    """Return the metadata as arrays; what would need a pickle is refused."""
    plain = {}
    for key, value in instance.metadata.items():
        try:
            plain[str(key)] = np.asarray(value)
        except ValueError as error:
            what = "expected numbers, texts or arrays, got a ragged sequence"
            raise InvalidValue(f"metadata: {key}: {what}") from error
        if plain[str(key)].dtype.kind not in "fiubcSU":
            what = f"expected numbers, texts or arrays, got {shown(value)}"
            raise InvalidValue(f"metadata: {key}: {what}")
    return plain


def _operator_arrays(operator: SensingOperator) -> dict[str, Any]:
    if isinstance(operator, RankOneOperator):
        return {"vectors": operator.vectors}
    if isinstance(operator, EntrywiseOperator):
        weights = operator.weights
        if not sparse.issparse(weights):
            return {"weights": weights}
        stored = sparse.coo_array(weights)
        return {"entries": np.stack([*stored.coords, stored.data], axis=1), "n": operator.n}
    n, name = operator.n, f"{type(operator).__name__}.matrices()"
    return {"A": real_array(name, operator.matrices(), (operator.m, n, n))}


def _read(path: Path_, file: IO[bytes], max_bytes: int) -> Contents:
    """Read a file by its ending, or by its first bytes where that says nothing."""
    ending = os.path.splitext(path)[1].lower()
    if ending not in ENDINGS:
        head = file.read(6)
        file.seek(0)
        ending = {b"\x93NUMPY": ".npy", b"MATLAB": ".mat"}.get(head, "")
        if not ending and not head.startswith(b"PK"):  # a zip archive
            raise InstanceFileError(path, _no_instance(path))
        ending = ending or ".npz"
    if ending == ".npz":
        return read_npz(path, file, max_bytes)
    if ending == ".mat":
        return read_mat(path, file, max_bytes)
    return _matrices_alone(path, read_npy(path, file, max_bytes))


def _no_instance(path: Path_) -> str:
    """Return why a file with another ending, and none of our kinds within, is not read."""
    name = os.path.basename(path)
    if name.endswith(".py"):
        return f"expected a function in it that returns the problem: {name}:function"
    return f"expected a file of the kinds {', '.join(ENDINGS)}, or my_file.py:function"


def _matrices_alone(path: Path_, array: Any) -> Contents:
    """Return A with a ground truth that is drawn, as in the random families: b is not in the file.

    Z of rank one has independent N(0, 1/n) entries.
    """
    if array.ndim != 3:  # matrices that are not square are refused as in an .npz file
        hint = "in an .npz file, every key says what it is"
        if array.ndim == 2 and array.shape[0] == array.shape[1]:
            hint = "one matrix alone is A[None]; weights of entries go in an .npz file, with b"
        elif array.ndim == 2:
            hint = "the a_i of A_i = a_i a_iᵀ go in an .npz file as vectors, with b"
        what = f"expected the A_i of shape (m, n, n), got shape {array.shape}"
        raise InstanceFileError(path, f"{what}; {hint}")
    if array.size == 0:
        raise InstanceFileError(path, f"is empty: shape {array.shape}")
    n = array.shape[1]
    Z = np.random.default_rng(_DRAWN_SEED).standard_normal((n, 1)) / np.sqrt(n)
    note = (
        "the file holds A alone, no b: b = A(ZZᵀ) of a random Z of rank one is assumed; "
        "for measurements of your own, np.savez('mine.npz', A=A, b=b, rank=r)"
    )
    return Contents({"A": array, "Z": Z}, notes=[note])


def _checked(path: Path_, key: str, array: Any) -> Any:
    """Return the finite float64 array of a key, with the axes that the key asks for."""
    if sparse.issparse(array):
        return array  # EntrywiseOperator checks it
    array = np.asarray(array)
    if key in ("b", "settings"):
        array = array.reshape(-1)
    elif key in ("X", "Z") and (array.ndim == 1 or array.shape[0] == 1):
        array = array.reshape(-1, 1)  # one column, stored as a vector or as a row
    try:
        return real_array(key, array, array.shape)
    except (TypeError, ValueError) as error:
        raise InstanceFileError(path, without_name(error), key) from error
