"""10,000 alarms in ten minutes: how many mails that makes, and that none of them is dropped."""

import re

import pytest

from tests.firmware.world import HOUR, MINUTE, SECOND, World, software

POINTS = 50
RAISES = 10000
BEGIN = MINUTE
SPAN = 600 * SECOND

PRIORITIES = {
    "high": ["high"],
    "mixed": ["high", "medium", "low"],
    "low": ["low"],
}
MOST = {"high": 21, "mixed": 21, "low": 13}

# Each raise lasts for 30 ms, and 30 ms later the next point has one.
FLOOD = """
for number in range(raises):
    point = app.points[number * 37 % 50]
    point.set()
    app.turn()
    point.clear()
    plant.pass_until(plant.now + 30)
    app.turn()
    plant.pass_until(plant.now + 30)
"""

# What the outbox has accepted, by kind and tag; and the raises that were counted by then.
SPY = """
kept = {}
counted = [0]
def keep(notice):
    real(notice)
    key = notice.kind + " " + notice.tag
    kept[key] = kept.get(key, 0) + 1
    if notice.kind == "CHATTER_END":
        kept[key] += notice.count
        counted[0] += notice.count
real = app.keep
app.keep = keep
"""

EVENT = re.compile(r"^\d\d:\d\d:\d\d [DLMH] (\S+) +(.+)$", re.MULTILINE)
COUNT = re.compile(r"^(\d+) (\S+)$", re.MULTILINE)
SUBJECT = re.compile(
    r"^\[PLANT \w+\] (?:FLOOD: )?(?:(?:END OF )?ALARM FLOOD .*FIRST )?(\S+) (.*)$"
)


def events(mail):
    """Return by tag how many events a mail names or counts; "others" is a tag, too."""
    found = {}
    named = EVENT.findall(mail.body) or [SUBJECT.match(mail.subject).groups()]
    counts = COUNT.findall(mail.body)
    if counts and not EVENT.search(mail.body):
        named = []  # an overflow
    for tag, event in named:
        many = re.search(r"CHATTERED (\d+) TIMES", event)
        found[tag] = found.get(tag, 0) + (1 + int(many[1]) if many else 1)
    for count, tag in counts:
        found[tag] = found.get(tag, 0) + int(count)
    return found


def is_digest(mail):
    """Tell whether a mail is no individual one."""
    return " EVENTS: " in mail.subject or " EVENTS COUNTED ONLY: " in mail.subject


def check_ceiling(mails, most):
    """Check the most mails of any 600 s, ten of them about one alarm; return how many there are.

    What tells of the board itself is no part of that.
    """
    worst = 0
    for last in mails:
        window = [mail for mail in mails if last.time - SPAN < mail.time <= last.time]
        single = [mail for mail in window if not is_digest(mail)]
        assert len(single) <= 10, single
        worst = max(worst, len(window))
    assert worst <= most, mails
    return worst


def check_all_told(world, mails):
    """Check that the mails name or count all that the outbox has accepted."""
    assert world.get("app.outbox.count(), app.outbox.count(b'\\0\\6'), app.lost") == [0, 0, 0]
    expected, told = {}, {}
    for key, count in world.get("kept").items():
        tag = key.split(" ")[1]
        expected[tag] = expected.get(tag, 0) + count
    for mail in mails:
        for tag, count in events(mail).items():
            told[tag] = told.get(tag, 0) + count
    assert sum(told.values()) == sum(expected.values())
    others = told.pop("others", 0)
    missing = {tag: count - told.pop(tag, 0) for tag, count in expected.items()}
    assert told == {}
    assert min(missing.values()) >= 0
    assert sum(missing.values()) == others


def start(world, *priorities):
    """Start a board whose points have these priorities in turn."""
    points = [
        software(f"P{at}", priority=priorities[at % len(priorities)], re_alarm=0)
        for at in range(POINTS)
    ]
    world.start(*points)
    world.run(BEGIN)
    world.do(SPY)


@pytest.fixture
def world():
    world = World()
    yield world
    assert world.get("app.failures") == 0, world.console
    world.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", PRIORITIES)
def test_a_flood(world, name, record_property):
    start(world, *PRIORITIES[name])
    world.do(f"raises = {RAISES}" + FLOOD)
    end = world.get("plant.now")
    mails = world.run(end + 2 * HOUR)
    assert end >= BEGIN + SPAN
    worst = check_ceiling(mails, MOST[name])
    figure = f"flood, {name}: {len(mails)} mails for {RAISES} alarms, {worst} in 600 s"
    record_property("figure", figure)
    kept = world.get("kept")
    occurrences = sum(kept[key] for key in kept if key.startswith(("RAISE P", "CHATTER P")))
    assert occurrences + world.get("counted")[0] == RAISES
    check_all_told(world, mails)


@pytest.mark.slow
def test_a_stream_of_high_alarms(world):
    """Which do not chatter, since each point has one in 150 s."""
    start(world, "high")
    for number in range(400):
        at = BEGIN + number * 3 * SECOND
        world.at(at, f"app.points[{number % POINTS}].set()")
        world.at(at + SECOND, f"app.points[{number % POINTS}].clear()")
    mails = world.run(BEGIN + 400 * 3 * SECOND + 2 * HOUR)
    assert check_ceiling(mails, 21) == 20
    kept = world.get("kept")
    assert sum(kept[key] for key in kept if key.startswith("RAISE P")) == 400
    check_all_told(world, mails)


def test_what_is_counted_twice_over(world):
    """Where no mail leaves, an end of chattering counts raises, and an overflow counts that."""
    start(world, "low")
    world.do("plant.gateways[25].state = 'refuses'")
    for _ in range(4):
        world.do("raises = 1000" + FLOOD)
        world.run(world.get("plant.now") + 6 * MINUTE)
    world.do("plant.gateways[25].state = 'up'")
    mails = world.run(world.get("plant.now") + 2 * HOUR)
    assert any("COUNTED ONLY" in mail.subject for mail in mails)
    kept = world.get("kept")
    occurrences = sum(kept[key] for key in kept if key.startswith(("RAISE P", "CHATTER P")))
    assert occurrences + world.get("counted")[0] == 4000
    check_all_told(world, mails)
