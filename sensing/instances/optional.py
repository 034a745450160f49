"""Packages that a few instances need, and that are installed with an extra."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..validation import InvalidValue


def imported(module: str, extra: str) -> Any:
    """Return a module; an InvalidValue says which extra brings it where it is missing."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise InvalidValue(
            f"instance: it needs {package}, which is not installed: "
            f"pip install 'lift-compare[{extra}]'"
        ) from error
