"""The commands that look into a board, over mpremote's transport, while its program goes on."""

import json
import signal
import subprocess
import sys

import pytest

from host_tools import boards, cli
from host_tools.fake_smtp import FakeSMTP, find_scenario
from host_tools.virtual_board import VirtualBoard
from tests.board.test_firmware import CONFIG

PATIENCE = 60  # seconds after which a command counts as a hang
GATEWAYS = ["192.168.1.1", "192.168.1.2:2525"]


@pytest.fixture(scope="module")
def server():
    with FakeSMTP() as server:
        yield server


@pytest.fixture(scope="module", params=["GENERIC_S3_W5500", "W5500_EVB_PICO"])
def board(request, server):
    """A board that watches, with a gateway that takes mail and one that does not."""
    config = {**CONFIG, "gateways": GATEWAYS, "watchdog": 0, "window": 600}
    files = {**boards.sources(request.param), "config.json": json.dumps(config)}
    refusing = FakeSMTP(find_scenario("unknown-recipient"))
    with refusing, VirtualBoard(request.param, files) as board:
        board.cable.route("192.168.1.1", 25, server.port)
        board.cable.route("192.168.1.2", 2525, refusing.port)
        board.wait_for("link: up, 192.168.1.50")
        yield board


@pytest.fixture
def alarmpost(board, monkeypatch, capsys):
    """Run a command as a person types it; return the exit status and what it printed."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["alarmpost", *words, "--port", board.port])
        status = cli.main()
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return call


def test_status(alarmpost, board):
    status, text = alarmpost("status", "--json")
    found = json.loads(text)
    assert (status, found["problems"]) == (0, [])
    assert (found["device"], found["board"], found["link"]) == ("plc7", board.name, "up")
    status, text = alarmpost("status")
    assert status == 0
    assert text.startswith("plc7: well\n")
    assert "192.168.1.1:25, well" in text


def test_an_alarm_is_acknowledged(alarmpost, board):
    at = len(board.console)
    board.press("GPIO4")
    board.wait_for("PUMP_2 overload RAISED: sent to 1", start=at)
    assert alarmpost("ack", "PUMP_2") == (0, "PUMP_2: ACKED\nchanged: 1\n")
    assert alarmpost("ack", "PUMP_2") == (
        1,
        "alarmpost: PUMP_2: it is ACKED, where ack does nothing\n",
    )
    status, text = alarmpost("ack", "TANK 1")
    assert (status, "'TANK 1': give one word" in text) == (2, True)
    board.release("GPIO4")


def test_the_outbox(alarmpost, board, tmp_path):
    status, text = alarmpost("outbox", "list")
    assert (status, text.splitlines()[-1]) == (0, "1 wait, 0 are parked")
    file = tmp_path / "outbox.json"
    assert alarmpost("outbox", "export", str(file))[0] == 0
    [one] = json.loads(file.read_text())
    assert (one["kind"], one["to"], one["parked"]) == ("BOOT", ["ops@example.com"], [])
    assert alarmpost("outbox", "export", str(file))[0] == 2  # it is there
    key = one["key"]
    assert alarmpost("outbox", "park", key) == (0, f"{key}: parked\nchanged: 1\n")
    status, text = alarmpost("status")
    assert (status, "refused for good: 1: alarmpost outbox list" in text) == (1, True)
    assert alarmpost("outbox", "retry", "all") == (0, f"{key}: is tried again\nchanged: 1\n")


def test_a_test_mail(alarmpost, board, server):
    before = len(server.mails)
    status, text = alarmpost("send-test", "operators")
    lines = text.splitlines()
    assert status == 1
    assert lines[:3] == ["link: up", "address: 192.168.1.50", "to: ops@example.com"]
    stages = [line.split()[1] for line in lines[3:-2]]
    every = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "BODY"]
    assert stages == every + every[: every.index("BODY")]
    assert lines[-2] == (
        "192.168.1.2:2525 failed: RCPT: 550 5.1.1 No such user; "
        'it does not take mail from the board to there: allow that, or correct "recipients"'
    )
    assert lines[-1] == "1 of 2 gateways take it"
    [mail] = server.mails[before:]
    assert mail.message["Subject"] == "[PLANT] plc7 TEST"


def test_logs_are_there_after_a_reset(alarmpost, board):
    at = len(board.console)
    board.cable.pull()
    at = board.wait_for("warning link: no link", start=at)
    board.cable.plug()
    at = board.wait_for("link: up", start=at)
    board.press_reset()
    board.wait_for("link: up", start=at)
    status, text = alarmpost("logs")
    lines = text.splitlines()
    assert status == 0
    assert lines[-2].endswith(" warning link: no link")
    assert lines[-1].startswith("boot ")
    assert lines[-1].endswith(": power on")


def test_the_monitor_comes_back_and_leaves(board):
    words = [sys.executable, "-m", "host_tools.cli", "monitor", "--port", board.port]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as monitor:
        said = iter(monitor.stdout.readline, "")

        def wait_for(text):
            return next(line for line in said if text in line)

        wait_for("Ctrl-C leaves")
        monitor.stdin.write("ack all\n")
        monitor.stdin.flush()
        wait_for(' = ok: "')
        board.unplug()
        wait_for("waiting for it")
        board.plug()
        wait_for("Ctrl-C leaves")
        board.press_reset()
        assert " info ready: plc7" in wait_for("ready")
        monitor.send_signal(signal.SIGINT)
        assert monitor.wait(PATIENCE) == 0
        assert "Traceback" not in monitor.stdout.read()


def test_a_board_without_the_program(alarmpost, board):
    at = len(board.console)
    board.type("\x03")
    board.wait_for(">>> ", start=at)
    expected = (
        "alarmpost: the board is at MicroPython's prompt, its program does not run; "
        f"start it with: mpremote connect {board.port} resume reset\n"
    )
    assert alarmpost("status") == (2, expected)
    mpremote = [sys.executable, "-m", "mpremote", "connect", board.port]
    subprocess.run([*mpremote, "exec", "1"], check=True, timeout=PATIENCE)  # leaves it at the raw
    assert alarmpost("logs") == (2, expected)
    at = len(board.console)
    subprocess.run([*mpremote, "resume", "reset"], check=True, timeout=PATIENCE)
    board.wait_for("ready: plc7", start=at)
    assert alarmpost("ack", "all")[0] == 0


def test_another_program(alarmpost, board, monkeypatch):
    monkeypatch.setattr("host_tools.console.protocol.PATIENCE", 0.2)
    board.power_off()
    board.write({"main.py": "import time\nprint('mine')\nwhile True: time.sleep_ms(9)\n"})
    at = len(board.console)
    board.power_on()
    board.wait_for("mine", start=at)
    status, text = alarmpost("status")
    assert status == 2
    assert text.startswith(f"alarmpost: {board.port}: no answer: another program runs there, ")
    assert text.count("\n") == 1


def test_no_board(alarmpost, board):
    board.unplug()
    status, text = alarmpost("status")
    assert (status, text.count("\n"), "no such port" in text) == (2, 1, True)
