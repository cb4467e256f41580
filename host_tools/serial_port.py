"""The serial port of a board: which one it is, and mpremote's transport on it.

    with connected("auto") as transport:
        stop(transport)
        print(transport.exec("print(1 + 1)"))

Whatever goes wrong meanwhile becomes a `PortError` of one line, for users.
"""

import contextlib
import errno
import io
import struct
from collections.abc import Iterator
from pathlib import Path

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

AUTO = "auto"
PATIENCE = 10.0
"""Seconds of silence after which a board is taken for dead."""

ATTEMPTS = (3, 10, 10)
"""Seconds to wait for the prompt after each Ctrl-C: a program may lose one of them in a callback,
or be in a look-up of a name, which takes 7 s."""


class PortError(Exception):
    """The board cannot be reached; one line that says what to do."""


def ports() -> dict[str, str]:
    """Return the serial ports that a board may be at, with what they call themselves."""
    usb = {one.device: one.description for one in list_ports.comports() if one.vid is not None}
    return dict(sorted(usb.items()))


def find(port: str = AUTO) -> str:
    """Return the path of a port; "auto" is the only board that is connected by USB.

    Raises `PortError` where there is none, or more than one.
    """
    if port != AUTO:
        return port
    found = ports()
    if not found:
        raise PortError("no board found: connect one by USB, or name its port with --port")
    if len(found) > 1:
        listed = ", ".join(f"{path} ({description})" for path, description in found.items())
        raise PortError(f"{len(found)} boards found, choose one with --port: {listed}")
    return next(iter(found))


def opened(path: str) -> SerialTransport:
    """Open a port and leave alone what runs on the board; raises `PortError`."""
    try:
        return SerialTransport(path, timeout=PATIENCE)
    except TransportError:
        pass  # mpremote keeps the reason for itself
    except OSError as error:  # not a terminal
        raise PortError(refusal(path, error)) from None
    try:
        serial.Serial(path, exclusive=True).close()
    except OSError as error:
        raise PortError(refusal(path, error)) from None
    raise PortError(f"{path}: cannot be opened: try again")


def refusal(path: str, error: OSError) -> str:
    """Say in one line why a port cannot be opened."""
    if error.errno == errno.ENOENT:
        there = ", ".join(ports()) or "none: connect the board by USB"
        return f"{path}: no such port; there is {there}"
    if error.errno in (errno.EACCES, errno.EPERM):
        group = Path(path).group()
        return f"{path}: no permission: run `sudo usermod -aG {group} $USER` and log in again"
    if error.errno in (errno.EAGAIN, errno.EBUSY):
        return f"{path}: in use by another program: close it first"
    return f"{path}: not a serial port ({error})"


@contextlib.contextmanager
def connected(port: str = AUTO) -> Iterator[SerialTransport]:
    """Open a port for a while; the program on the board goes on until stop().

    port: a path, or "auto"

    Raises `PortError` whenever the board, or its port, fails.
    """
    path = find(port)
    transport = opened(path)
    try:
        with one_line(path):
            yield transport
    finally:
        with contextlib.suppress(OSError):  # it is unplugged
            transport.close()


@contextlib.contextmanager
def one_line(path: str) -> Iterator[None]:
    """Let the errors of a transport be `PortError`s."""
    try:
        yield
    except TransportExecError as error:
        last = error.error_output.strip().splitlines()[-1:]
        raise PortError(f"{path}: the board failed: {''.join(last)}") from None
    except (TransportError, struct.error, serial.SerialTimeoutException):
        raise PortError(f"{path}: the board does not answer any more") from None
    except (serial.SerialException, OSError) as error:
        if isinstance(error, serial.SerialException) or error.errno in (errno.EIO, errno.ENXIO):
            raise PortError(f"{path}: the board was unplugged") from None
        raise


def stop(
    transport: SerialTransport, soft_reset: bool = True, attempts: tuple[int, ...] = ATTEMPTS
) -> None:
    """Stop the program on the board, so that it takes orders.

    soft_reset: let it forget all of the program; otherwise that stays in memory
    attempts: seconds to wait for the prompt after each Ctrl-C

    The program does not start again by itself, and a watchdog that it has goes on.
    Raises `PortError` where no MicroPython answers.
    """
    for seconds in attempts:
        with contextlib.suppress(TransportError), contextlib.redirect_stdout(io.StringIO()):
            transport.enter_raw_repl(soft_reset, timeout_overall=seconds)
            return
    raise PortError(
        f"{transport.device_name}: no MicroPython answers: "
        "press the board's reset button and try again, or install MicroPython"
    )
