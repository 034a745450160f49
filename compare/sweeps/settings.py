"""Settings of evaluations: declared once, as pydantic models, and refused in our words.

Models are strict: 1 and 1.0 are the same step size, but True, "1" and NaN are none.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, get_type_hints

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, create_model

from lift_compare.sensing.validation import (
    MAX_ORDER,
    InvalidType,
    InvalidValue,
    did_you_mean,
    odd_order,
)

from ..tables import plain


class Settings(BaseModel):
    """The settings of an evaluation; a field is a setting, with its type, bounds and default."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)


def _odd(order: int) -> int:
    # By one argument: older versions of pydantic pass a second one wherever there is room for it.
    return odd_order(order)


Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0, le=100_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**63 - 1)]
Order = Annotated[int, Field(ge=1, le=MAX_ORDER), AfterValidator(_odd)]
Scalar = bool | int | float | str | None


def model_of(run: Callable[..., Any], name: str, *, beyond: int = 0) -> type[Settings]:
    """Return the model that a signature declares beyond its first parameters: names, types."""
    hints = get_type_hints(run, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(run).parameters.values())[beyond:]:
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints.get(parameter.name, Scalar), default)
    return create_model(name, __base__=Settings, **fields)


def checked(model: type[Settings], values: Mapping[str, Any], evaluation: str) -> dict[str, Any]:
    """Return complete settings in canonical form.

    Raises
    ------
    TypeError, ValueError
        For the first setting that is unknown, missing, of a wrong type or out of range, by name.
    """
    given = {name: plain_number(value) for name, value in values.items()}
    try:
        whole: dict[str, Any] = plain(model(**given).model_dump())
    except ValidationError as error:
        raise _in_our_words(error, model, evaluation) from error
    # −0.0 becomes 0.0.
    return {
        name: value + 0.0 if isinstance(value, float) else value for name, value in whole.items()
    }


def plain_number(value: Any) -> Any:
    """Return a numpy number as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def unknown_setting(name: str, known: Sequence[str], evaluation: str) -> InvalidValue:
    """Return the refusal of a setting that an evaluation does not have."""
    what = f"not a setting of the evaluation {evaluation!r}; expected one of {', '.join(known)}"
    return InvalidValue(f"{name}: {what}{did_you_mean(name, known)}")


def _in_our_words(
    error: ValidationError, model: type[Settings], evaluation: str
) -> InvalidValue | InvalidType:
    """Return the first refusal, shaped "name: expected ..., got ..."."""
    # An unknown name explains a missing one: it is told first.
    errors = error.errors()
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    kind, bounds, got = first["type"], first.get("ctx", {}), f"{first['input']!r:.60}"
    name = str(first["loc"][0]) if first["loc"] else ""
    if kind == "value_error":  # raised by a validator of ours
        said = str(bounds["error"])
        return InvalidValue(said.replace("order: ", f"{name}: ", 1) if name else said)
    if kind == "extra_forbidden":
        return unknown_setting(name, list(model.model_fields), evaluation)
    if kind == "missing":
        return InvalidValue(
            f"{name}: the evaluation {evaluation!r} needs this setting, and it is missing"
        )
    if kind == "float_type" and isinstance(first["input"], int) and got not in ("True", "False"):
        return InvalidValue(f"{name}: expected a number in the range of float64, got {got}...")
    types = {
        "int_type": "a whole number",
        "int_from_float": "a whole number",
        "float_type": "a real number",
        "bool_type": "true or false",
        "string_type": "a word",
    }
    if kind in types:
        return InvalidType(f"{name}: expected {types[kind]}, got {got}")
    expected = {
        "finite_number": "a finite number",
        "greater_than": "a finite number > {gt:g}",
        "greater_than_equal": "at least {ge}",
        "less_than_equal": "at most {le}",
        "literal_error": "one of {expected}",
    }.get(kind, first["msg"].lower())
    words = expected.format(**bounds).replace("'", "").replace(" or ", ", ")
    close = ""
    if kind == "literal_error" and isinstance(first["input"], str):
        close = did_you_mean(first["input"], words.removeprefix("one of ").split(", "))
    return InvalidValue(f"{name}: expected {words}, got {got}{close}")
