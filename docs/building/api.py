"""A page for every public name, and one for every package that lists them."""

from __future__ import annotations

import importlib
import inspect
import shutil
from pathlib import Path
from types import ModuleType

from docstrings import plain_mathematics

PACKAGES = {
    "sensing": "the problem in matrix space",
    "lifting": "explicit tensors",
    "simulated": "lifting without a lift",
    "compare": "both, side by side",
    "compare.figures": "what is drawn",
}


def write(folder: Path) -> None:
    """Write all pages anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for package, what in PACKAGES.items():
        module = importlib.import_module(f"lift_compare.{package}")
        (folder / f"{package}.rst").write_text(_package(package, what, module), "utf-8")
        for name in module.__all__:
            page = _name(f"lift_compare.{package}", name, getattr(module, name))
            (folder / f"{package}.{name}.rst").write_text(page, "utf-8")


def _package(package: str, what: str, module: ModuleType) -> str:
    """Return the page of a package: its names with the first line of what they say."""
    title = f"lift_compare.{package}: {what}"
    rows = [
        f"   * - :doc:`{name} <{package}.{name}>`\n     - {_first_line(getattr(module, name))}"
        for name in sorted(module.__all__)
    ]
    pages = [f"   {package}.{name}" for name in sorted(module.__all__)]
    return "\n".join(
        [
            *(title, "=" * len(title), ""),
            *(".. list-table::", "   :widths: 30 70", "   :header-rows: 1", ""),
            *("   * - name", "     - what it is", *rows, ""),
            *(".. toctree::", "   :hidden:", "", *pages, ""),
        ]
    )


def _first_line(item: object) -> str:
    line = (inspect.getdoc(item) or "").partition("\n")[0]
    return (
        plain_mathematics([line])[0] if not isinstance(item, dict) else "What is shipped, by name."
    )


def _name(package: str, name: str, item: object) -> str:
    """Return the page of one name."""
    if inspect.isclass(item):
        directive, options = "autoclass", ["   :members:", "   :show-inheritance:"]
    elif callable(item):
        directive, options = "autofunction", []
    elif inspect.ismodule(item):
        directive, options = "automodule", []
    else:
        directive, options = "autodata", ["   :no-value:"]
    lines = [name, "=" * len(name), "", f".. currentmodule:: {package}", ""]
    return "\n".join([*lines, f".. {directive}:: {package}.{name}", *options, ""])
