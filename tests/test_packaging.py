"""One import name, in a wheel and in an editable installation, seen from outside the repository."""

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("sensing", "lifting", "simulated", "compare")
NOT_COPIED = (
    ".git",
    ".venv",
    "results",
    "build",
    "dist",
    "*.egg-info",
    "__pycache__",
    ".*_cache",
    ".hypothesis",
)


def fresh_clone(folder: Path) -> Path:
    """Copy the repository as a clone without symbolic links would have it."""

    def left_out(where: str, names: list[str]) -> set[str]:
        links = {name for name in names if Path(where, name).is_symlink()}
        return links | shutil.ignore_patterns(*NOT_COPIED)(where, names)

    clone = folder / "clone"
    shutil.copytree(ROOT, clone, ignore=left_out)
    assert not any((clone / "src" / "lift_compare" / name).exists() for name in FOLDERS)
    return clone


def run(*words: str | Path, where: Path) -> str:
    """Run a command as a stranger would: nothing of this process's paths is handed on."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON")
    }
    done = subprocess.run(
        words,
        cwd=where,
        capture_output=True,
        text=True,
        timeout=300,
        env={**environment, "MPLBACKEND": "Agg"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(900)  # it installs all dependencies into an empty environment
def test_wheel_and_editable_installation(tmp_path: Path) -> None:
    clone, work, dist = fresh_clone(tmp_path), tmp_path / "work", tmp_path / "dist"
    work.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")
    run(*pip, "wheel", "--no-deps", "--wheel-dir", dist, clone, where=work)
    (wheel,) = dist.glob("*.whl")
    inside = zipfile.ZipFile(wheel).namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in inside} == {"lift_compare"}
    modules = {
        path.relative_to(clone).as_posix()
        for name in FOLDERS
        for path in (clone / name).rglob("*.py")
    }
    assert modules < {name.removeprefix("lift_compare/") for name in inside}
    assert "lift_compare/py.typed" in inside

    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / ("Scripts" if os.name == "nt" else "bin") / "python"
    install = (python, *pip[1:], "install", "--no-compile", "-c", clone / "constraints.txt")
    run(*install, wheel, where=work)
    # A script of the user's that is called compare.py does not stand in our way, nor we in its.
    (work / "compare.py").write_text(
        "from lift_compare import compare\nprint(compare.__file__)\n", encoding="utf-8"
    )
    assert Path(run(python, "compare.py", where=work).strip()).is_relative_to(tmp_path / "empty")
    look = (
        "import importlib.util as u, lift_compare as p; "
        "print(p.__file__, p.__version__, u.find_spec('sensing'))"
    )
    assert run(python, "-c", look, where=work).split()[1:] == ["0.1.0", "None"]
    in_clone = run(python, "-c", look, where=clone).split()[0]
    assert Path(in_clone).is_relative_to(tmp_path / "empty"), (
        "the repository shadows what is installed"
    )

    main_job = ("directions", "two-by-two", "--order", "3", "5", "--out", tmp_path / "results")
    out = run(python, "-m", "lift_compare", *main_job, where=work)
    assert "Explicit and simulated lifted descent agree" in out
    assert (tmp_path / "results" / "directions.json").stat().st_size > 1_000

    run(*install, "--no-deps", "--editable", clone, where=work)
    for where in (work, clone, clone / "docs"):
        assert Path(run(python, "-c", look, where=where).split()[0]).is_relative_to(
            clone / "src"
        ), where
    assert run(python, "-c", look, where=work).split()[1:] == ["0.1.0", "None"]
    # Type checkers and editors follow this one line of a .pth file to ordinary folders.
    site = Path(
        run(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", where=work
        ).strip()
    )
    (line,) = {path.read_text(encoding="utf-8").strip() for path in site.glob("*lift_compare*.pth")}
    for name in FOLDERS:
        assert (Path(line) / "lift_compare" / name / "__init__.py").samefile(
            clone / name / "__init__.py"
        )
