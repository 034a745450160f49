"""Instances from a function of your own: `module:function`, or `my_file.py:function`.

This runs the code of that module: name only what you would run as a script.
"""

from __future__ import annotations

import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

from ..problem import SensingProblem
from ..validation import InvalidType, InvalidValue, did_you_mean, shown
from .definition import Instance
from .own_operator import refuse_wrong_operator, truth_note
from .python_file import module_of_file

_WORD = r"[^\W\d]\w*"
_TEXT = re.compile(rf"(?P<module>.+\.py|{_WORD}(?:\.{_WORD})*):(?P<name>{_WORD})(?::(?P<rest>.*))?")
_NOT_THE_USERS = (f"{Path(__file__).parents[2]}{os.sep}", "importlib")  # in the names of files


class InstanceFunctionError(RuntimeError):
    """A function of your own raised; the exception it raised is the cause."""


@dataclass(frozen=True)
class CustomText:
    """The parts of `module:function:key=value,...`."""

    text: str
    module: str
    function: str
    parameters: str | None

    @property
    def name(self) -> str:
        """The name of an instance that has none of its own."""
        words = [self.module, self.function]
        if self.module.endswith(".py"):
            words[0] = Path(self.module).stem
        return ":".join([*words, *([self.parameters] if self.parameters else [])])


def custom_text(text: str) -> CustomText | None:
    """Return the parts of a text that names a function; None if it does not."""
    match = _TEXT.fullmatch(text)
    return None if match is None else CustomText(text, *match.group("module", "name", "rest"))


def custom_instance(given: CustomText) -> Instance:
    """Return what the function makes, as an instance.

    Raises
    ------
    InvalidValue, InvalidType
        If the module cannot be imported, has no such function, or the parameters are not its own;
        if it returns neither an Instance nor a SensingProblem, or its operator contradicts itself.
    InstanceFunctionError
        If the function, or its operator, raises.
    """
    module = _module(given)
    made = getattr(module, given.function, None)
    if not (callable(made) or isinstance(made, Instance | SensingProblem)):
        what = f"{given.module} has no function {given.function!r}{_others(module, given)}"
        raise InvalidValue(f"instance: {what}")
    parameters = parameters_of(given.text, given.parameters or "")
    if not isinstance(made, Instance | SensingProblem):
        made = _call(given, made, parameters)
    elif parameters:
        raise InvalidValue(f"instance: {given.text}: a function takes parameters, this is none")
    if isinstance(made, SensingProblem):
        made = Instance(given.name, made)
    elif not isinstance(made, Instance):
        what = f"expected it to return an Instance or a SensingProblem, got {shown(made)}"
        raise InvalidType(f"instance: {given.text}: {what}")
    elif given.parameters:  # two of one function are two instances
        made = replace(made, name=f"{made.name}:{given.parameters}")
    try:
        refuse_wrong_operator(made.problem.operator)
    except InvalidValue as error:
        raise InvalidValue(f"instance: {given.text}: {error}") from error
    except Exception as error:
        raise _raised(given, error) from error
    note = truth_note(made.problem)
    if note is not None:
        made = replace(made, notes=(*made.notes, note))
    return made if made.source else replace(made, source=given.text)


def custom_source(given: CustomText) -> Path:
    """Return the file of the module, whose content decides what the function makes."""
    if given.module.endswith(".py"):
        return Path(given.module)
    file = getattr(_module(given), "__file__", None)
    if file is None:
        raise InvalidValue(f"instance: {given.module}: expected a module with a file of Python")
    return Path(file)


def parameters_of(text: str, rest: str) -> dict[str, Any]:
    """Return the parameters `key=value,...` of a text."""
    parameters: dict[str, Any] = {}
    for part in rest.split(",") if rest else ():
        key, equals, value = (word.strip() for word in part.partition("="))
        if not equals or not key:
            head = text[: len(text) - len(rest)].removesuffix(":")
            raise InvalidValue(f"instance: expected {head}:key=value,..., got {text!r:.60}")
        if key in parameters:
            raise InvalidValue(f"instance: {key} is given twice in {text!r:.60}")
        parameters[key] = _number(value)
    return parameters


def _number(text: str) -> Any:
    """Return a whole number, a real number, or the text itself."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _module(given: CustomText) -> ModuleType:
    """Import the module; whatever it raises is a refusal that says where."""
    name = given.module
    is_file = name.endswith(".py")
    if is_file and not Path(name).is_file():
        raise InvalidValue(f"instance: {name}: there is no such file")
    # What the module imports may lie beside it, or in the current folder. Last: it hides nothing.
    for folder in (str(Path(name).resolve().parent), os.getcwd()):
        if folder not in sys.path:
            sys.path.append(folder)
    try:
        if is_file:
            # A name that hides no module of the file's own.
            return module_of_file(Path(name), f"instance_{Path(name).stem}")
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            what = f"there is no module {error.name!r} in the current folder or installed"
            raise InvalidValue(f"instance: {given.text}: {what}") from error
        raise _not_imported(given, error) from error
    except (Exception, SystemExit) as error:
        raise _not_imported(given, error) from error


def _not_imported(given: CustomText, error: BaseException) -> InvalidValue:
    """Return the refusal of a module that cannot be imported, with the place in it."""
    said = f"{type(error).__name__}: {error}"
    if not isinstance(error, SyntaxError):  # which says the place itself
        said += _place(error)
    return InvalidValue(f"instance: {given.module} cannot be imported: {said}")


def _place(error: BaseException) -> str:
    """Return ' (file.py, line 12, in make)' of the last frame that is the user's, if any."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not any(word in f.filename for word in _NOT_THE_USERS)]
    return f" ({own[-1].filename}, line {own[-1].lineno}, in {own[-1].name})" if own else ""


def _call(given: CustomText, function: Callable[..., Any], parameters: dict[str, Any]) -> Any:
    """Call the function; refuse parameters that it does not take."""
    signature = inspect.signature(function)
    try:
        signature.bind(**parameters)
    except TypeError as error:
        has = ", ".join(map(str, signature.parameters.values())) or "none"
        raise InvalidValue(f"instance: {given.text}: {error}; its parameters: {has}") from error
    try:
        return function(**parameters)
    except Exception as error:
        raise _raised(given, error) from error


def _raised(given: CustomText, error: Exception) -> InstanceFunctionError:
    """Return the report of what the user's code raised, with the place in it."""
    said = f"{type(error).__name__}: {error}{_place(error)}"
    return InstanceFunctionError(f"instance: {given.text} raised {said}")


def _others(module: ModuleType, given: CustomText) -> str:
    """Return which functions there are in the place of the one that was named."""
    own = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and name[0] != "_"
    ]
    meant = did_you_mean(given.function, own)
    if meant:
        return meant
    return f"; it has {', '.join(own[:8])}{', ...' if len(own) > 8 else ''}" if own else ""
