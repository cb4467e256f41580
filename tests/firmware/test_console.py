"""The console's commands: what is typed, what is answered, and that nothing else suffers."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from host_tools import micropython
from tests.bench.board import FIRMWARE, compile_all
from tests.firmware.world import MANAGERS, MINUTE, OPERATORS, SECOND, World, software

TURN = 5  # ms
PUMP = software("PUMP", priority="high")
DOOR = software("DOOR", priority="high")
LINE = re.compile(r"(=\S*) (.+?): (.*)")


@pytest.fixture(params=[64, 32])
def world(request):
    world = World(request.param)
    yield world
    world.close()


def put(world, octets):
    """Put octets on the line; no turn of the loop yet."""
    text = octets if isinstance(octets, bytes) else octets.encode()
    world.do(f"plant.keyboard.typed += {text!r}")


def read(world, ms=SECOND):
    """Let the loop turn; return the answers since: mark, name and value of each line."""
    heard = len(world.console)
    world.do(f"run(plant.now + {ms}, {TURN})")
    found = [LINE.search(line) for line in world.console[heard:]]
    return [(one[1], one[2], json.loads(one[3])) for one in found if one]


def watch_dog(world):
    """Let the watchdog note the longest time without food from now on: the world skips times."""
    world.do("app.turn()\nplant.board.dog.longest = 0")


def ask(world, line):
    """Type a line as a tool does; return what is answered, and how it ends."""
    put(world, f"=7 {line}\r")
    answer = read(world)
    assert {mark for mark, _, _ in answer} == {"=7"}, answer
    last = answer.pop()
    assert last[1] in ("ok", "error"), answer
    return [(name, value) for _, name, value in answer], last[1], last[2]


def refusal(world, line):
    lines, how, text = ask(world, line)
    assert (lines, how) == ([], "error")
    return text


# What is typed


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_each_line_has_one_answer(world, end):
    world.start(PUMP)
    put(world, f"=1 ack all{end}=2 ack all{end}")
    assert read(world) == [("=1", "ok", "changed: 0"), ("=2", "ok", "changed: 0")]


def test_a_person_sees_what_is_typed(world):
    world.start(PUMP)
    put(world, "acx\x7fk all\r")
    assert read(world) == [("=", "ok", "changed: 0")]
    assert "acx\b \bk all" in world.console[-2:]
    put(world, "\r")
    assert read(world) == [("=", "alarmpost", "help tells what can be typed here")]


def test_help_names_every_command(world):
    world.start(PUMP)
    lines, how, _ = ask(world, "help")
    modules = world.get("firmware.borrow('console').MODULES")
    known = {row.split()[0] for row in modules.split("\n")}
    assert (how, {usage.split()[0] for usage, _ in lines}) == ("ok", known)


WRONG = {
    "": "no command: help tells what there is",
    "nonsense": "nonsense: unknown: help tells what there is",
    "\xff\x00\x1b[A": "??[A: unknown: help tells what there is",
    "x" * 200: "longer than 80 octets: help tells what there is",
    "ack": "ack: give the tag of an alarm",
    "ack P": "tag: P: there is no such point",
    "ack PUMP": "PUMP: it is NORM, where ack does nothing",
    "shelve all": "tag: all: there is no such point",
    "shelve PUMP 0": "0: give minutes from 1 to 480",
    "shelve PUMP x": "x: give minutes from 1 to 480",
    "outbox x": "outbox: give nothing, or park KEY, or retry KEY, or retry all",
    "outbox park 1": "1: no such key: outbox lists the keys",
    "send-test x": f"x: no such list or address: give one of "
    f"managers, operators, {MANAGERS}, {OPERATORS}",
}


@pytest.mark.parametrize("line", WRONG)
def test_what_cannot_be_done_is_said_in_one_line(world, line):
    world.start(PUMP)
    put(world, f"=7 {line}\r")
    assert read(world, 2 * SECOND)[-1] == ("=7", "error", WRONG[line])
    assert world.failures() == 0
    assert ask(world, "ack all")[1] == "ok"


def test_half_a_line_is_forgotten_after_a_minute(world):
    world.start(PUMP)
    put(world, "=6 hel")
    assert read(world) == []
    assert world.get("app.line is not None")
    world.do(f"run(plant.now + {3 * MINUTE})")
    assert world.get("app.line is None")
    assert ask(world, "ack all")[1] == "ok"


def test_noise_holds_nothing_up(world):
    world.start(PUMP, DOOR)
    world.do("import random\nrandom.seed(4)")
    world.do("plant.keyboard.typed = bytes(random.getrandbits(8) for _ in range(2000)) + b'\\r'")
    world.point("PUMP", "set()")
    watch_dog(world)
    read(world, 15 * SECOND)
    assert world.get("plant.keyboard.typed") == ""
    assert "PUMP RAISED" in [mail.words for mail in world.mails()]
    assert world.failures() == 0
    assert world.get("plant.board.dog.longest") <= 50


def test_the_end_of_the_input_is_no_line(world):
    world.start(PUMP)
    world.do("gone = []\napp.poller.unregister = gone.append")
    world.do("plant.keyboard.events = lambda _: 0 if gone else 1")
    assert read(world) == []
    assert world.get("len(gone)") == 1


def test_listening_takes_no_heap(world):
    world.start(PUMP)
    world.do(
        "import gc\n"
        "def taken(function):\n"
        "    gc.collect(); gc.disable()\n"
        "    before = gc.mem_alloc()\n"
        "    for _ in range(100): function()\n"
        "    after = gc.mem_alloc(); gc.enable()\n"
        "    return after - before"
    )
    assert world.get("taken(app.listen)") == world.get("taken(app.watch)")


# A command that fails


def test_a_command_that_fails_disturbs_nothing(world):
    world.start(PUMP)
    world.do("def broken(*_): raise OSError(5)\napp.outbox.count = broken")
    _, how, text = ask(world, "status")
    assert (how, text) == ("error", "failure: OSError: [Errno 5] EIO")
    assert world.failures() == 1
    world.do("del app.outbox.count")
    assert ask(world, "status")[1] == "ok"
    world.point("PUMP", "set()")
    world.do(f"run(plant.now + {SECOND})")
    assert "PUMP RAISED" in [mail.words for mail in world.mails()]


# How the board does


def test_status(world):
    world.start(PUMP, DOOR)
    world.point("PUMP", "set()")
    read(world)
    lines, how, text = ask(world, "status")
    found = dict(lines)
    assert (how, text) == ("ok", "alarms active: 1")
    assert found.pop("heap") > 0
    boot = found.pop("boot")
    assert 0 < boot < 1 << 24
    assert re.fullmatch(r"2026-11-18 11:0\d:\d\d UTC", found.pop("time"))
    assert found.pop("micropython").startswith("1.")
    assert found == {
        "device": "plc7",
        "board": "SIMULATED",
        "firmware": "0.1.0",
        "reset_cause": "hard reset",
        "uptime": 2,
        "ntp": "192.168.1.2",
        "config": "valid",
        "link": "up",
        "address": "192.168.1.7",
        "gateway": "192.168.1.1:25",
        "gateway_answers": True,
        "last_mail_ago": 1,
        "trouble": "",
        "queue": 0,
        "parked": 0,
        "active": ["PUMP"],
        "shelved": [],
        "flood": 0,
        "sent": 2,
        "deferred": 0,
        "failures": 0,
    }


def test_status_tells_what_is_wrong(world):
    world.start(PUMP)
    world.do("plant.gateways[25].state = 'refuses'")
    world.point("PUMP", "set()")
    read(world)
    world.do("plant.board.link.up = False\nplant.board.link.address = ''")
    world.do("import plant as p; plant.board.link.work = p.Module(linked=True)")
    world.do("plant.write('/config.json', '{}')")
    found = dict(ask(world, "status")[0])
    assert found["link"] == "no address"
    assert not found["gateway_answers"]
    assert "warning mail [PLANT high] PUMP RAISED" in found["trouble"]
    assert "CONNECT: refused" in found["trouble"]
    assert found["config"] == "new; it counts from the next reset on"
    assert (found["queue"], found["active"]) == (1, ["PUMP"])
    world.boot()
    assert "missing" in dict(ask(world, "status")[0])["config"]
    world.do("plant.board.link.up = False\nplant.board.link.work = None")
    assert dict(ask(world, "status")[0])["link"] == "no link"


# Alarms


def test_ack(world):
    world.start(PUMP, DOOR)
    world.point("PUMP", "set()")
    world.point("DOOR", "set()")
    read(world)
    assert ask(world, "ack PUMP") == ([("PUMP", "ACKED")], "ok", "changed: 1")
    assert ask(world, "shelve PUMP 10")[0] == [("PUMP", "SHLVD")]
    assert ask(world, "ack all") == ([("DOOR", "ACKED")], "ok", "changed: 1")
    world.boot()
    assert world.get("app.find('PUMP').state") == 5
    assert ask(world, "unshelve PUMP") == ([("PUMP", "NORM")], "ok", "changed: 1")


# The outbox


def refuse_for_good(world):
    world.start(PUMP, DOOR)
    world.do("plant.gateways[25].faults = {'RCPT': '550 5.1.1 No such user'}")
    world.point("PUMP", "set()")
    read(world)
    world.do("plant.gateways[25].faults = {}")


def test_what_is_parked_is_tried_again(world):
    refuse_for_good(world)
    [(key, entry)], how, text = ask(world, "outbox")
    assert (how, text) == ("ok", "0 wait, 1 are parked")
    assert (entry["kind"], entry["tag"], entry["priority"]) == ("RAISE", "PUMP", "high")
    assert entry["parked"] == [OPERATORS]
    assert "to" not in entry
    assert entry["time"].startswith("2026-11-18 11:06:4")
    assert ask(world, f"outbox retry {key[-4:]}") == (
        [(key, "is tried again")], "ok", "changed: 1"
    )  # fmt: skip
    read(world)
    (mail,) = [mail for mail in world.mails() if mail.words == "PUMP RAISED"]
    assert f".{key[6:]}@" in mail["Message-ID"]
    assert ask(world, "outbox") == ([], "ok", "0 wait, 0 are parked")
    assert refusal(world, f"outbox retry {key}") == f"{key}: no such key: outbox lists the keys"


def test_what_is_parked_by_hand_stays_over_a_boot(world):
    world.start(PUMP, DOOR)
    world.do("plant.gateways[25].state = 'refuses'")
    world.point("PUMP", "set()")
    read(world)
    ((key, _),), _, _ = ask(world, "outbox")
    assert ask(world, f"outbox park {key}") == ([(key, "parked")], "ok", "changed: 1")
    assert refusal(world, f"outbox park {key}") == f"{key}: nobody is to get it"
    world.do("plant.gateways[25].state = 'up'")
    world.boot()
    read(world, 30 * SECOND)
    assert "PUMP RAISED" not in [mail.words for mail in world.mails()]
    assert ask(world, "outbox retry all") == ([(key, "is tried again")], "ok", "changed: 1")
    read(world)
    assert "PUMP RAISED" in [mail.words for mail in world.mails()]


# While a mail is on its way


def test_a_silent_gateway_keeps_nobody_from_asking(world):
    world.start(PUMP, DOOR)
    world.do("plant.gateways[25].state = 'hole'")
    world.point("PUMP", "set()")
    # The loop does not come to its end here before the client gives up.
    world.at(3 * SECOND, "plant.keyboard.typed += b'=1 status\\r=2 outbox\\r=3 ack PUMP\\r'")
    world.at(12 * SECOND, "plant.keyboard.typed += b'=4 outbox park 1\\r=5 send-test\\r'")
    heard = len(world.console)
    watch_dog(world)
    world.do(f"run({25 * SECOND}, {TURN})")
    found = [LINE.search(line) for line in world.console[heard:]]
    ends = {one[1]: json.loads(one[3]) for one in found if one and one[2] in ("ok", "error")}
    busy = "busy: a mail is on its way, try again in a minute"
    assert ends == {
        "=1": "alarms active: 1",
        "=2": "1 wait, 0 are parked",
        "=3": "changed: 1",
        "=4": busy,
        "=5": busy,
    }
    assert world.get("plant.board.dog.longest") <= 50
    assert world.failures() == 0


# A test mail


def test_a_test_mail_tells_each_stage(world):
    world.start(PUMP)
    lines, how, text = ask(world, f"send-test managers {OPERATORS}")
    assert (how, text) == ("ok", "1 of 1 gateways take it")
    assert lines[:3] == [
        ("link", "up"),
        ("address", "192.168.1.7"),
        ("to", [MANAGERS, OPERATORS]),
    ]
    stages = [(name.removeprefix("192.168.1.1:25 "), said[1][:3]) for name, said in lines[3:]]
    assert stages == [
        ("CONNECT", "220"), ("EHLO", "250"), ("MAIL", "250"), ("RCPT", "250"), ("RCPT", "250"),
        ("DATA", "354"), ("BODY", "250"),
    ]  # fmt: skip
    (mail,) = [mail for mail in world.mails() if mail.words == "plc7 TEST"]
    assert mail.to == [MANAGERS, OPERATORS]
    assert mail.body.startswith("A test mail by way of 192.168.1.1:25.\n")
    loaded = "[name for name in sys.modules if name.startswith('smtp_client.')]"
    assert "smtp_client.errors" not in world.get(loaded)
    world.point("PUMP", "set()")
    read(world)
    assert [mail.words for mail in world.mails()] == ["PUMP RAISED"]


REFUSALS = {
    "state = 'refuses'": r"CONNECT: refused, .*; nothing listens there: start Postfix, .*",
    "state = 'hole'": r"CONNECT: time-out, .*; nobody answers: is the gateway on, .*",
    "faults = {'CONNECT': '554 no'}": r"CONNECT: 554 no; it does not talk to the board: .*",
    "faults = {'MAIL': '550 no'}": r"MAIL: 550 no; it does not take this sender: .*",
    "faults = {'RCPT': '554 5.7.1 Relay'}": r"RCPT: 554 5.7.1 Relay; it does not take mail .*",
    "faults = {'DATA': '451 later'}": r"DATA: 451 later; the log of the gateway tells more",
}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_test_mail_that_fails_tells_why(world, fault):
    world.start(PUMP)
    world.do(f"plant.gateways[25].{fault}")
    watch_dog(world)
    put(world, "=7 send-test\r")
    answer = read(world, 40 * SECOND)
    assert answer[-1] == ("=7", "error", "0 of 1 gateways take it")
    assert answer[-2][1] == "192.168.1.1:25 failed"
    assert re.fullmatch(REFUSALS[fault], answer[-2][2])
    assert world.get("plant.board.dog.longest") <= 50
    world.do("plant.gateways[25].state = 'up'\nplant.gateways[25].faults = {}")
    world.point("PUMP", "set()")
    read(world)
    assert "PUMP RAISED" in [mail.words for mail in world.mails()]
    assert world.failures() == 0


def test_an_alarm_during_a_test_mail_is_on_flash_at_once(world):
    world.start(PUMP)
    world.do("plant.gateways[25].state = 'hole'\nspy()")
    world.at(3 * SECOND, "app.find('PUMP').set()")
    put(world, "=7 send-test\r")
    read(world, 40 * SECOND)
    at, kind, tag = world.get("kept[0]")
    assert (kind, tag) == ("RAISE", "PUMP")
    assert at <= 3 * SECOND + 50


def test_without_a_link_there_is_no_test_mail(world):
    world.start(PUMP)
    world.do("plant.board.link.up = False\nplant.board.link.work = None")
    assert ask(world, "send-test") == (
        [("link", "no link")],
        "error",
        "no link: plug the cable in, and see whether the lamp of the switch is on",
    )


# The journal


def test_logs_tell_what_was_before_the_boot(world):
    world.start(PUMP)
    world.do("plant.gateways[25].state = 'refuses'")
    world.point("PUMP", "set()")
    read(world)
    world.boot("watchdog")
    lines, how, _ = ask(world, "logs")
    texts = [text for _, text in lines]
    boot = world.get("app.outbox.boots")
    assert how == "ok"
    assert texts[0] == f"boot {boot - 1}: hard reset"
    assert re.fullmatch(rf"2026-11-18 11:06:4\d UTC, clock set in boot {boot - 1}", texts[1])
    assert re.fullmatch(r"2026-.* UTC, 1\.\d+ warning mail .* CONNECT: refused, .*", texts[2])
    assert texts[3] == f"boot {boot}: watchdog"


def test_there_is_one_line_a_minute_and_five_at_once(world):
    world.start(PUMP)
    size = "sum(1 for _ in open(flash.PLACE + '/logs/new'))"
    before = world.get(size)
    for at in range(30):
        world.at(SECOND + at * SECOND, "app.log(1, 'trouble')")
    world.do(f"run({60 * SECOND}, 100)")
    assert world.get(size) - before == 5
    world.at(5 * MINUTE, "app.log(1, 'last')")
    world.do(f"run({6 * MINUTE}, 100)")
    lines = world.get("[line for line in open(flash.PLACE + '/logs/new')]")
    assert lines[-1].endswith("warning last, 25 before it left out\n")


def test_a_console_that_shows_errors_only_keeps_warnings_all_the_same(world):
    world.start(PUMP)
    world.do("app.log.level = 0\napp.log(1, 'quiet')\napp.log(2, 'nothing')")
    read(world)
    assert not [line for line in world.console if "quiet" in line and "warning" in line]
    assert any("warning quiet" in text for _, text in ask(world, "logs")[0])


def test_a_flash_that_fails_keeps_no_journal_and_disturbs_nothing(world):
    world.start(PUMP)
    world.do("os = __import__('os')\nos.rename(flash.PLACE + '/logs', flash.PLACE + '/gone')")
    world.do("open(flash.PLACE + '/logs', 'w').close()\napp.log(1, 'trouble')")
    read(world)
    assert world.failures() == 0
    assert ask(world, "logs") == ([], "ok", "0 lines")


@pytest.fixture(scope="module")
def firmware(tmp_path_factory):
    """A folder with the firmware, compiled."""
    folder = tmp_path_factory.mktemp("firmware")
    compile_all(FIRMWARE, folder)
    return folder


@pytest.mark.parametrize("how", ["clean", "torn"])
@pytest.mark.parametrize("geometry", ["esp32", "rp2"])
def test_no_cut_breaks_the_journal(firmware, geometry, how, record_property):
    program = Path(__file__).parent / "programs" / "journal.py"
    words = [micropython.find(64), "-X", "heapsize=8m", program, firmware, geometry, how]
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cuts, wrong, erases, size = json.loads(done.stdout)
    record_property("figure", f"journal, {geometry}: {cuts} {how} cuts, {wrong} violations")
    record_property("figure", f"journal, {geometry}: {erases} erases for 1000 lines")
    assert wrong == 0
    assert cuts > 50
    assert erases <= 1150
    assert 4096 <= size < 4096 + 500
