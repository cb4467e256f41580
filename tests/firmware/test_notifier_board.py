"""Inputs, watchdog and failures of the notifier while mails are on their way; simulated time."""

import pytest

from tests.firmware.world import HOUR, MINUTE, SECOND, FailedError, World, software

POLL = 50  # ms: the longest wait between two looks at the inputs
PULSE = 20
CONTACTS = [
    {"tag": f"C{at}", "input": f"DI{at}", "on_delay": 0, "off_delay": 0} for at in range(30)
]
PUMP = software("PUMP", priority="high")
LEVEL = {
    "tag": "LEVEL",
    "type": "analog",
    "input": "AI1",
    "scale": [[0, 0], [50000, 100]],
    "high": 80,
    "on_delay": 0,
    "off_delay": 0,
}
STAGES = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY")


@pytest.fixture
def world():
    world = World()
    yield world
    world.close()


def silence(world, how):
    """Let the gateway be silent: a hole, or from a stage of the dialogue on."""
    if how == "hole":
        world.do("plant.gateways[25].state = 'hole'")
    else:
        world.do(f"plant.gateways[25].faults = {{{how!r}: ''}}")


def longest(world):
    """Return the longest time that the watchdog was not fed since the last call."""
    world.do("dog = plant.board.dog; dog.feed(); found = dog.longest; dog.longest = 0")
    return world.get("found")


# While nobody answers


@pytest.mark.parametrize("how", ["hole", *STAGES])
def test_a_short_pulse_is_on_flash_while_the_gateway_is_silent(world, how):
    world.start(*CONTACTS, PUMP)
    silence(world, how)
    longest(world)
    world.point("PUMP", "set()")
    world.do("spy()")
    times = [5 * SECOND + 757 * at for at in range(len(CONTACTS))]  # at each phase of the polls
    for at, time in enumerate(times):
        world.at(time, f"plant.board.digital('DI{at}').drive(0)")
        world.at(time + PULSE, f"plant.board.digital('DI{at}').drive(1)")
    mails = world.run(30 * SECOND, every=5)
    assert mails == []
    raises = {tag: time for time, kind, tag in world.get("kept") if kind == "RAISE"}
    for at, time in enumerate(times):
        assert time + PULSE <= raises.pop(f"C{at}") <= time + PULSE + POLL
    assert raises.keys() == {"PUMP"}
    assert longest(world) <= POLL
    assert world.failures() == 0


def test_the_watchdog_is_fed_for_all_of_a_deadline(world):
    world.start(dict(LEVEL), PUMP, ntp="")
    world.do(
        "def read():\n"
        "    plant.now += 1\n"
        "    return 30000\n"
        "plant.board.analog('AI1').read_u16 = read\n"
        "app.find('LEVEL').sample = read"
    )
    # It answers each line just before its time-out, and never the last one.
    world.do("plant.gateways[25].latency = 29000; plant.gateways[25].faults = {'BODY': ''}")
    longest(world)
    world.point("PUMP", "set()")
    world.run(4 * MINUTE, every=5)
    failed = [line for line in world.console if "time-out" in line]
    assert failed
    assert world.get("app.notifier.client.deadline") == 2 * MINUTE
    assert 2 * MINUTE in [int(line.rsplit(" ", 2)[1]) // 1000 * 1000 for line in failed]
    assert POLL <= longest(world) <= POLL + 3  # three samples of 1 ms each
    assert world.failures() == 0


# How long the longest of the outbox's operations on files takes between two looks at the inputs.
TIMED = """
slowest = 0
def timed(real):
    def call(*args):
        global slowest
        start = plant.now
        found = real(*args)
        slowest = max(slowest, plant.now - start)
        return found
    return call
app.outbox.save = timed(app.outbox.save)
import borrow, outbox
real = borrow.borrow
def lend(name):
    module = real(name)
    if name == "outbox.deliveries":
        module.retire = timed(module.retire)
    return module
borrow.borrow = outbox.borrow = lend
"""


def test_the_watchdog_is_fed_in_folds_and_digests(world):
    points = [software(f"P{at}", priority="low", re_alarm=0) for at in range(45)]
    world.start(*points, ntp="")
    world.do("slow_flash()")
    world.run(MINUTE)
    world.do("plant.gateways[25].state = 'refuses'" + TIMED + "spy()")
    longest(world)
    for change in range(4):
        for at in range(45):  # all at once
            call = "clear" if change % 2 else "set"
            world.at(2 * MINUTE + 5 * change * SECOND, f"app.points[{at}].{call}()")
    for at in range(16):
        for _ in range(8):
            text = f"{at} " + 60 * "text "
            world.at(3 * MINUTE + at * SECOND, f"alarmpost.notify({text!r}, 'diagnostic')")
    world.run(4 * MINUTE, every=POLL)
    assert len(world.get("kept")) > 300
    assert world.get("app.outbox.count()") <= 200
    assert POLL < longest(world) <= POLL + world.get("slowest")
    world.do("plant.gateways[25].state = 'up'; app.notifier.wake(True); slowest = 0")
    mails = world.run(5 * MINUTE, every=POLL)
    assert max(int(mail.words.split()[1]) for mail in mails if "EVENTS:" in mail.words) > 150
    assert POLL < longest(world) <= POLL + world.get("slowest")
    assert any("COUNTED ONLY" in mail.subject for mail in world.run(3 * HOUR))
    assert world.failures() == 0


def test_a_turn_without_end_is_not_fed_for_ever(world):
    world.start(PUMP, ntp="")
    silence(world, "hole")
    world.do("app.notifier.client.deadline = 1 << 28; app.notifier.client.timeout = [1 << 28] * 9")
    world.point("PUMP", "set()")
    world.at(MINUTE, "turn = plant.now")
    world.at(12 * MINUTE, "raise Reset")
    with pytest.raises(FailedError, match="Reset"):
        world.run(HOUR)
    assert world.get("plant.now") == 12 * MINUTE
    assert 599 * SECOND < world.get("plant.board.dog.fed - app.turned") < 600 * SECOND


# Failures


@pytest.mark.parametrize("spec", [CONTACTS[0], LEVEL], ids=["contact", "analog"])
def test_an_input_that_fails_is_a_fault(world, spec):
    world.start(dict(spec, priority="high"), PUMP)
    tag = spec["tag"]
    world.do(
        f"point = app.find({tag!r})\n"
        "def broken(*_):\n"
        "    raise OSError(5)\n"
        "class Broken:\n"
        "    value = broken\n"
        "if hasattr(point, 'pin'):\n"
        "    good, point.pin = point.pin, Broken()\n"
        "else:\n"
        "    good, point.sample = point.sample, broken"
    )
    (fault,) = world.run(MINUTE)
    assert fault.words == f"{tag} FAULT"
    world.point("PUMP", "set()")
    assert [mail.words for mail in world.run(2 * MINUTE)] == ["PUMP RAISED"]
    world.do("if hasattr(point, 'pin'):\n    point.pin = good\nelse:\n    point.sample = good")
    assert [mail.words for mail in world.run(3 * MINUTE)] == [f"{tag} FAULT GONE"]
    assert world.failures() == 0


# Where something fails: what is replaced. A failure is of ours, or flash is full, or the heap is.
PARTS = {
    "inputs": "app.find('DOOR').read",
    "alarms": "app.alarms.poll",
    "flash": "app.outbox.append",
    "link": "app.board.link.poll",
    "clock": "app.sntp.poll",
    "board": "app.board.reset_cause",
    "choice": "app.outbox.find",
    "client": "app.notifier.client.send",
    "gateways": "app.notifier.offer",
    "delivery": "app.outbox.remove",
}
DOOR = software("DOOR", priority="high")
BREAK = """
owner = {owner}
plant.at(plant.now + {long}, setattr, owner, "{name}", owner.{name})
def broken(*_):
    raise {error}
owner.{name} = broken
"""


def failure(part, **how):
    """Return what lets a part fail; it may be another object's by the time it works again."""
    owner, _, name = PARTS[part].rpartition(".")
    return BREAK.format(owner=owner, name=name, **how)


@pytest.mark.parametrize("error", ["ValueError('no')", "OSError(28)", "MemoryError()"])
@pytest.mark.parametrize("part", PARTS)
def test_a_failure_is_caught_counted_and_told(world, part, error):
    world.start(PUMP, DOOR, heartbeat="12:00")
    world.do(failure(part, long=20 * SECOND, error=error))
    world.point("PUMP", "set()")
    world.run(MINUTE)
    world.point("DOOR", "set()")
    world.run(20 * MINUTE)
    failures = world.failures()
    assert failures > 0
    mails = world.run(60 * MINUTE)
    (beat,) = [mail for mail in mails if mail.words == "plc7 ALIVE"]
    assert f"Failures caught: {failures}\n" in beat.body
    name = error.partition("(")[0]
    assert any(f"error failure 1: {name}" in line for line in world.console)
    assert world.get("app.outbox.count()") == 0


@pytest.mark.parametrize("part", PARTS)
def test_after_a_failure_nothing_is_missing(world, part):
    world.start(PUMP, DOOR)
    world.do(failure(part, long=20 * SECOND, error="ValueError('no')"))
    world.point("PUMP", "set()")
    mails = world.run(MINUTE)
    world.point("DOOR", "set()")
    mails += world.run(HOUR)
    told = {mail.words for mail in mails}
    if part == "delivery":
        assert told == {"PUMP RAISED", "DOOR RAISED"}  # the first one more than once
        assert len({(mail["Message-ID"], mail["Date"]) for mail in mails}) == 2
    else:
        assert [mail.words for mail in mails] == ["PUMP RAISED", "DOOR RAISED"]


# Parts without which the board does nothing useful: it is reset, but not before a minute.
FATAL = ("inputs", "alarms", "link", "clock")


@pytest.mark.parametrize("part", FATAL)
def test_failing_again_and_again_resets_the_board(world, part):
    world.start(PUMP, DOOR, watchdog=0)
    world.do("plant.gateways[25].state = 'refuses'")
    world.point("PUMP", "set()")
    world.run(10 * SECOND)
    world.do(failure(part, long=HOUR, error="ValueError('no')"))
    with pytest.raises(FailedError, match="Reset"):
        world.run(30 * MINUTE, every=POLL)
    assert 70 * SECOND <= world.get("plant.now") < 80 * SECOND
    world.do("plant.gateways[25].state = 'up'")
    world.boot("soft reset")
    world.point("PUMP", "set()")
    mails = world.run(30 * MINUTE)
    assert [mail.words.rstrip(".0123456789") for mail in mails] == [
        "PUMP RAISED",
        "The board resets itself, it has failed ",
        "plc7 STARTED",
    ]
    assert "ValueError: no\n" in mails[1].body
    assert "Reset cause: soft reset\n" in mails[2].body
    assert world.failures() == 0


def test_failing_without_memory_resets_the_board(world):
    world.start(PUMP, watchdog=0)
    world.do(
        "failing = []\n"
        "def lend(name):\n"
        "    failing.append(name)\n"
        "    raise MemoryError\n"
        "def broken(now):\n"
        "    raise MemoryError\n"
        "firmware.borrow = lend\n"
        "app.board.link.poll = broken"
    )
    with pytest.raises(FailedError, match="Reset"):
        world.run(30 * MINUTE, every=POLL)
    assert world.get("failing") == ["upkeep"] * 1000
    assert world.get("plant.now") == SECOND + 999 * POLL


def test_a_flash_that_fails_loses_nothing_until_it_is_back(world):
    world.start(PUMP, *[software(f"P{at}") for at in range(60)])
    world.do("spy()")
    world.do(BREAK.format(owner="app.outbox", name="append", long=MINUTE, error="OSError(28)"))
    for at in range(60):
        world.at((10 + at // 4) * SECOND, f"app.find('P{at}').set()")
    world.run(2 * MINUTE)
    raises = [tag for _, kind, tag in world.get("kept") if kind == "RAISE"]
    assert raises == [f"P{at}" for at in range(60)]
    assert world.get("app.lost") == 0


@pytest.mark.parametrize("hours", [0, 2])
def test_a_mail_that_lacks_memory_is_parked_only_where_a_reset_does_not_help(world, hours):
    world.start(PUMP, DOOR)
    world.run(hours * HOUR + 2 * SECOND)
    world.do("def broken(*_):\n    raise MemoryError\napp.notifier.render = broken")
    world.point("PUMP", "set()")
    if hours:
        with pytest.raises(FailedError, match="Reset"):
            world.run(3 * HOUR)
        world.boot("soft reset")
        world.point("PUMP", "set()")
        mails = world.run(4 * HOUR)
        assert [mail.words for mail in mails] == ["PUMP RAISED", "plc7 STARTED"]
    else:
        assert world.run(30 * MINUTE) == []
        world.do("del app.notifier.render")
        world.point("DOOR", "set()")
        assert [mail.words for mail in world.run(HOUR)] == ["DOOR RAISED"]
    parked = world.get("app.outbox.count(b'\\0\\6')")
    assert parked == (0 if hours else 1)
