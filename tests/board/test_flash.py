"""`alarmpost flash` with the real mpremote and the virtual board, whatever cable and power do."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest

from host_tools import cli, micropython, mpy
from host_tools.fake_smtp import FakeSMTP
from host_tools.flash import contents
from host_tools.flash.session import Session
from host_tools.virtual_board import VirtualBoard

PROGRAMS = Path(__file__).parent.parent / "firmware" / "programs"
PATIENCE = 600  # seconds after which a program counts as hung
FLAVOURS = {"esp32": "VIRTUAL", "rp2": "W5500_EVB_PICO"}
INPUT = {"VIRTUAL": "DI1", "W5500_EVB_PICO": "GPIO4"}
STEP = 10

PLANT = """
plant = "PLANT"
gateways = ["192.168.1.1"]
ntp = ""
heartbeat = ""
system = "operators"

[recipients]
operators = ["ops@example.com"]

[devices.plc7]
board = "{board}"
sender = "plc7@plant.lan"
points = [
    {{tag = "PUMP_2", description = "{description}", priority = "high", input = "{input}", pull = "up"}},
]
"""


@pytest.fixture
def flash(tmp_path, monkeypatch, capsys):
    """Call `alarmpost flash` for a board; return exit status and what it printed."""

    def call(board, *options, description="overload", name="plc7"):
        file = tmp_path / "plant.toml"
        file.write_text(
            PLANT.format(board=board.name, input=INPUT[board.name], description=description)
        )
        words = ["flash", str(file), "--device", name, "--port", board.port, *options]
        monkeypatch.setattr("sys.argv", ["alarmpost", *words])
        capsys.readouterr()
        status = cli.main()
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return call


def done(result):
    """Return what was printed where all went well."""
    status, printed = result
    assert status == 0, printed
    return printed


def refused(result):
    """Return the message of one line where it did not."""
    status, printed = result
    assert status == 1
    *_, message, end = printed.split("\n")
    assert message.startswith("alarmpost: ")
    assert end == ""
    return message.removeprefix("alarmpost: ")


@pytest.fixture(params=FLAVOURS.values(), ids=FLAVOURS)
def name(request):
    """A board of each port of MicroPython."""
    return request.param


def test_from_an_empty_board_to_a_mail(name, flash):
    with FakeSMTP() as server, VirtualBoard(name) as board:
        board.cable.route("192.168.1.1", 25, server.port)
        printed = done(flash(board))
        assert " all verified\n" in printed
        assert re.search(rf"plc7: \d+\.\d+ info ready: plc7, boot \d+, {name}\n$", printed)
        board.press(INPUT[name])
        board.wait_for("PUMP_2 overload RAISED: sent to 1")
        operations = board.operations
        assert "nothing to copy" in done(flash(board))
        board.power_off()
        files = board.files()
    assert "[PLANT high] PUMP_2 overload RAISED" in [
        mail.message["Subject"] for mail in server.mails
    ]
    assert not [path for path in files if path.startswith(("new", "update"))]
    assert operations  # of the outbox


# Cable and power


class Recorder:
    """Notes how many operations the flash has had at each order."""

    def __init__(self, monkeypatch, board):
        self.board = board
        self.marks = []
        send = Session._send

        def noting(session, source):
            answer = send(session, source)
            self.marks.append(operations(self.board.journal))
            return answer

        monkeypatch.setattr(Session, "_send", noting)


def operations(journal):
    """Return how many operations a journal has."""
    data = journal.read_bytes()
    at = count = 0
    while at < len(data):
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        count += 1
    return count


def prove(board, recorder, step):
    """Cut the power during all that was recorded; return the counts."""
    board.power_off()
    files = {
        path: hashlib.sha256(data).hexdigest()
        for path, data in board.files().items()
        if not path.startswith("adopted/")
    }
    order = {
        "journal": str(board.journal),
        "first": recorder.marks[0],
        "blocks": board.board.blocks,
        "last": recorder.marks[-1] + 1,
        "after": files,
    }
    words = [micropython.find(64), "-X", "heapsize=64m", PROGRAMS / "updates.py"]
    done = subprocess.run(
        [str(word) for word in (*words, board.board.port, step)],
        input=json.dumps(order) + "\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(done.stdout.splitlines()[-1])
    assert counts["old"]
    assert counts["new"]
    return counts


def older(monkeypatch):
    """Let the firmware be another one than this: all of it, and with a module that goes."""
    firmware = contents.firmware

    def contents_before(plant, name):
        return {**firmware(plant, name), "gone.mpy": b"M\6\0\37", "sub/gone.mpy": b""}

    with monkeypatch.context() as patch:
        patch.setattr(mpy, "OPTIONS", ("-O1",))
        patch.setattr(contents, "firmware", contents_before)
        yield


def test_power_cuts_during_an_update(name, flash, monkeypatch, record_property):
    with VirtualBoard(name, journal=True) as board:
        for _ in older(monkeypatch):
            done(flash(board, description="dry run"))
        board.press(INPUT[name])
        board.wait_for("PUMP_2 RAISE")
        recorder = Recorder(monkeypatch, board)
        assert "; 2 removed\n" in done(flash(board))
        counts = prove(board, recorder, STEP)
    assert counts["waiting"] > 1
    record_property("figure", f"flash: power cuts during an update, {name}: {counts}")


OTHER = {"main.py": "import log\n", "log.py": "print('another program')\n", "app/x.py": "X = 1\n"}


@pytest.mark.parametrize("files", [{}, OTHER], ids=["empty", "another program"])
def test_power_cuts_during_the_first_flash(name, files, flash, monkeypatch, record_property):
    with VirtualBoard(name, files, journal=True) as board:
        recorder = Recorder(monkeypatch, board)
        done(flash(board, "--replace-main"))
        counts = prove(board, recorder, STEP)
    record_property("figure", f"flash: power cuts during the first flash, {name}: {counts}")
