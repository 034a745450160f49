"""A sweep: one evaluation over the combinations of its settings, checked as a whole."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lift_compare.sensing.validation import InvalidType, InvalidValue, did_you_mean

from .evaluations import Evaluation
from .limits import LIMITS, Limits
from .point import INSTANCE_SETTINGS
from .rows import Task
from .shipped import EVALUATIONS

MAX_EVALUATIONS = 100_000
"""A sweep of more evaluations than this is refused: it is taken for a mistake."""

_MAX_FILE_BYTES = 1_000_000
_KEYS = ("evaluation", "description", "fixed", "grid", *LIMITS)


@dataclass(frozen=True, repr=False)
class Sweep:
    """An evaluation and the settings to evaluate it at; checked as a whole when it is made.

    Attributes
    ----------
    evaluation : str or Evaluation
        Name of a shipped evaluation (`compare.EVALUATIONS`), or one of your own.
    grid : mapping, or sequence of mappings
        From settings to values: lists, tuples, ranges or numpy arrays. One mapping means every
        combination of its values; several mean the union of their combinations, as in ablations
        that vary one setting at a time.
        Combinations with equal settings are one.
    fixed : mapping
        Settings that every evaluation shares.
    description : str
        A line for the reader.
    time_limit : float, optional
        Seconds that one evaluation may take; then its process is killed, and the row fails.
    memory_limit : int, optional
        Bytes that one evaluation may allocate (Linux).

    Raises
    ------
    TypeError, ValueError
        For an unknown evaluation or setting, a value that is not allowed, a setting that is missing
        or both fixed and varied, or more than 100,000 combinations. The message names the setting.

    Examples
    --------
    >>> from lift_compare import compare
    >>> sweep = compare.Sweep("path", {"eta": [1e-3, 1e-2]}, {"instance": "two-by-two"})
    >>> len(sweep), sweep.tasks[0].settings["order"]
    (2, 3)
    """

    evaluation: str | Evaluation
    grid: Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    time_limit: float | None = None
    memory_limit: int | None = None
    tasks: tuple[Task, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        limits = Limits.of({name: getattr(self, name) for name in LIMITS})
        for name, value in limits:
            object.__setattr__(self, name, value)
        tables = [self.grid] if isinstance(self.grid, Mapping) else self.grid
        if isinstance(tables, list | tuple) and all(isinstance(each, Mapping) for each in tables):
            listed = [{name: listed_values(table[name]) for name in table} for table in tables]
            object.__setattr__(self, "grid", listed[0] if tables is not self.grid else listed)
        object.__setattr__(self, "tasks", tuple(self._tasks()))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> Sweep:
        """Return the sweep of a dict: evaluation and grid, optionally the other attributes."""
        unknown = [key for key in settings if key not in _KEYS]
        if unknown:
            raise InvalidValue(
                f"{unknown[0]}: unknown key; a sweep has the keys {', '.join(_KEYS)}"
                f"{did_you_mean(str(unknown[0]), _KEYS)}"
            )
        for key in ("evaluation", "grid"):
            if key not in settings:
                raise InvalidValue(f"{key}: a sweep needs this key, and it is missing")
        return cls(**settings)

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str], *, instance: str | None = None) -> Sweep:
        """Return the sweep of a TOML file (docs/sweeps.md); every error names the file.

        Parameters
        ----------
        path : path
            The file.
        instance : str, optional
            An instance to run it on in place of those in the file.

        Raises
        ------
        ValueError
            If the file is missing, too large, not TOML, or not a sweep.
        """
        try:
            with open(path, "rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
            if len(content) > _MAX_FILE_BYTES:
                raise InvalidValue(f"expected a sweep of at most {_MAX_FILE_BYTES} bytes, got more")
            settings = tomllib.loads(content.decode("utf-8"))
            return cls.from_dict(settings if instance is None else _on(instance, settings, path))
        except OSError as error:
            raise InvalidValue(f"{path}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            what = "expected a TOML file, got bytes that are not UTF-8"
            raise InvalidValue(f"{path}: {what}") from error
        except RecursionError as error:
            raise InvalidValue(f"{path}: expected a sweep, got values nested too deep") from error
        except (TypeError, ValueError) as error:
            raise InvalidValue(f"{path}: {error}") from error

    @property
    def definition(self) -> Evaluation:
        """The evaluation itself."""
        if isinstance(self.evaluation, Evaluation):
            return self.evaluation
        if not isinstance(self.evaluation, str) or self.evaluation not in EVALUATIONS:
            names = ", ".join(EVALUATIONS)
            got = f"got {self.evaluation!r:.60}{did_you_mean(str(self.evaluation), EVALUATIONS)}"
            raise InvalidValue(f"evaluation: expected one of {names}, {got}")
        return EVALUATIONS[self.evaluation]

    @property
    def varied(self) -> tuple[str, ...]:
        """The settings that the grid varies."""
        return tuple(dict.fromkeys(name for grid in self._grids() for name in grid))

    @property
    def one_at_a_time(self) -> dict[str, set[str]]:
        """The keys of the rows in which one setting alone varies, by the name of that setting.

        Empty unless the grid is several tables of one setting each.
        """
        grids = self._grids()
        if len(grids) < 2 or any(len(grid) != 1 for grid in grids):
            return {}
        found: dict[str, set[str]] = {}
        for grid in grids:
            ((name, values),) = grid.items()
            tasks = (task_of(self.definition, {**self.fixed, name: value}) for value in values)
            found.setdefault(name, set()).update(task.key for task in tasks)
        return {name: keys for name, keys in found.items() if len(keys) > 1}

    def with_fixed(self, **settings: Any) -> Sweep:
        """Return the sweep with some fixed settings replaced."""
        return replace(self, fixed={**self.fixed, **settings})

    def __len__(self) -> int:
        return len(self.tasks)

    def __repr__(self) -> str:
        varied = ", ".join(self.varied)
        return f"Sweep({self.definition.name!r}: {len(self)} evaluations over {varied})"

    def _grids(self) -> list[Mapping[str, Sequence[Any]]]:
        grids = [self.grid] if isinstance(self.grid, Mapping) else self.grid
        are_tables = isinstance(grids, list | tuple) and all(
            isinstance(grid, Mapping) for grid in grids
        )
        if not are_tables:
            raise InvalidType(f"grid: expected a table of lists, or several, got {self.grid!r:.60}")
        return list(grids)

    def _tasks(self) -> Iterator[Task]:
        """Check the form of the sweep, then yield its tasks, each with its settings checked."""
        definition, grids = self.definition, self._grids()
        if not isinstance(self.fixed, Mapping):
            raise InvalidType(f"fixed: expected a table of settings, got {self.fixed!r:.60}")
        if not isinstance(self.description, str):
            raise InvalidType(f"description: expected a line of text, got {self.description!r:.60}")
        if not any(grids):
            raise InvalidValue("grid: expected at least one setting to vary, got none")
        for grid in grids:
            for name, values in grid.items():
                self._check_values(name, values)
        # The size is known before a single combination is made.
        size = sum(math.prod(len(values) for values in grid.values()) for grid in grids)
        if size > MAX_EVALUATIONS:
            raise InvalidValue(
                f"grid: expected at most {MAX_EVALUATIONS} evaluations, got {size:.6g}"
            )
        seen = set()
        for grid in grids:
            for values in itertools.product(*grid.values()):
                task = task_of(definition, {**self.fixed, **dict(zip(grid, values, strict=True))})
                if task.key not in seen:  # grids may overlap, and defaults fill in the same
                    seen.add(task.key)
                    yield task

    def _check_values(self, name: str, values: Any) -> None:
        if name in self.fixed:
            raise InvalidValue(f"{name}: both fixed and varied by the grid")
        if not isinstance(values, list | tuple):
            got = f"{' '.join(repr(values).split()):.60}"
            raise InvalidType(f"{name}: expected a list of values to vary over, got {got}")
        if not values:
            raise InvalidValue(
                f"{name}: expected at least one value to vary over, got an empty list"
            )


def listed_values(values: Any) -> Any:
    """Return a range or a one-dimensional array as a list; all else as it is."""
    if isinstance(values, range):
        # A range may be longer than memory: as many as a sweep can have, and one more.
        return list(values[: MAX_EVALUATIONS + 1])
    if hasattr(values, "__array__") and not isinstance(values, np.ma.MaskedArray):
        array = np.asarray(values)
        return array.tolist() if array.ndim == 1 else values
    return values


def task_of(evaluation: Evaluation, settings: Mapping[str, Any]) -> Task:
    """Return the task of an evaluation; its key is a hash of name, version and all settings."""
    whole = evaluation.canonical(settings)
    identity = canonical_json([evaluation.name, evaluation.version, whole])
    key = hashlib.sha256(identity.encode()).hexdigest()
    return Task(key, evaluation.name, evaluation.version, whole)


def canonical_json(value: Any) -> str:
    """Return the one JSON text of a value: sorted keys, no spaces, floats in shortest form."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _on(instance: str, settings: dict[str, Any], path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the tables of a sweep with this instance in place of what they say of theirs."""
    stem = os.path.splitext(os.path.basename(os.fsdecode(path)))[0]
    # The file's own line tells of its own instance.
    described = {"description": f"The settings of {stem}, on {instance}"}

    def without(table: Any) -> Any:
        if not isinstance(table, Mapping):  # refused later, where all else is checked
            return table
        return {name: table[name] for name in table if name not in INSTANCE_SETTINGS}

    fixed, grid = settings.get("fixed", {}), settings.get("grid")
    grids = grid if isinstance(grid, list) else [grid]
    tables = [table for table in (fixed, *grids) if isinstance(table, Mapping)]
    if not any("instance" in table for table in tables):
        raise InvalidValue(
            "--instance: the sweep names no instance that it could take the place of"
        )
    kept = [table for table in map(without, grids) if table != {}]
    return {
        **settings,
        **described,
        "fixed": {**without(fixed), "instance": instance},
        "grid": kept,
    }
