"""The folders of boards/: each description is right, and each board comes up with the firmware."""

import copy
import json

import pytest

from host_tools import boards
from host_tools.virtual_board import VirtualBoard

NAMES = (
    "GENERIC_ESP32",
    "GENERIC_ESP32_W5500",
    "GENERIC_S3_W5500",
    "KINCONY_A16V3",
    "LILYGO_T_ETH_LITE_S3",
    "M5_CORE_LAN",
    "OLIMEX_ESP32_POE",
    "VIRTUAL",
    "W5500_EVB_PICO",
    "WAVESHARE_S3_ETH",
    "WAVESHARE_S3_POE_ETH_8DI_8DO",
    "WT32_ETH01",
)
WIRED = [name for name in NAMES if name != "GENERIC_ESP32"]

# Faster than the clock, so that minutes of patience pass; DHCP answers at once, however fast.
MAIN = """
import board, sys, time
board.link.log = lambda level, text, *values: print(level, text % values, ".")
board.link.ssid, board.link.key = "plant", "secret"
board.link.hostname = "plc7"
{more}
print("boot", board.name, board.reset_cause(), ".")
start = time.ticks_ms()
def run(turns=-1):
    while turns:
        board.link.poll(time.ticks_diff(time.ticks_ms(), start) * {speed})
        time.sleep_ms(1)
        turns -= 1
run()
"""


NEEDED = ["board.py", "borrow.py", "bringup.py", "expander.py", "hardware.py", "link.py"]


def sources(name):
    """Return what a board needs of the firmware for its pins and its link."""
    return {path: data for path, data in boards.sources(name).items() if path in NEEDED}


def start(name, more="", speed=100, **options):
    files = {**sources(name), "main.py": MAIN.format(more=more, speed=speed)}
    return VirtualBoard(name, files, bits=32, dhcp=0, **options)


def test_the_boards_are_these():
    assert tuple(boards.names()) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_has_its_notes(name):
    text = (boards.load(name).folder / "README.md").read_text()
    assert text.startswith(f"# {boards.load(name).title}\n")
    assert boards.load(name).image in text
    for pin in boards.load(name).network.pins.values():
        assert f"GPIO{pin}" in text or f"| {pin} |" in text


@pytest.mark.parametrize("name", NAMES)
def test_each_comes_up(name):
    with start(name) as board:
        at = board.wait_for(f"boot {name} power on .")
        board.wait_for("2 link: up, 192.168.1.50 .", start=at)


@pytest.mark.parametrize("name", WIRED)
def test_each_takes_the_address_that_it_finds_after_the_cable_was_out(name):
    with start(name) as board:
        at = board.wait_for("2 link: up, 192.168.1.50 .")
        board.cable.pull()
        at = board.wait_for("1 link: no link .", start=at)
        board.set_lease("192.168.1.77")
        board.cable.plug()
        board.wait_for("2 link: up, 192.168.1.77 .", start=at)


@pytest.mark.parametrize("name", ["GENERIC_ESP32", "GENERIC_S3_W5500", "W5500_EVB_PICO"])
def test_a_static_address_needs_no_dhcp(name):
    quad = "('10.0.0.9', '255.255.255.0', '10.0.0.1', '10.0.0.1')"
    with start(name, f"board.link.static = {quad}", lease="") as board:
        board.wait_for("2 link: up, 10.0.0.9 .")


def test_wifi_comes_back():
    with start("GENERIC_ESP32") as board:
        at = board.wait_for("link: up")
        board.access_point(False)
        at = board.wait_for("1 link: no link .", start=at)
        board.access_point(True)
        board.wait_for("link: up", start=at)


def test_a_send_error_that_takes_the_rp2_down_is_mended():
    with start("W5500_EVB_PICO") as board:
        at = board.wait_for("link: up")
        board.wedge()
        board.type("\x03")
        board.wait_for(">>> ", start=at)
        connect = "import socket; socket.socket().connect(('192.168.1.1', 25))"
        board.type(f"{connect}\rrun()\r")
        at = board.wait_for("EHOSTUNREACH", start=at)
        at = board.wait_for("1 link: interface down, starting anew .", start=at)
        board.wait_for("link: up", start=at)


@pytest.mark.parametrize(
    ("name", "cause"),
    [("GENERIC_S3_W5500", "hard reset"), ("W5500_EVB_PICO", "hard reset")],
)
def test_a_chip_that_does_not_answer_resets_the_board_less_and_less(name, cause):
    with start(name, speed=1000) as board:
        at = board.wait_for("link: up")
        board.break_chip()
        board.press_reset()
        for wait in (10, 20, 40):
            at = board.wait_for(f", reset in {wait} s .", start=at)
            at = board.wait_for(f"boot {name} {cause} .", start=at)
        board.break_chip(False)
        at = board.wait_for("link: up", start=at)
        board.break_chip()
        board.press_reset()
        board.wait_for("reset in 10 s .", start=at)


def test_without_a_cable_the_board_waits_and_never_resets():
    with start("GENERIC_S3_W5500", speed=100000, power=False) as board:
        board.cable.pull()
        board.power_on()
        at = board.wait_for("boot")
        board.type("\x03")
        board.wait_for(">>> ", start=at)
        board.type("run(200)\rprint('waited', board.link.up)\r")
        board.wait_for("waited False")
        assert board.boots == 1
        assert "reset in" not in board.console


@pytest.mark.parametrize("name", ["GENERIC_S3_W5500", "W5500_EVB_PICO"])
def test_without_an_answer_of_dhcp_the_interface_then_the_board_starts_anew(name):
    with start(name, speed=10000, lease="") as board:
        at = 0
        for _ in range(2):
            at = board.wait_for("1 link: no address, starting anew .", start=at)
        at = board.wait_for("0 link: no address, reset in 10 s .", start=at)
        board.set_lease("192.168.1.50")
        at = board.wait_for("hard reset", start=at)
        board.wait_for("link: up", start=at)


def test_after_a_soft_reset_an_esp32_resets_itself_for_its_interrupt():
    with start("GENERIC_S3_W5500") as board:
        at = board.wait_for("link: up")
        board.type("\x03\x04")
        at = board.wait_for("soft reset .", start=at)
        at = board.wait_for("hard reset .", start=at)
        board.wait_for("link: up", start=at)


def test_a_bite_of_the_watchdog_is_no_reset_of_our_own():
    bite = "if board.reset_cause() != 'watchdog': board.watchdog(60); time.sleep(1)"
    with start("W5500_EVB_PICO", bite) as board:
        board.wait_for("boot W5500_EVB_PICO watchdog .")


INPUTS = """
import board
for name in {names}:
    print(name, board.digital(name, "up").value(), end=" ")
print(".")
"""


@pytest.mark.parametrize("name", NAMES)
def test_each_reads_its_inputs(name):
    described = boards.load(name)
    names = list(described.inputs) or [f"GPIO{pin}" for pin in described.free[:2]]
    if not names:
        names = ["GPIO5", "GPIO2"]
    if name == "GENERIC_ESP32":
        names = ["GPIO4", "GPIO5"]
    with VirtualBoard(name, sources(name)) as board:
        source = INPUTS.format(names=names)
        assert board.run(source) == "".join(f"{one} 1 " for one in names) + ".\n"
        board.press(names[-1])
        expected = [f"{one} {int(one != names[-1])} " for one in names]
        assert board.run(source) == "".join(expected) + ".\n"


def test_an_expander_that_does_not_answer_is_an_os_error():
    with VirtualBoard("KINCONY_A16V3", sources("KINCONY_A16V3")) as board:
        board.remove_expander(0x21)
        source = """
import board
print(board.digital("DI08").value())
try:
    board.digital("DI09").value()
except OSError as error:
    print("OSError", error.errno)
"""
        assert board.run(source) == "1\nOSError 19\n"


def test_reads_a_voltage():
    source = "import board\nprint(board.analog('GPIO{}').read_u16())"
    for name, gpio in (("VIRTUAL", 4), ("W5500_EVB_PICO", 26)):
        with VirtualBoard(name, sources(name)) as board:
            board.set_volts(gpio, 1.65)
            assert board.run(source.format(gpio)) == "32768\n"


@pytest.mark.parametrize(("name", "one"), [("VIRTUAL", "DI9"), ("KINCONY_A16V3", "DI17")])
def test_an_unknown_input_is_told(name, one):
    source = (
        f"import board\ntry:\n    board.digital('{one}')\nexcept ValueError as e:\n    print(e)"
    )
    with VirtualBoard(name, sources(name)) as board:
        told = f"input {one}: give one that the board has, or a GPIO: GPIO4\n"
        assert board.run(source) == told


def test_the_led_shows_the_state():
    for name in ("VIRTUAL", "W5500_EVB_PICO"):
        with VirtualBoard(name, sources(name)) as board:
            board.run("import board\nboard.indicate(1)")
            assert board.led
            board.run("import board\nboard.indicate(0)", soft_reset=False)
            assert not board.led


GOOD = json.loads((boards.FOLDER / "GENERIC_S3_W5500" / boards.FILE).read_text())


def changed(change):
    data = copy.deepcopy(GOOD)
    change(data)
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(mcu="Z80"), "mcu: 'Z80': Input should be 'ESP32', 'ESP32-S3' or"),
        (lambda d: d.update(name="OTHER"), "name: 'OTHER': call it as its folder"),
        (lambda d: d.update(colour="red"), "colour: 'red': Extra inputs are not permitted"),
        (lambda d: d.pop("blocks"), "blocks: Field required"),
        (lambda d: d["network"]["pins"].pop("int"), "network: W5500 needs int: add the pins"),
        (lambda d: d["network"]["pins"].update(x=1), "network: W5500 has no x: remove them"),
        (lambda d: d["network"]["pins"].update(cs=99), "network.pins.cs: 99: Input should be"),
        (lambda d: d["network"].update(phy_addr=1), "phy_addr is for LAN8720 and nothing else"),
        (lambda d: d["network"].update(source=""), "network.source: '': String should have"),
        (lambda d: d.update(free=[10]), "GPIO 10 is network.pins.cs and free: give each its own"),
        (lambda d: d.update(inputs={"DI1": {}}), "inputs.DI1: give either gpio, or expander"),
        (lambda d: d.update(inputs={"DI1": {"gpio": 4}}, free=[]), "inputs need inputs_source"),
    ],
)
def test_a_wrong_description_is_told_in_one_line_a_fault(tmp_path, change, message):
    path = tmp_path / "GENERIC_S3_W5500" / boards.FILE
    path.parent.mkdir()
    path.write_text(json.dumps(changed(change)))
    with pytest.raises(boards.BoardError) as caught:
        boards.read(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
