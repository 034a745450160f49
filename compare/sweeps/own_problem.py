"""What `ablate` is given, checked before any work: a problem, what to evaluate, and settings."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from pydantic import create_model

from lift_compare import sensing
from lift_compare.sensing import Instance, SensingProblem
from lift_compare.sensing.instances.files import save_instance
from lift_compare.sensing.validation import InvalidType, InvalidValue, did_you_mean, shown

from .evaluations import Evaluation
from .point import INSTANCE_SETTINGS, MAX_ENTRIES, InstanceSettings, digest_of
from .settings import model_of, unknown_setting
from .shipped import EVALUATIONS
from .store import StoreError
from .store_file import foreign
from .sweep import Sweep, listed_values

_FILE_SETTINGS = ("instance", "digest")


@dataclass(frozen=True)
class _OnProblem:
    """A function of (problem, X) as one of a file."""

    function: Callable[..., Mapping[str, Any]]

    def __call__(self, *, instance: str, digest: str, **settings: Any) -> Mapping[str, Any]:
        loaded = sensing.load_instance(instance)
        return self.function(loaded.problem, loaded.known_point, **settings)


def evaluation_of(given: Any) -> Evaluation:
    """Return what is evaluated, if it is of one problem."""
    if isinstance(given, str) and given in EVALUATIONS:
        definition = EVALUATIONS[given]
    elif isinstance(given, Evaluation):
        definition = given
    elif callable(given):
        return _own(given)
    else:
        names = [name for name in EVALUATIONS if "instance" in EVALUATIONS[name].model.model_fields]
        meant = did_you_mean(given, names) if isinstance(given, str) else ""
        expected = f"expected one of {', '.join(names)}, an Evaluation or a function"
        raise InvalidValue(f"evaluation: {expected}, got {shown(given)}{meant}")
    if "instance" not in definition.model.model_fields:
        what = f"{definition.name!r} has no setting `instance`: it makes its own problems"
        raise InvalidValue(f"evaluation: {what}; run it by Sweep and run_sweep")
    return definition


def _own(function: Callable[..., Any]) -> Evaluation:
    """Return a function f(problem, X, *, ...) as an evaluation."""
    kinds = inspect.Parameter
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    positional = (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)
    settings = parameters[2:]
    named = (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
    if len(parameters) < 2 or any(p.kind not in positional for p in parameters[:2]):
        raise InvalidType("evaluation: expected a function f(problem, X, *, ...) of two arguments")
    if any(p.kind not in named or p.name in _FILE_SETTINGS for p in settings):
        raise InvalidType(
            "evaluation: expected a function whose settings are keywords by name, none of them "
            "`instance` or `digest`"
        )
    name = getattr(function, "__name__", type(function).__name__)
    base = model_of(function, name, beyond=2)
    file: dict[str, Any] = dict.fromkeys(_FILE_SETTINGS, (str, ...))
    model = create_model(name, __base__=base, **file)
    return Evaluation(name, _OnProblem(function), model)


def grid_of(definition: Evaluation, settings: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the values of each setting; one value is a list of one."""
    hidden = set(_FILE_SETTINGS)
    if issubclass(definition.model, InstanceSettings):  # the problem is given
        hidden |= set(INSTANCE_SETTINGS) - {"seed"}
    known = [name for name in definition.model.model_fields if name not in hidden]
    for name in settings:
        if name not in known:
            raise unknown_setting(name, known, definition.name)
    if not settings:
        raise InvalidValue(f"settings: expected at least one of {', '.join(known)}, got none")
    return {name: _values(name, value) for name, value in settings.items()}


def _values(name: str, value: Any) -> list[Any]:
    listed = listed_values(value)
    if isinstance(listed, np.ma.MaskedArray):
        raise InvalidType(f"{name}: expected a value or a list of values, got a masked array")
    if hasattr(listed, "__array__"):
        array = np.asarray(listed)
        if array.ndim:
            got = f"got an array of shape {array.shape}"
            raise InvalidType(f"{name}: expected a value or a list of values, {got}")
        listed = array.item()
    if isinstance(listed, list | tuple):
        if not listed:
            raise InvalidValue(f"{name}: expected at least one value, got an empty list")
        return list(listed)
    if isinstance(listed, dict | set | frozenset | Iterator):
        raise InvalidType(f"{name}: expected a value or a list of values, got {shown(value)}")
    return [listed]


def instance_of(problem: Any, X: Any) -> Instance:
    """Return the problem with its point as an instance that a file can hold."""
    if isinstance(problem, SensingProblem):
        if X is None:
            raise InvalidValue("X: expected a point (n, r), got None: only an Instance has its own")
        problem = Instance("problem", problem)
    elif not isinstance(problem, Instance):
        what = f"expected a SensingProblem or an Instance, got {shown(problem)}"
        raise InvalidType(f"problem: {what}")
    own: SensingProblem = problem.problem
    known = (sensing.DenseOperator, sensing.EntrywiseOperator, sensing.RankOneOperator)
    size = own.m * own.shape[0] ** 2
    if not isinstance(own.operator, known) and size > MAX_ENTRIES:
        expected = f"expected an operator of its own with at most {MAX_ENTRIES} numbers m n²"
        raise InvalidValue(f"problem: {expected}, got {size}")
    point = problem.stationary_point() if X is None else own.factor("X", X)
    if not np.any(point):
        raise InvalidValue("X: expected a stationary point that is not zero, got zero")
    found: Instance = replace(problem, known_point=point, descent=None)
    return found


def sweep_on(
    definition: Evaluation, grid: Mapping[str, list[Any]], instance: Instance, file: str
) -> Sweep:
    """Return the sweep over the file of the instance, every combination checked."""
    varied = {name: values for name, values in grid.items() if len(values) > 1}
    varied = varied or dict(itertools.islice(grid.items(), 1))
    fixed = {name: values[0] for name, values in grid.items() if name not in varied}
    fixed["instance"] = file
    if isinstance(definition.run, _OnProblem):  # the others fill it in themselves
        fixed["digest"] = digest_of(Path(file))
    sweep = Sweep(definition, varied, fixed, f"{definition.name} on {instance.name}")
    for name, values in varied.items():
        different = len({repr(value) for value in values})
        made = len({repr(task.settings[name]) for task in sweep.tasks})
        if made == 1 < different:
            raise InvalidValue(
                f"{name}: expected a setting that changes something; here it has no effect"
            )
    return sweep


@contextmanager
def kept_files(
    instance: Instance, store: str | os.PathLike[str] | None
) -> Iterator[tuple[Path, str]]:
    """Yield the store, and the file of the instance beside it; a temporary folder without one."""
    if store is None:
        with TemporaryDirectory(prefix="lift-compare-") as folder:
            file = os.path.join(folder, "problem.npz")
            save_instance(file, instance)
            yield Path(folder) / "rows.sqlite", file
        return
    if not isinstance(store, str | os.PathLike):
        raise InvalidType(f"store: expected the path of a file, got {shown(store)}")
    path = Path(os.fsdecode(store))
    try:
        problem = foreign(path)
        if problem is not None:
            raise StoreError(f"store: {problem}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=path.parent, prefix=".lift-compare-") as folder:
            draft = os.path.join(folder, "problem.npz")
            save_instance(draft, instance)
            # Its name has its digest: another problem in the same store has another file.
            file = str(path.with_name(f"{path.stem}-{digest_of(Path(draft))}.npz"))
            os.replace(draft, file)
    except OSError as error:
        raise InvalidValue(f"store: {path} cannot be written: {error.strerror}") from error
    yield path, file
