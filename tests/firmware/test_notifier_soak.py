"""30 days and 100,000 alarms on a small 32-bit heap: neither the heap nor the files grow."""

import json
import re
import shutil
import subprocess
from collections import Counter
from typing import NamedTuple

import pytest

from host_tools import micropython
from host_tools.mpy import compile_file
from tests.firmware.test_notifier_flood import events
from tests.firmware.test_notifier_heap import ELSEWHERE
from tests.firmware.world import HERE, SITE, Mail, compiled

PROGRAMS = HERE / "programs"
PATIENCE = 1800  # seconds after which it counts as hung
DAYS = 30
WARM = 8  # days; the clock was rebased once
WEEK = 5  # days, of which one has a storm

HEAP = 64 * 1024
"""What firmware and interpreter have; the simulation has its share besides."""

POINT = {"description": "overload", "response": "Reset it.", "latched": False}
SOFTWARE = {"type": "software", "on_delay": 0, "off_delay": 0}
SCALE = {"scale": [[0, 0], [65535, 10]], "unit": "bar", "high": 8, "range": [3000, 62000]}
AT_ONCE = {"on_delay": 1, "off_delay": 1}

CONSOLE = {"console", "listing", "manual", "orders", "overview", "trial", "advice"}
"""What nobody calls here; the tables of names would not have room for this, too."""

# What the simulation takes beside all that the firmware ever imports, in the midst of a turn: its
# modules, the next table for their names, its calls, and a connection.
SHARE = """
import gc, os, sys
import alarmpost, alarms, borrow, inputs, link, mail, smtp_client.replies
for folder, package in ((".", ""), ("outbox", "outbox.")):
    for file in os.listdir(folder):
        name = package + file[:-4]
        if file[-4:] == ".mpy" and name not in OTHERS and name not in sys.modules:
            borrow.borrow(name)

class App:
    def turn(self):
        connection = soak.plant.Socket()
        try:
            connection.connect(("192.168.1.1", 25))
        except OSError:
            connection.write(b"EHLO plc7\\r\\n", 0, 11)
        gc.collect()
        gc.collect()
        print(gc.mem_alloc() - before)
        sys.exit()

app = App()
app.points = [app] * 20
gc.collect()
gc.collect()
before = gc.mem_alloc()
import soak
board = soak.Soak()
board.app = app
for duration in board.day(1):
    board.wait(duration)
"""

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


class Day(NamedTuple):
    """What is measured at the end of a day.

    heap, largest: octets in use, and the largest free piece in blocks of 16
    free, erases: blocks of flash; waiting, parked, failures: how many; files: their names
    """

    heap: int
    largest: int
    free: int
    erases: int
    waiting: int
    parked: int
    failures: int
    files: str


class Story:
    """What happened in some days."""

    def __init__(self, folder, heap, days):
        with (folder / "console").open("w") as console, (folder / "wire").open("w") as wire:
            run(folder, heap, "-m", "soak", ".", "image", str(days), stdout=console, stderr=wire)
        self.console = (folder / "console").read_text()
        self.wire = (folder / "wire").read_bytes().decode()
        self.days = [
            Day(*map(int, found[:-1]), found[-1])  # pyright: ignore[reportCallIssue]
            for found in DAY.findall(self.console)
        ]
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
        source = PROGRAMS / f"{name}.py"
        target = folder / f"{name}.mpy"
        compile_file(source, target)
    (folder / "config.json").write_text(json.dumps(configuration()))
    run(folder, 1 << 20, "-m", "soak", ".", "image")
    others = (*ELSEWHERE, *CONSOLE, "outbox.__init__", "flash", "plant", "soak")
    source = f"import sys\nsys.argv[:] = ['', '.']\nOTHERS = {others}\n{SHARE}"
    (folder / "share.py").write_text(source)
    share = int(run(folder, 1 << 20, "share.py", stdout=subprocess.PIPE).stdout)
    return folder, share


def run(folder, heap, *arguments, **streams):
    """Run a program on a heap of so many octets."""
    words = (micropython.find(32), "-X", f"heapsize={heap}", *arguments)
    return subprocess.run(
        [str(word) for word in words], cwd=folder, timeout=PATIENCE, check=True, **streams
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_nothing_grows_and_nothing_is_lost(board, record_property):
    folder, share = board
    story = Story(folder, HEAP + share, DAYS)
    days = story.days
    last = days[-1]
    alarms = story.alarms()
    record_property(
        "figure",
        f"soak, {DAYS} days: {alarms} alarms, {len(story.mails)} mails; heap in use "
        f"{days[WARM].heap - share} octets, {last.heap - share} in the end, of {HEAP} "
        f"(simulation: {share} more); largest free {16 * last.largest}; {last.erases} erases, "
        f"{last.failures} failures caught",
    )
    assert alarms >= 100000
    told, expected = story.told(), story.expected()
    assert told.pop("The") == 23 * DAYS  # texts
    assert told.pop("board") == DAYS + 2  # boots and heartbeats
    assert told == expected
    assert (last.failures, last.waiting, last.parked) == (0, 0, 0)
    assert len(days) == DAYS
    assert {day.files for day in days[WARM:]} == {last.files}
    assert least_heap(days[WARM:-WEEK]) == least_heap(days[-WEEK:])
    assert most_free(days[WARM:-WEEK]) == most_free(days[-WEEK:])


def least_heap(days):
    """Return the least heap in use at the end of some days.

    A stale word on the interpreter's stack may keep some octets alive for a day; nothing keeps
    what is used from coming back to the least, but growth.
    """
    return min(day.heap for day in days)


def most_free(days):
    """Return how many blocks of flash are free at the end of the best of some days.

    The journal may have some more lines or less.
    """
    return max(day.free for day in days)
