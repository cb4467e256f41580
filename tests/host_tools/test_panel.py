"""`alarmpost board --virtual`: the panel, without a terminal and within one.

Whatever a test waits for, it looks again with each message and each time that the panel shows
how things are.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from textual.widgets import Button, Input, OptionList, RichLog, Static

from host_tools import boards, cli, firmware
from host_tools.micropython import ROOT
from host_tools.virtual_board import VirtualBoardError
from host_tools.workbench.panel import LEAST, Panel, too_small
from host_tools.workbench.sample import sample

COMMAND = [sys.executable, "-m", "host_tools.cli", "board"]
ENVIRONMENT = {name: os.environ[name] for name in os.environ if name not in ("COLUMNS", "LINES")}
PATIENCE = 90


class Hand:
    """Works at a panel and looks at it."""

    def __init__(self, panel, pilot, news):
        self.panel = panel
        self.pilot = pilot
        self.news = news

    async def until(self, condition):
        """Wait until something is so on the screen."""
        self.news.clear()  # first: what comes while we look is news
        while not condition():
            await asyncio.wait_for(self.news.wait(), PATIENCE)
            self.news.clear()

    async def press(self, *keys):
        await self.pilot.press(*keys)

    async def click(self, selector):
        await self.pilot.click(selector)

    def text(self, selector):
        return str(self.panel.query_one(selector, Static).render())

    @property
    def console(self):
        return "\n".join(line.text for line in self.panel.query_one("#console", RichLog).lines)

    @property
    def inbox(self):
        inbox = self.panel.query_one("#inbox", OptionList)
        return [str(option.prompt) for option in inbox.options]

    @property
    def points(self):
        return [str(point.render()) for point in self.panel.query(".point").results(Static)]

    def has_mail(self, *words):
        return lambda: any(all(word in line for word in words) for line in self.inbox)


@contextlib.asynccontextmanager
async def work(name="VIRTUAL", size=(120, 40), **more):
    """Give a hand at a panel whose board is ready."""
    news = asyncio.Event()

    class Shown(Panel):
        def show(self):
            super().show()
            news.set()

    panel = Shown(name, {**sample(boards.load(name)), **more})
    with panel.bench:
        async with panel.run_test(size=size, message_hook=lambda _: news.set()) as pilot:
            hand = Hand(panel, pilot, news)
            await hand.until(hand.has_mail("plc7 STARTED"))
            yield hand


def played(play, **options):
    """Play a coroutine function with a hand."""

    async def run():
        async with work(**options) as hand:
            await play(hand)

    asyncio.run(run())


def test_a_contact_that_closes_is_a_mail_to_read():
    async def play(hand):
        await hand.until(lambda: "link: up, 192.168.1.50" in hand.text("#state"))
        assert "mpremote connect /" in hand.text("#state")
        await hand.press("1")
        await hand.until(hand.has_mail("[SAMPLE high] PUMP_1 overload RAISED"))
        await hand.until(lambda: hand.points[0] == "PUMP_1 ALARM")
        await hand.until(lambda: "What to do: Reset the motor protection." in hand.text("#text"))
        await hand.until(lambda: "PUMP_1 RAISE, occurrence 1" in hand.console)
        await hand.until(lambda: "waiting on flash: 0" in hand.text("#state"))
        await hand.press("1")
        await hand.until(hand.has_mail("PUMP_1 overload CLEARED"))
        await hand.press("5", "5")  # the button that acknowledges
        await hand.until(lambda: hand.points[0] == "PUMP_1 normal")
        inbox = hand.panel.query_one("#inbox", OptionList)
        inbox.focus()
        await hand.press("home")
        await hand.until(lambda: "Subject: [SAMPLE] plc7 STARTED" in hand.text("#text"))

    played(play)


def test_the_mouse_serves_as_well():
    async def play(hand):
        await hand.click("#cable")
        await hand.until(lambda: "link: no link" in hand.text("#state"))
        rows = hand.panel.query("ContactRow")
        await hand.pilot.click(rows[2].query_one(".pulse", Button))
        await hand.until(lambda: "waiting on flash: 1" in hand.text("#state"))
        assert not hand.has_mail("COOLER_1")()
        await hand.click("#cable")
        await hand.until(hand.has_mail("COOLER_1 failed"))
        await hand.until(lambda: not rows[2].contact.closed)
        network = hand.panel.query_one("#network", Button)
        await hand.click("#network")
        await hand.until(lambda: "gateway silent" in str(network.label))
        await hand.press("4")
        await hand.until(lambda: hand.points[3] == "DOOR_1 ALARM")
        await hand.click("#network")
        await hand.until(lambda: "gateway answers" in str(network.label))

    played(play, size=LEAST)


def test_a_value_is_typed_or_stepped():
    async def play(hand):
        panel = hand.panel
        field = panel.query_one(Input)
        field.focus()
        field.value = "99"
        await hand.press("enter")
        await hand.until(lambda: any("from 0 to 10" in one.message for one in notices(panel)))
        field.value = "8,5"
        await hand.press("enter")
        await hand.until(hand.has_mail("BOILER_1 pressure high RAISED"))
        await hand.until(lambda: "Value: 8.5 bar" in hand.text("#text"))
        await hand.click("#less")
        assert field.value == "8"
        await hand.press("+", "c")  # reach the panel again, not the field
        await hand.until(lambda: "link: no link" in hand.text("#state"))

    played(play)


def notices(panel):
    return list(panel._notifications)


def test_a_power_cut_loses_nothing():
    async def play(hand):
        await hand.press("c")
        await hand.until(lambda: "link: no link" in hand.text("#state"))
        await hand.press("2")
        await hand.until(lambda: "waiting on flash: 1" in hand.text("#state"))
        await hand.press("x", "3")
        await hand.until(lambda: "no power" in hand.text("#state"))
        assert "-- power cut; p gives power" in hand.console
        assert not hand.has_mail("TANK_1")()
        await hand.press("c", "p")
        await hand.until(hand.has_mail("TANK_1 level high RAISED"))
        await hand.until(hand.has_mail("COOLER_1 failed RAISED"))
        await hand.press(*"pppppp")  # faster than it boots
        await hand.until(lambda: hand.console.count("-- off; p gives power") == 3)
        assert hand.panel.bench.board.on

    played(play)


def test_a_mail_that_comes_again_says_so():
    async def play(hand):
        hand.panel.bench.gateway.scenario = "DOT=drop"
        await hand.press("1")
        await hand.until(hand.has_mail("PUMP_1"))
        await hand.until(lambda: "may have it" in hand.console.replace("\n", " "))
        hand.panel.bench.gateway.scenario = "default"
        await hand.press("p", "p")
        await hand.until(hand.has_mail("PUMP_1", "(again: 2)"))

    played(play)


def test_a_board_that_crashes_and_a_terminal_that_shrinks_are_told():
    async def play(hand):
        os.kill(hand.panel.bench.board._supervisor._process.pid, signal.SIGSEGV)
        await hand.until(lambda: "-- crashed with status -11; p gives power" in hand.console)
        at = hand.console.count("info ready")
        await hand.pilot.resize_terminal(60, 20)
        await hand.until(lambda: hand.text("#small") == too_small(60, 20))
        assert hand.panel.has_class("small")
        await hand.press("p")
        await hand.until(lambda: hand.console.count("info ready") > at)
        await hand.pilot.resize_terminal(*LEAST)
        await hand.until(lambda: not hand.panel.has_class("small"))

    played(play)


def test_a_fault_of_the_panel_is_no_traceback(monkeypatch, capsys):
    def fail():
        raise VirtualBoardError("nonsense")

    async def play(hand):
        monkeypatch.setattr(hand.panel, "show", fail)
        await hand.press("1")
        await hand.until(lambda: hand.panel._exception)

    with pytest.raises(Exception, match="nonsense"):
        played(play)
    assert "Traceback" not in "".join(capsys.readouterr())


def faults(configuration):
    """Return what the firmware finds wrong with a configuration."""
    with firmware.modules() as load:
        return load("config").check(configuration)[1]


@pytest.mark.parametrize("name", boards.names())
def test_the_sample_plant_is_a_configuration_for_each_board_whose_inputs_are_known(name):
    kind = boards.load(name)
    if kind.inputs or kind.free:
        assert faults(sample(kind)) == []
    else:
        with pytest.raises(boards.BoardError, match="its inputs are not known: give --config"):
            sample(kind)


@pytest.mark.parametrize("name", ["GENERIC_ESP32", "KINCONY_A16V3", "W5500_EVB_PICO"])
def test_the_sample_plant_is_wired_as_the_board_has_it(name):
    with Panel(name, sample(boards.load(name))).bench as bench:
        bench.board.power_on()
        at = bench.board.wait_for("STARTED")
        bench.wiring.contacts[1].set(True)
        bench.board.wait_for("TANK_1 RAISE", start=at)
        for value in bench.wiring.values:
            value.set(value.high)
            bench.board.wait_for("BOILER_1 RAISE", start=at)


def test_contacts_and_values_are_at_rest_as_the_configuration_has_them():
    scale = [[0, -20], [3_300_000, 80]]
    level = {"type": "analog", "input": 15, "scale": scale, "source": "uv"}
    points = [
        {"tag": "NC", "input": "DI1", "normal": "NC", "on_delay": 0},
        {"tag": "DOWN", "input": "GP16", "pull": "down", "on_delay": 0},
        {"tag": "HIGH", **level, "high": 60, "on_delay": 0},
        {"tag": "LOW", **level, "low": 0, "on_delay": 0},
    ]
    wired = {**sample(boards.load("VIRTUAL")), "points": points, "window": 0}
    assert faults(wired) == []
    with Panel("VIRTUAL", wired).bench as bench:
        broken, low = bench.wiring.contacts[:2]
        (value,) = bench.wiring.values
        assert (broken.closed, low.closed, value.value) == (True, False, 30)
        bench.board.power_on()
        at = bench.board.wait_for("STARTED")
        assert bench.flash().states == {}
        for act, tag in (
            (lambda: broken.set(False), "NC"),
            (lambda: low.set(True), "DOWN"),
            (lambda: value.set(60), "HIGH"),
            (lambda: value.set(-0.5), "LOW"),
        ):
            act()
            at = bench.board.wait_for(f"{tag} RAISE", start=at)


# The command


@pytest.fixture
def run(monkeypatch, capsys):
    """What runs the command in a pipe, and returns its exit status, output and complaint."""

    def run(*args):
        monkeypatch.setattr(sys, "argv", ["alarmpost", "board", *args])
        return cli.main(), *capsys.readouterr()

    return run


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ([], "it shows a virtual board: give --virtual; for a real one see alarmpost --help"),
        (["--virtual"], "it needs a terminal; without one alarmpost demo shows a board at work"),
        (["--virtual", "nonsense"], "no board is called 'nonsense': choose one of"),
        (["--virtual", "M5_CORE_LAN"], "M5_CORE_LAN: its inputs are not known: give --config"),
        (["--virtual", "--config", "/nowhere.json"], "/nowhere.json: No such file or directory"),
        (["--virtual", "--config", __file__], f"{__file__}: no JSON"),
    ],
)
def test_what_cannot_be_shown_is_one_line(run, args, line):
    status, output, complaint = run(*args)
    assert (status, output) == (2, "")
    assert line in complaint
    assert complaint.startswith("alarmpost: ")
    assert complaint.count("\n") == 1


def test_all_faults_of_a_configuration_are_told(run, tmp_path):
    path = tmp_path / "config.json"
    wrong = {**sample(boards.load("VIRTUAL")), "plant": "", "window": -1}
    path.write_text(json.dumps(wrong))
    status, _, complaint = run("--virtual", "--config", str(path))
    assert status == 2
    lines = complaint.splitlines()
    assert len(lines) == 2
    assert all(line.startswith(f"alarmpost: {path}: ") for line in lines)


def test_an_input_that_the_board_has_not_is_told(tmp_path):
    point = {"tag": "PUMP_1", "input": "DI77"}
    wrong = {**sample(boards.load("VIRTUAL")), "points": [point]}
    with pytest.raises(boards.BoardError, match=r"points\.PUMP_1\.input: DI77: VIRTUAL has DI1, "):
        Panel("VIRTUAL", wrong).bench.__enter__()


def in_terminal(tmp_path, *args, size=(24, 80)):
    """Start the command in a terminal of its own; return process and terminal."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        ["setsid", "--ctty", *COMMAND, *args],
        cwd=ROOT,
        env={**ENVIRONMENT, "TMPDIR": str(tmp_path), "TERM": "xterm-256color"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    return process, master


def read_until(master, wanted):
    """Read what a terminal shows until something has come."""
    shown = b""
    end = time.monotonic() + PATIENCE
    while wanted not in shown:
        assert select.select([master], [], [], end - time.monotonic())[0], shown
        shown += os.read(master, 65536)
    return shown


@pytest.mark.parametrize("way", ["q", "\x03", "closed"])
def test_leaves_nothing_behind(tmp_path, way):
    process, master = in_terminal(tmp_path, "--virtual")
    read_until(master, b"info ready")
    if way == "closed":
        os.close(master)
    else:
        os.write(master, way.encode())
    shown = b"" if way == "closed" else drain(master)
    assert process.wait(PATIENCE) == 0
    assert b"Traceback" not in shown
    assert list(tmp_path.iterdir()) == []


def drain(master):
    """Read until the terminal's other end is closed."""
    shown = b""
    with contextlib.suppress(OSError):
        while select.select([master], [], [], PATIENCE)[0]:
            shown += os.read(master, 65536)
    os.close(master)
    return shown


def test_a_terminal_that_is_too_small_is_one_line(tmp_path):
    process, master = in_terminal(tmp_path, "--virtual", size=(20, 60))
    shown = drain(master).decode()
    assert process.wait(PATIENCE) == 2
    words = " ".join(shown.split())
    assert "alarmpost: Invalid value for board: the panel needs 80 columns and 24 lines" in words
