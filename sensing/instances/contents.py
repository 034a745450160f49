"""What a file of an instance may hold: its keys, and the refusal that names the file and the key.

Keys (docs/instances.md has examples):

    A (m, n, n), weights (n, n), vectors (m, n), or entries (m, 3) with n
                           the operator: symmetric matrices; weights of single entries; the a_i of
                           A_i = a_i a_iᵀ; or the weights as rows (i, j, w_ij), kept sparse
    b (m,)  or  Z (n, any) measurements, or the ground truth that gives them (both are allowed)
    X (n, r)     optional  the point of interest
    rank         optional  r, a whole number; otherwise the columns of X, else of Z. With b alone it
                           must be there
    settings (4,) optional order, ρ, η and T of the simulated lift

Every other key is metadata: kept, shown, and never used.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

MAX_BYTES = 2**30
"""Default limit of what a file may declare, in bytes as float64: 1 GiB."""

OPERATORS = ("A", "weights", "vectors", "entries")
DIMENSIONS = {
    "A": 3,
    "weights": 2,
    "vectors": 2,
    "entries": 2,
    "n": 0,
    "b": 1,
    "Z": 2,
    "X": 2,
    "rank": 0,
    "settings": 1,
}
"""The keys, and how many axes their arrays have."""

_CLOSE = 0.8  # of difflib: one letter more, less or other in five
_NAMES_SHOWN = 8

Path_ = str | os.PathLike[str]


class InstanceFileError(ValueError):
    """A file that is no instance: one line that names the file, the key and what was expected."""

    def __init__(self, path: Path_, problem: str, key: str | None = None) -> None:
        name = os.fspath(path)
        name = name if name.isprintable() else ascii(name)
        line = f"{name}: {problem}" if key is None else f"{name}: {key}: {problem}"
        super().__init__(" ".join(line.split()))
        self.path, self.problem, self.key = path, problem, key

    def __reduce__(self) -> tuple[Any, ...]:  # it may come from another process
        return type(self), (self.path, self.problem, self.key)


@dataclass
class Contents:
    """What was read from a file, before anything is made of it.

    `index` says how the file's owner writes A_i, counted from 0 here; `notes` say what was assumed.
    """

    arrays: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    index: Callable[[int], str] = "A[{}]".format


def split_keys(path: Path_, names: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the known keys, those of metadata, and notes on the latter; refuse what cannot be.

    A name that looks like a known key which the file lacks is refused: to leave it out in silence
    would be to answer another question. Where the file has that key too, it is metadata.
    """
    given = list(names)
    known = [name for name in given if name in DIMENSIONS]
    if "n" in known and "entries" not in known:
        known.remove("n")  # a size that A tells: checked later, where it is metadata
    extra = [name for name in given if name not in known]
    notes = []
    for name in extra:
        meant = _meant(name, given)
        if meant is None:
            continue
        if meant not in known:
            what = f"unknown key {shown_key(name)}; did you mean {meant}? Rename it"
            raise InstanceFileError(path, f"{what} (or, if it is metadata, to another name)")
        notes.append(f"the key {shown_key(name)} is kept as metadata; {meant} is what is used")
    operators = [key for key in OPERATORS if key in known]
    if len(operators) != 1:
        got = " and ".join(operators) or f"none{_other_keys(extra)}"
        *others, last = OPERATORS
        raise InstanceFileError(path, f"expected one of {', '.join(others)} or {last}, got {got}")
    if "entries" in known and "n" not in known:
        raise InstanceFileError(path, "expected n beside entries")
    if not {"b", "Z"} & set(known):
        what = "expected b (measurements) or Z (ground truth), got neither"
        raise InstanceFileError(path, what + _other_keys(extra))
    return known, extra, notes


def _meant(name: str, given: Collection[str]) -> str | None:
    """Return the key that a name is probably meant for, if it looks like one."""
    if name in DIMENSIONS:
        return None
    has_operator = any(key in given for key in OPERATORS)
    for key in DIMENSIONS:
        # One operator is enough, and n is asked for beside entries only.
        wanted = not has_operator if key in OPERATORS else key != "n" or "entries" in given
        if not wanted and key not in given:
            continue
        same_letters = sorted(name.lower()) == sorted(key.lower())
        if same_letters or get_close_matches(name.lower(), [key], cutoff=_CLOSE):
            return key
    return None


def shown_key(name: str) -> str:
    """Return a name from a file in few printable characters."""
    return ascii(name if len(name) <= 40 else name[:37] + "...")


def _other_keys(names: list[str]) -> str:
    if not names:
        return ""
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return f" (the file has {', '.join(map(shown_key, names[:_NAMES_SHOWN]))}{more})"
