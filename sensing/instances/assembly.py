"""An instance from the checked arrays of a file.

Every refusal names the key of the file, not the argument of a constructor.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from scipy import sparse

from ..floats import silently
from ..operators import DenseOperator, EntrywiseOperator, RankOneOperator, SensingOperator
from ..problem import SensingProblem
from ..tolerances import SYMMETRIC
from ..validation import FloatArray, InvalidValue, show_bytes
from .contents import OPERATORS, Contents, InstanceFileError, Path_
from .definition import Instance, LiftSettings
from .own_operator import truth_note


def assemble(path: Path_, name: str, contents: Contents, max_bytes: int) -> Instance:
    """Return the instance of this name that the arrays make; `path` is for refusals."""
    arrays, notes = contents.arrays, [*contents.notes]
    (key,) = (key for key in OPERATORS if key in arrays)
    if key == "A":
        _refuse_asymmetric(path, contents)
    try:
        operator = _operator(key, arrays, max_bytes)
    except (ValueError, OverflowError) as error:
        raise InstanceFileError(path, without_name(error), key) from error
    if key in ("A", "vectors") and not np.any(arrays[key]):  # weights are refused there
        raise InstanceFileError(path, "expected some A_i that is not zero, got all zeros", key)
    b, Z, X = (arrays.get(name) for name in ("b", "Z", "X"))
    if b is not None and b.shape != (operator.m,):
        what = f"expected {operator.m} measurements, as {key} has them, got {len(b)}"
        if key == "vectors" and len(b) == operator.n:
            what += "; vectors holds the a_i as rows: is it transposed?"
        raise InstanceFileError(path, what, "b")
    if key != "entries" and not np.array_equal(contents.metadata.get("n", operator.n), operator.n):
        what = f"expected {operator.n}, as {key} has it, got {contents.metadata['n']!r:.40}"
        raise InstanceFileError(path, what, "n")
    for its_key, factor in (("Z", Z), ("X", X)):
        if factor is not None and len(factor) != operator.n:
            what = f"expected {operator.n} rows, got shape {factor.shape}"
            what += "; is it transposed?" if factor.shape[1] == operator.n else ""
            raise InstanceFileError(path, what, its_key)
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
        raise InstanceFileError(path, without_name(error), "Z" if b is None else "b") from error
    settings = _settings(path, arrays["settings"]) if "settings" in arrays else None
    if X is None:
        notes.append("the file has no X: descents from random starts look for a point X̂")
    note = truth_note(problem)
    if note is not None:
        notes.append(note)
    return Instance(
        name,
        problem,
        known_point=X,
        settings=settings,
        source=os.fspath(path),
        metadata=contents.metadata,
        notes=tuple(notes),
    )


@silently
def symmetrised(path: Path_, contents: Contents) -> FloatArray:
    """Return (A_i + A_iᵀ)/2, and note how many were not symmetric."""
    A: FloatArray = contents.arrays["A"]
    if A.shape[1] != A.shape[2]:
        return A  # refused where the operator is made
    half, transposed = A / 2, A.transpose(0, 2, 1) / 2  # a sum of halves cannot overflow
    count = int(np.count_nonzero(np.any(half != transposed, axis=(1, 2))))
    if count:
        what = f"{count} of {len(A)} matrices were not symmetric, and were symmetrised"
        contents.notes.append(f"{what}; b is the same")
    return np.asarray(half + transposed)


@silently
def _refuse_asymmetric(path: Path_, contents: Contents) -> None:
    """Refuse the first matrix that is not symmetric, by its index in the file, with the remedy."""
    A: FloatArray = contents.arrays["A"]
    if A.shape[1] != A.shape[2]:
        what = f"expected shape (m, n, n), got {A.shape}"
        if A.shape[0] == A.shape[1]:
            what += "; if it is (n, n, m), save np.moveaxis(A, -1, 0)"
        raise InstanceFileError(path, what, "A")
    asymmetry = 2 * np.abs(A / 2 - A.transpose(0, 2, 1) / 2).max(axis=(1, 2))
    wrong = np.flatnonzero(asymmetry > SYMMETRIC * np.abs(A).max())
    if wrong.size:
        first = contents.index(int(wrong[0]))
        more = f", and so do {wrong.size - 1} more" if wrong.size > 1 else ""
        raise InstanceFileError(
            path,
            f"expected symmetric A_i, but {first} differs from its transpose by "
            f"{asymmetry[wrong[0]]:.3g}{more}; --symmetrise, or load_instance(path, "
            "symmetrise=True), takes (A_i + A_iᵀ)/2, which leaves b unchanged, because "
            "⟨A_i, XXᵀ⟩ = ⟨(A_i + A_iᵀ)/2, XXᵀ⟩",
            "A",
        )


def _operator(key: str, arrays: dict[str, Any], max_bytes: int) -> SensingOperator:
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


def _rank(path: Path_, arrays: dict[str, Any], n: int) -> int:
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
        if len(values) != 4:
            raise InvalidValue(f"settings: expected four numbers, got {len(values)}")
        order, rho, eta, steps = values.tolist()
        if order != int(order) or steps != int(steps):
            raise InvalidValue("settings: expected whole numbers for the order and for T")
        return LiftSettings(int(order), rho, eta, int(steps))
    except (TypeError, ValueError) as error:
        what = f"expected order, ρ, η and T, got {values.tolist()} ({error})"
        raise InstanceFileError(path, what, "settings") from error


def without_name(error: Exception) -> str:
    """Return a refusal without the argument's name, which the key of the file replaces."""
    return str(error).partition(": ")[2] or str(error)
