"""What programs of users call: from interrupts, and while a mail is on its way."""

import pytest

from tests.firmware.world import HOUR, MINUTE, SECOND, FailedError, World, software

PUMP = software("PUMP", priority="high")
POLL = 50  # ms
TURN = 5  # ms
CONTACT = {"tag": "DOOR", "input": "DI1", "on_delay": 0, "off_delay": 0, "priority": "high"}


@pytest.fixture(params=[64, 32])
def world(request):
    world = World(request.param)
    yield world
    assert world.failures() == 0, world.console
    world.close()


# Calls as an interrupt handler would, where the heap is locked.
INTERRUPT = """
import micropython
pump = alarmpost.alarm("PUMP")
def locked(function):
    micropython.heap_lock()
    try:
        return function()
    finally:
        micropython.heap_unlock()
def pulse():
    pump.set()
    pump.clear()
def tell():
    return alarmpost.notify(text, "high")
"""


def start(world, *points, **site):
    world.start(*points, **site)
    world.do(INTERRUPT)


def test_a_pulse_between_two_turns_is_one_raise(world):
    start(world, PUMP)
    world.do("locked(pulse); locked(pulse)")
    mails = world.run(MINUTE)
    assert [mail.words for mail in mails] == ["PUMP RAISED", "PUMP CLEARED"]
    world.do("locked(pump.set)")
    assert [mail.words for mail in world.run(2 * MINUTE)] == ["PUMP RAISED"]
    world.do("locked(pump.clear)")
    assert [mail.words for mail in world.run(3 * MINUTE)] == ["PUMP CLEARED"]


def test_texts_from_an_interrupt_arrive(world):
    start(world, PUMP)
    texts = [f"{at} " + "x" * 123 for at in range(8)]
    assert [len(text) for text in texts] == [125] * 8
    for text in texts:
        world.do(f"text = {text!r}")
        assert world.get("locked(tell)") is True
    assert world.get("locked(tell)") is False
    assert world.get("app.lost") == 1
    mails = world.run(MINUTE)
    assert [mail.body.splitlines()[0] for mail in mails] == texts
    world.do("text = 'again'; locked(tell)")
    assert [mail.words for mail in world.run(2 * MINUTE)] == ["again"]


def test_the_first_moment_is_no_exception(world):
    world.make(PUMP)
    world.boot()
    world.do(INTERRUPT + "text = 'hello'\nlocked(pulse)\nfor _ in range(10):\n    locked(tell)")
    assert world.get("app.lost") == 2
    assert world.get("len([text for text in app.texts if text == 'hello'])") == 8


def test_interrupts_of_a_pin(world):
    start(world, PUMP)
    world.do(
        "pin = plant.board.digital('GPIO4')\n"
        "pin.irq(lambda pin: locked(pump.set), pin.IRQ_FALLING)\n"
        "plant.gateways[25].state = 'hole'"
    )
    world.do("spy()")
    world.do("alarmpost.notify('a mail on its way', 'high')")
    world.at(5 * SECOND, "pin.drive(0); pin.drive(1)")
    world.at(5 * SECOND + 20, "locked(pump.clear)")
    world.run(20 * SECOND, every=5)
    kept = [(kind, tag) for time, kind, tag in world.get("kept") if time >= 5 * SECOND]
    assert kept == [("RAISE", "PUMP"), ("CLEAR", "PUMP")]
    assert world.get("kept[1][0]") <= 5 * SECOND + POLL


TEXT = "Müller: " + "ü" * 245 + "!" * 1


def test_texts_of_500_octets(world):
    start(world, PUMP)
    assert len(TEXT.encode()) == 500
    assert world.get(f"alarmpost.notify({TEXT!r})") is True
    with pytest.raises(FailedError, match="ValueError: text: 501 octets: give 500 at most"):
        world.get(f"alarmpost.notify({TEXT + '.'!r})")
    with pytest.raises(FailedError, match="priority: 'urgent': give high, medium, low or diag"):
        world.get("alarmpost.notify('a', 'urgent')")
    (mail,) = world.run(MINUTE)
    assert mail.time == SECOND + 30 * SECOND
    assert TEXT in mail.body


COMMANDS = {
    "command('NONE', 'ack')": "tag: NONE: there is no such point",
    "command('PUMP', 'kick')": "event: kick: give ack, reset, shelve, unshelve, out, return",
    "alarmpost.alarm('DOOR')": "alarm: DOOR: give the tag of a point of the type",
    "alarmpost.alarm('NONE')": "alarm: NONE: give the tag of a point of the type",
}


@pytest.mark.parametrize("call", COMMANDS)
def test_wrong_arguments_are_named(world, call):
    start(world, PUMP, CONTACT)
    with pytest.raises(FailedError, match="ValueError: " + COMMANDS[call]):
        world.get(call)


# A send_mail() of the user's, in the midst of a session of the notifier's.

SEND = """
from smtp_client import send_mail
outcome = []
def send(port):
    start = plant.now
    try:
        found = send_mail("192.168.1.9", port, "user@plant.lan", "me@example.com", "Mine",
            "first line\\r\\n" * 100, idle=alarmpost.watch)
    except Exception as error:
        found = str(error)
    outcome.append((start, plant.now, found))
"""


CATCH = """
try:
    send_mail("192.168.1.9", 99, "user@plant.lan", "me@example.com", "Mine", "Text.")
except SMTPError as error:
    caught = str(error)
"""


def test_a_program_that_imports_the_client_first_keeps_its_errors(world):
    world.do("from smtp_client import send_mail\nfrom smtp_client.errors import SMTPError")
    start(world, PUMP)
    world.do("plant.gateways[99] = plant.gateways[25].__class__(plant)")
    world.do("plant.gateways[99].state = 'refuses'")
    world.do("app.notifier.make_room()" + CATCH)
    assert world.get("caught").startswith("CONNECT: refused")
    world.do("pump.set()")
    assert [mail.words for mail in world.run(MINUTE)] == ["PUMP RAISED"]


@pytest.mark.parametrize("port", [25, 26])
@pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "MAIL", "BODY"])
def test_a_mail_of_the_user_neither_interleaves_nor_deadlocks(port, stage):
    world = World()
    start(world, PUMP, CONTACT)
    if port == 26:
        world.do("import plant as p; plant.gateways[26] = p.Gateway(plant)")
    world.do(SEND)
    world.do("for gateway in plant.gateways.values():\n    gateway.latency = 1000")
    # Called while the notifier waits for its gateway, as from a scheduled callback.
    world.do(
        f"def faults(stage, line):\n"
        f"    if stage == {stage!r} and not outcome and not called:\n"
        f"        called.append(1)\n"
        f"        plant.at(plant.now + 500, send, {port})\n"
        f"called = []\n"
        f"plant.gateways[25].faults = faults"
    )
    world.point("PUMP", "set()")
    world.at(3 * SECOND, "plant.board.digital('DI1').drive(0)")
    world.at(3 * SECOND + 20, "plant.board.digital('DI1').drive(1)")
    world.do("spy(); plant.board.dog.feed(); plant.board.dog.longest = 0")
    mails = world.run(2 * MINUTE, every=5)
    ((begin, end, found),) = world.get("outcome")
    assert found == {}
    assert end - begin >= 4 * SECOND
    (own,) = [mail for mail in mails if mail.subject == "Mine"]
    assert own.to == ["me@example.com"]
    assert own.body == "first line\n" * 100 or own.body == "first line\n" * 99 + "first line"
    others = [mail for mail in mails if mail is not own]
    assert [mail.words for mail in others] == ["PUMP RAISED", "DOOR RAISED", "DOOR CLEARED"]
    assert all(mail.body.endswith("alarmpost 0.1.0") for mail in others)
    assert len({mail["Message-ID"] for mail in others}) == 3
    (raised,) = [time for time, kind, tag in world.get("kept") if (kind, tag) == ("RAISE", "DOOR")]
    assert raised <= 3 * SECOND + 20 + POLL
    assert world.get("plant.board.dog.longest") <= POLL + TURN
    assert world.failures() == 0
    world.close()


def test_a_mail_of_the_user_keeps_the_inputs_watched(world):
    """Called from a program that has a loop of its own, whatever its gateway does."""
    start(world, PUMP, CONTACT)
    world.do(SEND + "plant.gateways[25].state = 'hole'; spy()")
    world.do("plant.board.dog.feed(); plant.board.dog.longest = 0")
    world.at(3 * SECOND + 7, "plant.board.digital('DI1').drive(0)")
    world.at(3 * SECOND + 27, "plant.board.digital('DI1').drive(1)")
    world.do("send(25)")
    ((begin, end, found),) = world.get("outcome")
    assert end - begin == 30 * SECOND
    assert found.startswith("CONNECT: time-out")
    assert [kind for _, kind, tag in world.get("kept")] == ["RAISE", "CLEAR"]
    assert world.get("kept[0][0]") <= 3 * SECOND + 27 + POLL
    assert world.get("plant.board.dog.longest") <= POLL
    world.do("plant.gateways[25].state = 'up'")
    mails = world.run(HOUR)
    assert [mail.words for mail in mails] == ["DOOR RAISED", "DOOR CLEARED"]
