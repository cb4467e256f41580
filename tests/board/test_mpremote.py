"""The real mpremote and a virtual board: the newest that is installed, and an old one."""

import os
import shutil
import subprocess
import sys

import pytest

from host_tools.micropython import ROOT
from host_tools.virtual_board import VirtualBoard

OLD = "1.25.0"
PATIENCE = 60  # seconds after which a command counts as a hang
BUSY = "import time\nwhile True:\n    time.sleep_ms(10)\n"


def old_mpremote():
    """Return the folder of an old mpremote, fetched on first use."""
    folder = ROOT / ".cache" / f"mpremote-{OLD}"
    if not folder.exists():
        target = folder.with_name(f"{folder.name}-{os.getpid()}")
        wanted = [f"mpremote=={OLD}", "--no-deps", "--target", str(target)]
        command = [sys.executable, "-m", "pip", "install", "--quiet", *wanted]
        subprocess.run(command, check=True)
        try:
            target.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(target)
    return str(folder)


CASES = (
    ("GENERIC_S3_W5500", "installed"),
    ("W5500_EVB_PICO", "installed"),
    ("W5500_EVB_PICO", OLD),
)


@pytest.fixture(params=CASES, ids="-".join)
def case(request):
    """A board, and a version of mpremote."""
    return request.param


@pytest.fixture
def board(case):
    with VirtualBoard(case[0], {"main.py": BUSY}) as board:
        yield board


@pytest.fixture
def mpremote(board, case):
    """Call mpremote with arguments as a person writes them; return what it printed."""
    path = old_mpremote() if case[1] == OLD else ""

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", board.port, *arguments],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, (done.stdout, done.stderr, board.console)
        return done.stdout.replace(b"\r\n", b"\n").decode()

    return call


@pytest.fixture
def tree(tmp_path):
    """A folder with a folder in it, of text and of all octets."""
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "five.py").write_text("FIVE = 5\n")
    (folder / "sub" / "all.bin").write_bytes(bytes(range(256)) * 9)
    return folder


def test_runs_programs(mpremote, tree):
    assert mpremote("exec", "print(1 + 1)") == "2\n"
    assert mpremote("eval", "2 ** 70") == f"{2**70}\n"
    assert mpremote("run", str(tree / "five.py"), "+", "exec", "print(FIVE)") == "5\n"
    assert mpremote("resume", "exec", "print(FIVE)") == "5\n"


def test_copies_files_and_skips_what_is_equal(mpremote, board, tree, tmp_path):
    mpremote("fs", "cp", "-r", str(tree), ":")
    operations = board.operations
    assert mpremote("fs", "cp", "-r", str(tree), ":").count("Up to date") == 2
    assert board.operations == operations
    (tmp_path / "back").mkdir()
    mpremote("fs", "cp", "-r", ":tree", str(tmp_path / "back"))
    back = tmp_path / "back" / "tree"
    assert (back / "sub" / "all.bin").read_bytes() == (tree / "sub" / "all.bin").read_bytes()
    assert mpremote("fs", "cat", ":tree/five.py") == "FIVE = 5\n"
    assert "all.bin" in mpremote("fs", "ls", ":tree/sub")
    mpremote("fs", "mkdir", ":d", "+", "fs", "rm", ":tree/five.py", "+", "fs", "rmdir", ":d")
    board.power_off()
    assert set(board.files()) - {"boot.py"} == {"main.py", "tree/sub/all.bin"}


def test_tells_the_size_of_the_flash(mpremote, board):
    assert str(board.board.blocks * 4096) in mpremote("df")


def test_installs_a_local_package(mpremote, tmp_path):
    (tmp_path / "seven.py").write_text("SEVEN = 7\n")
    package = tmp_path / "package.json"
    package.write_text('{"urls": [["seven.py", "seven.py"]], "version": "1"}')
    mpremote("mip", "install", str(package))
    assert mpremote("exec", "import seven; print(seven.SEVEN)") == "7\n"


def test_mounts_a_folder_of_the_pc(mpremote, tree):
    read = "import five; print(five.FIVE, len(open('sub/all.bin', 'rb').read()))"
    assert mpremote("mount", str(tree), "exec", read).endswith("5 2304\n")


def test_sets_the_clock(mpremote):
    before = mpremote("exec", "import time; print(time.gmtime()[0])")
    assert before in ("2000\n", "2021\n")
    mpremote("rtc", "--set")
    assert int(mpremote("exec", "import time; print(time.gmtime()[0])")) > 2025


def test_resets(mpremote, board):
    mpremote("soft-reset")
    boots = board.boots
    mpremote("resume", "reset")
    cause = mpremote("resume", "exec", "import machine; print(machine.reset_cause())")
    assert board.boots == boots + 1
    assert cause == ("2\n" if board.board.port == "esp32" else "3\n")


def test_stops_a_program_that_never_sleeps(mpremote, board):
    board.power_off()
    board.write({"main.py": "print('busy')\nwhile True: pass\n"})
    board.power_on()
    board.wait_for("busy")
    assert mpremote("exec", "print('stopped')") == "stopped\n"


def test_reports_an_error_of_the_program(mpremote, board):
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", board.port, "exec", "1/0"],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    shown = done.stdout + done.stderr
    assert done.returncode == 1
    assert b'Traceback (most recent call last):\r\n  File "<stdin>", line 1' in shown
    assert b"ZeroDivisionError" in shown
