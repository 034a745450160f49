"""Ctrl-C in `lift-compare verify`: exit code 130, and it says what is there."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")

# The child sends a line once the commands are imported: a signal before that ends the import.
CHILD = """
import sys
from lift_compare.compare.commands import cost, directions, export, reproduce, sweep, verify
from lift_compare.compare.commands.main import main
print("ready", flush=True)
sys.exit(main(sys.argv[1:]))
"""


def interrupted_after(seconds, *words):
    """Start the command, send SIGINT after a time, and return its code, stdout and stderr."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, "verify", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        start_new_session=True,
    )
    assert child.stdout.readline() == "ready\n"
    time.sleep(seconds)
    os.killpg(child.pid, signal.SIGINT)
    out, err = child.communicate(timeout=60)
    return child.returncode, out, err


@pytest.mark.parametrize("seconds", [0.2, 1.5, 4.0])
def test_random_instances_that_were_finished_are_written(tmp_path, seconds):
    code, _, err = interrupted_after(seconds, "--random", 1000, "--out", tmp_path)
    assert code == 130
    assert "Traceback" not in err
    last = err.splitlines()[-1]
    written = tmp_path / "verify-random.json"
    if written.exists():
        count = json.loads(written.read_text(encoding="utf-8"))["provenance"]["instances"]
        assert f"the {count} of 1000 instances finished are written" in last
        assert (tmp_path / "verify-random.csv").exists()
    else:
        assert last.endswith("interrupted; nothing was finished, nothing is written")
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("seconds", [0.2, 1.2])
def test_instances_by_name(tmp_path, seconds):
    names = [f"gaussian:n=8,m=20,rank=2,seed={seed}" for seed in range(40)]
    words = [word for name in names for word in ("--instance", name)]
    code, _, err = interrupted_after(seconds, *words, "--order", 3, "--out", tmp_path)
    assert code == 130
    assert "Traceback" not in err
    last, written = err.splitlines()[-1], list(tmp_path.iterdir())
    assert ("nothing is written" in last) == (written == [])
    assert ("instances finished are written" in last) == (len(written) == 2)
