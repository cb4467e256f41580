"""What the notifier knows, tells and keeps to after a reboot, in simulated time."""

import json

import pytest

from tests.firmware.world import HOUR, MINUTE, OPERATORS, SECOND, World, configuration, software

PUMP = {"tag": "PUMP", "input": "DI1", "priority": "high"}
DOOR = {"tag": "DOOR", "input": "DI2", "on_delay": 0, "off_delay": 1}
LEVEL = {
    "tag": "LEVEL",
    "type": "analog",
    "input": "AI1",
    "scale": [[0, 0], [50000, 100]],
    "high": 80,
    "on_delay": 0,
    "off_delay": 0,
}
NORM, UNACK, ACKED, RTNUN, LATCHED, SHLVD, OOSRV, FAULT = range(8)


@pytest.fixture
def world():
    world = World()
    yield world
    assert world.get("app.failures") == 0, world.console
    world.close()


def command(world, tag, event):
    world.do(f"command({tag!r}, {event!r})")


def state(world, tag):
    return world.get(f"app.find({tag!r}).state")


def reboot(world, levels=(1, 1), raw=30000):
    """Switch off and on, with the inputs as they are then."""
    world.do("board = plant.board; plant.board = None")
    world.do(
        "def power_on():\n"
        "    import plant as p\n"
        "    real = p.Board\n"
        "    def make(plant):\n"
        "        board = real(plant)\n"
        f"        board.digital('DI1').level = {levels[0]}\n"
        f"        board.digital('DI2').level = {levels[1]}\n"
        f"        board.analog('AI1').raw = {raw}\n"
        "        return board\n"
        "    p.Board = make\n"
        "    try:\n"
        "        boot()\n"
        "    finally:\n"
        "        p.Board = real\n"
        "power_on()"
    )


def test_what_is_still_active_is_listed_and_not_raised_again(world):
    world.start(PUMP, DOOR, LEVEL)
    world.drive("DI1", 0)
    world.drive("DI2", 0)
    world.do("plant.board.analog('AI1').raw = 45000")
    before = world.run(5 * MINUTE)
    assert len(before) == 2  # PUMP, and a digest of the others
    reboot(world, (0, 0), 45000)
    mails = world.run(2 * HOUR)
    assert [mail.words for mail in mails] == ["plc7 STARTED"]
    assert "Active: DOOR, LEVEL, PUMP\n" in mails[0].body
    world.drive("DI1", 1)
    (cleared,) = world.run(3 * HOUR)
    assert cleared.words == "PUMP CLEARED"
    assert cleared["In-Reply-To"] == before[0]["Message-ID"]
    assert "Was active for 2 h" in cleared.body


def test_what_cleared_meanwhile_is_told(world):
    world.start(PUMP, DOOR, LEVEL)
    world.drive("DI1", 0)
    world.drive("DI2", 0)
    before = world.run(5 * MINUTE)
    reboot(world, (1, 0))
    mails = world.run(2 * HOUR)
    assert [mail.words for mail in mails] == ["plc7 STARTED", "PUMP CLEARED WHILE OFF"]
    assert mails[1]["In-Reply-To"] == before[0]["Message-ID"]
    assert "Cleared between last alive and boot" in mails[1].body
    world.drive("DI1", 0)
    assert [mail.words for mail in world.run(3 * HOUR)] == ["PUMP RAISED"]
    assert world.get("app.find('PUMP').occurrence") == 2


def test_what_came_while_off_is_raised(world):
    world.start(PUMP, DOOR, LEVEL)
    world.run(MINUTE)
    reboot(world, (0, 1))
    mails = world.run(2 * HOUR)
    assert [mail.words for mail in mails] == ["plc7 STARTED", "PUMP RAISED"]


@pytest.mark.parametrize("point", [PUMP, LEVEL], ids=["contact", "analog"])
def test_what_is_shelved_stays_so(world, point):
    tag = point["tag"]
    world.start(point)
    command(world, tag, "shelve")
    (told,) = world.run(MINUTE)
    assert "SHELVED 8 h\n" in told.body
    reboot(world, (0, 1), 45000)
    mails = world.run(8 * HOUR)
    assert [mail.words for mail in mails] == ["plc7 STARTED"]
    assert f"Active: none\nShelved: {tag}\n" in mails[0].body
    assert state(world, tag) == SHLVD
    mails = world.run(9 * HOUR)
    assert state(world, tag) == UNACK
    assert [mail.words for mail in mails] == [f"2 EVENTS: {tag}"]


def test_what_is_acknowledged_latched_or_out_of_service_stays_so(world):
    site = {"acknowledge": True}
    points = dict(PUMP, escalate=60), dict(DOOR, latched=True), LEVEL
    world.start(*points, **site)
    world.drive("DI1", 0)
    world.drive("DI2", 0)
    world.run(30 * SECOND)
    command(world, "PUMP", "ack")
    command(world, "LEVEL", "out")
    world.drive("DI2", 1)
    world.run(5 * MINUTE)
    assert [state(world, tag) for tag in ("PUMP", "DOOR", "LEVEL")] == [ACKED, LATCHED, OOSRV]
    reboot(world, (0, 1), 45000)
    mails = world.run(2 * HOUR)
    assert [mail.words for mail in mails] == ["plc7 STARTED"]
    assert "Active: DOOR, PUMP\nShelved: LEVEL\n" in mails[0].body
    assert [state(world, tag) for tag in ("PUMP", "DOOR", "LEVEL")] == [ACKED, LATCHED, OOSRV]


def test_an_acknowledgement_is_kept_whatever_happens_at_the_same_time(world):
    world.start(PUMP, DOOR, acknowledge=True)
    world.drive("DI1", 0)
    world.drive("DI2", 0)
    world.run(20 * SECOND)
    world.drive("DI2", 1)
    world.run(21 * SECOND)  # the off-delay of DOOR is over in 20 ms
    world.do("plant.pass_until(plant.now + 1000)")
    command(world, "PUMP", "ack")
    assert world.get("len(app.alarms.out)") == 1
    reboot(world, (0, 1))
    world.run(MINUTE)
    assert state(world, "PUMP") == ACKED


def test_what_waits_is_sent_in_order(world):
    tags = [f"P{at}" for at in range(8)]
    world.start(*[software(tag, priority="high") for tag in tags])
    world.do("plant.gateways[25].state = 'refuses'")
    for at, tag in enumerate(tags):
        world.at((10 + at) * SECOND, f"app.find({tag!r}).set()")
    world.run(MINUTE)
    waiting = world.get("queue()")
    assert [one[:2] for one in waiting] == [["RAISE", tag] for tag in tags]
    for _ in range(3):
        world.boot()
        for tag in tags:
            world.point(tag, "set()")
        world.run(world.get("plant.now") + MINUTE)
    world.do("plant.gateways[25].state = 'up'")
    mails = world.run(2 * HOUR)
    raised = [mail.words for mail in mails if "RAISED" in mail.subject]
    assert raised == [f"{tag} RAISED" for tag in tags]
    assert len({mail["Message-ID"] for mail in mails}) == len(mails)
    assert not any("CLEARED" in mail.subject for mail in mails)


BROKEN = {
    "no JSON": ('{"plant": PLANT', "no JSON"),
    "a wrong field": (json.dumps(configuration(PUMP, device=7)), "device: 7: "),
    "missing": (None, "missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_configuration_leaves_the_last_good_one(world, name):
    text, problem = BROKEN[name]
    world.start(PUMP)
    world.run(MINUTE)
    if text is None:
        world.do("import os; os.remove('/flash/config.json')")
    else:
        world.do(f"plant.write('/config.json', {text!r})")
    for _ in range(2):
        world.boot()
        (boot,) = world.run(world.get("plant.now") + MINUTE)
        line = next(line for line in boot.body.splitlines() if line.startswith("Problem: "))
        assert line.startswith("Problem: /flash/config.json: " + problem)
        assert line.endswith(" counts")
    world.drive("DI1", 0)
    assert [mail.words for mail in world.run(HOUR)] == ["PUMP RAISED"]
    world.do(f"plant.write('/config.json', {json.dumps(configuration(PUMP))!r})")
    world.boot()
    assert "Problem" not in world.run(world.get("plant.now") + MINUTE)[0].body


def test_a_change_of_configuration_changes_no_mail_that_waits(world):
    world.start(PUMP)
    world.do(
        "offered = []\n"
        "def faults(stage, line):\n"
        "    if stage == 'BODY':\n"
        "        offered.append(str(line, 'utf-8'))\n"
        "        return '451 not now'\n"
        "plant.gateways[25].faults = faults"
    )
    world.drive("DI1", 0)
    assert world.run(MINUTE) == []
    changed = configuration(
        dict(PUMP, description="other", to="managers", priority="low"),
        plant="OTHER",
        device="plc8",
        sender="other@plant.lan",
        recipients={"managers": ["aaa@example.com"], "operators": ["bbb@example.com"]},
        texts={"body": "other {tag}", "event RAISE": "other"},
    )
    world.do(f"plant.write('/config.json', {json.dumps(changed)!r})")
    reboot(world, (0, 1))
    world.do("plant.gateways[25].faults = {}")
    mails = world.run(HOUR)
    (mail,) = [mail for mail in mails if "PUMP" in mail.subject]
    assert mail.to == [OPERATORS]
    assert mail.text == world.get("offered[0]")
    (boot,) = [mail for mail in mails if "STARTED" in mail.subject]
    assert (boot.subject[:7], boot.to) == ("[OTHER]", ["bbb@example.com"])
    assert "Active: PUMP\n" in boot.body
    world.drive("DI1", 1)
    (cleared,) = world.run(2 * HOUR)
    assert (cleared["From"], cleared.to) == ("other@plant.lan", ["aaa@example.com"])
    assert cleared["In-Reply-To"] == mail["Message-ID"]
