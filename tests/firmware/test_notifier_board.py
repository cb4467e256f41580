"""Inputs, watchdog and failures of the notifier while mails are on their way, simulated."""

import pytest

from tests.firmware.world import HOUR, MINUTE, SECOND, World, software

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
app.outbox.retire = timed(app.outbox.retire)
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
