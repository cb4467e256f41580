"""What a board says while it starts, and whether it gets ready."""

import contextlib
import time
from collections.abc import Iterator
from typing import cast

from mpremote.transport_serial import SerialTransport
from serial import Serial

READY = "ready: "
HOPELESS = ("error: cannot boot", ">>> ")
"""What the console says where the firmware gives up: its own words, or MicroPython's prompt."""

PATIENCE = 60.0
"""Seconds from the reset until the board is ready; twice a boot where a configuration is new."""

SHOWN = 5
GLANCE = 0.2  # seconds


class NotReadyError(Exception):
    """The board does not get ready; one line, with the last ones of its console."""


def wait_ready(transport: SerialTransport, patience: float = PATIENCE) -> list[str]:
    """Wait until a board that was reset is ready.

    Returns what it said by then, one or more lines of which the last tells that it is ready.
    Raises `NotReadyError`.
    """
    heard: list[str] = []
    for line in lines(transport, patience):
        heard.append(line)
        if READY in line:
            return heard
        if line.startswith(HOPELESS):
            break
    last = " / ".join(line for line in heard[-SHOWN:] if line.strip()) or "nothing"
    raise NotReadyError(f"{transport.device_name}: the board does not get ready; it said: {last}")


def lines(transport: SerialTransport, seconds: float) -> Iterator[str]:
    """Yield the lines of the console for so many seconds, and a prompt as a line.

    The port of a board with USB of its own goes away when it is reset, and comes back.
    """
    end = time.monotonic() + seconds
    left = b""
    port = cast("Serial", transport.serial)
    port.timeout = GLANCE
    while time.monotonic() < end:
        *whole, left = (left + read(port)).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").strip("\r\x04")
        if left == b">>> ":
            yield left.decode()


def read(port: Serial) -> bytes:
    """Return what the console said, b"" for nothing."""
    try:
        return port.read(max(1, port.in_waiting))
    except OSError:
        with contextlib.suppress(OSError):
            port.close()
            time.sleep(GLANCE)
            port.open()
        return b""
