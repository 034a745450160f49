"""The rows of a sweep by their places on a figure: what is drawn where, and what has no number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lift_compare.sensing.validation import InvalidType, InvalidValue, did_you_mean, shown

Row = Mapping[str, Any]

LABELS = {
    "order": "lifting order l",
    "rho": "ρ, weight of the visible direction at the start",
    "eta": "η, step of the truncated recursion",
    "steps": "T, number of steps",
    "epsilon": "ε",
    "n": "side n",
    "m": "measurements m",
    "rank": "rank r",
    "seconds": "seconds (s) of one row",
    "h_exact_T": "h^l at T",
    "h_surrogate_T": "h^l at T by the diagonal surrogate",
    "h_collapsed": "h at the collapsed point",
    "h_final": "h at the end of the descent after it",
    "h_before": "h at X̂",
    "truncation_error": "truncation error (of ‖Π_S ∇h^l‖)",
    "lambda_n": "λ_n",
}
"""What a setting or result is called on an axis; all else by its name."""

STATES = ("failed", "refused", "no value", "missing", "off the axis")
"""What may have become of a row that has no number to draw."""

_AXIS = 1e150  # what an axis holds, and 1 over it: matplotlib multiplies its ends


class Grid:
    """The rows by their places: the value of x, and that of `by`."""

    def __init__(self, rows: Sequence[Row], x: str, y: str, by: str | None) -> None:
        self.x, self.y, self.by = x, y, by
        self.across = _distinct(rows, x)
        self.upwards = _distinct(rows, by) if by is not None else [None]
        self.cells: dict[tuple[Any, Any], Row] = {}
        for row in rows:
            place = (row.get(x), row.get(by) if by is not None else None)
            if place in self.cells:
                _refuse_two(self.cells[place], row, {"x": x, "by": by, "y": y})
            self.cells[place] = row
        found = {place: _number(y, row) for place, row in self.cells.items()}
        self.off = {place for place, value in found.items() if not on_an_axis(value)}
        self.values = found | dict.fromkeys(self.off)
        numbers = [value for value in self.values.values() if value is not None]
        self.numbers = np.array(numbers, dtype=float)
        self.is_truth = bool(self.cells) and all(
            isinstance(row.get(y), bool | np.bool_ | None) for row in self.cells.values()
        )

    def state(self, place: tuple[Any, Any]) -> str:
        """Return what became of a place: "done", or why there is no number."""
        if place not in self.cells:
            return "not run"
        status = str(self.cells[place].get("status") or "done")
        if status in ("failed", "refused"):
            return status
        if status != "done":
            return "missing"
        if place in self.off:
            return "off the axis"
        return "done" if self.values[place] is not None else "no value"

    def words(self) -> str:
        """Return in words where the result is least and largest, and what has no number."""
        label = LABELS.get(self.y, self.y)
        said = [f"{label} against {LABELS.get(self.x, self.x)}"]
        if self.by is not None:
            said[0] += f" and {LABELS.get(self.by, self.by)}"
        said[0] += f": {len(self.numbers)} of {len(self.cells)} rows are drawn."
        known = {place: value for place, value in self.values.items() if value is not None}
        if known:
            for word, pick in (("Least", min), ("Largest", max)):
                place = pick(known, key=lambda each: known[each])
                said.append(f"{word}: {known[place]:.4g} at {self.at(place)}.")
        for state in STATES:
            places = [self.at(place) for place in self.cells if self.state(place) == state]
            if places:
                said.append(f"{state.capitalize()}: {'; '.join(places)}.")
        return " ".join(said)

    def at(self, place: tuple[Any, Any]) -> str:
        """Return a place in words."""
        said = f"{self.x} = {in_words(place[0])}"
        return said if self.by is None else f"{said}, {self.by} = {in_words(place[1])}"


def chosen_rows(
    given: Any, named: Mapping[str, str | None], where: Mapping[str, Any] | None
) -> list[Row]:
    """Return the rows that are drawn, if they have the columns named."""
    rows = _records(given)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    if not rows:
        raise InvalidValue("rows: expected at least one row, got none")
    for argument, name in named.items():
        if name is not None and name not in columns:
            close = did_you_mean(str(name), columns)
            raise InvalidValue(
                f"{argument}: expected a column of the rows, got {shown(name)}{close}"
            )
    names = [name for name in named.values() if name is not None]
    if len(set(names)) < len(names):
        raise InvalidValue(f"x, y, by: expected different columns, got {', '.join(names)}")
    for name, value in (where or {}).items():
        if name not in columns:
            close = did_you_mean(str(name), columns)
            raise InvalidValue(f"where: {shown(name)} is no column of the rows{close}")
        values = _distinct(rows, name)
        rows = [row for row in rows if row.get(name) == value]
        if not rows:
            some = ", ".join(map(in_words, values[:6]))
            raise InvalidValue(f"where: no row has {name} = {shown(value)}; there are {some}")
    return rows


def _records(given: Any) -> list[Row]:
    """Return rows of any kind as dicts; NaN in a frame is an empty cell."""
    if hasattr(given, "_records"):
        given = given._records()
    elif hasattr(given, "to_dict") and hasattr(given, "columns"):
        given = given.to_dict("records")
    if not isinstance(given, list | tuple) or not all(isinstance(row, Mapping) for row in given):
        expected = "expected rows as dicts, a frame, an Ablation or a SweepReport"
        raise InvalidType(f"rows: {expected}, got {type(given).__name__}")
    return [{key: _plain(value) for key, value in row.items()} for row in given]


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return tuple(value) if isinstance(value, list) else value


def _distinct(rows: Sequence[Row], name: str) -> list[Any]:
    """Return the values of a column: numbers ascending, words as they come, empty ones last."""
    values = list(dict.fromkeys(row.get(name) for row in rows))
    known = [value for value in values if value is not None]
    if all(is_number(value) for value in known):
        known.sort()
    return [*known, *([None] if len(known) < len(values) else [])]


def _number(y: str, row: Row) -> float | None:
    value = row.get(y)
    if isinstance(value, bool):
        return float(value)
    if value is not None and not is_number(value):
        raise InvalidType(f"y: expected a result with numbers, and {y} has {shown(value)}")
    return None if value is None or not math.isfinite(value) else float(value)


def _refuse_two(one: Row, other: Row, named: Mapping[str, str | None]) -> None:
    """Refuse two rows on one place, with the settings in which they differ."""
    names = [name for name in one if name not in ("status", "evaluation", named["y"])]
    end = names.index("error") if "error" in names else len(names)
    differ = [name for name in names[:end] if one.get(name) != other.get(name)]
    at = ", ".join(
        f"{name} = {in_words(one.get(name))}" for name in (named["x"], named["by"]) if name
    )
    more = f"they differ in {', '.join(differ[:4])}" if differ else "they are the same"
    raise InvalidValue(
        f"rows: expected one row for each place, got several at {at}; {more}: choose by "
        "where={'NAME': VALUE} or by="
    )


def is_number(value: Any) -> bool:
    """Return whether a value is a number; yes and no are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def on_an_axis(value: float | None) -> bool:
    """Return whether a number can be drawn; None, which is none, is marked otherwise."""
    return value is None or value == 0 or 1 / _AXIS <= abs(value) <= _AXIS


def in_words(value: Any) -> str:
    """Return the value of a setting as it is shown."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
