"""What MATLAB's `.mat` files, version 5 to 7, hold of an instance.

MATLAB keeps every array with two axes or more, and A usually as A(:, :, i), shape (n, n, m).
"""

from __future__ import annotations

from math import prod
from typing import IO, Any

import numpy as np
from scipy import sparse

from .archive import check_numbers, too_large
from .contents import Contents, InstanceFileError, Path_, shown_key, split_keys
from .matlab_format import (
    COMPLEX,
    FLOATS,
    INTEGERS,
    Damaged,
    Variable,
    list_variables,
    read_variable,
)

_LAYOUT = "layout"  # a variable that says where the index of A_i is
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NUMBERS = (*FLOATS, "logical", *INTEGERS)
_CHUNK = 2**20


def read_mat(path: Path_, file: IO[bytes], max_bytes: int) -> Contents:
    """Return what a `.mat` file holds."""
    _refuse_other_versions(path, file)
    declared = _declared(path, file)
    names = [name for name in declared if name != _LAYOUT]
    known, extra, notes = split_keys(path, names)
    contents, left, wanted = Contents(notes=notes), max_bytes, [*known]
    if "entries" in known:
        what = "is not read from .mat files, which count from 1: store weights as a sparse matrix"
        raise InstanceFileError(path, f"{what}, sparse(i, j, w, n, n)", "entries")
    for name, variable in declared.items():
        shape = variable.shape
        size = 8 * prod(shape) if variable.kind in _NUMBERS else 0
        if name in known and (left := left - size) < 0:
            raise too_large(path, name, shape, size, max_bytes)
    for name in (*extra, *({_LAYOUT} & declared.keys())):
        kind = declared[name].kind
        left -= 8 * prod(declared[name].shape)
        if kind not in (*_NUMBERS, "char") or left < 0:
            why = f"a {kind}" if left >= 0 else "too large"
            contents.notes.append(f"the variable {shown_key(name)} is left out: it is {why}")
        else:
            wanted.append(name)
    variables = {name: _read(path, file, declared[name], max_bytes) for name in wanted}
    for name in known:
        if name in variables:
            contents.arrays[name] = _numbers(path, name, variables[name])
    for name in extra:
        if name in variables:
            contents.metadata[name] = _plain(variables[name])
    if "A" in contents.arrays:
        _order_axes(path, contents, variables.get(_LAYOUT))
    return contents


def _refuse_other_versions(path: Path_, file: IO[bytes]) -> None:
    head = file.read(1024)
    if head.startswith((b"MATLAB 7.3", _HDF5)) or head[512:].startswith(_HDF5):
        what = "is a MATLAB file of version 7.3 (HDF5), which is not read; save it again in MATLAB"
        raise InstanceFileError(path, f"{what} with save('mine.mat', ..., '-v7')")
    if head[126:128] not in (b"IM", b"MI"):
        what = "not a .mat file of version 5 to 7 (another kind of file, or a damaged one)"
        raise InstanceFileError(path, what)


def _declared(path: Path_, file: IO[bytes]) -> dict[str, Variable]:
    """Return what the file says of each variable."""
    declared: dict[str, Variable] = {}
    try:
        for variable in list_variables(file):
            if variable.name in declared:
                raise InstanceFileError(path, "appears twice", variable.name)
            declared[variable.name] = variable
    except Damaged as error:
        raise _damaged(path, error) from error
    return declared


def _damaged(path: Path_, error: Damaged) -> InstanceFileError:
    return InstanceFileError(path, f"cannot be read as a .mat file: damaged ({error})")


def _read(path: Path_, file: IO[bytes], variable: Variable, max_bytes: int) -> Any:
    """Return the data of a variable; of one that holds no numbers, None."""
    if variable.kind == COMPLEX:
        raise InstanceFileError(path, "expected real numbers, got complex ones", variable.name)
    if variable.kind not in (*_NUMBERS, "char", "sparse"):
        return None
    try:
        return read_variable(file, variable, max_bytes)
    except Damaged as error:
        raise _damaged(path, error) from error


def _numbers(path: Path_, key: str, value: Any) -> Any:
    """Return the array of a key, with no more axes than the key asks for."""
    if sparse.issparse(value):
        if key == "weights":
            return value
        value = value.toarray() if prod(value.shape) <= _CHUNK else None
    array = np.asarray(value)
    if array.dtype == object:
        what = "expected an array of numbers, got a cell, a struct or a large sparse matrix"
        what += "; cat(3, A{:}) makes one of a cell" if key == "A" else ""
        raise InstanceFileError(path, what, key)
    if key == "A" and array.ndim == 2 and array.shape[0] == array.shape[1]:
        array = array[:, :, None]  # one matrix: MATLAB keeps no last axis of length one
    check_numbers(path, key, array.shape, array.dtype)
    return array


def _order_axes(path: Path_, contents: Contents, layout: Any) -> None:
    """Bring A to (m, n, n): its two equal axes are those of the matrices."""
    A = contents.arrays["A"]
    first, middle, last = A.shape
    said = "" if layout is None else "".join(np.asarray(layout).ravel().astype(str))
    if said not in ("", "mnn", "nnm"):
        what = f"expected 'mnn' or 'nnm', got {said!r:.20}"
        raise InstanceFileError(path, what, _LAYOUT)
    if first == middle == last > 1 and not said:
        what = f"shape {A.shape} may be (n, n, m), with A_i = A(:,:,i), or (m, n, n), A(i,:,:)"
        remedy = "say which in the file: layout = 'nnm' or layout = 'mnn'"
        raise InstanceFileError(path, f"{what}; {remedy}", "A")
    if said == "nnm" or (not said and first == middle and middle != last):
        contents.arrays["A"] = np.moveaxis(A, -1, 0)
        contents.index = lambda i: f"A(:,:,{i + 1})"
        if not said:
            contents.notes.append(
                f"A of shape {A.shape} was read as (n, n, m), with A_i = A(:,:,i)"
            )
    else:
        contents.index = lambda i: f"A({i + 1},:,:)"
        if not said and middle == last:
            contents.notes.append(
                f"A of shape {A.shape} was read as (m, n, n), with A_i = A(i,:,:)"
            )


def _plain(value: Any) -> Any:
    """Return a variable as a number, a text or an array."""
    array = np.asarray(value)
    if array.dtype.kind == "U":
        return "\n".join(array.ravel().tolist())
    return array.item() if array.size == 1 else array
