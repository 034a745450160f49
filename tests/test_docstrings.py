"""Every public name says what it is, with an example that runs."""

import doctest
import importlib
import inspect
from typing import Any

import pytest

PACKAGES = ("sensing", "lifting", "simulated", "compare", "compare.figures")
NAMES = [
    (package, name)
    for package in PACKAGES
    for name in importlib.import_module(f"lift_compare.{package}").__all__
]
# Data and rooms describe themselves where they stand.
WITHOUT_EXAMPLE = {"EVALUATIONS", "figures"}


def public(package: str, name: str) -> Any:
    return getattr(importlib.import_module(f"lift_compare.{package}"), name)


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_the_examples_of_a_public_name_run(package: str, name: str) -> None:
    item = public(package, name)
    if name in WITHOUT_EXAMPLE:
        return
    assert item.__doc__
    finder = doctest.DocTestFinder(recurse=False)
    (test,) = finder.find(item, name, module=False, globs={})
    assert test.examples, f"{package}.{name} has no example"
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(test, out=said.append)
    assert said == []


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_the_parameters_and_the_result_of_a_function_are_described(package: str, name: str) -> None:
    item = public(package, name)
    if not inspect.isfunction(item):
        return
    text = inspect.getdoc(item) or ""
    shared = {"title", "labels", "ax"} if package == "compare.figures" else set()
    for parameter in set(inspect.signature(item).parameters) - shared:
        assert parameter in text, f"{package}.{name} does not describe {parameter}"
    draws = package == "compare.figures"
    if not draws and inspect.signature(item).return_annotation not in ("None", None):
        assert "Returns\n-------" in text, f"{package}.{name} does not say what it returns"
