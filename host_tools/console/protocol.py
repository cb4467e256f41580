"""Asks the program on a board: a command line, and the lines of its answer among all others.

`firmware/console.py` tells what the lines look like. The program is neither stopped nor slowed.
"""

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from mpremote.transport_serial import SerialTransport
from serial import Serial

from host_tools.serial_port import PortError

LONGEST = 80
"""Octets of a line that the board takes."""

PATIENCE = 20.0
"""Seconds until the first line of an answer: the look-up of a name may stop the board for 14."""

PAUSE = 75.0
"""Seconds from one line to the next: a test mail waits 60 for a gateway."""

HINT = 3.0  # seconds, then the raw REPL is asked to be the friendly one, which says so
LEAVE_RAW = b"\x02"  # Ctrl-B; our program does not mind
GLANCE = 0.1  # seconds
PROMPT = b">>> "
SILENT = (
    "no answer: another program runs there, or the board hangs; alarmpost monitor shows what it "
    "says, alarmpost flash puts the firmware there"
)
AT_PROMPT = (
    "the board is at MicroPython's prompt, its program does not run; start it with: "
    "mpremote connect {port} resume reset"
)

BUSY = "busy: "
BUSY_WAIT = 2.0  # seconds
MOST_BUSY = 300.0

Told = Callable[[str, Any], None]


class Answer(NamedTuple):
    """What a board answered: lines of a name and a value, and how it ended."""

    lines: list[tuple[str, Any]]
    done: bool
    text: str


def ask(transport: SerialTransport, command: str, told: Told | None = None) -> Answer:
    """Ask, and return the answer.

    told: called with each line of it as it comes

    Raises `PortError` where no answer comes, and says why.
    """
    mark = "=" + secrets.token_hex(2)
    line = f"{mark} {command}"
    if len(line.encode()) > LONGEST:
        raise PortError(f"{command[:20]}...: too long: give up to {LONGEST - 6} characters")
    transport.serial.write(f"\r{line}\r".encode())  # the first ends what somebody left half typed
    found = []
    for name, value in answers(transport, mark):
        if name in ("ok", "error"):
            return Answer(found, name == "ok", str(value))
        found.append((name, value))
        if told:
            told(name, value)
    raise AssertionError  # answers() ends by raising


def ask_when_free(
    transport: SerialTransport, command: str, told: Told | None, waiting: Callable[[], None]
) -> Answer:
    """Ask; where a mail is on its way, ask again when it may be through.

    waiting: called before the first wait
    """
    end = time.monotonic() + MOST_BUSY
    answer = ask(transport, command, told)
    if answer.text.startswith(BUSY):
        waiting()
    while answer.text.startswith(BUSY) and time.monotonic() < end:
        time.sleep(BUSY_WAIT)
        answer = ask(transport, command, told)
    return answer


def answers(transport: SerialTransport, mark: str) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each line that has the mark; raises `PortError` after the last."""
    wanted = re.compile(re.escape(mark) + r" (.+?): (.*)")
    end = time.monotonic() + PATIENCE
    for line in lines(transport):
        found = wanted.fullmatch(line)
        if found:
            end = time.monotonic() + PAUSE
            try:
                yield found[1], json.loads(found[2])
            except ValueError:
                raise PortError(f"{transport.device_name}: garbled: {line[:60]}") from None
        elif time.monotonic() > end:
            raise PortError(f"{transport.device_name}: {SILENT}")


def lines(transport: SerialTransport) -> Iterator[str]:
    """Yield the lines of the console for ever, and "" now and then where there are none.

    Raises `PortError` at MicroPython's prompt.
    """
    port = cast("Serial", transport.serial)
    port.timeout = GLANCE
    hint = time.monotonic() + HINT
    left = b""
    while True:
        *whole, left = (left + port.read(max(1, port.in_waiting))).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")
        if any(line.startswith(PROMPT) for line in (*whole, left)):
            raise PortError(AT_PROMPT.format(port=transport.device_name))
        yield ""
        if hint and time.monotonic() > hint:
            hint = 0
            port.write(LEAVE_RAW)
