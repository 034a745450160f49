"""Ctrl-C at random moments of every command: one line says so, and no traceback of anybody."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMANDS = {
    "directions": ["--orders", "3", "5", "7"],
    "verify": ["verify"],
    "verify --random": ["verify", "--random", "50"],
    "cost": ["cost", "--quick"],
    "rivals": ["rivals"],
    "sweep": ["sweep", "two-by-two"],
    "reproduce": ["reproduce", "--quick"],
}
MOMENTS = int(os.environ.get("INTERRUPT_MOMENTS", "1"))
"""Moments for each command: few in the suite; set it to 10 or more for the whole check."""


@pytest.mark.parametrize("moment", range(MOMENTS))
@pytest.mark.parametrize("command", COMMANDS)
def test_an_interruption_is_said_and_is_exit_code_130(
    command: str, moment: int, tmp_path: Path
) -> None:
    seconds = random.Random(f"{command} {moment}").uniform(0.3, 4 if moment % 2 == 0 else 12)
    child = subprocess.Popen(
        [sys.executable, "-m", "lift_compare", *COMMANDS[command]],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # its workers hear Ctrl-C too, and no one else does
    )
    time.sleep(seconds)
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGINT)
        sent = time.monotonic()
        _, err = child.communicate(timeout=60)
        if child.returncode == 0:  # all was done already, and it was ending
            assert time.monotonic() - sent < 2, "it went on"
            return
        assert child.returncode == 130, f"after {seconds:.2f} s: {err}"
        assert err.strip().splitlines()[-1].startswith("lift-compare: interrupted")
    else:
        _, err = child.communicate()
        assert child.returncode == 0
    assert "Traceback" not in err
    report = tmp_path / "results" / "report.html"
    if report.exists():
        assert "This run was interrupted" in report.read_text(encoding="utf-8")
