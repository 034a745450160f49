"""A sweep that is interrupted or killed at any moment: no traceback, no worker, no stray file."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SWEEP = """
evaluation = "descent"
[fixed]
instance = "gaussian"
n = 3
m = 6
[grid]
gd_before = [10, 11, 3_000_001, 3_000_002, 3_000_003, 3_000_004]
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of process groups")

AFTER = (0.0, 0.1, 0.4, 1.0, 3.0)
"""Seconds from the first sign of the store: workers start, import, and evaluate in that time."""


def start(folder: Path) -> subprocess.Popen[str]:
    """Start a sweep in a process group of its own, as a terminal does."""
    folder.mkdir()
    (folder / "slow.toml").write_text(SWEEP)
    words = ["sweep", str(folder / "slow.toml"), "--out", str(folder / "out"), "--jobs", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "lift_compare", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def wait_for_the_store(child: subprocess.Popen[str], folder: Path, seconds: float) -> None:
    while not (folder / "out" / "slow.sqlite").exists():
        assert child.poll() is None
        time.sleep(0.005)
    time.sleep(seconds)


def members(group: int) -> list[str]:
    """The command lines of the processes of a group that run; zombies wait for somebody else."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            state, _, its_group, *_ = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(its_group) == group and state not in "ZX":
                found.append((folder / "cmdline").read_text())
    return found


@pytest.mark.parametrize("after", AFTER)
def test_ctrl_c_prints_no_traceback(tmp_path: Path, after: float) -> None:
    child = start(tmp_path / "sweep")
    wait_for_the_store(child, tmp_path / "sweep", after)
    os.killpg(child.pid, signal.SIGINT)  # Ctrl-C goes to every process of the terminal
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "Warning" not in err  # of semaphores, say
    assert "what is finished is in" in err
    assert [path.name for path in (tmp_path / "sweep" / "out").iterdir()] == ["slow.sqlite"]


@pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="reads processes from /proc")
@pytest.mark.parametrize("after", [0.3, 1.5])
def test_a_killed_sweep_leaves_its_store_and_nothing_else(tmp_path: Path, after: float) -> None:
    """The workers find that it is gone, and delete its lock file."""
    child = start(tmp_path / "sweep")
    while not any("spawn_main" in line for line in members(child.pid)):
        assert child.poll() is None
        time.sleep(0.02)
    time.sleep(after)
    child.kill()
    _, err = child.communicate(timeout=60)  # ends when the last worker has
    assert err == ""
    deadline = time.monotonic() + 30
    while members(child.pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert [path.name for path in (tmp_path / "sweep" / "out").iterdir()] == ["slow.sqlite"]
