"""The virtual board as a board: its resets, flash, pins, buses and network."""

import socket

import pytest

from host_tools import boards
from host_tools.fake_smtp import FakeSMTP
from host_tools.virtual_board import VirtualBoard, VirtualBoardError, several

ESP32 = "GENERIC_S3_W5500"
RP2 = "W5500_EVB_PICO"
PROMPT = ">>> "


@pytest.fixture(params=[ESP32, RP2])
def name(request):
    return request.param


@pytest.fixture(params=[64, 32])
def bits(request):
    return request.param


def causes(first, then):
    """Return a main.py that tells the reset cause, and does something after the first one."""
    source = "import machine, time\ncause = machine.reset_cause()\nprint('cause', cause, '.')\n"
    return {"main.py": f"{source}if cause == {first}:\n    {then}\n"}


@pytest.mark.parametrize(
    ("name", "then", "cause"),
    [
        (ESP32, "machine.reset()", 2),
        (ESP32, "machine.WDT(timeout=50); exec('while True: pass')", 3),
        (ESP32, "machine.deepsleep(1)", 4),
        (ESP32, "machine.soft_reset()", 5),
        (RP2, "machine.reset()", 3),
        (RP2, "machine.WDT(timeout=50); exec('while True: pass')", 3),
    ],
)
def test_tells_what_led_to_a_boot(name, then, cause, bits):
    with VirtualBoard(name, causes(1, then), bits=bits) as board:
        at = board.wait_for("cause 1 .")
        board.wait_for(f"cause {cause} .", start=at)
        assert board.boots == 2


def test_a_soft_reset_leaves_the_cause_of_an_rp2():
    with VirtualBoard(RP2) as board:
        board.wait_for(PROMPT)
        board.type("import machine\rmachine.reset()\r")
        at = board.wait_for(PROMPT, start=board.wait_for("machine.reset()"))
        board.type("\x04")
        board.wait_for(PROMPT, start=at)
        assert board.run("import machine; print(machine.reset_cause())") == "3\n"


def test_the_watchdog_goes_on_over_a_soft_reset(name):
    with VirtualBoard(name, {"main.py": "print('main')"}) as board:
        board.wait_for(PROMPT)
        board.type("import machine\rw = machine.WDT(timeout=150)\r\x04")
        board.wait_for("main", start=board.wait_for("soft reboot"))
        at = board.wait_for(PROMPT, start=board.wait_for("soft reboot"))
        board.wait_for("main", start=at)  # bitten
        assert board.boots == 3


def test_a_fed_watchdog_does_not_bite(name, bits):
    source = (
        "import machine, time\nw = machine.WDT(timeout=400)\n"
        "for _ in range(100):\n    w.feed()\n    time.sleep_ms(10)\nprint('fed')\n"
    )
    with VirtualBoard(name, {"main.py": source}, bits=bits) as board:
        board.wait_for("fed")
        assert board.boots == 1


def test_keeps_what_survives_a_reset_but_not_a_power_cut():
    source = "import machine\nm = machine.RTC()\nprint(m.memory(), m.datetime()[0])\n"
    write = "m.memory(b'kept')\nm.datetime((2030, 1, 1, 1, 0, 0, 0, 0))\nmachine.reset()\n"
    with VirtualBoard(ESP32, {"main.py": source}) as board:
        board.wait_for("b'' 2000")
        board.wait_for(PROMPT)
        board.type(write.replace("\n", "\r"))
        board.wait_for("b'kept' 2030")
        board.power_off()
        at = len(board.console)
        board.power_on()
        board.wait_for("b'' 2000", start=at)


def test_keeps_scratch_registers_on_the_rp2(bits):
    with VirtualBoard(RP2, bits=bits) as board:
        board.run("import machine\nmachine.mem32[0x4005800C] = 0x87654321")
        assert board.run("import machine; print(hex(machine.mem32[0x4005800C]))") == "0x87654321\n"
        with pytest.raises(VirtualBoardError, match="no register at 0x40000000"):
            board.run("import machine; machine.mem32[0x40000000]")


WRITER = """
for number in range(8):
    with open("file%d" % number, "w") as file:
        file.write("x" * 200)
print("written")
"""


def test_cuts_the_power_at_each_flash_operation(name, bits):
    files = {"main.py": WRITER}
    with (
        VirtualBoard(name, files, bits=bits, power=False) as new,
        VirtualBoard(name, files, bits=bits) as board,
    ):
        board.wait_for("written")
        total = board.operations
        board.power_off()
        assert total > 8
        for at in range(1, total + 1, 3):
            for torn in (False, True):
                board.copy_flash(new)
                board.cut_power(at, torn)
                board.power_on()
                assert board.wait_off() == "power cut"
                assert board.operations == at
                found = board.files()
                assert found["main.py"].decode() == WRITER
                assert all(len(found[path]) in (0, 200) for path in found if path[:4] == "file")


def test_shows_what_a_power_cut_would_leave_of_a_board_that_goes_on(name, bits):
    source = (
        "import os\nos.mkdir('queue')\nfor number in range(9999):\n"
        "    with open('queue/%d' % (number % 3), 'w') as file:\n        file.write('x' * 50)\n"
        "    if number == 5:\n        print('written')\n"
    )
    with VirtualBoard(name, {"main.py": source}, bits=bits) as board:
        board.wait_for("written")
        for _ in range(5):
            found = board.files("queue")
            assert {"queue/0", "queue/1", "queue/2"} == set(found)
            assert {len(data) for data in found.values()} <= {0, 50}
        assert board.files("nothing") == {}
        assert board.on
        assert board.boots == 1


def test_tells_what_it_says_and_why_it_ended():
    said, ended = [], []
    with VirtualBoard(RP2, heard=said.append, ended=ended.append) as board:
        board.wait_for(PROMPT)
        board.cut_power(1)
        board.type("open('a', 'w').close()\r")
        board.wait_off()
    assert PROMPT in "".join(said)
    assert ended[0] == "power cut"


def test_a_cut_while_the_board_is_on_counts_from_now():
    with VirtualBoard(RP2) as board:
        board.wait_for(PROMPT)
        board.cut_power(1)
        board.type("open('a', 'w').close()\r")
        assert board.wait_off() == "power cut"
        assert board.files() == {}
        with pytest.raises(VirtualBoardError, match="power cut"):
            board.wait_for("anything")


PINS = """
from machine import Pin
pin = Pin(4, Pin.IN, Pin.PULL_UP)
count = 0
def handler(pin):
    global count
    count += 1
    print("edge %d level %d." % (count, pin.value()))
pin.irq(handler, Pin.IRQ_FALLING)
print("ready")
while True:
    pass
"""


def test_interrupts_a_program_that_never_sleeps(name, bits):
    with VirtualBoard(name, {"main.py": PINS}, bits=bits) as board:
        board.wait_for("ready")
        for count in range(1, 30):
            board.pulse("GPIO4")
            board.wait_for(f"edge {count} level")
        board.press("GPIO4")
        board.wait_for("edge 30 level 0.")
        board.release("GPIO4")
        board.type("\x03")
        board.wait_for("KeyboardInterrupt")
        board.type("print(count)\r")
        board.wait_for("30\r\n", start=board.wait_for("print(count)"))


def test_stops_a_program_whatever_it_does(name, bits):
    source = "print('busy')\nwhile True:\n    x = {str(i): [i] for i in range(40)}\n"
    with VirtualBoard(name, {"main.py": source}, bits=bits) as board:
        for _ in range(15):
            at = board.wait_for("busy", start=len(board.console) - 200)
            board.type("\x03")
            at = board.wait_for(PROMPT, start=at)
            board.type("\x04")
            board.wait_for("soft reboot", start=at)


@pytest.mark.parametrize(
    ("name", "source", "error"),
    [
        (ESP32, "Pin(60)", "ValueError: invalid pin"),
        (ESP32, "Pin('GP4')", "ValueError: expecting a pin"),
        (RP2, "Pin(30)", "ValueError: invalid pin"),
        (RP2, "Pin('GP99')", "ValueError: unknown named pin"),
        (ESP32, "Pin(4).irq(print, hard=True)", "TypeError: extra keyword arguments given"),
        ("GENERIC_ESP32", "Pin(34, Pin.OUT)", "ValueError: pin can only be input"),
        ("GENERIC_ESP32", "Pin(34, Pin.IN, Pin.PULL_UP)", "ValueError: pins 34~39 do not have"),
        (ESP32, "ADC(Pin(40))", "ValueError: invalid pin"),
        (RP2, "ADC(Pin(4))", "ValueError: Pin doesn't have ADC capabilities"),
        (RP2, "ADC(Pin(26), atten=3)", "TypeError: extra keyword arguments given"),
        (RP2, "ADC(0).read_uv()", "AttributeError"),
        (ESP32, "SPI(0)", "ValueError: SPI(0) doesn't exist"),
        (RP2, "SPI(2)", "ValueError: SPI(2) doesn't exist"),
        (RP2, "SPI(0, sck=Pin(17))", "ValueError: bad SCK pin"),
        (ESP32, "I2C(0, scl=Pin(1), sda=Pin(2)).readfrom(33, 1)", "OSError"),
        (RP2, "WDT(timeout=8389)", "ValueError: timeout exceeds 8388"),
        (RP2, "WDT(1)", "ValueError: WDT(1) doesn't exist"),
        (ESP32, "WDT(timeout=0)", "ValueError: WDT timeout too short"),
        (RP2, "HARD_RESET", "NameError"),
        (ESP32, "RTC().memory(bytes(2049))", "ValueError: buffer too long"),
    ],
)
def test_machine_has_the_rules_of_its_port(name, source, error):
    with VirtualBoard(name) as board, pytest.raises(VirtualBoardError) as caught:
        board.run(f"from machine import *\n{source}")
    assert error in str(caught.value)


@pytest.mark.parametrize(
    ("name", "source", "error"),
    [
        (ESP32, "LAN(spi=SPI(1), phy_type=PHY_W5500, cs=Pin(10))", "TypeError"),
        (ESP32, "lan(cs=Pin(10))", "OSError: esp_eth_driver_install failed"),  # int is missing
        (ESP32, "lan(cs=Pin(9), int=Pin(11))", "OSError: esp_eth_driver_install failed"),
        (ESP32, "lan(cs=10, int=11)", "ValueError: expecting a pin"),
        (ESP32, "good().ifconfig('dhcp')", "RuntimeError"),
        (ESP32, "WIZNET5K()", "NameError"),
        (ESP32, "LAN(mdc=Pin(1), mdio=Pin(2), phy_type=PHY_LAN8720, phy_addr=0)", "ValueError"),
        ("WT32_ETH01", "LAN(phy_type=PHY_LAN8720, phy_addr=1)", "ValueError: mdc and mdio"),
        (RP2, "LAN()", "NameError"),
        (RP2, "WIZNET5K(SPI(0))", "TypeError"),
        (RP2, "WIZNET5K().status('rssi')", "ValueError"),
        ("GENERIC_ESP32", "WLAN().connect('a', 'b')", "OSError: Wifi Not Started"),
    ],
)
def test_network_has_the_rules_of_its_port(name, source, error):
    helpers = """
from machine import *
from network import *
def lan(**pins):
    spi = SPI(1, sck=Pin(12), mosi=Pin(13), miso=Pin(14))
    return LAN(spi=spi, phy_type=PHY_W5500, phy_addr=0, **pins)
def good():
    nic = lan(cs=Pin(10), int=Pin(11))
    nic.active(True)
    return nic
"""
    with VirtualBoard(name) as board, pytest.raises(VirtualBoardError) as caught:
        board.run(helpers + source)
    assert error in str(caught.value)


def test_a_failed_lan_is_only_good_again_after_a_hard_reset():
    good = """
from machine import *
import network
try:
    network.LAN(spi=SPI(1, sck=Pin(12), mosi=Pin(13), miso=Pin(14)),
        phy_type=network.PHY_W5500, phy_addr=0, cs=Pin(10), int=Pin(11))
    print("made")
except OSError as error:
    print(error)
"""
    with VirtualBoard(ESP32, {"main.py": good}) as board:
        board.wait_for("made")
        board.break_chip()
        board.press_reset()
        at = board.wait_for("driver_install failed")
        board.break_chip(False)
        board.wait_for(PROMPT, start=at)
        board.type("\x04")
        at = board.wait_for("esp_netif_new failed", start=at)
        board.press_reset()
        board.wait_for("made", start=at)


def test_static_address_before_active_is_lost_on_the_rp2():
    source = """
import network, time
nic = network.WIZNET5K()
quad = ("10.0.0.9", "255.255.255.0", "10.0.0.1", "10.0.0.1")
if {before}: nic.ifconfig(quad)
nic.active(True)
if not {before}: nic.ifconfig(quad)
while not nic.isconnected(): time.sleep_ms(5)
print(nic.ifconfig()[0])
"""
    with VirtualBoard(RP2) as board:
        assert board.run(source.format(before=True)) == "192.168.1.50\n"
        assert board.run(source.format(before=False)) == "10.0.0.9\n"


ONLINE = """
import board, time
while not board.link.up:
    board.link.poll(time.ticks_ms())
"""


@pytest.fixture
def online(name):
    """A board with the firmware's link up, from the REPL."""
    files = {**boards.sources(name), "main.py": ONLINE + "print('online')\n"}
    with VirtualBoard(name, files) as board:
        board.wait_for("online")
        board.wait_for(PROMPT)
        yield board


def ask(board, source):
    """Run lines at the prompt, without a reset, and return what they print or raise."""
    try:
        return board.run(source, soft_reset=False).strip()
    except VirtualBoardError as error:
        return str(error).splitlines()[-1]


def test_connects_by_the_rules_of_the_port(online):
    esp32 = online.board.port == "esp32"
    online.cable.name({"gateway.plant.lan": "192.168.1.1"})
    with FakeSMTP() as server:
        online.cable.route("192.168.1.1", 25, server.port)
        ask(
            online,
            "import socket\ndef to(address):\n s = socket.socket()\n s.connect(address)\n"
            " print(s.readline()[:3])\n s.close()",
        )
        assert ask(online, "to(('192.168.1.1', 25))") == "b'220'"
        by_name = ask(online, "to(('gateway.plant.lan', 25))")
        assert by_name == ("b'220'" if esp32 else "ValueError: invalid arguments")
        found = "to(socket.getaddrinfo('gateway.plant.lan', 25)[0][-1])"
        assert ask(online, found) == "b'220'"
        assert ask(online, "to('192.168.1.1')").startswith("TypeError")
        unknown = ask(online, "socket.getaddrinfo('nobody.plant.lan', 25)")
        assert unknown == ("OSError: -202" if esp32 else "OSError: -2")
        silence = "s = socket.socket()\ns.settimeout(0.05)\ns.connect(('192.168.1.9', 25))"
        timed_out = ask(online, f"{silence}\ns.read(1)")
        assert ("116" if esp32 else "ETIMEDOUT") in timed_out
        online.cable.pull()
        assert ("118" if esp32 else "EHOSTUNREACH") in ask(online, "to(('192.168.1.1', 25))")


def test_the_cable_holds_back_what_is_sent_while_it_is_out(online):
    with FakeSMTP() as server:
        online.cable.route("192.168.1.1", 25, server.port)
        ask(online, "import socket\ns = socket.socket()\ns.connect(('192.168.1.1', 25))")
        assert ask(online, "print(s.readline()[:3])") == "b'220'"
        online.cable.silence()
        ask(online, "s.settimeout(0.05)\ns.write(b'NOOP\\r\\n')")
        assert "OSError" in ask(online, "s.read(1)")
        online.cable.answer()
        assert ask(online, "s.settimeout(5)\nprint(s.readline()[:3])") == "b'250'"
        online.cable.reset()
        assert "ECONNRESET" in ask(online, "s.read(1)")


MAIL = """
from smtp_client import send_mail
from smtp_client.errors import SMTPError
try:
    to = "ops@example.com"
    send_mail("gateway.plant.lan", 25, "plc7@plant.lan", to, "a Horse", "x", timeout={})
    print("sent")
except SMTPError as error:
    print(error)
"""


def test_the_smtp_client_sends_through_the_stand_ins(online):
    online.cable.name({"gateway.plant.lan": "192.168.1.1"})
    with FakeSMTP() as server:
        online.cable.route("192.168.1.1", 25, server.port)
        assert ask(online, MAIL.format(5)) == "sent"
        online.cable.silence()
        assert ask(online, MAIL.format(0.1)).startswith("CONNECT: name look-up")
        online.cable.answer()
        server.scenario = "MAIL=drop"
        assert "closed" in ask(online, MAIL.format(5))
    assert [mail.message["Subject"] for mail in server.mails] == ["a Horse"]


def test_datagrams_go_and_come(online):
    peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with peer:
        peer.bind(("127.0.0.1", 0))
        online.cable.route_udp("192.168.1.1", 123, peer.getsockname()[1])
        send = (
            "import socket\ns = socket.socket(2, 2)\nprint(s.sendto(b'ask', ('192.168.1.1', 123)))"
        )
        assert ask(online, send) == "3"
        asked, board = peer.recvfrom(100)
        peer.sendto(asked + b"ed", board)
        assert ask(online, "print(s.recvfrom(100))") == "(b'asked', ('192.168.1.1', 123))"
        assert ask(online, "print(s.sendto(b'x', ('192.168.1.99', 123)))") == "1"
        assert "EAGAIN" in ask(online, "s.setblocking(False)\ns.recvfrom(100)")


def test_several_boards_at_once():
    with several(ESP32, RP2, RP2) as (first, *others):
        uids = {board.run("import machine; print(machine.unique_id())") for board in others}
        assert len(uids) == 2
        assert first.run("import sys; print(sys.platform)") == "esp32\n"


def test_gives_as_much_heap_as_it_is_told(name):
    source = {"main.py": "import gc\ngc.collect()\nprint('free', gc.mem_free(), '.')\n"}
    with VirtualBoard(name, source, bits=32, heap=56) as board:
        board.wait_for(PROMPT)
        free = int(board.console.split("free ")[1].split(" ")[0])
        assert 54 * 1024 < free <= 56 * 1024


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda board: board.press("DI9"), "input 'DI9': W5500_EVB_PICO has none of its own"),
        (lambda board: board.set_volts(26, 5), "5 V on GPIO26: give 0 to 3.3"),
        (lambda board: board.cut_power(0), "cut at operation 0: give 1"),
        (lambda board: board.power_on(), "W5500_EVB_PICO is on already"),
        (lambda board: board.write({}), "has power: power_off() first"),
        (lambda board: board.wait_for("never", 0.01), "waited for 'never': nothing in 0.01 s"),
        (lambda board: (board.power_off(), board.type("x")), "has no power: power_on()"),
        (lambda board: VirtualBoard("NOBODY"), "no board is called 'NOBODY': choose one of"),
    ],
)
def test_bad_use_is_told_clearly(act, message):
    with VirtualBoard(RP2) as board, pytest.raises((VirtualBoardError, boards.BoardError)) as got:
        act(board)
    assert message in str(got.value)


def test_the_prompt_is_that_of_a_board(name):
    with VirtualBoard(name) as board:
        board.wait_for(PROMPT)
        board.type("for i in range(2):\r    print('n', i)\r\r")
        at = board.wait_for("n 0\r\nn 1\r\n>>> ")
        board.type("6 * 7\r")
        at = board.wait_for("42\r\n>>> ", start=at)
        board.type("\x05a = 5\rprint('pasted', a)\r\x04")
        at = board.wait_for("pasted 5\r\n", start=at)
        board.type("oops\x7f\x7f\x7f\x7fa\r")
        board.wait_for("5\r\n>>> ", start=at)


DIALOGUE = """
import machine, socket
s = socket.socket()
s.connect(("192.168.1.1", 25))
s.readline()
s.write(b"NOOP\\r\\n")
s.readline()
"""


def cut_and_boot(board):
    board.power_off()
    board.power_on()


@pytest.mark.parametrize(
    "end", [cut_and_boot, lambda board: board.type("\x02machine.reset()\r")], ids=["cut", "reset"]
)
def test_a_board_that_loses_its_power_says_no_good_bye(end):
    files = {**boards.sources(ESP32), "main.py": ONLINE + "print('online')\n"}
    with VirtualBoard(ESP32, files) as board, FakeSMTP() as server:
        board.cable.route("192.168.1.1", 25, server.port)
        board.wait_for(PROMPT)
        assert ask(board, DIALOGUE) == ""
        at = len(board.console)
        end(board)
        board.wait_for(PROMPT, start=board.wait_for("online", start=at))
        assert ask(board, DIALOGUE) == ""
        first, second = server.sessions
        assert (first.ended, second.ended) == (None, None)
        board.type("\x02s.close()\r")
        assert second.wait_closed() == "eof"
        assert first.ended is None


def test_a_soft_reset_closes_connections():
    files = {**boards.sources(RP2), "main.py": ONLINE + "print('online')\n"}
    with VirtualBoard(RP2, files) as board, FakeSMTP() as server:
        board.cable.route("192.168.1.1", 25, server.port)
        board.wait_for(PROMPT)
        assert ask(board, DIALOGUE) == ""
        board.type("\x02\x04")
        assert server.sessions[0].wait_closed() == "eof"


def test_says_to_be_an_older_micropython():
    ask_version = "import sys, os; print(sys.implementation.version[:3], os.uname()[2])"
    with VirtualBoard(RP2, version=(1, 22, 0)) as board:
        board.wait_for("MicroPython v1.22.0")
        assert board.run(ask_version) == "(1, 22, 0) 1.22.0\n"
