"""`examples/horse_alarm.py` under MicroPython: what it says of each outcome."""

import os
import re
import subprocess

import pytest

from host_tools import micropython
from host_tools.fake_smtp import FakeSMTP

FIRMWARE = micropython.ROOT / "firmware"
PROGRAM = FIRMWARE / "examples" / "horse_alarm.py"


@pytest.mark.parametrize(
    ("scenario", "status", "pattern"),
    [
        ("default", 0, r"\d+ ms  BODY    < 250 2.0.0 OK queued as 1\n"),
        ("unknown-recipient", 1, r"NOT SENT: RCPT: 550 5.1.1 No such user\n"),
        ("lost-after-dot", 1, r"PERHAPS SENT: BODY: closed"),
    ],
)
def test_says_what_came_of_it(scenario, status, pattern):
    with FakeSMTP(scenario) as server:
        done = subprocess.run(
            [micropython.find(), PROGRAM, server.host, str(server.port)],
            env={**os.environ, "MICROPYPATH": str(FIRMWARE)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == status
    assert re.search(pattern, done.stdout)
