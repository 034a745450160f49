"""Docstrings are written to be read as they stand; this is what reStructuredText asks beyond it.

An indented block is a formula in several lines: it stays as it is. A bar is an absolute value.
"""

from __future__ import annotations

from typing import Any


def prepare(_app: Any, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]) -> None:
    """Change the lines of a docstring in place, before numpydoc reads them."""
    lines[:] = plain_mathematics(lines)


def plain_mathematics(lines: list[str]) -> list[str]:
    """Return the lines with formulas as literal blocks and bars outside them escaped."""
    out: list[str] = []
    before, formula, example = 0, 0, False  # indentations, and whether >>> goes on
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            example = False
        elif formula and indent < formula:
            formula = 0
        if line.strip() and not formula:
            example = example or line.lstrip().startswith(">>>")
            begins = number > 0 and not lines[number - 1].strip() and indent >= before + 4
            if begins and not example:
                formula = indent
                out += [" " * before + "::", ""]
            before = indent
        out.append(line if formula or example else line.replace("|", r"\|"))
    return out
