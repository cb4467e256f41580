"""`alarmpost flash` with the real mpremote and the virtual board, whatever cable and power do."""

import ast
import hashlib
import json
import re
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest

from host_tools import boards, cli, micropython, mpy
from host_tools.fake_smtp import FakeSMTP
from host_tools.flash import contents
from host_tools.flash.restart import wait_ready, words
from host_tools.flash.session import HELPER, Session
from host_tools.serial_port import connected
from host_tools.virtual_board import VirtualBoard
from host_tools.virtual_board.board import CLASSES

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
    {{tag = "PUMP_2", description = "{description}", input = "{input}", pull = "up"}},
]

[defaults]
priority = "high"
"""


@cache
def compiled(options, sources):
    """Compile files, once only."""
    return compile_files(dict(sources))


compile_files = contents.compiled


@pytest.fixture
def flash(tmp_path, monkeypatch, capsys):
    """Call `alarmpost flash` for a board; return exit status and what it printed."""

    def compiled_once(sources):
        return dict(compiled(mpy.OPTIONS, tuple(sources.items())))

    monkeypatch.setattr(contents, "compiled", compiled_once)

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


@pytest.fixture(params=FLAVOURS.values(), ids=list(FLAVOURS))
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
        assert "WATCHDOG" not in board.console
        board.power_off()
        files = board.files()
    assert "[PLANT high] PUMP_2 overload RAISED" in [
        mail.message["Subject"] for mail in server.mails
    ]
    assert not [path for path in files if path.startswith(("new", "update"))]
    assert operations  # of the outbox


def test_says_what_it_would_do(flash):
    with VirtualBoard("VIRTUAL") as board:
        printed = done(flash(board, "--dry-run"))
        assert re.search(r"would copy app.mpy, \d+ octets\n", printed)
        assert "would copy config.json" in printed
        board.wait_for("MicroPython v", start=board.wait_for("raw REPL"))
        board.power_off()
        assert board.files().keys() == {"boot.py"}


def test_only_the_configuration(name, flash):
    with VirtualBoard(name) as board:
        done(flash(board))
        printed = done(flash(board, "--only-config", description="dry run"))
        assert "\nplc7: 1 file copied, all verified\n" in printed
        board.power_off()
        files = board.files()
        assert b"dry run" in files["config.json"]
        board.power_on()
        assert "nothing to copy" in done(flash(board, description="dry run"))


def test_only_the_client(name, flash):
    program = "from smtp_client import send_mail\nprint('sends by', send_mail)\n"
    with VirtualBoard(name, {"main.py": program, "lib/smtp_client/old.py": ""}) as board:
        printed = done(flash(board, "--only-client"))
        assert "smtp_client: 21 files copied" in printed
        board.wait_for("sends by <function send_mail")
        assert "nothing to copy" in done(flash(board, "--only-client"))
        board.power_off()
        files = set(board.files()) - {"boot.py", "main.py"}
    client = {Path(path).name for path in contents.client()}
    assert files == {f"lib/smtp_client/{one}" for one in client}


def test_sets_the_clock_in_utc(name, flash):
    with VirtualBoard(name) as board:
        done(flash(board, "--only-client"))
        before = datetime.now(UTC)
        moment = board.run("import time\nprint(time.gmtime()[:6], time.gmtime()[6])")
    *parts, weekday = ast.literal_eval(f"[{moment.replace(') ', '), ')}]")
    found = datetime(*parts[0], tzinfo=UTC)
    assert abs(found - before) < timedelta(minutes=5)
    assert weekday == found.weekday()


def test_each_order_feeds_the_watchdog(name, flash, monkeypatch):
    """The firmware's own goes on, or the helper's; both bite, whatever runs."""
    count = b"""
class Dog:
    count = 0
    def feed(self):
        self.count += 1
dog = Dog()
"""
    fed = []
    reset = Session.reset

    def noting(session):
        fed.append((session.orders, int(session._send(b"print(dog.count)"))))
        reset(session)

    with VirtualBoard(name) as board:
        done(flash(board))
        assert board.page.watchdog
        monkeypatch.setattr("host_tools.flash.session.HELPER", HELPER + count)
        monkeypatch.setattr(Session, "reset", noting)
        done(flash(board, description="dry run"))
    ((orders, feeds),) = fed
    assert feeds >= orders


# What is refused


def test_a_program_that_is_not_ours_stays(name, flash):
    files = {
        "main.py": "print('other')\n",
        "log.py": "",
        "alarms.py": "",
        "app.py": "",
        "x.py": "",
    }
    with VirtualBoard(name, files) as board:
        message = refused(flash(board))
        board.wait_for("other", start=board.wait_for("raw REPL"))
        assert message == (
            "alarms.py, app.py, log.py and 1 more on the board: not put there by alarmpost; "
            "--replace-main overwrites what is in the way"
        )
        assert ", 3 files removed, " in done(flash(board, "--replace-main"))
        board.power_off()
        assert {path for path in board.files() if path.endswith(".py")} - {"boot.py"} == {
            "main.py",
            "x.py",
        }


def test_a_main_that_was_changed_by_hand_stays(flash):
    with VirtualBoard("VIRTUAL") as board:
        done(flash(board))
        board.power_off()
        board.write({"main.py": "print('other')\n"})
        board.power_on()
        assert refused(flash(board)).startswith("main.py on the board: not put there by alarmpost")


def test_a_program_of_the_user_that_imports_alarmpost_stays(name, flash, monkeypatch):
    own = b"import alarmpost\nprint('own')\nalarmpost.run()\n"
    with VirtualBoard(name) as board:
        for _ in older(monkeypatch):
            done(flash(board))
        board.power_off()
        board.write({"main.py": own})
        board.power_on()
        assert "plc7: main.py is a program of yours, it stays\n" in done(flash(board))
        assert "nothing to copy" in done(flash(board, "--only-config"))
        board.power_off()
        files = board.files()
        assert files["main.py"] == own
        assert "gone.mpy" not in files
        board.power_on()
        assert "1 file copied" in done(flash(board, "--replace-main"))


def test_the_firmware_as_source_is_ours(flash):
    sources = boards.sources("VIRTUAL")
    with VirtualBoard("VIRTUAL", sources) as board:
        compiled = len(sources) - 1  # but main.py
        expected = f"{compiled + 1} files copied, {compiled} files removed, all verified"
        assert expected in done(flash(board))


def test_a_full_flash(name, flash):
    board = VirtualBoard(name, {"log.txt": bytes(70000)})
    board.board = board.board.model_copy(update={"blocks": 64})
    with board:
        message = refused(flash(board))
        assert re.fullmatch(
            r"the board's flash is full, \d+ kB are missing: "
            r"remove files of yours; the largest are log.txt(, boot.py)?",
            message,
        )
        board.power_off()
        assert set(board.files()) - {"boot.py"} == {"log.txt"}


def test_an_old_micropython(name, flash):
    with VirtualBoard(name, version=(1, 23, 0)) as board:
        message = refused(flash(board))
    assert message.startswith("MicroPython 1.23.0 is too old, install 1.24 or later: ")
    assert "https://micropython.org/download/" in message


def test_another_board(flash, monkeypatch):
    with VirtualBoard("W5500_EVB_PICO") as board:
        monkeypatch.setattr(board, "name", "VIRTUAL")
        assert refused(flash(board)) == (
            "the board there is W5500-EVB-Pico with RP2040, not VIRTUAL (ESP32-S3): "
            "choose another --port or --device"
        )


def test_a_micropython_without_the_network(flash, monkeypatch):
    monkeypatch.setitem(CLASSES, "RP2040", ())
    with VirtualBoard("W5500_EVB_PICO") as board:
        assert refused(flash(board)) == (
            "MicroPython's image on the board (W5500-EVB-Pico with RP2040) has no "
            "network.WIZNET5K: hold BOOTSEL while you plug USB in, and copy "
            "W5500_EVB_PICO-….uf2 from https://micropython.org/download/W5500_EVB_PICO/"
        )


def test_only_parts_of_what_is_not_there(flash):
    with VirtualBoard("VIRTUAL") as board:
        expected = "the board has no alarmpost yet: flash it without --only-config"
        assert refused(flash(board, "--only-config")) == expected
        done(flash(board))
        expected = "the board has the whole alarmpost: flash it without --only-client"
        assert refused(flash(board, "--only-client")) == expected
        board.power_off()


def test_a_client_that_would_be_hidden(flash):
    with VirtualBoard("VIRTUAL", {"smtp_client/__init__.py": ""}) as board:
        expected = "/smtp_client/__init__.py would be imported in its place: remove it"
        assert refused(flash(board, "--only-client")) == expected


def test_a_port_in_use(flash):
    with VirtualBoard("VIRTUAL") as board, connected(board.port):
        expected = f"{board.port}: in use by another program: close it first"
        assert refused(flash(board)) == expected


@pytest.mark.parametrize(("count", "expected"), [(0, "no board found: "), (2, "2 boards found, ")])
def test_no_board_or_two(count, expected, flash, monkeypatch):
    ports = [SimpleNamespace(device=str(one), description="", vid=1) for one in range(count)]
    monkeypatch.setattr("host_tools.serial_port.list_ports.comports", lambda: ports)
    with VirtualBoard("VIRTUAL") as board:
        monkeypatch.setattr(board, "port", "auto")
        assert refused(flash(board)).startswith(expected)


def test_a_device_that_the_file_does_not_have(flash):
    with VirtualBoard("VIRTUAL") as board:
        status, printed = flash(board, name="plc9")
        assert status == 2
        assert "plant.toml: give plc7" in printed
        assert printed.count("\n") == 1


def test_a_board_that_cannot_boot_is_told_with_its_last_words(flash, monkeypatch):
    monkeypatch.setattr(contents, "configuration", lambda *_: {"config.json": b"{"})
    with VirtualBoard("VIRTUAL") as board:
        message = refused(flash(board))
        assert message.startswith(f"{board.port}: the board does not get ready; it said: ")
        assert "error: cannot boot: ValueError: /config.json" in message


# Cable and power


class Recorder:
    """Notes how many operations the flash has had after each order, and so after each file."""

    def __init__(self, monkeypatch, board):
        self.marks = []
        send = Session._send

        def noting(session, source):
            answer = send(session, source)
            self.marks.append(operations(board.journal))
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
        if not path.startswith(("adopted/", "logs/"))
    }
    order = {
        "journal": str(board.journal),
        "first": recorder.marks[0],
        "blocks": board.board.blocks,
        "last": recorder.marks[-1],
        "marks": recorder.marks,
        "after": files,
    }
    words = [micropython.find(64), "-X", "heapsize=1m", PROGRAMS / "updates.py"]
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


OWN = {"main.py": "import alarmpost\nprint('own')\nalarmpost.run()\n"}


@pytest.mark.parametrize(("name", "own"), [("VIRTUAL", {}), ("W5500_EVB_PICO", OWN)])
def test_power_cuts_during_an_update(name, own, flash, monkeypatch, record_property):
    """Of the firmware; or of what a user's program in the place of main.py uses."""
    with VirtualBoard(name, journal=True) as board:
        for _ in older(monkeypatch):
            done(flash(board, description="dry run"))
        board.power_off()
        board.write(own)
        at = len(board.console)
        board.power_on()
        board.wait_for("ready", start=at)
        board.press(INPUT[name])
        board.wait_for("PUMP_2 RAISE")
        recorder = Recorder(monkeypatch, board)
        assert ", 2 files removed, " in done(flash(board))
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


ORDERS = ("write", 30), ("commit", 1)
"""Orders during which something happens: in the midst of copying, and when all is there."""


@pytest.fixture(params=ORDERS, ids=["copying", "commit"])
def interrupt(request, monkeypatch):
    """Have something happen just before an order is given."""
    name, left = request.param

    def arm(action):
        order = Session.order

        def acting(session, *calls):
            nonlocal left
            left -= any(call[0] == name for call in calls)
            if left == 0:
                left = -1
                action()
            return order(session, *calls)

        monkeypatch.setattr(Session, "order", acting)

    return arm


@pytest.fixture
def updated(name, flash, monkeypatch):
    """A board of which a second flash has much to do, with an alarm that waits in the outbox."""
    with FakeSMTP() as server, VirtualBoard(name) as board:
        for _ in older(monkeypatch):
            done(flash(board))
        board.cable.pull()
        board.press(INPUT[name])
        board.wait_for("PUMP_2 RAISE")
        yield board
        done(flash(board))
        board.cable.route("192.168.1.1", 25, server.port)
        board.cable.plug()
        board.wait_for("PUMP_2 overload RAISED: sent to 1")
        subjects = [mail.message["Subject"] for mail in server.mails]
        assert sum("PUMP_2" in subject for subject in subjects) == 1


@pytest.mark.parametrize("name", ["VIRTUAL"])
def test_ctrl_c(updated, flash, interrupt):
    def stop():
        raise KeyboardInterrupt

    interrupt(stop)
    at = len(updated.console)
    status, printed = flash(updated)
    assert status == 130
    end = "alarmpost: stopped; the board runs all of the old, or all of the new\n"
    assert printed.endswith(end)
    updated.wait_for("ready: plc7", start=at)


@pytest.mark.parametrize("name", ["W5500_EVB_PICO"])
def test_the_cable_is_pulled(updated, flash, interrupt, monkeypatch):
    """The board starts again by itself: its watchdog misses the PC."""
    impatient = HELPER.replace(b"timeout=8000", b"timeout=500")
    with monkeypatch.context() as patch:
        patch.setattr("host_tools.flash.session.HELPER", impatient)
        interrupt(updated.unplug)
        at = len(updated.console)
        assert refused(flash(updated)) == f"{updated.port}: the board was unplugged"
        updated.wait_for("ready: plc7", start=at)
    assert "WATCHDOG" not in updated.console
    updated.plug()


def test_the_power_fails(updated, flash, interrupt):
    def cut():
        updated.cut_power(20)
        threading.Thread(target=lambda: (updated.wait_off(), updated.unplug())).start()

    interrupt(cut)
    assert refused(flash(updated)) == f"{updated.port}: the board was unplugged"
    updated.plug()
    at = len(updated.console)
    updated.power_on()
    updated.wait_for("ready: plc7", start=at)
    assert "WATCHDOG" not in updated.console


def test_another_program_goes_on_until_main_py_is_there(flash, monkeypatch):
    """And the next flash ends what was begun."""
    failing = HELPER.replace(
        b'    os.rename("/new/update.mpy", "/update.mpy")\n    finish()',
        b"    os.rename('/new/update.mpy', '/update.mpy')\n    1/0",
    )
    assert failing != HELPER
    with VirtualBoard("VIRTUAL", {"main.py": "print('other')"}) as board:
        with monkeypatch.context() as patch:
            patch.setattr("host_tools.flash.session.HELPER", failing)
            at = board.wait_for("other")
            assert "ZeroDivisionError" in refused(flash(board, "--replace-main"))
            board.wait_for("other", start=at)
        assert "nothing to copy" in done(flash(board))


ANSWERING = """
import sys
print("up")
line = ""
while line != "=flash status\\r":
    line += sys.stdin.read(1)
print("=flash ok: 1")
"""


def test_a_port_that_goes_away_at_the_reset_and_comes_back():
    """As that of a board with USB of its own does; then the board is asked."""
    with VirtualBoard("W5500_EVB_PICO", {"main.py": ANSWERING}) as board:
        board.wait_for("up")
        with connected(board.port) as transport:
            board.unplug()
            board.plug()
            assert words(wait_ready(transport)) == ([], "ready")


def test_words_of_trouble_are_shown():
    heard = [
        "0.010 info x",
        "0.011 error /config.json: bad",
        '=flash config: "bad"',
        "=flash ok: 1",
    ]
    assert words(heard) == (heard[1:3], "ready")
    heard = ["0.010 warning clock", '=flash config: "valid"', "0.012 info ready: plc7, boot 1, X"]
    assert words(heard) == (heard[:1], heard[2])
