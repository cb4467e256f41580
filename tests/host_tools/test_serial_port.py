"""Ports of boards: which one it is, and what is said where it cannot be had."""

import contextlib
import errno
import os
import pty
from types import SimpleNamespace

import pytest

from host_tools import serial_port
from host_tools.serial_port import PortError, connected, find, refusal, stop
from host_tools.virtual_board import VirtualBoard


def usb(name, vid: int | None = 0x2E8A):
    return SimpleNamespace(device=f"/dev/{name}", description=f"Board {name}", vid=vid)


@pytest.fixture
def plugged(monkeypatch):
    """Set which ports the PC has."""
    return lambda *found: monkeypatch.setattr(serial_port.list_ports, "comports", lambda: found)


def message(call, *arguments):
    with pytest.raises(PortError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_finds_the_only_board(plugged):
    plugged(usb("ttyS0", None), usb("ttyACM0"))
    assert find() == "/dev/ttyACM0"
    assert find("/dev/other") == "/dev/other"


def test_finds_none(plugged):
    plugged(usb("ttyS0", None))
    expected = "no board found: connect one by USB, or name its port with --port"
    assert message(find) == expected


def test_finds_two(plugged):
    plugged(usb("ttyUSB1"), usb("ttyACM0"))
    assert message(find) == (
        "2 boards found, choose one with --port: "
        "/dev/ttyACM0 (Board ttyACM0), /dev/ttyUSB1 (Board ttyUSB1)"
    )


def opening(path):
    with connected(str(path)):
        pass


def test_no_such_port(plugged, tmp_path):
    path = tmp_path / "tty"
    plugged(usb("ttyACM0"))
    assert message(opening, path) == f"{path}: no such port; there is /dev/ttyACM0"
    plugged()
    assert message(opening, path).endswith("there is none: connect the board by USB")


def test_no_serial_port(tmp_path):
    path = tmp_path / "file"
    path.touch()
    assert message(opening, path).startswith(f"{path}: not a serial port (")


def test_no_permission(tmp_path):
    remedy = f"run `sudo usermod -aG {tmp_path.group()} $USER` and log in again"
    error = PermissionError(errno.EACCES, "Permission denied")
    assert refusal(str(tmp_path), error) == f"{tmp_path}: no permission: {remedy}"


def test_in_use():
    with VirtualBoard("VIRTUAL") as board, connected(board.port):
        expected = f"{board.port}: in use by another program: close it first"
        assert message(opening, board.port) == expected


@pytest.mark.parametrize("name", ["GENERIC_S3_W5500", "W5500_EVB_PICO"])
def test_stops_the_program_and_takes_orders(name):
    with VirtualBoard(name, {"main.py": "print('busy')\nwhile True: pass\n"}) as board:
        board.wait_for("busy")
        with connected(board.port) as transport:
            stop(transport)
            assert transport.exec("print(1 + 1)") == b"2\r\n"


def test_what_runs_goes_on_until_it_is_stopped():
    # Not input(): MicroPython's on a PC drops what comes while it changes the terminal's mode.
    program = "import sys\nprint('name?')\nprint('hello', sys.stdin.read(4))\n"
    with VirtualBoard("VIRTUAL", {"main.py": program}) as board:
        at = board.wait_for("name?")
        with connected(board.port) as transport:
            transport.serial.write(b"plc7")
            board.wait_for("hello plc7", start=at)
        assert board.boots == 1


def failing(board):
    with connected(board.port) as transport:
        stop(transport)
        transport.exec("1/0")


def test_a_failure_on_the_board_is_one_line():
    with VirtualBoard("VIRTUAL") as board:
        expected = f"{board.port}: the board failed: ZeroDivisionError: divide by zero"
        assert message(failing, board) == expected


def unplugging(board, unplug):
    with connected(board.port) as transport:
        stop(transport)
        unplug()
        transport.exec("print(1)")


def test_unplugged():
    with contextlib.ExitStack() as stack:
        board = stack.enter_context(VirtualBoard("VIRTUAL"))
        expected = f"{board.port}: the board was unplugged"
        assert message(unplugging, board, stack.close) == expected


def test_nobody_answers(tmp_path):
    end, client = pty.openpty()
    path = tmp_path / "tty"
    path.symlink_to(os.ttyname(client))
    with connected(str(path)) as transport:
        assert message(stop, transport, True, (0, 0)).startswith(
            f"{path}: no MicroPython answers: press"
        )
    os.close(end)
    os.close(client)
