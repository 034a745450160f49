"""What may lie where a store is to be: looked at before SQLite opens it.

SQLite leaves files beside a file that it opens, and deletes a -journal or -wal beside it that it
cannot read, whoever wrote that.
"""

from __future__ import annotations

from pathlib import Path

APPLICATION_ID = 0x4C434D50  # "LCMP": tells a store from any other SQLite file

_BESIDE = {"-journal": (b"\xd9\xd5\x05\xf9",), "-wal": (b"7\x7f\x06\x82", b"7\x7f\x06\x83")}
"""Files that SQLite keeps beside its own, and how they begin: its file format says so."""


def foreign(path: Path) -> str | None:
    """Return what is wrong with a file as a store, or None; a missing one is all right.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    if path.is_dir():
        return f"expected a file, got the folder {path}"
    if path.exists() and not path.is_file():  # a device, a pipe: reading may take for ever
        return f"expected a file, got {path}, which is none"
    header = _beginning(path, 100)
    ours = header[:16] == b"SQLite format 3\0" and int.from_bytes(header[68:72]) == APPLICATION_ID
    # An empty file is what a process leaves that was killed while it created the store.
    if header and not ours:
        return f"{path} is not a store of sweeps"
    for ending, begins in _BESIDE.items():
        beside = path.with_name(f"{path.name}{ending}")
        # SQLite writes zeros first, and its mark when everything else is on the disk.
        if _beginning(beside, 4) not in (b"", bytes(4), *begins):
            return (
                f"{beside} lies where SQLite would write, and is not SQLite's: name another store"
            )
    return None


def _beginning(path: Path, count: int) -> bytes:
    """Return the first bytes of a file; none if it is missing: journals come and go."""
    if not path.is_file():
        return b""
    try:
        with open(path, "rb") as file:
            return file.read(count)
    except FileNotFoundError:
        return b""
