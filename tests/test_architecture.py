"""The rooms of the house: who may import whom."""

import ast
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "sensing": set(),
    "lifting": {"sensing"},
    "simulated": {"sensing"},
    "compare": {"sensing", "lifting", "simulated"},
}


def imported(path: Path) -> set[str]:
    """Return the packages of the house that a file imports, itself excepted."""
    here = ("lift_compare", *path.relative_to(ROOT).parts[:-1])
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(here[: len(here) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("lift_compare.")} & set(ALLOWED)


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    files = list((ROOT / package).rglob("*.py"))
    assert files
    seen = set()
    for path in files:
        assert imported(path) <= ALLOWED[package] | {package}, path
        seen |= imported(path)
    assert seen >= ALLOWED[package], "the check sees no imports at all"


@pytest.mark.parametrize("package", ALLOWED)
def test_init_files_only_re_export(package: str) -> None:
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        exports = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        assert docstring or exports or isinstance(node, ast.ImportFrom), ast.dump(node)


@pytest.mark.parametrize("package", ALLOWED)
def test_every_public_name_is_there_and_documented(package: str) -> None:
    module = importlib.import_module(f"lift_compare.{package}")
    for name in module.__all__:
        item = getattr(module, name)
        assert item.__doc__, f"{package}.{name} has no docstring"
