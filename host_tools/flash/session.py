"""Orders to a board: `device/helper.py` there carries them out."""

import ast
import base64
import contextlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from mpremote.transport_serial import SerialTransport

from host_tools.flash.plan import NEW, RECORD, File, digest, read_record
from host_tools.serial_port import PortError, stop

HELPER = (Path(__file__).parent / "device" / "helper.py").read_bytes()
PIECE = 1536
"""Octets that an order carries; with Base64 and what MicroPython makes of it some 8 kB of heap."""

GIVING_UP = (2,)
"""Seconds to wait for a board that does not answer any more."""


class Facts(NamedTuple):
    """What a board is; see `facts()` of the helper."""

    platform: str
    version: tuple[int, int, int]
    mpy: int
    machine: str
    network: bool
    block: int
    free: int


class Session:
    """A board whose program was stopped, until it is reset.

    orders: how many it has been given
    """

    def __init__(self, transport: SerialTransport):
        self.transport = transport
        self.port = transport.device_name
        self.orders = 0

    def start(self) -> None:
        """Stop the program on the board, and bring the helper there."""
        stop(self.transport)
        self._send(HELPER)

    def order(self, *calls: tuple) -> str:
        """Give an order: calls of functions of the helper, each (name, arguments ...).

        Returns what the board prints.
        """
        lines = (f"{name}({', '.join(map(repr, arguments))})" for name, *arguments in calls)
        return self._send("\n".join(lines).encode())

    def _send(self, source: bytes) -> str:
        self.orders += 1
        return self.transport.exec(source).decode()

    def facts(self, network: str) -> Facts:
        """Return what the board is; `network` is the class that it shall have."""
        return Facts(*ast.literal_eval(self.order(("facts", network))))

    def files(self, skip: tuple[str, ...]) -> dict[str, File]:
        """Return the files on the board, but not those of some folders."""
        found = ast.literal_eval(f"[{self.order(('survey', skip))}]")
        return {path: File(size, digest) for path, size, digest in found}

    def record(self) -> dict[str, str]:
        """Return the SHA-256 of each file that was installed."""
        return read_record(self.text(RECORD))

    def text(self, path: str) -> str:
        """Return the text of a file, "" where there is none."""
        return self.order(("show", "/" + path))

    def copy(
        self, files: Mapping[str, bytes], copied: Callable[[int], None] = lambda _: None
    ) -> None:
        """Copy files to /new, and verify each.

        copied: called with the number of octets of each piece
        """
        for path, data in files.items():
            target = f"/{NEW}{path}"
            answer = ""
            for at in range(0, len(data) or 1, PIECE):
                piece = data[at : at + PIECE]
                calls: list[tuple[str, object]] = [("write", base64.b64encode(piece))]
                if at == 0:
                    calls.insert(0, ("begin", target))
                if at + PIECE >= len(data):
                    calls.append(("end", target))
                answer = self.order(*calls)
                copied(len(piece))
            if answer.strip() != digest(data):
                raise PortError(f"{self.port}: {path} differs on flash: it is worn out, or broken")

    def remove(self, paths: list[str]) -> None:
        """Remove files."""
        if paths:
            self.order(("remove", ["/" + path for path in paths]))

    def set_clock(self) -> None:
        """Set the board's clock, to UTC."""
        now = datetime.now(UTC)
        moment = now.timetuple()
        self.order(("clock", (*moment[:3], now.weekday(), *moment[3:6], 0)))

    def reset(self) -> None:
        """Let the board start what it has."""
        self.transport.exec_raw_no_follow("machine.reset()")

    def give_up(self) -> None:
        """Reset the board if that is still possible."""
        with contextlib.suppress(Exception):
            stop(self.transport, soft_reset=False, attempts=GIVING_UP)
            self.transport.exec_raw_no_follow("import machine; machine.reset()")
