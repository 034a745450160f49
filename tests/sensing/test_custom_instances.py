"""Instances from a function of one's own, named by a text: imported, called, or refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from lift_compare import sensing
from lift_compare.sensing.instances.custom import InstanceFunctionError, _place
from lift_compare.sensing.instances.registry import source_file

CODE = """
from dataclasses import dataclass
from functools import partial
from math import sqrt
from pathlib import Path
from lift_compare import sensing

@dataclass
class Sizes:
    n: "int" = 4

def make(n=4, seed=0, kind="plain"):
    assert kind in ("plain", "other")
    return sensing.gaussian(Sizes(n).n, 1, 2 * n, seed)

def named(n=4):
    return sensing.Instance("mine", make(n), source="a talk")

fixed = sensing.Instance("fixed", make(3))
number = 3
from_c = partial(sqrt, -1.0)

def wrong():
    return 3

def broken():
    return inner()

def inner():
    raise ValueError("no data today")

def of_ours():
    return sensing.gaussian(0, 1, 2, 0)

def of_lifting():
    from lift_compare import lifting
    return lifting.best_rank_one(None)

beside = str(Path(sensing.__file__).parents[2] / "lift_compare_own.py")
exec(compile("def in_a_file_beside_ours(): raise ValueError", beside, "exec"))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a module and a package of one's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])
    known = set(sys.modules)
    (tmp_path / "own_matrices.py").write_text(CODE)
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "__init__.py").write_text("")
    (tmp_path / "own_package" / "problems.py").write_text(
        "from .helper import size\nfrom own_matrices import make\n"
        "def own():\n    return make(size)\n"
    )
    (tmp_path / "own_package" / "helper.py").write_text("size = 5\n")
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "n", "name"),
    [
        ("own_matrices:make", 4, "own_matrices:make"),
        ("own_matrices:make:n=3,kind=other", 3, "own_matrices:make:n=3,kind=other"),
        ("own_matrices.py:make:n=3", 3, "own_matrices:make:n=3"),
        ("./own_matrices.py:make", 4, "own_matrices:make"),
        ("own_package.problems:own", 5, "own_package.problems:own"),
        ("own_matrices:named", 4, "mine"),
        ("own_matrices:named:n=6", 6, "mine:n=6"),
        ("own_matrices:fixed", 3, "fixed"),
    ],
)
def test_a_function_is_found_and_called(folder: Path, text: str, n: int, name: str) -> None:
    instance = sensing.parse_instance(text)
    assert (instance.problem.n, instance.name) == (n, name)
    assert instance.source == ("a talk" if "named" in text else text)
    seed = sensing.gaussian(n, 1, 2 * n, 0).measurements
    np.testing.assert_array_equal(instance.problem.measurements, seed)
    assert source_file(text).resolve().name in ("own_matrices.py", "problems.py")


def test_a_file_anywhere_with_a_helper_beside_it(folder: Path) -> None:
    place = folder / "a folder"
    place.mkdir()
    (place / "beside.py").write_text("size = 7\n")
    (place / "json.py").write_text(
        "from beside import size\nfrom lift_compare import sensing\n"
        "def make():\n    return sensing.gaussian(size, 1, 3, 0)\n"
    )
    import json

    assert sensing.parse_instance(f"{place / 'json.py'}:make").problem.n == 7
    assert sys.modules["json"] is json, "a file of this name hides no module"


def test_a_changed_file_is_read_again(folder: Path, monkeypatch) -> None:
    """Although bytecode of the same second and size may lie there."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert sensing.parse_instance("own_matrices.py:make").problem.n == 4
    (folder / "own_matrices.py").write_text(CODE.replace("n=4, seed", "n=5, seed"))
    assert sensing.parse_instance("own_matrices.py:make").problem.n == 5


def test_a_file_keeps_its_own_annotations(folder: Path) -> None:
    """None are made strings by what this package imports from __future__."""
    (folder / "typed.py").write_text(
        "def make(n: int): ...\nassert make.__annotations__['n'] is int"
    )
    with pytest.raises(sensing.InvalidInput, match="to return an Instance"):
        sensing.parse_instance("typed.py:make:n=3")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no_such_module:make", "there is no module 'no_such_module' in the current folder"),
        ("own_package.absent:make", "there is no module 'own_package.absent'"),
        ("absent.py:make", "absent.py: there is no such file"),
        ("own_matrices:mak", r"own_matrices has no function 'mak' \(did you mean 'make'\?\)"),
        ("own_matrices:zzz", "no function 'zzz'; it has make, named, wrong, broken, inner"),
        ("own_matrices:number", "own_matrices has no function 'number'; it has make"),
        ("own_matrices:wrong", "to return an Instance or a SensingProblem, got 3"),
        ("own_matrices:make:k=3", "unexpected keyword argument 'k'; its parameters: n=4, seed=0"),
        ("own_matrices:make:n", "expected own_matrices:make:key=value"),
        ("own_matrices:make:n=1,n=2", "n is given twice"),
        ("own_matrices:fixed:n=3", "a function takes parameters, this is none"),
    ],
)
def test_what_there_is_not_is_refused(folder: Path, text: str, message: str) -> None:
    with pytest.raises(sensing.InvalidInput, match=message):
        sensing.parse_instance(text)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import no_such_package\n", r"ModuleNotFoundError: .*bad.py, line 1, in <module>\)"),
        ("x = 1\nx.y\n", r"AttributeError: .*bad.py, line 2, in <module>\)"),
        ("def make(:\n", r"SyntaxError: .*bad.py, line 1"),
        ("import sys\nsys.exit(4)\n", "SystemExit: 4"),
        pytest.param(
            "from lift_compare import sensing\nsensing.gaussian(0, 1, 2, 0)\n",
            r"InvalidValue: n: expected .*bad.py, line 2, in <module>\)",
            marks=pytest.mark.lines,
        ),
    ],
)
@pytest.mark.parametrize("text", ["bad:make", "bad.py:make"])
def test_a_module_that_cannot_be_imported_says_where(folder, text, code, message) -> None:
    (folder / "bad.py").write_text(code)
    with pytest.raises(sensing.InvalidInput, match=f"cannot be imported: {message}"):
        sensing.parse_instance(text)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["_hidden", "f", "a_b"], "; it has f, a_b"),
        (list("abcdefgh"), "; it has a, b, c, d, e, f, g, h"),
        (list("abcdefghi"), "; it has a, b, c, d, e, f, g, h, ..."),
    ],
)
def test_up_to_eight_functions_are_told_in_the_place_of_one(folder, names, said) -> None:
    (folder / "few.py").write_text("".join(f"def {name}(): pass\n" for name in names))
    with pytest.raises(sensing.InvalidInput) as caught:
        sensing.parse_instance("few:zzz")
    assert str(caught.value) == f"instance: few has no function 'zzz'{said}"


@pytest.mark.parametrize(
    ("function", "place"),
    [
        ("broken", r" \(.*own_matrices.py, line \d+, in inner\)"),
        pytest.param(
            "of_ours",
            r" \(.*own_matrices.py, line \d+, in of_ours\)",
            marks=pytest.mark.lines,
        ),
        pytest.param(
            "of_lifting",
            r" \(.*own_matrices.py, line \d+, in of_lifting\)",
            marks=pytest.mark.lines,
        ),
        ("in_a_file_beside_ours", r" \(.*lift_compare_own.py, line 1, in in_a_file_beside_ours\)"),
        pytest.param("from_c", "", marks=pytest.mark.lines),
    ],
)
def test_what_a_function_raises_is_kept_as_the_cause(folder: Path, function, place) -> None:
    """With the last line of it that is the user's, if there is one."""
    text = f"own_matrices.py:{function}"
    with pytest.raises(InstanceFunctionError) as caught:
        sensing.parse_instance(text)
    cause = caught.value.__cause__
    said = re.escape(f"instance: {text} raised {type(cause).__name__}: {cause}")
    assert re.fullmatch(said + place, str(caught.value))


def test_a_module_without_a_file_has_no_content_that_decides(folder: Path) -> None:
    with pytest.raises(sensing.InvalidInput, match="sys: expected a module with a file of Python"):
        source_file("sys:exit")
    for text in ("gaussian", "gaussian:n=4,m=5", "gaussian:m:n=4"):  # refused when it is made
        assert source_file(text) is None


def test_what_was_raised_nowhere_has_no_place() -> None:
    assert _place(ValueError("made, and never raised")) == ""
