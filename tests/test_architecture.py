"""The rooms of the house: who may import whom, and what every file keeps to."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sensing", "lifting", "simulated", "compare")

ALLOWED = {
    "sensing": set(),
    "lifting": {"sensing"},
    "simulated": {"sensing"},
    "compare": {"sensing", "lifting", "simulated"},
}

# Inside a package imports go from a level to those before it only. A level is a set of rooms.
LEVELS = {
    "sensing": [
        {"reasons", "tolerances", "validation", "threads"},
        {"floats"},
        {"operators", "step_rules", "descent_result"},
        {"problem", "rip"},
        {"descent", "spectrum", "checks", "compression"},
        {"polishing"},
        {"spurious"},
        {"instances"},
    ],
    "simulated": [
        {"roots", "signed_log"},
        {"points"},
        {"span"},
        {"generators"},
        {"truncated"},
        {"escapes"},
        {"descent_with_escapes"},
    ],
    "lifting": [
        {"backends", "cost"},
        {"eigenpair", "multisets", "symmetry"},
        {"forms", "kronecker", "rank_one_approximation"},
        {"problem", "projection"},
        {"curvature", "descent"},
    ],
    "compare": [
        {"threads", "tolerances", "intervals"},
        {"tables", "provenance"},
        {"markup"},
        {"cost", "simulated_lift", "tabular"},
        {"agreement", "rivals"},
        {"published"},
        {"sweeps", "verification"},
        {"figures"},
        {"reproduction", "ablation"},
        {"commands"},
    ],
}

LONGEST_FUNCTION = 60  # lines of code, docstring and comments aside
MOST_PARAMETERS = 8


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in files(package):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


def imported(path: Path) -> set[tuple[str, ...]]:
    """Return the modules of the house that a file imports, as paths below lift_compare."""
    here = ("lift_compare", *path.relative_to(ROOT).parts[:-1])
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            start = ".".join(here[: len(here) + 1 - node.level]) if node.level else ""
            module = ".".join(part for part in (start, node.module) if part)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    return {tuple(name.split(".")[1:]) for name in names if name.startswith("lift_compare.")}


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    seen = set()
    for path in files(package):
        others = {parts[0] for parts in imported(path)} & set(PACKAGES)
        assert others <= ALLOWED[package] | {package}, path
        seen |= others
    assert seen >= ALLOWED[package], "the check sees no imports at all"


@pytest.mark.parametrize("package", LEVELS)
def test_rooms_import_only_what_lies_below_them(package: str) -> None:
    level = {room: number for number, rooms in enumerate(LEVELS[package]) for room in rooms}
    entries = {path for path in (ROOT / package).iterdir() if path.name not in ("__pycache__",)}
    rooms = {path.stem for path in entries} - {"__init__"}
    assert rooms == set(level), "every room has its level"
    downwards = 0
    for path in files(package):
        own = path.relative_to(ROOT / package).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for parts in imported(path):
            if parts[0] != package or len(parts) < 2 or parts[1] not in level or parts[1] == own:
                continue
            assert level[parts[1]] < level[own], f"{path} imports {'.'.join(parts)}"
            downwards += 1
    assert downwards > 10, "the check sees no imports at all"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_picture_shows_the_rooms_at_their_levels(package: str) -> None:
    """docs/architecture.svg: a row of boxes a level, and only what is built."""
    text = ElementTree.parse(ROOT / "docs" / "architecture.svg")
    groups = text.findall(f".//{{*}}g[@id='{package}']")
    assert len(groups) == 1
    rows: dict[str, set[str]] = {}
    for label in groups[0].iterfind("{*}text[@class='room']"):
        rows.setdefault(label.get("y", ""), set()).add(label.text or "")
    drawn = [rows[y] for y in sorted(rows, key=float, reverse=True)]
    assert drawn == LEVELS[package]


@pytest.mark.parametrize("package", PACKAGES)
def test_init_files_only_re_export(package: str) -> None:
    """compare loads what draws when it is first used, which takes a function."""
    allowed = (ast.ImportFrom, ast.If, ast.FunctionDef) if package == "compare" else ast.ImportFrom
    tree = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    for node in tree.body:
        docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        names = isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "")
        exports = names in ("__all__", "_DRAWING")
        assert docstring or exports or isinstance(node, allowed), ast.dump(node)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_at_the_head_of_a_package_names_its_rooms(package: str) -> None:
    text = importlib.import_module(f"lift_compare.{package}").__doc__ or ""
    assert len(text.splitlines()) <= 25
    for path in (ROOT / package).iterdir():
        if path.name not in ("__init__.py", "__pycache__"):
            assert path.name in text, f"{package}/__init__.py does not say what {path.name} is"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_exported_name_is_in_the_documentation(package: str) -> None:
    pages = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    pages += (ROOT / "README.md").read_text(encoding="utf-8")
    module = importlib.import_module(f"lift_compare.{package}")
    missing = [name for name in module.__all__ if not re.search(rf"\b{name}\b", pages)]
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_is_hidden_by_a_name_of_the_same_name(package: str) -> None:
    for folder in {path.parent for path in files(package)}:
        dotted = ".".join(("lift_compare", *folder.relative_to(ROOT).parts))
        module = importlib.import_module(dotted)
        names = set(getattr(module, "__all__", ())) - {"figures"}  # this one is the room itself
        stems = {path.stem for path in folder.iterdir()}
        assert not names & stems, f"{dotted} hides a module by what it exports"


def test_functions_are_short_and_take_few_parameters() -> None:
    for path, tree in trees():
        lines = path.read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert code_lines(node, lines) <= LONGEST_FUNCTION, f"{path}: {node.name}"
                a = node.args
                names = [each.arg for each in (*a.posonlyargs, *a.args, *a.kwonlyargs)]
                own = [name for name in names if name not in ("self", "cls")]
                assert len(own) <= MOST_PARAMETERS, f"{path}: {node.name}"


def code_lines(node: ast.FunctionDef, lines: list[str]) -> int:
    """Return the lines of a function that are neither docstring nor comment nor blank."""
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    docstring = range(first.lineno, (first.end_lineno or 0) + 1) if documented else range(0)
    texts = {
        number: lines[number - 1].strip() for number in range(node.lineno, node.end_lineno or 0)
    }
    return 1 + sum(
        bool(text) and not text.startswith("#") and number not in docstring
        for number, text in texts.items()
    )


def test_small_numbers_stand_in_the_tables_of_tolerances() -> None:
    """What decides has one place, with its reason; what is printed is quoted as printed."""
    exempt = {
        "sensing/tolerances.py",
        "compare/tolerances.py",
        "compare/published/printed.py",
        "sensing/instances/iris.py",  # a published start
        "lifting/forms/rates.py",  # measured seconds
        "simulated/escapes/line_search.py",  # a range of steps, which is a setting
    }
    for path, tree in trees():
        if str(path.relative_to(ROOT)) in exempt:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, float):
                assert not 0 < abs(node.value) <= 1e-4, f"{path}:{node.lineno}: {node.value}"


def test_every_tolerance_has_a_reason_and_is_used() -> None:
    everything = "".join(path.read_text(encoding="utf-8") for p in PACKAGES for path in files(p))
    for table in ("sensing/tolerances.py", "compare/tolerances.py"):
        body = ast.parse((ROOT / table).read_text(encoding="utf-8")).body[1:]
        for name, reason in zip(body[::2], body[1::2], strict=True):
            assert isinstance(name, ast.Assign)
            assert isinstance(reason, ast.Expr)
            assert isinstance(reason.value, ast.Constant), ast.dump(name)
            for target in ast.walk(name.targets[0]):
                if isinstance(target, ast.Name):
                    used = len(re.findall(rf"\b{target.id}\b", everything))
                    assert used > 1, f"{table}: {target.id} is not used"


def test_nothing_is_kept_for_the_tests_alone() -> None:
    """Every name that a module defines is used in the packages, or exported, or an entry point."""
    texts = {
        path: path.read_text(encoding="utf-8")
        for folder in (*PACKAGES, "src", "examples", "benchmarks")
        for path in (ROOT / folder).rglob("*.*")
        if path.suffix in (".py", ".html")
    }
    exported = {
        name
        for package in (*PACKAGES, "compare.figures")
        for name in importlib.import_module(f"lift_compare.{package}").__all__
    }
    words = re.findall(r"\w+", "\n".join(texts.values()))
    count: dict[str, int] = {}
    for word in words:
        count[word] = count.get(word, 0) + 1
    public_members = {
        member
        for package in PACKAGES
        for name in importlib.import_module(f"lift_compare.{package}").__all__
        for member in dir(getattr(importlib.import_module(f"lift_compare.{package}"), name))
    }
    unused = []
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names = [node.name]
            elif isinstance(node, ast.Assign) and node in tree.body:
                names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
                names = [name for name in names if name.isupper()]
            else:
                continue
            for name in names:
                if re.fullmatch(r"__\w+__", name) or name in exported | public_members:
                    continue
                if count[name] < 2 and not is_registered(node):
                    unused.append(f"{path.relative_to(ROOT)}: {name}")
    assert unused == []


def is_registered(node: ast.AST) -> bool:
    """Whether a function is a claim or a validator, which its decorator puts to use."""
    return bool(getattr(node, "decorator_list", []))
