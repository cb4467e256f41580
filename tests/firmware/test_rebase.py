"""Times that stay small: a clock that is set back, and with it all that counts by it."""

import re
from email.utils import parsedate_to_datetime

import pytest

from tests.firmware.world import DAY, HOUR, MINUTE, SECOND, UTC, World, software

LATE = 536870 * SECOND  # from the next second on it is time
SPAN = 400000 * SECOND
EARLY = 100000 * SECOND

PUMP = software("PUMP", priority="high", re_alarm=1800)
POINTS = [
    PUMP,
    software("SLOW", on_delay=1200),
    software("SHELF", re_alarm=2700),
    software("CHAT"),
    {"tag": "DOOR", "input": "DI1", "priority": "high"},
    *[software(f"F{at}", priority="low") for at in range(11)],
]

LOG = re.compile(r"(\d+)(\.\d{3} \w+ .*)")


@pytest.fixture
def world():
    world = World()
    yield world
    world.close()


def start(world, uptime, *points, **site):
    """Switch the power on, as if the board had been up for so long then, in ms."""
    world.do(f"import clock; clock.Clock.time = {uptime}")
    return world.start(*points, **site)


def stamp(mail):
    """Return the Unix seconds that the Date of a mail tells."""
    return int(parsedate_to_datetime(mail["Date"]).timestamp())


def tell(world):
    """Let a plant go through all that takes its time."""
    world.point("PUMP", "set()")
    world.point("SLOW", "set()")
    world.at(2 * MINUTE, "alarmpost.command('SHELF', 'shelve', 40 * 60000)")
    world.at(3 * MINUTE, "app.find('SHELF').set()")
    world.at(10 * MINUTE, "plant.board.digital('DI1').drive(0)")
    for at in (0, 25, 50, 180, 300, 301):
        world.at(12 * MINUTE + at * SECOND, "app.find('CHAT').set()")
        world.at(12 * MINUTE + at * SECOND + 100, "app.find('CHAT').clear()")
    for at in range(11):
        world.at(20 * MINUTE + at * 50 * SECOND, f"app.find('F{at}').set()")
    world.at(55 * MINUTE, "plant.gateways[25].state = 'refuses'; app.find('PUMP').clear()")
    world.at(58 * MINUTE, "plant.gateways[25].state = 'up'")
    world.at(80 * MINUTE, "plant.gateways[25].faults = {'BODY': '451 later'}")
    world.at(80 * MINUTE, "app.find('F0').clear()")
    world.at(90 * MINUTE, "plant.gateways[25].faults = {}")


# The board's own clock: when it was set, and to what.
RTC = """
import sys
moments = []
class RTC:
    def datetime(self, moment):
        moments.append((plant.now, moment))
sys.modules["machine"] = world.Module(RTC=RTC)
"""


def story(uptime):
    """Return what comes to pass in a plant whose board has been up for so long before."""
    world = World()
    world.do(RTC)
    start(world, uptime, *POINTS, acknowledge=True, heartbeat="12:10")
    tell(world)
    found = [
        (mail.time, mail.to, mail.subject, mail["Date"], shown(mail))
        for mail in world.run(2 * HOUR)
    ]
    moved = world.get("app.clock.base")
    begin = uptime // SECOND
    offset = world.get("app.outbox.offset()")
    clocks = world.get("server.questions"), world.get("moments"), offset + begin
    world.do("plant.keyboard.typed = b'=status status\\r=logs logs\\r'")
    world.run(2 * HOUR + SECOND)
    assert world.failures() == 0
    world.close()
    return moved, found, clocks, list(said(world.console, begin))


DIFFERS = (" ready: ", "clock set", "=status boot:", "=status heap:", "=status trouble:")


def said(console, begin):
    """Yield what a board said that had been up for so many seconds, but for what differs."""
    for line in console:
        log = LOG.match(line)
        if any(words in line for words in DIFFERS):
            continue
        if log:
            yield int(log[1]) - begin, log[2]
        elif line.startswith("=status uptime"):
            yield int(line.split()[-1]) - begin
        elif line.startswith("=status"):
            yield line
        elif line.startswith("=logs") and " warning " in line:
            date, _, rest = line.partition(", ")
            yield date, int(rest.partition(".")[0]) - begin, rest.partition(" ")[2]


def shown(mail):
    """Return the body of a mail but for what differs from board to board."""
    differs = ("Uptime:", "Boot:", "Free heap:")
    return [line for line in mail.body.split("\n") if not line.startswith(differs)]


TOLD = (
    "STILL ACTIVE",
    "NOT ACKNOWLEDGED",
    "CHATTERED 3 TIMES",
    "UNSHELVED",
    "END OF ALARM FLOOD",
    "ALIVE",
    "SLOW ",
    "Was active for 54 min",
)


def test_whatever_takes_its_time_comes_at_its_time():
    moved, mails, *others = story(EARLY)
    assert moved == 0
    text = "\n".join(line for mail in mails for line in (mail[2], *mail[4]))
    for words in TOLD:
        assert words in text
    for minute in (1, 9, 12, 16, 22, 27, 34, 56, 81, 89):
        assert story(LATE - minute * MINUTE) == (SPAN // SECOND, mails, *others)


def test_what_flash_has_not_taken_yet_keeps_its_time(world):
    start(world, LATE - 3 * MINUTE, PUMP)
    world.do("real = app.outbox.append\ndef fail(record):\n    raise OSError(28)")
    world.at(220 * SECOND, "app.outbox.append = fail; app.find('PUMP').set()")
    world.at(260 * SECOND, "app.outbox.append = real")
    assert world.run(250 * SECOND) == []
    assert world.get("app.clock.now()") > LATE + MINUTE
    (raised,) = world.run(10 * MINUTE)
    assert stamp(raised) == UTC + 220
    assert world.get("app.clock.base") == SPAN // SECOND


# All that is reachable from the app and is a number: by its path.
NUMBERS = """
def numbers(one, path, found, seen):
    if type(one) is int:
        found[path] = one
    elif id(one) not in seen:
        seen.append(id(one))
        if isinstance(one, dict):
            parts = one.items()
        elif isinstance(one, (list, tuple)):
            parts = enumerate(one)
        elif type(one).__name__ in ("Plant", "Dog", "Gateway", "Pin"):  # the world, not the app
            parts = ()
        else:
            parts = getattr(one, "__dict__", {}).items()
        for name, part in parts:
            numbers(part, "%s %s" % (path, name), found, seen)
    return found
"""

# What a board may be in the midst of, besides what tell() has brought about.
BUSY = """
import sys
from borrow import borrow
from link import Link
now = app.clock.now()
sys.modules["hardware"] = world.Module(recall=lambda: 0, remember=lambda number: None)
link = app.board.link = Link("Kind")
link.poll(now)  # which fails, and plans a reset
server.delay = None
app.sntp.due = now
app.sntp.poll(now)
plant.keyboard.typed = b"sta"
app.listen()
app.log(1, "trouble")
borrow("journal").note(app)
app.in_a_row = 1
borrow("upkeep").failed(app, "")
app.next_accept = now
app.notifier.stay = now + 900000
"""

KEPT = {
    *("changed", "due", "until", "late", "remind", "quiet", "latest", "earlier", "next", "since"),
    *("turned", "next_look", "next_heartbeat", "next_accept", "failing_since", "noted"),
    *("flood_end", "stay", "heard", "sent", "reset_at", "time"),
}


def be_busy(world):
    """Let a board be in the midst of whatever takes its time."""
    level = {
        "tag": "LEVEL",
        "type": "analog",
        "input": "AI1",
        "scale": [[0, 0], [9, 9]],
        "high": 8,
    }
    start(world, LATE - DAY, *POINTS, level, acknowledge=True, heartbeat="06:00")
    tell(world)
    world.run(13 * MINUTE)
    world.do("for point in app.points:\n    point.pulse = True")  # a flood
    world.run(15 * MINUTE - SECOND)
    world.do("plant.gateways[25].faults = {'BODY': '451 later'}; app.find('PUMP').clear()")
    world.run(15 * MINUTE)
    world.do(BUSY)


def test_no_time_is_forgotten(world):
    be_busy(world)
    world.do(NUMBERS + "before = numbers(app, '', {}, [])")
    world.do("borrow('rebase').run(app)\nafter = numbers(app, '', {}, [])")
    before, after = world.get("before"), world.get("after")
    times = {path: time for path, time in before.items() if LATE - DAY <= time < LATE + DAY}
    assert {path.split()[-1] for path in times} >= KEPT
    for holder in ("recent", "single", "digests", "later", "first", "line", "query", "work"):
        assert any(f" {holder} " in path for path in times), holder
    moved = {path: after[path] for path in times}
    assert moved == {path: time - SPAN for path, time in times.items()}
    assert {path for path in before if path not in times and after[path] != before[path]} == {
        " clock base"
    }
    assert world.failures() == 0


# Each move with the heap locked, and an interrupt at each that watches the inputs.
LOCKED = """
import micropython
polls = []
app.alarms.poll = polls.append
moves = []
rebase = borrow("rebase")
def guard(name):
    real = getattr(rebase, name)
    def call(one, more=None):
        app.watch()
        micropython.heap_lock()
        try:
            if more:
                real(one, more)
            else:
                real(one)
        finally:
            micropython.heap_unlock()
        moves.append(name)
    setattr(rebase, name, call)
for name in ("move", "take", "begin"):
    guard(name)
rebase.run(app)
"""


def test_nothing_comes_in_between(world):
    be_busy(world)
    world.do(LOCKED)
    assert world.get("sorted(set(moves))") == ["begin", "move", "take"]
    assert world.get("polls") == []
    assert world.failures() == 0
    world.do("app.watch()")
    assert world.get("len(polls)") == 2


NAMES = 96
"""Octets that the names in `rebase.py` take, for good."""


def test_months_take_no_more_heap_than_the_first_days():
    world = World(32, "1m")
    begin = 1 << 30  # so the plant itself has long numbers from the beginning
    world.start(dict(PUMP, re_alarm=0), time=begin, heartbeat="06:00")
    world.point("PUMP", "set()")
    (raised,) = world.run(begin + 2 * MINUTE)
    offset = world.get("app.outbox.offset()")
    world.do("import gc\ndef used():\n    gc.collect()\n    return gc.mem_alloc()")
    heap = []
    mails = []
    now = begin
    for _ in range(66):
        now += DAY - 2 * HOUR
        world.do(f"plant.now = {now}; server.questions = []")
        mails = world.run(now + 5 * MINUTE)
        heap.append(world.get("used()"))
    assert world.get("app.clock.base") == 12 * SPAN // SECOND
    # The least, since a stale word on the stack may keep some octets for a day; from 12 days on.
    assert min(heap[13:]) <= min(heap[3:6]) + NAMES
    assert "Uptime: 60 d 12 h" in mails[-1].body
    assert world.get("app.outbox.offset()") == offset
    world.point("PUMP", "clear()")
    (cleared,) = world.run(now + 10 * MINUTE)
    assert "Was active for 60 d 12 h." in cleared.body
    assert f"\nSince: {raised.body.splitlines()[1]}\n" in cleared.body
    assert stamp(cleared) - stamp(raised) == (cleared.time - raised.time) // SECOND
    assert not [line for line in world.console if "clock corrected" in line]
    assert world.failures() == 0
    world.close()
