"""Ctrl-C in the first second is as quiet as later."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the signals that a process handles from /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_that_is_stopped_while_it_loads_says_so_and_no_more(tmp_path: Path, number: signal.Signals) -> None:
    """It is stopped at a moment of its start that is another one each time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LOCAL_DIR": str(tmp_path / "data")}
    for milliseconds in (0, 150, 300, 450):
        program = subprocess.Popen(
            [sys.executable, "-m", "deploy.start", "deploy.local.run"], cwd=tmp_path, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        while not catches(program.pid, number):
            time.sleep(0.001)
        time.sleep(milliseconds / 1_000)
        program.send_signal(number)
        told, errors = program.communicate(timeout=60)
        assert program.returncode in (0, 128 + number), errors.decode()[-2_000:]
        assert b"Traceback" not in errors
        assert told.decode().splitlines()[-1:] == ["Stopped."]


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether the process has a handler for the signal other than Python's own."""
    status = (Path("/proc") / str(pid) / "status").read_text()
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(mask >> (signal.SIGTERM - 1) & 1) and bool(mask >> (number - 1) & 1)
