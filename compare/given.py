"""Results and rows as functions take them, or a refusal by the argument's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lift_compare.sensing.validation import InvalidType, InvalidValue, listed, shown


def of_kind(name: str, value: Any, kind: type, what: str) -> None:
    """Refuse a value that is not of a kind; TypeError."""
    if not isinstance(value, kind):
        raise InvalidType(f"{name}: expected {what}, got {shown(value)}")


def rows_of(name: str, value: Any, what: str, *, least: int = 0) -> list[Mapping[str, Any]]:
    """Return rows; TypeError for what is none, ValueError for fewer than `least`."""
    rows = listed(name, value, what)
    for index, row in enumerate(rows):
        of_kind(f"{name}[{index}]", row, Mapping, "a row (a mapping)")
    if len(rows) < least:
        raise InvalidValue(f"{name}: expected {what}, got none")
    return rows
