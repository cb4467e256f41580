"""What the notifier mails, to whom and when, in simulated time: windows, reminders, clocks.

Times are exact: the simulated gateway takes none, and the main loop turns as it would on a board.
"""

import ast
from email.utils import parsedate_to_datetime

import pytest

from tests.bench.board import FIRMWARE
from tests.firmware.world import (
    DAY,
    HOUR,
    MANAGERS,
    MINUTE,
    OPERATORS,
    SECOND,
    UTC,
    World,
    software,
)

WINDOW = 30 * SECOND
NORM, UNACK, ACKED, RTNUN, LATCHED, SHLVD, OOSRV, FAULT = range(8)
CONTACT = {"tag": "DOOR", "input": "DI1", "description": "open", "on_delay": 0, "off_delay": 0}
PUMP = software("PUMP", priority="high", description="overload", response="Reset it.")
LEVEL = {
    "tag": "LEVEL",
    "type": "analog",
    "input": "AI1",
    "scale": [[0, 0], [50000, 100]],
    "range": [1000, 60000],
    "unit": "%",
    "high": 80,
    "deadband": 5,
    "on_delay": 2,
    "off_delay": 3,
}
BUTTON = {"input": "DI9"}


@pytest.fixture
def world():
    world = World()
    yield world
    assert world.get("app.failures") == 0, world.console
    world.close()


def seen(mails):
    """Return time and subject of mails, the subject without plant and time of day."""
    return [(mail.time, mail.words) for mail in mails]


def stamp(mail):
    """Return when a mail says it was, in ms of the plant."""
    return int(parsedate_to_datetime(mail["Date"]).timestamp() - UTC) * 1000


# Alarms


def test_a_boot_is_told_at_once(world):
    (mail,) = world.start()
    assert (mail.subject, mail.to) == ("[PLANT] plc7 STARTED 11:06:40", [OPERATORS])
    assert "Reset cause: hard reset\n" in mail.body
    assert mail.time < SECOND


def test_a_high_alarm_is_told_at_once_and_threaded(world):
    world.start(PUMP)
    world.run(10 * SECOND)
    world.point("PUMP", "set()")
    raised, *more = world.run(20 * SECOND)
    assert not more
    assert (raised.time, raised.subject) == (10000, "[PLANT high] PUMP overload RAISED 11:06:50")
    assert "What to do: Reset it.\n" in raised.body
    world.point("PUMP", "clear()")
    (cleared,) = world.run(5 * MINUTE)
    assert (cleared.time, cleared.words) == (20000, "PUMP overload CLEARED")
    assert "Was active for 10 s.\n" in cleared.body
    assert cleared["In-Reply-To"] == cleared["References"] == raised["Message-ID"]
    assert raised["In-Reply-To"] is None


def test_others_are_told_after_the_window(world):
    world.start(CONTACT)
    world.run(10 * SECOND)
    world.drive("DI1", 0)
    mails = world.run(MINUTE)
    assert seen(mails) == [(10000 + WINDOW, "DOOR open RAISED")]
    assert stamp(mails[0]) == 10000


def test_what_comes_and_goes_in_the_window_is_one_mail(world):
    world.start(software("A"))
    world.run(10 * SECOND)
    world.point("A", "set()")
    world.run(12 * SECOND)
    world.point("A", "clear()")
    mails = world.run(HOUR)
    assert seen(mails) == [(10000 + WINDOW, "A RAISED AND CLEARED")]
    assert "Was active for 2 s.\n" in mails[0].body


def test_what_comes_together_is_one_digest_but_for_high_ones(world):
    world.start(software("A"), software("B"), software("C", priority="low"), PUMP)
    world.run(10 * SECOND)
    for tag in ("A", "B", "PUMP", "C"):
        world.point(tag, "set()")
    mails = world.run(HOUR)
    assert seen(mails) == [
        (10000, "PUMP overload RAISED"),
        (10000 + WINDOW, "3 EVENTS: A, B, C"),
    ]
    lines = [line for line in mails[1].body.splitlines() if "RAISED" in line]
    assert [line.split() for line in lines] == [
        ["11:06:50", letter, tag, "RAISED"] for letter, tag in ("MA", "MB", "LC")
    ]
    world.point("A", "clear()")
    cleared = world.run(2 * HOUR)
    assert cleared[0]["In-Reply-To"] == mails[1]["Message-ID"]


def test_a_contact_is_told_after_its_delays(world):
    world.start(dict(CONTACT, on_delay=1, off_delay=5), window=0)
    world.at(10 * SECOND, "plant.board.digital('DI1').drive(0)")
    world.at(10 * SECOND + 900, "plant.board.digital('DI1').drive(1)")
    world.at(20 * SECOND, "plant.board.digital('DI1').drive(0)")
    world.at(40 * SECOND, "plant.board.digital('DI1').drive(1)")
    world.at(44 * SECOND, "plant.board.digital('DI1').drive(0)")
    world.at(46 * SECOND, "plant.board.digital('DI1').drive(1)")
    mails = world.run(2 * MINUTE)
    debounce = 20
    assert seen(mails) == [
        (21000 + debounce, "DOOR open RAISED"),
        (51000 + debounce, "DOOR open CLEARED"),
    ]


def test_digests_have_300_s_between_them(world):
    world.start(software("A"), software("B"))
    for minute in range(30):
        for tag in ("A", "B"):
            call = "clear" if minute % 2 else "set"
            world.at(10000 + minute * MINUTE, f"app.find({tag!r}).{call}()")
    mails = world.run(HOUR)
    digests = [mail.time for mail in mails if "EVENTS: A, B" in mail.subject]
    assert digests == [10000 + WINDOW + at * 300 * SECOND for at in range(7)]
    for digest in digests:
        single = [mail for mail in mails if digest - 600 * SECOND < mail.time <= digest]
        assert len([mail for mail in single if mail.time not in digests]) <= 10


def test_more_than_ten_mails_go_in_digests_every_60_s_while_high_ones_wait(world):
    world.start(*[software(f"P{at}", priority="high") for at in range(20)])
    for at in range(20):
        world.at(MINUTE + 15 * at * SECOND, f"app.find('P{at}').set()")
    mails = world.run(MINUTE + 300 * SECOND)
    assert [mail.words for mail in mails[:10]] == [f"P{at} RAISED" for at in range(10)]
    digests = [(mail.time, mail.words) for mail in mails[10:]]
    assert digests == [
        (210000, "FLOOD: 2 EVENTS: P10, P0"),
        (270000, "FLOOD: 4 EVENTS: P11, P12, P13, P14"),
        (330000, "FLOOD: 4 EVENTS: P15, P16, P17, P18"),
    ]
    assert world.run(HOUR)[0].words == "FLOOD: 1 EVENTS: P19"


def test_a_point_that_comes_and_goes_is_counted(world):
    world.start(software("A", priority="high"))
    for at in range(20):
        world.at(MINUTE + 10 * at * SECOND, "app.find('A').set()")
        world.at(MINUTE + (10 * at + 5) * SECOND, "app.find('A').clear()")
    mails = world.run(HOUR)
    last = MINUTE + 195 * SECOND
    assert seen(mails) == [
        (60000, "A RAISED"),
        (65000, "A CLEARED"),
        (70000, "A RAISED"),
        (75000, "A CLEARED"),
        (80000, "A CHATTERING"),
        (last + 300 * SECOND, "A CHATTERED 17 TIMES"),
    ]
    assert mails[-1]["In-Reply-To"] == mails[4]["Message-ID"]


@pytest.mark.slow
def test_a_standing_alarm_is_told_again_after_4_8_16_and_24_h(world):
    world.start(software("A"))
    world.point("A", "set()")
    (raised,) = world.run(HOUR)
    mails = world.run(110 * HOUR)
    start = raised.time - WINDOW
    assert {mail.words for mail in mails} == {"A STILL ACTIVE"}
    assert {mail["In-Reply-To"] for mail in mails} == {raised["Message-ID"]}
    times = [(mail.time - WINDOW - start) / HOUR for mail in mails]
    assert times == [4, 12, 28, 52, 76, 100]
    assert "Active for 4 d 4 h.\n" in mails[-1].body


TO_MANAGERS = {"raise": "operators", "escalate": "managers"}


def test_nobody_acknowledges_so_the_second_list_is_told(world):
    world.start(dict(PUMP, to=TO_MANAGERS), acknowledge=True)
    world.point("PUMP", "set()")
    mails = world.run(3 * HOUR)
    assert [(mail.words, mail.to) for mail in mails] == [
        ("PUMP overload RAISED", [OPERATORS]),
        ("PUMP overload NOT ACKNOWLEDGED", [MANAGERS]),
    ]
    assert mails[1].time - mails[0].time == 15 * MINUTE
    assert mails[1]["In-Reply-To"] == mails[0]["Message-ID"]


ACKNOWLEDGE = {
    "button": "plant.board.digital('DI9').drive(0)",
    "command": "command('PUMP', 'ack')",
}


@pytest.mark.parametrize("how", ACKNOWLEDGE)
def test_who_acknowledges_is_not_escalated(world, how):
    world.start(dict(PUMP, to=TO_MANAGERS), acknowledge=True, acknowledge_input=BUTTON)
    world.point("PUMP", "set()")
    world.at(14 * MINUTE, ACKNOWLEDGE[how])
    mails = world.run(3 * HOUR)
    assert [mail.words for mail in mails] == ["PUMP overload RAISED"]
    assert world.get("app.find('PUMP').state") == ACKED
    world.point("PUMP", "clear()")
    (cleared,) = world.run(4 * HOUR)
    assert cleared.words == "PUMP overload CLEARED"
    assert "Now: normal\n" in cleared.body
    assert world.get("app.find('PUMP').state") == NORM


def test_what_cleared_waits_for_its_acknowledgement(world):
    world.start(dict(PUMP, to=TO_MANAGERS), acknowledge=True, acknowledge_input=BUTTON)
    world.point("PUMP", "set()")
    world.run(MINUTE)
    world.point("PUMP", "clear()")
    (cleared,) = world.run(2 * MINUTE)
    assert "Now: cleared, not acknowledged\n" in cleared.body
    world.at(3 * MINUTE, ACKNOWLEDGE["button"])
    assert world.run(4 * MINUTE) == []
    assert world.get("app.find('PUMP').state") == NORM


def test_a_shelved_alarm_is_in_digests_only_until_its_time_is_over(world):
    world.start(PUMP)
    world.do("command('PUMP', 'shelve')")
    mails = world.run(MINUTE)
    assert [mail.words for mail in mails] == ["1 EVENTS: PUMP"]
    assert "SHELVED" in mails[0].body
    world.point("PUMP", "set()")
    mails = world.run(9 * HOUR)
    assert seen(mails) == [(8 * HOUR + SECOND, "2 EVENTS: PUMP")]
    lines = [line.split()[1:] for line in mails[0].body.splitlines() if " PUMP " in line]
    assert lines == [["H", "PUMP", "UNSHELVED"], ["H", "PUMP", "RAISED"]]


def test_out_of_service_and_back_is_in_digests_only(world):
    world.start(PUMP)
    world.do("command('PUMP', 'out')")
    world.point("PUMP", "set()")
    mails = world.run(HOUR)
    assert [mail.words for mail in mails] == ["1 EVENTS: PUMP"]
    assert "OUT OF SERVICE" in mails[0].body
    world.point("PUMP", "clear()")
    world.run(HOUR + MINUTE)
    world.do("command('PUMP', 'return')")
    mails = world.run(2 * HOUR)
    assert [mail.words for mail in mails] == ["1 EVENTS: PUMP"]
    assert "BACK IN SERVICE" in mails[0].body


def test_a_latched_alarm_stays_until_it_is_reset(world):
    world.start(dict(PUMP, latched=True))
    world.point("PUMP", "set()")
    world.run(MINUTE)
    world.point("PUMP", "clear()")
    (cleared,) = world.run(2 * MINUTE)
    assert "Now: latched until reset\n" in cleared.body
    world.point("PUMP", "set()")
    world.point("PUMP", "clear()")
    again = world.run(3 * MINUTE)
    assert [mail.words for mail in again] == ["PUMP overload RAISED", "PUMP overload CLEARED"]
    assert "PUMP" not in again[0].body.partition("\n")[2]
    assert world.get("app.find('PUMP').state") == LATCHED
    world.do("command('PUMP', 'reset')")
    assert world.run(4 * MINUTE) == []
    assert world.get("app.find('PUMP').state") == NORM


def test_analog_limits_deadband_and_range(world):
    world.start(LEVEL, window=0)

    def raw(seconds, value):
        world.at(seconds * SECOND, f"plant.board.analog('AI1').raw = {value}")

    raw(10, 40000)  # 80 %: the limit itself
    raw(20, 38000)  # 76 %: within the deadband
    raw(30, 37400)  # 74.8 %
    raw(40, 45000)
    raw(41, 30000)  # shorter than the on-delay
    raw(50, 500)  # a broken wire
    raw(60, 30000)
    raw(130, 65535)  # a short
    raw(140, 45000)  # and then 90 %
    mails = world.run(10 * MINUTE)
    # It is sampled every 100 ms.
    assert [(time // 100 * 100, event) for time, event in seen(mails)] == [
        (12000, "LEVEL RAISED"),
        (33000, "LEVEL CLEARED"),
        (50000, "LEVEL FAULT"),
        (60000, "LEVEL FAULT GONE"),
        (130000, "LEVEL FAULT"),
        (140000, "LEVEL FAULT GONE"),
        (142000, "LEVEL RAISED"),
    ]
    assert "Value: 80 %\n" in mails[0].body
    assert "Limit: 80 %\n" in mails[0].body
    assert "Value: 74.8 %\n" in mails[1].body
    assert "Was active for 21 s.\n" in mails[1].body
    assert "a broken wire or a short circuit?" in mails[2].body
    assert "Was bad for 10 s.\n" in mails[3].body


def test_the_first_out_alarm_is_marked_and_a_flood_names_it(world):
    world.start(PUMP, *[software(f"P{at}") for at in range(11)])
    world.at(MINUTE, "app.find('PUMP').set()")
    for at in range(11):
        world.at(2 * MINUTE + at * SECOND, f"app.find('P{at}').set()")
    mails = world.run(HOUR)
    assert [mail.words for mail in mails] == [
        "PUMP overload RAISED",
        "ALARM FLOOD OF 11, FIRST PUMP overload",
        "FLOOD: 11 EVENTS: P0, P1, P2, P3, P4, P5",
        "END OF ALARM FLOOD OF 12, FIRST PUMP overload",
    ]
    marked = [mail for mail in mails if "First-out: no other alarm within 10 min" in mail.body]
    assert marked == [mails[0], mails[1], mails[3]]  # a flood names it, too
    assert mails[1].time == 2 * MINUTE + 9 * SECOND
    assert mails[3].time == 2 * MINUTE + 6 * SECOND + 10 * MINUTE  # four raises are left


# Silence


def test_24_h_of_silence_are_one_heartbeat(world):
    world.start(CONTACT, PUMP, LEVEL, ntp="", heartbeat="07:00")
    assert [mail.words for mail in world.run(MINUTE)] == ["plc7 STARTED"]
    world.do("before = plant.device.count; plant.gateways[25].commands = []")
    assert world.run(DAY - MINUTE) == []
    assert world.get("plant.device.count - before") == 0
    assert world.get("plant.gateways[25].commands") == []
    (mail,) = world.run(2 * DAY - MINUTE)
    assert (mail.time, mail.words) == (DAY, "plc7 ALIVE")
    assert "Mails sent: 1\n" in mail.body
    assert "Failures caught: 0\n" in mail.body
    assert world.get("app.outbox.count()") == 0
    assert world.console[-1].startswith(f"{DAY // 1000}.000 info mail")


@pytest.mark.slow
def test_heartbeats_come_at_their_time_in_utc_whatever_day(world):
    spring = 1774695600 - 1 * 86400  # 2026-03-27 11:00, before the clocks of Europe change
    world.make(heartbeat="07:00")
    world.do(f"server.utc = {spring * 1000}")
    world.boot()
    mails = [mail for mail in world.run(4 * DAY) if "ALIVE" in mail.subject]
    assert [mail["Date"] for mail in mails] == [
        f"{day} Mar 2026 07:00:00 +0000" for day in ("Sat, 28", "Sun, 29", "Mon, 30", "Tue, 31")
    ]
    assert len(world.get("server.questions")) == 4 * 24


# Clocks


def test_midnight_in_a_digest(world):
    midnight = 1795046400  # 2026-11-19 00:00
    start = (midnight - UTC) * 1000
    world.start(software("A"), software("B"), time=start - MINUTE)
    world.at(start - 2 * SECOND, "app.find('A').set()")
    world.at(start + 1 * SECOND, "app.find('B').set()")
    world.at(start + 2 * SECOND, "app.find('A').clear()")
    (mail,) = world.run(start + MINUTE)
    table = mail.body.partition("\n\n")[2].partition("\n\n")[0]
    assert [line.split() for line in table.splitlines()] == [
        ["2026-11-18", "UTC"],
        ["23:59:58", "M", "A", "RAISED"],
        ["2026-11-19", "UTC"],
        ["00:00:01", "M", "B", "RAISED"],
        ["00:00:02", "M", "A", "CLEARED", "4", "s"],
    ]


def test_without_a_clock_high_goes_at_once_and_others_after_30_s(world):
    world.make(PUMP, software("A"))
    world.do("server.delay = None")
    world.boot()
    world.at(5 * SECOND, "app.find('PUMP').set()")
    world.at(6 * SECOND, "app.find('A').set()")
    mails = world.run(5 * MINUTE)
    assert seen(mails) == [
        (5000, "PUMP overload RAISED"),
        (30000, "plc7 STARTED"),
        (36000, "A RAISED"),
    ]
    assert [mail["Date"] for mail in mails] == [None] * 3
    assert "clock not set, uptime 0 d 00:00:05\n" in mails[0].body


def test_an_answer_that_is_late_dates_what_waits(world):
    world.make(PUMP, software("A"))
    world.do("server.delay = None")
    world.boot()
    world.at(5 * SECOND, "app.find('PUMP').set()")
    world.at(11 * SECOND, "server.delay = 2")
    mails = world.run(5 * MINUTE)
    assert [(mail.words, mail["Date"] and stamp(mail)) for mail in mails] == [
        ("PUMP overload RAISED", None),
        ("plc7 STARTED", 0),
    ]
    asked = world.get("server.questions")
    assert asked == [0, 4000, 12000]
    assert 12000 <= mails[1].time <= 12010


def test_a_date_is_the_same_at_each_attempt_whatever_the_clock(world):
    world.make(PUMP)
    world.do(f"server.wrong = {-HOUR}")
    world.boot()
    world.run(MINUTE)
    world.do(
        "dates = []\n"
        "def faults(stage, line):\n"
        "    if stage == 'BODY':\n"
        "        dates.append([str(row, 'utf-8') for row in line.split(b'\\r\\n') "
        "if row[:5] == b'Date:' or row[:10] == b'Message-ID'])\n"
        "        return '451 not now' if len(dates) < 9 else None\n"
        "plant.gateways[25].faults = faults"
    )
    world.point("PUMP", "set()")
    world.do("server.wrong = 0; app.sntp.due = plant.now + 90000")
    (mail,) = world.run(8 * HOUR)[:1]
    dates = world.get("dates")
    assert len(dates) >= 9
    assert all(date == dates[0] for date in dates[:9])
    assert stamp(mail) == MINUTE - HOUR
    assert any("clock corrected by +3600 s" in line for line in world.console)
    assert len(world.get("server.questions")) > 3


def test_a_wrong_clock_is_corrected_when_nothing_waits(world):
    world.make(PUMP)
    world.do(f"server.wrong = {DAY}")
    world.boot()
    (boot,) = world.run(MINUTE)
    assert stamp(boot) == DAY
    world.do("server.wrong = 0")
    world.run(2 * HOUR)
    world.point("PUMP", "set()")
    (raised,) = world.run(2 * HOUR + MINUTE)
    assert stamp(raised) == 2 * HOUR


@pytest.mark.parametrize("bits", [64, 32])
def test_ticks_that_wrap_change_nothing(bits):
    stories = []
    wrap = 1 << 30
    for start in (0, wrap - 90 * SECOND, wrap // 2 - 90 * SECOND):
        world = World(bits)
        world.make(CONTACT, PUMP, LEVEL, heartbeat="")
        world.do(f"plant.now = {start}; server.utc -= {start}")
        world.boot()
        for at, level in ((80, 0), (85, 1), (89, 0), (120, 1)):
            world.at(start + at * SECOND, f"plant.board.digital('DI1').drive({level})")
        for at, raw in ((88, 45000), (95, 20000)):
            world.at(start + at * SECOND, f"plant.board.analog('AI1').raw = {raw}")
        world.at(start + 89999, "app.find('PUMP').set()")
        world.at(start + 90001, "app.find('PUMP').clear()")
        world.at(start + 60 * SECOND, "plant.gateways[25].state = 'hole'")
        world.at(start + 140 * SECOND, "plant.gateways[25].state = 'up'")
        mails = world.run(start + HOUR)
        stories.append([(mail.words, stamp(mail)) for mail in mails])
        lines = [line for line in world.console if "ready: " not in line]  # a random boot number
        stories[-1].append(lines)
        world.close()
    assert len(stories[0]) > 4
    assert stories[1] == stories[0]
    assert stories[2] == stories[0]


PORTS = {"time", "gmtime", "localtime", "mktime"}


def test_nothing_asks_a_port_for_its_calendar():
    """Whose epoch is 2000 on some."""
    for path in FIRMWARE.rglob("*.py"):
        if {"smtp_client", "examples"} & set(path.parts):
            continue  # the client is usable alone
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                assert not PORTS & {name.name for name in node.names}, path
            elif isinstance(node, ast.Import):
                assert "time" not in {name.name for name in node.names}, path
