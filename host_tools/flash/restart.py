"""What a board says while it starts, and whether it gets ready.

The port of a board with USB of its own goes away at a reset, and what the board says until the PC
has opened it again is lost. So the board is asked then, on its console: it answers when it runs.
"""

import contextlib
import re
import time
from collections.abc import Iterator
from typing import cast

from mpremote.transport_serial import SerialTransport
from serial import Serial

QUESTION = b"=flash status\r"
ANSWER = "=flash "
READY = ("ready: ", ANSWER + "ok")
"""What tells that the board is ready: its own line, or the end of its answer."""

HOPELESS = ("error: cannot boot", ">>> ")
"""What the console says where the firmware gives up: its own words, or MicroPython's prompt."""

TROUBLE = re.compile(r"\d+\.\d{3} (error|warning) |=flash config: (?!\"valid\")")
"""What is shown besides: what it warns of, and what it answers about a configuration."""

PATIENCE = 60.0
"""Seconds from the reset until the board is ready; twice a boot where a configuration is new."""

SHOWN = 5
GLANCE = 0.02  # seconds


class NotReadyError(Exception):
    """The board does not get ready; one line, with the last ones of its console."""


def wait_ready(transport: SerialTransport, patience: float = PATIENCE) -> list[str]:
    """Wait until a board that was reset is ready.

    Returns what it said by then, one or more lines of which the last tells that it is ready.
    Raises `NotReadyError`.
    """
    heard: list[str] = []
    for line in lines(cast("Serial", transport.serial), patience):
        heard.append(line)
        if any(word in line for word in READY):
            return heard
        if line.startswith(HOPELESS):
            break
    last = " / ".join(line for line in heard[-SHOWN:] if line.strip()) or "nothing"
    raise NotReadyError(f"{transport.device_name}: the board does not get ready; it said: {last}")


def words(heard: list[str]) -> tuple[list[str], str]:
    """Return, of what a board said until it was ready, the trouble, and that it is ready."""
    trouble = [line for line in heard[:-1] if TROUBLE.match(line)]
    if heard[-1].startswith(ANSWER):
        return trouble, "ready"
    return trouble, heard[-1]


def lines(port: Serial, seconds: float) -> Iterator[str]:
    """Yield the lines of the console for so many seconds, and a prompt as a line."""
    end = time.monotonic() + seconds
    left = b""
    while time.monotonic() < end:
        *whole, left = (left + read(port)).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").strip("\r\4")
        if left == HOPELESS[-1].encode():
            yield left.decode()


def read(port: Serial) -> bytes:
    """Return what the console said, b"" for nothing; where the port went away, open it again."""
    try:
        if waiting := port.in_waiting:
            return port.read(waiting)
    except OSError:
        port.close()
        with contextlib.suppress(OSError):
            port.open()
            port.write(QUESTION)
    time.sleep(GLANCE)
    return b""
